"""A table in the folder that says which picture is whose.

`prompts.csv`, `prompts.jsonl`, `names.csv` or `names.jsonl` with a row a picture: `file`, and `prompt` or `case`, and
`seed` or `index` where they are known. `names.json` maps case ids or prompts to a file or to a list of files, as
GenEval 2 and TIFA write it. Of several tables the first counts.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from imgaudit.errors import ConfigError
from imgaudit.types import Case

TABLES = ("prompts.csv", "prompts.jsonl", "names.csv", "names.jsonl", "names.json")
_TABLE_BYTES = 64 << 20
_SEED_DIGITS = 20
_OTHER_NAMES = {"image_path": "file", "image": "file", "id": "case"}
"""What other tools, evalscope among them, call the columns."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: a file of the folder, what it shows, and the seed or index if it is known."""

    file: str
    prompt: str | None
    case: str | None
    seed: int | None
    index: int | None


class NameMap:
    """Finds pictures by the table: by case and index, or by prompt, where a row's place among its prompt's counts."""

    name: ClassVar[str] = "name-map"
    title: ClassVar[str] = f"a table {', '.join(TABLES)} that names each picture's case or prompt"

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._by_case: dict[str, list[Row]] = {}
        self._by_prompt: dict[str, list[Row]] = {}
        for row in _rows(files):
            if row.case is not None:
                self._by_case.setdefault(row.case, []).append(row)
            elif row.prompt is not None:
                self._by_prompt.setdefault(row.prompt, []).append(row)

    def rows(self, case: Case) -> Sequence[Row]:
        """The rows of a case, in the table's order: those that name it, else those of its prompt."""
        return self._by_case.get(case.id) or self._by_prompt.get(case.prompt or "", [])

    def row(self, case: Case, index: int, seed: int) -> Row | None:
        """The row of one picture: the one with its seed or index, else number `index` among those with neither."""
        rows = self.rows(case)
        sown = next((row for row in rows if row.seed is not None and row.seed == seed), None)
        if sown is not None:
            return sown
        name = self.pictures(case).get(index)
        return next((row for row in rows if row.file == name), None)

    def pictures(self, case: Case) -> Mapping[int, str]:
        """Rows by their index; those without index and seed count from 0 up."""
        rows = self.rows(case)
        counted = [row.file for row in rows if row.index is None and row.seed is None]
        return {**dict(enumerate(counted)), **{row.index: row.file for row in rows if row.index is not None}}


def table_of(files: Mapping[str, Path]) -> Path | None:
    """The table that counts."""
    return next((files[name] for name in TABLES if name in files), None)


def _rows(files: Mapping[str, Path]) -> Iterator[Row]:
    path = table_of(files)
    if path is None:
        return
    for line, values in _lines(path, path.name):
        row = _row(values, f"{path.name}:{line}")
        if row.file not in files:
            raise ConfigError(f"{path.name}:{line}: {row.file!r} is no file of the folder; expected a name below it")
        yield row


def _lines(path: Path, name: str) -> Iterator[tuple[int, Any]]:
    if path.stat().st_size > _TABLE_BYTES:
        raise ConfigError(f"{name}: larger than {_TABLE_BYTES >> 20} MiB; expected a table of prompts")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: not UTF-8 ({error.reason}); save it as UTF-8") from error
    if name.endswith(".csv"):
        reader = csv.DictReader(io.StringIO(text, newline=""))
        try:
            yield from ((reader.line_num, values) for values in reader)
        except csv.Error as error:
            raise ConfigError(f"{name}:{reader.line_num}: {error}; expected comma-separated values") from error
        return
    if name.endswith(".json"):
        yield from _mapped(text, name)
        return
    for line, content in enumerate(text.splitlines(), start=1):
        if content.strip():
            yield line, _parsed(content, f"{name}:{line}", "one object a line")


def _mapped(text: str, name: str) -> Iterator[tuple[int, Any]]:
    """Rows of `{"case or prompt": "file" | ["file", ...]}`; which of the two a key is, its blanks tell."""
    value = _parsed(text, f"{name}:1", "an object of names and files")
    if not isinstance(value, dict):
        raise ConfigError(f"{name}:1: no object; expected case ids or prompts with their files")
    for key, files in value.items():
        what = "prompt" if any(sign.isspace() for sign in key) else "case"
        for index, file in enumerate(files if isinstance(files, list) else [files]):
            yield 1, {"file": file, what: key, "index": index}


def _parsed(text: str, where: str, expected: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{where}: not JSON ({error}); expected {expected}") from error


def _row(values: Any, where: str) -> Row:
    items = values.items() if isinstance(values, dict) else ()
    told: dict[str, Any] = {_OTHER_NAMES.get(str(name), str(name)): value for name, value in items}
    file, prompt, case = (told.get(name) for name in ("file", "prompt", "case"))
    case = str(case) if isinstance(case, int) else case
    if not isinstance(file, str) or not file or not any(isinstance(one, str) and one for one in (prompt, case)):
        raise ConfigError(f"{where}: 'file' or 'prompt' is missing; expected the columns file and prompt or case")
    return Row(
        PurePosixPath(file).as_posix(),
        prompt if isinstance(prompt, str) and prompt else None,
        case if isinstance(case, str) and case else None,
        _number(told, "seed", where),
        _number(told, "index", where),
    )


def _number(told: Mapping[str, Any], name: str, where: str) -> int | None:
    value = told.get(name)
    if value in (None, ""):
        return None
    if isinstance(value, bool) or not str(value).isdecimal() or len(str(value)) > _SEED_DIGITS:
        raise ConfigError(f"{where}: {name} {str(value)[:40]!r} is no whole number from 0 up")
    return int(str(value))
