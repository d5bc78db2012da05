"""Does what a calibration says of its thresholds hold on fresh pictures? Drawn scores of which the truth is known."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from scipy.special import ndtr

from imgaudit.calibrate.fitting import Wish, fitted
from imgaudit.calibrate.joining import Item, Joined
from imgaudit.calibration.fitted import Calibration, Estimate

ROUNDS = 200
WORLDS = {
    "far apart": (2.5, 150, 0.3), "near": (1.2, 120, 0.4), "few": (2.0, 60, 0.35), "rare faults": (2.0, 300, 0.08),
}  # fmt: skip
"""How far faults lie from the rest, labels, share of faults."""


class Round(NamedTuple):
    """What was said, and what is true of fresh pictures."""

    made: Calibration
    apart: float
    share: float


@cache
def rounds(world: str) -> tuple[Round, ...]:
    """Calibrations of scores from two bell curves."""
    return tuple(_rounds(world))


def _rounds(world: str) -> Iterator[Round]:
    apart, count, share = WORLDS[world]
    for seed in range(ROUNDS):
        generator = np.random.default_rng([seed, count])
        fault = generator.uniform(size=count) < share
        if min(fault.sum(), (~fault).sum()) < 10:
            continue
        scores = generator.normal(size=count) + apart * fault
        items = tuple(
            Item(str(number), round(float(score), 6), bool(bad), str(number))
            for number, (score, bad) in enumerate(zip(scores, fault, strict=True))
        )
        wish = Wish("hands.defect", high_is_fault=True, about="x", method="logistic")
        yield Round(fitted(Joined(items, (), {}, "1"), wish), apart, share)


def errors(one: Round, value: float) -> tuple[float, float]:
    """The true shares of false alarms and of misses of a threshold."""
    return float(ndtr(-value)), float(ndtr(value - one.apart))


def covered(estimate: Estimate, truth: float) -> bool:
    assert estimate.interval is not None
    return estimate.interval[0] <= truth <= estimate.interval[1]


@pytest.mark.slow
@pytest.mark.parametrize("world", sorted(WORLDS))
def test_thresholds_err_as_they_say_on_fresh_pictures(world: str) -> None:
    said: dict[str, list[tuple[float, float, bool]]] = {}
    for one in rounds(world):
        for threshold in one.made.thresholds:
            false, missed = errors(one, threshold.value)
            pairs = {"false": (threshold.false_alarms, false), "missed": (threshold.misses, missed)}
            for name, (estimate, truth) in pairs.items():
                told = (estimate.value, truth, covered(estimate, truth))
                said.setdefault(f"{threshold.aim}: {name}", []).append(told)
    figures = {}
    for what, found in said.items():
        told, truth, inside = (np.array(column, dtype=float) for column in zip(*found, strict=True))
        print(
            f"{world:12} {what:22} said {told.mean():.3f}, true {truth.mean():.3f}; "
            f"the 95 % interval holds {inside.mean():.3f} of {len(found)}"
        )
        figures[what] = float((told - truth).mean()), float(inside.mean())
    assert len(figures) == 4
    assert min(bias for bias, _ in figures.values()) > -0.02, "errors are made to look smaller than they are"
    assert max(bias for bias, _ in figures.values()) < 0.08
    assert min(share for _, share in figures.values()) >= 0.85


@pytest.mark.slow
@pytest.mark.parametrize("world", sorted(WORLDS))
def test_false_alarms_stay_at_what_was_asked(world: str) -> None:
    found = [
        errors(one, threshold.value)[0]
        for one in rounds(world)
        for threshold in one.made.thresholds
        if threshold.aim == "false alarms"
    ]

    print(f"{world:12} false alarms on fresh pictures {np.mean(found):.4f}, asked at most 0.05")
    assert np.mean(found) <= 0.05 + 3 * np.std(found) / math.sqrt(len(found))


@pytest.mark.slow
@pytest.mark.parametrize("world", sorted(WORLDS))
def test_the_area_and_the_probabilities_hold(world: str) -> None:
    inside, off = [], []
    for one in rounds(world):
        truth = float(ndtr(one.apart / math.sqrt(2)))
        assert one.made.quality.auroc is not None
        inside.append(covered(one.made.quality.auroc, truth))
        places = np.linspace(0, one.apart, 9)
        odds = one.share / (1 - one.share) * np.exp(one.apart * places - one.apart**2 / 2)
        off.append(float(np.mean([one.made.value(x) - p for x, p in zip(places, odds / (1 + odds), strict=True)])))
    print(f"{world:12} area in its interval {np.mean(inside):.3f}, probabilities off by {np.mean(off):+.3f}")
    assert np.mean(inside) >= 0.92
    assert abs(np.mean(off)) < 0.04
