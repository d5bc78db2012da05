"""Is the candidate worse than its baseline, and how sure are we?

Two finished runs are paired at the prompt, and the rubric's primary measures are tested for non-inferiority, all
together and in each stratum. The answer is *pass* where every one of them passes, *regressed* where one of them is
shown to be worse, where a rule of zero tolerance fired, or where the candidate can be told less often than the rubric
accepts, and *inconclusive* otherwise. What is missing never passes.

Whether the candidate's pictures of one prompt are more alike stands beside it and decides nothing (`sameness`).

Known limits: measures over a set (skew, duplicates) are not compared, since they have no prompt to be paired at; and
where the scores of a prompt hardly vary between prompts, six of them must have moved before anything passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from imgaudit.compare import family as tests
from imgaudit.compare.comparable import refuse_other_inputs, refuse_other_questions, refuse_other_scorers
from imgaudit.compare.family import Family
from imgaudit.compare.informing import secondaries
from imgaudit.compare.movers import cells, moved, movers
from imgaudit.compare.pairing import DECISIONS, Flags, Pairs, Scores, pair, read_scores
from imgaudit.compare.sameness import sameness
from imgaudit.compare.verdicts import flips_of, zero_tolerance
from imgaudit.compare.wording import count, figure, listed
from imgaudit.comparison import Abstentions, Answer, Comparison, Side, Tested, ZeroTolerance
from imgaudit.errors import UsageError
from imgaudit.kernels import inference
from imgaudit.record import FinishedRun
from imgaudit.rubric import Primary, Regression, Rubric

EXIT_CODES = {Answer.PASS: 0, Answer.REGRESSED: 1, Answer.INCONCLUSIVE: 4}

__all__ = ["EXIT_CODES", "compare"]


def compare(
    base: FinishedRun,
    candidate: FinishedRun,
    rubric: Rubric,
    *,
    names: tuple[str, str] = ("baseline", "candidate"),
    rescored: bool = False,
    flips: int = inference.FLIPS,
) -> Comparison:
    """Compare two finished runs by the `regression` section of a rubric. Pure; reads each run's records once.

    Args:
        base: the run that is trusted.
        candidate: the run that is to replace it.
        rubric: primaries, margins and strata; runs that another rubric judged are judged anew by it.
        names: how the two are called in the reports.
        rescored: whether the stored pictures were scored anew for this comparison.
        flips: sign flips where not all can be looked at.

    Raises:
        UsageError: the rubric has no section on regression.
        RunError: the runs were scored differently, asked other things under one name, or have no case in common.
    """
    regression = rubric.regression
    if regression is None:
        raise UsageError(
            f"the rubric {rubric.name!r} does not say how runs are compared; give it a section 'regression' "
            "(see rubrics/publish.yaml), or name another with --rubric"
        )
    work = _Work.of(base, candidate, rubric, regression, flips)
    return work.comparison((base, candidate), rubric, names, rescored)


@dataclass(frozen=True)
class _Work:
    """Everything that is computed once for one comparison."""

    regression: Regression
    scores: tuple[Scores, Scores]
    pairs: Pairs
    family: Family
    primaries: dict[int, Primary]
    flips: int

    @classmethod
    def of(
        cls, base: FinishedRun, candidate: FinishedRun, rubric: Rubric, regression: Regression, flips: int
    ) -> _Work:
        measures = [*(primary.measure for primary in regression.primaries), *regression.secondaries]
        scores = (
            read_scores(base, rubric, measures, regression.zero_tolerance),
            read_scores(candidate, rubric, measures, regression.zero_tolerance),
        )
        refuse_other_scorers(base, candidate, (_scorers(scores[0], measures), _scorers(scores[1], measures)))
        refuse_other_inputs(base.run, candidate.run)
        refuse_other_questions(base.cases, candidate.cases, (scores[0].prompts, scores[1].prompts))
        cases = {**base.cases, **candidate.cases}
        pairs = pair(*scores, measures, cases, regression.strata == "first-tag")
        pairs = replace(pairs, identical=base.report.images_digest == candidate.report.images_digest)
        either = (pairs.base.told.sum(1) + pairs.candidate.told.sum(1)) > 0
        primaries = {row: primary for row, primary in enumerate(regression.primaries) if either[row]}
        family = tests.test_family(pairs, list(primaries), regression, flips)
        return cls(regression, scores, pairs, family, primaries, flips)

    def comparison(
        self, runs: tuple[FinishedRun, FinishedRun], rubric: Rubric, names: tuple[str, str], rescored: bool
    ) -> Comparison:
        """All parts, and the answer that follows from them."""
        base, candidate = self.scores
        tested = tuple(self.tested())
        told = tuple(self.told())
        tolerated = tuple(zero_tolerance(base, candidate, self.regression))
        answer = _overall(tested, told, tolerated)
        strata = tuple(
            dict.fromkeys(t.stratum for t in tested if t.answer is Answer.REGRESSED and t.stratum != tests.ALL)
        )
        all_moved = [moved(self.pairs, row, primary) for row, primary in self.primaries.items()]
        rows = range(len(self.regression.primaries), len(self.pairs.measures))
        new = tuple(sorted(candidate.all_cases() - base.all_cases()))
        deleted = tuple(sorted(base.all_cases() - candidate.all_cases()))
        why = (*_decisive(tested, told, tolerated), *self.because_of(tested), *self.notes(new, deleted))
        return Comparison(
            base=_side(names[0], runs[0], base),
            candidate=_side(names[1], runs[1], candidate),
            rubric=rubric.info(),
            answer=answer,
            why=why,
            alpha=self.regression.alpha,
            multiplicity=f"{self.regression.multiplicity} over {count(self.family.size, 'test')}, {self.family.flips}",
            prompts=len(self.pairs.prompts),
            seeds_base=base.seeds_each(),
            seeds_candidate=candidate.seeds_each(),
            tests=(*tested, *secondaries(self.pairs, rows, self.regression, self.flips)),
            regressed_strata=strata,
            abstentions=told,
            zero_tolerance=tolerated,
            flips=flips_of(base, candidate, self.pairs.prompts, self.regression, self.flips),
            sameness=tuple(sameness(*runs)),
            movers=movers(self.pairs, all_moved, base, candidate),
            cells=tuple(cells(self.pairs, all_moved, base, candidate)),
            new_cases=new,
            deleted_cases=deleted,
            rescored=rescored,
            exit_code=EXIT_CODES[answer],
        )

    def tested(self) -> Iterator[Tested]:
        """Primaries in the rubric's order, each on all prompts first."""
        lines = {
            (trial.measure, trial.stratum): tests.tested(
                self.pairs, trial, self.primaries[trial.measure], (alone, adjusted), self.family, self.regression
            )
            for trial, alone, adjusted in self.family.measures
        }
        for trial in self.family.too_few:
            primary = self.primaries[trial.measure]
            lines[trial.measure, trial.stratum] = tests.too_few(self.pairs, trial, primary, self.regression)
        for key in sorted(lines, key=lambda key: (key[0], key[1] != tests.ALL, key[1])):
            yield lines[key]

    def told(self) -> Iterator[Abstentions]:
        """How often each primary could be told."""
        for trial, alone, adjusted in self.family.told:
            name = self.pairs.measures[trial.measure]
            yield tests.abstentions(self.pairs, trial, name, (alone, adjusted), self.regression)

    def because_of(self, tested: Sequence[Tested]) -> Iterator[str]:
        """Where a measure regressed over all prompts: whether it does without the strata that regressed."""
        for measure, group in groupby(tested, key=lambda test: test.measure):
            regressed = [t.stratum for t in group if t.answer is Answer.REGRESSED]
            strata = [name for name in regressed if name != tests.ALL]
            if tests.ALL in regressed and strata:
                yield self._without(measure, strata)

    def _without(self, measure: str, strata: Sequence[str]) -> str:
        row = self.pairs.measures.index(measure)
        primary = self.primaries[row]
        rest: Flags = self.pairs.present[row] & ~np.isin(np.array(self.pairs.strata), strata)
        gains, where = self.pairs.gains[row], listed(strata)
        values = gains[rest]
        if not len(values):
            return f"{measure}: every prompt that could be paired is in {where}"
        p_alone = float(inference.sign_flip(gains[None, :], rest[None, :], self.flips).p[0])
        lost = p_alone <= self.regression.alpha and -values.mean() >= primary.least
        others = f"the other {count(len(values), 'prompt')} {'gained' if values.mean() >= 0 else 'lost'}"
        others += f" {figure(abs(float(values.mean())))} on average (p {figure(p_alone)})"
        verb = "not because of" if lost else "because of"
        return f"{measure} regressed over all prompts {verb} {where} alone: {others}"

    def notes(self, new: Sequence[str], deleted: Sequence[str]) -> Iterator[str]:
        """What was not compared, and why."""
        missing = [p.measure for row, p in enumerate(self.regression.primaries) if row not in self.primaries]
        if missing:
            yield f"not compared, since neither run could tell it on a common case: {listed(missing)}"
        few = sorted({trial.stratum for trial in self.family.too_few})
        if few:
            yield f"too few prompts to decide, reported only: {listed(few)}"
        if new:
            yield f"{count(len(new), 'case')} in the candidate only, not compared: {listed(new)}"
        if deleted:
            yield f"{count(len(deleted), 'case')} in the baseline only, not compared: {listed(deleted)}"
        refused = [sum(scores.refusals.values()) for scores in self.scores]
        if any(refused):
            yield f"pictures that were not made: {refused[0]:,} of the baseline, {refused[1]:,} of the candidate"


