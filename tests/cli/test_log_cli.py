from __future__ import annotations

import json
from pathlib import Path

import pytest
from compliance.small_run import key_pair, small_run
from decided_run import decide, decided_run, missed, pictures

from imgaudit.cli import run as imgaudit
from imgaudit.store.runfolder import RunFolder

ANSWER = ["--answer", "yes", "--reason", "reviewed", "--by", "A. <b>Jonas</b>", "--role", "editor\x1b[31m"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    run = small_run(tmp_path / "run")
    for dimension in ("likeness", "safety"):
        imgaudit(["attest", str(run), "--dimension", dimension, *ANSWER, "--note", "seen with B."])
    return run


def verify(run: Path, *more: str) -> int:
    return imgaudit(["log", "verify", str(run), *more])


def test_an_intact_log_says_what_it_cannot_show(run: Path, capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    assert verify(run) == 0
    shown = capsys.readouterr().out
    assert "intact: 2 decisions" in shown
    assert "cut off the end would not be noticed" in shown


def test_a_run_about_which_nobody_decided_is_said_in_json_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run = small_run(tmp_path / "run")
    assert verify(run) == 0
    capsys.readouterr()

    assert verify(run, "--json") == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["lines"]) == ("intact", 0)


def test_a_tampered_log_exits_1(run: Path, capsys: pytest.CaptureFixture[str]):
    log = run / "decisions.jsonl"
    log.write_bytes(log.read_bytes().replace(b"likeness", b"safetyyy"))

    assert verify(run, "--json") == 1

    assert json.loads(capsys.readouterr().out.splitlines()[-1])["state"] == "tampered"


def test_a_cut_tail_exits_1_under_a_signed_head_and_4_when_a_key_finds_no_head(run: Path, tmp_path: Path):
    secret, public = key_pair(tmp_path)
    assert verify(run, "--key", str(public)) == 4
    imgaudit(["attest", str(run), "--dimension", "logos", *ANSWER, "--key", str(secret)])
    assert verify(run, "--key", str(public)) == 0
    log = run / "decisions.jsonl"

    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:2]))

    assert verify(run, "--key", str(public)) == 1
    assert verify(run) == 1


@pytest.mark.parametrize("kind", ["secret", "rsa", "garbage", "missing", "huge"])
def test_a_key_of_the_wrong_kind_is_a_sentence(
    run: Path, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = tmp_path / "key.pem"
    if kind == "secret":
        key = key_pair(tmp_path)[0]
    elif kind == "rsa":
        public = rsa.generate_private_key(65537, 2048).public_key()
        pem = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        key.write_bytes(public.public_bytes(*pem))
    elif kind == "garbage":
        key.write_bytes(b"\x00\xff" * 40)
    elif kind == "huge":
        key.write_bytes(b"A" * (1 << 20))

    assert verify(run, "--key", str(key)) == 2

    assert f"imgaudit: {key.name}: " in capsys.readouterr().err


def test_no_decision_is_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    tmp_path.joinpath("run").mkdir()
    assert verify(tmp_path / "run") == 0
    assert "no decision" in capsys.readouterr().out
    assert verify(tmp_path / "nowhere") == 2


def test_show_tells_who_decided_what_and_obeys_no_control_character(run: Path, capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    assert imgaudit(["log", "show", str(run)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert "A. <b>Jonas</b> (editor⟨U+001B⟩[31m) answered yes to likeness (reviewed), about the run until" in first
    assert second.endswith(": seen with B.")
    assert "\x1b" not in first
    assert imgaudit(["log", "show", str(run), "--json"]) == 0
    assert [json.loads(line)["seq"] for line in capsys.readouterr().out.splitlines()] == [0, 1]


def test_show_tells_decisions_disputes_and_what_was_taken_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run, _ = decided_run(tmp_path)
    decide(run, "one#1", "reject", "Eve\x1b[31m", disputes=[{**missed("text"), "code": "text.missing\u202e"}])

    assert imgaudit(["log", "show", str(run)]) == 0
    shown = capsys.readouterr().out.splitlines()

    assert shown[1] == (
        "2 2026-11-24 09:30 Ann (editor) decided publish (looked-at), about picture one#1, before: edit; "
        "says that the alarm of hands is false: a glove, and it is meant"
    )
    assert "says that hands missed a fault" in shown[2]
    assert shown[9].endswith("about picture two#2, before: publish [taken back by line 11]")
    assert shown[10] == "11 2026-11-24 09:30 Cem (editor) took back line 10 (mistaken), about picture two#2"
    assert "Eve⟨U+001B⟩[31m (editor) decided reject" in shown[11]
    assert "missed text.missing⟨U+202E⟩" in shown[11]
    assert imgaudit(["log", "show", str(run), "--json"]) == 0
    actions = [json.loads(line)["action"] for line in capsys.readouterr().out.splitlines()]
    assert actions == ["judge"] * 10 + ["undo", "judge"]


def test_show_names_a_picture_that_is_gone_by_its_digest(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run, _ = decided_run(tmp_path)
    digest = pictures(run)["one#1"].pixels
    (run / "images.jsonl").unlink()

    assert imgaudit(["log", "show", str(run)]) == 0
    assert f"about picture {digest[:12]}, before: edit" in capsys.readouterr().out
    assert imgaudit(["log", "show", str(tmp_path / "nowhere")]) == 2


@pytest.mark.parametrize("old", [b'"after":"publish"', b'"undoes":9', b'"says":"missed"', b'"role":"lawyer"'])
def test_a_decision_that_was_edited_is_found(tmp_path: Path, old: bytes):
    run, _ = decided_run(tmp_path)
    decide(run, "one#1", "reject")
    assert verify(run) == 0
    log = run / "decisions.jsonl"
    new = {b'"after":"publish"': b'"after":"reject"', b'"undoes":9': b'"undoes":8',
           b'"says":"missed"': b'"says":"false alarm"', b'"role":"lawyer"': b'"role":"editor"'}[old]  # fmt: skip
    assert old in log.read_bytes()

    log.write_bytes(log.read_bytes().replace(old, new, 1))

    assert verify(run) == 1


def test_answers_comply_and_purge_work_beside_decisions(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run, _ = decided_run(tmp_path)
    rubric = str(tmp_path / "hands.yaml")
    secret, public = key_pair(tmp_path)

    more = ["--rubric", rubric, "--key", str(secret)]
    assert imgaudit(["attest", str(run), "--dimension", "likeness", *ANSWER, *more]) == 1
    report = RunFolder(run).read_report()
    assert report.review is not None
    assert report.review.decided == 6
    assert imgaudit(["comply", str(run), "--packs", "template", "--as-of", "2026-11-24", "--key", str(public)]) != 2
    told = json.loads((run / "comply.json").read_text())
    assert (told["log"]["lines"], told["log"]["verified"]) == (12, True)
    assert imgaudit(["purge", str(run), "--picture", "one#1", "--rubric", rubric, "--yes"]) != 2
    assert verify(run) == 0
    assert RunFolder(run).read_report().review.decided == 5
