"""DPG-Bench (ELLA, Hu et al. 2024): 1,065 dense prompts, with their questions from dpg_bench.csv."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from imgaudit.registry import importer
from imgaudit.suites.importers._propositions import is_table, read_table
from imgaudit.suites.importers._table import Origin
from imgaudit.suites.schema import Suite

_ABOUT = (
    "Prompts of a paragraph with atomic questions and the questions that these stand on. The set renders four pictures "
    "a prompt as a 2 x 2 grid: serve them with folder:DIR;grid=2."
)
_ORIGIN = Origin("dpg-bench", "DPG-Bench", _ABOUT, "Apache-2.0", "TencentQQGYLab/ELLA dpg_bench/dpg_bench.csv")


@importer
class Dpg:
    """Reads the columns of DSG's tables from a file with dpg in its name; every row counts, the first one too."""

    name: ClassVar[str] = "dpg"
    title: ClassVar[str] = "DPG-Bench csv of questions"
    licence: ClassVar[str] = "Apache-2.0: may be copied with its notice"
    plain: ClassVar[bool] = False
    shareable: ClassVar[bool] = True

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether the header is that of DSG's tables and the name that of DPG-Bench."""
        return is_table(head) and "dpg" in path.name.lower()

    def read(self, path: Path) -> Suite:
        """One case an item, one clause a question."""
        return read_table(path, _ORIGIN)
