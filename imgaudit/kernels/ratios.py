"""How far shares lie from a reference as ratios, and how varied they are, with intervals that hold.

Shares of several groups are bounded together: each by Clopper and Pearson's exact interval at a level that leaves the
error of all groups at 5 in 100 (Bonferroni). Whatever is a function of the shares then lies between its least and its
greatest value over that box, in at least 95 of 100 sets, whatever the truth and the size. Such intervals are wide; they
are never too narrow.

`counts` are whole numbers, one a group; `reference` holds the expected shares in the same order and sums to 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, xlogy

Floats = NDArray[np.float64]
Interval = tuple[float, float]

FOUR_FIFTHS = 0.8
"""Of the US Uniform Guidelines on Employee Selection Procedures (29 CFR 1607.4 D), by which a rate below four fifths of
the highest is generally evidence of adverse impact. Borrowed here as a yardstick; no law applies it to pictures."""

MOST_GROUPS = 10
"""Up to so many groups the least entropy over the box is found: its corners are all looked at."""


@dataclass(frozen=True, slots=True)
class Told:
    """A number with its 95 % interval."""

    value: float
    interval: Interval


def share_box(counts: Sequence[int], level: float = 0.95) -> tuple[Floats, Floats]:
    """Lower and upper ends of all shares at once, exact (Clopper and Pearson 1934, Bonferroni).

    >>> low, high = share_box([5, 5])
    >>> [round(float(end), 2) for end in (low[0], high[0])]
    [0.16, 0.84]
    """
    observed = np.asarray(counts, float)
    size = observed.sum()
    tail = (1 - level) / 2 / max(len(observed) - (len(observed) == 2), 1)  # the shares of two groups are one share
    low = np.where(observed > 0, betaincinv(np.maximum(observed, 1), size - observed + 1, tail), 0.0)
    high = np.where(observed < size, betaincinv(observed + 1, np.maximum(size - observed, 1), 1 - tail), 1.0)
    return low, high


def representation(counts: Sequence[int], reference: Sequence[float], level: float = 0.95) -> list[Told | None]:
    """Each group's share over its share in the reference, 1 where they agree; None where the reference has none of it.

    >>> told = representation([30, 10], [0.5, 0.5])
    >>> [round(one.value, 2) for one in told if one]
    [1.5, 0.5]
    """
    size = sum(counts)
    low, high = share_box(counts, level)
    return [
        Told(count / size / share, (float(low[i]) / share, float(high[i]) / share)) if share > 0 else None
        for i, (count, share) in enumerate(zip(counts, reference, strict=True))
    ]


def four_fifths(counts: Sequence[int], reference: Sequence[float], level: float = 0.95) -> Told | None:
    """The smallest representation ratio over the largest: 1 where all groups are represented alike, 0 where one lacks.

    Groups that the reference has none of are left out; None where fewer than two are left.

    >>> round(four_fifths([30, 10], [0.5, 0.5]).value, 2)
    0.33
    """
    told = [one for one in representation(counts, reference, level) if one is not None]
    if len(told) < 2 or not any(one.value for one in told):
        return None
    least, most = min(one.value for one in told), max(one.value for one in told)
    lows, highs = [one.interval[0] for one in told], [one.interval[1] for one in told]
    lower = min(lows) / max(highs)
    # whatever the smallest and the largest are, they are at most the smallest upper and at least the largest lower end
    upper = min(1.0, min(highs) / max(lows)) if max(lows) > 0 else 1.0
    return Told(least / most, (lower, upper))


def normalised_entropy(counts: Sequence[int], level: float = 0.95) -> Told | None:
    """Entropy of the shares over the logarithm of the number of groups: 1 where all are as likely, 0 where one is all.

    Small sets look less varied than their source: on average by (groups - 1) / (2 n ln groups) (Miller 1955). Against
    equal shares it tells no more than G does: G = 2 n ln(groups) (1 - this). None beyond `MOST_GROUPS` groups.

    >>> round(normalised_entropy([30, 10]).value, 3)
    0.811
    """
    if not 2 <= len(counts) <= MOST_GROUPS:
        return None
    observed = np.asarray(counts, float)
    low, high = share_box(counts, level)
    shares = np.stack([observed / observed.sum(), _evenest(low, high)])
    entropies = np.append(_entropy(shares), _entropy(_corners(low, high)).min()) / math.log(len(observed))
    return Told(float(entropies[0]), (float(entropies[2]), min(1.0, float(entropies[1]))))


def _entropy(shares: Floats) -> Floats:
    return np.asarray(-xlogy(shares, shares).sum(-1))


def _evenest(low: Floats, high: Floats) -> Floats:
    """The shares of greatest entropy in the box: all at one level, but for those whose bounds forbid it."""
    below, above = 0.0, 1.0
    for _ in range(60):
        level = (below + above) / 2
        below, above = (level, above) if np.clip(level, low, high).sum() < 1 else (below, level)
    return np.asarray(np.clip(above, low, high))


def _corners(low: Floats, high: Floats) -> Floats:
    """The corners of the box where shares sum to 1: all groups but one stand at a bound. Entropy is least at one."""
    groups = len(low)
    found = []
    ends = np.array(list(product((False, True), repeat=groups - 1)))
    for free in range(groups):
        others = np.arange(groups) != free
        shares = np.empty((len(ends), groups))
        shares[:, others] = np.where(ends, high[others], low[others])
        shares[:, free] = 1 - shares[:, others].sum(1)
        fits = (shares[:, free] >= low[free] - 1e-12) & (shares[:, free] <= high[free] + 1e-12)
        found.append(np.clip(shares[fits], 0, 1))
    return np.concatenate(found)
