"""Ink and ground of a line of writing: which pixels of a place are letters, their colour, and the box they fill.

The ground is the median colour of the place's rim and ink is what lies far from it; how far is far, Otsu's threshold
on the distances tells. Known limits: a patterned ground is taken for ink in part, and letters of two colours are one
ink.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from imgaudit.kernels import masks
from imgaudit.kernels.contrast import luminance, ratio

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Point = tuple[float, float]
Rgb = tuple[int, int, int]

LEAST_DISTANCE = 12.0
"""CIELAB distance below which a place has no ink: about what an eye tells apart at a glance, five times over."""
INK_SHARE = (0.01, 0.75)
"""Share of a line's place that letters fill; outside it something else was found."""

RIM = 2
"""Pixels beside a letter that its smooth edge may reach."""


def size_of(polygon: Sequence[Point]) -> tuple[int, int]:
    """Width and height in pixels of a line's place: four corners, clockwise from the start of the line."""
    a, b, c, d = (np.array(corner, np.float64) for corner in polygon)
    width = (np.linalg.norm(b - a) + np.linalg.norm(c - d)) / 2
    height = (np.linalg.norm(d - a) + np.linalg.norm(c - b)) / 2
    return max(1, round(float(width))), max(1, round(float(height)))


def to_place(polygon: Sequence[Point], width: int, height: int) -> NDArray[np.float64]:
    """The 3x3 homography from an upright rectangle of this size onto a line's place."""
    flat = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(flat, np.array(polygon, np.float32)), np.float64)


def straightened(rgb: Pixels, polygon: Sequence[Point]) -> Pixels:
    """A line of writing turned upright, (height, width, 3)."""
    width, height = size_of(polygon)
    back = np.linalg.inv(to_place(polygon, width, height))
    return np.asarray(
        cv2.warpPerspective(rgb, back, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )


def ground_of(rgb: Pixels) -> Rgb:
    """The median colour of the rim of an upright place."""
    rim = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    red, green, blue = np.median(rim, axis=0).astype(int)
    return int(red), int(green), int(blue)


def ink_of(rgb: Pixels) -> Mask | None:
    """The pixels of an upright place (height, width, 3) that are letters; None where nothing looks like letters."""
    lab = cv2.cvtColor(np.ascontiguousarray(rgb / np.float32(255), np.float32), cv2.COLOR_RGB2LAB)
    ground = cv2.cvtColor(np.array([[ground_of(rgb)]], np.float32) / 255, cv2.COLOR_RGB2LAB)[0, 0]
    away = np.linalg.norm(lab - ground, axis=2)
    if away.max() < LEAST_DISTANCE:
        return None
    scaled = np.round(away * (255 / away.max())).astype(np.uint8)
    threshold, _ = cv2.threshold(scaled, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    ink = np.asarray((scaled > threshold) & (away >= LEAST_DISTANCE))
    return ink if INK_SHARE[0] <= ink.mean() <= INK_SHARE[1] else None


def colour_of(rgb: Pixels, ink: Mask) -> Rgb:
    """The letters' colour: the median of their inner half, away from the smooth edges that mix with the ground."""
    depth = cv2.distanceTransform(np.pad(ink, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    inner = depth >= np.median(depth[ink])
    red, green, blue = np.median(rgb[inner & ink], axis=0).astype(int)
    return int(red), int(green), int(blue)


def tightened(rgb: Pixels, polygon: Sequence[Point]) -> tuple[Point, ...]:
    """The part of a line's place that its letters fill; the place itself where no letters are told from the ground.

    Text detectors draw wide boxes; this one ends where the ink does.
    """
    flat = straightened(rgb, polygon)
    ink = ink_of(flat)
    if ink is None:
        return tuple((float(x), float(y)) for x, y in polygon)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    x0, x1, y0, y1 = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    corners = np.array([[(x0, y0), (x1, y0), (x1, y1), (x0, y1)]], np.float64)
    height, width = flat.shape[:2]
    placed = cv2.perspectiveTransform(corners, to_place(polygon, width, height))[0]
    return tuple((float(x), float(y)) for x, y in placed)


def contrast(one: Rgb, other: Rgb) -> float:
    """WCAG contrast of two colours, 1..21."""
    first, second = (float(luminance(np.array(colour, np.uint8))) for colour in (one, other))
    return ratio(first, second)


def legible(colour: Rgb, ground: Rgb, least: float) -> Rgb:
    """The colour, or the one of black and white that stands out better where the colour does not stand out enough.

    >>> legible((0, 0, 0), (255, 255, 255), 4.5), legible((250, 250, 250), (255, 255, 255), 4.5)
    ((0, 0, 0), (0, 0, 0))
    """
    if contrast(colour, ground) >= least:
        return colour
    return max(((0, 0, 0), (255, 255, 255)), key=lambda plain: contrast(plain, ground))


def deepened(rgb: Pixels, polygon: Sequence[Point], least: float) -> Pixels | None:
    """A picture (height, width, 3) with a line's letters in black or white, where they stand out less than `least`.

    Each pixel next to the letters moves as far as it is ink, so that smooth edges stay smooth. None where no letters
    are told from the ground.
    """
    flat = straightened(rgb, polygon)
    letters = ink_of(flat)
    if letters is None:
        return None
    ground, old = ground_of(flat), colour_of(flat, letters)
    new = np.array(legible(old, ground, least), np.float32)
    place = to_place(polygon, flat.shape[1], flat.shape[0])
    spread = cv2.warpPerspective(letters.astype(np.uint8) * 255, place, (rgb.shape[1], rgb.shape[0]))
    step = np.array(old, np.float32) - ground
    share = np.clip((rgb - np.array(ground, np.float32)) @ step / max(float(step @ step), 1.0), 0, 1)
    share *= masks.grown(np.asarray(spread > 0), RIM)
    return np.asarray(np.round(rgb + share[..., None] * (new - old)).clip(0, 255).astype(np.uint8))
