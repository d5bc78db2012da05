"""Decisions of people: an append-only log beside the record, and which of its answers count on a day.

`decisions.jsonl` holds one decision a line in RFC 8785's canonical JSON. Every line carries the sha256 of the line
before it, so that an edit, a deletion or a change of order breaks the chain at that place. A chain alone cannot show
that lines were cut off its end: for that, the head (number of lines and digest of the last one) is signed with an
Ed25519 key into `decisions.head.json`, and whoever has both files of an earlier day can still put them back, so the
head is worth keeping elsewhere too.

Lines name a picture by the digest of its pixels and never by its path, so that a picture can be erased and the log
still holds. What a person wrote in words lies in `notes.json` (readable by its owner alone); the log holds a salted
digest of it, so that a note can be erased as well.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
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
from imgaudit.types import JSON, Stored

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

LOG, HEAD, NOTES = "decisions.jsonl", "decisions.head.json", "notes.json"
GENESIS = "0" * 64
HEAD_TYPE = "application/vnd.imgaudit.decisions-head+json"
MAX_LINE = 16 << 10
GENERATOR_FACTS = ("spec", "generator", "model", "revision", "weights")

Scope = Literal["picture", "run", "generator"]
_RANK: dict[str, int] = {"picture": 0, "run": 1, "generator": 2}
_Name = Annotated[str, Field(min_length=1, max_length=200)]
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
    reason: str = Field(pattern=r"^[a-z][a-z0-9-]{1,63}$")
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
    reason: str = Field(pattern=r"^[a-z][a-z0-9-]{1,63}$")
    after: _Sha256 | None = Field(description="the set that is left; null when the whole run was erased")


Entry = Annotated[Attested | Erased, Field(discriminator="action")]
_ENTRY: TypeAdapter[Attested | Erased] = TypeAdapter(Entry)


def line_of(entry: Attested | Erased) -> bytes:
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

    entries: tuple[Attested | Erased, ...] = ()
    head: str = GENESIS
    torn: int = 0


def has_decisions(folder: Path) -> bool:
    """Whether anyone has decided anything about this run."""
    return (folder / LOG).is_file()


def read_log(folder: Path) -> Chain:
    """All decisions. Raises RunError at the first line that does not follow from the one before it."""
    try:
        with (folder / LOG).open("rb") as stream:
            return _read(stream)
    except FileNotFoundError:
        return Chain()


def _read(stream: IO[bytes]) -> Chain:
    entries: list[Attested | Erased] = []
    head, torn = GENESIS, 0
    while line := stream.readline(MAX_LINE + 1):
        number = len(entries) + 1
        if not line.endswith(b"\n"):
            if len(line) > MAX_LINE:
                raise _broken(number, f"is longer than {MAX_LINE >> 10} KiB")
            torn = len(line)
            break
        entries.append(_entry(line[:-1], number, head))
        head = digest_bytes(line[:-1])
    return Chain(tuple(entries), head, torn)


def _entry(line: bytes, number: int, head: str) -> Attested | Erased:
    try:
        value = json.loads(line)
        entry = _ENTRY.validate_python(value) if not isinstance(value, dict) else _ENTRY.validate_json(line)
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

    action: Literal["attest", "erase"]
    subject: Subject
    reason: str
    by: str | None = None
    role: str | None = None
    more: Mapping[str, JSON] = field(default_factory=dict)
    note: str | None = None


def append(
    folder: Path, facts: Sequence[Facts], now: datetime, key: Ed25519PrivateKey | None = None
) -> tuple[Attested | Erased, ...]:
    """Write decisions to the end of the log, on disk before this returns; with a key, sign the new head.

    A torn last line, left by a write that was cut off, is dropped first. Nothing is written when the chain is broken.
    """
    with (folder / LOG).open("ab+") as stream, _locked(stream):
        stream.seek(0)
        chain = _repaired(stream, _read_all(stream), _stored_head(folder))
        notes = {name: note for fact in facts if fact.note for name, note in [_salted(fact.note)]}
        written = _chained(chain, facts, now, list(notes))
        if notes:
            _replace_private(folder / NOTES, canonical({**read_notes(folder), **notes}))
        stream.seek(0, os.SEEK_END)
        stream.write(b"".join(line_of(entry) + b"\n" for entry in written))
        stream.flush()
        os.fsync(stream.fileno())
        if key is not None:
            _sign_head(folder, len(chain.entries) + len(written), digest_bytes(line_of(written[-1])), key)
    _settle(folder)
    return written


def _read_all(stream: IO[bytes]) -> Chain:
    chain = _read(stream)
    if not chain.torn:
        return chain
    # a line that lacks its newline alone is whole: it must not be dropped
    stream.seek(-chain.torn, os.SEEK_END)
    line = stream.read()
    try:
        entry = _entry(line, len(chain.entries) + 1, chain.head)
    except RunError:
        return chain
    stream.write(b"\n")
    return Chain((*chain.entries, entry), digest_bytes(line), 0)


def _repaired(stream: IO[bytes], chain: Chain, head: _Head | None) -> Chain:
    if head is not None and head.lines > len(chain.entries):
        raise RunError(f"{LOG}: the signed head counts {head.lines} lines and {len(chain.entries)} are there; "
                       "lines were cut off the end. Put back the copy that was kept elsewhere")  # fmt: skip
    if chain.torn:
        stream.truncate(stream.seek(-chain.torn, os.SEEK_END))
    return chain._replace(torn=0)


def _chained(
    chain: Chain, facts: Sequence[Facts], now: datetime, notes: Sequence[str]
) -> tuple[Attested | Erased, ...]:
    """The lines to be written; `notes` are the names of the notes of those facts that have one, in order."""
    written: list[Attested | Erased] = []
    head = chain.head
    named = iter(notes)
    for number, fact in enumerate(facts, start=len(chain.entries)):
        value: dict[str, Any] = {
            "seq": number, "prev": head, "at": now.astimezone(UTC).replace(microsecond=0), "action": fact.action,
            "subject": fact.subject, "by": fact.by, "role": fact.role, "reason": fact.reason, **fact.more,
        }  # fmt: skip
        if fact.note:
            value["note"] = next(named)
        try:
            entry = _ENTRY.validate_python(value)
            line = line_of(entry)
        except ValidationError as error:
            first = error.errors()[0]
            raise UsageError(f"{first['loc'][-1]} {first['input']!r}: {str(first['msg']).lower()}") from None
        except (rfc8785.CanonicalizationError, UnicodeError):
            raise UsageError("a name holds characters that are no text; write it in UTF-8") from None
        if len(line) >= MAX_LINE:
            raise UsageError("the decision is too long; shorten its texts")
        written.append(entry)
        head = digest_bytes(line)
    return tuple(written)


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
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


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
    """Erase notes; the digests that stay in the log tell nothing without their salts."""
    doomed = set(names)
    notes = read_notes(folder)
    left = {name: note for name, note in notes.items() if name not in doomed}
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
    text = "the head was never signed, so lines that were cut off the end would not be noticed; sign with --key"
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
        entries: Sequence[Attested | Erased],
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


def _sets_that_hold(entries: Sequence[Attested | Erased], pictures: str) -> frozenset[str]:
    """This set and the larger ones that it was left of by erasing: what holds for all of those holds for these."""
    sets = {pictures}
    for entry in reversed(entries):
        if isinstance(entry, Erased) and entry.after in sets:
            sets.add(entry.subject.pictures)
    return frozenset(sets)


NOBODY = Answers((), GENESIS, None, date.min, {})
