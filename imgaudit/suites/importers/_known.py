"""Public files by their digests: which file of which commit a copy is, and which of them hold no prompts."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Known:
    """A file of a public repository as it stood at a commit; `refused` says why it is no suite, empty where it is."""

    repo: str
    path: str
    commit: str
    licence: str
    refused: str


def known(sha256: str) -> Known | None:
    """The public file whose bytes have this digest; None where it is not on record."""
    return _records().get(sha256)


@cache
def _records() -> dict[str, Known]:
    with (Path(__file__).parent / "known.csv").open(encoding="utf-8", newline="") as stream:
        return {
            row["sha256"]: Known(row["repo"], row["path"], row["commit"], row["licence"], row["refused"])
            for row in csv.DictReader(stream)
        }
