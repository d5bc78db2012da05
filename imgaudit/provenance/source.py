"""Everything that a file says of its origin without a signature: the one call for perceivers and commands."""

from __future__ import annotations

from dataclasses import dataclass

from imgaudit.provenance import container, generators, stealth
from imgaudit.provenance.container import Fields
from imgaudit.types import Source


@dataclass(frozen=True, slots=True)
class Found:
    """The fields of a file, the source read from them, and what could not be read."""

    fields: Fields
    source: Source
    problems: tuple[str, ...] = ()


def read(data: bytes) -> Found:
    """Read a file's bytes. Hidden data in the pixels are looked for only where the text fields hold no prompt."""
    fields = container.read(data)
    source, problems = generators.parse(fields)
    if source.prompt is None and fields.format in ("png", "webp"):
        hidden = stealth.read(data)
        if hidden:
            fields = Fields(fields.format, fields.entries + hidden, fields.problems)
            source, problems = generators.parse(fields)
    return Found(fields, source, fields.problems + problems)
