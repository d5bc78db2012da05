"""Hashes stay near for copies and apart for others, and follow a picture that is turned."""

from __future__ import annotations

from io import BytesIO
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from imgaudit.kernels.hashes import (
    TURNS,
    as_grids,
    as_words,
    colour_grid,
    distance,
    grid_distance,
    grid_distances,
    pdq,
    pdq_turned,
    phash,
    square,
    turned_grids,
)


def picture(seed: int, width: int = 400, height: int = 300) -> np.ndarray:
    """Soft coloured clouds with a few hard rectangles."""
    random = np.random.default_rng(seed)
    clouds = Image.fromarray(random.integers(0, 256, (6, 8, 3)).astype(np.uint8)).resize((width, height))
    for _ in range(12):
        x, y = random.integers(0, width - 60), random.integers(0, height - 60)
        w, h = random.integers(10, 60, 2)
        clouds.paste(tuple(random.integers(0, 256, 3).tolist()), (x, y, x + w, y + h))
    return np.asarray(clouds)


def disc(colour: tuple, x: float, y: float, radius: float = 9.0, background: int = 255) -> np.ndarray:
    row, column = np.mgrid[:64, :64]
    cover = np.clip(radius + 0.5 - np.hypot(column - x, row - y), 0, 1)[..., None]
    return (background * (1 - cover) + np.array(colour, float) * cover).round().astype(np.uint8)


def copies(rgb: np.ndarray) -> dict[str, np.ndarray]:
    image, buffer = Image.fromarray(rgb), BytesIO()
    image.save(buffer, "JPEG", quality=40)
    return {
        "half": np.asarray(image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)),
        "double": np.asarray(image.resize((image.width * 2, image.height * 2), Image.Resampling.BICUBIC)),
        "jpeg": np.asarray(Image.open(buffer)),
        "brighter": np.clip(rgb * 1.12, 0, 255).astype(np.uint8),
    }


@pytest.mark.parametrize("seed", range(4))
def test_copies_stay_near_in_every_hash(seed: int):
    original = square(picture(seed))
    for name, rgb in copies(picture(seed)).items():
        copy = square(rgb)

        assert distance(pdq(original)[0], pdq(copy)[0]) <= 31, name
        assert distance(phash(original), phash(copy)) <= 6, name
        assert grid_distance(colour_grid(original), colour_grid(copy)) <= 25, name


def test_other_pictures_are_far_in_every_hash():
    squares = [square(picture(seed)) for seed in range(8)]
    hashes = [(pdq(s)[0], phash(s), colour_grid(s)) for s in squares]

    for one, other in combinations(hashes, 2):
        assert distance(one[0], other[0]) > 80
        assert distance(one[1], other[1]) > 12
        assert grid_distance(one[2], other[2]) > 25


def test_hashes_have_the_lengths_they_are_named_for():
    bits, quality = pdq(square(picture(0)))

    assert len(bits) == 64
    assert len(phash(square(picture(0)))) == 16
    assert quality == 100
    assert pdq(square(np.full((50, 50, 3), 9, np.uint8)))[1] == 0


def test_the_grid_tells_colours_and_places_that_the_hashes_confuse():
    red, green = square(disc((215, 35, 40), 30, 30)), square(disc((35, 150, 60), 30, 30))
    moved, black = square(disc((215, 35, 40), 34, 30)), square(disc((0, 0, 0), 30, 30))
    grey = square(disc((110, 110, 110), 30, 30))

    assert distance(pdq(red)[0], pdq(green)[0]) <= 31  # brightness alone does not tell them apart
    assert grid_distance(colour_grid(red), colour_grid(green)) > 25
    assert grid_distance(colour_grid(red), colour_grid(moved)) > 25
    assert grid_distance(colour_grid(red), colour_grid(black)) > 25
    assert grid_distance(colour_grid(grey), colour_grid(black)) > 25


def test_the_grid_tells_empty_pictures_of_different_colours():
    grids = [colour_grid(np.full((40, 40, 3), c, np.uint8)) for c in ((255, 255, 255), (60, 60, 60), (200, 20, 30))]

    for one, other in combinations(grids, 2):
        assert grid_distance(one, other) > 25
    assert grid_distance(grids[0], grids[0]) == pytest.approx(0, abs=1e-9)


def test_distance_counts_bits_and_refuses_unequal_lengths():
    assert distance("00", "ff") == 8
    assert distance("a5", "a5") == 0
    with pytest.raises(ValueError, match="cannot be compared"):
        distance("00", "000")


def test_words_hold_the_bits_of_the_hash():
    assert as_words(["0001ff00", "abcd0000"]).tolist() == [[0x0001, 0xFF00], [0xABCD, 0x0000]]


@pytest.mark.parametrize("seed", range(3))
def test_hashes_of_the_turned_picture_are_those_of_the_picture_turned(seed: int):
    original = square(picture(seed))
    turned = [np.rot90(original, k) for k in (1, 2, 3)]
    turned += [original[::-1], original[:, ::-1], original.transpose(1, 0, 2), np.rot90(original, 2).transpose(1, 0, 2)]

    bits, quality, hashes = pdq_turned(original)

    assert (bits, quality) == pdq(original)
    assert len(hashes) == len(TURNS) == len(turned)
    for name, expected, got in zip(TURNS, turned, hashes, strict=True):
        assert distance(pdq(np.ascontiguousarray(expected))[0], got) <= 40, name
        assert distance(bits, got) > 60, name


def test_grids_are_turned_as_pictures_are():
    original = square(picture(5))
    grid = as_grids([colour_grid(original)])
    turned = [np.rot90(original, k) for k in (1, 2, 3)]
    turned += [original[::-1], original[:, ::-1], original.transpose(1, 0, 2), np.rot90(original, 2).transpose(1, 0, 2)]

    for turn, expected in enumerate(turned):
        made = as_grids([colour_grid(np.ascontiguousarray(expected))])

        assert np.array_equal(turned_grids(grid, turn), made), TURNS[turn]


def test_distances_of_many_grids_are_those_of_each_pair():
    grids = [colour_grid(square(picture(seed))) for seed in range(4)]
    first, second = [0, 1, 2, 3], [1, 1, 3, 0]

    many = grid_distances(as_grids([grids[i] for i in first]), as_grids([grids[i] for i in second]))

    each = [grid_distance(grids[i], grids[j]) for i, j in zip(first, second, strict=True)]
    assert many.tolist() == pytest.approx(each)
