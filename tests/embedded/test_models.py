"""The shipped models: small, of diffusers' and open_clip's own formats, and able to draw and to tell their world."""

import hashlib

import numpy as np
import pytest

from imgaudit.embedded import MODELS, evaluate, model_path
from imgaudit.embedded.known import known
from imgaudit.errors import UsageError


def digest(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_all_weights_together_stay_under_fourteen_megabytes() -> None:
    files = [path for name in MODELS for path in model_path(name).rglob("*.safetensors")]

    sizes = {digest(path): path.stat().st_size for path in files}

    assert sum(sizes.values()) <= 14_000_000


def test_the_two_generators_share_everything_but_the_denoiser() -> None:
    one, two = model_path("embedded-1"), model_path("embedded-2")

    for part in ("vae/diffusion_pytorch_model", "text_encoder/model"):
        assert digest(one / f"{part}.safetensors") == digest(two / f"{part}.safetensors")
    assert digest(one / "tokenizer/vocab.json") == digest(two / "tokenizer/vocab.json")


def test_an_unknown_model_has_no_path() -> None:
    with pytest.raises(UsageError):
        model_path("embedded-9")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_generator_draws_single_objects_in_their_colour() -> None:
    pipeline = evaluate.load_pipeline(model_path("embedded-2"))

    results = evaluate.trials(pipeline, evaluate.asked("single", 16, held_out=False), 0)

    assert evaluate.share(results, "colour").right >= 14
    assert np.mean([known(trial.pixels) for trial in results]) >= 0.8


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_clip_tells_colours_of_drawn_pictures() -> None:
    picks = evaluate.clip_picks(evaluate.drawn_trials(60, held_out=False), model_path("clip"))

    assert picks["colour"].right / picks["colour"].total >= 0.9
