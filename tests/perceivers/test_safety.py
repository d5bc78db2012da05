"""Safety models: a tiny one of the real class, a detector where it is installed, and none at all."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from imgaudit.errors import ModelUnavailable, UsageError
from imgaudit.perceivers import safety
from imgaudit.perceivers.safety import SafetyPerceiver
from imgaudit.percepts import Safety
from imgaudit.types import Abstained, Look, Picture, Query

QUERY = Query("safety")


def pictures(count: int) -> list[Picture]:
    generator = np.random.default_rng(0)
    made = []
    for number in range(count):
        low, high = sorted(generator.integers(0, 256, 2))
        rgb = generator.integers(low, high + 1, (48, 40, 3), dtype=np.uint8)
        made.append(Picture(id=str(number), data=b"", file="", rgb=rgb, pixels=str(number)))
    return made


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory):
    """A random safety checker of diffusers' own class."""
    import torch
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers import CLIPConfig

    torch.manual_seed(0)
    vision = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
              "image_size": 32, "patch_size": 8}  # fmt: skip
    text = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1}
    model = StableDiffusionSafetyChecker(CLIPConfig(vision_config=vision, text_config=text, projection_dim=8))
    for name in ("concept_embeds", "special_care_embeds"):
        getattr(model, name).data.normal_()
    model.special_care_embeds_weights.data.fill_(0.3)
    folder = tmp_path_factory.mktemp("checker")
    model.concept_embeds_weights.data.fill_(2.0)
    model.save_pretrained(folder)
    return model, folder


def with_thresholds(model, folder: Path, value: float) -> SafetyPerceiver:
    model.concept_embeds_weights.data.fill_(value)
    model.save_pretrained(folder)
    return SafetyPerceiver(f"checker:{folder}")


def test_a_tiny_checker_flags_exactly_what_the_real_class_flags(tiny) -> None:
    import torch

    model, folder = tiny
    answers = set()
    for value in (-0.2, 0.2, 0.5, 0.95):
        perceiver = with_thresholds(model, folder, float(value))
        sights = perceiver.perceive([Look(picture, QUERY) for picture in pictures(4)])
        for picture, sight in zip(pictures(4), sights, strict=True):
            assert isinstance(sight, Safety)
            inputs = perceiver._model._processor(images=picture.rgb, return_tensors="pt")
            _, (expected,) = model(inputs["pixel_values"], torch.zeros(1, 3, 8, 8))
            (policy,) = sight.policies
            assert (policy.score > policy.threshold) == expected
            answers.add(expected)
    assert answers == {True, False}


def test_its_identity_names_model_and_weights(tiny) -> None:
    identity = SafetyPerceiver(f"checker:{tiny[1]}").identity()

    assert set(identity) == {"model", "weights"}
    assert str(tiny[1].parent) not in " ".join(identity.values())


def test_weights_of_something_else_are_no_checker(tmp_path: Path) -> None:
    from safetensors.torch import save_file
    from torch import zeros
    from transformers import CLIPConfig

    small = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    CLIPConfig(vision_config=small, text_config=small).save_pretrained(tmp_path)
    save_file({"a": zeros(1)}, tmp_path / "model.safetensors")

    with pytest.raises(ModelUnavailable, match="no safety checker"):
        SafetyPerceiver(f"checker:{tmp_path}")


@pytest.mark.parametrize("spec", ["checker:no/such-model", "shieldgemma:no/such-model"])
def test_a_model_that_is_not_here_says_how_to_get_it(spec: str) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        SafetyPerceiver(spec)

    assert "download" in caught.value.remedy


def test_without_a_model_it_is_unavailable_and_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(ModelUnavailable) as caught:
        SafetyPerceiver()

    assert "pip install nudenet" in caught.value.remedy


@pytest.mark.parametrize("spec", ["other", "checker", "shieldgemma:"])
def test_an_unknown_model_is_a_usage_error(spec: str) -> None:
    with pytest.raises(UsageError, match="expected nudenet"):
        SafetyPerceiver(spec)


def test_nudenet_looks_where_it_is_installed() -> None:
    if importlib.util.find_spec("nudenet") is None:
        pytest.skip("nudenet is not installed")
    perceiver = SafetyPerceiver("nudenet")

    (sight,) = perceiver.perceive([Look(pictures(1)[0], QUERY)])

    assert isinstance(sight, Safety)
    assert sight.policies[0].threshold == safety.NUDENET_THRESHOLD
    assert len(perceiver.identity()["weights"]) == 64


def test_a_picture_near_a_listed_hash_is_known_and_another_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    first, second = pictures(2)
    near = bytearray(safety.pdq(first))
    near[0] ^= 0xFF  # 8 of 256 bits
    path = tmp_path / "list.txt"
    path.write_text(f"# from a hotline\n\n{near.hex()}\n")

    perceiver = SafetyPerceiver(f";list={path}")
    sights = perceiver.perceive([Look(first, QUERY), Look(second, QUERY)])

    assert [sight.known for sight in sights if isinstance(sight, Safety)] == [True, False]
    assert "list" in perceiver.identity()


