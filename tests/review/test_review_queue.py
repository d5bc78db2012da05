"""Which pictures come, and in which order."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from asking import Asking
from stored import gallery, plain

from imgaudit.review.app import PAGE
from imgaudit.review.queue import FIRST, RANK, Queue, Wanted, words_of
from imgaudit.review.reasons import CODE, REASONS
from imgaudit.types import Decision


def places(text: str) -> list[int]:
    return [int(n) for n in re.findall(r'class="open" href="/picture/(\d+)\?', text)]


def test_hold_edit_and_reject_come_before_publish_worst_first(tmp_path: Path, opened: Callable[..., Asking]):
    desk = opened(gallery(tmp_path / "run")).desk
    ranks = [RANK[desk.rows[place].first] for place in desk.order]

    assert FIRST == (Decision.HOLD, Decision.EDIT, Decision.REJECT, Decision.PUBLISH)
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == 4
    held = [desk.rows[place].grounds for place in desk.order if desk.rows[place].first is Decision.HOLD]
    assert held == sorted(held, reverse=True)


def test_the_order_stays_while_verdicts_change(asking: Asking):
    before = list(asking.desk.order)
    person = asking.person()
    for place in before[:3]:
        person.decide(place, "publish")

    assert asking.desk.order == before
    assert places(person.get("/").text) == before[3:]
    assert places(person.get("/?state=all").text) == before


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (3, (None, 1, 1)), (1, (3, 4, 2)), (4, (1, None, 3)),
        (0, (3, 1, None)), (2, (4, None, None)), (5, (None, 3, None)),
    ],
)
def test_a_place_outside_the_queue_still_has_neighbours(at: int, expected: tuple[int | None, ...]):
    order = [5, 3, 0, 1, 4, 2]
    rank = [order.index(place) for place in range(6)]
    queue = Queue(order, lambda place: place in (3, 1, 4))

    assert queue.places == [3, 1, 4]
    assert queue.around(at, rank) == expected


def test_skipped_places_go_last_in_the_order_in_which_they_were_skipped():
    order = [0, 1, 2, 3]
    queue = Queue(order, lambda place: place != 3, skipped=(2, 0, 3))

    assert queue.places == [1, 2, 0]
    assert queue.following(1, order) == 2
    assert queue.following(0, order) == 1  # round to what is left before
    assert Queue(order, lambda place: place == 1).following(1, order) is None
    assert Queue(order, lambda _place: False).following(1, order) is None


def test_pictures_can_be_found_by_verdict_finding_case_and_words(tmp_path: Path, opened: Callable[..., Asking]):
    asking = opened(gallery(tmp_path / "run"))
    person, desk = asking.person(), asking.desk

    for decision in Decision:
        shown = places(person.get(f"/?verdict={decision}").text)
        assert shown == [place for place in desk.order if desk.finals[place] == decision]
    shown = places(person.get("/?code=hands.malformed").text)
    assert [desk.rows[place].id for place in shown] == ["hands-open#1", "hands-open#2"]
    assert len(places(person.get("/?case=poster-market").text)) == 4
    assert [desk.rows[place].id for place in places(person.get("/?q=NIGHT+market&code=text.misspelt").text)] == [
        "poster-market#1"
    ]
    assert places(person.get("/?q=no+such+words").text) == []
    assert "No picture fits" in person.get("/?q=no+such+words").text


@pytest.mark.parametrize(
    "query",
    ["verdict=%3Cscript%3E", "state=nonsense", "code=" + "x" * 500, "q=" + "%00" * 20, "q=" + "w+" * 90,
     "case=%F0%9F%92%A9"],
)
def test_a_strange_question_is_answered_safely(asking: Asking, query: str):
    answer = asking.person().get(f"/?{query}")

    assert answer.status_code == 200
    assert "<script>" not in answer.text


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999"])
def test_a_page_that_is_none_is_refused(asking: Asking, page: str):
    assert asking.person().get(f"/?page={page}").status_code == 422


def test_a_hundred_pictures_stand_on_a_page(tmp_path: Path, opened: Callable[..., Asking]):
    person = opened(plain(tmp_path / "run", 230, side=16)).person()
    first, second, third = (places(person.get(f"/?page={page}").text) for page in (1, 2, 3))

    assert PAGE == 100
    assert [len(page) for page in (first, second, third)] == [100, 100, 30]
    assert len({*first, *second, *third}) == 230
    assert "page 2 of 3" in person.get("/?page=2").text
    assert places(person.get("/?page=9").text) == third  # past the end is the last one
    assert 'rel="next"' not in person.get("/?page=3").text


def test_the_seeds_of_a_case_stand_together(asking: Asking):
    told = asking.person().picture(0)

    assert [one["seed"] for one in told["seeds"]] == [0, 1, 2]
    final = told["picture"]["final"]
    assert told["seeds"][0] == {"n": 0, "id": "one#0", "seed": 0, "final": final, "concealed": "none"}


def test_words_of_a_search_are_few_and_small():
    assert words_of("  Red  CIRCLE ") == ("red", "circle")
    assert len(words_of("a b c d e f g h i j k")) == 8
    assert Wanted().state == "open"


def test_every_reason_code_can_be_recorded():
    assert set(REASONS) == {Decision.PUBLISH, Decision.EDIT, Decision.REJECT}
    for codes in REASONS.values():
        assert all(re.match(CODE, code) for code in codes)
        assert len(set(codes)) == len(codes) <= 12
