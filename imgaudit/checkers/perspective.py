"""Do the straight lines of the picture agree on one camera?

Long straight lines are joined, and up to five points are looked for that many of them run to; such a vanishing point
may be at infinity. One camera sees all upright lines run to one point, and all level lines, whatever their direction,
run to points of one horizon that is square to the upright lines. Measured is how much of the bundled lines runs
neither to the one nor to the other, and, of the other lines, how many nearly run to a point that many run to.

Known limits: it says nothing of pictures without a dozen long straight lines (portraits, nature), without upright ones,
with lines that a lens bends, or where many lines run nowhere (hair, cloth, drawings of people). Roofs, stairs, leaning
and hand-held things are neither level nor upright, and are counted although nothing is wrong. One wrong object among
many right ones has too few lines to be seen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from imgaudit.digest import rounded
from imgaudit.kernels import vanishing
from imgaudit.percepts import Segments
from imgaudit.registry import checker
from imgaudit.types import (
    Abstained,
    Case,
    Evidence,
    Failed,
    Measure,
    Measured,
    Outcome,
    Percepts,
    Polyline,
    Query,
    Region,
)

LINES = Query("scene", {"part": "lines"})
LEAST_LINES = 12
MOST_CURVED = 0.15
STRONG = 6
UPRIGHT_LINES = 8
NEAR_DEGREES = 12.0
RULED_CURVED = 0.07
RULED_BUNDLED = 0.7
OFF_LIMIT = 0.12
OFF_LINES = 10
SHOWN = 24


@dataclass(frozen=True, slots=True)
class View:
    """The lines of a picture relative to its centre, the bundles they form, the camera, and the near misses' rows."""

    lines: vanishing.Floats
    bundles: list[vanishing.Bundle]
    camera: vanishing.Camera | None
    near: list[int]

    @property
    def strong(self) -> list[vanishing.Bundle]:
        """Bundles of at least six lines."""
        return [bundle for bundle in self.bundles if len(bundle.members) >= STRONG]

    def length(self, bundles: Sequence[vanishing.Bundle]) -> float:
        """Of all lines of some bundles."""
        return sum(float(vanishing.lengths(self.lines[bundle.members]).sum()) for bundle in bundles)


