"""Train the CLIP of the shapes world: pictures and captions, with hard foils in every batch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import cross_entropy, normalize
from transformers import CLIPTextModel, CLIPTokenizer

from imgaudit.embedded import tokenizer, world
from imgaudit.embedded.lessons import as_pixels, drawn
from imgaudit.embedded.parts import DEVICE
from imgaudit.embedded.training import Loop, Plan, workers
from imgaudit.embedded.vae_training import encode, trained_vae

FOILS = 4
"""Hard foils beside each caption of a batch."""
PICTURES = 48_000
"""Drawn training pictures."""
DECODED = 8_000
"""How many of them are shown a second time, as the autoencoder copies them."""
TELLINGS = 1
"""Captions of each picture, each with foils of its own."""
CONTEXT = 24
"""Tokens of a caption; the longest of the grammar has 21."""
MODEL: dict[str, Any] = {
    "embed_dim": 128,
    "quick_gelu": True,
    "vision_cfg": {
        "timm_model_name": "test_resnet",
        "timm_model_pretrained": False,
        "timm_pool": "",
        "timm_proj": "linear",
        "image_size": world.CANVAS,
    },
    "text_cfg": {
        "context_length": CONTEXT,
        "vocab_size": tokenizer.vocabulary_size(),
        "hf_tokenizer_name": "local",
        "width": 96,
        "heads": 4,
        "layers": 2,
    },
}
PREPROCESSING = {
    "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}


def new_clip() -> CLIP:
    """An untrained model of about 0.9 million parameters."""
    return CLIP(
        embed_dim=MODEL["embed_dim"],
        quick_gelu=MODEL["quick_gelu"],
        vision_cfg=CLIPVisionCfg(**MODEL["vision_cfg"]),
        text_cfg=CLIPTextCfg(**MODEL["text_cfg"]),
    )


def take_text(model: CLIP, text: CLIPTextModel) -> None:
    """Begin with what the generator's text encoder has learnt to hear: the two are built alike.

    By contrast alone the text tower learns which things a caption names, and next to nothing about which of them lies
    where.
    """
    inner = getattr(text, "text_model", text)
    with torch.no_grad():
        model.token_embedding.weight.copy_(inner.embeddings.token_embedding.weight)
        model.positional_embedding.copy_(inner.embeddings.position_embedding.weight[:CONTEXT])
    model.ln_final.load_state_dict(inner.final_layer_norm.state_dict())
    for mine, theirs in zip(model.transformer.resblocks, inner.encoder.layers, strict=True):
        attention = theirs.self_attn
        three = (attention.q_proj, attention.k_proj, attention.v_proj)
        with torch.no_grad():
            mine.attn.in_proj_weight.copy_(torch.cat([part.weight for part in three]))
            mine.attn.in_proj_bias.copy_(torch.cat([part.bias for part in three]))
        for own, other in (
            (mine.attn.out_proj, attention.out_proj),
            (mine.ln_1, theirs.layer_norm1),
            (mine.ln_2, theirs.layer_norm2),
            (mine.mlp.c_fc, theirs.mlp.fc1),
            (mine.mlp.c_proj, theirs.mlp.fc2),
        ):
            own.load_state_dict(other.state_dict())


@dataclass(frozen=True)
class Shown:
    """Pictures to learn from, uint8 (n, 64, 64, 3), with what each of them truly holds."""

    pixels: np.ndarray
    pictures: list[world.Picture]


@dataclass(frozen=True)
class Texts:
    """For each picture one true caption and `FOILS` false ones, as token numbers (n, 1 + FOILS, CONTEXT)."""

    ids: Tensor
    rows: Tensor
    """Which picture each line of `ids` belongs to."""


def clip_pictures(folder: Path, seed: int) -> Shown:
    """Drawn pictures, and some that the autoencoder has decoded, so that soft edges are no surprise."""
    data = drawn(PICTURES, seed)
    vae = trained_vae(folder)
    chance = torch.Generator().manual_seed(seed)
    made = []
    for latents in encode(vae, data.pixels[:DECODED]).split(64):
        noisy = latents + 0.1 * torch.randn(latents.shape, generator=chance).to(DEVICE)
        with torch.no_grad(), torch.autocast(DEVICE.type, torch.bfloat16):
            made.append(as_pixels(vae.decode(noisy).sample))
    pixels = np.concatenate([data.pixels, *made])
    return Shown(pixels, [*data.pictures, *data.pictures[:DECODED]])


def foils_of(scene: world.Scene, random: np.random.Generator) -> list[str]:
    """False captions, their kinds drawn evenly so that the many colours do not crowd out the few relations.

    Held-out compositions are left out: shown as false ones only, they would be learnt to be false.
    """
    by_kind: dict[str, list[str]] = {}
    for foil in world.foils(scene):
        if world.held_out(foil.scene):
            continue
        by_kind.setdefault(foil.kind, []).append(foil.caption)
    chosen = []
    kinds = list(by_kind)
    for _ in range(FOILS):
        kind = kinds[int(random.integers(len(kinds)))]
        chosen.append(by_kind[kind][int(random.integers(len(by_kind[kind])))])
    return chosen


def texts_of(shown: Shown, words: CLIPTokenizer, seed: int) -> Texts:
    """Captions that are true of the pictures, with foils; pictures that the grammar cannot describe are left out."""
    random = np.random.default_rng(seed)
    lines: list[str] = []
    rows: list[int] = []
    for row, picture in enumerate(shown.pictures):
        scene = world.describe(picture, random)
        if scene is None or world.held_out(scene):
            continue
        lines += [world.paraphrase(scene, random), *foils_of(scene, random)]
        rows.append(row)
    padded = words(lines, padding="max_length", truncation=True, max_length=CONTEXT)
    ids = torch.tensor(padded["input_ids"], dtype=torch.int16)
    return Texts(ids.view(len(rows), 1 + FOILS, -1), torch.tensor(rows))


def softened(images: Tensor, chance: torch.Generator) -> Tensor:
    """Pictures with a little noise, blur and drift of brightness, as a generator's pictures have."""
    count = len(images)
    blurred = nn.functional.avg_pool2d(images, 3, 1, 1, count_include_pad=False)
    share = torch.rand(count, 1, 1, 1, generator=chance) * (torch.rand(count, 1, 1, 1, generator=chance) < 0.4)
    drift = 1 + 0.06 * torch.randn(count, 3, 1, 1, generator=chance)
    noise = 0.04 * torch.rand(count, 1, 1, 1, generator=chance)
    grain = torch.randn(images.shape, generator=chance)
    share, drift, noise, grain = (part.to(images.device) for part in (share, drift, noise, grain))
    return ((images + share * (blurred - images)) * drift + noise * grain).clamp(-1, 1)


