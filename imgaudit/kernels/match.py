"""How surely a picture shows its prompt rather than something near it, from cosines in a joint embedding.

A cosine means little by itself: its level differs from model to model and from prompt to prompt. What a joint
embedding tells well is which of several texts fits one picture better. So a prompt is put against *foils* (texts
that differ in one respect and are false of a right picture) and against *anchors* (texts that have nothing to do
with the prompt). With logit `l(t) = scale * cos(picture, t)`, the probability that the picture shows the prompt p
and neither a foil of the kind F nor anything like the anchors A is

    P(p | F) = exp l(p) / (exp l(p) + mean over f in F of exp l(f) + mean over a in A of exp l(a))

With one foil and no anchors this is the pairwise probability `sigmoid(l(p) - l(f))`: the softmax over two texts of
CLIP, and the same for SigLIP, whose bias cancels between two texts. Several foils are one rival, each of them as
likely as the others beforehand: so their number does not move the score, and one foil that fits is enough to lower
it. (A mean of pairwise probabilities would give 0.5 to three circles shown for two, when the foils are three and four.)
The anchors are what keeps a picture of a cat from scoring high on "a red dog" against "a blue dog".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ABSENT = "absent"
"""Name of the comparison with the anchors: what the prompt speaks of is not there at all."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A prompt against its foils and anchors; all numbers are probabilities, 0..1.

    Attributes:
        match: mean over the kinds of foils; against the anchors alone where there is no foil.
        worst: the lowest of the kinds, and its name; `absent` where the anchors fit better than the prompt.
        kinds: each kind's probability.
        absent: against the anchors alone; missing where there are none.
    """

    match: float
    worst: float
    worst_kind: str
    kinds: Mapping[str, float]
    absent: float | None


def log_mean_exp(values: Sequence[float]) -> float:
    """The logarithm of the mean of the exponentials, without overflow; minus infinity for no values.

    >>> round(log_mean_exp([1000.0, 1000.0]), 6)
    1000.0
    """
    if not values:
        return -math.inf
    top = max(values)
    return top + math.log(sum(math.exp(value - top) for value in values) / len(values))


def share(own: float, *others: float) -> float:
    """Softmax share of the logit `own` among itself and `others`; others may be minus infinity.

    >>> share(0.0, 0.0)
    0.5
    """
    top = max(own, *others)
    weights = [math.exp(value - top) for value in (own, *others)]
    return weights[0] / sum(weights)


def compare(
    prompt: float, foils: Mapping[str, Sequence[float]], anchors: Sequence[float], scale: float
) -> Comparison | None:
    """Put a prompt against its foils and anchors.

    Args:
        prompt: cosine of the picture and its prompt, -1..1.
        foils: cosines of the foils, by kind; kinds without foils are left out.
        anchors: cosines of texts that are unrelated to the prompt.
        scale: the model's logit scale, already exponentiated (about 100 for CLIP).

    Returns:
        None where there is nothing to compare the prompt with.
    """
    own = scale * prompt
    beside = log_mean_exp([scale * cosine for cosine in anchors])
    absent = share(own, beside) if anchors else None
    kinds = {
        kind: share(own, log_mean_exp([scale * cosine for cosine in cosines]), beside)
        for kind, cosines in foils.items()
        if cosines
    }
    if not kinds:
        return None if absent is None else Comparison(absent, absent, ABSENT, {}, absent)
    worst = min(kinds, key=lambda kind: (kinds[kind], kind))
    named = ABSENT if absent is not None and absent < 0.5 else worst
    return Comparison(sum(kinds.values()) / len(kinds), kinds[worst], named, kinds, absent)


def over_pieces(parts: Sequence[tuple[float, Comparison]]) -> tuple[Comparison, int]:
    """One comparison of a prompt that was read piece by piece, and which piece is the worst.

    `match` is the mean over the pieces, each by its weight (its number of words): a long prompt is shown as far as its
    parts are. `worst` is the lowest of all pieces, and so are the kinds and `absent`: one clause that is not shown is
    not made good by another.

    Args:
        parts: weight and comparison of each piece, at least one.
    """
    total = sum(weight for weight, _ in parts)
    lowest = min(range(len(parts)), key=lambda place: parts[place][1].worst)
    worst = parts[lowest][1]
    kinds: dict[str, float] = {}
    for _, comparison in parts:
        for kind, value in comparison.kinds.items():
            kinds[kind] = min(value, kinds.get(kind, 1.0))
    absent = [comparison.absent for _, comparison in parts if comparison.absent is not None]
    return Comparison(
        match=sum(weight * comparison.match for weight, comparison in parts) / total,
        worst=worst.worst,
        worst_kind=worst.worst_kind,
        kinds=kinds,
        absent=min(absent, default=None),
    ), lowest


def against(own: float, others: Sequence[float], scale: float) -> float | None:
    """Probability of one text against the mean of others, from cosines; None where there are no others."""
    return share(scale * own, log_mean_exp([scale * other for other in others])) if others else None
