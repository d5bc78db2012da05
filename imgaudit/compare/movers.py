"""Single prompts: which moved much once luck is taken out, and what each measured on each side.

A list of the largest raw changes is a list of the luckiest seeds. Gains are therefore shrunk towards the mean of all
prompts by as much as the seeds' own spread explains of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from imgaudit.compare.pairing import TOLD, Flags, Floats, Pairs, Scores
from imgaudit.compare.wording import stored, stored_or_none
from imgaudit.comparison import Cell, Mover
from imgaudit.kernels import inference
from imgaudit.rubric import Primary

LOSERS, GAINERS = 10, 5
"""Movers that are listed for each primary, at most."""


@dataclass(frozen=True)
class Moved:
    """How each prompt moved on one primary.

    Attributes:
        row: of the measure in `pairs`.
        shrunk: gains after shrinkage, (P,); zero where nothing was paired.
        flaky: whether the seeds of one side lie further apart than the sides do, (P,).
    """

    primary: Primary
    row: int
    shrunk: Floats
    flaky: Flags


def moved(pairs: Pairs, row: int, primary: Primary) -> Moved:
    """Shrink the gains of one primary. Where no prompt has two seeds, all are shrunk to the mean."""
    present, gains = pairs.present[row], pairs.gains[row]
    shrunk = np.zeros_like(gains)
    values = gains[present]
    if len(values):
        within = pairs.within[row]
        if within is None:
            errors = np.full(len(values), values.var(ddof=1) if len(values) > 1 else 0.0)
        else:
            errors = within * (1 / pairs.base.told[row][present] + 1 / pairs.candidate.told[row][present])
        shrunk[present] = inference.shrink(values, errors)
    spread = np.maximum(pairs.base.deviation[row], pairs.candidate.deviation[row])
    return Moved(primary, row, shrunk, np.asarray(present & (spread > np.abs(gains) + 1e-9)))


def movers(pairs: Pairs, all_moved: Sequence[Moved], base: Scores, candidate: Scores) -> tuple[Mover, ...]:
    """The prompts that lost or gained most on each primary, the largest loss first."""
    before, after = _ids(base), _ids(candidate)
    prompts = {**base.prompts, **candidate.prompts}
    found = []
    for one in all_moved:
        gains = pairs.gains[one.row]
        order = sorted(
            np.flatnonzero(pairs.present[one.row]).tolist(),
            key=lambda i, one=one, gains=gains: (one.shrunk[i], gains[i], i),  # type: ignore[misc]
        )
        losers = [i for i in order[:LOSERS] if gains[i] < 0]
        gainers = [i for i in order[-GAINERS:] if gains[i] > 0]
        for index in (*losers, *gainers):
            case = pairs.prompts[index]
            found.append(
                Mover(
                    case=case,
                    prompt=prompts.get(case, ""),
                    measure=one.primary.measure,
                    stratum=pairs.strata[index] or "all",
                    gain=stored(gains[index]),
                    shrunk=stored(one.shrunk[index]),
                    base=tuple(before[case]),
                    candidate=tuple(after[case]),
                    flaky=bool(one.flaky[index]),
                )
            )
    return tuple(sorted(found, key=lambda mover: (mover.shrunk, mover.gain, mover.case, mover.measure)))


def _ids(scores: Scores) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for case, picture in zip(scores.cases, scores.ids, strict=True):
        found[case].append(picture)
    return found


def cells(pairs: Pairs, all_moved: Sequence[Moved], base: Scores, candidate: Scores) -> Iterator[Cell]:
    """One line a prompt and primary, those of new and deleted cases last.

    A prompt has lost where its shrunk gain is below minus the margin: by the raw one, seeds alone would fail many.
    """
    prompts = {**base.prompts, **candidate.prompts}
    for one in all_moved:
        yield from _paired_cells(pairs, one, prompts)
    new = sorted(candidate.all_cases() - base.all_cases())
    deleted = sorted(base.all_cases() - candidate.all_cases())
    for one in all_moved:
        yield from _lone_cells(candidate, one, new, prompts, is_new=True)
        yield from _lone_cells(base, one, deleted, prompts, is_new=False)


def _paired_cells(pairs: Pairs, one: Moved, prompts: Mapping[str, str]) -> Iterator[Cell]:
    row = one.row
    base, candidate, present = pairs.base, pairs.candidate, pairs.present[row].tolist()
    columns = [base.mean[row], candidate.mean[row], pairs.gains[row], one.shrunk, base.told[row], candidate.told[row]]
    lines = zip(*(column.tolist() for column in columns), strict=True)
    for index, (before, after, gain, shrunk, base_told, candidate_told) in enumerate(lines):
        case, paired = pairs.prompts[index], present[index]
        lost = shrunk < -one.primary.margin
        yield Cell(
            case=case,
            prompt=prompts.get(case, ""),
            stratum=pairs.strata[index] or "all",
            measure=one.primary.measure,
            gain=stored(gain) if paired else None,
            shrunk=stored(shrunk) if paired else None,
            base_mean=stored(before) if base_told else None,
            candidate_mean=stored(after) if candidate_told else None,
            base_counted=base_told,
            candidate_counted=candidate_told,
            flaky=bool(one.flaky[index]),
            outcome="not measured" if not paired else "lost" if lost else "kept",
        )


def _lone_cells(
    scores: Scores, one: Moved, cases: Sequence[str], prompts: Mapping[str, str], *, is_new: bool
) -> Iterator[Cell]:
    wanted = set(cases)
    values: dict[str, list[float]] = defaultdict(list)
    rows = zip(scores.cases, scores.values[one.row].tolist(), scores.states[one.row].tolist(), strict=True)
    for case, value, state in rows:
        if case in wanted and state == TOLD:
            values[case].append(value)
    for case in cases:
        told = values.get(case, [])
        mean = stored_or_none(sum(told) / len(told)) if told else None
        yield Cell(
            case=case,
            prompt=prompts.get(case, ""),
            stratum="all",
            measure=one.primary.measure,
            gain=None,
            base_mean=None if is_new else mean,
            candidate_mean=mean if is_new else None,
            base_counted=0 if is_new else len(told),
            candidate_counted=len(told) if is_new else 0,
            outcome="new" if is_new else "deleted",
        )
