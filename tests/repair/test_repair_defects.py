"""Planted local defects and real edits, from audit to repaired picture, told by the independent reader of shapes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repair.shown import defects, prompt_figures


def test_planted_defects_are_found_masked_and_redrawn(tmp_path: Path) -> None:
    found = defects(tmp_path, 4, seed=31, tries=2)

    assert {one.planted.kind for one in found} == {"blot", "patch", "hole", "writing"}
    kept = [one for one in found if one.mask is not None]
    assert len(kept) >= 2
    assert all(one.outside for one in kept)
    assert all(one.mask is not None and one.mask >= 0.5 for one in kept)
    assert any(one.right for one in kept)


@pytest.mark.slow
def test_most_of_two_dozen_planted_defects_are_repaired(tmp_path: Path) -> None:
    found = defects(tmp_path, 24, seed=101)
    kept = [one for one in found if one.mask is not None]

    assert len(found) == 24
    assert sum((one.mask or 0) >= 0.5 for one in kept) >= 20
    assert all(one.outside for one in kept)
    assert sum(one.line.outcome == "repaired" for one in found) >= 20
    assert sum(bool(one.right) for one in kept) >= 0.8 * len(kept)


@pytest.mark.slow
def test_edits_of_the_older_model_become_pictures_to_publish(tmp_path: Path) -> None:
    figures = prompt_figures(tmp_path, ("demo",), (4,))

    assert figures["tries 4"]["to be edited"] > 0
    assert figures["tries 4"]["now publish"] >= figures["tries 4"]["to be edited"] / 2
