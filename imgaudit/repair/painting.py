"""Methods that draw: a part anew (`inpaint`) or the whole picture (`regenerate`), by a generator that is built once.

A part is drawn within a window. Where the picture is much larger than what the model draws at once, tries take turns:
first a square around the place with as much again beside it, enlarged or reduced to the model's own size, then the
whole picture, reduced. Latents hold blocks of pixels, so the model is given the mask grown to whole blocks, with what
lies under it filled from its rim beforehand, so that nothing of the fault shines through; only what lies under the
mask itself is pasted back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from imgaudit.digest import digest, digest_mask, drawn_seed
from imgaudit.engine.sources import SuiteSource
from imgaudit.errors import ImgauditError, PictureError
from imgaudit.generators._inpainting import Inpainter, Redrawing, grid_of
from imgaudit.generators._spec import is_hidden, shown
from imgaudit.generators.diffusers import Pipeline
from imgaudit.kernels import masks
from imgaudit.pictures import still_rgba
from imgaudit.record import RunInfo, SuiteInfo
from imgaudit.repair.filling import filled
from imgaudit.repair.originals import Canvas, Change, Pixels, Place, opaque, place_of
from imgaudit.repair.record import CannotRepair, NoPicture
from imgaudit.repair.tasks import Aim, Task
from imgaudit.types import JSON, Basis, Controls, Generator, Job, Refused, Rendered, Source

MOST_SHARE = 0.75
"""Share of a picture above which a part of it is the whole."""
MUCH_LARGER = 1.5
STEPS, GUIDANCE = 30, 5.0
STEP = 8
"""Pixels that many pipelines of diffusers ask a side to be a multiple of, whatever their latents stand for."""


@dataclass(frozen=True)
class Brush:
    """A model that can redraw a part.

    Attributes:
        inpainter: does it.
        side: what it draws at once, in pixels.
        step: what both sides of a window must be multiples of.
        block: pixels that one latent stands for.
        steps, guidance: its own, where the run does not say.
        label: its name on record; `sampler` that of its scheduler.
    """

    inpainter: Inpainter
    side: int
    step: int
    block: int
    steps: int
    guidance: float
    generator: str
    label: str


class Painter:
    """The generator that draws for a repair; it is loaded at its first use, and what it cannot do is told then.

    Args:
        spec: the generator as the command line names it, or None where there is none.
        build: makes it.
        run: what drew the run's pictures.
    """

    def __init__(self, spec: str | None, build: Callable[[str], Generator], run: RunInfo) -> None:
        self.spec = spec
        self._build = build
        self._run = run
        self._generator: Generator | CannotRepair | None = None
        self._brush: Brush | CannotRepair | None = None
        self._identity: Mapping[str, JSON] | None = None

    @property
    def generator(self) -> Generator:
        """The generator. Raises CannotRepair where there is none, or it cannot be loaded."""
        if self._generator is None:
            self._generator = self._built()
        if isinstance(self._generator, CannotRepair):
            raise self._generator
        return self._generator

    def _built(self) -> Generator | CannotRepair:
        if self.spec is None:
            return CannotRepair(
                "these pictures were audited, not rendered, and nothing is named that could draw; "
                "name a model with --generator, or take --method fill or crop, which need none"
            )
        if is_hidden(self.spec):
            return CannotRepair(f"where {self.spec} lies is not on record; name it again with --generator")
        try:
            return self._build(self.spec)
        except ImgauditError as error:
            return CannotRepair(f"{self.shown}: {error}")

    @property
    def brush(self) -> Brush:
        """The generator as a model that redraws parts. Raises CannotRepair where it is none."""
        if self._brush is None:
            try:
                self._brush = _brush_of(self.generator, self.spec or "")
            except CannotRepair as error:
                self._brush = error
            except ImgauditError as error:
                self._brush = CannotRepair(str(error))
        if isinstance(self._brush, CannotRepair):
            raise self._brush
        return self._brush

    @property
    def shown(self) -> str | None:
        """The spec as it may be written down."""
        return None if self.spec is None else shown(self.spec)

    @property
    def is_runs_own(self) -> bool:
        """Whether it is what drew the run's pictures."""
        return self._run.generator is not None and self.shown == self._run.generator.get("spec")

    def identity(self) -> dict[str, JSON] | None:
        """What is known of the generator, if it was used."""
        if self._generator is None or isinstance(self._generator, CannotRepair):
            return None
        if self._identity is None:  # to name its weights a generator reads them all
            self._identity = self._generator.identity()
        return {"spec": shown(self.spec or ""), **self._identity}

    # --- a part

    def inpaint(self, task: Task, canvas: Canvas, aims: Sequence[Aim], number: int) -> Change:
        """One try at drawing the places of the aims anew."""
        place = place_of(canvas, aims)
        share = float(place.mask.mean())
        if share > MOST_SHARE:
            raise CannotRepair(
                f"the place of the finding is {share:.0%} of the picture; draw all of it anew with --method regenerate"
            )
        brush = self.brush
        windows = windows_of(place, canvas, brush)
        window = windows[number % len(windows)]
        seed = drawn_seed(f"{task.row.case.id}\n{task.row.id}\n{_places(aims)}", number)
        asked = self._asked(task, brush, seed)
        drawn = _redrawn(canvas.rgb, place, window, brush, asked)
        rgba = masks.blended(canvas.rgba, opaque(drawn), masks.feathered(place.mask, place.feather))
        return Change(
            rgba, place.mask, seed,
            settings={
                "window": [window.x0, window.y0, window.x1, window.y1], "size": [window.width, window.height],
                "feather": place.feather, "steps": asked.steps, "guidance": asked.guidance, "strength": asked.strength,
            },
            source=_source(task, brush, asked, place),
        )  # fmt: skip

    def _asked(self, task: Task, brush: Brush, seed: int) -> Redrawing:
        source = task.row.source if self.is_runs_own else Source()
        guidance = brush.guidance if source.guidance is None else source.guidance
        return Redrawing(task.row.prompt or "", seed, source.steps or brush.steps, guidance)

    # --- the whole

    def regenerate(self, task: Task, canvas: Canvas, aims: Sequence[Aim], number: int) -> Change:
        """One try at another picture of the same case: a seed that the run has not drawn."""
        if not task.row.prompt:
            raise CannotRepair("the picture has no prompt, so that nothing says what to draw anew")
        inputs = self._run.request.get("inputs")
        if task.row.case.image is not None or (isinstance(inputs, dict) and {"image", "from"} & inputs.keys()):
            raise CannotRepair("the case starts from a given picture; draw more with `imgaudit run` and other --seeds")
        job = self._job(task, number)
        result = next(iter(self.generator.render([job])))
        if isinstance(result, Refused):
            raise NoPicture(f"{shown(self.spec or '')} made no picture: {result.reason}")
        return Change(_pixels(result), None, job.seed, {"index": job.index}, result.source, result.data)

    def _job(self, task: Task, number: int) -> Job:
        """The job of a seed index beyond the run's. Pictures of one case take turns, so that none is drawn twice."""
        request = self._run.request
        suite = self._run.suite or SuiteInfo(name="repair", digest=digest([]), cases=1, seeds=())
        seeds = suite.seeds
        place = seeds.index(task.row.seed) if task.row.seed in seeds else 0
        index = max(seeds, default=-1) + 1 + place + number * max(len(seeds), 1)
        case = task.row.case if task.row.case.prompt else task.row.case.model_copy(update={"prompt": task.row.prompt})
        controls = Controls.model_validate(request.get("controls") or {}) if self.is_runs_own else Controls()
        literal = bool(request.get("literal_seeds", False))
        source = SuiteSource(
            suite, (case,), (index,), controls, self.spec or "", self.generator, 1, literal_seeds=literal
        )
        return source.jobs[0]


