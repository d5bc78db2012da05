from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import hmean

from imgaudit.kernels.clipscore import full_name, original, pair_probability, torchmetrics, with_references


def test_the_two_scales_are_those_of_the_papers_and_libraries() -> None:
    cosines = np.linspace(-1, 1, 41)

    assert [original(c) for c in cosines] == pytest.approx(list(2.5 * np.clip(cosines, 0, None)))
    assert [torchmetrics(c) for c in cosines] == pytest.approx(list(np.clip(100 * cosines, 0, None)))


def test_with_references_is_the_harmonic_mean_with_the_best_of_them() -> None:
    assert with_references(0.7, [0.3, 0.8, -0.2]) == pytest.approx(hmean([0.7, 0.8]))


def test_with_references_is_zero_where_nothing_fits() -> None:
    assert with_references(0.0, [-0.3]) == with_references(0.7, [-0.3]) == with_references(0.0, [0.5]) == 0


def test_the_pair_probability_is_a_sigmoid_that_does_not_overflow() -> None:
    assert pair_probability(0.1, 112.0, -16.5) == pytest.approx(expit(0.1 * 112 - 16.5))
    assert pair_probability(-1.0, 1e4, -10.0) == 0.0
    assert pair_probability(1.0, 1e4, -10.0) == 1.0


def test_names_of_figures_that_cannot_be_compared_differ() -> None:
    names = {
        full_name("f", model, weights, template, scale)
        for model in ("a", "b")
        for weights in ("1", None)
        for template in ("{prompt}", "A photo depicts {prompt}")
        for scale in ("0..1", "0..100")
    }

    assert len(names) == 16
