"""Retypesetting: the right words in place of wrong ones, with a font that is at hand, and not the one that was drawn.

The letters of the old line are taken out and filled from what lies around them; the new words are set as large as the
old letters were, or smaller where they would not fit, turned as the line is turned, in the old letters' colour, or in
black or white where that colour would be hard to read. The style of the lettering changes, which the record says.

Known limits: one line is set as one line; letters are not bent, lit or worn like those around them; what is written
from right to left, or joins and stacks its letters (Arabic, Hebrew, the scripts of India, Thai, ...), is refused, and
so is every character that the font lacks.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from imgaudit.checkers.text import expected
from imgaudit.digest import digest_bytes
from imgaudit.errors import UsageError
from imgaudit.kernels import ink, masks, strings
from imgaudit.kernels.writing import scripts_in
from imgaudit.repair.filling import LEAST_CONTRAST, filled
from imgaudit.repair.originals import Canvas, Change, Pixels, opaque
from imgaudit.repair.record import CannotRepair
from imgaudit.repair.tasks import Aim, Task
from imgaudit.types import JSON, Line, Point

SET_AS_THEY_COME = frozenset(
    {"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "GEORGIAN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "FULLWIDTH",
     "KATAKANA-HIRAGANA", "BOPOMOFO"}
)  # fmt: skip
"""Scripts whose letters stand one after the other, from left to right, each in one shape."""
FONT_BYTES = 64 << 20
SCALES = (1.0, 0.85, 1.0)
"""Size of the letters against the old ones, one a try; the third takes black or white whatever the old colour was."""
ENLARGED = 4
SMALLEST = 6
LEVEL = 3.0
"""Degrees by which a detector's outline of a level line may be turned."""


