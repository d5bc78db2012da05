"""Where the pictures of a run come from: files on disk, or a generator and a suite.

A source is cut into chunks of a fixed order; a chunk is the unit that is written, and taken up again, whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from imgaudit.digest import digest, digest_bytes, drawn_seed
from imgaudit.engine.inputs import Inputs
from imgaudit.engine.perceiving import HEADER_VERSION, Subject
from imgaudit.errors import PictureError, RunError, UsageError
from imgaudit.generators._spec import shown
from imgaudit.pictures import Found, FoundFile, Limits, find_files
from imgaudit.provenance.write import mark
from imgaudit.record import Skipped, SuiteInfo
from imgaudit.store.runfolder import RunFolder
from imgaudit.suites.prompts_file import PromptsFile
from imgaudit.types import JSON, Case, Controls, Generator, Job, Refused, Rendered, Source

SAFE_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,150}$")
AUDIT_CHUNK = 32


@dataclass(frozen=True, slots=True)
class Refusal:
    """A job without a picture."""

    job: str
    case: str
    index: int
    reason: str


@dataclass(frozen=True)
class Batch:
    """The pictures of one chunk, and the jobs that gave none."""

    subjects: tuple[Subject, ...]
    refusals: tuple[Refusal, ...] = ()


class PictureSource(Protocol):
    """A source of pictures, in chunks."""

    kind: Literal["audit", "run"]

    def request(self) -> dict[str, JSON]:
        """What was asked for; equal requests continue each other."""
        ...

    def total(self) -> int:
        """Number of pictures."""
        ...

    def chunks(self) -> int:
        """Number of chunks."""
        ...

    def digests(self, folder: RunFolder, chunk: int) -> dict[str, str | None]:
        """Record id -> digest of the file's bytes as it lies there now; None when it has no picture (yet)."""
        ...

    def read(self, folder: RunFolder, chunk: int) -> Batch:
        """The pictures of a chunk, made if need be."""
        ...


