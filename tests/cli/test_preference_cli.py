from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from imgaudit.cli import run as imgaudit


def test_pictures_of_one_prompt_are_ranked_by_the_model_that_the_option_names(tmp_path: Path) -> None:
    import torch
    from transformers import CLIPConfig, CLIPModel

    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    torch.manual_seed(3)
    config = CLIPConfig(
        text_config={**small, "vocab_size": 49408, "projection_dim": 16, "eos_token_id": 2},
        vision_config={**small, "image_size": 32, "patch_size": 8, "projection_dim": 16},
        projection_dim=16,
    )
    CLIPModel(config).save_pretrained(tmp_path / "pick")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    lines = ["file,prompt"]
    for number in range(4):
        rgb = np.random.default_rng(number).integers(0, 256, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(rgb).save(pictures / f"{number}.png")
        lines.append(f"{number}.png,{'a red cup' if number < 3 else 'a dog'}")
    (tmp_path / "prompts.csv").write_text("\n".join(lines) + "\n")

    code = imgaudit(
        [
            "audit", str(pictures), "--out", str(tmp_path / "run"), "--checks", "preference", "--format", "json",
            "--prompts", str(tmp_path / "prompts.csv"), "--preference", f"pickscore:{tmp_path / 'pick'}",
        ]
    )  # fmt: skip

    assert code in (0, 3, 4)
    images = [json.loads(line) for line in (tmp_path / "run" / "images.jsonl").read_text().splitlines()]
    found = {Path(i["path"]).stem: f for i in images for f in i["findings"] if f["checker"] == "preference"}
    assert {found[name]["measures"]["rank"] for name in "012"} == {1, 2, 3}
    assert "rank" not in found["3"]["measures"]
    assert found["0"]["labels"]["model"] == "pickscore pick"
