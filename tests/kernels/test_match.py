from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import expit, logsumexp, softmax

from imgaudit.kernels.match import ABSENT, Comparison, against, compare, log_mean_exp, over_pieces, share


def compared(*arguments: object) -> Comparison:
    found = compare(*arguments)  # type: ignore[arg-type]
    assert found is not None
    return found


def test_match_is_the_mean_over_kinds_of_softmax_shares() -> None:
    random = np.random.default_rng(1)
    for _ in range(50):
        prompt, *rest = random.uniform(-0.2, 0.4, 16)
        foils = {"colour": list(rest[:3]), "count": list(rest[3:4]), "size": list(rest[4:9])}
        anchors, scale = rest[9:], float(random.uniform(1, 120))

        beside = logsumexp(scale * np.asarray(anchors)) - np.log(len(anchors))
        rivals = {kind: logsumexp(scale * np.asarray(texts)) - np.log(len(texts)) for kind, texts in foils.items()}
        kinds = {kind: softmax([scale * prompt, rival, beside])[0] for kind, rival in rivals.items()}
        found = compared(prompt, foils, anchors, scale)

        assert found.match == pytest.approx(np.mean(list(kinds.values())), abs=1e-9)
        assert found.worst == pytest.approx(min(kinds.values()), abs=1e-9)
        assert found.kinds == pytest.approx(kinds, abs=1e-9)
        assert found.absent == pytest.approx(expit(scale * prompt - beside), abs=1e-9)


def test_without_anchors_it_is_the_pairwise_sigmoid() -> None:
    found = compared(0.31, {"colour": [0.29]}, [], 100.0)

    assert found.match == pytest.approx(expit(2.0))
    assert found.absent is None


def test_a_bias_as_siglip_has_it_cancels() -> None:
    bias, scale, prompt, foil = -16.5, 112.0, 0.11, 0.07

    with_bias = math.exp(scale * prompt + bias) / (math.exp(scale * prompt + bias) + math.exp(scale * foil + bias))

    assert compared(prompt, {"colour": [foil]}, [], scale).match == pytest.approx(with_bias)


def test_a_cat_does_not_score_high_on_a_red_dog_against_a_blue_dog() -> None:
    red_dog, blue_dog, cat, others = 0.22, 0.21, 0.28, [0.12, 0.15, 0.1]

    pairwise_alone = compared(red_dog, {"colour": [blue_dog]}, [], 100.0)
    with_anchors = compared(red_dog, {"colour": [blue_dog]}, [cat, *others], 100.0)

    assert pairwise_alone.match > 0.7
    assert with_anchors.match < 0.05
    assert with_anchors.worst_kind == ABSENT


def test_anchors_that_do_not_fit_change_nothing() -> None:
    plain = compared(0.3, {"colour": [0.28]}, [], 100.0)
    anchored = compared(0.3, {"colour": [0.28]}, [0.05] * 24, 100.0)

    assert anchored.match == pytest.approx(plain.match, abs=1e-6)
    assert anchored.worst_kind == "colour"


def test_the_number_of_foils_and_of_anchors_does_not_move_the_score() -> None:
    few = compared(0.3, {"colour": [0.28, 0.25], "count": [0.29]}, [0.2, 0.24], 80.0)
    many = compared(0.3, {"colour": [0.28, 0.25] * 9, "count": [0.29] * 5}, [0.2, 0.24] * 7, 80.0)

    assert many.match == pytest.approx(few.match)
    assert many.worst == pytest.approx(few.worst)


def test_one_foil_that_fits_is_enough_whatever_the_others_of_its_kind() -> None:
    shows_three = compared(0.2, {"count": [0.3, 0.1]}, [], 100.0)

    assert shows_three.kinds["count"] < 0.01


def test_each_kind_weighs_the_same_whatever_its_number_of_foils() -> None:
    found = compared(0.0, {"colour": [-9.0] * 10, "count": [9.0]}, [], 10.0)

    assert found.match == pytest.approx(0.5)
    assert (found.worst_kind, found.worst) == ("count", pytest.approx(0.0))


def test_without_foils_the_anchors_alone_decide() -> None:
    found = compared(0.3, {"colour": []}, [0.2, 0.3], 100.0)

    assert found.match == found.worst == found.absent
    assert (found.worst_kind, dict(found.kinds)) == (ABSENT, {})


def test_with_nothing_to_compare_there_is_no_score() -> None:
    assert compare(0.3, {}, [], 100.0) is None
    assert compare(0.3, {"colour": []}, [], 100.0) is None
    assert against(0.3, [], 100.0) is None


def test_a_better_prompt_never_scores_lower() -> None:
    foils = {"colour": [0.2, 0.3], "count": [0.25]}
    scores = [compared(cosine, foils, [0.1, 0.22], 60.0).match for cosine in np.linspace(-1, 1, 80)]

    assert scores == sorted(scores)
    assert scores[0] < 1e-6
    assert scores[-1] > 1 - 1e-6


def test_huge_scales_do_not_overflow() -> None:
    assert share(1e6, -1e6) == 1.0
    assert share(-1e6, 1e6) == 0.0
    assert log_mean_exp([1e6, -1e6]) == pytest.approx(1e6 - math.log(2))
    assert log_mean_exp([]) == -math.inf


def test_one_text_against_others_is_a_softmax_with_their_mean() -> None:
    expected = math.exp(3.0) / (math.exp(3.0) + (math.exp(1.0) + math.exp(2.0)) / 2)

    assert against(0.3, [0.1, 0.2], 10.0) == pytest.approx(expected)


def test_over_pieces_the_mean_is_by_weight_and_the_worst_is_the_lowest() -> None:
    good = compared(0.3, {"colour": [0.2], "size": [0.25]}, [0.1], 60.0)
    bad = compared(0.2, {"colour": [0.3], "object": [0.1]}, [0.12], 60.0)

    found, place = over_pieces([(6.0, good), (2.0, bad)])

    assert found.match == pytest.approx(np.average([good.match, bad.match], weights=[6, 2]))
    assert (found.worst, found.worst_kind, place) == (bad.worst, "colour", 1)
    assert found.kinds == {"colour": bad.kinds["colour"], "size": good.kinds["size"], "object": bad.kinds["object"]}
    assert found.absent == min(good.absent or 1, bad.absent or 1)


def test_one_piece_alone_is_itself() -> None:
    one = compared(0.3, {"colour": [0.2]}, [0.1], 60.0)

    assert over_pieces([(5.0, one)]) == (one, 0)
