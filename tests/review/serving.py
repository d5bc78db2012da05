"""A review that is served, and browsers that see nothing but it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from imgaudit.review.desk import Desk
from imgaudit.review.gate import Door
from imgaudit.review.serve import Address, server_of

DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 375, "height": 780}
WATCH = "window.broken = []; addEventListener('securitypolicyviolation', e => window.broken.push(e.violatedDirective));"


@dataclass
class Serving:
    """Serves a desk on a free port, and remembers everything that went wrong in browsers."""

    desk: Desk
    browser: Any
    said: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    pages: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listening = Address().bound()
        self.door = Door(self._listening.getsockname()[1], say=self.said.append, delay=0)
        self._server = server_of(self.desk, self.door)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listening]}, daemon=True)
        self._thread.start()
        until = time.monotonic() + 60
        while not self._server.started and time.monotonic() < until:
            time.sleep(0.02)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.door.port}"

    def open(
        self, by: str | None = "A. Jonas", role: str = "editor", size: dict[str, int] = DESKTOP, **more: Any
    ) -> Any:
        """A browser of somebody who came in by a link; before the name is asked if there is none."""
        context = self.browser.new_context(viewport=size, **more)
        context.route("**/*", self._route)
        context.add_init_script(WATCH)
        page = context.new_page()
        page.set_default_timeout(60_000)  # a busy machine is slow, not wrong
        page.on("console", self._told)
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (self.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.pages.append(page)
        page.goto(self.door.link())
        page.wait_for_url("**/who")
        if by is not None:
            page.fill("#by", by)
            page.fill("#role", role)
            page.click("button[type=submit]")
            page.wait_for_selector("html[data-ready] #cards", state="attached")
        return page

    def _told(self, message: Any) -> None:
        # a refusal is an answer with a sentence; the browser calls it a failure to load
        if not message.text.startswith("Failed to load resource:"):
            self.wrong.append(f"console: {message.text}")

    def _route(self, route: Any) -> None:
        if route.request.url.startswith(f"{self.origin}/"):
            route.continue_()
        else:
            self.wrong.append(f"request: {route.request.url[:200]}")
            route.abort()

    def close(self) -> None:
        for page in self.pages:
            self.wrong += [f"policy: {broken}" for broken in page.evaluate("window.broken ?? []")]
            page.context.close()
        self._server.should_exit = True
        self._thread.join(20)
        self._listening.close()
        self.desk.close()
