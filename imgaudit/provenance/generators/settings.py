"""Generators that write one JSON object of settings: told apart by names that only they use.

Fooocus and RuinedFooocus, SwarmUI, Easy Diffusion, Draw Things, Hugging Face Spaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imgaudit.provenance.container import Fields, json_object
from imgaudit.provenance.generators._common import Parser, picked, source
from imgaudit.types import Source

Names = Mapping[str, tuple[str, ...]]

RUINED: Names = {
    "prompt": ("Prompt",),
    "negative": ("Negative",),
    "steps": ("steps",),
    "guidance": ("cfg",),
    "seed": ("seed",),
    "sampler": ("sampler_name",),
    "model": ("base_model_name",),
}
FOOOCUS: Names = {
    "prompt": ("prompt",),
    "negative": ("negative_prompt",),
    "steps": ("steps",),
    "guidance": ("guidance_scale", "cfg"),
    "seed": ("seed",),
    "sampler": ("sampler",),
    "model": ("base_model",),
}
# Fooocus's own scheme names its fields like its log; both spellings are in the wild
FOOOCUS_LOG: Names = {
    "prompt": ("Prompt",),
    "negative": ("Negative Prompt",),
    "steps": ("Steps",),
    "guidance": ("Guidance Scale",),
    "seed": ("Seed",),
    "sampler": ("Sampler",),
    "model": ("Base Model",),
}
SWARM: Names = {
    "prompt": ("prompt",),
    "negative": ("negativeprompt",),
    "steps": ("steps",),
    "guidance": ("cfgscale",),
    "seed": ("seed",),
    "sampler": ("sampler", "comfyuisampler", "autowebuisampler"),
    "model": ("model",),
}
EASY: Names = {
    "prompt": ("prompt", "Prompt"),
    "negative": ("negative_prompt", "Negative Prompt"),
    "steps": ("num_inference_steps", "Steps"),
    "guidance": ("guidance_scale", "Guidance Scale"),
    "seed": ("seed", "Seed"),
    "sampler": ("sampler_name", "Sampler"),
    "model": ("use_stable_diffusion_model", "Stable Diffusion model"),
}
DRAW: Names = {
    "prompt": ("c",),
    "negative": ("uc",),
    "steps": ("steps",),
    "guidance": ("scale",),
    "seed": ("seed",),
    "sampler": ("sampler",),
    "model": ("model",),
}
SPACE: Names = {
    "prompt": ("prompt",),
    "negative": ("negative_prompt",),
    "steps": ("num_inference_steps",),
    "guidance": ("guidance_scale",),
    "seed": ("seed",),
    "sampler": ("sampler",),
    "model": ("Model", "model", "Model hash"),
}


def _ruined(fields: Fields) -> dict[str, Any] | None:
    found = fields.having("software")
    return found if found and found["software"] == "RuinedFooocus" else None


def _fooocus(fields: Fields) -> dict[str, Any] | None:
    named = fields.having("metadata_scheme", "prompt")
    scheme = str(named["metadata_scheme"]).lower() if named else ""
    found = fields.having("prompt", "base_model") or fields.having("Prompt", "Base Model")
    return found or (named if scheme == "fooocus" else None)


def _swarm(fields: Fields) -> dict[str, Any] | None:
    found = fields.having("sui_image_params")
    settings = found.get("sui_image_params") if found else None
    return settings if isinstance(settings, dict) else json_object(settings) if isinstance(settings, str) else None


def _easy(fields: Fields) -> dict[str, Any] | None:
    """PNG holds one text chunk a setting; JPEG and WebP hold JSON."""
    found = fields.having("use_stable_diffusion_model") or fields.having("Stable Diffusion model")
    if found is None and fields.get("png.use_stable_diffusion_model", "png.Stable Diffusion model") is not None:
        found = {entry.name: entry.text for entry in fields.entries if entry.where == "png"}
    return found


def _draw(fields: Fields) -> dict[str, Any] | None:
    found = fields.having("c", "uc") or fields.having("c", "sampler", "scale")
    made_by = fields.get("xmp.xmp:CreatorTool") or ""
    return found or (fields.having("c") if made_by.startswith("Draw Things") else None)


def _space(fields: Fields) -> dict[str, Any] | None:
    return fields.having("prompt", "num_inference_steps", "guidance_scale") or fields.having("Model", "resolution")


def _family(name: str, title: str, find: Any, names: tuple[Names, ...]) -> Parser:
    def parse(fields: Fields) -> Source:
        values = find(fields) or {}
        spelling = max(names, key=lambda n: sum(any(k in values for k in keys) for keys in n.values()))
        return source(title, picked(values, spelling))

    return Parser(name, lambda fields: find(fields) is not None, parse)


PARSERS = (
    _family("swarmui", "SwarmUI", _swarm, (SWARM,)),
    _family("ruined-fooocus", "RuinedFooocus", _ruined, (RUINED,)),
    _family("fooocus", "Fooocus", _fooocus, (FOOOCUS, FOOOCUS_LOG)),
    _family("easy-diffusion", "Easy Diffusion", _easy, (EASY,)),
    _family("draw-things", "Draw Things", _draw, (DRAW,)),
    _family("huggingface-space", "Hugging Face Space", _space, (SPACE,)),
)
