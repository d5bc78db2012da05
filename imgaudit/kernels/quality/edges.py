"""How sharp the edges are: the blur of the whole and of the part in focus, motion, halos, and smeared colours.

All of it is read off the same pixels: the crests of the gradient, where an edge is steepest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imgaudit.kernels.quality.sizes import Bytes, grey, shrunk

GRID = 1.45
"""Variance that the sharpest edge seems to have: 1 of the Gaussian it is looked at through, and 0.45 of sampling and
differences of pixels, measured on known edges."""

_FINE, _COARSE = 1.0, 2.0
_FRACTION = 3  # bits below a grey level; with three, the square of a gradient fits 31 bits
_GRADIENT_UNIT = 32 << _FRACTION
_MARGIN = 4
_FAINTEST = 0.08  # a gradient that the second Gaussian leaves as it is was blurred by 6 pixels or more
_WEAK_SHARE, _STRONG_SHARE = 0.15, 0.3
_EDGE_FLOOR = 1.5
_NOISE_GAIN = 1.2
_TILES_ACROSS = 12
_LEAST_EDGES = 50
_NEAR, _FAR = 2, 6
_LEAST_HEIGHT, _STEP_SHARE = 8.0, 0.8
_MIDDLE, _IN_FOCUS = 0.5, 0.2


@dataclass(frozen=True, slots=True)
class Crests:
    """The pixels on the crests of edges, one entry each.

    Attributes:
        rows: row of the pixel.
        columns: column of the pixel.
        variance: square of the Gaussian, in pixels, that the edge looks spread by, `GRID` included; thin lines have
            less than `GRID`. At most 37.
        dx: horizontal part of the unit vector that points to the brighter side.
        dy: vertical part.
        strong: whether the edge has at least 0.3 of the gradient of the strongest; the others have 0.15.
        tile: number of the tile that it lies in, of 12 across the picture.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    variance: NDArray[np.float64]
    dx: NDArray[np.float64]
    dy: NDArray[np.float64]
    strong: NDArray[np.bool_]
    tile: NDArray[np.intp]


