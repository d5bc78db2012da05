from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imgaudit.compare import compare
from imgaudit.compare.family import decide
from imgaudit.compare.movers import moved
from imgaudit.compare.pairing import pair, read_scores
from imgaudit.comparison import Answer, Comparison
from imgaudit.comparison import Tested as Line
from imgaudit.errors import ConfigError, RunError, UsageError
from imgaudit.kernels.inference import FEWEST
from imgaudit.record import FinishedRun
from imgaudit.rubric import Primary, Regression, Rubric, load_rubric, packaged_rubrics
from imgaudit.types import Case, Extend, Finding, InputFile, InputMask
from tests.compared import PUBLISH, Model, abstained, cases_of, measured, only, picture, run_of

FLIPS = 2_000
CASES = cases_of(40)


def compared(base: FinishedRun, candidate: FinishedRun, rubric: Rubric = PUBLISH) -> Comparison:
    return compare(base, candidate, rubric, flips=FLIPS)


def line_of(comparison: Comparison, measure: str, stratum: str = "all") -> Line:
    return next(t for t in comparison.tests if (t.measure, t.stratum) == (measure, stratum))


def scored(values: dict[str, list[float]], tags: dict[str, tuple[str, ...]] | None = None) -> FinishedRun:
    """A run whose adherence.match is exactly this, by case and seed."""
    cases = [Case(id=name, prompt=f"a {name}", tags=(tags or {}).get(name, ())) for name in values]
    images = [
        picture(case, seed, [measured("adherence", match=value)], PUBLISH)
        for case in cases
        for seed, value in enumerate(values[case.id])
    ]
    return run_of(images, cases, PUBLISH)


# --- the answer ------------------------------------------------------------------------------------------------------


def test_an_unchanged_model_with_other_seeds_passes():
    comparison = compared(Model(1).run(CASES), Model(2).run(CASES, first_seed=100))

    assert (comparison.answer, comparison.exit_code) == (Answer.PASS, 0)
    assert {t.stratum for t in comparison.tests if t.gates} == {"all", "relation", "single"}
    assert "hands.defect" in " ".join(comparison.why)  # named as not compared
    assert comparison.regressed_strata == ()


def test_a_loss_in_one_stratum_is_named_and_no_other():
    comparison = compared(Model(1).run(CASES), Model(2, loss={"relation": 0.15}).run(CASES))

    assert (comparison.answer, comparison.exit_code) == (Answer.REGRESSED, 1)
    assert comparison.regressed_strata == ("relation",)
    assert line_of(comparison, "adherence.match", "single").answer is Answer.PASS
    assert any("because of relation alone" in sentence for sentence in comparison.why)


def test_a_loss_everywhere_is_not_blamed_on_one_stratum():
    comparison = compared(Model(1).run(CASES), Model(2, loss={"relation": 0.3, "single": 0.1}).run(CASES))

    assert comparison.regressed_strata == ("relation", "single")
    assert not any("because of relation alone" in sentence for sentence in comparison.why)


def test_what_cannot_be_decided_is_inconclusive_and_says_what_would_settle_it():
    cases = cases_of(12, ())
    comparison = compared(Model(1, noise=0.3).run(cases, 1), Model(2, noise=0.3).run(cases, 1))

    line = line_of(comparison, "adherence.match")
    assert (comparison.answer, comparison.exit_code) == (Answer.INCONCLUSIVE, 4)
    assert line.answer is Answer.INCONCLUSIVE
    assert "prompts like these" in line.why
    assert line.detectable is not None
    assert line.detectable > 0.05


def test_a_candidate_that_abstains_more_regresses_whatever_it_scores():
    comparison = compared(Model(1).run(CASES), Model(2, abstains=0.4).run(CASES))

    line = next(a for a in comparison.abstentions if a.measure == "adherence.match")
    assert comparison.answer is Answer.REGRESSED
    assert line.answer is Answer.REGRESSED
    assert line.candidate_told < line.base_told == line.base_of
    assert all(t.answer is not Answer.REGRESSED for t in comparison.tests)


