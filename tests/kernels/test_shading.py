"""Directions of light, against balls that were lit from known sides."""

from __future__ import annotations

import math

import numpy as np
import pytest

from imgaudit.kernels import shading


def lit_ball(azimuth: float, size: int = 41, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Normals on a ball, and the linear light of a lamp at an azimuth in degrees, with noise."""
    _, normals = shading.sphere_normals(size)
    lamp = np.array([math.cos(math.radians(azimuth)), math.sin(math.radians(azimuth)), -0.8])
    light = 0.1 + np.clip(normals @ lamp, 0, None) / np.linalg.norm(lamp)
    return normals, light + np.random.default_rng(seed).normal(0, 0.02, len(light))


@pytest.mark.parametrize("azimuth", [-150, -90, -30, 0, 45, 120, 180])
def test_the_side_of_the_light_is_found(azimuth: int):
    shade = shading.fitted(*lit_ball(azimuth))
    assert shade is not None
    assert shading.apart(shade.azimuth, azimuth) < 4
    assert shade.fit > 0.9
    assert shade.strength > 0.4


def test_a_dark_patch_does_not_turn_the_light():
    normals, light = lit_ball(-90)
    dark = light.copy()
    dark[(normals[:, 0] > 0.55) & (normals[:, 1] > 0)] *= 0.3
    shade = shading.fitted(normals, dark)
    assert shade is not None
    assert shading.apart(shade.azimuth, -90) < 20


def test_light_from_the_front_has_no_side():
    _, normals = shading.sphere_normals(41)
    shade = shading.fitted(normals, 0.2 - normals[:, 2])
    assert shade is not None
    assert shade.strength < 0.02
    assert shade.z < 0


def test_too_few_surfaces_and_darkness_tell_nothing():
    normals, light = lit_ball(0)
    assert shading.fitted(normals[:20], light[:20]) is None
    assert shading.fitted(normals, 0 * light) is None


def test_normals_of_points_on_a_ball_point_away_from_its_middle():
    _, expected = shading.sphere_normals(31)
    found = shading.normals(50 * expected)
    inner = expected[:, 2] < -0.6
    assert (found[inner] * expected[inner]).sum(axis=1).min() > 0.97


@pytest.mark.parametrize(("first", "second", "angle"), [(10, 350, 20), (-170, 170, 20), (0, 180, 180), (45, 45, 0)])
def test_angles_are_taken_the_short_way_round(first: float, second: float, angle: float):
    assert shading.apart(first, second) == pytest.approx(angle)


def iris(at: tuple[float, float] | None, level: float = 230.0) -> np.ndarray:
    y, x = np.mgrid[-1:1:33j, -1:1:33j]
    levels = np.where(np.hypot(x, y) < 0.35, 20.0, 60.0)
    if at is not None:
        levels[np.hypot(x - at[0], y - at[1]) < 0.15] = level
    return levels


@pytest.mark.parametrize("at", [(0.3, -0.3), (-0.4, 0.1), (0.0, 0.0)])
def test_a_highlight_is_found_where_it_was_drawn(at: tuple[float, float]):
    spot = shading.highlight(iris(at))
    assert spot is not None
    assert (spot.x, spot.y) == pytest.approx(at, abs=0.05)
    assert spot.contrast == pytest.approx(170, abs=5)


def test_a_dull_eye_has_no_highlight_and_a_white_one_has_none_either():
    assert shading.highlight(iris(None)) is None
    assert shading.highlight(iris((0.2, 0.2), level=90.0)) is None
    flooded = iris(None)
    flooded[:, 12:] = 240
    assert shading.highlight(flooded) is None
