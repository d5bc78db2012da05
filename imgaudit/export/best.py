"""The best picture of a case, and in which order that is told.

First the highest `adherence.match`; among equals the highest `adherence.worst_clause`; then the fewest notes; then the
lowest seed. A measured picture goes before one that could not be measured. Where no picture of a case was measured
nothing is told, unless there is one picture alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from imgaudit.reporters._shared import natural
from imgaudit.types import ImageRecord, Stored

ORDER = (
    "highest adherence.match, then highest adherence.worst_clause, then fewest notes, then lowest seed; "
    "a picture that was measured goes before one that was not"
)


class Best(Stored):
    """The best picture of a case among those that are approved, or why it cannot be told."""

    case: str
    id: str | None
    why: str


def best_of(records: Iterable[ImageRecord]) -> tuple[Best, ...]:
    """The best of each case, by case; pictures without a case are left out."""
    cases: dict[str, list[ImageRecord]] = {}
    for record in records:
        if record.case is not None:
            cases.setdefault(record.case, []).append(record)
    return tuple(_best(case, cases[case]) for case in sorted(cases, key=natural))


def _best(case: str, records: Sequence[ImageRecord]) -> Best:
    if len(records) == 1:
        return Best(case=case, id=records[0].id, why="the only one that is approved")
    measured = [record for record in records if _measure(record, "match") is not None]
    if not measured:
        return Best(case=case, id=None, why="adherence.match was measured on none of them")
    ordered = sorted(measured, key=_key)
    return Best(case=case, id=ordered[0].id, why=_why(ordered))


def _measure(record: ImageRecord, name: str) -> float | None:
    found = (one.measures.get(name) for one in record.findings if one.checker == "adherence")
    return next((value for value in found if value is not None), None)


def _key(record: ImageRecord) -> tuple[float, float, int, int, str]:
    match, worst = _measure(record, "match"), _measure(record, "worst_clause")
    return (
        -(match or 0.0),
        -(worst if worst is not None else -1.0),
        len(record.verdict.notes),
        record.seed if record.seed is not None else 1 << 62,
        record.id,
    )


def _why(ordered: Sequence[ImageRecord]) -> str:
    """The first of the order's steps in which the best differs from the second."""
    if len(ordered) == 1:
        return "the only one on which adherence.match was measured"
    first, second = _key(ordered[0]), _key(ordered[1])
    said = (
        f"highest adherence.match: {-first[0]:.6f}",
        f"equal adherence.match; highest adherence.worst_clause: {-first[1]:.6f}",
        "equal adherence; fewest notes",
        "equal in all that is compared; lowest seed",
        "equal in all that is compared; first by id",
    )
    return next((text for text, a, b in zip(said, first, second, strict=True) if a != b), said[-1])
