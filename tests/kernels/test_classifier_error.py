"""Correction for a perceiver that errs, against independent references and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from docs import simulate_skew
from imgaudit.kernels import classifier_error, spread

PERFECT = np.eye(3, dtype=int) * 1_000_000


@pytest.mark.parametrize(("error", "variance"), [(0.02, 1.09), (0.05, 1.23), (0.10, 1.56), (0.20, 2.78)])
def test_ninety_in_a_hundred_are_read_back_from_what_an_erring_perceiver_shows(error: float, variance: float) -> None:
    perceived = 0.9 * (1 - error) + 0.1 * error

    assert classifier_error.rogan_gladen(perceived, 1 - error, 1 - error) == pytest.approx(0.9)
    assert 1 / (1 - 2 * error) ** 2 == pytest.approx(variance, abs=0.01)


def test_rogan_and_gladens_share_solves_the_linear_equations() -> None:
    rows = np.array([[0.8, 0.2], [0.05, 0.95]])
    true = np.linalg.solve(rows.T, [0.5, 0.5])

    assert classifier_error.rogan_gladen(0.5, 0.8, 0.95) == pytest.approx(true[0])


def test_a_perceiver_no_better_than_chance_is_refused() -> None:
    with pytest.raises(ValueError, match="no better than chance"):
        classifier_error.rogan_gladen(0.5, 0.5, 0.5)
    assert classifier_error.lang_reiczigel(30, 50, [[25, 25], [25, 25]]) == (0.0, 1.0)


def test_with_a_perfect_perceiver_the_interval_is_agresti_and_coulls() -> None:
    z = stats.norm.ppf(0.975)
    share = (30 + z * z / 2) / (100 + z * z)
    half = z * math.sqrt(share * (1 - share) / (100 + z * z))

    low, high = classifier_error.lang_reiczigel(30, 100, [[10**7, 0], [0, 10**7]])

    assert (low, high) == pytest.approx((share - half, share + half), abs=1e-4)


def test_with_a_perfect_perceiver_the_posterior_is_a_dirichlet() -> None:
    counts = (30, 15, 5)
    draws = classifier_error.posterior(counts, PERFECT)
    alone = stats.beta(31, 53 - 31)

    assert draws.mean(0) == pytest.approx(np.array([31, 16, 6]) / 53, abs=0.01)
    assert np.quantile(draws[:, 0], [0.025, 0.975]) == pytest.approx(alone.ppf([0.025, 0.975]), abs=0.02)


def test_the_posterior_is_that_of_integration_on_a_grid() -> None:
    counts, labelled = (60, 40), 10**6
    confusion = [[int(0.9 * labelled), int(0.1 * labelled)], [int(0.2 * labelled), int(0.8 * labelled)]]
    grid = np.linspace(0.0005, 0.9995, 1_000)
    weight = stats.binom.pmf(60, 100, grid * 0.9 + (1 - grid) * 0.2)
    weight /= weight.sum()
    mean = float(grid @ weight)
    deviation = math.sqrt(float(((grid - mean) ** 2) @ weight))

    draws = classifier_error.posterior(counts, confusion)[:, 0]

    assert draws.mean() == pytest.approx(mean, abs=0.01)
    assert draws.std() == pytest.approx(deviation, rel=0.1)


def test_the_point_estimate_undoes_errors_and_stays_among_shares() -> None:
    rows = simulate_skew.erring(3, 0.2)
    confusion = [[round(10_000 * cell) for cell in row] for row in rows]
    counts = tuple(round(1_000 * share) for share in np.array([0.7, 0.2, 0.1]) @ rows)

    assert classifier_error.point_estimate(counts, confusion) == pytest.approx([0.7, 0.2, 0.1], abs=0.005)
    beyond = classifier_error.point_estimate((1_000, 0, 0), confusion)
    assert beyond.min() >= 0
    assert beyond.sum() == pytest.approx(1)


def test_with_a_perfect_perceiver_the_test_is_the_exact_one() -> None:
    counts, reference = (30, 15, 5), (0.5, 0.25, 0.25)

    expected = spread.exact_p(counts, reference)

    assert classifier_error.corrected_p(counts, reference, PERFECT) == pytest.approx(expected, abs=0.02)


def test_an_erring_perceiver_makes_an_uncorrected_test_find_what_is_not_there() -> None:
    _, corrected_covers, uncorrected, corrected = simulate_skew.correction_rates((0.9, 0.1), 100, 0.1, 50, 150)

    assert uncorrected > 0.4
    assert corrected <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 150)
    assert corrected_covers >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 150)


def test_three_groups_are_covered_in_a_short_simulation() -> None:
    _, covers, _, corrected = simulate_skew.correction_rates((0.7, 0.2, 0.1), 100, 0.1, 50, 40)

    assert covers >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 120)
    assert corrected <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 40)


@pytest.mark.slow
@pytest.mark.parametrize(("shares", "size"), [((0.5, 0.5), 50), ((0.9, 0.1), 400), ((1 / 3,) * 3, 100)])
@pytest.mark.parametrize(("error", "labelled"), [(0.05, 100), (0.2, 50)])
def test_error_rates_hold_in_a_long_simulation(
    shares: tuple[float, ...], size: int, error: float, labelled: int
) -> None:
    _, covers, _, corrected = simulate_skew.correction_rates(shares, size, error, labelled, 600)

    assert covers >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 600)
    assert corrected <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 600)


def test_a_corrected_verdict_sees_the_skew_that_errors_hid() -> None:
    confusion, counts, reference = [[40, 10], [10, 40]], (40, 60), (0.5, 0.5)
    plain = spread.measure(counts, reference)

    fixed = classifier_error.correct(plain, counts, reference, confusion)

    assert plain.tv == pytest.approx(0.1)
    assert fixed.least_tv == pytest.approx(0.1 / 0.6, abs=0.01)
    assert fixed.most_tv > plain.most_tv


def test_with_few_labelled_pictures_of_a_group_no_skew_is_claimed() -> None:
    counts, reference = (10, 90), (0.5, 0.5)
    plain = spread.measure(counts, reference)

    enough = classifier_error.correct(plain, counts, reference, [[48, 2], [2, 48]])
    few = classifier_error.correct(plain, counts, reference, [[48, 2], [2, 40]])

    assert spread.verdict(enough) == "skewed"
    assert spread.verdict(few) == "insufficient_evidence"


def test_unknown_pictures_bound_a_corrected_set_too() -> None:
    confusion, counts, reference = [[48, 2], [2, 48]], (40, 10), (0.5, 0.5)

    few, many = (
        classifier_error.correct(spread.measure(counts, reference, unknown), counts, reference, confusion)
        for unknown in (0, 30)
    )

    assert spread.verdict(few) == "skewed"
    assert spread.verdict(many) == "insufficient_evidence"


def test_the_band_grows_with_the_rate_of_wrong_labels_and_stops_at_all() -> None:
    band = classifier_error.sensitivity_band((45, 5), (0.5, 0.5))

    assert [rate for rate, _ in band] == [0.02, 0.05, 0.1]
    assert [tv for _, tv in band] == sorted(tv for _, tv in band)
    assert classifier_error.sensitivity_band((50, 0), (0.5, 0.5))[-1][1] == pytest.approx(0.5)
