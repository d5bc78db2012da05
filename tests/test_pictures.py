"""Files become pictures, and whatever cannot becomes a sentence."""

from __future__ import annotations

import csv
import os
import struct
import threading
import warnings
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile

from imgaudit.digest import digest_bytes, digest_pixels
from imgaudit.errors import PictureError, UsageError
from imgaudit.pictures import Limits, decode, find_files, looks_like_picture, read

RED, BLUE = (220, 20, 30), (30, 40, 210)


def encoded(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def two_coloured(width: int = 40, height: int = 24) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image


def pixels_of(data: bytes) -> np.ndarray:
    picture, error = decode(data, "a")
    assert error is None
    assert picture.rgb is not None
    return picture.rgb


def png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


# --- decoding


def test_a_picture_knows_its_pixels_its_digests_and_its_format():
    data = encoded(two_coloured())
    rgba = np.asarray(two_coloured().convert("RGBA"))

    picture, error = decode(data, "r0/a.png")

    assert error is None
    assert picture.id == "r0/a.png"
    assert (picture.width, picture.height) == (40, 24)
    assert np.array_equal(picture.rgb, rgba[..., :3])
    assert picture.rgb.flags.c_contiguous
    assert picture.rgb.dtype == np.uint8
    assert picture.pixels == digest_pixels(rgba)
    assert picture.file == digest_bytes(data)
    assert (picture.mode, picture.format) == ("RGB", "PNG")


def test_equal_pixels_in_different_files_have_one_pixel_digest():
    png, bmp = decode(encoded(two_coloured()), "a")[0], decode(encoded(two_coloured(), "BMP"), "b")[0]

    assert png.pixels == bmp.pixels
    assert png.file != bmp.file


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_ends_upright(orientation: int):
    upright = two_coloured()
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose that stores the upright picture turned
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation

    assert np.array_equal(pixels_of(encoded(stored, exif=exif)), np.asarray(upright))


def test_transparency_is_laid_on_white_and_counts_in_the_digest():
    clear, white = Image.new("RGBA", (8, 8), (255, 0, 0, 0)), Image.new("RGBA", (8, 8), (255, 255, 255, 255))
    half = Image.new("RGBA", (8, 8), (0, 0, 0, 128))

    assert (pixels_of(encoded(clear)) == 255).all()
    assert np.abs(pixels_of(encoded(half)).astype(int) - 127).max() <= 1
    assert decode(encoded(clear), "a")[0].pixels != decode(encoded(white), "b")[0].pixels


def test_sixteen_bit_samples_are_scaled_and_not_clipped():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(1, 256).repeat(4, axis=0)

    rgb = pixels_of(encoded(Image.fromarray(ramp)))

    assert np.abs(rgb[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_twelve_bit_scans_reach_white(corpora: Path):
    scan = corpora / "robustness" / "pillow" / "12bit.cropped.tif"
    if not scan.is_file():
        pytest.skip("no 12-bit scan")

    with Image.open(scan) as image:
        brightest = int(np.asarray(image).max())

    assert brightest <= 4095
    assert pixels_of(scan.read_bytes()).max() == round(brightest / 4095 * 255)


def test_float_samples_are_scaled_by_their_range():
    unit = Image.fromarray(np.array([[0.0, 0.5, 1.0]], dtype=np.float32))
    wide = Image.fromarray(np.array([[-100.0, 0.0, 900.0]], dtype=np.float32))
    broken = Image.fromarray(np.array([[0.0, np.nan, 1.0]], dtype=np.float32))

    assert pixels_of(encoded(unit, "TIFF"))[0, :, 0].tolist() == [0, 128, 255]
    assert pixels_of(encoded(wide, "TIFF"))[0, :, 0].tolist() == [0, 26, 255]
    assert pixels_of(encoded(broken, "TIFF"))[0, :, 0].tolist() == [0, 0, 255]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr"])
def test_every_common_mode_keeps_dark_dark_and_light_light(mode: str):
    image = Image.new("L", (16, 16), 0)
    image.paste(255, (8, 0, 16, 16))
    format = "TIFF" if mode in ("CMYK", "YCbCr") else "PNG"

    rgb = pixels_of(encoded(image.convert("RGB").convert(mode), format)).astype(int)

    assert rgb[8, 3].max() <= 40
    assert rgb[8, 12].min() >= 215
    assert np.ptp(rgb[8, 12]) <= 6


def test_lab_is_read_as_colour():
    profile = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = ImageCms.applyTransform(two_coloured(), profile)

    rgb = pixels_of(encoded(lab, "TIFF")).astype(int)

    assert np.abs(rgb[5, 3] - RED).max() <= 6
    assert np.abs(rgb[5, 35] - BLUE).max() <= 6


def swapped_profile() -> bytes:
    """A profile in which the first channel is blue and the third red: sRGB with two of its tags exchanged."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    entries = [132 + 12 * k for k in range(struct.unpack_from(">I", data, 128)[0])]
    red, blue = (next(at for at in entries if data[at : at + 4] == tag) for tag in (b"rXYZ", b"bXYZ"))
    data[red : red + 4], data[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(data).replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))


def test_an_embedded_profile_is_converted_to_srgb():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    clear = two_coloured().convert("RGBA")
    clear.putalpha(128)

    assert np.array_equal(pixels_of(encoded(two_coloured(), icc_profile=srgb)), np.asarray(two_coloured()))
    swapped = pixels_of(encoded(two_coloured(), icc_profile=swapped_profile())).astype(int)
    assert np.abs(swapped - np.asarray(two_coloured())[..., ::-1]).max() <= 2
    half = pixels_of(encoded(clear, icc_profile=swapped_profile())).astype(int)
    assert np.abs(half - (127 + np.asarray(two_coloured())[..., ::-1] / 2)).max() <= 3


def test_a_profile_that_cannot_be_used_is_passed_over():
    image = two_coloured()

    assert np.array_equal(pixels_of(encoded(image, icc_profile=b"no profile at all")), np.asarray(image))


def test_a_broken_exif_block_does_not_cost_the_pixels():
    data = encoded(two_coloured(), exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7f")

    assert np.array_equal(pixels_of(data), np.asarray(two_coloured()))


def test_of_an_animation_the_first_frame_is_taken():
    frames = [Image.new("RGB", (12, 12), RED), Image.new("RGB", (12, 12), BLUE)]

    rgb = pixels_of(encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True))

    assert tuple(rgb[6, 6]) == RED


def test_an_animation_that_breaks_off_in_a_frame_header_is_no_good_picture():
    frames = [Image.new("RGB", (12, 12), RED), Image.new("RGB", (12, 12), BLUE)]
    whole = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    with Image.open(BytesIO(whole)) as image:
        image.seek(1)
        second = image.tile[0][2]

    assert decode(whole, "a")[1] is None
    assert "broken" in str(decode(whole[: second - 1], "a")[1])


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP"])
def test_a_file_that_is_cut_off_becomes_a_sentence(format: str):
    noise = Image.effect_noise((64, 64), 80).convert("RGB")
    data = encoded(noise, format)

    picture, error = decode(data[: len(data) // 2], "a")

    assert picture.rgb is None
    assert picture.pixels is None
    assert picture.file == digest_bytes(data[: len(data) // 2])
    assert error is not None
    assert "\n" not in error


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"]
)
def test_what_is_no_picture_becomes_a_sentence(data: bytes):
    picture, error = decode(data, "a")

    assert picture.rgb is None
    assert error


def test_sizes_are_refused_by_the_header_alone():
    for width, height in [(60_000, 60_000), (70_000, 10), (2_000_000_000, 2_000_000_000), (15_000, 15_000)]:
        picture, error = decode(png_claiming(width, height), "a")

        assert picture.rgb is None
        assert "claims" in str(error)


def test_limits_can_be_narrowed():
    data = encoded(two_coloured())

    assert "at most 100 are decoded" in str(decode(data, "a", Limits(max_pixels=100))[1])
    assert "at most 30 a side" in str(decode(data, "a", Limits(max_side=30))[1])
    assert "MiB are read" in str(decode(data, "a", Limits(max_bytes=10))[1])


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"x" * 100)

    assert read(tmp_path / "a.png") == b"x" * 100
    with pytest.raises(PictureError, match="at most"):
        read(tmp_path / "a.png", Limits(max_bytes=10))
    with pytest.raises(PictureError, match="cannot be read"):
        read(tmp_path / "missing.png")


def test_the_words_of_a_file_do_not_reach_the_terminal_raw():
    error = decode(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 4) + b"\x1b[2J" + b"abcd" + b"\0\0\0\0", "a")[1]

    assert error is not None
    assert error.isprintable()


def test_threads_decode_alike_and_leave_the_warning_filters_as_they_were():
    good, bad = encoded(two_coloured(300, 200), "JPEG"), encoded(two_coloured(), "TIFF")[:-50]
    before = list(warnings.filters)
    digests: list[str | None] = []

    def work() -> None:
        for _ in range(10):
            digests.append(decode(good, "a")[0].pixels)
            decode(bad, "b")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(digests) == 80
    assert len(set(digests)) == 1
    assert warnings.filters == before


def test_what_pillow_decodes_is_loaded_and_what_it_refuses_is_a_sentence(corpora: Path):
    folder = corpora / "robustness"
    if not folder.is_dir():
        pytest.skip("no robustness pictures")
    with (folder / "MANIFEST.tsv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))

    wrong = [
        row["file"]
        for row in rows
        if (decode((folder / row["file"]).read_bytes(), row["file"])[1] is None) != (row["label"] == "ok")
    ]

    assert len(rows) > 900
    assert wrong == []


# --- finding


def displays(paths: list[Path], all_files: bool = False) -> list[str]:
    return [found.display for found in find_files(paths, all_files).files]


def test_folders_are_searched_in_order_by_suffix_and_by_content(tmp_path: Path):
    data = encoded(two_coloured())
    for name in ("b.png", "a/2.PNG", "a/10.jpg", "no-suffix", "wrong.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "claims.png").write_text("I am text")
    (tmp_path / "notes.txt").write_text("BM is a town")

    found = find_files([tmp_path])

    names = [f.display for f in found.files]
    assert names == ["r0/b.png", "r0/claims.png", "r0/no-suffix", "r0/wrong.txt", "r0/a/10.jpg", "r0/a/2.PNG"]
    assert found.skipped == (("r0/notes.txt", "no picture, by suffix and content"),)


def test_all_files_gives_every_file_a_line(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("words")
    (tmp_path / ".hidden").write_text("words")

    assert displays([tmp_path]) == []
    assert displays([tmp_path], all_files=True) == ["r0/.hidden", "r0/notes.txt"]


def test_a_file_given_by_name_is_taken_whatever_it_is(tmp_path: Path):
    for name in ("notes.txt", "other.png"):
        (tmp_path / name).write_text("words")

    found = find_files([tmp_path / "notes.txt", tmp_path / "other.png"])

    assert [f.display for f in found.files] == ["r0/notes.txt", "r0/other.png"]
    assert found.roots == (tmp_path.resolve(),)


def test_each_folder_is_a_root_and_a_file_met_twice_is_one(tmp_path: Path):
    for name in ("a/1.png", "b/1.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"")

    found = find_files([tmp_path / "a", tmp_path / "b", tmp_path / "a" / "1.png", tmp_path])

    assert [f.display for f in found.files] == ["r0/1.png", "r1/1.png"]
    assert found.skipped == (
        ("r2/a/1.png", "the same file as r0/1.png"),
        ("r2/b/1.png", "the same file as r1/1.png"),
    )


def test_links_in_a_circle_pipes_and_hidden_folders_are_left_out_and_named(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "2.png").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe.png")

    found = find_files([tmp_path])

    assert [f.display for f in found.files] == ["r0/a/1.png"]
    assert {name for name, _ in found.skipped} == {"r0/a/loop/", "r0/.git/", "r0/gone.png", "r0/pipe.png"}


def test_names_that_are_no_unicode_can_be_written_down(tmp_path: Path):
    with open(os.fsencode(tmp_path) + b"/caf\xe9.png", "wb") as stream:
        stream.write(encoded(two_coloured()))

    found = find_files([tmp_path])

    assert found.files[0].display.encode() == b"r0/caf\\xe9.png"
    assert found.files[0].path.exists()


def test_a_path_that_is_not_there_is_a_usage_error(tmp_path: Path):
    with pytest.raises(UsageError, match="no such file or folder"):
        find_files([tmp_path / "missing"])


@pytest.mark.parametrize(
    "format", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "AVIF", "JPEG2000", "QOI", "DDS", "ICNS"]
)
def test_pictures_are_known_by_their_first_bytes(format: str):
    assert looks_like_picture(encoded(Image.new("RGB", (16, 16)), format)[:64])


def test_a_library_that_lets_cut_off_files_pass_changes_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = encoded(Image.effect_noise((64, 64), 80).convert("RGB"), "PNG")

    picture, error = decode(data[: len(data) // 2], "a")

    assert picture.rgb is None
    assert error is not None
