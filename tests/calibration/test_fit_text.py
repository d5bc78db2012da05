from __future__ import annotations

from importlib import resources

import numpy as np
import pytest
from scipy.special import expit

from imgaudit.calibration.fit_text import auroc, fitted, slip
from imgaudit.calibration.make_words import packed
from imgaudit.kernels.writing import Lexicon


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon.parse((resources.files("imgaudit") / "calibration" / "words_en.txt.xz").read_bytes())


def test_the_fit_finds_the_weights_that_made_the_labels():
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(6000, 2))
    bad = rng.random(6000) < expit(2.0 * rows[:, 0])
    features = [{"a": float(a), "b": float(b)} for a, b in rows]

    weights, bias = fitted(("a", "b"), [f for f, x in zip(features, bad, strict=True) if not x],
                           [f for f, x in zip(features, bad, strict=True) if x])  # fmt: skip
    assert weights["a"] == pytest.approx(2.0, abs=0.25)
    assert weights["b"] == pytest.approx(0.0, abs=0.1)
    assert bias == pytest.approx(0.0, abs=0.1)


def test_a_feature_never_speaks_for_writing_unless_it_is_free():
    good, bad = [{"a": 1.0}, {"a": 0.8}], [{"a": 0.0}, {"a": 0.1}]

    assert fitted(("a",), good, bad)[0]["a"] == 0.0
    assert fitted(("a",), good, bad, free=("a",))[0]["a"] < 0.0


def test_the_area_counts_pairs_and_ties_half():
    figures = auroc([0.9, 0.5], [0.5, 0.1], np.random.default_rng(0))

    assert figures["auroc"] == 0.875
    assert figures["low"] <= figures["auroc"] <= figures["high"]


def test_a_slip_is_never_a_word(lexicon: Lexicon):
    rng = np.random.default_rng(1)

    for word in sorted(lexicon.common)[::400]:
        made = slip(word, lexicon, rng)
        assert made != word
        assert not lexicon.knows(made)


def test_the_word_list_survives_packing():
    small = Lexicon(frozenset(("fire", "firm")), frozenset(("hat",)), frozenset(("zebra", "zen")))

    assert Lexicon.parse(packed(small)) == small
