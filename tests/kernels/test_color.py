"""Colour arithmetic against OpenCV, against published pairs, and against plain sense."""

from __future__ import annotations

import numpy as np
import pytest

from imgaudit.kernels.color import (
    NAMED,
    delta_e,
    from_lab,
    from_linear,
    name_indices,
    names,
    nearest_name,
    palette,
    subject_name,
    to_lab,
    to_linear,
)

# Sharma, Wu, Dalal (2005), table 1: two CIELAB colours and their CIEDE2000 distance.
SHARMA = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, 3.1571, -77.2803), (50, 0, -82.7485), 2.8615),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, -1, 2), (50, 0, 0), 2.3669),
    ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
    ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
    ((50, -0.001, 2.49), (50, 0.0009, -2.49), 4.8045),
    ((50, -0.001, 2.49), (50, 0.0011, -2.49), 4.7461),
    ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((50, 2.5, 0), (61, -5, 29), 22.8977),
    ((50, 2.5, 0), (56, -27, -3), 31.9030),
    ((50, 2.5, 0), (58, 24, 15), 19.4535),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((63.0109, -31.0961, -5.8663), (62.8187, -29.7946, -4.0864), 1.2630),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ((6.7747, -0.2908, -2.4247), (5.8714, -0.0985, -2.2286), 0.6377),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


def test_lab_agrees_with_opencv_on_random_colours():
    import cv2

    rgb = np.random.default_rng(0).integers(0, 256, (40, 50, 3))
    expected = cv2.cvtColor((rgb / 255).astype(np.float32), cv2.COLOR_RGB2Lab)

    assert np.abs(to_lab(rgb) - expected).max() < 0.4  # OpenCV interpolates in a table


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 255, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
        ((119, 119, 119), (50.03, 0, 0)),
    ],
)
def test_lab_of_known_colours(rgb: tuple[int, int, int], lab: tuple[float, float, float]):
    assert to_lab(rgb) == pytest.approx(lab, abs=0.02)


def test_light_and_lab_come_back_to_srgb():
    rgb = np.random.default_rng(1).integers(0, 256, (500, 3))

    assert from_lab(to_lab(rgb)) == pytest.approx(rgb.astype(float), abs=1e-3)
    assert from_linear(to_linear(rgb / 255)) * 255 == pytest.approx(rgb.astype(float), abs=1e-6)
    assert float(to_linear(0.5)) == pytest.approx(0.214041, abs=1e-6)
    assert to_linear(np.array([0.0, 10.0, 255.0]) / 255) == pytest.approx([0.0, 10 / 255 / 12.92, 1.0])


@pytest.mark.parametrize(("one", "other", "expected"), SHARMA)
def test_the_distance_agrees_with_the_published_pairs(one: tuple, other: tuple, expected: float):
    assert float(delta_e(one, other)) == pytest.approx(expected, abs=5e-5)
    assert float(delta_e(other, one)) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((190, 30, 30), "red"),
        ((245, 125, 10), "orange"),
        ((120, 70, 30), "brown"),
        ((235, 225, 60), "yellow"),
        ((20, 110, 45), "green"),
        ((60, 215, 220), "cyan"),
        ((45, 75, 190), "blue"),
        ((120, 50, 160), "purple"),
        ((245, 150, 195), "pink"),
        ((10, 12, 8), "black"),
        ((140, 142, 139), "gray"),
        ((250, 248, 251), "white"),
    ],
)
def test_basic_colours_are_named(rgb: tuple[int, int, int], name: str):
    assert nearest_name(rgb) == name


def test_every_example_bears_its_own_name():
    assert [nearest_name(rgb) for _, rgb in NAMED] == [name for name, _ in NAMED]


def test_the_table_names_many_pixels_as_the_distance_names_one():
    rgb = np.random.default_rng(2).integers(0, 256, (400, 3)).astype(np.uint8)
    middles = (rgb // 16 * 16 + 8).astype(np.uint8)

    assert [names()[i] for i in name_indices(middles)] == [nearest_name(c) for c in middles]


def test_the_palette_gives_shares_in_order():
    rgb = np.zeros((10, 10, 3), np.uint8)
    rgb[:, :7] = (255, 255, 255)
    rgb[:, 7:9] = (220, 20, 30)

    assert palette(rgb) == (("white", 0.7), ("red", 0.2), ("black", 0.1))


def drawn(background: tuple, *discs: tuple) -> np.ndarray:
    """Discs (x, y, radius, colour) on a background, with soft edges, 96 pixels a side."""
    y, x = np.mgrid[:96, :96]
    rgb = np.broadcast_to(np.array(background, float), (96, 96, 3)).copy()
    for cx, cy, radius, colour in discs:
        cover = np.clip(radius + 0.5 - np.hypot(x - cx, y - cy), 0, 1)[..., None]
        rgb = rgb * (1 - cover) + np.array(colour, float) * cover
    return rgb.round().astype(np.uint8)


def subject(rgb: np.ndarray) -> str | None:
    return subject_name(rgb, to_lab(rgb))


@pytest.mark.parametrize("background", [(255, 255, 255), (0, 0, 0), (128, 128, 128)])
@pytest.mark.parametrize(
    ("colour", "name"),
    [((215, 35, 40), "red"), ((35, 150, 60), "green"), ((40, 70, 200), "blue"), ((245, 225, 50), "yellow")],
)
@pytest.mark.parametrize("radius", [6, 25])
def test_a_shape_on_an_even_background_names_the_subject(background: tuple, colour: tuple, name: str, radius: int):
    assert subject(drawn(background, (40, 52, radius, colour))) == name


def test_noise_does_not_change_the_subject():
    noisy = drawn((250, 250, 250), (40, 52, 14, (40, 70, 200))) + np.random.default_rng(0).normal(0, 6, (96, 96, 3))

    assert subject(np.clip(noisy, 0, 255).astype(np.uint8)) == "blue"


def test_there_is_no_subject_where_it_cannot_be_said():
    two = drawn((255, 255, 255), (25, 48, 14, (215, 35, 40)), (70, 48, 14, (40, 70, 200)))
    busy = np.random.default_rng(3).integers(0, 256, (96, 96, 3)).astype(np.uint8)
    blank = drawn((255, 255, 255))

    assert subject(two) is None
    assert subject(busy) is None
    assert subject(blank) is None
    assert subject(np.zeros((1, 1, 3), np.uint8)) is None
