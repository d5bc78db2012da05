"""Light on faces and balls: shading over the mesh, highlights on the irises, and how alike the two halves are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from imgaudit.kernels import face_geometry, repetition, shading
from imgaudit.kernels.color import to_linear
from imgaudit.kernels.quality import shrunk
from imgaudit.percepts import Ball, Balls, EyeLight, Face, FaceScene, FaceScenes, Landmarks, Shading

Image8 = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

EYE_DISTANCE = 48.0
SMALLEST_EYES = 16.0
SMALLEST_IRIS = 4.0
IRIS_SIZE = 33
FACING = -0.35
MOUTH = (13, 14, 61, 291)
NOSTRILS = (2, 98, 327)
BRIDGE = (168, 6)
PATCH = (56, 40)
BALL_SIDE = 224
BALL_SIZE = 41
MOST_BALLS = 6
CANDIDATES = 12
BALL_FIT = 0.95
BALL_STRENGTH = 0.2
OUTLINED = 0.8
EDGE_LEVELS = 8.0


def face_scenes(gray: Image8, found: Landmarks) -> FaceScenes:
    """The light on every face that has a mesh."""
    return FaceScenes(faces=tuple(_face(gray, face) for face in found.faces if face.mesh is not None))


@dataclass(frozen=True, slots=True)
class _Upright:
    """A face turned upright: its eyes level and `EYE_DISTANCE` apart, with the mesh in the same frame."""

    gray: Image8
    mesh: Floats


def _face(gray: Image8, face: Face) -> FaceScene:
    mesh = np.array(face.mesh)
    left, right = face_geometry.eye_centres(mesh)
    apart = float(np.hypot(*(right - left)[:2]))
    if apart < SMALLEST_EYES:
        return FaceScene(box=face.box)
    upright, angle = _turned(gray, mesh)
    return FaceScene(
        box=face.box,
        shading=_shaded(upright, angle),
        eyes=_eyes(gray, mesh),
        **_halves(upright),
    )


def _turned(gray: Image8, mesh: Floats) -> tuple[_Upright, float]:
    import cv2

    left, right = face_geometry.eye_centres(mesh)
    along = (right - left)[:2]
    angle, scale = math.atan2(along[1], along[0]), EYE_DISTANCE / float(np.hypot(*along))
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    turn = np.array([[cos, sin], [-sin, cos]])
    size = int(5 * EYE_DISTANCE)
    middle = (left + right)[:2] / 2
    shift = np.array([size / 2, size * 0.4]) - turn @ middle
    source = gray
    if scale < 0.5:
        source = np.asarray(cv2.GaussianBlur(gray, (0, 0), 0.35 / scale), dtype=np.uint8)
    seen = cv2.warpAffine(source, np.hstack([turn, shift[:, None]]), (size, size), borderMode=cv2.BORDER_REPLICATE)
    placed = np.empty_like(mesh)
    placed[:, :2] = mesh[:, :2] @ turn.T + shift
    placed[:, 2] = mesh[:, 2] * scale
    return _Upright(np.asarray(seen, dtype=np.uint8), placed), angle


def _shaded(face: _Upright, angle: float) -> Shading | None:
    """The shading over the skin; turned back into the picture's own directions."""
    import cv2

    mesh = face.mesh[: face_geometry.MESH]
    facing = shading.normals(mesh)
    usable = _skin(mesh) & (facing[:, 2] < FACING) & _within(mesh, face.gray)
    if usable.sum() < 80:
        return None
    soft = cv2.GaussianBlur(face.gray, (0, 0), 2.0)
    at = mesh[usable, :2].astype(np.float32)
    levels = cv2.remap(soft, at[:, 0], at[:, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).ravel()
    fit = shading.fitted(facing[usable], to_linear(levels / 255))
    if fit is None:
        return None
    cos, sin = math.cos(angle), math.sin(angle)
    x, y = fit.x * cos - fit.y * sin, fit.x * sin + fit.y * cos
    return Shading(x=round(x, 6), y=round(y, 6), z=round(fit.z, 6), fit=round(fit.fit, 6))


def _within(mesh: Floats, gray: Image8) -> npt.NDArray[np.bool_]:
    size = len(gray) - 2
    return np.asarray((mesh[:, :2] > 1).all(axis=1) & (mesh[:, :2] < size).all(axis=1))


def _skin(mesh: Floats) -> npt.NDArray[np.bool_]:
    """Points that are neither on an eye or brow nor on the mouth or the nostrils."""
    middle_of_eyes = face_geometry.eye_centres(mesh)
    keep = np.ones(len(mesh), bool)
    for eye in middle_of_eyes:
        away = (mesh[:, :2] - eye[:2]) / EYE_DISTANCE
        keep &= np.hypot(away[:, 0] / 0.42, (away[:, 1] + 0.1) / 0.36) > 1
    mouth = mesh[list(MOUTH), :2]
    wide = max(float(np.hypot(*(mouth[2] - mouth[3]))), 1.0)
    away = (mesh[:, :2] - mouth.mean(axis=0)) / wide
    keep &= np.hypot(away[:, 0] / 0.62, away[:, 1] / 0.42) > 1
    for point in mesh[list(NOSTRILS), :2]:
        keep &= np.hypot(*(mesh[:, :2] - point).T) > 0.12 * EYE_DISTANCE
    return keep


def _eyes(gray: Image8, mesh: Floats) -> tuple[EyeLight, EyeLight] | None:
    if len(mesh) < face_geometry.MESH + 10:
        return None
    left, right = face_geometry.eye_centres(mesh)
    along = (right - left)[:2]
    angle = math.atan2(along[1], along[0])
    first, second = (
        _eye(gray, mesh[start : start + 5, :2], angle) for start in (face_geometry.MESH, face_geometry.MESH + 5)
    )
    return (first, second)


def _eye(gray: Image8, iris: Floats, angle: float) -> EyeLight:
    """An iris turned level and scaled to one size."""
    import cv2

    radius = float(np.hypot(*(iris[1:] - iris[0]).T).mean())
    if radius < SMALLEST_IRIS:
        return EyeLight(radius=round(radius, 3), spot=None)
    step = 2 * radius / IRIS_SIZE
    cos, sin = step * math.cos(angle), step * math.sin(angle)
    matrix = np.array([[cos, -sin], [sin, cos]])
    corner = iris[0] - matrix @ np.full(2, (IRIS_SIZE - 1) / 2)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    affine = np.hstack([matrix, corner[:, None]])
    size = (IRIS_SIZE, IRIS_SIZE)
    levels = cv2.warpAffine(gray, affine, size, flags=flags, borderMode=cv2.BORDER_REPLICATE).astype(np.float64)
    spot = shading.highlight(levels)
    placed = None if spot is None else (round(spot.x, 4), round(spot.y, 4), round(spot.share, 6))
    return EyeLight(radius=round(radius, 3), spot=placed)


def _halves(face: _Upright) -> dict[str, float]:
    """How alike the surroundings of the two eyes are, and whether something crosses the bridge of the nose."""
    import cv2

    soft = cv2.GaussianBlur(face.gray, (0, 0), 1.0).astype(np.float64)
    left, right = face_geometry.eye_centres(face.mesh)
    first, second = _patch(soft, left), _patch(soft, right)[:, ::-1]
    across, down = cv2.Sobel(soft, cv2.CV_64F, 1, 0), cv2.Sobel(soft, cv2.CV_64F, 0, 1)
    edges = np.hypot(across, down)
    inner, outer = np.mgrid[: PATCH[1], : PATCH[0]]
    around = np.hypot((outer - PATCH[0] / 2) / (0.30 * PATCH[0]), (inner - PATCH[1] / 2) / (0.24 * PATCH[1])) > 1
    rims = repetition.correlation(_patch(edges, left)[around], _patch(edges, right)[:, ::-1][around])
    middle = face.mesh[list(BRIDGE), :2].mean(axis=0)
    x, y = int(middle[0]), int(middle[1])
    near = np.abs(down[max(0, y - 10) : y + 10, max(0, x - 4) : x + 5])
    usual = float(np.median(edges[max(0, y - 10) : y + 60, max(0, x - 40) : x + 41])) + 4.0
    plain = float(near.mean(axis=1).max()) / usual if near.size else 0.0
    return {
        "likeness": round(repetition.correlation(first, second), 6),
        "rims": round(rims, 6),
        "bridge": round(plain / (1 + plain), 6),
    }


def _patch(values: Floats, centre: Floats) -> Floats:
    """The surroundings of a point, 56 by 40 pixels."""
    import cv2

    at = (float(centre[0]), float(centre[1]))
    seen: Floats = cv2.getRectSubPix(values.astype(np.float32), PATCH, at).astype(np.float64)
    return seen


# --- balls ---------------------------------------------------------------------------------------


def balls(gray: Image8) -> Balls:
    """Round things that are shaded as a matt ball, at most six."""
    import cv2

    small = shrunk(gray, BALL_SIDE)
    if min(small.shape) < 32:
        return Balls()
    soft = cv2.GaussianBlur(small, (0, 0), 1.2)
    found = cv2.HoughCircles(
        soft, cv2.HOUGH_GRADIENT_ALT, 1.5, 12, param1=120, param2=0.8, minRadius=9, maxRadius=min(small.shape) // 2
    )
    if found is None:
        return Balls()
    scale = max(gray.shape) / max(small.shape)
    kept = [ball for x, y, radius, *_ in found[0][:CANDIDATES] if (ball := _ball(soft, x, y, radius, scale))]
    return Balls(balls=tuple(kept[:MOST_BALLS]))


def _ball(soft: Image8, x: float, y: float, radius: float, scale: float) -> Ball | None:
    import cv2

    height, width = soft.shape
    if not (radius * 0.9 <= x <= width - radius * 0.9 and radius * 0.9 <= y <= height - radius * 0.9):
        return None
    step = 2 * radius / BALL_SIZE
    at = ((np.arange(BALL_SIZE) + 0.5) * step - radius).astype(np.float32)
    map_x, map_y = np.meshgrid(at + np.float32(x), at + np.float32(y))
    levels = cv2.remap(soft, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float64)
    if _outlined(soft, x, y, radius) < OUTLINED:
        return None
    inside, facing = shading.sphere_normals(BALL_SIZE)
    fit = shading.fitted(facing, to_linear(levels[inside] / 255))
    if fit is None or fit.fit < BALL_FIT or fit.strength < BALL_STRENGTH:
        return None
    shade = Shading(x=round(fit.x, 6), y=round(fit.y, 6), z=round(fit.z, 6), fit=round(fit.fit, 6))
    across, down, size = (round(float(v) * scale, 1) for v in (x, y, radius))
    return Ball(x=across, y=down, radius=size, shading=shade)


def _outlined(soft: Image8, x: float, y: float, radius: float) -> float:
    """Share of the directions in which the brightness steps at the circle."""
    import cv2

    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    rings = [
        cv2.remap(
            soft,
            (x + factor * radius * np.cos(angle)).astype(np.float32)[None],
            (y + factor * radius * np.sin(angle)).astype(np.float32)[None],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ).astype(np.float64)[0]
        for factor in (0.88, 1.12)
    ]
    return float((np.abs(rings[1] - rings[0]) > EDGE_LEVELS).mean())
