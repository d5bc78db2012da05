"""Faces drawn with light: an egg-shaped head of a known skin colour, under a lamp, a cast and an exposure.

Everything is computed in linear light. The head is matt with a sheen; its eyes have whites and irises; hair shades the
top. What is known of a face is the albedo it was drawn with, so a reading can be right, wrong or refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from imgaudit.kernels import skin
from imgaudit.kernels.color import from_lab, from_linear, to_linear

Floats = np.ndarray
SIDE = 320
CENTRE, RADII = (160.0, 165.0), (95.0, 130.0, 105.0)
EYES, EYE, IRIS = ((-40.0, -18.0), (40.0, -18.0)), (24.0, 10.0), 9.0
PATCHES = ((skin.LEFT_CHEEK, (-50, 28)), (skin.RIGHT_CHEEK, (50, 28)), (skin.FOREHEAD, (0, -68)))
EYE_RINGS = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (362, 398, 384, 385, 386, 387, 388, 466, 263, 249, 390, 373, 374, 380, 381, 382),
)

TONES: tuple[tuple[float, float, float], ...] = (
    (76.0, 8.0, 15.0), (72.0, 9.5, 17.0), (69.0, 10.0, 18.0), (66.0, 11.0, 18.5), (62.0, 12.0, 20.0),
    (58.0, 12.5, 20.5), (55.0, 13.0, 21.0), (50.0, 13.0, 20.5), (45.0, 13.0, 19.0), (40.0, 12.0, 17.0),
    (34.0, 10.5, 13.5), (27.0, 7.5, 9.0),
)  # fmt: skip
"""CIELAB of skin from very light to very dark, as a colorimeter meets it."""

CASTS = {
    "tungsten": (1.0, 0.68, 0.32),
    "warm": (1.0, 0.87, 0.7),
    "warm, weak": (1.0, 0.95, 0.87),
    "cold, weak": (0.9, 0.96, 1.0),
    "cold": (0.72, 0.88, 1.0),
    "green": (0.75, 1.0, 0.75),
}
"""Gains of red, green and blue light."""

GROUNDS = {
    "gray": (0.2, 0.2, 0.2),
    "white": (0.85, 0.85, 0.85),
    "dark": (0.02, 0.02, 0.02),
    "wall": (0.45, 0.38, 0.28),
    "sky": (0.35, 0.45, 0.6),
    "tiles": None,
}
"""Albedo of what stands behind; tiles are of every colour and gray on average."""


@dataclass(frozen=True)
class Scene:
    """How a face is shown.

    `lamp` points from the face to the lamp; `stops` is the exposure; `lids` is the share of the light that reaches the
    eyes, and `veins` how far their whites are mixed with red.
    """

    tone: tuple[float, float, float]
    cast: tuple[float, float, float] = (1.0, 1.0, 1.0)
    stops: float = 0.0
    lamp: tuple[float, float, float] = (0.0, -0.4, 1.0)
    ambient: float = 0.45
    sheen: float = 0.05
    ground: str = "tiles"
    lids: float = 0.8
    veins: float = 0.0
    noise: float = 1.5


def albedo(tone: tuple[float, float, float]) -> Floats:
    """Linear red, green, blue of a CIELAB colour."""
    return to_linear(from_lab(np.array(tone)) / 255)


def scenes(**fixed: object) -> Iterator[Scene]:
    """Every tone before every ground; lamp, sheen and eyes differ from one to the next. `fixed` is the same in all."""
    lamps = ((0.0, -0.4, 1.0), (0.35, -0.3, 1.0), (-0.3, -0.6, 1.0))
    for index, tone in enumerate(TONES):
        for number, ground in enumerate(GROUNDS):
            scene = Scene(
                tone,
                lamp=lamps[(index + number) % 3],
                sheen=0.03 + 0.03 * (number % 3),
                ground=ground,
                lids=(0.5, 0.65, 0.8, 1.0)[(2 * index + number) % 4],
                veins=(0.0, 0.2, 0.4)[(index + 2 * number) % 3],
            )
            yield replace(scene, **fixed)  # type: ignore[arg-type]


def drawn_at_random(number: int, seed: int, **fixed: object) -> Iterator[Scene]:
    """Scenes whose tone, lamp, sheen, eyes and ground are drawn at random. `fixed` is the same in all."""
    draw = np.random.default_rng(seed)
    tones = np.array(TONES)
    for _ in range(number):
        place = draw.uniform(0, len(tones) - 1)
        below, share = int(place), place - int(place)
        tone = tones[below] * (1 - share) + tones[min(below + 1, len(tones) - 1)] * share
        scene = Scene(
            tone=(float(tone[0]), float(tone[1]), float(tone[2])),
            lamp=(float(draw.uniform(-0.4, 0.4)), float(draw.uniform(-0.7, 0)), 1.0),
            ambient=float(draw.uniform(0.3, 0.6)),
            sheen=float(draw.uniform(0, 0.15)),
            ground=str(draw.choice(list(GROUNDS))),
            lids=float(draw.uniform(0.5, 1)),
            veins=float(draw.uniform(0, 0.4)),
        )
        yield replace(scene, **fixed)  # type: ignore[arg-type]


@lru_cache(maxsize=1)
def _grid() -> tuple[Floats, Floats, Floats, Floats]:
    """x, y from the face's centre, the head's mask, and its normals."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    x, y = x - CENTRE[0], y - CENTRE[1]
    a, b, c = RADII
    depth = 1 - (x / a) ** 2 - (y / b) ** 2
    head = depth > 0
    z = c * np.sqrt(np.maximum(depth, 0))
    normals = np.stack([x / a**2, y / b**2, z / c**2], axis=-1)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-9)
    return x, y, head, normals


