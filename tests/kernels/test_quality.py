"""Each statistic against a known truth or a plain loop; each level against a picture made worse on purpose."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scipy.special import erf
from scipy.stats import spearmanr

from imgaudit.kernels import quality
from imgaudit.kernels.color import from_linear, to_lab, to_linear
from imgaudit.kernels.quality import SCALES, edges, grey, light, traces
from imgaudit.kernels.quality.grain import noise_level
from imgaudit.kernels.quality.sizes import CLOSE_SIDE

STATISTIC = {name: scale.statistic for name, scale in SCALES.items()}
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket", "camera")


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
    shade = np.linspace(0.75, 1.05, side)[:, None, None] * np.linspace(0.9, 1.05, side)[None, :, None]
    return np.clip(soft * shade + random.normal(0, 1.0, soft.shape), 0, 255).astype(np.uint8)


def photograph(name: str) -> np.ndarray:
    """One of the photographs that scikit-image carries."""
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    rgb = getattr(data, name)()
    return np.ascontiguousarray(np.repeat(rgb[..., None], 3, axis=2) if rgb.ndim == 2 else rgb[..., :3])


def smooth(side: int = 320) -> np.ndarray:
    """A sky: one wide gradient in each channel."""
    ramp = np.linspace(60, 200, side)
    return np.stack(np.broadcast_arrays(ramp[:, None], ramp[None, :] * 0.6 + 60, 180.0), axis=-1).astype(np.uint8)


def numbers(rgb: np.ndarray) -> dict[str, float]:
    working = quality.shrunk(rgb, quality.WORKING_SIDE)
    glance = quality.shrunk(working, quality.GLANCE_SIDE)
    return quality.statistics(rgb, working, glance, to_lab(glance))


def levels(rgb: np.ndarray) -> dict[str, float]:
    found = numbers(rgb)
    return {name: SCALES[name].level(found[key]) for name, key in STATISTIC.items() if key in found}


def level(rgb: np.ndarray, name: str) -> float:
    return levels(rgb)[name]


def blurred(rgb: np.ndarray, sigma: float) -> np.ndarray:
    return np.asarray(Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(sigma)))


def moved(rgb: np.ndarray, length: int, degrees: float = 0.0) -> np.ndarray:
    """Blurred by a motion of `length` pixels, each step of half a pixel with equal weight."""
    image, total = Image.fromarray(rgb), np.zeros(rgb.shape)
    steps = np.arange(-length / 2, length / 2 + 0.01, 0.5)
    for step in steps:
        x, y = step * np.cos(np.radians(degrees)), step * np.sin(np.radians(degrees))
        turned = image.transform(image.size, Image.Transform.AFFINE, (1, 0, x, 0, 1, y), Image.Resampling.BILINEAR)
        total += np.asarray(turned)
    return np.rint(total / steps.size)[length:-length, length:-length].astype(np.uint8)


def exposed(rgb: np.ndarray, stops: float) -> np.ndarray:
    return np.rint(from_linear(to_linear(rgb / 255) * 2.0**stops) * 255).astype(np.uint8)


def curved(rgb: np.ndarray, gamma: float) -> np.ndarray:
    return np.rint(255 * (rgb / 255) ** gamma).astype(np.uint8)


def faded(rgb: np.ndarray, share: float) -> np.ndarray:
    return np.rint(128 + (rgb.astype(float) - 128) * share).astype(np.uint8)


def compressed(rgb: np.ndarray, q: int) -> np.ndarray:
    buffer = BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=q)
    return np.asarray(Image.open(buffer).convert("RGB"))


def noisy(rgb: np.ndarray, sigma: float) -> np.ndarray:
    grain = np.random.default_rng(5).normal(0, sigma, rgb.shape[:2])[..., None]
    return np.clip(rgb + grain, 0, 255).round().astype(np.uint8)


def posterised(rgb: np.ndarray, steps: int) -> np.ndarray:
    step = 256 // steps
    return (rgb // step * step).astype(np.uint8)


def scaled(rgb: np.ndarray, factor: float, method: Image.Resampling = Image.Resampling.BICUBIC) -> np.ndarray:
    size = (round(rgb.shape[1] * factor), round(rgb.shape[0] * factor))
    return np.asarray(Image.fromarray(rgb).resize(size, method))


def bled(rgb: np.ndarray, sigma: float) -> np.ndarray:
    luma, *chroma = Image.fromarray(rgb).convert("YCbCr").split()
    smeared = [plane.filter(ImageFilter.GaussianBlur(sigma)) for plane in chroma]
    return np.asarray(Image.merge("YCbCr", [luma, *smeared]).convert("RGB"))


def sharpened(rgb: np.ndarray, percent: int) -> np.ndarray:
    return np.asarray(Image.fromarray(rgb).filter(ImageFilter.UnsharpMask(2, percent, 0)))


def flared(rgb: np.ndarray, reach: float) -> np.ndarray:
    """With a light in the middle that burns out all within `reach` of its width."""
    y, x = np.mgrid[-1 : 1 : rgb.shape[0] * 1j, -1 : 1 : rgb.shape[1] * 1j]
    return np.clip(rgb + 255 * (np.hypot(x, y) < 2 * reach)[..., None], 0, 255).astype(np.uint8)


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


def edge(sigma: float, angle: float = 0.0) -> np.ndarray:
    """One edge from 60 to 190 that is blurred by `sigma`."""
    y, x = np.mgrid[-60:60, -60:60] + 0.3
    across = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle))
    return np.rint(60 + 130 * (0.5 + 0.5 * erf(across / (sigma * np.sqrt(2))))).astype(np.uint8)


# --- known truth


@pytest.mark.parametrize("sigma", [0.7, 1.0, 1.5, 2.0, 3.0, 4.5])
@pytest.mark.parametrize("angle", [0, 20, 45, 90])
def test_the_blur_of_a_known_edge_is_measured(sigma: float, angle: int):
    gray = edge(sigma, angle)
    spreads = edges.edge_spreads(gray, edges.crests(gray))

    assert spreads is not None
    assert np.sqrt(spreads[0] ** 2 - edges.GRID) == pytest.approx(sigma, rel=0.12, abs=0.1)


def test_without_an_edge_there_is_no_blur_to_tell():
    for gray in (grey(smooth()), np.full((200, 200), 90, np.uint8), np.zeros((3, 3), np.uint8)):
        assert edges.edge_spreads(gray, edges.crests(gray)) is None


def test_blur_too_strong_for_a_crest_is_seen_at_a_quarter_of_the_size():
    gray = grey(blurred(scene(2, 640), 14))
    strong = edges.edge_spreads(gray, edges.crests(gray))

    assert strong is not None
    assert strong[0] > 5


@pytest.mark.parametrize("degrees", [0, 30, 90, 140])
def test_the_direction_of_a_known_motion_is_found(degrees: float):
    found = numbers(moved(scene(5), 12, degrees))
    apart = abs(found["motion_angle"] - degrees) % 180

    assert SCALES["motion_blur"].level(found["motion"]) > 0.5
    assert min(apart, 180 - apart) < 10


def test_blur_in_all_directions_is_no_motion():
    assert level(blurred(scene(5), 4), "motion_blur") < 0.1


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

    lines = [*plane[::4].tolist(), *plane.T[::4].tolist()]
    expected = sum(map(along, lines)) / sum(map(len, lines))

    assert expected > 0.05
    assert traces.band_share(plane) == pytest.approx(expected)


def test_blocks_are_measured_as_a_plain_loop_measures_them():
    plane = grey(compressed(scene(1, 96), 8)).astype(int)

    def mean(lines: np.ndarray, phase: int) -> float:
        steps = []
        for line in lines[::4].tolist():
            for c in range(2, len(line) - 1):
                if c % 8 == phase:
                    sides = abs(line[c - 1] - line[c - 2]) + abs(line[c + 1] - line[c])
                    steps.append(min(12, max(0, abs(line[c] - line[c - 1]) - sides)))
        return float(np.mean(steps))

    excess = [mean(p, 0) - float(np.median([mean(p, k) for k in range(1, 8)])) for p in (plane, plane.T)]

    assert np.mean(excess) > 0.5
    assert traces.block_step(plane.astype(np.uint8)) == pytest.approx(np.mean(excess), rel=0.01)


def test_blocks_are_not_told_of_a_tiny_picture():
    assert traces.block_step(np.zeros((20, 400), np.uint8)) is None


@pytest.mark.parametrize("q", [1, 10, 37, 50, 75, 90, 99])
def test_the_quality_of_a_jpeg_is_read_off_its_own_tables(q: int):
    buffer = BytesIO()
    Image.fromarray(scene(0, 64)).save(buffer, "JPEG", quality=q)
    buffer.seek(0)

    assert traces.quality_of_table(Image.open(buffer).quantization[0]) == q


@pytest.mark.parametrize("q", [10, 25, 40, 60, 75, 85])
@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_the_quality_of_a_jpeg_is_read_off_the_pixels_alone(q: int, name: str):
    found = traces.compressed_quality(quality.middle(compressed(photograph(name), q), CLOSE_SIDE))

    assert found == pytest.approx(q, abs=1)  # 50 and 49 quantise the lowest coefficients alike


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_no_jpeg_is_seen_where_there_was_none(name: str):
    fresh = scaled(photograph(name), 0.8)  # scaling removes what traces the file itself may have

    assert traces.compressed_quality(quality.middle(fresh, CLOSE_SIDE)) is None


@pytest.mark.parametrize("method", [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS])
def test_enlarging_by_any_common_method_is_seen(method: Image.Resampling):
    small = scaled(photograph("astronaut"), 0.5, Image.Resampling.BOX)

    assert level(scaled(small, 2, method), "upscaling") > 0.5
    assert level(small, "upscaling") < 0.1


def test_the_empty_part_of_a_picture_is_measured_by_fields():
    rgb = np.full((64, 64, 3), 255, np.uint8)
    rgb[:, 32:] = (200, 0, 0)
    rgb[:, 33:] = 255

    assert light.occupied_share(rgb, to_lab(rgb)) == pytest.approx(1 / 32)


def test_light_and_ink_are_power_means():
    rgb = np.zeros((10, 10, 3), np.uint8)
    rgb[0, 0] = (255, 0, 0)

    assert light.light(rgb) == pytest.approx(100 * 0.01 ** (1 / 8))
    assert light.ink(255 - rgb) == pytest.approx(100 * 0.01 ** (1 / 4))
    assert light.ink(np.full((4, 4, 3), 255, np.uint8)) == 0


def test_a_burnt_out_part_is_counted_and_a_white_ground_is_none():
    inside = np.full((40, 40, 3), 90, np.uint8)
    inside[10:30, 10:30] = 255

    assert light.white_share(inside) == pytest.approx(0.25)
    assert light.white_share(255 - np.clip(inside, 0, 250)) == 0
    assert light.white_share(shape("circle", "red", "white")) is None
    assert light.black_share(shape("circle", "red", "black")) is None


def test_the_middle_is_cut_on_the_grid_of_eight():
    rgb = np.arange(40 * 50 * 3, dtype=np.uint32).reshape(40, 50, 3).astype(np.uint8)

    assert np.array_equal(quality.middle(rgb, 16), rgb[8:24, 16:32])
    assert np.array_equal(quality.middle(rgb, 64), rgb)


def test_a_level_is_a_half_at_the_operating_point_and_never_falls_when_it_gets_worse():
    for scale in SCALES.values():
        values = np.linspace(0, 5 * scale.half, 60)
        steps = [scale.level(float(v)) for v in values]

        assert scale.level(scale.half) == pytest.approx(0.5)
        assert all(np.diff(steps) >= 0) if scale.steepness > 0 else all(np.diff(steps) <= 0)
        assert min(steps) >= 0
        assert max(steps) <= 1


# --- made worse on purpose

WORSE: list[tuple[str, Callable[[np.ndarray, float], np.ndarray], tuple[float, ...]]] = [
    ("blur", blurred, (0, 0.5, 1, 1.5, 2, 3, 4, 6)),
    ("blur_whole", blurred, (0, 0.5, 1, 1.5, 2, 3, 4, 6)),
    ("noise", noisy, (0, 3, 6, 9, 12, 18, 24, 36)),
    ("blocking", compressed, (95, 85, 70, 50, 35, 20, 15, 10)),
    ("dark", curved, (1, 1.3, 1.7, 2.2, 3, 4, 5.5, 8)),
    ("bright", curved, (1, 0.8, 0.65, 0.5, 0.4, 0.3, 0.2, 0.12)),
    ("low_contrast", faded, (1, 0.8, 0.6, 0.45, 0.3, 0.2, 0.12, 0.06)),
]


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize(("measure", "worse", "steps"), WORSE, ids=[measure for measure, *_ in WORSE])
def test_each_level_follows_its_own_fault_over_eight_steps(name: str, measure: str, worse, steps):
    rgb = photograph(name)
    found = [level(worse(rgb, step), measure) for step in steps]

    assert spearmanr(range(8), found).statistic >= 0.95
    assert found[0] < 0.5


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("name", "worse", "step"),
    [("blur", blurred, 4), ("noise", noisy, 32), ("blocking", compressed, 8), ("dark", exposed, -4),
     ("low_contrast", faded, 0.1), ("motion_blur", moved, 14), ("halos", sharpened, 600),
     ("highlights", flared, 0.35)],
)  # fmt: skip
def test_each_fault_that_is_made_on_purpose_is_called_so(name: str, worse, step: float, seed: int):
    assert level(scene(seed), name) < 0.3
    assert level(worse(scene(seed), step), name) > 0.5


def test_colours_that_run_over_edges_are_called_so():
    sharp = photograph("astronaut")

    assert level(sharp, "chroma_bleeding") < 0.1
    assert level(bled(sharp, 9), "chroma_bleeding") > 0.5
    assert level(blurred(sharp, 3), "chroma_bleeding") < 0.5


def test_banding_rises_when_levels_are_taken_away():
    found = [level(posterised(smooth(), n), "banding") for n in (256, 64, 32)]

    assert found[0] == 0
    assert found[1] > 0.5
    assert found[2] > 0.5
    assert level(posterised(scene(4), 256), "banding") < 0.3


@pytest.mark.parametrize("seed", range(3))
def test_a_good_picture_has_no_fault(seed: int):
    assert {name: round(value, 2) for name, value in levels(scene(seed)).items() if value >= 0.5} == {}


@pytest.mark.parametrize("kind", ["circle", "square", "triangle"])
@pytest.mark.parametrize("background", ["white", "black", "gray"])
@pytest.mark.parametrize("colour", ["#dc1e23", "#2341cd", "#fae128"])
@pytest.mark.parametrize(("side", "radius"), [(64, 0.09), (512, 0.3)])
def test_drawn_shapes_have_no_fault(kind: str, background: str, colour: str, side: int, radius: float):
    found = levels(shape(kind, colour, background, side, radius))

    assert [name for name, value in found.items() if value >= 0.5 and name != "low_contrast"] == []


@pytest.mark.parametrize("factor", [0.5, 2.0])
@pytest.mark.parametrize("name", ["astronaut", "coffee", "rocket"])
def test_levels_hold_when_a_picture_is_scaled(factor: float, name: str):
    """Of what is seen at a glance; scaling removes grain, blocks and fine detail, and is itself the fault that is
    called enlarging."""
    rgb = scaled(photograph(name), 2, Image.Resampling.LANCZOS)
    lasting = ("blur", "blur_whole", "motion_blur", "dark", "bright", "low_contrast", "highlights", "shadows",
               "low_information")  # fmt: skip
    for worse in (rgb, blurred(rgb, 7), curved(rgb, 4), curved(rgb, 0.2), faded(rgb, 0.25)):
        before, after = levels(worse), levels(scaled(worse, factor))

        assert {m for m in before if before[m] >= 0.5} & set(lasting) == {m for m in after if after[m] >= 0.5} & set(
            lasting
        )
        assert all(abs(before[m] - after[m]) < 0.15 for m in lasting if m in before and m in after)


def test_a_background_out_of_focus_is_no_blur_and_the_whole_tells_of_it():
    sharp = scene(7)
    soft = blurred(sharp, 8)
    y, x = np.mgrid[:320, :320]
    in_focus = (np.hypot(x - 160, y - 160) < 80)[..., None]

    assert level(np.where(in_focus, sharp, soft), "blur") < 0.2
    assert level(soft, "blur") > 0.9
    assert level(soft, "blur_whole") > 0.9


def test_noise_does_not_hide_blur():
    assert level(noisy(blurred(scene(8), 4), 6), "blur") > 0.5


def test_empty_pictures_carry_no_information():
    blank = np.full((200, 300, 3), 240, np.uint8)

    assert level(blank, "low_information") == 1
    assert level(noisy(blank, 2), "low_information") > 0.5
    assert level(smooth(), "low_information") < 0.1


def test_colour_is_told_from_grey_in_spite_of_jpeg():
    grey_copy = np.repeat(grey(scene(9))[..., None], 3, axis=2)

    assert light.coloured_share(compressed(grey_copy, 60)) < 0.001
    assert light.coloured_share(scene(9)) > 0.3


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (9, 9), (2, 3000), (1, 20_000), (20_000, 1)])
def test_tiny_and_thin_pictures_are_measured(size: tuple[int, int]):
    rgb = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)

    assert all(np.isfinite(value) for value in numbers(rgb).values())


# --- what kind of picture


def drawing(seed: int, side: int = 400) -> np.ndarray:
    """Thin black lines on paper."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (side * 2, side * 2), "white")
    pen = ImageDraw.Draw(image)
    for _ in range(14):
        x, y, r = *random.uniform(0, 2 * side, 2), random.uniform(20, 200)
        pen.arc((x - r, y - r, x + r, y + r), *sorted(random.uniform(0, 360, 2)), fill="black", width=4)
        pen.line([tuple(p) for p in random.uniform(0, 2 * side, (3, 2))], fill="black", width=4)
    return np.asarray(image.resize((side, side), Image.Resampling.BOX))


