"""What the scene's checks find and how often they alarm: `python -m imgaudit.calibration.fit_scene PHOTOS...`.

PHOTOS are folders or files with clean photographs. Each is dealt by the digest of its bytes to one of two sides. On the
first side the operating points were chosen: the script prints, for every code, what the measure behind it says of clean
and of planted pictures. The figures that count come from the other side, with the operating points as they stand in the
checkers: detection of what was planted there, and alarms on its photographs as they are.

Planted are: houses drawn through another camera than their street (`draw_street`); patches copied within a
photograph; tiles of unlike brightness; bars and frames; a stamp repeated over it; smeared texture; one half mirrored
onto the other, with a place broken; an eye or the mouth of a face moved or enlarged; highlights painted into two eyes;
a face or a drawn ball beside its mirror image. Of measures without a code only the values are printed (`--json`).
Everything is drawn from one seed, and no picture is kept. Needs no network.
"""

from __future__ import annotations

import argparse
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imgaudit.digest import digest_bytes
from imgaudit.kernels import face_geometry
from imgaudit.kernels.spread import wilson
from imgaudit.percepts import Face, Landmarks
from imgaudit.pictures import decode, find_files
from imgaudit.registry import checkers, perceivers
from imgaudit.types import Case, Look, Measured, Percepts, Picture, Query

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]
Camera = NDArray[np.float64]

