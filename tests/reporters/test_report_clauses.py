"""Clauses in the reports: a table a picture and one over the run, with hostile words in them."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made import IMAGE, MENTION, RTL, SCRIPT, made
from opener import PHONE, Opener
from test_report_markdown import rendered

from imgaudit.record import FinishedRun
from imgaudit.reporters._clauses import by_kind, of_picture, rows
from imgaudit.reporters._details import details
from imgaudit.reporters._shared import visible, worst_first
from imgaudit.reporters.html import HtmlReporter
from imgaudit.reporters.markdown import LIMIT, MarkdownReporter
from imgaudit.types import Clause, ClauseResult, Finding, ImageRecord


def result(identity: str, text: str, score: float | None, **more: Any) -> ClauseResult:
    kind, after, route = more.get("kind", "object"), more.get("after", ()), more.get("route", "detector")
    clause = Clause(id=identity, kind=kind, text=text, subject="dog", after=after)
    reason = more.get("reason", "nobody can" if score is None else None)
    return ClauseResult(clause=clause, route=route if score is not None else "none", score=score, reason=reason)


RESULTS = (
    result("c1", f"there is a dog {SCRIPT}", 0.2),
    result("c2", "the dog is red", 0.0, kind="colour", after=("c1",)),
    result("c3", f"{MENTION} {RTL}", 0.9, kind="relation"),
    result("c4", IMAGE, None, kind="action", reason=f"vqa: {SCRIPT} | no model"),
)


def with_clauses(run: FinishedRun, clauses: tuple[ClauseResult, ...], checker: str = "clauses") -> FinishedRun:
    """The run with these clauses on its worst picture."""
    worst = worst_first(run.images)[0].id
    finding = Finding(checker=checker, version="1", outcome="measured", measures={"mean": 0.5}, clauses=clauses)

    def told(record: ImageRecord) -> ImageRecord:
        if record.id != worst:
            return record
        return record.model_copy(update={"findings": (*record.findings, finding)})

    return replace(run, images=[told(record) for record in run.images])


def markdown(run: FinishedRun) -> str:
    stream = io.BytesIO()
    MarkdownReporter().write(run, stream)
    return stream.getvalue().decode()


def test_a_row_says_whether_its_clause_holds_and_what_it_falls_with():
    made_rows = rows(RESULTS)

    assert [(row.id, row.state, row.said) for row in made_rows[:2]] == [
        ("c1", "false", "0.2"),
        ("c2", "false", "0, as c1 does not hold"),
    ]
    assert (made_rows[3].route, made_rows[3].state) == ("none", "untold")
    assert made_rows[3].said.startswith("vqa: ")


def test_a_score_of_zero_by_itself_is_laid_on_no_other_clause():
    alone = (result("c1", "there is a dog", 1.0), result("c2", "the dog is red", 0.0, after=("c1",)))

    assert rows(alone)[1].said == "0"


def test_no_table_is_longer_than_a_hundred_rows():
    assert len(rows([result(f"c{n}", "x", 1.0) for n in range(500)])) == 100


def test_kinds_are_counted_over_what_was_told_and_what_was_not():
    lines = {line.kind: line for line in by_kind(with_clauses(made(), RESULTS).images)}

    assert (lines["object"].clauses, lines["object"].told, lines["object"].holding) == (1, 1, 0)
    assert lines["object"].mean == pytest.approx(0.2)
    assert (lines["action"].clauses, lines["action"].told, lines["action"].mean) == (1, 0, None)
    assert lines["action"].routes == ()
    assert lines["action"].why_not[0][1] == 1


def test_a_run_without_clauses_has_no_table_of_them():
    assert by_kind(made().images) == ()
    assert "Clauses of" not in markdown(made())


def test_the_details_of_a_picture_hold_its_clauses_once():
    run = with_clauses(made(), RESULTS)
    told = details(worst_first(run.images)[0])

    assert [row[0] for row in told["clauses"]] == ["c1", "c2", "c3", "c4"]
    assert all(finding["clauses"] == [] for finding in told["findings"])
    json.dumps(told, allow_nan=False)


def test_the_clauses_of_another_check_stay_with_its_finding():
    run = with_clauses(made(), RESULTS, checker="questions")
    worst = worst_first(run.images)[0]

    assert of_picture(worst.findings) == ()
    assert [len(finding["clauses"]) for finding in details(worst)["findings"]][-1] == 4


def test_hostile_clauses_open_no_tag_in_markdown_and_mention_nobody():
    text = markdown(with_clauses(made(), RESULTS))
    page = rendered(text)

    assert "does not hold:" in text
    assert set(page.tags) <= {
        "h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "strong", "br", "ul", "li",
    }  # fmt: skip
    assert "@everyone" not in page.text
    assert "http://" not in page.text


def test_markdown_stays_short_with_clauses_on_every_picture():
    run = made()
    finding = Finding(
        checker="clauses", version="1", outcome="measured",
        clauses=tuple(result(f"c{n}", "|" * 300, 0.1) for n in range(100)),
    )  # fmt: skip
    images = [record.model_copy(update={"findings": (*record.findings, finding)}) for record in run.images]

    assert len(markdown(replace(run, images=images)).encode()) <= LIMIT


# --- in a browser ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("clauses") / "report.html"
    with path.open("wb") as stream:
        HtmlReporter().write(with_clauses(made(), RESULTS), stream)
    return path.as_uri()


def test_an_enlarged_picture_shows_each_clause_its_route_and_its_score_or_why_not(open_page: Opener):
    page = open_page("#picture-1")
    cells = page.eval_on_selector_all(
        "#viewer .clauses tbody tr", "all => all.map(row => [...row.children].map(cell => cell.innerText.trim()))"
    )

    assert [row[1] for row in cells] == ["detector", "detector", "detector", "none"]
    assert cells[0][0].split("\n", 1)[0] == "c1 object"
    assert SCRIPT in cells[0][0]
    assert cells[0][2] == "does not hold 0.2"
    assert cells[1][2] == "does not hold 0, as c1 does not hold"
    assert cells[2][2] == "holds 0.9"
    assert visible(RTL) in cells[2][0]
    assert cells[3][2].startswith("not told vqa: <script>")


def test_the_table_fits_a_phone(open_page: Opener):
    page = open_page("#picture-1", PHONE)
    page.locator("#viewer .clauses").scroll_into_view_if_needed()
    widths = page.evaluate(
        "() => [document.querySelector('#viewer .viewer-body').scrollWidth, document.documentElement.clientWidth]"
    )

    assert widths[0] <= widths[1]
    assert page.locator("#viewer .clauses td").first.evaluate("e => getComputedStyle(e).display") == "block"


def test_the_view_of_a_release_counts_the_clauses_by_kind(open_page: Opener):
    page = open_page("#release")
    kinds = page.eval_on_selector_all("#release table.bars tbody th", "all => all.map(cell => cell.innerText)")

    assert {"object", "colour", "relation", "action"} <= set(kinds)
    assert page.title().startswith("Autumn campaign")
