"""Quality: levels from the numbers of a look, codes at the operating point, sentences for people."""

from __future__ import annotations

import csv
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from imgaudit.checkers.quality import FILE, PIXELS, QualityChecker
from imgaudit.kernels.quality import SCALES
from imgaudit.perceivers.file import FilePerceiver
from imgaudit.perceivers.pixels import PixelPerceiver
from imgaudit.percepts import FileFacts, Pixels
from imgaudit.pictures import decode
from imgaudit.registry import checkers
from imgaudit.rubric import load_rubric
from imgaudit.types import Abstained, Case, Failed, Look, Measured, Percepts, Picture
from tests.kernels.test_quality import blurred, cards, drawing, exposed, moved, noisy, page, poster, scene

CASE = Case(id="a")
GOOD = {
    "width": 1024.0,
    "height": 768.0,
    "focus_spread": 1.0,
    "edge_spread": 1.1,
    "motion": 0.2,
    "motion_angle": 12.0,
    "noise_level": 1.0,
    "block_step": 0.2,
    "band_share": 0.01,
    "colour_step": 0.7,
    "overshoot": 0.01,
    "detail_drop": 20.0,
    "light": 80.0,
    "ink": 80.0,
    "contrast": 80.0,
    "white_share": 0.0,
    "black_share": 0.0,
    "occupied_share": 0.9,
    "coloured_share": 0.6,
    "flat_colours": 0.1,
    "even": 0.1,
    "ground": 0.1,
    "thin": 0.1,
    "lightness": 55.0,
    "lights": 95.0,
    "transparent_share": 0.0,
}
PLAIN = FileFacts(format="PNG", mode="RGB", profile="srgb", orientation=1, frames=1, transparency=False)
CODED = [name for name in SCALES if name != "blur_whole"]


def measured(numbers: dict[str, float], facts: FileFacts | Abstained = PLAIN) -> Measured:
    hashes = {"digest": "0" * 64, "phash": "0" * 16, "pdq": "0" * 64, "pdq_quality": 100, "grid": ""}
    look = Pixels(numbers=numbers, palette=(), subject=None, **hashes)
    outcome = QualityChecker().measure(CASE, Percepts({PIXELS: look, FILE: facts}))
    assert isinstance(outcome, Measured)
    return outcome


