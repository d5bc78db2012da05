"""Looking for hands, faces and bodies, on real photographs and on hostile sizes."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from imgaudit.errors import ModelUnavailable
from imgaudit.kernels import hand_geometry
from imgaudit.perceivers import _mediapipe
from imgaudit.perceivers.landmarks import LandmarkPerceiver
from imgaudit.percepts import Landmarks
from imgaudit.types import Abstained, Look, Percept, Picture, Query, Sight

pytestmark = pytest.mark.skipif(
    sys.version_info >= (3, 13), reason="there is no mediapipe with models for Python 3.13 or later"
)

GESTURES = "hands/real_mediapipe_gesture"
THUMB = "hands/real_mediapipe_samples/hand_thumb_up.jpg"


@pytest.fixture(scope="module")
def perceiver() -> LandmarkPerceiver:
    return LandmarkPerceiver()


@pytest.fixture(scope="module")
def thumb(corpora: Path) -> np.ndarray:
    return opened(corpora / THUMB)


@pytest.fixture(scope="module")
def person(corpora: Path) -> np.ndarray:
    """A man at a desk who shows four fingers of one hand."""
    return opened(sorted((corpora / GESTURES / "four").glob("*.jpg"))[5])


def opened(path: Path) -> np.ndarray:
    if not path.is_file():
        pytest.skip(f"no picture at {path}")
    return np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))


def seen_as(rgb: np.ndarray | None, **parameters: list[str]) -> Look:
    data = b"" if rgb is None else rgb.tobytes()
    picture = Picture(id="p", data=b"", file=hashlib.sha256(data).hexdigest(), rgb=rgb)
    return Look(picture, Query("landmarks", parameters))


def seen(perceiver: LandmarkPerceiver, rgb: np.ndarray, **parameters: list[str]) -> Landmarks:
    (sight,) = perceiver.perceive([seen_as(rgb, **parameters)])
    assert isinstance(sight, Landmarks), sight
    return sight


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.mark.usefixtures("no_network")
def test_it_is_built_and_looks_without_a_socket() -> None:
    sight = seen(LandmarkPerceiver(), np.zeros((64, 64, 3), np.uint8))

    assert sight.hands == sight.faces == sight.poses == ()


def test_nothing_is_printed_and_nothing_heavy_is_imported_before_it_is_built() -> None:
    script = """
        import sys
        import imgaudit.perceivers.landmarks as landmarks
        assert not {"mediapipe", "cv2", "torch"} & set(sys.modules), "imported too early"
        import numpy as np
        from imgaudit.types import Look, Picture, Query
        picture = Picture(id="p", data=b"", file="0", rgb=np.zeros((80, 80, 3), np.uint8))
        landmarks.LandmarkPerceiver().perceive([Look(picture, Query("landmarks"))])
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_missing_wheel_is_said_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_mediapipe, "find_spec", lambda _name: None)

    with pytest.raises(ModelUnavailable, match=r"mediapipe is not installed") as caught:
        LandmarkPerceiver()
    assert "0.10.14" in caught.value.remedy


def test_a_wheel_without_models_is_said_with_the_file_that_lacks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Spec:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(_mediapipe, "find_spec", lambda _name: Spec())

    with pytest.raises(ModelUnavailable, match=r"does not carry palm_detection"):
        LandmarkPerceiver()


def test_its_identity_names_every_network(perceiver: LandmarkPerceiver) -> None:
    identity = perceiver.identity()

    assert {Path(model.file).stem for model in _mediapipe.MODELS} < set(identity)
    assert all(identity.values())


@pytest.mark.parametrize(
    ("width", "height"), [(1, 1), (4, 4000), (4000, 1), (15, 900), (16, 16), (3000, 16), (16, 20_000), (17, 19)]
)
def test_any_size_ends_in_a_reason_or_in_nothing_seen(perceiver: LandmarkPerceiver, width: int, height: int) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)

    (sight,) = perceiver.perceive([seen_as(rgb)])

    if min(width, height) < 16:
        assert isinstance(sight, Abstained)
        assert f"{width} x {height}" in sight.reason
    else:
        assert isinstance(sight, Landmarks)


def test_a_picture_that_could_not_be_decoded_is_an_abstention(perceiver: LandmarkPerceiver) -> None:
    (sight,) = perceiver.perceive([seen_as(None)])

    assert isinstance(sight, Abstained)


def test_the_same_picture_is_seen_alike_in_any_order_and_by_any_object(
    perceiver: LandmarkPerceiver, thumb: np.ndarray, person: np.ndarray
) -> None:
    first: list[Sight] = list(perceiver.perceive([seen_as(thumb), seen_as(person), seen_as(thumb)]))
    second: list[Sight] = list(LandmarkPerceiver().perceive([seen_as(person), seen_as(thumb)]))

    assert first[0] == first[2] == second[1]
    assert first[1] == second[0]


