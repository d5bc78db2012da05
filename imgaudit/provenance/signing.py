"""Signs pictures with C2PA manifests, and makes certificates for trying that out.

A signature covers the whole file: marks first, sign last. The key may lie in a PEM file, or anywhere behind a callback
(a KMS, an HSM): see `Credential`. Nothing goes over a network, with one exception that the user must ask for by name:
a time stamp (RFC 3161), for which c2pa's own client sends a digest of the signature to the authority's address.

A development certificate is signed by an authority that exists for nobody else. "DEVELOPMENT" stands in its names, and
every report that meets one says so.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from imgaudit import __version__
from imgaudit.errors import ModelUnavailable, PictureError, UsageError
from imgaudit.provenance.c2pa import SETTINGS, ManifestReader
from imgaudit.provenance.marking import VOCABULARY
from imgaudit.provenance.pieces import MIME, taken_apart

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    from imgaudit.percepts import ContentCredentials

ORGANIZATION = "imgaudit DEVELOPMENT only - not for publication"
AUTHORITY, SIGNER = "imgaudit DEVELOPMENT authority", "imgaudit DEVELOPMENT signer"
DAYS = 365
FILES = {"authority": "development-ca.pem", "chain": "development-chain.pem", "key": "development-key.pem"}
ACTIONS, PARENT = "c2pa.actions.v2", "parent"
ALGORITHMS = ("es256", "es384", "es512", "ps256", "ps384", "ps512", "ed25519")


@dataclass(frozen=True)
class Credential:
    """A certificate chain, and a way to sign with its key.

    Attributes:
        chain: PEM, the signer's certificate first, then those above it.
        algorithm: one of `ALGORITHMS`; it must fit the key.
        sign: signs bytes and returns the signature (ECDSA as DER). A KMS is asked here, so the key need not be at hand.
        tsa: http or https address of a time-stamping authority; None, the default, asks nobody.
    """

    chain: str
    algorithm: str
    sign: Callable[[bytes], bytes]
    tsa: str | None = None


def credential_from_pem(chain: Path, key: Path, tsa: str | None = None) -> Credential:
    """A credential from two PEM files. Raises UsageError for files that are none or do not fit each other."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    try:
        text = chain.read_text()
        certificate = x509.load_pem_x509_certificates(text.encode())[0]
        private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except OSError as error:
        raise UsageError(f"{error.filename}: cannot be read: {error.strerror}; expected a PEM file") from error
    except TypeError as error:
        raise UsageError(
            f"{key}: the key is encrypted; expected one without a passphrase, or a callback to what holds it"
        ) from error
    except ValueError as error:
        raise UsageError(f"{chain}, {key}: expected certificates and a private key as PEM: {error}") from error
    if private.public_key() != certificate.public_key():
        raise UsageError(f"{key}: the key does not belong to the first certificate of {chain}; put the signer's first")
    algorithm, sign = _signing_with(private)
    return Credential(text, algorithm, sign, tsa)


def _signing_with(private: Any) -> tuple[str, Callable[[bytes], bytes]]:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "ed25519", private.sign
    if isinstance(private, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=32)
        return "ps256", lambda data: private.sign(data, pss, hashes.SHA256())
    curves: dict[str, tuple[str, hashes.HashAlgorithm]] = {
        "secp256r1": ("es256", hashes.SHA256()),
        "secp384r1": ("es384", hashes.SHA384()),
        "secp521r1": ("es512", hashes.SHA512()),
    }
    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name in curves:
        algorithm, hashed = curves[private.curve.name]
        return algorithm, lambda data: private.sign(data, ec.ECDSA(hashed))
    raise UsageError("the key is of a kind that C2PA does not sign with; expected P-256, P-384, P-521, RSA or Ed25519")


def manifest(source_type: str, system: str | None, version: str | None = None) -> dict[str, Any]:
    """What is signed: that the picture was created, as what, with which system; the IPTC's fields once more."""
    address = VOCABULARY + source_type
    agent = {"name": system, **({"version": version} if version else {})}
    action = {"action": "c2pa.created", "digitalSourceType": address, **({"softwareAgent": agent} if system else {})}
    fields = {"Iptc4xmpExt:DigitalSourceType": address, "Iptc4xmpExt:AISystemUsed": system}
    context = {"Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"}
    return {
        "claim_generator_info": [{"name": "imgaudit", "version": __version__}],
        "assertions": [
            {"label": ACTIONS, "data": {"actions": [action]}},
            {"label": "cawg.metadata", "data": {"@context": context, **{k: v for k, v in fields.items() if v}}},
        ],
    }


