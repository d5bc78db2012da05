"""`imgaudit sequential`: draw two models seed by seed until it is decided whether the candidate is worse."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from imgaudit.cli._common import chosen_cases, names_list, watching
from imgaudit.errors import UsageError

if TYPE_CHECKING:
    from imgaudit.sequential import Trial

app = typer.Typer(rich_markup_mode=None)


@app.command(
    epilog="Example: imgaudit sequential shapes --baseline-generator embedded@2 --generator embedded@1 --out runs/seq"
)
def sequential(
    suite: str = typer.Argument(..., metavar="SUITE", help="A packaged suite, a SUITE.yaml, or .txt, .csv, .jsonl."),
    baseline_generator: str = typer.Option(..., "--baseline-generator", help="The trusted model, as for run."),
    generator: str = typer.Option(..., "--generator", help="The candidate, as for run."),
    out: Path = typer.Option(..., "--out", help="Folder of the sequence; the same command goes on where it stopped."),
    max_seeds: int = typer.Option(16, min=1, max=1000, help="Stop undecided after so many; more may be added later."),
    measure: str = typer.Option("adherence.match", help="Measures to decide on, separated by commas."),
    rubric: str = typer.Option("publish", help="Whose section 'regression' sets margins and alpha."),
    steps: int | None = typer.Option(None, min=1, max=1000, help="Denoising steps; the model's default if not given."),
    guidance: float | None = typer.Option(None, min=0, max=100, help="Guidance; the model's default if not given."),
    limit: int | None = typer.Option(None, min=1, help="Only the first N cases."),
    tags: str | None = typer.Option(None, help="Only cases that have one of these tags, separated by commas."),
    clip: str | None = typer.Option(None, help="CLIP model: embedded, hf-hub:ORG/NAME, ARCH:TAG, or a local folder."),
    ocr: str | None = typer.Option(None, help="OCR engine: rapidocr or easyocr."),
    device: str | None = typer.Option(None, help="cpu, cuda, cuda:0, mps; chosen if not given."),
    batch_size: int = typer.Option(16, min=1, max=1024, help="Pictures a model is given at once."),
    as_json: bool = typer.Option(False, "--json", help="Print sequential.json in place of sentences."),
) -> int:
    """Add seeds until it is decided, at a risk that holds however often one looks.

    Every seed that was seen stays in; another request, or a lost seed, is refused. It speaks of these prompts alone.
    Exit codes: 0 pass, 1 regressed, 4 not decided after --max-seeds, 2 an error.
    """
    from imgaudit.engine.perceiving import PerceiverPool
    from imgaudit.engine.sources import SuiteSource
    from imgaudit.generators._spec import GeneratorOptions, build
    from imgaudit.pipeline import Options, carry_out
    from imgaudit.record import SuiteInfo
    from imgaudit.rubric import load_rubric
    from imgaudit.sequential import Sequential, Side, follow
    from imgaudit.suites.load import load_suite
    from imgaudit.types import Controls, Generator

    judge, loaded = load_rubric(rubric), load_suite(suite)
    cases = chosen_cases(loaded.cases, names_list(tags), limit)
    followed = follow(judge, names_list(measure) or ())
    if judge.regression is None:
        raise UsageError(f"the rubric {judge.name!r} has no section 'regression'; choose another --rubric")
    checks = tuple(sorted({one.measure.partition(".")[0] for one in followed}))
    controls = Controls(steps=steps, guidance=guidance)
    specs: dict[Side, str] = {"baseline": baseline_generator, "candidate": generator}
    built: dict[Side, Generator] = {}
    models = {"clip": clip, "ocr": ocr}
    pool = PerceiverPool(models)

    def draw(side: Side, seed: int, place: Path) -> None:
        if side not in built:  # a decided sequence loads no model
            built[side] = build(specs[side], GeneratorOptions(batch_size=batch_size, device=device))
        info = SuiteInfo(
            name=loaded.name, digest=loaded.digest, cases=len(cases), seeds=(seed,), licence=loaded.licence
        )
        source = SuiteSource(info, cases, (seed,), controls, specs[side], built[side], batch_size)
        options = Options(place, judge, checks, models, batch_size)
        with watching() as watcher:
            carry_out(source, options, watcher, pool)

    request = {
        "suite": loaded.digest, "cases": [case.id for case in cases], "generators": dict(specs), "clip": clip,
        "ocr": ocr, "controls": controls.model_dump(), "rubric": judge.digest,
    }  # fmt: skip
    asked = Sequential(out, request, followed, judge.regression.alpha, draw)
    trial = asked.run(max_seeds, lambda trial: None if as_json else typer.echo(trial.why))
    typer.echo(trial.model_dump_json() if as_json else _told(trial, max_seeds))
    return trial.exit_code


def _told(trial: Trial, max_seeds: int) -> str:
    if trial.answer == "inconclusive":
        return f"inconclusive: {trial.why}. Not decided after {max_seeds} seeds; a larger --max-seeds goes on from here"
    return f"{trial.answer}: {trial.why}. Decided; no further seed is drawn in this folder"
