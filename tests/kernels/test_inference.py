"""The tests of a regression against scipy and statsmodels, and their error rates by simulation."""

from __future__ import annotations

import doctest
import itertools

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as other_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from imgaudit.kernels import inference


def sample(size: int, seed: int = 0, mean: float = -0.05) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 0.2, size)


def all_there(gains: np.ndarray) -> np.ndarray:
    return np.ones(gains.shape, bool)


def most(chance: float, repeats: int) -> float:
    """A share that as many repeats exceed once in ten thousand times."""
    return float(stats.binom.ppf(0.9999, repeats, chance)) / repeats


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(inference).failed == 0


# --- one mean --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 3, 12, 200])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_interval_is_students(size: int, level: float):
    values = sample(size)
    expected = stats.ttest_1samp(values, 0).confidence_interval(level)
    assert inference.t_interval(values, level) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("size", [2, 3, 12, 200])
def test_the_loss_is_tested_with_students_t(size: int):
    values = sample(size)
    assert inference.t_loss(values) == pytest.approx(stats.ttest_1samp(values, 0, alternative="less").pvalue)


@pytest.mark.parametrize("gains", [[], [-0.4], [0.0, 0.0], [-0.3] * 50, [0.1 + 0.2 - 0.3, 0.0, 0.0]])
def test_without_a_spread_there_is_no_interval_and_no_evidence(gains: list[float]):
    assert inference.t_interval(gains) is None
    assert inference.lowest_gain(gains) is None
    assert inference.t_loss(gains) == 1.0


@pytest.mark.parametrize("size", [3, 12, 200])
def test_the_lowest_gain_follows_johnsons_correction_and_only_downwards(size: int):
    down = -(np.random.default_rng(size).exponential(0.1, size))
    reach, spread = stats.t.ppf(0.975, size - 1), down.std(ddof=1)
    # Johnson's statistic is t plus two terms in the third moment; solved for the mean with t put in for itself
    skew = stats.skew(down, bias=False)
    expected = down.mean() - reach * spread / size**0.5 + skew * spread * (1 + 2 * reach**2) / (6 * size)
    interval = inference.t_interval(down)
    upwards = inference.t_interval(-down)
    assert interval is not None
    assert upwards is not None
    assert skew < 0
    assert inference.lowest_gain(down) == pytest.approx(expected)
    assert expected < interval[0]
    assert inference.lowest_gain(-down) == upwards[0]


# --- sign flips ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 5, 12])
def test_few_prompts_are_enumerated_and_agree_with_scipy(size: int):
    values = sample(size, seed=size)
    found = inference.sign_flip(values[None], all_there(values[None]))
    expected = stats.permutation_test((values,), np.mean, permutation_type="samples", alternative="less")
    assert found.exact
    assert found.flips == 2**size
    assert found.p[0] == pytest.approx(expected.pvalue)
    assert found.p[0] == found.adjusted[0]


def test_one_prompt_has_two_signs():
    assert inference.sign_flip([[-0.5]], [[True]]).p.tolist() == [0.5]
    assert inference.sign_flip([[0.5]], [[True]]).p.tolist() == [1.0]


def test_drawn_flips_agree_with_all_flips_within_chance():
    values = sample(13, seed=4)[None]
    drawn = inference.sign_flip(values, all_there(values), flips=8_000)
    whole = inference.sign_flip(values, all_there(values), flips=8_192)
    assert whole.exact
    assert not drawn.exact
    assert drawn.p[0] == pytest.approx(whole.p[0], abs=4 * (whole.p[0] * (1 - whole.p[0]) / 8_000) ** 0.5)


def test_many_prompts_agree_with_the_t_test():
    values = sample(1_000, mean=-0.01)[None]
    found = inference.sign_flip(values, all_there(values))
    assert found.p[0] == pytest.approx(inference.t_loss(values[0]), abs=0.012)


def test_a_drawn_p_is_never_zero_and_the_same_seed_gives_the_same_p():
    values = np.full((1, 40), -0.5)
    first = inference.sign_flip(values, all_there(values), flips=99)
    assert first.p[0] == 1 / 100
    noisy = sample(40)[None]
    one, other = (inference.sign_flip(noisy, all_there(noisy), flips=500, seed=3) for _ in range(2))
    assert one.p[0] == other.p[0]


def test_ties_count_as_flips_at_least_as_extreme():
    # sums of +-0.1 twice and +-0.2: all four turned signs of the two small ones tie in pairs
    values = np.array([[0.1, 0.1, -0.2]])
    sums = [sum(s * v for s, v in zip(signs, values[0], strict=True)) for signs in itertools.product((1, -1), repeat=3)]
    expected = np.mean([total <= values.sum() + 1e-12 for total in sums])
    assert inference.sign_flip(values, all_there(values)).p[0] == expected == 5 / 8


