from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from made_runs import Made, drawn_scores, make_run
from scipy import stats

from imgaudit.errors import RunError, UsageError
from imgaudit.pipeline import open_run
from imgaudit.plan import PROMPTS, SEEDS, Wish, plan, scores_by_case, seconds_per_picture

MATCH = "adherence.match"


@pytest.fixture
def pilot(tmp_path: Path) -> Path:
    return make_run(tmp_path / "pilot", drawn_scores(40, 6, within=0.08))


def test_the_parts_are_those_the_scores_were_drawn_with(pilot: Path):
    made = plan(open_run(pilot), Wish(MATCH))

    levels = np.random.default_rng(99).uniform(0.4, 0.9, 40)
    assert made.parts.within == pytest.approx(0.08, rel=0.1)
    assert made.parts.between == pytest.approx(float(levels.std(ddof=1)), rel=0.1)
    assert made.parts.interaction_from == "assumed"
    assert (made.pilot_prompts, made.pilot_cases, made.pilot_seeds, made.told) == (40, 40, 6.0, 1.0)


def test_a_second_run_measures_what_an_update_changes_on_single_prompts(pilot: Path, tmp_path: Path):
    changes = np.random.default_rng(5).normal(0, 0.06, 40)
    moved = {
        case: [min(1.0, max(0.0, score + change)) for score in scores]
        for (case, scores), change in zip(drawn_scores(40, 6, seed=2, within=0.08).items(), changes, strict=True)
    }
    other = make_run(tmp_path / "other", moved)

    made = plan(open_run(pilot), Wish(MATCH), open_run(other))

    assert made.parts.interaction_from == "two runs"
    assert made.parts.interaction == pytest.approx(float(changes.std(ddof=1)), rel=0.35)
    assert not any("assumed" in note for note in made.notes)


def test_more_prompts_and_more_seeds_find_smaller_losses(pilot: Path):
    made = plan(open_run(pilot), Wish(MATCH))

    found = np.array([[r.finds for r in made.grid if r.prompts == p] for p in PROMPTS], dtype=float)
    assert found.shape == (len(PROMPTS), len(SEEDS))
    assert (np.diff(found, axis=0) < 0).all()
    assert (np.diff(found, axis=1) < 0).all()


def test_a_planned_design_finds_the_loss_as_often_as_it_says(pilot: Path):
    wish = Wish(MATCH, effect=0.05)
    made = plan(open_run(pilot), wish)
    assert made.to_find is not None
    prompts, seeds = made.to_find.prompts, made.to_find.seeds
    random = np.random.default_rng(0)

    found = []
    for _ in range(2000):
        change = random.normal(-wish.effect, made.parts.interaction, prompts)
        luck = random.normal(0, made.parts.within * math.sqrt(2 / seeds), prompts)
        found.append(stats.ttest_1samp(change + luck, 0, alternative="less").pvalue < wish.alpha)

    assert 0.77 < float(np.mean(found)) < 0.88


def test_fewer_prompts_than_the_cheapest_design_do_not_reach_the_effect(pilot: Path):
    made = plan(open_run(pilot), Wish(MATCH, effect=0.05))
    assert made.to_find is not None
    fewer = plan(open_run(pilot), Wish(MATCH, effect=0.05), asked=(made.to_find.prompts - 1, made.to_find.seeds))

    assert fewer.asked is not None
    assert fewer.asked.finds is not None
    assert fewer.asked.finds > 0.05


def test_a_prompt_that_costs_more_than_its_picture_gets_more_seeds(pilot: Path):
    cheap, dear = (plan(open_run(pilot), Wish(MATCH, prompt_cost=cost)).to_find for cost in (0, 30))

    assert cheap is not None
    assert dear is not None
    assert cheap.seeds == 1
    assert dear.seeds > 1
    assert dear.prompts < cheap.prompts


