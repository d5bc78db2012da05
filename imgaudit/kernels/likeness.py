"""Faces laid upright for an embedding model, and the nearest face of a gallery.

The five points (eyes, nose, corners of the mouth) and their places in a square of 112 are those that ArcFace's authors
published with their aligned training set; most public face models were trained on faces laid so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Image8 = NDArray[np.uint8]

TEMPLATE: Floats = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
TEMPLATE_SIDE = 112
NOSE, MOUTH = 1, (61, 291)
EYE_CORNERS = ((33, 133), (362, 263))
"""Points of mediapipe's face mesh, the picture's left first."""


def five_points(mesh: Floats) -> Floats:
    """Eyes, nose tip and corners of the mouth of a face mesh (468 or more, 2 or 3), as (5, 2)."""
    eyes = [(mesh[a, :2] + mesh[b, :2]) / 2 for a, b in EYE_CORNERS]
    return np.stack([*eyes, mesh[NOSE, :2], *(mesh[index, :2] for index in MOUTH)])


def similarity(source: Floats, target: Floats) -> Floats:
    """The turn, scale and shift (2, 3) that brings points (n, 2) nearest to others (Umeyama 1991).

    >>> similarity(np.array([[0.0, 0], [1, 0], [0, 1]]), np.array([[1.0, 1], [3, 1], [1, 3]])).round(6).tolist()
    [[2.0, 0.0, 1.0], [0.0, 2.0, 1.0]]
    """
    middle, goal = source.mean(axis=0), target.mean(axis=0)
    first, second = source - middle, target - goal
    u, values, vt = np.linalg.svd(second.T @ first)
    signs = np.array([1.0, np.sign(np.linalg.det(u @ vt))])
    turn = u @ np.diag(signs) @ vt
    scale = float((values * signs).sum()) / max(float((first**2).sum()), 1e-12)
    return np.column_stack([scale * turn, goal - scale * turn @ middle])


def aligned(rgb: Image8, mesh: Floats, side: int) -> Image8:
    """The face upright in a square of `side` pixels, its five points where the template has them."""
    import cv2

    matrix = similarity(five_points(mesh), TEMPLATE * side / TEMPLATE_SIDE)
    return np.asarray(cv2.warpAffine(rgb, matrix, (side, side), flags=cv2.INTER_LINEAR), np.uint8)


def nearest(vector: Floats, gallery: Floats) -> tuple[int, float]:
    """Row of a gallery of unit vectors (n, d) that is nearest to a unit vector, and their cosine."""
    cosines = gallery @ vector
    row = int(np.argmax(cosines))
    return row, float(np.clip(cosines[row], -1, 1))
