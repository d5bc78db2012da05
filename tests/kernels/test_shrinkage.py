"""Two attributes crossed: the test against scipy's, the shrunken shares by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from docs import simulate_skew
from imgaudit.kernels import shrinkage


def test_the_test_of_unrelatedness_agrees_with_the_chi_squared_limit() -> None:
    table = [[60, 40, 25], [45, 55, 30]]
    expected = stats.chi2_contingency(table, lambda_="log-likelihood").pvalue

    assert shrinkage.independence_p(table) == pytest.approx(expected, rel=0.15)


def test_a_small_table_is_tested_exactly() -> None:
    # of the tables with these margins only two are as odd as this one: 2 of 70 ways
    assert shrinkage.independence_p([[4, 0], [0, 4]]) == pytest.approx(2 / 70, abs=0.008)


def test_one_row_alone_relates_to_nothing() -> None:
    assert shrinkage.independence_p([[5, 7], [0, 0]]) == 1.0


def test_a_cell_is_drawn_from_its_raw_share_towards_the_product_of_its_margins() -> None:
    table = [[24, 16], [16, 24]]
    cells = shrinkage.shrunken(table)

    first = cells[0][0]
    assert first is not None
    assert first.expected == pytest.approx(0.25)
    assert 0.25 < first.share < 0.30
    assert first.interval[0] < first.share < first.interval[1]


def test_cells_of_which_few_are_expected_are_not_told() -> None:
    cells = shrinkage.shrunken([[50, 3], [45, 2]])

    assert [[cell is not None for cell in row] for row in cells] == [[True, False], [True, False]]


def test_unrelated_attributes_are_rarely_called_related_and_cells_are_covered() -> None:
    rejected, covered, error = simulate_skew.crossed_rates(100, 0.0, 200)

    assert rejected <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 200)
    assert covered >= 0.93
    assert error < 1


def test_where_one_pair_departs_cells_are_still_covered_and_no_worse_than_raw_shares() -> None:
    rejected, covered, error = simulate_skew.crossed_rates(400, 0.2, 120)

    assert rejected > 0.5
    assert covered >= 0.9
    assert error <= 1.05


@pytest.mark.slow
@pytest.mark.parametrize("size", [30, 100, 400])
def test_error_rates_hold_in_a_long_simulation(size: int) -> None:
    rejected, covered, error = simulate_skew.crossed_rates(size, 0.0, 2_000)

    assert rejected <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2_000)
    assert covered >= 0.94
    assert error < 0.95


def test_draws_are_the_same_every_time() -> None:
    table = np.array([[9, 4, 2], [3, 8, 4]])

    assert shrinkage.shrunken(table) == shrinkage.shrunken(table)
