"""Embeddings of real model classes with random weights, saved and loaded as strangers' models are."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from imgaudit.errors import ModelUnavailable, UsageError
from imgaudit.perceivers._vectors import SSCD_BASIS, SSCD_MEAN, SSCD_STD
from imgaudit.perceivers.embedding import EmbeddingPerceiver, parts_of
from imgaudit.percepts import Embedding
from imgaudit.registry import perceivers
from imgaudit.types import Abstained, Failed, Look, Picture, Query

QUERY = Query("embedding")


def look(rgb: np.ndarray | None, name: str = "a") -> Look:
    return Look(Picture(id=name, data=b"", file="", rgb=rgb, pixels=name), QUERY)


def noise(seed: int, height: int = 40, width: int = 60) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def dino(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny DINOv2 with random weights, with its preprocessing beside it."""
    import torch
    from transformers import BitImageProcessor, Dinov2Config, Dinov2Model

    folder = tmp_path_factory.mktemp("models") / "tiny-dino"
    torch.manual_seed(0)
    config = Dinov2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, mlp_ratio=2, image_size=28, patch_size=14
    )
    Dinov2Model(config).save_pretrained(folder)
    processor = BitImageProcessor(
        size={"shortest_edge": 32}, crop_size={"height": 28, "width": 28}, resample=3,
        image_mean=list(SSCD_MEAN), image_std=list(SSCD_STD), do_convert_rgb=True,
    )  # fmt: skip
    processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def sscd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny network saved as SSCD's authors save theirs: TorchScript that gives unit vectors."""
    import torch
    from torch import nn

    class Copy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Conv2d(3, 8, 8, stride=8), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.normalize(self.layers(x), dim=1)

    torch.manual_seed(1)
    file = tmp_path_factory.mktemp("models") / "sscd_disc_mixup.torchscript.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(Copy().eval()).save(str(file))
    return file


def test_without_a_model_it_is_not_there_and_says_which_there_are():
    assert perceivers.get("embedding") is EmbeddingPerceiver
    with pytest.raises(ModelUnavailable) as error:
        EmbeddingPerceiver()
    assert "no embedding model was named" in error.value.reason
    assert "dinov2:facebook/dinov2-base" in (error.value.remedy or "")


@pytest.mark.parametrize("kind", ["dinov2", "sscd"])
def test_vectors_have_length_one_and_do_not_depend_on_the_batch(kind: str, dino: Path, sscd: Path):
    perceiver = EmbeddingPerceiver(f"{kind}:{dino if kind == 'dinov2' else sscd}")
    looks = [look(noise(seed), str(seed)) for seed in range(5)]

    together = perceiver.perceive(looks)
    alone = [perceiver.perceive([one])[0] for one in looks]

    for one, other in zip(together, alone, strict=True):
        assert isinstance(one, Embedding)
        assert isinstance(other, Embedding)
        assert np.linalg.norm(one.vector) == pytest.approx(1, abs=1e-4)
        assert one.vector == pytest.approx(other.vector, abs=1e-5)
    assert len({one.vector for one in together}) == 5  # type: ignore[union-attr]


def test_dino_gives_the_class_token_that_transformers_gives(dino: Path):
    import torch
    from PIL import Image
    from transformers import AutoImageProcessor, AutoModel

    rgb = noise(3)
    seen = EmbeddingPerceiver(f"dinov2:{dino}").perceive([look(rgb)])[0]

    model, processor = AutoModel.from_pretrained(dino), AutoImageProcessor.from_pretrained(dino)
    with torch.inference_mode():
        token = model(**processor(images=Image.fromarray(rgb), return_tensors="pt")).last_hidden_state[0, 0].numpy()
    assert isinstance(seen, Embedding)
    assert seen.vector == pytest.approx(token / np.linalg.norm(token), abs=1e-5)
    assert seen.model == "dinov2 tiny-dino"
    assert seen.copy_from is None


def test_sscd_carries_the_threshold_of_its_authors_and_another_file_none(sscd: Path):
    seen = EmbeddingPerceiver(f"sscd:{sscd}").perceive([look(noise(0))])[0]
    other = sscd.with_name("another.pt")
    other.write_bytes(sscd.read_bytes())

    assert isinstance(seen, Embedding)
    assert (seen.copy_from, seen.copy_basis) == (0.75, SSCD_BASIS)
    assert EmbeddingPerceiver(f"sscd:{other}").perceive([look(noise(0))])[0].copy_from is None  # type: ignore[union-attr]


