"""Decisions, findings and people's labels as tables: CSV for spreadsheets, Parquet for notebooks.

Both are written as a stream, so that a run of any length fits in little memory. A measure that could not be told is an
empty cell (null in Parquet), never a zero, with the reason beside it. Text cells of a CSV that a spreadsheet would run
as a formula start with an apostrophe; Parquet holds the text as it is. What is perceived of people (groups of skin
tone, age or gender) stands in no table: such measures are kept for sets alone, and their checkers are left out.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from imgaudit.digest import canonical
from imgaudit.export.outbox import whole
from imgaudit.export.view import View
from imgaudit.registry import checkers
from imgaudit.reporters._shared import codes, grounds
from imgaudit.reporters.csv_report import neutralised
from imgaudit.store.decisions import read_log
from imgaudit.store.rulings import Label, labels_of
from imgaudit.types import Finding, ImageRecord

if TYPE_CHECKING:
    import pyarrow as pa

Row = Mapping[str, Any]
SUFFIXES = (".csv", ".parquet")
ROWS_AT_ONCE = 5000

DECISIONS = {
    "id": "text", "path": "text", "case": "text", "seed": "integer", "prompt": "text", "machine": "text",
    "final": "text", "people": "text", "by": "text", "role": "text", "reason": "text", "given": "text",
    "waiting": "text", "codes": "text", "grounds": "text", "edits": "text", "pixels": "text", "file": "text",
}  # fmt: skip
FINDINGS = {
    "id": "text", "case": "text", "seed": "integer", "checker": "text", "version": "text", "outcome": "text",
    "measure": "text", "value": "number", "why": "text", "codes": "text", "labels": "text", "message": "text",
    "calibration": "text",
}  # fmt: skip
LABELS = {
    "id": "text", "path": "text", "pixels": "text", "checker": "text", "verdict": "text", "by": "text",
    "presumed": "text",
}  # fmt: skip


def sensitive_checkers() -> frozenset[str]:
    """Names of checkers whose results speak of perceived attributes of people."""
    return frozenset(name for name in checkers.names() if getattr(checkers.get(name), "sensitive", False))


def findings_of(record: ImageRecord, left_out: frozenset[str]) -> Iterator[Finding]:
    """The findings of a picture without those of the checkers that are left out."""
    return (finding for finding in record.findings if finding.checker not in left_out)


# --- rows ------------------------------------------------------------------------------------------------------------


def decision_rows(view: View) -> Iterator[Row]:
    """One row a picture: what was decided, by whom, and why."""
    left_out = sensitive_checkers()
    for whole_record in view:
        record = whole_record.model_copy(update={"findings": tuple(findings_of(whole_record, left_out))})
        verdict, human = record.verdict, record.verdict.human
        yield {
            "id": record.id, "path": record.path, "case": record.case, "seed": record.seed, "prompt": record.prompt,
            "machine": str(verdict.machine), "final": str(verdict.final),
            "people": None if human is None else str(human.decision),
            "by": None if human is None else "; ".join(human.by),
            "role": None if human is None else "; ".join(human.role),
            "reason": None if human is None else human.reason,
            "given": None if human is None else human.given,
            "waiting": None if human is None else "yes" if human.waiting else "no",
            "codes": " ".join(codes(record)),
            "grounds": "; ".join(reason.message for reason in grounds(record)),
            "edits": "; ".join(edit.instruction for edit in verdict.edits),
            "pixels": record.pixels, "file": record.file,
        }  # fmt: skip


def finding_rows(view: View) -> Iterator[Row]:
    """One row a measure of a picture; one row for a checker that measured nothing, with the reason."""
    left_out = sensitive_checkers()
    for record in view:
        same = {"id": record.id, "case": record.case, "seed": record.seed}
        for finding in findings_of(record, left_out):
            for row in _measures(finding):
                yield {**same, **row}


def _measures(finding: Finding) -> Iterator[Row]:
    same = {
        "checker": finding.checker, "version": finding.version, "outcome": finding.outcome,
        "codes": " ".join(finding.codes), "labels": canonical(finding.labels) if finding.labels else None,
        "message": finding.message or None, "calibration": finding.calibration,
    }  # fmt: skip
    for name, value in sorted(finding.measures.items()):
        yield {**same, "measure": f"{finding.checker}.{name}", "value": value, "why": None}
    for name, why in sorted(finding.unmeasured.items()):
        yield {**same, "measure": f"{finding.checker}.{name}", "value": None, "why": why}
    if not finding.measures and not finding.unmeasured:
        yield {**same, "measure": None, "value": None, "why": finding.reason or finding.error}


def label_rows(view: View) -> tuple[list[str], Iterator[Row]]:
    """Names of the measures, and one row a checker and picture about which a person's decision stands.

    A row is presumed where nobody said anything about the checker, and its silence or its finding went unopposed.
    """
    entries = read_log(view.folder.path).entries
    left_out = sensitive_checkers()

    def labels() -> Iterator[Label]:
        return (label for label in labels_of(entries, iter(view)) if label.checker not in left_out)

    names = sorted({f"{label.checker}.{name}" for label in labels() for name in label.measures})
    rows = (
        {
            "id": label.id, "path": label.path, "pixels": label.pixels, "checker": label.checker,
            "verdict": label.verdict, "by": label.by, "presumed": "yes" if label.presumed else "no",
            **{f"{label.checker}.{name}": value for name, value in label.measures.items()},
        }
        for label in labels()
    )  # fmt: skip
    return names, rows


# --- files -----------------------------------------------------------------------------------------------------------


def write_decisions(view: View, target: Path) -> int:
    """Write the table of decisions; the number of rows."""
    return write_table(target, DECISIONS, decision_rows(view))


def write_findings(view: View, target: Path) -> int:
    """Write the table of findings; the number of rows."""
    return write_table(target, FINDINGS, finding_rows(view))


def write_labels(view: View, target: Path) -> int:
    """Write the table of people's labels; the number of rows."""
    names, rows = label_rows(view)
    return write_table(target, {**LABELS, **dict.fromkeys(names, "number")}, rows)


def write_table(target: Path, columns: Mapping[str, str], rows: Iterable[Row]) -> int:
    """Write rows as CSV or Parquet, by the suffix. `columns` holds text, integer or number for each name."""
    write = _parquet if target.suffix.lower() == ".parquet" else _csv
    with whole(target) as stream:
        return write(stream, columns, rows)


def _csv(stream: IO[bytes], columns: Mapping[str, str], rows: Iterable[Row]) -> int:
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([neutralised(name) for name in columns])
    count = 0
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in columns])
        count += 1
    text.detach()
    return count


def _cell(value: Any) -> Any:
    return neutralised(value) if isinstance(value, str) else value


def _parquet(stream: IO[bytes], columns: Mapping[str, str], rows: Iterable[Row]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    kinds = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64()}
    schema: pa.Schema = pa.schema([(name, kinds[kind]) for name, kind in columns.items()])
    count, source = 0, iter(rows)
    with parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        while batch := list(itertools.islice(source, ROWS_AT_ONCE)):
            writer.write_table(pa.Table.from_pylist([_clean(row, columns) for row in batch], schema=schema))
            count += len(batch)
    return count


def _clean(row: Row, columns: Sequence[str] | Mapping[str, str]) -> dict[str, Any]:
    """Halves of surrogate pairs, which a record can hold and UTF-8 cannot, are replaced."""
    return {
        name: value.encode("utf-8", "replace").decode() if isinstance(value := row.get(name), str) else value
        for name in columns
    }
