"""`imgaudit audit`: judge pictures that exist."""

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
    OFFICIAL_VARIABLE,
    PREFERENCE_HELP,
    SAFETY_HELP,
    USER_VARIABLE,
    VQA_HELP,
    conclude,
    names_list,
    trust_option,
    watching,
)

app = typer.Typer(rich_markup_mode=None)


@app.command(epilog="Example: imgaudit audit posters/ --out runs/posters --prompts posters/prompts.csv")
def audit(
    paths: list[Path] = typer.Argument(..., metavar="PATH...", help="Pictures, or folders that are searched."),
    out: Path = typer.Option(..., "--out", help="The run folder; the same command continues an unfinished one."),
    prompts: Path | None = typer.Option(None, help="CSV or JSONL with file,prompt[,negative,seed,expect_text]."),
    suite: str | None = typer.Option(None, help="Suite whose pictures lie in the one folder; see `suites formats`."),
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
    trust: Path | None = typer.Option(
        None, "--c2pa-trust", envvar=USER_VARIABLE, help="PEM file with the certificates that you trust."
    ),
    official: Path | None = typer.Option(
        None, "--c2pa-official", envvar=OFFICIAL_VARIABLE, help="PEM file with the C2PA's official list."
    ),
    engine: str = typer.Option("inline", help="inline (this process)."),
    batch_size: int = typer.Option(16, min=1, max=1024, help="Pictures a model is given at once."),
    all_files: bool = typer.Option(False, "--all-files", help="Give every file a line, pictures or not."),
    formats: str = typer.Option("html", "--format", help=FORMATS_HELP),
    no_cache: bool = typer.Option(False, "--no-cache", help="Look anew; neither use nor fill the percept cache."),
    as_json: bool = typer.Option(False, "--json", help="Print report.json in place of sentences."),
) -> int:
    """Judge pictures that exist: publish, edit, reject, or hold when it cannot tell.

    Exit codes: 0 all publish, 1 a reject, 3 an edit, 4 a hold, 2 an error.
    """
    from imgaudit.engine.sources import FileSource
    from imgaudit.errors import UsageError
    from imgaudit.pipeline import Options, carry_out, checked_formats, write_reports
    from imgaudit.rubric import load_rubric
    from imgaudit.suites.joining import suite_pictures
    from imgaudit.suites.load import load_suite
    from imgaudit.suites.prompts_file import PromptsFile, read_prompts

    if engine != "inline":
        raise UsageError(f"unknown engine {engine!r}; there are: inline")
    if suite is not None and prompts is not None:
        raise UsageError("--suite and --prompts both say what the pictures show; give one of them")
    wanted = checked_formats(formats)
    lists = trust_option(trust, official)
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
        "c2pa": lists,
    }
    options = Options(out, load_rubric(rubric), names_list(checks), roles, batch_size, not no_cache, gallery)
    asked: PromptsFile | None = read_prompts(prompts) if prompts else None
    if suite is not None:
        asked = found = suite_pictures(load_suite(suite), paths)
        if found.without:
            typer.echo(f"{suite}: {len(found.without)} cases have no picture: {', '.join(found.without[:5])}", err=True)
    source = FileSource.of(paths, asked, all_files)
    with watching() as watcher:
        finished = carry_out(source, options, watcher)
    return conclude(finished, write_reports(out, wanted), as_json)
