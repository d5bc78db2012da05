"""Fitting the reference of good hands, on made samples, and the card that is shipped."""

from __future__ import annotations

import csv
import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgaudit.calibration import fit_hands
from imgaudit.calibration.fit_hands import Sample
from imgaudit.kernels import hand_cues


def made(source: str, count: int, scatter: float, seed: int) -> list[Sample]:
    """Hands whose cues are e to a normal law, in sequences of ten."""
    rng = np.random.default_rng(seed)
    return [
        Sample(
            source,
            f"{source}:{number // 10}",
            float(np.exp(rng.uniform(np.log(4), np.log(60)))),
            {cue: float(np.exp(rng.normal(-3, scatter))) for cue in hand_cues.CUES},
        )
        for number in range(count)
    ]


def test_at_most_one_held_out_hand_in_a_hundred_passes_in_every_source() -> None:
    card = fit_hands.fitted([*made("calm", 800, 0.3, 1), *made("wild", 200, 0.6, 2)])

    shares = {source: facts["share"] for source, facts in card["false_alarms"].items()}
    assert set(shares) == {"calm", "wild"}
    assert max(shares.values()) <= 0.01
    assert shares["wild"] > 0


def test_the_reference_is_the_centre_and_spread_that_the_samples_were_drawn_from() -> None:
    card = fit_hands.reference_of(made("calm", 3000, 0.3, 3))

    for cue in hand_cues.CUES:
        assert card["centres"][cue] == pytest.approx([-3] * fit_hands.KNOTS, abs=0.08)
        assert card["deviations"][cue] == pytest.approx([0.3] * fit_hands.KNOTS, abs=0.06)


def test_a_sequence_stays_in_one_fold_and_every_fold_is_used() -> None:
    folds: dict[str, set[int]] = {}
    for sample in made("calm", 1000, 0.3, 4):
        folds.setdefault(sample.sequence, set()).add(fit_hands.fold(sample))

    assert all(len(parts) == 1 for parts in folds.values())
    assert set.union(*folds.values()) == set(range(fit_hands.FOLDS))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("images/train/3_1528499009.07_pic00050.jpg", "a/b:3_1528499009.07"),
        ("images/test/5_pic00059.jpg", "a/b:5"),
        ("Dataset/9/IMG_1248.JPG", "a/b:31"),
        ("test/images/e_test.jpg", "a/b"),
    ],
)
def test_the_sequence_is_read_from_the_original_name(path: str, expected: str) -> None:
    assert fit_hands.sequence({"path": path, "repo": "a/b"}) == expected


def test_only_good_hands_under_permissive_licences_are_used(tmp_path: Path) -> None:
    rows = [
        {"file": "b.jpg", "label": "no", "licence": "MIT"},
        {"file": "a.jpg", "label": "no", "licence": "Apache-2.0"},
        {"file": "c.jpg", "label": "no", "licence": "CC-BY-SA-4.0"},
        {"file": "d.jpg", "label": "yes", "licence": "MIT"},
    ]
    with (tmp_path / "MANIFEST.tsv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)

    assert [row["file"] for row in fit_hands.rows(tmp_path)] == ["a.jpg", "b.jpg"]


def test_a_shrunk_copy_has_the_size_it_should_and_the_whole_one_is_untouched() -> None:
    picture = Image.new("RGB", (100, 51), "red")

    assert fit_hands.shrunk(picture, 1.0) is picture
    assert fit_hands.shrunk(picture, 0.36).size == (36, 18)
    assert fit_hands.shrunk(picture, 0.001).size == (1, 1)


def test_the_shipped_card_loads_names_its_sources_and_keeps_its_promise() -> None:
    card = json.loads((resources.files("imgaudit") / "calibration" / "hands.json").read_text(encoding="utf-8"))
    reference = hand_cues.Reference.from_card(card)

    assert list(reference.radii) == sorted(reference.radii)
    assert all(value > 0 for values in reference.deviations.values() for value in values)
    assert card["sources"]
    assert all("Apache-2.0" in source or "MIT" in source for source in card["sources"])
    assert max(facts["share"] for facts in card["false_alarms"].values()) <= 0.01
