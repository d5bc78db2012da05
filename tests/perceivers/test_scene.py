"""The scene perceiver: known scenes are seen as they are, and hostile pictures are measured or abstained from."""

from __future__ import annotations

import math
import tracemalloc
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from imgaudit.calibration.fit_scene import draw_balls, draw_street, turned
from imgaudit.perceivers.scene import ScenePerceiver
from imgaudit.percepts import Balls, Face, FaceScenes, Ground, Landmarks, Mirroring, Segments
from imgaudit.pictures import decode
from imgaudit.registry import checkers, perceivers
from imgaudit.types import Abstained, Case, Failed, Look, Measured, Percepts, Picture, Query

PARTS = ("lines", "mirror", "ground", "balls")
FACES = Query("landmarks", {"parts": ["faces"]})
NAMES = ("perspective", "symmetry", "lighting", "background")


def picture(rgb: np.ndarray) -> Picture:
    held = BytesIO()
    Image.fromarray(rgb).save(held, "PNG")
    return decode(held.getvalue(), "x")[0]


def seen(rgb: np.ndarray, part: str):
    return ScenePerceiver().perceive([Look(picture(rgb), Query("scene", {"part": part}))])[0]


def encoded(image: Image.Image, format: str, **options) -> bytes:
    held = BytesIO()
    image.save(held, format, **options)
    return held.getvalue()


def blots(height: int, width: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(20, 235, (height // 12 + 2, width // 12 + 2, 3), dtype=np.uint8))
    large = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC), float)
    return np.clip(large + rng.normal(0, 4, large.shape), 0, 255).astype(np.uint8)


def test_it_is_registered_and_names_the_libraries_its_answers_rest_on():
    assert perceivers.get("scene") is ScenePerceiver
    assert {"opencv", "numpy", "scipy"} <= set(ScenePerceiver().identity())


def test_the_lines_of_a_street_are_found_and_are_straight():
    rgb, _ = draw_street(np.random.default_rng(2), 0.0)
    lines = seen(rgb, "lines")

    assert isinstance(lines, Segments)
    assert len(lines.segments) > 25
    assert lines.curved < 0.1
    ends = np.array(lines.segments)
    length = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1])
    assert length.min() > 0.05 * math.hypot(*rgb.shape[:2]) - 1
    assert (np.diff(length) <= 0.05).all()


def test_the_axis_of_a_mirrored_picture_is_in_its_middle_and_a_changed_place_is_named():
    half = blots(300, 200)
    whole = np.concatenate([half, half[:, ::-1]], axis=1)
    same = seen(whole, "mirror")
    assert isinstance(same, Mirroring)
    assert same.axis is not None
    assert same.axis.start[0] == pytest.approx(200, abs=4)
    assert same.axis.agreement > 0.9
    assert same.axis.broken < 0.005

    changed = whole.copy()
    changed[110:190, 260:330] = blots(80, 70, seed=5)
    other = seen(changed, "mirror")
    assert isinstance(other, Mirroring)
    assert other.axis is not None
    assert other.axis.broken > 0.01
    assert other.axis.broken_box is not None
    x0, y0, x1, y1 = other.axis.broken_box
    middle = (x0 + x1) / 2
    assert 230 < max(middle, 400 - middle) < 350
    assert 90 < (y0 + y1) / 2 < 210


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_balls_are_found_with_one_light_between_them(seed: int):
    sight = seen(draw_balls(np.random.default_rng(seed), 0.0), "balls")
    assert isinstance(sight, Balls)
    assert len(sight.balls) >= 1
    sides = [math.atan2(ball.shading.y, ball.shading.x) for ball in sight.balls]
    assert max(abs(math.remainder(side - sides[0], 2 * math.pi)) for side in sides) < 0.3


def test_a_copied_patch_is_found_at_both_places():
    rgb = blots(400, 500)
    rgb[250:370, 330:470] = rgb[20:140, 30:170]
    ground = seen(rgb, "ground")

    assert isinstance(ground, Ground)
    assert ground.copies
    copy = ground.copies[0]
    assert copy.pairs >= 6
    assert copy.likeness > 0.95
    assert copy.again[0] - copy.box[0] == pytest.approx(300, abs=8)
    assert copy.again[1] - copy.box[1] == pytest.approx(230, abs=8)


def test_looks_at_one_picture_share_the_work_and_keep_their_order():
    one, two = picture(blots(120, 160)), picture(blots(130, 170, seed=3))
    looks = [Look(p, Query("scene", {"part": part})) for p in (one, two) for part in PARTS]
    together = ScenePerceiver().perceive(looks)

    assert together == [ScenePerceiver().perceive([look])[0] for look in looks]


