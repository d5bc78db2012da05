"""Skin colour of a face in a picture, or the reason why it cannot be told.

Two cheeks and the forehead are cut out of the face mesh, away from brows, eyes, nostrils, lips and the beard. What is
glaring or burnt out is dropped, and of the rest the middle by lightness is kept. Refused are pictures whose light or
colours do not let skin be read: grayscale, toned, with a strong cast, and faces that are tiny, turned or lit from one
side. A colour is described by CIELAB (D65); a tone by the individual typology angle (ITA), as dermatology defines it.

This is the colour of pixels, not of a person: light, make-up and the generator's rendering are all in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from imgaudit.kernels.color import from_linear, to_lab, to_linear

Floats = NDArray[np.float64]
Image8 = NDArray[np.uint8]
Lab = tuple[float, float, float]
Group = Literal["light", "medium", "dark"]

GROUPS: tuple[Group, ...] = ("light", "medium", "dark")
"""Tested groups: ITA above 41 degrees, above 10, and the rest."""

# points of mediapipe's face mesh, around each patch
LEFT_CHEEK = (117, 118, 119, 100, 36, 205, 187, 123)
RIGHT_CHEEK = (346, 347, 348, 329, 266, 425, 411, 352)
FOREHEAD = (109, 10, 338, 337, 336, 9, 107, 108)
_FACE_EDGES = (234, 454)

MIN_FACE = 64
"""Pixels from ear to ear."""
MIN_PIXELS = 400
MAX_TURN = 45.0
"""Degrees to the side."""
MAX_CHEEK_DIFFERENCE = 15.0
"""Of L*, between the cheeks; also between forehead and cheeks, beyond which the forehead is left out."""
MAX_CAST = 12.0
"""Distance in a*, b* of the surroundings' mean from gray."""
MIN_COLOURS = 2.0
"""Scatter of a* and b* among pixels of one lightness: none in grayscale, next to none in sepia."""
SKIN_HUES = (20.0, 105.0)
"""Degrees; paint, masks and coloured light lie outside."""

_GLARE_VALUE, _GLARE_SATURATION = 0.9, 0.15
_BURNT_LEVEL, _BURNT_LIGHTNESS = 250, 95.0
_KEPT_PERCENTILES = (20, 80)
_LIGHTNESS_BINS = 20


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the skin of a face, or of every face of a picture, cannot be read."""

    reason: str


def ita(lab: Lab) -> float:
    """Individual typology angle in degrees: light skin near 90, dark skin near -90.

    >>> round(ita((66.0, 10.0, 16.0)))
    45
    """
    return math.degrees(math.atan2(lab[0] - 50, lab[2]))


def hue(lab: Lab) -> float:
    """CIELAB hue angle in degrees, -180..180."""
    return math.degrees(math.atan2(lab[2], lab[1]))


def tone_group(lab: Lab) -> Group:
    """Light above an ITA of 41 degrees, medium above 10, dark below: the bounds of Chardon's classes, joined."""
    angle = ita(lab)
    if angle > 41:
        return "light"
    return "medium" if angle > 10 else "dark"


def light_of(rgb: Image8, boxes: Floats) -> tuple[float, float] | Refusal:
    """Colour of the light, as mean a*, b* of what lies around the faces; or why no skin in this picture can be read.

    `boxes` (faces, 4) hold x0, y0, x1, y1 in pixels. Where faces fill the picture the light is taken for white.
    """
    lab = to_lab(_reduced(rgb))
    if _colour_scatter(lab) < MIN_COLOURS:
        return Refusal("the picture is grayscale or toned in one colour")
    a, b = _around(lab, boxes * (lab.shape[1] / rgb.shape[1]))
    if math.hypot(a, b) > MAX_CAST:
        return Refusal(
            f"the light or the surroundings have a strong colour ({math.hypot(a, b):.0f} from gray in a*, b*)"
        )
    return a, b


