"""The strings of an EXIF block, which is a small TIFF file; TIFF and DNG files are read by the same code.

Source of the tag numbers and of UserComment's character codes: EXIF 2.32 (CIPA DC-008), sections 4.6.4 and 4.6.5.
"""

from __future__ import annotations

import codecs
from typing import Literal

from imgaudit.provenance import iptc, xmp
from imgaudit.provenance.container import FIELD_LIMIT, Collector, decoded

Order = Literal["little", "big"]

STRINGS = {
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x0131: "Software",
    0x013B: "Artist",
    0x8298: "Copyright",
    0x927C: "MakerNote",
    0x9286: "UserComment",
    0x9C9B: "XPTitle",
    0x9C9C: "XPComment",
    0x9C9D: "XPAuthor",
    0x9C9E: "XPKeywords",
    0x9C9F: "XPSubject",
}
XMP_PACKET, IPTC_RECORDS, EXIF_FOLDER = 0x02BC, 0x83BB, 0x8769
WINDOWS = range(0x9C9B, 0x9CA0)
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
ENTRY_LIMIT = 1_000


def read(data: bytes, collector: Collector, where: str = "exif") -> None:
    """Add the strings of an EXIF block. A leading `Exif` marker is skipped."""
    if data[:4] == b"Exif":
        data = data[6:]
    order = byte_order(data)
    if order is None:
        collector.problem(f"{where}: the block does not start with a TIFF header")
        return
    folders = [int.from_bytes(data[4:8], order)]
    seen: set[int] = set()
    while folders:
        offset = folders.pop(0)
        if offset in seen or len(seen) > 8:
            continue
        seen.add(offset)
        folders.extend(_folder(data, offset, order, collector, where))


def byte_order(data: bytes) -> Order | None:
    """The byte order that a TIFF header announces, or None when there is no TIFF header."""
    if data[:4] == b"II*\0":
        return "little"
    return "big" if data[:4] == b"MM\0*" else None


def _folder(data: bytes, offset: int, order: Order, collector: Collector, where: str) -> list[int]:
    """Add the strings of one folder; returns the offsets of the folders inside it."""
    count = int.from_bytes(data[offset : offset + 2], order)
    if offset + 2 > len(data) or count > ENTRY_LIMIT:
        collector.problem(f"{where}: a folder lies outside the block or has too many entries")
        return []
    inner: list[int] = []
    for start in range(offset + 2, offset + 2 + 12 * count, 12):
        entry = data[start : start + 12]
        if len(entry) < 12:
            collector.problem(f"{where}: the block is cut short")
            break
        tag, kind = int.from_bytes(entry[:2], order), int.from_bytes(entry[2:4], order)
        if tag == EXIF_FOLDER:
            inner.append(int.from_bytes(entry[8:12], order))
        elif tag in STRINGS or tag in (XMP_PACKET, IPTC_RECORDS):
            size = int.from_bytes(entry[4:8], order) * SIZES.get(kind, 0)
            _value(tag, _payload(data, entry, size, order), order, collector, where)
    return inner


def _payload(data: bytes, entry: bytes, size: int, order: Order) -> bytes:
    if size <= 4:
        return entry[8 : 8 + size]
    start = int.from_bytes(entry[8:12], order)
    return data[start : start + min(size, FIELD_LIMIT + 1)]


def _value(tag: int, payload: bytes, order: Order, collector: Collector, where: str) -> None:
    if tag == XMP_PACKET:
        xmp.read(payload, collector)
    elif tag == IPTC_RECORDS:
        iptc.read(payload, collector)
    elif tag in WINDOWS:
        collector.add(where, STRINGS[tag], payload.decode("utf-16-le", "replace"))
    elif STRINGS[tag] == "UserComment":
        collector.add(where, "UserComment", user_comment(payload, order))
    elif STRINGS[tag] == "MakerNote":
        # only notes that are plain text: a camera's are binary and of no use here
        if payload[:1] == b"{":
            collector.add(where, "MakerNote", decoded(payload))
    else:
        collector.add(where, STRINGS[tag], decoded(payload))


def user_comment(payload: bytes, order: Order = "big") -> str:
    """The text of a UserComment, whose first 8 bytes name its character code.

    Writers disagree with the standard: after `UNICODE` stands UTF-16 of either byte order or UTF-8, and some write no
    code at all. The bytes themselves decide. `order` is the block's byte order, which decides when they do not.
    """
    code, text = payload[:8], payload[8:]
    if code == b"UNICODE\0":
        return wide(text, order)
    if code[:3] == b"JIS":
        return _japanese(text)
    if code == b"ASCII\0\0\0":
        return decoded(text)
    if code == b"\0" * 8:
        return wide(text, order) if b"\0" in text.rstrip(b"\0") else decoded(text)
    return decoded(payload)


def wide(text: bytes, order: Order) -> str:
    """UTF-16 of unknown byte order, or UTF-8 where UTF-16 was announced."""
    if text[:2] == codecs.BOM_UTF16_LE:
        return text[2:].decode("utf-16-le", "replace")
    if text[:2] == codecs.BOM_UTF16_BE:
        return text[2:].decode("utf-16-be", "replace")
    body = text.rstrip(b"\0")
    if b"\0" not in body and not any(byte < 9 for byte in body):
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            pass
    text = text[: len(text) // 2 * 2]
    return text.decode(f"utf-16-{'le' if _wide_order(text, order) == 'little' else 'be'}", "replace")


def _wide_order(text: bytes, order: Order) -> Order:
    """The order in which more characters are ones that people write; Latin text has its zero byte first or second."""
    big_zeros, little_zeros = text[0::2].count(0), text[1::2].count(0)
    if big_zeros != little_zeros:
        return "big" if big_zeros > little_zeros else "little"
    sample = text[:4096]
    readable: dict[Order, int] = {
        "big": sum(c.isalnum() for c in sample.decode("utf-16-be", "replace")),
        "little": sum(c.isalnum() for c in sample.decode("utf-16-le", "replace")),
    }
    if readable["big"] == readable["little"]:
        return order
    return "big" if readable["big"] > readable["little"] else "little"


def _japanese(text: bytes) -> str:
    for encoding in ("iso2022_jp", "utf-8", "shift_jis"):
        try:
            return text.rstrip(b"\0").decode(encoding)
        except UnicodeDecodeError:
            continue
    return text.decode("latin-1")
