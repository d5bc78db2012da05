from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgaudit.checkers.adherence import EMBEDDED, Adherence, _piece_plans, packaged, plan, unrelated
from imgaudit.embedded import world
from imgaudit.engine.inline import Checks, InlineEngine
from imgaudit.engine.perceiving import PerceiverPool, Planner, Subject
from imgaudit.kernels.match import compare
from imgaudit.perceivers.clip import Clip
from imgaudit.percepts import Match
from imgaudit.types import (
    Abstained,
    Case,
    Clause,
    Expect,
    ExpectedObject,
    Failed,
    Look,
    Measured,
    Outcome,
    Percepts,
    Picture,
)
from tests.oracle.open_clip_weights import save
from tests.oracle.weights import SMALL

CLIP = "ViT-B-32:laion2b_s34b_b79k"
SCALE = 100.0
PROMPT = "two red cups left of a large blue plate"


def outcome(
    case: Case,
    cosines: Mapping[str, float],
    model: str = CLIP,
    truncated: Mapping[str, int] | None = None,
    knows: bool = True,
) -> Outcome:
    """What the checker makes of a picture whose cosine with each text is given; 0 where it is not."""
    checker, percepts = Adherence(), Percepts()
    for _ in range(3):
        for query in checker.ask(case, percepts):
            texts = query.parameters["texts"]
            sight = Match(
                model=model,
                cosines=tuple(cosines.get(text, 0.0) for text in texts),
                scale=SCALE,
                truncated=tuple((truncated or {}).get(text, 0) for text in texts),
                knows=knows,
                why_not=None if knows else "not of its world",
                weights="0123456789ab",
            )
            percepts = percepts.merged({query: sight})
    return checker.measure(case, percepts)


def measured(case: Case, cosines: Mapping[str, float], model: str = CLIP, **more: object) -> Measured:
    found = outcome(case, cosines, model, **more)  # type: ignore[arg-type]
    assert isinstance(found, Measured), found
    return found


def test_without_a_prompt_nothing_is_asked_and_nothing_is_measured() -> None:
    for prompt in (None, "", "  "):
        case = Case(id="c", prompt=prompt)

        assert Adherence().ask(case, Percepts()) == []
        found = Adherence().measure(case, Percepts())
        assert isinstance(found, Abstained)
        assert found.reason == "no prompt"


def test_every_text_is_asked_once_and_the_same_case_asks_the_same() -> None:
    case = Case(id="c", prompt=PROMPT, foils={"colour": (PROMPT, "two blue cups", "two blue cups")})

    [query] = Adherence().ask(case, Percepts())
    texts = query.parameters["texts"]

    assert texts[0] == PROMPT
    assert len(set(texts)) == len(texts)
    assert [query] == list(Adherence().ask(case, Percepts()))


def test_the_score_is_the_kernels() -> None:
    case = Case(id="c", prompt="a red cup", foils={"colour": ("a blue cup", "a green cup")})
    cosines = {"a red cup": 0.30, "a blue cup": 0.27, "a green cup": 0.29, "a cat asleep on a sofa": 0.2}
    anchors = [cosines.get(text, 0.0) for text in unrelated("anchors.txt", "a red cup")]

    found = measured(case, cosines)
    expected = compare(0.30, {"colour": [0.27, 0.29], "object": [0.0, 0.0, 0.0]}, anchors, SCALE)

    assert expected is not None
    assert found.measures["match"] == pytest.approx(expected.match)
    assert found.measures["worst_clause"] == found.measures["clause_colour"] == expected.worst
    assert found.measures["clause_object"] == expected.kinds["object"]
    assert found.measures["cosine"] == 0.30
    assert (found.measures["foils"], found.measures["anchors"]) == (5, len(anchors))
    assert found.codes == ()


def test_a_picture_of_something_else_does_not_match_although_its_foil_fits_worse() -> None:
    case = Case(id="c", prompt="a red dog", foils={"colour": ("a blue dog",)})

    found = measured(case, {"a red dog": 0.22, "a blue dog": 0.20, "a cat asleep on a sofa": 0.30})

    assert found.measures["match"] < 0.1
    assert found.labels["worst_kind"] == "absent"
    assert {"adherence.mismatch", "adherence.clause"} <= set(found.codes)


def test_one_wrong_clause_is_named_though_the_prompt_matches_on_the_whole() -> None:
    foils = {"colour": ("a blue cup",), "shape": ("a red plate",), "size": ("a small red cup",)}
    case = Case(id="c", prompt="a red cup", foils=foils)

    found = measured(case, {"a red cup": 0.30, "a blue cup": 0.33})

    assert found.measures["match"] > 0.5
    assert found.labels["worst_kind"] == "colour"
    assert found.codes == ("adherence.clause",)


