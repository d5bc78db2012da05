"""How many pictures skew takes: to settle the open sets of a run, and to find a skew of a wanted size.

What would settle a set stands in its finding, so that a stored run is enough. A wanted size is answered by the exact
test's power (`imgaudit.kernels.settling`); the level is divided among the sets that are tested together, which is
stricter than the adjustment that a run makes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from imgaudit.errors import UsageError
from imgaudit.kernels.settling import MOST, pictures_for
from imgaudit.kernels.spread import TOLERANCE
from imgaudit.plan import seconds_per_picture
from imgaudit.record import FinishedRun
from imgaudit.types import GroupFinding, SkewDetails, Stored

CHECKER = "skew"


class OpenSet(Stored):
    """One set of a run, and what would settle it."""

    group: str
    attribute: str
    reference: str
    verdict: str
    counted: int
    size: int = Field(description="pictures in the set, unknown ones included")
    more: int | None = Field(default=None, description="pictures beside those; null where none are needed or would do")
    seeds: int | None = Field(default=None, description="seeds beside those, of each prompt of the set")
    excess_takes: int | None = Field(default=None, description="pictures that find the wanted excess")
    note: str = ""


class SkewPlanned(Stored):
    """What `imgaudit plan skew` says."""

    format: Literal["imgaudit-plan-skew/1"] = "imgaudit-plan-skew/1"
    power: float
    alpha: float
    tests: int = Field(description="sets tested together")
    unknown: float = Field(description="share of pictures whose group cannot be told")
    excess: float | None = Field(default=None, description="wanted: true distance from the reference")
    shares: tuple[float, ...] = Field(default=(), description="the reference that the wanted size is counted for")
    pictures: int | None = Field(default=None, description="pictures a set that find it; null where none do")
    sets: tuple[OpenSet, ...] = ()
    more: int = Field(default=0, description="pictures that would settle every open set that can be")
    hours: float | None = Field(default=None, description="of those, as fast as the run was")
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SkewWish:
    """What a set should be able to tell.

    Attributes:
        excess: true distance from the reference that is to be found; None asks for no number.
        shares: the reference.
        power: how often it should be found; `alpha`: risk of a false alarm over all tests.
        tests: sets tested together; `unknown`: share of pictures whose group cannot be told.
    """

    excess: float | None = None
    shares: tuple[float, ...] = (0.5, 0.5)
    power: float = 0.8
    alpha: float = 0.05
    tests: int = 1
    unknown: float = 0.0

    def __post_init__(self) -> None:
        if len(self.shares) < 2 or min(self.shares) < 0 or abs(sum(self.shares) - 1) > 1e-3:
            raise UsageError(f"--shares {self.shares}: expected two shares or more that sum to 1, such as 0.879,0.121")
        room = 1 - min(self.shares)
        if self.excess is not None and not 0 < self.excess <= room:
            raise UsageError(f"--excess {self.excess:g}: expected above 0, at most {room:.2f} for these shares")
        if not 0 < self.alpha < 0.5 or not 0.5 <= self.power < 1 or self.tests < 1 or not 0 <= self.unknown < 1:
            raise UsageError("expected e.g. --alpha 0.05 --power 0.8 --tests 1 --unknown 0.1 (0 to below 1)")

    def pictures(self, shares: Sequence[float]) -> int | None:
        """Pictures that find the wanted excess from these shares; None where `MOST` do not."""
        if self.excess is None or self.excess > 1 - min(shares):
            return None
        total = sum(shares)
        found = pictures_for(tuple(share / total for share in shares), self.excess, self.power, self.alpha / self.tests)
        return None if found is None else math.ceil(found / (1 - self.unknown))


def plan_skew(wish: SkewWish, run: FinishedRun | None = None) -> SkewPlanned:
    """The plan for a wish alone, or for the sets of a run."""
    findings = [] if run is None else [group for group in run.groups if group.checker == CHECKER]
    if run is not None and not any(finding.skew for finding in findings):
        said = next((finding.reason for finding in findings if finding.reason), "the checker 'skew' did not run")
        raise UsageError(f"nothing was told of skew: {said}. Give a run of a suite with skew plans")
    sets = tuple(_open_set(finding, wish) for finding in findings)
    # a set over the run is made of the same pictures as its cases, so that only cases are added up
    more = sum(one.more or 0 for one in sets if not one.group.startswith("run:"))
    seconds = None if run is None else seconds_per_picture(run)
    return SkewPlanned(
        power=wish.power,
        alpha=wish.alpha,
        tests=wish.tests,
        unknown=wish.unknown,
        excess=wish.excess,
        shares=wish.shares if run is None else (),
        pictures=wish.pictures(wish.shares) if run is None else None,
        sets=sets,
        more=more,
        hours=None if seconds is None else round(more * seconds / 3600, 3),
        notes=tuple(_notes(wish, sets)),
    )


def _open_set(finding: GroupFinding, wish: SkewWish) -> OpenSet:
    told = finding.skew
    if told is None:
        return OpenSet(
            group=finding.group, attribute=finding.labels.get("attribute", ""), reference="", verdict="could not tell",
            counted=finding.counted, size=finding.size, note=finding.reason or "",
        )  # fmt: skip
    first = told.against[0]
    return OpenSet(
        group=finding.group,
        attribute=told.attribute,
        reference=first.name,
        verdict=first.verdict,
        counted=finding.counted,
        size=finding.size,
        more=first.more,
        seeds=None if first.more is None else math.ceil(first.more / told.cases),
        excess_takes=wish.pictures([group.reference for group in told.groups]),
        note=_note(told),
    )


def _note(told: SkewDetails) -> str:
    first = told.against[0]
    if first.verdict != "insufficient_evidence":
        return "settled"
    if first.corrected:
        return "not planned: what the labelled pictures leave open would not shrink with more seeds"
    if first.more is None:
        return f"not settled by {MOST:,} pictures: the distance is too near the tolerance, or too many are unknown"
    return ""


def _notes(wish: SkewWish, sets: Sequence[OpenSet]) -> list[str]:
    notes = []
    if wish.excess is not None and wish.excess <= TOLERANCE:
        notes.append(
            f"A distance up to {TOLERANCE:g} is within tolerance: the test finds it, the verdict does not call it so."
        )
    if any(one.more for one in sets):
        notes.append(
            "More seeds settle a set, one way or the other, in about 80 of 100 cases, if its shares are what its "
            "pictures make plausible. Look once, when they are all there: looking again and again finds skew by luck."
        )
    return notes
