"""The check of anatomy, on made landmarks."""

from __future__ import annotations

import numpy as np
import pytest
from landmark_samples import face, hand, landmarks, measured, outcome, pose

from imgaudit.checkers.anatomy import AnatomyChecker
from imgaudit.percepts import Pose
from imgaudit.types import Abstained

ANATOMY = AnatomyChecker()
LEFT = hand(at=(280, 240), side="left")
RIGHT = hand(at=(120, 240), side="right")


def test_without_a_body_nothing_is_said_of_a_defect() -> None:
    result = measured(ANATOMY, landmarks(hands=(LEFT,), faces=(face(),)))

    assert result.measures == {"persons": 0}
    assert result.labels == {"persons": "0"}
    assert result.unmeasured == {}


def test_a_whole_body_with_its_hands_has_no_defect() -> None:
    result = measured(ANATOMY, landmarks(poses=(pose(),), hands=(LEFT, RIGHT), faces=(face(),)))

    assert result.measures["defect"] < 0.05
    assert result.measures["limb_ratio"] == pytest.approx(1)
    assert result.codes == ()
    assert result.regions == ()


def test_abstaining_is_never_a_score() -> None:
    assert outcome(ANATOMY, Abstained("no mediapipe")) == Abstained("no mediapipe")


def test_a_plainly_visible_wrist_without_a_hand_lacks_one() -> None:
    result = measured(ANATOMY, landmarks(poses=(pose(),), hands=(LEFT,)))

    assert result.codes == ("anatomy.missing_hand",)
    assert result.measures["defect"] > 0.5
    assert [region.label for region in result.regions] == ["right wrist"]
    x0, y0, x1, y1 = result.regions[0].box
    assert x0 < 120 < x1
    assert y0 < 240 < y1


@pytest.mark.parametrize("seen", ["a hidden wrist", "a wrist at the edge", "an unsure hand", "a full list of hands"])
def test_a_hand_is_not_missed_without_good_reason(seen: str) -> None:
    sights = {
        "a hidden wrist": landmarks(poses=(pose(0.95),), hands=(LEFT,)),
        "a wrist at the edge": landmarks(poses=(pose(right=(10, 190), left=(390, 190)),), hands=()),
        "an unsure hand": landmarks(poses=(pose(),), hands=(LEFT, hand(at=(130, 250), presence=0.15))),
        "a full list of hands": landmarks(poses=(pose(),), hands=(LEFT,), capped=("hands",)),
    }

    assert measured(ANATOMY, sights[seen]).codes == ()


def test_three_sure_hands_are_too_many_for_one_person_and_not_for_two() -> None:
    third = hand(at=(200, 300), side="left")
    alone = landmarks(poses=(pose(),), hands=(LEFT, RIGHT, third), faces=(face(),))
    two = landmarks(poses=(pose(),), hands=(LEFT, RIGHT, third), faces=(face(), face(at=(60, 60))))

    assert "anatomy.extra_hand" in measured(ANATOMY, alone).codes
    assert "3 hands for 1 person" in measured(ANATOMY, alone).message
    assert "anatomy.extra_hand" not in measured(ANATOMY, two).codes


def test_an_unsure_third_hand_is_not_too_many() -> None:
    third = hand(at=(200, 300), presence=0.9)

    assert measured(ANATOMY, landmarks(poses=(pose(),), hands=(LEFT, RIGHT, third))).codes == ()


def test_a_left_hand_on_the_right_arm_is_on_the_wrong_side() -> None:
    wrong = hand(at=(120, 240), side="left", side_score=0.999)
    unsure = hand(at=(120, 240), side="left", side_score=0.9)

    assert measured(ANATOMY, landmarks(poses=(pose(),), hands=(LEFT, wrong))).codes == ("anatomy.wrong_side",)
    assert measured(ANATOMY, landmarks(poses=(pose(),), hands=(LEFT, unsure))).codes == ()


def test_hands_of_crossed_arms_are_not_on_the_wrong_side() -> None:
    crossed = pose(left=(205, 200), right=(195, 200))
    hands = (hand(at=(205, 200), side="right", side_score=1.0), hand(at=(195, 200), side="left", side_score=1.0))

    assert measured(ANATOMY, landmarks(poses=(crossed,), hands=hands)).codes == ()


def test_a_forearm_of_three_times_its_counterpart_is_uneven() -> None:
    body = pose()
    world = np.array(body.world)
    world[15] = world[13] + 3 * (world[15] - world[13])
    uneven = Pose(**{**body.model_dump(), "world": tuple(map(tuple, world.tolist()))})

    result = measured(ANATOMY, landmarks(poses=(uneven,), hands=(LEFT, RIGHT)))

    assert result.codes == ("anatomy.uneven_limbs",)
    assert result.measures["limb_ratio"] == pytest.approx(3)
    assert "forearm" in result.message


def test_a_full_list_of_bodies_says_so() -> None:
    assert measured(ANATOMY, landmarks(poses=(pose(),) * 4, capped=("poses",))).labels == {"persons": "4 or more"}
