"""A character's face is embedded by a model of the user's, where the rubric opts in, and never kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from imgaudit.errors import ModelUnavailable
from imgaudit.perceivers.character_faces import CharacterFacesPerceiver
from imgaudit.perceivers.clip import Clip
from imgaudit.percepts import FaceEmbedding, Figure
from imgaudit.personal import Gate, attribute_of
from imgaudit.types import Abstained, Failed, Look, Picture, Query, Sight
from tests.perceivers.test_clip import save_model

QUERY = Query("character_faces", {}, (Query("figure"),))


class Recorder:
    """Stands for a model, to see what it is asked."""

    name, version = "clip", "1"

    def __init__(self, answer: Sight) -> None:
        self.answer, self.boxes = answer, []

    def identity(self) -> Mapping[str, str]:
        return {"model": "recorder"}

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        self.boxes += [look.query.parameters["box"] for look in looks]
        return [self.answer for _ in looks]


def seen(perceiver: CharacterFacesPerceiver, upstream: Sight) -> Sight:
    rgb = np.random.default_rng(0).integers(0, 256, (60, 50, 3), dtype=np.uint8)
    return perceiver.perceive([Look(Picture("p", b"", "", rgb, "0"), QUERY, (upstream,))])[0]


def figure(face: tuple[float, float, float, float] | None) -> Figure:
    return Figure(kind="person", box=(0, 0, 50, 60), face=face, palette=())


def test_without_a_model_that_knows_people_it_is_not_there():
    for option in (None, "embedded"):
        with pytest.raises(ModelUnavailable, match="needs a CLIP that knows people"):
            CharacterFacesPerceiver(option)


def test_the_face_is_cut_out_and_its_vector_is_sensitive(tmp_path: Path):
    option = str(save_model(tmp_path / "model"))
    found = seen(CharacterFacesPerceiver(option), figure((10, 5, 40, 35)))
    other = seen(CharacterFacesPerceiver(option), figure((0, 30, 30, 60)))

    assert isinstance(found, FaceEmbedding)
    assert isinstance(other, FaceEmbedding)
    assert found.sensitive
    assert np.linalg.norm(found.vector) == pytest.approx(1, abs=1e-3)
    assert found.vector != other.vector
    assert CharacterFacesPerceiver(option).identity() == Clip(option).identity()


def test_nothing_is_embedded_without_a_face():
    model = Recorder(Failed("never asked"))
    perceiver = CharacterFacesPerceiver("x", model)

    assert isinstance(seen(perceiver, figure(None)), Abstained)
    assert seen(perceiver, Failed("figure: broke")) == Failed("figure: broke")
    assert seen(perceiver, Abstained("nobody")) == Abstained("nobody")
    assert model.boxes == []


def test_it_needs_the_rubrics_opt_in():
    assert attribute_of(QUERY) == "character_faces"
    assert isinstance(Gate().refusal(QUERY), Abstained)
    assert Gate(frozenset({"character_faces"})).refusal(QUERY) is None
