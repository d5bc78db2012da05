"""OneIG-Bench (Chang et al. 2025): 1,120 prompts of five kinds, from OneIG-Bench.csv and OneIG-Bench-ZH.csv."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from imgaudit.errors import ConfigError
from imgaudit.registry import importer
from imgaudit.suites.importers._clauses import Parts, clause, sound_parents, stated
from imgaudit.suites.importers._json import json_items
from imgaudit.suites.importers._listed import listed
from imgaudit.suites.importers._table import Origin, Row, beside, csv_rows, first_header, slug, suite_of, told
from imgaudit.suites.schema import Suite
from imgaudit.types import JSON

_ABOUT = (
    "Prompts of anime and style, portraits, objects, writing and knowledge. Questions are read from Q_D and the "
    "writing that is expected from text_content.csv, where these lie beside the table as in OneIG's repository. "
    "Pictures are rendered as 2 x 2 grids: serve them with folder:DIR;grid=2."
)
_FOLDERS = {
    "anime_stylization": "anime", "portrait": "human", "general_object": "object", "text_rendering": "text",
    "knowledge_reasoning": "reasoning", "multilingualism": "multilingualism",
}  # fmt: skip
_PROMPTS = ("prompt_en", "prompt_cn", "prompt_zh")
_COLUMNS = {"category", "id", "type", "prompt_length", "class"}


@dataclass(frozen=True, slots=True)
class _Beside:
    """What lies beside the table: writing and questions by class and id."""

    texts: Mapping[str, list[str]]
    questions: Mapping[str, Mapping[str, JSON]]
    files: tuple[Path, ...]


@importer
class OneIG:
    """Reads the columns category, id, prompt_en or prompt_cn, type, prompt_length and class."""

    name: ClassVar[str] = "oneig"
    title: ClassVar[str] = "OneIG-Bench csv"
    licence: ClassVar[str] = "none stated: do not redistribute the prompts"
    plain: ClassVar[bool] = False
    shareable: ClassVar[bool] = False

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether the header is that of OneIG-Bench."""
        header = set(first_header(head))
        return header >= _COLUMNS and bool(header & set(_PROMPTS))

    def read(self, path: Path) -> Suite:
        """One case a row; ids are `anime-000`, the folder and file by which OneIG names the pictures."""
        rows = list(csv_rows(path))
        if not rows:
            raise ConfigError(f"{path}:1: there is no row in it; expected a row a prompt")
        column = next(name for name in _PROMPTS if name in rows[0].value)
        chinese = column != "prompt_en"
        known = _read_beside(path.parent, {_folder(row) for row in rows}, chinese)
        cases = [_case(path, row, column, known) for row in rows]
        name = "oneig-zh" if chinese else "oneig"
        source = f"OneIG-Bench/OneIG-Benchmark {path.name}"
        origin = Origin(name, "OneIG-Bench", _ABOUT, "not stated", source, known.files)
        return suite_of(path, origin, rows, cases)


def _folder(row: Row) -> str:
    """The short name that OneIG gives a category's pictures."""
    category = str(row.value["category"]).strip()
    return _FOLDERS.get(category.lower().replace(" ", "_"), slug(category) or "other")


def _case(path: Path, row: Row, column: str, known: _Beside) -> dict[str, JSON]:
    folder, number = _folder(row), told(path, row, "id")
    key = f"{folder}-{number}"
    tags = [folder, *(f"type:{slug(part)}" for part in str(row.value["type"]).split(",") if slug(part))]
    tags += [f"{name}:{slug(value)}" for name, value in _more(row).items()]
    case: dict[str, JSON] = {"id": key, "prompt": told(path, row, column), "tags": tags}
    if column != "prompt_en":
        case["lang"] = "zh"
    if folder == "text" and number in known.texts:
        case["expect"] = {"text": known.texts[number]}
    if key in known.questions:
        case["clauses"] = _clauses(known.questions[key])
    return case


def _more(row: Row) -> dict[str, str]:
    told = {"length": str(row.value["prompt_length"] or ""), "class": str(row.value["class"] or "")}
    return {name: value for name, value in told.items() if slug(value)}


def _read_beside(root: Path, folders: set[str], chinese: bool) -> _Beside:
    tail = "_zh" if chinese else ""
    files: list[Path] = []
    texts: dict[str, list[str]] = {}
    questions: dict[str, Mapping[str, JSON]] = {}
    table = beside(root, f"scripts/text/text_content{tail}.csv")
    if table:
        files.append(table)
        texts = {str(row.value.get("id")): listed(row.value.get("text_content")) for row in csv_rows(table)}
    for folder in sorted(folders):
        found = beside(root, f"scripts/alignment/Q_D/{folder}{tail}.json")
        if found:
            files.append(found)
            questions |= {f"{folder}-{key}": _asked(found, line, value) for key, line, value in json_items(found)}
    return _Beside(texts, questions, tuple(files))


def _asked(path: Path, line: int, value: JSON) -> Mapping[str, JSON]:
    """Questions and their parents; both are objects, or JSON texts of objects."""
    parsed: dict[str, JSON] = {}
    for name in ("question", "dependency"):
        inner = value.get(name) if isinstance(value, dict) else None
        try:
            parsed[name] = json.loads(inner) if isinstance(inner, str) else inner
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{path}:{line}: {name}: no valid JSON: {error}") from error
        if not isinstance(parsed[name], dict):
            raise ConfigError(f"{path}:{line}: {name}: expected an object of numbers")
    return parsed


def _clauses(asked: Mapping[str, JSON]) -> list[dict[str, JSON]]:
    """One clause a question; its kind is told by how the question starts, else it is an attribute."""
    told = {f"c{key}": str(question).strip() for key, question in asked["question"].items()}
    questions = {name: question for name, question in told.items() if question}
    ties = {f"c{key}": ones if isinstance(ones, list) else [] for key, ones in asked["dependency"].items()}
    sound = sound_parents({name: [f"c{one}" for one in ties.get(name, [])] for name in questions})
    return [
        clause(name, Parts(_kind(question), stated(question), question=question, after=sound[name]))
        for name, question in questions.items()
    ]


def _kind(question: str) -> str:
    return "object" if question.lower().startswith(("is there ", "are there ")) else "attribute"
