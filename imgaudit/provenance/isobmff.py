"""AVIF files as boxes and items: which of them are metadata, and the file again with others in their place.

The coded pictures stay where they are inside their boxes, byte for byte; the tables that say where they lie are written
anew. Metadata lie in an `mdat` box of their own at the end; what stood in their old places is overwritten with
zeros, or goes with its box, so that nothing of it is left.

Sources: ISO/IEC 14496-12 (boxes, `meta`, `iinf`, `iloc`, `iref`), ISO/IEC 23008-12 annex A (EXIF and XMP as items).
Known limits: one picture, not a sequence (`moov`); items that are built from other items are refused.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from imgaudit.errors import PictureError

C2PA_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
XMP_TYPE = b"application/rdf+xml"
BOX_LIMIT, ITEM_LIMIT, EXTENT_LIMIT = 10_000, 10_000, 100_000
PLACES_BY_BOXES = 10_000_000
"""Every place is looked for in every box at the top, of which a picture has a handful."""
IN_FILE, IN_BOX = 0, 1
"""Construction methods of `iloc`: offsets into the file, and into the `idat` box beside it."""

Metadata = Literal["exif", "xmp"]


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its type, where it begins, where its payload begins, and where both end."""

    kind: bytes
    start: int
    payload: int
    end: int


@dataclass(frozen=True, slots=True)
class Item:
    """An item: its number, its kind, its `infe` box as it stands, and its places as (method, offset, length)."""

    number: int
    kind: bytes
    entry: bytes
    places: tuple[tuple[int, int, int], ...]

    @property
    def metadata(self) -> Metadata | None:
        """Whether it is EXIF or XMP, by its type."""
        if self.kind == b"Exif":
            return "exif"
        return "xmp" if self.kind == b"mime" and XMP_TYPE in self.entry else None


def is_avif(data: bytes) -> bool:
    """Whether the first box names AVIF among its brands."""
    if data[4:8] != b"ftyp":
        return False
    brands = data[8 : min(int.from_bytes(data[:4], "big"), 256)]
    return b"avif" in (brands[at : at + 4] for at in range(0, len(brands), 4))


def broken() -> PictureError:
    """The error for bytes that are no whole AVIF file."""
    return PictureError("the bytes are no whole AVIF file; expected one; get the file again or save it anew")


class File:
    """An AVIF file taken apart. Raises PictureError for a damaged one and for a sequence."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.boxes = tuple(boxes(data, 0, len(data)))
        metas = [box for box in self.boxes if box.kind == b"meta"]
        if len(metas) != 1 or not self.boxes or self.boxes[0].kind != b"ftyp":
            raise broken()
        if any(box.kind in (b"moov", b"moof") for box in self.boxes):
            raise PictureError("the file holds a sequence of pictures; expected an AVIF of one picture")
        self.meta = metas[0]
        self.inner = tuple(boxes(data, self.meta.payload + 4, self.meta.end))
        self.items = self._items()
        places = [place for item in self.items for place in item.places]
        if max((offset + length for method, offset, length in places if method == IN_FILE), default=0) > len(data):
            raise broken()
        # places may overlap, so that a small file could describe metadata without end
        if sum(place[2] for item in self.items if item.metadata for place in item.places) > len(data):
            raise broken()
        if len(places) * len(self.boxes) > PLACES_BY_BOXES:
            raise broken()

    def part(self, kind: bytes) -> Box | None:
        """The first box of a kind inside `meta`."""
        return next((box for box in self.inner if box.kind == kind), None)

    def payload(self, item: Item) -> bytes:
        """An item's bytes, its extents joined."""
        inside = self.part(b"idat")
        parts = []
        for method, offset, length in item.places:
            base = inside.payload if method == IN_BOX and inside is not None else 0
            parts.append(self.data[base + offset : base + offset + length])
        return b"".join(parts)

    @property
    def primary(self) -> int:
        """Number of the picture that is shown."""
        box = self.part(b"pitm")
        if box is None:
            raise broken()
        wide = 2 if self.data[box.payload] == 0 else 4
        return int.from_bytes(self.data[box.payload + 4 : box.payload + 4 + wide], "big")

    def _items(self) -> tuple[Item, ...]:
        info, places = self.part(b"iinf"), self.part(b"iloc")
        if info is None or places is None:
            raise broken()
        where = dict(_places(self.data[places.payload : places.end]))
        head = 6 if self.data[info.payload] == 0 else 8
        found = []
        for box in boxes(self.data, info.payload + head, info.end):
            version = self.data[box.payload]
            if box.kind != b"infe" or version not in (2, 3):
                raise broken()
            wide = 2 if version == 2 else 4
            at = box.payload + 4
            number = int.from_bytes(self.data[at : at + wide], "big")
            kind = self.data[at + wide + 2 : at + wide + 6]
            found.append(Item(number, kind, self.data[box.start : box.end], where.get(number, ())))
        return tuple(found)


