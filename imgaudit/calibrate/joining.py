"""Joining labels with what runs measured: one value and one label a picture, and where both came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imgaudit.calibrate.labels import Labels, Row, Said
from imgaudit.calibration.fitted import Estimate, Origin
from imgaudit.digest import digest_file
from imgaudit.errors import UsageError
from imgaudit.kernels.agreement import krippendorff_alpha
from imgaudit.registry import checkers
from imgaudit.store.runfolder import RunFolder
from imgaudit.types import Abstained, Finding, ImageRecord, Measure

_SHOWN = 3
_SAME = 1.5e-6


@dataclass(frozen=True, slots=True)
class Item:
    """One picture: what was measured, what people say, and the prompt or case that its like share."""

    name: str
    value: float
    said: Said | None
    group: str


@dataclass(frozen=True, slots=True)
class Joined:
    """Everything that a calibration is fitted to.

    Attributes:
        version: of the checker, where a run or the user says it.
        model: the label `model` of the findings, where they have one.
        raters: how far people agree with each other, where several judged the same pictures.
        grouped: whether pictures are known to share a case or prompt.
    """

    items: tuple[Item, ...]
    sources: tuple[Origin, ...]
    counts: dict[str, int]
    version: str | None = None
    model: str | None = None
    raters: Estimate | None = None
    grouped: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture of a run, and what it says of the measure; `value` is None where it could not be told."""

    key: tuple[int, str]
    value: float | None
    group: str
    facts: tuple[str, str | None] | None


@dataclass
class Known:
    """The pictures of all runs, by every name that a label may give them."""

    entries: dict[tuple[int, str], Entry] = field(default_factory=dict)
    by: dict[str, dict[str, list[Entry]]] = field(default_factory=lambda: {k: {} for k in ("id", "path", "pixels")})
    origins: list[Origin] = field(default_factory=list)

    def add(self, entry: Entry, record: ImageRecord) -> None:
        """Remember a picture."""
        self.entries[entry.key] = entry
        short = record.path.partition("/")[2]
        paths = {record.path, short, record.path.rpartition("/")[2], record.file or ""}
        names = {"id": {record.id}, "path": paths - {""}, "pixels": {record.pixels} if record.pixels else set()}
        for kind, texts in names.items():
            for text in texts:
                self.by[kind].setdefault(text, []).append(entry)

    def find(self, row: Row) -> Entry | int:
        """The one picture that a label means, or how many it could mean."""
        most = 0
        for column, name in row.names.items():
            kinds = ("path", "id") if column in ("path", "file") else (column,)
            for kind in kinds:
                found = self.by[kind].get(name, [])
                if len(found) == 1:
                    return found[0]
                most = max(most, len(found))
        return most


def facts_of(measure: str) -> Measure:
    """The fact sheet of a measure of a picture. Raises UsageError for anything else."""
    checker, _, name = measure.partition(".")
    facts = checkers.get(checker)
    if hasattr(facts, "aggregate"):
        raise UsageError(f"--measure {measure}: is measured over the set; calibrate a measure of a picture")
    known: dict[str, Measure] = {one.name: one for one in facts.measures}
    if name not in known:
        raise UsageError(f"unknown measure {measure!r}; the checker {checker!r} measures: {', '.join(known)}")
    return known[name]


def read_runs(paths: Sequence[Path], measure: str) -> Known:
    """The pictures of runs, and their values of a measure."""
    known = Known()
    checker, _, name = measure.partition(".")
    for number, path in enumerate(paths):
        folder = RunFolder.open(path)
        for record in folder.read_images():
            found = next((one for one in record.findings if one.checker == checker), None)
            known.add(_entry((number, record.id), record, found, name), record)
        lines = folder.path / "images.jsonl"
        known.origins.append(Origin(name=path.resolve().name, kind="run", sha256=digest_file(lines)))
    if paths and all(entry.facts is None for entry in known.entries.values()):
        raise UsageError(f"{paths[0]}: the check {checker!r} did not run; give a run that measured {measure}")
    return known


def _entry(key: tuple[int, str], record: ImageRecord, found: Finding | None, name: str) -> Entry:
    group = record.case or record.prompt or f"{key[0]} {key[1]}"
    if found is None or found.outcome != "measured" or name not in found.measures:
        return Entry(key, None, group, None if found is None else (found.version, None))
    return Entry(key, found.measures[name], group, (found.version, found.labels.get("model")))


def joined(labels: Labels | None, known: Known, version: str | None = None) -> Joined:
    """One item a picture. Raises UsageError where labels and runs do not fit together."""
    origins = list(known.origins)
    if labels is None:
        return _all_of(known, origins)
    origins.insert(0, Origin(name=labels.path.name, kind="labels", sha256=labels.sha256))
    placed = _placed(labels, known)
    items, divided, untold = [], 0, 0
    for name, rows in placed.items():
        entry = known.entries.get(name) if not isinstance(name, str) else None
        said, value = _agreed(rows), entry.value if entry is not None else rows[0].value
        if value is None:
            untold += 1
        elif said is None and labels.kind != "none":
            divided += 1
        else:
            group = entry.group if entry is not None else rows[0].group or str(name)
            items.append(Item(str(name), value, said, group))
    counts = {**labels.counts, "presumed": _presumed(placed), "untold": untold, "divided": divided}
    used = [known.entries[name] for name in placed if not isinstance(name, str)]
    told, model = _one_kind([entry for entry in used if entry.value is not None])
    grouped = bool(known.entries) or any(row.group for row in labels.rows)
    return Joined(
        tuple(items), tuple(origins), {name: count for name, count in counts.items() if count},
        told or version, model, _raters(labels, placed), grouped,
    )  # fmt: skip


