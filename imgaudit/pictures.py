"""From files to pictures: which files are pictures, and how the bytes of one become pixels.

Everything here is read from strangers. Sizes are checked before anything is decoded, every fault of a decoder becomes
a sentence, and no decoder that starts another program (EPS through Ghostscript, WMF through the system) is used.
"""

from __future__ import annotations

import os
import stat
import threading
import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from imgaudit.digest import digest_bytes, digest_pixels
from imgaudit.errors import PictureError, UsageError
from imgaudit.types import Picture

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

MIB = 1 << 20
SNIFFED_BYTES = 64
PROFILE_BYTES = 4 * MIB
DETAIL_LENGTH = 160

# fmt: off
SUFFIXES = frozenset((
    ".apng", ".avif", ".avifs", ".bmp", ".cur", ".dcx", ".dds", ".dib", ".exr", ".gif", ".heic", ".heif", ".icns",
    ".ico", ".j2c", ".j2k", ".jfif", ".jp2", ".jpc", ".jpe", ".jpeg", ".jpf", ".jpg", ".jpx", ".jxl", ".mpo", ".pbm",
    ".pcx", ".pfm", ".pgm", ".png", ".pnm", ".ppm", ".psd", ".qoi", ".sgi", ".tga", ".tif", ".tiff", ".webp",
))
# fmt: on
"""Suffixes by which a file claims to be a picture, whatever is in it."""

_SIGNATURES: tuple[tuple[int, bytes], ...] = (
    (0, b"\x89PNG\r\n\x1a\n"),
    (0, b"\xff\xd8\xff"),
    (0, b"GIF87a"),
    (0, b"GIF89a"),
    (0, b"II*\x00"),
    (0, b"MM\x00*"),
    (0, b"II+\x00"),
    (0, b"MM\x00+"),
    (8, b"WEBP"),
    (4, b"ftypavif"),
    (4, b"ftypavis"),
    (4, b"ftypheic"),
    (4, b"ftypheix"),
    (4, b"ftypmif1"),
    (0, b"\x00\x00\x00\x0cjP  \r\n\x87\n"),
    (0, b"\xff\x4f\xff\x51"),
    (0, b"\x00\x00\x00\x0cJXL \r\n\x87\n"),
    (0, b"8BPS"),
    (0, b"qoif"),
    (0, b"DDS \x7c\x00\x00\x00"),
    (0, b"icns"),
    (0, b"v/1\x01"),
)
_BMP_HEADERS = frozenset((12, 40, 52, 56, 64, 108, 124))

# fmt: off
_FORMATS = (
    "AVIF", "BLP", "BMP", "CUR", "DCX", "DDS", "DIB", "FITS", "FLI", "FTEX", "GBR", "GIF", "ICNS", "ICO", "IM", "IMT",
    "JPEG", "JPEG2000", "MCIDAS", "MSP", "PCD", "PCX", "PIXAR", "PNG", "PPM", "PSD", "QOI", "SGI", "SPIDER", "SUN",
    "TGA", "TIFF", "WEBP", "XBM", "XPM", "XVTHUMB",
)
# fmt: on
"""Pillow's raster formats: none of them starts another program or reads a second file."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a file may be before it is refused unread.

    Attributes:
        max_bytes: the largest file. 512 MiB holds an uncompressed picture of the largest size, in 8 bits.
        max_pixels: the largest picture. It is the number above which Pillow refuses by itself (twice its
            `MAX_IMAGE_PIXELS`); such a picture takes about 2 GiB while it is decoded.
        max_side: the longest side. 65,000 is above every camera's and near what JPEG can hold (65,535); a longer
            one is a crafted header more often than a picture.
    """

    max_bytes: int = 512 * MIB
    max_pixels: int = 178_956_970
    max_side: int = 65_000


# --- decoding ----------------------------------------------------------------------------------


def read(path: Path, limits: Limits | None = None) -> bytes:
    """The bytes of a picture file; a file that is too large is refused before it is read."""
    limits = limits or Limits()
    try:
        size = path.stat().st_size
        if size > limits.max_bytes:
            raise PictureError(_too_many_bytes(size, limits))
        return path.read_bytes()
    except OSError as error:
        raise PictureError(f"the file cannot be read: {(error.strerror or 'unknown reason').lower()}") from error


