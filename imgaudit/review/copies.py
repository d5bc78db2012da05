"""Copies of pictures for the page: thumbnails, a size to look at, and tiles of the full size.

A file is never served as it is. It is read and decoded within limits, compared with the digest on record (whoever
decides must see what was audited), and encoded anew without metadata. What a safety model flagged leaves here beyond
recognition, and what may be abuse material is not even read. Thumbnails and views are made once and kept in the run
folder, readable by the owner alone.
"""

from __future__ import annotations

import io
import os
import re
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from imgaudit.digest import digest
from imgaudit.errors import PictureError
from imgaudit.pictures import MIB, Limits, decode, read
from imgaudit.reporters._thumbnails import NOT_AT_HAND, NOT_DECODED, TOO_LARGE, WITHHELD, blots, concealment
from imgaudit.types import ImageRecord

COPIES = "copies"
LIMITS = Limits(max_bytes=256 * MIB, max_pixels=100_000_000)
THUMBNAIL, VIEW, TILE = 320, 1600, 1024
LOSSLESS = 512  # a picture no larger than this is shown to the pixel
CHANGED = "The file is not the one that was audited: it changed since. Audit it again."
AT_ONCE = 2  # pictures that are decoded at the same time; a large one takes a gigabyte

Size = Literal["thumbnail", "view"]
Concealed = Literal["none", "blurred", "withheld"]
_HEX = re.compile(r"^[0-9a-f]{64}$")


@dataclass(frozen=True, slots=True)
class Copy:
    """An encoded picture."""

    data: bytes

    @property
    def kind(self) -> str:
        """Its media type."""
        return "image/jpeg" if self.data[:2] == b"\xff\xd8" else "image/webp"


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there is nothing to show, in a sentence."""

    why: str


class Copies:
    """Makes and keeps the copies of one run's pictures. Safe to use from several threads.

    Args:
        locate: where a record's file lies; None where that is not known.
        kept: folder of the copies.
    """

    def __init__(self, locate: Callable[[ImageRecord], Path | None], kept: Path) -> None:
        self._locate = locate
        self._kept = kept
        self._decoding = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._recent: OrderedDict[str, Image.Image] = OrderedDict()

    def copy(self, record: ImageRecord, size: Size, how: Concealed | None = None) -> Copy | Missing:
        """The thumbnail or the view of a picture, as its own findings, or `how`, let it be shown."""
        how = how or concealment(record)
        if how == "withheld":
            return Missing(WITHHELD)
        if record.pixels is None:
            return Missing(NOT_DECODED)
        name = f"{_name(record.pixels)}-{size}-{how}"
        if (known := self._known(name)) is not None:
            return known
        made = self._made(record, size, blurred=how == "blurred")
        if isinstance(made, Copy):
            self._keep(name, made)
        return made

    def tile(self, record: ImageRecord, at: tuple[int, int], how: Concealed | None = None) -> Copy | Missing:
        """A square of the picture (column, row) at its full size; none of one that may not be shown clearly."""
        column, row = at
        if (how or concealment(record)) != "none":
            return Missing("Not shown at its full size: a safety model flagged it.")
        image = self._recently(record)
        if isinstance(image, Missing):
            return image
        box = (column * TILE, row * TILE, min((column + 1) * TILE, image.width), min((row + 1) * TILE, image.height))
        if not (0 <= box[0] < box[2] and 0 <= box[1] < box[3]):
            return Missing("The picture has no such part.")
        return _encoded(image.crop(box))

    def _made(self, record: ImageRecord, size: Size, blurred: bool) -> Copy | Missing:
        image = self._recently(record)
        if isinstance(image, Missing):
            return image
        side = THUMBNAIL if size == "thumbnail" else VIEW
        if blurred:
            return _small(blots(image, min(side, max(image.size))))
        fitted = image
        if max(image.size) > side:
            fitted = image.copy()
            fitted.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
        return _small(fitted) if size == "thumbnail" else _encoded(fitted)

    def _recently(self, record: ImageRecord) -> Image.Image | Missing:
        """The decoded picture; the last one is held, since its view and its tiles are asked for in turn."""
        key = record.pixels or ""
        with self._lock:
            if key in self._recent:
                self._recent.move_to_end(key)
                return self._recent[key]
        with self._decoding:
            image = self._decoded(record)
        if isinstance(image, Image.Image):
            with self._lock:
                self._recent[key] = image
                while len(self._recent) > AT_ONCE:
                    self._recent.popitem(last=False)
        return image

    def _decoded(self, record: ImageRecord) -> Image.Image | Missing:
        path = self._locate(record)
        if path is None:
            return Missing(NOT_AT_HAND)
        try:
            data = read(path, LIMITS)
        except PictureError:
            return Missing(TOO_LARGE if path.is_file() else NOT_AT_HAND)
        picture, wrong = decode(data, record.id, LIMITS)
        if picture.rgb is None:
            return Missing(TOO_LARGE if wrong is not None and "header claims" in wrong else NOT_DECODED)
        if picture.pixels != record.pixels:
            return Missing(CHANGED)
        return Image.fromarray(np.asarray(picture.rgb))

    def _known(self, name: str) -> Copy | None:
        with suppress(OSError):
            return Copy((self._kept / name).read_bytes())
        return None

    def _keep(self, name: str, copy: Copy) -> None:
        # where the disk is full or read-only the copy is made again next time
        with suppress(OSError):
            self._kept.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary = self._kept / f".{uuid.uuid4().hex}"
            try:
                temporary.write_bytes(copy.data)
                os.replace(temporary, self._kept / name)
            finally:
                temporary.unlink(missing_ok=True)


def _name(pixels: str) -> str:
    """A file name of a digest; the record is a stranger's, so anything else is digested first."""
    return pixels if _HEX.match(pixels) else digest(pixels)


def _encoded(image: Image.Image) -> Copy:
    """To look at closely: without loss where it is small, else JPEG that keeps every pixel's colour."""
    stream = io.BytesIO()
    if max(image.size) <= LOSSLESS:
        image.save(stream, "WEBP", lossless=True, method=0)
    else:
        image.save(stream, "JPEG", quality=95, subsampling=0)
    return Copy(stream.getvalue())


def _small(image: Image.Image) -> Copy:
    stream = io.BytesIO()
    if max(image.size) <= 128:
        image.save(stream, "WEBP", lossless=True, method=0)
    else:
        image.save(stream, "WEBP", quality=80, method=2)
    return Copy(stream.getvalue())
