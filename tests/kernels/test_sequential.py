"""Confidence sequences against the formula of the paper, written out, and by looking at every moment."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from imgaudit.kernels.sequential import confidence_sequence, rounds_sequence


def written_out(values: list[float], alpha: float, boldest: float = 0.5) -> list[tuple[float, float]]:
    """Theorem 2 of Waudby-Smith and Ramdas for values in 0..1, one at a time, with its 4 v psi / 4 as printed."""
    mean, variance = 0.5, 0.25
    top = bottom = price = 0.0
    seen: list[float] = []
    squares: list[float] = []
    lower, upper, ends = 0.0, 1.0, []
    for index, value in enumerate(values, 1):
        bet = min(boldest, math.sqrt(2 * math.log(2 / alpha) / (variance * index * math.log(index + 1))))
        top += bet * value
        bottom += bet
        price += 4 * (value - mean) ** 2 * (-math.log(1 - bet) - bet) / 4
        half = (math.log(2 / alpha) + price) / bottom
        lower, upper = max(lower, top / bottom - half), min(upper, top / bottom + half)
        ends.append((lower, upper))
        squares.append((value - mean) ** 2)
        seen.append(value)
        mean = (0.5 + sum(seen)) / (index + 1)
        variance = (0.25 + sum(squares)) / (index + 1)
    return ends


def test_the_sequence_is_the_one_of_the_paper():
    values = np.random.default_rng(0).beta(2, 5, 60)
    lower, upper = confidence_sequence(values, 0.0, 1.0, 0.05)
    expected = np.array(written_out(values.tolist(), 0.05))
    assert lower == pytest.approx(expected[:, 0])
    assert upper == pytest.approx(expected[:, 1])


def test_limits_and_unit_follow_the_gains():
    gains = np.random.default_rng(1).uniform(-0.3, 0.2, 80)
    lower, upper = confidence_sequence(gains, -1.0, 1.0)
    wide = confidence_sequence(100 * gains, -100.0, 100.0)
    assert wide[0] == pytest.approx(100 * lower)
    assert wide[1] == pytest.approx(100 * upper)


def test_ends_only_close_in_and_stay_within_the_limits():
    gains = np.random.default_rng(2).choice([-1.0, 0.0, 1.0], 300)
    lower, upper = confidence_sequence(gains, -1.0, 1.0)
    assert (np.diff(lower) >= 0).all()
    assert (np.diff(upper) <= 0).all()
    assert lower.min() >= -1
    assert upper.max() <= 1


def test_more_rounds_never_unsay_a_decision():
    """Running again until it is green is of no use: what was seen stays in."""
    random = np.random.default_rng(3)
    worse = np.clip(random.normal(-0.2, 0.2, (6, 60)), -1, 1)
    lucky = np.clip(random.normal(0.2, 0.2, (6, 60)), -1, 1)
    decided = rounds_sequence(worse, -1.0, 1.0)[1]
    later = rounds_sequence(np.vstack([worse, lucky]), -1.0, 1.0)[1]
    assert decided[-1] < 0
    assert later[:6] == pytest.approx(decided)
    assert later[-1] <= decided[-1]


def most_wrong(alpha: float, repeats: int) -> int:
    return int(stats.binom.ppf(0.9999, repeats, alpha))


@pytest.mark.parametrize("kind", ["even", "skewed", "binary"])
def test_the_truth_is_inside_at_every_look(kind: str):
    random, repeats, wrong, looked = np.random.default_rng(4), 400, 0, 200
    for _ in range(repeats):
        match kind:
            case "even":
                gains, truth = random.uniform(-0.5, 0.4, looked), -0.05
            case "skewed":
                gains, truth = -(random.random(looked) < 0.05).astype(float), -0.05
            case _:
                gains, truth = random.choice([-1.0, 1.0], looked), 0.0
        lower, upper = confidence_sequence(gains, -1.0, 1.0, 0.1)
        wrong += bool(((lower > truth) | (upper < truth)).any())
    assert wrong <= most_wrong(0.1, repeats)


def test_the_truth_of_these_prompts_is_inside_after_every_round_though_prompts_differ():
    random, repeats, wrong = np.random.default_rng(5), 300, 0
    effects = random.uniform(-0.6, 0.5, 30)
    for _ in range(repeats):
        gains = np.clip(effects + random.uniform(-0.4, 0.4, (10, 30)), -1, 1)
        lower, upper = rounds_sequence(gains, -1.0, 1.0, 0.1)
        wrong += bool(((lower > effects.mean()) | (upper < effects.mean())).any())
    assert wrong <= most_wrong(0.1, repeats)


def test_students_interval_looked_at_again_and_again_errs_and_the_sequence_does_not():
    from imgaudit.kernels.inference import t_interval

    random, repeats = np.random.default_rng(6), 150
    student = ours = 0
    for _ in range(repeats):
        gains = random.uniform(-0.5, 0.5, 150)
        looks = [t_interval(gains[:count]) for count in range(10, 151)]
        student += any(look is not None and not look[0] <= 0 <= look[1] for look in looks)
        lower, upper = confidence_sequence(gains, -1.0, 1.0, 0.05)
        ours += bool(((lower > 0) | (upper < 0)).any())
    assert ours <= most_wrong(0.05, repeats)
    assert student > most_wrong(0.05, repeats)


def test_what_a_prompt_did_before_narrows_the_interval_of_rounds():
    random = np.random.default_rng(7)
    effects = random.uniform(-0.8, 0.8, 50)
    gains = np.clip(effects + random.normal(0, 0.05, (12, 50)), -1, 1)
    rounds = rounds_sequence(gains, -1.0, 1.0)
    stream = confidence_sequence(gains.ravel(), -1.0, 1.0)
    assert rounds[1][-1] - rounds[0][-1] < 0.7 * (stream[1][-1] - stream[0][-1])


@pytest.mark.parametrize("gains", [[0.0, 1.2], [-2.0], [float("nan")]])
def test_gains_beyond_their_limits_are_refused(gains: list[float]):
    with pytest.raises(ValueError, match="outside -1"):
        confidence_sequence(gains, -1, 1)


def test_limits_the_wrong_way_round_are_refused():
    with pytest.raises(ValueError, match="lower one first"):
        rounds_sequence([[0.0]], 1, -1)


def test_nothing_seen_is_nothing_known():
    lower, upper = confidence_sequence([], -1, 1)
    assert len(lower) == len(upper) == 0
    lower, upper = confidence_sequence([0.5], -1, 1)
    assert (lower[0], upper[0]) == (-1, 1)
