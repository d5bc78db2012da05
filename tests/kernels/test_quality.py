"""Each statistic against a known truth or a plain loop; each level against a picture made worse on purpose."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter
from scipy.special import erf

from imgaudit.kernels import quality
from imgaudit.kernels.color import from_linear, to_lab, to_linear
from imgaudit.kernels.quality import SCALES, band_share, block_share, edge_blur, grey, noise_level, shrunk

STATISTIC = {
    "blur": "edge_blur",
    "dark": "brightest_part",
    "bright": "inkiest_part",
    "low_information": "occupied_share",
    "blocking": "block_share",
    "banding": "band_share",
    "noise": "noise_level",
}


def scene(seed: int, side: int = 320) -> np.ndarray:
    """Overlapping discs of all sizes under soft light: edges, flat places and occlusion like those of a photograph."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (side, side), tuple(random.integers(60, 180, 3).tolist()))
    pen = ImageDraw.Draw(image)
    for _ in range(250):
        radius = side * 0.02 / random.power(2)
        x, y = random.uniform(0, side, 2)
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=tuple(random.integers(25, 230, 3).tolist()))
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(0.6)), dtype=float)
    light = np.linspace(0.75, 1.05, side)[:, None, None] * np.linspace(0.9, 1.05, side)[None, :, None]
    return np.clip(soft * light + random.normal(0, 1.0, soft.shape), 0, 255).astype(np.uint8)


def smooth(side: int = 320) -> np.ndarray:
    """A sky: one wide gradient in each channel."""
    ramp = np.linspace(60, 200, side)
    return np.stack(np.broadcast_arrays(ramp[:, None], ramp[None, :] * 0.6 + 60, 180.0), axis=-1).astype(np.uint8)


def level(rgb: np.ndarray, name: str) -> float:
    glance = shrunk(rgb, quality.GLANCE_SIDE)
    return SCALES[name].level(quality.statistics(rgb, glance, to_lab(glance))[STATISTIC[name]])


def blurred(rgb: np.ndarray, sigma: float) -> np.ndarray:
    return np.asarray(Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(sigma)))


def exposed(rgb: np.ndarray, stops: float) -> np.ndarray:
    return np.rint(from_linear(to_linear(rgb / 255) * 2.0**stops) * 255).astype(np.uint8)


def compressed(rgb: np.ndarray, q: int) -> np.ndarray:
    buffer = BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=q)
    return np.asarray(Image.open(buffer).convert("RGB"))


def noisy(rgb: np.ndarray, sigma: float) -> np.ndarray:
    grain = np.random.default_rng(5).normal(0, sigma, rgb.shape[:2])[..., None]
    return np.clip(rgb + grain, 0, 255).round().astype(np.uint8)


def posterised(rgb: np.ndarray, levels: int) -> np.ndarray:
    step = 256 // levels
    return (rgb // step * step).astype(np.uint8)


def shape(kind: str, colour: str, background: str, side: int = 256, radius: float = 0.1) -> np.ndarray:
    image = Image.new("RGB", (side * 4, side * 4), background)
    pen, r, c = ImageDraw.Draw(image), side * 4 * radius, side * 1.7
    corners = [(c - r, c + r), (c, c - r), (c + r, c + r)]
    box = (c - r, c - r, c + r, c + r)
    if kind == "circle":
        pen.ellipse(box, fill=colour)
    elif kind == "square":
        pen.rectangle(box, fill=colour)
    else:
        pen.polygon(corners, fill=colour)
    return np.asarray(image.resize((side, side), Image.Resampling.BOX))


# --- known truth


@pytest.mark.parametrize("sigma", [0.7, 1.0, 1.5, 2.0, 3.0, 4.5])
@pytest.mark.parametrize("angle", [0, 20, 45, 90])
def test_the_blur_of_a_known_edge_is_measured(sigma: float, angle: int):
    y, x = np.mgrid[-60:60, -60:60] + 0.3
    across = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle))
    edge = np.rint(60 + 130 * (0.5 + 0.5 * erf(across / (sigma * np.sqrt(2))))).astype(np.uint8)

    assert edge_blur(edge) == pytest.approx(sigma, rel=0.12, abs=0.1)


