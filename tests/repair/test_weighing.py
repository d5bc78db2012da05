"""Whether a changed picture is better, from findings alone."""

from __future__ import annotations

from typing import Any

import pytest

from imgaudit.repair.tasks import Aim, aims_of
from imgaudit.repair.weighing import INFORMS, MARGIN, Weighed, scale_of, tolerances, weigh
from imgaudit.rubric import Primary, Rubric, load_rubric
from imgaudit.types import Decision, Finding, Region


def finding(checker: str, measures: dict[str, float] | None = None, **more: Any) -> Finding:
    return Finding(checker=checker, version="1", outcome="measured", measures=measures or {}, **more)


def abstained(checker: str) -> Finding:
    return Finding(checker=checker, version="1", outcome="abstained", reason="nothing is found")


@pytest.fixture(scope="module")
def rubric() -> Rubric:
    return load_rubric("publish")


HANDS = finding("hands", {"defect": 0.9, "count": 2, "worst_jitter": 3.0}, codes=("hands.malformed",),
                regions=(Region(label="left hand", box=(1, 2, 30, 40)),))  # fmt: skip
DISCLOSED = finding("provenance", {"ai_disclosed": 1.0})
FINE = (finding("text", {"contrast": 9.0}), finding("quality", {"blur": 0.1, "noise": 0.2}), DISCLOSED)


def compared(rubric: Rubric, before: tuple[Finding, ...], *after: Finding, exempt: tuple[str, ...] = ()) -> Weighed:
    return weigh(before, after, aims_of(before, rubric), rubric, exempt)


def test_a_rule_that_no_longer_fires_is_fixed_and_its_picture_publishes(rubric: Rubric) -> None:
    found = compared(rubric, (HANDS, *FINE), finding("hands", {"defect": 0.2, "count": 2}), *FINE)

    assert found.good
    assert found.verdict == Decision.PUBLISH
    assert min(found.gain) > 0


def test_the_aim_says_what_to_do_and_where(rubric: Rubric) -> None:
    aims = aims_of((HANDS, *FINE), rubric)

    assert [(aim.rule.id, aim.method) for aim in aims] == [("hands.malformed", "inpaint")]
    assert aims[0].instruction == "Redraw the left hand; keep the pose and what it holds."
    assert aims[0].regions == HANDS.regions


def test_a_rule_that_still_fires_is_not_fixed(rubric: Rubric) -> None:
    found = compared(rubric, (HANDS, *FINE), finding("hands", {"defect": 0.6, "count": 2}), *FINE)

    assert not found.fixed
    assert "hands.malformed still fires" in found.why


FAILED = Finding(checker="hands", version="1", outcome="failed")


@pytest.mark.parametrize("gone", [abstained("hands"), finding("hands", {"count": 1}), FAILED])
def test_a_fault_that_can_no_longer_be_told_is_not_repaired(rubric: Rubric, gone: Finding) -> None:
    assert not compared(rubric, (HANDS, *FINE), gone, *FINE).fixed


def test_a_check_that_can_no_longer_tell_is_a_harm(rubric: Rubric) -> None:
    fixed = finding("hands", {"defect": 0.1})
    found = compared(rubric, (HANDS, *FINE), fixed, FINE[0], abstained("quality"), DISCLOSED)

    assert found.fixed
    assert "check:quality" in found.harmed


def test_a_measure_that_became_unmeasured_is_a_harm_and_one_that_no_longer_applies_is_none(rubric: Rubric) -> None:
    fixed = finding("hands", {"defect": 0.1})
    untold = finding("quality", {"noise": 0.2}, unmeasured={"blur": "no edge"})

    assert "quality.blur" in compared(rubric, (HANDS, *FINE), fixed, FINE[0], untold, DISCLOSED).harmed
    assert compared(rubric, (HANDS, *FINE), fixed, finding("text", {}), *FINE[1:]).harmed == ()


