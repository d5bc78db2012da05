"""Mirror symmetry: the axis that a picture's own key points vote for, and what does not match across it.

The axis is found as by Loy and Eklundh (2006): each key point is matched with mirrored key points, each pair is an
axis half-way between, and the axis with most votes wins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
AnyFloats = NDArray[np.floating[Any]]

MATCH_DISTANCE = 0.75
CANDIDATES = 2
CLOSEST_SHARE = 0.05
PHASE = 0.9
ANGLE_BIN = math.radians(4.0)
OFFSET_SHARE = 0.015


@dataclass(frozen=True, slots=True)
class Axis:
    """A mirror axis: all points with x cos(angle) + y sin(angle) = offset. `first` and `second` are matching rows."""

    angle: float
    offset: float
    first: NDArray[np.intp]
    second: NDArray[np.intp]

    @property
    def support(self) -> int:
        """Key points that have their mirror image."""
        return len(np.unique(np.concatenate([self.first, self.second])))

    def mirror(self, points: Floats) -> Floats:
        """Points (x, y) on the other side of the axis."""
        normal = np.array([math.cos(self.angle), math.sin(self.angle)])
        result: Floats = points - 2 * ((points @ normal) - self.offset)[:, None] * normal
        return result

    def matrix(self) -> Floats:
        """The mirroring as a 2 x 3 matrix."""
        x, y = math.cos(self.angle), math.sin(self.angle)
        return np.array(
            [[1 - 2 * x * x, -2 * x * y, 2 * self.offset * x], [-2 * x * y, 1 - 2 * y * y, 2 * self.offset * y]]
        )


def mirrored_descriptors(descriptors: AnyFloats) -> AnyFloats:
    """SIFT descriptors of the mirror images: rows of the 4 x 4 cells in reverse, directions negated."""
    cells = descriptors.reshape(-1, 4, 4, 8)[:, ::-1]
    turned = cells[..., (-np.arange(8)) % 8]
    result: AnyFloats = turned.reshape(len(descriptors), 128)
    return result


def axis(points: Floats, descriptors: Floats, diagonal: float) -> Axis | None:
    """The axis that most key points agree on, or None where no two do.

    Args:
        points: x, y, angle in degrees, size of each.
        descriptors: unit vectors.
        diagonal: of the picture, in the unit of the points.
    """
    if len(points) < 4:
        return None
    first, second = _pairs(points, descriptors, CLOSEST_SHARE * diagonal)
    if not len(first):
        return None
    between = points[second, :2] - points[first, :2]
    angle = np.arctan2(between[:, 1], between[:, 0]) % math.pi
    turns = np.radians(points[first, 2] + points[second, 2])
    phase = (1 - np.cos(turns - 2 * angle)) / 2
    right = phase > PHASE
    first, second, angle = first[right], second[right], angle[right]
    if not len(first):
        return None
    middle = (points[first, :2] + points[second, :2]) / 2
    return _voted(first, second, angle, middle, diagonal)


def _pairs(points: Floats, descriptors: Floats, near: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each key point, the mirrored ones most like it, each pair once."""
    single = descriptors.astype(np.float32)
    alike = single @ mirrored_descriptors(single).T
    alike[np.abs(points[:, None, 0] - points[None, :, 0]) + np.abs(points[:, None, 1] - points[None, :, 1]) < near] = -1
    size = np.log(points[:, 3])
    alike[np.abs(size[:, None] - size[None, :]) > math.log(1.5)] = -1
    rows = np.arange(len(points))
    first, second = np.repeat(rows, CANDIDATES), np.empty(CANDIDATES * len(points), np.intp)
    for place in range(CANDIDATES):
        chosen = alike.argmax(axis=1)
        second[place::CANDIDATES] = np.where(alike[rows, chosen] > 1 - MATCH_DISTANCE**2 / 2, chosen, -1)
        alike[rows, chosen] = -1
    good = second >= 0
    pairs = np.unique(np.sort(np.stack([first[good], second[good]], axis=1), axis=1), axis=0)
    return pairs[:, 0], pairs[:, 1]


def _voted(
    first: NDArray[np.intp], second: NDArray[np.intp], angle: Floats, middle: Floats, diagonal: float
) -> Axis:
    """The pair whose axis most other pairs lie on, refined by their medians."""
    wide = OFFSET_SHARE * diagonal
    turn = np.abs((angle[:, None] - angle[None, :] + math.pi / 2) % math.pi - math.pi / 2)
    normal = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    own = (middle * normal).sum(axis=1)
    off = np.abs(normal @ middle.T - own[:, None])
    agree = (turn < ANGLE_BIN) & (off < wide)
    best = np.flatnonzero(agree[int(np.argmax(agree.sum(axis=1)))])
    reference = angle[best[0]]
    relative = (angle[best] - reference + math.pi / 2) % math.pi - math.pi / 2
    chosen = float(reference + np.median(relative))
    offset = float(np.median(middle[best] @ np.array([math.cos(chosen), math.sin(chosen)])))
    return Axis(chosen, offset, first[best], second[best])


# --- faces ---------------------------------------------------------------------------------------


def eye_opening(points: Floats) -> float:
    """Area of an eye's outline (ordered points) over the square of its width."""
    x, y = points[:, 0], points[:, 1]
    area = abs(float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())) / 2
    width = float(np.hypot(*(points[:, :2].max(axis=0) - points[:, :2].min(axis=0))))
    return area / max(width, 1e-6) ** 2


def gaze(iris: Floats, left: Floats, right: Floats) -> tuple[float, float]:
    """Where an iris stands in its eye, from its middle: along and across the line of the corners, in widths."""
    along = (right - left)[:2]
    width = max(float(np.hypot(*along)), 1e-6)
    away = iris[:2] - (left[:2] + right[:2]) / 2
    across = np.array([-along[1], along[0]])
    return float(away @ along) / width**2, float(away @ across) / width**2
