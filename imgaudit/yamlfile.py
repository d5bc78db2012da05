"""Reading YAML written by strangers: safe tags only, bounded, and every complaint names file and line."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from imgaudit.errors import ConfigError

MAX_BYTES = 8 << 20
MAX_NODES = 200_000
MAX_DEPTH = 24
CORE_TAGS = frozenset({"map", "seq", "str", "int", "float", "bool", "null", "timestamp"})

Place = tuple[str | int, ...]
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
M = TypeVar("M", bound=BaseModel)


@dataclass
class Document:
    """A YAML document and the line of each of its places (a path of keys and indexes)."""

    name: str
    value: Any
    lines: dict[Place, int] = field(default_factory=dict)

    def line(self, place: Sequence[str | int]) -> int:
        """The line of a place, or of the nearest place above it."""
        path = tuple(place)
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def error(self, place: Sequence[str | int], message: str) -> ConfigError:
        """An error that starts with file and line."""
        return ConfigError(f"{self.name}:{self.line(place)}: {message}")


def read_yaml(path: Path, name: str | None = None) -> Document:
    """Read one YAML file. Aliases, non-core tags, duplicate keys and oversized files are refused."""
    shown = name or path.name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{shown}:1: cannot be read: {error.strerror or error}") from None
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{shown}:1: is larger than {MAX_BYTES >> 20} MiB; split it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{shown}:{line}: is not UTF-8; save the file as UTF-8") from None
    return parse_yaml(text, shown)


def parse_yaml(text: str, name: str, most: int = MAX_NODES) -> Document:
    """Parse one YAML text of at most so many values; see `read_yaml`."""
    document = Document(name, None)
    try:
        _refuse_costly(text, document, most)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{name}:{line}: is not valid YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{name}:1: is not valid YAML: {error}") from None
    if node is None:
        raise ConfigError(f"{name}:1: is empty")
    document.value = _value(node, (), document)
    return document


def _refuse_costly(text: str, document: Document, most: int) -> None:
    """Look at the events alone, before a tree is built: aliases, depth and number are bounded."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_Loader)):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise ConfigError(f"{document.name}:{line}: uses a YAML alias (*name), which is refused; write it out")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ConfigError(f"{document.name}:{line}: is nested deeper than {MAX_DEPTH} levels; flatten it")
        if count > most:
            raise ConfigError(f"{document.name}:{line}: has more than {most:,} values; split it")


def _value(node: yaml.Node, place: Place, document: Document) -> Any:
    document.lines[place] = node.start_mark.line + 1
    if node.tag.removeprefix("tag:yaml.org,2002:") not in CORE_TAGS:
        raise document.error(place, f"uses the tag {node.tag!r}, which is refused; write a plain value")
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*place, index), document) for index, child in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, document)
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node)
    except (yaml.YAMLError, ValueError) as error:
        raise document.error(place, f"cannot read this value: {error}") from None


def _mapping(node: yaml.MappingNode, place: Place, document: Document) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
        document.lines[(*place, str(key))] = key_node.start_mark.line + 1
        if key is None:
            raise document.error(place, "a key must be plain text")
        if key in result:
            raise document.error((*place, key), f"the key {key!r} stands twice; keep one")
        result[key] = _value(value_node, (*place, key), document)
        document.lines[(*place, key)] = key_node.start_mark.line + 1
    return result


def validated(document: Document, model: type[M], allowed: Callable[[Place], Iterable[str]] | None = None) -> M:
    """Build a pydantic model from a document; the first complaint is raised with its line."""
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        first = error.errors()[0]
        place = tuple(first["loc"])
        raise document.error(place, _complaint(first, place, allowed)) from None


def _complaint(problem: Any, place: Place, allowed: Callable[[Place], Iterable[str]] | None) -> str:
    where = ".".join(str(part) for part in place) or "the document"
    if problem["type"] == "extra_forbidden":
        names = list(allowed(place[:-1])) if allowed else []
        near = difflib.get_close_matches(str(place[-1]), names, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else (f"; known are: {', '.join(names)}" if names else "")
        return f"unknown key {str(place[-1])!r}{hint}"
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{where}: {message[:1].lower()}{message[1:]}"
