"""How large a loss can be seen with so many prompts and seeds, and which prompts stand out.

Scores are taken as the sum of a level of the prompt, what the model does differently on that prompt, and the luck of
the seed: the two-level model of clustered evaluations (Miller 2024, arXiv 2411.00640). With P prompts and S seeds on
both sides the mean gain has the variance (interaction + 2 within / S) / P, so that more seeds help down to the
interaction only, and more prompts help without end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import nctdtr, ndtri, stdtrit

Floats = NDArray[np.float64]
Scores = Sequence[Sequence[float]]
"""For each prompt the scores of its seeds; prompts may have different numbers of them, and none."""

MOST_PROMPTS = 1_000_000
MOST_SEEDS = 64

AGREEMENT = 0.9
"""Assumed correlation of the prompts' levels before and after an update, where only one run is at hand."""


@dataclass(frozen=True, slots=True)
class VarianceParts:
    """What scores vary by, in squared units of the measure.

    Attributes:
        between: of the prompts' levels, which pairing removes.
        interaction: of the prompts' true gains between the two models.
        within: of seeds on one prompt and model.
    """

    between: float
    interaction: float
    within: float

    def of_gain(self, seeds: int) -> float:
        """Variance of one prompt's gain with so many seeds on both sides."""
        return self.interaction + 2 * self.within / seeds


def variance_parts(base: Scores, candidate: Scores) -> VarianceParts | None:
    """Variance parts from two runs of the same prompts, by the method of moments; unequal numbers of seeds are fine.

    `within` is pooled over prompts and sides, `interaction` is the variance of the gains less what seeds explain, and
    `between` is the covariance of both sides' means; the last two are cut at zero. Prompts that lack scores on a side
    are left out. None where fewer than two prompts have both, or none has two seeds: then luck and change cannot be
    told apart. Limits: with few prompts the interaction is very uncertain, since it is a difference of variances.
    """
    pairs = [(np.asarray(b, float), np.asarray(c, float)) for b, c in zip(base, candidate, strict=True)]
    pairs = [(b, c) for b, c in pairs if len(b) and len(c)]
    within = _pooled([side for pair in pairs for side in pair])
    if len(pairs) < 2 or within is None:
        return None
    means = np.array([[b.mean(), c.mean()] for b, c in pairs])
    luck = within * float(np.mean([1 / len(b) + 1 / len(c) for b, c in pairs]))
    gains = means[:, 1] - means[:, 0]
    between = float(np.cov(means.T)[0, 1])
    return VarianceParts(max(0.0, between), max(0.0, float(gains.var(ddof=1)) - luck), within)


def variance_parts_single(scores: Scores, agreement: float = AGREEMENT) -> VarianceParts | None:
    """Variance parts from one run. How an update changes single prompts cannot be seen in it and is assumed.

    The interaction is 2 (1 - `agreement`) times the variance of the prompts' levels, which is what two models have
    whose levels correlate by `agreement`. None where fewer than two prompts were scored, or none with two seeds.
    """
    groups = [np.asarray(group, float) for group in scores if len(group)]
    within = _pooled(groups)
    if len(groups) < 2 or within is None:
        return None
    luck = within * float(np.mean([1 / len(group) for group in groups]))
    between = max(0.0, float(np.var([group.mean() for group in groups], ddof=1)) - luck)
    return VarianceParts(between, 2 * (1 - agreement) * between, within)


def _pooled(groups: Sequence[Floats]) -> float | None:
    """Variance within groups; None where no group has two members."""
    freedom = sum(len(group) - 1 for group in groups)
    if freedom < 1:
        return None
    return sum(float(((group - group.mean()) ** 2).sum()) for group in groups) / freedom


# --- planning --------------------------------------------------------------------------------------------------------


def detectable(parts: VarianceParts, prompts: int, seeds: int, alpha: float = 0.05, power: float = 0.8) -> float:
    """The smallest true loss that a one-sided paired t test at `alpha` finds with probability `power`.

    From the noncentral t distribution with P - 1 degrees of freedom; for many prompts it is
    (z(1 - alpha) + z(power)) times the standard error of the mean gain. Called with half the alpha of the interval it
    is the smallest margin that an unchanged model passes with `power`. Infinite for fewer than two prompts, and zero
    where nothing varies. For a family of m measures give it alpha / m (Bonferroni; max-T needs a little less).
    """
    if prompts < 2 or seeds < 1:
        return math.inf
    error = math.sqrt(parts.of_gain(seeds) / prompts)
    return _noncentrality(prompts - 1, alpha, power) * error


