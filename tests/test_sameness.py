"""Are the candidate's pictures more alike than the baseline's? Told over prompts, and nothing decides by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from compared import PUBLISH, Model, cases_of

from imgaudit.compare import compare
from imgaudit.compare.sameness import sameness
from imgaudit.comparison import ComparedRuns
from imgaudit.record import FinishedRun
from imgaudit.reporters._comparison import html, markdown
from imgaudit.types import GroupFinding

CASES = cases_of(20)
IDENTITY = {"clip": {"model": "embedded", "weights": "a" * 64}}


def with_groups(
    run: FinishedRun, scores: dict[str, float], luck: int = 0, space: str = "embedded", weights: str = "a" * 64
) -> FinishedRun:
    """The run with a finding on the diversity of each prompt."""
    random = np.random.default_rng(luck)
    groups = [
        GroupFinding(
            checker="diversity", version="1", group=name, outcome="measured", size=4, counted=4,
            measures={"score": round(score + random.normal(0, 0.01), 6), "layout": 0.5}, labels={"space": space},
            members=(f"{name}#0",),
        )
        for name, score in scores.items()
    ]  # fmt: skip
    groups.append(
        GroupFinding(checker="diversity", version="1", group="run", outcome="measured", size=4, counted=4,
                     measures={"score": 0.9}, labels={"space": space})
    )  # fmt: skip
    info = run.run.model_copy(update={"perceivers": {"clip": {"model": "embedded", "weights": weights}}})
    return replace(run, groups=groups, run=info)


def runs(shift: float, luck: int = 1, cases: int = 20) -> tuple[FinishedRun, FinishedRun]:
    level = {case.id: 0.2 + 0.01 * n for n, case in enumerate(CASES[:cases])}
    base = with_groups(Model().run(CASES), level)
    return base, with_groups(Model(luck=1).run(CASES), {name: v + shift for name, v in level.items()}, luck)


@pytest.mark.parametrize(
    ("shift", "answer"), [(-0.05, "more alike"), (0.05, "less alike"), (0.0, "not told")]
)
def test_a_change_beyond_chance_is_told_with_its_interval(shift: float, answer: str):
    content, layout = sameness(*runs(shift, luck=3))

    assert (content.view, content.answer) == ("content", answer)
    assert content.change == pytest.approx(-shift, abs=0.01)
    assert content.low is not None
    assert content.high is not None
    assert content.low < content.change < content.high
    assert content.base_mean == pytest.approx(1 - 0.295, abs=0.01)
    assert (layout.view, layout.answer) == ("layout", "not told")
    assert "same amount" in layout.why


def test_a_model_that_did_not_change_is_seldom_called_more_or_less_alike():
    answers = [next(sameness(*runs(0.0, luck))).answer for luck in range(2, 62)]

    assert answers.count("not told") >= 52


def test_too_few_prompts_give_no_interval_and_no_answer():
    content = next(sameness(*runs(-0.2, cases=5)))

    assert (content.answer, content.low, content.high) == ("not told", None, None)
    assert "at least 6" in content.why


def test_other_eyes_are_not_compared():
    base, candidate = runs(-0.05)
    other = with_groups(candidate, {case.id: 0.1 for case in CASES}, weights="b" * 64)
    spaced = with_groups(candidate, {case.id: 0.1 for case in CASES}, space="another model")

    for side in (other, spaced):
        assert [line.view for line in sameness(base, side)] == ["layout"]
    assert list(sameness(Model().run(CASES), Model().run(CASES))) == []


def test_it_stands_in_every_report_and_does_not_move_the_answer():
    base, candidate = runs(-0.05)

    with_it = compare(base, candidate, PUBLISH, flips=200)
    without = compare(replace(base, groups=[]), replace(candidate, groups=[]), PUBLISH, flips=200)

    assert (with_it.answer, with_it.exit_code, with_it.why) == (without.answer, without.exit_code, without.why)
    assert with_it.sameness[0].answer == "more alike"
    assert "sameness" not in without.model_dump_json()
    written = ComparedRuns(with_it, base, candidate)
    for page in (html.write(written).decode(), markdown.write(written).decode()):
        assert "more alike" in page
        assert "pictures more alike?" in page
    assert b"more alike?" not in markdown.write(ComparedRuns(without, base, candidate))


def test_a_gallery_of_one_side_alone_is_no_reason_to_refuse():
    base, candidate = runs(0.0)
    seen = [
        image.model_copy(
            update={"findings": (*image.findings, image.findings[0].model_copy(
                update={"checker": "memorisation", "by": {"gallery": "9" * 64}}))}
        )
        for image in candidate.images
    ]  # fmt: skip
    report = candidate.report.model_copy(update={"fingerprint": "another"})

    compare(base, replace(candidate, images=seen, report=report), PUBLISH, flips=200)
