"""`summary.json`: what report.json holds, and the findings over the set, in one file for machines.

report.json itself is part of the run folder; this copy adds the lines of groups.jsonl, so that a dashboard needs
one file. Each part keeps its own published format (`report.format`, `groups[].format`).
"""

from __future__ import annotations

from typing import IO, ClassVar, Literal

from imgaudit.record import FinishedRun, Report
from imgaudit.registry import reporter
from imgaudit.types import GroupFinding, Stored


class Summary(Stored):
    """summary.json: the run in numbers, with the findings over its sets."""

    format: Literal["imgaudit-summary/1"] = "imgaudit-summary/1"
    report: Report
    groups: tuple[GroupFinding, ...] = ()


@reporter
class JsonReporter:
    """Writes the report and the group findings as JSON."""

    name: ClassVar[str] = "json"
    filename: ClassVar[str] = "summary.json"

    def write(self, run: FinishedRun, stream: IO[bytes]) -> None:
        """Write one JSON object, UTF-8, indented, with a newline at its end."""
        document = Summary(report=run.report, groups=tuple(run.groups))
        stream.write(document.model_dump_json(indent=2).encode() + b"\n")
