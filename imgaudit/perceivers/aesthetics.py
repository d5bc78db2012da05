"""What a learned model says of a picture's looks: LAION's aesthetic predictor, or a metric of pyiqa.

The option names the model; without one the perceiver abstains. No weights come with the package:

    laion:FILE              LAION's aesthetic predictor, a .pth or .safetensors file, over CLIP ViT-L/14 of OpenAI
    pyiqa:METRIC            a metric without reference pictures of pyiqa (musiq, clipiqa+, topiq_nr, ...)

Parts that may follow, joined by semicolons:

    ;clip=SPEC              where laion's CLIP is, as for --clip; ViT-L-14:openai unless given
    ;weights=FILE           the weights of a pyiqa metric, which must be loadable without running code
    ;reference=FILE         scores of a reference set, see `imgaudit.calibration.make_reference`

A score has no meaning of its own: models have different scales, and one model's drift with style and subject. So it is
only ever compared as a percentile of a reference set that was scored by the same model; without such a set no
percentile is told. The predictor was trained on one CLIP, and another of the same width gives numbers that look like
scores: the reference set names the CLIP too, and one of another model is refused.
"""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from imgaudit.digest import digest, digest_file
from imgaudit.errors import ModelUnavailable, UsageError
from imgaudit.percepts import Embedding, LearnedScore
from imgaudit.registry import perceiver
from imgaudit.types import Abstained, Failed, Look, Picture, Query, Sight

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Weights = Mapping[str, NDArray[np.float32]]

FORMAT = "imgaudit-reference/1"
QUANTILES = 101
LAION_CLIP = "ViT-L-14:openai"
LAION_URL = "https://github.com/christophschuhmann/improved-aesthetic-predictor/raw/main/sac+logos+ava1-l14-linearMSE.pth"
LAION_REMEDY = f"fetch it with: curl -LO '{LAION_URL}', then: --aesthetics laion:sac+logos+ava1-l14-linearMSE.pth"
PYIQA_REMEDY = "install it with: pip install pyiqa, and name its weights: --aesthetics 'pyiqa:musiq;weights=FILE'"
EMBED = Query("clip", {"embed": True})
LAYERS = (0, 2, 4, 6, 7)
"""Numbers of the predictor's linear layers; dropout stands between them and does nothing when it predicts."""


class ScoreModel(Protocol):
    """A model: its name for reports, what it is, and its score of each picture."""

    label: str
    identity: Mapping[str, str]

    def scores(self, pictures: Sequence[Picture]) -> Sequence[float | Abstained | Failed]:
        """One score a picture, higher is better."""
        ...


@perceiver
class AestheticsPerceiver:
    """Scores the looks of pictures with one learned model. Takes no parameters; the option names the model."""

    name: ClassVar[str] = "aesthetics"
    title: ClassVar[str] = "Learned scores of looks"
    version: ClassVar[str] = "1"
    reads: ClassVar[Literal["pixels", "bytes"]] = "pixels"

    def __init__(self, option: str | None = None) -> None:
        if option is None:
            raise ModelUnavailable("no model of looks was named", LAION_REMEDY)
        spec, parts = parts_of(option)
        self._model = load(spec, parts)
        reference = parts.get("reference")
        self._reference = None if reference is None else Reference.read(Path(reference), self._model)

    def identity(self) -> Mapping[str, str]:
        """The model, the digests of its weights, and that of the reference set."""
        reference = {} if self._reference is None else {"reference": self._reference.digest}
        return {"model": self._model.label, **self._model.identity, **reference}

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One sight a look."""
        scores = self._model.scores([look.picture for look in looks])
        return [self._sight(score) for score in scores]

    def _sight(self, score: float | Abstained | Failed) -> Sight:
        if isinstance(score, (Abstained, Failed)):
            return score
        known = self._reference
        return LearnedScore(
            model=self._model.label,
            score=round(score, 6),
            percentile=None if known is None else round(known.percentile(score), 3),
            reference=None if known is None else known.name,
            reference_size=None if known is None else known.count,
        )


def parts_of(option: str) -> tuple[str, dict[str, str]]:
    """The model's spec, and what follows it. Raises UsageError for a part that nobody knows."""
    spec, *rest = option.split(";")
    parts = dict(part.partition("=")[::2] for part in rest)
    unknown = set(parts) - {"clip", "weights", "reference"}
    if unknown:
        raise UsageError(f"unknown part {sorted(unknown)[0]!r} of {option!r}; expected clip=, weights= or reference=")
    return spec, parts


