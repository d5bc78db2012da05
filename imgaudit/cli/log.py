"""`imgaudit log`: verify, or show, the log of people's decisions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from imgaudit.store.decisions import Event

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Verify, or show, the log of people's decisions.",
                  epilog="Example: imgaudit log verify runs/shapes")  # fmt: skip


@app.command(epilog="Example: imgaudit log verify runs/shapes --key pub.pem")
def verify(
    run: Path = typer.Argument(..., metavar="RUN", help="A run folder."),
    key: Path | None = typer.Option(None, metavar="PUB.pem", help="The public key that signs the head."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> int:
    """Find any edit, deletion or change of order in the decision log.

    The chain alone shows all but an altered last line and lines cut off the end; those need the signed head and its
    public key.
    Exit codes: 0 intact, 1 tampered, 4 cannot tell, 2 an error.
    """
    from imgaudit.errors import RunError
    from imgaudit.signing import load_public_key
    from imgaudit.store.decisions import HEAD, LOG, check_log

    public = load_public_key(key) if key is not None else None
    if not run.is_dir():
        raise RunError(f"{run}: is no folder; give the folder that --out named")
    if not (run / LOG).is_file() and not (run / HEAD).is_file() and public is None and not as_json:
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
    """Show who decided what, in which role and why, with the notes that are still kept.

    Every line begins with its number and time. Decisions that were taken back stay, and say by which line.
    """
    from imgaudit.errors import RunError
    from imgaudit.reporters._shared import one_line
    from imgaudit.store.decisions import Undone, line_of, read_log, read_notes

    if not run.is_dir():
        raise RunError(f"{run}: is no folder; give the folder that --out named")
    entries = read_log(run).entries
    if as_json:
        for entry in entries:
            typer.echo(line_of(entry).decode())
        return
    notes, names = read_notes(run), _names(run)
    undone = {entry.undoes: entry.seq + 1 for entry in entries if isinstance(entry, Undone)}
    for entry in entries:
        who = f"{one_line(entry.by)} ({one_line(entry.role or '')})" if entry.by else "somebody"
        said = f"{entry.seq + 1} {entry.at:%Y-%m-%d %H:%M} {who} {_said(entry, names)}"
        name = getattr(entry, "note", None)
        note = f": {one_line(notes[name][1])}" if name in notes else ""
        gone = f" [taken back by line {undone[entry.seq]}]" if entry.seq in undone else ""
        typer.echo(f"{said}{gone}{note}")


def _names(run: Path) -> Mapping[str, str]:
    """Digest of a picture -> its id, for the pictures that the run still has."""
    from imgaudit.reporters._shared import one_line
    from imgaudit.store.decisions import picture_digest
    from imgaudit.store.runfolder import RunFolder

    if not (run / "images.jsonl").is_file():
        return {}
    return {picture_digest(one.pixels, one.file): one_line(one.id) for one in RunFolder(run).read_images()}


def _said(entry: Event, names: Mapping[str, str]) -> str:
    from imgaudit.store.decisions import Attested, Judged, Undone

    subject = entry.subject
    about = f"picture {names.get(subject.picture, subject.picture[:12])}" if subject.picture else "the run"
    match entry:
        case Attested():
            about = "the generator" if subject.generator else about
            until = f" until {entry.until}" if entry.until else ""
            return f"answered {entry.answer} to {entry.dimension} ({entry.reason}), about {about}{until}"
        case Judged():
            disputes = "".join(f"; {_dispute(one.checker, one.says, one.code)}" for one in entry.disputes)
            return f"decided {entry.after} ({entry.reason}), about {about}, before: {entry.before}{disputes}"
        case Undone():
            return f"took back line {entry.undoes + 1} ({entry.reason}), about {about}"
        case _:
            return f"erased {about} ({entry.reason})"


def _dispute(checker: str, says: str, code: str | None) -> str:
    from imgaudit.reporters._shared import one_line

    if says == "missed":
        return f"says that {checker} missed {one_line(code) if code else 'a fault'}"
    return f"says that the alarm {one_line(code) if code else f'of {checker}'} is false"
