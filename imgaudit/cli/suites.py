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
    if loaded.source:
        typer.echo(f"source: {loaded.source}")
    tags = Counter(tag for case in loaded.resolved().cases for tag in case.tags)
    typer.echo("tags: " + ", ".join(f"{tag} ({count})" for tag, count in sorted(tags.items())) + "\n")
    for case in loaded.cases:
        typer.echo(f"{case.id:30} {case.prompt}")


@app.command(epilog="Example: imgaudit suites formats")
def formats(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """List the public formats that can be imported, their licences, and the layouts in which pictures are found."""
    from imgaudit.registry import importers
    from imgaudit.suites.layouts import LAYOUTS

    known = [importer for _, importer in importers.items()]
    if as_json:
        lines = [{"format": one.name, "title": one.title, "licence": one.licence} for one in known]
        typer.echo(json.dumps({"formats": lines, "layouts": {one.name: one.title for one in LAYOUTS}}))
        return
    for one in known:
        typer.echo(f"{one.name:18} {one.title}; licence: {one.licence}")
    typer.echo("\nPictures rendered elsewhere are joined to a suite's cases (folder:DIR) in these layouts:")
    for layout in LAYOUTS:
        typer.echo(f"{layout.name:18} {layout.title}")


@app.command("import", epilog="Example: imgaudit suites import geneval evaluation_metadata.jsonl --out geneval.yaml")
def import_(
    format_name: str = typer.Argument(..., metavar="FORMAT|auto", help="See `imgaudit suites formats`."),
    file: Path = typer.Argument(..., metavar="FILE", help="The public file as it is; for some formats a folder."),
    out: Path = typer.Option(..., "--out", help="The SUITE.yaml to write."),
) -> None:
    """Read a public suite's own file and write it as a SUITE.yaml."""
    from imgaudit.errors import UsageError
    from imgaudit.registry import importers
    from imgaudit.suites.load import dump_suite, import_suite, recognised_format

    if out.suffix.lower() not in (".yaml", ".yml"):
        raise UsageError(f"--out {str(out)!r}: a suite is read by the suffix .yaml; give it that one")
    if out.exists() and out.samefile(file):
        raise UsageError(f"--out {str(out)!r} is the file that is read; give another name")
    name = recognised_format(file) if format_name == "auto" else format_name
    suite = import_suite(file, name)
    out.write_text(dump_suite(suite), encoding="utf-8")
    clauses = sum(len(case.clauses) for case in suite.cases)
    more = f", {clauses:,} clauses" if clauses else ""
    typer.echo(f"{out}: {len(suite.cases):,} cases{more}; format: {name}; licence: {suite.licence}")
    if not getattr(importers.get(name), "shareable", True):
        typer.echo(f"{out}: keep it to yourself: the prompts' licence is {importers.get(name).licence}", err=True)
