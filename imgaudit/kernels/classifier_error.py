"""Shares corrected for a perceiver that errs, by pictures that people labelled.

Errors pull shares towards each other and so hide skew: of 90 in 100, a perceiver that is wrong about one in ten reads
82. `confusion` holds, a row for each true group and a column for each perceived one, how many hand-labelled pictures
there were. Its rows are a sample too, and every interval and p-value here carries their uncertainty. Two groups have a
formula (Rogan and Gladen 1978, intervals by Lang and Reiczigel 2014); more are drawn from the posterior by Gibbs
sampling, with a flat Dirichlet prior for each row and for the shares. Draws have fixed seeds.

Known limits: the labelled pictures must err as these do (same generator, prompts and perceiver), and labels are taken
to be right. With three groups or more, shares of one or two in a hundred are pulled up by the prior. A perceiver that
cannot tell groups apart cannot be corrected: intervals then reach from 0 to 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.special import ndtri

from imgaudit.kernels.spread import (
    UNKNOWN_SHARE,
    Spread,
    farthest_completion,
    g_statistic,
    nearest_completion,
)

Floats = NDArray[np.float64]
Confusion = Sequence[Sequence[int]]

CHAINS = 400
BURN = 60
KEPT = 5
THIN = 12
NULL_DRAWS = 4_000
LEAST_LABELLED = 50
"""Labelled pictures of a group below which no skew is claimed: with 25, fair sets were called skewed up to 9 times in
100, with 50 about 5 times."""
RATES = (0.02, 0.05, 0.1)
"""Shares of wrong labels that a band of sensitivity is told for, where nobody labelled pictures."""

_SEED = 60_919


@dataclass(frozen=True, slots=True)
class Corrected:
    """Shares corrected for errors, with 95 % intervals, one a group."""

    shares: tuple[float, ...]
    intervals: tuple[tuple[float, float], ...]


# --- two groups ----------------------------------------------------------------------------------------------------


def rogan_gladen(perceived: float, sensitivity: float, specificity: float) -> float:
    """The true share of a group, by its perceived share and how often the perceiver is right within and outside it.

    >>> round(rogan_gladen(0.82, 0.9, 0.9), 3)
    0.9
    """
    gain = sensitivity + specificity - 1
    if gain <= 0:
        raise ValueError("the perceiver tells the groups apart no better than chance")
    return min(1.0, max(0.0, (perceived + specificity - 1) / gain))


def lang_reiczigel(perceived: int, size: int, confusion: Confusion, level: float = 0.95) -> tuple[float, float]:
    """Interval of the first group's true share; `confusion` has two rows (Lang and Reiczigel 2014).

    From 0 to 1 where the labelled pictures do not show that the perceiver can tell the groups apart.
    """
    z = float(ndtri((1 + level) / 2))
    first, other = (np.asarray(row, float) for row in confusion)
    labelled = first.sum() + 2, other.sum() + 2
    sensitivity, specificity = (first[0] + 1) / labelled[0], (other[1] + 1) / labelled[1]
    within, outside = sensitivity * (1 - sensitivity) / labelled[0], specificity * (1 - specificity) / labelled[1]
    gain = sensitivity + specificity - 1
    if gain <= z * math.sqrt(within + outside):
        return 0.0, 1.0
    read = (perceived + z * z / 2) / (size + z * z)
    share = (read + specificity - 1) / gain
    shift = 2 * z * z * (share * within - (1 - share) * outside)
    variance = read * (1 - read) / (size + z * z) + share**2 * within + (1 - share) ** 2 * outside
    half = z * math.sqrt(variance) / gain
    return max(0.0, share + shift - half), min(1.0, share + shift + half)


# --- any number of groups --------------------------------------------------------------------------------------------


def corrected(counts: Sequence[int], confusion: Confusion) -> Corrected:
    """Corrected shares: Rogan and Gladen's for two groups, posterior means for more."""
    if len(counts) == 2:
        size = sum(counts)
        low, high = lang_reiczigel(counts[0], size, confusion)
        share = float(point_estimate(counts, confusion)[0])
        return Corrected((share, 1 - share), ((low, high), (1 - high, 1 - low)))
    draws = posterior(counts, confusion)
    ends = np.quantile(draws, [0.025, 0.975], axis=0)
    return Corrected(
        tuple(float(share) for share in draws.mean(0)),
        tuple((float(low), float(high)) for low, high in zip(*ends, strict=True)),
    )


def point_estimate(counts: Sequence[int], confusion: Confusion) -> Floats:
    """The shares whose expected perceived shares are nearest to those seen, least squares over shares that sum to 1."""
    rows = _rates(confusion)
    seen = np.asarray(counts, float) / sum(counts)
    heavy = 1e3  # holds the sum at 1
    shares, _ = nnls(np.vstack([rows.T, np.full(len(rows), heavy)]), np.append(seen, heavy))
    return np.asarray(shares / shares.sum())


