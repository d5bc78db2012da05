"""The models behind `preference`: PickScore, HPSv2 and ImageReward, from their published weights.

Each is rebuilt from the tensors of its own file by classes of open_clip and transformers; sizes are read from the
tensors. Nothing of the authors' packages is needed, which pin libraries that no longer install beside others.

Sources: Kirstain et al., "Pick-a-Pic" (NeurIPS 2023); Wu et al., "Human Preference Score v2" (2023); Xu et al.,
"ImageReward" (NeurIPS 2023), and the code of their authors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from imgaudit.digest import digest, digest_file
from imgaudit.errors import ModelUnavailable
from imgaudit.perceivers._clip_pixels import Preparation
from imgaudit.perceivers._clip_texts import encode, truncated
from imgaudit.perceivers.clip import offline

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
PICKSCORE = "yuvalkirstain/PickScore_v1"
HPS_ARCHITECTURE = "ViT-H-14"
HPS_REMEDY = "get it with: hf download xswu/HPSv2 HPS_v2.1_compressed.pt, then: --preference hpsv2:FILE"
REWARD_REMEDY = "get it with: hf download THUDM/ImageReward ImageReward.pt, then: --preference imagereward:FILE"
BERT = "google-bert/bert-base-uncased"
REWARD_WINDOW = 35
"""Tokens of the prompt that ImageReward reads; it cuts the rest off without a word."""
REWARD_MEAN, REWARD_STD = 0.16717362830052426, 1.0333394966054072
_HEAD = 64
_VISION = {
    "cls_token": "embeddings.class_embedding",
    "pos_embed": "embeddings.position_embedding",
    "patch_embed.proj.": "embeddings.patch_embedding.",
    "blocks.": "encoder.layers.",
    ".attn.qkv.": ".self_attn.qkv.",
    ".attn.proj.": ".self_attn.projection.",
    ".norm1.": ".layer_norm1.",
    ".norm2.": ".layer_norm2.",
}
"""Names of BLIP's vision tower as its authors have them, and as transformers does."""


class PreferenceModel(Protocol):
    """A model: its name for reports and what it is."""

    label: str
    identity: Mapping[str, str]

    def scores(self, prompt: str, pictures: Sequence[Pixels]) -> Sequence[tuple[float, float]]:
        """Score and logit of each picture of one prompt. A difference of two logits is the log-odds of preference."""
        ...

    def truncated(self, prompt: str) -> int:
        """Tokens of the prompt that are not read."""
        ...


def opened(path: Path, remedy: str) -> Mapping[str, Any]:
    """The tensors of a file, read without running code in it. Raises ModelUnavailable."""
    if not path.is_file():
        raise ModelUnavailable(f"there are no weights at {path.name}", remedy)
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        import torch

        content = torch.load(path, map_location="cpu", weights_only=True)
        return dict(content.get("state_dict", content))
    except Exception as error:  # readers of broken and hostile files raise anything
        raise ModelUnavailable(f"{path.name}: the weights cannot be read: {type(error).__name__}", remedy) from error


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


# --- PickScore ---------------------------------------------------------------------------------


class PickScore:
    """`logit_scale * cosine` of a CLIP that was trained on choices between two pictures of one prompt."""

    def __init__(self, where: str) -> None:
        from open_clip.tokenizer import SimpleTokenizer
        from transformers import CLIPModel

        remedy = f"get it with: hf download {PICKSCORE}, then: --preference pickscore:{PICKSCORE}"
        folder = Path(where)
        try:
            found = CLIPModel.from_pretrained(where, local_files_only=folder.is_dir() or offline())
        except Exception as error:  # a stranger's files, or none: transformers raises what it likes
            raise ModelUnavailable(f"pickscore: {where}: cannot be loaded ({type(error).__name__})", remedy) from error
        self._model = found.eval().to(_device())
        vision, text = self._model.config.vision_config, self._model.config.text_config
        self._tokenizer = SimpleTokenizer(context_length=text.max_position_embeddings)
        documented = {"size": vision.image_size, "mean": MEAN, "std": STD}
        self._prepare = Preparation.of(documented, "pickscore")
        self.label = f"pickscore {folder.resolve().name if folder.is_dir() else where}"
        self.identity: Mapping[str, str] = {"weights": _digest_of(self._model)}

    def scores(self, prompt: str, pictures: Sequence[Pixels]) -> Sequence[tuple[float, float]]:
        """See `PreferenceModel`."""
        import torch

        device = next(self._model.parameters()).device
        batch = self._prepare.batch([self._prepare.fitted(rgb) for rgb in pictures], device)
        with torch.inference_mode():
            image = _unit(self._model.get_image_features(pixel_values=batch))
            text = _unit(self._model.get_text_features(input_ids=self._tokenizer([prompt]).to(device)))
            logits = (self._model.logit_scale.exp() * image @ text.T)[:, 0].float().cpu().tolist()
        return [(logit, logit) for logit in logits]

    def truncated(self, prompt: str) -> int:
        """See `PreferenceModel`."""
        return truncated(self._tokenizer, prompt)


