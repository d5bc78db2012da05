"""Faces cut out of a picture, for models that look at one face at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from imgaudit.percepts import Face, Landmarks
from imgaudit.types import Abstained, Box, Failed, Look

if TYPE_CHECKING:
    import numpy as np


def faces_of(look: Look) -> Sequence[Face] | Abstained | Failed:
    """The faces that a look builds on, the largest first; or why there is none to look at."""
    if look.picture.rgb is None:
        return Abstained("the picture could not be decoded")
    landmarks = look.upstream[0] if look.upstream else Abstained("landmarks were not asked")
    if isinstance(landmarks, (Abstained, Failed)):
        return landmarks
    if not isinstance(landmarks, Landmarks):
        return Failed(f"{look.query.perceiver} builds on landmarks, not on {type(landmarks).__name__}")
    if not landmarks.faces:
        return Abstained("no face was found")
    return sorted(landmarks.faces, key=lambda face: _area(face.box), reverse=True)


def crop_of(rgb: np.ndarray | None, box: Box, room: float) -> np.ndarray:
    """The square around a face, `room` longer sides of its box wide, as far as the picture goes."""
    import numpy as np

    assert rgb is not None
    x, y, half = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, room * max(box[2] - box[0], box[3] - box[1]) / 2
    height, width = rgb.shape[:2]
    x0, y0 = min(max(round(x - half), 0), width - 1), min(max(round(y - half), 0), height - 1)
    x1, y1 = max(round(x + half), x0 + 1), max(round(y + half), y0 + 1)
    return np.ascontiguousarray(rgb[y0:y1, x0:x1])


def shorter_side(box: Box) -> float:
    """Of a face's box, in pixels."""
    return min(box[2] - box[0], box[3] - box[1])


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
