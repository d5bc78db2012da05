"""From scores to what people say: mappings, how well scores tell labels apart, and thresholds with their error.

A label is yes or no; a mapping never decreases, so that a mapped score keeps the order of the scores. What is told of
a threshold or of a probability is told of scores that had no part in choosing it (`folds`). Labels of one group (the
pictures of one prompt) stand in one fold, since they resemble each other; the intervals take all labels for
independent, and are somewhat too narrow where groups are large.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, isotonic_regression
from scipy.special import expit, ndtri
from scipy.stats import rankdata

from imgaudit.digest import digest
from imgaudit.kernels.inference import clopper_pearson

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Knots = tuple[tuple[float, float], ...]
Fit = Callable[[Floats, Floats], Callable[[Floats], Floats]]

FOLDS = 10
_STEPS = 100
_CONVERGED = 1e-10
_DIGITS = 6
"""Decimals of a threshold: measures are stored with as many."""
_CENTILES = 101


# --- telling yes from no ----------------------------------------------------------------------------------------------


def auroc(scores: ArrayLike, yes: ArrayLike) -> float:
    """The probability that a yes scores higher than a no, ties counted half (Mann and Whitney 1947).

    >>> auroc([0.1, 0.4, 0.35, 0.8], [False, False, True, True])
    0.75
    """
    values, flags = np.asarray(scores, dtype=np.float64), np.asarray(yes, dtype=bool)
    many, few = int(flags.sum()), int((~flags).sum())
    ranks = rankdata(values)
    return float((ranks[flags].sum() - many * (many + 1) / 2) / (many * few))


def auroc_interval(value: float, yes: int, no: int, level: float = 0.95) -> tuple[float, float]:
    """An interval of an AUROC that was found with so many of each label (Newcombe 2006, method 5).

    Inverts the variance of Hanley and McNeil (1982), so that it has a width where yes and no are told apart perfectly.

    >>> [round(end, 3) for end in auroc_interval(1.0, 10, 10)]
    [0.8, 1.0]
    """
    z = float(ndtri((1 + level) / 2))
    mean = (yes + no) / 2 - 1

    def off(theta: float, sign: float) -> float:
        spread = theta * (1 - theta) / (yes * no) * (1 + mean * ((1 - theta) / (2 - theta) + theta / (1 + theta)))
        return theta + sign * z * math.sqrt(max(spread, 0.0)) - value

    low = 0.0 if value <= 0 else float(brentq(off, 0.0, min(value, 1 - 1e-12), args=(1.0,)))
    high = 1.0 if value >= 1 else float(brentq(off, max(value, 1e-12), 1.0, args=(-1.0,)))
    return low, high


# --- mappings -------------------------------------------------------------------------------------------------------


def isotonic(scores: ArrayLike, targets: ArrayLike, bounds: tuple[float, float] | None = None) -> Knots:
    """The never-decreasing function nearest to the targets in least squares, as points to draw straight lines between.

    Equal scores have one value. With `bounds` no value lies beyond them: the 0 or 1 of a few labels at an end is no
    knowledge that nothing there is ever otherwise.

    >>> isotonic([1, 2, 3, 4], [0, 1, 0, 1])
    ((1.0, 0.0), (2.0, 0.5), (3.0, 0.5), (4.0, 1.0))
    """
    values, wanted = np.asarray(scores, dtype=np.float64), np.asarray(targets, dtype=np.float64)
    places, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    means = np.bincount(inverse, weights=wanted) / counts
    found = isotonic_regression(means, weights=counts)
    levels = np.clip(found.x, *bounds) if bounds is not None else found.x
    ends = found.blocks
    kept = sorted({*ends[:-1].tolist(), *(ends[1:] - 1).tolist()})
    return tuple((float(places[i]), float(levels[i])) for i in kept)


def cautious(labels: int) -> tuple[float, float]:
    """The most extreme probabilities that so many labels speak for: Laplace's rule of succession.

    >>> cautious(8)
    (0.1, 0.9)
    """
    return 1 / (labels + 2), (labels + 1) / (labels + 2)


def logistic(scores: ArrayLike, yes: ArrayLike) -> tuple[float, float]:
    """Intercept and slope of P(yes) = 1 / (1 + exp(-(intercept + slope * score))), by maximum likelihood.

    The labels are drawn in a little, as Platt (1999) proposed: (yes + 1) / (yes + 2) in place of 1 and 1 / (no + 2) in
    place of 0, so that labels which are told apart perfectly have a finite slope. A slope is never below 0.
    """
    values, flags = np.asarray(scores, dtype=np.float64), np.asarray(yes, dtype=bool)
    many, few = int(flags.sum()), int((~flags).sum())
    wanted = np.where(flags, (many + 1) / (many + 2), 1 / (few + 2))
    middle, spread = float(values.mean()), float(values.std()) or 1.0
    design = np.column_stack([np.ones_like(values), (values - middle) / spread])
    weights = _newton(design, wanted)
    if weights[1] < 0 or not values.std():
        share = float(wanted.mean())
        return math.log(share / (1 - share)), 0.0
    slope = float(weights[1]) / spread
    return float(weights[0]) - slope * middle, slope


def _newton(design: Floats, wanted: Floats) -> Floats:
    """Maximum likelihood of a logistic model; steps that make it worse are halved."""
    weights = np.zeros(design.shape[1])
    best = _loss(design, wanted, weights)
    for _ in range(_STEPS):
        shares = expit(design @ weights)
        slope = design.T @ (shares - wanted)
        curve = (design * (shares * (1 - shares))[:, None]).T @ design
        step = np.linalg.solve(curve + 1e-12 * np.eye(len(weights)), slope)
        loss = _loss(design, wanted, weights - step)
        while loss > best and np.abs(step).max() > _CONVERGED:
            step = step / 2
            loss = _loss(design, wanted, weights - step)
        weights, best = weights - step, min(best, loss)
        if np.abs(step).max() <= _CONVERGED:
            break
    return np.asarray(weights, dtype=np.float64)


def _loss(design: Floats, wanted: Floats, weights: Floats) -> float:
    logits = design @ weights
    return float((np.logaddexp(0, logits) - wanted * logits).sum())


def percentiles(scores: ArrayLike) -> Knots:
    """Score -> share of the scores below it, those equal counted half; at most 101 points, between them straight lines.

    >>> percentiles([3.0, 1.0, 2.0, 2.0])
    ((1.0, 0.125), (2.0, 0.5), (3.0, 0.875))
    """
    values = np.asarray(scores, dtype=np.float64)
    places, counts = np.unique(values, return_counts=True)
    shares = (np.cumsum(counts) - counts / 2) / len(values)
    if len(places) > _CENTILES:
        wanted = np.searchsorted(shares, np.linspace(shares[0], shares[-1], _CENTILES))
        kept = np.unique(wanted.clip(0, len(places) - 1))
        places, shares = places[kept], shares[kept]
    return tuple((float(x), float(y)) for x, y in zip(places, shares, strict=True))


def along(knots: Knots, scores: ArrayLike) -> Floats:
    """The values of a drawn function; beyond its ends the nearest end counts."""
    x, y = zip(*knots, strict=True)
    return np.asarray(np.interp(np.asarray(scores, dtype=np.float64), x, y), dtype=np.float64)


# --- what was not fitted to -------------------------------------------------------------------------------------------


def folds(groups: Sequence[str], yes: ArrayLike, count: int = FOLDS) -> NDArray[np.int64]:
    """A fold for each label: groups stay whole, and those with a yes are spread evenly.

    A group's place follows from its name, so that the order of the labels changes nothing.
    """
    flags = np.asarray(yes, dtype=bool)
    with_yes = {group for group, flag in zip(groups, flags, strict=True) if flag}
    ordered = sorted(set(groups), key=lambda group: (group not in with_yes, digest(group)))
    place = {group: index % count for index, group in enumerate(ordered)}
    return np.asarray([place[group] for group in groups], dtype=np.int64)


def held_out(scores: ArrayLike, targets: ArrayLike, parts: NDArray[np.int64], fit: Fit) -> Floats:
    """For each score the value that a mapping gives it which was fitted to the other folds."""
    values, wanted = np.asarray(scores, dtype=np.float64), np.asarray(targets, dtype=np.float64)
    told = np.empty_like(values)
    for part in np.unique(parts):
        out = parts == part
        told[out] = fit(values[~out], wanted[~out])(values[out])
    return told


def brier(probabilities: ArrayLike, yes: ArrayLike) -> float:
    """Mean squared difference of probability and label (Brier 1950); always saying the share of yes gives p (1 - p)."""
    return float(np.mean((np.asarray(probabilities, dtype=np.float64) - np.asarray(yes, dtype=np.float64)) ** 2))


@dataclass(frozen=True, slots=True)
class Bin:
    """Labels of like probability: how many, what was said on average, and how often it was yes, with an interval."""

    count: int
    said: float
    seen: float
    interval: tuple[float, float]


def reliability(probabilities: ArrayLike, yes: ArrayLike, bins: int = 10) -> tuple[Bin, ...]:
    """What was said against what was seen, in at most `bins` parts with about as many labels each.

    Equal probabilities stay together. The interval is Clopper and Pearson's (1934).
    """
    said, flags = np.asarray(probabilities, dtype=np.float64), np.asarray(yes, dtype=bool)
    edges = np.unique(np.quantile(said, np.linspace(0, 1, bins + 1)[1:-1], method="higher"))
    places = np.searchsorted(edges, said, side="right")
    found = []
    for place in np.unique(places):
        inside = places == place
        count, hits = int(inside.sum()), int(flags[inside].sum())
        found.append(Bin(count, float(said[inside].mean()), hits / count, clopper_pearson(hits, count)))
    return tuple(found)


def expected_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error: mean difference of said and seen over the bins, by their counts."""
    total = sum(one.count for one in bins)
    return sum(one.count * abs(one.said - one.seen) for one in bins) / total


