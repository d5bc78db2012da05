"""Variations of a picture: the same picture and prompt, another seed, another variant. `variation:MODEL`.

With a text-to-image model a variation is image to image at `STRENGTH`, unless the case or the command names another
strength: enough noise that seeds differ, little enough that the composition stays. A model that was trained to vary
pictures, such as StableDiffusionImageVariationPipeline, looks at the picture instead and takes no prompt and no
strength.
"""

from __future__ import annotations

import inspect
import json
from typing import Any, ClassVar

from imgaudit.errors import UsageError
from imgaudit.generators._editing import Editing, EditingGenerator, Looking, Mode
from imgaudit.generators._spec import GeneratorOptions
from imgaudit.generators.diffusers import Model, check_folder
from imgaudit.generators.img2img import ImageToImage
from imgaudit.registry import generator

STRENGTH = 0.5


class Varying(ImageToImage):
    """Image to image at a middling strength."""

    mode: ClassVar[Mode] = "variation"
    strength: ClassVar[float | None] = STRENGTH


class VaryingBySight(Looking):
    """A model that was trained to draw variations of what it sees."""

    mode: ClassVar[Mode] = "variation"

    def _built(self, pipe: Any) -> Any:
        return pipe

    def _check_kind(self) -> None:
        needed = {n for n, p in self._parameters.items() if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD}
        if not {"image", "generator"} <= set(self._parameters) or needed - {"image"}:
            raise UsageError(
                f"{self.model.label}: {type(self._pipe).__name__} does not vary a picture alone; "
                "expected a text-to-image model or one of image variation"
            )


@generator
class Variation(EditingGenerator):
    """Variants of the given picture, one a seed."""

    name: ClassVar[str] = "variation"
    title: ClassVar[str] = "Variations of a given picture, one a seed (variation:MODEL)"

    def _opened(self, model: Model, options: GeneratorOptions) -> Editing:
        return (VaryingBySight if _takes_no_words(model) else Varying)(model, options)


def _takes_no_words(model: Model) -> bool:
    import diffusers

    check_folder(model.folder, model.label)
    name = json.loads((model.folder / "model_index.json").read_text(encoding="utf-8"))["_class_name"]
    parameters = inspect.signature(getattr(diffusers, name).__call__).parameters
    return "image" in parameters and "prompt" not in parameters
