"""Photograph the review page with the system's Chromium: `python -m docs.review_picture RUN OUT.png [OTHER_RUN] [ID]`.

Nothing is decided; the run's files are written anew, as every review does.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from docs.picture import ARGUMENTS
from imgaudit.review.desk import Desk, Setting
from imgaudit.review.gate import Door
from imgaudit.review.serve import Address, server_of
from imgaudit.rubric import load_rubric
from imgaudit.store.runfolder import RunFolder


def photograph(run: Path, out: Path, compare: Path | None = None, name: str | None = None) -> None:
    """Write a PNG of one picture on the desk: that of an id, or the first of the queue."""
    from playwright.sync_api import sync_playwright

    rubric = load_rubric(RunFolder.open(run).read_report().rubric.name)
    desk = Desk(Setting(run, rubric, compare=compare))
    listening = Address().bound()
    door = Door(listening.getsockname()[1], by="A. Jonas", role="art")
    server = server_of(desk, door)
    serving = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    serving.start()
    place = next((row.place for row in desk.rows if row.id == name), desk.order[0])
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(door.link())
            page.wait_for_selector("html[data-ready]", state="attached")
            page.goto(f"http://127.0.0.1:{door.port}/picture/{place}")
            page.wait_for_selector("#stages img")
            time.sleep(1)
            page.screenshot(path=str(out))
            browser.close()
    finally:
        server.should_exit = True
        serving.join(20)
        listening.close()
        desk.close()


if __name__ == "__main__":
    more = [*sys.argv[3:], None, None]
    photograph(Path(sys.argv[1]), Path(sys.argv[2]), Path(more[0]) if more[0] else None, more[1])
