"""What comes again, against copies and stamps that were put there."""

from __future__ import annotations

import numpy as np
import pytest

from imgaudit.kernels import repetition


def cloud(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    points = rng.uniform((0, 0, 0, 3), (300, 300, 360, 9), (count, 4))
    raw = rng.uniform(0, 1, (count, 128)) ** 3
    return points, raw / np.linalg.norm(raw, axis=1, keepdims=True)


def test_points_that_come_again_are_found_with_their_shift():
    rng = np.random.default_rng(1)
    points, descriptors = cloud(80, rng)
    again = points[:12] + np.array([90.0, -35.0, 2.0, 0.1])
    found = repetition.shifts(np.concatenate([points, again]), np.concatenate([descriptors, descriptors[:12]]), 30.0)

    assert len(found) == 1
    assert found[0].vector == pytest.approx((90, -35), abs=1)
    assert set(found[0].here.tolist()) | set(found[0].there.tolist()) >= set(range(12)) | set(range(80, 92))


def test_points_that_look_like_nothing_else_have_no_shift():
    points, descriptors = cloud(120, np.random.default_rng(2))
    assert repetition.shifts(points, descriptors, 30.0) == []
    assert repetition.shifts(points[:3], descriptors[:3], 30.0) == []


def test_a_turned_copy_is_no_shift():
    rng = np.random.default_rng(3)
    points, descriptors = cloud(40, rng)
    again = points + np.array([120.0, 0.0, 90.0, 0.0])
    assert repetition.shifts(np.concatenate([points, again]), np.concatenate([descriptors, descriptors]), 30.0) == []


def test_a_regular_grid_comes_again_at_many_distances_and_ends_soon():
    rng = np.random.default_rng(4)
    _, one = cloud(1, rng)
    y, x = np.mgrid[0:300:25, 0:300:25]
    points = np.stack([x.ravel(), y.ravel(), 0 * x.ravel(), 5 + 0 * x.ravel()], axis=1).astype(float)
    found = repetition.shifts(points, np.repeat(one, len(points), axis=0), 40.0)
    assert len(found) > 3


def test_correlation_is_that_of_numpy_and_a_flat_patch_has_none():
    rng = np.random.default_rng(5)
    first, second = rng.normal(0, 1, (9, 9)), rng.normal(0, 1, (9, 9))
    assert repetition.correlation(first, second) == pytest.approx(np.corrcoef(first.ravel(), second.ravel())[0, 1])
    assert repetition.correlation(first, 3 * first + 2) == pytest.approx(1.0)
    assert repetition.correlation(first, np.ones((9, 9))) == 0.0


def test_a_faint_stamp_over_noise_is_found_at_its_period():
    rng = np.random.default_rng(6)
    cell = np.zeros((40, 52))
    cell[10:14, 8:40] = 1
    cell[10:30, 20:24] = 1
    stamp = np.tile(cell, (10, 9))[:360, :450]
    found = repetition.pattern(rng.normal(0, 6, stamp.shape) + 9 * stamp, 24)

    assert found is not None
    assert found.score > 4
    assert found.period[0] % 52 in (0, 1, 51)
    assert found.period[1] % 40 in (0, 1, 39)


def test_noise_has_no_pattern_and_a_small_picture_is_not_asked():
    rng = np.random.default_rng(7)
    found = repetition.pattern(rng.normal(0, 6, (360, 450)), 24)
    assert found is not None
    assert found.score < 3
    assert repetition.pattern(rng.normal(0, 6, (180, 300)), 24) is None
    small = repetition.pattern(rng.normal(0, 6, (200, 200)), 24)
    assert small is not None
    assert small.score < 4


def test_the_self_correlation_is_the_sum_of_products():
    rng = np.random.default_rng(8)
    part = rng.normal(0, 1, (24, 30))
    usual = float(np.median(np.abs(part))) * repetition.CLIP_DEVIATIONS + 0.25
    clipped = np.clip(part, -usual, usual)
    slow = {
        (dy, dx): float((clipped[: 24 - dy, : 30 - dx] * clipped[dy:, dx:]).mean()) for dy in (0, 3) for dx in (5, 9)
    }
    rows, columns = 12, 15
    size = (24 + rows + 1, 30 + columns + 1)
    fast = np.fft.irfft2(np.abs(np.fft.rfft2(clipped, size)) ** 2, size)
    for (dy, dx), value in slow.items():
        assert fast[dy, dx] / ((24 - dy) * (30 - dx)) == pytest.approx(value)
    assert repetition._peaks(part).shape == (2 * rows + 1, columns + 1)


def test_the_tile_that_differs_is_named():
    features = np.random.default_rng(9).normal(0, 1, (64, 3))
    features[17] = 40
    row, distance = repetition.outlier(features)
    assert row == 17
    assert distance > 20
