"""`imgaudit suites`: list, show and import suites."""

from __future__ import annotations

import json
from pathlib import Path

import typer

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="List, show and import suites of prompts.")


@app.command("list", epilog="Example: imgaudit suites list")
def list_all(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """List the packaged suites."""
    from imgaudit.suites.load import list_suites

    entries = list_suites()
    if as_json:
        typer.echo(json.dumps([{"name": e.name, "title": e.title, "cases": e.cases} for e in entries]))
        return
    for entry in entries:
        typer.echo(f"{entry.name:20} {entry.cases:4} cases  {entry.title}")


@app.command(epilog="Example: imgaudit suites show shapes")
def show(
    suite: str = typer.Argument(..., metavar="SUITE"),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Show a suite: what it is for, its tags and its cases."""
    from collections import Counter

    from imgaudit.suites.load import load_suite

    loaded = load_suite(suite)
    if as_json:
        typer.echo(loaded.model_dump_json(exclude_defaults=True))
        return
    typer.echo(f"{loaded.name}: {loaded.title}\n\n{loaded.about.strip()}\n\nlicence: {loaded.licence}")
    tags = Counter(tag for case in loaded.resolved().cases for tag in case.tags)
    typer.echo("tags: " + ", ".join(f"{tag} ({count})" for tag, count in sorted(tags.items())) + "\n")
    for case in loaded.cases:
        typer.echo(f"{case.id:30} {case.prompt}")


@app.command("import", epilog="Example: imgaudit suites import geneval evaluation_metadata.jsonl --out geneval.yaml")
def import_(
    format_name: str = typer.Argument(..., metavar="FORMAT|auto"),
    file: Path = typer.Argument(..., metavar="FILE"),
    out: Path = typer.Option(..., "--out", help="The SUITE.yaml to write."),
) -> None:
    """Read a public suite's own file and write it as a SUITE.yaml."""
    from imgaudit.suites.load import dump_suite, import_suite

    suite = import_suite(file, format_name)
    out.write_text(dump_suite(suite), encoding="utf-8")
    typer.echo(f"{out}: {len(suite.cases)} cases; licence: {suite.licence}")
