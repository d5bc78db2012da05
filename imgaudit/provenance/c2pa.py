"""C2PA manifests, through c2pa-python: with `signing`, the only modules that know its interface.

State and failure codes are judged with no trust anchors and no network: nothing that a file points to is fetched,
neither a remote manifest nor a certificate's revocation. So a sound signature is `valid` with the failure code
`signingCredential.untrusted`. Whether the signer is trusted is another question than whether the file was changed, and
it has an answer for each list of certificates that the user gives: the official one of the C2PA's conformance programme
and a list of their own. A list is a PEM file; none is packaged, because a stale list of trust is worse than none.

Known limits: a file is given to the native library only when its bytes hold a C2PA marker or XMP points to a manifest;
an XMP packet that is compressed inside a PNG is not searched for such a pointer. CAWG identities are judged without
anchors: the library (0.38.1) calls their signers untrusted whatever list it is given, so trust in them is not told.
What Python can catch of a failure in the library is reported as `unreadable`; a crash of the library ends the process.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from imgaudit.digest import digest, digest_bytes
from imgaudit.errors import ModelUnavailable, UsageError
from imgaudit.percepts import ContentCredentials, Identity, TrustList

SETTINGS: dict[str, Any] = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True},
    "core": {"allowed_network_hosts": []},
    "builder": {"thumbnail": {"enabled": False}},
}
MARKERS = (b"jumb", b"c2pa", b"C2PA", b"provenance")
STORE = b"jumd"
IDENTITY = "cawg.identity"
UNTRUSTED = frozenset(("cawg.x509.credential.untrusted", "cawg.ica.untrusted_issuer"))
UNTOLD = frozenset(("cawg.identity.sig_type.unknown", "cawg.ica.did_unavailable"))
"""What the library cannot check offline or at all: no fault of the assertion."""
REMOTE = "manifest.inaccessible"
"""The specification's code for a manifest that lies elsewhere and was not reached; here it is never asked for."""
LIST_LIMIT = 8 << 20
OFFICIAL_URL = "https://raw.githubusercontent.com/c2pa-org/conformance-public/main/trust-list/C2PA-TRUST-LIST.pem"
"""Where the C2PA's conformance programme publishes its list. It is told to people and never asked by this program."""
SHOWN = 50

State = Literal["valid", "invalid", "none", "unreadable"]
ListName = Literal["official", "user"]
STATES: dict[str, State] = {"valid": "valid", "trusted": "valid", "invalid": "invalid"}


@dataclass(frozen=True, slots=True)
class Anchors:
    """A PEM list of trusted certificates, and what it is called in reports."""

    name: ListName
    pem: str
    sha256: str

    @property
    def certificates(self) -> int:
        """How many certificates it holds."""
        return self.pem.count("-----BEGIN CERTIFICATE-----")


def anchors(name: ListName, path: Path) -> Anchors:
    """Read a list of certificates. Raises UsageError for what is no PEM file."""
    try:
        if path.stat().st_size > LIST_LIMIT:
            raise UsageError(f"{path}: a trust list of more than {LIST_LIMIT >> 20} MiB; expected a PEM file")
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: the trust list cannot be read: {error.strerror}; expected a PEM file") from error
    text = data.decode("utf-8", "replace")
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise UsageError(f"{path}: holds no certificate; expected a PEM file with the trusted certificates")
    return Anchors(name, text, digest_bytes(data))


def trust_lists(option: str | None) -> tuple[Anchors, ...]:
    """The lists of an option: `user=FILE`, `official=FILE`, or both joined by `;`. Raises UsageError.

    >>> trust_lists(None)
    ()
    """
    found: dict[str, Anchors] = {}
    for part in (option or "").split(";"):
        name, equals, path = part.partition("=")
        if not part:
            continue
        if not equals or name not in ("official", "user") or name in found:
            raise UsageError(f"c2pa: cannot read the option {option!r}; expected user=FILE.pem;official=FILE.pem")
        found[name] = anchors("official" if name == "official" else "user", Path(path))
    return tuple(found[name] for name in ("official", "user") if name in found)


