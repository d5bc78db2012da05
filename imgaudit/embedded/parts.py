"""The parts of the embedded generators: their sizes, how they are put together and written."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import MethodType

import torch
from diffusers import (
    AutoencoderKL,
    DPMSolverMultistepScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn
from torch.nn.functional import group_norm
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from imgaudit.embedded import tokenizer, world

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
"""Where everything is trained."""


def new_vae() -> AutoencoderKL:
    """An untrained autoencoder: 64x64x3 to 16x16x4, about 0.9 million parameters."""
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(32, 64, 64),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=world.CANVAS,
        mid_block_add_attention=False,
    )


def new_text_encoder() -> CLIPTextModel:
    """An untrained text encoder of two layers, about 0.3 million parameters."""
    size = tokenizer.vocabulary_size()
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=size,
            hidden_size=96,
            intermediate_size=384,
            projection_dim=96,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=tokenizer.MAX_TOKENS,
            bos_token_id=size - 2,
            eos_token_id=size - 1,
            pad_token_id=size - 1,
        )
    )


def new_unet() -> UNet2DConditionModel:
    """An untrained denoiser on 16x16x4 latents, 2.25 million parameters."""
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(48, 96),
        layers_per_block=1,
        cross_attention_dim=96,
        attention_head_dim=4,
        norm_num_groups=16,
    )


def new_scheduler() -> DPMSolverMultistepScheduler:
    """The sampler that the pipelines carry; training uses its noise levels."""
    return DPMSolverMultistepScheduler(
        num_train_timesteps=1000,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        algorithm_type="dpmsolver++",
        solver_order=2,
        lambda_min_clipped=-5.1,
        timestep_spacing="trailing",
    )


def words_of(folder: Path) -> CLIPTokenizer:
    """The tokenizer, written into the training folder if it is not there yet."""
    if not (folder / "tokenizer").is_dir():
        tokenizer.write(folder / "tokenizer")
    return CLIPTokenizer.from_pretrained(str(folder / "tokenizer"))


def assembled(
    folder: Path, vae: AutoencoderKL, text: CLIPTextModel, unet: UNet2DConditionModel
) -> StableDiffusionPipeline:
    """A Stable Diffusion pipeline of these parts."""
    made = StableDiffusionPipeline(
        vae=vae.eval(),
        text_encoder=text.eval(),
        tokenizer=words_of(folder),
        unet=unet.eval(),
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    made.set_progress_bar_config(disable=True)
    return made.to(DEVICE)


def export(pipe: StableDiffusionPipeline, folder: Path) -> None:
    """Write a pipeline as `DiffusionPipeline.from_pretrained` reads it, in half precision."""
    shutil.rmtree(folder, ignore_errors=True)
    pipe.to(torch.float16).save_pretrained(str(folder), safe_serialization=True)
    shutil.rmtree(folder / "tokenizer")
    tokenizer.write(folder / "tokenizer")
    config = folder / "text_encoder" / "config.json"
    # transformers loads a model in the type its config names: with the halves on disk, all parts must still agree
    config.write_text(config.read_text(encoding="utf-8").replace("float16", "float32"))
    for path in folder.rglob("*.safetensors"):
        path.chmod(0o644)


def quick_on_cpu(*models: nn.Module) -> None:
    """Swap fused attention and group norm for equal operations; in bfloat16 on CPUs the usual ones double a step."""
    for model in models:
        if isinstance(model, UNet2DConditionModel):
            model.set_attn_processor(AttnProcessor())
        if isinstance(model, CLIPTextModel):
            model.set_attn_implementation("eager")
        for module in model.modules():
            if isinstance(module, nn.GroupNorm):
                module.forward = MethodType(_normalised, module)


def _normalised(self: nn.GroupNorm, values: Tensor) -> Tensor:
    weight, bias = self.weight.float(), self.bias.float()
    return group_norm(values.float(), self.num_groups, weight, bias, self.eps).to(values.dtype)
