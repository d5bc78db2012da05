from __future__ import annotations

import pytest

from imgaudit.prompts.folding import fold, folded, tokens


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Mіckey Mоuse", ["mickey", "mouse"]),  # Cyrillic і and о
        ("Darth\u200bVader", ["darthvader"]),
        ("Ｈｅｌｌｏ", ["hello"]),
        ("Beksiński, Dalí", ["beksinski", "dali"]),
        ("Lοuis", ["louis"]),  # Greek ο
        ("McDonald's don’t", ["mcdonalds", "dont"]),
        ("ﬁre 𝐛𝐨𝐥𝐝", ["fire", "bold"]),
        ("e\u0301clair", ["eclair"]),
        ("\u202eabc\u202c", ["abc"]),
        ("", []),
    ],
)  # fmt: skip
def test_typography_and_disguise_leave_the_same_words(text: str, words: list[str]):
    assert [token.plain for token in tokens(text)] == words


def test_a_words_place_is_that_in_the_prompt_as_given():
    prompt = "a ‘Mіckey\u200b Mоuse’, twice"

    for token in tokens(prompt):
        assert fold(prompt[token.start])
        assert folded(prompt[token.start : token.end]) == token.plain


def test_digits_and_signs_inside_a_word_can_be_read_as_letters():
    (token,) = tokens("P1k@chu")

    assert "pikachu" in token.leet
    assert tokens("42")[0].leet == ()
    assert tokens("plain")[0].leet == ()