def test_a_check_that_the_rubric_only_makes_notes_of_may_fall_silent(rubric: Rubric) -> None:
    fixed, told = finding("hands", {"defect": 0.1}), finding("anatomy", {"defect": 0.1})

    assert compared(rubric, (HANDS, *FINE, told), fixed, *FINE, abstained("anatomy")).good


def test_of_a_measure_that_the_rubric_does_not_decide_by_it_is_no_loss_that_it_cannot_be_told(rubric: Rubric) -> None:
    fixed = finding("hands", {"defect": 0.1})
    ratio = finding("quality", {"blur": 0.1, "noise": 0.2, "megapixels": 1.0})
    untold = finding("quality", {"blur": 0.1, "noise": 0.2}, unmeasured={"megapixels": "a test says so"})

    assert compared(rubric, (HANDS, FINE[0], ratio, DISCLOSED), fixed, FINE[0], untold, DISCLOSED).good


@pytest.mark.parametrize(("name", "margin"), [("blocking", MARGIN), ("noise", INFORMS)])
def test_a_loss_within_the_margin_is_none_and_beyond_it_is_a_harm(rubric: Rubric, name: str, margin: float) -> None:
    fixed = finding("hands", {"defect": 0.1})
    start = 0.24
    within, beyond = (finding("quality", {"blur": 0.1, name: start + loss}) for loss in (margin, margin + 0.001))
    before = (HANDS, FINE[0], finding("quality", {"blur": 0.1, name: start}), DISCLOSED)

    assert compared(rubric, before, fixed, FINE[0], within, DISCLOSED).good
    assert compared(rubric, before, fixed, FINE[0], beyond, DISCLOSED).harmed == (f"quality.{name}",)


def test_units_say_where_their_scale_ends() -> None:
    assert scale_of("share 0..1") == (0, 1)
    assert scale_of("0..100") == (0, 100)
    assert scale_of("probability") == (0, 1)
    assert scale_of("degrees") is None


def test_a_fault_that_neither_picture_has_did_not_become_worse(rubric: Rubric) -> None:
    fixed = finding("hands", {"defect": 0.1})
    still_sharp, softer = (finding("quality", {"blur": blur, "noise": 0.2}) for blur in (0.24, 0.26))

    assert compared(rubric, (HANDS, *FINE), fixed, FINE[0], still_sharp, DISCLOSED).good
    assert compared(rubric, (HANDS, *FINE), fixed, FINE[0], softer, DISCLOSED).harmed == ("quality.blur",)


def test_the_rubrics_own_margin_goes_before_the_common_one(rubric: Rubric) -> None:
    fixed = finding("hands", {"defect": 0.1})
    clause = {"match": 0.9, "worst_clause": 0.9}
    before = (HANDS, *FINE, finding("adherence", clause))
    lower = finding("adherence", {"match": 0.9, "worst_clause": 0.81})

    assert tolerances(rubric)["adherence.worst_clause"] == 0.1
    assert tolerances(rubric)["informs"] == INFORMS
    assert compared(rubric, before, fixed, *FINE, lower).good


def test_a_margin_that_the_rubric_states_counts_on_a_scale_without_an_end_too(rubric: Rubric) -> None:
    assert rubric.regression is not None
    stated = Primary(measure="faces.worst_jitter", margin=1.0, least=0.5, because="a test wants this very one")
    own = rubric.model_copy(update={"regression": rubric.regression.model_copy(update={"primaries": (stated,)})})
    calm, within, beyond = (finding("faces", {"defect": 0.1, "worst_jitter": value}) for value in (1.0, 2.0, 2.1))
    fixed = finding("hands", {"defect": 0.1})

    assert compared(own, (HANDS, *FINE, calm), fixed, *FINE, within).good
    assert compared(own, (HANDS, *FINE, calm), fixed, *FINE, beyond).harmed == ("faces.worst_jitter",)


