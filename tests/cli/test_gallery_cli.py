"""`--gallery` from the command to the report: which gallery was compared, what was found, and that none was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgaudit.cli import run as imgaudit

CHECKS = "quality,duplicates,memorisation,diversity"


def photo(seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    image = Image.fromarray(random.integers(0, 256, (6, 8, 3)).astype(np.uint8)).resize((320, 240))
    for _ in range(14):
        x, y = int(random.integers(0, 260)), int(random.integers(0, 180))
        w, h = (int(side) for side in random.integers(10, 60, 2))
        image.paste(tuple(random.integers(0, 256, 3).tolist()), (x, y, x + w, y + h))
    return image


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Two pictures to audit, one of them mirrored in the gallery, and a broken file there."""
    (tmp_path / "in").mkdir()
    (tmp_path / "gallery" / "characters").mkdir(parents=True)
    photo(1).save(tmp_path / "in" / "hero.png")
    photo(2).save(tmp_path / "in" / "other.png")
    photo(1).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "gallery" / "characters" / "hero.png")
    (tmp_path / "gallery" / "bad\x1b[31m.png").write_bytes(b"nothing")
    return tmp_path


def audit(work: Path, *more: str, out: str = "run", checks: str = CHECKS) -> int:
    return imgaudit(
        ["audit", str(work / "in"), "--out", str(work / out), "--checks", checks, "--format", "json", *more]
    )


def report(work: Path, out: str = "run") -> dict:
    return json.loads((work / out / "report.json").read_text())


def test_a_copy_of_the_gallery_holds_its_picture_and_the_gallery_is_on_record(
    work: Path, capsys: pytest.CaptureFixture[str]
):
    audit(work, "--gallery", str(work / "gallery"))
    output = capsys.readouterr().out

    facts = json.loads((work / "run" / "run.json").read_text())
    images = {line["id"]: line for line in map(json.loads, (work / "run" / "images.jsonl").read_text().splitlines())}
    assert facts["perceivers"]["gallery"]["index"] == facts["request"]["gallery"]
    assert facts["perceivers"]["gallery"]["pictures"] == "1"
    held = {id: [reason["rule"] for reason in line["verdict"]["holds"]] for id, line in images.items()}
    assert "memorisation.copy" in held["r0/hero.png"]
    assert "memorisation.copy" not in held["r0/other.png"]
    assert "gallery: not read: 1 file (bad" in output
    assert "\x1b" not in output
    assert not any("against any gallery" in sentence for sentence in report(work)["not_checked"])
    for file in (work / "run").rglob("*.json*"):
        if file.name != "private.json":
            assert str(work) not in file.read_text(), file


def test_without_a_gallery_the_report_says_that_none_was_compared(work: Path):
    audit(work)

    assert "Copies of training pictures and of protected works: not checked against any gallery." in (
        report(work)["not_checked"]
    )


def test_one_run_is_compared_with_one_state_of_a_gallery(work: Path):
    audit(work, "--gallery", str(work / "gallery"))
    again = audit(work, "--gallery", str(work / "gallery"))
    photo(7).save(work / "gallery" / "new.png")
    changed = audit(work, "--gallery", str(work / "gallery"))

    assert (again, changed) == (4, 2)
    assert audit(work, "--gallery", str(work / "gallery"), out="another") == 4


def test_a_gallery_that_nobody_would_look_at_is_an_error(work: Path, capsys: pytest.CaptureFixture[str]):
    assert audit(work, "--gallery", str(work / "gallery"), checks="quality") == 2
    assert "memorisation" in capsys.readouterr().err
    assert audit(work, "--gallery", str(work / "gone")) == 2
    assert "no such folder" in capsys.readouterr().err
