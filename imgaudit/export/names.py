"""File names made of ids. An id is a stranger's text: it may be a path, a command or three hundred characters long."""

from __future__ import annotations

import re
import unicodedata

from imgaudit.digest import digest_bytes

PLAIN = re.compile(r"([a-z0-9][a-z0-9_-]{0,79})#(0|[1-9][0-9]{0,8})")
LONGEST = 60
SUFFIXES = {
    "PNG": ".png", "JPEG": ".jpg", "MPO": ".jpg", "WEBP": ".webp", "AVIF": ".avif", "GIF": ".gif", "TIFF": ".tif",
    "BMP": ".bmp", "DIB": ".bmp", "JPEG2000": ".jp2", "PPM": ".ppm", "TGA": ".tga", "QOI": ".qoi", "PSD": ".psd",
    "ICO": ".ico",
}  # fmt: skip


def safe_name(identity: str) -> str:
    """A file name without suffix: lower-case ASCII, no separators, the same whatever other pictures there are.

    An id of a suite's picture keeps its words; every other id keeps what is left of them beside a digest of the whole
    id, so that two ids never share a name, not even on a disk that takes upper and lower case for the same.

    >>> safe_name("a-red-circle#0"), safe_name("../../etc/Passwd")
    ('a-red-circle_0', 'etc-passwd_x834799dbfa16')
    """
    plain = PLAIN.fullmatch(identity)
    if plain is not None:
        return f"{plain[1]}_{plain[2]}"
    ascii_only = unicodedata.normalize("NFKD", identity).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")[:LONGEST].strip("-")
    return f"{words or 'picture'}_x{digest_bytes(identity.encode('utf-8', 'surrogatepass'))[:12]}"


def suffix_of(format_name: str | None) -> str:
    """The suffix of a format by Pillow's name; `.img` for one that has no customary suffix here."""
    return SUFFIXES.get(format_name or "", ".img")
