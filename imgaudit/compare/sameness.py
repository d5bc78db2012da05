"""Are the candidate's pictures of one prompt more alike than the baseline's? It informs and decides nothing.

Each run measured, for every prompt, the mean similarity of two of its pictures (checker `diversity`), which does not
depend on how many seeds there were. Prompts are paired by name; the mean change over them stands with a bootstrap
interval over prompts, since pictures of one prompt are no independent witnesses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from imgaudit.compare.wording import count, figure, stored
from imgaudit.comparison import Sameness
from imgaudit.kernels.diversity import FEWEST, bootstrap_mean
from imgaudit.record import FinishedRun
from imgaudit.types import GroupFinding

Answer = Literal["more alike", "less alike", "not told"]
VIEWS = (("content", "score"), ("layout", "layout"))
EYES = ("embedding", "clip")


def sameness(base: FinishedRun, candidate: FinishedRun) -> Iterator[Sameness]:
    """A line for each view that both runs could tell of a common prompt; none where neither measured it."""
    for view, measure in VIEWS:
        before, after = _by_prompt(base, measure), _by_prompt(candidate, measure)
        common = sorted(before.keys() & after.keys())
        if not common:
            continue
        spaces = {found.labels.get("space", "") for name in common for found in (before[name], after[name])}
        if view == "content" and (len(spaces) > 1 or not _same_eyes(base, candidate)):
            continue  # cosines of two models mean different things
        likeness = 1 - np.array([[side[name].measures[measure] for name in common] for side in (before, after)])
        yield _line(view, measure, likeness[0], likeness[1])


def _by_prompt(run: FinishedRun, measure: str) -> dict[str, GroupFinding]:
    """Findings of prompts by name; that of the whole run names no pictures."""
    return {
        found.group: found
        for found in run.groups
        if found.checker == "diversity" and found.members and measure in found.measures
    }


def _same_eyes(base: FinishedRun, candidate: FinishedRun) -> bool:
    """Whether both runs were embedded with the same weights."""
    known = [
        [run.run.perceivers.get(role, {}).get(fact) for role in EYES for fact in ("model", "weights")]
        for run in (base, candidate)
    ]
    return known[0] == known[1]


def _line(view: str, measure: str, before: np.ndarray, after: np.ndarray) -> Sameness:
    change = np.round(after - before, 9)
    ends = bootstrap_mean(change)
    low, high = ends if ends is not None else (None, None)
    answer, why = _answer(change, low, high)
    return Sameness(
        view="content" if view == "content" else "layout",
        measure=f"diversity.{measure}",
        prompts=len(change),
        base_mean=stored(before.mean()),
        candidate_mean=stored(after.mean()),
        change=stored(change.mean()),
        low=None if low is None else stored(low),
        high=None if high is None else stored(high),
        answer=answer,
        why=why,
    )


def _answer(change: np.ndarray, low: float | None, high: float | None) -> tuple[Answer, str]:
    number = count(len(change), "prompt")
    if low is None or high is None:
        if len(change) < FEWEST:
            return "not told", f"{number} could be paired; at least {FEWEST} are needed for an interval over prompts"
        return "not told", f"all {number} changed by the same amount, so that nothing says how sure that is"
    if low > 0:
        return "more alike", f"two pictures of one prompt are more alike than they were, by {figure(low)} at least"
    if high < 0:
        return "less alike", f"two pictures of one prompt are less alike than they were, by {figure(-high)} at least"
    return "not told", f"neither more nor less alike is excluded over {number}"
