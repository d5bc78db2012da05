from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from compliance.small_run import asking_rubric, small_run

from imgaudit.compliance.result import ComplianceReport
from imgaudit.compliance.schema import Evidence, Pack, load_pack
from imgaudit.comply import _holds, check_subjects, comply, statement
from imgaudit.digest import digest_bytes
from imgaudit.errors import RunError, UsageError
from imgaudit.pipeline import set_digest
from imgaudit.store.decisions import LOG, Facts, Subject, append
from imgaudit.store.runfolder import RunFolder
from imgaudit.types import Finding

DAY = date(2026, 12, 2)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    return small_run(folder / "run", asking_rubric(folder))


@pytest.fixture
def run(stored: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stored, tmp_path / "run"))


def pack(*evidence: dict[str, str], **more: Any) -> Pack:
    control = {
        "id": "C-1", "title": "A control", "says": "What is asked, in words.", "roles": ["deployer"], "verified": True,
        "source": {"cite": "House rules", "url": "https://example.org/rules", "read": "2026-11-24"},
        "evidence": evidence, **more,
    }  # fmt: skip
    head = {"format": "imgaudit-controls/1", "name": "own", "version": "1", "title": "Own", "about": ""}
    return Pack.model_validate({**head, "controls": [control]})


DISCLOSED, UNDISCLOSED = {"every": "provenance.ai_disclosed >= 1"}, {"every": "provenance.ai_disclosed < 1"}
UNTOLD = {"every": "quality.blur < 0.5"}


def status(run: Path, made: Pack, as_of: date = DAY, role: Any = "deployer") -> str:
    return comply(run, [made], as_of, role).controls[0].status


def test_the_four_statuses(run: Path):
    assert status(run, pack(DISCLOSED)) == "satisfied"
    assert status(run, pack(UNDISCLOSED)) == "not satisfied"
    assert status(run, pack(UNTOLD)) == "undetermined"
    assert status(run, pack(DISCLOSED), role="provider") == "not applicable"


def test_exit_codes_follow_the_worst_control(run: Path):
    codes = [comply(run, [pack(one)], DAY, "deployer").exit_code for one in (DISCLOSED, UNDISCLOSED, UNTOLD)]

    assert codes == [0, 1, 4]


def test_one_piece_of_evidence_against_is_enough_and_one_that_is_missing_leaves_it_open(run: Path):
    assert status(run, pack(DISCLOSED, UNTOLD)) == "undetermined"
    assert status(run, pack(DISCLOSED, UNTOLD, UNDISCLOSED)) == "not satisfied"


def test_a_text_that_nobody_read_fails_nothing(run: Path):
    assert status(run, pack(UNDISCLOSED, verified=False)) == "undetermined"
    assert status(run, pack(DISCLOSED, verified=False)) == "satisfied"


def test_a_control_applies_from_its_day_to_its_last(run: Path):
    made = pack(DISCLOSED, applies_from="2026-12-02", applies_until="2026-12-03")

    days = [date(2026, 12, day) for day in (1, 2, 3, 4)]
    assert [status(run, made, day) for day in days] == ["not applicable", "satisfied", "satisfied", "not applicable"]


def test_any_role_is_asked_everything(run: Path):
    assert status(run, pack(DISCLOSED), role="any") == "satisfied"
    assert status(run, pack(DISCLOSED, roles=["any"]), role="provider") == "satisfied"


def test_evidence_names_counts_and_pictures(run: Path):
    (evidence,) = comply(run, [pack(UNDISCLOSED)], DAY, "deployer").controls[0].evidence

    assert (evidence.met, evidence.unmet, evidence.unknown) == (0, 4, 0)
    assert evidence.pictures == ("one#0", "one#1", "two#0", "two#1")


def _finding(outcome: str = "measured", **more: Any) -> dict[str, Finding]:
    return {"quality": Finding(checker="quality", version="1", outcome=outcome, **more)}


@pytest.mark.parametrize(
    ("findings", "every", "never"),
    [
        (_finding(measures={"blur": 0.2}), "met", "unmet"),
        (_finding(measures={"blur": 0.9}), "unmet", "met"),
        (_finding(measures={"dark": 0.9}), "unknown", "unknown"),
        (_finding("abstained", reason="too small"), "unknown", "unknown"),
        (_finding("failed", error="broken"), "unknown", "unknown"),
        ({}, "unknown", "unknown"),
    ],
)
def test_what_could_not_be_told_is_neither_met_nor_unmet(findings: dict[str, Finding], every: str, never: str):
    assert _holds(Evidence(every="quality.blur < 0.5"), findings) == every
    assert _holds(Evidence(never="quality.blur < 0.5"), findings) == never


def test_in_an_audit_a_file_without_a_mark_leaves_a_control_about_generated_pictures_open(run: Path):
    folder = RunFolder(run)
    report = folder.read_report().model_copy(update={"kind": "audit"})
    images = [image.model_copy(update={"findings": tuple(_undisclosed(f) for f in image.findings)})
              for image in folder.read_images()]  # fmt: skip
    digest = folder.write_lines("images.jsonl", (image.model_dump_json() for image in images))
    folder.write_text("report.json", report.model_copy(update={"images_digest": digest}).model_dump_json())

    control = comply(run, [pack(DISCLOSED, pictures="generated")], DAY, "deployer").controls[0]

    assert control.status == "undetermined"
    assert "whether they were generated is not known" in control.why
    assert status(run, pack(DISCLOSED)) == "not satisfied"


