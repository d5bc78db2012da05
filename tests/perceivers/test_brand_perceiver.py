"""Logos are found by their own pictures, and a brand file that cannot be used is explained."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from PIL import Image

from imgaudit.errors import ConfigError, ModelUnavailable
from imgaudit.perceivers.brand import BrandPerceiver
from imgaudit.percepts import BrandLook
from imgaudit.types import Abstained, Look, Picture, Query
from tests.benchmarks.logos import invented, put_into


def brand_file(folder: Path, **changes: object) -> str:
    path = folder / "brand.yaml"
    path.write_text(yaml.safe_dump({"format": "imgaudit-brand/1", "name": "Solmint", **changes}))
    return str(path)


def seen(option: str, rgb: np.ndarray | None) -> object:
    return BrandPerceiver(option).perceive([Look(Picture("p", b"", "", rgb, "0"), Query("brand"))])[0]


def ground(seed: int = 3) -> np.ndarray:
    """A soft coloured ground with a few dark strokes."""
    random = np.random.default_rng(seed)
    rgb = cv2.resize(random.integers(60, 200, (6, 8, 3), dtype=np.uint8), (640, 480), interpolation=cv2.INTER_CUBIC)
    for x0, y0, x1, y1 in random.integers(0, 480, (30, 4)).tolist():
        cv2.line(rgb, (x0, y0), (x1, y1), (40, 40, 40), 2)
    return rgb


def test_without_a_file_it_is_not_there():
    with pytest.raises(ModelUnavailable, match="no brand file"):
        BrandPerceiver()


@pytest.mark.parametrize("kind", ["upright", "turned", "perspective", "jpeg"])
def test_a_logo_in_the_picture_is_found_at_its_place_and_others_are_not(tmp_path: Path, kind: str):
    random = np.random.default_rng(4)
    for name in ("ours.png", "other.png"):
        Image.fromarray(invented(random)).save(tmp_path / name)
    logo = np.array(Image.open(tmp_path / "ours.png"))
    rgb, corners = put_into(ground(), logo, kind, random)
    option = brand_file(tmp_path, logos=["ours.png", "other.png"])

    found = seen(option, rgb)
    before = seen(option, ground())

    assert isinstance(found, BrandLook)
    assert isinstance(before, BrandLook)
    assert [logo.found for logo in found.logos] == [True, False]
    assert [logo.found for logo in before.logos] == [False, False]
    assert np.abs(np.array(found.logos[0].polygon) - corners).max() < 12


def test_a_mirrored_logo_is_not_the_logo(tmp_path: Path):
    random = np.random.default_rng(4)
    logo = invented(random)
    Image.fromarray(logo).save(tmp_path / "ours.png")
    rgb, _ = put_into(ground(), logo[:, ::-1].copy(), "upright", random)
    found = seen(brand_file(tmp_path, logos=["ours.png"]), rgb)

    assert isinstance(found, BrandLook)
    assert not found.logos[0].found


def test_a_plain_logo_and_a_broken_one_say_why_they_cannot_be_looked_for(tmp_path: Path):
    half = np.full((200, 200, 3), 255, np.uint8)
    half[:, 100:] = (200, 0, 0)
    Image.fromarray(half).save(tmp_path / "half.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    found = seen(brand_file(tmp_path, logos=["half.png", "broken.png"]), ground())

    assert isinstance(found, BrandLook)
    assert "too plain" in str(found.logos[0].why_not)
    assert "cannot be read" in str(found.logos[1].why_not)


def test_colours_and_margins_come_from_the_file(tmp_path: Path):
    option = brand_file(
        tmp_path,
        colours=[{"name": "leaf", "hex": "#00a000", "share": 0.75}, {"name": "white", "hex": "#FFFFFF", "share": 0.25}],
        safe_area={"left": 0.1, "bottom": 0.2},
        aspects=["4:3"],
    )
    found = seen(option, np.full((300, 400, 3), 255, np.uint8))

    assert isinstance(found, BrandLook)
    assert found.margins == (40, 0, 0, 60)
    assert found.shares == (0.75, 0.25)
    assert found.palette[0].lab == pytest.approx((100, 0, 0), abs=0.1)
    assert isinstance(seen(option, None), Abstained)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"logos": ["../outside.png"]}, "leaves the brand file's folder"),
        ({"logos": ["/etc/hostname"]}, "leaves the brand file's folder"),
        ({"logos": ["missing.png"]}, "cannot be read"),
        ({"colours": [{"name": "a", "hex": "#ffffff", "share": 0.5}]}, "shares of colours"),
        ({"colours": [{"name": "a", "share": 1.0}]}, "needs its hex"),
        ({"aspects": ["0:3"]}, "aspects"),
        ({"safe_area": {"left": 0.6}}, "left"),
        ({"safe_area": {"lefft": 0.1}}, "lefft"),
    ],
)
def test_a_file_that_cannot_be_used_is_explained(tmp_path: Path, changes: dict[str, object], sentence: str):
    with pytest.raises(ConfigError, match=sentence):
        BrandPerceiver(brand_file(tmp_path, **changes))


def test_another_logo_picture_is_another_identity(tmp_path: Path):
    random = np.random.default_rng(4)
    Image.fromarray(invented(random)).save(tmp_path / "ours.png")
    option = brand_file(tmp_path, logos=["ours.png"])
    before = BrandPerceiver(option).identity()
    Image.fromarray(invented(random)).save(tmp_path / "ours.png")

    assert BrandPerceiver(option).identity() != before