def test_a_candidate_that_will_not_draw_a_prompt_could_tell_less():
    refused = tuple(case.id for case in CASES[:16])
    comparison = compared(Model(1).run(CASES), Model(2, refuses=refused).run(CASES))

    line = next(a for a in comparison.abstentions if a.measure == "adherence.match")
    assert line.answer is Answer.REGRESSED
    assert (line.candidate_told, line.candidate_of) == (96, 160)
    assert comparison.deleted_cases == ()
    assert "64 of the candidate" in " ".join(comparison.why)


def test_a_rule_of_zero_tolerance_needs_one_picture():
    comparison = compared(Model(1).run(CASES), Model(2, broken=1).run(CASES))

    line = comparison.zero_tolerance[0]
    assert comparison.answer is Answer.REGRESSED
    assert (line.rule, line.fired, line.of, line.base_fired) == ("provenance.c2pa-invalid", 1, 160, 0)
    assert comparison.why[0].startswith("regressed: provenance.c2pa-invalid")


def test_no_firing_is_a_bound_and_no_proof():
    line = compared(Model(1).run(CASES), Model(2).run(CASES)).zero_tolerance[0]

    assert line.answer is Answer.PASS
    assert line.upper == pytest.approx(1 - 0.05 ** (1 / 160), abs=1e-6)


# --- never a pass without evidence -----------------------------------------------------------------------------------


def test_one_prompt_never_passes():
    run = scored({"one": [0.8, 0.9, 0.7]})

    comparison = compared(run, scored({"one": [0.9, 0.9, 0.9]}))

    assert comparison.answer is Answer.INCONCLUSIVE
    assert line_of(comparison, "adherence.match").estimate.low is None
    assert compared(run, run).answer is Answer.INCONCLUSIVE


def test_a_run_against_itself_passes_with_enough_prompts_only():
    few, enough = ({f"c{n}": [0.5 + n / 100] for n in range(count)} for count in (5, 6))

    assert compared(scored(few), scored(few)).answer is Answer.INCONCLUSIVE
    same = compared(scored(enough), scored(enough))
    assert same.answer is Answer.PASS
    assert "the same record" in line_of(same, "adherence.match").why


def test_the_same_small_loss_on_every_prompt_is_no_pass():
    names = [f"c{n}" for n in range(8)]
    base, candidate = scored({n: [0.8] for n in names}), scored({n: [0.79] for n in names})

    line = line_of(compared(base, candidate), "adherence.match")

    assert line.answer is Answer.INCONCLUSIVE
    assert "spread of zero" in line.why


def test_the_same_loss_on_every_prompt_regresses():
    names = [f"c{n}" for n in range(12)]

    comparison = compared(scored({n: [0.8] for n in names}), scored({n: [0.6] for n in names}))

    assert line_of(comparison, "adherence.match").answer is Answer.REGRESSED


def test_a_primary_that_all_abstained_on_is_not_compared_and_nothing_passes():
    images = [picture(case, 0, [abstained("adherence")], PUBLISH) for case in CASES]
    run = run_of(images, CASES, PUBLISH)

    comparison = compared(run, run)

    assert comparison.answer is Answer.INCONCLUSIVE
    assert comparison.tests == ()
    assert "no primary measure" in comparison.why[0]


@pytest.mark.parametrize(("lost", "answer"), [("candidate", Answer.REGRESSED), ("base", Answer.INCONCLUSIVE)])
def test_a_primary_that_one_side_alone_could_tell_is_a_finding(lost: str, answer: Answer):
    told = Model(1).run(CASES)
    silent = Model(2, abstains=1.0).run(CASES)

    comparison = compared(told, silent) if lost == "candidate" else compared(silent, told)

    assert comparison.answer is answer
    assert line_of(comparison, "adherence.match").answer is Answer.INCONCLUSIVE
    assert line_of(comparison, "adherence.match").estimate is None


def test_a_stratum_of_few_prompts_is_reported_and_does_not_decide():
    cases = [*cases_of(40, ("single",)), *(Case(id=f"rare{n}", prompt="rare", tags=("rare",)) for n in range(5))]
    comparison = compared(Model(1).run(cases), Model(2, loss={"rare": 0.2}).run(cases))

    line = line_of(comparison, "adherence.match", "rare")
    assert not line.gates
    assert line.answer is Answer.INCONCLUSIVE
    assert line.estimate.gain < -0.1
    assert "rare" not in comparison.regressed_strata
    assert any("too few prompts" in sentence and "rare" in sentence for sentence in comparison.why)