def boxes(data: bytes, offset: int, end: int) -> Iterator[Box]:
    """The boxes between two places. Raises PictureError where one does not fit into its parent."""
    for _ in range(BOX_LIMIT):
        if offset == end:
            return
        size, head = int.from_bytes(data[offset : offset + 4], "big"), 8
        if size == 1:
            size, head = int.from_bytes(data[offset + 8 : offset + 16], "big"), 16
        if size == 0:
            size = end - offset
        if size < head or offset + size > end:
            raise broken()
        yield Box(data[offset + 4 : offset + 8], offset, offset + head, offset + size)
        offset += size
    raise broken()


def end_of(data: bytes) -> int:
    """Where the last whole box at the top ends; what stands behind it belongs to no AVIF."""
    end = 0
    try:
        for one in boxes(data, 0, len(data)):
            end = one.end
    except PictureError:
        return end
    return end


def _places(box: bytes) -> Iterator[tuple[int, tuple[tuple[int, int, int], ...]]]:
    """Item number -> its extents as (method, offset, length)."""
    if len(box) < 8 or box[0] > 2:
        raise broken()
    reader = _Numbers(box, 6)
    version, sizes = box[0], (box[4] >> 4, box[4] & 15, box[5] >> 4, box[5] & 15 if box[0] else 0)
    wide = 4 if version == 2 else 2
    for _ in range(min(reader.next(wide), ITEM_LIMIT)):
        number = reader.next(wide)
        method = reader.next(2) & 15 if version else IN_FILE
        reader.next(2)  # where the data lie: 0 is this file, and nothing else is followed
        base, extents = reader.next(sizes[2]), []
        for _ in range(min(reader.next(2), EXTENT_LIMIT)):
            reader.next(sizes[3])
            extents.append((method, base + reader.next(sizes[0]), reader.next(sizes[1])))
        yield number, tuple(extents)


class _Numbers:
    """Reads big-endian numbers one after the other; PictureError past the end."""

    def __init__(self, data: bytes, offset: int) -> None:
        self.data, self.offset = data, offset

    def next(self, size: int) -> int:
        self.offset += size
        if self.offset > len(self.data):
            raise broken()
        return int.from_bytes(self.data[self.offset - size : self.offset], "big")


# --- writing -------------------------------------------------------------------------------------


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box around its parts."""
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def rebuilt(data: bytes, added: Sequence[tuple[Metadata, bytes]], kept: Iterable[Box]) -> bytes:
    """The file with these metadata in place of all that it has.

    Args:
        data: the file.
        added: EXIF (a TIFF block) and XMP (a packet), at most one of each.
        kept: boxes at the top of the file beside those that the picture needs, in the file's order.
    """
    file = File(data)
    if any(place[0] not in (IN_FILE, IN_BOX) for item in file.items for place in item.places):
        raise PictureError("the picture is built from other items in an unknown way; expected a plain AVIF")
    wanted = {one.start for one in kept}
    items = [item for item in file.items if item.metadata is None]
    needed = [offset for item in items for method, offset, _ in item.places if method == IN_FILE]
    tops = [
        one
        for one in file.boxes
        if one.kind in (b"ftyp", b"meta")
        or one.start in wanted
        or (one.kind == b"mdat" and any(one.start <= offset < one.end for offset in needed))
    ]
    cleaned = _without(file, items)
    payloads = [struct.pack(">I", 0) + value if kind == "exif" else value for kind, value in added]
    first = 1 + max((item.number for item in file.items), default=0)
    new = [_entry(kind, first + index) for index, (kind, _) in enumerate(added)]
    # the size of `meta` does not depend on the offsets in it, so it is written twice: for its size, then for good
    size = len(_meta(file, cleaned, items, new, [(0, len(one)) for one in payloads], {}))
    moved, at = {}, 0
    for top in tops:
        moved[top.start] = (top.end, at - top.start + (size - (top.end - top.start) if top.kind == b"meta" else 0))
        at += size if top.kind == b"meta" else top.end - top.start
    places = []
    for one in payloads:
        at += len(one)
        places.append((at - len(one) + 8, len(one)))
    meta = _meta(file, cleaned, items, new, places, moved)
    parts = [meta if top.kind == b"meta" else cleaned[top.start : top.end] for top in tops]
    return b"".join(parts) + (box(b"mdat", *payloads) if payloads else b"")


def _without(file: File, kept: Sequence[Item]) -> bytes:
    """The file's bytes with zeros where only metadata stood."""
    cleaned = bytearray(file.data)
    inside = file.part(b"idat")

    def span(place: tuple[int, int, int]) -> tuple[int, int]:
        base = inside.payload if place[0] == IN_BOX and inside is not None else 0
        return base + place[1], min(base + place[1] + place[2], len(cleaned))

    needed = sorted(span(place) for item in kept for place in item.places)
    starts, reach = [start for start, _ in needed], list(accumulate((end for _, end in needed), max))
    for item in file.items:
        if item in kept:
            continue
        for start, end in map(span, item.places):
            before = bisect_left(starts, end)
            if before and reach[before - 1] > start:
                raise broken()  # metadata that share their bytes with a picture
            if start < end:
                cleaned[start:end] = bytes(end - start)
    return bytes(cleaned)


