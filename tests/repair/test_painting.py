"""Drawing a part anew: windows, masks, seeds, and what is pasted back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from imgaudit.generators._inpainting import Redrawing
from imgaudit.generators._spec import GeneratorOptions, build
from imgaudit.record import RunInfo
from imgaudit.repair.originals import Canvas, opaque, place_of
from imgaudit.repair.painting import Brush, Painter, blocks, windows_of
from imgaudit.repair.record import CannotRepair
from imgaudit.types import Box, Case, Source
from tests.repair.conftest import RUBRIC
from tests.repair.test_filling import aim

RANDOM = np.random.default_rng(3)


@dataclass
class Recorder:
    """An inpainter that paints red and remembers what it was asked."""

    asked: list[tuple[np.ndarray, np.ndarray, Redrawing]] = field(default_factory=list)

    def redraw(self, picture: np.ndarray, mask: np.ndarray, asked: Redrawing) -> np.ndarray:
        self.asked.append((picture, mask, asked))
        return np.where(mask[..., None], np.array([255, 0, 0], np.uint8), picture)


def run_info(spec: str | None = None) -> RunInfo:
    generator = {"spec": spec} if spec else None
    return RunInfo(imgaudit="1", kind="run", request={}, started="", rubric=RUBRIC.info(), generator=generator)


def painter_with(recorder: Recorder, side: int = 64) -> Painter:
    painter = Painter("made", lambda spec: pytest.fail("no generator is built"), run_info())
    painter._brush = Brush(recorder, side, 8, 4, 12, 3.5, "diffusers", "made")  # type: ignore[arg-type]
    return painter


def task_of(name: str = "case#1", pixels: str | None = "0" * 64) -> Any:
    row = SimpleNamespace(id=name, pixels=pixels, case=Case(id="case"), prompt="a red circle", source=Source(steps=7))
    return SimpleNamespace(row=row)


def noisy(height: int, width: int) -> Canvas:
    return Canvas(opaque(RANDOM.integers(0, 256, (height, width, 3), np.uint8)), b"")


@pytest.mark.parametrize(("size", "box"), [((64, 64), (10, 20, 30, 34)), ((300, 410), (200, 150, 240, 170)),
                                           ((50, 90), (80, 30, 90, 50)), ((700, 64), (0, 600, 64, 700))])  # fmt: skip
@pytest.mark.parametrize("number", [0, 1])
def test_only_the_mask_changes_and_the_core_is_new(size: tuple[int, int], box: Box, number: int) -> None:
    canvas, recorder = noisy(*size), Recorder()
    change = painter_with(recorder).inpaint(task_of(), canvas, [aim(box)], number)
    place = place_of(canvas, [aim(box)])

    assert change.mask is not None
    assert (change.rgba[~change.mask] == canvas.rgba[~change.mask]).all()
    assert (change.rgba[place.core][:, 0] > 200).all()
    given, mask, _ = recorder.asked[0]
    assert given.shape[0] % 8 == given.shape[1] % 8 == 0
    assert max(given.shape) <= 64
    assert mask.shape == given.shape[:2]
    assert mask.any()


def test_a_large_picture_is_worked_on_near_the_place_and_as_a_whole_in_turn() -> None:
    canvas = noisy(300, 410)
    place = place_of(canvas, [aim((200, 150, 240, 170))])
    near, everything = windows_of(place, canvas, painter_with(Recorder()).brush)

    assert (near.x1 - near.x0, near.width) == (84, 64)
    assert (everything.x0, everything.x1, everything.width, everything.height) == (0, 410, 64, 48)
    small = noisy(64, 64)
    assert len(windows_of(place_of(small, [aim((1, 1, 9, 9))]), small, painter_with(Recorder()).brush)) == 1


def test_the_model_is_given_whole_blocks_and_never_half_a_latent() -> None:
    mask = np.zeros((64, 64), bool)
    mask[13:18, 30:33] = True
    grown = blocks(mask, (64, 64), 4)

    assert (grown[12:20, 28:36]).all()
    assert grown.sum() == 64
    small = blocks(mask, (32, 32), 4)
    assert small[4:12, 12:20].any()
    assert small.sum() % 16 == 0


def test_what_lies_under_the_mask_is_not_shown_to_the_model() -> None:
    canvas, recorder = Canvas(opaque(np.full((64, 64, 3), 90, np.uint8)), b""), Recorder()
    canvas.rgba[20:30, 20:30, :3] = (255, 255, 0)
    painter_with(recorder).inpaint(task_of(), canvas, [aim((20, 20, 30, 30))], 0)

    assert abs(recorder.asked[0][0].astype(int) - 90).max() <= 3


def test_seeds_follow_from_case_place_and_try_alone() -> None:
    canvas = noisy(64, 64)
    def seeds(name: str, box: Box) -> list[int | None]:
        painter = painter_with(Recorder())
        return [painter.inpaint(task_of(name), canvas, [aim(box)], number).seed for number in range(3)]

    first = seeds("case#1", (1, 1, 9, 9))
    assert len(set(first)) == 3
    assert first == seeds("case#1", (1, 1, 9, 9))
    assert not set(first) & {*seeds("case#2", (1, 1, 9, 9)), *seeds("case#1", (2, 1, 9, 9))}


def test_the_record_says_out_of_what_the_picture_was_made() -> None:
    change = painter_with(Recorder()).inpaint(task_of(), noisy(64, 64), [aim((1, 1, 9, 9))], 0)

    assert change.source is not None
    assert change.source.basis is not None
    assert change.source.basis.mode == "inpaint"
    assert change.source.basis.image == "0" * 64
    assert change.source.model == "made"
    assert change.settings["steps"] == 12  # the run was drawn by another model, whose settings say nothing of this one


def test_a_place_that_is_nearly_the_whole_picture_is_refused() -> None:
    with pytest.raises(CannotRepair, match=r"is 100% of the picture; draw all of it anew with --method regenerate"):
        painter_with(Recorder()).inpaint(task_of(), noisy(64, 64), [aim((0, 0, 64, 64))], 0)


def test_a_transparent_picture_stays_transparent_outside_the_mask() -> None:
    canvas = noisy(64, 64)
    canvas.rgba[:, :, 3] = 40
    change = painter_with(Recorder()).inpaint(task_of(), canvas, [aim((20, 20, 40, 40))], 0)

    assert change.mask is not None
    assert (change.rgba[~change.mask][:, 3] == 40).all()
    assert (change.rgba[25:35, 25:35, 3] == 255).all()


def test_a_local_model_is_named_without_its_folder(tmp_path: Path) -> None:
    painter = Painter(f"diffusers:{tmp_path}/my-model", lambda spec: None, run_info())  # type: ignore[arg-type,return-value]

    assert str(painter.shown).startswith("diffusers:my-model~")
    assert str(tmp_path) not in str(painter.shown)
    assert Painter("embedded@2", lambda spec: None, run_info()).shown == "embedded@2"  # type: ignore[arg-type,return-value]


def test_what_the_generator_is_made_of_is_read_once_for_all_pictures() -> None:
    asked: list[int] = []
    drawing = SimpleNamespace(identity=lambda: asked.append(1) or {"weights": "1"})
    painter = Painter("made", lambda spec: drawing, run_info())  # type: ignore[arg-type,return-value]

    assert painter.identity() is None
    assert painter.generator is drawing
    assert painter.identity() == painter.identity() == {"spec": "made", "weights": "1"}
    assert asked == [1]


@pytest.mark.parametrize("inputs", [{"image": "1" * 64}, {"from": "1" * 64, "mask": [0, 0, 8, 8]}])
def test_a_run_whose_command_gave_the_pictures_to_start_from_is_not_drawn_anew(inputs: dict[str, Any]) -> None:
    run = run_info("made").model_copy(update={"request": {"inputs": inputs}})
    painter = Painter("made", lambda spec: pytest.fail("no generator is built"), run)

    with pytest.raises(CannotRepair, match="starts from a given picture; draw more with `imgaudit run`"):
        painter.regenerate(task_of(), noisy(64, 64), [], 0)


def test_the_embedded_model_draws_at_its_own_size() -> None:
    painter = Painter("embedded@2", lambda spec: build(spec, GeneratorOptions()), run_info("embedded@2"))

    assert painter.is_runs_own
    assert painter.brush.side == 64
    assert (painter.brush.steps, painter.brush.guidance) == (20, 3.0)
