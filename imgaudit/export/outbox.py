"""A folder that is given away: written file by file, each whole or not at all, and nothing foreign overwritten.

While it is being filled, `.delivery.jsonl` tells which files are on their way: every file is announced there, with its
digest, before it gets its name. So a file of that name and digest is ours, and any other is somebody else's; a run that
was killed continues where it was.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from imgaudit.digest import canonical, digest_bytes, digest_file
from imgaudit.errors import RunError, UsageError
from imgaudit.types import JSON

JOURNAL = ".delivery.jsonl"
PART = ".imgaudit-"
FORMAT = "imgaudit-delivery-journal/1"


def checked_folder(folder: Path, run: Path) -> None:
    """Raise UsageError unless the folder may be filled: no link, no file, and neither the run nor inside it."""
    if folder.is_symlink():
        raise UsageError(f"{folder}: is a link, which may lead anywhere; name the folder itself")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file; expected a folder")
    if folder.resolve().is_relative_to(run.resolve()):
        raise UsageError(f"{folder}: lies inside the run, which stays as it is; give a folder outside {run}")


class Outbox:
    """The folder, once it is this command's alone. Made by `opened`."""

    def __init__(self, folder: Path, journal: IO[bytes], announced: dict[str, str], kept: dict[str, JSON]) -> None:
        self.folder = folder
        self.kept = kept
        self._journal = journal
        self._announced = announced

    def holds(self, name: str, sha256: str) -> bool:
        """Whether a file of this content is there under its name."""
        path = self.folder / name
        return not path.is_symlink() and path.is_file() and digest_file(path) == sha256

    def ours(self, name: str) -> bool:
        """Whether what is there under a name, if anything, is what this delivery put there."""
        path = self.folder / name
        if not os.path.lexists(path):
            return True
        return name in self._announced and self.holds(name, self._announced[name])

    def require(self, *names: str) -> None:
        """Raise RunError when one of the names is taken by what is not ours."""
        for name in names:
            if not self.ours(name):
                raise RunError(f"{self.folder / name}: is there already and is not of this export; nothing was "
                               "overwritten. Move it away, or give another folder")  # fmt: skip

    def put(self, name: str, data: bytes, entry: JSON = None) -> None:
        """Write a file, unless its name is taken. `entry` is kept in the journal, for the run that continues this."""
        self.require(name)
        target = self.folder / name
        target.parent.mkdir(exist_ok=True)
        sha256 = digest_bytes(data)
        self._append({"name": name, "sha256": sha256, "entry": entry})
        self._announced[name] = sha256
        write_whole(target, data)

    def close(self, done: bool) -> None:
        """Give the folder back; the journal goes when the delivery is complete."""
        if done:
            (self.folder / JOURNAL).unlink(missing_ok=True)
        self._journal.close()

    def _append(self, line: JSON) -> None:
        self._journal.write(canonical(line).encode() + b"\n")
        self._journal.flush()
        os.fsync(self._journal.fileno())


@contextlib.contextmanager
def opened(folder: Path, key: str, known: Mapping[str, str], below: str) -> Iterator[Outbox]:
    """Take a folder for a delivery, or go on with one.

    Args:
        folder: made if it is not there; see `checked_folder`.
        key: what the delivery is made of; another one under way in this folder is refused.
        known: name -> sha256 of the files that an earlier delivery of the same kind put there.
        below: the one folder inside it that is written to as well.
    """
    folder.mkdir(parents=True, exist_ok=True)
    journal = folder / JOURNAL
    if journal.is_symlink() or (folder / below).is_symlink():
        raise UsageError(f"{folder}: holds a link where this delivery would write; give another folder")
    with journal.open("ab+") as stream:
        _lock(stream, folder)
        lines = _lines(stream)
        if lines and lines[0] != {"format": FORMAT, "key": key}:
            raise RunError(f"{folder}: an export of another run, or with other options, was begun here and did not "
                           "end; end it with the command that began it, or give another folder")  # fmt: skip
        announced = dict(known)
        announced.update({line["name"]: line["sha256"] for line in lines[1:]})
        entries = {line["name"]: line["entry"] for line in lines[1:] if line["entry"] is not None}
        box = Outbox(folder, stream, announced, entries)
        if not lines:
            stream.truncate(0)
            box._append({"format": FORMAT, "key": key})
        for left in (*folder.glob(f"{PART}*"), *(folder / below).glob(f"{PART}*")):
            left.unlink(missing_ok=True)
        done = False
        try:
            yield box
            done = True
        finally:
            box.close(done)


def _lines(stream: IO[bytes]) -> list[dict[str, JSON]]:
    """The journal's lines; a last one that was cut off is dropped, for its file was not begun."""
    stream.seek(0)
    data = stream.read()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        stream.truncate(len(whole))
    try:
        lines = [dict(json.loads(line)) for line in whole.splitlines()]
        if all(
            "entry" in line and isinstance(line.get("name"), str) and isinstance(line.get("sha256"), str)
            for line in lines[1:]
        ):
            return lines
    except (ValueError, TypeError, RecursionError):
        pass
    raise RunError(f"{JOURNAL}: is damaged; delete the folder and export anew")


def _lock(stream: IO[bytes], folder: Path) -> None:
    try:
        import fcntl
    except ImportError:  # where there are no such locks, one export runs at a time
        return
    try:
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RunError(f"{folder}: another export is writing here just now; wait for it to end") from None


def write_whole(target: Path, data: bytes) -> None:
    """Write a file whole or not at all, on disk before it has its name."""
    with whole(target) as stream:
        stream.write(data)


@contextlib.contextmanager
def whole(target: Path) -> Iterator[IO[bytes]]:
    """A stream whose file gets its name when all was written; on any failure nothing is left of it."""
    temporary = target.with_name(f"{PART}{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def checked_file(target: Path, run: Path, suffixes: tuple[str, ...]) -> None:
    """Raise UsageError unless a file may be written there: the right suffix, and outside the run."""
    if target.suffix.lower() not in suffixes:
        raise UsageError(f"{target}: expected a file that ends in {' or '.join(suffixes)}")
    if target.is_dir() or target.is_symlink():
        raise UsageError(f"{target}: is a folder or a link; expected the path of a file")
    if target.resolve().is_relative_to(run.resolve()):
        raise UsageError(f"{target}: lies inside the run, which stays as it is; give a path outside {run}")
    if not target.parent.is_dir():
        raise UsageError(f"{target.parent}: is no folder; make it first")
