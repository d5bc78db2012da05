"""PickScore, HPSv2 and ImageReward with small random weights of their real classes and file layouts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imgaudit.errors import ModelUnavailable, UsageError
from imgaudit.perceivers import _preference_models as models
from imgaudit.perceivers.preference import NO_MODEL, PreferencePerceiver
from imgaudit.percepts import Preferred
from imgaudit.types import Abstained, Failed, Look, Picture, Query

PROMPT = "two red cups on a table"
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "red", "two", "cup", "##s", "on", "table")


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def picture(seed: int, height: int = 40, width: int = 56) -> Picture:
    rgb = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Picture(f"p{seed}", b"", f"f{seed}", rgb, f"pixels{seed}", "RGB", "PNG")


def look(of: Picture, prompt: str = PROMPT) -> Look:
    return Look(of, Query("preference", {"prompt": prompt}))


def preferred(sight: object) -> Preferred:
    assert isinstance(sight, Preferred), sight
    return sight


# --- PickScore ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pickscore(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import CLIPConfig, CLIPModel

    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(1)
    config = CLIPConfig(
        text_config={**small, "vocab_size": 49408, "projection_dim": 16, "eos_token_id": 2},
        vision_config={**small, "image_size": 32, "patch_size": 8, "projection_dim": 16},
        projection_dim=16,
    )
    folder = tmp_path_factory.mktemp("preference") / "pick"
    CLIPModel(config).save_pretrained(folder)
    return folder


def test_pickscore_is_the_scaled_cosine_of_transformers_own_forward_pass(pickscore: Path) -> None:
    import torch
    from open_clip.tokenizer import SimpleTokenizer
    from open_clip.transform import image_transform
    from PIL import Image
    from transformers import CLIPModel

    shown = [picture(n) for n in range(3)]
    sights = PreferencePerceiver(f"pickscore:{pickscore}").perceive([look(one) for one in shown])

    model = CLIPModel.from_pretrained(pickscore).eval()
    prepare = image_transform(32, is_train=False, mean=models.MEAN, std=models.STD)
    pixels = torch.stack([prepare(Image.fromarray(one.rgb)) for one in shown if one.rgb is not None])
    with torch.no_grad():
        logits = model(input_ids=SimpleTokenizer()([PROMPT]), pixel_values=pixels).logits_per_image[:, 0].tolist()
    assert [preferred(s).logit for s in sights] == pytest.approx(logits, abs=1e-4)
    assert [preferred(s).score for s in sights] == [preferred(s).logit for s in sights]


def test_a_prompt_beyond_the_window_is_counted(pickscore: Path) -> None:
    [sight] = PreferencePerceiver(f"pickscore:{pickscore}").perceive([look(picture(1), "red " * 80)])

    assert preferred(sight).truncated == 5


# --- HPSv2 -------------------------------------------------------------------------------------


@pytest.fixture
def hpsv2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint as its authors save it: tensors of an open_clip model under `state_dict`."""
    import open_clip
    import torch

    config = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
    }
    (tmp_path / "hps-tiny.json").write_text(json.dumps(config))
    open_clip.add_model_config(tmp_path / "hps-tiny.json")
    monkeypatch.setattr(models, "HPS_ARCHITECTURE", "hps-tiny")
    torch.manual_seed(2)
    model = open_clip.create_model("hps-tiny", pretrained=None)
    torch.save({"epoch": 3, "state_dict": model.state_dict()}, tmp_path / "hps.pt")
    return tmp_path / "hps.pt"


def test_hpsv2_is_the_cosine_with_its_authors_preprocessing(hpsv2: Path) -> None:
    import open_clip
    import torch
    from open_clip.transform import image_transform
    from PIL import Image

    shown = [picture(n) for n in range(3)]
    perceiver = PreferencePerceiver(f"hpsv2:{hpsv2}")
    sights = perceiver.perceive([look(one) for one in shown])

    model = open_clip.create_model("hps-tiny", pretrained=None).eval()
    model.load_state_dict(torch.load(hpsv2, weights_only=True)["state_dict"])
    prepare = image_transform(32, is_train=False, mean=models.MEAN, std=models.STD, resize_mode="longest")
    pixels = torch.stack([prepare(Image.fromarray(one.rgb)) for one in shown if one.rgb is not None])
    with torch.no_grad():
        image, text, scale = model(pixels, open_clip.get_tokenizer("hps-tiny")([PROMPT]))
    cosines = (image @ text.T)[:, 0]
    assert [preferred(s).score for s in sights] == pytest.approx(cosines.tolist(), abs=1e-5)
    assert [preferred(s).logit for s in sights] == pytest.approx((scale * cosines).tolist(), abs=1e-4)
    assert "hps.pt" in perceiver.identity()["model"]


def test_weights_of_another_model_are_refused(hpsv2: Path, tmp_path: Path) -> None:
    import torch

    torch.save({"state_dict": {"a": torch.zeros(2)}}, tmp_path / "other.pt")

    for spec in ("hpsv2", "imagereward"):
        with pytest.raises(ModelUnavailable, match="another model"):
            PreferencePerceiver(f"{spec}:{tmp_path / 'other.pt'}")


