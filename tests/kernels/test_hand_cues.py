"""Cues of a hand, and the link from them to a score."""

from __future__ import annotations

import math

import numpy as np
import pytest

from imgaudit.kernels import hand_cues
from imgaudit.percepts import Hand, HandViews

REFERENCE = hand_cues.Reference(
    radii=(10.0, 40.0),
    centres=dict.fromkeys(hand_cues.CUES, (0.0, -2.0)),
    deviations=dict.fromkeys(hand_cues.CUES, (1.0, 0.5)),
    halves=(1.5, 0.5),
    slope=2.0,
)


def hand(views: HandViews | None) -> Hand:
    rng = np.random.default_rng(0)
    points = tuple(map(tuple, rng.normal(size=(21, 3))))
    return Hand(points=points, world=points, side="left", side_score=0.9, presence=0.9, box=(0, 0, 1, 1), views=views)


def test_a_hand_that_was_looked_at_once_has_no_cues() -> None:
    assert hand_cues.cues(hand(None)) == {}


def test_every_cue_is_there_and_is_the_view_that_it_names() -> None:
    views = HandViews(jitter=0.1, world_jitter=0.2, mirror=0.3, lite=0.4, flips=True, presence=0.9)

    seen = hand_cues.cues(hand(views))

    assert set(seen) == set(hand_cues.CUES)
    assert (seen["jitter"], seen["world_jitter"], seen["mirror"], seen["lite"]) == (0.1, 0.2, 0.3, 0.4)
    assert seen["bones"] > 0


def test_z_scores_are_interpolated_over_the_logarithm_of_the_radius() -> None:
    middle = math.sqrt(10 * 40)

    z = REFERENCE.z_scores({"jitter": math.e}, middle)["jitter"]

    assert z == pytest.approx((1 - (-1.0)) / 0.75)
    assert REFERENCE.z_scores({"jitter": math.e}, 1.0)["jitter"] == pytest.approx(1.0)
    assert REFERENCE.z_scores({"jitter": math.exp(-2)}, 500.0)["jitter"] == pytest.approx(0.0)


def test_no_cue_rules_alone_and_none_excuses_another() -> None:
    z = REFERENCE.z_scores({"jitter": 1e9, "mirror": 0.0}, 10.0)

    assert z == {"jitter": 8.0, "mirror": -1.0}


def test_the_score_is_a_half_at_the_operating_point_and_rises() -> None:
    at = [REFERENCE.probability(dict.fromkeys(hand_cues.CUES, z), 10.0) for z in (-4.0, 0.0, 1.5, 4.0)]

    assert at[2] == pytest.approx(0.5)
    assert at == sorted(at)
    assert all(0 < p < 1 for p in at)
    assert REFERENCE.probability(dict.fromkeys(hand_cues.CUES, 0.5), 40.0) == pytest.approx(0.5)


def test_robust_centre_and_spread_agree_with_a_normal_law_and_ignore_outliers() -> None:
    values = np.random.default_rng(1).normal(3, 2, size=20_000)
    spoilt = np.concatenate([values, np.full(200, 1e6)])

    centre, deviation = hand_cues.robust(spoilt.tolist())

    assert centre == pytest.approx(3, abs=0.1)
    assert deviation == pytest.approx(2, rel=0.03)