def _unit(found: Any) -> Any:
    """Unit vectors of features; newer versions of transformers wrap them."""
    vectors = getattr(found, "pooler_output", found)
    return vectors / vectors.norm(dim=-1, keepdim=True)


def _digest_of(model: Any) -> str:
    """Digest of a model's numbers, wherever its files lie."""
    from hashlib import sha256

    parts = sorted(model.state_dict().items())
    return digest([[name, sha256(tensor.detach().cpu().numpy().tobytes()).hexdigest()] for name, tensor in parts])


# --- HPSv2 -------------------------------------------------------------------------------------


class HumanPreference:
    """The cosine of a CLIP ViT-H/14 that was trained on people's choices (HPSv2, HPSv2.1)."""

    def __init__(self, weights: Path) -> None:
        import open_clip

        tensors = opened(weights, HPS_REMEDY)
        model = open_clip.create_model(HPS_ARCHITECTURE, pretrained=None)
        try:
            model.load_state_dict(tensors)
        except Exception as error:
            raise ModelUnavailable(f"{weights.name}: the weights are those of another model", HPS_REMEDY) from error
        self._model = model.eval().to(_device())
        self._tokenizer = open_clip.get_tokenizer(HPS_ARCHITECTURE)
        size = self._model.visual.image_size
        # its authors fit the longest side and fill up with black, which plain CLIP does not
        documented = {"size": size, "mean": MEAN, "std": STD, "resize_mode": "longest"}
        self._prepare = Preparation.of(documented, "hpsv2")
        self.label = f"hpsv2 {weights.name}"
        self.identity: Mapping[str, str] = {"weights": digest_file(weights), "open_clip": str(open_clip.__version__)}

    def scores(self, prompt: str, pictures: Sequence[Pixels]) -> Sequence[tuple[float, float]]:
        """See `PreferenceModel`."""
        import torch

        device = next(self._model.parameters()).device
        batch = self._prepare.batch([self._prepare.fitted(rgb) for rgb in pictures], device)
        with torch.inference_mode():
            image = self._model.encode_image(batch, normalize=True)
            text = encode(self._model, self._tokenizer([prompt]).to(device))
            cosines = (image @ text.T)[:, 0].float().cpu().tolist()
        scale = float(self._model.logit_scale.detach().float().exp())
        return [(cosine, scale * cosine) for cosine in cosines]

    def truncated(self, prompt: str) -> int:
        """See `PreferenceModel`."""
        return truncated(self._tokenizer, prompt)


# --- ImageReward -------------------------------------------------------------------------------