def encoded(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def of_bytes(data: bytes) -> Measured:
    picture, error = decode(data, "a")
    assert error is None
    return of_picture(picture)


def of_picture(picture: Picture) -> Measured:
    sights = {
        PIXELS: PixelPerceiver().perceive([Look(picture, PIXELS)])[0],
        FILE: FilePerceiver().perceive([Look(picture, FILE)])[0],
    }
    outcome = QualityChecker().measure(CASE, Percepts(sights))
    assert isinstance(outcome, Measured)
    return outcome


# --- from numbers


def test_it_is_registered_and_every_measure_label_and_code_it_gives_is_declared():
    assert checkers.get("quality") is QualityChecker
    assert list(QualityChecker().ask(CASE, Percepts())) == [PIXELS, FILE]
    worst = {**GOOD, "width": 4000.0, "height": 60.0, "coloured_share": 0.0, "transparent_share": 0.4}
    worst |= {scale.statistic: scale.half * (9 if scale.steepness > 0 else 1 / 9) for scale in SCALES.values()}
    worst |= {"compressed_quality": 20.0}
    wrong = FileFacts(format="TIFF", mode="CMYK", profile="unfit", profile_name="x", orientation=6, frames=3,
                      transparency=False, jpeg_quality=30, subsampling="4:2:0")  # fmt: skip

    outcome = measured(worst, wrong)

    assert set(outcome.measures) == {m.name for m in QualityChecker.measures}
    assert set(outcome.codes) == set(QualityChecker.codes)
    assert set(outcome.labels) == set(QualityChecker.labels)


def test_a_good_picture_has_levels_near_nothing_and_no_code():
    outcome = measured(GOOD)

    assert all(outcome.measures[name] < 0.2 for name in SCALES)
    assert outcome.measures["megapixels"] == pytest.approx(0.786432)
    assert outcome.measures["aspect_ratio"] == pytest.approx(1.333333)
    assert outcome.codes == ()
    assert outcome.labels["medium"] == "photo"
    assert outcome.message == "no technical fault"


@pytest.mark.parametrize("name", CODED)
def test_the_code_of_a_fault_comes_at_its_operating_point(name: str):
    half, falling = SCALES[name].half, SCALES[name].steepness < 0
    better, worse = (half * 1.01, half * 0.99) if falling else (half * 0.99, half * 1.01)

    assert measured({**GOOD, SCALES[name].statistic: better}).codes == ()
    codes = measured({**GOOD, SCALES[name].statistic: worse}).codes
    assert codes == (("quality.blur", "quality.motion_blur") if name == "motion_blur" else (f"quality.{name}",))


def test_shallow_focus_is_told_and_is_no_fault():
    outcome = measured({**GOOD, "edge_spread": 5.0})

    assert outcome.measures["blur_whole"] > 0.9
    assert outcome.codes == ()


def test_motion_has_its_direction_only_where_there_is_motion():
    assert "motion_angle" not in measured(GOOD).measures
    assert measured({**GOOD, "motion": 5.0}).measures["motion_angle"] == 12


@pytest.mark.parametrize(
    ("numbers", "kind", "left_out"),
    [
        ({"flat_colours": 0.8, "detail_drop": 60.0, "contrast": 5.0, "white_share": 0.4}, "flat",
         {"upscaling", "low_contrast", "highlights", "motion_blur", "shadows"}),
        ({"thin": 0.9, "ground": 0.9, "even": 0.9, "coloured_share": 0.01, "lightness": 99, "white_share": 0.4}, "line",
         {"upscaling", "low_contrast", "highlights", "motion_blur", "shadows"}),
        ({"lightness": 5.0, "lights": 70.0, "black_share": 0.4}, "night", {"shadows"}),
    ],
)  # fmt: skip
def test_what_a_medium_has_by_choice_is_not_measured(numbers: dict[str, float], kind: str, left_out: set[str]):
    outcome = measured({**GOOD, **numbers})

    assert outcome.labels["medium"] == kind
    assert outcome.codes == ()
    assert set(outcome.unmeasured) == left_out
    assert all(kind in reason or "drawing" in reason for reason in outcome.unmeasured.values())


def test_long_grey_and_tiny_pictures_are_reported():
    assert measured({**GOOD, "width": 3000.0, "height": 1000.0}).codes == ("quality.aspect",)
    assert measured({**GOOD, "width": 1000.0, "height": 2990.0}).codes == ()
    assert measured({**GOOD, "width": 60.0, "height": 60.0}).codes == ("quality.tiny",)
    assert measured({**GOOD, "coloured_share": 0.0}).codes == ("quality.grayscale",)
    assert "no colour" in measured({**GOOD, "coloured_share": 0.0}).message


def test_the_size_in_print_is_that_at_300_pixels_an_inch():
    measures = measured({**GOOD, "width": 3508.0, "height": 2480.0}).measures

    assert measures["print_long_cm"] == pytest.approx(29.7, abs=0.01)
    assert measures["print_short_cm"] == pytest.approx(21.0, abs=0.01)


def test_the_lower_of_two_jpeg_qualities_counts():
    facts = PLAIN.model_copy(update={"jpeg_quality": 95})

    assert measured(GOOD).measures.get("jpeg_quality") is None
    assert measured(GOOD, facts).measures["jpeg_quality"] == 95
    again = measured({**GOOD, "compressed_quality": 25.0}, facts)
    assert again.measures["jpeg_quality"] == 25
    assert again.codes == ("quality.jpeg",)


def test_what_cannot_be_told_is_unmeasured_with_its_reason():
    gone = ("focus_spread", "edge_spread", "noise_level")
    outcome = measured({name: value for name, value in GOOD.items() if name not in gone})

    assert not {"blur", "blur_whole", "noise"} & set(outcome.measures)
    assert set(outcome.unmeasured) == {"blur", "blur_whole", "noise"}
    assert "edge" in outcome.unmeasured["blur"]


def test_without_a_header_the_pixels_are_judged_all_the_same():
    outcome = measured(GOOD, Abstained("the header cannot be read"))

    assert outcome.measures["blur"] < 0.5
    assert outcome.unmeasured == {"frames": "the header cannot be read"}


def test_abstaining_and_failing_are_passed_on_and_never_a_score():
    for sight in (Abstained("no pixels"), Failed("broke")):
        assert QualityChecker().measure(CASE, Percepts({PIXELS: sight, FILE: PLAIN})) == sight
    assert isinstance(QualityChecker().measure(CASE, Percepts()), Abstained)


# --- from files


def test_every_kind_of_file_is_measured_or_says_why_not(tmp_path: Path):
    rgb = scene(0)
    image = Image.fromarray(rgb)
    holes = (rgb[..., 0] / 255).astype(np.float32)
    holes[5:40, 5:40] = np.nan
    frames = [Image.fromarray(scene(seed)) for seed in range(3)]
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(image, *profiles, outputMode="LAB")
    assert lab is not None
    made = {
        "one pixel": encoded(Image.new("RGB", (1, 1), "red")),
        "a column": encoded(Image.new("RGB", (1, 20_000), "red")),
        "constant": encoded(Image.new("RGB", (300, 200), "teal")),
        "transparent": encoded(Image.new("RGBA", (300, 200), (9, 9, 9, 0))),
        "16 bits": encoded(Image.fromarray(rgb[..., 0].astype(np.uint16) * 257)),
        "palette": encoded(image.convert("P", palette=Image.Palette.ADAPTIVE)),
        "CMYK": encoded(image.convert("CMYK"), "JPEG", quality=90),
        "Lab": encoded(lab, "TIFF"),
        "frames": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "pages": encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:]),
        "not a number": encoded(Image.fromarray(holes), "TIFF"),
        "bilevel": encoded(image.convert("1")),
    }
    outcomes = {name: of_bytes(data) for name, data in made.items()}

    for outcome in outcomes.values():
        assert set(SCALES) == {*outcome.measures, *outcome.unmeasured} & set(SCALES)
        assert all(np.isfinite(value) for value in outcome.measures.values())
        assert all(outcome.unmeasured.values())
    assert {"quality.cmyk", "quality.profile"} <= set(outcomes["CMYK"].codes)
    assert outcomes["Lab"].labels["mode"] == "LAB"
    assert outcomes["frames"].measures["frames"] == outcomes["pages"].measures["frames"] == 3
    assert "quality.animated" in outcomes["frames"].codes
    assert {"quality.transparent", "quality.low_information"} <= set(outcomes["transparent"].codes)
    assert outcomes["transparent"].measures["transparent_share"] == 1
    assert "quality.aspect" in outcomes["a column"].codes
    assert "quality.tiny" in outcomes["one pixel"].codes
    assert outcomes["16 bits"].labels["mode"] == "I;16"
    assert not {"quality.blur", "quality.noise"} & set(outcomes["16 bits"].codes + outcomes["palette"].codes)


