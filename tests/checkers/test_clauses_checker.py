"""Clauses: who is asked about which, what their answers say, and that what nobody told has no score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from imgaudit.checkers._clause_routes import Told, first_route
from imgaudit.checkers._clause_sources import said
from imgaudit.checkers.clauses import Clauses, depending, results_of
from imgaudit.percepts import Answers, Detected, Detections, Match, TextLine, Writing
from imgaudit.types import (
    Abstained,
    Case,
    Clause,
    ClauseResult,
    Expect,
    ExpectedObject,
    Failed,
    Measured,
    Outcome,
    Percepts,
    Query,
    Sight,
)

NO_VQA = Abstained("no question-answering model is named")
Found = tuple[str, tuple[float, float, float, float], float, str | None]


def detections(query: Query, found: Sequence[Found], **more: Any) -> Detections:
    return Detections(
        model=more.pop("model", "embedded"),  # which tells colours itself
        nouns=tuple(query.parameters["nouns"]),
        objects=tuple(Detected(label=label, box=box, score=score, color=color) for label, box, score, color in found),
        floor=0.2,
        sure=0.5,
        **more,
    )


def seen(case: Case, **answers: Any) -> Percepts:
    """Percepts after as many rounds as the engine has; `answers`: role -> sight or function of the query."""
    percepts = Percepts()
    for _ in range(3):
        asked = [query for query in Clauses().ask(case, percepts) if query not in percepts]
        sights: dict[Query, Sight] = {}
        for query in asked:
            answer = answers.get(query.perceiver, Abstained(f"no {query.perceiver} is here"))
            sights[query] = answer(query) if callable(answer) else answer
        percepts = percepts.merged(sights)
    assert all(query in percepts for query in Clauses().ask(case, percepts)), "a fourth round would be needed"
    return percepts


def measured(case: Case, **answers: Any) -> Measured:
    outcome: Outcome = Clauses().measure(case, seen(case, **answers))
    assert isinstance(outcome, Measured)
    return outcome


def by_text(outcome: Measured) -> dict[str, ClauseResult]:
    return {result.clause.text: result for result in outcome.clauses}


def finding(*found: Found, **more: Any):
    return lambda query: detections(query, found, **more)


def answering(yes: Mapping[str, float]):
    def answer(query: Query) -> Answers:
        asked = tuple(query.parameters["questions"])
        return Answers(model="vqa", questions=asked, yes=tuple(yes[question] for question in asked))

    return answer


def near(cosines: Mapping[str, float], **more: Any):
    """A joint embedding that finds the given texts as near as told, and all others at 0.1."""

    def answer(query: Query) -> Match:
        texts = query.parameters["texts"]
        return Match(
            model=more.get("model", "clip"),
            cosines=tuple(cosines.get(text, 0.1) for text in texts),
            scale=100.0,
            truncated=(0,) * len(texts),
            knows=more.get("knows", True),
        )

    return answer


LEFT, RIGHT = (0.0, 0.0, 20.0, 20.0), (60.0, 0.0, 80.0, 20.0)
DOG, CAT = ("dog", LEFT, 0.9, "red"), ("cat", RIGHT, 0.9, "blue")


# --- where clauses come from ----------------------------------------------------------------------------------------


def test_the_suites_own_clauses_are_taken_as_they_are():
    clause = Clause(id="x", kind="object", text="a dog", subject="dog")

    assert said(Case(id="a", prompt="two cats", clauses=(clause,))).clauses == (clause,)


def test_what_the_suite_expects_comes_before_what_the_prompt_says_and_is_not_said_twice():
    case = Case(
        id="a",
        prompt='a large red dog left of two cats on a white background, a sign that says "HI"',
        expect=Expect(
            objects=(
                ExpectedObject(name="dog", color="red", relation="left of", to=1),
                ExpectedObject(name="cat", count=2),
                ExpectedObject(name="star", count=0),
            ),
            text=("HELLO",),
        ),
    )
    given = said(case)

    assert given.source == "expectation and prompt"
    assert [clause.text for clause in given.clauses] == [
        "there is a dog",
        "the dog is red",
        "there is a cat",
        "there are exactly two cats",
        "there is no star",
        "the dog is left of the cat",
        "the writing reads “HELLO”",
        "there is a sign",
        "the dog is large",
        "the background is white",
    ]
    large = next(clause for clause in given.clauses if clause.text == "the dog is large")
    assert large.after == (given.clauses[0].id,)
    assert len({clause.id for clause in given.clauses}) == len(given.clauses)


def test_a_prompt_in_another_language_is_not_taken_apart():
    outcome = Clauses().measure(Case(id="a", prompt="ein roter Hund", lang="de"), Percepts())

    assert isinstance(outcome, Abstained)
    assert "'de'" in outcome.reason


def test_without_a_prompt_it_abstains_and_asks_nothing():
    case = Case(id="a")

    assert Clauses().ask(case, Percepts()) == []
    outcome = Clauses().measure(case, Percepts())
    assert isinstance(outcome, Abstained)
    assert outcome.reason == "no prompt"


# --- routes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "parts", "route"),
    [
        ("object", {"subject": "dog"}, "detector"),
        ("object", {}, "vqa"),
        ("count", {"subject": "dog", "value": "seven"}, "detector"),
        ("count", {"subject": "dog", "value": "many"}, "vqa"),
        ("colour", {"subject": "dog", "value": "red"}, "detector"),
        ("relation", {"subject": "dog", "value": "to the left of", "to": "cat"}, "detector"),
        ("relation", {"subject": "dog", "value": "next to", "to": "cat"}, "vqa"),
        ("negation", {"subject": "dog", "value": "absent"}, "detector"),
        ("negation", {"subject": "dog", "value": "not red"}, "vqa"),
        ("people", {"subject": "nurse"}, "vqa"),
        ("people", {"subject": "people"}, "detector"),
        ("action", {"subject": "dog", "value": "running"}, "vqa"),
        ("text", {"value": "OPEN"}, "ocr"),
        ("style", {"value": "oil painting"}, "clip"),
        ("scene", {"value": "white background"}, "clip"),
        ("scene", {"value": "a marina"}, "vqa"),
        ("attribute", {"subject": "dog", "value": "large"}, "clip"),
        ("attribute", {"subject": "dog", "value": "quaint"}, "vqa"),
    ],
)
def test_each_clause_goes_first_to_a_check_that_can_measure_its_kind(kind: str, parts: dict[str, str], route: str):
    clause = Clause.model_validate({"id": "c1", "kind": kind, "text": "so it is", **parts})

    assert first_route(clause, Case(id="a")) == route


def test_a_joint_embedding_is_never_asked_to_count_place_bind_or_negate():
    case = Case(id="a", prompt="three red dogs left of a blue cat and no bird")
    roles = set()
    percepts = Percepts()
    for _ in range(3):
        asked = list(Clauses().ask(case, percepts))
        roles |= {query.perceiver for query in asked}
        percepts = percepts.merged({query: Abstained("not here") for query in asked})

    assert roles == {"detector", "vqa"}


def test_writing_is_read_with_the_look_that_the_check_of_writing_takes():
    from imgaudit.checkers.text import QUERY

    assert QUERY in Clauses().ask(Case(id="a", prompt='a sign that says "OPEN"'), Percepts())


# --- what answers say -----------------------------------------------------------------------------------------------


def test_a_detector_tells_things_numbers_colours_places_and_absences():
    case = Case(id="a", prompt="two red dogs left of a blue cat and no bird")
    found = finding(DOG, ("dog", (0, 40, 20, 60), 0.8, "red"), CAT, ("bird", RIGHT, 0.9, None))
    results = by_text(measured(case, detector=found, vqa=NO_VQA))

    assert {text: result.score for text, result in results.items()} == {
        "there are dogs": 1,
        "there is a cat": 1,
        "there is no bird": 0,
        "there are exactly two dogs": 1,
        "the dogs are red": 1,
        "the cat is blue": 1,
        "the dogs are left of the cat": 1,
    }
    assert {result.route for result in results.values()} == {"detector"}


@pytest.mark.parametrize(
    ("found", "false"),
    [
        ((DOG, CAT), set()),
        ((("dog", LEFT, 0.9, "green"), CAT), {"the dog is red", "the dog is left of the cat"}),
        ((("dog", RIGHT, 0.9, "red"), ("cat", LEFT, 0.9, "blue")), {"the dog is left of the cat"}),
        ((("dog", LEFT, 0.9, "blue"), ("cat", RIGHT, 0.9, "red")),
         {"the dog is red", "the cat is blue", "the dog is left of the cat"}),
    ],
)  # fmt: skip
def test_one_fault_makes_the_clauses_false_that_speak_of_it(found: Sequence[Found], false: set[str]):
    case = Case(id="a", prompt="a red dog left of a blue cat")
    results = by_text(measured(case, detector=finding(*found)))

    assert {text for text, result in results.items() if result.score == 0} == false


def test_two_things_of_one_name_are_told_apart_by_their_colours():
    case = Case(id="a", prompt="a red ball left of a blue ball")
    right = finding(("ball", LEFT, 0.8, "red"), ("ball", RIGHT, 0.9, "blue"))
    wrong = finding(("ball", LEFT, 0.8, "blue"), ("ball", RIGHT, 0.9, "red"))

    text = "the red ball is left of the blue ball"
    assert by_text(measured(case, detector=right))[text].score == 1
    assert by_text(measured(case, detector=wrong))[text].score == 0


def test_a_score_between_the_detectors_thresholds_tells_nothing_and_the_question_is_asked_in_words():
    case = Case(id="a", prompt="a dog")
    doubtful = finding(("dog", LEFT, 0.3, None))

    assert isinstance(Clauses().measure(case, seen(case, detector=doubtful, vqa=NO_VQA)), Abstained)
    result = measured(case, detector=doubtful, vqa=answering({"Is there a dog?": 0.8})).clauses[0]
    assert (result.route, result.score) == ("vqa", 0.8)


def test_too_few_in_number_are_not_also_of_the_wrong_colour():
    case = Case(id="a", prompt="two red dogs")
    results = by_text(measured(case, detector=finding(DOG)))

    assert results["there are exactly two dogs"].score == 0
    assert results["the dogs are red"].score == 1


def test_colours_that_the_detector_does_not_tell_are_asked_of_crops():
    case = Case(id="a", prompt="a red dog")
    boxes: list[Any] = []

    def colours(query: Query) -> Match:
        boxes.append(query.parameters["box"])
        return near({text: 0.3 for text in query.parameters["texts"] if "red" in text})(query)

    other = finding(("dog", LEFT, 0.9, None), model="owl")
    results = by_text(measured(case, detector=other, clip=colours))
    assert boxes == [list(LEFT)]
    assert results["the dog is red"].score == 1


def test_a_colour_that_crops_are_not_compared_with_is_left_to_questions():
    case = Case(id="a", prompt="a turquoise dog")
    yes = answering({"Is the dog turquoise?": 0.7})
    result = by_text(measured(case, detector=finding(("dog", LEFT, 0.9, None)), vqa=yes))["the dog is turquoise"]

    assert (result.route, result.score) == ("vqa", 0.7)


def test_writing_scores_by_how_near_it_was_read():
    case = Case(id="a", prompt='a sign that says "OPEN"')
    line = TextLine(text="OPFN", polygon=((0, 0), (9, 0), (9, 9), (0, 9)), score=0.9)
    result = by_text(measured(case, ocr=Writing(engine="e", lines=(line,))))["the writing reads “OPEN”"]

    assert result.route == "ocr"
    assert result.score == pytest.approx(0.75)


def test_no_writing_wanted_is_false_where_something_is_written():
    case = Case(id="a", prompt="a wall", expect=Expect(text=()))
    line = TextLine(text="HELLO", polygon=((0, 0), (9, 0), (9, 9), (0, 9)), score=0.9)

    assert by_text(measured(case, ocr=Writing(engine="e", lines=(line,))))["nothing is written"].score == 0
    assert by_text(measured(case, ocr=Writing(engine="e")))["nothing is written"].score == 1


def test_a_property_is_compared_with_its_opposite_in_the_prompt_itself():
    case = Case(id="a", prompt="a large dog")
    clip = near({"a large dog": 0.35, "a small dog": 0.25})
    result = by_text(measured(case, detector=finding(DOG), clip=clip))["the dog is large"]

    assert result.route == "clip"
    assert result.score is not None
    assert result.score > 0.99


def test_of_two_equal_words_the_one_beside_its_subject_is_changed():
    case = Case(id="a", prompt="a small dog and a small cat")
    texts = {text for query in Clauses().ask(case, Percepts()) for text in query.parameters.get("texts", ())}

    assert {"a large dog and a small cat", "a small dog and a large cat"} <= texts


def test_the_suites_own_foils_are_used_where_it_has_some():
    case = Case(id="a", prompt="a ball on a white background", foils={"background": ("a ball on a teal background",)})
    texts = [text for query in Clauses().ask(case, Percepts()) for text in query.parameters.get("texts", ())]

    assert "a ball on a teal background" in texts
    assert "a ball on a black background" not in texts


def test_a_model_that_does_not_know_such_pictures_tells_nothing():
    case = Case(id="a", prompt="a dog on a white background")
    unknown = finding(knows=False, why_not="it is a photograph")
    outcome = Clauses().measure(case, seen(case, detector=unknown, clip=near({}, knows=False), vqa=NO_VQA))

    assert isinstance(outcome, Abstained)
    assert "none of 2 clauses could be told" in outcome.reason


def test_the_embedded_model_is_not_asked_about_styles():
    case = Case(id="a", prompt="an oil painting of a dog")
    results = by_text(measured(case, detector=finding(DOG), clip=near({"oil painting": 0.4}, model="embedded")))

    assert results["the style is oil painting"].score is None
    assert "no styles" in (results["the style is oil painting"].reason or "")


def test_an_absence_is_asked_the_other_way_round():
    case = Case(id="a", prompt="a street without cars")
    yes = answering({"Is there any car in the picture?": 0.9, "Is there a street?": 1.0})

    assert by_text(measured(case, vqa=yes))["there is no car"].score == pytest.approx(0.1)


def test_a_case_with_its_own_clauses_asks_what_the_check_of_questions_asks_and_no_more():
    from imgaudit.checkers.questions import Questions

    clause = Clause(id="q", kind="action", text="the dog runs", question="Is the dog running?")
    case = Case(id="a", prompt="a dog runs", clauses=(clause,))

    assert list(Clauses().ask(case, Percepts())) == list(Questions().ask(case, Percepts()))


def test_a_model_that_breaks_is_a_reason_and_not_a_zero():
    case = Case(id="a", prompt='a dog and a sign that says "OPEN"')
    results = by_text(measured(case, detector=Failed("out of memory"), ocr=Writing(engine="e"), vqa=NO_VQA))

    assert results["there is a dog"].score is None
    assert "out of memory" in (results["there is a dog"].reason or "")


# --- what rests on what ---------------------------------------------------------------------------------------------


def clauses(**after: tuple[str, ...]) -> tuple[Clause, ...]:
    return tuple(
        Clause(id=name, kind="object", text=name, subject=name, after=parents) for name, parents in after.items()
    )


def told(**scores: float | None) -> dict[str, Told]:
    return {name: Told("vqa", score, None if score is not None else "unknown") for name, score in scores.items()}


def test_a_clause_counts_as_false_where_one_below_it_is_false():
    final = depending(clauses(dog=(), red=("dog",), bright=("red",)), told(dog=0.1, red=0.9, bright=0.9))

    assert [final[name].score for name in ("dog", "red", "bright")] == [0.1, 0.0, 0.0]


def test_a_clause_is_not_told_where_one_below_it_was_not():
    final = depending(clauses(dog=(), red=("dog",)), told(dog=None, red=0.9))

    assert final["red"].score is None
    assert "rests on dog" in (final["red"].reason or "")


def test_a_false_clause_below_counts_before_an_untold_one():
    final = depending(clauses(dog=(), cat=(), near=("dog", "cat")), told(dog=None, cat=0.2, near=0.9))

    assert final["near"].score == 0


@pytest.mark.parametrize("after", [{"a": ("b",), "b": ("a",)}, {"a": ("a",)}, {"a": ("nowhere",)}])
def test_clauses_that_rest_on_themselves_or_on_nothing_tell_nothing(after: dict[str, tuple[str, ...]]):
    final = depending(clauses(**after), told(**dict.fromkeys(after, 0.9)))

    assert all(one.score is None and one.reason for one in final.values())


def test_thousands_of_clauses_in_a_chain_are_followed_without_depth():
    count = 5000
    chain = clauses(**{f"c{n}": (f"c{n - 1}",) if n else () for n in range(count)})
    final = depending(chain, told(**{f"c{n}": 0.1 if n == 0 else 0.9 for n in range(count)}))

    assert final[f"c{count - 1}"].score == 0


# --- the measurement ------------------------------------------------------------------------------------------------


def test_the_mean_is_over_what_was_told_and_stands_with_its_share():
    case = Case(id="a", prompt="a red dog and a cat running")
    outcome = measured(case, detector=finding(DOG), vqa=NO_VQA)

    assert outcome.measures["clauses"] == 4
    assert outcome.measures["told"] == 1.0  # the cat is not there, so that it runs is false
    assert outcome.measures["mean"] == pytest.approx(0.5)
    assert outcome.measures["lowest"] == 0
    assert outcome.measures["by_detector"] == 4
    assert outcome.measures["by_vqa"] == 0


def test_an_untold_clause_is_in_no_mean_and_has_its_reason():
    case = Case(id="a", prompt="a dog running")
    outcome = measured(case, detector=finding(DOG), vqa=NO_VQA)

    assert outcome.measures["told"] == 0.5
    assert outcome.measures["mean"] == 1
    assert outcome.codes == ("clauses.untold",)
    untold = outcome.clauses[1]
    assert (untold.route, untold.score) == ("none", None)
    assert untold.reason == "vqa: no question-answering model is named"


def test_abstaining_is_never_a_score():
    case = Case(id="a", prompt="a quaint nurse dancing")
    percepts = seen(case)

    assert isinstance(Clauses().measure(case, percepts), Abstained)
    results = results_of(said(case).clauses, case, percepts)
    assert {(result.score, result.route) for result in results} == {(None, "none")}
    assert all(result.reason for result in results)


def test_a_hostile_suite_has_a_hundred_clauses_at_most_and_says_what_was_left_out():
    many = tuple(Clause(id=f"c{n}", kind="object", text="x" * 2000, subject="y" * 5000) for n in range(3000))
    case = Case(id="a", prompt="x", clauses=many)
    yes = {f'Is there any {"y" * 5000} in the picture?': 1.0}

    def detector(query: Query) -> Detections:
        assert all(len(noun) <= 200 for noun in query.parameters["nouns"])
        assert len(query.parameters["nouns"]) <= 100
        return detections(query, [("y" * 120, LEFT, 0.9, None)])

    outcome = measured(case, detector=detector, vqa=answering(yes))
    assert len(outcome.clauses) == 100
    assert outcome.labels["left_out"] == "2900"
