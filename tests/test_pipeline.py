from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgaudit.engine.sources import FileSource, SuiteSource
from imgaudit.errors import RunError, UsageError
from imgaudit.pipeline import Options, carry_out, judge_again
from imgaudit.record import SuiteInfo
from imgaudit.rubric import Rubric, load_rubric
from imgaudit.suites.prompts_file import read_prompts
from imgaudit.types import Case, Controls, Decision, Job, Refused, Rendered, Source

CHECKS = ("quality", "duplicates", "provenance")


class Painter:
    """A generator that paints the seed as noise, and refuses one case."""

    name, title = "painter", "painter"

    def __init__(self) -> None:
        self.drawn: list[str] = []
        self.stop_after: int | None = None

    def identity(self):
        return {"model": "painter"}

    def render(self, jobs: Sequence[Job]) -> Iterator[Rendered | Refused]:
        for job in jobs:
            if self.stop_after is not None and len(self.drawn) >= self.stop_after:
                raise KeyboardInterrupt
            self.drawn.append(job.id)
            if job.case.id == "forbidden":
                yield Refused(job, "the model blanked the picture")
                continue
            pixels = np.random.default_rng(job.seed).integers(0, 255, (96, 96, 3), np.uint8)
            source = Source(generator="painter", seed=job.seed, prompt=job.case.prompt, steps=1, parse="complete")
            yield Rendered(job, Image.fromarray(pixels), source)


def suite_source(painter: Painter, *names: str) -> SuiteSource:
    cases = [Case(id=name, prompt=f"a {name}") for name in names or ("one", "two", "three")]
    info = SuiteInfo(name="made", digest="0" * 64, cases=len(cases), seeds=(0, 1))
    return SuiteSource(info, cases, (0, 1), Controls(), "painter", painter, batch_size=2)


def options(out: Path, rubric: str = "publish") -> Options:
    return Options(out, load_rubric(rubric), CHECKS)


def files_of(run: Path) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in ("images.jsonl", "groups.jsonl", "report.json")}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    numbers = np.random.default_rng(1)
    for name in ("a.png", "deep/b.png"):
        Image.fromarray(numbers.integers(0, 255, (128, 128, 3), np.uint8)).save(folder / name)
    (folder / "broken.png").write_bytes((folder / "a.png").read_bytes()[:600])
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_every_picture_of_a_suite_has_a_line_with_what_was_asked(tmp_path: Path):
    finished = carry_out(suite_source(Painter()), options(tmp_path / "run"))

    assert [image.id for image in finished.images] == ["one#0", "one#1", "two#0", "two#1", "three#0", "three#1"]
    first = finished.images[0]
    assert (first.case, first.seed, first.prompt) == ("one", 0, "a one")
    assert first.path == "pictures/one_0000.png"
    assert finished.picture(first) == (tmp_path / "run" / first.path).read_bytes()
    assert first.source.seed is not None
    assert {finding.checker for finding in first.findings} >= {"load", "quality", "provenance"}


def test_an_interrupted_run_continues_with_the_same_command_and_ends_with_the_same_record(tmp_path: Path):
    whole = tmp_path / "whole"
    carry_out(suite_source(Painter()), options(whole))
    painter = Painter()
    painter.stop_after = 3

    with pytest.raises(KeyboardInterrupt):
        carry_out(suite_source(painter), options(tmp_path / "cut"))
    second = Painter()
    carry_out(suite_source(second), options(tmp_path / "cut"))

    assert second.drawn == ["two#0", "two#1", "three#0", "three#1"]
    assert files_of(tmp_path / "cut") == files_of(whole)


def test_a_finished_run_is_not_made_again(tmp_path: Path):
    carry_out(suite_source(Painter()), options(tmp_path / "run"))
    before = files_of(tmp_path / "run")
    idle = Painter()

    carry_out(suite_source(idle), options(tmp_path / "run"))

    assert idle.drawn == []
    assert files_of(tmp_path / "run") == before
    assert not (tmp_path / "run" / ".work").exists()


def test_a_picture_that_was_changed_is_drawn_and_measured_anew(tmp_path: Path):
    carry_out(suite_source(Painter()), options(tmp_path / "run"))
    before = files_of(tmp_path / "run")
    (tmp_path / "run" / "pictures" / "two_0001.png").write_bytes(b"tampered")
    painter = Painter()

    carry_out(suite_source(painter), options(tmp_path / "run"))

    assert "two#1" in painter.drawn
    assert files_of(tmp_path / "run") == before


def test_another_request_is_refused_in_the_same_folder(tmp_path: Path):
    carry_out(suite_source(Painter()), options(tmp_path / "run"))

    with pytest.raises(RunError, match="differs in cases"):
        carry_out(suite_source(Painter(), "other"), options(tmp_path / "run"))


def test_a_folder_of_other_files_is_never_written_into(tmp_path: Path):
    (tmp_path / "thesis.doc").write_text("precious")

    with pytest.raises(RunError, match="files that are no run"):
        carry_out(suite_source(Painter()), options(tmp_path))


