"""Decisions of people: an append-only log beside the record, and which of its answers count on a day.

`decisions.jsonl` holds one decision a line in RFC 8785's canonical JSON. Every line carries the sha256 of the line
before it, so that an edit, a deletion or a change of order breaks the chain at that place. A chain alone cannot show
that its last line was altered or that lines were cut off its end: for that, the head (number of lines and digest of
the last one) is signed with an Ed25519 key into `decisions.head.json`, and whoever has both files of an earlier day
can still put them back, so the head is worth keeping elsewhere too.

Lines name a picture by the digest of its pixels and never by its path, so that a picture can be erased and the log
still holds. What a person wrote in words lies in `notes.json` (readable by its owner alone); the log holds a salted
digest of it, so that a note can be erased as well.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import threading
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import rfc8785
from pydantic import Field, TypeAdapter, ValidationError

from imgaudit.digest import canonical, digest, digest_bytes
from imgaudit.errors import RunError, UsageError
from imgaudit.record import Answer, RunInfo
from imgaudit.signing import SignatureError, key_name, sign, verify
from imgaudit.types import JSON, Decision, Stored

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

LOG, HEAD, NOTES = "decisions.jsonl", "decisions.head.json", "notes.json"
GENESIS = "0" * 64
HEAD_TYPE = "application/vnd.imgaudit.decisions-head+json"
MAX_LINE = 16 << 10
GENERATOR_FACTS = ("spec", "generator", "model", "revision", "weights")

Scope = Literal["picture", "run", "generator"]
_RANK: dict[str, int] = {"picture": 0, "run": 1, "generator": 2}
_CHUNK = 1 << 20
_Name = Annotated[str, Field(min_length=1, max_length=200)]
_Reason = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,63}$")]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


# --- what a line holds ---------------------------------------------------------------------------


class Subject(Stored):
    """What a decision is about, by digest alone."""

    pictures: _Sha256 = Field(description="the set of the run's pictures at that time")
    picture: _Sha256 | None = Field(default=None, description="one picture's pixels; its bytes where nothing decodes")
    generator: _Sha256 | None = Field(default=None, description="model, revision and weights of the generator")


class Attested(Stored):
    """A named person answered the question of one dimension."""

    format: Literal["imgaudit-decision/1"] = "imgaudit-decision/1"
    seq: int = Field(ge=0)
    prev: _Sha256
    at: datetime
    action: Literal["attest"] = "attest"
    subject: Subject
    dimension: str
    answer: Literal["yes", "no", "n/a"]
    scope: Scope
    by: _Name
    role: _Name
    reason: _Reason
    until: date | None = Field(description="last day on which the answer counts; null for a no, which does not lapse")
    note: _Sha256 | None = Field(default=None, description="salted digest of a note in notes.json")


class Erased(Stored):
    """A tombstone: a picture, or the whole run, was erased. Only digests of it are left."""

    format: Literal["imgaudit-decision/1"] = "imgaudit-decision/1"
    seq: int = Field(ge=0)
    prev: _Sha256
    at: datetime
    action: Literal["erase"] = "erase"
    subject: Subject
    by: _Name | None = None
    role: _Name | None = None
    reason: _Reason
    after: _Sha256 | None = Field(description="the set that is left; null when the whole run was erased")


class OnePicture(Subject):
    """The subject of a decision about one picture."""

    picture: _Sha256 = Field(description="its pixels; its bytes where nothing decodes")


class Dispute(Stored):
    """A person says that a checker is wrong about a picture."""

    checker: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")
    says: Literal["false alarm", "missed"]
    code: str | None = Field(default=None, max_length=200, description="the code that is meant; null: all of them")


class Judged(Stored):
    """A named person decided what to do with a picture."""

    format: Literal["imgaudit-decision/1"] = "imgaudit-decision/1"
    seq: int = Field(ge=0)
    prev: _Sha256
    at: datetime
    action: Literal["judge"] = "judge"
    subject: OnePicture
    before: Decision = Field(description="the final verdict that stood when the person decided")
    after: Literal[Decision.PUBLISH, Decision.EDIT, Decision.REJECT]
    by: _Name
    role: _Name
    reason: _Reason
    report: _Sha256 = Field(description="images_digest of the report that the person had before them")
    disputes: tuple[Dispute, ...] = Field(default=(), max_length=50)
    note: _Sha256 | None = Field(default=None, description="salted digest of a note in notes.json")


class Undone(Stored):
    """A person took back a decision of theirs. The line that is undone stays."""

    format: Literal["imgaudit-decision/1"] = "imgaudit-decision/1"
    seq: int = Field(ge=0)
    prev: _Sha256
    at: datetime
    action: Literal["undo"] = "undo"
    subject: OnePicture
    undoes: int = Field(ge=0, description="number (seq) of the decision that no longer counts")
    by: _Name
    role: _Name
    reason: _Reason
    note: _Sha256 | None = Field(default=None, description="salted digest of a note in notes.json")


Event = Attested | Erased | Judged | Undone
_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="action")])


def line_of(entry: Event) -> bytes:
    """The canonical line, without its newline."""
    return rfc8785.dumps(entry.model_dump(mode="json"))


def picture_digest(pixels: str | None, file: str | None) -> str:
    """What a decision calls a picture by: its pixels, or its bytes where nothing could be decoded."""
    return pixels or file or digest_bytes(b"")


def pictures_digest(pictures: Iterable[tuple[str, str]]) -> str:
    """The digest of a set of pictures (record id, digest of the picture), whatever their order and verdicts."""
    return digest(sorted(map(list, pictures)))


def generator_digest(run: RunInfo) -> str | None:
    """The digest of what drew the pictures; None for an audit, whose pictures come from anywhere."""
    if run.generator is None:
        return None
    return digest({name: run.generator[name] for name in GENERATOR_FACTS if name in run.generator})


# --- reading ---------------------------------------------------------------------------------------


class Chain(NamedTuple):
    """The log as it stands. `torn` is the length of an unfinished line at its end, in bytes."""

    entries: tuple[Event, ...] = ()
    head: str = GENESIS
    torn: int = 0


def has_decisions(folder: Path) -> bool:
    """Whether anyone has decided anything about this run."""
    return (folder / LOG).is_file()


def read_log(folder: Path) -> Chain:
    """All decisions. Raises RunError at the first line that does not follow from the one before it."""
    return Log(folder).read()


def _entry(line: bytes, number: int, head: str) -> Event:
    try:
        value = json.loads(line)
        entry = _EVENT.validate_python(value) if not isinstance(value, dict) else _EVENT.validate_json(line)
    except (ValueError, RecursionError):
        raise _broken(number, "is no decision") from None
    if line_of(entry) != line:
        raise _broken(number, "is not as it was written")
    if entry.seq != number - 1:
        raise _broken(number, f"says it is decision {entry.seq + 1}: lines were removed, added or moved")
    if entry.prev != head:
        raise _broken(number, "does not follow from the line before it: one of the two was altered or replaced")
    return entry


def _broken(number: int, what: str) -> RunError:
    return RunError(
        f"{LOG}:{number}: {what}; the log was tampered with or damaged, so none of its answers counts. "
        "Put back the copy that was kept elsewhere"
    )


# --- writing ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Facts:
    """One decision to be written; the log adds number, time and chain. `note` is in words."""

    action: Literal["attest", "erase", "judge", "undo"]
    subject: Subject
    reason: str
    by: str | None = None
    role: str | None = None
    more: Mapping[str, JSON] = field(default_factory=dict)
    note: str | None = None


def append(
    folder: Path, facts: Sequence[Facts], now: datetime, key: Ed25519PrivateKey | None = None
) -> tuple[Event, ...]:
    """Write decisions to the end of a log that is not kept open; see `Log.append`."""
    return Log(folder).append(facts, now, key)


class _Seen(NamedTuple):
    """What the file system said of the log when it was last read; equal again, it is the same file unchanged."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, stream: IO[bytes]) -> _Seen:
        status = os.fstat(stream.fileno())
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class Log:
    """The log of a run, for whoever reads or writes it often: lines that were checked once are not read again.

    What was checked is remembered by its length and digest. Where the file system says that the file changed, those
    bytes are hashed again before anything is believed, and lines that others have added are checked one by one. A
    log that was altered or cut while it was open is refused, even where it has a whole chain of its own.

    Args:
        folder: the run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.Lock()
        self._cleared = False
        self._forget()

    def _forget(self) -> None:
        self._entries: list[Event] = []
        self._head = GENESIS
        self._length = 0
        self._torn = 0
        self._state = hashlib.sha256()
        self._seen: _Seen | None = None

    def read(self) -> Chain:
        """All decisions. Raises RunError at the first line that does not follow from the one before it."""
        with self._guard:
            try:
                with _opened(self._folder, "rb") as stream:
                    self._refresh(stream)
            except FileNotFoundError:
                self._still_there(0)
            return Chain(tuple(self._entries), self._head, self._torn)

    def append(self, facts: Sequence[Facts], now: datetime, key: Ed25519PrivateKey | None = None) -> tuple[Event, ...]:
        """Write decisions to the end, on disk before this returns; with a key, sign the new head.

        A torn last line, left by a write that was cut off, is dropped first. Nothing is written when the chain is
        broken, or when the disk cannot hold all of it.
        """
        with self._guard, _opened(self._folder, "ab+") as stream, _locked(stream):
            self._refresh(stream)
            new = self._length + self._torn == 0
            if not self._cleared:
                clear_leftovers(self._folder)
                self._cleared = True
            self._repair(stream)
            notes = {name: note for fact in facts if fact.note for name, note in [_salted(fact.note)]}
            written = self._chained(facts, now, list(notes))
            if notes:
                _replace_private(self._folder / NOTES, canonical({**read_notes(self._folder), **notes}))
            self._write(stream, b"".join(line_of(entry) + b"\n" for entry in written))
            self._entries.extend(written)
            self._head = digest_bytes(line_of(written[-1])) if written else self._head
            if key is not None:
                self._sign(key)
            if new or notes:  # a head that a power cut brings back in its older form signs fewer lines, and says so
                _settle(self._folder)
        return written

    def _sign(self, key: Ed25519PrivateKey) -> None:
        try:
            _sign_head(self._folder, len(self._entries), self._head, key)
        except RunError as error:
            raise RunError(f"the decision was recorded, and its signature was not: {error}") from None

    def _refresh(self, stream: IO[bytes]) -> None:
        seen = _Seen.of(stream)
        if seen == self._seen:
            return
        self._still_there(seen.size)
        self._unaltered(stream)
        self._torn = 0
        while line := stream.readline(MAX_LINE + 1):
            number = len(self._entries) + 1
            if not line.endswith(b"\n"):
                if len(line) > MAX_LINE:
                    raise _broken(number, f"is longer than {MAX_LINE >> 10} KiB")
                self._torn = len(line)
                break
            self._take(line, _entry(line[:-1], number, self._head))
        self._seen = seen

    def _take(self, line: bytes, entry: Event) -> None:
        self._entries.append(entry)
        self._head = digest_bytes(line.rstrip(b"\n"))
        self._length += len(line)
        self._state.update(line)

    def _still_there(self, size: int) -> None:
        if size < self._length:
            raise RunError(f"{LOG}: {len(self._entries)} lines were read before, and some are gone; lines were cut off "
                           "the end. Put back the copy that was kept elsewhere")  # fmt: skip

    def _unaltered(self, stream: IO[bytes]) -> None:
        """Hash what was checked before, and leave the stream at its end."""
        stream.seek(0)
        state, left = hashlib.sha256(), self._length
        while left and (piece := stream.read(min(left, _CHUNK))):
            state.update(piece)
            left -= len(piece)
        if state.digest() != self._state.digest():
            raise RunError(f"{LOG}: a line that was read before was altered since; the log was tampered with. "
                           "Put back the copy that was kept elsewhere")  # fmt: skip

    def _repair(self, stream: IO[bytes]) -> None:
        """Drop a torn last line; one that lacks its newline alone is whole and stays."""
        if self._torn:
            stream.seek(self._length)
            line = stream.read(self._torn)
            try:
                entry = _entry(line, len(self._entries) + 1, self._head)
            except RunError:
                pass
            else:
                self._take(line, entry)
                self._torn = 0
                try:
                    self._write(stream, b"\n")
                except RunError:
                    self._forget()  # so that the next one finds the line unfinished again
                    raise
        head = _stored_head(self._folder)
        if head is not None and head.lines > len(self._entries):
            raise RunError(
                f"{LOG}: the signed head counts {head.lines} lines and {len(self._entries)} are there; "
                "lines were cut off the end. Put back the copy that was kept elsewhere"
            )
        if self._torn:
            stream.truncate(self._length)
            self._torn = 0

    def _write(self, stream: IO[bytes], data: bytes) -> None:
        """Add bytes to the end, on disk before this returns; where not all of them fit, none is left."""
        handle = stream.fileno()
        try:
            _put(handle, data)
        except OSError as error:
            self._seen = None
            with contextlib.suppress(OSError):
                os.ftruncate(handle, self._length)
                os.fsync(handle)
            raise RunError(f"{LOG}: cannot be written: {error.strerror or error}; the decision was not recorded. "
                           "Make room and decide again") from None  # fmt: skip
        self._length += len(data)
        self._state.update(data)
        self._seen = _Seen.of(stream)

    def _chained(self, facts: Sequence[Facts], now: datetime, notes: Sequence[str]) -> tuple[Event, ...]:
        """The lines to be written; `notes` are the names of the notes of those facts that have one, in order."""
        written: list[Event] = []
        head = self._head
        named = iter(notes)
        for number, fact in enumerate(facts, start=len(self._entries)):
            value: dict[str, Any] = {
                "seq": number, "prev": head, "at": now.astimezone(UTC).replace(microsecond=0), "action": fact.action,
                "subject": fact.subject.model_dump(), "by": fact.by, "role": fact.role, "reason": fact.reason,
                **fact.more,
            }  # fmt: skip
            if fact.note:
                value["note"] = next(named)
            entry, line = _event_of(value)
            if isinstance(entry, Undone):
                _check_undo(entry, [*self._entries, *written])
            written.append(entry)
            head = digest_bytes(line)
        return tuple(written)


def _event_of(value: Mapping[str, Any]) -> tuple[Event, bytes]:
    try:
        entry = _EVENT.validate_python(value)
        line = line_of(entry)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{first['loc'][-1]} {first['input']!r}: {str(first['msg']).lower()}") from None
    except (rfc8785.CanonicalizationError, UnicodeError):
        raise UsageError("a name holds characters that are no text; write it in UTF-8") from None
    if len(line) >= MAX_LINE:
        raise UsageError("the decision is too long; shorten its texts")
    return entry, line


def _check_undo(entry: Undone, before: Sequence[Event]) -> None:
    line = f"line {entry.undoes + 1}"
    target = before[entry.undoes] if entry.undoes < len(before) else None
    if not isinstance(target, Judged) or target.subject.picture != entry.subject.picture:
        raise UsageError(f"undo of {line}: is no decision about this picture; `imgaudit log show` lists them")
    if person(target.by) != person(entry.by):
        raise UsageError(
            f"undo of {line}: {target.by} decided it, and only they may take it back; decide yourself instead"
        )
    if any(isinstance(one, Undone) and one.undoes == entry.undoes for one in before[entry.undoes :]):
        raise UsageError(f"undo of {line}: it was undone already; decide again instead")


def _opened(folder: Path, mode: Literal["rb", "ab", "ab+"]) -> IO[bytes]:
    """The log itself: a link in a stranger's folder could name any file, whose end would be dropped as a torn line."""
    path = folder / LOG
    if path.is_symlink():
        raise RunError(f"{LOG}: is a link; the log is a file in the run folder itself, so put it there")
    return path.open(mode)


