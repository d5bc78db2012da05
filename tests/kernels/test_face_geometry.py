"""The arithmetic on a face mesh."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from imgaudit.kernels import face_geometry as fg


def even_face(seed: int = 0) -> np.ndarray:
    """A random mesh whose two sides mirror each other, eyes apart and level."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(fg.MESH, 3)) * [40, 50, 20]
    for eye, x in ((33, -45), (133, -15)):
        points[eye] = [x, -30, 0]
    order = fg.mirrored_order()
    for index, other in enumerate(order):
        if index < other:
            if index == 362 or other == 362:
                continue
            points[other] = points[index] * [-1, 1, 1]
        elif index == other:
            points[index, 0] = 0
    points[362], points[263] = points[133] * [-1, 1, 1], points[33] * [-1, 1, 1]
    return points


def test_the_mirrored_order_is_its_own_inverse() -> None:
    order = fg.mirrored_order()

    assert np.array_equal(order[order], np.arange(fg.MESH))
    assert (order[33], order[133], order[61], order[1]) == (263, 362, 291, 1)


def test_the_mirrored_order_keeps_the_edges_of_mediapipes_own_mesh() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        connections = pytest.importorskip("mediapipe.python.solutions.face_mesh_connections")
    edges = {tuple(sorted(edge)) for edge in connections.FACEMESH_TESSELATION}
    order = fg.mirrored_order()

    mirrored = {tuple(sorted((int(order[a]), int(order[b])))) for a, b in edges}

    assert len(edges - mirrored) <= 6  # three quadrangles of that mesh are cut along another diagonal on each side
    assert len(edges) > 1300


@pytest.mark.parametrize("seed", range(3))
def test_an_even_face_is_even_however_it_is_turned(seed: int) -> None:
    face = even_face() @ Rotation.random(random_state=seed).as_matrix().T * 3 + 100

    assert fg.asymmetry(face) == pytest.approx(0, abs=1e-9)


def test_asymmetry_is_what_scipys_alignment_leaves() -> None:
    rng = np.random.default_rng(3)
    face = even_face() + rng.normal(size=(fg.MESH, 3)) * 6
    image = face[fg.mirrored_order()] * [-1, 1, 1]
    first, second = face - face.mean(axis=0), image - image.mean(axis=0)
    rotation, _ = Rotation.align_vectors(first, second)
    laid = rotation.apply(second)
    laid *= (laid * first).sum() / (laid**2).sum()
    expected = np.sqrt(((first - laid) ** 2).sum(axis=1).mean()) / fg.interocular(face)

    assert fg.asymmetry(face) == pytest.approx(expected, rel=1e-6)
    assert expected > 0.05


@pytest.mark.parametrize("degrees", [-40.0, 0.0, 25.0])
def test_yaw_is_the_turn_about_the_upright_axis(degrees: float) -> None:
    turned = even_face() @ Rotation.from_euler("y", -degrees, degrees=True).as_matrix().T

    assert fg.yaw(turned) == pytest.approx(degrees)
    assert fg.interocular(turned) == pytest.approx(60)


def test_irises_are_compared_only_where_they_were_read() -> None:
    face = even_face()
    ring = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]], float)

    assert fg.iris_ratio(face) is None
    assert fg.iris_ratio(np.concatenate([face, ring * 4, ring * 6 + 50])) == pytest.approx(1.5)


def test_the_oddest_cue_decides_and_stands_at_a_half_at_its_limit() -> None:
    face = even_face()
    calm = fg.oddities(face, 0.02, 0.02)
    slipping = fg.oddities(face, fg.LIMITS["jitter"], 0.02)

    assert fg.probability(calm) < 0.05
    assert fg.probability(slipping) == pytest.approx(0.5)


def test_a_turned_face_is_not_blamed_for_its_halves() -> None:
    face = even_face() + np.random.default_rng(4).normal(size=(fg.MESH, 3)) * 20
    turned = face @ Rotation.from_euler("y", 60, degrees=True).as_matrix().T

    assert "asymmetry" in fg.oddities(face, 0.0, 0.0)
    assert "asymmetry" not in fg.oddities(turned, 0.0, 0.0)


def test_irises_of_one_size_are_not_odd_and_those_at_the_limit_are_at_the_limit() -> None:
    ring = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]], float)
    same = np.concatenate([even_face(), ring, ring])
    apart = np.concatenate([even_face(), ring, ring * fg.LIMITS["irises"]])

    assert fg.oddities(same, 0.0, 0.0)["irises"] == pytest.approx(0)
    assert fg.oddities(apart, 0.0, 0.0)["irises"] == pytest.approx(1)
