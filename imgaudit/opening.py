"""Reading the sides of a comparison from disk, and writing its reports. A damaged record is refused whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from imgaudit.baseline import is_baseline, open_baseline
from imgaudit.comparison import ComparedRuns
from imgaudit.digest import digest_file
from imgaudit.errors import RunError, UsageError
from imgaudit.pipeline import GROUPS, open_run
from imgaudit.record import FinishedRun
from imgaudit.reporters._comparison import FILENAMES, writer
from imgaudit.store.runfolder import RunFolder

if TYPE_CHECKING:
    import pyarrow as pa

AGAIN = "give the command that made this run once more"


def open_side(reference: str) -> FinishedRun:
    """A run folder, a baseline's file, or @name. Raises RunError where its record is not whole."""
    if is_baseline(reference):
        return open_baseline(reference)
    path = Path(reference)
    if not path.is_dir():
        raise UsageError(f"{reference}: no such run folder; give a run folder, a baseline's JSON file, or @name")
    check_whole(RunFolder.open(path))
    return open_run(path)


def name_of(reference: str) -> str:
    """How a side is called in reports: @name, or the last part of its path; never the whole path."""
    return reference if reference.startswith("@") else Path(reference).resolve().name


def check_whole(folder: RunFolder) -> None:
    """Raise RunError unless the records fit the report, every part can be read, and every made picture is there."""
    report, lines = folder.read_report(), folder.path / "images.jsonl"
    if not lines.is_file():
        raise RunError(f"{lines}: is missing; {AGAIN}")
    if digest_file(lines) != report.images_digest:
        raise RunError(f"{lines}: is not what report.json speaks of: it was cut or changed since; {AGAIN}")
    names = folder.parts("renders")
    if report.pictures and not names:
        raise RunError(f"{folder.path / 'renders'}: is missing; {AGAIN}")
    for name in (*names, GROUPS):
        _readable(folder.path / "findings" / f"{name}.parquet", [])
    rows = 0
    for name in names:
        paths = _readable(folder.path / "renders" / f"{name}.parquet", ["path"]).column("path").to_pylist()
        rows += len(paths)
        for path in paths:
            if path is not None and path.startswith("pictures/") and not (folder.path / path).is_file():
                raise RunError(f"{folder.path / path}: the picture is missing; {AGAIN}")
    expected = report.pictures + sum(report.refused.values())
    if rows != expected:
        raise RunError(f"{folder.path}: renders/ holds {rows:,} pictures and report.json {expected:,}; {AGAIN}")


def _readable(path: Path, columns: list[str]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:
        with parquet.ParquetFile(path) as file:
            return file.read(columns, use_threads=False)  # parts are small: threads cost more than they save
    except FileNotFoundError:
        raise RunError(f"{path}: is missing; {AGAIN}") from None
    except (pa.ArrowException, OSError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunError(f"{path}: is damaged ({first[:100]}); {AGAIN}") from None


def checked_formats(text: str) -> tuple[str, ...]:
    """Formats from a comma-separated list. Raises UsageError for an unknown one."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in FILENAMES]
    if unknown or not names:
        raise UsageError(f"--format {text!r}: expected some of {', '.join(FILENAMES)}, separated by commas")
    return names


def write_reports(compared: ComparedRuns, out: Path, formats: Iterable[str], files: Mapping[str, Path]) -> list[Path]:
    """Write reports into `out`, and those of `files` (format -> path) where they say; the paths written."""
    wanted = [*((name, out / FILENAMES[name]) for name in formats), *files.items()]
    return list(_written(compared, wanted))


def _written(compared: ComparedRuns, wanted: Iterable[tuple[str, Path]]) -> Iterator[Path]:
    for name, path in wanted:
        RunFolder(path.parent).write_bytes(path.name, writer(name)(compared))
        yield path
