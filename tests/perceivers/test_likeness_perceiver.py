"""Faces compared with a user's own galleries, by models of real classes with random weights."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import lit_faces
import numpy as np
import pytest
from PIL import Image
from test_clip import save_model

from imgaudit.errors import ModelUnavailable, UsageError
from imgaudit.perceivers import _face_models, landmarks
from imgaudit.perceivers.likeness import LikenessPerceiver, wanted
from imgaudit.percepts import Face, Landmarks, Likenesses
from imgaudit.types import Abstained, Failed, Look, Picture, Query, Sight

FACES = Query("landmarks", {"parts": ["faces"]})
LIKENESS = Query("likeness", {}, (FACES,))


# --- a small ONNX model, written by hand: the mean of each of 16 places ---------------------------------------------


def _varint(value: int) -> bytes:
    parts = []
    while True:
        parts.append((value & 0x7F) | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(parts)


def _field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _tensor_type(name: str, shape: Sequence[int]) -> bytes:
    dims = b"".join(_field(1, _field(1, size)) for size in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, dims)))


def _node(kind: str, taken: str, given: str, **attributes: Sequence[int]) -> bytes:
    told = b"".join(
        _field(5, _field(1, name) + b"".join(_field(8, value) for value in values) + _field(20, 7))
        for name, values in attributes.items()
    )
    return _field(1, _field(1, taken) + _field(2, given) + _field(4, kind) + told)


def onnx_model(side: int = 112) -> bytes:
    """Averages of a 4 by 4 grid, as a vector of 48."""
    step = side // 4
    graph = (
        _node("AveragePool", "x", "grid", kernel_shape=(step, step), strides=(step, step))
        + _node("Flatten", "grid", "y")
        + _field(2, "tiny")
        + _field(11, _tensor_type("x", (1, 3, side, side)))
        + _field(12, _tensor_type("y", (1, 48)))
    )
    return _field(1, 8) + _field(7, graph) + _field(8, _field(2, 13))


# --- faces that are found where they were drawn ---------------------------------------------------------------------


class Finder:
    """In place of the landmarks: a face is where a picture is not plain, and its mesh is the drawn one."""

    def perceive(self, looks: Sequence[Look]) -> list[Sight]:
        return [found(look.picture.rgb) for look in looks]


def found(rgb: np.ndarray | None) -> Sight:
    assert rgb is not None
    if rgb.std() < 1:
        return Landmarks()
    number = rgb.shape[1] // lit_faces.SIDE
    return Landmarks(faces=tuple(face(lit_faces.SIDE * index) for index in range(number)))


def face(right: int = 0) -> Face:
    x0, y0, x1, y1 = (float(v) for v in lit_faces.box()[0])
    mesh = lit_faces.mesh() + np.array((right, 0, 0))
    # eyes, nose and mouth of the drawn mesh
    mesh[1] = (lit_faces.CENTRE[0] + right, 175, 0)
    mesh[61], mesh[291] = (132 + right, 215, 0), (188 + right, 215, 0)
    rows = tuple((float(x), float(y), float(z)) for x, y, z in mesh)
    return Face(box=(x0 + right, y0, x1 + right, y1), score=0.9, mesh=rows)


def drawn(tone: int, lamp: float = 0.0, seed: int = 0) -> np.ndarray:
    return lit_faces.draw(lit_faces.Scene(lit_faces.TONES[tone], lamp=(lamp, -0.4, 1.0)), seed)


def saved(rgb: np.ndarray, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(path)
    return path


def picture(*faces: np.ndarray) -> Picture:
    return Picture("p", b"", "0" * 64, np.hstack(faces), "0" * 64)


@pytest.fixture
def galleries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    monkeypatch.setattr(landmarks, "LandmarkPerceiver", Finder)
    (tmp_path / "model.onnx").write_bytes(onnx_model())
    saved(drawn(0, lamp=-0.9), tmp_path / "deny/Person A/one.png")
    saved(drawn(0, lamp=-0.9, seed=3), tmp_path / "deny/Person A/two.png")
    saved(drawn(6, lamp=0.9), tmp_path / "consent/agreed.png")
    return {name: str(tmp_path / name) for name in ("deny", "consent", "model.onnx")}


def option(given: Mapping[str, str], at: str = "0.99", *names: str) -> str:
    chosen = names or ("deny", "consent")
    return ";".join([f"model=onnx:{given['model.onnx']}", f"at={at}", *(f"{name}={given[name]}" for name in chosen)])


def perceive(perceiver: LikenessPerceiver, shown: Picture, upstream: Sight) -> Sight:
    (sight,) = perceiver.perceive([Look(shown, LIKENESS, (upstream,))])
    return sight


def test_the_percept_is_sensitive() -> None:
    assert Likenesses.sensitive


def test_a_face_of_each_gallery_is_nearest_to_its_own(galleries: Mapping[str, str]) -> None:
    perceiver = LikenessPerceiver(option(galleries))

    shown = picture(drawn(0, lamp=-0.9, seed=8), drawn(6, lamp=0.9, seed=9))
    sight = perceive(perceiver, shown, Landmarks(faces=(face(), face(lit_faces.SIDE))))

    assert isinstance(sight, Likenesses)
    first, second = ({match.gallery: match for match in one} for one in sight.faces)
    assert first["deny"].name == "Person A"
    assert first["deny"].cosine > 0.99 > first["consent"].cosine
    assert second["consent"].name == "agreed"
    assert second["consent"].cosine > 0.99 > second["deny"].cosine
    assert sight.galleries == {"deny": 2, "consent": 1}
    assert sight.unusable == 0


def test_the_record_names_model_cosine_and_galleries(galleries: Mapping[str, str]) -> None:
    facts = LikenessPerceiver(option(galleries)).identity()

    assert facts["model"] == "onnx model.onnx"
    assert facts["same_from"] == "0.99"
    assert (facts["deny faces"], facts["consent faces"]) == ("2", "1")
    assert len(facts["weights"]) == len(facts["deny gallery"]) == 64
    assert not any("/" in value and "deny" in value for value in facts.values())


def test_broken_files_of_a_gallery_are_told_and_the_rest_is_used(galleries: Mapping[str, str]) -> None:
    folder = Path(galleries["deny"])
    (folder / "broken.jpg").write_bytes(b"no picture")
    saved(np.full((64, 64, 3), 90, np.uint8), folder / "plain.png")
    saved(np.hstack([drawn(0), drawn(1)]), folder / "pair.png")

    perceiver = LikenessPerceiver(option(galleries))

    told = perceiver.identity()["deny files not used"]
    assert told.startswith("3: ")
    assert "broken.jpg: cannot be read as a picture" in told
    assert "plain.png: shows no face" in told
    assert "pair.png: shows 2 faces; one is expected" in told
    sight = perceive(perceiver, picture(drawn(0)), Landmarks(faces=(face(),)))
    assert isinstance(sight, Likenesses)
    assert sight.unusable == 3


def test_a_gallery_without_any_face_abstains(galleries: Mapping[str, str], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    given = {**galleries, "deny": str(tmp_path / "empty")}

    with pytest.raises(ModelUnavailable, match=r"no face can be taken from the deny gallery \(it is empty"):
        LikenessPerceiver(option(given, "0.5", "deny"))


def test_without_an_option_nothing_is_compared() -> None:
    with pytest.raises(ModelUnavailable, match="compared with no gallery") as raised:
        LikenessPerceiver()
    assert "--likeness" in raised.value.remedy


def test_faces_without_a_mesh_are_not_compared(galleries: Mapping[str, str]) -> None:
    bare = face().model_copy(update={"mesh": None})

    sight = perceive(LikenessPerceiver(option(galleries)), picture(drawn(0)), Landmarks(faces=(bare,)))

    assert isinstance(sight, Likenesses)
    assert sight.faces == ()
    assert sight.refused == ("no mesh could be fitted to the face",)


def test_no_face_and_a_wrong_upstream_are_told_apart(galleries: Mapping[str, str]) -> None:
    perceiver = LikenessPerceiver(option(galleries))

    assert perceive(perceiver, picture(drawn(0)), Landmarks()) == Abstained("no face was found")
    assert isinstance(perceive(perceiver, picture(drawn(0)), Likenesses.model_construct()), Failed)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("deny=.;at=0.5", "names no model, and there is no default"),
        ("model=onnx:x.onnx;at=0.5", "names no gallery"),
        ("model=onnx:x.onnx;at=0.5;deny=/no/such/folder", "is no folder"),
        ("model=onnx:x.onnx;deny=.", "at=.missing."),
        ("model=onnx:x.onnx;deny=.;at=2", "at=2: expected the cosine"),
        ("model=onnx:x.onnx;deny=.;at=0.5;race=x", "unknown part 'race'"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        wanted(text)


def test_the_embedded_models_tell_nobody_apart() -> None:
    with pytest.raises(UsageError, match="embedded models do not tell faces apart"):
        _face_models.load("open_clip:embedded")
    with pytest.raises(UsageError, match="unknown model"):
        _face_models.load("embedded")


def test_a_missing_or_broken_model_abstains(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(struct.pack("<8s", b"nonsense"))

    with pytest.raises(ModelUnavailable, match="there is no model of faces"):
        _face_models.load(f"onnx:{tmp_path}/none.onnx")
    with pytest.raises(ModelUnavailable, match=r"bad\.onnx: cannot be loaded"):
        _face_models.load(f"onnx:{tmp_path}/bad.onnx")
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        _face_models.load(f"transformers:{tmp_path}")


def test_an_onnx_model_is_given_what_it_was_trained_on(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(onnx_model())
    model = _face_models.load(f"onnx:{tmp_path / 'model.onnx'}")
    face_square = np.zeros((112, 112, 3), np.uint8)
    face_square[..., 0], face_square[..., 2] = 255, 127

    vector = model.vector(face_square)

    red, green, blue = vector[:16].mean(), vector[16:32].mean(), vector[32:].mean()
    assert model.side == 112
    assert red == pytest.approx(-green)
    assert abs(blue) < 0.01 * red
    assert np.linalg.norm(vector) == pytest.approx(1)


def test_open_clip_and_transformers_models_embed_faces(tmp_path: Path) -> None:
    import torch
    import transformers

    torch.manual_seed(1)
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=32, patch_size=8
    )
    transformers.ViTModel(config).save_pretrained(tmp_path / "vit")
    transformers.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(tmp_path / "vit")
    specs = (f"open_clip:{save_model(tmp_path / 'tiny-clip')}", f"transformers:{tmp_path / 'vit'}")

    for spec in specs:
        model = _face_models.load(spec)
        square = np.asarray(Image.fromarray(drawn(3)).resize((model.side, model.side)))
        assert np.linalg.norm(model.vector(square)) == pytest.approx(1, abs=1e-4)
        assert model.vector(square) == pytest.approx(model.vector(square))
        assert str(tmp_path) not in model.label
        assert len(model.identity["weights"]) >= 64