def test_the_points_of_a_hand_are_those_of_mediapipes_own_solution(
    perceiver: LandmarkPerceiver, thumb: np.ndarray
) -> None:
    with _mediapipe.quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mediapipe.python.solutions.hands import Hands

        with Hands(static_image_mode=True, max_num_hands=1) as solution:
            result = solution.process(thumb)
    height, width = thumb.shape[:2]
    expected = np.array([[p.x * width, p.y * height] for p in result.multi_hand_landmarks[0].landmark])
    mirrored_label = result.multi_handedness[0].classification[0].label

    (hand,) = seen(perceiver, thumb).hands

    assert hand_geometry.distance(expected, np.array(hand.points)[:, :2]) < 0.06
    assert hand.side != mirrored_label.lower()
    assert hand.presence is not None
    assert hand.presence > 0.9


def test_a_body_is_where_mediapipes_own_solution_sees_it(perceiver: LandmarkPerceiver, person: np.ndarray) -> None:
    with _mediapipe.quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mediapipe.python.solutions.pose import Pose

        with Pose(static_image_mode=True, model_complexity=1) as solution:
            result = solution.process(person)
    height, width = person.shape[:2]
    expected = np.array([[p.x * width, p.y * height, p.visibility] for p in result.pose_landmarks.landmark])

    (pose,) = seen(perceiver, person, parts=["poses"]).poses

    points = np.array(pose.points)
    shoulders = float(np.linalg.norm(expected[11, :2] - expected[12, :2]))
    upper = [0, 11, 12, 13, 14, 15, 16]
    assert np.linalg.norm(points[upper, :2] - expected[upper, :2], axis=1).max() < 0.2 * shoulders
    assert np.abs(points[upper, 3] - expected[upper, 2]).max() < 0.15


def test_a_mirrored_picture_shows_the_other_hand_at_the_mirrored_place(
    perceiver: LandmarkPerceiver, thumb: np.ndarray
) -> None:
    (hand,) = seen(perceiver, thumb).hands
    (other,) = seen(perceiver, np.ascontiguousarray(thumb[:, ::-1])).hands

    mirrored = np.array(other.points)[:, :2] * [-1, 1] + [thumb.shape[1], 0]
    assert other.side != hand.side
    assert hand_geometry.distance(np.array(hand.points)[:, :2], mirrored) < 0.1


def test_a_good_hand_is_seen_alike_in_every_view(perceiver: LandmarkPerceiver, thumb: np.ndarray) -> None:
    (hand,) = seen(perceiver, thumb).hands

    assert hand.views is not None
    assert hand.views.jitter < 0.05
    assert hand.views.mirror < 0.1
    assert hand.views.flips


def test_a_small_person_in_a_large_picture_still_has_a_face_a_body_and_a_hand(
    perceiver: LandmarkPerceiver, person: np.ndarray
) -> None:
    large = np.full((person.shape[0] * 3, person.shape[1] * 3, 3), 128, np.uint8)
    x, y = person.shape[1] * 2, person.shape[0]
    large[y : y + person.shape[0], x : x + person.shape[1]] = person
    near, far = seen(perceiver, person), seen(perceiver, large)

    shift = np.array(far.hands[0].points)[:, :2] - [x, y]
    assert len(far.faces) == len(far.poses) == 1
    assert hand_geometry.distance(np.array(near.hands[0].points)[:, :2], shift) < 0.15


def test_only_what_was_asked_for_is_told(perceiver: LandmarkPerceiver, person: np.ndarray) -> None:
    everything = seen(perceiver, person)
    faces = seen(perceiver, person, parts=["faces"])
    hands = seen(perceiver, person, parts=["hands"])

    assert faces.parts == ("faces",)
    assert faces.faces == everything.faces
    assert faces.hands == faces.poses == ()
    assert hands.hands == everything.hands
    assert hands.faces == ()


def test_a_face_has_its_mesh_inside_and_its_irises_between_the_corners_of_the_eyes(
    perceiver: LandmarkPerceiver, person: np.ndarray
) -> None:
    enlarged = np.asarray(Image.fromarray(person).resize((person.shape[1] * 3, person.shape[0] * 3)))

    (face,) = seen(perceiver, enlarged, parts=["faces"]).faces

    assert face.mesh is not None
    mesh = np.array(face.mesh)
    assert len(mesh) == 478
    for centre, (a, b) in ((468, (33, 133)), (473, (362, 263))):
        assert mesh[a, 0] < mesh[centre, 0] < mesh[b, 0]
    x0, y0, x1, y1 = face.box
    inside = (mesh[:, 0] > x0 - 30) & (mesh[:, 0] < x1 + 30) & (mesh[:, 1] > y0 - 80) & (mesh[:, 1] < y1 + 30)
    assert inside.mean() > 0.95


def test_grey_noise_shows_nobody(perceiver: LandmarkPerceiver) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (256, 256, 1), np.uint8).repeat(3, axis=2)

    sight = seen(perceiver, noise)

    assert sight.faces == sight.poses == ()
    assert all((hand.presence or 0) < 0.5 for hand in sight.hands)


def test_the_percept_survives_being_stored(perceiver: LandmarkPerceiver, person: np.ndarray) -> None:
    sight: Percept = seen(perceiver, person)

    assert Landmarks.model_validate_json(sight.model_dump_json()) == sight
