"""One reader for each file format: where its text fields lie. Called by `container.read`, which keeps the limits.

Sources: PNG third edition (W3C 2025) 11.3; JPEG JFIF/EXIF segments and Adobe's XMP specification part 3 (2020) for
extended XMP; WebP container (RFC 9649); ISO/IEC 14496-12 `meta`, `iinf` and `iloc` for HEIF and AVIF.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from imgaudit.provenance import exif, iptc, xmp
from imgaudit.provenance.container import (
    CHUNK_LIMIT,
    FIELD_LIMIT,
    PNG_SIGNATURE,
    Collector,
    decoded,
    png_chunks,
    webp_chunks,
)

Reader = Callable[[bytes, Collector], None]

XMP_KEYWORD = b"XML:com.adobe.xmp"
XMP_MARKER = b"http://ns.adobe.com/xap/1.0/\0"
EXTENDED_MARKER = b"http://ns.adobe.com/xmp/extension/\0"
PHOTOSHOP_MARKER = b"Photoshop 3.0\0"
BOX_LIMIT = 10_000
EXIF_LIMIT = 2 * FIELD_LIMIT


def reader_of(data: bytes) -> tuple[str | None, Reader]:
    """The format's name and its reader, by the first bytes of the file."""
    if data[:8] == PNG_SIGNATURE:
        return "png", read_png
    if data[:2] == b"\xff\xd8":
        return "jpeg", read_jpeg
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp", read_webp
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "gif", read_gif
    if exif.byte_order(data) is not None:
        return "tiff", read_tiff
    if data[4:8] == b"ftyp" or data[:12] == b"\0\0\0\x0cJXL \r\n\x87\n":
        return "isobmff", read_isobmff
    return None, xmp.scan


def read_tiff(data: bytes, collector: Collector) -> None:
    """A TIFF or DNG file: its folders hold what a JPEG's EXIF block holds."""
    exif.read(data, collector)


# --- PNG ---------------------------------------------------------------------------------------


def read_png(data: bytes, collector: Collector) -> None:
    """Text chunks, compressed or not, and the EXIF chunk."""
    kind = b""
    for kind, start, end in png_chunks(data):
        if kind in PNG_TEXTS:
            if end - start > FIELD_LIMIT:
                collector.problem(f"png: a {kind.decode()} chunk of {end - start} bytes is over the limit")
                continue
            PNG_TEXTS[kind](data[start:end], collector)
        elif kind == b"eXIf":
            exif.read(data[start : min(end, start + EXIF_LIMIT)], collector)
    if kind != b"IEND":
        collector.problem("png: the file ends before its last chunk")


def _plain(chunk: bytes, collector: Collector) -> None:
    keyword, _, text = chunk.partition(b"\0")
    _png_text(keyword, text, collector)


def _compressed(chunk: bytes, collector: Collector) -> None:
    keyword, _, rest = chunk.partition(b"\0")
    text = collector.inflated(rest[1:])
    if text is None:
        collector.problem(f"png.{decoded(keyword)[:79]}: compressed text is damaged or over the limit")
        return
    _png_text(keyword, text, collector)


def _international(chunk: bytes, collector: Collector) -> None:
    keyword, _, rest = chunk.partition(b"\0")
    flags, rest = rest[:2], rest[2:]
    text: bytes | None = rest.partition(b"\0")[2].partition(b"\0")[2]
    if flags[:1] == b"\1":
        text = collector.inflated(text or b"")
    if text is None:
        collector.problem(f"png.{decoded(keyword)[:79]}: compressed text is damaged or over the limit")
        return
    _png_text(keyword, text, collector)


PNG_TEXTS: dict[bytes, Reader] = {b"tEXt": _plain, b"zTXt": _compressed, b"iTXt": _international}


def _png_text(keyword: bytes, text: bytes, collector: Collector) -> None:
    if keyword == XMP_KEYWORD:
        xmp.read(text, collector)
    elif keyword.startswith(b"Raw profile type "):
        _raw_profile(keyword[17:], text, collector)
    else:
        collector.add("png", decoded(keyword), decoded(text))


