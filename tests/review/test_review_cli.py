"""The command itself: what it says, and how it ends."""

from __future__ import annotations

import http.client
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imgaudit.cli import run as imgaudit
from imgaudit.digest import digest_file
from imgaudit.store.decisions import check_log
from imgaudit.store.runfolder import RunFolder
from imgaudit.types import Decision

SECONDS = 90.0  # a busy machine is slow, not wrong


class Command:
    """`imgaudit review` as a process of its own."""

    def __init__(self, *arguments: str) -> None:
        code = "from imgaudit.cli import main; main()"
        spoken = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "review", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1, env=spoken,
        )  # fmt: skip
        self.lines: queue.Queue[str] = queue.Queue()
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            self.lines.put(line)

    def link(self) -> tuple[int, str]:
        while True:
            found = re.search(r"http://127\.0\.0\.1:(\d+)/enter#(\S+)", self.lines.get(timeout=SECONDS))
            if found:
                return int(found[1]), found[2]

    def end(self, number: int = signal.SIGINT) -> tuple[int, str]:
        self.process.send_signal(number)
        code = self.process.wait(SECONDS)
        self._listening.join(SECONDS)
        said = []
        while not self.lines.empty():
            said.append(self.lines.get())
        return code, "".join(said)


@pytest.fixture
def command(run: Path) -> Iterator[Command]:
    started = Command(str(run), "--by", "A. Jonas", "--role", "art")
    yield started
    started.process.kill()
    started.process.wait()
    for stream in (started.process.stdout, started.process.stderr):
        assert stream is not None
        stream.close()


def asked(port: int, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    sent = {"Origin": f"http://127.0.0.1:{port}", "Content-Type": "application/json", **headers}
    connection.request(method, path, json.dumps(body) if body is not None else None, sent)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), data


def test_a_review_from_its_link_to_ctrl_c(command: Command, run: Path):
    port, token = command.link()
    status, headers, _ = asked(port, "POST", "/enter", {"token": token})
    cookie = headers["set-cookie"].partition(";")[0]
    page = asked(port, "GET", "/picture/0", Cookie=cookie)[2].decode()
    csrf = re.search(r'name="csrf" content="([^"]+)"', page)
    assert csrf is not None
    value = {"n": 0, "decision": "reject", "reason": "off-brand", "seen": -1}
    decided = asked(port, "POST", "/api/decide", value, Cookie=cookie, **{"X-Imgaudit-Csrf": csrf[1]})

    code, said = command.end()

    assert (status, decided[0]) == (200, 200)
    assert "server" not in headers
    assert "6 pictures: 1 decided, 0 waiting for another person, 5 still open" in said
    assert code == 1  # a reject, by the run's verdicts
    report = RunFolder(run).read_report()
    assert report.final_counts[Decision.REJECT] == 1
    assert report.images_digest == digest_file(run / "images.jsonl")
    assert check_log(run).state == "intact"
    assert token not in (run / "decisions.jsonl").read_text()


def test_a_review_that_is_told_to_terminate_ends_in_the_same_order(command: Command, run: Path):
    command.link()
    before = RunFolder(run).read_report().exit_code

    code, said = command.end(signal.SIGTERM)

    assert code == before
    assert "6 still open" in said
    assert command.process.stderr is not None
    assert command.process.stderr.read() == ""


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]):
    assert imgaudit(["review", "--help"]) == 0
    assert "Example: imgaudit review" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--by", "A. Jonas"], "--by and --role go together"),
        (["--by", "A\x07", "--role", "art"], "cannot be seen"),
        (["--host", "10.0.0.1"], "for this machine alone"),
        (["--compare", "nowhere"], "nowhere: is no run folder"),
        (["--root", "r0=nowhere"], "is no folder"),
        (["--rubric", "unheard-of"], "unknown rubric"),
        (["--key", "nowhere.pem"], "nowhere.pem"),
    ],
)
def test_what_does_not_fit_is_a_sentence_before_anything_is_served(
    run: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
):
    assert imgaudit(["review", str(run), *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_a_run_that_is_being_written_is_said(run: Path, capsys: pytest.CaptureFixture[str]):
    (run / ".work").mkdir()

    assert imgaudit(["review", str(run)]) == 2
    assert "being written, or was interrupted" in capsys.readouterr().err


def test_a_port_that_is_taken_is_said(run: Path, capsys: pytest.CaptureFixture[str]):
    from imgaudit.review.serve import Address

    listening = Address().bound()
    listening.listen()
    try:
        assert imgaudit(["review", str(run), "--port", str(listening.getsockname()[1])]) == 2
    finally:
        listening.close()
    assert "cannot be used" in capsys.readouterr().err


def test_the_pages_files_are_part_of_the_package():
    from imgaudit.review.app import HERE

    assert {path.name for path in (HERE / "static").iterdir()} >= {"desk.js", "queue.js", "review.css", "shell.js"}
    assert {path.name for path in (HERE / "templates").iterdir()} >= {"desk.html.j2", "queue.html.j2"}
