"""The table of pictures, for spreadsheets that run what looks like a formula."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from made import FORMULA, made

from imgaudit.record import FinishedRun
from imgaudit.reporters._shared import worst_first
from imgaudit.reporters.csv_report import CsvReporter, neutralised
from imgaudit.types import Finding, ImageRecord

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def written(run: FinishedRun | None = None) -> bytes:
    stream = io.BytesIO()
    CsvReporter().write(run or made(), stream)
    return stream.getvalue()


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def with_findings(*findings: Finding, **facts: object) -> FinishedRun:
    record = made().images[0].model_copy(update={"findings": findings, **facts})
    return replace(made(), images=[ImageRecord.model_validate(record.model_dump())])


def test_there_is_one_line_a_picture_worst_first() -> None:
    table = rows(written())

    assert [row["final"] for row in table] == [str(record.verdict.final) for record in worst_first(made().images)]


def test_each_measure_is_a_column_and_stands_in_the_right_line() -> None:
    table = {row["id"]: row for row in rows(written())}

    assert float(table["hands-open#2"]["hands.defect"]) == 0.97
    assert table["hands-open#2"]["hands.outcome"] == "measured"
    assert table["landscape-dawn#3"]["provenance.c2pa_failures"] == "assertion.dataHash.mismatch"


def test_abstaining_is_an_empty_cell_with_its_reason_and_never_a_number() -> None:
    row = next(row for row in rows(written()) if row["id"] == "hands-open#3")

    assert row["hands.defect"] == ""
    assert row["hands.outcome"] == "abstained"
    assert "cut by the edge" in row["hands.why"]


def test_no_cell_starts_a_formula() -> None:
    table = list(csv.reader(io.StringIO(written().decode(), newline="")))

    assert [cell for line in table for cell in line if cell.startswith(STARTS)] == []
    assert any(cell == "'" + FORMULA for line in table for cell in line)


@pytest.mark.parametrize("start", [*STARTS, "＝", "＠", " =", "\u00a0="])
def test_whatever_starts_a_formula_is_shown_and_not_run(start: str) -> None:
    assert neutralised(f"{start}1+1").startswith("'")


def test_a_negative_measure_stays_a_number() -> None:
    finding = Finding(checker="adherence", version="1", outcome="measured", measures={"cosine": -0.25})

    assert float(rows(written(with_findings(finding)))[0]["adherence.cosine"]) == -0.25


def test_a_hostile_measure_name_is_no_formula_in_the_header() -> None:
    finding = Finding(checker="=HYPERLINK", version="1", outcome="measured", measures={'("http://evil")': 1.0})

    header = next(csv.reader(io.StringIO(written(with_findings(finding)).decode(), newline="")))

    assert '\'=HYPERLINK.("http://evil")' in header


def test_no_control_sign_but_line_ends_and_tabs_is_left() -> None:
    text = written().decode()

    assert [sign for sign in text if ord(sign) < 32 and sign not in "\n\t"] == []


def test_a_run_without_pictures_is_a_header() -> None:
    assert rows(written(replace(made(), images=[]))) == []
    assert written(replace(made(), images=[])).startswith(b"id,path,case,seed,machine,final")


def test_the_same_run_gives_the_same_bytes() -> None:
    assert written() == written()
