"""Which picture of a prompt people would rather have, by a model that learned it from their choices.

The option names the model; without one the perceiver abstains. No weights come with the package:

    pickscore:WHERE         PickScore: a folder, or the hub's yuvalkirstain/PickScore_v1
    hpsv2:FILE              HPSv2 or HPSv2.1: the authors' checkpoint
    imagereward:FILE        ImageReward: the authors' checkpoint; ;tokenizer=FOLDER names BERT's tokenizer

A query names the prompt: `{"prompt": "..."}` gives a `Preferred`. Such a score has no range and no zero, and its level
follows the prompt: only differences between pictures of one prompt, by one model, mean anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from imgaudit.errors import ModelUnavailable, UsageError
from imgaudit.perceivers._preference_models import (
    BERT,
    PICKSCORE,
    HumanPreference,
    ImageReward,
    PickScore,
    PreferenceModel,
)
from imgaudit.percepts import Preferred
from imgaudit.registry import perceiver
from imgaudit.types import Abstained, Failed, Look, Sight

NO_MODEL = "no model of preferences was named"
REMEDY = f"get one and name it, such as: hf download {PICKSCORE}, then --preference pickscore:{PICKSCORE}"


@perceiver
class PreferencePerceiver:
    """Scores pictures of a prompt by what people prefer (PickScore, HPSv2, ImageReward)."""

    name: ClassVar[str] = "preference"
    title: ClassVar[str] = "Learned preferences"
    version: ClassVar[str] = "1"
    reads: ClassVar[Literal["pixels", "bytes"]] = "pixels"

    def __init__(self, option: str | None = None) -> None:
        if option is None:
            raise ModelUnavailable(NO_MODEL, REMEDY)
        self._model = load(option)

    def identity(self) -> Mapping[str, str]:
        """The model, the digest of its weights, the library versions."""
        import torch
        import transformers

        versions = {"torch": str(torch.__version__), "transformers": str(transformers.__version__)}
        return {"model": self._model.label, **self._model.identity, **versions}

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One sight a look; pictures of one prompt go through the model together."""
        sights: dict[int, Sight] = {}
        prompts: dict[str, list[int]] = {}
        for place, look in enumerate(looks):
            prompt = look.query.parameters.get("prompt")
            if not isinstance(prompt, str) or not prompt.strip():
                sights[place] = Failed("preference: a query needs 'prompt'")
            elif look.picture.rgb is None:
                sights[place] = Abstained("the picture cannot be decoded")
            else:
                prompts.setdefault(prompt, []).append(place)
        for prompt, places in prompts.items():
            shown = [rgb for place in places if (rgb := looks[place].picture.rgb) is not None]
            cut = self._model.truncated(prompt)
            for place, (score, logit) in zip(places, self._model.scores(prompt, shown), strict=True):
                sights[place] = Preferred(
                    model=self._model.label, score=round(score, 6), logit=round(logit, 6), truncated=cut
                )
        return [sights[place] for place in range(len(looks))]


def load(option: str) -> PreferenceModel:
    """The model of an option. Raises ModelUnavailable when it is not here, UsageError for what is no option."""
    spec, *rest = option.split(";")
    kind, _, where = spec.partition(":")
    parts = dict(part.partition("=")[::2] for part in rest)
    allowed = {"tokenizer"} if kind == "imagereward" else set()
    if unknown := sorted(set(parts) - allowed):
        raise UsageError(f"--preference {option!r}: unknown part {unknown[0]!r}; expected {sorted(allowed) or 'none'}")
    if kind == "pickscore" and where:
        return PickScore(where)
    if kind == "hpsv2" and where:
        return HumanPreference(Path(where))
    if kind == "imagereward" and where:
        return ImageReward(Path(where), parts.get("tokenizer", BERT))
    raise UsageError(f"--preference {option!r}: expected pickscore:WHERE, hpsv2:FILE or imagereward:FILE")
