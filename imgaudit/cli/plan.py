"""`imgaudit plan`: how many prompts and seeds a comparison needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from imgaudit.errors import UsageError

if TYPE_CHECKING:
    from imgaudit.plan import Plan, Price

app = typer.Typer(rich_markup_mode=None)


@app.command(epilog="Example: imgaudit plan runs/pilot --effect 0.05 --measure adherence.match")
def plan(
    run: Path = typer.Argument(..., metavar="RUN", help="A pilot run with at least two seeds."),
    other: Path | None = typer.Argument(None, metavar="[OTHER]", help="A run of another model on the same prompts."),
    effect: float = typer.Option(0.05, help="The true loss to be found, in the measure's unit."),
    measure: str = typer.Option("adherence.match", help="Full name; `imgaudit checkers` lists them."),
    prompts: int | None = typer.Option(None, min=2, help="With --seeds: what this many prompts can tell."),
    seeds: int | None = typer.Option(None, min=1, help="With --prompts: what this many seeds can tell."),
    alpha: float = typer.Option(0.05, help="Risk of a false alarm over all tests."),
    power: float = typer.Option(0.8, help="How often the effect should be found."),
    tests: int = typer.Option(1, min=1, help="Measures and strata tested together; alpha is divided among them."),
    prompt_cost: float = typer.Option(0.0, min=0, help="Cost of one more prompt beside its pictures, in pictures."),
    agreement: float = typer.Option(0.9, help="Assumed correlation of prompts before and after; unused with OTHER."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> int:
    """Say what a comparison of so many prompts and seeds can find, and the cheapest that finds a wanted effect.

    Exit codes: 0 a plan was made, 2 the pilot cannot show what varies.
    """
    from imgaudit.pipeline import open_run
    from imgaudit.plan import Wish
    from imgaudit.plan import plan as planned

    if (prompts is None) != (seeds is None):
        raise UsageError("--prompts and --seeds: give both, or neither")
    asked = (prompts, seeds) if prompts is not None and seeds is not None else None
    wish = Wish(measure, effect, alpha, power, tests, prompt_cost, agreement)
    made = planned(open_run(run), wish, open_run(other) if other else None, asked)
    typer.echo(made.model_dump_json() if as_json else _told(made))
    return 0


def _told(plan: Plan) -> str:
    from imgaudit.plan import SEEDS, grid_rows

    parts = plan.parts
    how = "measured on two runs" if parts.interaction_from == "two runs" else "assumed"
    lines = [
        f"{plan.measure}: {plan.pilot_prompts} of {plan.pilot_cases} prompts told, {plan.pilot_seeds:g} seeds each",
        f"standard deviations: between prompts {parts.between:.3g}, between seeds {parts.within:.3g}, "
        f"of an update's effect on single prompts {parts.interaction:.3g} ({how})",
        "",
        f"true loss that is found {plan.power:.0%} of the time (alpha {plan.alpha:g} over {plan.tests} tests):",
        "  prompts " + "".join(f"{f'{seeds} seeds':>10}" for seeds in SEEDS),
    ]
    for prompts, values in grid_rows(plan, "finds"):
        lines.append(f"  {prompts:>7} " + "".join(f"{'-' if v is None else f'{v:.3f}':>10}" for v in values))
    lines.append("")
    if plan.asked is not None:
        lines.append(f"{plan.asked.prompts} prompts x {plan.asked.seeds} seeds: {_reach(plan.asked.finds)}; "
                     f"an unchanged model passes with {_margin(plan.asked.passes)}")  # fmt: skip
    lines += [
        f"to find a loss of {plan.effect:g}: {_price(plan.to_find)}",
        f"to pass an unchanged model with a margin of {plan.effect:g}: {_price(plan.to_pass)}",
        f"with the pilot's own {plan.pilot_cases} prompts: {_price(plan.own_prompts)}",
        "",
        *plan.notes,
    ]
    return "\n".join(lines)


def _reach(finds: float | None) -> str:
    return "no loss can be found" if finds is None else f"finds a loss of {finds:.3f}"


def _margin(passes: float | None) -> str:
    return "no margin" if passes is None else f"a margin of {passes:.3f}"


def _price(price: Price | None) -> str:
    if price is None:
        return "not in reach"
    hours = "time unknown" if price.hours is None else f"{price.hours:.2f} h"
    gpu = "GPU-hours unknown" if price.gpu_hours is None else f"{price.gpu_hours:.2f} GPU-hours"
    return f"{price.prompts} prompts x {price.seeds} seeds = {price.pictures} pictures a run ({hours}, {gpu})"
