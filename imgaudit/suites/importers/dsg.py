"""DSG-1k (Cho et al. 2023): 1,060 prompts of ten sources with their questions, from dsg-1k-anns.csv."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from imgaudit.registry import importer
from imgaudit.suites.importers._propositions import is_table, read_table
from imgaudit.suites.importers._table import Origin
from imgaudit.suites.schema import Suite

_ABOUT = (
    "Prompts with atomic questions and the questions that these stand on: where one is answered no, those that stand "
    "on it mean nothing. The tag names the source of the prompt."
)
_ORIGIN = Origin("dsg-1k", "DSG-1k", _ABOUT, "Apache-2.0", "j-min/DSG dsg/data/dsg-1k-anns.csv")


@importer
class Dsg:
    """Reads the columns item_id, text, proposition_id, dependency, tuple and question_natural_language."""

    name: ClassVar[str] = "dsg"
    title: ClassVar[str] = "DSG-1k csv of questions"
    licence: ClassVar[str] = "Apache-2.0: may be copied with its notice"
    plain: ClassVar[bool] = False
    shareable: ClassVar[bool] = True

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether the header is that of DSG's tables, and the name is not that of DPG-Bench."""
        return is_table(head) and "dpg" not in path.name.lower()

    def read(self, path: Path) -> Suite:
        """One case an item, one clause a question."""
        return read_table(path, _ORIGIN)
