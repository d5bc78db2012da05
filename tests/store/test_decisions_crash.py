"""The log after a crash between any two bytes, on a full disk, and with many writers at once."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from imgaudit.digest import digest
from imgaudit.errors import RunError
from imgaudit.store import decisions
from imgaudit.store.decisions import (
    HEAD,
    LOG,
    NOTES,
    Event,
    Facts,
    Log,
    Subject,
    append,
    check_log,
    drop_notes,
    read_log,
    read_notes,
)

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
SET, PICTURE = digest("set"), digest("picture")
KEY = Ed25519PrivateKey.generate()


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting for the disk: a crash is played by stopping, and what stands in the files stands there."""
    monkeypatch.setattr(os, "fsync", lambda _handle: None)


def judged(note: str | None = None, by: str = "A. Jonas", after: str = "publish") -> Facts:
    disputes = [{"checker": "hands", "says": "false alarm", "code": "hands.malformed"}]
    more = {"before": "edit", "after": after, "report": SET, "disputes": disputes}
    return Facts("judge", Subject(pictures=SET, picture=PICTURE), "fault-not-seen", by, "editor", more, note)


def undone(seq: int) -> Facts:
    return Facts("undo", Subject(pictures=SET, picture=PICTURE), "mistaken", "A. Jonas", "editor", {"undoes": seq})


LAST: dict[str, Callable[[], Facts]] = {"judge": judged, "undo": lambda: undone(0)}


@pytest.mark.parametrize(("kind", "key"), [("judge", KEY), ("undo", None)], ids=["judge-signed", "undo-unsigned"])
def test_a_log_cut_at_any_byte_of_its_last_line_loses_that_line_at_most(
    tmp_path: Path, kind: str, key: Ed25519PrivateKey | None
):
    append(tmp_path, [judged("why"), judged()], NOW, key)
    before = (tmp_path / LOG).read_bytes()
    append(tmp_path, [LAST[kind]()], NOW)
    whole, entries = (tmp_path / LOG).read_bytes(), read_log(tmp_path).entries

    for cut in range(len(before), len(whole) + 1):
        (tmp_path / LOG).write_bytes(whole[:cut])
        assert read_log(tmp_path).entries == entries[: 3 if cut == len(whole) else 2]
        assert check_log(tmp_path).state != "tampered"
        append(tmp_path, [judged()], NOW)
        after = read_log(tmp_path)
        kept = 3 if cut >= len(whole) - 1 else 2
        assert (after.entries[:kept], len(after.entries), after.torn) == (entries[:kept], kept + 1, 0)


class PowerCutError(BaseException):
    """The machine stopped; nothing that the program would still do is done."""


class _Machine:
    """The operating system as the log sees it, which stops for good after a number of bytes and calls."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        return self._stopping(real) if callable(real) and name in ("replace", "unlink", "fsync", "ftruncate") else real

    def _stopping(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            self._step(1)
            return real(*arguments)

        return call

    def _step(self, count: int) -> None:
        if self.left < count:
            self.left = 0
            raise PowerCutError
        self.left -= count

    def write(self, handle: int, data: bytes) -> int:
        if len(data) > self.left:
            os.write(handle, data[: self.left])
            self._step(len(data))
        self._step(len(data))
        return os.write(handle, data)


@pytest.fixture
def crashing(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], object]], bool]:
    def crash_after(steps: int, work: Callable[[], object]) -> bool:
        with monkeypatch.context() as patch:
            patch.setattr(decisions, "os", _Machine(steps))
            try:
                work()
            except PowerCutError:
                return True
            return False

    return crash_after


def _copied(source: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    return target


def test_a_crash_between_any_two_bytes_of_note_line_and_head_loses_that_decision_at_most(
    tmp_path: Path, crashing: Callable[[int, Callable[[], object]], bool]
):
    first = tmp_path / "first"
    first.mkdir()
    append(first, [judged("kept note"), judged()], NOW, KEY)
    before = read_log(first).entries
    kept = read_notes(first)

    steps, outcomes = 0, set()
    while True:
        folder = _copied(first, tmp_path / "folder")
        crashed = crashing(steps, lambda folder=folder: append(folder, [judged("new note")], NOW, KEY))
        after = read_log(folder).entries
        assert after[:2] == before
        assert len(after) <= 3
        assert check_log(folder, KEY.public_key()).state in (("cannot tell", "intact") if crashed else ("intact",))
        assert kept.items() <= read_notes(folder).items()
        assert all(entry.note in read_notes(folder) for entry in after if entry.note)

        append(folder, [judged()], NOW, KEY)
        assert check_log(folder, KEY.public_key()).state == "intact"
        assert {path.name for path in folder.iterdir()} == {LOG, HEAD, NOTES}
        outcomes.add((crashed, len(after)))
        if not crashed:
            break
        steps += 1

    assert steps > 1000
    assert outcomes == {(True, 2), (True, 3), (False, 3)}


def test_a_crash_while_a_note_is_erased_leaves_the_old_notes_or_the_new(
    tmp_path: Path, crashing: Callable[[int, Callable[[], object]], bool]
):
    first = tmp_path / "first"
    first.mkdir()
    append(first, [judged("to be erased"), judged("to be kept")], NOW)
    doomed, kept = (entry.note for entry in read_log(first).entries)

    for steps in range(2000):
        folder = _copied(first, tmp_path / "folder")
        crashed = crashing(steps, lambda folder=folder: drop_notes(folder, [doomed]))
        assert kept in read_notes(folder)
        assert check_log(folder).state == "intact"
        drop_notes(folder, [doomed])
        assert list(read_notes(folder)) == [kept]
        assert {path.name for path in folder.iterdir()} == {LOG, NOTES}
        if not crashed:
            return
    pytest.fail("the notes were never written")


def test_a_note_whose_decision_was_never_written_goes_with_the_next_erasure(
    tmp_path: Path, crashing: Callable[[int, Callable[[], object]], bool]
):
    append(tmp_path, [judged("to be kept")], NOW)
    notes_done = 3 + len((tmp_path / NOTES).read_bytes()) * 2 + 20
    assert crashing(notes_done, lambda: append(tmp_path, [judged("orphan")], NOW))
    assert len(read_notes(tmp_path)) == 2

    drop_notes(tmp_path, [])

    assert [text for _, text in read_notes(tmp_path).values()] == ["to be kept"]


FULL_DISK = """
import resource, signal, sys
from tests_of_the_log import judged, NOW
from imgaudit.errors import RunError
from imgaudit.store.decisions import Log
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log = Log(Path(sys.argv[1]))
log.append([judged()], NOW)
size = (Path(sys.argv[1]) / "decisions.jsonl").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
try:
    log.append([judged()], NOW)
