"""`imgaudit repair` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from imgaudit.cli import run
from imgaudit.pipeline import open_run
from tests.repair.conftest import RUBRIC, Painter, painted_run


@pytest.fixture
def rendered(tmp_path: Path) -> tuple[str, str]:
    """A run with two dark pictures, and the file of the rubric that judged it."""
    painted_run(tmp_path / "run", Painter(frozenset({1})))
    rubric = tmp_path / "light.yaml"
    rubric.write_text(yaml.safe_dump(json.loads(RUBRIC.model_dump_json(exclude_none=True))))
    return str(tmp_path / "run"), str(rubric)


def test_a_run_is_repaired_and_every_outcome_is_told(
    rendered: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, rubric = rendered
    assert run(["repair", folder, "--rubric", rubric]) == 0
    said = capsys.readouterr().out

    assert "case-0#1: repaired: adjust: try" in said
    assert "2 repaired" in said
    assert f"{folder}/repairs/repairs.jsonl" in said
    assert (Path(folder) / "repairs" / "report.html").is_file()


def test_json_is_one_object_with_the_lines(rendered: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    folder, rubric = rendered
    assert run(["repair", folder, "--rubric", rubric, "--json", "--only", "case-1#1"]) == 0
    value = json.loads(capsys.readouterr().out)

    assert value["outcomes"] == {"repaired": 1}
    assert [line["id"] for line in value["repairs"]] == ["case-1#1"]


def test_a_dry_run_says_what_would_be_done_and_does_nothing(
    rendered: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, rubric = rendered
    assert run(["repair", folder, "--rubric", rubric, "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "case-0#1: quality.dark: adjust", "case-1#1: quality.dark: adjust"
    ]  # fmt: skip
    assert not (Path(folder) / "repairs").exists()


def test_what_is_left_to_edit_is_the_exit_code(rendered: tuple[str, str]) -> None:
    folder, rubric = rendered
    assert run(["repair", folder, "--rubric", rubric, "--method", "crop"]) == 3
    assert all(image.verdict.final != "edit" for image in open_run(Path(folder) / "repairs").images)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--method", "paint"], "there is no such method"),
        (["--only", "nobody"], "no picture of that id is to be edited"),
        (["--font", "missing.ttf"], "cannot be read"),
        (["--tries", "0"], "tries"),
        (["--root", "r0=/nowhere/at/all"], "is no folder"),
        (["--out", "/proc/nowhere"], ""),
        (["--rubric", "strict"], "judge it by this one first"),
    ],
)
def test_mistakes_are_sentences(
    rendered: tuple[str, str], arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, rubric = rendered
    given = arguments if "--rubric" in arguments else ["--rubric", rubric, *arguments]

    assert run(["repair", folder, *given]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


def test_what_is_no_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["repair", str(tmp_path)]) == 2
    assert "is no run folder" in capsys.readouterr().err
