"""Skin colour of a face in a picture, or the reason why it cannot be told.

Two cheeks and the forehead are cut out of the face mesh, away from brows, eyes, nostrils, lips and the beard. What is
glaring or burnt out is dropped, and of the rest the middle by lightness is kept. A colour is described by CIELAB (D65):
its lightness L*, its hue, and the individual typology angle (ITA), as dermatology defines it.

A picture does not say how bright or of what colour its light was, so a tone is told only where that does not matter:
where every plausible reading falls into one group. Readings are what was seen, five units of L* darker and lighter, the
colour under neutral light (by the whites of the eyes, or else by what lies around the faces), and, in a picture without
anything nearly white, the colour after exposing it longer. The whites of the eyes also limit how dark or light the skin
can be, for their albedo hardly differs between people. Refused are pictures in black and white or toned, faces that are
tiny, turned or lit from one side, and strong casts.

This is the colour of pixels, not of a person: light, make-up and the generator's rendering are all in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from imgaudit.kernels.color import delta_e, from_linear, to_lab, to_linear

Floats = NDArray[np.float64]
Image8 = NDArray[np.uint8]
Lab = tuple[float, float, float]
Group = Literal["light", "medium", "dark"]

GROUPS: tuple[Group, ...] = ("light", "medium", "dark")
"""Tested groups: ITA above 41 degrees, above 10, and the rest."""

MONK = ("f6ede4", "f3e7db", "f7ead0", "eadaba", "d7bd96", "a07e56", "825c43", "604134", "3a312a", "292420")
"""The ten swatches of the Monk skin tone scale, lightest first (sRGB, as published by Google in 2022)."""

# points of mediapipe's face mesh, around each patch
LEFT_CHEEK = (117, 118, 119, 100, 36, 205, 187, 123)
RIGHT_CHEEK = (346, 347, 348, 329, 266, 425, 411, 352)
FOREHEAD = (109, 10, 338, 337, 336, 9, 107, 108)
EYES = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (362, 398, 384, 385, 386, 387, 388, 466, 263, 249, 390, 373, 374, 380, 381, 382),
)
"""Rims of the eyes, the one at the picture's left first."""
_IRISES = (468, 473)
"""Centre of each iris in a mesh of 478 points; four points of its rim follow."""
_FACE_EDGES = (234, 454)

MIN_FACE = 64
"""Pixels from ear to ear."""
MIN_PIXELS = 400
MAX_TURN = 45.0
"""Degrees to the side."""
MAX_CHEEK_DIFFERENCE = 15.0
"""Of L*, between the cheeks; also between forehead and cheeks, beyond which the forehead is left out."""
MAX_CAST = 12.0
"""Distance in a*, b* of the whites of the eyes from their own colour, or of the surroundings from gray."""
MIN_COLOURS = 2.0
"""Scatter of a* and b* among pixels of one lightness: none in grayscale, next to none in sepia."""
SKIN_HUES = (25.0, 95.0)
"""Degrees; paint, masks and coloured light lie outside."""
LIGHTNESS_ERROR = 5.0
"""Of L*, by which a reading may be off without anything to show for it: a quarter of a stop."""

EYE_WHITE: Floats = np.array([0.60, 0.56, 0.53])
"""Linear red, green, blue that the white of an eye reflects, about; vessels and age make it redder or yellower."""
LIDS = (0.5, 1.0)
"""Share of the light on the cheeks that reaches the eye under brow, lids and lashes."""
NEARLY_WHITE = 75.0
"""L* that the lightest hundredth of a picture has where something white is in it, in full light."""
WHITE = 90.0
"""L* of something white, to which a picture without anything nearly white may have been meant to be exposed."""

