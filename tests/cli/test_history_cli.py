from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_runs import Made, drawn_scores, make_run

from imgaudit.cli import run as imgaudit


@pytest.fixture
def runs(tmp_path: Path) -> list[str]:
    make_run(tmp_path / "monday", drawn_scores(10, 4), Made(paint=1))
    make_run(tmp_path / "tuesday", drawn_scores(10, 4, seed=1, shift=-0.1), Made(paint=2))
    make_run(tmp_path / "friday", drawn_scores(10, 4, seed=2), Made(paint=3, by="clip-2"))
    return [str(tmp_path / name) for name in ("monday", "tuesday", "friday")]


def test_the_table_has_a_line_a_run_and_marks_the_break(runs: list[str], capsys: pytest.CaptureFixture[str]):
    assert imgaudit(["history", *runs, "--measure", "adherence.match"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "adherence.match (probability, better up)"
    assert [line.split()[0] for line in lines[1:5]] == ["monday", "tuesday", "----", "friday"]
    assert "gain -0." in lines[2]
    assert "not comparable: other perceiver clip" in lines[3]
    assert "gain" not in lines[4]


def test_drift_of_the_scorers_is_exit_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    make_run(tmp_path / "a", drawn_scores(10, 4))
    make_run(tmp_path / "b", drawn_scores(10, 4, seed=1))

    assert imgaudit(["history", str(tmp_path / "a"), str(tmp_path / "b")]) == 4
    assert "40 of 40 anchors moved" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["json", "csv", "wandb"])
def test_exports_go_to_the_terminal_or_to_a_file(
    runs: list[str], tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
):
    assert imgaudit(["history", *runs, "--format", form]) == 0
    printed = capsys.readouterr().out
    assert imgaudit(["history", *runs, "--format", form, "--out", str(tmp_path / "out")]) == 0

    assert (tmp_path / "out").read_text() == printed.replace("\r\n", "\n")
    assert "monday" in printed


def test_an_mlflow_store_is_written(runs: list[str], tmp_path: Path):
    assert imgaudit(["history", *runs, "--format", "mlflow", "--out", str(tmp_path / "mlruns")]) == 0

    metas = sorted((tmp_path / "mlruns").glob("*/*/meta.yaml"))
    assert sorted(json.loads(meta.read_text())["run_name"] for meta in metas) == ["friday", "monday", "tuesday"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "xlsx"], "expected one of table, json, csv, wandb, mlflow"),
        (["--format", "mlflow"], "name it with --out"),
        (["--measure", "hands.count"], "no direction"),
        (["nowhere"], "nowhere: no such run folder"),
    ],
)
def test_mistakes_are_sentences(
    runs: list[str], arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
):
    assert imgaudit(["history", *runs, *arguments]) == 2
    assert message in capsys.readouterr().err