def test_clip_is_not_asked_to_count_place_bind_or_negate() -> None:
    found = measured(Case(id="c", prompt=PROMPT), {PROMPT: 0.3})

    assert {"clause_count", "clause_relation"} <= set(found.unmeasured)
    assert not {"clause_count", "clause_relation"} & set(found.measures)
    assert {"clause_colour", "clause_size"} <= set(found.measures)


def test_a_foil_that_clip_cannot_judge_does_not_move_its_score() -> None:
    case = Case(id="c", prompt="two red cups", foils={"count": ("four red cups",), "colour": ("two blue cups",)})

    fair = measured(case, {"two red cups": 0.3, "two blue cups": 0.27})
    misled = measured(case, {"two red cups": 0.3, "two blue cups": 0.27, "four red cups": 0.4})

    assert fair.measures == misled.measures


def test_the_embedded_model_is_asked_about_every_kind_against_shapes() -> None:
    prompt = "two red circles"
    case = Case(id="c", prompt=prompt)

    found = measured(case, {prompt: 0.5, "three red circles": 0.6}, model=EMBEDDED)

    assert found.measures["clause_count"] < 0.5
    assert found.unmeasured == {}
    assert found.labels["worst_kind"] == "count"
    assert found.measures["anchors"] == len(unrelated("anchors-shapes.txt", prompt))


def test_a_picture_that_the_model_does_not_know_is_abstained_with_a_remedy() -> None:
    found = outcome(Case(id="c", prompt="a red circle"), {"a red circle": 0.9}, model=EMBEDDED, knows=False)

    assert isinstance(found, Abstained)
    assert found.reason == "not of its world"
    assert "--clip hf-hub:" in (found.remedy or "")


def test_an_abstention_and_a_failure_of_clip_are_passed_on() -> None:
    case = Case(id="c", prompt="a red cup")
    [query] = Adherence().ask(case, Percepts())

    for sight in (Abstained("no model", "get it"), Failed("broken")):
        assert Adherence().measure(case, Percepts({query: sight})) == sight


def test_an_answer_of_the_wrong_length_is_a_failure() -> None:
    case = Case(id="c", prompt="a red cup")
    [query] = Adherence().ask(case, Percepts())
    sight = Match(model=CLIP, cosines=(0.1,), scale=1, truncated=(0,), knows=True)

    assert isinstance(Adherence().measure(case, Percepts({query: sight})), Failed)


LONG = "a red cup on a large round table in the old kitchen, a small dog under it, and two blue chairs beside the wall"


def test_a_prompt_beyond_the_window_is_read_in_pieces_and_that_is_recorded() -> None:
    case = Case(id="c", prompt=LONG)
    plans = _piece_plans(case, plan(case))  # type: ignore[arg-type]
    cosines = {piece.prompt: 0.3 for piece in plans}

    found = measured(case, cosines, truncated={LONG: 9})

    assert " ".join(piece.prompt for piece in plans) == LONG
    assert found.measures["pieces"] == len(plans) > 2
    assert (found.measures["beyond_window"], found.measures["truncated_tokens"]) == (9, 0)
    assert "adherence.in_pieces" in found.codes
    assert "adherence.truncated" not in found.codes
    assert "pieces" in found.message
    assert found.measures["match"] > 0.99


def test_match_of_pieces_is_their_mean_by_words_and_the_worst_clause_is_the_lowest_piece() -> None:
    case = Case(id="c", prompt=LONG)
    plans = _piece_plans(case, plan(case))  # type: ignore[arg-type]
    wrong = next(piece for piece in plans if "dog" in piece.prompt)
    cosines = {piece.prompt: 0.3 for piece in plans if piece is not wrong} | {
        wrong.foils["object"][0]: 0.4,
        wrong.prompt: 0.2,
    }

    found = measured(case, cosines, truncated={LONG: 9})

    lost = len(wrong.prompt.split()) / len(LONG.split())
    kinds = set(wrong.foils) - {"count", "relation", "binding", "negation"}
    assert kinds == {"size", "object"}
    assert found.measures["match"] == pytest.approx(1 - lost / 2, abs=1e-3)
    assert found.measures["worst_clause"] < 0.01
    assert found.measures["clause_object"] == found.measures["worst_clause"]
    assert found.labels["worst_piece"] == wrong.prompt
    assert found.labels["worst_kind"] == "object"


def test_a_piece_that_still_does_not_fit_is_counted_as_never_judged() -> None:
    prompt = " ".join(f"Dampfschiff{number}" for number in range(30))
    case = Case(id="c", prompt=prompt, lang="de")
    plans = _piece_plans(case, plan(case))  # type: ignore[arg-type]

    found = measured(case, {}, truncated={prompt: 80, plans[0].prompt: 7})

    assert (found.measures["beyond_window"], found.measures["truncated_tokens"]) == (80, 7)
    assert {"adherence.truncated", "adherence.in_pieces"} <= set(found.codes)


