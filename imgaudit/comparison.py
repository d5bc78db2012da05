"""The finished comparison of two runs: what comparison.json holds, and what its reporters are given.

Two signs are used. `change` is candidate minus baseline in the measure's own unit. `gain` is the same, turned so that
more is better whatever the measure's direction: a loss is below zero. Margins are positive, in the measure's unit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Literal

from pydantic import Field

from imgaudit.record import FinishedRun, RubricInfo
from imgaudit.types import Decision, ImageRecord, Stored


class Answer(StrEnum):
    """What a comparison can say. There is no fourth: what could not be told is inconclusive."""

    PASS = "pass"
    REGRESSED = "regressed"
    INCONCLUSIVE = "inconclusive"


class Side(Stored):
    """One of the two runs."""

    name: str = Field(description="as the user named it: a folder's last part, or @baseline")
    generator: str | None
    suite: str | None
    suite_digest: str | None
    pictures: int
    refused: int
    counts: dict[Decision, int]
    fingerprint: str
    images_digest: str


class Estimate(Stored):
    """A mean gain over prompts with its 95 % interval; the prompt is the unit, its seeds are averaged first."""

    gain: float
    low: float | None = Field(description="null for fewer than two prompts, and where all moved by the same amount")
    high: float | None
    prompts: int
    base_mean: float
    candidate_mean: float
    base_counted: int = Field(description="pictures of the baseline that were measured, of `base_of`")
    base_of: int
    candidate_counted: int
    candidate_of: int


class Tested(Stored):
    """One measure in one stratum: how it moved, and what follows."""

    measure: str
    stratum: str = Field(description="'all', or the first tag of the cases")
    unit: str
    better: Literal["up", "down"]
    primary: bool
    margin: float | None = Field(description="the loss that the rubric accepts; null for measures that only inform")
    estimate: Estimate | None = Field(description="null where nothing could be paired")
    answer: Answer
    p_loss: float | None = Field(default=None, description="one-sided sign-flip p that there is a loss at all")
    p_adjusted: float | None = Field(default=None, description="the same over the family (see `multiplicity`)")
    p_t: float | None = Field(default=None, description="one-sided paired t p on prompt means")
    detectable: float | None = Field(default=None, description="smallest loss that would be found 8 times of 10")
    gates: bool = Field(default=False, description="whether this answer decides; the others inform")
    why: str = Field(description="the answer in words, with what would settle it where it is inconclusive")


class Abstentions(Stored):
    """A measure that one side could tell more often than the other: paired by prompt."""

    measure: str
    base_told: int
    base_of: int
    candidate_told: int
    candidate_of: int
    p_fewer: float | None
    answer: Answer
    why: str


class ZeroTolerance(Stored):
    """A rule of the rubric that may not fire on the candidate at all."""

    rule: str
    fired: int
    of: int
    base_fired: int
    base_of: int
    upper: float = Field(description="95 % Clopper-Pearson upper bound of the candidate's rate")
    answer: Answer
    why: str


class Mover(Stored):
    """A prompt that moved much on a primary measure, after shrinkage towards the mean of all prompts."""

    case: str
    prompt: str
    measure: str
    stratum: str
    gain: float = Field(description="as it was measured")
    shrunk: float = Field(description="after shrinkage; the list is sorted by this")
    base: tuple[str, ...] = Field(description="ids of the baseline's pictures of this case, by seed")
    candidate: tuple[str, ...]
    flaky: bool = Field(description="the seeds of one side disagree among themselves more than the sides do")


class Flips(Stored):
    """How verdicts moved: pictures paired by case and seed index, in a table from decision to decision."""

    table: dict[Decision, dict[Decision, int]]
    worse: int
    better: int
    p_worse: float | None = Field(description="one-sided sign-flip p over prompts that verdicts got worse")
    answer: Answer
    why: str


class Sameness(Stored):
    """Whether the candidate's pictures of one prompt are more alike than the baseline's, in one view. It informs."""

    view: Literal["content", "layout"] = Field(description="by embeddings, or by layout and colour without any model")
    measure: str = Field(description="the measure of the checker `diversity` that it rests on, as 1 less it")
    prompts: int
    base_mean: float = Field(description="mean likeness of two pictures of one prompt")
    candidate_mean: float
    change: float = Field(description="candidate minus baseline: above zero its pictures are more alike")
    low: float | None = Field(description="95 % bootstrap interval over prompts; null where none can be told")
    high: float | None
    answer: Literal["more alike", "less alike", "not told"]
    why: str


class Cell(Stored):
    """One prompt and one measure: a line of the JUnit report."""

    case: str
    prompt: str
    stratum: str
    measure: str
    gain: float | None
    base_mean: float | None
    candidate_mean: float | None
    base_counted: int
    candidate_counted: int
    shrunk: float | None = Field(default=None, description="the gain after shrinkage; `lost` is decided by this")
    flaky: bool = False
    outcome: Literal["kept", "lost", "not measured", "new", "deleted"]


class Comparison(Stored):
    """comparison.json: two runs compared. It holds no clock time."""

    format: Literal["imgaudit-comparison/1"] = "imgaudit-comparison/1"
    base: Side
    candidate: Side
    rubric: RubricInfo
    answer: Answer
    why: tuple[str, ...] = Field(description="sentences: what decided, and what could not be told")
    alpha: float
    multiplicity: str = Field(description="how p values are adjusted, over how many tests, with how many sign flips")
    prompts: int = Field(description="cases that both runs hold")
    seeds_base: int
    seeds_candidate: int
    tests: tuple[Tested, ...]
    regressed_strata: tuple[str, ...] = Field(default=(), description="strata, without 'all', whose primary regressed")
    abstentions: tuple[Abstentions, ...] = ()
    zero_tolerance: tuple[ZeroTolerance, ...] = ()
    flips: Flips | None
    sameness: tuple[Sameness, ...] = Field(
        default=(), exclude_if=lambda lines: not lines, description="absent where no prompt was drawn several times"
    )
    movers: tuple[Mover, ...] = ()
    cells: tuple[Cell, ...] = ()
    new_cases: tuple[str, ...] = ()
    deleted_cases: tuple[str, ...] = ()
    rescored: bool = False
    exit_code: int


@dataclass(frozen=True)
class ComparedRuns:
    """All that a reporter of a comparison may know: the comparison, and both runs for their pictures."""

    comparison: Comparison
    base: FinishedRun
    candidate: FinishedRun

    def pictures(self, mover: Mover) -> tuple[Sequence[ImageRecord], Sequence[ImageRecord]]:
        """The records of both sides for one prompt of `comparison.movers`, by seed."""
        base, candidate = self._moved
        return (
            [base[name] for name in mover.base if name in base],
            [candidate[name] for name in mover.candidate if name in candidate],
        )

    @cached_property
    def _moved(self) -> tuple[dict[str, ImageRecord], dict[str, ImageRecord]]:
        """The records of all movers, found in one pass over each run: a run may hold too many to be read for each."""
        movers = self.comparison.movers
        return (
            _chosen(self.base.images, {name for mover in movers for name in mover.base}),
            _chosen(self.candidate.images, {name for mover in movers for name in mover.candidate}),
        )


def _chosen(images: Sequence[ImageRecord], wanted: Set[str]) -> dict[str, ImageRecord]:
    return {image.id: image for image in images if image.id in wanted}


ComparisonWriter = Callable[[ComparedRuns], bytes]
"""Writes one report of a comparison; the caller writes the file whole."""
