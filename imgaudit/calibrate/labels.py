"""Reading a CSV of people's labels: which picture, what they said, and what was measured where the file says so.

A picture is named in a column `id`, `path`, `file` or `pixels`. What people said stands in `label` (yes or no, or a
number), or in `verdict` (defect or fine) as `imgaudit export --labels` writes it. Every complaint names file and line.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from imgaudit.digest import digest_bytes, rounded
from imgaudit.errors import ConfigError, UsageError
from imgaudit.suites.reading import decoded, read_bytes

KEYS = ("id", "path", "file", "pixels")
LABELS = ("label", "verdict", "human", "rating", "score")
RATERS = ("by", "rater")
GROUPS = ("case", "prompt")
YES = frozenset({"yes", "true", "1"})
NO = frozenset({"no", "false", "0"})
FAULT, FINE = "defect", "fine"
UNSURE = frozenset({"", "unsure", "?"})
CELL = 1 << 20

Said = bool | float


@dataclass(frozen=True, slots=True)
class Row:
    """What one person, or several together, said of one picture. `value`: of the measure, where the file holds it."""

    line: int
    names: Mapping[str, str]
    said: Said | None
    value: float | None
    group: str | None
    rater: str | None
    presumed: bool


@dataclass(frozen=True, slots=True)
class Labels:
    """A file of labels.

    Attributes:
        kind: yes or no, numbers, or nothing (only values were read).
        speaks_of_faults: whether the words were defect and fine, which mean the same whatever the measure's direction.
        counts: rows read; rows left out, by why.
    """

    path: Path
    sha256: str
    kind: Literal["classes", "scores", "none"]
    speaks_of_faults: bool
    rows: tuple[Row, ...]
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds what; None where there is none."""

    keys: tuple[str, ...]
    label: str | None
    value: str | None
    rater: str | None
    group: str | None


def read_labels(
    path: Path, measure: str, label: str | None = None, score: str | None = None, labelled: bool = True
) -> Labels:
    """Read a file of labels of one measure.

    Args:
        path: the CSV.
        measure: full name; rows of other checkers are left out where the file names checkers.
        label: the column of what people said, where it has another name.
        score: the column of the measure's values, where it has another name.
        labelled: whether labels are needed; a distribution of values alone needs none.
    """
    data = read_bytes(path)
    lines = list(_lines(path, decoded(data, str(path))))
    header, body = lines[0][1], lines[1:]
    columns = _columns(path, header, measure, (label, score), labelled)
    own, left_out = _of_checker(header, body, measure.partition(".")[0])
    said, kind, faults = _said(path, own, header, columns.label)
    rows, unsure = [], 0
    for (number, cells), word in zip(own, said, strict=True):
        if word is None and columns.label is not None:
            unsure += 1
            continue
        rows.append(_row((path, number), dict(zip(header, cells, strict=True)), columns, word))
    if not rows:
        raise ConfigError(f"{path}:1: no row says anything about {measure}; expected a header line and labels below it")
    counts = {"rows": len(body), "other checks": left_out, "unsure": unsure}
    return Labels(path, digest_bytes(data), kind, faults, tuple(rows), {k: v for k, v in counts.items() if v})


