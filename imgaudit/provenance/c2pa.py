"""C2PA manifests, through c2pa-python: the only module that knows its interface.

Manifests are judged with no trust anchors and no network: nothing that a file points to is fetched, neither a remote
manifest nor a certificate's revocation. So a sound signature is `valid` with the failure code
`signingCredential.untrusted`; whether the signer is trusted is another question than whether the file was changed.

Known limits: a file is given to the native library only when its bytes hold a C2PA marker or XMP points to a manifest;
an XMP packet that is compressed inside a PNG is not searched for such a pointer. What Python can catch of a failure in
the library is reported as `unreadable`; a crash of the library itself ends the process.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from typing import Any, Literal

from imgaudit.digest import digest
from imgaudit.errors import ModelUnavailable
from imgaudit.percepts import ContentCredentials

SETTINGS: dict[str, Any] = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True},
    "core": {"allowed_network_hosts": []},
    "builder": {"thumbnail": {"enabled": False}},
}
MARKERS = (b"jumb", b"c2pa", b"C2PA", b"provenance")
STORE = b"jumd"
REMOTE = "manifest.inaccessible"
"""The specification's code for a manifest that lies elsewhere and was not reached; here it is never asked for."""

State = Literal["valid", "invalid", "none", "unreadable"]
STATES: dict[str, State] = {"valid": "valid", "trusted": "valid", "invalid": "invalid"}


def marked(data: bytes) -> bool:
    """Whether the bytes hold anything that could be a manifest or a pointer to one."""
    return any(marker in data for marker in MARKERS)


def format_of(data: bytes) -> str | None:
    """A hint for the formats that the library does not recognise by their first bytes."""
    return "image/svg+xml" if b"<svg" in data[:1024] else None


class ManifestReader:
    """Reads and validates the manifests of files. Raises ModelUnavailable when the library is not there."""

    def __init__(self) -> None:
        try:
            import c2pa
        except (ImportError, OSError) as error:
            raise ModelUnavailable(
                f"the library c2pa-python cannot be loaded: {error}", "install it with: pip install c2pa-python==0.38.1"
            ) from error
        self._library = c2pa

    @staticmethod
    def identity() -> Mapping[str, str]:
        """The library's version and the settings it judges by."""
        try:
            installed = version("c2pa-python")
        except PackageNotFoundError:
            installed = "unknown"
        return {"c2pa-python": installed, "settings": digest(SETTINGS)}

    @cached_property
    def _context(self) -> Any:
        return self._library.Context(self._library.Settings.from_dict(SETTINGS))

    def read(self, data: bytes) -> ContentCredentials:
        """What the file's manifest says, and whether it holds. Never raises for a bad file."""
        if not marked(data):
            return _without("none")
        try:
            with self._library.Reader(format_of(data), BytesIO(data), context=self._context) as reader:
                return credentials(json.loads(reader.json()))
        except self._library.C2paError.ManifestNotFound:
            return _without("none")
        except Exception as error:  # the library's errors are many, and a wrong one must not cost the other findings
            return _unreadable(data, str(error))


def _without(state: State, *failures: str) -> ContentCredentials:
    return ContentCredentials(state=state, trust="none", failures=failures)


def _unreadable(data: bytes, message: str) -> ContentCredentials:
    """Tell a manifest that cannot be read from a file that is none of the library's business."""
    if "remote manifest" in message:
        return _without("unreadable", REMOTE)
    if "NotSupported" in message and STORE not in data:
        return _without("none")
    return _without("unreadable")


def credentials(report: Mapping[str, Any]) -> ContentCredentials:
    """The library's report as our percept.

    Failure codes are those of the active manifest and of its ingredients together; actions and source types are those
    of all manifests, for a picture made from a generated one was generated in part.
    """
    manifests = report.get("manifests")
    store = manifests if isinstance(manifests, dict) else {}
    active = store.get(report.get("active_manifest"), {})
    found = [action for manifest in store.values() for action in _actions(manifest)]
    return ContentCredentials(
        state=STATES.get(str(report.get("validation_state")).lower(), "unreadable"),
        trust="none",
        failures=tuple(sorted(set(_failures(report.get("validation_results"))))),
        generator=_generator(active),
        issuer=_word((active.get("signature_info") or {}).get("issuer")),
        digital_source_types=tuple(sorted({t for a in found if (t := _word(a.get("digitalSourceType")))})),
        actions=tuple(sorted({name for a in found if (name := _word(a.get("action")))})),
    )


def _word(value: Any) -> str | None:
    """A text without the spaces around it that some signers leave; None for anything else."""
    return value.strip()[:500] or None if isinstance(value, str) else None


def _actions(manifest: Any) -> Iterator[Mapping[str, Any]]:
    for assertion in manifest.get("assertions", ()) if isinstance(manifest, dict) else ():
        if str(assertion.get("label", "")).startswith("c2pa.actions"):
            data = assertion.get("data")
            actions = data.get("actions") if isinstance(data, dict) else None
            yield from (action for action in actions or () if isinstance(action, dict))


def _failures(results: Any) -> Iterator[str]:
    if not isinstance(results, dict):
        return
    parts = [results.get("activeManifest")]
    parts += [delta.get("validationDeltas") for delta in results.get("ingredientDeltas") or ()]
    for part in parts:
        for failure in (part or {}).get("failure") or ():
            yield str(failure.get("code"))


def _generator(manifest: Mapping[str, Any]) -> str | None:
    written = _word(manifest.get("claim_generator"))
    if written:
        return written
    infos = manifest.get("claim_generator_info")
    info = infos[0] if isinstance(infos, list) and infos and isinstance(infos[0], dict) else {}
    return _word(" ".join(part for part in (_word(info.get("name")), _word(info.get("version"))) if part))
