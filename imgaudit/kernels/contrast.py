"""How well ink stands out from its ground: the contrast of WCAG 2, with ink and ground found by two means."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 12


def luminance(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Relative luminance 0..1 of sRGB pixels (..., 3), as WCAG 2.2 defines it."""
    c = rgb.astype(np.float64) / 255.0
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]))


def ratio(first: float, second: float) -> float:
    """WCAG contrast of two luminances: 1 (same) to 21 (black on white), in either order."""
    light, dark = max(first, second), min(first, second)
    return (light + 0.05) / (dark + 0.05)


def text_contrast(rgb: NDArray[np.uint8]) -> float | None:
    """The contrast of the two kinds of pixels in a text box, uint8 (height, width, 3); None for an empty box.

    Two means on the lightness (cube root of luminance), then the ratio of the groups' median luminances. A box of one
    colour has a contrast of 1. Known limits: blurred or very small letters look fainter than their ink is, and a ground
    of two tones can be taken for ink.
    """
    light = luminance(rgb).ravel()
    if light.size == 0:
        return None
    tone = np.cbrt(light)
    low, high = float(tone.min()), float(tone.max())
    for _ in range(_ROUNDS):
        upper = tone > (low + high) / 2
        if not upper.any() or upper.all():
            return 1.0
        low, high = float(tone[~upper].mean()), float(tone[upper].mean())
    upper = tone > (low + high) / 2
    return ratio(float(np.median(light[upper])), float(np.median(light[~upper])))
