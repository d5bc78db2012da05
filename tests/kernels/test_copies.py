"""Copies are found straight and turned, and flat drawings are not taken for their own mirror images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from imgaudit.kernels import hashes
from imgaudit.kernels.copies import STRAIGHT, Print, Prints, copies_in, near_copies, near_forest, turned_copies
from imgaudit.kernels.hashes import TURNS


def photo(seed: int, width: int = 320, height: int = 240) -> np.ndarray:
    random = np.random.default_rng(seed)
    image = Image.fromarray(random.integers(0, 256, (6, 8, 3)).astype(np.uint8)).resize((width, height))
    for _ in range(14):
        x, y = int(random.integers(0, width - 60)), int(random.integers(0, height - 60))
        w, h = (int(side) for side in random.integers(10, 60, 2))
        image.paste(tuple(random.integers(0, 256, 3).tolist()), (x, y, x + w, y + h))
    return np.asarray(image)


def print_of(rgb: np.ndarray, name: str = "") -> Print:
    small = hashes.square(np.ascontiguousarray(rgb))
    pdq, quality, turned = hashes.pdq_turned(small)
    return Print(name, pdq, quality, hashes.phash(small), hashes.colour_grid(small), turned)


def prints(*pictures: np.ndarray) -> Prints:
    return Prints([print_of(rgb, str(number)) for number, rgb in enumerate(pictures)])


def pairs(pieces: object) -> set[tuple[int, int, int]]:
    return {(int(i), int(j), f.turn) for f in pieces for i, j in zip(f.first, f.second, strict=True)}  # type: ignore[attr-defined]


def turned(rgb: np.ndarray) -> Sequence[np.ndarray]:
    """The picture in each way of `TURNS`."""
    quarter = [np.rot90(rgb, k) for k in (1, 2, 3)]
    return [*quarter, rgb[::-1], rgb[:, ::-1], rgb.transpose(1, 0, 2), np.rot90(rgb, 2).transpose(1, 0, 2)]


@pytest.mark.parametrize("turn", range(len(TURNS)))
def test_a_turned_copy_is_found_and_named_by_what_was_done(turn: int):
    original = photo(1)
    kept = prints(original, photo(2), turned(original)[turn], photo(3))

    found = pairs(turned_copies(kept))

    assert pairs(near_copies(kept)) == set()
    # who is turned right the other way round was turned left
    assert found == ({(2, 0, 0)} if turn == 2 else {(0, 2, turn)})


def test_a_forest_joins_what_all_pairs_join_with_as_few_pairs_as_can_be():
    brighter = [photo(seed).astype(int) + step for seed in (1, 2) for step in range(5)]
    kept = prints(*(np.clip(rgb, 0, 255).astype(np.uint8) for rgb in brighter), photo(3))

    all_pairs, forest = pairs(near_copies(kept)), pairs(near_forest(kept))

    assert len(all_pairs) == 20
    assert len(forest) == 8
    assert forest <= all_pairs
    assert pairs(near_forest(prints(photo(1)))) == pairs(near_forest(prints())) == set()


def test_copies_in_another_set_are_found_straight_and_turned():
    index = prints(photo(1), photo(2), photo(3)[:, ::-1])
    queries = prints(photo(9), photo(2)[::2, ::2], photo(3))

    assert pairs(copies_in(queries, index)) == {(1, 1, STRAIGHT), (2, 2, TURNS.index("mirrored"))}
    assert pairs(copies_in(prints(), index)) == set()
    assert pairs(copies_in(queries, prints())) == set()


def test_a_flat_drawing_is_no_turned_copy_of_another():
    row, column = np.mgrid[:64, :64]

    def disc(x: int) -> np.ndarray:
        inside = np.hypot(row - 32, column - x) < 9
        return np.where(inside[..., None], np.uint8([200, 30, 30]), np.uint8([255, 255, 255]))

    kept = prints(disc(20), disc(44))

    assert kept.quality.max() < 80
    assert pairs(turned_copies(kept)) == set()


def test_a_mirrored_picture_in_other_colours_is_no_copy():
    original = photo(4)
    kept = prints(original, 255 - original[:, ::-1][..., ::-1], original[:, ::-1][..., [1, 2, 0]])

    assert pairs(turned_copies(kept)) == set()


def test_prints_without_turned_hashes_are_compared_straight_alone():
    original = photo(5)
    bare = [Print("a", *_without(original)), Print("b", *_without(original[:, ::-1]))]

    assert pairs(turned_copies(Prints(bare))) == set()
    assert pairs(copies_in(Prints(bare[:1]), prints(original))) == {(0, 0, STRAIGHT)}


def _without(rgb: np.ndarray) -> tuple[str, int, str, str]:
    full = print_of(rgb)
    return full.pdq, full.quality, full.phash, full.grid
