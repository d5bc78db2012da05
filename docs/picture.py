"""Photograph a report with the system's Chromium: `python -m docs.picture REPORT.html OUT.png [HASH]`."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def photograph(report: Path, out: Path, place: str = "", width: int = 1280, height: int = 860) -> None:
    """Write a PNG of the first screen of a report, with the network blocked."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.route("**/*", lambda route: route.continue_() if route.request.url.startswith("file:") else route.abort())
        page.goto(report.resolve().as_uri() + (f"#{place}" if place else ""))
        page.wait_for_timeout(800)
        page.screenshot(path=str(out))
        browser.close()


if __name__ == "__main__":
    photograph(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:4])