@contextlib.contextmanager
def _locked(stream: IO[bytes]) -> Iterator[None]:
    """Alone with the log: two decisions at once would fork the chain."""
    try:
        import fcntl
    except ImportError:  # where there are no such locks, one person decides at a time
        yield
        return
    fcntl.flock(stream.fileno(), fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(stream.fileno(), fcntl.LOCK_UN)


def _settle(folder: Path) -> None:
    """A new file is on disk only when its folder is too."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _replace_private(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            _put(handle, text.encode())
        finally:
            os.close(handle)
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise RunError(f"{path.name}: cannot be written: {error.strerror or error}. Make room and try again") from None


def _put(handle: int, data: bytes) -> None:
    """Write all of it, on disk before this returns."""
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]
    os.fsync(handle)


def clear_leftovers(folder: Path) -> None:
    """Delete what a write that was cut off left of a note or a head; nobody else may be writing."""
    for name in (NOTES, HEAD):
        for path in folder.glob(f".{name}.*"):
            with contextlib.suppress(OSError):
                os.unlink(path)


# --- notes -------------------------------------------------------------------------------------------


def read_notes(folder: Path) -> dict[str, tuple[str, str]]:
    """Notes by the digest that the log holds: (salt, text)."""
    try:
        value = json.loads((folder / NOTES).read_text(encoding="utf-8"))
        return {str(name): (str(salt), str(text)) for name, (salt, text) in value.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError, OSError):
        raise RunError(f"{NOTES}: is damaged; delete it to lose the notes alone, or put back a copy") from None


def _salted(text: str) -> tuple[str, tuple[str, str]]:
    salt = secrets.token_hex(16)
    return digest([salt, text]), (salt, text)


def drop_notes(folder: Path, names: Iterable[str]) -> None:
    """Erase notes; the digests that stay in the log tell nothing without their salts.

    A note whose decision was never written, since the write was cut off between the two, goes as well.
    """
    if not has_decisions(folder):
        return
    doomed = set(names)
    with _opened(folder, "ab") as stream, _locked(stream):
        clear_leftovers(folder)
        known = {getattr(entry, "note", None) for entry in read_log(folder).entries} - doomed
        notes = read_notes(folder)
        left = {name: note for name, note in notes.items() if name in known}
        if not left:
            (folder / NOTES).unlink(missing_ok=True)
        elif len(left) < len(notes):
            _replace_private(folder / NOTES, canonical(left))


# --- the signed head ---------------------------------------------------------------------------------


class _Head(Stored):
    """How far the log reached when it was signed."""

    format: Literal["imgaudit-head/1"] = "imgaudit-head/1"
    lines: int = Field(ge=1)
    head: _Sha256
    key: str = Field(description="hex sha256 of the raw public key")
    signature: str

    def payload(self) -> bytes:
        return rfc8785.dumps({"format": self.format, "lines": self.lines, "head": self.head, "key": self.key})


def _sign_head(folder: Path, lines: int, head: str, key: Ed25519PrivateKey) -> None:
    unsigned = _Head(lines=lines, head=head, key=key_name(key.public_key()), signature="")
    signed = unsigned.model_copy(update={"signature": sign(key, HEAD_TYPE, unsigned.payload())})
    _replace_private(folder / HEAD, signed.model_dump_json(indent=1))
    (folder / HEAD).chmod(0o644)


def _stored_head(folder: Path) -> _Head | None:
    try:
        return _Head.model_validate_json((folder / HEAD).read_bytes()[: 1 << 20])
    except FileNotFoundError:
        return None
    except (ValidationError, OSError):
        raise RunError(f"{HEAD}: is damaged; put back the copy that was kept elsewhere") from None


class LogCheck(Stored):
    """What `imgaudit log verify` found."""

    state: Literal["intact", "tampered", "cannot tell"]
    lines: int
    head: str
    signed_lines: int | None = None
    signer: str | None = None
    sentences: tuple[str, ...]


def check_log(folder: Path, key: Ed25519PublicKey | None = None) -> LogCheck:
    """Follow the chain, compare the signed head and the notes. With a key, say whether it signed the head."""
    try:
        chain = read_log(folder)
        head = _stored_head(folder)
        spoiled = [name for name, note in read_notes(folder).items() if digest(list(note)) != name]
    except RunError as error:
        return LogCheck(state="tampered", lines=0, head="", sentences=(str(error),))
    found = _Findings(len(chain.entries), chain.head)
    if spoiled:
        found.tampered(f"{len(spoiled)} notes of {NOTES} are not what was written")
    if chain.torn:
        found.untold("the last line is unfinished: a write was cut off, or the file was; the next decision drops it")
    if head is None:
        _without_head(found, chain, key)
    else:
        _with_head(found, chain, head, key)
    return found.check(head)


@dataclass
class _Findings:
    lines: int
    head: str
    state: Literal["intact", "tampered", "cannot tell"] = "intact"
    sentences: list[str] = field(default_factory=list)

    def tampered(self, sentence: str) -> None:
        self.state = "tampered"
        self.sentences.append(sentence)

    def untold(self, sentence: str) -> None:
        self.state = "tampered" if self.state == "tampered" else "cannot tell"
        self.sentences.append(sentence)

    def check(self, head: _Head | None) -> LogCheck:
        return LogCheck(
            state=self.state, lines=self.lines, head=self.head, sentences=tuple(self.sentences),
            signed_lines=head.lines if head else None, signer=head.key if head else None,
        )  # fmt: skip


def _without_head(found: _Findings, chain: Chain, key: Ed25519PublicKey | None) -> None:
    text = "the head was never signed, so an altered last line, or lines cut off the end would not be noticed; " \
        "sign with --key"
    if key is not None:
        found.untold(f"there is no {HEAD} for this key to verify: {text}")
    elif chain.entries:
        found.sentences.append(text)


def _with_head(found: _Findings, chain: Chain, head: _Head, key: Ed25519PublicKey | None) -> None:
    if head.lines > len(chain.entries):
        found.tampered(f"the signed head counts {head.lines} lines and {len(chain.entries)} are there: "
                       "lines were cut off the end")  # fmt: skip
        return
    if digest_bytes(line_of(chain.entries[head.lines - 1])) != head.head:
        found.tampered(f"line {head.lines} is not the one that was signed: the log was written anew")
    if key is None:
        found.sentences.append(f"the head claims the key {head.key[:16]}; give --key PUB.pem to verify its signature")
    else:
        try:
            verify(key, HEAD_TYPE, head.payload(), head.signature)
        except SignatureError as error:
            found.tampered(f"{HEAD}: {error}")
    unsigned = len(chain.entries) - head.lines
    if unsigned:
        text = f"the last {unsigned} of {len(chain.entries)} lines came after the signed head"
        found.untold(f"{text}, so others may have been cut off") if key is not None else found.sentences.append(text)


# --- which answers count -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """What a rubric asks about one dimension: how narrow an answer must be, and how many days it counts."""

    scope: Scope
    valid_days: int


class Answers:
    """The answers that count on a day, for each picture of a run.

    An answer counts when it is about this very picture, set or generator, is at least as narrow as the rubric asks,
    was given by that day and has not lapsed. A no does not lapse: consent that was refused does not return with time.
    Among several, one about the picture itself goes before one about the set; then the later one counts.

    Args:
        entries: the log.
        pictures: digest of the run's set of pictures.
        generator: digest of what drew them.
        as_of: the day.
        asked: dimension -> what the rubric asks.
    """

    def __init__(
        self,
        entries: Sequence[Event],
        pictures: str,
        generator: str | None,
        as_of: date,
        asked: Mapping[str, Asked],
    ) -> None:
        self._sets = _sets_that_hold(entries, pictures)
        self._generator = generator
        self._as_of = as_of
        self._asked = asked
        self._common: dict[str, tuple[Attested, date | None]] = {}
        self._own: dict[str, dict[str, tuple[Attested, date | None]]] = {}
        self._counts: dict[str, dict[Answer, int]] = {}
        for entry in entries:
            if isinstance(entry, Attested):
                self._take(entry)

    def _take(self, entry: Attested) -> None:
        asked = self._asked.get(entry.dimension)
        if asked is None or _RANK[entry.scope] > _RANK[asked.scope]:
            return
        given = entry.at.date()
        until = None
        if entry.answer != "no":
            until = given + timedelta(days=asked.valid_days)
            until = min(until, entry.until) if entry.until is not None else until
        if given > self._as_of or (until is not None and until < self._as_of):
            return
        if entry.subject.picture is not None:
            self._own.setdefault(entry.subject.picture, {})[entry.dimension] = (entry, until)
        elif self._covers(entry.subject):
            self._common[entry.dimension] = (entry, until)

    def _covers(self, subject: Subject) -> bool:
        if subject.generator is not None:
            return subject.generator == self._generator
        return subject.pictures in self._sets

    def of(self, picture: str) -> dict[str, Answer]:
        """Dimension -> the answer that counts for this picture."""
        found = {**self._common, **self._own.get(picture, {})}
        return {name: _told(*found[name]) for name in sorted(found)}

    def tallied(self, picture: str) -> dict[str, Answer]:
        """As `of`, and counted for `lines`."""
        told = self.of(picture)
        for name, answer in told.items():
            counts = self._counts.setdefault(name, {})
            counts[answer] = counts.get(answer, 0) + 1
        return told

    def lines(self) -> dict[str, tuple[Answer, ...]]:
        """Dimension -> the answers that were tallied, each with the number of pictures it counts for."""
        return {
            name: tuple(
                answer.model_copy(update={"pictures": count})
                for answer, count in sorted(counts.items(), key=lambda item: (item[0].given, item[0].model_dump_json()))
            )
            for name, counts in sorted(self._counts.items())
        }


def _told(entry: Attested, until: date | None) -> Answer:
    return Answer(
        answer=entry.answer, by=entry.by, role=entry.role, reason=entry.reason, scope=entry.scope,
        given=entry.at.date().isoformat(), until=until.isoformat() if until else None,
    )  # fmt: skip


def _sets_that_hold(entries: Sequence[Event], pictures: str) -> frozenset[str]:
    """This set and the larger ones that it was left of by erasing: what holds for all of those holds for these."""
    sets = {pictures}
    for entry in reversed(entries):
        if isinstance(entry, Erased) and entry.after in sets:
            sets.add(entry.subject.pictures)
    return frozenset(sets)


NOBODY = Answers((), GENESIS, None, date.min, {})


# --- who is who ----------------------------------------------------------------------------------------


def person(name: str) -> str:
    """What tells two people apart: their name, whatever its case, spaces and way of writing letters.

    >>> person(" A.  Jonas") == person("a. jonas")
    True
    """
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
