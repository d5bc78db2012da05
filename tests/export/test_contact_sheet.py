"""The contact sheet, as a browser and a viewer of pictures see it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from export.stored_run import Drawn, store
from export.test_delivery import delivered
from PIL import Image

from imgaudit.export.sheet import MAX_COLUMNS, PAGE_HEIGHT, Cell, arranged, png_name, sheet_html, sheet_pngs
from imgaudit.types import Decision

SCRIPT = "<script>document.title='owned'</script>"


def cell(case: str | None, seed: int | None, name: str = "", final: Decision = Decision.REJECT) -> Cell:
    return Cell(name or f"{case}#{seed}", case, seed, "a kite", final)


def test_cases_go_down_and_seeds_across_and_a_seed_that_was_not_drawn_leaves_a_gap():
    sheet = arranged("t", [cell("b", 0), cell("a", 3), cell("a", 0)], [])

    assert sheet.columns == ("seed 0", "seed 3")
    assert [(row.case, [one and one.seed for one in row.cells]) for row in sheet.rows] == [
        ("a", [0, 3]), ("b", [0, None]),
    ]  # fmt: skip


def test_pictures_without_a_case_fill_rows_and_many_seeds_wrap():
    alone = arranged("t", [cell(None, None, f"p{number}") for number in range(11)], [])
    many = arranged("t", [cell("a", seed) for seed in range(MAX_COLUMNS + 3)], [])

    assert [sum(one is not None for one in row.cells) for row in alone.rows] == [8, 3]
    assert [sum(one is not None for one in row.cells) for row in many.rows] == [MAX_COLUMNS, 3]


def test_a_long_sheet_becomes_several_pictures():
    sheet = arranged("t", [cell(f"case-{number:03d}", 0) for number in range(60)], [])

    pages = sheet_pngs(sheet, {})

    assert len(pages) == 2
    assert [png_name(number) for number in range(2)] == ["contact-sheet.png", "contact-sheet-2.png"]
    for page in pages:
        with Image.open(io.BytesIO(page)) as picture:
            assert picture.height <= PAGE_HEIGHT


def test_the_page_needs_nothing_else_and_runs_nothing(tmp_path: Path, browser: Any):
    pictures = [
        Drawn("a#0", f"a{SCRIPT}", 0, 0.7), Drawn("a#1", f"a{SCRIPT}", 1, 0.9), Drawn("a#2", f"a{SCRIPT}", 2, blur=0.9),
        Drawn("b#0", "b", 0),
    ]  # fmt: skip
    delivered(store(tmp_path / "run", pictures), tmp_path / "out")
    asked: list[str] = []
    wrong: list[str] = []
    page = browser.new_page(color_scheme="dark")
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(message.text))

    page.goto((tmp_path / "out/contact-sheet.html").as_uri())

    assert page.title().startswith("Contact sheet: ")
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert wrong == []
    shown = page.locator("td img").evaluate_all("images => images.map(one => [one.alt, one.naturalWidth])")
    assert [alt for alt, _ in shown] == ["a#0", "a#1", "b#0"]
    assert all(width == 32 for _, width in shown)
    assert page.locator("td.best img").evaluate_all("images => images.map(one => one.alt)") == ["a#1", "b#0"]
    assert page.locator("td .none").all_inner_texts() == ["edit"]
    assert page.locator("th[scope=col]").all_inner_texts() == ["case", "seed 0", "seed 1", "seed 2"]
    page.close()


def test_a_sheet_of_nothing_is_still_a_page():
    assert b"0 of 0 pictures" in sheet_html(arranged("t", [], ["0 of 0 pictures delivered."]), {})
    assert sheet_pngs(arranged("t", [], []), {}) == []