def test_a_refusal_is_counted_and_holds_the_run(tmp_path: Path):
    finished = carry_out(suite_source(Painter(), "one", "forbidden"), options(tmp_path / "run"))

    assert finished.report.refused == {"the model blanked the picture": 2}
    assert finished.report.set_verdict.decision is Decision.HOLD
    assert finished.report.exit_code in (1, 4)
    assert [image.case for image in finished.images] == ["one", "one"]


def test_batch_size_changes_nothing_that_is_recorded(tmp_path: Path):
    small, large = suite_source(Painter()), suite_source(Painter())
    large.batch_size = 5
    carry_out(small, options(tmp_path / "small"))
    carry_out(large, options(tmp_path / "large"))

    assert files_of(tmp_path / "small") == files_of(tmp_path / "large")


def test_a_broken_file_has_its_line_and_is_held(photos: Path, tmp_path: Path):
    finished = carry_out(FileSource.of([photos], None, all_files=False), options(tmp_path / "run"))

    broken = next(image for image in finished.images if image.path == "r0/broken.png")
    assert broken.verdict.machine is Decision.HOLD
    assert broken.verdict.holds[0].code == "load.failed"
    provenance = next(finding for finding in broken.findings if finding.checker == "provenance")
    assert provenance.outcome == "measured"
    assert [skipped.path for skipped in finished.report.skipped] == ["r0/notes.txt"]


def test_no_path_of_this_machine_leaves_private_json(photos: Path, tmp_path: Path):
    run = tmp_path / "run"
    carry_out(FileSource.of([photos], None, all_files=True), options(run))

    private = run / "private.json"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert str(photos) in private.read_text()
    for path in run.rglob("*"):
        if path.is_file() and path != private:
            assert str(tmp_path).encode() not in path.read_bytes(), path


def test_prompts_are_found_by_the_folder_and_by_their_own_folder(photos: Path, tmp_path: Path):
    table = photos / "prompts.csv"
    table.write_text("file,prompt,seed\na.png,a cat,7\ndeep/b.png,a dog,\nlost.png,a cow,\n")

    finished = carry_out(FileSource.of([photos / "deep", photos / "a.png"], read_prompts(table), False),
                         options(tmp_path / "run"))  # fmt: skip

    assert {image.path: (image.prompt, image.seed) for image in finished.images} == {
        "r0/b.png": ("a dog", None),
        "r1/a.png": ("a cat", 7),
    }
    assert [s.path for s in finished.report.skipped] == ["lost.png"]


def test_no_picture_at_all_is_a_users_mistake(tmp_path: Path):
    with pytest.raises(UsageError, match="no pictures in"):
        FileSource.of([tmp_path], None, all_files=False)


def test_a_stored_run_is_judged_again_without_pictures_or_models(photos: Path, tmp_path: Path):
    run = tmp_path / "run"
    carry_out(FileSource.of([photos], None, all_files=False), options(run, "publish"))
    for path in photos.rglob("*.png"):
        path.unlink()

    report = judge_again(run, load_rubric("strict"))

    assert report.rubric.name == "strict"
    assert report.final_counts[Decision.HOLD] == 3
    assert len(list((run / "verdicts").glob("*.parquet"))) == 2


def test_verdicts_rest_on_the_rounded_measures(tmp_path: Path):
    finished = carry_out(suite_source(Painter()), options(tmp_path / "run"))

    for line in (tmp_path / "run" / "images.jsonl").read_text().splitlines():
        for finding in json.loads(line)["findings"]:
            assert all(round(value, 6) == value for value in finding["measures"].values())
    assert isinstance(finished.run.rubric, type(load_rubric("publish").info()))
    assert isinstance(load_rubric("publish"), Rubric)


def test_a_file_whose_bytes_cannot_be_had_gives_no_number_at_all(photos: Path, tmp_path: Path):
    source = FileSource.of([photos], None, all_files=False)
    (photos / "a.png").unlink()

    finished = carry_out(source, options(tmp_path / "run"))

    gone = next(image for image in finished.images if image.path == "r0/a.png")
    assert gone.file is None
    assert gone.verdict.machine is Decision.HOLD
    assert all(not finding.measures for finding in gone.findings)


def test_a_run_is_not_continued_by_another_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from imgaudit.perceivers.pixels import PixelPerceiver

    painter = Painter()
    painter.stop_after = 4
    with pytest.raises(KeyboardInterrupt):
        carry_out(suite_source(painter), options(tmp_path / "run"))
    painter.stop_after = None
    monkeypatch.setattr(PixelPerceiver, "identity", lambda self: {"weights": "others"})

    with pytest.raises(RunError, match=r"another model for pixels.*--out"):
        carry_out(suite_source(painter), options(tmp_path / "run"))


def test_findings_of_another_release_are_not_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from imgaudit.registry import checkers

    carry_out(suite_source(Painter()), options(tmp_path / "run"))
    monkeypatch.setattr(checkers.get("quality"), "version", "99")

    with pytest.raises(RunError, match="differs in checks"):
        carry_out(suite_source(Painter()), options(tmp_path / "run"))