def test_the_family_is_adjusted_as_westfall_and_young_say():
    gains = np.random.default_rng(8).normal(-0.1, 0.2, (4, 8))
    present = all_there(gains)
    present[1, :3] = False
    found = inference.sign_flip(np.where(present, gains, np.nan), present)

    def statistic(signs: tuple[int, ...], test: int) -> float:
        kept = present[test]
        return float((np.array(signs) * gains[test])[kept].sum() / np.sqrt((gains[test][kept] ** 2).sum()))

    patterns = list(itertools.product((1, -1), repeat=8))
    table = np.array([[statistic(signs, test) for test in range(4)] for signs in patterns])
    observed = table[0]
    order = np.argsort(observed)
    floor = 0.0
    for rank, test in enumerate(order):
        at_least = float((table[:, order[rank:]].min(axis=1) <= observed[test] + 1e-9).mean())
        floor = max(floor, at_least)
        assert found.adjusted[test] == pytest.approx(floor)
        assert found.p[test] == pytest.approx(float((table[:, test] <= observed[test] + 1e-9).mean()))


def test_a_measure_seen_on_two_prompts_does_not_drown_the_family():
    gains = np.vstack([sample(40, mean=-0.3), np.full(40, -0.1)])
    present = all_there(gains)
    present[1, 2:] = False
    assert inference.sign_flip(gains, present).adjusted[0] < 0.001


def test_what_was_never_told_is_no_evidence():
    gains = np.vstack([sample(10), np.full(10, np.nan), np.zeros(10)])
    present = all_there(gains)
    present[1] = False
    assert inference.sign_flip(gains, present).p[1:].tolist() == [1.0, 1.0]
    nothing = inference.sign_flip(np.empty((1, 0)), np.empty((1, 0), bool))
    assert nothing.p.tolist() == nothing.adjusted.tolist() == [1.0]


def test_a_gain_that_is_no_number_is_refused_where_it_is_said_to_be_there():
    with pytest.raises(ValueError, match="not finite"):
        inference.sign_flip(np.array([[0.1, np.nan]]), np.ones((1, 2), bool))


def test_twelve_correlated_measures_alarm_no_more_often_than_they_say():
    repeats, random = 400, np.random.default_rng(11)
    alarms = holm_alarms = 0
    for index in range(repeats):
        shared = random.normal(size=(1, 20))
        gains = 0.7 * shared + 0.7 * random.normal(size=(12, 20))
        found = inference.sign_flip(gains, all_there(gains), flips=999, seed=index)
        alarms += found.adjusted.min() <= 0.05
        holm_alarms += min(inference.holm(found.p)) <= 0.05
    assert alarms / repeats <= most(0.05, repeats)
    assert holm_alarms / repeats <= most(0.05, repeats)
    assert alarms > holm_alarms  # it uses the correlation


def test_ten_thousand_prompts_of_twenty_measures_stay_small():
    import tracemalloc

    gains = np.random.default_rng(0).normal(size=(20, 10_000))
    tracemalloc.start()
    inference.sign_flip(gains, all_there(gains), flips=1_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6


def test_measuring_less_often_is_found():
    base = np.ones(12)
    assert inference.fewer_told(base, np.full(12, 0.5)) == pytest.approx(2.0**-12)
    assert inference.fewer_told(base, base) == 1.0
    assert inference.fewer_told(np.zeros(12), base) == 1.0


# --- families and rates ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ours", "theirs"), [(inference.holm, "holm"), (inference.benjamini_hochberg, "fdr_bh")])
@pytest.mark.parametrize("p_values", [[0.01, 0.04, 0.03, 0.5, 0.04], [0.2], [0.9, 0.8]])
def test_adjusted_p_values_agree_with_statsmodels(ours, theirs: str, p_values: list[float]):
    assert ours(p_values) == pytest.approx(multipletests(p_values, method=theirs)[1].tolist())


def test_a_family_of_none_needs_no_adjustment():
    assert inference.holm([]) == []


@pytest.mark.parametrize(("fired", "of"), [(0, 64), (1, 10), (7, 7), (30, 100)])
def test_the_interval_of_a_rate_is_clopper_and_pearsons(fired: int, of: int):
    assert inference.clopper_pearson(fired, of) == pytest.approx(proportion_confint(fired, of, method="beta"))
    one_sided = stats.binomtest(fired, of, alternative="less").proportion_ci(0.95, "exact")
    assert inference.clopper_pearson(fired, of, side="upper") == pytest.approx((0.0, one_sided.high))


def test_the_rate_of_nothing_is_unknown():
    assert inference.clopper_pearson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="3 of 2"):
        inference.clopper_pearson(3, 2)


@pytest.mark.parametrize(("worse", "better"), [(5, 0), (9, 3), (20, 18)])
def test_mcnemar_is_exact(worse: int, better: int):
    expected = stats.binomtest(worse, worse + better, alternative="greater").pvalue
    assert inference.mcnemar(worse, better) == pytest.approx(expected)
    two_sided = other_mcnemar([[0, worse], [better, 0]], exact=True).pvalue
    assert min(1.0, 2 * inference.mcnemar(worse, better)) == pytest.approx(two_sided)


