"""Names that are not written but described: the boy wizard with a lightning scar.

A description is a row of cue groups (`lists/descriptions.tsv`); it is found where every group has a cue within
`SPAN` words. It is a hint for a person to look, and cannot see descriptions that nobody wrote down.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from imgaudit.prompts.folding import Token, tokens
from imgaudit.prompts.names import Entry, Hit, packaged

SPAN = 30
_CUE_WORDS = 5


@dataclass(frozen=True, slots=True)
class Description:
    """An entry of the lists, and the groups of cues of which each must have one present."""

    entry: Entry
    groups: tuple[frozenset[str], ...]


@cache
def packaged_descriptions() -> tuple[Description, ...]:
    """All rows of the packaged list; ValueError where one describes a name that no list has."""
    text = (resources.files("imgaudit.prompts") / "lists" / "descriptions.tsv").read_text("utf-8")
    known = {(entry.kind, entry.name): entry for entry in packaged()}
    found = []
    for row in csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        entry = known.get((row["kind"], row["name"]))  # type: ignore[arg-type]
        if entry is None:
            raise ValueError(f"descriptions.tsv: {row['kind']} {row['name']!r} is in no list")
        groups = tuple(frozenset(_key(cue) for cue in group.split("|")) for group in row["cues"].split(" & "))
        found.append(Description(entry, groups))
    return tuple(found)


def _key(text: str) -> str:
    return " ".join(token.plain for token in tokens(text))


@cache
def _groups_of() -> dict[str, list[tuple[int, int]]]:
    table: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for number, description in enumerate(packaged_descriptions()):
        for group, cues in enumerate(description.groups):
            for cue in cues:
                table[cue].append((number, group))
    return dict(table)


@cache
def _first_words() -> frozenset[str]:
    return frozenset(cue.split(" ")[0] for cue in _groups_of())


def described(words: Sequence[Token]) -> list[Hit]:
    """The descriptions in a prompt that was split into words; each name once."""
    table = _groups_of()
    seen: dict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
    found: dict[int, tuple[int, int]] = {}
    beginnings = _first_words()
    for index in range(len(words)):
        if words[index].plain not in beginnings:
            continue
        for length in range(1, min(_CUE_WORDS, len(words) - index) + 1):
            cue = " ".join(word.plain for word in words[index : index + length])
            for number, group in table.get(cue, ()):
                seen[number][group] = (index, index + length)
                if number not in found and (place := _whole(number, seen[number], index)) is not None:
                    found[number] = place
    all_of_them = packaged_descriptions()
    return [
        Hit(all_of_them[number].entry, words[first].start, words[last - 1].end, "described", False)
        for number, (first, last) in found.items()
    ]


def _whole(number: int, groups: dict[int, tuple[int, int]], index: int) -> tuple[int, int] | None:
    """First and last word of a description whose every group has a cue near, at different words where possible."""
    wanted = packaged_descriptions()[number].groups
    near = [place for place in groups.values() if place[0] >= index - SPAN]
    if len(near) < len(wanted):
        return None
    return min(first for first, _ in near), max(last for _, last in near)
