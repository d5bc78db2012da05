"""Is what should be symmetric symmetric?

Faces that look at the camera are laid over their own mirror image; the openings of the eyes, the places of the irises
and the surroundings of the two eyes (where glasses sit) are compared. Of everything else, a mirror axis is looked for
by key points that have mirror images; only where enough agree on one is it measured what does not match across it.

Known limits: the face's mesh comes from a network that knows good faces and evens out faults, so that eyes and mouths
moved by a third of the distance of the eyes were not told from good faces: faces, eyes, gaze and glasses are measured
and have no code. Buildings and products are judged only where a mirror axis is found, seen from the front; what stands
before one half counts as broken symmetry.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from imgaudit.checkers._scene import SCENES, Found, faces_seen
from imgaudit.digest import rounded
from imgaudit.kernels import face_geometry, symmetry
from imgaudit.percepts import Face, FaceScene, MirrorAxis, Mirroring
from imgaudit.registry import checker
from imgaudit.types import (
    Abstained,
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

MIRROR = Query("scene", {"part": "mirror"})

FRONTAL_DEGREES = 15.0
SMALLEST_EYES = 24.0
GLASSES = 0.8
AXIS_POINTS = 16
AXIS_SHARE = 0.05
AXIS_AGREEMENT = 0.75
BROKEN_LIMIT = 0.012
EYES = ((33, 160, 158, 133, 153, 144), (362, 385, 387, 263, 373, 380))


@checker
class SymmetryChecker:
    """Compares the halves of faces, and of whatever has a mirror axis.

    Validation (docs/scene.md): of 98 photographs with one half mirrored and a place of it replaced 44 were found,
    of 98 without the replaced place none alarmed, and 2 of 130 photographs held back (95 % interval 0.4 to 5.4 %);
    in 6 of those an axis was good enough to judge.
    """

    name: ClassVar[str] = "symmetry"
    title: ClassVar[str] = "Symmetry"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("symmetry",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("faces", "faces", "none", "faces that look at the camera and are large enough to compare"),
        Measure("face_asymmetry", "eye distances", "down", "of the most uneven face: distance from its mirror image"),
        Measure("eye_openings", "log ratio", "down", "of the most uneven face: how unlike its eyes are open"),
        Measure("gaze", "eye widths", "down", "of the most uneven face: how unlike its irises stand in the eyes"),
        Measure("eye_likeness", "correlation", "up", "least likeness of one eye's surroundings to the other's"),
        Measure("glasses", "share 0..1", "none", "how plainly a line crosses the bridge of a nose; 0.8 for glasses"),
        Measure("rim_likeness", "correlation", "up", "least likeness of the edges around the two eyes behind glasses"),
        Measure("axis_points", "key points", "none", "key points that have a mirror image across the axis"),
        Measure("axis_lean", "degrees", "none", "how far the axis leans from upright"),
        Measure("agreement", "share 0..1", "up", "of the mirrored part: what matches its mirror image"),
        Measure("broken", "share 0..1", "down", "of the mirrored part: the largest place that has no match"),
        Measure("confidence", "share 0..1", "up", "how much there is to judge an axis by; none of faces"),
    )
    labels: ClassVar[Mapping[str, str]] = {}
    codes: ClassVar[Mapping[str, str]] = {
        "symmetry.broken": "a part that is mirrored elsewhere has no match across the axis",
    }
    limits: ClassVar[str] = (
        "Faces turned by more than 15 degrees or with eyes nearer than 24 pixels are not compared. Faces, eyes, gaze "
        "and glasses have no code: what was planted there was not found. Buildings and products are judged only where "
        "an axis is found, and what stands before one half counts as broken."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """One look for an axis, and one at the faces that are found."""
        return [MIRROR, SCENES]

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """The halves of faces and of mirrored parts."""
        mirror = percepts.seen(MIRROR, Mirroring)
        faces = faces_seen(percepts)
        if isinstance(faces, Failed):
            return faces
        if isinstance(mirror, (Abstained, Failed)):
            return mirror
        found = Found()
        _of_axis(found, mirror)
        if isinstance(faces, Abstained):
            found.unmeasured["faces"] = faces.reason
        else:
            _of_faces(found, faces)
        return _outcome(found)


def _outcome(found: Found) -> Outcome:
    judged = found.measures.get("faces", 0.0)
    axis = found.measures.get("axis_points", 0.0)
    if not judged and not axis:
        reason = "no axis found, and no face that looks at the camera"
        return Abstained(reason if "faces" not in found.unmeasured else f"no axis found; {found.unmeasured['faces']}")
    if axis:
        found.measures["confidence"] = rounded(1 - math.exp(-axis / 20))
    return Measured(
        measures=found.measures,
        unmeasured=found.unmeasured,
        codes=tuple(found.codes),
        regions=tuple(found.regions),
        evidence=Evidence(polylines=tuple(found.lines)),
        message="; ".join([*found.words, *_compared(judged, axis)]),
    )


def _compared(faces: float, axis: float) -> list[str]:
    """What there was to compare, in words."""
    words = [f"{faces:g} {'face' if faces == 1 else 'faces'} compared"] if faces else []
    return [*words, f"{axis:g} key points have a mirror image across an axis" if axis else "no axis found"]


def has_axis(mirror: Mirroring) -> MirrorAxis | None:
    """The axis, if enough key points agree on it."""
    axis = mirror.axis
    enough = axis is not None and axis.support >= max(AXIS_POINTS, AXIS_SHARE * mirror.points)
    return axis if enough else None


def _of_axis(found: Found, mirror: Mirroring) -> None:
    axis = has_axis(mirror)
    if axis is None:
        found.unmeasured["agreement"] = found.unmeasured["broken"] = "no axis found"
        return
    found.measures["axis_points"] = float(axis.support)
    found.measures["axis_lean"] = rounded(axis.upright)
    found.measures["agreement"] = rounded(axis.agreement)
    if axis.agreement < AXIS_AGREEMENT:
        found.unmeasured["broken"] = "too little of the part matches across the axis to say what should"
        return
    found.measures["broken"] = rounded(axis.broken)
    if axis.broken >= BROKEN_LIMIT and axis.broken_box is not None:
        found.codes.append("symmetry.broken")
        found.lines.append(Polyline(label="mirror axis", points=(axis.start, axis.end)))
        found.regions.append(Region(label="no match across the axis", box=axis.broken_box, score=axis.broken))
        found.words.append("a part that is mirrored elsewhere has no match across the axis")


def _of_faces(found: Found, faces: Sequence[tuple[Face, FaceScene]]) -> None:
    judged = []
    for face, scene in faces:
        mesh = np.array(face.mesh)
        if abs(face_geometry.yaw(mesh)) <= FRONTAL_DEGREES and face_geometry.interocular(mesh) >= SMALLEST_EYES:
            judged.append(_judged(mesh, scene))
    found.measures["faces"] = float(len(judged))
    if not judged:
        found.unmeasured["face_asymmetry"] = "no face looks at the camera and is large enough"
        return
    for name, worst in (("face_asymmetry", max), ("eye_openings", max), ("gaze", max), ("eye_likeness", min),
                        ("glasses", max), ("rim_likeness", min)):  # fmt: skip
        values = [face[name] for face in judged if name in face]
        if values:
            found.measures[name] = rounded(worst(values))


def _judged(mesh: symmetry.Floats, scene: FaceScene) -> dict[str, float]:
    values = {"face_asymmetry": face_geometry.asymmetry(mesh), "eye_openings": _openings(mesh)}
    gaze = _gaze(mesh)
    if gaze is not None:
        values["gaze"] = gaze
    if scene.likeness is not None:
        values["eye_likeness"] = scene.likeness
    if scene.bridge is not None:
        values["glasses"] = scene.bridge
        if scene.bridge >= GLASSES and scene.rims is not None:
            values["rim_likeness"] = scene.rims
    return values


def _openings(mesh: symmetry.Floats) -> float:
    first, second = (max(symmetry.eye_opening(mesh[list(ring)]), 1e-3) for ring in EYES)
    return abs(math.log(first / second))


def _gaze(mesh: symmetry.Floats) -> float | None:
    """Distance between the places of the two irises in their eyes; None where they were not read."""
    if len(mesh) < face_geometry.MESH + 10:
        return None
    places = [
        symmetry.gaze(mesh[face_geometry.MESH + 5 * index], mesh[pair[0]], mesh[pair[1]])
        for index, pair in enumerate(face_geometry.EYE_CORNERS)
    ]
    return math.hypot(places[0][0] - places[1][0], places[0][1] - places[1][1])
