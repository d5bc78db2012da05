"""Methods that need no model: fill from the surroundings, cut off a border, raise the exposure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np

from imgaudit.kernels import ink, masks
from imgaudit.repair.originals import Canvas, Change, Pixels, inside, opaque, place_of
from imgaudit.repair.record import CannotRepair
from imgaudit.repair.tasks import Aim, Task
from imgaudit.types import JSON

Box = tuple[int, int, int, int]

RADIUS = 5
BESIDE = 4 * RADIUS
MOST_FILLED = 0.25
"""Share of a picture above which there is more hole than surroundings to fill it from."""
KEPT_SHARE = 0.7
"""Share of a picture that a crop must leave: with less it is another picture."""
CLEARANCE = 0.01
LEAST_SIDE = 16
MOST_BLOTS = 4
STOPS = (1.0, 2.0, 3.0)
"""Exposure is raised by so many stops, one a try: twice, four and eight times the light."""
LEAST_CONTRAST = 4.5
"""WCAG contrast that letters shall have: what AA asks of small ones."""
CLIPPED = (0.001, 0.005, 0.02)
"""Share of the pixels that may become black, and white, when levels are spread, one a try."""


def filled(rgb: Pixels, mask: masks.Mask) -> Pixels:
    """A picture whose masked part is continued from its rim inward (Telea 2004, through OpenCV)."""
    box = masks.bounds(mask)
    if box is None or mask.all():
        return rgb
    height, width = mask.shape
    x0, y0 = max(box[0] - BESIDE, 0), max(box[1] - BESIDE, 0)
    x1, y1 = min(box[2] + BESIDE, width), min(box[3] + BESIDE, height)
    part, hole = np.ascontiguousarray(rgb[y0:y1, x0:x1]), mask[y0:y1, x0:x1]
    result = rgb.copy()
    result[y0:y1, x0:x1] = cv2.inpaint(part, hole.astype(np.uint8), RADIUS, cv2.INPAINT_TELEA)
    return result


def fill(task: Task, canvas: Canvas, aims: Sequence[Aim], number: int) -> Change | None:
    """The places of the aims, filled from what lies around them. Right for a plain ground, a smear on any other."""
    if number:
        return None
    place = place_of(canvas, aims)
    share = float(place.mask.mean())
    if share > MOST_FILLED:
        raise CannotRepair(f"the place of the finding is {share:.0%} of the picture; there is too little around it")
    new = opaque(filled(canvas.rgb, place.mask))
    rgba = masks.blended(canvas.rgba, new, masks.feathered(place.mask, place.feather))
    return Change(rgba, place.mask, settings={"fill": "telea", "feather": place.feather})


# --- crop ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cut:
    """What a crop leaves, x0, y0, x1, y1, and its share of the picture."""

    box: Box
    share: float


def crop(task: Task, canvas: Canvas, aims: Sequence[Aim], number: int) -> Change | None:
    """One way of cutting the places of the aims off at the border, the way that keeps most first."""
    left, top, right, bottom = inner_of([aim for aim in aims if aim.keeps], canvas.shape)
    cuts = [Cut((0, 0, right - left, bottom - top), 1.0)]
    away = [aim for aim in aims if not aim.keeps]
    if away:
        cuts = cuts_of(place_of(canvas, away).core[top:bottom, left:right])
    if not cuts:
        raise CannotRepair(f"no cut at one border or two leaves {KEPT_SHARE:.0%} of the picture without the finding")
    if number >= len(cuts):
        return None
    x0, y0, x1, y1 = cuts[number].box
    box = (left + x0, top + y0, left + x1, top + y1)
    settings = {"box": list(box), "kept": round(cuts[number].share, 4)}
    return Change(np.ascontiguousarray(canvas.rgba[box[1] : box[3], box[0] : box[2]]), None, settings=settings)


def inner_of(aims: Sequence[Aim], shape: tuple[int, int]) -> Box:
    """What is left of a picture inside the bars or frames that these aims name; their share of it does not count."""
    height, width = shape
    x0, y0, x1, y1 = 0, 0, width, height
    for region in (region for aim in aims for region in aim.regions):
        x0, y0 = max(x0, math.ceil(region.box[0])), max(y0, math.ceil(region.box[1]))
        x1, y1 = min(x1, math.floor(region.box[2])), min(y1, math.floor(region.box[3]))
    if x1 - x0 < LEAST_SIDE or y1 - y0 < LEAST_SIDE:
        raise CannotRepair("next to nothing would be left of the picture inside its border")
    return x0, y0, x1, y1


def cuts_of(core: masks.Mask) -> list[Cut]:
    """The boxes that are left when each blot is cut off at one of the four borders, those that keep most first."""
    height, width = core.shape
    gap = max(1, round(CLEARANCE * min(height, width)))
    found = {_left(combination, (width, height), gap) for combination in product(*(_ways(b) for b in _blots(core)))}
    cuts = [
        Cut(box, (box[2] - box[0]) * (box[3] - box[1]) / (width * height))
        for box in found
        if box[2] - box[0] >= LEAST_SIDE and box[3] - box[1] >= LEAST_SIDE
    ]
    return sorted((cut for cut in cuts if cut.share >= KEPT_SHARE), key=lambda cut: (-cut.share, cut.box))


def _blots(core: masks.Mask) -> list[Box]:
    """The boxes of the connected places; one box around all where there are many."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(core.astype(np.uint8), connectivity=8)
    if count - 1 > MOST_BLOTS:
        box = masks.bounds(core)
        return [box] if box is not None else []
    return [(int(x), int(y), int(x + w), int(y + h)) for x, y, w, h, _ in stats[1:]]


