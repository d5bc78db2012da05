"""Made hands, faces and bodies for the tests of the checkers. No model is asked."""

from __future__ import annotations

from typing import Any

import numpy as np

from imgaudit.kernels import face_geometry
from imgaudit.percepts import Face, FaceViews, Hand, HandViews, Landmarks, Pose
from imgaudit.types import Case, Expect, Measured, Outcome, Percepts, Query, Sight

CASE = Case(id="case")
CALM = HandViews(jitter=0.02, world_jitter=0.05, mirror=0.03, lite=0.04, flips=True, presence=0.99)
WILD = HandViews(jitter=0.5, world_jitter=0.4, mirror=0.9, lite=0.9, flips=False, presence=0.6)

_RAYS = (
    (0.068, 0.040, 0.022, 0.020),
    (0.065, 0.045, 0.026, 0.021),
    (0.058, 0.041, 0.026, 0.021),
    (0.054, 0.033, 0.018, 0.020),
)


def hand_points() -> np.ndarray:
    """21 points of an open hand in metres, fingers up."""
    points = np.zeros((21, 3))
    for number, bones in enumerate(_RAYS):
        heights = -np.cumsum(np.array(bones) + np.array([0.02, 0, 0, 0]))
        points[5 + 4 * number : 9 + 4 * number, 0] = (number - 1.5) * 0.02
        points[5 + 4 * number : 9 + 4 * number, 1] = heights
    points[1:5, 0] = [-0.02, -0.04, -0.055, -0.07]
    points[1:5, 1] = [-0.02, -0.05, -0.08, -0.105]
    return points


def hand(at: tuple[float, float] = (100, 200), scale: float = 1000, **changes: Any) -> Hand:
    """An open hand with its wrist at a point; `scale` is pixels a metre."""
    world = hand_points()
    points = world * scale + [*at, 0]
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    facts: dict[str, Any] = {
        "points": tuple(map(tuple, points.tolist())),
        "world": tuple(map(tuple, world.tolist())),
        "side": "left",
        "side_score": 0.99,
        "presence": 0.99,
        "box": (*low.tolist(), *high.tolist()),
        "views": CALM,
    }
    return Hand(**{**facts, **changes})


def face(at: tuple[float, float] = (200, 60), **changes: Any) -> Face:
    """An even face, 60 pixels wide, looking at the camera."""
    order = face_geometry.mirrored_order()
    mesh = np.random.default_rng(0).normal(size=(face_geometry.MESH, 3)) * [10, 12, 5]
    for index, x in ((33, -20.0), (133, -8.0)):
        mesh[index] = [x, -5, 0]
    half = [i for i in range(face_geometry.MESH) if i <= order[i] and i != 263 and i != 362]
    mesh[order[half]] = mesh[half] * [-1, 1, 1]
    mesh[order == np.arange(face_geometry.MESH), 0] = 0
    mesh[263], mesh[362] = [20, -5, 0], [8, -5, 0]
    facts: dict[str, Any] = {
        "box": (at[0] - 30.0, at[1] - 30.0, at[0] + 30.0, at[1] + 30.0),
        "score": 0.95,
        "mesh": tuple(map(tuple, (mesh + np.array([*at, 0])).tolist())),
        "presence": 1.0,
        "views": FaceViews(jitter=0.02, mirror=0.02),
    }
    return Face(**{**facts, **changes})


def pose(wrist_visibility: float = 0.999, **wrists: tuple[float, float]) -> Pose:
    """A standing body in a picture of 400 x 480; `left` and `right` move the wrists."""
    points = np.zeros((33, 4))
    points[:, 3] = 0.999
    places = {
        0: (200, 60),
        11: (250, 100),
        12: (150, 100),
        13: (270, 170),
        14: (130, 170),
        23: (230, 260),
        24: (170, 260),
    }
    places |= {25: (230, 340), 26: (170, 340), 27: (230, 420), 28: (170, 420), 31: (235, 430), 32: (165, 430)}
    places |= {15: wrists.get("left", (280, 240)), 16: wrists.get("right", (120, 240))}
    for index, place in places.items():
        points[index, :2] = place
    points[[15, 16], 3] = wrist_visibility
    world = points[:, :3] / 300
    return Pose(
        points=tuple(map(tuple, points.tolist())),
        world=tuple(map(tuple, world.tolist())),
        box=(120, 40, 280, 430),
        presence=0.99,
    )


def landmarks(**parts: Any) -> Landmarks:
    """A sight of a picture of 400 x 480."""
    return Landmarks(width=400, height=480, parts=("hands", "faces", "poses"), **parts)


def outcome(checker: Any, sight: Sight, case: Case = CASE) -> Outcome:
    """What a checker says when its first query was answered with this sight."""
    (query,) = checker.ask(case, Percepts())
    assert isinstance(query, Query)
    result: Outcome = checker.measure(case, Percepts({query: sight}))
    return result


def measured(checker: Any, sight: Sight, case: Case = CASE) -> Measured:
    """The same, where a measurement is expected; every name must be declared by the checker."""
    result = outcome(checker, sight, case)
    assert isinstance(result, Measured), result
    declared = {measure.name for measure in checker.measures}
    assert set(result.measures) <= declared
    assert set(result.unmeasured) <= declared
    assert set(result.labels) <= set(checker.labels)
    assert set(result.codes) <= set(checker.codes)
    return result


def expecting(**numbers: int) -> Case:
    """A case that says how many hands or faces there should be."""
    return Case(id="case", expect=Expect(**numbers))
