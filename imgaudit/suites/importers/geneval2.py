"""GenEval 2 (Meta, 2025): prompts of 3 to 10 atoms with a question for each, from geneval2_data.jsonl."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from imgaudit.errors import ConfigError
from imgaudit.registry import importer
from imgaudit.suites.importers._clauses import Parts, answered, coloured, numbered, stated
from imgaudit.suites.importers._table import Origin, Row, first_object, json_rows, suite_of, told
from imgaudit.suites.importers._words import NUMBERS, singular
from imgaudit.suites.schema import Suite
from imgaudit.types import JSON

_ABOUT = (
    "Prompts whose atoms (objects, counts, attributes, positions, verbs) each have a question. Tags name the number of "
    "atoms. Questions that ask for a number are put so that yes answers them; counts are exact."
)
_ORIGIN = Origin("geneval2", "GenEval 2", _ABOUT, "CC-BY-NC-4.0", "facebookresearch/GenEval2 geneval2_data.jsonl")
_KINDS = {"object": "object", "count": "count", "attribute": "attribute", "position": "relation", "verb": "action"}
_PLACES = "to the left of|to the right of|in front of|on top of|behind|under|above|below|next to"
_COUNTED = re.compile(r"how many (.+) are in the image\?", re.IGNORECASE)
_THERE = re.compile(r"are there any (.+) in the image\?", re.IGNORECASE)
_PLACED = re.compile(rf"(?:is|are) the (.+?) ({_PLACES}) the (.+)\?", re.IGNORECASE)
_DOING = re.compile(r"(?:is|are) the (.+?) (\w+ing(?: \w+)?) the (.+)\?", re.IGNORECASE)
_BEING = re.compile(r"(?:is|are) the (.+) (\S+)\?", re.IGNORECASE)


@importer
class GenEval2:
    """Reads `{"prompt", "atom_count", "vqa_list": [[question, answer]], "skills"}`, a line a case.

    Each question is a clause; counted objects are expected objects too, with their colours.
    """

    name: ClassVar[str] = "geneval2"
    title: ClassVar[str] = "GenEval 2 geneval2_data.jsonl"
    licence: ClassVar[str] = "CC-BY-NC-4.0: not for commercial use; get the file yourself, it is not part of imgaudit"
    plain: ClassVar[bool] = False
    shareable: ClassVar[bool] = False

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether the first line is an object with GenEval 2's keys."""
        return {"prompt", "vqa_list", "skills"} <= first_object(head).keys()

    def read(self, path: Path) -> Suite:
        """One case a line."""
        rows = list(json_rows(path))
        cases = [_case(path, row, number) for number, row in enumerate(rows)]
        return suite_of(path, _ORIGIN, rows, cases)


def _case(path: Path, row: Row, number: int) -> dict[str, JSON]:
    asked, skills = row.value.get("vqa_list"), row.value.get("skills")
    pairs = isinstance(asked, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair) for pair in asked
    )
    if not pairs or not isinstance(asked, list) or not isinstance(skills, list) or len(asked) != len(skills):
        raise ConfigError(
            f"{path}:{row.line}: vqa_list: expected a list of [question, answer] with one skill each, as texts"
        )
    parts = [_parts(question, answer, str(skill)) for (question, answer), skill in zip(asked, skills, strict=True)]
    return {
        "id": f"geneval2-{number:04d}",
        "prompt": told(path, row, "prompt"),
        "expect": {"objects": _objects(parts)},
        "clauses": numbered(parts),
        "tags": [f"atoms:{row.value['atom_count']}"] if isinstance(row.value.get("atom_count"), int) else [],
    }


def _parts(question: str, answer: str, skill: str) -> Parts:
    kind, asked = _KINDS.get(skill, "attribute"), answered(question, answer)
    if found := _COUNTED.fullmatch(question):
        return Parts(kind, f"the number of {found[1]} is {answer}", found[1], answer, question=asked)
    if found := _THERE.fullmatch(question):
        return Parts(kind, stated(question), found[1], question=asked)
    if found := _PLACED.fullmatch(question) or _DOING.fullmatch(question):
        return Parts(kind, stated(question), found[1], found[2], found[3], asked)
    if found := _BEING.fullmatch(question):
        return Parts(coloured(kind, found[2]), stated(question), found[1], found[2], question=asked)
    return Parts(kind, stated(question), question=asked)


def _objects(parts: list[Parts]) -> list[dict[str, JSON]]:
    """What is counted, in order; the colour that is said of it before the next count belongs to it."""
    objects: list[dict[str, JSON]] = []
    for one in parts:
        if one.kind == "count" and one.subject and (one.value or "").lower() in NUMBERS:
            objects.append({"name": singular(one.subject), "count": NUMBERS[(one.value or "").lower()]})
        elif one.kind == "colour" and objects and singular(one.subject or "") == objects[-1]["name"]:
            objects[-1]["color"] = one.value
    return objects
