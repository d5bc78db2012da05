"""Does every body have the limbs it should have?

Four questions are put to the bodies in view: is a hand missing at a wrist that is plainly visible; are there more hands
than the people in view can have; does a right hand sit on a left arm; is one limb twice as long as its counterpart.
The surest answer decides, 0.5 stands for the point at which it is more likely than not.

Known limits: the body network draws a whole, even body on what it is shown, so an extra or missing arm or leg is only
seen through its hand; only bodies whose face is in view are found, at most four; people in view without a face make
hands look too many. Hands in pockets and behind backs are told apart by the wrist's visibility alone. Without a body
nothing is judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from imgaudit.kernels import body_geometry
from imgaudit.percepts import Hand, Landmarks, Pose
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
OPERATING_POINT = 0.5
SURE_HAND = 0.95
SURE_VIEWS = 0.9
ELBOW_VISIBILITY = 0.9
WRIST_VISIBILITY = 0.8
LIMB_VISIBILITY = 0.9
MARGIN = 0.5
REACH = 0.7
AT_WRIST = 0.35
OTHER_WRIST = 1.0


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that may be wrong with a body."""

    code: str
    words: str
    probability: float
    label: str
    box: Box


@checker
class AnatomyChecker:
    """Looks for missing hands, hands too many, hands on the wrong arm and uneven limbs."""

    name: ClassVar[str] = "anatomy"
    title: ClassVar[str] = "Anatomy"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("anatomy",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure(
            "defect", "probability", "down", "of the surest fault: a hand missing, too many or wrong, uneven limbs"
        ),
        Measure("persons", "bodies", "none", "bodies found, at most 4"),
        Measure("limb_ratio", "ratio", "down", "longest limb over its counterpart, where both are visible"),
    )
    labels: ClassVar[Mapping[str, str]] = {"persons": "bodies found: 0, 1, ..., 4 or more"}
    codes: ClassVar[Mapping[str, str]] = {
        "anatomy.missing_hand": "a plainly visible wrist has no hand",
        "anatomy.extra_hand": "more hands than the people in view can have",
        "anatomy.wrong_side": "a hand of one side sits on the arm of the other",
        "anatomy.uneven_limbs": "a limb is twice as long as its counterpart",
    }
    limits: ClassVar[str] = (
        "Extra or missing arms and legs are seen through their hands only. Bodies without a visible face are not "
        "found. The rules' certainties are set by hand on few photographs, not fitted."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """One look for hands, faces and bodies."""
        return [LANDMARKS]

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """The surest fault of the bodies in view."""
        seen = percepts.seen(LANDMARKS, Landmarks)
        if isinstance(seen, (Abstained, Failed)):
            return seen
        persons = len(seen.poses)
        labels = {"persons": f"{persons} or more" if "poses" in seen.capped else str(persons)}
        if not persons:
            return Measured(measures={"persons": 0.0}, labels=labels, message="no body is in view")
        return _judged(seen, labels)


def _judged(seen: Landmarks, labels: Mapping[str, str]) -> Measured:
    doubts = sorted([*_of_wrists(seen), *_of_limbs(seen), *_of_number(seen)], key=lambda d: -d.probability)
    flagged = [doubt for doubt in doubts if doubt.probability >= OPERATING_POINT]
    ratios = [ratio for pose in seen.poses for ratio in _ratios(pose).values()]
    return Measured(
        measures={
            "defect": doubts[0].probability if doubts else 0.0,
            "persons": float(len(seen.poses)),
            **({"limb_ratio": max(ratios)} if ratios else {}),
        },
        labels=dict(labels),
        codes=tuple(sorted({doubt.code for doubt in flagged})),
        regions=tuple(Region(label=d.label, box=d.box, score=d.probability) for d in flagged),
        evidence=Evidence(polylines=_skeletons(seen.poses)),
        message="; ".join(dict.fromkeys(d.words for d in flagged)) or "nothing is missing or too many",
    )


def _of_wrists(seen: Landmarks) -> Iterator[Doubt]:
    for pose in seen.poses:
        points = np.array(pose.points)
        ends = {side: body_geometry.wrist(points, side, seen.width, seen.height) for side in body_geometry.ARMS}
        for side, end in ends.items():
            if end.elbow < ELBOW_VISIBILITY or end.margin < MARGIN or end.visibility < WRIST_VISIBILITY:
                continue
            other = ends["left" if side == "right" else "right"]
            yield from _missing(seen, end)
            yield from _wrong_side(seen, end, other)


def _missing(seen: Landmarks, end: body_geometry.Wrist) -> Iterator[Doubt]:
    """A hand is missing where not even an unsure one lies near the wrist; a full list proves no absence."""
    if "hands" in seen.capped or any(body_geometry.reach(end, np.array(h.points)) < REACH for h in seen.hands):
        return
    words = f"no hand is found at the visible {end.side} wrist"
    probability = body_geometry.missing_probability(end.visibility)
    yield Doubt("anatomy.missing_hand", words, probability, f"{end.side} wrist", _around(end, seen))


def _wrong_side(seen: Landmarks, end: body_geometry.Wrist, other: body_geometry.Wrist) -> Iterator[Doubt]:
    """Only where the other arm is far away, so that the hand cannot be its own."""
    for hand in seen.hands:
        points = np.array(hand.points)
        here, there = body_geometry.reach(end, points), body_geometry.reach(other, points)
        if hand.side != end.side and _sure(hand) and here < AT_WRIST and there > OTHER_WRIST and _flips(hand):
            words = f"the hand at the {end.side} wrist is a {hand.side} hand"
            probability = body_geometry.wrong_side_probability(hand.side_score)
            yield Doubt("anatomy.wrong_side", words, probability, f"{end.side} wrist", hand.box)


def _of_limbs(seen: Landmarks) -> Iterator[Doubt]:
    for pose in seen.poses:
        for name, ratio in _ratios(pose).items():
            probability = body_geometry.limb_probability(ratio)
            words = f"one {name} is {ratio:.1f} times as long as the other"
            yield Doubt("anatomy.uneven_limbs", words, probability, name, _inside(pose.box, seen))


def _of_number(seen: Landmarks) -> Iterator[Doubt]:
    """Faces without a body count as people too, so that a hand of theirs is not too many."""
    people = max(len(seen.poses), len(seen.faces))
    sure = [hand for hand in seen.hands if _sure(hand)]
    extra = len(sure) - 2 * people
    if extra > 0 and not seen.capped:
        words = f"{len(sure)} hands for {people} {'person' if people == 1 else 'people'}"
        probability = body_geometry.extra_probability(extra)
        for hand in sure[-extra:]:
            yield Doubt("anatomy.extra_hand", words, probability, f"{hand.side} hand", hand.box)


def _sure(hand: Hand) -> bool:
    return (hand.presence or 0.0) >= SURE_HAND and hand.views is not None and hand.views.presence >= SURE_VIEWS


def _flips(hand: Hand) -> bool:
    return hand.views is not None and hand.views.flips


def _ratios(pose: Pose) -> dict[str, float]:
    if not pose.world:
        return {}
    visibility = np.array(pose.points)[:, 3]
    return body_geometry.limb_ratios(np.array(pose.world), visibility, LIMB_VISIBILITY)


def _around(end: body_geometry.Wrist, seen: Landmarks) -> Box:
    half = 0.6 * end.forearm
    return _inside((end.x - half, end.y - half, end.x + half, end.y + half), seen)


def _inside(box: Box, seen: Landmarks) -> Box:
    x0, y0, x1, y1 = box
    return (max(x0, 0.0), max(y0, 0.0), min(x1, float(seen.width)), min(y1, float(seen.height)))


def _skeletons(poses: Sequence[Pose]) -> tuple[Polyline, ...]:
    return tuple(
        Polyline(label=f"body {index}", points=tuple(pose.points[i][:2] for i in chain))
        for index, pose in enumerate(poses, start=1)
        for chain in body_geometry.SKELETON
    )
