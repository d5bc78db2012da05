"""Pictures for the benchmarks: drawn, each different, with writing and skin-coloured shapes in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont


def draw_pictures(folder: Path, count: int, side: int) -> Path:
    """Draw `count` square PNGs of `side` pixels into a folder; the same ones every time."""
    folder.mkdir(parents=True)
    numbers = np.random.default_rng(0)
    font = ImageFont.load_default(side / 12)
    ramp = np.linspace(0, 1, side)[:, None, None]
    for index in range(count):
        top, bottom = numbers.uniform(40, 255, (2, 3))
        pixels = top * (1 - ramp) + bottom * ramp + numbers.normal(0, 3, (side, side, 3))
        picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        pen = ImageDraw.Draw(picture)
        x, y = numbers.integers(0, side // 2, 2)
        pen.ellipse((x, y, x + side // 3, y + side // 2), fill=(224, 172, 140))
        pen.text((side // 10, side * 3 // 4), f"Harbour fair {index}", fill="black", font=font)
        picture.save(folder / f"{index:05d}.png", compress_level=1)
    return folder