def made_from(claims: Mapping[str, Any], *actions: Mapping[str, Any], source_type: str | None = None) -> dict[str, Any]:
    """The same claims for a picture that was made from another, which `signed` is then given as `parent`.

    Args:
        claims: as `manifest` gives them; their actions are replaced.
        actions: what was done to the parent, each with at least the key `action`.
        source_type: what the parent is, where its own manifest does not say so.
    """
    known = {"digitalSourceType": VOCABULARY + source_type} if source_type is not None else {}
    opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": [PARENT]}, **known}
    kept = [one for one in claims["assertions"] if one["label"] != ACTIONS]
    return {**claims, "assertions": [{"label": ACTIONS, "data": {"actions": [opened, *map(dict, actions)]}}, *kept]}


def signed(data: bytes, credential: Credential, claims: Mapping[str, Any], parent: bytes | None = None) -> bytes:
    """The file with a manifest that says `claims` (see `manifest`), read back and found valid.

    `parent` is the file it was made from (see `made_from`): its manifest, if it has one, is carried along.
    Raises PictureError when the file cannot be signed, when what was written does not hold, or when the authority that
    `credential.tsa` names gave no time stamp that fits.
    """
    try:
        import c2pa
    except (ImportError, OSError) as error:
        raise ModelUnavailable(f"c2pa-python cannot be loaded: {error}", "pip install c2pa-python==0.38.1") from error
    if credential.algorithm not in ALGORITHMS:
        raise UsageError(f"unknown algorithm {credential.algorithm!r}; there are: {', '.join(ALGORITHMS)}")
    kind = MIME[taken_apart(data).format]
    tsa = None if credential.tsa is None else time_stamp_address(credential.tsa)
    result = BytesIO()
    try:
        algorithm = c2pa.C2paSigningAlg[credential.algorithm.upper()]
        settings = c2pa.Settings.from_dict(SETTINGS)
        with (
            c2pa.Signer.from_callback(credential.sign, algorithm, credential.chain, tsa) as signer,
            c2pa.Builder(json.dumps(dict(claims)), context=c2pa.Context(settings)) as builder,
        ):
            if parent is not None:
                ingredient = {"title": "original", "relationship": "parentOf", "label": PARENT}
                builder.add_ingredient(ingredient, MIME[taken_apart(parent).format], BytesIO(parent))
            builder.sign(signer, kind, BytesIO(data), result)
    except c2pa.C2paError as error:
        asked = f" (a time stamp was asked of {tsa})" if tsa else ""
        raise PictureError(f"the picture cannot be signed: {error}{asked}; check certificates and key") from error
    _hold_up(ManifestReader().read(result.getvalue()), tsa)
    return result.getvalue()


def _hold_up(found: ContentCredentials, tsa: str | None) -> None:
    """Raise PictureError when what was written does not hold, or lacks the stamp that was asked for."""
    if found.state != "valid":
        why = ", ".join(found.failures) or found.state
        raise PictureError(f"the signature does not hold ({why}); check that the certificates are for signing C2PA")
    if tsa is not None and found.time_stamp != "sound":
        raise PictureError(
            f"{tsa}: gave no time stamp that fits the signature; expected an RFC 3161 authority; try another, or sign "
            "without one"
        )


def time_stamp_address(text: str) -> str:
    """The address of a time-stamping authority. Raises UsageError for anything but http and https with a host."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or not text.isprintable():
        raise UsageError(f"{text[:200]!r}: is no address of a time-stamping authority; expected http://... or https://...")
    return text


# --- a development authority ---------------------------------------------------------------------


def development_credential(folder: Path) -> dict[str, Path]:
    """Make an authority, a signer's certificate and its key; the paths of the files. Old files are not overwritten.

    The authority's own key is thrown away: it can sign nothing else. The certificates hold for a year.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / file for name, file in FILES.items()}
    there = [path for path in paths.values() if path.exists()]
    if there:
        raise UsageError(f"{there[0]}: is there already; expected a folder without development certificates")
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate(AUTHORITY, root_key, AUTHORITY, root_key)
    leaf = _certificate(SIGNER, key, AUTHORITY, root_key)
    pem = [one.public_bytes(serialization.Encoding.PEM) for one in (leaf, root)]
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    paths["authority"].write_bytes(pem[1])
    paths["chain"].write_bytes(b"".join(pem))
    with os.fdopen(os.open(paths["key"], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(private)
    return paths


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    """A certificate in C2PA's profile: an authority when it signs itself, else one for signing alone."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def named(common: str) -> x509.Name:
        parts = ((NameOID.ORGANIZATION_NAME, ORGANIZATION), (NameOID.COMMON_NAME, common))
        return x509.Name([x509.NameAttribute(kind, text) for kind, text in parts])

    leaf = name != issuer
    now = datetime.datetime.now(datetime.UTC)
    usage = x509.KeyUsage(
        digital_signature=leaf, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=not leaf, crl_sign=not leaf, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=DAYS))
        .add_extension(x509.BasicConstraints(ca=not leaf, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if leaf:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
