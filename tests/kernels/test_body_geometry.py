"""The arithmetic on a body."""

from __future__ import annotations

import numpy as np
import pytest

from imgaudit.kernels import body_geometry as bg


def body() -> np.ndarray:
    """33 rows of x, y, z, visibility: shoulders 100 apart, forearms 60 long, everything visible."""
    points = np.zeros((33, 4))
    points[:, 3] = 1
    points[11, :2], points[12, :2] = (250, 100), (150, 100)
    points[13, :2], points[14, :2] = (260, 160), (140, 160)
    points[15, :2], points[16, :2] = (260, 220), (140, 220)
    points[23, :2], points[24, :2] = (230, 260), (170, 260)
    points[25, :2], points[26, :2] = (230, 340), (170, 340)
    points[27, :2], points[28, :2] = (230, 420), (170, 420)
    return points


def test_even_limbs_have_the_ratio_one_and_a_doubled_one_has_two() -> None:
    points = body()
    points[15, :2] += [0, 60]

    ratios = bg.limb_ratios(points[:, :3], points[:, 3], 0.9)

    assert ratios == pytest.approx({"upper arm": 1, "forearm": 2, "thigh": 1, "shank": 1})


def test_a_limb_with_a_hidden_end_is_not_compared() -> None:
    points = body()
    points[16, 3] = 0.5

    assert "forearm" not in bg.limb_ratios(points[:, :3], points[:, 3], 0.9)
    assert "thigh" in bg.limb_ratios(points[:, :3], points[:, 3], 0.9)


def test_uneven_limbs_are_a_half_at_double_and_nothing_at_equal() -> None:
    at = [bg.limb_probability(ratio) for ratio in (1.0, 1.3, 1.6, 2.0, 3.0)]

    assert at[0] == 0
    assert at[3] == pytest.approx(0.5)
    assert at == sorted(at)
    assert at[2] < 0.2


def test_a_wrist_knows_its_margin_in_forearms() -> None:
    left = bg.wrist(body(), "left", 320, 480)

    assert (left.x, left.y, left.forearm) == (260, 220, 60)
    assert left.margin == pytest.approx(1.0)
    assert bg.wrist(body(), "left", 250, 480).margin < 0


def test_a_forearm_that_points_at_the_camera_keeps_a_length() -> None:
    points = body()
    points[15, :2] = points[13, :2]

    assert bg.wrist(points, "left", 400, 480).forearm == pytest.approx(0.4 * 100)


def test_reach_is_the_nearest_point_of_the_hand() -> None:
    hand = np.array([[260, 280, 0], [300, 400, 0]], float)

    assert bg.reach(bg.wrist(body(), "left", 400, 480), hand) == pytest.approx(1.0)


def test_certainties_rise_and_stand_at_a_half_where_they_say() -> None:
    missing = [bg.missing_probability(v) for v in (0.5, 0.9, 0.98, 0.99, 1.0)]
    wrong = [bg.wrong_side_probability(s) for s in (0.5, 0.9, 0.98, 1.0)]

    assert missing[3] == pytest.approx(0.5)
    assert wrong[2] == pytest.approx(0.5)
    assert missing == sorted(missing)
    assert wrong == sorted(wrong)
    assert max(*missing, *wrong) < 1
    assert [round(bg.extra_probability(n), 2) for n in (0, 1, 2)] == [0.0, 0.6, 0.84]
