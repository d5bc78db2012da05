from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imgaudit.embedded import tokenizer as words
from imgaudit.errors import ModelUnavailable, UsageError
from imgaudit.perceivers import _clip_texts as tokens
from imgaudit.perceivers import clip as module
from imgaudit.perceivers._clip_pixels import Preparation, check_agreement, check_preprocessing
from imgaudit.perceivers._clip_texts import check_encoding, check_tokenizer, truncated
from imgaudit.perceivers.clip import Clip
from imgaudit.percepts import Embedding, Match
from imgaudit.types import Abstained, Failed, Look, Picture, Query, Sight

SIDE = 32
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
TEXTS = ("a red circle", "two blue squares", "a green star on a black background")


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def save_model(folder: Path, bias: float | None = None, **text: Any) -> Path:
    """Save an open_clip model of a real class with random weights, as its folders on the hub are."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    model_config = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": SIDE, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
        "text_cfg": {
            "context_length": 16,
            "vocab_size": words.vocabulary_size(),
            "width": 32,
            "heads": 2,
            "layers": 2,
            "hf_tokenizer_name": "local",
            **text,
        },
        **({} if bias is None else {"init_logit_bias": bias}),
    }
    preprocessing = {"mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "squash"}
    torch.manual_seed(4)
    model = open_clip.CLIP(**model_config)
    folder.mkdir(parents=True)
    words.write(folder)
    save_file(dict(model.state_dict()), folder / "open_clip_model.safetensors")
    config = {"model_cfg": model_config, "preprocess_cfg": preprocessing}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("clip") / "tiny-clip")


@pytest.fixture(scope="module")
def clip(folder: Path) -> Clip:
    return Clip(str(folder))


def picture(seed: int, side: int = 40) -> Picture:
    rgb = np.random.default_rng(seed).integers(0, 256, (side, side + 8, 3), dtype=np.uint8)
    return Picture(f"p{seed}", b"", f"file{seed}", rgb, f"pixels{seed}", "RGB", "PNG")


def look(of: Picture, **parameters: Any) -> Look:
    return Look(of, Query("clip", parameters))


def match(sight: Sight) -> Match:
    assert isinstance(sight, Match), sight
    return sight


def test_cosines_are_those_of_open_clip(folder: Path, clip: Clip) -> None:
    import open_clip
    import torch
    from PIL import Image

    shown = picture(1)
    [sight] = clip.perceive([look(shown, texts=list(TEXTS))])

    assert shown.rgb is not None
    model, prepare = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    tokens = open_clip.get_tokenizer(f"local-dir:{folder}")(list(TEXTS))
    with torch.no_grad():
        image, text, scale = model.eval()(prepare(Image.fromarray(shown.rgb))[None], tokens)
    found = match(sight)
    assert found.cosines == pytest.approx((image @ text.T)[0].tolist(), abs=2e-6)
    assert found.scale == pytest.approx(float(scale), rel=1e-6)
    assert (found.model, found.knows, found.truncated) == ("tiny-clip", True, (0, 0, 0))


def test_preprocessing_is_the_documented_arithmetic(clip: Clip) -> None:
    from PIL import Image

    shown = picture(2, SIDE)
    assert shown.rgb is not None
    made = clip._prepare(shown.rgb).numpy()

    squashed = np.asarray(Image.fromarray(shown.rgb).resize((SIDE, SIDE), Image.Resampling.BICUBIC)) / 255
    expected = ((squashed - MEAN) / STD).transpose(2, 0, 1)
    np.testing.assert_allclose(made, expected, atol=1e-5)


def test_a_batch_gives_what_single_looks_give_in_order(folder: Path) -> None:
    looks = [look(picture(n), texts=[TEXTS[n % 3], TEXTS[0]]) for n in range(7)] + [look(picture(3), embed=True)]

    together = Clip(str(folder)).perceive(looks)
    alone = [Clip(str(folder)).perceive([one])[0] for one in looks]

    for one, other in zip(together[:7], alone[:7], strict=True):
        assert match(one).cosines == pytest.approx(match(other).cosines, abs=5e-6)
    assert isinstance(together[7], Embedding)
    assert isinstance(alone[7], Embedding)
    assert together[7].vector == pytest.approx(alone[7].vector, abs=5e-6)


def test_an_embedding_is_a_unit_vector(clip: Clip) -> None:
    [sight] = clip.perceive([look(picture(5), embed=True)])

    assert isinstance(sight, Embedding)
    assert np.linalg.norm(sight.vector) == pytest.approx(1, abs=1e-4)


def test_texts_and_pictures_are_embedded_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = Clip(str(folder))
    encoded: list[int] = []
    encode_text, encode_image = clip._model.encode_text, clip._model.encode_image

    def counted(encode: Callable[..., Any]) -> Callable[..., Any]:
        def run(batch: Any, **options: Any) -> Any:
            encoded.append(len(batch))
            return encode(batch, **options)

        return run

    clip._model.encode_image = counted(encode_image)
    monkeypatch.setattr(module, "encode", lambda _model, batch: counted(encode_text)(batch, normalize=True))
    clip.perceive([look(picture(n), texts=[*TEXTS, *TEXTS]) for n in (1, 2, 1)])
    clip.perceive([look(picture(1), texts=[TEXTS[0]]), look(picture(2), embed=True)])

    assert encoded == [2, 3]


def test_stores_stay_small_and_keep_what_is_needed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEPT_TEXTS", 2)
    monkeypatch.setattr(module, "_KEPT_PICTURES", 2)
    clip = Clip(str(folder))

    sights = clip.perceive([look(picture(n), texts=list(TEXTS)) for n in range(4)])

    assert len({match(sight).cosines for sight in sights}) == 4
    assert len(clip._pictures) == 2
    clip.perceive([look(picture(9), texts=["a shape"])])
    assert len(clip._texts) == 2


@pytest.mark.parametrize("count", [1, 14, 15, 40])
def test_tokens_beyond_the_window_are_counted(clip: Clip, count: int) -> None:
    text = " ".join(["red"] * count)

    [sight] = clip.perceive([look(picture(1), texts=[text])])

    assert match(sight).truncated == (max(0, count + 2 - 16),)


def test_tokens_beyond_the_window_are_counted_for_open_clips_own_tokenizer() -> None:
    from open_clip.tokenizer import SimpleTokenizer

    tokenizer = SimpleTokenizer(context_length=77)

    assert [truncated(tokenizer, " ".join(["cat"] * n)) for n in (75, 76, 100)] == [0, 1, 25]


def test_siglip_keeps_its_own_scale_and_bias_cancels(tmp_path: Path) -> None:
    clip = Clip(str(save_model(tmp_path / "siglip", bias=-10.0)))

    [sight] = clip.perceive([look(picture(1), texts=list(TEXTS))])

    found = match(sight)
    assert found.scale == pytest.approx(1 / 0.07, rel=1e-4)
    assert found.bias == -10.0
    assert max(map(abs, found.cosines)) <= 1


def test_siglips_pair_probability_is_the_sigmoid_of_open_clips_own_logits(tmp_path: Path) -> None:
    import torch

    from imgaudit.kernels.clipscore import pair_probability

    clip = Clip(str(save_model(tmp_path / "siglip", bias=-3.0, no_causal_mask=True, pool_type="last")))
    shown = picture(1)
    found = match(clip.perceive([look(shown, texts=list(TEXTS))])[0])

    assert shown.rgb is not None
    pixels = clip._prepare(shown.rgb)[None]
    with torch.no_grad():
        logits, _ = clip._model.get_logits(pixels, clip._tokenizer(list(TEXTS)))
    assert found.bias is not None
    probabilities = [pair_probability(cosine, found.scale, found.bias) for cosine in found.cosines]
    assert probabilities == pytest.approx(torch.sigmoid(logits[0]).tolist(), abs=1e-4)


def test_a_match_names_the_weights_that_it_rests_on(clip: Clip) -> None:
    [sight] = clip.perceive([look(picture(1), texts=[TEXTS[0]])])

    assert match(sight).weights == clip.identity()["weights"][:12]
    assert match(sight).bias is None


def test_a_picture_that_cannot_be_decoded_is_abstained_and_the_others_are_seen(clip: Clip) -> None:
    broken = Picture("broken", b"", "file")

    first, second = clip.perceive([look(broken, embed=True), look(picture(1), embed=True)])

    assert first == Abstained("the picture cannot be decoded")
    assert isinstance(second, Embedding)


def test_a_picture_that_cannot_be_prepared_fails_alone(clip: Clip) -> None:
    odd = Picture("odd", b"", "file", np.zeros((4, 4, 5), np.uint8), "odd", "RGB", "PNG")

    first, second = clip.perceive([look(odd, embed=True), look(picture(1), embed=True)])

    assert isinstance(first, Failed)
    assert isinstance(second, Embedding)


def test_a_query_without_texts_fails(clip: Clip) -> None:
    [sight] = clip.perceive([look(picture(1))])

    assert isinstance(sight, Failed)


def test_out_of_memory_halves_the_batch(folder: Path) -> None:
    import torch

    clip = Clip(str(folder))
    whole = clip.perceive([look(picture(n), embed=True) for n in range(5)])
    small = Clip(str(folder))
    encode = small._model.encode_image

    def limited(batch: Any, **options: Any) -> Any:
        if len(batch) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return encode(batch, **options)

    small._model.encode_image = limited
    halved = small.perceive([look(picture(n), embed=True) for n in range(5)])

    for one, other in zip(whole, halved, strict=True):
        assert isinstance(one, Embedding)
        assert isinstance(other, Embedding)
        assert one.vector == pytest.approx(other.vector, abs=5e-6)


# --- preprocessing that would spoil every score --------------------------------------------------


def _prepared(scale: float = 1 / 255, mean: tuple[float, ...] = MEAN) -> Callable[[Any], Any]:
    def prepare(image: Any) -> Any:
        values = np.asarray(image, dtype=float) * scale
        return ((values - mean) / STD).transpose(2, 0, 1)

    return prepare


DOCUMENTED = {"size": SIDE, "mean": MEAN, "std": STD}


def test_the_right_preprocessing_passes_the_self_test() -> None:
    check_preprocessing(_prepared(), DOCUMENTED, "model")


@pytest.mark.parametrize(
    "prepare",
    [
        _prepared(scale=1 / 255**2),
        _prepared(scale=1.0),
        _prepared(mean=(0.48145466, 0.4578275, 0.40821073)),
        lambda image: _prepared()(image)[:, :-1],
    ],
    ids=["scaled twice", "not scaled", "another model's mean", "wrong size"],
)
def test_a_wrong_preprocessing_is_refused(prepare: Callable[[Any], Any]) -> None:
    with pytest.raises(ModelUnavailable, match="not give the model what it was trained on"):
        check_preprocessing(prepare, DOCUMENTED, "model")


def test_a_model_is_refused_when_its_pixels_are_scaled_twice(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    once = Preparation.batch

    def twice(self: Preparation, fitted: Any, device: Any = "cpu") -> Any:
        scaled = [(one / 255).astype(np.uint8) for one in fitted]  # a rescale before the one that belongs there
        return once(self, scaled, device)

    monkeypatch.setattr(Preparation, "batch", twice)

    with pytest.raises(ModelUnavailable, match="not give the model what it was trained on"):
        Clip(str(folder))


OPENAI = {"mean": (0.48145466, 0.4578275, 0.40821073), "std": (0.26862954, 0.26130258, 0.27577711)}
HALF = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
FAMILIES = {
    "CLIP": {"size": 224, **OPENAI},
    "CLIP, as a pair": {"size": (32, 32), **OPENAI, "resize_mode": "shortest", "interpolation": "bicubic"},
    "SigLIP": {"size": 64, **HALF, "resize_mode": "squash"},
    "SigLIP, oblong": {"size": (48, 32), **HALF, "resize_mode": "squash"},
    "CLIPA": {"size": 84, **HALF, "interpolation": "bilinear", "resize_mode": "squash"},
    "MobileCLIP": {"size": 64, "mean": (0, 0, 0), "std": (1, 1, 1), "interpolation": "bilinear"},
    "PE": {"size": 56, **HALF, "interpolation": "bilinear", "resize_mode": "squash"},
    "oblong": {"size": (40, 64), **OPENAI},
    "oblong, bilinear": {"size": (64, 40), **OPENAI, "interpolation": "bilinear"},
    "longest": {"size": 64, **OPENAI, "resize_mode": "longest"},
    "longest, filled": {"size": (48, 64), **OPENAI, "resize_mode": "longest", "fill_color": 128},
    "random": {"size": 32, **OPENAI, "interpolation": "random"},
    "ImageNet": {"size": 32, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225), "resize_mode": "squash"},
}
SIZES = [(64, 64), (32, 32), (64, 97), (97, 64), (33, 32), (17, 40), (211, 300), (300, 211), (5, 3), (1, 60)]


@pytest.mark.parametrize("family", FAMILIES)
def test_our_preprocessing_is_open_clips_for_every_family(family: str) -> None:
    from open_clip.transform import PreprocessCfg, image_transform_v2
    from PIL import Image

    documented = FAMILIES[family]
    ours, theirs = Preparation.of(documented, family), image_transform_v2(PreprocessCfg(**documented), is_train=False)
    for height, width in SIZES:
        rgb = np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)

        expected = theirs(Image.fromarray(rgb)).numpy()

        apart = np.abs(ours(rgb).numpy() - expected)
        level = 1 / 255 / min(documented["std"]) if max(height, width) > 8 * min(height, width) else 0.0
        assert apart.max() <= level + 1e-6, f"{height}x{width}"
        assert apart.mean() <= 1e-5, f"{height}x{width}"


def test_the_families_are_all_that_open_clip_lists() -> None:
    """Every pair of resampling and fitting, and of mean and std, that a tag of open_clip names is among those above."""
    from open_clip import list_pretrained
    from open_clip.pretrained import get_pretrained_cfg

    def family(of: Any) -> tuple[Any, ...]:
        how, mode = of.get("interpolation") or "bicubic", of.get("resize_mode") or "shortest"
        return how, mode, *(tuple(np.float32(of[part]).tolist()) for part in ("mean", "std"))

    tested = {family(documented) for documented in FAMILIES.values()}
    listed = {family(get_pretrained_cfg(*tag)) for tag in list_pretrained()}

    assert {(how, mode) for how, mode, *_ in listed} <= {(how, mode) for how, mode, *_ in tested}
    assert {tuple(numbers) for _, _, *numbers in listed} <= {tuple(numbers) for _, _, *numbers in tested}


def test_a_strip_of_a_hundred_thousand_pixels_costs_no_more_than_its_middle() -> None:
    import tracemalloc

    strip = np.zeros((2, 100_000, 3), np.uint8)
    strip[:, 49_990:50_010] = 255
    prepare = Preparation.of({"size": 224, **OPENAI}, "CLIP")

    tracemalloc.start()
    fitted = prepare.fitted(strip)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert fitted.shape == (224, 224, 3)
    assert fitted.min() == 255
    assert peak < 20e6


@pytest.mark.parametrize(
    "documented",
    [
        {"size": 32},
        {"size": 32, "mean": (0.5, 0.5), "std": (0.5, 0.5)},
        {"size": 32, "mean": (0.5,) * 3, "std": (0.5, 0.0, 0.5)},
        {"size": 10**9, **HALF},
        {"size": 32, **HALF, "resize_mode": "stretch"},
        {"size": 32, **HALF, "interpolation": "lanczos"},
        {"size": "large", **HALF},
    ],
)
def test_a_preprocessing_that_nobody_knows_is_refused(documented: Any) -> None:
    with pytest.raises(ModelUnavailable):
        Preparation.of(documented, "model")


def test_a_preprocessing_that_differs_from_open_clips_is_refused() -> None:
    ours = Preparation.of({"size": 32, **OPENAI}, "model")
    squashed = Preparation.of({"size": 32, **OPENAI, "resize_mode": "squash"}, "model")

    check_agreement(ours, lambda image: ours(np.asarray(image)), "model")
    with pytest.raises(ModelUnavailable, match="differs from open_clip's"):
        check_agreement(squashed, lambda image: ours(np.asarray(image)), "model")


# --- texts that are longer than the window -------------------------------------------------------


class LosesItsEnd:
    """A tokenizer that cuts a long text off without keeping the end token, as torchmetrics does."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)

    def __call__(self, texts: list[str]) -> Any:
        import torch

        whole = [[self.sot_token_id, *self.encode(text), self.eot_token_id] for text in texts]
        rows = [(ids + [0] * self.context_length)[: self.context_length] for ids in whole]
        return torch.tensor(rows)


