"""Straight lines and the points they run to: pure geometry on segments, without any picture.

Segments are rows of x0, y0, x1, y1 in pixels. A point may lie at infinity, so points and lines are homogeneous: a
bundle is told apart from chance by how much length runs to one point, finite or not (consensus over pairs of lines, as
in Bolles and Fischler 1981; the residual is the turn of a segment about its own middle, as in Rother 2002, which is the
same measure for near and for infinitely far points).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PAIRS = 1500
"""Pairs of lines that are tried; with fewer possible pairs all are."""

TRIED_LINES = 120
LEAST_LINES = 5
LEAST_SHARE = 0.1
TURN = math.sin(math.radians(1.2))
END_PIXELS = 0.8
"""A segment may miss its point by 1.2 degrees, and by what an error of 0.8 pixels at its ends turns it."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Lines that run to one point: `point` is homogeneous, in pixels from the picture's centre; `members` are rows."""

    point: Floats
    members: NDArray[np.intp]

    def finite(self, reach: float) -> bool:
        """Whether the point lies within `reach` pixels of the centre."""
        x, y, w = self.point
        return bool(abs(w) * reach > math.hypot(x, y))


def lengths(segments: Floats) -> Floats:
    """Length of each segment."""
    result: Floats = np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])
    return result


def merged(segments: Floats, apart: float, gap: float) -> Floats:
    """Segments on one straight line (ends less than `apart` pixels off it, at most `gap` between them) made one.

    >>> merged(np.array([[0, 0, 10, 0], [12, 0, 30, 0], [0, 9, 30, 9]]) * 1.0, 1.0, 5.0).tolist()
    [[0.0, 0.0, 30.0, 0.0], [0.0, 9.0, 30.0, 9.0]]
    """
    count = len(segments)
    if count < 2:
        return segments
    group = _joined(_collinear(segments, apart, gap), count)
    return np.array([_span(segments[group == name]) for name in dict.fromkeys(group.tolist())])


def _collinear(segments: Floats, apart: float, gap: float) -> NDArray[np.bool_]:
    """Which pairs continue each other: all four ends near either line, and the nearest ends within the gap."""
    start, end = segments[:, :2], segments[:, 2:]
    along = (end - start) / np.maximum(lengths(segments), 1e-9)[:, None]
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    offset = (normal * start).sum(axis=1)
    off = np.maximum(np.abs(start @ normal.T - offset), np.abs(end @ normal.T - offset))
    first, last = np.minimum(start @ along.T, end @ along.T), np.maximum(start @ along.T, end @ along.T)
    own_first, own_last = np.diag(first), np.diag(last)
    between = np.maximum(first - own_last, own_first - last)
    near = (off < apart) & (between < gap)
    return np.asarray(near & near.T)


def _joined(linked: NDArray[np.bool_], count: int) -> NDArray[np.intp]:
    """The smallest row of each connected group."""
    group = np.arange(count)
    while True:
        lowest = np.where(linked, group[None, :], count).min(axis=1)
        lowest = np.minimum(lowest, group)
        if (lowest == group).all():
            return group
        group = lowest


def _span(segments: Floats) -> list[float]:
    """The longest way between two ends of a group of segments."""
    if len(segments) == 1:
        return [float(v) for v in segments[0]]
    ends = segments.reshape(-1, 2)
    longest = segments[int(np.argmax(lengths(segments)))]
    at = ends @ (longest[2:] - longest[:2])
    return [float(v) for v in (*ends[int(np.argmin(at))], *ends[int(np.argmax(at))])]


def misses(segments: Floats, points: Floats) -> Floats:
    """How far each segment (row) turns away from each point (column): the sine of the angle at its middle.

    Points are homogeneous, in the segments' own coordinates.
    """
    middle = (segments[:, :2] + segments[:, 2:]) / 2
    along = (segments[:, 2:] - segments[:, :2]) / np.maximum(lengths(segments), 1e-9)[:, None]
    toward_x = points[None, :, 0] - middle[:, 0, None] * points[None, :, 2]
    toward_y = points[None, :, 1] - middle[:, 1, None] * points[None, :, 2]
    cross = along[:, 0, None] * toward_y - along[:, 1, None] * toward_x
    result: Floats = np.abs(cross) / np.maximum(np.hypot(toward_x, toward_y), 1e-12)
    return result


