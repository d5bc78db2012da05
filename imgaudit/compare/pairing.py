"""Two runs as arrays: measures by prompt, paired by the case. What comes after works on these alone.

The prompt is the unit: the seeds of a case are averaged first, so that the two runs may have other seeds, and other
numbers of them. Nothing here depends on the order in which the pictures were recorded.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from imgaudit.errors import RunError
from imgaudit.record import FinishedRun
from imgaudit.registry import measure_facts
from imgaudit.rubric import SEVERITY, Rubric, judge
from imgaudit.types import Case, Decision, Finding, ImageRecord, Verdict

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

DECISIONS = tuple(sorted(Decision, key=SEVERITY.__getitem__))
"""From the mildest to the hardest."""

ABSENT, TOLD, UNTOLD = 0, 1, 2
"""A measure of a picture: does not apply, was measured, could not be told."""

UNTAGGED = "untagged"


@dataclass(frozen=True)
class Scores:
    """The pictures of one run in the order of case, seed and id, with what a comparison reads of them.

    Attributes:
        ids: of the pictures, (N,).
        cases: the case of each, or the id where it has none, (N,).
        seeds: seed or seed index of each; -1 where there is none, (N,).
        prompts: case -> its prompt.
        values: measures by picture, (M, N); only those that are `TOLD` mean anything.
        states: `ABSENT`, `TOLD` or `UNTOLD`, (M, N).
        decisions: the checks' verdict as an index of `DECISIONS`, (N,).
        fired: whether a rule fired, (R, N); `could`: whether its checker measured at all, (R, N).
        refusals: case -> jobs that gave no picture.
        seen: perceiver -> digests of what it was when it looked.
    """

    ids: tuple[str, ...]
    cases: tuple[str, ...]
    seeds: tuple[int, ...]
    prompts: Mapping[str, str]
    values: Floats
    states: NDArray[np.uint8]
    decisions: Ints
    fired: Flags
    could: Flags
    refusals: Mapping[str, int]
    seen: Mapping[str, Set[str]]

    def all_cases(self) -> set[str]:
        """Every case of the run, those without a single picture included."""
        return {*self.cases, *self.refusals}

    def seeds_each(self) -> int:
        """The most pictures that a case has."""
        return max((int(n) for n in np.unique(np.array(self.cases), return_counts=True)[1]), default=0)


def read_scores(run: FinishedRun, rubric: Rubric, measures: Sequence[str], rules: Sequence[str]) -> Scores:
    """One pass over the records of a run. They are judged anew where another rubric judged them."""
    return _Reading(measures, [rubric.rules()[rule].checker for rule in rules], rules).read(run, rubric)


class _Reading:
    """Gathers numbers picture by picture, so that no record is kept."""

    def __init__(self, measures: Sequence[str], owners: Sequence[str], rules: Sequence[str]) -> None:
        self._measures = [(*name.split(".", 1), name) for name in measures]
        self._rules = list(zip(rules, owners, strict=True))
        self._keys: list[tuple[str, int, str]] = []
        self._prompts: dict[str, str] = {}
        self._seen: dict[str, set[str]] = {}
        self._values, self._states = array("d"), bytearray()
        self._decisions, self._fired, self._could = array("q"), bytearray(), bytearray()

    def read(self, run: FinishedRun, rubric: Rubric) -> Scores:
        judged = run.report.rubric.digest == rubric.digest
        for image in run.images:
            self._add(image, image.verdict if judged else judge(image.findings, rubric))
        order = sorted(range(len(self._keys)), key=self._keys.__getitem__)
        keys = [self._keys[index] for index in order]
        count = len(keys)

        def by_picture(data: array[float] | bytearray, kind: type, rows: int) -> NDArray[np.generic]:
            return np.ascontiguousarray(np.frombuffer(data, dtype=kind).reshape(count, rows)[order].T)

        return Scores(
            ids=tuple(key[2] for key in keys),
            cases=tuple(key[0] for key in keys),
            seeds=tuple(key[1] for key in keys),
            prompts=self._prompts,
            values=by_picture(self._values, np.float64, len(self._measures)),  # type: ignore[arg-type]
            states=by_picture(self._states, np.uint8, len(self._measures)),  # type: ignore[arg-type]
            decisions=np.frombuffer(self._decisions, dtype=np.int64)[order] if count else np.zeros(0, np.int64),
            fired=by_picture(self._fired, np.bool_, len(self._rules)),  # type: ignore[arg-type]
            could=by_picture(self._could, np.bool_, len(self._rules)),  # type: ignore[arg-type]
            refusals=dict(run.refusals),
            seen=self._seen,
        )

    def _add(self, image: ImageRecord, verdict: Verdict) -> None:
        case = image.case or image.id
        self._keys.append((case, -1 if image.seed is None else image.seed, image.id))
        if image.prompt is not None:
            self._prompts[case] = image.prompt
        findings = {finding.checker: finding for finding in image.findings}
        for finding in image.findings:
            for role, digest in finding.by.items():
                self._seen.setdefault(role, set()).add(digest)
        for checker, measure, _ in self._measures:
            value, state = _told(findings.get(checker), measure)
            self._values.append(value)
            self._states.append(state)
        self._decisions.append(DECISIONS.index(verdict.machine))
        fired = {reason.rule for reason in (*verdict.reasons, *verdict.holds, *verdict.notes)}
        for rule, checker in self._rules:
            found = findings.get(checker)
            self._fired.append(rule in fired)
            self._could.append(found is not None and found.outcome == "measured")


def _told(finding: Finding | None, measure: str) -> tuple[float, int]:
    if finding is None or finding.outcome != "measured":
        return 0.0, UNTOLD
    if measure in finding.measures:
        return finding.measures[measure], TOLD
    return 0.0, UNTOLD if measure in finding.unmeasured else ABSENT


# --- by prompt --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ByPrompt:
    """One run by prompt.

    Attributes:
        told: pictures on which the measure was told, (M, P); `untold`: on which it could not be.
        total: sum of what was told, (M, P); `squares`: squared distances from the prompt's mean, (M, P).
        pictures: of each prompt, (P,); `refused`: jobs without a picture, (P,).
    """

    told: Ints
    untold: Ints
    total: Floats
    squares: Floats
    pictures: Ints
    refused: Ints

    @cached_property
    def mean(self) -> Floats:
        """Means over what was told, (M, P); zero where nothing was."""
        return np.asarray(self.total / np.maximum(self.told, 1), dtype=np.float64)

    @cached_property
    def wanted(self) -> Ints:
        """Pictures that were asked for, (P,)."""
        return np.asarray(self.pictures + self.refused)

    @cached_property
    def deviation(self) -> Floats:
        """Standard deviation of the seeds, (M, P); zero for fewer than two."""
        return np.sqrt(self.squares / np.maximum(self.told - 1, 1))


def by_prompt(scores: Scores, prompts: Sequence[str]) -> ByPrompt:
    """Sums over the seeds of each of these prompts."""
    place = {prompt: index for index, prompt in enumerate(prompts)}
    where = np.array([place.get(case, -1) for case in scores.cases], dtype=np.int64)
    chosen = where >= 0
    index, size = where[chosen], len(prompts)
    values, states = scores.values[:, chosen], scores.states[:, chosen]
    told = states == TOLD
    counts = np.stack([np.bincount(index[row], minlength=size) for row in told]).astype(np.int64)
    total = np.zeros(counts.shape)
    squares = np.zeros(counts.shape)
    for row, (v, t) in enumerate(zip(values, told, strict=True)):
        total[row] = np.bincount(index[t], v[t], minlength=size)
        mean = total[row] / np.maximum(counts[row], 1)
        squares[row] = np.bincount(index[t], (v[t] - mean[index[t]]) ** 2, minlength=size)
    untold = np.stack([np.bincount(index[row], minlength=size) for row in states == UNTOLD]).astype(np.int64)
    pictures = np.bincount(index, minlength=size).astype(np.int64)
    refused = np.array([scores.refusals.get(prompt, 0) for prompt in prompts], dtype=np.int64)
    return ByPrompt(counts, untold, total, squares, pictures, refused)


@dataclass(frozen=True)
class Pairs:
    """Two runs on the cases that both have.

    Attributes:
        prompts: cases, sorted, (P,).
        strata: of each, (P,); one name for all where there are none.
        measures: names, (M,), and `sign`: 1 where more is better, else -1, (M,).
        identical: whether the two runs hold the same record, byte for byte.
    """

    prompts: tuple[str, ...]
    strata: tuple[str, ...]
    measures: tuple[str, ...]
    base: ByPrompt
    candidate: ByPrompt
    sign: Floats
    identical: bool = False

    @cached_property
    def present(self) -> Flags:
        """Where a measure was told on both sides, (M, P)."""
        return np.asarray((self.base.told > 0) & (self.candidate.told > 0))

    @cached_property
    def gains(self) -> Floats:
        """Candidate minus baseline, turned so that more is better, (M, P); zero where it is not present."""
        change = (self.candidate.mean - self.base.mean) * self.sign[:, None]
        # scores are stored with 6 decimals: what is smaller comes from the order of a sum
        return np.where(self.present, np.round(change, 9), 0.0)

    @cached_property
    def within(self) -> list[float | None]:
        """Variance between seeds of one prompt, pooled over prompts and sides; None where no prompt has two."""
        freedom = np.maximum(self.base.told - 1, 0).sum(1) + np.maximum(self.candidate.told - 1, 0).sum(1)
        squares = self.base.squares.sum(1) + self.candidate.squares.sum(1)
        return [float(s / f) if f else None for s, f in zip(squares, freedom, strict=True)]

    def partition(self) -> Iterator[tuple[str, Flags]]:
        """Each stratum and its prompts, (P,); none where all cases are of one kind."""
        names = np.array(self.strata)
        for name in sorted(set(self.strata) - {""}):
            yield name, names == name


def pair(base: Scores, candidate: Scores, measures: Sequence[str], cases: Mapping[str, Case], tagged: bool) -> Pairs:
    """Pair two runs at the case. Raises RunError where no case is in both.

    Args:
        base: the scores of the baseline.
        candidate: those of the candidate.
        measures: full names, in the order of the scores' rows.
        cases: what is known of the cases, for their tags.
        tagged: whether cases are told apart by their first tag.
    """
    prompts = sorted(base.all_cases() & candidate.all_cases())
    if not prompts:
        raise RunError("the two runs have no case in common; compare runs of one suite, or audits of the same files")
    signs = [1.0 if measure_facts(name).better == "up" else -1.0 for name in measures]
    strata = strata_of(prompts, cases) if tagged else ("",) * len(prompts)
    sides = by_prompt(base, prompts), by_prompt(candidate, prompts)
    return Pairs(tuple(prompts), strata, tuple(measures), *sides, np.array(signs))


def strata_of(prompts: Sequence[str], cases: Mapping[str, Case]) -> tuple[str, ...]:
    """The stratum of each case, its first tag; empty where no case has a tag."""
    strata = tuple(_stratum(cases.get(prompt)) for prompt in prompts)
    return ("",) * len(prompts) if set(strata) == {UNTAGGED} else strata


def _stratum(case: Case | None) -> str:
    """The first tag; 'all' is the name of everything, so a tag of that name is set apart."""
    if case is None or not case.tags:
        return UNTAGGED
    return "tag all" if case.tags[0] == "all" else case.tags[0]