def test_a_short_prompt_that_does_not_fit_a_small_window_is_cut_all_the_same() -> None:
    case = Case(id="c", prompt="a red cup on a blue table and a hat")

    found = measured(case, {}, truncated={case.prompt or "": 3})

    assert found.measures["pieces"] > 1


def test_what_the_suite_says_of_a_long_prompt_counts_as_one_piece_more_as_far_as_it_is_read() -> None:
    mood, beyond = f"{LONG}, gloomy", f"{LONG}, at night"
    case = Case(id="c", prompt=LONG, foils={"mood": (mood,), "hour": (beyond,)})
    cosines = {LONG: 0.2, mood: 0.1, beyond: 0.2}

    found = measured(case, cosines, truncated=dict.fromkeys((LONG, mood, beyond), 9))

    assert found.labels["other_kinds"] == "mood 1.000"
    assert "window" in found.unmeasured["clause_hour"]


def test_a_prompt_that_fits_is_asked_once() -> None:
    case = Case(id="c", prompt="a red cup")
    [query] = Adherence().ask(case, Percepts())
    texts = query.parameters["texts"]
    sight = Match(model=CLIP, cosines=(0.1,) * len(texts), scale=1, truncated=(0,) * len(texts), knows=True)

    assert list(Adherence().ask(case, Percepts({query: sight}))) == [query]
    assert measured(case, {}).measures["pieces"] == 1


def test_the_metrics_name_says_backbone_weights_template_and_scale() -> None:
    name = measured(Case(id="c", prompt="a red cup"), {}).labels["metric"]

    for part in (CLIP, "weights 0123456789ab", 'text "{prompt}"', "0..1, logit scale 100"):
        assert part in name


def test_a_style_clause_stands_for_the_style_that_a_suite_does_not_name() -> None:
    clause = Clause(id="s", kind="style", text="it is a woodcut print", value="woodcut print")
    case = Case(id="c", prompt="a kettle as a woodcut print", clauses=(clause,))

    found = measured(case, {"woodcut print": 0.3})

    assert found.measures["style_match"] > 0.9
    assert "content_match" not in {*found.measures, *found.unmeasured}


def test_equal_cosines_of_a_prompt_that_was_read_whole_are_a_tie() -> None:
    case = Case(id="c", prompt="a red cup", foils={"colour": ("a blue cup",)})

    found = measured(case, {"a red cup": 0.3, "a blue cup": 0.3})

    assert found.measures["clause_colour"] == pytest.approx(0.5, abs=1e-6)


def test_expected_objects_are_left_to_a_detector() -> None:
    case = Case(id="c", prompt="a red cup", expect=Expect(objects=(ExpectedObject(name="cup"),)))

    assert measured(case, {"a red cup": 0.3}).unmeasured["objects"].startswith("told by the check 'objects'")
    assert "objects" not in measured(Case(id="c", prompt="a red cup"), {"a red cup": 0.3}).unmeasured


def test_content_and_style_are_told_apart() -> None:
    expect = Expect(content="a kettle", style="in the style of a woodcut print")
    case = Case(id="c", prompt="a kettle in the style of a woodcut print", expect=expect)
    style_takes_over = {"in the style of a woodcut print": 0.3, "a kettle": 0.05, "a plate of fried eggs": 0.1}

    found = measured(case, style_takes_over)

    assert found.measures["style_match"] > 0.9
    assert found.measures["content_match"] < 0.5
    plain = measured(Case(id="c", prompt="a kettle"), {"a kettle": 0.3})
    assert not {"style_match", "content_match"} & {*plain.measures, *plain.unmeasured}


def test_styles_are_not_asked_of_the_embedded_model() -> None:
    expect = Expect(content="a red circle", style="in oil")
    case = Case(id="c", prompt="a red circle in oil", expect=expect)

    found = measured(case, {case.prompt or "": 0.3}, model=EMBEDDED)

    assert {"style_match", "content_match"} <= set(found.unmeasured)


def test_a_prompt_that_no_text_can_be_set_against_is_abstained() -> None:
    prompt = "a shape"

    assert unrelated("anchors-shapes.txt", prompt) == ()
    assert isinstance(outcome(Case(id="c", prompt=prompt), {prompt: 0.3}, model=EMBEDDED), Abstained)


def test_a_prompt_in_another_language_gets_the_suites_foils_alone() -> None:
    german = Case(id="c", prompt="a red cup", lang="de", foils={"shape": ("a plate",)})

    wanted = plan(german)

    assert wanted is not None
    assert dict(wanted.foils) == {"shape": ("a plate",)}


