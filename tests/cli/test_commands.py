from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image

from imgaudit.cli import run as imgaudit
from imgaudit.cli._common import seed_range
from imgaudit.errors import UsageError

COMMANDS = ("audit", "checkers", "doctor", "models", "report", "rubrics", "run", "schema", "suites")
LIGHT = "quality,provenance,duplicates"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    numbers = np.random.default_rng(1)
    for name in ("a.png", "b.png"):
        Image.fromarray(numbers.integers(0, 255, (128, 128, 3), np.uint8)).save(folder / name)
    return folder


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from imgaudit.cli import main; main()", *arguments]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_helps_with_an_example(name: str, capsys: pytest.CaptureFixture[str]):
    assert imgaudit([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Usage:" in shown
    if name not in ("suites", "rubrics", "models"):
        assert f"Example: imgaudit {name}" in shown


@pytest.mark.parametrize("heavy", ["torch", "diffusers", "transformers", "mediapipe", "cv2", "pandas", "rapidocr"])
def test_help_and_lists_import_nothing_heavy(heavy: str):
    script = (
        "import sys; from imgaudit.cli import run\n"
        "for a in (['--help'], ['checkers'], ['rubrics', 'list'], ['suites', 'list'], ['models', 'list']): run(a)\n"
        f"sys.exit({heavy!r} in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == 0, f"{heavy} was imported; {done.stderr}"


def test_an_audit_writes_the_record_and_prints_where_the_report_lies(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "run"

    formats = "html,json,junit,csv,markdown"
    code = imgaudit(["audit", str(photos), "--out", str(out), "--checks", LIGHT, "--format", formats])

    lines = capsys.readouterr().out.splitlines()
    assert code in (0, 1, 3, 4)
    assert str(out / "report.html") in lines
    for name in ("run.json", "images.jsonl", "groups.jsonl", "report.json", "report.html", "junit.xml", "private.json"):
        assert (out / name).is_file(), name
    assert code == json.loads((out / "report.json").read_text())["exit_code"]


def test_every_record_fits_its_published_schema(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out, schemas = tmp_path / "run", tmp_path / "schemas"
    imgaudit(["audit", str(photos), "--out", str(out), "--checks", LIGHT])
    imgaudit(["schema", "--out", str(schemas)])
    capsys.readouterr()

    def check(name: str, value: object) -> None:
        schema = json.loads((schemas / f"imgaudit-{name}.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(value, schema)

    for line in (out / "images.jsonl").read_text().splitlines():
        check("image", json.loads(line))
    for line in (out / "groups.jsonl").read_text().splitlines():
        check("group", json.loads(line))
    check("report", json.loads((out / "report.json").read_text()))
    check("run", json.loads((out / "run.json").read_text()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["audit", "nowhere.png", "--out", "x"], "nowhere.png: no such file or folder"),
        (["audit", ".", "--out", "x", "--rubric", "pubish"], "unknown rubric 'pubish'"),
        (["audit", ".", "--out", "x", "--checks", "hnads"], "unknown checker 'hnads'; did you mean 'hands'"),
        (["audit", ".", "--out", "x", "--format", "docx"], "unknown report format 'docx'"),
        (["run", "shaps", "--out", "x"], "unknown suite 'shaps'; did you mean 'shapes'"),
        (["run", "shapes", "--out", "x", "--generator", "midjourny"], "unknown generator 'midjourny'"),
        (["run", "shapes", "--out", "x", "--seeds", "7-0"], "--seeds '7-0'"),
        (["report", "nowhere"], "nowhere: is no run folder"),
        (["schema", "nonsense"], "unknown schema 'nonsense'"),
    ],
)
def test_a_users_mistake_is_a_sentence_and_exit_code_2(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (64, 64), "red").save("a.png")

    code = imgaudit(arguments)

    assert code == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_an_unknown_option_is_exit_code_2(capsys: pytest.CaptureFixture[str]):
    assert imgaudit(["audit", ".", "--out", "x", "--nonsense"]) == 2
    assert "No such option" in capsys.readouterr().err


def test_a_full_disk_is_a_sentence(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    import errno

    from imgaudit.store.runfolder import RunFolder

    def full(*_args: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(RunFolder, "write_part", full)
    code = imgaudit(["audit", str(photos), "--out", str(tmp_path / "run"), "--checks", LIGHT])

    assert code == 2
    assert "the disk is full" in capsys.readouterr().err


def test_control_characters_of_a_file_name_do_not_reach_the_terminal(tmp_path: Path, capsys):
    assert imgaudit(["audit", "evil\x1b[31m.png", "--out", str(tmp_path / "x")]) == 2

    assert "\x1b" not in capsys.readouterr().err


def test_seed_ranges_are_inclusive():
    assert seed_range("0-3,8") == (0, 1, 2, 3, 8)
    with pytest.raises(UsageError):
        seed_range("eight")


def test_a_run_that_is_killed_ends_with_the_same_report_as_one_that_was_not(tmp_path: Path):
    def arguments(out: Path) -> list[str]:
        return ["run", "shapes", "--limit", "6", "--seeds", "0-1", "--batch-size", "3", "--steps", "4",
                "--checks", LIGHT, "--out", str(out)]  # fmt: skip

    killed, whole = tmp_path / "killed", tmp_path / "whole"
    environment = {**os.environ, "IMGAUDIT_CACHE": str(tmp_path / "cache")}
    process = subprocess.Popen(command(*arguments(killed)), env=environment, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while not list((killed / "renders").glob("*.parquet")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (killed / "report.json").exists(), "the run ended before it could be killed"

    for out in (killed, whole):
        done = subprocess.run(command(*arguments(out)), env=environment, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1, 3, 4), done.stderr

    for name in ("images.jsonl", "groups.jsonl", "report.json"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name


def test_an_interrupt_says_how_to_go_on(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    def interrupted(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("imgaudit.pipeline.carry_out", interrupted)

    assert imgaudit(["audit", str(photos), "--out", str(tmp_path / "run")]) == 130
    assert "the same command continues" in capsys.readouterr().err


def test_models_show_their_cards(capsys: pytest.CaptureFixture[str]):
    assert imgaudit(["models", "info", "embedded@2"]) == 0
    assert "python -m imgaudit.embedded.evaluate" in capsys.readouterr().out
    assert imgaudit(["models", "info", "embedded@9"]) == 2
    assert "embedded-1, embedded-2, clip, lora-night" in capsys.readouterr().err


def test_a_public_suite_is_imported_and_can_be_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    lines = ['{"tag": "counting", "include": [{"class": "clock", "count": 2}], "prompt": "a photo of two clocks"}']
    (tmp_path / "evaluation_metadata.jsonl").write_text("\n".join(lines))

    source, out = tmp_path / "evaluation_metadata.jsonl", tmp_path / "g.yaml"
    made = imgaudit(["suites", "import", "auto", str(source), "--out", str(out)])

    assert made == 0
    assert imgaudit(["suites", "show", str(tmp_path / "g.yaml")]) == 0
    assert "a photo of two clocks" in capsys.readouterr().out
