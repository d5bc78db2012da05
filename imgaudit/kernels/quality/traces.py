"""What was done to the pixels before: blocks and quality of a JPEG, bands, enlarging."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from imgaudit.kernels.quality.sizes import Bytes, grey

Floats = NDArray[np.float64]

_BLOCK = 8
_EVERY = 4  # rows and columns that are looked at: neighbours say the same


# --- blocks ------------------------------------------------------------------------------------

_LARGEST_STEP = 12


def block_step(gray: Bytes) -> float | None:
    """Grey levels by which steps between 8 by 8 blocks exceed the steps beside them; None if too small.

    At each column the step counts as far as it is larger than the steps on both sides together, 12 levels at most.
    The same at the seven columns within a block is taken off, so that edges of the picture, which fall on every column
    alike, cancel out. Every fourth row and column is looked at. Scaling a picture after it was compressed hides it.
    """
    if min(gray.shape) < 4 * _BLOCK:
        return None
    return max(0.0, (_excess(gray[::_EVERY]) + _excess(gray.T[::_EVERY])) / 2)


def _excess(gray: Bytes) -> float:
    steps = np.abs(np.diff(np.ascontiguousarray(gray).astype(np.int16), axis=1))
    lone = np.clip(steps[:, 1:-1] - steps[:, :-2] - steps[:, 2:], 0, _LARGEST_STEP).mean(axis=0)
    phase = (np.arange(lone.size) + 2) % _BLOCK  # entry c is the step before column c + 2
    by_phase = np.array([lone[phase == p].mean() for p in range(_BLOCK)])
    return float(by_phase[0] - np.median(by_phase[1:]))


# --- quality of a JPEG -------------------------------------------------------------------------

# fmt: off
_LUMA = np.array((
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
    87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
), dtype=np.float64)
# fmt: on
_LOW = (1, 8, 2, 9, 16)
_QUALITIES = tuple(range(5, 96))
_LEAST_BLOCKS, _MOST_BLOCKS = 64, 512
_LEAST_QUANTUM = 3.0
_LEAST_COEFFICIENTS = 24
_CERTAIN = 0.45


def luma_table(quality: int) -> Floats:
    """The luma table of the Independent JPEG Group at a quality of 1 to 100 (ITU T.81, table K.1, scaled)."""
    scale = 5000 / quality if quality < 50 else 200 - 2 * quality
    return np.clip(np.floor((_LUMA * scale + 50) / 100), 1, 255)


@lru_cache(maxsize=1)
def _sorted_tables() -> Floats:
    return np.sort(np.array([luma_table(quality) for quality in range(1, 101)]), axis=1)


def quality_of_table(table: Sequence[int]) -> int:
    """The quality 1..100 of a luma table in any order of its 64 numbers: that of the nearest of the IJG's tables.

    Cameras and some programs have tables of their own; then it is the quality that quantises about as much.

    >>> quality_of_table([int(q) for q in luma_table(73)])
    73
    """
    distance = np.abs(_sorted_tables() - np.sort(np.asarray(table, dtype=np.float64))).sum(axis=1)
    return int(distance.argmin()) + 1


def compressed_quality(rgb: Bytes) -> float | None:
    """The JPEG quality that the pixels went through, whatever they are stored as now; None if none is seen.

    The cosine coefficients of a decompressed picture sit on multiples of their quantum q, so the mean of
    cos(2 pi c / q) is near 1 at the right q and near 0 at others. The five lowest are looked at, over the IJG's tables
    from 5 to 95. Quanta below 3 drown in rounding, so the best qualities leave no trace; scaling and editing remove it,
    and of two compressions the coarser one is seen.
    """
    coefficients = _coefficients(rgb)
    if coefficients is None:
        return None
    tables = np.array([luma_table(quality) for quality in _QUALITIES])[:, _LOW]
    score, weight = np.zeros(len(_QUALITIES)), np.zeros(len(_QUALITIES))
    for values, quanta in zip(coefficients.T, tables.T, strict=True):
        different, index = np.unique(quanta, return_inverse=True)
        fit, told = _fits(values, different)
        score += np.where(told, fit, 0.0)[index]
        weight += told[index]
    mean = np.where(weight >= len(_LOW) // 2, score / np.maximum(weight, 1), -1.0)
    best = int(mean.argmax())
    return float(_QUALITIES[best]) if mean[best] >= _CERTAIN else None


def _fits(values: NDArray[np.float32], quanta: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """How well values sit on the multiples of each quantum, and for which quanta that can be told."""
    large = np.abs(values)[:, None] > (quanta / 2).astype(np.float32)  # those quantised to nothing fit every quantum
    waves = np.cos(values[:, None] * (2 * np.pi / quanta).astype(np.float32))
    count = large.sum(axis=0)
    fit = (waves * large).sum(axis=0, dtype=np.float64) / np.maximum(count, 1)
    return fit, (count >= _LEAST_COEFFICIENTS) & (quanta >= _LEAST_QUANTUM)


def _coefficients(rgb: Bytes) -> NDArray[np.float32] | None:
    """Low cosine coefficients of about 512 blocks, one a row; clipped blocks fit no quantum and are left out."""
    height, width = rgb.shape[0] // _BLOCK * _BLOCK, rgb.shape[1] // _BLOCK * _BLOCK
    blocks = rgb[:height, :width].reshape(height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK, 3).swapaxes(1, 2)
    blocks = blocks.reshape(-1, _BLOCK, _BLOCK, 3)
    blocks = blocks[:: max(1, len(blocks) // _MOST_BLOCKS)]
    if len(blocks) < _LEAST_BLOCKS:
        return None
    flat = blocks.reshape(len(blocks), -1)
    blocks = blocks[(flat.min(axis=1) > 0) & (flat.max(axis=1) < 255)]
    if len(blocks) < _LEAST_BLOCKS:
        return None
    luma = blocks.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32) - 128
    cosine = _cosines()
    return np.asarray((cosine @ luma @ cosine.T).reshape(len(luma), -1)[:, _LOW], dtype=np.float32)


@lru_cache(maxsize=1)
def _cosines() -> NDArray[np.float32]:
    """The orthonormal 8-point cosine transform."""
    k = np.arange(_BLOCK)
    matrix = np.sqrt(2 / _BLOCK) * np.cos((2 * k[None, :] + 1) * k[:, None] * np.pi / (2 * _BLOCK))
    matrix[0] /= np.sqrt(2)
    return np.asarray(matrix, dtype=np.float32)


# --- bands -------------------------------------------------------------------------------------

_BAND_STEP = (3, 24)
_BAND_LENGTH = 4


def band_share(plane: Bytes) -> float:
    """Share of the picture, along every fourth row and column, that lies on a flat step of a staircase.

    A flat step is a run of at least 4 pixels that change by at most 1, entered and left in the same direction by a
    jump of 3 to 24 levels: what is left of a gradient with too few levels. Noise or JPEG over the bands hides them from
    this count, as it does from the eye. Of a colour picture the green channel is looked at: in luma, the bands of three
    channels lie between each other.
    """
    planes = [np.ascontiguousarray(part[::_EVERY]).astype(np.int16) for part in (plane, plane.T)]
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


# --- enlarging ---------------------------------------------------------------------------------

_LEAST_SIDE = 64
_RINGS = 32
_COARSE_RINGS, _FINE_RINGS = slice(4, 9), slice(24, 31)


def detail_drop(gray: Bytes) -> float | None:
    """Decibels by which the finest detail is weaker than the coarse; None if too small or without any detail.

    The power of the picture's spectrum between 3/4 and 31/32 of the finest frequency that its pixels can hold, against
    the power between 1/8 and 9/32. Photographs have 10 to 25 dB; one that was enlarged to twice its size, by whatever
    method but an inventive one, has 34 to 40, and one that was blurred has as much. Square rings, because enlarging
    cuts rows and columns alike.
    """
    if min(gray.shape) < _LEAST_SIDE:
        return None
    height, width = gray.shape
    window, ring = _window_and_rings(height, width)
    transform = np.fft.rfft2((gray.astype(np.float32) - np.float32(gray.mean())) * window)
    power = np.square(transform.real) + np.square(transform.imag)
    mean = np.bincount(ring, power.ravel(), _RINGS) / np.maximum(np.bincount(ring, minlength=_RINGS), 1)
    coarse, fine = float(mean[_COARSE_RINGS].mean()), float(mean[_FINE_RINGS].mean())
    if coarse < height * width:  # less than about a grey level of detail
        return None
    return float(10 * np.log10(coarse / max(fine, 1e-6)))


@lru_cache(maxsize=4)
def _window_and_rings(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Hann's window, and of each coefficient of `rfft2` the number of its square ring."""
    window = np.hanning(height).astype(np.float32)[:, None] * np.hanning(width).astype(np.float32)
    rows, columns = np.abs(np.fft.fftfreq(height)) * 2, np.fft.rfftfreq(width) * 2
    ring = np.minimum((np.maximum(rows[:, None], columns) * _RINGS).astype(np.intp), _RINGS - 1)
    return window, ring.ravel()


def trace_numbers(native: Bytes, close: Bytes) -> dict[str, float]:
    """Every number of this page; a number that cannot be told is missing.

    Args:
        native: the middle of the picture in its own pixels, for blocks and bands.
        close: a smaller middle, for the spectrum and the quantisation.
    """
    numbers = {
        "block_step": block_step(grey(native)),
        "band_share": band_share(native[..., 1]),
        "compressed_quality": compressed_quality(close),
        "detail_drop": detail_drop(grey(close)),
    }
    return {name: value for name, value in numbers.items() if value is not None}
