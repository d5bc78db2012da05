"""The arithmetic of calibration, against definitions read aloud, statsmodels and scipy."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
from scipy.stats import kendalltau, percentileofscore, spearmanr

from imgaudit.kernels.calibration import (
    alarm_balanced,
    alarm_from,
    alarm_youden,
    alarms_held_out,
    along,
    auroc,
    auroc_interval,
    brier,
    cautious,
    expected_error,
    folds,
    held_out,
    isotonic,
    logistic,
    pairwise,
    percentiles,
    reliability,
    spearman,
)


def drawn(seed: int, count: int = 60, ties: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Scores, some of them equal, and labels that go with them."""
    generator = np.random.default_rng(seed)
    scores = generator.normal(size=count)
    yes = generator.uniform(size=count) < 1 / (1 + np.exp(-1.5 * scores))
    yes[:2] = (True, False)
    return (np.round(scores, 1) if ties else scores), yes


# --- telling yes from no ------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_the_area_counts_pairs(seed: int) -> None:
    scores, yes = drawn(seed)
    pairs = [(a, b) for a in scores[yes] for b in scores[~yes]]

    assert auroc(scores, yes) == pytest.approx(np.mean([(a > b) + 0.5 * (a == b) for a, b in pairs]))
    assert auroc(-scores, yes) == pytest.approx(1 - auroc(scores, yes))


@pytest.mark.parametrize(
    ("value", "yes", "no"), [(0.5, 20, 20), (0.9, 15, 60), (1.0, 10, 10), (0.0, 10, 30), (0.7, 300, 400)]
)
def test_the_interval_ends_where_the_value_is_z_errors_away(value: float, yes: int, no: int) -> None:
    """Hanley and McNeil's variance in their own terms, at each end of the interval."""
    for end in auroc_interval(value, yes, no):
        if end in (0.0, 1.0):
            assert end == value
            continue
        many = (yes + no) / 2 - 1
        one, two = end / (2 - end), 2 * end**2 / (1 + end)
        variance = (end * (1 - end) + many * (one - end**2) + many * (two - end**2)) / (yes * no)
        assert abs(end - value) == pytest.approx(1.959964 * variance**0.5, abs=1e-6)


def test_a_perfect_area_has_an_interval_with_a_width() -> None:
    low, high = auroc_interval(1.0, 12, 40)

    assert high == 1.0
    assert 0.7 < low < 0.95
    mirrored = auroc_interval(0.0, 12, 40)
    assert mirrored[0] == 0.0
    assert mirrored[1] == pytest.approx(1 - low)


# --- mappings -----------------------------------------------------------------------------------


