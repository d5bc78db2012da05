"""Pictures that were rendered elsewhere, served as if they were rendered now: `folder:DIR`.

The picture of case `kite` and seed index 3 is found

1. by a table `prompts.csv` or `prompts.jsonl` in DIR with the columns `file,prompt[,seed]`: the row with the case's
   prompt and the job's seed; without seeds, the row that is number 3 (from 0) among those with that prompt;
2. by its name: `kite/3.png` or `kite_3.png`, or with another picture suffix.

A picture that is not there is refused with the names that were tried. Only files that lie under DIR are served: names
are looked up in a listing of DIR and never joined to a path, so neither a case id nor a table can lead out of it.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from imgaudit.digest import digest, digest_file
from imgaudit.errors import ConfigError, PictureError, UsageError
from imgaudit.generators._spec import GeneratorOptions
from imgaudit.pictures import SUFFIXES, decode, read
from imgaudit.registry import generator
from imgaudit.types import JSON, Job, Refused, Rendered, Source

TABLES = ("prompts.csv", "prompts.jsonl")
_TABLE_BYTES = 64 << 20
_SEED_DIGITS = 20
_FIRST_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: a file of the folder, the prompt it was made from, and the seed if it is known."""

    file: str
    prompt: str
    seed: int | None


@generator
class Folder:
    """Pictures that were rendered elsewhere, by case and seed index or by prompt and seed."""

    name: ClassVar[str] = "folder"
    title: ClassVar[str] = "Pictures rendered elsewhere, from a folder (folder:DIR)"

    def __init__(self, argument: str | None, revision: str | None, options: GeneratorOptions) -> None:
        if not argument:
            raise UsageError("the generator 'folder' needs a folder: folder:DIR")
        if revision is not None:
            raise UsageError(f"folder@{revision}: a folder has no revisions; leave @{revision} out")
        self._root = Path(argument).expanduser().resolve()
        if not self._root.is_dir():
            raise UsageError(f"folder:{argument}: there is no such folder")
        self._files = _listing(self._root)
        self._rows = _rows(self._root, self._files)

    def identity(self) -> Mapping[str, JSON]:
        """The folder's name and number of pictures, and digests of its list of files and of its table."""
        tables = [self._root / name for name in TABLES if name in self._files]
        return {
            "generator": self.name,
            "model": self._root.name,
            "pictures": sum(PurePosixPath(name).suffix.lower() in SUFFIXES for name in self._files),
            "files": digest(sorted(self._files)),
            "table": digest_file(tables[0]) if tables else None,
        }

    def render(self, jobs: Sequence[Job]) -> Iterator[Rendered | Refused]:
        """One picture a job, read when it is its turn."""
        for job in jobs:
            yield self._served(job)

    def _served(self, job: Job) -> Rendered | Refused:
        row = self._row(job)
        names = [row.file] if row else self._names(job)
        name = next((name for name in names if name in self._files), None)
        if name is None:
            tried = names[: 2 * len(_FIRST_SUFFIXES)]
            return Refused(job, f"the folder has no picture of it; tried {', '.join(tried)}")
        return self._opened(job, name, row)

    def _row(self, job: Job) -> Row | None:
        rows = self._rows.get(job.case.prompt or "", [])
        for row in rows:
            if row.seed is not None and row.seed == job.seed:
                return row
        unnumbered = [row for row in rows if row.seed is None]
        return unnumbered[job.index] if job.index < len(unnumbered) else None

    def _names(self, job: Job) -> list[str]:
        suffixes = [*_FIRST_SUFFIXES, *sorted(SUFFIXES - set(_FIRST_SUFFIXES))]
        stems = (f"{job.case.id}/{job.index}", f"{job.case.id}_{job.index}")
        return [stem + suffix for suffix in suffixes for stem in stems]

    def _opened(self, job: Job, name: str, row: Row | None) -> Rendered | Refused:
        from PIL import Image

        try:
            data = read(self._files[name])
        except PictureError as error:
            return Refused(job, f"{name}: {error}")
        picture, fault = decode(data, job.id)
        if picture.rgb is None:
            return Refused(job, f"{name}: {fault}")
        source = Source(
            generator=self.name,
            model=self._root.name,
            seed=row.seed if row else None,
            prompt=row.prompt if row else None,
            parse="partial" if row else "none",
        )
        return Rendered(job, Image.fromarray(picture.rgb), source, data)


def _listing(root: Path) -> dict[str, Path]:
    """Every regular file under a folder by its relative name; links that lead out of it are left out."""
    found: dict[str, Path] = {}
    for here, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(here) / name
            if path.is_file() and path.resolve().is_relative_to(root):
                found[path.relative_to(root).as_posix()] = path
    return found


def _rows(root: Path, files: Mapping[str, Path]) -> dict[str, list[Row]]:
    """The table's rows by prompt, in the table's order."""
    found: dict[str, list[Row]] = {}
    for name in TABLES:
        if name not in files:
            continue
        for line, values in _lines(files[name], name):
            row = _row(values, f"{name}:{line}")
            if row.file not in files:
                raise ConfigError(f"{name}:{line}: {row.file!r} is no file of the folder; expected a name below it")
            found.setdefault(row.prompt, []).append(row)
        break
    return found


def _lines(path: Path, name: str) -> Iterator[tuple[int, Any]]:
    if path.stat().st_size > _TABLE_BYTES:
        raise ConfigError(f"{name}: larger than {_TABLE_BYTES >> 20} MiB; expected a table of prompts")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: not UTF-8 ({error.reason}); save it as UTF-8") from error
    if name.endswith(".csv"):
        reader = csv.DictReader(io.StringIO(text, newline=""))
        try:
            yield from ((reader.line_num, values) for values in reader)
        except csv.Error as error:
            raise ConfigError(f"{name}:{reader.line_num}: {error}; expected comma-separated values") from error
        return
    for line, content in enumerate(text.splitlines(), start=1):
        if content.strip():
            try:
                yield line, json.loads(content)
            except ValueError as error:
                raise ConfigError(f"{name}:{line}: not JSON ({error}); expected one object a line") from error


def _row(values: Any, where: str) -> Row:
    file, prompt = (values.get("file"), values.get("prompt")) if isinstance(values, dict) else (None, None)
    if not isinstance(file, str) or not isinstance(prompt, str) or not file or not prompt:
        raise ConfigError(f"{where}: 'file' or 'prompt' is missing; expected the columns file,prompt[,seed]")
    seed = values.get("seed")
    if seed in (None, ""):
        return Row(PurePosixPath(file).as_posix(), prompt, None)
    if isinstance(seed, bool) or not str(seed).isdecimal() or len(str(seed)) > _SEED_DIGITS:
        raise ConfigError(f"{where}: seed {seed!r} is no whole number from 0 up")
    return Row(PurePosixPath(file).as_posix(), prompt, int(seed))
