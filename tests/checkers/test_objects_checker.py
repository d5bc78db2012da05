"""The check `objects`: what it asks, what it measures, and when it says that it cannot tell."""

from __future__ import annotations

import numpy as np
import pytest

from imgaudit.checkers.objects import NOT_EXPECTED, Objects, colour_query, detector_query
from imgaudit.embedded import world
from imgaudit.engine.perceiving import PerceiverPool, Planner, Subject
from imgaudit.kernels.objects import COLOURS, colour_texts
from imgaudit.percepts import Detected, Detections, Match
from imgaudit.rubric import judge, load_rubric, packaged_rubrics
from imgaudit.suites.make_shapes import shapes
from imgaudit.types import Abstained, Case, Expect, ExpectedObject, Failed, Finding, Measured, Percepts, Query, Sight


def case(*objects: ExpectedObject) -> Case:
    return Case(id="a", prompt="p", expect=Expect(objects=objects))


RED_CAR = case(ExpectedObject(name="car", color="red"))
DOG_LEFT_OF_CAR = case(ExpectedObject(name="dog", relation="left of", to=1), ExpectedObject(name="car"))


def seen(*found: tuple, **more) -> Detections:
    things = [Detected(label=f[0], box=f[1], score=f[2], color=f[3] if len(f) > 3 else None) for f in found]
    facts = {"model": "m", "nouns": ("car", "dog"), "floor": 0.1, "sure": 0.5, **more}
    return Detections(objects=tuple(things), **facts)


def outcome(one: Case, sight: Sight):
    return Objects().measure(one, Percepts({detector_query(one): sight}))


def measured(one: Case, sight: Sight, colours: dict[Query, Sight] | None = None) -> Measured:
    told = Objects().measure(one, Percepts({detector_query(one): sight, **(colours or {})}))
    assert isinstance(told, Measured)
    return told


LEFT, RIGHT = (0.0, 0.0, 10.0, 10.0), (50.0, 0.0, 60.0, 10.0)


def clip_says(colour: str, knows: bool = True) -> Match:
    cosines = [0.3 if name == colour else 0.2 for name in COLOURS for _ in range(3)]
    return Match(model="clip", cosines=tuple(cosines), scale=100.0, truncated=(0,) * 30, knows=knows, why_not="no idea")


def test_nothing_expected_is_nothing_asked_and_nothing_told() -> None:
    told = Objects().measure(Case(id="a", prompt="a dog"), Percepts())

    assert Objects().ask(Case(id="a", prompt="a dog"), Percepts()) == []
    assert isinstance(told, Abstained)
    assert told.reason == NOT_EXPECTED
    assert "expect.objects" in (told.remedy or "")


def test_the_nouns_are_asked_for_once_each_in_one_query() -> None:
    one = case(ExpectedObject(name="dog", count=2), ExpectedObject(name="car"), ExpectedObject(name="dog", count=0))

    assert Objects().ask(one, Percepts()) == [Query("detector", {"nouns": ["car", "dog"]})]


@pytest.mark.parametrize("sight", [Abstained("no detector", "get one"), Failed("broke")])
def test_without_a_detector_it_says_what_the_detector_said(sight: Sight) -> None:
    assert outcome(RED_CAR, sight) == sight


def test_a_detector_that_does_not_know_the_picture_is_believed() -> None:
    told = outcome(RED_CAR, seen(knows=False, why_not="not of my world"))

    assert isinstance(told, Abstained)
    assert told.reason == "not of my world"
    assert "--detector hf:" in (told.remedy or "")


def test_what_is_there_is_measured_and_what_the_detector_was() -> None:
    told = measured(DOG_LEFT_OF_CAR, seen(("dog", LEFT, 0.9), ("car", RIGHT, 0.8), ("car", LEFT, 0.3)))

    assert told.measures["correct"] == told.measures["position"] == told.measures["presence"] == 1.0
    assert (told.measures["found"], told.measures["unsure"]) == (2.0, 1.0)
    assert told.regions == ()  # a right picture needs no boxes
    assert told.labels == {"detector": "m", "thresholds": "0.1 0.5", "reason": "all there"}
    assert told.codes == ()


