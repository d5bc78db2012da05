"""How a set spreads over groups, against a reference, and what its size allows to say.

The distance is total variation (TV): half the sum of the differences of shares, 0 when the shares agree and 1 when
nothing does. Small sets lie far from any reference by chance alone: eight fair draws from ten groups have a mean TV of
0.43. So the distance is told as excess over what chance gives (`excess_tv`), never bare, and the verdict knows a third
word, insufficient evidence.

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
from scipy.special import betaincinv, gammaincc, gammaln, ndtri, xlogy

Floats = NDArray[np.float64]
Shares = tuple[float, ...]
Verdict = Literal["skewed", "within_tolerance", "insufficient_evidence"]

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

LEAST_EXPECTED = 5.0
"""Expected pictures a group from which on G's limiting distribution is trusted for its far tail."""

TAIL = 0.002
"""Below this p, draws can no longer tell: 40 of 20,000 lie beyond it."""

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


def likely_distance(tv: float, chance: float) -> float:
    """The distance that is likely behind an observed one: chance adds to a true distance as to the side of a triangle.

    Simply taking chance away would be too little where the true distance is large and chance adds hardly anything. It
    is nearer the truth than the observed distance up to about 0.2, and falls short of it by a point or two above.

    >>> round(likely_distance(0.15, 0.09), 2)
    0.12
    """
    return math.sqrt(max(0.0, tv * tv - chance * chance))


def g_statistic(counts: NDArray[np.int64], reference: Sequence[float]) -> Floats:
    """The likelihood-ratio statistic G of each row of `counts` (..., groups), in nats times two.

    Infinite where something was counted that the reference rules out.
    """
    observed = np.asarray(counts, float)
    expected = observed.sum(-1, keepdims=True) * np.asarray(reference, float)
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
    """What fair draws of one size give.

    Attributes:
        g: values of G, rising; `tail`: the probability of a G at least as large as each.
        tv: values of TV, rising; `reached`: the probability of a TV at most as large as each.
        mean_tv: mean TV, exact.
        drawn: whether the outcomes are random draws and not all that there are.
    """

    g: Floats
    tail: Floats
    tv: Floats
    reached: Floats
    mean_tv: float
    drawn: bool

    def p_value(self, g: float) -> float:
        """Probability of a G at least as large. A drawn null counts the observation itself, so p is never 0 there."""
        place = int(np.searchsorted(self.g, _just_below(g)))
        p = float(self.tail[place]) if place < len(self.g) else 0.0
        return (p * DRAWS + 1) / (DRAWS + 1) if self.drawn else min(1.0, p)

    def tv_quantile(self, probability: float) -> float:
        """The smallest TV that fair draws do not exceed with at least this probability."""
        place = min(int(np.searchsorted(self.reached, probability - 1e-12)), len(self.tv) - 1)
        return float(self.tv[place])

    def critical_g(self, alpha: float) -> float:
        """The smallest G that is rejected at level `alpha`; infinite where no outcome is that rare."""
        place = int(np.searchsorted(-self.tail, -alpha))
        while place < len(self.g) and self.p_value(float(self.g[place])) > alpha:
            place += 1
        return float(self.g[place]) if place < len(self.g) else math.inf


def enumerable(groups: int, size: int) -> bool:
    """Whether so few outcomes are possible that all are looked at."""
    return math.comb(size + groups - 1, groups - 1) <= MAX_OUTCOMES


@lru_cache(maxsize=96)
def null(reference: Shares, size: int) -> Null:
    """The null distribution of `size` draws: enumerated where there are few outcomes, else drawn."""
    groups = len(reference)
    drawn = not enumerable(groups, size)
    if drawn:
        counts = np.random.default_rng(_SEED).multinomial(size, _normalised(reference), DRAWS)
        mass = np.full(DRAWS, 1 / DRAWS)
    else:
        counts = _compositions(size, groups)
        mass = np.exp(gammaln(size + 1) - gammaln(counts + 1).sum(1) + xlogy(counts, np.array(reference)).sum(1))
    g = g_statistic(counts, reference)
    by_g = np.argsort(g)
    tv = np.abs(counts / size - np.array(reference)).sum(1) / 2
    by_tv = np.argsort(tv)
    return Null(
        g=g[by_g],
        tail=np.cumsum(mass[by_g][::-1])[::-1],
        tv=tv[by_tv],
        reached=np.cumsum(mass[by_tv]),
        mean_tv=expected_null_tv(reference, size),
        drawn=drawn,
    )


