"""Train the text encoder and the denoiser of the embedded generators."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from imgaudit.embedded import GUIDANCE, STEPS, world
from imgaudit.embedded.judging import judge
from imgaudit.embedded.lessons import WORDINGS, Telling, captions, contact_sheet, drawn, token_ids
from imgaudit.embedded.parts import (
    DEVICE,
    assembled,
    new_scheduler,
    new_text_encoder,
    new_unet,
    quick_on_cpu,
    words_of,
)
from imgaudit.embedded.reader import read
from imgaudit.embedded.training import Loop, Plan, averaged, rank, workers
from imgaudit.embedded.vae_training import encode, trained_vae

SILENT = 0.1
"""Share of captions that are withheld, so that guidance has something to lead away from."""
PLACES = ("left", "right", "above", "below", "under")
"""Words of captions that say where something lies."""
NUMBERS = ("two", "three", "four")
"""Words of captions that say how many things there are."""
TELLING = ("background", *PLACES)
"""Words of captions that speak of background or places."""
MAP_WEIGHT = 0.5
"""Weight of the map's error beside the denoiser's."""
WATCHED = 192
"""Captions of a quick look."""


@dataclass(frozen=True)
class Lessons:
    """What the denoiser learns from: latents (n, 4, 16, 16) and token numbers (n, WORDINGS, MAX_TOKENS)."""

    latents: Tensor
    ids: Tensor
    empty: Tensor
    telling: Tensor
    """Rows whose captions speak of what a stage dwells on."""


class Map(nn.Module):  # type: ignore[misc]  # torch is not followed by the type checker
    """Learns to tell from a caption alone what lies where, so that the text encoder learns to hear it.

    The denoiser by itself teaches the text encoder colours, shapes and counts, but next to nothing about places: its
    own queries do not know where they stand until it has learnt to use the border. Here the queries are the 8x8 places
    themselves, and what is asked for is the mean latent of each: (n, tokens, 96) to (n, 64, 4). The map is used in
    training only.
    """

    def __init__(self) -> None:
        """An untrained map of two layers of attention, 0.2 million parameters."""
        super().__init__()
        width = new_text_encoder().config.hidden_size
        self.places = nn.Parameter(torch.randn(64, width) * 0.5)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.looks = nn.ModuleList(nn.MultiheadAttention(width, 4, batch_first=True) for _ in range(2))
        self.thoughts = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
            for _ in range(2)
        )
        self.told = nn.Linear(width, 4)

    def forward(self, speech: Tensor) -> Tensor:
        """Mean latents (n, 64, 4) of the 8x8 places."""
        places = self.places.expand(len(speech), -1, -1)
        for norm, look, thought in zip(self.norms, self.looks, self.thoughts, strict=True):
            places = places + look(norm(places), speech, speech, need_weights=False)[0]
            places = places + thought(places)
        told: Tensor = self.told(places)
        return told

    def loss(self, speech: Tensor, clean: Tensor) -> Tensor:
        """Squared error of the map against the picture's latents (n, 4, 16, 16)."""
        wanted = avg_pool2d(clean, 2).flatten(2).transpose(1, 2)
        return ((self(speech) - wanted) ** 2).mean()


def make_lessons(folder: Path, name: str, count: int, seed: int, told: Telling | None = None) -> None:
    """Write captions and latents of training pictures into the folder, unless they are there: they take minutes.

    With `told`, the pictures show what that makes of each scene, and the captions do not say so.
    """
    kept = folder / f"{name}.lessons.pt"
    if kept.exists():
        return
    data = drawn(count, seed, told)
    words = words_of(folder)
    lines = captions(data, np.random.default_rng(seed), honest=told is None)
    made = {
        "latents": encode(trained_vae(folder), data.pixels).cpu(),
        "ids": token_ids(words, lines).view(count, WORDINGS, -1),
        "empty": token_ids(words, [""]),
    }
    torch.save(made, kept)


def lessons(folder: Path, name: str, dwell: tuple[str, ...] = TELLING) -> Lessons:
    """The lessons in the folder; `dwell` are the words whose captions a stage dwells on."""
    kept = torch.load(folder / f"{name}.lessons.pt", weights_only=True)
    words = words_of(folder)
    numbers = torch.tensor(words.convert_tokens_to_ids([f"{word}</w>" for word in dwell]))
    telling = torch.isin(kept["ids"][:, 0], numbers).any(1).nonzero()[:, 0]
    return Lessons(kept["latents"].to(DEVICE), kept["ids"].to(DEVICE), kept["empty"].to(DEVICE), telling)


def pipeline(folder: Path, stage: str, reader_of: str) -> StableDiffusionPipeline:
    """The pipeline of a stage's averaged denoiser and of the text encoder of the stage that trained it last."""
    text, unet = new_text_encoder(), new_unet()
    text.load_state_dict(averaged(folder / f"{reader_of}.pt", "text"))
    unet.load_state_dict(averaged(folder / f"{stage}.pt", "unet"))
    return assembled(folder, trained_vae(folder), text, unet)


@dataclass(frozen=True)
class Course:
    """How a stage treats the denoiser.

    `parent` is the stage that it goes on from. `layout` draws noisy levels oftener and weighs all alike. Without it the
    loss is weighed by the clipped ratio of signal to noise: that brings clean shapes sooner, but all but leaves out the
    noisiest levels, where background and layout are decided, so a stage with `layout` must follow. `reads` says whether
    the text encoder learns too. `dwells` is the part of a batch whose captions hold one of the words `on`. `maps` also
    asks the text encoder for a map of the picture (see `Map`). `even` draws all noise levels alike again, which mends
    what a stage with `layout` has left coarse: how many things there are, and their edges.
    """

    parent: str | None = None
    layout: bool = True
    reads: bool = True
    dwells: float = 0.0
    on: tuple[str, ...] = TELLING
    maps: bool = False
    even: bool = False


