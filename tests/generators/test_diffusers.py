from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from imgaudit.errors import ModelUnavailable, UsageError
from imgaudit.generators._spec import GeneratorOptions, build
from imgaudit.generators.diffusers import Diffusers, card_licence, weights_digest
from imgaudit.types import Case, Controls, Job, Refused, Rendered

Jobs = Callable[..., list[Job]]
PROMPTS = ("a red circle", "two blue squares", "a green star on a black background", "a shape", "a pink triangle")
TOLERANCE = 1
"""Largest difference of an 8-bit pixel between batch sizes: one step, where rounding falls the other way."""


def opened(folder: Path, batch_size: int = 4) -> Diffusers:
    return Diffusers(str(folder), None, GeneratorOptions(batch_size=batch_size, device="cpu"))


def pictures(generator: Diffusers, jobs: list[Job]) -> list[np.ndarray]:
    made = list(generator.render(jobs))
    assert all(isinstance(one, Rendered) for one in made), made
    return [np.asarray(one.image).astype(int) for one in made if isinstance(one, Rendered)]


def test_batch_size_does_not_change_which_pictures_are_drawn(stable_diffusion: Path, jobs: Jobs) -> None:
    wanted = jobs(*PROMPTS)

    one_by_one = pictures(opened(stable_diffusion, 1), wanted)
    together = pictures(opened(stable_diffusion, 4), wanted)

    assert max(np.abs(a - b).max() for a, b in zip(one_by_one, together, strict=True)) <= TOLERANCE
    assert min(np.abs(a - b).max() for a, b in pairwise(one_by_one)) > 10 * TOLERANCE


def test_order_does_not_change_which_pictures_are_drawn(stable_diffusion: Path, jobs: Jobs) -> None:
    wanted = jobs(*PROMPTS)
    generator = opened(stable_diffusion, 4)

    forward = pictures(generator, wanted)
    backward = pictures(generator, wanted[::-1])[::-1]

    assert max(np.abs(a - b).max() for a, b in zip(forward, backward, strict=True)) <= TOLERANCE


def test_a_sampler_that_draws_noise_at_each_step_draws_it_per_picture(stable_diffusion: Path, jobs: Jobs) -> None:
    wanted = jobs(*PROMPTS, controls=Controls(steps=4, guidance=2.0, sampler="DDPMScheduler"))

    one_by_one = pictures(opened(stable_diffusion, 1), wanted)
    together = pictures(opened(stable_diffusion, 4), wanted)

    assert max(np.abs(a - b).max() for a, b in zip(one_by_one, together, strict=True)) <= TOLERANCE


def test_plain_diffusers_draws_the_same_picture_from_the_written_seed(stable_diffusion: Path, jobs: Jobs) -> None:
    import torch
    from diffusers import DiffusionPipeline

    [made] = opened(stable_diffusion).render(jobs("a red circle", controls=Controls(steps=4, guidance=3.5)))
    assert isinstance(made, Rendered)
    source = made.source
    plain = DiffusionPipeline.from_pretrained(stable_diffusion)
    plain.set_progress_bar_config(disable=True)
    again = plain(
        source.prompt,
        generator=torch.Generator("cpu").manual_seed(source.seed),
        num_inference_steps=source.steps,
        guidance_scale=source.guidance,
    ).images[0]

    np.testing.assert_array_equal(np.asarray(made.image), np.asarray(again))


def test_the_global_random_numbers_are_neither_used_nor_changed(stable_diffusion: Path, jobs: Jobs) -> None:
    import torch

    generator, wanted = opened(stable_diffusion), jobs("a red circle")
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = pictures(generator, wanted)
    after = torch.get_rng_state()
    torch.manual_seed(6)
    second = pictures(generator, wanted)

    assert torch.equal(before, after)
    np.testing.assert_array_equal(first, second)


def test_the_source_says_how_the_picture_was_made(stable_diffusion: Path, jobs: Jobs) -> None:
    [job] = jobs("a red circle", controls=Controls(steps=2, negative="a star"))

    [made] = opened(stable_diffusion).render([job])

    assert isinstance(made, Rendered)
    source = made.source
    assert (source.generator, source.model, source.parse) == ("diffusers", "tiny-sd", "complete")
    assert (source.sampler, source.steps, source.guidance) == ("DDIMScheduler", 2, 7.5)
    assert (source.prompt, source.negative, source.seed) == ("a red circle", "a star", job.seed)


def test_a_negative_prompt_and_a_sampler_change_the_picture(stable_diffusion: Path, jobs: Jobs) -> None:
    generator = opened(stable_diffusion)
    avoiding = Controls(steps=3, guidance=2, negative="a star")
    sampled = Controls(steps=3, guidance=2, sampler="DDPMScheduler")
    [plain] = pictures(generator, jobs("a red circle"))
    [negative] = pictures(generator, jobs("a red circle", controls=avoiding))
    [other] = pictures(generator, jobs("a red circle", controls=sampled))
    [again] = pictures(generator, jobs("a red circle"))

    assert np.abs(plain - negative).max() > 0
    assert np.abs(plain - other).max() > 0
    np.testing.assert_array_equal(plain, again)


