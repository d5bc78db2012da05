from __future__ import annotations

import math
import random
from importlib import resources

import pytest

from imgaudit.kernels import writing
from imgaudit.kernels.writing import LINE_FEATURES, WORD_FEATURES, Lexicon, Read, line_features, nearest, word_features

SQUARE = ((0.0, 0.0), (10.0, 0.0), (10.0, 4.0), (0.0, 4.0))


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon.parse((resources.files("imgaudit") / "calibration" / "words_en.txt.xz").read_bytes())


def test_front_coding_gives_the_words_back():
    rng = random.Random(1)
    words = sorted({"".join(rng.choices("abc", k=rng.randrange(2, 30))) for _ in range(500)})

    assert writing.front_decoded(writing.front_coded(words)) == words


def test_the_packaged_list_is_small_and_knows_plain_words(lexicon: Lexicon):
    data = (resources.files("imgaudit") / "calibration" / "words_en.txt.xz").read_bytes()

    assert len(data) <= 150_000
    assert all(lexicon.knows(w) for w in ("fire", "restaurant", "colour", "color", "madagascar", "don't", "king's"))
    assert not any(lexicon.knows(w) for w in ("fiire", "lateten", "moodels", "qzxvk"))
    assert lexicon.knows("theking")
    assert lexicon.knows("zalando", {"zalando"})


def test_words_are_less_odd_than_random_letters(lexicon: Lexicon):
    rng = random.Random(5)
    held_out = sorted(lexicon.medium)
    plain = [lexicon.oddness(w) for w in rng.sample(held_out, 200)]
    noise = [lexicon.oddness("".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=7))) for _ in range(200)]

    assert sum(n > p for n, p in zip(noise, plain, strict=True)) >= 190


def slow_osa(a: str, b: str) -> int:
    """Optimal string alignment by its definition."""
    d = {(i, 0): i for i in range(len(a) + 1)} | {(0, j): j for j in range(len(b) + 1)}
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            d[i, j] = min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + (a[i - 1] != b[j - 1]))
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                d[i, j] = min(d[i, j], d[i - 2, j - 2] + 1)
    return d[len(a), len(b)]


def test_the_nearest_word_is_that_of_a_search_through_all():
    tiers = (("fire", "hire", "water"), ("models", "fibre"), ("moodle",), ("moodel",))
    small = Lexicon(*map(frozenset, tiers))

    for word in ("fiire", "watre", "moodels", "fire", "zzzzzz", "fi"):
        others = [(slow_osa(word, w), rank, w) for rank, tier in enumerate(tiers[:3]) for w in tier if w != word]
        near = min(o for o in others)
        assert nearest(word, small) == ((near[2], near[0]) if near[0] <= 2 else None)


def test_a_clean_line_has_nothing_against_it(lexicon: Lexicon):
    features = line_features(Read("Open every day", 1.0, (1.0,) * 14, 0.9), lexicon)

    assert tuple(features) == LINE_FEATURES
    assert {name for name, value in features.items() if value} == {"found"}


@pytest.mark.parametrize(
    ("text", "feature"),
    [("Qzrt wvkx", "lexical"), ("Qzrt wvkx", "odd"), ("p日qя", "salad"), ("∀⊥⊥∀", "symbols"), ("sHoPpInG", "case"),
     ("b c d", "single")],
)  # fmt: skip
def test_each_oddity_raises_its_own_feature(lexicon: Lexicon, text: str, feature: str):
    assert line_features(Read(text, 1.0), lexicon)[feature] > 0


def test_codes_prices_and_japanese_are_not_held_against_a_line(lexicon: Lexicon):
    for text in ("XK-4471", "$19.99", "ポイ捨て禁止", "食べ物 100%", "12:30"):
        features = line_features(Read(text, 1.0), lexicon)
        assert not any(value for name, value in features.items() if name != "found"), text


def test_without_a_word_list_words_are_not_judged():
    features = line_features(Read("Qzrt wvkx", 1.0), None)

    assert features["lexical"] == features["odd"] == 0.0


def test_a_word_next_to_a_common_one_is_marked_so(lexicon: Lexicon):
    features = word_features("Moodels", lexicon, lower_case_line=False)

    assert tuple(features) == WORD_FEATURES
    assert (features["one_edit"], features["two_edits"]) == (1.0, 0.0)


def test_the_upper_quantile_equals_a_count_by_hand():
    values, weights = [0.2, 0.8, 0.5], [5.0, 1.0, 4.0]

    assert writing.upper_quantile(values, weights, 0.1) == 0.8
    assert writing.upper_quantile(values, weights, 0.11) == 0.5
    assert writing.upper_quantile(values, weights, 1.0) == 0.2
    with pytest.raises(ValueError, match="at least one"):
        writing.upper_quantile([], [], 0.1)


def test_the_logistic_is_that_of_the_formula():
    assert writing.logistic({"a": 2.0}, {"a": 0.5}, -0.3) == pytest.approx(1 / (1 + math.exp(-0.7)))


def test_places_are_measured_in_pixels():
    assert writing.height_of(SQUARE) == 4.0
    assert writing.area_of(SQUARE) == 40.0
    assert writing.box_of(SQUARE) == (0.0, 0.0, 10.0, 4.0)
    assert writing.part_of(SQUARE, 0.5, 1.0) == ((5.0, 0.0), (10.0, 0.0), (10.0, 4.0), (5.0, 4.0))


def test_reading_runs_along_rows_and_then_down():
    def at(x: float, y: float, height: float = 10.0):
        return ((x, y), (x + 30, y), (x + 30, y + height), (x, y + height))

    polygons = [at(50, 2), at(0, 30), at(0, 0), at(40, 33), at(0, 60, 40)]

    assert writing.reading_order(polygons) == [2, 0, 1, 3, 4]
    assert writing.reading_order([]) == []
