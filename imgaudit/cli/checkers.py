"""`imgaudit checkers`: what is checked, what it measures, and its known limits."""

from __future__ import annotations

import inspect
import json
from typing import Any

import typer

app = typer.Typer(rich_markup_mode=None)


@app.command(epilog="Example: imgaudit checkers hands")
def checkers(
    name: str | None = typer.Argument(None, metavar="[NAME]", help="Show one checker whole."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """List the checkers, or show one with its measures, codes and limits."""
    from imgaudit.registry import checkers as registry

    chosen = [registry.get(name)] if name else [checker for _, checker in registry.items()]
    if as_json:
        typer.echo(json.dumps([facts(checker) for checker in chosen]))
    elif name:
        _show(chosen[0])
    else:
        for checker in chosen:
            over = "set" if hasattr(checker, "aggregate") else "picture"
            typer.echo(f"{checker.name:14} {over:8} {checker.title}")


def facts(checker: Any) -> dict[str, Any]:
    """The fact sheet of a checker."""
    return {
        "name": checker.name,
        "title": checker.title,
        "version": checker.version,
        "over": "set" if hasattr(checker, "aggregate") else "picture",
        "dimensions": list(checker.dimensions),
        "measures": {m.name: {"unit": m.unit, "better": m.better, "about": m.about} for m in checker.measures},
        "labels": dict(checker.labels),
        "codes": dict(checker.codes),
        "limits": checker.limits,
    }


def _show(checker: Any) -> None:
    typer.echo(f"{checker.name} {checker.version}: {checker.title}\n\n{inspect.getdoc(checker)}\n")
    typer.echo(f"dimensions: {', '.join(checker.dimensions)}")
    for measure in checker.measures:
        typer.echo(f"  {checker.name}.{measure.name} ({measure.unit}; better {measure.better}): {measure.about}")
    for label, about in checker.labels.items():
        typer.echo(f"  label {checker.name}.{label}: {about}")
    for code, about in checker.codes.items():
        typer.echo(f"  code {code}: {about}")
    typer.echo(f"\nknown limits: {checker.limits}")