class Font:
    """A font that words can be set in.

    Args:
        path: a TrueType or OpenType file; None for the one that Pillow carries.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._data: bytes | None = None
        if path is not None:
            self._data = _font_bytes(path)
        self._at(16)
        self.name = "the font that Pillow carries" if path is None else path.name

    def _at(self, size: int) -> Any:
        from io import BytesIO

        from PIL import ImageFont

        if self._data is None:
            return ImageFont.load_default(size)
        try:
            return ImageFont.truetype(BytesIO(self._data), size)
        except (OSError, ValueError) as error:
            raise UsageError(f"--font: is no font that FreeType can read ({error}); expected .ttf or .otf") from None

    @cached_property
    def facts(self) -> dict[str, JSON]:
        """Name, style and digest, as far as the font says."""
        family, style = self._at(16).getname()
        return {"family": family, "style": style, "sha256": digest_bytes(self._data) if self._data else None}

    def lacks(self, text: str) -> str:
        """The characters of a text that the font has no letter for, in order, each once."""
        font = self._at(32)
        nothing = _picture_of(font, "\U0010fffd")
        return "".join(c for c in dict.fromkeys(text) if not c.isspace() and _picture_of(font, c) == nothing)

    def drawn(self, text: str, height: int) -> np.ndarray:
        """The text as coverage 0..255, cut to its ink; its capitals are about `height` pixels high."""
        from PIL import Image, ImageDraw

        size = max(4, round(height * 16 / max(self._capital, 1)))
        font = self._at(size)
        x0, y0, x1, y1 = font.getbbox(text)
        picture = Image.new("L", (max(1, round(x1 - x0) + 4), max(1, round(y1 - y0) + 4)))
        ImageDraw.Draw(picture).text((2 - x0, 2 - y0), text, fill=255, font=font)
        box = picture.getbbox()
        return np.asarray(picture.crop(box) if box else picture)

    @cached_property
    def _capital(self) -> float:
        """Height of a capital at size 16."""
        box = self._at(160).getbbox("H")
        return float(box[3] - box[1]) / 10


def _font_bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > FONT_BYTES:
            raise UsageError(f"--font {path}: is larger than {FONT_BYTES >> 20} MiB; expected a font file")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"--font {path}: cannot be read: {(error.strerror or 'unknown reason').lower()}") from None


def _picture_of(font: Any, character: str) -> tuple[Any, bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)


# --- which words go where --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Words:
    """What is to stand in place of a line."""

    text: str
    line: Line


def retypeset(font: Font, task: Task, canvas: Canvas, aims: Sequence[Aim], number: int) -> Change | None:
    """One setting of the expected words over the lines that misspell them."""
    if number >= len(SCALES):
        return None
    words = words_of(task, aims)
    for entry in words:
        check_script(entry.text, font)
    rgb, changed = canvas.rgb.copy(), np.zeros(canvas.shape, bool)
    sizes, colours = [], []
    for entry in words:
        setting = _set(rgb, entry, font, number)
        rgb, changed = setting.rgb, changed | setting.mask
        sizes.append(setting.height)
        colours.append(list(setting.colour))
    rgba = np.where(changed[..., None], opaque(rgb), canvas.rgba)
    settings: dict[str, JSON] = {
        "font": font.facts, "heights": sizes, "colours": colours, "words": [entry.text for entry in words],
        "style": f"the lettering is now {font.facts['family']} {font.facts['style']}, not what was drawn",
    }  # fmt: skip
    return Change(rgba, changed, settings=settings)


def words_of(task: Task, aims: Sequence[Aim]) -> list[Words]:
    """The expected words, line by line, that stand misspelt. Raises CannotRepair where nobody says what is right."""
    wanted = expected(task.row.case).phrases
    if not wanted:
        raise CannotRepair("neither suite nor prompt says what is to be written, so nobody knows the right words")
    lines = [line for aim in aims if aim.rule.checker == "text" for line in aim.finding.evidence.lines]
    if not lines:
        raise CannotRepair("no line of writing was read that could be set anew")
    found = strings.match(wanted, [line.text for line in lines]).found
    words = [part for entry in found if entry.outcome == "misspelt" for part in _parts(entry, lines)]
    if not words:
        raise CannotRepair("no expected words stand misspelt; what is missing or there twice has no place to be set")
    return words


def _parts(found: strings.Found, lines: Sequence[Line]) -> Iterator[Words]:
    """A phrase over several lines is shared out by the number of words that each line has."""
    if found.span is None:
        return
    rest = found.phrase.split()
    numbers = sorted(found.span.lines)
    counts = [max(1, len(lines[number].text.split())) for number in numbers]
    for place, number in enumerate(numbers):
        last = place == len(numbers) - 1
        take = len(rest) if last else min(counts[place], max(len(rest) - (len(numbers) - 1 - place), 0))
        if rest[:take]:
            yield Words(_in_case(" ".join(rest[:take]), lines[number].text), lines[number])
        rest = rest[take:]


def _in_case(text: str, old: str) -> str:
    """In capitals where the old line was: that is lettering and no spelling."""
    return text.upper() if old.isupper() and len(old) > 1 else text


def check_script(text: str, font: Font) -> None:
    """Raise CannotRepair for writing that setting letter after letter would get wrong."""
    if any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in text):
        raise CannotRepair(f"{text!r} is written from right to left, which is not set here; have it set by hand")
    shaped = scripts_in(text) - SET_AS_THEY_COME
    if shaped or any(unicodedata.combining(c) for c in unicodedata.normalize("NFC", text)):
        names = " and ".join(sorted(name.capitalize() for name in shaped)) or "writing with marks above or below"
        raise CannotRepair(f"{names} joins or stacks its letters, which is not done here; have {text!r} set by hand")
    missing = font.lacks(text)
    if missing:
        raise CannotRepair(f"{font.name} has no letter for {missing[:20]!r}; name a font that has with --font FILE")


# --- setting a line --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Setting:
    rgb: Pixels
    mask: masks.Mask
    height: int
    colour: ink.Rgb


def _set(rgb: Pixels, words: Words, font: Font, number: int) -> _Setting:
    place = upright(words.line.polygon)
    if len(place) != 4 or not _within(place, rgb.shape[:2]):
        raise CannotRepair(f"the place of {words.line.text!r} lies outside the picture")
    flat = ink.straightened(rgb, place)
    letters = ink.ink_of(flat)
    if letters is None:
        raise CannotRepair(f"the letters of {words.line.text!r} cannot be told from their ground")
    ground, old = ink.ground_of(flat), ink.colour_of(flat, letters)
    colour = ink.legible(old, ground, 21.1 if number == 2 else LEAST_CONTRAST)
    cleared, erased = _cleared(rgb, place, letters)
    box = _box(letters)
    coverage = _fitted(font, words.text, box, SCALES[number])
    shown = _turned(coverage, box, place, rgb.shape[:2], flat.shape[:2])
    share = shown[..., None] / np.float32(255)
    painted = np.round(cleared * (1 - share) + np.array(colour, np.float32) * share).astype(np.uint8)
    return _Setting(painted, erased | (shown > 0), coverage.shape[0] // ENLARGED, colour)


def upright(place: Sequence[Point]) -> Sequence[Point]:
    """The place of a line; one that is turned by a detector's rounding alone is made level."""
    if len(place) != 4:
        return place
    a, b, c, d = place
    across = [(q[0] - p[0], q[1] - p[1]) for p, q in ((a, b), (d, c))]
    down = [(q[1] - p[1], q[0] - p[0]) for p, q in ((a, d), (b, c))]
    if any(along <= 0 or abs(math.degrees(math.atan2(off, along))) > LEVEL for along, off in (*across, *down)):
        return place
    left, right, top, bottom = (a[0] + d[0]) / 2, (b[0] + c[0]) / 2, (a[1] + b[1]) / 2, (c[1] + d[1]) / 2
    return (left, top), (right, top), (right, bottom), (left, bottom)


