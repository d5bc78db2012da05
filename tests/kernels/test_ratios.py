"""Ratios and entropy against independent references; their intervals against brute force and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from docs import simulate_skew
from imgaudit.kernels import ratios


@pytest.mark.parametrize("counts", [(3, 9), (0, 7, 5), (20, 1, 0, 4)])
def test_the_box_is_clopper_and_pearsons_at_a_level_that_is_shared_out(counts: tuple[int, ...]) -> None:
    level = 0.95 if len(counts) == 2 else 1 - 0.05 / len(counts)
    low, high = ratios.share_box(counts)

    for index, count in enumerate(counts):
        expected = stats.binomtest(count, sum(counts)).proportion_ci(level, "exact")
        assert (low[index], high[index]) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_representation_is_share_over_reference_and_a_group_that_should_not_be_there_has_none() -> None:
    told = ratios.representation([10, 30, 0], [0.5, 0.5, 0.0])

    assert [None if one is None else one.value for one in told] == [0.5, 1.5, None]


def test_four_fifths_is_the_smallest_ratio_over_the_largest() -> None:
    told = ratios.four_fifths([10, 30, 60], [0.2, 0.3, 0.5])

    assert told is not None
    assert told.value == pytest.approx(0.5 / 1.2)


def test_four_fifths_needs_two_groups_that_are_expected() -> None:
    assert ratios.four_fifths([5, 5], [1.0, 0.0]) is None
    assert ratios.four_fifths([0, 5], [1.0, 0.0]) is None


@pytest.mark.parametrize("counts", [(4, 4), (9, 2, 1), (1, 2, 3, 4, 5)])
def test_entropy_is_that_of_scipy_over_its_greatest_value(counts: tuple[int, ...]) -> None:
    told = ratios.normalised_entropy(counts)

    assert told is not None
    assert told.value == pytest.approx(stats.entropy(counts) / math.log(len(counts)))


def test_entropy_is_not_told_of_one_group_nor_of_very_many() -> None:
    assert ratios.normalised_entropy([5]) is None
    assert ratios.normalised_entropy([1] * 11) is None


@pytest.mark.parametrize("counts", [(9, 2, 1), (4, 4, 4), (30, 3, 0)])
def test_intervals_reach_as_far_as_the_box_and_no_farther(counts: tuple[int, ...]) -> None:
    low, high = ratios.share_box(counts)
    grid = np.linspace(0, 1, 201)
    first, second = np.meshgrid(grid, grid)
    shares = np.stack([first, second, np.round(1 - first - second, 12)], -1).reshape(-1, 3)
    shares = shares[shares.min(1) >= 0]
    inside = shares[((shares >= low - 1e-9) & (shares <= high + 1e-9)).all(1)]
    entropies = stats.entropy(inside.T) / math.log(3)
    fifths = inside.min(1) / inside.max(1)

    evenness, told = ratios.normalised_entropy(counts), ratios.four_fifths(counts, (1 / 3,) * 3)

    assert evenness is not None
    assert told is not None
    assert evenness.interval[0] - 1e-9 <= entropies.min() <= evenness.interval[0] + 0.03
    assert evenness.interval[1] - 0.01 <= entropies.max() <= evenness.interval[1] + 1e-9
    assert told.interval[0] - 1e-9 <= fifths.min()
    assert fifths.max() <= told.interval[1] + 1e-9


@pytest.mark.parametrize(("shares", "size"), [((0.7, 0.2, 0.1), 30), ((0.5, 0.5), 16)])
def test_intervals_hold_the_truth_in_a_short_simulation(shares: tuple[float, ...], size: int) -> None:
    wilson, every, fifths, entropy, *_ = simulate_skew.ratio_coverage(shares, size, simulate_skew.Scale(400))

    slack = 3 * math.sqrt(0.05 * 0.95 / 400)
    assert wilson >= 0.93 - slack  # Wilson's holds 95 on average over shares, not at each
    assert min(every, fifths, entropy) >= 0.95 - slack


@pytest.mark.slow
@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.95, 0.05), (0.7, 0.2, 0.1), (1 / 8,) * 8])
@pytest.mark.parametrize("size", [8, 50, 400])
def test_intervals_hold_the_truth_in_a_long_simulation(shares: tuple[float, ...], size: int) -> None:
    _, every, fifths, entropy, *_ = simulate_skew.ratio_coverage(shares, size, simulate_skew.Scale(4_000))

    assert min(every, fifths, entropy) >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 4_000)
