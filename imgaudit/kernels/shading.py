"""Where the light comes from, by the shading of matt surfaces whose shape is known, and by highlights in eyes.

Lambert's law to first order: the light that a matt surface gives back is a constant plus the dot product of its normal
with a vector (the first two bands of Ramamoorthi and Hanrahan 2001). x is to the right, y down, z into the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NEIGHBOURS = 12
TRIMMED = 0.8
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Shade:
    """A fitted shading.

    Attributes:
        x, y, z: how much brighter, as a share of the mean, a surface is that faces right, down, or away.
        fit: share of the variance that the shading explains, 0..1.
    """

    x: float
    y: float
    z: float
    fit: float

    @property
    def strength(self) -> float:
        """How one-sided the light is across the picture plane."""
        return math.hypot(self.x, self.y)

    @property
    def azimuth(self) -> float:
        """Where the light comes from in the picture, in degrees: 0 from the right, 90 from below, -90 from above."""
        return math.degrees(math.atan2(self.y, self.x))


def normals(points: Floats, neighbours: int = NEIGHBOURS) -> Floats:
    """Unit normals of a surface given by points: the least direction of each point's nearest neighbours.

    They look towards the camera (z below 0).
    """
    from scipy.spatial import cKDTree

    _, near = cKDTree(points).query(points, k=min(neighbours, len(points)))
    local = points[near] - points[near].mean(axis=1, keepdims=True)
    _, vectors = np.linalg.eigh(np.einsum("nki,nkj->nij", local, local))
    found = vectors[:, :, 0]
    result: Floats = found * np.where(found[:, 2:] > 0, -1.0, 1.0)
    return result


def fitted(directions: Floats, light: Floats) -> Shade | None:
    """The shading that explains the light on surfaces of known direction; the worst fifth is left out, thrice.

    Args:
        directions: unit normals, a row each.
        light: linear light of each.
    """
    if len(light) < 24 or float(light.mean()) < 1e-4:
        return None
    value = light / light.mean()
    design = np.hstack([np.ones((len(light), 1)), directions])
    kept = np.arange(len(light))
    solved = np.zeros(4)
    for _ in range(ROUNDS):
        solved = np.linalg.lstsq(design[kept], value[kept], rcond=None)[0]
        wrong = np.abs(value - design @ solved)
        kept = np.argsort(wrong, kind="stable")[: max(16, int(TRIMMED * len(light)))]
    left = value[kept] - design[kept] @ solved
    total = float(((value[kept] - value[kept].mean()) ** 2).sum())
    fit = 1 - float((left**2).sum()) / total if total > 1e-9 else 0.0
    x, y, z = (float(v) for v in solved[1:])
    return Shade(x, y, z, max(0.0, fit))


def sphere_normals(size: int) -> tuple[NDArray[np.bool_], Floats]:
    """Which pixels of a square lie on the ball that fills it (to 0.92 of its radius), and the normals there."""
    at = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(at, at)
    inside = x * x + y * y < 0.92**2
    z = -np.sqrt(np.clip(1 - x * x - y * y, 0, None))
    return inside, np.stack([x[inside], y[inside], z[inside]], axis=1)


def apart(first: float, second: float) -> float:
    """Angle between two azimuths in degrees, 0..180."""
    return abs((first - second + 180) % 360 - 180)


# --- highlights ----------------------------------------------------------------------------------

OVER = 55.0
FAINT = 30.0
SMALLEST_SHARE = 0.004
LARGEST_SHARE = 0.22


@dataclass(frozen=True, slots=True)
class Highlight:
    """The brightest spot on an iris: place from its centre in radii, share of its area, levels over the iris."""

    x: float
    y: float
    share: float
    contrast: float


def highlight(levels: Floats) -> Highlight | None:
    """The highlight on an iris that fills a square of grey levels; None where nothing stands out.

    A spot is brighter than the iris's median by 55 levels, and by half of what the brightest pixel is.
    """
    size = len(levels)
    at = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(at, at)
    inside = x * x + y * y < 0.9**2
    usual = float(np.median(levels[inside]))
    over = np.where(inside, levels - usual, 0.0)
    most = float(over.max())
    if most < OVER:
        return None
    row, column = np.unravel_index(int(np.argmax(over)), over.shape)
    spot = _connected(over > max(OVER, most / 2), int(row), int(column))
    share = float(spot.sum() / inside.sum())
    if not SMALLEST_SHARE <= share <= LARGEST_SHARE:
        return None
    weight = over[spot]
    return Highlight(
        float(np.average(x[spot], weights=weight)), float(np.average(y[spot], weights=weight)), share, most
    )


def _connected(mask: NDArray[np.bool_], row: int, column: int) -> NDArray[np.bool_]:
    """The part of a mask that holds one pixel."""
    from scipy.ndimage import label

    names, _ = label(mask)
    result: NDArray[np.bool_] = names == names[row, column]
    return result