def tolerance(segments: Floats) -> Floats:
    """The sine up to which each segment still runs to a point."""
    result: Floats = TURN + END_PIXELS / np.maximum(lengths(segments) / 2, 1.0)
    return result


def bundles(segments: Floats, most: int = 5, seed: int = 0) -> list[Bundle]:
    """The points that most length runs to, strongest first; each segment belongs to at most one.

    A bundle has at least five lines and a tenth of all length. `segments` must be relative to the picture's centre.
    """
    found: list[Bundle] = []
    rest = np.arange(len(segments))
    total = float(lengths(segments).sum())
    rng = np.random.default_rng(seed)
    while len(rest) >= LEAST_LINES and len(found) < most:
        point = _best_point(segments[rest], rng)
        if point is None:
            break
        members = _members(segments[rest], point)
        point = _refined(segments[rest][members], point)
        members = _members(segments[rest], point)
        own = float(lengths(segments[rest][members]).sum())
        if len(members) < LEAST_LINES or own < LEAST_SHARE * total:
            break
        found.append(Bundle(point, rest[members]))
        rest = np.delete(rest, members)
    return found


def _members(segments: Floats, point: Floats) -> NDArray[np.intp]:
    return np.flatnonzero(misses(segments, point[None, :])[:, 0] <= tolerance(segments))


def _lines(segments: Floats) -> Floats:
    ones = np.ones((len(segments), 1))
    crossed: Floats = np.cross(np.hstack([segments[:, :2], ones]), np.hstack([segments[:, 2:], ones]))
    return crossed


def _best_point(segments: Floats, rng: np.random.Generator) -> Floats | None:
    size = lengths(segments)
    tried = np.argsort(-size, kind="stable")[:TRIED_LINES]
    first, second = np.triu_indices(len(tried), 1)
    if len(first) > PAIRS:
        chosen = rng.choice(len(first), PAIRS, replace=False)
        first, second = first[chosen], second[chosen]
    scale = float(np.abs(segments).max()) or 1.0
    lines = _lines(segments[tried] / scale)
    lines /= np.maximum(np.linalg.norm(lines, axis=1), 1e-12)[:, None]
    points = np.cross(lines[first], lines[second])
    norm = np.linalg.norm(points, axis=1)
    points = points[norm > 1e-4] / norm[norm > 1e-4][:, None]
    if not len(points):
        return None
    points = points * np.array([scale, scale, 1.0])
    hits = misses(segments, points) <= tolerance(segments)[:, None]
    votes = np.minimum(size, 4 * float(np.median(size))) @ hits
    best: Floats = points[int(np.argmax(votes))]
    return best


def _refined(segments: Floats, point: Floats) -> Floats:
    """The point that the members' lines meet best (least squares of the distances on the unit sphere)."""
    if len(segments) < 2:
        return point
    scale = float(np.abs(segments).max()) or 1.0
    lines = _lines(segments / scale)
    lines /= np.maximum(np.linalg.norm(lines[:, :2], axis=1), 1e-12)[:, None]
    weighted = lines * np.sqrt(lengths(segments))[:, None]
    _, _, rows = np.linalg.svd(weighted, full_matrices=False)
    fitted: Floats = rows[-1] * np.array([scale, scale, 1.0])
    return fitted


# --- what the bundles say of the camera ------------------------------------------------------------

UPRIGHT = math.radians(25)


def direction(point: Floats) -> float:
    """Angle of the way from the centre to a point, 0..pi (0 is level, pi/2 upright)."""
    return math.atan2(float(point[1]), float(point[0])) % math.pi


def is_upright(bundle: Bundle, reach: float) -> bool:
    """Whether a bundle is that of the upright lines: its point lies above or below, far outside the picture."""
    x, y, w = bundle.point
    far = abs(w) * reach < math.hypot(x, y)
    return far and abs(direction(bundle.point) - math.pi / 2) < UPRIGHT


FITTING = 0.7
SLACK = 1.5
STEPS = 360


