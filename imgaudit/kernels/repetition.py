"""What comes again within one picture: copied patches, and a faint pattern that lies over everything.

Pure arithmetic on key points, descriptors and grey levels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]


# --- copied patches ------------------------------------------------------------------------------

COPY_DISTANCE = 0.35
"""Distance of two unit descriptors up to which they may show one thing: copies in JPEG at quality 75 stay below it."""

SAME_TURN = 12.0
SAME_SCALE = 1.25
BIN = 6.0
LEAST_PAIRS = 5
MOST_PAIRS = 300
"""So many pairs are a regular pattern (bricks, print); of more, evenly chosen ones are grouped."""

MOST_GROUPS = 8


@dataclass(frozen=True, slots=True)
class Shift:
    """Key points that come again moved by one vector: rows of the points here and there."""

    vector: tuple[float, float]
    here: NDArray[np.intp]
    there: NDArray[np.intp]


def shifts(points: Floats, descriptors: Floats, near: float) -> list[Shift]:
    """Groups of key points that come again at one distance, largest first, at most eight.

    Args:
        points: x, y, angle in degrees, size of each.
        descriptors: unit vectors.
        near: distance below which two points are the same place.
    """
    if len(points) < 2 * LEAST_PAIRS:
        return []
    first, second = _like_pairs(points, descriptors, near)
    if len(first) > MOST_PAIRS:
        chosen = np.linspace(0, len(first) - 1, MOST_PAIRS).astype(np.intp)
        first, second = first[chosen], second[chosen]
    vectors = points[second, :2] - points[first, :2]
    groups: list[Shift] = []
    left = np.ones(len(first), dtype=bool)
    while left.sum() >= LEAST_PAIRS and len(groups) < MOST_GROUPS:
        rows = np.flatnonzero(left)
        close = np.abs(vectors[rows, None] - vectors[None, rows]).max(axis=2) < BIN
        best = rows[close[int(np.argmax(close.sum(axis=1)))]]
        if len(np.unique(first[best])) < LEAST_PAIRS:
            break
        middle = np.median(vectors[best], axis=0)
        groups.append(Shift((float(middle[0]), float(middle[1])), first[best], second[best]))
        left[best] = False
    return sorted(groups, key=lambda g: -len(g.here))


def _like_pairs(points: Floats, descriptors: Floats, near: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs that look alike, stand the same way and have one size; each ordered so that it points right, or down."""
    single = descriptors.astype(np.float32)
    first, second = np.nonzero(single @ single.T > 1 - COPY_DISTANCE**2 / 2)
    between = points[second] - points[first]
    turn = np.abs((between[:, 2] + 180) % 360 - 180)
    scale = np.abs(np.log(points[second, 3] / points[first, 3]))
    right = (np.abs(between[:, :2]).max(axis=1) > near) & (turn < SAME_TURN) & (scale < np.log(SAME_SCALE))
    right &= (between[:, 0] > 0) | ((between[:, 0] == 0) & (between[:, 1] > 0))
    return first[right], second[right]


def correlation(first: Floats, second: Floats) -> float:
    """Normalised correlation of two patches of one shape, -1..1; 0 where one is flat."""
    a, b = first - first.mean(), second - second.mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / norm if norm > 1e-9 else 0.0


# --- a pattern over everything -------------------------------------------------------------------

PARTS = ((3, 2), (2, 0))
"""Parts across and down, and which of the lowest of them counts; the second where nine parts would be too small."""

CLIP_DEVIATIONS = 2.0
AWAY = (3, 5)
EMPTY = 0.5
"""Grey levels of detail below which a part holds nothing that could repeat, but traces of JPEG."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A repeated pattern: `period` as x, y in pixels, `score` in robust deviations in the weakest of the parts."""

    period: tuple[int, int]
    score: float


def pattern(gray: Floats, least: int) -> Pattern | None:
    """The strongest repetition at one and the same distance in all nine parts of a picture, or all four of a small one.

    Each part is freed of its slow changes, clipped at twice its usual contrast (so that strong edges do not outweigh a
    faint mark), and correlated with itself. A peak is scored by its height in robust deviations of the correlation at
    other distances. The third lowest of nine counts, so that two empty parts do not hide it; of four the lowest.
    """
    for parts, place in PARTS:
        rows, columns = gray.shape[0] // parts, gray.shape[1] // parts
        if min(rows, columns) >= 4 * least:
            peaks = [
                _peaks(gray[y * rows : (y + 1) * rows, x * columns : (x + 1) * columns])
                for y, x in np.ndindex(parts, parts)
            ]
            return _strongest(np.sort(np.stack(peaks), axis=0)[place], least)
    return None


