"""Is a picture much larger or smaller than the others of its set?

The side of a picture is the square root of its pixels; a picture is odd when its side, as a ratio, lies further from
the middle half of the set than three times that half's breadth, and at least by a factor of two. The factor keeps a set
of equal sizes with one picture a little larger from raising an alarm. A set of fewer than eight pictures says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import quantiles
from typing import ClassVar

from imgaudit.digest import rounded
from imgaudit.percepts import Pixels
from imgaudit.registry import checker
from imgaudit.types import (
    JSON,
    Abstained,
    Case,
    Failed,
    GroupFinding,
    GroupOutcome,
    Measure,
    Measured,
    Member,
    Percepts,
    Query,
)

PIXELS = Query("pixels")
LEAST_SET = 8
BREADTHS = 3.0
LEAST_FACTOR = 2.0
ODD = "sizes.odd"


@checker
class SizesChecker:
    """Pictures of an odd size among those of the set."""

    name: ClassVar[str] = "sizes"
    title: ClassVar[str] = "Odd sizes"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("quality",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("share", "share", "down", "pictures of the set whose size is odd"),
        Measure("factor", "ratio", "none", "side of an odd picture by the median side of the set"),
    )
    labels: ClassVar[Mapping[str, str]] = {}
    codes: ClassVar[Mapping[str, str]] = {ODD: "much larger or smaller than the others of the set"}
    limits: ClassVar[str] = (
        "Only sizes of the set are compared; whether a size fits its use, the rubric says by megapixels or print size. "
        "A set of two sizes, half and half, has no odd one."
    )
    sensitive: ClassVar[bool] = False

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """One look at the pixels."""
        return [PIXELS]

    def project(self, case: Case, percepts: Percepts) -> Mapping[str, JSON] | Abstained | Failed:
        """The side of a square with as many pixels."""
        seen = percepts.seen(PIXELS, Pixels)
        if isinstance(seen, (Abstained, Failed)):
            return seen
        return {"side": math.sqrt(seen.numbers["width"] * seen.numbers["height"])}

    def aggregate(self, members: Sequence[Member]) -> GroupOutcome:
        """The share of odd sizes, and a finding on the line of each odd picture."""
        sides = {m.id: float(m.projection["side"]) for m in members if isinstance(m.projection, Mapping)}
        if len(sides) < LEAST_SET:
            few = f"sizes are compared from {LEAST_SET} pictures on; {len(sides)} could be measured"
            return GroupOutcome((self._finding(len(members), len(sides), outcome="abstained", reason=few),))
        lower, median, upper = quantiles((math.log(side) for side in sides.values()), n=4, method="inclusive")
        reach = max(BREADTHS * (upper - lower), math.log(LEAST_FACTOR))
        odd = {
            id: rounded(math.exp(math.log(side) - median))
            for id, side in sorted(sides.items())
            if not lower - reach <= math.log(side) <= upper + reach
        }
        found = self._finding(
            len(members),
            len(sides),
            outcome="measured",
            measures={"share": rounded(len(odd) / len(sides))},
            counts={"odd": len(odd)},
            codes=(ODD,) if odd else (),
            members=tuple(odd),
            message=f"{len(odd)} of {len(sides)} pictures have an odd size",
        )
        return GroupOutcome((found,), {id: _of_picture(factor) for id, factor in odd.items()})

    def _finding(self, size: int, counted: int, **told: JSON) -> GroupFinding:
        return GroupFinding(
            checker=self.name, version=self.version, group="run", size=size, counted=counted, **told
        )


def _of_picture(factor: float) -> Measured:
    than = f"{factor:.1f} times as large" if factor > 1 else f"{1 / factor:.1f} times as small"
    return Measured(measures={"factor": factor}, codes=(ODD,), message=f"{than} a side as the others of the set")
