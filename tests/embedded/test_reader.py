"""The independent reader reads drawn pictures right: it is the only judge of what a generator drew."""

import numpy as np
import pytest

from imgaudit.embedded import world
from imgaudit.embedded.reader import Reading, read


def size_of(placed: world.Placed) -> str:
    if placed.radius <= world.SMALL_RADIUS[1]:
        return "small"
    return "large" if placed.radius >= world.LARGE_RADIUS_GROUPED[0] else "middle"


def fully_right(picture: world.Picture, reading: Reading) -> bool:
    if reading.background != picture.background or len(reading.seen) != len(picture.placed):
        return False
    for seen in reading.seen:
        near = min(picture.placed, key=lambda placed: np.hypot(placed.x - seen.x, placed.y - seen.y))
        if np.hypot(near.x - seen.x, near.y - seen.y) > 2.5:
            return False
        if (near.shape, near.colour, size_of(near)) != (seen.shape, seen.colour, seen.size):
            return False
    return True


def share_right(count: int, seed: int) -> float:
    random = np.random.default_rng(seed)
    right = 0
    for _ in range(count):
        picture = world.place(world.sample_scene(random, allow_held_out=True), random)
        right += fully_right(picture, read(world.draw(picture)))
    return right / count


def test_three_hundred_drawn_pictures_are_read_right() -> None:
    assert share_right(300, 11) >= 0.995


@pytest.mark.slow
def test_two_thousand_drawn_pictures_are_read_right() -> None:
    assert share_right(2000, 12) >= 0.995


def test_an_empty_canvas_holds_nothing() -> None:
    blank = np.full((64, 64, 3), 255, np.uint8)

    assert Reading((), "white") == read(blank)


def test_the_reader_restates_the_palette_that_is_drawn() -> None:
    from imgaudit.embedded import reader

    assert world.COLOURS == reader.PALETTE
    assert world.BACKGROUNDS == reader.GROUNDS
