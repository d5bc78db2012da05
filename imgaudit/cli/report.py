"""`imgaudit report`: write reports of a stored run, or judge it again."""

from __future__ import annotations

from pathlib import Path

import typer

from imgaudit.cli._common import FORMATS_HELP, conclude, day, root_of, rubric_of

app = typer.Typer(rich_markup_mode=None)


@app.command(epilog="Example: imgaudit report runs/shapes --format html,junit --rubric strict")
def report(
    run: Path = typer.Argument(..., metavar="RUN", help="A run folder."),
    formats: str = typer.Option("html", "--format", help=FORMATS_HELP),
    rubric: str | None = typer.Option(None, help="Judge the stored findings by this rubric first; no model runs."),
    root: list[str] = typer.Option([], "--root", metavar="r0=DIR", help="Where audited files lie now, if they moved."),
    as_of: str | None = typer.Option(None, metavar="YYYY-MM-DD", help="The day people's answers must count on; today."),
    as_json: bool = typer.Option(False, "--json", help="Print report.json in place of sentences."),
) -> int:
    """Write reports of a stored run; judge it anew first with --rubric, or where people's answers may have lapsed.

    Exit codes are those of the run's verdicts: 0 all publish, 1 a reject, 3 an edit, 4 a hold, 2 an error.
    """
    from imgaudit.pipeline import checked_formats, judge_again, open_run, write_reports
    from imgaudit.store.decisions import has_decisions
    from imgaudit.store.runfolder import RunFolder

    wanted = checked_formats(formats)
    roots = dict(root_of(text) for text in root)
    folder = RunFolder.open(run)
    if rubric is not None or has_decisions(run):
        judge_again(run, rubric_of(folder.read_report().rubric, rubric), day(as_of))
    return conclude(open_run(run, roots), write_reports(run, wanted, roots), as_json)
