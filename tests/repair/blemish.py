"""A checker for tests: what does not belong into a picture of flat shapes, found from the pixels alone.

A stand-in for a detector of local defects. It knows that shapes are flat and lie on an even ground, and nothing of
what was planted where: pixels that are no mixture of the ground and of a colour of the world are a blemish, and so is
ground that a shape encloses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Literal

import cv2
import numpy as np
import yaml

from imgaudit.embedded.reader import GROUNDS, PALETTE
from imgaudit.percepts import Percept
from imgaudit.registry import checkers, perceivers
from imgaudit.rubric import Rubric, load_rubric
from imgaudit.types import (
    Abstained,
    Box,
    Case,
    Failed,
    Look,
    Measure,
    Measured,
    Outcome,
    Percepts,
    Query,
    Region,
    Sight,
)

ROOT = Path(__file__).parent.parent.parent
QUERY = Query("blemishes")
TOLERANCE = 42.0
LEAST_AREA = 14


class Blemishes(Percept):
    boxes: tuple[Box, ...] = ()


class BlemishEye:
    name: ClassVar[str] = "blemishes"
    title: ClassVar[str] = "What does not belong into a picture of flat shapes"
    version: ClassVar[str] = "1"
    reads: ClassVar[Literal["pixels", "bytes"]] = "pixels"

    def __init__(self, option: str | None = None) -> None:
        pass

    def identity(self) -> Mapping[str, str]:
        return {}

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        return [Blemishes(boxes=tuple(boxes(look.picture.rgb))) for look in looks]


class Blemish:
    """Blemishes and their places."""

    name: ClassVar[str] = "blemish"
    title: ClassVar[str] = "Blemishes"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("background",)
    measures: ClassVar[tuple[Measure, ...]] = (Measure("count", "places", "down", "blemishes"),)
    labels: ClassVar[Mapping[str, str]] = {}
    codes: ClassVar[Mapping[str, str]] = {"blemish.found": "something does not belong"}
    limits: ClassVar[str] = "knows flat shapes only"

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        return (QUERY,)

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        seen = percepts.seen(QUERY, Blemishes)
        if isinstance(seen, (Abstained, Failed)):
            return seen
        regions = tuple(Region(label="blemish", box=box) for box in seen.boxes)
        codes = ("blemish.found",) if regions else ()
        return Measured(measures={"count": float(len(regions))}, codes=codes, regions=regions)


def boxes(rgb: np.ndarray | None) -> Iterator[Box]:
    """The boxes of all places that do not belong."""
    if rgb is None:
        return
    pixels = rgb.astype(np.float32)
    ground = np.median(np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]), axis=0)
    ground = min(map(np.float32, map(np.array, GROUNDS.values())), key=lambda tone: np.linalg.norm(tone - ground))
    strange = np.ones(rgb.shape[:2], bool)
    for colour in PALETTE.values():
        along = np.array(colour, np.float32) - ground
        share = np.clip((pixels - ground) @ along / (along @ along), 0, 1)
        strange &= np.linalg.norm(pixels - ground - share[..., None] * along, axis=2) > TOLERANCE
    inside = (np.linalg.norm(pixels - ground, axis=2) > 45).astype(np.uint8)
    outlines, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    full = cv2.drawContours(np.zeros_like(inside), outlines, -1, 1, cv2.FILLED)
    for mask in (cv2.morphologyEx(strange.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3))), full - inside):
        count, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        for x, y, width, height, area in stats[1:count]:
            if area >= LEAST_AREA:
                yield float(x), float(y), float(x + width), float(y + height)


@contextmanager
def plugged_in(folder: Path) -> Iterator[Rubric]:
    """The checker and its perceiver are there, and a rubric that asks for an edit where a blemish was found."""
    for registry, thing in ((checkers, Blemish), (perceivers, BlemishEye)):
        registry.names()
        registry.register(thing.name, thing, thing.__module__)
    document = yaml.safe_load((ROOT / "rubrics" / "publish.yaml").read_text())
    document["name"] = "blemishes"
    document["dimensions"]["background"].setdefault("rules", []).append(
        {"id": "blemish.found", "when": "code blemish.found", "then": "edit", "because": "It does not belong there.",
         "fix": {"method": "inpaint", "instruction": "Redraw the {label}."}}
    )  # fmt: skip
    path = folder / "blemishes.yaml"
    path.write_text(yaml.safe_dump(document))
    try:
        yield load_rubric(str(path))
    finally:
        for registry, thing in ((checkers, Blemish), (perceivers, BlemishEye)):
            registry._entries.pop(thing.name)
            registry._origins.pop(thing.name)
