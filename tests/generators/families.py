"""Tiny pipelines of several families, with random weights and real classes, for tests of the modes that edit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from imgaudit.embedded import tokenizer as words

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SIDE = 32
"""Pixels of a side that every family draws: two latents of the coarsest."""


def clip_tokenizer(folder: Path) -> Any:
    from transformers import CLIPTokenizer

    words.write(folder / "words")
    return CLIPTokenizer.from_pretrained(folder / "words")


def clip_text(projected: bool = False) -> Any:
    import torch
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    torch.manual_seed(1)
    config = CLIPTextConfig(
        vocab_size=words.vocabulary_size(), hidden_size=16, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=words.MAX_TOKENS, projection_dim=16,
        bos_token_id=words.vocabulary_size() - 2, eos_token_id=words.vocabulary_size() - 1,
    )  # fmt: skip
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config).eval()


def t5_tokenizer() -> Any:
    from transformers import T5Tokenizer

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -9.0), ("\u2581", -2.0), *((sign, -3.0) for sign in LETTERS)]
    return T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=32)


def t5_text(width: int = 16, kind: str = "T5") -> Any:
    import torch
    import transformers

    torch.manual_seed(4)
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=64, d_model=width, d_kv=8, d_ff=32, num_layers=1, num_heads=2, feed_forward_proj="gated-gelu"
    )
    return getattr(transformers, f"{kind}EncoderModel")(config).eval()


def autoencoder(channels: int = 4) -> Any:
    import torch
    from diffusers import AutoencoderKL

    torch.manual_seed(2)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(8, 16), norm_num_groups=4, latent_channels=channels, sample_size=SIDE, shift_factor=0.1,
    ).eval()  # fmt: skip


def unet(**extra: Any) -> Any:
    import torch
    from diffusers import UNet2DConditionModel

    torch.manual_seed(3)
    return UNet2DConditionModel(
        sample_size=SIDE // 2, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), block_out_channels=(8, 16), layers_per_block=1,
        attention_head_dim=4, norm_num_groups=4, **{"cross_attention_dim": 16, **extra},
    ).eval()  # fmt: skip


def seeing() -> Any:
    import torch
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(5)
    return CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, image_size=32,
            patch_size=8, projection_dim=16,
        )
    ).eval()  # fmt: skip


def _stable_diffusion(folder: Path) -> Any:
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    return StableDiffusionPipeline(
        vae=autoencoder(), text_encoder=clip_text(), tokenizer=clip_tokenizer(folder), unet=unet(),
        scheduler=DDIMScheduler(steps_offset=1, clip_sample=False), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )  # fmt: skip


def _stable_diffusion_xl(folder: Path) -> Any:
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    tokenizer = clip_tokenizer(folder)
    denoiser = unet(
        addition_embed_type="text_time", addition_time_embed_dim=8, transformer_layers_per_block=1,
        projection_class_embeddings_input_dim=6 * 8 + 16, cross_attention_dim=32, use_linear_projection=True,
    )  # fmt: skip
    return StableDiffusionXLPipeline(
        vae=autoencoder(), text_encoder=clip_text(), text_encoder_2=clip_text(projected=True), tokenizer=tokenizer,
        tokenizer_2=tokenizer, unet=denoiser, scheduler=EulerDiscreteScheduler(),
    )  # fmt: skip


def _stable_diffusion_3(folder: Path) -> Any:
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Pipeline

    torch.manual_seed(6)
    transformer = SD3Transformer2DModel(
        sample_size=16, patch_size=2, in_channels=16, num_layers=1, attention_head_dim=8, num_attention_heads=2,
        joint_attention_dim=32, caption_projection_dim=16, pooled_projection_dim=32, out_channels=16,
        pos_embed_max_size=16,
    ).eval()  # fmt: skip
    tokenizer = clip_tokenizer(folder)
    return StableDiffusion3Pipeline(
        transformer=transformer, scheduler=FlowMatchEulerDiscreteScheduler(), vae=autoencoder(16),
        text_encoder=clip_text(projected=True), tokenizer=tokenizer, text_encoder_2=clip_text(projected=True),
        tokenizer_2=tokenizer, text_encoder_3=t5_text(32), tokenizer_3=t5_tokenizer(),
    )  # fmt: skip


def _flux(folder: Path) -> Any:
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel

    torch.manual_seed(7)
    transformer = FluxTransformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=16, pooled_projection_dim=16, axes_dims_rope=(4, 4, 8),
    ).eval()  # fmt: skip
    return FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(), vae=autoencoder(), text_encoder=clip_text(),
        tokenizer=clip_tokenizer(folder), text_encoder_2=t5_text(), tokenizer_2=t5_tokenizer(),
        transformer=transformer,
    )  # fmt: skip


def _pixart(folder: Path, kind: str) -> Any:
    import diffusers
    import torch

    torch.manual_seed(8)
    transformer = diffusers.PixArtTransformer2DModel(
        num_attention_heads=2, attention_head_dim=8, in_channels=4, out_channels=8, num_layers=2,
        cross_attention_dim=16, sample_size=16, patch_size=2, caption_channels=16, use_additional_conditions=False,
    ).eval()  # fmt: skip
    return getattr(diffusers, kind)(
        tokenizer=t5_tokenizer(), text_encoder=t5_text(), vae=autoencoder(), transformer=transformer,
        scheduler=diffusers.DPMSolverMultistepScheduler(),
    )  # fmt: skip


def _aura_flow(folder: Path) -> Any:
    import torch
    from diffusers import AuraFlowPipeline, AuraFlowTransformer2DModel, FlowMatchEulerDiscreteScheduler

    torch.manual_seed(10)
    transformer = AuraFlowTransformer2DModel(
        sample_size=16, patch_size=2, in_channels=4, num_mmdit_layers=1, num_single_dit_layers=1, attention_head_dim=8,
        num_attention_heads=2, joint_attention_dim=16, caption_projection_dim=16, out_channels=4,
        pos_embed_max_size=256,
    ).eval()  # fmt: skip
    return AuraFlowPipeline(
        tokenizer=t5_tokenizer(), text_encoder=t5_text(kind="UMT5"), vae=autoencoder(), transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(),
    )  # fmt: skip


def _sana(folder: Path, kind: str) -> Any:
    import diffusers
    import torch
    from diffusers import AutoencoderDC, DPMSolverMultistepScheduler, SanaTransformer2DModel
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import Gemma2Config, Gemma2Model, PreTrainedTokenizerFast

    torch.manual_seed(9)
    transformer = SanaTransformer2DModel(
        in_channels=4, out_channels=4, num_attention_heads=2, attention_head_dim=8, num_layers=1,
        num_cross_attention_heads=2, cross_attention_head_dim=8, cross_attention_dim=16, caption_channels=16,
        sample_size=16, patch_size=1,
    ).eval()  # fmt: skip
    coarse = AutoencoderDC(
        latent_channels=4, attention_head_dim=2, encoder_block_types=("ResBlock", "EfficientViTBlock"),
        decoder_block_types=("ResBlock", "EfficientViTBlock"), encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8), encoder_qkv_multiscales=((), (5,)), decoder_qkv_multiscales=((), (5,)),
        encoder_layers_per_block=(1, 1), decoder_layers_per_block=(1, 1), downsample_block_type="conv",
        upsample_block_type="interpolate", decoder_norm_types="rms_norm", decoder_act_fns="silu", scaling_factor=0.4,
    ).eval()  # fmt: skip
    text = Gemma2Model(
        Gemma2Config(
            vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
            num_key_value_heads=1, head_dim=8,
        )
    ).eval()  # fmt: skip
    signs = {"<pad>": 0, "<eos>": 1, "<bos>": 2, "<unk>": 3, **{sign: 4 + index for index, sign in enumerate(LETTERS)}}
    plain = Tokenizer(models.WordLevel(signs, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=plain, pad_token="<pad>", eos_token="<eos>", bos_token="<bos>", unk_token="<unk>"
    )
    scheduler = DPMSolverMultistepScheduler(
        use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=3.0, final_sigmas_type="zero"
    )
    return getattr(diffusers, kind)(
        tokenizer=tokenizer, text_encoder=text, vae=coarse, transformer=transformer, scheduler=scheduler
    )


def _latent_consistency(folder: Path) -> Any:
    from diffusers import LatentConsistencyModelPipeline, LCMScheduler

    return LatentConsistencyModelPipeline(
        vae=autoencoder(), text_encoder=clip_text(), tokenizer=clip_tokenizer(folder), unet=unet(time_cond_proj_dim=8),
        scheduler=LCMScheduler(), safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip


FAMILIES: dict[str, Callable[[Path], Any]] = {
    "stable-diffusion": _stable_diffusion,
    "stable-diffusion-xl": _stable_diffusion_xl,
    "stable-diffusion-3": _stable_diffusion_3,
    "flux": _flux,
    "lcm": _latent_consistency,
    "pixart-alpha": lambda folder: _pixart(folder, "PixArtAlphaPipeline"),
    "pixart-sigma": lambda folder: _pixart(folder, "PixArtSigmaPipeline"),
    "pixart-sigma-pag": lambda folder: _pixart(folder, "PixArtSigmaPAGPipeline"),
    "auraflow": _aura_flow,
    "sana": lambda folder: _sana(folder, "SanaPipeline"),
    "sana-pag": lambda folder: _sana(folder, "SanaPAGPipeline"),
}
"""Family, as diffusers' own mappings name it, and what builds a tiny pipeline of it."""


def saved(family: str, folder: Path) -> Path:
    """A tiny pipeline of the family, saved as a hub model is."""
    target = folder / f"tiny-{family}"
    FAMILIES[family](folder).save_pretrained(target)
    return target
