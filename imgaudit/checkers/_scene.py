"""What the checks of the scene share: the faces with what was seen of their light, and a tray for the findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from imgaudit.percepts import Face, FaceScene, FaceScenes, Landmarks
from imgaudit.types import Abstained, Failed, Percepts, Polyline, Query, Region

FACES = Query("landmarks", {"parts": ["faces"]})
SCENES = Query("scene", {"part": "faces"}, (FACES,))


@dataclass
class Found:
    """What is put together for one picture."""

    measures: dict[str, float] = field(default_factory=dict)
    unmeasured: dict[str, str] = field(default_factory=dict)
    codes: list[str] = field(default_factory=list)
    regions: list[Region] = field(default_factory=list)
    lines: list[Polyline] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


def faces_seen(percepts: Percepts) -> Sequence[tuple[Face, FaceScene]] | Abstained | Failed:
    """Every face that has a mesh, with its light and halves; what stood in the way where faces could not be seen."""
    faces, scenes = percepts.seen(FACES, Landmarks), percepts.seen(SCENES, FaceScenes)
    for sight in (faces, scenes):
        if isinstance(sight, Failed):
            return sight
    if isinstance(faces, Landmarks) and isinstance(scenes, FaceScenes):
        meshed = [face for face in faces.faces if face.mesh is not None]
        return list(zip(meshed, scenes.faces, strict=False))
    return faces if isinstance(faces, Abstained) else Abstained("faces were not looked at")
