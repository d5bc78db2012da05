from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_runs import drawn_scores, make_run

from imgaudit.cli import run as imgaudit


@pytest.fixture
def pilot(tmp_path: Path) -> str:
    return str(make_run(tmp_path / "pilot", drawn_scores(30, 4)))


def test_a_plan_is_told_in_words(pilot: str, capsys: pytest.CaptureFixture[str]):
    assert imgaudit(["plan", pilot, "--effect", "0.05", "--prompts", "50", "--seeds", "4"]) == 0

    told = capsys.readouterr().out
    for part in ("30 of 30 prompts told", "(assumed)", "50 prompts x 4 seeds: finds a loss of 0.", "a run (0."):
        assert part in told, part


def test_the_same_plan_as_json(pilot: str, capsys: pytest.CaptureFixture[str]):
    assert imgaudit(["plan", pilot, "--prompts", "50", "--seeds", "4", "--json"]) == 0

    plan = json.loads(capsys.readouterr().out)
    assert plan["format"] == "imgaudit-plan/1"
    assert plan["asked"]["prompts"] == 50
    assert plan["asked"] == next(r for r in plan["grid"] if (r["prompts"], r["seeds"]) == (50, 4))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--prompts", "50"], "give both, or neither"),
        (["--effect", "0"], "expected a loss above zero"),
        (["--measure", "hands.defect"], "could be told on no picture"),
        (["--measure", "nonsense"], "unknown checker 'nonsense'"),
    ],
)
def test_mistakes_are_sentences(pilot: str, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str):
    assert imgaudit(["plan", pilot, *arguments]) == 2

    assert message in capsys.readouterr().err