def test_kinds_of_the_suites_own_are_scored_and_named() -> None:
    case = Case(id="c", prompt="a portrait", foils={"mood": ("a sad portrait",)})

    found = measured(case, {"a portrait": 0.3})

    assert found.labels["other_kinds"].startswith("mood 1.000")


def test_packaged_anchors_are_enough_varied_and_left_out_when_related() -> None:
    for name in ("anchors.txt", "anchors-shapes.txt", "styles.txt"):
        texts = [text for text, _ in packaged(name)]
        assert len(texts) == len(set(texts)) >= 16
    assert "a cat asleep on a sofa" not in unrelated("anchors.txt", "three Kittens")
    assert "a cat asleep on a sofa" in unrelated("anchors.txt", "a red car")
    assert set(unrelated("anchors-shapes.txt", "a red circle")) == {
        text for text, _ in packaged("anchors-shapes.txt") if "red" not in text and "circle" not in text
    }


def test_everything_that_is_measured_is_declared() -> None:
    expect = Expect(content="a kettle", style="in oil", objects=(ExpectedObject(name="kettle"),))
    prompt = "two large red cups left of three small blue plates with a spoon"
    case = Case(id="c", prompt=prompt, expect=expect, foils={"background": ("x",), "shape": ("y",), "mood": ("z",)})
    declared = {measure.name for measure in Adherence.measures}

    for model in (CLIP, EMBEDDED):
        found = measured(case, {}, model=model, truncated={prompt: 3})
        assert set(found.measures) <= declared
        assert set(found.labels) <= set(Adherence.labels)
        assert set(found.codes) <= set(Adherence.codes)
        assert not set(found.measures) & set(found.unmeasured)


# --- with the packaged model: what the design promises ---------------------------------------------------------------


def test_a_yellow_star_does_not_score_high_on_a_red_circle_against_a_blue_circle() -> None:
    """The cat of the design: a picture of neither is nearer to one of the two by chance, and must not pass for it."""
    for seed in range(6):
        wrong, right = _shown("a yellow star", seed), _shown("a red circle", seed)

        for prompt, foil in (("a red circle", "a blue circle"), ("a blue circle", "a red circle")):
            case = Case(id="c", prompt=prompt, foils={"colour": (foil,)})
            assert _seen(case, wrong).measures["match"] < 0.5
        assert _seen(Case(id="c", prompt="a red circle"), right).measures["match"] > 0.9


def test_the_number_of_foils_hardly_moves_the_score_of_the_packaged_model() -> None:
    colours = ("blue", "green", "yellow", "orange", "purple", "cyan", "pink")
    for shown, high in (("a red circle", True), ("a yellow star", False)):
        picture = _shown(shown, 3)
        foils = [tuple(f"a {colour} circle" for colour in colours[:number]) for number in (1, 3, 7)]
        cases = [Case(id="c", prompt="a red circle", foils={"colour": some}) for some in foils]
        scores = [_seen(case, picture).measures["match"] for case in cases]
        assert max(scores) - min(scores) < 0.02
        assert all((score > 0.9) == high for score in scores)


def _shown(caption: str, seed: int) -> Picture:
    scene = world.parse(caption)
    assert scene is not None
    rgb = world.draw(world.place(scene, np.random.default_rng(seed)))
    return Picture(caption, b"", caption, rgb, f"{caption} {seed}", "RGB", "PNG")


@cache
def _clip() -> Clip:
    return Clip()


def _seen(case: Case, picture: Picture) -> Measured:
    [query] = Adherence().ask(case, Percepts())
    [sight] = _clip().perceive([Look(picture, query)])
    found = Adherence().measure(case, Percepts({query: sight}))
    assert isinstance(found, Measured), found
    return found


# --- with random weights of a real CLIP, its real tokenizer and its window of 77 tokens ------------------------------


def test_a_long_prompt_goes_through_the_engine_and_every_word_of_it_is_read(tmp_path: Path) -> None:
    folder = save(SMALL, tmp_path / "clip")
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (80, 90, 3), dtype=np.uint8))
    image.save(tmp_path / "a.png")
    prompt = "A red cup on a large round table, a small brown dog under it. " * 8 + "A wooden door stands open."
    subject = Subject(
        id="a", path="a.png", data=(tmp_path / "a.png").read_bytes(), case=Case(id="c", prompt=prompt), generated=True
    )
    engine = InlineEngine(Checks((Adherence(),), ()), Planner(PerceiverPool({"clip": str(folder)}), None))

    [audited] = engine.audit([subject])

    [finding] = [finding for finding in audited.findings if finding.checker == "adherence"]
    assert finding.outcome == "measured"
    assert finding.measures["beyond_window"] > 40
    assert finding.measures["truncated_tokens"] == 0
    assert finding.measures["pieces"] >= 9
    assert {"clause_colour", "clause_size", "clause_object", "clause_attribute"} <= set(finding.measures)
    assert "clip" in finding.by
