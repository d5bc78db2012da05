"""Whom and what does the prompt name: artists, real people, characters, marks, children?

Only the prompt's words are read, by the lint of `imgaudit prompt` with its packaged lists, and never the picture. A
name in a prompt says what was asked for. Whether the picture shows it, and whether that is permitted, is answered by a
person: this is help for the questions about artists' styles, likeness and trade marks, and it never clears a picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, ClassVar

from imgaudit.percepts import Metadata
from imgaudit.registry import checker
from imgaudit.types import Abstained, Case, Measure, Measured, Outcome, Percepts, Query

if TYPE_CHECKING:
    from imgaudit.prompts.lint import Linter, PromptFinding

METADATA = Query("metadata")
PROMPT_LENGTH = 20_000
"""Longer prompts are read to here: a checker's time must not depend on what a file says of itself."""
UNREAD = f"; the prompt is longer, and only its first {PROMPT_LENGTH:,} characters were read"
SHOWN = 20
DOUBTFUL = ("rights.perhaps",)
STYLES = ("rights.style-of", "rights.credit")
KINDS: Mapping[str, tuple[str, ...]] = {
    "artists": ("artist",),
    "people": ("person",),
    "marks": ("mark", "character", "work", "agency", "brand"),
}


@checker
class Rights:
    """Names in the prompt, as help for the person who answers for rights."""

    name: ClassVar[str] = "rights"
    title: ClassVar[str] = "Names in the prompt"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("artist-style", "likeness", "trademarks")
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("artists", "names", "none", "artists that the prompt names or describes, and references to a style"),
        Measure("people", "names", "none", "real people that the prompt names or describes"),
        Measure("marks", "names", "none", "marks, characters, works and agencies that the prompt names or describes"),
        Measure("children", "0 or 1", "none", "whether the prompt speaks of children"),
    )
    labels: ClassVar[Mapping[str, str]] = {
        "artists": "the artists that are named, and phrases that point at somebody's style",
        "people": "the real people that are named",
        "marks": "the marks, characters, works and agencies that are named",
        "perhaps": "names that are also plain words, so that the prompt does not say which is meant",
    }
    codes: ClassVar[Mapping[str, str]] = {
        "rights.artist_named": "the prompt names or describes an artist, or points at somebody's style",
        "rights.person_named": "the prompt names or describes a real person",
        "rights.mark_named": "the prompt names or describes a mark, a character, a work or an agency",
        "rights.child_named": "the prompt speaks of children",
        "rights.child_sexual": "the prompt speaks of children in a sexual context: stop and escalate",
    }
    limits: ClassVar[str] = (
        "Only the prompt's words are read, never the picture: what a model drew unasked is not seen. The lists are "
        "English-speaking and not complete (docs/prompts.md tells how many names they miss), so that nothing is found "
        "means nothing. A name is no infringement, and a brief may permit it."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """The file's metadata, for a prompt that stands there."""
        return [METADATA]

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """The names in the case's prompt, or else in the one that the file carries."""
        prompt = case.prompt or _own_prompt(percepts)
        if not prompt:
            return Abstained("no prompt", "give it with --prompts FILE.csv, or audit files that carry their prompt")
        findings = _lint(prompt[:PROMPT_LENGTH])
        named = {kind: _names(findings, kinds) for kind, kinds in KINDS.items()}
        named["artists"] = (*named["artists"], *dict.fromkeys(f.text for f in findings if f.code in STYLES))
        children = {one.code for one in findings if one.code.startswith("people.minor")}
        return Measured(
            measures={**{kind: float(len(names)) for kind, names in named.items()}, "children": float(bool(children))},
            labels=_labels({**named, "perhaps": tuple(dict.fromkeys(f.name for f in findings if f.code in DOUBTFUL))}),
            codes=_codes(named, children),
            message=_message(named, children) + (UNREAD if len(prompt) > PROMPT_LENGTH else ""),
        )


def _own_prompt(percepts: Percepts) -> str | None:
    metadata = percepts.seen(METADATA, Metadata)
    return metadata.source.prompt if isinstance(metadata, Metadata) else None


@cache
def _linter() -> Linter:
    from imgaudit.prompts.lint import Linter  # its lists are read when a picture has a prompt, and not before

    return Linter()


@lru_cache(maxsize=4096)
def _lint(prompt: str) -> tuple[PromptFinding, ...]:
    """The findings about rights and children; a prompt is drawn many times and read once."""
    return tuple(f for f in _linter().lint(prompt).findings if f.code.startswith(("rights.", "people.")))


def _names(findings: Iterable[PromptFinding], kinds: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f.name for f in findings if f.kind in kinds and f.code not in DOUBTFUL))


def _labels(named: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {kind: ", ".join(names[:SHOWN]) for kind, names in named.items() if names}


def _codes(named: Mapping[str, Sequence[str]], children: set[str]) -> tuple[str, ...]:
    fired = {
        "rights.artist_named": named["artists"],
        "rights.person_named": named["people"],
        "rights.mark_named": named["marks"],
        "rights.child_named": children,
        "rights.child_sexual": "people.minor-sexual" in children,
    }
    return tuple(code for code, there in fired.items() if there)


def _message(named: Mapping[str, Sequence[str]], children: set[str]) -> str:
    parts = [f"the prompt names {', '.join(names[:SHOWN])} ({kind})" for kind, names in named.items() if names]
    if "people.minor-sexual" in children:
        parts.append("it speaks of children in a sexual context: do not render or open this, escalate it")
    elif children:
        parts.append("the prompt speaks of children")
    if not parts:
        return "the lists know no name in the prompt; they are not complete"
    return f"{'; '.join(parts)}; whether the picture shows it and may, a person answers"
