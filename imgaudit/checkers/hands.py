"""Is some hand malformed?

Malformed hands are what people notice first in generated pictures. Every hand that is large and sure enough is read
several times (moved, turned, scaled, mirrored, by a small and a large network). A well-made hand is read alike every
time; on a tangle of fingers the readings scatter, and the bones come out in odd proportions. How unusual each cue is,
against good hands of the same size, is averaged with equal weights and linked to 0..1, so that 0.5 is the point that
at most one posed good hand in a hundred passes (`imgaudit/calibration/hands.json` has the data behind it).

The surest hand is always judged. Others are judged when the network is nearly certain of them and no surer hand covers
a quarter of them, because unsure second hands are mostly background, and clasped hands hide one another.

Known limits: a hand that is drawn well but has one finger too many, too few or fused passes unseen, because the
network imagines five good fingers; hidden, gripping, gloved and stylised hands look more unusual than they are; the
reference hands are of light to medium skin. No finger is counted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import ClassVar

import numpy as np

from imgaudit.kernels import hand_cues, hand_geometry
from imgaudit.percepts import Hand, Landmarks
from imgaudit.registry import checker
from imgaudit.types import (
    Abstained,
    Box,
    Case,
    Evidence,
    Failed,
    Measure,
    Measured,
    Outcome,
    Percepts,
    Polyline,
    Query,
    Region,
)

LANDMARKS = Query("landmarks")
CARD = "hands.json"
OPERATING_POINT = 0.5
PRESENCE = 0.5
SECOND_PRESENCE = 0.9
OVERLAP = 0.25
SIGN_OF_A_HAND = 0.3
UNUSUAL = 1.5
PAD = 0.15
LEAST_PAD = 30.0


@dataclass(frozen=True, slots=True)
class Judged:
    """A hand, and what is unusual about it."""

    hand: Hand
    z_scores: Mapping[str, float]
    probability: float


@cache
def _card() -> tuple[hand_cues.Reference, float]:
    card = json.loads((resources.files("imgaudit") / "calibration" / CARD).read_text(encoding="utf-8"))
    return hand_cues.Reference.from_card(card), float(card["smallest_radius"])


@checker
class HandsChecker:
    """Counts hands and says how likely it is that one of them is malformed."""

    name: ClassVar[str] = "hands"
    title: ClassVar[str] = "Hands and fingers"
    version: ClassVar[str] = "1"
    calibration: ClassVar[str] = CARD
    dimensions: ClassVar[tuple[str, ...]] = ("hands",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("defect", "probability", "down", "that some hand is malformed; 0.5 is the operating point of the card"),
        Measure("count", "hands", "none", "hands found, at most 8"),
        Measure("unjudged", "hands", "down", "hands found that were too small or too unsure to judge"),
        Measure("presence", "probability", "up", "the network's certainty of its surest hand"),
        *(
            Measure(f"worst_{cue}", "deviations", "down", f"of the worst hand: {about}")
            for cue, about in hand_cues.CUES.items()
        ),
        Measure(
            "joint_violation", "degrees", "down", "of the worst hand: joints beyond what living hands can do, summed"
        ),
        Measure("palm_planarity", "ratio", "down", "of the worst hand: 0 for a flat palm"),
        Measure("crossings", "pairs", "none", "of the worst hand: fingers whose drawn lines cross"),
    )
    labels: ClassVar[Mapping[str, str]] = {}
    codes: ClassVar[Mapping[str, str]] = {
        "hands.malformed": "a hand's form is beyond the operating point",
        "hands.too_many": "more hands than the case expects",
        "hands.too_few": "fewer hands than the case expects",
    }
    limits: ClassVar[str] = (
        "One finger too many, too few or fused on an otherwise well-drawn hand is mostly missed. Hidden, gripping, "
        "gloved and stylised hands may be flagged. Reference hands are of light to medium skin."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """One look for hands, faces and bodies."""
        return [LANDMARKS]

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """Judge the hands that can be judged, and say how many cannot."""
        seen = percepts.seen(LANDMARKS, Landmarks)
        if isinstance(seen, (Abstained, Failed)):
            return seen
        found = [hand for hand in seen.hands if (hand.presence or 0.0) >= PRESENCE]
        measured = _judge(seen, found) if found else _no_hand(seen)
        return _against_case(measured, case, seen)


def _no_hand(seen: Landmarks) -> Measured:
    surest = max((hand.presence or 0.0 for hand in seen.hands), default=0.0)
    if surest < SIGN_OF_A_HAND:
        return Measured(measures={"count": 0.0, "unjudged": 0.0}, message="no hand is in view")
    return Measured(
        measures={"count": 0.0, "unjudged": 1.0, "presence": surest},
        unmeasured={"defect": f"something may be a hand (certainty {surest:.2f}), too unsure to judge"},
        evidence=Evidence(polylines=_skeletons(seen.hands[:1])),
        message="something may be a hand, but it is too unsure to judge",
    )


def _judge(seen: Landmarks, found: Sequence[Hand]) -> Measured:
    reference, smallest = _card()
    judged = [
        _judged(hand, reference)
        for index, hand in enumerate(found)
        if hand.views is not None and _radius(hand) >= smallest and (index == 0 or _clear(hand, found[:index]))
    ]
    counts = {
        "count": float(len(found)),
        "unjudged": float(len(found) - len(judged)),
        "presence": max(hand.presence or 0.0 for hand in found),
    }
    evidence = Evidence(polylines=_skeletons(found))
    if not judged:
        largest = max(_radius(hand) for hand in found)
        why = (
            f"the hands are too small or too unsure (largest palm radius {largest:.0f} pixels; {smallest:g} are needed)"
        )
        return Measured(measures=counts, unmeasured={"defect": why}, evidence=evidence, message=why)
    judged.sort(key=lambda j: -j.probability)
    worst = judged[0]
    flagged = [j for j in judged if j.probability >= OPERATING_POINT]
    return Measured(
        measures={
            "defect": worst.probability,
            **counts,
            **{f"worst_{cue}": z for cue, z in worst.z_scores.items()},
            **_form(worst.hand),
        },
        codes=("hands.malformed",) if flagged else (),
        regions=tuple(_region(j, seen) for j in flagged or judged[:1]),
        evidence=evidence,
        message=_words(worst) if flagged else f"{len(judged)} of {len(found)} hands judged; none is unusual",
    )


def _clear(hand: Hand, surer: Sequence[Hand]) -> bool:
    """Whether a second hand is nearly certain and does not lie behind or in a surer one."""
    x0, y0, x1, y1 = hand.box
    for other in surer:
        width = min(x1, other.box[2]) - max(x0, other.box[0])
        height = min(y1, other.box[3]) - max(y0, other.box[1])
        if width > 0 and height > 0 and width * height > OVERLAP * (x1 - x0) * (y1 - y0):
            return False
    return (hand.presence or 0.0) >= SECOND_PRESENCE


def _judged(hand: Hand, reference: hand_cues.Reference) -> Judged:
    radius = _radius(hand)
    z_scores = reference.z_scores(hand_cues.cues(hand), radius)
    return Judged(hand, z_scores, reference.probability(z_scores, radius))


def _form(hand: Hand) -> dict[str, float]:
    """Measures that are shown and not part of the defect: the network's own prior keeps them in bounds."""
    world = np.array(hand.world)
    return {
        "joint_violation": hand_geometry.joint_violation(world),
        "palm_planarity": hand_geometry.palm_planarity(world),
        "crossings": float(len(hand_geometry.crossings(np.array(hand.points)))),
    }


