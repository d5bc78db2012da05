"""Every family that docs/editing.md calls run is drawn with here: tiny random weights of real classes, saved, loaded
by our own code, two prompts with two seeds. What such a picture shows means nothing; that it is drawn, does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from adapters import adapter_for
from families import FAMILIES, SIDE, saved

from docs.families import BY_MAPPING, RAN, RUN_HERE, families, table
from imgaudit.errors import UsageError
from imgaudit.generators._editing import TOGETHER
from imgaudit.generators._masked import SOUND
from imgaudit.generators._spec import GeneratorOptions, build
from imgaudit.types import Case, Controls, Given, Job, Rendered

QUICK = ("stable-diffusion", "sana")
"""One family with diffusers' own inpainting and one without; the others take longer together than the rest."""
TOLERANCE = 1
PIXELS = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8)
MASK = np.zeros((SIDE, SIDE), bool)
MASK[8:24, 4:20] = True
GIVEN = Given(PIXELS, "0" * 64, MASK, (0, 0, SIDE, 0))
JOBS = [
    Job(Case(id=f"case{index}", prompt=prompt), seed, 100 * index + seed, Controls(steps=4, strength=None), GIVEN)
    for index, prompt in enumerate(("a cat", "two dogs"))
    for seed in (0, 1)
]
EACH = [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in FAMILIES]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {"": tmp_path_factory.mktemp("families")}


def model(models: dict[str, Path], family: str) -> Path:
    if family not in models:
        models[family] = saved(family, models[""])
    return models[family]


def drawn(spec: str, batch_size: int, adapter: str | None = None) -> np.ndarray:
    made = list(build(spec, GeneratorOptions(batch_size=batch_size, device="cpu", adapter=adapter)).render(JOBS))
    assert all(isinstance(one, Rendered) for one in made), made
    return np.stack([np.asarray(one.image).astype(int) for one in made if isinstance(one, Rendered)])


@pytest.mark.parametrize("family", EACH)
def test_a_family_draws_in_its_modes_and_batches_change_nothing(family: str, models: dict[str, Path]) -> None:
    folder = model(models, family)

    for mode in {"img2img", "inpaint", "outpaint"} & set(RAN[family]):
        alone, together = drawn(f"{mode}:{folder}", 1), drawn(f"{mode}:{folder}", 4)

        assert np.abs(alone - together).max() <= TOLERANCE, mode
        assert len({one.tobytes() for one in alone}) == len(JOBS), mode
        if mode == "inpaint":
            assert (alone[:, ~MASK] == PIXELS[~MASK]).all()
            assert (alone[:, MASK] != PIXELS[MASK]).any()
        if mode == "outpaint":
            assert alone.shape[1:3] == (SIDE, 2 * SIDE)
            assert (alone[:, :, :SIDE] == PIXELS).all()


@pytest.mark.parametrize("family", [one for one in EACH if "reference" in RAN[str(one.values[0])]])
def test_a_family_draws_after_a_reference(family: str, models: dict[str, Path], tmp_path: Path) -> None:
    from diffusers import UNet2DConditionModel

    folder = model(models, family)
    adapter = adapter_for(UNet2DConditionModel.from_pretrained(folder / "unet"), tmp_path)

    after, again = (drawn(f"reference:{folder}", size, str(adapter)) for size in (1, 4))

    np.testing.assert_array_equal(after, again)
    assert len({one.tobytes() for one in after}) == len(JOBS)


@pytest.mark.parametrize("family", EACH)
def test_a_family_is_refused_where_the_table_says_so(family: str, models: dict[str, Path]) -> None:
    folder = model(models, family)

    for mode in {"img2img", "inpaint", "outpaint"} - set(RAN[family]):
        with pytest.raises(UsageError, match="cannot"):
            build(f"{mode}:{folder}", GeneratorOptions(device="cpu"))


@pytest.mark.parametrize("family", [pytest.param(name, marks=pytest.mark.slow) for name in FAMILIES])
def test_the_pipeline_is_the_one_that_the_table_names(family: str, models: dict[str, Path]) -> None:
    folder, line = model(models, family), line_of(family)

    for mode in {"img2img", "inpaint"} & set(RAN[family]):
        name = build(f"{mode}:{folder}", GeneratorOptions(device="cpu")).identity()["pipeline"]
        assert f"{RUN_HERE} (`{name}`)" in line or (name, "of our own, ran here" in line) == ("MaskedDenoising", True)


def line_of(family: str) -> str:
    return next(line for line in table().splitlines() if line.startswith(f"| `{family}` |"))


def test_the_table_has_a_line_for_every_family_of_diffusers() -> None:
    lines = table().splitlines()[2:]

    assert [line.split("`")[1] for line in lines] == list(families())
    assert len(lines) > 50
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split("|")][1:]
        known = (RUN_HERE, BY_MAPPING, "refused: ", "masked denoising of our own, ", "by diffusers' loader")
        assert all(cell.startswith(known) for cell in cells), line


