"""The grammar of clauses: what it reads in prompts, and that no prompt hurts it."""

from __future__ import annotations

import string

import numpy as np
import pytest

from imgaudit.embedded import world
from imgaudit.prompts import _clause_reading
from imgaudit.prompts.clauses import (
    ABSENT,
    LONGEST,
    MOST,
    clauses_of,
    colour_of,
    noun_of,
    number_of,
    opposites,
    place_of,
)
from imgaudit.types import Clause

Fact = tuple[str, str | None, str | None, str | None]


def facts(prompt: str) -> set[Fact]:
    return {(clause.kind, clause.subject, clause.value, clause.to) for clause in clauses_of(prompt)}


def test_a_prompt_is_taken_apart_into_what_can_be_right_or_wrong_by_itself():
    assert [clause.text for clause in clauses_of("two red dogs left of a black and white cat")] == [
        "there are dogs",
        "there is a cat",
        "there are exactly two dogs",
        "the dogs are red",
        "the cat is black",
        "the cat is white",
        "the dogs are left of the cat",
    ]


def test_every_clause_but_an_absence_has_a_question_that_yes_answers_right():
    prompt = 'an old man holding two red balloons at night, no dog, a sign that says "OPEN", oil painting'
    questions = {clause.kind: clause.question for clause in clauses_of(prompt)}

    assert questions["negation"] is None  # models pass over negations: it is asked the other way round
    assert questions["count"] == "Are there exactly two balloons?"
    assert all(question and question.endswith("?") for kind, question in questions.items() if kind != "negation")


@pytest.mark.parametrize(
    ("prompt", "fact"),
    [
        ("a photo of a bench", ("object", "bench", None, None)),
        ("three wine glasses", ("count", "wine glass", "3", None)),
        ("a couple of dogs", ("count", "dog", "2", None)),
        ("12 candles on a cake", ("count", "candle", "12", None)),
        ("a dark blue car", ("colour", "car", "dark blue", None)),
        ("an orange orange", ("colour", "orange", "orange", None)),
        ("the car is red", ("colour", "car", "red", None)),
        ("a grey mouse", ("colour", "mouse", "gray", None)),
        ("a wooden chair", ("attribute", "chair", "wooden", None)),
        ("a two-story house", ("attribute", "house", "two-story", None)),
        ("plump, juicy grapes", ("attribute", "grape", "juicy", None)),
        ("a cup on the left of a turtle", ("relation", "cup", "left of", "turtle")),
        ("a lamp to the right of a bed", ("relation", "lamp", "right of", "bed")),
        ("a dog on top of a desk", ("relation", "dog", "on top of", "desk")),
        ("a sheep hidden by a fish", ("relation", "sheep", "hidden by", "fish")),
        ("a man in front of a house", ("relation", "man", "in front of", "house")),
        ("a woman wearing a hat", ("relation", "woman", "wearing", "hat")),
        ("a cat with green eyes", ("relation", "cat", "with", "eye")),
        ("a red circle left of a blue circle", ("relation", "red circle", "left of", "blue circle")),
        ("a child draws a flower", ("action", "child", "drawing", "flower")),
        ("an ostrich is swimming", ("action", "ostrich", "swimming", None)),
        ("a dog chasing a cat", ("action", "dog", "chasing", "cat")),
        ("a man with no hat", ("negation", "hat", ABSENT, None)),
        ("a street without cars", ("negation", "car", ABSENT, None)),
        ("there is not a cloud", ("negation", "cloud", ABSENT, None)),
        ("a car that is not red", ("negation", "car", "not red", None)),
        ("a nurse", ("people", "nurse", None, None)),
        ("a crowd of people", ("people", "person", None, None)),
        ("a dog in a park", ("scene", "park", "park", None)),
        ("a vase on a white background", ("scene", "background", "white background", None)),
        ("a city at night", ("scene", None, "night", None)),
        ("an oil painting of a ship", ("style", None, "oil painting", None)),
        ("a fox, pixel art", ("style", None, "pixel art", None)),
        ("a fox in the style of Hokusai", ("style", None, "Hokusai", None)),
        ("a black and white photo of a dog", ("style", None, "black and white photo", None)),
        ('a sign that says "NO ENTRY"', ("text", "sign", "NO ENTRY", None)),
    ],
)  # fmt: skip
def test_a_wording_is_read_as_it_is_meant(prompt: str, fact: Fact):
    assert fact in facts(prompt)


@pytest.mark.parametrize(
    ("prompt", "subjects"),
    [
        ("a photo of a teddy bear", {"teddy bear"}),
        ("a slice of pizza and a pizza cutter", {"slice of pizza", "pizza cutter"}),
        ("a hot dog and a potted plant", {"hot dog", "potted plant"}),
        ("a dining table", {"dining table"}),
        ("a red cup and a blue cup", {"cup"}),
        ("a dog. The dog wears a hat.", {"dog", "hat"}),
        ('a poster that says "A CAT AND A DOG"', {"poster"}),
        ("a picture of nothing in particular", set()),
    ],
)  # fmt: skip
def test_the_things_are_those_that_are_named_and_no_others(prompt: str, subjects: set[str]):
    found = {clause.subject for clause in clauses_of(prompt) if clause.kind in ("object", "people")}

    assert found - {"particular"} == subjects


