"""Are the faces whole and plausible?

Faces are counted, and each one that a mesh could be fitted to is looked at again: turned, scaled, mirrored. A good face
is read alike every time; on a melted one the mesh slides about. Of faces that look at the camera, the two halves and
the two irises are compared as well. The oddest cue decides; 0.5 is its limit (`imgaudit.kernels.face_geometry`).

Known limits: the mesh is drawn by a network that only knows good faces, so a small fault (teeth, an ear, one eye that
looks elsewhere) passes unseen; faces that are small, turned away or hidden are counted but not judged; painted and
sculpted faces are judged as faces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from imgaudit.kernels import face_geometry
from imgaudit.percepts import Face, Landmarks
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

FACES = Query("landmarks", {"parts": ["faces"]})
OPERATING_POINT = 0.5
SURE_WITHOUT_MESH = 0.75
SMALLEST_PIXELS = 24.0
TURNED_DEGREES = 35.0
WORDS = {
    "jitter": "its parts are read elsewhere at every look",
    "mirror": "its mirror image is read differently",
    "asymmetry": "its halves do not match",
    "irises": "its irises differ in size",
}
_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150,
    136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
_EYES = ((33, 160, 158, 133, 153, 144), (362, 385, 387, 263, 373, 380))
_MOUTH = (61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91)


@dataclass(frozen=True, slots=True)
class Judged:
    """A face, and how near each of its cues is to the limit."""

    face: Face
    odd: dict[str, float]
    probability: float


@checker
class FacesChecker:
    """Counts faces and says how likely it is that one of them is malformed."""

    name: ClassVar[str] = "faces"
    title: ClassVar[str] = "Faces"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("faces",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("defect", "probability", "down", "that some face is malformed; 0.5 is a cue at its limit"),
        Measure("count", "faces", "none", "faces found, at most 16"),
        Measure("unjudged", "faces", "down", "faces found that were too small or turned away to judge"),
        *(
            Measure(f"worst_{cue}", "limits", "down", f"of the worst face: {about} (1 is the limit)")
            for cue, about in WORDS.items()
        ),
    )
    labels: ClassVar[Mapping[str, str]] = {}
    codes: ClassVar[Mapping[str, str]] = {
        "faces.malformed": "a cue of a face is beyond its limit",
        "faces.too_many": "more faces than the case expects",
        "faces.too_few": "fewer faces than the case expects",
    }
    limits: ClassVar[str] = (
        "Small faults of a well-drawn face (teeth, ears, gaze) are missed. Faces under 24 pixels, turned by more than "
        "35 degrees or without a fitted mesh are counted, not judged. The limits are set, not fitted."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """One look for faces."""
        return [FACES]

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """Judge the faces that can be judged, and say how many cannot."""
        seen = percepts.seen(FACES, Landmarks)
        if isinstance(seen, (Abstained, Failed)):
            return seen
        found = [face for face in seen.faces if _counts(face, seen.faces)]
        measured = (
            _judge(found) if found else Measured(measures={"count": 0.0, "unjudged": 0.0}, message="no face is in view")
        )
        return _against_case(measured, case, seen)


def _counts(face: Face, faces: Sequence[Face]) -> bool:
    """A fitted mesh, or a sure detection that is not part of a face that has one (profiles have no mesh)."""
    if face.mesh is not None:
        return True
    inside = any(other.mesh is not None and _centre_in(face, other) for other in faces)
    return face.score >= SURE_WITHOUT_MESH and not inside


def _centre_in(face: Face, other: Face) -> bool:
    x, y = (face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2
    x0, y0, x1, y1 = other.box
    pad = 0.5 * (y1 - y0)
    return x0 - pad <= x <= x1 + pad and y0 - pad <= y <= y1 + pad


def _judge(found: Sequence[Face]) -> Measured:
    judged = sorted((j for j in map(_judged, found) if j is not None), key=lambda j: -j.probability)
    counts = {"count": float(len(found)), "unjudged": float(len(found) - len(judged))}
    evidence = Evidence(polylines=_outlines(found))
    if not judged:
        why = "the faces are too small, turned away or hidden to judge"
        return Measured(measures=counts, unmeasured={"defect": why}, evidence=evidence, message=why)
    worst = judged[0]
    flagged = [j for j in judged if j.probability >= OPERATING_POINT]
    message = f"{len(judged)} of {len(found)} faces judged; none is odd"
    if flagged:
        message = "a face looks malformed: " + "; ".join(WORDS[cue] for cue, value in worst.odd.items() if value >= 1)
    return Measured(
        measures={"defect": worst.probability, **counts, **{f"worst_{cue}": v for cue, v in worst.odd.items()}},
        codes=("faces.malformed",) if flagged else (),
        regions=tuple(Region(label="face", box=j.face.box, score=j.probability) for j in flagged or judged[:1]),
        evidence=evidence,
        message=message,
    )


def _judged(face: Face) -> Judged | None:
    x0, y0, x1, y1 = face.box
    if face.mesh is None or face.views is None or min(x1 - x0, y1 - y0) < SMALLEST_PIXELS:
        return None
    mesh = np.array(face.mesh)
    if abs(face_geometry.yaw(mesh)) > TURNED_DEGREES:
        return None
    odd = face_geometry.oddities(mesh, face.views.jitter, face.views.mirror)
    return Judged(face, odd, face_geometry.probability(odd))


def _outlines(faces: Sequence[Face]) -> tuple[Polyline, ...]:
    lines = []
    for index, face in enumerate(faces, start=1):
        if face.mesh is not None:
            for name, ring in (("outline", _OVAL), ("eye", _EYES[0]), ("eye", _EYES[1]), ("mouth", _MOUTH)):
                points = tuple(face.mesh[i][:2] for i in ring)
                lines.append(Polyline(label=f"face {index} {name}", points=points, closed=True))
    return tuple(lines)


def _against_case(measured: Measured, case: Case, seen: Landmarks) -> Measured:
    expected, count = case.expect.faces, measured.measures["count"]
    if expected is None or count == expected or (count < expected and "faces" in seen.capped):
        return measured
    code = "faces.too_many" if count > expected else "faces.too_few"
    message = f"{count:g} faces found, {expected} expected. {measured.message}"
    return measured.model_copy(update={"codes": (*measured.codes, code), "message": message})
