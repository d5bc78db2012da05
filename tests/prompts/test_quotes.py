from __future__ import annotations

import time

import pytest

from imgaudit.prompts.quotes import quotes


@pytest.mark.parametrize(
    ("prompt", "texts"),
    [
        ('a sign that says "OPEN 24 HOURS"', ["OPEN 24 HOURS"]),
        ("a poster titled “Neon Dusk”", ["Neon Dusk"]),
        ("a label reading «Café de Paris»", ["Café de Paris"]),
        ("ein Schild mit der Aufschrift „Bitte klingeln“", ["Bitte klingeln"]),
        ("看板「営業中」と『準備中』", ["営業中", "準備中"]),
        ("a sign that says 'Don't panic' beside the dog's bowl", ["Don't panic"]),
        ("a mug with ‘world’s best dad’ on it", ["world’s best dad"]),
        ("a neon sign reading OPEN LATE above a door", ["OPEN LATE"]),
        ("shirt with the word HELLO.", ["HELLO"]),
        ('"ONE" above "TWO"', ["ONE", "TWO"]),
    ],
)
def test_every_style_of_quotation_is_found_in_order(prompt: str, texts: list[str]):
    assert [quote.text for quote in quotes(prompt)] == texts


@pytest.mark.parametrize(
    "prompt",
    ["the dogs' bowl and the cats' bed", "it's the farmer's wife's house", 'a 12" ruler and a 5" nail',
     "a woman reading a book", "an unbalanced \" mark", "", "a clock says nothing"],
)  # fmt: skip
def test_apostrophes_inches_and_stray_marks_are_no_quotation(prompt: str):
    assert quotes(prompt) == ()


def test_words_of_writing_and_a_carrier_make_it_sure():
    (said,) = quotes('a wooden sign that reads "OPEN"')
    (bare,) = quotes('a dream of "OPEN"')

    assert (said.confidence, said.carrier) == (1.0, "sign")
    assert (bare.confidence, bare.carrier) == (0.6, None)


@pytest.mark.parametrize("prompt", ["in the style of 'Alien'", "rock 'n' roll band", "the so-called 'expert' waves"])
def test_titles_of_styles_and_loose_letters_are_hardly_meant_to_be_written(prompt: str):
    assert all(quote.confidence < 0.5 for quote in quotes(prompt))


def test_a_hostile_prompt_is_parsed_in_bounded_time():
    start = time.perf_counter()
    for mark in ("'", '"', "“", "«", "‘", "「", "reads A ", "'a "):
        quotes(mark * 20_000)

    assert time.perf_counter() - start < 10
    assert len(quotes('"a1" ' * 500)) <= 40
