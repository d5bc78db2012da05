"""What all importers share: rows of text files with their line numbers, ids, and the suite made of them.

Files of strangers may be anything. A row keeps the line on which it starts, so that every complaint about a case names
the line of the public file. `_json.py` reads JSON the same way.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from imgaudit.digest import digest, digest_bytes
from imgaudit.errors import ConfigError
from imgaudit.suites.explain import explained
from imgaudit.suites.importers._known import known
from imgaudit.suites.reading import read_bytes, read_text
from imgaudit.suites.schema import Suite
from imgaudit.types import JSON
from imgaudit.yamlfile import Document

_MAX_FIELD = 1 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a file and the line on which it starts."""

    line: int
    value: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Origin:
    """What a public set is called, where it comes from and under which licence.

    `also` names files that were read beside the one that was given, such as its questions.
    """

    name: str
    title: str
    about: str
    licence: str
    source: str
    also: tuple[Path, ...] = ()


def slug(text: str, length: int = 40) -> str:
    """Lower-case ASCII words joined by hyphens: what is safe in an id or a tag.

    >>> slug("Fine-grained Détail ")
    'fine-grained-detail'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:length].strip("-")


def prompt_ids(prompts: Sequence[str]) -> list[str]:
    """Ids made of the prompts themselves, so that a new line changes the id, and the seeds, of no other line."""
    seen: dict[str, int] = {}
    ids = []
    for prompt in prompts:
        stem = f"{slug(prompt) or 'prompt'}-{digest_bytes(prompt.encode())[:8]}"
        seen[stem] = seen.get(stem, 0) + 1
        ids.append(stem if seen[stem] == 1 else f"{stem}-{seen[stem]}")
    return ids


def csv_rows(path: Path, delimiter: str = ",") -> Iterator[Row]:
    """Rows of a table with a header; a row that is wider or narrower than the header is refused."""
    csv.field_size_limit(_MAX_FIELD)
    stream = io.StringIO(read_text(path), newline="")
    if delimiter == "\t":
        reader = csv.reader(stream, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(stream, delimiter=delimiter)
    try:
        header = next(reader, [])
        start = reader.line_num + 1
        for fields in reader:
            if fields and len(fields) != len(header):
                raise ConfigError(
                    f"{path}:{start}: the row has {len(fields)} fields; expected {len(header)}, as in the header. "
                    "Put fields that hold the separator in double quotes"
                )
            if fields:
                yield Row(start, dict(zip(header, fields, strict=True)))
            start = reader.line_num + 1
    except csv.Error as error:
        raise ConfigError(f"{path}:{reader.line_num}: no valid table: {error}; expected CSV") from error


def json_rows(path: Path) -> Iterator[Row]:
    """Objects of a JSON Lines file; empty lines are passed over."""
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{path}:{number}: no valid JSON: {error}; expected one object a line") from error
        if not isinstance(value, dict):
            raise ConfigError(f"{path}:{number}: the line is no object; expected an object with the key 'prompt'")
        yield Row(number, value)


def first_object(head: bytes) -> Mapping[str, JSON]:
    """The first object of a JSON Lines file, empty where the first line is none."""
    line = next((line for line in head.split(b"\n") if line.strip()), b"")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def first_header(head: bytes, delimiter: str = ",") -> list[str]:
    """The column names of a table, empty where the first line is no text."""
    line = head.removeprefix(b"\xef\xbb\xbf").split(b"\n")[0].rstrip(b"\r")
    try:
        return next(csv.reader([line.decode()], delimiter=delimiter), [])
    except (UnicodeDecodeError, csv.Error):
        return []


def suite_of(path: Path, origin: Origin, rows: Sequence[Row], cases: Sequence[Mapping[str, JSON]]) -> Suite:
    """A suite of one case a row; what is wrong with a case is told with the row's line.

    Its source names the public file, its version where the bytes are those of one on record, and digests.
    """
    document = Document(str(path), None, {("cases", index): row.line for index, row in enumerate(rows)})
    data = {
        "name": origin.name,
        "title": origin.title,
        "about": origin.about,
        "licence": origin.licence,
        "source": "; ".join([origin.source, *(_identified(file) for file in (path, *origin.also))]),
        "cases": list(cases),
    }
    try:
        return Suite.model_validate(data)
    except ValidationError as error:
        raise ConfigError(explained(error, document, Suite)) from error


def _identified(path: Path) -> str:
    """A file by name, digest and, where it is known, the commit that it is a verbatim copy of."""
    sha256 = digest_folder(path) if path.is_dir() else digest_bytes(read_bytes(path))
    record = known(sha256)
    commit = f" ({record.path} at {record.commit})" if record else ""
    return f"{path.name}, sha256 {sha256}{commit}"


def digest_folder(folder: Path) -> str:
    """Hex sha256 over the sorted names and contents of a folder's text files."""
    files = sorted(path for path in folder.glob("*.txt") if path.is_file())
    return digest([[path.name, digest_bytes(read_bytes(path))] for path in files])


