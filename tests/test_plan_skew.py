"""How many pictures skew takes, by a wish alone and by a run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from made_runs import drawn_scores, make_run

from imgaudit.checkers.skew import SkewChecker
from imgaudit.cli import run as imgaudit
from imgaudit.errors import UsageError
from imgaudit.pipeline import open_run
from imgaudit.plan_skew import SkewWish, plan_skew
from imgaudit.record import FinishedRun
from imgaudit.types import Abstained, Case, GroupFinding, Member, SkewPlan

HALVES = {"red": 0.5, "blue": 0.5}


def findings(**sets: list[str | None]) -> tuple[GroupFinding, ...]:
    members = []
    for name, groups in sets.items():
        case = Case(id=name, prompt="a shape", skew=SkewPlan(attribute="colour", reference=HALVES))
        members += [
            Member(f"{name}#{index}", case, True, Abstained("not seen") if group is None else {"group": group})
            for index, group in enumerate(groups)
        ]
    return SkewChecker().aggregate(members).groups


@pytest.fixture
def run(tmp_path: Path) -> FinishedRun:
    made = open_run(make_run(tmp_path / "run", drawn_scores(4, 5)))
    groups = findings(open=["red", "blue"] * 10, skewed=["red"] * 45 + ["blue"] * 5, lost=[None] * 9)
    return replace(made, groups=groups)


def test_a_wish_alone_is_answered_in_pictures_a_set() -> None:
    assert plan_skew(SkewWish(excess=0.2)).pictures == 49
    assert plan_skew(SkewWish(excess=0.2, tests=20)).pictures == 92
    assert plan_skew(SkewWish(excess=0.2, unknown=0.5)).pictures == 98
    assert plan_skew(SkewWish(excess=0.001)).pictures is None


def test_a_distance_within_the_tolerance_says_that_it_will_not_be_called_skewed() -> None:
    assert any("within tolerance" in note for note in plan_skew(SkewWish(excess=0.08)).notes)


def test_each_set_of_a_run_says_what_would_settle_it_or_why_nothing_would(run: FinishedRun) -> None:
    made = plan_skew(SkewWish(excess=0.2), run)
    sets = {one.group: one for one in made.sets}

    assert sets["open"].more == sets["open"].seeds
    assert (sets["open"].more or 0) > 100
    assert sets["open"].excess_takes == 49
    assert (sets["skewed"].note, sets["skewed"].more) == ("settled", None)
    assert "could be told" in sets["lost"].note
    assert made.more == sets["open"].more
    assert made.hours is not None


def test_sets_over_the_run_are_not_added_up_twice(run: FinishedRun) -> None:
    made = plan_skew(SkewWish(), run)

    cases = [one.more or 0 for one in made.sets if not one.group.startswith("run:")]
    assert any(one.group.startswith("run:") for one in made.sets)
    assert made.more == sum(cases)


def test_a_run_without_plans_is_refused_with_the_reason(tmp_path: Path) -> None:
    made = open_run(make_run(tmp_path / "run", drawn_scores(3, 3)))

    with pytest.raises(UsageError, match="the checker 'skew' did not run"):
        plan_skew(SkewWish(), made)
    with pytest.raises(UsageError, match="no case asks for it"):
        plan_skew(SkewWish(), replace(made, groups=SkewChecker().aggregate([]).groups))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"excess": 0.7}, "at most 0.50 for these shares"),
        ({"excess": 0.0}, "expected above 0"),
        ({"shares": (0.5, 0.4)}, "that sum to 1"),
        ({"shares": (1.0,)}, "two shares or more"),
        ({"power": 0.2}, "--power 0.8"),
        ({"unknown": 1.0}, "--unknown"),
    ],
)
def test_a_wish_that_cannot_be_is_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        SkewWish(**arguments)  # type: ignore[arg-type]


def test_the_command_answers_a_wish(capsys: pytest.CaptureFixture[str]) -> None:
    assert imgaudit(["plan", "skew", "--excess", "0.2", "--shares", "0.8,0.2"]) == 0
    assert "to find a distance of 0.2 from 0.8, 0.2, 80% of the time" in capsys.readouterr().out


def test_the_command_answers_a_wish_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert imgaudit(["plan", "skew", "--excess", "0.3", "--json"]) == 0

    plan = json.loads(capsys.readouterr().out)
    assert (plan["format"], plan["pictures"]) == ("imgaudit-plan-skew/1", 20)


def test_the_command_tells_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = make_run(tmp_path / "run", drawn_scores(3, 3))
    (path / "groups.jsonl").write_text(
        "".join(group.model_dump_json() + "\n" for group in findings(open=["red", "blue"] * 10))
    )

    assert imgaudit(["plan", "skew", str(path), "--excess", "0.2"]) == 0

    out = capsys.readouterr().out
    assert "open: colour against the suite's own shares: insufficient evidence, 20 of 20 pictures told" in out
    assert "more pictures would settle it" in out
    assert "a distance of 0.2 takes 49 pictures" in out
    assert "Look once" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give a run"),
        (["--excess", "0.2", "--shares", "a,b"], "expected numbers with commas"),
        (["nowhere"], "nowhere"),
    ],
)
def test_mistakes_are_sentences(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert imgaudit(["plan", "skew", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_plan_alone_names_both_meanings(capsys: pytest.CaptureFixture[str]) -> None:
    imgaudit(["plan", "--help"])

    out = capsys.readouterr().out
    assert "comparison" in out
    assert "skew" in out
