from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from compliance.small_run import PEOPLE, asking_rubric, key_pair, small_run

from imgaudit.cli import run as imgaudit
from imgaudit.record import DimensionLine, Report
from imgaudit.store.runfolder import RunFolder

ANSWER = ["--answer", "yes", "--reason", "reviewed", "--by", "A. Jonas", "--role", "editor"]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    return small_run(folder / "run", asking_rubric(folder)).parent


@pytest.fixture
def run(stored: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stored, tmp_path, dirs_exist_ok=True)) / "run"


def attest(run: Path, *dimensions: str, answer: str = "yes", more: tuple[str, ...] = ()) -> int:
    named = [word for one in dimensions for word in ("--dimension", one)]
    rest = ["--answer", answer, *ANSWER[2:], "--rubric", str(run.parent / "asking.yaml"), *more]
    return imgaudit(["attest", str(run), *named, *rest])


def report(run: Path) -> Report:
    return RunFolder(run).read_report()


def line(run: Path, name: str) -> DimensionLine:
    return next(one for one in report(run).dimensions if one.id == name)


def finals(run: Path) -> list[str]:
    return [image.verdict.final.value for image in RunFolder(run).read_images()]


def again(run: Path, as_of: str | None = None) -> int:
    day = ["--as-of", as_of] if as_of else []
    return imgaudit(["report", str(run), "--format", "json", "--rubric", str(run.parent / "asking.yaml"), *day])


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]):
    assert imgaudit(["attest", "--help"]) == 0
    assert "Example: imgaudit attest" in capsys.readouterr().out


def test_when_everything_required_is_answered_final_moves_from_hold_to_publish(run: Path):
    assert finals(run) == ["hold"] * 4

    assert attest(run, *PEOPLE[1:]) == 4
    assert finals(run) == ["hold"] * 4
    assert attest(run, PEOPLE[0]) == 0

    assert finals(run) == ["publish"] * 4
    assert again(run) == 0
    told = line(run, "likeness")
    assert (told.status, told.measured, told.of) == ("attested", 4, 4)
    assert [(one.by, one.role, one.answer, one.pictures) for one in told.answers] == [("A. Jonas", "editor", "yes", 4)]
    assert told.answers[0].until in told.text


def test_an_answer_that_lapsed_holds_again(run: Path):
    attest(run, *PEOPLE)

    assert again(run, "2040-01-01") == 4

    assert set(finals(run)) == {"hold"}
    assert line(run, "likeness").status == "not attested"


def test_the_packaged_rubric_is_judged_again_without_being_named(tmp_path: Path):
    run = small_run(tmp_path / "run", "stock")
    imgaudit(["attest", str(run), "--dimension", "likeness", *ANSWER])

    imgaudit(["report", str(run), "--format", "json", "--as-of", "2040-01-01"])

    assert line(run, "likeness").status == "not attested"


def test_a_no_rejects_and_says_who_said_so(run: Path):
    attest(run, *PEOPLE)

    assert attest(run, "likeness", answer="no", more=("--picture", "one#1")) == 1

    assert finals(run) == ["publish", "reject", "publish", "publish"]
    image = RunFolder(run).read_images()[1]
    assert image.verdict.machine.value == "publish"
    assert image.verdict.reasons[0].code == "attestation.likeness"
    assert "A. Jonas (editor) answered no (reviewed)" in image.verdict.reasons[0].message
    assert line(run, "likeness").status == "declined"
    assert [(one.answer, one.pictures) for one in line(run, "likeness").answers] in (
        [("no", 1), ("yes", 3)], [("yes", 3), ("no", 1)],
    )  # fmt: skip


def test_a_no_counts_although_nobody_had_to_answer(tmp_path: Path):
    run = small_run(tmp_path / "run")

    code = imgaudit(["attest", str(run), "--dimension", "likeness", "--answer", "no", "--reason", "no-consent",
                     "--by", "A", "--role", "legal"])  # fmt: skip

    assert code == 1
    assert set(finals(run)) == {"reject"}


def test_a_rubric_may_hold_for_a_no(run: Path):
    asking_rubric(run.parent, likeness="hold")

    attest(run, *PEOPLE)
    assert attest(run, "likeness", answer="no") == 4

    assert set(finals(run)) == {"hold"}


def test_not_arising_clears(run: Path):
    attest(run, *PEOPLE[:-1])

    assert attest(run, PEOPLE[-1], answer="n/a") == 0


def test_answers_change_no_machine_verdict_and_no_clock_enters_the_report(run: Path):
    before = [image.verdict.machine for image in RunFolder(run).read_images()]

    attest(run, *PEOPLE)

    assert [image.verdict.machine for image in RunFolder(run).read_images()] == before
    first = (run / "report.json").read_bytes()
    again(run)
    assert (run / "report.json").read_bytes() == first
    assert b":" in first
    assert not any(b"T" + hour in first for hour in (b"0", b"1", b"2"))  # a time would be written 2026-11-24T09:30


def test_decisions_are_signed_and_printed(run: Path, capsys: pytest.CaptureFixture[str]):
    secret, public = key_pair(run.parent)
    capsys.readouterr()

    attest(run, "likeness", more=("--key", str(secret), "--json"))

    printed = json.loads(capsys.readouterr().out)
    assert (printed["by"], printed["dimension"]) == ("A. Jonas", "likeness")
    assert imgaudit(["log", "verify", str(run), "--key", str(public)]) == 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (["--dimension", "hands"], "a check, or nobody, answers it"),
        (["--dimension", "likenes"], "no such dimension"),
        (["--picture", "nope"], "the run has no picture of this id"),
        (["--valid-days", "9999"], "likeness counts 365 days by rubric asking"),
        (["--answer", "maybe"], "expected yes, no or n/a"),
        (["--reason", "Because I say so"], "reason"),
        (["--by", ""], "by"),
        (["--key", "no-such.pem"], "no-such.pem: cannot be read"),
        (["--note", "x" * 2001], "--note"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    run: Path, changed: list[str], message: str, capsys: pytest.CaptureFixture[str]
):
    rubric = ["--rubric", str(run.parent / "asking.yaml")]

    code = imgaudit(["attest", str(run), "--dimension", "likeness", *ANSWER, *rubric, *changed])

    assert code == 2
    assert message in capsys.readouterr().err
    assert not (run / "decisions.jsonl").exists() or not (run / "decisions.jsonl").read_bytes()


def test_a_rubric_that_is_not_packaged_must_be_given(run: Path, capsys: pytest.CaptureFixture[str]):
    assert imgaudit(["attest", str(run), "--dimension", "likeness", *ANSWER]) == 2
    assert "give its file to --rubric" in capsys.readouterr().err


def test_nothing_is_decided_on_a_broken_log(run: Path, capsys: pytest.CaptureFixture[str]):
    attest(run, "likeness")
    log = run / "decisions.jsonl"
    log.write_bytes(log.read_bytes().replace(b"yes", b"n/a").replace(b"editor", b"nobody") + log.read_bytes())
    before = log.read_bytes()

    assert attest(run, "safety") == 2

    assert "tampered" in capsys.readouterr().err
    assert log.read_bytes() == before
    assert again(run) == 2
