"""The repaired pictures as a source of pictures for an ordinary run folder; they are made when they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from imgaudit.digest import digest_bytes
from imgaudit.engine.perceiving import Subject
from imgaudit.engine.sources import Batch
from imgaudit.pipeline import QUIET, Watcher
from imgaudit.repair.mending import Mender, path_of, subject_of
from imgaudit.repair.record import Repair, append_repair, read_repairs
from imgaudit.repair.tasks import Task, digest_of
from imgaudit.store.runfolder import RunFolder
from imgaudit.types import JSON, Source

CHUNK = 16


@dataclass
class RepairedSource:
    """The pictures of a run that are to be edited, each repaired once.

    Args:
        tasks: all of them, in the run's order.
        asked: ids of those that are to be repaired now; the lines of the others stay as they are.
        mender: repairs one.
        settings: what else the outcome rests on: equal settings continue each other.
        kind: the run's own.
        watcher: told of every picture that is done. The run of the repaired ones tells nobody: they were looked at.
    """

    tasks: Sequence[Task]
    asked: frozenset[str]
    mender: Mender
    settings: Mapping[str, JSON]
    kind: Literal["audit", "run"]
    watcher: Watcher = QUIET
    _lines: dict[str, Repair] | None = field(default=None, repr=False)

    def request(self) -> dict[str, JSON]:
        """Which pictures were to be edited, and how; which of them were asked for at one time makes no difference."""
        return {"kind": "repair", "tasks": digest_of(self.tasks), **self.settings}

    def total(self) -> int:
        """Pictures that are to be repaired now."""
        return len(self.asked)

    def chunks(self) -> int:
        """Chunks of 16 pictures that were to be edited."""
        return max(1, -(-len(self.tasks) // CHUNK))

    def digests(self, folder: RunFolder, chunk: int) -> dict[str, str | None]:
        """Digests of the repaired files; None for a picture that is still to be repaired."""
        result: dict[str, str | None] = {}
        for task in self._chunk(chunk):
            line = self._standing(folder, task)
            if line is None and task.row.id in self.asked:
                result[task.row.id] = None
            elif line is not None and line.file is not None:
                result[task.row.id] = line.file
        return result

    def read(self, folder: RunFolder, chunk: int) -> Batch:
        """Repair the pictures of a chunk that have no line yet, and read those that are repaired."""
        subjects = []
        for task in self._chunk(chunk):
            line = self._standing(folder, task)
            if line is None and task.row.id in self.asked:
                line = self._mended(folder, task)
            if task.row.id in self.asked:
                self.watcher.advance(1)
            subject = self._subject(folder, task, line)
            if subject is not None:
                subjects.append(subject)
        return Batch(tuple(subjects))

    def lines(self, folder: RunFolder) -> dict[str, Repair]:
        """All lines of these pictures so far, by id."""
        if self._lines is None:
            known = {task.row.id for task in self.tasks}
            self._lines = {name: line for name, line in read_repairs(folder.path).items() if name in known}
        return self._lines

    def _chunk(self, chunk: int) -> Sequence[Task]:
        return self.tasks[chunk * CHUNK : (chunk + 1) * CHUNK]

    def _mended(self, folder: RunFolder, task: Task) -> Repair:
        """The picture first and its line second: a line that is there speaks of a picture that is there."""
        mended = self.mender.mend(task)
        if mended.data is not None:
            folder.write_bytes(path_of(task), mended.data)
        append_repair(folder.path, mended.line)
        self.lines(folder)[task.row.id] = mended.line
        return mended.line

    def _standing(self, folder: RunFolder, task: Task) -> Repair | None:
        """The line of a picture, unless the repaired picture is gone or was changed since."""
        line = self.lines(folder).get(task.row.id)
        if line is None or line.parent != task.row.pixels:
            return None
        if line.outcome != "repaired":
            return line
        path = folder.path / path_of(task)
        same = path.is_file() and line.picture == path_of(task) and digest_bytes(path.read_bytes()) == line.file
        return line if same else None

    def _subject(self, folder: RunFolder, task: Task, line: Repair | None) -> Subject | None:
        if line is None or line.outcome != "repaired":
            return None
        data = (folder.path / path_of(task)).read_bytes()
        return subject_of(task, data, line.source or Source())
