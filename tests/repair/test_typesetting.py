"""The right words in place of wrong ones."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFont

from imgaudit.errors import UsageError
from imgaudit.repair.originals import Canvas, opaque
from imgaudit.repair.record import CannotRepair
from imgaudit.repair.tasks import Aim
from imgaudit.repair.typesetting import Font, check_script, retypeset, upright, words_of
from imgaudit.rubric import load_rubric
from imgaudit.types import Case, Evidence, Expect, Finding, Line, Point
from tests.repair.conftest import lettering

PLACE: tuple[Point, ...] = ((36, 58), (330, 58), (330, 106), (36, 106))


@pytest.fixture(scope="module")
def font() -> Font:
    return Font()


def task_of(*expected: str, prompt: str | None = None) -> Any:
    case = Case(id="poster", prompt=prompt, expect=Expect(text=expected or None))
    return SimpleNamespace(row=SimpleNamespace(case=case))


def aims_of(*lines: tuple[str, tuple[Point, ...]]) -> list[Aim]:
    read = tuple(Line(text=text, polygon=place, score=0.9) for text, place in lines)
    found = Finding(checker="text", version="1", outcome="measured", evidence=Evidence(lines=read))
    return [Aim(load_rubric("publish").rules()["text.misspelt"], found, (), "retypeset", "Set it anew.")]


def test_the_words_are_set_in_the_old_colour_over_the_old_place_alone(font: Font) -> None:
    pixels = np.asarray(lettering("GRAND OPENNG"))
    change = retypeset(font, task_of("GRAND OPENING"), Canvas(opaque(pixels), b""), aims_of(("GRAND OPENNG", PLACE)), 0)

    assert change is not None
    assert change.mask is not None
    assert (change.rgba[..., :3][~change.mask] == pixels[~change.mask]).all()
    assert change.settings["words"] == ["GRAND OPENING"]
    assert change.settings["colours"][0] == pytest.approx([150, 20, 30], abs=10)  # type: ignore[index]
    assert "not what was drawn" in str(change.settings["style"])
    columns = np.flatnonzero(change.mask.any(axis=0))
    assert columns.min() >= 30
    assert columns.max() <= 336


def test_a_faint_colour_gives_way_to_one_that_can_be_read(font: Font) -> None:
    pixels = np.asarray(lettering("GRAND OPENNG", ink=(200, 195, 180)))
    change = retypeset(font, task_of("GRAND OPENING"), Canvas(opaque(pixels), b""), aims_of(("GRAND OPENNG", PLACE)), 0)

    assert change is not None
    assert change.settings["colours"] == [[0, 0, 0]]


def test_lines_in_capitals_stay_in_capitals(font: Font) -> None:
    words = words_of(task_of("Grand Opening"), aims_of(("GRAND OPENNG", PLACE)))

    assert [entry.text for entry in words] == ["GRAND OPENING"]


def test_a_phrase_over_two_lines_keeps_its_lines() -> None:
    below: tuple[Point, ...] = tuple((x, y + 60) for x, y in PLACE)
    words = words_of(task_of("Grand Opening Day"), aims_of(("Grand", PLACE), ("Opning Day", below)))

    assert [(entry.text, entry.line.polygon) for entry in words] == [("Grand", PLACE), ("Opening Day", below)]


def test_without_knowing_the_right_words_nothing_is_set() -> None:
    with pytest.raises(CannotRepair, match="nobody knows the right words"):
        words_of(task_of(prompt="a quiet lake"), aims_of(("GRAND OPENNG", PLACE)))


def test_words_that_stand_right_are_left_alone() -> None:
    with pytest.raises(CannotRepair, match="no expected words stand misspelt"):
        words_of(task_of("GRAND OPENING"), aims_of(("GRAND OPENING", PLACE)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("שלום", "right to left"),
        ("مرحبا", "right to left"),
        ("नमस्ते", "Devanagari joins or stacks"),
        ("สวัสดี", "Thai joins or stacks"),
        ("a\u0332b\u0332", "marks above or below"),
        ("你好", "has no letter for '你好'"),
    ],
)
def test_writing_that_would_be_set_wrong_is_refused(font: Font, text: str, words: str) -> None:
    with pytest.raises(CannotRepair, match=words):
        check_script(text, font)


def test_letters_that_the_font_has_are_set_and_one_that_it_lacks_is_named(font: Font) -> None:
    check_script("Fish & Chips, 5 for 4!", font)
    with pytest.raises(CannotRepair, match=r"no letter for '\u4f60'|no letter for '你'"):
        check_script("A 你", font)


def test_a_line_that_is_level_but_for_rounding_is_made_level() -> None:
    level = upright(((10, 20), (110, 22), (109, 51), (10, 49)))

    assert level == ((10, 21), (109.5, 21), (109.5, 50), (10, 50))
    turned: tuple[Point, ...] = ((10, 20), (110, 45), (103, 74), (3, 49))
    assert upright(turned) == turned


def test_a_place_outside_the_picture_and_one_without_room_are_refused(font: Font) -> None:
    canvas = Canvas(opaque(np.asarray(lettering("GRAND OPENNG"))), b"")
    outside: tuple[Point, ...] = tuple((x + 5000, y) for x, y in PLACE)
    with pytest.raises(CannotRepair, match="lies outside the picture"):
        retypeset(font, task_of("GRAND OPENING"), canvas, aims_of(("GRAND OPENNG", outside)), 0)

    tiny = Canvas(opaque(np.asarray(lettering("GRAND OPENNG", size=7))), b"")
    place: tuple[Point, ...] = ((38, 58), (100, 58), (100, 70), (38, 70))
    with pytest.raises(CannotRepair, match="there is no room for"):
        retypeset(font, task_of("GRAND OPENING"), tiny, aims_of(("GRAND OPENNG", place)), 0)


def test_an_even_place_has_no_letters_to_replace(font: Font) -> None:
    blank = Canvas(opaque(np.full((180, 420, 3), 255, np.uint8)), b"")

    with pytest.raises(CannotRepair, match="cannot be told from their ground"):
        retypeset(font, task_of("GRAND OPENING"), blank, aims_of(("GRAND OPENNG", PLACE)), 0)


def test_a_font_of_the_users_is_used_and_named_by_its_digest(tmp_path: Path) -> None:
    carried = ImageFont.load_default(12)
    stream = carried.path  # type: ignore[union-attr]
    stream.seek(0)
    (tmp_path / "mine.ttf").write_bytes(stream.read())
    font = Font(tmp_path / "mine.ttf")

    assert font.facts["sha256"] is not None
    assert font.facts["family"] == Font().facts["family"]


@pytest.mark.parametrize("content", [b"", b"no font", b"\x00\x01\x00\x00" + bytes(200)])
def test_a_file_that_is_no_font_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.ttf").write_bytes(content)

    with pytest.raises(UsageError, match="--font: is no font"):
        Font(tmp_path / "bad.ttf")
    with pytest.raises(UsageError, match="cannot be read"):
        Font(tmp_path / "missing.ttf")


def test_transparency_outside_the_words_stays(font: Font) -> None:
    pixels = opaque(np.asarray(lettering("GRAND OPENNG")))
    pixels[:20, :, 3] = 0
    change = retypeset(font, task_of("GRAND OPENING"), Canvas(pixels, b""), aims_of(("GRAND OPENNG", PLACE)), 0)

    assert change is not None
    assert (change.rgba[:20] == pixels[:20]).all()
    assert Image.fromarray(change.rgba).mode == "RGBA"
