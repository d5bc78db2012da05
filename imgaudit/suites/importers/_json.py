"""JSON files of strangers, item by item, each with the line on which it starts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from imgaudit.errors import ConfigError
from imgaudit.suites.importers._table import Row
from imgaudit.suites.reading import read_text
from imgaudit.types import JSON

_SPACE = re.compile(r"[ \t\r\n]*")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


class _Reader:
    """A place in a text; knows its line without counting from the start each time."""

    def __init__(self, text: str, name: str) -> None:
        self.text, self.name = text, name
        self.at, self.line = 0, 1

    def skip(self) -> str:
        """Pass over white space; the next sign, empty at the end."""
        found = _SPACE.match(self.text, self.at)
        self._move(found.end() if found else self.at)
        return self.text[self.at : self.at + 1]

    def take(self, sign: str) -> None:
        """Pass over a sign that must stand here."""
        if self.skip() != sign:
            raise ConfigError(f"{self.name}:{self.line}: no valid JSON: expected {sign!r}")
        self._move(self.at + 1)

    def value(self) -> JSON:
        """The value that starts here."""
        self.skip()
        try:
            value, end = _DECODER.raw_decode(self.text, self.at)
        except (ValueError, RecursionError) as error:
            what = error.msg.lower() if isinstance(error, json.JSONDecodeError) else str(error)
            line = error.lineno if isinstance(error, json.JSONDecodeError) else self.line
            raise ConfigError(f"{self.name}:{line}: no valid JSON: {what}") from error
        self._move(end)
        return value

    def _move(self, to: int) -> None:
        self.line += self.text.count("\n", self.at, to)
        self.at = to


def json_items(path: Path) -> Iterator[tuple[str, int, JSON]]:
    """Key, line and value of each item of a file that is one list or one object; keys of a list are numbers from 0.

    A key that stands twice is refused: readers disagree which of the two counts.
    """
    reader = _Reader(read_text(path), str(path))
    opening = reader.skip()
    if opening not in ("[", "{"):
        raise ConfigError(f"{path}:1: no JSON list or object; expected '[' or '{{' first")
    closing = "]" if opening == "[" else "}"
    reader.take(opening)
    seen: set[str] = set()
    while reader.skip() != closing:
        if seen:
            reader.take(",")
            reader.skip()
        line = reader.line
        key = str(len(seen)) if opening == "[" else _key(reader)
        if key in seen:
            raise ConfigError(f"{path}:{line}: the key {key[:80]!r} stands twice; keep one")
        seen.add(key)
        yield key, line, reader.value()
    reader.take(closing)
    if reader.skip():
        raise ConfigError(f"{path}:{reader.line}: something follows the end of the JSON; expected one value a file")


def _key(reader: _Reader) -> str:
    key = reader.value()
    if not isinstance(key, str):
        raise ConfigError(f"{reader.name}:{reader.line}: no valid JSON: expected a key in double quotes")
    reader.take(":")
    return key


def json_rows_of(path: Path) -> list[Row]:
    """The objects of a list, or the values of an object, as rows; anything else among them is refused."""
    rows = []
    for key, line, value in json_items(path):
        if not isinstance(value, dict):
            raise ConfigError(f"{path}:{line}: item {key[:80]!r} is no object; expected an object with a prompt")
        rows.append(Row(line, value))
    return rows


def whole_json(path: Path) -> Mapping[str, JSON]:
    """A file that is one JSON object."""
    return {key: value for key, _, value in json_items(path)}


def first_value(head: bytes) -> tuple[str | None, JSON]:
    """Key and value of the first item of a JSON list or object; the key is None in a list. (None, None) if unreadable.

    `head` may be cut off after the first item, and in the middle of a letter.
    """
    reader = _Reader(head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "ignore"), "")
    try:
        opening = reader.skip()
        if opening not in ("[", "{"):
            return None, None
        reader.take(opening)
        key = _key(reader) if opening == "{" else None
        return key, reader.value()
    except ConfigError:
        return None, None


def starts_with_key(head: bytes, key: str) -> bool:
    """Whether a file is a JSON object whose first key is this one; its value may be cut off."""
    text = head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "ignore")
    return re.match(r'\s*\{\s*"' + re.escape(key) + r'"\s*:', text) is not None