def _radius(hand: Hand) -> float:
    return hand_geometry.palm_radius(np.array(hand.points))


def _words(judged: Judged) -> str:
    unusual = sorted(((z, cue) for cue, z in judged.z_scores.items() if z >= UNUSUAL), reverse=True)
    why = "; ".join(hand_cues.CUES[cue] for _, cue in unusual[:3]) or "several cues are a little unusual together"
    return f"the {judged.hand.side} hand looks malformed: {why}"


def _region(judged: Judged, seen: Landmarks) -> Region:
    """The hull of hand and wrist, and its box padded by 15 % and at least 30 pixels, inside the picture."""
    hull = hand_geometry.hull(np.array(judged.hand.points), PAD)
    return Region(
        label=f"{judged.hand.side} hand",
        box=_padded(judged.hand.box, seen.width, seen.height),
        polygon=tuple((_within(x, seen.width), _within(y, seen.height)) for x, y in hull),
        score=judged.probability,
    )


def _padded(box: Box, width: int, height: int) -> Box:
    x0, y0, x1, y1 = box
    pad = max(PAD * max(x1 - x0, y1 - y0), LEAST_PAD)
    return (_within(x0 - pad, width), _within(y0 - pad, height), _within(x1 + pad, width), _within(y1 + pad, height))


def _within(value: float, limit: int) -> float:
    return min(max(value, 0.0), float(limit))


def _skeletons(hands: Sequence[Hand]) -> tuple[Polyline, ...]:
    lines = []
    for index, hand in enumerate(hands, start=1):
        flat = [(x, y) for x, y, _ in hand.points]
        for name, chain in hand_geometry.CHAINS.items():
            lines.append(Polyline(label=f"hand {index} {name}", points=tuple(flat[i] for i in chain)))
        knuckles = tuple(flat[i] for i in hand_geometry.KNUCKLES)
        lines.append(Polyline(label=f"hand {index} palm", points=knuckles))
    return tuple(lines)


def _against_case(measured: Measured, case: Case, seen: Landmarks) -> Measured:
    """Adds what the case says about the number of hands; more than are kept cannot be told from exactly that many."""
    expected, count = case.expect.hands, measured.measures["count"]
    if expected is None or count == expected or (count < expected and "hands" in seen.capped):
        return measured
    code = "hands.too_many" if count > expected else "hands.too_few"
    message = f"{count:g} hands found, {expected} expected. {measured.message}"
    return measured.model_copy(update={"codes": (*measured.codes, code), "message": message})
