"""Small copies of pictures as data URIs, for a page that must hold everything itself.

A picture is hostile until it is decoded: its size in bytes and in pixels is checked before, and whatever a decoder
does wrong costs that picture its thumbnail and nothing else.
"""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageFile, ImageOps

from imgaudit.types import ImageRecord

MAX_BYTES = 64 << 20
MAX_PIXELS = 100_000_000
MAX_MASK_TEXT = 4 << 20
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM")
THUMBNAIL, SMALL_THUMBNAIL, PREVIEW = 320, 160, 1024
MANY = 1500  # more pictures than this get the small thumbnail
LOSSLESS = 128  # a picture no larger than this is kept to the pixel

NOT_AT_HAND = "The file is not at hand."
TOO_LARGE = "The file is too large to be shown here."
NOT_DECODED = "The file cannot be decoded."
LEFT_OUT = "Left out to keep this page small."
WITHHELD = "Not shown: it may be abuse material. Escalate; do not open it."
BLUR_SIDE = 12
"""Longest side, in pixels, to which a flagged picture is reduced before it is embedded: shapes of nothing remain."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture as the page shows it.

    Attributes:
        small: data URI for cards; None when there is nothing to show, for the reason `why_not`.
        large: data URI for the enlarged picture, or None when `small` has to do.
        larger_exists: whether the picture has more pixels than are shown.
        blurred: whether it is shown beyond recognition, because a safety model flagged it.
    """

    small: str | None
    large: str | None = None
    larger_exists: bool = False
    why_not: str | None = None
    blurred: bool = False


def concealment(record: ImageRecord) -> Literal["none", "blurred", "withheld"]:
    """How a picture may be shown, by what the safety checker found; every view of pictures asks this first."""
    found = [finding for finding in record.findings if finding.checker == "safety"]
    if any("safety.suspected_abuse" in finding.codes for finding in found):
        return "withheld"
    return "blurred" if any(finding.codes for finding in found) else "none"


@dataclass(frozen=True, slots=True)
class Budget:
    """Bytes of data URIs that a page may hold: for the thumbnails alone, and with the larger copies."""

    thumbnails: int
    all: int


def thumbnails(
    images: Sequence[ImageRecord], read: Callable[[ImageRecord], bytes | None], budget: Budget
) -> list[Thumbnail]:
    """Thumbnails of all pictures in order; the first ones are served first where the budget does not reach."""
    side = THUMBNAIL if len(images) <= MANY else SMALL_THUMBNAIL
    shown: list[Thumbnail] = []
    used = 0
    for record in images:
        thumbnail = _allowed(record, read, side) if used < budget.thumbnails else Thumbnail(None, why_not=LEFT_OUT)
        used += len(thumbnail.small or "")
        shown.append(thumbnail)
    return _enlarged(shown, images, read, budget.all - used)


def _allowed(record: ImageRecord, read: Callable[[ImageRecord], bytes | None], side: int) -> Thumbnail:
    """A picture as it may be shown; one that is withheld is not even read."""
    how = concealment(record)
    if how == "withheld":
        return Thumbnail(None, why_not=WITHHELD)
    return _blurred(read(record), side) if how == "blurred" else _small(read(record), side)


def _blurred(data: bytes | None, side: int) -> Thumbnail:
    """A dozen blots of colour; the clear picture is not embedded at any size."""
    image = _decoded(data, side) if data is not None else NOT_AT_HAND
    if isinstance(image, str):
        return Thumbnail(None, why_not=image)
    return Thumbnail(_uri(blots(image, side), side), blurred=True)


def blots(image: Image.Image, side: int) -> Image.Image:
    """The picture beyond recognition, with its longest side in pixels: what a flagged one is shown as."""
    tiny = image.copy()
    tiny.thumbnail((BLUR_SIDE, BLUR_SIDE), Image.Resampling.BOX)
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return tiny.resize(size, Image.Resampling.BICUBIC)


def _enlarged(
    shown: Sequence[Thumbnail],
    images: Sequence[ImageRecord],
    read: Callable[[ImageRecord], bytes | None],
    room: int,
) -> list[Thumbnail]:
    enlarged = list(shown)
    for index, (thumbnail, record) in enumerate(zip(shown, images, strict=True)):
        if not thumbnail.larger_exists:
            continue
        data = read(record)
        image = _decoded(data, PREVIEW) if data is not None else None
        if not isinstance(image, Image.Image):
            continue
        large = _uri(image, PREVIEW)
        room -= len(large)
        if room < 0:
            break
        enlarged[index] = Thumbnail(thumbnail.small, large, larger_exists=max(image.size) > PREVIEW)
    return enlarged


def _small(data: bytes | None, side: int) -> Thumbnail:
    if data is None:
        return Thumbnail(None, why_not=NOT_AT_HAND)
    image = _decoded(data, side)
    if isinstance(image, str):
        return Thumbnail(None, why_not=image)
    return Thumbnail(_uri(image, side), larger_exists=max(image.size) > side)


def _decoded(data: bytes, side: int) -> Image.Image | str:
    """The picture upright, RGB and on white, at least `side` pixels long if it was; or why there is none."""
    if len(data) > MAX_BYTES:
        return TOO_LARGE
    with warnings.catch_warnings():
        # the size is limited below, and damaged metadata is no news here
        warnings.simplefilter("ignore")
        try:
            ImageFile.LOAD_TRUNCATED_IMAGES = False  # WeasyPrint may have set it, see imgaudit.pictures
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            if image.width * image.height > MAX_PIXELS:
                return TOO_LARGE
            image.draft("RGB", (2 * side, 2 * side))
            return _on_white(ImageOps.exif_transpose(image))
        except Image.DecompressionBombError:
            return TOO_LARGE
        except Exception:  # a decoder raises whatever its parser meets in a hostile file
            return NOT_DECODED


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    overlay = image.convert("RGBA")
    ground = Image.new("RGBA", overlay.size, "white")
    return Image.alpha_composite(ground, overlay).convert("RGB")


def _uri(image: Image.Image, side: int) -> str:
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    stream = io.BytesIO()
    if max(image.size) <= LOSSLESS:
        small.save(stream, "WEBP", lossless=True, method=4)
    else:
        small.save(stream, "WEBP", quality=78, method=2)
    return "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def mask_uri(counts: str, width: int, height: int, side: int = THUMBNAIL) -> str | None:
    """A run-length mask as a small transparent PNG, or None when the runs do not fill the picture.

    Args:
        counts: COCO's uncompressed counts as text: lengths of runs of 0 and 1 in turn, starting with 0, down the
            columns; separated by anything that is no digit.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        side: longest side of the PNG.
    """
    import numpy as np

    if not 0 < width * height <= MAX_PIXELS or len(counts) > MAX_MASK_TEXT:
        return None
    pieces = "".join(sign if sign in "0123456789" else " " for sign in counts).split()
    runs = [int(piece) for piece in pieces if len(piece) <= 12]
    if len(runs) != len(pieces) or sum(runs) != width * height:
        return None
    flat = np.repeat((np.arange(len(runs)) % 2).astype(np.uint8) * 255, runs)
    alpha = Image.fromarray(np.ascontiguousarray(flat.reshape(width, height).T))
    alpha.thumbnail((side, side), Image.Resampling.BOX)
    # the stylesheet cannot colour pixels: a mid magenta stands out on light and dark pictures alike
    coloured = Image.new("RGBA", alpha.size, (214, 0, 147, 0))
    coloured.putalpha(alpha.point(lambda value: value // 2))
    stream = io.BytesIO()
    coloured.save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