def _raw_profile(kind: bytes, text: bytes, collector: Collector) -> None:
    """ImageMagick writes EXIF, XMP and IPTC as lines of hexadecimal digits after a name and a length."""
    try:
        payload = bytes.fromhex(b"".join(text.split()[2:]).decode("ascii"))
    except ValueError:
        collector.problem(f"png: the raw profile {decoded(kind)[:20]!r} is not hexadecimal")
        return
    if kind in (b"exif", b"APP1"):
        if payload.startswith(XMP_MARKER):
            xmp.read(payload[len(XMP_MARKER) :], collector)
        else:
            exif.read(payload, collector)
    elif kind == b"xmp":
        xmp.read(payload, collector)
    elif kind in (b"iptc", b"8bim"):
        iptc.read_photoshop(payload, collector)


# --- JPEG --------------------------------------------------------------------------------------


def read_jpeg(data: bytes, collector: Collector) -> None:
    """EXIF, XMP (extended XMP too), IPTC and comments: the segments before the first scan."""
    extended: dict[bytes, dict[int, bytes]] = {}
    for marker, segment in _segments(data):
        if marker == 0xFE:
            collector.add("jpeg", "comment", _comment(segment))
        elif marker == 0xE1 and segment.startswith(b"Exif\0"):
            exif.read(segment, collector)
        elif marker == 0xE1 and segment.startswith(XMP_MARKER):
            xmp.read(segment[len(XMP_MARKER) :], collector)
        elif marker == 0xE1 and segment.startswith(EXTENDED_MARKER):
            rest = segment[len(EXTENDED_MARKER) :]
            extended.setdefault(rest[:32], {})[int.from_bytes(rest[36:40], "big")] = rest[40:]
        elif marker == 0xED and segment.startswith(PHOTOSHOP_MARKER):
            iptc.read_photoshop(segment[len(PHOTOSHOP_MARKER) :], collector)
    for parts in extended.values():
        _extended(parts, collector)


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 2
    for _ in range(CHUNK_LIMIT):
        while data[offset : offset + 1] == b"\xff" and data[offset + 1 : offset + 2] == b"\xff":
            offset += 1
        if offset + 4 > len(data) or data[offset] != 0xFF:
            return
        marker = data[offset + 1]
        if marker in (0xDA, 0xD9):
            return
        length = int.from_bytes(data[offset + 2 : offset + 4], "big")
        yield marker, data[offset + 4 : offset + 2 + length]
        offset += 2 + max(length, 2)


def _comment(segment: bytes) -> str:
    """A comment says nothing of its encoding; one with zero bytes inside is UTF-16."""
    return exif.wide(segment, "big") if b"\0" in segment.rstrip(b"\0") else decoded(segment)


def _extended(parts: dict[int, bytes], collector: Collector) -> None:
    packet = b""
    for offset in sorted(parts):
        if offset != len(packet):
            collector.problem("xmp: a part of the extended packet is missing")
            return
        packet += parts[offset]
        if len(packet) > FIELD_LIMIT:
            break
    xmp.read(packet, collector)


# --- WebP and GIF ------------------------------------------------------------------------------


def read_webp(data: bytes, collector: Collector) -> None:
    """The EXIF and XMP chunks."""
    end = 12
    for kind, start, end in webp_chunks(data):
        if kind == b"EXIF":
            exif.read(data[start : min(end, start + EXIF_LIMIT)], collector)
        elif kind == b"XMP ":
            xmp.read(data[start:end], collector)
    if end < int.from_bytes(data[4:8], "little") + 7:  # the last chunk's padding may be missing
        collector.problem("webp: the file ends before its last chunk")


def read_gif(data: bytes, collector: Collector) -> None:
    """The first comment, and the XMP packet, which GIF holds as it is."""
    start = data.find(b"\x21\xfe")
    if start >= 0:
        collector.add("gif", "comment", decoded(_sub_blocks(data, start + 2)))
    xmp.scan(data, collector)


