from __future__ import annotations

from pathlib import Path

import pytest

from imgaudit.errors import RunError
from imgaudit.store.runfolder import ImageLines, RunFolder
from imgaudit.types import Decision, ImageRecord, Source, Verdict


def record(number: int) -> ImageRecord:
    return ImageRecord(
        id=f"p{number}", path=f"r0/ü{number}.png", pixels=None, file=None, width=None, height=None, prompt="é" * number,
        case=None, seed=number, source=Source(), findings=(),
        verdict=Verdict(machine=Decision.HOLD, final=Decision.HOLD),
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def test_lines_are_read_in_any_order_without_being_kept(folder: RunFolder):
    records = [record(number) for number in range(7)]
    folder.write_lines("images.jsonl", (one.model_dump_json() for one in records))

    lines = ImageLines(folder.path / "images.jsonl")

    assert len(lines) == 7
    assert list(lines) == records
    assert [lines[5], lines[-1], lines[0]] == [records[5], records[6], records[0]]
    assert lines[2:4] == records[2:4]


def test_a_file_is_replaced_whole_or_not_at_all(folder: RunFolder):
    folder.write_lines("images.jsonl", ["first"])

    def broken():
        yield "second"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        folder.write_lines("images.jsonl", broken())

    assert (folder.path / "images.jsonl").read_text() == "first\n"
    assert [path.name for path in folder.path.iterdir()] == ["images.jsonl"]


def test_a_damaged_part_is_as_good_as_none(folder: RunFolder):
    folder.write_part("verdicts", "a", [{"id": "p", "machine": "hold", "final": "hold", "payload": "{}"}])
    path = folder.path / "verdicts" / "a.parquet"
    path.write_bytes(path.read_bytes()[:-20])

    assert folder.read_part("verdicts", "a") is None
    assert folder.read_part("verdicts", "missing") is None


def test_a_record_never_leads_outside_its_root(folder: RunFolder, tmp_path: Path):
    roots = {"r0": tmp_path}

    assert folder.locate("r0/../secret.png", roots) is None
    assert folder.locate("r7/a.png", roots) is None
    assert folder.locate("r0//etc/hostname", roots) is None
    assert folder.locate("r0/a.png", roots) == tmp_path / "a.png"


def test_a_missing_or_foreign_run_is_a_sentence(folder: RunFolder):
    with pytest.raises(RunError, match="is no run folder"):
        RunFolder.open(folder.path)
    (folder.path / "run.json").write_text("{}")
    with pytest.raises(RunError, match="not finished"):
        RunFolder.open(folder.path)
    with pytest.raises(RunError, match="damaged or of another version"):
        folder.read_run()