def _undisclosed(finding: Finding) -> Finding:
    if finding.checker != "provenance":
        return finding
    return finding.model_copy(update={"measures": {"ai_disclosed": 0.0}})


def attest(run: Path, dimension: str, answer: str, until: date | None = date(2027, 1, 1)) -> None:
    subject = Subject(pictures=set_digest(RunFolder(run)))
    more = {"dimension": dimension, "answer": answer, "scope": "picture", "until": None if answer == "no" else until}
    append(run, [Facts("attest", subject, "reviewed", "<b>A</b>", "legal", more)], datetime(2026, 11, 24, tzinfo=UTC))


def test_an_answer_satisfies_until_its_last_day_and_a_no_fails(run: Path):
    made = pack({"dimension": "likeness"})
    assert status(run, made) == "undetermined"

    attest(run, "likeness", "yes")
    assert [status(run, made, day) for day in (DAY, date(2027, 1, 1), date(2027, 1, 2))] == [
        "satisfied", "satisfied", "undetermined",
    ]  # fmt: skip
    answer = comply(run, [made], DAY, "deployer").controls[0].evidence[0].answers[0]
    assert (answer.by, answer.role, answer.until, answer.pictures) == ("<b>A</b>", "legal", "2027-01-01", 4)

    attest(run, "likeness", "no")
    assert status(run, made) == "not satisfied"


def test_a_licence_that_forbids_commercial_use_is_evidence_against(run: Path):
    result = comply(run, [pack({"record": "licence"})], DAY, "deployer")

    assert result.licence == "cc-by-nc-4.0"
    assert result.controls[0].status == "not satisfied"


def test_a_record_or_a_log_that_was_altered_is_refused(run: Path):
    attest(run, "likeness", "yes")
    log = run / LOG
    good = log.read_bytes()
    log.write_bytes(good.replace(b'"yes"', b'"n/a"').replace(b"legal", b"owner") + good)
    with pytest.raises(RunError, match=r"decisions\.jsonl:2"):
        comply(run, [pack(DISCLOSED)], DAY, "deployer")
    log.write_bytes(good)
    (run / "images.jsonl").write_text((run / "images.jsonl").read_text().replace("one#0", "one#9"))
    with pytest.raises(RunError, match=r"images\.jsonl"):
        comply(run, [pack(DISCLOSED)], DAY, "deployer")


def test_the_same_record_and_day_give_the_same_report_with_no_clock(run: Path):
    packs = [load_pack("eu-art50"), load_pack("nist-600-1")]

    first, second = (comply(run, packs, DAY, "deployer").model_dump_json() for _ in range(2))

    assert first == second
    assert ComplianceReport.model_validate_json(first).model_dump_json() == first


def test_what_is_never_checked_is_always_said(run: Path):
    limits = " ".join(comply(run, [pack(DISCLOSED)], DAY, "deployer").limits)

    assert "Invisible watermarks" in limits
    assert "deepfake in law" in limits
    assert "certifies no compliance" in limits


def test_the_statement_is_a_test_result_over_files_and_pictures(run: Path, tmp_path: Path):
    result = comply(run, [pack(DISCLOSED, UNTOLD)], DAY, "deployer")
    sha = digest_bytes((run / "report.json").read_bytes())

    payload = statement(result, {"report.json": sha}, RunFolder(run).read_images())
    value = json.loads(payload)

    assert value["_type"] == "https://in-toto.io/Statement/v1"
    assert value["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert value["predicate"]["result"] == "WARNED"
    assert value["predicate"]["warnedTests"] == ["own/C-1"]
    assert len(value["subject"]) == 5
    assert check_subjects(payload, run) == ({"report.json": "same"}, 4)
    assert check_subjects(payload, tmp_path) == ({"report.json": "missing"}, 4)
    (run / "report.json").write_text("{}")
    assert check_subjects(payload, run)[0] == {"report.json": "changed"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda v: b"no json",
        lambda v: json.dumps([v]).encode(),
        lambda v: json.dumps({**v, "subject": [{"name": 1}]}).encode(),
        lambda v: json.dumps({**v, "predicateType": "https://example.org"}).encode(),
        lambda v: b"[" * 100_000,
    ],
)
def test_a_payload_that_is_no_test_result_is_refused(run: Path, spoil: Callable[[Any], bytes]):
    value = json.loads(statement(comply(run, [pack(DISCLOSED)], DAY, "deployer"), {}, []))

    with pytest.raises(UsageError):
        check_subjects(spoil(value), run)


def test_names_in_a_statement_lead_nowhere_else(run: Path):
    value = {"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://in-toto.io/attestation/test-result/v0.1",
             "subject": [{"name": "../run/report.json", "digest": {"sha256": "0"}}]}  # fmt: skip

    assert check_subjects(json.dumps(value).encode(), run)[0] == {"../run/report.json": "missing"}
