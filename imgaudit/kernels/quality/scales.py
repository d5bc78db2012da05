"""How bad is bad: what turns each statistic into a level from 0 to 1, and how its operating point was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """A smooth step from 0 to 1 over positive numbers: x^s / (x^s + half^s).

    Attributes:
        statistic: the number that is mapped.
        half: the operating point, where the level is 0.5.
        steepness: the exponent s; negative where small numbers are the bad ones.
        why: how the operating point was found.
    """

    statistic: str
    half: float
    steepness: float
    why: str

    def level(self, value: float) -> float:
        """How bad, 0..1.

        >>> Scale("x", 2.0, 3.0, "").level(2.0), Scale("x", 2.0, -3.0, "").level(0.0)
        (0.5, 1.0)
        """
        if value <= 0:
            return 0.0 if self.steepness > 0 else 1.0
        return float(1 / (1 + (self.half / value) ** self.steepness))


SCALES: Mapping[str, Scale] = {
    "blur": Scale(
        "focus_spread",
        1.65,
        12.0,
        "pixels of 512 by which the sharpest fifth of the edges seems spread, 1.2 where they are as sharp as pixels can"
        " be: 98 of 100 photographs have less; sharp ones that were blurred by 2 pixels of 1024 have 1.3 to 1.75, by 3"
        " pixels 1.5 to 2.05, by 4 pixels 1.75 to 2.35",
    ),
    "blur_whole": Scale(
        "edge_spread",
        2.1,
        10.0,
        "the same of the middle of all edges: 98 of 100 photographs have less; sharp ones that were blurred by 4 pixels"
        " of 1024 have 2.0 to 2.7",
    ),
    "motion_blur": Scale(
        "motion",
        2.0,
        3.0,
        "pixels of 512 by which edges are drawn out in one direction, times the correlation of the fit: 98 of 100"
        " photographs have less than 1.7, cards with soft shadows up to 1.95; sharp photographs that were moved by 16"
        " pixels of 1024 have 1.5 to 4.9",
    ),
    "noise": Scale(
        "noise_level",
        8.5,
        4.0,
        "grey levels at 512: the coarsest textures (grass, gravel) read as 6 to 8, film grain as 3 to 6; more is noise"
        " that hides detail",
    ),
    "dark": Scale(
        "light",
        30.0,
        -4.0,
        "light of the brightest part, of 100: photographs have over 40; well-exposed ones fall to 21 to 34 when"
        " they are darkened by three stops and to 14 to 24 by four; a small dark blue shape on black has 50",
    ),
    "bright": Scale(
        "ink",
        22.0,
        -6.0,
        "distance from white of the inkiest part, of 100: photographs have over 40; an empty page with one or two lines"
        " of small print has 9 to 18, the smallest and palest shape that is drawn on white 29",
    ),
    "highlights": Scale(
        "white_share",
        0.25,
        3.0,
        "share of the picture burnt out to white: 98 of 100 photographs have less than 0.17; overexposed by two stops"
        " half of them have more than 0.23",
    ),
    "shadows": Scale(
        "black_share",
        0.3,
        3.0,
        "share of the picture sunk to black: no photograph that was looked at has more than 0.22, unless it stands on"
        " black; darkened by five stops, one in ten has more than 0.3 and the others are `dark`",
    ),
    "low_contrast": Scale(
        "contrast",
        27.0,
        -6.0,
        "range in CIELAB units: photographs have over 35; at three tenths of their contrast they have 17 to 30",
    ),
    "low_information": Scale(
        "occupied_share",
        0.01,
        -3.0,
        "share of the fields of a 32 by 32 grid in which anything differs from the commonest colour: the smallest"
        " drawn shape fills three in a hundred",
    ),
    "banding": Scale(
        "band_share",
        0.12,
        2.0,
        "share of the picture in flat steps of a staircase: photographs stay under 0.07; smoothed ones at 32 levels"
        " a channel have 0.18 to 0.59",
    ),
    "blocking": Scale(
        "block_step",
        1.9,
        4.0,
        "grey levels that steps between blocks have over the steps beside them: JPEG photographs have 0.7 to 1.3 at"
        " quality 60, 1.0 to 1.5 at 50, 1.2 to 3.1 at 20",
    ),
    "chroma_bleeding": Scale(
        "colour_step",
        0.37,
        -10.0,
        "share of a change of colour within 2 pixels of an edge, at 512: 97 of 100 photographs have more; with the"
        " chroma blurred by 6 pixels of theirs half have less, by 8 three in four",
    ),
    "halos": Scale(
        "overshoot",
        0.16,
        4.0,
        "overshoot on both sides as a share of the step: 98 of 100 photographs have less than 0.15, phone cameras the"
        " most; an unsharp mask of 200 % leaves 0.07 to 0.29, of 300 % 0.08 to 0.37",
    ),
    "upscaling": Scale(
        "detail_drop",
        33.5,
        16.0,
        "decibels from coarse to finest detail: 98 of 100 photographs have less than 31; enlarged to twice their size"
        " they have 33 to 39, to three times 37 to 45",
    ),
}
"""Measure -> how its statistic becomes 0..1. Found on other pictures than the rates in docs/quality.md are told of."""
