"""The small trained models that come with the package: generators and a CLIP of a world of coloured shapes."""

from __future__ import annotations

from pathlib import Path

from imgaudit.errors import UsageError

MODELS = ("embedded-1", "embedded-2", "clip", "lora-night")
"""Names of the shipped models."""
STEPS = 20
"""Denoising steps that the generators are measured with."""
GUIDANCE = 3.0
"""Guidance scale that the generators are measured with."""
_HERE = Path(__file__).parent


def model_path(name: str) -> Path:
    """Folder of a shipped model: diffusers' format for the generators, open_clip's `local-dir` for the CLIP.

    Raises UsageError for a name that is not among `MODELS`.
    """
    _check(name)
    return _HERE / "models" / name


def card_path(name: str) -> Path:
    """The model card of a shipped model, Markdown. Raises UsageError for a name that is not among `MODELS`."""
    _check(name)
    return _HERE / "cards" / f"{name}.md"


def _check(name: str) -> None:
    if name not in MODELS:
        raise UsageError(f"unknown embedded model {name!r}; there are: {', '.join(MODELS)}")
