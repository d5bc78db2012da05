"""Random weights of CLIP's real architecture, the same in every environment, by transformers' names.

Imported by both environments: needs numpy alone. The numbers come from numpy's legacy generator, whose stream is
frozen.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Tower:
    """Sizes of one of the two transformers."""

    width: int
    layers: int
    heads: int


@dataclass(frozen=True)
class Architecture:
    """Sizes of a CLIP."""

    name: str
    side: int
    patch: int
    vision: Tower
    text: Tower
    joint: int
    vocabulary: int = 49408
    context: int = 77


SMALL = Architecture("CLIPModel of 3 layers, 64 wide, 64 pixels", 64, 16, Tower(64, 3, 4), Tower(64, 3, 4), 32)
VIT_B_32 = Architecture("CLIPModel ViT-B/32", 224, 32, Tower(768, 12, 12), Tower(512, 12, 8), 512)
ARCHITECTURES = {"small": SMALL, "ViT-B-32": VIT_B_32}


def _shapes(of: Architecture) -> Iterator[tuple[str, tuple[int, ...]]]:
    text, vision = of.text.width, of.vision.width
    yield "text_model.embeddings.token_embedding.weight", (of.vocabulary, text)
    yield "text_model.embeddings.position_embedding.weight", (of.context, text)
    yield "vision_model.embeddings.class_embedding", (vision,)
    yield "vision_model.embeddings.patch_embedding.weight", (vision, 3, of.patch, of.patch)
    yield "vision_model.embeddings.position_embedding.weight", ((of.side // of.patch) ** 2 + 1, vision)
    for part, tower in (("text_model", of.text), ("vision_model", of.vision)):
        for layer in range(tower.layers):
            yield from _layer(f"{part}.encoder.layers.{layer}", tower.width)
    norms = {"text_model.final_layer_norm": text, "vision_model.pre_layrnorm": vision,
             "vision_model.post_layernorm": vision}  # fmt: skip
    for name, width in norms.items():
        yield f"{name}.weight", (width,)
        yield f"{name}.bias", (width,)
    yield "text_projection.weight", (of.joint, text)
    yield "visual_projection.weight", (of.joint, vision)


def _layer(name: str, width: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
        yield f"{name}.self_attn.{part}.weight", (width, width)
        yield f"{name}.self_attn.{part}.bias", (width,)
    for part, shape in (("fc1", (4 * width, width)), ("fc2", (width, 4 * width))):
        yield f"{name}.mlp.{part}.weight", shape
        yield f"{name}.mlp.{part}.bias", shape[:1]
    for part in ("layer_norm1", "layer_norm2"):
        yield f"{name}.{part}.weight", (width,)
        yield f"{name}.{part}.bias", (width,)


def tensors(of: Architecture) -> dict[str, Array]:
    """All weights by name; each is drawn from a stream of its own."""
    made: dict[str, Array] = {"logit_scale": np.array(np.log(100.0), np.float32)}
    for name, shape in _shapes(of):
        drawn = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
        if "norm" in name and name.endswith("weight"):
            values = 1 + 0.1 * drawn
        elif len(shape) == 1 or ("embedding.weight" in name and "patch" not in name):
            values = 0.1 * drawn
        else:
            values = drawn / np.sqrt(np.prod(shape[1:]))
        made[name] = values.astype(np.float32)
    return made


def pictures(side: int) -> list[NDArray[np.uint8]]:
    """Pictures of several shapes, uint8 (height, width, 3): soft blots of colour, so that resampling is told apart."""
    made = []
    for seed, (high, wide) in enumerate([(1, 1), (1.5, 1), (1, 1.9), (2.2, 3.1), (0.7, 0.5)]):
        random = np.random.RandomState(seed)
        coarse = random.randint(0, 256, (7, 9, 3)).astype(np.float64)
        rows = np.linspace(0, 5.999, int(side * high))
        columns = np.linspace(0, 7.999, int(side * wide))
        top, left = rows.astype(int), columns.astype(int)
        down, right = (rows - top)[:, None, None], (columns - left)[None, :, None]
        upper = coarse[top][:, left] * (1 - right) + coarse[top][:, left + 1] * right
        lower = coarse[top + 1][:, left] * (1 - right) + coarse[top + 1][:, left + 1] * right
        noise = random.randint(-20, 21, (len(rows), len(columns), 3))
        made.append(np.clip(upper * (1 - down) + lower * down + noise, 0, 255).astype(np.uint8))
    return made


CAPTIONS = (
    "two red cups on a wooden table",
    "A photo of a dog, left of a CAT!",
    "an astronaut riding a horse in the style of a woodcut print",
    "x",
)
LONG = "a narrow street in an old town at night, " * 12 + "and a fox"
REFERENCES = ("a pair of red cups", "cups standing on a table")
