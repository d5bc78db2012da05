from __future__ import annotations

import numpy as np
import pytest

from imgaudit.kernels.contrast import luminance, ratio, text_contrast


def two_tones(ink: tuple[int, int, int], ground: tuple[int, int, int]) -> np.ndarray:
    box = np.full((20, 60, 3), ground, np.uint8)
    box[6:14, ::4] = ink
    return box


@pytest.mark.parametrize(
    ("ink", "ground", "published"),
    [((0, 0, 0), (255, 255, 255), 21.0), ((119, 119, 119), (255, 255, 255), 4.48), ((255, 0, 0), (255, 255, 255), 4.0),
     ((0, 0, 255), (255, 255, 255), 8.59)],
)  # fmt: skip
def test_known_pairs_have_their_published_contrast(ink, ground, published):
    assert text_contrast(two_tones(ink, ground)) == pytest.approx(published, abs=0.01)
    assert text_contrast(two_tones(ground, ink)) == pytest.approx(published, abs=0.01)


def test_noise_on_the_ground_does_not_change_much():
    rng = np.random.default_rng(0)
    box = two_tones((20, 20, 20), (220, 220, 220)).astype(int) + rng.integers(-8, 9, (20, 60, 3))

    clean = text_contrast(two_tones((20, 20, 20), (220, 220, 220)))
    assert text_contrast(box.clip(0, 255).astype(np.uint8)) == pytest.approx(clean, rel=0.1)


def test_one_colour_has_no_contrast_and_an_empty_box_has_none_at_all():
    assert text_contrast(np.full((4, 4, 3), 90, np.uint8)) == 1.0
    assert text_contrast(np.zeros((0, 4, 3), np.uint8)) is None


def test_luminance_runs_from_black_to_white_and_order_does_not_matter():
    assert luminance(np.array([[0, 0, 0], [255, 255, 255]], np.uint8)).tolist() == pytest.approx([0.0, 1.0])
    assert ratio(0.2, 0.7) == ratio(0.7, 0.2)
