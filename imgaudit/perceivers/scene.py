"""What the scene is made of: straight lines, mirror axes, light on faces and balls, traces of its making.

Parameters: `{"part": P}` with P one of `lines`, `mirror`, `ground`, `balls`, and `faces`, which builds on the faces
that the landmarks perceiver found. Lines are looked for with the longest side at 640 pixels, key points at 400,
repeated patterns at 480, balls at 224; frames and seams in the picture's own pixels. Needs no model of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from imgaudit.kernels.quality import grey
from imgaudit.perceivers import _scene_faces, _scene_ground, _scene_lines, _scene_mirror
from imgaudit.percepts import Landmarks
from imgaudit.registry import perceiver
from imgaudit.types import Abstained, Failed, Look, Picture, Sight

SMALLEST_SIDE = 16
LONGEST_RATIO = 40.0


@perceiver
class ScenePerceiver:
    """Looks at the scene: lines, mirror axes, light, frames, seams and repetitions."""

    name: ClassVar[str] = "scene"
    title: ClassVar[str] = "Lines, symmetry, light and seams of the scene"
    version: ClassVar[str] = "1"
    reads: ClassVar[Literal["pixels", "bytes"]] = "pixels"

    def identity(self) -> Mapping[str, str]:
        """The libraries whose arithmetic reaches the answers."""
        import cv2

        return {"opencv": str(cv2.__version__), **{package: version(package) for package in ("numpy", "scipy")}}

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One sight a look. Looks at one picture that follow one another share the work."""
        sights: list[Sight] = []
        latest: tuple[Picture, _Seen] | None = None
        for look in looks:
            if look.picture.rgb is None:
                sights.append(Abstained("the picture could not be decoded"))
                continue
            if latest is None or latest[0] is not look.picture:
                latest = look.picture, _Seen(look.picture.rgb)
            sights.append(_guarded(latest[1], look))
        return sights


class _Seen:
    """One picture; its grey version and its key points are made when first wanted."""

    def __init__(self, rgb: npt.NDArray[np.uint8]) -> None:
        self.rgb = rgb

    @cached_property
    def gray(self) -> npt.NDArray[np.uint8]:
        return grey(self.rgb)

    @cached_property
    def keypoints(self) -> _scene_mirror.Keypoints:
        return _scene_mirror.keypoints(self.gray)


def _guarded(seen: _Seen, look: Look) -> Sight:
    height, width = seen.rgb.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        return Abstained(f"the picture is {width} x {height} pixels; the scene needs {SMALLEST_SIDE} on each side")
    if max(height, width) > LONGEST_RATIO * min(height, width):
        return Abstained(f"the picture is {width} x {height} pixels; a strip shows no scene")
    try:
        return _seen_part(seen, look)
    except Exception as error:  # one bad picture never ends a batch
        return Failed(f"scene: {type(error).__name__}: {error}")


def _seen_part(seen: _Seen, look: Look) -> Sight:
    part = look.query.parameters.get("part")
    if part == "lines":
        return _scene_lines.lines(seen.gray)
    if part == "mirror":
        return _scene_mirror.mirroring(seen.keypoints)
    if part == "ground":
        return _scene_ground.ground(seen.rgb, seen.gray, seen.keypoints)
    if part == "balls":
        return _scene_faces.balls(seen.gray)
    return _faces(seen, look)


def _faces(seen: _Seen, look: Look) -> Sight:
    found = look.upstream[0] if look.upstream else Abstained("faces were not looked for")
    if isinstance(found, Landmarks):
        return _scene_faces.face_scenes(seen.gray, found)
    if isinstance(found, (Abstained, Failed)):
        return found
    return Failed(f"scene: landmarks answered with {type(found).__name__}")
