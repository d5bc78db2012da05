"""comply.json: what control packs say about a run on a day. All renderings are functions of this record."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from imgaudit.compliance.schema import Citation, Role
from imgaudit.record import Answer, RubricInfo
from imgaudit.types import Stored

Status = Literal["satisfied", "not satisfied", "undetermined", "not applicable"]
EvidenceStatus = Literal["met", "unmet", "unknown"]
STATUSES: tuple[Status, ...] = ("not satisfied", "undetermined", "satisfied", "not applicable")
EXAMPLES = 20


class EvidenceResult(Stored):
    """What one condition came to."""

    kind: Literal["every", "never", "dimension", "record", "limit"]
    status: EvidenceStatus
    asks: str = Field(description="the condition, dimension or fact")
    text: str = Field(description="what was found, in words")
    because: str = ""
    met: int = Field(default=0, description="pictures for which it is met")
    unmet: int = 0
    unknown: int = 0
    pictures: tuple[str, ...] = Field(
        default=(), description=f"ids of pictures that speak against it or could not be told, at most {EXAMPLES}"
    )
    answers: tuple[Answer, ...] = ()
    dimension: str | None = Field(default=None, description="id of the dimension that was asked, where one was")


class ControlResult(Stored):
    """One control on a day, for a role."""

    pack: str
    id: str
    title: str
    says: str
    roles: tuple[Role, ...]
    applies_from: date | None
    applies_until: date | None
    voluntary: bool
    source: Citation
    verified: bool
    status: Status
    why: str
    evidence: tuple[EvidenceResult, ...] = ()


class PackResult(Stored):
    """A pack, and how many of its controls came to what."""

    name: str
    version: str
    title: str
    about: str
    digest: str
    counts: dict[Status, int]


class AnsweredLine(Stored):
    """A dimension that people answer, and who did."""

    id: str
    title: str
    question: str
    required: bool
    status: str
    answered: int
    of: int
    answers: tuple[Answer, ...]


class LogState(Stored):
    """The decision log as it stood."""

    state: Literal["intact", "none"]
    lines: int = 0
    head: str | None = None
    signed_lines: int | None = None
    signer: str | None = None
    verified: bool = Field(default=False, description="the head's signature fits the public key that was given")
    sentences: tuple[str, ...] = ()


class RetentionClass(Stored):
    """A kind of file, what it holds, and how it goes."""

    name: str
    files: str
    holds: str
    keep: str
    erase: str


class ComplianceReport(Stored):
    """comply.json. It holds no clock time: the day is the one that was asked for."""

    format: Literal["imgaudit-comply/1"] = "imgaudit-comply/1"
    imgaudit: str
    title: str
    as_of: date
    role: Role
    kind: Literal["audit", "run"]
    generator: str | None
    licence: str | None
    rubric: RubricInfo
    pictures: int
    final_counts: dict[str, int]
    report_digest: str = Field(description="sha256 of report.json")
    images_digest: str = Field(description="sha256 of images.jsonl")
    packs: tuple[PackResult, ...]
    counts: dict[Status, int]
    controls: tuple[ControlResult, ...]
    people: tuple[AnsweredLine, ...]
    log: LogState
    limits: tuple[str, ...] = Field(description="what was not checked at all, whatever the controls came to")
    not_checked: tuple[str, ...]
    retention: tuple[RetentionClass, ...]
    exit_code: int


_ERASE = "imgaudit purge RUN, or imgaudit purge RUN --picture ID"
_RETENTION: tuple[tuple[str, str, str, str, str], ...] = (
    (
        "record", "run.json, report.json, images.jsonl, groups.jsonl, renders/, findings/, verdicts/",
        "what ran, was measured and decided; prompts, file names inside the audited roots, text that was read",
        "as long as the decision to publish may be questioned", _ERASE,
    ),
    (
        "pictures", "pictures/, repairs/",
        "generated pictures and what was made of them; audited files stay where they are and are not touched",
        "as long as they may be published or judged again", _ERASE,
    ),
    (
        "reports", "report.html, comply.html, comply.pdf, junit.xml, ...",
        "copies of the record for readers; report.html holds thumbnails",
        "short: each can be written again from the record", "goes with its picture or run; write it anew",
    ),
    (
        "decisions", "decisions.jsonl, decisions.head.json",
        "who answered what, in which role, until when; pictures by digest alone",
        "longest: it shows that a decision was made, and that something was erased",
        "never by this tool: taking a line out would break the chain",
    ),
    (
        "notes", "notes.json", "what people wrote in words with their answers; may name persons",
        "no longer than the answer it explains", "goes with its picture or run; the log keeps a salted digest",
    ),
    (
        "private", "private.json", "where audited files lie on this machine; never exported",
        "until the files move", "imgaudit purge RUN",
    ),
    (
        "cache", "the percept cache of the user", "what models saw, by digest; no attribute of a person",
        "until the size limit drops it", _ERASE,
    ),
)  # fmt: skip
RETENTION = tuple(
    RetentionClass(name=name, files=files, holds=holds, keep=keep, erase=erase)
    for name, files, holds, keep, erase in _RETENTION
)
