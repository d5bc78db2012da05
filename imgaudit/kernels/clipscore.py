"""The scores that papers report of a cosine in a joint embedding, by their names.

All of them are the same cosine on another scale, so none ranks the pictures of a prompt otherwise. They are told apart
because figures of one are often compared with figures of another: a CLIPScore without its backbone, its weights, its
text template and its scale says nothing. `full_name` writes all four down.

Sources: CLIPScore and RefCLIPScore: Hessel et al., "CLIPScore: A Reference-free Evaluation Metric for Image
Captioning" (EMNLP 2021), and the code of its authors; torchmetrics' CLIPScore: its documentation; the pair probability:
Zhai et al., "Sigmoid Loss for Language Image Pre-Training" (ICCV 2023).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

WEIGHT = 2.5
"""The original's w: it only stretches the range."""
PREFIX = "A photo depicts "
"""What the original puts before every caption, references included."""
HUNDRED = 100.0


def original(cosine: float) -> float:
    """CLIPScore as first published: `2.5 * max(cosine, 0)`, the cosine taken with `PREFIX` before the caption.

    >>> original(0.3)
    0.75
    """
    return WEIGHT * max(cosine, 0.0)


def torchmetrics(cosine: float) -> float:
    """CLIPScore of torchmetrics for one picture: `max(100 * cosine, 0)`, without any prefix.

    The library averages first and cuts at 0 then, so a set with cosines below 0 has a lower mean there.

    >>> torchmetrics(-0.1)
    0.0
    """
    return max(HUNDRED * cosine, 0.0)


def with_references(score: float, cosines: Sequence[float]) -> float:
    """RefCLIPScore: the harmonic mean of `original` and the best cosine of the caption with a reference, cut at 0.

    Args:
        score: `original` of the caption.
        cosines: of the caption's text with each reference's, at least one; all texts with `PREFIX`.

    >>> round(with_references(0.75, [0.2, 0.5]), 3)
    0.6
    """
    best = max(max(cosines), 0.0)
    return 2 * score * best / (score + best) if score + best > 0 else 0.0


def pair_probability(cosine: float, scale: float, bias: float) -> float:
    """What a model that was trained on single pairs (SigLIP) says of one: `sigmoid(scale * cosine + bias)`.

    >>> pair_probability(0.1, 100.0, -10.0)
    0.5
    """
    logit = scale * cosine + bias
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    return math.exp(logit) / (1 + math.exp(logit))


def full_name(formula: str, model: str, weights: str | None, template: str, scale: str) -> str:
    """Everything that two figures must share before they can be compared.

    >>> full_name("100*max(cos,0)", "ViT-B-32:openai", "1f2e", "{prompt}", "0..100")
    '100*max(cos,0) | ViT-B-32:openai | weights 1f2e | text "{prompt}" | 0..100'
    """
    return " | ".join((formula, model, f"weights {weights or 'unknown'}", f'text "{template}"', scale))