# --- thresholds -------------------------------------------------------------------------------------------------------


def alarm_from(scores: ArrayLike, fault: ArrayLike, share: float) -> float | None:
    """The score from which on an alarm is raised, such that at most a share of the faultless is expected to be.

    With j = floor(share * (n + 1)) the alarm lies above the j-th highest of n faultless scores: a further faultless
    score, drawn like those, lies there with a probability of at most j / (n + 1), whatever the scores' distribution.
    None where n is too small for the wanted share: 5 % need 19, 1 % need 99.

    >>> alarm_from([0.1, 0.2, 0.3, 0.9], [False, False, False, True], 0.25)
    0.6
    """
    values, flags = np.asarray(scores, dtype=np.float64), np.asarray(fault, dtype=bool)
    fine = np.sort(values[~flags])[::-1]
    place = math.floor(share * (len(fine) + 1) + 1e-9)
    return _above(float(fine[place - 1]), values) if place >= 1 else None


def alarm_balanced(scores: ArrayLike, fault: ArrayLike) -> float:
    """The score from which on a fault is the likelier of the two, if faults were as frequent as the faultless.

    Where the logistic curve of the labels crosses their own share. The threshold that makes the two shares of errors
    least in the labels themselves (Youden 1950) errs no less on further ones, and jumps so far from sample to sample
    that what is told of it is wrong more often than it should be: it is taken only where the curve is flat.
    """
    values, flags = np.asarray(scores, dtype=np.float64), np.asarray(fault, dtype=bool)
    intercept, slope = logistic(values, flags)
    if slope <= 0:
        return alarm_youden(values, flags)
    share = float(flags.mean())
    place = round((math.log(share / (1 - share)) - intercept) / slope, _DIGITS)
    return min(max(place, float(values.min())), float(values.max()))


