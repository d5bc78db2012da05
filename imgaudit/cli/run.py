"""`imgaudit run`: render a suite across seeds, then judge."""

from __future__ import annotations

from pathlib import Path

import typer

from imgaudit.cli._common import (
    AESTHETICS_HELP,
    DETECTOR_HELP,
    EMBEDDING_HELP,
    FORMATS_HELP,
    GALLERY_HELP,
    LIKENESS_HELP,
    PREFERENCE_HELP,
    SAFETY_HELP,
    VQA_HELP,
    chosen_cases,
    conclude,
    names_list,
    seed_range,
    watching,
)

app = typer.Typer(rich_markup_mode=None)


@app.command(epilog="Example: imgaudit run shapes --generator embedded@2 --seeds 0-3 --out runs/shapes")
def run(
    suite: str = typer.Argument(..., metavar="SUITE", help="A packaged suite, a SUITE.yaml, or .txt, .csv, .jsonl."),
    out: Path = typer.Option(..., "--out", help="The run folder; the same command continues an unfinished one."),
    generator: str = typer.Option("embedded@2", help="NAME[@REVISION][:ARG], e.g. diffusers:stabilityai/sdxl-turbo."),
    seeds: str = typer.Option("0-3", help="Seed indexes; ranges are inclusive."),
    literal_seeds: bool = typer.Option(False, "--literal-seeds", help="Draw the indexes themselves as seeds."),
    steps: int | None = typer.Option(None, min=1, max=1000, help="Denoising steps; the model's default if not given."),
    guidance: float | None = typer.Option(None, min=0, max=100, help="Guidance; the model's default if not given."),
    width: int | None = typer.Option(None, min=16, max=8192, help="Pixels."),
    height: int | None = typer.Option(None, min=16, max=8192, help="Pixels."),
    negative: str | None = typer.Option(None, help="Negative prompt for cases that have none."),
    image: Path | None = typer.Option(None, help="Picture that every case starts from, in place of its own."),
    from_run: Path | None = typer.Option(None, "--from", help="Run whose picture of the same case and seed is taken."),
    mask: str | None = typer.Option(None, help="Where it may change: a picture, white to draw, or x0,y0,x1,y1."),
    extend: str | None = typer.Option(None, help="How far to extend: left=32,right=50%."),
    strength: float | None = typer.Option(None, min=0.01, max=1, help="How much of the picture is forgotten."),
    adapter: str | None = typer.Option(None, help="IP-Adapter of the generator 'reference': a safetensors file."),
    limit: int | None = typer.Option(None, min=1, help="Only the first N cases."),
    tags: str | None = typer.Option(None, help="Only cases that have one of these tags, separated by commas."),
    rubric: str = typer.Option("publish", help="A packaged rubric, or the path of a YAML file."),
    checks: str | None = typer.Option(None, help="Only these checkers, separated by commas."),
    clip: str | None = typer.Option(None, help="CLIP model: embedded, hf-hub:ORG/NAME, ARCH:TAG, or a local folder."),
    ocr: str | None = typer.Option(None, help="OCR engine: rapidocr or easyocr."),
    detector: str | None = typer.Option(None, help=DETECTOR_HELP),
    vqa: str | None = typer.Option(None, help=VQA_HELP),
    brand: Path | None = typer.Option(None, help="A brand file: colours, logos, shapes and margins to compare with."),
    embedding: str | None = typer.Option(None, help=EMBEDDING_HELP),
    gallery: Path | None = typer.Option(None, help=GALLERY_HELP),
    likeness: str | None = typer.Option(None, help=LIKENESS_HELP),
    safety: str | None = typer.Option(None, help=SAFETY_HELP),
    aesthetics: str | None = typer.Option(None, help=AESTHETICS_HELP),
    preference: str | None = typer.Option(None, help=PREFERENCE_HELP),
    device: str | None = typer.Option(None, help="cpu, cuda, cuda:0, mps; chosen if not given."),
    batch_size: int = typer.Option(16, min=1, max=1024, help="Pictures a model is given at once."),
    formats: str = typer.Option("html", "--format", help=FORMATS_HELP),
    no_cache: bool = typer.Option(False, "--no-cache", help="Look anew; neither use nor fill the percept cache."),
    as_json: bool = typer.Option(False, "--json", help="Print report.json in place of sentences."),
) -> int:
    """Render a suite across seeds, then judge every picture and the set.

    Generators that start from a picture: img2img, inpaint, outpaint, variation, reference, each with a model such as
    inpaint:embedded@2. Cases name their picture, or --image or --from does.

    Exit codes: 0 all publish, 1 a reject, 3 an edit, 4 a hold, 2 an error.
    """
    from imgaudit.engine.inputs import Inputs, extend_option, mask_option
    from imgaudit.engine.sources import SuiteSource
    from imgaudit.generators._spec import GeneratorOptions, build
    from imgaudit.pipeline import Options, carry_out, checked_formats, write_reports
    from imgaudit.record import SuiteInfo
    from imgaudit.rubric import load_rubric
    from imgaudit.suites.load import load_suite
    from imgaudit.types import Controls

    wanted = checked_formats(formats)
    roles = {
        "clip": clip,
        "ocr": ocr,
        "detector": detector,
        "vqa": vqa,
        "brand": str(brand) if brand else None,
        "embedding": embedding,
        "people": clip,
        "character_faces": clip,
        "likeness": likeness,
        "safety": safety,
        "aesthetics": aesthetics,
        "preference": preference,
    }
    options = Options(out, load_rubric(rubric), names_list(checks), roles, batch_size, not no_cache, gallery)
    loaded = load_suite(suite)
    cases = chosen_cases(loaded.cases, names_list(tags), limit)
    numbers = seed_range(seeds)
    info = SuiteInfo(
        name=loaded.name, digest=loaded.digest, cases=len(cases), seeds=numbers, licence=loaded.licence,
        source=loaded.source,
    )
    controls = Controls(
        steps=steps, guidance=guidance, width=width, height=height, negative=negative, strength=strength
    )
    inputs = Inputs(Path(suite).parent, image, from_run, mask_option(mask), extend_option(extend))
    built = build(generator, GeneratorOptions(batch_size=batch_size, device=device, adapter=adapter))
    inputs.check(built, generator)
    source = SuiteSource(info, cases, numbers, controls, generator, built, batch_size, literal_seeds, inputs)
    with watching() as watcher:
        finished = carry_out(source, options, watcher)
    return conclude(finished, write_reports(out, wanted), as_json)
