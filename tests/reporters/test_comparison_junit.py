"""The comparison as test results."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
import xmlschema
from defusedxml import ElementTree
from made import HOSTILE_CASE, SCRIPT
from made_comparison import compared, comparison, large, passed

from imgaudit.comparison import Answer, ComparedRuns
from imgaudit.reporters._comparison.junit import write

SCHEMA = xmlschema.XMLSchema(str(Path(__file__).with_name("junit.xsd")))
RESULTS = {"failure", "error", "skipped"}


@pytest.fixture(scope="module")
def document() -> ElementTree.Element:
    return ElementTree.fromstring(write(compared()))


def suite(document: ElementTree.Element, name: str) -> ElementTree.Element:
    return next(each for each in document.iter("testsuite") if each.get("name") == name)


def results(tests: ElementTree.Element) -> dict[str, tuple[str, str | None] | None]:
    found = {}
    for test in tests.iter("testcase"):
        held = [(child.tag, child.get("type")) for child in test if child.tag in RESULTS]
        assert len(held) <= 1
        found[test.get("name")] = held[0] if held else None
    return found


@pytest.mark.parametrize("made", [compared, passed, lambda: large(30, 4, SCRIPT)], ids=["all", "passed", "large"])
def test_the_file_is_valid_by_the_schema(made: object) -> None:
    assert [error.reason for error in SCHEMA.iter_errors(io.BytesIO(write(made())))] == []


def test_everything_that_gates_has_a_test_and_the_answer_too(document: ElementTree.Element) -> None:
    found = results(suite(document, "comparison"))

    assert found["the answer"] == ("failure", "regressed")
    assert found["adherence.match, all prompts"] == ("failure", "regressed")
    assert found["adherence.match, stratum colours"] is None
    assert found["text.similarity, all prompts"] == ("error", "inconclusive")
    assert found["faces.defect"] == ("failure", "regressed")
    assert found["text.gibberish > 0.9"] is None
    assert not [name for name in found if "quality" in name or "tag" in name or name == "verdicts"]  # they inform
    assert len(found) == 1 + 6 + 2 + 2


def test_there_is_one_suite_a_prompt_and_one_test_a_measure(document: ElementTree.Element) -> None:
    cells = comparison().cells
    found = {each.get("name"): len(list(each.iter("testcase"))) for each in document.iter("testsuite")}

    assert len(found) == 1 + len({cell.case for cell in cells})
    assert sum(found.values()) == 11 + len(cells)
    assert found[HOSTILE_CASE] == 2


def test_a_lost_prompt_fails_only_where_a_test_it_belongs_to_regressed(document: ElementTree.Element) -> None:
    found = results(suite(document, "shapes-red-square"))

    assert found == {"adherence.match": ("failure", "regressed"), "hands.defect": None}
    log = suite(document, "shapes-red-square").findall("testcase")[1].findtext("system-out") or ""
    assert "lost more than the margin here (after shrinkage), while no test that it belongs to regressed" in log


def test_a_comparison_that_passed_shows_no_failure_whatever_single_prompts_did() -> None:
    quiet = passed()
    cells = comparison().cells
    record = quiet.comparison.model_copy(update={"cells": cells})
    document = ElementTree.fromstring(write(replace(quiet, comparison=record)))

    assert (document.get("failures"), document.get("errors")) == ("0", "0")


def test_new_deleted_and_unmeasured_prompts_are_skipped_with_the_reason(document: ElementTree.Element) -> None:
    skipped = {
        (each.get("name"), test.find("skipped").get("message"))
        for each in document.iter("testsuite")
        for test in each.iter("testcase")
        if test.find("skipped") is not None
    }

    assert skipped == {
        (HOSTILE_CASE, "one side could not be measured on this prompt"),
        ("new-kite", "the baseline has no such case"),
        ("old-boat", "the candidate has no such case"),
    }


def test_flaky_prompts_are_marked(document: ElementTree.Element) -> None:
    marked = {
        (test.get("classname"), test.get("name"))
        for test in document.iter("testcase")
        if test.find("properties/property[@name='flaky']") is not None
    }

    assert marked == {("poster-market", "adherence.match"), ("shapes-red-square", "hands.defect")}
    assert "flaky: " in (suite(document, "poster-market").find("testcase").findtext("system-out") or "")


def test_the_totals_are_what_the_tests_say(document: ElementTree.Element) -> None:
    for element in [document, *document.iter("testsuite")]:
        told = [int(element.get(name)) for name in ("tests", "failures", "errors", "skipped")]
        assert told == [len(list(element.iter(tag))) for tag in ("testcase", "failure", "error", "skipped")]


@pytest.mark.parametrize("answer", list(Answer))
def test_the_answer_is_a_test(answer: Answer) -> None:
    record = passed().comparison.model_copy(update={"answer": answer})
    runs: ComparedRuns = replace(passed(), comparison=record)

    found = results(suite(ElementTree.fromstring(write(runs)), "comparison"))["the answer"]

    wanted = {"pass": None, "regressed": ("failure", "regressed"), "inconclusive": ("error", "inconclusive")}
    assert found == wanted[answer]


def test_no_clock_time_is_told() -> None:
    assert b"timestamp" not in write(compared())
    assert b"2026" not in write(compared())
