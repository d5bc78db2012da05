"""Points of hands, faces and bodies, by the networks that the mediapipe wheel carries. Needs no network or GPU.

Parameters: `{}` looks for everything; `{"parts": [...]}` only for some of `hands`, `faces`, `poses`. Faces are looked
for in the whole picture and in overlapping windows, bodies in the whole picture and below each face, hands in the whole
picture, near wrists and in windows. Candidates that mediapipe's own solutions would drop are kept with their score,
because a malformed hand is often an unsure one.

Known limits: a body is found by its face; hands below a tenth of the picture's side are found only near a wrist; at
most eight hands, sixteen faces and four bodies are kept (`capped` says so); the networks were trained on people and
draw a plausible hand or face on what only resembles one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import ClassVar, Literal

from imgaudit.perceivers import _mediapipe
from imgaudit.perceivers._bodies import BodyFinder
from imgaudit.perceivers._faces import FaceFinder
from imgaudit.perceivers._hands import HandFinder
from imgaudit.perceivers._views import Halves, Image8
from imgaudit.percepts import Face, Hand, Landmarks, Pose
from imgaudit.registry import perceiver
from imgaudit.types import JSON, Abstained, Failed, Look, Picture, Sight

Part = Literal["hands", "faces", "poses"]
PARTS: tuple[Part, ...] = ("hands", "faces", "poses")
SMALLEST_SIDE = 16


@perceiver
class LandmarkPerceiver:
    """Hands, faces and bodies in a picture. One object a thread: the networks are not shared."""

    name: ClassVar[str] = "landmarks"
    title: ClassVar[str] = "Hand, face and body landmarks (mediapipe)"
    version: ClassVar[str] = "1"
    reads: ClassVar[Literal["pixels", "bytes"]] = "pixels"

    def __init__(self) -> None:
        self._identity = _mediapipe.identity()

    # built at the first look, so that a run whose percepts are all cached loads no network
    @cached_property
    def _finders(self) -> tuple[FaceFinder, BodyFinder, HandFinder]:
        return FaceFinder(), BodyFinder(), HandFinder()

    def identity(self) -> Mapping[str, str]:
        """Versions of mediapipe and OpenCV, and the digest of every network."""
        return self._identity

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One sight a look. Looks at one picture that follow one another share the work."""
        sights: list[Sight] = []
        latest: tuple[Picture, _Seen] | None = None
        for look in looks:
            rgb = look.picture.rgb
            if rgb is None:
                sights.append(Abstained("the picture could not be decoded"))
                continue
            if latest is None or latest[0] is not look.picture:
                latest = look.picture, _Seen(rgb, *self._finders)
            sights.append(_guarded(latest[1], rgb, _parts(look.query.parameters)))
        return sights


class _Seen:
    """What is found in one picture; each part is looked for when it is first asked for."""

    def __init__(self, rgb: Image8, faces: FaceFinder, bodies: BodyFinder, hands: HandFinder) -> None:
        self._rgb, self._finders = rgb, (faces, bodies, hands)

    @cached_property
    def _halves(self) -> Halves:
        return Halves(self._rgb)

    @cached_property
    def faces(self) -> list[Face]:
        return self._finders[0].find(self._halves)

    @cached_property
    def poses(self) -> list[Pose]:
        return self._finders[1].find(self._halves, self.faces)

    @cached_property
    def hands(self) -> list[Hand]:
        return self._finders[2].find(self._halves, self.faces, self.poses)


def _guarded(seen: _Seen, rgb: Image8, parts: tuple[Part, ...]) -> Sight:
    height, width = rgb.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        return Abstained(
            f"the picture is {width} x {height} pixels; landmarks need at least {SMALLEST_SIDE} on each side"
        )
    try:
        return _landmarks(seen, width, height, parts)
    except Exception as error:  # one bad picture never ends a batch
        return Failed(f"landmarks: {type(error).__name__}: {error}")


def _landmarks(seen: _Seen, width: int, height: int, parts: tuple[Part, ...]) -> Landmarks:
    hands = seen.hands if "hands" in parts else []
    faces = seen.faces if "faces" in parts else []
    poses = seen.poses if "poses" in parts else []
    over: dict[Part, bool] = {
        "hands": len(hands) > HandFinder.limit,
        "faces": len(faces) > FaceFinder.limit,
        "poses": len(poses) > BodyFinder.limit,
    }
    return Landmarks(
        width=width,
        height=height,
        hands=tuple(hands[: HandFinder.limit]),
        faces=tuple(faces[: FaceFinder.limit]),
        poses=tuple(poses[: BodyFinder.limit]),
        parts=parts,
        capped=tuple(part for part in parts if over[part]),
    )


def _parts(parameters: Mapping[str, JSON]) -> tuple[Part, ...]:
    wanted = parameters.get("parts", PARTS)
    return tuple(part for part in PARTS if part in wanted)
