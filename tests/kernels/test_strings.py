from __future__ import annotations

import itertools
import random

import pytest

from imgaudit.kernels.strings import cer, differences, loose, match, similarity, strict, words


def slow_distance(a: str, b: str) -> int:
    """The textbook recursion, row by row."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def test_distances_equal_the_textbook_recursion():
    rng = random.Random(3)

    for _ in range(300):
        a, b = ("".join(rng.choices("abc", k=rng.randrange(1, 8))) for _ in range(2))
        assert cer(a, b) == slow_distance(a, b) / len(a)
        assert similarity(a, b) == pytest.approx(1 - slow_distance(a, b) / max(len(a), len(b)))


def test_strict_keeps_case_and_loose_keeps_only_letters_and_digits():
    assert strict("  Café\n BAR ") == "Café BAR"
    assert loose("Don’t STOP—now") == loose("don't stop - NOW") == "dontstopnow"
    assert loose("ＡＢＣ １") == "abc1"
    assert loose("0") != loose("O")
    assert words("It's 5 o’clock!") == ["its", "5", "oclock"]


def best_by_brute_force(phrases: list[str], tokens: list[str]) -> float:
    """The largest sum of similarity times length over all ways to give each phrase a window of words, or none."""
    windows = [(i, j) for i in range(len(tokens)) for j in range(i, len(tokens))]

    def worth(phrase: str, window: tuple[int, int]) -> float:
        value = similarity(loose(phrase), loose(" ".join(tokens[window[0] : window[1] + 1])))
        return value * len(loose(phrase)) if value >= 0.5 else 0.0

    best = 0.0
    for chosen in itertools.product([None, *windows], repeat=len(phrases)):
        taken = [w for w in chosen if w]
        if all(a[1] < b[0] or b[1] < a[0] for a, b in itertools.combinations(taken, 2)):
            best = max(best, sum(worth(p, w) for p, w in zip(phrases, chosen, strict=True) if w))
    return best


def test_assignment_reaches_the_best_of_all_ways_where_phrases_are_distinct():
    phrases = ["open now", "fire exit"]

    for tokens in itertools.permutations(["open", "now", "fire", "exti"], 4):
        found = match(phrases, [" ".join(tokens)])
        reached = sum(f.similarity * len(loose(f.phrase)) for f in found.found)
        assert reached == pytest.approx(best_by_brute_force(phrases, list(tokens)))


def test_many_phrases_are_assigned_as_few_are():
    few = [f"word{chr(97 + i) * 3} tail{i}" for i in range(8)]
    many = [f"word{chr(97 + i) * 3} tail{i}" for i in range(16)]
    lines = [phrase.replace("tail", "tial") for phrase in reversed(many)]

    found = match(many, lines)
    assert {f.span.text for f in found.found if f.span} == set(lines)
    assert [f.similarity for f in found.found[:8]] == [f.similarity for f in match(few, lines).found]


def test_a_right_phrase_is_exact_over_two_lines_and_without_its_spaces():
    found = match(["NEON DUSK", "Echo District"], ["NEON", "DUSK", "EchoDistrict"])

    assert [f.outcome for f in found.found] == ["exact", "exact"]
    assert found.found[0].exact_strict
    assert not found.found[1].exact_strict
    assert (found.similarity, found.cer, found.word_recall, found.word_precision) == (1.0, 0.0, 1.0, 1.0)
    assert found.extra == ()


def test_a_slip_a_missing_phrase_and_an_extra_line_are_told_apart():
    found = match(["FIRE", "WATER"], ["FIIRE", "lamp shade"])

    assert [f.outcome for f in found.found] == ["misspelt", "missing"]
    assert found.found[0].similarity == 0.8
    assert found.extra == ((1, "lamp shade"),)
    assert found.similarity == pytest.approx(4 / 9 * 0.8)
    assert found.cer == pytest.approx((1 + 5) / 9)


def test_a_phrase_written_twice_is_duplicated_unless_it_is_asked_twice():
    assert match(["FIRE"], ["FIRE", "FIRE"]).found[0].outcome == "duplicated"
    assert [f.outcome for f in match(["FIRE", "FIRE"], ["FIRE", "FIRE"]).found] == ["exact", "exact"]
    assert [f.outcome for f in match(["FIRE", "FIRE"], ["FIRE"]).found].count("missing") == 1


def test_two_phrases_never_share_a_word():
    found = match(["salt", "sea salt"], ["sea salt"])

    assert {f.phrase: f.outcome for f in found.found}["sea salt"] == "exact"
    assert {f.phrase: f.outcome for f in found.found}["salt"] == "missing"


def test_nothing_read_is_a_missing_phrase_and_no_precision():
    found = match(["FIRE"], [])

    assert (found.similarity, found.cer, found.word_recall, found.word_precision) == (0.0, 1.0, 0.0, None)


def test_a_phrase_without_letters_is_refused():
    with pytest.raises(ValueError, match="letter or digit"):
        match(["!!!"], ["x"])


def test_differences_are_said_in_words():
    assert differences("fire", "fiire") == "'i' too many"
    assert differences("open", "opan") == "'a' instead of 'e'"
    assert differences("open", "pen") == "'o' lacks"


def test_ten_thousand_words_are_matched_in_bounded_time():
    found = match(["needle in a haystack"], ["straw hay"] * 5000)

    assert found.found[0].outcome == "missing"
