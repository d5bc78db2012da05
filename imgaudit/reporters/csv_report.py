"""`pictures.csv`: one line a picture, one column a measure, for spreadsheets and notebooks.

A measure that was not measured is an empty cell, never a zero; the column `<checker>.outcome` tells why. Cells and
headers that a spreadsheet would run as a formula start with an apostrophe.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, ClassVar

from imgaudit.record import FinishedRun
from imgaudit.registry import reporter
from imgaudit.reporters._people import who
from imgaudit.reporters._shared import codes, said, visible, worst_first
from imgaudit.types import Finding, ImageRecord

Cell = str | int | float | None

# what starts a formula in Excel, LibreOffice or Google Sheets, full-width forms included
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")


def neutralised(text: str) -> str:
    """A cell that a spreadsheet shows and does not run.

    >>> neutralised("=cmd|' /C calc'!A0")
    "'=cmd|' /C calc'!A0"
    """
    return "'" + visible(text) if text.lstrip(" \u00a0\u3000").startswith(_FORMULA) else visible(text)


def _facts(record: ImageRecord) -> dict[str, Cell]:
    verdict, source = record.verdict, record.source
    human = verdict.human
    return {
        "id": record.id,
        "path": record.path,
        "case": record.case,
        "seed": record.seed,
        "machine": str(verdict.machine),
        "final": str(verdict.final),
        "human": ("waiting" if human.waiting else str(human.decision)) if human else None,
        "human_by": who(human) if human else None,
        "human_reason": human.reason if human else None,
        "human_day": human.given if human else None,
        "codes": " ".join(codes(record)),
        "reasons": "; ".join(reason.message for reason in verdict.reasons),
        "holds": "; ".join(reason.message for reason in verdict.holds),
        "edits": "; ".join(edit.instruction for edit in verdict.edits),
        "prompt": record.prompt,
        "width": record.width,
        "height": record.height,
        "generator": source.generator,
        "model": source.model,
        "generator_seed": source.seed,
        "pixels": record.pixels,
        "file": record.file,
    }


def _columns_of(finding: Finding) -> dict[str, Cell]:
    told: Mapping[str, Cell] = {**finding.measures, **finding.labels}
    outcome: dict[str, Cell] = {"outcome": finding.outcome}
    if finding.outcome != "measured":
        outcome["why"] = said(finding)
    return {f"{finding.checker}.{name}": value for name, value in {**outcome, **told}.items()}


@reporter
class CsvReporter:
    """Writes the pictures as a table, worst first."""

    name: ClassVar[str] = "csv"
    filename: ClassVar[str] = "pictures.csv"

    def write(self, run: FinishedRun, stream: IO[bytes]) -> None:
        """Write UTF-8 with one header line; columns of facts first, then checkers by name."""
        import pandas as pd

        images = worst_first(run.images)
        facts = [_facts(record) for record in images]
        checked = [
            {name: cell for finding in record.findings for name, cell in _columns_of(finding).items()}
            for record in images
        ]
        header = [*_facts_header(), *sorted({name for row in checked for name in row})]
        rows = [
            [_cell({**fact, **found}.get(name)) for name in header] for fact, found in zip(facts, checked, strict=True)
        ]
        table = pd.DataFrame(rows, columns=[neutralised(name) for name in header], dtype=object)
        table.to_csv(stream, index=False, encoding="utf-8", lineterminator="\n")


def _cell(value: Cell) -> Cell:
    return neutralised(value) if isinstance(value, str) else value


def _facts_header() -> list[str]:
    return [
        *("id", "path", "case", "seed", "machine", "final", "human", "human_by", "human_reason", "human_day"),
        *("codes", "reasons", "holds", "edits", "prompt"),
        *("width", "height", "generator", "model", "generator_seed", "pixels", "file"),
    ]
