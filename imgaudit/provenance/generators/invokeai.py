"""InvokeAI, in its three formats: `invokeai_metadata`, `sd-metadata`, and the command line in `Dream`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from imgaudit.provenance.container import Fields, json_object
from imgaudit.provenance.generators._common import Parser, picked, source
from imgaudit.types import Source

NAMES = {
    "prompt": ("positive_prompt", "prompt"),
    "negative": ("negative_prompt",),
    "steps": ("steps",),
    "guidance": ("cfg_scale", "guidance"),
    "seed": ("seed",),
    "sampler": ("scheduler", "sampler"),
}
MODEL_NAMES = ("name", "model_name", "key")
DREAM = re.compile(r'^"((?:\\.|[^"\\])*)"(.*)$', re.DOTALL)
BARE_DREAM = re.compile(r"^(?=\S)(.+?)(?=\s-{1,2}[A-Za-z]|$)(.*)$", re.DOTALL)
SWITCH = re.compile(r"(?:^|\s)(?:-([sSCA])|--(steps|seed|cfg_scale|sampler)(?:\s|=))\s*(\S+)")
LONG = {"steps": "s", "seed": "S", "cfg_scale": "C", "sampler": "A"}
COMMAND_LIMIT = 100_000
BRACKETS = re.compile(r"\[([^\[\]]*)\]")


def _recognise(fields: Fields) -> bool:
    return (
        fields.get("png.invokeai_metadata", "png.sd-metadata", "png.Dream") is not None
        or fields.having("invokeai_metadata") is not None
    )


def _parse(fields: Fields) -> Source:
    text = fields.get("png.invokeai_metadata")
    current = json_object(text or "") or _inner(fields.having("invokeai_metadata"))
    if current:
        return _current(current)
    older = json_object(fields.get("png.sd-metadata") or "")
    if older:
        return _older(older)
    return _dream(fields.get("png.Dream") or "")


def _inner(wrapper: dict[str, Any] | None) -> dict[str, Any] | None:
    value = (wrapper or {}).get("invokeai_metadata")
    return value if isinstance(value, dict) else json_object(value) if isinstance(value, str) else None


def _current(value: Mapping[str, Any]) -> Source:
    model = value.get("model")
    name = next((model[k] for k in MODEL_NAMES if model.get(k)), None) if isinstance(model, dict) else model
    return source("InvokeAI", {**picked(value, NAMES), "model": name})


def _older(value: Mapping[str, Any]) -> Source:
    images = value.get("image") or value.get("images")
    image = images[0] if isinstance(images, list) and images else images
    if not isinstance(image, dict):
        return source("InvokeAI", {"model": value.get("model_weights")})
    prompts = image.get("prompt")
    if isinstance(prompts, list):
        prompts = "\n".join(str(p.get("prompt", "")) for p in prompts if isinstance(p, dict))
    prompt, negative = _apart(prompts if isinstance(prompts, str) else "")
    found = {**picked(image, NAMES), "prompt": prompt, "negative": negative}
    return source("InvokeAI", {**found, "model": value.get("model_weights") or value.get("model_hash")})


def _dream(text: str) -> Source:
    command = text[:COMMAND_LIMIT].strip()
    match = DREAM.match(command) or BARE_DREAM.match(command)
    if match is None:
        return source("InvokeAI", {})
    prompt, negative = _apart(match[1].replace('\\"', '"'))
    switches = {short or LONG[long]: value for short, long, value in SWITCH.findall(match[2])}
    names = {"steps": "s", "seed": "S", "guidance": "C", "sampler": "A"}
    values = {ours: switches.get(theirs) for ours, theirs in names.items()}
    return source("InvokeAI", {**values, "prompt": prompt, "negative": negative})


def _apart(prompt: str) -> tuple[str, str | None]:
    """The old formats write what is not wanted in square brackets inside the prompt."""
    unwanted = BRACKETS.findall(prompt)
    if not unwanted:
        return prompt, None
    return BRACKETS.sub("", prompt).strip(), ", ".join(unwanted)


PARSER = Parser("invokeai", _recognise, _parse)
