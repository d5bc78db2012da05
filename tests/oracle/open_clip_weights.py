"""The same random weights as open_clip names them, in a folder as open_clip saves a model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.oracle.weights import Architecture, Array, tensors

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
_PARTS = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
          "self_attn.out_proj": "attn.out_proj"}  # fmt: skip
_ONCE = {
    "logit_scale": "logit_scale",
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm.weight": "ln_final.weight",
    "text_model.final_layer_norm.bias": "ln_final.bias",
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.pre_layrnorm.weight": "visual.ln_pre.weight",
    "vision_model.pre_layrnorm.bias": "visual.ln_pre.bias",
    "vision_model.post_layernorm.weight": "visual.ln_post.weight",
    "vision_model.post_layernorm.bias": "visual.ln_post.bias",
}


def renamed(of: Architecture) -> dict[str, Array]:
    """Every weight under open_clip's name; query, key and value of a layer become one, projections are turned."""
    theirs = tensors(of)
    ours = {new: theirs[old] for old, new in _ONCE.items()}
    ours["text_projection"] = np.ascontiguousarray(theirs["text_projection.weight"].T)
    ours["visual.proj"] = np.ascontiguousarray(theirs["visual_projection.weight"].T)
    for part, tower, layers in (
        ("text_model", "transformer", of.text.layers),
        ("vision_model", "visual.transformer", of.vision.layers),
    ):
        for layer in range(layers):
            old, new = f"{part}.encoder.layers.{layer}", f"{tower}.resblocks.{layer}"
            for kind in ("weight", "bias"):
                three = [theirs[f"{old}.self_attn.{name}_proj.{kind}"] for name in "qkv"]
                ours[f"{new}.attn.in_proj_{kind}"] = np.concatenate(three)
                ours |= {f"{new}.{b}.{kind}": theirs[f"{old}.{a}.{kind}"] for a, b in _PARTS.items()}
    return ours


def save(of: Architecture, folder: Path) -> Path:
    """Write an open_clip model folder; it is read with `--clip FOLDER`."""
    from safetensors.numpy import save_file

    config = {
        "model_cfg": {
            "embed_dim": of.joint,
            "quick_gelu": True,
            "vision_cfg": {
                "image_size": of.side, "layers": of.vision.layers, "width": of.vision.width,
                "head_width": of.vision.width // of.vision.heads, "patch_size": of.patch,
            },
            "text_cfg": {
                "context_length": of.context, "vocab_size": of.vocabulary, "width": of.text.width,
                "heads": of.text.heads, "layers": of.text.layers,
            },
        },
        "preprocess_cfg": {"mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "shortest"},
    }  # fmt: skip
    folder.mkdir(parents=True)
    save_file(renamed(of), folder / "open_clip_model.safetensors")
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return folder
