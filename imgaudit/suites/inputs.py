"""Pictures and masks that cases start from: read, checked, and named by what is in them.

A path is relative to the suite's file and stays below its folder, also through links. A picture is decoded like any
other picture of a stranger, within `LIMITS`. A mask is white where the picture may change and black elsewhere; it has
the picture's size, is not empty and has hardly any grey: a photograph given by mistake is refused, soft edges are cut
at half. What is wrong is told with the suite's file and line before anything is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from imgaudit.errors import PictureError
from imgaudit.pictures import Limits, decode, read
from imgaudit.suites.schema import Suite
from imgaudit.types import Case, InputMask, Picture
from imgaudit.yamlfile import Document

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Mask = npt.NDArray[np.bool_]

LIMITS = Limits(max_bytes=64 << 20, max_pixels=8192 * 8192, max_side=8192)
"""What a case may start from: no side longer than the longest picture that a case may ask for."""
SMALLEST_SIDE = 16
GREY = (32, 223)
"""Values between these are neither black nor white."""
MOST_GREY = 0.1
"""Share of a mask's pixels that may be grey, for soft edges."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is kept of an input once it was looked at: many cases may name one file."""

    sha256: str
    width: int
    height: int


class _Folder:
    """The files of a suite's folder, each decoded once to be checked and then let go."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[tuple[Path, bool], Facts] = {}

    def facts(self, name: str, sha256: str | None, is_mask: bool) -> Facts:
        path = below(self.path, name)
        if (path, is_mask) not in self._known:
            found = read_input(path, name)
            if is_mask:
                mask_from(found, found.width, found.height)
            self._known[path, is_mask] = Facts(found.file, found.width, found.height)
        facts = self._known[path, is_mask]
        if sha256 is not None and facts.sha256 != sha256:
            raise PictureError(
                f"{name!r} has the sha256 {facts.sha256[:12]}..., expected {sha256[:12]}...; the file was changed"
            )
        return facts


def checked(suite: Suite, folder: Path, document: Document) -> Suite:
    """The suite with the digests of the files that its cases start from. Raises ConfigError with file and line."""
    files = _Folder(folder)
    cases = []
    for index, case in enumerate(suite.cases):
        try:
            image, case = _with_image(case, files)
        except PictureError as error:
            raise document.error(("cases", index, "image"), f"cases[{index}].image: {error}") from None
        try:
            cases.append(_with_mask(case, files, image))
        except PictureError as error:
            raise document.error(("cases", index, "mask"), f"cases[{index}].mask: {error}") from None
    return suite.model_copy(update={"cases": tuple(cases)})


def _with_image(case: Case, files: _Folder) -> tuple[Facts | None, Case]:
    if case.image is None:
        return None, case
    facts = files.facts(case.image.file, case.image.sha256, is_mask=False)
    named = case.image.model_copy(update={"sha256": facts.sha256})
    return facts, case.model_copy(update={"image": named})


def _with_mask(case: Case, files: _Folder, image: Facts | None) -> Case:
    """A mask is looked at even where the picture is named elsewhere, so that its size is not known here."""
    if case.mask is None:
        return case
    if case.mask.box is not None:
        side = LIMITS.max_side
        _check_box(case.mask.box, *((image.width, image.height) if image else (side, side)))
        return case
    facts = files.facts(case.mask.file or "", case.mask.sha256, is_mask=True)
    if image is not None:
        _check_size(case.mask.file or "", (facts.width, facts.height), (image.width, image.height))
    return case.model_copy(update={"mask": case.mask.model_copy(update={"sha256": facts.sha256})})


def opened(folder: Path, name: str, sha256: str | None) -> Picture:
    """A picture below a folder. Raises PictureError where the name leads out of it or the file has another digest."""
    found = read_input(below(folder, name), name)
    if sha256 is not None and found.file != sha256:
        raise PictureError(f"{name!r} was changed since the suite was read; give the same command once more")
    return found


def below(folder: Path, name: str) -> Path:
    """The file of that name, below the folder also once links are followed."""
    strange = "\\" in name or ":" in name or not name.isprintable() or name.startswith(("/", "~"))
    if strange or ".." in PurePosixPath(name).parts:
        raise PictureError(f"{name[:80]!r} is no path below the suite's folder; put the file beside the suite")
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise PictureError(f"{name[:80]!r} leads out of the suite's folder; put the file itself beside the suite")
    if not path.is_file():
        raise PictureError(f"{name[:80]!r} is no file of the suite's folder; expected a picture")
    return path


def read_input(path: Path, name: str) -> Picture:
    """A picture to start from, decoded. Raises PictureError that names it."""
    try:
        data = read(path, LIMITS)
    except PictureError as error:
        raise PictureError(f"{name!r}: {error}") from None
    found, fault = decode(data, name, LIMITS)
    if found.rgb is None:
        raise PictureError(f"{name!r}: {fault}")
    if min(found.width, found.height) < SMALLEST_SIDE:
        raise PictureError(
            f"{name!r} has {found.width} x {found.height} pixels; expected at least {SMALLEST_SIDE} a side"
        )
    return found


def mask_of(mask: InputMask, folder: Path, width: int, height: int) -> Mask:
    """A case's mask for a picture of this size. Raises PictureError where it does not fit."""
    if mask.box is not None:
        return box_mask(mask.box, width, height)
    return mask_from(opened(folder, mask.file or "", mask.sha256), width, height)


def mask_from(mask: Picture, width: int, height: int) -> Mask:
    """Where a picture of this size may change, bool (height, width). Raises PictureError for what is no mask."""
    import numpy as np

    _check_size(mask.id, (mask.width, mask.height), (width, height))
    assert mask.rgb is not None
    spread = mask.rgb.max(axis=2).astype(int) - mask.rgb.min(axis=2)
    value = mask.rgb.mean(axis=2)
    unclear = float((((value >= GREY[0]) & (value <= GREY[1])) | (spread > GREY[0])).mean())
    if unclear > MOST_GREY:
        raise PictureError(
            f"the mask {mask.id!r} is grey or coloured at {unclear:.0%} of its pixels; "
            f"expected white to draw, black to keep, and at most {MOST_GREY:.0%} in between"
        )
    drawn: Mask = np.asarray(value >= 128)
    if not drawn.any():
        raise PictureError(
            f"the mask {mask.id!r} is black all over, so nothing may change; paint white what is to be drawn"
        )
    return drawn


def box_mask(box: tuple[int, int, int, int], width: int, height: int) -> Mask:
    """The inside of a box x0, y0, x1, y1 in a picture of this size. Raises PictureError where it does not lie in it."""
    import numpy as np

    _check_box(box, width, height)
    left, top, right, bottom = box
    mask = np.zeros((height, width), bool)
    mask[top:bottom, left:right] = True
    return mask


def _check_box(box: tuple[int, int, int, int], width: int, height: int) -> None:
    left, top, right, bottom = box
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise PictureError(
            f"the box {list(box)} does not lie in a picture of {width} x {height} pixels; "
            "expected x0 < x1 and y0 < y1 within it"
        )


def _check_size(name: str, mask: tuple[int, int], picture: tuple[int, int]) -> None:
    if mask != picture:
        raise PictureError(
            f"the mask {name!r} has {mask[0]} x {mask[1]} pixels, the picture {picture[0]} x {picture[1]}; "
            "they must be equal"
        )
