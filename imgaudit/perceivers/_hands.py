"""Hands: palms over the picture, its windows and near wrists; 21 points for each; and several more looks at it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from imgaudit.kernels import hand_geometry
from imgaudit.perceivers._mediapipe import HAND_FULL, HAND_LITE, PALM, Detector, Network
from imgaudit.perceivers._views import Detection, Floats, Halves, Square, blended, turned, upright, whole, windows
from imgaudit.percepts import Face, Hand, HandViews, Pose

PALM_SCORE = 0.15
PRESENCE = 0.1
SURE = 0.5
WINDOW_SHARE = 0.6
CANDIDATES = 14
VIEWED = 6
WRISTS = ((13, 15), (14, 16))
WRIST_VISIBILITY = 0.3
_STEADY = (0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18)  # the points that a hand's own square is laid around
_TURN = math.radians(12)


@dataclass(frozen=True, slots=True)
class _Look:
    """What the landmark network says about one square."""

    square: Square
    points: Floats
    world: Floats
    presence: float
    right: float


class HandFinder:
    """Finds up to `limit` hands at any size. Windows are searched only where there is a sign of a person."""

    limit: ClassVar[int] = 8

    def __init__(self) -> None:
        self._palm = Detector(PALM, PALM_SCORE)
        self._full = Network(HAND_FULL)
        self._lite = Network(HAND_LITE)

    def find(self, halves: Halves, faces: Sequence[Face], poses: Sequence[Pose]) -> list[Hand]:
        """Hands, surest first; one more than `limit` says that there are more."""
        palms = self._palm(halves, whole(halves.width, halves.height))
        hands = self._read(halves, palms, [])
        people = max(len(faces), len(poses))
        if (palms or people) and _sure(hands) < max(2 * people, 1):
            hands = self._near_wrists(halves, poses, hands)
            hands = self._in_windows(halves, hands)
        kept = hands[: self.limit + 1]
        return [self._hand(halves, look, index < VIEWED) for index, look in enumerate(kept)]

    def _near_wrists(self, halves: Halves, poses: Sequence[Pose], hands: list[_Look]) -> list[_Look]:
        for pose in poses:
            for elbow, wrist in WRISTS:
                square = _hand_of_arm(halves, pose, elbow, wrist)
                if square is None or _covered(square, hands):
                    continue
                palms = self._palm(halves, Square(square.x, square.y, 1.4 * square.side))
                before = len(hands)
                hands = self._read(halves, palms[:2], hands)
                if len(hands) == before:
                    hands = _merged(hands, [self._settled(halves, square)])
        return hands

    def _in_windows(self, halves: Halves, hands: list[_Look]) -> list[_Look]:
        palms = [p for w in windows(halves.width, halves.height, WINDOW_SHARE) for p in self._palm(halves, w)]
        return self._read(halves, blended(sorted(palms, key=lambda p: -p.score), 0.3), hands)

    def _read(self, halves: Halves, palms: Sequence[Detection], hands: list[_Look]) -> list[_Look]:
        fresh = [s for s in map(_square_of_palm, palms) if not _covered(s.scaled(0.6), hands)]
        return _merged(hands, (self._settled(halves, square) for square in fresh[:CANDIDATES]))

    def _settled(self, halves: Halves, square: Square) -> _Look:
        """The look at the square that the first look's own points ask for, where that one is surer."""
        first = self._look(halves, square)
        if first.presence < PRESENCE:
            return first
        second = self._look(halves, _square_of_points(first.points, square.angle))
        return second if second.presence >= first.presence else first

    def _look(self, halves: Halves, square: Square, mirrored: bool = False, lite: bool = False) -> _Look:
        network = self._lite if lite else self._full
        look = halves.look(square, network.size, replicate=True)
        raw, presence, right, flat_world = network(look[:, ::-1] if mirrored else look)
        points = raw.reshape(-1, 3) / network.size
        points[:, 2] /= 0.4  # the network's depth is in 0.4 of its pixels
        world = flat_world.reshape(-1, 3)
        if mirrored:
            points[:, 0] = 1 - points[:, 0]
            world[:, 0] = -world[:, 0]
        return _Look(square, square.place(points), turned(world, square.angle), float(presence[0]), float(right[0]))

    def _hand(self, halves: Halves, look: _Look, viewed: bool) -> Hand:
        low, high = look.points[:, :2].min(axis=0), look.points[:, :2].max(axis=0)
        return Hand(
            points=tuple((float(x), float(y), float(z)) for x, y, z in np.round(look.points, 2)),
            world=tuple((float(x), float(y), float(z)) for x, y, z in np.round(look.world, 5)),
            side="right" if look.right >= 0.5 else "left",
            side_score=max(look.right, 1 - look.right),
            presence=look.presence,
            box=(float(low[0]), float(low[1]), float(high[0]), float(high[1])),
            views=self._views(halves, look) if viewed else None,
        )

    def _views(self, halves: Halves, look: _Look) -> HandViews:
        square = _square_of_points(look.points, look.square.angle)
        asked = [
            square,
            square.scaled(0.85),
            square.scaled(1.2),
            square.turned(_TURN),
            square.turned(-_TURN),
            square.moved(0.05, -0.05),
        ]
        views = [self._look(halves, s) for s in asked]
        mirror = self._look(halves, square, mirrored=True)
        lite = self._look(halves, square, lite=True)
        everything = [*views, mirror]
        return HandViews(
            jitter=hand_geometry.spread(np.stack([v.points[:, :2] for v in everything])),
            world_jitter=hand_geometry.spread(np.stack([v.world for v in everything])),
            mirror=hand_geometry.distance(views[0].points[:, :2], mirror.points[:, :2]),
            lite=hand_geometry.distance(views[0].points[:, :2], lite.points[:, :2]),
            flips=(views[0].right >= 0.5) != (mirror.right >= 0.5),
            presence=float(np.mean([v.presence for v in everything])),
        )