def test_pictures_with_and_without_a_negative_prompt_are_kept_apart(stable_diffusion: Path) -> None:
    controls = Controls(steps=2, guidance=2)
    mixed = [
        Job(Case(id=f"c{index}", prompt="a red circle", negative=negative), 0, 50 + index, controls)
        for index, negative in enumerate([None, "a star", None, "a square"])
    ]

    together = pictures(opened(stable_diffusion, 4), mixed)
    alone = [pictures(opened(stable_diffusion, 1), [job])[0] for job in mixed]

    assert max(np.abs(a - b).max() for a, b in zip(together, alone, strict=True)) <= TOLERANCE


def test_a_case_sets_its_size_and_the_command_line_goes_before_it(stable_diffusion: Path, jobs: Jobs) -> None:
    [small] = pictures(opened(stable_diffusion), jobs("a shape", width=16, height=24))
    wanted = jobs("a shape", controls=Controls(steps=2, width=48), width=16, height=24)
    [wide] = pictures(opened(stable_diffusion), wanted)

    assert small.shape == (24, 16, 3)
    assert wide.shape == (24, 48, 3)


def test_a_control_that_the_pipeline_lacks_is_an_error_that_names_it(latent_consistency: Path, jobs: Jobs) -> None:
    generator = opened(latent_consistency)

    with pytest.raises(UsageError, match="'negative' is not taken by LatentConsistencyModelPipeline"):
        list(generator.render(jobs("a shape", controls=Controls(negative="a star"))))
    [refused] = generator.render(jobs("a shape", negative="a star"))
    assert isinstance(refused, Refused)
    assert "negative_prompt" in refused.reason
    assert len(pictures(generator, jobs("a shape"))) == 1


def test_an_unknown_sampler_says_what_is_near(stable_diffusion: Path, jobs: Jobs) -> None:
    with pytest.raises(UsageError, match=r"'DDIMSheduler'.*did you mean 'DDIMScheduler'"):
        list(opened(stable_diffusion).render(jobs("a shape", controls=Controls(sampler="DDIMSheduler"))))


def test_a_size_that_the_model_cannot_draw_is_refused_and_the_others_are_drawn(stable_diffusion: Path) -> None:
    controls = Controls(steps=2)
    wanted = [
        Job(Case(id="good", prompt="a shape"), 0, 1, controls),
        Job(Case(id="odd", prompt="a shape", width=33, height=33), 0, 1, controls),
        Job(Case(id="wordless"), 0, 1, controls),
        Job(Case(id="last", prompt="a shape"), 0, 2, controls),
    ]

    good, odd, wordless, last = opened(stable_diffusion).render(wanted)

    assert isinstance(good, Rendered)
    assert isinstance(last, Rendered)
    assert isinstance(odd, Refused)
    assert "33" in odd.reason
    assert isinstance(wordless, Refused)
    assert wordless.reason == "the case has no prompt"


def test_a_picture_that_the_safety_checker_blanks_is_refused(guarded_stable_diffusion: Path, jobs: Jobs) -> None:
    made = list(opened(guarded_stable_diffusion).render(jobs("a red circle", "a blue square")))

    assert [type(one) for one in made] == [Refused, Refused]
    assert "safety checker" in made[0].reason


def _limit_memory(generator: Diffusers, most: int) -> list[int]:
    """Let the denoiser run out of memory above `most` pictures; guidance sends each picture through twice."""
    import torch

    sizes: list[int] = []

    def check(module: object, inputs: tuple[torch.Tensor, ...]) -> None:
        sizes.append(len(inputs[0]))
        if len(inputs[0]) > 2 * most:
            raise torch.OutOfMemoryError("out of memory")

    generator.pipeline.pipe.unet.register_forward_pre_hook(check)
    return sizes


def test_out_of_memory_halves_the_batch_and_loses_no_picture(stable_diffusion: Path, jobs: Jobs) -> None:
    wanted = jobs(*PROMPTS)
    expected = pictures(opened(stable_diffusion, 1), wanted)
    generator = opened(stable_diffusion, 4)
    sizes = _limit_memory(generator, 2)

    made = pictures(generator, wanted)

    assert max(np.abs(a - b).max() for a, b in zip(expected, made, strict=True)) <= TOLERANCE
    assert sizes.count(8) == 1  # the batch that failed is not tried again at its size


def test_out_of_memory_on_a_single_picture_is_a_refusal(stable_diffusion: Path, jobs: Jobs) -> None:
    generator = opened(stable_diffusion, 2)
    _limit_memory(generator, 0)

    made = list(generator.render(jobs("a shape", "a star")))

    assert [type(one) for one in made] == [Refused, Refused]
    assert "memory" in made[0].reason


def test_identity_names_weights_and_numerics_and_no_path(stable_diffusion: Path) -> None:
    identity = opened(stable_diffusion).identity()

    assert identity["weights"] == weights_digest(stable_diffusion)
    assert identity["scheduler"] == "DDIMScheduler"
    assert (identity["dtype"], identity["device"]) == ("float32", "cpu")
    assert "AttnProcessor" in str(identity["attention"])
    assert str(stable_diffusion.parent) not in json.dumps(identity)


