"""A brand file: colours, words to use and to avoid, and the marks that the brand owns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from imgaudit.prompts.names import Entry
from imgaudit.types import Stored
from imgaudit.yamlfile import Place, read_yaml, validated

Term = Annotated[str, Field(min_length=1, max_length=100)]
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


class Colour(Stored):
    """A brand colour. Image models read names, not numbers: the name goes into the prompt."""

    name: Term
    hex: str = ""

    @field_validator("hex")
    @classmethod
    def _is_hex(cls, text: str) -> str:
        if text and not _HEX.fullmatch(text):
            raise ValueError(f"{text[:20]!r} is no colour; expected # and six hexadecimal digits")
        return text


class Brand(Stored):
    """What a brand file holds. All words are compared literally, never as patterns."""

    format: str = Field(pattern=r"^imgaudit-brand/1$")
    name: Term
    colours: tuple[Colour, ...] = Field(default=(), max_length=20)
    use: tuple[Term, ...] = Field(default=(), max_length=200, description="words that belong into a prompt")
    avoid: tuple[Term, ...] = Field(default=(), max_length=1000, description="words that may not stand in a prompt")
    owns: tuple[Term, ...] = Field(default=(), max_length=200, description="marks that the brand may show")
    style: str = Field(default="", max_length=300)

    def forbidden(self) -> tuple[Entry, ...]:
        """The words to avoid, as names that the lint finds."""
        return tuple(
            Entry("brand", word, owner=f"the brand file of {self.name}", source="brand file") for word in self.avoid
        )


def load_brand(path: Path) -> Brand:
    """Read a brand file. Raises ConfigError with file and line."""
    return validated(read_yaml(path), Brand, _allowed)


def _allowed(place: Place) -> Iterable[str]:
    return Colour.model_fields if place[:1] == ("colours",) else Brand.model_fields