def test_a_clause_rests_on_the_things_that_it_is_about():
    by_text = {clause.text: clause for clause in clauses_of("two red dogs beside a cat")}
    dogs, cat = by_text["there are dogs"].id, by_text["there is a cat"].id

    assert by_text["the dogs are red"].after == (dogs,)
    assert by_text["the dogs are next to the cat"].after == (dogs, cat)
    assert by_text["there are dogs"].after == ()


def test_writing_rests_on_nothing_since_it_can_be_read_wherever_it_stands():
    text = next(clause for clause in clauses_of('a neon sign that says "OPEN"') if clause.kind == "text")

    assert text.after == ()


def test_negated_things_are_not_asked_for():
    kinds = {(clause.kind, clause.subject) for clause in clauses_of("a red circle and no star")}

    assert ("object", "star") not in kinds
    assert ("negation", "star") in kinds


def test_captions_of_the_world_of_shapes_are_read_as_the_world_means_them():
    random = np.random.default_rng(5)
    for _ in range(400):
        scene = world.sample_scene(random, allow_held_out=True)
        prompt = world.paraphrase(scene, random)
        found = facts(prompt)
        for item in scene.items:
            shape = item.shape or "shape"
            assert ("object", shape, None, None) in found, prompt
            if item.colour:
                assert ("colour", shape, item.colour, None) in found, prompt
            if item.size:
                assert ("attribute", shape, item.size, None) in found, prompt
            if item.count > 1:
                assert ("count", shape, str(item.count), None) in found, prompt
        if scene.absent:
            assert ("negation", scene.absent, ABSENT, None) in found, prompt
        if scene.background:
            assert ("scene", "background", f"{scene.background} background", None) in found, prompt
        relations = {(kind, value) for kind, _, value, _ in found if kind == "relation"}
        assert relations == ({("relation", scene.relation)} if scene.relation else set()), prompt


def test_ids_are_unique_and_rest_on_clauses_before_them():
    clauses = clauses_of("a man in a gray jacket standing in a kitchen next to a black dog")
    places = {clause.id: place for place, clause in enumerate(clauses)}

    assert len(places) == len(clauses)
    assert all(places[parent] < place for place, clause in enumerate(clauses) for parent in clause.after)


# --- hostile prompts ------------------------------------------------------------------------------------------------


def hostile_prompts() -> list[str]:
    random = np.random.default_rng(3)
    letters = np.array(list(string.printable))
    words = ["a", "red", "and", ",", "of", "no", "two", "left", "of", "dog", "with", "that", "is", "running", "the"]
    return [
        "a red " * 5000,
        "and " * 5000,
        "," * 20_000,
        "left of the " * 2000,
        "in the style of " * 1500,
        '"' * 20_000,
        "'a " * 10_000,
        "a-" * 10_000,
        "dog's " * 4000,
        "no no " * 3000,
        "\u202e\u0000\ud800" * 5000,
        "a \u202ered\u202c dog <script>alert(1)</script>" * 400,
        "犬と猫" * 6000,
        *("".join(random.choice(letters, 20_000)) for _ in range(3)),
        *(" ".join(random.choice(words, 6000)) for _ in range(5)),
    ]


@pytest.mark.parametrize("prompt", hostile_prompts(), ids=range(len(hostile_prompts())))
def test_a_hostile_prompt_is_read_in_bounded_steps_and_gives_bounded_clauses(
    prompt: str, monkeypatch: pytest.MonkeyPatch
):
    steps = 0

    class Counting(_clause_reading._Reader):
        def _low(self, index: int) -> str:
            nonlocal steps
            steps += 1
            return super()._low(index)

    monkeypatch.setattr(_clause_reading, "_Reader", Counting)
    clauses = clauses_of.__wrapped__(prompt)

    assert len(clauses) <= MOST
    assert steps <= 150 * (LONGEST + 1)  # words looked at, a fixed number for each character
    assert all(len(clause.text) <= 2000 for clause in clauses)


def test_only_the_beginning_of_a_long_prompt_is_read():
    prompt = "x" * (LONGEST - 20) + ". a red dog" + " and a cat" * 2000

    assert {clause.subject for clause in clauses_of(prompt)} & {"dog", "cat"} == {"dog"}


# --- parts of clauses, whoever wrote them ---------------------------------------------------------------------------


def test_numbers_places_and_colours_are_understood_in_the_words_of_other_suites():
    assert [number_of(value) for value in ("seven", "==3", "12", "many", "")] == [7, 3, 12, None, None]
    assert [place_of(value) for value in ("to the left of", "on top of", "under", "next to")] == [
        "left of", "above", "below", None,
    ]  # fmt: skip
    assert [colour_of(value) for value in ("Grey", "dark green", "")] == ["gray", "green", ""]
    assert noun_of("the two-tone wine glasses") == ("two-tone wine glass", None)
    assert noun_of("yellow school buses") == ("school bus", "yellow")


def test_opposites_never_hold_the_word_itself_nor_its_synonyms():
    assert "huge" not in opposites("attribute", "large")
    assert opposites("attribute", "large") == ("small",)
    assert "white" not in opposites("scene", "white background")
    assert opposites("attribute", "quaint") == ()


def test_clauses_are_the_same_on_every_call():
    prompt = "a wooden table with three blue vases, at sunset"
    first: tuple[Clause, ...] = clauses_of.__wrapped__(prompt)

    assert clauses_of.__wrapped__(prompt) == first
