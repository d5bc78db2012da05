"""Redrawing a part of a picture by masked denoising: noise inside the mask, the picture itself outside.

At each step the latents outside the mask are those of the given picture with that step's noise, so what is drawn inside
grows to fit its surroundings. A text-to-image model without an inpainting version of its own can do this: diffusers has
such a pipeline for many families, and `_masked` drives some of the others. What comes back equals the given picture bit
for bit outside the mask, since a decoded picture never quite does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from imgaudit.errors import UsageError
from imgaudit.generators._masked import MaskedDenoising, unsound
from imgaudit.generators.diffusers import UNSAFE, flagged

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Redrawing:
    """What is asked of an inpainter.

    Attributes:
        prompt: what the whole picture shall show.
        seed: of the noise.
        steps: of denoising; `guidance`: how strongly the prompt leads.
        strength: 0..1, how much of what lies under the mask is forgotten; 1 forgets it all.
    """

    prompt: str
    seed: int
    steps: int
    guidance: float
    strength: float = 1.0


class Inpainter:
    """Redraws parts of pictures with a diffusers text-to-image pipeline.

    Args:
        pipe: a loaded pipeline whose family `inpainting_of` knows a way for; its parts are shared.

    Raises:
        UsageError: there is none.
    """

    def __init__(self, pipe: Any) -> None:
        self._pipe = inpainting_of(pipe)
        self._grid = grid_of(pipe)

    def redraw(self, picture: Pixels, mask: Mask, asked: Redrawing) -> Pixels:
        """The picture with what lies under the mask drawn anew.

        Args:
            picture: uint8 RGB, shape (height, width, 3); sides that do not suit the model are padded while it draws.
            mask: shape (height, width), true where to draw.
            asked: see `Redrawing`.

        Raises:
            UsageError: the shapes do not fit together, nothing is masked, the pipeline refuses what is asked, or its
                safety checker blanked what it drew.
        """
        import torch
        from PIL import Image

        if mask.shape != picture.shape[:2]:
            raise UsageError(f"the mask has shape {mask.shape}, the picture {picture.shape[:2]}; they must be equal")
        if not mask.any():
            raise UsageError("nothing is masked, so there is nothing to redraw")
        canvas = padded(picture, self._grid)
        try:
            output = self._pipe(
                prompt=asked.prompt,
                image=Image.fromarray(canvas),
                mask_image=Image.fromarray(padded(mask, self._grid).astype(np.uint8) * 255),
                height=canvas.shape[0],
                width=canvas.shape[1],
                strength=asked.strength,
                num_inference_steps=asked.steps,
                guidance_scale=asked.guidance,
                generator=torch.Generator("cpu").manual_seed(asked.seed),
            )
        except ValueError as error:  # diffusers' own check of its inputs
            raise UsageError(f"the pipeline refuses the request: {error}") from error
        if flagged(output, 1)[0]:
            raise UsageError(UNSAFE)
        return kept(np.asarray(output.images[0].convert("RGB")), picture, mask)


def inpainting_of(pipe: Any) -> Any:
    """What redraws a part with the parts of a loaded pipeline: diffusers' pipeline of its family, or one of our own.

    Raises UsageError where there is neither.
    """
    from diffusers import AutoPipelineForInpainting

    try:
        found = AutoPipelineForInpainting.from_pipe(pipe)
    except ValueError as error:
        reason = unsound(type(pipe))
        if reason is not None:
            raise UsageError(
                f"{type(pipe).__name__} cannot redraw a part of a picture: diffusers has no inpainting for it, and "
                f"{reason}. Draw the whole picture again with another seed"
            ) from error
        found = MaskedDenoising(pipe)
    found.set_progress_bar_config(disable=True)
    return found


def grid_of(pipe: Any) -> int:
    """Pixels by which both sides of a picture must be divided for this pipeline: those of a latent, or of a patch."""
    scale = int(getattr(pipe, "vae_scale_factor", 8))
    config = getattr(getattr(pipe, "image_processor", None), "config", {})
    patch = getattr(getattr(getattr(pipe, "transformer", None), "config", None), "patch_size", 1)
    return max(int(config.get("vae_scale_factor", scale)), scale * (patch if isinstance(patch, int) else 2))


def padded(array: npt.NDArray[Any], grid: int) -> npt.NDArray[Any]:
    """The array with its last rows and columns repeated until both sides are whole multiples of the grid.

    >>> padded(np.zeros((5, 8, 3)), 4).shape
    (8, 8, 3)
    """
    down, across = (-side % grid for side in array.shape[:2])
    rest = ((0, 0),) * (array.ndim - 2)
    return np.pad(array, ((0, down), (0, across), *rest), mode="edge")


def kept(made: Pixels, picture: Pixels, mask: Mask) -> Pixels:
    """What was drawn inside the mask, and the given picture outside it; padding is cut off."""
    height, width = picture.shape[:2]
    whole: Pixels = np.where(mask[..., None], made[:height, :width], picture)
    return whole