def test_faces_build_on_what_the_landmarks_perceiver_said():
    query = Query("scene", {"part": "faces"}, (FACES,))
    perceiver, shown = ScenePerceiver(), picture(blots(120, 160))
    none = Landmarks(width=160, height=120, parts=("faces",))
    unmeshed = none.model_copy(update={"faces": (Face(box=(10, 10, 60, 60), score=0.9, mesh=None),)})

    assert perceiver.perceive([Look(shown, query, (none,))]) == [FaceScenes()]
    assert perceiver.perceive([Look(shown, query, (unmeshed,))]) == [FaceScenes()]
    assert perceiver.perceive([Look(shown, query, (Abstained("no model"),))]) == [Abstained("no model")]
    assert isinstance(perceiver.perceive([Look(shown, query, (Balls(),))])[0], Failed)


def test_a_large_picture_with_bars_is_seen_in_bounded_memory():
    rgb = np.tile(blots(500, 500), (12, 12, 1))
    rgb[:480] = rgb[-480:] = 0
    large = Picture("large", b"", "0" * 64, rgb, "0" * 64)
    tracemalloc.start()
    ground = ScenePerceiver().perceive([Look(large, Query("scene", {"part": "ground"}))])[0]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert isinstance(ground, Ground)
    assert ground.frame is not None
    assert ground.frame.box == (0, 480, 6000, 5520)
    assert peak < 250 << 20


def test_a_picture_that_could_not_be_decoded_has_no_scene():
    broken = Picture("x", b"", "0" * 64)
    sight = ScenePerceiver().perceive([Look(broken, Query("scene", {"part": "lines"}))])[0]
    assert isinstance(sight, Abstained)


def lab_tiff() -> bytes:
    return encoded(Image.fromarray(blots(80, 100)).convert("LAB"), "TIFF")


def float_tiff_with_nan() -> bytes:
    values = np.linspace(0, 1, 90 * 80, dtype=np.float32).reshape(80, 90)
    values[10:20, 10:20] = np.nan
    values[30, 30] = np.inf
    return encoded(Image.fromarray(values), "TIFF")


def animated() -> bytes:
    frames = [Image.fromarray(blots(80, 100, seed=s)) for s in (1, 2, 3)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


HOSTILE = {
    "1 x 1": lambda: encoded(Image.new("RGB", (1, 1), "red"), "PNG"),
    "1 x 20000": lambda: encoded(Image.new("RGB", (1, 20000), "red"), "PNG"),
    "20000 x 1": lambda: encoded(Image.new("L", (20000, 1), 90), "PNG"),
    "20 x 1200": lambda: encoded(Image.fromarray(blots(1200, 20)), "PNG"),
    "16 x 16": lambda: encoded(Image.fromarray(blots(16, 16)), "PNG"),
    "33 x 600": lambda: encoded(Image.fromarray(blots(600, 33)), "PNG"),
    "constant": lambda: encoded(Image.new("RGB", (300, 200), (7, 7, 7)), "PNG"),
    "transparent": lambda: encoded(Image.new("RGBA", (300, 200), (9, 9, 9, 0)), "PNG"),
    "16-bit": lambda: encoded(Image.fromarray(blots(90, 120)[..., 0].astype(np.uint16) * 257), "PNG"),
    "palette": lambda: encoded(Image.fromarray(blots(90, 120)).quantize(9), "PNG"),
    "CMYK": lambda: encoded(Image.fromarray(blots(90, 120)).convert("CMYK"), "JPEG"),
    "Lab": lab_tiff,
    "multi-frame": animated,
    "NaN": float_tiff_with_nan,
    "noise": lambda: encoded(
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)), "PNG"
    ),
    "cut off": lambda: encoded(Image.fromarray(blots(90, 120)), "PNG")[:200],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_a_picture_is_its_scene_is_measured_or_abstained_from_with_a_reason(name: str):
    shown, _ = decode(HOSTILE[name](), "x")
    known = Percepts({FACES: Landmarks(width=shown.width, height=shown.height, parts=("faces",))})
    perceiver = ScenePerceiver()
    for checker in (checkers.get(role)() for role in NAMES):
        for query in checker.ask(Case(id="x"), known):
            look = Look(shown, query, tuple(known[below] for below in query.upstream))
            known = known.merged({query: perceiver.perceive([look])[0]})
            assert not isinstance(known[query], Failed), known[query]
        outcome = checker.measure(Case(id="x"), known)
        assert isinstance(outcome, (Measured, Abstained)), outcome
        if isinstance(outcome, Abstained):
            assert len(outcome.reason) > 10
        else:
            assert all(np.isfinite(value) for value in outcome.measures.values())
            assert not outcome.codes, outcome.codes


def test_a_camera_is_a_rotation():
    camera = turned(20, -7, 3)
    assert camera @ camera.T == pytest.approx(np.eye(3))
