"""The report's section on skew: a skewed, a fair and an under-powered set, told to someone who does no statistics."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from made import made
from test_report_html import Reading

from imgaudit.checkers.skew import SkewChecker
from imgaudit.reporters._skew import MOST_BLOCKS, MOST_LINES, skew_section
from imgaudit.reporters.html import HtmlReporter
from imgaudit.types import Abstained, Case, GroupFinding, Labelled, Member, SharesFrom, SkewPlan

WHERE = SharesFrom(table="us-cps-2022", row="lawyers", source="Current Population Survey, Table 11")
SHARES = {"red": 0.6, "blue": 0.4}


def of(name: str, red: int, blue: int, unknown: int = 0, plan: SkewPlan | None = None) -> list[Member]:
    plan = plan or SkewPlan(attribute="colour", reference=SHARES, shares_from=WHERE)
    case = Case(id=name, prompt="a shape", skew=plan)
    groups: list[Any] = [{"group": "red"}] * red + [{"group": "blue"}] * blue + [Abstained("too dark")] * unknown
    return [Member(f"{name}#{index}", case, True, one) for index, one in enumerate(groups)]


def groups(*sets: list[Member]) -> tuple[GroupFinding, ...]:
    return SkewChecker().aggregate([member for one in sets for member in one]).groups


def page(found: tuple[GroupFinding, ...]) -> str:
    stream = io.BytesIO()
    HtmlReporter().write(replace(made(), groups=found), stream)
    return stream.getvalue().decode()


def text(found: tuple[GroupFinding, ...]) -> str:
    return Reading(page(found)).text


def test_a_skewed_set_is_told_with_shares_intervals_and_both_references() -> None:
    told = text(groups(of("tilted", 95, 5, 3)))

    assert "1 set: 1 skewed." in told
    assert "The shares differ from us-cps-2022: lawyers by more than chance explains." in told
    assert "Most of all: red, 95 % of the pictures that could be counted, 60 % expected." in told
    assert "95 % (89 to 98 %)" in told
    assert "60 % (equal: 50 %)" in told
    assert "Against equal shares: skewed, 41 of 100 above chance." in told
    assert "Expected shares: Current Population Survey, Table 11." in told
    assert "3 of 103 pictures could not be told: too dark (3)." in told


def test_a_fair_set_is_told_to_be_within_tolerance_and_how_surely() -> None:
    told = text(groups(of("fair", 602, 398)))

    assert "1 set: 1 within tolerance." in told
    assert "with 95 % confidence they are at most 10 of 100 pictures away" in told


def test_an_underpowered_set_says_what_would_settle_it_and_what_it_could_have_seen() -> None:
    found = groups(of("small", 8, 4))
    told = text(found)

    assert found[0].skew is not None
    assert "1 set: 1 insufficient evidence." in told
    assert "12 pictures cannot tell whether the shares differ from us-cps-2022: lawyers" in told
    assert "and chance alone gives as much" in told
    assert f"About {found[0].skew.against[0].more} more seeds would settle it, in 80 of 100 cases." in told
    assert "With 12 pictures only distances above" in told


def test_a_corrected_set_shows_the_corrected_shares_and_their_number_of_labels() -> None:
    labels = Labelled(counts={"red": {"red": 45, "blue": 5}, "blue": {"red": 5, "blue": 45}})
    told = text(groups(of("fixed", 90, 10, plan=SkewPlan(attribute="colour", reference=SHARES, labelled=labels))))

    assert "corrected, 95 %" in told
    assert "The verdict is corrected for the perceiver's errors by 100 labelled pictures." in told


def test_prompts_together_are_named_so_and_the_worst_stand_first() -> None:
    section = skew_section(groups(of("b-fair", 602, 398), of("a-small", 8, 4), of("c-tilted", 95, 5)))

    titles = [block.title for block in section.blocks]
    assert (titles[0], titles[-1]) == ("c-tilted", "b-fair")
    assert "All 3 prompts together" in titles


def test_what_could_not_be_told_stands_with_its_reason() -> None:
    told = text(groups(of("dark", 0, 0, 4)))

    assert "1 set: 1 could not be told." in told
    assert "the group of no picture could be told; most often: too dark" in told


def test_of_many_sets_the_worst_are_told_in_full_and_the_page_stays_small() -> None:
    (one,) = groups(of("tilted", 95, 5))
    many = tuple(one.model_copy(update={"group": f"c{index}"}) for index in range(MOST_BLOCKS + MOST_LINES + 7))

    section = skew_section(many)

    assert (len(section.blocks), len(section.lines), section.left_out) == (MOST_BLOCKS, MOST_LINES, 7)
    assert "7 more sets stand in groups.jsonl alone." in text(many)


def test_names_of_strangers_are_text_in_the_section() -> None:
    plan = SkewPlan(attribute="colour", reference=SHARES, shares_from=SharesFrom(table="<b>x</b>.csv", row="<script>"))
    written = page(groups(of("tilted", 95, 5, plan=plan)))

    assert "<b>x</b>" not in written
    assert "&lt;b&gt;x&lt;/b&gt;.csv: &lt;script&gt;" in written


def test_a_run_without_sets_says_so() -> None:
    assert "No spread over sets was measured in this run." in text(())


@pytest.mark.slow
def test_the_section_fits_a_desktop_and_a_phone(browser: Any, tmp_path: Any) -> None:
    path = tmp_path / "report.html"
    path.write_text(page(groups(of("tilted", 95, 5, 3), of("small", 8, 4), of("fair", 602, 398))))
    for width in (1280, 390):
        view = browser.new_page(viewport={"width": width, "height": 900})
        view.goto(path.as_uri() + "#compliance")
        assert view.locator(".spread").count() == 4
        wide = view.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 1
        view.close()
