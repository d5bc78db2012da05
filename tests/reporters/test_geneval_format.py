"""results.jsonl is what GenEval's own evaluation writes, and its summary reads it; what was not told is not in it."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import made
from PIL import Image

from imgaudit.cli import run as imgaudit
from imgaudit.embedded import world
from imgaudit.record import FinishedRun
from imgaudit.reporters.geneval import GenEvalReporter, metadata
from imgaudit.suites.load import import_suite, load_suite
from imgaudit.types import Case, Decision, Expect, ExpectedObject, Finding, ImageRecord, Region, Source, Verdict

KEYS = ["filename", "tag", "prompt", "correct", "reason", "metadata", "details"]
BENCH = Case(id="00000", prompt="a photo of a bench", tags=("single_object",),
             expect=Expect(objects=(ExpectedObject(name="bench"),)))  # fmt: skip
CLOCKS = Case(id="00001", prompt="a photo of two clocks", tags=("counting",),
              expect=Expect(objects=(ExpectedObject(name="clock", count=2),)))  # fmt: skip


def objects(correct: float | None, reason: str = "all there", **more: Any) -> Finding:
    measures = {"found": 1.0} if correct is None else {"correct": correct}
    unmeasured = {"correct": f"undetermined: {reason}"} if correct is None else {}
    return Finding(checker="objects", version="1", outcome="measured", measures=measures, unmeasured=unmeasured,
                   labels={"reason": reason}, **more)  # fmt: skip


def record(case: Case, seed: int, *findings: Finding) -> ImageRecord:
    return ImageRecord(
        id=f"{case.id}#{seed}", path=f"pictures/{case.id}_{seed:04d}.png", pixels=None, file=None, width=64, height=64,
        prompt=case.prompt, case=case.id, seed=seed, source=Source(), findings=findings,
        verdict=Verdict(machine=Decision.PUBLISH, final=Decision.PUBLISH),
    )  # fmt: skip


def finished(
    images: Sequence[ImageRecord], cases: Sequence[Case], refused: dict[str, int] | None = None
) -> FinishedRun:
    known = {case.id: case for case in cases}
    return replace(made(), images=tuple(images), cases=known, refusals=refused or {})


def written(run: FinishedRun) -> list[dict[str, Any]]:
    stream = io.BytesIO()
    GenEvalReporter().write(run, stream)
    return [json.loads(line) for line in stream.getvalue().decode().splitlines()]


def summarised(path: Path) -> dict[str, Any]:
    """GenEval's summary, done anew from what its page says: means over images, prompts by metadata, tasks by tag."""
    import pandas as pd

    table = pd.read_json(path, orient="records", lines=True)
    tasks = {str(tag): float(group["correct"].mean()) for tag, group in table.groupby("tag", sort=False)}
    return {
        "images": len(table),
        "prompts": len(table.groupby("metadata")),
        "correct images": float(table["correct"].mean()),
        "correct prompts": float(table.groupby("metadata")["correct"].any().mean()),
        "tasks": tasks,
        "overall": sum(tasks.values()) / len(tasks),
    }


def test_a_line_has_genevals_keys_in_its_order() -> None:
    box = Region(label="red bench", box=(1, 2, 3, 4), score=0.9)
    unsure = Region(label="bench?", box=(5, 6, 7, 8), score=0.2)
    run = finished([record(BENCH, 0, objects(1.0, regions=(unsure, box)))], [BENCH])

    [line] = written(run)

    assert list(line) == KEYS
    assert line == {
        "filename": "pictures/00000_0000.png", "tag": "single_object", "prompt": "a photo of a bench", "correct": True,
        "reason": "",
        "metadata": '{"tag": "single_object", "include": [{"class": "bench", "count": 1}], '
                    '"prompt": "a photo of a bench"}',
        "details": '{"bench": [[1.0, 2.0, 3.0, 4.0, 0.9]]}',
    }  # fmt: skip


def test_a_wrong_picture_says_why_in_genevals_words() -> None:
    run = finished([record(CLOCKS, 0, objects(0.0, "expected clock>=2, found 1"))], [CLOCKS])

    [line] = written(run)

    assert (line["correct"], line["reason"]) == (False, "expected clock>=2, found 1")


def test_what_was_not_told_is_left_out_and_counted_and_never_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    silent = Finding(checker="objects", version="1", outcome="abstained", reason="no detector")
    broken = Finding(checker="objects", version="1", outcome="failed", error="out of memory")
    other = Case(id="x", prompt="a mood")
    images = [
        record(BENCH, 0, objects(1.0)), record(BENCH, 1, objects(None, "one box at 0.2")), record(BENCH, 2, silent),
        record(BENCH, 3, broken), record(BENCH, 4), record(other, 0, silent), record(CLOCKS, 0, silent),
    ]  # fmt: skip

    lines = written(finished(images, [BENCH, CLOCKS, other], {"00001": 2}))

    told = capsys.readouterr().err
    assert [line["filename"] for line in lines] == ["pictures/00000_0000.png"]
    assert told.startswith("results.jsonl: 8 pictures left out, neither right nor wrong: ")
    for words in ("2 x no detector", "1 x undetermined", "1 x out of memory", "2 x no picture was made"):
        assert words in told


def test_nothing_is_said_where_nothing_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(written(finished([record(BENCH, 0, objects(1.0))], [BENCH]))) == 1
    assert capsys.readouterr().err == ""


