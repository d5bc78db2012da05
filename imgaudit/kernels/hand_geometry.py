"""Arithmetic on the 21 points of a hand: sizes, bone ratios, joint angles, crossings.

Points are arrays (21, 2) or (21, 3) in the order wrist, then thumb, index, middle, ring and little finger from base
to tip. World points are metres in space, picture points pixels.

A landmark network draws a plausible hand on whatever it is shown, so these numbers find gross violations only; how
far several looks agree (`spread`, `distance`) says more.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

WRIST = 0
THUMB = (1, 2, 3, 4)
FINGERS = {"index": (5, 6, 7, 8), "middle": (9, 10, 11, 12), "ring": (13, 14, 15, 16), "little": (17, 18, 19, 20)}
CHAINS = {"thumb": (WRIST, *THUMB), **{name: (WRIST, *chain) for name, chain in FINGERS.items()}}
TIPS = (4, 8, 12, 16, 20)
KNUCKLES = (5, 9, 13, 17)
PALM = (0, 5, 9, 13, 17)

POPULATION: dict[str, tuple[float, float, float]] = {
    "index.middle/proximal": (0.56, 0.41, 0.80),
    "middle.middle/proximal": (0.59, 0.43, 0.77),
    "ring.middle/proximal": (0.62, 0.43, 0.83),
    "little.middle/proximal": (0.55, 0.36, 0.74),
    "index.distal/middle": (0.88, 0.61, 1.20),
    "middle.distal/middle": (0.81, 0.61, 1.09),
    "ring.distal/middle": (0.83, 0.59, 1.17),
    "little.distal/middle": (1.09, 0.73, 1.60),
    "index/middle finger": (0.89, 0.72, 1.05),
    "ring/middle finger": (0.96, 0.80, 1.12),
    "little/middle finger": (0.76, 0.63, 0.90),
    "thumb.distal/proximal": (0.87, 0.70, 1.11),
}
"""Median and 0.15..99.85 % range of bone ratios in adults, soft tissue of the tip included.

From the X-ray measurements of 66 adults by Buryanov and Kotiuk, Int. J. Morphol. 28(3):755-758 (2010), by
Monte-Carlo with a correlation of 0.6 between segments.
"""

_RANGE_IN_DEVIATIONS = 2 * 2.968  # a normal law's 0.15 % and 99.85 % points lie 2.968 deviations from the mean


def palm_size(points: Floats) -> float:
    """The unit that distances on a hand are given in: the larger of palm width and 0.7 palm lengths.

    Two measures, because a palm seen edge-on has no width and one seen end-on no length.
    """
    width = float(np.linalg.norm(points[5] - points[17]))
    length = float(np.linalg.norm(points[0] - points[9]))
    return max(width, 0.7 * length)


def palm_radius(points: Floats) -> float:
    """Half the palm size of picture points: how large the hand is in pixels."""
    return palm_size(points[:, :2]) / 2


def palm_centre(points: Floats) -> Floats:
    """Mean of the wrist and the four knuckles."""
    centre: Floats = points[list(PALM)].mean(axis=0)
    return centre


def spread(views: Floats) -> float:
    """How far looks (views, 21, k) disagree, in palm sizes: mean distance from the mean look, tips weighing double."""
    mean = views.mean(axis=0)
    distances = np.linalg.norm(views - mean, axis=2).mean(axis=0)
    weights = np.ones(len(mean))
    weights[list(TIPS)] = 2
    return _in_palms(float(np.average(distances, weights=weights)), mean)


def distance(first: Floats, second: Floats) -> float:
    """Mean distance between two looks at one hand, in palm sizes of the first."""
    return _in_palms(float(np.linalg.norm(first - second, axis=1).mean()), first)


def _in_palms(length: float, points: Floats) -> float:
    return length / max(palm_size(points), 1e-6)


def bone_lengths(points: Floats, chain: tuple[int, ...]) -> Floats:
    """Lengths of the bones along a chain of points."""
    lengths: Floats = np.linalg.norm(np.diff(points[list(chain)], axis=0), axis=1)
    return lengths


def bone_ratios(world: Floats) -> dict[str, float]:
    """The ratios of `POPULATION`, of one hand's world points."""
    ratios: dict[str, float] = {}
    whole: dict[str, float] = {}
    for name, chain in FINGERS.items():
        proximal, middle, distal = (max(float(b), 1e-6) for b in bone_lengths(world, chain))
        ratios[f"{name}.middle/proximal"] = middle / proximal
        ratios[f"{name}.distal/middle"] = distal / middle
        whole[name] = proximal + middle + distal
    for name in ("index", "ring", "little"):
        ratios[f"{name}/middle finger"] = whole[name] / whole["middle"]
    _, proximal, distal = (max(float(b), 1e-6) for b in bone_lengths(world, THUMB))
    ratios["thumb.distal/proximal"] = distal / proximal
    return ratios


