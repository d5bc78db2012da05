"""Small copies of hostile pictures."""

from __future__ import annotations

import base64
import io
import struct
import zlib

import numpy as np
import pytest
from made import disc_mask, made
from PIL import Image

from imgaudit.reporters import _thumbnails
from imgaudit.reporters._thumbnails import LEFT_OUT, NOT_AT_HAND, NOT_DECODED, TOO_LARGE, Budget, mask_uri, thumbnails
from imgaudit.types import ImageRecord

PLENTY = Budget(10**9, 10**9)
RECORD = made().images[0]


def encoded(image: Image.Image, kind: str = "PNG", **more: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **more)
    return stream.getvalue()


def opened(uri: str | None) -> Image.Image:
    assert uri is not None
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def thumbnail(data: bytes | None) -> _thumbnails.Thumbnail:
    return thumbnails([RECORD], lambda _: data, PLENTY)[0]


def png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_a_picture_that_claims_to_be_huge_is_refused_before_it_is_decoded() -> None:
    assert thumbnail(png_claiming(60_000, 60_000)).why_not == TOO_LARGE


def test_a_picture_that_claims_to_be_a_bomb_is_no_warning_either() -> None:
    assert thumbnail(png_claiming(12_000, 9_000)).why_not == TOO_LARGE


def test_a_file_with_too_many_bytes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(Image.new("RGB", (40, 40), "red"))
    monkeypatch.setattr(_thumbnails, "MAX_BYTES", len(data) - 1)

    assert thumbnail(data).why_not == TOO_LARGE


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", png_claiming(900, 900)])
def test_what_is_no_whole_picture_says_so(data: bytes) -> None:
    assert thumbnail(data).why_not == NOT_DECODED


def test_a_truncated_photograph_says_so() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (300, 300, 3), dtype=np.uint8)

    assert thumbnail(encoded(Image.fromarray(noise))[:20_000]).why_not == NOT_DECODED


def test_a_file_that_is_not_at_hand_says_so() -> None:
    assert thumbnail(None).why_not == NOT_AT_HAND


def test_a_small_picture_is_kept_to_the_pixel() -> None:
    pixels = np.random.default_rng(2).integers(0, 255, (64, 48, 3), dtype=np.uint8)

    shown = opened(thumbnail(encoded(Image.fromarray(pixels))).small)

    assert np.array_equal(np.asarray(shown.convert("RGB")), pixels)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_large_picture_gets_a_thumbnail_and_an_enlargement(kind: str) -> None:
    shown = thumbnail(encoded(Image.linear_gradient("L").resize((2000, 1000)).convert("RGB"), kind))

    assert opened(shown.small).size == (320, 160)
    assert opened(shown.large).size == (1024, 512)
    assert shown.larger_exists


def test_a_turned_photograph_stands_upright() -> None:
    image = Image.new("RGB", (100, 50), "blue")
    image.paste("red", (0, 0, 50, 50))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned a quarter clockwise

    shown = opened(thumbnail(encoded(image, "JPEG", exif=exif, quality=95)).small).convert("RGB")

    assert shown.size == (50, 100)
    red, _, blue = shown.getpixel((25, 10))
    assert red > 200 > blue


def test_transparency_is_laid_on_white() -> None:
    shown = opened(thumbnail(encoded(Image.new("RGBA", (30, 30), (0, 0, 0, 0)))).small)

    assert shown.convert("RGB").getpixel((15, 15)) == (255, 255, 255)


def test_the_budget_serves_the_first_pictures_first() -> None:
    records: list[ImageRecord] = [RECORD] * 5
    noise = np.random.default_rng(3).integers(0, 255, (700, 700, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise))
    one = len(thumbnail(data).small or "")

    shown = thumbnails(records, lambda _: data, Budget(2 * one, 10**9))

    assert [entry.why_not for entry in shown] == [None, None, LEFT_OUT, LEFT_OUT, LEFT_OUT]


def test_enlargements_stop_where_the_page_would_become_too_large() -> None:
    noise = np.random.default_rng(3).integers(0, 255, (700, 700, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise))
    one = thumbnail(data)
    small, large = len(one.small or ""), len(one.large or "")

    shown = thumbnails([RECORD] * 4, lambda _: data, Budget(10**9, 4 * small + 2 * large + 10))

    assert [entry.large is not None for entry in shown] == [True, True, False, False]
    assert all(entry.larger_exists for entry in shown[2:])


def test_a_mask_covers_what_its_runs_cover() -> None:
    shown = opened(mask_uri(disc_mask(), 512, 512)).convert("RGBA")

    covered = np.asarray(shown)[:, :, 3] > 60
    assert shown.size == (320, 320)
    assert covered.mean() == pytest.approx(np.pi * 90**2 / 512**2, rel=0.02)
    rows, columns = np.nonzero(covered)
    assert columns.mean() == pytest.approx(256 * 320 / 512, abs=1)
    assert rows.mean() == pytest.approx(300 * 320 / 512, abs=1)


def test_runs_go_down_the_columns() -> None:
    shown = opened(mask_uri("2 1 5", 4, 2)).convert("RGBA")  # 2 x 4: the third cell down the columns

    assert (np.asarray(shown)[:, :, 3] > 0).tolist() == [[False, True, False, False], [False] * 4]


@pytest.mark.parametrize("counts", ["", "1 2 3", "-5 21", "9" * 400, "16 " * 1000, "no mask"])
def test_runs_that_do_not_fill_the_picture_are_no_mask(counts: str) -> None:
    assert mask_uri(counts, 5, 5) is None
