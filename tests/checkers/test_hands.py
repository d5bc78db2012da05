"""The check of hands, on made landmarks."""

from __future__ import annotations

import pytest
from landmark_samples import CALM, WILD, expecting, hand, landmarks, measured, outcome

from imgaudit.checkers.hands import HandsChecker
from imgaudit.types import Abstained, Failed

HANDS = HandsChecker()


def test_a_picture_without_hands_counts_none_and_says_nothing_of_a_defect() -> None:
    result = measured(HANDS, landmarks())

    assert result.measures == {"count": 0, "unjudged": 0}
    assert result.unmeasured == {}


def test_a_calm_hand_is_good_and_a_wild_one_malformed() -> None:
    good = measured(HANDS, landmarks(hands=(hand(),)))
    bad = measured(HANDS, landmarks(hands=(hand(views=WILD),)))

    assert good.measures["defect"] < 0.5 < bad.measures["defect"]
    assert good.codes == ()
    assert bad.codes == ("hands.malformed",)
    assert "malformed" in bad.message
    assert "mirrored" in bad.message


def test_abstaining_is_never_a_score() -> None:
    reason = Abstained("no mediapipe", "install it")

    assert outcome(HANDS, reason) == reason
    assert isinstance(outcome(HANDS, Failed("broke")), Failed)


def test_a_hand_too_small_to_judge_is_unmeasured_with_its_size() -> None:
    result = measured(HANDS, landmarks(hands=(hand(scale=100, views=WILD),)))

    assert "defect" not in result.measures
    assert "palm radius" in result.unmeasured["defect"]
    assert (result.measures["count"], result.measures["unjudged"]) == (1, 1)


def test_something_that_may_be_a_hand_is_neither_counted_nor_judged() -> None:
    result = measured(HANDS, landmarks(hands=(hand(presence=0.4, views=WILD),)))

    assert result.measures["count"] == 0
    assert "0.40" in result.unmeasured["defect"]


def test_an_unsure_second_hand_is_counted_but_does_not_decide() -> None:
    second = hand(at=(300, 200), presence=0.6, views=WILD)
    alone = measured(HANDS, landmarks(hands=(hand(),)))
    both = measured(HANDS, landmarks(hands=(hand(), second)))

    assert both.measures["defect"] == alone.measures["defect"]
    assert (both.measures["count"], both.measures["unjudged"]) == (2, 1)


def test_a_sure_second_hand_decides_when_it_is_the_worse_one() -> None:
    second = hand(at=(300, 200), presence=0.95, side="right", views=WILD)

    result = measured(HANDS, landmarks(hands=(hand(), second)))

    assert result.measures["defect"] > 0.5
    assert [region.label for region in result.regions] == ["right hand"]


def test_the_region_is_the_padded_hand_inside_the_picture() -> None:
    (region,) = measured(HANDS, landmarks(hands=(hand(at=(395, 200), views=WILD),))).regions

    x0, _, x1, y1 = region.box
    assert (x0, x1) == (pytest.approx(395 - 70 - 30), 400)
    assert y1 == pytest.approx(230)
    assert region.polygon is not None
    assert all(0 <= x <= 400 and 0 <= y <= 480 for x, y in region.polygon)
    assert region.score is not None
    assert region.score >= 0.5


def test_the_skeleton_of_every_hand_is_drawn() -> None:
    result = measured(HANDS, landmarks(hands=(hand(), hand(at=(300, 200)))))

    assert len(result.evidence.polylines) == 12
    assert {len(line.points) for line in result.evidence.polylines} == {4, 5}


def test_a_hand_seen_once_is_not_judged() -> None:
    result = measured(HANDS, landmarks(hands=(hand(views=None),)))

    assert "defect" in result.unmeasured


def test_the_number_of_hands_is_held_against_the_case() -> None:
    two = landmarks(hands=(hand(), hand(at=(300, 200), views=CALM)))

    assert measured(HANDS, two, expecting(hands=2)).codes == ()
    assert measured(HANDS, two, expecting(hands=1)).codes == ("hands.too_many",)
    assert measured(HANDS, two, expecting(hands=3)).codes == ("hands.too_few",)
    assert measured(HANDS, landmarks(), expecting(hands=1)).codes == ("hands.too_few",)


def test_more_hands_than_are_kept_are_not_too_few() -> None:
    full = landmarks(hands=tuple(hand(at=(40 * n, 200)) for n in range(8)), capped=("hands",))

    assert measured(HANDS, full, expecting(hands=12)).codes == ()
    assert measured(HANDS, full, expecting(hands=3)).codes == ("hands.too_many",)


def test_a_hand_behind_a_surer_one_is_not_judged() -> None:
    behind = hand(at=(110, 195), presence=0.95, side="right", views=WILD)

    result = measured(HANDS, landmarks(hands=(hand(), behind)))

    assert result.measures["defect"] < 0.5
    assert result.measures["unjudged"] == 1
