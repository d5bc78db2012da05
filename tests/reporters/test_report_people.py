"""Decisions of people in every report: beside the checks' verdict, with who, role, reason and day."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from decided_run import decide, decided_run, hands_rubric, hands_run
from made import ANSI, FORMULA, MENTION, RTL, SCRIPT
from opener import PHONE, Opener

from imgaudit.pipeline import judge_again, open_run, write_reports
from imgaudit.record import AgreementLine, Share
from imgaudit.reporters._people import agreement, people_say, review_sentences, share, who
from imgaudit.types import Decision, Ruling

FORMATS = ("html", "json", "junit", "csv", "markdown")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, _ = decided_run(tmp_path_factory.mktemp("people"), {"two_people": ["reject"]})
    write_reports(path, FORMATS)
    return path


@pytest.fixture(scope="module")
def address(run: Path) -> str:
    return (run / "report.html").as_uri()


def ruling(decision: Decision, *said: Decision, waiting: bool = False) -> Ruling:
    names = ("Ann", "Bob")[: len(said)]
    return Ruling(decision=decision, by=names, role=("editor",) * len(said), said=said, reason="seen",
                  given="2026-11-24", waiting=waiting, seq=0)  # fmt: skip


# --- words ---------------------------------------------------------------------------------------------------


def test_a_decision_that_waits_is_never_told_as_one_that_counts():
    publish, reject = Decision.PUBLISH, Decision.REJECT

    assert people_say(ruling(publish, publish)) == "publish"
    assert people_say(ruling(Decision.HOLD, publish, waiting=True)) == "publish, waiting"
    assert people_say(ruling(Decision.HOLD, publish, reject, waiting=True)) == "disagree"
    assert who(ruling(Decision.HOLD, publish, reject, waiting=True)) == "Ann (editor): publish, Bob (editor): reject"


def test_what_could_not_be_told_is_a_sentence_and_no_number():
    assert agreement(AgreementLine(outcome="abstained", counted=0, of=2, reason="nothing was judged by two people")) \
        == "could not be told: nothing was judged by two people"
    assert share(None) == "none to tell by"
    assert share(Share(value=0.5, low=0.25, high=0.75, of=8)) == "50 % (25 to 75), of 8"
    whole = AgreementLine(outcome="measured", value=1.0, counted=3, of=4)
    assert agreement(whole) == "1 (all agree, so no interval), on 3 of 4 pictures"


def test_sentences_count_what_was_overruled_what_waits_and_what_was_taken_back(run: Path):
    review = open_run(run).report.review

    assert review is not None
    assert list(review_sentences(review)) == [
        "People decided about 4 pictures; 2 more wait for another person.",
        "They overruled the checks on 1 of the 4 that the checks had decided.",
        "1 decision was taken back.",
    ]


# --- files ---------------------------------------------------------------------------------------------------


def test_the_table_of_pictures_has_both_verdicts_who_why_and_when(run: Path):
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO((run / "pictures.csv").read_text()))}

    told = [rows["one#1"][name] for name in ("machine", "human", "human_by", "human_reason", "human_day", "final")]
    assert told == ["edit", "publish", "Ann (editor)", "looked-at", "2026-11-24", "publish"]
    assert (rows["one#2"]["human"], rows["one#2"]["final"]) == ("waiting", "hold")
    assert (rows["two#3"]["human"], rows["two#3"]["human_by"]) == ("", "")


def test_the_markdown_page_has_both_verdicts_and_each_check_against_people(run: Path):
    text = (run / "summary.md").read_text()

    assert "publish (checks: edit; people: publish, Ann (editor); looked-at; 2026-11-24) | `one#1`" in text
    assert "They overruled the checks on 1 of the 4" in text
    assert "| `hands` | 2 | 1 | 1 | 1 | 0 | 67 % (21 to 94), of 3 | 67 % (21 to 94), of 3 |" in text
    assert "presumed to agree" in text


def test_the_tests_of_a_pipeline_say_who_decided(run: Path):
    document = ElementTree.fromstring((run / "junit.xml").read_text())
    outputs = {test.get("name"): test.findtext("system-out") or "" for test in document.iter("testcase")}
    properties = {one.get("name"): one.get("value") for one in document.iter("property")}

    assert "people: publish; Ann (editor); looked-at; 2026-11-24" in outputs["one#1"]
    assert "machine verdict: edit, final verdict: publish" in outputs["one#1"]
    assert "overruled the checks on 1" in properties["people"]
    assert properties["kappa"].startswith("0.5 (95 % interval")
    assert "on 3 of 6 pictures" in properties["alpha"]


def test_the_summary_for_machines_has_the_whole_table(run: Path):
    review = json.loads((run / "summary.json").read_text())["report"]["review"]

    assert review["matrix"]["edit"] == {"publish": 1, "edit": 1, "reject": 0}
    assert review["checkers"][0]["precision"]["of"] == 3


def test_the_page_shows_every_decision_beside_the_checks(run: Path):
    page = (run / "report.html").read_text()

    for text in ("checks: edit", "people: publish", "people: disagree", "people: reject, waiting", "Decided by",
                 "art director, editor", "quiet and right, presumed", "67 % (21 to 94), of 3"):  # fmt: skip
        assert text in page


def test_a_run_that_nobody_decided_about_says_nothing_of_people(tmp_path: Path):
    run = hands_run(tmp_path, hands_rubric(tmp_path))
    write_reports(run, FORMATS)

    assert 'id="people"' not in (run / "report.html").read_text()
    assert "Decisions of people" not in (run / "summary.md").read_text()
    assert '"people"' not in (run / "junit.xml").read_text()


@pytest.mark.parametrize("hostile", [SCRIPT, FORMULA, MENTION, RTL, ANSI])
def test_the_name_of_a_reviewer_acts_in_no_report(tmp_path: Path, hostile: str):
    rubric = hands_rubric(tmp_path)
    run = hands_run(tmp_path, rubric)
    decide(run, "one#0", "publish", hostile, role=hostile)
    judge_again(run, rubric)
    write_reports(run, FORMATS)

    for name in ("report.html", "summary.md", "junit.xml", "pictures.csv"):
        text = (run / name).read_text()
        assert not {"\x1b", "\u202e"} & set(text)
        assert SCRIPT not in text or name == "pictures.csv"  # a table has no markup
    assert "@everyone" not in (run / "summary.md").read_text()
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO((run / "pictures.csv").read_text()))}
    assert not rows["one#0"]["human_by"].startswith(("=", "+", "-", "@"))


# --- in a browser ---------------------------------------------------------------------------------------------


def _table(page: Any) -> list[list[str]]:
    return page.eval_on_selector_all(
        "table.people tbody tr",
        "all => all.map(row => [...row.cells].map(cell => cell.innerText.trim()))",
    )


@pytest.mark.parametrize("options", [{}, {"size": PHONE, "color_scheme": "dark"}], ids=["desk", "phone"])
def test_the_compliance_view_lists_every_decision(open_page: Opener, options: dict[str, Any]):
    page = open_page("#people", **options)

    rows = {row[0]: row[1:] for row in _table(page)}
    assert page.eval_on_selector("#people", "e => e.checkVisibility()")
    assert rows["one#1"] == ["edit", "publish", "publish", "Ann (editor)", "looked-at", "2026-11-24"]
    assert rows["two#0"][:3] == ["edit", "disagree", "hold"]
    assert rows["two#0"][3] == "Bob (lawyer): reject, Cem (editor): edit"
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width == 0


def test_the_enlarged_picture_says_who_decided(open_page: Opener, pick: Callable[[Any, str], None]):
    page = open_page()
    pick(page, "one#1")

    side = page.inner_text(".facts-side")
    assert "checks: edit; people: publish" in side
    assert "Ann (editor)" in side
    assert "2026-11-24" in side


@pytest.fixture
def pick() -> Callable[[Any, str], None]:
    def open_picture(page: Any, name: str) -> None:
        page.click(f'.card:has(h3:has-text("{name}")) .open')

    return open_picture