def test_a_picture_that_cannot_be_embedded_fails_by_itself(dino: Path):
    perceiver = EmbeddingPerceiver(f"dinov2:{dino}")

    first, second, third = perceiver.perceive([look(noise(0)), look(None, "b"), look(noise(1), "c")])

    assert isinstance(first, Embedding)
    assert isinstance(second, Abstained)
    assert isinstance(third, Embedding)


def test_a_strip_costs_no_gigabytes(dino: Path):
    import resource

    strip = np.tile(noise(0, 2, 40), (1, 1000, 1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seen = EmbeddingPerceiver(f"dinov2:{dino}").perceive([look(strip)])[0]

    assert isinstance(seen, Embedding)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def test_a_model_that_gives_nonsense_fails_and_gives_no_number(dino: Path, monkeypatch: pytest.MonkeyPatch):
    perceiver = EmbeddingPerceiver(f"dinov2:{dino}")
    monkeypatch.setattr(perceiver._model, "_run", lambda batch: batch.flatten(1)[:, :4] * float("nan"))

    assert isinstance(perceiver.perceive([look(noise(0))])[0], Failed)


def test_the_identity_changes_with_the_weights_and_the_threshold(dino: Path, sscd: Path):
    plain = EmbeddingPerceiver(f"dinov2:{dino}").identity()

    assert len(plain["weights"]) == 64
    assert "copy_from" not in plain
    assert EmbeddingPerceiver(f"dinov2:{dino};threshold=0.8").identity() == {**plain, "copy_from": "0.8"}
    assert EmbeddingPerceiver(f"sscd:{sscd}").identity()["weights"] != plain["weights"]


def test_clip_can_embed_too_and_abstains_outside_its_world():
    perceiver = EmbeddingPerceiver("clip:embedded;threshold=0.99")

    assert isinstance(perceiver.perceive([look(noise(0))])[0], Abstained)
    assert perceiver.identity()["model"] == "embedded"


def test_a_measured_threshold_belongs_to_one_model(dino: Path, sscd: Path, tmp_path: Path):
    known = EmbeddingPerceiver(f"dinov2:{dino}").identity()
    file = tmp_path / "copies.json"
    content = {"format": "imgaudit-copies/1", "copy_from": 0.83, "basis": "measured on 40 drawings", "model": known}
    file.write_text(json.dumps(content))

    seen = EmbeddingPerceiver(f"dinov2:{dino};calibration={file}").perceive([look(noise(0))])[0]

    assert isinstance(seen, Embedding)
    assert (seen.copy_from, seen.copy_basis) == (0.83, "measured on 40 drawings")
    with pytest.raises(UsageError, match="another model or other weights"):
        EmbeddingPerceiver(f"sscd:{sscd};calibration={file}")
    file.write_text("{}")
    with pytest.raises(UsageError, match="no calibration of copies"):
        EmbeddingPerceiver(f"dinov2:{dino};calibration={file}")


@pytest.mark.parametrize(
    "option", ["nonsense", "dinov2:", "sscd", "clip:", "dinov2:x;threshold=2", "dinov2:x;threshold=a", "dinov2:x;y=1"]
)
def test_what_is_no_spec_is_told(option: str, dino: Path):
    with pytest.raises(UsageError, match=r"--embedding|expected"):
        EmbeddingPerceiver(option.replace(":x", f":{dino}"))


def test_a_threshold_is_named_once():
    with pytest.raises(UsageError, match="not both"):
        parts_of("dinov2:x;threshold=0.5;calibration=a.json")


def test_what_is_no_model_is_not_available(tmp_path: Path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "model.pt").write_bytes(b"no model")

    for option in (f"dinov2:{tmp_path}", f"sscd:{tmp_path / 'model.pt'}", f"sscd:{tmp_path / 'gone.pt'}",
                   "dinov2:nobody/nothing"):  # fmt: skip
        with pytest.raises(ModelUnavailable) as error:
            EmbeddingPerceiver(option)
        assert error.value.remedy
        assert str(tmp_path) not in error.value.reason


def test_weights_that_could_hide_code_are_not_read(dino: Path, tmp_path: Path):
    import torch
    from transformers import AutoModel

    for name in ("config.json", "preprocessor_config.json"):
        (tmp_path / name).write_bytes((dino / name).read_bytes())
    torch.save(AutoModel.from_pretrained(dino).state_dict(), tmp_path / "pytorch_model.bin")

    with pytest.raises(ModelUnavailable):
        EmbeddingPerceiver(f"dinov2:{tmp_path}")
