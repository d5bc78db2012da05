"""Looking for a logo by its own picture: key points that agree on one place.

SIFT points of the reference are looked for in the picture (Lowe 2004: a match counts when it is plainly nearer than the
second); a homography must map enough of them, and must show the logo whole, unmirrored and of a sensible shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imgaudit.percepts import LogoSeen
from imgaudit.types import Point

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image8 = NDArray[np.uint8]
    Floats = NDArray[np.float64]

LOGO_SIDE = 320
PICTURE_SIDE = 1600
RATIO = 0.75
LEAST_POINTS = 12
"""Fewer key points in the reference say nothing: a plain disc is in every picture."""
LEAST_AGREEING = 10
LEAST_SHARE = 0.12
"""Of the reference's points, so that a rich logo is not found by a scrap."""
OFF = 4.0
"""Pixels by which a point may miss its place."""
SMALLEST = 16.0
"""Sides of a found logo below this are not believed."""
LONGEST_RATIO = 4.0
"""A found logo's opposite sides, and its stretch beside the reference, differ by no more than this."""


@dataclass(frozen=True)
class Reference:
    """A logo's key points; `why_not` where it has too few."""

    name: str
    size: tuple[int, int]
    points: Floats
    descriptors: NDArray[np.float32] | None
    why_not: str | None


def reference_of(name: str, rgb: Image8) -> Reference:
    """Key points of a logo picture (uint8 RGB), with an even border round it so that its outline counts."""
    import cv2
    import numpy as np

    from imgaudit.kernels.quality import shrunk

    height, width = rgb.shape[:2]
    if max(height, width) < LOGO_SIDE:
        factor = LOGO_SIDE / max(height, width)
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        scaled = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    else:
        scaled = shrunk(rgb, LOGO_SIDE)
    points, descriptors = _points(scaled)
    few = len(points) < LEAST_POINTS
    why = f"it has {len(points)} key points, {LEAST_POINTS} are needed: it is too plain to be told" if few else None
    return Reference(name, (scaled.shape[1], scaled.shape[0]), points, descriptors, why)


def _points(rgb: Image8) -> tuple[Floats, NDArray[np.float32] | None]:
    import cv2
    import numpy as np

    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    found, descriptors = cv2.SIFT.create(6000, contrastThreshold=0.02).detectAndCompute(gray, None)
    return np.array([point.pt for point in found], dtype=np.float64).reshape(-1, 2), descriptors


def looked_for(logos: Sequence[Reference], rgb: Image8) -> list[LogoSeen]:
    """Each logo in a picture (uint8 RGB): the place where most key points agree."""
    from imgaudit.kernels.quality import shrunk

    if not any(logo.why_not is None for logo in logos):
        return [LogoSeen(name=logo.name, found=False, points=0, why_not=logo.why_not) for logo in logos]
    small = shrunk(rgb, PICTURE_SIDE)
    points, descriptors = _points(small)
    scale = max(rgb.shape[:2]) / max(small.shape[:2])
    return [_found(logo, points, descriptors, scale) for logo in logos]


def _found(logo: Reference, points: Floats, descriptors: NDArray[np.float32] | None, scale: float) -> LogoSeen:
    import cv2
    import numpy as np

    if logo.why_not is not None or logo.descriptors is None:
        return LogoSeen(name=logo.name, found=False, points=0, why_not=logo.why_not)
    if descriptors is None or len(descriptors) < 2:
        return LogoSeen(name=logo.name, found=False, points=0)
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(logo.descriptors, descriptors, k=2)
    good = [first for first, second in pairs if first.distance < RATIO * second.distance]
    if len(good) < LEAST_AGREEING:
        return LogoSeen(name=logo.name, found=False, points=0)
    here = np.array([logo.points[match.queryIdx] for match in good])
    there = np.array([points[match.trainIdx] for match in good])
    cv2.setRNGSeed(0)
    matrix, agreeing = cv2.findHomography(here, there, cv2.RANSAC, OFF, maxIters=4000)
    if matrix is None:
        return LogoSeen(name=logo.name, found=False, points=0)
    number = len(np.unique(there[agreeing.ravel() > 0].round(), axis=0))
    corners = _corners(matrix, logo.size)
    whole = corners is not None and _sensible(corners, logo.size)
    found = whole and number >= max(LEAST_AGREEING, LEAST_SHARE * len(logo.points))
    return LogoSeen(
        name=logo.name,
        found=bool(found),
        points=number,
        polygon=_polygon(corners * scale) if found and corners is not None else None,
    )


def _corners(matrix: Floats, size: tuple[int, int]) -> Floats | None:
    """Where the reference's corners come to lie; None where a part of it would be behind the camera."""
    import numpy as np

    width, height = size
    flat = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], float) @ matrix.T
    if (flat[:, 2] <= 1e-6).any():
        return None
    return np.asarray(flat[:, :2] / flat[:, 2:])


def _sensible(corners: Floats, size: tuple[int, int]) -> bool:
    """Convex, unmirrored, not tiny, opposite sides alike, and stretched no more than a label on a bottle."""
    import numpy as np

    sides = np.roll(corners, -1, axis=0) - corners
    after = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0]
    lengths = np.linalg.norm(sides, axis=1)
    if not (turns > 0).all() or lengths.min() < SMALLEST:
        return False
    opposite = lengths[:2] / lengths[2:]
    stretch = (lengths[0] + lengths[2]) / (lengths[1] + lengths[3]) / (size[0] / size[1])
    return all(1 / LONGEST_RATIO <= ratio <= LONGEST_RATIO for ratio in (*opposite, stretch))


def _polygon(corners: Floats) -> tuple[Point, ...]:
    return tuple((round(float(x), 1), round(float(y), 1)) for x, y in corners)
