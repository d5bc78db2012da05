"""`junit.xml`: the run as test results, so that a pipeline shows pictures as it shows tests.

One suite a case (pictures without a case share one), one test a picture. The *final* verdict decides:

    publish   the test passes
    edit      `failure` of type `edit`, with what to edit
    reject    `failure` of type `reject`, with the rules that fired
    hold      `error` of type `hold`: the test could not be carried out, and that is never a pass

The set's own verdict is one more test. A file that was found and not audited, and a picture that the generator
refused, are `skipped` tests with their reason. There is no clock time in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import IO, TYPE_CHECKING, ClassVar

from imgaudit.record import FinishedRun, Report
from imgaudit.registry import reporter
from imgaudit.reporters._people import agreement, review_sentences, ruled
from imgaudit.reporters._shared import counted, natural, one_line, said, set_sentence, visible
from imgaudit.types import Decision, Edit, ImageRecord, Reason

if TYPE_CHECKING:
    from junitparser import TestCase, TestSuite

NO_CASE = "pictures without a case"


def _reasons(reasons: Sequence[Reason]) -> list[str]:
    return [f"{reason.code}: {reason.message} (rule {reason.rule})" for reason in reasons]


def _edits(edits: Sequence[Edit]) -> list[str]:
    return [f"{edit.method}{f' at {edit.region.label}' if edit.region else ''}: {edit.instruction}" for edit in edits]


def _log(record: ImageRecord) -> str:
    verdict = record.verdict
    lines = [f"machine verdict: {verdict.machine}, final verdict: {verdict.final}"]
    if verdict.human is not None:
        lines.append(one_line(ruled(verdict.human), 500))
    if record.prompt is not None:
        lines.append(f"prompt: {one_line(record.prompt, 500)}")
    lines += [f"note: {line}" for line in _reasons(verdict.notes)]
    lines += [f"{finding.checker}: {one_line(said(finding), 500)}" for finding in record.findings if said(finding)]
    return visible("\n".join(lines))


def _result(decision: Decision, lines: Sequence[str], fallback: str) -> list[object]:
    from junitparser import Error, Failure

    if decision == Decision.PUBLISH:
        return []
    kind = Error if decision == Decision.HOLD else Failure
    result = kind(one_line(lines[0] if lines else fallback, 500), str(decision))
    result.text = visible("\n".join(lines) or fallback)
    return [result]


def _picture(record: ImageRecord) -> TestCase:
    from junitparser import TestCase

    verdict = record.verdict
    test = TestCase(one_line(record.id, 500), one_line(record.case or NO_CASE, 500))
    lines = [*_reasons(verdict.reasons), *_reasons(verdict.holds), *_edits(verdict.edits)]
    human = one_line(ruled(verdict.human), 400) if verdict.human else "decided by a person"
    decided = f"{human}; the checks said {verdict.machine}"
    test.result = _result(verdict.final, lines, decided)
    test.system_out = _log(record)
    return test


def _set_test(report: Report) -> TestCase:
    from junitparser import TestCase

    test = TestCase("the set as a whole", "set")
    verdict = report.set_verdict
    test.result = _result(verdict.decision, _reasons(verdict.reasons), set_sentence(report))
    return test


def _unseen(report: Report) -> Iterator[TestCase]:
    from junitparser import Skipped, TestCase

    for skipped in report.skipped:
        test = TestCase(one_line(skipped.path, 500), "not audited")
        test.result = [Skipped(one_line(skipped.why, 500))]
        yield test
    for number, (reason, count) in enumerate(sorted(report.refused.items()), start=1):
        test = TestCase(f"refusal {number}", "refused by the generator")
        test.result = [Skipped(f"{counted(count, 'picture')}: {one_line(reason, 500)}")]
        yield test


def _suite(name: str, tests: Sequence[TestCase], facts: Mapping[str, str] | None = None) -> TestSuite:
    from junitparser import TestSuite

    suite = TestSuite(one_line(name, 500))
    for key, value in (facts or {}).items():
        suite.add_property(key, visible(value))
    suite.extend(tests)
    suite.update_statistics()
    return suite


def _suites(run: FinishedRun) -> Iterator[TestSuite]:
    ordered = sorted(run.images, key=lambda r: (r.case is not None, natural(r.case or ""), natural(r.id)))
    for case, records in groupby(ordered, key=lambda record: record.case):
        yield _suite(case or NO_CASE, [_picture(record) for record in records])
    report = run.report
    facts = {
        "rubric": f"{report.rubric.name} {report.rubric.version} {report.rubric.digest}",
        "fingerprint": report.fingerprint,
        "images_digest": report.images_digest,
        "exit_code": str(report.exit_code),
    }
    if report.review is not None:
        facts["people"] = " ".join(review_sentences(report.review))
        facts["kappa"] = agreement(report.review.kappa)
        facts["alpha"] = agreement(report.review.alpha)
    yield _suite("set", [_set_test(report)], facts)
    if unseen := list(_unseen(report)):
        yield _suite("not audited", unseen)


@reporter
class JunitReporter:
    """Writes the pictures as JUnit tests."""

    name: ClassVar[str] = "junit"
    filename: ClassVar[str] = "junit.xml"

    def write(self, run: FinishedRun, stream: IO[bytes]) -> None:
        """Write one `testsuites` element, UTF-8."""
        from junitparser import JUnitXml

        document = JUnitXml(one_line(run.report.title, 500))
        document.extend(list(_suites(run)))
        document.update_statistics()
        document.write(stream)
        stream.write(b"\n")
