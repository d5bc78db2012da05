"""The repair of whole runs: what is kept, what is recorded, what is refused, and what goes on after a kill."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image

from imgaudit.cli.schema import schemas
from imgaudit.digest import digest_bytes, digest_pixels
from imgaudit.engine.perceiving import PerceiverPool
from imgaudit.errors import RunError, UsageError
from imgaudit.kernels.masks import from_counts
from imgaudit.perceivers.metadata import metadata
from imgaudit.pictures import still_rgba
from imgaudit.pipeline import judge_again, open_run, write_reports
from imgaudit.repair import mending
from imgaudit.repair.record import LINES, append_repair, read_repairs
from imgaudit.repair.running import prospects
from imgaudit.repair.tasks import checked_methods
from imgaudit.store.decisions import Facts, Subject, append, picture_digest
from imgaudit.store.runfolder import RunFolder
from imgaudit.types import Decision
from tests.repair.conftest import (
    CHECKS,
    RUBRIC,
    Painter,
    asked,
    audited_run,
    darkened,
    lettering,
    painted_run,
    repaired,
    scene,
)

DARK = frozenset({1})
Files = Callable[[Path], dict[str, bytes]]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two cases with two seeds; the second seed of each is far too dark."""
    painted_run(tmp_path / "run", Painter(DARK))
    return tmp_path / "run"


def test_edits_become_pictures_to_publish_in_a_run_folder_of_their_own(run: Path, files_of: Files) -> None:
    before = files_of(run)
    done = repaired(run)

    assert [(line.id, line.outcome, line.method) for line in done.lines] == [
        ("case-0#1", "repaired", "adjust"), ("case-1#1", "repaired", "adjust")
    ]  # fmt: skip
    assert done.exit_code == 0
    assert {name: data for name, data in files_of(run).items() if not name.startswith("repairs/")} == before
    finished = open_run(run / "repairs")
    assert [(image.id, image.case, image.verdict.final) for image in finished.images] == [
        ("case-0#1", "case-0", "publish"), ("case-1#1", "case-1", "publish")
    ]  # fmt: skip
    assert finished.report.title == "made by painter"
    assert all(path.stat().st_size for path in write_reports(run / "repairs", ("html", "json", "csv")))


def test_the_line_names_parent_change_and_result_and_fits_its_schema(run: Path) -> None:
    repaired(run)
    lines = [json.loads(line) for line in (run / "repairs" / LINES).read_text().splitlines()]
    records = {image.id: image for image in open_run(run).images}

    for line in lines:
        jsonschema.validate(line, schemas()["repair"])
        data = (run / "repairs" / line["picture"]).read_bytes()
        assert line["parent"] == records[line["id"]].pixels
        assert line["file"] == digest_bytes(data)
        assert line["pixels"] == digest_pixels(still_rgba(data)) == line["tries"][-1]["pixels"]
        assert line["rules"] == ["quality.dark"]
        assert line["tries"][-1]["fixed"]
        assert line["tries"][-1]["verdict"] == "publish"
        assert line["settings"]["tolerances"]["decides"] == 0.05


def test_a_repaired_picture_carries_the_marks_of_a_rendered_one_and_says_that_it_was_edited(run: Path) -> None:
    line = repaired(run).lines[0]
    assert line.picture is not None
    said = metadata((run / "repairs" / line.picture).read_bytes())

    assert said.source.generator == "painter"
    assert said.digital_source_type is not None
    assert said.digital_source_type.endswith("trainedAlgorithmicMedia")
    assert line.parent is not None
    assert line.parent in said.raw["png.Comment"]
    assert json.loads(said.raw["png.imgaudit-repair"])["method"] == "adjust"


def test_the_same_repair_gives_the_same_bytes(run: Path, tmp_path: Path, files_of: Files) -> None:
    repaired(run)
    repaired(run, out=tmp_path / "again")

    assert files_of(run / "repairs") == files_of(tmp_path / "again")


