"""The arithmetic on a hand, against hands that are built from known bones and angles."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from imgaudit.kernels import hand_geometry as hg

# millimetres, mean of 66 adults: metacarpal, proximal, middle, distal with soft tissue (Buryanov and Kotiuk 2010)
RAYS = {
    "index": (68.12, 39.78, 22.38, 15.82 + 3.84),
    "middle": (64.60, 44.63, 26.33, 17.40 + 3.95),
    "ring": (58.00, 41.37, 25.65, 17.30 + 3.95),
    "little": (53.69, 32.74, 18.11, 15.96 + 3.73),
}
THUMB = (46.22, 31.57, 21.67 + 5.67)


def built(bends: dict[str, tuple[float, float, float]] | None = None) -> np.ndarray:
    """A right hand in metres, palm in the x-y plane, fingers along -y; bends in degrees, three a finger."""
    points = np.zeros((21, 3))
    for number, (name, (palm, *bones)) in enumerate(RAYS.items()):
        start = np.array([(number - 1.5) * 20.0, -(palm + 20.0), 0.0])
        points[5 + 4 * number] = start
        angle = 0.0
        for joint, (bone, bend) in enumerate(zip(bones, (bends or {}).get(name, (0, 0, 0)), strict=True)):
            angle += math.radians(bend)
            start = start + bone * np.array([0.0, -math.cos(angle), math.sin(angle)])
            points[6 + 4 * number + joint] = start
    start = np.array([-25.0, -20.0, 0.0])
    points[1] = start
    for joint, bone in enumerate(THUMB):
        start = start + bone * np.array([-math.sin(0.6), -math.cos(0.6), 0.0])
        points[2 + joint] = start
    return points / 1000


def turned(points: np.ndarray, seed: int) -> np.ndarray:
    return points @ Rotation.random(random_state=seed).as_matrix().T


def test_a_hand_of_published_mean_bones_has_the_published_ratios() -> None:
    deviations = hg.ratio_deviations(hg.bone_ratios(turned(built(), 1)))

    assert set(deviations) == set(hg.POPULATION)
    assert max(deviations.values()) < 0.35


def test_a_finger_of_double_length_is_the_deviation_that_stands_out() -> None:
    points = built()
    points[7:9] += (points[6] - points[5]) * 1.0
    points[6] += points[6] - points[5]

    deviations = hg.ratio_deviations(hg.bone_ratios(points))

    assert deviations["index/middle finger"] > 3
    assert deviations["ring/middle finger"] < 0.35


@pytest.mark.parametrize("seed", range(5))
def test_bends_are_recovered_from_any_direction(seed: int) -> None:
    asked = {"index": (30.0, 50, 20), "middle": (10.0, 80, 40), "ring": (0.0, 90, 60), "little": (45.0, 5, 5)}

    seen = hg.bends(turned(built(asked), seed))

    for name, angles in asked.items():
        # the line of the knuckles is slanted against the hinges of this hand, as it is in living ones
        assert seen[name] == pytest.approx(angles, abs=1.5)


def test_a_possible_hand_violates_no_joint_and_a_finger_bent_backwards_does() -> None:
    grip = dict.fromkeys(RAYS, (80.0, 95.0, 60.0))
    broken = {**grip, "ring": (10.0, -90.0, 0.0)}

    assert hg.joint_violation(turned(built(grip), 3)) == 0
    assert hg.joint_violation(turned(built(broken), 3)) == pytest.approx(65.0, abs=1.5)


def test_planarity_is_the_root_ratio_of_the_covariance_eigenvalues() -> None:
    points = built()
    flat = hg.palm_planarity(turned(points, 2))
    points[9, 2] += 0.03
    palm = points[[0, 5, 9, 13, 17]]

    values = np.linalg.eigvalsh(np.cov(palm.T))

    assert flat == pytest.approx(0, abs=1e-9)
    assert hg.palm_planarity(points) == pytest.approx(math.sqrt(values[0] / values[-1]))


def test_knuckles_are_in_order_until_two_change_places() -> None:
    points = built()
    swapped = points.copy()
    swapped[[9, 13]] = points[[13, 9]]

    assert hg.knuckles_in_order(turned(points, 4))
    assert not hg.knuckles_in_order(turned(swapped, 4))


def test_only_the_fingers_that_cross_are_named() -> None:
    points = built()
    crossed = points.copy()
    crossed[8, 0], crossed[12, 0] = points[12, 0], points[8, 0]

    assert hg.crossings(points) == []
    assert hg.crossings(crossed) == [("index", "middle")]


def test_segments_cross_where_the_lines_solve_inside_both() -> None:
    rng = np.random.default_rng(5)
    seen = 0
    for _ in range(300):
        a, b, c, d = rng.normal(size=(4, 2))
        s, t = np.linalg.solve(np.column_stack([b - a, c - d]), c - a)
        crosses = 0 < s < 1 and 0 < t < 1
        seen += crosses

        assert hg._segments_cross(a, b, c, d) == crosses
    assert seen > 30


def test_palm_size_survives_a_palm_seen_edge_on() -> None:
    points = built()
    edge_on = points[:, [2, 1]]

    assert hg.palm_size(edge_on) == pytest.approx(0.7 * np.linalg.norm(edge_on[0] - edge_on[9]))
    assert hg.palm_radius(points * 1000) == pytest.approx(hg.palm_size(points[:, :2]) * 500)


def test_spread_is_free_of_place_and_size_and_counts_tips_double() -> None:
    points = built()[:, :2]
    palm = hg.palm_size(points)
    tip = np.zeros((21, 2))
    tip[8, 0] = palm
    knuckle = np.zeros((21, 2))
    knuckle[6, 0] = palm

    tip_moves = hg.spread(np.stack([points - tip, points + tip]))
    knuckle_moves = hg.spread(np.stack([points - knuckle, points + knuckle]))

    assert tip_moves == pytest.approx(2 / 26)
    assert knuckle_moves == pytest.approx(1 / 26)
    assert hg.spread(7 + 300 * np.stack([points - tip, points + tip])) == pytest.approx(tip_moves)


def test_a_hand_is_no_distance_from_itself_and_one_palm_from_its_shifted_self() -> None:
    points = built()[:, :2]

    assert hg.distance(points, points) == 0
    assert hg.distance(points, points + np.array([hg.palm_size(points), 0])) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(4))
def test_the_hull_is_scipys_hull(seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(21, 2)) * 50

    hull = hg.hull(points, 0.0)

    expected = {tuple(p) for p in points[ConvexHull(points).vertices].round(6)}
    assert {tuple(p) for p in np.array(hull).round(6)} == expected


def test_padding_pushes_the_hull_out_by_its_share() -> None:
    square = np.array([[0.0, 0.0], [10, 0], [10, 10], [0, 10]])

    padded = np.array(hg.hull(square, 0.2))

    assert padded.min() == pytest.approx(-1)
    assert padded.max() == pytest.approx(11)
