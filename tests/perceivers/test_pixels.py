"""The pixels perceiver says the same of the same pixels, and abstains where there are none."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw

from imgaudit.perceivers.pixels import PixelPerceiver
from imgaudit.percepts import Pixels
from imgaudit.pictures import decode
from imgaudit.registry import perceivers
from imgaudit.types import Abstained, Look, Picture, Query

QUERY = Query("pixels")


def encoded(image: Image.Image, format: str = "PNG") -> bytes:
    buffer = BytesIO()
    image.save(buffer, format)
    return buffer.getvalue()


def looked(image: Image.Image, format: str = "PNG") -> Pixels:
    picture, error = decode(encoded(image, format), "a")
    assert error is None
    sight = PixelPerceiver().perceive([Look(picture, QUERY)])[0]
    assert isinstance(sight, Pixels)
    return sight


def shape(colour: str, background: str = "white", side: int = 128) -> Image.Image:
    image = Image.new("RGB", (side * 4, side * 4), background)
    ImageDraw.Draw(image).ellipse((side, side, side * 2.2, side * 2.2), fill=colour)
    return image.resize((side, side), Image.Resampling.BOX)


def test_it_is_registered_and_names_the_libraries_its_numbers_rest_on():
    assert perceivers.get("pixels") is PixelPerceiver
    identity = PixelPerceiver().identity()
    assert {"numpy", "opencv", "pillow", "pdqhash", "imagehash"} <= set(identity)
    assert all(identity.values())


def test_a_drawn_shape_is_seen_with_its_colour_size_and_palette():
    seen = looked(shape("#dc1e23"))

    assert seen.subject == "red"
    assert (seen.numbers["width"], seen.numbers["height"]) == (128, 128)
    assert seen.palette[0][0] == "white"
    assert seen.palette[1] == ("red", pytest.approx(np.pi * (0.15**2), rel=0.1))
    assert len(seen.phash) == 16
    assert len(seen.pdq) == 64


def test_equal_pixels_look_equal_whatever_file_they_came_in():
    assert looked(shape("#2341cd")) == looked(shape("#2341cd"), "BMP")
    assert looked(shape("#2341cd")) != looked(shape("#dc1e23"))


def test_the_order_of_looks_is_kept_and_a_broken_picture_does_not_stop_the_batch():
    good, _ = decode(encoded(shape("#1e963c")), "good")
    bad = Picture("bad", b"", "0" * 64)

    sights = PixelPerceiver().perceive([Look(bad, QUERY), Look(good, QUERY)])

    assert isinstance(sights[0], Abstained)
    assert isinstance(sights[1], Pixels)


def test_numbers_are_finite_and_short_enough_to_store():
    grain = np.random.default_rng(0).normal(0, 3, (128, 128, 3))
    drawing = np.asarray(shape("#2341cd", "gray")) + grain
    numbers = looked(Image.fromarray(np.clip(drawing, 0, 255).astype(np.uint8))).numbers

    assert {"edge_spread", "focus_spread", "noise_level", "block_step", "band_share", "occupied_share"} <= set(numbers)
    assert all(np.isfinite(value) and value == round(value, 6) for value in numbers.values())


def test_what_cannot_be_told_is_missing_and_not_a_number():
    flat = looked(Image.new("RGB", (200, 200), "gray")).numbers

    assert "edge_spread" not in flat
    assert flat["occupied_share"] == 0


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (7, 7)])
def test_the_smallest_pictures_are_looked_at(size: tuple[int, int]):
    assert looked(Image.new("RGB", size, "red")).numbers["width"] == size[0]


def test_the_hashes_of_the_turned_picture_are_told_beside_its_own():
    from imgaudit.kernels.hashes import TURNS, distance

    noise = Image.fromarray(np.random.default_rng(4).integers(0, 256, (7, 9, 3)).astype(np.uint8)).resize((180, 140))
    seen, mirrored = looked(noise), looked(noise.transpose(Image.Transpose.FLIP_LEFT_RIGHT))

    assert len(seen.turned) == len(TURNS)
    assert distance(seen.turned[TURNS.index("mirrored")], mirrored.pdq) <= 31
    assert distance(seen.pdq, mirrored.pdq) > 60
