"""Read a picture of coloured shapes by geometry: no network, no knowledge of how the pictures are drawn.

The judge of what a generator drew must not share its parts. So this reader restates the world's colours as it sees
them and works from pixels alone: the border tells the background, the distance of a pixel's colour to the background
tells what lies on it, connected regions are the shapes, the median colour inside a region names its colour, and how
its outline fills its box and its hull names its shape.

Known limits: shapes that touch are read as one; a region smaller than `MINIMUM_AREA` pixels is dirt and is not
counted; a region that is no clear shape is given the name nearest to it, with a low `certainty`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]

PALETTE = {
    "red": (220, 30, 35),
    "orange": (250, 140, 20),
    "yellow": (250, 225, 40),
    "green": (30, 150, 60),
    "cyan": (50, 210, 225),
    "blue": (35, 65, 205),
    "purple": (135, 45, 170),
    "pink": (250, 130, 190),
}
GROUNDS = {"white": (255, 255, 255), "black": (0, 0, 0), "gray": (128, 128, 128)}
MINIMUM_AREA = 20
"""Pixels of a 64x64 picture; the smallest shape of the world has twice as many."""
_EXTENT = {"circle": 1.0, "square": 0.92, "triangle": 1.02, "star": 1.09}
"""Half the longer side of each shape's box, for equal visual size."""
_ENLARGED = 4
_FOREGROUND = 0.5


@dataclass(frozen=True)
class Seen:
    """A shape that was read: centre and half its extent in pixels of the picture; certainty between 0 and 1."""

    shape: str
    colour: str
    x: float
    y: float
    radius: float
    certainty: float

    @property
    def size(self) -> str:
        """Small, middle or large, by the half extent on a 64x64 canvas."""
        if self.radius < 7.3:
            return "small"
        return "large" if self.radius > 12.05 else "middle"


@dataclass(frozen=True)
class Reading:
    """Everything that was read in a picture."""

    seen: tuple[Seen, ...]
    background: str


def _lab(rgb: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """CIELAB of RGB values 0..255, shape (h, w, 3)."""
    lab: npt.NDArray[np.float32] = cv2.cvtColor(
        np.ascontiguousarray(rgb / 255, dtype=np.float32), cv2.COLOR_RGB2LAB
    )
    return lab


def _nearest(colour: npt.NDArray[np.float32], names: dict[str, tuple[int, int, int]]) -> str:
    table = _lab(np.array([list(names.values())], dtype=np.float32))[0]
    distances = np.linalg.norm(table - colour, axis=1)
    return list(names)[int(distances.argmin())]


def _border(lab: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    rows = [lab[:2], lab[-2:]]
    columns = [lab[:, :2], lab[:, -2:]]
    pixels = np.concatenate([part.reshape(-1, 3) for part in rows + columns])
    median: npt.NDArray[np.float32] = np.median(pixels, axis=0)
    return median


def _shape(area: float, outline: npt.NDArray[np.int32]) -> tuple[str, float]:
    """Name a region by two ratios that do not depend on its size.

    Solidity, area over that of the convex hull, is near 0.6 for a five-pointed star (more, the blunter it is) and 1 for
    the others. Of these, a circle fills its smallest enclosing circle wholly, a square 2 / pi = 0.64 of it and an
    equilateral triangle 3 sqrt(3) / (4 pi) = 0.41 of it.
    """
    hull = cv2.contourArea(cv2.convexHull(outline))
    solidity = area / max(hull, 1.0)
    _, enclosing = cv2.minEnclosingCircle(outline)
    filled = area / (np.pi * max(enclosing, 1.0) ** 2)
    typical = {"circle": (1.0, 1.0), "square": (1.0, 0.64), "triangle": (1.0, 0.41), "star": (0.7, 0.4)}
    distances = {
        name: float(np.hypot(2 * (solidity - wanted[0]), filled - wanted[1])) for name, wanted in typical.items()
    }
    best, second = sorted(distances, key=distances.__getitem__)[:2]
    certainty = 1 - distances[best] / max(distances[second], 1e-6)
    return best, certainty


def _region(mask: Pixels, lab: npt.NDArray[np.float32]) -> Seen:
    """Read one connected region of an enlarged picture."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=cv2.contourArea)
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    inner = lab[distance >= 0.6 * distance.max()]
    shape, certainty = _shape(float(cv2.contourArea(outline)), outline)
    x, y, width, height = cv2.boundingRect(outline)
    return Seen(
        shape,
        _nearest(np.median(inner, axis=0), PALETTE),
        (x + width / 2) / _ENLARGED,
        (y + height / 2) / _ENLARGED,
        max(width, height) / 2 / _ENLARGED / _EXTENT[shape],
        certainty,
    )


def read(pixels: Pixels) -> Reading:
    """Read an RGB picture, uint8 (64, 64, 3), left to right."""
    side = pixels.shape[0] * _ENLARGED
    large = cv2.resize(pixels.astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
    lab = _lab(np.clip(large, 0, 255).astype(np.float32))
    ground = _border(lab)
    away = np.linalg.norm(lab - ground, axis=2)
    regions = _regions(away, lab)
    found = [_region(mask, lab) for mask in regions]
    found.sort(key=lambda seen: (seen.x, seen.y))
    return Reading(tuple(found), _nearest(ground, GROUNDS))


def _regions(away: npt.NDArray[np.float32], lab: npt.NDArray[np.float32]) -> list[Pixels]:
    """Masks of the regions, each cut at half the way between the background's colour and its own."""
    rough = (away > 18).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(rough, connectivity=4)
    masks = []
    for number in range(1, count):
        if stats[number, cv2.CC_STAT_AREA] < MINIMUM_AREA * _ENLARGED**2:
            continue
        inside = labels == number
        own = float(np.percentile(away[inside], 80))
        masks.append((inside & (away > _FOREGROUND * own)).astype(np.uint8))
    return masks
