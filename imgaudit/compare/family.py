"""The tests that decide: primaries on all prompts and on each stratum, and how often each could be told.

They are one family. A primary in a stratum is tested where enough prompts of it could be paired; how often a primary
could be told is tested over all prompts. Sign flips turn all tests of a prompt at once, so that the adjustment knows
how the tests move together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from imgaudit.compare.pairing import Flags, Floats, Pairs
from imgaudit.compare.wording import count, figure, stored, stored_or_none
from imgaudit.comparison import Abstentions, Answer, Estimate, Tested
from imgaudit.kernels import inference
from imgaudit.registry import measure_facts
from imgaudit.rubric import Primary, Regression

ALL = "all"


@dataclass(frozen=True)
class Trial:
    """One line of the family: a measure, the prompts it is about, and their gains."""

    measure: int
    stratum: str
    prompts: Flags
    present: Flags
    gains: Floats

    @cached_property
    def values(self) -> Floats:
        """The gains of the prompts that could be paired."""
        return self.gains[self.present]


@dataclass(frozen=True)
class Family:
    """What was tested, and with which p values."""

    measures: tuple[tuple[Trial, float, float], ...]
    told: tuple[tuple[Trial, float, float], ...]
    too_few: tuple[Trial, ...]
    flips: str

    @property
    def size(self) -> int:
        """The number of tests."""
        return len(self.measures) + len(self.told)


def test_family(pairs: Pairs, primaries: Sequence[int], regression: Regression, flips: int) -> Family:
    """Test these measures (rows of `pairs`); see the module.

    A trial is (trial, p alone, p adjusted).
    """
    trials: list[Trial] = []
    few: list[Trial] = []
    for measure in primaries:
        for trial in trials_of(pairs, measure, regression):
            enough = trial.stratum == ALL or len(trial.values) >= regression.min_prompts
            (trials if enough else few).append(trial)
    told = [_told(pairs, measure) for measure in primaries]
    family = [*trials, *told]
    if not family:
        return Family((), (), tuple(few), "")
    flipped = inference.sign_flip(np.stack([t.gains for t in family]), np.stack([t.present for t in family]), flips)
    alone = [float(p) for p in flipped.p]
    adjusted = inference.holm(alone) if regression.multiplicity == "holm" else [float(p) for p in flipped.adjusted]
    tested = tuple(zip(family, alone, adjusted, strict=True))
    how = f"{flipped.flips:,} sign flips ({'all there are' if flipped.exact else 'drawn'})"
    return Family(tested[: len(trials)], tested[len(trials) :], tuple(few), how)


def trials_of(pairs: Pairs, measure: int, regression: Regression) -> Iterator[Trial]:
    """The measure on all prompts, and on each stratum where either side could tell it at all."""
    present, gains = pairs.present[measure], pairs.gains[measure]
    either = (pairs.base.told[measure] > 0) | (pairs.candidate.told[measure] > 0)
    yield Trial(measure, ALL, np.ones_like(present), present, gains)
    if regression.strata == "first-tag":
        for name, members in pairs.partition():
            if (either & members).any():
                yield Trial(measure, name, members, present & members, gains)


def _told(pairs: Pairs, measure: int) -> Trial:
    """How much more often the candidate could be told, by prompt; jobs without a picture could not."""
    wanted = (pairs.base.wanted > 0) & (pairs.candidate.wanted > 0)
    before = pairs.base.told[measure] / np.maximum(pairs.base.wanted, 1)
    after = pairs.candidate.told[measure] / np.maximum(pairs.candidate.wanted, 1)
    return Trial(measure, ALL, wanted, wanted, np.where(wanted, np.round(after - before, 9), 0.0))


# --- what follows for one measure -------------------------------------------------------------------------------------


def estimate(pairs: Pairs, trial: Trial) -> Estimate | None:
    """The mean gain with its interval, and what it stands on."""
    values, row = trial.values, trial.measure
    if not len(values):
        return None
    interval = inference.t_interval(values) or (None, None)
    base, candidate = pairs.base, pairs.candidate
    return Estimate(
        gain=stored(values.mean()),
        low=stored_or_none(interval[0]),
        high=stored_or_none(interval[1]),
        prompts=len(values),
        base_mean=stored(base.mean[row][trial.present].mean()),
        candidate_mean=stored(candidate.mean[row][trial.present].mean()),
        base_counted=int(base.told[row][trial.prompts].sum()),
        base_of=int(base.pictures[trial.prompts].sum()),
        candidate_counted=int(candidate.told[row][trial.prompts].sum()),
        candidate_of=int(candidate.pictures[trial.prompts].sum()),
    )


def decide(
    gains: Floats, primary: Primary, p_adjusted: float, regression: Regression, *, identical: bool = False
) -> Answer:
    """The answer for a primary on these prompts.

    As `inference.non_inferior`, with one thing added: fewer prompts than `min_prompts` never pass. Gains that are all
    equal never do either: a spread of zero says that the spread could not be seen. The exception is `identical`: where
    both runs are the same record, nothing is left to estimate.
    """
    enough = len(gains) >= regression.min_prompts
    if identical and enough:
        return Answer.PASS
    answer = Answer(
        inference.non_inferior(gains, primary.margin, primary.least, p_adjusted, regression.alpha)
    )
    return answer if enough or answer is not Answer.PASS else Answer.INCONCLUSIVE


def unmoved(gains: Floats) -> bool:
    """Whether all prompts moved by the same amount, which may be none."""
    return len(gains) > 0 and float(np.ptp(gains)) < 1e-9


def tested(
    pairs: Pairs, trial: Trial, primary: Primary, p_values: tuple[float, float], family: Family, regression: Regression
) -> Tested:
    """A primary in a stratum that decides."""
    gains = trial.values
    answer = decide(gains, primary, p_values[1], regression, identical=pairs.identical)
    some = len(gains) > 0
    return _line(pairs, trial, primary).model_copy(
        update={
            "answer": answer,
            "gates": True,
            "p_loss": stored(p_values[0]) if some else None,
            "p_adjusted": stored(p_values[1]) if some else None,
            "detectable": detectable(gains, regression.alpha / family.size),
            "why": _why(gains, answer, primary, p_values[1], regression),
        }
    )


def too_few(pairs: Pairs, trial: Trial, primary: Primary, regression: Regression) -> Tested:
    """A primary in a stratum of too few prompts: reported, and it decides nothing."""
    why = f"{count(len(trial.values), 'prompt')} could be paired; below {regression.min_prompts} nothing is decided"
    return _line(pairs, trial, primary).model_copy(update={"why": why})


def _line(pairs: Pairs, trial: Trial, primary: Primary) -> Tested:
    facts = measure_facts(primary.measure)
    return Tested(
        measure=primary.measure,
        stratum=trial.stratum,
        unit=facts.unit,
        better="up" if facts.better == "up" else "down",
        primary=True,
        margin=primary.margin,
        estimate=estimate(pairs, trial),
        answer=Answer.INCONCLUSIVE,
        p_t=stored(inference.t_loss(trial.values)) if len(trial.values) > 1 else None,
        why="",
    )


def parts_of(gains: Floats) -> inference.VarianceParts:
    """The spread of prompts as they are, with the seeds they have."""
    return inference.VarianceParts(0.0, float(gains.var(ddof=1)), 0.0)


def detectable(gains: Floats, alpha: float) -> float | None:
    """The smallest true loss that a test at `alpha` finds 8 times of 10; None where no spread was seen."""
    if len(gains) < 2 or unmoved(gains):
        return None
    return stored_or_none(inference.detectable(parts_of(gains), len(gains), 1, alpha))


def _why(gains: Floats, answer: Answer, primary: Primary, p_adjusted: float, regression: Regression) -> str:
    margin, number = figure(primary.margin), count(len(gains), "prompt")
    if not len(gains):
        return "no prompt could be told on both sides"
    loss = -float(gains.mean())
    lowest = inference.lowest_gain(gains, regression.alpha)
    if answer is Answer.REGRESSED:
        surely = f"it does not surely stay within the {margin} that are accepted"
        return f"a mean loss of {figure(loss)} over {number} (adjusted p {figure(p_adjusted)}); {surely}"
    if answer is Answer.PASS and lowest is None:
        return f"both runs are the same record: the same pictures with the same findings, over {number}"
    if answer is Answer.PASS:
        real = p_adjusted <= regression.alpha and loss >= primary.least
        small = "; there is a loss, and it is surely within what is accepted" if real else ""
        return f"a mean loss above {figure(max(0.0, -(lowest or 0.0)))} is excluded; {margin} are accepted{small}"
    return _open(gains, primary, lowest, regression)


def _open(gains: Floats, primary: Primary, lowest: float | None, regression: Regression) -> str:
    """Why nothing could be decided, and what would settle it."""
    margin, number = figure(primary.margin), count(len(gains), "prompt")
    if len(gains) < regression.min_prompts:
        return f"{number} could be paired; at least {regression.min_prompts} are needed"
    moved = int((np.abs(gains - np.median(gains)) > 1e-9).sum())
    if lowest is None:
        change = float(gains.mean())
        way = "gained" if change > 0 else "lost"
        moved_by = f"{way} exactly {figure(abs(change))}" if change else "scored as before"
        return f"all {number} {moved_by}; a spread of zero gives no interval, and proves nothing"
    if lowest > -primary.margin:
        return f"only {moved} of {number} moved; {inference.FEWEST} must move before an interval can be trusted"
    needed = inference.prompts_needed(parts_of(gains), primary.margin, 1, regression.alpha / 2)
    more = "no number of prompts like these" if needed is None else f"about {count(needed, 'prompt')} like these"
    return (
        f"a mean loss of {figure(-lowest)} is not excluded over {number}, and {margin} are accepted; "
        f"{more} would pass an unchanged model 8 times of 10"
    )


# --- how often it could be told ---------------------------------------------------------------------------------------


def abstentions(
    pairs: Pairs, trial: Trial, measure: str, p_values: tuple[float, float], regression: Regression
) -> Abstentions:
    """Whether the candidate could be told less often.

    Regressed: the mean share over prompts fell by more than the margin, and the family's p says that it fell.
    Inconclusive: it fell by more than the margin and chance could have done it. Else it passes: the scores of what was
    told are tested by themselves.
    """
    row, drop = trial.measure, -float(trial.values.mean()) if len(trial.values) else 0.0
    margin = regression.abstentions.margin
    base, candidate = pairs.base, pairs.candidate
    answer = Answer.PASS
    if drop > margin + 1e-9:
        answer = Answer.REGRESSED if p_values[1] <= regression.alpha else Answer.INCONCLUSIVE
    told = [int(side.told[row].sum()) for side in (base, candidate)]
    of = [int(side.wanted.sum()) for side in (base, candidate)]
    untold = int(candidate.untold[row].sum()), int(candidate.refused.sum())
    details = f"{untold[0]} could not be told, {untold[1]} were not made, {of[1] - told[1] - sum(untold)} do not apply"
    moved = "fell" if drop > 0 else "did not fall" if drop == 0 else "rose"
    by = f" by {figure(abs(drop))}" if drop else ""
    return Abstentions(
        measure=measure,
        base_told=told[0],
        base_of=of[0],
        candidate_told=told[1],
        candidate_of=of[1],
        p_fewer=stored(p_values[0]),
        answer=answer,
        why=f"the share of pictures told {moved}{by}; {figure(margin)} are accepted. Of the candidate's: {details}",
    )
