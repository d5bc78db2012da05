"""The page of a comparison in a real browser that has no network."""

from __future__ import annotations

from typing import Any

import pytest
from made import SCRIPT
from made_comparison import HOSTILE_STRATUM, compared, comparison
from opener import PHONE, Opener, focused

from imgaudit.reporters._comparison.html import write


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "comparison.html"
    path.write_bytes(write(compared()))
    return path.as_uri()


def shown(page: Any) -> list[int]:
    return page.eval_on_selector_all(
        ".mover", "all => all.filter(e => e.checkVisibility()).map(e => Number(e.dataset.card))"
    )


def test_the_page_opens_from_disk_on_the_answer_with_every_picture(open_page: Opener) -> None:
    page = open_page()

    box = page.locator(".answer h1").bounding_box()
    assert page.inner_text(".answer h1").lower() == "regressed"
    assert box["y"] < 200  # on the first screen
    assert page.evaluate("parseFloat(getComputedStyle(document.querySelector('.answer h1')).fontSize)") >= 30
    page.click("#tab-pictures")
    loaded = page.eval_on_selector_all(
        ".pair img",
        "all => Promise.all(all.map(e => { e.loading = 'eager'; return e.decode().then(() => e.naturalWidth) }))",
    )
    assert len(loaded) == 35 - 2  # of 18 and 17 pictures, one of each side is damaged
    assert min(loaded) >= 64


def test_hostile_strings_stay_text_everywhere(open_page: Opener) -> None:
    page = open_page()
    title = page.title()
    for view in ("pictures", "record", "decision"):
        page.click(f"#tab-{view}")
    page.click("#tab-pictures")
    page.click('[data-open="9"]')

    assert SCRIPT in page.inner_text("#viewer-title")
    assert page.title() == title
    assert title.startswith("regressed: @baseline <script>")
    assert page.locator("img[src=x], script:not([type]) ~ script:not([type])").count() == 0


def test_a_script_that_came_in_would_be_refused(browser: Any, address: str) -> None:
    opener = Opener(browser, address)
    page = opener()

    page.evaluate(
        "try { document.createElement('div').innerHTML = '<b>x</b>' } catch (error) { window.refused = error.name }"
    )

    assert page.evaluate("window.refused") == "TypeError"
    opener.close()


def test_an_attempt_to_reach_the_network_would_be_seen(browser: Any, address: str) -> None:
    opener = Opener(browser, address)
    page = opener()

    page.evaluate(
        "const i = document.createElement('img'); i.src = 'http://evil.example/x.png'; document.body.append(i)"
    )
    page.wait_for_function("window.broken.length > 0")

    assert page.evaluate("window.broken") == ["img-src"]
    opener.close()


def test_intervals_are_drawn_where_their_numbers_say(open_page: Opener) -> None:
    page = open_page()
    places = page.evaluate(
        """() => [...document.querySelectorAll('.block')][0].querySelectorAll('tbody tr').length && [...document
        .querySelectorAll('.block')[0].querySelectorAll('tbody tr')].map(row => { const box = s =>
        row.querySelector('.plot ' + s).getBoundingClientRect(), mid = b => b.x + b.width / 2; return { zero:
        mid(box('.zero')), edge: mid(box('.edge')), gain: mid(box('.dot')), low: box('.whisker').x, high:
        box('.whisker').right }; })"""
    )

    everything, _, relations, _ = places
    unit = (everything["zero"] - everything["edge"]) / 0.05  # pixels of one unit of the measure
    assert unit > 0
    for drawn, test in ((everything, comparison().tests[0]), (relations, comparison().tests[1])):
        assert test.estimate is not None
        told = (test.estimate.gain, test.estimate.low, test.estimate.high)
        for name, value in zip(("gain", "low", "high"), told, strict=True):
            assert drawn[name] == pytest.approx(drawn["zero"] + (value or 0) * unit, abs=2.5)


