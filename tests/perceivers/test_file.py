"""The header of a file: what is declared, what is missing, and what a hostile one does."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from imgaudit.perceivers.file import FilePerceiver
from imgaudit.percepts import FileFacts
from imgaudit.pictures import Limits, decode, opened
from imgaudit.registry import perceivers
from imgaudit.types import Abstained, Look, Picture, Query, Sight

QUERY = Query("file")
RGB = Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8))


def encoded(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def sight(data: bytes) -> Sight:
    return FilePerceiver().perceive([Look(Picture("a", data, "0" * 64), QUERY)])[0]


def facts(data: bytes) -> FileFacts:
    seen = sight(data)
    assert isinstance(seen, FileFacts)
    return seen


def profile(kind: str = "sRGB") -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(kind)).tobytes()


def exif(tags: dict[int, object], inner: dict[int, object] | None = None) -> bytes:
    made = Image.Exif()
    for tag, value in tags.items():
        made[tag] = value
    for tag, value in (inner or {}).items():
        made.get_ifd(0x8769)[tag] = value
    return made.tobytes()


def test_it_is_registered_and_reads_bytes():
    assert perceivers.get("file") is FilePerceiver
    assert FilePerceiver.reads == "bytes"


def test_a_plain_file_is_described_by_its_header():
    seen = facts(encoded(RGB))

    assert seen == FileFacts(format="PNG", mode="RGB", profile="none", orientation=1, frames=1, transparency=False)


@pytest.mark.parametrize("quality", [10, 60, 93])
def test_a_jpeg_tells_its_quality_and_its_chroma(quality: int):
    assert facts(encoded(RGB, "JPEG", quality=quality)).jpeg_quality == quality
    assert facts(encoded(RGB, "JPEG", subsampling="4:2:0")).subsampling == "4:2:0"
    assert facts(encoded(RGB, "JPEG", subsampling="4:4:4")).subsampling == "4:4:4"
    assert facts(encoded(RGB.convert("L"), "JPEG")).subsampling is None


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (encoded(RGB, icc_profile=profile()), "srgb"),
        (encoded(RGB, icc_profile=profile("XYZ")), "unfit"),
        (encoded(RGB.convert("L"), icc_profile=profile()), "unfit"),
        (encoded(RGB, icc_profile=b"no profile at all"), "unusable"),
        (encoded(RGB, "JPEG", exif=exif({}, {0xA001: 0xFFFF})), "undeclared"),
        (encoded(RGB, "JPEG", exif=exif({}, {0xA001: 1})), "none"),
    ],
)
def test_a_colour_profile_is_told_from_a_wrong_and_a_missing_one(data: bytes, expected: str):
    assert facts(data).profile == expected


def test_no_pixel_is_decoded(monkeypatch: pytest.MonkeyPatch):
    from PIL import ImageFile

    files = [encoded(RGB, kind) for kind in ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP")]
    files.append(encoded(RGB, exif=exif({0x0112: 6})))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: pytest.fail(f"a {image.format} was decoded"))

    assert [facts(data).orientation for data in files] == [1, 1, 1, 1, 1, 1, 6]


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_orientation_is_that_of_exif(orientation: int):
    assert facts(encoded(RGB, "JPEG", exif=exif({0x0112: orientation}))).orientation == orientation


def test_frames_pages_and_transparency_are_told():
    others = [RGB.transpose(Image.Transpose.FLIP_LEFT_RIGHT), RGB.rotate(90)]

    assert facts(encoded(RGB, "GIF", save_all=True, append_images=others)).frames == 3
    assert facts(encoded(RGB, "TIFF", save_all=True, append_images=others)).frames == 3
    assert facts(encoded(RGB.convert("RGBA"))).transparency
    assert not facts(encoded(RGB)).transparency


def test_what_cannot_be_opened_is_an_abstention_with_its_reason():
    for data in (b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 40):
        seen = sight(data)
        assert isinstance(seen, Abstained)
        assert "header" in seen.reason


def test_a_header_that_claims_too_much_is_refused_unread():
    data = bytearray(encoded(RGB))
    data[16:24] = struct.pack(">II", 60_000, 60_000)

    assert isinstance(sight(bytes(data)), Abstained)
    with pytest.raises(Exception, match="pixels"), opened(encoded(RGB), Limits(max_pixels=10)):
        pass


def test_a_cut_off_file_still_has_a_header():
    assert facts(encoded(RGB, "JPEG")[:700]).mode == "RGB"


def test_the_share_of_transparent_pixels_comes_with_the_decoded_picture():
    rgba = np.dstack([np.asarray(RGB), np.full((48, 64), 255, np.uint8)])
    rgba[:12, :, 3] = 40

    assert decode(encoded(Image.fromarray(rgba)), "a")[0].transparent == pytest.approx(0.25)
    assert decode(encoded(RGB), "a")[0].transparent == 0


@pytest.mark.slow
def test_no_hostile_file_makes_it_raise(corpora: Path):
    folder = corpora / "robustness"
    if not folder.is_dir():
        pytest.skip("no broken pictures")
    seen = [
        sight(path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.stat().st_size < 4 << 20
    ]

    assert sum(isinstance(one, FileFacts) for one in seen) > len(seen) // 2
    untold = [one for one in seen if not isinstance(one, FileFacts)]
    words = [one.reason if isinstance(one, Abstained) else one.error for one in untold]
    assert all(word.startswith("the header cannot be read: ") for word in words)
    assert any(isinstance(one, Abstained) for one in untold)