@pytest.mark.parametrize("seed", range(40))
def test_nothing_passes_that_may_have_lost_more_than_the_margin(seed: int):
    random = np.random.default_rng(seed)
    gains = random.normal(-0.05, 0.1, int(random.integers(1, 40)))
    primary = Primary(measure="adherence.match", margin=0.05, least=0.02, because="x" * 10)

    answer = decide(gains, primary, 1.0, PUBLISH.regression)

    half = 1.96 * gains.std() / np.sqrt(len(gains))
    assert answer is not Answer.PASS or gains.mean() - half > -0.05


# --- what may be compared --------------------------------------------------------------------------------------------


def test_new_and_deleted_cases_are_named_and_the_common_ones_compared():
    base, candidate = Model(1).run(CASES[:36]), Model(2).run(CASES[4:])

    comparison = compared(base, candidate)

    assert comparison.prompts == 32
    assert comparison.deleted_cases == tuple(case.id for case in CASES[:4])
    assert comparison.new_cases == tuple(case.id for case in CASES[36:])
    outcomes = {(c.case, c.outcome) for c in comparison.cells if c.measure == "adherence.match"}
    assert ("case-0000", "deleted") in outcomes
    assert ("case-0039", "new") in outcomes


def test_runs_without_a_common_case_are_refused():
    with pytest.raises(RunError, match="no case in common"):
        compared(Model(1).run(CASES[:10]), Model(2).run(CASES[10:20]))


def test_other_checkers_are_refused_and_named():
    images = [picture(case, 0, [measured("adherence", match=0.5)], PUBLISH) for case in CASES]
    base = run_of(images, CASES, PUBLISH, checkers={"adherence": "1"})
    candidate = run_of(images, CASES, PUBLISH, checkers={"adherence": "2", "quality": "1"})

    named = r"checker adherence was 1 and is 2.*quality is in the candidate only.*--rescore"
    with pytest.raises(RunError, match=named):
        compared(base, candidate)


def test_other_eyes_are_refused_and_named():
    other = [
        picture(case, 0, [measured("adherence", match=0.5).model_copy(update={"by": {"eye": "2" * 8}})], PUBLISH)
        for case in CASES
    ]
    candidate = run_of(other, CASES, PUBLISH)
    changed = candidate.run.model_copy(update={"perceivers": {"eye": {"version": "2"}}})

    with pytest.raises(RunError, match=r"perceiver eye is another one \(version: 1 and 2\)"):
        compared(Model(1).run(CASES), replace(candidate, run=changed))


def test_a_perceiver_that_one_side_had_no_reason_to_ask_is_no_other_scorer():
    def finding(by: dict[str, str]) -> Finding:
        return measured("adherence", match=0.5).model_copy(update={"by": by})

    base = run_of([picture(c, 0, [finding({"eye": "1"})], PUBLISH) for c in CASES], CASES, PUBLISH)
    more = [picture(c, 0, [finding({"eye": "1", "reader": "1"})], PUBLISH) for c in CASES]
    candidate = run_of(more, CASES, PUBLISH)

    assert base.report.fingerprint != candidate.report.fingerprint
    assert compared(base, candidate).prompts == len(CASES)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"prompt": "something else"}, "another prompt"), ({"foils": {"count": ("two",)}}, "other foils")],
)
def test_one_name_for_two_questions_is_refused(change: dict[str, object], said: str):
    changed = [CASES[0].model_copy(update=change), *CASES[1:]]

    with pytest.raises(RunError, match=f"'case-0000' has {said}"):
        compared(Model(1).run(CASES), Model(2).run(changed))


