"""Does the file say that it was generated, and by what? Do its marks hold, and do they agree?

Marks that are looked for: a C2PA manifest, the IPTC digital source type in XMP, China's AIGC label, the IPTC field for
the AI system, and the metadata that generators write. `ai_disclosed` is 1 when at least one of them says that the
picture was generated, in whole or in part.

That a file says nothing is a fact about the file and no more: a photograph has nothing to disclose, and a mark can be
removed by any editor. Whether it matters is for the rubric.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from imgaudit.percepts import ContentCredentials, Identity, Metadata
from imgaudit.registry import checker
from imgaudit.types import Abstained, Case, Failed, Measure, Measured, Outcome, Percepts, Query

METADATA, CREDENTIALS = Query("metadata"), Query("c2pa")

GENERATED = frozenset(
    ("trainedalgorithmicmedia", "compositewithtrainedalgorithmicmedia", "compositesynthetic", "trainedalgorithmicdata")
)
CAPTURED = frozenset(
    ("digitalcapture", "computationalcapture", "negativefilm", "positivefilm", "print", "compositecapture")
)
CREATED = frozenset(("digitalcreation", "digitalart"))
WITHOUT_AI = CAPTURED | CREATED
VOCABULARY = "cv.iptc.org/newscodes/digitalsourcetype/"
AIGC_LABELS = frozenset(("1", "2", "3"))
DEVELOPMENT = "DEVELOPMENT"
"""Stands in the names of certificates that `imgaudit provenance dev-ca` makes; see `provenance.signing`."""
KINDS = {"cawg.x509.cose": "certificate", "cawg.identity_claims_aggregation": "an aggregator of identities"}
LABEL_LENGTH = 2_000


@dataclass(frozen=True, slots=True)
class Claims:
    """Which marks say that the picture was generated, and which that a camera or a person made it."""

    generated: tuple[str, ...]
    without_ai: tuple[str, ...]

    @property
    def contradict(self) -> bool:
        """One mark says generated, another that no generator was used."""
        return bool(set(self.generated) - set(self.without_ai) and set(self.without_ai) - set(self.generated))


@checker
class Provenance:
    """Reads the marks of a file and compares them."""

    name: ClassVar[str] = "provenance"
    title: ClassVar[str] = "Disclosure and provenance"
    version: ClassVar[str] = "3"
    dimensions: ClassVar[tuple[str, ...]] = ("disclosure",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("ai_disclosed", "0 or 1", "up", "whether a mark in the file says that it was generated"),
    )
    labels: ClassVar[Mapping[str, str]] = {
        "c2pa_state": "valid, invalid, none or unreadable, judged with no trust anchors",
        "c2pa_trust": "official or user when the signer is on such a list, else none",
        "c2pa_official": "whether the signer is on the official list: trusted, not trusted, or no list given",
        "c2pa_user": "whether the signer is on the user's list: trusted, not trusted, or no list given",
        "c2pa_lists": "the lists that were asked, each with the sha256 of its file",
        "c2pa_failures": "failure codes of the manifest and its ingredients, sorted, separated by spaces",
        "c2pa_issuer": "who the signing certificate was issued to, by its own word",
        "c2pa_signed_at": "the time that the manifest's time stamp tells, if it has one",
        "c2pa_time_stamp": "whether the stamp fits (sound or broken), and which list holds its signer",
        "c2pa_actions": "what the manifests say was done, sorted, separated by spaces",
        "c2pa_source_types": "IPTC digital source types that the manifests name, sorted, separated by spaces",
        "c2pa_ingredients": "relationship and title of what the picture was made from",
        "c2pa_identities": "CAWG identities: who, by which kind of signature, and whether it holds",
        "c2pa_identity_states": "valid, invalid or untold, one a CAWG identity, sorted, separated by spaces",
        "generator": "what made the picture, by the word of its metadata or manifest",
        "disclosed_by": "the marks that say it was generated: c2pa, xmp, aigc, ai_system, metadata",
        "source_type": "the IPTC digital source type, as written",
        "ai_system": "IPTC AISystemUsed, with its version",
        "aigc": "China's AIGC label: its value, and its producer",
        "parse": "how much of the generation metadata was understood: complete, partial or none",
    }
    codes: ClassVar[Mapping[str, str]] = {
        "provenance.undisclosed": "nothing in the file says that it was generated",
        "provenance.c2pa_invalid": "the C2PA manifest does not fit the file: one of them was changed after signing",
        "provenance.identity_invalid": "a CAWG identity in the manifest has a wrong signature or wrong references",
        "provenance.contradiction": "one mark says generated, another that a camera or a person made it",
        "provenance.source_type_form": "the IPTC digital source type is not written as the full address of a term",
        "provenance.development_certificate": "it is signed with a development certificate, which vouches for nothing",
        "provenance.unreadable": "a mark is there but cannot be read",
    }
    limits: ClassVar[str] = (
        "Invisible watermarks (SynthID and others) are not looked for, so no mark found does not mean that no AI was "
        "used. Marks are taken at their word: metadata can be copied, forged or removed. State and failure codes of a "
        "manifest are judged without trust anchors; trust is judged by the lists that the user gives, and by none "
        "without one; that a name on a certificate or of an aggregator is who it says is their issuers' word. "
        "Manifests that lie elsewhere are not fetched."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """Metadata and manifest."""
        return [METADATA, CREDENTIALS]

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """The marks, what they say, and whether they agree."""
        metadata = percepts.seen(METADATA, Metadata)
        credentials = percepts.seen(CREDENTIALS, ContentCredentials)
        if not isinstance(metadata, Metadata) and not isinstance(credentials, ContentCredentials):
            return metadata
        claims = Claims(_claims(metadata, credentials, GENERATED), _claims(metadata, credentials, WITHOUT_AI))
        unknown = _unknown(metadata, credentials)
        disclosed = bool(claims.generated)
        known = disclosed or unknown is None
        return Measured(
            measures={"ai_disclosed": float(disclosed)} if known else {},
            unmeasured={} if known else {"ai_disclosed": unknown or ""},
            labels=_labels(metadata, credentials, claims),
            codes=_codes(metadata, credentials, claims, known and not disclosed),
            message=_message(metadata, credentials, claims, unknown),
        )


def _claims(
    metadata: Metadata | Abstained | Failed, credentials: ContentCredentials | Abstained | Failed, types: frozenset[str]
) -> tuple[str, ...]:
    """The marks that speak for one of the source types, in a fixed order."""
    found = []
    if isinstance(credentials, ContentCredentials) and credentials.state == "valid":
        written = {_code(name) for name in credentials.digital_source_types}
        # a manifest that tells of a capture and of generated parts speaks of a composite, not of a capture
        if written & types and (types is GENERATED or not written & GENERATED):
            found.append("c2pa")
    if isinstance(metadata, Metadata):
        if _code(metadata.digital_source_type or "") in types:
            found.append("xmp")
        if types is GENERATED:
            found += _by_metadata(metadata)
    return tuple(found)


def _by_metadata(metadata: Metadata) -> list[str]:
    marks = {
        "aigc": (metadata.aigc or {}).get("Label") in AIGC_LABELS,
        "ai_system": metadata.ai_system is not None,
        "metadata": metadata.source.generator is not None,
    }
    return [name for name, there in marks.items() if there]


def _code(uri: str) -> str:
    """The last part of a source type's address, which is often written alone."""
    return uri.strip().rstrip("/").rsplit("/", 1)[-1].lower()


