"""`imgaudit history`: measures over many runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from imgaudit.cli._common import names_list
from imgaudit.errors import UsageError

if TYPE_CHECKING:
    from imgaudit.history import History, Point
    from imgaudit.record import FinishedRun

app = typer.Typer(rich_markup_mode=None)


@app.command(epilog="Example: imgaudit history runs/monday runs/tuesday runs/friday --measure adherence.match")
def history(
    runs: list[str] = typer.Argument(..., metavar="RUN...", help="Run folders, baseline files or @names, in order."),
    measure: str | None = typer.Option(None, help="Full names, separated by commas; all if not given."),
    store: Path = typer.Option(Path("baselines"), "--store", help="Where @names are looked up."),
    form: str = typer.Option("table", "--format", help="table, json, csv, wandb (JSONL) or mlflow (needs --out)."),
    out: Path | None = typer.Option(None, "--out", help="File to write; for mlflow the folder of its store (mlruns)."),
) -> int:
    """Show measures over runs: candidates side by side, or one model over time; export them to trackers.

    Runs are joined only where they were scored on the same terms; a break is marked. Pictures with equal pixels in two
    runs are anchors whose scores must not move. Exit codes: 0, 4 where the scorers drifted though they are said to be
    the same, 2 an error.
    """
    from imgaudit.history import FORMATS, TEXTS, Named, mlflow_files
    from imgaudit.history import history as made_of
    from imgaudit.store.runfolder import RunFolder

    if form not in FORMATS:
        raise UsageError(f"--format {form!r}: expected one of {', '.join(FORMATS)}")
    if form == "mlflow" and out is None:
        raise UsageError("--format mlflow: writes a folder; name it with --out mlruns")
    made = made_of([Named(name, run) for name, run in _opened(runs, store)], names_list(measure))
    if form == "mlflow" and out is not None:
        for path, content in mlflow_files(made):
            RunFolder(out).write_bytes(path, content)
        typer.echo(str(out))
        return made.exit_code
    content = _table(made).encode() if form == "table" else TEXTS[form](made)
    if out is None:
        typer.echo(content.decode(), nl=False)
    else:
        RunFolder(out.parent).write_bytes(out.name, content)
        typer.echo(str(out))
    return made.exit_code


def _opened(runs: list[str], store: Path) -> Iterator[tuple[str, FinishedRun]]:
    from imgaudit.baseline import is_baseline, open_baseline
    from imgaudit.opening import name_of, open_side

    names = [name_of(run) for run in runs]
    for run, name in zip(runs, names, strict=True):
        shown = name if names.count(name) == 1 else run
        yield shown, open_baseline(run, store) if is_baseline(run) else open_side(run)


def _table(made: History) -> str:
    from imgaudit.reporters._shared import one_line

    width = max([len(one_line(point.run, 40)) for point in made.points], default=3)
    lines: list[str] = []
    breaks = {(b.before, b.after): b.why for b in made.breaks}
    previous: Point | None = None
    for point in made.points:
        if previous is None or previous.measure != point.measure:
            lines += ["", f"{point.measure} ({point.unit}, better {point.better})"]
        elif (previous.run, point.run) in breaks:
            lines.append(f"  ---- not comparable: {one_line(breaks[previous.run, point.run])} ----")
        lines.append(f"  {one_line(point.run, 40):{width}}  {_line(point)}")
        previous = point
    lines.append("")
    for pair, shared in made.anchors.items():
        lines.append(f"anchors {one_line(pair)}: {shared} pictures with equal pixels and prompt")
    for drift in made.drifts:
        cause = "though the scorers are said to be the same" if drift.same_scorers else "by other scorers"
        largest = "" if drift.largest is None else f", by up to {drift.largest:g}"
        pair = one_line(f"{drift.before} -> {drift.after}")
        moved = f"{drift.moved} of {drift.anchors} anchors moved{largest}, {drift.untold} told by one run only"
        lines.append(f"drift {pair}: {drift.measure}: {moved}, {cause}")
    return "\n".join(lines[1:]) + "\n"


def _line(point: Point) -> str:
    if point.mean is None:
        return f"could not be told on any of {point.of} pictures"
    ends = "" if point.low is None else f" [{point.low:.4f}, {point.high:.4f}]"
    text = f"{point.mean:.4f}{ends}  {point.prompts} prompts, {point.counted} of {point.of} pictures"
    if point.gain is not None:
        between = "" if point.gain_low is None else f" [{point.gain_low:+.4f}, {point.gain_high:+.4f}]"
        text += f"  gain {point.gain:+.4f}{between}"
    return text
