from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from compliance.small_run import key_pair, small_run
from PIL import Image

from imgaudit.cli import run as imgaudit
from imgaudit.store.cache import PerceptCache
from imgaudit.store.decisions import Erased, read_log
from imgaudit.store.runfolder import RunFolder

ANSWER = ["--answer", "yes", "--reason", "reviewed", "--by", "A. Jonas", "--role", "editor"]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture
def run(stored: Path, tmp_path: Path) -> Path:
    run = Path(shutil.copytree(stored, tmp_path / "run"))
    own = ["--picture", "one#0", "--note", "Jane Roe agreed"]
    imgaudit(["attest", str(run), "--dimension", "likeness", *ANSWER, *own])
    imgaudit(["attest", str(run), "--dimension", "safety", *ANSWER, "--note", "seen as a set"])
    imgaudit(["report", str(run), "--format", "html,csv,junit,json,markdown"])
    return run


def mentions(folder: Path, words: tuple[bytes, ...]) -> dict[str, list[bytes]]:
    """Files that hold one of the words, Parquet read as text."""
    import pyarrow.parquet as parquet

    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            if path.suffix == ".parquet":
                data = json.dumps(parquet.read_table(path).to_pylist()).encode()
            if hits := [word for word in words if word in data]:
                found[path.name] = hits
    return found


def test_without_yes_nothing_is_erased_and_what_would_go_is_said(run: Path, capsys: pytest.CaptureFixture[str]):
    before = sorted(path.name for path in run.rglob("*"))

    assert imgaudit(["purge", str(run)]) == 2
    assert imgaudit(["purge", str(run), "--picture", "one#0"]) == 2

    assert "nothing was erased; --yes would erase" in capsys.readouterr().err
    assert sorted(path.name for path in run.rglob("*")) == before


def test_one_picture_goes_with_everything_that_names_it(run: Path, tmp_path: Path):
    secret, public = key_pair(tmp_path)
    record = RunFolder(run).read_images()[0]
    assert record.pixels
    assert record.file
    words = (b"one#0", b"one_0000", record.file.encode(), b"Jane Roe")

    more = ["--yes", "--by", "B. Kim", "--role", "privacy", "--key", str(secret)]
    assert imgaudit(["purge", str(run), "--picture", "one#0", *more]) == 0

    assert mentions(run, words) == {}
    assert set(mentions(run, (record.pixels.encode(),))) == {"decisions.jsonl"}
    assert not (run / "report.html").exists()
    assert [image.id for image in RunFolder(run).read_images()] == ["one#1", "two#0", "two#1"]
    assert RunFolder(run).read_report().pictures == 3
    tombstone = read_log(run).entries[-1]
    assert isinstance(tombstone, Erased)
    assert (tombstone.subject.picture, tombstone.by, tombstone.reason) == (record.pixels, "B. Kim", "erasure-request")
    assert imgaudit(["log", "verify", str(run), "--key", str(public)]) == 0
    assert "seen as a set" in (run / "notes.json").read_text()


def test_answers_about_the_set_still_count_after_a_picture_went(run: Path):
    imgaudit(["purge", str(run), "--picture", "one#0", "--yes"])

    line = next(one for one in RunFolder(run).read_report().dimensions if one.id == "safety")
    assert (line.status, line.measured, line.of) == ("attested", 3, 3)


def test_what_the_cache_holds_of_a_picture_goes(run: Path):
    record = RunFolder(run).read_images()[0]
    assert record.file
    cache = PerceptCache()
    cache.put_headers({record.file: {"width": 1}})
    cache.close()

    imgaudit(["purge", str(run), "--picture", "one#0", "--yes"])

    cache = PerceptCache()
    assert cache.get_headers([record.file]) == {}
    cache.close()


def test_a_run_goes_and_its_log_stays_verifiable(run: Path):
    (run / "mine.txt").write_text("kept")

    assert imgaudit(["purge", str(run), "--yes"]) == 0

    assert sorted(path.name for path in run.iterdir()) == ["decisions.jsonl", "mine.txt"]
    assert imgaudit(["log", "verify", str(run)]) == 0
    tombstone = read_log(run).entries[-1]
    assert isinstance(tombstone, Erased)
    assert tombstone.after is None


def test_a_link_is_removed_and_never_followed(run: Path, tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious.png").write_bytes(b"precious")
    shutil.rmtree(run / "pictures")
    (run / "pictures").symlink_to(outside)

    imgaudit(["purge", str(run), "--yes"])

    assert (outside / "precious.png").read_bytes() == b"precious"
    assert not (run / "pictures").exists()


def test_an_erasure_that_was_cut_off_is_finished_by_the_same_command(run: Path, monkeypatch: pytest.MonkeyPatch):
    import imgaudit.erase as erase

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(erase, "finish", stop)
    assert imgaudit(["purge", str(run), "--picture", "one#0", "--yes"]) == 130
    monkeypatch.undo()

    assert imgaudit(["purge", str(run), "--picture", "one#0", "--yes"]) == 0
    assert len(RunFolder(run).read_images()) == 3


def test_a_folder_that_is_no_run_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "renders").mkdir()

    assert imgaudit(["purge", str(tmp_path), "--yes"]) == 2

    assert (tmp_path / "renders").is_dir()
    assert "is no run folder" in capsys.readouterr().err


def test_an_unknown_picture_is_refused(run: Path, capsys: pytest.CaptureFixture[str]):
    assert imgaudit(["purge", str(run), "--picture", "nope", "--yes"]) == 2
    assert "no picture of this id" in capsys.readouterr().err


def test_an_audited_file_and_its_copies_are_told_apart(tmp_path: Path):
    photos = tmp_path / "photos"
    photos.mkdir()
    pixels = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    for name in ("a.png", "b.png"):
        Image.fromarray(pixels).save(photos / name)
    run = tmp_path / "run"
    imgaudit(["audit", str(photos), "--out", str(run), "--checks", "duplicates,provenance"])
    assert "a.png" in mentions(run, (b"a.png",)).get("images.jsonl", [b""])[0].decode()

    erased = RunFolder(run).read_images()[0].id
    assert imgaudit(["purge", str(run), "--picture", erased, "--yes"]) == 0

    assert (photos / "a.png").is_file()
    assert mentions(run, (b"a.png",)) == {}
    (left,) = RunFolder(run).read_images()
    copy = next(finding for finding in left.findings if finding.checker == "duplicates")
    assert copy.labels["copy_of"] == "(erased)"
