"""Redrawing a part of a picture by masked denoising, with the embedded generator."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imgaudit.embedded import GUIDANCE, STEPS, evaluate, model_path, world
from imgaudit.embedded.reader import read
from imgaudit.errors import UsageError
from imgaudit.generators._inpainting import Inpainter, Redrawing

SQUARE = world.Placed("square", "blue", 16, 32, 9)
CIRCLE = world.Placed("circle", "red", 48, 32, 9)
PIXELS = world.draw(world.Picture((SQUARE, CIRCLE), "white"))
MASK = np.zeros((64, 64), bool)
MASK[16:48, 34:62] = True
CAPTION = "a blue square left of a green circle on a white background"


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return evaluate.load_pipeline(model_path("embedded-2"))


@pytest.fixture(scope="module")
def inpainter(pipeline: Any) -> Inpainter:
    return Inpainter(pipeline)


def asked(seed: int) -> Redrawing:
    return Redrawing(CAPTION, seed, STEPS, GUIDANCE)


def test_the_masked_part_is_drawn_anew_and_the_rest_is_kept_to_the_bit(inpainter: Inpainter) -> None:
    tries = [inpainter.redraw(PIXELS, MASK, asked(seed)) for seed in range(5)]

    assert all((made[~MASK] == PIXELS[~MASK]).all() for made in tries)
    assert all((made[MASK] != PIXELS[MASK]).any() for made in tries)
    drawn = [{(seen.colour, seen.shape) for seen in read(made).seen} for made in tries]
    assert {("blue", "square"), ("green", "circle")} in drawn


def test_the_same_seed_draws_the_same(inpainter: Inpainter) -> None:
    one, other = (inpainter.redraw(PIXELS, MASK, asked(3)) for _ in range(2))

    assert (one == other).all()


def test_a_mask_of_another_shape_or_of_nothing_is_refused(inpainter: Inpainter) -> None:
    with pytest.raises(UsageError, match=r"\(32, 64\).*must be equal"):
        inpainter.redraw(PIXELS, MASK[:32], asked(0))
    with pytest.raises(UsageError, match="nothing is masked"):
        inpainter.redraw(PIXELS, np.zeros_like(MASK), asked(0))


def test_what_a_safety_checker_blanked_is_no_picture(pipeline: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    inpainter = Inpainter(pipeline)
    black = SimpleNamespace(images=[Image.new("RGB", (64, 64))], nsfw_content_detected=[True])
    monkeypatch.setattr(inpainter, "_pipe", lambda **asked: black)

    with pytest.raises(UsageError, match="safety checker withheld the picture"):
        inpainter.redraw(PIXELS, MASK, asked(0))


def test_a_pipeline_without_inpainting_is_refused_in_words() -> None:
    class Strange:
        config: dict[str, Any] = {}  # noqa: RUF012

    with pytest.raises(UsageError, match="Strange cannot redraw a part"):
        Inpainter(Strange())