@dataclass(frozen=True, slots=True)
class Camera:
    """What one camera could have seen of the bundles.

    Attributes:
        upright: the bundle of the upright lines.
        horizon: homogeneous line, square to the upright lines; None where no level bundle tells where it lies.
        off: bundles that neither run to the point of the upright lines nor to the horizon.
    """

    upright: Bundle
    horizon: Floats | None
    off: list[Bundle]


def camera(segments: Floats, found: Sequence[Bundle], reach: float) -> Camera | None:
    """The horizon that most level lines agree on, and the bundles that do not; None without upright lines.

    The points of all level lines, whatever their direction, lie on the horizon, which is square to the way to the
    point of the upright lines. So a bundle that runs to neither was not seen by the same camera, or is neither level
    nor upright (a roof, a stair, a leaning pole).
    """
    total = {id(bundle): float(lengths(segments[bundle.members]).sum()) for bundle in found}
    uprights = sorted((b for b in found if is_upright(b, reach)), key=lambda b: -total[id(b)])
    if not uprights:
        return None
    main = uprights[0]
    others = [b for b in found if b is not main and not _fits(segments[b.members], main.point[None, :])]
    normal = np.array([math.cos(direction(main.point)), math.sin(direction(main.point))])
    best: tuple[float, Floats | None, list[Bundle]] = (-1.0, None, list(others))
    for candidate in others:
        if is_upright(candidate, reach) or abs(candidate.point[2]) < 1e-9:
            continue
        x, y = candidate.point[:2] / candidate.point[2]
        line = np.array([normal[0], normal[1], -(normal[0] * x + normal[1] * y)])
        off = [b for b in others if not _fits(segments[b.members], _along(line, reach))]
        agreed = sum(total[id(b)] for b in others) - sum(total[id(b)] for b in off)
        if agreed > best[0] + 1e-6:
            best = (agreed, line, off)
    return Camera(main, best[1], best[2])


def _along(line: Floats, reach: float) -> Floats:
    """Points of a line, evenly turned about the foot of its perpendicular, infinity among them."""
    normal = line[:2] / np.hypot(line[0], line[1])
    foot = -line[2] / np.hypot(line[0], line[1]) * normal
    along = np.array([-normal[1], normal[0]])
    angle = np.linspace(-math.pi / 2, math.pi / 2, STEPS, endpoint=False)
    way = np.sin(angle)[:, None] * along * reach
    return np.hstack([np.cos(angle)[:, None] * foot + way, np.cos(angle)[:, None]])


def _fits(segments: Floats, points: Floats) -> bool:
    """Whether most of the segments run, within one and a half tolerances, to one of the points."""
    hits = misses(segments, points) <= SLACK * tolerance(segments)[:, None]
    return bool((lengths(segments) @ hits).max() >= FITTING * lengths(segments).sum())


def curved_share(segments: Floats, near: float) -> float:
    """Share of the segments that go on, at both ends, in another that bends the same way by 1.5 to 15 degrees.

    A straight-line detector cuts a curve into such chains; lines that a fisheye lens bends are found by them.
    """
    if len(segments) < 3:
        return 0.0
    before, after = _bend_at(segments, near, start=True), _bend_at(segments, near, start=False)
    return float(np.mean((before * after) > 0))


def _bend_at(segments: Floats, near: float, start: bool) -> Floats:
    """The signed bend to the segment that goes on at one end, 0 where none does."""
    along = segments[:, 2:] - segments[:, :2]
    angle = np.arctan2(along[:, 1], along[:, 0])
    here = segments[:, :2] if start else segments[:, 2:]
    bends = np.zeros(len(segments))
    for other in (segments[:, :2], segments[:, 2:]):
        far = np.hypot(here[:, None, 0] - other[None, :, 0], here[:, None, 1] - other[None, :, 1])
        turn = (angle[None, :] - angle[:, None] + np.pi / 2) % np.pi - np.pi / 2
        size = np.degrees(np.abs(turn))
        fits = (far < near) & (size > 1.5) & (size < 15)
        np.fill_diagonal(fits, False)
        chosen = np.where(fits, far, np.inf).argmin(axis=1)
        rows = np.arange(len(segments))
        found = np.where(fits[rows, chosen], turn[rows, chosen], 0.0)
        bends = np.where(bends == 0, found, bends)
    return bends if not start else -bends