def poster(seed: int, side: int = 400) -> np.ndarray:
    """Large flat areas of a few colours."""
    random = np.random.default_rng(seed)
    palette = [tuple(c) for c in random.integers(0, 256, (5, 3)).tolist()]
    image = Image.new("RGB", (side * 2, side * 2), palette[0])
    pen = ImageDraw.Draw(image)
    for index in range(12):
        x, y, r = *random.uniform(0, 2 * side, 2), random.uniform(60, 300)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=palette[index % 5])
    return np.asarray(image.resize((side, side), Image.Resampling.BOX))


def cards(seed: int, side: int = 400) -> np.ndarray:
    """Flat cards with soft shadows on a gradient."""
    random = np.random.default_rng(seed)
    ramp = np.linspace(*random.uniform(60, 240, 2), side)[:, None, None] + np.linspace(0, 20, side)[None, :, None]
    image = Image.fromarray(np.broadcast_to(ramp, (side, side, 3)).clip(0, 255).astype(np.uint8))
    for _ in range(8):
        x, y, w, h = *random.uniform(0, side * 0.8, 2), *random.uniform(side * 0.1, side * 0.4, 2)
        shadow = Image.new("L", image.size, 0)
        ImageDraw.Draw(shadow).rounded_rectangle((x + 4, y + 6, x + w + 4, y + h + 6), side * 0.03, fill=90)
        image.paste("black", mask=shadow.filter(ImageFilter.GaussianBlur(side * 0.02)))
        colour = tuple(random.integers(0, 256, 3).tolist())
        ImageDraw.Draw(image).rounded_rectangle((x, y, x + w, y + h), side * 0.03, fill=colour)
    return np.asarray(image)


