"""Ed25519 keys, and DSSE envelopes around a signed payload.

DSSE (Dead Simple Signing Envelope, protocol `DSSEv1`) signs the payload together with its type, so that a signature
made for one kind of document never fits another. Keys are PEM files: PKCS #8 for the secret one, SubjectPublicKeyInfo
for the public one, as `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` write them.
"""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path
from typing import TYPE_CHECKING

from imgaudit.digest import digest_bytes
from imgaudit.errors import ImgauditError, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MAKE = (
    "make a pair with: openssl genpkey -algorithm ed25519 -out key.pem; openssl pkey -in key.pem -pubout -out pub.pem"
)
MAX_KEY_BYTES = 64 << 10
MAX_ENVELOPE_BYTES = 64 << 20


class SignatureError(ImgauditError):
    """A signature does not fit what it stands on."""


def load_secret_key(path: Path) -> Ed25519PrivateKey:
    """The secret key of a PEM file. Raises UsageError for a missing, locked or other kind of key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = _read(path)
    if b"PUBLIC KEY" in data:
        raise UsageError(f"{path.name}: holds a public key; expected the secret Ed25519 key that signs. {MAKE}")
    try:
        key = load_pem_private_key(data, password=None)
    except TypeError:
        raise UsageError(
            f"{path.name}: is locked by a password; expected an open one (openssl pkey -in {path.name} -out open.pem)"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(f"{path.name}: holds no secret key in PEM; {MAKE}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{path.name}: holds a key of another kind; expected Ed25519. {MAKE}")
    return key


def load_public_key(path: Path) -> Ed25519PublicKey:
    """The public key of a PEM file. Raises UsageError for a missing, secret or other kind of key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    data = _read(path)
    if b"PRIVATE KEY" in data:
        raise UsageError(f"{path.name}: holds a secret key; give the public one (openssl pkey -in KEY.pem -pubout)")
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(f"{path.name}: holds no public key in PEM; {MAKE}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{path.name}: holds a key of another kind; expected Ed25519. {MAKE}")
    return key


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_KEY_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path.name}: cannot be read: {error.strerror or error}; {MAKE}") from None
    if len(data) > MAX_KEY_BYTES:
        raise UsageError(f"{path.name}: is too large for a key; {MAKE}")
    return data


def key_name(key: Ed25519PublicKey) -> str:
    """Hex sha256 of the raw public key: what a report calls a key by."""
    return digest_bytes(key.public_bytes_raw())


def sign(key: Ed25519PrivateKey, payload_type: str, payload: bytes) -> str:
    """The signature over a payload and its type, in base64."""
    return base64.b64encode(key.sign(pre_authentication(payload_type, payload))).decode("ascii")


def verify(key: Ed25519PublicKey, payload_type: str, payload: bytes, signature: str) -> None:
    """Raise SignatureError unless the signature was made by this key over exactly this payload and type."""
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(base64.b64decode(signature, validate=True), pre_authentication(payload_type, payload))
    except (InvalidSignature, binascii.Error, ValueError):
        raise SignatureError(
            "the signature does not fit: what was signed was changed, or another key signed it"
        ) from None


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: lengths stand before both parts, so no two pairs share an encoding.

    >>> pre_authentication("http://example.com/HelloWorld", b"hello world")
    b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def envelope(key: Ed25519PrivateKey, payload_type: str, payload: bytes) -> str:
    """A DSSE envelope as JSON text."""
    signature = {"keyid": key_name(key.public_key()), "sig": sign(key, payload_type, payload)}
    body = base64.b64encode(payload).decode("ascii")
    return json.dumps({"payloadType": payload_type, "payload": body, "signatures": [signature]}, indent=1)


def open_envelope(path: Path, key: Ed25519PublicKey, payload_type: str) -> bytes:
    """The payload of an envelope that this key signed.

    Raises:
        UsageError: when the file is no DSSE envelope, or of another payload type.
        SignatureError: when none of its signatures was made by this key over this payload.
    """
    body, signatures = _parts(path, payload_type)
    for signature in signatures:
        try:
            verify(key, payload_type, body, signature)
        except SignatureError:
            continue
        return body
    raise SignatureError(
        f"{path.name}: no signature fits the key {key_name(key)[:16]}: the file was changed, or another key signed it"
    )


def _parts(path: Path, payload_type: str) -> tuple[bytes, list[str]]:
    try:
        if path.stat().st_size > MAX_ENVELOPE_BYTES:
            raise UsageError(f"{path.name}: is larger than {MAX_ENVELOPE_BYTES >> 20} MiB, too large for an envelope")
        document = json.loads(path.read_bytes())
        kind = document["payloadType"]
        body = base64.b64decode(document["payload"], validate=True)
        signatures = [str(one["sig"]) for one in document["signatures"]]
    except OSError as error:
        raise UsageError(f"{path.name}: cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(
            f"{path.name}: is no DSSE envelope; expected the file that `imgaudit comply --sign` writes"
        ) from None
    if kind != payload_type:
        raise UsageError(f"{path.name}: holds the payload type {kind!r}; expected {payload_type!r}")
    return body, signatures