@checker
class PerspectiveChecker:
    """Finds the vanishing points of long straight lines, and the lines that no one camera could see so.

    Validation (docs/scene.md): of 30 drawn streets with houses of another camera 9 were found, of 30 right ones
    none alarmed, and 2 of 130 photographs held back (95 % interval 0.4 to 5.4 %). Few of those were of buildings.
    """

    name: ClassVar[str] = "perspective"
    title: ClassVar[str] = "Perspective"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("perspective",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("lines", "lines", "none", "long straight lines found, at most 250"),
        Measure("points", "points", "none", "vanishing points found, at most 5"),
        Measure("stray_share", "share 0..1", "down", "of the length: lines that run to no vanishing point"),
        Measure("near_misses", "share 0..1", "down", "of the length at strong points: lines that nearly run to one"),
        Measure("off_horizon", "share 0..1", "down", "of the bundled length: large bundles that fit neither"),
        Measure("tilt", "degrees", "none", "how far the upright lines lean, as by a tilted camera"),
        Measure("confidence", "share 0..1", "up", "how much there is to judge by: lines, and how many are bundled"),
    )
    labels: ClassVar[Mapping[str, str]] = {}
    codes: ClassVar[Mapping[str, str]] = {
        "perspective.off_horizon": "bundles of lines run neither to the upright point nor to the horizon of the others",
    }
    limits: ClassVar[str] = (
        "Nothing is said of pictures with fewer than 12 long straight lines, or with curved ones. Roofs, stairs, "
        "leaning and hand-held things count as off the horizon. A single wrong object has too few lines to be seen."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """One look for lines."""
        return [LINES]

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """The vanishing points, and what misses them."""
        seen = percepts.seen(LINES, Segments)
        if isinstance(seen, (Abstained, Failed)):
            return seen
        if len(seen.segments) < LEAST_LINES:
            return Abstained(f"{len(seen.segments)} long straight lines; {LEAST_LINES} are needed to judge perspective")
        if seen.curved > MOST_CURVED:
            return Abstained("the lines are curved, as by a fisheye lens; only straight ones have vanishing points")
        view = viewed(seen)
        if not view.bundles:
            return Abstained("no five long lines run to one point, so there is no perspective to judge")
        return _measured(seen, view)


def viewed(seen: Segments) -> View:
    """The bundles of a picture's lines, and what one camera makes of them."""
    centre = np.array([seen.width, seen.height] * 2) / 2
    lines = (np.array(seen.segments) - centre) / seen.scale
    found = vanishing.bundles(lines)
    strong = [bundle for bundle in found if len(bundle.members) >= STRONG]
    camera = vanishing.camera(lines, strong, math.hypot(seen.width, seen.height) / seen.scale)
    if camera is not None:
        off = [bundle for bundle in camera.off if len(bundle.members) >= OFF_LINES]
        enough = len(camera.upright.members) >= UPRIGHT_LINES
        camera = vanishing.Camera(camera.upright, camera.horizon, off) if enough else None
    return View(lines, found, camera, _near(lines, found, strong))


def _near(
    lines: vanishing.Floats, found: Sequence[vanishing.Bundle], strong: Sequence[vanishing.Bundle]
) -> list[int]:
    """Rows of the lines that miss a strong point by less than twelve degrees and run to no other point."""
    if not strong:
        return []
    off = vanishing.misses(lines, np.array([bundle.point for bundle in strong])).min(axis=1)
    taken = np.zeros(len(lines), bool)
    taken[np.concatenate([bundle.members for bundle in found])] = True
    rows: list[int] = np.flatnonzero(~taken & (off < math.sin(math.radians(NEAR_DEGREES)))).tolist()
    return rows


def _measured(seen: Segments, view: View) -> Measured:
    length = vanishing.lengths(view.lines)
    bundled = sum(len(bundle.members) for bundle in view.bundles)
    explained = view.length(view.bundles) / float(length.sum())
    measures = {
        "lines": float(len(view.lines)),
        "points": float(len(view.bundles)),
        "stray_share": rounded(1 - explained),
        "confidence": rounded(explained * (1 - math.exp(-bundled / 20))),
    }
    unmeasured = {}
    if view.strong:
        near = float(length[view.near].sum())
        measures["near_misses"] = rounded(near / (near + view.length(view.strong)))
    else:
        unmeasured["near_misses"] = f"no {STRONG} lines run to one point"
    why_not = _unruled(seen, view, explained)
    if why_not or view.camera is None:
        unmeasured["off_horizon"] = unmeasured["tilt"] = why_not
    else:
        measures["off_horizon"] = rounded(view.length(view.camera.off) / view.length(view.strong))
        measures["tilt"] = rounded(abs(math.degrees(vanishing.direction(view.camera.upright.point)) - 90))
    off = view.camera.off if view.camera else []
    flagged = measures.get("off_horizon", 0.0) >= OFF_LIMIT
    message = f"{bundled} of {len(view.lines)} long lines run to {len(view.bundles)} vanishing points"
    if flagged:
        rows = sum(len(bundle.members) for bundle in off)
        message += f"; {rows} of them fit neither the upright lines nor the horizon of the others"
    return Measured(
        measures=measures,
        unmeasured=unmeasured,
        codes=("perspective.off_horizon",) if flagged else (),
        regions=_regions(seen, off, measures["off_horizon"]) if flagged else (),
        evidence=Evidence(polylines=_drawn(seen, view) if flagged else ()),
        message=message,
    )


def _unruled(seen: Segments, view: View, explained: float) -> str:
    """Why the lines are no scene of walls and edges that one could hold against a horizon; empty where they are.

    Hair, grass and folds of cloth make bundles too, of bent lines, among many that run nowhere.
    """
    if view.camera is None:
        return f"no {UPRIGHT_LINES} upright lines run to one point"
    if explained < RULED_BUNDLED:
        return "less than seven tenths of the lines run to any point, so they are no scene of straight edges"
    if seen.curved > RULED_CURVED:
        return "too many of the lines are bent"
    return ""


def _regions(seen: Segments, off: Sequence[vanishing.Bundle], share: float) -> tuple[Region, ...]:
    ends = np.array(seen.segments)[np.concatenate([bundle.members for bundle in off])].reshape(-1, 2)
    (x0, y0), (x1, y1) = ends.min(axis=0), ends.max(axis=0)
    return (Region(label="lines off the horizon", box=(float(x0), float(y0), float(x1), float(y1)), score=share),)


def _drawn(seen: Segments, view: View) -> tuple[Polyline, ...]:
    """The longest lines of each bundle, the near misses, and the horizon where it crosses the picture."""
    off = [id(bundle) for bundle in view.camera.off] if view.camera else []
    drawn = []
    for index, bundle in enumerate(view.bundles, start=1):
        label = f"off the horizon, to point {index}" if id(bundle) in off else f"to point {index}"
        drawn += [_line(label, seen.segments[row]) for row in bundle.members[:SHOWN].tolist()]
    drawn += [_line("nearly to a point", seen.segments[row]) for row in view.near[:SHOWN]]
    horizon = view.camera.horizon if view.camera else None
    if horizon is not None and abs(horizon[1]) > 1e-9:
        half = seen.width / 2 / seen.scale
        heights = [(-horizon[2] - horizon[0] * x) / horizon[1] * seen.scale + seen.height / 2 for x in (-half, half)]
        if all(0 <= y <= seen.height for y in heights):
            drawn.append(_line("horizon", (0.0, float(heights[0]), float(seen.width), float(heights[1]))))
    return tuple(drawn)


def _line(label: str, ends: tuple[float, float, float, float]) -> Polyline:
    return Polyline(label=label, points=((ends[0], ends[1]), (ends[2], ends[3])))
