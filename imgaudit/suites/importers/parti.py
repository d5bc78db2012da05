"""PartiPrompts (Yu et al. 2022): prompts by category and challenge, from PartiPrompts.tsv."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from imgaudit.registry import importer
from imgaudit.suites.importers._table import Origin, csv_rows, first_header, slug, suite_of
from imgaudit.suites.schema import Suite

_ABOUT = "Prompts of one word to a paragraph. Tags name category and challenge. Nothing is expected beyond the prompt."
_ORIGIN = Origin("parti", "PartiPrompts", _ABOUT, "Apache-2.0", "google-research/parti PartiPrompts.tsv")


@importer
class PartiPrompts:
    """Reads the tab-separated columns Prompt, Category, Challenge and Note; ids number the rows from 1."""

    name: ClassVar[str] = "parti"
    title: ClassVar[str] = "PartiPrompts.tsv"
    licence: ClassVar[str] = "Apache-2.0: may be copied with its notice"
    plain: ClassVar[bool] = False
    shareable: ClassVar[bool] = True

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether the header is that of PartiPrompts."""
        return first_header(head, "\t")[:3] == ["Prompt", "Category", "Challenge"]

    def read(self, path: Path) -> Suite:
        """One case a row; quotes are part of the prompt."""
        rows = list(csv_rows(path, "\t"))
        cases = [
            {
                "id": f"parti-{number:04d}",
                "prompt": str(row.value["Prompt"]).strip(),
                "tags": [f"{name.lower()}:{slug(str(row.value[name]))}" for name in ("Category", "Challenge")],
            }
            for number, row in enumerate(rows, start=1)
        ]
        return suite_of(path, _ORIGIN, rows, cases)
