"""Technical quality: what the pixels alone say about sharpness, exposure, emptiness and the traces of compression.

Each statistic comes in two steps. A function measures it in units of the picture (pixels, grey levels, a share); it is
costly and its result is stored. A `Scale` then maps that number to 0..1 with 0.5 at the operating point; it is cheap,
and a new operating point needs no second look at the picture.

The operating points were set on the sample photographs that scikit-image carries and on drawn shapes, degraded on
purpose (Gaussian, motion and zoom blur, exposure in stops of light, noise, JPEG, fewer levels); the reason for each
stands beside it in `SCALES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

WORKING_SIDE = 1024
"""Longest side on which sharpness is judged: a large picture is looked at whole, not pixel by pixel."""

NATIVE_SIDE = 1024
"""Side of the middle part on which noise, blocks and bands are counted: scaling would remove them."""

GLANCE_SIDE = 256
"""Longest side on which exposure, colours and emptiness are judged."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A smooth step from 0 to 1 over positive numbers: x^s / (x^s + half^s).

    Attributes:
        half: the operating point, where the level is 0.5.
        steepness: the exponent s; negative where small numbers are the bad ones.
        why: how the operating point was found.
    """

    half: float
    steepness: float
    why: str

    def level(self, value: float) -> float:
        """How bad, 0..1.

        >>> Scale(2.0, 3.0, "").level(2.0), Scale(2.0, -3.0, "").level(0.0)
        (0.5, 1.0)
        """
        if value <= 0:
            return 0.0 if self.steepness > 0 else 1.0
        return float(1 / (1 + (self.half / value) ** self.steepness))


SCALES: Mapping[str, Scale] = {
    "blur": Scale(
        1.1,
        4.0,
        "pixels of Gaussian blur at a strong edge, the geometric mean of two ends: sharp photographs and drawings, and"
        " photographs with a third of their area in focus, stayed under 0.97; three quarters of the photographs that"
        " were blurred by 2 pixels of 1024 were over 1.25",
    ),
    "dark": Scale(
        28.0,
        -4.0,
        "distance from black that one pixel in a hundred exceeds: a well-exposed photograph falls to 28 when it is"
        " darkened by three to four stops of light; a small dark blue shape on black keeps over 50",
    ),
    "bright": Scale(
        20.0,
        -4.0,
        "distance from white that one pixel in a hundred exceeds: an empty page with one or two lines of small print"
        " has 7 to 23, a burnt-out photograph under 20, the palest shape drawn on white 45",
    ),
    "low_information": Scale(
        0.01,
        -3.0,
        "share of the fields of a 32 by 32 grid in which anything differs from the commonest colour: the smallest"
        " drawn shape fills three in a hundred",
    ),
    "blocking": Scale(
        0.15,
        2.0,
        "share of lone steps of six levels on the 8 by 8 grid, beyond those elsewhere: most JPEG photographs exceed"
        " it at quality 15, and all stay under 0.12 at quality 50",
    ),
    "banding": Scale(
        0.12,
        2.0,
        "share of the picture in flat steps of a staircase: photographs stay under 0.07; smoothed ones at 32 levels"
        " a channel have 0.18 to 0.59",
    ),
    "noise": Scale(
        10.0,
        4.0,
        "grey levels: the coarsest texture (grass) reads as 8, film grain as 3 to 6; 10 is noise that hides detail",
    ),
}
"""Measure -> how its statistic becomes 0..1."""


# --- sizes -------------------------------------------------------------------------------------


def shrunk(rgb: Bytes, side: int) -> Bytes:
    """The picture with its longest side at most `side`, each pixel the mean of those it replaces."""
    import cv2

    height, width = rgb.shape[:2]
    factor = side / max(height, width)
    if factor >= 1:
        return rgb
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def middle(rgb: Bytes, side: int = NATIVE_SIDE) -> Bytes:
    """The middle of the picture in its own pixels, at most `side` square, cut on the grid of eight that JPEG uses."""
    top = max(0, (rgb.shape[0] - side) // 2) // 8 * 8
    left = max(0, (rgb.shape[1] - side) // 2) // 8 * 8
    return np.ascontiguousarray(rgb[top : top + side, left : left + side])


def grey(rgb: Bytes) -> Bytes:
    """Luma (BT.601) of uint8 RGB."""
    import cv2

    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


# --- sharpness ---------------------------------------------------------------------------------

_FINE, _COARSE = 1.0, 2.0
_OPERATOR = 0.45  # variance that differences of pixels add to an edge, measured on edges of known blur
_FRACTION = 3  # bits below a grey level; with three, the square of a gradient fits 31 bits
_GRADIENT_UNIT = 32 << _FRACTION
_MARGIN = 4
_EDGE_SHARE = 0.3
_EDGE_FLOOR = 1.5
_NOISE_GAIN = 1.2
_EDGES_A_TILE = 8
_TILES_ACROSS = 12


def edge_blur(gray: Bytes, noise: float = 0.0) -> float | None:
    """Standard deviation, in pixels, of the Gaussian that the strongest edges look blurred by; None without an edge.

    The gradient of a step that was blurred by s, looked at through Gaussians of 1 and 2 pixels, falls by
    R = sqrt((s^2 + 4) / (s^2 + 1)), hence s^2 = (4 - R^2) / (R^2 - 1) (the re-blur ratio of Zhuo and Sim 2011, with
    the first Gaussian against noise). Only crests of the gradient count, and only those with at least 0.3 of the
    strongest: flat areas, smooth gradients and a background out of focus say nothing. The answer is the median over
    the tiles that have such edges of the median within each.

    A picture without a sharp crest is looked at once more at a quarter of its size, so that strong blur is seen too.
    Crests that `noise` (standard deviation in grey levels) could have made are left out.
    """
    found = _tile_blurs(gray, noise)
    if found.size:
        return float(np.median(found))
    small = shrunk(gray, max(1, max(gray.shape) // 4))
    found = _tile_blurs(small, noise / 4)
    return float(np.median(found)) * 4 if found.size else None


def _tile_blurs(gray: Bytes, noise: float) -> NDArray[np.float64]:
    """Median blur of the crests within each tile that has some."""
    rows, columns, blur = _crest_blurs(gray, noise)
    side = max(16, -(-max(gray.shape) // _TILES_ACROSS))
    tile = (rows // side) * 4096 + columns // side
    order = np.argsort(tile, kind="stable")
    _, starts, counts = np.unique(tile[order], return_index=True, return_counts=True)
    parts = (blur[order][start : start + count] for start, count in zip(starts, counts, strict=True))
    return np.array([np.median(part) for part in parts if part.size >= _EDGES_A_TILE], dtype=np.float64)


def _crest_blurs(gray: Bytes, noise: float) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Row, column and blur of each pixel on the crest of a strong edge."""
    import cv2

    if min(gray.shape) <= 2 * _MARGIN:
        return np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0)
    level = gray.astype(np.uint16) << _FRACTION
    across, down, squared = _gradient(cv2.GaussianBlur(level, (0, 0), _FINE))
    core = squared[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    strongest = float(np.sqrt(np.percentile(core[::2, ::2], 99.9)))
    least = max(_EDGE_SHARE * strongest, max(_EDGE_FLOOR, _NOISE_GAIN * noise) * _GRADIENT_UNIT)
    rows, columns = np.divmod(np.flatnonzero(core > least**2), core.shape[1])
    rows, columns = rows + _MARGIN, columns + _MARGIN
    here = squared[rows, columns]
    length = np.sqrt(here.astype(np.float64))
    dx = np.rint(across[rows, columns] / length).astype(np.intp)
    dy = np.rint(down[rows, columns] / length).astype(np.intp)
    crest = (here >= squared[rows + dy, columns + dx]) & (here > squared[rows - dy, columns - dx])
    rows, columns = rows[crest], columns[crest]
    coarse = _gradient(cv2.GaussianBlur(level, (0, 0), _COARSE))[2][rows, columns]
    ratio = here[crest] / np.maximum(coarse, 1)
    variance = (_COARSE**2 - ratio * _FINE**2) / np.maximum(ratio - 1, 1e-3)
    return rows, columns, np.sqrt(np.maximum(variance - _OPERATOR, 0))


def _gradient(level: NDArray[np.uint16]) -> tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.int32]]:
    """Horizontal and vertical gradient, `_GRADIENT_UNIT` to a grey level a pixel, and the square of their length.

    Whole numbers throughout: the result is the same on every machine and wherever the array lies in memory, which it
    is not with floats.
    """
    import cv2

    signed = level.astype(np.int16)
    across, down = cv2.Scharr(signed, -1, 1, 0), cv2.Scharr(signed, -1, 0, 1)
    return across, down, np.square(across, dtype=np.int32) + np.square(down, dtype=np.int32)


