"""What kind of file a picture is: mode, colour profile, orientation, frames, transparency, quantisation.

Reads the header and decodes no pixel. Known limits: of a file above a mebibyte only whether it has a second frame is
looked at, not how many; a profile is judged by its header and description, not by its curves; EXIF that stands behind
the pixels of a PNG is not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from io import BytesIO
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from imgaudit.errors import PictureError
from imgaudit.kernels.quality import quality_of_table
from imgaudit.percepts import FileFacts
from imgaudit.pictures import MIB, PROFILE_BYTES, opened
from imgaudit.registry import perceiver
from imgaudit.types import Abstained, Failed, Look, Sight

if TYPE_CHECKING:
    from PIL import Image

Profile = Literal["none", "srgb", "other", "undeclared", "unfit", "unusable"]

SPACES: Mapping[str, str] = {
    "RGB": "RGB", "RGBA": "RGB", "RGBX": "RGB", "P": "RGB", "L": "GRAY", "LA": "GRAY", "1": "GRAY", "I": "GRAY",
    "F": "GRAY", "I;16": "GRAY", "CMYK": "CMYK", "LAB": "Lab", "YCbCr": "RGB",
}  # fmt: skip
"""Mode -> the colour space that its profile must be about."""

EXIF_IFD, EXIF_COLOUR_SPACE, UNCALIBRATED = 0x8769, 0xA001, 0xFFFF
EXIF_ORIENTATION = 0x0112
DESCRIPTION_LENGTH = 80
MOST_FRAMES = 100_000


@perceiver
class FilePerceiver:
    """Reads the header of a file: mode, colour profile, EXIF orientation, frames, quantisation. No parameters."""

    name: ClassVar[str] = "file"
    title: ClassVar[str] = "Facts of the picture file"
    version: ClassVar[str] = "1"
    reads: ClassVar[Literal["pixels", "bytes"]] = "bytes"

    def identity(self) -> Mapping[str, str]:
        """Pillow reads the headers."""
        return {"pillow": version("pillow")}

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One sight a look."""
        return [self._sight(look) for look in looks]

    def _sight(self, look: Look) -> Sight:
        try:
            with opened(look.picture.data) as image:
                return file_facts(image, len(look.picture.data))
        except PictureError as error:
            return Abstained(f"the header cannot be read: {error}")
        except Exception as error:  # headers of hostile files make Pillow raise anything
            return Failed(f"the header cannot be read: {type(error).__name__}: {error}"[:300])


def file_facts(image: Image.Image, size: int) -> FileFacts:
    """The facts of an opened file of `size` bytes."""
    profile, description = _profile(image)
    tables = getattr(image, "quantization", None)
    luma = tables.get(0) if isinstance(tables, dict) else None
    return FileFacts(
        format=image.format or "unknown",
        mode=image.mode,
        profile=profile,
        profile_name=description,
        orientation=_orientation(image),
        frames=_frames(image, size),
        transparency=image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info,
        jpeg_quality=quality_of_table(luma) if luma is not None and len(luma) == 64 else None,
        subsampling=_subsampling(image),
    )


def _profile(image: Image.Image) -> tuple[Profile, str | None]:
    """Whether the colours of a file are declared, and by what."""
    data = image.info.get("icc_profile")
    if isinstance(data, bytes) and data:
        return _icc(data, image.mode)
    if "srgb" in image.info:
        return "srgb", None
    return ("undeclared" if _uncalibrated(image) else "none"), None


def _icc(data: bytes, mode: str) -> tuple[Profile, str | None]:
    from PIL import ImageCms

    if len(data) > PROFILE_BYTES:
        return "unusable", None
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(data))
        space = str(profile.profile.xcolor_space).strip()
        words = "".join(c for c in ImageCms.getProfileDescription(profile) if c.isprintable())
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return "unusable", None
    description = words.strip()[:DESCRIPTION_LENGTH] or None
    if space != SPACES.get(mode, space):
        return "unfit", description
    return ("srgb" if words.lower().startswith("srgb") else "other"), description


def _uncalibrated(image: Image.Image) -> bool:
    """Whether EXIF says that the colours are not sRGB: what cameras write for Adobe RGB."""
    return _exif(image, EXIF_IFD).get(EXIF_COLOUR_SPACE) == UNCALIBRATED


def _orientation(image: Image.Image) -> int:
    value = _exif(image).get(EXIF_ORIENTATION, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _exif(image: Image.Image, folder: int | None = None) -> Mapping[int, Any]:
    from PIL import Image

    try:
        # a PNG's own method decodes the whole picture to look for a block behind it
        exif = Image.Image.getexif(image)
        return dict(exif if folder is None else exif.get_ifd(folder))
    except Exception:  # EXIF is parsed from hostile bytes and raises anything; broken EXIF says nothing
        return {}


def _frames(image: Image.Image, size: int) -> int:
    """Frames or pages; of a large file 2 stands for two or more, since counting reads the whole of it."""
    if size > MIB:
        return 2 if getattr(image, "is_animated", False) else 1
    return max(1, min(int(getattr(image, "n_frames", 1)), MOST_FRAMES))


def _subsampling(image: Image.Image) -> str | None:
    """How a JPEG stores chroma, as 4:4:4, 4:2:2 or 4:2:0; by its factors where it is none of these."""
    layers = getattr(image, "layer", None)
    if image.format not in ("JPEG", "MPO") or not layers or len(layers) < 3:
        return None
    across, down = layers[0][1] // max(1, layers[1][1]), layers[0][2] // max(1, layers[1][2])
    return {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (4, 1): "4:1:1"}.get((across, down), f"{across}x{down}")
