"""CAWG identities and RFC 3161 time stamps: made here, read back, and judged by lists of trust."""

from __future__ import annotations

import ctypes
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from pathlib import Path

import c2pa
import pytest
from PIL import Image

from imgaudit.checkers.provenance import CREDENTIALS, METADATA, Provenance
from imgaudit.cli import run
from imgaudit.errors import PictureError, UsageError
from imgaudit.perceivers.metadata import metadata
from imgaudit.provenance.c2pa import SETTINGS, ManifestReader, anchors, credentials
from imgaudit.provenance.signing import (
    Credential,
    credential_from_pem,
    development_credential,
    manifest,
    signed,
    time_stamp_address,
)
from imgaudit.types import Case, Measured, Percepts

CLAIMS = manifest("trainedAlgorithmicMedia", "some model")


def picture() -> bytes:
    stream = BytesIO()
    Image.effect_noise((48, 32), 60).convert("RGB").save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def claimant(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return development_credential(tmp_path_factory.mktemp("claimant"))


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return development_credential(tmp_path_factory.mktemp("person"))


def finding(data: bytes, reader: ManifestReader) -> Measured:
    sights = {METADATA: metadata(data), CREDENTIALS: reader.read(data)}
    outcome = Provenance().measure(Case(id="a"), Percepts(sights))
    assert isinstance(outcome, Measured)
    return outcome


# --- identities ----------------------------------------------------------------------------------


def native(credential: Credential) -> c2pa.Signer:
    return c2pa.Signer.from_callback(credential.sign, c2pa.C2paSigningAlg.ES256, credential.chain)


def with_identity(claim: c2pa.Signer, identity: c2pa.Signer) -> c2pa.Signer:
    """c2pa's own library joins two signers; its Python interface has no word for that yet."""
    join = c2pa.c2pa._lib.c2pa_identity_signer_create
    join.restype, join.argtypes = ctypes.c_void_p, [ctypes.c_void_p] * 4
    words = [(ctypes.c_char_p * 2)(word, None) for word in (b"cawg.metadata", b"cawg.publisher")]
    pointer = join(*(ctypes.cast(one, ctypes.c_void_p) for one in (claim._handle, identity._handle, *words)))
    assert pointer
    for one in (claim, identity):
        one._teardown(free_handle=False)  # both belong to the joined one now
    joined: c2pa.Signer = c2pa.Signer._wrap_native_handle(ctypes.cast(pointer, ctypes.POINTER(c2pa.c2pa.C2paSigner)))
    joined._kept = (claim._callback_cb, identity._callback_cb)
    return joined


@pytest.fixture(scope="module")
def identified(claimant: dict[str, Path], person: dict[str, Path]) -> bytes:
    """A picture whose maker signed the manifest, and a publisher of another authority vouches for it."""
    first, second = (native(credential_from_pem(one["chain"], one["key"])) for one in (claimant, person))
    kept = first._callback_cb, second._callback_cb
    result = BytesIO()
    context = c2pa.Context(c2pa.Settings.from_dict(SETTINGS))
    with c2pa.Builder(json.dumps(CLAIMS), context=context) as builder:
        builder.sign(with_identity(first, second), "image/png", BytesIO(picture()), result)
    del kept
    return result.getvalue()


def test_an_identity_is_read_with_its_state_and_an_unknown_signer_is_no_fault(identified: bytes) -> None:
    found = ManifestReader().read(identified)

    (identity,) = found.identities
    assert found.state == "valid"
    assert (identity.kind, identity.state, identity.failures) == ("cawg.x509.cose", "valid", ())
    assert identity.who.startswith("imgaudit DEVELOPMENT")


def test_the_lists_answer_for_the_signer_of_the_manifest_and_not_for_the_identity(
    identified: bytes, claimant: dict[str, Path], person: dict[str, Path]
) -> None:
    lists = (anchors("official", claimant["authority"]), anchors("user", person["authority"]))

    found = ManifestReader(lists).read(identified)

    assert [one.trusted for one in found.lists] == [True, False]
    assert finding(identified, ManifestReader(lists)).labels["c2pa_identities"].endswith("by certificate: valid")


def statuses(*failures: str, ending: str = "") -> dict[str, object]:
    """A report of the library about one identity; `ending` is the end of its label."""
    url = f"self#jumbf=/c2pa/x/c2pa.assertions/cawg.identity{ending}"
    return {
        "validation_state": "Valid",
        "active_manifest": "x",
        "manifests": {"x": {"assertions": [{"label": "cawg.identity", "data": {"signer_payload": {"sig_type": "k"}}}]}},
        "validation_results": {
            "activeManifest": {
                "success": [{"code": "cawg.x509.signature.validated", "url": url}] if not failures else [],
                "failure": [{"code": code, "url": url} for code in failures],
            }
        },
    }


@pytest.mark.parametrize(
    ("codes", "state"),
    [
        ((), "valid"),
        (("cawg.x509.signature.mismatch",), "invalid"),
        (("cawg.identity.hard_binding_missing", "cawg.x509.credential.untrusted"), "invalid"),
        (("cawg.identity.sig_type.unknown",), "untold"),
        (("cawg.ica.did_unavailable",), "untold"),
    ],
)
def test_a_fault_makes_an_identity_invalid_and_what_cannot_be_told_offline_does_not(
    codes: tuple[str, ...], state: str
) -> None:
    (identity,) = credentials(statuses(*codes)).identities

    assert identity.state == state


def test_what_the_library_says_of_another_assertion_is_not_held_against_an_identity() -> None:
    (identity,) = credentials(statuses("cawg.x509.signature.mismatch", ending="__1")).identities

    assert identity.state == "untold"


def test_public_identities_fail_and_hold_as_their_names_say(corpora: Path) -> None:
    folder = corpora / "provenance" / "c2pa-rs-identity"
    files = sorted(folder.rglob("*.jpg"))
    if not files:
        pytest.skip(f"no files with identities at {folder}")
    sound = {"success", "extra_field"}
    unknown = {"invalid_sig_type", "malformed_cbor"}

    states = {path.stem: [one.state for one in ManifestReader().read(path.read_bytes()).identities] for path in files}

    assert {name for name, told in states.items() if told == ["valid"]} == sound
    assert {name for name, told in states.items() if told in (["untold"], [])} == unknown
    assert all(told == ["invalid"] for name, told in states.items() if name not in sound | unknown)


# --- time stamps ---------------------------------------------------------------------------------

CONFIGURATION = """
[tsa]
default_tsa = loopback
[loopback]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
certs = {folder}/chain.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256,sha384,sha512
ess_cert_id_alg = sha256
"""
EXTENSIONS = (
    "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n"
    "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
)


class Authority:
    """A time-stamping authority on loopback: openssl makes the replies. `reply` replaces them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked, self.reply = folder, 0, b""
        self.root = folder / "ca.pem"
        (folder / "tsa.cnf").write_text(CONFIGURATION.format(folder=folder))
        (folder / "serial").write_text("01\n")
        (folder / "ext").write_text(EXTENSIONS)
        for name in ("ca", "tsa"):
            self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
        subject = ("-subj", "/O=Loopback/CN=Loopback root")
        self._openssl("req", "-x509", "-new", "-key", "ca.key", *subject, "-days", "9", "-out", "ca.pem",
                      "-addext", "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip
        self._openssl("req", "-new", "-key", "tsa.key", "-subj", "/O=Loopback/CN=Loopback TSA", "-out", "tsa.csr")
        self._openssl("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                      "-days", "9", "-extfile", "ext", "-out", "tsa.pem")  # fmt: skip
        (folder / "chain.pem").write_bytes((folder / "tsa.pem").read_bytes() + self.root.read_bytes())

    def _openssl(self, *arguments: str) -> bytes:
        return subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True).stdout

    def answer(self, query: bytes) -> bytes:
        self.asked += 1
        (self.folder / "query").write_bytes(query)
        return self.reply or self._openssl("ts", "-reply", "-queryfile", "query", "-config", "tsa.cnf")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Authority, str]]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed; it makes the time stamps of this test")
    made = Authority(tmp_path_factory.mktemp("authority"))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = made.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def stamped(files: dict[str, Path], address: str | None) -> bytes:
    return signed(picture(), credential_from_pem(files["chain"], files["key"], address), CLAIMS)


def test_a_signature_is_stamped_when_an_authority_is_named_and_only_then(
    authority: tuple[Authority, str], claimant: dict[str, Path]
) -> None:
    made, address = authority
    before = made.asked

    without, with_stamp = stamped(claimant, None), stamped(claimant, address)

    assert made.asked == before + 1
    plain, found = ManifestReader().read(without), ManifestReader().read(with_stamp)
    assert (plain.time_stamp, plain.signed_at) == ("none", None)
    assert (found.state, found.time_stamp, found.time_stamp_lists) == ("valid", "sound", ())
    assert found.signed_at is not None
    assert found.failures == ("signingCredential.untrusted",)


def test_the_signer_of_a_stamp_is_judged_by_each_list(
    authority: tuple[Authority, str], claimant: dict[str, Path], tmp_path: Path
) -> None:
    made, address = authority
    both = tmp_path / "both.pem"
    both.write_bytes(made.root.read_bytes() + claimant["authority"].read_bytes())
    lists = (anchors("official", claimant["authority"]), anchors("user", both))

    found = ManifestReader(lists).read(stamped(claimant, address))

    assert [one.trusted for one in found.lists] == [True, True]
    assert found.time_stamp_lists == ("user",)


def test_a_stamp_that_does_not_fit_is_refused_and_nothing_is_written(
    authority: tuple[Authority, str], claimant: dict[str, Path]
) -> None:
    made, address = authority
    other = stamped(claimant, address)
    assert ManifestReader().read(other).time_stamp == "sound"
    made.reply = b"no stamp at all"
    try:
        with pytest.raises(PictureError, match=f"time stamp was asked of {address}"):
            stamped(claimant, address)
    finally:
        made.reply = b""


def test_an_authority_that_is_not_there_is_a_sentence(claimant: dict[str, Path]) -> None:
    with pytest.raises(PictureError, match="a time stamp was asked of"):
        stamped(claimant, "http://127.0.0.1:9/")


@pytest.mark.parametrize("address", ["", "ftp://x", "file:///etc/passwd", "http://", "timestamp.example", "http://a\nb"])
def test_only_a_web_address_names_an_authority(address: str) -> None:
    with pytest.raises(UsageError, match="time-stamping authority"):
        time_stamp_address(address)


def test_the_command_stamps_and_shows_the_stamp(
    authority: tuple[Authority, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, address = authority
    file, certificates, out = tmp_path / "a.png", tmp_path / "certs", tmp_path / "out"
    file.write_bytes(picture())
    run(["provenance", "dev-ca", "--out", str(certificates)])

    assert run(["provenance", "mark", str(file), "--out", str(out), "--tsa", address]) == 2
    assert "--sign-with" in capsys.readouterr().err
    assert run(["provenance", "mark", str(file), "--out", str(out), "--sign-with", str(certificates),
                 "--tsa", address]) == 0  # fmt: skip
    assert run(["provenance", "show", str(out / "a.png")]) == 0
    assert "sound (its signer is on no list that was asked)" in capsys.readouterr().out