def marked(data: bytes) -> bool:
    """Whether the bytes hold anything that could be a manifest or a pointer to one."""
    return any(marker in data for marker in MARKERS)


def format_of(data: bytes) -> str | None:
    """A hint for the formats that the library does not recognise by their first bytes."""
    return "image/svg+xml" if b"<svg" in data[:1024] else None


class ManifestReader:
    """Reads and validates the manifests of files. Raises ModelUnavailable when the library is not there.

    Args:
        lists: lists of trusted certificates, each with its own answer.
    """

    def __init__(self, lists: tuple[Anchors, ...] = ()) -> None:
        try:
            import c2pa
        except (ImportError, OSError) as error:
            raise ModelUnavailable(
                f"the library c2pa-python cannot be loaded: {error}", "install it with: pip install c2pa-python==0.38.1"
            ) from error
        self._library = c2pa
        self._lists = lists

    def identity(self) -> Mapping[str, str]:
        """The library's version, the settings it judges by, and the digests of the lists of trust."""
        try:
            installed = version("c2pa-python")
        except PackageNotFoundError:
            installed = "unknown"
        lists = {f"{one.name}_list": one.sha256 for one in self._lists}
        return {"c2pa-python": installed, "settings": digest(SETTINGS), **lists}

    @cached_property
    def _context(self) -> Any:
        return self._library.Context(self._library.Settings.from_dict(SETTINGS))

    @cached_property
    def _trusting(self) -> tuple[Any, ...]:
        make = self._library.Settings.from_dict
        return tuple(
            self._library.Context(make({**SETTINGS, "trust": {"trust_anchors": one.pem}})) for one in self._lists
        )

    def read(self, data: bytes) -> ContentCredentials:
        """What the file's manifest says, and whether it holds. Never raises for a bad file."""
        if not marked(data):
            return _without("none")
        if data.count(STORE) > 10_000:  # a store of boxes within boxes; honest ones have some dozens
            return _without("unreadable")
        try:
            found = credentials(self._report(data, self._context))
        except self._library.C2paError.ManifestNotFound:
            return _without("none")
        except Exception as error:  # the library's errors are many, and a wrong one must not cost the other findings
            return _unreadable(data, str(error))
        return self._with_trust(data, found)

    def _report(self, data: bytes, context: Any) -> Mapping[str, Any]:
        with self._library.Reader(format_of(data), BytesIO(data), context=context) as reader:
            report: Mapping[str, Any] = json.loads(reader.json())
            return report

    def _with_trust(self, data: bytes, found: ContentCredentials) -> ContentCredentials:
        """The same, with an answer for each list; a manifest that does not hold is trusted by nobody."""
        answers, stamps = [], []
        for one, context in zip(self._lists, self._trusting, strict=True):
            codes = {one.code for one in _statuses(self._report(data, context))} if found.state == "valid" else set()
            answers.append(TrustList(name=one.name, sha256=one.sha256, trusted="signingCredential.trusted" in codes))
            stamps += [one.name] if "timeStamp.trusted" in codes else []
        first = next((answer.name for answer in answers if answer.trusted), "none")
        return found.model_copy(update={"lists": tuple(answers), "trust": first, "time_stamp_lists": tuple(stamps)})


@dataclass(frozen=True, slots=True)
class _Status:
    """One line of the library's results for the active manifest: how it went, its code, and the assertion it names."""

    kind: str
    code: str
    label: str


def _statuses(report: Mapping[str, Any]) -> tuple[_Status, ...]:
    results = report.get("validation_results")
    active = results.get("activeManifest") if isinstance(results, dict) else None
    return tuple(
        _Status(kind, str(one.get("code")), str(one.get("url")).rpartition("/")[2])
        for kind in ("success", "informational", "failure")
        for one in (active or {}).get(kind) or ()
    )


