"""The models behind the perceiver `detector`: the embedded one, and those of transformers.

Each says what it found as plain triples, unfiltered but for its floor; doubles are removed by the perceiver.
"""

from __future__ import annotations

import contextlib
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from imgaudit.digest import digest, digest_file
from imgaudit.errors import ModelUnavailable
from imgaudit.perceivers.clip import offline
from imgaudit.types import Box

if TYPE_CHECKING:
    import numpy as np

Bands = Mapping[str, tuple[float, float]]


class Raw(NamedTuple):
    """A noun that was found, where, how sure, and its colour where the model tells it."""

    noun: str
    box: Box
    score: float
    color: str | None = None


class Told(NamedTuple):
    """What a model says of one picture: which nouns it could look for, and what it found, or why it cannot speak."""

    nouns: tuple[str, ...]
    found: tuple[Raw, ...] = ()
    why_not: str | None = None


class DetectorModel(Protocol):
    """A model: its name for reports, what it is, and the scores from which on something is kept, and counts."""

    label: str
    identity: Mapping[str, str]
    band: tuple[float, float]

    def detect(self, asked: Sequence[tuple[np.ndarray, tuple[str, ...]]], floor: float) -> list[Told]:
        """One answer a picture (uint8 RGB) and its nouns."""
        ...


# --- the embedded one ---------------------------------------------------------------------------


class EmbeddedDetector:
    """The packaged detector of coloured shapes. Tells colours by itself, and knows nothing but its world."""

    label = "embedded"
    band = (0.1, 0.8)
    """Of spoilt drawings, shapes that score 0.8 or more were right without exception, and below 0.1 hardly ever."""

    def __init__(self) -> None:
        from imgaudit.embedded import detector

        self._detector = detector
        self.identity: Mapping[str, str] = {"embedded": detector.VERSION}

    def detect(self, asked: Sequence[tuple[np.ndarray, tuple[str, ...]]], floor: float) -> list[Told]:
        """See `DetectorModel`."""
        return [self._told(rgb, nouns, floor) for rgb, nouns in asked]

    def _told(self, rgb: np.ndarray, nouns: tuple[str, ...], floor: float) -> Told:
        names = {noun: self._shape(noun) for noun in nouns}
        known = tuple(noun for noun, shape in names.items() if shape)
        if not known:
            return Told((), why_not=f"the embedded detector knows only shapes, and not {', '.join(nouns)[:80]!r}")
        sighting = self._detector.detect(rgb)
        if sighting.why_not:
            why = f"the embedded detector knows only its world of coloured shapes, and {sighting.why_not}"
            return Told(known, why_not=why)
        scored = [
            Raw(noun, thing.box, thing.fit if names[noun] == "shape" else thing.shapes[names[noun]], thing.colour)
            for thing in sighting.things
            for noun in known
        ]
        return Told(known, tuple(raw for raw in scored if raw.score >= floor))

    def _shape(self, noun: str) -> str:
        word = noun.strip().lower()
        return next((s for s in (*self._detector.OUTLINES, "shape") if word in (s, f"{s}s")), "")


# --- transformers -------------------------------------------------------------------------------

_BATCH = 4
_REMEDY = "name another: --detector hf:google/owlv2-base-patch16-ensemble or hf:IDEA-Research/grounding-dino-tiny"
_BANDS = {"owlv2": (0.1, 0.3), "owlvit": (0.1, 0.3), "grounding-dino": (0.25, 0.4), "mm-grounding-dino": (0.25, 0.4)}
"""Floor and sure by kind of model: what its authors' examples keep, and half as much again or more. Not calibrated."""
_TOLERANCE = 1e-3
_PROBE = 96


def load(where: str, revision: str | None) -> DetectorModel:
    """A zero-shot detector of transformers, from a folder or the hub. Raises ModelUnavailable."""
    from transformers import AutoConfig

    local = Path(where).expanduser()
    label = local.resolve().name if local.is_dir() else where
    source = str(local) if local.is_dir() else where
    options: dict[str, Any] = {"local_files_only": offline() or local.is_dir(), "trust_remote_code": False}
    if revision:
        options["revision"] = revision
    try:
        kind = AutoConfig.from_pretrained(source, **options).model_type
    except (OSError, ValueError) as error:
        raise unavailable(label, error) from error
    if kind not in _BANDS:
        raise ModelUnavailable(f"{label}: a model of kind {kind!r}, expected one of: {', '.join(_BANDS)}", _REMEDY)
    made = GroundingDino if kind.endswith("grounding-dino") else Owl
    return made(source, label, options)


