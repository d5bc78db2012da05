"""`imgaudit rubrics`: list, show and check rubrics."""

from __future__ import annotations

import json

import typer

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="List, show and check rubrics.")


@app.command("list", epilog="Example: imgaudit rubrics list")
def list_all(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """List the packaged rubrics."""
    from imgaudit.rubric import load_rubric, packaged_rubrics

    loaded = [load_rubric(name) for name in packaged_rubrics()]
    if as_json:
        typer.echo(json.dumps([rubric.info().model_dump() for rubric in loaded]))
        return
    for rubric in loaded:
        typer.echo(f"{rubric.name:10} version {rubric.version}  {rubric.title}")


@app.command(epilog="Example: imgaudit rubrics show publish")
def show(
    rubric: str = typer.Argument(..., metavar="NAME|FILE"),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Show a rubric: every dimension, its rules, and why each threshold is what it is."""
    from imgaudit.dimensions import BY_ID
    from imgaudit.rubric import load_rubric

    loaded = load_rubric(rubric)
    if as_json:
        typer.echo(loaded.model_dump_json())
        return
    typer.echo(f"{loaded.name} {loaded.version}: {loaded.title}\n\n{loaded.about.strip()}\n")
    for name, entry in loaded.dimensions.items():
        demand = f"required, {entry.on_abstain} if it cannot be told" if entry.required else "not required"
        typer.echo(f"{BY_ID[name].title} ({BY_ID[name].how}, {demand})")
        for rule in entry.rules:
            typer.echo(f"  {rule.then:7} when {rule.when}\n          because {rule.because.strip()}")
    for rule in loaded.set:
        typer.echo(f"the set: {rule.then} when {rule.when}\n          because {rule.because.strip()}")


@app.command(epilog="Example: imgaudit rubrics check my-rubric.yaml")
def check(rubric: str = typer.Argument(..., metavar="NAME|FILE")) -> None:
    """Check a rubric; the first problem is named with file and line."""
    from imgaudit.rubric import load_rubric

    loaded = load_rubric(rubric)
    rules = sum(len(entry.rules) for entry in loaded.dimensions.values()) + len(loaded.set)
    typer.echo(f"{rubric}: fine; {len(loaded.dimensions)} dimensions, {rules} rules")
