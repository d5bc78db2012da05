"""Clauses made of what public suites say about their prompts, and the order in which they depend on each other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from imgaudit.suites.importers._table import unix_lines
from imgaudit.suites.importers._words import COLOURS
from imgaudit.suites.schema import ancestry
from imgaudit.types import JSON

MAX_TEXT = 2000


@dataclass(frozen=True, slots=True)
class Parts:
    """What a clause says, taken apart; None where it was not told."""

    kind: str
    text: str
    subject: str | None = None
    value: str | None = None
    to: str | None = None
    question: str | None = None
    after: tuple[str, ...] = field(default=())


def clause(identity: str, parts: Parts) -> dict[str, JSON]:
    """A clause as the JSON of a suite; what was not told is left out."""
    made: dict[str, JSON] = {"id": identity, "kind": parts.kind, "text": unix_lines(parts.text)[:MAX_TEXT]}
    for name in ("subject", "value", "to", "question"):
        if value := getattr(parts, name):
            made[name] = unix_lines(value)[:MAX_TEXT]
    if parts.after:
        made["after"] = list(parts.after)
    return made


def numbered(parts: Sequence[Parts]) -> list[dict[str, JSON]]:
    """Clauses c1, c2, ... in their order."""
    return [clause(f"c{number}", one) for number, one in enumerate(parts, start=1)]


def sound_parents(wanted: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Parents of each clause, without unknown ones, itself, or any that would close a circle.

    >>> sound_parents({"c1": ["c2"], "c2": ["c1", "c9"], "c3": ["c3", "c1"]})
    {'c1': ('c2',), 'c2': (), 'c3': ('c1',)}
    """
    kept: dict[str, tuple[str, ...]] = {}
    for name, parents in wanted.items():
        sound = (parent for parent in dict.fromkeys(parents) if parent in wanted and parent != name)
        kept[name] = tuple(parent for parent in sound if name not in ancestry(parent, kept))
    return kept


def answered(question: str, answer: str) -> str:
    """A question that yes answers right, made of one that `answer` answers right."""
    question, answer = question.strip(), answer.strip()
    if answer.lower() == "yes":
        return question
    counted = re.fullmatch(r"how many (.+?) are (?:in the (?:image|picture|photo)|there)\??", question, re.IGNORECASE)
    if counted:
        return f"Is the number of {counted[1]} in the image exactly {answer}?"
    return f'Is "{answer}" the right answer to the question: {question}'


def stated(question: str) -> str:
    """A yes-or-no question turned into the statement that yes makes of it; other questions stay.

    >>> stated("Is the truck in front of the toy?"), stated("Are there any cows in the image?")
    ('the truck is in front of the toy', 'there are cows')
    """
    text = question.strip().rstrip("?").strip()
    found = re.fullmatch(r"(is|are) there (?:any )?(.+?)(?: in the (?:image|picture|photo))?", text, re.IGNORECASE)
    if found:
        return f"there {found[1].lower()} {found[2]}"
    found = re.fullmatch(r"(is|are) (the \S+|\S+) (.+)", text, re.IGNORECASE)
    return f"{found[2]} {found[1].lower()} {found[3]}" if found else text


def coloured(kind: str, value: str | None) -> str:
    """`colour` for an attribute whose words are all colours, else the kind itself."""
    words = re.findall(r"[a-z]+", (value or "").lower())
    named = [word for word in words if word not in ("and", "or", "light", "dark", "bright")]
    return "colour" if kind == "attribute" and named and all(word in COLOURS for word in named) else kind
