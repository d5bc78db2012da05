"""A brand file: colours, words to use and to avoid, marks that the brand owns, logos, shapes and margins."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from imgaudit.prompts.names import Entry
from imgaudit.types import Stored
from imgaudit.yamlfile import Place, read_yaml, validated

Term = Annotated[str, Field(min_length=1, max_length=100)]
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


class Colour(Stored):
    """A brand colour. Image models read names, not numbers: the name goes into the prompt."""

    name: Term
    hex: str = ""
    share: float | None = Field(default=None, gt=0, le=1, description="how much of a picture should have it")

    @field_validator("hex")
    @classmethod
    def _is_hex(cls, text: str) -> str:
        if text and not _HEX.fullmatch(text):
            raise ValueError(f"{text[:20]!r} is no colour; expected # and six hexadecimal digits")
        return text


class Margins(Stored):
    """Where no writing, face or logo may stand, as shares of the width (left, right) and the height (top, bottom)."""

    left: float = Field(default=0.0, ge=0, lt=0.5)
    top: float = Field(default=0.0, ge=0, lt=0.5)
    right: float = Field(default=0.0, ge=0, lt=0.5)
    bottom: float = Field(default=0.0, ge=0, lt=0.5)


class Brand(Stored):
    """What a brand file holds. All words are compared literally, never as patterns."""

    format: str = Field(pattern=r"^imgaudit-brand/1$")
    name: Term
    colours: tuple[Colour, ...] = Field(default=(), max_length=20)
    use: tuple[Term, ...] = Field(default=(), max_length=200, description="words that belong into a prompt")
    avoid: tuple[Term, ...] = Field(default=(), max_length=1000, description="words that may not stand in a prompt")
    owns: tuple[Term, ...] = Field(default=(), max_length=200, description="marks that the brand may show")
    style: str = Field(default="", max_length=300)
    tolerance: float = Field(
        default=10.0, gt=0, le=50, description="CIEDE2000 distance up to which a colour counts as the brand's"
    )
    logos: tuple[Term, ...] = Field(default=(), max_length=20, description="picture files beside the brand file")
    logo_required: bool = Field(default=False, description="whether one of the logos must be in every picture")
    aspects: tuple[Annotated[str, Field(pattern=r"^[1-9]\d{0,3}:[1-9]\d{0,3}$")], ...] = Field(
        default=(), max_length=20, description="width to height, such as 4:5"
    )
    safe_area: Margins | None = None

    @model_validator(mode="after")
    def _shares_are_whole(self) -> Brand:
        shares = [colour.share for colour in self.colours if colour.share is not None]
        if shares and (len(shares) != len(self.colours) or abs(sum(shares) - 1) > 1e-3):
            raise ValueError("shares of colours: give one to every colour, together 1, or none at all")
        if shares and not all(colour.hex for colour in self.colours):
            raise ValueError("shares of colours: a colour with a share needs its hex")
        return self

    def forbidden(self) -> tuple[Entry, ...]:
        """The words to avoid, as names that the lint finds."""
        return tuple(
            Entry("brand", word, owner=f"the brand file of {self.name}", source="brand file") for word in self.avoid
        )


def load_brand(path: Path) -> Brand:
    """Read a brand file. Raises ConfigError with file and line."""
    return validated(read_yaml(path), Brand, _allowed)


def _allowed(place: Place) -> Iterable[str]:
    nested: dict[str, type[Stored]] = {"colours": Colour, "safe_area": Margins}
    return nested.get(str(place[0]) if place else "", Brand).model_fields
