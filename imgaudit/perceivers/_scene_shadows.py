"""Cast shadows: long dark places of the ground's own colour that start at the foot of something that stands.

The picture is reduced to 256 pixels. What the ground would be without the shadow is the median of a window around each
pixel, in the logarithm of linear light: a shadow is darker by about the same factor in red, green and blue.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from imgaudit.kernels import shading, shadows
from imgaudit.percepts import CastShadow, Shadows

Image8 = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

SIDE = 256
WINDOW = 57
STEPS = 44.0
FLOOR = 0.003
LEAST_DARKER, MOST_DARKER = 0.25, 1.8
COLOUR = 0.16
BLUER = 0.3
GROUND = 0.14
LEAST_AREA = 0.0015
MOST_AREA = 0.08
LEAST_LENGTH = 0.06
LONGER = 2.2
EVEN = 0.2
FLANKS = 0.6
STANDS = 0.5
MOST = 8
LOGARITHM = np.round(STEPS * (np.log(shading.linear(np.arange(256.0)) + FLOOR) - np.log(FLOOR))).clip(0, 255)


@dataclass(frozen=True, slots=True)
class _Ground:
    """How much darker each pixel is than its surroundings, where that may be shadow, and where it is bare ground."""

    darker: Floats
    shade: Mask
    bare: Mask


def cast_shadows(rgb: Image8) -> Shadows:
    """The long shadows of a picture, longest first."""
    import cv2

    height, width = rgb.shape[:2]
    scale = max(1.0, max(height, width) / SIDE)
    size = max(1, round(width / scale)), max(1, round(height / scale))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if min(small.shape[:2]) < 48:
        return Shadows()
    ground = _ground(small)
    count, names, facts, _ = cv2.connectedComponentsWithStats(ground.shade.astype(np.uint8), connectivity=8)
    area = small.shape[0] * small.shape[1]
    found = []
    for name in range(1, count):
        if LEAST_AREA * area <= facts[name, cv2.CC_STAT_AREA] <= MOST_AREA * area:
            shadow = _shadow(names == name, ground)
            if shadow is not None:
                found.append(_scaled(shadow, scale))
    found.sort(key=lambda shadow: -float(np.hypot(*np.subtract(shadow.tip, shadow.foot))))
    return Shadows(shadows=tuple(found[:MOST]))


def _ground(small: Image8) -> _Ground:
    import cv2

    light = LOGARITHM.astype(np.uint8)[cv2.GaussianBlur(small, (0, 0), 0.8)]
    usual = np.asarray(cv2.medianBlur(light, WINDOW), dtype=np.float64)
    less = (usual - light) / STEPS
    mean = less.mean(axis=2)
    red, green, blue = less[..., 0], less[..., 1], less[..., 2]
    alike = (np.abs(green - mean) < COLOUR) & (red - blue < BLUER) & (blue - red < COLOUR)
    shade = (mean > LEAST_DARKER) & (mean < MOST_DARKER) & alike
    opened = cv2.morphologyEx(shade.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return _Ground(mean, np.asarray(opened > 0), np.abs(less).max(axis=2) < GROUND)


def _shadow(inside: Mask, ground: _Ground) -> CastShadow | None:
    """One dark place, if it is long and even, lies on bare ground and starts at something that stands."""
    import cv2

    rows, columns = np.nonzero(inside)
    middle, way, longer = shadows.long_axis(columns.astype(np.float64), rows.astype(np.float64))
    along = (columns - middle[0]) * way[0] + (rows - middle[1]) * way[1]
    low, high = np.percentile(along, [2, 98])
    diagonal = float(np.hypot(*inside.shape))
    if longer < LONGER or high - low < LEAST_LENGTH * diagonal:
        return None
    levels = ground.darker[inside]
    if float(np.percentile(levels, 75) - np.percentile(levels, 25)) > EVEN:
        return None
    kernel = np.ones((3, 3), np.uint8)
    near = cv2.dilate(inside.astype(np.uint8), kernel, iterations=2)
    ring = np.asarray((cv2.dilate(near, kernel, iterations=2) > 0) & (near == 0))
    y, x = np.nonzero(ring)
    at = ((x - middle[0]) * way[0] + (y - middle[1]) * way[1] - low) / (high - low)
    bare = ground.bare[ring]
    if not len(at) or float(bare[(at > 0.15) & (at < 0.85)].mean() if ((at > 0.15) & (at < 0.85)).any() else 0) < FLANKS:
        return None
    ends = [middle + low * way, middle + high * way]
    stands = [_stands(ground, inside, end) for end in ends]
    foot = int(np.argmax(stands))
    if stands[foot] < STANDS or stands[1 - foot] > 0.6 * stands[foot]:
        return None
    box = (float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))
    start, tip = ((float(end[0]), float(end[1])) for end in (ends[foot], ends[1 - foot]))
    return CastShadow(box=box, foot=start, tip=tip, darker=round(float(np.median(levels)), 4))


def _stands(ground: _Ground, inside: Mask, end: Floats) -> float:
    """Share of the place just above an end that is neither bare ground nor this shadow."""
    height, width = inside.shape
    reach = max(4, round(0.05 * float(np.hypot(height, width))))
    x, y = round(float(end[0])), round(float(end[1]))
    part = slice(max(0, y - reach), max(1, y)), slice(max(0, x - reach // 3), max(1, min(width, x + reach // 3 + 1)))
    other = ~ground.bare[part] & ~inside[part]
    return float(other.mean()) if other.size else 0.0


def _scaled(shadow: CastShadow, scale: float) -> CastShadow:
    """The shadow in the picture's own pixels."""
    x0, y0, x1, y1 = (round(scale * v, 1) for v in shadow.box)
    return CastShadow(
        box=(x0, y0, x1, y1),
        foot=(round(scale * shadow.foot[0], 1), round(scale * shadow.foot[1], 1)),
        tip=(round(scale * shadow.tip[0], 1), round(scale * shadow.tip[1], 1)),
        darker=shadow.darker,
    )
