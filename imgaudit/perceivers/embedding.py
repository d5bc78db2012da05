"""A picture's place in an embedding that was made to compare pictures with pictures.

The option names the model; without one the perceiver abstains, and what compares pictures takes the vectors of --clip:

    dinov2:ORG/NAME or a folder     DINOv2 (or DINOv3) through transformers: content and composition
    sscd:FILE                       SSCD, trained to find copies, as a TorchScript file of its authors
    clip:SPEC                       the picture tower of a CLIP, named as for --clip

Parts that may follow, joined by semicolons:

    ;threshold=NUMBER               cosine from which two pictures count as copies
    ;calibration=FILE               that cosine, measured by `imgaudit.calibration.fit_copies` on pictures of yours

A cosine means something else in every model. SSCD's authors publish one for sscd_disc_mixup (0.75); for every other
model nothing is called a copy by its embedding until you name a cosine or measure one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from imgaudit.digest import digest
from imgaudit.errors import ModelUnavailable, UsageError
from imgaudit.percepts import Embedding
from imgaudit.registry import perceiver
from imgaudit.types import Abstained, Failed, Look, Sight

FORMAT = "imgaudit-copies/1"
REMEDY = "name one: --embedding dinov2:facebook/dinov2-base, or sscd:FILE"


@perceiver
class EmbeddingPerceiver:
    """Embeds whole pictures with one model. Takes no parameters; the option names the model."""

    name: ClassVar[str] = "embedding"
    title: ClassVar[str] = "Embedding of pictures (DINOv2, SSCD, CLIP)"
    version: ClassVar[str] = "1"
    reads: ClassVar[Literal["pixels", "bytes"]] = "pixels"

    def __init__(self, option: str | None = None) -> None:
        from imgaudit.perceivers._vectors import load

        if option is None:
            raise ModelUnavailable("no embedding model was named", REMEDY)
        spec, parts = parts_of(option)
        self._model = load(spec)
        self._copy, self._facts = copies_from(parts, self._model)

    def identity(self) -> Mapping[str, str]:
        """The model, digests of its weights, library versions, and where copies begin."""
        return {**self._model.identity, **self._facts}

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One `Embedding` a look; a picture that cannot be embedded fails by itself."""
        made = self._model.vectors([look.picture for look in looks])
        return [self._sight(vector) for vector in made]

    def _sight(self, vector: Any) -> Sight:
        if isinstance(vector, (Abstained, Failed)):
            return vector
        start, basis = self._copy if self._copy is not None else (None, None)
        numbers = tuple(round(float(x), 6) for x in vector)
        return Embedding(model=self._model.label, vector=numbers, copy_from=start, copy_basis=basis)


def parts_of(option: str) -> tuple[str, dict[str, str]]:
    """The model's spec, and what follows it. Raises UsageError for a part that nobody knows."""
    spec, *rest = option.split(";")
    parts = dict(part.partition("=")[::2] for part in rest)
    unknown = sorted(set(parts) - {"threshold", "calibration"})
    if unknown:
        raise UsageError(f"--embedding {option!r}: unknown part {unknown[0]!r}; expected threshold= or calibration=")
    if len(parts) > 1:
        raise UsageError(f"--embedding {option!r}: name threshold= or calibration=, not both")
    return spec, parts


def copies_from(parts: Mapping[str, str], model: Any) -> tuple[tuple[float, str] | None, dict[str, str]]:
    """From which cosine copies begin and where that comes from, and the same as facts for run.json."""
    if "threshold" in parts:
        return (value := _threshold(parts["threshold"]), "named on the command line"), {"copy_from": f"{value:g}"}
    if "calibration" in parts:
        content = _calibration(Path(parts["calibration"]), model)
        known = float(content["copy_from"]), str(content["basis"])[:400]
        return known, {"copy_from": f"{known[0]:g}", "calibration": digest(content)}
    if model.published is not None:
        return model.published, {"copy_from": f"{model.published[0]:g}"}
    return None, {}


def _threshold(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 2.0
    if not -1 <= value <= 1:
        raise UsageError(f"--embedding: threshold={text}: expected a cosine from -1 to 1")
    return value


def _calibration(path: Path, model: Any) -> dict[str, Any]:
    """What `fit_copies` measured with this very model. Raises UsageError for anything else."""
    try:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
        good = content["format"] == FORMAT and -1 <= float(content["copy_from"]) <= 1 and bool(content["basis"])
        made_by = content["model"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path.name}: is no calibration of copies: {error}; expected a file of {FORMAT}") from error
    if not good:
        raise UsageError(f"{path.name}: is no calibration of copies; expected a file of {FORMAT}")
    # a library's version or the device moves cosines in the last digits only; other weights change their meaning
    if any(made_by.get(name) != model.identity[name] for name in ("model", "weights")):
        raise UsageError(
            f"{path.name}: was measured with another model or other weights than {model.label}; measure anew with: "
            "python -m imgaudit.calibration.fit_copies"
        )
    return content
