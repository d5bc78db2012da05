"""`imgaudit calibrate`: what a measure's values mean by people's labels; thresholds with their expected error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from imgaudit.errors import UsageError

if TYPE_CHECKING:
    from imgaudit.calibrate.labels import Labels
    from imgaudit.calibration.geneval import Share
    from imgaudit.types import Measure

DEFAULT = "fit"


class WithDefault(TyperGroup):
    """A group that fits where no command of its own is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command first, unless a command or only the group's help is asked for."""
        if args and args[0] not in self.commands and args != ["--help"]:
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=WithDefault,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Fit what a measure's values mean to people's labels: `imgaudit calibrate LABELS.csv [RUN...] --measure "
    "hands.defect --out FILE.json`. `imgaudit calibrate fit --help` shows all options.",
    epilog="Example: imgaudit calibrate labels.csv runs/posters --measure hands.defect --out hands.json",
)


@app.command(epilog="Example: imgaudit calibrate labels.csv runs/posters --measure hands.defect --out hands.json")
def fit(
    paths: list[Path] = typer.Argument(
        ..., metavar="LABELS.csv [RUN...]", help="Labels, and the runs that measured; or, for percentiles, runs alone."
    ),
    measure: str = typer.Option(..., help="The measure, such as hands.defect."),
    out: Path | None = typer.Option(None, "--out", metavar="FILE.json", help="Where the calibration is written."),
    mapping: str = typer.Option("auto", "--map", help="auto, isotonic, logistic or percentile."),
    false_alarms: float = typer.Option(0.05, min=0.0001, max=0.5, help="Share of faultless pictures that may alarm."),
    yes: str = typer.Option("high", help="What the label yes marks: high or low values of the measure."),
    yes_from: float | None = typer.Option(None, help="People's scores from here on count as yes."),
    label: str | None = typer.Option(None, help="The column of labels; else label, verdict, human, rating or score."),
    score: str | None = typer.Option(None, help="The column of the measure's values; else the one of its name."),
    checker_version: str | None = typer.Option(None, help="Of the checker that measured, where no run says it."),
    as_json: bool = typer.Option(False, "--json", help="Print the calibration as JSON."),
) -> int:
    """Fit a measure to people's labels, and suggest thresholds with the error that is to be expected of them.

    The CSV names a picture in each row (id, path, file or pixels) and what people said: yes or no, or a number. What
    `imgaudit export RUN --labels` writes is read as it is. A rubric names the file in its list `calibrations`, and then
    knows `calibrated.` before the measure's name.

    Exit codes: 0 fitted; 2 the labels do not allow it, or an error.
    """
    from imgaudit.calibrate.fitting import Wish, fitted, method_of
    from imgaudit.calibrate.joining import facts_of, joined, read_runs
    from imgaudit.calibrate.wording import lines

    files, runs = [p for p in paths if not p.is_dir()], [p for p in paths if p.is_dir()]
    method_of(mapping)
    _check(files, out, mapping, yes)
    facts = facts_of(measure)
    labels = _labels(files, measure, (label, score), mapping)
    labels = _turned(labels, facts, yes, yes_from)
    wish = Wish(measure, facts.better != "up", _about(labels, facts, yes, yes_from), method_of(mapping), false_alarms)
    made = fitted(joined(labels, read_runs(runs, measure), checker_version), wish)
    text = made.model_dump_json(indent=1) + "\n"
    if out is not None:
        from imgaudit.store.runfolder import RunFolder

        RunFolder(out.parent).write_bytes(out.name, text.encode())
    typer.echo(made.model_dump_json() if as_json else "\n".join([*lines(made), *([str(out)] if out else [])]))
    return 0