def draw(scene: Scene, seed: int = 0) -> np.ndarray:
    """The picture, uint8 (side, side, 3)."""
    x, y, head, normals = _grid()
    lamp = np.array(scene.lamp) / np.linalg.norm(scene.lamp)
    half = lamp + np.array((0, 0, 1))
    half /= np.linalg.norm(half)
    matt = scene.ambient + (1 - scene.ambient) * np.clip(normals @ lamp, 0, None)
    light = _ground(scene.ground) * np.ones((SIDE, SIDE, 1))
    light[head] = albedo(scene.tone) * matt[head][:, None]
    light[head] += (scene.sheen * np.clip(normals @ half, 0, None) ** 20)[head][:, None]
    hair = head & (y < -95)
    light[hair] = 0.03
    for u, v in EYES:
        white = ((x - u) / EYE[0]) ** 2 + ((y - v) / EYE[1]) ** 2 <= 1
        ball = np.array((0.6, 0.56, 0.53)) * (1 - scene.veins * np.array((0.0, 0.5, 0.5)))
        light[white] = ball * scene.lids * matt[white][:, None]
        light[np.hypot(x - u, y - v) <= IRIS] = (0.04, 0.03, 0.02)
    levels = from_linear(light * scene.cast * 2.0**scene.stops) * 255
    grain = np.random.default_rng(seed).normal(0, scene.noise, levels.shape)
    return np.asarray(np.clip(np.round(levels + grain), 0, 255).astype(np.uint8))


def _ground(name: str) -> Floats:
    plain = GROUNDS[name]
    if plain is not None:
        return np.array(plain)
    half = np.random.default_rng(5).uniform(0.05, 0.55, (8, 4, 3))
    tiles = np.concatenate([half, 0.6 - half], axis=1)
    return np.kron(tiles, np.ones((SIDE // 8, SIDE // 8, 1)))


def mesh() -> Floats:
    """A face mesh (478, 3) whose patches, eyes and irises lie where they are drawn; other points are at the centre."""
    points = np.zeros((478, 3))
    for indices, (u, v) in PATCHES:
        angles = np.linspace(0, 2 * np.pi, len(indices), endpoint=False)
        points[list(indices)] = np.stack([u + 20 * np.cos(angles), v + 15 * np.sin(angles), 0 * angles], 1)
    for number, (ring, (u, v)) in enumerate(zip(EYE_RINGS, EYES, strict=True)):
        # rings run from the left corner over the upper lid
        angles = np.pi + np.linspace(0, 2 * np.pi, len(ring), endpoint=False)
        points[list(ring)] = np.stack([u + EYE[0] * np.cos(angles), v + EYE[1] * np.sin(angles), 0 * angles], 1)
        rim = np.array([(0, 0), (IRIS, 0), (0, -IRIS), (-IRIS, 0), (0, IRIS)])
        points[468 + 5 * number : 473 + 5 * number, :2] = rim + np.array((u, v))
    points[234], points[454] = (-RADII[0], 0, 0), (RADII[0], 0, 0)
    return points + np.array((*CENTRE, 0))


def box() -> Floats:
    """The face's box, as one row."""
    (x, y), (a, b, _) = CENTRE, RADII
    return np.array([[x - a, y - b, x + a, y + b]])
