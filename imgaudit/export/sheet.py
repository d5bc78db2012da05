"""The contact sheet of a delivery, case by seed: one HTML file that needs nothing else, and pictures of it as PNG.

Every picture of the run has its place: those that were delivered are shown, of the others stands what was decided. What
a safety model flagged is blurred, and what may be abuse material is not shown, as in the report.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imgaudit.reporters._shared import natural, one_line
from imgaudit.types import Decision, ImageRecord

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

    from imgaudit.reporters._thumbnails import Thumbnail

    Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

HTML, PNG = "contact-sheet.html", "contact-sheet.png"
FOLDER = Path(__file__).parent
THUMBNAILS = 40_000_000
MAX_COLUMNS = 24
ACROSS = 8
"""Columns of a sheet of pictures that have no case."""
CELL, LABEL, GAP, HEAD = 128, 168, 8, 22
PAGE_HEIGHT = 6000


@dataclass(frozen=True)
class Cell:
    """One picture: where it lies when it was delivered, and what was decided."""

    id: str
    case: str | None
    seed: int | None
    prompt: str | None
    final: Decision
    name: str | None = None
    best: bool = False
    repaired: bool = False
    refused: str | None = None
    record: ImageRecord | None = None

    @property
    def word(self) -> str:
        """What stands in place of the picture."""
        return "not delivered" if self.refused else str(self.final)

    @property
    def caption(self) -> str:
        """What a picture without a case is called by: the last part of its path."""
        return self.id.rpartition("/")[2] if self.case is None else ""


@dataclass(frozen=True)
class Row:
    """One case, or some pictures that have none."""

    case: str | None
    prompt: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Sheet:
    """The rows under their columns, and sentences about the delivery."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    sentences: tuple[str, ...]

    @property
    def cases(self) -> tuple[Row, ...]:
        """The rows that have a case."""
        return tuple(row for row in self.rows if row.case is not None)

    @property
    def alone(self) -> list[Cell]:
        """The pictures that have none."""
        return [cell for row in self.rows for cell in row.cells if row.case is None and cell is not None]

    @property
    def delivered(self) -> list[Cell]:
        """The cells that hold a picture, in order."""
        return [cell for row in self.rows for cell in row.cells if cell is not None and cell.name is not None]


def arranged(title: str, cells: Sequence[Cell], sentences: Sequence[str]) -> Sheet:
    """Cases down and seeds across; pictures that have no case fill rows of their own."""
    cases: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell.case is not None:
            cases.setdefault(cell.case, []).append(cell)
    seeds = sorted({cell.seed for held in cases.values() for cell in held if cell.seed is not None})
    by_seed = 0 < len(seeds) <= MAX_COLUMNS and _one_each(cases)
    alone = sorted((cell for cell in cells if cell.case is None), key=lambda cell: natural(cell.id))
    rows: list[Row] = []
    for case in sorted(cases, key=natural):
        held = sorted(cases[case], key=lambda cell: (cell.seed if cell.seed is not None else -1, natural(cell.id)))
        rows += _rows(case, held, seeds if by_seed else None)
    rows += [Row(None, "", tuple(alone[at : at + ACROSS])) for at in range(0, len(alone), ACROSS)]
    width = max((len(row.cells) for row in rows), default=0)
    even = tuple(Row(row.case, row.prompt, row.cells + (None,) * (width - len(row.cells))) for row in rows)
    columns = [f"seed {seed}" for seed in seeds] if by_seed else [str(place) for place in range(1, width + 1)]
    return Sheet(title, (*columns, *[""] * (width - len(columns))), even, tuple(sentences))


def _one_each(cases: dict[str, list[Cell]]) -> bool:
    """Whether no case has two pictures of one seed, or one without."""
    return all(
        len({cell.seed for cell in held}) == len(held) and all(cell.seed is not None for cell in held)
        for held in cases.values()
    )


def _rows(case: str, held: Sequence[Cell], seeds: Sequence[int] | None) -> Iterator[Row]:
    prompt = held[0].prompt or ""
    if seeds is not None:
        by_seed = {cell.seed: cell for cell in held}
        yield Row(case, prompt, tuple(by_seed.get(seed) for seed in seeds))
        return
    for at in range(0, len(held), MAX_COLUMNS):
        yield Row(case, prompt, tuple(held[at : at + MAX_COLUMNS]))


# --- HTML ------------------------------------------------------------------------------------------------------------


def thumbnails_of(sheet: Sheet, read: Callable[[Cell], bytes | None]) -> dict[str, Thumbnail]:
    """Id -> the delivered picture as it may be shown; `read` gives its bytes."""
    from imgaudit.reporters._thumbnails import Budget, thumbnails

    cells = {cell.id: cell for cell in sheet.delivered}
    records = [cell.record for cell in cells.values() if cell.record is not None]
    made = thumbnails(records, lambda record: read(cells[record.id]), Budget(THUMBNAILS, 0))
    return {record.id: thumbnail for record, thumbnail in zip(records, made, strict=True)}


def sheet_html(sheet: Sheet, small: Mapping[str, Thumbnail]) -> bytes:
    """The sheet as one HTML document."""
    from markupsafe import Markup

    from imgaudit.reporters.html import environment_of, policy

    style = (FOLDER / "contact.css").read_text("utf-8")
    template = environment_of().from_string((FOLDER / "contact.html.j2").read_text("utf-8"))
    return template.render(sheet=sheet, small=small, policy=Markup(policy(style, "")), style=Markup(style)).encode()