def ratio_deviations(ratios: dict[str, float]) -> dict[str, float]:
    """|ln ratio - ln median| of each ratio in standard deviations of adults (see `POPULATION`)."""
    deviations = {}
    for name, ratio in ratios.items():
        median, low, high = POPULATION[name]
        sigma = (math.log(high) - math.log(low)) / _RANGE_IN_DEVIATIONS
        deviations[name] = abs(math.log(ratio) - math.log(median)) / sigma
    return deviations


def palm_normal(world: Floats) -> Floats:
    """Unit normal of the plane through wrist, index knuckle and little knuckle; zero for a collapsed palm."""
    normal = np.cross(world[5] - world[0], world[17] - world[0])
    length = float(np.linalg.norm(normal))
    unit: Floats = normal / length if length > 0 else np.zeros(3)
    return unit


def bends(world: Floats) -> dict[str, Floats]:
    """Bend at the knuckle, middle and end joint of each finger, in degrees, three a finger.

    Positive is the way in which most of the hand's joints bend, negative against it. The sign is taken about the
    axis across the palm (index to little knuckle), so sideways spread does not count as bending.
    """
    across = world[17] - world[5]
    across = across / max(float(np.linalg.norm(across)), 1e-9)
    signed = {name: _bends_about(across, world[[WRIST, *chain]]) for name, chain in FINGERS.items()}
    total = float(sum(values.sum() for values in signed.values()))
    return {name: values * (-1.0 if total < 0 else 1.0) for name, values in signed.items()}


def _bends_about(axis: Floats, points: Floats) -> Floats:
    bones = np.diff(points, axis=0)
    bones = bones - (bones @ axis)[:, None] * axis
    turn = np.cross(bones[:-1], bones[1:]) @ axis
    along = (bones[:-1] * bones[1:]).sum(axis=1)
    degrees: Floats = np.degrees(np.arctan2(turn, along))
    return degrees


def joint_violation(world: Floats) -> float:
    """By how many degrees the finger joints go beyond what a living hand can do, summed over the joints.

    Limits are the clinical ranges of motion (knuckle -45..90, middle joint 0..100, end joint 0..80 degrees; normal
    values as tabled by hand surgery) widened by 25 degrees for the network's own error.
    """
    low, high = np.array([-70.0, -25.0, -25.0]), np.array([115.0, 125.0, 105.0])
    return float(sum((np.clip(low - b, 0, None) + np.clip(b - high, 0, None)).sum() for b in bends(world).values()))


def palm_planarity(world: Floats) -> float:
    """Smallest over largest singular value of the palm's five points: 0 for a flat palm."""
    palm = world[list(PALM)]
    values = np.linalg.svd(palm - palm.mean(axis=0), compute_uv=False)
    return float(values[-1] / values[0]) if values[0] > 0 else 0.0


def knuckles_in_order(world: Floats) -> bool:
    """Whether index, middle, ring and little knuckle follow one another across the palm."""
    along = world[list(KNUCKLES)] @ (world[17] - world[5])
    return bool(np.all(np.diff(along) > 0))


def crossings(points: Floats) -> list[tuple[str, str]]:
    """Pairs of fingers whose drawn lines, from knuckle to tip, cross in the picture.

    Crossed fingers are a real gesture and a finger in front of another is common in perspective: one crossing is
    no defect by itself.
    """
    names = list(FINGERS)
    pairs = [(a, b) for index, a in enumerate(names) for b in names[index + 1 :]]
    return [(a, b) for a, b in pairs if _cross(points[list(FINGERS[a]), :2], points[list(FINGERS[b]), :2])]


def _cross(first: Floats, second: Floats) -> bool:
    return any(
        _segments_cross(first[i], first[i + 1], second[j], second[j + 1])
        for i in range(len(first) - 1)
        for j in range(len(second) - 1)
    )


def _segments_cross(a: Floats, b: Floats, c: Floats, d: Floats) -> bool:
    return _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0


def _turn(a: Floats, b: Floats, c: Floats) -> float:
    return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))


def hull(points: Floats, pad: float) -> list[tuple[float, float]]:
    """Convex hull of picture points, pushed out from their centre by a share `pad`."""
    flat = points[:, :2]
    centre = flat.mean(axis=0)
    return _convex([(float(x), float(y)) for x, y in centre + (flat - centre) * (1 + pad)])


def _convex(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    ordered = sorted(set(points))
    if len(ordered) < 3:
        return ordered
    return [*_chain(ordered)[:-1], *_chain(ordered[::-1])[:-1]]


def _chain(ordered: list[tuple[float, float]]) -> list[tuple[float, float]]:
    kept: list[tuple[float, float]] = []
    for point in ordered:
        while len(kept) > 1 and _turn(np.array(kept[-2]), np.array(kept[-1]), np.array(point)) <= 0:
            kept.pop()
        kept.append(point)
    return kept
