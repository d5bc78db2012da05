"""`imgaudit canary`: is the gate quiet where nothing changed, and does the machine draw the same picture twice?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from imgaudit.cli._common import watching

if TYPE_CHECKING:
    from imgaudit.canary import Redrawn

app = typer.Typer(rich_markup_mode=None)


@app.command(epilog="Example: imgaudit canary runs/shapes --determinism")
def canary(
    run: Path = typer.Argument(..., metavar="RUN", help="A run folder."),
    determinism: bool = typer.Option(False, "--determinism", help="Render some pictures again, compare their pixels."),
    pictures: int = typer.Option(3, min=1, max=1000, help="With --determinism: how many pictures."),
    device: str | None = typer.Option(None, help="With --determinism: cpu, cuda, cuda:0, mps; chosen if not given."),
    rubric: str = typer.Option("publish", help="Whose section 'regression' names the measures and margins."),
    splits: int = typer.Option(100, min=20, max=10_000, help="Random splits of the seeds."),
    seed: int = typer.Option(0, min=0, help="Of the random splits."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> int:
    """Compare a run with itself: halves of its seeds, or the same pictures drawn once more.

    Exit codes: 0 quiet or equal, 4 the gate alarms, pixels differ, or it could not be told, 2 an error.
    """
    from imgaudit import canary as canaries
    from imgaudit.generators._spec import GeneratorOptions, build
    from imgaudit.pipeline import open_run
    from imgaudit.reporters._shared import one_line
    from imgaudit.rubric import load_rubric

    if not determinism:
        gate = canaries.against_itself(open_run(run), load_rubric(rubric), splits, seed)
        typer.echo(gate.model_dump_json() if as_json else f"{gate.answer}: {gate.why}")
        return 0 if gate.answer == "quiet" else 4
    options = GeneratorOptions(batch_size=1, device=device)
    with watching() as watcher:
        watcher.begin("draw again", pictures)
        drawn = canaries.redrawn(run, lambda spec: build(spec, options), pictures, lambda: watcher.advance(1))
    if as_json:
        typer.echo(drawn.model_dump_json())
    else:
        typer.echo(f"{drawn.answer}: {one_line(drawn.why, 1000)}")
        for picture in drawn.pictures:
            if picture.state != "equal":
                typer.echo(one_line(f"{picture.id}: {picture.state} {_how_much(picture)}"))
    return 0 if drawn.answer == "equal" else 4


def _how_much(picture: Redrawn) -> str:
    if picture.largest is None or picture.share is None:
        return picture.why
    return f"by up to {picture.largest} of 255 on {picture.share:.1%} of the pixels, {picture.mean:.3g} on average"
