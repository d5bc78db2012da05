"""Palettes do not depend on the order of pixels, and their distance is that of the cheapest move."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from imgaudit.kernels import palettes
from imgaudit.kernels.color import delta_e, to_lab


def pixels(*parts: tuple[tuple[int, int, int], int]) -> np.ndarray:
    return np.concatenate([np.tile(to_lab(rgb), (count, 1)) for rgb, count in parts])


def test_flat_colours_come_with_their_shares_the_largest_first():
    rows = palettes.extracted(pixels(((255, 0, 0), 100), ((0, 0, 255), 300)))

    assert rows[:, 3].tolist() == [0.75, 0.25]
    assert np.allclose(rows[:, :3], to_lab([[0, 0, 255], [255, 0, 0]]))


def test_the_order_of_pixels_does_not_matter():
    random = np.random.default_rng(5)
    lab = to_lab(random.integers(0, 256, (2000, 3)))

    assert np.allclose(palettes.extracted(lab), palettes.extracted(random.permutation(lab)))


def test_shading_of_one_cloth_is_one_colour():
    shaded = to_lab(np.array([[v, v // 4, v // 5] for v in range(120, 150)]).repeat(20, axis=0))

    assert len(palettes.extracted(shaded)) == 1


def test_no_pixels_have_no_palette_and_no_distance():
    none = palettes.extracted(np.empty((0, 3)))

    assert none.shape == (0, 4)
    with pytest.raises(ValueError, match="no distance"):
        palettes.earth_movers(none, none)
    with pytest.raises(ValueError, match="no distance"):
        palettes.nearest(none, np.zeros((1, 3)), 5)


@pytest.mark.parametrize("seed", range(5))
def test_equal_shares_move_by_the_cheapest_of_all_assignments(seed: int):
    random = np.random.default_rng(seed)
    one, other = (np.column_stack([to_lab(random.integers(0, 256, (4, 3))), np.full(4, 0.25)]) for _ in range(2))
    far = delta_e(one[:, None, :3], other[None, :, :3])
    cheapest = min(sum(far[i, j] for i, j in enumerate(order)) / 4 for order in permutations(range(4)))

    assert palettes.earth_movers(one, other) == pytest.approx(cheapest, abs=1e-6)


def test_the_distance_is_symmetric_zero_to_itself_and_blind_to_scale():
    random = np.random.default_rng(9)
    one, other = (
        np.column_stack([to_lab(random.integers(0, 256, (k, 3))), random.dirichlet(np.ones(k))]) for k in (3, 6)
    )

    assert palettes.earth_movers(one, one) == pytest.approx(0, abs=1e-9)
    assert palettes.earth_movers(one, other) == pytest.approx(palettes.earth_movers(other, one), abs=1e-6)
    tripled = other * [1, 1, 1, 3]
    assert palettes.earth_movers(one, tripled) == pytest.approx(palettes.earth_movers(one, other), abs=1e-6)


def test_each_colour_may_pick_the_nearest():
    rows = palettes.extracted(pixels(((255, 0, 0), 100), ((0, 0, 255), 300)))
    brand = to_lab([[250, 5, 5], [0, 120, 0]])
    off, share = palettes.nearest(rows, brand, 5.0)
    red, blue = delta_e(to_lab([255, 0, 0]), brand).min(), delta_e(to_lab([0, 0, 255]), brand).min()

    assert off == pytest.approx(0.25 * red + 0.75 * blue)
    assert share == pytest.approx(0.25)
