from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from made_runs import Made, make_run

from imgaudit.errors import RunError, UsageError
from imgaudit.kernels.sequential import rounds_sequence
from imgaudit.rubric import load_rubric
from imgaudit.sequential import STATE, Followed, Sequential, bound_of, follow

RUBRIC = load_rubric("publish")
MATCH = follow(RUBRIC, ("adherence.match",))
PROMPTS = 40


class Studio:
    """Draws made-up scores: a level a prompt, luck a seed; the candidate is `shift` better."""

    def __init__(self, shift: float = 0.0, untold: int = 0, luck: float = 0.08, by: str = "clip-1") -> None:
        self.shift, self.untold, self.luck, self.by = shift, untold, luck, by
        self.drawn: list[tuple[str, int]] = []

    def __call__(self, side: str, seed: int, place: Path) -> None:
        if (place / "report.json").is_file():
            return
        self.drawn.append((side, seed))
        random = np.random.default_rng([seed, side == "candidate"])
        levels = np.random.default_rng(7).uniform(0.4, 0.8, PROMPTS)
        values = levels + random.normal(0, self.luck, PROMPTS) + (self.shift if side == "candidate" else 0)
        scores: dict[str, list[float | None]] = {
            f"case-{i:03d}": [None if side == "candidate" and i < self.untold else float(np.clip(v, 0, 1))]
            for i, v in enumerate(values)
        }
        make_run(place, scores, Made(first_seed=seed, paint=int(side == "candidate"), by=self.by))


def sequence(folder: Path, studio: Studio, **request: object) -> Sequential:
    return Sequential(folder, {"suite": "made", **request}, MATCH, 0.05, studio)  # type: ignore[dict-item]


def test_a_worse_candidate_is_found_and_then_nothing_more_is_drawn(tmp_path: Path):
    studio = Studio(shift=-0.25)
    trial = sequence(tmp_path / "s", studio).run(20)

    assert trial.answer == "regressed"
    assert len(trial.rounds) < 20
    assert studio.drawn[:3] == [("baseline", 0), ("candidate", 0), ("baseline", 1)]
    again = Studio(shift=-0.25)
    assert sequence(tmp_path / "s", again).run(40) == trial
    assert again.drawn == []


def test_a_candidate_that_did_not_change_passes_in_the_end(tmp_path: Path):
    trial = sequence(tmp_path / "s", Studio()).run(40)

    assert trial.answer == "pass"
    assert trial.rounds[-1].bounds[0].low > -0.05


def test_it_is_inconclusive_until_decided_and_goes_on_from_there(tmp_path: Path):
    first = Studio()
    early = sequence(tmp_path / "s", first).run(2)
    second = Studio()
    later = sequence(tmp_path / "s", second).run(4)

    assert early.answer == "inconclusive"
    assert early.exit_code == 4
    assert later.rounds[:2] == early.rounds
    assert [seed for _, seed in second.drawn] == [2, 2, 3, 3]


def test_an_interruption_changes_nothing(tmp_path: Path):
    class Stopped(Studio):
        def __call__(self, side: str, seed: int, place: Path) -> None:
            if (side, seed) == ("candidate", 1):
                raise KeyboardInterrupt
            super().__call__(side, seed, place)

    with pytest.raises(KeyboardInterrupt):
        sequence(tmp_path / "cut", Stopped()).run(2)

    assert sequence(tmp_path / "cut", Studio()).run(2) == sequence(tmp_path / "whole", Studio()).run(2)


@pytest.mark.parametrize("side", ["baseline", "candidate"])
def test_a_seed_that_was_seen_cannot_be_dropped_or_drawn_again(tmp_path: Path, side: str):
    folder = tmp_path / "s"
    sequence(folder, Studio()).run(3)
    shutil.rmtree(folder / side / "seed-0001")
    studio = Studio(shift=0.1)

    with pytest.raises(RunError, match=r"seed-0001: this seed was seen and is missing; earlier seeds stay in"):
        sequence(folder, studio).run(5)
    assert studio.drawn == []

    Studio(luck=0.2)(side, 1, folder / side / "seed-0001")
    with pytest.raises(RunError, match="seed-0001: this seed was seen and was changed"):
        sequence(folder, Studio()).run(5)


def test_a_sequence_is_not_begun_anew_in_its_folder(tmp_path: Path):
    folder = tmp_path / "s"
    sequence(folder, Studio()).run(2)
    (folder / STATE).unlink()

    with pytest.raises(RunError, match=r"holds files and no sequential\.json"):
        sequence(folder, Studio()).run(2)


def test_a_seed_cannot_be_taken_out_of_the_state(tmp_path: Path):
    folder = tmp_path / "s"
    sequence(folder, Studio()).run(3)
    state = json.loads((folder / STATE).read_text())
    del state["rounds"][1]
    (folder / STATE).write_text(json.dumps(state))

    with pytest.raises(RunError, match="seeds out of order"):
        sequence(folder, Studio()).run(5)


