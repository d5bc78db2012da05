"""A JSON file of prompts: a list of strings, a list of objects with `prompt`, or an object id -> prompt."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from imgaudit.errors import ConfigError
from imgaudit.registry import importer
from imgaudit.suites.importers._json import first_value, json_items, json_rows_of
from imgaudit.suites.importers._strings import string_rows
from imgaudit.suites.importers._table import Row, plain_cases, plain_origin, suite_of
from imgaudit.suites.schema import Suite


@importer
class JsonList:
    """Reads a list of prompts, as HPDv2's benchmark files are, or of objects; see `plain_cases` for their keys."""

    name: ClassVar[str] = "json"
    title: ClassVar[str] = "a JSON list of prompts, or of objects with a key 'prompt', or an object id -> prompt"
    licence: ClassVar[str] = "that of your file"
    plain: ClassVar[bool] = True
    shareable: ClassVar[bool] = True

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether the file is called .json and its first item is a text, or an object with a prompt."""
        key, value = first_value(head)
        object_ = isinstance(value, dict) and isinstance(value.get("prompt"), str)
        return path.suffix.lower() == ".json" and (isinstance(value, str) or (key is None and object_))

    def read(self, path: Path) -> Suite:
        """One case an item."""
        with path.open("rb") as stream:
            key, value = first_value(stream.read(1 << 18))
        if key is not None:
            rows = [Row(line, {"id": name, "prompt": text}) for name, line, text in json_items(path)]
        else:
            rows = string_rows(path) if isinstance(value, str) else json_rows_of(path)
        if not rows:
            raise ConfigError(f"{path}:1: there is no prompt in it; expected a list of prompts")
        return suite_of(path, plain_origin(path), rows, plain_cases(path, rows))
