"""What draws is written down without where it lies; who made the run can still draw again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgaudit.cli import run as imgaudit
from imgaudit.generators._spec import is_hidden, parse_spec, shown

SUITE = "format: imgaudit-suite/1\nname: two\ntitle: two\nlicence: none\ncases:\n- {id: one, prompt: a red circle}\n"


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    (tmp_path / "made").mkdir()
    (tmp_path / "suite.yaml").write_text(SUITE)
    Image.fromarray(np.full((64, 64, 3), 200, np.uint8)).save(tmp_path / "made" / "one_0.png")
    arguments = ["run", str(tmp_path / "suite.yaml"), "--generator", f"folder:{tmp_path / 'made'}", "--seeds", "0"]
    assert imgaudit([*arguments, "--checks", "quality", "--out", str(tmp_path / "run")]) in (0, 1, 3, 4)
    return tmp_path


@pytest.mark.parametrize("spec", ["embedded@1", "diffusers:stabilityai/sdxl-turbo", "folder:nowhere;grid=2", "x"])
def test_a_spec_without_a_folder_of_this_machine_is_shown_as_it_is(spec: str):
    assert shown(spec) == spec
    assert not is_hidden(spec)


def test_a_folder_is_shown_by_its_name_and_two_of_one_name_differ(tmp_path: Path):
    specs = [f"folder:{tmp_path / parent / 'made'};grid=2" for parent in ("a", "b")]
    one, other = map(shown, specs)

    assert one != other
    assert one.startswith("folder:made~")
    assert one.endswith(";grid=2")
    assert is_hidden(one)
    assert str(tmp_path) not in one
    assert parse_spec(one).name == "folder"
    assert shown(one) == one


def test_no_file_of_a_run_but_the_private_one_says_where_its_pictures_came_from(drawn: Path):
    run = drawn / "run"
    for path in run.rglob("*"):
        if path.is_file() and path.name != "private.json":
            assert str(drawn).encode() not in path.read_bytes(), path.name
    assert json.loads((run / "private.json").read_text()) == {"generator": f"folder:{drawn / 'made'}"}
    assert (run / "private.json").stat().st_mode & 0o777 == 0o600


def test_the_same_machine_draws_again_and_another_says_why_it_cannot(drawn: Path, capsys: pytest.CaptureFixture[str]):
    again = ["canary", str(drawn / "run"), "--determinism", "--pictures", "1"]
    assert imgaudit(again) == 0
    (drawn / "run" / "private.json").unlink()
    assert imgaudit(again) == 2
    assert "private.json did not travel" in capsys.readouterr().err
