"""Noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imgaudit.kernels.quality.sizes import Bytes

_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
_TILE = 16
_TILES, _LEAST_TILES = 512, 4
_NORMAL_MEDIAN = 0.6744898
_LOWEST_TENTH = 0.87  # of pure noise, the lowest tenth of the tiles reads this share of the truth


def noise_level(gray: Bytes) -> float | None:
    """Standard deviation of the noise in grey levels, from the smoothest tiles; None where it cannot be told.

    Immerkaer's mask (1996) removes everything that is locally a plane; noise of deviation s comes through it with 6 s.
    Of each 16 by 16 tile the median response counts, so that a few edges do not, and of the tiles the lowest tenth.
    Tiles with pixels that are clipped to black or white hide their noise and are left out; where fewer than four are
    left and some are flat the picture is drawn. Texture without any smooth place reads as noise.
    """
    import cv2

    response = np.abs(cv2.filter2D(gray.astype(np.float32), cv2.CV_32F, _KERNEL, borderType=cv2.BORDER_REFLECT))
    values = _tiles(gray)
    usable = np.mean((values <= 2) | (values >= 253), axis=1) <= 0.1
    if np.count_nonzero(usable) < _LEAST_TILES:
        return 0.0 if (np.ptp(values, axis=1) == 0).any() else None
    medians = np.median(_tiles(response)[usable], axis=1)
    return float(np.percentile(medians, 10)) / (6 * _NORMAL_MEDIAN * _LOWEST_TENTH)


def _tiles(plane: NDArray[Any]) -> NDArray[Any]:
    """At most 512 whole tiles of a plane, evenly spread, one a row."""
    rows, columns = plane.shape[0] // _TILE, plane.shape[1] // _TILE
    whole = plane[: rows * _TILE, : columns * _TILE]
    grid = whole.reshape(rows, _TILE, columns, _TILE).swapaxes(1, 2)
    every = max(1, -(-rows * columns // _TILES))
    return grid.reshape(rows * columns, _TILE**2)[::every]
