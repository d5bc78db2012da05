"""Straight traces of how a picture was put together: uniform frames and bars, and the seams between tiles.

All arithmetic on arrays of grey levels or colours; nothing here knows what the picture shows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]

# --- frames --------------------------------------------------------------------------------------

UNIFORM_LEVELS = 8
"""What JPEG at quality 75 does to a flat border: levels from its own colour."""

FIRST_LINES = 16
"""Lines after the last even one in which the picture must begin: JPEG's blocks smear an edge over so many."""

INNER_LEVELS = 12
INNER_SHARE = 0.6
THINNEST_SHARE = 0.01
THINNEST_PIXELS = 3
LEAST_INNER = 0.2
INNER_SPREAD = 8.0
SPREAD_PIXELS = 4_000_000
"""Of so many pixels at most the spread is taken: of all of a very large picture it would need gigabytes."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A uniform border: `box` is the picture inside; `sides` are the sides that have it; `colour` its mean RGB.

    `edge` is the least share, over the sides, of the first line inside that has another colour.
    """

    kind: Literal["bars", "frame"]
    box: tuple[int, int, int, int]
    sides: tuple[str, ...]
    colour: tuple[int, int, int]
    edge: float


def frame(rgb: Bytes) -> Frame | None:
    """The uniform border of a uint8 RGB picture, if it has one on two opposite sides or on all four.

    A border is a run of lines in one colour that ends at once: within sixteen lines (two blocks of JPEG, which smear
    the edge) comes one of which six tenths of the pixels have another colour. There the picture begins. That tells it
    from a product on an even ground, where the first lines that differ do so in few pixels only.
    """
    height, width = rgb.shape[:2]
    if min(height, width) < 4 * THINNEST_PIXELS:
        return None
    (top, top_edge), (bottom, bottom_edge) = _depth(rgb), _depth(rgb[::-1])
    middle = rgb[top : height - bottom] if top + bottom < height else rgb
    across = middle.transpose(1, 0, 2)
    (left, left_edge), (right, right_edge) = _depth(across), _depth(across[::-1])
    edges = {"top": top_edge, "bottom": bottom_edge, "left": left_edge, "right": right_edge}
    thick = {
        "top": _thick(top, height), "bottom": _thick(bottom, height),
        "left": _thick(left, width), "right": _thick(right, width),
    }  # fmt: skip
    depths = {"top": top, "bottom": bottom, "left": left, "right": right}
    colours = {
        "top": _colour(rgb[:top]), "bottom": _colour(rgb[height - bottom :]),
        "left": _colour(across[:left]), "right": _colour(across[width - right :]),
    }  # fmt: skip
    sides = _sides(thick, depths, colours)
    if not sides:
        return None
    box = tuple(
        end - depths[side] if side in ("right", "bottom") and side in sides else depths[side] if side in sides else end
        for side, end in (("left", 0), ("top", 0), ("right", width), ("bottom", height))
    )
    x0, y0, x1, y1 = box
    inner = rgb[y0:y1, x0:x1]
    if x1 - x0 < LEAST_INNER * width or y1 - y0 < LEAST_INNER * height:
        return None
    every = math.ceil(math.sqrt(inner.shape[0] * inner.shape[1] / SPREAD_PIXELS))
    if float(inner[::every, ::every].reshape(-1, 3).std(axis=0).max()) < INNER_SPREAD:
        return None
    edge = min(edges[side] for side in sides)
    return Frame("frame" if len(sides) == 4 else "bars", (x0, y0, x1, y1), sides, colours[sides[0]], edge)


def _sides(
    thick: dict[str, bool], depths: dict[str, int], colours: dict[str, tuple[int, int, int]]
) -> tuple[str, ...]:
    """All four sides, or two opposite ones of like depth and colour; else none."""
    if all(thick.values()) and _alike(list(colours.values())):
        return ("top", "bottom", "left", "right")
    for first, second in (("top", "bottom"), ("left", "right")):
        if thick[first] and thick[second] and _alike([colours[first], colours[second]]):
            deep, flat = max(depths[first], depths[second]), min(depths[first], depths[second])
            if deep - flat <= 2 + 0.2 * deep:
                return (first, second)
    return ()


def _alike(colours: Sequence[tuple[int, int, int]]) -> bool:
    spread = np.ptp(np.array(colours), axis=0)
    return bool(spread.max() <= UNIFORM_LEVELS)


def _thick(depth: int, length: int) -> bool:
    return depth >= max(THINNEST_PIXELS, THINNEST_SHARE * length)


