"""How many pictures it takes: to find a skew of a wanted size, and to settle a set that is still open.

An open set is carried on in thought: shares that could be behind its counts are drawn, each continues the set at
random, and each continuation gets its verdict. The number told is that from which on the wanted share of them is
settled, as skewed or within tolerance. Shares come from Dirichlet posteriors around the reference whose strength is
itself weighed by how well it explains the counts (the Dirichlet-multinomial likelihood), so that a set no farther from
its reference than chance is carried on as a fair one, and a lopsided one as lopsided.

Known limits: sizes stand on a grid with steps of about an eighth; a true distance near the tolerance is settled by no
number. `counts` and `reference` are as in `imgaudit.kernels.spread`. Draws have fixed seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, chdtri, gammaln

from imgaudit.kernels.spread import (
    ALPHA,
    LEAST_EXPECTED,
    TAIL,
    TOLERANCE,
    UNKNOWN_SHARE,
    Shares,
    enumerable,
    expected_null_tv,
    g_statistic,
    null,
    tv_upper,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST = 10_000
"""No larger set is planned."""
POWER = 0.8
DRAWS = 200
MANY_GROUPS = 10
"""From so many groups on, fewer continuations are looked at: the bound of each takes long."""

_SEED = 33_391
_POWER_DRAWS = 4_000
_STRENGTHS = 2.0 ** np.arange(0, 15)


def _grid() -> tuple[int, ...]:
    sizes, size = [], 10.0
    while size < MOST:
        sizes.append(round(size) if size < 50 else 5 * round(size / 5))
        size *= 1.125
    return (*dict.fromkeys(sizes), MOST)


SIZES = _grid()


# --- to find a skew of a wanted size ---------------------------------------------------------------------------------


def pulled(reference: Sequence[float], excess: float) -> Floats:
    """Shares at a distance of `excess` from the reference: more of the rarest group, less of the others in proportion.

    >>> pulled([0.5, 0.5], 0.2).round(2).tolist()
    [0.7, 0.3]
    """
    shares = np.asarray(reference, float)
    target = np.eye(len(shares))[int(shares.argmin())]
    room = 1 - float(shares.min())
    if not 0 < excess <= room:
        raise ValueError(f"no shares lie {excess:g} from this reference; at most {room:.2f}")
    return np.asarray(shares + (target - shares) * (excess / room))


def power_at(size: int, shares: Floats, reference: Shares, alpha: float = ALPHA) -> float:
    """How often the exact test finds a set of this size with these true shares: exact for two groups, else drawn."""
    critical = _critical(reference, size, alpha)
    if len(shares) == 2:
        heads = np.arange(size + 1)
        counts = np.column_stack([heads, size - heads])
        mass = np.exp(gammaln(size + 1) - gammaln(counts + 1).sum(1) + counts @ np.log(np.maximum(shares, 1e-300)))
    else:
        counts = np.random.default_rng(_SEED).multinomial(size, shares, _POWER_DRAWS)
        mass = np.full(_POWER_DRAWS, 1 / _POWER_DRAWS)
    return float(mass @ (g_statistic(counts, reference) >= critical))


def pictures_for(reference: Shares, excess: float, power: float = POWER, alpha: float = ALPHA) -> int | None:
    """Pictures that find a true distance of `excess` with `power`; None where `MOST` do not do.

    The smallest number for two groups; of more, the smallest of `SIZES`.

    >>> pictures_for((0.5, 0.5), 0.3)
    20
    """
    shares = pulled(reference, excess)
    sizes = range(1, MOST + 1) if len(reference) == 2 else SIZES
    if power_at(MOST, shares, reference, alpha) < power:
        return None
    low, high = 0, len(sizes) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if power_at(sizes[middle], shares, reference, alpha) >= power else (middle + 1, high)
    # power rises in a sawtooth, so that a smaller number can do as well
    below = range(max(0, low - sizes[low] // 6 if len(reference) == 2 else low), low)
    return next((sizes[i] for i in below if power_at(sizes[i], shares, reference, alpha) >= power), sizes[low])


def _critical(reference: Shares, size: int, alpha: float) -> float:
    """The least G that counts as found. Below `TAIL` draws cannot tell, and its limiting distribution does."""
    chance = null(reference, size)
    if chance.drawn and alpha < TAIL:
        return float(chdtri(len(reference) - 1, alpha))
    return chance.critical_g(alpha) * (1 - 1e-9)


def _near_critical(reference: Shares, size: int, alpha: float) -> float:
    """The same by G's limiting distribution with Williams' correction where it is good enough: drawing takes long."""
    freedom = len(reference) - 1
    if enumerable(len(reference), size) or size * min(reference) < LEAST_EXPECTED:
        return _critical(reference, size, alpha)
    correction = 1 + (sum(1 / share for share in reference) - 1) / (6 * size * freedom)
    return float(chdtri(freedom, alpha)) * correction


# --- to settle an open set -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Settled:
    """What settles a set.

    Attributes:
        size: pictures in all, counted and unknown, from which on it is settled with the wanted probability.
        skewed: share of the settled continuations that are skewed.
    """

    size: int
    skewed: float


def to_settle(
    counts: Sequence[int], reference: Shares, unknown: int = 0, alpha: float = ALPHA, power: float = POWER
) -> Settled | None:
    """The size that would settle the set; None where `MOST` pictures do not. `alpha`: of this set's own test.

    The share of unknown pictures is taken to stay what it is.
    """
    size = int(sum(counts))
    known = size / (size + unknown)
    sizes = [each for each in SIZES if each * known > size + 0.5]
    behind = plausible_shares(counts, reference, DRAWS if len(counts) < MANY_GROUPS else DRAWS // 5)
    low, high = 0, len(sizes)
    found: dict[int, tuple[float, float]] = {}
    while low < high:
        middle = (low + high) // 2
        found[middle] = _settled(counts, behind, sizes[middle], known, reference, alpha)
        low, high = (low, middle) if sum(found[middle]) >= power else (middle + 1, high)
    if low == len(sizes):
        return None
    skewed, tolerated = found[low]
    return Settled(sizes[low], skewed / (skewed + tolerated))


def plausible_shares(counts: Sequence[int], reference: Sequence[float], draws: int = DRAWS) -> Floats:
    """Shares that could be behind the counts (draws, groups); see the head of this file."""
    random = np.random.default_rng(_SEED)
    observed = np.asarray(counts, float)
    centre = np.maximum(np.asarray(reference, float), 1e-6)
    prior = _STRENGTHS[:, None] * centre / centre.sum()
    groups = (gammaln(prior + observed) - gammaln(prior)).sum(1)
    fit = gammaln(_STRENGTHS) - gammaln(_STRENGTHS + observed.sum()) + groups
    weights = np.exp(fit - fit.max())
    strengths = random.choice(len(prior), draws, p=weights / weights.sum())
    drawn = random.gamma(prior[strengths] + observed) + 1e-300
    return np.asarray(drawn / drawn.sum(1, keepdims=True))


def _settled(
    counts: Sequence[int], behind: Floats, size: int, known: float, reference: Shares, alpha: float
) -> tuple[float, float]:
    """Shares of the continuations to this size that are skewed, and that are within tolerance."""
    told = round(size * known)
    more = np.random.default_rng(_SEED).multinomial(told - sum(counts), behind)
    continued = np.asarray(counts, np.int64) + more
    unknown = size - told
    near = far = continued
    if unknown >= UNKNOWN_SHARE * size:
        near, far = _nearest(continued, reference, unknown), _farthest(continued, reference, unknown)
    total = int(near[0].sum())
    distance = np.abs(near / total - np.asarray(reference)).sum(1) / 2
    distance = np.sqrt(np.maximum(0.0, distance**2 - expected_null_tv(reference, total) ** 2))  # `likely_distance`
    tolerated = _bounded(far, reference)
    significant = g_statistic(near, reference) >= _near_critical(reference, total, alpha)
    skewed = significant & (distance > TOLERANCE) & ~tolerated
    return float(skewed.mean()), float(tolerated.mean())


def _bounded(counts: Ints, reference: Shares) -> NDArray[np.bool_]:
    """Whether the upper bound of the true distance (`spread.tv_upper`) is at most the tolerance, for each row."""
    size = int(counts[0].sum())
    near = np.abs(counts / size - np.asarray(reference)).sum(1) / 2 <= TOLERANCE
    bounded = np.zeros(len(counts), bool)
    if not near.any():
        return bounded
    if len(reference) >= MANY_GROUPS:
        bounded[near] = [tv_upper(tuple(map(int, row)), reference) <= TOLERANCE for row in counts[near]]
        return bounded
    chosen = _subsets(len(reference))
    inside = counts[near] @ chosen
    beyond = _upper_shares(size)[inside] - np.asarray(reference) @ chosen
    bounded[near] = beyond.max(1) <= TOLERANCE
    return bounded


@lru_cache(maxsize=16)
def _subsets(groups: int) -> Ints:
    return np.array([chosen for chosen in product((0, 1), repeat=groups) if any(chosen)], np.int64).T


@lru_cache(maxsize=128)
def _upper_shares(size: int) -> Floats:
    """Clopper and Pearson's one-sided 95 % bound of a share, by the number of pictures that show it."""
    inside = np.arange(size)
    return np.append(betaincinv(inside + 1, size - inside, 0.95), 1.0)


def _nearest(counts: Ints, reference: Shares, unknown: int) -> Ints:
    """Each row with the unknown spread so that it is as near the reference as it can be, as `nearest_completion`."""
    wanted = np.asarray(reference) * (counts[0].sum() + unknown)
    filled = counts.copy()
    rows = np.arange(len(filled))
    for _ in range(unknown):
        filled[rows, (wanted - filled).argmax(1)] += 1
    return filled


def _farthest(counts: Ints, reference: Shares, unknown: int) -> Ints:
    """Each row with all unknown in the group that takes it farthest, as `farthest_completion`."""
    groups = len(reference)
    filled = counts[:, None, :] + unknown * np.eye(groups, dtype=np.int64)
    distance = np.abs(filled / filled.sum(2, keepdims=True) - np.asarray(reference)).sum(2)
    return np.asarray(filled[np.arange(len(counts)), distance.argmax(1)])


def more_pictures(settled: Settled | None, seen: int) -> int | None:
    """How many beside those that were seen."""
    return None if settled is None else max(1, math.ceil(settled.size - seen))