def train_generator(folder: Path, plan: Plan, data: Lessons, course: Course) -> None:
    """Learn to denoise latents under captions."""
    torch.manual_seed(plan.seed)
    text, unet = new_text_encoder().to(DEVICE), new_unet()
    unet = unet.to(DEVICE, memory_format=torch.channels_last)
    if course.parent:
        text.load_state_dict(averaged(folder / f"{course.parent}.pt", "text"))
        unet.load_state_dict(averaged(folder / f"{course.parent}.pt", "unet"))
    text.requires_grad_(course.reads)
    learning: dict[str, nn.Module] = {"unet": unet, "text": text} if course.reads else {"unet": unet}
    map_of = Map().to(DEVICE) if course.maps else None
    if map_of:
        learning["map"] = map_of
    loop = Loop(plan, folder, nn.ModuleDict(learning), DEVICE)
    if DEVICE.type == "cpu":
        quick_on_cpu(unet, text)

    def loss(chance: torch.Generator, _: int) -> Tensor:
        batch = Draw.of(data, plan.batch // workers(), chance, course.dwells)
        speech = text(batch.ids).last_hidden_state
        wrong = denoising_loss(unet, speech, batch, course)
        return wrong + MAP_WEIGHT * map_of.loss(speech, batch.clean) if map_of else wrong

    def report(number: int) -> dict[str, Any]:
        made, speech = new_unet(), new_text_encoder()
        made.load_state_dict({k[5:]: v for k, v in loop.mean.items() if k.startswith("unet.")})
        heard = {k[5:]: v for k, v in loop.mean.items() if k.startswith("text.")}
        speech.load_state_dict(heard or text.state_dict())
        pipe = assembled(folder, trained_vae(folder), speech, made)
        return watch(pipe, folder / f"{plan.name}-{number}.png")

    loop.run(loss, report)


@dataclass(frozen=True)
class Draw:
    """A batch: clean latents, noise, noise levels (0 to 1 over the schedule) and token numbers."""

    clean: Tensor
    noise: Tensor
    levels: Tensor
    ids: Tensor

    @staticmethod
    def of(data: Lessons, batch: int, chance: torch.Generator, dwells: float) -> Draw:
        """Draw a batch, a part of it of the captions to dwell on; noise levels spread evenly."""
        chosen = torch.randint(len(data.latents), (batch,), generator=chance)
        told = data.telling[torch.randint(len(data.telling), (batch,), generator=chance)]
        chosen = torch.where(torch.rand(batch, generator=chance) < dwells, told, chosen)
        clean = data.latents[chosen].contiguous(memory_format=torch.channels_last)
        noise = torch.randn(clean.shape, generator=chance).to(DEVICE)
        levels = (torch.arange(batch) + torch.rand(1, generator=chance)) / batch
        silent = (torch.rand(batch, 1, generator=chance) < SILENT).to(DEVICE)
        wording = torch.randint(WORDINGS, (batch,), generator=chance)
        ids = torch.where(silent, data.empty, data.ids[chosen, wording])
        return Draw(clean, noise, levels.to(DEVICE), ids)


def denoising_loss(unet: UNet2DConditionModel, speech: Tensor, drawn_: Draw, course: Course) -> Tensor:
    """Squared error of the predicted velocity; `speech` is what the text encoder made of the captions."""
    levels = 1 - (1 - drawn_.levels) ** 2 if course.layout and not course.even else drawn_.levels
    times = (levels * 1000).long().clamp(0, 999)
    kept = new_scheduler().alphas_cumprod.to(DEVICE)[times][:, None, None, None]
    noisy = kept.sqrt() * drawn_.clean + (1 - kept).sqrt() * drawn_.noise
    wanted = kept.sqrt() * drawn_.noise - (1 - kept).sqrt() * drawn_.clean
    with torch.autocast(DEVICE.type, torch.bfloat16):
        noisy = noisy.contiguous(memory_format=torch.channels_last)
        made = unet(noisy, times, speech).sample
    ratio = kept / (1 - kept)
    weight = 1.0 if course.layout else ratio.clamp(max=5) / (ratio + 1)
    return (weight * (made.float() - wanted) ** 2).mean()


def watch(pipe: StableDiffusionPipeline, path: Path) -> dict[str, Any]:
    """A quick look: a contact sheet of fixed captions, and the shares that the independent reader finds right."""
    random = np.random.default_rng(7)
    scenes = [world.sample_scene(random) for _ in range(WATCHED)]
    images = pipe(
        [world.caption(scene) for scene in scenes],
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE,
        generator=[torch.Generator().manual_seed(seed) for seed in range(WATCHED)],
        output_type="np",
    ).images
    pixels = (images * 255).round().astype(np.uint8)
    if not rank():
        contact_sheet(pixels, 12, path)
    judged = [judge(scene, read(picture)) for scene, picture in zip(scenes, pixels, strict=True)]
    kinds = sorted({kind for one in judged for kind in one})
    return {kind: round(float(np.mean([one[kind] for one in judged if kind in one])), 3) for kind in kinds}
