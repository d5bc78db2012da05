"""Does the light come from one side?

On every face that is not turned far away, and on every matt ball, the direction of the light is fitted from the shading
(Lambert's law over the face's mesh, or over the ball). Each that is lit from one side must agree with the others. In
the two eyes of a face, the highlights must stand at like places.

Known limits: shadows on the ground are not traced, and lamps that stand near light two faces from two sides with
nothing wrong. A face that was pasted in mirrored is only seen where the light comes from the side: light from above
looks alike mirrored. Beards and make-up bend the direction by some tens of degrees. Highlights are compared where an
iris has at least ten pixels; what is missing in one eye is not reported, since lids and lashes hide it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from imgaudit.checkers._scene import SCENES, faces_seen
from imgaudit.digest import rounded
from imgaudit.kernels import face_geometry, shading
from imgaudit.percepts import Balls, EyeLight, Face, FaceScene, Shading
from imgaudit.registry import checker
from imgaudit.types import (
    Abstained,
    Box,
    Case,
    Evidence,
    Failed,
    Measure,
    Measured,
    Outcome,
    Percepts,
    Polyline,
    Query,
    Region,
)

BALLS = Query("scene", {"part": "balls"})

TURNED_DEGREES = 40.0
ONE_SIDED = 0.35
LEAST_FIT = 0.6
DISAGREE_DEGREES = 110.0
EYE_DEGREES = 20.0
SMALLEST_IRIS = 5.0
SPOT_REACH = 0.65
SPOT_SHARE = 0.12
SPOT_LIMIT = 0.55
SIDES = ("the right", "below right", "below", "below left", "the left", "above left", "above", "above right")


@dataclass(frozen=True, slots=True)
class Lit:
    """Something whose shading shows where the light comes from."""

    name: str
    box: Box
    shade: shading.Shade


@checker
class LightingChecker:
    """Compares the light on faces and balls, and the highlights in the two eyes of a face.

    Validation (docs/scene.md): of 34 faces and balls beside their mirror image 25 were found, of 34 beside an equal
    one none alarmed; of 21 pairs of eyes with highlights painted at opposite places 18 were found, of 21 at like
    places none alarmed; of 130 photographs held back none alarmed (95 % interval 0 to 2.9 %), but only 2 of them
    show two lit faces and 3 show two highlights.
    """

    name: ClassVar[str] = "lighting"
    title: ClassVar[str] = "Lighting"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("lighting",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("lit", "things", "none", "faces and balls that show from which side the light comes"),
        Measure("one_sided", "share", "none", "of what is lit most from one side: how much, by its brightness"),
        Measure("disagreement", "degrees", "down", "largest angle between the light on one and on all others"),
        Measure("highlights", "iris radii", "down", "largest distance of the places of the highlights in two eyes"),
        Measure("confidence", "share 0..1", "up", "how well shading explains the brightness of what is compared"),
    )
    labels: ClassVar[Mapping[str, str]] = {"from": "where the light on the first face or ball comes from"}
    codes: ClassVar[Mapping[str, str]] = {
        "lighting.disagree": "a face or ball is lit from another side than the others",
        "lighting.highlights": "the highlights in the two eyes of a face stand at different places",
    }
    limits: ClassVar[str] = (
        "Shadows are not traced. Lamps near by light two faces from two sides with nothing wrong. Light from above "
        "looks alike mirrored. A highlight that is missing in one eye is not reported."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """One look for balls, and one at the faces that are found."""
        return [BALLS, SCENES]

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """The directions of the light, and whether they agree."""
        balls = percepts.seen(BALLS, Balls)
        faces = faces_seen(percepts)
        if isinstance(faces, Failed):
            return faces
        if isinstance(balls, (Abstained, Failed)):
            return balls
        lit = _lit_balls(balls)
        spots: list[tuple[float, Box]] = []
        if not isinstance(faces, Abstained):
            lit = [*_lit_faces(faces), *lit]
            spots = _spots(faces)
        if not lit and not spots:
            return Abstained("no face or ball shows from which side the light comes")
        return _measured(lit, spots)


def _usable(shade: Shading) -> shading.Shade | None:
    """The shade, if shading explains it and it comes from one side."""
    found = shading.Shade(shade.x, shade.y, shade.z, shade.fit)
    return found if found.fit >= LEAST_FIT and found.strength >= ONE_SIDED else None


def _lit_faces(faces: Sequence[tuple[Face, FaceScene]]) -> list[Lit]:
    lit = []
    for number, (face, scene) in enumerate(faces, start=1):
        shade = None if scene.shading is None else _usable(scene.shading)
        if shade is not None and abs(face_geometry.yaw(np.array(face.mesh))) <= TURNED_DEGREES:
            lit.append(Lit(f"face {number}", face.box, shade))
    return lit


def _lit_balls(seen: Balls) -> list[Lit]:
    lit = []
    for number, ball in enumerate(seen.balls, start=1):
        shade = _usable(ball.shading)
        if shade is not None:
            r = ball.radius
            lit.append(Lit(f"ball {number}", (ball.x - r, ball.y - r, ball.x + r, ball.y + r), shade))
    return lit


def _spots(faces: Sequence[tuple[Face, FaceScene]]) -> list[tuple[float, Box]]:
    """For each face whose two eyes have a highlight, how far their places are apart."""
    found = []
    for face, scene in faces:
        if scene.eyes is None or abs(face_geometry.yaw(np.array(face.mesh))) > EYE_DEGREES:
            continue
        places = [place for eye in scene.eyes if (place := _place(eye)) is not None]
        if len(places) == 2:
            found.append((math.hypot(places[0][0] - places[1][0], places[0][1] - places[1][1]), face.box))
    return found


def _place(eye: EyeLight) -> tuple[float, float] | None:
    """Where the highlight stands, if it is a small spot well within an iris that can be read."""
    if eye.radius < SMALLEST_IRIS or eye.spot is None:
        return None
    x, y, share = eye.spot
    return (x, y) if math.hypot(x, y) <= SPOT_REACH and share <= SPOT_SHARE else None


def _measured(lit: Sequence[Lit], spots: Sequence[tuple[float, Box]]) -> Measured:
    measures = {"lit": float(len(lit))}
    unmeasured, codes, regions, words = {}, [], [], []
    arrows: tuple[Polyline, ...] = ()
    if lit:
        measures["one_sided"] = rounded(max(thing.shade.strength for thing in lit))
        measures["confidence"] = rounded(min(thing.shade.fit for thing in lit))
        words.append(f"light from {side(lit[0].shade.azimuth)} on {lit[0].name}")
    if len(lit) > 1:
        worst, odd = max(((_off_others(lit, number), number) for number in range(len(lit))), key=lambda far: far[0])
        measures["disagreement"] = rounded(worst)
        if worst >= DISAGREE_DEGREES:
            codes.append("lighting.disagree")
            arrows = tuple(_arrow(thing) for thing in lit)
            regions.append(Region(label=lit[odd].name, box=lit[odd].box, score=lit[odd].shade.fit))
            words.append(f"{lit[odd].name} is lit from {worst:.0f} degrees beside what lights the rest")
    else:
        unmeasured["disagreement"] = "fewer than two faces or balls show a side"
    if spots:
        far, box = max(spots, key=lambda spot: spot[0])
        measures["highlights"] = rounded(far)
        if far >= SPOT_LIMIT:
            codes.append("lighting.highlights")
            regions.append(Region(label="eyes", box=box, score=rounded(far)))
            words.append("the highlights in the two eyes of a face stand at different places")
    else:
        unmeasured["highlights"] = "no face shows a highlight in both eyes"
    return Measured(
        measures=measures,
        labels={"from": side(lit[0].shade.azimuth)} if lit else {},
        unmeasured=unmeasured,
        codes=tuple(codes),
        regions=tuple(regions),
        evidence=Evidence(polylines=arrows),
        message="; ".join(words) or "the highlights in the eyes agree",
    )


def _off_others(lit: Sequence[Lit], number: int) -> float:
    """Angle between the light on one thing and the mean light on all others, weighed by how one-sided it is."""
    others = [thing.shade for index, thing in enumerate(lit) if index != number]
    mean = math.degrees(math.atan2(sum(shade.y for shade in others), sum(shade.x for shade in others)))
    return shading.apart(lit[number].shade.azimuth, mean)


def side(azimuth: float) -> str:
    """An azimuth in words.

    >>> side(-90.0), side(180.0)
    ('above', 'the left')
    """
    return SIDES[round(azimuth / 45) % 8]


def _arrow(thing: Lit) -> Polyline:
    """From the middle of a thing to where its light comes from, with a tip at the light."""
    x0, y0, x1, y1 = thing.box
    middle, length = np.array([(x0 + x1) / 2, (y0 + y1) / 2]), 0.7 * max(x1 - x0, y1 - y0)
    angle = math.radians(thing.shade.azimuth)
    tip = middle + length * np.array([math.cos(angle), math.sin(angle)])
    barbs = [tip - 0.2 * length * np.array([math.cos(angle + turn), math.sin(angle + turn)]) for turn in (0.5, -0.5)]
    points = (middle, tip, barbs[0], tip, barbs[1])
    return Polyline(label=f"light on {thing.name}", points=tuple((float(p[0]), float(p[1])) for p in points))
