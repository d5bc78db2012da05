"""Key points of the picture reduced to 400 pixels, and what is mirrored or comes again among them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from imgaudit.kernels import symmetry
from imgaudit.kernels.quality import shrunk
from imgaudit.percepts import MirrorAxis, Mirroring
from imgaudit.types import Box

Image8 = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

SIDE = 400
MOST_POINTS = 400
CONTRAST = 0.02
WINDOW = 21
SHIFTS = (0.0, -3.0, 3.0)
TEXTURE = 9.0
ALIKE = 0.5
UNLIKE = 0.15
SPECK = 9
LEAST_SUPPORT = 8


@dataclass(frozen=True, slots=True)
class Keypoints:
    """Key points of a reduced picture: x, y, angle, size of each, unit descriptors, and the scale back."""

    gray: Image8
    scale: float
    points: Floats
    descriptors: Floats

    @property
    def diagonal(self) -> float:
        """Of the reduced picture."""
        return math.hypot(*self.gray.shape)


def keypoints(gray: Image8) -> Keypoints:
    """The strongest key points (SIFT)."""
    import cv2

    small = shrunk(gray, SIDE)
    scale = max(gray.shape) / max(small.shape)
    found, described = None, None
    if min(small.shape) >= 16:
        found, described = cv2.SIFT.create(MOST_POINTS, contrastThreshold=CONTRAST).detectAndCompute(small, None)
    if described is None or found is None:
        return Keypoints(small, scale, np.zeros((0, 4)), np.zeros((0, 128)))
    points = np.array([(*point.pt, point.angle, point.size) for point in found[:MOST_POINTS]])
    raw = described[:MOST_POINTS].astype(np.float64)
    return Keypoints(small, scale, points, raw / np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), 1e-9))


def mirroring(seen: Keypoints) -> Mirroring:
    """The axis that most key points vote for, and what does not match across it."""
    axis = symmetry.axis(seen.points, seen.descriptors, seen.diagonal)
    if axis is None or axis.support < LEAST_SUPPORT:
        return Mirroring(points=len(seen.points))
    return Mirroring(points=len(seen.points), axis=_judged(seen, axis))


def _judged(seen: Keypoints, axis: symmetry.Axis) -> MirrorAxis:
    height, width = seen.gray.shape
    box = _part(seen, axis)
    agreement, broken, place = _across(seen.gray, axis, box)
    start, end = _ends(axis, box)
    lean = abs((math.degrees(axis.angle) + 90) % 180 - 90)
    scaled = tuple(round(v * seen.scale, 1) for v in (box[0], box[1], min(box[2], width), min(box[3], height)))
    return MirrorAxis(
        start=(round(start[0] * seen.scale, 1), round(start[1] * seen.scale, 1)),
        end=(round(end[0] * seen.scale, 1), round(end[1] * seen.scale, 1)),
        box=(scaled[0], scaled[1], scaled[2], scaled[3]),
        support=axis.support,
        upright=round(lean, 3),
        agreement=round(agreement, 6),
        broken=round(broken, 6),
        broken_box=None if place is None else _times(place, seen.scale),
    )


def _times(box: Box, scale: float) -> Box:
    x0, y0, x1, y1 = (round(v * scale, 1) for v in box)
    return (x0, y0, x1, y1)


def _part(seen: Keypoints, axis: symmetry.Axis) -> tuple[int, int, int, int]:
    """The box of the points that vote for the axis, without the outermost twentieth, and of their mirror images."""
    height, width = seen.gray.shape
    points = seen.points[np.unique(np.concatenate([axis.first, axis.second])), :2]
    both = np.concatenate([points, axis.mirror(points)])
    low, high = np.percentile(both, 5, axis=0) - 6, np.percentile(both, 95, axis=0) + 6
    x0, y0 = max(0, int(low[0])), max(0, int(low[1]))
    return x0, y0, max(x0 + 1, min(width, int(high[0]) + 1)), max(y0 + 1, min(height, int(high[1]) + 1))


def _ends(axis: symmetry.Axis, box: tuple[int, int, int, int]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where the axis enters and leaves about the part."""
    along = np.array([-math.sin(axis.angle), math.cos(axis.angle)])
    middle = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    foot = (middle + axis.mirror(middle[None, :])[0]) / 2
    half = 0.5 * abs(float(along @ np.array([box[2] - box[0], box[3] - box[1]])))
    half = max(half, 0.25 * math.hypot(box[2] - box[0], box[3] - box[1]))
    first, second = foot - half * along, foot + half * along
    return (float(first[0]), float(first[1])), (float(second[0]), float(second[1]))


def _across(gray: Image8, axis: symmetry.Axis, box: tuple[int, int, int, int]) -> tuple[float, float, Box | None]:
    """Share that matches its mirror image, share of the largest place that does not, and that place."""
    import cv2

    still = cv2.GaussianBlur(gray, (0, 0), 1.2).astype(np.float32)
    size = (gray.shape[1], gray.shape[0])
    normal = np.array([math.cos(axis.angle), math.sin(axis.angle)])
    inside = cv2.warpAffine(np.ones_like(still), axis.matrix(), size) > 0.99
    best = np.full(gray.shape, -1.0, np.float32)
    textured = np.zeros(gray.shape, bool)
    for shift in SHIFTS:
        matrix = axis.matrix()
        matrix[:, 2] += shift * normal
        other = cv2.warpAffine(still, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        alike, strong = _local(still, other)
        best = np.maximum(best, alike)
        if shift == 0.0:
            textured = strong
    x0, y0, x1, y1 = box
    part = np.zeros(gray.shape, bool)
    part[y0:y1, x0:x1] = True
    part &= inside & textured
    area = int(part.sum())
    if area < 4 * WINDOW * WINDOW:
        return 0.0, 0.0, None
    wrong = (part & (best < UNLIKE)).astype(np.uint8)
    wrong = cv2.morphologyEx(wrong, cv2.MORPH_OPEN, np.ones((SPECK, SPECK), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(wrong)
    agreement = float((best[part] > ALIKE).mean())
    if len(stats) < 2:
        return agreement, 0.0, None
    x, y, w, h, most = stats[1 + int(np.argmax(stats[1:, 4]))]
    return agreement, float(most) / area, (float(x), float(y), float(x + w), float(y + h))


def _local(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Correlation within a window around each pixel, and where either picture has texture."""
    import cv2

    def mean(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.asarray(cv2.boxFilter(values, -1, (WINDOW, WINDOW)), dtype=np.float32)

    m1, m2 = mean(first), mean(second)
    v1, v2 = mean(first * first) - m1 * m1, mean(second * second) - m2 * m2
    both = mean(first * second) - m1 * m2
    alike = both / np.sqrt(np.maximum(v1, 4.0) * np.maximum(v2, 4.0))
    return alike, np.sqrt(np.maximum(np.maximum(v1, v2), 0)) > TEXTURE
