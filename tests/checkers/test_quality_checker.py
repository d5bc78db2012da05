"""Quality: levels from the numbers of a look, codes at the operating point, sentences for people."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from imgaudit.checkers.quality import PIXELS, STATISTICS, QualityChecker
from imgaudit.kernels.quality import SCALES
from imgaudit.perceivers.pixels import PixelPerceiver
from imgaudit.percepts import Pixels
from imgaudit.pictures import decode
from imgaudit.registry import checkers
from imgaudit.types import Abstained, Case, Failed, Look, Measured, Percepts

CASE = Case(id="a")
GOOD = {
    "width": 1024.0,
    "height": 768.0,
    "edge_blur": 0.4,
    "noise_level": 1.0,
    "block_share": 0.01,
    "band_share": 0.01,
    "brightest_part": 95.0,
    "inkiest_part": 90.0,
    "occupied_share": 0.9,
    "coloured_share": 0.6,
}


def measured(numbers: dict[str, float]) -> Measured:
    hashes = {"digest": "0" * 64, "phash": "0" * 16, "pdq": "0" * 64, "pdq_quality": 100, "grid": ""}
    look = Pixels(numbers=numbers, palette=(), subject=None, **hashes)
    outcome = QualityChecker().measure(CASE, Percepts({PIXELS: look}))
    assert isinstance(outcome, Measured)
    return outcome


def test_it_is_registered_and_every_measure_and_code_it_gives_is_declared():
    assert checkers.get("quality") is QualityChecker
    assert list(QualityChecker().ask(CASE, Percepts())) == [PIXELS]
    worst = {**GOOD, "width": 4000.0, "coloured_share": 0.0}
    worst |= {"edge_blur": 9, "noise_level": 60, "block_share": 0.9, "band_share": 0.9}
    worst |= {"brightest_part": 0, "inkiest_part": 0, "occupied_share": 0}

    outcome = measured(worst)

    assert set(outcome.measures) == {m.name for m in QualityChecker.measures}
    assert set(outcome.codes) == set(QualityChecker.codes)


def test_a_good_picture_has_levels_near_nothing_and_no_code():
    outcome = measured(GOOD)

    assert all(outcome.measures[name] < 0.2 for name in STATISTICS)
    assert outcome.measures["megapixels"] == pytest.approx(0.786432)
    assert outcome.measures["aspect_ratio"] == pytest.approx(1.333333)
    assert outcome.codes == ()
    assert outcome.message == "no technical fault"


@pytest.mark.parametrize("name", STATISTICS)
def test_the_code_of_a_fault_comes_at_its_operating_point(name: str):
    half, falling = SCALES[name].half, SCALES[name].steepness < 0
    better, worse = (half * 1.01, half * 0.99) if falling else (half * 0.99, half * 1.01)

    assert measured({**GOOD, STATISTICS[name]: better}).codes == ()
    assert measured({**GOOD, STATISTICS[name]: worse}).codes == (f"quality.{name}",)


def test_long_and_grey_pictures_are_reported():
    assert measured({**GOOD, "width": 3000.0, "height": 1000.0}).codes == ("quality.aspect",)
    assert measured({**GOOD, "width": 1000.0, "height": 2990.0}).codes == ()
    assert measured({**GOOD, "coloured_share": 0.0}).codes == ("quality.grayscale",)
    assert "no colour" in measured({**GOOD, "coloured_share": 0.0}).message


def test_what_cannot_be_told_is_unmeasured_with_its_reason():
    outcome = measured({name: value for name, value in GOOD.items() if name not in ("edge_blur", "noise_level")})

    assert "blur" not in outcome.measures
    assert set(outcome.unmeasured) == {"blur", "noise"}
    assert "edge" in outcome.unmeasured["blur"]


def test_abstaining_and_failing_are_passed_on_and_never_a_score():
    for sight in (Abstained("no pixels"), Failed("broke")):
        assert QualityChecker().measure(CASE, Percepts({PIXELS: sight})) == sight
    assert isinstance(QualityChecker().measure(CASE, Percepts()), Abstained)


def codes_of(path: Path) -> tuple[str, ...] | None:
    picture, error = decode(path.read_bytes(), path.name)
    if error:
        return None
    sight = PixelPerceiver().perceive([Look(picture, PIXELS)])[0]
    outcome = QualityChecker().measure(CASE, Percepts({PIXELS: sight}))
    assert isinstance(outcome, Measured)
    return outcome.codes


def rows(folder: Path) -> list[dict[str, str]]:
    if not folder.is_dir():
        pytest.skip(f"no pictures in {folder.name}")
    with (folder / "MANIFEST.tsv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def test_named_defects_are_found_and_clean_pictures_raise_no_alarm(corpora: Path):
    wanted = {"blurry": "quality.blur", "light": "quality.bright", "grayscale": "quality.grayscale"}
    folder = corpora / "defects"
    labelled = [(row["file"], row["label"]) for row in rows(folder)]

    missed = [f for f, label in labelled if label in wanted and wanted[label] not in (codes_of(folder / f) or ())]
    clean = {file: set(codes_of(folder / file) or ()) for file, label in labelled if label == "clean"}
    alarms = {file: codes for file, codes in clean.items() if codes - {"quality.grayscale"}}

    assert missed == []
    assert alarms == {}


@pytest.mark.slow
@pytest.mark.parametrize(("topic", "most"), [("faces", 0.25), ("generic", 0.1), ("hands", 0.05)])
def test_pictures_that_were_published_seldom_raise_an_alarm(corpora: Path, topic: str, most: float):
    codes = [codes_of(corpora / topic / row["file"]) for row in rows(corpora / topic)]
    measured_ones = [set(c) - {"quality.grayscale", "quality.aspect"} for c in codes if c is not None]

    assert sum(map(bool, measured_ones)) <= most * len(measured_ones)
