"""Where things are that are named in words, by a zero-shot detector.

The option names the model:

    embedded (default)      the packaged detector of coloured shapes, which knows nothing else and says so
    hf:ORG/NAME[@REVISION]  OWL-ViT, OWLv2 or Grounding DINO of the Hugging Face hub, run by transformers
    a folder                such a model on this machine

Behind it may stand `;floor=0.1` and `;sure=0.3`: below the floor nothing is kept, from `sure` on a thing counts, and
between the two it is undetermined. `;bands=FILE` names a JSON file `{"dog": [0.08, 0.2], ...}` with both for single
nouns, for detectors are sure of some things at scores at which they guess others. The defaults of hub models are their
authors' examples and calibrated on nothing: see docs/objects.md.

Parameters of a query: `{"nouns": ["dog", "cat"]}` gives `Detections`.

A zero-shot detector often finds one thing several times. Of one noun, a box that shares more than half of its union
with a surer one is dropped, and one that lies within a surer one or around it by nine tenths of the smaller; at most 16
of a noun are kept, as GenEval does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from imgaudit.digest import digest
from imgaudit.errors import UsageError
from imgaudit.kernels.objects import MOST, without_doubles
from imgaudit.perceivers._detector_models import DetectorModel, EmbeddedDetector, Raw, Told, load
from imgaudit.percepts import Detected, Detections
from imgaudit.registry import perceiver
from imgaudit.types import Abstained, Box, Failed, Look, Sight

EMBEDDED = "embedded"
DOUBLE = 0.5
"""Intersection over union above which two boxes of one noun are one thing."""
MOST_NOUNS = 100
_LONGEST_NOUN = 200
_EXPECTED = "expected 'embedded', hf:ORG/NAME or the folder of a model, then ;floor=0.1;sure=0.3;bands=FILE if wanted"


@dataclass(frozen=True, slots=True)
class Spec:
    """An option, taken apart."""

    model: str
    revision: str | None = None
    floor: float | None = None
    sure: float | None = None
    bands: Mapping[str, tuple[float, float]] | None = None


@perceiver
class Detector:
    """Finds the nouns of a query in pictures, with boxes, scores and an undetermined band."""

    name: ClassVar[str] = "detector"
    title: ClassVar[str] = "Zero-shot object detection (OWLv2, Grounding DINO)"
    version: ClassVar[str] = "1"
    reads: ClassVar[Literal["pixels", "bytes"]] = "pixels"

    def __init__(self, option: str | None = None) -> None:
        spec = parse(option or EMBEDDED)
        self._model: DetectorModel = (
            EmbeddedDetector() if spec.model == EMBEDDED else load(spec.model, spec.revision)
        )
        floor, sure = self._model.band
        self._floor = floor if spec.floor is None else spec.floor
        self._sure = max(self._floor, sure if spec.sure is None else spec.sure)
        self._bands = dict(spec.bands or {})
        self._lowest = min([self._floor, *(low for low, _ in self._bands.values())])

    def identity(self) -> Mapping[str, str]:
        """The model, its weights, the versions that touch its numbers, and the thresholds."""
        band = {"floor": f"{self._floor:g}", "sure": f"{self._sure:g}"}
        bands = {"bands": digest({noun: list(band) for noun, band in self._bands.items()})} if self._bands else {}
        return {"model": self._model.label, **self._model.identity, **band, **bands}

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One `Detections` a look."""
        sights: dict[int, Sight] = {}
        asked = []
        for index, look in enumerate(looks):
            nouns = _nouns(look)
            if isinstance(nouns, Failed):
                sights[index] = nouns
            elif look.picture.rgb is None:
                sights[index] = Abstained("the picture cannot be decoded")
            else:
                asked.append((index, look.picture.rgb, nouns))
        told = self._model.detect([(rgb, nouns) for _, rgb, nouns in asked], self._lowest) if asked else []
        for (index, rgb, _), answer in zip(asked, told, strict=True):
            sights[index] = self._sight(answer, rgb.shape[1], rgb.shape[0])
        return [sights[index] for index in range(len(looks))]

    def _sight(self, told: Told, width: int, height: int) -> Detections:
        found: list[Detected] = []
        for noun in told.nouns:
            floor, _ = self._bands.get(noun, (self._floor, self._sure))
            mine = [_detected(raw, width, height) for raw in told.found if raw.noun == noun and raw.score >= floor]
            found += without_doubles([one for one in mine if one is not None], DOUBLE)[:MOST]
        return Detections(
            model=self._model.label,
            nouns=told.nouns,
            objects=tuple(sorted(found, key=lambda one: (-one.score, one.label, one.box))),
            floor=self._floor,
            sure=self._sure,
            bands={noun: band for noun, band in self._bands.items() if noun in told.nouns},
            knows=told.why_not is None,
            why_not=told.why_not,
        )