def test_several_tests_together_need_more(pilot: Path):
    one, ten = (plan(open_run(pilot), Wish(MATCH, tests=number)).to_find for number in (1, 10))

    assert one is not None
    assert ten is not None
    assert ten.pictures > one.pictures


def test_time_is_that_of_the_pilot(pilot: Path, tmp_path: Path):
    gpu = make_run(tmp_path / "gpu", drawn_scores(40, 6), Made(device="cuda:0"))

    on_cpu, on_gpu = plan(open_run(pilot), Wish(MATCH)), plan(open_run(gpu), Wish(MATCH))

    assert on_cpu.seconds_per_picture == pytest.approx(100 / 240, abs=1e-4)
    assert on_cpu.to_find is not None
    assert on_cpu.to_find.hours == pytest.approx(on_cpu.to_find.pictures * 100 / 240 / 3600, abs=1e-3)
    assert on_cpu.to_find.gpu_hours is None
    assert on_gpu.to_find is not None
    assert on_gpu.to_find.gpu_hours == on_gpu.to_find.hours


@pytest.mark.parametrize("finished", [None, "2026-11-24T09:00:09+00:00", "soon"])
def test_time_that_the_pilot_cannot_tell_is_unknown(tmp_path: Path, finished: str | None):
    run = make_run(tmp_path / "run", drawn_scores(8, 2), Made(finished=finished))

    made = plan(open_run(run), Wish(MATCH))

    assert seconds_per_picture(open_run(run)) is None
    assert made.seconds_per_picture is None
    assert made.to_find is None or made.to_find.hours is None
    assert any("Time is unknown" in note for note in made.notes)


def test_prompts_that_could_not_be_told_are_allowed_for(tmp_path: Path):
    whole = drawn_scores(40, 4)
    half = {case: scores if i % 2 else [None] * 4 for i, (case, scores) in enumerate(whole.items())}
    made = plan(open_run(make_run(tmp_path / "half", half)), Wish(MATCH))
    told = plan(open_run(make_run(tmp_path / "told", {c: s for c, s in half.items() if s[0] is not None})), Wish(MATCH))

    assert made.told == 0.5
    assert made.to_find is not None
    assert told.to_find is not None
    assert made.to_find.prompts == 2 * told.to_find.prompts
    own = scores_by_case(open_run(tmp_path / "half").images, MATCH)
    assert own.keys() == {f"case-{number:03d}" for number in range(1, 40, 2)}


@pytest.mark.parametrize("scores", [{"a": [0.5, 0.6]}, {"a": [0.5], "b": [0.6]}, {"a": [None], "b": [None, None]}])
def test_a_pilot_that_shows_no_spread_is_refused(tmp_path: Path, scores: dict[str, list[float | None]]):
    run = open_run(make_run(tmp_path / "run", scores))

    with pytest.raises(RunError, match=r"adherence\.match"):
        plan(run, Wish(MATCH))


@pytest.mark.parametrize(
    ("measure", "message"),
    [("adherence.nonsense", "unknown measure"), ("nonsense.match", "unknown checker"), ("hands.count", "no direction")],
)
def test_a_measure_that_cannot_get_worse_is_refused(pilot: Path, measure: str, message: str):
    with pytest.raises(UsageError, match=message):
        plan(open_run(pilot), Wish(measure))


@pytest.mark.parametrize("wrong", [{"effect": 0}, {"effect": math.nan}, {"alpha": 1}, {"power": 0.2}, {"tests": 0}])
def test_a_wish_that_makes_no_sense_is_refused(wrong: dict[str, float]):
    with pytest.raises(UsageError):
        Wish(MATCH, **wrong)


def test_scores_that_never_vary_are_no_plan_for_free(tmp_path: Path):
    run = make_run(tmp_path / "run", {f"case-{i}": [0.5 + i / 100] * 3 for i in range(8)})

    made = plan(open_run(run), Wish(MATCH))

    assert any("did not vary at all" in note for note in made.notes)