def page(seed: int, side: int = 400) -> np.ndarray:
    """Lines of print on paper."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (side, side), tuple(random.integers(200, 256, 3).tolist()))
    font = ImageFont.load_default(int(random.integers(9, 40)))
    for line in range(int(random.integers(2, 12))):
        ImageDraw.Draw(image).text((20, 20 + line * side // 13), "Letters in a row " * 4, fill="black", font=font)
    return np.asarray(image)


def night(seed: int, side: int = 400) -> np.ndarray:
    """A dark scene with lamps."""
    dark = exposed(scene(seed, side), -5)
    random = np.random.default_rng(seed)
    for x, y in random.integers(20, side - 20, (15, 2)):
        dark[y : y + 9, x : x + 9] = (255, 230, 170)
    return noisy(dark, 2)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("make", "kind"), [(scene, "photo"), (poster, "flat"), (drawing, "line"), (night, "night")])
def test_the_kind_of_a_made_picture_is_guessed(make, kind: str, seed: int):
    assert quality.medium(numbers(make(seed))) == kind


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("side", [96, 250, 700])
@pytest.mark.parametrize("make", [poster, drawing])
def test_flat_art_and_line_drawings_are_never_called_blurry_or_noisy(make, side: int, seed: int):
    found = levels(compressed(make(seed, side), 90))

    assert found.get("blur", 0) < 0.5
    assert found.get("noise", 0) < 0.5


def test_a_blurred_poster_is_called_blurred():
    assert level(blurred(poster(3), 6), "blur") > 0.5


def test_what_is_empty_or_tiny_is_of_no_kind():
    assert quality.medium(numbers(np.full((100, 100, 3), 90, np.uint8))) == "unknown"
    assert quality.medium(numbers(scene(0, 320)[:20, :20])) == "unknown"
