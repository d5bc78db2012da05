"""Pipelines that start from a picture, made of the weights of a text-to-image model.

A generator such as `img2img:MODEL` loads MODEL as the text-to-image generators do, and lets diffusers build the
family's other pipeline of the same parts (`AutoPipelineFor...from_pipe`), so that one set of weights serves. Seeds,
batches, refusals and the record are those of text-to-image: one `torch.Generator` a picture on the CPU, and

    AutoPipelineForImage2Image.from_pipe(pipe)(prompt, image=picture, strength=..., generator=..., ...)

draws the same picture again. Sides that do not suit the model are padded while it draws (their last row and column
repeated) and the result is cut back.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from imgaudit.digest import digest_mask
from imgaudit.errors import UsageError
from imgaudit.generators._spec import GeneratorOptions, parse_spec
from imgaudit.generators.diffusers import Model, Pipeline, Settings, locate
from imgaudit.generators.embedded import packaged
from imgaudit.types import JSON, Basis, Given, Job, Refused, Rendered

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

    Pixels = npt.NDArray[np.uint8]
    Mask = npt.NDArray[np.bool_]

Mode = Literal["img2img", "inpaint", "outpaint", "variation", "reference"]
TOGETHER = frozenset(
    (
        "StableDiffusionImg2ImgPipeline",
        "StableDiffusionInpaintPipeline",
        "StableDiffusionXLImg2ImgPipeline",
        "StableDiffusionXLInpaintPipeline",
        "StableDiffusion3Img2ImgPipeline",
        "StableDiffusion3InpaintPipeline",
        "FluxImg2ImgPipeline",
        "FluxInpaintPipeline",
        "MaskedDenoising",
    )
)
"""Pipelines that take a list of pictures as one a prompt, tried in tests. To others a list may mean several pictures
for one prompt, so they are given one job at a time: the same pictures, only more slowly made."""
_NOT_READ = "the picture that the case names was not read; `imgaudit run` is the command that does"
_NO_PICTURE = "the case names no picture to start from; give it `image`, or the command --image or --from"


def model_of(argument: str | None, revision: str | None, generator: str) -> Model:
    """The model that a generator's argument names.

    `embedded@2`, `diffusers@REVISION:MODEL`, or a hub name or folder of diffusers alone, `ORG/NAME[@REVISION]`.
    """
    if not argument:
        raise UsageError(f"the generator {generator!r} needs a model: {generator}:embedded@2 or {generator}:ORG/NAME")
    if revision is not None:
        raise UsageError(
            f"{generator}@{revision}: the revision is the model's; expected {generator}:{argument}@{revision}"
        )
    if re.fullmatch(r"(embedded|diffusers)([@:].*)?", argument, re.DOTALL):
        spec = parse_spec(argument)
        return (packaged if spec.name == "embedded" else locate)(spec.argument, spec.revision)
    if Path(argument).expanduser().is_dir():
        return locate(argument, None)
    name, _, pinned = argument.partition("@")
    return locate(name, pinned or None)


def kind_refusal(parameters: Iterable[str]) -> str | None:
    """Why a pipeline that is called with these cannot draw from one picture and a prompt, or None if it can."""
    taken = set(parameters)
    if "control_image" in taken:
        return "needs a control picture beside the given one"
    missing = sorted({"image", "prompt", "generator"} - taken)
    return f"takes no {' and no '.join(missing)}" if missing else None


@dataclass(frozen=True)
class Canvas:
    """What a pipeline draws on for a job.

    Attributes:
        picture: uint8 (height, width, 3), the size of what comes back.
        mask: bool (height, width), where the pipeline draws; None where it draws everywhere.
    """

    picture: Pixels
    mask: Mask | None = None


class Editing(Pipeline, ABC):
    """A loaded pipeline that renders jobs from a picture and, mostly, words."""

    mode: ClassVar[Mode]
    strength: ClassVar[float | None] = None
    """Taken where neither the command nor the case names one; None takes the pipeline's own."""
    resizes: ClassVar[bool] = True
    """Whether the given picture may be drawn in another size."""

    def __init__(self, model: Model, options: GeneratorOptions) -> None:
        super().__init__(model, options)
        self._alone = type(self._pipe).__name__ not in TOGETHER
        if self._alone:
            self._batch_size = 1

    def identity(self) -> Mapping[str, JSON]:
        """See `Pipeline.identity`; `mode` says what is done with the picture, `loaded` what it was built from."""
        return {**super().identity(), "mode": self.mode, "loaded": self._loaded}

    # --- what draws

    def _adapted(self, pipe: Any) -> Any:
        from imgaudit.generators._inpainting import grid_of

        self._loaded, self._grid = type(pipe).__name__, grid_of(pipe)
        adapted = self._built(pipe)
        adapted.set_progress_bar_config(disable=True)
        return adapted

    @abstractmethod
    def _built(self, pipe: Any) -> Any:
        """The pipeline that draws, made of the loaded one. Raises UsageError where there is none."""

    def _check_kind(self) -> None:
        if (reason := kind_refusal(self._parameters)) is not None:
            raise UsageError(f"{self.model.label}: {type(self._pipe).__name__} {reason}; use a model of another family")

    # --- what is asked

    def _canvas(self, given: Given) -> Canvas:
        """What is drawn on. Raises ValueError, in words, where it cannot be made."""
        return Canvas(given.rgb)

    def _check_control(self, name: str) -> None:
        """The size is that of the canvas, whether or not the pipeline has a parameter of that name."""
        if name not in ("width", "height"):
            super()._check_control(name)

    def _refusal(self, job: Job) -> str | None:
        if job.given is None:
            return _NO_PICTURE if job.case.image is None else _NOT_READ
        if "prompt" in self._parameters and not job.case.prompt:
            return "the case has no prompt"
        try:
            canvas = self._canvas(job.given)
        except ValueError as error:
            return str(error)
        height, width = canvas.picture.shape[:2]
        asked = (job.controls.width or job.case.width or width, job.controls.height or job.case.height or height)
        if not self.resizes and asked != (width, height):
            return (
                f"{asked[0]} x {asked[1]} pixels are asked for, and the canvas has {width} x {height}, "
                "which are kept as they are; leave the size out"
            )
        return None

    def _settings(self, job: Job) -> Settings | str:
        settings = super()._settings(job)
        if isinstance(settings, str):
            return settings
        assert job.given is not None
        height, width = self._canvas(job.given).picture.shape[:2]
        settings = replace(settings, width=settings.width or width, height=settings.height or height)
        return self._with_strength(settings)

    def _with_strength(self, settings: Settings) -> Settings | str:
        if "strength" not in self._parameters:
            return settings
        strength = settings.strength or self.strength or self._default("strength")
        steps = settings.steps or self._default("num_inference_steps")
        if strength is not None and steps is not None and int(steps * strength) < 1:
            return f"a strength of {strength:g} leaves none of {steps} steps to draw; expected more of either"
        return replace(settings, strength=strength)

    def _sized(self, job: Job, settings: Settings) -> Canvas:
        """The canvas in the size that is asked for."""
        import numpy as np
        from PIL import Image

        assert job.given is not None
        canvas = self._canvas(job.given)
        height, width = canvas.picture.shape[:2]
        size = (settings.width or width, settings.height or height)
        if size == (width, height):
            return canvas
        return Canvas(np.asarray(Image.fromarray(canvas.picture).resize(size, Image.Resampling.LANCZOS)))

    # --- what is made

    def _asked(self, jobs: list[Job], settings: Settings) -> dict[str, Any]:
        from PIL import Image

        from imgaudit.generators._inpainting import padded

        canvases = [self._sized(job, settings) for job in jobs]
        pictures = [padded(canvas.picture, self._grid) for canvas in canvases]
        masks = [padded(canvas.mask, self._grid) for canvas in canvases if canvas.mask is not None]
        asked = super()._asked(jobs, settings)
        asked["image"] = [Image.fromarray(picture) for picture in pictures]
        asked["height"], asked["width"] = pictures[0].shape[:2]
        if masks:
            asked["mask_image"] = [Image.fromarray(mask.astype("uint8") * 255) for mask in masks]
        return self._taken(asked)

    def _taken(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What the pipeline knows of; one that is given a job at a time takes no lists."""
        known = {name: value for name, value in asked.items() if name in self._parameters}
        if self._alone:
            known = {name: value[0] if isinstance(value, list) else value for name, value in known.items()}
        return known

    def _finished(self, job: Job, image: Image.Image, settings: Settings) -> Image.Image:
        """The picture without its padding."""
        return image.crop((0, 0, settings.width or image.width, settings.height or image.height))

    def _basis(self, job: Job, settings: Settings) -> Basis:
        given = job.given
        assert given is not None
        mask = self._canvas(given).mask
        drawn = None if mask is None else digest_mask(mask)
        return Basis(mode=self.mode, image=given.pixels, mask=drawn, strength=settings.strength)


class Looking(Editing):
    """A pipeline that looks at the given picture and draws another one, of a size of its own."""

    parameter: ClassVar[str] = "image"

    def _settings(self, job: Job) -> Settings | str:
        settings = Pipeline._settings(self, job)
        return settings if isinstance(settings, str) else self._with_strength(settings)

    def _asked(self, jobs: list[Job], settings: Settings) -> dict[str, Any]:
        from PIL import Image

        asked = Pipeline._asked(self, jobs, settings)
        asked[self.parameter] = [Image.fromarray(job.given.rgb) for job in jobs if job.given is not None]
        return self._taken(asked)

    def _finished(self, job: Job, image: Image.Image, settings: Settings) -> Image.Image:
        return image


class EditingGenerator(ABC):
    """What the generators of all modes share: built of a model's name, they render with their pipeline.

    `takes` names what a case or the command may give beside words.
    """

    name: ClassVar[str]
    takes: ClassVar[frozenset[str]] = frozenset(("image",))

    def __init__(self, argument: str | None, revision: str | None, options: GeneratorOptions) -> None:
        if options.adapter is not None and "adapter" not in self.takes:
            raise UsageError(f"the generator {self.name!r} takes no --adapter; 'reference' does")
        self.pipeline = self._opened(model_of(argument, revision, self.name), options)

    @abstractmethod
    def _opened(self, model: Model, options: GeneratorOptions) -> Editing:
        """The mode's pipeline, with the model's weights."""

    def identity(self) -> Mapping[str, JSON]:
        """See `Editing.identity`."""
        return self.pipeline.identity()

    def render(self, jobs: Sequence[Job]) -> Iterator[Rendered | Refused]:
        """See `Pipeline.render`."""
        return self.pipeline.render(jobs)
