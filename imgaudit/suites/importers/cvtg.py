"""CVTG-2K (TextCrafter, Du et al. 2025): prompts with two to five places of writing, from n.json or n_combined.json."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from imgaudit.errors import ConfigError
from imgaudit.registry import importer
from imgaudit.suites.importers._json import first_value, json_items, starts_with_key
from imgaudit.suites.importers._table import Origin, Row, suite_of, told
from imgaudit.suites.schema import Suite
from imgaudit.types import JSON

_ABOUT = (
    "Prompts that put writing on several things. The strings come from the quotes in the file's list of sentences; "
    "where that has none, the text check reads them from the prompt. The tag says how many places there are."
)
_QUOTED = re.compile(r"[\"'\u2018\u201c](.+)[\"'\u2019\u201d]", re.DOTALL)


@importer
class Cvtg:
    """Reads `{"data_list": [{"index", "prompt", "carrier_list", "sentence_list"}]}`, or `{"0": prompt, ...}`."""

    name: ClassVar[str] = "cvtg"
    title: ClassVar[str] = "CVTG-2K json"
    licence: ClassVar[str] = "none stated: do not redistribute the prompts"
    plain: ClassVar[bool] = False
    shareable: ClassVar[bool] = False

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether the file is `{"data_list": ...}`, or is called n_combined.json and maps numbers to prompts."""
        key, value = first_value(head)
        combined = path.stem.endswith("_combined") and (key or "").isdecimal() and isinstance(value, str)
        return combined or (path.suffix.lower() == ".json" and starts_with_key(head, "data_list"))

    def read(self, path: Path) -> Suite:
        """One case an index; ids hold the folder and number of places by which the set is split."""
        rows = _rows(path)
        style = "-style" if "style" in path.parent.name.lower() else ""
        stem = f"cvtg{style}-{re.sub(r'[^0-9]', '', path.stem) or 'n'}"
        source = f"dnkdnk/CVTG-2K {path.parent.name}/{path.name}"
        cases = [_case(path, row, stem) for row in rows]
        return suite_of(path, Origin(stem, f"CVTG-2K {path.stem}", _ABOUT, "not stated", source), rows, cases)


def _rows(path: Path) -> list[Row]:
    rows: list[Row] = []
    for key, line, value in json_items(path):
        if key == "data_list" and isinstance(value, list):
            rows += [Row(line, item if isinstance(item, dict) else {}) for item in value]
        elif key.isdecimal() and isinstance(value, str):
            rows.append(Row(line, {"index": int(key[:9]), "prompt": value}))
    if not rows:
        raise ConfigError(f"{path}:1: there is no prompt in it; expected data_list, or numbers with prompts")
    return rows


def _case(path: Path, row: Row, stem: str) -> dict[str, JSON]:
    number = row.value.get("index")
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise ConfigError(f"{path}:{row.line}: index: expected a number from 0 up")
    sentences = row.value.get("sentence_list")
    sentences = [str(one) for one in sentences] if isinstance(sentences, list) else []
    texts = [found[1].strip() for one in sentences if (found := _QUOTED.search(one))]
    case: dict[str, JSON] = {"id": f"{stem}-{number:04d}", "prompt": told(path, row, "prompt")}
    if sentences:
        case["tags"] = [f"places:{len(sentences)}"]
    if texts and len(texts) == len(sentences):
        case["expect"] = {"text": texts}
    return case
