"""Tiny pipelines of diffusers' real classes, with random weights, saved as a hub model is saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imgaudit.embedded import tokenizer as words
from imgaudit.types import Case, Controls, Job

SIDE = 32


def text_encoder() -> Any:
    import torch
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(1)
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=words.vocabulary_size(),
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=words.MAX_TOKENS,
            bos_token_id=words.vocabulary_size() - 2,
            eos_token_id=words.vocabulary_size() - 1,
        )
    ).eval()


def autoencoder() -> Any:
    import torch
    from diffusers import AutoencoderKL

    torch.manual_seed(2)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(8, 16),
        norm_num_groups=4,
        latent_channels=4,
        sample_size=SIDE,
    ).eval()


def denoiser(**extra: Any) -> Any:
    import torch
    from diffusers import UNet2DConditionModel

    torch.manual_seed(3)
    return UNet2DConditionModel(
        sample_size=SIDE // 2,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        block_out_channels=(8, 16),
        layers_per_block=1,
        cross_attention_dim=16,
        attention_head_dim=4,
        norm_num_groups=4,
        **extra,
    ).eval()


def tokenizer(folder: Path) -> Any:
    from transformers import CLIPTokenizer

    words.write(folder)
    return CLIPTokenizer.from_pretrained(folder)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads that wait for each other make models as tiny as these many times slower on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def stable_diffusion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Stable Diffusion of some 20,000 weights."""
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    folder = tmp_path_factory.mktemp("models")
    StableDiffusionPipeline(
        vae=autoencoder(),
        text_encoder=text_encoder(),
        tokenizer=tokenizer(folder / "words"),
        unet=denoiser(),
        scheduler=DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder / "tiny-sd")
    return folder / "tiny-sd"


@pytest.fixture(scope="session")
def guarded_stable_diffusion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with diffusers' real safety checker, whose threshold is so low that it withholds every picture."""
    import torch
    from diffusers import DDIMScheduler, StableDiffusionPipeline
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPVisionConfig

    vision = CLIPVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, image_size=32, patch_size=8
    )
    checker = StableDiffusionSafetyChecker(CLIPConfig(vision_config=vision.to_dict(), projection_dim=8))
    with torch.no_grad():
        checker.concept_embeds_weights.fill_(-2.0)
    folder = tmp_path_factory.mktemp("models")
    StableDiffusionPipeline(
        vae=autoencoder(),
        text_encoder=text_encoder(),
        tokenizer=tokenizer(folder / "words"),
        unet=denoiser(),
        scheduler=DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=checker,
        feature_extractor=CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=32),
    ).save_pretrained(folder / "guarded-sd")
    return folder / "guarded-sd"


@pytest.fixture(scope="session")
def latent_consistency(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline that has no negative prompt."""
    from diffusers import LatentConsistencyModelPipeline, LCMScheduler

    folder = tmp_path_factory.mktemp("models")
    LatentConsistencyModelPipeline(
        vae=autoencoder(),
        text_encoder=text_encoder(),
        tokenizer=tokenizer(folder / "words"),
        unet=denoiser(time_cond_proj_dim=8),
        scheduler=LCMScheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder / "tiny-lcm")
    return folder / "tiny-lcm"


@pytest.fixture(scope="session")
def unconditional(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline that takes no prompt."""
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    folder = tmp_path_factory.mktemp("models") / "tiny-ddpm"
    unet = UNet2DModel(
        sample_size=8,
        block_out_channels=(8, 16),
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        norm_num_groups=4,
        layers_per_block=1,
    )
    DDPMPipeline(unet, DDPMScheduler()).save_pretrained(folder)
    return folder


@pytest.fixture
def jobs() -> Callable[..., list[Job]]:
    """Jobs of the given prompts, with seeds that differ."""

    def made(*prompts: str | None, controls: Controls | None = None, **facts: Any) -> list[Job]:
        cases = [Case(id=f"case{index}", prompt=prompt, **facts) for index, prompt in enumerate(prompts)]
        wanted = controls or Controls(steps=3, guidance=2.0)
        return [Job(case, 0, 1000 + 7 * index, wanted) for index, case in enumerate(cases)]

    return made
