"""How near a picture is to texts, in the joint embedding of a CLIP or SigLIP model run by open_clip.

The option names the model:

    embedded (default)           the small packaged model, which knows nothing but its world of coloured shapes
    hf-hub:ORG/NAME              an open_clip model of the Hugging Face hub
    ARCHITECTURE:TAG             one of open_clip's own, such as ViT-B-32:laion2b_s34b_b79k
    a folder                     an open_clip model on this machine (open_clip_config.json, weights, tokenizer)

Parameters of a query: `{"texts": [...]}` gives a `Match`, `{"embed": true}` an `Embedding`; with
`"box": [x0, y0, x1, y1]` in pixels only that part of the picture is looked at.

With `"between": true` a `Match` also holds the cosine of the first text with each of the others.

Pictures go through the checkpoint's own preprocessing from 8-bit pixels (`_clip_pixels`), and it is tested on a black
and a white picture and against open_clip's own when the model is built: a pipeline that scales twice, or normalises
with another checkpoint's numbers, still yields scores, and they look like scores. Tokens that do not fit the model's
context are counted, and a tokenizer that loses the end of a long text is refused (`_clip_texts`). Pictures are
prepared by as many threads as there are processors, while the model runs on those before them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from imgaudit.digest import digest, digest_file
from imgaudit.errors import ModelUnavailable, UsageError
from imgaudit.perceivers._clip_pixels import Preparation, check_agreement, check_preprocessing
from imgaudit.perceivers._clip_texts import check_encoding, check_tokenizer, encode, truncated
from imgaudit.percepts import Embedding, Match
from imgaudit.registry import perceiver
from imgaudit.types import Abstained, Failed, Look, Picture, Sight

if TYPE_CHECKING:
    import numpy as np

EMBEDDED = "embedded"
OUTSIDE = "the embedded CLIP knows only its world of coloured shapes, and this picture is not of it"
ANOTHER_MODEL = "use a model that knows more: --clip hf-hub:laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
CONFIG = "open_clip_config.json"
_KEPT_TEXTS = 20_000
_KEPT_PICTURES = 2_000
_BATCH = 32
_TEXT_BATCH = 128
_WORKERS = min(16, os.cpu_count() or 1)
_WEIGHTS = (".safetensors", ".bin", ".pth")
_BESIDE = (".json", ".txt", ".model")
_OTHER_FOLDER = "name a folder that open_clip saved, or another model"


@dataclass(frozen=True, slots=True)
class Weights:
    """Where a model comes from: open_clip's own name for it, and the files that make it what it is.

    `file`, `quick_gelu` and `preprocessing` belong to weights that open_clip lists under a tag.
    """

    label: str
    name: str
    files: tuple[Path, ...]
    remedy: str
    file: str | None = None
    quick_gelu: bool = False
    preprocessing: Mapping[str, Any] | None = None


@perceiver
class Clip:
    """Embeds pictures and texts with one model, each text and each picture once."""

    name: ClassVar[str] = "clip"
    title: ClassVar[str] = "Joint embedding of pictures and texts (CLIP, SigLIP)"
    version: ClassVar[str] = "2"
    reads: ClassVar[Literal["pixels", "bytes"]] = "pixels"

    def __init__(self, option: str | None = None) -> None:
        try:
            import open_clip  # noqa: F401
        except ImportError as error:
            raise ModelUnavailable(
                f"the perceiver 'clip' needs open_clip, which cannot be imported: {error}",
                "install it with: pip install 'open-clip-torch>=3.0'",
            ) from error
        self._weights = resolve(option or EMBEDDED)
        self._model, theirs, self._tokenizer = _load(self._weights)
        documented = self._model.visual.preprocess_cfg
        self._prepare = Preparation.of(documented, self._weights.label)
        check_preprocessing(self._prepare, documented, self._weights.label)
        check_agreement(self._prepare, theirs, self._weights.label)
        check_tokenizer(self._tokenizer, self._weights.label)
        check_encoding(self._model, self._tokenizer, self._weights.label)
        self._texts: dict[str, tuple[np.ndarray, int]] = {}
        self._pictures: dict[str, np.ndarray] = {}
        self._knows = _embedded_test() if self._weights.label == EMBEDDED else None
        self._device = next(self._model.parameters()).device
        self.scale = float(self._model.logit_scale.detach().float().exp())
        bias = getattr(self._model, "logit_bias", None)
        self.bias = None if bias is None else round(float(bias.detach().float()), 6)
        self._digest = digest([[path.name, digest_file(path)] for path in self._weights.files])

    def identity(self) -> Mapping[str, str]:
        """Model, digest of its files, the library versions that touch the numbers, and the device."""
        import open_clip
        import torch
        import torchvision

        return {
            "model": self._weights.label,
            "weights": self._digest,
            "open_clip": str(open_clip.__version__),
            "torch": str(torch.__version__),
            "torchvision": str(torchvision.__version__),
            "device": self._device.type,
            "dtype": "float32",
        }

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One `Match` or `Embedding` a look; a picture that cannot be embedded fails by itself."""
        wholes = {_key(look.picture): look.picture for look in looks}
        vectors = self._picture_vectors({_part(look): _cut(look) for look in looks})
        self._embed_texts(text for look in looks for text in look.query.parameters.get("texts", ()))
        known = {key: self._known(picture) for key, picture in wholes.items()}
        return [self._sight(look, vectors[_part(look)], known[_key(look.picture)]) for look in looks]

    def _known(self, picture: Picture) -> bool:
        return self._knows is None or (picture.rgb is not None and self._knows(picture.rgb))

    def _sight(self, look: Look, vector: np.ndarray | Failed | Abstained, knows: bool) -> Sight:
        if isinstance(vector, (Failed, Abstained)):
            return vector
        parameters = look.query.parameters
        if parameters.get("embed"):
            if not knows:
                return Abstained(OUTSIDE, ANOTHER_MODEL)
            return Embedding(model=self._weights.label, vector=tuple(round(float(x), 6) for x in vector))
        if not parameters.get("texts"):
            return Failed("clip: a query needs 'texts' or 'embed'")
        texts = [self._texts[text] for text in parameters["texts"]]
        first = texts[0][0]
        return Match(
            model=self._weights.label,
            cosines=tuple(round(float(vector @ text), 6) for text, _ in texts),
            scale=round(self.scale, 6),
            truncated=tuple(cut for _, cut in texts),
            between=tuple(round(float(first @ v), 6) for v, _ in texts[1:]) if parameters.get("between") else (),
            bias=self.bias,
            weights=self._digest[:12],
            knows=knows,
            why_not=None if knows else OUTSIDE,
        )

    # --- pictures

    def _picture_vectors(self, pictures: Mapping[str, Picture]) -> dict[str, np.ndarray | Failed | Abstained]:
        found: dict[str, np.ndarray | Failed | Abstained] = {}
        waiting: dict[str, np.ndarray] = {}
        for key, picture in pictures.items():
            if key in self._pictures:
                found[key] = self._pictures[key]
            elif picture.rgb is None:
                found[key] = Abstained("the picture cannot be decoded")
            else:
                waiting[key] = picture.rgb
        found |= self._looked_at(waiting)
        fresh = {key: value for key, value in found.items() if not isinstance(value, (Failed, Abstained))}
        _remember(self._pictures, fresh, _KEPT_PICTURES)
        return found

    def _looked_at(self, waiting: Mapping[str, np.ndarray]) -> dict[str, np.ndarray | Failed]:
        """Unit vectors of pictures; the next ones are prepared while the model runs."""
        found: dict[str, np.ndarray | Failed] = {}
        if not waiting:
            return found
        with ThreadPoolExecutor(_WORKERS) as workers:
            fitting = zip(waiting, workers.map(self._fitted, waiting.values()), strict=True)
            for keys in _chunks(list(waiting), _BATCH):
                ready: dict[str, np.ndarray] = {}
                for key, fitted in (next(fitting) for _ in keys):
                    if isinstance(fitted, Failed):
                        found[key] = fitted
                    else:
                        ready[key] = fitted
                found.update(zip(ready, self._forward(list(ready.values())), strict=True))
        return found

    def _fitted(self, rgb: np.ndarray) -> np.ndarray | Failed:
        try:
            return self._prepare.fitted(rgb)
        except Exception as error:  # one odd picture must not cost the others of its batch
            return Failed(f"clip: the picture cannot be prepared: {error}")

    def _forward(self, fitted: Sequence[np.ndarray]) -> list[np.ndarray | Failed]:
        """Unit vectors of fitted pictures; a batch that does not fit into memory is halved."""
        import torch

        if not fitted:
            return []
        try:
            with torch.inference_mode():
                batch = self._prepare.batch(fitted, self._device)
                return list(self._model.encode_image(batch, normalize=True).float().cpu().numpy())
        except torch.OutOfMemoryError:
            if len(fitted) == 1:
                return [Failed("clip: out of memory on a single picture; use a smaller model or the CPU")]
        half = len(fitted) // 2
        return [*self._forward(fitted[:half]), *self._forward(fitted[half:])]

    # --- texts

    def _embed_texts(self, texts: Iterator[str]) -> None:
        import torch

        wanted = dict.fromkeys(texts)
        missing = [text for text in wanted if text not in self._texts]
        fresh: dict[str, tuple[np.ndarray, int]] = {}
        for some in _chunks(missing, _TEXT_BATCH):
            with torch.inference_mode():
                tokens = self._tokenizer(some).to(self._device)
                vectors = encode(self._model, tokens).float().cpu().numpy()
            fresh |= {t: (v, truncated(self._tokenizer, t)) for t, v in zip(some, vectors, strict=True)}
        _remember(self._texts, fresh, max(_KEPT_TEXTS, len(wanted)), keep=wanted)


