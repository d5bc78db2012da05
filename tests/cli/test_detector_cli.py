"""`--detector` from the command line to the record and the report, over drawn pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgaudit.cli import run as imgaudit
from imgaudit.embedded import world
from tests.perceivers.tiny_detectors import save_owl

SUITE = """
format: imgaudit-suite/1
name: two
title: Two
about: Two drawn pictures.
licence: Apache-2.0
source: written for this test
cases:
- {id: good, prompt: a red circle left of a blue square,
   expect: {objects: [{name: circle, color: red, relation: left of, to: 1}, {name: square, color: blue}]}}
- {id: bad, prompt: a red circle left of a blue square,
   expect: {objects: [{name: circle, color: red, relation: left of, to: 1}, {name: square, color: blue}]}}
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    (tmp_path / "made").mkdir()
    for name, relation in {"good": "left of", "bad": "right of"}.items():
        scene = world.parse(f"a red circle {relation} a blue square")
        assert scene is not None
        Image.fromarray(world.draw(world.place(scene, random), 128)).save(tmp_path / "made" / f"{name}.png")
    (tmp_path / "suite.yaml").write_text(SUITE)
    return tmp_path


def command(suite: Path, *more: str) -> int:
    arguments = ["run", str(suite / "suite.yaml"), "--generator", f"folder:{suite / 'made'}", "--seeds", "0"]
    return imgaudit([*arguments, "--out", str(suite / "out"), "--checks", "objects", "--no-cache", *more])


def run(suite: Path, *more: str) -> dict[str, dict]:
    assert command(suite, *more) in (0, 1, 3, 4)
    lines = (suite / "out" / "images.jsonl").read_text().splitlines()
    return {line["case"]: line for line in map(json.loads, lines)}


def finding_of(image: dict) -> dict:
    return next(finding for finding in image["findings"] if finding["checker"] == "objects")


def test_the_embedded_detector_judges_by_default_and_its_boxes_are_in_the_report(suite: Path) -> None:
    images = run(suite)
    good, bad = (finding_of(images[name]) for name in ("good", "bad"))

    assert good["measures"]["correct"] == 1.0
    assert (bad["measures"]["correct"], bad["codes"]) == (0.0, ["objects.position"])
    assert bad["labels"]["reason"] == "expected circle left of target, found right of target"
    assert good["regions"] == []
    assert [region["label"] for region in bad["regions"]] == ["red circle", "blue square"]
    assert {"objects.wrong", "objects.misplaced"} <= {note["rule"] for note in images["bad"]["verdict"]["notes"]}
    assert "red circle" in (suite / "out" / "report.html").read_text()


def test_a_local_model_is_used_and_named_without_its_path(suite: Path) -> None:
    folder = save_owl(suite / "my-owl")
    finding = finding_of(run(suite, "--detector", f"{folder};floor=0.01;sure=0.99")["good"])

    assert (finding["outcome"], finding["labels"]["detector"]) == ("measured", "my-owl")
    assert finding["labels"]["thresholds"] == "0.01 0.99"
    assert finding["measures"]["found"] == 0.0
    assert finding["unmeasured"]["presence"].startswith("undetermined")
    written = json.loads((suite / "out" / "run.json").read_text())
    assert str(suite) not in json.dumps([written["perceivers"], written["request"]["perceivers"]])


def test_a_model_that_is_not_here_is_an_abstention_with_a_remedy(suite: Path) -> None:
    finding = finding_of(run(suite, "--detector", "hf:no/such-model")["good"])

    assert finding["outcome"] == "abstained"
    assert "hf download no/such-model" in finding["remedy"]


def test_an_option_that_means_nothing_is_an_error_that_says_what_was_expected(
    suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(suite, "--detector", "nothing-here") == 2
    assert "expected 'embedded'" in capsys.readouterr().err


def test_a_model_that_was_named_and_cannot_be_had_is_told_and_not_only_written_down(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    run(suite, "--detector", str(empty))
    told = capsys.readouterr().err

    assert "notice: judged without detector: " in told
    assert told.count("judged without") == 1
