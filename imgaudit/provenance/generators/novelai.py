"""NovelAI: settings as JSON in PNG text `Comment`.

Beside it stand `Software`, `Source` (the model) and `Description` (the prompt). The same fields are hidden in the alpha
channel; in WebP they are one JSON object in EXIF UserComment.
"""

from __future__ import annotations

from typing import Any

from imgaudit.provenance.container import Fields, json_object
from imgaudit.provenance.generators._common import Parser, picked, source
from imgaudit.types import Source

NAMES = {
    "prompt": ("prompt",),
    "negative": ("uc", "negative_prompt"),
    "steps": ("steps",),
    "guidance": ("scale",),
    "seed": ("seed",),
    "sampler": ("sampler",),
}
MARKS = ({"v4_prompt"}, {"noise_schedule", "uc"}, {"uncond_scale", "uc"})


def _recognise(fields: Fields) -> bool:
    software = fields.get("png.Software", "pixels.Software", "exif.Software") or ""
    return software.startswith("NovelAI") or _settings(fields) is not None


def _settings(fields: Fields) -> dict[str, Any] | None:
    """The JSON with the settings; in WebP it is wrapped in an object that also holds Description and Software."""
    for _, value in fields.objects:
        inner = value.get("Comment")
        settings = json_object(inner) if isinstance(inner, str) else value
        if settings and any(mark <= settings.keys() for mark in MARKS):
            return settings
    return json_object(fields.get("png.Comment", "pixels.Comment") or "")


def _parse(fields: Fields) -> Source:
    settings = _settings(fields) or {}
    wrapper = fields.having("Comment", "Source") or {}
    values = picked(settings, NAMES)
    caption = _caption(settings.get("v4_prompt"))
    description = fields.get("png.Description", "pixels.Description") or wrapper.get("Description")
    values["prompt"] = caption or values["prompt"] or description
    values["negative"] = _caption(settings.get("v4_negative_prompt")) or values["negative"]
    values["model"] = fields.get("png.Source", "pixels.Source", "exif.Source") or wrapper.get("Source")
    return source("NovelAI", values)


def _caption(value: Any) -> str | None:
    """Version 4 splits a prompt into a base and one caption a character; they are put together, a line each."""
    caption = value.get("caption") if isinstance(value, dict) else None
    if not isinstance(caption, dict) or not isinstance(caption.get("base_caption"), str):
        return None
    characters = caption.get("char_captions")
    extra = [c.get("char_caption") for c in characters if isinstance(c, dict)] if isinstance(characters, list) else []
    return "\n".join([caption["base_caption"], *(text for text in extra if isinstance(text, str) and text)])


PARSER = Parser("novelai", _recognise, _parse)
