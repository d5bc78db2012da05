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
from collections.abc import Mapping, Sequence
from typing import IO, ClassVar

from imgaudit.record import FinishedRun
from imgaudit.registry import reporter
from imgaudit.reporters._shared import counted, natural, one_line
from imgaudit.types import JSON, Case, ExpectedObject, Finding, ImageRecord

CHECKER = "objects"
_MOST_REASONS = 5


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
    told = finding.unmeasured.get("correct") or finding.reason or finding.error or "it could not be told"
    return "undetermined" if told.startswith("undetermined") else told


def _told(left_out: Counter[str]) -> str:
    reasons = "; ".join(f"{count} x {one_line(reason)}" for reason, count in left_out.most_common(_MOST_REASONS))
    return f"results.jsonl: {counted(sum(left_out.values()), 'picture')} left out, neither right nor wrong: {reasons}"


def _line(record: ImageRecord, case: Case, finding: Finding) -> dict[str, JSON]:
    correct = finding.measures["correct"] >= 0.5
    return {
        "filename": record.path,
        "tag": _tag(case),
        "prompt": case.prompt,
        "correct": correct,
        "reason": "" if correct else finding.labels.get("reason", finding.message),
        "metadata": json.dumps(metadata(case)),
        "details": json.dumps(_boxes(case, finding)),
    }


def metadata(case: Case) -> Mapping[str, JSON]:
    """GenEval's line of a prompt, of the case that was imported from it.

    GenEval takes more than it asks for as right; where a number is exact, one more is excluded. One is at least one.
    """
    things = case.expect.objects
    shown = [index for index, thing in enumerate(things) if thing.count]
    exclude = [{"class": thing.name, "count": thing.count + 1} for thing in things if thing.count != 1]
    return {
        "tag": _tag(case),
        "include": [_clause(things[index], shown) for index in shown],
        **({"exclude": exclude} if exclude else {}),
        "prompt": case.prompt,
    }


def _tag(case: Case) -> str:
    return case.tags[0] if case.tags else "untagged"


def _clause(thing: ExpectedObject, shown: Sequence[int]) -> dict[str, JSON]:
    clause: dict[str, JSON] = {"class": thing.name, "count": thing.count}
    if thing.color is not None:
        clause["color"] = thing.color
    if thing.relation is not None and thing.to in shown:
        clause["position"] = [thing.relation, shown.index(thing.to)]
    return clause


def _boxes(case: Case, finding: Finding) -> dict[str, list[list[float]]]:
    """Boxes that count by class, the surest first: x0, y0, x1, y1, score. A label may say a colour before the class."""
    names = sorted({thing.name for thing in case.expect.objects}, key=len, reverse=True)
    found: dict[str, list[list[float]]] = {}
    for region in sorted(finding.regions, key=lambda one: -(one.score or 0)):
        name = next((name for name in names if f" {region.label}".endswith(f" {name}")), None)
        if name is not None:
            found.setdefault(name, []).append([*region.box, region.score or 0.0])
    return found
