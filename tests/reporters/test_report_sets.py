"""The section on sets: sameness, groups of copies with their pictures, and which gallery was compared."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from made import SCRIPT, made

from imgaudit.digest import digest
from imgaudit.record import FinishedRun
from imgaudit.reporters._page import page
from imgaudit.reporters._sets import MOST_PICTURES, MOST_SETS, sets_of
from imgaudit.reporters.html import HtmlReporter
from imgaudit.types import Finding, GroupFinding

GALLERY = {
    "version": "1", "index": digest("gallery"), "pictures": "7", "kinds": "characters 3, works 4", "vectors": "none",
    "unreadable": "1", "unreadable files": f"works/{SCRIPT}.png: the file is empty",
}  # fmt: skip


def group(checker: str, name: str, members: tuple[str, ...], **measures: float) -> GroupFinding:
    return GroupFinding(
        checker=checker, version="1", group=name, outcome="measured", size=len(members), counted=len(members),
        measures=measures, members=members, labels={"space": "embedded"} if checker == "diversity" else {},
    )  # fmt: skip


def run_with(
    groups: list[GroupFinding], gallery: Mapping[str, str] | None = None, memorised: Finding | None = None
) -> FinishedRun:
    base = made()
    images = list(base.images)
    if memorised is not None:
        images[0] = images[0].model_copy(update={"findings": (*images[0].findings, memorised)})
    known = {**base.run.perceivers, **({"gallery": dict(gallery)} if gallery else {})}
    return replace(base, groups=groups, images=images, run=base.run.model_copy(update={"perceivers": known}))


def written(run: FinishedRun) -> str:
    stream = io.BytesIO()
    HtmlReporter().write(run, stream)
    return stream.getvalue().decode()


IDS = tuple(record.id for record in made().images)
COPY = Finding(
    checker="memorisation", version="1", outcome="measured", measures={"copies": 1}, codes=("memorisation.near",),
    labels={"kinds": "characters", "copy_of": "characters/hero.png"}, message="nearly the same picture as hero.png",
)  # fmt: skip
NOT_CHECKED = Finding(
    checker="memorisation", version="1", outcome="abstained", reason="not checked against any gallery"
)


def test_prompts_whose_pictures_are_most_alike_come_first_with_their_pictures():
    many = tuple(IDS[:4]) * 4
    groups = [
        group("diversity", "varied", IDS[:4], score=0.4, layout=0.8, collapse=0.0),
        group("diversity", "alike", many, score=0.1, layout=0.7, collapse=0.0),
        group("diversity", "collapsed", IDS[4:8], score=0.3, collapse=0.6).model_copy(
            update={"codes": ("diversity.collapsed",)}
        ),
    ]

    shown = sets_of(run_with(groups), page(run_with(groups)).cards)

    assert [one.finding.group for one in shown.prompts] == ["collapsed", "alike", "varied"]
    assert [card.record.id for card in shown.prompts[2].cards] == list(IDS[:4])
    assert (len(shown.prompts[1].cards), shown.prompts[1].more) == (MOST_PICTURES, 4)
    assert ">collapsed</span>" in written(run_with(groups))


def test_many_prompts_and_groups_of_copies_stay_a_page():
    groups = [group("diversity", f"prompt {n}", IDS[:2], score=0.1) for n in range(MOST_SETS + 3)]
    groups += [group("duplicates", f"copies of {n}", IDS[: 2 + n % 3]) for n in range(MOST_SETS + 2)]

    made_page = page(run_with(groups))

    assert (len(made_page.sets.prompts), made_page.sets.prompts_left_out) == (MOST_SETS, 3)
    assert (len(made_page.sets.clusters), made_page.sets.clusters_left_out) == (MOST_SETS, 2)
    assert made_page.sets.clusters[0].finding.size == 4
    assert made_page.groups == ()


def test_what_is_over_the_whole_run_stays_in_the_table_of_sets():
    over = group("duplicates", "run", IDS[:2], share=0.1)
    whole = group("diversity", "run", (), score=0.2)

    made_page = page(run_with([over, whole]))

    assert made_page.sets.duplicates == over
    assert made_page.sets.diversity == whole
    assert made_page.groups == (over, whole)


def test_the_gallery_that_was_compared_is_named_by_its_digest_and_broken_files_are_told():
    text = written(run_with([], GALLERY, COPY))

    assert GALLERY["index"] in text
    assert "7 pictures that the user gave" in text
    assert "characters 3, works 4" in text
    assert "the file is empty" in text
    assert "nearly the same picture as hero.png" in text
    assert f"works/{SCRIPT}" not in text


def test_without_a_gallery_the_page_says_that_none_was_compared():
    text = written(run_with([], memorised=NOT_CHECKED))

    assert "These pictures were <bdi>not checked against any gallery</bdi>" in text
    assert "No picture is a copy of one in it" not in text


def test_a_run_that_asked_for_none_of_it_has_no_such_section():
    text = written(run_with([]))

    for anchor in ('id="diversity"', 'id="copies"', 'id="gallery"'):
        assert anchor not in text


def test_groups_of_copies_show_their_pictures_in_a_browser(browser: Any, tmp_path: Any):
    groups = [
        group("duplicates", "run", IDS[:3], share=0.1),
        group("duplicates", "copies of a", IDS[:3]),
        group("diversity", "run", (), score=0.2),
        group("diversity", "a prompt", IDS[:4], score=0.1, collapse=0.5),
    ]
    (tmp_path / "report.html").write_text(written(run_with(groups, GALLERY, COPY)))
    tab = browser.new_page(viewport={"width": 390, "height": 800})
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.goto((tmp_path / "report.html").as_uri() + "#release")
    tab.wait_for_selector("#copies", state="visible")
    tab.locator("#copies").scroll_into_view_if_needed()
    strip = tab.locator(".strip").nth(1)
    strip.scroll_into_view_if_needed()
    tab.wait_for_function("document.querySelectorAll('.strip .cell .frame > *').length >= 7")

    assert strip.locator(".cell").count() == 3
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
    strip.locator(".cell").first.click()
    assert tab.locator("dialog[open]").count() == 1
    assert errors == []
    tab.close()


@pytest.mark.parametrize("name", [SCRIPT, "a\u202eb"])
def test_hostile_names_of_sets_are_text(name: str):
    text = written(run_with([group("diversity", name, IDS[:2], score=0.1), group("duplicates", name, IDS[:2])]))

    assert name not in text
