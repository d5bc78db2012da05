"""Run folders with scores that a test chooses, written through the same code as any run; no model looks at anything."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from imgaudit.digest import digest
from imgaudit.engine.inline import PictureRow
from imgaudit.engine.sources import picture_path
from imgaudit.pictures import decode
from imgaudit.pipeline import GROUPS, finish
from imgaudit.record import RunInfo, SuiteInfo
from imgaudit.rubric import load_rubric
from imgaudit.store.runfolder import RunFolder, finding_row
from imgaudit.types import Case, Controls, Finding, Job, Source

Scores = Mapping[str, Sequence[float | None]]


@dataclass(frozen=True)
class Made:
    """What a run says of itself."""

    measure: str = "adherence.match"
    generator: str = "embedded@2"
    by: str = "clip-1"
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    prompts: Mapping[str, str] = field(default_factory=dict)
    started: str = "2026-11-24T09:00:00+00:00"
    finished: str | None = "2026-11-24T09:01:40+00:00"
    device: str = "cpu"
    paint: int = 0
    first_seed: int = 0


def make_run(path: Path, scores: Scores, made: Made | None = None) -> Path:
    """A finished run of one measure. `scores` holds one score a seed of every case; None abstains."""
    made = made or Made()
    folder = RunFolder(path)
    path.mkdir(parents=True)
    rows = list(_rows(folder, scores, made))
    renders = [
        {**row.model_dump(include={"id", "path", "file", "pixels", "width", "height", "seed"}), "case": row.case.id,
         "refused": None, "payload": row.model_dump_json()}
        for row, _ in rows
    ]  # fmt: skip
    folder.write_part("findings", "000000", [finding_row(row.id, f) for row, found in rows for f in found])
    folder.write_part("renders", "000000", renders)
    folder.write_part("findings", GROUPS, ())
    folder.write_lines("groups.jsonl", ())
    rubric = load_rubric("publish")
    seeds = tuple(sorted({row.seed for row, _ in rows if row.seed is not None}))
    checker = made.measure.partition(".")[0]
    info = RunInfo(
        imgaudit="0.1.0", kind="run", started=made.started, finished=made.finished, rubric=rubric.info(),
        request={"kind": "run", "generator": made.generator, "controls": Controls().model_dump(),
                 "literal_seeds": False, "seeds": list(seeds)},
        suite=SuiteInfo(name="made", digest=digest(sorted(scores)), cases=len(scores), seeds=seeds),
        generator={"spec": made.generator, "device": made.device}, checkers={checker: "1"},
    )  # fmt: skip
    folder.write_text("run.json", info.model_dump_json(indent=1))
    finish(folder, rubric)
    return path


def _rows(folder: RunFolder, scores: Scores, made: Made) -> Iterable[tuple[PictureRow, tuple[Finding, ...]]]:
    for case, values in scores.items():
        for index, value in enumerate(values, made.first_seed):
            yield _row(folder, case, index, made), (_loaded(), _finding(value, made))


def _row(folder: RunFolder, name: str, index: int, made: Made) -> PictureRow:
    prompt = made.prompts.get(name, f"a {name}")
    case = Case(id=name, prompt=prompt, tags=made.tags.get(name, ()))
    data = picture_bytes(f"{name}#{index}#{made.paint}")
    path = picture_path(Job(case, index, 0, Controls()))
    folder.write_bytes(path, data)
    seen, _ = decode(data, name)
    return PictureRow(id=f"{name}#{index}", path=path, file=seen.file, pixels=seen.pixels, width=8, height=8,
                      prompt=prompt, case=case, on_suite=True, generated=True, seed=index,
                      source=Source(generator=made.generator, seed=index))  # fmt: skip


def picture_bytes(name: str) -> bytes:
    """A small PNG of noise that `name` seeds."""
    noise = np.random.default_rng(list(name.encode())).integers(0, 255, (8, 8, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, "PNG")
    return stream.getvalue()


def _loaded() -> Finding:
    return Finding(checker="load", version="1", outcome="measured", labels={"format": "PNG", "mode": "RGB"})


def _finding(value: float | None, made: Made) -> Finding:
    checker, _, name = made.measure.partition(".")
    same = {"checker": checker, "version": "1", "by": {"clip": digest(made.by)}}
    if value is None:
        return Finding(**same, outcome="abstained", reason="could not tell")
    return Finding(**same, outcome="measured", measures={name: round(value, 6)})


def drawn_scores(
    prompts: int, seeds: int, seed: int = 0, shift: float = 0.0, within: float = 0.1
) -> dict[str, list[float]]:
    """Scores in 0..1: a level a prompt, noise a seed."""
    random = np.random.default_rng(seed)
    levels = np.random.default_rng(99).uniform(0.4, 0.9, prompts)
    noise = random.normal(0, within, (prompts, seeds))
    values = np.clip(levels[:, None] + noise + shift, 0, 1)
    return {f"case-{i:03d}": [float(v) for v in row] for i, row in enumerate(values)}
