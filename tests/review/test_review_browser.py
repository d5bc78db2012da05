"""The review page in a real browser that reaches nothing but the page."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps
from reporters.made import RTL, SCRIPT, made
from serving import PHONE, Serving
from stored import alike, full_disk, gallery, plain, two_people_rubric, write

from imgaudit.repair.record import Repair, append_repair
from imgaudit.reporters._shared import visible
from imgaudit.review.desk import Desk, Setting
from imgaudit.rubric import load_rubric
from imgaudit.store.runfolder import RunFolder
from imgaudit.types import Finding, ImageRecord

Serve = Callable[..., Serving]


@pytest.fixture
def serve(browser: Any) -> Iterator[Serve]:
    """Serves a run; in the end nothing may have gone wrong in any browser."""
    served: list[Serving] = []
    with ExitStack() as stack:

        def opened(path: Path, rubric: str = "publish", compare: Path | None = None) -> Serving:
            serving = Serving(Desk(Setting(path, load_rubric(rubric), compare=compare)), browser)
            stack.callback(serving.close)
            served.append(serving)
            return serving

        yield opened
    assert [wrong for serving in served for wrong in serving.wrong] == []


def log(serving: Serving) -> list[dict[str, Any]]:
    path = serving.desk.setting.run / "decisions.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def begin(page: Any) -> None:
    page.keyboard.press("b")
    page.wait_for_selector("#stages img")


def shown(page: Any, serving: Serving, place: int) -> None:
    """Wait until a picture is on the desk."""
    page.wait_for_function("name => document.querySelector('#title').textContent === name",
                           arg=visible(serving.desk.rows[place].id))  # fmt: skip


def said(page: Any, text: str) -> None:
    page.wait_for_function("text => document.querySelector('#said').textContent.includes(text)", arg=text)


def focused(page: Any) -> str:
    return page.evaluate("document.activeElement.id || document.activeElement.tagName")


# --- by keys alone ---


def test_a_review_is_done_by_keys_alone(serve: Serve, run: Path):
    serving = serve(run)
    order = serving.desk.order
    page = serving.open(by=None)
    # the name is asked first, and the field has the focus
    assert focused(page) == "by"
    page.keyboard.type("A. Jonas")
    page.keyboard.press("Tab")
    page.keyboard.type("art")
    page.keyboard.press("Enter")
    page.wait_for_selector("html[data-ready] #cards", state="attached")
    begin(page)

    shown(page, serving, order[0])
    assert focused(page) == "title"
    page.keyboard.press("p")
    shown(page, serving, order[1])
    assert focused(page) == "title"
    page.keyboard.press("e")
    shown(page, serving, order[2])
    page.keyboard.press("s")
    shown(page, serving, order[3])
    page.keyboard.press("r")
    shown(page, serving, order[4])
    page.keyboard.press("u")
    shown(page, serving, order[3])
    page.keyboard.press("ArrowRight")
    shown(page, serving, order[4])
    page.keyboard.press("ArrowLeft")
    shown(page, serving, order[3])
    page.keyboard.press("q")
    page.wait_for_selector("#cards")

    lines = [(line["action"], line.get("after"), line["by"], line["role"]) for line in log(serving)]
    assert lines == [
        ("judge", "publish", "A. Jonas", "art"), ("judge", "edit", "A. Jonas", "art"),
        ("judge", "reject", "A. Jonas", "art"), ("undo", None, "A. Jonas", "art"),
    ]  # fmt: skip


def test_reason_note_and_false_alarm_are_given_by_keys_alone(serve: Serve, run: Path):
    serving = serve(run)
    page = serving.open()
    begin(page)

    page.keyboard.press("f")
    assert page.is_checked("[data-false]")
    page.keyboard.press("n")
    assert focused(page) == "note"
    page.keyboard.type("please see page 12 erp")  # letters that are keys elsewhere
    page.keyboard.press("Escape")
    assert focused(page) == "title"
    page.focus('[data-reason="publish"]')
    page.keyboard.type("style")
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    shown(page, serving, serving.desk.order[1])

    (line,) = log(serving)
    assert line["reason"] == "style-is-meant"
    assert [one["code"] for one in line["disputes"]] == ["quality.blur"]
    assert page.input_value("#note") == ""


def test_a_code_of_ones_own_is_asked_for_and_recorded(serve: Serve, run: Path):
    serving = serve(run)
    page = serving.open()
    begin(page)

    page.select_option('[data-reason="reject"]', "(other)")
    page.keyboard.type("Not A Code")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.wait_for_selector("#wrong:not([hidden])")
    assert "small letters" in page.inner_text("#wrong")
    assert log(serving) == []
    page.fill("#owncode", "wrong-season")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    shown(page, serving, serving.desk.order[1])

    assert log(serving)[0]["reason"] == "wrong-season"


def test_what_a_check_missed_is_said(serve: Serve, run: Path):
    serving = serve(run)
    place = next(row.place for row in serving.desk.rows if "quality.blur" not in row.codes)
    page = serving.open()
    page.goto(f"{serving.origin}/picture/{place}")

    page.select_option("#missed", "quality.dark")
    page.select_option("#missed", "text")
    page.click('#missedlist li:has-text("text") button')
    page.click('[data-decision="edit"]')
    said(page, "Recorded: edit")

    assert log(serving)[0]["disputes"] == [{"checker": "quality", "code": "quality.dark", "says": "missed"}]


def test_every_key_stands_in_the_list_and_does_what_it_says(serve: Serve, run: Path):
    serving = serve(run)
    page = serving.open()
    begin(page)

    page.keyboard.press("?")
    listed = page.inner_text("#keylist")
    for words in ("publish", "edit", "reject", "skip", "undo", "next picture", "zoom", "overlays", "false", "note"):
        assert words in listed
    assert focused(page) == "keysclose"
    page.keyboard.press("p")  # behind the list nothing is decided
    page.keyboard.press("Escape")
    page.wait_for_selector("#keys", state="hidden")
    assert log(serving) == []
    page.keyboard.press("o")
    assert page.evaluate("document.documentElement.classList.contains('no-overlays')")
    page.keyboard.press("z")
    assert page.get_attribute('[data-zoom="1"]', "aria-pressed") == "true"
    page.keyboard.press("+")
    assert page.get_attribute('[data-zoom="2"]', "aria-pressed") == "true"
    page.keyboard.press("z")
    assert page.get_attribute('[data-zoom="0"]', "aria-pressed") == "true"
    page.keyboard.press("a")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_single_keys_can_be_switched_off_and_buttons_still_work(serve: Serve, run: Path):
    serving = serve(run)
    page = serving.open()
    begin(page)
    page.keyboard.press("?")
    page.uncheck("#single")
    page.keyboard.press("Escape")
    page.wait_for_selector("#keys", state="hidden")

    page.keyboard.press("p")
    page.wait_for_timeout(200)
    assert log(serving) == []
    page.focus('[data-decision="publish"]')
    page.keyboard.press("Enter")
    shown(page, serving, serving.desk.order[1])
    assert len(log(serving)) == 1


def test_the_end_of_the_queue_is_said_and_can_be_undone(serve: Serve, tmp_path: Path):
    serving = serve(plain(tmp_path / "run", 2))
    page = serving.open()
    begin(page)
    page.keyboard.press("p")
    shown(page, serving, serving.desk.order[1])
    page.keyboard.press("p")
    page.wait_for_selector("#done:not([hidden])")

    assert focused(page) == "donetitle"
    assert "2 of 2 pictures are decided" in page.inner_text("#donewords")
    page.keyboard.press("p")  # nothing is there to be decided
    page.keyboard.press("u")
    page.wait_for_selector("#desk:not([hidden])")
    shown(page, serving, serving.desk.order[1])
    assert [line["action"] for line in log(serving)] == ["judge", "judge", "undo"]


def test_arrows_move_between_the_pictures_of_the_queue(serve: Serve, run: Path):
    serving = serve(run)
    page = serving.open()
    page.focus(".card .open")

    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.open") == str(serving.desk.order[1])
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    shown(page, serving, serving.desk.order[0])


# --- with a screen reader ---


def test_a_screen_reader_is_told_what_everything_is(serve: Serve, run: Path):
    serving = serve(run)
    page = serving.open()
    begin(page)
    tree = page.locator("body").aria_snapshot()

    for line in (
        "- banner", "- main", 'complementary "Decide"', "heading", 'group "Decide"', "- status", 'button "publish P"',
        'button "edit E"', 'button "reject R"', 'button "skip S"', 'combobox "Reason to publish"',
        'textbox "Note"', 'navigation "Other seeds of this case"', 'button "Next picture"', 'checkbox "false alarm"',
    ):  # fmt: skip
        assert line in tree, line
    assert 'img "Picture one#' in tree or 'img "Picture two#' in tree
    nameless = page.evaluate(
        """() => [...document.querySelectorAll(
        'button, a, input, select, textarea, dialog, nav, [role=group], [role=region]')].filter(e =>
        !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length ||
        e.getAttribute('aria-labelledby'))).map(e => e.outerHTML.slice(0, 200))"""
    )
    double = page.evaluate(
        "() => { const ids = [...document.querySelectorAll('[id]')].map(e => e.id);"
        " return ids.filter((id, n) => ids.indexOf(id) !== n) }"
    )
    assert (nameless, double) == ([], [])


def test_a_screen_reader_is_told_what_was_recorded_and_what_comes_next(serve: Serve, run: Path):
    serving = serve(run)
    page = serving.open()
    begin(page)
    page.keyboard.press("r")
    said(page, "Recorded: reject, as found.")

    told = page.inner_text("#said")
    following = serving.desk.rows[serving.desk.order[1]]
    assert f"Next picture: {following.id}, {serving.desk.finals[following.place]}" in told
    assert page.get_attribute("#said", "aria-live") == "polite"
    page.keyboard.press("u")
    said(page, "Taken back.")


def test_the_queue_is_told_as_links_with_verdicts(serve: Serve, run: Path):
    serving = serve(run)
    tree = serving.open().locator("body").aria_snapshot()

    row = serving.desk.rows[serving.desk.order[0]]
    assert f'link "{row.id}, {serving.desk.finals[row.place]}"' in tree
    assert '- search "Filter pictures"' in tree
    assert 'heading "Pictures: hold, edit, reject, then publish"' in tree


# --- light, dark, phone ---


@pytest.mark.parametrize("path", ["/", "/picture/0", "/who"])
def test_a_phone_scrolls_down_and_never_sideways(serve: Serve, tmp_path: Path, path: str):
    serving = serve(gallery(tmp_path / "run"))
    page = serving.open(size=PHONE, is_mobile=True, has_touch=True)
    page.goto(serving.origin + path)
    page.wait_for_load_state("networkidle")

    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_on_a_phone_the_decisions_lie_under_the_thumb(serve: Serve, run: Path):
    serving = serve(run)
    page = serving.open(size=PHONE, is_mobile=True, has_touch=True)
    page.tap("#begin")
    page.wait_for_selector("#stages img")

    for decision in ("publish", "edit", "reject"):
        box = page.locator(f'[data-decision="{decision}"]').bounding_box()
        assert box["y"] + box["height"] <= PHONE["height"]
        assert min(box["width"], box["height"]) >= 44
    page.tap('[data-decision="publish"]')
    shown(page, serving, serving.desk.order[1])
    assert len(log(serving)) == 1


@pytest.mark.parametrize("path", ["/", "/picture/0"])
def test_the_dark_scheme_is_dark(serve: Serve, run: Path, path: str):
    serving = serve(run)
    page = serving.open(color_scheme="dark")
    page.goto(serving.origin + path)

    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 22, 26)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read_against_their_ground(serve: Serve, tmp_path: Path, scheme: str):
    serving = serve(gallery(tmp_path / "run"))
    page = serving.open(color_scheme=scheme)
    begin(page)
    faint = page.evaluate(
        """() => {
        const channel = value => value / 255 <= .04045 ? value / 255 / 12.92 : ((value / 255 + .055) / 1.055) ** 2.4;
        const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
        const rgb = text => text.match(/[\\d.]+/g).map(Number);
        const ground = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
            if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
        const found = [];
        for (const e of document.querySelectorAll('.deskbar *, .side *')) {
            const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
            if (!own || !e.checkVisibility() || e.tagName === 'OPTION' || e.closest(':disabled')) continue;
            const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
            if ((a + .05) / (b + .05) < 4.5) found.push([e.outerHTML.slice(0, 120), (a + .05) / (b + .05)]);
        }
        return found }"""
    )

    assert faint == []


# --- pictures ---


def test_what_was_found_is_drawn_where_the_record_puts_it(serve: Serve, tmp_path: Path):
    serving = serve(gallery(tmp_path / "run"))
    place = next(row.place for row in serving.desk.rows if row.id == "hands-open#1")
    page = serving.open()
    page.goto(f"{serving.origin}/picture/{place}")
    page.wait_for_selector("#stages .l-regions polygon.stroke")

    picture = page.locator("#stages img").bounding_box()
    drawn = page.evaluate(
        """() => { const e = document.querySelector('#stages .l-regions polygon.stroke'), m = e.getScreenCTM();
        return [...e.points].map(p => p.matrixTransform(m)).map(p => [p.x, p.y]) }"""
    )
    x0, y0, x1, y1 = 330, 180, 450, 310  # as tests/reporters/made.py has it, in a picture of 512 x 512
    scale = picture["width"] / 512
    corners = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    expected = [(picture["x"] + x * scale, picture["y"] + y * scale) for x, y in corners]
    assert [pytest.approx(corner, abs=1.5) for corner in expected] == [tuple(point) for point in drawn]
    page.click('[data-layer="regions"]')
    assert not page.locator("#stages .l-regions").first.is_visible()
    assert page.locator("#stages .l-landmarks").first.is_visible()


def large_run(folder: Path) -> Path:
    noise = np.random.default_rng(1).integers(0, 255, (180, 260, 3), np.uint8)
    image = Image.fromarray(noise.repeat(10, 0).repeat(10, 1))
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=1)
    record = made().images[0].model_copy(update={"findings": ()})
    return write(folder / "run", [record], {record.id: stream.getvalue()}, load_rubric("publish"))


def test_a_large_picture_is_enlarged_from_tiles_and_moved_by_keys(serve: Serve, tmp_path: Path):
    serving = serve(large_run(tmp_path))
    page = serving.open()
    begin(page)
    wide = "(() => { const e = document.querySelector('#stages img'); return e.decode().then(() => e.naturalWidth) })()"
    assert page.evaluate(wide) == 1600
    assert page.locator(".tile").count() == 0

    page.keyboard.press("z")
    page.wait_for_function("() => [...document.querySelectorAll('.tile')].some(e => e.complete && e.naturalWidth)")
    assert page.locator(".tile").count() == 6
    assert page.locator(".picture").bounding_box()["width"] == 2600
    page.focus(".view.zoomed")
    before = page.evaluate("document.querySelector('.view.zoomed').scrollLeft")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("was => document.querySelector('.view.zoomed').scrollLeft > was", arg=before)
    assert page.inner_text("#title") == serving.desk.rows[0].id


def test_a_comparison_stands_side_by_side_and_moves_together(serve: Serve, tmp_path: Path):
    run = gallery(tmp_path / "run")
    other = alike(tmp_path / "other", "embedded@1", ImageOps.invert)
    serving = serve(run, compare=other)
    place = next(row.place for row in serving.desk.rows if row.id == "landscape-dawn#1")
    page = serving.open()
    page.goto(f"{serving.origin}/picture/{place}")
    page.wait_for_function("() => document.querySelectorAll('#stages img').length === 2")

    captions = page.locator("#stages figcaption").all_inner_texts()
    assert captions[0].startswith("this run")
    assert captions[1].startswith("embedded@1")
    means = page.evaluate(
        """() => Promise.all([...document.querySelectorAll('#stages img')].map(async image => {
        await image.decode(); const c = document.createElement('canvas'); c.width = c.height = 1;
        const g = c.getContext('2d'); g.drawImage(image, 0, 0, 1, 1); return g.getImageData(0, 0, 1, 1).data[0] }))"""
    )
    assert means[0] + means[1] == pytest.approx(255, abs=12)  # the other run's is inverted
    page.click('[data-zoom="4"]')
    page.hover(".view.zoomed >> nth=0")
    page.mouse.wheel(150, 220)
    page.wait_for_function(
        "() => { const [a, b] = document.querySelectorAll('.view.zoomed');"
        " return a.scrollTop === b.scrollTop && a.scrollTop > 0 }"
    )
    page.keyboard.press("c")
    assert page.locator("#stages img").count() == 1


def test_the_repaired_version_stands_beside_the_original(serve: Serve, tmp_path: Path):
    run = gallery(tmp_path / "run")
    images = {image.id: image for image in RunFolder(run).read_images()}
    first, second = images["hands-open#1"], images["hands-open#2"]
    data = made().picture(first)
    assert data is not None
    stream = io.BytesIO()
    ImageOps.invert(Image.open(io.BytesIO(data)).convert("RGB")).save(stream, "PNG")
    write(run / "repairs", [first], {first.id: stream.getvalue()}, load_rubric("publish"))
    append_repair(run / "repairs", Repair(id=first.id, parent=first.pixels, outcome="repaired", reason="fixed.",
                                          method="inpaint", picture="pictures/00.png"))  # fmt: skip
    append_repair(run / "repairs", Repair(id=second.id, parent=second.pixels, outcome="could not repair",
                                          reason="the finding came back in 4 tries", method="inpaint"))  # fmt: skip
    serving = serve(run)
    places = {row.id: row.place for row in serving.desk.rows}
    page = serving.open()

    page.goto(f"{serving.origin}/picture/{places[first.id]}")
    page.wait_for_function("() => document.querySelectorAll('#stages img').length === 2")
    assert "repaired by inpaint: fixed." in page.inner_text("#stages figcaption >> nth=1")
    page.goto(f"{serving.origin}/picture/{places[second.id]}")
    page.wait_for_function("() => document.querySelector('#stages').textContent.includes('could not repair')")
    assert page.locator("#stages img").count() == 1
    page.goto(f"{serving.origin}/picture/{places['landscape-dawn#1']}")
    page.wait_for_selector("#stages img")
    assert page.locator("#besides button").count() == 0


def flagged(record: ImageRecord, *codes: str) -> ImageRecord:
    finding = Finding(checker="safety", version="1", outcome="measured", codes=codes, measures={"explicit": 1.0})
    return record.model_copy(update={"findings": (*record.findings, finding)})


def test_flagged_pictures_are_blurred_and_suspected_ones_not_shown_in_every_view(serve: Serve, tmp_path: Path):
    def change(record: ImageRecord) -> ImageRecord:
        if record.id == "hands-open#1":
            return flagged(record, "safety.explicit")
        return flagged(record, "safety.suspected_abuse") if record.id == "hands-open#2" else record

    serving = serve(gallery(tmp_path / "run", change))
    places = {row.id: row.place for row in serving.desk.rows}
    asked: list[str] = []
    page = serving.open()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{serving.origin}/?state=all&case=hands-open")
    page.wait_for_load_state("networkidle")
    assert "blurred: flagged" in page.inner_text("#cards")
    assert "Not shown: it may be abuse material" in page.inner_text("#cards")
    page.goto(f"{serving.origin}/picture/{places['hands-open#2']}?state=all")
    page.wait_for_selector("#stages .missing")
    assert page.locator("#stages img").count() == 0
    page.goto(f"{serving.origin}/picture/{places['hands-open#1']}?state=all")
    page.wait_for_selector("#stages img")

    assert "Blurred: a safety model flagged it" in page.inner_text("#stages")
    assert "blurred" in page.get_attribute("#stages img", "alt")
    page.keyboard.press("z")
    assert page.locator(".tile").count() == 0
    assert not any(f"/own/{places['hands-open#2']}/view" in url for url in asked)
    kept = (tmp_path / "run" / ".review" / "copies").iterdir()
    digests = {row.digest: row.concealed for row in serving.desk.rows}
    assert all(path.name.endswith("-blurred") for path in kept if digests[path.name[:64]] != "none")


# --- hostile strings ---


def test_hostile_strings_of_the_run_stay_text_on_every_page(serve: Serve, tmp_path: Path):
    serving = serve(gallery(tmp_path / "run"))
    page = serving.open()
    strange = "script:not([src]):not([type='application/json']), img[src=x], [onerror]"
    for path in ("/?state=all", *(f"/picture/{row.place}?state=all" for row in serving.desk.rows)):
        page.goto(serving.origin + path)
        page.wait_for_selector("#cards, #stages figure")
        assert page.title().endswith("imgaudit review")
        assert page.locator(strange).count() == 0
    turned = next(row.place for row in serving.desk.rows if RTL in row.id)
    page.goto(f"{serving.origin}/picture/{turned}?state=all")
    assert page.inner_text("#title") == visible(RTL)


def test_hostile_names_notes_and_reasons_stay_text(serve: Serve, run: Path):
    serving = serve(run)
    page = serving.open(by=SCRIPT[:60], role="<b>legal</b>")
    place = serving.desk.order[0]
    begin(page)
    note = f"{SCRIPT} \u202egnp.exe \x9b31m"
    page.fill("#note", note)
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    said(page, "Recorded")
    page.goto(f"{serving.origin}/picture/{place}?state=all&q=%3Cscript%3Ealert(1)%3C/script%3E")
    page.wait_for_selector("#stages img")

    assert SCRIPT[:60] in page.inner_text(".history")
    assert visible(note) in page.inner_text(".history")
    assert page.title().endswith("imgaudit review")
    page.goto(f"{serving.origin}/?state=all")
    assert SCRIPT[:40] in page.inner_text("#cards")
    assert page.evaluate("document.querySelectorAll('b').length") == 0


def test_a_script_that_came_in_would_be_refused(browser: Any, run: Path):
    serving = Serving(Desk(Setting(run, load_rubric("publish"))), browser)
    page = serving.open()

    refused = page.evaluate(
        "() => { try { document.createElement('div').innerHTML = '<b>x</b>' } catch (e) { return e.name } }"
    )
    page.evaluate("() => { const i = new Image(); i.src = 'http://evil.example/x.png'; document.body.append(i) }")
    page.wait_for_function("() => window.broken.includes('img-src')")

    assert refused == "TypeError"
    serving.close()


# --- several browsers, and trouble ---


def test_the_second_of_two_browsers_is_told_and_keeps_what_was_typed(serve: Serve, run: Path):
    serving = serve(run)
    one, other = serving.open("A. Jonas", "editor"), serving.open("B. Okoro", "legal")
    begin(one)
    begin(other)
    other.fill("#note", "my long note")
    other.keyboard.press("Escape")
    one.keyboard.press("p")
    shown(one, serving, serving.desk.order[1])

    other.keyboard.press("r")
    other.wait_for_function("() => document.querySelector('#wrong').textContent.includes('A. Jonas')")

    assert "A. Jonas (editor) decided publish" in other.inner_text("#wrong")
    assert other.input_value("#note") == "my long note"
    other.wait_for_function(
        "() => document.querySelector('#verdict').textContent.includes('A. Jonas (editor): publish')"
    )
    assert len(log(serving)) == 1
    other.keyboard.press("r")
    said(other, "Recorded: reject")
    assert [line["after"] for line in log(serving)] == ["publish", "reject"]


def test_what_waits_for_a_second_person_comes_to_the_other_browser(serve: Serve, tmp_path: Path):
    rubric = two_people_rubric(tmp_path)
    run = plain(tmp_path / "run", 2, load_rubric(str(rubric)), alarms=0)
    serving = serve(run, str(rubric))
    one = serving.open("A. Jonas")
    begin(one)
    one.keyboard.press("p")
    shown(one, serving, serving.desk.order[1])
    one.keyboard.press("p")
    one.wait_for_selector("#done:not([hidden])")
    assert "2 wait for another person" in one.inner_text("#donewords")

    other = serving.open("B. Okoro")
    assert "2 pictures need your decision" in other.inner_text("header")
    begin(other)
    assert "waiting for another person" in other.inner_text("#verdict")
    other.keyboard.press("p")
    shown(other, serving, serving.desk.order[1])
    assert serving.desk.progress().decided == 1


def test_a_full_disk_is_said_in_the_page_and_the_form_keeps_what_was_typed(
    serve: Serve, run: Path, monkeypatch: pytest.MonkeyPatch
):
    serving = serve(run)
    page = serving.open()
    begin(page)
    page.fill("#note", "a note that took minutes")
    page.select_option('[data-reason="edit"]', "fix-hands")
    page.keyboard.press("Escape")
    page.focus("#title")

    monkeypatch.setattr("imgaudit.store.decisions.os", full_disk())
    page.keyboard.press("e")
    page.wait_for_selector("#wrong:not([hidden])")
    monkeypatch.undo()

    assert "No space left on device" in page.inner_text("#wrong")
    assert page.input_value("#note") == "a note that took minutes"
    assert page.input_value('[data-reason="edit"]') == "fix-hands"
    assert log(serving) == []
    page.keyboard.press("e")
    shown(page, serving, serving.desk.order[1])
    assert [line["reason"] for line in log(serving)] == ["fix-hands"]


def test_a_review_that_ended_is_said_in_the_page(serve: Serve, run: Path):
    serving = serve(run)
    page = serving.open()
    begin(page)
    page.fill("#note", "kept")
    page.keyboard.press("Escape")
    page.context.route("**/api/**", lambda route: route.abort())

    page.keyboard.press("p")
    page.wait_for_selector("#wrong:not([hidden])")

    assert "does not answer" in page.inner_text("#wrong")
    assert page.input_value("#note") == "kept"
    page.context.unroute("**/api/**")


def test_questions_are_answered_in_the_page(serve: Serve, run: Path):
    serving = serve(run)
    page = serving.open("B. Okoro", "legal")
    begin(page)
    page.keyboard.press("a")
    page.locator(".question", has_text="Likeness").locator("button", has_text="no").click()
    said(page, "Recorded: Likeness")

    (line,) = log(serving)
    assert (line["action"], line["dimension"], line["answer"], line["role"]) == ("attest", "likeness", "no", "legal")
    assert "reject" in page.inner_text("#verdict")
    assert page.locator("details.questions").get_attribute("open") is not None


def test_a_link_for_somebody_else_opens_one_more_browser(serve: Serve, run: Path):
    serving = serve(run)
    page = serving.open()
    page.click("#invite")
    page.wait_for_selector("#invited input")
    link = page.input_value("#invited input")

    context = serving.browser.new_context()
    other = context.new_page()
    other.goto(link)
    other.wait_for_url("**/who")
    assert "#" not in other.url
    context.close()


def test_a_used_link_is_said(serve: Serve, run: Path):
    serving = serve(run)
    page = serving.open()
    page.goto(f"{serving.origin}/enter#wrong")
    page.wait_for_function("() => document.querySelector('#said').textContent.includes('wrong or was used')")

    assert page.url == f"{serving.origin}/enter"
