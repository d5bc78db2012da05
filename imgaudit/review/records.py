"""The records of a run, held open while it is reviewed."""

from __future__ import annotations

import json
import os
from array import array
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from imgaudit.errors import RunError
from imgaudit.store.runfolder import RunFolder
from imgaudit.types import ImageRecord


class Records:
    """Lines of images.jsonl by place, read from the file as it was when the review began.

    The file stays open, so that a command which replaces it meanwhile moves no line under the reviewer's hand.

    Args:
        path: images.jsonl.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ends = array("Q")
        try:
            self._handle = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise RunError(f"{path}: cannot be read: {error.strerror}") from None
        end = 0
        with os.fdopen(os.dup(self._handle), "rb") as stream:
            for line in stream:
                end += len(line)
                self._ends.append(end)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, place: int) -> ImageRecord:
        try:
            return ImageRecord.model_validate_json(self._line(place))
        except ValidationError:
            raise RunError(f"{self._path}:{place + 1}: is no record of a picture; run the command again") from None

    def __iter__(self) -> Iterator[ImageRecord]:
        return (self[place] for place in range(len(self)))

    def ids(self) -> Iterator[str]:
        """The ids in order, without reading the rest of each record."""
        for place in range(len(self)):
            try:
                yield str(json.loads(self._line(place))["id"])
            except (ValueError, KeyError, TypeError):
                raise RunError(f"{self._path}:{place + 1}: is no record of a picture; run the command again") from None

    def stamp(self) -> tuple[int, int, int]:
        """What changes when another command writes the file anew."""
        found = self._path.stat()
        return found.st_ino, found.st_mtime_ns, found.st_size

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)

    def _line(self, place: int) -> bytes:
        if not 0 <= place < len(self._ends):
            raise IndexError(place)
        start = self._ends[place - 1] if place else 0
        return os.pread(self._handle, self._ends[place] - start, start)


class Side:
    """A run that is shown beside the reviewed one: another generator's, or the repaired pictures.

    Args:
        folder: the run.
        title: what the page calls it.
    """

    def __init__(self, folder: RunFolder, title: str) -> None:
        self.folder = folder
        self.title = title
        self.records = Records(folder.path / "images.jsonl")
        self._places = {name: place for place, name in enumerate(self.records.ids())}

    def place_of(self, name: str) -> int | None:
        """Where the picture of the same case and seed, or of the same file, stands; None where there is none."""
        return self._places.get(name)
