"""Clauses of prompts as the reports show them: a table a picture, and a table over the run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imgaudit.reporters._shared import number, one_line
from imgaudit.types import ClauseResult, Finding, ImageRecord

CHECKER = "clauses"
"""The check whose clauses a picture's table shows; others keep theirs in their own findings."""
HOLDS = 0.5
MAX_ROWS = 100


@dataclass(frozen=True, slots=True)
class ClauseRow:
    """One clause as a line of a table: `state` is holds, false or untold, `said` the score or why there is none."""

    id: str
    kind: str
    text: str
    route: str
    state: str
    said: str


@dataclass(frozen=True, slots=True)
class KindLine:
    """All clauses of one kind over the run."""

    kind: str
    clauses: int
    told: int
    holding: int
    mean: float | None
    routes: tuple[tuple[str, int], ...]
    why_not: tuple[tuple[str, int], ...]


def rows(clauses: Sequence[ClauseResult]) -> list[ClauseRow]:
    """The lines of one picture's table, in the order of the clauses; at most a hundred."""
    shown = clauses[:MAX_ROWS]
    false = {one.clause.id for one in shown if one.score is not None and one.score < HOLDS}
    return [_row(one, [parent for parent in one.clause.after if parent in false]) for one in shown]


def _row(one: ClauseResult, false_below: Sequence[str]) -> ClauseRow:
    clause = one.clause
    if one.score is None:
        state, said = "untold", one.reason or "no reason is on record"
    else:
        state, said = "holds" if one.score >= HOLDS else "false", number(one.score)
        if one.score == 0 and false_below:
            said = f"0, as {' and '.join(false_below)} does not hold"
    return ClauseRow(
        clause.id, clause.kind, one_line(clause.text, 300), one.route, state, one_line(said, 400)
    )  # fmt: skip


def of_picture(findings: Iterable[Finding]) -> tuple[ClauseResult, ...]:
    """The clauses that the check of clauses told of a picture."""
    return next((finding.clauses for finding in findings if finding.checker == CHECKER), ())


def by_kind(images: Iterable[ImageRecord]) -> tuple[KindLine, ...]:
    """Clauses of the run by their kind, the commonest first."""
    kinds: dict[str, list[ClauseResult]] = defaultdict(list)
    for record in images:
        for one in of_picture(record.findings):
            kinds[one.clause.kind].append(one)
    return tuple(_line(kind, found) for kind, found in sorted(kinds.items(), key=lambda pair: (-len(pair[1]), pair[0])))


def _line(kind: str, found: Sequence[ClauseResult]) -> KindLine:
    scores = [one.score for one in found if one.score is not None]
    routes = Counter(one.route for one in found if one.score is not None)
    reasons = Counter(one_line(one.reason or "", 160) for one in found if one.score is None)
    return KindLine(
        kind=kind,
        clauses=len(found),
        told=len(scores),
        holding=sum(score >= HOLDS for score in scores),
        mean=sum(scores) / len(scores) if scores else None,
        routes=tuple(sorted(routes.items(), key=lambda pair: (-pair[1], pair[0]))),
        why_not=tuple(sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))[:3]),
    )
