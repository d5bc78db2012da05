from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from made_runs import drawn_scores, make_run
from PIL import Image

from imgaudit.cli import run as imgaudit


def test_a_quiet_gate_is_exit_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run = str(make_run(tmp_path / "run", drawn_scores(20, 4)))

    assert imgaudit(["canary", run]) == 0
    assert "of 100 random splits of the seeds regress" in capsys.readouterr().out
    assert imgaudit(["canary", run, "--splits", "20", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["splits"] == 20


def test_a_gate_that_alarms_or_cannot_be_told_is_exit_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    drifting = {case: [s - 0.2 * (i >= 2) for i, s in enumerate(v)] for case, v in drawn_scores(20, 4).items()}

    assert imgaudit(["canary", str(make_run(tmp_path / "drifting", drifting))]) == 4
    assert imgaudit(["canary", str(make_run(tmp_path / "thin", drawn_scores(20, 1)))]) == 4
    assert "it takes 6. Run more seeds" in capsys.readouterr().out


def rendered(folder: Path) -> str:
    """A run whose pictures come from a folder, so that drawing again is reading again."""
    (folder / "made").mkdir()
    for seed in (0, 1):
        noise = np.random.default_rng(seed).integers(0, 255, (64, 64, 3), np.uint8)
        Image.fromarray(noise).save(folder / "made" / f"kite_{seed}.png")
    (folder / "suite.jsonl").write_text('{"id": "kite", "prompt": "a kite"}\n')
    out = str(folder / "run")
    arguments = ["run", str(folder / "suite.jsonl"), "--generator", f"folder:{folder / 'made'}", "--seeds", "0-1"]
    assert imgaudit([*arguments, "--checks", "quality", "--out", out]) in (0, 1, 3, 4)
    return out


def test_pictures_drawn_again_are_equal_or_say_by_how_much(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run = rendered(tmp_path)
    capsys.readouterr()

    assert imgaudit(["canary", run, "--determinism"]) == 0
    assert "equal: 2 of 2 pictures have the same pixels" in capsys.readouterr().out

    Image.open(tmp_path / "made" / "kite_1.png").point(lambda value: value // 2).save(tmp_path / "made" / "kite_1.png")
    assert imgaudit(["canary", run, "--determinism"]) == 4
    told = capsys.readouterr().out
    assert "differs: 1 of 2 pictures were drawn otherwise" in told
    assert "kite#1: differs by up to " in told


@pytest.mark.slow
def test_the_embedded_model_draws_the_same_pixels_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = str(tmp_path / "run")
    imgaudit(["run", "shapes", "--limit", "2", "--seeds", "0-1", "--checks", "quality", "--out", out])
    capsys.readouterr()

    assert imgaudit(["canary", out, "--determinism"]) == 0


def test_no_run_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert imgaudit(["canary", str(tmp_path), "--determinism"]) == 2
    assert "is no run folder" in capsys.readouterr().err