# --- noise -------------------------------------------------------------------------------------

_NOISE_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
_NOISE_TILE = 16
_NOISE_TILES = 512
_NORMAL_MEDIAN = 0.6744898
_LOWEST_TENTH = 0.87  # of pure noise, the lowest tenth of the tiles reads this share of the truth


def noise_level(gray: Bytes) -> float | None:
    """Standard deviation of the noise in grey levels, from the smoothest tiles; None where it cannot be told.

    Immerkaer's mask (1996) removes everything that is locally a plane; noise of deviation s comes through it with 6 s.
    Of each 16 by 16 tile the median response counts, so that a few edges do not, and of the tiles the lowest tenth.
    Tiles with pixels that are clipped to black or white hide their noise and are left out, unless all are clipped and
    some are flat: such a picture is drawn. Texture without any smooth place reads as noise.
    """
    import cv2

    response = np.abs(cv2.filter2D(gray.astype(np.float32), cv2.CV_32F, _NOISE_KERNEL, borderType=cv2.BORDER_REFLECT))
    values = _tiles(gray)
    usable = np.mean((values <= 2) | (values >= 253), axis=1) <= 0.1
    if not usable.any():
        return 0.0 if (np.ptp(values, axis=1) == 0).any() else None
    medians = np.median(_tiles(response)[usable], axis=1)
    return float(np.percentile(medians, 10)) / (6 * _NORMAL_MEDIAN * _LOWEST_TENTH)


