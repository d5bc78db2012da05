from __future__ import annotations

import pytest

from imgaudit.checkers.adherence import EMBEDDED
from imgaudit.checkers.clipscore import ClipScores
from imgaudit.percepts import Match
from imgaudit.types import Abstained, Case, Failed, Measured, Percepts

MODEL = "ViT-B-32:openai"


def match(cosines: tuple[float, ...], **more: object) -> Match:
    facts = {"model": MODEL, "scale": 100.0, "truncated": (0,) * len(cosines), "knows": True, "weights": "0123456789ab"}
    return Match.model_validate({**facts, "cosines": cosines, **more})


def measured(case: Case, *sights: Match) -> Measured:
    asked = ClipScores().ask(case, Percepts())
    found = ClipScores().measure(case, Percepts(dict(zip(asked, sights, strict=False))))
    assert isinstance(found, Measured), found
    return found


CUP = Case(id="c", prompt="a red cup")


def test_the_prompt_is_asked_with_and_without_the_originals_prefix() -> None:
    [query] = ClipScores().ask(CUP, Percepts())

    assert query.parameters == {"texts": ["a red cup", "A photo depicts a red cup"]}


def test_each_score_has_its_own_formula_and_text() -> None:
    found = measured(CUP, match((0.31, 0.28)))

    assert found.measures["torchmetrics"] == pytest.approx(31.0)
    assert found.measures["original"] == pytest.approx(0.7)
    assert "no bias" in found.unmeasured["pair"] or "bias" in found.unmeasured["pair"]
    assert "references" not in {**found.measures, **found.unmeasured}


def test_each_label_says_backbone_weights_template_and_scale() -> None:
    found = measured(CUP, match((0.31, 0.28), bias=-10.0))

    assert found.labels["original"] == (
        'CLIPScore 2.5*max(cos,0) | ViT-B-32:openai | weights 0123456789ab | text "A photo depicts {prompt}" | 0..2.5'
    )
    assert found.labels["torchmetrics"].endswith('text "{prompt}" | 0..100')
    assert found.labels["pair"].startswith("sigmoid(100*cos-10) |")
    assert set(found.labels) <= set(ClipScores.labels)


def test_a_model_of_single_pairs_tells_its_own_probability() -> None:
    found = measured(CUP, match((0.11, 0.1), bias=-11.0, scale=100.0))

    assert found.measures["pair"] == pytest.approx(0.5)
    assert "pair" not in found.unmeasured


def test_references_are_compared_among_texts_with_the_prefix() -> None:
    case = CUP.model_copy(update={"references": ("a cup", "a mug that is red")})
    plain, among = ClipScores().ask(case, Percepts())

    assert among.parameters["texts"][0] == plain.parameters["texts"][1]
    assert among.parameters["between"] is True
    found = measured(case, match((0.3, 0.28)), match((0.28, 0.2, 0.2), between=(0.5, 0.9)))
    assert found.measures["references"] == pytest.approx(2 * 0.7 * 0.9 / 1.6)
    alone = measured(case, match((0.3, 0.28)))
    assert "references" in alone.unmeasured


def test_the_embedded_model_is_not_asked_with_words_that_it_does_not_know() -> None:
    case = CUP.model_copy(update={"references": ("a cup",)})

    found = measured(case, match((0.5, 0.4), model=EMBEDDED), match((0.4, 0.3), between=(0.5,)))

    assert {"original", "references", "pair"} <= set(found.unmeasured)
    assert set(found.measures) == {"torchmetrics", "truncated_tokens"}


def test_without_a_prompt_or_a_model_that_knows_it_abstains() -> None:
    assert ClipScores().ask(Case(id="c"), Percepts()) == []
    assert isinstance(ClipScores().measure(Case(id="c"), Percepts()), Abstained)
    [query] = ClipScores().ask(CUP, Percepts())
    for sight in (Abstained("no model"), Failed("broken")):
        assert ClipScores().measure(CUP, Percepts({query: sight})) == sight
    stranger = match((0.1, 0.1), knows=False, why_not="not of its world")
    assert isinstance(ClipScores().measure(CUP, Percepts({query: stranger})), Abstained)


def test_everything_that_is_measured_is_declared() -> None:
    case = CUP.model_copy(update={"references": ("a cup",)})
    found = measured(case, match((0.3, 0.28), bias=-1.0), match((0.28, 0.2), between=(0.5,)))

    assert set(found.measures) == {measure.name for measure in ClipScores.measures}