def _unknown(
    metadata: Metadata | Abstained | Failed, credentials: ContentCredentials | Abstained | Failed
) -> str | None:
    """Why marks may have been missed, or None when everything could be read."""
    for sight in (metadata, credentials):
        if isinstance(sight, Abstained):
            return sight.reason
        if isinstance(sight, Failed):
            return sight.error
    if isinstance(credentials, ContentCredentials) and credentials.state == "unreadable":
        return "a C2PA manifest is there but cannot be read"
    return None


def _labels(
    metadata: Metadata | Abstained | Failed, credentials: ContentCredentials | Abstained | Failed, claims: Claims
) -> dict[str, str]:
    labels: dict[str, str | None] = {"disclosed_by": " ".join(claims.generated)}
    if isinstance(credentials, ContentCredentials):
        labels.update(_signed_labels(credentials))
    elif isinstance(credentials, Failed):
        labels["c2pa_state"] = "unreadable"
    if isinstance(metadata, Metadata):
        system = (metadata.ai_system, metadata.ai_system_version)
        labels["generator"] = metadata.source.generator or metadata.ai_system or labels.get("generator")
        labels["source_type"] = metadata.digital_source_type
        labels["ai_system"] = " ".join(part for part in system if part)
        labels["aigc"] = _aigc(metadata.aigc)
        labels["parse"] = metadata.source.parse
    return {name: text[:LABEL_LENGTH] for name, text in labels.items() if text}


