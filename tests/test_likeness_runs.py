"""Faces are compared with the user's own galleries, end to end, and only where the rubric opts in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from imgaudit.cli import run as imgaudit
from tests.perceivers.test_clip import save_model

ROOT = Path(__file__).resolve().parent.parent
DENIED = "real_misc/rick.jpeg"
OPT_IN = "people:\n  attributes: [likeness]\n  because: A test of pictures that were published for tests.\n"


@pytest.fixture
def place(tmp_path: Path, corpora: Path) -> Path:
    """A gallery of one face and one broken file, the same face saved smaller, and a model with random weights."""
    (tmp_path / "deny").mkdir()
    shutil.copy(corpora / "faces" / DENIED, tmp_path / "deny" / "rick.jpeg")
    (tmp_path / "deny" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    picture = Image.open(corpora / "faces" / DENIED).convert("RGB")
    (tmp_path / "asked").mkdir()
    picture.resize((picture.width * 9 // 10, picture.height * 9 // 10)).save(tmp_path / "asked" / "him.png")
    save_model(tmp_path / "model")
    (tmp_path / "mine.yaml").write_text((ROOT / "rubrics/publish.yaml").read_text() + OPT_IN)
    return tmp_path


def audited(place: Path, rubric: str) -> tuple[int, dict, str]:
    option = f"model=open_clip:{place / 'model'};at=0.95;deny={place / 'deny'}"
    code = imgaudit(["audit", str(place / "asked"), "--checks", "likeness", "--rubric", rubric, "--no-cache",
                     "--likeness", option, "--out", str(place / "run")])  # fmt: skip
    image = json.loads((place / "run" / "images.jsonl").read_text())
    return code, image, (place / "run" / "report.html").read_text()


def test_a_face_of_the_deny_gallery_is_held_and_the_law_is_named(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, image, report = audited(place, str(place / "mine.yaml"))
    [finding] = [one for one in image["findings"] if one["checker"] == "likeness"]

    assert finding["codes"] == ["likeness.denied"]
    assert "rick" in json.dumps(finding)
    assert (image["verdict"]["machine"], code) == ("hold", 4)
    assert "BIPA" in report
    assert "BIPA" in capsys.readouterr().err
    assert str(place) not in json.dumps(image) + (place / "run" / "run.json").read_text()


def test_without_the_opt_in_nothing_is_compared(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, image, report = audited(place, "publish")
    [finding] = [one for one in image["findings"] if one["checker"] == "likeness"]

    assert finding["outcome"] == "abstained"
    assert "opt in" in finding["reason"]
    assert "BIPA" not in report + capsys.readouterr().err