@pytest.mark.parametrize("other", [
    {"image": InputFile(file="a.png", sha256="2" * 64)}, {"image": None}, {"mask": InputMask(box=(0, 0, 8, 9))},
    {"extend": Extend(left=8)},
])  # fmt: skip
def test_a_case_that_starts_from_another_picture_or_place_is_refused(other: dict[str, object]):
    start = {"image": InputFile(file="a.png", sha256="1" * 64), "mask": InputMask(box=(0, 0, 8, 8))}
    given = [case.model_copy(update=start) for case in CASES]
    moved = [case.model_copy(update={"image": InputFile(file="b.png", sha256="1" * 64)}) for case in given]
    changed = [given[0].model_copy(update=other), *given[1:]]

    assert compared(Model(1).run(given), Model(2).run(moved)).prompts == len(CASES)
    with pytest.raises(RunError, match="'case-0000' has another picture to start from, or another place in it"):
        compared(Model(1).run(given), Model(2).run(changed))


def test_runs_whose_commands_gave_another_picture_are_refused_and_runs_made_of_other_runs_are_not():
    def run(number: int, **inputs: str) -> FinishedRun:
        made = Model(number).run(CASES)
        return replace(made, run=made.run.model_copy(update={"request": {"inputs": inputs} if inputs else {}}))

    with pytest.raises(RunError, match="given another --image to start from"):
        compared(run(1, image="1" * 64), run(2, image="2" * 64))
    for one, other in (({"image": "1"}, {"image": "1"}), ({"from": "1"}, {"from": "2"}), ({}, {"image": "1"})):
        assert compared(run(1, **one), run(2, **other)).prompts == len(CASES)


def test_a_rubric_without_the_section_compares_nothing():
    run = Model(1).run(CASES)

    with pytest.raises(UsageError, match="does not say how runs are compared"):
        compare(run, run, PUBLISH.model_copy(update={"regression": None}))


def test_runs_of_another_rubric_are_judged_by_the_one_that_compares():
    strict = load_rubric("strict")
    base, candidate = Model(1).run(CASES), Model(2).run(CASES, rubric=strict)

    comparison = compared(base, candidate)

    assert candidate.report.counts != comparison.candidate.counts
    assert comparison.candidate.counts == Model(2).run(CASES).report.counts


# --- order, numbers, lists -------------------------------------------------------------------------------------------


def test_the_order_of_pictures_changes_no_byte():
    base, candidate = Model(1).run(CASES), Model(2, loss={"relation": 0.1}, abstains=0.1).run(CASES)
    random = np.random.default_rng(5)
    shuffled = [
        replace(run, images=[run.images[i] for i in random.permutation(len(run.images))]) for run in (base, candidate)
    ]

    assert compared(*shuffled).model_dump_json() == compared(base, candidate).model_dump_json()


def test_the_estimate_is_the_paired_t_interval_of_prompt_means():
    from scipy import stats

    random = np.random.default_rng(3)
    base = {f"c{n:02d}": random.uniform(0.2, 0.8, 3).round(6).tolist() for n in range(15)}
    candidate = {name: random.uniform(0.2, 0.8, 5).round(6).tolist() for name in base}

    own = line_of(compared(scored(base), scored(candidate)), "adherence.match")

    before, after = ([np.mean(side[name]) for name in sorted(base)] for side in (base, candidate))
    reference = stats.ttest_rel(after, before, alternative="less")
    low, high = stats.ttest_rel(after, before).confidence_interval(0.95)
    assert own.estimate.gain == pytest.approx(np.mean(after) - np.mean(before), abs=1e-6)
    assert (own.estimate.low, own.estimate.high) == pytest.approx((low, high), abs=1e-6)
    assert own.p_t == pytest.approx(reference.pvalue, abs=1e-6)


def test_a_measure_that_should_fall_gains_when_it_falls():
    def run(level: float) -> FinishedRun:
        random = np.random.default_rng(round(level * 100))
        images = [
            picture(case, 0, [measured("quality", blur=level + random.uniform(0, 0.02))], PUBLISH) for case in CASES
        ]
        return run_of(images, CASES, PUBLISH)

    better, worse = compared(run(0.4), run(0.2)), compared(run(0.2), run(0.4))

    assert line_of(better, "quality.blur").estimate.gain == pytest.approx(0.2, abs=0.01)
    assert (better.answer, worse.answer) == (Answer.PASS, Answer.REGRESSED)