def decode(data: bytes, id: str, limits: Limits | None = None) -> tuple[Picture, str | None]:
    """The picture that bytes hold, and None; or a picture without pixels, and a sentence that says what is wrong.

    EXIF orientation is applied, transparency is laid on white, an embedded colour profile is converted to sRGB,
    16-bit and float samples are scaled to 8 bits, and of an animation the first frame is taken. `Picture.pixels` is
    the digest of the RGBA that `rgb` was made of. Safe to call from several threads.
    """
    limits = limits or Limits()
    file = digest_bytes(data)
    name: str | None = None
    try:
        if len(data) > limits.max_bytes:
            raise PictureError(_too_many_bytes(len(data), limits))
        with _no_warnings(), _opened(data) as image:
            name, mode = image.format, image.mode
            _check_size(image.size, limits)
            _check_frames(image, len(data))
            image.load()
            rgba = _oriented(_as_rgba(image), _orientation(image))
            transparent = _transparent(rgba)
            rgb = on_white(rgba) if transparent else _plain_rgb(rgba)
            picture = Picture(id, data, file, rgb, _digest(rgba), mode, name, transparent)
    except PictureError as error:
        return Picture(id, data, file, format=name), str(error)
    except Exception as error:  # decoders of broken files raise anything, from struct.error to MemoryError
        return Picture(id, data, file, format=name), _sentence(error, name)
    return picture, None


@contextmanager
def opened(data: bytes, limits: Limits | None = None) -> Iterator[Image.Image]:
    """The file as its header describes it, no pixel decoded. Raises PictureError for what cannot be opened."""
    with _no_warnings(), _opened(data) as image:
        _check_size(image.size, limits or Limits())
        yield image


def still_rgba(data: bytes, limits: Limits | None = None) -> np.ndarray:
    """The RGBA, uint8 (height, width, 4), that `Picture.pixels` is the digest of. Raises PictureError.

    An animation is refused: what was changed in its first frame would be gone in the next one.
    """
    import numpy as np

    name: str | None = None
    try:
        with _no_warnings(), _opened(data) as image:
            name = image.format
            _check_size(image.size, limits or Limits())
            if getattr(image, "is_animated", False):
                raise PictureError("the picture is an animation; expected a still one")
            image.load()
            return np.array(_oriented(_as_rgba(image), _orientation(image)))
    except PictureError:
        raise
    except Exception as error:  # as for `decode`
        raise PictureError(_sentence(error, name)) from error


def _opened(data: bytes) -> Image.Image:
    from PIL import Image, ImageFile, UnidentifiedImageError

    # WeasyPrint, imported by whoever writes a PDF, lets every cut-off file of the process pass as whole
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    if not data:
        raise PictureError("the file is empty; a picture was expected. Export it again")
    Image.init()
    try:
        return Image.open(BytesIO(data), formats=[name for name in _FORMATS if name in Image.OPEN])
    except UnidentifiedImageError:
        raise PictureError(
            "the content is no picture of a format that can be decoded, or its header is broken;"
            " expected PNG, JPEG, WebP, AVIF, TIFF, GIF, BMP or the like. Convert or export it again"
        ) from None


