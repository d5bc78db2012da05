"""The page itself: routes over the desk. Everything that guards them stands in `imgaudit.review.gate`."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from jinja2 import ChoiceLoader, Environment, FileSystemLoader
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from imgaudit.errors import ImgauditError
from imgaudit.reporters._details import island
from imgaudit.reporters._shared import MEANING, WORST_FIRST, counted
from imgaudit.reporters.html import TEMPLATES, environment_of
from imgaudit.review.copies import Copy, Missing, Size
from imgaudit.review.desk import Chosen, Desk, Judgement, Refused, Reply, Who, checked_name
from imgaudit.review.gate import Door, Gate, Session, refusal_page
from imgaudit.review.queue import STATES, Queue, Row, State, Wanted, words_of
from imgaudit.review.reasons import CODE, REASONS, ROLES
from imgaudit.review.telling import told
from imgaudit.store.decisions import Dispute
from imgaudit.types import JSON, Decision

HERE = Path(__file__).parent
PAGE = 100
MAX_NOTE = 2000
SHARED = ("make", "draw", "foreign", "verdictBadge", "byId", "all", "root", "overlay", "shapesOf", "pairs",
          "reasonList", "pointed", "editList", "findingItem", "layerBoxes")  # fmt: skip
"""What the page's modules take from the report's scripts."""


# --- what is asked -------------------------------------------------------------------------------------


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_max_length=MAX_NOTE)


class Filter(_Body):
    """What the reviewer is looking through."""

    state: State = "open"
    verdict: Literal["", "publish", "edit", "hold", "reject"] = ""
    case: str = Field(default="", max_length=200)
    code: str = Field(default="", max_length=200)
    q: str = Field(default="", max_length=200)

    def wanted(self) -> Wanted:
        """The same for the queue."""
        verdict = Decision(self.verdict) if self.verdict else None
        return Wanted(self.state, verdict, self.case or None, self.code or None, words_of(self.q))

    def query(self, **more: str | int) -> str:
        """The same as a query string, without what is not given."""
        given = {name: value for name, value in self.model_dump().items() if value}
        if self.state == "open":
            del given["state"]
        return urlencode({**given, **more})


class _Token(_Body):
    token: str = Field(max_length=200)


class _Name(_Body):
    by: str = Field(max_length=200)
    role: str = Field(max_length=200)


class _Decision(_Body):
    n: int
    decision: Literal["publish", "edit", "reject"]
    reason: str = Field(pattern=CODE)
    seen: int
    disputes: tuple[Dispute, ...] = Field(default=(), max_length=50)
    note: str = Field(default="", max_length=MAX_NOTE)
    filter: Filter = Filter()


class _Undo(_Body):
    seq: int | None = None
    filter: Filter = Filter()


class _Skip(_Body):
    n: int
    filter: Filter = Filter()


class _Reply(_Body):
    n: int
    dimension: str = Field(max_length=100)
    answer: Literal["yes", "no", "n/a"]
    reason: str = Field(pattern=CODE)
    note: str = Field(default="", max_length=MAX_NOTE)
    filter: Filter = Filter()


class _Nothing(_Body):
    pass


# --- what is answered ----------------------------------------------------------------------------------


def build(desk: Desk, door: Door) -> Gate:
    """The whole page, behind its gate."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    page = _Page(desk, door)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(ImgauditError, _refused)
    app.add_exception_handler(HTTPException, _unknown)
    app.add_exception_handler(OSError, _broken)
    page.add_doors(app)
    page.add_people(app)
    page.add_pages(app)
    page.add_changes(app)
    return Gate(app, door)


