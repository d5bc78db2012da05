"""What a suite is: a named list of cases, consistent or not built at all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Literal

from pydantic import Field, model_validator

from imgaudit.digest import digest
from imgaudit.types import JSON, Case, Stored
from imgaudit.yamlfile import Place

MAX_CASES = 100_000
MAX_PROMPT = 20_000
"""Characters of one prompt."""

ID_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
"""Ids become parts of file names on every system, so they hold nothing that a file system could misread."""

_ID = re.compile(ID_PATTERN)


class SuiteProblem(ValueError):
    """Something in a suite that its schema alone cannot see; `place` is the way to the field."""

    def __init__(self, place: Place, problem: str) -> None:
        super().__init__(problem)
        self.place = place


class Defaults(Stored):
    """What every case of the suite has unless it says otherwise; tags are added to the case's own."""

    width: int | None = Field(default=None, ge=16, le=8192, description="width in pixels")
    height: int | None = Field(default=None, ge=16, le=8192, description="height in pixels")
    negative: str | None = Field(default=None, description="negative prompt")
    lang: str | None = Field(default=None, description="language of the prompts, as in BCP 47")
    tags: tuple[str, ...] = Field(default=(), description="a list of words")


class Suite(Stored):
    """A named list of cases. Its ids are unique and safe as file names, its references and relations make sense."""

    format: Literal["imgaudit-suite/1"] = Field(default="imgaudit-suite/1", description="the words imgaudit-suite/1")
    name: str = Field(description=f"a name that matches {ID_PATTERN}")
    title: str = Field(min_length=1, description="one line")
    about: str = Field(default="", description="what the suite is for, and its limits")
    licence: str = Field(min_length=1, description="an SPDX identifier, or words")
    source: str | None = Field(default=None, description="where the prompts come from")
    defaults: Defaults | None = Field(default=None, description="a mapping of width, height, negative, lang, tags")
    cases: tuple[Case, ...] = Field(description=f"a list of 1 to {MAX_CASES:,} cases")

    @model_validator(mode="after")
    def _consistent(self) -> Suite:
        for problem in _problems(self):
            raise problem
        return self

    @cached_property
    def digest(self) -> str:
        """Hex sha256 of everything in the suite, with its defaults written out."""
        return digest(written(self.resolved()))

    def resolved(self) -> Suite:
        """The same suite with the defaults written into its cases."""
        if self.defaults is None:
            return self
        cases = tuple(_with_defaults(case, self.defaults) for case in self.cases)
        return self.model_copy(update={"cases": cases, "defaults": None})


def written(suite: Suite) -> dict[str, JSON]:
    """The suite as the JSON value that a file holds: what is left at its default is left out."""
    value = suite.model_dump(mode="json", exclude_defaults=True)
    return {"format": suite.format, **value}


def _with_defaults(case: Case, defaults: Defaults) -> Case:
    plain = ("width", "height", "negative", "lang")
    values = {name: getattr(defaults, name) for name in plain if name not in case.model_fields_set}
    changed = {name: value for name, value in values.items() if value is not None}
    tags = case.tags + tuple(tag for tag in defaults.tags if tag not in case.tags)
    return case.model_copy(update={**changed, "tags": tags})


def _problems(suite: Suite) -> Iterator[SuiteProblem]:
    if not _ID.fullmatch(suite.name):
        yield SuiteProblem(("name",), f"{suite.name[:80]!r} is no name; expected a text that matches {ID_PATTERN}")
    if not 1 <= len(suite.cases) <= MAX_CASES:
        yield SuiteProblem(("cases",), f"there are {len(suite.cases):,}; expected 1 to {MAX_CASES:,}")
    seen: dict[str, int] = {}
    for index, case in enumerate(suite.cases):
        place: Place = ("cases", index)
        first = seen.setdefault(case.id.casefold(), index)
        if first != index:
            yield SuiteProblem(
                (*place, "id"),
                f"the id {case.id!r} is already that of cases[{first}] (capitals do not count); give each case its own",
            )
        yield from _problems_of(case, place)


