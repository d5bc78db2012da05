"""Who may come in: the link, the session, and everything that is refused before the page sees it.

The page listens on the loopback address alone, but every program and every web page on the machine can knock there.
A link with 256 random bits opens one session; after that the browser shows a cookie that no script can read and, with
every change, a second secret that no other site can know. The name under which the browser came must be the one that
was bound (another name means that somebody else's name was pointed here).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from imgaudit.reporters._shared import one_line

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HOSTS = ("127.0.0.1", "localhost", "::1")
MAX_BODY = 64 << 10
BODY_SECONDS = 15.0
SESSION_SECONDS = 12 * 3600
MAX_SESSIONS, MAX_LINKS = 64, 16
GUESSES, GUESS_SECONDS = 10, 60.0
POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)
HEADERS = (
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("x-robots-tag", "noindex"),
    ("cache-control", "no-store"),
)
NO_SESSION = (
    "This page needs the link that the terminal shows, where imgaudit review runs. Each link opens it once; when one "
    "was used, the terminal shows the next."
)


@dataclass
class Session:
    """One browser, and the person who decides in it."""

    csrf: str
    opened: float
    by: str | None = None
    role: str | None = None
    skipped: dict[int, None] = field(default_factory=dict)


@dataclass
class Door:
    """Links and sessions.

    Args:
        port: where the page is served.
        by: the person who decides in browsers that come through the terminal's links; asked on the page if left out.
        role: that person's role.
        say: told what the terminal should show.
        delay: seconds that a wrong link costs.
        host: the address that links name.
    """

    port: int
    by: str | None = None
    role: str | None = None
    say: Callable[[str], None] = lambda _sentence: None
    delay: float = 0.5
    host: str = HOSTS[0]
    _links: dict[str, bool] = field(default_factory=dict)
    _sessions: dict[str, Session] = field(default_factory=dict)
    _wrong: deque[float] = field(default_factory=deque)

    @property
    def cookie(self) -> str:
        """Its name; cookies are shared by all ports of a host, so the port is part of it."""
        return f"imgaudit-review-{self.port}"

    def names(self) -> frozenset[str]:
        """What the Host header may say."""
        return frozenset(f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}" for host in HOSTS)

    def link(self, terminal: bool = True) -> str:
        """An address that opens one session. The secret stands behind the #, so no request and no log holds it."""
        token = secrets.token_urlsafe(32)
        while len(self._links) >= MAX_LINKS:
            del self._links[next(iter(self._links))]
        self._links[_hashed(token)] = terminal
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}/enter#{token}"

    def locked(self) -> bool:
        """Whether so many wrong links were tried that none is looked at for a while."""
        now = time.monotonic()
        while self._wrong and now - self._wrong[0] > GUESS_SECONDS:
            self._wrong.popleft()
        return len(self._wrong) >= GUESSES

    def enter(self, token: str) -> str | None:
        """The key of a new session, or None for a link that is wrong or was used."""
        hashed = _hashed(token)
        found = None
        for known in self._links:
            if hmac.compare_digest(known, hashed):
                found = known
        if found is None:
            self._wrong.append(time.monotonic())
            if len(self._wrong) == GUESSES:
                self.say(f"{GUESSES} wrong links were tried within a minute; links are refused for {GUESS_SECONDS:g} s")
            return None
        terminal = self._links.pop(found)
        key = secrets.token_urlsafe(32)
        while len(self._sessions) >= MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        session = Session(csrf=secrets.token_urlsafe(32), opened=time.monotonic())
        if terminal:
            session.by, session.role = self.by, self.role
        self._sessions[_hashed(key)] = session
        return key

    def session(self, key: str) -> Session | None:
        """The session of a cookie, while it lasts."""
        found = self._sessions.get(_hashed(key))
        if found is not None and time.monotonic() - found.opened > SESSION_SECONDS:
            self.leave(key)
            return None
        return found

    def leave(self, key: str) -> None:
        """End a session."""
        self._sessions.pop(_hashed(key), None)


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True)
class _Refusal(Exception):
    status: int
    sentence: str


