"""A question-answering model from the command line to the report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_vlms import llava

from imgaudit.cli import run as command
from imgaudit.store.runfolder import RunFolder


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    lines = ["file,prompt"]
    for number in range(3):
        rgb = np.random.default_rng(number).integers(0, 255, (48, 64, 3), np.uint8)
        Image.fromarray(rgb).save(folder / f"{number}.png")
        lines.append(f"{number}.png,a dog of number {number}")
    (folder / "prompts.csv").write_text("\n".join(lines) + "\n")
    return folder


def audit(pictures: Path, out: Path, *more: str) -> int:
    words = ["audit", str(pictures), "--out", str(out), "--prompts", str(pictures / "prompts.csv")]
    return command([*words, "--checks", "questions", "--rubric", "draft", *more])


def test_the_named_model_answers_and_the_record_says_which(pictures: Path, tmp_path: Path) -> None:
    model = llava(tmp_path / "tiny")
    assert audit(pictures, tmp_path / "run", "--vqa", str(model)) in (0, 1, 3, 4)

    folder = RunFolder(tmp_path / "run")
    for record in folder.read_images():
        [finding] = [one for one in record.findings if one.checker == "questions"]
        assert finding.outcome == "measured"
        assert 0 <= finding.measures["vqascore"] <= 1
        assert finding.labels["model"] == "tiny"
        assert "vqa" in finding.by
    asked = folder.read_run().perceivers["vqa"]
    assert (asked["model"], asked["attention"], asked["batched"]) == ("tiny", "sdpa", "yes")
    assert str(tmp_path) not in (folder.path / "run.json").read_text()


def test_without_a_model_the_check_abstains_and_says_what_to_do(pictures: Path, tmp_path: Path) -> None:
    audit(pictures, tmp_path / "run")

    for record in RunFolder(tmp_path / "run").read_images():
        [finding] = [one for one in record.findings if one.checker == "questions"]
        assert (finding.outcome, finding.measures) == ("abstained", {})
        assert "--vqa hf:" in (finding.remedy or "")
        untold = [*record.verdict.notes, *record.verdict.holds]
        assert not any("questions" in reason.message for reason in untold)


def test_a_model_that_does_not_exist_ends_with_a_sentence(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit(pictures, tmp_path / "run", "--vqa", str(tmp_path / "nothing")) == 2
    assert "expected hf:ORG/NAME[@REVISION] or a model's folder" in capsys.readouterr().err
