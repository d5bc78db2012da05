"""Masks: outlines, growing, feathering inward, windows and run lengths."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from imgaudit.kernels import masks
from imgaudit.reporters._thumbnails import mask_uri

RANDOM = np.random.default_rng(4)


def blob(height: int = 40, width: int = 50) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[8:20, 10:31] = True
    mask[18:30, 25:28] = True
    return mask


def test_a_box_holds_every_pixel_that_it_touches() -> None:
    mask = masks.outlined([masks.box_outline((2.2, 3.0, 5.0, 4.1))], 8, 8)

    assert masks.bounds(mask) == (2, 3, 5, 5)
    assert mask.sum() == 6


def test_a_polygon_is_filled_as_pillow_fills_it() -> None:
    corners = [(10.0, 5.0), (40.0, 12.0), (30.0, 34.0), (6.0, 28.0)]
    drawn = Image.new("1", (50, 40))
    ImageDraw.Draw(drawn).polygon(corners, fill=1)

    assert masks.overlap(masks.outlined([corners], 40, 50), np.asarray(drawn)) > 0.95


@pytest.mark.parametrize(
    "polygon",
    [
        [(1e300, 1e300), (-1e300, 2.0), (1e300, -1e300)],
        [(-50.0, -50.0), (-10.0, -50.0), (-10.0, -10.0), (-50.0, -10.0)],
        [(500.0, 0.0), (900.0, 0.0), (900.0, 5.0)],
        [(1.0, 1.0)],
        [],
    ],
)
def test_hostile_outlines_give_a_mask_and_no_error(polygon: list[tuple[float, float]]) -> None:
    assert masks.outlined([polygon], 30, 20).shape == (30, 20)


def test_an_outline_outside_the_picture_is_empty() -> None:
    assert masks.bounds(masks.outlined([masks.box_outline((100, 100, 120, 120))], 30, 20)) is None


def test_growing_takes_all_pixels_within_the_distance_and_no_others() -> None:
    mask, near = blob(), masks.grown(blob(), 3)
    ys, xs = np.nonzero(mask)
    rows, columns = np.mgrid[:40, :50]
    away = np.sqrt(((rows[..., None] - ys) ** 2 + (columns[..., None] - xs) ** 2).min(axis=2))

    assert (near == (away <= 3)).all()
    assert (masks.grown(mask, 0) == mask).all()
    assert not masks.grown(np.zeros((4, 4), bool), 5).any()


def test_the_feather_lies_inside_the_mask_and_reaches_one() -> None:
    mask = blob()
    alpha = masks.feathered(mask, 2)

    assert (alpha[~mask] == 0).all()
    assert (alpha[mask] > 0).all()
    assert alpha.max() == 1
    assert alpha[8, 20] == pytest.approx(1 / 3)  # at the edge
    assert (masks.feathered(np.ones((3, 3), bool), 5) == 1).all()


def test_a_grown_mask_counts_wholly_where_it_was_before_it_grew() -> None:
    mask = blob()

    assert (masks.feathered(masks.grown(mask, 2), 2)[mask] == 1).all()


def test_blending_leaves_the_rest_as_it_is_to_the_bit() -> None:
    old, new = (RANDOM.integers(0, 256, (40, 50, 4), np.uint8) for _ in range(2))
    mask = blob()
    mixed = masks.blended(old, new, masks.feathered(mask, 2))

    assert (mixed[~mask] == old[~mask]).all()
    assert (mixed[masks.feathered(mask, 2) == 1] == new[masks.feathered(mask, 2) == 1]).all()


def test_a_window_holds_its_box_and_lies_in_the_picture() -> None:
    for _ in range(300):
        height, width = (int(n) for n in RANDOM.integers(20, 3000, 2))
        x0, y0 = int(RANDOM.integers(0, width - 5)), int(RANDOM.integers(0, height - 5))
        box = (x0, y0, min(width, x0 + int(RANDOM.integers(1, 900))), min(height, y0 + int(RANDOM.integers(1, 900))))
        window = masks.around(box, (height, width), 512, 8)

        assert 0 <= window.x0 <= box[0] < box[2] <= window.x1 <= width
        assert 0 <= window.y0 <= box[1] < box[3] <= window.y1 <= height
        assert window.width % 8 == window.height % 8 == 0
        assert max(window.width, window.height) <= 512


def test_a_small_place_of_a_large_picture_is_enlarged_twice_at_most() -> None:
    window = masks.around((1000, 1000, 1020, 1030), (4000, 4000), 512, 8)

    assert window.x1 - window.x0 == 256
    assert window.width == 512


def test_a_picture_of_the_models_own_size_is_not_scaled() -> None:
    assert not masks.whole(64, 64, 64, 8).scaled
    assert masks.whole(600, 1200, 512, 8) == masks.Window(0, 0, 1200, 600, 512, 256)


def test_run_lengths_read_back_and_are_what_the_report_draws() -> None:
    for _ in range(50):
        height, width = (int(n) for n in RANDOM.integers(1, 20, 2))
        mask = RANDOM.random((height, width)) < 0.4

        assert (masks.from_counts(masks.counts(mask), height, width) == mask).all()
    assert mask_uri(masks.counts(blob()), 50, 40) is not None


def test_runs_that_do_not_fill_the_picture_are_refused() -> None:
    with pytest.raises(ValueError, match="the runs hold 5 pixels, the picture 6"):
        masks.from_counts("2 3", 2, 3)