def test_other_weights_have_another_digest(stable_diffusion: Path, latent_consistency: Path) -> None:
    assert weights_digest(stable_diffusion) != weights_digest(latent_consistency)


def test_pickled_weights_are_not_loaded(stable_diffusion: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    for part, name in (("unet", "diffusion_pytorch_model"), ("text_encoder", "pytorch_model")):
        folder = tmp_path / part
        shutil.copytree(stable_diffusion, folder)
        [safe] = (folder / part).glob("*.safetensors")
        torch.save(load_file(safe), folder / part / f"{name}.bin")
        safe.unlink()

        with pytest.raises(ModelUnavailable, match="cannot be loaded"):
            opened(folder)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"_class_name": "NoSuchPipeline"}, "own code or a pipeline class"),
        ({"_class_name": ["pipeline", "Mine"]}, "own code or a pipeline class"),
        ({"unet": ["subprocess", "Popen"]}, "'unet' comes from 'subprocess'"),
    ],
)
def test_a_model_that_wants_foreign_code_is_refused(
    stable_diffusion: Path, tmp_path: Path, change: dict[str, object], complaint: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(stable_diffusion, folder)
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps({**index, **change}))

    with pytest.raises(ModelUnavailable, match=complaint):
        opened(folder)


def test_python_files_in_a_model_folder_are_never_run(stable_diffusion: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(stable_diffusion, folder)
    (folder / "None.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")

    with pytest.raises(ModelUnavailable, match="own code"):
        opened(folder)
    assert not (tmp_path / "ran").exists()


def test_a_pipeline_without_a_prompt_is_no_generator(unconditional: Path) -> None:
    with pytest.raises(UsageError, match="does not make pictures from a prompt alone"):
        opened(unconditional)


def test_a_pipeline_that_makes_films_is_no_generator(stable_diffusion: Path, jobs: Jobs) -> None:
    from diffusers import StableDiffusionPipeline

    class Film(StableDiffusionPipeline):
        def __call__(self, *_: object, **__: object) -> SimpleNamespace:
            return SimpleNamespace(frames=[])

    generator = opened(stable_diffusion)
    generator.pipeline.pipe.__class__ = Film

    with pytest.raises(UsageError, match="Film gave no pictures"):
        list(generator.render(jobs("a shape")))


CARD = "---\nlicense: apache-2.0\ntags: [x]\n---\n# A model\nlicense: gpl\n"


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        (CARD, "apache-2.0"),
        (CARD.replace("\n", "\r\n"), "apache-2.0"),
        (CARD.replace("license: apache-2.0", "license: other\nlicense_name: fair-ai-1.0"), "fair-ai-1.0"),
        ("# A model\n---\nlicense: mit\n---\n", None),
        ("---\nlicense: mit\n", None),
        ("---\nlicense: [mit, gpl]\n---\n", None),
        ("---\nlicense: *alias\n---\n", None),
        ("---\n- a\n---\n", None),
        ("---\nlicense: " + "x" * 500 + "\n---\n", "x" * 100),
    ],
)
def test_the_licence_is_the_one_that_the_model_s_card_names(tmp_path: Path, card: str, licence: str | None) -> None:
    (tmp_path / "README.md").write_bytes(card.encode())

    assert card_licence(tmp_path) == licence


def test_a_model_without_a_readable_card_has_no_licence_on_record(tmp_path: Path, stable_diffusion: Path) -> None:
    (tmp_path / "README.md").write_bytes(b"---\nlicense: \xff\n---\n")

    assert card_licence(tmp_path) is None
    assert opened(stable_diffusion).identity()["licence"] is None


def test_the_licence_stands_in_the_identity(tmp_path: Path, stable_diffusion: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(stable_diffusion, model)
    (model / "README.md").write_text(CARD)

    assert opened(model).identity()["licence"] == "apache-2.0"


def test_a_missing_hub_model_says_how_to_get_it() -> None:
    with pytest.raises(ModelUnavailable) as caught:
        build("diffusers@v1:somebody/no-such-model", GeneratorOptions(device="cpu"))
    assert "hf download somebody/no-such-model --revision v1" in caught.value.remedy


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("diffusers", "needs a model"),
        ("diffusers:./nowhere", "no such folder"),
        ("diffusers:a/b/c", "no such folder"),
    ],
)
def test_a_spec_that_names_nothing_is_an_error(spec: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        build(spec, GeneratorOptions(device="cpu"))


def test_a_folder_has_no_revision(stable_diffusion: Path) -> None:
    with pytest.raises(UsageError, match="no revisions"):
        Diffusers(str(stable_diffusion), "main", GeneratorOptions(device="cpu"))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (GeneratorOptions(device="abacus"), "abacus"),
        (GeneratorOptions(device="cpu", dtype="float8"), "float8"),
    ],
)
def test_an_unknown_device_or_dtype_is_an_error(
    stable_diffusion: Path, options: GeneratorOptions, complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint):
        Diffusers(str(stable_diffusion), None, options)