def _strongest(lowest: NDArray[np.float32], least: int) -> Pattern:
    """The highest place of a map of distances (as of `_peaks`), at least `least` pixels away."""
    middle = lowest.shape[0] // 2
    lowest[middle - least + 1 : middle + least, :least] = -np.inf
    row, column = np.unravel_index(int(np.argmax(lowest)), lowest.shape)
    return Pattern((int(column), int(row - middle)), float(lowest[row, column]))


def _peaks(part: Floats) -> NDArray[np.float32]:
    """The self-correlation of a part, in robust deviations; pointed peaks only.

    Rows are distances down from minus half its height to plus half, columns distances to the right from 0 to half its
    width: to the left it is the same turned about.
    """
    from scipy import fft

    rows, columns = part.shape
    usual = float(np.median(np.abs(part))) * CLIP_DEVIATIONS + 0.25
    clipped = np.clip(part, -usual, usual)
    half_y, half_x = rows // 2, columns // 2
    if float(part.std()) < EMPTY:
        return np.zeros((2 * half_y + 1, half_x + 1), np.float32)
    size = fft.next_fast_len(rows + half_y + 1, real=True), fft.next_fast_len(columns + half_x + 1, real=True)
    power = np.abs(fft.rfft2(clipped.astype(np.float32), size)) ** 2
    full = fft.irfft2(power, size)
    wide = max(AWAY)
    y, x = np.arange(-half_y, half_y + 1), np.arange(-wide, half_x + 1)
    overlap = (rows - np.abs(y))[:, None] * (columns - np.abs(x))[None, :]
    sharp = _sharp(full[np.ix_(y, x)] / overlap.astype(np.float32))[:, wide:]
    spread = np.float32(1.4826 * float(np.median(np.abs(sharp - np.median(sharp)))) + 1e-9)
    return _most3(np.asarray(sharp / spread, dtype=np.float32))


def _sharp(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far each value stands over those some pixels away, in the direction in which it does so least.

    An edge or a stripe is like itself all along its direction, so that it stands out in the others alone.
    """
    wide = max(AWAY)
    padded = np.pad(values, wide, mode="edge")
    rows, columns = values.shape
    most = np.full(values.shape, -np.inf, np.float32)
    for down, across in ((0, 1), (1, 0), (1, 1), (1, -1)):
        near = np.zeros(values.shape, np.float32)
        for step in (*AWAY, *(-away for away in AWAY)):
            top, left = wide + step * down, wide + step * across
            near += padded[top : top + rows, left : left + columns]
        np.maximum(most, near, out=most)
    return np.asarray(values - most / (2 * len(AWAY)), dtype=np.float32)


def _most3(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The greatest of three by three neighbours, so that a peak may lie one pixel off in another part."""
    padded = np.pad(values, 1, mode="edge")
    across = np.maximum(np.maximum(padded[:, :-2], padded[:, 1:-1]), padded[:, 2:])
    most: NDArray[np.float32] = np.maximum(np.maximum(across[:-2], across[1:-1]), across[2:])
    return most


# --- places that stand out -----------------------------------------------------------------------

TILES = 8


def outlier(features: Floats) -> tuple[int, float]:
    """Row of the tile that is farthest from the others, and how far: robust deviations, mean over the features.

    `features` has a row a tile; scaled by median and median deviation. Only that a tile differs, never that it is bad.
    """
    middle = np.median(features, axis=0)
    spread = 1.4826 * np.median(np.abs(features - middle), axis=0) + 1e-6
    distance = np.sqrt((((features - middle) / spread) ** 2).mean(axis=1))
    row = int(np.argmax(distance))
    return row, float(distance[row])


def box_around(points: Floats, pad: float) -> tuple[float, float, float, float]:
    """x0, y0, x1, y1 around points, with a margin."""
    low, high = points.min(axis=0) - pad, points.max(axis=0) + pad
    return (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
