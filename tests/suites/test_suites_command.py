"""`imgaudit suites import` and `formats`: what is written, what is said, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_public_formats import SAMPLES, write

from imgaudit.cli import run as imgaudit
from imgaudit.registry import importers
from imgaudit.suites.load import load_suite


def test_an_import_says_format_cases_clauses_and_licence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, *SAMPLES["dsg"][:2])
    out = tmp_path / "dsg.yaml"

    assert imgaudit(["suites", "import", "auto", str(path), "--out", str(out)]) == 0

    told = capsys.readouterr()
    assert told.out.strip() == f"{out}: 2 cases, 8 clauses; format: dsg; licence: Apache-2.0"
    assert told.err == ""
    assert len(load_suite(out).cases) == 2


@pytest.mark.parametrize("form", ["geneval2", "oneig", "cvtg", "tiif", "unigenbench", "drawbench"])
def test_what_may_not_be_passed_on_is_said_on_standard_error(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, *SAMPLES[form][:2])

    assert imgaudit(["suites", "import", form, str(path), "--out", str(tmp_path / "s.yaml")]) == 0

    assert "keep it to yourself: the prompts' licence is " in capsys.readouterr().err


def test_the_file_that_is_read_is_never_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, "prompts.csv", "prompt\na kite\n")
    link = tmp_path / "same.yaml"
    link.symlink_to(path)

    assert imgaudit(["suites", "import", "csv", str(path), "--out", str(link)]) == 2
    assert imgaudit(["suites", "import", "csv", str(path), "--out", str(tmp_path / "out.json")]) == 2

    told = capsys.readouterr().err
    assert "is the file that is read" in told
    assert "a suite is read by the suffix .yaml" in told
    assert path.read_text() == "prompt\na kite\n"


def test_a_format_that_does_not_fit_and_one_that_is_not_known_are_sentences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "prompts.csv", "prompt\na kite\n")

    assert imgaudit(["suites", "import", "dsg", str(path), "--out", str(tmp_path / "s.yaml")]) == 2
    assert imgaudit(["suites", "import", "genval", str(path), "--out", str(tmp_path / "s.yaml")]) == 2
    assert imgaudit(["suites", "import", "auto", str(tmp_path / "gone.csv"), "--out", str(tmp_path / "s.yaml")]) == 2

    told = capsys.readouterr().err
    assert "this is no DSG-1k csv of questions" in told
    assert "did you mean 'geneval'?" in told
    assert "cannot be read: no such file" in told
    assert not (tmp_path / "s.yaml").exists()


def test_formats_lists_every_reader_and_layout(capsys: pytest.CaptureFixture[str]) -> None:
    assert imgaudit(["suites", "formats"]) == 0
    text = capsys.readouterr().out
    assert imgaudit(["suites", "formats", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)

    assert [one["format"] for one in listed["formats"]] == importers.names()
    assert all(name in text for name in [*importers.names(), *listed["layouts"]])
    assert set(listed["layouts"]) == {"name-map", "case-names", "geneval", "oneig", "tiif", "prompt-names"}


def test_the_page_on_suites_names_every_format_layout_and_report() -> None:
    page = (Path(__file__).parents[2] / "docs" / "suites.md").read_text(encoding="utf-8")

    for name in importers.names():
        assert f"`{name}`" in page, name
    for name in ("names.csv", "folder:DIR;grid=2", "--format geneval", "--suite"):
        assert name in page, name