def test_a_killed_repair_goes_on_and_ends_as_one_that_was_not(
    run: Path, tmp_path: Path, files_of: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    repaired(run, out=tmp_path / "whole")
    mend, done = mending.Mender.mend, []

    def killed_at_the_second(self: Any, task: Any) -> Any:
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(task.row.id)
        return mend(self, task)

    monkeypatch.setattr(mending.Mender, "mend", killed_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        repaired(run)
    with (run / "repairs" / LINES).open("ab") as stream:
        stream.write(b'{"format": "imgaudit-repair/1", "id": "case-1#1", "par')  # torn as a write that was cut off
    monkeypatch.setattr(mending.Mender, "mend", lambda self, task: (done.append(task.row.id), mend(self, task))[1])
    repaired(run)

    assert done == ["case-0#1", "case-1#1"]
    assert files_of(run / "repairs") == files_of(tmp_path / "whole")


def test_a_repaired_picture_that_was_changed_is_made_again(run: Path, files_of: Files) -> None:
    repaired(run)
    before = files_of(run / "repairs")
    (run / "repairs" / "pictures" / "case-0_0001.png").write_bytes(b"gone")
    repaired(run)

    assert files_of(run / "repairs") == before


def test_pictures_can_be_repaired_one_after_the_other_into_one_folder(
    run: Path, tmp_path: Path, files_of: Files
) -> None:
    repaired(run, out=tmp_path / "whole")
    first = repaired(run, only=("case-1#1",))
    second = repaired(run, only=("case-0#1",))

    assert [line.id for line in (*first.lines, *second.lines)] == ["case-1#1", "case-0#1"]
    assert files_of(run / "repairs") == files_of(tmp_path / "whole")
    with pytest.raises(UsageError, match=r"--only 'case-0#0': no picture of that id is to be edited; there are: case"):
        repaired(run, only=("case-0#0",))


def test_another_request_is_not_mixed_into_a_folder(run: Path) -> None:
    repaired(run)
    with pytest.raises(RunError, match="holds a run of another request"):
        repaired(run, tries=7)
    with pytest.raises(UsageError, match="is the run itself"):
        repaired(run, out=run)


def test_regenerating_draws_seeds_beyond_the_runs_and_no_picture_twice(run: Path) -> None:
    painter = Painter()
    done = repaired(run, painter, methods=("regenerate",), tries=3)

    assert painter.drawn == ["case-0#3", "case-0#5", "case-0#7", "case-1#3", "case-1#5", "case-1#7"]
    assert all(line.outcome == "repaired" and line.mask is None for line in done.lines)
    image = open_run(run / "repairs").images[0]
    assert image.id == "case-0#1"
    assert image.source.seed in {entry.seed for entry in done.lines[0].tries}


def test_a_vendors_bytes_are_kept_as_they_came(tmp_path: Path) -> None:
    run = tmp_path / "run"
    painted_run(run, Painter(DARK, sends_bytes=True))
    done = repaired(run, Painter(sends_bytes=True), methods=("regenerate",), tries=1, only=("case-0#1",))
    line = done.lines[0]

    assert line.picture is not None
    data = (run / "repairs" / line.picture).read_bytes()
    assert line.outcome == "repaired"
    assert "png.imgaudit-repair" not in metadata(data).raw
    assert line.pixels == digest_pixels(still_rgba(data))


def test_a_try_that_the_generator_refuses_is_recorded_and_the_next_one_counts(run: Path) -> None:
    done = repaired(run, Painter(refuses=frozenset({3})), methods=("regenerate",), tries=2, only=("case-0#1",))

    assert [entry.pixels is None for entry in done.lines[0].tries] == [True, False]
    assert "the safety filter withheld it" in done.lines[0].tries[0].why
    assert done.lines[0].outcome == "repaired"


def test_what_no_try_fixes_could_not_be_repaired_and_says_why(run: Path) -> None:
    painter = Painter(frozenset({3, 5}))
    done = repaired(run, painter, methods=("regenerate",), tries=2, only=("case-0#1",))

    assert done.lines[0].outcome == "could not repair"
    assert "of 2 tries 2 did not fix it (quality.dark still fires" in done.lines[0].reason
    assert done.exit_code == 3
    assert len(open_run(run / "repairs").images) == 0


def test_of_several_good_tries_the_best_is_kept_and_not_the_first(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gains, weigh = iter((1.0, 3.0, 2.0)), mending.weigh
    monkeypatch.setattr(mending, "weigh", lambda *asked: replace(weigh(*asked), gain=(next(gains), 0.0)))
    line = repaired(run, Painter(), methods=("regenerate",), tries=3, only=("case-0#1",)).lines[0]

    assert all(entry.fixed and not entry.harmed for entry in line.tries)
    assert line.pixels == line.tries[1].pixels
    assert line.reason.startswith("regenerate: try 2 of 3")


def test_methods_are_tried_in_the_order_in_which_they_are_named(run: Path) -> None:
    done = repaired(run, Painter(), methods=("crop", "inpaint", "regenerate"), tries=1, only=("case-0#1",))

    assert done.lines[0].outcome == "repaired"
    assert done.lines[0].method == "regenerate"
    with pytest.raises(UsageError, match="--method 'paint': there is no such method"):
        checked_methods(["paint"])


def test_a_generator_that_cannot_be_had_is_a_reason_and_no_crash(run: Path) -> None:
    def broken(spec: str) -> Any:
        raise UsageError("the model is not on this machine")

    done = repaired(run, methods=("regenerate",), only=("case-0#1",))
    assert done.lines[0].outcome == "could not repair"  # the stub's assertion is something unexpected

    from imgaudit.repair.running import repair

    done = repair(replace(asked(run, methods=("inpaint",), out=run / "second"), build=broken))
    assert {line.outcome for line in done.lines} == {"refused"}
    assert done.exit_code == 3


def test_a_generator_that_is_no_diffusers_model_cannot_redraw_a_part(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    lettering("HELLO THERE").save(tmp_path / "pictures" / "a.png")
    rows = [{"file": "a.png", "prompt": "an empty poster", "expect_text": []}]
    audited_run(tmp_path / "run", tmp_path / "pictures", rows, (*CHECKS, "text"))

    done = repaired(tmp_path / "run", Painter(), generator="painter")
    assert done.lines[0].outcome == "refused"
    assert "painter is no diffusers model" in done.lines[0].reason
    without = repaired(tmp_path / "run", out=tmp_path / "without")
    assert "name a model with --generator, or take --method fill or crop" in without.lines[0].reason


# --- audited files -----------------------------------------------------------------------------------


@pytest.fixture
def posters(tmp_path: Path) -> Path:
    """Audited files: stray writing, a misspelt poster, a dark picture lying on its side, one without a fault."""
    folder = tmp_path / "posters"
    folder.mkdir()
    lettering("HELLO THERE").save(folder / "stray.png")
    lettering("GRAND OPENNG").save(folder / "misspelt.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    darkened(scene(3)).resize((200, 120)).save(folder / "side.jpg", quality=96, exif=exif)
    scene(4).save(folder / "fine.png")
    rows = [
        {"file": "stray.png", "prompt": "an empty poster", "expect_text": []},
        {"file": "misspelt.png", "prompt": "a poster", "expect_text": ["GRAND OPENING"]},
        {"file": "side.jpg", "prompt": "things"}, {"file": "fine.png", "prompt": "things"},
    ]  # fmt: skip
    audited_run(tmp_path / "run", folder, rows, (*CHECKS, "text"))
    return tmp_path / "run"


def test_audited_files_are_repaired_beside_the_run_and_stay_as_they_are(
    posters: Path, tmp_path: Path, files_of: Files
) -> None:
    before = files_of(tmp_path / "posters")
    done = repaired(posters, methods=("adjust", "retypeset", "fill"))

    assert {line.id: (line.outcome, line.method) for line in done.lines} == {
        "r0/stray.png": ("repaired", "fill"),
        "r0/misspelt.png": ("repaired", "retypeset"),
        "r0/side.jpg": ("repaired", "adjust"),
    }
    assert files_of(tmp_path / "posters") == before
    assert done.exit_code == 0


def test_outside_the_mask_every_pixel_is_the_originals_to_the_bit(posters: Path, tmp_path: Path) -> None:
    for line in repaired(posters, methods=("fill", "retypeset")).lines:
        if line.picture is None or line.mask is None:
            continue
        old = still_rgba((tmp_path / "posters" / line.id.removeprefix("r0/")).read_bytes())
        new = still_rgba((posters / "repairs" / line.picture).read_bytes())
        mask = from_counts(line.mask, *old.shape[:2])
        assert (old[~mask] == new[~mask]).all()
        assert (old[mask] != new[mask]).any()
        assert mask.mean() < 0.5


def test_an_oriented_file_is_worked_on_as_it_is_seen(posters: Path) -> None:
    line = next(line for line in repaired(posters, methods=("adjust",)).lines if line.id == "r0/side.jpg")

    assert line.picture is not None
    assert still_rgba((posters / "repairs" / line.picture).read_bytes()).shape == (200, 120, 4)
    assert line.outcome == "repaired"


def test_a_file_that_says_nothing_of_its_origin_is_given_no_claim(posters: Path) -> None:
    line = next(line for line in repaired(posters, methods=("fill",)).lines if line.id == "r0/stray.png")
    assert line.picture is not None
    said = metadata((posters / "repairs" / line.picture).read_bytes())

    assert said.digital_source_type is None
    assert said.ai_system is None
    assert "Edited (fill) by imgaudit repair" in said.raw["png.Comment"]


def test_a_folder_that_moved_is_named_with_root(posters: Path, tmp_path: Path) -> None:
    (tmp_path / "posters").rename(tmp_path / "moved")
    lost = repaired(posters, methods=("fill",), only=("r0/stray.png",))
    assert lost.lines[0].outcome == "refused"
    assert lost.lines[0].reason == "the original is not at hand; say where it lies now with --root r0=DIR"

    found = repaired(posters, methods=("fill",), only=("r0/stray.png",), roots={"r0": tmp_path / "moved"},
                     out=tmp_path / "found")  # fmt: skip
    assert found.lines[0].outcome == "repaired"


def test_an_original_that_was_changed_is_refused(posters: Path, tmp_path: Path) -> None:
    lettering("SOMETHING ELSE").save(tmp_path / "posters" / "stray.png")

    assert "was changed since it was judged" in repaired(posters, methods=("fill",)).lines[-1].reason


def _edited(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Rewrite the stored findings' places, as a hostile record would."""
    folder = RunFolder(run)
    for name in folder.parts("findings"):
        rows = folder.read_part("findings", name) or []
        for row in rows:
            payload = json.loads(row["payload"])
            change(payload)
            row["payload"] = json.dumps(payload)
        folder.write_part("findings", name, rows)
    judge_again(run, RUBRIC)


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ([9000.0, 9000.0, 9010.0, 9010.0], "lies outside the picture"),
        ([50.0, 50.0, 50.0, 50.0], "lies outside the picture"),
        ([-1e300, -1e300, 1e300, 1e300], "there is too little around it"),
    ],
)
def test_hostile_places_are_refused_in_words(posters: Path, box: list[float], words: str) -> None:
    def moved(payload: dict[str, Any]) -> None:
        for region in payload["regions"]:
            region["box"], region["polygon"] = box, None

    _edited(posters, moved)
    done = repaired(posters, methods=("fill",), only=("r0/stray.png",))
    assert done.lines[0].outcome == "refused"
    assert words in done.lines[0].reason


@pytest.mark.parametrize("kind", ["animated", "cmyk", "grey16", "palette", "transparent"])
def test_every_kind_of_file_has_an_outcome(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    dark = darkened(scene(5))
    if kind == "animated":
        dark.save(folder / "a.gif", save_all=True, append_images=[darkened(scene(6))], duration=90)
    elif kind == "cmyk":
        dark.convert("CMYK").save(folder / "a.jpg", quality=95)
    elif kind == "grey16":
        Image.fromarray(np.asarray(dark.convert("L")).astype(np.uint16) * 257).save(folder / "a.png")
    elif kind == "palette":
        dark.quantize(64).save(folder / "a.png")
    else:
        dark.putalpha(Image.fromarray(np.full((160, 160), 255, np.uint8)))
        dark.putpixel((0, 0), (9, 9, 9, 0))
        dark.save(folder / "a.png")
    audited_run(tmp_path / "run", folder)
    done = repaired(tmp_path / "run")

    assert len(done.lines) == 1
    assert done.lines[0].outcome == ("refused" if kind == "animated" else done.lines[0].outcome)
    assert done.lines[0].reason
    if kind == "animated":
        assert "animation" in done.lines[0].reason
    if kind == "transparent" and done.lines[0].picture is not None:
        assert still_rgba((tmp_path / "run" / "repairs" / done.lines[0].picture).read_bytes())[0, 0, 3] == 0


def test_a_huge_picture_is_refused_before_it_is_decoded(posters: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgaudit.repair.originals.MOST_PIXELS", 1000)

    reasons = {line.reason for line in repaired(posters, methods=("fill",)).lines}
    assert all("at most 0 million are worked on" in reason for reason in reasons)


# --- people, models, disks -----------------------------------------------------------------------------


def test_an_edit_that_a_person_asked_for_needs_a_method(run: Path) -> None:
    image = next(image for image in open_run(run).images if image.id == "case-0#0")
    subject = Subject(pictures="0" * 64, picture=picture_digest(image.pixels, image.file))
    report = digest_bytes((run / "report.json").read_bytes())
    fact = Facts("judge", subject, "too-plain", "Ann", "editor",
                 {"before": "publish", "after": "edit", "report": report, "disputes": []})  # fmt: skip
    append(run, [fact], datetime.now(UTC))
    judge_again(run, RUBRIC)
    done = repaired(run, only=("case-0#0",))
    assert done.lines[0].outcome == "refused"
    assert "a person asked for the edit" in done.lines[0].reason
    again = repaired(run, Painter(), methods=("regenerate",), only=("case-0#0",), out=run / "again")
    assert again.lines[0].outcome == "repaired"


def test_other_eyes_than_the_runs_are_refused(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = PerceiverPool.identity
    monkeypatch.setattr(PerceiverPool, "identity", lambda self, name: {**identity(self, name), "weights": "others"})

    with pytest.raises(RunError, match="the run was looked at by another model for pixels"):
        repaired(run)


def test_another_version_of_a_checker_is_refused(run: Path) -> None:
    value = json.loads((run / "run.json").read_text())
    value["checkers"]["quality"] = "0"
    (run / "run.json").write_text(json.dumps(value))

    with pytest.raises(RunError, match="measured by version 0 of the checker 'quality', which is version"):
        repaired(run)


def test_a_full_disk_ends_the_command_and_spoils_no_outcome(
    run: Path, tmp_path: Path, files_of: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    repaired(run, out=tmp_path / "whole")
    write = RunFolder.write_bytes

    def full(self: RunFolder, name: str, data: bytes) -> None:
        if name.startswith("pictures/case-1"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(self, name, data)

    monkeypatch.setattr(RunFolder, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        repaired(run)
    assert set(read_repairs(run / "repairs")) == {"case-0#1"}
    monkeypatch.setattr(RunFolder, "write_bytes", write)
    repaired(run)
    assert files_of(run / "repairs") == files_of(tmp_path / "whole")


def test_a_run_without_edits_leaves_no_folder(tmp_path: Path) -> None:
    painted_run(tmp_path / "run", Painter())
    done = repaired(tmp_path / "run")

    assert done.lines == ()
    assert done.exit_code == 0
    assert not (tmp_path / "run" / "repairs").exists()


def test_looking_ahead_says_method_and_share_and_writes_nothing(posters: Path, files_of: Files) -> None:
    before = files_of(posters)
    found = {entry.id: entry for entry in prospects(asked(posters))}

    assert found["r0/misspelt.png"].methods == ("retypeset",)
    assert found["r0/stray.png"].methods == ("inpaint",)
    assert 0 < (found["r0/stray.png"].share or 0) < 0.3
    assert "nothing is named that could draw" in (found["r0/stray.png"].refused or "")
    assert files_of(posters) == before


def test_a_hostile_path_in_the_record_writes_into_the_folder_of_repairs_alone(run: Path) -> None:
    task = mending.path_of

    class Row:
        id = "../../x"
        path = "pictures/../../../x.png"

    class Task:
        row = Row()

    assert task(Task()).startswith("pictures/repaired-")  # type: ignore[arg-type]


def test_lines_are_read_past_one_that_was_torn(tmp_path: Path, run: Path) -> None:
    line = repaired(run).lines[0]
    (tmp_path / LINES).write_bytes(b'{"torn')
    append_repair(tmp_path, line)

    assert read_repairs(tmp_path) == {line.id: line}
    assert Decision.EDIT not in {image.verdict.final for image in open_run(run / "repairs").images}
