"""A picture file as pieces that can be taken out and put in without touching its pixels.

PNG has chunks, JPEG segments, WebP RIFF chunks; each becomes a `Piece`. AVIF has items that lie anywhere in the file:
there the metadata alone become pieces, and `isobmff` writes the file around them. Whatever is not metadata is carried
over byte for byte, so pixels stay bit-identical. Checksums, lengths and offsets are written anew.

Sources: PNG third edition (W3C 2025) 5; ITU-T T.81 annex B; RFC 9649 (WebP) 2.7; for AVIF see `isobmff`.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from imgaudit.errors import PictureError
from imgaudit.provenance import isobmff
from imgaudit.provenance.container import PNG_SIGNATURE, inflated, png_chunks, webp_chunks

FormatName = Literal["png", "jpeg", "webp", "avif"]
MIME = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp", "avif": "image/avif"}
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF")
"""The same formats by Pillow's names."""

XMP_KEYWORD = b"XML:com.adobe.xmp\0\0\0\0\0"
XMP_MARKER, EXTENDED_MARKER = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
EXIF_MARKER, ICC_MARKER = b"Exif\0\0", b"ICC_PROFILE\0"
APP0, APP1, APP2, APP11, APP13, APP14, COMMENT, SCAN, END = 0xE0, 0xE1, 0xE2, 0xEB, 0xED, 0xEE, 0xFE, 0xDA, 0xD9
SEGMENT_LIMIT = 65_533
PIECE_LIMIT = 65_536

EXIF_FLAG, XMP_FLAG, ICC_FLAG, ALPHA_FLAG, ANIMATION_FLAG = 0x08, 0x04, 0x20, 0x10, 0x02

Role = Literal["picture", "colour", "exif", "xmp", "extended xmp", "text", "iptc", "manifest", "other"]

