"""Pictures and masks that cases start from: named by content, kept in the suite's folder, checked before a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgaudit.digest import digest_file
from imgaudit.errors import ConfigError, PictureError
from imgaudit.pictures import decode
from imgaudit.suites.inputs import box_mask, mask_from
from imgaudit.suites.load import dump_suite, load_suite, suite_names
from imgaudit.suites.schema import written
from imgaudit.types import Extend

DIGEST_BEFORE = "5eec7bdfc8475c6471768217a7e449727cbc5a4d0dc10fe1a6ee17847819fde8"
HEAD = "format: imgaudit-suite/1\nname: mine\ntitle: Mine\nlicence: CC0-1.0\ncases:\n"


def write(folder: Path, *lines: str) -> Path:
    path = folder / "suite.yaml"
    path.write_text(HEAD + "- id: a\n  prompt: a cat\n" + "".join(f"  {line}\n" for line in lines), encoding="utf-8")
    return path


def complaint(folder: Path, *lines: str) -> str:
    path = write(folder, *lines)
    with pytest.raises(ConfigError) as caught:
        load_suite(path)
    return str(caught.value).removeprefix(f"{path}:")


def save(path: Path, size: tuple[int, int] = (32, 24), color: str = "teal") -> Path:
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", size, color).save(path)
    return path


def mask_file(path: Path, size: tuple[int, int] = (32, 24), values: tuple[int, int] = (0, 255)) -> Path:
    pixels = np.full((size[1], size[0]), values[0], np.uint8)
    pixels[4:12, 4:20] = values[1]
    Image.fromarray(pixels).save(path)
    return path


def test_a_case_is_named_by_what_is_in_its_files(tmp_path: Path) -> None:
    image, mask = save(tmp_path / "in" / "cat.png"), mask_file(tmp_path / "mask.png")
    path = write(tmp_path, "image: in/cat.png", "mask: mask.png", "strength: 0.5", "extend: {left: 8, top: 50%}")

    [case] = load_suite(path).cases

    assert case.image is not None
    assert case.mask is not None
    assert case.extend is not None
    assert (case.image.sha256, case.mask.sha256) == (digest_file(image), digest_file(mask))
    assert (case.strength, case.extend.pixels(32, 24)) == (0.5, (8, 12, 0, 0))
    assert str(tmp_path) not in case.model_dump_json()


@pytest.mark.parametrize("name", ["cat.png", "mask.png"])
def test_the_suite_s_digest_changes_with_the_bytes_of_a_picture_or_mask(tmp_path: Path, name: str) -> None:
    save(tmp_path / "cat.png")
    mask_file(tmp_path / "mask.png")
    path = write(tmp_path, "image: cat.png", "mask: mask.png")

    before = load_suite(path).digest
    again = load_suite(path).digest
    with (tmp_path / name).open("ab") as stream:
        stream.write(b"\0")
    after = load_suite(path).digest

    assert before == again != after


def test_a_suite_with_pictures_survives_being_written(tmp_path: Path) -> None:
    save(tmp_path / "cat.png")
    suite = load_suite(write(tmp_path, "image: cat.png", "mask: [1, 2, 30, 20]", 'extend: {right: "25%"}'))

    (tmp_path / "again.yaml").write_text(dump_suite(suite))

    assert load_suite(tmp_path / "again.yaml") == suite


def test_a_digest_that_the_suite_states_is_checked(tmp_path: Path) -> None:
    save(tmp_path / "cat.png")

    told = complaint(tmp_path, f"image: {{file: cat.png, sha256: {'a' * 64}}}")

    assert "8: cases[0].image: 'cat.png' has the sha256" in told
    assert "the file was changed" in told


@pytest.mark.parametrize("name", suite_names())
def test_suites_without_pictures_hold_nothing_new(name: str) -> None:
    """What a digest is taken of: the new fields are left out where they are not used."""
    cases = written(load_suite(name))["cases"]

    assert not any({"image", "mask", "strength", "extend"} & set(case) for case in cases)


def test_a_suite_without_pictures_has_the_digest_that_it_had(tmp_path: Path) -> None:
    """The digest was taken by the release before cases could name pictures."""
    path = write(tmp_path, "tags: [one]", "width: 64")

    assert load_suite(path).digest == DIGEST_BEFORE


# --- paths -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["../cat.png", "in/../../cat.png", "/etc/passwd", "~/cat.png", "C:\\cat.png", "..\\cat.png", "file:cat.png",
     '"cat\\u0000.png"', '"cat\\u202e.png"'],
)  # fmt: skip
def test_no_path_leads_out_of_the_suite_s_folder(tmp_path: Path, name: str) -> None:
    save(tmp_path / "cat.png")
    inside = tmp_path / "suite"
    inside.mkdir()

    told = complaint(inside, f"image: {name}")

    assert told.startswith("8: cases[0].image: ")
    assert "is no path below the suite's folder" in told


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    save(tmp_path / "cat.png")
    inside = tmp_path / "suite"
    inside.mkdir()
    (inside / "cat.png").symlink_to(tmp_path / "cat.png")
    (inside / "up").symlink_to(tmp_path)

    assert "leads out of the suite's folder" in complaint(inside, "image: cat.png")
    assert "leads out of the suite's folder" in complaint(inside, "image: up/cat.png")


def test_a_folder_or_a_missing_file_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()

    assert "is no file of the suite's folder" in complaint(tmp_path, "image: in")
    assert "is no file of the suite's folder" in complaint(tmp_path, "image: gone.png")


# --- pictures and masks ----------------------------------------------------------------------------


def test_what_is_no_picture_or_too_small_or_too_long_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    save(tmp_path / "small.png", (15, 40))
    save(tmp_path / "long.png", (8200, 16))
    save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:60])

    assert complaint(tmp_path, "image: text.png").startswith("8: cases[0].image: 'text.png': the content is no picture")
    assert "expected at least 16 a side" in complaint(tmp_path, "image: small.png")
    assert "at most 8192 a side" in complaint(tmp_path, "image: long.png")
    assert "'cut.png'" in complaint(tmp_path, "image: cut.png")


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "cat.png")
    mask_file(tmp_path / "mask.png", (24, 32))

    told = complaint(tmp_path, "image: cat.png", "mask: mask.png")

    assert told.startswith("9: cases[0].mask: the mask 'mask.png' has 24 x 32 pixels, the picture 32 x 24")


def test_a_black_mask_a_grey_one_and_a_photograph_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "black.png", color="black")
    save(tmp_path / "grey.png", color="gray")
    save(tmp_path / "red.png", color="red")

    assert "black all over" in complaint(tmp_path, "mask: black.png")
    assert "grey or coloured at 100% of its pixels" in complaint(tmp_path, "mask: grey.png")
    assert "grey or coloured at 100% of its pixels" in complaint(tmp_path, "mask: red.png")


def test_soft_edges_of_a_mask_are_cut_at_half(tmp_path: Path) -> None:
    values = np.zeros((24, 32), np.uint8)
    values[:, 16:] = 255
    values[:, 15], values[:, 14] = 130, 120
    Image.fromarray(values).save(tmp_path / "mask.png")
    read, _ = decode((tmp_path / "mask.png").read_bytes(), "mask.png")

    mask = mask_from(read, 32, 24)

    assert mask.shape == (24, 32)
    assert mask[:, 15:].all()
    assert not mask[:, :15].any()


@pytest.mark.parametrize("box", [[0, 0, 33, 24], [5, 5, 5, 9], [9, 0, 3, 9], [-1, 0, 3, 3]])
def test_a_box_outside_the_picture_is_refused(tmp_path: Path, box: list[int]) -> None:
    save(tmp_path / "cat.png")

    assert "does not lie in a picture of 32 x 24 pixels" in complaint(tmp_path, "image: cat.png", f"mask: {box}")
    with pytest.raises(PictureError):
        box_mask((box[0], box[1], box[2], box[3]), 32, 24)


def test_a_box_is_its_inside() -> None:
    mask = box_mask((2, 1, 5, 3), 8, 4)

    assert mask.sum() == 3 * 2
    assert mask[1:3, 2:5].all()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("mask: {file: a.png, box: [0, 0, 1, 1]}", "expected one of both"),
        ("mask: {}", "expected one of both"),
        ("mask: [0, 0, 9]", "mask.box[3]: is missing"),
        ("strength: 0", "cases[0].strength: input should be greater than 0"),
        ("strength: 1.5", "cases[0].strength: input should be less than or equal to 1"),
        ("extend: {left: -3}", 'pixels from 0 to 8192, or a share such as "50%"'),
        ("extend: {left: 0.5}", 'pixels from 0 to 8192, or a share such as "50%"'),
        ("extend: {left: 50 %}", 'pixels from 0 to 8192, or a share such as "50%"'),
        ("extend: {lft: 3}", "did you mean 'left'?"),
        ("image: {file: a.png, sha256: abc}", "image.sha256: string should match pattern"),
    ],
)
def test_a_wrong_value_is_told_with_its_line(tmp_path: Path, line: str, words: str) -> None:
    told = complaint(tmp_path, line)

    assert told.startswith("8: ")
    assert words in told


def test_a_share_of_the_canvas_is_one_of_its_own_side() -> None:
    assert Extend(left="50%", top="12.5%", right=3).pixels(200, 80) == (100, 10, 3, 0)
