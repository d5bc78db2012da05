"""The skew checker finds a planted skew, none in a fair set, and says when there is too little to tell."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence

import numpy as np
import pytest

from imgaudit.checkers.skew import ATTRIBUTES, PIXELS, SKIN, SkewChecker
from imgaudit.embedded import world
from imgaudit.perceivers.pixels import PixelPerceiver
from imgaudit.percepts import SkinPatch
from imgaudit.suites.load import load_suite
from imgaudit.types import Abstained, Case, Failed, GroupFinding, Look, Member, Percepts, Picture, SkewPlan

LIGHT, MEDIUM, DARK = (75.0, 8.0, 16.0), (60.0, 10.0, 20.0), (35.0, 12.0, 18.0)


def planned(attribute: str, case: str = "c", reference: dict[str, float] | None = None) -> Case:
    return Case(id=case, prompt="a shape", skew=SkewPlan(attribute=attribute, reference=reference))


def members(case: Case, groups: Sequence[str | None], reason: str = "not seen") -> list[Member]:
    projections = [Abstained(reason) if group is None else {"group": group} for group in groups]
    return [Member(f"{case.id}#{index:04d}", case, True, one) for index, one in enumerate(projections)]


def found(*sets: Sequence[Member]) -> tuple[GroupFinding, ...]:
    return SkewChecker().aggregate([member for one in sets for member in one]).groups


def drawn(shares: Sequence[float], number: int, seed: int) -> list[Member]:
    """Pictures of the world of shapes, looked at by the pixel perceiver and projected by the checker."""
    case = planned("colour")
    draw = np.random.default_rng(seed)
    looks = []
    for index in range(number):
        colour = str(draw.choice(list(world.COLOURS), p=shares))
        picture = world.place(world.Scene((world.Item(colour=colour),)), draw)
        rgb = world.draw(picture)
        digest = hashlib.sha256(rgb.tobytes()).hexdigest()
        looks.append(Look(Picture(f"c#{index:04d}", b"", digest, rgb, digest, "RGB", "PNG"), PIXELS))
    sights = PixelPerceiver().perceive(looks)
    checker = SkewChecker()
    return [
        Member(look.picture.id, case, True, checker.project(case, Percepts({PIXELS: sight})))
        for look, sight in zip(looks, sights, strict=True)
    ]


def test_the_groups_of_colour_are_the_colours_of_the_world() -> None:
    assert ATTRIBUTES["colour"].groups == tuple(world.COLOURS)


def test_a_skew_planted_in_drawn_pictures_is_found() -> None:
    (finding,) = found(drawn([0.45, 0.05, 0.1, 0.1, 0.05, 0.1, 0.1, 0.05], 64, seed=1))

    assert finding.labels["verdict"] == "skewed"
    assert finding.codes == ("skew.skewed",)
    assert finding.counts["red"] == max(finding.counts.values())
    assert finding.measures["excess_tv"] > 0.15
    assert finding.measures["unknown_share"] <= 0.05
    low, high = finding.intervals["excess_tv"]
    assert low <= finding.measures["excess_tv"] <= high


def test_no_skew_is_found_in_fair_drawn_pictures() -> None:
    (finding,) = found(drawn([1 / 8] * 8, 64, seed=2))

    assert finding.labels["verdict"] != "skewed"
    assert finding.codes == ()
    assert abs(finding.measures["excess_tv"]) < 0.08


def test_a_large_fair_set_is_within_tolerance() -> None:
    (finding,) = found(members(planned("colour"), list(world.COLOURS) * 100))

    assert finding.labels["verdict"] == "within_tolerance"
    assert "follows its reference" in finding.message


def test_eight_pictures_are_insufficient_and_the_message_says_what_could_be_seen() -> None:
    (finding,) = found(members(planned("colour"), ["red", "red", "red", "blue", "green", "red", "pink", "cyan"]))

    assert finding.labels["verdict"] == "insufficient_evidence"
    assert "n = 8" in finding.message
    assert "at this n only skews above 0." in finding.message
    assert "red 4 of 8 (50%; reference 12%)" in finding.message


def test_the_reference_of_the_plan_is_what_counts_are_compared_with() -> None:
    groups = ["red"] * 30 + ["blue"] * 10
    fair = planned("colour", reference={"red": 0.75, "blue": 0.25})
    even = planned("colour", reference={"red": 0.5, "blue": 0.5})

    assert found(members(fair, groups))[0].measures["excess_tv"] < 0
    assert found(members(even, groups))[0].labels["verdict"] == "skewed"


def test_a_group_that_the_reference_lacks_is_unknown_and_named() -> None:
    (finding,) = found(members(planned("colour", reference={"red": 0.5, "blue": 0.5}), ["red"] * 9 + ["brown"] * 3))

    assert (finding.size, finding.counted) == (12, 9)
    assert finding.measures["unknown_share"] == 0.25
    assert "'brown' is none of the groups" in finding.message


def test_cases_of_one_attribute_are_also_counted_together() -> None:
    one, other = planned("colour", "a"), planned("colour", "b")

    findings = found(members(one, ["red"] * 40), members(other, ["blue"] * 40))

    assert [finding.group for finding in findings] == ["a", "b", "run:colour"]
    assert findings[2].counted == 80
    assert (findings[2].counts["red"], findings[2].counts["blue"]) == (40, 40)


def test_opposite_skews_of_two_cases_can_cancel_over_the_run() -> None:
    halves = {"red": 0.5, "blue": 0.5}
    one, other = planned("colour", "a", halves), planned("colour", "b", halves)

    findings = found(members(one, ["red"] * 200), members(other, ["blue"] * 200))

    assert [finding.labels["verdict"] for finding in findings] == ["skewed", "skewed", "within_tolerance"]


def test_cases_with_different_groups_are_not_counted_together() -> None:
    one = planned("colour", "a", {"red": 0.5, "blue": 0.5})
    other = planned("colour", "b", {"red": 0.5, "pink": 0.5})

    assert [finding.group for finding in found(members(one, ["red"] * 9), members(other, ["pink"] * 9))] == ["a", "b"]


def test_many_fair_cases_are_not_called_skewed_because_they_are_many() -> None:
    draw = np.random.default_rng(4)
    halves = {"red": 0.5, "blue": 0.5}
    sets = [
        members(planned("colour", f"c{index:03d}", halves), [str(g) for g in draw.choice(["red", "blue"], 50)])
        for index in range(100)
    ]

    assert sum(finding.codes != () for finding in found(*sets)) <= 1


def test_findings_do_not_depend_on_the_order_of_pictures() -> None:
    pictures = drawn([1 / 8] * 8, 12, seed=5) + members(planned("colour", "d"), ["red"] * 20)
    shuffled = pictures.copy()
    random.Random(0).shuffle(shuffled)

    assert SkewChecker().aggregate(shuffled) == SkewChecker().aggregate(pictures)


def test_small_groups_of_people_are_not_told_nor_can_they_be_worked_out() -> None:
    case = planned("skin_tone")

    (finding,) = found(members(case, ["light"] * 30 + ["medium"] * 12 + ["dark"] * 3))

    assert finding.counts == {"light": 30}
    assert finding.members == ()
    assert "dark" not in finding.message


def test_fewer_than_five_pictures_of_people_tell_nothing() -> None:
    (finding,) = found(members(planned("skin_tone"), ["light"] * 4 + [None] * 20))

    assert finding.outcome == "abstained"
    assert finding.reason == "only 4 pictures could be counted; below 5 nothing is told of people"
    assert finding.counts == {}


def test_all_unknown_is_an_abstention_with_the_commonest_reason() -> None:
    (finding,) = found(members(planned("skin_tone"), [None] * 6, "no face was found"))

    assert finding.outcome == "abstained"
    assert finding.reason == "the group of no picture could be told; most often: no face was found"


def test_a_run_without_a_plan_is_one_abstention() -> None:
    plain = [Member("a#0", Case(id="a", prompt="x"), True, Abstained("the case asks for no skew"))]

    (finding,) = found(plain)

    assert (finding.group, finding.outcome, finding.reason) == ("run", "abstained", "no case asks for it")
    assert found()[0].outcome == "abstained"


@pytest.mark.parametrize(
    ("attribute", "words"),
    [
        ("gender_expression", "cannot be perceived"),
        ("age_band", "cannot be perceived"),
        ("color", "unknown attribute 'color'; did you mean 'colour'?"),
    ],
)
def test_an_attribute_that_cannot_be_perceived_abstains_with_the_reason(attribute: str, words: str) -> None:
    case = planned(attribute)
    checker = SkewChecker()

    projection = checker.project(case, Percepts())
    (finding,) = found([Member("c#0", case, True, projection)])

    assert checker.ask(case, Percepts()) == []
    assert isinstance(projection, Abstained)
    assert words in projection.reason
    assert finding.outcome == "abstained"
    assert words in (finding.reason or "")


def test_only_cases_with_a_plan_ask_for_anything() -> None:
    checker = SkewChecker()

    assert checker.ask(Case(id="a", prompt="x"), Percepts()) == []
    assert checker.ask(planned("colour"), Percepts()) == [PIXELS]
    assert checker.ask(planned("skin_tone"), Percepts()) == [SKIN]
    assert SKIN.upstream[0].parameters == {"parts": ["faces"]}


@pytest.mark.parametrize(("tone", "group"), [(LIGHT, "light"), (MEDIUM, "medium"), (DARK, "dark")])
def test_a_picture_counts_by_its_largest_readable_face(tone: tuple[float, float, float], group: str) -> None:
    percepts = Percepts({SKIN: SkinPatch(tones=(tone, LIGHT))})

    assert SkewChecker().project(planned("skin_tone"), percepts) == {"group": group}


def test_refused_faces_and_failures_are_unknown_with_their_reason() -> None:
    checker, case = SkewChecker(), planned("skin_tone")

    refused = checker.project(case, Percepts({SKIN: SkinPatch(tones=(), refused=("the picture is grayscale",))}))
    failed = checker.project(case, Percepts({SKIN: Failed("broke")}))

    assert refused == Abstained("the picture is grayscale")
    assert failed == Failed("broke")


def test_every_plan_of_the_packaged_suites_names_a_known_attribute_and_its_groups() -> None:
    for name in ("shapes", "occupations"):
        for case in load_suite(name).cases:
            if case.skew is not None:
                attribute = ATTRIBUTES[case.skew.attribute]
                assert set(case.skew.reference or attribute.groups) == set(attribute.groups)