def face_tone(rgb: Image8, mesh: Floats, light: tuple[float, float] = (0.0, 0.0)) -> Lab | Refusal:
    """Skin colour of one face. `mesh` (468 or more, 3): x, y in pixels, z on the scale of x; `light` as of `light_of`.

    The colour is not corrected by the light, which may be the colour of the walls; but where the correction would move
    the face into another group, the face is refused.
    """
    if refusal := _badly_placed(mesh):
        return refusal
    left, right, forehead = (_patch(rgb, mesh[list(points), :2]) for points in (LEFT_CHEEK, RIGHT_CHEEK, FOREHEAD))
    if min(len(left), len(right)) < MIN_PIXELS // 8:
        return Refusal("a cheek is hidden, burnt out or outside the picture")
    lightness = [float(np.median(to_lab(patch)[:, 0])) for patch in (left, right)]
    if abs(lightness[0] - lightness[1]) > MAX_CHEEK_DIFFERENCE:
        return Refusal("one side of the face is lit far more than the other")
    patches = [left, right]
    if len(forehead) and abs(np.median(to_lab(forehead)[:, 0]) - np.mean(lightness)) <= MAX_CHEEK_DIFFERENCE:
        patches.append(forehead)
    pixels = np.concatenate(patches)
    if len(pixels) < MIN_PIXELS:
        return Refusal(f"only {len(pixels)} pixels of skin can be used; {MIN_PIXELS} are needed")
    return _plausible(_middle_colour(pixels), light)


def _badly_placed(mesh: Floats) -> Refusal | None:
    one, other = mesh[_FACE_EDGES[0]], mesh[_FACE_EDGES[1]]
    across = float(np.hypot(*(other - one)[:2]))
    turn = math.degrees(math.atan2(abs(float(other[2] - one[2])), across))
    if turn > MAX_TURN:
        return Refusal(f"the face is turned by {turn:.0f} degrees; {MAX_TURN:.0f} at most can be read")
    if across < MIN_FACE:
        return Refusal(f"the face is {across:.0f} pixels wide; {MIN_FACE} are needed")
    return None


def _plausible(lab: Lab, light: tuple[float, float]) -> Lab | Refusal:
    low, high = SKIN_HUES
    if not low <= hue(lab) <= high:
        return Refusal("the face does not have the hue of skin")
    if tone_group((lab[0], lab[1] - light[0], lab[2] - light[1])) != tone_group(lab):
        return Refusal("the tone depends on whether the light or the surroundings have a colour")
    return lab


def _patch(rgb: Image8, polygon: Floats) -> Image8:
    """Usable pixels inside the polygon, as rows: neither glaring nor burnt out, and of middle lightness."""
    mask = np.zeros(rgb.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(polygon).astype(np.int32)], 1)
    inside = rgb[mask > 0]
    brightest, darkest = inside.max(axis=1, initial=0) / 255, inside.min(axis=1, initial=255) / 255
    saturation = (brightest - darkest) / np.maximum(brightest, 1e-6)
    glaring = (brightest > _GLARE_VALUE) & (saturation < _GLARE_SATURATION)
    usable = inside[~glaring & (brightest * 255 <= _BURNT_LEVEL)]
    lightness = to_lab(usable)[:, 0]
    usable, lightness = usable[lightness <= _BURNT_LIGHTNESS], lightness[lightness <= _BURNT_LIGHTNESS]
    if not len(usable):
        return np.zeros((0, 3), np.uint8)
    low, high = np.percentile(lightness, _KEPT_PERCENTILES)
    return np.asarray(usable[(lightness >= low) & (lightness <= high)])


def _middle_colour(pixels: Image8) -> Lab:
    """CIELAB of the median light of each channel."""
    light = np.median(to_linear(pixels / 255), axis=0)
    lightness, a, b = to_lab(from_linear(light) * 255)
    return float(lightness), float(a), float(b)


def _reduced(rgb: Image8, side: int = 256) -> Image8:
    """The picture with a longer side of at most 256 pixels; enough to judge its light."""
    scale = side / max(rgb.shape[:2])
    if scale >= 1:
        return rgb
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def _colour_scatter(lab: Floats) -> float:
    """Mean standard deviation of a* and b* among pixels of one lightness, over the lightnesses that are there."""
    flat = lab.reshape(-1, 3)
    bins = np.clip(flat[:, 0] / 100 * _LIGHTNESS_BINS, 0, _LIGHTNESS_BINS - 1).astype(int)
    spreads, weights = [], []
    for number in np.unique(bins):
        inside = flat[bins == number, 1:]
        spreads.append(float(inside.std(axis=0).mean()))
        weights.append(len(inside))
    return float(np.average(spreads, weights=weights))


def _around(lab: Floats, boxes: Floats) -> tuple[float, float]:
    """Mean a*, b* outside the faces; gray where they fill nearly all of the picture."""
    around = np.ones(lab.shape[:2], bool)
    for x0, y0, x1, y1 in boxes:
        around[max(0, int(y0)) : max(0, int(y1) + 1), max(0, int(x0)) : max(0, int(x1) + 1)] = False
    if around.mean() < 0.1:
        return 0.0, 0.0
    _, a, b = lab[around].mean(axis=0)
    return float(a), float(b)