def test_a_checkpoint_with_code_in_it_is_not_run(tmp_path: Path) -> None:
    import pickle

    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path(tmp_path / "ran").touch, ())

    (tmp_path / "evil.pt").write_bytes(pickle.dumps({"state_dict": Payload()}))

    for spec in ("hpsv2", "imagereward"):
        with pytest.raises(ModelUnavailable, match="cannot be read"):
            PreferencePerceiver(f"{spec}:{tmp_path / 'evil.pt'}")
    assert not (tmp_path / "ran").exists()


# --- ImageReward -------------------------------------------------------------------------------

WIDTH, LAYERS, SIDE, PATCH = 128, 2, 32, 8


def reward_tensors() -> dict[str, Any]:
    """Random tensors under the names of the authors' checkpoint."""
    import torch

    generator = torch.Generator().manual_seed(5)

    def drawn(*shape: int) -> Any:
        return torch.randn(*shape, generator=generator) / (shape[-1] ** 0.5 if len(shape) > 1 else 10)

    def linear(name: str, out: int, into: int) -> None:
        made[f"{name}.weight"], made[f"{name}.bias"] = drawn(out, into), drawn(out)

    def norm(name: str) -> None:
        made[f"{name}.weight"], made[f"{name}.bias"] = 1 + drawn(WIDTH), drawn(WIDTH)

    made: dict[str, Any] = {}
    v = "blip.visual_encoder"
    made[f"{v}.cls_token"], made[f"{v}.pos_embed"] = drawn(1, 1, WIDTH), drawn(1, (SIDE // PATCH) ** 2 + 1, WIDTH)
    made[f"{v}.patch_embed.proj.weight"] = drawn(WIDTH, 3, PATCH, PATCH)
    made[f"{v}.patch_embed.proj.bias"] = drawn(WIDTH)
    for n in range(LAYERS):
        norm(f"{v}.blocks.{n}.norm1")
        norm(f"{v}.blocks.{n}.norm2")
        linear(f"{v}.blocks.{n}.attn.qkv", 3 * WIDTH, WIDTH)
        linear(f"{v}.blocks.{n}.attn.proj", WIDTH, WIDTH)
        linear(f"{v}.blocks.{n}.mlp.fc1", 4 * WIDTH, WIDTH)
        linear(f"{v}.blocks.{n}.mlp.fc2", WIDTH, 4 * WIDTH)
    norm(f"{v}.norm")
    t = "blip.text_encoder"
    made[f"{t}.embeddings.position_ids"] = torch.arange(64)[None]
    made[f"{t}.embeddings.word_embeddings.weight"] = drawn(len(WORDS) + 2, WIDTH)
    made[f"{t}.embeddings.position_embeddings.weight"] = drawn(64, WIDTH)
    norm(f"{t}.embeddings.LayerNorm")
    for n in range(LAYERS):
        layer = f"{t}.encoder.layer.{n}"
        for kind in ("attention", "crossattention"):
            for part in ("query", "key", "value"):
                linear(f"{layer}.{kind}.self.{part}", WIDTH, WIDTH)
            linear(f"{layer}.{kind}.output.dense", WIDTH, WIDTH)
            norm(f"{layer}.{kind}.output.LayerNorm")
        linear(f"{layer}.intermediate.dense", 2 * WIDTH, WIDTH)
        linear(f"{layer}.output.dense", WIDTH, 2 * WIDTH)
        norm(f"{layer}.output.LayerNorm")
    for number, (out, into) in zip((0, 2, 4, 6, 7), ((64, WIDTH), (32, 64), (16, 32), (8, 16), (1, 8)), strict=True):
        linear(f"mlp.layers.{number}", out, into)
    return made


@pytest.fixture(scope="module")
def reward(tmp_path_factory: pytest.TempPathFactory) -> str:
    import torch
    from transformers import BertTokenizerFast

    folder = tmp_path_factory.mktemp("reward")
    torch.save(reward_tensors(), folder / "ImageReward.pt")
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder / "bert")
    return f"imagereward:{folder / 'ImageReward.pt'};tokenizer={folder / 'bert'}"


def by_hand(pixels: Any, ids: list[int]) -> float:
    """ImageReward written out from its paper's parts, without transformers."""
    import torch
    from torch.nn import functional

    w = reward_tensors()

    def line(name: str, x: Any) -> Any:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(name: str, x: Any, eps: float) -> Any:
        return functional.layer_norm(x, (WIDTH,), w[f"{name}.weight"], w[f"{name}.bias"], eps)

    def attend(query: Any, key: Any, value: Any) -> Any:
        heads = WIDTH // 64
        q, k, v = (x.reshape(len(x), heads, 64).transpose(0, 1) for x in (query, key, value))
        seen = torch.softmax(q @ k.transpose(1, 2) / 8, -1) @ v
        return seen.transpose(0, 1).reshape(len(query), WIDTH)

    v = "blip.visual_encoder"
    patches = functional.conv2d(
        pixels[None], w[f"{v}.patch_embed.proj.weight"], w[f"{v}.patch_embed.proj.bias"], stride=PATCH
    )[0].flatten(1)
    x = torch.cat([w[f"{v}.cls_token"][0], patches.T]) + w[f"{v}.pos_embed"][0]
    for n in range(LAYERS):
        b = f"{v}.blocks.{n}"
        q, k, value = line(f"{b}.attn.qkv", norm(f"{b}.norm1", x, 1e-6)).chunk(3, -1)
        x = x + line(f"{b}.attn.proj", attend(q, k, value))
        x = x + line(f"{b}.mlp.fc2", functional.gelu(line(f"{b}.mlp.fc1", norm(f"{b}.norm2", x, 1e-6))))
    seen = norm(f"{v}.norm", x, 1e-6)

    t = "blip.text_encoder"
    places = w[f"{t}.embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(f"{t}.embeddings.LayerNorm", w[f"{t}.embeddings.word_embeddings.weight"][ids] + places, 1e-12)
    for n in range(LAYERS):
        layer = f"{t}.encoder.layer.{n}"
        for kind in ("attention", "crossattention"):
            other = x if kind == "attention" else seen
            a = f"{layer}.{kind}"
            mixed = attend(line(f"{a}.self.query", x), line(f"{a}.self.key", other), line(f"{a}.self.value", other))
            x = norm(f"{a}.output.LayerNorm", line(f"{a}.output.dense", mixed) + x, 1e-12)
        wide = functional.gelu(line(f"{layer}.intermediate.dense", x))
        x = norm(f"{layer}.output.LayerNorm", line(f"{layer}.output.dense", wide) + x, 1e-12)
    x = x[:1]
    for number in (0, 2, 4, 6, 7):
        x = line(f"mlp.layers.{number}", x)
    return float(x)


def test_imagereward_is_what_its_parts_give_by_hand(reward: str) -> None:
    import torch
    from open_clip.transform import image_transform
    from PIL import Image

    shown = [picture(n) for n in range(3)]
    perceiver = PreferencePerceiver(reward)
    sights = [preferred(sight) for sight in perceiver.perceive([look(one) for one in shown])]

    prepare = image_transform(SIDE, is_train=False, mean=models.MEAN, std=models.STD)
    ids = [WORDS.index(word) for word in ("[CLS]", "two", "red", "cup", "##s", "on", "a", "table", "[SEP]")]
    with torch.no_grad():
        raw = [by_hand(prepare(Image.fromarray(one.rgb)), ids) for one in shown if one.rgb is not None]
    assert [sight.logit for sight in sights] == pytest.approx(raw, abs=1e-4)
    assert [sight.score for sight in sights] == pytest.approx([(r - 0.1671736) / 1.0333395 for r in raw], abs=1e-4)
    assert len({round(value, 3) for value in raw}) == 3


def test_imagereward_tells_the_tokens_that_it_cuts(reward: str) -> None:
    [sight] = PreferencePerceiver(reward).perceive([look(picture(1), "red " * 40)])

    assert preferred(sight).truncated == 7


# --- all -----------------------------------------------------------------------------------------


def test_a_batch_of_several_prompts_gives_what_single_looks_give_in_order(pickscore: Path) -> None:
    perceiver = PreferencePerceiver(f"pickscore:{pickscore}")
    looks = [look(picture(n), PROMPT if n % 2 else "a dog") for n in range(5)]
    broken = Look(Picture("b", b"", "f"), Query("preference", {"prompt": PROMPT}))

    together = perceiver.perceive([*looks, broken, Look(picture(1), Query("preference", {}))])

    for one, other in zip(together, [perceiver.perceive([one])[0] for one in looks], strict=False):
        assert preferred(one).logit == pytest.approx(preferred(other).logit, abs=1e-4)
    assert together[5] == Abstained("the picture cannot be decoded")
    assert isinstance(together[6], Failed)


def test_without_an_option_it_says_how_to_get_a_model() -> None:
    with pytest.raises(ModelUnavailable, match=NO_MODEL) as caught:
        PreferencePerceiver()
    assert "--preference pickscore:" in caught.value.remedy


@pytest.mark.parametrize("option", ["hpsv2", "pickscore:", "hpsv3:x", "hpsv2:x;clip=y"])
def test_an_option_that_names_nothing_is_an_error(option: str) -> None:
    with pytest.raises(UsageError, match="--preference"):
        PreferencePerceiver(option)


@pytest.mark.parametrize(
    ("option", "command"),
    [
        ("pickscore:yuvalkirstain/PickScore_v1", "hf download yuvalkirstain/PickScore_v1"),
        ("hpsv2:nowhere.pt", "hf download xswu/HPSv2"),
        ("imagereward:nowhere.pt", "hf download THUDM/ImageReward"),
    ],
)
def test_a_model_that_is_not_here_says_how_to_get_it(option: str, command: str) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        PreferencePerceiver(option)
    assert command in caught.value.remedy
