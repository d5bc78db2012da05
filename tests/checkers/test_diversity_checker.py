"""Sameness within prompts is measured over sets, and what could not be told is no number."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from imgaudit.checkers._prints import CLIP, EMBEDDING, PIXELS
from imgaudit.checkers.diversity import DiversityChecker
from imgaudit.digest import digest
from imgaudit.embedded import world
from imgaudit.perceivers.clip import Clip
from imgaudit.perceivers.pixels import PixelPerceiver
from imgaudit.percepts import Embedding
from imgaudit.registry import checkers
from imgaudit.types import Abstained, Case, Failed, GroupFinding, Look, Member, Percepts, Picture, Sight

NONE = Abstained("no embedding model was named")


def shown(rgb: np.ndarray) -> Picture:
    return Picture(id="x", data=b"", file="", rgb=rgb, pixels=digest(rgb.tobytes().hex()))


def member(id: str, rgb: np.ndarray, case: Case, vector: Sight = NONE, clip: Sight | None = None) -> Member:
    picture = shown(rgb)
    sights = {PIXELS: PixelPerceiver().perceive([Look(picture, PIXELS)])[0], EMBEDDING: vector}
    if clip is not None:
        sights[CLIP] = clip
    return Member(id, case, True, DiversityChecker().project(case, Percepts(sights)))


def painting(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (200, 160), tuple(random.integers(0, 256, 3).tolist()))
    pen = ImageDraw.Draw(image)
    for _ in range(40):
        x, y, r = random.uniform(0, 200), random.uniform(0, 160), random.uniform(4, 50)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=tuple(random.integers(0, 256, 3).tolist()))
    return np.asarray(image)


def vector(*numbers: float, model: str = "made") -> Embedding:
    length = sum(x * x for x in numbers) ** 0.5
    return Embedding(model=model, vector=tuple(x / length for x in numbers))


def measured(members: list[Member]) -> dict[str, GroupFinding]:
    return {found.group: found for found in DiversityChecker().aggregate(members).groups}


A, B = Case(id="a", prompt="a house"), Case(id="b", prompt="a boat")


def test_it_is_registered_and_asks_for_clip_only_where_no_other_model_embeds():
    ask = DiversityChecker().ask
    assert checkers.get("diversity") is DiversityChecker
    assert list(ask(A, Percepts())) == [PIXELS, EMBEDDING]
    assert list(ask(A, Percepts({EMBEDDING: NONE}))) == [PIXELS, EMBEDDING, CLIP]
    assert list(ask(A, Percepts({EMBEDDING: vector(1, 0)}))) == [PIXELS, EMBEDDING]
    assert list(ask(Case(id="a"), Percepts())) == []


def test_pictures_of_one_prompt_are_compared_by_content_and_by_layout():
    found = measured(
        [
            member("a#0", painting(1), A, vector(1, 0, 0)),
            member("a#1", painting(2), A, vector(0, 1, 0)),
            member("b#0", painting(3), B, vector(0, 1, 1)),
            member("b#1", painting(4), B, vector(0, 1, 1)),
        ]
    )

    assert set(found) == {"run", "a", "b"}
    assert found["a"].measures["score"] == pytest.approx(1)
    assert found["a"].measures["vendi"] == pytest.approx(2)
    assert found["b"].measures["score"] == pytest.approx(0, abs=1e-5)
    assert found["b"].measures["vendi"] == pytest.approx(1, abs=1e-3)
    assert 0.2 < found["b"].measures["layout"] <= 1
    assert found["run"].measures["score"] == pytest.approx(0.5, abs=1e-5)
    assert found["run"].measures["vendi"] > 2
    assert found["a"].members == ("a#0", "a#1")
    assert found["run"].members == ()
    assert found["run"].labels == {"space": "made"}


def test_seeds_that_give_one_picture_are_a_collapse_even_without_any_model():
    copies = [np.clip(painting(1).astype(int) + step, 0, 255).astype(np.uint8) for step in (0, 2, 4)]
    found = measured(
        [member(f"a#{n}", rgb, A) for n, rgb in enumerate([*copies, painting(7)])]
        + [member(f"b#{n}", painting(20 + n), B) for n in range(4)]
    )

    assert found["a"].measures["collapse"] == 0.5
    assert found["a"].codes == ("diversity.collapsed",)
    assert found["b"].measures["collapse"] == 0
    assert found["b"].codes == ()
    assert found["run"].measures["collapsed_share"] == 0.5
    assert found["run"].counts == {"prompts": 2, "collapsed": 1}
    assert found["a"].measures["layout"] < found["b"].measures["layout"]


def test_two_pictures_are_too_few_to_call_a_prompt_collapsed():
    found = measured([member("a#0", painting(1), A), member("a#1", painting(1), A)])

    assert found["a"].measures["collapse"] == 1
    assert found["a"].codes == ()
    assert "collapsed_share" not in found["run"].measures


def test_without_an_embedding_content_is_not_told_and_says_why():
    outside = Abstained("the embedded CLIP knows only its world")
    found = measured([member(f"a#{n}", painting(n), A, clip=outside) for n in range(3)])

    for name in ("a", "run"):
        assert not {"score", "vendi"} & set(found[name].measures)
        assert found[name].labels["space"] == "none: the embedded CLIP knows only its world"
        assert "layout" in found[name].measures
    assert "content not told (the embedded CLIP knows only its world)" in found["a"].message


def test_embeddings_of_two_models_are_never_mixed():
    found = measured(
        [
            member("a#0", painting(1), A, vector(1, 0, model="one")),
            member("a#1", painting(2), A, vector(1, 0, model="other")),
            member("b#0", painting(3), B, vector(1, 0, model="one")),
            member("b#1", painting(4), B, vector(1, 0, model="one")),
        ]
    )

    assert "score" not in found["a"].measures
    assert "score" in found["b"].measures
    assert "vendi" not in found["run"].measures


def test_files_that_somebody_gave_belong_together_by_their_prompt():
    cases = [Case(id=f"r0/{n}.png", prompt=prompt) for n, prompt in enumerate(["a house", "a house", "a boat"])]
    members = [
        Member(case.id, case, False, member(case.id, painting(n), case).projection) for n, case in enumerate(cases)
    ]

    found = measured(members)

    assert set(found) == {"run", "a house"}
    assert found["a house"].members == ("r0/0.png", "r0/1.png")


def test_long_prompts_that_begin_alike_stay_apart():
    cases = [Case(id=f"{n}", prompt="a very long prompt " * 12 + ending) for n in range(2) for ending in ("x", "y")]
    members = [
        Member(f"{n}", case, False, member(f"{n}", painting(n), case).projection) for n, case in enumerate(cases)
    ]

    found = measured(members)

    assert len(found) == 3
    assert sorted(len(one.members) for one in found.values()) == [0, 2, 2]


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([], "there are no pictures"),
        ([member("a#0", painting(1), A)], "no prompt has two pictures"),
        ([member("x", painting(1), Case(id="x")), member("y", painting(2), Case(id="y"))], "no prompt is known"),
        ([Member("a#0", A, True, Failed("broke")), Member("a#1", A, True, Failed("broke"))], "broke"),
    ],
)
def test_nothing_to_compare_is_an_abstention_with_its_reason(members: list[Member], reason: str):
    found = measured(members)

    assert list(found) == ["run"]
    assert found["run"].outcome == "abstained"
    assert found["run"].measures == {}
    assert reason in (found["run"].reason or "")


def test_every_measure_label_and_code_is_declared_and_the_order_does_not_matter():
    members = [member(f"a#{n}", painting(n // 2), A, vector(1, n)) for n in range(4)]
    members += [member(f"b#{n}", painting(9 + n), B, vector(1, n)) for n in range(2)]
    names = {m.name for m in DiversityChecker.measures}

    forward, backward = (DiversityChecker().aggregate(m) for m in (members, members[::-1]))

    assert forward == backward
    for group in forward.groups:
        assert set(group.measures) <= names
        assert set(group.labels) <= set(DiversityChecker.labels)
        assert set(group.codes) <= set(DiversityChecker.codes)


def test_the_packaged_clip_sees_more_variety_where_a_prompt_leaves_more_open():
    perceiver, random = Clip(), np.random.default_rng(0)
    open_scene, told = world.parse("a shape"), world.parse("a red circle")
    if open_scene is None or told is None:
        pytest.skip("the world's grammar does not know these prompts")

    def drawn(case: Case, scene: world.Scene) -> list[Member]:
        pictures = [world.draw(world.place(scene, random)) for _ in range(8)]
        sights = perceiver.perceive([Look(shown(rgb), CLIP) for rgb in pictures])
        assert all(isinstance(sight, Embedding) for sight in sights)
        return [member(f"{case.id}#{n}", rgb, case, clip=sights[n]) for n, rgb in enumerate(pictures)]

    found = measured(drawn(A, told) + drawn(B, open_scene))

    assert found["b"].measures["score"] > 2 * found["a"].measures["score"]
    assert found["b"].measures["vendi"] > found["a"].measures["vendi"] + 1
