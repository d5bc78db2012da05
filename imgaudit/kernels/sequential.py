"""Intervals that hold however often one looks: confidence sequences for bounded gains.

At the chosen level the true mean lies inside at every moment at once, so that one may stop as soon as the answer is
clear, or go on, and the error stays what it was said to be. There is no "again": what was seen stays in the sequence.

The sequence is the predictable plug-in empirical Bernstein one of Waudby-Smith and Ramdas (2024, Journal of the Royal
Statistical Society B 86, theorem 2). It needs known limits of the gains and no shape: for x in [0, 1], any
guess g made before x is seen, and a bet b in (0, 1) made before too, exp(b (x - mean) - (x - g)² psi(b)) has a mean of
at most 1, with psi(b) = -log(1 - b) - b (Fan, Grama and Liu 2015; Howard and others 2021).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_BOLDEST = 0.5
"""The largest bet. Half of what is allowed costs little where gains spread widely, and guards the first looks."""


def confidence_sequence(gains: ArrayLike, low: float, high: float, alpha: float = 0.05) -> tuple[Floats, Floats]:
    """Lower and upper ends, after each gain, of an interval that holds at all times with probability 1 - `alpha`.

    Each side alone holds with 1 - `alpha` / 2. Ends only ever close in; with probability `alpha` at most they may pass
    each other. Limits: wider than Student's interval at any one moment, and hardly closed before some tens of gains.

    Args:
        gains: in order of arrival, one a prompt, the prompts in random order; their mean is the one of all prompts that
            might arrive.
        low: no gain can be lower, such as -1 for a probability.
        high: no gain can be higher.
        alpha: of both sides together.
    """
    scaled = _scaled(np.asarray(gains, dtype=np.float64), low, high)
    return _sequence(scaled[:, None], low, high, alpha)


def rounds_sequence(gains: ArrayLike, low: float, high: float, alpha: float = 0.05) -> tuple[Floats, Floats]:
    """The same after each round of seeds over the same prompts; it speaks of these prompts, not of others like them.

    Adding seeds to a fixed set of prompts settles what the two models do on these prompts. A prompt's earlier
    rounds predict its next one, so that differences between prompts do not widen the interval. All prompts must be
    there in every round: leave out those that are not, from the first round on.

    Args:
        gains: shape (rounds, prompts): candidate minus baseline of one new picture each.
        low: no gain can be lower.
        high: no gain can be higher.
        alpha: of both sides together.
    """
    scaled = _scaled(np.asarray(gains, dtype=np.float64), low, high)
    return _sequence(scaled, low, high, alpha)


def _scaled(gains: Floats, low: float, high: float) -> Floats:
    if not low < high:
        raise ValueError(f"limits: {low} and {high}; expected the lower one first")
    if not bool(((gains >= low - 1e-9) & (gains <= high + 1e-9)).all()):
        raise ValueError(f"gains: outside {low} to {high}; expected limits that no gain can pass")
    return np.clip((gains - low) / (high - low), 0.0, 1.0)


def _sequence(scaled: Floats, low: float, high: float, alpha: float) -> tuple[Floats, Floats]:
    """Rounds (rows) of values in 0..1 that arrive together; bets and guesses of a round know only earlier rounds."""
    rounds, size = scaled.shape
    price = math.log(2 / alpha)
    centres, halves = np.empty(rounds), np.empty(rounds)
    weighted = stake = cost = 0.0
    sums, squares = np.zeros(size), 0.0
    for index in range(rounds):
        overall = (0.5 + sums.sum()) / (1 + index * size)
        guess = (overall + sums) / (1 + index) if size > 1 else np.array([overall])
        variance = (0.25 + squares) / (1 + index * size)
        seen = (index + 1) * size
        bet = min(_BOLDEST, math.sqrt(2 * price / (variance * seen * math.log(1 + seen))))
        values = scaled[index]
        error = float(((values - guess) ** 2).sum())
        weighted += bet * float(values.sum())
        stake += bet * size
        cost += error * (-math.log1p(-bet) - bet)
        squares += error
        sums += values
        centres[index], halves[index] = weighted / stake, (price + cost) / stake
    lower = low + (high - low) * np.clip(np.maximum.accumulate(centres - halves), 0.0, 1.0)
    upper = low + (high - low) * np.clip(np.minimum.accumulate(centres + halves), 0.0, 1.0)
    return lower, upper
