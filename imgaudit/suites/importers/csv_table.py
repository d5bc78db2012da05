"""A table with a column `prompt`."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from imgaudit.errors import ConfigError
from imgaudit.registry import importer
from imgaudit.suites.importers._table import csv_rows, first_header, plain_cases, plain_origin, suite_of
from imgaudit.suites.schema import Suite


@importer
class CsvTable:
    """Reads comma-separated rows under a header with `prompt`; see `plain_cases` for the other columns."""

    name: ClassVar[str] = "csv"
    title: ClassVar[str] = "a table with a column 'prompt'"
    licence: ClassVar[str] = "that of your file"
    plain: ClassVar[bool] = True
    shareable: ClassVar[bool] = True

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether the header has a column `prompt`."""
        return path.suffix.lower() == ".csv" and "prompt" in first_header(head)

    def read(self, path: Path) -> Suite:
        """One case a row."""
        rows = list(csv_rows(path))
        if not rows:
            raise ConfigError(f"{path}:1: there is no row in it; expected a header with 'prompt' and a row a prompt")
        return suite_of(path, plain_origin(path), rows, plain_cases(path, rows))
