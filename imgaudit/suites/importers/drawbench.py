"""DrawBench (Saharia et al. 2022): prompts in eleven categories, from its table as csv or tsv."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from imgaudit.registry import importer
from imgaudit.suites.importers._table import Origin, csv_rows, first_header, slug, suite_of, told
from imgaudit.suites.schema import Suite

_ABOUT = "Prompts that probe colours, counts, positions, text, rare words and misspellings; the tag is the category."
_ORIGIN = Origin("drawbench", "DrawBench", _ABOUT, "not stated", "the published DrawBench table")
_COLUMNS = {"Prompts", "Category"}


@importer
class DrawBench:
    """Reads the table with the columns Prompts and Category; ids number the rows from 1."""

    name: ClassVar[str] = "drawbench"
    title: ClassVar[str] = "DrawBench csv or tsv"
    licence: ClassVar[str] = "none stated: do not redistribute the prompts"
    plain: ClassVar[bool] = False
    shareable: ClassVar[bool] = False

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether the header is that of DrawBench; a copy may have more columns."""
        return any(set(first_header(head, separator)) >= _COLUMNS for separator in (",", "\t"))

    def read(self, path: Path) -> Suite:
        """One case a row; space around a category is dropped."""
        with path.open("rb") as stream:
            separator = "\t" if set(first_header(stream.readline(1 << 16), "\t")) >= _COLUMNS else ","
        rows = list(csv_rows(path, separator))
        cases = [
            {
                "id": f"drawbench-{number:04d}",
                "prompt": told(path, row, "Prompts"),
                "tags": [f"category:{slug(str(row.value['Category']))}"],
            }
            for number, row in enumerate(rows, start=1)
        ]
        return suite_of(path, _ORIGIN, rows, cases)