def load(spec: str, parts: Mapping[str, str]) -> ScoreModel:
    """The model of a spec. Raises ModelUnavailable when it is not here, UsageError for what is no spec."""
    kind, _, where = spec.partition(":")
    if kind == "laion" and where:
        return LaionPredictor(Path(where), parts.get("clip", LAION_CLIP))
    if kind == "pyiqa" and where:
        return PyiqaMetric(where, Path(parts["weights"]) if "weights" in parts else None)
    raise UsageError(f"unknown model of looks {spec!r}; expected laion:FILE or pyiqa:METRIC")


# --- reference sets ----------------------------------------------------------------------------


class Reference:
    """The scores that one model gave a set of pictures, as quantiles.

    Attributes:
        name: what the set is, in its maker's words.
        count: pictures in it.
        digest: hex sha256 of the file's content.
    """

    def __init__(self, name: str, count: int, quantiles: Sequence[float], digest: str) -> None:
        self.name, self.count, self.digest = name, count, digest
        self._quantiles = tuple(quantiles)

    @classmethod
    def of(cls, name: str, scores: Sequence[float], model: ScoreModel) -> dict[str, Any]:
        """The content of a reference file. Raises UsageError for fewer scores than quantiles."""
        import numpy as np

        if len(scores) < QUANTILES:
            raise UsageError(f"{name}: {len(scores)} pictures were scored; a reference set needs at least {QUANTILES}")
        quantiles = np.percentile(np.asarray(scores, dtype=np.float64), np.linspace(0, 100, QUANTILES))
        model_facts = {"model": model.label, **model.identity}
        levels = [round(float(value), 6) for value in quantiles]
        return {"format": FORMAT, "name": name, "count": len(scores), "model": model_facts, "quantiles": levels}

    @classmethod
    def read(cls, path: Path, model: ScoreModel) -> Reference:
        """A reference file that `model` made. Raises UsageError for any other."""
        try:
            content = json.loads(path.read_text("utf-8"))
            made_by = content["model"]
            quantiles = [float(value) for value in content["quantiles"]]
            name, count, known = str(content["name"])[:200], int(content["count"]), content["format"] == FORMAT
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{path.name}: is no reference set: {error}; expected a file of {FORMAT}") from error
        rising = all(low <= high for low, high in itertools.pairwise(quantiles))
        if not known or len(quantiles) != QUANTILES or not rising:
            raise UsageError(f"{path.name}: is no reference set; expected {QUANTILES} rising quantiles of {FORMAT}")
        if made_by != {"model": model.label, **model.identity}:
            raise UsageError(
                f"{path.name}: was made by another model or by other weights than {model.label}; their scores cannot be"
                " compared. Make it anew with: python -m imgaudit.calibration.make_reference"
            )
        return cls(name, count, quantiles, digest(content))

    def percentile(self, score: float) -> float:
        """How many of a hundred pictures of the set score less, 0..100; equal scores count half."""
        import numpy as np

        below, upto = (float(np.searchsorted(self._quantiles, score, side)) for side in ("left", "right"))
        if below == upto and 0 < below < QUANTILES:
            low, high = self._quantiles[int(below) - 1], self._quantiles[int(below)]
            return below - 1 + (score - low) / (high - low)
        return min(100.0, max(0.0, (below + upto - 1) / 2 if below < upto else below))


# --- LAION -------------------------------------------------------------------------------------


class LaionPredictor:
    """LAION's aesthetic predictor: linear layers over the unit vector that CLIP ViT-L/14 gives a picture.

    Files of both kinds are read: the five layers of the improved predictor, and the single layer of the first one.
    """

    def __init__(self, weights: Path, clip: str) -> None:
        from imgaudit.perceivers.clip import Clip

        self._matrix, self._bias = folded(read_weights(weights, LAION_REMEDY))
        self._clip = Clip(clip)
        facts = dict(self._clip.identity())
        width = self._matrix.size
        vector = self._clip.perceive([Look(_blank(), EMBED)])[0]
        if not isinstance(vector, Embedding) or len(vector.vector) != width:
            raise ModelUnavailable(
                f"{weights.name} was trained on vectors of {width} numbers, which {facts['model']} does not give",
                f"leave out clip=, or name a CLIP that does: {LAION_CLIP}",
            )
        self.label = f"laion {weights.name}"
        self.identity: Mapping[str, str] = {
            "weights": digest_file(weights),
            "clip": facts["model"],
            "clip_weights": facts["weights"],
        }

    def scores(self, pictures: Sequence[Picture]) -> Sequence[float | Abstained | Failed]:
        """See `ScoreModel`."""
        sights = self._clip.perceive([Look(picture, EMBED) for picture in pictures])
        return [self._score(sight) for sight in sights]

    def _score(self, sight: Sight) -> float | Abstained | Failed:
        if isinstance(sight, Embedding):
            return float(self._matrix @ sight.vector + self._bias)
        return sight if isinstance(sight, (Abstained, Failed)) else Failed("aesthetics: CLIP gave no vector")


