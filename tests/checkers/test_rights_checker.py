"""The checker of names in prompts: help for people, from words alone."""

from __future__ import annotations

import pytest

from imgaudit.checkers.rights import METADATA, Rights
from imgaudit.percepts import Metadata
from imgaudit.rubric import load_rubric, packaged_rubrics
from imgaudit.types import Abstained, Case, Measured, Percepts, Source


def carrying(prompt: str | None) -> Percepts:
    none = dict.fromkeys(("digital_source_type", "ai_system", "camera"))
    values = {"source": Source(prompt=prompt), "raw": {}, **none}
    return Percepts({METADATA: Metadata.model_validate(values)})


def measured(prompt: str) -> Measured:
    outcome = Rights().measure(Case(id="a", prompt=prompt), Percepts())
    assert isinstance(outcome, Measured)
    return outcome


@pytest.mark.parametrize(
    ("prompt", "code", "label", "name"),
    [
        ("a castle by Greg Rutkowski", "rights.artist_named", "artists", "Greg Rutkowski"),
        ("a harbour in the style of somebody's aunt", "rights.artist_named", "artists", "in the style of"),
        ("Taylor Swift eating an apple", "rights.person_named", "people", "Taylor Swift"),
        ("Pikachu on a bench", "rights.mark_named", "marks", "Pikachu"),
        ("a cup of Starbucks coffee", "rights.mark_named", "marks", "Starbucks"),
    ],
)
def test_whom_the_prompt_names_is_told_to_the_person_who_answers(prompt: str, code: str, label: str, name: str) -> None:
    outcome = measured(prompt)

    assert code in outcome.codes
    assert name in outcome.labels[label]
    assert name in outcome.message
    assert outcome.measures[label] >= 1


def test_a_prompt_that_names_nobody_has_no_code_and_says_that_lists_are_not_complete() -> None:
    outcome = measured("a lighthouse at dusk, oil painting")

    assert outcome.codes == ()
    assert set(outcome.measures.values()) == {0.0}
    assert "not complete" in outcome.message


def test_children_are_told_and_a_sexual_context_stops() -> None:
    assert measured("two toddlers in a sandpit").codes == ("rights.child_named",)
    assert "rights.child_sexual" in measured("a topless teenager").codes


def test_a_plain_word_that_is_also_a_name_is_a_doubt_and_no_code() -> None:
    outcome = measured("a photo of my Stitch by the window")

    assert outcome.labels["perhaps"] == "Stitch"
    assert "rights.mark_named" not in outcome.codes


def test_the_prompt_that_the_file_carries_is_read_where_the_case_has_none() -> None:
    outcome = Rights().measure(Case(id="a"), carrying("Pikachu on a bench"))

    assert isinstance(outcome, Measured)
    assert outcome.codes == ("rights.mark_named",)


def test_without_a_prompt_it_abstains_and_says_how_to_give_one() -> None:
    outcome = Rights().measure(Case(id="a"), carrying(None))

    assert isinstance(outcome, Abstained)
    assert "--prompts" in (outcome.remedy or "")


def test_names_never_decide_in_publish_and_hold_where_the_rubric_demands_a_person() -> None:
    wanted = {"publish": "note", "draft": None, "strict": "hold", "stock": "hold"}
    for name in packaged_rubrics():
        rules = {
            rule.id: rule.then
            for entry in load_rubric(name).dimensions.values()
            for rule in entry.rules
            if rule.checker == "rights" and rule.id.endswith("-named")
        }
        if wanted.get(name):
            assert rules == dict.fromkeys(
                ("rights.artist-named", "rights.person-named", "rights.mark-named"), wanted[name]
            ), name


def test_a_prompt_that_was_not_read_to_its_end_is_said_to_be_longer() -> None:
    outcome = measured("a plain wooden chair, " * 1_000 + "Pikachu")

    assert outcome.measures["marks"] == 0
    assert "only its first 20,000 characters were read" in outcome.message
    assert "were read" not in measured("a plain wooden chair").message
