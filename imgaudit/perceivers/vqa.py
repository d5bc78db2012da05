"""Answers of a question-answering model: how sure it is that the answer to a question about a picture is yes.

The option names the model; without one the perceiver abstains:

    hf:ORG/NAME[@REVISION]       a model of the Hugging Face hub (Qwen3-VL, Qwen2.5-VL, LLaVA, SmolVLM, InternVL, ...)
    a folder                     such a model on this machine

Any image-text-to-text model of transformers will do that has a chat template and a single token for yes and for no;
code that comes with a model is not run. Parameters of a query: `{"questions": [...]}`.

An answer is P(yes) / (P(yes) + P(no)) of the first word of the reply, over all spellings of the two words, read off one
forward pass over all pairs of picture and question; nothing is generated. Rows are padded at the left, so that the
last position is the question's end in each, and padding takes no position. A batch must not change an answer: the
perceiver asks itself that when it is built, and where it does, it asks one pair at a time and says so (`batched`).
A question that does not ask for yes or no by itself is followed by "Please answer yes or no."
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from imgaudit.errors import ModelUnavailable
from imgaudit.perceivers._vqa_models import OTHER, REMEDY, Model
from imgaudit.percepts import Answers
from imgaudit.registry import perceiver
from imgaudit.types import Abstained, Failed, Look, Sight

if TYPE_CHECKING:
    import numpy as np

BATCH = 16
"""Pairs of picture and question in one forward pass; a batch that does not fit into memory is halved."""
TOLERANCE = {"float32": 1e-3, "float16": 0.02, "bfloat16": 0.05}
"""How far an answer may move with its batch: the rounding of the dtype, grown over the layers of a large model."""
ASK = "Please answer yes or no."
_SELF_TEST = ("Is it red?", 'Does this figure show "a small grey dog that sits to the left of two tall green trees"?')

Pair = tuple[str, str]
Told = tuple[float, float] | Failed | Abstained


@perceiver
class Vqa:
    """Asks one model all questions about all pictures of a batch."""

    name: ClassVar[str] = "vqa"
    title: ClassVar[str] = "Question-answering model (yes or no)"
    version: ClassVar[str] = "1"
    reads: ClassVar[Literal["pixels", "bytes"]] = "pixels"

    def __init__(self, option: str | None = None) -> None:
        if not option:
            raise ModelUnavailable("no question-answering model is named", REMEDY)
        self._model = Model(option)
        self._batch = BATCH if self._keeps_answers() else 1

    def identity(self) -> Mapping[str, str]:
        """Model, revision or weights, library versions, device, dtype, attention, and whether it asks in batches."""
        return {**self._model.identity, "batched": "no" if self._batch == 1 else "yes"}

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One `Answers` a look; a pair is asked once."""
        pictures: dict[str, np.ndarray] = {}
        pairs: dict[Pair, None] = {}
        for look in looks:
            if look.picture.rgb is not None:
                pictures[_key(look)] = look.picture.rgb
                pairs.update(dict.fromkeys((_key(look), question) for question in _questions(look)))
        wanted = list(pairs)
        told: dict[Pair, Told] = {}
        for start in range(0, len(wanted), self._batch):
            some = wanted[start : start + self._batch]
            told.update(zip(some, self._ask(pictures, some), strict=True))
        return [self._sight(look, told) for look in looks]

    def _sight(self, look: Look, told: Mapping[Pair, Told]) -> Sight:
        if look.picture.rgb is None:
            return Abstained("the picture cannot be decoded")
        questions = _questions(look)
        if not questions:
            return Failed("vqa: a query needs 'questions'")
        numbers: list[tuple[float, float]] = []
        for question in questions:
            answer = told[(_key(look), question)]
            if isinstance(answer, (Failed, Abstained)):
                return answer
            numbers.append(answer)
        return Answers(
            model=self._model.label,
            questions=tuple(questions),
            yes=tuple(round(yes, 6) for yes, _ in numbers),
            sure=tuple(round(sure, 6) for _, sure in numbers),
        )

    def _ask(self, pictures: Mapping[str, np.ndarray], pairs: Sequence[Pair]) -> list[Told]:
        """The answers of some pairs in one forward pass; halved where they do not fit into memory together."""
        import torch

        try:
            inputs = self._prepared(pictures, pairs)
            fits = self._model.limit is None or self._model.longest(inputs) <= self._model.limit
            if fits:
                return [_told(yes, sure) for yes, sure in zip(*self._model.answer(inputs), strict=True)]
            if len(pairs) == 1:
                return [Abstained("the picture and the question are longer than the model can read")]
        except torch.OutOfMemoryError:
            if len(pairs) == 1:
                return [Failed("vqa: out of memory on a single question; use a smaller model or the CPU")]
        half = len(pairs) // 2
        return [*self._ask(pictures, pairs[:half]), *self._ask(pictures, pairs[half:])]

    def _prepared(self, pictures: Mapping[str, np.ndarray], pairs: Sequence[Pair]) -> Any:
        from PIL import Image

        shown = [Image.fromarray(pictures[key]) for key, _ in pairs]
        return self._model.prepare(shown, [worded(question) for _, question in pairs])

    def _keeps_answers(self) -> bool:
        """Whether answers are the same alone and in a batch. Raises ModelUnavailable where it gives none alone."""
        pictures = {"grey": _grey(64, 64), "wide": _grey(48, 96)}
        pairs = list(zip(pictures, _SELF_TEST, strict=True))
        try:
            alone = [self._ask(pictures, [pair])[0] for pair in pairs]
            together = self._ask(pictures, pairs)
        except Exception as error:  # a model raises what it likes
            words = " ".join(str(error).split())[:160]
            reason = f"{self._model.label}: cannot be asked: {type(error).__name__}: {words}"
            raise ModelUnavailable(reason, OTHER) from error
        if not all(isinstance(answer, tuple) for answer in alone):
            raise ModelUnavailable(f"{self._model.label}: gives no answer to a plain question: {alone[0]}", OTHER)
        tolerance = TOLERANCE.get(self._model.identity["dtype"], TOLERANCE["float32"])
        return all(
            isinstance(one, tuple) and isinstance(other, tuple) and abs(one[0] - other[0]) <= tolerance
            for one, other in zip(alone, together, strict=True)
        )


def worded(question: str) -> str:
    """The question as it is put to the model.

    >>> worded("Is the dog red?")
    'Is the dog red? Please answer yes or no.'
    >>> worded('Does this figure show "a dog"? Please answer yes or no.')
    'Does this figure show "a dog"? Please answer yes or no.'
    """
    return question if "yes or no" in question[-40:].lower() else f"{question.rstrip()} {ASK}"


def _told(yes: float, sure: float) -> Told:
    if not (math.isfinite(yes) and math.isfinite(sure)):
        return Failed("vqa: the model's scores are no finite numbers")
    return yes, sure


def _questions(look: Look) -> list[str]:
    return [str(question) for question in look.query.parameters.get("questions", ())]


def _key(look: Look) -> str:
    return look.picture.pixels or f"id {look.picture.id}"


def _grey(high: int, wide: int) -> np.ndarray:
    import numpy as np

    ramp = np.linspace(60, 200, wide, dtype=np.uint8)
    return np.repeat(np.repeat(ramp[None, :, None], high, axis=0), 3, axis=2)