@app.command(epilog="Example: imgaudit calibrate geneval results.jsonl geneval/annotations --model if-xl")
def geneval(
    results: Path = typer.Argument(..., metavar="RESULTS", help="GenEval's results.jsonl, or a run folder."),
    annotations: Path = typer.Argument(..., metavar="ANNOTATIONS", help="GenEval's folder of annotations, or a file."),
    metadata: Path | None = typer.Option(None, help="evaluation_metadata.jsonl; else ../prompts/ of the annotations."),
    model: str | None = typer.Option(None, help="Which model drew the pictures, where paths do not say: clip, sdv2."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> int:
    """Tell how far decisions about GenEval's annotated pictures agree with the five people who looked at each.

    The pictures are not shipped: fetch them, audit them with a suite that `imgaudit suites import geneval` made, or run
    GenEval itself. Exit codes: 0 told; 2 nothing to compare, or an error.
    """
    from imgaudit.calibration import geneval as published

    if annotations.is_file():
        model = model or annotations.stem.removeprefix("annotations_")
        annotations = annotations.parent
    rules = metadata or annotations.resolve().parent / "prompts" / "evaluation_metadata.jsonl"
    if not rules.is_file():
        raise UsageError(f"{rules}: there is no such file; give GenEval's evaluation_metadata.jsonl to --metadata")
    people = published.read_annotations(annotations, rules)
    found = published.agreement(people, published.read_decisions(results, people, model))
    if as_json:
        told = {"format": "imgaudit-geneval/1", "dropped": people.dropped, "tags": [one.model_dump() for one in found]}
        typer.echo(json.dumps(told))
        return 0
    typer.echo(f"{'task':14} {'told':>11}  {'agrees with the majority':26} {'kappa':22} people with each other")
    for one in found:
        kappa = f"{one.kappa:.2f}" + _interval(one.kappa_interval) if one.kappa is not None else "none"
        counted = f"{one.told}/{one.pictures}"
        typer.echo(f"{one.tag:14} {counted:>11}  {_share(one.accuracy):26} {kappa:22} {_share(one.between_people)}")
    if people.dropped:
        typer.echo(f"{people.dropped} rows of the annotations cannot be read and were left out")
    return 0


def _share(share: Share | None) -> str:
    return "none" if share is None else f"{share.value:.1%}" + f" ({share.low:.1%} to {share.high:.1%})"


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" ({interval[0]:.2f} to {interval[1]:.2f})"


def _check(files: list[Path], out: Path | None, mapping: str, yes: str) -> None:
    if yes not in ("high", "low"):
        raise UsageError(f"--yes {yes!r}: expected high or low")
    if len(files) > 1:
        raise UsageError(f"{files[1]}: is no run folder; give one file of labels, and the runs that measured")
    if not files and mapping != "percentile":
        raise UsageError("no labels were given; expected e.g. imgaudit calibrate labels.csv runs/posters --measure ...")
    if out is not None and out.suffix.lower() != ".json":
        raise UsageError(f"--out {out}: expected a file that ends in .json")
    if out is not None and not out.parent.is_dir():
        raise UsageError(f"--out {out}: {out.parent} is no folder; make it first")


def _labels(files: list[Path], measure: str, columns: tuple[str | None, str | None], mapping: str) -> Labels | None:
    from imgaudit.calibrate.labels import read_labels

    return read_labels(files[0], measure, *columns, labelled=mapping != "percentile") if files else None


def _turned(labels: Labels | None, facts: Measure, yes: str, yes_from: float | None) -> Labels | None:
    """The labels such that yes goes with high values: the words defect and fine by the measure's own direction."""
    if labels is None or labels.kind == "none":
        return labels
    from dataclasses import replace

    if yes_from is not None:
        if labels.kind != "scores":
            raise UsageError("--yes-from is for numbers that people gave, and these labels are yes and no")
        labels = replace(
            labels, kind="classes", rows=tuple(replace(row, said=(row.said or 0.0) >= yes_from) for row in labels.rows)
        )
    if labels.speaks_of_faults and yes == "low":
        raise UsageError("--yes low: the words defect and fine say by themselves what they mark; leave it out")
    low = facts.better == "up" if labels.speaks_of_faults else yes == "low"
    if not low:
        return labels
    if labels.kind == "scores":
        raise UsageError("--yes low is for labels yes and no; give --yes-from NUMBER too")
    return replace(labels, rows=tuple(replace(row, said=not row.said) for row in labels.rows))


def _about(labels: Labels | None, facts: Measure, yes: str, yes_from: float | None) -> str:
    """What the mapped value is the probability of, in words."""
    if labels is not None and labels.speaks_of_faults:
        return "probability that people call it " + ("fine" if facts.better == "up" else "a defect")
    if yes_from is not None:
        return f"probability that people give it a score of {yes_from:g} or more"
    return f"probability that people label it {'no' if yes == 'low' else 'yes'}"
