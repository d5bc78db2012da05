"""Perceived gender expression and age: the logic by a joint embedding with known answers, the path by a real class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from test_clip import save_model

from imgaudit.errors import ModelUnavailable
from imgaudit.perceivers import people
from imgaudit.perceivers._face_crops import crop_of
from imgaudit.perceivers.people import GROUPS, NOBODY, SOMEBODY, PeoplePerceiver, texts_of
from imgaudit.percepts import Face, Landmarks, Match, PerceivedPeople, Pixels
from imgaudit.types import Abstained, Failed, Look, Picture, Query, Sight

FACES = Query("landmarks", {"parts": ["faces"]})
FEMININE, MASCULINE = GROUPS["gender_expression"].values()


class Embedder:
    """A joint embedding whose answer is written in the picture: cosines by the level of the left or right half."""

    name, title, version, reads = "clip", "made", "1", "pixels"

    def __init__(self, answer: Callable[[int, str], float], knows: bool = True) -> None:
        self.answer, self.knows, self.asked = answer, knows, 0

    def identity(self) -> Mapping[str, str]:
        return {"model": "made"}

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        self.asked += len(looks)
        return [self._match(look) for look in looks]

    def _match(self, look: Look) -> Match:
        rgb, texts = look.picture.rgb, look.query.parameters["texts"]
        assert rgb is not None
        level = int(rgb[:, : rgb.shape[1] // 3].mean())
        cosines = tuple(self.answer(level, text) for text in texts)
        return Match(
            model="made", cosines=cosines, scale=100.0, truncated=(0,) * len(texts), knows=self.knows,
            why_not=None if self.knows else "it knows shapes alone",
        )  # fmt: skip


def about(words: Sequence[str], text: str) -> bool:
    return any(text.endswith(word) for word in words)


def answers(level: int, text: str) -> float:
    """A person everywhere; feminine where the left third is bright, masculine where it is dark, between: both."""
    if text in NOBODY:
        return 0.1
    if text in SOMEBODY:
        return 0.25
    if about(FEMININE, text):
        return 0.2 + 0.1 * level / 255
    if about(MASCULINE, text):
        return 0.2 + 0.1 * (1 - level / 255)
    return 0.2


def picture(left: int, right: int, side: int = 200) -> Picture:
    rgb = np.full((side, side, 3), left, np.uint8)
    rgb[:, side // 2 :] = right
    return Picture("p", b"", "0" * 64, rgb, "0" * 64)


def faces(*boxes: tuple[float, float, float, float]) -> Landmarks:
    return Landmarks(width=200, height=200, faces=tuple(Face(box=box, score=0.9, mesh=None) for box in boxes))


def perceive(model: Embedder, shown: Picture, upstream: Sight, attribute: object = "gender_expression") -> Sight:
    query = Query("people", {"attribute": attribute}, (FACES,))
    (sight,) = PeoplePerceiver(model=model).perceive([Look(shown, query, (upstream,))])  # type: ignore[arg-type]
    return sight


def seen(sight: Sight) -> PerceivedPeople:
    assert isinstance(sight, PerceivedPeople), sight
    return sight


MIDDLE = (60.0, 60.0, 140.0, 140.0)


def test_the_percept_is_sensitive() -> None:
    assert PerceivedPeople.sensitive


@pytest.mark.parametrize(("level", "word"), [(255, "feminine"), (0, "masculine"), (127, "unclear")])
def test_a_group_is_called_where_the_model_is_sure(level: int, word: str) -> None:
    assert seen(perceive(Embedder(answers), picture(level, level), faces(MIDDLE))).told == (word,)


def test_a_face_whose_mirror_image_is_read_otherwise_is_unclear() -> None:
    # the left third says feminine; mirrored, what was at the right says masculine
    sight = seen(perceive(Embedder(answers), picture(255, 0), faces(MIDDLE)))

    assert sight.told == ("unclear",)


def test_crop_and_mirror_image_are_both_looked_at() -> None:
    model = Embedder(answers)

    perceive(model, picture(255, 255), faces(MIDDLE, (0, 0, 50, 50)))

    assert model.asked == 4


def test_a_small_margin_is_unclear() -> None:
    def near(level: int, text: str) -> float:
        # 0.012 at a scale of 100 is a probability of 0.77
        return answers(level, text) if text in (*SOMEBODY, *NOBODY) else 0.212 if about(FEMININE, text) else 0.2

    def nearer(level: int, text: str) -> float:
        return answers(level, text) if text in (*SOMEBODY, *NOBODY) else 0.215 if about(FEMININE, text) else 0.2

    assert seen(perceive(Embedder(near), picture(9, 9), faces(MIDDLE))).told == ("unclear",)
    assert seen(perceive(Embedder(nearer), picture(9, 9), faces(MIDDLE))).told == ("feminine",)


def test_one_odd_phrasing_does_not_decide() -> None:
    def odd(level: int, text: str) -> float:
        return 0.4 if text == "a photo of a man" else answers(level, text)

    assert seen(perceive(Embedder(odd), picture(255, 255), faces(MIDDLE))).told == ("feminine",)


def test_age_has_three_bands() -> None:
    def old(level: int, text: str) -> float:
        if text in (*SOMEBODY, *NOBODY):
            return answers(level, text)
        return 0.3 if about(GROUPS["age_band"]["older"], text) else 0.2

    sight = seen(perceive(Embedder(old), picture(9, 9), faces(MIDDLE), "age_band"))

    assert (sight.attribute, sight.told) == ("age_band", ("older",))


def test_what_the_model_sees_no_person_in_is_refused() -> None:
    def scenery(level: int, text: str) -> float:
        return 0.3 if text == "a photo of a landscape" else answers(level, text)

    sight = seen(perceive(Embedder(scenery), picture(255, 255), faces(MIDDLE)))

    assert sight.told == ()
    assert "does not see a person" in sight.refused[0]


def test_faces_come_largest_first_and_small_ones_are_refused() -> None:
    shown = picture(255, 0)
    sight = seen(perceive(Embedder(answers), shown, faces((160, 80, 199, 119), (0, 60, 45, 105), (90, 90, 110, 110))))

    assert sight.told == ("feminine", "masculine")
    assert sight.refused == ("the face is 20 pixels wide; 32 are needed",)


def test_a_model_that_does_not_know_the_picture_tells_nothing_of_it() -> None:
    sight = seen(perceive(Embedder(answers, knows=False), picture(9, 9), faces(MIDDLE)))

    assert (sight.told, sight.refused) == ((), ("it knows shapes alone",))


def test_no_face_no_pixels_no_attribute_and_a_wrong_upstream_are_told_apart() -> None:
    model = Embedder(answers)
    blank = Picture("p", b"", "0" * 64)

    assert perceive(model, picture(9, 9), faces()) == Abstained("no face was found")
    assert perceive(model, blank, faces(MIDDLE)) == Abstained("the picture could not be decoded")
    assert perceive(model, picture(9, 9), Abstained("no model")) == Abstained("no model")
    assert isinstance(perceive(model, picture(9, 9), Pixels.model_construct()), Failed)
    assert isinstance(perceive(model, picture(9, 9), faces(MIDDLE), "race"), Failed)
    assert model.asked == 0


def test_crops_are_squares_within_the_picture() -> None:
    rgb = np.zeros((100, 200, 3), np.uint8)

    assert crop_of(rgb, (80, 40, 100, 60), 1.8).shape == (36, 36, 3)
    assert crop_of(rgb, (0, 0, 20, 20), 1.8).shape == (28, 28, 3)
    assert min(crop_of(rgb, (300, 300, 320, 320), 1.8).shape) >= 1


def test_the_embedded_model_abstains_with_a_reason_and_a_remedy() -> None:
    for option in (None, "embedded"):
        with pytest.raises(ModelUnavailable, match="knows only its world of coloured shapes") as raised:
            PeoplePerceiver(option)
        assert "--clip hf-hub:" in raised.value.remedy


def test_every_group_has_as_many_phrasings() -> None:
    for attribute, groups in GROUPS.items():
        assert len({len(words) for words in groups.values()}) == 1
        assert len(texts_of(attribute)) == len(set(texts_of(attribute)))
    assert not any("race" in text or "ethnic" in text for attribute in GROUPS for text in texts_of(attribute))


def test_a_real_open_clip_model_runs_the_whole_way(tmp_path: Path) -> None:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    perceiver = PeoplePerceiver(str(save_model(tmp_path / "tiny-clip")))
    noise = np.random.default_rng(1).integers(0, 255, (200, 200, 3), np.uint8)
    shown = Picture("p", b"", "0" * 64, noise, "0" * 64)
    looks = [Look(shown, Query("people", {"attribute": name}, (FACES,)), (faces(MIDDLE),)) for name in GROUPS]

    first, again = perceiver.perceive(looks), perceiver.perceive(looks)
    torch.set_num_threads(threads)

    assert first == again
    for sight, groups in zip(first, GROUPS.values(), strict=True):
        told = seen(sight)
        assert told.model == "tiny-clip"
        assert len(told.told) + len(told.refused) == 1
        # a model that was never trained tells groups apart by far less than it needs to be sure
        assert set(told.told) <= {"unclear"}
        assert groups
    assert perceiver.identity()["prompts"]
    assert people.PeoplePerceiver.personal == ("gender_expression", "age_band")