def _blank() -> Picture:
    import numpy as np

    return Picture(id="blank", data=b"", file="", rgb=np.zeros((8, 8, 3), np.uint8), pixels="blank")


def folded(weights: Weights) -> tuple[NDArray[np.float64], float]:
    """One row and one number that do what all layers do: nothing bends between them. Raises ModelUnavailable."""
    import numpy as np

    names = [f"layers.{number}" for number in LAYERS] if "layers.0.weight" in weights else [""]
    try:
        parts = [(weights[f"{n}.weight".lstrip(".")], weights[f"{n}.bias".lstrip(".")]) for n in names]
        matrix, bias = np.asarray(parts[0][0], np.float64), np.asarray(parts[0][1], np.float64)
        for weight, offset in parts[1:]:
            matrix, bias = np.asarray(weight, np.float64) @ matrix, np.asarray(weight, np.float64) @ bias + offset
        return matrix.reshape(1, -1)[0] if matrix.shape[0] == 1 else _no_predictor(), float(bias.reshape(1)[0])
    except (KeyError, ValueError, IndexError) as error:
        raise ModelUnavailable(f"the weights are those of no aesthetic predictor: {error}", LAION_REMEDY) from error


def _no_predictor() -> NDArray[np.float64]:
    raise ValueError("the last layer has more than one output")


def read_weights(path: Path, remedy: str) -> Weights:
    """The tensors of a .safetensors file, or of a PyTorch file that is read without running code in it."""
    content = _opened(path, remedy)
    try:
        return {str(name): tensor.float().numpy() for name, tensor in content.items()}
    except AttributeError as error:
        raise ModelUnavailable(f"{path.name}: holds more than tensors", remedy) from error


def _opened(path: Path, remedy: str) -> Mapping[str, Any]:
    if not path.is_file():
        raise ModelUnavailable(f"there are no weights at {path.name}", remedy)
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        import torch

        return dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # readers of broken and hostile files raise anything
        raise ModelUnavailable(f"{path.name}: the weights cannot be read: {type(error).__name__}", remedy) from error


# --- pyiqa -------------------------------------------------------------------------------------


class PyiqaMetric:
    """A metric of pyiqa that looks at one picture alone; the score is turned so that higher is better."""

    def __init__(self, metric: str, weights: Path | None) -> None:
        if importlib.util.find_spec("pyiqa") is None:
            raise ModelUnavailable("pyiqa is not installed", PYIQA_REMEDY)
        if weights is None:  # pyiqa would fetch them itself
            raise ModelUnavailable(f"no weights of {metric} were named", PYIQA_REMEDY)
        _opened(weights, PYIQA_REMEDY)  # refuses what hides code; pyiqa itself would run it
        pyiqa = importlib.import_module("pyiqa")
        try:
            self._metric = pyiqa.create_metric(metric, device="cpu", pretrained_model_path=str(weights))
        except Exception as error:  # an unknown metric, or weights of another one
            raise ModelUnavailable(f"pyiqa cannot build {metric}: {type(error).__name__}", PYIQA_REMEDY) from error
        if getattr(self._metric, "metric_mode", "NR") != "NR":
            raise UsageError(f"the metric {metric!r} compares two pictures; expected one that looks at one alone")
        self._sign = -1.0 if getattr(self._metric, "lower_better", False) else 1.0
        self.label = f"pyiqa {metric}"
        self.identity: Mapping[str, str] = {"weights": digest_file(weights), "pyiqa": str(pyiqa.__version__)}

    def scores(self, pictures: Sequence[Picture]) -> Sequence[float | Abstained | Failed]:
        """See `ScoreModel`."""
        return [self._score(picture) for picture in pictures]

    def _score(self, picture: Picture) -> float | Abstained | Failed:
        import numpy as np
        import torch

        if picture.rgb is None:
            return Abstained("the picture cannot be decoded")
        try:
            with torch.inference_mode():
                tensor = torch.from_numpy(np.ascontiguousarray(picture.rgb.transpose(2, 0, 1))).float()[None] / 255
                return self._sign * float(self._metric(tensor))
        except Exception as error:  # a metric raises what it likes; the other pictures go on
            return Failed(f"{picture.id}: {self.label} failed: {type(error).__name__}: {error}"[:300])
