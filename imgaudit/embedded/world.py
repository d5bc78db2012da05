"""The world of coloured shapes: its grammar, its exact pictures and its foils.

A caption of this world ("a red circle left of a blue square on a white background") has one meaning, a `Scene`.
A scene can be drawn in many ways, each an exact `Picture`: which shape of which colour lies where is known to a
fraction of a pixel. So every picture carries its truth, and every caption has foils: captions that differ in one
respect and are false of the same picture.

Some compositions never occur in training pictures (`HELD_OUT_PAIRS`, `HELD_OUT_TRIPLES`): what a model does with
them tells composition from memory. The rule is fixed: each shape misses one colour, and four placements of two shapes
are missing in both wordings ("a circle left of a star" is also "a star right of a circle").

This module needs numpy and Pillow only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Rgb = tuple[int, int, int]
Pixels = npt.NDArray[np.uint8]

CANVAS = 64
"""Side of the canvas in pixels."""

COLOURS: dict[str, Rgb] = {
    "red": (220, 30, 35),
    "orange": (250, 140, 20),
    "yellow": (250, 225, 40),
    "green": (30, 150, 60),
    "cyan": (50, 210, 225),
    "blue": (35, 65, 205),
    "purple": (135, 45, 170),
    "pink": (250, 130, 190),
}
BACKGROUNDS: dict[str, Rgb] = {
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "gray": (128, 128, 128),
}
SHAPES = ("circle", "square", "triangle", "star")
SIZES = ("small", "large")
RELATIONS = ("left of", "right of", "above", "below")
OPPOSITES = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
COUNT_WORDS = {1: "a", 2: "two", 3: "three", 4: "four"}
FOIL_KINDS = ("colour", "shape", "count", "relation", "size", "background", "negation", "binding")

HELD_OUT_PAIRS = frozenset({("purple", "star"), ("orange", "triangle"), ("cyan", "square"), ("pink", "circle")})
"""Colours and shapes that never meet in training."""

HELD_OUT_TRIPLES = frozenset(
    {
        ("circle", "left of", "star"),
        ("triangle", "above", "square"),
        ("square", "left of", "circle"),
        ("star", "above", "triangle"),
    }
)
"""Placements of two shapes that never occur in training, in either wording."""

SMALL_RADIUS = (5.6, 6.6)
LARGE_RADIUS_ALONE = (15.0, 20.0)
LARGE_RADIUS_GROUPED = (12.6, 13.6)
MIDDLE_RADIUS_ALONE = (8.5, 11.5)
MIDDLE_RADIUS_GROUPED = (8.0, 10.0)
_MARGIN = 1.5
_SUPERSAMPLING = 4


@dataclass(frozen=True)
class Item:
    """One or several equal shapes that a caption names; None leaves the property open."""

    shape: str | None = None
    colour: str | None = None
    size: str | None = None
    count: int = 1


@dataclass(frozen=True)
class Scene:
    """What a caption of this world says.

    `items` holds one item, or two single ones; `relation` places the first item relative to the second, None leaves
    the places open; `absent` is the shape that must not occur.
    """

    items: tuple[Item, ...]
    relation: str | None = None
    background: str | None = None
    absent: str | None = None


@dataclass(frozen=True)
class Placed:
    """A shape on the canvas: centre and radius in pixels of a 64x64 canvas."""

    shape: str
    colour: str
    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Picture:
    """The whole truth of a drawn picture; the shapes do not overlap."""

    placed: tuple[Placed, ...]
    background: str


@dataclass(frozen=True)
class Foil:
    """A scene that differs in one respect from the one it was made of, with its caption."""

    kind: str
    scene: Scene
    caption: str


# --- the grammar -------------------------------------------------------------------------------------------------


def _article(following: str) -> str:
    return "an" if following[0] in "aeiou" else "a"


def _phrase(item: Item) -> str:
    noun = item.shape or "shape"
    words = [word for word in (item.size, item.colour) if word]
    if item.count == 1:
        words.append(noun)
        return f"{_article(words[0])} {' '.join(words)}"
    return f"{COUNT_WORDS[item.count]} {' '.join([*words, noun + 's'])}"


def caption(scene: Scene) -> str:
    """Say the scene in the one canonical wording.

    >>> caption(Scene((Item("circle", "red"), Item("square", "blue")), "left of", "white"))
    'a red circle left of a blue square on a white background'
    """
    text = _phrase(scene.items[0])
    if len(scene.items) == 2:
        text += f" {scene.relation or 'and'} {_phrase(scene.items[1])}"
    if scene.absent:
        text += f" and no {scene.absent}"
    if scene.background:
        text += f" on a {scene.background} background"
    return text


_ITEM = (
    r"(?P<count{n}>a|an|one|two|three|four) (?:(?P<size{n}>small|large) )?"
    rf"(?:(?P<colour{{n}}>{'|'.join(COLOURS)}) )?(?P<shape{{n}}>{'|'.join(SHAPES)}|shape)(?P<plural{{n}}>s?)"
)
_RELATION = r"(?:on |to )?(?:the )?(?:left of|right of)|above|below|under|and"
_CAPTION = re.compile(
    r"(?:an? (?:picture|drawing|image|photo) of )?"
    + _ITEM.format(n=1)
    + rf"(?: (?P<relation>{_RELATION}) {_ITEM.format(n=2)})?"
    + rf"(?: and no (?P<absent>{'|'.join(SHAPES)})s?)?"
    + r"(?: on (?:a |an )?(?P<background>white|black|gray|grey) background)?"
)
_COUNTS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4}


def _parsed_item(found: re.Match[str], number: int) -> Item | None:
    count = _COUNTS[found[f"count{number}"]]
    if (found[f"plural{number}"] == "s") != (count > 1):
        return None
    shape = found[f"shape{number}"]
    return Item(None if shape == "shape" else shape, found[f"colour{number}"], found[f"size{number}"], count)


def _parsed_relation(words: str | None) -> str | None:
    if words is None or words == "and":
        return None
    if words == "under":
        return "below"
    return next(relation for relation in RELATIONS if words.endswith(relation))


def parse(text: str) -> Scene | None:
    """Read a caption of this world; None for any other text.

    Case, surrounding space, a final full stop and a lead-in such as "a picture of" do not matter.

    >>> parse("Two blue squares.")
    Scene(items=(Item(shape='square', colour='blue', size=None, count=2),), relation=None, background=None, absent=None)
    >>> parse("a portrait of a woman") is None
    True
    """
    if len(text) > 300:
        return None
    found = _CAPTION.fullmatch(" ".join(text.lower().split()).removesuffix("."))
    if found is None:
        return None
    items = [_parsed_item(found, 1)]
    if found["shape2"]:
        items.append(_parsed_item(found, 2))
    complete = tuple(item for item in items if item is not None)
    background = "gray" if found["background"] == "grey" else found["background"]
    scene = Scene(complete, _parsed_relation(found["relation"]), background, found["absent"])
    return scene if len(complete) == len(items) and _sensible(scene) else None


def _sensible(scene: Scene) -> bool:
    pair = len(scene.items) == 2
    if pair and any(item.count > 1 for item in scene.items):
        return False
    if scene.absent is None:
        return True
    return all(item.shape not in (None, scene.absent) for item in scene.items)


def paraphrase(scene: Scene, random: np.random.Generator) -> str:
    """Say the scene in one of the wordings that `parse` reads, canonical four times in five."""
    text = caption(scene)
    if random.random() < 0.8:
        return text
    if scene.relation in ("left of", "right of"):
        text = text.replace(scene.relation, f"to the {scene.relation}")
    elif scene.relation == "below":
        text = text.replace("below", "under")
    if random.random() < 0.5:
        text = f"a {random.choice(['picture', 'drawing', 'image'])} of {text}"
    return text


# --- foils -------------------------------------------------------------------------------------------------------


def _with_item(scene: Scene, index: int, item: Item) -> Scene:
    items = list(scene.items)
    items[index] = item
    return replace(scene, items=tuple(items))


def _colour_foils(scene: Scene) -> Iterator[Scene]:
    for index, item in enumerate(scene.items):
        if item.colour:
            for colour in COLOURS:
                if colour != item.colour:
                    yield _with_item(scene, index, replace(item, colour=colour))


def _shape_foils(scene: Scene) -> Iterator[Scene]:
    for index, item in enumerate(scene.items):
        if item.shape:
            for shape in SHAPES:
                if shape not in (item.shape, scene.absent):
                    yield _with_item(scene, index, replace(item, shape=shape))


def _count_foils(scene: Scene) -> Iterator[Scene]:
    if len(scene.items) == 1 and scene.absent is None:
        for count in COUNT_WORDS:
            if count != scene.items[0].count:
                yield _with_item(scene, 0, replace(scene.items[0], count=count))


def _compatible(one: Item, other: Item) -> bool:
    """Whether one thing can be both."""
    return all(
        mine is None or theirs is None or mine == theirs
        for mine, theirs in (
            (one.shape, other.shape),
            (one.colour, other.colour),
            (one.size, other.size),
        )
    )


def _may_show_both(scene: Scene, other: Scene) -> bool:
    """Whether a picture of two things can be right for both scenes, the things taken in either order."""
    if len(scene.items) != 2 or len(other.items) != 2:
        return False
    (one, two), (first, second) = scene.items, other.items
    mine, theirs = scene.relation, other.relation
    free = mine is None or theirs is None
    straight = free or mine == theirs
    crossed = free or OPPOSITES[mine or ""] == theirs
    return (straight and _compatible(one, first) and _compatible(two, second)) or (
        crossed and _compatible(one, second) and _compatible(two, first)
    )


def _relation_foils(scene: Scene) -> Iterator[Scene]:
    if scene.relation is None:
        return
    opposite = OPPOSITES[scene.relation]
    yield replace(scene, relation=opposite)
    for relation in RELATIONS:
        if relation not in (scene.relation, opposite):
            yield replace(scene, relation=relation)


def _size_foils(scene: Scene) -> Iterator[Scene]:
    for index, item in enumerate(scene.items):
        if item.size:
            other = "large" if item.size == "small" else "small"
            yield _with_item(scene, index, replace(item, size=other))


def _background_foils(scene: Scene) -> Iterator[Scene]:
    if scene.background:
        for background in BACKGROUNDS:
            if background != scene.background:
                yield replace(scene, background=background)


def _negation_foils(scene: Scene) -> Iterator[Scene]:
    if len(scene.items) == 1 and scene.absent and scene.items[0].count == 1:
        yield replace(scene, items=(*scene.items, Item(scene.absent)), absent=None)
    if len(scene.items) == 2 and scene.relation is None:
        first, second = scene.items
        if second.shape and first.shape and second.shape != first.shape:
            yield replace(scene, items=(first,), absent=second.shape)


def _binding_foils(scene: Scene) -> Iterator[Scene]:
    if len(scene.items) != 2:
        return
    first, second = scene.items
    if first.colour and second.colour and first.colour != second.colour:
        swapped = (replace(first, colour=second.colour), replace(second, colour=first.colour))
        yield replace(scene, items=swapped)


_FOIL_MAKERS = {
    "colour": _colour_foils,
    "shape": _shape_foils,
    "count": _count_foils,
    "relation": _relation_foils,
    "size": _size_foils,
    "background": _background_foils,
    "negation": _negation_foils,
    "binding": _binding_foils,
}


def foils(scene: Scene, kinds: tuple[str, ...] = FOIL_KINDS) -> tuple[Foil, ...]:
    """Every scene that differs from this one in one respect and is false of its pictures, by kind, in a fixed order.

    The hardest foil of a relation (the opposite) comes first. Kinds that the caption does not speak of have none.
    """
    return tuple(
        Foil(kind, changed, caption(changed))
        for kind in kinds
        for changed in _FOIL_MAKERS[kind](scene)
        if kind in ("background", "negation") or not _may_show_both(scene, changed)
    )


# --- pictures ----------------------------------------------------------------------------------------------------


def held_out(scene: Scene) -> bool:
    """Whether the caption names a composition that no training picture shows."""
    if any((item.colour, item.shape) in HELD_OUT_PAIRS for item in scene.items):
        return True
    if scene.relation is None:
        return False
    first, second = scene.items
    return bool(
        {
            (first.shape, scene.relation, second.shape),
            (second.shape, OPPOSITES[scene.relation], first.shape),
        }
        & HELD_OUT_TRIPLES
    )


def _radius(size: str | None, *, alone: bool, random: np.random.Generator) -> float:
    if size == "small":
        low, high = SMALL_RADIUS
    elif size == "large":
        low, high = LARGE_RADIUS_ALONE if alone else LARGE_RADIUS_GROUPED
    else:
        low, high = MIDDLE_RADIUS_ALONE if alone else MIDDLE_RADIUS_GROUPED
    return float(random.uniform(low, high))


def _jitter(radius: float, random: np.random.Generator) -> float:
    room = max(0.0, CANVAS / 4 - _MARGIN - 1.15 * radius)
    return float(random.uniform(-room, room))


def _centres(radii: list[float], relation: str | None, random: np.random.Generator) -> list[tuple[float, float]]:
    """Centres that keep the shapes apart: each in a quarter of the canvas of its own, or the two halves of a pair."""
    quarter = CANVAS / 4
    if len(radii) == 1:
        low = _MARGIN + 1.2 * radii[0]
        x, y = random.uniform(low, CANVAS - low, 2)
        return [(float(x), float(y))]
    if relation is None:
        cells = random.permutation(4)[: len(radii)]
        return [
            (
                quarter + 2 * quarter * (cell % 2) + _jitter(radius, random),
                quarter + 2 * quarter * (cell // 2) + _jitter(radius, random),
            )
            for cell, radius in zip(cells, radii, strict=True)
        ]
    low = _MARGIN + 1.2 * max(radii)
    across = random.uniform(low, CANVAS - low)
    first, second = (quarter, 3 * quarter) if relation in ("left of", "above") else (3 * quarter, quarter)
    centres = []
    for along, radius in zip((first, second), radii, strict=True):
        pair = (
            along + _jitter(radius, random),
            float(np.clip(across + random.uniform(-2, 2), low, CANVAS - low)),
        )
        centres.append(pair if relation in ("left of", "right of") else pair[::-1])
    return centres


def _filled(item: Item, scene: Scene, random: np.random.Generator) -> tuple[str, str]:
    shapes = [shape for shape in SHAPES if shape != scene.absent]
    shape = item.shape or str(random.choice(shapes))
    return shape, item.colour or str(random.choice(list(COLOURS)))


def place(scene: Scene, random: np.random.Generator) -> Picture:
    """Choose everything that the scene leaves open, evenly, and put the shapes on the canvas.

    What is left open is never filled with a held-out composition; what the scene names is drawn as it is named.
    """
    pair = len(scene.items) == 2
    relation = scene.relation
    if pair and relation is None:
        relation = str(random.choice(RELATIONS))
    while True:
        kinds = [_filled(item, scene, random) for item in scene.items]
        shown = tuple(Item(shape, colour) for shape, colour in kinds)
        if held_out(scene) or not held_out(Scene(shown, relation)):
            break
        if scene.relation is None and pair:
            relation = str(random.choice(RELATIONS))
    if not pair:
        kinds = kinds * scene.items[0].count
    sizes = [item.size for item in scene.items] * (len(kinds) // len(scene.items))
    alone = len(kinds) == 1
    radii = [_radius(size, alone=alone, random=random) for size in sizes]
    centres = _centres(radii, relation, random)
    background = scene.background or str(random.choice(list(BACKGROUNDS)))
    placed = tuple(
        Placed(shape, colour, x, y, radius)
        for (shape, colour), (x, y), radius in zip(kinds, centres, radii, strict=True)
    )
    return Picture(placed, background)


def _outline(placed: Placed, scale: float) -> list[tuple[float, float]]:
    """Corners of a square, triangle or star; a star's points alternate with its inner corners."""
    radii: tuple[float, ...]
    if placed.shape == "square":
        radii, start, corners = (0.9 * math.sqrt(2),), math.pi / 4, 4
    elif placed.shape == "triangle":
        radii, start, corners = (1.2,), math.pi / 2, 3
    else:
        radii, start, corners = (1.2, 0.5), math.pi / 2, 10
    lowered = 0.3 * placed.radius if placed.shape == "triangle" else 0.0
    points = []
    for corner in range(corners):
        angle = start + 2 * math.pi * corner / corners
        length = radii[corner % len(radii)] * placed.radius
        x = placed.x + length * math.cos(angle)
        y = placed.y + lowered - length * math.sin(angle)
        points.append((x * scale, y * scale))
    return points