def test_a_jpeg_that_was_saved_again_keeps_the_trace_of_its_worst_quality():
    once = Image.open(BytesIO(encoded(Image.fromarray(scene(1)), "JPEG", quality=20))).convert("RGB")
    as_png = of_bytes(encoded(once))

    assert as_png.measures["jpeg_quality"] == 20
    assert "quality.jpeg" in as_png.codes
    assert of_bytes(encoded(Image.fromarray(scene(1)), "JPEG", quality=88)).measures["jpeg_quality"] == 88


@pytest.mark.parametrize(
    ("worse", "code"),
    [
        (lambda a: blurred(a, 4), "quality.blur"),
        (lambda a: moved(a, 14, 60), "quality.motion_blur"),
        (lambda a: noisy(a, 36), "quality.noise"),
        (lambda a: exposed(a, -4), "quality.dark"),
        (lambda a: exposed(a, 8), "quality.bright"),
    ],
)
def test_a_fault_of_a_file_gets_its_code(worse, code: str):
    assert code in of_bytes(encoded(Image.fromarray(worse(scene(2))))).codes
    assert of_bytes(encoded(Image.fromarray(scene(2)))).codes == ()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("make", [poster, drawing])
def test_flat_art_and_line_drawings_have_no_fault(make, seed: int):
    codes = set(of_bytes(encoded(Image.fromarray(make(seed)), "JPEG", quality=90)).codes)

    assert codes <= {"quality.grayscale"}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("side", [128, 800])
@pytest.mark.parametrize("make", [poster, drawing, cards, page])
def test_flat_art_is_never_called_blurry(make, side: int, seed: int):
    codes = set(of_bytes(encoded(Image.fromarray(make(seed, side)), "JPEG", quality=80)).codes)

    assert not codes & {"quality.blur", "quality.motion_blur"}


def test_a_picture_of_a_hundred_megapixels_is_measured_in_bounded_memory():
    import tracemalloc

    rgb = np.tile(scene(0, 500), (20, 20, 1))
    picture = Picture("large", b"", "0" * 64, rgb, "0" * 64)
    tracemalloc.start()
    sight = PixelPerceiver().perceive([Look(picture, PIXELS)])[0]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert isinstance(sight, Pixels)
    assert peak < 200 << 20


# --- on labelled pictures


def codes_of(path: Path) -> tuple[str, ...] | None:
    picture, error = decode(path.read_bytes(), path.name)
    return None if error else of_picture(picture).codes


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


FACTS = {"quality.grayscale", "quality.aspect", "quality.profile", "quality.orientation", "quality.transparent"}


@pytest.mark.slow
@pytest.mark.parametrize(("topic", "most"), [("faces", 0.25), ("generic", 0.15), ("hands", 0.1)])
def test_pictures_that_were_published_seldom_raise_an_alarm(corpora: Path, topic: str, most: float):
    codes = [codes_of(corpora / topic / row["file"]) for row in rows(corpora / topic)]
    told = [set(c) - FACTS for c in codes if c is not None]

    assert sum(map(bool, told)) <= most * len(told)


# --- what the rubrics make of it


@pytest.mark.parametrize("name", ["photo", "illustration", "print"])
def test_the_rubrics_of_a_use_judge_quality_and_name_every_dimension(name: str):
    rubric = load_rubric(name)

    assert rubric.dimensions["quality"].required
    assert len(rubric.dimensions["quality"].rules) >= 8
    assert all(rule.because for rule in rubric.dimensions["quality"].rules)


@pytest.mark.parametrize("name", ["photo", "illustration", "print"])
def test_the_rubrics_of_a_use_judge_everything_but_the_quality_as_publish_does(name: str):
    ours, publish = (load_rubric(one).model_dump() for one in (name, "publish"))
    assert ours["dimensions"].pop("quality") != publish["dimensions"].pop("quality")

    for own in ("name", "title", "about"):
        assert ours.pop(own) != publish.pop(own)
    assert ours == publish
