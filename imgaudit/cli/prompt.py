"""`imgaudit prompt`: lint, refine and build prompts, and assess what a use risks."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from imgaudit.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from imgaudit.prompts.build import Parts
    from imgaudit.prompts.failures import FailurePoint
    from imgaudit.prompts.lint import Linter, PromptFinding, PromptLint
    from imgaudit.record import Report

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Lint, refine and build prompts; assess a use.")
MAX_FILE = 64 << 20
MAX_PROMPTS = 100_000
_PROFILE = "Whose rule applies: a packaged profile (adobe-stock, shutterstock, none) or a .yaml file."
_BRANDS = "Your own list of names: one a line, aliases after |, or a TSV like the packaged lists."


@app.command(epilog="Example: imgaudit prompt lint 'a castle, by Greg Rutkowski' --profile adobe-stock")
def lint(
    text: str | None = typer.Argument(None, metavar="[TEXT]", help="The prompt."),
    file: Path | None = typer.Option(None, "--file", help="Prompts: .txt, .csv, .tsv, .jsonl, or a suite (.yaml)."),
    profile: str = typer.Option("none", metavar="NAME|FILE", help=_PROFILE),
    brands: Path | None = typer.Option(None, metavar="FILE", help=_BRANDS),
    window: int = typer.Option(77, min=3, max=100_000, help="Tokens that the text encoder reads (CLIP: 77)."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON: one object a prompt."),
) -> int:
    """Say whose rights a prompt touches and what in it cannot be drawn as it is said.

    Exit codes: 0 nothing found, 3 edit or advice only, 1 at least one finding of level reject, 2 an error.
    """
    linter = _linter(profile, brands, window)
    worst = 0
    for identity, prompt in _prompts(text, file):
        result = linter.lint(prompt, identity)
        typer.echo(result.model_dump_json() if as_json else _shown(result))
        worst = 1 if 1 in (worst, result.exit_code) else max(worst, result.exit_code)
    return worst


@app.command(epilog="Example: imgaudit prompt refine 'Pikachu in a stunning city, no people'")
def refine(
    text: str = typer.Argument(..., metavar="TEXT", help="The prompt."),
    profile: str = typer.Option("none", metavar="NAME|FILE", help=_PROFILE),
    brands: Path | None = typer.Option(None, metavar="FILE", help=_BRANDS),
    llm: str | None = typer.Option(None, metavar="MODEL", help="Also a version by a local transformers model."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> int:
    """Three versions of a prompt (realistic, editorial, minimalist) and where its picture is likely to fail.

    Exit codes: 0 done, 1 the prompt must not be drawn in any wording, 2 an error.
    """
    from imgaudit.prompts.refine import refine as refined

    linter = _linter(profile, brands)
    result = refined(text, linter)
    if llm is not None and result.drawable:
        from imgaudit.prompts.rewriting import rewrite

        result = result.model_copy(update={"versions": (*result.versions, rewrite(text, llm, linter))})
    if as_json:
        typer.echo(result.model_dump_json())
        return 0 if result.drawable else 1
    for change in result.replaced:
        _say(f"replaced: {change}")
    for version in result.versions:
        _say(f"\n{version.style}: {version.prompt or '(none)'}")
        if version.negative:
            _say(f"  negative prompt: {version.negative}")
        for finding in version.remaining:
            _say(f"  still: {finding.level} {finding.code} {finding.text!r}")
    _say_failures(result.failures)
    return 0 if result.drawable else 1


@app.command(epilog="Example: imgaudit prompt build --brand brand.yaml --message 'Fresh bread every morning'")
def build(
    subject: str = typer.Option("", help="What is shown, and what it does."),
    setting: str = typer.Option("", help="Where and when."),
    composition: str = typer.Option("", help="How it is arranged."),
    lighting: str = typer.Option("", help="What light."),
    style: str = typer.Option("", help="Photograph, drawing, technique; no names."),
    camera: str = typer.Option("", help="Lens, height, distance."),
    mood: str = typer.Option("", help="What mood."),
    palette: str = typer.Option("", help="Which colours."),
    include: str = typer.Option("", help="What must be there, separated by commas."),
    avoid: str = typer.Option("", help="What must not be there, separated by commas."),
    brand: Path | None = typer.Option(None, metavar="FILE", help="A brand file; see docs/prompts.md."),
    message: str = typer.Option("", help="What the picture has to say; up to three words become lettering."),
    profile: str = typer.Option("none", metavar="NAME|FILE", help=_PROFILE),
    out: Path | None = typer.Option(None, metavar="FILE", help="Write one line of JSON that `imgaudit run` reads."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> int:
    """Build a prompt and its negative prompt from parts, and lint them; on a terminal the parts are asked for.

    Exit codes are those of the lint of the result: 0 nothing, 3 edit or advice, 1 reject, 2 an error.
    """
    from imgaudit.prompts.brand import load_brand
    from imgaudit.prompts.build import Parts
    from imgaudit.prompts.build import build as built

    parts = Parts(subject, setting, composition, lighting, style, camera, mood, palette, include, avoid)
    if parts == Parts() and not message and sys.stdin.isatty():
        parts = _asked()
    result = built(parts, _linter(profile, None), load_brand(brand) if brand else None, message)
    if out is not None:
        out.write_text(
            json.dumps({"prompt": result.prompt, "negative": result.negative}, ensure_ascii=False) + "\n", "utf-8"
        )
    if as_json:
        typer.echo(result.model_dump_json())
        return result.lint.exit_code
    _say(f"prompt: {result.prompt}")
    _say(f"negative prompt: {result.negative}")
    for text in result.advice:
        _say(f"advice: {text}")
    if result.lint.findings:
        _say("\n" + _shown(result.lint))
    _say_failures(result.failures)
    return result.lint.exit_code


@app.command(epilog="Example: imgaudit prompt risks --use-case 'instagram campaign for a bakery' --run runs/bakery")
def risks(
    use_case: str = typer.Option(..., help="In a sentence: what the pictures are for, where and for whom."),
    run: Path | None = typer.Option(None, metavar="RUN", help="A run folder: what its audit shows is filled in."),
    profile: str = typer.Option("none", metavar="NAME|FILE", help=_PROFILE),
    out: Path | None = typer.Option(None, metavar="FILE", help="Write to a .md or .json file in place of printing."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON in place of Markdown."),
) -> int:
    """Fill in an assessment of eight risks of a use: what the audit shows, and what a person must answer.

    Exit codes: 0 written, 2 an error. The assessment passes no verdict.
    """
    from imgaudit.prompts.risks import as_markdown, assess

    report, prompts = _run(run) if run else (None, [])
    result = assess(use_case, _linter(profile, None), report, prompts)
    in_json = as_json or (out is not None and out.suffix == ".json")
    text = result.model_dump_json(indent=2) if in_json else as_markdown(result)
    if out is not None:
        out.write_text(text + "\n", encoding="utf-8")
        typer.echo(str(out))
    else:
        typer.echo(text)
    return 0


# --- reading ------------------------------------------------------------------------------------


def _linter(profile: str, brands: Path | None, window: int = 77) -> Linter:
    from imgaudit.prompts.lint import Linter
    from imgaudit.prompts.profiles import load_profile, read_brands

    own = tuple(read_brands(brands)) if brands else ()
    return Linter(load_profile(profile), own, window=window)


def _prompts(text: str | None, file: Path | None) -> Iterator[tuple[str, str]]:
    if text is not None and file is None:
        yield "", text
        return
    if file is None or text is not None:
        raise UsageError("give either a prompt or --file")
    number = 0
    for number, pair in enumerate(_read(file), start=1):
        if number > MAX_PROMPTS:
            raise ConfigError(f"{file.name}: holds more than {MAX_PROMPTS:,} prompts; split it")
        yield pair
    if not number:
        raise ConfigError(f"{file.name}:1: holds no prompt")


def _read(file: Path) -> Iterator[tuple[str, str]]:
    suffix = file.suffix.lower()
    if suffix in (".yaml", ".yml"):
        from imgaudit.suites.load import load_suite

        yield from ((case.id, case.prompt or "") for case in load_suite(file).cases)
        return
    text = _text(file)
    if suffix in (".csv", ".tsv"):
        yield from _table(file, text, "\t" if suffix == ".tsv" else ",")
    elif suffix in (".jsonl", ".ndjson"):
        yield from _json_lines(file, text)
    elif suffix == ".txt":
        yield from ((str(number), line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())
    else:
        raise UsageError(f"{file.name}: expected .txt, .csv, .tsv, .jsonl or a suite .yaml")


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > MAX_FILE:
            raise ConfigError(f"{file.name}:1: is larger than {MAX_FILE >> 20} MiB; split it")
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{file.name}:1: is not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{file.name}:1: cannot be read: {error.strerror or error}") from None


def _table(file: Path, text: str, delimiter: str) -> Iterator[tuple[str, str]]:
    reader = csv.DictReader(text.splitlines(keepends=True), delimiter=delimiter, strict=delimiter == ",")
    try:
        names = {(name or "").strip().lower(): name for name in reader.fieldnames or ()}
        if "prompt" not in names:
            raise ConfigError(f"{file.name}:1: no column 'prompt'; it has: {', '.join(names)[:200]}")
        for row in reader:
            yield str(reader.line_num), row[names["prompt"]] or ""
    except csv.Error as error:
        raise ConfigError(f"{file.name}:{reader.line_num}: is no valid table: {error}") from None


def _json_lines(file: Path, text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{file.name}:{number}: is not valid JSON: {str(error)[:100]}") from None
        prompt = value.get("prompt", value.get("text")) if isinstance(value, dict) else None
        if not isinstance(prompt, str):
            raise ConfigError(f"{file.name}:{number}: expected an object with 'prompt' or 'text'")
        yield str(value.get("id", number))[:200], prompt


def _run(path: Path) -> tuple[Report, list[str]]:
    from imgaudit.store.runfolder import RunFolder

    folder = RunFolder.open(path)
    return folder.read_report(), [image.prompt for image in folder.read_images() if image.prompt]


def _asked() -> Parts:
    """Ask for each part; an empty answer leaves it out."""
    from imgaudit.prompts.build import QUESTIONS, Parts

    answers = {name: typer.prompt(asked, default="", show_default=False) for name, asked in QUESTIONS.items()}
    return Parts(**answers)


# --- showing ------------------------------------------------------------------------------------


def _say(text: str) -> None:
    from imgaudit.reporters._shared import visible

    typer.echo("\n".join(visible(line) for line in text.split("\n")))


def _shown(result: PromptLint) -> str:
    from imgaudit.reporters._shared import visible

    head = f"{result.id}: " if result.id else ""
    if not result.findings:
        return visible(f"{head}nothing found (profile {result.profile}; the lists are not complete)")
    lines = [f"{head}{len(result.findings)} found (profile {result.profile})"]
    for finding in result.findings:
        lines += _finding_lines(finding)
    return "\n".join(visible(line) for line in lines)


def _finding_lines(finding: PromptFinding) -> list[str]:
    name = f" = {finding.name}" if finding.name and finding.name != finding.text else ""
    how = f", {finding.how}" if finding.how not in ("", "exact") else ""
    return [
        f"{finding.level:7} {finding.code} at {finding.start}-{finding.end}: {finding.text!r}{name}{how}",
        f"        {finding.why}",
        f"        better: {finding.better}",
        f"        source: {finding.source}",
    ]


def _say_failures(points: tuple[FailurePoint, ...]) -> None:
    if points:
        _say("\nlikely to fail:")
    for point in points:
        _say(f"  {point.kind}: {point.text!r}: {point.why}")
