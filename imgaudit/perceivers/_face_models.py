"""Models that turn a face into a vector. The user names one; there is no default, and none comes with the package.

- `onnx:FILE`: a face model as InsightFace exports them: one input of RGB squares, (value - 127.5) / 127.5.
- `transformers:FOLDER`: a vision model that transformers saved, with its preprocessing; its pooled output.
- `open_clip:SPEC`: an open_clip model, as `--clip` names it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgaudit.digest import digest_file
from imgaudit.errors import ModelUnavailable, UsageError
from imgaudit.percepts import Embedding
from imgaudit.types import Look, Picture, Query

if TYPE_CHECKING:
    import numpy as np

KINDS = "onnx:FILE, transformers:FOLDER or open_clip:SPEC"
OTHER_SIDE = 224
ANOTHER = "name another model of faces; imgaudit comes with none"


class FaceModel:
    """A model: its name for reports, what it is, the side of the squares it takes, and how it embeds one."""

    def __init__(self, label: str, facts: Mapping[str, str], side: int, run: Callable[[np.ndarray], Any]) -> None:
        self.label, self.identity, self.side = label, {"model": label, **facts}, side
        self._run = run

    def vector(self, face: np.ndarray) -> np.ndarray:
        """Unit vector of an aligned face, uint8 (side, side, 3)."""
        import numpy as np

        vector = np.asarray(self._run(face), dtype=np.float64).reshape(-1)
        length = float(np.linalg.norm(vector))
        if not np.isfinite(length) or length == 0:
            raise ValueError(f"{self.label} gave no finite vector")
        return vector / length


def load(spec: str) -> FaceModel:
    """The model of a spec. Raises ModelUnavailable where it cannot be loaded, UsageError for what is no spec."""
    kind, _, where = spec.partition(":")
    loaders = {"onnx": _onnx, "transformers": _transformers, "open_clip": _open_clip}
    if kind not in loaders or not where:
        raise UsageError(f"--likeness: unknown model {spec!r}; expected {KINDS}")
    if kind != "open_clip" and not Path(where).expanduser().exists():
        raise ModelUnavailable(f"there is no model of faces at {Path(where).name}", ANOTHER)
    try:
        return loaders[kind](where)
    except (ModelUnavailable, UsageError):
        raise
    except Exception as error:  # a stranger's files: the libraries raise what they like
        why = " ".join(str(error).split())[:160] or type(error).__name__
        raise ModelUnavailable(f"{kind} {Path(where).name}: cannot be loaded: {why}", ANOTHER) from error


def _onnx(where: str) -> FaceModel:
    import numpy as np
    import onnxruntime

    path = Path(where).expanduser()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    side = taken.shape[-1]
    if len(taken.shape) != 4 or not isinstance(side, int) or not 32 <= side <= 1024:
        raise ValueError(f"its input has the shape {taken.shape}; expected pictures, 3 channels, and two equal sides")

    def run(face: np.ndarray) -> Any:
        prepared = ((face.astype(np.float32) - 127.5) / 127.5).transpose(2, 0, 1)[None]
        return session.run(None, {taken.name: prepared})[0]

    facts = {"weights": digest_file(path), "onnxruntime": str(onnxruntime.__version__)}
    return FaceModel(f"onnx {path.name}", facts, side, run)


def _transformers(where: str) -> FaceModel:
    import torch
    import transformers

    folder = Path(where).expanduser()
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    prepare = transformers.AutoImageProcessor.from_pretrained(folder, **options)
    # a pickle could run code, so only safetensors are read
    model = transformers.AutoModel.from_pretrained(folder, use_safetensors=True, **options).eval()

    def run(face: np.ndarray) -> Any:
        with torch.inference_mode():
            seen = model(**prepare(images=face.copy(), return_tensors="pt"))  # torch warns of arrays it may not write
        pooled = getattr(seen, "pooler_output", None)
        return (pooled if pooled is not None else seen.last_hidden_state[:, 0]).float().numpy()

    weights = [digest_file(path) for path in sorted(folder.glob("*.safetensors"))]
    facts = {"weights": ",".join(weights), "transformers": str(transformers.__version__)}
    return FaceModel(f"transformers {folder.name}", facts, OTHER_SIDE, run)


def _open_clip(where: str) -> FaceModel:
    from imgaudit.perceivers.clip import EMBEDDED, Clip

    if where == EMBEDDED:
        raise UsageError(f"--likeness: the embedded models do not tell faces apart; expected {KINDS}")
    clip = Clip(where)

    def run(face: np.ndarray) -> Any:
        name = hashlib.sha256(face.tobytes()).hexdigest()
        picture = Picture(id=name, data=b"", file=name, rgb=face, pixels=name)
        (seen,) = clip.perceive([Look(picture, Query("clip", {"embed": True}))])
        if not isinstance(seen, Embedding):
            raise ValueError(f"open_clip {where} could not embed a face")
        return seen.vector

    facts = dict(clip.identity())
    return FaceModel(f"open_clip {facts.pop('model')}", facts, OTHER_SIDE, run)
