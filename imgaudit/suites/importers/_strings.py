"""JSON lists of prompts."""

from __future__ import annotations

from pathlib import Path

from imgaudit.errors import ConfigError
from imgaudit.suites.importers._json import json_items
from imgaudit.suites.importers._table import Row


def string_rows(path: Path) -> list[Row]:
    """The strings of a list as rows with a prompt; anything else in it is refused."""
    rows = []
    for key, line, value in json_items(path):
        if not isinstance(value, str) or not value.strip():
            raise ConfigError(f"{path}:{line}: item {key[:80]!r} is no text; expected a list of prompts")
        rows.append(Row(line, {"prompt": value.strip()}))
    if not rows:
        raise ConfigError(f"{path}:1: the list is empty; expected a list of prompts")
    return rows
