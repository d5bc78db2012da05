"""`imgaudit run` from end to end in every mode that starts from a picture, with the packaged model."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imgaudit.cli import run as imgaudit
from imgaudit.embedded import world

# diffusers turns torch tensors into arrays in a way that numpy 2 warns of
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

LIGHT = ("--checks", "quality,provenance", "--steps", "4", "--seeds", "0-1", "--no-cache")
CIRCLE = world.draw(world.Picture((world.Placed("circle", "red", 32, 32, 12),), "white"))
MASK = (16, 16, 48, 48)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads that wait for each other make models as tiny as these many times slower on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """The example of docs/editing.md."""
    folder = tmp_path / "suite"
    folder.mkdir()
    Image.fromarray(CIRCLE).save(folder / "circle.png")
    text = Path(__file__).parents[2].joinpath("docs/editing.md").read_text()
    example = text.partition("```yaml\n")[2].partition("```")[0]
    (folder / "suite.yaml").write_text(example)
    return folder / "suite.yaml"


def ran(out: Path, *arguments: str) -> list[dict[str, Any]]:
    assert imgaudit(["run", *arguments, *LIGHT, "--out", str(out)]) in (0, 3, 4)
    return [json.loads(line) for line in (out / "images.jsonl").read_text().splitlines()]


def pixels(out: Path, record: dict[str, Any]) -> np.ndarray:
    return np.asarray(Image.open(out / record["path"]))


@pytest.mark.parametrize("mode", ["img2img", "inpaint", "outpaint", "variation"])
def test_a_mode_draws_judges_and_records(mode: str, suite: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"

    records = ran(out, str(suite), "--generator", f"{mode}:embedded@2")

    assert len(records) == 4
    generator = json.loads((out / "run.json").read_text())["generator"]
    assert (generator["spec"], generator["mode"]) == (f"{mode}:embedded@2", mode)
    for record in records:
        assert record["source"]["basis"]["mode"] == mode
        assert record["source"]["parse"] == "complete"
        made = pixels(out, record)
        if mode == "inpaint":
            left, top, right, bottom = MASK
            outside = np.ones((64, 64), bool)
            outside[top:bottom, left:right] = False
            assert (made[outside] == CIRCLE[outside]).all()
        if mode == "outpaint":
            assert made.shape == (64, 96, 3)
            assert (made[:, :64] == CIRCLE).all()
    # in four steps one part may come out as empty as another
    assert len({record["pixels"] for record in records}) >= (2 if mode in ("inpaint", "outpaint") else 4)


def test_a_reference_is_drawn_with_an_adapter(suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The adapter's weights are random: what it makes of the picture means nothing."""
    from diffusers import UNet2DConditionModel

    from imgaudit.embedded import model_path

    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "generators")
    from adapters import adapter_for

    unet = UNet2DConditionModel.from_pretrained(model_path("embedded-2") / "unet")
    adapter = adapter_for(unet, tmp_path)
    asked = ("--generator", "reference:embedded@2", "--adapter", str(adapter), "--strength", "0.5")

    records = ran(tmp_path / "run", str(suite), *asked)

    bases = [record["source"]["basis"] for record in records]
    assert {(basis["mode"], basis["strength"]) for basis in bases} == {("reference", 0.5)}
    assert str(tmp_path) not in (tmp_path / "run" / "run.json").read_text()
    sys.modules.pop("adapters", None)


def test_a_run_is_made_of_another(suite: Path, tmp_path: Path) -> None:
    """Text to image, then a part of each picture drawn anew."""
    plain = tmp_path / "plain.yaml"
    head = "format: imgaudit-suite/1\nname: p\ntitle: P\nlicence: CC0-1.0\n"
    plain.write_text(head + "cases:\n- {id: a, prompt: a star}\n")
    first = ran(tmp_path / "first", str(plain), "--generator", "embedded@2")

    box = ("--mask", "32,0,64,64", "--from", str(tmp_path / "first"))
    second = ran(tmp_path / "second", str(plain), "--generator", "inpaint:embedded@2", *box)

    assert [record["source"]["basis"]["image"] for record in second] == [record["pixels"] for record in first]
    for before, after in zip(first, second, strict=True):
        old, new = pixels(tmp_path / "first", before), pixels(tmp_path / "second", after)
        assert (old[:, :32] == new[:, :32]).all()
        assert (old[:, 32:] != new[:, 32:]).any()


def test_what_cannot_be_asked_is_a_sentence(suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = str(suite.parent / "circle.png")
    for arguments, words in (
        (("--generator", "embedded@2", "--image", image), "--image: the generator 'embedded@2' does not take it"),
        (("--generator", "img2img:embedded@2", "--mask", "0,0,9,9"), "--mask: the generator"),
        (("--generator", "img2img:embedded@2", "--image", image, "--from", str(tmp_path)), "give one of them"),
        (("--generator", "outpaint:embedded@2", "--extend", "32"), "such as left=32,right=50%"),
        (("--generator", "reference:embedded@2"), "needs an IP-Adapter"),
    ):
        assert imgaudit(["run", str(suite), *arguments, *LIGHT, "--out", str(tmp_path / "run")]) == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
