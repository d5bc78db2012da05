"""Frames, seams, copied patches, faint patterns and the tile that stands out."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from imgaudit.kernels import borders, repetition
from imgaudit.kernels.quality import shrunk
from imgaudit.perceivers._scene_mirror import Keypoints
from imgaudit.percepts import BorderFrame, Copied, Ground
from imgaudit.types import Box

Image8 = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

PATTERN_SIDE = 480
LEAST_PERIOD = 24
SEAM_PIXELS = 4_000_000
NEAREST_COPY = 0.08
FINE = 3.0
COPY_SIDE = 1024
COPY_WINDOW = 160
SLACK = 4
MOST_SHIFTS = 3
"""Things that come again at more distances are a regular pattern (windows, bricks, print), no copy."""
TILES = 8
FLAT_COLOURS = 15
FLAT_PIXELS = 16_000_000
"""Of a larger picture fewer places are looked at, evenly spread."""


def ground(rgb: Image8, gray: Image8, seen: Keypoints) -> Ground:
    """All traces in one picture."""
    height, width = gray.shape
    frame = borders.frame(rgb)
    columns, rows, seam = _seams(gray, frame)
    groups = repetition.shifts(seen.points, seen.descriptors, NEAREST_COPY * seen.diagonal)
    found, faint, scale = _pattern(gray)
    return Ground(
        width=width,
        height=height,
        frame=_border(frame),
        columns=columns,
        rows=rows,
        seam=None if seam is None else round(seam, 6),
        copies=tuple(_copied(gray, seen, group) for group in groups[:3]) if len(groups) <= MOST_SHIFTS else (),
        shifts=len(groups),
        period=None if found is None else (round(found.period[0] * scale), round(found.period[1] * scale)),
        repetition=None if found is None else round(min(found.score, 1000.0), 4),
        faint=faint,
        flat=round(flat_share(rgb), 6),
        oddness=_odd(gray),
    )


def flat_share(rgb: Image8) -> float:
    """How much of a picture, its commonest colour left out, lies in even places of fifteen exact colours.

    Near 1 for flat art, near 0 for photographs, also for those before an even ground.
    """
    every = 2 * max(1, math.ceil(math.sqrt(rgb.shape[0] * rgb.shape[1] / FLAT_PIXELS)))
    places = rgb[:-1:every, :-1:every]
    corner = places.astype(np.uint32)
    if corner.size < 3 * FLAT_COLOURS:
        return 0.0
    exact = corner[..., 0] << 16 | corner[..., 1] << 8 | corner[..., 2]
    # a colour becomes one of 65,536 numbers; few collide, and counting them is faster than sorting
    number = (exact * np.uint32(2654435761)) >> 16
    even = (places == rgb[:-1:every, 1::every]).all(axis=2) & (places == rgb[1::every, :-1:every]).all(axis=2)
    counts = np.bincount(number.ravel(), minlength=FLAT_COLOURS)
    ground = int(counts.argmax())
    rest = exact.size - int(counts[ground])
    flat = np.bincount(number[even], minlength=1 << 16)
    flat[ground] = 0
    return float(np.partition(flat, -FLAT_COLOURS)[-FLAT_COLOURS:].sum()) / rest if rest else 1.0


def _border(frame: borders.Frame | None) -> BorderFrame | None:
    if frame is None:
        return None
    return BorderFrame(kind=frame.kind, box=_floats(frame.box), colour=frame.colour, edge=round(frame.edge, 6))


def _floats(box: tuple[int, int, int, int]) -> Box:
    x0, y0, x1, y1 = (float(v) for v in box)
    return (x0, y0, x1, y1)


def _seams(gray: Image8, frame: borders.Frame | None) -> tuple[tuple[int, ...], tuple[int, ...], float | None]:
    """Columns and rows of seams within the frame, and how plainly the plainest shows. Large pictures: the middle."""
    height, width = gray.shape
    x0, y0, x1, y1 = frame.box if frame else (0, 0, width, height)
    inner = gray[y0:y1, x0:x1]
    if min(inner.shape) < borders.SMALLEST_SIDE:
        return (), (), None
    if inner.size > SEAM_PIXELS:  # every n-th row tells the columns as well, and the other way round
        step = math.ceil(inner.size / SEAM_PIXELS)
        upright = borders.seam_profile(np.ascontiguousarray(inner[::step]))
        level = borders.seam_profile(np.ascontiguousarray(inner[:, ::step].T))
    else:
        upright, level = borders.seam_profile(inner), borders.seam_profile(np.ascontiguousarray(inner.T))
    columns, rows = borders.seams(upright), borders.seams(level)
    return tuple(x0 + c for c in columns), tuple(y0 + r for r in rows), float(max(upright.max(), level.max()))


def _copied(gray: Image8, seen: Keypoints, group: repetition.Shift) -> Copied:
    """Both places of a group, and how alike their fine detail is."""
    size = float(np.median(seen.points[group.here, 3]))
    here = repetition.box_around(seen.points[group.here, :2], size)
    there = repetition.box_around(seen.points[group.there, :2], size)
    return Copied(
        box=_scaled(here, seen.scale),
        again=_scaled(there, seen.scale),
        pairs=len(np.unique(group.here)),
        likeness=round(_likeness(gray, _scaled(here, seen.scale), _moved(group.vector, seen.scale)), 6),
    )


def _moved(vector: tuple[float, float], scale: float) -> tuple[float, float]:
    return vector[0] * scale, vector[1] * scale


def _likeness(gray: Image8, box: Box, vector: tuple[float, float]) -> float:
    """Correlation of the fine detail in a box with that one vector away, where they fit best."""
    import cv2

    small = shrunk(gray, COPY_SIDE)
    scale = max(gray.shape) / max(small.shape)
    height, width = small.shape
    reach = SLACK
    right, down = round(vector[0] / scale), round(vector[1] / scale)
    x0, y0 = max(0, int(box[0] / scale), reach - right), max(0, int(box[1] / scale), reach - down)
    x1 = min(width, math.ceil(box[2] / scale), width - reach - right)
    y1 = min(height, math.ceil(box[3] / scale), height - reach - down)
    if x1 - x0 < 12 or y1 - y0 < 12:
        return -1.0
    x0, x1 = _middle(x0, x1)
    y0, y1 = _middle(y0, y1)
    here = _fine(small[y0:y1, x0:x1])
    there = _fine(small[y0 + down - reach : y1 + down + reach, x0 + right - reach : x1 + right + reach])
    return float(cv2.matchTemplate(there, here, cv2.TM_CCOEFF_NORMED).max())


def _middle(start: int, end: int) -> tuple[int, int]:
    """The middle of a stretch, at most as long as the window that is compared."""
    spare = max(0, end - start - COPY_WINDOW) // 2
    return start + spare, end - spare


def _fine(levels: Image8) -> npt.NDArray[np.float32]:
    import cv2

    values = levels.astype(np.float32)
    detail: npt.NDArray[np.float32] = values - cv2.GaussianBlur(values, (0, 0), FINE)
    return detail


def _scaled(box: Box, scale: float) -> Box:
    x0, y0, x1, y1 = (round(max(0.0, v) * scale, 1) for v in box)
    return (x0, y0, x1, y1)


def _pattern(gray: Image8) -> tuple[repetition.Pattern | None, float | None, float]:
    """The strongest repetition in all parts, how faint it is beside the picture itself, and the scale."""
    import cv2

    small = shrunk(gray, PATTERN_SIDE).astype(np.float64)
    fine = small - cv2.GaussianBlur(small, (0, 0), FINE)
    found = repetition.pattern(fine, LEAST_PERIOD)
    if found is None:
        return None, None, 1.0
    across, down = found.period
    rows, columns = fine.shape
    first = fine[max(0, -down) : rows - max(0, down), max(0, -across) : columns - max(0, across)]
    second = fine[max(0, down) : rows - max(0, -down), max(0, across) : columns - max(0, -across)]
    faint = round(max(0.0, repetition.correlation(first, second)), 6)
    return found, faint, max(gray.shape) / max(small.shape)


def _odd(gray: Image8) -> float | None:
    """How far, of eight by eight tiles, the one is off whose brightness and detail differ most from the others'."""
    import cv2

    side = 256
    if min(gray.shape) < 2 * TILES:
        return None
    small = cv2.resize(gray, (side, side), interpolation=cv2.INTER_AREA).astype(np.float64)
    fine = small - cv2.GaussianBlur(small, (0, 0), 1.0)
    mid = cv2.GaussianBlur(small, (0, 0), 1.0) - cv2.GaussianBlur(small, (0, 0), 4.0)
    tile = side // TILES

    def tiles(values: Floats) -> Floats:
        cut: Floats = values.reshape(TILES, tile, TILES, tile).mean(axis=(1, 3)).ravel()
        return cut

    features = np.stack([tiles(small), np.log1p(tiles(fine**2)), np.log1p(tiles(mid**2))], axis=1)
    return round(min(repetition.outlier(features)[1], 1000.0), 4)
