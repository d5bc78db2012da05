"""What every OCR engine answers, and what is done with it whatever the engine is."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from imgaudit.types import Point

if TYPE_CHECKING:
    import numpy as np

_CONTROL = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_JOINERS = frozenset("\u200c\u200d")


@dataclass(frozen=True, slots=True)
class Views:
    """How a picture is looked at: what a query's parameters say.

    Attributes:
        side: longest side, in pixels, of the first look.
        limit: places that are read; the largest come first.
        upscale: look again at a larger scale where the writing that was found is small.
        turn: read a place again upside down or on its side where it could not be read.
    """

    side: int = 960
    limit: int = 300
    upscale: bool = True
    turn: bool = True

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Views:
        """From the parameters of a query; a missing one takes its default, an unknown one is an error."""
        return cls(**parameters)

    def parameters(self) -> dict[str, Any]:
        """As the parameters of a query."""
        return {"side": self.side, "limit": self.limit, "upscale": self.upscale, "turn": self.turn}


@dataclass(frozen=True, slots=True)
class Reading:
    """One place, as the engine read it. `characters` may be empty, where the engine only tells one number."""

    text: str
    score: float
    polygon: tuple[Point, ...]
    characters: tuple[float, ...] = ()
    found: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """All places of a picture, in no order, and how many were left out because there are too many."""

    readings: Sequence[Reading]
    left_out: int = 0


class Engine(Protocol):
    """Something that finds and reads writing. Raises `ModelUnavailable` when it is built without its weights."""

    name: ClassVar[str]
    scripts: ClassVar[tuple[str, ...]]

    def identity(self) -> Mapping[str, str]:
        """Weight digests and library versions."""
        ...

    def read(self, rgb: np.ndarray, views: Views) -> Page:
        """All places of one picture. `rgb` is uint8 (height, width, 3)."""
        ...


def cleaned(text: str, characters: Sequence[float]) -> tuple[str, tuple[float, ...]]:
    """A text without control and direction characters and outer spaces, with the probabilities that belong to it.

    Where the probabilities do not fit the text one to one, they are dropped.
    """
    kept = [i for i, c in enumerate(text) if c in _JOINERS or unicodedata.category(c) not in _CONTROL]
    while kept and text[kept[0]].isspace():
        kept.pop(0)
    while kept and text[kept[-1]].isspace():
        kept.pop()
    chosen = tuple(characters[i] for i in kept) if len(characters) == len(text) else ()
    return "".join(text[i] for i in kept), chosen


def per_character(confidence: float, length: int) -> float:
    """EasyOCR's confidence as the mean probability of one character.

    EasyOCR reports (product of the step probabilities) ** (2 / sqrt(n)), which falls with the length n. Its geometric
    mean is that to the power of 1 / (2 sqrt(n)). The number of steps is not told; the number of characters stands in.

    >>> steps = 5
    >>> round(per_character((0.95**steps) ** (2 / steps**0.5), steps), 3)
    0.95
    """
    if length < 1:
        return 0.0
    return float(min(max(confidence, 0.0), 1.0) ** (1.0 / (2.0 * math.sqrt(length))))