def draw(picture: Picture, side: int = CANVAS) -> Pixels:
    """Draw the picture exactly: RGB, shape (side, side, 3), flat colours, edges smoothed by supersampling."""
    scale = side / CANVAS * _SUPERSAMPLING
    fine = side * _SUPERSAMPLING
    image = Image.new("RGB", (fine, fine), BACKGROUNDS[picture.background])
    pen = ImageDraw.Draw(image)
    for placed in picture.placed:
        colour = COLOURS[placed.colour]
        if placed.shape == "circle":
            x, y, radius = placed.x * scale, placed.y * scale, placed.radius * scale
            pen.ellipse((x - radius, y - radius, x + radius - 1, y + radius - 1), fill=colour)
        else:
            pen.polygon(_outline(placed, scale), fill=colour)
    return np.asarray(image.resize((side, side), Image.Resampling.BOX), dtype=np.uint8)


# --- the training captions ---------------------------------------------------------------------------------------


_FORMS = ("one", "count", "relation", "pair", "negation", "open")
_FORM_SHARES = (0.16, 0.22, 0.34, 0.14, 0.07, 0.07)


def _sampled_item(random: np.random.Generator, sizes: float = 0.3, named: float = 1.0) -> Item:
    colour = str(random.choice(list(COLOURS))) if random.random() < named else None
    size = str(random.choice(SIZES)) if random.random() < sizes else None
    return Item(str(random.choice(SHAPES)), colour, size)


