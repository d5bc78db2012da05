"""`imgaudit checklist`: the printable prompt-and-QA checklist of a rubric."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from imgaudit.cli._common import names_list
from imgaudit.errors import ModelUnavailable, UsageError

if TYPE_CHECKING:
    from imgaudit.dimensions import Dimension
    from imgaudit.prompts.checklist import Checklist, Item
    from imgaudit.rubric import DimensionRule, Rubric

app = typer.Typer(rich_markup_mode=None)
FORMATS = ("markdown", "pdf")


@app.command(epilog="Example: imgaudit checklist --rubric publish --format markdown,pdf --out lists")
def checklist(
    rubric: str = typer.Option("publish", metavar="NAME|FILE", help="The rubric whose questions are printed."),
    formats: str = typer.Option("markdown", "--format", help="markdown, pdf, or both separated by a comma."),
    out: Path | None = typer.Option(None, metavar="DIR", help="Folder to write to; without it Markdown is printed."),
) -> int:
    """Print the checklist of a rubric: the prompt, the picture, its use, the decision.

    Exit codes: 0 written, 2 an error (for PDF: WeasyPrint is not installed).
    """
    from imgaudit.prompts.checklist import as_markdown
    from imgaudit.rubric import load_rubric

    wanted = names_list(formats) or ()
    for name in wanted:
        if name not in FORMATS:
            raise UsageError(f"--format {name!r}: unknown; expected one of: {', '.join(FORMATS)}")
    made = checklist_of(load_rubric(rubric))
    if out is None:
        if "pdf" in wanted:
            raise UsageError("a PDF is not printed to the terminal; name a folder with --out")
        typer.echo(as_markdown(made))
        return 0
    return _write(made, wanted, out, f"checklist-{load_rubric(rubric).name}")


def _write(made: Checklist, wanted: tuple[str, ...], out: Path, stem: str) -> int:
    from imgaudit.prompts.checklist import as_html, as_markdown

    pdf = _pdf(as_html(made)) if "pdf" in wanted else None  # before anything is written: it may not be there
    out.mkdir(parents=True, exist_ok=True)
    if "markdown" in wanted:
        (out / f"{stem}.md").write_text(as_markdown(made), encoding="utf-8")
        typer.echo(str(out / f"{stem}.md"))
    if pdf is not None:
        (out / f"{stem}.pdf").write_bytes(pdf)
        typer.echo(str(out / f"{stem}.pdf"))
    return 0


def _pdf(page: str) -> bytes:
    try:
        from weasyprint import HTML
    except (ImportError, OSError) as error:
        raise ModelUnavailable(
            f"a PDF needs WeasyPrint and its library Pango ({type(error).__name__})",
            "Install them with: pip install 'imgaudit[pdf]'; or take --format markdown",
        ) from None
    data: bytes = HTML(string=page, url_fetcher=_no_fetching).write_pdf()
    return data


def _no_fetching(url: str, *_: Any, **__: Any) -> Any:
    raise ValueError(f"nothing is fetched for a checklist: {url[:80]}")


def checklist_of(rubric: Rubric) -> Checklist:
    """The checklist of a rubric: every dimension of the framework stands in it."""
    from imgaudit.dimensions import DIMENSIONS
    from imgaudit.prompts.checklist import Checklist, Section, prompt_section

    picture = tuple(_item(d, rubric.dimensions[d.id]) for d in DIMENSIONS if d.group == "picture")
    use = tuple(_item(d, rubric.dimensions[d.id]) for d in DIMENSIONS if d.group == "use")
    return Checklist(
        title=f"Checklist: {rubric.title}",
        rubric=f"Rubric {rubric.name}, version {rubric.version}, digest {rubric.digest[:12]}",
        sections=(
            prompt_section(),
            Section("The picture", "At full size, not as a thumbnail; what the audit says stands beside it.", picture),
            Section("Its use", "Answered by a person who may answer it, for this publication.", use),
        ),
    )


def _item(dimension: Dimension, entry: DimensionRule) -> Item:
    from imgaudit.prompts.checklist import Item

    how = {"checker": "the audit measures it", "attestation": "a person answers", "limit": "look by eye"}[dimension.how]
    demand = "required" if entry.required else "not required"
    text = dimension.title if dimension.how == "limit" else f"{dimension.title}: {dimension.question}"
    notes = [f"{rule.then}: {rule.message or rule.when}" for rule in entry.rules]
    if dimension.how == "limit":
        notes.append(dimension.question)
    if entry.attestation is not None:
        notes.append(f"Asked once a {entry.attestation.scope}; holds for {entry.attestation.valid_days} days.")
    return Item(text, f"{how}, {demand}", tuple(notes), answer=entry.attestation is not None)
