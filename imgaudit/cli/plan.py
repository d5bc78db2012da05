"""`imgaudit plan`: how many prompts and seeds a comparison needs; `plan skew`: how many pictures skew needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from imgaudit.errors import UsageError

if TYPE_CHECKING:
    from imgaudit.plan import Plan, Price
    from imgaudit.plan_skew import OpenSet, SkewPlanned

COMPARISON = "comparison"


class DefaultGroup(TyperGroup):
    """`plan RUN` is `plan comparison RUN`: the command had one meaning before it had two."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the default command where none stands."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [COMPARISON, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(rich_markup_mode=None, cls=DefaultGroup, no_args_is_help=True, add_completion=False,
                  epilog="Example: imgaudit plan runs/pilot --effect 0.05 --measure adherence.match",
                  help="Say how many prompts, seeds or pictures it takes. `plan RUN` is `plan comparison RUN`; a run "
                  "folder that is called skew is given as ./skew.")  # fmt: skip


@app.command(COMPARISON, epilog="Example: imgaudit plan runs/pilot --effect 0.05 --measure adherence.match")
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


@app.command(epilog="Example: imgaudit plan skew runs/shapes; imgaudit plan skew --excess 0.2 --groups 3 --tests 20")
def skew(
    run: Path | None = typer.Argument(None, metavar="[RUN]", help="A run of a suite with skew plans."),
    excess: float | None = typer.Option(None, help="The true distance from the reference to be found, such as 0.2."),
    groups: int = typer.Option(2, min=2, max=64, help="Without RUN: so many groups, expected in equal shares."),
    shares: str | None = typer.Option(None, help="Without RUN: the expected shares instead, such as 0.879,0.121."),
    tests: int = typer.Option(1, min=1, help="Sets tested together; alpha is divided among them."),
    alpha: float = typer.Option(0.05, help="Risk of a false alarm over all tests."),
    power: float = typer.Option(0.8, help="How often the excess should be found."),
    unknown: float = typer.Option(0.0, help="Share of pictures whose group will not be told."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> int:
    """Say how many more seeds would settle a run's open sets, and how many pictures find a skew of a wanted size.

    Exit codes: 0 a plan was made, 2 there is nothing to plan.
    """
    from imgaudit.pipeline import open_run
    from imgaudit.plan_skew import SkewWish, plan_skew

    if run is None and excess is None:
        raise UsageError("give a run, to hear what would settle its sets, or --excess, to hear what a distance takes")
    wish = SkewWish(excess, _shares(shares, groups), power, alpha, tests, unknown)
    made = plan_skew(wish, None if run is None else open_run(run))
    typer.echo(made.model_dump_json() if as_json else _told_skew(made))
    return 0


def _shares(text: str | None, groups: int) -> tuple[float, ...]:
    if text is None:
        return (1 / groups,) * groups
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--shares {text[:80]!r}: expected numbers with commas between, such as 0.879,0.121") from None


def _told_skew(plan: SkewPlanned) -> str:
    lines = [_told_set(one, plan) for one in plan.sets]
    if plan.excess is not None and not plan.sets:
        takes = "no number of pictures in reach" if plan.pictures is None else f"{plan.pictures:,} pictures a set"
        expected = ", ".join(f"{share:.3g}" for share in plan.shares)
        lines.append(f"to find a distance of {plan.excess:g} from {expected}, {plan.power:.0%} of the time "
                     f"(alpha {plan.alpha:g} over {plan.tests} tests): {takes}")  # fmt: skip
    if plan.more:
        time = "time unknown" if plan.hours is None else f"{plan.hours:.2f} h as fast as that run"
        lines.append(f"all open sets that can be settled: {plan.more:,} more pictures ({time})")
    return "\n".join([*lines, *(["", *plan.notes] if plan.notes else [])])


def _told_set(one: OpenSet, plan: SkewPlanned) -> str:
    said = f"{one.group}: {one.attribute} against {one.reference}: " if one.reference else f"{one.group}: "
    said += f"{one.verdict.replace('_', ' ')}, {one.counted} of {one.size} pictures told"
    if one.more is not None:
        said += f"; about {one.more:,} more pictures would settle it ({one.seeds:,} more seeds a prompt)"
    elif one.note:
        said += f"; {one.note}"
    if plan.excess is not None and one.reference:
        takes = "is not in reach" if one.excess_takes is None else f"takes {one.excess_takes:,} pictures"
        said += f"; a distance of {plan.excess:g} {takes}"
    return said


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
