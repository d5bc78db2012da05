"""Asks the review page without a browser, as a browser would."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from starlette.testclient import TestClient

from imgaudit.review.app import build
from imgaudit.review.desk import Desk
from imgaudit.review.gate import Door

PORT = 8137
ORIGIN = f"http://127.0.0.1:{PORT}"


@dataclass
class Person:
    """One browser with one reviewer in it."""

    client: TestClient
    csrf: str = ""

    def post(self, path: str, value: Any = None, **headers: str) -> Any:
        sent = {"origin": ORIGIN, "x-imgaudit-csrf": self.csrf, **headers}
        return self.client.post(path, json={} if value is None else value, headers=sent)

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers=headers, follow_redirects=False)

    def picture(self, n: int, query: str = "") -> dict[str, Any]:
        answer = self.get(f"/api/picture/{n}{query}")
        assert answer.status_code == 200, answer.text
        value: dict[str, Any] = answer.json()
        return value

    def decide(self, n: int, decision: str = "publish", reason: str = "looks-right", **more: Any) -> Any:
        seen = more.pop("seen", None)
        if seen is None:
            seen = self.picture(n)["seen"]
        return self.post("/api/decide", {"n": n, "decision": decision, "reason": reason, "seen": seen, **more})


@dataclass
class Asking:
    """A review that is open, its door, and everybody who came in."""

    desk: Desk
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.door = Door(PORT, say=self.said.append, delay=0)
        self.page = build(self.desk, self.door)

    def client(self) -> TestClient:
        return TestClient(self.page, base_url=ORIGIN, raise_server_exceptions=True)

    def token(self) -> str:
        return self.door.link().partition("#")[2]

    def person(self, by: str = "A. Jonas", role: str = "editor") -> Person:
        """Somebody who came in by a link and said who they are."""
        person = Person(self.client())
        entered = person.post("/enter", {"token": self.token()})
        assert entered.status_code == 200, entered.text
        page = person.get("/who")
        person.csrf = re.search(r'name="csrf" content="([^"]+)"', page.text)[1]  # type: ignore[index]
        told = person.post("/api/who", {"by": by, "role": role})
        assert told.status_code == 200, told.text
        return person

    def log(self) -> list[dict[str, Any]]:
        path = self.desk.setting.run / "decisions.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