def _check_size(size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise PictureError(f"the header claims {width} x {height} pixels; expected at least 1 x 1")
    if max(size) > limits.max_side:
        raise PictureError(f"the header claims {width} x {height} pixels; at most {limits.max_side} a side are decoded")
    if width * height > limits.max_pixels:
        raise PictureError(f"the header claims {width} x {height} pixels; at most {limits.max_pixels} are decoded")


def _check_frames(image: Image.Image, size: int) -> None:
    """Raise when an animation has a header of a later frame that is broken: the first one loads, the file is no good.

    Counting the frames reads the whole file. A hostile one holds a frame in every dozen bytes, so of a large file only
    the start of the second frame is looked at.
    """
    getattr(image, "n_frames" if size <= MIB else "is_animated", None)


def _too_many_bytes(size: int, limits: Limits) -> str:
    return f"the file has {size / MIB:.0f} MiB; at most {limits.max_bytes / MIB:.0f} MiB are read"


def _sentence(error: Exception, name: str | None) -> str:
    """What went wrong, for people; the decoder's own words are cut, since a file can put text into them."""
    from PIL import Image

    if isinstance(error, Image.DecompressionBombError):
        return "the header claims more pixels than are decoded, as a decompression bomb does. Scale the picture down"
    if isinstance(error, MemoryError):
        return "there is not enough memory to decode the picture. Scale it down, or fewer at once"
    words = "".join(c if c.isprintable() else " " for c in str(error))[:DETAIL_LENGTH].strip()
    detail = words or type(error).__name__
    kind = f"{name} file" if name else "file"
    return f"the {kind} is broken, cut off or of a kind that cannot be decoded ({detail}). Export it again"


def _as_rgba(image: Image.Image) -> Image.Image:
    """RGBA in sRGB of a loaded image of any mode."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _scaled(image).convert("RGBA")
    profile = image.info.get("icc_profile")
    if image.mode == "LAB":
        return _from_lab(image).convert("RGBA")
    if isinstance(profile, bytes) and 0 < len(profile) <= PROFILE_BYTES:
        return _in_srgb(image, profile) or _plain(image)
    return _plain(image)


def _plain(image: Image.Image) -> Image.Image:
    if image.mode in ("La", "RGBa"):
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    if image.mode in ("CMYK", "YCbCr", "HSV"):
        image = image.convert("RGB")
    return image.convert("RGBA")


def _scaled(image: Image.Image) -> Image.Image:
    """8-bit grey of 16-bit, 32-bit or float samples: scaled by what the samples can hold, never clipped."""
    import numpy as np
    from PIL import Image

    values = np.nan_to_num(np.asarray(image, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    ceiling = _ceiling(image, high)
    if low < 0 or high > ceiling:
        values, ceiling = values - low, max(high - low, 1e-12)
    return Image.fromarray(np.round(values * (255 / ceiling)).astype(np.uint8))


def _ceiling(image: Image.Image, high: float) -> float:
    """The value that means white: by the mode and, in TIFF, by the bits of a sample (12-bit scans are common)."""
    if image.mode == "F":
        return 1.0 if high <= 1 else 255.0
    bits = getattr(image, "tag_v2", {}).get(258, (16,))
    depth = bits[0] if isinstance(bits, tuple) and bits else 16
    return float((1 << depth) - 1) if isinstance(depth, int) and 8 < depth <= 16 else 65535.0


def _from_lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    converted = ImageCms.profileToProfile(
        image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    return converted if converted is not None else image


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image | None:
    """The image converted by its colour profile; None when it is sRGB already or the profile cannot be used."""
    from PIL import ImageCms

    rgba = None if image.mode in ("CMYK", "L", "RGB") and "transparency" not in image.info else _plain(image)
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if ImageCms.getProfileDescription(source).lower().startswith("srgb"):
            return None
        colours = image if rgba is None else rgba.convert("RGB")
        converted = ImageCms.profileToProfile(colours, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    if converted is None:
        return None
    converted = converted.convert("RGBA")
    if rgba is not None:
        converted.putalpha(rgba.getchannel("A"))
    return converted


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1..8; a broken EXIF block does not make the pixels unreadable, so it counts as upright."""
    try:
        value = image.getexif().get(0x0112, 1)
    except Exception:  # EXIF is parsed from hostile bytes and raises as freely as a decoder
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _oriented(image: Image.Image, orientation: int) -> Image.Image:
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return image.transpose(turns[orientation]) if orientation in turns else image


def _digest(rgba: Image.Image) -> str:
    import numpy as np

    return digest_pixels(np.asarray(rgba))


def _transparent(rgba: Image.Image) -> float:
    """Share of the pixels that are not opaque."""
    if rgba.getchannel("A").getextrema() == (255, 255):
        return 0.0
    return 1 - rgba.getchannel("A").histogram()[255] / (rgba.width * rgba.height)


def on_white(rgba: Image.Image) -> np.ndarray:
    """RGB, uint8 (height, width, 3), of an RGBA picture laid on white, as every check sees it."""
    from PIL import Image

    return _plain_rgb(Image.alpha_composite(Image.new("RGBA", rgba.size, (255, 255, 255, 255)), rgba))


def _plain_rgb(rgba: Image.Image) -> np.ndarray:
    import numpy as np

    return np.ascontiguousarray(np.asarray(rgba.convert("RGB"), dtype=np.uint8))


class _Silence:
    """Python's warnings, off while at least one thread decodes.

    `warnings.catch_warnings` changes the filters of the whole process: two threads that enter and leave it crosswise
    leave them changed. Here the first to enter saves them and the last to leave puts them back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0
        self._saved = warnings.catch_warnings()

    def enter(self) -> None:
        with self._lock:
            if self._depth == 0:
                self._saved = warnings.catch_warnings()
                self._saved.__enter__()
                warnings.simplefilter("ignore")
            self._depth += 1

    def leave(self) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0:
                self._saved.__exit__(None, None, None)


_silence = _Silence()


@contextmanager
def _no_warnings() -> Iterator[None]:
    _silence.enter()
    try:
        yield
    finally:
        _silence.leave()


# --- finding -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FoundFile:
    r"""A file to audit.

    Attributes:
        root: index of the folder it was found under, in `Found.roots`.
        relative: posix path below that folder; bytes of a name that are no UTF-8 are written as `\xNN`.
        path: where the file lies.
    """

    root: int
    relative: str
    path: Path

    @property
    def display(self) -> str:
        """`r<root>/<relative>`: the path on record, which tells nothing about the machine."""
        return f"r{self.root}/{self.relative}"


@dataclass(frozen=True, slots=True)
class Found:
    """What a search brought: folders, files to audit, and what was left out with the reason."""

    roots: tuple[Path, ...]
    files: tuple[FoundFile, ...]
    skipped: tuple[tuple[str, str], ...]


def find_files(paths: Sequence[Path], all_files: bool = False) -> Found:
    """The pictures among files and folders, in the order of the paths and sorted below each.

    A file given by name is always taken. In a folder, a file is a picture when its suffix says so (it may then turn
    out to be broken) or when its first bytes do; `all_files` takes every file. Hidden files and folders, links to
    folders, and a file met a second time are left out and named.
    """
    search = _Search(all_files)
    for path in paths:
        search.add(path)
    return Found(tuple(search.roots), tuple(search.files), tuple(search.skipped))


class _Search:
    def __init__(self, all_files: bool) -> None:
        self.all_files = all_files
        self.roots: list[Path] = []
        self.files: list[FoundFile] = []
        self.skipped: list[tuple[str, str]] = []
        self._seen: dict[str, str] = {}

    def add(self, path: Path) -> None:
        if path.is_dir():
            self._add_folder(path.resolve())
        elif path.exists():
            folder = path.parent.resolve()
            self._take(FoundFile(self._root(folder), _name(path.name), folder / path.name))
        else:
            raise UsageError(f"{str(path)!r}: there is no such file or folder; expected pictures or a folder of them")

    def _root(self, folder: Path) -> int:
        if folder not in self.roots:
            self.roots.append(folder)
        return self.roots.index(folder)

    def _add_folder(self, folder: Path) -> None:
        root = self._root(folder)
        for here, folders, names in os.walk(folder, onerror=lambda error: self._unreadable(root, folder, error)):
            prefix = _prefix(folder, here)
            folders[:] = [name for name in sorted(folders) if self._enters(root, prefix, Path(here) / name)]
            for name in sorted(names):
                found = FoundFile(root, prefix + _name(name), Path(here) / name)
                why = None if self.all_files else _no_picture(found.path)
                if why is None:
                    self._take(found)
                else:
                    self.skipped.append((found.display, why))

    def _enters(self, root: int, prefix: str, folder: Path) -> bool:
        display = f"r{root}/{prefix}{_name(folder.name)}/"
        if folder.is_symlink():
            self.skipped.append((display, "a link to a folder; name the folder itself to audit it"))
            return False
        if folder.name.startswith("."):
            self.skipped.append((display, "a hidden folder"))
            return False
        return True

    def _unreadable(self, root: int, folder: Path, error: OSError) -> None:
        display = f"r{root}/{_prefix(folder, error.filename or folder)}"
        self.skipped.append((display, f"the folder cannot be read: {(error.strerror or 'unknown reason').lower()}"))

    def _take(self, found: FoundFile) -> None:
        why = _no_file(found.path)
        real = os.path.realpath(found.path)
        if why is None and real in self._seen:
            first = self._seen[real]
            if first == found.display:
                return
            why = f"the same file as {first}"
        if why is not None:
            self.skipped.append((found.display, why))
            return
        self._seen[real] = found.display
        self.files.append(found)


def _prefix(folder: Path, here: str | Path) -> str:
    relative = Path(here).relative_to(folder).as_posix()
    return "" if relative == "." else _name(relative) + "/"


def _name(name: str) -> str:
    """A file name that can be written as UTF-8, composed (NFC) so that one name has one spelling on every system."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return unicodedata.normalize("NFC", text)


def _no_file(path: Path) -> str | None:
    """Why a path is nothing that can be read like a file; opening a pipe would wait for ever."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return f"it cannot be reached: {(error.strerror or 'unknown reason').lower()}"
    return None if stat.S_ISREG(mode) else "not a regular file"


def _no_picture(path: Path) -> str | None:
    """Why a file of a folder is not taken for a picture; None when it is one, or claims to be."""
    if path.name.startswith("."):
        return "a hidden file"
    if path.suffix.lower() in SUFFIXES:
        return None
    why = _no_file(path)
    if why is not None:
        return why
    try:
        with path.open("rb") as stream:
            head = stream.read(SNIFFED_BYTES)
    except OSError as error:
        return f"it cannot be read: {(error.strerror or 'unknown reason').lower()}"
    return None if looks_like_picture(head) else "no picture, by suffix and content"


def looks_like_picture(head: bytes) -> bool:
    """Whether the first 64 bytes of a file are those of a picture format.

    >>> looks_like_picture(b"GIF89a......"), looks_like_picture(b"BM is a town")
    (True, False)
    """
    if any(head[at : at + len(mark)] == mark for at, mark in _SIGNATURES):
        return True
    return head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS
