"""Secondary measures: reported for all prompts, and they decide nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from imgaudit.compare.family import ALL, Trial, detectable, estimate
from imgaudit.compare.pairing import Floats, Pairs
from imgaudit.compare.wording import count, stored, stored_or_none
from imgaudit.comparison import Answer, Tested
from imgaudit.kernels import inference
from imgaudit.registry import measure_facts
from imgaudit.rubric import Regression


def secondaries(pairs: Pairs, rows: Sequence[int], regression: Regression, flips: int) -> Iterator[Tested]:
    """A line each, for those that could be paired at all. They have no margin, so they pass only without any loss.

    Their p values are adjusted for the share of false alarms among alarms (Benjamini and Hochberg), since a list to
    look at needs no more.
    """
    everything = np.ones(len(pairs.prompts), dtype=bool)
    trials = [Trial(row, ALL, everything, pairs.present[row], pairs.gains[row]) for row in rows]
    trials = [trial for trial in trials if len(trial.values)]
    if not trials:
        return
    flipped = inference.sign_flip(np.stack([t.gains for t in trials]), np.stack([t.present for t in trials]), flips)
    alone = [float(p) for p in flipped.p]
    adjusted = inference.benjamini_hochberg(alone)
    for trial, p_alone, p_adjusted in zip(trials, alone, adjusted, strict=True):
        name, gains = pairs.measures[trial.measure], trial.values
        facts = measure_facts(name)
        answer, why = _answer(gains, float(p_adjusted), regression)
        yield Tested(
            measure=name,
            stratum=ALL,
            unit=facts.unit,
            better="up" if facts.better == "up" else "down",
            primary=False,
            margin=None,
            estimate=estimate(pairs, trial),
            answer=answer,
            p_loss=stored(p_alone),
            p_adjusted=stored(float(p_adjusted)),
            p_t=stored(inference.t_loss(gains)) if len(gains) > 1 else None,
            detectable=stored_or_none(detectable(gains, regression.alpha)),
            why=why,
        )


def _answer(gains: Floats, p_adjusted: float, regression: Regression) -> tuple[Answer, str]:
    over = f"over {count(len(gains), 'prompt')}; it informs and decides nothing"
    if len(gains) < regression.min_prompts:
        return Answer.INCONCLUSIVE, f"too few to tell {over}"
    if p_adjusted <= regression.alpha:
        return Answer.REGRESSED, f"lower than before {over}"
    interval = inference.t_interval(gains)
    if gains.min() >= 0 or (interval is not None and interval[0] >= 0):
        return Answer.PASS, f"no loss {over}"
    return Answer.INCONCLUSIVE, f"no loss was found and none is excluded {over}"
