"""Whether a picture belongs to the world of coloured shapes, told from its pixels alone.

The embedded models know nothing else, so what they say of any other picture is worth nothing. The test is strict and
simple: the border is one flat white, black or gray; one to four regions lie apart on this background; and each region
has one colour of the world inside and mixtures of that colour with the background at its edge. A photograph, a drawing
with shading or a page of text fails at least one of these.

Known limits: a flat icon in exactly these colours on such a background passes, whatever its shape.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from imgaudit.embedded.world import BACKGROUNDS, CANVAS, COLOURS

Pixels = npt.NDArray[np.uint8]

BORDER_TOLERANCE = 14.0
"""Largest mean distance, in RGB steps, of a border pixel to its background's colour."""
INNER_TOLERANCE = 40.0
"""Largest distance of a pixel inside a region to the nearest colour of the world."""
INNER_SHARE = 0.8
EDGE_TOLERANCE = 46.0
EDGE_SHARE = 0.97
MOST_REGIONS = 4


def _small(pixels: Pixels) -> npt.NDArray[np.float32]:
    side = (CANVAS, CANVAS)
    if pixels.shape[:2] == side:
        return pixels.astype(np.float32)
    shrinks = min(pixels.shape[:2]) >= CANVAS
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    small: npt.NDArray[np.float32] = cv2.resize(pixels, side, interpolation=method).astype(np.float32)
    return small


def _background(small: npt.NDArray[np.float32]) -> npt.NDArray[np.float32] | None:
    """The background's colour, if the border is flat and is one."""
    border = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    for colour in BACKGROUNDS.values():
        target = np.array(colour, np.float32)
        distance = np.linalg.norm(border - target, axis=1)
        if distance.mean() < BORDER_TOLERANCE and np.percentile(distance, 90) < 2 * BORDER_TOLERANCE:
            return target
    return None


def _distance_to_line(
    points: npt.NDArray[np.float32], start: npt.NDArray[np.float32], end: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Distance of colours (n, 3) to the mixtures of two colours."""
    along = end - start
    share = np.clip((points - start) @ along / (along @ along), 0, 1)
    return np.asarray(np.linalg.norm(points - start - share[:, None] * along, axis=1), np.float32)


def known(pixels: Pixels) -> bool:
    """Whether an RGB picture, uint8 (height, width, 3), is one of coloured shapes as the embedded models know them."""
    if pixels.ndim != 3 or pixels.shape[2] != 3 or min(pixels.shape[:2]) < CANVAS // 2:
        return False
    if max(pixels.shape[:2]) > 1.1 * min(pixels.shape[:2]):
        return False
    small = _small(pixels)
    ground = _background(small)
    if ground is None:
        return False
    away = np.linalg.norm(small - ground, axis=2)
    mask = (away > 45).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    regions = [n for n in range(1, count) if stats[n, cv2.CC_STAT_AREA] >= 12]
    if not 1 <= len(regions) <= MOST_REGIONS:
        return False
    return all(_flat(small, labels == number, ground) for number in regions)


def _flat(small: npt.NDArray[np.float32], region: npt.NDArray[np.bool_], ground: npt.NDArray[np.float32]) -> bool:
    """Whether a region has one colour of the world inside and mixtures with the background at its edge."""
    inside = cv2.erode(region.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    core = small[inside] if inside.sum() >= 4 else small[region]
    middle = np.median(core, axis=0)
    table = np.array(list(COLOURS.values()), np.float32)
    nearest = table[np.linalg.norm(table - middle, axis=1).argmin()]
    flat = np.linalg.norm(core - nearest, axis=1) < INNER_TOLERANCE
    mixed = _distance_to_line(small[region], ground, nearest) < EDGE_TOLERANCE
    return bool(flat.mean() >= INNER_SHARE and mixed.mean() >= EDGE_SHARE)
