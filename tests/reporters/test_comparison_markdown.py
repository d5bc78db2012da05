"""The comparison as a comment on a pull request."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from made import ANSI, MENTION, SCRIPT
from made_comparison import compared, large, passed

from imgaudit.comparison import Answer
from imgaudit.reporters._comparison.markdown import write
from imgaudit.reporters.markdown import LIMIT

TAGS = {"h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "strong", "br", "ul", "li"}
HEAVY = {"plain": "", "signs": "@#<|>" * 300, "script": SCRIPT * 40, "wide": "漢" * 900, "escapes": ANSI * 200,
         "mentions": MENTION * 30}  # fmt: skip


class Reading(HTMLParser):
    """The tags of a page, its text outside code, and the cells of each row."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.rows: list[int] = []
        self._code = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._code += tag == "code"
        if tag == "tr":
            self.rows.append(0)
        elif tag in {"td", "th"}:
            self.rows[-1] += 1

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag == "code"

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.text += data


def rendered(text: str) -> Reading:
    markdown_it = pytest.importorskip("markdown_it", reason="no Markdown renderer to compare with")
    return Reading(markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text))


@pytest.fixture(scope="module")
def page() -> str:
    return write(compared()).decode()


def test_the_answer_stands_first_and_in_words(page: str) -> None:
    assert page.startswith("## ❌ regressed: ")
    assert page.splitlines()[2] == "**The candidate is worse than the baseline.**"


@pytest.mark.parametrize("answer", list(Answer))
def test_each_answer_has_its_word(answer: Answer) -> None:
    record = passed().comparison.model_copy(update={"answer": answer})

    assert str(answer) in write(replace(passed(), comparison=record)).decode().splitlines()[0]


def test_every_primary_test_has_a_row_with_its_interval_and_margin(page: str) -> None:
    rows = [line for line in page.splitlines() if "higher is better" in line or "lower is better" in line]

    assert len(rows) == 7
    assert "| **−0.31** (−0.4 to −0.22) | 0.05 |" in rows[2]  # after all prompts and colours
    assert "| nothing could be paired |" in rows[-1]
    assert not [row for row in rows if "quality" in row]


def test_what_could_not_be_told_is_listed(page: str) -> None:
    part = page.split("### What could not be told")[1].split("###")[0]

    assert part.count("\n- ") == 2  # people and writing; a stratum that only informs is not listed
    assert "Nothing could be paired" in part


def test_what_changed_most_stands_first_with_flakes_marked(page: str) -> None:
    part = page.split("### What changed most")[1].split("###")[0]
    rows = [line for line in part.splitlines() if line.startswith("| `")]

    wanted = [mover.measure for mover in sorted(compared().comparison.movers, key=lambda m: -abs(m.shrunk))]
    assert wanted != [mover.measure for mover in reversed(compared().comparison.movers)]
    assert [re.search(r"`([a-z]+\.[a-z]+)` \|", row)[1] for row in rows] == wanted
    assert sum("(flaky)" in row for row in rows) == 2


def test_hostile_strings_open_no_tag_and_no_link_and_no_cell(page: str) -> None:
    read = rendered(page)

    assert set(read.tags) <= TAGS
    assert sorted(set(read.rows)) == [3, 5, 6, 8]  # sides; verdicts and abstentions; rules and movers; tests
    assert re.findall(r"@\w|#\d|GH-\d|https?://|www\.\w", read.text) == []


@pytest.mark.parametrize("text", HEAVY.values(), ids=HEAVY)
def test_the_page_stays_under_the_limit_and_counts_what_is_missing(text: str) -> None:
    page = write(large(400, 30, text))

    assert len(page) < LIMIT
    left = re.findall(r"^(\d+) further (\w+) left out to keep this page under 60 kB", page.decode(), re.MULTILINE)
    told = {noun.rstrip("s"): int(count) for count, noun in left}
    tests = len(re.findall(r"higher is better", page.decode()))
    assert tests + told["test"] == 210
    assert {"test", "prompt", "case"} <= set(told)
    assert set(rendered(page.decode()).tags) <= TAGS


def test_a_comparison_with_nothing_to_say_is_a_page() -> None:
    page = write(passed()).decode()

    assert page.startswith("## ✅ pass: ")
    assert "could not be told\n" not in page
    assert "left out" not in page
