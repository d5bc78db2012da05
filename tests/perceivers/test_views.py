"""Looks into a picture and the arithmetic of detectors."""

from __future__ import annotations

import math

import numpy as np
import pytest

from imgaudit.perceivers._views import (
    Detection,
    Halves,
    Square,
    anchor_centres,
    blended,
    decoded,
    overlap,
    placed,
    turned,
    upright,
    whole,
    windows,
)


@pytest.mark.parametrize("angle", [0.0, 0.7, -2.0, math.pi / 2])
@pytest.mark.parametrize("side", [60.0, 240.0, 900.0])
def test_what_a_look_shows_is_carried_back_to_where_it_was(angle: float, side: float) -> None:
    picture = np.zeros((600, 800, 3), np.uint8)
    picture[290:311, 410:431] = 255
    square = Square(430, 290, side, angle)

    seen = Halves(picture).look(square, 192, replicate=False)[:, :, 0].astype(float)

    rows, columns = np.mgrid[0:192, 0:192] + 0.5
    centre = np.array([[(columns * seen).sum(), (rows * seen).sum(), 0.0]]) / seen.sum() / 192
    assert square.place(centre)[0, :2] == pytest.approx([420.5, 300.5], abs=side / 192)


def test_a_reduced_look_is_an_average_and_not_a_sample() -> None:
    stripes = np.zeros((1024, 1024, 3), np.uint8)
    stripes[:, ::2] = 200

    seen = Halves(stripes).look(whole(1024, 1024), 64, replicate=True)

    assert np.abs(seen.astype(int) - 100).max() <= 1


def test_beyond_the_picture_is_its_edge_or_black() -> None:
    halves = Halves(np.full((100, 100, 3), 77, np.uint8))
    beside = Square(50, 50, 200)

    assert halves.look(beside, 64, replicate=True)[0, 0, 0] == 77
    assert halves.look(beside, 64, replicate=False)[0, 0, 0] == 0


@pytest.mark.parametrize("size", [(20_000, 16), (16, 40_000), (33_000, 17)])
def test_pictures_longer_than_opencv_can_warp_are_looked_at(size: tuple[int, int]) -> None:
    width, height = size
    picture = np.full((height, width, 3), 90, np.uint8)

    seen = Halves(picture).look(Square(width / 2, height / 2, 16), 64, replicate=True)

    assert np.abs(seen.astype(int) - 90).max() == 0


@pytest.mark.parametrize(
    ("size", "strides", "per_cell", "count"),
    [
        (192, (8, 16, 16, 16), 2, 2016),
        (128, (8, 16, 16, 16), 2, 896),
        (192, (4,), 1, 2304),
        (224, (8, 16, 32, 32, 32), 2, 2254),
    ],
)
def test_there_are_as_many_anchors_as_the_networks_have_outputs(
    size: int, strides: tuple[int, ...], per_cell: int, count: int
) -> None:
    anchors = anchor_centres(size, strides, per_cell)

    assert len(anchors) == count
    assert anchors[0] == pytest.approx([0.5 * strides[0] / size] * 2)
    assert np.all((anchors > 0) & (anchors < 1))


def test_a_detection_is_decoded_round_its_anchor() -> None:
    anchors = np.array([[0.25, 0.75], [0.5, 0.5]])
    raw = np.array([[10.0, -10, 20, 40, 5, 5], [0, 0, 10, 10, 0, 0]])

    found = decoded(raw, np.array([0.0, -5.0]), anchors, 100, 0.4)

    assert len(found) == 1
    assert found[0].score == pytest.approx(0.5)
    assert found[0].box == pytest.approx([0.25, 0.45, 0.45, 0.85])
    assert found[0].keypoints.ravel() == pytest.approx([0.30, 0.80])


def test_overlap_is_intersection_over_union() -> None:
    box = np.array([0.0, 0, 2, 2])

    assert overlap(box, box) == 1
    assert overlap(box, np.array([1.0, 0, 3, 2])) == pytest.approx(1 / 3)
    assert overlap(box, np.array([5.0, 5, 6, 6])) == 0


def test_overlapping_detections_are_blended_by_score_and_others_are_kept() -> None:
    def made(x: float, score: float) -> Detection:
        return Detection(np.array([x, 0, x + 10, 10.0]), np.array([[x, 0.0]]), score)

    kept = blended([made(0, 0.9), made(2, 0.3), made(50, 0.2)], 0.3)

    assert [d.score for d in kept] == [0.9, 0.2]
    assert kept[0].box[0] == pytest.approx(2 * 0.3 / 1.2)
    assert kept[1].keypoints[0, 0] == 50


def test_a_degenerate_box_is_kept_once() -> None:
    point = Detection(np.zeros(4), np.zeros((1, 2)), 0.5)

    assert len(blended([point], 0.3)) == 1


def test_a_detection_in_a_window_is_placed_in_the_picture() -> None:
    found = placed(Detection(np.array([0.0, 0, 0.5, 0.5]), np.array([[1.0, 1.0]]), 0.8), Square(150, 250, 100))

    assert found.box == pytest.approx([100, 200, 150, 250])
    assert found.keypoints[0] == pytest.approx([200, 300])


def test_windows_cover_the_picture() -> None:
    covered = np.zeros((300, 500), bool)
    for window in windows(500, 300, 0.6):
        half = window.side / 2
        covered[
            max(int(window.y - half), 0) : int(window.y + half) + 1,
            max(int(window.x - half), 0) : int(window.x + half) + 1,
        ] = True

    assert covered.all()
    assert 1 < len(windows(500, 300, 0.6)) <= 9


def test_upright_turns_the_given_way_up() -> None:
    start, end = np.array([10.0, 10.0]), np.array([20.0, 10.0])
    square = Square(15, 10, 100, upright(start, end))

    corners = square.place(np.array([[0.5, 0.0, 0.0], [0.5, 1.0, 0.0]]))

    assert corners[0, :2] == pytest.approx([65, 10])
    assert corners[1, :2] == pytest.approx([-35, 10])


def test_points_in_space_turn_as_the_picture_does() -> None:
    quarter = turned(np.array([[1.0, 0.0, 5.0]]), math.pi / 2)

    assert quarter[0] == pytest.approx([0, 1, 5])


def test_a_moved_square_moves_along_its_own_axes() -> None:
    moved = Square(0, 0, 10, math.pi / 2).moved(0.0, -0.5)

    assert (moved.x, moved.y) == pytest.approx((5, 0))
    assert moved.scaled(2).side == 20
