"""The HTML page in a real browser that has no network."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from made import SCRIPT, made, many
from opener import PHONE, Opener, focused

from imgaudit.record import FinishedRun
from imgaudit.reporters._shared import codes, visible, worst_first
from imgaudit.reporters.html import HtmlReporter
from imgaudit.types import Decision


def write(run: FinishedRun, path: Path) -> str:
    with path.open("wb") as stream:
        HtmlReporter().write(run, stream)
    return path.as_uri()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(made(), tmp_path_factory.mktemp("page") / "report.html")


def shown(page: Any) -> list[int]:
    return page.eval_on_selector_all(
        ".card", "all => all.filter(e => e.checkVisibility()).map(e => Number(e.dataset.n))"
    )


def settle(page: Any, count: int) -> None:
    page.wait_for_function("n => document.querySelectorAll('.card:not([hidden])').length === n", arg=count)


ORDERED = worst_first(made().images)
TALLY = Counter(record.verdict.final for record in made().images)


def test_the_page_opens_from_disk_with_every_picture(open_page: Opener) -> None:
    page = open_page()

    assert shown(page) == list(range(1, 25))
    loaded = page.eval_on_selector_all(
        ".card img",
        "all => Promise.all(all.map(e => { e.loading = 'eager'; return e.decode().then(() => e.naturalWidth) }))",
    )
    assert len(loaded) == 22  # one is damaged, one is not at hand
    assert min(loaded) >= 64


def test_an_attempt_to_reach_the_network_would_be_seen(browser: Any, address: str) -> None:
    opener = Opener(browser, address)
    page = opener()

    page.evaluate(
        "const i = document.createElement('img'); i.src = 'http://evil.example/x.png'; document.body.append(i)"
    )
    page.wait_for_function("window.broken.length > 0")

    assert page.evaluate("window.broken") == ["img-src"]
    opener.close()


def test_a_script_that_came_in_would_be_refused(browser: Any, address: str) -> None:
    opener = Opener(browser, address)
    page = opener()

    page.evaluate(
        "try { document.createElement('div').innerHTML = '<b>x</b>' } catch (error) { window.refused = error.name }"
    )

    assert page.evaluate("window.refused") == "TypeError"
    opener.close()


def test_hostile_strings_stay_text_on_every_view_and_in_every_picture(open_page: Opener) -> None:
    page = open_page()
    title = page.title()
    for view in ("release", "compliance", "art"):
        page.click(f"#tab-{view}")
    page.click('[data-open="1"]')
    titles = []
    for _ in ORDERED:
        titles.append(page.inner_text("#viewer-title"))
        page.keyboard.press("ArrowRight")

    assert page.title() == title
    assert title.startswith("Autumn campaign")
    assert SCRIPT in title
    assert page.locator("img[src=x], script:not([type]) ~ script:not([type])").count() == 0
    assert [text.split() for text in titles] == [visible(record.id).split() for record in ORDERED]


def test_a_name_that_turns_its_direction_shows_the_turn(open_page: Opener) -> None:
    assert "invoice⟨U+202E⟩gnp.exe" in open_page().inner_text("#cards")


@pytest.mark.parametrize("decision", list(Decision))
def test_the_count_of_a_verdict_filters_by_it(open_page: Opener, decision: Decision) -> None:
    page = open_page()
    button = page.locator(f'[data-verdict="{decision}"]')

    assert button.locator(".figure").inner_text() == str(TALLY[decision])
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert shown(page) == [n for n, record in enumerate(ORDERED, 1) if record.verdict.final == decision]
    assert page.inner_text("#f-status") == f"{TALLY[decision]} of 24 pictures"


def test_two_verdicts_are_shown_together(open_page: Opener) -> None:
    page = open_page()

    page.click('[data-verdict="reject"]')
    page.click('[data-verdict="hold"]')

    assert len(shown(page)) == TALLY[Decision.REJECT] + TALLY[Decision.HOLD]


def test_a_code_and_an_abstention_can_be_filtered_by(open_page: Opener) -> None:
    page = open_page()

    page.select_option("#f-token", "code:hands.extra_finger")
    assert shown(page) == [n for n, record in enumerate(ORDERED, 1) if "hands.extra_finger" in codes(record)]
    page.select_option("#f-token", "abstained:hands")
    assert [ORDERED[n - 1].id for n in shown(page)] == ["hands-open#3"]
    page.select_option("#f-token", "failed:load")
    assert len(shown(page)) == 1


def test_case_and_words_narrow_down_together_and_clear_brings_all_back(open_page: Opener) -> None:
    page = open_page()

    page.select_option("#f-case", label="poster-market")
    assert len(shown(page)) == 4
    page.fill("#f-text", "NIGTH misspelt")
    settle(page, 1)
    assert [ORDERED[n - 1].id for n in shown(page)] == ["poster-market#1"]
    page.fill("#f-text", "no such words")
    settle(page, 0)
    assert page.is_visible("#empty")
    page.click("#f-clear")
    assert len(shown(page)) == 24


def test_filters_hold_in_the_tables_of_the_other_views(open_page: Opener) -> None:
    page = open_page()
    page.click('[data-verdict="hold"]')

    for view in ("release", "compliance"):
        page.click(f"#tab-{view}")
        rows = page.locator(f"#{view} .pictures tbody tr:visible")
        assert rows.count() == TALLY[Decision.HOLD]


def test_the_views_are_tabs_for_mouse_keys_and_links(open_page: Opener) -> None:
    page = open_page()

    assert page.is_visible("#art")
    assert not page.is_visible("#release")
    page.click("#tab-release")
    assert page.is_visible("#release")
    assert not page.is_visible("#art")
    page.keyboard.press("ArrowRight")
    assert page.is_visible("#compliance")
    assert focused(page) == "tab-compliance"
    assert page.get_attribute("#tab-compliance", "aria-selected") == "true"
    assert page.url.endswith("#compliance")
    assert open_page("#compliance").is_visible("#compliance")


def test_a_picture_is_opened_read_and_closed_by_keys_alone(open_page: Opener) -> None:
    page = open_page()
    page.focus('[data-layer="masks"]')
    page.keyboard.press("Tab")
    assert focused(page) == "1"

    page.keyboard.press("Enter")
    assert page.inner_text("#viewer-title") == ORDERED[0].id
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#viewer-title") == ORDERED[1].id
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.url.endswith("#picture-3")
    page.keyboard.press("Escape")

    assert not page.is_visible("#viewer")
    assert focused(page) == "3"


def test_arrows_move_between_cards_as_they_lie(open_page: Opener) -> None:
    page = open_page()
    columns = page.evaluate("getComputedStyle(document.getElementById('cards')).gridTemplateColumns.split(' ').length")
    page.focus('.card [data-open="1"]')

    page.keyboard.press("ArrowRight")
    assert focused(page) == "2"
    page.keyboard.press("ArrowDown")
    assert focused(page) == str(2 + columns)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    assert focused(page) == "1"


def test_focus_can_be_seen(open_page: Opener) -> None:
    page = open_page()
    page.focus("#f-text")
    page.keyboard.press("Tab")

    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2


def test_the_enlarged_picture_moves_only_among_those_that_fit_the_filter(open_page: Opener) -> None:
    page = open_page()
    page.click('[data-verdict="edit"]')
    page.click(f'.card [data-open="{shown(page)[0]}"]')

    assert page.inner_text(".place") == f"1 of {TALLY[Decision.EDIT]}"
    assert page.locator(".previous").is_disabled()
    for _ in range(TALLY[Decision.EDIT] + 3):
        page.keyboard.press("ArrowRight")
    assert page.inner_text(".place") == f"{TALLY[Decision.EDIT]} of {TALLY[Decision.EDIT]}"


def test_landmarks_text_regions_edits_and_masks_are_drawn_and_can_be_switched_off(open_page: Opener) -> None:
    page = open_page()
    wanted = {
        "hands-open#1": ("landmarks", "regions", "edits"),
        "poster-market#1": ("text",),
        "portrait-office#2": ("masks",),
    }
    for identity, layers in wanted.items():
        number = 1 + next(n for n, record in enumerate(ORDERED) if record.id == identity)
        page.goto(f"{open_page.address}#picture-{number}")
        page.wait_for_selector(".stage .overlay")
        for layer in layers:
            first = page.locator(f".stage .l-{layer}").first
            assert first.is_visible()
            page.click(f'#viewer [data-layer="{layer}"]')
            assert not first.is_visible()
        page.keyboard.press("Escape")
        page.wait_for_selector("#viewer", state="hidden")
        assert page.locator(f'.layers [data-layer="{layers[0]}"]').first.is_checked() is False


def test_a_region_lies_where_the_record_puts_it(open_page: Opener) -> None:
    page = open_page("#picture-" + str(1 + next(n for n, r in enumerate(ORDERED) if r.id == "hands-open#1")))
    page.wait_for_selector(".stage .l-regions polygon.stroke")

    picture = page.locator(".stage img").bounding_box()
    drawn = page.evaluate(
        """() => { const e = document.querySelector('.stage .l-regions polygon.stroke'), m = e.getScreenCTM();
        return [...e.points].map(p => p.matrixTransform(m)).map(p => [p.x, p.y]) }"""
    )

    x0, y0, x1, y1 = 330, 180, 450, 310  # as tests/reporters/made.py has it, in a picture of 512 x 512
    scale = picture["width"] / 512
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    expected = [(picture["x"] + x * scale, picture["y"] + y * scale) for x, y in corners]
    assert [pytest.approx(corner, abs=1.5) for corner in expected] == [tuple(point) for point in drawn]


def test_the_contact_sheet_shows_cases_by_seeds_and_opens_pictures(open_page: Opener) -> None:
    page = open_page()
    page.click('[data-layout="sheet"]')

    assert page.locator(".sheet tbody tr").count() == 6
    assert not page.is_visible("#cards")
    page.click('.cell[aria-label^="hands-open#2,"]')
    assert page.inner_text("#viewer-title") == "hands-open#2"
    page.keyboard.press("Escape")
    assert page.is_visible("#sheet")


@pytest.mark.parametrize("view", ["art", "release", "compliance"])
def test_a_phone_scrolls_down_and_never_sideways(open_page: Opener, view: str) -> None:
    page = open_page(f"#{view}", PHONE, is_mobile=True, has_touch=True)

    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_picture_on_a_phone_fits_its_width(open_page: Opener) -> None:
    page = open_page("#picture-1", PHONE, is_mobile=True, has_touch=True)
    page.wait_for_selector(".stage img")

    assert page.evaluate("document.querySelector('.viewer-body').scrollWidth") <= PHONE["width"]
    assert page.locator(".stage img").bounding_box()["width"] <= PHONE["width"]
    assert min(page.locator("#viewer button").nth(n).bounding_box()["height"] for n in range(3)) >= 24  # WCAG 2.5.8


def test_without_scripts_every_verdict_and_every_view_can_be_read(open_page: Opener) -> None:
    page = open_page(java_script_enabled=False)

    assert page.locator("#release .pictures tbody tr:visible").count() == 24
    assert page.locator("#compliance .dimensions tbody tr:visible").count() == len(made().report.dimensions)
    assert page.locator(".card:visible").count() == 24
    assert "Without JavaScript" in page.inner_text("header")
    open_page.pages.remove(page)


def test_paper_gets_all_views(open_page: Opener) -> None:
    page = open_page()
    page.emulate_media(media="print")

    assert all(page.is_visible(f"#{view}") for view in ("art", "release", "compliance"))
    assert not page.is_visible(".filters")


def test_every_control_has_a_name_and_every_reference_a_target(open_page: Opener) -> None:
    page = open_page("#picture-1")
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, a, input, select, dialog, [role=region]')].filter(e =>
        !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length ||
        e.getAttribute('aria-labelledby'))).map(e => e.outerHTML.slice(0, 200))"""
    )
    lost = page.evaluate(
        """() => [...document.querySelectorAll('[aria-labelledby], [aria-controls]')].flatMap(e =>
        [e.getAttribute('aria-labelledby'), e.getAttribute('aria-controls')])
        .filter(id => id && !document.getElementById(id))"""
    )
    double = page.evaluate(
        """() => { const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
        return ids.filter((id, n) => ids.indexOf(id) !== n) }"""
    )

    assert (nameless, lost, double) == ([], [], [])


def test_the_dark_scheme_is_dark(open_page: Opener) -> None:
    page = open_page(color_scheme="dark")

    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 22, 26)"


@pytest.mark.slow
def test_a_thousand_pictures_can_be_filtered_and_opened(browser: Any, tmp_path: Path) -> None:
    opener = Opener(browser, write(many(1000), tmp_path / "report.html"))
    page = opener()

    assert len(shown(page)) == 1000
    page.fill("#f-text", "misspelt")
    settle(page, sum("misspelt" in " ".join(codes(record)) for record in many(1000).images))
    page.click(f'.card [data-open="{shown(page)[-1]}"]')
    assert page.is_visible("#viewer .stage img")
    opener.close()
    assert opener.wrong == []


def test_the_focus_is_back_on_the_picture_as_soon_as_it_is_closed(open_page: Opener) -> None:
    page = open_page()
    page.click('.card [data-open="1"]')
    page.keyboard.press("ArrowRight")

    closed = "() => { document.querySelector('#viewer .close').click(); return document.activeElement.dataset.open }"
    assert page.evaluate(closed) == "2"