def test_a_run_that_looked_for_no_objects_gives_an_empty_file_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert written(made()) == []
    assert "pictures left out" in capsys.readouterr().err


def test_hostile_reasons_and_prompts_stay_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    evil = BENCH.model_copy(update={"prompt": "a\nb\u2028c\x1b[31m"})
    silent = Finding(checker="objects", version="1", outcome="abstained", reason="\x1b[2J\nred")
    images = [record(evil, 0, objects(0.0, "x\ny")), record(evil, 1, silent)]
    stream = io.BytesIO()

    GenEvalReporter().write(finished(images, [evil]), stream)

    assert len(stream.getvalue().splitlines()) == 1
    assert json.loads(stream.getvalue())["prompt"] == evil.prompt
    assert capsys.readouterr().err.count("\n") == 1


def test_the_metadata_is_genevals_own_line_byte_for_byte(corpora: Path) -> None:
    path = corpora / "prompts" / "geneval" / "prompts" / "evaluation_metadata.jsonl"
    if not path.is_file():
        pytest.skip(f"no GenEval prompts at {path}")

    lines = [json.dumps(metadata(case)) for case in import_suite(path).cases]

    assert lines == path.read_text(encoding="utf-8").splitlines()


def test_genevals_summary_reads_the_file(tmp_path: Path) -> None:
    images = [record(BENCH, seed, objects(float(seed < 3))) for seed in range(4)]
    images += [record(CLOCKS, seed, objects(0.0, "expected clock>=2, found 1")) for seed in range(4)]
    images.append(record(CLOCKS, 4, objects(None)))
    path = tmp_path / "results.jsonl"
    with path.open("wb") as stream:
        GenEvalReporter().write(finished(images, [BENCH, CLOCKS]), stream)

    assert summarised(path) == {
        "images": 8, "prompts": 2, "correct images": 0.375, "correct prompts": 0.5,
        "tasks": {"single_object": 0.75, "counting": 0.0}, "overall": 0.375,
    }  # fmt: skip


# --- a folder in GenEval's layout, from pictures to summary ----------------------------------------------------------


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, bool]]:
    """A folder as GenEval's script renders it, its prompts, and for each picture whether it was drawn as asked."""
    root = tmp_path_factory.mktemp("geneval")
    random = np.random.default_rng(7)
    known = (case for case in load_suite("shapes").cases if case.expect.objects)
    chosen = [case for case in known if world.parse(case.prompt or "")][:24]
    prompts, truth = [], {}
    for number, case in enumerate(chosen):
        scene = world.parse(case.prompt or "")
        assert scene is not None
        wrong = world.foils(scene, ("colour", "shape", "count"))[0].scene
        samples = root / "out" / f"{number:05d}" / "samples"
        samples.mkdir(parents=True)
        line = json.dumps(metadata(case))
        (samples.parent / "metadata.jsonl").write_text(line)
        prompts.append(line)
        for sample, shown in enumerate((scene, wrong)):
            Image.fromarray(world.draw(world.place(shown, random), 256)).save(samples / f"{sample:05d}.png")
            truth[f"{number:05d}/samples/{sample:05d}.png"] = shown is scene
    path = root / "evaluation_metadata.jsonl"
    path.write_text("\n".join(prompts) + "\n")
    return root / "out", path, truth


def test_a_folder_in_genevals_layout_is_scored_and_summarised(
    rendered: tuple[Path, Path, dict[str, bool]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, suite, truth = rendered

    assert imgaudit(["audit", str(folder), "--suite", str(suite), "--checks", "objects", "--out", str(tmp_path / "run"),
                     "--no-cache", "--format", "geneval"]) in (0, 1, 3, 4)  # fmt: skip

    lines = [json.loads(line) for line in (tmp_path / "run" / "results.jsonl").read_text().splitlines()]
    told = {line["filename"].removeprefix("r0/"): line["correct"] for line in lines}
    left_out = len(truth) - len(told)
    assert f"{left_out} picture" in capsys.readouterr().err or not left_out
    assert left_out <= len(truth) // 10
    right = sum(told[name] == truth[name] for name in told)
    assert right / len(told) >= 0.97
    summary = summarised(tmp_path / "run" / "results.jsonl")
    assert summary["images"] == len(told)
    assert summary["prompts"] == 24


def test_the_same_folder_served_as_a_generator_gives_the_same_answers(
    rendered: tuple[Path, Path, dict[str, bool]], tmp_path: Path
) -> None:
    folder, suite, truth = rendered
    run = str(tmp_path / "run")

    assert imgaudit(["run", str(suite), "--generator", f"folder:{folder}", "--seeds", "0-1", "--checks", "objects",
                     "--out", run, "--no-cache", "--format", "geneval"]) in (0, 1, 3, 4)  # fmt: skip
    assert imgaudit(["report", run, "--format", "geneval"]) in (0, 1, 3, 4)

    lines = [json.loads(line) for line in (tmp_path / "run" / "results.jsonl").read_text().splitlines()]
    told = {line["filename"]: line["correct"] for line in lines}
    names = {f"pictures/{name[:5]}_{int(name[-9:-4]):04d}.png": shown for name, shown in truth.items()}
    assert set(told) <= set(names)
    assert sum(told[name] == names[name] for name in told) / len(told) >= 0.97
