"""The CLIPScores that papers report, by their names.

They are here to be compared with published figures, and for nothing else: across prompts a CLIPScore agrees with people
about as well as chance (pairwise 50.8 % on GenAI-Bench), while within one prompt it ranks pictures as well as
question-answering models do. `adherence.match` is what a picture should be judged by. Each score's full name (formula,
backbone, weights, text template, scale) stands in a label: figures of two different names cannot be compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from imgaudit.checkers.adherence import EMBEDDED, unknown
from imgaudit.kernels import clipscore
from imgaudit.percepts import Match
from imgaudit.registry import checker
from imgaudit.types import Abstained, Case, Failed, Measure, Measured, Outcome, Percepts, Query

WITHIN = "comparable within one prompt and one full name only"
NO_PREFIX = "the embedded model knows no words but those of its world, and the prefix is none of them"
NO_BIAS = "the model was not trained on single pairs: it has no bias of its own"


@checker
class ClipScores:
    """CLIPScore as first published and as torchmetrics has it, RefCLIPScore, and SigLIP's own pair probability."""

    name: ClassVar[str] = "clipscore"
    title: ClassVar[str] = "Published CLIPScores"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("adherence",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("original", "0..2.5", "up", f"2.5 * max(cosine, 0), 'A photo depicts' before the prompt; {WITHIN}"),
        Measure("torchmetrics", "0..100", "up", f"max(100 * cosine, 0), no prefix; {WITHIN}"),
        Measure("references", "0..2", "up", f"RefCLIPScore, where the case has references; {WITHIN}"),
        Measure("pair", "probability", "up", f"sigmoid(scale * cosine + bias) of SigLIP; not calibrated; {WITHIN}"),
        Measure("truncated_tokens", "tokens", "down", "of the prompt that were cut off, as the references do too"),
    )
    labels: ClassVar[Mapping[str, str]] = {
        "original": "its full name: formula, backbone, weights, text template, scale",
        "torchmetrics": "its full name",
        "references": "its full name",
        "pair": "its full name",
    }
    codes: ClassVar[Mapping[str, str]] = {}
    limits: ClassVar[str] = (
        "No absolute value of any of them means that a picture shows its prompt: none is for thresholds, and no "
        "packaged rubric uses one. Prompts beyond the model's window are cut, by definition; the end token is kept, "
        "which torchmetrics up to 1.9 loses, so that its figures for such prompts differ; it averages before it cuts "
        "at 0. Published figures were taken with OpenAI's weights: ViT-B/32 (original), ViT-L/14 (torchmetrics)."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """The prompt with and without the original's prefix; the references among themselves."""
        if not case.prompt or not case.prompt.strip():
            return []
        return [_plain(case.prompt), *([_referenced(case)] if case.references else [])]

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """The scores from the cosines."""
        if not case.prompt or not case.prompt.strip():
            return Abstained("no prompt", "give it with --prompts FILE.csv, or audit files that carry their prompt")
        seen = percepts.seen(_plain(case.prompt), Match)
        if isinstance(seen, (Abstained, Failed)):
            return seen
        if not seen.knows:
            return unknown(seen)
        if len(seen.cosines) != 2:
            return Failed(f"clip answered for {len(seen.cosines)} texts, asked were 2")
        bare, prefixed = seen.cosines
        measures = {"torchmetrics": clipscore.torchmetrics(bare), "truncated_tokens": float(seen.truncated[0])}
        unmeasured = {}
        if seen.bias is None:
            unmeasured["pair"] = NO_BIAS
        else:
            measures["pair"] = clipscore.pair_probability(bare, seen.scale, seen.bias)
        if seen.model == EMBEDDED:
            unmeasured["original"] = NO_PREFIX
        else:
            measures["original"] = clipscore.original(prefixed)
        _add_references(case, percepts, measures, unmeasured)
        labels = {name: text for name, text in _names(seen).items() if name in measures}
        told = ", ".join(f"{name} {measures[name]:.3f}" for name in labels)
        return Measured(measures=measures, labels=labels, unmeasured=unmeasured, message=told)


def _plain(prompt: str) -> Query:
    return Query("clip", {"texts": [prompt, clipscore.PREFIX + prompt]})


def _referenced(case: Case) -> Query:
    texts = [clipscore.PREFIX + text for text in (case.prompt or "", *case.references)]
    return Query("clip", {"texts": texts, "between": True})


def _add_references(
    case: Case, percepts: Percepts, measures: dict[str, float], unmeasured: dict[str, str]
) -> None:
    """RefCLIPScore, where the case has references and the original can be told."""
    if not case.references:
        return
    if "original" not in measures:
        unmeasured["references"] = unmeasured["original"]
        return
    seen = percepts.seen(_referenced(case), Match)
    if isinstance(seen, Match) and len(seen.between) == len(case.references):
        measures["references"] = clipscore.with_references(measures["original"], seen.between)
    else:
        unmeasured["references"] = "clip did not compare the references"


def _names(seen: Match) -> dict[str, str]:
    prefixed = clipscore.PREFIX + "{prompt}"
    parts = {
        "original": ("CLIPScore 2.5*max(cos,0)", prefixed, "0..2.5"),
        "torchmetrics": ("CLIPScore max(100*cos,0)", "{prompt}", "0..100"),
        "references": ("RefCLIPScore harmonic(2.5*max(cos,0), max(cos to references,0))", prefixed, "0..2"),
        "pair": (f"sigmoid({seen.scale:g}*cos{seen.bias or 0:+g})", "{prompt}", "0..1"),
    }
    return {
        name: clipscore.full_name(formula, seen.model, seen.weights, template, scale)
        for name, (formula, template, scale) in parts.items()
    }
