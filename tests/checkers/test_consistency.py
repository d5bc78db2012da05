"""The picture that does not look like its character is named; the others are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from imgaudit.checkers.consistency import FACE, FIGURE, ConsistencyChecker
from imgaudit.percepts import Embedding, FaceEmbedding, Figure, Swatch
from imgaudit.registry import checkers
from imgaudit.types import Abstained, Case, Failed, Member, Percepts

RED, BLUE = (53.0, 80.0, 67.0), (32.0, 79.0, -108.0)


def figure(lab: tuple[float, float, float] = RED, **changes: Any) -> Figure:
    return Figure(**{"kind": "thing", "box": (1, 2, 30, 40), "palette": (Swatch(lab=lab, share=1.0),), **changes})


def vector(direction: int, wobble: float, seed: int) -> tuple[float, ...]:
    base = np.eye(16)[direction] + wobble * np.random.default_rng(seed).normal(size=16)
    return tuple((base / np.linalg.norm(base)).tolist())


def member(id: str, who: str | None, vector: tuple[float, ...] | None, seen: Figure | None = None) -> Member:
    case, checker = Case(id=id, character=who), ConsistencyChecker()
    percepts = Percepts({FIGURE: seen or figure()})
    for query in checker.ask(case, percepts):
        if query not in (FIGURE, FACE):
            sight = Abstained("not of its world") if vector is None else Embedding(model="m", vector=vector)
            percepts = percepts.merged({query: sight})
    return Member(id, case, True, checker.project(case, percepts))


def cast(who: str, direction: int, count: int = 6) -> list[Member]:
    return [member(f"{who}{i}", who, vector(direction, 0.05, 100 * direction + i)) for i in range(count)]


def test_it_is_registered_and_asks_nothing_of_a_case_without_a_character():
    assert checkers.get("consistency") is ConsistencyChecker
    assert list(ConsistencyChecker().ask(Case(id="a"), Percepts())) == []
    assert list(ConsistencyChecker().ask(Case(id="a", character="b"), Percepts())) == [FIGURE, FACE]


def test_the_figure_is_embedded_once_its_place_is_known():
    asked = ConsistencyChecker().ask(Case(id="a", character="b"), Percepts({FIGURE: figure()}))

    assert [query.parameters.get("box") for query in asked] == [None, None, [1, 2, 30, 40]]


def test_faces_are_compared_only_where_they_were_let_through():
    def with_face(member: Member, number: int) -> Member:
        seen = Percepts({FIGURE: figure(), FACE: FaceEmbedding(model="m", vector=vector(2, 0.1, number))})
        return Member(member.id, member.case, True, ConsistencyChecker().project(member.case, seen))

    without = ConsistencyChecker().aggregate(cast("ann", 0)).groups[0]
    compared = ConsistencyChecker().aggregate([with_face(one, i) for i, one in enumerate(cast("ann", 0))]).groups[0]

    assert "face_similarity" not in without.measures
    assert 0.5 < compared.measures["face_similarity"] < 1


def test_pictures_that_agree_are_measured_and_none_is_named():
    outcome = ConsistencyChecker().aggregate(cast("ann", 0))
    found = outcome.groups[0]

    assert outcome.pictures == {}
    assert (found.group, found.size, found.counted, found.codes) == ("ann", 6, 6, ())
    vectors = np.array([member.projection["vector"] for member in cast("ann", 0)])
    pairs = (vectors @ vectors.T)[np.triu_indices(6, 1)]
    assert found.measures["min_similarity"] == pytest.approx(pairs.min(), abs=1e-6)
    assert found.measures["mean_similarity"] == pytest.approx(pairs.mean(), abs=1e-6)
    assert found.measures["colour_distance"] == 0


def test_a_stranger_among_them_is_named():
    outcome = ConsistencyChecker().aggregate([*cast("ann", 0), member("odd", "ann", vector(3, 0.05, 7))])

    assert set(outcome.pictures) == {"odd"}
    assert outcome.pictures["odd"].codes == ("consistency.odd_figure",)
    assert outcome.groups[0].members == ("odd",)
    assert "odd" in outcome.groups[0].message


def test_other_clothes_are_named_even_where_nothing_could_be_embedded():
    members = [member(f"ann{i}", "ann", None) for i in range(5)]
    outcome = ConsistencyChecker().aggregate([*members, member("odd", "ann", None, figure(BLUE))])

    assert outcome.pictures["odd"].codes == ("consistency.odd_colours",)
    assert outcome.groups[0].outcome == "measured"
    assert "min_similarity" not in outcome.groups[0].measures
    assert "not of its world" in outcome.groups[0].message


def test_a_picture_nearer_to_another_character_is_called_confused():
    swapped = member("swap", "ann", vector(3, 0.05, 7))
    outcome = ConsistencyChecker().aggregate([*cast("ann", 0), swapped, *cast("bob", 3)])

    assert set(outcome.pictures) == {"swap"}
    assert "consistency.confused" in outcome.pictures["swap"].codes
    assert "bob" in outcome.pictures["swap"].message
    by_name = {group.group: group for group in outcome.groups}
    assert by_name["bob"].measures["apart"] > by_name["ann"].measures["apart"] > 0.5


def test_of_three_pictures_none_is_named_odd():
    outcome = ConsistencyChecker().aggregate([*cast("ann", 0, 2), member("odd", "ann", vector(3, 0.05, 7))])

    assert outcome.pictures == {}
    assert outcome.groups[0].outcome == "measured"


@pytest.mark.parametrize("count", [0, 1])
def test_with_less_than_two_pictures_it_abstains(count: int):
    outcome = ConsistencyChecker().aggregate([*cast("ann", 0, count), member("x", None, vector(0, 0.0, 0))])

    assert outcome.groups[0].outcome == "abstained"
    assert outcome.pictures == {}


def test_the_order_of_the_pictures_does_not_matter():
    members = [*cast("ann", 0), member("odd", "ann", vector(3, 0.05, 7)), *cast("bob", 5)]

    assert ConsistencyChecker().aggregate(members) == ConsistencyChecker().aggregate(members[::-1])


def test_what_could_not_be_seen_is_no_likeness():
    blind = Member("blind", Case(id="blind", character="ann"), True, Abstained("nothing stands out"))
    broken = Member("broken", Case(id="broken", character="ann"), True, Failed("figure: boom"))
    found = ConsistencyChecker().aggregate([*cast("ann", 0), blind, broken]).groups[0]

    assert (found.size, found.counted) == (8, 6)
