"""Davidsonian questions: the table that DSG-1k and DPG-Bench share, one row a question, with what it depends on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from imgaudit.errors import ConfigError
from imgaudit.suites.importers._clauses import Parts, clause, coloured, sound_parents
from imgaudit.suites.importers._table import Origin, Row, csv_rows, first_header, slug, suite_of, told
from imgaudit.suites.schema import Suite
from imgaudit.types import JSON

_COLUMNS = ("item_id", "text", "proposition_id", "dependency", "tuple", "question_natural_language")
_CATEGORIES = ("category_broad", "category_detailed")
_DETAILED = {
    "color": "colour", "count": "count", "text": "text", "text rendering": "text", "action": "action", "style": "style",
}  # fmt: skip
_BROAD = {"entity": "object", "attribute": "attribute", "relation": "relation", "global": "style", "other": "attribute"}


def is_table(head: bytes) -> bool:
    """Whether a file starts with the header of such a table."""
    return set(first_header(head)) >= set(_COLUMNS)


def read_table(path: Path, origin: Origin) -> Suite:
    """One case an item, with a clause a question.

    A question that stands on one that is not there, on itself, or in a circle loses that tie, and the suite says how
    many were lost. Of two questions with one number the first is the one that others stand on.
    """
    items: dict[str, list[Row]] = {}
    for row in csv_rows(path):
        items.setdefault(told(path, row, "item_id", "the item's id"), []).append(row)
    if not items:
        raise ConfigError(f"{path}:1: there is no question in it; expected a row a question")
    cases, lost = [], 0
    for identity, rows in items.items():
        made, gone = _case(path, identity, rows)
        cases.append(made)
        lost += gone
    if lost:
        origin = replace(origin, about=f"{origin.about} Ties to questions that are not there, left out: {lost}.")
    return suite_of(path, origin, [rows[0] for rows in items.values()], cases)


def _case(path: Path, identity: str, rows: Sequence[Row]) -> tuple[dict[str, JSON], int]:
    prompt = told(path, rows[0], "text", "the prompt")
    for row in rows:
        if told(path, row, "text", "the prompt") != prompt:
            raise ConfigError(f"{path}:{row.line}: text: {identity!r} had another before; give one id one prompt")
    names = _names(path, rows)
    wanted = {name: _parents(path, row) for name, row in names.items()}
    sound = sound_parents(wanted)
    lost = sum(len(set(wanted[name])) - len(sound[name]) for name in names)
    source = re.sub(r"_?\d+$", "", identity)
    return {
        "id": identity,
        "prompt": prompt,
        "clauses": [clause(name, replace(_parts(path, row), after=sound[name])) for name, row in names.items()],
        "tags": [f"source:{slug(source)}"] if slug(source) else [],
    }, lost


def _names(path: Path, rows: Sequence[Row]) -> dict[str, Row]:
    """Clause ids c<proposition>; a number that comes again gets a mark, so that no question is lost."""
    named: dict[str, Row] = {}
    for row in rows:
        number = told(path, row, "proposition_id", "a number")
        if not re.fullmatch(r"\d{1,4}", number):
            raise ConfigError(f"{path}:{row.line}: proposition_id: {number[:40]!r}; expected a number")
        name = f"c{int(number)}"
        again = sum(known == name or known.startswith(f"{name}-") for known in named)
        named[f"{name}-{again + 1}" if again else name] = row
    return named


def _parents(path: Path, row: Row) -> list[str]:
    """Clauses that a question stands on; 0 means none."""
    numbers = [part.strip() for part in str(row.value.get("dependency") or "").split(",") if part.strip()]
    if not all(re.fullmatch(r"\d{1,4}", number) for number in numbers):
        raise ConfigError(f"{path}:{row.line}: dependency: expected numbers between commas, 0 for none")
    return [f"c{int(number)}" for number in numbers if int(number)]


def _parts(path: Path, row: Row) -> Parts:
    broad, detailed = (str(row.value.get(name) or "").strip().lower() for name in _CATEGORIES)
    kind = _DETAILED.get(detailed) or _BROAD.get(broad, "attribute")
    found = re.search(r"\((.*)\)\s*$", str(row.value["tuple"]), re.DOTALL)
    terms = [term.strip() for term in (found[1] if found else "").split(",") if term.strip()]
    question = told(path, row, "question_natural_language", "a question")
    subject, value, to = _terms(kind, terms)
    kind = coloured(kind, value)
    return Parts(kind, _statement(kind, subject, value, to) or question, subject, value, to, question)


def _terms(kind: str, terms: Sequence[str]) -> tuple[str | None, str | None, str | None]:
    """Subject, value and other thing of `bench`, `cube, denim`, `plates, ==3` or `bench, trees, near`."""
    if not terms:
        return None, None, None
    if kind in ("relation", "action") and len(terms) >= 3:
        return terms[0], ", ".join(terms[2:]), terms[1]
    value = ", ".join(terms[1:]) or None
    if kind == "count" and value:
        value = value.lstrip("=<> ") or None
    return terms[0], value, None


def _statement(kind: str, subject: str | None, value: str | None, to: str | None) -> str | None:
    if subject is None:
        return None
    if value is None:
        return subject
    if kind == "count":
        return f"{value} {subject}"
    return f"{subject} {value} {to}" if to else f"{subject}: {value}"