def _key(picture: Picture) -> str:
    return picture.pixels or f"id {picture.id}"


def _part(look: Look) -> str:
    """Names a picture, or the part of it that a query asks about."""
    box = look.query.parameters.get("box")
    return _key(look.picture) if box is None else f"{_key(look.picture)} {[round(side) for side in box]}"


def _cut(look: Look) -> Picture:
    """The part of the picture that a query asks about; at least one pixel of it."""
    box, rgb = look.query.parameters.get("box"), look.picture.rgb
    if box is None or rgb is None:
        return look.picture
    height, width = rgb.shape[:2]
    x0, y0 = min(max(round(box[0]), 0), width - 1), min(max(round(box[1]), 0), height - 1)
    x1, y1 = min(max(round(box[2]), x0 + 1), width), min(max(round(box[3]), y0 + 1), height)
    return replace(look.picture, rgb=rgb[y0:y1, x0:x1])


def _chunks(items: list[str], size: int) -> Iterator[list[str]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _remember(store: dict[str, Any], fresh: Mapping[str, Any], limit: int, keep: Collection[str] = ()) -> None:
    """Add to a store that stays below a size: the oldest go first, what is needed now stays."""
    store.update(fresh)
    surplus = max(0, len(store) - limit)
    for key in [key for key in store if key not in keep][:surplus]:
        del store[key]


def _embedded_test() -> Callable[[np.ndarray], bool]:
    from imgaudit.embedded import known

    return lambda rgb: bool(known.known(rgb))


# --- where it comes from ------------------------------------------------------------------------


def resolve(option: str) -> Weights:
    """Find a model's files by its option; they are downloaded only when the hub may be asked.

    Raises:
        UsageError: the option names nothing that could exist.
        ModelUnavailable: the model is not on this machine and cannot be had.
    """
    if option == EMBEDDED:
        from imgaudit.embedded import model_path

        if not model_path("clip").is_dir():
            raise ModelUnavailable("the packaged CLIP is missing", "install imgaudit again")
        return _folder(model_path("clip"), EMBEDDED)
    if option.startswith("hf-hub:"):
        return _hub(option)
    folder = Path(option.removeprefix("local-dir:"))
    if folder.is_dir():
        return _folder(folder, folder.resolve().name)
    if ":" in option and not option.startswith("local-dir:"):
        return _own(option)
    raise UsageError(
        f"--clip {option!r}: there is no such folder; expected 'embedded', hf-hub:ORG/NAME, ARCHITECTURE:TAG "
        "(as open_clip lists them) or the folder of an open_clip model"
    )


def offline() -> bool:
    """Whether the user forbade the hub (HF_HUB_OFFLINE); the hub's library is told, which looks only when imported."""
    from huggingface_hub import constants

    forbidden = os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    if forbidden:
        constants.HF_HUB_OFFLINE = True
    return forbidden


def _folder(folder: Path, label: str) -> Weights:
    config = folder / CONFIG
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix in _WEIGHTS + _BESIDE)
    if not config.is_file() or not any(path.suffix in _WEIGHTS for path in files):
        raise ModelUnavailable(
            f"{label}: the folder holds no open_clip model; expected {CONFIG} and weights beside it", _OTHER_FOLDER
        )
    _check_config(config, label, local=True)
    return Weights(label, f"local-dir:{folder}", tuple(files), _OTHER_FOLDER)