def alarm_youden(scores: ArrayLike, fault: ArrayLike) -> float:
    """The score from which on alarms make the shares of missed faults and false alarms least in sum (Youden 1950).

    Of several that do, the one with the fewest alarms.
    """
    values, flags = np.asarray(scores, dtype=np.float64), np.asarray(fault, dtype=bool)
    places = np.unique(values)[::-1]
    ordered, bad = np.sort(values), np.sort(values[flags])
    alarms = len(values) - np.searchsorted(ordered, places, side="left")
    hits = len(bad) - np.searchsorted(bad, places, side="left")
    gain = hits / flags.sum() - (alarms - hits) / (~flags).sum()
    best = float(places[int(np.argmax(gain))])
    lower = values[values < best]
    return _between(float(lower.max()), best) if len(lower) else best


def _above(score: float, values: Floats) -> float:
    higher = values[values > score]
    return _between(score, float(higher.min())) if len(higher) else score + 10.0**-_DIGITS


def _between(low: float, high: float) -> float:
    middle = round((low + high) / 2, _DIGITS)
    return middle if low < middle <= high else high


def alarms_held_out(
    scores: ArrayLike, fault: ArrayLike, parts: NDArray[np.int64], choose: Callable[[Floats, Flags], float | None]
) -> Flags | None:
    """Whether each score raises an alarm by a threshold chosen on the other folds; None where one cannot be chosen."""
    values, flags = np.asarray(scores, dtype=np.float64), np.asarray(fault, dtype=bool)
    alarms = np.zeros(len(values), dtype=bool)
    for part in np.unique(parts):
        out = parts == part
        threshold = choose(values[~out], flags[~out])
        if threshold is None:
            return None
        alarms[out] = values[out] >= threshold
    return alarms


