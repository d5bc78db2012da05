"""`results.jsonl`: the run as GenEval's evaluation writes it, so that GenEval's own summary_scores.py reads it.

One line a picture with the keys filename, tag, prompt, correct, reason, metadata and details, in this order. `correct`
is the measure `objects.correct`; a picture of which that could not be told is left out, and how many are is said on
standard error: GenEval knows only right and wrong. `metadata` is GenEval's own line of the prompt, byte for byte where
the suite was imported from GenEval; the summary groups by it. `details` holds the boxes that were found, with scores.
`filename` is the picture's place in the run.

GenEval averages tasks by tag: pictures that are left out weigh nothing there, so that a mean over few pictures looks
like one over many. Read it with what was left out beside it.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from typing import IO, ClassVar

from imgaudit.record import FinishedRun
from imgaudit.registry import reporter
from imgaudit.reporters._shared import counted, natural, one_line
from imgaudit.types import JSON, Case, ExpectedObject, Finding, ImageRecord

CHECKER = "objects"
COUNTING = "counting"
"""GenEval's tag of the prompts that ask for an exact number: these exclude one more than they include."""


@reporter
class GenEvalReporter:
    """Writes GenEval's results.jsonl from the measure `objects.correct`; GenEval's summary_scores.py reads it."""

    name: ClassVar[str] = "geneval"
    filename: ClassVar[str] = "results.jsonl"

    def write(self, run: FinishedRun, stream: IO[bytes]) -> None:
        """Write a line a picture, in the order of cases and seeds; tell on standard error what was left out."""
        left_out: Counter[str] = Counter()
        for record in sorted(run.images, key=lambda one: natural(one.id)):
            case = run.cases.get(record.case or record.id)
            finding = next((one for one in record.findings if one.checker == CHECKER), None)
            why = _why_not(finding, case)
            if why is not None or finding is None or case is None:
                left_out[why or "its case is not on record"] += 1
                continue
            stream.write(json.dumps(_line(record, case, finding)).encode() + b"\n")
        if missing := sum(run.refusals.values()):
            left_out["no picture was made"] += missing
        if left_out:
            print(_told(left_out), file=sys.stderr)


def _why_not(finding: Finding | None, case: Case | None) -> str | None:
    """Why a picture has no line; None where it has one."""
    if case is None:
        return "its case is not on record"
    if not case.expect.objects:
        return "its case expects no objects"
    if finding is None:
        return f"the check {CHECKER!r} did not run"
    if "correct" in finding.measures:
        return None
    return finding.unmeasured.get("correct") or finding.reason or finding.error or "it could not be told"


def _told(left_out: Counter[str]) -> str:
    reasons = "; ".join(f"{count} x {one_line(reason)}" for reason, count in sorted(left_out.items()))
    return f"results.jsonl: {counted(sum(left_out.values()), 'picture')} left out, neither right nor wrong: {reasons}"


def _line(record: ImageRecord, case: Case, finding: Finding) -> dict[str, JSON]:
    correct = finding.measures["correct"] >= 0.5
    return {
        "filename": record.path,
        "tag": case.tags[0] if case.tags else "untagged",
        "prompt": case.prompt,
        "correct": correct,
        "reason": "" if correct else finding.message,
        "metadata": json.dumps(metadata(case)),
        "details": json.dumps(_boxes(finding)),
    }


def metadata(case: Case) -> Mapping[str, JSON]:
    """GenEval's line of a prompt, of the case that was imported from it."""
    tag = case.tags[0] if case.tags else "untagged"
    exclude = [{"class": thing.name, "count": thing.count + 1} for thing in case.expect.objects]
    return {
        "tag": tag,
        "include": [_clause(thing) for thing in case.expect.objects],
        **({"exclude": exclude} if tag == COUNTING else {}),
        "prompt": case.prompt,
    }


def _clause(thing: ExpectedObject) -> dict[str, JSON]:
    clause: dict[str, JSON] = {"class": thing.name, "count": thing.count}
    if thing.color is not None:
        clause["color"] = thing.color
    if thing.relation is not None:
        clause["position"] = [thing.relation, thing.to]
    return clause


def _boxes(finding: Finding) -> dict[str, list[list[float]]]:
    """Boxes by class, the surest first: x0, y0, x1, y1, score."""
    found: dict[str, list[list[float]]] = {}
    for region in sorted(finding.regions, key=lambda one: -(one.score or 0)):
        found.setdefault(region.label, []).append([*region.box, region.score or 0.0])
    return found