def contrast(image: Tensor, text: Tensor, scale: Tensor, same: Tensor) -> Tensor:
    """Each picture picks its caption among its foils and the other captions; each caption picks its picture.

    `same` (n, n) marks captions of other pictures that are worded alike: they are no foils. Captions of other pictures
    may be true by chance; their pull is held small by the weight of the second part.
    """
    count = len(image)
    own = scale * torch.einsum("nd,nkd->nk", image, text)
    hard = cross_entropy(own, torch.zeros(count, dtype=torch.long, device=image.device))
    pairwise = nn.functional.softplus(own[:, 1:] - own[:, :1]).mean()
    across = scale * image @ text[:, 0].T
    across = across.masked_fill(same & ~torch.eye(count, dtype=torch.bool, device=image.device), -1e4)
    target = torch.arange(count, device=image.device)
    loose = cross_entropy(across, target) + cross_entropy(across.T, target)
    return hard + pairwise + 0.25 * loose


def train_clip(
    folder: Path, plan: Plan, shown: Shown, words: CLIPTokenizer, text: CLIPTextModel, device: torch.device
) -> None:
    """Learn pictures and captions together, beginning with the generator's text encoder."""
    torch.manual_seed(plan.seed)
    model = new_clip()
    take_text(model, text)
    model = model.to(device)
    loop = Loop(plan, folder, nn.ModuleDict({"clip": model}), device)
    batch = plan.batch // workers()
    texts = [texts_of(shown, words, seed) for seed in range(TELLINGS)]
    pixels = torch.from_numpy(shown.pixels)

    def loss(chance: torch.Generator, step: int) -> Tensor:
        told = texts[step % len(texts)]
        chosen = torch.randint(len(told.rows), (batch,), generator=chance)
        images = pixels[told.rows[chosen]].permute(0, 3, 1, 2).float().to(device) / 127.5 - 1
        ids = told.ids[chosen].long().to(device)
        same = (ids[:, None, 0] == ids[None, :, 0]).all(-1)
        with torch.autocast(device.type, torch.bfloat16), sdpa_kernel(SDPBackend.MATH):
            seen = model.encode_image(softened(images, chance), normalize=False)
            said = model.encode_text(ids.flatten(0, 1), normalize=False)
        seen = normalize(seen.float(), dim=-1)
        said = normalize(said.float(), dim=-1).view(batch, 1 + FOILS, -1)
        return contrast(seen, said, model.logit_scale.exp().clamp(max=100), same)

    def report(_: int) -> dict[str, Any]:
        copy = new_clip()
        copy.load_state_dict({name.removeprefix("clip."): value for name, value in loop.mean.items()})
        right: dict[str, Any] = picks(copy.eval(), held_back(300), words)
        return right

    loop.run(loss, report)