def _colour(part: Bytes) -> tuple[int, int, int]:
    if not part.size:
        return (0, 0, 0)
    red, green, blue = (int(v) for v in np.median(part[:: max(1, len(part) // 8)].reshape(-1, 3), axis=0))
    return (red, green, blue)


def _depth(lines: Bytes) -> tuple[int, float]:
    """How many lines are the border (0 where it does not end at once), and how much of the next line is not."""
    colour = np.median(lines[0], axis=0)
    depth = 0
    for line in lines:
        if _differing(line, colour, UNIFORM_LEVELS) > 0.002:
            break
        depth += 1
    if depth in (0, len(lines)):
        return 0, 0.0
    for further, line in enumerate(lines[depth : depth + FIRST_LINES]):
        share = _differing(line, colour, INNER_LEVELS)
        if share >= INNER_SHARE:
            return depth + further, share
    return 0, 0.0


def _differing(line: Bytes, colour: Floats, levels: int) -> float:
    return float((np.abs(line - colour).max(axis=1) > levels).mean())


# --- seams ---------------------------------------------------------------------------------------

BANDS = 16
CLIP = 24
SEAM_SCORES = 4.0
SEAM_BANDS = 0.6
MARGIN_SHARE = 0.04
SMALLEST_SIDE = 256
"""Below it every sharp edge of the scene is a step of one pixel, as a seam is."""

GRID = 8
GHOST = 6
"""A step answers once more four pixels away, so of places this near only the strongest is one."""


def seam_profile(gray: Bytes) -> Floats:
    """For each column, the share of sixteen bands of rows in which a step stands at it that stands at no neighbour.

    The step over two pixels (so that a seam between pixels counts as well) less the mean of the steps two pixels
    before and after; clipped, averaged over each band, and measured in robust deviations over the columns of the
    band, or over those on the same place of JPEG's grid of eight where they spread more.
    """
    height, width = gray.shape
    if min(height, width) < SMALLEST_SIDE:
        return np.zeros(width)
    level = gray.astype(np.int16)
    step = level[:, 2:] - level[:, :-2]
    alone = np.add(step[:, 2:-2], step[:, 2:-2])
    alone -= step[:, :-4]
    alone -= step[:, 4:]
    np.clip(alone, -2 * CLIP, 2 * CLIP, out=alone)
    edges = np.linspace(0, height, BANDS + 1).astype(int)[:-1]
    sums = np.add.reduceat(alone, edges, axis=0, dtype=np.int32)
    means = sums / np.diff([*edges, height])[:, None] / 2
    share = np.zeros(width)
    share[3:-3] = (_scores(means) > SEAM_SCORES).mean(axis=0)
    return share


def _scores(means: Floats) -> Floats:
    size = np.abs(means)
    spread = 1.4826 * np.median(size, axis=1, keepdims=True) + 0.15
    result = size / spread
    for place in range(GRID):
        own = size[:, place::GRID]
        usual = 1.4826 * np.median(own, axis=1, keepdims=True) + 0.15
        result[:, place::GRID] = own / np.maximum(usual, spread)
    return np.asarray(result, dtype=np.float64)


def seams(profile: Floats) -> list[int]:
    """Columns that a seam runs along, from a profile; not near the picture's ends, and one of several neighbours."""
    margin = max(4, int(MARGIN_SHARE * len(profile)))
    found: list[int] = []
    for column in np.flatnonzero(profile >= SEAM_BANDS):
        if not margin <= column < len(profile) - margin:
            continue
        if found and column - found[-1] <= GHOST:
            if profile[column] > profile[found[-1]]:
                found[-1] = int(column)
            continue
        found.append(int(column))
    return found


def is_tiling(columns: Sequence[int], rows: Sequence[int], width: int, height: int) -> bool:
    """Whether seams look like those of tiles: they cross, or lie at even distances, and are few.

    One straight edge through a whole picture may be a wall or a post; seams that cross, or repeat at one distance, are
    of the making.
    """
    if len(columns) > 12 or len(rows) > 12:
        return False
    return bool(columns and rows) or _even(columns, width) or _even(rows, height)


def _even(places: Sequence[int], length: int) -> bool:
    """Whether two or more places share one period, counted from the picture's start."""
    if len(places) < 2:
        return False
    period = min(np.diff(places))
    off = [abs(place / period - round(place / period)) * period for place in places]
    return bool(period >= 24 and max(off) <= 2.5 and period < 0.6 * length)
