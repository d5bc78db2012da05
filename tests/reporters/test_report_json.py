"""The report and its group findings as one JSON file."""

from __future__ import annotations

import io
import json

from made import made

from imgaudit.record import Report
from imgaudit.reporters.json_report import JsonReporter, Summary
from imgaudit.types import GroupFinding


def written() -> bytes:
    stream = io.BytesIO()
    JsonReporter().write(made(), stream)
    return stream.getvalue()


def test_the_report_and_the_groups_come_back_equal() -> None:
    document = json.loads(written())

    assert Report.model_validate(document["report"]) == made().report
    assert [GroupFinding.model_validate(group) for group in document["groups"]] == list(made().groups)
    assert Summary.model_validate(document).format == "imgaudit-summary/1"


def test_the_same_run_gives_the_same_bytes() -> None:
    assert written() == written()


def test_the_file_says_nothing_of_the_clock() -> None:
    assert made().run.started.encode() not in written()
