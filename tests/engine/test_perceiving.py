from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from imgaudit import registry
from imgaudit.engine.perceiving import PerceiverPool, Planner, Subject, depth, with_upstream
from imgaudit.errors import ModelUnavailable
from imgaudit.percepts import Embedding
from imgaudit.store.cache import PerceptCache
from imgaudit.types import Abstained, Case, Failed, Look, Percepts, Query, Sight

MEAN = Query("test-mean")
DOUBLE = Query("test-double", upstream=(MEAN,))


class Mean:
    """The mean of the red channel; counts how often it was called."""

    name, title, version, reads = "test-mean", "mean", "1", "pixels"
    calls: ClassVar[list[int]] = []

    def identity(self):
        return {"weights": "none"}

    def perceive(self, looks: Sequence[Look]) -> list[Sight]:
        self.calls.append(len(looks))
        if any(look.query.parameters.get("fail") for look in looks if look.picture.rgb[0, 0, 0] == 200):
            raise RuntimeError("this one breaks")
        return [Embedding(model="mean", vector=(float(look.picture.rgb[..., 0].mean()),)) for look in looks]


class Double:
    """Twice what `test-mean` said."""

    name, title, version, reads = "test-double", "double", "1", "pixels"

    def identity(self):
        return {}

    def perceive(self, looks: Sequence[Look]) -> list[Sight]:
        return [Embedding(model="double", vector=(2 * look.upstream[0].vector[0],)) for look in looks]


class Missing:
    """A model that is not there."""

    name, title, version, reads = "test-missing", "missing", "1", "pixels"

    def __init__(self) -> None:
        raise ModelUnavailable("the model is not on this machine", "Get it with: fetch-it")


@pytest.fixture(autouse=True)
def perceivers() -> Iterator[None]:
    for kind in (Mean, Double, Missing):
        registry.perceivers.register(kind.name, kind, __name__)
    Mean.calls = []
    yield
    for kind in (Mean, Double, Missing):
        del registry.perceivers._entries[kind.name]
        del registry.perceivers._origins[kind.name]


def subject(red: int, name: str = "p") -> Subject:
    stream = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), (red, 0, 0), np.uint8)).save(stream, "PNG")
    return Subject(id=name, path=name, data=stream.getvalue(), case=Case(id=name), generated=False)


def planner(tmp_path: Path | None = None, batch_size: int = 16) -> Planner:
    return Planner(PerceiverPool(), PerceptCache(tmp_path) if tmp_path else None, batch_size)


def test_equal_queries_of_equal_pictures_are_looked_at_once():
    percepts = planner().look([subject(10, "a"), subject(10, "b"), subject(20, "c")], lambda _s, _p: [MEAN, MEAN])

    assert [p[MEAN].vector for p in percepts] == [(10.0,), (10.0,), (20.0,)]
    assert Mean.calls == [2]


def test_a_query_is_answered_after_what_it_builds_on():
    percepts = planner().look([subject(10)], lambda _s, _p: [DOUBLE])

    assert percepts[0][DOUBLE].vector == (20.0,)
    assert with_upstream([DOUBLE]) == [MEAN, DOUBLE]
    assert depth(DOUBLE) == 1


def test_a_second_look_may_depend_on_the_first_and_there_are_three_rounds():
    def wants(_subject: Subject, percepts: Percepts) -> list[Query]:
        asked = [Query("test-mean", {"round": 0})]
        while asked[-1] in percepts:
            asked.append(Query("test-mean", {"round": len(asked)}))
        return asked

    percepts = planner().look([subject(10)], wants)

    assert [Query("test-mean", {"round": n}) in percepts[0] for n in range(4)] == [True, True, True, False]


def test_what_was_seen_before_is_not_looked_at_nor_decoded_again(tmp_path: Path):
    first = planner(tmp_path)
    first.read_headers([subject(10)])
    first.look([subject(10)], lambda _s, _p: [DOUBLE])
    again = subject(10)

    second = planner(tmp_path)
    second.read_headers([again])
    percepts = second.look([again], lambda _s, _p: [DOUBLE])

    assert percepts[0][DOUBLE].vector == (20.0,)
    assert Mean.calls == [1]
    assert again._picture is None


def test_a_missing_model_abstains_with_its_remedy():
    percepts = planner().look([subject(10)], lambda _s, _p: [Query("test-missing")])

    assert percepts[0][Query("test-missing")] == Abstained("the model is not on this machine", "Get it with: fetch-it")


def test_one_picture_that_breaks_a_model_does_not_spoil_the_batch():
    query = Query("test-mean", {"fail": True})

    percepts = planner().look([subject(10, "a"), subject(200, "b"), subject(30, "c")], lambda _s, _p: [query])

    assert percepts[0][query].vector == (10.0,)
    assert percepts[1][query] == Failed("test-mean: RuntimeError: this one breaks")
    assert percepts[2][query].vector == (30.0,)


def test_a_picture_that_cannot_be_decoded_abstains_for_those_who_need_pixels():
    broken = Subject(id="b", path="b", data=b"\x89PNG\r\n\x1a\n broken", case=Case(id="b"), generated=False)

    percepts = planner().look([broken], lambda _s, _p: [MEAN])

    assert percepts[0][MEAN] == Abstained("the picture cannot be decoded")
    assert Mean.calls == []


def test_a_changed_parameter_is_another_question(tmp_path: Path):
    some = planner(tmp_path)
    some.look([subject(10)], lambda _s, _p: [Query("test-mean", {"x": 1})])
    some.look([subject(10)], lambda _s, _p: [Query("test-mean", {"x": 2})])

    assert Mean.calls == [1, 1]
