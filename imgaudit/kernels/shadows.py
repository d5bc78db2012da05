"""Cast shadows on the ground, and whether one light can have cast them all.

All shadows of one lamp or sun on a level ground lie on lines through one point of the picture: the foot of the light, or
for a sun behind the camera the vanishing point of its rays' tracks; for a light far to the side the lines are parallel.
From the foot of what casts them, all lead away from that point, or all lead to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well one light explains some shadows: degrees by which each is turned from it, and which is furthest."""

    off: tuple[float, ...]

    @property
    def worst(self) -> float:
        """The largest of the angles, in degrees."""
        return max(self.off)

    @property
    def odd(self) -> int:
        """Which shadow is turned furthest."""
        return int(np.argmax(self.off))


def one_light(feet: Floats, ways: Floats) -> Agreement:
    """The light that explains most of some shadows, by the median of the angles, and how far each is off it.

    Lights that are tried: where two of the shadows' lines meet, and one infinitely far along each shadow.

    Args:
        feet: x, y of where each shadow starts.
        ways: unit vector of where each leads.
    """
    best: tuple[float, float, tuple[float, ...]] | None = None
    for light in _lights(feet, ways):
        from_light = light[2] * feet - light[:2]
        for sign in (1.0, -1.0):
            off = _angles(sign * from_light, ways)
            key = (float(np.median(off)), float(off.max()), tuple(off.tolist()))
            best = key if best is None or key < best else best
    return Agreement(best[2] if best is not None else (0.0,) * len(feet))


def _lights(feet: Floats, ways: Floats) -> list[Floats]:
    """Points (x, y, weight) that may be the foot of the light; of weight 0 infinitely far away."""
    lights = [np.array([-x, -y, 0.0]) for x, y in ways.tolist()]
    for first, second in combinations(range(len(feet)), 2):
        turn = float(ways[first, 0] * ways[second, 1] - ways[first, 1] * ways[second, 0])
        if abs(turn) < 1e-3:
            continue
        between = feet[second] - feet[first]
        along = float(between[0] * ways[second, 1] - between[1] * ways[second, 0]) / turn
        lights.append(np.array([*(feet[first] + along * ways[first]), 1.0]))
    return lights


def _angles(expected: Floats, ways: Floats) -> Floats:
    """Degrees between two sets of directions, row by row."""
    across = expected[:, 0] * ways[:, 1] - expected[:, 1] * ways[:, 0]
    result: Floats = np.abs(np.degrees(np.arctan2(across, (expected * ways).sum(axis=1))))
    return result


def long_axis(x: Floats, y: Floats) -> tuple[Floats, Floats, float]:
    """Middle of some points, unit vector of their long axis, and how many times longer than wide they lie."""
    middle = np.array([x.mean(), y.mean()])
    away = np.stack([x - middle[0], y - middle[1]])
    values, vectors = np.linalg.eigh(away @ away.T / max(1, len(x)))
    return middle, vectors[:, 1], math.sqrt((values[1] + 1e-9) / (values[0] + 1 / 12))
