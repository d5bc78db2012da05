"""The text that a picture file carries beside its pixels, whatever the format.

`read` takes the bytes of a file and returns every text field it can find: PNG text chunks, EXIF strings, XMP
properties, IPTC records, JPEG and GIF comments. It trusts nothing: every length is checked against the bytes that are
there, every decompression is bounded, XML is parsed without a DTD, and whatever is wrong becomes a line in
`Fields.problems`, never an exception. It goes by the first bytes of a file and never by its name.

Limits: a field longer than `FIELD_LIMIT` bytes (also after decompression), more than `TOTAL_LIMIT` characters in one
file, more than `COUNT_LIMIT` fields, more than `CHUNK_LIMIT` chunks, and compressed text after `UNPACK_LIMIT` bytes
were unpacked are left out; all but the chunks are named as a problem.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

FIELD_LIMIT = 4 << 20
TOTAL_LIMIT = 16 << 20
UNPACK_LIMIT = 64 << 20
COUNT_LIMIT = 1_000
CHUNK_LIMIT = 65_536

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Field:
    """One text field: the part of the file it stands in, its name there, and its text as found."""

    where: str
    name: str
    text: str

    @property
    def key(self) -> str:
        """A name that is unique enough to show: `png.parameters`, `exif.UserComment`."""
        return f"{self.where}.{self.name}"


@dataclass(frozen=True)
class Fields:
    """All text fields of one file, in the order of the file.

    Attributes:
        format: png, jpeg, webp, gif, tiff, isobmff (HEIF, AVIF, JPEG XL) or None for anything else.
        entries: the fields.
        problems: what is there but cannot be read, in words.
    """

    format: str | None
    entries: tuple[Field, ...] = ()
    problems: tuple[str, ...] = ()

    def get(self, *keys: str) -> str | None:
        """The first text found under one of the keys; a key is `where.name`."""
        for key in keys:
            for entry in self.entries:
                if entry.key == key:
                    return entry.text
        return None

    @cached_property
    def objects(self) -> tuple[tuple[Field, dict[str, Any]], ...]:
        """The fields whose text is a JSON object, parsed. A saver's prefix such as `Prompt:` is skipped."""
        found = []
        for entry in self.entries:
            value = json_object(entry.text)
            if value is not None:
                found.append((entry, value))
        return tuple(found)

    def having(self, *keys: str) -> dict[str, Any] | None:
        """The first JSON object that has all the keys."""
        return next((value for _, value in self.objects if all(key in value for key in keys)), None)


def json_object(text: str) -> dict[str, Any] | None:
    """The JSON object that a text holds, or None.

    A few lower or upper case letters and a colon may stand before it: savers write `Workflow: {...}` into EXIF. Some
    write the object as a JSON string, quotation marks and all.
    """
    text = text.removeprefix("\ufeff")
    if text[:8].lstrip().startswith('"'):
        text = _unwrapped(text)
    head, brace, _ = text[:40].partition("{")
    if not brace or (head.strip() and not head.strip().rstrip(":").isalpha()):
        return None
    try:
        value = json.loads(text[len(head) :].rstrip("\0 \r\n\t"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _unwrapped(text: str) -> str:
    try:
        inner = json.loads(text.rstrip("\0 \r\n\t"))
    except (ValueError, RecursionError):
        return text
    return inner if isinstance(inner, str) else text


def canonical_text(label: dict[str, Any]) -> str:
    """A JSON object as one text for one value, however it was written."""
    return json.dumps(label, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


@dataclass
class Collector:
    """Gathers fields and problems and keeps the limits."""

    entries: list[Field] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _total: int = 0
    _unpacked: int = 0

    def inflated(self, data: bytes) -> bytes | None:
        """As the function of that name; None too once `UNPACK_LIMIT` bytes of one file were unpacked."""
        if self._unpacked > UNPACK_LIMIT:
            return None
        text = inflated(data)
        self._unpacked += FIELD_LIMIT if text is None else len(text)
        return text

    def add(self, where: str, name: str, text: str) -> None:
        """Keep a field, unless it is empty or breaks a limit."""
        text = well_formed(text.rstrip("\0"))
        if not text:
            return
        name = name[:200]
        self._total += len(text)
        if len(text) > FIELD_LIMIT or self._total > TOTAL_LIMIT or len(self.entries) >= COUNT_LIMIT:
            self._total -= len(text)
            self.problem(f"{where}.{name}: {len(text)} characters are over the limit and were left out")
            return
        self.entries.append(Field(where, name, text))

    def problem(self, text: str) -> None:
        """Note what could not be read."""
        if len(self.problems) < COUNT_LIMIT:
            self.problems.append(well_formed(text))


def well_formed(text: str) -> str:
    """The text without lone surrogates, which no UTF-8 file can hold."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


def decoded(data: bytes) -> str:
    """Bytes that should be Latin-1 or UTF-8: UTF-8 if they are valid UTF-8, else Latin-1."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def inflated(data: bytes) -> bytes | None:
    """Zlib data, or None when it is damaged or would grow past `FIELD_LIMIT`."""
    engine = zlib.decompressobj()
    try:
        text = engine.decompress(data, FIELD_LIMIT + 1)
    except zlib.error:
        return None
    return text if len(text) <= FIELD_LIMIT else None


def read(data: bytes) -> Fields:
    """Every text field of a file; never raises."""
    from imgaudit.provenance.formats import reader_of  # formats builds on this module

    collector = Collector()
    name, reader = reader_of(data)
    try:
        reader(data, collector)
    except Exception as error:  # a bug of a reader must not cost the picture its other findings
        collector.problem(f"{name or 'file'}: cannot be read further: {type(error).__name__}")
    return Fields(name, tuple(collector.entries), tuple(collector.problems))


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and end of the data of each whole chunk. The checksums are not looked at."""
    offset = len(PNG_SIGNATURE)
    for _ in range(CHUNK_LIMIT):
        if offset + 8 > len(data):
            return
        length = int.from_bytes(data[offset : offset + 4], "big")
        end = offset + 8 + length
        if end > len(data):
            return
        kind = data[offset + 4 : offset + 8]
        yield kind, offset + 8, end
        if kind == b"IEND":
            return
        offset = end + 4


def webp_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and end of the data of each chunk of a WebP file; the last one may be cut short."""
    offset = 12
    for _ in range(CHUNK_LIMIT):
        if offset + 8 > len(data):
            return
        size = int.from_bytes(data[offset + 4 : offset + 8], "little")
        yield data[offset : offset + 4], offset + 8, min(offset + 8 + size, len(data))
        offset += 8 + size + size % 2
