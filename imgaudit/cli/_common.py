"""What several commands share: options, progress, and the last lines on the terminal."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from imgaudit.errors import UsageError

if TYPE_CHECKING:
    from imgaudit.pipeline import Watcher
    from imgaudit.record import FinishedRun, RubricInfo
    from imgaudit.rubric import Rubric
    from imgaudit.types import Case

FORMATS_HELP = "Reports to write, separated by commas: html, json, junit, csv, markdown, geneval."
EMBEDDING_HELP = "Model that compares pictures: dinov2:ORG/NAME, sscd:FILE or clip:SPEC; ;threshold=0.75 calls copies."
GALLERY_HELP = "Folder of pictures that none may be a copy of: training samples, characters, works; subfolder = kind."
PREFERENCE_HELP = "Model of people's preferences: pickscore:WHERE, hpsv2:FILE or imagereward:FILE."
AESTHETICS_HELP = "Model of looks: laion:FILE or pyiqa:METRIC;weights=FILE; ;reference=FILE gives percentiles."
DETECTOR_HELP = "Detector: embedded, hf:ORG/NAME[@REVISION] or a folder; ;floor=0.1;sure=0.3;bands=FILE set thresholds."
VQA_HELP = "Question-answering model: hf:ORG/NAME[@REVISION], or the folder of one."
LIKENESS_HELP = "Compare faces with your own galleries: model=onnx:FILE;at=COSINE;deny=DIR;consent=DIR."
SAFETY_HELP = "Safety model: nudenet, checker:ID or shieldgemma:ID; ;list=FILE adds hashes of known material."


def names_list(text: str | None) -> tuple[str, ...] | None:
    """Names separated by commas, or None when nothing was given."""
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise UsageError("an empty list was given; leave the option out to take all")
    return names


def day(text: str | None) -> date | None:
    """A day written as 2026-12-02, or None when nothing was given."""
    try:
        return date.fromisoformat(text) if text is not None else None
    except ValueError:
        raise UsageError(f"--as-of {text!r}: expected a day such as 2026-12-02") from None


def root_of(text: str) -> tuple[str, Path]:
    """Where audited files lie now, from `r0=DIR`."""
    name, equals, folder = text.partition("=")
    if not equals or not name.startswith("r") or not name[1:].isdigit():
        raise UsageError(f"--root {text!r}: expected e.g. r0=/where/the/pictures/are")
    if not Path(folder).is_dir():
        raise UsageError(f"--root {text!r}: {folder} is no folder")
    return name, Path(folder)


def rubric_of(judged_by: RubricInfo, given: str | None) -> Rubric:
    """The rubric that was given, or the one that judged a run. Raises UsageError where that one is not at hand."""
    from imgaudit.rubric import load_rubric, packaged_rubrics

    if given is not None:
        return load_rubric(given)
    if judged_by.name not in packaged_rubrics():
        raise UsageError(f"the run was judged by {judged_by.name!r}, which is not packaged; give its file to --rubric")
    rubric = load_rubric(judged_by.name)
    if rubric.digest != judged_by.digest:
        raise UsageError(
            f"the run was judged by another version of {judged_by.name!r}; give --rubric {judged_by.name} for this one"
        )
    return rubric


def seed_range(text: str) -> tuple[int, ...]:
    """Seed indexes from '0-7' (inclusive), '3' or '0-3,8'; sorted, each once.

    >>> seed_range("0-2,7")
    (0, 1, 2, 7)
    """
    seeds: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})(?:\s*-\s*(\d{1,9}))?\s*", part)
        if match is None:
            raise UsageError(f"--seeds {text!r}: expected numbers and ranges such as 0-7 or 0-3,8")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last - first >= 100_000:
            raise UsageError(f"--seeds {text!r}: the range {part.strip()} is empty or longer than 100,000")
        seeds.update(range(first, last + 1))
    return tuple(sorted(seeds))


OFFICIAL_VARIABLE, USER_VARIABLE = "IMGAUDIT_C2PA_OFFICIAL", "IMGAUDIT_C2PA_TRUST"
"""Environment variables that name the lists of trusted certificates where no option does."""


def trust_option(user: Path | None, official: Path | None) -> str | None:
    """Lists of trusted certificates as the perceiver `c2pa` takes them; read once here, so that a typo is told."""
    from imgaudit.provenance.c2pa import trust_lists

    option = ";".join(f"{name}={path}" for name, path in (("official", official), ("user", user)) if path) or None
    trust_lists(option)
    return option


def chosen_cases(cases: Sequence[Case], tags: tuple[str, ...] | None, limit: int | None) -> tuple[Case, ...]:
    """The cases that have one of the tags, at most `limit`. Raises UsageError when none is left."""
    if tags is not None:
        cases = [case for case in cases if set(tags) & set(case.tags)]
    if not cases:
        raise UsageError(f"no case has one of the tags {', '.join(tags or ())}; `imgaudit suites show` lists them")
    return tuple(cases[:limit])


@contextlib.contextmanager
def watching() -> Iterator[Watcher]:
    """Progress on a terminal: what, how far, rate and time left. In a pipe: nothing."""
    from imgaudit.pipeline import Watcher

    if not sys.stderr.isatty():
        yield Watcher(notice=lambda sentence: typer.echo(f"notice: {sentence}", err=True))
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.1f}/s" if task.speed else "")

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True) as progress:
        tasks: list[int] = []
        yield Watcher(
            begin=lambda stage, total: tasks.append(progress.add_task(stage, total=total)),
            advance=lambda count: progress.advance(tasks[-1], count),  # type: ignore[arg-type]
            say=console.print,
            notice=lambda sentence: console.print(f"notice: {sentence}", markup=False, highlight=False),
        )


def conclude(finished: FinishedRun, written: list[Path], as_json: bool) -> int:
    """Print what was decided and where the reports lie; the exit code."""
    from imgaudit.reporters._shared import counted, one_line

    report = finished.report
    if as_json:
        typer.echo(report.model_dump_json())
        return report.exit_code
    counts = ", ".join(f"{count} {decision}" for decision, count in report.final_counts.items() if count)
    number = counted(report.pictures, "picture")
    typer.echo(f"{report.title}: {number}: {counts or 'none'} (rubric {report.rubric.name})")
    if report.set_verdict.reasons:
        typer.echo(f"the set: {report.set_verdict.decision}: {report.set_verdict.reasons[0].message}")
    if report.skipped:
        typer.echo(f"{len(report.skipped)} other files were skipped; report.json names them")
    gallery = finished.run.perceivers.get("gallery", {})
    if gallery.get("unreadable"):
        files = counted(int(gallery["unreadable"]), "file")
        typer.echo(f"gallery: not read: {files} ({one_line(gallery['unreadable files'], 300)})")
    for coverage in report.coverage:
        if coverage.failed:
            why = next(iter(coverage.reasons), "")
            typer.echo(f"{coverage.checker}: failed on {coverage.failed} of {report.pictures} ({why})")
    for path in written:
        typer.echo(str(path))
    return report.exit_code
