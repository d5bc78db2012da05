"""The figure of a picture is its largest person, else what stands out."""

from __future__ import annotations

import numpy as np
import pytest

from imgaudit.kernels.color import delta_e, to_lab
from imgaudit.perceivers.figure import FigurePerceiver
from imgaudit.percepts import Face, Figure, Landmarks, Pose
from imgaudit.registry import perceivers
from imgaudit.types import Abstained, Failed, Look, Picture, Query, Sight

QUERY = Query("figure")
FACE = Face(box=(80, 20, 120, 70), score=0.9, mesh=None)


def body(hips: float) -> Pose:
    points = [(100.0, 45.0, 0.0, 1.0)] * 33
    places = {11: (130, 90), 12: (70, 90), 23: (125, 190), 24: (75, 190)}
    for index, (x, y) in places.items():
        points[index] = (x, y, 0.0, hips if index > 20 else 1.0)
    return Pose(points=tuple(points), box=(60, 20, 140, 240))


def seen(rgb: np.ndarray | None, upstream: Sight) -> Sight:
    return FigurePerceiver().perceive([Look(Picture("p", b"", "", rgb, "0"), QUERY, (upstream,))])[0]


def scene() -> np.ndarray:
    """Green ground, blue clothing from the shoulders to the hips."""
    rgb = np.full((260, 200, 3), (40, 140, 60), np.uint8)
    rgb[85:195, 65:135] = (20, 40, 200)
    return rgb


def test_it_is_registered():
    assert perceivers.get("figure") is FigurePerceiver


@pytest.mark.parametrize("hips", [1.0, 0.0])
def test_the_clothing_of_a_person_is_what_lies_on_the_trunk(hips: float):
    figure = seen(scene(), Landmarks(faces=(FACE,), poses=(body(hips),)))

    assert isinstance(figure, Figure)
    assert (figure.kind, figure.box, figure.face) == ("person", (60, 20, 140, 240), (70, 7.5, 130, 82.5))
    assert len(figure.palette) == 1
    assert delta_e(figure.palette[0].lab, to_lab([20, 40, 200])) < 1


def test_without_a_body_the_clothing_is_looked_for_below_the_chin():
    figure = seen(scene(), Landmarks(faces=(FACE,)))

    assert isinstance(figure, Figure)
    assert delta_e(figure.palette[0].lab, to_lab([20, 40, 200])) < 1


def test_the_largest_face_is_the_figure():
    small = Face(box=(10, 10, 20, 22), score=0.99, mesh=None)
    figure = seen(scene(), Landmarks(faces=(small, FACE)))

    assert isinstance(figure, Figure)
    assert figure.box == FACE.box


def test_a_face_at_the_lower_edge_has_no_palette():
    low = Face(box=(80, 200, 130, 258), score=0.9, mesh=None)
    figure = seen(scene(), Landmarks(faces=(low,)))

    assert isinstance(figure, Figure)
    assert figure.palette == ()


@pytest.mark.parametrize("upstream", [Landmarks(), Abstained("too small")])
def test_without_a_person_what_stands_out_is_the_figure(upstream: Sight):
    rgb = np.full((100, 200, 3), 255, np.uint8)
    rgb[20:60, 50:110] = (200, 30, 30)
    figure = seen(rgb, upstream)

    assert isinstance(figure, Figure)
    assert figure.kind == "thing"
    assert np.allclose(figure.box, (50, 20, 110, 60), atol=1)
    assert delta_e(figure.palette[0].lab, to_lab([200, 30, 30])) < 1


def test_where_nothing_stands_out_it_abstains():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)

    assert isinstance(seen(noise, Landmarks()), Abstained)
    assert isinstance(seen(np.zeros((1, 1, 3), np.uint8), Landmarks()), Abstained)
    assert isinstance(seen(None, Landmarks()), Abstained)


def test_what_broke_below_is_passed_on():
    assert seen(scene(), Failed("landmarks: out of memory")) == Failed("landmarks: out of memory")