# --- PNG -------------------------------------------------------------------------------------------------------------


def sheet_pngs(sheet: Sheet, small: Mapping[str, Thumbnail]) -> list[bytes]:
    """The sheet as pictures, one or more, each at most `PAGE_HEIGHT` pixels high."""
    per_page = max(1, (PAGE_HEIGHT - 2 * HEAD - GAP) // (CELL + HEAD + GAP))
    pages = [sheet.rows[at : at + per_page] for at in range(0, len(sheet.rows), per_page)]
    return [_page(sheet, rows, small) for rows in pages]


def png_name(number: int) -> str:
    """Name of the page of this number, counted from 0."""
    return PNG if number == 0 else PNG.replace(".png", f"-{number + 1}.png")


def _page(sheet: Sheet, rows: Sequence[Row], small: Mapping[str, Thumbnail]) -> bytes:
    from PIL import Image, ImageDraw, ImageFont

    labels = LABEL if any(row.case is not None for row in rows) else GAP
    width = labels + len(sheet.columns) * (CELL + GAP) + GAP
    height = 2 * HEAD + len(rows) * (CELL + HEAD + GAP) + GAP
    canvas = Image.new("RGB", (max(width, 420), height), "white")
    draw = ImageDraw.Draw(canvas)
    font, bold = ImageFont.load_default(12), ImageFont.load_default(14)
    draw.text((GAP, 4), _fitting(draw, sheet.title, bold, canvas.width - 2 * GAP), fill="black", font=bold)
    for place, column in enumerate(sheet.columns):
        if labels == LABEL:
            draw.text((labels + place * (CELL + GAP), HEAD + 4), column, fill="#444", font=font)
    for number, row in enumerate(rows):
        top = 2 * HEAD + number * (CELL + HEAD + GAP)
        _label(draw, row, top, font)
        for place, cell in enumerate(row.cells):
            if cell is not None:
                corner = (labels + place * (CELL + GAP), top)
                _draw_cell(draw, cell, corner)
                if cell.id in small:
                    _paste(canvas, small[cell.id], corner)
    stream = io.BytesIO()
    canvas.save(stream, "PNG", compress_level=6)
    return stream.getvalue()


def _label(draw: ImageDraw.ImageDraw, row: Row, top: int, font: Font) -> None:
    """The case in up to three lines, then its prompt in grey."""
    lines = _wrapped(draw, row.case or "", font, LABEL - 2 * GAP, 3)
    for place, line in enumerate(lines):
        draw.text((GAP, top + 14 * place), line, fill="black", font=font)
    below = top + 14 * len(lines) + 4
    for place, line in enumerate(_wrapped(draw, row.prompt, font, LABEL - 2 * GAP, 5)):
        draw.text((GAP, below + 14 * place), line, fill="#555", font=font)


def _draw_cell(draw: ImageDraw.ImageDraw, cell: Cell, corner: tuple[int, int]) -> None:
    """The frame and the words of a cell; the picture is laid over it."""
    from PIL import ImageFont

    font = ImageFont.load_default(12)
    left, top = corner
    if cell.best:
        draw.rectangle((left - 4, top - 4, left + CELL + 3, top + CELL + 3), outline="#1a6b3a", width=3)
    draw.rectangle((left, top, left + CELL - 1, top + CELL - 1), fill="#f1f1ef", outline="#c9c9c5")
    word = "not shown" if cell.name is not None else cell.word
    draw.text((left + CELL // 2, top + CELL // 2), word, fill="#555", font=font, anchor="mm")
    words = [word for word, holds in (("best", cell.best), ("repaired", cell.repaired)) if holds]
    words += [cell.caption] if cell.caption else []
    text = _fitting(draw, ", ".join(words), font, CELL)
    draw.text((left, top + CELL + 5), text, fill="#1a6b3a" if cell.best else "#444", font=font)


def _paste(canvas: Image.Image, thumbnail: Thumbnail, corner: tuple[int, int]) -> None:
    import base64

    from PIL import Image

    if thumbnail.small is None:
        return
    data = base64.b64decode(thumbnail.small.partition(",")[2])
    with Image.open(io.BytesIO(data), formats=["WEBP"]) as picture:
        small = picture.convert("RGB")
    scale = CELL / max(small.size)
    size = (max(1, round(small.width * scale)), max(1, round(small.height * scale)))
    small = small.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS)
    canvas.paste("white", (corner[0], corner[1], corner[0] + CELL, corner[1] + CELL))
    canvas.paste(small, (corner[0] + (CELL - small.width) // 2, corner[1] + (CELL - small.height) // 2))


def _wrapped(draw: ImageDraw.ImageDraw, text: str, font: Font, width: int, most: int) -> list[str]:
    lines: list[str] = []
    for word in one_line(text, 160).replace("-", "- ").split():
        grown = f"{lines[-1]}{'' if lines[-1].endswith('-') else ' '}{word}" if lines else word
        if lines and draw.textlength(grown, font=font) <= width:
            lines[-1] = grown
        else:
            lines.append(word)
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1] + " ..."]
    return [_fitting(draw, line, font, width) for line in lines]


def _fitting(draw: ImageDraw.ImageDraw, text: str, font: Font, width: int) -> str:
    """The text cut so that it fits. The font knows Latin alone: other letters are drawn as boxes."""
    line = one_line(text)
    if draw.textlength(line, font=font) <= width:
        return line
    while line and draw.textlength(line + "...", font=font) > width:
        line = line[:-1]
    return line + "..."