def _lines(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every row that is not empty, the header first; short and long rows are refused."""
    csv.field_size_limit(CELL)
    reader = csv.reader(io.StringIO(text), strict=True)
    width = 0
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not width:
                cells, width = [cell.strip() for cell in cells], len(cells)
                twice = [name for name, count in Counter(cells).items() if count > 1]
                if twice:
                    raise ConfigError(f"{path}:1: the column {twice[0]!r} stands twice; keep one")
            elif len(cells) != width:
                where = f"{path}:{reader.line_num}"
                raise ConfigError(f"{where}: has {len(cells)} cells, expected {width} as in the header line")
            yield reader.line_num, cells
    except csv.Error as error:
        where = f"{path}:{reader.line_num}"
        raise ConfigError(f"{where}: is no CSV: {error}; expected commas and one header line") from None
    if not width:
        raise ConfigError(f"{path}:1: is empty; expected a header line and a line a picture")


def _columns(
    path: Path, header: Sequence[str], measure: str, named: tuple[str | None, str | None], labelled: bool
) -> Columns:
    for option, name in zip(("--label", "--score"), named, strict=True):
        if name is not None and name not in header:
            raise UsageError(f"{option} {name!r}: {path} has no such column; it has: {', '.join(header)}")
    keys = tuple(name for name in KEYS if name in header)
    if not keys:
        raise ConfigError(f"{path}:1: names no pictures; expected a column {', '.join(KEYS[:-1])} or {KEYS[-1]}")
    value = named[1] or (measure if measure in header else None)
    label = named[0] or next((name for name in LABELS if name in header and name != value), None)
    if labelled and label is None:
        raise ConfigError(f"{path}:1: holds no labels; expected a column {', '.join(LABELS)}, or name one with --label")
    rater = next((name for name in RATERS if name in header), None)
    group = next((name for name in GROUPS if name in header), None)
    return Columns(keys, label if labelled else None, value, rater, group)


def _of_checker(
    header: Sequence[str], body: Sequence[tuple[int, list[str]]], checker: str
) -> tuple[list[tuple[int, list[str]]], int]:
    if "checker" not in header:
        return list(body), 0
    place = list(header).index("checker")
    own = [(number, cells) for number, cells in body if cells[place] == checker]
    return own, len(body) - len(own)


def _said(
    path: Path, body: Sequence[tuple[int, list[str]]], header: Sequence[str], label: str | None
) -> tuple[list[Said | None], Literal["classes", "scores", "none"], bool]:
    """What each row says, as yes and no, or as numbers; and whether the words were defect and fine."""
    if label is None:
        return [None] * len(body), "none", False
    place = list(header).index(label)
    words = [cells[place].strip().lower() for _, cells in body]
    told = {word for word in words if word not in UNSURE}
    if told <= {FAULT, FINE}:
        return [None if word in UNSURE else word == FAULT for word in words], "classes", bool(told)
    if told <= YES | NO:
        return [None if word in UNSURE else word in YES for word in words], "classes", False
    expected = "expected yes or no, defect or fine, or a number everywhere; leave empty what nobody could tell"
    places = [f"{path}:{number}: {label} {cells[place][:40]!r}" for number, cells in body]
    pairs = [(word, where) for word, where in zip(words, places, strict=True) if word not in UNSURE]
    for word, where in (pair for pair in pairs if pair[0] not in YES | NO | {FAULT, FINE}):
        _number(word, where, expected)  # the word that fits nothing is named before those it stands beside
    numbers: list[Said | None] = [
        None if word in UNSURE else _number(word, where, expected) for word, where in zip(words, places, strict=True)
    ]
    return numbers, "scores", False


def _number(text: str, where: str, expected: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ConfigError(f"{where} is no finite number; {expected}")
    return value


def _row(where: tuple[Path, int], cells: Mapping[str, str], columns: Columns, said: Said | None) -> Row:
    path, number = where
    names = {key: named for key in columns.keys if (named := _unquoted(cells[key].strip()))}
    if not names:
        raise ConfigError(f"{path}:{number}: names no picture; expected something in {', '.join(columns.keys)}")
    value = None
    if columns.value is not None and cells[columns.value].strip():
        text = cells[columns.value].strip()
        place = f"{path}:{number}: {columns.value} {text[:40]!r}"
        value = rounded(_number(text, place, "leave empty what could not be told"))
    return Row(
        line=number,
        names=names,
        said=said,
        value=value,
        group=cells[columns.group].strip() or None if columns.group else None,
        rater=cells[columns.rater].strip() or None if columns.rater else None,
        presumed=cells.get("presumed", "").strip().lower() == "yes",
    )


def _unquoted(text: str) -> str:
    """The text without the apostrophe that keeps a spreadsheet from running it."""
    return text[1:] if text.startswith("'") and text[1:].lstrip(" ")[:1] in ("=", "+", "-", "@") else text
