"""Perspective, symmetry, lighting and background on scenes that were drawn, bent, lit and put together on purpose."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from imgaudit.calibration import fit_scene
from imgaudit.checkers import _scene, lighting, symmetry
from imgaudit.checkers.background import GROUND
from imgaudit.checkers.perspective import LINES
from imgaudit.kernels import face_geometry
from imgaudit.perceivers._scene_ground import flat_share
from imgaudit.percepts import (
    Ball,
    Balls,
    EyeLight,
    Face,
    FaceScene,
    FaceScenes,
    Ground,
    Landmarks,
    Mirroring,
    Segments,
    Shading,
)
from imgaudit.pictures import decode
from imgaudit.registry import checkers
from imgaudit.types import Abstained, Case, Failed, Measured, Percepts

CASE = Case(id="x")


def face_mesh() -> np.ndarray:
    """468 points of an even face, 200 pixels wide, that looks at the camera."""
    order = face_geometry.mirrored_order()
    mesh = np.random.default_rng(0).uniform(-1, 1, (face_geometry.MESH, 3)) * [90, 110, 25]
    eye = {33: (-70, -40), 133: (-25, -40), 160: (-58, -50), 158: (-38, -50), 153: (-38, -30), 144: (-58, -30)}
    for index, (x, y) in eye.items():
        mesh[index] = [x, y, 0]
    left = [index for index in range(face_geometry.MESH) if index in eye or index < order[index]]
    for index in left:
        mesh[order[index]] = mesh[index] * [-1, 1, 1]
    mesh[order == np.arange(face_geometry.MESH), 0] = 0
    return mesh + np.array([300.0, 300.0, 0.0])


@pytest.fixture(scope="module")
def looker() -> fit_scene.Looker:
    return fit_scene.Looker()


def outcome_of(looker: fit_scene.Looker, rgb: np.ndarray, name: str) -> Measured | None:
    return looker.measured(fit_scene.picture_of(rgb), (name,)).get(name)


# --- perspective ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_a_street_in_true_perspective_has_its_points_and_no_code(looker, seed: int):
    rgb, _ = fit_scene.draw_street(np.random.default_rng(seed), 0.0)
    outcome = outcome_of(looker, rgb, "perspective")

    assert outcome is not None
    assert outcome.codes == ()
    assert outcome.measures["points"] >= 2
    assert outcome.measures["stray_share"] < 0.5
    assert outcome.measures.get("tilt", 0.0) < 5
    assert outcome.evidence.polylines == ()  # nothing is drawn on what is right


def test_houses_seen_by_another_camera_are_told_apart_more_often_than_those_of_one(looker):
    rng = np.random.default_rng(11)
    values = {True: [], False: []}
    codes = 0
    while len(values[True]) < 8:
        rgb, covered = fit_scene.draw_street(rng, 0.5)
        outcome = outcome_of(looker, rgb, "perspective")
        if covered >= 0.15 and outcome is not None:
            values[True].append(outcome.measures.get("off_horizon", 0.0))
            codes += "perspective.off_horizon" in outcome.codes
            if outcome.codes:
                assert outcome.regions[0].label == "lines off the horizon"
                assert any(line.label.startswith("off the horizon") for line in outcome.evidence.polylines)
                assert any(line.label.startswith("to point") for line in outcome.evidence.polylines)
    for _ in range(8):
        outcome = outcome_of(looker, fit_scene.draw_street(rng, 0.0)[0], "perspective")
        values[False].append(outcome.measures.get("off_horizon", 0.0) if outcome else 0.0)
    assert codes >= 1
    assert max(values[False]) == 0.0
    assert np.mean(values[True]) > 0.05


def test_a_fisheye_bends_the_lines_and_the_check_abstains_or_gives_no_code(looker):
    rng = np.random.default_rng(5)
    height, width = 650, 900
    y, x = np.mgrid[:height, :width].astype(np.float32)
    dx, dy = (x - width / 2) / 450, (y - height / 2) / 450
    radius = np.hypot(dx, dy)
    grow = np.tan(radius * 1.05) / np.maximum(radius, 1e-6)
    outcomes = []
    for _ in range(4):
        rgb, _ = fit_scene.draw_street(rng, 0.0)
        assert outcome_of(looker, rgb, "perspective") is not None
        at = (dx * grow * 300 + width / 2).astype(np.float32), (dy * grow * 300 + height / 2).astype(np.float32)
        bent = cv2.remap(rgb, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        outcomes.append(outcome_of(looker, bent, "perspective"))
    assert outcomes.count(None) >= 2
    assert not any(outcome.codes for outcome in outcomes if outcome is not None)


@pytest.mark.parametrize(
    ("count", "curved", "word"), [(4, 0.0, "long straight lines"), (40, 0.5, "curved"), (30, 0.0, "no five")]
)
def test_too_few_curved_or_scattered_lines_are_abstained_from(count: int, curved: float, word: str):
    rng = np.random.default_rng(1)
    angle = np.linspace(0, np.pi, count, endpoint=False)
    middle = rng.uniform(100, 700, (count, 2))
    half = 25 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    ends = np.hstack([middle - half, middle + half])
    if word == "no five":
        ring = 300 * np.stack([-np.sin(angle), np.cos(angle)], axis=1) + 400
        ends = np.hstack([ring - half, ring + half])
    seen = Segments(width=800, height=800, scale=1.0, segments=tuple(map(tuple, ends.tolist())), pieces=count,
                    curved=curved)  # fmt: skip
    outcome = checkers.get("perspective")().measure(CASE, Percepts({LINES: seen}))
    assert isinstance(outcome, Abstained)
    assert word in outcome.reason


# --- symmetry ------------------------------------------------------------------------------------


def face(mesh: np.ndarray) -> Face:
    low, high = mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)
    return Face(box=(*low.tolist(), *high.tolist()), score=0.9, mesh=tuple(map(tuple, mesh.tolist())))


def symmetric(mirror: Mirroring, faces: tuple[Face, ...] = (), scenes: tuple[FaceScene, ...] = ()):
    found = Landmarks(width=900, height=900, faces=faces, parts=("faces",))
    percepts = {symmetry.MIRROR: mirror, _scene.FACES: found, _scene.SCENES: FaceScenes(faces=scenes)}
    return checkers.get("symmetry")().measure(CASE, Percepts(percepts))


def test_without_an_axis_or_a_face_symmetry_says_that_no_axis_is_found():
    outcome = symmetric(Mirroring(points=300))
    assert isinstance(outcome, Abstained)
    assert "no axis found" in outcome.reason


def test_an_even_face_is_nearer_to_its_mirror_image_than_one_with_a_moved_eye():
    even = face_mesh()
    moved = even.copy()
    moved[[33, 160, 158, 133, 153, 144, 7, 163, 145, 154, 155]] += np.array([0.0, 30.0, 0.0])
    values = []
    for mesh in (even, moved):
        shown = face(mesh)
        scene = FaceScene(box=shown.box, likeness=0.8, bridge=0.4, rims=0.3)
        outcome = symmetric(Mirroring(points=50), (shown,), (scene,))
        assert isinstance(outcome, Measured)
        assert outcome.codes == ()
        assert outcome.measures["faces"] == 1
        assert outcome.unmeasured["broken"] == "no axis found"
        assert "confidence" not in outcome.measures  # of faces nothing is reported
        assert outcome.evidence.polylines == ()
        values.append(outcome.measures["face_asymmetry"])
    assert values[1] > values[0] + 0.01


def test_a_broken_place_across_an_axis_is_reported_with_its_box(looker):
    rng = np.random.default_rng(3)
    photo = fit_scene.draw_street(rng, 0.0)[0]
    whole = outcome_of(looker, fit_scene.mirrored(photo, rng, broken=False), "symmetry")
    assert whole is not None
    assert whole.codes == ()
    assert whole.measures["agreement"] > 0.8
    assert whole.evidence.polylines == ()

    found = 0
    for _ in range(4):
        outcome = outcome_of(looker, fit_scene.mirrored(photo, rng, broken=True), "symmetry")
        if outcome is not None and outcome.codes == ("symmetry.broken",):
            found += 1
            assert outcome.regions[0].label == "no match across the axis"
            assert [line.label for line in outcome.evidence.polylines] == ["mirror axis"]
    assert found >= 1


# --- lighting ------------------------------------------------------------------------------------


def lit(azimuth: float, strength: float = 0.9, fit: float = 0.9) -> Shading:
    angle = np.radians(azimuth)
    return Shading(x=strength * float(np.cos(angle)), y=strength * float(np.sin(angle)), z=-0.3, fit=fit)


def lighted(*shades: Shading, balls: tuple[Ball, ...] = (), eyes: tuple[EyeLight, EyeLight] | None = None):
    mesh = face_mesh()
    faces = tuple(face(mesh + np.array([200.0 * i, 0, 0])) for i in range(len(shades)))
    scenes = tuple(FaceScene(box=f.box, shading=s, eyes=eyes) for f, s in zip(faces, shades, strict=True))
    found = Landmarks(width=900, height=900, faces=faces, parts=("faces",))
    percepts = {lighting.BALLS: Balls(balls=balls), _scene.FACES: found, _scene.SCENES: FaceScenes(faces=scenes)}
    return checkers.get("lighting")().measure(CASE, Percepts(percepts))


def test_faces_lit_from_one_side_agree_and_from_two_sides_do_not():
    same, other = lighted(lit(-90), lit(-70)), lighted(lit(-160), lit(-10))
    assert isinstance(same, Measured)
    assert isinstance(other, Measured)
    assert same.codes == ()
    assert same.measures["disagreement"] == pytest.approx(20, abs=0.1)
    assert same.labels["from"] == "above"
    assert same.measures["confidence"] == pytest.approx(0.9)
    assert other.codes == ("lighting.disagree",)
    assert len(other.evidence.polylines) == 2
    assert same.evidence.polylines == ()


def test_one_face_among_many_is_compared_with_the_mean_of_the_others():
    outcome = lighted(lit(-100), lit(-80), lit(-95), lit(60))
    assert isinstance(outcome, Measured)
    assert outcome.codes == ("lighting.disagree",)
    assert outcome.regions[0].label == "face 4"


@pytest.mark.parametrize("weak", [lit(90, strength=0.1), lit(90, fit=0.2)])
def test_light_without_a_side_or_a_shading_that_does_not_fit_is_not_compared(weak: Shading):
    outcome = lighted(lit(-90), weak)
    assert isinstance(outcome, Measured)
    assert outcome.measures["lit"] == 1
    assert "disagreement" in outcome.unmeasured


def test_highlights_at_like_places_agree_and_at_opposite_ones_do_not():
    def eye(x: float, y: float) -> EyeLight:
        return EyeLight(radius=9, spot=(x, y, 0.03))

    same, other = lighted(lit(-90), eyes=(eye(-0.3, -0.4), eye(-0.25, -0.35))), lighted(
        lit(-90), eyes=(eye(-0.4, -0.3), eye(0.4, -0.3))
    )
    assert isinstance(same, Measured)
    assert isinstance(other, Measured)
    assert same.codes == ()
    assert other.codes == ("lighting.highlights",)
    assert other.measures["highlights"] == pytest.approx(0.8)


def test_highlights_alone_are_compared_and_are_given_no_confidence_by_shading():
    eyes = (EyeLight(radius=9, spot=(-0.3, -0.4, 0.03)), EyeLight(radius=9, spot=(-0.25, -0.35, 0.03)))
    outcome = lighted(lit(-90, fit=0.1), eyes=eyes)
    assert isinstance(outcome, Measured)
    assert outcome.measures["lit"] == 0
    assert "highlights" in outcome.measures
    assert "confidence" not in outcome.measures


def test_a_spot_at_the_rim_or_in_a_tiny_iris_is_no_highlight_to_compare():
    places = (((0.0, 0.8), (0.0, -0.2), 9), ((0.4, 0.0), (-0.4, 0.0), 3))
    for first, second, radius in places:
        left, right = (EyeLight(radius=radius, spot=(*at, 0.02)) for at in (first, second))
        eyes = (left, right)
        outcome = lighted(lit(-90), eyes=eyes)
        assert isinstance(outcome, Measured)
        assert "highlights" in outcome.unmeasured


def test_two_drawn_balls_with_two_lamps_disagree_and_with_one_agree(looker):
    rng = np.random.default_rng(4)
    hits = {0.0: 0, 180.0: 0}
    for apart in hits:
        for _ in range(4):
            outcome = outcome_of(looker, fit_scene.draw_balls(rng, apart), "lighting")
            hits[apart] += outcome is not None and "lighting.disagree" in outcome.codes
    assert hits[0.0] == 0
    assert hits[180.0] >= 3


def test_without_a_face_or_a_ball_lighting_abstains():
    assert isinstance(lighted(), Abstained)


# --- background ----------------------------------------------------------------------------------


def grounded(**facts) -> Measured:
    outcome = checkers.get("background")().measure(CASE, Percepts({GROUND: Ground(width=1000, height=800, **facts)}))
    assert isinstance(outcome, Measured)
    return outcome


def blots(height: int, width: int) -> np.ndarray:
    """Soft colours with grain: nothing in it repeats."""
    rng = np.random.default_rng(12)
    small = Image.fromarray(rng.integers(20, 235, (height // 12, width // 12, 3), dtype=np.uint8))
    large = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC), float)
    return np.clip(large + rng.normal(0, 4, large.shape), 0, 255).astype(np.uint8)


def copied(rgb: np.ndarray) -> np.ndarray:
    """A square of 160 pixels that stands twice."""
    result = rgb.copy()
    result[380:540, 560:720] = rgb[40:200, 60:220]
    return result


def checkered(rgb: np.ndarray, levels: int) -> np.ndarray:
    """Three by two tiles, every second one brighter."""
    y, x = np.mgrid[: rgb.shape[0], : rgb.shape[1]]
    odd = (3 * x // rgb.shape[1] + 2 * y // rgb.shape[0]) % 2
    return np.clip(rgb + levels * odd[..., None], 0, 255).astype(np.uint8)


def test_every_planted_trace_is_found_and_the_scene_without_it_has_no_code(looker):
    rng = np.random.default_rng(6)
    photo = blots(600, 800)
    clean = outcome_of(looker, photo, "background")
    assert clean is not None
    assert clean.codes == ()
    for code, planted in (
        ("bars", fit_scene.bordered(photo, rng, all_round=False)),
        ("frame", fit_scene.bordered(photo, rng, all_round=True)),
        ("seams", checkered(photo, 9)),
        ("pattern", fit_scene.stamped(photo, rng)),
        ("copied", copied(photo)),
    ):
        outcome = outcome_of(looker, planted, "background")
        assert outcome is not None
        assert f"background.{code}" in outcome.codes, code


def test_smeared_texture_is_planted_where_it_says_and_nowhere_else():
    photo = blots(600, 800)
    changed = np.abs(fit_scene.melted(photo, np.random.default_rng(1)).astype(int) - photo).max(axis=2) > 0
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert 0.02 < changed.mean() < 0.15
    assert np.ptp(rows) < 0.31 * 600
    assert np.ptp(columns) < 0.31 * 600


def test_the_region_of_bars_is_the_picture_inside_and_stands_alone(looker):
    photo = fit_scene.draw_street(np.random.default_rng(6), 0.0)[0]
    barred = np.zeros((850, 900, 3), np.uint8)
    barred[100:750] = photo
    outcome = outcome_of(looker, barred, "background")
    assert outcome is not None
    assert outcome.codes[0] == "background.bars"
    assert [region.box for region in outcome.regions] == [(0.0, 100.0, 900.0, 750.0)]
    assert outcome.measures["frame"] == pytest.approx(200 / 850, abs=1e-6)


def test_clean_ground_has_measures_and_no_code():
    outcome = grounded(seam=0.3, repetition=2.0, faint=0.1, period=(40, 0))
    assert outcome.codes == ()
    assert outcome.measures["seams"] == 0
    assert "confidence" not in outcome.measures
    assert outcome.evidence.polylines == ()
    assert "no frame" in outcome.message


def test_flat_art_that_repeats_on_purpose_is_told_no_seams_copies_or_patterns(looker):
    drawn = np.full((512, 512, 3), 255, np.uint8)
    for x in (60, 300):
        for y in (60, 300):
            cv2.rectangle(drawn, (x, y), (x + 150, y + 150), (240, 210, 30), -1)
    for picture in (fit_scene.picture_of(drawn), fit_scene.picture_of(drawn, 85)):
        outcome = looker.measured(picture, ("background",))["background"]
        assert outcome.codes == ()
        assert "flat art" in outcome.unmeasured["pattern"]


def test_a_photograph_before_an_even_ground_is_no_flat_art():
    shown = np.full((600, 800, 3), 255, np.uint8)
    shown[150:450, 200:600] = blots(300, 400)
    assert flat_share(shown) < 0.1
    assert flat_share(blots(300, 400)) < 0.1
    assert flat_share(np.zeros((2, 2, 3), np.uint8)) == 0.0


def test_a_picture_too_small_for_a_pattern_says_so():
    assert {"pattern", "seams"} <= set(grounded().unmeasured)


@pytest.mark.parametrize("name", ["perspective", "symmetry", "lighting", "background"])
def test_what_the_perceiver_could_not_see_is_passed_on(name: str):
    checker = checkers.get(name)()
    for sight, kind in ((Abstained("too small"), Abstained), (Failed("broke"), Failed)):
        known = Percepts(dict.fromkeys(checker.ask(CASE, Percepts()), sight))
        assert isinstance(checker.measure(CASE, known), kind)


# --- photographs and drawings --------------------------------------------------------------------


def test_flat_drawings_are_given_no_code_but_what_is_drawn(looker):
    drawn = Image.new("RGB", (512, 512), "white")
    shown = np.asarray(drawn).copy()
    cv2.circle(shown, (200, 260), 90, (210, 30, 40), -1, cv2.LINE_AA)
    cv2.rectangle(shown, (320, 120), (450, 300), (20, 60, 200), -1)
    outcomes = looker.measured(fit_scene.picture_of(shown))
    assert not any(outcome.codes for outcome in outcomes.values())


@pytest.mark.slow
def test_jpeg_and_half_size_change_the_codes_of_one_photograph_in_seven_at_most(looker, corpora: Path):
    names = (
        "defects/skimage/rocket.jpg", "defects/skimage/motorcycle_left.png", "text/easyocr/french.jpg",
        "faces/face_recognition/examples/lin-manuel-miranda.png", "generic/t2v_metrics/0.png",
        "faces/annotated_faces/aflw/image04476.jpg", "text/anytext/ref12.png",
    )  # fmt: skip
    changed = []
    for name in names:
        picture, _ = decode((corpora / name).read_bytes(), name)
        half = cv2.resize(picture.rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        worn = fit_scene.picture_of(picture.rgb, 75)
        versions = [fit_scene.picture_of(picture.rgb), worn, fit_scene.picture_of(half)]
        codes = [
            sorted(code for outcome in looker.measured(version).values() for code in outcome.codes)
            for version in versions
        ]
        if not codes[0] == codes[1] == codes[2]:
            changed.append((name, codes))
    assert len(changed) <= 1, changed


def test_bars_survive_jpeg_and_half_size(looker):
    photo = fit_scene.draw_street(np.random.default_rng(8), 0.0)[0]
    barred = np.zeros((850, 900, 3), np.uint8)
    barred[100:750] = photo
    half = cv2.resize(barred, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    for picture in (fit_scene.picture_of(barred, 75), fit_scene.picture_of(half), fit_scene.picture_of(half, 75)):
        outcome = looker.measured(picture, ("background",))["background"]
        assert "background.bars" in outcome.codes
        assert outcome.regions[0].box[1] * 850 / picture.height == pytest.approx(100, abs=4)


def test_the_figures_of_a_tally_are_counts_with_an_interval():
    tally = fit_scene.Tally()
    told = Measured(measures={"frame": 0.2}, codes=("background.bars",))
    for outcome in (told, None, Measured(measures={"frame": 0.0})):
        tally.add(outcome, "background.bars")
    facts = tally.facts()
    assert (facts["hits"], facts["of"], facts["told"]) == (1, 3, 2)
    assert "1 of 3" in fit_scene.table({"background.bars": {"photographs test": facts}})


def test_photographs_are_dealt_by_their_bytes_and_each_once(tmp_path: Path, looker):
    held = io.BytesIO()
    Image.fromarray(fit_scene.draw_street(np.random.default_rng(1), 0.0)[0]).save(held, "PNG")
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(held.getvalue())
    (tmp_path / "c.txt").write_text("no picture")
    photos = list(fit_scene.photographs([tmp_path], looker))
    assert len(photos) == 1
    assert photos[0].faces == ()
    trials = list(fit_scene.planted_trials(photos[0], np.random.default_rng(0)))
    assert {trial.fitting for trial in trials} == {photos[0].fitting}
    assert len({trial.code for trial in trials}) >= 6
