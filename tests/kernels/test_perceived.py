"""Groups of an ensemble of prompts, called or left unclear."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from imgaudit.kernels.perceived import SURE, UNCLEAR, called, probabilities


def test_probabilities_are_the_softmax_of_scaled_means() -> None:
    cosines = np.random.default_rng(1).normal(0.2, 0.05, (3, 9))

    found = probabilities(cosines.tolist(), 37.5)

    assert found == pytest.approx(softmax(37.5 * cosines.mean(axis=1)).tolist())
    assert sum(found) == pytest.approx(1)


def test_large_scales_do_not_overflow() -> None:
    assert probabilities([[1.0], [-1.0]], 1e6) == [1.0, 0.0]


def test_groups_may_have_different_numbers_of_phrasings() -> None:
    assert probabilities([[0.2, 0.2, 0.2], [0.2]], 100) == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize(
    ("crop", "mirror", "word"),
    [
        ((0.95, 0.05), (0.9, 0.1), "feminine"),
        ((0.05, 0.95), (0.19, 0.81), "masculine"),
        ((0.95, 0.05), (0.79, 0.21), UNCLEAR),
        ((0.95, 0.05), (0.05, 0.95), UNCLEAR),
        ((0.6, 0.4), (0.9, 0.1), UNCLEAR),
        ((0.5, 0.5), (0.5, 0.5), UNCLEAR),
    ],
)
def test_a_group_needs_both_looks_to_be_sure(
    crop: tuple[float, ...], mirror: tuple[float, ...], word: str
) -> None:
    assert called(("feminine", "masculine"), crop, mirror) == word


def test_the_next_group_is_far_from_one_that_is_called() -> None:
    draw = np.random.default_rng(2)
    for _ in range(500):
        shares = draw.dirichlet([0.3] * 3).tolist()
        if called("abc", shares, shares) != UNCLEAR:
            best, second, _ = sorted(shares, reverse=True)
            assert best - second >= 2 * SURE - 1 - 1e-12