def _just_below(g: float) -> float:
    """What two equal outcomes may differ by in rounding is no difference."""
    return g * (1 - 1e-9) - 1e-9 if math.isfinite(g) else g


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


# --- tests and intervals -----------------------------------------------------------------------------------------


def exact_p(counts: Sequence[int], reference: Sequence[float]) -> float:
    """P-value of the exact multinomial test by G (two groups: the exact binomial test).

    Enumerated up to 20,000 outcomes, else by 20,000 draws with a fixed seed. Where draws end, below `TAIL`, and at
    least five pictures are expected of every group, the G-test tells how far below: among a thousand prompts only a
    p-value of 0.00005 survives the adjustment, and draws reach no further.
    """
    observed = np.asarray(counts, np.int64)
    size = int(observed.sum())
    chance = null(tuple(reference), size)
    p = chance.p_value(float(g_statistic(observed, reference)))
    if chance.drawn and p < TAIL and size * min(reference) >= LEAST_EXPECTED:
        return min(p, g_test(counts, reference))
    return p


def g_test(counts: Sequence[int], reference: Sequence[float]) -> float:
    """P-value of the G-test by its limiting chi-squared distribution, with Williams' correction (1976).

    For sets in which every group is expected at least five times.

    >>> round(g_test([30, 10], [0.5, 0.5]), 4)
    0.0014
    """
    shares = _normalised(reference)
    freedom = len(shares) - 1
    correction = 1 + (float((1 / shares).sum()) - 1) / (6 * sum(counts) * freedom)
    g = float(g_statistic(np.asarray(counts, np.int64), tuple(shares)))
    return float(gammaincc(freedom / 2, g / correction / 2))


