"""Which pictures a reviewer sees, and in which order: hold, edit, reject, then publish; worst first in each."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from imgaudit.reporters._shared import codes, grounds, natural, one_line
from imgaudit.reporters._thumbnails import concealment
from imgaudit.store.decisions import picture_digest
from imgaudit.types import Decision, ImageRecord

FIRST = (Decision.HOLD, Decision.EDIT, Decision.REJECT, Decision.PUBLISH)
RANK = {decision: rank for rank, decision in enumerate(FIRST)}
MAX_WORDS, MAX_TEXT = 8, 1200

State = Literal["open", "waiting", "decided", "all"]
STATES: tuple[State, ...] = ("open", "waiting", "decided", "all")


@dataclass(frozen=True, slots=True)
class Row:
    """What the queue keeps in memory of one picture; everything else is read from the record when it is shown.

    Attributes:
        place: number of the line in images.jsonl, from 0; how the page addresses the picture.
        digest: what a decision calls the picture by.
        first: the verdict when the review began.
        text: lower-case words that a search looks through.
    """

    place: int
    id: str
    digest: str
    case: str | None
    seed: int | None
    width: int
    height: int
    machine: Decision
    first: Decision
    grounds: int
    why: tuple[str, ...]
    todo: str
    prompt: str
    codes: tuple[str, ...]
    concealed: Literal["none", "blurred", "withheld"]
    text: str


def row_of(place: int, record: ImageRecord) -> Row:
    """The row of a record."""
    why = tuple(one_line(reason.message, 160) for reason in grounds(record))
    found = tuple(codes(record))
    edits = [one_line(edit.instruction, 160) for edit in record.verdict.edits]
    words = (record.id, record.path, record.case or "", record.prompt or "", *found, *why)
    return Row(
        place=place, id=record.id, digest=picture_digest(record.pixels, record.file), case=record.case,
        seed=record.seed, width=record.width or 0, height=record.height or 0, machine=record.verdict.machine,
        first=record.verdict.final, grounds=len(why), why=why[:3], todo=edits[0] if edits else "",
        prompt=one_line(record.prompt or "", 160), codes=found, concealed=concealment(record),
        text=" ".join(words)[:MAX_TEXT].lower(),
    )  # fmt: skip


def ordered(rows: Iterable[Row]) -> list[int]:
    """Places in the order of the queue. It stays as it was when the review began: nothing moves under the hand."""
    return [row.place for row in sorted(rows, key=lambda row: (RANK[row.first], -row.grounds, natural(row.id)))]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reviewer asked to see. Nothing given: everything that is open."""

    state: State = "open"
    verdict: Decision | None = None
    case: str | None = None
    code: str | None = None
    words: tuple[str, ...] = ()

    def fits(self, row: Row, final: Decision) -> bool:
        """Whether a picture is asked for, its state apart."""
        return (
            (self.verdict is None or final == self.verdict)
            and (self.case is None or row.case == self.case)
            and (self.code is None or self.code in row.codes)
            and all(word in row.text for word in self.words)
        )


def words_of(text: str) -> tuple[str, ...]:
    """The words of a search, lower-case."""
    return tuple(text.lower().split()[:MAX_WORDS])


class Queue:
    """Places in the order in which a reviewer walks through them.

    Args:
        order: all places, as `ordered` has them.
        takes: whether a place is in this queue.
        skipped: places that go last, in the order in which they were skipped.
    """

    def __init__(self, order: Sequence[int], takes: Callable[[int], bool], skipped: Collection[int] = ()) -> None:
        late = [place for place in skipped if takes(place)]
        later = set(late)
        self.places = [place for place in order if place not in later and takes(place)] + late
        self._early = len(self.places) - len(late)

    def __len__(self) -> int:
        return len(self.places)

    def around(self, place: int, rank: Sequence[int]) -> tuple[int | None, int | None, int | None]:
        """The places before and after one, and its number from 1; that one need not be in the queue itself.

        Args:
            place: where the reviewer is.
            rank: place -> its number in the order.
        """
        if place in self.places:
            here = self.places.index(place)
            after = here + 1
            number: int | None = here + 1
        else:
            here = after = bisect_left(self.places, rank[place], hi=self._early, key=lambda one: rank[one])
            number = None
        before = self.places[here - 1] if here > 0 else None
        return before, self.places[after] if after < len(self.places) else None, number

    def following(self, place: int, rank: Sequence[int]) -> int | None:
        """Where to go on: the next one, or the first of those that are left before."""
        _, after, number = self.around(place, rank)
        if after is not None or not self.places:
            return after
        first = self.places[0]
        return None if number is not None and first == place else first