def _signed_labels(credentials: ContentCredentials) -> dict[str, str | None]:
    answers = {one.name: "trusted" if one.trusted else "not trusted" for one in credentials.lists}
    there = credentials.state != "none"
    return {
        "c2pa_state": credentials.state,
        "c2pa_trust": credentials.trust,
        "c2pa_official": answers.get("official", "no list given") if there else None,
        "c2pa_user": answers.get("user", "no list given") if there else None,
        "c2pa_lists": " ".join(f"{one.name} sha256:{one.sha256}" for one in credentials.lists),
        "c2pa_failures": " ".join(credentials.failures),
        "c2pa_issuer": credentials.issuer,
        "c2pa_signed_at": credentials.signed_at,
        "c2pa_actions": " ".join(credentials.actions),
        "c2pa_source_types": " ".join(credentials.digital_source_types),
        "c2pa_ingredients": "; ".join(credentials.ingredients),
        "c2pa_time_stamp": _time_stamp(credentials),
        "c2pa_identities": "; ".join(_identity(one) for one in credentials.identities),
        "c2pa_identity_states": " ".join(sorted(one.state for one in credentials.identities)),
        "generator": credentials.generator,
    }


def _time_stamp(credentials: ContentCredentials) -> str | None:
    if credentials.time_stamp == "none":
        return None
    return f"{credentials.time_stamp} (its signer is on {_on_lists(credentials.time_stamp_lists)})"


def _identity(one: Identity) -> str:
    failed = f" ({', '.join(one.failures)})" if one.failures else ""
    return f"{one.who} by {KINDS.get(one.kind, one.kind)}: {one.state}{failed}"


def _on_lists(names: Sequence[str]) -> str:
    return f"the {' and the '.join(names)} list" if names else "no list that was asked"


def _aigc(label: Mapping[str, str] | None) -> str | None:
    if label is None:
        return None
    return " ".join(part for part in (label.get("Label"), label.get("ContentProducer")) if part)


def _codes(
    metadata: Metadata | Abstained | Failed,
    credentials: ContentCredentials | Abstained | Failed,
    claims: Claims,
    undisclosed: bool,
) -> tuple[str, ...]:
    state = credentials.state if isinstance(credentials, ContentCredentials) else None
    unreadable = isinstance(credentials, Failed) or isinstance(metadata, Failed) or state == "unreadable"
    unreadable = unreadable or (isinstance(metadata, Metadata) and bool(metadata.problems))
    fired = {
        "provenance.undisclosed": undisclosed,
        "provenance.c2pa_invalid": state == "invalid",
        "provenance.identity_invalid": _broken_identity(credentials),
        "provenance.contradiction": claims.contradict,
        "provenance.source_type_form": isinstance(metadata, Metadata) and _malformed(metadata.digital_source_type),
        "provenance.development_certificate": _for_development(credentials),
        "provenance.unreadable": unreadable,
    }
    return tuple(code for code, there in fired.items() if there)


def _malformed(uri: str | None) -> bool:
    """Whether a source type is written otherwise than the IPTC asks: as the full address of a term."""
    return uri is not None and not uri.removeprefix("https://").removeprefix("http://").startswith(VOCABULARY)


def _broken_identity(credentials: ContentCredentials | Abstained | Failed) -> bool:
    return isinstance(credentials, ContentCredentials) and any(one.state == "invalid" for one in credentials.identities)


def _for_development(credentials: ContentCredentials | Abstained | Failed) -> bool:
    return isinstance(credentials, ContentCredentials) and DEVELOPMENT in (credentials.issuer or "")


def _message(
    metadata: Metadata | Abstained | Failed,
    credentials: ContentCredentials | Abstained | Failed,
    claims: Claims,
    unknown: str | None,
) -> str:
    parts = []
    if claims.generated:
        parts.append(f"the file says that it was generated ({', '.join(claims.generated)})")
    elif unknown:
        parts.append(f"whether the file says that it was generated could not be told: {unknown}")
    else:
        parts.append("nothing in the file says that it was generated; a photograph has nothing to say here")
    if isinstance(credentials, ContentCredentials) and credentials.state == "invalid":
        parts.append(f"its C2PA manifest does not hold ({', '.join(credentials.failures)})")
    if _broken_identity(credentials):
        parts.append("an identity in its manifest does not hold")
    if claims.contradict:
        parts.append(f"but {', '.join(claims.without_ai)} says that a camera or a person made it")
    if _for_development(credentials):
        parts.append("it is signed with a development certificate, which vouches for nothing")
    if isinstance(metadata, Metadata) and metadata.problems:
        parts.append(f"unreadable: {'; '.join(metadata.problems[:3])}")
    return "; ".join(parts)