except RunError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(len(log.append([judged()], NOW)), len(log.read().entries))
"""


def _python(script: str, *arguments: str) -> subprocess.Popen[str]:
    here = str(Path(__file__).parent)
    shown = script.replace("tests_of_the_log", Path(__file__).stem)
    environment = {**os.environ, "PYTHONPATH": here}
    command = [sys.executable, "-c", shown, *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_a_full_disk_is_refused_and_the_next_decision_finds_a_whole_log(tmp_path: Path):
    process = _python(FULL_DISK, str(tmp_path))
    refused, counts = process.communicate()[0].splitlines()

    assert "cannot be written" in refused
    assert "was not recorded" in refused
    assert counts == "1 2"
    assert check_log(tmp_path).state == "intact"
    assert read_log(tmp_path).torn == 0


WRITER = """
import sys
from tests_of_the_log import judged, NOW
from imgaudit.store.decisions import Log
from pathlib import Path
log = Log(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    for entry in log.append([judged(f"{sys.argv[2]} {number}", by=sys.argv[2])], NOW):
        print(entry.seq, flush=True)
"""


def test_many_processes_that_keep_the_log_open_end_in_one_chain_with_all_their_notes(tmp_path: Path):
    running = [_python(WRITER, str(tmp_path), f"person {number}", "20") for number in range(4)]
    told = [int(line) for process in running for line in process.communicate()[0].split()]

    entries = read_log(tmp_path).entries
    assert sorted(told) == [entry.seq for entry in entries] == list(range(80))
    assert {by: sum(entry.by == by for entry in entries) for by in {entry.by for entry in entries}} == {
        f"person {number}": 20 for number in range(4)
    }
    notes = read_notes(tmp_path)
    expected = {f"person {person} {number}" for person in range(4) for number in range(20)}
    assert {notes[entry.note][1] for entry in entries} == expected
    assert check_log(tmp_path).state == "intact"


@pytest.mark.slow
def test_processes_killed_at_random_points_lose_nothing_that_was_acknowledged(tmp_path: Path):
    randomness = random.Random(7)
    acknowledged: set[int] = set()
    for round_number in range(20):
        running = [_python(WRITER, str(tmp_path), f"person {round_number}", "100000") for _ in range(2)]
        acknowledged |= {int(process.stdout.readline()) for process in running if process.stdout}
        time.sleep(randomness.random())
        for process in running:
            process.send_signal(signal.SIGKILL)
        for process in running:
            lines = process.communicate()[0].split("\n")[:-1]
            acknowledged |= {int(line) for line in lines}
        assert check_log(tmp_path).state != "tampered"
    append(tmp_path, [judged()], NOW)

    assert len(acknowledged) > 100
    assert acknowledged <= {entry.seq for entry in read_log(tmp_path).entries}
    assert check_log(tmp_path).state == "intact"


# --- a log that is kept open -----------------------------------------------------------------------------


def test_a_log_kept_open_sees_what_others_write(tmp_path: Path):
    ours, theirs = Log(tmp_path), Log(tmp_path)
    written: list[Event] = []
    for log in (ours, theirs, theirs, ours, theirs):
        written.extend(log.append([judged()], NOW))

    assert ours.read().entries == theirs.read().entries == tuple(written) == read_log(tmp_path).entries
    assert check_log(tmp_path).state == "intact"


def test_a_log_kept_open_completes_a_line_that_lacks_its_newline_alone(tmp_path: Path):
    ours, theirs = Log(tmp_path), Log(tmp_path)
    ours.append([judged(), judged()], NOW)
    path = tmp_path / LOG
    append(tmp_path, [judged(by="B. Roe")], NOW)
    os.truncate(path, path.stat().st_size - 1)

    for log in (ours, theirs, ours, ours, theirs):
        log.append([judged()], NOW)

    assert [entry.seq for entry in ours.read().entries] == list(range(8))
    assert ours.read().entries == theirs.read().entries == read_log(tmp_path).entries
    assert check_log(tmp_path).state == "intact"


@pytest.mark.parametrize("failing", [1, 2], ids=["the line", "the head"])
def test_a_disk_that_is_full_says_whether_the_decision_was_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
):
    log = Log(tmp_path)
    log.append([judged()], NOW, KEY)
    real, writes = os.write, []

    def write(handle: int, data: bytes) -> int:
        writes.append(len(data))
        if len(writes) == failing:
            raise OSError(28, "No space left on device")
        return real(handle, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        with pytest.raises(RunError, match=("was not recorded", "the decision was recorded")[failing - 1]):
            log.append([judged(by="B. Roe")], NOW, KEY)

    assert len(log.read().entries) == failing
    log.append([judged()], NOW, KEY)
    assert check_log(tmp_path, KEY.public_key()).state == "intact"
    assert {one.name for one in tmp_path.iterdir()} == {LOG, HEAD}


def test_a_log_kept_open_reads_no_line_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ours, theirs = Log(tmp_path), Log(tmp_path)
    ours.append([judged() for _ in range(50)], NOW)
    checked: list[int] = []
    real = decisions._entry
    monkeypatch.setattr(
        decisions, "_entry", lambda line, number, head: checked.append(number) or real(line, number, head)
    )

    ours.append([judged()], NOW)
    ours.read()
    assert checked == []
    theirs.append([judged()], NOW)
    assert checked == list(range(1, 52))
    ours.append([judged()], NOW)
    assert checked[51:] == [52]


@pytest.mark.parametrize("how", ["altered", "cut", "replaced", "removed"])
def test_a_log_that_changes_while_it_is_open_is_refused(tmp_path: Path, how: str):
    log = Log(tmp_path)
    log.append([judged(), judged(by="B. Roe"), judged()], NOW)
    path = tmp_path / LOG
    data = path.read_bytes()
    if how == "altered":
        path.write_bytes(data.replace(b"A. Jonas", b"B. Jonas", 1))
    elif how == "cut":
        path.write_bytes(b"".join(data.splitlines(keepends=True)[:2]))
    elif how == "replaced":
        (tmp_path / "other").mkdir()
        append(tmp_path / "other", [judged(by="X"), judged(by="Y"), judged(by="Z"), judged()], NOW)
        os.replace(tmp_path / "other" / LOG, path)
        assert check_log(tmp_path).state == "intact"  # of itself it is whole: only who kept it open can tell
    else:
        path.unlink()

    with pytest.raises(RunError, match=r"altered since|are gone"):
        log.read()
    with pytest.raises(RunError):
        log.append([judged()], NOW)


def test_an_alteration_that_keeps_size_and_time_of_change_of_content_is_seen(tmp_path: Path):
    log = Log(tmp_path)
    log.append([judged(), judged()], NOW)
    path = tmp_path / LOG
    status = path.stat()

    path.write_bytes(path.read_bytes().replace(b"A. Jonas", b"B. Jonas", 1))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    with pytest.raises(RunError, match="altered since"):
        log.append([judged()], NOW)


def test_a_log_that_is_a_link_is_refused_and_what_it_names_stays(tmp_path: Path):
    (tmp_path / "run").mkdir()
    secret = tmp_path / "secret"
    secret.write_bytes(b"no newline at its end, as in a line that was cut off")
    (tmp_path / "run" / LOG).symlink_to(secret)

    for attempt in (lambda: append(tmp_path / "run", [judged()], NOW), lambda: read_log(tmp_path / "run")):
        with pytest.raises(RunError, match="is a link"):
            attempt()

    assert secret.read_bytes() == b"no newline at its end, as in a line that was cut off"
