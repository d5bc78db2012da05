"""GenEval's prompts (Ghosh et al. 2023): objects, counts, colours and positions, from evaluation_metadata.jsonl."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from imgaudit.errors import ConfigError
from imgaudit.registry import importer
from imgaudit.suites.importers._table import Origin, Row, first_object, json_rows, suite_of
from imgaudit.suites.schema import Suite
from imgaudit.types import JSON

_ABOUT = (
    "Short prompts over COCO's 80 object names. The tag says the skill. Only cases tagged 'counting' ask for an exact "
    "number: in the others GenEval accepts more objects than the prompt names."
)
_ORIGIN = Origin("geneval", "GenEval", _ABOUT, "MIT", "djghosh13/geneval prompts/evaluation_metadata.jsonl")


@importer
class GenEval:
    """Reads `{"tag", "include": [{"class", "count", "color", "position"}], "exclude", "prompt"}`, a line a case.

    Ids are the five-digit line numbers from 0 that GenEval names its result folders by.
    """

    name: ClassVar[str] = "geneval"
    title: ClassVar[str] = "GenEval evaluation_metadata.jsonl"
    licence: ClassVar[str] = "MIT: may be copied with its notice"
    plain: ClassVar[bool] = False
    shareable: ClassVar[bool] = True

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether the first line is an object with GenEval's keys."""
        return {"tag", "include", "prompt"} <= first_object(head).keys()

    def read(self, path: Path) -> Suite:
        """One case a line, with the included objects as what is expected."""
        rows = list(json_rows(path))
        cases = [_case(path, row, number) for number, row in enumerate(rows)]
        return suite_of(path, _ORIGIN, rows, cases)


def _case(path: Path, row: Row, number: int) -> dict[str, JSON]:
    include = row.value.get("include")
    if not isinstance(include, list) or not all(isinstance(item, dict) and "class" in item for item in include):
        raise ConfigError(f"{path}:{row.line}: include: no list of objects; expected objects with the key 'class'")
    return {
        "id": f"{number:05d}",
        "prompt": row.value.get("prompt"),
        "expect": {"objects": [_object(path, row, item) for item in include] + _absent(row, include)},
        "tags": [str(row.value.get("tag"))],
    }


def _absent(row: Row, include: Sequence[Mapping[str, JSON]]) -> list[dict[str, JSON]]:
    """What must not be there at all: excluded from one on, and not included. GenEval's own file has none."""
    exclude = row.value.get("exclude")
    items = [item for item in exclude if isinstance(item, dict)] if isinstance(exclude, list) else []
    named = [item["class"] for item in include]
    unwanted = (item for item in items if item.get("count") == 1 and item.get("class") not in (None, *named))
    return [{"name": item["class"], "count": 0} for item in unwanted]


def _object(path: Path, row: Row, item: Mapping[str, JSON]) -> dict[str, JSON]:
    expected: dict[str, JSON] = {"name": item["class"], "count": item.get("count", 1)}
    if "color" in item:
        expected["color"] = item["color"]
    position = item.get("position")
    if position is None:
        return expected
    if not isinstance(position, Sequence) or len(position) != 2:
        raise ConfigError(f"{path}:{row.line}: position: {position!r}; expected a relation and the index of an object")
    return {**expected, "relation": position[0], "to": position[1]}
