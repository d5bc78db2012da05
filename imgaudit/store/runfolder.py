"""The run folder: one format for one machine and for a cluster.

Parts are written whole or not at all (to a temporary name, then renamed), so a run that is killed at any moment
continues with the same command. Everything else (images.jsonl, groups.jsonl, report.json) is derived from the parts.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import uuid
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from pydantic import ValidationError

from imgaudit.digest import canonical
from imgaudit.errors import RunError
from imgaudit.record import Report, RunInfo
from imgaudit.types import JSON, Case, Finding, GroupFinding, ImageRecord, Stored, Verdict

if TYPE_CHECKING:
    import pyarrow as pa

WORK = ".work"
REVIEW = ".review"  # the lock of a review, and its copies of pictures
REPAIRS = "repairs"  # the run of its repaired pictures
S = TypeVar("S", bound=Stored)
V = TypeVar("V")


class RunFolder:
    """A run on disk.

    Args:
        path: the folder; made by `create`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path, request: dict[str, JSON]) -> RunFolder:
        """Begin a run, or continue one of the same request.

        Raises:
            RunError: when the folder holds something else, or a run of another request.
        """
        folder = cls(path)
        if path.exists() and not path.is_dir():
            raise RunError(f"{path}: is a file; give a folder to --out")
        if path.is_dir() and any(path.iterdir()):
            folder._check_same(request)
        path.mkdir(parents=True, exist_ok=True)
        folder.work.mkdir(mode=0o700, exist_ok=True)
        folder.write_text(f"{WORK}/request.json", canonical(request))
        return folder

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """A finished run, to be read. Raises RunError where there is none."""
        folder = cls(path)
        if not (path / "run.json").is_file():
            raise RunError(f"{path}: is no run folder (it has no run.json); give the folder that --out named")
        if not (path / "report.json").is_file():
            raise RunError(f"{path}: this run is not finished; give the command that began it once more")
        return folder

    def _check_same(self, request: dict[str, JSON]) -> None:
        asked = self.path / WORK / "request.json"
        if asked.is_file():
            before = asked.read_text()
        elif (self.path / "run.json").is_file():
            before = canonical(self.read_run().request)
        else:
            raise RunError(f"{self.path}: holds files that are no run; give an empty or new folder to --out")
        if before != canonical(request):
            changed = _difference(before, request)
            raise RunError(
                f"{self.path}: holds a run of another request ({changed}); give another --out, or delete the folder"
            )

    @property
    def work(self) -> Path:
        """What only the unfinished run needs; mode 0700, gone when the run is finished."""
        return self.path / WORK

    # --- parts ---

    def write_part(self, kind: str, name: str, rows: Sequence[dict[str, Any]]) -> None:
        """Write one Parquet part of a kind (`renders`, `findings`, ...)."""
        import pyarrow.parquet as parquet

        target = self.path / kind / f"{name}.parquet"
        target.parent.mkdir(exist_ok=True)
        with self._whole(target) as temporary:
            parquet.write_table(_table(kind, rows), temporary, compression="zstd")

    def read_part(self, kind: str, name: str) -> list[dict[str, Any]] | None:
        """The rows of one part, or None when it is missing or damaged."""
        import pyarrow as pa
        import pyarrow.parquet as parquet

        target = self.path / kind / f"{name}.parquet"
        if not target.is_file():
            return None
        try:
            rows: list[dict[str, Any]] = parquet.read_table(target).to_pylist()
        except (pa.ArrowException, OSError):
            return None
        return rows

    def parts(self, kind: str) -> list[str]:
        """Names of the parts of a kind, sorted."""
        folder = self.path / kind
        return sorted(p.stem for p in folder.glob("*.parquet")) if folder.is_dir() else []

    def drop_parts(self, kind: str, keep: Iterable[str]) -> None:
        """Delete parts that the run no longer has (the audited files became fewer)."""
        kept = set(keep)
        for name in self.parts(kind):
            if name not in kept:
                (self.path / kind / f"{name}.parquet").unlink()

    # --- work files ---

    def write_work(self, name: str, value: JSON) -> None:
        """Keep a JSON value while the run lasts."""
        self.write_text(f"{WORK}/{name}.json", json.dumps(value))

    def read_work(self, name: str) -> JSON | None:
        """A JSON value kept by `write_work`, or None."""
        target = self.work / f"{name}.json"
        with contextlib.suppress(OSError, ValueError):
            return json.loads(target.read_text())
        return None

    def clear_work(self) -> None:
        """Forget what only the unfinished run needed."""
        shutil.rmtree(self.work, ignore_errors=True)

    # --- whole files ---

    def write_text(self, name: str, text: str) -> None:
        """Replace a text file atomically."""
        self.write_bytes(name, text.encode())

    def write_bytes(self, name: str, data: bytes) -> None:
        """Replace a file atomically."""
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with self._whole(target) as temporary:
            temporary.write_bytes(data)

    def write_lines(self, name: str, lines: Iterable[str]) -> str:
        """Replace a file of lines atomically; returns the hex sha256 of the file."""
        import hashlib

        state = hashlib.sha256()
        with self._whole(self.path / name) as temporary, temporary.open("wb") as stream:
            for line in lines:
                data = line.encode() + b"\n"
                state.update(data)
                stream.write(data)
        return state.hexdigest()

    @contextlib.contextmanager
    def _whole(self, target: Path) -> Iterator[Path]:
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
        try:
            yield temporary
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)

    # --- the record ---

    def read_run(self) -> RunInfo:
        """run.json."""
        return self._model("run.json", RunInfo)

    def read_report(self) -> Report:
        """report.json."""
        return self._model("report.json", Report)

    def read_images(self) -> ImageLines:
        """All lines of images.jsonl, each read when it is asked for."""
        return ImageLines(self.path / "images.jsonl")

    def read_groups(self) -> list[GroupFinding]:
        """All lines of groups.jsonl."""
        return [GroupFinding.model_validate_json(line) for line in self._lines("groups.jsonl")]

    def cases(self) -> Mapping[str, Case]:
        """What was asked of each picture, by the record's case, or by its id where it has none; read when asked for."""
        return ReadWhenAsked(lambda: self._asked[0])

    def refusals(self) -> Mapping[str, int]:
        """Case -> jobs that gave no picture; read when asked for."""
        return ReadWhenAsked(lambda: self._asked[1])

    @cached_property
    def _asked(self) -> tuple[dict[str, Case], dict[str, int]]:
        import pyarrow as pa
        import pyarrow.parquet as parquet

        cases: dict[str, Case] = {}
        refusals: dict[str, int] = {}
        for name in self.parts("renders"):
            target = self.path / "renders" / f"{name}.parquet"
            try:
                table = parquet.ParquetFile(target).read(["case", "refused", "payload"], use_threads=False)
            except (pa.ArrowException, OSError):
                raise RunError(f"{target}: is damaged; give the command that made this run once more") from None
            for case, refused, payload in zip(*(column.to_pylist() for column in table.columns), strict=True):
                if refused is not None:
                    refusals[case] = refusals.get(case, 0) + 1
                elif case not in cases:
                    row = json.loads(payload)
                    key = case if row["on_suite"] else row["id"]
                    cases[key] = Case.model_validate(row["case"])
        return cases, refusals

    def _lines(self, name: str) -> Iterator[str]:
        try:
            with (self.path / name).open(encoding="utf-8") as stream:
                yield from stream
        except FileNotFoundError:
            raise RunError(f"{self.path}: {name} is missing; run the command that made this folder again") from None

    def _model(self, name: str, kind: type[S]) -> S:
        try:
            return kind.model_validate_json((self.path / name).read_text(encoding="utf-8"))
        except OSError as error:
            raise RunError(f"{self.path / name}: cannot be read: {error.strerror}") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise RunError(f"{self.path / name}: is damaged or of another version: {where}: {first['msg']}") from None

    # --- where audited files lie ---

    def write_roots(self, roots: Sequence[Path]) -> None:
        """Remember where r0, r1, ... lie, readable by the owner alone."""
        self._write_private({f"r{index}": str(root) for index, root in enumerate(roots)})

    def write_generator(self, spec: str) -> None:
        """Remember what draws, with the folder that it lies in, readable by the owner alone."""
        self._write_private({"generator": spec})

    def read_generator(self) -> str | None:
        """What draws, with its folder; None where that is no secret or the file did not travel with the run."""
        return self._read_private().get("generator")

    def _write_private(self, value: Mapping[str, str]) -> None:
        target = self.path / "private.json"
        with self._whole(target) as temporary:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(value, stream)

    def read_roots(self) -> dict[str, Path]:
        """r0, r1, ... -> folder; empty where this run has none or the file did not travel with it."""
        return {name: Path(folder) for name, folder in self._read_private().items() if name != "generator"}

    def _read_private(self) -> dict[str, str]:
        with contextlib.suppress(OSError, ValueError):
            value = json.loads((self.path / "private.json").read_text(encoding="utf-8"))
            return {str(name): str(place) for name, place in value.items()} if isinstance(value, dict) else {}
        return {}

    def locate(self, record_path: str, roots: dict[str, Path]) -> Path | None:
        """Where a record's picture lies, or None when its root is unknown. Never outside its root."""
        if record_path.startswith("pictures/"):
            base, relative = self.path, record_path
        else:
            root, _, relative = record_path.partition("/")
            if root not in roots:
                return None
            base = roots[root]
        inside = Path(relative)
        if inside.is_absolute() or ".." in inside.parts:  # joining an absolute path would drop the root
            return None
        return base / inside


