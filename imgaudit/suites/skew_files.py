"""Tables that skew plans name: expected shares, and pictures labelled by hand. Read when the suite is read.

A plan then holds the shares and counts themselves, with the file's digest, so that a stored run needs no file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from imgaudit.digest import digest_bytes
from imgaudit.errors import ConfigError, PictureError
from imgaudit.references import Shares, packaged_table, parse_table, row_of
from imgaudit.suites.inputs import below
from imgaudit.suites.reading import decoded, read_bytes
from imgaudit.suites.schema import Suite
from imgaudit.types import Case, Labelled, SharesFrom, SkewPlan
from imgaudit.yamlfile import Document

AGREE_WITHIN = 1e-6
HEAD = ["true", "perceived", "pictures"]


def named(suite: Suite) -> bool:
    """Whether a plan of the suite names a table or labelled pictures."""
    return any(case.skew and (case.skew.shares_from or case.skew.labelled) for case in suite.cases)


def filled(suite: Suite, folder: Path, document: Document) -> Suite:
    """The suite with the shares and counts that its plans name. Raises ConfigError with the suite's file and line."""
    cases = tuple(_filled(case, index, folder, document) for index, case in enumerate(suite.cases))
    return suite.model_copy(update={"cases": cases})


def _filled(case: Case, index: int, folder: Path, document: Document) -> Case:
    if case.skew is None:
        return case
    plan = case.skew
    for field, fill in (("shares_from", _with_shares), ("labelled", _with_labels)):
        try:
            plan = fill(plan, folder)
        except (ConfigError, PictureError) as error:
            place = ("cases", index, "skew", field)
            raise document.error(place, f"cases[{index}].skew.{field}: {error}") from None
    return case.model_copy(update={"skew": plan})


def _with_shares(plan: SkewPlan, folder: Path) -> SkewPlan:
    if plan.shares_from is None:
        return plan
    wanted = plan.shares_from
    table, sha256 = _table(wanted, folder)
    row = row_of(table, wanted.row, wanted.table)
    if plan.reference is not None and not _agree(plan.reference, row.shares):
        raise ConfigError(f"the row's shares {dict(row.shares)} are not those of 'reference'; give one of both")
    read = SharesFrom(table=wanted.table, row=wanted.row, source=row.source, sha256=sha256)
    return plan.model_copy(update={"reference": dict(row.shares), "shares_from": read})


def _agree(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    return one.keys() == other.keys() and all(abs(one[group] - other[group]) <= AGREE_WITHIN for group in one)


def _table(wanted: SharesFrom, folder: Path) -> tuple[Mapping[str, Shares], str | None]:
    if not wanted.table.lower().endswith(".csv"):
        return packaged_table(wanted.table), None
    data = _data(wanted.table, wanted.sha256, folder)
    return _parsed(data, wanted.table), digest_bytes(data)


@cache
def _parsed(data: bytes, name: str) -> Mapping[str, Shares]:
    return parse_table(decoded(data, name), name)


def _data(name: str, sha256: str | None, folder: Path) -> bytes:
    if not (folder / name).is_file():
        raise ConfigError(f"{name[:80]!r} is no file beside the suite; expected a CSV there")
    data = read_bytes(below(folder, name))
    if sha256 is not None and digest_bytes(data) != sha256:
        raise ConfigError(
            f"{name!r} has the sha256 {digest_bytes(data)[:12]}..., expected {sha256[:12]}...; the file was changed"
        )
    return data


def _with_labels(plan: SkewPlan, folder: Path) -> SkewPlan:
    if plan.labelled is None:
        return plan
    counts, sha256 = plan.labelled.counts, None
    if plan.labelled.file is not None:
        data = _data(plan.labelled.file, plan.labelled.sha256, folder)
        counts, sha256 = _labels(decoded(data, plan.labelled.file), plan.labelled.file), digest_bytes(data)
    if not counts:
        raise ConfigError("holds no counts; expected a CSV with true,perceived,pictures, or a mapping of mappings")
    _check_labels(counts)
    return plan.model_copy(update={"labelled": Labelled(file=plan.labelled.file, sha256=sha256, counts=counts)})


def _labels(text: str, name: str) -> dict[str, dict[str, int]]:
    reader = csv.reader(io.StringIO(text), strict=True)
    counts: dict[str, dict[str, int]] = {}
    try:
        for line in reader:
            cells = [cell.strip() for cell in line]
            if reader.line_num == 1:
                if cells != HEAD:
                    raise ConfigError(f"{name}:1: the head line is {','.join(cells)[:80]!r}; expected {','.join(HEAD)}")
            elif any(cells):
                _count(cells, counts, f"{name}:{reader.line_num}")
    except csv.Error as error:
        raise ConfigError(f"{name}:{reader.line_num}: is no CSV: {error}; expected cells separated by commas") from None
    return counts


def _count(cells: list[str], counts: dict[str, dict[str, int]], place: str) -> None:
    if len(cells) != len(HEAD) or not all(cells) or not (cells[2].isdecimal() and len(cells[2]) <= 9):
        raise ConfigError(f"{place}: {','.join(cells)[:80]!r}; expected two groups and a whole number of pictures")
    row = counts.setdefault(cells[0], {})
    row[cells[1]] = row.get(cells[1], 0) + int(cells[2])


def _check_labels(counts: Mapping[str, Mapping[str, int]]) -> None:
    if len(counts) < 2:
        raise ConfigError("has fewer than two true groups; expected labelled pictures of every group")
    for group, row in counts.items():
        if strange := sorted(row.keys() - counts.keys()):
            raise ConfigError(f"{strange[0][:80]!r} was perceived and is never true; expected pictures of every group")
        if min(row.values(), default=0) < 0 or sum(row.values()) < 1:
            raise ConfigError(f"{group[:80]!r} has no labelled picture; expected one, and 50 before a skew is claimed")
