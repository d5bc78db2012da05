"""`imgaudit repair`: act on the verdict edit."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from imgaudit.cli._common import FORMATS_HELP, SAFETY_HELP, names_list, root_of, rubric_of, watching
from imgaudit.errors import UsageError

if TYPE_CHECKING:
    from imgaudit.repair.running import Asked, Prospect, Repaired

app = typer.Typer(rich_markup_mode=None)


@app.command(epilog="Example: imgaudit repair runs/shapes --tries 8")
def repair(
    run: Path = typer.Argument(..., metavar="RUN", help="A run folder."),
    generator: str | None = typer.Option(None, help="What draws: NAME[@REVISION][:ARG]; the run's own if not given."),
    tries: int = typer.Option(4, min=1, max=64, help="Changed pictures that one method makes of a picture at most."),
    only: list[str] = typer.Option([], "--only", metavar="ID", help="Only this picture; may stand several times."),
    method: str | None = typer.Option(
        None, help="Methods in place of the rubric's, in order: inpaint, fill, retypeset, crop, adjust, regenerate."
    ),
    font: Path | None = typer.Option(None, help="Font file that words are set in; without one, Pillow's own."),
    rubric: str | None = typer.Option(None, help="The rubric that judged the run, where it is a file of yours."),
    out: Path | None = typer.Option(None, "--out", help="Folder of the repaired pictures; RUN/repairs if not given."),
    root: list[str] = typer.Option([], "--root", metavar="r0=DIR", help="Where audited files lie now, if they moved."),
    clip: str | None = typer.Option(None, help="The CLIP model that looked at the run, where it is a local one."),
    ocr: str | None = typer.Option(None, help="The OCR engine that read the run, where it is a local one."),
    detector: str | None = typer.Option(None, help="The detector that looked at the run, where it is a local one."),
    vqa: str | None = typer.Option(None, help="The model that answered questions, where it is a local one."),
    brand: Path | None = typer.Option(None, help="The brand file that the run was compared with, if it was."),
    safety: str | None = typer.Option(None, help=SAFETY_HELP),
    device: str | None = typer.Option(None, help="cpu, cuda, cuda:0, mps; chosen if not given."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Only say what would be done; no model is loaded."),
    formats: str = typer.Option("html", "--format", help=FORMATS_HELP),
    no_cache: bool = typer.Option(False, "--no-cache", help="Look anew; neither use nor fill the percept cache."),
    as_json: bool = typer.Option(False, "--json", help="Print the lines of repairs.jsonl as JSON."),
) -> int:
    """Repair the pictures whose final verdict is edit; the originals stay as they are.

    Exit codes: 0 all of them are to be published now, 3 an edit is left, 4 a hold, 1 a reject, 2 an error.
    """
    from imgaudit.generators._spec import GeneratorOptions, build
    from imgaudit.pipeline import checked_formats, write_reports
    from imgaudit.repair.running import Asked, prospects
    from imgaudit.repair.running import repair as carried_out
    from imgaudit.repair.tasks import checked_methods
    from imgaudit.repair.typesetting import Font
    from imgaudit.store.runfolder import RunFolder

    wanted = checked_formats(formats)
    judged = RunFolder.open(run).read_report().rubric
    known = rubric_of(judged, rubric)
    if known.digest != judged.digest:
        raise UsageError(
            f"--rubric: the run was judged by another one ({judged.name}); judge it by this one first: "
            "imgaudit report RUN --rubric FILE"
        )
    asked = Asked(
        run=run, out=out or run / "repairs", rubric=known, generator=generator, tries=tries,
        build=lambda spec: build(spec, GeneratorOptions(batch_size=1, device=device)),
        methods=checked_methods(names_list(method)), only=tuple(only), font=Font(font),
        roots=dict(root_of(text) for text in root),
        perceivers={
            "clip": clip, "ocr": ocr, "detector": detector, "vqa": vqa, "safety": safety,
            "brand": str(brand) if brand else None,
        },
        cache=not no_cache,
    )  # fmt: skip
    if dry_run:
        return _say_prospects(prospects(asked), as_json)
    with watching() as watcher:
        done = carried_out(asked, watcher)
    written = write_reports(asked.out, wanted) if done.finished is not None else []
    return _conclude(asked, done, written, as_json)


def _say_prospects(lines: list[Prospect], as_json: bool) -> int:
    if as_json:
        typer.echo(json.dumps([asdict(entry) for entry in lines]))
        return 0
    for entry in lines:
        how = f"refused: {entry.refused}" if entry.refused else ", then ".join(entry.methods)
        share = f" ({entry.share:.1%} of the picture)" if entry.share is not None else ""
        typer.echo(_plain(f"{entry.id}: {', '.join(entry.rules) or 'a person'}: {how}{share}"))
    if not lines:
        typer.echo("no picture is to be edited")
    return 0


def _conclude(asked: Asked, done: Repaired, written: list[Path], as_json: bool) -> int:
    if as_json:
        counts = Counter(line.outcome for line in done.lines)
        lines = [line.model_dump(mode="json") for line in done.lines]
        typer.echo(json.dumps({"outcomes": dict(counts), "exit_code": done.exit_code, "repairs": lines}))
        return done.exit_code
    if not done.lines:
        typer.echo("no picture is to be edited")
        return done.exit_code
    for line in done.lines:
        typer.echo(_plain(f"{line.id}: {line.outcome}: {line.reason}"))
    counts = Counter(line.outcome for line in done.lines)
    typer.echo(", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items(), reverse=True)))
    for path in (asked.out / "repairs.jsonl", *written):
        typer.echo(str(path))
    return done.exit_code


def _plain(text: str) -> str:
    from imgaudit.reporters._shared import visible

    return visible(text)