def _hub(option: str) -> Weights:
    from huggingface_hub import hf_hub_download
    from open_clip.pretrained import download_pretrained_from_hf

    model = option.removeprefix("hf-hub:")
    remedy = f"get it with: hf download {model}"
    try:
        config = Path(hf_hub_download(model, CONFIG, local_files_only=offline()))
        _check_config(config, option, local=False)
        weights = Path(download_pretrained_from_hf(model))
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{option}: the model is not on this machine ({_short(error)})", remedy) from error
    return Weights(option, option, (weights, config), remedy)


def _own(option: str) -> Weights:
    import open_clip
    from open_clip.pretrained import download_pretrained, get_pretrained_cfg, list_pretrained_tags_by_model

    architecture, _, tag = option.partition(":")
    if architecture not in open_clip.list_models():
        raise UsageError(f"--clip {option!r}: open_clip has no architecture {architecture!r}{_near(architecture)}")
    known = get_pretrained_cfg(architecture, tag)
    if not known:
        tags = ", ".join(list_pretrained_tags_by_model(architecture)) or "none"
        raise UsageError(f"--clip {option!r}: {architecture} has no weights {tag!r}; there are: {tags}")
    repository = os.path.dirname(known.get("hf_hub", ""))
    remedy = f"get it with: hf download {repository}" if repository else f"use it once with a network: --clip {option}"
    try:
        if offline() and not repository:
            _cached_download(known["url"])
        weights = Path(download_pretrained(known))
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelUnavailable(f"{option}: the weights are not on this machine ({_short(error)})", remedy) from error
    # weights trained with QuickGELU run without complaint in an architecture without it, and score wrongly
    return Weights(option, architecture, (weights,), remedy, str(weights), bool(known.get("quick_gelu")), known)