def unavailable(label: str, error: Exception) -> ModelUnavailable:
    """The reason why a model is not there, short and without paths."""
    return ModelUnavailable(
        f"the detector {label!r} is not on this machine or cannot be loaded ({type(error).__name__})",
        f"get it with: hf download {label}, or name a folder that holds it",
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's progress bars, which do not know whether anybody watches."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


class _Transformers(ABC):
    """A zero-shot detector of transformers, in evaluation mode and 32-bit floats, weights from safetensors alone."""

    def __init__(self, source: str, label: str, options: Mapping[str, Any]) -> None:
        import torch
        import transformers

        try:
            with _quiet():
                self._processor = transformers.AutoProcessor.from_pretrained(source, **options)
                self._model = transformers.AutoModelForZeroShotObjectDetection.from_pretrained(
                    source, use_safetensors=True, dtype=torch.float32, **options
                )
        except Exception as error:  # a stranger's files: the libraries raise what they like
            raise unavailable(label, error) from error
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._model = self._model.eval().to(self._device)
        self._torch = torch
        self.label = label
        self.band = _BANDS[self._model.config.model_type]
        check_scaling(self._processor.image_processor, label)
        self.identity: Mapping[str, str] = {
            "weights": _weights(source, getattr(self._model.config, "_commit_hash", None)),
            "transformers": str(transformers.__version__),
            "torch": str(torch.__version__),
            "device": self._device.type,
            "dtype": "float32",
            "attention": str(getattr(self._model.config, "_attn_implementation", None)),
        }

    def detect(self, asked: Sequence[tuple[np.ndarray, tuple[str, ...]]], floor: float) -> list[Told]:
        """See `DetectorModel`. Pictures go in batches that give each the same answer as alone."""
        told: dict[int, Told] = {}
        for group in self._groups(asked):
            for start in range(0, len(group), _BATCH):
                some = group[start : start + _BATCH]
                told.update(zip(some, self._halving([asked[i] for i in some], floor), strict=True))
        return [told[index] for index in range(len(asked))]

    def _halving(self, asked: Sequence[tuple[np.ndarray, tuple[str, ...]]], floor: float) -> list[Told]:
        """A batch that does not fit into memory is halved."""
        try:
            with self._torch.inference_mode():
                return self._batch(asked, floor)
        except self._torch.OutOfMemoryError:
            if len(asked) == 1:
                raise
        half = len(asked) // 2
        return [*self._halving(asked[:half], floor), *self._halving(asked[half:], floor)]

    @abstractmethod
    def _groups(self, asked: Sequence[tuple[np.ndarray, tuple[str, ...]]]) -> list[list[int]]:
        """Indices of pictures that may share a batch."""

    @abstractmethod
    def _batch(self, asked: Sequence[tuple[np.ndarray, tuple[str, ...]]], floor: float) -> list[Told]:
        """What was found in one batch."""

    def _raws(
        self, nouns: Sequence[str], scores: Any, boxes: Any, scale: tuple[float, float], floor: float
    ) -> list[Raw]:
        """What one picture's scores (boxes, nouns) and boxes (centre, size, 0..1) say; a box has one noun, its best."""
        best, which = scores.max(dim=1)
        keep = best >= floor
        across, down = scale
        found = []
        for score, noun, (x, y, wide, high) in zip(
            best[keep].tolist(), which[keep].tolist(), boxes[keep].tolist(), strict=True
        ):
            box = ((x - wide / 2) * across, (y - high / 2) * down, (x + wide / 2) * across, (y + high / 2) * down)
            found.append(Raw(nouns[noun], box, min(score, 1.0)))
        return found


class Owl(_Transformers):
    """OWL-ViT and OWLv2: every noun is scored by itself, as the sigmoid of a likeness.

    Texts are `a photo of a NOUN`, as the models were evaluated by their authors. OWLv2 pads a picture to a square at
    the right and below, so that its boxes are shares of the longer side.
    """

    def _groups(self, asked: Sequence[tuple[np.ndarray, tuple[str, ...]]]) -> list[list[int]]:
        return [list(range(len(asked)))]

    def _batch(self, asked: Sequence[tuple[np.ndarray, tuple[str, ...]]], floor: float) -> list[Told]:
        most = max(len(nouns) for _, nouns in asked)
        texts = [[*(f"a photo of a {noun}" for noun in nouns), *[""] * (most - len(nouns))] for _, nouns in asked]
        words = self._processor.tokenizer(
            [text for some in texts for text in some], padding="max_length", truncation=True, return_tensors="pt",
            max_length=self._model.config.text_config.max_position_embeddings,
        )  # fmt: skip
        pixels = self._processor.image_processor(images=[rgb for rgb, _ in asked], return_tensors="pt")
        seen = self._model(
            input_ids=words["input_ids"].to(self._device),
            attention_mask=words["attention_mask"].to(self._device),
            pixel_values=pixels["pixel_values"].to(self._device),
        )
        told = []
        for index, (rgb, nouns) in enumerate(asked):
            scores = seen.logits[index, :, : len(nouns)].float().sigmoid().cpu()
            found = self._raws(nouns, scores, seen.pred_boxes[index].float().cpu(), self._scale(rgb), floor)
            told.append(Told(nouns, tuple(found)))
        return told

    def _scale(self, rgb: np.ndarray) -> tuple[float, float]:
        high, wide = rgb.shape[:2]
        square = self._model.config.model_type == "owlv2"
        return (float(max(high, wide)),) * 2 if square else (float(wide), float(high))


class GroundingDino(_Transformers):
    """Grounding DINO: one caption names all nouns, lower-case, each closed by a dot.

    The score of a noun is the mean over its own tokens, as its authors evaluate it; transformers' post-processing takes
    the largest token of the whole caption and makes labels of whatever tokens pass a threshold, so that two nouns may
    melt into one label. Pictures are batched only with pictures of their own size and nouns: padding moves its scores.
    """

    def _groups(self, asked: Sequence[tuple[np.ndarray, tuple[str, ...]]]) -> list[list[int]]:
        groups: dict[Any, list[int]] = {}
        for index, (rgb, nouns) in enumerate(asked):
            groups.setdefault((rgb.shape[:2], nouns), []).append(index)
        return list(groups.values())

    def _batch(self, asked: Sequence[tuple[np.ndarray, tuple[str, ...]]], floor: float) -> list[Told]:
        pixels = self._processor.image_processor(images=[rgb for rgb, _ in asked], return_tensors="pt").to(self._device)
        nouns = asked[0][1]
        found: list[list[Raw]] = [[] for _ in asked]
        for some in self._captions(nouns):
            words = self._processor.tokenizer([caption(some)] * len(asked), return_tensors="pt").to(self._device)
            spans = self._spans(words["input_ids"][0].tolist(), some)
            seen = self._model(**words, pixel_values=pixels["pixel_values"], pixel_mask=pixels["pixel_mask"])
            for index, (rgb, _) in enumerate(asked):
                tokens = seen.logits[index].float().sigmoid().cpu()
                scores = self._torch.stack([tokens[:, span].mean(dim=1) for span in spans], dim=1)
                scale = float(rgb.shape[1]), float(rgb.shape[0])
                found[index] += self._raws(some, scores, seen.pred_boxes[index].float().cpu(), scale, floor)
        return [Told(nouns, tuple(raws)) for raws in found]

    def _captions(self, nouns: Sequence[str]) -> list[tuple[str, ...]]:
        """The nouns in captions that fit the model's window."""
        room = int(self._model.config.max_text_len) - 2
        captions: list[list[str]] = [[]]
        for noun in nouns:
            if captions[-1] and self._length([*captions[-1], noun]) > room:
                captions.append([])
            captions[-1].append(noun)
        return [tuple(some) for some in captions]

    def _length(self, nouns: Sequence[str]) -> int:
        return len(self._processor.tokenizer(caption(nouns), add_special_tokens=False)["input_ids"])

    def _spans(self, ids: Sequence[int], nouns: Sequence[str]) -> list[list[int]]:
        """Places of each noun's tokens in the caption."""
        tokenizer = self._processor.tokenizer
        dot = tokenizer.convert_tokens_to_ids(".")
        spans: list[list[int]] = [[]]
        for place, token in enumerate(ids):
            if token == dot:
                spans.append([])
            elif token not in (tokenizer.cls_token_id, tokenizer.sep_token_id):
                spans[-1].append(place)
        told = spans[:-1]
        if len(told) != len(nouns) or not all(told):
            raise ValueError(f"the nouns {', '.join(nouns)[:80]!r} cannot be told apart in a caption")
        return told


def caption(nouns: Sequence[str]) -> str:
    """The caption that names nouns to Grounding DINO; dots and question marks within a noun would part it.

    >>> caption(["Teddy Bear", "st. bernard"])
    'teddy bear. st bernard.'
    """
    return " ".join(" ".join(re.sub(r"[.?]", " ", noun).lower().split()) + "." for noun in nouns)


def check_scaling(image_processor: Any, label: str) -> None:
    """Refuse a preprocessing that does not take 8-bit black and white to `(0 - mean) / std` and `(1 - mean) / std`.

    Pixels that are scaled twice still give boxes and scores, and they look like scores.
    """
    import numpy as np

    mean, std = (np.asarray(getattr(image_processor, name), float) for name in ("image_mean", "image_std"))
    for value in (0, 255):
        probe = np.full((_PROBE, _PROBE, 3), value, np.uint8)
        made = np.asarray(image_processor(images=[probe], return_tensors="np")["pixel_values"][0], float)
        wanted = ((value / 255 - mean) / std)[:, None, None]
        if np.abs(made - wanted).max() > _TOLERANCE:
            raise ModelUnavailable(
                f"{label}: the preprocessing does not give the model what it was trained on: a picture of value "
                f"{value} becomes {made.mean():.3f} on average, expected {wanted.mean():.3f}",
                "install the locked versions of transformers and torchvision, or use another model",
            )


def _weights(source: str, revision: str | None) -> str:
    """A hub's revision stands for its files; those of a folder are read."""
    if revision is not None:
        return revision
    files = sorted(path for path in Path(source).iterdir() if path.suffix in (".safetensors", ".json", ".txt"))
    return digest([[path.name, digest_file(path)] for path in files])
