"""AVIF files of unusual shapes, built box by box: read, marked, stripped, or refused with a sentence."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from imgaudit.errors import PictureError
from imgaudit.provenance import isobmff
from imgaudit.provenance import source as sources
from imgaudit.provenance.c2pa import ManifestReader
from imgaudit.provenance.isobmff import box
from imgaudit.provenance.marking import Marks, marked
from imgaudit.provenance.pieces import taken_apart
from imgaudit.provenance.strip import stripped
from imgaudit.types import Source

MARKS = Marks(source=Source(generator="g", prompt="a red kite", seed=1, steps=2, model="m"))
SECRET = b"NIKON CORPORATION"


def exif_block() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = SECRET.decode()
    return exif.tobytes()


def plain(**more: object) -> bytes:
    pixels = np.random.default_rng(3).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "AVIF", **more)
    return stream.getvalue()


def pixels(data: bytes) -> bytes:
    with Image.open(BytesIO(data)) as opened:
        return opened.tobytes()


def meta_rewritten(data: bytes, **parts: bytes) -> bytes:
    """The file with boxes inside `meta` replaced or added (`idat`); the box keeps its place, so offsets may move."""
    file = isobmff.File(data)
    inner = [parts.pop(one.kind.decode(), data[one.start : one.end]) for one in file.inner]
    meta = box(b"meta", data[file.meta.payload : file.meta.payload + 4], *inner, *parts.values())
    return data[: file.meta.start] + meta + data[file.meta.end :]


def locations(places: list[tuple[int, int, int, int]], version: int, base: int = 0) -> bytes:
    """An `iloc` of one extent an item: number, method, offset, length; 64-bit offsets, and a base offset."""
    head = bytes([version, 0, 0, 0, 0x84, 0x40]) + struct.pack(">I" if version == 2 else ">H", len(places))
    rows = b""
    for number, method, offset, length in places:
        rows += struct.pack(">I" if version == 2 else ">H", number)
        rows += struct.pack(">H", method) if version else b""
        rows += struct.pack(">HIHQI", 0, base, 1, offset - base, length)
    return box(b"iloc", head, rows)


@pytest.mark.parametrize("version", [0, 1, 2])
def test_every_version_of_the_table_of_places_is_read_and_written(version: int) -> None:
    data = plain(exif=exif_block())
    places = [(item.number, *item.places[0]) for item in isobmff.File(data).items]
    grown = len(meta_rewritten(data, iloc=locations(places, version))) - len(data)
    other = meta_rewritten(data, iloc=locations([(n, m, at + grown, size) for n, m, at, size in places], version, 40))
    assert pixels(other) == pixels(data)

    result = marked(other, MARKS)

    assert pixels(result) == pixels(data)
    found = sources.read(result)
    assert found.source.prompt == "a red kite"
    assert found.fields.get("exif.Make") == SECRET.decode()


def test_metadata_that_lie_beside_the_tables_are_read_and_removed() -> None:
    data = plain(exif=exif_block())
    file = isobmff.File(data)
    (item,) = [item for item in file.items if item.metadata == "exif"]
    inside = box(b"idat", file.payload(item))
    places = [(one.number, *one.places[0]) for one in file.items if one is not item]
    size = item.places[0][2]

    def placed(moved: int) -> bytes:
        rows = [(n, m, at + moved, length) for n, m, at, length in places]
        return meta_rewritten(data, iloc=locations([*rows, (item.number, 1, 0, size)], 1), idat=inside)

    grown = len(placed(0)) - len(data)
    other = placed(grown)
    assert sources.read(other).fields.get("exif.Make") == SECRET.decode()

    result = stripped(other, ManifestReader()).data

    assert pixels(result) == pixels(data)
    assert sources.read(result).fields.get("exif.Make") is None


def test_what_was_removed_is_no_longer_among_the_bytes() -> None:
    data = plain(exif=exif_block(), xmp=b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><!-- a client brief --></x:xmpmeta>')
    assert SECRET in data
    assert b"a client brief" in data

    result = stripped(data, ManifestReader()).data

    assert SECRET not in result
    assert b"a client brief" not in result
    assert pixels(result) == pixels(data)


def test_marking_again_and_again_does_not_make_the_file_grow() -> None:
    once = marked(plain(), MARKS)
    other = Marks(source=Source(generator="g", prompt="a low kite", seed=1, steps=2, model="m"))

    again = marked(marked(marked(once, other), MARKS), other)

    assert len(again) == len(once)


def test_an_unknown_box_stays_when_marked_and_goes_when_stripped() -> None:
    data = plain() + box(b"abcd", b"some program's own data")

    assert b"some program's own data" in marked(data, MARKS)
    assert b"some program's own data" not in stripped(data, ManifestReader()).data


def test_a_sequence_and_a_damaged_file_are_refused_with_a_sentence() -> None:
    stream = BytesIO()
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "teal")]
    frames[0].save(stream, "AVIF", save_all=True, append_images=frames[1:])

    with pytest.raises(PictureError, match="sequence"):
        marked(stream.getvalue(), MARKS)
    with pytest.raises(PictureError, match="no whole AVIF"):
        marked(plain()[:-9], MARKS)


def test_a_box_that_lies_about_its_size_never_breaks() -> None:
    data = bytearray(plain(exif=exif_block()))
    random = np.random.default_rng(5)
    for _ in range(300):
        wrong = bytearray(data)
        for at in random.integers(0, 420, 3):
            wrong[at] = random.integers(0, 256)
        sources.read(bytes(wrong))
        try:
            result = marked(bytes(wrong), MARKS)
        except PictureError:
            continue
        assert taken_apart(result).of("xmp") is not None or not isobmff.is_avif(bytes(wrong))


def test_places_that_overlap_describe_no_metadata_without_end() -> None:
    """Sixty thousand times the whole file would be gigabytes."""
    data = plain(exif=exif_block())
    (item,) = [item for item in isobmff.File(data).items if item.metadata == "exif"]
    extents = struct.pack(">II", 0, 500) * 60_000
    head = bytes([1, 0, 0, 0, 0x44, 0]) + struct.pack(">H", 1) + struct.pack(">HHHH", item.number, 0, 0, 60_000)

    with pytest.raises(PictureError, match="no whole AVIF"):
        taken_apart(meta_rewritten(data, iloc=box(b"iloc", head, extents)))


def test_many_places_and_many_boxes_together_are_refused_at_once() -> None:
    data = plain(exif=exif_block())
    number = isobmff.File(data).primary
    extents = struct.pack(">II", 0, 1) * 60_000
    head = bytes([1, 0, 0, 0, 0x44, 0]) + struct.pack(">H", 1) + struct.pack(">HHHH", number, 0, 0, 60_000)

    with pytest.raises(PictureError, match="no whole AVIF"):
        taken_apart(meta_rewritten(data, iloc=box(b"iloc", head, extents)) + box(b"mdat") * 5_000)


def test_metadata_that_share_their_bytes_with_the_picture_are_not_wiped() -> None:
    data = plain(exif=exif_block())
    file = isobmff.File(data)
    places = [(item.number, *item.places[0]) for item in file.items]
    ((coded, _, where, _),) = [place for place in places if place[0] == file.primary]
    other = [(n, m, at if n == coded else where + 3, size) for n, m, at, size in places]
    grown = len(meta_rewritten(data, iloc=locations(other, 1))) - len(data)

    moved = [(n, m, at + grown, size) for n, m, at, size in other]

    with pytest.raises(PictureError, match="no whole AVIF"):
        marked(meta_rewritten(data, iloc=locations(moved, 1)), Marks(system="s"))


def test_the_shown_picture_may_have_a_wide_number_where_others_have_not() -> None:
    data = plain()
    file = isobmff.File(data)
    shown = box(b"pitm", bytes([1, 0, 0, 0]), struct.pack(">I", 0x1_0001))
    places = [(item.number, *item.places[0]) for item in file.items]
    grown = len(meta_rewritten(data, pitm=shown, iloc=locations(places, 1))) - len(data)
    moved = [(n, m, at + grown, size) for n, m, at, size in places]

    result = marked(meta_rewritten(data, pitm=shown, iloc=locations(moved, 1)), Marks(system="s"))

    assert isobmff.File(result).primary == 0x1_0001
