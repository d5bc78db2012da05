"""Any text-to-image pipeline of diffusers, by its name on the Hugging Face hub or from a folder.

`diffusers:MODEL` takes a hub name or a folder, `diffusers@REVISION:MODEL` pins a branch, tag or commit. Weights are
read from safetensors files only, and code that comes with a model is never run.

Each picture draws its noise from a `torch.Generator` of its own, on the CPU, seeded with the job's seed. So a picture
does not depend on its neighbours, on the batch size or on the device's random numbers, and

    pipeline(prompt, generator=torch.Generator("cpu").manual_seed(seed), num_inference_steps=..., guidance_scale=...)

draws it again. Pixels may still differ by rounding, since a batch is added up in another order than a single picture.
"""

from __future__ import annotations

import difflib
import inspect
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from imgaudit.digest import digest, digest_file
from imgaudit.errors import ConfigError, ModelUnavailable, UsageError
from imgaudit.generators._spec import GeneratorOptions
from imgaudit.registry import generator
from imgaudit.types import JSON, Basis, Job, Refused, Rendered, Source
from imgaudit.yamlfile import parse_yaml

if TYPE_CHECKING:
    from PIL import Image

DTYPES = ("float32", "float16", "bfloat16")
_PARAMETERS = {
    "steps": "num_inference_steps",
    "guidance": "guidance_scale",
    "width": "width",
    "height": "height",
    "negative": "negative_prompt",
    "strength": "strength",
}
_CARD_BYTES = 1 << 20
UNSAFE = "the pipeline's safety checker withheld the picture"
_OUT_OF_MEMORY = "not enough memory for a single picture; use a smaller size, --dtype float16 or another device"
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Model:
    """A pipeline that is on this machine.

    Attributes:
        generator: name of the generator that runs it; `label`: name on record, never a path.
        steps, guidance: defaults where they are not the pipeline's own.
        licence: as the model's card says.
    """

    generator: str
    label: str
    revision: str | None
    folder: Path
    steps: int | None = None
    guidance: float | None = None
    licence: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What pictures of one batch share: all controls but the words. None leaves the pipeline's default."""

    steps: int | None
    guidance: float | None
    width: int | None
    height: int | None
    sampler: str | None
    negative: bool
    strength: float | None


class Unsupported(UsageError):
    """The pipeline has no such control."""


