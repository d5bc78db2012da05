"""The comparison in plain words, and in the order in which every format tells it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from imgaudit.comparison import Answer, Cell, Comparison, Estimate, Mover, Side, Tested
from imgaudit.reporters._shared import natural, number

SENTENCE = {
    Answer.PASS: "The candidate is not worse than the baseline by more than the rubric accepts.",
    Answer.REGRESSED: "The candidate is worse than the baseline.",
    Answer.INCONCLUSIVE: "Whether the candidate is worse than the baseline could not be told.",
}
EXIT_MEANING = {
    0: "pass: no loss beyond what the rubric accepts",
    1: "regressed: the candidate is worse",
    2: "the comparison itself went wrong",
    4: "inconclusive: it could not be told",
}
ALL = "all"
SCOPE = (
    "A pass says that no loss beyond the margins was found on these prompts by these checks. What the checks do not "
    "look at, and prompts that are not in the suite, are not part of it."
)


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing that the answer rests on."""

    kind: Literal["measure", "abstention", "zero-tolerance"]
    name: str
    answer: Answer
    why: str


def gates(comparison: Comparison) -> Iterator[Gate]:
    """Everything that decides, in the order of the record; how verdicts moved informs and is not among it."""
    for test in comparison.tests:
        if test.gates:
            yield Gate("measure", f"{test.measure}, {where(test.stratum)}", test.answer, test.why)
    for line in comparison.abstentions:
        yield Gate("abstention", line.measure, line.answer, line.why)
    for rule in comparison.zero_tolerance:
        yield Gate("zero-tolerance", rule.rule, rule.answer, rule.why)


def where(stratum: str) -> str:
    """`all prompts`, or which of them."""
    return "all prompts" if stratum == ALL else f"stratum {stratum}"


def by_measure(tests: Iterable[Tested]) -> list[tuple[str, tuple[Tested, ...]]]:
    """Tests of one measure together, in the order in which measures first appear; all prompts before the strata."""
    measures: dict[str, list[Tested]] = {}
    for test in tests:
        measures.setdefault(test.measure, []).append(test)
    return [
        (measure, tuple(sorted(held, key=lambda test: (test.stratum != ALL, natural(test.stratum)))))
        for measure, held in measures.items()
    ]


def most_moved(movers: Iterable[Mover]) -> list[Mover]:
    """What changed most first, whatever its direction; of equal ones the record's order stays."""
    return sorted(movers, key=lambda mover: -abs(mover.shrunk))


def signed(value: float) -> str:
    """A change for people: always with its sign, three significant digits.

    >>> signed(-0.01234), signed(0.5), signed(0)
    ('−0.0123', '+0.5', '0')
    """
    if value == 0:
        return "0"
    return f"{value:+.3g}".replace("-", "−")


def interval(estimate: Estimate) -> str:
    """`−0.2 to +0.1`, or why there is none."""
    if estimate.low is None or estimate.high is None:
        return "no interval from one prompt" if estimate.prompts < 2 else "no interval: all prompts moved alike"
    return f"{signed(estimate.low)} to {signed(estimate.high)}"


def means(base: float | None, candidate: float | None) -> str:
    """Both means, with words where one could not be measured."""
    return f"{_mean(base)} → {_mean(candidate)}"


def _mean(value: float | None) -> str:
    return "not measured" if value is None else number(value).replace("-", "−")


def coverage(counted: int, of: int) -> str:
    """`7 of 8`."""
    return f"{counted:,} of {of:,}"


def probability(value: float | None) -> str:
    """A p value as people read it."""
    if value is None:
        return "none"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def better(test: Tested) -> str:
    """Which direction of the measure is good."""
    return "higher is better" if test.better == "up" else "lower is better"


def regressed(comparison: Comparison) -> set[tuple[str, str]]:
    """Measure and stratum of every test that decides and regressed."""
    deciding = (test for test in comparison.tests if test.gates)
    return {(test.measure, test.stratum) for test in deciding if test.answer is Answer.REGRESSED}


def failing(cell: Cell, lost: set[tuple[str, str]]) -> bool:
    """Whether a cell's loss counts: it is beyond the margin, and a test that the cell belongs to regressed.

    One prompt alone loses more than a margin often enough by chance; that is what the tests over prompts are for.
    """
    return cell.outcome == "lost" and bool(lost & {(cell.measure, ALL), (cell.measure, cell.stratum)})


def side_facts(side: Side) -> list[tuple[str, str]]:
    """One of the runs as names and values, no path among them."""
    return [
        ("generator", side.generator or "not said"),
        ("suite", side.suite or "none"),
        ("pictures", f"{side.pictures:,}"),
        ("refused by the generator", f"{side.refused:,}"),
    ]