def _all_of(known: Known, origins: Sequence[Origin]) -> Joined:
    entries = list(known.entries.values())
    told = [entry for entry in entries if entry.value is not None]
    version, model = _one_kind(told)
    items = tuple(Item(str(entry.key), entry.value or 0.0, None, entry.group) for entry in told)
    untold = len(entries) - len(told)
    return Joined(items, tuple(origins), {"untold": untold} if untold else {}, version, model)


def _one_kind(entries: Sequence[Entry]) -> tuple[str | None, str | None]:
    """The one version and model that measured. Raises UsageError where there are several."""
    kinds = sorted({entry.facts for entry in entries if entry.facts is not None}, key=str)
    if len(kinds) > 1:
        told = "; ".join(f"version {version}" + (f", model {model}" if model else "") for version, model in kinds)
        raise UsageError(f"the values were measured in different ways ({told}); calibrate each by itself")
    return kinds[0] if kinds else (None, None)


def _placed(labels: Labels, known: Known) -> dict[Any, list[Row]]:
    """The labels of each picture: by its place in a run, or by its name where no run is given."""
    placed: dict[Any, list[Row]] = {}
    unknown: list[Row] = []
    for row in labels.rows:
        if known.entries:
            found = known.find(row)
            if not isinstance(found, Entry):
                if found:
                    raise UsageError(
                        f"{labels.path}:{row.line}: {_name(row)!r} could be {found} pictures of the runs; name it by "
                        "its id, or by the digest of its pixels in a column 'pixels'"
                    )
                unknown.append(row)
                continue
            _check_value(labels, row, found)
            placed.setdefault(found.key, []).append(row)
        else:
            placed.setdefault(_name(row), []).append(row)
    if unknown:
        names = ", ".join(repr(_name(row)) for row in unknown[:_SHOWN]) + (", ..." if len(unknown) > _SHOWN else "")
        many = f"{len(unknown)} pictures are" if len(unknown) > 1 else "a picture is"
        raise UsageError(f"{labels.path}: {many} in no run that was given: {names}; give their run")
    if not known.entries and all(row.value is None for row in labels.rows):
        raise UsageError(f"{labels.path}: holds no values to calibrate; give the RUN that measured, or --score COLUMN")
    for rows in placed.values():
        _check_once(labels, rows)
    return placed


def _name(row: Row) -> str:
    return next(iter(row.names.values()))


def _check_value(labels: Labels, row: Row, entry: Entry) -> None:
    if row.value is not None and (entry.value is None or abs(row.value - entry.value) > _SAME):
        raise UsageError(
            f"{labels.path}:{row.line}: {_name(row)!r} has the value {row.value:g}, and the run says "
            f"{'nothing' if entry.value is None else f'{entry.value:g}'}; give the run that these labels are of"
        )


def _check_once(labels: Labels, rows: Sequence[Row]) -> None:
    seen: dict[str | None, int] = {}
    for row in rows:
        if row.rater in seen:
            who = f" by {row.rater}" if row.rater else ""
            raise UsageError(
                f"{labels.path}:{row.line}: {_name(row)!r} is labelled{who} a second time, first in line "
                f"{seen[row.rater]}; keep one, or name who labelled in a column 'rater'"
            )
        seen[row.rater] = row.line


def _agreed(rows: Sequence[Row]) -> Said | None:
    """What people say together: the majority, None where they are divided; the mean of numbers."""
    said = [row.said for row in rows if row.said is not None]
    if not said:
        return None
    if all(isinstance(one, bool) for one in said):
        yes = sum(said)
        return None if yes * 2 == len(said) else yes * 2 > len(said)
    return float(sum(said) / len(said))


def _presumed(placed: Mapping[Any, Sequence[Row]]) -> int:
    return sum(all(row.presumed for row in rows) for rows in placed.values())


def _raters(labels: Labels, placed: Mapping[Any, Sequence[Row]]) -> Estimate | None:
    """Krippendorff's alpha of those who judged the same pictures."""
    if labels.kind != "classes":
        return None
    agreed = krippendorff_alpha(list(_ratings(placed)))
    if isinstance(agreed, Abstained):
        return None
    return Estimate(value=round(agreed.value, 6), interval=_rounded(agreed.interval), of=agreed.units)


def _ratings(placed: Mapping[Any, Sequence[Row]]) -> Iterator[list[str]]:
    for rows in placed.values():
        yield ["yes" if row.said else "no" for row in rows if row.said is not None]


def _rounded(interval: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if interval is None else (round(interval[0], 6), round(interval[1], 6))


def shares(items: Sequence[Item]) -> Counter[str]:
    """How many pictures each group has."""
    return Counter(item.group for item in items)
