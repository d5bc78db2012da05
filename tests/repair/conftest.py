"""Pictures, runs and generators for the tests of repair; no model is loaded for them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from imgaudit.engine.sources import FileSource, SuiteSource
from imgaudit.pipeline import Options, carry_out
from imgaudit.record import FinishedRun, SuiteInfo
from imgaudit.repair.running import Asked, Repaired, repair
from imgaudit.rubric import Rubric, load_rubric
from imgaudit.suites.prompts_file import read_prompts
from imgaudit.types import Case, Controls, Job, Refused, Rendered, Source

CHECKS = ("quality", "provenance")


def light() -> Rubric:
    """The packaged rubric without the demand that writing was read, so that most tests need no model at all."""
    value = load_rubric("publish").model_dump()
    value["name"] = "light"
    value["dimensions"]["text"]["required"] = False
    return Rubric.model_validate(value)


RUBRIC = light()


def scene(seed: int, side: int = 160) -> Image.Image:
    """A lit, sharp picture of plain things, with which no check finds fault."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side] / side
    ground = np.dstack([150 + 60 * columns, 160 + 40 * rows, 190 - 40 * rows * columns])
    picture = Image.fromarray((ground + random.normal(0, 1.2, ground.shape)).clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for _ in range(6):
        x, y, r = random.integers(20, side - 20), random.integers(20, side - 20), random.integers(8, 18)
        colour = tuple(int(c) for c in random.integers(20, 235, 3))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
        draw.rectangle((y - r // 2, x - r // 2, y + r // 2, x + r // 2), fill=colour[::-1])
    return picture


def darkened(picture: Image.Image, factor: float = 0.14) -> Image.Image:
    return picture.point(lambda value: int(value * factor))


@dataclass
class Painter:
    """A generator that paints scenes: those of the given seed indexes far too dark."""

    dark: frozenset[int] = frozenset()
    refuses: frozenset[int] = frozenset()
    drawn: list[str] = field(default_factory=list)
    stop_after: int | None = None
    sends_bytes: bool = False

    name, title = "painter", "painter"

    def identity(self) -> dict[str, Any]:
        return {"model": "painter"}

    def render(self, jobs: Sequence[Job]) -> Iterator[Rendered | Refused]:
        for job in jobs:
            if self.stop_after is not None and len(self.drawn) >= self.stop_after:
                raise KeyboardInterrupt
            self.drawn.append(job.id)
            if job.index in self.refuses:
                yield Refused(job, "the safety filter withheld it")
                continue
            picture = scene(job.seed)
            source = Source(generator="painter", seed=job.seed, prompt=job.case.prompt, steps=1, parse="complete")
            picture = darkened(picture) if job.index in self.dark else picture
            data = io.BytesIO()
            picture.save(data, "PNG", optimize=True)
            yield Rendered(job, picture, source, data.getvalue() if self.sends_bytes else None)


def painted_run(folder: Path, painter: Painter, cases: int = 2, seeds: int = 2) -> FinishedRun:
    numbers = tuple(range(seeds))
    info = SuiteInfo(name="made", digest="0" * 64, cases=cases, seeds=numbers)
    suite = [Case(id=f"case-{i}", prompt=f"a thing {i}") for i in range(cases)]
    source = SuiteSource(info, suite, numbers, Controls(), "painter", painter, batch_size=4)
    return carry_out(source, Options(folder, RUBRIC, CHECKS))


def audited_run(
    folder: Path, pictures: Path, rows: Sequence[dict[str, Any]] = (), checks: Sequence[str] = CHECKS
) -> FinishedRun:
    prompts = None
    if rows:
        (folder.parent / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        prompts = read_prompts(folder.parent / "prompts.jsonl")
    source = FileSource.of([pictures], prompts, all_files=False)
    return carry_out(source, Options(folder, RUBRIC, tuple(checks)))


def asked(run: Path, painter: Painter | None = None, **more: Any) -> Asked:
    def build(spec: str) -> Any:
        assert painter is not None, f"{spec} was asked for and no model is to be loaded"
        return painter

    return Asked(run=run, out=more.pop("out", run / "repairs"), rubric=RUBRIC, build=build, **more)


def repaired(run: Path, painter: Painter | None = None, **more: Any) -> Repaired:
    return repair(asked(run, painter, **more))


def lettering(words: str, at: tuple[int, int] = (40, 60), size: int = 40, ink: Any = (150, 20, 30)) -> Image.Image:
    """A poster with a line of writing on a plain ground, and a picture beside it."""
    picture = Image.new("RGB", (600, 180), (240, 235, 220))
    picture.paste(scene(11), (430, 10))
    ImageDraw.Draw(picture).text(at, words, fill=ink, font=ImageFont.load_default(size))
    return picture


@pytest.fixture
def files_of() -> Callable[[Path], dict[str, bytes]]:
    """All files below a folder by their path, but for run.json, which holds clock times."""

    def read(folder: Path) -> dict[str, bytes]:
        found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        return {name: path.read_bytes() for name, path in sorted(found.items()) if not name.endswith("run.json")}

    return read
