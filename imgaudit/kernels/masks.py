"""Masks of places in a picture: from outlines, grown, feathered inward, as run lengths, and the window around them.

A mask is a boolean array (height, width), true where a picture may change. Outlines are hostile: corners far outside
the picture, or none inside it, give an empty mask and never an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Alpha = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Point = tuple[float, float]


def outlined(polygons: Sequence[Sequence[Point]], height: int, width: int) -> Mask:
    """The pixels inside at least one of the polygons, their edges included; corners are x, y.

    A corner (x, y) is the upper left corner of the pixel that it rounds down to, so a box from 2 to 5 holds the pixels
    2, 3 and 4.
    """
    drawn = np.zeros((height, width), np.uint8)
    for polygon in polygons:
        if _is_box(polygon):
            _fill_box(drawn, polygon)
        elif len(polygon) >= 3 and _has_area(polygon):
            limits = np.array([width, height], np.float64)
            # sixteenths of a pixel; what lies far outside is pulled near, so that no integer overflows
            corners = np.clip(np.array(polygon, np.float64), -4 * limits, 5 * limits) - 0.5
            cv2.fillPoly(drawn, [np.round(corners * 16).astype(np.int32)], 1, lineType=cv2.LINE_8, shift=4)
    return drawn.astype(bool)


def _has_area(polygon: Sequence[Point]) -> bool:
    return len({x for x, _ in polygon}) > 1 and len({y for _, y in polygon}) > 1


def _is_box(polygon: Sequence[Point]) -> bool:
    return len(polygon) == 4 and len({x for x, _ in polygon}) == 2 and len({y for _, y in polygon}) == 2


def _fill_box(drawn: Pixels, polygon: Sequence[Point]) -> None:
    height, width = drawn.shape
    xs, ys = [x for x, _ in polygon], [y for _, y in polygon]
    x0, x1 = (int(np.clip(value, 0, width)) for value in (np.floor(min(xs)), np.ceil(max(xs))))
    y0, y1 = (int(np.clip(value, 0, height)) for value in (np.floor(min(ys)), np.ceil(max(ys))))
    drawn[y0:y1, x0:x1] = 1


def box_outline(box: tuple[float, float, float, float]) -> tuple[Point, ...]:
    """The four corners of a box x0, y0, x1, y1."""
    x0, y0, x1, y1 = box
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def bounds(mask: Mask) -> tuple[int, int, int, int] | None:
    """The smallest box x0, y0, x1, y1 around the true pixels; x1 and y1 are one past the last. None for an empty mask.

    >>> bounds(np.array([[False, True], [False, True]]))
    (1, 0, 2, 2)
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def grown(mask: Mask, pixels: int) -> Mask:
    """The mask and everything that is at most so many pixels away from it, as the crow flies."""
    if pixels <= 0 or not mask.any():
        return mask.copy()
    away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(away <= pixels + 1e-3)


def feathered(mask: Mask, pixels: int) -> Alpha:
    """How much of what is new counts, 0..1: 0 outside the mask, rising inside it, 1 further than `pixels` off its edge.

    The ramp lies wholly inside the mask, so that nothing outside it changes, and a mask that was grown by as many
    pixels counts wholly where it was before. Where the mask runs out of the picture there is no edge.
    """
    if mask.all():
        return np.ones(mask.shape, np.float32)
    inside = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(np.where(inside > pixels, 1, inside / (pixels + 1)), np.float32)


def blended(old: Pixels, new: Pixels, alpha: Alpha) -> Pixels:
    """`new` over `old`, both (height, width, channels); where alpha is 0 the old pixels stay, to the bit."""
    share = alpha[..., None]
    mixed = np.round(old * (1 - share) + new * share).astype(np.uint8)
    return np.where(share > 0, mixed, old)


def overlap(one: Mask, other: Mask) -> float:
    """Intersection over union of two masks of one shape, 0..1; 0 for two empty ones.

    >>> overlap(np.array([[True, True]]), np.array([[True, False]]))
    0.5
    """
    union = int((one | other).sum())
    return int((one & other).sum()) / union if union else 0.0


# --- windows -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a picture, x0, y0, x1, y1 in its pixels, and the size at which a model works on it."""

    x0: int
    y0: int
    x1: int
    y1: int
    width: int
    height: int

    @property
    def scaled(self) -> bool:
        """Whether the part is enlarged or reduced for the model."""
        return (self.x1 - self.x0, self.y1 - self.y0) != (self.width, self.height)


def whole(height: int, width: int, side: int, step: int) -> Window:
    """The whole picture, at a size whose longer side is at most `side`; both are multiples of `step`."""
    scale = min(1.0, side / max(height, width))
    return Window(0, 0, width, height, _stepped(width * scale, step), _stepped(height * scale, step))


def around(box: tuple[int, int, int, int], shape: tuple[int, int], side: int, step: int) -> Window:
    """A square around a box, with as much again beside it, but no less than half a model's side of true pixels.

    Args:
        box: x0, y0, x1, y1, not empty.
        shape: height and width of the picture.
        side: what the model draws, in pixels.
        step: what both sides must be multiples of.

    So a small place of a large picture is worked on enlarged, twice at most, and a large one reduced. The square is
    moved into the picture, and cut where the picture is smaller.
    """
    height, width = shape
    wanted = max(2 * (box[2] - box[0]), 2 * (box[3] - box[1]), side // 2)
    x0, x1 = _placed((box[0] + box[2]) / 2, wanted, width)
    y0, y1 = _placed((box[1] + box[3]) / 2, wanted, height)
    scale = side / max(x1 - x0, y1 - y0)
    return Window(x0, y0, x1, y1, _stepped((x1 - x0) * scale, step), _stepped((y1 - y0) * scale, step))


def _placed(middle: float, length: int, limit: int) -> tuple[int, int]:
    if length >= limit:
        return 0, limit
    start = min(max(round(middle - length / 2), 0), limit - length)
    return start, start + length


def _stepped(length: float, step: int) -> int:
    return max(step, round(length / step) * step)


# --- run lengths ---------------------------------------------------------------------------------


def counts(mask: Mask) -> str:
    """COCO's uncompressed counts as text: lengths of runs of 0 and 1 in turn, starting with 0, down the columns.

    >>> counts(np.array([[True, False], [True, False]]))
    '0 2 2'
    """
    flat = mask.T.ravel()
    if not flat.size:
        return ""
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    lengths = np.diff(np.concatenate([[0], changes, [flat.size]]))
    runs = [0, *lengths.tolist()] if flat[0] else lengths.tolist()
    return " ".join(map(str, runs))


def from_counts(text: str, height: int, width: int) -> Mask:
    """The mask that `counts` wrote. Raises ValueError where the runs do not fill the picture."""
    runs = [int(piece) for piece in text.split()]
    if sum(runs) != height * width or any(run < 0 for run in runs):
        raise ValueError(f"the runs hold {sum(runs)} pixels, the picture {height * width}")
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return np.ascontiguousarray(flat.reshape(width, height).T)
