"""Inpainting: what lies under a mask is drawn anew, the rest is kept to the bit. `inpaint:MODEL`.

The mask comes from the case or the command: a picture, white where it may change, or a box. Families without an
inpainting pipeline in diffusers are drawn by masked denoising of our own where that is sound, and refused else.
`strength` 1, the default, forgets all that lies under the mask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from imgaudit.generators._editing import Canvas, Editing, EditingGenerator, Mode
from imgaudit.generators._spec import GeneratorOptions
from imgaudit.generators.diffusers import Model, Settings
from imgaudit.registry import generator
from imgaudit.types import Given, Job

if TYPE_CHECKING:
    from PIL import Image


class Inpainting(Editing):
    """The pipeline of the model's family for inpainting, or masked denoising of our own."""

    mode: ClassVar[Mode] = "inpaint"
    strength: ClassVar[float | None] = 1.0
    resizes: ClassVar[bool] = False

    def _built(self, pipe: Any) -> Any:
        from imgaudit.generators._inpainting import inpainting_of

        return inpainting_of(pipe)

    def _canvas(self, given: Given) -> Canvas:
        if given.mask is None:
            raise ValueError("the case names no mask; give it `mask`, or the command --mask")
        return Canvas(given.rgb, given.mask)

    def _finished(self, job: Job, image: Image.Image, settings: Settings) -> Image.Image:
        """What was drawn under the mask, in the given picture."""
        import numpy as np
        from PIL import Image as images

        from imgaudit.generators._inpainting import kept

        canvas = self._sized(job, settings)
        assert canvas.mask is not None
        return images.fromarray(kept(np.asarray(image), canvas.picture, canvas.mask))


@generator
class Inpaint(EditingGenerator):
    """A part of the given picture drawn anew; outside the mask every pixel is kept."""

    name: ClassVar[str] = "inpaint"
    title: ClassVar[str] = "Inpainting: a masked part of a given picture drawn anew (inpaint:MODEL)"
    takes: ClassVar[frozenset[str]] = frozenset(("image", "mask"))

    def _opened(self, model: Model, options: GeneratorOptions) -> Inpainting:
        return Inpainting(model, options)
