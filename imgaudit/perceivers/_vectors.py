"""Models that turn a picture into a vector: DINOv2 by transformers, SSCD as TorchScript, CLIP by open_clip."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from imgaudit.digest import digest, digest_file
from imgaudit.errors import ModelUnavailable, UsageError
from imgaudit.percepts import Embedding
from imgaudit.types import Abstained, Failed, Look, Picture, Query

if TYPE_CHECKING:
    import numpy as np

Vector = Any
EMBED = Query("clip", {"embed": True})
DINO_KINDS = ("dinov2", "dinov2_with_registers", "dinov3_vit")
DINO_REMEDY = "get it with: hf download facebook/dinov2-base, then: --embedding dinov2:facebook/dinov2-base"
SSCD_URL = "https://dl.fbaipublicfiles.com/sscd-copy-detection/sscd_disc_mixup.torchscript.pt"
SSCD_REMEDY = f"fetch it with: curl -LO {SSCD_URL}, then: --embedding sscd:sscd_disc_mixup.torchscript.pt"
SSCD_SIDE = 320
SSCD_MEAN, SSCD_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SSCD_COPY = 0.75
SSCD_BASIS = (
    "published for sscd_disc_mixup: of pairs of the DISC 2021 benchmark above it 90 in 100 are copies (README of "
    "facebookresearch/sscd-copy-detection)"
)
STRIP = 4
_BATCH = 32


class VectorModel(Protocol):
    """A model: its name for reports, what it is, and where its authors say that copies begin, if they do.

    `published` is the cosine and where it comes from.
    """

    label: str
    identity: Mapping[str, str]
    published: tuple[float, str] | None

    def vectors(self, pictures: Sequence[Picture]) -> Sequence[Vector | Abstained | Failed]:
        """One unit vector (float32) a picture."""
        ...


def load(spec: str) -> VectorModel:
    """The model of a spec. Raises ModelUnavailable when it is not here, UsageError for what is no spec."""
    kind, _, where = spec.partition(":")
    if kind == "dinov2" and where:
        return Dino(where)
    if kind == "sscd" and where:
        return Sscd(Path(where))
    if kind == "clip" and where:
        return ClipVectors(where)
    raise UsageError(f"--embedding {spec!r}: expected dinov2:ORG/NAME or a folder, sscd:FILE or clip:SPEC")


class _Batched(ABC):
    """What all torch models do: prepare each picture by itself, run batches, bring vectors to length 1."""

    label: str
    device: Any

    @abstractmethod
    def _prepare(self, rgb: np.ndarray) -> Any:
        """A picture as the model takes it."""

    @abstractmethod
    def _run(self, batch: Any) -> Any:
        """Vectors of a batch of prepared pictures."""

    def vectors(self, pictures: Sequence[Picture]) -> Sequence[Vector | Abstained | Failed]:
        """See `VectorModel`."""
        found: dict[int, Vector | Abstained | Failed] = {}
        inputs: dict[int, Any] = {}
        for place, picture in enumerate(pictures):
            if picture.rgb is None:
                found[place] = Abstained("the picture cannot be decoded")
                continue
            try:
                inputs[place] = self._prepare(picture.rgb)
            except Exception as error:  # one odd picture must not cost the others of its batch
                found[place] = Failed(f"embedding: the picture cannot be prepared: {error}")
        for places in _chunks(list(inputs), _BATCH):
            found.update(zip(places, self._forward([inputs[place] for place in places]), strict=True))
        return [found[place] for place in range(len(pictures))]

    def _forward(self, inputs: Sequence[Any]) -> list[Vector | Failed]:
        import numpy as np
        import torch

        try:
            with torch.inference_mode():
                rows = self._run(torch.stack(list(inputs)).to(self.device)).float().cpu().numpy()
        except torch.OutOfMemoryError:
            if len(inputs) == 1:
                return [Failed("embedding: out of memory on a single picture; use a smaller model or the CPU")]
            half = len(inputs) // 2
            return [*self._forward(inputs[:half]), *self._forward(inputs[half:])]
        lengths = np.linalg.norm(rows, axis=-1)
        good = np.isfinite(rows).all(axis=-1) & (lengths > 0)
        return [
            (row / length).astype(np.float32) if fine else Failed(f"embedding: {self.label} gave no finite vector")
            for row, length, fine in zip(rows, lengths, good, strict=True)
        ]


# --- DINOv2 ------------------------------------------------------------------------------------


class Dino(_Batched):
    """A DINOv2 (or DINOv3) vision transformer: its class token after the last normalisation."""

    published: tuple[float, str] | None = None

    def __init__(self, where: str) -> None:
        from imgaudit.perceivers._clip_pixels import check_preprocessing

        self.label = f"dinov2 {_shown(where)}"
        self._model, self._processor, facts = _transformers(where, self.label)
        self.device = self._model.device
        self.identity: Mapping[str, str] = facts
        size = getattr(self._processor, "crop_size", None) or self._processor.size
        documented = {
            "mean": self._processor.image_mean,
            "std": self._processor.image_std,
            "size": (size["height"], size["width"]),
        }
        check_preprocessing(self._prepare, documented, self.label)

    def _prepare(self, rgb: np.ndarray) -> Any:
        if getattr(self._processor, "do_center_crop", False):
            rgb = _middle(rgb)
        return self._processor(images=_as_pil(rgb), return_tensors="pt")["pixel_values"][0]

    def _run(self, batch: Any) -> Any:
        return self._model(pixel_values=batch).last_hidden_state[:, 0]


def _middle(rgb: np.ndarray) -> np.ndarray:
    """The middle of a strip: a picture of one pixel by a hundred thousand would else be blown up to gigabytes."""
    high, wide = rgb.shape[:2]
    reach = STRIP * min(high, wide)
    top, left = max(0, (high - reach) // 2), max(0, (wide - reach) // 2)
    return rgb[top : top + min(high, reach), left : left + min(wide, reach)]


def _transformers(where: str, label: str) -> tuple[Any, Any, dict[str, str]]:
    """Model in evaluation mode, its own preprocessing, and what it is. Raises ModelUnavailable."""
    import torch
    import transformers

    from imgaudit.perceivers.clip import offline

    source: Any = Path(where).expanduser() if Path(where).expanduser().is_dir() else where
    options: dict[str, Any] = {"local_files_only": offline(), "trust_remote_code": False}
    try:
        config = transformers.AutoConfig.from_pretrained(source, **options)
        if config.model_type not in DINO_KINDS:
            raise ValueError(f"it is a {config.model_type}; expected one of {', '.join(DINO_KINDS)}")
        processor = transformers.AutoImageProcessor.from_pretrained(source, **options)
        # a pickle could run code, so only safetensors are read
        with _no_bars():
            model = transformers.AutoModel.from_pretrained(source, config=config, use_safetensors=True, **options)
    except Exception as error:  # a stranger's files: transformers, safetensors and the hub raise what they like
        why = " ".join(str(error).split())[:160] or type(error).__name__
        raise ModelUnavailable(f"{label}: cannot be loaded: {why}", DINO_REMEDY) from error
    device = "cuda" if torch.cuda.is_available() else "cpu"
    facts = {
        "model": label,
        "weights": _state_digest(model),
        "preprocessing": digest(_plain(processor.to_dict())),
        "transformers": str(transformers.__version__),
        "torch": str(torch.__version__),
        "device": device,
    }
    return model.eval().to(device), processor, facts


@contextmanager
def _no_bars() -> Iterator[None]:
    """Without transformers' bars of progress, which it draws into pipes too."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _state_digest(model: Any) -> str:
    """Digest of all weights as they were loaded, wherever their files lie."""
    import hashlib

    total = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        total.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        total.update(tensor.detach().cpu().float().contiguous().numpy().tobytes())
    return total.hexdigest()


