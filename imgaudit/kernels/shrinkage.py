"""Two attributes crossed: whether they go together, and cell shares drawn towards what they would be if they did not.

Crossing makes many small cells, of which some always look extreme. So each cell's share is drawn towards the product of
its two margins, the more the better that product explains the table (empirical Bayes: a Dirichlet prior around the
product, whose strength is weighed by the Dirichlet-multinomial likelihood). The prior never weighs more than half the
pictures: one strength serves all cells, and without that limit it would pull a single odd cell too far. A cell is told
only where at least `LEAST_EXPECTED` pictures would be expected in it. Draws have fixed seeds. `table`: whole numbers,
first attribute by second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

Floats = NDArray[np.float64]
Table = Sequence[Sequence[int]]

LEAST_EXPECTED = 3.0
DRAWS = 4_000
_SEED = 52_177
_STRENGTHS = 2.0 ** np.arange(0, 15)
MOST_STRENGTH = 0.5
"""Of the number of pictures."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination.

    Attributes:
        expected: its share if the attributes had nothing to do with each other.
        share: its share, drawn towards that; `interval`: 95 %.
    """

    expected: float
    share: float
    interval: tuple[float, float]


def independence_p(table: Table) -> float:
    """P-value of G for independence among tables with the same margins: valid at any size. 1 where a margin is alone.

    >>> independence_p([[9, 1], [1, 9]]) < 0.01
    True
    """
    from scipy.stats import random_table

    counts = np.asarray(table, np.int64)
    rows, columns = counts.sum(1), counts.sum(0)
    if (rows > 0).sum() < 2 or (columns > 0).sum() < 2:
        return 1.0
    drawn = random_table(rows, columns, seed=_SEED).rvs(DRAWS)
    # with the margins fixed, G differs between tables by this sum alone
    null = xlogy(drawn, drawn).sum((1, 2))
    return float((np.sum(null >= xlogy(counts, counts).sum() - 1e-9) + 1) / (DRAWS + 1))


def shrunken(table: Table) -> list[list[Cell | None]]:
    """Each combination's share with an interval; None where too few pictures would be expected in it."""
    counts = np.asarray(table, np.int64)
    size = counts.sum()
    product = np.outer(counts.sum(1), counts.sum(0)) / size**2
    draws = _posterior(counts)
    means, ends = draws.mean(0), np.quantile(draws, [0.025, 0.975], axis=0)
    return [
        [
            Cell(float(product[i, j]), float(means[i, j]), (float(ends[0, i, j]), float(ends[1, i, j])))
            if product[i, j] * size >= LEAST_EXPECTED
            else None
            for j in range(counts.shape[1])
        ]
        for i in range(counts.shape[0])
    ]


def _posterior(counts: NDArray[np.int64]) -> Floats:
    """Draws of the cells' shares (draws, rows, columns). Margins are drawn too, since they are a sample themselves."""
    random = np.random.default_rng(_SEED)
    rows = random.dirichlet(counts.sum(1) + 0.5, DRAWS)
    columns = random.dirichlet(counts.sum(0) + 0.5, DRAWS)
    product = rows[:, :, None] * columns[:, None, :]
    allowed = max(1.0, MOST_STRENGTH * counts.sum())
    fit = np.where(allowed >= _STRENGTHS, _log_fit(counts), -np.inf)
    weights = np.exp(fit - fit.max())
    strengths = _STRENGTHS[random.choice(len(_STRENGTHS), DRAWS, p=weights / weights.sum())]
    drawn = random.gamma(strengths[:, None, None] * product + counts) + 1e-300
    return np.asarray(drawn / drawn.sum((1, 2), keepdims=True))


def _log_fit(counts: NDArray[np.int64]) -> Floats:
    """Log likelihood of the table for each strength of the prior around the product of its margins."""
    margins = np.outer(counts.sum(1) + 0.5, counts.sum(0) + 0.5)
    prior = _STRENGTHS[:, None, None] * margins / margins.sum()
    cells = (gammaln(prior + counts) - gammaln(prior)).sum((1, 2))
    return np.asarray(gammaln(_STRENGTHS) - gammaln(_STRENGTHS + counts.sum()) + cells)
