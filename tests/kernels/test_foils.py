from __future__ import annotations

import pytest

from imgaudit.embedded import world
from imgaudit.kernels.foils import KINDS, content_words, foils, merged


@pytest.mark.parametrize(
    ("prompt", "kind", "foil"),
    [
        ("a red car", "colour", "a blue car"),
        ("an orange car", "colour", "a blue car"),
        ("a blue car", "colour", "an orange car"),
        ("Red roses in a vase", "colour", "Blue roses in a vase"),
        ("a cat on a white chair", "colour", "a cat on a black chair"),
        ("two dogs on a beach", "count", "three dogs on a beach"),
        ("a photo of 4 small pink mugs", "count", "a photo of 3 small pink mugs"),
        ("three people at a table", "count", "two people at a table"),
        ("a cat left of a dog", "relation", "a cat right of a dog"),
        ("a lamp above a desk", "relation", "a lamp below a desk"),
        ("a child in front of a house", "relation", "a child behind a house"),
        ("a large dog", "size", "a small dog"),
        ("a man with a hat", "negation", "a man without a hat"),
        ("a man without a hat", "negation", "a man with a hat"),
        ("a red cup on a blue plate", "binding", "a blue cup on a red plate"),
        ("a large dog and a small cat", "binding", "a small dog and a large cat"),
        ("a photo of a dog", "object", "a photo of a cat"),
        ("two buses in a street", "object", "two airplanes in a street"),
        ("a train passing a bridge", "object", "a boat passing a bridge"),
        ("an apple on a table", "object", "a banana on a table"),
        ("a wooden spoon", "attribute", "a metal spoon"),
        ("an open door", "attribute", "a closed door"),
        ("a red circle left of a blue square", "shape", "a red star left of a blue square"),
        ("a cube on a table", "shape", "a pyramid on a table"),
    ],
)
def test_a_foil_changes_one_respect(prompt: str, kind: str, foil: str) -> None:
    assert foil in foils(prompt)[kind]


@pytest.mark.parametrize(
    "prompt",
    [
        "a portrait of a queen",
        'a sign that says "two red dogs left of a large cat"',
        "an orange on a table",
        "James Brown and Barry White singing",
        "a two-storey house",
        "a picture of a 50 mm lens",
        "a 3D render of a chair",
        "a circle left of a circle",
        "the glass is half full",
        "eine rote Katze",
        "",
        "red " * 1000,
    ],
)
def test_words_that_do_not_say_what_the_picture_shows_are_left_alone(prompt: str) -> None:
    assert set(foils(prompt)) <= {"object", "shape"}


@pytest.mark.parametrize("prompt", ["a portrait of a queen", 'a sign that says "two red dogs"', "James Brown", "", "a"])
def test_a_prompt_without_anything_to_change_has_no_foils(prompt: str) -> None:
    assert foils(prompt) == {}


@pytest.mark.parametrize("prompt", ["a hot dog", "a dog house", "the Cat Stevens record", "a shape and a circle"])
def test_a_word_that_is_no_thing_by_itself_is_not_exchanged(prompt: str) -> None:
    assert not {"object", "shape"} & set(foils(prompt))


def test_what_is_not_there_is_changed_by_negation_alone() -> None:
    assert set(foils("a boy without a red hat")) == {"negation"}
    assert foils("a street and no red cars") == {}
    assert set(foils("a train on a bridge, no boats")["object"]) == {
        "a motorcycle on a bridge, no boats", "a bus on a bridge, no boats", "a train on a lighthouse, no boats",
        "a train on a castle, no boats", "a train on a church, no boats",
    }  # fmt: skip


def test_a_thing_is_never_changed_into_another_that_the_prompt_names() -> None:
    for foil in foils("a dog, a cat and a horse")["object"]:
        assert len(content_words(foil)) == 3


@pytest.mark.parametrize("prompt", ["a red cup and a blue cup", "a red and blue flag"])
def test_a_swap_that_changes_nothing_is_no_foil(prompt: str) -> None:
    assert "binding" not in foils(prompt)


def test_no_foil_is_the_prompt_and_none_comes_twice() -> None:
    for prompt in ("two red cars left of three blue buses", "a large red cup on a small blue plate with a spoon"):
        for texts in foils(prompt).values():
            assert prompt not in texts
            assert len(set(texts)) == len(texts)


def test_foils_of_the_shapes_world_are_false_of_the_prompts_pictures() -> None:
    """The world's own grammar says what a caption means; it is the independent reference here."""
    import numpy as np

    random = np.random.default_rng(3)
    seen = 0
    for _ in range(400):
        scene = world.sample_scene(random, allow_held_out=True)
        caption = world.caption(scene)
        for kind, texts in foils(caption).items():
            for text in texts:
                foil = world.parse(text)
                assert foil is not None, f"{kind}: {caption} -> {text}"
                assert foil != scene, f"{kind}: {caption} -> {text}"
                seen += 1
    assert seen > 1000


def test_what_the_suite_gives_of_a_kind_is_not_added_to() -> None:
    given = {"color": ("a green car",), "style": ("a car in watercolour",), "count": ()}

    found = merged(given, "two red cars")

    assert found["colour"] == ("a green car",)
    assert found["style"] == ("a car in watercolour",)
    assert found["count"] == ("three red cars", "four red cars")
    assert list(found) == sorted(found)


def test_content_words_leave_out_small_words_and_plurals() -> None:
    assert content_words("Two cats are on the Table") == {"two", "cat", "table"}


def test_every_kind_is_made_by_some_prompt() -> None:
    prompt = "two large red cups left of three small blue wooden circles with a spoon"

    assert set(foils(prompt)) == set(KINDS)
