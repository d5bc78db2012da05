"""Pictures that were rendered elsewhere, served as if they were rendered now: `folder:DIR`, `folder:DIR;grid=2`.

The picture of case `kite` and seed index 3 is found by the first of these that knows it; see `imgaudit.suites.layouts`:

1. a table in DIR, such as `prompts.csv` with the columns `file,prompt[,seed]` or `names.csv` with `file,case,index`;
2. its name: `kite/3.png`, `kite_3.png`, or with another picture suffix; `kite.png` is index 0;
3. the layout of a public benchmark: GenEval's numbered folders, T2I-CompBench's names made of prompts, and others.

With `;grid=2` each file holds 2 x 2 pictures, row by row: seed indexes 0 to 3 are its four tiles. A file whose sides
equal tiles do not fill, and a black tile, are refused: some benchmarks write black where a picture is missing.

A picture that is not there is refused with the names that were tried. Only files that lie under DIR are served: names
are looked up in a listing of DIR and never joined to a path, so neither a case id nor a table can lead out of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, ClassVar

from imgaudit.digest import digest, digest_file
from imgaudit.errors import PictureError, UsageError
from imgaudit.generators._spec import GeneratorOptions
from imgaudit.pictures import SUFFIXES, decode, read
from imgaudit.registry import generator
from imgaudit.suites.layouts import Layouts, listing
from imgaudit.suites.layouts.name_map import NameMap, Row, table_of
from imgaudit.types import JSON, Job, Refused, Rendered, Source

if TYPE_CHECKING:
    import numpy as np

_ARGUMENT = re.compile(r"(?P<folder>.+?)(?:;grid=(?P<grid>\d+))?", re.DOTALL)
_MOST_TILES = 8
_PADDING = 2
"""Pixels of black that torchvision's make_grid leaves around and between tiles."""
_MULTIPLE = 8
"""Sides of the pictures of diffusion models are multiples of this: such a grid has no lines, even on black ground."""
_TRIED_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


@generator
class Folder:
    """Pictures that were rendered elsewhere, by case and seed index, by prompt, or by a benchmark's layout."""

    name: ClassVar[str] = "folder"
    title: ClassVar[str] = "Pictures rendered elsewhere, from a folder (folder:DIR, folder:DIR;grid=2)"

    def __init__(self, argument: str | None, revision: str | None, options: GeneratorOptions) -> None:
        found = _ARGUMENT.fullmatch(argument or "")
        if found is None:
            raise UsageError("the generator 'folder' needs a folder: folder:DIR")
        if revision is not None:
            raise UsageError(f"folder@{revision}: a folder has no revisions; leave @{revision} out")
        self._grid = int(found["grid"] or 1) if len(found["grid"] or "1") == 1 else 0
        if not 1 <= self._grid <= _MOST_TILES:
            raise UsageError(f"folder:{argument}: grid={found['grid']}: expected 1 to {_MOST_TILES} tiles a side")
        self._root = Path(found["folder"]).expanduser().resolve()
        if not self._root.is_dir():
            raise UsageError(f"folder:{found['folder']}: there is no such folder")
        self._files = listing(self._root)
        self._table = NameMap(self._files)
        self._layouts = Layouts(self._files)

    def identity(self) -> Mapping[str, JSON]:
        """The folder's name and number of pictures, and digests of its list of files and of its table."""
        table = table_of(self._files)
        cut = {"grid": self._grid} if self._grid > 1 else {}
        return {
            "generator": self.name,
            "model": self._root.name,
            "pictures": sum(PurePosixPath(name).suffix.lower() in SUFFIXES for name in self._files),
            "files": digest(sorted(self._files)),
            "table": digest_file(table) if table else None,
            **cut,
        }

    def render(self, jobs: Sequence[Job]) -> Iterator[Rendered | Refused]:
        """One picture a job, read when it is its turn."""
        for job in jobs:
            try:
                yield self._served(job)
            except PictureError as error:
                yield Refused(job, str(error))

    def _served(self, job: Job) -> Rendered | Refused:
        index, tile = divmod(job.index, self._grid**2)
        row = self._table.row(job.case, index, job.seed)
        name = row.file if row else self._layouts.pictures(job.case).get(index)
        if name is None or name not in self._files:
            tried = [f"{job.case.id}{mark}{index}{suffix}" for suffix in _TRIED_SUFFIXES for mark in ("/", "_")]
            return Refused(job, f"the folder has no picture of it; tried {', '.join(tried)} and known layouts")
        return self._opened(job, name, tile, row)

    def _opened(self, job: Job, name: str, tile: int, row: Row | None) -> Rendered:
        from PIL import Image

        data = _read(self._files[name], name)
        picture, fault = decode(data, job.id)
        if picture.rgb is None:
            raise PictureError(f"{name}: {fault}")
        source = Source(
            generator=self.name,
            model=self._root.name,
            seed=row.seed if row else None,
            prompt=row.prompt if row else None,
            parse="partial" if row else "none",
        )
        if self._grid == 1:
            return Rendered(job, Image.fromarray(picture.rgb), source, data)
        return Rendered(job, Image.fromarray(cut(picture.rgb, self._grid, tile, name)), source)


def _read(path: Path, name: str) -> bytes:
    try:
        return read(path)
    except PictureError as error:
        raise PictureError(f"{name}: {error}") from error


def cut(rgb: np.ndarray, tiles: int, tile: int, name: str) -> np.ndarray:
    """One tile of a grid of `tiles` x `tiles`, row by row, uint8 (height, width, 3); black lines between them are cut.

    Raises PictureError where equal tiles do not fill the picture, and for a tile that is black all over.
    """
    import numpy as np

    height, width = rgb.shape[:2]
    gap = _PADDING if _is_padded(rgb, tiles) else 0
    inner = (height - gap * (tiles + 1), width - gap * (tiles + 1))
    if inner[0] % tiles or inner[1] % tiles or min(inner) < tiles:
        raise PictureError(f"{name}: {width} x {height} pixels are not filled by {tiles} x {tiles} equal tiles")
    tall, wide = inner[0] // tiles, inner[1] // tiles
    row, column = divmod(tile, tiles)
    top, left = gap + row * (tall + gap), gap + column * (wide + gap)
    part = np.ascontiguousarray(rgb[top : top + tall, left : left + wide])
    if not part.any():
        raise PictureError(f"{name}: tile {tile} is black all over, as where a picture is missing")
    return part


def _is_padded(rgb: np.ndarray, tiles: int) -> bool:
    """Whether black lines of make_grid's width run around and between the tiles."""
    if not rgb.any() or not any(side % (_MULTIPLE * tiles) for side in rgb.shape[:2]):
        return False
    for axis in (0, 1):
        side = rgb.shape[axis] - _PADDING * (tiles + 1)
        if side <= 0 or side % tiles:
            return False
        step = side // tiles + _PADDING
        for start in range(0, rgb.shape[axis], step):
            if rgb.take(range(start, start + _PADDING), axis=axis).any():
                return False
    return True