class ReadWhenAsked(Mapping[str, V]):
    """A mapping that is read at its first use.

    Args:
        read: gives the whole mapping; called as often as something is asked.
    """

    def __init__(self, read: Callable[[], Mapping[str, V]]) -> None:
        self._read = read

    def __getitem__(self, key: str) -> V:
        return self._read()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())


class ImageLines(Sequence[ImageRecord]):
    """The records of images.jsonl as a sequence that holds only where each line begins.

    Every access reads and checks the line anew, so that a run of any length can be walked in little memory.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._starts = array("Q")
        try:
            with path.open("rb") as stream:
                while True:
                    start = stream.tell()
                    if not stream.readline():
                        break
                    self._starts.append(start)
        except FileNotFoundError:
            raise RunError(f"{path}: is missing; run the command that made this folder again") from None

    def __len__(self) -> int:
        return len(self._starts)

    def __iter__(self) -> Iterator[ImageRecord]:
        with self._path.open("rb") as stream:
            for line in stream:
                yield ImageRecord.model_validate_json(line)

    @overload
    def __getitem__(self, index: int) -> ImageRecord: ...

    @overload
    def __getitem__(self, index: slice) -> list[ImageRecord]: ...

    def __getitem__(self, index: int | slice) -> ImageRecord | list[ImageRecord]:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        with self._path.open("rb") as stream:
            stream.seek(self._starts[index])
            return ImageRecord.model_validate_json(stream.readline())


def _difference(before: str, request: dict[str, JSON]) -> str:
    old = json.loads(before)
    names = sorted(name for name in {*old, *request} if old.get(name) != request.get(name))
    return "it differs in " + ", ".join(names[:4]) if names else "it differs"


def _schemas() -> dict[str, pa.Schema]:
    import pyarrow as pa

    text, number = pa.string(), pa.int64()
    return {
        "renders": pa.schema(
            [
                ("id", text), ("path", text), ("file", text), ("pixels", text), ("width", number), ("height", number),
                ("case", text), ("seed", number), ("refused", text), ("payload", text),
            ]
        ),
        "findings": pa.schema(
            [
                ("id", text), ("checker", text), ("version", text), ("outcome", text),
                ("measures", pa.map_(text, pa.float64())), ("labels", pa.map_(text, text)),
                ("codes", pa.list_(text)), ("payload", text),
            ]
        ),
        "verdicts": pa.schema([("id", text), ("machine", text), ("final", text), ("payload", text)]),
    }  # fmt: skip


def _table(kind: str, rows: Sequence[dict[str, Any]]) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pylist(list(rows), schema=_schemas()[kind])


def finding_row(picture: str, finding: Finding) -> dict[str, Any]:
    """A finding as a row of findings/*.parquet."""
    return {
        "id": picture,
        "checker": finding.checker,
        "version": finding.version,
        "outcome": finding.outcome,
        "measures": list(finding.measures.items()),
        "labels": list(finding.labels.items()),
        "codes": list(finding.codes),
        "payload": finding.model_dump_json(),
    }


def verdict_row(picture: str, verdict: Verdict) -> dict[str, Any]:
    """A verdict as a row of verdicts/*.parquet."""
    return {
        "id": picture,
        "machine": verdict.machine.value,
        "final": verdict.final.value,
        "payload": verdict.model_dump_json(),
    }