NAMES = ("perspective", "symmetry", "lighting", "background")
FACES = Query("landmarks", {"parts": ["faces"]})
STREETS = 60
BALLS = 40
LEAST_SIDE = 200
MEASURE_OF = {
    "perspective.off_horizon": "off_horizon",
    "symmetry.broken": "broken", "symmetry.face_asymmetry": "face_asymmetry", "symmetry.eye_openings": "eye_openings",
    "lighting.disagree": "disagreement", "lighting.highlights": "highlights",
    "background.bars": "frame", "background.frame": "frame", "background.seams": "seam",
    "background.copied": "copied", "background.pattern": "pattern", "background.odd_tile": "odd_tile",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph: its pixels, the side it was dealt to, and its faces."""

    name: str
    rgb: Pixels
    fitting: bool
    faces: tuple[Face, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """One picture with the code that it should be given, or a control without the fault."""

    code: str
    planted: bool
    fitting: bool
    rgb: Pixels


# --- looking -------------------------------------------------------------------------------------


class Looker:
    """Runs the four checkers on pixels."""

    def __init__(self) -> None:
        self._roles = {name: perceivers.get(name)() for name in ("scene", "landmarks")}
        self._checkers = {name: checkers.get(name)() for name in NAMES}

    def faces(self, picture: Picture) -> tuple[Face, ...]:
        """The faces of a picture."""
        seen = self._roles["landmarks"].perceive([Look(picture, FACES)])[0]
        return seen.faces if isinstance(seen, Landmarks) else ()

    def measured(self, picture: Picture, names: Sequence[str] = NAMES) -> dict[str, Measured]:
        """Outcome of each checker that did not abstain."""
        known, result = Percepts(), {}
        for name in names:
            for query in self._checkers[name].ask(Case(id="x"), known):
                known = self._seen(picture, query, known)
            outcome = self._checkers[name].measure(Case(id="x"), known)
            if isinstance(outcome, Measured):
                result[name] = outcome
        return result

    def _seen(self, picture: Picture, query: Query, known: Percepts) -> Percepts:
        for below in query.upstream:
            known = self._seen(picture, below, known)
        if query in known:
            return known
        look = Look(picture, query, tuple(known[below] for below in query.upstream))
        return known.merged({query: self._roles[query.perceiver].perceive([look])[0]})


def picture_of(rgb: Pixels, quality: int | None = None) -> Picture:
    """Pixels as a decoded picture, through PNG or through JPEG of a quality."""
    held = io.BytesIO()
    if quality is None:
        Image.fromarray(rgb).save(held, "PNG")
    else:
        Image.fromarray(rgb).save(held, "JPEG", quality=quality)
    return decode(held.getvalue(), "x")[0]


def photographs(places: Sequence[Path], looker: Looker) -> Iterator[Photo]:
    """Every photograph below some folders, each content once."""
    seen = set()
    for file in find_files(places).files:
        data = file.path.read_bytes()
        name = digest_bytes(data)
        if name in seen:
            continue
        seen.add(name)
        picture, _ = decode(data, name)
        if picture.rgb is not None and min(picture.width, picture.height) >= 16:
            yield Photo(file.path.name, picture.rgb, int(name[:2], 16) % 2 == 0, looker.faces(picture))


# --- streets -------------------------------------------------------------------------------------


def turned(yaw: float, pitch: float, roll: float) -> Camera:
    """The rotation from the world (y down) to a camera, angles in degrees."""
    y, p, r = (math.radians(angle) for angle in (yaw, pitch, roll))
    about_y = np.array([[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(p), -math.sin(p)], [0, math.sin(p), math.cos(p)]])
    about_z = np.array([[math.cos(r), -math.sin(r), 0], [math.sin(r), math.cos(r), 0], [0, 0, 1]])
    rotation: Camera = about_z @ about_x @ about_y
    return rotation


class Street:
    """Houses and paving in true perspective, seen by one camera; some houses may be seen by another."""

    def __init__(self, rng: np.random.Generator, size: tuple[int, int]) -> None:
        self.rng, (self.width, self.height) = rng, size
        self.focal = self.width * rng.uniform(0.6, 1.6)
        self.angles = (rng.uniform(-40, 40), rng.uniform(-12, 12), rng.uniform(-3, 3))
        ramp = np.linspace(200, 240, self.height)[:, None, None] * np.array([0.9, 0.95, 1.0])
        self.image = np.ascontiguousarray(np.broadcast_to(ramp, (self.height, self.width, 3)).astype(np.uint8))

    def colour(self, low: float, high: float) -> tuple[int, ...]:
        """Any colour of a brightness."""
        level = self.rng.uniform(low, high) + self.rng.normal(0, 18, 3)
        return tuple(int(v) for v in np.clip(level, 0, 255))

    def polygon(self, corners: Floats, camera: Camera, fill: tuple[int, ...], edge: tuple[int, ...] | None) -> int:
        """Draw a flat polygon of the world; how many pixels of the picture it covers."""
        import cv2

        seen = corners @ camera.T
        if (seen[:, 2] < 0.15).any():
            return 0
        at = self.focal * seen[:, :2] / seen[:, 2:] + np.array([self.width, self.height]) / 2
        if np.abs(at).max() > 20_000:
            return 0
        fixed = [(at * 16).astype(np.int32)]
        cv2.fillPoly(self.image, fixed, fill, cv2.LINE_AA, 4)
        if edge is not None:
            cv2.polylines(self.image, fixed, True, edge, 2, cv2.LINE_AA, 4)
        inside = np.clip(at, 0, [self.width, self.height]).astype(np.float32)
        return int(cv2.contourArea(inside[:, None]))

    def wall(self, camera: Camera, corner: Floats, along: Floats, up: Floats, windows: tuple[int, int]) -> int:
        """A wall with rows of windows."""
        covered = self.polygon(
            np.array([corner, corner + along, corner + along + up, corner + up]),
            camera, self.colour(90, 230), self.colour(20, 90),
        )  # fmt: skip
        glass, frame = self.colour(30, 120), self.colour(150, 250)
        across, down = windows
        for column in range(across):
            for row in range(down):
                start = corner + along * ((column + 0.2) / across) + up * ((row + 0.2) / down)
                side, rise = along * (0.6 / across), up * (0.6 / down)
                self.polygon(np.array([start, start + side, start + side + rise, start + rise]), camera, glass, frame)
        return covered

    def house(self, camera: Camera, place: Floats) -> int:
        """A box with windows on all walls; pixels of its largest wall."""
        wide, high, deep = self.rng.uniform(2, 8), self.rng.uniform(2, 9), self.rng.uniform(2, 8)
        windows = int(self.rng.integers(1, 6)), int(self.rng.integers(1, 6))
        x, z, up = np.array([wide, 0, 0]), np.array([0, 0, deep]), np.array([0, -high, 0])
        near = place - x / 2 - z / 2
        walls = [(near + z, x), (near, z), (near + x, z), (near, x)]
        walls.sort(key=lambda wall: -float(np.linalg.norm(wall[0] + wall[1] / 2)))
        return max(self.wall(camera, corner, along, up, windows) for corner, along in walls)

    def paving(self, camera: Camera) -> None:
        """Every second square of a grid on the ground."""
        side, ground = self.rng.uniform(0.8, 2.0), 1.6
        for column in range(-8, 9):
            for row in range(2, 16):
                if (column + row) % 2 == 0:
                    x, z = column * side, row * side
                    square = np.array([[x, ground, z], [x + side, ground, z], [x + side, ground, z + side],
                                       [x, ground, z + side]])  # fmt: skip
                    self.polygon(square, camera, self.colour(120, 170), None)

    def clutter(self) -> None:
        """A few strokes at any angle, as limbs and branches are."""
        import cv2

        for _ in range(int(self.rng.integers(0, 8))):
            x, y = self.rng.uniform(0, self.width), self.rng.uniform(0, self.height)
            angle, length = self.rng.uniform(0, math.pi), self.rng.uniform(60, 260)
            end = int(x + length * math.cos(angle)), int(y + length * math.sin(angle))
            width = int(self.rng.integers(2, 9))
            cv2.line(self.image, (int(x), int(y)), end, self.colour(0, 255), width, cv2.LINE_AA)


def draw_street(rng: np.random.Generator, wrong: float, size: tuple[int, int] = (900, 650)) -> tuple[Pixels, float]:
    """A street, and the share of the picture that houses of a wrong camera cover.

    `wrong` is the chance of each house to be seen by a camera that is pitched and rolled by 6 to 14 degrees more.
    """
    import cv2

    street = Street(rng, (2 * size[0], 2 * size[1]))
    yaw, pitch, roll = street.angles
    right = turned(yaw, pitch, roll)
    if rng.random() < 0.6:
        street.paving(right)
    covered = 0
    for away in sorted(rng.uniform(6, 30, int(rng.integers(4, 9))), reverse=True):
        angle = math.radians(-yaw + rng.uniform(-35, 35))
        place = np.array([math.sin(angle) * away, 1.6, math.cos(angle) * away])
        more = rng.choice([-1, 1], 2) * rng.uniform(6, 14, 2)
        astray = rng.random() < wrong
        camera = turned(yaw, pitch + more[0], roll + more[1]) if astray else right
        covered += street.house(camera, place) * astray
    street.clutter()
    small = cv2.resize(street.image, size, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), rng.uniform(0.3, 0.9)).astype(np.float64)
    noisy = np.clip(soft + rng.normal(0, rng.uniform(1, 6), soft.shape), 0, 255).astype(np.uint8)
    return noisy, covered / (4 * size[0] * size[1])


def draw_balls(rng: np.random.Generator, apart: float) -> Pixels:
    """Two matt balls on an uneven ground; the light on the second comes from `apart` degrees further on."""
    height, width = 480, 720
    y, x = np.mgrid[:height, :width].astype(np.float64)
    ground = 0.25 + 0.1 * np.sin(x / rng.uniform(60, 150)) + 0.1 * np.sin(y / rng.uniform(60, 150))
    picture = np.repeat(ground[..., None], 3, axis=2) * rng.uniform(0.5, 1.0, 3)
    azimuth, depth = rng.uniform(0, 2 * math.pi), rng.uniform(0.2, 0.8)
    for index, middle in enumerate((0.28, 0.72)):
        radius, cx, cy = rng.uniform(60, 120), width * middle, height * rng.uniform(0.4, 0.6)
        dx, dy = (x - cx) / radius, (y - cy) / radius
        inside = dx * dx + dy * dy < 1
        dz = np.sqrt(np.clip(1 - dx * dx - dy * dy, 0, None))
        turn = azimuth + index * math.radians(apart)
        lit = np.clip(dx * math.cos(turn) + dy * math.sin(turn) + depth * dz, 0, None) / math.hypot(1, depth)
        shade = (0.12 + 0.75 * lit)[..., None] * rng.uniform(0.4, 1.0, 3)
        picture[inside] = shade[inside]
    encoded = 255 * np.clip(picture, 0, 1) ** (1 / 2.2)
    return np.clip(encoded + rng.normal(0, rng.uniform(1, 5), encoded.shape), 0, 255).astype(np.uint8)


# --- planting into photographs -------------------------------------------------------------------


def copied(rgb: Pixels, rng: np.random.Generator) -> Pixels | None:
    """A square with texture, copied elsewhere with a soft edge; None where nothing has texture."""
    import cv2

    height, width = rgb.shape[:2]
    side = int(rng.uniform(0.2, 0.32) * min(height, width))
    best: tuple[float, int, int] = (0.0, 0, 0)
    for _ in range(20):
        x, y = int(rng.integers(0, width - side)), int(rng.integers(0, height - side))
        detail = rgb[y : y + side, x : x + side].mean(axis=2)
        best = max(best, (float(np.abs(np.diff(detail, axis=1)).mean()), x, y))
    texture, x, y = best
    if texture < 4:
        return None
    for _ in range(60):
        u, v = int(rng.integers(0, width - side)), int(rng.integers(0, height - side))
        if max(abs(u - x), abs(v - y)) > 1.1 * side:
            mask = np.zeros((side, side), np.float32)
            mask[4:-4, 4:-4] = 1
            soft = cv2.GaussianBlur(mask, (0, 0), 2.0)[..., None]
            result = rgb.copy()
            there = result[v : v + side, u : u + side]
            result[v : v + side, u : u + side] = soft * rgb[y : y + side, x : x + side] + (1 - soft) * there
            return result
    return None


def tiled(rgb: Pixels, rng: np.random.Generator) -> Pixels:
    """Two by two to four by four tiles, each a little brighter or darker than it was."""
    across, down = int(rng.integers(2, 5)), int(rng.integers(2, 5))
    height, width = rgb.shape[:2]
    result = rgb.astype(np.float64)
    rows, columns = np.linspace(0, height, down + 1).astype(int), np.linspace(0, width, across + 1).astype(int)
    for top, bottom in pairwise(rows.tolist()):
        for left, right in pairwise(columns.tolist()):
            part = result[top:bottom, left:right]
            part += rng.choice([-1, 1]) * rng.uniform(4, 12) + rng.normal(0, 2, 3)
    return np.clip(result, 0, 255).astype(np.uint8)


def bordered(rgb: Pixels, rng: np.random.Generator, all_round: bool) -> Pixels:
    """The picture with bars, or with a frame, of one colour."""
    height, width = rgb.shape[:2]
    colours = (np.zeros(3), np.full(3, 255.0), rng.uniform(0, 255, 3))
    colour = colours[int(rng.integers(3))].astype(np.uint8)
    thick = int(rng.uniform(0.04, 0.16) * min(height, width)) + 3
    down, across = (thick, thick) if all_round else ((thick, 0) if rng.random() < 0.5 else (0, thick))
    result = np.empty((height + 2 * down, width + 2 * across, 3), np.uint8)
    result[:] = colour
    result[down : down + height, across : across + width] = rgb
    return result


def stamped(rgb: Pixels, rng: np.random.Generator) -> Pixels:
    """A half-transparent word or sign, repeated over the picture at one distance."""
    import cv2

    height, width = rgb.shape[:2]
    period = int(rng.uniform(0.1, 0.19) * max(height, width))
    cell = np.zeros((period, period), np.uint8)
    scale, at = period / 90, (2, period // 2)
    word = ("PROOF", "sample", "(c) 24", "STOCK", "demo")[int(rng.integers(5))]
    cv2.putText(cell, word, at, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, max(1, round(2 * scale)), cv2.LINE_AA)
    turn = cv2.getRotationMatrix2D((period / 2, period / 2), float(rng.uniform(-40, 40)), 1.0)
    cell = np.asarray(cv2.warpAffine(cell, turn, (period, period)), dtype=np.uint8)
    tiles = np.tile(cell, (height // period + 1, width // period + 1))[:height, :width, None] / 255.0
    strength = rng.uniform(0.15, 0.4) * tiles
    ink = 255.0 if rng.random() < 0.7 else 0.0
    return np.clip(rgb * (1 - strength) + ink * strength, 0, 255).astype(np.uint8)


def melted(rgb: Pixels, rng: np.random.Generator) -> Pixels:
    """A square whose texture is smeared: moved about smoothly by a tenth of its side, and softened."""
    import cv2

    height, width = rgb.shape[:2]
    side = int(rng.uniform(0.18, 0.3) * min(height, width))
    x, y = int(rng.integers(0, width - side)), int(rng.integers(0, height - side))
    part = rgb[y : y + side, x : x + side]
    way = [cv2.GaussianBlur(rng.normal(0, 1, (side, side)), (0, 0), side / 12) for _ in range(2)]
    down, across = np.mgrid[:side, :side].astype(np.float64)
    over, under = (0.1 * side * field / float(np.abs(field).max()) for field in way)
    at_x, at_y = (across + over).astype(np.float32), (down + under).astype(np.float32)
    smeared = cv2.remap(part, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    mask = np.zeros((side, side), np.float32)
    mask[3:-3, 3:-3] = 1
    soft = cv2.GaussianBlur(mask, (0, 0), 2.0)[..., None]
    result = rgb.copy()
    result[y : y + side, x : x + side] = soft * cv2.medianBlur(smeared, 5) + (1 - soft) * part
    return result


def mirrored(rgb: Pixels, rng: np.random.Generator, broken: bool) -> Pixels:
    """The left half mirrored onto the right, lit unevenly; with a place of the right half taken from elsewhere."""
    height, width = rgb.shape[:2]
    half = width // 2
    left = rgb[:, :half].astype(np.float64)
    result = np.concatenate([left, left[:, ::-1]], axis=1)
    if broken:
        side_y, side_x = (int(rng.uniform(0.25, 0.45) * s) for s in (height, half))
        y, x = int(rng.integers(0, height - side_y)), int(rng.integers(0, half - side_x))
        v, u = int(rng.integers(0, height - side_y)), int(rng.integers(0, half - side_x))
        result[y : y + side_y, half + x : half + x + side_x] = np.rot90(left, 2)[v : v + side_y, u : u + side_x]
    light = 1 + rng.uniform(-0.25, 0.25) * np.linspace(-1, 1, result.shape[1])[None, :, None]
    return np.clip(result * light + rng.normal(0, 3, result.shape), 0, 255).astype(np.uint8)


def warped_face(rgb: Pixels, face: Face, rng: np.random.Generator) -> Pixels:
    """One eye, or a corner of the mouth, moved by a quarter to two fifths of the distance of the eyes."""
    mesh = np.array(face.mesh)
    left, right = face_geometry.eye_centres(mesh)
    apart = float(np.hypot(*(right - left)[:2]))
    places = (left[:2], right[:2], mesh[61, :2], mesh[291, :2])
    place = places[int(rng.integers(4))]
    angle, far = rng.uniform(0, 2 * math.pi), rng.uniform(0.25, 0.4) * apart
    return moved(rgb, place, far * np.array([math.cos(angle), math.sin(angle)]), 0.55 * apart)


def opened_eye(rgb: Pixels, face: Face, rng: np.random.Generator) -> Pixels:
    """One eye stretched upright by half to all of its height."""
    mesh = np.array(face.mesh)
    eyes = face_geometry.eye_centres(mesh)
    apart = float(np.hypot(*(eyes[1] - eyes[0])[:2]))
    return stretched(rgb, eyes[int(rng.integers(2))][:2], rng.uniform(1.6, 2.2), 0.5 * apart)


def moved(rgb: Pixels, place: Floats, way: Floats, reach: float) -> Pixels:
    """What lies about a place moved smoothly; beyond `reach` pixels nothing moves."""
    return _remapped(rgb, place, reach, lambda dx, dy: (-way[0] + 0 * dx, -way[1] + 0 * dy))


def stretched(rgb: Pixels, place: Floats, factor: float, reach: float) -> Pixels:
    """What lies about a place stretched upright."""
    return _remapped(rgb, place, reach, lambda dx, dy: (0 * dx, dy / factor - dy))


def _remapped(
    rgb: Pixels, place: Floats, reach: float, way: Callable[[Floats, Floats], tuple[Floats, Floats]]
) -> Pixels:
    import cv2

    y, x = np.mgrid[: rgb.shape[0], : rgb.shape[1]].astype(np.float64)
    dx, dy = x - place[0], y - place[1]
    weight = np.clip(1 - (dx * dx + dy * dy) / reach**2, 0, 1) ** 2
    over, down = way(dx, dy)
    at_x, at_y = (x + weight * over).astype(np.float32), (y + weight * down).astype(np.float32)
    return np.asarray(cv2.remap(rgb, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)


def painted_eyes(rgb: Pixels, face: Face, rng: np.random.Generator, wrong: bool) -> Pixels:
    """A highlight painted into each iris, at like places or at opposite ones; what shone there before is dimmed."""
    import cv2

    mesh = np.array(face.mesh)
    result = rgb.copy()
    angle, far = rng.uniform(-2.6, -0.5), rng.uniform(0.3, 0.5)
    for index in range(2):
        iris = mesh[face_geometry.MESH + 5 * index : face_geometry.MESH + 5 * index + 5, :2]
        radius = float(np.hypot(*(iris[1:] - iris[0]).T).mean())
        y, x = np.mgrid[: rgb.shape[0], : rgb.shape[1]]
        inside = np.hypot(x - iris[0][0], y - iris[0][1]) < 0.9 * radius
        usual = np.median(result[inside], axis=0)
        result[inside] = np.minimum(result[inside], usual + 12).astype(np.uint8)
        turn = angle + (math.pi * rng.uniform(0.7, 1.3) if wrong and index else rng.normal(0, 0.15))
        at = iris[0] + far * radius * np.array([math.cos(turn), math.sin(turn)])
        centre = (int(at[0] * 16), int(at[1] * 16))
        cv2.circle(result, centre, int(max(0.9, 0.16 * radius) * 16), (245, 245, 245), -1, cv2.LINE_AA, 4)
    return result


def readable_eyes(face: Face) -> bool:
    """Whether the irises were read and are large enough to paint into."""
    if face.mesh is None or len(face.mesh) < face_geometry.MESH + 10:
        return False
    mesh = np.array(face.mesh)
    radii = [float(np.hypot(*(mesh[s + 1 : s + 5, :2] - mesh[s, :2]).T).mean()) for s in (468, 473)]
    return min(radii) >= 5 and abs(face_geometry.yaw(mesh)) < 15


def frontal(face: Face) -> bool:
    """Whether a face looks at the camera and is large enough to be compared."""
    if face.mesh is None:
        return False
    mesh = np.array(face.mesh)
    return abs(face_geometry.yaw(mesh)) < 12 and face_geometry.interocular(mesh) >= 28


# --- trials --------------------------------------------------------------------------------------


def drawn_trials(rng: np.random.Generator) -> Iterator[Trial]:
    """Streets and balls, half of them for fitting."""
    count = 0
    while count < STREETS:
        rgb, covered = draw_street(rng, 0.5)
        if covered >= 0.1:
            yield Trial("perspective.off_horizon", True, count % 2 == 0, rgb)
            count += 1
    for index in range(STREETS):
        yield Trial("perspective.off_horizon", False, index % 2 == 0, draw_street(rng, 0.0)[0])
    for index in range(BALLS):
        yield Trial("lighting.disagree", True, index % 2 == 0, draw_balls(rng, float(rng.uniform(120, 240))))
        yield Trial("lighting.disagree", False, index % 2 == 0, draw_balls(rng, 0.0))


def planted_trials(photo: Photo, rng: np.random.Generator) -> Iterator[Trial]:
    """Everything that can be planted into one photograph."""
    if min(photo.rgb.shape[:2]) < LEAST_SIDE or photo.rgb.std() < 15:
        return
    rgb = _at_most(photo.rgb, 1200)
    side = photo.fitting
    copy = copied(rgb, rng)
    if copy is not None:
        yield Trial("background.copied", True, side, copy)
    yield Trial("background.seams", True, side, tiled(rgb, rng))
    yield Trial("background.bars", True, side, bordered(rgb, rng, all_round=False))
    yield Trial("background.frame", True, side, bordered(rgb, rng, all_round=True))
    yield Trial("background.pattern", True, side, stamped(rgb, rng))
    yield Trial("background.odd_tile", True, side, melted(rgb, rng))
    yield Trial("symmetry.broken", True, side, mirrored(rgb, rng, broken=True))
    yield Trial("symmetry.broken", False, side, mirrored(rgb, rng, broken=False))
    yield from _face_trials(photo, rng)


def _face_trials(photo: Photo, rng: np.random.Generator) -> Iterator[Trial]:
    for face in [face for face in photo.faces if frontal(face)][:1]:
        for _ in range(3):
            yield Trial("symmetry.face_asymmetry", True, photo.fitting, warped_face(photo.rgb, face, rng))
            yield Trial("symmetry.eye_openings", True, photo.fitting, opened_eye(photo.rgb, face, rng))
        both = np.concatenate([photo.rgb, photo.rgb[:, ::-1]], axis=1)
        yield Trial("lighting.disagree", True, photo.fitting, both)
        yield Trial("lighting.disagree", False, photo.fitting, np.concatenate([photo.rgb, photo.rgb], axis=1))
    for face in [face for face in photo.faces if readable_eyes(face)][:1]:
        for _ in range(3):
            for wrong in (True, False):
                eyes = painted_eyes(photo.rgb, face, rng, wrong)
                yield Trial("lighting.highlights", wrong, photo.fitting, eyes)


def _at_most(rgb: Pixels, longest: int) -> Pixels:
    image = Image.fromarray(rgb)
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return np.asarray(image)


# --- figures -------------------------------------------------------------------------------------


@dataclass
class Tally:
    """Hits and values of one code on one side, planted or not."""

    hits: int = 0
    size: int = 0
    told: int = 0
    values: list[float] | None = None

    def add(self, outcome: Measured | None, code: str) -> None:
        """Count one picture."""
        self.size += 1
        self.values = self.values if self.values is not None else []
        if outcome is None:
            return
        self.hits += code in outcome.codes
        value = outcome.measures.get(MEASURE_OF[code])
        if value is not None:
            self.told += 1
            self.values.append(value)

    def facts(self) -> dict[str, object]:
        """Counts, share with its Wilson interval, and quantiles of the measure."""
        low, high = wilson(self.hits, self.size) if self.size else (0.0, 1.0)
        quantiles = np.percentile(self.values, [5, 25, 50, 75, 95]).round(3).tolist() if self.values else []
        return {
            "hits": self.hits, "of": self.size, "told": self.told,
            "interval": [round(low, 4), round(high, 4)], "quantiles": quantiles,
        }  # fmt: skip


def run(
    photos: Sequence[Photo], looker: Looker, seed: int, codes: Sequence[str] = tuple(MEASURE_OF)
) -> dict[str, dict[str, object]]:
    """For some codes and both sides: planted, controls, and photographs as they are."""
    rng = np.random.default_rng(seed)
    tallies: dict[tuple[str, str, str], Tally] = {}

    def tally(code: str, kind: str, fitting: bool) -> Tally:
        return tallies.setdefault((code, kind, "fit" if fitting else "test"), Tally())

    for trial in _trials(photos, rng):
        quality = int(rng.integers(80, 96))
        if trial.code not in codes:
            continue
        name = trial.code.split(".")[0]
        outcome = looker.measured(picture_of(trial.rgb, quality), (name,)).get(name)
        tally(trial.code, "planted" if trial.planted else "control", trial.fitting).add(outcome, trial.code)
    for photo in photos:
        outcomes = looker.measured(picture_of(photo.rgb), sorted({code.split(".")[0] for code in codes}))
        for code in codes:
            tally(code, "photographs", photo.fitting).add(outcomes.get(code.split(".")[0]), code)
            if outcomes.get(code.split(".")[0]) and code in outcomes[code.split(".")[0]].codes:
                print("alarm", code, photo.name, "fit" if photo.fitting else "test")
    result: dict[str, dict[str, object]] = {}
    for (code, kind, side), counted in sorted(tallies.items()):
        result.setdefault(code, {})[f"{kind} {side}"] = counted.facts()
    return result


def _trials(photos: Sequence[Photo], rng: np.random.Generator) -> Iterator[Trial]:
    yield from drawn_trials(rng)
    for photo in photos:
        yield from planted_trials(photo, rng)


def table(figures: Mapping[str, Mapping[str, object]]) -> str:
    """The figures of the test side as a Markdown table."""
    lines = ["| code | planted, found | controls, alarms | photographs, alarms (95 % interval) |"]
    lines.append("| --- | --- | --- | --- |")
    for code, facts in figures.items():
        cells = []
        for kind in ("planted", "control", "photographs"):
            one = facts.get(f"{kind} test")
            cells.append("-" if not isinstance(one, dict) else f"{one['hits']} of {one['of']}" + (
                f" ({one['interval'][0]:.1%} to {one['interval'][1]:.1%})" if kind == "photographs" else ""
            ))  # fmt: skip
        lines.append(f"| `{code}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Plant, look, count, and print JSON and a table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("photos", nargs="+", type=Path, help="folders or files of clean photographs")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--codes", nargs="+", choices=list(MEASURE_OF), default=list(MEASURE_OF), metavar="CODE")
    options.add_argument("--json", type=Path, help="where to write all figures")
    given = options.parse_args()
    import cv2

    cv2.setNumThreads(1)
    looker = Looker()
    photos = list(photographs(given.photos, looker))
    figures = run(photos, looker, given.seed, given.codes)
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"{len(photos)} photographs, {sum(photo.fitting for photo in photos)} of them for fitting")
    print(table(figures))


if __name__ == "__main__":
    main()