def _scorers(scores: Scores, measures: Sequence[str]) -> Mapping[str, Set[str]]:
    """Who looked; a gallery is somebody's collection and no scorer, unless copies of it are what is compared."""
    asked = any(measure.startswith("memorisation.") for measure in measures)
    return {role: digests for role, digests in scores.seen.items() if asked or role != "gallery"}


def _overall(
    tested: Sequence[Tested], told: Sequence[Abstentions], tolerated: Sequence[ZeroTolerance]
) -> Answer:
    answers = [t.answer for t in tested if t.gates] + [a.answer for a in told] + [z.answer for z in tolerated]
    if Answer.REGRESSED in answers:
        return Answer.REGRESSED
    passed = any(t.gates for t in tested) and all(answer is Answer.PASS for answer in answers)
    return Answer.PASS if passed else Answer.INCONCLUSIVE


def _decisive(
    tested: Sequence[Tested], told: Sequence[Abstentions], tolerated: Sequence[ZeroTolerance]
) -> Iterator[str]:
    """What is not a pass, the worst first; and where everything is, how much that was."""
    gating = [t for t in tested if t.gates]
    lines = [
        *((z.answer, f"{z.rule}: {z.why}") for z in tolerated),
        *((t.answer, f"{t.measure}, {_where(t.stratum)}: {t.why}") for t in gating),
        *((a.answer, f"{a.measure} could be told on {_share(a)}: {a.why}") for a in told),
    ]
    for answer in (Answer.REGRESSED, Answer.INCONCLUSIVE):
        for own, text in lines:
            if own is answer:
                yield f"{'regressed' if answer is Answer.REGRESSED else 'not told'}: {text}"
    if not gating:
        yield "not told: no primary measure of the rubric was measured on a case that both runs have"
    elif all(answer is Answer.PASS for answer, _ in lines):
        measures = list(dict.fromkeys(t.measure for t in gating))
        yield f"all {count(len(gating), 'test')} passed, of {listed(measures)}"


def _share(line: Abstentions) -> str:
    now = f"{line.candidate_told:,} of {line.candidate_of:,}"
    return f"{line.base_told:,} of {line.base_of:,} pictures and now on {now}"


def _where(stratum: str) -> str:
    return "all prompts" if stratum == tests.ALL else f"stratum {stratum}"


def _side(name: str, run: FinishedRun, scores: Scores) -> Side:
    report = run.report
    counts = np.bincount(scores.decisions, minlength=len(DECISIONS))
    return Side(
        name=name,
        generator=report.generator,
        suite=report.suite.name if report.suite else None,
        suite_digest=report.suite.digest if report.suite else None,
        pictures=len(scores.ids),
        refused=sum(scores.refusals.values()),
        counts={decision: int(number) for decision, number in zip(DECISIONS, counts, strict=True)},
        fingerprint=report.fingerprint,
        images_digest=report.images_digest,
    )
