"""Colour arithmetic: sRGB to light, to CIELAB, to a distance, to a name.

All functions work on arrays whose last axis holds the three channels. Sources: sRGB is IEC 61966-2-1; CIELAB is CIE 15
with the white of D65 (2 degrees); the distance is CIEDE2000 as Sharma, Wu and Dalal wrote it down in 2005.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

D65 = (0.95047, 1.0, 1.08883)
"""X, Y, Z of the white."""

_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_FROM_XYZ = np.linalg.inv(_TO_XYZ)
_KNEE = 6 / 29

LEVELS = 16
"""Steps a channel of the table that names many pixels at once."""

# fmt: off
NAMED: tuple[tuple[str, tuple[int, int, int]], ...] = (
    ("black", (0, 0, 0)), ("black", (28, 28, 28)),
    ("gray", (70, 70, 70)), ("gray", (105, 105, 105)), ("gray", (128, 128, 128)), ("gray", (160, 160, 160)),
    ("gray", (200, 200, 200)), ("gray", (112, 128, 144)),
    ("white", (255, 255, 255)), ("white", (240, 240, 240)), ("white", (253, 245, 230)),
    ("red", (255, 0, 0)), ("red", (220, 20, 40)), ("red", (180, 20, 25)), ("red", (139, 0, 0)), ("red", (225, 70, 60)),
    ("orange", (255, 165, 0)), ("orange", (255, 140, 0)), ("orange", (255, 110, 20)), ("orange", (235, 120, 35)),
    ("orange", (255, 175, 90)),
    ("brown", (139, 69, 19)), ("brown", (101, 67, 33)), ("brown", (160, 82, 45)), ("brown", (70, 40, 20)),
    ("brown", (150, 110, 75)), ("brown", (181, 140, 99)),
    ("yellow", (255, 255, 0)), ("yellow", (255, 215, 0)), ("yellow", (240, 220, 70)), ("yellow", (255, 250, 150)),
    ("yellow", (200, 180, 20)),
    ("green", (0, 128, 0)), ("green", (0, 255, 0)), ("green", (34, 139, 60)), ("green", (0, 80, 20)),
    ("green", (120, 180, 60)), ("green", (144, 238, 144)), ("green", (107, 142, 35)), ("green", (46, 139, 87)),
    ("green", (60, 75, 35)),
    ("cyan", (0, 255, 255)), ("cyan", (64, 224, 208)), ("cyan", (30, 200, 225)), ("cyan", (0, 139, 139)),
    ("cyan", (175, 238, 238)),
    ("blue", (0, 0, 255)), ("blue", (30, 60, 200)), ("blue", (0, 0, 110)), ("blue", (30, 110, 220)),
    ("blue", (100, 149, 237)), ("blue", (135, 206, 235)), ("blue", (70, 110, 160)), ("blue", (25, 25, 70)),
    ("purple", (128, 0, 128)), ("purple", (138, 43, 226)), ("purple", (75, 0, 130)), ("purple", (155, 89, 182)),
    ("purple", (200, 160, 220)), ("purple", (180, 40, 200)),
    ("pink", (255, 192, 203)), ("pink", (255, 105, 180)), ("pink", (255, 20, 147)), ("pink", (240, 130, 190)),
    ("pink", (255, 0, 255)), ("pink", (219, 112, 147)),
)
# fmt: on
"""Examples of each named colour, in sRGB: the eleven basic terms of English, and cyan."""


def to_linear(srgb: ArrayLike) -> Floats:
    """Light (0..1) of sRGB values (0..1).

    >>> to_linear([0.0, 0.5, 1.0]).round(4).tolist()
    [0.0, 0.214, 1.0]
    """
    value = np.asarray(srgb, dtype=np.float64)
    return np.where(value <= 0.04045, value / 12.92, ((np.maximum(value, 0.04045) + 0.055) / 1.055) ** 2.4)


def from_linear(light: ArrayLike) -> Floats:
    """SRGB values (0..1) of light (0..1); light outside is clipped."""
    value = np.clip(np.asarray(light, dtype=np.float64), 0, 1)
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * np.maximum(value, 0.0031308) ** (1 / 2.4) - 0.055)


@lru_cache(maxsize=1)
def _linear_bytes() -> Floats:
    """`to_linear` of all 256 levels: a picture of bytes is looked up and not computed."""
    return to_linear(np.arange(256) / 255)


def to_lab(rgb: ArrayLike) -> Floats:
    """CIELAB (D65) of sRGB values 0..255, of shape (..., 3).

    >>> to_lab([255, 0, 0]).round(1).tolist()
    [53.2, 80.1, 67.2]
    """
    values = np.asarray(rgb)
    light = _linear_bytes()[values] if values.dtype == np.uint8 else to_linear(values.astype(np.float64) / 255)
    xyz = light @ _TO_XYZ.T / D65
    root = np.where(xyz > _KNEE**3, np.cbrt(xyz), xyz / (3 * _KNEE**2) + 4 / 29)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def from_lab(lab: ArrayLike) -> Floats:
    """SRGB values 0..255 of CIELAB (D65); colours that sRGB does not hold are clipped."""
    value = np.asarray(lab, dtype=np.float64)
    y = (value[..., 0] + 16) / 116
    root = np.stack([y + value[..., 1] / 500, y, y - value[..., 2] / 200], axis=-1)
    xyz = np.where(root > _KNEE, root**3, 3 * _KNEE**2 * (root - 4 / 29)) * D65
    return from_linear(xyz @ _FROM_XYZ.T) * 255


def delta_e(one: ArrayLike, other: ArrayLike) -> Floats:
    """CIEDE2000 distance of CIELAB colours; shapes are broadcast. About 1 is just seen, 20 is another colour.

    >>> round(float(delta_e([50, 2.6772, -79.7751], [50, 0, -82.7485])), 4)
    2.0425
    """
    first, second = np.broadcast_arrays(np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64))
    mean_chroma = (np.hypot(first[..., 1], first[..., 2]) + np.hypot(second[..., 1], second[..., 2])) / 2
    stretch = 1.5 - 0.5 * _saturation(mean_chroma)
    a1, a2 = first[..., 1] * stretch, second[..., 1] * stretch
    c1, c2 = np.hypot(a1, first[..., 2]), np.hypot(a2, second[..., 2])
    h1, h2 = _hue(a1, first[..., 2]), _hue(a2, second[..., 2])
    turn = np.where(c1 * c2 == 0, 0.0, (h2 - h1 + 180) % 360 - 180)
    hue = np.where(c1 * c2 == 0, h1 + h2, (h1 + turn / 2) % 360)
    lightness, chroma = (first[..., 0] + second[..., 0]) / 2, (c1 + c2) / 2
    weight = (
        1
        - 0.17 * _cosine(hue - 30)
        + 0.24 * _cosine(2 * hue)
        + 0.32 * _cosine(3 * hue + 6)
        - 0.20 * _cosine(4 * hue - 63)
    )
    offset = (lightness - 50) ** 2
    light_part = (second[..., 0] - first[..., 0]) / (1 + 0.015 * offset / np.sqrt(20 + offset))
    chroma_part = (c2 - c1) / (1 + 0.045 * chroma)
    hue_part = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * chroma * weight)
    bend = 60 * np.exp(-(((hue - 275) / 25) ** 2))
    mixed = -2 * _saturation(chroma) * np.sin(np.radians(bend)) * chroma_part * hue_part
    total = light_part**2 + chroma_part**2 + hue_part**2 + mixed
    return np.asarray(np.sqrt(np.maximum(total, 0)), dtype=np.float64)


def _saturation(chroma: Floats) -> Floats:
    seventh = chroma**7
    return np.asarray(np.sqrt(seventh / (seventh + 25.0**7)), dtype=np.float64)


def _hue(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.degrees(np.arctan2(b, a)) % 360, dtype=np.float64)


def _cosine(degrees: Floats) -> Floats:
    return np.asarray(np.cos(np.radians(degrees)), dtype=np.float64)


@lru_cache(maxsize=1)
def _examples() -> tuple[tuple[str, ...], Floats]:
    return tuple(name for name, _ in NAMED), to_lab([rgb for _, rgb in NAMED])


def names() -> tuple[str, ...]:
    """The colour names there are, each once."""
    return tuple(dict.fromkeys(name for name, _ in NAMED))


def nearest_name(rgb: Sequence[float]) -> str:
    """The name of the example that is nearest to an sRGB colour (0..255) by CIEDE2000.

    >>> nearest_name((220, 30, 35)), nearest_name((250, 250, 250))
    ('red', 'white')
    """
    labels, lab = _examples()
    return labels[int(np.argmin(delta_e(to_lab(rgb), lab)))]


@lru_cache(maxsize=1)
def _name_table() -> NDArray[np.uint8]:
    """Index into `names()` of the middle of each of the 16 x 16 x 16 cells of sRGB."""
    axis = (np.arange(LEVELS) + 0.5) * (256 / LEVELS)
    cells = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    labels, lab = _examples()
    order = names()
    index = np.array([order.index(label) for label in labels], dtype=np.uint8)
    return np.asarray(index[np.argmin(delta_e(to_lab(cells), lab), axis=1)], dtype=np.uint8)


def name_indices(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Index into `names()` for each pixel of uint8 (..., 3), by a table of 16 levels a channel."""
    cell = (rgb // (256 // LEVELS)).astype(np.intp)
    index = (cell[..., 0] * LEVELS + cell[..., 1]) * LEVELS + cell[..., 2]
    return np.asarray(_name_table()[index], dtype=np.uint8)


def palette(rgb: NDArray[np.uint8]) -> tuple[tuple[str, float], ...]:
    """Named colours of uint8 (..., 3) with their share, the largest first, none below 1 in 1000."""
    order = names()
    counts = np.bincount(name_indices(rgb).ravel(), minlength=len(order))
    shares = [(order[i], float(count) / max(int(counts.sum()), 1)) for i, count in enumerate(counts)]
    return tuple(sorted(((name, share) for name, share in shares if share >= 0.001), key=lambda p: (-p[1], p[0])))


# --- what stands out ---------------------------------------------------------------------------

_RING = 0.03
_EVEN = 10.0
_EVEN_SHARE = 0.9
_STANDS_OUT = 18.0
_LEAST_SHARE = 0.005
_ONE_COLOUR = 0.8


def subject_name(rgb: NDArray[np.uint8], lab: Floats) -> str | None:
    """Name of the colour of what stands out from an even background; None where that cannot be said of the picture.

    The background is even when nine tenths of a ring along the border are within 10 CIELAB units of its median. What
    is 18 units from that median stands out; its outer pixels, mixed with the background, do not count. It has one
    colour when four fifths of it bear one name. `rgb` is uint8 (height, width, 3), best at 64 to 256 pixels a side,
    and `lab` the same in CIELAB.
    """
    from scipy.ndimage import binary_erosion

    out = standing_out(lab)
    if out is None:
        return None
    inner = binary_erosion(out)
    pixels = rgb[inner if inner.sum() >= out.sum() / 8 else out]
    counts = np.bincount(name_indices(pixels), minlength=len(names()))
    if counts.max() < _ONE_COLOUR * len(pixels):
        return None
    return names()[int(counts.argmax())]


def standing_out(lab: Floats) -> NDArray[np.bool_] | None:
    """Where a picture in CIELAB, of shape (height, width, 3), differs from its even background.

    Bool of shape (height, width). None where the background is not even, or less than 1 in 200 stands out.
    """
    ring = _ring(lab)
    background = np.median(ring, axis=0)
    if np.mean(np.linalg.norm(ring - background, axis=-1) <= _EVEN) < _EVEN_SHARE:
        return None
    out = np.asarray(np.linalg.norm(lab - background, axis=-1) >= _STANDS_OUT)
    return out if out.mean() >= _LEAST_SHARE else None


def _ring(lab: Floats) -> Floats:
    """Colours of the border, 3 in 100 of the shorter side wide, as rows."""
    width = max(1, round(_RING * min(lab.shape[:2])))
    inside = np.zeros(lab.shape[:2], dtype=bool)
    inside[width:-width, width:-width] = True
    return lab[~inside]