def _sub_blocks(data: bytes, offset: int) -> bytes:
    text = bytearray()
    while offset < len(data) and data[offset] and len(text) <= FIELD_LIMIT:
        text += data[offset + 1 : offset + 1 + data[offset]]
        offset += 1 + data[offset]
    return bytes(text)


# --- HEIF, AVIF, JPEG XL -----------------------------------------------------------------------


def read_isobmff(data: bytes, collector: Collector) -> None:
    """EXIF and XMP as items of a `meta` box (HEIF, AVIF) or as boxes of their own (JPEG XL)."""
    for kind, start, end in _boxes(data, 0, len(data)):
        if kind == b"meta":
            _items(data, start + 4, end, collector)
        elif kind == b"Exif":
            exif.read(data[start + 4 : end], collector)
        elif kind == b"xml ":
            xmp.read(data[start:end], collector)
        elif kind == b"brob" and data[start : start + 4] in (b"Exif", b"xml "):
            collector.problem("isobmff: metadata compressed with Brotli was not read")


def _boxes(data: bytes, offset: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    for _ in range(BOX_LIMIT):
        if offset + 8 > end:
            return
        size, kind, head = int.from_bytes(data[offset : offset + 4], "big"), data[offset + 4 : offset + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[offset + 8 : offset + 16], "big"), 16
        if size == 0:
            size = end - offset
        if size < head:
            return
        yield kind, offset + head, min(offset + size, end)
        offset += size


def _items(data: bytes, offset: int, end: int, collector: Collector) -> None:
    kinds: dict[int, bytes] = {}
    places: dict[int, tuple[int, int, int]] = {}
    inside = 0
    for kind, start, stop in _boxes(data, offset, end):
        if kind == b"iinf":
            head = 6 if data[start : start + 1] == b"\0" else 8
            kinds = dict(_item_kinds(data, start + head, stop))
        elif kind == b"iloc":
            places = dict(_item_places(data[start:stop]))
        elif kind == b"idat":
            inside = start
    for item, kind in kinds.items():
        method, start, size = places.get(item, (0, 0, 0))
        start += inside if method == 1 else 0
        payload = data[start : start + min(size, EXIF_LIMIT)]
        if kind == b"Exif" and len(payload) > 4:
            exif.read(payload[4 + int.from_bytes(payload[:4], "big") :], collector)
        elif kind == b"mime" and b"xmpmeta" in payload:
            xmp.read(payload, collector)


def _item_kinds(data: bytes, offset: int, end: int) -> Iterator[tuple[int, bytes]]:
    for kind, start, _ in _boxes(data, offset, end):
        if kind == b"infe" and data[start] in (2, 3):
            wide = 2 if data[start] == 2 else 4
            yield int.from_bytes(data[start + 4 : start + 4 + wide], "big"), data[start + 6 + wide : start + 10 + wide]


def _item_places(box: bytes) -> Iterator[tuple[int, tuple[int, int, int]]]:
    """Item number -> method (0 in the file, 1 inside `idat`), offset and length of its first extent."""
    version = box[0]
    offset_size, length_size, base_size = box[4] >> 4, box[4] & 15, box[5] >> 4
    index_size = box[5] & 15 if version in (1, 2) else 0
    wide = 4 if version == 2 else 2
    cursor = _Cursor(box, 6)
    for _ in range(min(cursor.number(wide), BOX_LIMIT)):
        item = cursor.number(wide)
        method = cursor.number(2) & 15 if version in (1, 2) else 0
        cursor.number(2)
        base = cursor.number(base_size)
        extents = cursor.number(2)
        for extent in range(min(extents, BOX_LIMIT)):
            cursor.number(index_size)
            start, size = cursor.number(offset_size), cursor.number(length_size)
            if extent == 0 and method in (0, 1):
                yield item, (method, base + start, size)
        if cursor.offset > len(box):
            return


class _Cursor:
    """Reads big-endian numbers one after the other; past the end they are 0."""

    def __init__(self, data: bytes, offset: int) -> None:
        self.data, self.offset = data, offset

    def number(self, size: int) -> int:
        value = int.from_bytes(self.data[self.offset : self.offset + size], "big")
        self.offset += size
        return value
