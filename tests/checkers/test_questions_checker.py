"""The checker of questions: what it asks, what it measures, and that without a model it disturbs nothing."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from imgaudit.checkers.questions import Questions
from imgaudit.dimensions import DIMENSIONS
from imgaudit.percepts import Answers
from imgaudit.registry import checkers
from imgaudit.types import Abstained, Case, Clause, Failed, Measured, Outcome, Percepts, Query

DOG = Clause(id="c1", kind="object", text="there is a dog", subject="dog")
RED = Clause(id="c2", kind="colour", text="the dog is red", subject="dog", value="red", after=("c1",))
CAT = Clause(id="c3", kind="negation", text="there is no cat", subject="cat")
WHOLE = 'Does this figure show "a red dog, no cat"? Please answer yes or no.'
CASE = Case(id="case", prompt="a red dog, no cat", clauses=(DOG, RED, CAT))


def outcome(case: Case, yes: Mapping[str, float], sure: float = 0.9) -> Outcome:
    [query] = Questions().ask(case, Percepts())
    texts = query.parameters["questions"]
    seen = Answers(model="m", questions=texts, yes=tuple(yes[text] for text in texts), sure=(sure,) * len(texts))
    return Questions().measure(case, Percepts({query: seen}))


def test_everything_is_asked_at_once_and_nothing_twice() -> None:
    twice = Clause(id="c4", kind="object", text="a dog", subject="dog")
    [query] = Questions().ask(CASE.model_copy(update={"clauses": (DOG, RED, CAT, twice)}), Percepts())

    assert query.perceiver == "vqa"
    assert query.parameters["questions"] == [
        WHOLE,
        "Is there any dog in the picture?",
        "Is the colour of the dog red?",
        "Is there any cat in the picture?",
    ]


def test_scores_follow_the_definitions() -> None:
    found = outcome(
        CASE,
        {WHOLE: 0.3, "Is there any dog in the picture?": 0.4, "Is the colour of the dog red?": 0.9,
         "Is there any cat in the picture?": 0.2},
    )  # fmt: skip

    assert isinstance(found, Measured)
    assert found.measures == pytest.approx(
        {"vqascore": 0.3, "soft_tifa_am": 0.7, "soft_tifa_gm": (0.4 * 0.9 * 0.8) ** (1 / 3), "dsg": 1 / 3,
         "worst_clause": 0.4, "clauses": 3, "sure": 0.9}
    )  # fmt: skip
    assert [(one.clause.id, one.route, one.score) for one in found.clauses] == [
        ("c1", "vqa", 0.4), ("c2", "vqa", 0.9), ("c3", "vqa", 0.8),
    ]  # fmt: skip
    assert found.labels == {"model": "m", "source": "suite", "worst": "there is a dog"}
    assert found.codes == ("questions.mismatch", "questions.clause")
    assert "2 of 3 clauses" in found.message


def test_without_clauses_the_prompt_alone_is_scored_and_the_rest_says_why_not() -> None:
    found = outcome(Case(id="case", prompt="a red dog, no cat", lang="de"), {WHOLE: 0.8})

    assert isinstance(found, Measured)
    assert found.measures == {"vqascore": 0.8, "clauses": 0.0, "sure": pytest.approx(0.9)}
    assert set(found.unmeasured) == {"soft_tifa_am", "soft_tifa_gm", "dsg", "worst_clause"}
    assert "English" in found.unmeasured["dsg"]
    assert found.labels["source"] == "nothing"
    assert found.codes == ()


def test_where_the_suite_gives_no_clauses_those_of_the_prompt_are_asked_and_said_to_be() -> None:
    case = Case(id="case", prompt="a red dog")
    [query] = Questions().ask(case, Percepts())
    found = outcome(case, dict.fromkeys(query.parameters["questions"], 0.5))

    assert isinstance(found, Measured)
    assert found.labels["source"] == "prompt"
    assert {one.clause.kind for one in found.clauses} == {"object", "colour"}
    assert found.measures["soft_tifa_gm"] == pytest.approx(0.5)


def test_without_a_prompt_the_clauses_alone_are_scored() -> None:
    found = outcome(Case(id="case", clauses=(DOG,)), {"Is there any dog in the picture?": 0.8})

    assert isinstance(found, Measured)
    assert "vqascore" in found.unmeasured
    assert found.measures["soft_tifa_gm"] == pytest.approx(0.8)


def test_a_model_that_does_not_say_yes_or_no_is_named() -> None:
    found = outcome(Case(id="case", prompt="a red dog, no cat", lang="de"), {WHOLE: 0.8}, sure=0.05)

    assert isinstance(found, Measured)
    assert found.codes == ("questions.evasive",)


def test_abstaining_is_never_a_score() -> None:
    [query] = Questions().ask(CASE, Percepts())
    for sight in (Abstained("no model", "name one"), Failed("broke")):
        assert Questions().measure(CASE, Percepts({query: sight})) == sight
    short = Answers(model="m", questions=("a",), yes=(0.5,))
    assert isinstance(Questions().measure(CASE, Percepts({query: short})), Failed)
    for empty in (Case(id="case"), Case(id="case", prompt="  ")):
        assert Questions().ask(empty, Percepts()) == []
        assert isinstance(Questions().measure(empty, Percepts()), Abstained)
    assert Query("vqa") not in Percepts()


def test_its_silence_leaves_no_dimension_untold() -> None:
    """It adds to what others measure: where no model is named, no rubric holds a picture for it."""
    mine = {dimension.id for dimension in DIMENSIONS if "questions" in dimension.extras}

    assert mine == set(checkers.get("questions").dimensions)
    assert not any("questions" in dimension.checkers for dimension in DIMENSIONS)