def _nouns(look: Look) -> tuple[str, ...] | Failed:
    given = look.query.parameters.get("nouns")
    nouns = list(given) if isinstance(given, (list, tuple)) else []
    lengths = [len(noun.strip()) if isinstance(noun, str) else 0 for noun in nouns]
    if not 0 < len(nouns) <= MOST_NOUNS or not all(0 < length <= _LONGEST_NOUN for length in lengths):
        return Failed(f"detector: a query needs 'nouns': 1 to {MOST_NOUNS} words of at most {_LONGEST_NOUN} characters")
    return tuple(dict.fromkeys(nouns))


def _detected(raw: Raw, width: int, height: int) -> Detected | None:
    """A find within the picture; None where less than a pixel of it is."""
    x0, x1 = (min(max(side, 0.0), float(width)) for side in (raw.box[0], raw.box[2]))
    y0, y1 = (min(max(side, 0.0), float(height)) for side in (raw.box[1], raw.box[3]))
    if x1 - x0 < 1 or y1 - y0 < 1:
        return None
    box: Box = (round(x0, 3), round(y0, 3), round(x1, 3), round(y1, 3))
    return Detected(label=raw.noun, box=box, score=round(raw.score, 6), color=raw.color)


def parse(option: str) -> Spec:
    """An option as model, revision and thresholds. Raises UsageError for what is none."""
    model, *rest = (part.strip() for part in option.split(";"))
    settings: dict[str, str] = {}
    for part in rest:
        key, equals, value = part.partition("=")
        if not equals or key not in ("floor", "sure", "bands") or key in settings:
            raise UsageError(f"--detector {option!r}: cannot read {part!r}; {_EXPECTED}")
        settings[key] = value
    floor, sure = (_share(option, settings.get(key)) for key in ("floor", "sure"))
    if floor is not None and sure is not None and floor > sure:
        raise UsageError(f"--detector {option!r}: the floor lies above 'sure'; expected floor <= sure")
    bands = _read_bands(Path(settings["bands"])) if "bands" in settings else None
    revision = None
    if model.startswith("hf:"):
        model, _, revision = model.removeprefix("hf:").partition("@")
    elif model != EMBEDDED and not Path(model).expanduser().is_dir():
        raise UsageError(f"--detector {option!r}: there is no such folder; {_EXPECTED}")
    if not model:
        raise UsageError(f"--detector {option!r}: names no model; {_EXPECTED}")
    return Spec(model, revision or None, floor, sure, bands)


def _share(option: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise UsageError(f"--detector {option!r}: {text!r} is no score; expected a number from 0 to 1")
    return value


def _read_bands(path: Path) -> dict[str, tuple[float, float]]:
    """Floor and sure of single nouns, from a JSON file."""
    wanted = 'expected a JSON object such as {"dog": [0.08, 0.2]}, floor first, both from 0 to 1'
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        bands = {str(noun): (float(low), float(high)) for noun, (low, high) in given.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}: the thresholds cannot be read: {type(error).__name__}; {wanted}") from error
    for noun, (low, high) in bands.items():
        if not 0 <= low <= high <= 1:
            raise UsageError(f"{path}: {noun!r}: {low:g} and {high:g}; {wanted}")
    return bands
