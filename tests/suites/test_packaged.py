"""What each packaged suite promises about itself holds."""

from __future__ import annotations

from collections import Counter

import pytest

from imgaudit.embedded import world
from imgaudit.suites.load import PACKAGED, dump_suite, load_suite, suite_names
from imgaudit.suites.make_shapes import open_colour_shares, shapes
from imgaudit.types import Case

REAL = [name for name in suite_names() if name != "shapes"]


def tagged(name: str, tag: str) -> list[Case]:
    return [case for case in load_suite(name).cases if tag in case.tags]


def test_the_promised_suites_are_there() -> None:
    assert suite_names() == [
        "characters", "hands", "logos", "long-prompts", "negation", "occupations", "people", "posters", "shapes",
        "style-vs-content",
    ]  # fmt: skip


@pytest.mark.parametrize("name", suite_names())
def test_a_suite_is_named_as_its_file_and_states_purpose_limits_and_licence(name: str) -> None:
    suite = load_suite(name)

    assert suite.name == name
    assert suite.licence.startswith("Apache-2.0")
    assert suite.source
    assert len(suite.about.split()) > 40
    assert "limits" in suite.about.lower() or "says nothing" in suite.about


@pytest.mark.parametrize("name", REAL)
def test_a_suite_for_real_generators_has_12_to_40_distinct_tagged_cases(name: str) -> None:
    cases = load_suite(name).cases

    assert 12 <= len(cases) <= 40
    assert all(case.tags for case in cases)
    assert len({case.prompt for case in cases}) == len(cases)


def test_the_packaged_shapes_are_what_the_script_makes() -> None:
    assert (PACKAGED / "shapes.yaml").read_text(encoding="utf-8") == dump_suite(shapes())


def test_shapes_covers_every_skill_with_foils_of_its_kind() -> None:
    cases = load_suite("shapes").cases
    kinds = {"count": "count", "relation": "relation", "binding": "binding", "size": "size",
             "background": "background", "negation": "negation", "single": "shape"}  # fmt: skip

    assert len(cases) >= 40
    for tag, kind in kinds.items():
        of_tag = [case for case in cases if tag in case.tags]
        assert len(of_tag) >= 4, tag
        assert all(case.foils[kind] for case in of_tag), tag


def test_every_caption_and_foil_of_shapes_is_read_by_the_world() -> None:
    for case in load_suite("shapes").cases:
        scene = world.parse(case.prompt or "")
        assert scene is not None
        assert ("held-out" in case.tags) == world.held_out(scene)
        assert all(world.parse(foil) not in (None, scene) for foils in case.foils.values() for foil in foils)


def test_the_open_shape_is_compared_with_what_the_world_draws_for_it() -> None:
    import numpy as np

    (case,) = tagged("shapes", "skew")
    random = np.random.default_rng(3)
    scene = world.parse("a shape")
    assert scene is not None
    drawn = Counter(world.place(scene, random).placed[0].colour for _ in range(8_000))

    assert case.skew is not None
    assert case.skew.reference == open_colour_shares()
    assert {colour: pytest.approx(share, abs=0.015) for colour, share in open_colour_shares().items()} == {
        colour: number / 8_000 for colour, number in drawn.items()
    }


def test_long_prompts_state_their_length_and_go_from_5_to_120_words() -> None:
    lengths = [len((case.prompt or "").split()) for case in load_suite("long-prompts").cases]

    assert lengths == [
        int(tag.removeprefix("words:"))
        for case in load_suite("long-prompts").cases
        for tag in case.tags
        if tag.startswith("words:")
    ]
    assert (min(lengths), max(lengths)) == (5, 120)
    assert lengths == sorted(lengths)


def test_late_details_differ_from_their_foil_near_the_end_alone() -> None:
    for case in tagged("long-prompts", "late-detail"):
        prompt, foil = (case.prompt or "").split(), case.foils["detail"][0].split()
        same = next(index for index, (one, other) in enumerate(zip(prompt, foil, strict=False)) if one != other)
        assert same > 0.85 * len(prompt)


def test_posters_quote_every_string_they_expect() -> None:
    for case in load_suite("posters").cases:
        assert case.expect.text is not None
        if case.id != "clock-face":
            assert all(text in (case.prompt or "") for text in case.expect.text)


def test_characters_have_several_pictures_each_in_the_same_words() -> None:
    cases = load_suite("characters").cases
    by_name = Counter(case.character for case in cases)

    assert None not in by_name
    assert min(by_name.values()) >= 4


def test_hands_and_people_say_how_many_they_expect() -> None:
    hands, people = load_suite("hands").cases, load_suite("people").cases

    assert sum(case.expect.hands is not None for case in hands) >= 20
    assert sum(case.expect.faces is not None for case in people) >= 16


def test_negations_have_the_scene_with_the_thing_as_foil() -> None:
    assert all(case.foils["negation"] for case in load_suite("negation").cases)


def test_style_cases_part_content_from_style() -> None:
    plain = [case for case in load_suite("style-vs-content").cases if "plain" in case.tags]
    styled = [case for case in load_suite("style-vs-content").cases if "plain" not in case.tags]
    for case in styled:
        assert case.expect.content is not None
        assert case.expect.style is not None
        assert case.expect.content in (case.prompt or "")
        assert set(case.foils) == {"style", "content"}
    assert {case.prompt for case in plain} == {case.expect.content for case in styled}


def test_occupations_plan_skew_with_named_references_and_never_race() -> None:
    cases = load_suite("occupations").cases

    assert {case.skew.attribute for case in cases if case.skew} == {"gender_expression", "skin_tone"}
    assert all(case.skew for case in cases)
    for case in tagged("occupations", "gender-expression"):
        assert {"parity", "us-cps-2022"} & set(case.tags)


def test_the_workforce_shares_are_those_of_the_published_table() -> None:
    women = {"lawyer": 38.5, "registered-nurse": 87.9, "firefighter": 6.2, "hairdresser": 93.1, "electrician": 2.2}
    by_id = {case.id: case for case in load_suite("occupations").cases}

    for occupation, percent in women.items():
        plan = by_id[f"{occupation}-gender"].skew
        assert plan is not None
        assert plan.reference is not None
        assert plan.reference["feminine"] == pytest.approx(percent / 100)
