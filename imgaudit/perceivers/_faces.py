"""Faces: two detectors over the picture and its windows, a mesh for each face, and a second opinion on the mesh."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from imgaudit.kernels import face_geometry
from imgaudit.perceivers._mediapipe import FACE_FAR, FACE_MESH, FACE_NEAR, IRIS, Detector, Network
from imgaudit.perceivers._views import Detection, Floats, Halves, Square, blended, overlap, upright, whole, windows
from imgaudit.percepts import Face, FaceViews

WINDOW_SHARE = 0.6
SAME_FACE = 0.3
MESH_PRESENCE = 0.5
IRIS_PIXELS = 24.0


@dataclass(frozen=True, slots=True)
class _Mesh:
    points: Floats
    square: Square
    presence: float


class FaceFinder:
    """Finds faces down to a fifteenth of the picture's side; `limit` of them are kept."""

    limit: ClassVar[int] = 16

    def __init__(self) -> None:
        self._near = Detector(FACE_NEAR, 0.5)
        self._far = Detector(FACE_FAR, 0.5)
        self._mesh = Network(FACE_MESH)
        self._iris = Network(IRIS)

    def find(self, halves: Halves) -> list[Face]:
        """Faces, best first; one more than `limit` says that there are more."""
        everything = whole(halves.width, halves.height)
        found = [*self._near(halves, everything), *self._far(halves, everything)]
        for window in windows(halves.width, halves.height, WINDOW_SHARE):
            found.extend(d for d in self._far(halves, window) if _inside(d, window))
        distinct = blended(sorted(found, key=lambda d: -d.score), SAME_FACE)
        return [self._face(halves, d) for d in distinct[: self.limit + 1]]

    def _face(self, halves: Halves, detection: Detection) -> Face:
        mesh = self._meshed(halves, _mesh_square(detection))
        box = _box(detection.box)
        if mesh.presence < MESH_PRESENCE or not _agree(mesh.points, detection.box):
            return Face(box=box, score=detection.score, mesh=None, presence=mesh.presence)
        points = np.concatenate([mesh.points, *self._irises(halves, mesh.points)])
        return Face(
            box=box,
            score=detection.score,
            mesh=tuple((float(x), float(y), float(z)) for x, y, z in np.round(points, 2)),
            presence=mesh.presence,
            views=self._views(halves, mesh),
        )

    def _meshed(self, halves: Halves, square: Square, mirrored: bool = False) -> _Mesh:
        size = self._mesh.size
        look = halves.look(square, size, replicate=True)
        raw, logit = self._mesh(look[:, ::-1] if mirrored else look)
        points = raw.reshape(-1, 3) / size
        if mirrored:
            points[:, 0] = 1 - points[:, 0]
            points = points[face_geometry.mirrored_order()]
        presence = 1 / (1 + math.exp(-min(max(float(logit[0]), -60.0), 60.0)))
        return _Mesh(square.place(points), square, presence)

    def _views(self, halves: Halves, mesh: _Mesh) -> FaceViews:
        square = mesh.square
        looks = [square.scaled(0.85), square.scaled(1.2), square.turned(0.2), square.turned(-0.2)]
        views = np.stack([mesh.points, *(self._meshed(halves, look).points for look in looks)])[:, :, :2]
        mirror = self._meshed(halves, square, mirrored=True).points[:, :2]
        unit = max(face_geometry.interocular(mesh.points), 1e-6)
        jitter = np.linalg.norm(views - views.mean(axis=0), axis=2).mean() / unit
        residual = np.linalg.norm(mesh.points[:, :2] - mirror, axis=1).mean() / unit
        return FaceViews(jitter=float(jitter), mirror=float(residual))

    def _irises(self, halves: Halves, mesh: Floats) -> list[Floats]:
        """Centre and four rim points of each iris; nothing when an eye is too small to read."""
        corners = [mesh[list(pair), :2] for pair in face_geometry.EYE_CORNERS]
        if min(float(np.linalg.norm(a - b)) for a, b in corners) < IRIS_PIXELS:
            return []
        return [self._iris_points(halves, a, b, index == 1) for index, (a, b) in enumerate(corners)]

    def _iris_points(self, halves: Halves, left: Floats, right: Floats, mirrored: bool) -> Floats:
        centre = (left + right) / 2
        angle = math.atan2(right[1] - left[1], right[0] - left[0])
        square = Square(float(centre[0]), float(centre[1]), 2.3 * float(np.linalg.norm(right - left)), angle)
        size = self._iris.size
        look = halves.look(square, size, replicate=True)
        points = self._iris(look[:, ::-1] if mirrored else look)[0].reshape(-1, 3) / size
        if mirrored:
            points[:, 0] = 1 - points[:, 0]
        return square.place(points)


def _mesh_square(detection: Detection) -> Square:
    box, (right_eye, left_eye) = detection.box, detection.keypoints[:2]
    centre, side = (box[:2] + box[2:]) / 2, float(max(box[2:] - box[:2]))
    return Square(float(centre[0]), float(centre[1]), 1.5 * side, upright(right_eye, left_eye) - math.pi / 2)


def _agree(mesh: Floats, box: Floats) -> bool:
    """Whether the mesh lies on the face that was detected, and not on a neighbour."""
    fitted = np.concatenate([mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)])
    return overlap(fitted, box) > 0.2


def _inside(detection: Detection, window: Square) -> bool:
    """Whether it is small and whole in the window; large ones are seen better in the whole picture."""
    half = window.side / 2
    low = np.array([window.x - half, window.y - half])
    return bool(np.all(detection.box[:2] > low) and np.all(detection.box[2:] < low + window.side))


def _box(box: Floats) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (float(v) for v in np.round(box, 2))
    return x0, y0, x1, y1