def _sure(hands: Iterable[_Look]) -> int:
    return sum(look.presence >= SURE for look in hands)


def _square_of_palm(palm: Detection) -> Square:
    """Where the landmark network wants to look for a palm: mediapipe's own rule (moved up by half, 2.6 times)."""
    centre, side = (palm.box[:2] + palm.box[2:]) / 2, float(max(palm.box[2:] - palm.box[:2]))
    turn = upright(palm.keypoints[0], palm.keypoints[2])
    return Square(float(centre[0]), float(centre[1]), side, turn).moved(0, -0.5).scaled(2.6)


def _square_of_points(points: Floats, fallback: float) -> Square:
    """The square around a hand's own points: mediapipe's rule for following a hand (moved up by 0.1, twice)."""
    flat = points[:, :2]
    aim = flat[[6, 10, 14]]
    target = (aim[0] + aim[2]) / 4 + aim[1] / 2
    angle = upright(flat[0], target) if np.any(target != flat[0]) else fallback
    cos, sin = math.cos(angle), math.sin(angle)
    own = flat[list(_STEADY)] @ np.array([[cos, -sin], [sin, cos]])
    low, high = own.min(axis=0), own.max(axis=0)
    x, y = np.array([[cos, -sin], [sin, cos]]) @ ((low + high) / 2)
    side = max(float(max(high - low)), 1.0)
    return Square(float(x), float(y), side, angle).moved(0, -0.1).scaled(2.0)


def _hand_of_arm(halves: Halves, pose: Pose, elbow: int, wrist: int) -> Square | None:
    """Where the hand of an arm should be; None when the wrist is hidden or outside the picture."""
    start, end = np.array(pose.points[elbow][:2]), np.array(pose.points[wrist][:2])
    if pose.points[wrist][3] < WRIST_VISIBILITY or not (0 <= end[0] < halves.width and 0 <= end[1] < halves.height):
        return None
    shoulders = np.array(pose.points[11][:2]) - np.array(pose.points[12][:2])
    forearm = max(float(np.linalg.norm(end - start)), 0.5 * float(np.linalg.norm(shoulders)), 8.0)
    centre = end + 0.35 * (end - start)
    return Square(float(centre[0]), float(centre[1]), 1.3 * forearm, upright(start, end))


def _covered(square: Square, hands: Iterable[_Look]) -> bool:
    """Whether a sure hand already lies in the middle of the square."""
    return any(
        look.presence >= SURE
        and float(np.linalg.norm(hand_geometry.palm_centre(look.points[:, :2]) - (square.x, square.y)))
        < 0.4 * square.side
        for look in hands
    )


def _merged(hands: Sequence[_Look], more: Iterable[_Look]) -> list[_Look]:
    """All distinct hands, surest first."""
    kept: list[_Look] = []
    for look in sorted([*hands, *more], key=lambda h: -h.presence):
        if look.presence >= PRESENCE and not any(_same(look, other) for other in kept):
            kept.append(look)
    return kept


def _same(first: _Look, second: _Look) -> bool:
    a, b = hand_geometry.palm_centre(first.points[:, :2]), hand_geometry.palm_centre(second.points[:, :2])
    size = max(hand_geometry.palm_size(first.points[:, :2]), hand_geometry.palm_size(second.points[:, :2]))
    return float(np.linalg.norm(a - b)) < 0.6 * size