def beside(root: Path, relative: str) -> Path | None:
    """A regular file below a folder, also once links are followed; None where there is none."""
    path = (root / relative).resolve()
    return path if path.is_file() and path.is_relative_to(root.resolve()) else None


def told(path: Path, row: Row, name: str, what: str = "some text") -> str:
    """A field of a row that must hold text."""
    value = row.value.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"{path}:{row.line}: {name}: there is no text; expected {what}")
    return unix_lines(value).strip()


def unix_lines(text: str) -> str:
    """The text with every end of a line as a line feed."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def plain_origin(path: Path) -> Origin:
    """What is known of a file of prompts that no special reader knows: its name, and its origin if it is on record."""
    name = slug(path.stem) or "prompts"
    record = known(digest_bytes(read_bytes(path)))
    if record is not None:
        return Origin(name, path.stem, "", record.licence, f"{record.repo} {record.path}")
    return Origin(name, path.stem or name, "", "not stated", "a file of prompts")


def refuse_known(path: Path) -> None:
    """Refuse a public file that is on record as something else than prompts."""
    record = known(digest_bytes(read_bytes(path)))
    if record is not None and record.refused:
        raise ConfigError(f"{path}:1: this is {record.repo} {record.path}: {record.refused}")


_NUMBERS = ("seed", "width", "height")
_WORDS = ("id", "negative", "lang", "character")


def plain_cases(path: Path, rows: Sequence[Row]) -> list[dict[str, JSON]]:
    """Cases of rows that have `prompt`.

    Read also are id, negative, lang, character, seed, width, height, tags and expect_text, where they are there; other
    columns are passed over. `tags` is a list, or words between commas; `expect_text` is a list of strings, as
    JSON in a table, or one string.
    """
    prompts = [told(path, row, "prompt", "the words of a prompt") for row in rows]
    cases = []
    for row, prompt, made_id in zip(rows, prompts, prompt_ids(prompts), strict=True):
        case: dict[str, JSON] = {"id": made_id, "prompt": prompt}
        case.update({name: row.value[name] for name in _WORDS if row.value.get(name) not in (None, "")})
        case.update({name: row.value[name] for name in _NUMBERS if row.value.get(name) not in (None, "")})
        if row.value.get("tags"):
            case["tags"] = _listed(row.value["tags"], ",")
        if row.value.get("expect_text"):
            case["expect"] = {"text": _listed(row.value["expect_text"], None)}
        cases.append(case)
    return cases




def _listed(value: JSON, separator: str | None) -> list[JSON]:
    if isinstance(value, list):
        return value
    text = str(value).strip()
    if text.startswith("["):
        try:
            parsed = json.loads(text)
        except ValueError:
            parsed = None
        if isinstance(parsed, list):
            return parsed
    return [text] if separator is None else [part.strip() for part in text.split(separator) if part.strip()]
