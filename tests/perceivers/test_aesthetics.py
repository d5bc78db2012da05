"""Learned scores: LAION's predictor in its real architecture with small random weights, and percentiles of a set."""

from __future__ import annotations

import importlib.util
import json
import pickle
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.stats import spearmanr

from imgaudit.calibration.make_reference import reference
from imgaudit.checkers.aesthetics import LOOKS, AestheticsChecker
from imgaudit.errors import ModelUnavailable, UsageError
from imgaudit.perceivers.aesthetics import AestheticsPerceiver, Reference, folded, read_weights
from imgaudit.perceivers.clip import Clip
from imgaudit.percepts import Embedding, LearnedScore
from imgaudit.registry import checkers, perceivers
from imgaudit.rubric import load_rubric, packaged_rubrics
from imgaudit.types import Abstained, Case, Look, Measured, Percepts, Picture, Query
from tests.perceivers.test_clip import save_model

CASE = Case(id="a")


def predictor(width: int) -> Any:
    """The improved predictor as LAION publishes it."""
    import torch

    torch.manual_seed(1)
    nn = torch.nn
    layers = nn.Sequential(
        nn.Linear(width, 1024), nn.Dropout(0.2), nn.Linear(1024, 128), nn.Dropout(0.2), nn.Linear(128, 64),
        nn.Dropout(0.1), nn.Linear(64, 16), nn.Linear(16, 1),
    )  # fmt: skip
    model = nn.Module()
    model.layers = layers
    return model.eval()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("models") / "clip")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    path = tmp_path_factory.mktemp("laion") / "predictor.pth"
    torch.save(predictor(16).state_dict(), path)
    return path


def pictures(count: int) -> list[Picture]:
    random = np.random.default_rng(3)
    made = []
    for number in range(count):
        low, high = sorted(random.integers(0, 256, 2))
        rgb = random.integers(low, high + 1, (40, 48, 3), dtype=np.uint8)
        made.append(Picture(id=str(number), data=b"", file="", rgb=rgb, pixels=str(number)))
    return made


def looks(count: int) -> list[Look]:
    return [Look(picture, LOOKS) for picture in pictures(count)]


def test_the_score_is_that_of_the_real_layers_on_the_unit_vector(clip: Path, weights: Path):
    import torch

    sights = AestheticsPerceiver(f"laion:{weights};clip={clip}").perceive(looks(3))

    vectors = Clip(str(clip)).perceive([Look(p, Query("clip", {"embed": True})) for p in pictures(3)])
    for sight, vector in zip(sights, vectors, strict=True):
        assert isinstance(sight, LearnedScore)
        assert isinstance(vector, Embedding)
        expected = predictor(16).layers(torch.tensor(vector.vector)).item()
        assert sight.score == pytest.approx(expected, abs=1e-4)
        assert sight.percentile is None


def test_safetensors_and_the_single_layer_of_the_first_predictor_are_read_too(tmp_path: Path):
    import torch
    from safetensors.torch import save_file

    model, single = predictor(8), torch.nn.Linear(8, 1)
    save_file(model.state_dict(), tmp_path / "five.safetensors")
    torch.save(single.state_dict(), tmp_path / "one.pth")
    vector = np.random.default_rng(0).normal(size=8)

    for path, layers in ((tmp_path / "five.safetensors", model.layers), (tmp_path / "one.pth", single)):
        matrix, bias = folded(read_weights(path, "remedy"))
        assert matrix @ vector + bias == pytest.approx(layers(torch.tensor(vector).float()).item(), abs=1e-4)


