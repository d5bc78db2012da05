"""Train the autoencoder of the embedded generators."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn

from imgaudit.embedded.lessons import Pixels, as_pixels, as_tensor, contact_sheet, drawn
from imgaudit.embedded.parts import DEVICE, new_vae, quick_on_cpu
from imgaudit.embedded.training import Loop, Plan, averaged, workers

PICTURES = 40_000
"""Training pictures of the autoencoder."""
PULL = 3e-5
"""Weight of the pull to normal latents: enough to keep them in bounds, too little to blur."""
NOISE = 0.15
"""Largest noise on latents from which the polished decoder still learns clean edges."""


def edges(images: Tensor) -> tuple[Tensor, Tensor]:
    """Differences between neighbouring pixels, across and down."""
    return images[..., 1:] - images[..., :-1], images[..., 1:, :] - images[..., :-1, :]


def picture_loss(made: Tensor, wanted: Tensor) -> Tensor:
    """Distance of pixels, those of shapes four times as heavy, and of edges."""
    shapes = ((wanted - wanted[..., :1, :1]).abs().amax(1, keepdim=True) > 0.05).float()
    difference = (made - wanted).abs()
    distance = ((1 + 3 * shapes) * (difference + difference**2)).mean()
    pairs = zip(edges(made), edges(wanted), strict=True)
    return distance + torch.stack([(one - other).abs().mean() for one, other in pairs]).sum()


def pull(mean: Tensor, logvar: Tensor) -> Tensor:
    """Distance of the latents' distribution to a standard normal one, nats a number."""
    return 0.5 * (mean**2 + logvar.exp() - 1 - logvar).mean()


def train_vae(folder: Path, plan: Plan) -> None:
    """Learn to encode and decode pictures of the world."""
    torch.manual_seed(plan.seed)
    pixels = drawn(PICTURES, plan.seed).pixels
    vae = new_vae().to(DEVICE, memory_format=torch.channels_last)
    if DEVICE.type == "cpu":
        quick_on_cpu(vae)
    loop = Loop(plan, folder, nn.ModuleDict({"vae": vae}), DEVICE)
    batch = plan.batch // workers()

    def loss(chance: torch.Generator, _: int) -> Tensor:
        chosen = torch.randint(len(pixels), (batch,), generator=chance).numpy()
        images = as_tensor(pixels[chosen])
        noise = torch.randn(batch, 4, 16, 16, generator=chance).to(DEVICE, memory_format=torch.channels_last)
        with torch.autocast(DEVICE.type, torch.bfloat16):
            mean, logvar = vae.quant_conv(vae.encoder(images)).chunk(2, 1)
            logvar = logvar.clamp(-30, 20)
            latents = mean + noise * (0.5 * logvar).exp()
            made = vae.decoder(vae.post_quant_conv(latents))
        return picture_loss(made.float(), images) + PULL * pull(mean.float(), logvar.float())

    def report(number: int) -> dict[str, Any]:
        copy = new_vae().to(DEVICE)
        copy.load_state_dict({name.removeprefix("vae."): value for name, value in loop.mean.items()})
        return look(copy, pixels[:48], folder / f"vae-{number}.png")

    loop.run(loss, report)


def look(vae: AutoencoderKL, pixels: Pixels, path: Path) -> dict[str, Any]:
    """Write pictures beside their copies, and measure how far they lie apart."""
    images = as_tensor(pixels)
    with torch.no_grad():
        posterior = vae.encode(images).latent_dist
        made = vae.decode(posterior.mode()).sample
    pairs = np.stack([pixels, as_pixels(made)], 1).reshape(-1, *pixels.shape[1:])
    contact_sheet(pairs, 12, path)
    return {
        "l1": round(float((made - images).abs().mean()), 5),
        "latent_std": [round(float(v), 3) for v in posterior.mode().std((0, 2, 3))],
        "posterior_std": round(float(posterior.std.mean()), 4),
    }


def normalise_latents(vae: AutoencoderKL, pixels: Pixels) -> None:
    """Fold the latents' mean and spread into the 1x1 convolutions around them: each channel becomes standard normal."""
    with torch.no_grad():
        latents = encode(vae, pixels)
        mean, spread = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
        into, out = vae.quant_conv, vae.post_quant_conv
        into.bias[:4] -= mean
        into.bias[:4] /= spread
        into.weight[:4] /= spread[:, None, None, None]
        into.bias[4:] -= 2 * spread.log()
        out.bias += (out.weight[:, :, 0, 0] * mean).sum(1)
        out.weight *= spread[None, :, None, None]
    vae.register_to_config(scaling_factor=1.0)


def encode(vae: AutoencoderKL, pixels: Pixels, batch: int = 64) -> Tensor:
    """Latents (n, 4, 16, 16) of pictures: the mean that the encoder gives."""
    parts = []
    for start in range(0, len(pixels), batch):
        with torch.no_grad(), torch.autocast(DEVICE.type, torch.bfloat16):
            moments = vae.quant_conv(vae.encoder(as_tensor(pixels[start : start + batch])))
        parts.append(moments[:, :4].float().contiguous())
    return torch.cat(parts)


def trained_vae(folder: Path) -> AutoencoderKL:
    """The autoencoder of the checkpoint, its latents standard normal; with the polished decoder once there is one."""
    vae = new_vae().to(DEVICE, memory_format=torch.channels_last).eval().requires_grad_(False)
    if (folder / "decoder.pt").exists():
        vae.load_state_dict(averaged(folder / "decoder.pt", "vae"))
        vae.register_to_config(scaling_factor=1.0)
        return vae
    vae.load_state_dict(averaged(folder / "vae.pt", "vae"))
    normalise_latents(vae, drawn(2000, seed=99).pixels)
    return vae


def train_decoder(folder: Path, plan: Plan, latents: Tensor, pixels: Pixels) -> None:
    """Sharpen the decoder, encoder held: it learns to draw clean edges from latents that are a little off."""
    torch.manual_seed(plan.seed)
    vae = trained_vae(folder)
    for part in (vae.decoder, vae.post_quant_conv):
        part.requires_grad_(True)
    if DEVICE.type == "cpu":
        quick_on_cpu(vae)
    loop = Loop(plan, folder, nn.ModuleDict({"vae": vae}), DEVICE)
    batch = plan.batch // workers()

    def loss(chance: torch.Generator, _: int) -> Tensor:
        chosen = torch.randint(len(pixels), (batch,), generator=chance)
        wanted = as_tensor(pixels[chosen.numpy()])
        strength = NOISE * torch.rand(batch, 1, 1, 1, generator=chance)
        noise = strength * torch.randn(batch, 4, 16, 16, generator=chance)
        noisy = (latents[chosen] + noise).to(DEVICE, memory_format=torch.channels_last)
        with torch.autocast(DEVICE.type, torch.bfloat16):
            made = vae.decoder(vae.post_quant_conv(noisy))
        return picture_loss(made.float(), wanted)

    def report(number: int) -> dict[str, Any]:
        copy = new_vae().to(DEVICE)
        copy.load_state_dict({name.removeprefix("vae."): value for name, value in loop.mean.items()})
        return look(copy, pixels[:48], folder / f"decoder-{number}.png")

    loop.run(loss, report)