def _within(place: Sequence[Point], shape: tuple[int, int]) -> bool:
    height, width = shape
    inside = all(-0.5 * width <= x <= 1.5 * width and -0.5 * height <= y <= 1.5 * height for x, y in place)
    return inside and bool(masks.outlined([place], height, width).any())


def _box(letters: masks.Mask) -> tuple[int, int, int, int]:
    box = masks.bounds(letters)
    assert box is not None  # ink_of gives letters or None
    return box


def _cleared(rgb: Pixels, place: Sequence[Point], letters: masks.Mask) -> tuple[Pixels, masks.Mask]:
    """The picture without the old letters, and where they were. Their smooth edges go with them."""
    height, width = letters.shape
    wide = masks.grown(letters, ink.RIM).astype(np.uint8) * 255
    spread = cv2.warpPerspective(wide, ink.to_place(place, width, height), (rgb.shape[1], rgb.shape[0]))
    erased = masks.grown(np.asarray(spread > 0), 1)
    return filled(rgb, erased), erased


def _fitted(font: Font, text: str, box: tuple[int, int, int, int], scale: float) -> np.ndarray:
    """The words drawn several times too large, so that they fit the old letters' box once they are reduced."""
    width, height = (box[2] - box[0]) * ENLARGED, (box[3] - box[1]) * ENLARGED
    size = height * scale
    for _ in range(24):
        coverage = font.drawn(text, round(size))
        shrink = min(width / coverage.shape[1], height / coverage.shape[0])
        if shrink >= 1:
            return coverage
        size *= min(shrink, 0.98)
        if size < SMALLEST * ENLARGED:
            break
    raise CannotRepair(f"there is no room for {text!r}: its letters would be less than {SMALLEST} pixels high")


def _turned(
    coverage: np.ndarray, box: tuple[int, int, int, int], place: Sequence[Point], shape: tuple[int, int],
    flat: tuple[int, int],
) -> np.ndarray:  # fmt: skip
    """Coverage in the picture, float32 (height, width): centred on the old letters and turned as their line is."""
    middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    tall, wide = coverage.shape[0] / ENLARGED, coverage.shape[1] / ENLARGED
    shift = np.array(
        [[1 / ENLARGED, 0, middle[0] - wide / 2], [0, 1 / ENLARGED, middle[1] - tall / 2], [0, 0, 1]], np.float64
    )
    onto = ink.to_place(place, flat[1], flat[0]) @ shift
    soft = cv2.GaussianBlur(coverage, (0, 0), ENLARGED / 2.6)  # so that reducing it does not skip strokes
    turned = cv2.warpPerspective(soft, onto, (shape[1], shape[0]), flags=cv2.INTER_LINEAR)
    return np.asarray(turned, np.float32)
