"""`imgaudit compare`: did the candidate get worse, and how sure are we."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from imgaudit.cli._common import watching
from imgaudit.errors import UsageError

if TYPE_CHECKING:
    from imgaudit.comparison import Comparison, Tested
    from imgaudit.record import FinishedRun
    from imgaudit.rubric import Rubric

app = typer.Typer(rich_markup_mode=None)
FORMATS = "Reports in --out, separated by commas: html, json, junit, markdown, sarif."


@app.command(epilog="Example: imgaudit compare runs/shapes-1 runs/shapes-2 --markdown comment.md")
def compare(
    base: str = typer.Argument(..., metavar="BASE", help="The run that is trusted: a folder, a baseline file, @name."),
    candidate: str = typer.Argument(..., metavar="CANDIDATE", help="The run that is to replace it; as for BASE."),
    rubric: str = typer.Option("publish", help="Whose section 'regression' decides: packaged, or a YAML file."),
    out: Path | None = typer.Option(None, "--out", help="Folder of the reports; CANDIDATE/comparison if not given."),
    formats: str = typer.Option("html,json", "--format", help=FORMATS),
    junit: Path | None = typer.Option(None, "--junit", help="Also write the JUnit report to this file."),
    markdown: Path | None = typer.Option(None, "--markdown", help="Also write the Markdown report to this file."),
    sarif: Path | None = typer.Option(None, "--sarif", help="Also write the SARIF report to this file."),
    rescore: bool = typer.Option(False, "--rescore", help="Score the stored pictures of both runs anew first."),
    rescored: Path | None = typer.Option(None, "--rescored", help="With --rescore: keep the new scores here."),
    clip: str | None = typer.Option(None, help="With --rescore: CLIP model; that of the candidate if not given."),
    ocr: str | None = typer.Option(None, help="With --rescore: OCR engine; that of the candidate if not given."),
    embedding: str | None = typer.Option(None, help="With --rescore: model that compares pictures, as for audit."),
    detector: str | None = typer.Option(None, help="With --rescore: detector; that of the candidate if not given."),
    vqa: str | None = typer.Option(None, help="With --rescore: question-answering model, as for audit."),
    as_json: bool = typer.Option(False, "--json", help="Print comparison.json in place of sentences."),
) -> int:
    """Compare two runs at the prompt, against the margins of a rubric.

    Exit codes: 0 pass, 1 regressed, 4 inconclusive, 2 an error.
    """
    from imgaudit.compare import compare as compare_runs
    from imgaudit.comparison import ComparedRuns
    from imgaudit.opening import checked_formats, name_of, open_side, write_reports
    from imgaudit.rubric import load_rubric

    wanted, judge = checked_formats(formats), load_rubric(rubric)
    given = (("junit", junit), ("markdown", markdown), ("sarif", sarif))
    files = {name: path for name, path in given if path is not None}
    folder = _folder(out, candidate)
    models = {"clip": clip, "ocr": ocr, "embedding": embedding, "detector": detector, "vqa": vqa}
    if not rescore and (rescored or any(models.values())):
        flags = ", ".join(f"--{name}" for name in ("rescored", *models))
        raise UsageError(f"{flags} say how to score anew; add --rescore")
    stored = open_side(base), open_side(candidate)
    with contextlib.ExitStack() as stack:
        if rescore:
            stored = stack.enter_context(_anew(stored, rescored, judge, models))
        comparison = compare_runs(*stored, judge, names=(name_of(base), name_of(candidate)), rescored=rescore)
        written = write_reports(ComparedRuns(comparison, *stored), folder, wanted, files)
    if as_json:
        typer.echo(comparison.model_dump_json())
    else:
        _show(comparison)
        for path in written:
            typer.echo(str(path))
    return comparison.exit_code


def _folder(out: Path | None, candidate: str) -> Path:
    if out is not None:
        return out
    if not Path(candidate).is_dir():
        raise UsageError(f"{candidate}: is no folder to put the reports in; name one with --out")
    return Path(candidate) / "comparison"


@contextlib.contextmanager
def _anew(
    stored: tuple[FinishedRun, FinishedRun], into: Path | None, rubric: Rubric, models: dict[str, str | None]
) -> Iterator[tuple[FinishedRun, FinishedRun]]:
    """Both runs scored by today's checkers; they may be read until the end of the block."""
    from imgaudit.compare.rescoring import rescored

    with contextlib.ExitStack() as stack:
        folder = into or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imgaudit-rescore-")))
        with watching() as watcher:
            fresh = rescored(stored, folder, rubric, models, watcher)
        yield fresh


def _show(comparison: Comparison) -> None:
    """The answer, a table of what decided, and the sentences."""
    import sys

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from imgaudit.reporters._shared import visible

    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 140)
    table = Table("measure", "prompts", "n", "gain", "95 %", "accepted loss", "answer", box=None, pad_edge=False)
    for test in comparison.tests:
        if test.gates:
            table.add_row(*(Text(visible(cell)) for cell in _row(test)))
    sides = " and ".join(
        f"{side.name} ({side.generator or 'audit'})" for side in (comparison.base, comparison.candidate)
    )
    console.print(Text(visible(f"{comparison.answer.upper()}: {sides}, {comparison.prompts:,} prompts in common")))
    if table.row_count:
        console.print(table)
    for sentence in comparison.why:
        console.print(Text(f"- {visible(sentence)}"))
    for line in comparison.sameness:
        if line.answer != "not told":
            console.print(Text(f"- by {line.view}, which decides nothing: {line.why}"))


def _row(test: Tested) -> tuple[str, ...]:
    own = test.estimate
    if own is None:
        return test.measure, test.stratum, "0", "-", "-", f"{test.margin:g}", test.answer.value
    between = "-" if own.low is None or own.high is None else f"{own.low:+.3f} to {own.high:+.3f}"
    return (
        test.measure, test.stratum, str(own.prompts), f"{own.gain:+.3f}", between, f"{test.margin:g}",
        test.answer.value,
    )  # fmt: skip