def test_without_an_edge_there_is_no_blur_to_tell():
    assert edge_blur(grey(smooth())) is None
    assert edge_blur(np.full((200, 200), 90, np.uint8)) is None
    assert edge_blur(np.zeros((3, 3), np.uint8)) is None


def test_blur_too_strong_for_a_crest_is_seen_at_a_quarter_of_the_size():
    strong = edge_blur(grey(blurred(scene(2, 640), 14)))

    assert strong is not None
    assert strong > 5


@pytest.mark.parametrize("sigma", [1.0, 3.0, 8.0, 20.0])
def test_the_deviation_of_known_noise_is_measured(sigma: float):
    plane = noisy(np.full((256, 256, 3), 120, np.uint8), sigma)

    assert noise_level(plane[..., 0]) == pytest.approx(sigma, rel=0.12, abs=0.15)


def test_drawn_pictures_are_free_of_noise_and_clipped_ones_cannot_be_told():
    checks = np.random.default_rng(0).integers(0, 2, (64, 64)).astype(np.uint8) * 255

    assert noise_level(grey(shape("circle", "blue", "white"))) == 0
    assert noise_level(checks) is None


def test_bands_are_counted_as_a_plain_loop_counts_them():
    plane = grey(posterised(smooth(48), 16))

    def along(row: list[int]) -> int:
        runs, start = [], 0
        for k in range(1, len(row) + 1):
            if k == len(row) or abs(row[k] - row[k - 1]) > 1:
                runs.append((start, k))
                start = k
        total = 0
        for start, stop in runs:
            if start == 0 or stop == len(row) or stop - start < 4:
                continue
            before, after = row[start] - row[start - 1], row[stop] - row[stop - 1]
            total += (stop - start) * (before * after > 0 and 3 <= abs(before) <= 24 and 3 <= abs(after) <= 24)
        return total

    lines = [*plane[::2].tolist(), *plane.T[::2].tolist()]
    expected = sum(map(along, lines)) / sum(map(len, lines))

    assert expected > 0.05
    assert band_share(plane) == pytest.approx(expected)


def test_blocks_are_counted_as_a_plain_loop_counts_them():
    plane = grey(compressed(scene(1, 96), 8)).astype(int)

    def share(lines: np.ndarray, phase: int) -> float:
        hits = total = 0
        for line in lines[::2].tolist():
            for c in range(2, len(line) - 1):
                if c % 8 == phase:
                    step = abs(line[c] - line[c - 1])
                    sides = abs(line[c - 1] - line[c - 2]) + abs(line[c + 1] - line[c])
                    hits += 6 <= step <= 40 and step > 2 * sides
                    total += 1
        return hits / total

    excess = [share(p, 0) - float(np.median([share(p, k) for k in range(1, 8)])) for p in (plane, plane.T)]

    assert np.mean(excess) > 0.05
    assert block_share(plane.astype(np.uint8)) == pytest.approx(np.mean(excess), rel=0.03)


def test_blocks_are_not_told_of_a_tiny_picture():
    assert block_share(np.zeros((20, 400), np.uint8)) is None


def test_the_empty_part_of_a_picture_is_measured_by_fields():
    rgb = np.full((64, 64, 3), 255, np.uint8)
    rgb[:, 32:] = (200, 0, 0)
    rgb[:, 33:] = 255

    assert quality.occupied_share(rgb, to_lab(rgb)) == pytest.approx(1 / 32)


def test_the_middle_is_cut_on_the_grid_of_eight():
    rgb = np.arange(40 * 50 * 3, dtype=np.uint32).reshape(40, 50, 3).astype(np.uint8)

    assert np.array_equal(quality.middle(rgb, 16), rgb[8:24, 16:32])
    assert np.array_equal(quality.middle(rgb, 64), rgb)


