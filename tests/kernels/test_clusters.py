"""Intervals over templates, against the textbook and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from docs import simulate_skew
from imgaudit.kernels import clusters


def test_fewer_than_five_templates_tell_nothing() -> None:
    rows = [[5, 5]] * 4

    assert clusters.share_intervals(rows) is None
    assert clusters.tv_interval(rows, (0.5, 0.5)) is None


def test_the_interval_of_a_share_is_students_where_templates_are_of_one_size() -> None:
    rows = [[12, 8], [9, 11], [15, 5], [10, 10], [13, 7], [8, 12], [11, 9], [16, 4]]
    shares = [row[0] / 20 for row in rows]
    expected = stats.t.interval(0.95, 7, np.mean(shares), stats.sem(shares))

    intervals = clusters.share_intervals(rows)

    assert intervals is not None
    assert intervals[0] == pytest.approx(expected, abs=0.006)


def test_templates_that_agree_leave_no_doubt() -> None:
    interval = clusters.tv_interval([[30, 10]] * 6, (0.5, 0.5))

    assert interval == pytest.approx((0.25, 0.25))


def test_templates_that_differ_widen_the_interval_beyond_that_of_pictures() -> None:
    alike, unlike = [[25, 25]] * 10, [[45, 5], [5, 45]] * 5

    near, far = clusters.tv_interval(alike, (0.5, 0.5)), clusters.tv_interval(unlike, (0.5, 0.5))

    assert near is not None
    assert far is not None
    assert far[1] > near[1] + 0.2
    assert far[0] < 0


@pytest.mark.parametrize("templates", [5, 20])
def test_intervals_hold_the_truth_where_pictures_alone_would_be_sure_of_something_wrong(templates: int) -> None:
    pooled, share, distance = simulate_skew.cluster_rates(templates, 4.0, 200)

    slack = 3 * math.sqrt(0.05 * 0.95 / 200)
    assert pooled > 0.3
    assert min(share, distance) >= 0.95 - slack


@pytest.mark.slow
@pytest.mark.parametrize("templates", [5, 10, 40])
@pytest.mark.parametrize("strength", [1_000.0, 4.0])
def test_intervals_hold_the_truth_in_a_long_simulation(templates: int, strength: float) -> None:
    _, share, distance = simulate_skew.cluster_rates(templates, strength, 2_000)

    slack = 3 * math.sqrt(0.05 * 0.95 / 2_000)
    assert share >= 0.94 - slack  # the bootstrap's own error with few templates
    assert distance >= 0.95 - slack
