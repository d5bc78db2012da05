"""DrawBench (Saharia et al. 2022): prompts in eleven categories, from its table as csv."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from imgaudit.registry import importer
from imgaudit.suites.importers._table import Origin, csv_rows, first_header, slug, suite_of
from imgaudit.suites.schema import Suite

_ABOUT = "Prompts that probe colours, counts, positions, text, rare words and misspellings; the tag is the category."
_ORIGIN = Origin("drawbench", "DrawBench", _ABOUT, "not stated", "the published DrawBench table")


@importer
class DrawBench:
    """Reads the table with the columns Prompts and Category; ids number the rows from 1."""

    name: ClassVar[str] = "drawbench"
    title: ClassVar[str] = "DrawBench csv"
    licence: ClassVar[str] = "none stated: do not redistribute the prompts"
    plain: ClassVar[bool] = False

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether the header is that of DrawBench; a copy may have more columns."""
        return {"Prompts", "Category"} <= set(first_header(head))

    def read(self, path: Path) -> Suite:
        """One case a row; space around a category is dropped."""
        rows = list(csv_rows(path))
        cases = [
            {
                "id": f"drawbench-{number:04d}",
                "prompt": str(row.value["Prompts"]).strip(),
                "tags": [f"category:{slug(str(row.value['Category']))}"],
            }
            for number, row in enumerate(rows, start=1)
        ]
        return suite_of(path, _ORIGIN, rows, cases)
