"""Intervals over sets whose pictures come in clusters: many pictures of a prompt, several prompts of a template.

Pictures of one template are alike, so that what they say of other templates is less than their number suggests. The
bootstrap draws whole templates again and so lets that through. With few templates it knows little of how templates
vary: its interval is widened by Student's factor for the number of templates (as Efron and Tibshirani's bootstrap-t
would, without its instability), and with fewer than `FEWEST` nothing is told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

FEWEST = 5
DRAWS = 2_000
_SEED = 41_017

Floats = NDArray[np.float64]
Counts = Sequence[Sequence[int]]


def share_intervals(counts: Counts, level: float = 0.95) -> list[tuple[float, float]] | None:
    """Interval of each group's share over templates like these, a row of counts a template; None with too few.

    >>> share_intervals([[3, 7], [7, 3]]) is None
    True
    """
    shares, draws = _resampled(counts)
    if draws is None:
        return None
    factor = float(stdtrit(len(counts) - 1, (1 + level) / 2))
    templates = len(counts)
    half = factor * draws.std(0) * math.sqrt(templates / (templates - 1))
    return [(max(0.0, float(p - h)), min(1.0, float(p + h))) for p, h in zip(shares, half, strict=True)]


def tv_interval(counts: Counts, reference: Sequence[float], level: float = 0.95) -> tuple[float, float] | None:
    """Interval of the distance from the reference of the shares over templates like these; None with too few.

    By the triangle inequality: the observed distance, less and plus a quantile of the distance between a redrawn set
    and this one. Below 0 at its lower end, what templates differ by explains the observed distance.
    """
    shares, draws = _resampled(counts)
    if draws is None:
        return None
    templates = len(counts)
    beyond = (1 + level) / 2
    noise = float(np.quantile(np.abs(draws - shares).sum(1) / 2, beyond))
    noise *= float(stdtrit(templates - 1, beyond) / ndtri(beyond)) * math.sqrt(templates / (templates - 1))
    observed = float(np.abs(shares - np.asarray(reference, float)).sum() / 2)
    return observed - noise, min(1.0, observed + noise)


def _resampled(counts: Counts) -> tuple[Floats, Floats | None]:
    """The shares, and those of redrawn sets of templates (draws, groups)."""
    rows = np.asarray(counts, float)
    shares = rows.sum(0) / rows.sum()
    if len(rows) < FEWEST:
        return shares, None
    picks = np.random.default_rng(_SEED).multinomial(len(rows), np.full(len(rows), 1 / len(rows)), DRAWS)
    totals = picks @ rows
    return shares, np.asarray(totals / np.maximum(totals.sum(1, keepdims=True), 1))
