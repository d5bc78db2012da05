"""How far two verdicts, or several people, agree beyond what chance would give.

Cohen's kappa compares two raters who both judged every unit; Krippendorff's alpha any number of raters, of whom each
may have judged other units. Verdicts are names without an order: hold is not "halfway" between publish and reject.
1 is full agreement, 0 is what chance gives with the same shares of verdicts, below 0 is less than that.

Where nothing can be told (nobody shared a unit, or only one verdict was ever given, so that chance alone agrees
fully), the answer is an abstention with its reason. Where every rating agrees, or so few differ that a sample of the
units often has no value, the value stands without an interval. The unit is the picture; pictures of one prompt are
alike, so that the intervals are somewhat too narrow where a run has many seeds a prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from imgaudit.types import Abstained

Floats = NDArray[np.float64]

RESAMPLES = 2000
LEAST_DEFINED = 0.95
"""Share of the resamples in which alpha must be defined for an interval to be given."""

_ZERO = 1e-12


@dataclass(frozen=True, slots=True)
class Agreed:
    """An agreement, its 95 % interval (None where it cannot be estimated), and the units that it stands on."""

    value: float
    interval: tuple[float, float] | None
    units: int


def cohen_kappa(first: Sequence[str], second: Sequence[str]) -> Agreed | Abstained:
    """Kappa (Cohen 1960) of two raters who judged the same units, with the interval of Fleiss, Cohen, Everitt (1969).

    The interval is the large-sample one, cut to -1..1: too narrow below some 30 units.

    >>> agreed = cohen_kappa(["edit", "edit", "publish", "publish"], ["edit", "publish", "publish", "publish"])
    >>> agreed.value
    0.5
    >>> cohen_kappa(["edit", "edit"], ["edit", "edit"]).reason
    'only one verdict was ever given, so chance alone would agree as often'
    """
    if len(first) != len(second):
        raise ValueError(f"first, second: {len(first)} and {len(second)} verdicts; expected one of each a unit")
    if not first:
        return Abstained("nothing was judged by both")
    places = {name: place for place, name in enumerate(sorted({*first, *second}))}
    if len(places) == 1:
        return Abstained("only one verdict was ever given, so chance alone would agree as often")
    table = np.zeros((len(places), len(places)))
    for one, other in zip(first, second, strict=True):
        table[places[one], places[other]] += 1
    shares = table / len(first)
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    chance = float(rows @ columns)
    kappa = (float(np.trace(shares)) - chance) / (1 - chance)
    error = _kappa_error(shares, kappa, chance, len(first))
    interval = None if error is None else _cut(kappa, float(ndtri(0.975)) * error)
    return Agreed(kappa, interval, len(first))


def _kappa_error(shares: Floats, kappa: float, chance: float, units: int) -> float | None:
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    agreed = np.diag(shares)
    on = float((agreed * (1 - (rows + columns) * (1 - kappa)) ** 2).sum())
    off = shares * (columns[:, None] + rows[None, :]) ** 2
    beside = float(off.sum() - np.trace(off)) * (1 - kappa) ** 2
    variance = (on + beside - (kappa - chance * (1 - kappa)) ** 2) / ((1 - chance) ** 2 * units)
    return float(np.sqrt(variance)) if variance > _ZERO else None


def _cut(value: float, half: float) -> tuple[float, float]:
    return max(-1.0, value - half), min(1.0, value + half)


def krippendorff_alpha(ratings: Sequence[Sequence[str]], seed: int = 0) -> Agreed | Abstained:
    """Nominal alpha (Krippendorff 2011) of any number of raters; a rating that is missing is left out of its unit.

    `ratings` holds the verdicts that each unit got; whose they are does not matter. Units with fewer than two say
    nothing about agreement and are not counted. The interval is that of 2000 samples of the units, drawn with `seed`.

    >>> agreed = krippendorff_alpha([["edit", "edit"], ["publish", "publish"], ["edit", "publish"], ["edit"]])
    >>> round(agreed.value, 3), agreed.units
    (0.444, 3)
    >>> krippendorff_alpha([["edit"], ["publish"]]).reason
    'nothing was judged by two people'
    """
    shared = [unit for unit in ratings if len(unit) >= 2]
    if not shared:
        return Abstained("nothing was judged by two people")
    places = {name: place for place, name in enumerate(sorted({name for unit in shared for name in unit}))}
    if len(places) == 1:
        return Abstained("only one verdict was ever given, so chance alone would agree as often")
    counts = np.zeros((len(shared), len(places)))
    for row, unit in enumerate(shared):
        for name in unit:
            counts[row, places[name]] += 1
    patterns, times = np.unique(counts, axis=0, return_counts=True)
    value = float(_alphas(times[None, :].astype(float), patterns)[0])
    return Agreed(value, _resampled(patterns, times, seed), len(shared))


def _alphas(weights: Floats, patterns: Floats) -> Floats:
    """Alpha for each row of weights (how often each pattern of verdicts occurs); NaN where chance agrees fully."""
    sizes = patterns.sum(axis=1)
    disputed = (sizes**2 - (patterns**2).sum(axis=1)) / (sizes - 1)
    verdicts = weights @ patterns
    total = verdicts.sum(axis=1)
    observed = (weights @ disputed) / total
    expected = (total**2 - (verdicts**2).sum(axis=1)) / (total * (total - 1))
    told = expected > _ZERO
    ratio = np.divide(observed, expected, out=np.full(len(weights), np.nan), where=told)
    return np.asarray(1 - ratio, dtype=np.float64)


def _resampled(patterns: Floats, times: NDArray[np.int64], seed: int) -> tuple[float, float] | None:
    if ((patterns > 0).sum(axis=1) == 1).all():
        return None
    units = int(times.sum())
    drawn = np.random.default_rng(seed).multinomial(units, times / units, size=RESAMPLES).astype(float)
    values = _alphas(drawn, patterns)
    values = values[~np.isnan(values)]
    if len(values) < LEAST_DEFINED * RESAMPLES:
        return None
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)
