from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from made_runs import Made, drawn_scores, make_run

from imgaudit.baseline import BaselineStore, baseline_folder, cells_of, is_baseline, open_baseline
from imgaudit.canary import AgainstItself
from imgaudit.errors import RunError, UsageError
from imgaudit.pipeline import judge_again, open_run
from imgaudit.rubric import load_rubric
from imgaudit.scorers import scorers_of

QUIET = AgainstItself(answer="quiet", why="2 of 100 random splits of the seeds regress", splits=100, regressed=2)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run", drawn_scores(8, 2))


@pytest.fixture
def store(tmp_path: Path) -> BaselineStore:
    return BaselineStore(tmp_path / "baselines")


def approved(store: BaselineStore, run: Path, name: str = "shapes-v1", url: str | None = None) -> None:
    store.propose(run, name, url, QUIET)
    store.approve(name, "A. Reader", "looked at every picture")


def test_an_approved_baseline_opens_as_the_run_it_was_made_of(store: BaselineStore, run: Path):
    approved(store, run)

    opened, original = open_baseline("@shapes-v1", store.folder), open_run(run)

    assert list(opened.images) == list(original.images)
    assert opened.report == original.report
    assert dict(opened.cases) == dict(original.cases)
    assert [opened.picture(r) for r in opened.images] == [original.picture(r) for r in original.images]


def test_a_baseline_may_be_named_by_the_path_of_its_json(store: BaselineStore, run: Path):
    approved(store, run)

    path = store.folder / "shapes-v1.json"

    assert is_baseline(str(path))
    assert is_baseline("@shapes-v1")
    assert not is_baseline(str(run))
    assert open_baseline(str(path)).report.pictures == 16
    assert judge_again(baseline_folder(str(path)), load_rubric("strict")).pictures == 16


@pytest.mark.parametrize("url", ["file://{tmp}/far", "memory://far-{tmp}"])
def test_the_files_may_lie_under_a_url(store: BaselineStore, run: Path, tmp_path: Path, url: str):
    approved(store, run, url=url.format(tmp=tmp_path))

    opened = open_baseline("@shapes-v1", store.folder)

    assert not (store.folder / "shapes-v1").exists()
    assert list(opened.images) == list(open_run(run).images)
    assert all(opened.picture(record) for record in opened.images)


def test_the_json_is_small_and_names_no_path_of_this_machine(store: BaselineStore, run: Path, tmp_path: Path):
    approved(store, run)

    text = (store.folder / "shapes-v1.json").read_text()

    assert len(text) < 20_000
    assert str(tmp_path) not in text


def test_every_score_stands_in_the_parquet_file(store: BaselineStore, run: Path):
    store.propose(run, "shapes-v1", None, QUIET)

    table = parquet.read_table(store.folder / "shapes-v1" / "cells.parquet").to_pylist()

    assert {(row["case"], row["seed"]): row["value"] for row in table} == {
        (case, seed): pytest.approx(value, abs=1e-6)
        for case, values in drawn_scores(8, 2).items()
        for seed, value in enumerate(values)
    }


def test_nothing_is_approved_by_being_proposed(store: BaselineStore, run: Path):
    store.propose(run, "shapes-v1", None, QUIET)

    with pytest.raises(UsageError, match="nobody approved"):
        open_baseline("@shapes-v1", store.folder)


@pytest.mark.parametrize(("by", "reason"), [("", "good"), ("  ", "good"), ("A. Reader", "\t")])
def test_an_approval_has_a_name_and_a_reason(store: BaselineStore, run: Path, by: str, reason: str):
    store.propose(run, "shapes-v1", None, QUIET)

    with pytest.raises(UsageError, match="is empty"):
        store.approve("shapes-v1", by, reason)


def test_a_retired_baseline_says_who_retired_it_and_why(store: BaselineStore, run: Path):
    approved(store, run)
    store.retire("shapes-v1", "B. Reader", "the suite had a wrong prompt")

    with pytest.raises(UsageError, match=r"retired by B\. Reader \(the suite had a wrong prompt\)"):
        open_baseline("@shapes-v1", store.folder)
    with pytest.raises(UsageError, match="is retired already"):
        store.approve("shapes-v1", "C. Reader", "again")
    assert store.read("shapes-v1").approval is not None