def held_back(count: int, seed: int = 4242) -> list[tuple[world.Scene, np.ndarray]]:
    """Captions with drawn pictures that training never saw."""
    random = np.random.default_rng(seed)
    scenes = [world.sample_scene(random) for _ in range(count)]
    return [(scene, world.draw(world.place(scene, random))) for scene in scenes]


@torch.no_grad()  # type: ignore[untyped-decorator]
def picks(model: CLIP, pairs: list[tuple[world.Scene, np.ndarray]], words: CLIPTokenizer) -> dict[str, float]:
    """Share of pictures whose caption beats one hard foil, drawn at random, by kind of foil."""
    random = np.random.default_rng(0)
    right: dict[str, list[bool]] = {}
    device = next(model.parameters()).device
    for scene, picture in pairs:
        by_kind: dict[str, list[str]] = {}
        for foil in world.foils(scene):
            by_kind.setdefault(foil.kind, []).append(foil.caption)
        foils = {kind: str(random.choice(captions)) for kind, captions in by_kind.items()}
        lines = [world.caption(scene), *foils.values()]
        padded = words(lines, padding="max_length", truncation=True, max_length=CONTEXT)
        image = torch.from_numpy(picture).permute(2, 0, 1)[None].float().to(device) / 127.5 - 1
        seen = model.encode_image(image, normalize=True)
        said = model.encode_text(torch.tensor(padded["input_ids"]).to(device), normalize=True)
        scores = (said @ seen[0]).tolist()
        for kind, score in zip(foils, scores[1:], strict=True):
            right.setdefault(kind, []).append(scores[0] > score)
    return {kind: round(float(np.mean(values)), 4) for kind, values in sorted(right.items())}


def export_clip(state: dict[str, Tensor], folder: Path) -> None:
    """Write the model as open_clip's `local-dir:` reads it, in half precision, with its tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    half = {
        name: (value.half() if value.is_floating_point() else value).contiguous().cpu() for name, value in state.items()
    }
    save_file(half, str(folder / "open_clip_model.safetensors"), metadata={"format": "pt"})
    (folder / "open_clip_model.safetensors").chmod(0o644)
    config = {"model_cfg": MODEL, "preprocess_cfg": PREPROCESSING}
    (folder / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n")
    tokenizer.write(folder)
