"""What kind of picture it is, by statistics that one can look at: not every flat, empty or dark picture is faulty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from imgaudit.kernels.quality.sizes import Bytes, grey

Medium = Literal["photo", "flat", "line", "night", "unknown"]

_EVEN = 3
_COLOURS = 16
_INK = 25.0
_LEAST_SIDE = 32

FLAT_COLOURS = 0.5
FLAT_LINES = 0.15
THIN_INK, GROUND, NO_COLOUR = 0.75, 0.5, 0.05
PAPER, SLATE = 75.0, 15.0
NIGHT, LAMPS = 15.0, 35.0


def medium_numbers(working: Bytes, lab: NDArray[np.float64]) -> dict[str, float]:
    """What `medium` decides by, of the working copy and of a small copy in CIELAB.

    `flat_colours` is the share of the picture that lies in even places (3 by 3 pixels within 3 grey levels) and has one
    of its 16 commonest exact colours, `even` the share of even places, `ground` the share of the commonest colour (of
    4096), `thin` the share of the ink (lightness that differs by 25 from the median) that is less than about 5 pixels
    of 256 wide, `lightness` the median and `lights` the 99.5th percentile of L*.
    """
    import cv2

    square = np.ones((3, 3), np.uint8)
    gray = grey(working)
    even = cv2.dilate(gray, square) - cv2.erode(gray, square) <= _EVEN
    even = even[::2, ::2]
    red, green, blue = (working[::2, ::2, channel].astype(np.uint32) for channel in range(3))
    # a colour becomes one of 65,536 numbers: counting them is ten times as fast as sorting, and few colours collide
    exact = (((red << 16 | green << 8 | blue) * np.uint32(2654435761)) >> 16)[even]
    counts = np.bincount(exact, minlength=_COLOURS)
    coarse = (red >> 4) << 8 | (green >> 4) << 4 | blue >> 4
    lightness = lab[..., 0]
    dark_or_bright = (np.abs(lightness - np.median(lightness)) > _INK).astype(np.uint8)
    wide = cv2.morphologyEx(dark_or_bright, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    inked = int(dark_or_bright.sum())
    return {
        "flat_colours": float(np.partition(counts, -_COLOURS)[-_COLOURS:].sum() / even.size),
        "even": float(even.mean()),
        "ground": float(np.bincount(coarse.ravel()).max() / coarse.size),
        "thin": 1 - float(wide.sum()) / inked if inked else 0.0,
        "lightness": float(np.median(lightness)),
        "lights": float(np.percentile(lightness, 99.5)),
    }


def medium(numbers: Mapping[str, float]) -> Medium:
    """Photo (anything of continuous tone, painted or rendered too), flat art, line drawing, night scene, or unknown.

    A line drawing is thin colourless ink on paper or chalk on a slate; flat art lies in even places of few colours; a
    night scene is dark by its middle and has lights. What is tiny or empty is unknown.
    """
    if min(numbers["width"], numbers["height"]) < _LEAST_SIDE or numbers["occupied_share"] == 0:
        return "unknown"
    thin = numbers["thin"] >= THIN_INK and numbers["ground"] >= GROUND and numbers["even"] >= FLAT_LINES
    if thin and numbers["coloured_share"] < NO_COLOUR and not SLATE < numbers["lightness"] < PAPER:
        return "line"
    if numbers["flat_colours"] >= FLAT_COLOURS:
        return "flat"
    if numbers["lightness"] <= NIGHT and numbers["lights"] >= LAMPS:
        return "night"
    return "photo"
