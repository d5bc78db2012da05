"""The statistics of skew against independent references, and their error rates by simulation."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from imgaudit.kernels import spread

# (groups, draws): mean TV and its 95 % quantile when every group is as likely, as published (two decimals)
FLOOR = {
    2: {8: (0.14, 0.38), 16: (0.10, 0.25), 32: (0.07, 0.19), 64: (0.05, 0.13), 100: (0.04, 0.10), 200: (0.03, 0.07)},
    3: {8: (0.21, 0.42), 16: (0.14, 0.27), 32: (0.10, 0.20), 64: (0.07, 0.14), 100: (0.06, 0.11), 200: (0.04, 0.08)},
    4: {8: (0.23, 0.38), 16: (0.17, 0.31), 32: (0.12, 0.22), 64: (0.09, 0.16), 100: (0.07, 0.12), 200: (0.05, 0.09)},
    10: {8: (0.43, 0.60), 16: (0.31, 0.41), 32: (0.21, 0.29), 64: (0.15, 0.21), 100: (0.12, 0.17), 200: (0.08, 0.12)},
}


def even(groups: int) -> spread.Shares:
    return (1 / groups,) * groups


def multinomial_p(counts: tuple[int, ...], reference: spread.Shares) -> float:
    """The exact test by brute force: every outcome whose G is at least as large."""
    size = sum(counts)

    def g(outcome: tuple[int, ...]) -> float:
        return 2 * sum(n * math.log(n / (size * r)) for n, r in zip(outcome, reference, strict=True) if n)

    def mass(outcome: tuple[int, ...]) -> float:
        ways = math.factorial(size) / math.prod(math.factorial(n) for n in outcome)
        return ways * math.prod(r**n for n, r in zip(outcome, reference, strict=True))

    outcomes = [o for o in itertools.product(range(size + 1), repeat=len(counts)) if sum(o) == size]
    return sum(mass(o) for o in outcomes if g(o) >= g(counts) - 1e-9)


@pytest.mark.parametrize("groups", FLOOR)
def test_the_floor_that_chance_sets_is_the_published_one(groups: int) -> None:
    for size, (mean, high) in FLOOR[groups].items():
        null = spread.null(even(groups), size)
        # published quantiles are of simulated draws: one step of the lattice of possible distances may lie between
        assert null.mean_tv == pytest.approx(mean, abs=0.0065)
        assert null.tv_quantile(0.95) == pytest.approx(high, abs=0.0065 + 1 / size / 2)


@pytest.mark.parametrize("reference", [(0.5, 0.5), (0.2, 0.3, 0.5), (0.1, 0.2, 0.3, 0.4)])
def test_the_mean_null_distance_is_that_of_draws(reference: spread.Shares) -> None:
    draws = np.random.default_rng(8).multinomial(30, reference, 100_000)
    drawn = np.abs(draws / 30 - np.array(reference)).sum(1).mean() / 2

    assert spread.expected_null_tv(reference, 30) == pytest.approx(drawn, abs=0.001)


def test_distance_is_half_the_sum_of_differences() -> None:
    assert spread.total_variation([1, 1, 2], [0.25, 0.25, 0.5]) == 0
    assert spread.total_variation([4, 0], [0.5, 0.5]) == 0.5
    assert spread.total_variation([0, 5], [1.0, 0.0]) == 1


@pytest.mark.parametrize("heads", range(0, 21, 4))
def test_two_even_groups_are_tested_as_by_the_binomial_test(heads: int) -> None:
    expected = stats.binomtest(heads, 20, 0.5).pvalue

    assert spread.exact_p([heads, 20 - heads], (0.5, 0.5)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("counts", "reference"),
    [((5, 1, 0), even(3)), ((2, 2, 2), even(3)), ((1, 2, 6), (0.5, 0.3, 0.2)), ((7, 1, 0, 0), even(4))],
)
def test_the_exact_test_is_that_of_brute_force(counts: tuple[int, ...], reference: spread.Shares) -> None:
    assert spread.exact_p(counts, reference) == pytest.approx(multinomial_p(counts, reference), abs=1e-9)


def test_the_drawn_test_agrees_with_the_chi_squared_limit() -> None:
    counts = np.array([160, 120, 110, 130, 140, 115, 125, 100])
    g = float(spread.g_statistic(counts, even(8)))

    assert spread.null(even(8), int(counts.sum())).drawn
    assert spread.exact_p(counts, even(8)) == pytest.approx(stats.chi2.sf(g, 7), rel=0.15)
    assert g == pytest.approx(stats.power_divergence(counts, lambda_="log-likelihood").statistic)


def test_what_the_reference_rules_out_is_never_chance() -> None:
    assert spread.exact_p([9, 1], (1.0, 0.0)) == 0
    assert spread.exact_p([10, 0], (1.0, 0.0)) == 1


@pytest.mark.parametrize(
    ("size", "half"), [(8, 0.285), (16, 0.22), (32, 0.164), (64, 0.119), (100, 0.096), (200, 0.069), (400, 0.049)]
)
def test_wilson_has_its_published_widths(size: int, half: float) -> None:
    low, high = spread.wilson(size // 2, size)

    assert (high - low) / 2 == pytest.approx(half, abs=0.0005)


@pytest.mark.parametrize(("successes", "size"), [(0, 10), (3, 17), (10, 10)])
def test_wilson_is_that_of_scipy(successes: int, size: int) -> None:
    expected = stats.binomtest(successes, size).proportion_ci(method="wilson")

    assert spread.wilson(successes, size) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_the_upper_bound_is_that_of_all_sets_of_groups() -> None:
    counts, reference = (7, 3, 0, 12, 5), (0.1, 0.2, 0.1, 0.35, 0.25)
    size = sum(counts)
    bounds = []
    for chosen in itertools.product((False, True), repeat=5):
        if any(chosen):
            inside = sum(n for n, c in zip(counts, chosen, strict=True) if c)
            upper = stats.beta.ppf(0.95, inside + 1, size - inside) if inside < size else 1.0
            bounds.append(upper - sum(r for r, c in zip(reference, chosen, strict=True) if c))

    assert spread.tv_upper(counts, reference) == pytest.approx(max(bounds))


def test_adjusted_p_values_are_those_of_scipy() -> None:
    p_values = np.random.default_rng(2).random(40) ** 3

    assert spread.benjamini_hochberg(list(p_values)) == pytest.approx(stats.false_discovery_control(p_values))
    assert spread.benjamini_hochberg([]) == []


@pytest.mark.parametrize(("size", "tv"), [(20, 0.3), (49, 0.2), (90, 0.15), (199, 0.1)])
def test_what_can_be_seen_is_what_the_power_table_says(size: int, tv: float) -> None:
    # two even groups, two-sided, power 0.8: 20 see 80:20, 49 see 70:30, 90 see 65:35, 199 see 60:40
    assert spread.detectable_tv((0.5, 0.5), size) == pytest.approx(tv, abs=0.011)


def test_three_pictures_of_two_groups_can_show_nothing() -> None:
    assert spread.detectable_tv((0.5, 0.5), 3) == 1.0


def test_unknown_pictures_bound_the_shares() -> None:
    assert spread.manski_bounds(6, 8, 2) == (0.6, 0.8)


def test_completions_enclose_every_way_to_tell_the_unknown_apart() -> None:
    counts, reference, unknown = (8, 2, 1), (0.4, 0.3, 0.3), 4
    ways = [w for w in itertools.product(range(5), repeat=3) if sum(w) == unknown]
    distances = [spread.total_variation(np.add(counts, way), reference) for way in ways]

    near, far = (
        spread.total_variation(complete(counts, reference, unknown), reference)
        for complete in (spread.nearest_completion, spread.farthest_completion)
    )

    assert (near, far) == pytest.approx((min(distances), max(distances)))


def test_verdicts_have_three_words() -> None:
    words = [spread.verdict(spread.measure(counts, even(2))) for counts in ([45, 5], [5, 3], [28, 22], [505, 495])]

    assert words == ["skewed", "insufficient_evidence", "insufficient_evidence", "within_tolerance"]


def test_a_skew_that_the_unknown_could_undo_is_not_called_one() -> None:
    known = spread.measure([30, 10], even(2))
    with_few = spread.measure([30, 10], even(2), unknown=3)
    with_many = spread.measure([30, 10], even(2), unknown=20)

    words = [spread.verdict(one) for one in (known, with_few, with_many)]
    assert words == ["skewed", "skewed", "insufficient_evidence"]


def test_evenness_that_the_unknown_could_undo_is_not_called_tolerable() -> None:
    assert spread.verdict(spread.measure([500, 500], even(2))) == "within_tolerance"
    assert spread.verdict(spread.measure([500, 500], even(2), unknown=400)) == "insufficient_evidence"


def test_an_adjusted_p_value_can_take_a_verdict_back() -> None:
    measured = spread.measure([38, 17], even(2))

    assert spread.verdict(measured) == "skewed"
    assert spread.verdict(measured, 0.2) == "insufficient_evidence"


def rates(groups: int, size: int, shares: spread.Shares, draws: int) -> tuple[float, float, float]:
    """How often a set is called skewed or within tolerance, and how often its interval holds the true distance."""
    true = spread.total_variation([round(share * 10**9) for share in shares], even(groups))
    sets = np.random.default_rng(groups * size).multinomial(size, shares, draws)
    measured = [spread.measure([int(count) for count in counts], even(groups)) for counts in sets]
    words = [spread.verdict(one) for one in measured]
    covered = [one.interval[0] <= true <= one.interval[1] for one in measured]
    return words.count("skewed") / draws, words.count("within_tolerance") / draws, float(np.mean(covered))


@pytest.mark.parametrize(("groups", "size"), [(2, 16), (2, 50), (3, 16), (3, 50), (8, 16), (8, 50)])
def test_a_fair_set_is_rarely_called_skewed(groups: int, size: int) -> None:
    p_values = [
        spread.exact_p(counts, even(groups))
        for counts in np.random.default_rng(size).multinomial(size, even(groups), 2_000)
    ]

    # 0.05, and three standard errors of 2,000 trials
    assert np.mean(np.array(p_values) <= spread.ALPHA) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2_000)


def test_error_rates_and_coverage_hold_in_a_short_simulation() -> None:
    skewed, _, covered = rates(3, 50, even(3), 300)
    _, tolerated, covered_at_bound = rates(2, 300, (0.6, 0.4), 300)
    found, _, _ = rates(2, 90, (0.65, 0.35), 300)

    slack = 3 * math.sqrt(0.05 * 0.95 / 300)
    assert skewed <= 0.05 + slack
    assert tolerated <= 0.05 + slack
    assert min(covered, covered_at_bound) >= 0.95 - slack
    assert found >= 0.7


@pytest.mark.slow
@pytest.mark.parametrize("groups", [2, 3, 8])
@pytest.mark.parametrize("size", [8, 16, 50, 100, 400])
def test_error_rates_and_coverage_hold_in_a_long_simulation(groups: int, size: int) -> None:
    draws = 4_000
    slack = 3 * math.sqrt(0.05 * 0.95 / draws)
    more = 0.101
    pulled = tuple(1 / groups - more / (groups - 1) if group else 1 / groups + more for group in range(groups))

    skewed, _, covered = rates(groups, size, even(groups), draws)
    _, tolerated, covered_beyond = rates(groups, size, pulled, draws)

    assert skewed <= 0.05 + slack
    assert tolerated <= 0.05 + slack
    assert min(covered, covered_beyond) >= 0.95 - slack


def test_the_g_test_is_that_of_scipy_but_for_williams_correction() -> None:
    counts = [420, 380, 390, 410]
    expected = stats.power_divergence(counts, lambda_="log-likelihood").pvalue

    assert spread.g_test(counts, even(4)) == pytest.approx(expected, rel=0.002)
    assert spread.g_test(counts, even(4)) > expected


def test_far_beyond_what_draws_can_tell_p_goes_on_falling() -> None:
    far, farther = ([200 + more, *([200 - more // 7] * 7)] for more in (140, 210))

    assert spread.null(even(8), sum(far)).drawn
    assert 0 < spread.exact_p(farther, even(8)) < spread.exact_p(far, even(8)) < 1e-6


def test_a_lone_skew_among_two_thousand_fair_prompts_survives_the_adjustment() -> None:
    # draws end at 1 in 20,001, which two thousand tests turn into 0.1
    lone = spread.exact_p([60, *([20] * 7)], even(8))
    p_values = [lone, *np.linspace(0.01, 1, 1_999)]

    assert spread.benjamini_hochberg(p_values)[0] <= 0.05


def test_where_few_are_expected_of_a_group_p_ends_where_draws_do() -> None:
    reference = (0.9, *(0.1 / 7,) * 7)

    assert spread.exact_p([10, 40, *([0] * 6)], reference) == pytest.approx(1 / 20_001)


def test_the_likely_distance_takes_chance_out_as_from_a_triangle() -> None:
    assert spread.likely_distance(0.05, 0.05) == 0
    assert spread.likely_distance(0.04, 0.05) == 0
    assert spread.likely_distance(0.5, 0.3) == pytest.approx(0.4)


@pytest.mark.parametrize(("distance", "size"), [(0.1, 50), (0.1, 100), (0.2, 50)])
def test_the_likely_distance_is_nearer_the_truth_than_the_observed_one(distance: float, size: int) -> None:
    shares = np.full(8, (1 - 1 / 8 - distance) / 7)
    shares[0] = 1 / 8 + distance
    tv = np.array([
        spread.total_variation(list(counts), even(8))
        for counts in np.random.default_rng(3).multinomial(size, shares, 400)
    ])  # fmt: skip
    chance = spread.expected_null_tv(even(8), size)
    likely = np.mean([spread.likely_distance(one, chance) for one in tv])

    assert abs(likely - distance) < abs(tv.mean() - distance)
    assert likely == pytest.approx(distance, abs=0.03)