class SaysNothing(LosesItsEnd):
    """A tokenizer that cuts silently: asked for the whole text it gives what fits."""

    def __call__(self, texts: list[str]) -> Any:
        return self._tokenizer(texts)

    def encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text))[: self.context_length - 2]


def test_open_clips_tokenizers_keep_the_end_of_a_long_text(clip: Clip) -> None:
    from open_clip.tokenizer import SimpleTokenizer

    for tokenizer in (SimpleTokenizer(context_length=77), SimpleTokenizer(context_length=32), clip._tokenizer):
        check_tokenizer(tokenizer, "model")
        assert tokens.end_token(tokenizer) is not None


def test_a_tokenizer_that_loses_the_end_of_a_long_text_is_refused() -> None:
    from open_clip.tokenizer import SimpleTokenizer

    with pytest.raises(ModelUnavailable, match="loses its end token 49407"):
        check_tokenizer(LosesItsEnd(SimpleTokenizer(context_length=77)), "model")


def test_a_tokenizer_that_cuts_without_a_count_is_refused() -> None:
    from open_clip.tokenizer import SimpleTokenizer

    with pytest.raises(ModelUnavailable, match="without a count"):
        check_tokenizer(SaysNothing(SimpleTokenizer(context_length=77)), "model")


def test_a_long_text_is_embedded_as_its_beginning_and_its_end_token(clip: Clip) -> None:
    import torch

    long = " ".join(["red", "circle"] * 30)
    [sight] = clip.perceive([look(picture(1), texts=[long, "red circle"])])
    ids = clip._tokenizer([long])

    with torch.no_grad():
        vector = clip._model.encode_text(ids, normalize=True)[0].numpy()
        image = np.asarray(clip.perceive([look(picture(1), embed=True)])[0].vector)  # type: ignore[union-attr]
    assert match(sight).cosines[0] == pytest.approx(float(vector @ image), abs=1e-5)
    assert ids[0, -1] == tokens.end_token(clip._tokenizer)