def _ways(blot: Box) -> tuple[tuple[int, int], ...]:
    """The four cuts that take a blot off: the border (left, top, right, bottom) and where its far side lies."""
    return (0, blot[2]), (1, blot[3]), (2, blot[0]), (3, blot[1])


def _left(cuts: Sequence[tuple[int, int]], size: tuple[int, int], gap: int) -> Box:
    box = [0, 0, *size]
    for side, edge in cuts:
        box[side] = max(box[side], edge + gap) if side < 2 else min(box[side], edge - gap)
    return box[0], box[1], box[2], box[3]


# --- adjust ----------------------------------------------------------------------------------------

_EXPORT = (
    "what a lossy or careless export left cannot be taken out honestly; export it anew from the lossless original, "
    "or take --method regenerate"
)
_SHARPNESS = "sharpening would draw edges that the picture never had; render it larger, or take --method regenerate"
_CLIPPED = "what is clipped to white or black holds nothing that could be brought back; take --method regenerate"
_BYTES = "no pixel is wrong; the file is marked and signed when it is given away, by `imgaudit export`"
_BROKEN = (
    "no pixel is wrong, and nothing signs over a manifest that does not hold; take it out with `imgaudit provenance "
    "strip`, audit the file again, and let `imgaudit export` sign it"
)
_IDENTITY = "no pixel is wrong; whoever vouches for the picture has to sign the final file again"
_PROFILE = "no pixel is wrong; export the file anew with the colour profile that its colours were made in"
REFUSED = {
    **dict.fromkeys(("quality.blur", "quality.blur_whole", "quality.motion_blur", "quality.upscaling"), _SHARPNESS),
    **dict.fromkeys(
        ("quality.blocking", "quality.jpeg_quality", "quality.banding", "quality.chroma_bleeding", "quality.halos"),
        _EXPORT,
    ),
    **dict.fromkeys(("quality.bright", "quality.highlights", "quality.shadows"), _CLIPPED),
    "provenance.c2pa_state": _BROKEN,
    "provenance.identity_invalid": _IDENTITY,
    "provenance.ai_disclosed": _BYTES,
    "quality.profile": _PROFILE,
    "quality.noise": "taking noise out loses detail or invents some; render it with more steps, or take "
    "--method regenerate",
}
"""What a rule may be about and no adjustment of pixels is honest for, by checker and name."""
LIGHT, LEVELS, FAINT = "quality.dark", "quality.low_contrast", "text.contrast"
PLAIN = ("quality.cmyk", "quality.orientation", "quality.transparent")
"""Faults of the file that writing it plainly answers: upright, in sRGB, on white."""


