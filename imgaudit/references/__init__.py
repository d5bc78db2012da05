"""Expected shares of groups as tables: packaged ones, named and dated, and a user's own.

A table is a CSV file in UTF-8 whose first column `row` names what the shares are of (an occupation, a region). The
column `source` says where they come from; a column that starts with an underscore is kept for readers and never used;
every other column is a group. The shares of a row sum to 1 (within 0.01; they are scaled to 1).

The packaged tables hold shares of women and men among the employed in the United States, by the Current Population
Survey. They are what was measured there and then, no goal and no norm; small occupations are uncertain by 3 to 8
points. The survey's shares by race stand beside them in columns for readers: they overlap, and nothing here perceives
race. There is no official table of skin tones, and shares by race are none.
"""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from imgaudit.errors import ConfigError

FOLDER = Path(__file__).parent
MAX_ROWS = 20_000
MAX_GROUPS = 64
SUM_WITHIN = 0.01


@dataclass(frozen=True, slots=True)
class Shares:
    """One row: the share of each group, and where it comes from."""

    shares: Mapping[str, float]
    source: str | None


def table_names() -> list[str]:
    """Names of the packaged tables, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.csv"))


def packaged_table(name: str) -> Mapping[str, Shares]:
    """A packaged table by its name. Raises ConfigError that lists what there is."""
    if name not in table_names():
        near = difflib.get_close_matches(name, table_names(), n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ConfigError(
            f"unknown table {name[:80]!r}; {hint}there are: {', '.join(table_names())}; or name a .csv beside the suite"
        )
    return parse_table((FOLDER / f"{name}.csv").read_text("utf-8"), name)


def row_of(table: Mapping[str, Shares], row: str, name: str) -> Shares:
    """A row of a table. Raises ConfigError that names the nearest."""
    if row in table:
        return table[row]
    near = difflib.get_close_matches(row, table, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(list(table)[:12])}"
    raise ConfigError(f"{name} has no row {row[:80]!r}; {hint}")


def parse_table(text: str, name: str) -> Mapping[str, Shares]:
    """The rows of a table, by name. Raises ConfigError with the line of what is wrong."""
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in line]) for line in reader if any(map(str.strip, line))]
    except csv.Error as error:
        raise ConfigError(f"{name}:{reader.line_num}: is no CSV: {error}; expected cells separated by commas") from None
    if not lines:
        raise ConfigError(f"{name}:1: is empty; expected a head line such as row,feminine,masculine,source")
    groups = _groups(lines[0][1], name)
    if len(lines) - 1 > MAX_ROWS:
        raise ConfigError(f"{name}:1: has {len(lines) - 1:,} rows; expected at most {MAX_ROWS:,}")
    rows: dict[str, Shares] = {}
    for number, cells in lines[1:]:
        place = f"{name}:{number}"
        if len(cells) != len(lines[0][1]):
            raise ConfigError(f"{place}: has {len(cells)} cells; expected {len(lines[0][1])}, as the head line has")
        row = dict(zip(lines[0][1], cells, strict=True))
        if not row["row"] or row["row"] in rows:
            raise ConfigError(f"{place}: row: {row['row'][:80]!r} is empty or there already; give each its own name")
        rows[row["row"]] = Shares(_shares(row, groups, place), row.get("source") or None)
    if not rows:
        raise ConfigError(f"{name}:1: has a head line and no row; expected at least one row of shares")
    return rows


def _groups(head: Sequence[str], name: str) -> list[str]:
    groups = [cell for cell in head if cell and cell not in ("row", "source") and not cell.startswith("_")]
    if "row" not in head or len(set(head)) != len(head) or not 2 <= len(groups) <= MAX_GROUPS:
        raise ConfigError(
            f"{name}:1: the head line is {','.join(head)[:120]!r}; expected row, then 2 to {MAX_GROUPS} groups, and "
            "source if you like, each once"
        )
    return groups


def _shares(row: Mapping[str, str], groups: Sequence[str], place: str) -> dict[str, float]:
    shares = {}
    for group in groups:
        try:
            shares[group] = float(row[group])
        except ValueError:
            problem = f"{row[group][:40]!r} is no number; expected a share from 0 to 1"
            raise ConfigError(f"{place}: {group}: {problem}") from None
        if not 0 <= shares[group] <= 1:
            raise ConfigError(f"{place}: {group}: {row[group][:40]} is no share; expected 0 to 1 (percent over 100)")
    total = sum(shares.values())
    if abs(total - 1) > SUM_WITHIN:
        raise ConfigError(f"{place}: the shares add up to {total:.4g}; expected 1 (within {SUM_WITHIN})")
    return {group: share / total for group, share in shares.items()}
