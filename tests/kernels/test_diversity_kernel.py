"""Sameness and the Vendi score, against eigenvalues that were found in another way."""

from __future__ import annotations

import math

import numpy as np
import pytest

from imgaudit.kernels.diversity import (
    FEWEST,
    bootstrap_mean,
    cosines,
    grid_likeness,
    mean_pairwise,
    vendi,
    vendi_of_vectors,
)


def unit(count: int, width: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, width))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def vendi_by_singular_values(vectors: np.ndarray) -> float:
    """The same score without any similarity matrix: its eigenvalues are the squared singular values of the vectors."""
    shares = np.linalg.svd(vectors / math.sqrt(len(vectors)), compute_uv=False) ** 2
    shares = shares[shares > 0]
    return math.exp(-sum(share * math.log(share) for share in shares))


@pytest.mark.parametrize(("count", "width"), [(2, 8), (5, 8), (12, 4), (40, 16)])
def test_the_score_is_that_of_the_singular_values(count: int, width: int):
    vectors = unit(count, width)

    assert vendi(cosines(vectors)) == pytest.approx(vendi_by_singular_values(vectors), rel=1e-9)
    assert vendi_of_vectors(vectors.astype(np.float32)) == pytest.approx(vendi_by_singular_values(vectors), rel=1e-5)


@pytest.mark.parametrize("modes", [1, 2, 5, 8])
def test_as_many_pictures_count_as_there_are_modes(modes: int):
    vectors = np.eye(8)[np.arange(40) % modes]

    assert vendi(cosines(vectors)) == pytest.approx(modes)
    assert vendi_of_vectors(vectors.astype(np.float32)) == pytest.approx(modes)


@pytest.mark.parametrize("cosine", [0.0, 0.3, 0.9])
def test_two_pictures_have_the_closed_form(cosine: float):
    high, low = (1 + cosine) / 2, (1 - cosine) / 2
    expected = high**-high * low**-low

    assert vendi([[1, cosine], [cosine, 1]]) == pytest.approx(expected)


def test_more_alike_pictures_count_as_fewer():
    direction, noise = unit(1, 32)[0], unit(12, 32, 1)
    scores = [vendi(cosines(direction + width * noise)) for width in (0.05, 0.3, 1.0, 5.0)]

    assert scores == sorted(scores)
    assert scores[0] < 1.1
    assert scores[-1] > 6


def test_the_mean_over_pairs_does_not_depend_on_how_many_pictures_there_are():
    random = np.random.default_rng(5)
    direction = unit(1, 24)[0]

    def mean(count: int) -> float:
        noise = random.normal(size=(count, 24)) / 5
        return mean_pairwise(cosines(direction + noise))

    few, many = ([mean(count) for _ in range(400)] for count in (3, 24))

    assert np.mean(few) == pytest.approx(np.mean(many), abs=4 * np.std(few) / 20)


def test_likeness_of_grids_is_one_for_equal_ones_and_falls_with_the_difference_of_colour():
    grey = np.full((3, 16, 16, 3), 120, np.uint8)
    grey[1] += 10
    grey[2] += 80

    table = grid_likeness(grey)

    # 120 and 130 of sRGB grey are L* 50.43 and 54.37: apart by 3.94
    assert np.diag(table).tolist() == [1.0, 1.0, 1.0]
    assert table[0, 1] == pytest.approx(math.exp(-(3.94**2) / 800), abs=1e-3)
    assert table[0, 1] > table[0, 2]
    assert np.linalg.eigvalsh(table).min() > -1e-9


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(ValueError, match="at least two"):
        mean_pairwise([[1.0]])
    with pytest.raises(ValueError, match="length zero"):
        cosines([[0.0, 0.0]])
    with pytest.raises(ValueError, match="ones on the diagonal"):
        vendi([[0.5]])


def test_too_few_or_equal_values_have_no_interval():
    assert bootstrap_mean([0.1, 0.2, 0.3, 0.4, 0.5][: FEWEST - 1]) is None
    assert bootstrap_mean([0.2] * 20) is None


@pytest.mark.parametrize(("count", "least"), [(6, 0.88), (10, 0.89), (30, 0.9)])
def test_the_interval_covers_the_mean_about_as_often_as_it_says(count: int, least: float):
    random = np.random.default_rng(count)
    trials = 300
    covered = 0
    for _ in range(trials):
        low, high = bootstrap_mean(random.gamma(4.0, 0.05, count), draws=1000) or (0.0, 0.0)
        covered += low <= 0.2 <= high

    assert least <= covered / trials <= 0.985