def _numbered(number: int) -> str:
    """The label of the identity with this number: a second one of a kind has `__1` after its label."""
    return IDENTITY if number == 0 else f"{IDENTITY}__{number}"


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
    signature = active.get("signature_info") or {}
    return ContentCredentials(
        state=STATES.get(str(report.get("validation_state")).lower(), "unreadable"),
        trust="none",
        failures=tuple(sorted(set(_failures(report.get("validation_results"))))),
        generator=_generator(active),
        issuer=_word(signature.get("issuer")),
        digital_source_types=tuple(sorted({t for a in found if (t := _word(a.get("digitalSourceType")))})),
        actions=tuple(sorted({name for a in found if (name := _word(a.get("action")))})),
        ingredients=tuple(_ingredients(active))[:SHOWN],
        identities=tuple(_identities(active, _statuses(report)))[:SHOWN],
        signed_at=_word(signature.get("time")),
        time_stamp=_time_stamp({status.code for status in _statuses(report)}),
    )


def _word(value: Any) -> str | None:
    """A text without the spaces around it that some signers leave; None for anything else."""
    return value.strip()[:500] or None if isinstance(value, str) else None


def _time_stamp(codes: set[str]) -> Literal["none", "sound", "broken"]:
    """Sound where the stamp fits the signature, whoever made it; broken where there is one that does not."""
    if "timeStamp.validated" in codes:
        return "sound"
    told = {code for code in codes if code.startswith("timeStamp.")}
    return "broken" if told else "none"


def _assertions(manifest: Any, label: str) -> Iterator[Mapping[str, Any]]:
    """The data of the assertions of one kind; a second one of a kind has `__1` after its label."""
    listed = manifest.get("assertions") if isinstance(manifest, dict) else None
    for assertion in listed or ():
        if str(assertion.get("label", "")).startswith(label) and isinstance(assertion.get("data"), dict):
            yield assertion["data"]


def _actions(manifest: Any) -> Iterator[Mapping[str, Any]]:
    for data in _assertions(manifest, "c2pa.actions"):
        actions = data.get("actions")
        yield from (action for action in actions or () if isinstance(action, dict))


def _ingredients(manifest: Mapping[str, Any]) -> Iterator[str]:
    """`parentOf: A.jpg`, with a remark where the ingredient brings a manifest of its own."""
    for one in manifest.get("ingredients") or ():
        if isinstance(one, dict):
            signed = " (signed)" if one.get("active_manifest") else ""
            yield f"{_word(one.get('relationship')) or 'unknown'}: {_word(one.get('title')) or 'untitled'}{signed}"


def _identities(manifest: Mapping[str, Any], statuses: tuple[_Status, ...]) -> Iterator[Identity]:
    """Each CAWG identity: who signed it or who is named in it, and whether it holds."""
    listed = [one for one in manifest.get("assertions") or () if str(one.get("label", "")).startswith(IDENTITY)]
    for number, assertion in enumerate(listed):
        data = assertion.get("data") if isinstance(assertion.get("data"), dict) else {}
        payload = data.get("signer_payload", data.get("c2paAsset"))
        signature, verified = data.get("signature_info"), data.get("verifiedIdentities")
        kind = _word(payload.get("sig_type")) if isinstance(payload, dict) else None
        who = _word(signature.get("issuer")) if isinstance(signature, dict) else None
        names = [_word(one.get("name")) for one in verified or () if isinstance(one, dict)]
        state, failures = _identity_state([one for one in statuses if one.label == _numbered(number)])
        yield Identity(
            kind=kind or "unknown kind",
            who=who or ", ".join(name for name in names if name) or "unnamed",
            state=state,
            failures=failures,
        )


def _identity_state(statuses: list[_Status]) -> tuple[Literal["valid", "invalid", "untold"], tuple[str, ...]]:
    """Whether an identity holds, by what the library says of it. An unknown signer is no fault of the signature.

    For an aggregator's credential the library has no word of success: it tells each fault as a failure and remarks
    that it does not know the issuer when it came to the end.
    """
    failures = tuple(sorted({one.code for one in statuses if one.kind == "failure"} - UNTRUSTED))
    if failures:
        return "untold" if UNTOLD.issuperset(failures) else "invalid", failures
    return ("valid" if any(one.code.startswith("cawg.") for one in statuses) else "untold"), ()


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
