"""What the rubric's verdicts say of a candidate: how they moved, and the rules that may not fire at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from imgaudit.compare.pairing import DECISIONS, Scores
from imgaudit.compare.wording import count, figure, stored
from imgaudit.comparison import Answer, Flips, ZeroTolerance
from imgaudit.kernels import inference
from imgaudit.rubric import Regression


def flips_of(
    base: Scores, candidate: Scores, prompts: Sequence[str], regression: Regression, flips: int
) -> Flips | None:
    """How the checks' verdicts moved, by a table and a paired test over prompts; None where no picture has a partner.

    Pictures of a case are paired by seed, and what is left in the order of seeds. A prompt's gain is the share of its
    pairs that got better less the share that got worse. It informs and decides nothing: the rubric's limits cut the
    scores that the primaries test whole.
    """
    pairs = list(_pairs(base, candidate, prompts))
    if not pairs:
        return None
    table = np.zeros((len(DECISIONS), len(DECISIONS)), dtype=np.int64)
    moved: dict[str, list[int]] = defaultdict(list)
    for case, before, after in pairs:
        table[before, after] += 1
        moved[case].append(int(np.sign(before - after)))
    gains = np.array([sum(signs) / len(signs) for _, signs in sorted(moved.items())])
    p_worse = float(inference.sign_flip(gains[None, :], np.ones((1, len(gains)), dtype=bool), flips).p[0])
    worse, better = int(np.triu(table, 1).sum()), int(np.tril(table, -1).sum())
    margin, lowest = regression.verdicts.margin, inference.lowest_gain(gains, regression.alpha)
    answer = Answer.INCONCLUSIVE
    if len(gains) >= regression.min_prompts and lowest is not None and lowest > -margin:
        answer = Answer.PASS
    elif p_worse <= regression.alpha and -gains.mean() > margin:
        answer = Answer.REGRESSED
    return Flips(
        table={
            one: {other: int(table[i, j]) for j, other in enumerate(DECISIONS)} for i, one in enumerate(DECISIONS)
        },
        worse=worse,
        better=better,
        p_worse=stored(p_worse),
        answer=answer,
        why=f"of {count(len(pairs), 'pair')}, {worse:,} got a worse verdict and {better:,} a better one; a net share "
        f"of {figure(margin)} is accepted. This informs; the primary measures decide",
    )


def _pairs(base: Scores, candidate: Scores, prompts: Sequence[str]) -> Iterable[tuple[str, int, int]]:
    before, after = _by_case(base), _by_case(candidate)
    for case in prompts:
        for one, other in _partners(before.get(case, []), after.get(case, [])):
            yield case, one, other


def _by_case(scores: Scores) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for case, seed, decision in zip(scores.cases, scores.seeds, scores.decisions.tolist(), strict=True):
        found[case].append((seed, decision))
    return found


def _partners(before: list[tuple[int, int]], after: list[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    """Equal seeds first; what has no equal, in order."""
    left = []
    waiting = dict(reversed(after))
    rest = list(after)
    for seed, decision in before:
        if seed in waiting:
            partner = waiting.pop(seed)
            rest.remove((seed, partner))
            yield decision, partner
        else:
            left.append(decision)
    yield from zip(left, (decision for _, decision in rest), strict=False)


def zero_tolerance(
    base: Scores, candidate: Scores, regression: Regression
) -> Iterable[ZeroTolerance]:
    """Each rule that may fire on no picture of the candidate; those that neither run could judge are left out."""
    for index, rule in enumerate(regression.zero_tolerance):
        before, after = int(base.could[index].sum()), int(candidate.could[index].sum())
        if before or after:
            fired, base_fired = int(candidate.fired[index].sum()), int(base.fired[index].sum())
            yield _tolerated(rule, (fired, after), (base_fired, before))


def _tolerated(rule: str, candidate: tuple[int, int], base: tuple[int, int]) -> ZeroTolerance:
    fired, of = candidate
    upper = inference.clopper_pearson(fired, of, side="upper")[1]
    if fired:
        answer, why = Answer.REGRESSED, f"fired on {fired:,} of {count(of, 'picture')}; it may fire on none"
    elif of:
        answer = Answer.PASS
        why = f"fired on none of {count(of, 'picture')}: at most {upper:.2%} (95 %, as if pictures were independent)"
    else:
        answer, why = Answer.INCONCLUSIVE, "could be judged on no picture of the candidate"
    return ZeroTolerance(
        rule=rule, fired=fired, of=of, base_fired=base[0], base_of=base[1], upper=stored(upper), answer=answer, why=why
    )
