"""The pictures as they were judged, and what a method makes of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imgaudit.digest import digest_bytes, digest_pixels
from imgaudit.errors import PictureError
from imgaudit.kernels import ink, masks
from imgaudit.pictures import on_white, read, still_rgba
from imgaudit.repair.record import CannotRepair
from imgaudit.repair.tasks import Aim, Task
from imgaudit.store.runfolder import RunFolder
from imgaudit.types import JSON, Region, Source

Pixels = NDArray[np.uint8]
MOST_PIXELS = 50_000_000
"""A picture takes some twenty times its pixels in bytes while it is worked on; this many need a gigabyte."""
FEATHER_SHARE = 0.05
MOST_FEATHER = 24


@dataclass(frozen=True)
class Canvas:
    """A picture that is worked on: RGBA, uint8 (height, width, 4), after orientation, and its file's bytes."""

    rgba: Pixels = field(repr=False)
    data: bytes = field(repr=False)

    @cached_property
    def rgb(self) -> Pixels:
        """The picture on white, as every check sees it; not to be written into."""
        return _on_white(self.rgba)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.rgba.shape[0], self.rgba.shape[1]


@dataclass(frozen=True)
class Change:
    """What a method proposes.

    Attributes:
        rgba: the changed picture.
        mask: where it may differ from the one before; None where it was cut or made anew.
        seed: of the noise, if chance had a part.
        settings: what else led to it.
        source: how it was made, where a model drew it or a part of it.
        data: a vendor's bytes, which are kept as they came.
    """

    rgba: Pixels = field(repr=False)
    mask: masks.Mask | None = field(repr=False)
    seed: int | None = None
    settings: Mapping[str, JSON] = field(default_factory=dict)
    source: Source | None = None
    data: bytes | None = field(default=None, repr=False)


def load(task: Task, folder: RunFolder, roots: dict[str, Path]) -> Canvas:
    """The original, exactly as it was judged. Raises CannotRepair where it is not at hand or not the same any more."""
    row = task.row
    if row.pixels is None:
        raise CannotRepair("the original cannot be decoded")
    located = folder.locate(row.path, roots)
    if located is None or not located.is_file():
        raise CannotRepair(f"the original is not at hand; say where it lies now with --root {_root(row.path)}=DIR")
    if (row.width or 0) * (row.height or 0) > MOST_PIXELS:
        size = f"{row.width} x {row.height} pixels"
        raise CannotRepair(f"the picture has {size}; at most {MOST_PIXELS // 1_000_000} million are worked on")
    try:
        data = read(located)
        if digest_bytes(data) != row.file:
            raise CannotRepair("the original was changed since it was judged; put it back, or audit it anew")
        rgba = still_rgba(data)
    except PictureError as error:
        raise CannotRepair(str(error)) from error
    if digest_pixels(rgba) != row.pixels:
        raise CannotRepair("the original decodes to other pixels than when it was judged; audit it anew")
    return Canvas(rgba, data)


def _root(path: str) -> str:
    root = path.partition("/")[0]
    return root if root[:1] == "r" and root[1:].isdigit() else "r0"


def _on_white(rgba: Pixels) -> Pixels:
    from PIL import Image

    if (rgba[..., 3] == 255).all():
        return np.ascontiguousarray(rgba[..., :3])
    return on_white(Image.fromarray(rgba))


def opaque(rgb: Pixels) -> Pixels:
    """RGBA of RGB."""
    return np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])


# --- places --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Where a picture may change.

    Attributes:
        core: the findings' places, which are to be new wholly.
        mask: the core and a rim; nothing outside it changes.
        feather: width of the rim, on which new runs into old.
    """

    core: masks.Mask
    mask: masks.Mask
    feather: int


def place_of(canvas: Canvas, aims: Sequence[Aim]) -> Place:
    """The mask of all places that these aims name. Raises CannotRepair where there is none in the picture."""
    around = [aim.rule.id for aim in aims if aim.keeps]
    if around:
        raise CannotRepair(f"{around[0]} is about what lies around the picture, which can only be cut off")
    outlines = [outline_of(canvas.rgb, aim, region) for aim in aims for region in aim.regions]
    if not outlines:
        raise CannotRepair("no check says where the fault is, so that there is no place to work on")
    height, width = canvas.shape
    core = masks.outlined(outlines, height, width)
    if not core.any():
        raise CannotRepair("the place of the finding lies outside the picture")
    sides = [side for outline in outlines if (side := _side(outline, height, width)) > 0]
    feather = int(np.clip(round(FEATHER_SHARE * min(sides, default=1)), 1, MOST_FEATHER))
    return Place(core, masks.grown(core, feather), feather)


def _side(outline: Sequence[tuple[float, float]], height: int, width: int) -> float:
    """The side of a square as large as the box of an outline, as far as it lies in the picture."""
    xs = [min(max(x, 0), width) for x, _ in outline]
    ys = [min(max(y, 0), height) for _, y in outline]
    return float(((max(xs) - min(xs)) * (max(ys) - min(ys))) ** 0.5)


def outline_of(rgb: Pixels, aim: Aim, region: Region) -> tuple[tuple[float, float], ...]:
    """The outline of a place; that of a line of writing ends where the letters do, for text detectors draw wide."""
    outline = region.polygon if region.polygon and len(region.polygon) >= 3 else masks.box_outline(region.box)
    if aim.rule.checker == "text" and len(outline) == 4 and inside(rgb, outline):
        return ink.tightened(rgb, outline)
    return tuple(outline)


def inside(rgb: Pixels, outline: Sequence[tuple[float, float]]) -> bool:
    """Whether a place is no larger than the picture, so that straightening it costs no more than the picture does."""
    height, width = rgb.shape[:2]
    return all(-width <= x <= 2 * width and -height <= y <= 2 * height for x, y in outline)
