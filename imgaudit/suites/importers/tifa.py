"""TIFA v1.0 (Hu et al. 2023): 4,081 captions with about 25,000 questions, from its json lists."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from imgaudit.errors import ConfigError
from imgaudit.registry import importer
from imgaudit.suites.importers._clauses import Parts, answered, coloured, numbered, stated
from imgaudit.suites.importers._json import first_value, json_rows_of
from imgaudit.suites.importers._table import Origin, Row, slug, suite_of, told
from imgaudit.suites.schema import Suite
from imgaudit.types import JSON

_ABOUT = (
    "Captions with questions about them. A question with choices is put so that yes answers it right, which is not how "
    "TIFA scores it: TIFA lets a model choose. The tag names the source of the caption."
)
_ORIGIN = Origin("tifa", "TIFA v1.0", _ABOUT, "Apache-2.0", "Yushi-Hu/tifa tifa_v1.0")
_KINDS = {
    "object": "object", "animal/human": "object", "animal": "object", "human": "people", "food": "object",
    "location": "scene", "activity": "action", "counting": "count", "color": "colour", "spatial": "relation",
}  # fmt: skip


@importer
class Tifa:
    """Reads a list of `{"id", "caption", "question", "choices", "answer", "element_type", "element"}`.

    tifa_v1.0_text_inputs.json, the list of captions without questions, is read too.
    """

    name: ClassVar[str] = "tifa"
    title: ClassVar[str] = "TIFA v1.0 json"
    licence: ClassVar[str] = "Apache-2.0: may be copied with its notice"
    plain: ClassVar[bool] = False
    shareable: ClassVar[bool] = True

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether the first item of the list has an id and a caption."""
        key, value = first_value(head)
        return key is None and isinstance(value, dict) and {"id", "caption"} <= value.keys()

    def read(self, path: Path) -> Suite:
        """One case an id, one clause a question."""
        items: dict[str, list[Row]] = {}
        for row in json_rows_of(path):
            items.setdefault(told(path, row, "id", "the caption's id"), []).append(row)
        if not items:
            raise ConfigError(f"{path}:1: the list is empty; expected an object a question")
        cases = [_case(path, identity, rows) for identity, rows in items.items()]
        return suite_of(path, _ORIGIN, [rows[0] for rows in items.values()], cases)


def _case(path: Path, identity: str, rows: list[Row]) -> dict[str, JSON]:
    prompt = told(path, rows[0], "caption", "the prompt")
    for row in rows:
        if told(path, row, "caption", "the prompt") != prompt:
            raise ConfigError(f"{path}:{row.line}: caption: {identity!r} had another before; give one id one caption")
    parts = [_parts(path, row) for row in rows if "question" in row.value]
    source = slug(identity.rpartition("_")[0])
    return {
        "id": identity,
        "prompt": prompt,
        "clauses": numbered(parts),
        "tags": [f"source:{source}"] if source else [],
    }


def _parts(path: Path, row: Row) -> Parts:
    question, answer = told(path, row, "question", "a question"), told(path, row, "answer", "the right answer")
    element = str(row.value.get("element") or "").strip() or None
    kind = _KINDS.get(str(row.value.get("element_type") or "").strip().lower(), "attribute")
    if answer.lower() == "no":
        kind = "negation"
    value = element if answer.lower() in ("yes", "no") else answer
    text = stated(question) if answer.lower() == "yes" else f"{question} {answer}"
    if kind == "object":
        return Parts(kind, text, value, question=answered(question, answer))
    return Parts(coloured(kind, value), text, None, value, question=answered(question, answer))