def test_the_table_calls_run_what_the_tests_run() -> None:
    assert set(RAN) == set(FAMILIES)
    assert "not run" not in "".join(line_of(name).rpartition("|")[0].rpartition("|")[0] for name in RAN)


def test_pipelines_that_are_given_several_jobs_or_driven_by_us_are_among_those_that_are_run() -> None:
    every = families()
    run = {kind.__name__ for name in RAN for kind in every[name].values() if kind is not None}

    assert run >= SOUND
    assert run | {"MaskedDenoising"} >= TOGETHER


def masked(folder: Path) -> Any:
    from diffusers import DiffusionPipeline

    from imgaudit.generators._inpainting import inpainting_of

    return inpainting_of(DiffusionPipeline.from_pretrained(folder))


OURS = [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in sorted(FAMILIES)
        if "inpaint" in RAN[name] and "of our own" in line_of(name)]  # fmt: skip


@pytest.mark.parametrize("family", OURS)
def test_masked_denoising_ends_with_the_latents_of_the_given_picture_outside_the_mask(
    family: str, models: dict[str, Path]
) -> None:
    import torch
    from PIL import Image

    pipe = masked(model(models, family))
    image, mask = Image.fromarray(PIXELS), Image.fromarray(MASK.astype(np.uint8) * 255)
    asked = {"prompt": "a cat", "image": image, "mask_image": mask, "height": SIDE, "width": SIDE}
    latents = pipe(
        **asked, num_inference_steps=3, output_type="latent", generator=torch.Generator().manual_seed(1)
    ).images
    pixels = torch.from_numpy(PIXELS).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.no_grad():
        encoded = pipe.vae.encode(pixels)
    own = encoded.latent_dist.mean if hasattr(encoded, "latent_dist") else encoded.latent
    own = own * pipe.vae.config.scaling_factor
    scale = SIDE // own.shape[-1]
    inside = torch.from_numpy(MASK.reshape(SIDE // scale, scale, SIDE // scale, scale).any(axis=(1, 3)))

    assert torch.allclose(latents[0][:, ~inside], own[0][:, ~inside], atol=1e-5)
    assert (latents[0][:, inside] - own[0][:, inside]).abs().max() > 0.1


def test_masked_denoising_of_our_own_agrees_with_diffusers_inpainting_where_both_exist(models: dict[str, Path]) -> None:
    """An independent reference: diffusers' inpainting of Stable Diffusion, and ours driving its text-to-image."""
    import torch
    from diffusers import AutoPipelineForInpainting, DiffusionPipeline
    from PIL import Image

    from imgaudit.generators._masked import MaskedDenoising

    pipe = DiffusionPipeline.from_pretrained(model(models, "stable-diffusion"))
    pipe.vae.config.shift_factor = None
    pipe.set_progress_bar_config(disable=True)
    theirs = AutoPipelineForInpainting.from_pipe(pipe)
    theirs.set_progress_bar_config(disable=True)
    # diffusers samples the given picture's latents; with no spread in them both start from the same
    encode = pipe.vae.encode
    pipe.vae.encode = lambda pixels: _certain(encode(pixels))
    asked: dict[str, Any] = {
        "prompt": "a cat", "image": Image.fromarray(PIXELS), "mask_image": Image.fromarray(MASK.astype(np.uint8) * 255),
        "height": SIDE, "width": SIDE, "num_inference_steps": 4, "guidance_scale": 3.0, "output_type": "np",
    }  # fmt: skip
    noise = torch.Generator().manual_seed(3)

    ours = MaskedDenoising(pipe)(**asked, generator=noise).images
    other = theirs(**asked, generator=torch.Generator().manual_seed(3)).images

    assert np.abs(ours - other).max() < 1e-4


def _certain(encoded: Any) -> Any:
    encoded.latent_dist.sample = lambda generator=None: encoded.latent_dist.mean
    return encoded


def test_masked_denoising_of_our_own_forgets_everything_under_the_mask_or_says_so(models: dict[str, Path]) -> None:
    from diffusers import DiffusionPipeline

    from imgaudit.generators._inpainting import Inpainter, Redrawing

    pipe = DiffusionPipeline.from_pretrained(model(models, "sana"))
    inpainter = Inpainter(pipe)

    with pytest.raises(UsageError, match="expected strength 1"):
        inpainter.redraw(PIXELS, MASK, Redrawing("a cat", 1, 4, 2.0, strength=0.5))
    assert (inpainter.redraw(PIXELS, MASK, Redrawing("a cat", 1, 4, 2.0))[~MASK] == PIXELS[~MASK]).all()
