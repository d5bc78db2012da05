"""`imgaudit purge`: erase a run or one of its pictures, and leave a tombstone."""

from __future__ import annotations

from pathlib import Path

import typer

from imgaudit.cli._common import rubric_of
from imgaudit.errors import UsageError

app = typer.Typer(rich_markup_mode=None)


@app.command(epilog="Example: imgaudit purge runs/shapes --picture 'a-red-circle#0' --yes")
def purge(
    run: Path = typer.Argument(..., metavar="RUN", help="A run folder."),
    picture: str | None = typer.Option(None, metavar="ID", help="Erase this picture alone; the whole run if left out."),
    yes: bool = typer.Option(False, "--yes", help="Erase; without it, only say what would go."),
    reason: str = typer.Option("erasure-request", help="A reason code for the tombstone."),
    by: str | None = typer.Option(None, help="Who erases."),
    role: str | None = typer.Option(None, help="In which role."),
    rubric: str | None = typer.Option(None, help="Who judges the rest anew; the run's own rubric if left out."),
    key: Path | None = typer.Option(None, metavar="KEY.pem", help="Sign the log's head with this Ed25519 key."),
) -> None:
    """Erase a run, or one picture with its findings, copies and cached percepts; the decision log stays verifiable.

    Audited files are not touched: they lie where you keep them. Reports are erased with the picture, since they show
    it: write them anew. What was exported or copied elsewhere is out of reach.
    """
    from imgaudit.erase import Who, erase_picture, erase_run, plan_picture, plan_run
    from imgaudit.signing import load_secret_key
    from imgaudit.store.runfolder import RunFolder

    secret = load_secret_key(key) if key is not None else None
    plan = plan_run(run) if picture is None else plan_picture(run, picture)
    if not yes:
        listed = "\n  ".join(plan.sentences)
        raise UsageError(f"nothing was erased; --yes would erase from {run}:\n  {listed}")
    who = Who(reason, by, role, secret)
    if picture is None:
        done = erase_run(run, who)
    else:
        done = erase_picture(run, picture, rubric_of(RunFolder.open(run).read_report().rubric, rubric), who)
    for sentence in done.sentences:
        typer.echo(sentence)