def test_a_name_that_is_taken_is_never_overwritten(store: BaselineStore, run: Path):
    store.propose(run, "shapes-v1", None, QUIET)

    with pytest.raises(UsageError, match="there is a baseline 'shapes-v1' already"):
        store.propose(run, "shapes-v1", None, QUIET)


@pytest.mark.parametrize(
    "name", ["../evil", "..", "a/../../b", "/etc/passwd", "", "A", "a\\b", "a\0b", "x" * 65, ".hidden", "a..b", "con\n"]
)
def test_a_name_that_could_lead_elsewhere_is_refused(store: BaselineStore, run: Path, name: str, tmp_path: Path):
    with pytest.raises(UsageError, match="baseline name"):
        store.propose(run, name, None, QUIET)
    with pytest.raises(UsageError, match="baseline name"):
        open_baseline(f"@{name}", store.folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


@pytest.mark.parametrize(
    "url",
    ["http://evil.example/x", "s3://user:secret@bucket/x", "/plain/path", "file:///a/../b", "zip://x::http://evil", ""],
)
def test_a_url_that_must_not_be_followed_is_refused(store: BaselineStore, run: Path, url: str):
    with pytest.raises(UsageError, match="baselines are kept beside"):
        store.propose(run, "shapes-v1", url, QUIET)


@pytest.mark.parametrize("piece", ["images.jsonl", "report.json", "findings/000000.parquet", "cells.parquet"])
@pytest.mark.parametrize("damage", ["longer", "other", "gone"])
def test_a_record_that_was_changed_is_refused(store: BaselineStore, run: Path, piece: str, damage: str):
    approved(store, run)
    target = store.folder / "shapes-v1" / piece
    data = target.read_bytes()
    if damage == "gone":
        target.unlink()
    else:
        target.write_bytes(data + b" " if damage == "longer" else data[:-1] + bytes([data[-1] ^ 1]))

    with pytest.raises(RunError, match=piece):
        open_baseline("@shapes-v1", store.folder)


@pytest.mark.parametrize("damage", ["other", "gone"])
def test_a_picture_that_was_changed_is_refused_when_it_is_looked_at(store: BaselineStore, run: Path, damage: str):
    approved(store, run)
    record = open_baseline("@shapes-v1", store.folder).images[0]
    target = store.folder / "shapes-v1" / record.path
    target.unlink() if damage == "gone" else target.write_bytes(b"another")

    with pytest.raises(RunError, match="case-000"):
        open_baseline("@shapes-v1", store.folder).picture(record)


def test_a_proposal_with_a_damaged_picture_cannot_be_approved(store: BaselineStore, run: Path):
    store.propose(run, "shapes-v1", None, QUIET)
    next((store.folder / "shapes-v1" / "pictures").iterdir()).write_bytes(b"another")

    with pytest.raises(RunError, match="was changed"):
        store.approve("shapes-v1", "A. Reader", "fine")
    assert store.read("shapes-v1").approval is None


def test_whatever_changes_after_the_approval_undoes_it(store: BaselineStore, run: Path):
    approved(store, run)
    path = store.folder / "shapes-v1.json"
    content = json.loads(path.read_text())
    content["proposal"]["scores"][0]["mean"] = 0.01
    path.write_text(json.dumps(content))

    with pytest.raises(RunError, match=r"was changed after A\. Reader decided"):
        open_baseline("@shapes-v1", store.folder)


def test_an_approval_cannot_be_moved_to_another_baseline(store: BaselineStore, run: Path, tmp_path: Path):
    approved(store, run)
    store.propose(make_run(tmp_path / "other", drawn_scores(8, 2, seed=5)), "shapes-v2", None, QUIET)
    first, second = (store.folder / f"shapes-v{n}.json" for n in (1, 2))
    content = json.loads(second.read_text())
    content["approval"] = json.loads(first.read_text())["approval"]
    second.write_text(json.dumps(content))

    with pytest.raises(RunError, match="was changed after"):
        store.read("shapes-v2")


def test_a_baseline_under_another_name_is_refused(store: BaselineStore, run: Path):
    approved(store, run)
    shutil.copy(store.folder / "shapes-v1.json", store.folder / "shapes-v2.json")

    with pytest.raises(RunError, match="holds the baseline 'shapes-v1'"):
        store.read("shapes-v2")


def test_a_hostile_json_is_refused_without_a_request(store: BaselineStore, run: Path):
    approved(store, run)
    path = store.folder / "shapes-v1.json"
    content = json.loads(path.read_text())
    content["approval"] = None
    content["proposal"]["place"] = "http://evil.example/steal"
    path.write_text(json.dumps(content))

    with pytest.raises(UsageError, match="baselines are kept beside"):
        store.approve("shapes-v1", "A. Reader", "fine")


def test_a_piece_with_a_hostile_name_is_refused(store: BaselineStore, run: Path):
    store.propose(run, "shapes-v1", None, QUIET)
    path = store.folder / "shapes-v1.json"
    content = json.loads(path.read_text())
    content["proposal"]["pieces"]["../../evil"] = content["proposal"]["pieces"]["run.json"]
    path.write_text(json.dumps(content))

    with pytest.raises(RunError, match="is no name of a file"):
        store.approve("shapes-v1", "A. Reader", "fine")


def test_a_run_that_was_changed_or_lost_pictures_is_not_proposed(store: BaselineStore, run: Path, tmp_path: Path):
    lost = tmp_path / "lost"
    shutil.copytree(run, lost)
    next((lost / "pictures").iterdir()).unlink()
    edited = tmp_path / "edited"
    shutil.copytree(run, edited)
    text = (edited / "images.jsonl").read_text()
    (edited / "images.jsonl").write_text(text.replace('"version":"1"', '"version":"9"', 1))

    with pytest.raises(RunError, match="this picture is missing"):
        store.propose(lost, "lost", None, QUIET)
    with pytest.raises(RunError, match=r"is not the one that report\.json speaks of"):
        store.propose(edited, "edited", None, QUIET)
    assert store.names() == []


def test_the_nearest_is_the_one_approved_last_that_holds_the_cells(
    store: BaselineStore, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    days = iter(range(1, 30))
    monkeypatch.setattr("imgaudit.baseline._now", lambda: f"2026-11-{next(days):02d}T00:00:00+00:00")
    half = {case: scores if i < 4 else [None, None] for i, (case, scores) in enumerate(drawn_scores(8, 2).items())}
    approved(store, run, "old")
    approved(store, run, "new")
    approved(store, make_run(tmp_path / "half", half), "half")
    approved(store, make_run(tmp_path / "far", drawn_scores(8, 2), Made(by="clip-2")), "other-scorer")
    reworded = Made(prompts={f"case-{i:03d}": "another wording" for i in range(8)})
    approved(store, make_run(tmp_path / "worded", drawn_scores(8, 2), reworded), "reworded")
    store.propose(run, "waiting", None, QUIET)
    approved(store, run, "gone")
    store.retire("gone", "B. Reader", "outdated")
    candidate = open_run(make_run(tmp_path / "candidate", drawn_scores(8, 2, seed=3)))

    weighed = {w.name: w for w in store.weigh(cells_of(candidate.images), scorers_of(candidate))}

    assert [name for name, w in weighed.items() if w.chosen] == ["new"]
    assert weighed["new"].coverage == 1.0
    assert "approved later" in weighed["old"].why
    assert "holds 50.0% of the cells" in weighed["half"].why
    assert "other scorers: perceiver clip" in weighed["other-scorer"].why
    assert "holds 0.0%" in weighed["reworded"].why
    assert weighed["waiting"].why == "nobody approved it"
    assert weighed["gone"].why == "retired by B. Reader: outdated"


def test_an_unknown_baseline_names_those_that_there_are(store: BaselineStore, run: Path):
    approved(store, run)

    with pytest.raises(UsageError, match="there are: shapes-v1"):
        open_baseline("@shapes-v9", store.folder)
    with pytest.raises(UsageError, match="no such baseline file"):
        open_baseline(str(store.folder / "nothing.json"))


def test_a_file_that_is_no_baseline_is_a_sentence(store: BaselineStore):
    store.folder.mkdir()
    (store.folder / "junk.json").write_bytes(b"\xff\xfe{")

    with pytest.raises(RunError, match="is no baseline"):
        store.read("junk")
