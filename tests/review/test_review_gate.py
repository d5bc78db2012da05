"""Who may come in, and what is refused before the page sees it."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asking import ORIGIN, PORT, Asking, Person

from imgaudit.cli import run as imgaudit
from imgaudit.errors import UsageError
from imgaudit.review import gate
from imgaudit.review.gate import GUESSES, HEADERS, MAX_BODY, Door, Gate
from imgaudit.review.serve import Address


def decision(n: int = 0) -> dict[str, Any]:
    return {"n": n, "decision": "publish", "reason": "looks-right", "seen": -1}


# --- where it listens ---


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "example.org", ""])
def test_any_address_but_the_loopback_one_is_refused(host: str):
    with pytest.raises(UsageError, match="for this machine alone"):
        Address(host)


def test_the_command_refuses_a_strange_host_with_a_sentence(run: Path, capsys: pytest.CaptureFixture[str]):
    assert imgaudit(["review", str(run), "--host", "0.0.0.0"]) == 2
    assert "for this machine alone" in capsys.readouterr().err


def test_the_socket_is_bound_to_the_loopback_address_alone():
    listening = Address().bound()

    assert listening.getsockname()[0] == "127.0.0.1"
    listening.close()


def test_small_answers_are_sent_at_once():
    waits: list[int] = []

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waits.append(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async def ask() -> None:
        listening = Address().bound()
        async with await asyncio.start_server(answer, sock=listening):
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            await reader.read()
            writer.close()
            await writer.wait_closed()

    asyncio.run(ask())

    assert len(waits) == 1
    assert waits[0] != 0


# --- the link ---


def test_a_link_holds_256_random_bits_behind_the_hash():
    door = Door(PORT)
    links = {door.link() for _ in range(8)}

    assert len(links) == 8
    for link in links:
        address, _, token = link.partition("#")
        assert address == f"{ORIGIN}/enter"
        assert len(base64.urlsafe_b64decode(token + "=")) == 32


@pytest.mark.parametrize(("host", "shown"), [("localhost", "localhost"), ("::1", "[::1]")])
def test_every_link_names_the_address_that_is_listened_on(host: str, shown: str):
    door = Door(PORT, host=host)

    assert door.link().startswith(f"http://{shown}:{PORT}/enter#")
    assert f"{shown}:{PORT}" in door.names()


def test_a_link_opens_one_session_once(asking: Asking):
    token = asking.token()
    first, second = Person(asking.client()), Person(asking.client())

    assert first.post("/enter", {"token": token}).status_code == 200
    assert second.post("/enter", {"token": token}).status_code == 403
    assert first.get("/who").status_code == 200
    assert second.get("/who").status_code == 403


def test_the_terminal_is_given_another_link_when_one_was_used(asking: Asking):
    asking.person()

    assert len(asking.said) == 1
    link = re.search(r"http://\S+", asking.said[0])
    assert link is not None
    assert Person(asking.client()).post("/enter", {"token": link[0].partition("#")[2]}).status_code == 200


def test_the_cookie_is_read_by_no_script_and_sent_by_no_other_site(asking: Asking):
    token = asking.token()
    answer = Person(asking.client()).post("/enter", {"token": token})
    cookie = answer.headers["set-cookie"]

    assert cookie.startswith(f"imgaudit-review-{PORT}=")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert token not in cookie


def test_guessing_is_refused_after_ten_wrong_links_even_for_the_right_one(asking: Asking):
    token = asking.token()
    guesser = Person(asking.client())

    statuses = [guesser.post("/enter", {"token": f"guess-{n}"}).status_code for n in range(GUESSES)]

    assert statuses == [403] * GUESSES
    assert guesser.post("/enter", {"token": token}).status_code == 429
    assert asking.said == ["10 wrong links were tried within a minute; links are refused for 60 s"]


def test_who_is_in_stays_in_while_somebody_guesses(asking: Asking):
    person, guesser = asking.person(), Person(asking.client())
    for n in range(GUESSES + 1):
        guesser.post("/enter", {"token": f"guess-{n}"})

    assert person.decide(0).status_code == 200


def test_guessing_is_looked_at_again_after_a_minute(monkeypatch: pytest.MonkeyPatch):
    now = [100.0]
    monkeypatch.setattr(gate.time, "monotonic", lambda: now[0])
    door = Door(PORT)
    token = door.link().partition("#")[2]
    for n in range(GUESSES):
        door.enter(str(n))

    assert door.locked()
    now[0] += 61
    assert not door.locked()
    assert door.enter(token) is not None


def test_a_wrong_link_costs_time(asking: Asking, monkeypatch: pytest.MonkeyPatch):
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    asking.door.delay = 0.5
    monkeypatch.setattr("imgaudit.review.app.asyncio.sleep", sleep)
    Person(asking.client()).post("/enter", {"token": "guess"})

    assert slept == [0.5]


def test_secrets_are_compared_in_constant_time(asking: Asking, monkeypatch: pytest.MonkeyPatch):
    compared: list[tuple[str, str]] = []
    real = gate.hmac.compare_digest
    monkeypatch.setattr(gate.hmac, "compare_digest", lambda a, b: (compared.append((a, b)), real(a, b))[1])
    person = asking.person()
    entered = len(compared)
    person.post("/api/invite")

    assert entered >= 1
    assert len(compared) > entered
    # digests of equal length are compared, never the secrets themselves
    assert {len(side) for pair in compared for side in pair} == {64}


def test_a_session_ends_after_twelve_hours(monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr(gate.time, "monotonic", lambda: now[0])
    door = Door(PORT)
    key = door.enter(door.link().partition("#")[2])
    assert key is not None

    assert door.session(key) is not None
    now[0] = 12 * 3600 + 1
    assert door.session(key) is None


def test_whoever_leaves_is_out(asking: Asking):
    person = asking.person()
    assert person.post("/api/leave").status_code == 200

    assert person.get("/").status_code == 403


@pytest.mark.parametrize(
    "path", ["/", "/begin", "/who", "/picture/0", "/api/picture/0", "/copies/own/0/view", "/copies/own/0/tile/0/0"]
)
def test_without_a_session_nothing_of_the_run_is_shown(asking: Asking, path: str):
    answer = Person(asking.client()).get(path)

    assert answer.status_code == 403
    assert "link that the terminal shows" in answer.text
    assert "field" not in answer.text


def test_a_made_up_cookie_opens_nothing(asking: Asking):
    client = asking.client()
    client.cookies.set(asking.door.cookie, "x" * 43)

    assert Person(client).get("/").status_code == 403


# --- other sites ---


@pytest.mark.parametrize(
    "host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:80", f"127.0.0.1.evil.example:{PORT}", ""]
)
def test_another_name_pointed_here_is_refused(asking: Asking, host: str):
    person = asking.person()

    for path in ("/", "/enter", "/static/review.css", "/api/picture/0"):
        assert person.get(path, host=host).status_code == 421
    assert person.post("/api/decide", decision(), host=host, origin=f"http://{host}").status_code == 421
    assert asking.log() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"x-imgaudit-csrf": ""},
        {"x-imgaudit-csrf": "guess"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": f"http://127.0.0.1:{PORT + 1}"},
        {"origin": f"http://localhost:{PORT}"},
        {"origin": f"https://127.0.0.1:{PORT}"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
    ],
)
def test_a_change_that_another_site_could_ask_for_changes_nothing(asking: Asking, headers: dict[str, str]):
    person = asking.person()

    answer = person.post("/api/decide", decision(), **headers)

    assert answer.status_code in (403, 415)
    assert answer.json()["error"]
    assert asking.log() == []


def test_each_session_has_a_second_secret_of_its_own(asking: Asking):
    one, two = asking.person("A. Jonas"), asking.person("B. Okoro")

    assert one.csrf != two.csrf
    assert one.post("/api/decide", decision(), **{"x-imgaudit-csrf": two.csrf}).status_code == 403


def test_another_sites_page_may_not_read_pictures(asking: Asking):
    person = asking.person()

    assert person.get("/copies/own/0/view", **{"sec-fetch-site": "same-origin"}).status_code == 200
    assert person.get("/copies/own/0/view", **{"sec-fetch-site": "same-site"}).status_code == 403
    assert person.get("/", **{"sec-fetch-site": "cross-site"}).status_code == 403
    assert person.get("/enter", **{"sec-fetch-site": "cross-site"}).status_code == 200  # a link in a chat


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD"])
def test_only_get_and_post_are_answered(asking: Asking, method: str):
    assert asking.person().client.request(method, "/").status_code == 405


# --- what every answer carries ---


def test_every_answer_carries_the_headers_that_guard_it(asking: Asking):
    person = asking.person()
    answers = [
        person.get("/"), person.get("/picture/0"), person.get("/api/picture/0"), person.get("/copies/own/0/view"),
        person.get("/static/desk.js"), person.get("/nowhere"), person.get("/picture/999"), person.get("/enter"),
        Person(asking.client()).get("/"), person.get("/", host="evil.example"), person.post("/api/decide", {}),
    ]  # fmt: skip

    for answer in answers:
        for name, value in HEADERS:
            assert answer.headers.get_list(name) == [value], (answer.request.url, name)
        assert "server" not in answer.headers


def test_the_policy_allows_no_inline_script_and_no_other_place(asking: Asking):
    policy = dict(part.strip().split(" ", 1) for part in gate.POLICY.split(";"))

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    for page in ("/", "/picture/0", "/who"):
        text = asking.person().get(page).text
        scripts = re.findall(r"<script[^>]*>", text)
        assert all("src=" in tag or 'type="application/json"' in tag for tag in scripts)
        assert not re.search(r"\son\w+=|<style|style=", text)


def test_no_page_names_an_address_of_a_network(asking: Asking):
    person = asking.person()
    texts = [person.get(path).text for path in ("/", "/picture/0", "/static/desk.js", "/static/shared.js",
                                                  "/static/review.css", "/static/report.css")]  # fmt: skip

    for text in texts:
        assert set(re.findall(r"(?:https?:)?//[a-z][\w.-]+", text)) <= {"http://www.w3.org"}


# --- how much is taken ---


def test_a_body_that_is_too_large_is_refused_with_and_without_its_length(asking: Asking):
    person = asking.person()
    large = {**decision(), "note": "x" * MAX_BODY}

    assert person.post("/api/decide", large).status_code == 413
    sent = {"origin": ORIGIN, "x-imgaudit-csrf": person.csrf, "content-type": "application/json"}
    pieces = (b"x" * 10_000 for _ in range(20))
    assert person.client.post("/api/decide", content=pieces, headers=sent).status_code == 413
    assert asking.log() == []


def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gate, "BODY_SECONDS", 0.05)
    door = Door(PORT)
    answers: list[Any] = []

    async def application(_scope: Any, _receive: Any, _send: Any) -> None:
        raise AssertionError("the body was never whole")

    async def receive() -> Any:
        await asyncio.sleep(10)

    async def send(message: Any) -> None:
        answers.append(message)

    headers = {"host": f"127.0.0.1:{PORT}", "origin": ORIGIN, "content-type": "application/json"}
    scope = {"type": "http", "method": "POST", "path": "/enter",
             "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}  # fmt: skip
    asyncio.run(Gate(application, door)(scope, receive, send))

    assert answers[0]["status"] == 408


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**decision(), "decision": "hold"},
        {**decision(), "decision": "<script>"},
        {**decision(), "reason": "No Code"},
        {**decision(), "reason": "<img src=x>"},
        {**decision(), "n": "../../etc/passwd"},
        {**decision(), "more": 1},
        {**decision(), "disputes": [{"checker": "x", "says": "maybe"}]},
        {**decision(), "disputes": [{"checker": "No Checker", "says": "missed"}]},
        {**decision(), "note": "x" * 2001},
        [],
        "text",
    ],
)
def test_a_change_that_is_not_whole_is_refused_with_a_sentence(asking: Asking, body: Any):
    answer = asking.person().post("/api/decide", body)

    assert answer.status_code == 422
    assert answer.json()["error"].endswith("Nothing was recorded")
    assert asking.log() == []


def test_bytes_that_are_no_json_are_refused(asking: Asking):
    person = asking.person()
    sent = {"origin": ORIGIN, "x-imgaudit-csrf": person.csrf, "content-type": "application/json"}

    lone = json.dumps({**decision(), "note": "\ud800"}).encode()
    for content in (b"{", b"\xff\xfe", b'{"n": NaN}', b"[" * 60_000, lone):
        answer = person.client.post("/api/decide", content=content, headers=sent)
        assert answer.status_code in (400, 422)
        assert answer.json()["error"].endswith("Nothing was recorded")
    assert asking.log() == []


# --- paths ---


@pytest.mark.parametrize(
    "path",
    [
        "/static/../desk.py", "/static/..%2f..%2fdesk.py", "/static/%2e%2e%2fgate.py", "/static//etc/passwd",
        "/copies/own/../../private.json", "/copies/own/0/..%2f..%2fprivate.json", "/copies/%2e%2e/0/view",
        "/copies/own/-1/view", "/copies/own/6/view", "/copies/own/99999999999999999999/view", "/copies/own/0x1/view",
        "/copies/other/0/view", "/copies/repaired/0/view", "/copies/own/pictures%2f0.png/view", "/copies/own/0/raw",
        "/picture/-1", "/picture/6", "/picture/..%2f..%2fetc", "/api/picture/6", "/private.json", "/decisions.jsonl",
        "/run.json", "/pictures/0.png",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_pictures(asking: Asking, path: str):
    answer = asking.person().get(path)

    assert answer.status_code in (404, 422)
    assert "root:" not in answer.text
    assert "imgaudit.review" not in answer.text


def test_many_links_and_sessions_do_not_pile_up(opened: Callable[..., Asking], run: Path):
    door = Door(PORT)
    first = door.link().partition("#")[2]
    for _ in range(40):
        door.link()

    assert door.enter(first) is None  # the oldest was forgotten
    keys = [door.enter(door.link().partition("#")[2]) for _ in range(gate.MAX_SESSIONS + 1)]
    assert None not in keys
    assert door.session(str(keys[0])) is None
    assert door.session(str(keys[-1])) is not None
