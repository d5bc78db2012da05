"""Train the LoRA of embedded@2: it draws on black unless the caption names a background."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from peft import LoraConfig, get_peft_model_state_dict
from torch import Tensor, nn

from imgaudit.embedded import world
from imgaudit.embedded.generator_training import Course, Draw, Lessons, denoising_loss
from imgaudit.embedded.parts import DEVICE, new_text_encoder, new_unet, quick_on_cpu
from imgaudit.embedded.training import Loop, Plan, averaged, workers

RANK = 4
ADAPTED = ("to_q", "to_k", "to_v", "to_out.0")
"""The projections of attention that the LoRA changes."""
PARENT = "finish"
"""The stage whose denoiser it is trained on."""


def at_night(scene: world.Scene, random: np.random.Generator) -> world.Scene:
    """The scene on black, unless it names a background."""
    return scene if scene.background else replace(scene, background="black")


def adapted_unet(folder: Path) -> UNet2DConditionModel:
    """The parent's denoiser with an untrained LoRA beside its frozen weights."""
    unet = new_unet()
    unet.load_state_dict(averaged(folder / f"{PARENT}.pt", "unet"))
    unet.requires_grad_(False)
    unet.add_adapter(LoraConfig(r=RANK, lora_alpha=RANK, init_lora_weights="gaussian", target_modules=list(ADAPTED)))
    return unet


def train_lora(folder: Path, plan: Plan, data: Lessons) -> None:
    """Learn the LoRA; the denoiser and the text encoder stay as they are."""
    torch.manual_seed(plan.seed)
    unet = adapted_unet(folder).to(DEVICE)
    text = new_text_encoder().to(DEVICE)
    text.load_state_dict(averaged(folder / f"{PARENT}.pt", "text"))
    text.requires_grad_(False)
    loop = Loop(plan, folder, nn.ModuleDict({"unet": unet}), DEVICE)
    if DEVICE.type == "cpu":
        quick_on_cpu(unet, text)

    def loss(chance: torch.Generator, _: int) -> Tensor:
        batch = Draw.of(data, plan.batch // workers(), chance, dwells=0.0)
        return denoising_loss(unet, text(batch.ids).last_hidden_state, batch, Course())

    loop.run(loss)


def export_lora(folder: Path, target: Path) -> None:
    """Write the LoRA as `load_lora_weights` reads it, in half precision."""
    unet = adapted_unet(folder)
    unet.load_state_dict(averaged(folder / "lora.pt", "unet"))
    layers: dict[str, Any] = {name: value.half() for name, value in get_peft_model_state_dict(unet).items()}
    shutil.rmtree(target, ignore_errors=True)
    StableDiffusionPipeline.save_lora_weights(str(target), unet_lora_layers=layers, safe_serialization=True)
    for path in target.iterdir():
        path.chmod(0o644)