def posterior(counts: Sequence[int], confusion: Confusion) -> Floats:
    """Draws of the true shares (draws, groups), by Gibbs sampling over what each perceived picture truly shows."""
    random = np.random.default_rng(_SEED)
    labelled = np.asarray(confusion, float)
    groups = len(labelled)
    seen = np.asarray(counts, np.int64)
    shares = np.tile(point_estimate(counts, confusion) * 0.9 + 0.1 / groups, (CHAINS, 1))
    rows = np.tile((labelled + 1) / (labelled + 1).sum(1, keepdims=True), (CHAINS, 1, 1))
    kept = []
    for step in range(BURN + KEPT * THIN):
        weight = shares[:, :, None] * rows  # chain, true, perceived
        weight /= weight.sum(1, keepdims=True)
        truly = np.stack([random.multinomial(seen[j], weight[:, :, j]) for j in range(groups)], axis=2)
        shares = _dirichlet(random, 1.0 + truly.sum(2))
        rows = _dirichlet(random, labelled + 1.0 + truly)
        if step >= BURN and (step - BURN) % THIN == THIN - 1:
            kept.append(shares)
    return np.concatenate(kept)


def _dirichlet(random: np.random.Generator, weights: Floats) -> Floats:
    drawn = random.gamma(weights) + 1e-300
    return np.asarray(drawn / drawn.sum(-1, keepdims=True))


def _rates(confusion: Confusion) -> Floats:
    """P(perceived | true), a row for each true group; half a picture is added to each cell."""
    rows = np.asarray(confusion, float) + 0.5
    return np.asarray(rows / rows.sum(1, keepdims=True))


def corrected_p(counts: Sequence[int], reference: Sequence[float], confusion: Confusion) -> float:
    """P-value of the hypothesis that the true shares are the reference, by G of what would be perceived then.

    What the labelled pictures leave open about the perceiver is drawn with every set, so that a badly known perceiver
    makes fewer discoveries and not more.
    """
    random = np.random.default_rng(_SEED)
    observed = np.asarray(counts, np.int64)
    size = int(observed.sum())
    expected = tuple(np.asarray(reference, float) @ _rates(confusion))
    rows = _dirichlet(random, np.tile(np.asarray(confusion, float) + 0.5, (NULL_DRAWS, 1, 1)))
    perceived = np.einsum("k,dkj->dj", np.asarray(reference, float), rows)
    null = g_statistic(random.multinomial(size, perceived / perceived.sum(1, keepdims=True)), expected)
    g = float(g_statistic(observed, expected))
    return float((np.sum(null >= g * (1 - 1e-9)) + 1) / (NULL_DRAWS + 1))


def enough_labelled(confusion: Confusion) -> bool:
    """Whether enough pictures of every group were labelled for a test of the corrected shares."""
    return min(sum(row) for row in confusion) >= LEAST_LABELLED


def correct(spread: Spread, counts: Sequence[int], reference: Sequence[float], confusion: Confusion) -> Spread:
    """A measured set whose test, and whose distance for the verdict, are those of the corrected shares.

    With fewer than `LEAST_LABELLED` labelled pictures of some group the test is not made, and its p-value is 1.
    """
    near = far = tuple(counts)
    if spread.unknown >= UNKNOWN_SHARE * (spread.size + spread.unknown):
        near = nearest_completion(counts, reference, spread.unknown)
        far = farthest_completion(counts, reference, spread.unknown)
    truth = np.asarray(reference, float)
    distances = np.abs(posterior(far, confusion) - truth).sum(1) / 2
    return replace(
        spread,
        p=corrected_p(near, reference, confusion) if enough_labelled(confusion) else 1.0,
        least_tv=float(np.abs(point_estimate(near, confusion) - truth).sum() / 2),
        most_tv=float(np.quantile(distances, 0.95)),
    )


# --- without labelled pictures ---------------------------------------------------------------------------------------


def sensitivity_band(counts: Sequence[int], reference: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """For each rate of wrong labels in `RATES`: the distance from the reference if so many were wrong, evenly.

    Wrong labels are taken to fall on every other group alike; shares that this would push below 0 stop there.

    >>> [round(tv, 2) for _, tv in sensitivity_band([40, 10], [0.5, 0.5])]
    [0.31, 0.33, 0.38]
    """
    groups = len(counts)
    seen = np.asarray(counts, float) / sum(counts)
    band = []
    for rate in RATES:
        kept = 1 - rate * groups / (groups - 1)
        if kept <= 0:
            continue
        shares = np.clip((seen - (1 - kept) / groups) / kept, 0, None)
        scaled = shares / shares.sum()
        band.append((rate, float(np.abs(scaled - np.asarray(reference, float)).sum() / 2)))
    return tuple(band)