def _places(aims: Sequence[Aim]) -> str:
    return digest([[aim.rule.id, [region.model_dump(mode="json") for region in aim.regions]] for aim in aims])


def _pixels(result: Rendered) -> Pixels:
    if result.data is None:
        return opaque(np.asarray(result.image.convert("RGB")))
    try:
        return still_rgba(result.data)
    except PictureError as error:
        raise NoPicture(f"what the generator sent cannot be read: {error}") from error


# --- a model that redraws --------------------------------------------------------------------------


def _brush_of(generator: Generator, spec: str) -> Brush:
    pipeline = getattr(generator, "pipeline", None)
    if not isinstance(pipeline, Pipeline):
        raise CannotRepair(
            f"{shown(spec)} is no diffusers model, and only those can redraw a part; name one with --generator, "
            "or draw the picture anew with --method regenerate"
        )
    pipe, model = pipeline.pipe, pipeline.model
    block = int(getattr(pipe, "vae_scale_factor", 8) or 8)
    return Brush(
        inpainter=Inpainter(pipe),
        side=_side(pipe, block),
        step=max(STEP, grid_of(pipe)),
        block=block,
        steps=int(model.steps or STEPS),
        guidance=float(GUIDANCE if model.guidance is None else model.guidance),
        generator=model.generator,
        label=model.label,
    )