def test_measure_stratum_and_direction_filter_tests_and_prompts(open_page: Opener) -> None:
    page = open_page("#pictures")

    page.select_option("#f-measure", label="adherence.match")
    assert shown(page) == [1, 3, 5]
    assert page.inner_text("#f-status") == "3 of 5 prompts"
    page.select_option("#f-direction", label="got worse")
    assert shown(page) == [1, 3]
    page.select_option("#f-stratum", label=HOSTILE_STRATUM)
    assert shown(page) == [3]
    page.click("#tab-decision")
    rows = page.locator("#decision .tests tbody tr:visible")
    assert rows.count() == 1
    assert "script" in rows.first.inner_text()
    page.click("#f-clear")
    assert page.locator("#decision .tests tbody tr:visible").count() == 7


def test_words_find_prompts_and_nothing_found_is_said(open_page: Opener) -> None:
    page = open_page("#pictures")

    page.fill("#f-text", "NIGHT poster")
    page.wait_for_function("() => document.querySelectorAll('.mover:not([hidden])').length === 1")
    assert shown(page) == [4]
    page.fill("#f-text", "no such words")
    page.wait_for_selector("#empty", state="visible")
    assert shown(page) == []


def test_a_pair_is_opened_compared_and_closed_by_keys_alone(open_page: Opener) -> None:
    page = open_page("#pictures")
    page.focus('[data-open="1"]')
    page.keyboard.press("Enter")

    assert page.inner_text("#viewer-title") == "shapes-red-square, seed 0"
    assert page.locator(".pair-stage img").count() == 2
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#viewer-title") == "shapes-red-square, seed 1"
    page.focus("#mode-slide")
    page.keyboard.press("Space")
    assert page.get_attribute("#mode-slide", "aria-pressed") == "true"
    assert focused(page) == "mode-slide"
    page.keyboard.press("Tab")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert page.get_attribute(".cut", "aria-valuetext") == "55 % baseline, 45 % candidate"
    assert page.inner_text("#viewer-title") == "shapes-red-square, seed 1"  # the slider's arrows do not turn pages
    page.keyboard.press("Escape")
    assert not page.is_visible("#viewer")
    assert focused(page) == "2"


def test_the_slider_shows_the_baseline_left_of_its_line(open_page: Opener) -> None:
    page = open_page("#pair-1")
    page.click("#mode-slide")
    page.fill(".cut", "25")

    whole = page.locator(".whole").bounding_box()
    seam = page.locator(".seam").bounding_box()
    assert seam["x"] == pytest.approx(whole["x"] + whole["width"] / 4, abs=2)
    assert page.evaluate("getComputedStyle(document.querySelector('.over')).clipPath") == "inset(0px 0px 0px 25%)"
    assert page.get_attribute(".whole img:not(.over)", "alt") == "baseline: shapes-red-square#0"
    assert page.get_attribute(".over", "alt") == "candidate: shapes-red-square#0"


def test_the_line_follows_the_pointer(open_page: Opener) -> None:
    page = open_page("#pair-1")
    page.click("#mode-slide")
    box = page.locator(".whole").bounding_box()

    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 90)
    page.mouse.up()

    assert page.input_value(".cut") == "80"


def test_both_sides_lie_over_each_other_exactly(open_page: Opener) -> None:
    page = open_page("#pair-1")
    page.click("#mode-slide")

    boxes = [page.locator(".whole img").nth(place).bounding_box() for place in range(2)]

    assert boxes[0] == pytest.approx(boxes[1], abs=0.5)


def test_blinking_turns_between_the_sides_and_can_be_stopped(open_page: Opener) -> None:
    page = open_page("#pair-1")
    page.click("#mode-blink")
    assert page.inner_text(".play") == "Stop blinking"

    for side in ("candidate", "baseline", "candidate"):
        page.wait_for_function("side => document.querySelector('figcaption').textContent === side", arg=side)
    page.click(".play")
    still = page.inner_text("figcaption")
    page.wait_for_timeout(1_700)  # two turns, were it still blinking
    assert page.inner_text("figcaption") == still
    page.click(".swap")
    assert page.inner_text("figcaption") != still
    hidden = page.evaluate("getComputedStyle(document.querySelector('.over')).visibility") == "hidden"
    assert hidden == (page.inner_text("figcaption") == "baseline")


