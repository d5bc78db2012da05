"""Ink and ground of a line of writing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from imgaudit.kernels import ink

INK, GROUND = (30, 60, 160), (240, 230, 210)


def written(size: tuple[int, int] = (300, 120), at: tuple[int, int] = (40, 30)) -> tuple[np.ndarray, tuple[int, ...]]:
    """A picture with one line, and the exact box of its pixels."""
    picture = Image.new("RGB", size, GROUND)
    ImageDraw.Draw(picture).text(at, "GRAND SALE", fill=INK, font=ImageFont.load_default(32))
    pixels = np.asarray(picture)
    rows, columns = np.nonzero((pixels != GROUND).any(axis=2))
    return pixels, (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def corners(box: tuple[int, ...], wider: int) -> list[tuple[float, float]]:
    x0, y0, x1, y1 = box[0] - wider, box[1] - wider, box[2] + wider, box[3] + wider
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def test_a_wide_box_is_tightened_to_the_letters() -> None:
    pixels, box = written()
    tight = ink.tightened(pixels, corners(box, 9))

    assert tight[0] == pytest.approx(box[:2], abs=2)
    assert tight[2] == pytest.approx(box[2:], abs=2)


def test_a_turned_line_is_tightened_along_its_own_direction() -> None:
    pixels, box = written((320, 320), (60, 140))
    turned = np.asarray(Image.fromarray(pixels).rotate(-20, Image.Resampling.BICUBIC, fillcolor=GROUND))
    angle, middle = math.radians(20), 160.0
    turn = lambda x, y: (  # noqa: E731
        middle + (x - middle) * math.cos(angle) - (y - middle) * math.sin(angle),
        middle + (x - middle) * math.sin(angle) + (y - middle) * math.cos(angle),
    )
    tight = ink.tightened(turned, [turn(x, y) for x, y in corners(box, 10)])

    for found, true in zip(tight, corners(box, 0), strict=True):
        assert found == pytest.approx(turn(*true), abs=3)


def test_the_colour_is_that_of_the_letters_and_not_of_their_edges() -> None:
    pixels, box = written()
    flat = ink.straightened(pixels, corners(box, 6))
    letters = ink.ink_of(flat)

    assert letters is not None
    assert ink.colour_of(flat, letters) == pytest.approx(INK, abs=6)
    assert ink.ground_of(flat) == GROUND


@pytest.mark.parametrize("tone", [0, 128, 255])
def test_an_even_place_has_no_ink_and_keeps_its_outline(tone: int) -> None:
    flat = np.full((40, 80, 3), tone, np.uint8)

    assert ink.ink_of(flat) is None
    assert ink.tightened(flat, corners((10, 10, 60, 30), 0)) == tuple(corners((10, 10, 60, 30), 0))


def test_a_faint_colour_gives_way_to_black_or_white() -> None:
    assert ink.legible((200, 200, 200), (255, 255, 255), 4.5) == (0, 0, 0)
    assert ink.legible((30, 30, 30), (0, 0, 0), 4.5) == (255, 255, 255)
    assert ink.legible(INK, GROUND, 4.5) == INK
    assert ink.contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
