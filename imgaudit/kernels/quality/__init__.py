"""Technical quality: what the pixels alone say about sharpness, exposure, emptiness and what was done to them.

Each statistic comes in two steps. A function measures it in units of the picture (pixels, grey levels, a share); it is
costly and its result is stored. A `Scale` then maps that number to 0..1 with 0.5 at the operating point; it is cheap,
and a new operating point needs no second look at the picture. The reason for each stands beside it in `SCALES`; the
tables behind them are in docs/quality.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imgaudit.kernels.quality.edges import edge_numbers
from imgaudit.kernels.quality.grain import noise_level
from imgaudit.kernels.quality.light import light_numbers
from imgaudit.kernels.quality.media import medium, medium_numbers
from imgaudit.kernels.quality.scales import SCALES, Scale
from imgaudit.kernels.quality.sizes import (
    CLOSE_SIDE,
    GLANCE_SIDE,
    NATIVE_SIDE,
    WORKING_SIDE,
    Bytes,
    grey,
    middle,
    shrunk,
)
from imgaudit.kernels.quality.traces import quality_of_table, trace_numbers

__all__ = [
    "GLANCE_SIDE",
    "NATIVE_SIDE",
    "SCALES",
    "WORKING_SIDE",
    "Scale",
    "grey",
    "medium",
    "middle",
    "quality_of_table",
    "shrunk",
    "statistics",
]


def statistics(rgb: Bytes, working: Bytes, glance: Bytes, lab: NDArray[np.float64]) -> dict[str, float]:
    """Every number of this package for one picture; a number that cannot be told is missing.

    Args:
        rgb: uint8 (height, width, 3), the whole picture.
        working: the same with its longest side at most `WORKING_SIDE`, see `shrunk`.
        glance: the same with its longest side at most `GLANCE_SIDE`.
        lab: `glance` in CIELAB.

    Returns:
        Spreads, motion and overshoot in pixels of the working size or shares, `noise_level` and `block_step` in grey
        levels, `light`, `ink` 0..100, `contrast` in CIELAB units, `detail_drop` in decibels, shares 0..1, `width` and
        `height` in pixels.
    """
    noise = noise_level(grey(working))
    numbers = {"width": float(rgb.shape[1]), "height": float(rgb.shape[0])}
    if noise is not None:
        numbers["noise_level"] = noise
    numbers |= edge_numbers(working, noise or 0.0)
    numbers |= trace_numbers(middle(rgb), middle(rgb, CLOSE_SIDE))
    numbers |= light_numbers(glance, lab)
    return numbers | medium_numbers(working, lab)
