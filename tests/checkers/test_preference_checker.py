from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from scipy.special import expit

from imgaudit.checkers.preference import PreferenceChecker
from imgaudit.percepts import Preferred
from imgaudit.types import Abstained, Case, Failed, Member, Percepts, Query

CUP, DOG = Case(id="cup", prompt="a red cup"), Case(id="dog", prompt="a brown dog")


def member(id: str, case: Case, logit: float) -> Member:
    return Member(id, case, True, {"model": "pickscore tiny", "score": logit / 10, "logit": logit, "truncated": 0})


def test_a_picture_is_asked_about_with_its_own_prompt() -> None:
    [query] = PreferenceChecker().ask(CUP, Percepts())
    sight = Preferred(model="m", score=0.2, logit=20.0, truncated=3)

    assert query == Query("preference", {"prompt": "a red cup"})
    assert PreferenceChecker().project(CUP, Percepts({query: sight})) == {
        "model": "m", "score": 0.2, "logit": 20.0, "truncated": 3,
    }  # fmt: skip
    assert PreferenceChecker().ask(Case(id="c", prompt=" "), Percepts()) == []


def test_wins_are_the_mean_probability_of_being_preferred_to_the_others_of_the_prompt() -> None:
    logits = [20.0, 21.5, 19.0, 21.5]
    found = PreferenceChecker().aggregate([member(f"cup#{n}", CUP, logit) for n, logit in enumerate(logits)])

    for place, logit in enumerate(logits):
        others = np.delete(logits, place)
        measures = found.pictures[f"cup#{place}"].measures
        assert measures["wins"] == pytest.approx(expit(logit - others).mean())
        assert measures["rank"] == 1 + (others > logit).sum()
    [group] = found.groups
    assert group.measures == {"spread": 2.5}
    assert (group.labels["best"], group.size, group.counted) == ("cup#1", 4, 4)


def test_pictures_of_different_prompts_are_never_compared() -> None:
    pair = [member("cup#0", CUP, 20.0), member("cup#1", CUP, 21.0)]
    alone = PreferenceChecker().aggregate(pair).pictures
    beside = PreferenceChecker().aggregate([*pair, member("dog#0", DOG, 90.0), member("dog#1", DOG, -90.0)]).pictures

    assert {id: beside[id] for id in alone} == alone


def test_cases_of_one_prompt_are_one_set() -> None:
    twin = Case(id="cup again", prompt="a red cup")
    found = PreferenceChecker().aggregate([member("a", CUP, 1.0), member("b", twin, 2.0)])

    assert found.pictures["b"].measures["rank"] == 1
    assert len(found.groups) == 1


def test_a_prompt_with_one_picture_is_told_by_its_score_alone() -> None:
    found = PreferenceChecker().aggregate([member("cup#0", CUP, 20.0), member("dog#0", DOG, 30.0)])

    assert {group.outcome for group in found.groups} == {"abstained"}
    assert set(found.pictures["cup#0"].unmeasured) == {"wins", "rank"}
    assert found.pictures["cup#0"].measures["score"] == 2.0


def test_the_order_of_the_members_does_not_matter() -> None:
    members = [member("a", CUP, 1.0), member("b", CUP, 2.0), member("c", DOG, 0.5)]
    outcomes = [PreferenceChecker().aggregate(order) for order in permutations(members)]

    assert all(outcome == outcomes[0] for outcome in outcomes)


def test_what_could_not_be_scored_is_left_out_and_counted() -> None:
    broken = Member("cup#2", CUP, True, Failed("broken"))
    found = PreferenceChecker().aggregate([member("cup#0", CUP, 1.0), member("cup#1", CUP, 2.0), broken])

    [group] = found.groups
    assert (group.size, group.counted) == (3, 2)
    assert "cup#2" not in found.pictures


def test_without_a_model_one_sentence_says_so() -> None:
    [query] = PreferenceChecker().ask(CUP, Percepts())
    projection = PreferenceChecker().project(CUP, Percepts({query: Abstained("no model of preferences was named")}))

    [group] = PreferenceChecker().aggregate([Member("a", CUP, True, projection)]).groups

    assert (group.outcome, group.reason) == ("abstained", "no model of preferences was named")


def test_huge_logits_do_not_overflow() -> None:
    found = PreferenceChecker().aggregate([member("a", CUP, 1e6), member("b", CUP, -1e6)])

    assert [found.pictures[id].measures["wins"] for id in "ab"] == [1.0, 0.0]
    assert math.isfinite(found.groups[0].measures["spread"])
