"""Generation data hidden in the lowest bits of the pixels, as NovelAI and the stealth-pnginfo extension write it.

The bits run down the columns: 15 bytes of magic, the payload's length in bits as 32-bit number, the payload. Four
magics exist: `stealth_pnginfo` and `stealth_pngcomp` (alpha), `stealth_rgbinfo` and `stealth_rgbcomp` (three colours);
those ending in `comp` are gzip. Format: github.com/NovelAI/novelai-image-metadata and
github.com/ashen-sensored/sd_webui_stealth_pnginfo.

A PNG is decoded only when its first column spells a magic: that column can be rebuilt alone, because the PNG filters
of the first pixel of a row look at nothing but the pixel above. PNGs with fewer than 120 rows are looked at whole, and
so are WebP files that keep their pixels or their alpha without loss. Not read: interlaced and 16-bit PNGs, and pictures
of more than `PIXEL_LIMIT` pixels (WebP: `WEBP_LIMIT`).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING

from imgaudit.provenance.container import FIELD_LIMIT, Field, decoded, json_object, png_chunks, webp_chunks, well_formed

if TYPE_CHECKING:
    import numpy as np

PIXEL_LIMIT = 64_000_000
WEBP_LIMIT = 16_000_000
SMALL = 1_000_000
MAGIC_BITS = 15 * 8
ALPHA, COLOUR = (b"stealth_pnginfo", b"stealth_pngcomp"), (b"stealth_rgbinfo", b"stealth_rgbcomp")


def read(data: bytes) -> tuple[Field, ...]:
    """The hidden fields of a PNG or WebP file, under `pixels`; empty when there are none."""
    if data[:4] == b"RIFF":
        return _fields(data, "WEBP") if _webp_keeps_bits(data) else ()
    header = data[16:29]
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    if header[8:9] != b"\x08" or header[9:10] not in (b"\x02", b"\x06") or header[12:13] != b"\0":
        return ()
    channels = 4 if header[9] == 6 else 3
    if not 0 < width * height <= PIXEL_LIMIT or not _spelt(data, width, height, channels):
        return ()
    return _fields(data, "PNG")


def _webp_keeps_bits(data: bytes) -> bool:
    return any(kind in (b"VP8L", b"ALPH") for kind, _, _ in webp_chunks(data))


def _fields(data: bytes, kind: str) -> tuple[Field, ...]:
    text = _hidden(data, kind)
    if text is None:
        return ()
    value = json_object(text)
    if value is None:
        return (Field("pixels", "parameters", well_formed(text)),)
    texts = {name: item if isinstance(item, str) else json.dumps(item) for name, item in value.items()}
    return tuple(Field("pixels", name[:200], well_formed(item)) for name, item in texts.items())


def _spelt(data: bytes, width: int, height: int, channels: int) -> bool:
    """Whether a magic stands at the top of the first column; a small picture is worth a look in any case."""
    if height < MAGIC_BITS:
        return width * height <= SMALL
    pixels = list(_first_column(data, width, channels))
    alpha = _packed([pixel[3] & 1 for pixel in pixels]) if channels == 4 else b""
    colour = _packed([value & 1 for pixel in pixels[: MAGIC_BITS // 3] for value in pixel[:3]])
    return alpha in ALPHA or colour in COLOUR


def _packed(bits: list[int]) -> bytes:
    return int("".join(map(str, bits)) or "0", 2).to_bytes((len(bits) + 7) // 8, "big")


def _first_column(data: bytes, width: int, channels: int) -> Iterator[list[int]]:
    """The first pixel of each of the first 120 rows, from as little of the compressed data as needed."""
    stride = width * channels + 1
    rows = _inflated_start(data, stride * MAGIC_BITS)
    above = [0] * channels
    for start in range(0, len(rows) - channels, stride):
        values = rows[start + 1 : start + 1 + channels]
        kind = rows[start]
        # left of the first pixel is 0: filter 3 halves what is above, filter 4 falls back on it
        carried = [value // 2 for value in above] if kind == 3 else above if kind in (2, 4) else [0] * channels
        above = [(value + more) & 255 for value, more in zip(values, carried, strict=True)]
        yield above


def _inflated_start(data: bytes, size: int) -> bytes:
    engine, text = zlib.decompressobj(), b""
    for kind, start, end in png_chunks(data):
        if kind != b"IDAT":
            continue
        try:
            text += engine.decompress(data[start:end], size - len(text))
        except zlib.error:
            return text
        if len(text) >= size:
            break
    return text


def _hidden(data: bytes, kind: str) -> str | None:
    import numpy as np
    from PIL import Image

    try:
        with Image.open(BytesIO(data), formats=[kind]) as picture:
            if kind == "WEBP" and picture.width * picture.height > WEBP_LIMIT:
                return None
            pixels = np.asarray(picture)
    except (OSError, ValueError, SyntaxError):  # Pillow's words for a damaged file
        return None
    if pixels.ndim != 3:
        return None
    columns = pixels.transpose(1, 0, 2) & 1
    for magics, bits in ((ALPHA, columns[..., 3:]), (COLOUR, columns[..., :3])):
        if bits.size < MAGIC_BITS + 32:
            continue
        text = _payload(bits.reshape(-1), magics)
        if text is not None:
            return text
    return None


def _payload(bits: np.ndarray, magics: tuple[bytes, ...]) -> str | None:
    import numpy as np

    head = np.packbits(bits[: MAGIC_BITS + 32]).tobytes()
    magic, length = head[:15], int.from_bytes(head[15:19], "big")
    if magic not in magics or len(head) < 19 or not 0 < length <= min(8 * FIELD_LIMIT, bits.size - MAGIC_BITS - 32):
        return None
    payload = np.packbits(bits[MAGIC_BITS + 32 : MAGIC_BITS + 32 + length]).tobytes()
    if magic.endswith(b"info"):
        return decoded(payload)
    try:
        text = zlib.decompressobj(31).decompress(payload, FIELD_LIMIT + 1)
    except zlib.error:
        return None
    return decoded(text) if len(text) <= FIELD_LIMIT else None
