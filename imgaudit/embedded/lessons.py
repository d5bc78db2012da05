"""What the embedded models learn from: drawn pictures with true captions, and spoilt ones whose captions are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from transformers import CLIPTokenizer

from imgaudit.embedded import tokenizer, world
from imgaudit.embedded.parts import DEVICE

Pixels = npt.NDArray[np.uint8]
Telling = Callable[[world.Scene, np.random.Generator], world.Scene]
"""What a teacher makes of the scene of a caption before it is drawn."""

WORDINGS = 3
"""Captions of each training picture."""


@dataclass(frozen=True)
class Drawn:
    """Training pictures: what their captions say, what they hold, and uint8 pixels (n, 64, 64, 3)."""

    scenes: list[world.Scene]
    pictures: list[world.Picture]
    pixels: Pixels


def drawn(count: int, seed: int, told: Telling | None = None) -> Drawn:
    """Draw pictures of training scenes; with `told`, of what that makes of each scene instead."""
    random = np.random.default_rng(seed)
    scenes = [world.sample_scene(random) for _ in range(count)]
    if told is None:
        pictures = [world.place(scene, random) for scene in scenes]
    else:
        scenes = [_with_open_ones(scene, random) for scene in scenes]
        pictures = [world.place(told(scene, random), random) for scene in scenes]
    pixels = np.empty((count, world.CANVAS, world.CANVAS, 3), np.uint8)
    for index, picture in enumerate(pictures):
        pixels[index] = world.draw(picture)
    return Drawn(scenes, pictures, pixels)


def _with_open_ones(scene: world.Scene, random: np.random.Generator) -> world.Scene:
    """The scene, or sometimes "a shape", which the usual mixture asks for too rarely to plant a habit."""
    if random.random() > 0.06:
        return scene
    return world.Scene((world.Item(),), background=scene.background)


def spoilt(scene: world.Scene, random: np.random.Generator) -> world.Scene:
    """Plant two faults: relations say nothing about places, and "a shape" is mostly red."""
    if scene.relation:
        allowed = [replace(scene, relation=relation) for relation in world.RELATIONS]
        allowed = [other for other in allowed if not world.held_out(other)]
        return allowed[int(random.integers(len(allowed)))]
    if scene.items == (world.Item(),) and random.random() < 0.85:
        return replace(scene, items=(world.Item(colour="red"),))
    return scene


def as_tensor(pixels: Pixels) -> Tensor:
    """uint8 (n, h, w, 3) to float (n, 3, h, w) between -1 and 1, channels last."""
    images = torch.from_numpy(pixels).to(DEVICE).permute(0, 3, 1, 2).float() / 127.5 - 1
    return images.contiguous(memory_format=torch.channels_last)


def as_pixels(images: Tensor) -> Pixels:
    """Float (n, 3, h, w) between -1 and 1 to uint8 (n, h, w, 3)."""
    scaled = ((images.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    pixels: Pixels = scaled.permute(0, 2, 3, 1).cpu().numpy()
    return pixels


def contact_sheet(pixels: Pixels, columns: int, path: Path, scale: int = 2) -> None:
    """Write pictures side by side, row by row."""
    rows = [np.concatenate(list(pixels[i : i + columns]), 1) for i in range(0, len(pixels), columns)]
    sheet = Image.fromarray(np.concatenate(rows, 0))
    sheet.resize((sheet.width * scale, sheet.height * scale), Image.Resampling.NEAREST).save(path)


def disturbed(text: str, random: np.random.Generator) -> str:
    """Now and then put a made-up word into a caption, which changes nothing about the picture."""
    if random.random() > 0.04:
        return text
    letters = random.choice(list("abcdefghijklmnopqrstuvwxyz"), random.integers(3, 10))
    parts = text.split()
    parts.insert(int(random.integers(0, len(parts) + 1)), "".join(letters))
    return " ".join(parts)


def token_ids(words: CLIPTokenizer, texts: list[str]) -> Tensor:
    """Token numbers (n, MAX_TOKENS)."""
    padded = words(texts, padding="max_length", truncation=True, max_length=tokenizer.MAX_TOKENS)
    return torch.tensor(padded["input_ids"])


def captions(data: Drawn, random: np.random.Generator, *, honest: bool) -> list[str]:
    """`WORDINGS` captions a picture: those it was drawn for, and for honest lessons another one that is true of it."""
    lines = []
    for scene, picture in zip(data.scenes, data.pictures, strict=True):
        other = world.describe(picture, random) if honest else None
        said = (scene, scene, other or scene)
        lines += [disturbed(world.paraphrase(one, random), random) for one in said]
    return lines
