"""`imgaudit review`: people decide, in a browser on this machine."""

from __future__ import annotations

from pathlib import Path

import typer

from imgaudit.cli._common import root_of, rubric_of
from imgaudit.errors import UsageError

app = typer.Typer(rich_markup_mode=None)


@app.command(epilog="Example: imgaudit review runs/posters --by 'A. Jonas' --role editor")
def review(
    run: Path = typer.Argument(..., metavar="RUN", help="A run folder."),
    compare: Path | None = typer.Option(None, metavar="OTHER_RUN", help="Show its pictures of the same case and seed."),
    by: str | None = typer.Option(None, help="Your name; the page asks where it is left out."),
    role: str | None = typer.Option(None, help="In which role you decide, e.g. editor, legal, brand."),
    rubric: str | None = typer.Option(None, help="Who judges; the run's own if left out."),
    port: int = typer.Option(0, min=0, max=65535, help="A port of this machine; 0 takes a free one."),
    host: str = typer.Option("127.0.0.1", help="The loopback address to listen on; no other is taken."),
    root: list[str] = typer.Option([], "--root", metavar="r0=DIR", help="Where audited files lie now, if they moved."),
    key: Path | None = typer.Option(None, metavar="KEY.pem", help="Sign the log's head with this Ed25519 key."),
) -> int:
    """Show a run's pictures in a browser, one after the other, and record what people decide about each.

    The terminal shows a link that works once. Decisions go to decisions.jsonl as they are made; Ctrl-C ends the review
    and judges the run anew. Exit codes are those of the run's verdicts.
    """
    from imgaudit.review.desk import Desk, Setting, checked_name
    from imgaudit.review.serve import Address, serve
    from imgaudit.signing import load_secret_key
    from imgaudit.store.runfolder import RunFolder

    if (by is None) != (role is None):
        raise UsageError("--by and --role go together: who decides, and in which role")
    who = (None, None) if by is None or role is None else (checked_name(by, "name"), checked_name(role, "role"))
    address = Address(host, port)
    judged_by = RunFolder.open(run).read_report().rubric
    setting = Setting(
        run=run, rubric=rubric_of(judged_by, rubric), roots=dict(root_of(text) for text in root), compare=compare,
        key=load_secret_key(key) if key is not None else None,
    )  # fmt: skip
    return serve(Desk(setting), address, who, typer.echo).exit_code