def test_a_wrong_picture_shows_what_was_found_and_how_sure_it_is() -> None:
    told = measured(DOG_LEFT_OF_CAR, seen(("dog", RIGHT, 0.9), ("car", LEFT, 0.8), ("car", RIGHT, 0.3)))

    assert told.measures["correct"] == 0.0
    assert [(region.label, region.box) for region in told.regions] == [("dog", RIGHT), ("car", LEFT), ("car?", RIGHT)]


def test_a_missing_object_is_named_in_geneval_s_words() -> None:
    told = measured(DOG_LEFT_OF_CAR, seen(("dog", LEFT, 0.9)))

    assert told.measures["correct"] == 0.0
    assert told.codes == ("objects.missing", "objects.count", "objects.position")
    assert told.labels["reason"] == "no target for dog to be left of; expected car>=1, found 0"
    assert told.message == told.labels["reason"]


def test_an_uncertain_box_that_decides_leaves_the_answer_unmeasured() -> None:
    told = measured(DOG_LEFT_OF_CAR, seen(("dog", LEFT, 0.9), ("car", RIGHT, 0.3)))

    assert "correct" not in told.measures
    assert told.unmeasured["correct"] == "undetermined: expected car>=1, found 0 to 1"
    assert told.message.startswith("cannot be told")
    assert told.codes == ()


def test_an_uncertain_box_that_decides_nothing_is_only_counted() -> None:
    told = measured(DOG_LEFT_OF_CAR, seen(("dog", LEFT, 0.9), ("car", RIGHT, 0.9), ("car", LEFT, 0.3)))

    assert told.measures["correct"] == 1.0
    assert told.unmeasured == {"count": "undetermined: all there"}


def test_more_than_one_is_right_for_geneval_and_another_number_for_count() -> None:
    told = measured(case(ExpectedObject(name="car")), seen(("car", LEFT, 0.9), ("car", RIGHT, 0.9)))

    assert (told.measures["correct"], told.measures["count"]) == (1.0, 0.0)
    assert told.codes == ("objects.count",)


def test_what_must_not_be_there_is_told() -> None:
    told = measured(case(ExpectedObject(name="car", count=0)), seen(("car", LEFT, 0.9)))

    assert (told.measures["correct"], told.measures["absence"]) == (0.0, 0.0)
    assert told.codes == ("objects.unwanted",)
    assert "presence" not in told.measures


# --- colours ------------------------------------------------------------------------------------


def test_clip_is_asked_for_the_colour_of_the_surest_boxes_alone() -> None:
    sight = seen(("car", LEFT, 0.9), ("car", RIGHT, 0.8))
    queries = Objects().ask(RED_CAR, Percepts({detector_query(RED_CAR): sight}))

    assert queries == [detector_query(RED_CAR), Query("clip", {"texts": list(colour_texts("car")), "box": list(LEFT)})]


@pytest.mark.parametrize(("colour", "correct"), [("red", 1.0), ("blue", 0.0)])
def test_the_colour_of_the_crop_decides(colour: str, correct: float) -> None:
    sight = seen(("car", LEFT, 0.9), ("car", RIGHT, 0.8))
    told = measured(RED_CAR, sight, {colour_query("car", sight.objects[0]): clip_says(colour)})

    assert told.measures["correct"] == told.measures["colour"] == correct
    assert [region.label for region in told.regions[:1]] == ([] if correct else [f"{colour} car"])


@pytest.mark.parametrize(
    ("answer", "why"),
    [(Abstained("no weights"), "no weights"), (Failed("broke"), "broke"), (clip_says("red", False), "no idea"),
     (clip_says("red").model_copy(update={"cosines": (0.1,)}), "another number")],
)  # fmt: skip
def test_without_colours_the_colour_is_not_told_and_the_reason_is(answer: Sight, why: str) -> None:
    sight = seen(("car", LEFT, 0.9))
    told = measured(RED_CAR, sight, {colour_query("car", sight.objects[0]): answer})

    assert told.measures["presence"] == 1.0
    assert "correct" not in told.measures
    assert why in told.unmeasured["colour"]


def test_a_detector_that_tells_colours_is_not_doubted() -> None:
    sight = seen(("car", LEFT, 0.9, "red"), model="embedded")

    assert Objects().ask(RED_CAR, Percepts({detector_query(RED_CAR): sight})) == [detector_query(RED_CAR)]
    assert measured(RED_CAR, sight).measures["correct"] == 1.0


