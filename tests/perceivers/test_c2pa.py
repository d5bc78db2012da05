"""Content Credentials: signed, unsigned, damaged and tampered files told apart."""

from __future__ import annotations

import datetime
import json
import socket
from io import BytesIO
from pathlib import Path

import c2pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image

from imgaudit.digest import digest_bytes
from imgaudit.perceivers.c2pa import CredentialsPerceiver
from imgaudit.percepts import ContentCredentials
from imgaudit.provenance import c2pa as manifests
from imgaudit.provenance.write import mark
from imgaudit.types import Failed, Look, Picture, Query, Source

TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def certificate(name: str, issuer: x509.Certificate | None, issuer_key: ec.EllipticCurvePrivateKey | None):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test Lab"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    leaf = issuer is not None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36500))
        .add_extension(x509.BasicConstraints(ca=not leaf, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(leaf, False, False, False, False, not leaf, not leaf, False, False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key((issuer_key or key).public_key()), critical=False
        )
    )
    if leaf:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    return builder.sign(issuer_key or key, hashes.SHA256()), key


@pytest.fixture(scope="module")
def signed() -> bytes:
    """A marked PNG, signed last with a certificate that nobody trusts."""
    root, root_key = certificate("root", None, None)
    leaf, key = certificate("leaf", root, root_key)
    chain = b"".join(c.public_bytes(serialization.Encoding.PEM) for c in (leaf, root))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, chain, private, None))
    action = {"action": "c2pa.created", "digitalSourceType": TRAINED}
    manifest = {
        "claim_generator_info": [{"name": "test generator", "version": "1"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}],
    }
    marked = mark(Image.new("RGB", (32, 32), "teal"), Source(generator="embedded@2", prompt="a teal square"))
    result = BytesIO()
    settings = c2pa.Settings.from_dict({"builder": {"thumbnail": {"enabled": False}}})
    with c2pa.Builder(json.dumps(manifest), context=c2pa.Context(settings)) as builder:
        builder.sign(signer, "image/png", BytesIO(marked), result)
    return result.getvalue()


def seen(data: bytes) -> ContentCredentials:
    look = Look(Picture(id="a", data=data, file=digest_bytes(data)), Query("c2pa"))
    (sight,) = CredentialsPerceiver().perceive([look])
    assert isinstance(sight, ContentCredentials)
    return sight


def test_a_signed_file_is_valid_and_its_unknown_signer_is_not_trusted(signed: bytes) -> None:
    found = seen(signed)

    assert (found.state, found.trust, found.failures) == ("valid", "none", ("signingCredential.untrusted",))
    assert (found.issuer, found.generator) == ("Test Lab", "test generator 1")
    assert found.actions == ("c2pa.created",)
    assert found.digital_source_types == (TRAINED,)


def test_a_file_that_was_changed_after_signing_is_invalid(signed: bytes) -> None:
    tampered = signed.replace(b"a teal square", b"a blue square", 1)

    found = seen(tampered)

    assert found.state == "invalid"
    assert "assertion.dataHash.mismatch" in found.failures


def test_a_file_that_was_saved_again_has_no_manifest(signed: bytes) -> None:
    stream = BytesIO()
    with Image.open(BytesIO(signed)) as picture:
        picture.save(stream, format="PNG")

    assert seen(stream.getvalue()) == ContentCredentials(state="none", trust="none")


def test_a_file_without_any_marker_never_reaches_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = manifests.ManifestReader()
    monkeypatch.setattr(reader, "_library", None)

    assert reader.read(mark(Image.new("RGB", (8, 8)), Source())).state == "none"


def test_a_remote_manifest_is_not_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        packet = (
            '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            '<rdf:Description rdf:about="" xmlns:dcterms="http://purl.org/dc/terms/" '
            f'dcterms:provenance="http://127.0.0.1:{server.getsockname()[1]}/a.c2pa"/></rdf:RDF></x:xmpmeta>'
        )
        body = b"http://ns.adobe.com/xap/1.0/\0" + packet.encode()
        stream = BytesIO()
        Image.new("RGB", (8, 8)).save(stream, format="JPEG")
        data = stream.getvalue()
        server.settimeout(0.2)

        found = seen(data[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + data[2:])

        assert (found.state, found.failures) == ("unreadable", ("manifest.inaccessible",))
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_damaged_manifest_is_unreadable_or_invalid_and_never_an_exception(signed: bytes) -> None:
    start = signed.index(b"jumb")

    states = {seen(signed[:at] + b"\xff" + signed[at + 1 :]).state for at in range(start, start + 400, 20)}

    assert states <= {"invalid", "unreadable", "none"}
    assert "unreadable" in states or "invalid" in states


def test_text_about_manifests_is_no_manifest() -> None:
    assert seen(b"this text speaks of c2pa and provenance").state == "none"


def test_a_report_of_unknown_shape_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    perceiver = CredentialsPerceiver()

    def broken(_: bytes) -> ContentCredentials:
        raise KeyError("state")

    monkeypatch.setattr(perceiver._reader, "read", broken)

    (sight,) = perceiver.perceive([Look(Picture(id="a", data=b"", file=""), Query("c2pa"))])
    assert isinstance(sight, Failed)


def test_its_identity_names_the_library_and_the_settings() -> None:
    assert set(CredentialsPerceiver().identity()) == {"c2pa-python", "settings"}


def test_public_files_get_the_state_and_the_codes_of_the_oracle(corpora: Path) -> None:
    folder = corpora / "provenance"
    if not (folder / "C2PA_ORACLE.json").is_file():
        pytest.skip(f"no signed files at {folder}")
    oracle = json.loads((folder / "C2PA_ORACLE.json").read_text(encoding="utf-8"))
    reader = manifests.ManifestReader()
    judged = {
        name: entry
        for name, entry in oracle.items()
        if ("state" in entry or "no JUMBF" in entry["error"]) and (folder / name).is_file()
    }

    found = {name: reader.read((folder / name).read_bytes()) for name in judged}

    assert {n: f.state for n, f in found.items()} == {n: e.get("state", "None").lower() for n, e in judged.items()}
    assert not [name for name, entry in judged.items() if not set(entry.get("fail", ())) <= set(found[name].failures)]
    assert {n: f.issuer for n, f in found.items()} == {n: e.get("issuer") for n, e in judged.items()}
