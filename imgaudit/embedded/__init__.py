"""The small trained models that come with the package: generators and a CLIP of a world of coloured shapes."""

from __future__ import annotations

from pathlib import Path

MODELS = ("embedded-1", "embedded-2", "clip")
"""Names of the shipped models."""
STEPS = 20
"""Denoising steps that the generators are measured with."""
GUIDANCE = 3.0
"""Guidance scale that the generators are measured with."""
_HERE = Path(__file__).parent


def model_path(name: str) -> Path:
    """Folder of a shipped model: diffusers' format for the generators, open_clip's `local-dir` for the CLIP."""
    if name not in MODELS:
        raise KeyError(name)
    return _HERE / "models" / name


def card_path(name: str) -> Path:
    """The model card of a shipped model, Markdown."""
    if name not in MODELS:
        raise KeyError(name)
    return _HERE / "cards" / f"{name}.md"
