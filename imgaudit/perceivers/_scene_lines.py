"""Straight lines: the line segment detector of OpenCV on the picture reduced to 640 pixels, pieces joined."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from imgaudit.kernels import vanishing
from imgaudit.kernels.quality import shrunk
from imgaudit.percepts import Segments

Image8 = npt.NDArray[np.uint8]

SIDE = 640
MOST_PIECES = 400
MOST_LINES = 250
SHORTEST_PIECE = 0.02
SHORTEST_LINE = 0.05
SHORTEST_PIXELS = 16.0
OFF_LINE = 1.5
GAP = 0.02
NEAR = 6.0


def lines(gray: Image8) -> Segments:
    """The long straight lines of a grey picture."""
    import cv2

    height, width = gray.shape
    small = shrunk(gray, SIDE)
    scale = max(height, width) / max(small.shape)
    diagonal = math.hypot(*small.shape)
    found = None
    if min(small.shape) >= 8:
        found = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD).detect(small)[0]
    pieces = np.zeros((0, 4)) if found is None else found.reshape(-1, 4).astype(np.float64)
    pieces = _longest(pieces, SHORTEST_PIECE * diagonal, MOST_PIECES)
    shortest = max(SHORTEST_LINE * diagonal, SHORTEST_PIXELS)
    joined = _longest(vanishing.merged(pieces, OFF_LINE, GAP * diagonal), shortest, MOST_LINES)
    return Segments(
        width=width,
        height=height,
        scale=round(scale, 6),
        segments=tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in np.round(joined * scale, 2)),
        pieces=len(pieces),
        curved=round(vanishing.curved_share(pieces, NEAR), 6),
    )


def _longest(segments: npt.NDArray[np.float64], shortest: float, most: int) -> npt.NDArray[np.float64]:
    length = vanishing.lengths(segments)
    order = np.argsort(-length, kind="stable")
    return segments[order[length[order] > shortest][:most]]
