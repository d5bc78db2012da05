"""Prompts for pictures that were made elsewhere: a CSV or JSONL beside `imgaudit audit`."""

from __future__ import annotations

import csv
import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imgaudit.digest import digest_bytes
from imgaudit.errors import ConfigError
from imgaudit.types import Case, Expect

COLUMNS = ("file", "prompt", "negative", "seed", "expect_text", "case", "lang", "content", "style")
MAX_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class PromptRow:
    """What a row says of one picture."""

    case: Case
    seed: int | None
    named: bool


class PromptsFile:
    """Rows by picture. `file` is relative to the audited folder, or to the prompts file's own folder."""

    def __init__(self, path: Path, rows: dict[str, PromptRow]) -> None:
        self.path = path
        self.rows = rows
        self.used: set[str] = set()

    @property
    def digest(self) -> str:
        """Hex sha256 of the file."""
        return digest_bytes(self.path.read_bytes())

    def find(self, relative: str, picture: Path) -> PromptRow | None:
        """The row of a picture, by its path in the audited folder or beside the prompts file."""
        names = [relative]
        own = self.path.resolve().parent
        if picture.resolve().is_relative_to(own):
            names.append(picture.resolve().relative_to(own).as_posix())
        for name in names:
            if name in self.rows:
                self.used.add(name)
                return self.rows[name]
        return None

    def unused(self) -> list[str]:
        """Rows whose picture was not among the audited files, sorted."""
        return sorted(set(self.rows) - self.used)


def read_prompts(path: Path) -> PromptsFile:
    """Read a prompts file. Raises ConfigError with the line of the first complaint."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path}: is larger than {MAX_BYTES >> 20} MiB; split it")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text; save it as UTF-8") from None
    lines = _jsonl(path, text) if path.suffix in (".jsonl", ".ndjson") else _csv(path, text)
    rows: dict[str, PromptRow] = {}
    for number, fields in lines:
        name = fields.get("file") or ""
        if not name:
            raise ConfigError(f"{path.name}:{number}: no 'file'; every row names its picture")
        name = Path(name).as_posix().removeprefix("./")
        if name in rows:
            raise ConfigError(f"{path.name}:{number}: {name!r} stands twice; keep one row a picture")
        rows[name] = _row(path, number, name, fields)
    return PromptsFile(path, rows)


def _csv(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(text.splitlines(keepends=True), strict=True)
    _check_columns(path, 1, reader.fieldnames or [])
    try:
        for fields in reader:
            if None in fields:
                raise ConfigError(f"{path.name}:{reader.line_num}: has more values than the header has columns")
            yield reader.line_num, fields
    except csv.Error as error:
        raise ConfigError(f"{path.name}:{reader.line_num}: is not valid CSV: {error}") from None


def _jsonl(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except ValueError as error:
            raise ConfigError(f"{path.name}:{number}: is not valid JSON: {error}") from None
        if not isinstance(fields, dict):
            raise ConfigError(f"{path.name}:{number}: expected an object with 'file' and 'prompt'")
        _check_columns(path, number, list(fields))
        yield number, fields


def _check_columns(path: Path, number: int, names: Any) -> None:
    if "file" not in names or "prompt" not in names:
        raise ConfigError(f"{path.name}:{number}: needs the columns 'file' and 'prompt'; it has: {', '.join(names)}")
    for name in names:
        if name not in COLUMNS:
            near = difflib.get_close_matches(name, COLUMNS, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ConfigError(f"{path.name}:{number}: unknown column {name!r}; {hint}known are: {', '.join(COLUMNS)}")


def _row(path: Path, number: int, name: str, fields: dict[str, Any]) -> PromptRow:
    where = f"{path.name}:{number}"
    case = Case(
        id=str(fields.get("case") or name)[:200],
        prompt=_text(where, "prompt", fields.get("prompt")),
        negative=_text(where, "negative", fields.get("negative")),
        lang=_text(where, "lang", fields.get("lang")) or "en",
        expect=Expect(
            text=_strings(where, fields.get("expect_text")),
            content=_text(where, "content", fields.get("content")),
            style=_text(where, "style", fields.get("style")),
        ),
    )
    return PromptRow(case, _seed(where, fields.get("seed")), bool(fields.get("case")))


def _text(where: str, name: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ConfigError(f"{where}: {name} must be text, got {value!r}")
    return value


def _strings(where: str, value: Any) -> tuple[str, ...] | None:
    """Expected strings: a JSON list, or `|` between strings in CSV; an empty list means no writing at all."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split("|") if part.strip())
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return tuple(value)
    raise ConfigError(f"{where}: expect_text must be text or a list of texts, got {value!r}")


def _seed(where: str, value: Any) -> int | None:
    if value is None or value == "":
        return None
    try:
        seed = int(str(value))
    except ValueError:
        raise ConfigError(f"{where}: seed must be a whole number, got {value!r}") from None
    if seed < 0:
        raise ConfigError(f"{where}: seed must not be negative, got {seed}")
    return seed
