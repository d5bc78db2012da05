"""How often a brand's logo is found where it stands, and where it does not.

    python -m tests.benchmarks.logos FOLDER [--seed N]

FOLDER holds photographs; it is searched. Thirty invented logos (shapes and a word) are made; one is put into each
photograph, upright, turned by up to 40 degrees, in perspective, small (a tenth of the picture's side), under heavy JPEG
compression, in other colours, or drawn anew with other shapes, which is not the logo. All thirty are looked for in the
photograph before and after. Prints JSON: found by kind, how many at the right place, and false findings. Seed 1 was
used while the limits were chosen.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from imgaudit.kernels.quality import shrunk
from imgaudit.kernels.spread import wilson
from imgaudit.perceivers._brand_logos import looked_for, reference_of
from imgaudit.pictures import decode, find_files

KINDS = ("upright", "turned", "perspective", "small", "jpeg", "recoloured", "drawn anew")
LOGOS = 30
PHOTOGRAPHS = 150


def invented(random: np.random.Generator) -> np.ndarray:
    """A logo: two to four shapes and a word on white, uint8 (200, 300, 3)."""
    rgb = np.full((200, 300, 3), 255, np.uint8)
    for _ in range(random.integers(2, 5)):
        colour = tuple(map(int, random.integers(0, 220, 3)))
        x, y, size = (int(random.integers(*span)) for span in ((40, 260), (30, 120), (15, 50)))
        shape = random.integers(3)
        if shape == 0:
            cv2.circle(rgb, (x, y), size, colour, -1, cv2.LINE_AA)
        elif shape == 1:
            cv2.rectangle(rgb, (x - size, y - size), (x + size, y + size), colour, -1)
        else:
            corners = np.array([[x, y - size], [x + size, y + size], [x - size, y + size]], np.int32)
            cv2.fillPoly(rgb, [corners], colour, cv2.LINE_AA)
    word = "".join(random.choice(list("ABCDEFGHIKLMNOPRSTUVZaeimnorst"), random.integers(4, 8)))
    ink = tuple(map(int, random.integers(0, 200, 3)))
    cv2.putText(rgb, word, (20, 180), int(random.integers(5)), 1.6, ink, 4, cv2.LINE_AA)
    return rgb


def put_into(photo: np.ndarray, logo: np.ndarray, kind: str, random: np.random.Generator) -> tuple[Any, Any]:
    """The photograph with the logo in it, through JPEG, and the logo's corners."""
    height, width = photo.shape[:2]
    across = (random.uniform(0.1, 0.15) if kind == "small" else random.uniform(0.25, 0.5)) * min(height, width)
    down = across * 2 / 3
    corners = np.array([[-across, -down], [across, -down], [across, down], [-across, down]]) / 2
    if kind == "perspective":
        corners = corners * (1 + random.uniform(-0.25, 0.25, (4, 1)))
    turn = np.radians(random.uniform(-40, 40) if kind == "turned" else random.uniform(-5, 5))
    corners = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    room = 0.7 * across
    corners = corners + np.array([random.uniform(room, width - room), random.uniform(room, height - room)])
    source = shrunk(logo, round(across)) if across < 300 else logo
    wide, high = source.shape[1], source.shape[0]
    matrix = cv2.getPerspectiveTransform(
        np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32), corners.astype(np.float32)
    )
    there = cv2.warpPerspective(source, matrix, (width, height))
    cover = cv2.warpPerspective(np.ones((high, wide), np.float32), matrix, (width, height))[..., None]
    mixed = (photo * (1 - cover) + there * cover).astype(np.uint8)
    quality = 40 if kind == "jpeg" else 85
    _, coded = cv2.imencode(".jpg", mixed[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1].copy(), corners


def photographs(folder: Path, random: np.random.Generator) -> list[np.ndarray]:
    """Photographs of at least 300 pixels a side, in a random order."""
    files = list(find_files([folder]).files)
    random.shuffle(files)
    found: list[np.ndarray] = []
    for file in files:
        rgb = decode(file.path.read_bytes(), file.path.name)[0].rgb
        if rgb is not None and min(rgb.shape[:2]) >= 300:
            found.append(shrunk(rgb, 1600))
        if len(found) == PHOTOGRAPHS:
            break
    return found


def share(found: int, of: int) -> dict[str, Any]:
    """A share with its interval."""
    low, high = wilson(found, of) if of else (0.0, 1.0)
    return {"found": found, "of": of, "interval": [round(low, 4), round(high, 4)]}


def main() -> None:
    """Look for logos and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=2)
    given = parser.parse_args()
    random = np.random.default_rng(given.seed)
    logos = [invented(random) for _ in range(LOGOS)]
    references = [reference_of(str(number), logo) for number, logo in enumerate(logos)]
    found, asked = Counter[str](), Counter[str]()
    placed = false = looks = 0
    seconds = 0.0
    for number, photo in enumerate(photographs(given.folder, random)):
        kind, one = KINDS[number % len(KINDS)], int(random.integers(LOGOS))
        logo = {"recoloured": np.roll(logos[one], 1, axis=2), "drawn anew": invented(random)}.get(kind, logos[one])
        rgb, corners = put_into(photo, logo, kind, random)
        began = time.perf_counter()
        after = looked_for(references, rgb)
        seconds += time.perf_counter() - began
        asked[kind] += 1
        if after[one].found:
            found[kind] += 1
            away = np.abs(np.array(after[one].polygon) - corners).max()
            placed += bool(away < 0.05 * np.linalg.norm(corners[1] - corners[0]))
        false += sum(seen.found for other, seen in enumerate(after) if other != one)
        false += sum(seen.found for seen in looked_for(references, photo))
        looks += 2 * LOGOS - 1
    print(json.dumps({**{kind: share(found[kind], asked[kind]) for kind in KINDS},
                      "at the right place": share(placed, sum(found.values())), "false": share(false, looks),
                      "ms a picture": round(1000 * seconds / max(sum(asked.values()), 1))}, indent=1))  # fmt: skip


if __name__ == "__main__":
    main()
