"""The shapes world: its grammar reads what it writes, its foils are false, its held-out compositions stay out."""

import numpy as np
import pytest

from imgaudit.embedded import world
from imgaudit.embedded.judging import judge
from imgaudit.embedded.reader import read
from imgaudit.embedded.world import Item, Scene


def scenes(count: int, seed: int, *, allow_held_out: bool = True) -> list[Scene]:
    random = np.random.default_rng(seed)
    return [world.sample_scene(random, allow_held_out=allow_held_out) for _ in range(count)]


def test_every_caption_reads_back_as_its_scene() -> None:
    random = np.random.default_rng(1)

    for scene in scenes(500, 1):
        assert scene == world.parse(world.caption(scene))
        assert scene == world.parse(world.paraphrase(scene, random))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a portrait of a woman",
        "two red circle",
        "a red circles",
        "a circle and no circle",
        "two red circles left of a blue square",
        "a red circle; drop table",
        "a " * 10_000,
    ],
)
def test_text_outside_the_grammar_is_no_scene(text: str) -> None:
    assert world.parse(text) is None


def test_case_articles_and_lead_ins_do_not_matter() -> None:
    expected = Scene((Item("circle", "red"), Item("square", "blue")), "left of", "gray")

    text = "A picture of a red circle to the left of a blue square on a grey background."

    assert expected == world.parse(text)


def test_foils_name_their_kind_and_change_the_caption() -> None:
    scene = world.parse("two small red circles on a white background")
    assert scene is not None

    found = world.foils(scene)

    assert {"colour", "shape", "count", "size", "background"} == {foil.kind for foil in found}
    assert all(foil.caption != world.caption(scene) for foil in found)
    assert all(foil.scene == world.parse(foil.caption) for foil in found)


def test_a_foil_that_may_be_true_of_the_same_picture_is_left_out() -> None:
    scene = world.parse("a red shape left of a circle")
    assert scene is not None

    relations = [foil.caption for foil in world.foils(scene, ("relation",))]

    assert "a red shape right of a circle" not in relations
    assert "a red shape above a circle" in relations


def test_pictures_are_right_for_their_caption_and_wrong_for_its_foils() -> None:
    random = np.random.default_rng(3)

    for scene in scenes(60, 3):
        reading = read(world.draw(world.place(scene, random)))
        assert judge(scene, reading)["all"]
        for foil in world.foils(scene):
            assert not judge(foil.scene, reading)["all"], (world.caption(scene), foil.caption)


def test_a_description_of_a_picture_is_true_of_it() -> None:
    random = np.random.default_rng(4)

    for scene in scenes(100, 4):
        picture = world.place(scene, random)
        told = world.describe(picture, random)
        if told is not None:
            assert judge(told, read(world.draw(picture)))["all"], world.caption(told)


def test_no_training_picture_shows_a_held_out_composition() -> None:
    random = np.random.default_rng(5)

    for scene in scenes(2000, 5, allow_held_out=False):
        assert not world.held_out(scene)
        picture = world.place(scene, random)
        pairs = {(placed.colour, placed.shape) for placed in picture.placed}
        assert not pairs & world.HELD_OUT_PAIRS


def test_a_relation_is_held_out_in_both_wordings() -> None:
    one = Scene((Item("circle", "red"), Item("star", "blue")), "left of")
    other = Scene((Item("star", "blue"), Item("circle", "red")), "right of")

    assert world.held_out(one)
    assert world.held_out(other)


def test_drawing_is_repeatable_and_grows_with_the_canvas() -> None:
    picture = world.place(Scene((Item("star", "green"),)), np.random.default_rng(6))

    assert np.array_equal(world.draw(picture), world.draw(picture))
    assert world.draw(picture, 128).shape == (128, 128, 3)