def _sampled_open(random: np.random.Generator) -> Item:
    chance = random.random()
    if chance < 0.4:
        return Item()
    if chance < 0.7:
        return Item(str(random.choice(SHAPES)))
    return Item(colour=str(random.choice(list(COLOURS))))


def _sampled_scene(random: np.random.Generator) -> Scene:
    form = str(random.choice(_FORMS, p=_FORM_SHARES))
    background = str(random.choice(list(BACKGROUNDS))) if random.random() < 0.4 else None
    if form == "open":
        return Scene((_sampled_open(random),), background=background)
    if form == "count":
        item = replace(_sampled_item(random, 0.1, 0.9), count=int(random.integers(2, 5)))
        return Scene((item,), background=background)
    first = _sampled_item(random, 0.3 if form == "one" else 0.12, 1.0 if form == "one" else 0.88)
    if form == "one":
        return Scene((first,), background=background)
    if form == "negation":
        others = [shape for shape in SHAPES if shape != first.shape]
        return Scene((first,), background=background, absent=str(random.choice(others)))
    second = _sampled_item(random, 0.12, 0.88)
    relation = str(random.choice(RELATIONS)) if form == "relation" else None
    return Scene((first, second), relation, background)


def sample_scene(random: np.random.Generator, *, allow_held_out: bool = False) -> Scene:
    """Draw a caption's scene from the mixture used for training; relations and pairs come oftenest, being hardest."""
    while True:
        scene = _sampled_scene(random)
        if len(scene.items) == 2 and _compatible(*scene.items):
            continue
        if allow_held_out or not held_out(scene):
            return scene


