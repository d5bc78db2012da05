"""From which cosine on are two pictures copies, in the eyes of an embedding model? Measured on pictures of yours.

    python -m imgaudit.calibration.fit_copies FOLDER --embedding dinov2:facebook/dinov2-base --out copies.json
    imgaudit audit ... --embedding 'dinov2:facebook/dinov2-base;calibration=copies.json'

FOLDER holds a hundred different pictures or more, of the kind that will be judged. Of each, edited copies are made:
saved again at low quality, halved, cut to seven tenths, mirrored, turned by eight degrees, darkened, greyed, written
over. One half of the pictures sets the cosine: the smallest that at most one in ten thousand pairs of different
pictures reaches. The other half says what it is worth: how many pairs of different pictures reach it, and how many of
each kind of copy. Near copies among the pictures themselves are left out beforehand, by their hashes.
"""

from __future__ import annotations

import argparse
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from imgaudit.digest import digest_pixels
from imgaudit.errors import ImgauditError, UsageError
from imgaudit.kernels.copies import Prints, near_copies, turned_copies
from imgaudit.kernels.inference import clopper_pearson
from imgaudit.perceivers.embedding import FORMAT, EmbeddingPerceiver
from imgaudit.perceivers.gallery import print_of
from imgaudit.perceivers.pixels import PixelPerceiver
from imgaudit.percepts import Embedding, Pixels
from imgaudit.pictures import decode, find_files, read
from imgaudit.types import Look, Picture, Query

FEWEST = 100
FALSE_PAIRS = 1e-4
SIDE = 512
_BATCH = 32

Vectors = NDArray[np.float32]


def _saved(image: Image.Image) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=25)
    return Image.open(stream).convert("RGB")


def _cut(image: Image.Image) -> Image.Image:
    width, height = image.size
    side = (1 - 0.7**0.5) / 2
    return image.crop((int(side * width), int(side * height), int((1 - side) * width), int((1 - side) * height)))


def _written(image: Image.Image) -> Image.Image:
    made, (width, height) = image.copy(), image.size
    pen = ImageDraw.Draw(made)
    pen.rectangle((0, int(0.42 * height), width, int(0.58 * height)), fill="white")
    pen.text((width // 20, int(0.45 * height)), "SAMPLE", fill="black", font_size=max(10, height // 10))
    return made


EDITS: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "saved at quality 25": _saved,
    "halved": lambda image: image.reduce(2),
    "cut to 70 %": _cut,
    "mirrored": ImageOps.mirror,
    "turned by 8 degrees": lambda image: image.rotate(8, Image.Resampling.BICUBIC),
    "darkened": lambda image: ImageEnhance.Brightness(image).enhance(0.6),
    "grey": lambda image: ImageOps.grayscale(image).convert("RGB"),
    "written over": _written,
}


def distinct(folder: Path) -> list[Image.Image]:
    """The pictures of a folder that are no copies of each other, by name, at most 512 pixels long."""
    looks: list[Pixels] = []
    pictures: list[Image.Image] = []
    for found in find_files([folder]).files:
        picture, _ = decode(read(found.path), found.relative)
        seen = PixelPerceiver().perceive([Look(picture, Query("pixels"))])[0]
        if isinstance(seen, Pixels) and picture.rgb is not None and all(seen.digest != one.digest for one in looks):
            image = Image.fromarray(picture.rgb)
            image.thumbnail((SIDE, SIDE))
            looks.append(seen)
            pictures.append(image)
    prints = Prints([print_of(look) for look in looks])
    pieces = [*near_copies(prints), *turned_copies(prints)]
    again = {int(second) for piece in pieces for second in piece.second}
    return [picture for place, picture in enumerate(pictures) if place not in again]


def embedded(perceiver: EmbeddingPerceiver, images: Sequence[Image.Image]) -> Vectors:
    """One unit vector a picture. Raises UsageError where the model could not embed one."""
    rows: list[Vectors] = []
    for start in range(0, len(images), _BATCH):
        looks = [_look(image, f"{start + place}") for place, image in enumerate(images[start : start + _BATCH])]
        for sight in perceiver.perceive(looks):
            if not isinstance(sight, Embedding):
                raise UsageError(f"the model could not embed a picture: {sight}; choose pictures that it knows")
            rows.append(np.array(sight.vector, dtype=np.float32))
    return np.stack(rows)


def _look(image: Image.Image, name: str) -> Look:
    rgb = np.asarray(image.convert("RGB"))
    return Look(Picture(id=name, data=b"", file="", rgb=rgb, pixels=digest_pixels(rgb)), Query("embedding"))


def pairs(vectors: Vectors) -> NDArray[np.float64]:
    """Cosines of all pairs of different pictures."""
    first, second = np.triu_indices(len(vectors), 1)
    return np.asarray((vectors @ vectors.T)[first, second], dtype=np.float64)


def threshold(cosines: NDArray[np.float64], allowed: float = FALSE_PAIRS) -> float:
    """The smallest number that at most a share `allowed` of these cosines reaches, of three decimals.

    >>> threshold(np.linspace(0, 1, 101), 0.02)
    0.981
    """
    ordered = np.sort(cosines)[::-1]
    reached = int(allowed * len(ordered))
    edge = float(ordered[reached]) if reached < len(ordered) else -1.0
    return min(1.0, (math.floor(round(edge * 1000, 6)) + 1) / 1000)


def fit(images: Sequence[Image.Image], perceiver: EmbeddingPerceiver, name: str) -> dict[str, Any]:
    """The content of a calibration file. Raises UsageError for too few pictures."""
    if len(images) < FEWEST:
        raise UsageError(f"{name}: {len(images)} different pictures; expected at least {FEWEST}")
    order = np.random.default_rng(0).permutation(len(images))
    half = len(images) // 2
    setting, judging = ([images[i] for i in part] for part in (order[:half], order[half:]))
    start = threshold(pairs(embedded(perceiver, setting)))
    originals = embedded(perceiver, judging)
    others = pairs(originals)
    false = int((others >= start).sum())
    found: dict[str, float] = {}
    for edit, make in EDITS.items():
        copies = embedded(perceiver, [make(image) for image in judging])
        found[edit] = round(float(((originals * copies).sum(axis=1) >= start).mean()), 4)
    recall = sum(found.values()) / len(found)
    upper = clopper_pearson(false, len(others), side="upper")[1]
    basis = (
        f"set on {half} pictures of {name} and measured on {len(judging)} others: {false} of {len(others):,} pairs of "
        f"different pictures reach it (at most {upper:.2%}), and {recall:.0%} of edited copies"
    )
    return {
        "format": FORMAT, "copy_from": start, "basis": basis, "model": dict(perceiver.identity()),
        "pictures": len(images), "pairs": len(others), "false": false, "false_upper": round(upper, 6), "found": found,
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write the file, and print what it is worth."""
    options = argparse.ArgumentParser(description="Measure from which cosine on pictures are copies.")
    options.add_argument("folder", type=Path)
    options.add_argument("--embedding", required=True)
    options.add_argument("--out", type=Path, required=True)
    chosen = options.parse_args(arguments)
    try:
        perceiver = EmbeddingPerceiver(chosen.embedding)
        content = fit(distinct(chosen.folder), perceiver, chosen.folder.resolve().name)
    except ImgauditError as error:
        raise SystemExit(f"fit_copies: {error}") from None
    chosen.out.write_text(json.dumps(content, indent=1) + "\n")
    print(f"{content['copy_from']:g}: {content['basis']}")
    for edit, share in content["found"].items():
        print(f"  {edit}: {share:.0%}")


if __name__ == "__main__":
    main()
