"""What is decided, by whom, and what is left: the run under review and its decision log.

Every change goes through the decision log first; what the page shows is worked out from it. Single pictures are judged
at once; the run's own files are written anew when the review begins and when it ends.
"""

from __future__ import annotations

import threading
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from imgaudit.digest import digest_file
from imgaudit.errors import ImgauditError, RunError
from imgaudit.pipeline import asked_by, judge_again, set_digest, verdict_of
from imgaudit.record import Answer, Report
from imgaudit.repair.record import read_repairs
from imgaudit.reporters._thumbnails import concealment
from imgaudit.review.copies import COPIES, Concealed, Copies, Missing
from imgaudit.review.queue import Queue, Row, Wanted, ordered, row_of
from imgaudit.review.records import Records, Side
from imgaudit.rubric import Rubric
from imgaudit.store.decisions import (
    Answers,
    Attested,
    Dispute,
    Event,
    Facts,
    Judged,
    Log,
    OnePicture,
    Subject,
    Undone,
    generator_digest,
    has_decisions,
    person,
    pictures_digest,
)
from imgaudit.store.rulings import Rulings
from imgaudit.store.runfolder import REPAIRS, REVIEW, WORK, RunFolder
from imgaudit.types import Decision, ImageRecord, Ruling, Verdict

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

STRICTER: tuple[Concealed, ...] = ("none", "blurred", "withheld")
Chosen = Literal[Decision.PUBLISH, Decision.EDIT, Decision.REJECT]


class Refused(ImgauditError):
    """A change that is not made; `status` is HTTP's."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class Who:
    """Whoever decides, as they name themselves."""

    by: str
    role: str

    @property
    def person(self) -> str:
        """What tells two people apart."""
        return person(self.by)


@dataclass(frozen=True)
class Setting:
    """What is reviewed, and how.

    Args:
        run: the run folder.
        rubric: who judges.
        roots: where audited files lie, beside those that the run remembers.
        compare: another run, shown side by side.
        key: signs the log's head at every decision.
    """

    run: Path
    rubric: Rubric
    roots: dict[str, Path] = field(default_factory=dict)
    compare: Path | None = None
    key: Ed25519PrivateKey | None = None


@dataclass(frozen=True)
class Judgement:
    """What a person wants to record about a picture; `seen` is the last line of the log about it that they saw."""

    decision: Chosen
    reason: str
    seen: int
    disputes: tuple[Dispute, ...] = ()
    note: str | None = None


@dataclass(frozen=True)
class Reply:
    """What a person answers to the question of a dimension."""

    dimension: str
    answer: Literal["yes", "no", "n/a"]
    reason: str
    note: str | None = None


@dataclass(frozen=True)
class Progress:
    """How far the review is; `mine` is what is open to one person."""

    total: int
    decided: int
    waiting: int
    mine: int

    @property
    def open(self) -> int:
        """Pictures about which nobody has decided."""
        return self.total - self.decided - self.waiting


def checked_name(text: str, what: str) -> str:
    """A name as it is recorded: composed, on one line, with nothing invisible. Raises Refused."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name or len(name) > 100:
        raise Refused(f"the {what} is empty or longer than 100 characters")
    if any(unicodedata.category(sign)[0] == "C" for sign in name):
        raise Refused(f"the {what} holds characters that cannot be seen; write it in letters")
    return name


