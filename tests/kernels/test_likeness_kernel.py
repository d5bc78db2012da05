"""Faces laid upright, and the nearest face of a gallery."""

from __future__ import annotations

import numpy as np
import pytest

from imgaudit.kernels.likeness import TEMPLATE, aligned, five_points, nearest, similarity


def moved(points: np.ndarray, turn: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    cos, sin = np.cos(turn), np.sin(turn)
    return scale * points @ np.array([[cos, -sin], [sin, cos]]).T + np.array(shift)


@pytest.mark.parametrize(("turn", "scale"), [(0.0, 1.0), (0.7, 2.5), (-2.0, 0.3), (3.1, 1.0)])
def test_a_similarity_is_found_again(turn: float, scale: float) -> None:
    source = moved(TEMPLATE, turn, scale, (40.0, -7.0))

    matrix = similarity(source, TEMPLATE)

    assert source @ matrix[:, :2].T + matrix[:, 2] == pytest.approx(TEMPLATE, abs=1e-9)


def test_a_similarity_never_mirrors() -> None:
    mirrored = TEMPLATE * np.array([-1.0, 1.0])

    matrix = similarity(mirrored, TEMPLATE)

    assert np.linalg.det(matrix[:, :2]) > 0


def test_it_agrees_with_opencv() -> None:
    import cv2

    noise = np.random.default_rng(3).normal(0, 1.5, TEMPLATE.shape)
    source = moved(TEMPLATE, 0.3, 1.7, (100.0, 60.0)) + noise

    theirs, _ = cv2.estimateAffinePartial2D(source, TEMPLATE, method=cv2.LMEDS)
    ours = similarity(source, TEMPLATE)

    # theirs leaves outliers out; ours is the least-squares fit, so no worse over all points
    def error(matrix: np.ndarray) -> float:
        return float(np.square(source @ matrix[:, :2].T + matrix[:, 2] - TEMPLATE).sum())

    assert error(ours) <= error(theirs) + 1e-9


def drawn(points: np.ndarray, side: int = 300) -> np.ndarray:
    """Five dots of different levels."""
    import cv2

    picture = np.zeros((side, side, 3), np.uint8)
    for level, (x, y) in zip((90, 130, 170, 210, 250), points, strict=True):
        cv2.circle(picture, (round(x), round(y)), 5, (level, level, level), -1)
    return picture


def mesh_of(points: np.ndarray) -> np.ndarray:
    mesh = np.zeros((478, 3))
    for index, corners in enumerate(((33, 133), (362, 263))):
        mesh[corners[0], :2], mesh[corners[1], :2] = points[index] - (8, 0), points[index] + (8, 0)
    mesh[1, :2], mesh[61, :2], mesh[291, :2] = points[2:]
    return mesh


def test_an_aligned_face_has_its_points_where_the_template_has_them() -> None:
    points = moved(TEMPLATE, 0.5, 1.5, (110.0, 60.0))
    mesh = mesh_of(points)

    assert five_points(mesh) == pytest.approx(points)
    face = aligned(drawn(points), mesh, 224)
    assert face.shape == (224, 224, 3)
    assert [int(face[round(y), round(x), 0]) for x, y in TEMPLATE * 2] == pytest.approx([90, 130, 170, 210, 250], abs=3)


def test_the_nearest_of_a_gallery_has_the_largest_cosine() -> None:
    gallery = np.random.default_rng(4).normal(size=(20, 8))
    gallery /= np.linalg.norm(gallery, axis=1, keepdims=True)
    vector = gallery[7] + 0.1
    vector /= np.linalg.norm(vector)

    row, cosine = nearest(vector, gallery)

    assert row == 7
    assert cosine == pytest.approx(float(gallery[7] @ vector))
