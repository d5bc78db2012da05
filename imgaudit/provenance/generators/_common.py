"""What the parsers share: careful reading of values that a stranger wrote."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from imgaudit.provenance.container import FIELD_LIMIT, Fields, well_formed
from imgaudit.types import Source

SEED_LIMIT, STEPS_LIMIT, GUIDANCE_LIMIT = 1 << 64, 100_000, 10_000.0


@dataclass(frozen=True, slots=True)
class Parser:
    """How one family of generators is recognised among a file's fields, and how its data are read."""

    name: str
    recognise: Callable[[Fields], bool]
    parse: Callable[[Fields], Source]


def source(generator: str | None, values: Mapping[str, Any]) -> Source:
    """A source from loosely typed values; what is no sensible value is left out.

    `complete` means that prompt, seed, steps and model were all found; `none` means that none of them and no other
    setting was.
    """
    read = {
        "model": bare(text(values.get("model"))),
        "sampler": text(values.get("sampler")),
        "steps": whole(values.get("steps"), STEPS_LIMIT),
        "guidance": number(values.get("guidance"), GUIDANCE_LIMIT),
        "seed": whole(values.get("seed"), SEED_LIMIT),
        "prompt": passage(values.get("prompt")),
        "negative": passage(values.get("negative")),
    }
    return graded(Source.model_validate({"generator": text(generator), **read}))


def graded(found: Source) -> Source:
    """The source with `parse` set by what it holds."""
    needed = (found.prompt, found.seed, found.steps, found.model)
    if all(value is not None for value in needed):
        return found.model_copy(update={"parse": "complete"})
    others = (found.sampler, found.guidance, found.negative)
    some = any(value is not None for value in (*needed, *others))
    return found.model_copy(update={"parse": "partial" if some else "none"})


def filled(first: Source, second: Source) -> Source:
    """The first source, with what it lacks taken from the second."""
    gaps = {name: getattr(second, name) for name in Source.model_fields if getattr(first, name) is None}
    return graded(first.model_copy(update=gaps))


def text(value: Any) -> str | None:
    """A short name: a non-empty string, else None."""
    if isinstance(value, str) and value.strip():
        return well_formed(value.strip())[:1_000]
    return None


def passage(value: Any) -> str | None:
    """A prompt, exactly as written; the empty string is a prompt too."""
    return well_formed(value)[:FIELD_LIMIT] if isinstance(value, str) else None


def number(value: Any, limit: float) -> float | None:
    """A finite number between 0 and the limit, also when it was written as text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        parsed = float(value)
    except (ValueError, OverflowError):
        return None
    return parsed if math.isfinite(parsed) and 0 <= parsed <= limit else None


def whole(value: Any, limit: int) -> int | None:
    """A whole number between 0 and the limit, exact: a seed of 64 bits does not survive a float."""
    if isinstance(value, str) and len(value) <= 40:
        try:
            value = int(value.strip())
        except ValueError:
            value = number(value, limit)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, float) and not value.is_integer():
        return None
    return int(value) if 0 <= value < limit else None


def picked(value: Mapping[str, Any], names: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """For each of our names, the first of the generator's own names that is there and not null."""
    return {ours: next((value[k] for k in theirs if value.get(k) is not None), None) for ours, theirs in names.items()}


def bare(model: str | None) -> str | None:
    """A model's name without the folder it lay in on somebody's disk. A hub name such as `org/model` stays whole."""
    if model is None:
        return None
    is_path = model.startswith(("/", "\\", "~", ".", "file:")) or model[1:3] in (":\\", ":/")
    return model.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] if is_path else model
