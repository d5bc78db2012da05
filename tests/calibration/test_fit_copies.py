"""The cosine of copies is set on one half of the pictures and measured on the other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgaudit.calibration.fit_copies import EDITS, distinct, fit, threshold
from imgaudit.errors import UsageError
from imgaudit.perceivers.embedding import FORMAT, EmbeddingPerceiver, copies_from
from imgaudit.percepts import Embedding


def photo(seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 256, (8, 8, 3)).astype(np.uint8))
    return small.resize((96, 96), Image.Resampling.BICUBIC)


class Colours(EmbeddingPerceiver):
    """Embeds a picture as a small version of it, its mean taken off."""

    label, published = "colours", None

    def __init__(self) -> None:
        self._model = self

    def identity(self):
        return {"model": "colours", "weights": "none"}

    def perceive(self, looks):
        found = []
        for look in looks:
            small = np.asarray(Image.fromarray(look.picture.rgb).convert("RGB").resize((8, 8)), dtype=float).ravel()
            unit = (small - small.mean()) / np.linalg.norm(small - small.mean())
            found.append(Embedding(model="colours", vector=tuple(float(x) for x in unit)))
        return found


def test_a_threshold_lets_at_most_the_allowed_share_reach_it():
    cosines = np.random.default_rng(0).normal(0.2, 0.2, 5000).clip(-1, 1)

    for allowed in (0.0, 0.001, 0.05):
        assert (cosines >= threshold(cosines, allowed)).mean() <= allowed
    assert (cosines >= threshold(cosines, 0.05) - 0.002).mean() > 0.049


def test_it_says_what_the_number_is_worth_on_pictures_that_did_not_set_it():
    content = fit([photo(seed) for seed in range(120)], Colours(), "drawings")

    assert content["format"] == FORMAT
    assert content["pictures"] == 120
    assert content["pairs"] == 60 * 59 // 2
    assert content["false"] / content["pairs"] < 0.01
    assert content["false_upper"] > 0
    assert set(content["found"]) == set(EDITS)
    assert content["found"]["saved at quality 25"] == 1
    assert content["found"]["mirrored"] < 0.1
    assert "60 others" in content["basis"]


def test_what_it_writes_is_what_the_perceiver_reads(tmp_path: Path):
    content = fit([photo(seed) for seed in range(100)], Colours(), "drawings")
    (tmp_path / "copies.json").write_text(json.dumps(content))

    known, facts = copies_from({"calibration": str(tmp_path / "copies.json")}, _Model())

    assert known == (content["copy_from"], content["basis"])
    assert set(facts) == {"copy_from", "calibration"}


class _Model:
    label, published, identity = "colours", None, {"model": "colours", "weights": "none"}


def test_too_few_pictures_are_told_and_copies_among_them_do_not_count(tmp_path: Path):
    for seed in range(6):
        photo(seed // 2).resize((96 + seed % 2 * 40,) * 2).save(tmp_path / f"{seed}.png")
    (tmp_path / "broken.png").write_bytes(b"nothing")

    assert len(distinct(tmp_path)) == 3
    with pytest.raises(UsageError, match="3 different pictures"):
        fit(distinct(tmp_path), Colours(), "few")
