"""Bodies: a detector over the picture and below each face, and 33 points for each body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from imgaudit.perceivers._mediapipe import BODY, POSE, Detector, Network
from imgaudit.perceivers._views import Detection, Halves, Square, turned, upright, whole
from imgaudit.percepts import Face, Pose

PRESENCE = 0.5
POINTS = 33
NOSE = 0
SHOULDERS = (11, 12)


class BodyFinder:
    """Finds bodies whose face is in view (the detector looks for the face); `limit` of them are kept."""

    limit: ClassVar[int] = 4

    def __init__(self) -> None:
        self._detect = Detector(BODY, 0.4)
        self._pose = Network(POSE)

    def find(self, halves: Halves, faces: Sequence[Face]) -> list[Pose]:
        """Bodies, best first; one more than `limit` says that there are more."""
        poses: list[Pose] = []
        self._add(halves, self._detect(halves, whole(halves.width, halves.height)), poses)
        for face in faces:
            if len(poses) > self.limit:
                break
            if not any(_belongs(face, pose) for pose in poses):
                self._add(halves, self._detect(halves, _below(face))[:1], poses)
        return poses[: self.limit + 1]

    def _add(self, halves: Halves, found: Sequence[Detection], poses: list[Pose]) -> None:
        for detection in found[: self.limit + 1]:
            pose = self._read(halves, detection)
            if pose is not None and not any(_same(pose, other) for other in poses):
                poses.append(pose)

    def _read(self, halves: Halves, detection: Detection) -> Pose | None:
        centre, top = detection.keypoints[:2]
        side = 2.5 * float(np.linalg.norm(top - centre))
        square = Square(float(centre[0]), float(centre[1]), side, upright(centre, top))
        raw, presence, flat_world = self._pose(halves.look(square, self._pose.size, replicate=True))
        if presence[0] < PRESENCE:
            return None
        values = raw.reshape(-1, 5)[:POINTS]
        placed = square.place(values[:, :3] / self._pose.size)
        visibility = 1 / (1 + np.exp(-values[:, 3]))
        low, high = placed[:, :2].min(axis=0), placed[:, :2].max(axis=0)
        world = turned(flat_world.reshape(-1, 3)[:POINTS], square.angle)
        rows = np.column_stack([np.round(placed, 2), np.round(visibility, 4)])
        return Pose(
            points=tuple((float(x), float(y), float(z), float(v)) for x, y, z, v in rows),
            world=tuple((float(x), float(y), float(z)) for x, y, z in np.round(world, 4)),
            box=(float(low[0]), float(low[1]), float(high[0]), float(high[1])),
            presence=float(presence[0]),
        )


def _below(face: Face) -> Square:
    """A square that holds the upper body under a face."""
    x0, y0, x1, y1 = face.box
    size = max(x1 - x0, y1 - y0)
    return Square((x0 + x1) / 2, (y0 + y1) / 2 + 1.5 * size, 7 * size)


def _belongs(face: Face, pose: Pose) -> bool:
    x, y = pose.points[NOSE][:2]
    x0, y0, x1, y1 = face.box
    pad = 0.25 * max(x1 - x0, y1 - y0)
    return x0 - pad <= x <= x1 + pad and y0 - pad <= y <= y1 + pad


def _same(first: Pose, second: Pose) -> bool:
    a, b = np.array(first.points)[:, :2], np.array(second.points)[:, :2]
    width = float(np.linalg.norm(b[SHOULDERS[0]] - b[SHOULDERS[1]]))
    apart = np.linalg.norm(a[[NOSE, *SHOULDERS]] - b[[NOSE, *SHOULDERS]], axis=1).mean()
    return float(apart) < 0.5 * max(width, 1.0)