class ImageReward:
    """A linear head over BLIP's text tower, which looks at the picture while it reads; trained on people's ranks."""

    def __init__(self, weights: Path, tokenizer: str) -> None:
        from transformers import AutoTokenizer

        tensors = opened(weights, REWARD_REMEDY)
        try:
            self._vision = _vision_tower(_below(tensors, "blip.visual_encoder."))
            self._text = _text_tower(_below(tensors, "blip.text_encoder."))
            head = _below(tensors, "mlp.layers.")
            self._head = [(head[f"{n}.weight"], head[f"{n}.bias"]) for n in _numbers(head)]
        except (KeyError, ValueError, RuntimeError, IndexError) as error:
            raise ModelUnavailable(f"{weights.name}: the weights are those of another model", REWARD_REMEDY) from error
        try:
            local = Path(tokenizer).is_dir() or offline()
            self._tokenizer = AutoTokenizer.from_pretrained(tokenizer, local_files_only=local)
        except Exception as error:
            raise ModelUnavailable(
                f"imagereward: the tokenizer {tokenizer} is not on this machine", f"get it with: hf download {BERT}"
            ) from error
        size = int(self._vision.config.image_size)
        self._prepare = Preparation.of({"size": size, "mean": MEAN, "std": STD}, "imagereward")
        self.label = f"imagereward {weights.name}"
        self.identity: Mapping[str, str] = {"weights": digest_file(weights), "window": str(REWARD_WINDOW)}

    def scores(self, prompt: str, pictures: Sequence[Pixels]) -> Sequence[tuple[float, float]]:
        """See `PreferenceModel`."""
        import torch

        batch = self._prepare.batch([self._prepare.fitted(rgb) for rgb in pictures])
        read = self._tokenizer(prompt, truncation=True, max_length=REWARD_WINDOW, return_tensors="pt")
        with torch.inference_mode():
            seen = self._vision(pixel_values=batch).last_hidden_state
            told = self._text(
                input_ids=read["input_ids"].expand(len(batch), -1),
                attention_mask=read["attention_mask"].expand(len(batch), -1),
                encoder_hidden_states=seen,
                encoder_attention_mask=torch.ones(seen.shape[:2], dtype=torch.long),
            ).last_hidden_state[:, 0]
            for weight, bias in self._head:
                told = told @ weight.T + bias
        return [((raw - REWARD_MEAN) / REWARD_STD, raw) for raw in told[:, 0].float().tolist()]

    def truncated(self, prompt: str) -> int:
        """See `PreferenceModel`."""
        return max(0, len(self._tokenizer(prompt, verbose=False)["input_ids"]) - REWARD_WINDOW)


def _below(tensors: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    found = {name.removeprefix(prefix): tensor.float() for name, tensor in tensors.items() if name.startswith(prefix)}
    if not found:
        raise KeyError(prefix)
    return found


def _numbers(names: Mapping[str, Any], pattern: str = r"(\d+)\.") -> list[int]:
    """The numbers of layers that stand in the names, each once."""
    return sorted({int(found[1]) for name in names if (found := re.match(pattern, name))})


def _vision_tower(tensors: dict[str, Any]) -> Any:
    from transformers import BlipVisionConfig, BlipVisionModel

    width, patch = tensors["patch_embed.proj.weight"].shape[0], tensors["patch_embed.proj.weight"].shape[-1]
    places = tensors["pos_embed"].shape[1] - 1
    config = BlipVisionConfig(
        hidden_size=width,
        intermediate_size=tensors["blocks.0.mlp.fc1.weight"].shape[0],
        num_hidden_layers=len(_numbers(tensors, r"blocks\.(\d+)\.")),
        num_attention_heads=max(1, width // _HEAD),
        image_size=round(places**0.5) * patch,
        patch_size=patch,
        layer_norm_eps=1e-6,
    )
    model = BlipVisionModel(config)
    renamed = {}
    for name, tensor in tensors.items():
        new = re.sub(r"^norm\.", "post_layernorm.", name)
        for old, theirs in _VISION.items():
            new = new.replace(old, theirs)
        renamed[new] = tensor
    model.load_state_dict(renamed)
    return model.eval()


def _text_tower(tensors: dict[str, Any]) -> Any:
    from transformers import BlipTextConfig
    from transformers.models.blip.modeling_blip_text import BlipTextModel

    words, width = tensors["embeddings.word_embeddings.weight"].shape
    config = BlipTextConfig(
        vocab_size=words,
        hidden_size=width,
        encoder_hidden_size=tensors["encoder.layer.0.crossattention.self.key.weight"].shape[1],
        intermediate_size=tensors["encoder.layer.0.intermediate.dense.weight"].shape[0],
        num_hidden_layers=len(_numbers(tensors, r"encoder\.layer\.(\d+)\.")),
        num_attention_heads=max(1, width // _HEAD),
        max_position_embeddings=tensors["embeddings.position_embeddings.weight"].shape[0],
        bos_token_id=None,
        eos_token_id=None,
        sep_token_id=None,
    )
    model = BlipTextModel(config, add_pooling_layer=False)
    model.load_state_dict({name: tensor for name, tensor in tensors.items() if not name.endswith("position_ids")})
    return model.eval()