def test_another_request_is_refused_in_the_same_folder(tmp_path: Path):
    sequence(tmp_path / "s", Studio()).run(1)

    with pytest.raises(RunError, match="another request"):
        sequence(tmp_path / "s", Studio(), generator="embedded@3").run(2)


def test_other_scorers_on_the_way_are_refused(tmp_path: Path):
    sequence(tmp_path / "s", Studio()).run(1)

    with pytest.raises(RunError, match="scored differently: perceiver clip"):
        sequence(tmp_path / "s", Studio(by="clip-2")).run(2)


def test_abstaining_never_helps(tmp_path: Path):
    told = sequence(tmp_path / "told", Studio()).run(3).rounds[-1].bounds[0]
    half = sequence(tmp_path / "half", Studio(untold=20)).run(3)

    bound = half.rounds[-1].bounds[0]
    assert half.answer == "inconclusive"
    assert bound.missing == 3 * 20
    assert bound.low < told.low
    assert bound.high > told.high


@pytest.mark.parametrize("measure", ["text.cer", "provenance.ai_disclosed", "adherence.cosine"])
def test_only_what_the_rubric_gates_is_followed(measure: str):
    with pytest.raises(UsageError, match="sets no margin for it"):
        follow(RUBRIC, (measure,))


def test_a_measure_without_limits_is_refused():
    regression = RUBRIC.regression
    assert regression is not None
    primary = regression.primaries[0].model_copy(update={"measure": "text.cer"})
    rubric = RUBRIC.model_copy(update={"regression": regression.model_copy(update={"primaries": (primary,)})})

    with pytest.raises(UsageError, match="has no limits"):
        follow(rubric, ("text.cer",))


def simulated(shift: float, runs: int, rounds: int = 10, prompts: int = 30) -> dict[str, float]:
    """Share of sequences that ever gave each answer; every round is looked at."""
    followed = Followed(measure="adherence.match", better="up", margin=0.05, least=0.0, reach=1.0)
    random = np.random.default_rng(3)
    ever = {"pass": 0, "regressed": 0}
    for _ in range(runs):
        effects = random.normal(0, 0.1, prompts)
        effects += shift - effects.mean()
        gains = np.clip(effects + random.normal(0, 0.25, (rounds, prompts)), -1, 1)
        told = np.ones_like(gains, dtype=bool)
        seen = {bound_of(followed, gains[:n], told[:n], 0.05).answer for n in range(1, rounds + 1)}
        for answer in ever:
            ever[answer] += answer in seen
    return {answer: count / runs for answer, count in ever.items()}


def test_looking_after_every_round_errs_no_more_often_than_stated():
    unchanged, at_the_margin = simulated(0.0, 300), simulated(-0.05, 300)

    assert unchanged["regressed"] <= 0.05
    assert at_the_margin["pass"] <= 0.05


def test_it_decides_when_there_is_something_to_decide():
    assert simulated(-0.2, 100)["regressed"] > 0.9


def rounds_needed(prompts: int, shift: float) -> int:
    """Median number of rounds until a sequence with the spread that the page names is decided."""
    random = np.random.default_rng(0)
    needed = []
    for _ in range(60):
        effects = random.normal(0, 0.054, prompts)
        effects += shift - effects.mean()
        gains = np.clip(effects + random.normal(0, 0.09 * 2**0.5, (32, prompts)), -1, 1)
        lower, upper = rounds_sequence(gains, -1, 1, 0.05)
        decided = (lower > -0.05) | (upper < 0)
        needed.append(int(decided.argmax()) + 1 if decided.any() else 33)
    return int(np.median(needed))


def test_the_page_says_how_many_rounds_it_takes():
    page = (Path(__file__).parent.parent / "docs" / "regression.md").read_text()

    for prompts in (14, 35, 100, 200):
        rounds = [rounds_needed(prompts, shift) for shift in (0.0, -0.1, -0.2)]
        assert f"| {prompts} | {' | '.join(map(str, rounds))} |" in page


@pytest.mark.slow
def test_two_embedded_models_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    from imgaudit.cli import run as imgaudit

    arguments = ["sequential", "shapes", "--tags", "relation", "--limit", "3", "--baseline-generator", "embedded@2",
                 "--generator", "embedded@1", "--out", str(tmp_path / "s"), "--max-seeds", "2", "--json"]  # fmt: skip
    code = imgaudit(arguments)
    trial = json.loads(capsys.readouterr().out)

    assert code in (1, 4)
    assert [seen["seed"] for seen in trial["rounds"]] == list(range(len(trial["rounds"])))
    assert (tmp_path / "s" / "candidate" / "seed-0000" / "report.json").is_file()
    assert imgaudit(arguments) == code
    assert json.loads(capsys.readouterr().out) == trial
