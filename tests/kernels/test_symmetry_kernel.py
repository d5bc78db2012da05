"""Mirror axes, against pictures that were mirrored on a known line."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from imgaudit.kernels import symmetry


def texture(height: int, width: int, seed: int = 1) -> np.ndarray:
    """Blots of many sizes."""
    rng = np.random.default_rng(seed)
    layers = [cv2.GaussianBlur(rng.normal(0, 1, (height, width)), (0, 0), s) * s for s in (2, 4, 8)]
    total = sum(layers)
    return np.clip(128 + 45 * total / total.std(), 0, 255).astype(np.uint8)


def points_of(gray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found, raw = cv2.SIFT_create(300).detectAndCompute(gray, None)
    points = np.array([(*p.pt, p.angle, p.size) for p in found])
    return points, raw / np.linalg.norm(raw, axis=1, keepdims=True)


def test_mirrored_descriptors_are_those_of_the_mirrored_picture():
    gray = texture(200, 240)
    points, here = points_of(gray)
    flipped, there = points_of(np.ascontiguousarray(gray[:, ::-1]))
    found = 0
    for point, descriptor in zip(points, symmetry.mirrored_descriptors(here), strict=True):
        near = np.hypot(flipped[:, 0] - (239 - point[0]), flipped[:, 1] - point[1]) < 1.0
        turned = np.abs((flipped[:, 2] - (180 - point[2]) + 180) % 360 - 180) < 8
        if (near & turned).any():
            found += bool((there[near & turned] @ descriptor).max() > 0.9)
    assert found > 0.5 * len(points)


@pytest.mark.parametrize("column", [120, 150])
def test_the_axis_of_a_mirrored_picture_is_found_where_it_is(column: int):
    half = texture(240, column)
    gray = np.concatenate([half, half[:, ::-1]], axis=1)[:, :300]
    points, descriptors = points_of(np.ascontiguousarray(gray))
    axis = symmetry.axis(points, descriptors, math.hypot(*gray.shape))

    assert axis is not None
    assert axis.support > 20
    assert math.degrees(axis.angle) % 180 == pytest.approx(0, abs=2) or math.degrees(axis.angle) % 180 > 178
    assert abs(axis.offset) == pytest.approx(column - 0.5, abs=2)


def test_a_picture_without_symmetry_has_next_to_no_votes():
    points, descriptors = points_of(texture(240, 300, seed=9))
    axis = symmetry.axis(points, descriptors, 384.0)
    assert axis is None or axis.support < 16


def test_mirroring_by_points_and_by_matrix_is_the_same_and_twice_is_nothing():
    axis = symmetry.Axis(0.4, 33.0, np.array([0]), np.array([1]))
    points = np.array([[3.0, 4.0], [100.0, -7.0]])
    by_matrix = points @ axis.matrix()[:, :2].T + axis.matrix()[:, 2]

    assert axis.mirror(points) == pytest.approx(by_matrix)
    assert axis.mirror(axis.mirror(points)) == pytest.approx(points)
    on_axis = np.array([[33 * math.cos(0.4), 33 * math.sin(0.4)]])
    assert axis.mirror(on_axis) == pytest.approx(on_axis)


def test_fewer_than_four_points_have_no_axis():
    assert symmetry.axis(np.zeros((3, 4)), np.zeros((3, 128)), 100.0) is None


def test_the_opening_of_an_eye_is_its_area_over_its_squared_width():
    ring = np.array([[0, 0], [2, -1], [4, 0], [2, 1]], float)
    assert symmetry.eye_opening(ring) == pytest.approx(4 / (16 + 4))


def test_gaze_is_measured_along_and_across_the_corners_of_a_tilted_eye():
    turn = np.array([[math.cos(0.3), -math.sin(0.3)], [math.sin(0.3), math.cos(0.3)]])
    left, right, iris = (turn @ np.array(p, float) for p in ((0, 0), (10, 0), (7, 1)))
    assert symmetry.gaze(iris, left, right) == pytest.approx((0.2, 0.1))