def test_a_level_is_a_half_at_the_operating_point_and_never_falls_when_it_gets_worse():
    for scale in SCALES.values():
        values = np.linspace(0, 5 * scale.half, 60)
        levels = [scale.level(float(v)) for v in values]

        assert scale.level(scale.half) == pytest.approx(0.5)
        assert all(np.diff(levels) >= 0) if scale.steepness > 0 else all(np.diff(levels) <= 0)
        assert min(levels) >= 0
        assert max(levels) <= 1


# --- made worse on purpose


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("name", "worse", "steps"),
    [
        ("blur", blurred, (0, 1, 2, 3, 5)),
        ("noise", noisy, (0, 4, 8, 16, 32)),
        ("blocking", compressed, (95, 60, 30, 10)),
        ("dark", exposed, (0, -1, -3, -5, -6)),
        ("bright", exposed, (0, 3, 5, 7)),
    ],
)
def test_each_level_rises_with_its_own_fault(
    name: str, worse: Callable[[np.ndarray, float], np.ndarray], steps: tuple[int, ...], seed: int
):
    levels = [level(worse(scene(seed), step), name) for step in steps]

    assert levels == sorted(levels)
    assert levels[0] < 0.3
    assert levels[-1] > 0.6


def test_banding_rises_when_levels_are_taken_away():
    levels = [level(posterised(smooth(), n), "banding") for n in (256, 64, 32)]

    assert levels[0] == 0
    assert levels[1] > 0.5
    assert levels[2] > 0.5
    assert level(posterised(scene(4), 256), "banding") < 0.3


@pytest.mark.parametrize("seed", range(3))
def test_a_good_picture_has_no_fault(seed: int):
    assert {name: round(level(scene(seed), name), 2) for name in STATISTIC if level(scene(seed), name) >= 0.5} == {}


@pytest.mark.parametrize("kind", ["circle", "square", "triangle"])
@pytest.mark.parametrize("background", ["white", "black", "gray"])
@pytest.mark.parametrize("colour", ["#dc1e23", "#2341cd", "#fae128"])
@pytest.mark.parametrize(("side", "radius"), [(64, 0.09), (512, 0.3)])
def test_drawn_shapes_have_no_fault(kind: str, background: str, colour: str, side: int, radius: float):
    rgb = shape(kind, colour, background, side, radius)
    glance = shrunk(rgb, quality.GLANCE_SIDE)
    numbers = quality.statistics(rgb, glance, to_lab(glance))

    faults = [name for name, key in STATISTIC.items() if key in numbers and SCALES[name].level(numbers[key]) >= 0.5]

    assert faults == []


def test_large_pictures_are_not_blurrier_for_being_large():
    small = scene(6, 512)
    large = np.asarray(Image.fromarray(scene(6, 512)).resize((2048, 2048), Image.Resampling.LANCZOS))

    assert level(small, "blur") < 0.3
    assert level(large, "blur") < 0.5


def test_a_background_out_of_focus_is_not_blur():
    sharp = scene(7)
    soft = blurred(sharp, 8)
    y, x = np.mgrid[:320, :320]
    in_focus = (np.hypot(x - 160, y - 160) < 100)[..., None]

    assert level(np.where(in_focus, sharp, soft), "blur") < 0.5
    assert level(soft, "blur") > 0.5


def test_noise_does_not_hide_blur():
    assert level(noisy(blurred(scene(8), 4), 6), "blur") > 0.5


def test_empty_pictures_carry_no_information():
    blank = np.full((200, 300, 3), 240, np.uint8)

    assert level(blank, "low_information") == 1
    assert level(noisy(blank, 2), "low_information") > 0.5
    assert level(smooth(), "low_information") < 0.1


def test_colour_is_told_from_grey_in_spite_of_jpeg():
    grey_copy = np.repeat(grey(scene(9))[..., None], 3, axis=2)

    assert quality.coloured_share(compressed(grey_copy, 60)) < 0.001
    assert quality.coloured_share(scene(9)) > 0.3


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (9, 9), (2, 3000)])
def test_tiny_and_thin_pictures_are_measured(size: tuple[int, int]):
    rgb = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    glance = shrunk(rgb, quality.GLANCE_SIDE)

    numbers = quality.statistics(rgb, glance, to_lab(glance))

    assert all(np.isfinite(value) for value in numbers.values())
