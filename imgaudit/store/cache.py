"""The percept cache: what was seen once is not looked at again.

One SQLite file, safe under several processes. Keys are digests over the picture's content, the perceiver's identity and
the query, so an entry is never stale; every entry carries its own checksum, so a damaged one is a miss. Percepts of
people's attributes (`sensitive`) are never written.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from imgaudit.types import JSON, Abstained, Percept, Sight

SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    key TEXT PRIMARY KEY,     -- sha256 of picture content, perceiver identity, query, and what it builds on
    picture TEXT NOT NULL,    -- digest of the picture's pixels or bytes, so that its entries can be purged
    kind TEXT NOT NULL,       -- percept class, 'Abstained', or 'header'
    value BLOB NOT NULL,      -- zlib of JSON
    checksum BLOB NOT NULL,   -- blake2b of value
    used INTEGER NOT NULL     -- unix seconds of the last use
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_picture ON entries (picture);
CREATE INDEX IF NOT EXISTS by_use ON entries (used);
"""
QUERY_SIZE = 400
OPEN_TRIES = 100
DEFAULT_LIMIT_MB = 2048


def default_folder() -> Path:
    """`IMGAUDIT_CACHE`, or the user's cache folder."""
    if folder := os.environ.get("IMGAUDIT_CACHE"):
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "imgaudit"


class PerceptCache:
    """Sights by key. A cache that cannot be opened or written is no reason to stop: it is then empty.

    Args:
        folder: where the file lies; made if missing.
        limit_mb: entries used least recently are dropped beyond this size.
    """

    def __init__(self, folder: Path | None = None, limit_mb: int | None = None) -> None:
        self.folder = folder or default_folder()
        self.limit = (limit_mb or int(os.environ.get("IMGAUDIT_CACHE_MB", DEFAULT_LIMIT_MB))) << 20
        self._touched: set[str] = set()
        self._base: sqlite3.Connection | None = None
        with contextlib.suppress(OSError, sqlite3.Error):
            self._base = self._open()

    def get(self, keys: Iterable[str]) -> dict[str, Sight]:
        """The sights that are known among these keys."""
        return {key: sight for key, kind, value in self._read(keys) if (sight := _thaw(kind, value)) is not None}

    def put(self, sights: Mapping[str, tuple[str, Sight]]) -> None:
        """Keep sights: key -> (digest of the picture, sight). Failures and sensitive percepts are left out."""
        rows = []
        for key, (picture, sight) in sights.items():
            frozen = _freeze(sight)
            if frozen is not None:
                rows.append(_row(key, picture, *frozen))
        self._write(rows)

    def get_headers(self, files: Iterable[str]) -> dict[str, JSON]:
        """What decoding said of files before (digest of the bytes -> JSON), so that an unchanged one is not decoded."""
        prefixed = {f"header:{file}": file for file in files}
        return {prefixed[key]: value for key, kind, value in self._read(prefixed) if kind == "header"}

    def put_headers(self, headers: Mapping[str, JSON]) -> None:
        """Keep headers by the digest of the file's bytes."""
        self._write([_row(f"header:{file}", file, "header", value) for file, value in headers.items()])

    def purge(self, picture: str) -> int:
        """Erase everything kept of one picture (digest of pixels or of bytes); the number of entries erased."""
        if self._base is None:
            return 0
        with self._base:
            return self._base.execute("DELETE FROM entries WHERE picture = ?", (picture,)).rowcount

    def clear(self) -> None:
        """Erase everything."""
        if self._base is not None:
            with self._base:
                self._base.execute("DELETE FROM entries")

    def close(self) -> None:
        """Note what was used, drop what is too much, and close."""
        if self._base is None:
            return
        with contextlib.suppress(sqlite3.Error):
            now = int(time.time())
            used = [(now, key) for key in self._touched]
            with self._base:
                self._base.executemany("UPDATE entries SET used = ? WHERE key = ?", used)
            self._shrink()
        self._base.close()
        self._base = None

    def _open(self) -> sqlite3.Connection:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / "percepts.sqlite"
        try:
            return _connect(path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            return _connect(path)

    def _read(self, keys: Iterable[str]) -> Iterator[tuple[str, str, JSON]]:
        if self._base is None:
            return
        wanted = list(dict.fromkeys(keys))
        for start in range(0, len(wanted), QUERY_SIZE):
            some = wanted[start : start + QUERY_SIZE]
            marks = ",".join("?" * len(some))
            try:
                rows = self._base.execute(
                    f"SELECT key, kind, value, checksum FROM entries WHERE key IN ({marks})", some
                ).fetchall()
            except sqlite3.Error:
                return
            for key, kind, value, checksum in rows:
                if _checksum(value) != checksum:
                    continue
                self._touched.add(key)
                yield key, kind, json.loads(zlib.decompress(value))

    def _write(self, rows: list[tuple[str, str, str, bytes, bytes, int]]) -> None:
        if self._base is None or not rows:
            return
        with contextlib.suppress(sqlite3.Error), self._base:
            self._base.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?)", rows)

    def _shrink(self) -> None:
        assert self._base is not None
        size = self._base.execute("SELECT coalesce(sum(length(value)), 0) FROM entries").fetchone()[0]
        if size <= self.limit:
            return
        excess = size - self.limit * 4 // 5
        doomed, freed = [], 0
        for key, length in self._base.execute("SELECT key, length(value) FROM entries ORDER BY used"):
            doomed.append((key,))
            freed += length
            if freed >= excess:
                break
        with self._base:
            self._base.executemany("DELETE FROM entries WHERE key = ?", doomed)


def _connect(path: Path) -> sqlite3.Connection:
    # switching to WAL does not wait for a lock, so two processes that begin together must try again
    for _ in range(OPEN_TRIES):
        try:
            return _prepared(path)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(0.1)
    return _prepared(path)


def _prepared(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(path, timeout=30, check_same_thread=False)
    # a damaged text must spoil its own row, not the reading of all the others
    base.text_factory = lambda data: data.decode("utf-8", "replace")
    base.execute("PRAGMA journal_mode = WAL")
    base.execute("PRAGMA synchronous = NORMAL")
    base.executescript(SCHEMA)
    return base


def _checksum(value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return hashlib.blake2b(data, digest_size=16).digest()


def _row(key: str, picture: str, kind: str, value: JSON) -> tuple[str, str, str, bytes, bytes, int]:
    packed = zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 1)
    return key, picture, kind, packed, _checksum(packed), int(time.time())


def _freeze(sight: Sight) -> tuple[str, JSON] | None:
    if isinstance(sight, Abstained):
        return "Abstained", [sight.reason, sight.remedy]
    if isinstance(sight, Percept) and not sight.sensitive:
        return type(sight).__name__, sight.model_dump(mode="json")
    return None


def _thaw(kind: str, value: JSON) -> Sight | None:
    if kind == "Abstained":
        return Abstained(*value)
    percept = _percept_classes().get(kind)
    if percept is None:
        return None
    try:
        return percept.model_validate(value)
    except ValidationError:
        return None


def _percept_classes() -> dict[str, type[Percept]]:
    import imgaudit.percepts  # noqa: F401 - its classes are the subclasses listed below

    found: dict[str, type[Percept]] = {}
    waiting = list(Percept.__subclasses__())
    while waiting:
        kind = waiting.pop()
        found[kind.__name__] = kind
        waiting.extend(kind.__subclasses__())
    return found
