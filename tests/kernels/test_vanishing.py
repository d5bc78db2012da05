"""Lines and the points they run to, against points and cameras that are known beforehand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from imgaudit.kernels import vanishing


def toward(point: tuple[float, float], count: int, rng: np.random.Generator) -> np.ndarray:
    """Segments of 60 pixels anywhere in a picture of 800 by 600 about its centre, that run to a point."""
    middle = rng.uniform((-400, -300), (400, 300), (count, 2))
    way = np.array(point) - middle
    half = 30 * way / np.linalg.norm(way, axis=1, keepdims=True)
    return np.hstack([middle - half, middle + half])


def slanted(angle: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Parallel segments at an angle in degrees."""
    middle = rng.uniform((-400, -300), (400, 300), (count, 2))
    half = 30 * np.array([math.cos(math.radians(angle)), math.sin(math.radians(angle))])
    return np.hstack([middle - half, middle + half])


@pytest.mark.parametrize("point", [(900.0, -50.0), (-2500.0, 40.0), (120.0, 80.0)])
def test_the_point_that_lines_run_to_is_found_among_lines_that_run_nowhere(point: tuple[float, float]):
    rng = np.random.default_rng(3)
    stray = np.concatenate([slanted(a, 1, rng) for a in rng.uniform(0, 180, 12)])
    lines = np.concatenate([toward(point, 15, rng) + rng.normal(0, 0.2, (15, 4)), stray])

    found = vanishing.bundles(lines)[0]

    assert set(range(15)) <= set(found.members.tolist())
    x, y = found.point[:2] / found.point[2]
    assert math.degrees(math.atan2(y, x) - math.atan2(point[1], point[0])) == pytest.approx(0, abs=1.5)
    assert math.hypot(x, y) == pytest.approx(math.hypot(*point), rel=0.15)


def test_parallel_lines_run_to_a_point_that_is_very_far_away():
    rng = np.random.default_rng(4)
    found = vanishing.bundles(slanted(90, 12, rng))[0]

    assert len(found.members) == 12
    assert not found.finite(10_000)
    assert vanishing.is_upright(found, 1000)


def test_the_same_lines_give_the_same_bundles_in_every_call():
    rng = np.random.default_rng(5)
    lines = np.concatenate([toward((700, 0), 90, rng), slanted(90, 90, rng)])
    first, second = vanishing.bundles(lines), vanishing.bundles(lines)

    assert [bundle.members.tolist() for bundle in first] == [bundle.members.tolist() for bundle in second]


def test_a_miss_is_the_sine_of_the_angle_at_the_middle_of_a_line():
    lines = np.array([[0.0, 0.0, 10.0, 0.0]])
    points = np.array([[105.0, 10.0, 1.0], [0.0, 1.0, 0.0], [50.0, 0.0, 1.0]])

    expected = [math.sin(math.atan2(10, 100)), 1.0, 0.0]
    assert vanishing.misses(lines, points)[0] == pytest.approx(expected)


def test_few_lines_make_no_bundle():
    rng = np.random.default_rng(6)
    assert vanishing.bundles(toward((500, 0), 4, rng)) == []
    assert vanishing.bundles(np.zeros((0, 4))) == []


def test_one_camera_explains_level_lines_of_any_direction_and_the_upright_ones():
    rng = np.random.default_rng(7)
    horizon = 60.0
    parts = [slanted(90, 14, rng), toward((900, horizon), 12, rng), toward((-1300, horizon), 12, rng)]
    lines = np.concatenate(parts)
    found = vanishing.bundles(lines)
    camera = vanishing.camera(lines, found, 1000.0)

    assert camera is not None
    assert camera.off == []
    assert camera.horizon is not None
    assert -camera.horizon[2] / camera.horizon[1] == pytest.approx(horizon, abs=8)


def test_a_bundle_far_from_the_horizon_of_the_others_is_off():
    rng = np.random.default_rng(8)
    parts = [slanted(90, 14, rng), toward((900, 0), 14, rng), toward((-1300, 0), 14, rng), toward((700, 800), 12, rng)]
    lines = np.concatenate(parts)
    camera = vanishing.camera(lines, vanishing.bundles(lines), 1000.0)

    assert camera is not None
    assert [set(bundle.members.tolist()) >= set(range(42, 54)) for bundle in camera.off] == [True]


def test_without_upright_lines_there_is_no_camera():
    rng = np.random.default_rng(9)
    lines = toward((900, 0), 20, rng)
    assert vanishing.camera(lines, vanishing.bundles(lines), 1000.0) is None


def test_pieces_of_one_line_are_joined_and_parallel_lines_are_not():
    pieces = np.array([[0, 0, 40, 0.5], [44, 0.6, 90, 1.0], [0, 8, 90, 9], [60, 0, 60, 50]], float)
    joined = vanishing.merged(pieces, 1.5, 10.0)

    assert sorted(vanishing.lengths(joined).round(0).tolist()) == [50.0, 90.0, 90.0]


def test_an_arc_is_curved_and_a_polygon_with_sharp_corners_is_not():
    angle = np.radians(np.arange(0, 121, 6))
    ring = 300 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    arc = np.hstack([ring[:-1], ring[1:]])
    square = np.array([[0, 0, 100, 0], [100, 0, 100, 100], [100, 100, 0, 100], [0, 100, 0, 0]], float)

    assert vanishing.curved_share(arc, 3.0) > 0.8
    assert vanishing.curved_share(square, 3.0) == 0.0
