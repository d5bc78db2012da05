"""The picture that each job of a run starts from, where it starts from one.

A case names its picture beside the suite. The command may name one for all cases (`--image`), or a run (`--from`) whose
picture of the same case and seed is taken, so that one run is made of another. What the command says goes before what
the case says, each thing by itself: a run's picture may meet the case's own mask.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from imgaudit.digest import digest
from imgaudit.errors import PictureError, UsageError
from imgaudit.store.runfolder import RunFolder
from imgaudit.suites.inputs import box_mask, mask_from, mask_of, opened, read_input
from imgaudit.types import JSON, Extend, Generator, Given, ImageRecord, Job, Picture

if TYPE_CHECKING:
    import numpy as np


@dataclass
class Inputs:
    """Where the jobs' pictures come from.

    Attributes:
        folder: of the suite's file; cases name their files in it.
        image: for all cases; `run`: a run whose pictures are taken; at most one of both.
        mask: for all cases, a file or a box.
        extend: for all cases.
    """

    folder: Path
    image: Path | None = None
    run: Path | None = None
    mask: Path | tuple[int, int, int, int] | None = None
    extend: Extend | None = None
    _records: dict[str, ImageRecord] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if self.image is not None and self.run is not None:
            raise UsageError("--image and --from both name the pictures to start from; give one of them")
        if self.run is not None:
            folder = RunFolder.open(self.run)
            if folder.read_run().kind != "run":
                raise UsageError(f"--from {self.run}: an audit has no cases and seeds; expected a run, or use --image")
            self._records = {record.id: record for record in folder.read_images()}

    def check(self, generator: Generator, name: str) -> None:
        """Raise UsageError where the command gives what the generator does not take."""
        takes: frozenset[str] = getattr(type(generator), "takes", frozenset())
        given = {"--image": self.image, "--from": self.run, "--mask": self.mask, "--extend": self.extend}
        for option, value in given.items():
            if value is not None and {"--from": "image"}.get(option, option[2:]) not in takes:
                raise UsageError(f"{option}: the generator {name!r} does not take it; docs/editing.md says who does")

    def request(self) -> dict[str, JSON]:
        """What the command gave, by content; what the cases name is part of the suite's digest."""
        mask = self.mask if self.mask is None or isinstance(self.mask, tuple) else self._mask.file
        told = {
            "image": self._image.file if self.image is not None else None,
            "from": digest([[id, record.pixels] for id, record in sorted(self._records.items())]) if self.run else None,
            "mask": list(mask) if isinstance(mask, tuple) else mask,
            "extend": self.extend.model_dump() if self.extend is not None else None,
        }
        return {name: value for name, value in told.items() if value is not None}

    def of(self, job: Job) -> Given | None:
        """What a job starts from, or None for nothing. Raises PictureError where it cannot be had."""
        picture = self._picture(job)
        if picture is None:
            return None
        assert picture.rgb is not None
        assert picture.pixels is not None
        extend = self.extend or job.case.extend
        return Given(
            rgb=picture.rgb,
            pixels=picture.pixels,
            mask=self._mask_for(job, picture.width, picture.height),
            extend=extend.pixels(picture.width, picture.height) if extend is not None else None,
        )

    @cached_property
    def _image(self) -> Picture:
        assert self.image is not None
        return _read("--image", self.image)

    @cached_property
    def _mask(self) -> Picture:
        assert isinstance(self.mask, Path)
        return _read("--mask", self.mask)

    def _picture(self, job: Job) -> Picture | None:
        if self.run is not None:
            return self._from_run(job)
        if self.image is not None:
            return self._image
        if job.case.image is None:
            return None
        return opened(self.folder, job.case.image.file, job.case.image.sha256)

    def _from_run(self, job: Job) -> Picture:
        record = self._records.get(job.id)
        path = RunFolder(self.run or Path()).locate(record.path, {}) if record is not None else None
        if record is None or path is None:
            raise PictureError("the run that --from names has no picture of this case and seed")
        found = read_input(path, record.path)
        if found.pixels != record.pixels:
            raise PictureError(f"{record.path!r} of the run that --from names was changed after it was recorded")
        return found

    def _mask_for(self, job: Job, width: int, height: int) -> np.ndarray | None:
        if isinstance(self.mask, tuple):
            return box_mask(self.mask, width, height)
        if self.mask is not None:
            return mask_from(self._mask, width, height)
        return mask_of(job.case.mask, self.folder, width, height) if job.case.mask is not None else None


def _read(option: str, path: Path) -> Picture:
    if not path.is_file():
        raise UsageError(f"{option} {path}: there is no such file; expected a picture")
    try:
        return read_input(path, path.name)
    except PictureError as error:
        raise UsageError(f"{option}: {error}") from None


def mask_option(text: str | None) -> Path | tuple[int, int, int, int] | None:
    """A mask as the command line names it: a file, or a box `x0,y0,x1,y1` in pixels."""
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) == 4 and all(part.strip().isdecimal() and len(part) < 10 for part in parts):
        left, top, right, bottom = (int(part) for part in parts)
        return left, top, right, bottom
    return Path(text)


def extend_option(text: str | None) -> Extend | None:
    """Sides as the command line names them: `left=32,right=50%`."""
    if text is None:
        return None
    sides: dict[str, int | str] = {}
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        sides[name] = int(value) if value.isdecimal() and len(value) < 10 else value
    try:
        return Extend.model_validate(sides)
    except ValueError as error:
        raise UsageError(
            f"--extend {text!r}: expected left, top, right or bottom with pixels or a share, such as left=32,right=50%"
        ) from error

