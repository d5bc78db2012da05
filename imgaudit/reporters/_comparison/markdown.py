"""`comparison.md`: the comparison as a comment on a pull request, always under 60 kB.

The answer comes first, then what decided, the primary tests, what could not be told, verdicts, and the prompts that
moved most. Every part has its own share of the page; what does not fit is counted and said. A run's strings can neither
mention a person, link to an issue or a page, open a table cell, nor become HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from imgaudit.comparison import Answer, ComparedRuns, Comparison, Flips, Mover, Side, Tested
from imgaudit.reporters._comparison._words import (
    EXIT_MEANING,
    SCOPE,
    SENTENCE,
    better,
    by_measure,
    coverage,
    gates,
    interval,
    means,
    most_moved,
    probability,
    side_facts,
    signed,
    where,
)
from imgaudit.reporters._shared import counted
from imgaudit.reporters.markdown import LIMIT, code, escaped
from imgaudit.types import Decision

_MARK = {Answer.PASS: "✅ pass", Answer.REGRESSED: "❌ regressed", Answer.INCONCLUSIVE: "❔ inconclusive"}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the page: what stands before its lines, the lines, and how many bytes they may take."""

    head: str
    lines: Sequence[str]
    room: int
    noun: str
    many: str | None = None

    def text(self) -> str:
        """The part with as many lines as fit, and how many did not; nothing where there is no line."""
        if not self.lines:
            return ""
        kept: list[str] = []
        room = self.room - _size(self.head)
        for line in self.lines:
            room -= _size(line)
            if room < 0:
                break
            kept.append(line)
        left = len(self.lines) - len(kept)
        more = counted(left, f"further {self.noun}", f"further {self.many or self.noun + 's'}")
        sentence = f"\n{more} left out to keep this page under {LIMIT // 1000} kB; comparison.json has all.\n"
        cut = sentence if left else ""
        return "\n".join([*([self.head] if self.head else []), *kept, cut])


def _size(line: str) -> int:
    return len(line.encode()) + 1


def _within(text: str, room: int) -> str:
    """Escaped text of at most `room` bytes: one sign can become twelve bytes, so the text is cut until it fits."""
    limit = room
    while len(shown := escaped(text, limit).encode()) > room:
        limit //= 2
    return shown.decode()


def _head(comparison: Comparison) -> str:
    base, candidate = _within(comparison.base.name, 300), _within(comparison.candidate.name, 300)
    return f"## {_MARK[comparison.answer]}: {base} → {candidate}\n\n**{SENTENCE[comparison.answer]}**\n"


def _sides(comparison: Comparison) -> str:
    rows = ["| | baseline | candidate |", "|---|---|---|"]

    def cells(name: str, base: str, candidate: str) -> str:
        return f"| {name} | {_within(base, 300)} | {_within(candidate, 300)} |"

    rows.append(cells("run", comparison.base.name, comparison.candidate.name))
    for (name, base), (_, candidate) in zip(
        side_facts(comparison.base), side_facts(comparison.candidate), strict=True
    ):
        rows.append(cells(name, base, candidate))
    rows.append(cells("verdicts", _verdicts(comparison.base), _verdicts(comparison.candidate)))
    rows.append(cells("seeds a prompt", str(comparison.seeds_base), str(comparison.seeds_candidate)))
    return "\n".join(rows) + "\n"


def _verdicts(side: Side) -> str:
    return ", ".join(f"{side.counts[decision]:,} {decision}" for decision in Decision if side.counts.get(decision))


def _tests(comparison: Comparison) -> Iterator[str]:
    for _, tests in by_measure(test for test in comparison.tests if test.primary):
        yield from map(_test, tests)


def _test(test: Tested) -> str:
    margin = "none" if test.margin is None else f"{test.margin:g}"
    answer = _MARK[test.answer] if test.gates else f"{test.answer} (informs)"
    start = f"| {answer} | {code(test.measure, 80)}<br>{better(test)} | {escaped(test.stratum, 80)} "
    if test.estimate is None:
        return f"{start}| nothing could be paired | {margin} | | | |"
    estimate = test.estimate
    pictures = (
        f"{coverage(estimate.base_counted, estimate.base_of)} → "
        f"{coverage(estimate.candidate_counted, estimate.candidate_of)}"
    )
    return (
        f"{start}| **{signed(estimate.gain)}** ({interval(estimate)}) | {margin} "
        f"| {means(estimate.base_mean, estimate.candidate_mean)} | {estimate.prompts:,} prompts<br>{pictures} pictures "
        f"| {probability(test.p_adjusted)} |"
    )


_TESTS = (
    "### Primary measures\n\nGains are turned so that more is better: below zero is a loss. "
    "The interval is of 95 %; the margin is the loss that the rubric accepts.\n\n"
    "| answer | measure | stratum | gain (interval) | margin | means | stands on | adjusted p |\n"
    "|---|---|---|---|--:|---|---|--:|"
)


def _untold(comparison: Comparison) -> Iterator[str]:
    for gate in gates(comparison):
        if gate.answer is Answer.INCONCLUSIVE:
            yield f"- {code(gate.name, 120)}: {escaped(gate.why, 400)}"