def _entry(kind: Metadata, number: int) -> tuple[int, bytes]:
    """The `infe` box of a new item."""
    named = (b"Exif", b"\0") if kind == "exif" else (b"mime", b"\0" + XMP_TYPE + b"\0")
    wide = number > 0xFFFF
    head = bytes([3 if wide else 2, 0, 0, 0])
    return number, box(b"infe", head, struct.pack(">IH" if wide else ">HH", number, 0), *named)


def _meta(
    file: File,
    data: bytes,
    items: Sequence[Item],
    new: Sequence[tuple[int, bytes]],
    places: Sequence[tuple[int, int]],
    moved: dict[int, tuple[int, int]],
) -> bytes:
    """The `meta` box with its tables written anew; `moved`: start of a top box -> its end, and by how much it moves."""
    all_places = [(item.number, [(m, _new_place(m, o, moved), n) for m, o, n in item.places]) for item in items]
    all_places += [(number, [(IN_FILE, *place)]) for (number, _), place in zip(new, places, strict=True)]
    written = {
        b"iinf": _info([item.entry for item in items] + [entry for _, entry in new]),
        b"iloc": _locations(all_places),
        b"iref": _references(file, {item.number for item in items}, [number for number, _ in new]),
    }
    parts = [written.pop(one.kind, b"") if one.kind in written else data[one.start : one.end] for one in file.inner]
    parts.append(written.get(b"iref", b""))  # a file without references had none to replace
    return box(b"meta", data[file.meta.payload : file.meta.payload + 4], *parts)


def _new_place(method: int, offset: int, moved: dict[int, tuple[int, int]]) -> int:
    if method != IN_FILE or not moved:
        return offset
    for start, (end, by) in moved.items():
        if start <= offset < end:
            return offset + by
    raise broken()


def _info(entries: Sequence[bytes]) -> bytes:
    wide = len(entries) > 0xFFFF
    return box(b"iinf", bytes([wide, 0, 0, 0]), struct.pack(">I" if wide else ">H", len(entries)), *entries)


def _locations(items: Sequence[tuple[int, Sequence[tuple[int, int, int]]]]) -> bytes:
    """An `iloc` box of offsets and lengths in 32 bits, without base offsets."""
    wide = any(number > 0xFFFF for number, _ in items)
    parts = [bytes([2 if wide else 1, 0, 0, 0, 0x44, 0]), struct.pack(">I" if wide else ">H", len(items))]
    for number, places in items:
        method = places[0][0] if places else IN_FILE
        parts.append(struct.pack(">IHHH" if wide else ">HHHH", number, method, 0, len(places)))
        for _, offset, length in places:
            if offset + length > 0xFFFFFFFF:
                raise PictureError("the file is larger than 4 GiB; expected a smaller AVIF")
            parts.append(struct.pack(">II", offset, length))
    return box(b"iloc", *parts)


def _references(file: File, kept: set[int], new: Sequence[int]) -> bytes:
    """The `iref` box without removed items, and with what the new ones describe; empty when nothing is left."""
    old = file.part(b"iref")
    version = file.data[old.payload] if old is not None else 0
    version = max(version, int(any(number > 0xFFFF for number in (*new, file.primary))))
    number_format = ">I" if version else ">H"
    parts = []
    if old is not None:
        old_wide = 4 if file.data[old.payload] else 2
        for one in boxes(file.data, old.payload + 4, old.end):
            reader = _Numbers(file.data[one.payload : one.end], 0)
            source = reader.next(old_wide)
            targets = [reader.next(old_wide) for _ in range(reader.next(2))]
            if source in kept:
                parts.append(_reference(one.kind, source, [t for t in targets if t in kept], number_format))
    parts += [_reference(b"cdsc", number, [file.primary], number_format) for number in new]
    return box(b"iref", bytes([version, 0, 0, 0]), *parts) if parts else b""


def _reference(kind: bytes, source: int, targets: Sequence[int], number_format: str) -> bytes:
    numbers = b"".join(struct.pack(number_format, target) for target in targets)
    return box(kind, struct.pack(number_format, source), struct.pack(">H", len(targets)), numbers)
