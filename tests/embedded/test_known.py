"""The test on the pixels: the world of shapes is known, everything else is not."""

import numpy as np
from PIL import Image

from imgaudit.embedded import world
from imgaudit.embedded.known import known


def drawn(count: int, side: int = world.CANVAS) -> list[np.ndarray]:
    random = np.random.default_rng(21)
    return [
        world.draw(world.place(world.sample_scene(random, allow_held_out=True), random), side) for _ in range(count)
    ]


def test_drawn_pictures_are_known_at_any_size() -> None:
    for side in (64, 96, 256):
        assert np.mean([known(picture) for picture in drawn(100, side)]) >= 0.99


def test_noise_shading_and_an_empty_canvas_are_not_known() -> None:
    random = np.random.default_rng(22)
    noise = random.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    shading = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], 64, 0).repeat(3, 2)

    assert not known(noise)
    assert not known(np.ascontiguousarray(shading))
    assert not known(np.full((64, 64, 3), 255, np.uint8))


def test_other_pictures_are_not_known(corpora) -> None:
    files = [
        path
        for path in sorted((corpora / "generic").rglob("*"))
        if path.suffix.lower() in {".png", ".jpg", ".jpeg", ".webp"}
    ]
    accepted = [path for path in files if known(np.asarray(Image.open(path).convert("RGB")))]

    assert len(accepted) <= 0.01 * len(files), accepted