def _cached_download(url: str) -> None:
    """open_clip fetches plain addresses even when the hub is forbidden, so look before it does."""
    if not (Path("~/.cache/clip").expanduser() / os.path.basename(url)).is_file():
        raise FileNotFoundError("HF_HUB_OFFLINE is set and the file was never downloaded")


def _check_config(path: Path, label: str, local: bool) -> None:
    """A model's configuration is a stranger's file: it may not switch on foreign code, nor name models elsewhere."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        model = config["model_cfg"]
        text, vision = dict(model["text_cfg"]), dict(model["vision_cfg"])
        asked = {*dict(text.get("tokenizer_kwargs") or {}), *text, *vision, *model}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelUnavailable(f"{label}: {CONFIG} is no open_clip configuration", "use another model") from error
    if "trust_remote_code" in asked:
        raise ModelUnavailable(f"{label}: {CONFIG} asks to run code that came with the model", "use another model")
    elsewhere = [vision.get("timm_model_name")] + ([text.get("hf_model_name")] if local else [])
    if any(":" in str(name) or "/" in str(name) for name in elsewhere if name):
        raise ModelUnavailable(f"{label}: {CONFIG} names a model that lies elsewhere", "use another model")


def _load(weights: Weights) -> tuple[Any, Callable[[Any], Any], Any]:
    """Model in evaluation mode, its own inference preprocessing, and its tokenizer."""
    import open_clip
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    # weights that are given as a file lose the preprocessing that belongs to their tag
    own = weights.preprocessing or {}
    try:
        model, prepare = open_clip.create_model_from_pretrained(
            weights.name,
            pretrained=weights.file,
            device=device,
            force_quick_gelu=weights.quick_gelu,
            image_mean=own.get("mean"),
            image_std=own.get("std"),
            image_interpolation=own.get("interpolation"),
            image_resize_mode=own.get("resize_mode"),
            weights_only=True,
        )
        tokenizer = open_clip.get_tokenizer(weights.name)
    except Exception as error:  # a stranger's files: torch, safetensors, transformers and timm raise what they like
        raise ModelUnavailable(f"{weights.label}: cannot be loaded: {_short(error)}", weights.remedy) from error
    return model.eval(), prepare, tokenizer


def _short(error: Exception) -> str:
    words = " ".join(str(error).split())[:160]
    return words or type(error).__name__


def _near(architecture: str) -> str:
    import difflib

    import open_clip

    near = difflib.get_close_matches(architecture, open_clip.list_models(), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