def wilson(successes: int, size: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share.

    >>> [round(end, 3) for end in wilson(4, 8)]
    [0.215, 0.785]
    """
    z = float(ndtri((1 + level) / 2))
    centre = (successes + z * z / 2) / (size + z * z)
    half = z / (size + z * z) * math.sqrt(successes * (size - successes) / size + z * z / 4)
    return max(0.0, centre - half), min(1.0, centre + half)


def tv_upper(counts: Sequence[int], reference: Sequence[float], level: float = 0.95) -> float:
    """One-sided upper bound of the true TV; it is too small in at most 1 - `level` of all sets, at any size.

    TV is the largest excess p(A) - r(A) over sets of groups A, and the set that attains it is fixed by the truth. So
    the largest of Clopper and Pearson's upper bounds of p(A), less r(A), over all A, bounds TV with no correction for
    having looked at many sets. For each number of pictures in A only the smallest r(A) matters.
    """
    size = int(sum(counts))
    smallest = np.full(size + 1, math.inf)
    for count, share in zip(counts, reference, strict=True):
        joined = np.full(size + 1, math.inf)
        joined[count:] = smallest[: size + 1 - count] + share
        joined[count] = min(joined[count], share)
        smallest = np.minimum(smallest, joined)
    inside = np.arange(size)
    shares_upper = np.append(betaincinv(inside + 1, size - inside, level), 1.0)
    return float(np.clip((shares_upper - smallest).max(), 0, 1))


def tv_interval(counts: Sequence[int], reference: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Interval of the true TV, conservative: by the triangle inequality below, by `tv_upper` above.

    The lower end is the observed TV less a quantile of the distance between a set of this size and its own source. That
    distance is largest where all groups are as likely, so this source stands for every other. Below 0, chance alone
    explains the observed distance.
    """
    beyond, groups = (1 + level) / 2, len(counts)
    noise = null((1 / groups,) * groups, int(sum(counts))).tv_quantile(beyond)
    return total_variation(counts, reference) - noise, tv_upper(counts, reference, beyond)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for the false discovery rate (Benjamini and Hochberg 1995), in the same order."""
    values = np.asarray(p_values, float)
    order = np.argsort(values)[::-1]
    ranks = np.arange(len(values), 0, -1)
    adjusted = np.minimum.accumulate(values[order] * len(values) / ranks)
    result = np.empty_like(values)
    result[order] = np.minimum(adjusted, 1)
    return [float(p) for p in result]


@lru_cache(maxsize=512)
def detectable_tv(reference: Shares, size: int, power: float = 0.8, alpha: float = ALPHA) -> float:
    """The smallest true TV that the exact test finds with `power`, to 0.01; 1 where none is found at this size.

    The deviation considered gives more to the group with the smallest reference share, and takes it from the others in
    proportion.
    """
    critical = null(reference, size).critical_g(alpha)
    shares = _normalised(reference)
    target = np.eye(len(shares))[int(shares.argmin())]
    room = 1 - float(shares.min())
    low, high = 0, int(room * 100)
    while low < high:
        middle = (low + high) // 2
        pulled = shares + (target - shares) * (middle / 100 / room)
        counts = np.random.default_rng(_SEED).multinomial(size, _normalised(pulled), _POWER_DRAWS)
        found = float((g_statistic(counts, reference) >= _just_below(critical)).mean())
        low, high = (low, middle) if found >= power else (middle + 1, high)
    return low / 100 if low < int(room * 100) else 1.0


# --- unknown pictures --------------------------------------------------------------------------------------------


def manski_bounds(count: int, size: int, unknown: int) -> tuple[float, float]:
    """The shares that a group can have when nothing is assumed of the `unknown` (Manski 1989)."""
    return count / (size + unknown), (count + unknown) / (size + unknown)


def nearest_completion(counts: Sequence[int], reference: Sequence[float], unknown: int) -> tuple[int, ...]:
    """The counts if the unknown pictures were spread so that the set is as near the reference as it can be."""
    filled = np.asarray(counts, np.int64).copy()
    wanted = _normalised(reference) * (filled.sum() + unknown)
    for _ in range(unknown):
        filled[int((wanted - filled).argmax())] += 1
    return tuple(int(count) for count in filled)


def farthest_completion(counts: Sequence[int], reference: Sequence[float], unknown: int) -> tuple[int, ...]:
    """The counts if all unknown pictures fell into the one group that takes the set farthest from the reference."""
    filled = [
        tuple(count + unknown * (index == group) for index, count in enumerate(counts)) for group in range(len(counts))
    ]
    return max(filled, key=lambda completed: total_variation(completed, reference))


# --- the three-way verdict -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spread:
    """What can be said of one set against one reference.

    Attributes:
        size: pictures whose group is known; `unknown`: the others.
        tv: observed distance; `excess_tv`: less what chance gives at this size; `interval`: 95 %, of the true distance.
        upper: one-sided 95 % bound of the true distance, the unknown left out.
        p: of the exact test; with many unknown, of the completion that is nearest to the reference.
        least_tv: the likely distance, or that of the nearest completion; `most_tv`: one-sided 95 % bound of the true
            distance, or that of the farthest completion.
    """

    size: int
    unknown: int
    tv: float
    excess_tv: float
    interval: tuple[float, float]
    upper: float
    p: float
    least_tv: float
    most_tv: float


def measure(counts: Sequence[int], reference: Sequence[float], unknown: int = 0) -> Spread:
    """Measure a set of at least one known picture."""
    size = int(sum(counts))
    near = far = tuple(counts)
    if unknown >= UNKNOWN_SHARE * (size + unknown):
        near = nearest_completion(counts, reference, unknown)
        far = farthest_completion(counts, reference, unknown)
    tv = total_variation(counts, reference)
    return Spread(
        size=size,
        unknown=unknown,
        tv=tv,
        excess_tv=tv - null(tuple(reference), size).mean_tv,
        interval=tv_interval(counts, reference),
        upper=tv_upper(counts, reference),
        p=exact_p(near, reference),
        least_tv=likely_distance(total_variation(near, reference), null(tuple(reference), int(sum(near))).mean_tv),
        most_tv=tv_upper(far, reference),
    )


def verdict(spread: Spread, p: float | None = None) -> Verdict:
    """Skewed, within tolerance, or insufficient evidence; `p` is the p-value adjusted for the number of tests.

    A set that follows its reference is called skewed with probability `ALPHA` at most, and a set whose true distance
    exceeds `TOLERANCE` is called within tolerance with probability 0.05 at most (with fewer unknown pictures than
    `UNKNOWN_SHARE`). Between the two a significant difference stays undecided: skewed takes a likely distance above
    `TOLERANCE` as well.
    """
    if spread.most_tv <= TOLERANCE:
        return "within_tolerance"
    if (spread.p if p is None else p) <= ALPHA and spread.least_tv > TOLERANCE:
        return "skewed"
    return "insufficient_evidence"
