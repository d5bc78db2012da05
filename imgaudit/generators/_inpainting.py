"""Redrawing a part of a picture by masked denoising: noise inside the mask, the picture itself outside.

At each step the latents outside the mask are those of the given picture with that step's noise, so what is drawn inside
grows to fit its surroundings. A text-to-image model without an inpainting version of its own can do this. What comes
back equals the given picture bit for bit outside the mask, since a decoded picture never quite does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from imgaudit.errors import UsageError

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
        pipe: a loaded pipeline whose family has an inpainting pipeline in diffusers; its parts are shared.

    Raises:
        UsageError: the family has none.
    """

    def __init__(self, pipe: Any) -> None:
        from diffusers import AutoPipelineForInpainting

        try:
            self._pipe = AutoPipelineForInpainting.from_pipe(pipe)
        except ValueError as error:
            raise UsageError(
                f"{type(pipe).__name__} cannot redraw a part of a picture: diffusers has no inpainting for it. "
                "Draw the whole picture again with another seed"
            ) from error
        self._pipe.set_progress_bar_config(disable=True)

    def redraw(self, picture: Pixels, mask: Mask, asked: Redrawing) -> Pixels:
        """The picture with what lies under the mask drawn anew.

        Args:
            picture: uint8 RGB, shape (height, width, 3); both sides must suit the model.
            mask: shape (height, width), true where to draw.
            asked: see `Redrawing`.

        Raises:
            UsageError: the shapes do not fit together, or nothing is masked.
        """
        import torch
        from PIL import Image

        if mask.shape != picture.shape[:2]:
            raise UsageError(f"the mask has shape {mask.shape}, the picture {picture.shape[:2]}; they must be equal")
        if not mask.any():
            raise UsageError("nothing is masked, so there is nothing to redraw")
        made = self._pipe(
            prompt=asked.prompt,
            image=Image.fromarray(picture),
            mask_image=Image.fromarray(mask.astype(np.uint8) * 255),
            height=picture.shape[0],
            width=picture.shape[1],
            strength=asked.strength,
            num_inference_steps=asked.steps,
            guidance_scale=asked.guidance,
            generator=torch.Generator("cpu").manual_seed(asked.seed),
        ).images[0]
        redrawn: Pixels = np.where(mask[..., None], np.asarray(made.convert("RGB")), picture)
        return redrawn