class Pipeline:
    """A loaded pipeline that renders jobs from their words. `_editing` has those that start from a picture."""

    def __init__(self, model: Model, options: GeneratorOptions) -> None:
        check_folder(model.folder, model.label)
        self.model = model
        self.device, self.dtype = _placed(options)
        self._batch_size = options.batch_size
        self._pipe = self._adapted(_load(model, self.device, self.dtype))
        self._scheduler: Any = getattr(self._pipe, "scheduler", None)
        self._parameters = parameters_of(self._pipe)
        self._check_kind()

    @property
    def pipe(self) -> Any:
        """The loaded pipeline of diffusers, whose parts others may share."""
        return self._pipe

    def _adapted(self, pipe: Any) -> Any:
        """The pipeline that is called, made of the one that was loaded."""
        return pipe

    def identity(self) -> Mapping[str, JSON]:
        """What made the pictures: model, weights, scheduler, numerics, library versions."""
        import diffusers
        import torch
        import transformers

        return {
            "generator": self.model.generator,
            "model": self.model.label,
            "revision": self.model.revision,
            "weights": weights_digest(self.model.folder),
            "licence": self.model.licence,
            "pipeline": type(self._pipe).__name__,
            "scheduler": type(self._scheduler).__name__,
            "dtype": self.dtype,
            "device": self.device,
            "attention": _attention(self._pipe),
            "torch": str(torch.__version__),
            "diffusers": str(diffusers.__version__),
            "transformers": str(transformers.__version__),
        }

    def render(self, jobs: Sequence[Job]) -> Iterator[Rendered | Refused]:
        """One result a job, in order; neighbours with the same settings are made in one batch."""
        for settings, group in groupby(jobs, self._settings):
            if isinstance(settings, str):
                yield from (Refused(job, settings) for job in group)
                continue
            waiting = list(group)
            while waiting:
                some, waiting = waiting[: self._batch_size], waiting[self._batch_size :]
                yield from self._batch(some, settings)

    # --- what is asked

    def _settings(self, job: Job) -> Settings | str:
        """The settings of a job, or why it is refused. The command line's controls go before the case's."""
        if (reason := self._refusal(job)) is not None:
            return reason
        controls = job.controls
        for name in _PARAMETERS:
            if getattr(controls, name) is not None:
                self._check_control(name)
        if controls.sampler is not None:
            self._scheduler_class(controls.sampler)
        try:
            for name in ("width", "height", "negative", "strength"):
                if getattr(job.case, name) is not None:
                    self._check_control(name)
        except Unsupported as error:
            return str(error)
        return Settings(
            steps=controls.steps or self.model.steps,
            guidance=self.model.guidance if controls.guidance is None else controls.guidance,
            width=controls.width or job.case.width,
            height=controls.height or job.case.height,
            sampler=controls.sampler,
            negative=_negative(job) is not None,
            strength=controls.strength or job.case.strength,
        )

    def _refusal(self, job: Job) -> str | None:
        """Why a job cannot be asked of this pipeline at all, or None."""
        if job.given is not None or job.case.image is not None:
            return "the case starts from a picture, which this generator does not take; expected img2img:MODEL or so"
        return None if job.case.prompt else "the case has no prompt"

    def _check_control(self, name: str) -> None:
        if _PARAMETERS[name] not in self._parameters:
            raise Unsupported(
                f"{self.model.label}: the control {name!r} is not taken by {type(self._pipe).__name__}, which has no "
                f"{_PARAMETERS[name]!r}; leave it out or use another model"
            )

    def _check_kind(self) -> None:
        needed = [n for n, p in self._parameters.items() if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
        if not {"prompt", "generator"} <= set(self._parameters) or set(needed) - {"prompt"}:
            raise UsageError(
                f"{self.model.label}: {type(self._pipe).__name__} does not make pictures from a prompt alone; "
                "expected a text-to-image pipeline"
            )

    def _scheduler_class(self, name: str) -> Any:
        classes: dict[str, Any] = {kind.__name__: kind for kind in getattr(self._scheduler, "compatibles", [])}
        if name in classes:
            return classes[name]
        near = difflib.get_close_matches(name, classes, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UsageError(
            f"{self.model.label}: the sampler {name!r} does not fit this model; {hint}"
            f"there are: {', '.join(sorted(classes)) or 'none'}"
        )

    # --- what is made

    def _batch(self, jobs: list[Job], settings: Settings) -> list[Rendered | Refused]:
        import torch

        try:
            images, blanked = self._call(jobs, settings)
        except torch.OutOfMemoryError:
            pass
        except ValueError as error:  # diffusers' own check of its inputs, such as a width that 8 does not divide
            return [Refused(job, f"the pipeline refuses the request: {error}") for job in jobs]
        else:
            source = self._source(settings)
            return [
                Refused(job, UNSAFE) if withheld else self._rendered(job, image.convert("RGB"), source, settings)
                for job, image, withheld in zip(jobs, images, blanked, strict=True)
            ]
        return self._halved(jobs, settings)

    def _rendered(self, job: Job, image: Image.Image, source: Source, settings: Settings) -> Rendered:
        basis = self._basis(job, settings)
        told = {"seed": job.seed, "prompt": job.case.prompt, "negative": _negative(job), "basis": basis}
        return Rendered(job, self._finished(job, image, settings), source.model_copy(update=told))

    def _finished(self, job: Job, image: Image.Image, settings: Settings) -> Image.Image:
        """What is kept of what the pipeline drew."""
        return image

    def _basis(self, job: Job, settings: Settings) -> Basis | None:
        """The picture that a job starts from, for the record."""
        return None

    def _halved(self, jobs: list[Job], settings: Settings) -> list[Rendered | Refused]:
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if len(jobs) == 1:
            return [Refused(jobs[0], _OUT_OF_MEMORY)]
        half = self._batch_size = len(jobs) // 2
        return [*self._batch(jobs[:half], settings), *self._batch(jobs[half:], settings)]

    def _call(self, jobs: list[Job], settings: Settings) -> tuple[list[Image.Image], list[bool]]:
        if settings.sampler is not None:
            self._pipe.scheduler = self._scheduler_class(settings.sampler).from_config(self._scheduler.config)
        elif self._scheduler is not None:
            self._pipe.scheduler = self._scheduler
        output = self._pipe(**self._asked(jobs, settings))
        if not hasattr(output, "images"):
            raise UsageError(
                f"{self.model.label}: {type(self._pipe).__name__} gave no pictures but {type(output).__name__}; "
                "expected a text-to-image pipeline"
            )
        return output.images, flagged(output, len(jobs))

    def _asked(self, jobs: list[Job], settings: Settings) -> dict[str, Any]:
        """What the pipeline is called with: lists with one entry a job, and what all share."""
        import torch

        asked: dict[str, Any] = {
            parameter: getattr(settings, name)
            for name, parameter in _PARAMETERS.items()
            if name != "negative" and getattr(settings, name) is not None
        }
        if settings.negative:
            asked["negative_prompt"] = [_negative(job) for job in jobs]
        asked["prompt"] = [job.case.prompt for job in jobs]
        asked["generator"] = [torch.Generator("cpu").manual_seed(job.seed) for job in jobs]
        return asked

    def _source(self, settings: Settings) -> Source:
        return Source(
            generator=self.model.generator,
            model=self.model.label,
            sampler=settings.sampler or (type(self._scheduler).__name__ if self._scheduler is not None else None),
            steps=settings.steps or self._default("num_inference_steps"),
            guidance=self._default("guidance_scale") if settings.guidance is None else settings.guidance,
            parse="complete",
        )

    def _default(self, parameter: str) -> Any:
        """The pipeline's own default, where it is written down as a number."""
        value = self._parameters[parameter].default if parameter in self._parameters else None
        return value if isinstance(value, (int, float)) else None


@generator
class Diffusers:
    """Any text-to-image pipeline of diffusers."""

    name: ClassVar[str] = "diffusers"
    title: ClassVar[str] = "Any diffusers pipeline, from the hub or a folder (diffusers[@REVISION]:MODEL)"

    def __init__(self, argument: str | None, revision: str | None, options: GeneratorOptions) -> None:
        self.pipeline = Pipeline(locate(argument, revision), options)

    def identity(self) -> Mapping[str, JSON]:
        """See `Pipeline.identity`."""
        return self.pipeline.identity()

    def render(self, jobs: Sequence[Job]) -> Iterator[Rendered | Refused]:
        """See `Pipeline.render`."""
        return self.pipeline.render(jobs)


# --- where a model comes from -------------------------------------------------------------------


def locate(argument: str | None, revision: str | None) -> Model:
    """The folder of a model: one on this machine, or the hub's copy in the cache."""
    if not argument:
        raise UsageError("the generator 'diffusers' needs a model: diffusers:ORG/NAME or diffusers:FOLDER")
    folder = Path(argument).expanduser()
    if folder.is_dir():
        if revision is not None:
            raise UsageError(f"diffusers@{revision}: a folder has no revisions; leave @{revision} out")
        return Model("diffusers", folder.resolve().name, None, folder, licence=card_licence(folder))
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", argument) or argument.startswith("."):
        raise UsageError(f"diffusers:{argument}: there is no such folder; expected a folder or a hub name ORG/NAME")
    fetched = _fetched(argument, revision)
    commit = fetched.name if _COMMIT.fullmatch(fetched.name) else revision
    return Model("diffusers", argument, commit, fetched, licence=card_licence(fetched))


def _fetched(name: str, revision: str | None) -> Path:
    import diffusers

    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    command = f"hf download {name}" + (f" --revision {revision}" if revision else "")
    try:
        found = diffusers.DiffusionPipeline.download(
            name, revision=revision, use_safetensors=True, local_files_only=offline
        )
    except (OSError, ValueError) as error:
        words = " ".join(str(error).split())[:200]
        raise ModelUnavailable(
            f"diffusers:{name}: the model is not on this machine and cannot be had ({words})",
            f"get it with: {command} (a gated model needs `hf auth login` first)",
        ) from error
    return Path(found)


def check_folder(folder: Path, label: str) -> None:
    """Refuse a model folder that would run code of its own, or load classes from anywhere but the known libraries."""
    import diffusers

    try:
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
        parts = {name: value for name, value in index.items() if isinstance(value, list)}
        kind = index["_class_name"]
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise ModelUnavailable(
            f"{label}: the folder holds no diffusers pipeline (model_index.json is missing or broken)",
            "name a folder that diffusers saved",
        ) from error
    if next(folder.rglob("*.py"), None) is not None or not isinstance(kind, str) or not hasattr(diffusers, kind):
        raise ModelUnavailable(
            f"{label}: the model brings its own code or a pipeline class that diffusers {diffusers.__version__} lacks",
            "use a model whose pipeline is part of diffusers",
        )
    for name, value in parts.items():
        known = value[:1] in ([None], ["diffusers"], ["transformers"]) or _is_pipeline_module(value[0])
        if len(value) == 2 and not known:
            raise ModelUnavailable(
                f"{label}: its part {name!r} comes from {value[0]!r}, not from diffusers or transformers",
                "use a model of known parts",
            )


def _is_pipeline_module(name: Any) -> bool:
    from diffusers import pipelines

    return isinstance(name, str) and name.isidentifier() and inspect.ismodule(getattr(pipelines, name, None))


def card_licence(folder: Path) -> str | None:
    """The licence that a model's card (README.md) names in its front matter, or None where it names none."""
    try:
        with (folder / "README.md").open("rb") as stream:
            text = stream.read(_CARD_BYTES).decode("utf-8-sig")
        opening, _, rest = text.partition("\n")
        head, end, _ = rest.partition("\n---")
        value = parse_yaml(head, "README.md").value if opening.strip() == "---" and end else None
    except (OSError, UnicodeDecodeError, ConfigError):
        return None
    names = [value.get(key) for key in ("license_name", "license")] if isinstance(value, dict) else []
    licence = next((name for name in names if isinstance(name, str) and name.isprintable()), None)
    return licence[:100] if licence else None


def parameters_of(pipe: Any) -> Mapping[str, inspect.Parameter]:
    """What a pipeline is called with. One of our own says itself what it takes beside the pipeline that it drives."""
    own: Mapping[str, inspect.Parameter] | None = getattr(pipe, "call_parameters", None)
    return inspect.signature(pipe.__call__).parameters if own is None else own


def weights_digest(folder: Path) -> str:
    """Hex sha256 over the names and contents of a folder's safetensors files."""
    files = sorted(folder.rglob("*.safetensors"))
    return digest([[path.relative_to(folder).as_posix(), digest_file(path)] for path in files])


def _placed(options: GeneratorOptions) -> tuple[str, str]:
    """Device and dtype, as torch names them."""
    import torch

    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # torch without CUDA raises an AssertionError
        words = str(error).splitlines()[0]
        raise UsageError(f"--device {device!r}: torch has none here ({words}); expected cpu or cuda") from error
    dtype = options.dtype or ("float32" if device == "cpu" else "bfloat16")
    if dtype not in DTYPES:
        raise UsageError(f"--dtype {dtype!r}: expected one of {', '.join(DTYPES)}")
    return device, dtype


def _load(model: Model, device: str, dtype: str) -> Any:
    import diffusers
    import torch

    try:
        with _no_bars():
            pipe = diffusers.DiffusionPipeline.from_pretrained(
                model.folder, dtype=getattr(torch, dtype), use_safetensors=True, local_files_only=True
            ).to(device)
    except torch.OutOfMemoryError as error:
        raise ModelUnavailable(
            f"{model.label}: the model does not fit into the memory of {device}", "use another --dtype or device"
        ) from error
    except Exception as error:  # a stranger's files: the libraries that read them raise what they like
        words = " ".join(str(error).split())[:200]
        raise ModelUnavailable(
            f"{model.label}: the model cannot be loaded ({words})", "get it again, with safetensors weights"
        ) from error
    pipe.set_progress_bar_config(disable=True)
    return pipe


@contextmanager
def _no_bars() -> Iterator[None]:
    """No progress bars of the libraries while a model is loaded; they are put back, a download may want them."""
    import diffusers.utils.logging as ours
    import transformers.utils.logging as theirs

    libraries = [library for library in (ours, theirs) if library.is_progress_bar_enabled()]
    for library in libraries:
        library.disable_progress_bar()
    try:
        yield
    finally:
        for library in libraries:
            library.enable_progress_bar()


def _attention(pipe: Any) -> str:
    """The attention code of the denoiser, e.g. AttnProcessor2_0 (torch's scaled dot product)."""
    denoiser = getattr(pipe, "unet", None) or getattr(pipe, "transformer", None)
    processors = getattr(denoiser, "attn_processors", {})
    return ", ".join(sorted({type(processor).__name__ for processor in processors.values()})) or "unknown"


# --- one job ------------------------------------------------------------------------------------


def _negative(job: Job) -> str | None:
    return job.case.negative if job.controls.negative is None else job.controls.negative


def flagged(output: Any, count: int) -> list[bool]:
    """Which pictures a safety checker blanked; pipelines call the field by one of two names, or have none."""
    flags = getattr(output, "nsfw_content_detected", None) or getattr(output, "nsfw_detected", None)
    return [bool(flag) for flag in flags] if isinstance(flags, (list, tuple)) else [False] * count
