"""Questions from clauses, and the published scores, against plain readings of their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import gmean

from imgaudit.kernels.questions import LEAST, arithmetic, asked, dependent, geometric, whole
from imgaudit.types import Clause

WORDS = 'Is this true of the picture: "the words of the clause"?'


def clause(kind: str, **more: object) -> Clause:
    return Clause(id="c", kind=kind, text="the words of the clause", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "text", "turned"),
    [
        (clause("object", subject="dogs", question="Are there dogs?"), "Are there dogs?", False),
        (clause("negation", subject="dogs", question="Is it free of dogs?"), "Is it free of dogs?", False),
        (clause("object", subject="dog"), "Is there any dog in the picture?", False),
        (clause("negation", subject="dog"), "Is there any dog in the picture?", True),
        (clause("count", subject="dog", value="3"), "Is the number of dog exactly 3?", False),
        (clause("colour", subject="dog", value="red"), "Is the colour of the dog red?", False),
        (clause("relation", subject="dog", value="left of", to="cat"), "Is the dog left of the cat?", False),
        (clause("text", value="OPEN"), 'Is the text "OPEN" written in the picture?', False),
        (clause("style", value="oil painting"), 'Is the style of the picture "oil painting"?', False),
        (clause("relation", subject="dog", value="alone"), WORDS, False),
        (clause("action", subject="dog", value="runs"), WORDS, False),
        (clause("colour", subject="dog"), WORDS, False),
        (clause("negation"), WORDS, False),
    ],
)  # fmt: skip
def test_a_clause_is_asked_by_its_own_question_or_by_one_of_its_kind(given: Clause, text: str, turned: bool) -> None:
    assert (asked(given).text, asked(given).turned) == (text, turned)


def test_a_turned_question_is_answered_right_by_no() -> None:
    assert asked(clause("negation", subject="dog")).score(0.9) == 0.1
    assert asked(clause("object", subject="dog")).score(0.9) == 0.9


def test_the_whole_prompt_is_asked_in_the_published_words() -> None:
    assert whole(" a cat ") == 'Does this figure show "a cat"? Please answer yes or no.'


def test_the_means_are_scipys() -> None:
    numbers = np.random.default_rng(1).uniform(0.01, 1, 40).tolist()

    assert arithmetic(numbers) == pytest.approx(np.mean(numbers))
    assert geometric(numbers) == pytest.approx(gmean(numbers))
    assert geometric([0.0, 1.0]) == pytest.approx(LEAST**0.5)


def by_the_published_words(said: dict[str, float], parents: dict[str, list[str]]) -> dict[str, float]:
    """The definition, read aloud: a question counts when it and every parent of its own were answered yes."""
    return {
        name: 1.0 if said[name] >= 0.5 and all(said[p] >= 0.5 for p in parents[name] if p in said) else 0.0
        for name in said
    }


def test_dependent_answers_are_those_of_the_definition() -> None:
    generator = np.random.default_rng(2)
    for _ in range(300):
        names = [f"c{i}" for i in range(generator.integers(1, 9))]
        said = {name: float(generator.uniform()) for name in names}
        parents = {
            name: [str(p) for p in generator.choice([*names[:i], "elsewhere"], generator.integers(0, 3))]
            for i, name in enumerate(names)
        }

        assert dependent(said, parents) == by_the_published_words(said, parents)


def test_only_direct_parents_count_by_what_they_said_themselves() -> None:
    chain = {"b": ["a"], "c": ["b"]}

    assert dependent({"a": 0.1, "b": 0.9, "c": 0.9}, chain) == {"a": 0.0, "b": 0.0, "c": 1.0}
    assert dependent({"a": 0.5}, {}) == {"a": 1.0}
