from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image

from imgaudit.cli import run as imgaudit
from imgaudit.cli.schema import schemas
from imgaudit.engine.sources import SuiteSource
from imgaudit.pipeline import Options, carry_out
from imgaudit.record import SuiteInfo
from imgaudit.rubric import load_rubric
from imgaudit.store.runfolder import RunFolder
from imgaudit.types import Case, Controls, Job, Refused, Rendered, Source

CASES = [
    *(Case(id=f"flat-{n}", prompt=f"flat {n}", tags=("flat",)) for n in range(8)),
    *(Case(id=f"fine-{n}", prompt=f"fine {n}", tags=("fine",)) for n in range(8)),
]
RUBRIC = """
  primaries:
    - {measure: quality.dark, margin: 0.05, least: 0.02, because: "pictures must not get darker"}
"""


class Painter:
    """Paints bright noise; `dark` lists the tags that it paints dark."""

    name, title = "painter", "painter"

    def __init__(self, dark: tuple[str, ...] = ()) -> None:
        self.dark = dark

    def identity(self) -> dict[str, str]:
        return {"model": "painter"}

    def render(self, jobs: Sequence[Job]) -> Iterator[Rendered | Refused]:
        for job in jobs:
            random = np.random.default_rng(job.seed)
            high = 20 if set(job.case.tags) & set(self.dark) else 250
            small = random.integers(0, high, (12, 12, 3), np.uint8)
            image = Image.fromarray(small).resize((96, 96), Image.Resampling.BICUBIC)
            yield Rendered(job, image, Source(generator="painter", seed=job.seed, prompt=job.case.prompt))


