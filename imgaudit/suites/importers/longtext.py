"""LongText-Bench (X-Omni, Geng et al. 2025): 160 prompts in English and 160 in Chinese that ask for much writing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from imgaudit.errors import ConfigError
from imgaudit.registry import importer
from imgaudit.suites.importers._table import Origin, Row, first_object, json_rows, slug, suite_of, told, unix_lines
from imgaudit.suites.schema import Suite
from imgaudit.types import JSON

_ABOUT = "Prompts for signs, posters, slides and the like, with every string that is to be written."


@importer
class LongText:
    """Reads `{"category", "length", "prompt", "text": [...], "text_length", "prompt_id"}`, a line a case."""

    name: ClassVar[str] = "longtext"
    title: ClassVar[str] = "LongText-Bench text_prompts.jsonl"
    licence: ClassVar[str] = "Apache-2.0: may be copied with its notice"
    plain: ClassVar[bool] = False
    shareable: ClassVar[bool] = True

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether the first line is an object with LongText-Bench's keys."""
        return {"prompt", "text", "text_length", "prompt_id"} <= first_object(head).keys()

    def read(self, path: Path) -> Suite:
        """One case a line; a file with Chinese prompts is marked as such."""
        rows = list(json_rows(path))
        lang = "zh" if any(re.search("[\u4e00-\u9fff]", str(row.value.get("prompt"))) for row in rows) else "en"
        source = f"X-Omni-Team/X-Omni textbench/{path.name}"
        origin = Origin(f"longtext-{lang}", "LongText-Bench", _ABOUT, "Apache-2.0", source)
        return suite_of(path, origin, rows, [_case(path, row, lang) for row in rows])


def _case(path: Path, row: Row, lang: str) -> dict[str, JSON]:
    texts, number = row.value.get("text"), row.value.get("prompt_id")
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ConfigError(f"{path}:{row.line}: text: expected a list of the strings to be written")
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise ConfigError(f"{path}:{row.line}: prompt_id: expected a number from 0 up")
    tags = [slug(str(row.value["category"]))] if slug(str(row.value.get("category") or "")) else []
    tags += [f"length:{slug(str(row.value['length']))}"] if slug(str(row.value.get("length") or "")) else []
    return {
        "id": f"longtext-{lang}-{number:03d}",
        "prompt": told(path, row, "prompt"),
        "expect": {"text": [unix_lines(text) for text in texts if text.strip()]},
        "tags": tags,
        "lang": lang,
    }
