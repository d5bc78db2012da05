"""Square looks into a picture, and what detectors say about them: the arithmetic that needs no model.

A look is a square anywhere over the picture, at any angle; a network sees it at its own size and what it says is
carried back into the picture. Reductions by more than two go through area-averaged halves of the picture, so that
a small hand in a large picture is seen without aliasing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Image8 = npt.NDArray[np.uint8]

WARP_LIMIT = 16_000
"""OpenCV cannot warp from pictures with a side of 32,767 pixels or more."""


@dataclass(frozen=True, slots=True)
class Square:
    """A square over the picture: centre and side in pixels, and its clockwise turn in radians."""

    x: float
    y: float
    side: float
    angle: float = 0.0

    def scaled(self, factor: float) -> Square:
        """The same centre and turn, another side."""
        return Square(self.x, self.y, self.side * factor, self.angle)

    def turned(self, angle: float) -> Square:
        """Turned further by `angle` radians."""
        return Square(self.x, self.y, self.side, self.angle + angle)

    def moved(self, right: float, down: float) -> Square:
        """Moved by shares of its side, along its own axes."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        step = self.side
        return Square(
            self.x + step * (right * cos - down * sin), self.y + step * (right * sin + down * cos), step, self.angle
        )

    def place(self, points: Floats) -> Floats:
        """Points on the unit square (0..1 across and down; any depth in units of the side) -> picture pixels."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        placed = points.astype(np.float64) * self.side
        across, down = placed[:, 0] - self.side / 2, placed[:, 1] - self.side / 2
        placed[:, 0] = self.x + across * cos - down * sin
        placed[:, 1] = self.y + across * sin + down * cos
        return placed


@dataclass(frozen=True, slots=True)
class Detection:
    """What a detector found: a box (x0, y0, x1, y1) and key points in picture pixels, and its score 0..1."""

    box: Floats
    keypoints: Floats
    score: float


class Halves:
    """A picture and, made when first wanted, its halves."""

    def __init__(self, rgb: Image8) -> None:
        self._levels = [rgb]
        while max(self._levels[0].shape[:2]) > WARP_LIMIT:
            self._levels[0] = _halved(self._levels[0])
        self.height, self.width = rgb.shape[:2]

    def look(self, square: Square, size: int, replicate: bool) -> Image8:
        """What a network of `size` x `size` pixels sees; beyond the picture it sees its edge, or black."""
        import cv2

        level = self._level(square.side / size)
        rows, columns = level.shape[:2]
        scale = np.array([columns / self.width, rows / self.height])
        step = square.side / size
        turn = np.array(
            [
                [math.cos(square.angle), -math.sin(square.angle)],
                [math.sin(square.angle), math.cos(square.angle)],
            ]
        )
        matrix = step * turn * scale[:, None]
        corner = np.array([square.x, square.y]) * scale - matrix @ np.full(2, (size - 1) / 2) - 0.5
        border = cv2.BORDER_REPLICATE if replicate else cv2.BORDER_CONSTANT
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        affine = np.hstack([matrix, corner[:, None]])
        seen: Image8 = cv2.warpAffine(level, affine, (size, size), flags=flags, borderMode=border)
        return seen

    def _level(self, reduction: float) -> Image8:
        index = 0
        while self._levels[index].shape[1] / self.width * reduction > 2 and min(self._levels[index].shape[:2]) > 1:
            index += 1
            if index == len(self._levels):
                self._levels.append(_halved(self._levels[-1]))
        return self._levels[index]


def _halved(rgb: Image8) -> Image8:
    import cv2

    size = max(rgb.shape[1] // 2, 1), max(rgb.shape[0] // 2, 1)
    halved: Image8 = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return halved


def whole(width: int, height: int) -> Square:
    """The smallest square that holds the whole picture."""
    return Square(width / 2, height / 2, max(width, height))


def windows(width: int, height: int, share: float) -> list[Square]:
    """Overlapping squares with `share` of the picture's long side that cover it, row by row."""
    side = share * max(width, height)
    return [Square(x, y, side) for y in _centres(height, side) for x in _centres(width, side)]


