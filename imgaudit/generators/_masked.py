"""Masked denoising of our own, for text-to-image pipelines that have no inpainting pipeline in diffusers.

After every step the latents outside the mask are replaced by those of the given picture with the noise of the next
step, and after the last step by those of the picture itself, as Lugmayr et al. 2022 (RePaint, without its repeated
steps) and diffusers' own inpainting do. It is sound where

- the latents are a grid of the picture, (batch, channels, height, width), and not packed into a sequence;
- the scheduler says what a picture looks like at a step (`scale_noise` of flow matching, else `add_noise`);
- the pipeline lets its caller replace the latents after each step, and what it decodes are these latents;
- the picture's latents are what the autoencoder's `encode` gives, times its scaling factor.

Whether a pipeline is of this kind was read in its loop and tried in a test for those in `SOUND`; for no other one it is
guessed. All that lies under the mask is forgotten: a lower strength would need another start of the loop.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imgaudit.errors import UsageError

SOUND = frozenset(
    (
        "AuraFlowPipeline",
        "LatentConsistencyModelPipeline",
        "PixArtAlphaPipeline",
        "PixArtSigmaPAGPipeline",
        "PixArtSigmaPipeline",
        "SanaPAGPipeline",
        "SanaPipeline",
    )
)
"""Pipelines that can be driven so."""
_OWN = ("image", "mask_image", "strength")


def unsound(kind: type) -> str | None:
    """Why a pipeline cannot be driven, or None for one that can."""
    if kind.__name__ in SOUND:
        return None
    if hasattr(kind, "_pack_latents"):
        return "its latents are packed into a sequence, which masked denoising of our own does not know"
    return "masked denoising of our own was not tried with it"


class MaskedDenoising:
    """Draws under a mask with a text-to-image pipeline. Called like a diffusers inpainting pipeline.

    Args:
        pipe: the loaded pipeline, of a kind in `SOUND`.
    """

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe

    def __getattr__(self, name: str) -> Any:
        """Everything else is the pipeline's: its scheduler, its parts, its settings."""
        return getattr(self._pipe, name)

    @property
    def scheduler(self) -> Any:
        """The pipeline's scheduler."""
        return self._pipe.scheduler

    @scheduler.setter
    def scheduler(self, value: Any) -> None:
        self._pipe.scheduler = value

    @property
    def call_parameters(self) -> Mapping[str, inspect.Parameter]:
        """What a call takes: what the pipeline takes, and the picture, its mask and the strength."""
        own = {name: inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in _OWN}
        own["strength"] = own["strength"].replace(default=1.0)
        return {**inspect.signature(self._pipe.__call__).parameters, **own}

    def __call__(self, image: Any, mask_image: Any, generator: Any, strength: float = 1.0, **asked: Any) -> Any:
        """The pipeline's own output, drawn under the mask.

        Args:
            image: one picture or a list.
            mask_image: a mask for each, white where to draw.
            generator: one or a list, of each picture's noise.
            strength: 1; nothing else can be had.
            asked: what the pipeline takes.

        Raises:
            ValueError: as diffusers' pipelines do, for what cannot be asked.
        """
        if strength != 1.0:
            raise ValueError("masked denoising of our own forgets all that lies under the mask; expected strength 1")
        blend = self._blend(image, mask_image, generator)
        parameters = inspect.signature(self._pipe.__call__).parameters
        if "use_resolution_binning" in parameters:
            asked["use_resolution_binning"] = False  # else the picture is drawn in another size than its mask
        if "callback_on_step_end" in parameters:
            asked["callback_on_step_end"] = blend.after_step
            asked["callback_on_step_end_tensor_inputs"] = [
                name for name in ("latents", "denoised") if name in self._pipe._callback_tensor_inputs
            ]
        else:
            asked |= {"callback": blend.in_place, "callback_steps": 1}
        output = self._pipe(latents=blend.noise, generator=generator, **asked)
        blend.check_all_seen()
        return output

    def _blend(self, image: Any, mask_image: Any, generator: Any) -> _Blend:
        """The picture's latents, and the noise and the mask for them."""
        import torch
        from diffusers.utils.torch_utils import randn_tensor
        from torch.nn.functional import interpolate

        vae, processor = self._pipe.vae, self._pipe.image_processor
        denoiser = getattr(self._pipe, "unet", None) or self._pipe.transformer
        pixels = processor.preprocess(image).to(device=vae.device, dtype=vae.dtype)
        with torch.no_grad():
            encoded = vae.encode(pixels)
        latents = encoded.latent_dist.mode() if hasattr(encoded, "latent_dist") else encoded.latent
        latents = (latents * vae.config.scaling_factor).to(denoiser.dtype)
        masks = processor.preprocess(mask_image).to(latents)[:, :1]
        drawn = (interpolate(masks, latents.shape[-2:], mode="area") > -1).to(latents)
        noise = randn_tensor(latents.shape, generator=generator, device=latents.device, dtype=latents.dtype)
        return _Blend(self._pipe.scheduler, latents, noise, drawn)


@dataclass
class _Blend:
    """The picture's latents outside the mask, at each step with its noise.

    Attributes:
        picture, noise: (n, channels, height, width); `drawn`: 1 where to draw, 0 elsewhere, (n, 1, height, width).
        seen: steps that were taken.
    """

    scheduler: Any
    picture: Any
    noise: Any
    drawn: Any
    seen: int = 0

    def after_step(self, _pipe: Any, _step: int, _time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        """A callback of diffusers' present kind."""
        known = self._known(self.seen)
        self.seen += 1
        mixed = {"latents": self._mixed(tensors["latents"], known)}
        if "denoised" in tensors:
            mixed["denoised"] = self._mixed(tensors["denoised"], self.picture)
        return mixed

    def in_place(self, _step: int, _time: Any, latents: Any) -> None:
        """A callback of diffusers' older kind, which is handed the very latents that the next step takes."""
        latents.copy_(self._mixed(latents, self._known(self.seen)))
        self.seen += 1

    def check_all_seen(self) -> None:
        """Raise where a step was not told of, so that its latents were not replaced."""
        if self.seen != len(self.scheduler.timesteps):
            raise ValueError(f"{type(self.scheduler).__name__} takes steps that are not told of; use another sampler")

    def _mixed(self, latents: Any, known: Any) -> Any:
        if latents.shape != self.picture.shape:
            raise UsageError(
                f"the latents have shape {tuple(latents.shape)}, those of the picture {tuple(self.picture.shape)}; "
                "masked denoising needs them equal"
            )
        return self.drawn * latents + (1 - self.drawn) * known

    def _known(self, step: int) -> Any:
        """The picture's latents as they are before the step after this one."""
        times = self.scheduler.timesteps
        if step + 1 >= len(times):
            return self.picture
        time = times[step + 1 : step + 2].repeat(len(self.picture))
        if hasattr(self.scheduler, "scale_noise"):
            return self.scheduler.scale_noise(self.picture, time, self.noise)
        return self.scheduler.add_noise(self.picture, self.noise, time)