def test_verdicts_are_paired_by_seed_and_the_rest_in_order():
    base = scored({"a": [0.9, 0.9], "b": [0.9]})
    candidate = only(scored({"a": [0.9, 0.1, 0.1], "b": [0.1, 0.9]}), lambda image: image.id != "a#0")

    flips = compared(base, candidate).flips

    counts = {(one, other): n for one, row in flips.table.items() for other, n in row.items() if n}
    assert sum(counts.values()) == 3  # a#1 with a#1, a#0 with a#2, b#0 with b#0
    assert flips.worse == 3
    assert flips.better == 0


def test_a_large_change_that_rests_on_luck_is_shrunk_and_called_flaky():
    random = np.random.default_rng(0)
    base = {f"c{n:02d}": random.normal(0.5, 0.2, 2).clip(0, 1).round(6).tolist() for n in range(30)}
    candidate = {name: random.normal(0.5, 0.2, 2).clip(0, 1).round(6).tolist() for name in base}
    candidate["c07"], base["c07"] = [0.0, 0.0], [1.0, 1.0]

    comparison = compared(scored(base), scored(candidate))

    worst = comparison.movers[0]
    assert worst.case == "c07"
    assert not worst.flaky
    assert worst.base == ("c07#0", "c07#1")
    assert all(abs(m.shrunk) <= abs(m.gain) + 0.1 for m in comparison.movers)
    assert any(cell.flaky for cell in comparison.cells)
    lost = {cell.case for cell in comparison.cells if cell.outcome == "lost"}
    assert "c07" in lost
    assert len(lost) < sum(cell.gain is not None and cell.gain < -0.05 for cell in comparison.cells)


def test_without_second_seeds_nothing_stands_out():
    base, candidate = Model(1).run(CASES, 1), Model(2).run(CASES, 1)
    measures = ("adherence.match",)
    scores = [read_scores(run, PUBLISH, measures, ()) for run in (base, candidate)]

    own = moved(pair(*scores, measures, base.cases, True), 0, PUBLISH.regression.primaries[0])

    assert np.ptp(own.shrunk) < 1e-9


def test_holm_is_a_choice():
    regression = PUBLISH.regression.model_copy(update={"multiplicity": "holm", "strata": "none"})
    rubric = PUBLISH.model_copy(update={"regression": regression})

    comparison = compared(Model(1).run(CASES), Model(2).run(CASES), rubric)

    assert comparison.multiplicity.startswith("holm over 6 tests")  # three measures, and how often each was told
    assert {t.stratum for t in comparison.tests} == {"all"}


# --- the rubric's section --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", packaged_rubrics())
def test_every_packaged_rubric_defends_every_margin(name: str):
    regression = load_rubric(name).regression

    assert len(regression.because) > 20
    for part in (*regression.primaries, regression.abstentions, regression.verdicts):
        assert len(part.because) > 20


def test_the_fewest_prompts_of_a_rubric_are_those_of_the_tests():
    assert Regression.model_fields["min_prompts"].default == FEWEST


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("measure: adherence.worst_clause", "measure: adherence.nonsense", "unknown measure 'adherence.nonsense'"),
        ("measure: adherence.worst_clause", "measure: adherence.match", "adherence.match stands twice"),
        ("measure: adherence.worst_clause", "measure: duplicates.share", "measured over the set"),
        ("measure: adherence.worst_clause", "measure: hands.count", "neither better nor worse"),
        ("zero_tolerance: [provenance", "zero_tolerance: [prov", "unknown rule 'prov.c2pa-invalid'"),
        ("least: 0.02", "least: 0.2", "least is 0.2, above the margin"),
        ("min_prompts: 6", "min_prompts: 2", "greater than or equal to 6"),
        ("  multiplicity:", "  multiplicty:", "did you mean 'multiplicity'"),
    ],
)
def test_a_wrong_section_is_refused_with_its_line(old: str, new: str, said: str, tmp_path: Path):
    text = (Path(__file__).parent.parent / "rubrics" / "publish.yaml").read_text()
    assert old in text
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(old, new, 1))

    with pytest.raises(ConfigError, match=rf"mine.yaml:\d+: .*{said}"):
        load_rubric(str(path))