def _flips(flips: Flips) -> str:
    rows = [
        f"### Verdicts\n\n{flips.answer}: {_within(flips.why, 1500)} "
        f"({flips.worse:,} worse, {flips.better:,} better, p {probability(flips.p_worse)})\n",
        "| baseline ↓ candidate → | " + " | ".join(Decision) + " |",
        "|---|" + "--:|" * len(Decision),
    ]
    for before in Decision:
        row = flips.table.get(before, {})
        rows.append(f"| {before} | " + " | ".join(f"{row.get(after, 0):,}" for after in Decision) + " |")
    return "\n".join(rows) + "\n"


def _abstentions(comparison: Comparison) -> Iterator[str]:
    for line in comparison.abstentions:
        told = f"{coverage(line.base_told, line.base_of)} | {coverage(line.candidate_told, line.candidate_of)}"
        yield f"| {_MARK[line.answer]} | {code(line.measure, 80)} | {told} | {escaped(line.why)} |"


def _zero(comparison: Comparison) -> Iterator[str]:
    for rule in comparison.zero_tolerance:
        fired = f"{coverage(rule.base_fired, rule.base_of)} | {coverage(rule.fired, rule.of)}"
        yield f"| {_MARK[rule.answer]} | {code(rule.rule, 120)} | {fired} | {rule.upper:.2%} | {escaped(rule.why)} |"


def _sameness(comparison: Comparison) -> Iterator[str]:
    for line in comparison.sameness:
        ends = "no interval" if line.low is None or line.high is None else f"{signed(line.low)} to {signed(line.high)}"
        yield (
            f"| {line.answer} | {line.view} | {means(line.base_mean, line.candidate_mean)} "
            f"| **{signed(line.change)}** ({ends}) | {line.prompts:,} | {escaped(line.why, 300)} |"
        )


def _movers(movers: Iterable[Mover]) -> Iterator[str]:
    for mover in most_moved(movers):
        flaky = " (flaky)" if mover.flaky else ""
        yield (
            f"| {code(mover.case, 80)} | {escaped(mover.prompt, 160)} | {code(mover.measure, 80)} "
            f"| {escaped(mover.stratum, 60)} | {signed(mover.gain)}{flaky} | {signed(mover.shrunk)} |"
        )


def _cases(comparison: Comparison) -> Iterator[str]:
    for what, cases in (("new", comparison.new_cases), ("deleted", comparison.deleted_cases)):
        yield from (f"- {what}: {code(case, 120)}" for case in cases)


def _foot(comparison: Comparison) -> str:
    rubric = comparison.rubric
    scored = "Both runs' stored pictures were scored anew for this comparison. " if comparison.rescored else ""
    strata = ""
    if comparison.regressed_strata:
        named = [where(stratum) for stratum in comparison.regressed_strata]
        strata = f"Regressed: {_within(', '.join(named), 1000)}. "
    return (
        f"\n{strata}{counted(comparison.prompts, 'prompt')} paired; alpha {comparison.alpha:g}; "
        f"{_within(comparison.multiplicity, 1500)}. {scored}"
        f"Rubric {code(rubric.name, 80)} {_within(rubric.version, 200)} ({code(rubric.digest[:12])}). "
        f"Exit code {comparison.exit_code}: {EXIT_MEANING.get(comparison.exit_code, 'unknown')}.\n\n{SCOPE}\n"
    )


def write(compared: ComparedRuns) -> bytes:
    """At most `LIMIT` bytes of UTF-8. The parts' rooms add up to less, with what is always there."""
    comparison = compared.comparison
    abstained = (
        "### Abstentions\n\nA measure that one side could tell more often than the other.\n\n"
        "| answer | measure | baseline told | candidate told | why |\n|---|---|--:|--:|---|"
    )
    zero = (
        "### Zero tolerance\n\n"
        "| answer | rule | baseline | candidate | at most (95 %) | why |\n|---|---|--:|--:|--:|---|"
    )
    alike = (
        "### Are the candidate's pictures more alike?\n\nLikeness of two pictures of one prompt; above zero they are "
        "more alike. It informs and decides nothing.\n\n"
        "| answer | view | likeness | change (95 %) | prompts | why |\n|---|---|---|--:|--:|---|"
    )
    moved = (
        "### What changed most\n\nAfter shrinkage towards the mean of all prompts, by how much they moved.\n\n"
        "| case | prompt | measure | stratum | gain | shrunk |\n|---|---|---|---|--:|--:|"
    )
    parts = [
        _head(comparison),
        Part("", [f"- {escaped(sentence, 500)}" for sentence in comparison.why], 6_000, "sentence").text() + "\n",
        _sides(comparison),
        Part(_TESTS, list(_tests(comparison)), 15_000, "test").text(),
        Part("### What could not be told\n", list(_untold(comparison)), 7_000, "line").text(),
        _flips(comparison.flips) if comparison.flips else "",
        Part(alike, list(_sameness(comparison)), 2_000, "view").text(),
        Part(moved, list(_movers(comparison.movers)), 9_000, "prompt").text(),
        Part(abstained, list(_abstentions(comparison)), 4_000, "measure").text(),
        Part(zero, list(_zero(comparison)), 4_000, "rule").text(),
        Part("### New and deleted cases\n", list(_cases(comparison)), 3_000, "case").text(),
        _foot(comparison),
    ]
    return "\n".join(part for part in parts if part).encode()