# --- agreement with graded judgements ---------------------------------------------------------------------------------


def spearman(scores: ArrayLike, human: ArrayLike) -> tuple[float, tuple[float, float] | None] | None:
    """Rank correlation with its 95 % interval (Bonett and Wright 2000); None where one side is all alike.

    Without an interval where the order is the same, or the other way round, throughout.

    >>> round(spearman([1, 2, 3, 4, 5], [1, 2, 3, 5, 4])[0], 6)
    0.9
    """
    first, second = rankdata(scores), rankdata(human)
    if first.std() == 0 or second.std() == 0:
        return None
    value = float(np.corrcoef(first, second)[0, 1])
    if abs(value) >= 1 - 1e-9 or len(first) < 4:
        return max(-1.0, min(1.0, value)), None
    half = float(ndtri(0.975)) * math.sqrt((1 + value**2 / 2) / (len(first) - 3))
    return value, (math.tanh(math.atanh(value) - half), math.tanh(math.atanh(value) + half))


@dataclass(frozen=True, slots=True)
class Ordered:
    """The share of pairs that scores put in people's order, its interval (None where it has none), and the pairs."""

    value: float
    interval: tuple[float, float] | None
    pairs: int


def pairwise(scores: ArrayLike, human: ArrayLike, groups: Sequence[str] | None = None) -> Ordered | None:
    """How often the one of two pictures that people rate higher also scores higher; equal scores count half.

    Pairs that people rate alike are left out, as are pairs of two groups. The interval leaves out one group at a time
    (one picture at a time where all stand in one group). None without any pair.

    >>> pairwise([1, 2, 3], [1, 3, 2]).value
    0.6666666666666666
    """
    values, rated = np.asarray(scores, dtype=np.float64), np.asarray(human, dtype=np.float64)
    names = list(groups) if groups is not None else [""] * len(values)
    right, of = np.zeros(len(values)), np.zeros(len(values))
    for name in set(names):
        inside = np.asarray([index for index, one in enumerate(names) if one == name])
        for index in inside:
            apart = np.sign(rated[index] - rated[inside])
            same = np.sign(values[index] - values[inside])
            told = apart != 0
            right[index] = float((told * (1 + apart * same)).sum()) / 2
            of[index] = float(told.sum())
    total = of.sum() / 2
    if not total:
        return None
    value = float(right.sum() / 2 / total)
    return Ordered(value, _left_out(value, right, of, names), int(total))


def _left_out(value: float, right: Floats, of: Floats, names: Sequence[str]) -> tuple[float, float] | None:
    """The jackknife's 95 % interval of a share of pairs."""
    kinds = sorted(set(names))
    if len(kinds) > 1:  # pairs lie within groups, and a group's numbers count each pair twice
        index = np.asarray([kinds.index(name) for name in names])
        less, fewer = np.bincount(index, weights=right) / 2, np.bincount(index, weights=of) / 2
    else:
        less, fewer = right, of
    rest = of.sum() / 2 - fewer
    if len(less) < 3 or (rest <= 0).any():
        return None
    estimates = (right.sum() / 2 - less) / rest
    count = len(estimates)
    error = math.sqrt((count - 1) / count * float(((estimates - estimates.mean()) ** 2).sum()))
    half = float(ndtri(0.975)) * error
    return (max(0.0, value - half), min(1.0, value + half)) if error else None
