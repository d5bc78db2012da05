"""Runs of any length that nobody rendered, written by the store as the pipeline writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from imgaudit.digest import digest
from imgaudit.engine.inline import PictureRow
from imgaudit.pipeline import GROUPS, finish
from imgaudit.record import RunInfo, SuiteInfo
from imgaudit.rubric import Rubric, load_rubric
from imgaudit.store.runfolder import RunFolder, finding_row
from imgaudit.types import Case, Evidence, Finding, Line, Region, Source

CHUNK = 16
STRATA = ("relation", "count", "binding", "single", "text")


def write_run(path: Path, cases: int, seeds: int, luck: int, loss: float = 0.0) -> Path:
    """A run of `cases` x `seeds` pictures with every measure that the rubric `publish` compares (20).

    Args:
        path: the run folder.
        cases: their number, in five strata.
        seeds: of each case.
        luck: draws other scores.
        loss: on adherence, in the stratum `relation`.
    """
    rubric = load_rubric("publish")
    random = np.random.default_rng(luck)
    folder = RunFolder.create(path, {"luck": luck})
    rows = [(f"case-{case:05d}", seed) for case in range(cases) for seed in range(seeds)]
    for start in range(0, len(rows), CHUNK):
        name = f"{start // CHUNK:06d}"
        made = [_row(case, seed) for case, seed in rows[start : start + CHUNK]]
        found = [finding_row(row.id, f) for row in made for f in _findings(row, rubric, random, loss)]
        folder.write_part("findings", name, found)
        folder.write_part("renders", name, [_stored(row) for row in made])
    folder.write_part("findings", GROUPS, [])
    folder.write_lines("groups.jsonl", [])
    folder.write_text("run.json", _info(rubric, cases, seeds).model_dump_json())
    first = path / "pictures" / "first.png"
    folder.write_bytes("pictures/first.png", b"no picture: a comparison of scores looks at none")
    for case, seed in rows:
        (path / _place(case, seed)).hardlink_to(first)
    finish(folder, rubric)
    folder.clear_work()
    return path


def _place(case: str, seed: int) -> str:
    return f"pictures/{case}_{seed:04d}.png"


def _row(case: str, seed: int) -> PictureRow:
    number = int(case[-5:])
    asked = Case(id=case, prompt=f"prompt number {number} of a long suite", tags=(STRATA[number % len(STRATA)],))
    pixels = digest([case, seed])
    return PictureRow(
        id=f"{case}#{seed}", path=_place(case, seed), file=pixels, pixels=pixels, width=512, height=512,
        prompt=asked.prompt, case=asked, on_suite=True, generated=True, seed=seed,
        source=Source(generator="made", seed=seed, prompt=asked.prompt, steps=20, guidance=4.0),
    )  # fmt: skip


def _stored(row: PictureRow) -> dict[str, object]:
    kept = row.model_dump(include={"id", "path", "file", "pixels", "width", "height", "seed"})
    return {**kept, "case": row.case.id, "refused": None, "payload": row.model_dump_json()}


def _findings(row: PictureRow, rubric: Rubric, random: np.random.Generator, loss: float) -> Iterator[Finding]:
    """What a run has on record: measures, and a region and a line of writing as evidence."""
    assert rubric.regression is not None
    names = [*(primary.measure for primary in rubric.regression.primaries), *rubric.regression.secondaries]
    level = (int(row.pixels or "0", 16) % 1000) / 4000
    by_checker: dict[str, dict[str, float]] = {}
    for name in names:
        checker, _, measure = name.partition(".")
        value = 0.2 + level + random.normal(0, 0.05) - (loss if row.case.tags == ("relation",) else 0.0)
        by_checker.setdefault(checker, {})[measure] = round(float(np.clip(value, 0, 1)), 6)
    yield Finding(checker="load", version="1", outcome="measured", labels={"format": "PNG", "mode": "RGB"})
    for checker, measures in sorted(by_checker.items()):
        box = (10.0, 20.0, 110.0, 220.0)
        yield Finding(
            checker=checker, version="1", outcome="measured", measures=measures, by={"eye": digest("eye")},
            regions=(Region(label="a place", box=box, score=0.5),), message="what was found, in a sentence for people",
            evidence=Evidence(lines=(Line(text="WORDS", polygon=((1, 1), (9, 1), (9, 5), (1, 5)), score=0.9),)),
        )  # fmt: skip


def _info(rubric: Rubric, cases: int, seeds: int) -> RunInfo:
    suite = SuiteInfo(name="made", digest=digest("made"), cases=cases, seeds=tuple(range(seeds)))
    return RunInfo(
        imgaudit="0", kind="run", request={}, started="2026-11-24T09:00:00+00:00", suite=suite,
        generator={"spec": "made"}, checkers=dict.fromkeys(("adherence", "hands", "quality", "text"), "1"),
        rubric=rubric.info(),
    )  # fmt: skip