def _noncentrality(freedom: int, alpha: float, power: float) -> float:
    """The shift, in standard errors, at which a one-sided t test has this power."""
    critical = float(stdtrit(freedom, 1 - alpha))
    near = float(ndtri(1 - alpha) + ndtri(power))
    if freedom > 5_000:
        return near
    return float(brentq(lambda shift: 1 - nctdtr(freedom, shift, critical) - power, 0.0, 4 * critical + near))


def prompts_needed(
    parts: VarianceParts, effect: float, seeds: int, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """The fewest prompts with which a loss of `effect` is found with `power`; None where a million do not do.

    Args:
        parts: from a pilot.
        effect: the true loss to be found, above zero, in the measure's unit.
        seeds: on both sides.
        alpha: one-sided.
        power: 0.5 or more.
    """
    if effect <= 0:
        raise ValueError(f"effect: {effect}; expected a loss above zero")
    low, high = 2, 2
    while detectable(parts, high, seeds, alpha, power) > effect:
        low, high = high, high * 2
        if high > MOST_PROMPTS:
            return None
    while low < high:
        middle = (low + high) // 2
        fits = detectable(parts, middle, seeds, alpha, power) <= effect
        low, high = (low, middle) if fits else (middle + 1, high)
    return high


@dataclass(frozen=True, slots=True)
class Design:
    """So many prompts and seeds, and what they cost."""

    prompts: int
    seeds: int
    cost: float


def cheapest(
    parts: VarianceParts,
    effect: float,
    cost_prompt: float,
    cost_image: float,
    alpha: float = 0.05,
    power: float = 0.8,
    most_seeds: int = MOST_SEEDS,
) -> Design | None:
    """The cheapest prompts and seeds that find a loss of `effect`; None where nothing up to a million prompts does.

    Found by trying every number of seeds. Without rounding the best is sqrt(2 within cost_prompt / (interaction
    cost_image)). Costs are in any one unit; fewer seeds win a tie.

    Args:
        parts: from a pilot.
        effect: the true loss to be found, above zero.
        cost_prompt: of having one more prompt, whatever its seeds: writing it, keeping it.
        cost_image: of one more seed of one prompt, in all runs that are yet to be rendered.
        alpha: one-sided.
        power: 0.5 or more.
        most_seeds: the most seeds tried.
    """
    designs = []
    for seeds in range(1, most_seeds + 1):
        prompts = prompts_needed(parts, effect, seeds, alpha, power)
        if prompts is not None:
            designs.append(Design(prompts, seeds, prompts * (cost_prompt + seeds * cost_image)))
    return min(designs, key=lambda design: (design.cost, design.seeds), default=None)


# --- which prompts stand out -----------------------------------------------------------------------------------------


def shrink(gains: ArrayLike, variances: ArrayLike) -> Floats:
    """Gains of prompts pulled towards their mean by as much as luck explains of them: empirical Bayes.

    Normal gains with variance tau² around their mean, seen with the given error variances; tau² is found by Paule and
    Mandel (1982). The order of a list by shrunk gain differs from that of the raw gains where some prompts have fewer
    seeds: a large gain that rests on one picture is not put first. A single gain is left as it is.

    Args:
        gains: shape (prompts,).
        variances: of each gain's error, such as within * (1 / seeds of base + 1 / seeds of candidate); 0 or more.
    """
    values = np.asarray(gains, dtype=np.float64)
    errors = np.asarray(variances, dtype=np.float64)
    if len(values) < 2:
        return values.copy()
    errors = np.maximum(errors, 1e-12 * (float(values.var()) + float(errors.max())) + 1e-300)
    spread = _paule_mandel(values, errors)
    weights = 1 / (errors + spread)
    mean = float(weights @ values / weights.sum())
    return np.asarray(mean + (values - mean) * spread / (spread + errors), dtype=np.float64)


def _paule_mandel(values: Floats, errors: Floats) -> float:
    """The variance between true values at which their weighted squares are as large as expected."""

    def excess(spread: float) -> float:
        weights = 1 / (errors + spread)
        mean = weights @ values / weights.sum()
        return float(weights @ (values - mean) ** 2) - (len(values) - 1)

    if excess(0.0) <= 0:
        return 0.0
    high = float(values.var(ddof=1)) + float(errors.max())
    while excess(high) > 0:
        high *= 2
    return float(brentq(excess, 0.0, high, xtol=1e-12 * high))
