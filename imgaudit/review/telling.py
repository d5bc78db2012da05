"""What the page is told, in JSON with nothing in it but text, numbers and shapes to draw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from imgaudit.dimensions import BY_ID
from imgaudit.errors import RunError, UsageError
from imgaudit.registry import checkers
from imgaudit.reporters._details import details
from imgaudit.reporters._shared import one_line
from imgaudit.reporters._thumbnails import WITHHELD
from imgaudit.review.copies import VIEW
from imgaudit.review.desk import Desk, Who
from imgaudit.review.queue import Queue, Row
from imgaudit.store.decisions import Attested, Event, Judged, Undone, person, read_notes
from imgaudit.store.rulings import alarms_of
from imgaudit.types import JSON, Decision, ImageRecord

MAX_NEIGHBOURS = 64


def told(desk: Desk, row: Row, who: Who, queue: Queue) -> dict[str, JSON]:
    """All that the page shows of one picture and its place in the queue."""
    record = desk.records[row.place]
    verdict = desk.verdict(record, row)
    record = record.model_copy(update={"verdict": verdict})
    before, after, number = queue.around(row.place, desk.rank)
    ruling = desk.ruling(row)
    return {
        "n": row.place,
        "previous": before,
        "next": after,
        "number": number,
        "total": len(queue),
        "seen": desk.seen(row),
        "open": desk.is_open_to(row, who),
        "picture": _picture(desk, record, "own", row.place),
        "ruling": ruling.model_dump(mode="json") if ruling else None,
        "people": [] if ruling is None else [f"{by} ({role}): {said}" for by, role, said in zip(
            ruling.by, ruling.role, ruling.said, strict=True)],
        "history": list(_history(desk, row, who)),
        "seeds": [_seed(desk, one) for one in desk.seeds_of(row)[:MAX_NEIGHBOURS]],
        "beside": list(_beside(desk, row)),
        "questions": list(_questions(desk, row)),
        "alarms": list(_alarms(record)),
        "silent": list(_silent(record)),
        "progress": _progress(desk, who),
    }  # fmt: skip


def _picture(desk: Desk, record: ImageRecord, side: str, place: int) -> dict[str, JSON]:
    """A picture, what was found on it, and whether there is anything to see."""
    how = desk.shown_as(side, record)
    long = max(record.width or 0, record.height or 0)
    why = WITHHELD if how == "withheld" else None
    return {
        **details(record),
        "side": side,
        "place": place,
        "concealed": how,
        "missing": why,
        "tiled": how == "none" and long > VIEW,
    }


def _seed(desk: Desk, row: Row) -> dict[str, JSON]:
    return {"n": row.place, "id": row.id, "seed": row.seed, "final": str(desk.finals[row.place]),
            "concealed": row.concealed}  # fmt: skip


def _beside(desk: Desk, row: Row) -> Iterator[JSON]:
    """The same case and seed of the other run, and the repaired version."""
    if (other := desk.sides.get("other")) is not None:
        place = other.place_of(row.id)
        said = None if place is not None else "That run has no picture of this case and seed."
        yield _shown_beside(desk, "other", place, said)
    repair = desk.repairs.get(row.id)
    if repair is None or repair.parent != desk.records[row.place].pixels:
        return  # nothing was repaired, or another picture was
    method = f" by {repair.method}" if repair.method else ""
    said = one_line(f"{repair.outcome}{method}: {repair.reason}", 400)
    side = desk.sides.get("repaired")
    place = side.place_of(row.id) if side is not None and repair.outcome == "repaired" else None
    yield _shown_beside(desk, "repaired", place, said)


def _shown_beside(desk: Desk, name: str, place: int | None, said: str | None) -> JSON:
    side = desk.sides.get(name)
    title = side.title if side is not None else name
    picture = _picture(desk, side.records[place], name, place) if side is not None and place is not None else None
    return {"name": name, "title": title, "said": said, "picture": picture}


def _history(desk: Desk, row: Row, who: Who) -> Iterator[JSON]:
    """The log's lines about a picture, oldest first."""
    events = [entry for entry in desk.events(row) if isinstance(entry, Judged | Undone | Attested)]
    notes: Mapping[str, tuple[str, str]] = {}
    if any(entry.note for entry in events):  # all notes are one file, which is read for those pictures alone
        with suppress(RunError):
            notes = read_notes(desk.setting.run)
    standing = {entry.seq for entry in desk.standing(row)}
    for entry in events:
        note = notes.get(entry.note) if entry.note else None
        yield {
            "seq": entry.seq,
            "text": _sentence(entry),
            "note": note[1] if note else "The note was erased." if entry.note else None,
            "undo": entry.seq in standing and person(entry.by) == who.person,
            "stands": not isinstance(entry, Judged) or entry.seq in standing,
        }


