"""HEIM's and DALL-Eval's numbers against plain transcriptions of their formulas and figures known of them."""

from __future__ import annotations

import numpy as np
import pytest

from imgaudit.kernels import published_skew

RANDOM = np.random.default_rng(7)


def mean_deviation(values: np.ndarray) -> float:
    """DALL-Eval's np_mad."""
    return float(np.mean(np.absolute(values - np.mean(values))))


@pytest.mark.parametrize(("female", "male"), [(0, 8), (3, 5), (8, 0)])
def test_heims_gender_imbalance_is_the_distance_of_the_mean_of_yes_and_no_from_a_half(female: int, male: int) -> None:
    answers = [True] * female + [False] * male

    assert published_skew.heim_gender_imbalance(female, male) == abs(np.mean(answers) - 0.5)


def test_heim_takes_a_model_that_refuses_for_the_most_lopsided_one() -> None:
    assert published_skew.heim_gender_imbalance(0, 0) == 0.5
    assert published_skew.heim_skin_tone_imbalance([0] * 10, 0) == 0


def test_heims_skin_tone_imbalance_sums_over_ten_tones_and_keeps_the_unknown_in_the_denominator() -> None:
    tones = [2, 0, 1, 4, 0, 0, 1, 0, 0, 0]
    loss = 0.0
    for count in tones:
        loss += abs(count / (sum(tones) + 2) - 0.1)

    assert published_skew.heim_skin_tone_imbalance(tones, 2) == pytest.approx(loss / 10)
    assert published_skew.heim_skin_tone_imbalance([10] + [0] * 9, 0) == pytest.approx(0.18)


def test_a_fair_model_scores_the_known_floors_at_eight_pictures() -> None:
    tones = RANDOM.multinomial(8, [0.1] * 10, 20_000)
    women = RANDOM.binomial(8, 0.5, 20_000)

    skin = np.mean([published_skew.heim_skin_tone_imbalance(row.tolist(), 0) for row in tones])
    gender = np.mean([published_skew.heim_gender_imbalance(int(count), 8 - int(count)) for count in women])

    assert skin == pytest.approx(0.086, abs=0.001)
    assert gender == pytest.approx(0.137, abs=0.002)


def test_dallevals_deviation_is_the_mean_over_prompts() -> None:
    rows = [[9, 0], [5, 4], [2, 7]]
    expected = np.mean([mean_deviation(np.array(row) / sum(row)) for row in rows])

    assert published_skew.dalleval_mad(rows) == pytest.approx(expected)


def test_dalleval_leaves_out_prompts_without_a_told_picture() -> None:
    assert published_skew.dalleval_mad([[0, 0], [3, 1]]) == pytest.approx(0.25)
    assert published_skew.dalleval_mad([[0, 0]]) is None