def adjust(task: Task, canvas: Canvas, aims: Sequence[Aim], number: int) -> Change | None:
    """Light for a dark picture, levels for a flat one, black or white for faint letters, a plain file for an odd one.

    Anything else is refused.
    """
    names = {_about(aim) for aim in aims}
    graded = names & {LIGHT, LEVELS}
    if number >= (len(STOPS) if graded else 1):
        return None
    rgba, settings = canvas.rgba.copy(), dict[str, JSON]()
    if "quality.transparent" in names:
        rgba = opaque(canvas.rgb)
    if LIGHT in names:
        rgba[..., :3] = exposed(rgba[..., :3], STOPS[number])
        settings["stops"] = STOPS[number]
    if LEVELS in names:
        rgba[..., :3] = spread(rgba[..., :3], CLIPPED[number])
        settings["clipped"] = CLIPPED[number]
    if FAINT in names:
        rgba[..., :3] = _with_letters(rgba[..., :3], [aim for aim in aims if _about(aim) == FAINT])
        settings["contrast"] = LEAST_CONTRAST
    return Change(rgba, np.asarray((rgba != canvas.rgba).any(axis=2)), settings=settings)


def _about(aim: Aim) -> str:
    """What a rule is about that can be adjusted. Raises CannotRepair for everything else."""
    names = [f"{term.checker}.{term.name}" for term in aim.rule.terms]
    for name in names:
        if name in REFUSED:
            raise CannotRepair(f"{aim.rule.id}: {REFUSED[name]}")
    found = next((name for name in names if name in (LIGHT, LEVELS, FAINT, *PLAIN)), None)
    if found is None:
        raise CannotRepair(f"{aim.rule.id}: nothing is known of how to adjust it; name another --method")
    return found


def _with_letters(rgb: Pixels, aims: Sequence[Aim]) -> Pixels:
    """A picture whose faint lines stand out."""
    new = np.ascontiguousarray(rgb)
    for region in (region for aim in aims for region in aim.regions):
        place = region.polygon or masks.box_outline(region.box)
        drawn = ink.deepened(new, place, LEAST_CONTRAST) if len(place) == 4 and inside(new, place) else None
        if drawn is None:
            raise CannotRepair("the letters of a faint line cannot be told from their ground; have it set by hand")
        new = drawn
    return new


def spread(rgb: Pixels, clipped: float) -> Pixels:
    """A picture whose tones are stretched from black to white, all three channels alike.

    Args:
        rgb: uint8 (height, width, 3).
        clipped: share of the pixels, 0..1, that may become black, and as many white.
    """
    low, high = np.quantile(rgb, (clipped, 1 - clipped))
    if high - low < 1:
        return rgb
    table = np.round((np.arange(256) - low) * (255 / (high - low))).clip(0, 255).astype(np.uint8)
    return np.asarray(table[rgb])


def exposed(rgb: Pixels, stops: float) -> Pixels:
    """A picture with so many stops more light: linear light times 2^stops, highlights rolled off instead of clipped.

    The roll-off is x (1 + x / w^2) / (1 + x) with w = 2^stops (Reinhard et al. 2002, eq. 4): the light of a dark pixel
    is multiplied by nearly 2^stops, and white stays white.
    """
    gain = 2.0**stops
    tones = np.arange(256) / 255.0
    linear = np.where(tones <= 0.04045, tones / 12.92, ((tones + 0.055) / 1.055) ** 2.4) * gain
    lifted = linear * (1 + linear / gain**2) / (1 + linear)
    encoded = np.where(lifted <= 0.0031308, lifted * 12.92, 1.055 * lifted ** (1 / 2.4) - 0.055)
    table = np.round(np.clip(encoded, 0, 1) * 255).astype(np.uint8)
    return np.asarray(table[rgb])
