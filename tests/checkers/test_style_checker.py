from __future__ import annotations

from itertools import permutations

import pytest

from imgaudit.checkers.adherence import EMBEDDED, Adherence, unrelated
from imgaudit.checkers.style import NO_CONTENT, NO_PLAIN, StyleChecker
from imgaudit.kernels.match import against
from imgaudit.percepts import Match
from imgaudit.types import JSON, Abstained, Case, Expect, Failed, Member, Percepts

SCALE = 100.0
KETTLE = "a kettle on a stove"
WOODCUT = Case(
    id="kettle-woodcut", prompt=f"a woodcut of {KETTLE}", expect=Expect(content=KETTLE, style="woodcut print")
)
PLAIN = Case(id="kettle", prompt=KETTLE)


def projected(case: Case, cosines: dict[str, float], model: str = "ViT-B-32:x") -> JSON:
    [query] = StyleChecker().ask(case, Percepts())
    texts = query.parameters["texts"]
    sight = Match(
        model=model, cosines=tuple(cosines.get(text, 0.0) for text in texts), scale=SCALE,
        truncated=(0,) * len(texts), knows=True,
    )  # fmt: skip
    return StyleChecker().project(case, Percepts({query: sight}))


def member(id: str, content: str, shows: float, style: str | None = None, match: float | None = None) -> Member:
    projection = {"content": content, "style": style, "shows": shows, "match": match}
    return Member(id, Case(id=id.partition("#")[0]), True, projection)


def test_it_asks_what_adherence_asks_so_that_it_costs_nothing() -> None:
    for case in (WOODCUT, PLAIN):
        assert list(StyleChecker().ask(case, Percepts())) == list(Adherence().ask(case, Percepts()))


def test_content_and_style_are_each_told_from_unrelated_texts() -> None:
    cosines = {KETTLE: 0.24, "woodcut print": 0.3, "an oil painting": 0.29, "a cat asleep on a sofa": 0.23}
    anchors = unrelated("anchors.txt", WOODCUT.prompt or "", KETTLE)
    styles = unrelated("styles.txt", "woodcut print")

    found = projected(WOODCUT, cosines)

    assert found["shows"] == pytest.approx(against(0.24, [cosines.get(a, 0.0) for a in anchors], SCALE), abs=1e-6)
    assert found["match"] == pytest.approx(against(0.3, [cosines.get(s, 0.0) for s in styles], SCALE), abs=1e-6)
    assert (found["content"], found["style"]) == (KETTLE, "woodcut print")


def test_a_case_without_a_style_is_plain_and_its_prompt_is_its_content() -> None:
    found = projected(PLAIN, {KETTLE: 0.3})

    assert (found["content"], found["style"], found["match"]) == (KETTLE, None, None)
    assert found["shows"] > 0.99


def test_takeover_is_what_the_content_loses_against_plain_pictures_of_the_same_content() -> None:
    members = [
        member("kettle#0", KETTLE, 0.9), member("kettle#1", f"{KETTLE}.", 0.7), member("boat#0", "a boat", 0.2),
        member("ink#0", KETTLE, 0.5, "ink", 0.9), member("ink#1", KETTLE, 0.3, "ink", 0.8),
    ]  # fmt: skip

    found = StyleChecker().aggregate(members)

    [group] = found.groups
    assert group.measures == {"takeover": 0.4, "content": 0.4, "match": 0.85}
    assert group.labels["against"] == "plain pictures of the same content"
    assert found.pictures["ink#0"].measures == pytest.approx({"content": 0.5, "match": 0.9, "takeover": 0.3})
    assert set(found.pictures) == {"ink#0", "ink#1"}


def test_a_content_without_a_plain_picture_is_compared_with_all_of_the_set() -> None:
    members = [member("boat#0", "a boat", 0.8), member("cup#0", "a cup", 0.4), member("ink#0", KETTLE, 0.5, "ink", 0.9)]

    found = StyleChecker().aggregate(members)

    assert found.pictures["ink#0"].measures["takeover"] == pytest.approx(0.1)
    assert found.groups[0].labels["against"] == "all plain pictures of the set"


def test_each_style_is_told_apart_and_contents_are_the_unit_of_the_interval() -> None:
    contents = ["a boat", "a cup", "a dog"]
    members = [member(f"{c}#0", c, 0.9) for c in contents]
    inked = [(f"{c} ink#{n}", c, 0.8 - 0.1 * place) for place, c in enumerate(contents) for n in "01"]
    members += [member(id, content, shows, "ink", 0.9) for id, content, shows in inked]
    members += [member(f"{c} oil#0", c, 0.9, "oil", 0.9) for c in contents]

    groups = {group.group: group for group in StyleChecker().aggregate(members).groups}

    assert set(groups) == {"run", "style ink", "style oil"}
    assert groups["style ink"].measures["takeover"] == pytest.approx(0.2)
    low, high = groups["style ink"].intervals["takeover"]
    assert low < 0.2 < high
    assert groups["style oil"].measures["takeover"] == 0.0
    assert groups["style ink"].counts["contents"] == 3


def test_a_style_that_shows_where_the_content_does_not_has_a_code_only_if_plain_pictures_show_theirs() -> None:
    swallowed = member("ink#0", KETTLE, 0.1, "ink", 0.9)

    shown = StyleChecker().aggregate([member("k#0", KETTLE, 0.9), swallowed]).pictures["ink#0"]
    hidden = StyleChecker().aggregate([member("k#0", KETTLE, 0.3), swallowed]).pictures["ink#0"]

    assert shown.codes == ("style.over_content",)
    assert hidden.codes == ()


def test_a_set_without_plain_pictures_says_that_there_is_nothing_to_compare_with() -> None:
    found = StyleChecker().aggregate([member("ink#0", KETTLE, 0.5, "ink", 0.9)])

    assert (found.groups[0].outcome, found.groups[0].reason) == ("abstained", NO_PLAIN)
    assert "takeover" in found.pictures["ink#0"].unmeasured
    assert found.pictures["ink#0"].measures == {"content": 0.5, "match": 0.9}


def test_a_set_without_styles_is_passed_over_in_silence() -> None:
    found = StyleChecker().aggregate([member("k#0", KETTLE, 0.9), Member("x", PLAIN, True, Abstained("no model"))])

    assert (found.groups, dict(found.pictures)) == ((), {})


def test_the_embedded_model_is_not_asked_about_styles() -> None:
    assert isinstance(projected(WOODCUT, {}, EMBEDDED), Abstained)
    assert not isinstance(projected(PLAIN, {}, EMBEDDED), Abstained)


def test_a_style_without_its_content_and_failures_are_passed_on() -> None:
    bare = Case(id="c", prompt="a kettle in ink", expect=Expect(style="ink"))
    assert projected(bare, {}) == Abstained(NO_CONTENT)
    [query] = StyleChecker().ask(PLAIN, Percepts())
    for sight in (Abstained("no model"), Failed("broken")):
        assert StyleChecker().project(PLAIN, Percepts({query: sight})) == sight
    assert StyleChecker().project(Case(id="c"), Percepts()) == Abstained("no prompt")


def test_the_order_of_the_members_does_not_matter() -> None:
    styled = [member("i#0", KETTLE, 0.4, "ink", 0.6), member("o#0", KETTLE, 0.3, "oil", 0.6)]
    members = [member("k#0", KETTLE, 0.9), *styled]
    outcomes = [StyleChecker().aggregate(order) for order in permutations(members)]

    assert all(outcome == outcomes[0] for outcome in outcomes)
