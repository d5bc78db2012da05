"""`imgaudit models`: the models that come with the package, and the generators and perceivers there are."""

from __future__ import annotations

import json

import typer

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Show embedded models, generators and perceivers.")


@app.command("list", epilog="Example: imgaudit models list")
def list_all(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """List embedded models, generators and perceivers."""
    from imgaudit.embedded import MODELS
    from imgaudit.registry import generators, perceivers

    titles = {
        "generators": {name: thing.title for name, thing in generators.items()},
        "perceivers": {name: thing.title for name, thing in perceivers.items()},
    }
    if as_json:
        typer.echo(json.dumps({"embedded": sorted(MODELS), **titles}))
        return
    typer.echo("embedded models: " + ", ".join(sorted(MODELS)))
    for kind, things in titles.items():
        typer.echo(f"{kind}:")
        for name, title in things.items():
            typer.echo(f"  {name:12} {title}")


@app.command(epilog="Example: imgaudit models info embedded@2")
def info(name: str = typer.Argument(..., metavar="NAME", help="embedded@1, embedded@2, clip or lora-night.")) -> None:
    """Show the card of an embedded model: what it was trained on, its measured figures, its limits."""
    from imgaudit.embedded import card_path

    typer.echo(card_path(name.replace("@", "-")).read_text(encoding="utf-8"))