def _side(pipe: Any, block: int) -> int:
    """What the model was trained to draw, in pixels; 512 where it does not say."""
    denoiser = getattr(pipe, "unet", None) or getattr(pipe, "transformer", None)
    size = getattr(pipe, "default_sample_size", None) or getattr(getattr(denoiser, "config", None), "sample_size", None)
    size = max(size) if isinstance(size, (list, tuple)) and size else size
    return size * block if isinstance(size, int) and size > 0 else 512


def windows_of(place: Place, canvas: Canvas, brush: Brush) -> list[masks.Window]:
    """The windows that tries take in turn."""
    height, width = canvas.shape
    everything = masks.whole(height, width, brush.side, brush.step)
    box = masks.bounds(place.mask)
    if box is None or max(height, width) <= MUCH_LARGER * brush.side:
        return [everything]
    return [masks.around(box, (height, width), brush.side, brush.step), everything]


def _redrawn(rgb: Pixels, place: Place, window: masks.Window, brush: Brush, asked: Redrawing) -> Pixels:
    """The whole picture with what the model drew in the window; what lies outside the mask is of no account."""
    rows, columns = slice(window.y0, window.y1), slice(window.x0, window.x1)
    inside = place.mask[rows, columns]
    part = filled(rgb[rows, columns], inside)
    size = (window.width, window.height)
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA) if window.scaled else part
    drawn = brush.inpainter.redraw(np.ascontiguousarray(small), blocks(inside, size, brush.block), asked)
    if window.scaled:
        drawn = cv2.resize(drawn, (window.x1 - window.x0, window.y1 - window.y0), interpolation=cv2.INTER_CUBIC)
    result = rgb.copy()
    result[rows, columns] = drawn
    return result


def blocks(mask: masks.Mask, size: tuple[int, int], block: int) -> masks.Mask:
    """A mask at the size (width, height) of a window, grown to whole blocks, so that no latent is half of it."""
    width, height = size
    covered = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    across, down = -(-width // block), -(-height // block)
    padded = np.zeros((down * block, across * block), bool)
    padded[:height, :width] = covered
    any_of = padded.reshape(down, block, across, block).any(axis=(1, 3))
    return np.repeat(np.repeat(any_of, block, axis=0), block, axis=1)[:height, :width]


def _source(task: Task, brush: Brush, asked: Redrawing, place: Place) -> Source:
    basis = None
    if task.row.pixels is not None:
        basis = Basis(mode="inpaint", image=task.row.pixels, mask=digest_mask(place.mask), strength=asked.strength)
    return Source(
        generator=brush.generator, model=brush.label, steps=asked.steps, guidance=asked.guidance, seed=asked.seed,
        prompt=asked.prompt or None, basis=basis, parse="complete",
    )  # fmt: skip
