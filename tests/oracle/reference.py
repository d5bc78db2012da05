"""Run in the second environment: what torchmetrics and the first CLIPScore's formula say of random weights.

    python reference.py TOKENIZER OUT [time PICTURES]

TOKENIZER is a folder with vocab.json and merges.txt. OUT is written as JSON. With `time`, pictures per second of
torchmetrics' CLIPScore with ViT-B/32 are printed instead.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchmetrics
import transformers
from PIL import Image
from torchmetrics.functional.multimodal import clip_score
from torchmetrics.multimodal import CLIPScore
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Normalize, Resize, ToTensor
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTokenizer

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.oracle.weights import (
    ARCHITECTURES,
    CAPTIONS,
    LONG,
    REFERENCES,
    Architecture,
    pictures,
    tensors,
)


def save(of: Architecture, words: Path, folder: Path) -> None:
    """A folder as transformers saves a CLIP."""
    config = CLIPConfig(
        text_config={
            "vocab_size": of.vocabulary, "hidden_size": of.text.width, "intermediate_size": 4 * of.text.width,
            "num_hidden_layers": of.text.layers, "num_attention_heads": of.text.heads,
            "max_position_embeddings": of.context, "projection_dim": of.joint, "eos_token_id": 2,
        },
        vision_config={
            "hidden_size": of.vision.width, "intermediate_size": 4 * of.vision.width,
            "num_hidden_layers": of.vision.layers, "num_attention_heads": of.vision.heads,
            "image_size": of.side, "patch_size": of.patch, "projection_dim": of.joint,
        },
        projection_dim=of.joint,
    )  # fmt: skip
    model = CLIPModel(config)
    model.load_state_dict({name: torch.from_numpy(np.asarray(value)) for name, value in tensors(of).items()})
    model.save_pretrained(folder)
    tokenizer = CLIPTokenizer(str(words / "vocab.json"), str(words / "merges.txt"), model_max_length=of.context)
    size = {"shortest_edge": of.side}
    images = CLIPImageProcessor(size=size, crop_size={"height": of.side, "width": of.side})
    CLIPProcessor(images, tokenizer).save_pretrained(folder)


def vectors(of: Architecture, folder: Path) -> dict[str, Any]:
    """Scores of every picture with every caption, by torchmetrics and by the papers' formulas."""
    model = CLIPModel.from_pretrained(folder).eval()
    processor = CLIPProcessor.from_pretrained(folder)

    def text(captions: list[str]) -> Any:
        read = processor.tokenizer(captions, padding=True, truncation=True, max_length=of.context, return_tensors="pt")
        with torch.no_grad():
            found = model.get_text_features(**read)
        return (found / found.norm(dim=-1, keepdim=True)).double().numpy()

    # the preprocessing of the first CLIPScore's code, which is OpenAI's; transformers' own cuts out the middle one
    # pixel further to the left or to the top where the margin is odd
    first_prepared = Compose(
        [
            Resize(of.side, interpolation=InterpolationMode.BICUBIC), CenterCrop(of.side), ToTensor(),
            Normalize((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
        ]
    )  # fmt: skip

    def image(picture: Any) -> Any:
        with torch.no_grad():
            found = model.get_image_features(pixel_values=first_prepared(Image.fromarray(picture))[None])
        return (found / found.norm(dim=-1, keepdim=True)).double().numpy()[0]

    rows = []
    prefix = "A photo depicts "
    for number, picture in enumerate(pictures(of.side)):
        seen = image(picture)
        tensor = torch.from_numpy(picture).permute(2, 0, 1)
        for caption in (*CAPTIONS, LONG):
            said, plain = text([prefix + caption])[0], text([caption])[0]
            first = 2.5 * max(float(said @ seen), 0.0)
            best = max(float((text([prefix + reference for reference in REFERENCES]) @ said).max()), 0.0)
            rows.append(
                {
                    "picture": number,
                    "caption": caption,
                    "torchmetrics": float(clip_score(tensor, caption, model_name_or_path=lambda: (model, processor))),
                    "cosine": float(plain @ seen),
                    "prefixed_cosine": float(said @ seen),
                    "original": first,
                    "references": 2 * first * best / (first + best) if first + best else 0.0,
                }
            )
    kinds = {"tokenizer": type(processor.tokenizer).__name__, "images": type(processor.image_processor).__name__}
    return {"architecture": of.name, "processors": kinds, "rows": rows}


def timed(folder: Path, count: int) -> None:
    """Pictures per second of torchmetrics' CLIPScore, one caption a picture, in batches of 16."""
    torch.set_num_threads(1)
    model, processor = CLIPModel.from_pretrained(folder).eval(), CLIPProcessor.from_pretrained(folder)
    metric = CLIPScore(model_name_or_path=lambda: (model, processor))
    random = np.random.RandomState(0)
    shown = [torch.from_numpy(random.randint(0, 256, (3, 512, 512), dtype=np.uint8)) for _ in range(count)]
    metric.update(shown[:2], ["a warm-up"] * 2)
    began = time.perf_counter()
    for start in range(0, count, 16):
        some = shown[start : start + 16]
        metric.update(some, [f"a red cup on table {start + place}" for place in range(len(some))])
    print(json.dumps({"pictures_per_second": count / (time.perf_counter() - began)}))


def main() -> None:
    """Write the vectors, or time."""
    warnings.filterwarnings("ignore")
    words, out = Path(sys.argv[1]), Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as work:
        if len(sys.argv) > 3:
            save(ARCHITECTURES["ViT-B-32"], words, Path(work))
            timed(Path(work), int(sys.argv[4]))
            return
        made: dict[str, Any] = {
            "made_by": {
                "torchmetrics": torchmetrics.__version__,
                "transformers": transformers.__version__,
                "torch": torch.__version__.split("+")[0],
            }
        }
        for name, of in ARCHITECTURES.items():
            save(of, words, Path(work) / name)
            made[name] = vectors(of, Path(work) / name)
    out.write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