_LUMINANCE: Floats = np.array([0.2126729, 0.7151522, 0.0721750])
_GLARE_VALUE, _GLARE_SATURATION = 0.9, 0.15
_BURNT_LEVEL, _BURNT_LIGHTNESS = 250, 95.0
_KEPT_PERCENTILES = (20, 80)
_LIGHTNESS_BINS = 20
_EYE_PIXELS = 40
_EYE_SATURATION = 0.6
_EYE_BURNT = 1 / 3
_GRAYSCALE_CHROMA = 4.0
_NEUTRAL_SATURATION = 0.35
_NEUTRAL_SHARE = 0.003
_MIDDLE_LIGHTNESS = (15.0, 92.0)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the skin of a face, or of every face of a picture, cannot be read."""

    reason: str


@dataclass(frozen=True, slots=True)
class Light:
    """What a picture says of its light: mean a*, b* around the faces, and L* of its lightest hundredth."""

    a: float = 0.0
    b: float = 0.0
    lightest: float = 100.0

    @property
    def strength(self) -> float:
        """Distance of the surroundings from gray, in a*, b*."""
        return math.hypot(self.a, self.b)


NEUTRAL = Light()


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


def nearest_monk(lab: Lab) -> tuple[int, float]:
    """Number of the nearest Monk swatch, 1 to 10, and its CIEDE2000 distance. Of low precision.

    Swatches 1 to 4 lie 2 to 8 units apart, which the light alone moves; no rendered skin is as light as 1 to 3.

    >>> nearest_monk((55.14, 7.78, 26.75))[0]
    6
    """
    swatches = to_lab(np.array([list(bytes.fromhex(code)) for code in MONK]))
    distances = delta_e(np.array(lab), swatches)
    number = int(np.argmin(distances))
    return number + 1, float(distances[number])


def light_of(rgb: Image8, boxes: Floats) -> Light | Refusal:
    """The light of a picture by what lies around the faces; or why no skin in it can be read.

    `boxes` (faces, 4) hold x0, y0, x1, y1 in pixels. Where faces fill the picture the light is taken for white.
    """
    lab = to_lab(_reduced(rgb))
    if _toned(lab):
        return Refusal("the picture is grayscale or toned in one colour")
    a, b = _around(lab, boxes * (lab.shape[1] / rgb.shape[1]))
    return Light(a, b, float(np.percentile(lab[..., 0], 99)))


def face_tone(rgb: Image8, mesh: Floats, light: Light = NEUTRAL) -> Lab | Refusal:
    """Skin colour of one face. `mesh` (468 or more, 3): x, y in pixels, z on the scale of x; `light` as of `light_of`.

    The colour is not corrected, for what is taken for the light's may be the colour of the walls. But where a plausible
    correction would move the face into another group, the face is refused.
    """
    if refusal := _badly_placed(mesh):
        return refusal
    pixels = _skin_pixels(rgb, mesh)
    if isinstance(pixels, Refusal):
        return pixels
    skin = np.median(to_linear(pixels / 255), axis=0)
    low, high = SKIN_HUES
    if not low <= hue(_lab(skin)) <= high:
        return Refusal("the face does not have the hue of skin")
    eyes = _eye_whites(rgb, mesh, skin)
    if isinstance(eyes, Refusal):
        return eyes
    return _settled(skin, eyes, light)


def _badly_placed(mesh: Floats) -> Refusal | None:
    one, other = mesh[_FACE_EDGES[0]], mesh[_FACE_EDGES[1]]
    across = float(np.hypot(*(other - one)[:2]))
    turn = math.degrees(math.atan2(abs(float(other[2] - one[2])), across))
    if turn > MAX_TURN:
        return Refusal(f"the face is turned by {turn:.0f} degrees; {MAX_TURN:.0f} at most can be read")
    if across < MIN_FACE:
        return Refusal(f"the face is {across:.0f} pixels wide; {MIN_FACE} are needed")
    return None


def _skin_pixels(rgb: Image8, mesh: Floats) -> Image8 | Refusal:
    """Usable pixels of both cheeks, and of the forehead where hair does not shade it, as rows."""
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
    return pixels


def _patch(rgb: Image8, polygon: Floats) -> Image8:
    """Usable pixels inside the polygon, as rows: neither glaring nor burnt out, and of middle lightness."""
    inside = rgb[_mask(rgb, polygon) > 0]
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


def _mask(rgb: Image8, polygon: Floats) -> Image8:
    mask = np.zeros(rgb.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(polygon).astype(np.int32)], 1)
    return mask


# --- whether the light matters ------------------------------------------------------------------


def _settled(skin: Floats, eyes: Floats | None, light: Light) -> Lab | Refusal:
    """The colour, if every plausible reading of it falls into one group."""
    seen = _lab(skin)
    if eyes is not None:
        cast = _cast_of_eyes(eyes)
        if cast > MAX_CAST:
            return Refusal(f"the light has a strong colour (the whites of the eyes lie {cast:.0f} from theirs)")
        darkest, lightest = _bounds_by_eyes(skin, eyes)
        if not darkest - LIGHTNESS_ERROR <= seen[0] <= lightest + LIGHTNESS_ERROR:
            return Refusal("the face is exposed too little or too much, going by the whites of its eyes")
    elif light.strength > MAX_CAST:
        return Refusal(
            f"the light or the surroundings have a strong colour ({light.strength:.0f} from gray in a*, b*)"
        )
    for why, reading in _readings(skin, eyes, light):
        if tone_group(reading) != tone_group(seen):
            return Refusal(why)
    return seen


def _readings(skin: Floats, eyes: Floats | None, light: Light) -> Iterator[tuple[str, Lab]]:
    """Other readings of a colour, each with what is said where it falls into another group."""
    seen = _lab(skin)
    neutral = _under_neutral(skin, eyes) if eyes is not None else (seen[0], seen[1] - light.a, seen[2] - light.b)
    coloured = "the tone depends on whether the light or the surroundings have a colour"
    for reading, why in ((seen, "the tone lies too near the bound of two groups"), (neutral, coloured)):
        for error in (0.0, -LIGHTNESS_ERROR, LIGHTNESS_ERROR):
            yield why, (reading[0] + error, reading[1], reading[2])
    if light.lightest < NEARLY_WHITE:
        gain = _luminance_of(WHITE) / max(_luminance_of(light.lightest), 1e-4)
        yield "the tone depends on the exposure: nothing in the picture is nearly white", _lab(skin * gain)


def _eye_whites(rgb: Image8, mesh: Floats, skin: Floats) -> Floats | Refusal | None:
    """Linear light of the lighter of the two whites of the eyes; None where neither can be told from skin."""
    if len(mesh) < _IRISES[1] + 5:
        return None
    found = []
    for rim, iris in zip(EYES, _IRISES, strict=True):
        pixels = _around_iris(rgb, mesh[list(rim), :2], mesh[iris : iris + 5, :2])
        if len(pixels) < _EYE_PIXELS:
            continue
        burnt = pixels.max(axis=1) > _BURNT_LEVEL
        if burnt.mean() > _EYE_BURNT:
            return Refusal("the face is exposed too much: the whites of its eyes are burnt out")
        found.append(_least_coloured(pixels[~burnt]))
    if not found:
        return None
    eyes: Floats = max(found, key=lambda light: float(light @ _LUMINANCE))
    return eyes if _saturation(eyes) <= _EYE_SATURATION * _saturation(skin) else None


def _around_iris(rgb: Image8, rim: Floats, iris: Floats) -> Image8:
    """Pixels inside the rim of an eye and outside its iris, as rows."""
    mask = _mask(rgb, rim)
    radius = float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean())
    x, y = (round(float(v)) for v in iris[0])
    cv2.circle(mask, (x, y), math.ceil(1.15 * radius), 0, -1)
    return np.asarray(rgb[mask > 0])


def _least_coloured(pixels: Image8) -> Floats:
    """Median light of the quarter with the least colour among the lighter half: lashes and lids are left behind."""
    light = to_linear(pixels / 255)
    luminance = light @ _LUMINANCE
    lighter = luminance >= np.median(luminance)
    values = pixels[lighter].astype(np.float64)
    saturation = (values.max(axis=1) - values.min(axis=1)) / np.maximum(values.max(axis=1), 1)
    return np.asarray(np.median(light[lighter][saturation <= np.percentile(saturation, 25)], axis=0))


def _cast_of_eyes(eyes: Floats) -> float:
    """Distance in a*, b* of the whites of the eyes from what they are under neutral light of that brightness."""
    expected = _lab(EYE_WHITE * _relative_luminance(eyes))
    seen = _lab(eyes)
    return math.hypot(seen[1] - expected[1], seen[2] - expected[2])


def _bounds_by_eyes(skin: Floats, eyes: Floats) -> tuple[float, float]:
    """Least and greatest L* of the skin itself, if the whites of the eyes have their albedo."""
    ratio = float(skin @ _LUMINANCE) / max(_relative_luminance(eyes), 1e-6)
    low, high = (_lab(np.full(3, min(1.0, ratio * share)))[0] for share in LIDS)
    return low, high


def _under_neutral(skin: Floats, eyes: Floats) -> Lab:
    """The skin's colour if the light has the colour that the whites of the eyes take on, at the same brightness."""
    gains = eyes / EYE_WHITE / max(_relative_luminance(eyes), 1e-6)
    return _lab(skin / np.maximum(gains, 1e-3))


