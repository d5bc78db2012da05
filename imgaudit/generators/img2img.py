"""Image to image: the given picture with noise, denoised towards the prompt. `img2img:MODEL`.

`strength` says how much of the given picture is forgotten: near 0 it comes back as it was, at 1 only the prompt counts.
Denoising begins that far before the end, so of N steps about `strength` times N are taken. Without one, the pipeline's
own default is taken and recorded. A case's width and height, if given, are those in which the picture is drawn.
"""

from __future__ import annotations

from typing import Any, ClassVar

from imgaudit.errors import UsageError
from imgaudit.generators._editing import Editing, EditingGenerator, Mode
from imgaudit.generators._spec import GeneratorOptions
from imgaudit.generators.diffusers import Model
from imgaudit.registry import generator


class ImageToImage(Editing):
    """The pipeline of the model's family for image to image."""

    mode: ClassVar[Mode] = "img2img"

    def _built(self, pipe: Any) -> Any:
        return image_to_image_of(pipe)


def image_to_image_of(pipe: Any) -> Any:
    """Diffusers' image-to-image pipeline with the parts of a loaded one. Raises UsageError for a family without it."""
    from diffusers import AutoPipelineForImage2Image

    try:
        return AutoPipelineForImage2Image.from_pipe(pipe)
    except ValueError as error:
        raise UsageError(
            f"{type(pipe).__name__} cannot start from a picture: diffusers has no image-to-image pipeline of its "
            "family. docs/editing.md lists those that have one"
        ) from error


@generator
class Img2Img(EditingGenerator):
    """The given picture, drawn anew towards the prompt as far as `strength` says."""

    name: ClassVar[str] = "img2img"
    title: ClassVar[str] = "Image to image: a given picture drawn towards the prompt (img2img:MODEL)"

    def _opened(self, model: Model, options: GeneratorOptions) -> ImageToImage:
        return ImageToImage(model, options)
