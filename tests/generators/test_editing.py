"""Image to image, inpainting, outpainting and variations with a tiny Stable Diffusion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imgaudit.digest import digest_mask, digest_pixels
from imgaudit.errors import UsageError
from imgaudit.generators._inpainting import Inpainter, Redrawing, padded
from imgaudit.generators._spec import GeneratorOptions, build
from imgaudit.generators.outpaint import border, extended, joined
from imgaudit.generators.variation import STRENGTH
from imgaudit.types import Case, Controls, Generator, Given, Job, Refused, Rendered

# diffusers turns torch tensors into arrays in a way that numpy 2 warns of
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SIDE = 32
TOLERANCE = 1
NUMBERS = np.random.default_rng(2)
MASK = np.zeros((SIDE, SIDE), bool)
MASK[8:20, 4:28] = True
Made = Callable[..., Generator]


def picture(height: int = SIDE, width: int = SIDE) -> np.ndarray:
    return NUMBERS.integers(0, 255, (height, width, 3)).astype(np.uint8)


def given(rgb: np.ndarray, **facts: Any) -> Given:
    alpha = np.full(rgb.shape[:2], 255, np.uint8)
    return Given(rgb, digest_pixels(np.dstack([rgb, alpha])), **facts)


def job(start: Given | None, seed: int = 7, controls: Controls | None = None, **facts: Any) -> Job:
    case = Case(id=f"case{seed}", **{"prompt": "a red circle", **facts})
    return Job(case, 0, seed, controls or Controls(steps=4, guidance=2.0), start)


@pytest.fixture(scope="module")
def made(stable_diffusion: Path) -> Made:
    """Generators by mode and batch size, each loaded once."""

    @cache
    def build_one(mode: str, batch_size: int = 4) -> Generator:
        return build(f"{mode}:{stable_diffusion}", GeneratorOptions(batch_size=batch_size, device="cpu"))

    return build_one


def drawn(generator: Generator, *jobs: Job) -> list[Rendered]:
    results = list(generator.render(jobs))
    assert all(isinstance(result, Rendered) for result in results), results
    return [result for result in results if isinstance(result, Rendered)]


def refused(generator: Generator, one: Job) -> str:
    [result] = generator.render([one])
    assert isinstance(result, Refused), result
    return result.reason


def pixels(result: Rendered) -> np.ndarray:
    return np.asarray(result.image).astype(int)


# --- the same as plain diffusers -------------------------------------------------------------------


def plain(folder: Path, kind: str) -> Any:
    import diffusers

    pipe = getattr(diffusers, kind).from_pipe(diffusers.DiffusionPipeline.from_pretrained(folder))
    pipe.set_progress_bar_config(disable=True)
    return pipe


def test_plain_diffusers_draws_the_same_picture_from_the_written_seed_and_strength(
    made: Made, stable_diffusion: Path
) -> None:
    import torch

    start = given(picture())
    [result] = drawn(made("img2img"), job(start, controls=Controls(steps=5, guidance=3.0, strength=0.6)))
    source = result.source
    assert source.basis is not None
    again = plain(stable_diffusion, "AutoPipelineForImage2Image")(
        source.prompt,
        image=Image.fromarray(start.rgb),
        strength=source.basis.strength,
        generator=torch.Generator("cpu").manual_seed(source.seed),
        num_inference_steps=source.steps,
        guidance_scale=source.guidance,
    ).images[0]

    np.testing.assert_array_equal(pixels(result), np.asarray(again))


def test_plain_diffusers_draws_the_same_under_the_mask(made: Made, stable_diffusion: Path) -> None:
    import torch

    start = given(picture(), mask=MASK)
    [result] = drawn(made("inpaint"), job(start))
    source = result.source
    again = plain(stable_diffusion, "AutoPipelineForInpainting")(
        source.prompt,
        image=Image.fromarray(start.rgb),
        mask_image=Image.fromarray(MASK.astype(np.uint8) * 255),
        height=SIDE,
        width=SIDE,
        strength=1.0,
        generator=torch.Generator("cpu").manual_seed(source.seed),
        num_inference_steps=source.steps,
        guidance_scale=source.guidance,
    ).images[0]

    np.testing.assert_array_equal(pixels(result)[MASK], np.asarray(again)[MASK])
    np.testing.assert_array_equal(pixels(result)[~MASK], start.rgb[~MASK])


def test_an_inpainter_and_the_generator_draw_the_same(made: Made, stable_diffusion: Path) -> None:
    from diffusers import DiffusionPipeline

    start = given(picture(), mask=MASK)
    [result] = drawn(made("inpaint"), job(start))
    pipe = DiffusionPipeline.from_pretrained(stable_diffusion)
    pipe.set_progress_bar_config(disable=True)

    redrawn = Inpainter(pipe).redraw(start.rgb, MASK, Redrawing("a red circle", 7, 4, 2.0))

    np.testing.assert_array_equal(pixels(result), redrawn)


# --- batches, sizes, strength ----------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["img2img", "inpaint", "outpaint", "variation"])
def test_batch_size_does_not_change_which_pictures_are_drawn(made: Made, mode: str) -> None:
    """Pictures of two sizes, with different masks and strengths, one after the other."""
    wanted = []
    for seed in range(5):
        height = SIDE if seed % 3 else SIDE + 16
        mask = np.roll(np.pad(MASK, ((0, height - SIDE), (0, 0))), seed, axis=0)
        strength = 1.0 if mode in ("inpaint", "outpaint") else 0.5 + 0.25 * (seed == 4)
        start = given(picture(height), mask=mask, extend=(0, 0, 16, 0))
        wanted.append(job(start, seed, Controls(steps=4, guidance=2.0, strength=strength)))

    alone, together = drawn(made(mode, 1), *wanted), drawn(made(mode, 4), *wanted)

    assert [one.job for one in together] == wanted
    for one, other in zip(alone, together, strict=True):
        assert np.abs(pixels(one) - pixels(other)).max() <= TOLERANCE


def test_a_size_that_does_not_suit_the_model_is_padded_and_cut_back(made: Made) -> None:
    odd = given(picture(29, 35), mask=np.pad(MASK, ((0, 0), (0, 3)))[:29], extend=(3, 0, 5, 1))

    [same], [inside], [larger] = (drawn(made(mode), job(odd)) for mode in ("img2img", "inpaint", "outpaint"))

    assert pixels(same).shape == pixels(inside).shape == (29, 35, 3)
    assert odd.mask is not None
    np.testing.assert_array_equal(pixels(inside)[~odd.mask], odd.rgb[~odd.mask])
    assert pixels(larger).shape == (30, 43, 3)
    np.testing.assert_array_equal(pixels(larger)[:29, 3:38], odd.rgb)


def test_image_to_image_draws_in_the_size_that_is_asked_for(made: Made) -> None:
    wanted = job(given(picture()), controls=Controls(steps=2, width=48), height=24)

    [result] = drawn(made("img2img"), wanted)

    assert pixels(result).shape == (24, 48, 3)


def test_seeds_differ_more_the_more_of_the_given_picture_is_forgotten(made: Made) -> None:
    start = given(np.full((SIDE, SIDE, 3), 60, np.uint8))
    away = []
    for strength in (0.25, 0.5, 1.0):
        controls = Controls(steps=8, guidance=1.0, strength=strength)
        one, other = drawn(made("img2img"), job(start, 7, controls), job(start, 8, controls))
        away.append(np.abs(pixels(one) - pixels(other)).mean())

    assert away[0] < away[1] < away[2]


def test_variations_differ_by_seed_and_take_their_own_strength(made: Made) -> None:
    start = given(picture())

    one, other = drawn(made("variation"), job(start, 1), job(start, 2))
    [middling] = drawn(made("img2img"), job(start, 1, Controls(steps=4, guidance=2.0, strength=STRENGTH)))

    assert (pixels(one) != pixels(other)).any()
    np.testing.assert_array_equal(pixels(one), pixels(middling))
    assert one.source.basis is not None
    assert (one.source.basis.mode, one.source.basis.strength) == ("variation", STRENGTH)


def test_the_command_s_strength_goes_before_the_case_s(made: Made) -> None:
    start = given(picture())
    by_case = job(start, controls=Controls(steps=4), strength=0.5)
    by_both = replace(by_case, controls=Controls(steps=4, strength=0.75))

    bases = [result.source.basis for result in drawn(made("img2img"), by_case, by_both)]

    assert [basis.strength for basis in bases if basis is not None] == [0.5, 0.75]


# --- the record ------------------------------------------------------------------------------------


def test_the_record_names_the_given_picture_the_mask_and_the_strength(made: Made) -> None:
    start = given(picture(), mask=MASK, extend=(0, 8, 0, 0))

    basis = {}
    for mode in ("img2img", "inpaint", "outpaint", "variation"):
        [result] = drawn(made(mode), job(start))
        assert result.source.parse == "complete"
        basis[mode] = result.source.basis
        assert basis[mode] is not None
        assert (basis[mode].mode, basis[mode].image) == (mode, start.pixels)

    assert (basis["img2img"].mask, basis["img2img"].strength, basis["img2img"].extend) == (None, 0.8, None)
    assert (basis["inpaint"].mask, basis["inpaint"].strength) == (digest_mask(MASK), 1.0)
    assert basis["outpaint"].extend == (0, 8, 0, 0)
    assert basis["outpaint"].mask == digest_mask(border((SIDE, SIDE), (0, 8, 0, 0)))
    assert made("inpaint").identity()["mode"] == "inpaint"
    assert made("inpaint").identity()["loaded"] == "StableDiffusionPipeline"


def test_the_mask_of_record_has_the_digest_of_the_file_that_holds_it(tmp_path: Path) -> None:
    from imgaudit.pictures import decode

    Image.fromarray(MASK.astype(np.uint8) * 255).save(tmp_path / "mask.png")
    read, _ = decode((tmp_path / "mask.png").read_bytes(), "mask")

    assert read.pixels == digest_mask(MASK)


def test_the_written_marks_carry_what_the_picture_was_made_from(made: Made) -> None:
    from imgaudit.provenance import source as sources
    from imgaudit.provenance.write import COMPOSITE_TYPE, SOURCE_TYPE, mark

    start = given(picture(), mask=MASK)
    for mode, kind in (("inpaint", COMPOSITE_TYPE), ("img2img", SOURCE_TYPE)):
        [result] = drawn(made(mode), job(start, controls=Controls(steps=4, guidance=2.0, strength=0.75)))
        data = mark(result.image, result.source)

        assert sources.read(data).source.basis == result.source.basis
        assert b"Denoising strength: 0.75" in data
        assert kind.encode() in data


# --- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "start", "words"),
    [
        ("img2img", None, "names no picture to start from"),
        ("inpaint", given(picture()), "names no mask"),
        ("outpaint", given(picture()), "how far to extend"),
        ("outpaint", given(picture(), extend=(0, 0, 0, 0)), "how far to extend"),
        ("outpaint", given(picture(), extend=(8192, 0, 0, 0)), "longer than 8192"),
    ],
)
def test_a_case_without_what_its_mode_needs_is_refused_in_words(
    made: Made, mode: str, start: Given | None, words: str
) -> None:
    assert words in refused(made(mode), job(start))


def test_the_others_are_drawn_where_one_is_refused(made: Made) -> None:
    good = job(given(picture()))

    first, second, third = made("img2img").render([good, job(None), good])

    assert [type(first), type(second), type(third)] == [Rendered, Refused, Rendered]


def test_a_strength_that_leaves_no_step_is_refused(made: Made) -> None:
    weak = Controls(steps=4, strength=0.2)

    assert "leaves none of 4 steps" in refused(made("img2img"), job(given(picture()), controls=weak))


def test_a_size_for_what_is_kept_to_the_bit_is_refused(made: Made) -> None:
    start = given(picture(), mask=MASK)

    assert "leave the size out" in refused(made("inpaint"), job(start, width=64))
    assert len(drawn(made("inpaint"), job(start, width=SIDE))) == 1


def test_a_case_without_a_prompt_is_refused(made: Made) -> None:
    assert refused(made("img2img"), job(given(picture()), prompt=None)) == "the case has no prompt"


def test_text_to_image_refuses_a_case_that_starts_from_a_picture(stable_diffusion: Path) -> None:
    generator = build(f"diffusers:{stable_diffusion}", GeneratorOptions(device="cpu"))

    assert "starts from a picture" in refused(generator, job(given(picture())))


def test_a_case_whose_picture_was_not_read_is_refused_and_never_drawn_from_words_alone(
    made: Made, stable_diffusion: Path
) -> None:
    plain = build(f"diffusers:{stable_diffusion}", GeneratorOptions(device="cpu"))

    assert "was not read" in refused(made("img2img"), job(None, image="cat.png"))
    assert "starts from a picture" in refused(plain, job(None, image="cat.png"))


def test_text_to_image_has_no_strength(stable_diffusion: Path) -> None:
    generator = build(f"diffusers:{stable_diffusion}", GeneratorOptions(device="cpu"))

    assert "'strength' is not taken" in refused(generator, job(None, strength=0.5))
    with pytest.raises(UsageError, match="'strength' is not taken"):
        list(generator.render([job(None, controls=Controls(strength=0.5))]))


def test_a_model_that_takes_no_prompt_is_no_model_for_editing(unconditional: Path) -> None:
    with pytest.raises(UsageError, match="cannot start from a picture"):
        build(f"img2img:{unconditional}", GeneratorOptions(device="cpu"))
    with pytest.raises(UsageError, match="cannot redraw a part of a picture"):
        build(f"inpaint:{unconditional}", GeneratorOptions(device="cpu"))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("img2img", "needs a model"),
        ("img2img@2:embedded", "the revision is the model's"),
        ("img2img:embedded@9", "there are: 1, 2"),
        ("img2img:embedded:x", "takes no argument"),
        ("img2img:./nowhere", "no such folder"),
        ("reference:embedded@2", "needs an IP-Adapter"),
    ],
)
def test_a_spec_that_names_no_model_is_an_error(spec: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        build(spec, GeneratorOptions(device="cpu"))


def test_a_model_may_be_named_as_the_text_to_image_generators_name_it(stable_diffusion: Path) -> None:
    options = GeneratorOptions(device="cpu")

    by_folder = build(f"img2img:{stable_diffusion}", options).identity()
    by_generator = build(f"img2img:diffusers:{stable_diffusion}", options).identity()
    packaged = build("img2img:embedded@1", options).identity()

    assert by_folder == by_generator
    assert (packaged["generator"], packaged["model"], packaged["mode"]) == ("embedded", "embedded-1", "img2img")


def test_an_adapter_is_no_option_of_the_other_modes(stable_diffusion: Path) -> None:
    with pytest.raises(UsageError, match="takes no --adapter"):
        build(f"img2img:{stable_diffusion}", GeneratorOptions(device="cpu", adapter="x.safetensors"))


# --- arithmetic ------------------------------------------------------------------------------------


def test_padding_repeats_the_last_row_and_column() -> None:
    array = np.arange(12).reshape(3, 4)

    assert padded(array, 4).tolist() == [*array.tolist(), array[-1].tolist()]
    assert padded(array, 3)[:, -2:].tolist() == [[3, 3], [7, 7], [11, 11]]
    assert padded(array, 1) is not None
    assert padded(np.zeros((5, 8, 3)), 4).shape == (8, 8, 3)


def test_a_border_that_was_drawn_too_dark_is_shifted_next_to_the_picture_and_not_far_away() -> None:
    start = np.full((16, 16, 3), 200, np.uint8)
    dark = np.full((16, 80, 3), 180, np.uint8)

    whole = joined(dark, start, (0, 0, 64, 0), reach=4)

    assert (whole[:, :16] == 200).all()
    assert np.abs(whole[:, 16].astype(int) - 200).max() <= 5
    assert np.abs(whole[:, 79].astype(int) - 180).max() == 0
    assert (np.diff(whole[0, 16:, 0].astype(int)) <= 0).all()


def test_the_border_is_everything_but_the_picture() -> None:
    mask = border((2, 3), (1, 2, 3, 4))

    assert mask.shape == (8, 7)
    assert mask.sum() == 8 * 7 - 2 * 3
    assert not mask[2:4, 1:4].any()
    assert (extended(picture(2, 3), (1, 2, 3, 4))[mask].shape[0], mask.shape) == (50, (8, 7))


def test_a_mark_that_somebody_else_wrote_names_no_picture_that_it_was_made_from() -> None:
    """The mark is a stranger's text: what is not as imgaudit writes it is left out, and the rest is read."""
    from imgaudit.provenance import source as sources
    from imgaudit.provenance.container import PNG_SIGNATURE
    from imgaudit.provenance.write import mark
    from imgaudit.types import Basis, Source

    own = Source(generator="g", model="m", steps=4, seed=7, prompt="x", basis=Basis(mode="img2img", image="a" * 64))
    data = mark(Image.new("RGB", (16, 16)), own)
    assert data.startswith(PNG_SIGNATURE)

    for strange in (b'"mode":"img3img"', b'"mode":["m2img]'):
        changed = data.replace(b'"mode":"img2img"', strange)
        source = sources.read(changed).source
        assert source.basis is None