def test_a_reference_set_turns_scores_into_percentiles(clip: Path, weights: Path, tmp_path: Path):
    folder = tmp_path / "set"
    folder.mkdir()
    for picture in pictures(120):
        assert picture.rgb is not None
        Image.fromarray(picture.rgb).save(folder / f"{picture.id}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    content = reference(f"laion:{weights};clip={clip}", [folder], "made up")
    path = tmp_path / "reference.json"
    path.write_text(json.dumps(content))

    perceiver = AestheticsPerceiver(f"laion:{weights};clip={clip};reference={path}")
    found = [s for s in perceiver.perceive(looks(120)) if isinstance(s, LearnedScore) and s.percentile is not None]

    assert content["count"] == 120
    assert len(found) == 120
    ranked = sorted(found, key=lambda s: s.score)
    assert spearmanr([s.score for s in found], [s.percentile for s in found]).statistic > 0.999
    assert ranked[0].percentile == pytest.approx(0, abs=0.01)
    assert ranked[-1].percentile == pytest.approx(100, abs=0.01)
    assert ranked[60].percentile == pytest.approx(50, abs=2)
    assert "reference" in perceiver.identity()


def test_a_reference_set_of_other_weights_is_refused(clip: Path, weights: Path, tmp_path: Path):
    import torch

    other = tmp_path / "predictor.pth"
    torch.save({name: tensor + 1 for name, tensor in predictor(16).state_dict().items()}, other)
    made = AestheticsPerceiver(f"laion:{other};clip={clip}")
    (tmp_path / "r.json").write_text(json.dumps(Reference.of("set", list(np.arange(200.0)), made._model)))

    with pytest.raises(UsageError, match="other weights"):
        AestheticsPerceiver(f"laion:{weights};clip={clip};reference={tmp_path / 'r.json'}")


@pytest.mark.parametrize(
    ("score", "expected"), [(-5.0, 0), (0.0, 0), (50.0, 50), (50.25, 50.25), (99.9, 99.9), (100.0, 100), (700.0, 100)]
)
def test_percentiles_are_read_between_the_quantiles(score: float, expected: float):
    known = Reference("set", 101, [float(value) for value in range(101)], "0")

    assert known.percentile(score) == pytest.approx(expected)


def test_equal_scores_of_a_set_count_half():
    known = Reference("set", 101, [1.0] * 41 + [2.0] * 60, "0")

    assert known.percentile(1.0) == pytest.approx(20)
    assert known.percentile(1.5) == pytest.approx(40.5)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": "imgaudit-reference/1", "quantiles": [NaN]}'])
def test_what_is_no_reference_set_is_refused(text: str, clip: Path, weights: Path, tmp_path: Path):
    (tmp_path / "r.json").write_text(text)

    with pytest.raises(UsageError, match=r"r\.json: is no reference set"):
        AestheticsPerceiver(f"laion:{weights};clip={clip};reference={tmp_path / 'r.json'}")


def test_a_set_that_is_too_small_is_refused(clip: Path, weights: Path):
    model = AestheticsPerceiver(f"laion:{weights};clip={clip}")._model

    with pytest.raises(UsageError, match="at least 101"):
        Reference.of("set", [1.0] * 100, model)


# --- what is not there, and what is hostile


class _Payload:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (print, ("code of the file was run",))


def test_weights_that_hide_code_are_refused_and_not_run(clip: Path, tmp_path: Path, capsys):
    hostile = tmp_path / "hostile.pth"
    hostile.write_bytes(pickle.dumps({"layers.0.weight": _Payload()}))

    with pytest.raises(ModelUnavailable, match="cannot be read"):
        AestheticsPerceiver(f"laion:{hostile};clip={clip}")
    assert "was run" not in capsys.readouterr().out


def test_weights_of_something_else_are_no_predictor(clip: Path, tmp_path: Path):
    import torch

    torch.save({"a": torch.zeros(2)}, tmp_path / "a.pth")
    torch.save(predictor(17).state_dict(), tmp_path / "wide.pth")

    with pytest.raises(ModelUnavailable, match="no aesthetic predictor"):
        AestheticsPerceiver(f"laion:{tmp_path / 'a.pth'};clip={clip}")
    with pytest.raises(ModelUnavailable, match="17 numbers"):
        AestheticsPerceiver(f"laion:{tmp_path / 'wide.pth'};clip={clip}")


@pytest.mark.parametrize("option", [None, "laion:no-such.pth", "pyiqa:musiq"])
def test_without_a_model_it_says_how_to_get_one(option: str | None):
    with pytest.raises(ModelUnavailable) as caught:
        AestheticsPerceiver(option)

    assert "curl" in caught.value.remedy or "pip install pyiqa" in caught.value.remedy


@pytest.mark.parametrize("option", ["other", "laion", "laion:", "laion:a.pth;colour=red"])
def test_an_unknown_model_or_part_is_a_usage_error(option: str):
    with pytest.raises(UsageError, match="expected"):
        AestheticsPerceiver(option)


def test_a_metric_of_pyiqa_is_asked_as_pyiqa_documents_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """pyiqa is no dependency: a module of its shape stands in, and says what it was called with."""
    import torch

    calls: list[Any] = []

    class Metric:
        metric_mode, lower_better = "NR", True

        def __call__(self, tensor: Any) -> Any:
            calls.append(tensor)
            return tensor.mean()

    def create_metric(name: str, **options: Any) -> Metric:
        calls.append((name, options))
        return Metric()

    module = types.ModuleType("pyiqa")
    module.create_metric, module.__version__ = create_metric, "0"  # type: ignore[attr-defined]
    module.__spec__ = importlib.util.spec_from_loader("pyiqa", None)
    monkeypatch.setitem(sys.modules, "pyiqa", module)
    path = tmp_path / "weights.pth"
    torch.save({"params": {"a": torch.zeros(1)}}, path)

    perceiver = AestheticsPerceiver(f"pyiqa:musiq;weights={path}")
    (sight,) = perceiver.perceive(looks(1))

    rgb = pictures(1)[0].rgb
    assert rgb is not None
    assert calls[0] == ("musiq", {"device": "cpu", "pretrained_model_path": str(path)})
    assert tuple(calls[1].shape) == (1, 3, 40, 48)
    assert isinstance(sight, LearnedScore)
    assert sight.score == pytest.approx(-rgb.mean() / 255, abs=1e-4)


def test_a_metric_of_pyiqa_without_weights_never_fetches_them(monkeypatch: pytest.MonkeyPatch):
    module = types.ModuleType("pyiqa")
    module.__spec__ = importlib.util.spec_from_loader("pyiqa", None)
    monkeypatch.setitem(sys.modules, "pyiqa", module)

    with pytest.raises(ModelUnavailable, match="no weights"):
        AestheticsPerceiver("pyiqa:musiq")


# --- the checker


def measured(score: LearnedScore) -> Measured:
    outcome = AestheticsChecker().measure(CASE, Percepts({LOOKS: score}))
    assert isinstance(outcome, Measured)
    return outcome


def test_the_checker_tells_the_percentile_and_never_judges_the_score():
    assert checkers.get("aesthetics") is AestheticsChecker
    assert perceivers.get("aesthetics") is AestheticsPerceiver
    told = measured(LearnedScore(model="m", score=5.2, percentile=71.5, reference="ours", reference_size=500))
    alone = measured(LearnedScore(model="m", score=5.2))

    assert told.measures == {"score": 5.2, "percentile": 71.5}
    assert told.labels["reference"] == "ours (500 pictures)"
    assert alone.measures == {"score": 5.2}
    assert "reference" in alone.unmeasured["percentile"]
    assert AestheticsChecker.codes == {}


def test_without_a_model_the_checker_abstains():
    reason = Abstained("no model", "curl")

    assert AestheticsChecker().measure(CASE, Percepts({LOOKS: reason})) == reason


def test_no_packaged_rubric_has_a_rule_about_a_raw_score():
    for name in packaged_rubrics():
        assert all(term.checker != "aesthetics" for rule in load_rubric(name).rules().values() for term in rule.terms)
