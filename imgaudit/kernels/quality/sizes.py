"""At which size a picture is looked at, and how it is brought there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

WORKING_SIDE = 512
"""Longest side on which edges and noise are judged: a large picture is looked at whole, as on a screen.

Small enough that half a photograph of common size is still scaled down to it, so that scaling changes little.
"""

NATIVE_SIDE = 1024
"""Side of the middle part in which blocks and bands are counted: scaling would remove them."""

CLOSE_SIDE = 384
"""Side of the middle part whose spectrum and JPEG traces are looked at, in the picture's own pixels."""

GLANCE_SIDE = 256
"""Longest side on which exposure, colours and emptiness are judged."""


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


def most(rgb: Bytes) -> Bytes:
    """The largest channel of each pixel. Plane by plane: numpy takes ten times as long along an axis of three."""
    return np.maximum(np.maximum(rgb[..., 0], rgb[..., 1]), rgb[..., 2])


def least(rgb: Bytes) -> Bytes:
    """The smallest channel of each pixel."""
    return np.minimum(np.minimum(rgb[..., 0], rgb[..., 1]), rgb[..., 2])