def _size_of(placed: Placed) -> str | None:
    if placed.radius < (SMALL_RADIUS[1] + MIDDLE_RADIUS_GROUPED[0]) / 2:
        return "small"
    return "large" if placed.radius > (MIDDLE_RADIUS_ALONE[1] + LARGE_RADIUS_GROUPED[0]) / 2 else None


def _relation_of(first: Placed, second: Placed) -> str | None:
    """How the first lies to the second, if one direction is clear."""
    across, down = first.x - second.x, first.y - second.y
    if abs(across) > 2 * abs(down):
        return "left of" if across < 0 else "right of"
    if abs(down) > 2 * abs(across):
        return "above" if down < 0 else "below"
    return None


def _described(placed: Placed, count: int, random: np.random.Generator) -> Item:
    return Item(
        placed.shape if random.random() < 0.92 else None,
        placed.colour if random.random() < 0.88 else None,
        _size_of(placed) if random.random() < 0.5 else None,
        count,
    )


def describe(picture: Picture, random: np.random.Generator) -> Scene | None:
    """Say of a picture something that is true and in the grammar; None if the grammar has no words for what it holds.

    What is left unsaid is left to chance, so one picture has many descriptions.
    """
    background = picture.background if random.random() < 0.4 else None
    kinds = {(placed.shape, placed.colour, _size_of(placed)) for placed in picture.placed}
    count = len(picture.placed)
    if len(kinds) == 1 and count <= max(COUNT_WORDS):
        item = _described(picture.placed[0], count, random)
        absent = None
        if item.shape and random.random() < 0.12:
            absent = str(random.choice([shape for shape in SHAPES if shape != item.shape]))
        return Scene((item,), background=background, absent=absent)
    if count != 2:
        return None
    first, second = (picture.placed[i] for i in random.permutation(2))
    items = (_described(first, 1, random), _described(second, 1, random))
    relation = _relation_of(first, second) if random.random() < 0.7 else None
    scene = Scene(items, relation, background)
    return None if _compatible(*items) else scene