def test_two_of_one_noun_have_every_box_s_colour_asked() -> None:
    one = case(ExpectedObject(name="car", color="red"), ExpectedObject(name="car", color="blue"))
    sight = seen(("car", LEFT, 0.9), ("car", RIGHT, 0.8))
    asked = Objects().ask(one, Percepts({detector_query(one): sight}))[1:]

    assert len(asked) == 2
    colours = dict(zip(asked, (clip_says("blue"), clip_says("red")), strict=True))
    assert measured(one, sight, colours).measures["correct"] == 1.0


# --- other benchmarks ---------------------------------------------------------------------------


def test_other_benchmarks_scores_stand_beside_it_where_their_question_is_asked() -> None:
    one = measured(case(ExpectedObject(name="car", count=2)), seen(("car", LEFT, 0.9), ("car", RIGHT, 0.9)))
    two = measured(DOG_LEFT_OF_CAR, seen(("dog", LEFT, 0.9), ("car", RIGHT, 0.9)))
    none = measured(case(ExpectedObject(name="car"), ExpectedObject(name="dog", count=0)), seen(("car", LEFT, 0.9)))

    assert {name: one.measures[name] for name in ("t2i_numeracy", "heim_object", "heim_count")} == {
        "t2i_numeracy": 1.0, "heim_object": 1.0, "heim_count": 1.0,
    }  # fmt: skip
    assert two.measures["t2i_spatial"] == pytest.approx(0.95)
    assert two.measures["heim_spatial"] == 1.0
    assert not any(name.startswith(("t2i", "heim")) for name in none.measures)


def test_a_noun_that_was_not_looked_for_is_no_zero() -> None:
    one = case(ExpectedObject(name="car"), ExpectedObject(name="dog"))
    told = measured(one, seen(("car", LEFT, 0.9), nouns=("car",)))

    assert "correct" not in told.measures
    assert "dog cannot be told" in told.unmeasured["correct"]
    assert not any(name.startswith(("t2i", "heim")) for name in told.measures)


# --- the whole way ------------------------------------------------------------------------------


def subject(one: Case, pixels: np.ndarray) -> Subject:
    import io

    from PIL import Image

    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "PNG")
    return Subject(id=one.id, path="a.png", data=held.getvalue(), case=one, generated=False)


def test_every_case_of_the_suite_of_shapes_is_right_where_it_is_drawn_and_wrong_where_its_foils_are() -> None:
    random = np.random.default_rng(41)
    cases = [one for one in shapes().cases if one.expect.objects]
    kinds = ("colour", "shape", "relation", "binding", "negation")
    right, wrong = [], []
    for one in cases:
        scene = world.parse(one.prompt or "")
        assert scene is not None
        right.append(subject(one, world.draw(world.place(scene, random))))
        counted = ("count",) if scene.items[0].count > 1 else ()
        false = [foil for kind in (*kinds, *counted) for foil in world.foils(scene, (kind,))[:2]]
        wrong += [subject(one, world.draw(world.place(foil.scene, random))) for foil in false]
    check, planner = Objects(), Planner(PerceiverPool(), None)
    for subjects, expected in ((right, 1.0), (wrong, 0.0)):
        percepts = planner.look(subjects, lambda one, known: check.ask(one.case, known))
        for one, known in zip(subjects, percepts, strict=True):
            told = check.measure(one.case, known)
            assert isinstance(told, Measured)
            assert told.measures.get("correct") == expected, (one.case.prompt, told)


def test_a_photograph_is_abstained_from_by_default() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    one = case(ExpectedObject(name="circle"))
    check = Objects()
    (known,) = Planner(PerceiverPool(), None).look([subject(one, pixels)], lambda s, seen: check.ask(s.case, seen))

    assert isinstance(check.measure(one, known), Abstained)


@pytest.mark.parametrize("name", packaged_rubrics())
def test_a_wrong_picture_is_noted_and_its_verdict_is_left_alone(name: str) -> None:
    told = measured(DOG_LEFT_OF_CAR, seen(("dog", RIGHT, 0.9), ("car", LEFT, 0.9)))
    finding = Finding(checker="objects", version="1", outcome="measured", **told.model_dump())
    rubric = load_rubric(name)
    with_it, without = judge([finding], rubric), judge([], rubric)

    assert {"objects.wrong", "objects.misplaced"} <= {note.rule for note in with_it.notes}
    assert with_it.machine == without.machine
