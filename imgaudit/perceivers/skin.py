"""Skin colour of faces, from cheek and forehead patches of the face mesh. Sensitive: never stored beyond the run.

Builds on the faces that `landmarks` found. Tones come in the order of the faces' size, the largest first. A face whose
skin cannot be read is refused with the reason, and a picture in black and white or under coloured light refuses all.

Known limits: medium tones are refused more often than light or dark ones, for their band of angles is narrow
(docs/people.md), so the unknown are not spread like the told. The colour of pixels is not that of a person: light,
make-up, filters and the generator's own rendering are in it. Skin paler than pixels can show is refused as burnt out;
whether a picture is a photo or a drawing is not looked at; beards that reach the cheek bones and painted faces mislead
it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from imgaudit.percepts import Face, Landmarks, SkinPatch
from imgaudit.registry import perceiver
from imgaudit.types import Abstained, Failed, Look, Sight

if TYPE_CHECKING:
    from imgaudit.kernels.skin import Image8, Lab, Light, Refusal


@perceiver
class SkinPerceiver:
    """Skin colour of each face whose mesh was fitted. Its one upstream query is that of the faces' landmarks."""

    name: ClassVar[str] = "skin"
    title: ClassVar[str] = "Skin colour of faces (CIELAB)"
    version: ClassVar[str] = "2"
    reads: ClassVar[Literal["pixels", "bytes"]] = "pixels"
    personal: ClassVar[tuple[str, ...]] = ("skin_tone",)

    def identity(self) -> Mapping[str, str]:
        """The libraries that cut out the patches."""
        import cv2
        import numpy as np

        return {"numpy": np.__version__, "opencv": cv2.__version__}

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One sight a look; a picture without a face is an abstention."""
        return [_guarded(look) for look in looks]


def _guarded(look: Look) -> Sight:
    try:
        return _seen(look)
    except Exception as error:  # one bad picture never ends a batch
        return Failed(f"skin: {type(error).__name__}: {error}")


def _seen(look: Look) -> Sight:
    rgb = look.picture.rgb
    if rgb is None:
        return Abstained("the picture could not be decoded")
    landmarks = look.upstream[0] if look.upstream else Abstained("landmarks were not asked")
    if isinstance(landmarks, (Abstained, Failed)):
        return landmarks
    if not isinstance(landmarks, Landmarks):
        return Failed(f"skin builds on landmarks, not on {type(landmarks).__name__}")
    if not landmarks.faces:
        return Abstained("no face was found")
    return _patches(rgb, sorted(landmarks.faces, key=_size, reverse=True))


def _size(face: Face) -> float:
    x0, y0, x1, y1 = face.box
    return (x1 - x0) * (y1 - y0)


def _patches(rgb: Image8, faces: Sequence[Face]) -> SkinPatch:
    import numpy as np

    from imgaudit.kernels import skin

    light = skin.light_of(rgb, np.array([face.box for face in faces]))
    if isinstance(light, skin.Refusal):
        return SkinPatch(tones=(), refused=(light.reason,) * len(faces))
    told = [_tone(rgb, face, light) for face in faces]
    return SkinPatch(
        tones=tuple(one for one in told if not isinstance(one, skin.Refusal)),
        refused=tuple(one.reason for one in told if isinstance(one, skin.Refusal)),
    )


def _tone(rgb: Image8, face: Face, light: Light) -> Lab | Refusal:
    import numpy as np

    from imgaudit.kernels import skin

    if face.mesh is None:
        return skin.Refusal("no mesh could be fitted to the face")
    return skin.face_tone(rgb, np.array(face.mesh), light)
