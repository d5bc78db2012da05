"""A text file with a prompt a line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from imgaudit.errors import ConfigError
from imgaudit.registry import importer
from imgaudit.suites.importers._table import Row, plain_cases, plain_origin, suite_of
from imgaudit.suites.reading import read_text
from imgaudit.suites.schema import Suite

_REQUIREMENT = re.compile(r"[A-Za-z0-9._-]+(\[[^]]*\])?\s*(==|>=|<=|~=|!=|@)\s*\S+.*")


@importer
class TextLines:
    """Reads a prompt a line; empty lines and lines that start with # are passed over."""

    name: ClassVar[str] = "txt"
    title: ClassVar[str] = "a prompt a line"
    licence: ClassVar[str] = "that of your file"
    plain: ClassVar[bool] = True
    shareable: ClassVar[bool] = True

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether the name ends in .txt and the file is not a list of Python packages."""
        lines = head.decode("utf-8", "ignore").split("\n")
        return path.suffix.lower() == ".txt" and not _lists_packages(path, lines)

    def read(self, path: Path) -> Suite:
        """One case a line."""
        lines = read_text(path).split("\n")
        if _lists_packages(path, lines):
            raise ConfigError(f"{path}:1: this is a list of Python packages; expected a prompt a line")
        told = [(number, line.strip()) for number, line in enumerate(lines, start=1)]
        rows = [Row(number, {"prompt": line}) for number, line in told if line and not line.startswith("#")]
        if not rows:
            raise ConfigError(f"{path}:1: there is no prompt in it; expected a prompt a line")
        return suite_of(path, plain_origin(path), rows, plain_cases(path, rows))


def _lists_packages(path: Path, lines: list[str]) -> bool:
    if path.name.startswith("requirements"):
        return True
    filled = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return bool(filled) and 2 * sum(bool(_REQUIREMENT.fullmatch(line)) for line in filled) > len(filled)
