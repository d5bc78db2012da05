"""Scenes of the world of shapes with one local defect each, whose place is known to the pixel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from imgaudit.embedded import world

KINDS = ("blot", "patch", "hole", "writing")
WORDS = ("SALE", "XK42", "HELLO", "NO 7", "DRAFT", "COPY")
_ROWS, _COLUMNS = np.mgrid[: world.CANVAS, : world.CANVAS]


@dataclass(frozen=True)
class Planted:
    """A drawn scene, the same with a defect, and where that is."""

    name: str
    kind: str
    scene: world.Scene
    picture: world.Picture
    clean: np.ndarray
    pixels: np.ndarray
    truth: np.ndarray

    @property
    def prompt(self) -> str:
        return world.caption(self.scene)


def planted(count: int, seed: int) -> Iterator[Planted]:
    """So many defects, the four kinds in turn, on scenes that the grammar draws by chance."""
    random = np.random.default_rng(seed)
    made = 0
    while made < count:
        scene = world.sample_scene(random, allow_held_out=False)
        scene = replace(scene, background=scene.background or "white")
        picture = world.place(scene, random)
        clean = world.draw(picture)
        found = _PLANTERS[KINDS[made % 4]](clean.copy(), picture, random)
        if found is not None:
            pixels, truth = found
            yield Planted(f"{made:03d}-{KINDS[made % 4]}", KINDS[made % 4], scene, picture, clean, pixels, truth)
            made += 1


def write(found: list[Planted], folder: Path) -> Path:
    """The pictures as PNG files, and the prompts file that says that nothing is to be written in them."""
    folder.mkdir(parents=True)
    rows = []
    for one in found:
        Image.fromarray(one.pixels).save(folder / f"{one.name}.png")
        rows.append({"file": f"{one.name}.png", "prompt": one.prompt, "case": one.name, "expect_text": []})
    prompts = folder / "prompts.jsonl"
    prompts.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return prompts


Found = tuple[np.ndarray, np.ndarray] | None


def _disc(x: float, y: float, radius: float) -> np.ndarray:
    return np.hypot(_COLUMNS + 0.5 - x, _ROWS + 0.5 - y) <= radius


def _clearance(picture: world.Picture, x: float, y: float) -> float:
    """How far a place is from the nearest shape."""
    return min(float(np.hypot(placed.x - x, placed.y - y) - 1.25 * placed.radius) for placed in picture.placed)


def _free(picture: world.Picture, random: np.random.Generator, radius: float) -> tuple[float, float] | None:
    for _ in range(60):
        x, y = random.uniform(radius + 3, world.CANVAS - radius - 3, 2)
        if _clearance(picture, x, y) > radius + 3:
            return float(x), float(y)
    return None


def _blot(pixels: np.ndarray, picture: world.Picture, random: np.random.Generator) -> Found:
    """Noise on the ground."""
    place = _free(picture, random, 6)
    if place is None:
        return None
    mask = _disc(*place, 6)
    pixels[mask] = random.integers(0, 256, (int(mask.sum()), 3), np.uint8)
    return pixels, mask


def _patch(pixels: np.ndarray, picture: world.Picture, random: np.random.Generator) -> Found:
    """A square of a colour that the world does not have, across the edge of a shape."""
    shape = picture.placed[int(random.integers(len(picture.placed)))]
    angle = random.uniform(0, 2 * np.pi)
    x, y = shape.x + 0.8 * shape.radius * np.cos(angle), shape.y + 0.8 * shape.radius * np.sin(angle)
    mask = (abs(_COLUMNS + 0.5 - x) <= 5) & (abs(_ROWS + 0.5 - y) <= 5)
    pixels[mask] = (96, 78, 52)
    return pixels, mask


def _hole(pixels: np.ndarray, picture: world.Picture, random: np.random.Generator) -> Found:
    """A round piece cut out of a shape."""
    large = [placed for placed in picture.placed if placed.radius >= 9 and placed.shape in ("circle", "square")]
    if not large:
        return None
    shape = large[0]
    x, y = shape.x + random.uniform(-2, 2), shape.y + random.uniform(-2, 2)
    mask = _disc(x, y, 0.4 * shape.radius)
    pixels[mask] = world.BACKGROUNDS[picture.background]
    return pixels, mask


def _writing(pixels: np.ndarray, picture: world.Picture, random: np.random.Generator) -> Found:
    """A word on the ground; its place is the box of its pixels."""
    word = str(random.choice(WORDS))
    font = ImageFont.load_default(10)
    ink = (255, 255, 255) if picture.background == "black" else (20, 20, 20)
    for _ in range(60):
        x, y = int(random.integers(2, 30)), int(random.integers(2, 50))
        drawn = Image.fromarray(pixels)
        ImageDraw.Draw(drawn).text((x, y), word, fill=ink, font=font)
        changed = (np.asarray(drawn) != pixels).any(axis=2)
        rows, columns = np.nonzero(changed)
        box = columns.min() - 2, rows.min() - 2, columns.max() + 3, rows.max() + 3
        ground = np.array(world.BACKGROUNDS[picture.background])
        beside = pixels[max(box[1], 0) : box[3], max(box[0], 0) : box[2]]
        if box[2] < world.CANVAS and box[3] < world.CANVAS and (abs(beside.astype(int) - ground) < 30).all():
            truth = np.zeros_like(changed)
            truth[box[1] + 2 : box[3] - 2, box[0] + 2 : box[2] - 2] = True
            return np.asarray(drawn).copy(), truth
    return None


_PLANTERS = {"blot": _blot, "patch": _patch, "hole": _hole, "writing": _writing}
