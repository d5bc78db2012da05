"""From looks at one hand to one number: cues, how unusual they are for a good hand, and a probability-like score.

Every cue is put on one scale as a robust z-score, (ln cue - median) / deviation, against good hands of the same size
in pixels; the score is the plain mean of the z-scores. Equal weights are meant: with the few labelled malformed hands
that exist, fitted weights learned the source of the pictures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from imgaudit.kernels import hand_geometry
from imgaudit.percepts import Hand

Floats = npt.NDArray[np.float64]

CUES: dict[str, str] = {
    "jitter": "the points move when the crop is moved, turned or scaled a little",
    "world_jitter": "so do the points in space",
    "mirror": "the mirrored hand is read differently",
    "lite": "two networks of different size disagree",
    "bones": "the bones' proportions are unusual",
}
"""Cue -> what a high value says, in words."""

FLOOR = 1e-4
Z_LIMITS = (-1.0, 8.0)


def cues(hand: Hand) -> dict[str, float]:
    """The cues of one hand that was looked at several times; empty where it was not."""
    if hand.views is None:
        return {}
    deviations = hand_geometry.ratio_deviations(hand_geometry.bone_ratios(np.array(hand.world)))
    return {
        "jitter": hand.views.jitter,
        "world_jitter": hand.views.world_jitter,
        "mirror": hand.views.mirror,
        "lite": hand.views.lite,
        "bones": sum(deviations.values()) / len(deviations),
    }


@dataclass(frozen=True, slots=True)
class Reference:
    """What the cues of good hands are like, by size, and the link from a mean z-score to 0..1.

    Attributes:
        radii: ascending palm radii in pixels at which `centres` and `deviations` hold; between them the values are
            interpolated over the logarithm of the radius, beyond them they stay.
        centres, deviations: for each cue, one value a radius, of the natural logarithm of the cue.
        halves: the mean z-score that is linked to 0.5, one value a radius, because small hands vary more.
        slope: of the logistic link, per unit of mean z-score.
    """

    radii: tuple[float, ...]
    centres: Mapping[str, tuple[float, ...]]
    deviations: Mapping[str, tuple[float, ...]]
    halves: tuple[float, ...]
    slope: float

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> Reference:
        """From the JSON that `imgaudit.calibration.fit_hands` writes."""
        return cls(
            radii=tuple(card["radii"]),
            centres={cue: tuple(card["centres"][cue]) for cue in CUES},
            deviations={cue: tuple(card["deviations"][cue]) for cue in CUES},
            halves=tuple(card["halves"]),
            slope=float(card["slope"]),
        )

    def z_scores(self, seen: Mapping[str, float], radius: float) -> dict[str, float]:
        """How unusual each cue is for a good hand of this palm radius.

        Limited to -1..8: no cue rules alone, and none that is calmer than usual excuses another.
        """
        scores = {}
        for cue, value in seen.items():
            centre = self._between(self.centres[cue], radius)
            deviation = self._between(self.deviations[cue], radius)
            scores[cue] = min(max((logged(value) - centre) / deviation, Z_LIMITS[0]), Z_LIMITS[1])
        return scores

    def probability(self, z_scores: Mapping[str, float], radius: float) -> float:
        """The score 0..1 of a hand of this palm radius: 0.5 at the operating point of the card."""
        mean = sum(z_scores.values()) / len(z_scores)
        return 1 / (1 + math.exp(-self.slope * (mean - self._between(self.halves, radius))))

    def _between(self, values: Sequence[float], radius: float) -> float:
        return float(np.interp(math.log(max(radius, 1e-6)), np.log(self.radii), values))


def logged(value: float) -> float:
    """The natural logarithm of a cue, which may be zero."""
    return math.log(max(value, FLOOR))


def robust(values: Sequence[float]) -> tuple[float, float]:
    """Median, and the median absolute deviation scaled to a normal law's standard deviation.

    >>> robust([1.0, 2.0, 3.0, 4.0, 100.0])
    (3.0, 1.4826)
    """
    centre = float(np.median(values))
    return centre, 1.4826 * float(np.median(np.abs(np.array(values) - centre)))
