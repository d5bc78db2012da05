"""Small run folders for exports: pictures and findings that a test chooses, written through the code of every run."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from imgaudit.digest import digest_file
from imgaudit.engine.inline import PictureRow
from imgaudit.pictures import decode
from imgaudit.pipeline import GROUPS, finish
from imgaudit.record import RunInfo
from imgaudit.rubric import load_rubric
from imgaudit.store.runfolder import RunFolder, finding_row
from imgaudit.types import Case, Evidence, Finding, ImageRecord, Line, Polyline, Region, Source

SIDE = 32
SOURCE = Source(generator="brush", model="brush-1", seed=7, prompt="a kite", parse="complete")
ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Drawn:
    """One picture of a run. `blur` above what the rubric allows makes it an edit; `data` replaces what is painted."""

    id: str
    case: str | None = None
    seed: int | None = 0
    match: float | None = 0.9
    worst: float | None = None
    blur: float = 0.0
    findings: tuple[Finding, ...] = ()
    data: bytes | None = None
    path: str | None = None
    source: Source = SOURCE


def painted(name: str, kind: str = "PNG") -> bytes:
    """A small picture of flat fields that `name` seeds."""
    numbers = np.random.default_rng(list(name.encode("utf-8", "surrogatepass")))
    fields = numbers.integers(0, 255, (2, 2, 3), np.uint8).repeat(SIDE // 2, 0).repeat(SIDE // 2, 1)
    stream = io.BytesIO()
    Image.fromarray(fields).save(stream, kind, **({"quality": 95} if kind == "JPEG" else {}))
    return stream.getvalue()


def lenient(folder: Path) -> Path:
    """The rubric `publish` without what it requires, since these runs have two checkers alone."""
    value = yaml.safe_load((ROOT / "rubrics" / "publish.yaml").read_text())
    value["name"] = "lenient"
    for entry in value["dimensions"].values():
        entry["required"] = False
    target = folder / "lenient.yaml"
    target.write_text(yaml.safe_dump(value, sort_keys=False))
    return target


def store(path: Path, pictures: Sequence[Drawn], kind: str = "run", roots: Sequence[Path] = ()) -> Path:
    """A finished run of these pictures, judged by the rubric `lenient`, whose file lies beside the run."""
    folder = RunFolder(path)
    path.mkdir(parents=True)
    rows = [_row(folder, place, one, kind, roots) for place, one in enumerate(pictures)]
    renders = [
        {**row.model_dump(include={"id", "path", "file", "pixels", "width", "height", "seed"}), "case": row.case.id,
         "refused": None, "payload": row.model_dump_json()}
        for row in rows
    ]  # fmt: skip
    found = [finding_row(one.id, finding) for one in pictures for finding in _findings(one)]
    folder.write_part("findings", "000000", found)
    folder.write_part("renders", "000000", renders)
    folder.write_part("findings", GROUPS, ())
    folder.write_lines("groups.jsonl", ())
    rubric = load_rubric(str(lenient(path.parent)))
    info = RunInfo(
        imgaudit="0.1.0", kind=kind, started="2026-11-24T09:00:00+00:00", rubric=rubric.info(),
        request={"kind": kind, "pictures": [one.id for one in pictures]},
        generator={"spec": "brush"} if kind == "run" else None, checkers={"adherence": "1", "quality": "1"},
    )  # fmt: skip
    folder.write_text("run.json", info.model_dump_json(indent=1))
    if roots:
        folder.write_roots(roots)
    finish(folder, rubric)
    return path


def _row(folder: RunFolder, place: int, one: Drawn, kind: str, roots: Sequence[Path]) -> PictureRow:
    data = one.data if one.data is not None else painted(one.id)
    path = one.path or (f"pictures/{place:04d}.png" if kind == "run" else f"r0/{place:04d}.png")
    where = folder.path / path if kind == "run" else roots[0] / path.partition("/")[2]
    where.parent.mkdir(parents=True, exist_ok=True)
    where.write_bytes(data)
    seen, _ = decode(data, "picture")
    return PictureRow(
        id=one.id, path=path, file=seen.file, pixels=seen.pixels, width=seen.width, height=seen.height,
        prompt="a kite", case=Case(id=(one.case or f"{one.id}?")[:200], prompt="a kite"), on_suite=one.case is not None,
        generated=kind == "run", seed=one.seed if kind == "run" else None,
        source=one.source if kind == "run" else Source(),
    )  # fmt: skip


def _findings(one: Drawn) -> tuple[Finding, ...]:
    measures = {"match": one.match, "worst_clause": one.worst}
    known = {name: value for name, value in measures.items() if value is not None}
    match = Finding(checker="adherence", version="1", outcome="measured", measures=known)
    if not known:
        match = Finding(checker="adherence", version="1", outcome="abstained", reason="no prompt")
    return (
        Finding(checker="load", version="1", outcome="measured", labels={"format": "PNG", "mode": "RGB"}),
        match,
        Finding(checker="quality", version="1", outcome="measured", measures={"blur": one.blur}),
        *one.findings,
    )


def rewrite(run: Path, change: Any) -> None:
    """Change the records of a run as an attacker would who also mends its digests: `change(record) -> record`."""
    lines = [json.loads(line) for line in (run / "images.jsonl").read_text().splitlines()]
    changed = [ImageRecord.model_validate(change(line)).model_dump_json() for line in lines]
    (run / "images.jsonl").write_text("\n".join(changed) + "\n")
    report = json.loads((run / "report.json").read_text())
    report["images_digest"] = digest_file(run / "images.jsonl")
    (run / "report.json").write_text(json.dumps(report))


MASK = "33 2 30 2 957"
"""A square of two by two at x 1, y 1 of a picture of 32 by 32, in COCO's counts."""


def placed() -> tuple[Finding, ...]:
    """Findings with every kind of evidence, some of it outside the picture."""
    square = ((4.0, 4.0), (20.0, 4.0), (20.0, 12.0), (4.0, 12.0))
    return (
        Finding(
            checker="hands", version="1", outcome="measured", measures={"defect": 0.2}, labels={"medium": "photo"},
            codes=("hands.malformed", "hands.extra_finger"),
            regions=(
                Region(label="extra finger of the left hand", box=(2, 3, 10, 20), score=0.9),
                Region(label="left hand", box=(-5, 0, 12, 40)),
                Region(label="nowhere", box=(40, 40, 50, 50)),
            ),
            evidence=Evidence(
                polylines=(
                    Polyline(label="hand 0 thumb", points=((1, 1), (5, 5), (40, 9))),
                    Polyline(label="hand 0 palm", points=((1, 1), (9, 1), (9, 9)), closed=True),
                ),
                masks=(MASK, "1 2 3", "x"),
            ),
        ),
        Finding(
            checker="text", version="1", outcome="measured", measures={"similarity": 1.0},
            regions=(Region(label="headline", box=(4, 4, 20, 12), polygon=square, score=0.8),),
            evidence=Evidence(lines=(Line(text="=SUM(A1)", polygon=square, score=0.7),)),
        ),
        Finding(checker="skew", version="1", outcome="measured", measures={"tone": 1.0}, labels={"skin_tone": "dark"},
                codes=("skew.secret",), regions=(Region(label="a dark person", box=(0, 0, 9, 9)),)),
    )  # fmt: skip
