"""Frames, bars and seams that were drawn at known places."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from imgaudit.kernels import borders


def scene(height: int = 240, width: int = 320, seed: int = 0) -> np.ndarray:
    """Blots of colour with grain."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(40, 215, (8, 10, 3), dtype=np.uint8))
    large = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC), float)
    return np.clip(large + rng.normal(0, 4, large.shape), 0, 255).astype(np.uint8)


def framed(top: int, bottom: int, left: int, right: int, colour: tuple[int, int, int]) -> np.ndarray:
    inner = scene()
    result = np.empty((240 + top + bottom, 320 + left + right, 3), np.uint8)
    result[:] = colour
    result[top : top + 240, left : left + 320] = inner
    return result


def jpeg(rgb: np.ndarray, quality: int = 75) -> np.ndarray:
    held = io.BytesIO()
    Image.fromarray(rgb).save(held, "JPEG", quality=quality)
    return np.asarray(Image.open(held).convert("RGB"))


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 40)])
@pytest.mark.parametrize(
    ("sides", "kind"),
    [((30, 30, 0, 0), "bars"), ((0, 0, 25, 25), "bars"), ((20, 20, 20, 20), "frame"), ((12, 60, 12, 12), "frame")],
)
def test_a_border_is_found_with_the_exact_picture_inside(sides, kind, colour):
    top, bottom, left, right = sides
    found = borders.frame(framed(top, bottom, left, right, colour))

    assert found is not None
    assert found.kind == kind
    assert found.box == (left, top, left + 320, top + 240)
    assert found.colour == colour


@pytest.mark.parametrize("sides", [(30, 30, 0, 0), (0, 0, 25, 25), (21, 21, 21, 21)])
def test_jpeg_moves_the_edge_by_a_pixel_or_two_at_most(sides):
    top, bottom, left, right = sides
    found = borders.frame(jpeg(framed(top, bottom, left, right, (0, 0, 0))))

    assert found is not None
    assert np.abs(np.array(found.box) - (left, top, left + 320, top + 240)).max() <= 2


def test_a_product_on_an_even_ground_has_no_frame():
    y, x = np.mgrid[:300, :300]
    rgb = np.full((300, 300, 3), 255, np.uint8)
    disc = np.hypot(x - 150, y - 150) < 110
    rgb[disc] = scene(300, 300)[disc]
    assert borders.frame(rgb) is None


@pytest.mark.parametrize("rgb", [scene(), np.full((200, 200, 3), 90, np.uint8), framed(30, 0, 0, 0, (0, 0, 0)),
                                 framed(40, 10, 0, 0, (0, 0, 0)), np.zeros((1, 1, 3), np.uint8)])  # fmt: skip
def test_what_has_no_border_on_two_like_sides_has_no_frame(rgb):
    assert borders.frame(rgb) is None


def test_a_shape_of_one_colour_on_an_even_ground_is_no_picture_in_a_frame():
    rgb = np.full((200, 200, 3), 255, np.uint8)
    rgb[30:170, 30:170] = (200, 20, 20)
    assert borders.frame(rgb) is None


def test_seams_between_tiles_are_found_where_they_are():
    gray = scene(320, 480, seed=2).mean(axis=2)
    gray[:, 160:320] += 9
    gray[160:] -= 8
    level = np.clip(gray, 0, 255).astype(np.uint8)
    columns = borders.seams(borders.seam_profile(level))
    rows = borders.seams(borders.seam_profile(np.ascontiguousarray(level.T)))

    assert columns == [pytest.approx(160, abs=1), pytest.approx(320, abs=1)]
    assert rows == [pytest.approx(160, abs=1)]
    assert borders.is_tiling(columns, rows, 480, 320)


def test_a_clean_scene_has_no_seam_and_its_jpeg_blocks_are_none():
    rgb = scene(320, 480, seed=3)
    for level in (rgb, jpeg(rgb, 30)):
        gray = np.ascontiguousarray(level[..., 1])
        assert borders.seams(borders.seam_profile(gray)) == []


def test_a_small_picture_has_no_profile():
    assert not borders.seam_profile(np.zeros((50, 300), np.uint8)).any()


@pytest.mark.parametrize(
    ("columns", "rows", "tiling"),
    [([256, 512, 768], [], True), ([512], [512], True), ([300], [], False), ([130, 411], [], False), ([], [], False),
     (list(range(60, 900, 30)), [], False)],
)  # fmt: skip
def test_only_seams_that_cross_or_repeat_are_tiles(columns, rows, tiling):
    assert borders.is_tiling(columns, rows, 1024, 1024) is tiling
