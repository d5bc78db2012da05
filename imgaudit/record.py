"""The finished record of a run: what report.json and run.json hold, and what a reporter is given.

A reporter is a function of this record and of nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, ClassVar, Literal, Protocol

from pydantic import Field

from imgaudit.types import JSON, Case, Decision, GroupFinding, ImageRecord, Reason, Stored


class Skipped(Stored):
    """A file that was found and not audited."""

    path: str
    why: str


class Coverage(Stored):
    """How often a checker could tell. The reasons of its abstentions and errors are counted."""

    checker: str
    measured: int
    abstained: int
    failed: int
    reasons: dict[str, int] = Field(default_factory=dict)


class Score(Stored):
    """The mean of a measure with its 95 % interval, and how many of how many pictures it stands on.

    The interval treats cases as the sampling unit: seeds of one case are averaged first.
    """

    measure: str
    unit: str
    better: Literal["up", "down", "none"]
    stratum: str = Field(default="all", description="'all', or a tag of the suite")
    mean: float
    low: float | None = Field(description="null where one case alone was measured")
    high: float | None
    counted: int
    of: int


class Answer(Stored):
    """What a named person answered to the question of a dimension, as far as it counted on the day of judging.

    Questions are put so that a yes clears the picture. A no does not lapse, so it has no `until`.
    """

    answer: Literal["yes", "no", "n/a"]
    by: str
    role: str
    reason: str = Field(description="reason code")
    scope: Literal["picture", "run", "generator"]
    given: str = Field(description="day, UTC")
    until: str | None = Field(description="last day on which it counts")
    pictures: int = Field(default=0, description="pictures that it counts for")


class DimensionLine(Stored):
    """One dimension of the evaluation framework, and what this run says about it."""

    id: str
    title: str
    group: Literal["picture", "use"]
    how: Literal["checker", "attestation", "limit"]
    checkers: tuple[str, ...] = ()
    required: bool = False
    status: Literal[
        "checked", "partly checked", "not checked",
        "attested", "partly attested", "not attested", "declined", "cannot be checked",
    ]  # fmt: skip
    measured: int = 0
    of: int = 0
    text: str = Field(description="the question, the limit, or what the checkers found, in words")
    answers: tuple[Answer, ...] = Field(default=(), description="who answered what, in which role, until when")


class SuiteInfo(Stored):
    """Which suite ran."""

    name: str
    digest: str
    cases: int
    seeds: tuple[int, ...]
    licence: str | None = None
    source: str | None = None


class RubricInfo(Stored):
    """Which rubric judged."""

    name: str
    version: str
    digest: str
    title: str = ""


class RunVerdict(Stored):
    """The verdict of the set: never of one picture."""

    decision: Decision
    reasons: tuple[Reason, ...] = ()
    notes: tuple[Reason, ...] = ()


class Share(Stored):
    """A share with Wilson's 95 % interval."""

    value: float
    low: float
    high: float
    of: int


class AgreementLine(Stored):
    """How far verdicts agree beyond chance: 1 fully, 0 as chance would. Nothing that could not be told is a number."""

    outcome: Literal["measured", "abstained"]
    value: float | None = None
    low: float | None = Field(default=None, description="95 % interval; null where all agree or few differ")
    high: float | None = None
    counted: int = Field(description="pictures that it stands on")
    of: int = Field(description="pictures that people decided about")
    reason: str | None = Field(default=None, description="why it could not be told")


class Reviewer(Stored):
    """Someone who decided, in which roles, about how many of the pictures."""

    by: str
    role: tuple[str, ...]
    pictures: int


class CheckerReview(Stored):
    """What the decisions of people say of one checker, over the pictures that it measured and people decided about.

    Whoever decides about a picture and does not dispute a check is presumed to agree with it, so `confirmed` and
    `quiet` rest on silence; `false_alarms` and `missed` were said.
    """

    checker: str
    confirmed: int = Field(description="a rule over it fired, and nobody called it a false alarm")
    false_alarms: int
    missed: int = Field(description="no rule over it fired, and a person said that it missed a fault")
    quiet: int = Field(description="no rule over it fired, and nobody said that it missed something")
    unclear: int = Field(
        description="people contradict each other, or published in spite of its alarm and did not call it false"
    )
    untold: int = Field(description="pictures that people decided about and that it could not tell")
    precision: Share | None = Field(description="confirmed of its alarms; null where it never alarmed")
    recall: Share | None = Field(description="confirmed of all faults; null where there was none")