def crests(gray: Bytes, noise: float = 0.0) -> Crests:
    """The crests of a grey picture's gradient.

    The gradient of a step that was blurred by s, looked at through Gaussians of 1 and 2 pixels, falls by
    R = sqrt((s^2 + 4) / (s^2 + 1)), hence s^2 + 1 = 3 / (R^2 - 1) (the re-blur ratio of Zhuo and Sim 2011, with the
    first Gaussian against noise). Flat areas, smooth gradients and crests that `noise` (standard deviation in grey
    levels) could have made are left out.
    """
    import cv2

    if min(gray.shape) <= 2 * _MARGIN:
        place, number = np.zeros(0, np.intp), np.zeros(0)
        return Crests(place, place, number, number, number, number > 0, place)
    level = gray.astype(np.uint16) << _FRACTION
    across, down, squared = _gradient(cv2.GaussianBlur(level, (0, 0), _FINE))
    core = squared[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    strongest = float(np.sqrt(np.percentile(core[::2, ::2], 99.9)))
    floor = max(_EDGE_FLOOR, _NOISE_GAIN * noise) * _GRADIENT_UNIT
    width = gray.shape[1]
    squared[:_MARGIN] = squared[-_MARGIN:] = squared[:, :_MARGIN] = squared[:, -_MARGIN:] = 0
    flat = squared.ravel()
    place = np.flatnonzero(flat > max(_WEAK_SHARE * strongest, floor) ** 2)
    here = flat[place]
    length = np.sqrt(here.astype(np.float32))
    dx, dy = across.ravel()[place] / length, down.ravel()[place] / length
    ahead = np.rint(dy).astype(np.intp) * width + np.rint(dx).astype(np.intp)
    crest = (here >= flat[place + ahead]) & (here > flat[place - ahead])
    place, here = place[crest], here[crest]
    coarse = _gradient(cv2.GaussianBlur(level, (0, 0), _COARSE))[2].ravel()[place]
    variance = (_COARSE**2 - _FINE**2) / np.maximum(here / np.maximum(coarse, 1) - 1, _FAINTEST)
    rows, columns = np.divmod(place, width)
    side = max(16, -(-max(gray.shape) // _TILES_ACROSS))
    strong = here > max(_STRONG_SHARE * strongest, floor) ** 2
    tile = (rows // side) * 4096 + columns // side
    return Crests(rows, columns, variance, dx[crest].astype(np.float64), dy[crest].astype(np.float64), strong, tile)


def _gradient(level: NDArray[np.uint16]) -> tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.int32]]:
    """Horizontal and vertical gradient, `_GRADIENT_UNIT` to a grey level a pixel, and the square of their length.

    Whole numbers throughout: the result is the same on every machine and wherever the array lies in memory, which it
    is not with floats.
    """
    import cv2

    signed = level.astype(np.int16)
    across, down = cv2.Scharr(signed, -1, 1, 0), cv2.Scharr(signed, -1, 0, 1)
    return across, down, np.square(across, dtype=np.int32) + np.square(down, dtype=np.int32)


# --- spread ------------------------------------------------------------------------------------


def edge_spreads(gray: Bytes, found: Crests, noise: float = 0.0) -> tuple[float, float] | None:
    """Spread of the edges of the whole picture and of the part in focus, in pixels; None without an edge.

    The spread is the standard deviation of the Gaussian that an edge looks blurred by, `GRID` included. Each crest
    weighs by the height of its step, from 6 pixels on the dark side to 6 on the bright side, and thin lines, which look
    sharper than they are, only count where there are no steps. The whole picture has the median, the part in focus the
    sharpest fifth: a background out of focus is no fault. A picture without a sharp crest is looked at once more at a
    quarter of its size, so that strong blur is seen too.
    """
    spreads = _weighted_spreads(gray, found)
    if spreads is not None:
        return spreads
    small = shrunk(gray, max(1, max(gray.shape) // 4))
    spreads = _weighted_spreads(small, crests(small, noise / 4))
    if spreads is None:
        return None
    whole, focus = (float(np.sqrt(max(spread**2 - GRID, 0.0) * 16 + GRID)) for spread in spreads)
    return whole, focus


def _weighted_spreads(gray: Bytes, found: Crests) -> tuple[float, float] | None:
    if found.rows.size < _LEAST_EDGES:
        return None
    height = _across(gray, found, _FAR)
    step = (height >= _LEAST_HEIGHT) & (height >= _STEP_SHARE * _across(gray, found, _NEAR))
    if np.count_nonzero(step) < _LEAST_EDGES:
        step, height = found.strong, np.ones(found.rows.size)
    order = np.argsort(found.variance[step], kind="stable")
    share = np.cumsum(height[step][order])
    if not share.size:
        return None
    places = np.searchsorted(share, share[-1] * np.array([_MIDDLE, _IN_FOCUS]))
    whole, focus = np.sqrt(found.variance[step][order][places])
    return float(whole), float(focus)


def _across(gray: Bytes, found: Crests, distance: int) -> NDArray[np.float64]:
    """How much brighter it is `distance` pixels up an edge than as far down it."""

    def at(steps: int) -> NDArray[np.float64]:
        rows = np.rint(found.rows + found.dy * steps).astype(np.intp)
        columns = np.rint(found.columns + found.dx * steps).astype(np.intp)
        inside = np.clip(rows, 0, gray.shape[0] - 1), np.clip(columns, 0, gray.shape[1] - 1)
        return gray[inside].astype(np.float64)

    return at(distance) - at(-distance)


# --- motion ------------------------------------------------------------------------------------

_LEAST_CRESTS = 800


def motion(found: Crests) -> tuple[float, float] | None:
    """How much more edges are spread in one direction, and that direction in degrees; None with too few edges.

    A camera that moves by L along an angle adds L^2 / 12 cos^2 to the variance of an edge, by the angle between its
    gradient and the motion: the variance is fitted by the cosine and sine of twice the gradient's angle, within tiles,
    so that a sharp subject of upright edges before a soft horizon is no motion. The first number is L, in pixels,
    times the correlation of the fit. The direction is 0 for left to right and 90 for up and down.
    """
    if found.rows.size < _LEAST_CRESTS:
        return None
    _, tile = np.unique(found.tile, return_inverse=True)
    counts = np.bincount(tile)

    def within(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return values - (np.bincount(tile, values) / counts)[tile]

    variance = within(found.variance)
    waves = np.stack([within(found.dx**2 - found.dy**2), within(2 * found.dx * found.dy)])
    normal = (waves[:, None] * waves).sum(axis=-1)  # sums and no matrix product: its threads cost more than they bring
    along = (waves * variance).sum(axis=-1)
    if np.linalg.det(normal) < 1e-3 * variance.size**2:  # edges of one direction alone
        return None
    fitted = np.linalg.solve(normal, along)
    explained = float(fitted @ along / max(float(np.square(variance).sum()), 1e-9))
    length = float(np.sqrt(24 * np.hypot(*fitted)))
    return length * float(np.sqrt(max(explained, 0.0))), float(np.degrees(np.arctan2(fitted[1], fitted[0])) / 2 % 180)


# --- across an edge ----------------------------------------------------------------------------

_REACH = 9
_MOST_PROFILES = 4000
_LEAST_PROFILES = 50
_STEP = 16.0


def _profile_places(found: Crests, shape: tuple[int, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
    """Rows and columns from 8 pixels on the dark side to 8 on the bright side of at most 4000 strong crests."""
    height, width = shape[:2]
    inside = found.strong & (found.rows >= _REACH) & (found.rows < height - _REACH)
    inside &= (found.columns >= _REACH) & (found.columns < width - _REACH)
    some = np.flatnonzero(inside)
    some = some[:: max(1, some.size // _MOST_PROFILES)]
    if some.size < _LEAST_PROFILES:
        return None
    steps = np.arange(1 - _REACH, _REACH)
    rows = np.rint(found.rows[some, None] + found.dy[some, None] * steps).astype(np.intp)
    columns = np.rint(found.columns[some, None] + found.dx[some, None] * steps).astype(np.intp)
    return rows, columns


def overshoot(gray: Bytes, found: Crests) -> float | None:
    """How far edges overshoot on both sides, as a share of their step; None with too few edges.

    Sharpening draws a bright line along the bright side of an edge and a dark one along the dark side. Of each edge
    the smaller of the two counts, beyond what lies 5 to 7 pixels away, and of all edges the median: thin lines and
    textures overshoot on one side, or on both by chance.
    """
    places = _profile_places(found, gray.shape)
    if places is None:
        return None
    levels = gray[places].astype(np.float64)
    centre = _REACH - 1
    dark, bright = levels[:, centre - 7 : centre - 4].mean(axis=1), levels[:, centre + 5 : centre + 8].mean(axis=1)
    step = bright - dark
    usable = step >= _STEP
    if np.count_nonzero(usable) < _LEAST_PROFILES:
        return None
    above = levels[:, centre + 1 : centre + 5].max(axis=1) - bright
    below = dark - levels[:, centre - 4 : centre].min(axis=1)
    return float(np.median(np.minimum(above, below)[usable] / step[usable]))


def colour_step(rgb: Bytes, found: Crests) -> float | None:
    """Share of a change of colour that happens within 2 pixels of an edge; None where colours do not change at edges.

    Only edges whose brightness does change within 2 pixels count, so blur is not taken for bleeding. The change is
    the one between 7 and 8 pixels on both sides, in the Cr and Cb of BT.601. Strong bleeding, or chroma that is
    stored at a small fraction of the size, leaves about a third.
    """
    import cv2

    places = _profile_places(found, rgb.shape)
    if places is None:
        return None
    planes = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb)

    def at(steps: int) -> NDArray[np.float64]:
        place = places[0][:, _REACH - 1 + steps], places[1][:, _REACH - 1 + steps]
        return np.asarray(planes[place], dtype=np.float64)

    far, near = (at(8) + at(7) - at(-8) - at(-7)) / 2, at(2) - at(-2)
    colour = np.hypot(far[:, 1], far[:, 2])
    luma = np.where(np.abs(far[:, 0]) >= _STEP, near[:, 0] / np.where(far[:, 0] == 0, 1, far[:, 0]), 0)
    usable = (colour >= _STEP) & (luma > 0.6) & (luma < 1.5)
    if np.count_nonzero(usable) < 2 * _LEAST_PROFILES:
        return None
    along = (near[usable, 1] * far[usable, 1] + near[usable, 2] * far[usable, 2]) / colour[usable] ** 2
    return float(np.median(along))


def edge_numbers(working: Bytes, noise: float) -> dict[str, float]:
    """Every number of this page for a picture of the working size; a number that cannot be told is missing."""
    gray = grey(working)
    found = crests(gray, noise)
    numbers: dict[str, float | None] = {"overshoot": overshoot(gray, found), "colour_step": colour_step(working, found)}
    spreads, moved = edge_spreads(gray, found, noise), motion(found)
    if spreads is not None:
        numbers["edge_spread"], numbers["focus_spread"] = spreads
    if moved is not None:
        numbers["motion"], numbers["motion_angle"] = moved
    return {name: value for name, value in numbers.items() if value is not None}
