"""The run as a comment that can be posted on a code host."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from made import FORMULA, MENTION, SCRIPT, made, many

from imgaudit.record import FinishedRun
from imgaudit.reporters._shared import worst_first
from imgaudit.reporters.markdown import LIMIT, MarkdownReporter, code, escaped
from imgaudit.types import Reason


def written(run: FinishedRun | None = None) -> str:
    stream = io.BytesIO()
    MarkdownReporter().write(run or made(), stream)
    return stream.getvalue().decode()


class Reading(HTMLParser):
    """The tags of a page, and its text outside code."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self._code = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._code += tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag == "code"

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.text += data


def rendered(text: str) -> Reading:
    markdown_it = pytest.importorskip("markdown_it", reason="no Markdown renderer to compare with")
    return Reading(markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text))


def test_hostile_strings_open_no_tag_and_no_link() -> None:
    tags = set(rendered(written()).tags)

    assert tags <= {"h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "strong", "br", "ul", "li"}


def test_nobody_is_mentioned_and_nothing_is_referred_to() -> None:
    text = rendered(written()).text

    assert re.findall(r"@\w", text) == []
    assert re.findall(r"#\d|GH-\d", text) == []
    assert re.findall(r"https?://|www\.\w", text) == []


@pytest.mark.parametrize(
    "hostile",
    [SCRIPT, FORMULA, MENTION, "1. a", "- a", "a | b", "**b** ~~c~~ _d_", "$x$", "GH-12", "\\", "&lt;", "# h"],
)
def test_escaped_text_is_read_as_it_was_written(hostile: str) -> None:
    page = rendered(f"- {escaped(hostile)}\n")

    assert set(page.tags) <= {"ul", "li"}
    assert page.text.replace("\u200b", "").strip() == hostile


@pytest.mark.parametrize("hostile", ["`", "``", "a`b``c", "|", "`|`", "@x", "<b>"])
def test_a_code_span_holds_anything_also_in_a_table(hostile: str) -> None:
    page = rendered(f"| a | b |\n|---|---|\n| {code(hostile)} | end |\n")

    assert page.tags.count("code") == 1
    assert page.tags.count("td") == 2


def test_every_picture_has_a_row_with_its_verdict_worst_first() -> None:
    lines = [line for line in written().splitlines() if re.match(r"\| (reject|hold|edit|publish)\b", line)]

    assert [line.split()[1] for line in lines] == [str(r.verdict.final) for r in worst_first(made().images)]


def test_both_verdicts_stand_where_they_differ() -> None:
    assert "| reject (checks: edit) | `portrait-office#1` |" in written()


def test_a_large_run_stays_under_the_limit_and_says_what_is_missing() -> None:
    first = made()
    reason = Reason(code="text.gibberish", rule="r", message="ä|<>@" * 200)
    verdict = first.images[1].verdict.model_copy(update={"reasons": (reason,) * 9})
    images = [first.images[1].model_copy(update={"id": f"x#{n}", "verdict": verdict}) for n in range(400)]
    report = first.report.model_copy(update={"not_checked": ("ä" * 400,) * 300})

    text = written(replace(first, images=images, report=report))

    assert len(text.encode()) <= LIMIT
    missing = int(re.search(r"(\d+) further pictures not listed", text)[1])
    assert text.count("\n| edit | `x#") + missing == 400
    assert "left out to keep this page short" in text


def test_a_run_without_pictures_is_a_page() -> None:
    assert written(replace(made(), images=[])).startswith("## Autumn campaign")


def test_the_same_run_gives_the_same_bytes() -> None:
    assert written() == written()


@pytest.mark.slow
def test_a_thousand_pictures_stay_under_the_limit() -> None:
    assert len(written(many(1000)).encode()) <= LIMIT
