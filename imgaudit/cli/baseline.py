"""`imgaudit baseline`: propose, approve, list, explain and retire the runs that candidates are compared with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from imgaudit.cli._common import watching
from imgaudit.errors import UsageError

if TYPE_CHECKING:
    from imgaudit.baseline import Baseline, BaselineStore

app = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Keep the approved runs that candidates are compared with.",
    epilog="Example: imgaudit baseline propose runs/shapes --name shapes-v2",
)  # fmt: skip

STORE = typer.Option(Path("baselines"), "--store", help="Folder of the baselines' JSON files, kept in git.")
JSON = typer.Option(False, "--json", help="Print JSON.")
NAME = typer.Argument(..., metavar="NAME", help="Name of the baseline.")


@app.command(epilog="Example: imgaudit baseline propose runs/shapes --name shapes-v2 --at s3://bucket/baselines")
def propose(
    run: Path = typer.Argument(..., metavar="RUN", help="A finished run folder."),
    name: str = typer.Option(..., "--name", help="Small letters, digits, '.', '_' and '-'."),
    store: Path = STORE,
    at: str | None = typer.Option(None, "--at", help="URL for pictures and Parquet; beside the JSON if not given."),
    rubric: str = typer.Option("publish", help="Whose section 'regression' the run is compared with itself by."),
    as_json: bool = JSON,
) -> int:
    """Copy a run into the store. Nobody has approved it yet.

    The run is compared with itself first (see `imgaudit canary`). Exit codes: 0 the gate is quiet, 4 it alarms or could
    not be told; the baseline is proposed in either case, for a person to decide. 2 an error.
    """
    from imgaudit.baseline import BaselineStore
    from imgaudit.canary import against_itself
    from imgaudit.pipeline import open_run
    from imgaudit.rubric import load_rubric

    finished = open_run(run)
    gate = against_itself(finished, load_rubric(rubric))
    with watching() as watcher:
        watcher.begin("copy pictures", len(finished.images))
        baseline = BaselineStore(store).propose(run, name, at, gate, watcher.advance)
    if as_json:
        typer.echo(baseline.model_dump_json())
    else:
        proposal = baseline.proposal
        typer.echo(f"{name}: {proposal.title}: {proposal.pictures} pictures, {proposal.cells} scores")
        typer.echo(f"against itself: {gate.answer}: {gate.why}")
        typer.echo(f"not approved; a person does so with: imgaudit baseline approve {name} --by WHO --reason WHY")
    return 0 if gate.answer == "quiet" else 4


@app.command(epilog='Example: imgaudit baseline approve shapes-v2 --by "A. Reader" --reason "shipped in 2.0"')
def approve(
    name: str = NAME,
    by: str = typer.Option(..., "--by", help="Who approves."),
    reason: str = typer.Option(..., "--reason", help="Why."),
    store: Path = STORE,
) -> None:
    """Approve a proposed baseline, after every file of it was compared with its digest."""
    from imgaudit.baseline import BaselineStore

    baseline = BaselineStore(store).approve(name, by, reason)
    typer.echo(f"{name}: approved by {_line(by)}; commit {store / name}.json (digest {baseline.proposal.digest[:16]})")


@app.command(epilog='Example: imgaudit baseline retire shapes-v1 --by "A. Reader" --reason "replaced by shapes-v2"')
def retire(
    name: str = NAME,
    by: str = typer.Option(..., "--by", help="Who retires it."),
    reason: str = typer.Option(..., "--reason", help="Why."),
    store: Path = STORE,
) -> None:
    """Take a baseline out of use; its files stay."""
    from imgaudit.baseline import BaselineStore

    BaselineStore(store).retire(name, by, reason)
    typer.echo(f"{name}: retired by {_line(by)}")


@app.command("list", epilog="Example: imgaudit baseline list")
def list_all(store: Path = STORE, as_json: bool = JSON) -> None:
    """List all baselines and where they stand."""
    from imgaudit.baseline import BaselineStore

    shelf = BaselineStore(store)
    baselines = [shelf.read(name) for name in shelf.names()]
    if as_json:
        typer.echo(json.dumps([{"status": b.status, **b.model_dump(mode="json")} for b in baselines]))
        return
    for baseline in baselines:
        proposal = baseline.proposal
        decided = baseline.retirement or baseline.approval
        who = f"by {_line(decided.by)} {decided.at[:10]}" if decided else f"since {proposal.proposed_at[:10]}"
        what = f"{_line(proposal.title)}, {proposal.pictures} pictures"
        typer.echo(f"{baseline.name:24} {baseline.status:9} {who}  {what}")
    if not baselines:
        typer.echo(f"{store}: no baselines yet")


@app.command(epilog="Example: imgaudit baseline explain shapes-v2 --for runs/candidate")
def explain(
    name: str | None = typer.Argument(None, metavar="[NAME]", help="A baseline; else the nearest to --for."),
    candidate: Path | None = typer.Option(None, "--for", help="The run that is to be compared."),
    store: Path = STORE,
    as_json: bool = JSON,
) -> int:
    """Say why a baseline is the one to compare with, who approved it, and why the others were passed over.

    The nearest is the one approved last among those with the same scorers and at least 95 % of the candidate's cells.
    Without --for, the baseline's own cells stand for a candidate's. Exit codes: 0 it is the nearest, 4 it is not, or
    there is none, 2 an error.
    """
    from imgaudit.baseline import BaselineStore, cells_of
    from imgaudit.pipeline import open_run
    from imgaudit.scorers import scorers_of

    shelf = BaselineStore(store)
    if candidate is not None:
        run = open_run(candidate)
        weighed = shelf.weigh(cells_of(run.images), scorers_of(run))
    elif name is not None:
        weighed = shelf.weigh(shelf.cells(name), shelf.read(name).proposal.scorers)
    else:
        raise UsageError("give the NAME of a baseline, or a run to find one for: --for RUN")
    nearest = next((one.name for one in weighed if one.chosen), None)
    asked = name or nearest
    baseline = shelf.read(asked) if asked is not None else None
    if as_json:
        lines = [{"name": w.name, "chosen": w.chosen, "coverage": w.coverage, "why": w.why} for w in weighed]
        shown = baseline.model_dump(mode="json") if baseline else None
        typer.echo(json.dumps({"nearest": nearest, "baseline": shown, "weighed": lines}))
    else:
        typer.echo("\n".join([*_told(shelf, baseline), *(f"{w.name}: {_line(w.why)}" for w in weighed)]))
        if nearest is None:
            typer.echo("none is near enough to compare with")
        elif nearest != asked:
            typer.echo(f"{asked} is not the nearest: that is {nearest}")
    return 0 if nearest is not None and nearest == asked else 4


def _told(shelf: BaselineStore, baseline: Baseline | None) -> list[str]:
    if baseline is None:
        return [f"{shelf.folder}: {len(shelf.names())} baselines"]
    proposal = baseline.proposal
    place = "beside its JSON" if proposal.place == "beside" else proposal.place
    lines = [
        f"{baseline.name} ({baseline.status}): {_line(proposal.title)}",
        f"  proposed {proposal.proposed_at}: {proposal.pictures} pictures, {proposal.cells} scores, kept {place}",
        f"  against itself: {proposal.against_itself.answer}: {_line(proposal.against_itself.why)}",
    ]
    for what, signed in (("approved", baseline.approval), ("retired", baseline.retirement)):
        if signed is not None:
            lines.append(f"  {what} by {_line(signed.by)} on {signed.at}: {_line(signed.reason)}")
    return [*lines, f"  digest {proposal.digest}", ""]


def _line(text: str) -> str:
    from imgaudit.reporters._shared import one_line

    return one_line(text, 1000)
