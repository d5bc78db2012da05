"""The skin perceiver builds on landmarks and says why it refuses a face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgaudit.kernels import skin
from imgaudit.perceivers.skin import SkinPerceiver
from imgaudit.percepts import Face, Landmarks, Pixels, SkinPatch
from imgaudit.types import Abstained, Failed, Look, Picture, Query, Sight

FACES = Query("landmarks", {"parts": ["faces"]})
SKIN = Query("skin", {}, (FACES,))
TAN = (190, 145, 105)


def drawn(side: int = 400) -> np.ndarray:
    """Two faces, a large tan one on the left and a smaller brown one on the right, before gray-balanced tiles."""
    half = np.random.default_rng(5).integers(40, 216, (8, 4, 3))
    tiles = np.kron(np.concatenate([half, 255 - half], 1), np.ones((side // 8, side // 8, 1)))
    tiles[40:360, 20:220] = TAN
    tiles[100:300, 240:380] = (96, 65, 52)
    return tiles.astype(np.uint8)


def face(x: float, y: float, scale: float, mesh: bool = True) -> Face:
    points = np.zeros((468, 3))
    for indices, (dx, dy) in ((skin.LEFT_CHEEK, (-50, 20)), (skin.RIGHT_CHEEK, (50, 20)), (skin.FOREHEAD, (0, -80))):
        angles = np.linspace(0, 2 * np.pi, len(indices), endpoint=False)
        points[list(indices)] = np.stack([dx + 20 * np.cos(angles), dy + 20 * np.sin(angles), 0 * angles], 1)
    points[234, 0], points[454, 0] = -90, 90
    placed = points * scale + (x, y, 0)
    rows = tuple((float(a), float(b), float(c)) for a, b, c in placed)
    box = (x - 100 * scale, y - 150 * scale, x + 100 * scale, y + 150 * scale)
    return Face(box=box, score=0.9, mesh=rows if mesh else None)


def landmarks(*faces: Face) -> Landmarks:
    return Landmarks(width=400, height=400, faces=faces)


def perceive(rgb: np.ndarray | None, upstream: Sight) -> Sight:
    picture = Picture(id="p", data=b"", file="0" * 64, rgb=rgb)
    (sight,) = SkinPerceiver().perceive([Look(picture, SKIN, (upstream,))])
    return sight


def test_tones_come_with_the_largest_face_first() -> None:
    sight = perceive(drawn(), landmarks(face(310, 200, 0.65), face(120, 200, 1.0)))

    assert isinstance(sight, SkinPatch)
    assert [skin.tone_group(tone) for tone in sight.tones] == ["medium", "dark"]
    assert sight.refused == ()


def test_the_percept_is_sensitive() -> None:
    assert SkinPatch.sensitive


def test_a_face_without_mesh_is_refused_beside_one_that_is_read() -> None:
    sight = perceive(drawn(), landmarks(face(120, 200, 1.0), face(310, 200, 0.65, mesh=False)))

    assert isinstance(sight, SkinPatch)
    assert len(sight.tones) == 1
    assert sight.refused == ("no mesh could be fitted to the face",)


def test_a_grayscale_picture_refuses_every_face() -> None:
    gray = np.repeat(drawn().mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)

    sight = perceive(gray, landmarks(face(120, 200, 1.0), face(310, 200, 0.65)))

    assert isinstance(sight, SkinPatch)
    assert sight.tones == ()
    assert len(sight.refused) == 2
    assert "grayscale" in sight.refused[0]


@pytest.mark.parametrize("upstream", [Abstained("no model"), Failed("broke")])
def test_what_landmarks_could_not_tell_is_passed_on(upstream: Sight) -> None:
    assert perceive(drawn(), upstream) is upstream


def test_no_face_no_pixels_and_a_wrong_upstream_are_told_apart() -> None:
    assert perceive(drawn(), landmarks()) == Abstained("no face was found")
    assert perceive(None, landmarks()) == Abstained("the picture could not be decoded")
    assert isinstance(perceive(drawn(), Pixels.model_construct()), Failed)


@pytest.mark.slow
def test_photographs_in_black_and_white_are_refused(corpora: Path) -> None:
    pytest.importorskip("mediapipe")
    from imgaudit.perceivers.landmarks import LandmarkPerceiver

    path = corpora / "faces/annotated_faces/300w/indoor_020.png"
    if not path.is_file():
        pytest.skip(f"no picture at {path}")
    rgb = np.asarray(Image.open(path).convert("RGB"))
    picture = Picture(id="p", data=b"", file="0" * 64, rgb=rgb)
    (seen,) = LandmarkPerceiver().perceive([Look(picture, FACES)])

    sight = perceive(rgb, seen)

    assert isinstance(sight, SkinPatch)
    assert sight.tones == ()
    assert "grayscale" in sight.refused[0]
