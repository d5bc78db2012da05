"""TIIF-Bench (Wei et al. 2025): pairs of a short and a long prompt by dimension, with yes-or-no questions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from imgaudit.errors import ConfigError
from imgaudit.registry import importer
from imgaudit.suites.importers._clauses import Parts, answered, numbered, stated
from imgaudit.suites.importers._table import Origin, Row, beside, first_object, json_rows, slug, suite_of, told
from imgaudit.suites.schema import Suite
from imgaudit.types import JSON

_ABOUT = (
    "Every line is two cases, the short and the long wording of one request. Questions are read from the file of the "
    "same dimension in the folder of evaluation prompts beside this one, where that lies there with as many lines."
)
_LENGTHS = {"short": "short_description", "long": "long_description"}


@importer
class Tiif:
    """Reads `{"type", "short_description", "long_description"}`, a line a pair.

    A file of questions alone holds no prompt and is refused.
    """

    name: ClassVar[str] = "tiif"
    title: ClassVar[str] = "TIIF-Bench prompts jsonl"
    licence: ClassVar[str] = "none stated: do not redistribute the prompts"
    plain: ClassVar[bool] = False
    shareable: ClassVar[bool] = False

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether the first line is an object of TIIF's prompts or questions."""
        keys = first_object(head).keys()
        return {"type", *_LENGTHS.values()} <= keys or {"type", "yn_question_list"} <= keys

    def read(self, path: Path) -> Suite:
        """Two cases a line; ids are `<type>-<line from 0>-short` and `-long`, as TIIF names its pictures."""
        rows = list(json_rows(path))
        if rows and "short_description" not in rows[0].value:
            raise ConfigError(
                f"{path}:1: questions without prompts; import the file of this dimension from the folder of prompts"
            )
        asked = _questions(path, len(rows))
        clauses = [_clauses(asked, row) for row in json_rows(asked)] if asked else [[] for _ in rows]
        cases = [case for number, row in enumerate(rows) for case in _cases(path, row, number, clauses[number])]
        name = f"tiif-{slug(path.stem) or 'prompts'}"
        source = f"A113N-W3I/TIIF-Bench data/{path.parent.name}/{path.name}"
        origin = Origin(name, f"TIIF-Bench {path.stem}", _ABOUT, "not stated", source, (asked,) if asked else ())
        return suite_of(path, origin, [row for row in rows for _ in _LENGTHS], cases)


def _cases(path: Path, row: Row, number: int, clauses: list[dict[str, JSON]]) -> Iterator[dict[str, JSON]]:
    kind = told(path, row, "type", "the dimension")
    for length, field in _LENGTHS.items():
        yield {
            "id": f"{slug(kind)}-{number:04d}-{length}",
            "prompt": told(path, row, field),
            "clauses": clauses,
            "tags": [slug(kind), f"length:{length}"],
        }


def _questions(path: Path, lines: int) -> Path | None:
    """The file of questions in the folder of evaluation prompts beside the folder of prompts."""
    folder = path.parent.name.removesuffix("_prompts")
    stem = path.stem.removesuffix("_prompts")
    for name in (f"{stem}_eval_prompts.jsonl", path.name):
        found = beside(path.resolve().parent.parent, f"{folder}_eval_prompts/{name}")
        if found and len(list(json_rows(found))) == lines:
            return found
    return None


def _clauses(path: Path, row: Row) -> list[dict[str, JSON]]:
    questions, answers = row.value.get("yn_question_list"), row.value.get("yn_answer_list")
    if not isinstance(questions, list) or not isinstance(answers, list) or len(questions) != len(answers):
        raise ConfigError(f"{path}:{row.line}: yn_question_list: expected questions and as many answers")
    pairs = [(str(question).strip(), str(answer).strip()) for question, answer in zip(questions, answers, strict=True)]
    return numbered([_parts(question, answer) for question, answer in pairs if question])


def _parts(question: str, answer: str) -> Parts:
    if answer.lower() == "no":
        return Parts("negation", f"{question} no", question=answered(question, answer))
    kind = "object" if question.lower().startswith(("is there ", "are there ")) else "attribute"
    return Parts(kind, stated(question), question=answered(question, answer))
