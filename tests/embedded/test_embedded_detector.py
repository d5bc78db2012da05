"""The embedded detector against drawn truth, spoilt drawings, and pictures of other worlds."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from imgaudit.embedded import detector, world
from imgaudit.embedded.evaluate import Share
from imgaudit.kernels.objects import relations

DRAWN = 600
SEED = 2_026_112_4
"""Of scenes that nothing was fitted on."""


def scenes(count: int, seed: int):
    random = np.random.default_rng(seed)
    for _ in range(count):
        scene = world.sample_scene(random, allow_held_out=True)
        yield scene, world.place(scene, random)


def kinds(sighting: detector.Sighting) -> list[tuple[str, str | None]]:
    return sorted((max(one.shapes, key=one.shapes.__getitem__), str(one.colour)) for one in sighting.things)


def truth(picture: world.Picture) -> list[tuple[str, str]]:
    return sorted((one.shape, one.colour) for one in picture.placed)


def nearest(sighting: detector.Sighting, placed: world.Placed) -> detector.Thing:
    def distance(one: detector.Thing) -> float:
        return np.hypot((one.box[0] + one.box[2]) / 2 - placed.x, (one.box[1] + one.box[3]) / 2 - placed.y)

    return min(sighting.things, key=distance)


def test_counts_colours_shapes_and_relations_of_drawn_scenes_are_right_in_ninety_seven_of_a_hundred() -> None:
    right: dict[str, list[bool]] = {"known": [], "count": [], "colour": [], "shape": [], "relation": []}
    for scene, picture in scenes(DRAWN, SEED):
        found = detector.detect(world.draw(picture))
        right["known"].append(found.why_not is None)
        right["count"].append(len(found.things) == len(picture.placed))
        right["colour"].append(sorted(c for _, c in kinds(found)) == sorted(c for _, c in truth(picture)))
        right["shape"].append(sorted(s for s, _ in kinds(found)) == sorted(s for s, _ in truth(picture)))
        if scene.relation and found.things:
            first, second = (nearest(found, placed) for placed in picture.placed)
            right["relation"].append(scene.relation in relations(first.box, second.box))
    for name, told in right.items():
        low, _ = Share(sum(told), len(told)).interval
        assert low >= 0.97, (name, sum(told), len(told))


def test_boxes_fit_what_was_drawn() -> None:
    for _, picture in scenes(100, SEED + 1):
        found = detector.detect(world.draw(picture, 128))
        for placed in picture.placed:
            box = nearest(found, replace(placed, x=2 * placed.x, y=2 * placed.y)).box
            reach = {"circle": 1.0, "square": 0.9, "triangle": 1.04, "star": 1.14}[placed.shape] * placed.radius
            assert abs((box[2] - box[0]) / 2 - 2 * reach) < 3


@pytest.mark.parametrize("side", [64, 96, 256, 512])
def test_size_does_not_matter(side: int) -> None:
    for _, picture in scenes(60, SEED + 2):
        found = detector.detect(world.draw(picture, side))
        assert kinds(found) == truth(picture)
        assert all(0 <= one.box[0] < one.box[2] <= side for one in found.things)


def spoilt(pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Bent, blurred and noisy, as generated shapes are."""
    shift = [cv2.GaussianBlur(random.normal(0, 1, (64, 64)).astype(np.float32), (0, 0), 5) * random.uniform(2, 14)
             for _ in range(2)]  # fmt: skip
    rows, columns = np.mgrid[0:64, 0:64].astype(np.float32)
    bent = cv2.remap(pixels, columns + shift[0], rows + shift[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    soft = cv2.GaussianBlur(bent, (0, 0), float(random.uniform(0.5, 1.5)))
    return np.clip(soft + random.normal(0, 4, soft.shape), 0, 255).astype(np.uint8)


def test_what_it_is_sure_of_is_right_even_where_drawings_are_spoilt() -> None:
    random = np.random.default_rng(SEED)
    sure, unsure = [], 0
    for _, picture in scenes(400, SEED + 3):
        found = detector.detect(spoilt(world.draw(picture), random))
        if len(found.things) != len(picture.placed):
            continue
        for placed in picture.placed:
            thing = nearest(found, placed)
            best = max(thing.shapes, key=thing.shapes.__getitem__)
            if thing.shapes[best] >= 0.8:
                sure.append(best == placed.shape)
            else:
                unsure += 1
    assert len(sure) > 300
    assert unsure > 50
    assert sum(sure) / len(sure) >= 0.99


def test_a_picture_of_another_world_is_not_known(corpora: Path) -> None:
    paths = sorted(path for path in (corpora / "generic").rglob("*") if path.suffix in (".jpg", ".jpeg", ".png"))
    read = {path: cv2.imread(str(path)) for path in paths[:60]}
    pictures = {path: pixels for path, pixels in read.items() if pixels is not None and min(pixels.shape[:2]) >= 64}
    if len(pictures) < 10:
        pytest.skip("no pictures in generic/ of the labelled pictures")
    for path, pixels in pictures.items():
        side = min(pixels.shape[:2])
        assert detector.detect(np.ascontiguousarray(pixels[:side, :side, ::-1])).why_not is not None, path.name


def letters() -> np.ndarray:
    page = np.full((256, 256, 3), 255, np.uint8)
    for row in range(5):
        cv2.putText(page, "some words", (10, 45 + 45 * row), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (0, 0, 0), 2)
    return page


def gradient() -> np.ndarray:
    ball = np.full((64, 64, 3), 255, np.uint8)
    rows, columns = np.mgrid[0:64, 0:64]
    inside = (rows - 32) ** 2 + (columns - 32) ** 2 < 400
    ball[inside] = (np.array([220, 30, 35]) * (rows[inside] / 50)[:, None]).clip(0, 255)
    return ball


@pytest.mark.parametrize(
    ("pixels", "why"),
    [
        (np.full((64, 64, 3), 255, np.uint8), "0 patches"),
        (np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8), "border"),
        (np.full((64, 90, 3), 255, np.uint8), "square"),
        (np.full((16, 16, 3), 255, np.uint8), "square"),
        (letters(), ""),
        (gradient(), "flat shapes"),
    ],
)
def test_it_says_why_a_picture_is_not_of_its_world(pixels: np.ndarray, why: str) -> None:
    found = detector.detect(pixels)

    assert found.why_not is not None
    assert why in found.why_not
    assert found.things == ()


def test_two_colours_that_touch_are_two_things() -> None:
    first = world.Placed("square", "red", 22, 32, 9)
    found = detector.detect(world.draw(world.Picture((first, world.Placed("square", "blue", 38, 32, 9)), "white")))

    assert kinds(found) == [("square", "blue"), ("square", "red")]


def test_two_shapes_of_one_colour_that_overlap_are_never_a_sure_shape() -> None:
    placed = (world.Placed("circle", "red", 22, 30, 11), world.Placed("circle", "red", 40, 36, 11))
    found = detector.detect(world.draw(world.Picture(placed, "white")))

    assert all(max(one.shapes.values()) < 0.8 for one in found.things)


def test_it_shares_nothing_with_the_judge_of_what_was_drawn() -> None:
    source = Path(detector.__file__).read_text()
    imported = {
        node.module for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom) and node.module
    } | {name.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import) for name in node.names}

    assert not any("reader" in name or "judging" in name or "known" in name for name in imported)


def test_it_agrees_with_the_reader_on_drawn_pictures() -> None:
    from imgaudit.embedded.reader import read

    for _, picture in scenes(100, SEED + 4):
        pixels = world.draw(picture)
        assert kinds(detector.detect(pixels)) == sorted((one.shape, one.colour) for one in read(pixels).seen)