def _unreadable(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    return _error(f"{where}: {str(first['msg']).lower()}. Nothing was recorded", 422, request)


def _refused(request: Request, error: Exception) -> Response:
    return _error(str(error), error.status if isinstance(error, Refused) else 409, request)


def _unknown(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = "There is no such page." if error.status_code == 404 else f"{error.detail}. Nothing was recorded"
    return _error(sentence, error.status_code, request)


def _broken(request: Request, error: Exception) -> Response:
    assert isinstance(error, OSError)
    return _error(f"A file cannot be read or written: {error.strerror or type(error).__name__}", 500, request)


def _error(sentence: str, status: int, request: Request) -> Response:
    sentence = sentence[:1].upper() + sentence[1:]
    if request.method == "GET" and not request.url.path.startswith(("/api/", "/copies/")):
        return HTMLResponse(refusal_page(sentence), status)
    return _json({"error": sentence}, status)


def _json(value: JSON, status: int = 200) -> Response:
    """JSON whose text cannot act: no markup, no control and no direction characters."""
    return Response(island(value), status, media_type="application/json")


def _session(request: Request) -> Session:
    session: Session = request.scope["review"][1]
    return session


def _who(request: Request) -> Who:
    session = _session(request)
    if session.by is None or session.role is None:
        raise Refused("say who you are first: load the page again", 403)
    return Who(session.by, session.role)


def _filter(
    state: Annotated[str, Query()] = "open",
    verdict: Annotated[str, Query()] = "",
    case: Annotated[str, Query()] = "",
    code: Annotated[str, Query()] = "",
    q: Annotated[str, Query()] = "",
) -> Filter:
    known = state if state in STATES else "open"
    chosen = verdict if verdict in list(Decision) else ""
    texts = {"case": case[:200], "code": code[:200], "q": q[:200]}
    return Filter.model_validate({"state": known, "verdict": chosen, **texts})


Asked = Annotated[Filter, Depends(_filter)]


@dataclass(frozen=True)
class _Card:
    """A picture of the queue's page."""

    row: Row
    final: Decision
    waiting: bool
    decided: str


class _Page:
    """The routes, over one desk."""

    def __init__(self, desk: Desk, door: Door) -> None:
        self._desk = desk
        self._door = door
        self._static = _assets()
        self._templates = _templates()
        self._codes = sorted(Counter(code for row in desk.rows for code in row.codes).items())

    # --- coming in ---

    def add_doors(self, app: FastAPI) -> None:
        """The link, and the files that everybody may read."""

        @app.get("/static/{name}")
        def asset(name: str) -> Response:
            if name not in self._static:
                raise HTTPException(404)
            kind = "text/css" if name.endswith(".css") else "text/javascript"
            return Response(self._static[name], media_type=kind)

        @app.get("/enter")
        def entrance() -> Response:
            return self._render("enter.html.j2")

        @app.post("/enter")
        async def enter(body: _Token) -> Response:
            if self._door.locked():
                return JSONResponse({"error": "Too many wrong links were tried. Wait a minute, then try again"}, 429)
            key = self._door.enter(body.token)
            if key is None:
                await asyncio.sleep(self._door.delay)
                sentence = "This link is wrong or was used already. The terminal shows one that works"
                return JSONResponse({"error": sentence}, 403)
            self._door.say(f"the link was used; another one: {self._door.link()}")
            response = JSONResponse({"next": "/"})
            response.set_cookie(self._door.cookie, key, httponly=True, samesite="strict", path="/")
            return response

    def add_people(self, app: FastAPI) -> None:
        """Who decides in a browser, and links for others."""

        @app.get("/who")
        def asked_who(request: Request) -> Response:
            return self._render("who.html.j2", csrf=_session(request).csrf, roles=ROLES)

        @app.post("/api/who")
        def who(request: Request, body: _Name) -> Response:
            session = _session(request)
            if session.by is not None:
                raise Refused(f"this browser decides for {session.by}; another person needs a link of their own", 409)
            by, role = checked_name(body.by, "name"), checked_name(body.role, "role")
            session.by, session.role = by, role
            return _json({"next": "/"})

        @app.post("/api/invite")
        def invite(body: _Nothing) -> Response:
            return _json({"link": self._door.link(terminal=False)})

        @app.post("/api/leave")
        def leave(request: Request, body: _Nothing) -> Response:
            self._door.leave(request.scope["review"][0] or "")
            response = JSONResponse({})
            response.delete_cookie(self._door.cookie, path="/")
            return response

    # --- looking ---

    def add_pages(self, app: FastAPI) -> None:
        """The queue, one picture, and copies of pictures."""

        @app.get("/")
        def queue(request: Request, asked: Asked, page: Annotated[int, Query(ge=1, le=1_000_000)] = 1) -> Response:
            if _session(request).by is None:
                return RedirectResponse("/who", 303)
            return self._queue_page(request, asked, page)

        @app.get("/begin")
        def begin(request: Request, asked: Asked) -> Response:
            """To the first picture of the queue, or back where it is empty."""
            if _session(request).by is None:
                return RedirectResponse("/who", 303)
            self._desk.fresh()
            places = self._queue(request, asked).places
            where = f"/picture/{places[0]}" if places else "/"
            return RedirectResponse(f"{where}?{asked.query()}", 303)

        @app.get("/picture/{n}")
        def picture(request: Request, n: int, asked: Asked) -> Response:
            if _session(request).by is None:
                return RedirectResponse("/who", 303)
            self._desk.fresh()
            data = self._told(request, asked, n)
            return self._render("desk.html.j2", **self._common(request), filter=asked, data=island(data),
                                reasons=island({str(key): list(codes) for key, codes in REASONS.items()}))  # fmt: skip

        @app.get("/api/picture/{n}")
        def again(request: Request, n: int, asked: Asked) -> Response:
            self._desk.fresh()
            return _json(self._told(request, asked, n))

        @app.get("/copies/{side}/{n}/{size}")
        def copied(side: str, n: int, size: Literal["thumbnail", "view"]) -> Response:
            return self._copy(side, n, size)

        @app.get("/copies/{side}/{n}/tile/{column}/{row}")
        def tile(side: str, n: int, column: int, row: int) -> Response:
            return self._copy(side, n, (column, row))

    def _queue_page(self, request: Request, asked: Filter, page: int) -> Response:
        self._desk.fresh()
        queue = self._queue(request, asked)
        pages = max(1, -(-len(queue) // PAGE))
        page = min(page, pages)
        first = (page - 1) * PAGE
        cards = [self._card(place) for place in queue.places[first : first + PAGE]]
        return self._render(
            "queue.html.j2", **self._common(request), filter=asked, cards=cards, total=len(queue), page=page,
            pages=pages, first=first, counts=self._desk.counts(), codes=self._codes, verdicts=WORST_FIRST,
            meaning=MEANING, states=STATES, report=self._desk.report,
        )  # fmt: skip

    def _card(self, place: int) -> _Card:
        row = self._desk.row(place)
        ruling = self._desk.ruling(row)
        decided = "" if ruling is None else ", ".join(
            f"{by}: {said}" for by, said in zip(ruling.by, ruling.said, strict=True))  # fmt: skip
        return _Card(row, self._desk.finals[place], ruling is not None and ruling.waiting, decided)

    def _common(self, request: Request) -> dict[str, Any]:
        who = _who(request)
        return {
            "csrf": _session(request).csrf, "who": who, "progress": self._desk.progress(who),
            "title": self._desk.report.title, "rubric": self._desk.setting.rubric.name, "counted": counted,
        }  # fmt: skip

    def _queue(self, request: Request, asked: Filter) -> Queue:
        return self._desk.queue(asked.wanted(), _who(request), _session(request).skipped)

    def _told(self, request: Request, asked: Filter, n: int) -> dict[str, JSON]:
        row = self._desk.row(n)
        return told(self._desk, row, _who(request), self._queue(request, asked))

    def _copy(self, side: str, n: int, what: Size | tuple[int, int]) -> Response:
        records = self._desk.records if side == "own" else None
        if side in self._desk.sides:
            records = self._desk.sides[side].records
        if records is None or not 0 <= n < len(records):
            raise Refused("the run has no such picture", 404)
        copies = self._desk.copies[side]
        record = records[n]
        how = self._desk.shown_as(side, record)
        made = copies.copy(record, what, how) if isinstance(what, str) else copies.tile(record, what, how)
        return self._sent(made)

    @staticmethod
    def _sent(made: Copy | Missing) -> Response:
        if isinstance(made, Missing):
            return _json({"error": made.why}, 404)
        return Response(made.data, media_type=made.kind)

    # --- deciding ---

    def add_changes(self, app: FastAPI) -> None:
        """What changes something: each is refused with a sentence, or recorded and told."""
        desk = self._desk

        @app.post("/api/decide")
        def decide(request: Request, body: _Decision) -> Response:
            who = _who(request)
            chosen: Chosen = Decision(body.decision)  # type: ignore[assignment]
            judgement = Judgement(chosen, body.reason, body.seen, body.disputes, body.note.strip() or None)
            written = desk.decide(body.n, who, judgement)
            _session(request).skipped.pop(body.n, None)
            recorded = {"seq": written.seq, "decision": body.decision, "reason": body.reason}
            return self._on(request, body.filter, body.n, recorded)

        @app.post("/api/undo")
        def undo(request: Request, body: _Undo) -> Response:
            who = _who(request)
            desk.fresh()
            last = desk.last_of(who)
            seq = body.seq if body.seq is not None else last.seq if last else None
            if seq is None:
                raise Refused("there is no decision of yours to take back", 404)
            row = desk.undo(seq, who)
            return _json({"undone": seq, "state": self._told(request, body.filter, row.place)})

        @app.post("/api/skip")
        def skip(request: Request, body: _Skip) -> Response:
            desk.row(body.n)
            skipped = _session(request).skipped
            skipped.pop(body.n, None)
            skipped[body.n] = None
            return self._on(request, body.filter, body.n, None)

        @app.post("/api/attest")
        def attest(request: Request, body: _Reply) -> Response:
            reply = Reply(body.dimension, body.answer, body.reason, body.note.strip() or None)
            desk.attest(body.n, _who(request), reply)
            return _json({"state": self._told(request, body.filter, body.n)})

    def _on(self, request: Request, asked: Filter, n: int, recorded: JSON) -> Response:
        """What was recorded, and the picture to go on with; the page then need not ask again."""
        queue = self._queue(request, asked)
        following = queue.following(n, self._desk.rank)
        place = n if following is None else following
        state = told(self._desk, self._desk.row(place), _who(request), queue)
        return _json({"recorded": recorded, "next": following, "state": state})

    def _render(self, name: str, **values: Any) -> Response:
        return HTMLResponse(self._templates.get_template(name).render(**values))


def _templates() -> Environment:
    made = environment_of()
    made.loader = ChoiceLoader([FileSystemLoader(HERE / "templates"), FileSystemLoader(TEMPLATES)])
    return made


def _assets() -> dict[str, str]:
    """Every file that may be asked for by name, read once; the report's own looks and overlays among them."""
    found = {path.name: path.read_text("utf-8") for path in sorted((HERE / "static").iterdir()) if path.is_file()}
    scripts = "\n".join((TEMPLATES / name).read_text("utf-8") for name in ("elements.js", "overlays.js"))
    found["shared.js"] = f"{scripts}\nexport {{ {', '.join(SHARED)} }};\n"
    found["report.css"] = (TEMPLATES / "report.css").read_text("utf-8")
    return found