def test_mcnemar_without_a_worse_pair_finds_nothing():
    assert inference.mcnemar(0, 0) == inference.mcnemar(0, 9) == 1.0


# --- the answer ------------------------------------------------------------------------------------------------------


def test_an_unchanged_model_passes_and_a_worse_one_does_not():
    still, worse = sample(50, mean=0.0), sample(50, mean=-0.3)
    p = [float(inference.sign_flip(g[None], all_there(g[None])).p[0]) for g in (still, worse)]
    assert inference.non_inferior(still, 0.1, 0.02, p[0]) == "pass"
    assert inference.non_inferior(worse, 0.1, 0.02, p[1]) == "regressed"
    assert inference.non_inferior(still, 0.01, 0.0, p[0]) == "inconclusive"


def test_a_real_loss_within_the_margin_passes():
    gains = np.random.default_rng(2).normal(-0.03, 0.02, 100)
    p = float(inference.sign_flip(gains[None], all_there(gains[None])).p[0])
    assert p < 0.001
    assert inference.non_inferior(gains, 0.05, 0.01, p) == "pass"
    assert inference.non_inferior(gains, 0.02, 0.01, p) == "regressed"


def test_a_loss_too_small_to_matter_is_no_alarm():
    gains = np.random.default_rng(2).normal(-0.03, 0.02, 100)
    assert inference.non_inferior(gains, 0.02, 0.05, 0.001) == "inconclusive"


def test_a_small_p_of_gains_that_did_not_fall_is_no_alarm():
    assert inference.non_inferior(sample(30, mean=0.3), 0.0, 0.0, 0.001) == "inconclusive"


@pytest.mark.parametrize(
    "gains",
    [
        [], [0.0], [0.9], [0.0, 0.0], [0.5, 0.50001], [0.01, 0.02, 0.03, 0.04, 0.05], [0.0] * 500, [0.2] * 500,
        [0.1 + 0.2 - 0.3] * 3 + [0.0] * 100, [0.0] * 200 + [-0.01, 0.01, -0.01, 0.02, 0.01],
    ],
    ids=["none", "one", "one better", "two equal", "two", "five", "all zero", "all better", "rounding", "five moved"],
)  # fmt: skip
def test_too_little_to_know_the_spread_is_never_a_pass(gains: list[float]):
    values = np.array(gains)[None]
    p = float(inference.sign_flip(values, all_there(values)).p[0])
    assert inference.non_inferior(gains, 0.9, 0.0, p) == "inconclusive"


def test_no_margin_is_never_a_pass():
    assert inference.non_inferior(sample(50, mean=0.3), 0.0, 0.0, 1.0) == "inconclusive"


def test_the_same_loss_on_every_prompt_is_found_though_it_has_no_spread():
    gains = np.full((1, 8), -0.5)
    p = float(inference.sign_flip(gains, all_there(gains)).p[0])
    assert p == 2.0**-8
    assert inference.non_inferior(gains[0], 0.05, 0.02, p) == "regressed"


def test_two_prompts_can_neither_pass_nor_alarm():
    for gains in ([-0.9, -0.8], [0.9, 0.8], [-0.5, -0.5]):
        values = np.array([gains])
        p = float(inference.sign_flip(values, all_there(values)).p[0])
        assert p >= 0.25
        assert inference.non_inferior(gains, 0.05, 0.0, p) == "inconclusive"


def binary(random: np.random.Generator, prompts: int, loss: float) -> np.ndarray:
    """Gains of one picture a prompt that is right or wrong."""
    level = random.beta(9, 1, prompts)
    return (random.random(prompts) < level * (1 - loss / 0.9)).astype(float) - (random.random(prompts) < level)


def skewed(random: np.random.Generator, prompts: int, loss: float) -> np.ndarray:
    """Gains where one prompt in ten carries the whole loss."""
    return random.normal(0, 0.05, prompts) - (random.random(prompts) < 0.1) * loss / 0.1


@pytest.mark.parametrize("draw", [binary, skewed])
def test_a_loss_as_large_as_the_margin_passes_no_more_often_than_it_says(draw):
    repeats, random = 2_000, np.random.default_rng(5)
    passed = sum(inference.non_inferior(draw(random, 200, 0.05), 0.05, 0.0, 1.0) == "pass" for _ in range(repeats))
    assert passed / repeats <= most(0.025, repeats)


@pytest.mark.parametrize("draw", [binary, skewed])
def test_an_unchanged_model_is_called_worse_no_more_often_than_it_says(draw):
    repeats, random = 400, np.random.default_rng(6)
    alarms = 0
    for index in range(repeats):
        gains = draw(random, 30, 0.0)
        p = float(inference.sign_flip(gains[None], all_there(gains[None]), flips=999, seed=index).p[0])
        alarms += inference.non_inferior(gains, 0.01, 0.0, p) == "regressed"
    assert alarms / repeats <= most(0.05, repeats)