def _centres(length: int, side: float) -> list[float]:
    if length <= side:
        return [length / 2]
    count = math.ceil((length - side) / (side * 0.75)) + 1
    return [float(c) for c in np.linspace(side / 2, length - side / 2, count)]


def anchor_centres(size: int, strides: Sequence[int], per_cell: int) -> Floats:
    """Anchor centres of a single-shot detector on the unit square, in the order of its output.

    Layers of equal stride that follow one another share a grid, with `per_cell` anchors for each of them
    (the convention of mediapipe's SsdAnchorsCalculator with `fixed_anchor_size`).
    """
    centres = []
    index = 0
    while index < len(strides):
        same = 1
        while index + same < len(strides) and strides[index + same] == strides[index]:
            same += 1
        cells = math.ceil(size / strides[index])
        steps = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
        centres.append(np.repeat(grid, same * per_cell, axis=0))
        index += same
    return np.concatenate(centres)


def decoded(raw: Floats, logits: Floats, anchors: Floats, size: int, threshold: float) -> list[Detection]:
    """Detections on the unit square, best first, before suppression.

    `raw` holds (x, y, width, height, then x, y of each key point) in pixels of the detector, relative to the anchor.
    """
    scores = 1 / (1 + np.exp(-np.clip(logits, -100, 100)))
    kept = np.flatnonzero(scores >= threshold)
    found = []
    for index in kept[np.argsort(-scores[kept], kind="stable")]:
        values = raw[index].reshape(-1, 2) / size
        centre, extent = values[0] + anchors[index], values[1]
        box = np.concatenate([centre - extent / 2, centre + extent / 2])
        found.append(Detection(box, values[2:] + anchors[index], float(scores[index])))
    return found


def overlap(first: Floats, second: Floats) -> float:
    """Intersection over union of two boxes."""
    low, high = np.maximum(first[:2], second[:2]), np.minimum(first[2:], second[2:])
    shared = float(np.prod(np.clip(high - low, 0, None)))
    joined = float(np.prod(first[2:] - first[:2]) + np.prod(second[2:] - second[:2])) - shared
    return shared / joined if joined > 0 else 0.0


def blended(found: Sequence[Detection], threshold: float) -> list[Detection]:
    """Weighted non-maximum suppression: overlapping detections become one, their mean weighted by score."""
    rest = list(found)
    kept = []
    while rest:
        best = rest[0]
        near = [d for d in rest if overlap(best.box, d.box) > threshold] or [best]
        rest = [d for d in rest[1:] if not any(d is n for n in near)]
        weights = np.array([d.score for d in near])
        box = np.average([d.box for d in near], axis=0, weights=weights)
        keypoints = np.average([d.keypoints for d in near], axis=0, weights=weights)
        kept.append(Detection(box, keypoints, best.score))
    return kept


def placed(detection: Detection, square: Square) -> Detection:
    """A detection on the unit square of an upright look, in picture pixels."""
    corners = square.place(detection.box.reshape(2, 2))
    return Detection(corners.reshape(4), square.place(detection.keypoints), detection.score)


def upright(start: Floats, end: Floats) -> float:
    """The turn of a square in which the way from `start` to `end` points up, in radians."""
    dx, dy = float(end[0] - start[0]), float(end[1] - start[1])
    return math.atan2(dx, -dy)


def turned(points: Floats, angle: float) -> Floats:
    """Points in space turned by `angle` radians about the line of sight, clockwise in the picture."""
    cos, sin = math.cos(angle), math.sin(angle)
    result = points.copy()
    result[:, 0] = points[:, 0] * cos - points[:, 1] * sin
    result[:, 1] = points[:, 0] * sin + points[:, 1] * cos
    return result
