"""Who or what a picture is of, and in which colours: for comparing pictures of one character.

Builds on the faces and bodies that `landmarks` found. The largest person is the figure; its palette is that of the
clothing on the trunk. Where no person is seen, what stands out from an even background is the figure.

Known limits: one figure a picture; clothing is what lies between shoulders and hips (below the chin, where no body was
found), whatever covers it; coloured light changes its colours; a thing before an uneven background is not found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from imgaudit.percepts import Face, Figure, Landmarks, Pose, Swatch
from imgaudit.registry import perceiver
from imgaudit.types import Abstained, Box, Failed, Look, Sight

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image8 = NDArray[np.uint8]
    Mask = NDArray[np.bool_]

SIDE = 384
"""Longest side at which colours are counted."""
FACE_ROOM = 0.25
VISIBLE = 0.5
SHOULDERS, HIPS = (11, 12), (24, 23)
LEAST_PIXELS = 40
NOTHING = "no person is seen, and nothing stands out from an even background"


@perceiver
class FigurePerceiver:
    """The figure of a picture. Its one upstream query is that of the landmarks of faces and bodies."""

    name: ClassVar[str] = "figure"
    title: ClassVar[str] = "Main figure and its colours"
    version: ClassVar[str] = "1"
    reads: ClassVar[Literal["pixels", "bytes"]] = "pixels"

    def identity(self) -> Mapping[str, str]:
        """The libraries that cut out and count."""
        import cv2
        import numpy as np

        return {"numpy": np.__version__, "opencv": cv2.__version__}

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One sight a look."""
        return [_guarded(look) for look in looks]


def _guarded(look: Look) -> Sight:
    try:
        return _seen(look)
    except Exception as error:  # one bad picture never ends a batch
        return Failed(f"figure: {type(error).__name__}: {error}")


def _seen(look: Look) -> Sight:
    rgb = look.picture.rgb
    if rgb is None:
        return Abstained("the picture could not be decoded")
    landmarks = look.upstream[0] if look.upstream else Abstained("landmarks were not asked")
    if isinstance(landmarks, Failed):
        return landmarks
    if isinstance(landmarks, Landmarks) and (landmarks.faces or landmarks.poses):
        return _person(rgb, landmarks)
    return _thing(rgb)


def _person(rgb: Image8, seen: Landmarks) -> Figure:
    face = max(seen.faces, key=lambda one: _area(one.box), default=None)
    pose = _body_of(face, seen.poses)
    boxes = [one.box for one in (face, pose) if one is not None]
    box = _within(_joined(boxes), rgb)
    return Figure(
        kind="person",
        box=box,
        face=None if face is None else _within(_roomy(face.box), rgb),
        palette=_palette(rgb, _trunk(rgb, face, pose)),
    )


def _body_of(face: Face | None, poses: Sequence[Pose]) -> Pose | None:
    """The largest body, or the one whose nose is on the face."""
    if face is None:
        return max(poses, key=lambda pose: _area(pose.box), default=None)
    x0, y0, x1, y1 = face.box
    return next((pose for pose in poses if x0 <= pose.points[0][0] <= x1 and y0 <= pose.points[0][1] <= y1), None)


def _trunk(rgb: Image8, face: Face | None, pose: Pose | None) -> Mask:
    """Where clothing is expected: between shoulders and hips, or below the chin."""
    import cv2
    import numpy as np

    height, width = rgb.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    if pose is not None and all(pose.points[i][3] >= VISIBLE for i in SHOULDERS):
        corners = np.array([pose.points[i][:2] for i in (*SHOULDERS, *HIPS)])
        if not all(pose.points[i][3] >= VISIBLE for i in HIPS):  # hips out of view: straight down from the shoulders
            across = float(np.linalg.norm(corners[1] - corners[0]))
            corners[2:] = corners[1::-1] + np.array([0.0, 1.2 * across])
        # drawn in by a tenth, so that arms and background beside the trunk stay out
        corners = corners.mean(axis=0) + 0.8 * (corners - corners.mean(axis=0))
        cv2.fillConvexPoly(mask, corners.round().astype(np.int32), 1)
    elif face is not None:
        x0, y0, x1, y1 = face.box
        wide, high = x1 - x0, y1 - y0
        left, top, right, bottom = x0 - wide / 4, y1 + high / 2, x1 + wide / 4, y1 + 1.5 * high
        mask[max(0, round(top)) : max(0, round(bottom)), max(0, round(left)) : max(0, round(right))] = 1
    return np.asarray(mask > 0)


def _thing(rgb: Image8) -> Sight:
    import numpy as np

    from imgaudit.kernels.color import standing_out, to_lab
    from imgaudit.kernels.quality import shrunk

    small = shrunk(rgb, SIDE)
    out = standing_out(to_lab(small)) if min(small.shape[:2]) >= 8 else None
    if out is None:
        return Abstained(NOTHING)
    rows, columns = np.flatnonzero(out.any(axis=1)), np.flatnonzero(out.any(axis=0))
    wide, high = rgb.shape[1] / small.shape[1], rgb.shape[0] / small.shape[0]
    box = (columns[0] * wide, rows[0] * high, (columns[-1] + 1) * wide, (rows[-1] + 1) * high)
    return Figure(kind="thing", box=_within(box, rgb), palette=_swatches(small, out))


def _palette(rgb: Image8, mask: Mask) -> tuple[Swatch, ...]:
    """Colours under a mask of the whole picture; none where it covers too little."""
    import cv2
    import numpy as np

    from imgaudit.kernels.quality import shrunk

    small = shrunk(rgb, SIDE)
    size = (small.shape[1], small.shape[0])
    inside = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    return _swatches(small, inside)


def _swatches(rgb: Image8, mask: Mask) -> tuple[Swatch, ...]:
    from imgaudit.kernels.color import to_lab
    from imgaudit.kernels.palettes import extracted

    pixels = rgb[mask]
    if len(pixels) < LEAST_PIXELS:
        return ()
    return tuple(
        Swatch(lab=(round(float(row[0]), 2), round(float(row[1]), 2), round(float(row[2]), 2)),
               share=round(float(row[3]), 4))
        for row in extracted(to_lab(pixels))
    )  # fmt: skip


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _joined(boxes: Sequence[Box]) -> Box:
    x0s, y0s, x1s, y1s = zip(*boxes, strict=True)
    return min(x0s), min(y0s), max(x1s), max(y1s)


def _roomy(box: Box) -> Box:
    x0, y0, x1, y1 = box
    across, down = FACE_ROOM * (x1 - x0), FACE_ROOM * (y1 - y0)
    return x0 - across, y0 - down, x1 + across, y1 + down


def _within(box: Box, rgb: Image8) -> Box:
    height, width = rgb.shape[:2]
    x0, y0, x1, y1 = box
    inside = (min(max(x0, 0), width), min(max(y0, 0), height), min(max(x1, 0), width), min(max(y1, 0), height))
    return (round(inside[0], 1), round(inside[1], 1), round(inside[2], 1), round(inside[3], 1))