def test_texts_are_embedded_as_open_clip_does_without_running_their_padding(folder: Path) -> None:
    import torch

    clip = Clip(str(folder))
    widths: list[int] = []
    clip._model.transformer.register_forward_pre_hook(lambda _module, inputs: widths.append(inputs[0].shape[1]))
    for texts in (["a red circle"], ["two blue squares", "red"], [" ".join(["red"] * 40)], ["", "a green star"]):
        ids = clip._tokenizer(texts)
        with torch.no_grad():
            ours, theirs = tokens.encode(clip._model, ids), clip._model.encode_text(ids, normalize=True)

        assert (ours - theirs).abs().max() < 1e-6
    assert widths[:2] == [5, 16]


def test_a_model_whose_tokens_see_what_follows_runs_its_whole_window(tmp_path: Path) -> None:
    clip = Clip(str(save_model(tmp_path / "siglip", bias=-10.0, no_causal_mask=True, pool_type="last")))
    ids = clip._tokenizer(["a red circle"])

    assert tokens._used(clip._model, ids) is None
    check_encoding(clip._model, clip._tokenizer, "model")


def test_an_encoding_that_differs_from_open_clips_is_refused(clip: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_used", lambda _model, ids: ids.shape[1] - 12)

    with pytest.raises(ModelUnavailable, match="otherwise than open_clip's"):
        check_encoding(clip._model, clip._tokenizer, "model")


def test_texts_among_themselves_are_compared_where_that_is_asked(clip: Clip) -> None:
    looks = [look(picture(1), texts=list(TEXTS), between=True), look(picture(1), texts=[TEXTS[0]])]
    asked, other = clip.perceive(looks)
    vectors = [clip._texts[text][0] for text in TEXTS]

    assert match(asked).between == pytest.approx([float(vectors[0] @ v) for v in vectors[1:]], abs=1e-6)
    assert match(other).between == ()


# --- where models come from ----------------------------------------------------------------------


def test_identity_follows_the_files_and_names_no_path(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "tiny-clip"
    shutil.copytree(folder, copy)
    same = Clip(str(copy)).identity()
    with (copy / "tokenizer_config.json").open("a") as stream:
        stream.write("\n")
    changed = Clip(str(copy)).identity()

    assert same == Clip(str(folder)).identity()
    assert changed["weights"] != same["weights"]
    assert str(tmp_path) not in str(same)


def test_a_folder_without_a_model_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"expected open_clip_config\.json"):
        Clip(str(tmp_path))


def test_a_configuration_without_weights_is_never_run_at_random(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "model"
    shutil.copytree(folder, copy)
    (copy / "open_clip_model.safetensors").unlink()

    with pytest.raises(ModelUnavailable):
        Clip(str(copy))


def test_a_pickle_with_code_in_it_is_not_run(folder: Path, tmp_path: Path) -> None:
    import pickle

    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path(tmp_path / "ran").touch, ())

    copy = tmp_path / "model"
    shutil.copytree(folder, copy)
    (copy / "open_clip_model.safetensors").unlink()
    (copy / "open_clip_pytorch_model.bin").write_bytes(pickle.dumps(Payload()))

    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        Clip(str(copy))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("text", "vision", "complaint"),
    [
        ({"tokenizer_kwargs": {"trust_remote_code": True}}, {}, "code that came with the model"),
        ({"hf_model_name": "somebody/text"}, {}, "lies elsewhere"),
        ({}, {"timm_model_name": "hf-hub:somebody/vision"}, "lies elsewhere"),
    ],
)
def test_a_configuration_that_reaches_out_is_refused(
    folder: Path, tmp_path: Path, text: dict[str, Any], vision: dict[str, Any], complaint: str
) -> None:
    copy = tmp_path / "model"
    shutil.copytree(folder, copy)
    config = json.loads((copy / "open_clip_config.json").read_text())
    config["model_cfg"]["text_cfg"] |= text
    config["model_cfg"]["vision_cfg"] |= vision
    (copy / "open_clip_config.json").write_text(json.dumps(config))

    with pytest.raises(ModelUnavailable, match=complaint):
        Clip(str(copy))


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("nowhere", "no such folder"),
        ("local-dir:/no/where", "no such folder"),
        ("ViT-B-23:openai", "did you mean 'ViT-B-32'"),
        ("ViT-B-32:opnai", "there are: .*openai"),
    ],
)
def test_an_option_that_names_nothing_is_an_error(option: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        Clip(option)


@pytest.mark.parametrize(
    ("option", "command"),
    [
        ("hf-hub:laion/CLIP-ViT-B-32-laion2B-s34B-b79K", "hf download laion/CLIP-ViT-B-32-laion2B-s34B-b79K"),
        ("ViT-B-32:laion2b_s34b_b79k", "hf download laion/CLIP-ViT-B-32-laion2B-s34B-b79K"),
        ("RN50:yfcc15m", "hf download timm/"),
    ],
)
def test_a_missing_model_says_how_to_get_it(option: str, command: str) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        Clip(option)
    assert command in caught.value.remedy


def test_a_plain_address_is_not_fetched_when_the_hub_is_forbidden(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import urllib.request

    from open_clip import pretrained

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a download was tried")

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setattr(pretrained, "get_pretrained_cfg", lambda *_: {"url": "https://example.org/model.pt"})

    with pytest.raises(ModelUnavailable, match="HF_HUB_OFFLINE"):
        Clip("ViT-B-32:openai")


# --- the packaged model ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def packaged() -> Clip:
    return Clip()


def drawn(prompt: str, seed: int = 0) -> Picture:
    from imgaudit.embedded import world

    scene = world.parse(prompt)
    assert scene is not None
    rgb = world.draw(world.place(scene, np.random.default_rng(seed)))
    return Picture(prompt, b"", prompt, rgb, f"{prompt} {seed}", "RGB", "PNG")


def test_the_packaged_model_tells_a_caption_from_its_foil(packaged: Clip) -> None:
    texts = ["a red circle on a white background", "a blue circle on a white background"]

    red, blue = packaged.perceive([look(drawn(text), texts=texts) for text in texts])

    assert match(red).model == "embedded"
    assert match(red).cosines[0] > match(red).cosines[1]
    assert match(blue).cosines[0] < match(blue).cosines[1]


def test_the_packaged_model_says_that_it_does_not_know_other_pictures(packaged: Clip) -> None:
    noise, embedding = packaged.perceive([look(picture(1), texts=["a shape"]), look(picture(1), embed=True)])

    assert match(noise).knows is False
    assert "coloured shapes" in (match(noise).why_not or "")
    assert isinstance(embedding, Abstained)
    assert "--clip" in (embedding.remedy or "")


def test_the_packaged_model_knows_a_picture_of_its_world(packaged: Clip) -> None:
    [seen] = packaged.perceive([look(drawn("two blue squares on a white background"), texts=["two blue squares"])])

    assert match(seen).knows is True
    assert match(seen).why_not is None
