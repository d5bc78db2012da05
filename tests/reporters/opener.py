"""Opens pages of reports in a browser that has no network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
WATCH = "window.broken = []; addEventListener('securitypolicyviolation', e => window.broken.push(e.violatedDirective));"


@dataclass
class Opener:
    """Opens the page with the network blocked, and remembers everything that went wrong."""

    browser: Any
    address: str
    wrong: list[str] = field(default_factory=list)
    contexts: list[Any] = field(default_factory=list)
    pages: list[Any] = field(default_factory=list)

    def __call__(self, anchor: str = "", size: dict[str, int] = DESKTOP, **options: Any) -> Any:
        context = self.browser.new_context(viewport=size, offline=True, **options)
        self.contexts.append(context)
        context.route("**/*", self._route)
        context.add_init_script(WATCH)
        page = context.new_page()
        page.set_default_timeout(60_000)  # a busy machine is slow, not wrong
        page.on("console", lambda message: self.wrong.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (self.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.goto(self.address + anchor)
        self.pages.append(page)
        return page

    def _route(self, route: Any) -> None:
        if route.request.url.startswith(self.address):
            route.continue_()
        else:
            self.wrong.append(f"request: {route.request.url[:200]}")
            route.abort()

    def close(self) -> None:
        for context in self.contexts:
            context.close()


def focused(page: Any) -> str:
    """What has the keyboard's focus: the number of a picture or pair, or an id."""
    return page.evaluate("document.activeElement.dataset.open ?? document.activeElement.id")
