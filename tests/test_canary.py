from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_runs import drawn_scores, make_run
from PIL import Image

from imgaudit.canary import against_itself, redrawn
from imgaudit.engine.sources import SuiteSource
from imgaudit.errors import UsageError
from imgaudit.pipeline import Options, carry_out, open_run
from imgaudit.record import SuiteInfo
from imgaudit.rubric import load_rubric
from imgaudit.types import Case, Controls, Job, Refused, Rendered, Source

RUBRIC = load_rubric("publish")


class Painter:
    """Paints the seed as noise; `error` is added to every pixel that is drawn."""

    name, title = "painter", "painter"

    def __init__(self, error: int = 0, refuses: bool = False, size: int = 32, model: str = "painter") -> None:
        self.error, self.refuses, self.size, self.model = error, refuses, size, model

    def identity(self):
        return {"model": self.model}

    def render(self, jobs: Sequence[Job]) -> Iterator[Rendered | Refused]:
        for job in jobs:
            if self.refuses:
                yield Refused(job, "the model blanked it")
                continue
            pixels = np.random.default_rng(job.seed).integers(0, 200, (self.size, self.size, 3), np.uint8)
            pixels[:4] += np.uint8(self.error)
            yield Rendered(job, Image.fromarray(pixels), Source(generator="painter", seed=job.seed))


@pytest.fixture
def rendered(tmp_path: Path) -> Path:
    cases = [Case(id=name, prompt=f"a {name}", seed=7 if name == "two" else None) for name in ("one", "two", "three")]
    info = SuiteInfo(name="made", digest="0" * 64, cases=3, seeds=(0, 1))
    source = SuiteSource(info, cases, (0, 1), Controls(), "painter", Painter(), 2)
    carry_out(source, Options(tmp_path / "run", RUBRIC, ("quality",)))
    return tmp_path / "run"


def test_a_run_is_quiet_against_itself(tmp_path: Path):
    run = open_run(make_run(tmp_path / "run", drawn_scores(30, 8)))

    found = against_itself(run, RUBRIC)

    assert found.answer == "quiet"
    assert found.splits == 100
    assert found.high is not None
    assert found.regressed <= 12
    assert found == against_itself(run, RUBRIC)


def test_seeds_that_drift_are_found(tmp_path: Path):
    drifting = {case: [s - 0.15 * (i >= 4) for i, s in enumerate(v)] for case, v in drawn_scores(30, 8).items()}

    found = against_itself(open_run(make_run(tmp_path / "run", drifting)), RUBRIC)

    assert found.answer == "alarms"
    assert "early and late seeds differ" in found.why


def test_seeds_that_got_better_drift_too(tmp_path: Path):
    drifting = {case: [s + 0.15 * (i >= 4) for i, s in enumerate(v)] for case, v in drawn_scores(30, 8).items()}

    assert against_itself(open_run(make_run(tmp_path / "run", drifting)), RUBRIC).answer == "alarms"


def test_a_gate_that_alarms_too_often_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run = open_run(make_run(tmp_path / "run", drawn_scores(30, 8)))
    monkeypatch.setattr("imgaudit.canary.non_inferior", lambda gains, *_: "regressed" if gains.sum() < 0 else "pass")

    found = against_itself(run, RUBRIC)

    assert found.answer == "alarms"
    assert found.regressed > 30


@pytest.mark.slow
def test_the_rate_of_false_alarms_over_many_runs_is_the_stated_one(tmp_path: Path):
    alarms = [
        against_itself(open_run(make_run(tmp_path / str(n), drawn_scores(20, 4, seed=n))), RUBRIC, splits=20).answer
        for n in range(50)
    ]

    assert alarms.count("alarms") <= 7  # the drift test errs once in twenty: 7 of 50 or more has a chance of 1 %


@pytest.mark.parametrize(("prompts", "seeds"), [(30, 1), (5, 4), (1, 4)])
def test_too_few_seeds_or_prompts_are_not_quiet(tmp_path: Path, prompts: int, seeds: int):
    run = open_run(make_run(tmp_path / "run", drawn_scores(prompts, seeds)))

    assert against_itself(run, RUBRIC).answer == "not told"


def test_odd_seeds_and_abstentions_are_no_finding(tmp_path: Path):
    scores: dict[str, list[float | None]] = {c: [*v] for c, v in drawn_scores(30, 5).items()}
    for number, values in enumerate(scores.values()):
        values[number % 5] = None

    assert against_itself(open_run(make_run(tmp_path / "run", scores)), RUBRIC).answer == "quiet"


def test_a_rubric_without_regression_cannot_tell(tmp_path: Path):
    run = open_run(make_run(tmp_path / "run", drawn_scores(8, 2)))

    with pytest.raises(UsageError, match="has no section 'regression'"):
        against_itself(run, RUBRIC.model_copy(update={"regression": None}))


def test_the_same_pixels_are_equal(rendered: Path):
    found = redrawn(rendered, lambda spec: Painter(), pictures=6)

    assert found.answer == "equal"
    assert [p.id for p in found.pictures] == ["one#0", "one#1", "two#0", "two#1", "three#0", "three#1"]
    assert found.changed == ()


def test_pixels_that_differ_say_by_how_much(rendered: Path):
    found = redrawn(rendered, lambda spec: Painter(error=5))

    assert found.answer == "differs"
    first = found.pictures[0]
    assert (first.state, first.largest) == ("differs", 5)
    assert first.share == pytest.approx(4 / 32)
    assert first.mean == pytest.approx(5 * 4 / 32)


def test_another_size_and_another_model_are_named(rendered: Path):
    found = redrawn(rendered, lambda spec: Painter(size=16, model="other"))

    assert found.answer == "differs"
    assert "different sizes: 32x32 and 16x16" in found.pictures[0].why
    assert found.changed == ("model",)


def test_a_refusal_or_a_lost_picture_is_not_equal(rendered: Path):
    assert redrawn(rendered, lambda spec: Painter(refuses=True)).answer == "not told"

    (rendered / "pictures" / "one_0000.png").unlink()
    found = redrawn(rendered, lambda spec: Painter())

    assert found.answer == "not told"
    assert found.pictures[0].state == "missing"


def test_a_stored_picture_that_was_changed_is_not_compared(rendered: Path):
    Image.new("RGB", (32, 32)).save(rendered / "pictures" / "one_0000.png")

    found = redrawn(rendered, lambda spec: Painter())

    assert found.pictures[0].why == "the stored picture was changed since it was judged"
    assert found.answer == "not told"


def test_an_audit_cannot_be_drawn_again(rendered: Path):
    info = open_run(rendered).run
    (rendered / "run.json").write_text(info.model_copy(update={"kind": "audit"}).model_dump_json())

    with pytest.raises(UsageError, match="were audited, not rendered"):
        redrawn(rendered, lambda spec: Painter())


def test_strata_are_those_of_the_rubric(tmp_path: Path):
    made = make_run(tmp_path / "run", drawn_scores(16, 4))
    run = open_run(made)
    tagged = {name: case.model_copy(update={"tags": ("a" if i < 8 else "b",)}) for i, (name, case) in enumerate(
        sorted(run.cases.items()))}  # fmt: skip

    assert against_itself(replace(run, cases=tagged), RUBRIC, splits=20).answer == "quiet"
