"""`summary.md`: the run as a comment on a pull request, under 60 kB and worst pictures first.

Written for GitHub and GitLab, which act on more than Markdown: a run's strings can neither mention a person, link
to an issue or a page, open a table cell, nor become HTML. What does not fit is counted and said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, ClassVar

from imgaudit.record import FinishedRun, Report, ReviewSummary, Score
from imgaudit.registry import reporter
from imgaudit.reporters._clauses import by_kind, of_picture, rows
from imgaudit.reporters._people import PRESUMED, agreement, people_say, review_sentences, share, who
from imgaudit.reporters._shared import (
    EXIT_MEANING,
    SCOPE,
    WORST_FIRST,
    counted,
    grounds,
    number,
    one_line,
    overridden,
    set_sentence,
    summary,
    worst_first,
)
from imgaudit.types import ImageRecord

LIMIT = 60_000
_RESERVE = 300  # bytes kept for the sentence that says what was left out
_SCORES = 40
_CLAUSE_TABLES = 12
_STATES = {"holds": "", "false": "**does not hold:** ", "untold": "not told: "}

# every ASCII sign that Markdown or HTML gives a meaning to, and what makes an address or a reference of a word
_SIGNS = re.compile(r"[\\`*_\[\]<>#!|~@&$]|:(?=//)|(?<=www)\.|(?<=gh)-", re.IGNORECASE)
# what would open a list or a rule at the start of a line
_OPENING = re.compile(r"^(?=\d+[.)](?:\s|$)|[-+=])")
# sites link what follows these after Markdown was rendered, so a zero-width space must part them
_PARTED = "@#:.-"


def escaped(text: str, limit: int = 300) -> str:
    """One line of text that is shown as it is, whatever it says.

    >>> escaped("<b>@you</b>|")
    '&#60;b&#62;&#64;&#8203;you&#60;/b&#62;&#124;'
    """

    def entity(match: re.Match[str]) -> str:
        sign = match[0]
        return f"&#{ord(sign)};" + ("&#8203;" if sign in _PARTED else "")

    return _OPENING.sub("&#8203;", _SIGNS.sub(entity, one_line(text, limit)))


def code(text: str, limit: int = 200) -> str:
    """A code span that holds any text, also within a table cell."""
    line = one_line(text, limit).replace("|", "\\|")
    if not line:
        return ""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _head(run: FinishedRun) -> Iterator[str]:
    report = run.report
    yield f"## {escaped(report.title)}\n"
    yield f"{summary(report)} {set_sentence(report)}\n"
    yield "| | reject | hold | edit | publish |\n|---|--:|--:|--:|--:|"
    for label, counts in (("final", report.final_counts), ("checks alone", report.counts)):
        yield f"| {label} | " + " | ".join(str(counts.get(decision, 0)) for decision in WORST_FIRST) + " |"
    yield ""
    changed = overridden(run.images)
    if report.review is not None:
        yield " ".join(review_sentences(report.review)) + "\n"
    elif changed:
        yield f"The final verdict is not that of the checks on {counted(changed, 'picture')}.\n"
    rubric = report.rubric
    yield f"Rubric {code(rubric.name)} {escaped(rubric.version)} ({code(rubric.digest[:12])}). "
    yield f"Exit code {report.exit_code}: {EXIT_MEANING.get(report.exit_code, 'unknown')}.\n"


def _set_reasons(report: Report) -> Iterator[str]:
    for reason in (*report.set_verdict.reasons, *report.set_verdict.notes):
        yield f"- The set: {escaped(reason.message)} ({code(reason.code)})"
    yield ""


def _score(score: Score) -> str:
    interval = "one case" if score.low is None or score.high is None else f"{number(score.low)} to {number(score.high)}"
    return f"| {code(score.measure)} | {number(score.mean)} | {interval} | {score.counted} of {score.of} |"


def _scores(report: Report) -> Iterator[str]:
    scores = [score for score in report.scores if score.stratum == "all"]
    if not scores:
        return
    yield "### Scores\n"
    yield "| measure | mean | 95 % interval | pictures |\n|---|--:|---|--:|"
    yield from map(_score, scores[:_SCORES])
    yield f"\n{counted(len(scores) - _SCORES, 'further score')} not listed.\n" if len(scores) > _SCORES else ""


def _people(review: ReviewSummary | None) -> Iterator[str]:
    if review is None:
        return
    yield "### Decisions of people\n"
    yield f"- Checks and people (Cohen's κ): {escaped(agreement(review.kappa))}"
    yield f"- People among themselves (Krippendorff's α): {escaped(agreement(review.alpha))}"
    for one in review.people:
        yield f"- {escaped(one.by)} ({escaped(', '.join(one.role))}): {counted(one.pictures, 'picture')}"
    if review.checkers:
        yield f"\n{PRESUMED}\n"
        yield "| check | confirmed, presumed | false alarms | missed | quiet and right, presumed " \
            "| unclear | precision | recall |"
        yield "|---|--:|--:|--:|--:|--:|---|---|"
    for line in review.checkers:
        counts = f"{line.confirmed} | {line.false_alarms} | {line.missed} | {line.quiet} | {line.unclear}"
        yield f"| {code(line.checker)} | {counts} | {share(line.precision)} | {share(line.recall)} |"
    yield ""


def _notices(report: Report) -> Iterator[str]:
    """What every reader must be told."""
    for notice in report.notices:
        yield f"> **Notice.** {escaped(notice, 1000)}\n"


def _not_checked(report: Report) -> Iterator[str]:
    yield "### Not checked\n"
    yield from (f"- {escaped(sentence, 500)}" for sentence in report.not_checked)
    yield f"- {SCOPE}"
    if report.skipped:
        yield f"- {counted(len(report.skipped), 'file')} found and not audited."
    for reason, count in sorted(report.refused.items()):
        yield f"- {counted(count, 'picture')} refused by the generator: {escaped(reason)}"
    yield ""


def _clauses(images: Sequence[ImageRecord]) -> Iterator[str]:
    """What the prompts say, by kind over the run; then clause by clause for the worst pictures."""
    lines = by_kind(images)
    if not lines:
        return
    yield "### Clauses of the prompts\n"
    yield "| kind | clauses | told | hold | told by |\n|---|--:|--:|--:|---|"
    for line in lines:
        routes = ", ".join(f"{route} ({count})" for route, count in line.routes)
        yield f"| {line.kind} | {line.clauses} | {line.told} | {line.holding} | {routes} |"
    yield ""
    told = [(record, rows(of_picture(record.findings))) for record in images]
    doubtful = [(record, found) for record, found in told if any(row.state != "holds" for row in found)]
    for record, found in doubtful[:_CLAUSE_TABLES]:
        parts = [f"Clauses of {code(record.id)}:\n", "| | clause | route | score, or why not |\n|---|---|---|---|"]
        parts += [
            f"| {code(row.id)} | {escaped(row.text, 160)} | {row.route} "
            f"| {_STATES[row.state]}{escaped(row.said, 200)} |"
            for row in found
        ]
        yield "\n".join([*parts, ""])
    if len(doubtful) > _CLAUSE_TABLES:
        more = counted(len(doubtful) - _CLAUSE_TABLES, "further picture")
        yield f"{more} with clauses that do not hold or were not told: see report.html.\n"


def _row(record: ImageRecord) -> str:
    verdict = record.verdict
    decided = str(verdict.final)
    if verdict.human is not None:
        said = f"people: {people_say(verdict.human)}, {escaped(who(verdict.human), 160)}"
        said += f"; {escaped(verdict.human.reason)}; {escaped(verdict.human.given)}"
        decided += f" (checks: {verdict.machine}; {said})"
    elif verdict.machine != verdict.final:
        decided += f" (checks: {verdict.machine})"
    why = [f"{escaped(reason.message)} ({code(reason.code)})" for reason in grounds(record)]
    edits = [f"**{edit.method}:** {escaped(edit.instruction)}" for edit in verdict.edits]
    return f"| {decided} | {code(record.id)} | {'<br>'.join(_first(why, 4))} | {'<br>'.join(_first(edits, 3))} |"


def _first(parts: Sequence[str], most: int) -> list[str]:
    more = len(parts) - most
    return [*parts[:most], *([f"and {more} more"] if more > 0 else [])]


def _size(lines: Iterable[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)


def _pictures(images: Sequence[ImageRecord], room: int) -> Iterator[str]:
    head = "### Pictures, worst first\n\n| verdict | picture | why | edit |\n|---|---|---|---|"
    room -= _size([head])
    yield head
    for shown, record in enumerate(images):
        row = _row(record)
        room -= _size([row])
        if room < 0:
            left = counted(len(images) - shown, "further picture")
            yield f"\n{left} not listed, to keep this page under {LIMIT // 1000} kB; report.html has them all."
            return
        yield row


@reporter
class MarkdownReporter:
    """Writes the run as a short Markdown page."""

    name: ClassVar[str] = "markdown"
    filename: ClassVar[str] = "summary.md"

    def write(self, run: FinishedRun, stream: IO[bytes]) -> None:
        """Write at most `LIMIT` bytes of UTF-8."""
        report = run.report
        before = [*_head(run), *_fitting([*_notices(report), *_set_reasons(report)], LIMIT // 10)]
        after = ["", *_fitting(list(_clauses(worst_first(run.images))), LIMIT // 4)]
        after += _fitting([*_people(report.review), *_scores(report), *_not_checked(report)], LIMIT // 3)
        room = LIMIT - _RESERVE - _size(before) - _size(after)
        stream.write("\n".join([*before, *_pictures(worst_first(run.images), room), *after, ""]).encode())


def _fitting(lines: Sequence[str], room: int) -> list[str]:
    kept: list[str] = []
    for line in lines:
        room -= _size([line])
        if room < 0:
            return [*kept, "\nFurther lines were left out to keep this page short; report.html has them all."]
        kept.append(line)
    return kept