@dataclass
class FileSource:
    """Files given on the command line."""

    found: Found
    prompts: PromptsFile | None
    limits: Limits = field(default_factory=Limits)
    kind: Literal["audit", "run"] = "audit"

    @classmethod
    def of(cls, paths: Sequence[Path], prompts: PromptsFile | None, all_files: bool) -> FileSource:
        """Search files and folders. Raises UsageError when a path does not exist or nothing is found."""
        for path in paths:
            if not path.exists():
                raise UsageError(f"{path}: no such file or folder")
        found = find_files(paths, all_files)
        if not found.files:
            raise UsageError(
                f"no pictures in {', '.join(str(p) for p in paths)} ({len(found.skipped)} other files). "
                "Use --all-files to give every file a line"
            )
        return cls(found, prompts)

    def request(self) -> dict[str, JSON]:
        """Roots and prompts stand as digests, so that no path leaves the machine."""
        where = digest([str(root.resolve()) for root in self.found.roots])
        said = self.prompts.digest if self.prompts else None
        return {"kind": "audit", "files": where, "prompts": said}

    def total(self) -> int:
        """Files to audit."""
        return len(self.found.files)

    def chunks(self) -> int:
        """Chunks of 32 files."""
        return -(-len(self.found.files) // AUDIT_CHUNK)

    def digests(self, folder: RunFolder, chunk: int) -> dict[str, str | None]:
        """Digests of the files as they are now."""
        result: dict[str, str | None] = {}
        for file in self._files(chunk):
            try:
                result[_name(file)] = digest_bytes(self._bytes(file.path))
            except (OSError, RunError):
                result[_name(file)] = None
        return result

    def read(self, folder: RunFolder, chunk: int) -> Batch:
        """Read the files of a chunk; one that cannot be read is a subject that says so."""
        return Batch(tuple(self._subject(file) for file in self._files(chunk)))

    def skipped(self) -> tuple[Skipped, ...]:
        """Files that are no pictures, and rows of the prompts file that name no picture."""
        files = [Skipped(path=path, why=why) for path, why in self.found.skipped]
        rows = self.prompts.unused() if self.prompts else []
        return (*files, *(Skipped(path=name, why="named in the prompts file, not found") for name in rows))

    def _files(self, chunk: int) -> Sequence[FoundFile]:
        return self.found.files[chunk * AUDIT_CHUNK : (chunk + 1) * AUDIT_CHUNK]

    def _bytes(self, path: Path) -> bytes:
        size = path.stat().st_size
        if size > self.limits.max_bytes:
            raise RunError(f"is {size:,} bytes; at most {self.limits.max_bytes:,} are read")
        return path.read_bytes()

    def _subject(self, file: FoundFile) -> Subject:
        name = _name(file)
        row = self.prompts.find(file.relative, file.path) if self.prompts else None
        case = row.case if row else Case(id=name if len(name) <= 200 else digest(name))
        data, error = b"", None
        try:
            data = self._bytes(file.path)
        except (OSError, RunError) as problem:
            error = problem.strerror if isinstance(problem, OSError) else str(problem)
        subject = Subject(
            id=name,
            path=name,
            data=data,
            case=case,
            generated=False,
            on_suite=bool(row and row.named),
            seed=row.seed if row else None,
        )
        if error is not None:
            subject.header = _unread(error)
        return subject


def _name(file: FoundFile) -> str:
    return f"r{file.root}/{file.relative}"


def _unread(error: str) -> dict[str, Any]:
    empty = {"pixels": None, "width": 0, "height": 0, "mode": None, "format": None}
    return {"version": HEADER_VERSION, "unread": True, "error": f"cannot be read: {error}", **empty}


@dataclass
class SuiteSource:
    """A suite drawn by a generator, `batch_size` jobs a chunk; `inputs` knows what a job starts from."""

    suite: SuiteInfo
    cases: Sequence[Case]
    seeds: Sequence[int]
    controls: Controls
    generator_name: str
    generator: Generator
    batch_size: int
    literal_seeds: bool = False
    inputs: Inputs | None = None
    kind: Literal["audit", "run"] = "run"

    def __post_init__(self) -> None:
        self.jobs = [self._job(case, index) for case in self.cases for index in self.seeds]

    def _job(self, case: Case, index: int) -> Job:
        if case.seed is not None:
            seed = case.seed + index
        else:
            seed = index if self.literal_seeds else drawn_seed(case.id, index)
        own = {"width": case.width, "height": case.height, "negative": case.negative}
        given = self.controls.model_dump()
        controls = Controls(**{**given, **{k: v for k, v in own.items() if v is not None and given[k] is None}})
        return Job(case, index, seed, controls)

    def request(self) -> dict[str, JSON]:
        """Suite, generator, seeds and controls; batch size and order do not change what is drawn.

        What a run without given pictures does not have is left out, so that requests of earlier versions stay equal.
        """
        given = self.inputs.request() if self.inputs is not None else {}
        return {
            "kind": "run",
            "suite": self.suite.digest,
            "cases": digest([case.id for case in self.cases]),
            "generator": shown(self.generator_name),
            "seeds": list(self.seeds),
            "literal_seeds": self.literal_seeds,
            "controls": self.controls.model_dump(exclude=set() if self.controls.strength else {"strength"}),
            **({"inputs": given} if given else {}),
        }

    def total(self) -> int:
        """Jobs."""
        return len(self.jobs)

    def chunks(self) -> int:
        """Chunks of `batch_size` jobs."""
        return -(-len(self.jobs) // self.batch_size)

    def digests(self, folder: RunFolder, chunk: int) -> dict[str, str | None]:
        """Digests of the pictures as they lie in the run."""
        result: dict[str, str | None] = {}
        for job in self._chunk(chunk):
            path = folder.path / picture_path(job)
            result[job.id] = digest_bytes(path.read_bytes()) if path.is_file() else None
        return result

    def read(self, folder: RunFolder, chunk: int) -> Batch:
        """Draw the chunk, unless its pictures are there already, and read it."""
        notes = folder.read_work(f"rendered-{chunk:06d}") or {}
        jobs = self._chunk(chunk)
        missing = [job for job in jobs if not self._is_made(folder, job, notes)]
        if missing:
            for result in self._render(missing):
                notes[result.job.id] = self._keep(folder, result)
            folder.write_work(f"rendered-{chunk:06d}", notes)
        subjects, refusals = [], []
        for job in jobs:
            note = notes[job.id]
            if note.get("refused") is not None:
                refusals.append(Refusal(job.id, job.case.id, job.index, note["refused"]))
            else:
                subjects.append(_made(folder, job, Source.model_validate(note["source"])))
        return Batch(tuple(subjects), tuple(refusals))

    def _render(self, jobs: Sequence[Job]) -> Iterator[Rendered | Refused]:
        """Draw jobs, each from what it starts from; one whose picture cannot be had is refused."""
        ready = []
        for job in jobs:
            try:
                ready.append(job if self.inputs is None else replace(job, given=self.inputs.of(job)))
            except PictureError as error:
                yield Refused(job, str(error))
        yield from self.generator.render(ready)

    def _chunk(self, chunk: int) -> Sequence[Job]:
        return self.jobs[chunk * self.batch_size : (chunk + 1) * self.batch_size]

    def _is_made(self, folder: RunFolder, job: Job, notes: dict[str, Any]) -> bool:
        note = notes.get(job.id)
        if note is None:
            return False
        if note.get("refused") is not None:
            return True
        path = folder.path / picture_path(job)
        return path.is_file() and digest_bytes(path.read_bytes()) == note["file"]

    def _keep(self, folder: RunFolder, result: Rendered | Refused) -> dict[str, JSON]:
        if isinstance(result, Refused):
            return {"refused": result.reason}
        data = result.data if result.data is not None else mark(result.image, result.source)
        folder.write_bytes(picture_path(result.job), data)
        return {"file": digest_bytes(data), "source": result.source.model_dump()}


def picture_path(job: Job) -> str:
    """Where a generated picture lies in the run. Names come from the case id only where that is safe."""
    name = job.case.id if SAFE_NAME.match(job.case.id) else f"case-{digest(job.case.id)[:16]}"
    return f"pictures/{name}_{job.index:04d}.png"


def _made(folder: RunFolder, job: Job, source: Source) -> Subject:
    relative = picture_path(job)
    return Subject(
        id=job.id,
        path=relative,
        data=(folder.path / relative).read_bytes(),
        case=job.case,
        generated=True,
        on_suite=True,
        seed=job.index,
        source=source,
    )


def chunk_names(source: PictureSource) -> Iterator[tuple[int, str]]:
    """Number and name of each chunk."""
    for number in range(source.chunks()):
        yield number, f"{number:06d}"
