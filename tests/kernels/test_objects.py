"""GenEval's rules against a table and a second implementation; the uncertain band against all its outcomes."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from imgaudit.kernels import objects
from imgaudit.kernels.objects import Wanted, both, count_told, decide, relations, wanted_of
from imgaudit.percepts import Detected, Detections
from imgaudit.types import ExpectedObject


def seen(*found: tuple, nouns: tuple[str, ...] = (), band=objects.GENEVAL_BAND, **more) -> Detections:
    """Detections of (noun, box[, score[, colour]])."""
    things = [Detected(label=f[0], box=f[1], score=f[2] if len(f) > 2 else 0.95, color=f[3] if len(f) > 3 else None)
              for f in found]  # fmt: skip
    names = nouns or tuple(dict.fromkeys(["clock", "dog", "cat", "bear", "car", *(f[0] for f in found)]))
    return Detections(model="m", nouns=names, objects=tuple(things), floor=band[0], sure=band[1], **more)


def at(x: float, y: float, size: float = 10) -> tuple[float, float, float, float]:
    return x - size / 2, y - size / 2, x + size / 2, y + size / 2


# --- the table ----------------------------------------------------------------------------------

COUNTING = objects.GENEVAL_COUNTING_BAND
TWO_CLOCKS = [Wanted("clock", 2, below=3)]
DOG_AND_CAT = [Wanted("dog"), Wanted("cat")]
RED_CAR = [Wanted("car", colour="red")]
DOG_RIGHT_OF_BEAR = [Wanted("bear"), Wanted("dog", relation="right of", to=0)]
TABLE = [
    # what is asked, what is there, right, what GenEval says
    ("nothing there", [Wanted("dog")], seen(), False, "expected dog>=1, found 0"),
    ("one there", [Wanted("dog")], seen(("dog", at(5, 5))), True, ""),
    ("more than asked for is right", [Wanted("dog")], seen(*[("dog", at(20 * n, 5)) for n in range(9)]), True, ""),
    ("0.3 itself is not above 0.3", [Wanted("dog")], seen(("dog", at(5, 5), 0.3)), False, "expected dog>=1, found 0"),
    ("just above 0.3", [Wanted("dog")], seen(("dog", at(5, 5), 0.30001)), True, ""),
    ("one of two", DOG_AND_CAT, seen(("dog", at(5, 5))), False, "expected cat>=1, found 0"),
    ("both, even as one box", DOG_AND_CAT, seen(("dog", at(5, 5)), ("cat", at(5, 5))), True, ""),
    ("two clocks", TWO_CLOCKS, seen(("clock", at(5, 5)), ("clock", at(30, 5)), band=COUNTING), True, ""),
    ("one clock", TWO_CLOCKS, seen(("clock", at(5, 5)), band=COUNTING), False, "expected clock>=2, found 1"),
    ("three clocks", TWO_CLOCKS, seen(*[("clock", at(30 * n, 5)) for n in range(3)], band=COUNTING), False,
     "expected clock<3, found 3"),
    ("counting asks for more than 0.9", TWO_CLOCKS, seen(("clock", at(5, 5)), ("clock", at(30, 5), 0.9), band=COUNTING),
     False, "expected clock>=2, found 1"),
    ("a third below 0.9 does not count", TWO_CLOCKS,
     seen(("clock", at(5, 5)), ("clock", at(30, 5)), ("clock", at(60, 5), 0.8), band=COUNTING), True, ""),
    ("right colour", RED_CAR, seen(("car", at(5, 5), 0.9, "red")), True, ""),
    ("wrong colour", RED_CAR, seen(("car", at(5, 5), 0.9, "blue")), False, "expected red car>=1, found 1 blue"),
    ("the surest must have it", RED_CAR, seen(("car", at(5, 5), 0.8, "red"), ("car", at(40, 5), 0.9, "blue")), False,
     "expected red car>=1, found 1 blue"),
    ("another may have another", RED_CAR, seen(("car", at(5, 5), 0.9, "red"), ("car", at(40, 5), 0.8, "blue")), True,
     ""),
    ("two of one colour", [Wanted("car", 2, 3, "red")],
     seen(("car", at(5, 5), 0.9, "red"), ("car", at(40, 5), 0.8, "blue")), False,
     "expected red car>=2, found 1 red, 1 blue"),
    ("right of", DOG_RIGHT_OF_BEAR, seen(("dog", at(60, 10)), ("bear", at(20, 10))), True, ""),
    ("left of", DOG_RIGHT_OF_BEAR, seen(("dog", at(20, 10)), ("bear", at(60, 10))), False,
     "expected dog right of target, found left of target"),
    ("too near to tell", DOG_RIGHT_OF_BEAR, seen(("dog", at(11, 10)), ("bear", at(9, 10))), False,
     "expected dog right of target, found no side of target"),
    ("right and above", DOG_RIGHT_OF_BEAR, seen(("dog", at(60, 20, 2)), ("bear", at(20, 60, 2))), True, ""),
    ("mostly above", DOG_RIGHT_OF_BEAR, seen(("dog", at(40, 0, 2)), ("bear", at(20, 60, 2))), False,
     "expected dog right of target, found above target"),
    ("no target", DOG_RIGHT_OF_BEAR, seen(("dog", at(60, 10))), False,
     "expected bear>=1, found 0; no target for dog to be right of"),
    ("a second bear does not matter", DOG_RIGHT_OF_BEAR,
     seen(("dog", at(60, 10)), ("bear", at(20, 10), 0.9), ("bear", at(90, 10), 0.8)), True, ""),
    ("the surest bear decides", DOG_RIGHT_OF_BEAR,
     seen(("dog", at(60, 10)), ("bear", at(20, 10), 0.8), ("bear", at(90, 10), 0.9)), False,
     "expected dog right of target, found left of target"),
    ("a target of another colour is none", [Wanted("bear", colour="red"), DOG_RIGHT_OF_BEAR[1]],
     seen(("dog", at(60, 10)), ("bear", at(20, 10), 0.9, "black")), False,
     "expected red bear>=1, found 1 black; no target for dog to be right of"),
    ("excluded and absent", [Wanted("dog", 0, below=1)], seen(), True, ""),
    ("excluded and there", [Wanted("dog", 0, below=1)], seen(("dog", at(5, 5))), False, "expected dog<1, found 1"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "there", "right", "why"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_decision_table_of_geneval(asked, there, right: bool, why: str) -> None:
    decided = decide(asked, there)

    assert decided.correct is right
    assert "; ".join(decided.reasons) == why


# --- a second implementation, from the description of the rules ----------------------------------


def second_relations(a, b) -> set[str]:
    a, b = np.array(a).reshape(2, 2), np.array(b).reshape(2, 2)
    offset = a.mean(0) - b.mean(0)
    room = 0.1 * (a[1] - a[0] + b[1] - b[0])
    rest = np.where(np.abs(offset) > room, np.abs(offset) - room, 0) * np.sign(offset)
    if (np.abs(rest) < 1e-3).all():
        return set()
    x, y = rest / np.sqrt((offset**2).sum())
    said = {"left of": x < -0.5, "right of": x > 0.5, "above": y < -0.5, "below": y > 0.5}
    return {name for name, holds in said.items() if holds}


def second_decision(asked, boxes: dict[str, list[Detected]]) -> bool:
    """Include and exclude as two passes; targets stand before what is placed by them."""
    right = True
    groups: list[list[Detected] | None] = []
    for one in asked:
        kept = boxes.get(one.noun, [])[: one.count]
        good = len(kept) >= one.count
        if good and one.colour is not None:
            good = [thing.color for thing in kept].count(one.colour) >= one.count
        if good and one.relation is not None:
            target = groups[one.to]
            good = target is not None and all(
                one.relation in second_relations(thing.box, other.box) for thing in kept for other in target
            )
        groups.append(kept if good else None)
        right = right and good
        if one.below is not None and len(boxes.get(one.noun, [])) >= one.below:
            right = False
    return right


def random_scene(random: np.random.Generator, nouns: list[str], colours: list[str | None]) -> Detections:
    found = []
    for noun in nouns:
        for _ in range(random.integers(0, 5)):
            x, y = random.uniform(10, 90, 2)
            score = float(random.choice([0.05, 0.2, 0.3, 0.5, 0.7, 0.95]) + random.uniform(0, 1e-3))
            found.append((noun, at(x, y, float(random.uniform(2, 30))), score, random.choice(colours)))
    return seen(*found, nouns=tuple(nouns))


def random_wishes(random: np.random.Generator, nouns: list[str]) -> list[Wanted]:
    asked: list[Wanted] = []
    for noun in nouns:
        asked.append(random_wish(random, noun, [index for index, one in enumerate(asked) if one.count]))
    return asked


def random_wish(random: np.random.Generator, noun: str, targets: list[int]) -> Wanted:
    count = int(random.integers(0, 4))
    placed = targets and count and random.random() < 0.5
    return Wanted(
        noun, count, count + 1 if count != 1 else None,
        str(random.choice(["red", "blue"])) if count and random.random() < 0.5 else None,
        str(random.choice(["left of", "right of", "above", "below"])) if placed else None,
        int(random.choice(targets)) if placed else None,
    )  # fmt: skip


def by_noun(scene: Detections, least: float) -> dict[str, list[Detected]]:
    ordered = sorted(scene.objects, key=lambda thing: -thing.score)
    return {noun: [t for t in ordered if t.label == noun and t.score > least] for noun in scene.nouns}


def test_a_second_implementation_decides_the_same() -> None:
    random = np.random.default_rng(0)
    told = []
    for _ in range(3000):
        scene = random_scene(random, ["dog", "cat", "car"], ["red", "blue"])
        asked = random_wishes(random, ["dog", "cat", "car"])
        told.append(decide(asked, scene).correct)
        assert told[-1] is second_decision(asked, by_noun(scene, 0.3)), (asked, scene)
    assert {True, False} == set(told)


def test_places_agree_with_a_second_implementation_and_with_their_mirror() -> None:
    random = np.random.default_rng(1)
    for _ in range(3000):
        one, other = (at(*random.uniform(0, 100, 2), float(random.uniform(1, 60))) for _ in range(2))
        assert relations(one, other) == second_relations(one, other)
        turned = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
        assert relations(other, one) == {turned[name] for name in relations(one, other)}


# --- the uncertain band ---------------------------------------------------------------------------


def test_an_answer_is_told_exactly_where_the_uncertain_boxes_cannot_change_it() -> None:
    random = np.random.default_rng(2)
    counted = {True: 0, False: 0, None: 0}
    for _ in range(3000):
        scene = random_scene(random, ["dog", "cat"], ["red", "blue"])
        asked = random_wishes(random, ["dog", "cat"])
        scene = scene.model_copy(update={"floor": 0.1, "sure": 0.6})
        possible = by_noun(scene, 0.1)
        counts = [range(count_told(scene, noun)[0], count_told(scene, noun)[1] + 1) for noun in scene.nouns]
        outcomes = {
            second_decision(asked, {noun: possible[noun][:n] for noun, n in zip(scene.nouns, some, strict=True)})
            for some in product(*counts)
        }
        told = decide(asked, scene).correct
        assert told is (outcomes.pop() if len(outcomes) == 1 else None), (asked, scene)
        counted[told] += 1
    assert min(counted.values()) > 50


def test_a_colour_that_was_not_told_leaves_the_answer_open() -> None:
    there = seen(("car", at(5, 5), 0.9, None))

    assert decide(RED_CAR, there).correct is None
    assert objects.colour_told(there, "car", "red") is None
    assert decide(RED_CAR, seen()).correct is False


def test_a_noun_that_the_detector_cannot_speak_of_is_open() -> None:
    there = seen(("dog", at(5, 5)), nouns=("dog",))

    assert decide([Wanted("dog"), Wanted("unicorn")], there).correct is None
    assert decide([Wanted("dog", 2, 3), Wanted("unicorn")], there).correct is False
    assert count_told(there, "unicorn") == (0, 16)
    assert count_told(there.model_copy(update={"knows": False}), "dog") == (0, 16)


def test_a_noun_of_its_own_band_is_judged_by_it() -> None:
    there = seen(("dog", at(5, 5), 0.4), ("cat", at(5, 5), 0.4), band=(0.1, 0.3), bands={"dog": (0.35, 0.5)})

    assert (count_told(there, "dog"), count_told(there, "cat")) == ((0, 1), (1, 1))


def test_things_of_one_noun_are_told_apart_by_their_colours() -> None:
    there = seen(("car", at(20, 10), 0.9, "red"), ("car", at(80, 10), 0.95, "blue"))
    asked = [Wanted("car", colour="red", relation="left of", to=1), Wanted("car", colour="blue")]

    assert decide(asked, there).correct is True
    assert decide([replace(asked[0], relation="right of"), asked[1]], there).correct is False
    assert objects.relation_told(there, "car", "left of", "car", "red", "blue") is True
    assert objects.relation_told(there, "car", "left of", "car") is None


def test_a_target_may_stand_behind_what_is_placed_by_it_and_two_may_place_each_other() -> None:
    there = seen(("dog", at(60, 10)), ("bear", at(20, 10)))
    first = [Wanted("dog", relation="right of", to=1), Wanted("bear")]
    each = [Wanted("dog", relation="right of", to=1), Wanted("bear", relation="left of", to=0)]
    wrong = [Wanted("dog", relation="right of", to=1), Wanted("bear", relation="above", to=0)]

    assert [decide(asked, there).correct for asked in (first, each, wrong)] == [True, True, False]


def test_a_place_relative_to_nothing_cannot_be_told() -> None:
    assert decide([Wanted("dog", relation="left of", to=7)], seen(("dog", at(5, 5)))).correct is None


def test_what_a_suite_expects_is_asked_as_geneval_asks() -> None:
    expected = [ExpectedObject(name="a"), ExpectedObject(name="b", count=3, color="red")]
    expected.append(ExpectedObject(name="c", count=0))

    assert wanted_of(expected) == (Wanted("a"), Wanted("b", 3, 4, "red"), Wanted("c", 0, 1))


def test_the_rules_read_geneval_s_own_file_as_it_means_them(corpora) -> None:
    import json

    from imgaudit.suites.importers.geneval import GenEval

    path = corpora / "prompts" / "geneval" / "prompts" / "evaluation_metadata.jsonl"
    for line, case in zip(path.read_text().splitlines(), GenEval().read(path).cases, strict=True):
        rule = json.loads(line)
        below = {item["class"]: item["count"] for item in rule.get("exclude", [])}
        places = [item.get("position", [None, None]) for item in rule["include"]]
        meant = tuple(
            Wanted(item["class"], item["count"], below.get(item["class"]), item.get("color"), *place)
            for item, place in zip(rule["include"], places, strict=True)
        )
        assert wanted_of(case.expect.objects) == meant


def test_each_skill_is_told_by_itself() -> None:
    asked = [Wanted("dog", colour="red", relation="left of", to=1), Wanted("cat"), Wanted("car", 0, 1)]
    there = seen(("dog", at(10, 10), 0.9, "blue"), ("cat", at(50, 10), 0.9, "red"), ("cat", at(90, 10), 0.8, "red"))

    assert decide(asked, there).skills == {
        "presence": True, "count": False, "colour": False, "position": True, "absence": True,
    }  # fmt: skip


def test_three_values() -> None:
    truths = [True, False, None]
    assert [both(pair) for pair in product(truths, truths)] == [
        True, False, None, False, False, False, None, False, None,
    ]  # fmt: skip


# --- colours by CLIP, and the other benchmarks ----------------------------------------------------


def test_the_colour_is_the_one_whose_three_texts_are_nearest() -> None:
    texts = objects.colour_texts("dog")
    assert len(texts) == 30
    assert texts[3:6] == ("a photo of a orange dog", "a photo of a orange-colored dog", "a photo of a orange object")
    cosines = [0.2] * 30
    cosines[6] = 0.5
    cosines[15:18] = [0.3, 0.4, 0.35]

    assert objects.colour_chosen(cosines) == "purple"


@pytest.mark.parametrize(
    ("relation", "one", "other", "score"),
    [
        ("left of", at(10, 10), at(50, 10), 1.0),
        ("left of", at(50, 10), at(10, 10), 0.0),
        ("left of", at(10, 10), at(50, 60), 0.0),
        ("above", at(10, 10), at(20, 60), 1.0),
        ("below", at(10, 60), at(10, 10), 1.0),
        ("right of", (10, 0, 30, 20), (0, 0, 20, 20), 0.1 / (200 / 600)),
        ("next to", at(0, 0), at(100, 149), 1.0),
        ("near", at(0, 0), at(151, 300), 0.5),
        ("on top of", at(10, 10), at(10, 60), 0.0),
    ],
)
def test_t2i_compbench_scores_places(relation: str, one, other, score: float) -> None:
    assert objects.t2i_position(relation, one, other) == pytest.approx(score)


def test_t2i_compbench_weighs_both_scores_and_the_place() -> None:
    there = seen(("dog", at(10, 10), 0.8), ("cat", at(50, 10), 0.6))

    assert objects.t2i_spatial("dog", "left of", "cat", there) == pytest.approx(0.2 + 0.15 + 0.5)
    assert objects.t2i_spatial("dog", "right of", "cat", there) == 0.0
    assert objects.t2i_spatial("dog", "left of", "bear", there) == 0.0


def test_t2i_compbench_gives_half_for_being_there_and_half_for_the_number() -> None:
    there = seen(("dog", at(10, 10)), ("dog", at(50, 10)), ("dog", at(50, 10, 10.2)), ("cat", at(80, 10)))

    assert objects.t2i_numeracy({"dog": 2}, there) == 1.0
    assert objects.t2i_numeracy({"dog": 3, "cat": 1}, there) == 0.75
    assert objects.t2i_numeracy({"bear": 1}, there) == 0.0


def test_heim_counts_exactly_and_compares_upper_left_corners() -> None:
    there = seen(("dog", (0, 0, 100, 100), 0.9), ("cat", (10, 40, 20, 50), 0.8))

    assert objects.heim_object("dog", there)
    assert not objects.heim_object("cat", there)
    assert objects.heim_count("dog", 1, there)
    assert not objects.heim_count("dog", 2, there)
    assert objects.heim_spatial("dog", "above", "cat", there)  # though their centres lie the other way
    assert not objects.heim_spatial("dog", "below", "cat", there)
    two = seen(("dog", at(10, 10)), ("dog", at(40, 10)), ("cat", at(90, 10)))
    assert not objects.heim_spatial("dog", "left of", "cat", two)


def test_doubles_go_and_neighbours_stay() -> None:
    found = [
        Detected(label="dog", box=(0, 0, 10, 10), score=0.9),
        Detected(label="dog", box=(1, 0, 11, 10), score=0.8),
        Detected(label="dog", box=(2, 2, 5, 5), score=0.7),
        Detected(label="dog", box=(8, 0, 18, 10), score=0.6),
    ]

    assert [one.score for one in objects.without_doubles(found, 0.5)] == [0.9, 0.6]


def test_no_more_than_sixteen_of_a_noun_are_kept() -> None:
    assert count_told(seen(*[("dog", at(20 * n, 5)) for n in range(20)]), "dog") == (16, 16)
