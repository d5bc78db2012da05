"""Names that are not written but described: the boy wizard with a lightning scar.

A description is a row of cue groups (`lists/descriptions.tsv`); it is found where every group has a cue within
`SPAN` words, each at a place of its own. Cues are compared without their plural. One name may have several rows. It is
a hint for a person to look, and cannot see descriptions that nobody wrote down.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
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
    return " ".join(_singular(token.plain) for token in tokens(text))


def _singular(word: str) -> str:
    """The word without a final s: the same for a cue and for the text, so it need be no word."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


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
    seen: dict[int, dict[int, dict[int, int]]] = defaultdict(lambda: defaultdict(dict))
    found: dict[int, tuple[int, int]] = {}
    beginnings = _first_words()
    plain = [_singular(word.plain) for word in words]
    for index in range(len(words)):
        if plain[index] not in beginnings:
            continue
        for length in range(1, min(_CUE_WORDS, len(words) - index) + 1):
            cue = " ".join(plain[index : index + length])
            for number, group in table.get(cue, ()):
                seen[number][group][index] = index + length
                if number not in found and (place := _whole(number, seen[number], index)) is not None:
                    found[number] = place
    all_of_them = packaged_descriptions()
    hits: dict[Entry, Hit] = {}
    for number, (first, last) in sorted(found.items()):
        entry = all_of_them[number].entry
        hits.setdefault(entry, Hit(entry, words[first].start, words[last - 1].end, "described", False))
    return list(hits.values())


def _whole(number: int, groups: dict[int, dict[int, int]], index: int) -> tuple[int, int] | None:
    """First and last word of a description whose every group has a cue near, each at a place of its own."""
    wanted = packaged_descriptions()[number].groups
    if len(groups) < len(wanted):
        return None
    near = [{start: end for start, end in places.items() if start >= index - SPAN} for places in groups.values()]
    chosen = _apart(sorted(near, key=len))
    return (min(chosen), max(chosen.values())) if chosen is not None else None


def _apart(groups: Sequence[Mapping[int, int]]) -> dict[int, int] | None:
    """One place of each group, none twice: the latest that is free, groups with few places first."""
    chosen: dict[int, int] = {}
    for places in groups:
        free = [start for start in places if start not in chosen]
        if not free:
            return None
        chosen[free[-1]] = places[free[-1]]
    return chosen
