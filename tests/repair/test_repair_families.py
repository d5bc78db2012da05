"""Drawing a part anew with tiny models of several families of diffusers, through the generator and the painter."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgaudit.generators._spec import GeneratorOptions, build
from imgaudit.repair.painting import Painter
from tests.generators.families import SIDE, saved
from tests.repair.test_filling import aim
from tests.repair.test_painting import noisy, run_info, task_of


@pytest.mark.parametrize("family", ["stable-diffusion", "flux", "sana"])
def test_a_family_redraws_the_place_and_keeps_the_rest_to_the_bit(family: str, tmp_path: Path) -> None:
    spec = f"diffusers:{saved(family, tmp_path)}"
    painter = Painter(spec, lambda text: build(text, GeneratorOptions(device="cpu")), run_info())
    canvas = noisy(3 * SIDE, 3 * SIDE)
    changes = [painter.inpaint(task_of(), canvas, [aim((70, 8, 84, 20))], number) for number in range(2)]

    for change in changes:
        assert change.mask is not None
        assert (change.rgba[~change.mask] == canvas.rgba[~change.mask]).all()
        assert (change.rgba[change.mask] != canvas.rgba[change.mask]).any()
        assert change.source is not None
        assert change.source.model == f"tiny-{family}"
