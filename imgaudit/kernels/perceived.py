"""Which of a few groups a joint embedding perceives in a face, or that it is unclear.

Each group is described in several phrasings. The mean of its cosines, times the model's scale, is its logit, and the
softmax over the groups their probabilities: an ensemble of prompts in the space of logits. A group is called only where
its probability reaches `SURE` in the crop and in its mirror image; what is left is unclear. At 0.8 the next group has
0.2 at most, a margin of 0.6.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

SURE = 0.8
"""Probability from which a group is called. Chosen to leave doubt unclear, and measured on no model."""
UNCLEAR = "unclear"


def probabilities(cosines: Sequence[Sequence[float]], scale: float) -> list[float]:
    """Softmax over groups of the scaled mean cosine of each group's phrasings.

    >>> [round(p, 3) for p in probabilities([[0.3, 0.28], [0.25, 0.25]], 100.0)]
    [0.982, 0.018]
    """
    logits = [scale * math.fsum(group) / len(group) for group in cosines]
    top = max(logits)
    weights = [math.exp(logit - top) for logit in logits]
    return [weight / math.fsum(weights) for weight in weights]


def called(names: Sequence[str], crop: Sequence[float], mirror: Sequence[float], sure: float = SURE) -> str:
    """The group that both the crop and its mirror image are sure of, or `UNCLEAR`.

    >>> called(("a", "b"), [0.9, 0.1], [0.85, 0.15]), called(("a", "b"), [0.9, 0.1], [0.7, 0.3])
    ('a', 'unclear')
    """
    best = max(range(len(names)), key=lambda index: crop[index])
    return names[best] if min(crop[best], mirror[best]) >= sure else UNCLEAR
