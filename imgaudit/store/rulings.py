"""What people decided about pictures: which decisions count, and what they say of the checkers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from imgaudit.store.decisions import Event, Judged, Undone, person, picture_digest
from imgaudit.types import Decision, ImageRecord, Ruling


class Rulings:
    """What people decided about each picture, as far as it counts.

    A person's last decision about a picture stands until they undo it; then the one before it stands again. Of one
    person or many, the last standing decision counts. A verdict that needs two people counts only when at least two
    stand for it and nobody stands for another; until then the picture is on hold.

    Args:
        entries: the log; `take` adds what was decided since.
        two_people: verdicts that need two people.
        as_of: the last day of which decisions count; None for all.
    """

    def __init__(
        self, entries: Iterable[Event] = (), two_people: frozenset[Decision] = frozenset(), as_of: date | None = None
    ) -> None:
        self._two_people = two_people
        self._as_of = as_of
        self._judged: dict[str, list[Judged]] = {}
        self._undone: dict[int, Undone] = {}
        for entry in entries:
            self.take(entry)

    def take(self, entry: Event) -> None:
        """Count one more line of the log; lines of other kinds change nothing."""
        if self._as_of is not None and entry.at.date() > self._as_of:
            return
        if isinstance(entry, Judged):
            self._judged.setdefault(entry.subject.picture, []).append(entry)
        elif isinstance(entry, Undone):
            self._undone.setdefault(entry.undoes, entry)

    def pictures(self) -> Iterator[str]:
        """The digests of all pictures that someone decided about, in the order of their first decision."""
        return iter(self._judged)

    def standing(self, picture: str) -> tuple[Judged, ...]:
        """The decision that stands of each person, in the order in which they were made."""
        last: dict[str, Judged] = {}
        for entry in self._judged.get(picture, ()):
            if not self._is_undone(entry):
                last[person(entry.by)] = entry
        return tuple(sorted(last.values(), key=lambda entry: entry.seq))

    def undone(self, picture: str) -> int:
        """How many decisions about a picture were taken back."""
        return sum(self._is_undone(entry) for entry in self._judged.get(picture, ()))

    def _is_undone(self, entry: Judged) -> bool:
        undone = self._undone.get(entry.seq)
        # a line about another picture, or of another person, takes nothing back, wherever it came from
        return (
            undone is not None
            and undone.subject.picture == entry.subject.picture
            and person(undone.by) == person(entry.by)
        )

    def of(self, picture: str) -> Ruling | None:
        """What counts for a picture, or None where no decision stands."""
        standing = self.standing(picture)
        if not standing:
            return None
        last = standing[-1]
        votes = {entry.after for entry in standing}
        if self._two_people & votes:
            settled = len(votes) == 1 and len(standing) >= 2
        else:
            settled = True
            standing = tuple(entry for entry in standing if entry.after == last.after)
        return Ruling(
            decision=last.after if settled else Decision.HOLD,
            by=tuple(entry.by for entry in standing),
            role=tuple(entry.role for entry in standing),
            said=tuple(entry.after for entry in standing),
            reason=last.reason,
            given=last.at.date().isoformat(),
            waiting=not settled,
            seq=last.seq,
        )


# --- what people's decisions say of the checkers ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opinion:
    """What people's standing decisions say of one checker on one picture.

    `alarm` is whether a rule over it fired, `defect` whether people say that there is a fault; `presumed` where nobody
    said so in words: whoever decides about a picture and does not dispute its checks is taken to agree with them.
    """

    checker: str
    alarm: bool
    defect: bool
    presumed: bool
    by: tuple[str, ...]


def alarms_of(image: ImageRecord) -> dict[str, frozenset[str]]:
    """For each checker that measured this picture: the codes of its rules that fired, notes included."""
    fired: dict[str, set[str]] = {found.checker: set() for found in image.findings if found.outcome == "measured"}
    verdict = image.verdict
    for reason in (*verdict.reasons, *verdict.holds, *verdict.notes):
        checker = reason.code.partition(".")[0]
        if checker in fired:
            fired[checker].add(reason.code)
    return {checker: frozenset(codes) for checker, codes in fired.items()}


def opinions_of(standing: Sequence[Judged], image: ImageRecord) -> Iterator[Opinion]:
    """What those who decided about a picture say of each checker that measured it.

    Nothing is said of a checker about which people contradict each other, nor of one that asked for more than a note
    where everyone published all the same and nobody called it false: they may have thought it wrong, or minor. A
    dispute that names a code is about that code alone: an alarm is false when each of its codes was disputed.
    """
    asking = {reason.code for reason in (*image.verdict.reasons, *image.verdict.holds)}
    published = all(entry.after is Decision.PUBLISH for entry in standing)
    for checker, codes in alarms_of(image).items() if standing else ():
        disputes = [(entry.by, one) for entry in standing for one in entry.disputes if one.checker == checker]
        false = [(by, one.code) for by, one in disputes if one.says == "false alarm"]
        missed = [by for by, one in disputes if one.says == "missed"]
        denied = {code for _, code in false}
        if false and missed and len({person(by) for by, _ in disputes}) > 1:
            continue
        if codes and (None in denied or codes <= denied):
            yield Opinion(checker, True, False, False, tuple(by for by, _ in false))
        elif not codes and missed:
            yield Opinion(checker, False, True, False, tuple(missed))
        elif not (published and codes & asking):
            yield Opinion(checker, bool(codes), bool(codes), True, tuple(entry.by for entry in standing))


@dataclass(frozen=True, slots=True)
class Label:
    """What people say of one checker on one picture: something to calibrate it with."""

    id: str
    path: str
    pixels: str | None
    checker: str
    verdict: Literal["defect", "fine"]
    by: str
    presumed: bool
    measures: Mapping[str, float]


def labels_of(entries: Iterable[Event], images: Iterable[ImageRecord]) -> Iterator[Label]:
    """A label for each checker that measured a picture on which a decision stands; see `opinions_of`."""
    rulings = Rulings(entries)
    for image in images:
        standing = rulings.standing(picture_digest(image.pixels, image.file))
        if not standing:
            continue
        measures = {found.checker: found.measures for found in image.findings if found.outcome == "measured"}
        for opinion in opinions_of(standing, image):
            yield Label(
                id=image.id, path=image.path, pixels=image.pixels, checker=opinion.checker,
                verdict="defect" if opinion.defect else "fine", by="; ".join(dict.fromkeys(opinion.by)),
                presumed=opinion.presumed, measures=measures[opinion.checker],
            )  # fmt: skip
