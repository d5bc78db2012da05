"""`comparison.json`: the comparison as it is on record, for machines.

Lists keep the record's order, which means something (movers stand by how much they moved); mappings over decisions are
put into one order, so that equal comparisons are equal bytes.
"""

from __future__ import annotations

from typing import TypeVar

from imgaudit.comparison import ComparedRuns, Comparison, Side
from imgaudit.types import Decision

T = TypeVar("T")


def _ordered(mapping: dict[Decision, T]) -> dict[Decision, T]:
    return {decision: mapping[decision] for decision in Decision if decision in mapping}


def _side(side: Side) -> Side:
    return side.model_copy(update={"counts": _ordered(side.counts)})


def _stable(comparison: Comparison) -> Comparison:
    flips = comparison.flips
    if flips is not None:
        table = _ordered({decision: _ordered(row) for decision, row in flips.table.items()})
        flips = flips.model_copy(update={"table": table})
    sides = {"base": _side(comparison.base), "candidate": _side(comparison.candidate)}
    return comparison.model_copy(update={**sides, "flips": flips})


def write(compared: ComparedRuns) -> bytes:
    """One JSON object, UTF-8, indented, with a newline at its end."""
    return _stable(compared.comparison).model_dump_json(indent=2).encode() + b"\n"
