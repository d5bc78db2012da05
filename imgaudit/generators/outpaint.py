"""Outpainting: the given picture on a larger canvas, whose border is drawn. `outpaint:MODEL`.

The border is inpainted with the given picture as its surroundings, then the given picture is put back, every pixel as
it was. The model draws its inside too, not quite in the given colours: by the difference seen in that overlap the
border next to it is shifted, less with every pixel of distance, so that no edge is seen there.

No rim of the picture is drawn as well, as some programs have it: what is begun in such a rim is cut off at the seam
when the picture is put back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from imgaudit.generators._editing import Canvas, EditingGenerator, Mode
from imgaudit.generators._spec import GeneratorOptions
from imgaudit.generators.diffusers import Model, Settings
from imgaudit.generators.inpaint import Inpainting
from imgaudit.registry import generator
from imgaudit.types import Basis, Given, Job

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

    Pixels = npt.NDArray[np.uint8]
    Extent = tuple[int, int, int, int]

REACH = 2
"""How far the shift reaches, in cells of the pipeline's grid (8 to 32 pixels each for usual models)."""
LONGEST = 8192
"""Pixels of the canvas's longer side."""


class Outpainting(Inpainting):
    """Inpainting of the border of an extended canvas."""

    mode: ClassVar[Mode] = "outpaint"

    def _canvas(self, given: Given) -> Canvas:
        if given.extend is None or not any(given.extend):
            raise ValueError("the case does not say how far to extend; give it `extend`, or the command --extend")
        left, top, right, bottom = given.extend
        height, width = given.rgb.shape[:2]
        if max(height + top + bottom, width + left + right) > LONGEST:
            raise ValueError(f"the extended canvas would be longer than {LONGEST} pixels; extend it less")
        return Canvas(extended(given.rgb, given.extend), border((height, width), given.extend))

    def _finished(self, job: Job, image: Image.Image, settings: Settings) -> Image.Image:
        import numpy as np
        from PIL import Image as images

        given = job.given
        assert given is not None
        assert given.extend is not None
        height, width = settings.height or image.height, settings.width or image.width
        made = np.asarray(image)[:height, :width]
        return images.fromarray(joined(made, given.rgb, given.extend, REACH * self._grid))

    def _basis(self, job: Job, settings: Settings) -> Basis:
        assert job.given is not None
        return super()._basis(job, settings).model_copy(update={"extend": job.given.extend})


def extended(picture: Pixels, extent: Extent) -> Pixels:
    """The picture on a larger canvas, its edge repeated to left, top, right and bottom."""
    import numpy as np

    left, top, right, bottom = extent
    return np.pad(picture, ((top, bottom), (left, right), (0, 0)), mode="edge")


def border(size: tuple[int, int], extent: Extent) -> npt.NDArray[np.bool_]:
    """True on the extended canvas of a picture of this height and width, where it is not the picture."""
    import numpy as np

    left, top, right, bottom = extent
    height, width = size
    mask = np.ones((height + top + bottom, width + left + right), bool)
    mask[top : top + height, left : left + width] = False
    return mask


def joined(made: Pixels, picture: Pixels, extent: Extent, reach: int) -> Pixels:
    """The given picture in the drawn border, which is shifted towards its colours next to it.

    Args:
        made: what was drawn, uint8 (height, width, 3), the inside with it.
        picture: the given one, which is put back.
        extent: left, top, right, bottom around it.
        reach: pixels over which the shift dies away; the difference is averaged over as many.
    """
    import cv2
    import numpy as np

    left, top, _, _ = extent
    height, width = picture.shape[:2]
    drawn = made[top : top + height, left : left + width].astype(np.float32)
    size = min(2 * reach + 1, 2 * (min(height, width) // 2) - 1)
    difference = cv2.blur(picture.astype(np.float32) - drawn, (size, size), borderType=cv2.BORDER_REPLICATE)
    rows = np.clip(np.arange(made.shape[0]) - top, 0, height - 1)
    columns = np.clip(np.arange(made.shape[1]) - left, 0, width - 1)
    down = np.abs(np.arange(made.shape[0]) - top - rows)
    across = np.abs(np.arange(made.shape[1]) - left - columns)
    fading = np.exp(-np.hypot(down[:, None], across[None, :]) / reach)
    shifted = made + difference[rows[:, None], columns[None, :]] * fading[..., None]
    whole: Pixels = np.clip(np.rint(shifted), 0, 255).astype(np.uint8)
    whole[top : top + height, left : left + width] = picture
    return whole


@generator
class Outpaint(EditingGenerator):
    """The given picture continued beyond its edges; inside every pixel is kept."""

    name: ClassVar[str] = "outpaint"
    title: ClassVar[str] = "Outpainting: a given picture continued beyond its edges (outpaint:MODEL)"
    takes: ClassVar[frozenset[str]] = frozenset(("image", "extend"))

    def _opened(self, model: Model, options: GeneratorOptions) -> Outpainting:
        return Outpainting(model, options)