def monotone_by_max_min(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The isotonic regression by its max-min formula: no algorithm, all intervals."""
    places = np.unique(scores)
    sums = [float(targets[scores == place].sum()) for place in places]
    counts = [int((scores == place).sum()) for place in places]
    size = len(places)

    def mean(a: int, b: int) -> float:
        return sum(sums[a : b + 1]) / sum(counts[a : b + 1])

    return np.array([max(min(mean(a, b) for b in range(i, size)) for a in range(i + 1)) for i in range(size)])


@pytest.mark.parametrize("seed", range(10))
def test_isotonic_is_the_max_min_formula(seed: int) -> None:
    scores, yes = drawn(seed, 40)
    targets = yes.astype(float) if seed % 2 else np.random.default_rng(seed).normal(size=40)

    assert along(isotonic(scores, targets), np.unique(scores)) == pytest.approx(monotone_by_max_min(scores, targets))


def test_no_probability_is_more_extreme_than_the_labels_speak_for() -> None:
    low, high = cautious(18)
    knots = isotonic([1.0, 2.0, 3.0, 4.0], [0, 0, 1, 1], (low, high))

    assert (low, high) == (0.05, 0.95)
    assert [y for _, y in knots] == [low, low, high, high]
    assert along(knots, [-100.0, 100.0]).tolist() == [low, high]


@pytest.mark.parametrize("seed", range(6))
def test_logistic_is_statsmodels_on_labels_drawn_in(seed: int) -> None:
    import statsmodels.api as sm

    scores, yes = drawn(seed, 80)
    scores = scores * 10.0 ** (seed - 3) + seed
    many, few = yes.sum(), (~yes).sum()
    wanted = np.where(yes, (many + 1) / (many + 2), 1 / (few + 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = sm.GLM(wanted, sm.add_constant(scores), family=sm.families.Binomial()).fit(tol=1e-12)

    assert logistic(scores, yes) == pytest.approx(found.params, rel=1e-5)


def test_labels_that_are_told_apart_perfectly_have_a_finite_slope() -> None:
    intercept, slope = logistic([0.0, 0.1, 0.9, 1.0], [False, False, True, True])

    assert 0 < slope < 100
    assert 1 / (1 + np.exp(-(intercept + slope * 1.0))) < 0.99


def test_a_slope_is_never_below_zero() -> None:
    for scores in ([3.0, 2.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]):
        intercept, slope = logistic(scores, [False, False, False, True])
        assert slope == 0
        assert 1 / (1 + np.exp(-intercept)) == pytest.approx((3 * 0.2 + 2 / 3) / 4)


def test_percentiles_are_scipys_mean_ranks() -> None:
    scores = np.random.default_rng(3).normal(size=90).round(1)
    knots = percentiles(scores)

    for value in np.unique(scores):
        assert along(knots, value) == pytest.approx(percentileofscore(scores, value, kind="mean") / 100)


def test_long_lists_are_drawn_with_few_points_and_stay_near() -> None:
    scores = np.random.default_rng(4).gamma(2.0, size=5000)
    knots = percentiles(scores)
    exact = np.array([percentileofscore(scores, value, kind="mean") / 100 for value in scores[::50]])

    assert len(knots) <= 101
    assert np.abs(along(knots, scores[::50]) - exact).max() < 0.012


# --- what was not fitted to ---------------------------------------------------------------------


def test_groups_stay_whole_and_each_fold_has_its_share_of_yes() -> None:
    generator = np.random.default_rng(5)
    groups = [f"prompt {number}" for number in range(60) for _ in range(4)]
    yes = np.repeat(generator.uniform(size=60) < 0.4, 4)
    parts = folds(groups, yes, 5)

    for group in set(groups):
        assert len({part for part, name in zip(parts, groups, strict=True) if name == group}) == 1
    counts = [int(yes[parts == part].sum()) for part in range(5)]
    assert max(counts) - min(counts) <= 4
    order = generator.permutation(len(groups))
    again = folds([groups[i] for i in order], yes[order], 5)
    assert again.tolist() == parts[order].tolist()


def test_nothing_is_told_by_what_it_was_fitted_to() -> None:
    scores, yes = drawn(6)
    parts = folds([str(number) for number in range(len(scores))], yes)
    seen: list[set[float]] = []

    def fit(values, wanted):
        seen.append(set(values))
        return lambda out: np.full(len(out), wanted.mean())

    told = held_out(np.arange(len(scores)), yes, parts, fit)
    for part, training in zip(np.unique(parts), seen, strict=True):
        assert not training & set(np.flatnonzero(parts == part))
        assert told[parts == part] == pytest.approx(yes[parts != part].mean())


def test_brier_and_reliability_follow_their_definitions() -> None:
    said = np.array([0.1, 0.1, 0.3, 0.3, 0.7, 0.7, 0.9, 0.9])
    yes = np.array([False, False, False, True, True, False, True, True])
    bins = reliability(said, yes, 4)

    assert brier(said, yes) == pytest.approx(np.mean((said - yes) ** 2))
    assert [(one.count, one.said, one.seen) for one in bins] == [
        (2, pytest.approx(0.1), 0.0), (2, pytest.approx(0.3), 0.5),
        (2, pytest.approx(0.7), 0.5), (2, pytest.approx(0.9), 1.0),
    ]  # fmt: skip
    assert expected_error(bins) == pytest.approx((0.1 + 0.2 + 0.2 + 0.1) / 4)
    assert all(one.interval[0] <= one.seen <= one.interval[1] for one in bins)


def test_equal_probabilities_stay_in_one_bin() -> None:
    bins = reliability([0.2] * 50 + [0.8] * 30, [True] * 80)

    assert [one.count for one in bins] == [50, 30]


# --- thresholds ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_youdens_threshold_is_the_best_of_all(seed: int) -> None:
    scores, fault = drawn(seed)

    def gain(threshold: float) -> float:
        return float((scores[fault] >= threshold).mean() - (scores[~fault] >= threshold).mean())

    chosen = alarm_youden(scores, fault)
    assert gain(chosen) == pytest.approx(max(gain(value) for value in scores))
    alarms = (scores >= chosen).sum()
    better = [value for value in scores if (scores >= value).sum() < alarms and gain(value) >= gain(chosen) - 1e-12]
    assert not better, "fewer alarms would do as well"


@pytest.mark.parametrize("seed", range(6))
def test_a_balanced_threshold_lies_where_a_fault_is_as_likely_as_faults_are(seed: int) -> None:
    scores, fault = drawn(seed)
    intercept, slope = logistic(scores, fault)
    chosen = alarm_balanced(scores, fault)

    assert 1 / (1 + np.exp(-(intercept + slope * chosen))) == pytest.approx(fault.mean(), abs=1e-5)
    flat = [0.5] * 20
    assert alarm_balanced(flat, [False] * 10 + [True] * 10) == alarm_youden(flat, [False] * 10 + [True] * 10)


@pytest.mark.parametrize(("faultless", "share"), [(19, 0.05), (39, 0.05), (99, 0.01), (50, 0.1), (9, 0.1)])
def test_a_further_faultless_score_is_alarmed_as_seldom_as_was_asked(faultless: int, share: float) -> None:
    """Of n + 1 faultless scores, at most that share lie above the threshold that the others have."""
    scores = np.random.default_rng(faultless).normal(size=faultless + 1)
    alarmed = 0
    for new in range(len(scores)):
        rest = np.delete(scores, new)
        threshold = alarm_from([*rest, -99.0], [False] * faultless + [True], share)
        assert threshold is not None
        alarmed += scores[new] >= threshold
    assert alarmed <= share * (faultless + 1) + 1e-9
    assert alarmed >= 1


def test_too_few_faultless_scores_have_no_threshold() -> None:
    assert alarm_from([0.1] * 18 + [0.9], [False] * 18 + [True], 0.05) is None
    assert alarm_from(np.linspace(0, 1, 20), [False] * 19 + [True], 0.05) is not None


def test_equal_scores_are_never_split_by_a_threshold() -> None:
    scores = [0.0] * 30 + [0.5] * 10 + [0.5] * 5
    fault = [False] * 40 + [True] * 5

    assert alarm_from(scores, fault, 0.1) > 0.5
    assert alarm_youden(scores, fault) == 0.25


def test_a_threshold_has_no_more_decimals_than_a_measure() -> None:
    assert alarm_youden([0.1, 0.4000001, 0.7, 0.8], [False, False, True, True]) == 0.55
    assert alarm_youden([0.0, 0.0000001], [False, True]) == 0.0000001
    scores, fault = drawn(11, ties=False)
    assert alarm_balanced(scores, fault) == round(alarm_balanced(scores, fault), 6)


def test_held_out_alarms_use_the_other_folds_thresholds() -> None:
    scores, fault = drawn(7)
    parts = folds([str(number) for number in range(len(scores))], fault)
    alarms = alarms_held_out(scores, fault, parts, alarm_balanced)

    assert alarms is not None
    for part in np.unique(parts):
        threshold = alarm_balanced(scores[parts != part], fault[parts != part])
        assert alarms[parts == part].tolist() == (scores[parts == part] >= threshold).tolist()
    assert alarms_held_out(scores, fault, parts, lambda *_: None) is None


# --- graded judgements --------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_rank_correlation_is_scipys(seed: int) -> None:
    generator = np.random.default_rng(seed)
    first = generator.normal(size=30).round(1)
    second = (first + generator.normal(size=30)).round(0)
    found = spearman(first, second)

    assert found is not None
    assert found[0] == pytest.approx(spearmanr(first, second).statistic)
    assert found[1] is not None
    assert found[1][0] < found[0] < found[1][1]


def test_rank_correlation_knows_when_it_says_nothing() -> None:
    assert spearman([1, 2, 3], [5, 5, 5]) is None
    assert spearman([1, 2, 3, 4], [1, 2, 3, 4]) == (1.0, None)


def test_pairs_are_counted_within_groups_and_human_ties_left_out() -> None:
    generator = np.random.default_rng(8)
    scores, human = generator.normal(size=24).round(1), generator.integers(1, 4, 24)
    groups = [str(number % 5) for number in range(24)]
    right, pairs = 0.0, 0
    for i, j in itertools.combinations(range(24), 2):
        if groups[i] == groups[j] and human[i] != human[j]:
            pairs += 1
            agree = (scores[i] - scores[j]) * (human[i] - human[j])
            right += 0.5 if agree == 0 else float(agree > 0)
    found = pairwise(scores, human, groups)

    assert found is not None
    assert (found.value, found.pairs) == (pytest.approx(right / pairs), pairs)
    assert pairwise([1.0, 2.0], [3.0, 3.0]) is None


def test_without_ties_pairs_are_kendalls_tau() -> None:
    generator = np.random.default_rng(9)
    first = generator.permutation(40)
    second = generator.permutation(40)
    found = pairwise(first, second)

    assert found is not None
    assert 2 * found.value - 1 == pytest.approx(kendalltau(first, second).statistic)


def test_the_jackknife_leaves_out_one_at_a_time() -> None:
    generator = np.random.default_rng(10)
    human = generator.normal(size=40)
    scores = human + generator.normal(size=40)
    groups = [str(number // 4) for number in range(40)]
    for names in (None, groups):
        found = pairwise(scores, human, names)
        assert found is not None
        assert found.interval is not None
        units = [[i] for i in range(40)] if names is None else [list(range(i, i + 4)) for i in range(0, 40, 4)]
        estimates = []
        for unit in units:
            kept = [i for i in range(40) if i not in unit]
            one = pairwise(scores[kept], human[kept], None if names is None else [groups[i] for i in kept])
            assert one is not None
            estimates.append(one.value)
        error = np.sqrt((len(units) - 1) / len(units) * np.sum((np.array(estimates) - np.mean(estimates)) ** 2))
        assert found.interval == pytest.approx((found.value - 1.959964 * error, found.value + 1.959964 * error))
