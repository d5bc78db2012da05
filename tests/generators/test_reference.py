"""Models that look at a picture: IP-Adapters, and a model trained to vary pictures. Real classes, random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from adapters import adapter_for
from families import autoencoder, saved, seeing, unet

from imgaudit.errors import ModelUnavailable, UsageError
from imgaudit.generators._spec import GeneratorOptions, build
from imgaudit.types import Case, Controls, Given, Job, Refused, Rendered

NUMBERS = np.random.default_rng(4)
ONE, OTHER = (NUMBERS.integers(0, 255, (40, 40, 3)).astype(np.uint8) for _ in range(2))


def job(rgb: np.ndarray | None, seed: int = 5, **facts: Any) -> Job:
    start = None if rgb is None else Given(rgb, f"{int(rgb.sum()):064x}")
    return Job(Case(id="a", prompt="a red circle", **facts), 0, seed, Controls(steps=3, guidance=2.0), start)


def drawn(generator: Any, *jobs: Job) -> list[np.ndarray]:
    results = list(generator.render(jobs))
    assert all(isinstance(result, Rendered) for result in results), results
    return [np.asarray(result.image).astype(int) for result in results]


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return adapter_for(unet(), tmp_path_factory.mktemp("adapter"))


def opened(model: Path, adapter: Path | str) -> Any:
    return build(f"reference:{model}", GeneratorOptions(batch_size=2, device="cpu", adapter=str(adapter)))


@pytest.fixture(scope="module")
def referring(stable_diffusion: Path, adapter: Path) -> Any:
    return opened(stable_diffusion, adapter)


def test_a_reference_picture_changes_what_is_drawn_and_the_rest_stays(referring: Any) -> None:
    one, other, again = drawn(referring, job(ONE), job(OTHER), job(ONE))

    assert (one != other).any()
    np.testing.assert_array_equal(one, again)


def test_a_weight_of_nearly_nothing_is_text_to_image(stable_diffusion: Path, referring: Any) -> None:
    plain = build(f"diffusers:{stable_diffusion}", GeneratorOptions(device="cpu"))

    [without] = drawn(plain, job(None))
    [little] = drawn(referring, job(ONE, strength=1e-6))
    [much] = drawn(referring, job(ONE))

    assert np.abs(without - little).max() <= 1
    assert np.abs(without - much).max() > 1


def test_plain_diffusers_draws_the_same_picture(stable_diffusion: Path, adapter: Path, referring: Any) -> None:
    import torch
    from diffusers import DiffusionPipeline
    from PIL import Image

    [result] = referring.render([job(ONE, strength=0.7)])
    assert isinstance(result, Rendered)
    plain = DiffusionPipeline.from_pretrained(stable_diffusion, image_encoder=None)
    plain.load_ip_adapter(str(adapter.parent), subfolder="", weight_name=adapter.name)
    plain.set_ip_adapter_scale(0.7)
    plain.set_progress_bar_config(disable=True)
    again = plain(
        "a red circle", ip_adapter_image=Image.fromarray(ONE), num_inference_steps=3, guidance_scale=2.0,
        generator=torch.Generator("cpu").manual_seed(5),
    ).images[0]  # fmt: skip

    np.testing.assert_array_equal(np.asarray(result.image), np.asarray(again))


def test_the_record_names_the_reference_and_the_adapter(referring: Any) -> None:
    [result] = referring.render([job(ONE)])

    assert isinstance(result, Rendered)
    assert result.source.basis is not None
    assert (result.source.basis.mode, result.source.basis.strength) == ("reference", 1.0)
    identity = referring.identity()
    assert identity["adapter"] == "ip-adapter.safetensors"
    assert len(str(identity["adapter_weights"])) == 64


def test_only_safetensors_are_read(stable_diffusion: Path, tmp_path: Path) -> None:
    (tmp_path / "adapter.bin").write_bytes(b"pickle")

    with pytest.raises(UsageError, match="expected a safetensors file"):
        opened(stable_diffusion, tmp_path / "adapter.bin")
    with pytest.raises(UsageError, match="no such file"):
        opened(stable_diffusion, tmp_path / "gone.safetensors")


def test_an_adapter_without_an_image_encoder_says_where_to_put_it(
    stable_diffusion: Path, adapter: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "ip-adapter.safetensors"
    alone.write_bytes(adapter.read_bytes())

    with pytest.raises(ModelUnavailable, match="image_encoder"):
        opened(stable_diffusion, alone)


def test_a_broken_adapter_is_a_sentence(stable_diffusion: Path, adapter: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(adapter.parent, tmp_path / "broken")
    broken = tmp_path / "broken" / adapter.name
    broken.write_bytes(b"\xff" * 64)

    with pytest.raises(ModelUnavailable, match="does not fit StableDiffusionPipeline"):
        opened(stable_diffusion, broken)


def test_a_missing_adapter_on_the_hub_says_how_to_get_it(
    stable_diffusion: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    with pytest.raises(ModelUnavailable) as caught:
        opened(stable_diffusion, "somebody/no-such-adapter/models/ip.safetensors")
    assert "hf download somebody/no-such-adapter --include models/ip.safetensors" in caught.value.remedy


def test_a_family_without_adapters_is_refused(adapter: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="SanaPipeline cannot look at a reference picture"):
        opened(saved("sana", tmp_path), adapter)


# --- a model that varies pictures ------------------------------------------------------------------


@pytest.fixture(scope="module")
def varier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from diffusers import DDIMScheduler, StableDiffusionImageVariationPipeline
    from transformers import CLIPImageProcessor

    folder = tmp_path_factory.mktemp("models") / "tiny-variation"
    StableDiffusionImageVariationPipeline(
        vae=autoencoder(), image_encoder=seeing(), unet=unet(), safety_checker=None, requires_safety_checker=False,
        scheduler=DDIMScheduler(steps_offset=1, clip_sample=False),
        feature_extractor=CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=32),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def test_a_model_of_image_variation_varies_what_it_sees(varier: Path) -> None:
    generator = build(f"variation:{varier}", GeneratorOptions(batch_size=2, device="cpu"))
    wordless = Job(Case(id="b"), 0, 5, Controls(steps=3, guidance=2.0), job(ONE).given)

    one, other, seed, again = drawn(generator, job(ONE), job(OTHER), job(ONE, 6), wordless)

    assert (one != other).any()
    assert (one != seed).any()
    np.testing.assert_array_equal(one, again)


def test_a_model_of_image_variation_has_no_strength(varier: Path) -> None:
    generator = build(f"variation:{varier}", GeneratorOptions(device="cpu"))

    [result] = generator.render([job(ONE, strength=0.5)])

    assert isinstance(result, Refused)
    assert "'strength' is not taken by StableDiffusionImageVariationPipeline" in result.reason
