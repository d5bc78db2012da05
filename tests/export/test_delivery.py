"""Deliveries: what goes, what stays out, and what a delivery says of itself."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from export.stored_run import Drawn, painted, rewrite, store
from PIL import Image

from imgaudit.cli import run as imgaudit
from imgaudit.digest import digest_bytes, digest_file, digest_tree
from imgaudit.errors import ImgauditError, RunError, UsageError
from imgaudit.export import outbox
from imgaudit.export.checking import check
from imgaudit.export.delivery import Order, Outcome, deliver, plan_of
from imgaudit.export.manifest import MANIFEST, Delivery, read_delivery
from imgaudit.export.preparing import Marking
from imgaudit.export.view import open_view
from imgaudit.perceivers.metadata import metadata
from imgaudit.pictures import decode
from imgaudit.pipeline import set_digest
from imgaudit.rubric import load_rubric
from imgaudit.store.decisions import Facts, Subject, append, picture_digest
from imgaudit.store.runfolder import RunFolder
from imgaudit.types import Finding

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
FOUR = (Drawn("one#0", "one", 0, 0.7), Drawn("one#1", "one", 1, 0.9), Drawn("two#0", "two", 0, blur=0.9),
        Drawn("two#1", "two", 1, 0.3))  # fmt: skip


def delivered(run: Path, out: Path, **more: Any) -> Outcome:
    rubric = load_rubric(str(run.parent / "lenient.yaml"))
    marking = more.pop("marking", Marking())
    return deliver(open_view(run, rubric, more.pop("roots", None)), Order(out, marking, **more), rubric)


def decide(run: Path, name: str, after: str, by: str = "Ann") -> None:
    folder = RunFolder(run)
    image = next(one for one in folder.read_images() if one.id == name)
    subject = Subject(pictures=set_digest(folder), picture=picture_digest(image.pixels, image.file))
    facts = {"before": str(image.verdict.final), "after": after, "report": folder.read_report().images_digest}
    append(run, [Facts("judge", subject, "looked-at", by, "editor", facts)], NOW)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return store(tmp_path / "run", FOUR)


def files_of(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): digest_file(path) for path in folder.rglob("*") if path.is_file()}


# --- what goes -------------------------------------------------------------------------------------------------------


def test_only_pictures_whose_final_verdict_is_publish_are_delivered_and_the_run_is_not_touched(
    run: Path, tmp_path: Path
):
    before = digest_tree(run)

    outcome = delivered(run, tmp_path / "out")

    assert [one.id for one in outcome.delivery.pictures] == ["one#0", "one#1"]
    assert outcome.delivery.not_approved == {"edit": 1, "reject": 1}
    assert sorted(files_of(tmp_path / "out")) == [
        "contact-sheet.html", "contact-sheet.png", "delivery.json", "pictures/one_0.png", "pictures/one_1.png",
    ]  # fmt: skip
    assert outcome.exit_code == 0
    assert digest_tree(run) == before


def test_a_delivered_picture_is_marked_and_its_pixels_are_the_ones_that_were_judged(run: Path, tmp_path: Path):
    outcome = delivered(run, tmp_path / "out", marking=Marking(provider="Kite Ltd", aigc_producer="001X"))

    first = outcome.delivery.pictures[0]
    data = (tmp_path / "out" / first.name).read_bytes()
    told = metadata(data)
    assert told.digital_source_type == "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    assert (told.source.prompt, told.source.model, told.source.seed) == ("a kite", "brush-1", 7)
    assert told.aigc is not None
    assert b"Kite Ltd" in data
    original = painted("one#0")
    assert decode(data, "x")[0].pixels == decode(original, "x")[0].pixels == first.before.pixels == first.after.pixels
    assert (first.before.file, first.after.file) == (digest_bytes(original), digest_bytes(data))
    assert (first.source_type, first.source_type_by) == ("trainedAlgorithmicMedia", "the run")


def test_the_same_run_gives_the_same_delivery_to_the_byte(run: Path, tmp_path: Path):
    delivered(run, tmp_path / "a")
    delivered(run, tmp_path / "b")

    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")
    assert str(tmp_path) not in (tmp_path / "a" / MANIFEST).read_text()


def test_pictures_of_no_run_are_delivered_as_they_are_with_as_is(run: Path, tmp_path: Path):
    outcome = delivered(run, tmp_path / "out", marking=Marking(marked=False))

    assert (tmp_path / "out/pictures/one_0.png").read_bytes() == painted("one#0")
    assert outcome.delivery.pictures[0].source_type is None
    assert "byte for byte" in outcome.sentences[1]


def test_what_people_decided_after_the_run_was_judged_counts_and_is_named(run: Path, tmp_path: Path):
    decide(run, "two#0", "publish")
    decide(run, "one#0", "reject", "Bob")

    outcome = delivered(run, tmp_path / "out")

    assert [one.id for one in outcome.delivery.pictures] == ["one#1", "two#0"]
    verdict = outcome.delivery.pictures[1].verdict
    assert (verdict.machine, verdict.final) == ("edit", "publish")
    assert [(one.by, one.role, one.said) for one in verdict.people] == [("Ann", "editor", "publish")]
    assert outcome.delivery.run.decisions == 2


def test_a_log_that_was_tampered_with_delivers_nothing(run: Path, tmp_path: Path):
    decide(run, "two#0", "reject")
    decide(run, "two#1", "reject")
    log = run / "decisions.jsonl"
    log.write_text(log.read_text().replace('"after":"reject"', '"after":"publish"', 1))

    with pytest.raises(RunError, match="tampered"):
        delivered(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_delivery_without_any_approved_picture_writes_nothing_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run = store(tmp_path / "run", [Drawn("a#0", "a", 0, blur=0.9)])

    assert imgaudit(["export", str(run), "--approved", str(tmp_path / "out")]) == 4

    assert capsys.readouterr().out == "0 of 1 picture delivered; not approved: 1 edit.\n"
    assert not (tmp_path / "out").exists()


# --- the best of each case -------------------------------------------------------------------------------------------


def best_of_case(tmp_path: Path, *pictures: Drawn) -> tuple[str | None, str]:
    run = store(tmp_path / "run", pictures)
    (best,) = plan_of(open_view(run), None).best
    return best.id, best.why


@pytest.mark.parametrize(
    ("pictures", "expected", "why"),
    [
        (((0, 0.7, None), (1, 0.9, None)), "a#1", "highest adherence.match: 0.900000"),
        (((0, 0.9, 0.6), (1, 0.9, 0.8)), "a#1", "highest adherence.worst_clause: 0.800000"),
        (((0, 0.9, 0.6), (1, 0.9, None)), "a#0", "highest adherence.worst_clause"),
        (((3, 0.9, 0.8), (1, 0.9, 0.8)), "a#1", "lowest seed"),
        (((0, None, None), (1, 0.6, None)), "a#1", "the only one on which"),
        (((0, None, None), (1, None, None)), None, "was measured on none"),
        (((0, None, None),), "a#0", "the only one that is approved"),
    ],
)
def test_the_best_picture_is_told_in_the_stated_order(
    tmp_path: Path, pictures: tuple[tuple[int, float | None, float | None], ...], expected: str | None, why: str
):
    drawn = [Drawn(f"a#{seed}", "a", seed, match, worst) for seed, match, worst in pictures]

    best, said = best_of_case(tmp_path, *drawn)

    assert best == expected
    assert why in said


def test_fewer_notes_decide_between_equals(tmp_path: Path):
    hands = Finding(checker="hands", version="1", outcome="measured", measures={"defect": 0.0})

    best, why = best_of_case(tmp_path, Drawn("a#0", "a", 0), Drawn("a#1", "a", 1, findings=(hands,)))

    assert (best, why) == ("a#1", "equal adherence; fewest notes")


def test_best_delivers_the_best_of_each_case_alone(run: Path, tmp_path: Path):
    outcome = delivered(run, tmp_path / "out", only_best=True)

    assert [one.id for one in outcome.delivery.pictures] == ["one#1"]
    assert outcome.delivery.best[0].id == "one#1"
    assert outcome.delivery.only_best


def test_with_best_a_case_whose_best_cannot_be_told_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    untold = [Drawn(f"b#{seed}", "b", seed, match=None) for seed in range(2)]
    run = store(tmp_path / "run", [Drawn("a#0", "a", 0), *untold])

    assert imgaudit(["export", str(run), "--approved", str(tmp_path / "out"), "--best"]) == 4

    assert "The best picture of 1 case cannot be told (b)" in capsys.readouterr().out
    assert [one.id for one in read_delivery(tmp_path / "out").pictures] == ["a#0"]


def test_best_of_audited_files_is_refused(tmp_path: Path):
    (tmp_path / "in").mkdir()
    run = store(tmp_path / "run", [Drawn("r0/a.png")], "audit", [tmp_path / "in"])

    with pytest.raises(UsageError, match="no case"):
        delivered(run, tmp_path / "out", only_best=True)


@pytest.mark.parametrize(("kind", "suffix"), [("JPEG", ".jpg"), ("WEBP", ".webp"), ("AVIF", ".avif")])
def test_every_format_that_marks_can_be_written_into_is_delivered_in_it(tmp_path: Path, kind: str, suffix: str):
    run = store(tmp_path / "run", [Drawn("a#0", "a", 0, data=painted("a", kind))])

    (only,) = delivered(run, tmp_path / "out").delivery.pictures

    assert only.name == f"pictures/a_0{suffix}"
    assert metadata((tmp_path / "out" / only.name).read_bytes()).digital_source_type is not None


def test_a_format_without_marks_is_delivered_as_it_is_alone(tmp_path: Path):
    run = store(tmp_path / "run", [Drawn("a#0", "a", 0, data=painted("a", "GIF"))])

    refused = delivered(run, tmp_path / "out").delivery.not_delivered
    as_it_is = delivered(run, tmp_path / "as-is", marking=Marking(marked=False)).delivery.pictures

    assert "expected one of these" in refused[0].why
    assert [one.name for one in as_it_is] == ["pictures/a_0.gif"]


# --- what stays out --------------------------------------------------------------------------------------------------


def test_bytes_that_changed_since_the_audit_are_refused_by_name_and_the_others_go(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (run / "pictures/0000.png").write_bytes(painted("another"))

    assert imgaudit(["export", str(run), "--approved", str(tmp_path / "out")]) == 4

    shown = capsys.readouterr().out
    assert "one#0: not delivered: the file is not the one that was judged" in shown
    assert [one.id for one in read_delivery(tmp_path / "out").pictures] == ["one#1"]
    assert "not delivered" in (tmp_path / "out/contact-sheet.html").read_text()


def test_a_missing_file_is_refused_by_name(run: Path, tmp_path: Path):
    (run / "pictures/0001.png").unlink()

    outcome = delivered(run, tmp_path / "out")

    assert [(one.id, one.why.partition(";")[0]) for one in outcome.delivery.not_delivered] == [
        ("one#1", "the file is missing")
    ]
    assert outcome.exit_code == 4


def safety(*codes: str) -> Finding:
    return Finding(checker="safety", version="1", outcome="measured", codes=codes, measures={"explicit": 0.4})


def test_suspected_abuse_is_never_given_away_whatever_the_verdict(tmp_path: Path):
    run = store(tmp_path / "run", [Drawn("a#0", "a", 0, findings=(safety(),)), Drawn("a#1", "a", 1)])
    rewrite(run, lambda line: _with_codes(line, "a#0", ["safety.suspected_abuse"]))

    outcome = delivered(run, tmp_path / "out")

    assert [one.id for one in outcome.delivery.pictures] == ["a#1"]
    assert "abuse material" in outcome.delivery.not_delivered[0].why


def test_a_flagged_picture_is_blurred_in_both_sheets(tmp_path: Path):
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    data = _png(stripes)
    run = store(tmp_path / "run", [Drawn("a#0", "a", 0, findings=(safety(),), data=data)])
    clear = delivered(run, tmp_path / "clear")
    rewrite(run, lambda line: _with_codes(line, "a#0", ["safety.explicit"]))

    flagged = delivered(run, tmp_path / "flagged")

    assert len(clear.delivery.pictures) == len(flagged.delivery.pictures) == 1
    assert "blurred because a safety model flagged it" in (tmp_path / "flagged/contact-sheet.html").read_text()
    contrast = [_contrast(tmp_path / name / "contact-sheet.png") for name in ("clear", "flagged")]
    assert contrast[0] > 100
    assert contrast[1] < 60


def _contrast(path: Path) -> float:
    """The largest difference between the columns of the middle of the only picture of a sheet."""
    with Image.open(path) as sheet:
        middle = np.asarray(sheet.convert("L").crop((168 + 32, 44 + 32, 168 + 96, 44 + 96)), dtype=float)
    return float(np.ptp(middle.mean(axis=0)))


def _png(rgb: np.ndarray) -> bytes:
    import io

    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "PNG")
    return stream.getvalue()


def _with_codes(line: dict[str, Any], name: str, codes: list[str]) -> dict[str, Any]:
    if line["id"] == name:
        for finding in line["findings"]:
            if finding["checker"] == "safety":
                finding["codes"] = codes
    return line


# --- names and folders -----------------------------------------------------------------------------------------------


HOSTILE = ("../../../etc/passwd", "a\x00b\x1b[31m\n.png", "x" * 300, "CON", "Case#0", "case#0", "日本#1", "日本#2", "",
           "-rf", "<script>alert(1)</script>", "=cmd|' /C calc'!A0")  # fmt: skip


def test_hostile_ids_become_safe_names_that_never_collide(tmp_path: Path):
    run = store(tmp_path / "run", [Drawn(name, None, seed) for seed, name in enumerate(HOSTILE)])

    outcome = delivered(run, tmp_path / "out")

    names = [one.name for one in outcome.delivery.pictures]
    assert len(names) == len(HOSTILE)
    assert len({name.casefold() for name in names}) == len(HOSTILE)
    assert all(name.startswith("pictures/") and name.count("/") == 1 and len(name) < 100 for name in names)
    assert {one.id for one in outcome.delivery.pictures} == set(HOSTILE)
    assert sorted(files_of(tmp_path / "out" / "pictures")) == sorted(name.removeprefix("pictures/") for name in names)
    assert check(tmp_path / "out").state == "intact"


@pytest.mark.parametrize("path", ["pictures/../../secret.png", "pictures//etc/hostname", "r0//etc/hostname"])
def test_a_record_that_points_out_of_its_run_reads_nothing(tmp_path: Path, path: str):
    (tmp_path / "secret.png").write_bytes(painted("secret"))
    run = store(tmp_path / "run", [Drawn("a#0", "a", 0)])
    rewrite(run, lambda line: {**line, "path": path, "file": digest_bytes(painted("secret"))})

    outcome = delivered(run, tmp_path / "out", roots={"r0": tmp_path})

    assert "nothing was read" in outcome.delivery.not_delivered[0].why


def test_a_link_inside_the_run_is_not_followed_out_of_it(tmp_path: Path):
    (tmp_path / "secret.png").write_bytes(painted("secret"))
    run = store(tmp_path / "run", [Drawn("a#0", "a", 0)])
    (run / "pictures/0000.png").unlink()
    (run / "pictures/0000.png").symlink_to(tmp_path / "secret.png")
    rewrite(run, lambda line: {**line, "file": digest_bytes(painted("secret"))})

    assert "nothing was read" in delivered(run, tmp_path / "out").delivery.not_delivered[0].why


def test_two_pictures_of_one_id_are_refused(run: Path, tmp_path: Path):
    rewrite(run, lambda line: {**line, "id": "one#0"})

    with pytest.raises(RunError, match="two pictures are called 'one#0'"):
        delivered(run, tmp_path / "out")


def test_a_folder_that_is_a_link_a_file_or_inside_the_run_is_refused(run: Path, tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "back").symlink_to(run)

    for folder, said in (
        (tmp_path / "link", "is a link"), (tmp_path / "file", "is a file"), (run, "inside the run"),
        (run / "delivery", "inside the run"), (tmp_path / "back" / "delivery", "inside the run"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=said):
            delivered(run, folder)
    assert list((tmp_path / "real").iterdir()) == []


def test_a_link_in_place_of_the_folder_of_pictures_is_refused(run: Path, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/pictures").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(UsageError, match="holds a link"):
        delivered(run, tmp_path / "out")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["delivery.dsse.json", "contact-sheet.html", "contact-sheet.png", "pictures/one_0.png"]
)
def test_a_foreign_file_is_never_overwritten(run: Path, tmp_path: Path, name: str):
    foreign = tmp_path / "out" / name
    foreign.parent.mkdir(parents=True)
    foreign.write_text("mine")
    (tmp_path / "out" / "notes.txt").write_text("mine too")

    with pytest.raises(RunError, match="nothing was overwritten"):
        delivered(run, tmp_path / "out")
    assert foreign.read_text() == (tmp_path / "out" / "notes.txt").read_text()[:4] == "mine"


def test_files_beside_a_delivery_are_left_alone(run: Path, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/notes.txt").write_text("mine")
    (tmp_path / "out/contact-sheet-2.png").write_text("mine")

    assert delivered(run, tmp_path / "out").exit_code == 0

    assert (tmp_path / "out/notes.txt").read_text() == (tmp_path / "out/contact-sheet-2.png").read_text() == "mine"


# --- going on --------------------------------------------------------------------------------------------------------


def test_a_second_export_keeps_what_is_there_and_adds_what_was_approved_since(run: Path, tmp_path: Path):
    first = delivered(run, tmp_path / "out")
    before = files_of(tmp_path / "out")
    assert delivered(run, tmp_path / "out").kept == 2
    assert files_of(tmp_path / "out") == before
    decide(run, "two#0", "publish")

    second = delivered(run, tmp_path / "out")

    assert second.kept == len(first.delivery.pictures) == 2
    assert [one.id for one in second.delivery.pictures] == ["one#0", "one#1", "two#0"]
    assert check(tmp_path / "out").state == "intact"


def test_a_delivery_that_holds_a_picture_which_was_rejected_since_is_refused_by_name(run: Path, tmp_path: Path):
    delivered(run, tmp_path / "out")
    decide(run, "one#1", "reject")

    with pytest.raises(RunError, match=r"would not deliver any more \(one#1\)"):
        delivered(run, tmp_path / "out")
    decide(run, "one#0", "reject")
    with pytest.raises(RunError, match="no picture of this run is approved now"):
        delivered(run, tmp_path / "out")


def test_another_run_or_other_options_are_refused(run: Path, tmp_path: Path):
    delivered(run, tmp_path / "out")
    other = store(tmp_path / "other", [Drawn("x#0", "x", 0)])

    with pytest.raises(RunError, match="another run"):
        delivered(other, tmp_path / "out")
    with pytest.raises(RunError, match="marked or signed otherwise"):
        delivered(run, tmp_path / "out", marking=Marking(marked=False))


def test_a_manifest_that_is_none_is_refused(run: Path, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / MANIFEST).write_text('{"format": "another"}')

    with pytest.raises(RunError, match="is no manifest of a delivery"):
        delivered(run, tmp_path / "out")


@pytest.mark.parametrize(
    "line",
    ['{"name": [], "sha256": "a", "entry": null}', '{"name": "a", "entry": null}', "[" * 99_999],
    ids=["a list for a name", "no digest", "brackets"],
)
def test_a_journal_that_is_none_is_refused(run: Path, tmp_path: Path, line: str):
    (tmp_path / "out").mkdir()
    journal = tmp_path / "out" / ".delivery.jsonl"
    journal.write_text('{"format": "imgaudit-delivery-journal/1", "key": "k"}\n' + line + "\n")

    with pytest.raises(RunError, match="is damaged"):
        delivered(run, tmp_path / "out")


def test_names_of_an_earlier_manifest_are_not_trusted(run: Path, tmp_path: Path):
    (tmp_path / "secret.png").write_bytes(painted("secret"))
    delivered(run, tmp_path / "out")
    value = json.loads((tmp_path / "out" / MANIFEST).read_text())
    value["pictures"][0]["name"] = "../secret.png"
    value["pictures"][0]["after"]["file"] = digest_bytes(painted("secret"))
    (tmp_path / "out" / MANIFEST).write_text(json.dumps(value))

    with pytest.raises(RunError, match=r"pictures/one_0\.png: is there already and is not of this export"):
        delivered(run, tmp_path / "out")


def test_interrupted_anywhere_the_same_command_ends_with_the_same_files(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    delivered(run, tmp_path / "whole")
    expected = files_of(tmp_path / "whole")
    steps = _count_steps(run, tmp_path / "counted", monkeypatch)
    assert steps > 8

    for step in range(steps):
        out = tmp_path / f"out-{step}"
        with monkeypatch.context() as patch:
            _fail_at(patch, step, KeyboardInterrupt())
            with pytest.raises(KeyboardInterrupt):
                delivered(run, out)
        (out / "pictures").mkdir(exist_ok=True, parents=True)
        (out / "pictures" / f"{outbox.PART}left").write_bytes(b"half")  # what a kill leaves and an exception does not
        delivered(run, out)
        assert files_of(out) == expected, step


def _count_steps(run: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    with monkeypatch.context() as patch:
        counter = _fail_at(patch, 1 << 30, RuntimeError())
        delivered(run, out)
    return counter[0]


def _fail_at(patch: pytest.MonkeyPatch, step: int, error: BaseException) -> list[int]:
    """Let the n-th fsync or rename fail; the counter."""
    counter = [0]

    def failing(real: Any) -> Any:
        def call(*arguments: Any) -> Any:
            counter[0] += 1
            if counter[0] > step:
                raise error
            return real(*arguments)

        return call

    patch.setattr(outbox.os, "fsync", failing(os.fsync))
    patch.setattr(outbox.os, "replace", failing(os.replace))
    return counter


def test_killed_outright_the_same_command_ends_with_the_same_files(tmp_path: Path):
    run = store(tmp_path / "run", [Drawn(f"a#{seed}", "a", seed, 0.5 + seed / 100) for seed in range(40)])
    delivered(run, tmp_path / "whole")
    out = tmp_path / "out"
    program = [sys.executable, "-c", "from imgaudit.cli import main; main()"]
    process = subprocess.Popen([*program, "export", str(run), "--approved", str(out)])
    deadline = time.monotonic() + 60
    while not list(out.glob("pictures/a_3*.png")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()

    delivered(run, out)

    assert files_of(out) == files_of(tmp_path / "whole")


def test_a_full_disk_is_a_sentence_and_leaves_nothing_half_written(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    with monkeypatch.context() as patch:
        _fail_at(patch, 4, OSError(errno.ENOSPC, "No space left on device"))
        assert imgaudit(["export", str(run), "--approved", str(tmp_path / "out")]) == 2
    assert "the disk is full" in capsys.readouterr().err
    assert not list(tmp_path.glob(f"out/**/{outbox.PART}*"))
    for path in (tmp_path / "out/pictures").iterdir():
        assert decode(path.read_bytes(), "x")[1] is None

    assert imgaudit(["export", str(run), "--approved", str(tmp_path / "out")]) == 0
    assert check(tmp_path / "out").state == "intact"


def test_a_folder_that_cannot_be_written_is_a_sentence(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def denied(*_arguments: Any, **_more: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "out")

    monkeypatch.setattr(Path, "mkdir", denied)

    assert imgaudit(["export", str(run), "--approved", str(tmp_path / "out")]) == 2
    assert "out: Permission denied" in capsys.readouterr().err


def test_two_exports_at_once_do_not_mix(run: Path, tmp_path: Path):
    with outbox.opened(tmp_path / "out", "key", {}, "pictures"), pytest.raises(RunError, match="another export"):
        delivered(run, tmp_path / "out")


# --- runs that are not ready -----------------------------------------------------------------------------------------


def test_a_run_that_is_still_being_written_is_refused(run: Path, tmp_path: Path):
    (run / ".work").mkdir()

    with pytest.raises(RunError, match="still being written"):
        delivered(run, tmp_path / "out")


def test_a_run_without_a_report_or_with_another_images_file_is_refused(run: Path, tmp_path: Path):
    lines = (run / "images.jsonl").read_text()
    (run / "images.jsonl").write_text(lines.replace('"final":"edit"', '"final":"publish"'))

    with pytest.raises(RunError, match=r"is not the one that report\.json was made with"):
        delivered(run, tmp_path / "out")
    (run / "report.json").unlink()
    with pytest.raises(RunError, match="not finished"):
        delivered(run, tmp_path / "out")


def test_a_line_that_is_no_record_is_a_sentence(run: Path, tmp_path: Path):
    (run / "images.jsonl").write_text("{}\n")
    report = json.loads((run / "report.json").read_text())
    report["images_digest"] = digest_file(run / "images.jsonl")
    (run / "report.json").write_text(json.dumps(report))

    with pytest.raises(RunError, match=r"images.jsonl: holds a line that is no picture"):
        delivered(run, tmp_path / "out")


# --- verifying -------------------------------------------------------------------------------------------------------


def test_verify_finds_a_changed_a_missing_and_a_foreign_file(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "out"
    delivered(run, out)
    assert imgaudit(["export", "--verify", str(out)]) == 0
    (out / "pictures/one_0.png").write_bytes(painted("another"))
    (out / "pictures/one_1.png").unlink()
    (out / "pictures/more.png").write_bytes(b"")
    (out / "contact-sheet.html").write_text("<p>")
    capsys.readouterr()

    assert imgaudit(["export", "--verify", str(out), "--json"]) == 1

    sentences = json.loads(capsys.readouterr().out)["sentences"]
    assert sentences == [
        "contact-sheet.html: is not the file that was delivered",
        "pictures/one_0.png: is not the file that was delivered",
        "pictures/one_1.png: is missing",
        "pictures/ holds 1 foreign file: more.png",
    ]


def test_a_manifest_that_names_paths_elsewhere_reads_nothing_there(run: Path, tmp_path: Path):
    delivered(run, tmp_path / "out")
    (tmp_path / "secret").write_text("secret")
    value = json.loads((tmp_path / "out" / MANIFEST).read_text())
    value["pictures"][0]["name"] = "../secret"
    value["pictures"][0]["after"]["file"] = digest_file(tmp_path / "secret")
    (tmp_path / "out" / MANIFEST).write_text(json.dumps(value))

    found = check(tmp_path / "out")

    assert found.state == "altered"
    assert "../secret: is no name of a delivered file" in found.sentences


def test_a_signed_manifest_is_verified_by_its_key_alone(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    from compliance.small_run import key_pair

    secret, public = key_pair(tmp_path)
    _, other = key_pair(tmp_path, "other")
    out = tmp_path / "out"
    command = ["export", str(run), "--approved", str(out)]
    assert imgaudit([*command, "--sign-key", str(secret)]) == 0
    verify = ["export", "--verify", str(out), "--public-key"]
    assert imgaudit([*verify, str(public)]) == 0
    assert imgaudit([*verify, str(other)]) == 1
    value = json.loads((out / MANIFEST).read_text())
    value["only_best"] = True
    (out / MANIFEST).write_bytes(Delivery.model_validate(value).payload())
    capsys.readouterr()

    assert imgaudit([*verify, str(public)]) == 1
    assert "delivery.json is not the one that was signed" in capsys.readouterr().out
    assert imgaudit([*command[:3], str(tmp_path / "bare")]) == 0
    assert imgaudit(["export", "--verify", str(tmp_path / "bare"), "--public-key", str(public)]) == 4


def test_an_earlier_signed_manifest_is_not_left_beside_one_that_differs(run: Path, tmp_path: Path):
    from compliance.small_run import key_pair

    from imgaudit.signing import load_secret_key

    secret, _ = key_pair(tmp_path)
    delivered(run, tmp_path / "out", key=load_secret_key(secret))
    assert delivered(run, tmp_path / "out").kept == 2
    decide(run, "two#0", "publish")

    with pytest.raises(ImgauditError, match="give --sign-key again"):
        delivered(run, tmp_path / "out")
