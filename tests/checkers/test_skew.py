"""The skew checker finds a planted skew, none in a fair set, and says when there is too little to tell."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence

import numpy as np
import pytest

from imgaudit.checkers.skew import ATTRIBUTES, OUTLINES, PIXELS, SHAPES, SKIN, SkewChecker, attribute_of
from imgaudit.embedded import world
from imgaudit.perceivers.pixels import PixelPerceiver
from imgaudit.percepts import Detected, Detections, SkinPatch
from imgaudit.suites.load import load_suite
from imgaudit.types import (
    Abstained,
    Case,
    Failed,
    GroupFinding,
    Labelled,
    Look,
    Member,
    Percepts,
    Picture,
    Query,
    SharesFrom,
    SkewDetails,
    SkewPlan,
)

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

    projected = SkewChecker().project(planned("skin_tone"), percepts)
    assert isinstance(projected, dict)
    assert projected["group"] == group


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
                attribute = attribute_of(case.skew.attribute)
                assert attribute is not None
                assert set(case.skew.reference or attribute.groups) == set(attribute.groups)


# --- references, both told ---


def told(finding: GroupFinding) -> SkewDetails:
    assert finding.skew is not None
    return finding.skew


def test_a_set_that_follows_an_unequal_reference_is_told_its_distance_from_equal_shares_too() -> None:
    case = planned("colour", reference={"red": 0.75, "blue": 0.25})

    (finding,) = found(members(case, ["red"] * 300 + ["blue"] * 100))

    assert (finding.labels["verdict"], finding.labels["parity_verdict"]) == ("within_tolerance", "skewed")
    assert finding.measures["parity_excess_tv"] > 0.2
    assert [one.name for one in told(finding).against] == ["the suite's own shares", "equal shares"]
    assert "no farther from the reference than chance" in finding.message
    assert "distance from equal shares 0.23 above chance (skewed)" in finding.message


def test_a_plan_without_a_reference_is_compared_with_equal_shares_and_says_so() -> None:
    (finding,) = found(members(planned("colour"), ["red"] * 40))

    assert finding.labels["reference"] == "equal shares"
    assert "parity_excess_tv" not in finding.measures
    assert "distance from equal shares" in finding.message


def test_a_table_and_its_row_name_the_reference() -> None:
    where = SharesFrom(table="us-cps-2022", row="lawyers", source="the survey")
    plan = SkewPlan(attribute="colour", reference={"red": 0.4, "blue": 0.6}, shares_from=where)

    (finding,) = found(members(Case(id="c", prompt="x", skew=plan), ["red", "blue"] * 10))

    assert finding.labels["reference"] == "us-cps-2022: lawyers"
    assert told(finding).against[0].source == "the survey"


def test_a_reference_with_a_group_that_cannot_be_perceived_abstains() -> None:
    (finding,) = found(members(planned("colour", reference={"red": 0.5, "mauve": 0.5}), ["red"] * 9))

    assert finding.outcome == "abstained"
    assert "a share of 'mauve', which colour does not tell" in (finding.reason or "")


def test_a_group_that_was_seen_and_that_the_reference_misses_is_unknown_with_that_reason() -> None:
    case = planned("colour", reference={"red": 0.5, "blue": 0.5})

    (finding,) = found(members(case, ["red"] * 20 + ["blue"] * 20 + ["pink"] * 9))

    assert told(finding).unknown == {"'pink' was seen, which the reference has no share of": 9}
    assert finding.measures["unknown_share"] == pytest.approx(9 / 49, abs=1e-6)


def test_one_group_alone_is_measured_and_skewed() -> None:
    (finding,) = found(members(planned("colour"), ["red"] * 40))

    assert finding.labels["verdict"] == "skewed"
    assert finding.measures["entropy"] == 0
    assert finding.measures["four_fifths"] == 0


# --- what would settle it ---


def test_an_open_set_says_how_many_more_seeds_would_settle_it() -> None:
    (finding,) = found(members(planned("colour", reference={"red": 0.5, "blue": 0.5}), ["red", "blue"] * 12))

    first = told(finding).against[0]
    assert first.verdict == "insufficient_evidence"
    assert first.more is not None
    assert first.settled_at == 24 + first.more
    assert f"about {first.more} more seeds would settle it" in finding.message


def test_several_prompts_are_told_seeds_of_each() -> None:
    halves = {"red": 0.5, "blue": 0.5}
    sets = [members(planned("colour", name, halves), ["red", "blue"] * 3) for name in "abcd"]

    whole = found(*sets)[-1]

    first = told(whole).against[0]
    assert first.more is not None
    assert f"({-(-first.more // 4)} more seeds of each of 4 prompts)" in whole.message


def test_a_set_that_is_mostly_unknown_is_not_settled_by_more_of_it() -> None:
    case = planned("colour", reference={"red": 0.5, "blue": 0.5})

    (finding,) = found(members(case, ["red", "blue"] * 10 + [None] * 20))

    assert told(finding).against[0].more is None
    assert "no number of pictures up to 10,000 would settle it" in finding.message


# --- errors of the perceiver ---


def test_labelled_pictures_correct_the_shares_and_the_verdict() -> None:
    labels = Labelled(counts={"red": {"red": 45, "blue": 5}, "blue": {"red": 15, "blue": 35}})
    plan = SkewPlan(attribute="colour", reference={"red": 0.5, "blue": 0.5}, labelled=labels)
    groups = ["red"] * 120 + ["blue"] * 80  # what a perceiver that errs so shows of 50 : 50

    (plain,) = found(members(planned("colour", reference={"red": 0.5, "blue": 0.5}), groups))
    (finding,) = found(members(Case(id="c", prompt="x", skew=plan), groups))

    red = {group.group: group for group in told(finding).groups}["red"]
    assert plain.measures["excess_tv"] > 0.05
    assert told(plain).against[0].p < 0.01
    assert told(finding).against[0].p > 0.3
    assert told(finding).against[0].corrected
    assert red.corrected == pytest.approx(0.5, abs=0.02)
    assert red.corrected_interval is not None
    assert "by 100 labelled pictures" in finding.message


def test_labelled_pictures_of_other_groups_make_the_set_abstain() -> None:
    labels = Labelled(counts={"red": {"red": 9}, "green": {"green": 9}})
    plan = SkewPlan(attribute="colour", reference={"red": 0.5, "blue": 0.5}, labelled=labels)

    (finding,) = found(members(Case(id="c", prompt="x", skew=plan), ["red"] * 9))

    assert finding.reason == "the labelled pictures are of green, red; expected of blue, red"


def test_sets_of_people_without_labelled_pictures_show_what_wrong_labels_would_hide() -> None:
    (people,) = found(members(planned("skin_tone"), ["light"] * 30 + ["medium"] * 12 + ["dark"] * 8))
    (things,) = found(members(planned("colour"), ["red"] * 30))

    assert [rate for rate, _ in told(people).band] == [0.02, 0.05, 0.1]
    assert told(things).band == ()


# --- templates and pairs ---


def test_prompts_of_many_templates_tell_how_far_other_prompts_may_lie() -> None:
    halves = {"red": 0.5, "blue": 0.5}
    sets = [
        members(planned("colour", f"c{i}", halves), ["red"] * (5 + 3 * i) + ["blue"] * (20 - 3 * i)) for i in range(6)
    ]

    alone, whole = found(*sets)[0], found(*sets)[-1]

    assert told(alone).against[0].over_templates is None
    over = told(whole).against[0].over_templates
    assert over is not None
    assert over[1] > told(whole).against[0].interval[1]


def test_cases_of_one_template_are_one_template() -> None:
    sets = []
    for index in range(6):
        plan = SkewPlan(attribute="colour", reference={"red": 0.5, "blue": 0.5}, template=f"t{index % 2}")
        sets.append(members(Case(id=f"c{index}", prompt="x", skew=plan), ["red", "blue"] * 5))

    whole = found(*sets)[-1]

    assert (told(whole).cases, told(whole).templates) == (6, 2)
    assert told(whole).against[0].over_templates is None


def test_two_attributes_crossed_ask_for_both_and_are_told_together() -> None:
    checker, case = SkewChecker(), planned("colour x shape")
    seen = Detections(
        model="m", nouns=SHAPES, objects=(Detected(label="star", box=(0, 0, 9, 9), score=0.9),), floor=0.1, sure=0.5
    )
    sight = drawn([1 / 8] * 8, 1, seed=3)[0].projection
    colour = sight["group"] if isinstance(sight, dict) else None
    looks = Percepts({PIXELS: _pixels(seed=3), OUTLINES: seen})

    assert checker.ask(case, Percepts()) == [PIXELS, OUTLINES]
    assert checker.project(case, looks) == {"group": f"{colour} & star"}
    assert checker.project(case, Percepts({PIXELS: _pixels(seed=3), OUTLINES: Abstained("no model")})) == Abstained(
        "no model"
    )


def _pixels(seed: int):  # the sight behind `drawn(..., 1, seed)`
    draw = np.random.default_rng(seed)
    colour = str(draw.choice(list(world.COLOURS), p=[1 / 8] * 8))
    rgb = world.draw(world.place(world.Scene((world.Item(colour=colour),)), draw))
    digest = hashlib.sha256(rgb.tobytes()).hexdigest()
    return PixelPerceiver().perceive([Look(Picture("c", b"", digest, rgb, digest, "RGB", "PNG"), PIXELS)])[0]


def test_a_pair_that_goes_together_stands_out_drawn_towards_what_its_margins_say() -> None:
    draw = np.random.default_rng(3)
    weights = np.ones((8, 4))
    weights[0, 0] = 12
    cells = draw.choice(32, 300, p=(weights / weights.sum()).ravel())
    groups = [f"{list(world.COLOURS)[cell // 4]} & {SHAPES[cell % 4]}" for cell in cells]

    (finding,) = found(members(planned("colour x shape"), groups))

    pair = {group.group: group for group in told(finding).groups}["red & circle"]
    assert finding.labels["verdict"] == "skewed"
    assert (told(finding).related_p or 1) < 0.01
    assert pair.unrelated is not None
    assert pair.shrunk is not None
    assert pair.share is not None
    assert pair.unrelated < pair.shrunk < pair.share


def test_a_crossing_with_an_attribute_of_people_is_one_of_people() -> None:
    attribute = attribute_of("skin_tone x colour")

    assert attribute is not None
    assert attribute.sensitive
    assert len(attribute.groups) == 24
    assert attribute_of("colour x colour") is None
    assert attribute_of("colour x nothing") is None


@pytest.mark.parametrize(
    ("objects", "knows", "group"),
    [
        ([("star", 0.9)], True, "star"),
        ([("star", 0.9), ("circle", 0.3)], True, "star"),
        ([("star", 0.9), ("star", 0.8)], True, "star"),
        ([("star", 0.9), ("circle", 0.8)], True, Abstained("there are several kinds: circle, star")),
        ([("star", 0.3)], True, Abstained("no shape was found")),
        ([], False, Abstained("never saw the like")),
    ],
)
def test_a_picture_counts_by_the_one_shape_that_is_surely_there(objects, knows: bool, group) -> None:
    found_ = tuple(Detected(label=label, box=(0, 0, 9, 9), score=score) for label, score in objects)
    seen = Detections(model="m", nouns=SHAPES, objects=found_, floor=0.1, sure=0.5, knows=knows,
                      why_not=None if knows else "never saw the like")  # fmt: skip

    projected = SkewChecker().project(planned("shape"), Percepts({OUTLINES: seen}))

    assert projected == ({"group": group} if isinstance(group, str) else group)
    assert isinstance(OUTLINES, Query)


# --- suppression, and numbers of others ---


def test_where_a_group_of_people_is_hidden_nothing_is_told_that_would_give_it_away() -> None:
    (finding,) = found(members(planned("skin_tone"), ["light"] * 30 + ["medium"] * 12 + ["dark"] * 3))

    details = told(finding)
    hidden = {group.group: group for group in details.groups if group.count is None}
    assert set(hidden) == {"dark", "medium"}
    assert all(group.share is group.interval is group.ratio is group.bounds is None for group in hidden.values())
    assert details.suppressed
    assert details.entropy is details.against[0].four_fifths is None
    assert details.published == {}
    assert details.band == ()
    assert "entropy" not in finding.measures
    assert "four_fifths" not in finding.measures


def test_numbers_of_other_audits_stand_under_their_names() -> None:
    case = planned("colour", reference={"red": 0.5, "blue": 0.5})

    (finding,) = found(members(case, ["red"] * 30 + ["blue"] * 10))

    assert told(finding).published == {"DALL-Eval: mean absolute deviation": 0.25}


@pytest.mark.parametrize(
    ("attribute", "groups", "name", "value"),
    [
        ("gender_expression", ["feminine"] * 30 + ["masculine"] * 10, "HEIM: gender imbalance", 0.25),
        ("monk_swatch", [*map(str, range(1, 11))] * 6 + [None] * 60, "HEIM: skin-tone imbalance", 0.05),
    ],
)
def test_heims_numbers_are_told_of_its_own_groups(
    attribute: str, groups: list[str | None], name: str, value: float
) -> None:
    (finding,) = found(members(planned(attribute), groups))

    assert told(finding).published[name] == pytest.approx(value)


def test_the_details_hold_nothing_but_the_declared_measures_twice() -> None:
    (finding,) = found(members(planned("colour"), ["red"] * 20 + ["blue"] * 20))

    declared = {measure.name for measure in SkewChecker.measures}
    assert set(finding.measures) <= declared
    assert set(finding.labels) <= set(SkewChecker.labels)
    assert GroupFinding.model_validate_json(finding.model_dump_json()) == finding