def test_nothing_blinks_for_those_who_want_no_motion(open_page: Opener) -> None:
    page = open_page("#pair-1", reduced_motion="reduce")
    page.click("#mode-blink")

    assert page.inner_text(".play") == "Start blinking"
    page.wait_for_timeout(1_700)
    assert page.inner_text("figcaption") == "baseline"


def test_a_pair_of_one_picture_can_only_be_looked_at(open_page: Opener) -> None:
    page = open_page("#pair-18")

    assert page.locator(".pair-stage img").count() == 1
    assert "The candidate has no picture of this seed." in page.inner_text(".pair-stage")
    assert page.is_disabled("#mode-blink")
    assert page.is_disabled("#mode-slide")


def test_the_enlarged_pair_tells_verdict_and_measure_of_both_sides(open_page: Opener) -> None:
    text = open_page("#pair-1").inner_text(".values")

    assert "publish" in text
    assert "reject" in text
    assert "0.97" in text
    assert "0.485" in text
    assert "The square is right of the circle." in text


def test_pairs_are_turned_only_among_prompts_that_fit_the_filter(open_page: Opener) -> None:
    page = open_page("#pictures")
    page.select_option("#f-direction", label="got better")
    page.click(".mover:not([hidden]) [data-open]")

    assert page.inner_text(".place") == "1 of 8"
    assert page.locator(".previous").is_disabled()


def test_the_views_are_tabs_for_mouse_keys_and_links(open_page: Opener) -> None:
    page = open_page()

    page.click("#tab-pictures")
    assert page.is_visible("#pictures")
    assert not page.is_visible("#decision")
    page.keyboard.press("ArrowRight")
    assert focused(page) == "tab-record"
    assert page.get_attribute("#tab-record", "aria-selected") == "true"
    assert page.url.endswith("#record")


@pytest.mark.parametrize("view", ["decision", "pictures", "record"])
def test_a_phone_scrolls_down_and_never_sideways(open_page: Opener, view: str) -> None:
    page = open_page(f"#{view}", PHONE, is_mobile=True, has_touch=True)

    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize("mode", ["beside", "blink", "slide"])
def test_an_enlarged_pair_on_a_phone_fits_its_width(open_page: Opener, mode: str) -> None:
    page = open_page("#pair-5", PHONE, is_mobile=True, has_touch=True)
    page.click(f"#mode-{mode}")

    assert page.evaluate("document.querySelector('#viewer').scrollWidth") <= PHONE["width"]
    assert page.locator(".pair-stage img").first.bounding_box()["width"] <= PHONE["width"]
    heights = [page.locator("#viewer button").nth(n).bounding_box()["height"] for n in range(6)]
    assert min(heights) >= 24  # WCAG 2.5.8


def test_without_scripts_every_test_and_every_picture_can_be_seen(open_page: Opener) -> None:
    page = open_page(java_script_enabled=False)

    assert page.locator(".tests tbody tr:visible").count() == len(comparison().tests)
    assert page.locator(".pair:visible").count() == 18
    assert "Without JavaScript" in page.inner_text("header")
    open_page.pages.remove(page)


def test_paper_gets_all_views(open_page: Opener) -> None:
    page = open_page()
    page.emulate_media(media="print")

    assert all(page.is_visible(f"#{view}") for view in ("decision", "pictures", "record"))
    assert not page.is_visible(".filters")


def test_every_control_has_a_name_and_every_reference_a_target(open_page: Opener) -> None:
    page = open_page("#pair-1")
    page.click("#mode-slide")
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, a, input, select, dialog, [role=region], [role=img]')]
        .filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length ||
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


def test_focus_can_be_seen_on_a_pair(open_page: Opener) -> None:
    page = open_page("#pictures")
    page.focus("#f-clear")
    page.keyboard.press("Tab")

    assert focused(page) == "1"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_the_dark_scheme_is_dark(open_page: Opener) -> None:
    page = open_page(color_scheme="dark")

    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 22, 26)"


def test_the_focus_is_back_on_the_pair_as_soon_as_it_is_closed(open_page: Opener) -> None:
    page = open_page("#pictures")
    page.click('[data-open="1"]')
    page.keyboard.press("ArrowRight")

    closed = "() => { document.querySelector('#viewer .close').click(); return document.activeElement.dataset.open }"
    assert page.evaluate(closed) == "2"