def _relative_luminance(eyes: Floats) -> float:
    """How bright the whites of the eyes are, relative to what they reflect of full light."""
    return float(eyes @ _LUMINANCE) / float(EYE_WHITE @ _LUMINANCE)


def _lab(light: Floats) -> Lab:
    lightness, a, b = to_lab(from_linear(light) * 255)
    return float(lightness), float(a), float(b)


def _saturation(light: Floats) -> float:
    levels = from_linear(light)
    return float((levels.max() - levels.min()) / max(levels.max(), 1e-6))


def _luminance_of(lightness: float) -> float:
    """Relative luminance of an L* above 8."""
    return float(((lightness + 16) / 116) ** 3)


# --- the picture as a whole ---------------------------------------------------------------------


def _reduced(rgb: Image8, side: int = 256) -> Image8:
    """The picture with a longer side of at most 256 pixels; enough to judge its light."""
    scale = side / max(rgb.shape[:2])
    if scale >= 1:
        return rgb
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def _toned(lab: Floats) -> bool:
    """Whether a picture is in black and white or in one tone: one colour for each lightness, and nothing neutral.

    A face before a plain gray wall also has one colour for each lightness, but gray beside it.
    """
    flat = lab.reshape(-1, 3)
    chroma = np.hypot(flat[:, 1], flat[:, 2])
    if _colour_scatter(flat) >= MIN_COLOURS:
        return False
    middle = (flat[:, 0] > _MIDDLE_LIGHTNESS[0]) & (flat[:, 0] < _MIDDLE_LIGHTNESS[1])
    if np.percentile(chroma, 95) < _GRAYSCALE_CHROMA or not middle.any():
        return True
    # one tone has a chroma that grows with the lightness
    saturation = chroma[middle] / (flat[middle, 0] + 16)
    typical = float(np.median(saturation[saturation >= np.median(saturation)]))
    return bool((saturation < _NEUTRAL_SATURATION * typical).mean() < _NEUTRAL_SHARE)


def _colour_scatter(flat: Floats) -> float:
    """Mean standard deviation of a* and b* among pixels of one lightness, over the lightnesses that are there."""
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