def test_a_rule_that_newly_fires_is_a_harm_though_it_only_makes_a_note(rubric: Rubric) -> None:
    fixed = finding("hands", {"defect": 0.1})
    edge = finding("quality", {"blur": 0.1, "noise": 0.49})
    noisy = finding("quality", {"blur": 0.1, "noise": 0.5})
    found = compared(rubric, (HANDS, FINE[0], DISCLOSED, edge), fixed, FINE[0], DISCLOSED, noisy)

    assert found.harmed == ("rule:quality.noise",)
    assert found.verdict == Decision.PUBLISH


def test_scales_without_an_end_and_a_checks_own_certainty_are_not_compared(rubric: Rubric) -> None:
    faces = finding("faces", {"defect": 0.1, "worst_jitter": 1.0})
    restless = finding("faces", {"defect": 0.1, "worst_jitter": 9.0})
    sure, unsure = (finding("perspective", {"confidence": value}) for value in (0.9, 0.1))
    fixed = finding("hands", {"defect": 0.1})

    assert compared(rubric, (HANDS, *FINE, faces, sure), fixed, *FINE, restless, unsure).good


def test_counts_of_what_could_not_be_told_may_not_rise(rubric: Rubric) -> None:
    fixed, hidden = finding("hands", {"defect": 0.1, "unjudged": 0}), finding("hands", {"defect": 0.1, "unjudged": 1})
    before = (finding("hands", {"defect": 0.9, "unjudged": 0}), *FINE)

    assert compared(rubric, before, fixed, *FINE).good
    assert compared(rubric, before, hidden, *FINE).harmed == ("hands.unjudged",)


def test_what_a_method_changes_on_purpose_is_exempt(rubric: Rubric) -> None:
    sized = finding("quality", {"blur": 0.1, "noise": 0.2, "megapixels": 1.0})
    smaller = finding("quality", {"blur": 0.1, "noise": 0.2, "megapixels": 0.8})
    before, after = (HANDS, FINE[0], sized), (finding("hands", {"defect": 0.1}), FINE[0], smaller)

    assert compared(rubric, before, *after).harmed == ("quality.megapixels",)
    assert compared(rubric, before, *after, exempt=("quality.megapixels",)).good


def test_among_good_ones_the_better_measures_rank_first_also_where_they_were_not_told_before(rubric: Rubric) -> None:
    fixed = finding("hands", {"defect": 0.1})
    better, worse = (
        compared(rubric, (HANDS, *FINE, abstained("adherence")), fixed, *FINE,
                 finding("adherence", {"match": match, "worst_clause": match}))
        for match in (0.95, 0.7)
    )  # fmt: skip

    assert better.good
    assert worse.good
    assert better.rank < worse.rank


def test_the_check_that_fired_ranks_before_all_the_others(rubric: Rubric) -> None:
    plain, grainy = (finding("quality", {"blur": 0.1, "noise": noise}) for noise in (0.0, 0.2))
    surer = compared(rubric, (HANDS, *FINE), finding("hands", {"defect": 0.05}), FINE[0], grainy, DISCLOSED)
    cleaner = compared(rubric, (HANDS, *FINE), finding("hands", {"defect": 0.3}), FINE[0], plain, DISCLOSED)

    assert surer.good
    assert cleaner.good
    assert surer.rank < cleaner.rank


def test_a_rule_that_rejects_is_an_aim_too(rubric: Rubric) -> None:
    findings = (finding("adherence", {"match": 0.2, "worst_clause": 0.1}), *FINE)
    aims: tuple[Aim, ...] = aims_of(findings, rubric)

    assert [(aim.rule.id, aim.method) for aim in aims] == [("adherence.mismatch", None)]


def test_only_the_places_of_the_code_are_to_be_worked_on(rubric: Rubric) -> None:
    extra, again = (Region(label=label, box=(0, 0, 9, 9)) for label in ("extra: HI", "again: SALE"))
    text = finding("text", {"similarity": 1.0}, codes=("text.duplicated",), regions=(extra, again))

    assert aims_of((text, FINE[1]), rubric)[0].regions == (again,)
