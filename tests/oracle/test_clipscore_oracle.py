"""Our CLIPScores against those of torchmetrics and of the papers' formulas on the same random weights.

The committed vectors were made in another environment by other libraries: `make oracle`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imgaudit.checkers.clipscore import ClipScores
from imgaudit.perceivers.clip import Clip
from imgaudit.types import Case, Look, Measured, Percepts, Picture
from tests.oracle.open_clip_weights import save
from tests.oracle.weights import ARCHITECTURES, LONG, REFERENCES, pictures

VECTORS = json.loads((Path(__file__).parent / "clipscore.json").read_text())
Rows = list[tuple[dict[str, Any], Measured, Measured]]
TOLERANCE = 1e-4
"""Of scores on 0..100 too; a stored cosine is rounded to 6 decimals, which is up to half of this on that scale."""
ARCHITECTURE = [pytest.param("small"), pytest.param("ViT-B-32", marks=pytest.mark.slow)]


@pytest.fixture(scope="module", params=ARCHITECTURE)
def scored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """Each committed row, what our checker measures of the same picture and caption with the same weights, and what it
    measures of the middle of the picture as transformers cuts it out."""
    of = ARCHITECTURES[request.param]
    clip = Clip(str(save(of, tmp_path_factory.mktemp("oracle") / request.param)))
    whole = list(enumerate(pictures(of.side)))
    shown = [Picture(str(n), b"", str(n), rgb, f"pixels {n}") for n, rgb in whole]
    cut = [Picture(str(n), b"", str(n), middle(rgb, of.side), f"cut {n}") for n, rgb in whole]
    rows = []
    for row in VECTORS[request.param]["rows"]:
        case = Case(id="c", prompt=row["caption"], references=REFERENCES)
        asked = ClipScores().ask(case, Percepts())
        both = []
        for some in (shown, cut):
            sights = clip.perceive([Look(some[row["picture"]], query) for query in asked])
            found = ClipScores().measure(case, Percepts(dict(zip(asked, sights, strict=True))))
            assert isinstance(found, Measured), found
            both.append(found)
        rows.append((row, both[0], both[1]))
    return rows


def middle(rgb: Any, side: int) -> Any:
    """The middle of a picture by transformers' arithmetic: where the margin is odd it lies one pixel off OpenAI's."""
    height, width = rgb.shape[:2]
    short = min(height, width)
    high, wide = (side if own == short else int(side * own / short) for own in (height, width))
    scaled = np.asarray(Image.fromarray(rgb).resize((wide, high), Image.Resampling.BICUBIC))
    top, left = (high - side) // 2, (wide - side) // 2
    return scaled[top : top + side, left : left + side]


def test_torchmetrics_clipscore_is_reproduced(scored: Rows) -> None:
    fit = [(row, whole, cut) for row, whole, cut in scored if row["caption"] != LONG]

    assert len(fit) == 20
    for row, whole, cut in fit:
        assert cut.measures["torchmetrics"] == pytest.approx(row["torchmetrics"], abs=TOLERANCE)
        assert whole.measures["torchmetrics"] == pytest.approx(max(100 * row["cosine"], 0), abs=TOLERANCE)
        if row["picture"] == 0:  # a square leaves no margin, so that nothing is cut
            assert whole.measures["torchmetrics"] == pytest.approx(row["torchmetrics"], abs=TOLERANCE)
    assert sum(row["torchmetrics"] > 1 for row, *_ in fit) >= 4


def test_the_original_and_its_form_with_references_are_reproduced(scored: Rows) -> None:
    for row, found, _ in scored:
        assert found.measures["original"] == pytest.approx(row["original"], abs=1e-4)
        assert found.measures["references"] == pytest.approx(row["references"], abs=1e-4)
    assert sum(row["references"] > 0.1 for row, *_ in scored) >= 3


def test_a_caption_beyond_the_window_keeps_its_end_token_which_torchmetrics_loses(scored: Rows) -> None:
    long = [(row, found) for row, found, _ in scored if row["caption"] == LONG]

    for row, found in long:
        assert found.measures["truncated_tokens"] > 0
        assert found.measures["torchmetrics"] == pytest.approx(max(100 * row["cosine"], 0), abs=TOLERANCE)
    apart = [abs(row["torchmetrics"] - 100 * max(row["cosine"], 0)) for row, _ in long]
    assert max(apart) > 1


def test_the_vectors_were_made_by_the_libraries_that_they_are_named_after() -> None:
    made_by = VECTORS["made_by"]

    assert made_by["torchmetrics"] == "1.9.0"
    assert int(made_by["transformers"].split(".")[0]) < 5
    for line in (Path(__file__).parent / "requirements.txt").read_text().splitlines():
        name, _, version = line.partition("==")
        if name in made_by:
            assert made_by[name] == version