def _problems_of(case: Case, place: Place) -> Iterator[SuiteProblem]:
    if not _ID.fullmatch(case.id):
        yield SuiteProblem(
            (*place, "id"), f"{case.id[:80]!r} is not safe in a file name; expected a text that matches {ID_PATTERN}"
        )
    yield from _prompt_problems(case, place)
    yield from _clause_problems(case, place)
    yield from _relation_problems(case, place)
    yield from _skew_problems(case, place)


def _prompt_problems(case: Case, place: Place) -> Iterator[SuiteProblem]:
    if case.prompt is None or not case.prompt.strip():
        yield SuiteProblem((*place, "prompt"), f"the case {case.id!r} has no prompt; expected some text")
        return
    if len(case.prompt) > MAX_PROMPT:
        yield SuiteProblem(
            (*place, "prompt"), f"{len(case.prompt):,} characters are too long; expected at most {MAX_PROMPT:,}"
        )
    if bad := _unprintable(case.prompt):
        yield SuiteProblem((*place, "prompt"), f"holds the control character U+{ord(bad):04X}; expected printable text")
    for index, text in enumerate(case.expect.text or ()):
        if bad := _unprintable(text):
            problem = f"holds the control character U+{ord(bad):04X}; expected printable text"
            yield SuiteProblem((*place, "expect", "text", index), problem)
    for kind, foils in case.foils.items():
        if not foils or case.prompt in foils:
            what = "has no foils" if not foils else "holds the prompt itself"
            yield SuiteProblem((*place, "foils", kind), f"{what}; expected prompts that the picture must not show")


def _clause_problems(case: Case, place: Place) -> Iterator[SuiteProblem]:
    """Clauses have ids of their own and stand on clauses above or below them, never in a circle."""
    names: set[str] = set()
    for index, clause in enumerate(case.clauses):
        if clause.id in names:
            yield SuiteProblem((*place, "clauses", index, "id"), f"{clause.id!r} stands twice; give each its own")
        names.add(clause.id)
        for text in (clause.text, clause.subject, clause.value, clause.to, clause.question):
            if bad := _unprintable(text or ""):
                problem = f"holds the control character U+{ord(bad):04X}; expected printable text"
                yield SuiteProblem((*place, "clauses", index), problem)
    parents = {clause.id: clause.after for clause in case.clauses}
    for index, clause in enumerate(case.clauses):
        for parent in clause.after:
            if parent not in names or clause.id in ancestry(parent, parents):
                problem = f"{parent[:40]!r} is no other clause of this case, or stands on this one itself"
                yield SuiteProblem((*place, "clauses", index, "after"), problem)


def ancestry(name: str, parents: Mapping[str, Sequence[str]]) -> set[str]:
    """A clause and all that it stands on."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(parents.get(one, ()))
    return found


def _unprintable(text: str) -> str | None:
    return next((sign for sign in text if unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\n\t"), None)


def _relation_problems(case: Case, place: Place) -> Iterator[SuiteProblem]:
    objects = case.expect.objects
    for index, thing in enumerate(objects):
        if (thing.relation is None) != (thing.to is None):
            yield SuiteProblem(
                (*place, "expect", "objects", index), "has only one of 'relation' and 'to'; expected both or neither"
            )
        elif thing.to is not None and (thing.to == index or not 0 <= thing.to < len(objects)):
            yield SuiteProblem(
                (*place, "expect", "objects", index, "to"),
                f"{thing.to} names no other object; expected an index from 0 to {len(objects) - 1} that is not {index}",
            )


def _skew_problems(case: Case, place: Place) -> Iterator[SuiteProblem]:
    if case.skew is None or case.skew.reference is None:
        return
    shares = case.skew.reference
    if len(shares) < 2:
        problem = "names fewer than two groups; expected at least two"
    elif min(shares.values()) < 0:
        problem = "holds a share below 0; expected shares from 0 to 1"
    elif abs(sum(shares.values()) - 1) > 1e-3:
        problem = f"adds up to {sum(shares.values()):.4g}; expected 1 (within 0.001)"
    else:
        return
    yield SuiteProblem((*place, "skew", "reference"), problem)
