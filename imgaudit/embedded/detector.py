"""Find the things of a picture of coloured shapes: the embedded detector.

It explains the picture as a painter would make it: a ground of one colour, and on it flat shapes that cover each pixel
by a share between none and all. Every pixel is unmixed into ground and one of the world's colours (least squares on the
line between the two), connected cover makes a region, the colour that leaves the least unexplained over the whole
region is the region's, and the shape is the one whose outline, drawn anew with the region's own centre and area, covers
it best. The share of common cover is turned into a probability over the four shapes.

Whether it knows a picture at all is told by the same means: the explanation must leave almost nothing over, and the
regions must be shapes. No network, no weights, about a millisecond.

It shares nothing with the reader of shapes (`imgaudit/embedded/reader.py`), which judges what was drawn: that one cuts
regions by their distance to the border in CIELAB, names colours by a median, and shapes by how they fill their hull and
their smallest circle.

Known limits: shapes that overlap in one colour are one region and fit none; turned or stretched shapes fit worse, and
their scores say so; a flat icon in exactly these colours on such a ground is taken for a picture of this world.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from imgaudit.embedded.world import BACKGROUNDS, CANVAS, COLOURS, SHAPES

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

VERSION = "1"
LEAST_SIDE = 32
MOST_STRETCH = 1.1
"""Longer side over shorter: pictures of this world are square."""
MOST_THINGS = 9
SHARPNESS = 0.015
"""Difference of common cover that makes a shape e times as likely: chosen by log loss on spoilt drawings, whose best is
0.01, and half as much again, for spoilt drawings are not what generators spoil."""
FITS, FITS_NOT = 0.8, 0.6
"""Common cover from which a region is wholly a shape, and below which it is none."""
SURE_COLOUR = 0.5
"""The second best colour must leave this much more unexplained, as a share of itself, to be told apart."""
_GROUND_TOLERANCE = 30.0
_GROUND_SHARE = 0.75
_LEFT_TOLERANCE = 45.0
_EXPLAINED_SHARE = 0.97
_SHAPELY = 0.7
_LEAST_AREA = 12
_FINE = 4
_CORE_SHARE = 0.15


@dataclass(frozen=True)
class Thing:
    """A shape that was found.

    Attributes:
        box: x0, y0, x1, y1 in pixels of the picture.
        shapes: probability that it is a clean circle, square, triangle, star.
        fit: 0..1, probability that it is one clean shape at all.
        colour: its name, or None where two colours explain it nearly as well.
    """

    box: tuple[float, float, float, float]
    shapes: dict[str, float]
    fit: float
    colour: str | None


@dataclass(frozen=True)
class Sighting:
    """Everything that was found; `why_not` says why the picture is not of this world."""

    things: tuple[Thing, ...] = ()
    ground: str | None = None
    why_not: str | None = None


# --- outlines -----------------------------------------------------------------------------------


def _ring(corners: int, turn: float, radii: tuple[float, ...]) -> npt.NDArray[np.float64]:
    angles = turn + 2 * np.pi * np.arange(corners) / corners
    lengths = np.resize(np.asarray(radii), corners)
    return np.stack([lengths * np.cos(angles), -lengths * np.sin(angles)], axis=1)


def _of_unit_area(outline: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    following = np.roll(outline, -1, axis=0)
    area = abs((outline[:, 0] * following[:, 1] - outline[:, 1] * following[:, 0]).sum()) / 2
    return np.asarray(outline / math.sqrt(area))


_UP = math.pi / 2
OUTLINES = {
    "circle": _of_unit_area(_ring(72, 0.0, (1.0,))),
    "square": _of_unit_area(_ring(4, math.pi / 4, (1.0,))),
    "triangle": _of_unit_area(_ring(3, _UP, (1.0,))),
    "star": _of_unit_area(_ring(10, _UP, (1.0, 0.42))),
}
"""Corners around the centre of gravity, of area 1."""


def _cover(outline: npt.NDArray[np.float64], centre: tuple[float, float], area: float) -> Floats:
    """Share of each pixel that an outline covers."""
    points = (outline * math.sqrt(area) + np.asarray(centre)) * _FINE
    fine = np.zeros((CANVAS * _FINE, CANVAS * _FINE), np.float32)
    # centres of fine pixels lie at whole numbers, edges half a pixel before them; 4 bits of a corner are fractions
    cv2.fillPoly(fine, [np.round((points - 0.5) * 16).astype(np.int32)], 1.0, lineType=cv2.LINE_8, shift=4)
    return np.asarray(cv2.resize(fine, (CANVAS, CANVAS), interpolation=cv2.INTER_AREA), np.float32)


# --- explaining ---------------------------------------------------------------------------------


def _ground(small: Floats) -> str | None:
    border = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    for name, colour in BACKGROUNDS.items():
        near = np.linalg.norm(border - np.array(colour, np.float32), axis=1) < _GROUND_TOLERANCE
        if near.mean() >= _GROUND_SHARE:
            return name
    return None


def _unmixed(small: Floats, ground: Floats) -> tuple[Floats, Floats]:
    """Cover of each pixel by each colour, and what that leaves unexplained, squared: two arrays (8, h, w)."""
    lines = np.array(list(COLOURS.values()), np.float32) - ground
    away = (small - ground).reshape(-1, 3)
    along, lengths = lines @ away.T, (lines**2).sum(axis=1)[:, None]
    cover = np.clip(along / lengths, 0, 1)
    left = np.einsum("nk,nk->n", away, away) - 2 * cover * along + cover**2 * lengths
    shape = (len(COLOURS), *small.shape[:2])
    return cover.reshape(shape), np.maximum(left, 0).reshape(shape)


def _regions(cover: Floats, left: Floats) -> list[npt.NDArray[np.bool_]]:
    """Connected cover, parted where two colours meet."""
    label = left.argmin(axis=0)
    own = np.take_along_axis(cover, label[None], axis=0)[0]
    count, parts, stats, _ = cv2.connectedComponentsWithStats((own > 0.5).astype(np.uint8), connectivity=4)
    found: list[npt.NDArray[np.bool_]] = []
    for number in range(1, count):
        if stats[number, cv2.CC_STAT_AREA] >= _LEAST_AREA:
            found.extend(_parted(parts == number, label))
    return found


def _parted(region: npt.NDArray[np.bool_], label: npt.NDArray[np.intp]) -> list[npt.NDArray[np.bool_]]:
    """One region a colour; the rim, where colours mix with the ground, says nothing about how many there are."""
    core = cv2.erode(region.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    shares = np.bincount(label[core], minlength=len(COLOURS)) / max(int(core.sum()), 1)
    colours = [int(c) for c in np.flatnonzero(shares >= _CORE_SHARE)]
    if len(colours) < 2:
        return [region]
    nearest = np.stack([cv2.distanceTransform((~(core & (label == c))).astype(np.uint8), cv2.DIST_L2, 3)
                        for c in colours]).argmin(axis=0)  # fmt: skip
    pieces = [region & (nearest == place) for place in range(len(colours))]
    return [piece for piece in pieces if piece.sum() >= _LEAST_AREA]


def _thing(
    region: npt.NDArray[np.bool_], rest: npt.NDArray[np.bool_], cover: Floats, left: Floats
) -> tuple[Thing, Floats, int]:
    """One region as a thing in pixels of the canvas, its cover, and the number of its colour."""
    unexplained = left[:, region].sum(axis=1)
    first, second = (int(place) for place in np.argsort(unexplained)[:2])
    near = cv2.dilate(region.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool) & ~rest
    mask = np.where(near, cover[first], 0).astype(np.float32)
    area = float(mask.sum())
    rows, columns = np.mgrid[0:CANVAS, 0:CANVAS] + 0.5
    centre = float((columns * mask).sum() / area), float((rows * mask).sum() / area)
    common = {name: _common(mask, _cover(OUTLINES[name], centre, area)) for name in SHAPES}
    best = max(common.values())
    fit = float(np.clip((best - FITS_NOT) / (FITS - FITS_NOT), 0, 1))
    weights = {name: math.exp((value - best) / SHARPNESS) for name, value in common.items()}
    total = sum(weights.values())
    y, x = np.nonzero(region)
    box = float(x.min()), float(y.min()), float(x.max()) + 1, float(y.max()) + 1
    told = unexplained[first] < SURE_COLOUR * unexplained[second]
    colour = list(COLOURS)[first] if told else None
    shapes = {name: fit * weight / total for name, weight in weights.items()}
    return Thing(box, shapes, fit, colour), mask, first


def _common(one: Floats, other: Floats) -> float:
    return float(np.minimum(one, other).sum() / np.maximum(one, other).sum())


def detect(pixels: Pixels) -> Sighting:
    """Find the shapes of an RGB picture, uint8 (height, width, 3), in reading order of their boxes."""
    high, wide = pixels.shape[:2]
    if min(high, wide) < LEAST_SIDE or max(high, wide) > MOST_STRETCH * min(high, wide):
        return Sighting(why_not="it is not a square of 32 pixels or more")
    shrinks = min(high, wide) > CANVAS
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    small = cv2.resize(pixels, (CANVAS, CANVAS), interpolation=method).astype(np.float32)
    name = _ground(small)
    if name is None:
        return Sighting(why_not="its border is not one flat white, black or gray")
    ground = np.array(BACKGROUNDS[name], np.float32)
    cover, left = _unmixed(small, ground)
    regions = _regions(cover, left)
    if not 1 <= len(regions) <= MOST_THINGS:
        return Sighting(ground=name, why_not=f"{len(regions)} patches of colour lie on its ground")
    everything = np.any(regions, axis=0)
    found = [_thing(region, everything & ~region, cover, left) for region in regions]
    if not _explained(small, ground, found):
        return Sighting(ground=name, why_not="it is not made of flat shapes in the world's colours")
    scale = np.array([wide, high, wide, high]) / CANVAS
    things = [_scaled(thing, scale) for thing, _, _ in found]
    return Sighting(tuple(sorted(things, key=lambda thing: (thing.box[1], thing.box[0]))), name)


def _scaled(thing: Thing, scale: npt.NDArray[np.float64]) -> Thing:
    x0, y0, x1, y1 = (round(float(side), 3) for side in np.array(thing.box) * scale)
    return Thing((x0, y0, x1, y1), thing.shapes, thing.fit, thing.colour)


def _explained(small: Floats, ground: Floats, found: list[tuple[Thing, Floats, int]]) -> bool:
    """Whether ground and things account for the picture, and the things are mostly shapes."""
    table = np.array(list(COLOURS.values()), np.float32)
    picture = np.broadcast_to(ground, small.shape).copy()
    for _, mask, colour in found:
        picture += mask[..., None] * (table[colour] - ground)
    over = small - picture
    far = np.einsum("hwk,hwk->hw", over, over) >= _LEFT_TOLERANCE**2
    areas = np.array([mask.sum() for _, mask, _ in found])
    fits = np.array([thing.fit for thing, _, _ in found])
    inside = np.any([mask > 0.5 for _, mask, _ in found], axis=0)
    return bool(
        far.mean() <= 1 - _EXPLAINED_SHARE
        and far[inside].mean() <= 0.2
        and (areas * fits).sum() >= (1 - _SHAPELY) * areas.sum()
    )
