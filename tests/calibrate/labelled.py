"""Labels and runs that a test chooses: scores of a known quality, and what people say of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from made_runs import Made, make_run

from imgaudit.cli import run as command
from imgaudit.store.runfolder import RunFolder


def scored(count: int, seed: int = 0, apart: float = 2.0, share: float = 0.4) -> tuple[np.ndarray, np.ndarray]:
    """Scores in 0..1 and whether there is a fault: two bell curves that lie `apart` standard deviations apart."""
    generator = np.random.default_rng(seed)
    fault = generator.uniform(size=count) < share
    scores = 1 / (1 + np.exp(-(generator.normal(size=count) + apart * (fault - 0.5))))
    return scores.round(6), fault


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    """A CSV as anyone writes it."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def labelled_csv(path: Path, scores: Sequence[float], fault: Sequence[bool], measure: str = "hands.defect") -> Path:
    """Files with a label and a score each."""
    pairs = enumerate(zip(scores, fault, strict=True))
    rows = [(f"p{number}.png", "yes" if bad else "no", score) for number, (score, bad) in pairs]
    return write_csv(path, ("file", "label", measure), rows)


def scored_run(path: Path, scores: Sequence[float | None], seeds: int = 1, measure: str = "hands.defect") -> Path:
    """A run with one score a picture, `seeds` pictures a case."""
    cases: Mapping[str, Sequence[float | None]] = {
        f"case-{start:03d}": list(scores[start : start + seeds]) for start in range(0, len(scores), seeds)
    }
    return make_run(path, cases, Made(measure=measure))


def ids(run: Path) -> list[str]:
    """The ids of a run's pictures, in its order."""
    return [image.id for image in RunFolder(run).read_images()]


def calibrate(*words: object) -> int:
    """The exit code of `imgaudit calibrate`."""
    return command(["calibrate", *map(str, words)])
