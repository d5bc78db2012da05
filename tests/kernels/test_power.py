"""Planning and shrinkage against statsmodels and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.power import TTestPower

from imgaudit.kernels import power
from imgaudit.kernels.inference import t_loss
from imgaudit.kernels.power import VarianceParts

PARTS = VarianceParts(between=1.0, interaction=0.35**2, within=0.8**2)


def runs(prompts: int, seeds: int, seed: int = 0, parts: VarianceParts = PARTS) -> tuple[np.ndarray, np.ndarray]:
    """Two runs whose true variance parts are known."""
    random = np.random.default_rng(seed)
    level = random.normal(0, parts.between**0.5, (prompts, 1))
    moved = random.normal(0, parts.interaction**0.5, (prompts, 1))
    noise = random.normal(0, parts.within**0.5, (2, prompts, seeds))
    return level + noise[0], level + moved + noise[1]


# --- variance parts --------------------------------------------------------------------------------------------------


def test_variance_parts_are_found_again_in_large_runs():
    found = power.variance_parts(*(run.tolist() for run in runs(4_000, 4)))
    assert found is not None
    assert found.within == pytest.approx(PARTS.within, rel=0.05)
    assert found.interaction == pytest.approx(PARTS.interaction, rel=0.25)
    assert found.between == pytest.approx(PARTS.between, rel=0.1)


def test_the_parts_give_back_the_variance_of_the_gains():
    base, candidate = runs(60, 4, seed=2)
    found = power.variance_parts(base.tolist(), candidate.tolist())
    assert found is not None
    assert found.interaction > 0
    assert found.of_gain(4) == pytest.approx(float((candidate.mean(1) - base.mean(1)).var(ddof=1)))


def test_one_run_agrees_with_a_mixed_model_fitted_by_restricted_likelihood():
    scores = runs(40, 5, seed=3)[0]
    found = power.variance_parts_single(scores.tolist())
    model = MixedLM(scores.ravel(), np.ones((scores.size, 1)), groups=np.repeat(np.arange(40), 5)).fit()
    assert found is not None
    assert found.within == pytest.approx(model.scale, rel=1e-4)
    assert found.between == pytest.approx(float(model.cov_re[0, 0]), rel=1e-3)
    assert found.interaction == pytest.approx(0.2 * found.between)


def test_prompts_may_have_different_numbers_of_seeds_and_none():
    base, candidate = runs(3_000, 6, seed=4)
    random = np.random.default_rng(4)
    cut = [
        [run[index, : random.integers(0, 7)].tolist() for index in range(len(run))] for run in (base, candidate)
    ]
    found = power.variance_parts(*cut)
    assert found is not None
    assert found.within == pytest.approx(PARTS.within, rel=0.05)
    assert found.interaction == pytest.approx(PARTS.interaction, rel=0.5)


@pytest.mark.parametrize("scores", [[], [[0.5, 0.6]], [[0.1], [0.2], [0.3]], [[], [], [0.4, 0.2]]])
def test_a_pilot_that_cannot_tell_luck_from_change_gives_none(scores: list[list[float]]):
    assert power.variance_parts(scores, scores) is None
    assert power.variance_parts_single(scores) is None


def test_a_pilot_without_any_spread_has_no_parts_above_zero():
    same = [[0.5, 0.5]] * 10
    assert power.variance_parts(same, same) == VarianceParts(0.0, 0.0, 0.0)


# --- planning --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prompts", [3, 12, 50, 200])
@pytest.mark.parametrize(("alpha", "wanted"), [(0.05, 0.8), (0.025, 0.9)])
def test_the_detectable_loss_agrees_with_statsmodels(prompts: int, alpha: float, wanted: float):
    loss = power.detectable(PARTS, prompts, 4, alpha, wanted)
    effect = loss / math.sqrt(PARTS.of_gain(4))
    assert TTestPower().power(effect, prompts, alpha, alternative="larger") == pytest.approx(wanted, abs=1e-6)


def test_the_detectable_loss_nears_the_published_figures_for_a_two_sided_five_percent():
    # z in place of t: 0.264 at 50 prompts of 4 seeds, 0.132 at 200
    assert power.detectable(PARTS, 50, 4, 0.025) == pytest.approx(0.264, rel=0.03)
    assert power.detectable(PARTS, 200, 4, 0.025) == pytest.approx(0.132, rel=0.01)


def test_the_detectable_loss_is_smooth_where_the_formula_changes():
    below, above = (power.detectable(PARTS, prompts, 4) for prompts in (5_001, 5_002))
    assert above == pytest.approx(below, rel=5e-4)
    assert above < below


def test_the_promised_power_is_there():
    prompts, seeds, repeats = 12, 2, 1_500
    loss = power.detectable(PARTS, prompts, seeds)
    found = 0
    for repeat in range(repeats):
        base, candidate = runs(prompts, seeds, seed=repeat)
        found += t_loss(candidate.mean(1) - base.mean(1) - loss) <= 0.05
    assert found / repeats == pytest.approx(0.8, abs=4 * math.sqrt(0.16 / repeats))


def test_one_prompt_finds_nothing_and_no_spread_hides_nothing():
    assert power.detectable(PARTS, 1, 16) == math.inf
    assert power.detectable(PARTS, 50, 0) == math.inf
    assert power.detectable(VarianceParts(1.0, 0.0, 0.0), 2, 1) == 0.0


@pytest.mark.parametrize("effect", [0.05, 0.2, 0.5, 5.0])
def test_the_prompts_needed_are_just_enough(effect: float):
    needed = power.prompts_needed(PARTS, effect, 4)
    assert needed is not None
    assert power.detectable(PARTS, needed, 4) <= effect
    assert needed == 2 or power.detectable(PARTS, needed - 1, 4) > effect


def test_an_effect_beyond_a_million_prompts_is_out_of_reach():
    assert power.prompts_needed(PARTS, 1e-5, 1) is None
    assert power.cheapest(PARTS, 1e-5, 1.0, 1.0) is None
    with pytest.raises(ValueError, match="above zero"):
        power.prompts_needed(PARTS, 0.0, 1)


def test_the_cheapest_design_is_the_cheapest_of_all_and_near_the_formula():
    cost_prompt, cost_image = 30.0, 1.0
    best = power.cheapest(PARTS, 0.1, cost_prompt, cost_image)
    assert best is not None
    tried = [
        (power.prompts_needed(PARTS, 0.1, seeds) or math.inf) * (cost_prompt + seeds * cost_image)
        for seeds in range(1, 65)
    ]
    assert best.cost == min(tried)
    assert best.seeds == pytest.approx(math.sqrt(2 * PARTS.within * cost_prompt / PARTS.interaction), abs=3)


def test_free_prompts_want_one_seed():
    best = power.cheapest(PARTS, 0.1, 0.0, 1.0)
    assert best is not None
    assert best.seeds == 1


# --- shrinkage -------------------------------------------------------------------------------------------------------


def test_shrinkage_uses_the_variance_of_paule_and_mandel():
    random = np.random.default_rng(7)
    variances = random.uniform(0.01, 0.1, 30)
    gains = random.normal(-0.1, 0.3, 30) + random.normal(0, variances**0.5)
    other = combine_effects(gains, variances, method_re="iterated", atol=1e-12, maxiter=500)
    spread, weights = other.tau2, 1 / (variances + other.tau2)
    mean = weights @ gains / weights.sum()
    assert spread > 0
    expected = mean + (gains - mean) * spread / (spread + variances)
    assert power.shrink(gains, variances) == pytest.approx(expected, abs=1e-6)


def test_luck_alone_is_shrunk_to_the_mean():
    gains = np.array([-0.1, 0.1, -0.1, 0.1])
    assert power.shrink(gains, np.full(4, 0.5)) == pytest.approx(np.zeros(4))


def test_a_gain_that_rests_on_little_is_not_put_first():
    gains = np.array([-0.5, -0.4, 0.1, 0.0, 0.05, -0.05, 0.02, -0.02])
    variances = np.array([0.3, 0.005, *[0.005] * 6])
    shrunk = power.shrink(gains, variances)
    assert int(gains.argmin()) == 0
    assert int(shrunk.argmin()) == 1


@pytest.mark.parametrize("gains", [[], [0.3], [0.2, 0.2, 0.2], [0.0, 0.0]])
def test_what_cannot_be_shrunk_stays(gains: list[float]):
    assert power.shrink(gains, np.zeros(len(gains))) == pytest.approx(gains)


def test_exact_gains_are_not_shrunk():
    assert power.shrink([-0.3, 0.1, 0.2], [0.0, 0.0, 0.0]) == pytest.approx([-0.3, 0.1, 0.2])


def test_shrunk_gains_are_nearer_to_the_truth():
    random = np.random.default_rng(9)
    truth = random.normal(0, 0.1, 400)
    seen = truth + random.normal(0, 0.2, 400)
    shrunk = power.shrink(seen, np.full(400, 0.04))
    assert ((shrunk - truth) ** 2).mean() < 0.5 * ((seen - truth) ** 2).mean()
