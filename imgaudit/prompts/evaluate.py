"""How well names are found: `python -m imgaudit.prompts.evaluate FILE [--labels LABELS]`.

FILE is JSONL with `text` and `names` (empty where nobody is named) or `codes` (those that are right), or, with LABELS
(row, digest of the prompt, name) beside it, a table whose first column is the prompt or a JSON list of objects with
`prompt`. A prompt counts as found when one of its names or codes is found, by whatever spelling; a prompt that has
neither counts as a false alarm when any name or a child is found in it. *Flagged* counts prompts in which anything
about rights or children is found. Names are also counted together by form, and prompts with children together. All
are also counted without the doubtful findings (`rights.perhaps`,
`rights.described`). Intervals are 95 %, Clopper and Pearson.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imgaudit.prompts.lint import Linter

_NAMING = ("rights.artist", "rights.person", "rights.character", "rights.work", "rights.mark", "rights.agency",
           "rights.tool", "rights.perhaps", "rights.described")  # fmt: skip
_FLAGGED = ("rights.", "people.")
_DOUBTFUL = ("rights.perhaps", "rights.described")
_DIGEST = 12


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled prompt."""

    text: str
    names: frozenset[str]
    group: str
    codes: frozenset[str] = frozenset()
    together: str | None = None


@dataclass
class Tally:
    """Counts of one group."""

    positives: int = 0
    found: int = 0
    flagged: int = 0
    negatives: int = 0
    alarms: int = 0
    names: int = 0
    names_found: int = 0
    missed: tuple[str, ...] = ()
    alarmed: tuple[str, ...] = ()

    @property
    def precision(self) -> tuple[int, int]:
        """Found prompts among those reported."""
        return self.found, self.found + self.alarms

    @property
    def recall(self) -> tuple[int, int]:
        """Found prompts among those that name somebody."""
        return self.found, self.positives


def read(path: Path, labels: Path | None) -> list[Row]:
    """The labelled prompts of a file. Raises ValueError where labels and prompts do not belong together."""
    if labels is None:
        values = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        return [
            Row(
                value["text"], frozenset(value["names"]), _group(value), frozenset(value.get("codes", ())),
                _together(value),
            )
            for value in values
        ]
    prompts = _prompts(path)
    names: dict[int, set[str]] = defaultdict(set)
    for row in csv.DictReader(labels.read_text("utf-8").splitlines(), delimiter="\t"):
        number = int(row["row"])
        if hashlib.sha256(prompts[number - 1].encode()).hexdigest()[:_DIGEST] != row["digest"]:
            raise ValueError(f"{labels}: the label of row {number} was made for another prompt")
        names[number].add(row["name"])
    return [Row(text, frozenset(names[number]), "all") for number, text in enumerate(prompts, start=1)]


def _group(value: dict[str, str]) -> str:
    return " ".join(value[name] for name in ("split", "kind", "form") if name in value)


def _together(value: Mapping[str, Any]) -> str | None:
    """What a row is also counted under: the form of its names whatever their kind, or children whatever their form."""
    if value.get("codes"):
        return "all with children"
    return f"all {value['form']} names" if value["names"] and "form" in value else None


def _prompts(path: Path) -> list[str]:
    text = path.read_text("utf-8")
    if path.suffix == ".json":
        return [str(value["prompt"]) for value in json.loads(text)]
    return [line.split("\t")[0] for line in text.split("\n")[1:] if line]


@dataclass(frozen=True, slots=True)
class Found:
    """What the lint finds in a prompt: names, codes about children, and whether it says anything about rights."""

    names: frozenset[str]
    children: frozenset[str]
    flagged: bool


def found_in(linter: Linter, text: str, doubtful: bool) -> Found:
    """What the lint finds in a prompt, with or without its doubtful findings."""
    kept = [one for one in linter.lint(text).findings if doubtful or one.code not in _DOUBTFUL]
    return Found(
        frozenset(one.name for one in kept if one.code.startswith(_NAMING)),
        frozenset(one.code for one in kept if one.code.startswith("people.")),
        any(one.code.startswith(_FLAGGED) for one in kept),
    )


def tally(rows: Iterable[Row], doubtful: bool) -> dict[str, Tally]:
    """Counts by group and over all."""
    linter = Linter()
    tallies: dict[str, Tally] = defaultdict(Tally)
    for row in rows:
        got = found_in(linter, row.text, doubtful)
        for group in {"all", row.group, *([row.together] if row.together else [])}:
            _add(tallies[group], row, got)
    return dict(tallies)


def _add(count: Tally, row: Row, got: Found) -> None:
    if row.names or row.codes:
        count.positives += 1
        count.names += len(row.names)
        count.names_found += len(got.names & row.names)
        hit = bool(got.names & row.names or got.children & row.codes)
        count.found += hit
        count.flagged += got.flagged
        count.missed += () if hit else (row.text,)
        return
    wrong = sorted(got.names | (got.children if row.group.endswith("negative") else frozenset()))
    count.negatives += 1
    count.alarms += bool(wrong)
    count.alarmed += (f"{row.text} -> {', '.join(wrong)}",) if wrong else ()


def interval(hits: int, of: int) -> tuple[float, float]:
    """95 % interval of a share (Clopper and Pearson)."""
    from scipy.stats import binomtest

    result = binomtest(hits, of).proportion_ci(0.95, method="exact")
    return float(result.low), float(result.high)


def _share(pair: tuple[int, int]) -> str:
    hits, of = pair
    if not of:
        return "none"
    low, high = interval(hits, of)
    return f"{hits}/{of} = {hits / of:.3f} [{low:.3f}, {high:.3f}]"


def lines(rows: Sequence[Row], verbose: bool) -> Iterator[str]:
    """The figures as text."""
    for doubtful in (True, False):
        yield "every level" if doubtful else "without the doubtful (perhaps a name, described)"
        for group, count in sorted(tally(rows, doubtful).items()):
            yield f"  {group:22} precision {_share(count.precision)}; recall {_share(count.recall)}; " + (
                f"flagged {count.flagged} of {count.positives}; false alarms {count.alarms} of {count.negatives}; "
                f"names {count.names_found} of {count.names}"
            )
            if verbose and group == "all":
                yield from (f"    missed: {text}" for text in count.missed)
                yield from (f"    false alarm: {text}" for text in count.alarmed)


def main() -> None:
    """Print the figures of a file."""
    parser = argparse.ArgumentParser(prog="python -m imgaudit.prompts.evaluate", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--labels", type=Path, help="TSV with row, digest, kind, name, note")
    parser.add_argument("--verbose", action="store_true", help="name every miss and every false alarm")
    options = parser.parse_args()
    try:
        rows = read(options.file, options.labels)
    except (OSError, ValueError, KeyError, IndexError) as error:
        parser.error(f"{options.file}: {error}")
    sys.stdout.writelines(f"{line}\n" for line in lines(rows, options.verbose))


if __name__ == "__main__":
    main()
