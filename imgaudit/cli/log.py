"""`imgaudit log`: verify the log of people's decisions."""

from __future__ import annotations

from pathlib import Path

import typer

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Verify, or show, the log of people's decisions.",
                  epilog="Example: imgaudit log verify runs/shapes")  # fmt: skip


@app.command(epilog="Example: imgaudit log verify runs/shapes --key pub.pem")
def verify(
    run: Path = typer.Argument(..., metavar="RUN", help="A run folder."),
    key: Path | None = typer.Option(None, metavar="PUB.pem", help="The public key that signs the head."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> int:
    """Find any edit, deletion or change of order in the decision log.

    The chain alone shows all but lines cut off the end; those need the signed head and its public key.
    Exit codes: 0 intact, 1 tampered, 4 cannot tell, 2 an error.
    """
    from imgaudit.errors import RunError
    from imgaudit.signing import load_public_key
    from imgaudit.store.decisions import HEAD, LOG, check_log

    public = load_public_key(key) if key is not None else None
    if not run.is_dir():
        raise RunError(f"{run}: is no folder; give the folder that --out named")
    if not (run / LOG).is_file() and not (run / HEAD).is_file() and public is None:
        typer.echo("no decision was recorded")
        return 0
    check = check_log(run, public)
    if as_json:
        typer.echo(check.model_dump_json())
    else:
        typer.echo(f"{check.state}: {check.lines} decisions" + (f", head {check.head}" if check.lines else ""))
        for sentence in check.sentences:
            typer.echo(sentence)
    return {"intact": 0, "tampered": 1, "cannot tell": 4}[check.state]


@app.command(epilog="Example: imgaudit log show runs/shapes")
def show(
    run: Path = typer.Argument(..., metavar="RUN", help="A run folder."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON lines, as they are stored."),
) -> None:
    """Show who decided what, in which role, until when, with the notes that are still kept."""
    from imgaudit.reporters._shared import one_line
    from imgaudit.store.decisions import Attested, line_of, read_log, read_notes

    notes = {} if as_json else read_notes(run)
    for entry in read_log(run).entries:
        if as_json:
            typer.echo(line_of(entry).decode())
            continue
        when = f"{entry.seq + 1} {entry.at:%Y-%m-%d %H:%M}"
        about = f"picture {entry.subject.picture[:12]}" if entry.subject.picture else "the run"
        who = f"{one_line(entry.by)} ({one_line(entry.role or '')})" if entry.by else "somebody"
        if isinstance(entry, Attested):
            about = "the generator" if entry.subject.generator else about
            until = f" until {entry.until}" if entry.until else ""
            note = f": {one_line(notes[entry.note][1])}" if entry.note in notes else ""
            said = f"answered {entry.answer} to {entry.dimension} ({entry.reason})"
            typer.echo(f"{when} {who} {said}, about {about}{until}{note}")
        else:
            typer.echo(f"{when} {who} erased {about} ({entry.reason})")
