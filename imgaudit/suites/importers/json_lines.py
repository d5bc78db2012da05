"""A JSON Lines file whose objects have a key `prompt`."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from imgaudit.errors import ConfigError
from imgaudit.registry import importer
from imgaudit.suites.importers._table import first_object, json_rows, plain_cases, plain_origin, suite_of
from imgaudit.suites.schema import Suite


@importer
class JsonLines:
    """Reads an object a line with the key `prompt`; see `plain_cases` for the other keys."""

    name: ClassVar[str] = "jsonl"
    title: ClassVar[str] = "an object with a key 'prompt' a line"
    licence: ClassVar[str] = "that of your file"
    plain: ClassVar[bool] = True
    shareable: ClassVar[bool] = True

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether the first line is an object with a key `prompt`."""
        return path.suffix.lower() in (".jsonl", ".ndjson") and "prompt" in first_object(head)

    def read(self, path: Path) -> Suite:
        """One case a line."""
        rows = list(json_rows(path))
        if not rows:
            raise ConfigError(f"{path}:1: there is no line in it; expected an object with a key 'prompt' a line")
        return suite_of(path, plain_origin(path), rows, plain_cases(path, rows))
