"""The run as test results."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
import xmlschema
from defusedxml import ElementTree
from made import made, many

from imgaudit.record import FinishedRun
from imgaudit.reporters.junit import NO_CASE, JunitReporter

SCHEMA = xmlschema.XMLSchema(str(Path(__file__).with_name("junit.xsd")))


def written(run: FinishedRun | None = None) -> bytes:
    stream = io.BytesIO()
    JunitReporter().write(run or made(), stream)
    return stream.getvalue()


@pytest.fixture(scope="module")
def document() -> ElementTree.Element:
    return ElementTree.fromstring(written())


def by_name(document: ElementTree.Element) -> dict[str, ElementTree.Element]:
    return {test.get("name"): test for test in document.iter("testcase")}


def test_the_file_is_valid_by_the_schema() -> None:
    assert [error.reason for error in SCHEMA.iter_errors(io.BytesIO(written()))] == []


def test_the_schema_refuses_what_is_no_report() -> None:
    wrong = written().replace(b"<failure ", b"<failing ", 1).replace(b"</failure>", b"</failing>", 1)

    assert not SCHEMA.is_valid(io.BytesIO(wrong))


@pytest.mark.parametrize(
    ("picture", "tag", "kind"),
    [
        ("hands-open#0", None, None),
        ("hands-open#1", "failure", "edit"),
        ("hands-open#2", "failure", "reject"),
        ("hands-open#3", "error", "hold"),
        ("portrait-office#1", "failure", "reject"),  # a person rejected what the checks would edit
        ("portrait-office#3", None, None),  # a person published what the checks would hold
    ],
)
def test_the_final_verdict_decides_the_result(
    document: ElementTree.Element, picture: str, tag: str | None, kind: str | None
) -> None:
    test = by_name(document)[picture]

    results = [child for child in test if child.tag in {"failure", "error", "skipped"}]

    assert [(child.tag, child.get("type")) for child in results] == ([(tag, kind)] if tag else [])


def test_there_is_one_suite_a_case_and_one_test_a_picture(document: ElementTree.Element) -> None:
    suites = {suite.get("name"): len(list(suite.iter("testcase"))) for suite in document.iter("testsuite")}

    assert suites["poster-market"] == 4
    assert suites[NO_CASE] == 2
    assert sum(suites.values()) == 24 + 1 + 2 + 2  # pictures, the set, skipped files, kinds of refusals


def test_the_totals_are_what_the_tests_say(document: ElementTree.Element) -> None:
    for element in [document, *document.iter("testsuite")]:
        told = {name: int(element.get(name)) for name in ("tests", "failures", "errors", "skipped")}
        tags = ("testcase", "failure", "error", "skipped")
        assert list(told.values()) == [len(list(element.iter(tag))) for tag in tags]


def test_the_set_has_a_test_of_its_own(document: ElementTree.Element) -> None:
    assert by_name(document)["the set as a whole"].find("error").get("type") == "hold"


def test_what_to_edit_stands_in_the_failure(document: ElementTree.Element) -> None:
    assert "inpaint at sixth finger: Paint over" in by_name(document)["hands-open#1"].find("failure").text


def test_a_file_that_was_not_audited_is_skipped_with_its_reason(document: ElementTree.Element) -> None:
    assert by_name(document)["r0/notes.txt"].find("skipped").get("message") == "no picture"


def test_no_clock_time_is_told() -> None:
    text = written()

    assert b"timestamp" not in text
    assert b"2026" not in text


def test_the_same_run_gives_the_same_bytes() -> None:
    assert written() == written()


def test_a_run_without_pictures_is_valid() -> None:
    assert SCHEMA.is_valid(io.BytesIO(written(replace(made(), images=[]))))


@pytest.mark.slow
def test_a_thousand_pictures_are_valid() -> None:
    assert SCHEMA.is_valid(io.BytesIO(written(many(1000))))
