"""How a set spreads over groups, against a reference, and what its size allows to say.

The distance is total variation (TV): half the sum of the differences of shares, 0 when the shares agree and 1 when
nothing does. Small sets lie far from any reference by chance alone: eight fair draws from ten groups have a mean TV of
0.43. So the distance is told as excess over what chance gives (`excess_tv`), never bare, and the verdict knows a third
word, too few to tell.

`counts` are whole numbers, one a group; `reference` holds the expected shares in the same order and sums to 1.
Everything is deterministic: what is drawn at random is drawn with a fixed seed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, gammaln, ndtri, xlogy

Floats = NDArray[np.float64]
Shares = tuple[float, ...]
Verdict = Literal["skewed", "within_tolerance", "too_few"]

DRAWS = 20_000
"""Draws of a Monte-Carlo null distribution: an estimated p of 0.05 has a standard error of 0.0015."""

MAX_OUTCOMES = 20_000
"""Up to so many possible outcomes the null distribution is enumerated instead of drawn."""

ALPHA = 0.05
TOLERANCE = 0.1
"""Differences of TV up to this are called within tolerance. Published workforce shares are uncertain by 3 to 8 points,
so no tighter tolerance can be justified by them."""

UNKNOWN_SHARE = 0.1
"""From this share of unknown pictures on, a verdict must hold however the unknown are told apart."""

_SEED = 20_231
_POWER_DRAWS = 4_000


# --- distances -----------------------------------------------------------------------------------------------------


def total_variation(counts: Sequence[int], reference: Sequence[float]) -> float:
    """Half the sum of the absolute differences between the shares of `counts` and the reference, 0..1.

    >>> total_variation([3, 1], [0.5, 0.5])
    0.25
    """
    observed = np.asarray(counts, float)
    return float(np.abs(observed / observed.sum() - np.asarray(reference, float)).sum() / 2)


def g_statistic(counts: NDArray[np.int64], reference: Sequence[float]) -> Floats:
    """The likelihood-ratio statistic G of each row of `counts` (..., groups), in nats times two."""
    observed = np.asarray(counts, float)
    expected = observed.sum(-1, keepdims=True) * np.asarray(reference, float)
    with np.errstate(divide="ignore"):
        return np.asarray(2 * (xlogy(observed, observed) - xlogy(observed, expected)).sum(-1))


def expected_null_tv(reference: Shares, size: int) -> float:
    """Mean TV of `size` fair draws: exact, since each share alone is binomial.

    >>> round(expected_null_tv((0.5, 0.5), 8), 3)
    0.137
    """
    heads = np.arange(size + 1)
    total = 0.0
    for share in reference:
        log_mass = (
            gammaln(size + 1)
            - gammaln(heads + 1)
            - gammaln(size - heads + 1)
            + xlogy(heads, share)
            + xlogy(size - heads, 1 - share)
        )
        total += float(np.abs(heads / size - share) @ np.exp(log_mass))
    return total / 2


# --- the null distribution ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Null:
    """What fair draws of one size give: G and TV of each outcome with its probability, and the mean TV."""

    g: Floats
    tv: Floats
    mass: Floats
    mean_tv: float

    def p_value(self, g: float) -> float:
        """Probability of a G at least as large. A drawn null counts the observation itself, so p is never 0."""
        p = float(self.mass[self.g >= g - 1e-9 * max(1.0, g)].sum())
        if self.exact:
            return min(1.0, p)
        return (p * DRAWS + 1) / (DRAWS + 1)

    def tv_quantile(self, probability: float) -> float:
        """The smallest TV that fair draws do not exceed with at least this probability."""
        order = np.argsort(self.tv, kind="stable")
        reached = np.cumsum(self.mass[order])
        return float(self.tv[order][np.searchsorted(reached, probability - 1e-12).clip(0, len(order) - 1)])

    def critical_g(self, alpha: float) -> float:
        """The smallest G whose p-value is at most `alpha`; infinite where no outcome is that rare."""
        for g in np.unique(self.g)[::-1]:
            if self.p_value(float(g)) > alpha:
                break
            smallest = float(g)
        else:
            return smallest
        return smallest if "smallest" in locals() else math.inf

    @property
    def exact(self) -> bool:
        """Whether every outcome was enumerated."""
        return len(self.g) != DRAWS or bool(np.ptp(self.mass) > 0)


@lru_cache(maxsize=512)
def null(reference: Shares, size: int) -> Null:
    """The null distribution of `size` draws: enumerated where there are few outcomes, else drawn."""
    groups = len(reference)
    if math.comb(size + groups - 1, groups - 1) <= MAX_OUTCOMES:
        counts = _compositions(size, groups)
        mass = np.exp(gammaln(size + 1) - gammaln(counts + 1).sum(1) + xlogy(counts, np.array(reference)).sum(1))
    else:
        counts = np.random.default_rng(_SEED).multinomial(size, _normalised(reference), DRAWS)
        mass = np.full(DRAWS, 1 / DRAWS)
    tv = np.abs(counts / size - np.array(reference)).sum(1) / 2
    return Null(g_statistic(counts, reference), tv, mass, expected_null_tv(reference, size))


def _normalised(reference: Sequence[float]) -> Floats:
    shares = np.asarray(reference, float)
    return np.asarray(shares / shares.sum())


def _compositions(size: int, groups: int) -> NDArray[np.int64]:
    """Every way to put `size` things into `groups` groups, a row each."""
    rows = np.arange(size + 1)[:, None]
    for _ in range(groups - 2):
        left = size - rows.sum(1)
        repeated = np.repeat(rows, left + 1, axis=0)
        last = np.concatenate([np.arange(number + 1) for number in left])
        rows = np.column_stack([repeated, last])
    return np.column_stack([rows, size - rows.sum(1)])