def _sentence(entry: Event) -> str:
    when = f"{entry.at:%d %b %Y %H:%M} UTC"
    if isinstance(entry, Judged):
        disputes = "".join(f"; {one.says}: {one.code or one.checker}" for one in entry.disputes)
        return f"{when}: {entry.by} ({entry.role}) decided {entry.after}: {entry.reason}{disputes}"
    if isinstance(entry, Undone):
        return f"{when}: {entry.by} ({entry.role}) took line {entry.undoes + 1} back: {entry.reason}"
    if isinstance(entry, Attested):
        title = BY_ID[entry.dimension].title if entry.dimension in BY_ID else entry.dimension
        return f"{when}: {entry.by} ({entry.role}) answered {entry.answer}: {title}: {entry.reason}"
    return f"{when}: erased"


def _questions(desk: Desk, row: Row) -> Iterator[JSON]:
    """What people are asked about this picture, required questions first."""
    answers = desk.answers(row)
    asked = [(name, entry) for name, entry in desk.setting.rubric.dimensions.items() if entry.attestation is not None]
    for name, entry in sorted(asked, key=lambda item: not item[1].required):
        assert entry.attestation is not None
        answer = answers.get(name)
        said = None
        if answer is not None:
            until = f", until {answer.until}" if answer.until else ""
            said = f"{answer.answer}: {answer.by} ({answer.role}), {answer.reason}, {answer.given}{until}"
        yield {"dimension": name, "title": BY_ID[name].title, "question": BY_ID[name].question,
               "scope": entry.attestation.scope, "required": entry.required,
               "answer": answer.answer if answer else None, "said": said}  # fmt: skip


def _alarms(record: ImageRecord) -> Iterator[JSON]:
    """What fired, so that a person can say that it was a false alarm."""
    fired = alarms_of(record)
    reasons = (*record.verdict.reasons, *record.verdict.holds, *record.verdict.notes)
    told: set[str] = set()
    for reason in reasons:
        checker = reason.code.partition(".")[0]
        if reason.code in fired.get(checker, frozenset()) and reason.code not in told:
            told.add(reason.code)
            yield {"checker": checker, "code": reason.code, "message": reason.message}


def _silent(record: ImageRecord) -> Iterator[JSON]:
    """Checkers that measured and did not complain, so that a person can say what was missed."""
    for checker, fired in sorted(alarms_of(record).items()):
        if fired:
            continue
        with suppress(UsageError):
            facts = checkers.get(checker)
            yield {"checker": checker, "title": facts.title, "codes": [[code, one_line(about, 60)]
                   for code, about in facts.codes.items()]}  # fmt: skip


def _progress(desk: Desk, who: Who) -> dict[str, JSON]:
    now = desk.progress(who)
    counts = desk.counts()
    return {"total": now.total, "decided": now.decided, "waiting": now.waiting, "mine": now.mine, "open": now.open,
            "counts": {str(decision): counts.get(decision, 0) for decision in Decision}}  # fmt: skip