class Gate:
    """Stands before the page: checks every request, and sends every answer with the headers that guard it.

    Args:
        app: the page.
        door: links and sessions.
    """

    def __init__(self, app: App, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        guarded = _guarded(send)
        try:
            headers = _headers(scope)
            self._check(scope, headers)
            self._admit(scope, headers)
            inner = await _limited(scope, headers, receive) if scope["method"] == "POST" else receive
        except _Refusal as refusal:
            await _refuse(scope, guarded, refusal)
            return
        await self._app(scope, inner, guarded)

    def _check(self, scope: Scope, headers: dict[str, str]) -> None:
        """What holds for every request, before anything is known of who asks."""
        if headers.get("host", "").lower() not in self._door.names():
            raise _Refusal(421, "This page answers to its own name alone: open the link that the terminal shows")
        if scope["method"] not in ("GET", "POST"):
            raise _Refusal(405, "Only GET and POST are answered")
        # a browser says whether another site's page asks; a link that was clicked elsewhere may open /enter alone
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and scope["path"] != "/enter":
            raise _Refusal(403, "Another site asked for this; open the link that the terminal shows")
        if scope["method"] == "POST":
            if headers.get("origin", "").lower() not in {f"http://{name}" for name in self._door.names()} or (
                headers.get("origin", "").lower() != f"http://{headers['host'].lower()}"
            ):
                raise _Refusal(403, "Another site asked for this change, so nothing was changed")
            if headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
                raise _Refusal(415, "A change is sent as JSON")

    def _admit(self, scope: Scope, headers: dict[str, str]) -> None:
        """Find the session, and ask for the second secret where something is to be changed."""
        key = _cookie(headers.get("cookie", ""), self._door.cookie)
        session = self._door.session(key) if key else None
        scope["review"] = (key, session)
        if scope["path"] == "/enter" or scope["path"].startswith("/static/"):
            return
        if session is None:
            raise _Refusal(403, NO_SESSION)
        if scope["method"] == "POST":
            given = headers.get("x-imgaudit-csrf", "")
            if not hmac.compare_digest(_hashed(given), _hashed(session.csrf)):
                raise _Refusal(403, "The page lost its secret, so nothing was changed. Load it again")


def _headers(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        if key in found and key in ("host", "origin", "content-length", "content-type", "x-imgaudit-csrf"):
            raise _Refusal(400, f"The request has two headers {key}")
        found[key] = f"{found[key]}; {value.decode('latin-1')}" if key in found else value.decode("latin-1")
    return found


def _cookie(header: str, name: str) -> str | None:
    for part in header.split(";"):
        key, equals, value = part.strip().partition("=")
        if equals and key == name:
            return value[:200]
    return None


async def _limited(scope: Scope, headers: dict[str, str], receive: Receive) -> Receive:
    """The whole body, read before anything looks at it, and no more than is allowed of it."""
    too_large = _Refusal(413, f"The request is larger than {MAX_BODY >> 10} KiB; shorten the note")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length[:12]) > MAX_BODY:
        raise too_large
    body = bytearray()

    async def fill() -> None:
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Refusal(400, "The request was cut off")
            body.extend(message.get("body", b""))
            if len(body) > MAX_BODY:
                raise too_large
            more = message.get("more_body", False)

    try:
        await asyncio.wait_for(fill(), BODY_SECONDS)
    except TimeoutError:
        raise _Refusal(408, "The request did not come to its end in time") from None
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    return again


def _guarded(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = {name for name, _ in HEADERS} | {"server"}
            kept = [(name, value) for name, value in message["headers"] if name.decode("latin-1").lower() not in ours]
            message["headers"] = [*kept, *((name.encode(), value.encode()) for name, value in HEADERS)]
        await send(message)

    return guarded


async def _refuse(scope: Scope, send: Send, refusal: _Refusal) -> None:
    if scope["method"] == "GET" and not scope["path"].startswith("/api/"):
        kind, body = "text/html; charset=utf-8", refusal_page(refusal.sentence)
    else:
        kind, body = "application/json", json.dumps({"error": refusal.sentence})
    data = body.encode()
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(data)).encode())]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": data})


def refusal_page(sentence: str) -> str:
    """A small page that says why there is nothing to see."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>imgaudit review</title>'
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="/static/report.css">'
        '<link rel="stylesheet" href="/static/review.css"></head>'
        f'<body class="plain"><main><h1>Image review</h1><p>{escape(one_line(sentence, 600))}</p></main></body></html>'
    )
