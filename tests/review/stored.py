"""Run folders for tests of the review page, written through the same code as any run."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import yaml
from PIL import Image
from reporters.made import made

from imgaudit.digest import digest
from imgaudit.engine.inline import PictureRow
from imgaudit.pictures import decode
from imgaudit.pipeline import GROUPS, finish
from imgaudit.record import FinishedRun, RunInfo, SuiteInfo
from imgaudit.rubric import Rubric, load_rubric
from imgaudit.store.runfolder import RunFolder, finding_row
from imgaudit.types import Case, Finding, ImageRecord, Source

ROOT = Path(__file__).parent.parent.parent
ALARM = Finding(checker="quality", version="1", outcome="measured", measures={"blur": 0.9, "dark": 0.0, "bright": 0.0},
                codes=("quality.blur",), message="blurred all over")  # fmt: skip
FINE = Finding(checker="quality", version="1", outcome="measured", measures={"blur": 0.0, "dark": 0.0, "bright": 0.0})

READ = Finding(checker="text", version="1", outcome="measured",
               measures={"similarity": 1.0, "cer": 0.0, "gibberish": 0.0, "misspelt": 0.0})  # fmt: skip

SAID = Finding(checker="provenance", version="1", outcome="measured", measures={"ai_disclosed": 1.0},
               labels={"c2pa_state": "none", "c2pa_trust": "none"})  # fmt: skip


def two_people_rubric(folder: Path) -> Path:
    """The rules of `publish` with nothing required, where two people must agree before anything is published."""
    value = yaml.safe_load((ROOT / "rubrics" / "publish.yaml").read_text())
    value["name"] = "two"
    for entry in value["dimensions"].values():
        entry["required"] = False
    value["review"] = {"two_people": ["publish"], "because": "what is published cannot be taken back"}
    path = folder / "two.yaml"
    path.write_text(yaml.safe_dump(value, sort_keys=False))
    return path


def gallery(path: Path, change: Callable[[ImageRecord], ImageRecord] = lambda record: record) -> Path:
    """The 24 pictures of tests/reporters/made.py as a run folder, judged by the rubric `publish`."""
    run = made()
    files = {record.id: run.picture(record) for record in run.images}
    return write(path, [change(record) for record in run.images], files, load_rubric("publish"))


def alike(run: Path, generator: str, paint: Callable[[Image.Image], Image.Image]) -> Path:
    """A run of the same cases and seeds beside `run`, whose pictures are painted otherwise."""
    first = made()
    files: dict[str, bytes | None] = {}
    for record in first.images:
        data = first.picture(record)
        try:
            stream = io.BytesIO()
            if data is not None:
                paint(Image.open(io.BytesIO(data)).convert("RGB")).save(stream, "PNG")
            files[record.id] = stream.getvalue() or None
        except OSError:
            files[record.id] = None
    other = replace(first, run=first.run.model_copy(update={"generator": {"spec": generator}}))
    return write(run, [record for record in first.images if record.case], files, load_rubric("publish"), other)


def plain(path: Path, count: int = 6, rubric: Rubric | None = None, side: int = 48, alarms: int = 3) -> Path:
    """A run of `count` small pictures of two cases; on the first `alarms` of them a check complains."""
    records, files = [], {}
    for place in range(count):
        name = f"{('one', 'two')[place % 2]}#{place // 2}"
        stream = io.BytesIO()
        Image.new("RGB", (side, side), (40 * place % 255, 90, 200 - 20 * place % 200)).save(stream, "PNG")
        files[name] = stream.getvalue()
        records.append(
            made().images[0].model_copy(
                update={"id": name, "path": f"pictures/{place}.png", "case": name.partition("#")[0], "seed": place // 2,
                        "prompt": f"a plain field, number {place}", "source": Source(generator="brush", seed=place),
                        "findings": (ALARM if place < alarms else FINE, READ, SAID)}
            )
        )  # fmt: skip
    return write(path, records, files, rubric or load_rubric("publish"))


def write(
    path: Path,
    records: Sequence[ImageRecord],
    files: dict[str, bytes | None],
    rubric: Rubric,
    like: FinishedRun | None = None,
) -> Path:
    """A finished run of these records; files of audited pictures lie beside it."""
    folder = RunFolder(path)
    path.mkdir(parents=True)
    audited = path.with_name(f"{path.name}-files")
    audited.mkdir(exist_ok=True)
    folder.write_roots([audited])
    renders, findings = [], []
    for place, record in enumerate(records):
        row = _row(record, files.get(record.id), place)
        if (data := files.get(record.id)) is not None:
            target = path / row.path if row.path.startswith("pictures/") else audited / row.path.partition("/")[2]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        kept = row.model_dump(include={"id", "path", "file", "pixels", "width", "height", "seed"})
        renders.append({**kept, "case": row.case.id, "refused": None, "payload": row.model_dump_json()})
        findings += [finding_row(row.id, finding) for finding in record.findings]
    folder.write_part("findings", "000000", findings)
    folder.write_part("renders", "000000", renders)
    folder.write_part("findings", GROUPS, ())
    folder.write_lines("groups.jsonl", ())
    told = (like or made()).run
    spec = (told.generator or {}).get("spec", "embedded@2")
    info = told.model_dump() | {"rubric": rubric.info(), "suite": _suite(records), "generator": {"spec": spec}}
    folder.write_text("run.json", RunInfo.model_validate(info).model_dump_json(indent=1))
    finish(folder, rubric)
    return path


def _suite(records: Sequence[ImageRecord]) -> SuiteInfo:
    seeds = tuple(sorted({record.seed for record in records if record.seed is not None}))
    cases = len({record.case for record in records})
    return SuiteInfo(name="Autumn campaign", digest=digest("made"), cases=cases, seeds=seeds)


def _row(record: ImageRecord, data: bytes | None, place: int) -> PictureRow:
    seen = decode(data, record.id)[0] if data is not None else None
    known = seen is not None and seen.rgb is not None
    at = f"pictures/{place:02d}.png" if record.case else f"r0/{record.id.removeprefix('r0/')}"
    return PictureRow(
        id=record.id, path=at, file=seen.file if seen else digest(["file", place]),
        pixels=seen.pixels if seen else digest(["pixels", place]), width=seen.width if seen and known else record.width,
        height=seen.height if seen and known else record.height, prompt=record.prompt,
        case=Case(id=(record.case or record.id)[:200], prompt=record.prompt), on_suite=record.case is not None,
        generated=record.case is not None, seed=record.seed, source=record.source,
    )  # fmt: skip


def full_disk() -> SimpleNamespace:
    """The module `os` as a full disk makes it: half of a write arrives, then no more."""

    def write_half(handle: int, data: bytes) -> int:
        os.write(handle, bytes(data)[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    return SimpleNamespace(**{**vars(os), "write": write_half})
