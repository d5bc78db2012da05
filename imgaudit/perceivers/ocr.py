"""Reads the writing in a picture: lines with their places, order, character probabilities and contrast.

The option names the engine: `rapidocr` (default, weights in its wheel) or `easyocr[:FOLDER]` (weights in a local
folder). A line counts as read when its mean character probability passes a gate that is higher for short lines;
text-shaped places below the gate are kept apart as `unread`, because they may be pseudo-writing, a script the engine
does not know, or a fence.

Known limits: no engine here reads Cyrillic, Arabic, Hebrew, Thai, Hangul or Indian scripts. Writing in them comes out
as `unread` places or as wrong letters of a script the engine knows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from imgaudit.errors import UsageError
from imgaudit.kernels.contrast import text_contrast
from imgaudit.kernels.writing import Polygon, box_of, reading_order
from imgaudit.perceivers._ocr_common import Engine, Reading, Views
from imgaudit.percepts import TextLine, Writing
from imgaudit.registry import perceiver
from imgaudit.types import Failed, Look, Picture, Sight

if TYPE_CHECKING:
    import numpy as np

GATES = ((1, 0.98), (2, 0.85), (3, 0.75), (4, 0.6))
"""Letters and digits of a line, and the mean character probability from which it counts as read.

Chosen on textures and photographs without writing: what is invented there is short, or scores low.
"""

_SHAPED = (0.6, 0.7)
"""Detector scores from which a place that was not read is text-shaped: with two letters guessed in it, and without."""

_LONG = 1.8
"""Long side by short side from which a place without two letters can be a row of glyphs.

Chosen on photographs: the detector takes a single hand, ear or ring for one glyph, and is sure of it.
"""

_CONTRAST_PIXELS = 200_000
_SMALLEST_PICTURE = 8


@perceiver
class Ocr:
    """The lines of writing in a picture, by one engine."""

    name: ClassVar[str] = "ocr"
    title: ClassVar[str] = "Writing (OCR)"
    version: ClassVar[str] = "2"
    reads: ClassVar[Literal["pixels", "bytes"]] = "pixels"

    def __init__(self, option: str | None = None) -> None:
        self._engine = _engine(option)

    def identity(self) -> Mapping[str, str]:
        """The engine's."""
        return self._engine.identity()

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One `Writing` a picture."""
        return [self._seen(look) for look in looks]

    def _seen(self, look: Look) -> Sight:
        if look.picture.rgb is None:
            return Failed("ocr: the picture could not be decoded")
        try:
            return self._writing(look.picture, look.picture.rgb, Views.of(look.query.parameters))
        except Exception as error:
            return Failed(f"ocr: {self._engine.name} broke off: {type(error).__name__}: {error}")

    def _writing(self, picture: Picture, rgb: np.ndarray, views: Views) -> Writing:
        if min(rgb.shape[:2]) < _SMALLEST_PICTURE:
            readings: Sequence[Reading] = ()
            left_out = 0
        else:
            page = self._engine.read(rgb, views)
            readings, left_out = page.readings, page.left_out
        ordered = [readings[i] for i in reading_order([reading.polygon for reading in readings])]
        return Writing(
            engine=self._engine.name,
            scripts=self._engine.scripts,
            width=picture.width,
            height=picture.height,
            lines=tuple(_line(reading, rgb) for reading in ordered if readable(reading)),
            unread=tuple(_line(reading, rgb) for reading in ordered if not readable(reading) and text_shaped(reading)),
            left_out=left_out,
        )


def readable(reading: Reading) -> bool:
    """Whether a line counts as read: its score passes the gate for its number of letters and digits."""
    length = sum(c.isalnum() for c in reading.text)
    return any(length >= least and reading.score >= gate for least, gate in GATES)


def text_shaped(reading: Reading) -> bool:
    """Whether a place that could not be read is kept. Where the detector's score is not told, two letters decide."""
    letters = sum(c.isalnum() for c in reading.text)
    if reading.found is None:
        return letters >= 2
    a, b, c, _ = reading.polygon
    across, down = math.dist(a, b), math.dist(b, c)
    row = max(across, down) >= _LONG * min(across, down)
    return reading.found >= _SHAPED[letters < 2] and (letters >= 2 or row)


def _engine(option: str | None) -> Engine:
    name, _, folder = (option or "rapidocr").partition(":")
    if name == "rapidocr" and not folder:
        from imgaudit.perceivers._ocr_rapid import RapidOcr

        return RapidOcr()
    if name == "easyocr":
        from imgaudit.perceivers._ocr_easy import EasyOcr

        return EasyOcr(folder or None)
    raise UsageError(f"unknown OCR engine {option!r}; there are: rapidocr, easyocr, easyocr:FOLDER")


def _line(reading: Reading, rgb: np.ndarray) -> TextLine:
    found = None if reading.found is None else round(reading.found, 4)
    return TextLine(
        text=reading.text,
        polygon=tuple((round(x, 1), round(y, 1)) for x, y in reading.polygon),
        score=round(reading.score, 4),
        characters=tuple(round(p, 4) for p in reading.characters),
        found=found,
        contrast=_contrast(rgb, reading.polygon),
    )


def _contrast(rgb: np.ndarray, polygon: Polygon) -> float | None:
    x0, y0, x1, y1 = (round(v) for v in box_of(polygon))
    crop = rgb[max(y0, 0) : y1, max(x0, 0) : x1]
    step = max(1, int((crop.size / 3 / _CONTRAST_PIXELS) ** 0.5))
    contrast = text_contrast(crop[::step, ::step])
    return None if contrast is None else round(contrast, 3)