def rendered(
    out: Path, painter: Painter, seeds: tuple[int, ...] = (0, 1), checks: tuple[str, ...] = ("quality",)
) -> str:
    info = SuiteInfo(name="made", digest="0" * 64, cases=len(CASES), seeds=seeds)
    source = SuiteSource(info, CASES, seeds, Controls(), "painter", painter, 8)
    carry_out(source, Options(out, load_rubric("draft"), checks))
    return str(out)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs `base`, `same` (other seeds) and `worse` (the fine pictures are dark)."""
    folder = tmp_path_factory.mktemp("stored")
    rendered(folder / "base", Painter())
    rendered(folder / "same", Painter(), (5, 6, 7))
    rendered(folder / "worse", Painter(("fine",)))
    return folder


@pytest.fixture
def rubric(tmp_path: Path) -> str:
    text = (Path(__file__).parents[2] / "rubrics" / "draft.yaml").read_text()
    head, _, tail = text.partition("\n  primaries:\n")
    path = tmp_path / "mine.yaml"
    rest = tail.partition("\n  secondaries:")[2].replace("- quality.dark", "")
    path.write_text(f"{head}{RUBRIC}  secondaries:{rest}")
    return str(path)


@pytest.fixture
def damaged(stored: Path, tmp_path: Path) -> Callable[[Callable[[Path], object]], str]:
    """A copy of `same` that something happened to."""

    def damage(how: Callable[[Path], object]) -> str:
        shutil.copytree(stored / "same", tmp_path / "copy")
        how(tmp_path / "copy")
        return str(tmp_path / "copy")

    return damage


def compare(*arguments: str | Path) -> int:
    return imgaudit(["compare", *(str(argument) for argument in arguments)])


def test_an_unchanged_model_passes_and_its_record_fits_the_schema(
    stored: Path, rubric: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "out"

    code = compare(stored / "base", stored / "same", "--rubric", rubric, "--out", out, "--format", "json")

    said = capsys.readouterr().out
    value = json.loads((out / "comparison.json").read_text())
    jsonschema.validate(value, schemas()["comparison"])
    assert (code, value["answer"]) == (0, "pass")
    assert said.startswith("PASS: base (painter) and same (painter), 16 prompts in common")
    assert said.splitlines()[-1] == str(out / "comparison.json")
    assert str(stored) not in (out / "comparison.json").read_text()


def test_a_loss_is_exit_code_1_and_names_its_stratum(
    stored: Path, rubric: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    files = {name: tmp_path / f"r.{name}" for name in ("junit", "markdown", "sarif")}
    given = [part for name, path in files.items() for part in (f"--{name}", path)]

    code = compare(stored / "base", stored / "worse", "--rubric", rubric, "--out", tmp_path / "out", "--json", *given)

    value = json.loads(capsys.readouterr().out)
    assert (code, value["answer"], value["regressed_strata"]) == (1, "regressed", ["fine"])
    assert all(path.stat().st_size > 100 for path in files.values())
    assert (tmp_path / "out" / "comparison.html").is_file()


def test_reports_go_into_the_candidate_unless_told_otherwise(stored: Path, rubric: str, tmp_path: Path):
    shutil.copytree(stored / "same", tmp_path / "copy")

    compare(stored / "base", tmp_path / "copy", "--rubric", rubric, "--format", "json")

    assert [path.name for path in (tmp_path / "copy" / "comparison").iterdir()] == ["comparison.json"]


def test_other_checkers_are_refused_until_both_are_scored_anew(
    stored: Path, rubric: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    other = rendered(tmp_path / "other", Painter(("fine",)), checks=("quality", "provenance"))
    before = {path: path.read_bytes() for path in (stored / "base").rglob("*") if path.is_file()}
    arguments = [stored / "base", other, "--rubric", rubric, "--out", tmp_path / "out", "--format", "json"]

    assert compare(*arguments) == 2
    assert "the checker provenance is in the candidate only" in capsys.readouterr().err
    assert compare(*arguments, "--rescore", "--rescored", tmp_path / "anew") == 1
    value = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert value["rescored"]
    assert value["regressed_strata"] == ["fine"]
    assert value["candidate"]["generator"] == "painter"
    assert {path: path.read_bytes() for path in (stored / "base").rglob("*") if path.is_file()} == before
    assert RunFolder.open(tmp_path / "anew" / "baseline").read_run().checkers.keys() == {"quality", "provenance"}


def test_scoring_anew_changes_no_score_where_nothing_changed(stored: Path, rubric: str, tmp_path: Path):
    for name, more in (("plain", ()), ("anew", ("--rescore",))):
        out = ("--out", tmp_path / name, "--format", "json")
        compare(stored / "base", stored / "worse", "--rubric", rubric, *out, *more)

    plain, anew = (json.loads((tmp_path / name / "comparison.json").read_text()) for name in ("plain", "anew"))
    assert anew["tests"] == plain["tests"]
    assert anew["movers"] == plain["movers"]


def test_two_audits_of_the_same_files_are_paired_by_their_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(8):
        pixels = np.random.default_rng(number).integers(0, 255, (64, 64, 3), np.uint8)
        Image.fromarray(pixels).save(photos / f"{number}.png")
    for name in ("one", "two"):
        imgaudit(["audit", str(photos), "--out", str(tmp_path / name), "--checks", "quality,provenance"])
    capsys.readouterr()

    code = compare(tmp_path / "one", tmp_path / "two", "--format", "json", "--json", "--rescore")

    value = json.loads(capsys.readouterr().out)
    assert value["prompts"] == 8
    assert value["zero_tolerance"][0]["answer"] == "pass"
    assert code == value["exit_code"]


def cut(name: str) -> Callable[[Path], object]:
    def how(run: Path) -> object:
        path = next(iter(sorted(run.glob(name))))
        return path.write_bytes(path.read_bytes()[:-100])

    return how


def gone(name: str) -> Callable[[Path], object]:
    return lambda run: next(iter(sorted(run.glob(name)))).unlink()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (gone("pictures/*.png"), "the picture is missing"),
        (gone("images.jsonl"), "images.jsonl: is missing"),
        (cut("images.jsonl"), "it was cut or changed since"),
        (cut("findings/*.parquet"), "is damaged"),
        (cut("renders/*.parquet"), "is damaged"),
        (gone("findings/*.parquet"), "is missing"),
        (gone("renders/*.parquet"), "renders/ holds"),
        (gone("run.json"), "is no run folder"),
        (gone("report.json"), "this run is not finished"),
        (cut("report.json"), "is damaged or of another version"),
    ],
)
def test_a_record_that_is_not_whole_is_refused(
    how: Callable[[Path], object], said: str, stored: Path, rubric: str,
    damaged: Callable[[Callable[[Path], object]], str], capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    assert compare(stored / "base", damaged(how), "--rubric", rubric) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere", "."], "no such run folder"),
        (["base", "same", "--format", "pdf"], "expected some of html, json"),
        (["base", "same", "--clip", "embedded"], "add --rescore"),
        (["base", "@nothing"], "name one with --out"),
    ],
)
def test_a_wrong_request_is_a_sentence(
    arguments: list[str], said: str, stored: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(stored)

    assert compare(*arguments) == 2
    assert said in capsys.readouterr().err


def test_a_picture_that_was_changed_is_not_scored_anew(
    stored: Path, damaged: Callable[[Callable[[Path], object]], str], capsys: pytest.CaptureFixture[str]
):
    def swap(run: Path) -> None:
        first, second = sorted((run / "pictures").glob("*.png"))[:2]
        shutil.copy(first, second)

    assert compare(stored / "base", damaged(swap), "--rescore", "--format", "json") == 2
    assert "was changed since it was scored" in capsys.readouterr().err
