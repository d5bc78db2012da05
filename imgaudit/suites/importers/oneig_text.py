"""OneIG-Bench's prompts with writing, from text_content.csv alone."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from imgaudit.registry import importer
from imgaudit.suites.importers._listed import listed
from imgaudit.suites.importers._table import Origin, csv_rows, first_header, suite_of, told
from imgaudit.suites.schema import Suite

_ABOUT = "Prompts that ask for writing, with the strings that are expected. Pictures are rendered as 2 x 2 grids."
_PROMPTS = ("prompt_en", "prompt_cn", "prompt_zh")


@importer
class OneIGText:
    """Reads the columns id, prompt_en or prompt_cn, and text_content, which holds a list as Python writes it."""

    name: ClassVar[str] = "oneig-text"
    title: ClassVar[str] = "OneIG-Bench text_content.csv"
    licence: ClassVar[str] = "none stated: do not redistribute the prompts"
    plain: ClassVar[bool] = False
    shareable: ClassVar[bool] = False

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether the header has an id, a prompt and text_content."""
        header = set(first_header(head))
        return {"id", "text_content"} <= header and bool(header & set(_PROMPTS))

    def read(self, path: Path) -> Suite:
        """One case a row, with its strings as expected text; ids are those of OneIG-Bench.csv, `text-000`."""
        rows = list(csv_rows(path))
        column = next((name for name in _PROMPTS if rows and name in rows[0].value), "prompt_en")
        cases = [
            {
                "id": f"text-{told(path, row, 'id')}",
                "prompt": told(path, row, column),
                "expect": {"text": listed(row.value["text_content"])},
                "tags": ["text"],
                "lang": "en" if column == "prompt_en" else "zh",
            }
            for row in rows
        ]
        source = f"OneIG-Bench/OneIG-Benchmark scripts/text/{path.name}"
        origin = Origin("oneig-text", "OneIG-Bench: writing", _ABOUT, "not stated", source)
        return suite_of(path, origin, rows, cases)
