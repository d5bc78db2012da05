"""A reference picture: drawn from the prompt by a model that also looks at a given picture. `reference:MODEL`.

An IP-Adapter (Ye et al. 2023) lets a Stable Diffusion or SDXL model attend to a picture. Its weights are given to
`--adapter`: a safetensors file, or `ORG/NAME[@REVISION]/FOLDER/FILE.safetensors` on the hub, with the image encoder in
a folder `image_encoder` beside it unless the model has one. `strength` is the adapter's weight, 1 if none is given.
Models without such adapters are refused, and so are the adapters of Flux and Stable Diffusion 3, which are of another
kind. One job is drawn at a time, since a list of pictures means several references for one prompt.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from imgaudit.digest import digest_file
from imgaudit.errors import ModelUnavailable, UsageError
from imgaudit.generators._editing import EditingGenerator, Looking, Mode
from imgaudit.generators._spec import GeneratorOptions
from imgaudit.generators.diffusers import Model, Settings
from imgaudit.registry import generator
from imgaudit.types import JSON

ENCODER = "image_encoder"
_ON_HUB = re.compile(r"(?P<name>[\w.-]+/[\w.-]+?)(@(?P<revision>[\w.-]+))?(?P<folder>(/[\w.-]+)*)/(?P<file>[\w.-]+)")


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter's weights on this machine; `label` is its name on record, never a path."""

    file: Path
    label: str


class Referring(Looking):
    """A text-to-image pipeline with an IP-Adapter."""

    mode: ClassVar[Mode] = "reference"
    strength: ClassVar[float | None] = 1.0
    parameter: ClassVar[str] = "ip_adapter_image"

    def __init__(self, model: Model, options: GeneratorOptions) -> None:
        self._adapter = adapter_of(options.adapter)
        super().__init__(model, options)

    def identity(self) -> Mapping[str, JSON]:
        """See `Editing.identity`; the adapter's name and the digest of its weights."""
        weights = digest_file(self._adapter.file)
        return {**super().identity(), "adapter": self._adapter.label, "adapter_weights": weights}

    def _built(self, pipe: Any) -> Any:
        load_adapter(pipe, self._adapter)
        return pipe

    def _check_kind(self) -> None:
        if not {"prompt", "generator", self.parameter} <= set(self._parameters):
            raise UsageError(f"{self.model.label}: {self._loaded} takes no reference picture beside its prompt")

    def _check_control(self, name: str) -> None:
        if name != "strength":
            super()._check_control(name)

    def _with_strength(self, settings: Settings) -> Settings:
        return replace(settings, strength=settings.strength or self.strength)

    def _asked(self, jobs: Any, settings: Settings) -> dict[str, Any]:
        self._pipe.set_ip_adapter_scale(settings.strength)
        return super()._asked(jobs, settings)


def adapter_of(asked: str | None) -> Adapter:
    """Where the weights lie, fetched from the hub if need be. Only safetensors files are read."""
    if asked is None:
        raise UsageError(
            "the generator 'reference' needs an IP-Adapter: --adapter FILE.safetensors, or a file on the hub such as "
            "h94/IP-Adapter/models/ip-adapter_sd15.safetensors"
        )
    if not asked.endswith(".safetensors"):
        raise UsageError(f"--adapter {asked!r}: expected a safetensors file; other formats can hold code")
    path = Path(asked).expanduser()
    if path.is_file():
        return Adapter(path.resolve(), path.name)
    found = _ON_HUB.fullmatch(asked)
    if found is None or asked.startswith("."):
        raise UsageError(f"--adapter {asked!r}: no such file; expected one, or ORG/NAME/FOLDER/FILE.safetensors")
    folder = found["folder"].strip("/")
    inside = f"{folder}/" if folder else ""
    return Adapter(_fetched(found["name"], found["revision"], inside, found["file"]), asked)


def _fetched(name: str, revision: str | None, inside: str, file: str) -> Path:
    from huggingface_hub import snapshot_download

    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    wanted = [f"{inside}{file}", f"{inside}{ENCODER}/config.json", f"{inside}{ENCODER}/*.safetensors"]
    remedy = f"get it with: hf download {name} --include {' '.join(wanted)}"
    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=wanted, local_files_only=offline))
    except (OSError, ValueError) as error:
        words = " ".join(str(error).split())[:200]
        raise ModelUnavailable(f"{name}: the adapter is not here and cannot be had ({words})", remedy) from error
    if not (folder / inside / file).is_file():
        raise ModelUnavailable(f"{name}: has no file {inside}{file}", "name one that it has")
    return folder / inside / file


def load_adapter(pipe: Any, adapter: Adapter) -> None:
    """Give a pipeline the adapter and, where it has none, the image encoder beside it."""
    from diffusers.loaders import IPAdapterMixin

    name = type(pipe).__name__
    if not isinstance(pipe, IPAdapterMixin):
        raise UsageError(
            f"{name} cannot look at a reference picture: diffusers has no IP-Adapter of the known kind for it; "
            "expected a Stable Diffusion or SDXL model. docs/editing.md lists those that can"
        )
    if getattr(pipe, "image_encoder", None) is None:
        pipe.register_modules(image_encoder=_encoder(adapter.file.parent / ENCODER, pipe))
    try:
        pipe.load_ip_adapter(
            str(adapter.file.parent), subfolder="", weight_name=adapter.file.name, image_encoder_folder=None,
            local_files_only=True,
        )  # fmt: skip
    except Exception as error:  # a stranger's file: the libraries that read it raise what they like
        words = " ".join(str(error).split())[:200]
        raise ModelUnavailable(
            f"{adapter.label}: the adapter does not fit {name} ({words})", "use one that was made for this model"
        ) from error


def _encoder(folder: Path, pipe: Any) -> Any:
    from transformers import CLIPVisionModelWithProjection

    try:
        encoder = CLIPVisionModelWithProjection.from_pretrained(
            folder, dtype=pipe.dtype, use_safetensors=True, local_files_only=True
        )
    except (OSError, ValueError) as error:
        words = " ".join(str(error).split())[:200]
        raise ModelUnavailable(
            f"the adapter's image encoder cannot be loaded ({words})",
            f"put it, as safetensors, into a folder {ENCODER!r} beside the adapter",
        ) from error
    return encoder.to(pipe.device).eval()


@generator
class Reference(EditingGenerator):
    """A picture of the prompt by a model that looks at the given one, through an IP-Adapter."""

    name: ClassVar[str] = "reference"
    title: ClassVar[str] = "A picture of the prompt after a reference picture, by IP-Adapter (reference:MODEL)"
    takes: ClassVar[frozenset[str]] = frozenset(("image", "adapter"))

    def _opened(self, model: Model, options: GeneratorOptions) -> Referring:
        return Referring(model, options)