def _plain(facts: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in facts.items()}


# --- SSCD --------------------------------------------------------------------------------------


class Sscd(_Batched):
    """SSCD's copy descriptor, a TorchScript file. Pictures are squeezed to 320 by 320, as its authors advise.

    TorchScript is a program: it cannot run Python, but name only a file that you trust; its digest stands in run.json.
    """

    def __init__(self, file: Path) -> None:
        import torch
        import torchvision

        if not file.is_file():
            raise ModelUnavailable(f"there is no SSCD model at {file.name}", SSCD_REMEDY)
        self.label = f"sscd {file.name}"
        self.published = (SSCD_COPY, SSCD_BASIS) if "disc_mixup" in file.name else None
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch has said since 2.9 that TorchScript is old; SSCD comes as it
                self._model = torch.jit.load(str(file), map_location=self.device).eval()
            self._width = int(self._run(torch.zeros(1, 3, SSCD_SIDE, SSCD_SIDE, device=self.device)).shape[-1])
        except Exception as error:  # readers of broken and hostile files raise anything
            raise ModelUnavailable(
                f"{self.label}: is no TorchScript model of pictures: {type(error).__name__}", SSCD_REMEDY
            ) from error
        self.identity: Mapping[str, str] = {
            "model": self.label,
            "weights": digest_file(file),
            "torch": str(torch.__version__),
            "torchvision": str(torchvision.__version__),
            "device": self.device.type,
        }

    def _prepare(self, rgb: np.ndarray) -> Any:
        from torchvision.transforms import functional

        small = functional.resize(_as_pil(rgb), [SSCD_SIDE, SSCD_SIDE], antialias=True)
        return functional.normalize(functional.to_tensor(small), list(SSCD_MEAN), list(SSCD_STD))

    def _run(self, batch: Any) -> Any:
        import torch

        with torch.inference_mode():
            made = self._model(batch)
        if made.ndim != 2 or len(made) != len(batch):
            raise ValueError(f"the model gave an array of shape {tuple(made.shape)}; expected one row a picture")
        return made


# --- CLIP --------------------------------------------------------------------------------------


class ClipVectors:
    """The picture tower of another CLIP than the one that compares pictures with texts."""

    published: tuple[float, str] | None = None

    def __init__(self, spec: str) -> None:
        from imgaudit.perceivers.clip import Clip

        self._clip = Clip(spec)
        facts = dict(self._clip.identity())
        self.label = f"clip {facts['model']}"
        self.identity: Mapping[str, str] = facts

    def vectors(self, pictures: Sequence[Picture]) -> Sequence[Vector | Abstained | Failed]:
        """See `VectorModel`."""
        import numpy as np

        sights = self._clip.perceive([Look(picture, EMBED) for picture in pictures])
        return [np.array(sight.vector, np.float32) if isinstance(sight, Embedding) else _untold(sight)
                for sight in sights]  # fmt: skip


def _untold(sight: Any) -> Abstained | Failed:
    return sight if isinstance(sight, (Abstained, Failed)) else Failed("embedding: CLIP gave no vector")


def _as_pil(rgb: np.ndarray) -> Any:
    from PIL import Image

    return Image.fromarray(rgb)


def _chunks(items: list[int], size: int) -> Iterator[list[int]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _shown(where: str) -> str:
    """A hub's name as it is, and of a folder only its own name: reports tell nothing about the machine."""
    path = Path(where).expanduser()
    return path.resolve().name if path.exists() or where.startswith(("/", "~", ".")) else where


