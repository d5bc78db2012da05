"""Arithmetic on the 33 points of a body (mediapipe's order): limbs, and where a hand should be.

Picture points are x, y in pixels with z on the same scale and a visibility 0..1; world points are metres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LIMBS: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {
    "upper arm": ((11, 13), (12, 14)),
    "forearm": ((13, 15), (14, 16)),
    "thigh": ((23, 25), (24, 26)),
    "shank": ((25, 27), (26, 28)),
}
"""Limb -> its ends on the body's left, then on its right."""

ARMS = {"left": (11, 13, 15), "right": (12, 14, 16)}
"""Side of the body -> shoulder, elbow, wrist."""

SKELETON = (
    (11, 13, 15), (12, 14, 16), (11, 12, 24, 23, 11), (23, 25, 27, 31), (24, 26, 28, 32),
)  # fmt: skip
LIMB_LIMIT = 2.0
_STEEPNESS = 4.0


@dataclass(frozen=True, slots=True)
class Wrist:
    """The end of one arm.

    Attributes:
        x, y: in pixels.
        visibility: of the wrist, 0..1; `elbow`: of the elbow.
        forearm: length of the forearm in the picture, at least 0.4 shoulder widths (a forearm may point at the camera).
        margin: distance to the nearest edge of the picture, in forearms; negative outside.
    """

    side: str
    x: float
    y: float
    visibility: float
    elbow: float
    forearm: float
    margin: float


def limb_ratios(world: Floats, visibility: Floats, least: float) -> dict[str, float]:
    """Longer over shorter of each pair of limbs, in space, where both are visible by at least `least`."""
    ratios = {}
    for name, (left, right) in LIMBS.items():
        if min(float(visibility[i]) for i in (*left, *right)) >= least:
            lengths = [float(np.linalg.norm(world[a] - world[b])) for a, b in (left, right)]
            ratios[name] = max(lengths) / max(min(lengths), 1e-6)
    return ratios


def limb_probability(ratio: float) -> float:
    """0.5 for limbs of which one is twice as long as the other, 0 for equal ones.

    Two is beyond what the network says of whole bodies (up to 1.6 where all ends were visible).
    """
    odd = math.pow(math.log(max(ratio, 1.0)) / math.log(LIMB_LIMIT), _STEEPNESS)
    return odd / (1 + odd)


def wrist(points: Floats, side: str, width: int, height: int) -> Wrist:
    """The wrist of one side, from 33 rows of x, y, z and visibility, in a picture of this size."""
    _, elbow, end = ARMS[side]
    shoulders = float(np.linalg.norm(points[11, :2] - points[12, :2]))
    forearm = max(float(np.linalg.norm(points[end, :2] - points[elbow, :2])), 0.4 * shoulders, 1.0)
    x, y = float(points[end, 0]), float(points[end, 1])
    return Wrist(
        side=side,
        x=x,
        y=y,
        visibility=float(points[end, 3]),
        elbow=float(points[elbow, 3]),
        forearm=forearm,
        margin=min(x, y, width - x, height - y) / forearm,
    )


def reach(end: Wrist, hand: Floats) -> float:
    """Distance from a wrist to the nearest of a hand's points, in forearms."""
    distances = np.linalg.norm(hand[:, :2] - np.array([end.x, end.y]), axis=1)
    return float(distances.min()) / end.forearm


def missing_probability(visibility: float) -> float:
    """How sure it is that a hand is missing where none was found at a wrist of this visibility.

    The odds are one hundredth over the wrist's doubt: 0.5 at a visibility of 0.99. Visibilities up to 0.98 were seen of
    hands in pockets and behind backs.
    """
    odds = 0.01 / max(1 - visibility, 1e-3)
    return odds / (1 + odds)


def wrong_side_probability(side_score: float) -> float:
    """How sure it is that a hand is on the wrong arm, by the network's certainty of the hand's side: 0.5 at 0.98."""
    odds = 0.02 / max(1 - side_score, 1e-3)
    return odds / (1 + odds)


def extra_probability(extra: int) -> float:
    """How sure it is that a hand is too many: 0.6 for one more than the bodies in view can have, 0.84 for two."""
    return 1 - 0.4 ** max(extra, 0)