_PNG_ROLES: dict[bytes, Role] = {
    **dict.fromkeys((b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"acTL", b"fcTL", b"fdAT", b"bKGD"), "picture"),
    **dict.fromkeys((b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYs", b"cICP", b"mDCV", b"cLLI"), "colour"),
    **dict.fromkeys((b"tEXt", b"zTXt", b"iTXt"), "text"),
    b"eXIf": "exif",
    b"caBX": "manifest",
}
_WEBP_ROLES: dict[bytes, Role] = {
    **dict.fromkeys((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"), "picture"),
    b"ICCP": "colour",
    b"EXIF": "exif",
    b"XMP ": "xmp",
    b"C2PA": "manifest",
}
_SCAN_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")


@dataclass(frozen=True, slots=True)
class Piece:
    """One chunk or segment: its type (a JPEG's marker byte), its data, and what it is for."""

    kind: bytes
    data: bytes
    role: Role


@dataclass(frozen=True)
class Pieces:
    """A file taken apart.

    Attributes:
        format: png, jpeg, webp or avif.
        pieces: in the order of the file; of a JPEG those before the first scan, of an AVIF those that can be taken out.
        picture: of a JPEG the bytes from the first scan to the end marker, of an AVIF the whole file; else empty.
        after: bytes behind the end of the picture: a second picture, a film, or anything.
    """

    format: FormatName
    pieces: tuple[Piece, ...]
    picture: bytes = b""
    after: bytes = b""

    def __iter__(self) -> Iterator[Piece]:
        return iter(self.pieces)

    def of(self, role: Role) -> Piece | None:
        """The first piece of a role."""
        return next((piece for piece in self.pieces if piece.role == role), None)

    def joined(self) -> bytes:
        """The file again."""
        if self.format == "png":
            body = b"".join(_chunk(piece.kind, piece.data) for piece in self.pieces)
            return PNG_SIGNATURE + body + self.after
        if self.format == "jpeg":
            return b"\xff\xd8" + b"".join(_segment(piece) for piece in self.pieces) + self.picture + self.after
        if self.format == "avif":
            return _avif_joined(self) + self.after
        body = b"WEBP" + b"".join(_riff(piece) for piece in _webp_ordered(self.pieces))
        return b"RIFF" + struct.pack("<I", len(body)) + body + self.after


def taken_apart(data: bytes) -> Pieces:
    """The pieces of a PNG, JPEG, WebP or AVIF file. Raises PictureError for all else, and for a file cut short."""
    if data[:8] == PNG_SIGNATURE:
        return _png(data)
    if data[:2] == b"\xff\xd8":
        return _jpeg(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    if isobmff.is_avif(data):
        end = isobmff.end_of(data)
        return Pieces("avif", _avif_pieces(data[:end]), data[:end], data[end:])
    raise PictureError("the file is no PNG, JPEG, WebP or AVIF; expected one of these; convert it first, then mark it")


def _broken(name: str) -> PictureError:
    return PictureError(f"the bytes are no whole {name} file; expected one; get the file again or save it anew")


# --- PNG ---------------------------------------------------------------------------------------


def _png(data: bytes) -> Pieces:
    pieces, end = [], 0
    for kind, start, end in png_chunks(data):
        pieces.append(Piece(kind, data[start:end], _png_role(kind, data[start : start + 80])))
    if not pieces or pieces[0].kind != b"IHDR" or pieces[-1].kind != b"IEND":
        raise _broken("PNG")
    return Pieces("png", tuple(pieces), after=data[end + 4 :])


def _png_role(kind: bytes, start: bytes) -> Role:
    if kind == b"iTXt" and start.startswith(b"XML:com.adobe.xmp\0"):
        return "xmp"
    return _PNG_ROLES.get(kind, "other")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_text(keyword: str, text: str) -> Piece:
    """A text chunk: tEXt for plain ASCII, iTXt for everything else."""
    name, encoded = keyword.encode("latin-1"), text.encode("utf-8", "replace").replace(b"\0", b"")
    if text.isascii():
        return Piece(b"tEXt", name + b"\0" + encoded, "text")
    return Piece(b"iTXt", name + b"\0\0\0\0\0" + encoded, "text")


def png_itxt(piece: Piece) -> bytes | None:
    """The text of an international text chunk, unpacked; None when it cannot be."""
    rest = piece.data.partition(b"\0")[2]
    text = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    return inflated(text) if rest[:1] == b"\1" else text


def png_keyword(piece: Piece) -> str:
    """The keyword of a text chunk."""
    return piece.data[:80].partition(b"\0")[0].decode("latin-1")


# --- JPEG --------------------------------------------------------------------------------------


def _jpeg(data: bytes) -> Pieces:
    pieces: list[Piece] = []
    offset = 2
    while len(pieces) < PIECE_LIMIT:
        while data[offset : offset + 2] == b"\xff\xff":
            offset += 1
        marker, length = data[offset + 1 : offset + 2], int.from_bytes(data[offset + 2 : offset + 4], "big")
        if data[offset : offset + 1] != b"\xff" or len(marker) != 1 or marker[0] == END or length < 2:
            break
        if marker[0] == SCAN:
            end = _jpeg_end(data, offset)
            return Pieces("jpeg", tuple(pieces), data[offset:end], data[end:])
        segment = data[offset + 4 : offset + 2 + length]
        if len(segment) != length - 2:
            break
        pieces.append(Piece(marker, segment, _jpeg_role(marker[0], segment)))
        offset += 2 + length
    raise _broken("JPEG")


def _jpeg_end(data: bytes, offset: int) -> int:
    """Behind the end marker: scans are walked, for a thumbnail in a table of a later scan may hold one too."""
    for _ in range(PIECE_LIMIT):
        if data[offset + 1 : offset + 2] == bytes([END]):
            return offset + 2
        offset += 2 + int.from_bytes(data[offset + 2 : offset + 4], "big")
        found = _SCAN_MARKER.search(data, offset)
        if found is None:
            break
        offset = found.end() - 2
    raise _broken("JPEG")


def _jpeg_role(marker: int, segment: bytes) -> Role:
    starts: tuple[tuple[int, bytes, Role], ...] = (
        (APP0, b"JFIF\0", "picture"),
        (APP1, b"Exif\0", "exif"),
        (APP1, XMP_MARKER, "xmp"),
        (APP1, EXTENDED_MARKER, "extended xmp"),
        (APP2, ICC_MARKER, "colour"),
        (APP11, b"", "manifest"),
        (APP13, b"", "iptc"),
        (APP14, b"Adobe", "picture"),
        (COMMENT, b"", "text"),
    )
    for number, start, role in starts:
        if marker == number and segment.startswith(start):
            return role
    return "other" if 0xE0 <= marker <= 0xEF else "picture"


def _segment(piece: Piece) -> bytes:
    if len(piece.data) > SEGMENT_LIMIT:
        raise PictureError(
            f"a mark of {len(piece.data):,} bytes does not fit into a JPEG segment of {SEGMENT_LIMIT:,}; "
            "expected a shorter prompt; leave the prompt out or use PNG"
        )
    return b"\xff" + piece.kind + struct.pack(">H", len(piece.data) + 2) + piece.data


# --- WebP --------------------------------------------------------------------------------------


def _webp(data: bytes) -> Pieces:
    size = int.from_bytes(data[4:8], "little") + 8
    body = data[:size]
    pieces = [Piece(kind, body[start:end], _WEBP_ROLES.get(kind, "other")) for kind, start, end in webp_chunks(body)]
    if len(data) < size - 1 or not any(piece.kind in (b"VP8 ", b"VP8L", b"ANMF") for piece in pieces):
        raise _broken("WebP")
    return Pieces("webp", tuple(pieces), after=data[size:])


def _riff(piece: Piece) -> bytes:
    return piece.kind + struct.pack("<I", len(piece.data)) + piece.data + b"\0" * (len(piece.data) % 2)


def _webp_ordered(pieces: tuple[Piece, ...]) -> list[Piece]:
    """The pieces with the header that they need: without metadata a plain file stays plain."""
    kinds = {piece.kind for piece in pieces}
    old = next((piece.data for piece in pieces if piece.kind == b"VP8X"), None)
    rest = [piece for piece in pieces if piece.kind != b"VP8X"]
    if old is None and not kinds & {b"EXIF", b"XMP ", b"ICCP", b"C2PA"}:
        return rest
    header = old if old is not None and len(old) >= 10 else _webp_header(rest)
    flags = header[0] & ~(EXIF_FLAG | XMP_FLAG | ICC_FLAG)
    flags |= EXIF_FLAG * (b"EXIF" in kinds) | XMP_FLAG * (b"XMP " in kinds) | ICC_FLAG * (b"ICCP" in kinds)
    place = {b"ICCP": 0, b"EXIF": 2, b"XMP ": 3, b"C2PA": 4}
    rest.sort(key=lambda piece: place.get(piece.kind, 1))
    return [Piece(b"VP8X", bytes([flags]) + header[1:], "picture"), *rest]


def _webp_header(pieces: list[Piece]) -> bytes:
    """The extended header of a file that had none: flags, and width and height less one, 24 bits each."""
    picture = next(piece for piece in pieces if piece.kind in (b"VP8 ", b"VP8L"))
    if picture.kind == b"VP8L":
        bits = int.from_bytes(picture.data[1:5], "little")
        width, height, alpha = bits & 0x3FFF, bits >> 14 & 0x3FFF, bits >> 28 & 1
    else:
        width = (int.from_bytes(picture.data[6:8], "little") & 0x3FFF) - 1
        height = (int.from_bytes(picture.data[8:10], "little") & 0x3FFF) - 1
        alpha = 0
    if width < 0 or height < 0:
        raise _broken("WebP")
    return struct.pack("<I", ALPHA_FLAG * alpha) + width.to_bytes(3, "little") + height.to_bytes(3, "little")


# --- AVIF --------------------------------------------------------------------------------------


def _avif_pieces(data: bytes) -> tuple[Piece, ...]:
    """The EXIF and XMP items, and the boxes at the top that a picture does not need."""
    file = isobmff.File(data)
    pieces = []
    for item in file.items:
        if item.metadata == "exif":
            payload = file.payload(item)
            pieces.append(Piece(b"Exif", payload[4 + int.from_bytes(payload[:4], "big") :], "exif"))
        elif item.metadata == "xmp":
            pieces.append(Piece(b"mime", file.payload(item), "xmp"))
    tops = [box for box in file.boxes if box.kind not in (b"ftyp", b"meta", b"mdat")]
    return (*pieces, *(_avif_box(data, box) for box in tops))


def _avif_box(data: bytes, box: isobmff.Box) -> Piece:
    signed = box.kind == b"uuid" and data[box.payload : box.payload + 16] == isobmff.C2PA_BOX
    return Piece(box.kind, data[box.start : box.end], "manifest" if signed else "other")


def _avif_joined(pieces: Pieces) -> bytes:
    data = pieces.picture
    if pieces.pieces == _avif_pieces(data):
        return data
    roles: tuple[isobmff.Metadata, ...] = ("exif", "xmp")
    added = [(role, piece.data) for role in roles if (piece := pieces.of(role)) is not None]
    wanted = set(pieces.pieces)
    kept = [box for box in isobmff.boxes(data, 0, len(data)) if _avif_box(data, box) in wanted]
    return isobmff.rebuilt(data, added, kept)


# --- putting marks in ----------------------------------------------------------------------------


def with_metadata(pieces: Pieces, exif: bytes | None, xmp: str | None, texts: tuple[Piece, ...] = ()) -> Pieces:
    """The file with these marks in place of those of the same kind.

    Args:
        pieces: the file.
        exif: a TIFF block, or None for no EXIF.
        xmp: a packet, or None for no XMP.
        texts: PNG text chunks to add; those of the same keywords are replaced.
    """
    names = {png_keyword(piece) for piece in texts}
    kept = [
        piece
        for piece in pieces
        if piece.role not in ("exif", "xmp")
        and not (pieces.format == "png" and piece.role == "text" and png_keyword(piece) in names)
    ]
    added = [*texts, *_exif_piece(pieces.format, exif), *_xmp_piece(pieces.format, xmp)]
    place = _place(pieces.format, kept)
    return replace(pieces, pieces=(*kept[:place], *added, *kept[place:]))


def _place(name: FormatName, kept: list[Piece]) -> int:
    """Where marks go: behind a PNG's header, behind JFIF's, at the end of WebP and AVIF (put in order later)."""
    if name == "png":
        return 1
    if name in ("webp", "avif"):
        return len(kept)
    return next((index for index, piece in enumerate(kept) if piece.kind != bytes([APP0])), len(kept))


def _exif_piece(name: FormatName, block: bytes | None) -> list[Piece]:
    if block is None:
        return []
    kinds = {"png": b"eXIf", "jpeg": bytes([APP1]), "webp": b"EXIF", "avif": b"Exif"}
    return [Piece(kinds[name], EXIF_MARKER + block if name == "jpeg" else block, "exif")]


def _xmp_piece(name: FormatName, packet: str | None) -> list[Piece]:
    if packet is None:
        return []
    text = packet.encode("utf-8", "replace")
    if name == "png":
        return [Piece(b"iTXt", XMP_KEYWORD + text, "xmp")]
    if name == "jpeg":
        return [Piece(bytes([APP1]), XMP_MARKER + text, "xmp")]
    return [Piece(b"XMP " if name == "webp" else b"mime", text, "xmp")]