def test_a_list_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("abc\n")

    with pytest.raises(UsageError, match="64 hexadecimal digits"):
        SafetyPerceiver(f";list={path}")


def test_a_picture_that_cannot_be_decoded_abstains(tiny) -> None:
    perceiver = SafetyPerceiver(f"checker:{tiny[1]}")

    (sight,) = perceiver.perceive([Look(Picture(id="a", data=b"", file=""), QUERY)])

    assert isinstance(sight, Abstained)


# --- ShieldGemma 2 -------------------------------------------------------------------------------

TURNS = (
    "{{ bos_token }}{% for message in messages %}<start_of_turn>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<start_of_image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<end_of_turn>\n{% endfor %}"
)


@pytest.fixture(scope="module")
def tiny_gemma(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random ShieldGemma 2 of transformers' own class, with a tokenizer of single letters, as a folder."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        Gemma3ImageProcessor,
        PreTrainedTokenizerFast,
        ShieldGemma2Config,
        ShieldGemma2ForImageClassification,
        ShieldGemma2Processor,
    )

    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_image>", "<end_of_image>", "<image_soft_token>",
               "<start_of_turn>", "<end_of_turn>", "Yes", "No"]  # fmt: skip
    vocabulary = {word: number for number, word in enumerate([*special, *map(chr, range(32, 127)), "\n"])}
    letters = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    letters.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokens = {"image_token": "<image_soft_token>", "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>"}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=letters, pad_token="<pad>", eos_token="<eos>", bos_token="<bos>", unk_token="<unk>",
        extra_special_tokens=tokens,
    )  # fmt: skip
    images = Gemma3ImageProcessor(size={"height": 28, "width": 28})
    processor = ShieldGemma2Processor(images, tokenizer, chat_template=TURNS, image_seq_length=4)
    config = ShieldGemma2Config(
        text_config={"vocab_size": len(vocabulary), "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
                     "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8, "pad_token_id": 0,
                     "max_position_embeddings": 4096, "sliding_window": 4096},
        vision_config={"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
                       "image_size": 28, "patch_size": 7},
        mm_tokens_per_image=4,
        **{f"{name}_token_index": vocabulary[tokens[f"{name}_token"]] for name in ("image", "boi", "eoi")},
    )  # fmt: skip
    config.yes_token_index, config.no_token_index = vocabulary["Yes"], vocabulary["No"]
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("gemma")
    model = ShieldGemma2ForImageClassification(config)
    for name, weights in model.named_parameters():
        if "mm_input_projection" in name:  # zero at birth, so that no picture would reach the words
            weights.data.normal_()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def test_a_tiny_shieldgemma_says_of_each_policy_what_it_says_of_it_alone(tiny_gemma: Path) -> None:
    """The three policies differ in length and stand in one batch, padded on the left: that must change nothing."""
    import torch
    from PIL import Image
    from transformers import AutoProcessor, ShieldGemma2ForImageClassification

    (picture,) = pictures(1)
    found = SafetyPerceiver(f"shieldgemma:{tiny_gemma}").perceive([Look(picture, QUERY)])[0]
    assert isinstance(found, Safety)

    model = ShieldGemma2ForImageClassification.from_pretrained(tiny_gemma).eval()
    processor = AutoProcessor.from_pretrained(tiny_gemma)
    lengths = set()
    for policy, kind in safety.POLICIES.items():
        inputs = processor(images=[Image.fromarray(picture.rgb)], policies=[policy], return_tensors="pt")
        lengths.add(inputs["input_ids"].shape[1])
        with torch.inference_mode():
            alone = float(model(**inputs).probabilities[0, 0])
        (together,) = [one.score for one in found.policies if one.policy == kind]
        assert together == pytest.approx(alone, abs=2e-6)
    assert len(lengths) == 3


def test_a_shieldgemma_says_the_same_of_a_picture_in_any_company(tiny_gemma: Path) -> None:
    model = SafetyPerceiver(f"shieldgemma:{tiny_gemma}")
    looks = [Look(picture, QUERY) for picture in pictures(3)]

    together = model.perceive(looks)

    assert [model.perceive([look])[0] for look in reversed(looks)] == list(reversed(together))
    assert len({sight.policies for sight in together}) == 3


def test_a_shieldgemma_in_a_folder_is_known_by_its_weights(tiny_gemma: Path, tmp_path: Path) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    other = Path(shutil.copytree(tiny_gemma, tmp_path / "other"))
    weights = load_file(other / "model.safetensors")
    name = sorted(weights)[0]
    save_file({**weights, name: weights[name] + 1}, other / "model.safetensors", metadata={"format": "pt"})

    first, second = (SafetyPerceiver(f"shieldgemma:{folder}").identity() for folder in (tiny_gemma, other))

    assert len(first["weights"]) == 64
    assert first["weights"] != second["weights"]
    assert str(tiny_gemma) not in str(first)
