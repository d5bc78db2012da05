from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from imgaudit.kernels.pieces import LEAST, MOST, pieces

SUITES = Path(__file__).parents[2] / "imgaudit" / "suites" / "packaged"


def prompts() -> list[str]:
    cases = [case for path in SUITES.glob("*.yaml") for case in yaml.safe_load(path.read_text())["cases"]]
    return [case["prompt"] for case in cases if case.get("prompt")]


def test_no_word_is_lost_added_or_moved() -> None:
    for prompt in prompts():
        for most in (4, 9, MOST):
            assert " ".join(pieces(prompt, most)).split() == prompt.split()


def test_no_piece_is_longer_than_asked() -> None:
    for prompt in prompts():
        for most in (6, 11, MOST):
            assert max(len(piece.split()) for piece in pieces(prompt, most)) <= most


def test_random_words_keep_their_order() -> None:
    random = np.random.default_rng(2)
    words = ["cat", "and", "red,", "it.", "with", '"a', 'b"', "in", "blue;", "x"]
    for _ in range(300):
        prompt = " ".join(random.choice(words, random.integers(1, 70)))
        assert " ".join(pieces(prompt)).split() == prompt.split()


def test_a_short_prompt_is_one_piece_and_an_empty_one_none() -> None:
    assert pieces("two red cups on a table") == ("two red cups on a table",)
    assert pieces("  ") == ()


def test_sentences_are_cut_before_commas_and_commas_before_joining_words() -> None:
    prompt = "One big red dog, one small cat. A boy and a girl sit on a long bench near the house."

    first = "One big red dog, one small cat."
    assert pieces(prompt, 12) == (first, "A boy and a girl sit", "on a long bench near the house.")
    assert pieces(prompt, 13) == (first, prompt[len(first) + 1 :])


def test_writing_in_quotation_marks_stays_whole() -> None:
    prompt = 'a long wooden sign over the old door of a small shop that says "Fresh bread, cakes. And coffee" in white'

    assert any('"Fresh bread, cakes. And coffee"' in piece for piece in pieces(prompt, 10))


def test_a_piece_that_says_too_little_joins_its_neighbour() -> None:
    found = pieces("a red kettle on an old iron stove, at dawn, " * 4)

    assert all(len(piece.split()) >= LEAST for piece in found)


@pytest.mark.parametrize("text", ["红色的猫坐在蓝色的椅子上，" * 12, "x" * 400])
def test_a_script_without_spaces_is_cut_all_the_same(text: str) -> None:
    found = pieces(text)

    assert "".join(found) == text
    if text[0] != "x":
        assert len(found) > 3