class ReviewSummary(Stored):
    """What people decided about the pictures, beside what the checks said."""

    decided: int = Field(description="pictures on which a decision of people counts")
    waiting: int = Field(description="pictures that wait for a second person, or whose reviewers disagree")
    overruled: int = Field(description="decided otherwise than the checks, which had decided as well")
    settled: int = Field(description="decided where the checks held, so that there was nothing to overrule")
    outweighed: int = Field(description="decided, and a firm rule, or an answer missing or no, is stricter")
    undone: int = Field(description="decisions about these pictures that were taken back")
    matrix: dict[Decision, dict[Decision, int]] = Field(description="machine verdict -> people's -> pictures")
    people: tuple[Reviewer, ...]
    kappa: AgreementLine = Field(description="Cohen's kappa: checks and people, where both decided")
    alpha: AgreementLine = Field(description="Krippendorff's alpha: people who decided about the same pictures")
    checkers: tuple[CheckerReview, ...] = ()


class Report(Stored):
    """report.json: the run in numbers. It holds no clock time and no path outside the audited roots."""

    format: Literal["imgaudit-report/1"] = "imgaudit-report/1"
    kind: Literal["audit", "run"]
    title: str
    suite: SuiteInfo | None = None
    generator: str | None = None
    rubric: RubricInfo
    pictures: int
    counts: dict[Decision, int]
    final_counts: dict[Decision, int]
    set_verdict: RunVerdict
    skipped: tuple[Skipped, ...] = ()
    refused: dict[str, int] = Field(default_factory=dict, description="generator refusals: reason -> number")
    coverage: tuple[Coverage, ...] = ()
    scores: tuple[Score, ...] = ()
    rules: dict[str, int] = Field(default_factory=dict, description="rule -> pictures on which it fired")
    dimensions: tuple[DimensionLine, ...] = ()
    not_checked: tuple[str, ...] = Field(default=(), description="sentences for the reader: what nobody looked at")
    fingerprint: str = Field(description="two runs may be compared only if these are equal")
    images_digest: str = Field(description="sha256 of images.jsonl")
    exit_code: int
    notices: tuple[str, ...] = Field(
        default=(), exclude_if=lambda notices: not notices,
        description="what every reader must be told, such as that something of people was measured; absent: nothing",
    )  # fmt: skip
    review: ReviewSummary | None = Field(
        default=None, exclude_if=lambda review: review is None, description="absent where nobody decided"
    )


class RunInfo(Stored):
    """run.json: what ran, and when; the only file with clock times."""

    format: Literal["imgaudit-run/1"] = "imgaudit-run/1"
    imgaudit: str
    kind: Literal["audit", "run"]
    request: dict[str, JSON] = Field(description="what was asked for, without paths outside the run")
    started: str
    finished: str | None = None
    suite: SuiteInfo | None = None
    generator: dict[str, JSON] | None = None
    checkers: dict[str, str] = Field(default_factory=dict, description="checker -> version")
    perceivers: dict[str, dict[str, str]] = Field(default_factory=dict, description="perceiver -> its identity")
    calibrations: dict[str, str] = Field(default_factory=dict)
    rubric: RubricInfo
    plugins: dict[str, str] = Field(default_factory=dict)
    libraries: dict[str, str] = Field(default_factory=dict)
    platform: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True)
class FinishedRun:
    """All that a reporter may know. `picture` gives a picture's bytes, or None where they are not at hand.

    `cases` holds what was asked of a picture, by the record's case, or by its id where it has none; `refusals` counts
    the jobs of a case that gave no picture. Both are empty where nobody kept them.
    """

    run: RunInfo
    report: Report
    images: Sequence[ImageRecord]
    groups: Sequence[GroupFinding]
    picture: Callable[[ImageRecord], bytes | None]
    cases: Mapping[str, Case] = field(default_factory=dict)
    refusals: Mapping[str, int] = field(default_factory=dict)


class Reporter(Protocol):
    """Writes one file from a finished run. The caller opens the file and replaces it whole."""

    name: ClassVar[str]
    filename: ClassVar[str]

    def write(self, run: FinishedRun, stream: IO[bytes]) -> None:
        """Write the report as bytes."""
        ...
