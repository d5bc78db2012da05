from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_runs import Made, drawn_scores, make_run

from imgaudit.cli import run as imgaudit


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "run", drawn_scores(12, 4))
    return tmp_path


def test_a_baseline_from_proposal_to_retirement(here: Path, capsys: pytest.CaptureFixture[str]):
    assert imgaudit(["baseline", "propose", "run", "--name", "shapes-v1"]) == 0
    assert "not approved; a person does so with: imgaudit baseline approve shapes-v1" in capsys.readouterr().out

    assert imgaudit(["compare", "@shapes-v1", "run", "--format", "json"]) == 2
    assert "nobody approved this baseline" in capsys.readouterr().err

    assert imgaudit(["baseline", "approve", "shapes-v1", "--by", "A. Reader", "--reason", "shipped in 2.0"]) == 0
    assert "approved by A. Reader; commit baselines/shapes-v1.json" in capsys.readouterr().out

    assert imgaudit(["baseline", "explain", "shapes-v1"]) == 0
    told = capsys.readouterr().out
    for part in ("(approved)", "by A. Reader on 20", "shipped in 2.0", "itself: quiet", "nearest: same scorers"):
        assert part in told, part

    assert imgaudit(["baseline", "retire", "shapes-v1", "--by", "B. Reader", "--reason", "a wrong prompt"]) == 0
    assert imgaudit(["baseline", "list"]) == 0
    assert "shapes-v1                retired   by B. Reader" in capsys.readouterr().out
    assert imgaudit(["baseline", "explain", "shapes-v1"]) == 4
    assert "retired by B. Reader: a wrong prompt" in capsys.readouterr().out


def test_compare_reads_an_approved_baseline(here: Path, capsys: pytest.CaptureFixture[str]):
    imgaudit(["baseline", "propose", "run", "--name", "shapes-v1"])
    imgaudit(["baseline", "approve", "shapes-v1", "--by", "A. Reader", "--reason", "shipped"])
    worse = Made(generator="embedded@1", paint=1)
    make_run(here / "worse", drawn_scores(12, 4, seed=1, shift=-0.3), worse)
    capsys.readouterr()

    code = imgaudit(["compare", "@shapes-v1", "worse", "--format", "json"])

    assert code == 1
    comparison = json.loads((here / "worse" / "comparison" / "comparison.json").read_text())
    assert (comparison["base"]["name"], comparison["answer"]) == ("@shapes-v1", "regressed")


def test_a_noisy_gate_is_exit_4_and_proposed_all_the_same(here: Path, capsys: pytest.CaptureFixture[str]):
    make_run(here / "one-seed", drawn_scores(12, 1))

    assert imgaudit(["baseline", "propose", "one-seed", "--name", "thin", "--json"]) == 4
    assert json.loads(capsys.readouterr().out)["proposal"]["against_itself"]["answer"] == "not told"
    assert (here / "baselines" / "thin.json").is_file()


def test_explain_finds_the_nearest_for_a_candidate(here: Path, capsys: pytest.CaptureFixture[str]):
    for name in ("first", "second"):
        imgaudit(["baseline", "propose", "run", "--name", name])
    imgaudit(["baseline", "approve", "first", "--by", "A. Reader", "--reason", "shipped"])
    make_run(here / "candidate", drawn_scores(12, 4, seed=1), Made(paint=1))
    make_run(here / "other", drawn_scores(12, 4, seed=1), Made(by="clip-2"))
    capsys.readouterr()

    assert imgaudit(["baseline", "explain", "--for", "candidate", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["nearest"] == "first"
    assert {one["name"]: one["why"] for one in told["weighed"]}["second"] == "nobody approved it"
    assert imgaudit(["baseline", "explain", "--for", "other"]) == 4
    assert "scored by other scorers: perceiver clip" in capsys.readouterr().out
    assert imgaudit(["baseline", "explain"]) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["propose", "run", "--name", "../evil"], "baseline name '../evil'"),
        (["propose", "nowhere", "--name", "a"], "is no run folder"),
        (["propose", "run", "--name", "a", "--at", "https://evil.example"], "baselines are kept beside"),
        (["approve", "nothing", "--by", "A", "--reason", "b"], "no baseline 'nothing'"),
        (["approve", "nothing"], "Missing option"),
    ],
)
def test_mistakes_are_sentences(here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str):
    assert imgaudit(["baseline", *arguments]) == 2

    assert message in capsys.readouterr().err
    assert not (here / "evil.json").exists()


def test_a_name_with_control_characters_does_not_reach_the_terminal(here: Path, capsys: pytest.CaptureFixture[str]):
    imgaudit(["baseline", "propose", "run", "--name", "shapes-v1"])
    imgaudit(["baseline", "approve", "shapes-v1", "--by", "A\x1b[31m", "--reason", "b\x1b[0m"])
    imgaudit(["baseline", "explain", "shapes-v1"])
    imgaudit(["baseline", "list"])

    assert "\x1b" not in capsys.readouterr().out