def _tiles(plane: NDArray[Any]) -> NDArray[Any]:
    """At most 512 whole tiles of a plane, evenly spread, one a row."""
    rows, columns = plane.shape[0] // _NOISE_TILE, plane.shape[1] // _NOISE_TILE
    whole = plane[: rows * _NOISE_TILE, : columns * _NOISE_TILE]
    grid = whole.reshape(rows, _NOISE_TILE, columns, _NOISE_TILE).swapaxes(1, 2)
    every = max(1, -(-rows * columns // _NOISE_TILES))
    return grid.reshape(rows * columns, _NOISE_TILE**2)[::every]


# --- compression -------------------------------------------------------------------------------

_BLOCK = 8
_BLOCK_STEP = (6, 40)
_BAND_STEP = (3, 24)
_BAND_LENGTH = 4


def block_share(gray: Bytes) -> float | None:
    """Share of the lines between 8 by 8 blocks that show a lone step, beyond that share elsewhere; None if too small.

    A lone step is one of 6 to 40 grey levels that is more than twice the steps on both sides together. Edges of the
    picture fall on every column alike and cancel out. Every second row and column is looked at. The picture must not
    have been scaled since it was compressed.
    """
    excesses = [_grid_excess(plane[::2]) for plane in (gray, gray.T) if min(gray.shape) >= 4 * _BLOCK]
    return float(np.mean(excesses)) if excesses else None


def _grid_excess(gray: Bytes) -> float:
    steps = np.abs(np.diff(np.ascontiguousarray(gray).astype(np.int16), axis=1))
    here, around = steps[:, 1:-1], steps[:, :-2] + steps[:, 2:]
    lone = (here >= _BLOCK_STEP[0]) & (here <= _BLOCK_STEP[1]) & (here > 2 * around)
    share = lone.mean(axis=0)
    phase = (np.arange(share.size) + 2) % _BLOCK  # step c of `here` lies before column c + 2
    by_phase = np.array([share[phase == p].mean() for p in range(_BLOCK)])
    return float(max(0.0, by_phase[0] - np.median(by_phase[1:])))


def band_share(plane: Bytes) -> float:
    """Share of the picture, along every second row and column, that lies on a flat step of a staircase.

    A flat step is a run of at least 4 pixels that change by at most 1, entered and left in the same direction by a
    jump of 3 to 24 levels: what is left of a gradient with too few levels. Noise or JPEG over the bands hides them from
    this count, as it does from the eye. Of a colour picture the green channel is looked at: in luma, the bands of three
    channels lie between each other.
    """
    planes = [np.ascontiguousarray(part[::2]).astype(np.int16) for part in (plane, plane.T)]
    return sum(map(_stairs, planes)) / sum(part.size for part in planes)


def _stairs(plane: NDArray[np.int16]) -> int:
    """Pixels of all flat steps along the rows."""
    never = np.int16(999)
    jumps = np.full(plane.shape, never)
    jumps[:, 1:] = np.diff(plane, axis=1)
    line = jumps.ravel()
    starts = np.flatnonzero(np.abs(line) > 1)
    lengths = np.diff(np.append(starts, line.size))
    entered = line[starts]
    left = np.append(entered[1:], never)
    small = (np.abs(entered) >= _BAND_STEP[0]) & (np.abs(entered) <= _BAND_STEP[1])
    small &= (np.abs(left) >= _BAND_STEP[0]) & (np.abs(left) <= _BAND_STEP[1])
    stair = small & (np.sign(entered) == np.sign(left)) & (lengths >= _BAND_LENGTH)
    return int(lengths[stair].sum())


# --- exposure and emptiness --------------------------------------------------------------------

_FIELDS = 32
_DIFFERENT = 8.0
_COLOURED = 12
_BINS = 16


def brightest_part(lab: NDArray[np.float64]) -> float:
    """CIELAB distance from black that one pixel in a hundred exceeds. `lab` has shape (height, width, 3)."""
    return float(np.percentile(np.linalg.norm(lab, axis=-1), 99))


def inkiest_part(lab: NDArray[np.float64]) -> float:
    """CIELAB distance from white that one pixel in a hundred exceeds."""
    return float(np.percentile(np.linalg.norm(lab - (100.0, 0.0, 0.0), axis=-1), 99))


def occupied_share(rgb: Bytes, lab: NDArray[np.float64]) -> float:
    """Share of the fields of a 32 by 32 grid in which a pixel differs from the picture's commonest colour."""
    cells = rgb.astype(np.intp) // (256 // _BINS)
    code = (cells[..., 0] * _BINS + cells[..., 1]) * _BINS + cells[..., 2]
    common = np.bincount(code.ravel()).argmax()
    away = np.linalg.norm(lab - np.median(lab[code == common], axis=0), axis=-1) > _DIFFERENT
    height, width = away.shape
    rows, columns = np.arange(height) * _FIELDS // height, np.arange(width) * _FIELDS // width
    field = rows[:, None] * _FIELDS + columns[None, :]
    occupied = np.bincount(field[away], minlength=_FIELDS**2) > 0
    return float(occupied.sum() / (min(height, _FIELDS) * min(width, _FIELDS)))


def coloured_share(rgb: Bytes) -> float:
    """Share of pixels whose channels differ by more than JPEG's rounding of a grey (12 levels)."""
    return float(np.mean(np.ptp(rgb, axis=-1) > _COLOURED))


# --- all of it ---------------------------------------------------------------------------------


def statistics(rgb: Bytes, glance: Bytes, lab: NDArray[np.float64]) -> dict[str, float]:
    """Every number of this page for one picture; a number that cannot be told is missing.

    Args:
        rgb: uint8 (height, width, 3), the whole picture.
        glance: the same with its longest side at most 256, see `shrunk`.
        lab: `glance` in CIELAB.

    Returns:
        `edge_blur` in pixels, `noise_level` in grey levels, `brightest_part` and `inkiest_part` in CIELAB units, shares
        0..1, `width` and `height` in pixels.
    """
    centre = middle(rgb)
    native, working = grey(centre), grey(shrunk(rgb, WORKING_SIDE))
    noise = noise_level(native)
    left = (noise or 0.0) * max(working.shape) / max(rgb.shape[:2])  # scaling down averages noise away
    numbers = {
        "width": float(rgb.shape[1]),
        "height": float(rgb.shape[0]),
        "edge_blur": edge_blur(working, left),
        "noise_level": noise,
        "block_share": block_share(native),
        "band_share": band_share(centre[..., 1]),
        "brightest_part": brightest_part(lab),
        "inkiest_part": inkiest_part(lab),
        "occupied_share": occupied_share(glance, lab),
        "coloured_share": coloured_share(glance),
    }
    return {name: value for name, value in numbers.items() if value is not None}