class Desk:
    """A run under review. Safe to use from several threads; one process reviews a run at a time.

    Args:
        setting: what is reviewed.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.folder = RunFolder.open(setting.run)
        self._refuse_unfinished()
        self._guard = _alone(setting.run)
        try:
            self._begin()
        except BaseException:
            self._guard.close()
            raise

    def _begin(self) -> None:
        setting = self.setting
        self.report: Report = self._judged()
        self.run = self.folder.read_run()
        self._lock = threading.RLock()
        self.records = Records(setting.run / "images.jsonl")
        self._stamp = self.records.stamp()
        self.rows: list[Row] = [row_of(place, record) for place, record in enumerate(self.records)]
        self.order = ordered(self.rows)
        self.rank = [0] * len(self.rows)
        for number, place in enumerate(self.order):
            self.rank[place] = number
        self.finals = [row.first for row in self.rows]
        self._places: dict[str, list[int]] = {}
        self._cases: dict[str, list[int]] = {}
        self._by_id = {row.id: row for row in self.rows}
        for row in self.rows:
            self._places.setdefault(row.digest, []).append(row.place)
            if row.case is not None:
                self._cases.setdefault(row.case, []).append(row.place)
        self._pictures = pictures_digest((row.id, row.digest) for row in self.rows)
        self._generator = generator_digest(self.run)
        self._log = Log(setting.run)
        self._rulings = Rulings((), setting.rubric.two_people)
        self._ruled: dict[str, Ruling] = {}
        self._events: dict[str, list[Event]] = {}
        self._all: list[Event] = []
        self._answers = self._answers_of()
        self._take()
        self._begun = len(self._all)
        self.sides = self._beside()
        self.repairs = read_repairs(setting.run / REPAIRS)
        self.copies = {"own": self._copies(self.folder, setting.roots)}
        self.copies |= {name: self._copies(side.folder, setting.roots) for name, side in self.sides.items()}

    def _judged(self) -> Report:
        """The report, of files that agree with the log: as they are where nobody decided and this rubric judged."""
        report = self.folder.read_report()
        lines = self.setting.run / "images.jsonl"
        if (
            not has_decisions(self.setting.run)
            and report.rubric.digest == self.setting.rubric.digest
            and lines.is_file()
            and digest_file(lines) == report.images_digest
        ):
            return report
        return judge_again(self.setting.run, self.setting.rubric)

    def _refuse_unfinished(self) -> None:
        if (self.setting.run / WORK).exists():
            raise RunError(
                f"{self.setting.run}: this run is being written, or was interrupted; let the command that began it "
                "finish, then review it"
            )

    def _beside(self) -> dict[str, Side]:
        sides = {}
        if self.setting.compare is not None:
            other = RunFolder.open(self.setting.compare)
            title = other.read_report().generator or other.path.resolve().name
            sides["other"] = Side(other, title)
        repairs = self.setting.run / REPAIRS
        if (repairs / "report.json").is_file() and (repairs / "run.json").is_file():
            sides["repaired"] = Side(RunFolder.open(repairs), "repaired")
        return sides

    def _copies(self, folder: RunFolder, roots: dict[str, Path]) -> Copies:
        known = {**folder.read_roots(), **roots}
        kept = self.setting.run / REVIEW / COPIES
        return Copies(lambda record: folder.locate(record.path, known), kept)

    # --- what is known of the log ---

    def _answers_of(self) -> Answers:
        return Answers(self._all, self._pictures, self._generator, _today(), asked_by(self.setting.rubric))

    def _take(self) -> None:
        """Read what the log has gained, and judge what it speaks of."""
        entries = self._log.read().entries
        new = entries[len(self._all) :]
        if not new:
            return
        self._all.extend(new)
        touched: set[str] = set()
        for entry in new:
            self._rulings.take(entry)
            if entry.subject.picture is not None:
                self._events.setdefault(entry.subject.picture, []).append(entry)
                touched.add(entry.subject.picture)
        for digest in touched:
            ruling = self._rulings.of(digest)
            if ruling is None:
                self._ruled.pop(digest, None)
            else:
                self._ruled[digest] = ruling
        common = any(isinstance(entry, Attested) and entry.subject.picture is None for entry in new)
        if any(isinstance(entry, Attested) for entry in new):
            self._answers = self._answers_of()
        places = range(len(self.rows)) if common else [p for d in touched for p in self._places.get(d, ())]
        for place in places:
            self.finals[place] = self.verdict(self.records[place], self.rows[place]).final

    def verdict(self, record: ImageRecord, row: Row) -> Verdict:
        """The verdict of a picture, with what people answered and decided until now."""
        told = self._answers.of(row.digest)
        return verdict_of(record.findings, self.setting.rubric, told, self.ruling(row))

    def fresh(self) -> None:
        """Notice what other commands have written to the log since."""
        with self._lock:
            self._take()

    def ruling(self, row: Row) -> Ruling | None:
        """What people decided about a picture, as far as it counts."""
        return self._ruled.get(row.digest)

    def events(self, row: Row) -> Sequence[Event]:
        """All lines of the log about a picture, oldest first."""
        return tuple(self._events.get(row.digest, ()))

    def standing(self, row: Row) -> tuple[Judged, ...]:
        """The decision of each person that stands about a picture."""
        return self._rulings.standing(row.digest)

    def seen(self, row: Row) -> int:
        """The number of the last decision or undoing about a picture; -1 where there is none."""
        lines = [entry.seq for entry in self.events(row) if isinstance(entry, Judged | Undone)]
        return lines[-1] if lines else -1

    def answers(self, row: Row) -> dict[str, Answer]:
        """Dimension -> the answer that counts for a picture."""
        return self._answers.of(row.digest)

    def shown_as(self, side: str, record: ImageRecord) -> Concealed:
        """How a picture may be shown, of this run or of one beside it.

        A repaired picture is concealed as its original is, and nothing is shown beside what may be abuse material.
        """
        own = self._by_id.get(record.id) if side != "own" else None
        how = concealment(record)
        if own is None or (side != "repaired" and own.concealed != "withheld"):
            return how
        return max(how, own.concealed, key=STRICTER.index)

    # --- the queue ---

    def row(self, place: int) -> Row:
        """The row of a place. Raises Refused for one that is not there."""
        if not 0 <= place < len(self.rows):
            raise Refused(f"the run has no picture {place}; it has {len(self.rows):,}, numbered from 0", 404)
        return self.rows[place]

    def seeds_of(self, row: Row) -> list[Row]:
        """The pictures of the same case, the picture itself among them, by seed."""
        if row.case is None:
            return []
        rows = [self.rows[place] for place in self._cases[row.case]]
        return sorted(rows, key=lambda one: (one.seed is None, one.seed or 0, one.place))

    def is_open_to(self, row: Row, who: Who) -> bool:
        """Whether a picture needs a decision of this person.

        One that waits for a second person is open to everybody who has not decided about it. Where two disagree, it
        comes back to those who decided before the last one did.
        """
        ruling = self.ruling(row)
        if ruling is None:
            return True
        if not ruling.waiting:
            return False
        if len(set(ruling.said)) > 1:
            return who.person in map(person, ruling.by[:-1])
        return who.person not in map(person, ruling.by)

    def queue(self, wanted: Wanted, who: Who, skipped: dict[int, None]) -> Queue:
        """The pictures that a person asked to see."""

        def takes(place: int) -> bool:
            row = self.rows[place]
            return self._in_state(row, wanted.state, who) and wanted.fits(row, self.finals[place])

        with self._lock:
            return Queue(self.order, takes, tuple(skipped) if wanted.state == "open" else ())

    def _in_state(self, row: Row, state: str, who: Who) -> bool:
        if state == "all":
            return True
        if state == "open":
            return self.is_open_to(row, who)
        ruling = self.ruling(row)
        return ruling is not None and ruling.waiting == (state == "waiting")

    def progress(self, who: Who | None = None) -> Progress:
        """How many pictures are decided, wait, and are open to a person."""
        with self._lock:
            states = Counter(self._state(row) for row in self.rows)
            mine = sum(self.is_open_to(row, who) for row in self.rows) if who else 0
        return Progress(len(self.rows), states["decided"], states["waiting"], mine)

    def _state(self, row: Row) -> str:
        ruling = self.ruling(row)
        return "open" if ruling is None else "waiting" if ruling.waiting else "decided"

    def counts(self) -> Counter[Decision]:
        """Pictures by the verdict that counts now."""
        return Counter(self.finals)

    # --- changes ---

    def decide(self, place: int, who: Who, judgement: Judgement) -> Judged:
        """Record a decision. Raises Refused where somebody was faster, or where nothing could be seen or written."""
        with self._lock:
            row = self._changeable(place)
            self._unless_changed(row, judgement.seen)
            if judgement.decision is Decision.PUBLISH:
                self._unless_unseen(row)
            more = {
                "before": str(self.finals[place]), "after": str(judgement.decision),
                "report": self.report.images_digest,
                "disputes": [dispute.model_dump(mode="json") for dispute in judgement.disputes],
            }  # fmt: skip
            subject = OnePicture(pictures=self._pictures, picture=row.digest)
            written = self._write(Facts("judge", subject, judgement.reason, who.by, who.role, more, judgement.note))
            assert isinstance(written, Judged)
            return written

    def undo(self, seq: int, who: Who, reason: str = "changed-mind") -> Row:
        """Take back a decision of one's own, by a new line."""
        with self._lock:
            target = self._all[seq] if 0 <= seq < len(self._all) else None
            if not isinstance(target, Judged):
                raise Refused(f"line {seq + 1} of the log is no decision about a picture", 404)
            places = self._places.get(target.subject.picture)
            if not places:
                raise Refused("the run no longer has the picture of this decision", 404)
            self._changeable(places[0])
            subject = OnePicture(pictures=self._pictures, picture=target.subject.picture)
            self._write(Facts("undo", subject, reason, who.by, who.role, {"undoes": seq}))
            return self.rows[places[0]]

    def last_of(self, who: Who) -> Judged | None:
        """The last decision of a person that stands."""
        for entry in reversed(self._all):
            if not isinstance(entry, Judged) or person(entry.by) != who.person:
                continue
            if any(one.seq == entry.seq for one in self._rulings.standing(entry.subject.picture)):
                return entry
        return None

    def attest(self, place: int, who: Who, reply: Reply) -> None:
        """Record the answer to a question, about the picture or about all, as narrow as the rubric asks."""
        with self._lock:
            row = self._changeable(place)
            entry = self.setting.rubric.dimensions.get(reply.dimension)
            asked = entry.attestation if entry is not None else None
            if asked is None:
                raise Refused(f"no person is asked about {reply.dimension!r} by this rubric", 404)
            subject = Subject(
                pictures=self._pictures,
                picture=row.digest if asked.scope == "picture" else None,
                generator=self._generator if asked.scope == "generator" else None,
            )
            until = None if reply.answer == "no" else (_today() + timedelta(days=asked.valid_days)).isoformat()
            more = {"dimension": reply.dimension, "answer": reply.answer, "scope": asked.scope, "until": until}
            self._write(Facts("attest", subject, reply.reason, who.by, who.role, more, reply.note))

    def _changeable(self, place: int) -> Row:
        row = self.row(place)
        try:
            self._refuse_unfinished()
            stamp = self.records.stamp()
            if stamp != self._stamp:
                if set_digest(self.folder) != self._pictures:
                    raise RunError("the run has other pictures than when this review began")
                self._stamp = stamp  # another command judged it again: the pictures are the same
            self._take()
        except (ImgauditError, OSError) as error:
            raise Refused(f"{error}. Nothing was recorded; end this review and begin it anew", 409) from None
        return row

    def _unless_changed(self, row: Row, seen: int) -> None:
        if self.seen(row) == seen:
            return
        last = next(entry for entry in reversed(self.events(row)) if isinstance(entry, Judged | Undone))
        what = f"decided {last.after} ({last.reason})" if isinstance(last, Judged) else "took a decision back"
        raise Refused(
            f"{last.by} ({last.role}) {what} about this picture at {last.at:%H:%M} UTC, after it was shown to you. "
            "Nothing of yours was recorded; look at it again and decide",
            409,
        )

    def _unless_unseen(self, row: Row) -> None:
        copy = self.copies["own"].copy(self.records[row.place], "view")
        if isinstance(copy, Missing):
            raise Refused(f"What nobody could look at here cannot be published here. {copy.why}", 422)

    def _write(self, facts: Facts) -> Event:
        try:
            written = self._log.append([facts], datetime.now(UTC), self.setting.key)
        except OSError as error:
            why = error.strerror or type(error).__name__
            sentence = f"The decision log cannot be written ({why.lower()}): nothing was recorded, and nothing is lost"
            raise Refused(f"{sentence}. Make room, or make the run folder writable, and decide again", 507) from None
        except RunError as error:
            raise Refused(f"{error}. What you typed is still here", 507) from None
        self._take()
        return written[0]

    # --- the end ---

    def finish(self) -> Report:
        """Write the run's files anew where the log has more than when they were written, and let go of the run."""
        try:
            if len(self._log.read().entries) > self._begun:
                self.report = judge_again(self.setting.run, self.setting.rubric)
        finally:
            self.close()
        return self.report

    def close(self) -> None:
        """Let go of the run."""
        self.records.close()
        for side in self.sides.values():
            side.records.close()
        self._guard.close()


def _today() -> date:
    return datetime.now(UTC).date()


def _alone(run: Path) -> IO[bytes]:
    """Take the run for this process alone. Raises RunError where another one reviews it."""
    folder = run / REVIEW
    folder.mkdir(mode=0o700, exist_ok=True)
    stream = (folder / "lock").open("ab")
    try:
        import fcntl

        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:  # where there are no such locks, one review at a time is the reader's care
        pass
    except OSError:
        stream.close()
        raise RunError(
            f"{run}: is under review already, by another imgaudit review; several people share one: give them links"
        ) from None
    return stream
