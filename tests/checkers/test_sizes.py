"""Odd sizes are told by the set, and a set of nearly equal sizes has none."""

from __future__ import annotations

import random

import numpy as np
import pytest

from imgaudit.checkers.sizes import PIXELS, SizesChecker
from imgaudit.perceivers.pixels import PixelPerceiver
from imgaudit.registry import checkers
from imgaudit.types import Abstained, Case, Look, Member, Percepts, Picture

CASE = Case(id="a")


def member(id: str, width: int, height: int) -> Member:
    picture = Picture(id, b"", "", np.full((height, width, 3), 90, np.uint8), "0")
    sight = PixelPerceiver().perceive([Look(picture, PIXELS)])[0]
    return Member(id, CASE, True, SizesChecker().project(CASE, Percepts({PIXELS: sight})))


def usual(count: int) -> list[Member]:
    return [member(f"p{i}", 300 + 7 * i, 200 + 5 * i) for i in range(count)]


def test_it_is_registered_and_asks_for_nothing_but_the_pixels():
    assert checkers.get("sizes") is SizesChecker
    assert list(SizesChecker().ask(CASE, Percepts())) == [PIXELS]


@pytest.mark.parametrize(("size", "factor"), [((40, 30), 0.12), ((3000, 2000), 8.5)])
def test_a_much_smaller_or_larger_picture_is_odd(size: tuple[int, int], factor: float):
    outcome = SizesChecker().aggregate([*usual(12), member("odd", *size)])

    assert set(outcome.pictures) == {"odd"}
    assert outcome.pictures["odd"].codes == ("sizes.odd",)
    assert outcome.pictures["odd"].measures["factor"] == pytest.approx(factor, rel=0.2)
    assert outcome.groups[0].measures["share"] == pytest.approx(1 / 13, abs=1e-6)
    assert outcome.groups[0].codes == ("sizes.odd",)


def test_among_equal_sizes_a_little_more_is_not_odd():
    outcome = SizesChecker().aggregate([*(member(f"p{i}", 200, 200) for i in range(10)), member("more", 260, 200)])

    assert outcome.pictures == {}
    assert outcome.groups[0].codes == ()


def test_in_a_set_of_many_sizes_more_than_twice_the_middle_half_is_not_odd():
    sides = [round(100 * 1.2**i) for i in range(12)]
    outcome = SizesChecker().aggregate([*(member(f"p{i}", side, side) for i, side in enumerate(sides)),
                                        member("large", 1500, 1500)])  # fmt: skip

    assert 2 * sides[9] < 1500
    assert outcome.pictures == {}


def test_a_small_set_says_nothing():
    outcome = SizesChecker().aggregate([*usual(5), member("odd", 40, 30)])

    assert outcome.groups[0].outcome == "abstained"
    assert outcome.pictures == {}


def test_pictures_that_could_not_be_measured_are_not_counted_and_the_order_does_not_matter():
    members = [*usual(12), member("odd", 40, 30), Member("gone", CASE, True, Abstained("no pixels"))]
    shuffled = random.Random(1).sample(members, len(members))

    assert SizesChecker().aggregate(members) == SizesChecker().aggregate(shuffled)
    assert SizesChecker().aggregate(members).groups[0].counted == 13
    assert SizesChecker().aggregate(members).groups[0].size == 14
