"""`comparison.junit.xml`: the comparison as test results, so that a pipeline shows prompts as it shows tests.

The first suite holds the answer and one test for everything that it rests on (a primary measure in a stratum,
abstentions of a measure, a rule of zero tolerance); what only informs has none:

    pass            the test passes
    regressed       `failure` of type `regressed`
    inconclusive    `error` of type `inconclusive`: the test could not be carried out, and that is never a pass

Then one suite a prompt, one test a measure. Such a test fails only where the prompt lost more than the margin (after
shrinkage) *and* a test that it belongs to regressed: of many prompts some lose that much by chance, and a comparison
that passed shows no failure. A prompt that was not measured, is new or was deleted is `skipped`. Where the seeds of one
side disagree among themselves more than the sides do, the test carries the property `flaky`. There is no clock time.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from imgaudit.comparison import Answer, Cell, ComparedRuns, Comparison, Side
from imgaudit.reporters._comparison._words import (
    EXIT_MEANING,
    SENTENCE,
    Gate,
    coverage,
    failing,
    gates,
    means,
    regressed,
    signed,
)
from imgaudit.reporters._shared import counted, natural, one_line, visible

if TYPE_CHECKING:
    from junitparser import TestCase, TestSuite

COMPARISON = "comparison"
_SKIPPED = {
    "not measured": "one side could not be measured on this prompt",
    "new": "the baseline has no such case",
    "deleted": "the candidate has no such case",
}


def _name(text: str) -> str:
    return one_line(text, 500) or "(no name)"


def _decided(answer: Answer, why: str) -> list[object]:
    from junitparser import Error, Failure

    if answer is Answer.PASS:
        return []
    kind = Failure if answer is Answer.REGRESSED else Error
    result = kind(one_line(why, 500), str(answer))
    result.text = visible(why)
    return [result]


def _gate(gate: Gate) -> TestCase:
    from junitparser import TestCase

    test = TestCase(_name(gate.name), f"{COMPARISON}.{gate.kind}")
    test.result = _decided(gate.answer, gate.why)
    test.system_out = visible(gate.why)
    return test


def _answer(comparison: Comparison) -> TestCase:
    from junitparser import TestCase

    test = TestCase("the answer", COMPARISON)
    test.result = _decided(comparison.answer, "\n".join([SENTENCE[comparison.answer], *comparison.why]))
    return test


def _told(cell: Cell, counts: bool) -> str:
    gain = "none could be paired" if cell.gain is None else signed(cell.gain)
    lines = [
        f"prompt: {one_line(cell.prompt, 500)}",
        f"baseline to candidate: {means(cell.base_mean, cell.candidate_mean)}",
        f"gain (below zero is a loss): {gain}",
        *([] if cell.shrunk is None else [f"after shrinkage: {signed(cell.shrunk)}"]),
        f"pictures measured: baseline {cell.base_counted:,}, candidate {cell.candidate_counted:,}",
    ]
    if cell.flaky:
        lines.append("flaky: the seeds of one side disagree among themselves more than the sides do")
    if cell.outcome == "lost" and not counts:
        lines.append("lost more than the margin here (after shrinkage), while no test that it belongs to regressed")
    return visible("\n".join(lines))


def _result(cell: Cell, counts: bool) -> list[object]:
    from junitparser import Failure, Skipped

    if cell.outcome in _SKIPPED:
        return [Skipped(_SKIPPED[cell.outcome])]
    if not counts:
        return []
    changed = f"{one_line(cell.measure, 200)} went from {means(cell.base_mean, cell.candidate_mean)}"
    result = Failure(changed, "regressed")
    result.text = _told(cell, counts)
    return [result]


def _cell(cell: Cell, lost: set[tuple[str, str]]) -> TestCase:
    from junitparser import Properties, Property, TestCase

    counts = failing(cell, lost)
    test = TestCase(_name(cell.measure), _name(cell.case))
    if cell.flaky:
        marks = Properties()
        marks.add_property(Property("flaky", "true"))
        test.append(marks)
    test.result = _result(cell, counts)
    test.system_out = _told(cell, counts)
    return test


def _suite(name: str, tests: Sequence[TestCase], facts: Mapping[str, str]) -> TestSuite:
    from junitparser import TestSuite

    suite = TestSuite(_name(name))
    for key, value in facts.items():
        suite.add_property(key, one_line(value, 1000))
    suite.extend(tests)
    suite.update_statistics()
    return suite


def _facts(comparison: Comparison) -> dict[str, str]:
    base, candidate, rubric = comparison.base, comparison.candidate, comparison.rubric

    def told(side: Side) -> str:
        return f"{side.name}, {side.generator or 'no generator is named'}, {counted(side.pictures, 'picture')}"

    return {
        "base": told(base),
        "candidate": told(candidate),
        "rubric": f"{rubric.name} {rubric.version} {rubric.digest}",
        "fingerprint": candidate.fingerprint,
        "base_images_digest": base.images_digest,
        "candidate_images_digest": candidate.images_digest,
        "alpha": f"{comparison.alpha:g}",
        "multiplicity": comparison.multiplicity,
        "answer": str(comparison.answer),
        "exit_code": f"{comparison.exit_code}: {EXIT_MEANING.get(comparison.exit_code, 'unknown')}",
        "pairs": f"{coverage(comparison.prompts, comparison.prompts + len(comparison.deleted_cases))} baseline cases",
    }


def _suites(comparison: Comparison) -> Iterator[TestSuite]:
    yield _suite(COMPARISON, [_answer(comparison), *map(_gate, gates(comparison))], _facts(comparison))
    lost = regressed(comparison)
    ordered = sorted(comparison.cells, key=lambda cell: (natural(cell.case), cell.case, natural(cell.measure)))
    for case, cells in groupby(ordered, key=lambda cell: cell.case):
        held = list(cells)
        facts = {"stratum": held[0].stratum, "prompt": held[0].prompt}
        yield _suite(case, [_cell(cell, lost) for cell in held], facts)


def write(compared: ComparedRuns) -> bytes:
    """One `testsuites` element, UTF-8."""
    from junitparser import JUnitXml

    comparison = compared.comparison
    document = JUnitXml(one_line(f"{comparison.base.name} to {comparison.candidate.name}", 500))
    document.extend(list(_suites(comparison)))
    document.update_statistics()
    stream = io.BytesIO()
    document.write(stream)
    return stream.getvalue() + b"\n"
