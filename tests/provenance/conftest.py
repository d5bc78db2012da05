"""Small files of every format, built byte by byte, so that a test shows what it reads."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image


class Build:
    """Writes files with given metadata. The pixels do not matter."""

    @staticmethod
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def png(self, texts: dict[str, str] | None = None, *chunks: tuple[bytes, bytes]) -> bytes:
        header = struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0)
        pixels = zlib.compress(b"\0" * 14)
        extra = [(b"iTXt", name.encode() + b"\0\0\0\0\0" + text.encode()) for name, text in (texts or {}).items()]
        whole = [(b"IHDR", header), *extra, *chunks, (b"IDAT", pixels), (b"IEND", b"")]
        return b"\x89PNG\r\n\x1a\n" + b"".join(self.chunk(kind, data) for kind, data in whole)

    @staticmethod
    def exif(tags: dict[int, bytes], inner: dict[int, bytes] | None = None, order: str = "<") -> bytes:
        """A TIFF block with one folder of byte values, and an EXIF folder inside it."""

        def folder(at: int, values: dict[int, bytes], link: int | None) -> bytes:
            count = len(values) + (link is not None)
            rest, entries = b"", b""
            for tag, value in values.items():
                where = struct.pack(order + "I", at + 2 + 12 * count + 4 + len(rest))
                entries += struct.pack(order + "HHI", tag, 7, len(value)) + (
                    where if len(value) > 4 else value.ljust(4, b"\0")
                )
                rest += value if len(value) > 4 else b""
            if link is not None:
                entries += struct.pack(order + "HHII", 0x8769, 4, 1, at + 2 + 12 * count + 4 + len(rest))
            return struct.pack(order + "H", count) + entries + b"\0\0\0\0" + rest

        head = b"II*\0" if order == "<" else b"MM\0*"
        first = folder(8, tags, 0 if inner else None)
        return head + struct.pack(order + "I", 8) + first + (folder(8 + len(first), inner, None) if inner else b"")

    @staticmethod
    def jpeg(*segments: tuple[int, bytes]) -> bytes:
        body = b"".join(struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data for marker, data in segments)
        return b"\xff\xd8" + body + b"\xff\xda\0\2\xff\xd9"

    @staticmethod
    def webp(**chunks: bytes) -> bytes:
        body = b""
        for kind, data in chunks.items():
            body += kind.ljust(4).encode() + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
        return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body

    @staticmethod
    def heif(exif: bytes) -> bytes:
        """A `meta` box with one EXIF item, as HEIF and AVIF have it."""

        def box(kind: bytes, data: bytes) -> bytes:
            return struct.pack(">I", 8 + len(data)) + kind + data

        payload = struct.pack(">I", 0) + exif
        entry = box(b"infe", b"\2\0\0\0" + struct.pack(">HH", 1, 0) + b"Exif\0")
        items = box(b"iinf", b"\0\0\0\0" + struct.pack(">H", 1) + entry)
        start = box(b"ftyp", b"avif\0\0\0\0avif")

        def places(offset: int) -> bytes:
            one = struct.pack(">HHHII", 1, 0, 1, offset, len(payload))
            return box(b"iloc", b"\0\0\0\0\x44\0" + struct.pack(">H", 1) + one)

        size = len(start) + len(box(b"meta", b"\0\0\0\0" + items + places(0))) + 8
        return start + box(b"meta", b"\0\0\0\0" + items + places(size)) + box(b"mdat", payload)

    @staticmethod
    def packet(properties: str) -> str:
        spaces = (
            'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
            'xmlns:exif="http://ns.adobe.com/exif/1.0/" '
            'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
            'xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        )
        rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
        return (
            f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{rdf}"><rdf:Description rdf:about="" {spaces}>'
            f"{properties}</rdf:Description></rdf:RDF></x:xmpmeta>"
        )

    @staticmethod
    def hidden(payload: bytes, magic: bytes, size: tuple[int, int] = (150, 160), colours: bool = False) -> bytes:
        """A PNG with the payload in the lowest bits of its pixels, down the columns."""
        width, height = size
        pixels = np.random.default_rng(0).integers(0, 256, (height, width, 4), dtype=np.uint8)
        bits = np.unpackbits(np.frombuffer(magic + struct.pack(">I", 8 * len(payload)) + payload, np.uint8))
        columns = pixels.transpose(1, 0, 2).copy()
        plane = columns[..., :3].reshape(-1) if colours else columns[..., 3].reshape(-1)
        plane[: bits.size] = plane[: bits.size] & 254 | bits
        if colours:
            columns[..., :3] = plane.reshape(width, height, 3)
        else:
            columns[..., 3] = plane.reshape(width, height)
        stream = BytesIO()
        Image.fromarray(np.ascontiguousarray(columns.transpose(1, 0, 2))).save(stream, format="PNG")
        return stream.getvalue()


@pytest.fixture(scope="session")
def build() -> Build:
    return Build()
