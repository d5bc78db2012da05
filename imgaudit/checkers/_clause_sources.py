"""Which clauses a case has, and who says so: the suite's own, else what it expects, and what the prompt says beside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from imgaudit.prompts.clauses import ABSENT, article, clauses_of, counted, noun_of
from imgaudit.types import Case, Clause, Expect, ExpectedObject

WRITING = "writing"
"""`Clause.subject` where a case says that nothing at all is to be written."""

_OF_THINGS = ("object", "people", "count", "colour", "relation", "negation")
_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Said:
    """A case's clauses and their source; without clauses `why_not` says why there are none."""

    clauses: tuple[Clause, ...]
    source: Literal["suite", "expectation", "expectation and prompt", "prompt", "nothing"]
    why_not: str = ""


def said(case: Case) -> Said:
    """The clauses of a case."""
    if case.clauses:
        return Said(case.clauses, "suite")
    return _said(case.prompt or "", case.expect, case.lang)


@lru_cache(maxsize=_KEPT)
def _said(prompt: str, expect: Expect, lang: str) -> Said:
    expected = _expected(expect)
    if not prompt.strip():
        return Said(expected, "expectation") if expected else Said((), "nothing", "no prompt")
    if not lang.lower().startswith("en"):
        why = f"clauses are read from English prompts, and this one is said to be {lang[:20]!r}"
        return Said(expected, "expectation") if expected else Said((), "nothing", why)
    beside = _beside(clauses_of(prompt), expected, expect)
    if expected:
        return Said((*expected, *beside), "expectation and prompt" if beside else "expectation")
    return Said(beside, "prompt") if beside else Said((), "nothing", "no clause was found in the prompt")


# --- what the suite expects --------------------------------------------------------------------------------------


def _expected(expect: Expect) -> tuple[Clause, ...]:
    made: list[Clause] = []
    things: dict[str, str] = {}
    for thing in expect.objects:
        _thing(thing, made, things)
    for thing in expect.objects:
        _placed(thing, expect.objects, made, things)
    if expect.text is not None:
        made.extend(_writing(expect.text, len(made)))
    if expect.style:
        made.append(_clause(made, "style", f"the style is {expect.style[:500]}", value=expect.style[:500]))
    return tuple(made)


def _clause(made: Sequence[Clause], kind: str, text: str, **parts: Any) -> Clause:
    # suites' strings may be of any length
    cut = {name: value[:500] if isinstance(value, str) else value for name, value in parts.items()}
    return Clause.model_validate({"id": f"e{len(made) + 1}", "kind": kind, "text": text[:2000], **cut})


def _thing(thing: ExpectedObject, made: list[Clause], things: dict[str, str]) -> None:
    """That it is there, its number and its colour; each thing once, however often it is named."""
    name = thing.name
    if thing.count == 0:
        made.append(_clause(made, "negation", f"there is no {name}", subject=name, value=ABSENT))
        return
    if name not in things:
        made.append(_clause(made, "object", f"there is {article(name[:500])}", subject=name))
        things[name] = made[-1].id
    after = (things[name],)
    if thing.count > 1:
        text = counted(name[:500], thing.count)
        made.append(_clause(made, "count", text, subject=name, value=str(thing.count), after=after))
    if thing.color:
        made.append(
            _clause(made, "colour", f"the {name} is {thing.color}", subject=name, value=thing.color, after=after)
        )  # fmt: skip


def _placed(
    thing: ExpectedObject, all_things: Sequence[ExpectedObject], made: list[Clause], things: Mapping[str, str]
) -> None:
    if thing.relation is None or thing.to is None or not 0 <= thing.to < len(all_things) or thing.count == 0:
        return
    other = all_things[thing.to]
    if other is thing or other.count == 0:
        return
    one, two = _told_apart(thing, other)
    after = (things[thing.name], things[other.name])
    made.append(
        _clause(made, "relation", f"the {one} is {thing.relation} the {two}", subject=one, value=thing.relation, to=two,
                after=tuple(dict.fromkeys(after)))
    )  # fmt: skip


def _told_apart(thing: ExpectedObject, other: ExpectedObject) -> tuple[str, str]:
    """Two things of one name are called by their colours."""
    if thing.name != other.name:
        return thing.name, other.name
    return tuple(f"{one.color} {one.name}" if one.color else one.name for one in (thing, other))  # type: ignore[return-value]


def _writing(phrases: Sequence[str], before: int) -> Iterable[Clause]:
    if not phrases:
        yield Clause(
            id=f"e{before + 1}", kind="negation", text="nothing is written", subject=WRITING, value=ABSENT,
            question="Is the picture free of any writing?",
        )  # fmt: skip
    for place, phrase in enumerate(dict.fromkeys(phrases), start=before + 1):
        yield Clause(id=f"e{place}", kind="text", text=f"the writing reads “{phrase[:1000]}”", value=phrase[:2000])


# --- what the prompt says beside ---------------------------------------------------------------------------------


def _beside(parsed: Sequence[Clause], expected: Sequence[Clause], expect: Expect) -> tuple[Clause, ...]:
    """The prompt's clauses that the expectation does not speak of; they rest on the expected things where they can."""
    if not expected:
        return tuple(parsed)
    known = {noun_of(clause.subject): clause.id for clause in expected if clause.kind == "object" and clause.subject}
    absent = {noun_of(clause.subject) for clause in expected if clause.kind == "negation" and clause.subject}
    things = {name for name, _ in (*known, *absent)}
    moved = {
        clause.id: known[noun_of(clause.subject)]
        for clause in parsed
        if clause.subject and clause.kind in ("object", "people") and noun_of(clause.subject) in known
    }
    kept = [clause for clause in parsed if not _spoken_of(clause, things, expect)]
    return tuple(
        clause.model_copy(update={"after": tuple(moved.get(parent, parent) for parent in clause.after)})
        for clause in kept
    )


def _spoken_of(clause: Clause, things: set[str], expect: Expect) -> bool:
    if clause.kind == "text":
        return expect.text is not None
    if clause.kind == "style":
        return bool(expect.style)
    if clause.kind not in _OF_THINGS or not clause.subject:
        return False
    named = {noun_of(name)[0] for name in (clause.subject, clause.to) if name}
    return named <= things
