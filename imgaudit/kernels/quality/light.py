"""Exposure, contrast, colour and emptiness, judged on a small copy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imgaudit.kernels.quality.sizes import Bytes, least, most

_LIGHT_POWER, _INK_POWER = 8, 4
_FIELDS = 32
_DIFFERENT = 8.0
_COLOURED = 12
_BINS = 16
_WHITE, _BLACK = 252, 4
_ALL_AROUND = 0.5


def light(rgb: Bytes) -> float:
    """How bright the brightest part is, 0..100: the power mean (exponent 8) of the largest channel.

    A hundredth of the picture at full brightness gives 56, so a night scene with a few lamps is no dark picture; every
    pixel counts, so it falls whenever a picture is made darker.
    """
    return _power_mean(most(rgb), _LIGHT_POWER)


def ink(rgb: Bytes) -> float:
    """How far from white the inkiest part is, 0..100: the power mean (exponent 4) of what the least channel lacks.

    A hundredth of the picture in full ink gives 32: some lines of print alone leave a page empty, a drawn shape does
    not.
    """
    return _power_mean(255 - least(rgb), _INK_POWER)


def _power_mean(levels: Bytes, power: int) -> float:
    counts = np.bincount(levels.ravel(), minlength=256)
    mean = (counts * (np.arange(256) / 255) ** power).sum() / counts.sum()
    return float(mean ** (1 / power) * 100)


def contrast(lab: NDArray[np.float64]) -> float:
    """Range, in CIELAB units, of lightness or of either colour axis, whichever is widest, from 1 % to 99 %."""
    every = 2 if min(lab.shape[:2]) >= 2 * _BINS else 1
    planes = (lab[::every, ::every, axis].ravel() for axis in range(3))
    return float(max(np.subtract(*np.percentile(plane, (99, 1))) for plane in planes))


def white_share(rgb: Bytes) -> float | None:
    """Share of the picture that is burnt out to white; None where white is all around.

    A picture whose border is half white stands on a white ground, or is burnt out altogether: then `ink` tells.
    """
    return _clipped(least(rgb) >= _WHITE)


def black_share(rgb: Bytes) -> float | None:
    """Share of the picture that has sunk to black; None where black is all around."""
    return _clipped(most(rgb) <= _BLACK)


def _clipped(clipped: NDArray[np.bool_]) -> float | None:
    border = np.concatenate([clipped[0], clipped[-1], clipped[:, 0], clipped[:, -1]])
    return None if border.mean() >= _ALL_AROUND else float(clipped.mean())


def occupied_share(rgb: Bytes, lab: NDArray[np.float64]) -> float:
    """Share of the fields of a 32 by 32 grid in which a pixel differs from the picture's commonest colour."""
    red, green, blue = (rgb[..., channel].astype(np.uint16) // (256 // _BINS) for channel in range(3))
    code = (red * _BINS + green) * _BINS + blue
    common = code == np.bincount(code.ravel()).argmax()
    offsets = (lab[..., axis] - np.median(lab[..., axis][common]) for axis in range(3))
    away = sum(np.square(offset) for offset in offsets) > _DIFFERENT**2
    height, width = away.shape
    rows, columns = np.arange(height) * _FIELDS // height, np.arange(width) * _FIELDS // width
    field = rows[:, None] * _FIELDS + columns[None, :]
    occupied = np.bincount(field[away], minlength=_FIELDS**2) > 0
    return float(occupied.sum() / (min(height, _FIELDS) * min(width, _FIELDS)))


def coloured_share(rgb: Bytes) -> float:
    """Share of pixels whose channels differ by more than JPEG's rounding of a grey (12 levels)."""
    return float(np.mean(most(rgb) - least(rgb) > _COLOURED))


def light_numbers(glance: Bytes, lab: NDArray[np.float64]) -> dict[str, float]:
    """Every number of this page; a number that cannot be told is missing. `lab` is `glance` in CIELAB."""
    numbers = {
        "light": light(glance),
        "ink": ink(glance),
        "contrast": contrast(lab),
        "white_share": white_share(glance),
        "black_share": black_share(glance),
        "occupied_share": occupied_share(glance, lab),
        "coloured_share": coloured_share(glance),
    }
    return {name: value for name, value in numbers.items() if value is not None}
