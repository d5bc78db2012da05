"""The compliance page in a real browser that has no network."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from compliance.small_run import small_run

from imgaudit.compliance.schema import load_pack
from imgaudit.comply import comply
from imgaudit.reporters._comply.page import html

SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
LONG = "W" * 300
HOSTILE = "</title><script>document.title='owned'</script>"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    run = small_run(folder / "run")
    packs = [load_pack(name) for name in ("eu-art50", "nist-600-1", "cn-gb45438")]
    report = comply(run, packs, date(2026, 12, 2), "deployer")
    path: Path = folder / "comply.html"
    path.write_text(html(report.model_copy(update={"title": HOSTILE + LONG, "generator": LONG})), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_page_fits_the_screen_asks_for_nothing_and_runs_nothing(
    browser: Any, address: str, size: str, scheme: str
):
    wrong: list[str] = []
    context = browser.new_context(viewport=SIZES[size], offline=True, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(120_000)  # a busy machine is slow, not wrong
    page.on("console", lambda message: wrong.append(message.text))
    page.on("request", lambda request: wrong.append(request.url) if request.url != address else None)
    page.goto(address)

    wide, inner = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    narrow = page.eval_on_selector_all(
        "th[scope=row]", "all => all.filter(e => e.checkVisibility() && e.getBoundingClientRect().width < 40).length"
    )
    anchors = page.eval_on_selector_all("a[href^='#']", "all => all.every(e => document.querySelector(e.hash))")
    title = page.title()
    context.close()

    assert wrong == []
    assert wide <= inner
    assert narrow == 0
    assert anchors
    assert title.startswith("Compliance report: </title><script>")
