"""Copies of pictures: what is shown, what is not, and that no file is served as it is."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from asking import Asking
from PIL import Image, PngImagePlugin
from stored import plain, write

from imgaudit.erase import Who, erase_picture, erase_run
from imgaudit.pictures import decode
from imgaudit.reporters._thumbnails import NOT_AT_HAND, NOT_DECODED, TOO_LARGE, WITHHELD
from imgaudit.review.copies import CHANGED, LIMITS, TILE, VIEW, Copies, Copy, Missing
from imgaudit.rubric import load_rubric
from imgaudit.store.runfolder import RunFolder
from imgaudit.types import Finding, ImageRecord


def png(width: int, height: int, seed: int = 0) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 255, (height // 8 + 1, width // 8 + 1, 3), np.uint8)
    image = Image.fromarray(noise.repeat(8, 0).repeat(8, 1)[:height, :width])
    stream, text = io.BytesIO(), PngImagePlugin.PngInfo()
    text.add_text("parameters", "a secret prompt")
    image.save(stream, "PNG", pnginfo=text, compress_level=1)
    return stream.getvalue()


def record(data: bytes, like: ImageRecord, *codes: str) -> ImageRecord:
    seen, _ = decode(data, "x")
    safety = Finding(checker="safety", version="1", outcome="measured", codes=codes, measures={})
    return like.model_copy(
        update={"pixels": seen.pixels, "file": seen.file, "width": seen.width, "height": seen.height,
                "findings": (*like.findings, safety) if codes else like.findings}
    )  # fmt: skip


@pytest.fixture
def like(run: Path) -> ImageRecord:
    return RunFolder(run).read_images()[0]


def copies_of(folder: Path, data: bytes | None, opened: list[str] | None = None) -> Copies:
    path = folder / "picture.png"
    if data is not None:
        path.write_bytes(data)

    def locate(one: ImageRecord) -> Path:
        if opened is not None:
            opened.append(one.id)
        return path

    return Copies(locate, folder / "kept")


def image_of(copy: Copy | Missing) -> Image.Image:
    assert isinstance(copy, Copy), copy
    return Image.open(io.BytesIO(copy.data))


def test_a_picture_is_encoded_anew_without_what_the_file_says(tmp_path: Path, like: ImageRecord):
    data = png(900, 600)
    copies = copies_of(tmp_path, data)

    for size in ("thumbnail", "view"):
        copy = copies.copy(record(data, like), size)  # type: ignore[arg-type]
        assert isinstance(copy, Copy)
        assert b"secret" not in copy.data
        assert copy.data != data
        assert copy.kind in ("image/webp", "image/jpeg")
    assert image_of(copies.copy(record(data, like), "view")).size == (900, 600)
    assert image_of(copies.copy(record(data, like), "thumbnail")).size == (320, 213)


def test_a_small_picture_is_shown_to_the_pixel(tmp_path: Path, like: ImageRecord):
    data = png(300, 200)
    shown = image_of(copies_of(tmp_path, data).copy(record(data, like), "view")).convert("RGB")

    assert np.array_equal(np.asarray(shown), np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


def test_the_view_is_limited_and_tiles_have_every_pixel(tmp_path: Path, like: ImageRecord):
    data = png(2300, 1500, 3)
    one, copies = record(data, like), copies_of(tmp_path, data)
    whole = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=int)

    assert max(image_of(copies.copy(one, "view")).size) == VIEW
    for column in range(3):
        for row in range(2):
            tile = np.asarray(image_of(copies.tile(one, (column, row))).convert("RGB"), dtype=int)
            part = whole[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
            assert tile.shape == part.shape
            assert np.abs(tile - part).mean() < 3  # JPEG at 95, colours not halved
    for place in ((3, 0), (0, 2), (-1, 0), (10**9, 0)):
        assert isinstance(copies.tile(one, place), Missing)


def test_copies_are_made_once_and_kept_for_the_owner_alone(tmp_path: Path, like: ImageRecord):
    data, opened = png(800, 800), []
    one = record(data, like)
    first = copies_of(tmp_path, data, opened).copy(one, "thumbnail")
    again = copies_of(tmp_path, None, opened).copy(one, "thumbnail")

    assert first == again
    assert len(opened) == 1
    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0
    assert [path.name for path in (tmp_path / "kept").iterdir()] == [f"{one.pixels}-thumbnail-none"]


def test_where_nothing_can_be_kept_it_is_shown_all_the_same(tmp_path: Path, like: ImageRecord):
    data = png(64, 64)
    (tmp_path / "kept").write_text("in the way")

    assert isinstance(copies_of(tmp_path, data).copy(record(data, like), "view"), Copy)


def test_a_flagged_picture_leaves_beyond_recognition_at_every_size(tmp_path: Path, like: ImageRecord):
    data = png(1800, 1800)
    one, copies = record(data, like, "safety.explicit"), copies_of(tmp_path, data)
    clear = np.asarray(Image.open(io.BytesIO(data)).convert("RGB").resize((256, 256)), dtype=float)

    for size in ("thumbnail", "view"):
        shown = image_of(copies.copy(one, size)).convert("RGB").resize((256, 256))  # type: ignore[arg-type]
        got = np.asarray(shown, dtype=float)
        assert np.abs(np.diff(got, axis=1)).mean() < np.abs(np.diff(clear, axis=1)).mean() / 8
    assert isinstance(copies.tile(one, (0, 0)), Missing)
    # nothing clear lies on the disk either
    assert all(path.name.endswith("-blurred") for path in (tmp_path / "kept").iterdir())


def test_what_may_be_abuse_material_is_not_even_read(tmp_path: Path, like: ImageRecord):
    data, opened = png(400, 400), []
    one = record(data, like, "safety.explicit", "safety.suspected_abuse")
    copies = copies_of(tmp_path, data, opened)

    assert copies.copy(one, "view") == copies.copy(one, "thumbnail") == Missing(WITHHELD)
    assert isinstance(copies.tile(one, (0, 0)), Missing)
    assert opened == []
    assert not (tmp_path / "kept").exists()


def test_a_file_that_changed_since_the_audit_is_not_shown(tmp_path: Path, like: ImageRecord):
    one = record(png(100, 100, 1), like)

    assert copies_of(tmp_path, png(100, 100, 2)).copy(one, "view") == Missing(CHANGED)


def test_a_picture_that_claims_to_be_huge_is_not_decoded(tmp_path: Path, like: ImageRecord):
    real = png(64, 64)
    chunk = b"IHDR" + struct.pack(">II", 60_000, 60_000) + real[24:29]
    bomb = real[:12] + chunk + struct.pack(">I", zlib.crc32(chunk)) + real[33:]

    assert copies_of(tmp_path, bomb).copy(like, "view") == Missing(TOO_LARGE)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, like: ImageRecord):
    path = tmp_path / "picture.png"
    with path.open("wb") as stream:
        stream.truncate(LIMITS.max_bytes + 1)

    assert copies_of(tmp_path, None).copy(like, "view") == Missing(TOO_LARGE)


@pytest.mark.parametrize("data", [b"", b"no picture", png(64, 64)[:200], b"GIF89a" + b"\xff" * 40, b"<svg/>"])
def test_a_broken_file_is_a_sentence(tmp_path: Path, like: ImageRecord, data: bytes):
    assert copies_of(tmp_path, data).copy(like, "view") == Missing(NOT_DECODED)


def test_a_file_that_is_gone_is_a_sentence(tmp_path: Path, like: ImageRecord):
    assert copies_of(tmp_path, None).copy(like, "view") == Missing(NOT_AT_HAND)


def test_a_digest_that_is_none_names_no_file_of_its_own(tmp_path: Path, like: ImageRecord):
    hostile = like.model_copy(update={"pixels": "../../../etc/passwd"})
    secret = tmp_path / "etc"
    secret.mkdir()

    assert isinstance(copies_of(tmp_path, png(8, 8)).copy(hostile, "view"), Missing)
    assert list(secret.iterdir()) == []


def test_a_record_whose_path_leads_out_shows_nothing(tmp_path: Path, opened: Callable[..., Asking], run: Path):
    outside = tmp_path / "secret.png"
    outside.write_bytes(png(32, 32))
    images = RunFolder(run).read_images()
    hostile = images[0].model_copy(update={"path": "pictures/../../secret.png"})
    path = write(tmp_path / "hostile", [hostile], {}, load_rubric("publish"))
    asking = opened(path)
    person = asking.person()
    asking.desk.records[0]  # it is there

    answer = person.get("/copies/own/0/view")

    assert answer.status_code == 404
    assert answer.json()["error"] in (NOT_AT_HAND, NOT_DECODED)


def test_what_nobody_could_look_at_cannot_be_published(asking: Asking):
    person = asking.person()
    (asking.desk.setting.run / "pictures" / "00.png").unlink()

    refused = person.decide(0, "publish")
    rejected = person.decide(0, "reject", "low-quality")

    assert refused.status_code == 422
    assert NOT_AT_HAND in refused.json()["error"]
    assert rejected.status_code == 200


def test_the_page_never_sends_the_file_itself(asking: Asking):
    person = asking.person()
    files = {path.read_bytes() for path in (asking.desk.setting.run / "pictures").iterdir()}

    for n in range(6):
        for size in ("view", "thumbnail", "tile/0/0"):
            answer = person.get(f"/copies/own/{n}/{size}")
            assert answer.status_code == 200
            assert answer.content not in files
            assert answer.headers["content-type"] in ("image/webp", "image/jpeg")


def test_erasing_a_picture_or_a_run_erases_the_copies(tmp_path: Path):
    rubric = load_rubric("publish")
    run = plain(tmp_path / "run")
    kept = run / ".review" / "copies"
    for erase in (lambda: erase_picture(run, "one#0", rubric, Who("consent-withdrawn")),
                  lambda: erase_run(run, Who("consent-withdrawn"))):  # fmt: skip
        kept.mkdir(parents=True, exist_ok=True)
        (kept / "copy").write_bytes(b"x")
        erase()
        assert not kept.exists()


@pytest.mark.parametrize(
    ("code", "repaired", "other"),
    [("safety.explicit", "blurred", "none"), ("safety.suspected_abuse", "withheld", "withheld")],
)
def test_what_stands_beside_a_concealed_picture_shows_no_more_of_it(
    tmp_path: Path, run: Path, opened: Callable[..., Asking], code: str, repaired: str, other: str
):
    images = list(RunFolder(run).read_images())
    data = png(400, 300)
    plain_one = record(data, images[0])
    safety = Finding(checker="safety", version="1", outcome="measured", codes=(code,), measures={})
    flagged = plain_one.model_copy(update={"findings": (*plain_one.findings, safety)})
    rubric, files = load_rubric("publish"), {images[0].id: data}
    path = write(tmp_path / "flagged", [flagged], files, rubric)
    write(path / "repairs", [plain_one], files, rubric)
    asking = opened(path, compare=write(tmp_path / "other", [plain_one], files, rubric))
    person = asking.person()

    for side, how in (("repaired", repaired), ("other", other)):
        assert asking.desk.shown_as(side, asking.desk.sides[side].records[0]) == how
        answer = person.get(f"/copies/{side}/0/view")
        assert answer.status_code == (404 if how == "withheld" else 200)
        assert person.get(f"/copies/{side}/0/tile/0/0").status_code == (200 if how == "none" else 404)
