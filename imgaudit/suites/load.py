"""Find, read, check and write suites. Every complaint says file, line, field, what is wrong and what is expected."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from imgaudit.errors import ConfigError, UsageError
from imgaudit.registry import importers
from imgaudit.suites.explain import explained, shown
from imgaudit.suites.importers._table import refuse_known
from imgaudit.suites.inputs import checked
from imgaudit.suites.reading import read_bytes, read_text
from imgaudit.suites.schema import Suite, written
from imgaudit.suites.skew_files import filled, named
from imgaudit.yamlfile import Document, parse_yaml

PACKAGED = Path(__file__).parent / "packaged"
_YAML_SUFFIXES = (".yaml", ".yml")
_HEAD = 1 << 18
_MAX_NODES = 1_000_000
"""Values of a SUITE.yaml: a public set of 25,000 questions has 400,000."""
_Dumper: type[Any] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


@dataclass(frozen=True, slots=True)
class SuiteEntry:
    """A line of the list of packaged suites."""

    name: str
    title: str
    about: str
    cases: int


def suite_names() -> list[str]:
    """Names of the packaged suites, sorted; opens no file."""
    return sorted(path.stem for path in PACKAGED.glob("*.yaml"))


def list_suites() -> list[SuiteEntry]:
    """The packaged suites with title, purpose and size. Reads their YAML, checks nothing, imports no model."""
    entries = []
    for name in suite_names():
        path = PACKAGED / f"{name}.yaml"
        value = parse_yaml(path.read_text(encoding="utf-8"), path.name).value
        entries.append(SuiteEntry(name, value["title"], value["about"], len(value["cases"])))
    return entries


def load_suite(name_or_path: str | Path) -> Suite:
    """A packaged suite by its name, or a file: SUITE.yaml, or the file of a public set, or prompts of your own.

    Defaults are written into the cases.
    """
    text = str(name_or_path)
    if text in suite_names():
        return _load_yaml(PACKAGED / f"{text}.yaml")
    path = Path(text)
    if path.suffix.lower() in _YAML_SUFFIXES:
        return _load_yaml(path)
    if path.suffix or path.exists():
        return import_suite(path)
    raise _unknown_suite(text)


def import_suite(path: Path, format_name: str = "auto") -> Suite:
    """Read a public prompt set as it is. `auto` recognises the format by the file's name and first bytes.

    A few formats are folders.
    """
    head = b"" if path.is_dir() else read_bytes(path)[:_HEAD]
    if not path.is_dir():
        refuse_known(path)
    importer = importers.get(recognised(path, head) if format_name == "auto" else format_name)()
    if not importer.plain and not importer.recognise(path, head):
        raise ConfigError(f"{path}:1: this is no {importer.title}; expected that, or another format")
    suite: Suite = importer.read(path)
    return suite


def recognised_format(path: Path) -> str:
    """Name of the importer that knows a file or folder."""
    return recognised(path, b"" if path.is_dir() else read_bytes(path)[:_HEAD])


def recognised(path: Path, head: bytes) -> str:
    """Name of the importer that knows the file; a special one goes before the plain ones."""
    known = [(importer.plain, name) for name, importer in importers.items() if importer().recognise(path, head)]
    if not known:
        raise ConfigError(
            f"{path}:1: the format is not recognised; expected a SUITE.yaml or one of: {', '.join(importers.names())}. "
            "Plain tables need a column 'prompt'"
        )
    return min(known)[1]


def dump_suite(suite: Suite) -> str:
    """The suite as the text of a SUITE.yaml, which loads as an equal suite."""
    return str(yaml.dump(written(suite), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=118))


def suite_from(document: Document) -> Suite:
    """Check a value that was read from a file and make it a suite, defaults written out."""
    if not isinstance(document.value, dict):
        keys = ", ".join(Suite.model_fields)
        raise ConfigError(f"{document.name}:1: no mapping; expected the keys of a suite: {keys}")
    if document.value.get("format") != "imgaudit-suite/1":
        found = document.value.get("format")
        raise ConfigError(f"{document.name}:1: format: {shown(found)} is unknown; expected 'format: imgaudit-suite/1'")
    try:
        return Suite.model_validate(document.value).resolved()
    except ValidationError as error:
        raise ConfigError(explained(error, document, Suite)) from error


def _load_yaml(path: Path) -> Suite:
    document = parse_yaml(read_text(path), str(path), _MAX_NODES)
    suite = suite_from(document)
    if named(suite):
        suite = filled(suite, path.parent, document)
    if any(case.image or case.mask for case in suite.cases):
        return checked(suite, path.parent, document)
    return suite


def _unknown_suite(name: str) -> UsageError:
    near = difflib.get_close_matches(name, suite_names(), n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return UsageError(
        f"unknown suite {name[:80]!r}; {hint}there are: {', '.join(suite_names())}; "
        "or give a file (.yaml, .txt, .csv, .jsonl)"
    )
