"""Did a change make things worse? Tests on the gains of prompts, and the answer that follows.

A *gain* is candidate minus baseline for one prompt, its seeds averaged first, turned so that more is better: a loss is
below zero. The prompt is the unit everywhere, since pictures of one prompt share what makes it easy or hard. What is
missing is told by a mask, never by NaN. Everything is deterministic: what is drawn at random is drawn with a given
seed. Error rates under many kinds of scores are simulated in docs/statistics.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betaincinv, stdtr, stdtrit

from imgaudit.kernels.power import (
    Design,
    VarianceParts,
    cheapest,
    detectable,
    prompts_needed,
    shrink,
    variance_parts,
    variance_parts_single,
)
from imgaudit.kernels.sequential import confidence_sequence, rounds_sequence
from imgaudit.kernels.spread import benjamini_hochberg

__all__ = [
    "ALPHA", "FEWEST", "FLIPS", "Decided", "Design", "SignFlip", "VarianceParts", "benjamini_hochberg", "cheapest",
    "clopper_pearson", "confidence_sequence", "detectable", "fewer_told", "holm", "lowest_gain", "mcnemar",
    "non_inferior", "prompts_needed", "rounds_sequence", "shrink", "sign_flip", "t_interval", "t_loss",
    "variance_parts", "variance_parts_single",
]  # fmt: skip

Floats = NDArray[np.float64]
Decided = Literal["pass", "regressed", "inconclusive"]

ALPHA = 0.05
FLIPS = 10_000
"""Sign flips of a drawn test: a p of 0.05 has a standard error of 0.002."""

FEWEST = 6
"""Prompts that must have moved before a pass can be given. With five, not even a test that sees every sign turned the
same way reaches 2.5 % (1/32), so that a pass would rest on the assumed shape of the gains alone."""

_CHUNK = 2_000_000
"""Numbers of an array that are held at once, of 8 bytes each."""

_TIE = 1e-9


# --- one mean --------------------------------------------------------------------------------------------------------


def t_interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float] | None:
    """Student's two-sided interval of the mean of one number a prompt.

    None for fewer than two values, and where all are equal: a spread of zero says that the spread could not be seen,
    not that there is none. Limits: with few prompts of skewed gains it covers less than it says.

    >>> [round(end, 3) for end in t_interval([0.1, 0.2, 0.3])]
    [-0.048, 0.448]
    """
    sample = np.asarray(values, dtype=np.float64)
    if len(sample) < 2 or _constant(sample):
        return None
    mean, error = float(sample.mean()), _standard_error(sample)
    half = float(stdtrit(len(sample) - 1, (1 + level) / 2)) * error
    return mean - half, mean + half


def t_loss(gains: ArrayLike) -> float:
    """One-sided p of the paired t test that the mean gain is below zero (null hypothesis: it is zero or more).

    1.0, no evidence, for fewer than two gains and where all are equal: the t test needs a spread. A loss that is the
    same for all prompts is found by `sign_flip`.

    >>> round(t_loss([-0.1, -0.2, -0.3]), 3)
    0.037
    """
    sample = np.asarray(gains, dtype=np.float64)
    if len(sample) < 2 or _constant(sample):
        return 1.0
    return float(stdtr(len(sample) - 1, float(sample.mean()) / _standard_error(sample)))


def _constant(sample: Floats) -> bool:
    """Equal but for rounding."""
    return bool(np.ptp(sample) <= 1e-12 + 1e-9 * float(np.abs(sample).max()))


def _standard_error(sample: Floats) -> float:
    return float(sample.std(ddof=1)) / math.sqrt(len(sample))


# --- sign flips ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SignFlip:
    """One-sided p values that there is a loss, one a test.

    Attributes:
        p: of each test alone, shape (tests,).
        adjusted: over all tests given: with nothing lost anywhere, the smallest of them is below 5 % in 5 % of cases.
        flips: sign patterns looked at.
        exact: whether these were all that there are.
    """

    p: Floats
    adjusted: Floats
    flips: int
    exact: bool


def sign_flip(gains: ArrayLike, present: ArrayLike, flips: int = FLIPS, seed: int = 0) -> SignFlip:
    """Sign-flip test of a loss for several tests over the same prompts, each alone and as a family.

    Where nothing changed, a prompt's gain could as well have had the other sign. The statistic of a test is its sum of
    gains over the root of their sum of squares; for a test by itself it orders the flips as Student's t does, and
    unlike t it cannot run away where a test has two or three prompts. One flip turns a prompt in all tests at once, so
    that the correlation of tests is kept; the adjustment is the step-down max-T of Westfall and Young (1993). All
    patterns are enumerated where there are at most `flips`; else `flips` are drawn and the observed one is counted
    among them (Phipson and Smyth 2010), so that p is never zero.

    A test without a prompt, and one whose gains are all zero, has p = 1. With P prompts p is at least 2 ** -P. Limits:
    exact where gains are symmetric about zero when nothing changed, as they are with as many seeds on both sides;
    otherwise right for many prompts only. Holds about 50 MB whatever the number of prompts.

    Args:
        gains: shape (tests, prompts); what is not present may be any number.
        present: the same shape, true where the prompt could be compared on that test.
        flips: the most patterns looked at.
        seed: of the draw.
    """
    there = np.asarray(present, dtype=bool)
    values = np.where(there, np.asarray(gains, dtype=np.float64), 0.0)
    if not np.isfinite(values).all():
        raise ValueError("gains: not finite where they are said to be present")
    values = values[:, (values != 0).any(axis=0)]
    size = np.sqrt((values**2).sum(axis=1, keepdims=True))
    scaled = values / np.where(size > 0, size, 1.0)
    observed = scaled.sum(axis=1)
    order = np.argsort(observed, kind="stable")
    exact = scaled.shape[1] < flips.bit_length()
    alone = np.zeros(len(observed))
    jointly = np.zeros(len(observed))
    rows = max(1, _CHUNK // max(*scaled.shape, 1))
    for turned in _patterns(scaled.shape[1], rows, flips, seed, exact):
        sums = 2 * (turned @ scaled.T) - observed
        alone += (sums <= observed + _TIE).sum(axis=0)
        lowest = np.minimum.accumulate(sums[:, order[::-1]], axis=1)[:, ::-1]
        jointly += (lowest <= observed[order] + _TIE).sum(axis=0)
    number = 2 ** scaled.shape[1] if exact else flips
    extra = 0 if exact else 1
    adjusted = np.empty_like(observed)
    adjusted[order] = np.maximum.accumulate((jointly + extra) / (number + extra))
    return SignFlip((alone + extra) / (number + extra), adjusted, number, exact)


def _patterns(prompts: int, rows: int, flips: int, seed: int, exact: bool) -> Iterator[Floats]:
    """Sign patterns as rows of 0 and 1, at most `rows` at once."""
    number = 2**prompts if exact else flips
    random = np.random.default_rng(seed)
    for start in range(0, number, rows):
        count = min(rows, number - start)
        if exact:
            yield ((np.arange(start, start + count)[:, None] >> np.arange(prompts)) & 1).astype(np.float64)
        else:
            drawn = np.frombuffer(random.bytes(-(-count * prompts // 8)), dtype=np.uint8)
            yield np.unpackbits(drawn, count=count * prompts).reshape(count, prompts).astype(np.float64)


def fewer_told(base: ArrayLike, candidate: ArrayLike, flips: int = FLIPS, seed: int = 0) -> float:
    """One-sided sign-flip p that the candidate could be measured less often than the baseline.

    Args:
        base: for each prompt, the share of its pictures on which the measure could be told, 0..1.
        candidate: the same of the candidate, in the same order.
        flips: see `sign_flip`.
        seed: see `sign_flip`.
    """
    gains = np.asarray(candidate, dtype=np.float64) - np.asarray(base, dtype=np.float64)
    return float(sign_flip(gains[None, :], np.ones((1, len(gains)), dtype=bool), flips, seed).p[0])


# --- families and rates ----------------------------------------------------------------------------------------------


def holm(p_values: Sequence[float] | Floats) -> list[float]:
    """P-values adjusted for the family-wise error (Holm 1979), in the same order; holds for any dependence.

    >>> [round(p, 6) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(stepped, 1.0)
    return [float(p) for p in adjusted]


def clopper_pearson(
    fired: int, of: int, level: float = 0.95, side: Literal["two", "upper"] = "two"
) -> tuple[float, float]:
    """Exact interval of a rate (Clopper and Pearson 1934); with `side="upper"` all error is spent on the upper end.

    (0, 1) where nothing was looked at. Limits: pictures must be independent; count prompts where they are not.

    >>> round(clopper_pearson(0, 64, side="upper")[1], 4)
    0.0457
    """
    if not 0 <= fired <= of:
        raise ValueError(f"fired: {fired} of {of}; expected between 0 and all")
    beyond = (1 - level) / (2 if side == "two" else 1)
    high = 1.0 if fired == of else float(betaincinv(fired + 1, of - fired, 1 - beyond))
    low = 0.0 if fired == 0 or side == "upper" else float(betaincinv(fired, of - fired + 1, beyond))
    return low, high


def mcnemar(worse: int, better: int) -> float:
    """Exact one-sided p of McNemar's test that more pairs got worse than better; pairs that stayed do not count.

    1.0 where no pair moved. Limits: pairs must be independent: give it prompts, or one picture of each, not all seeds.

    >>> mcnemar(5, 0)
    0.03125
    """
    if worse == 0:
        return 1.0
    return float(betainc(worse, better + 1, 0.5))  # probability of so many heads or more


# --- the answer ------------------------------------------------------------------------------------------------------


def lowest_gain(gains: ArrayLike, alpha: float = ALPHA) -> float | None:
    """What the mean gain surely exceeds, at 1 - `alpha` / 2: the end of the interval that a pass is decided by.

    Student's lower end, moved down where the gains are skewed downwards, by the first-order correction of Johnson
    (1978, Journal of the American Statistical Association 73): a few prompts that lose much widen the lower side more
    than t knows. It is never above the lower end of `t_interval`, and None where that is. Limits: what breaks on so few
    prompts that none of them was seen cannot be in any interval; see docs/statistics.md for how many prompts it takes.

    >>> round(lowest_gain([0.0, 0.0, 0.0, 0.0, 0.0, -0.1]), 3), round(t_interval([0.0, 0.0, 0.0, 0.0, 0.0, -0.1])[0], 3)
    (-0.099, -0.06)
    """
    sample = np.asarray(gains, dtype=np.float64)
    interval = t_interval(sample, 1 - alpha)
    if interval is None:
        return None
    count, spread = len(sample), float(sample.std(ddof=1))
    if count < 3:
        return interval[0]
    third = float(((sample - sample.mean()) ** 3).mean()) * count**2 / ((count - 1) * (count - 2))
    reach = float(stdtrit(count - 1, 1 - alpha / 2))
    return interval[0] + min(0.0, third / spread**3) * spread * (1 + 2 * reach**2) / (6 * count)


def non_inferior(
    gains: ArrayLike, margin: float, least: float, p_adjusted: float, alpha: float = ALPHA
) -> Decided:
    """The answer for one measure, from the gains of its prompts.

    *pass*: the lower end of the 1 - `alpha` interval (see `lowest_gain`) lies above -`margin`. *regressed*: no pass,
    `p_adjusted` (one-sided, over the family) is at most `alpha`, and the observed loss is at least `least`.
    *inconclusive*: neither. So a loss that is real but surely smaller than the margin passes; the caller says so.

    Never a pass: fewer than `FEWEST` prompts that moved, equal gains on all prompts, no margin above zero.

    Args:
        gains: one a prompt that could be compared.
        margin: the loss that is accepted, above zero.
        least: the smallest observed loss that is worth an alarm, 0 or more.
        p_adjusted: from `sign_flip` or `holm`.
        alpha: of the family for alarms; half of it is the risk of passing a loss as large as the margin.
    """
    sample = np.asarray(gains, dtype=np.float64)
    if len(sample) == 0:
        return "inconclusive"
    moved = int((np.abs(sample - np.median(sample)) > _TIE * (1 + np.abs(sample).max())).sum())
    lowest = lowest_gain(sample, alpha)
    if margin > 0 and moved >= FEWEST and lowest is not None and lowest > -margin:
        return "pass"
    loss = -float(sample.mean())
    if p_adjusted <= alpha and loss > 0 and loss >= least:
        return "regressed"
    return "inconclusive"
