"""A tiny IP-Adapter with random weights, in the format of the public ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from families import seeing


def adapter_for(denoiser: Any, folder: Path) -> Path:
    """The safetensors file of an adapter that fits a denoiser, with its image encoder beside it."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(11)
    encoder = seeing()
    encoder.save_pretrained(folder / "image_encoder")
    width, seen = denoiser.config.cross_attention_dim, encoder.config.projection_dim
    tensors = {
        "image_proj.proj.weight": torch.randn(4 * width, seen),
        "image_proj.proj.bias": torch.zeros(4 * width),
        "image_proj.norm.weight": torch.ones(width),
        "image_proj.norm.bias": torch.zeros(width),
    }
    looking = [layer for name, layer in denoiser.named_modules() if name.endswith("attn2")]
    for index, layer in enumerate(looking):
        for part in ("k", "v"):
            name = f"ip_adapter.{2 * index + 1}.to_{part}_ip.weight"
            tensors[name] = torch.randn(layer.inner_dim, width)
    save_file(tensors, folder / "ip-adapter.safetensors")
    return folder / "ip-adapter.safetensors"
