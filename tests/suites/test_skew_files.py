"""Skew plans that name tables and labelled pictures: read with the suite, and told with its line when wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgaudit.errors import ConfigError
from imgaudit.suites.load import dump_suite, load_suite
from imgaudit.types import SkewPlan

SHARES = "row,red,blue,source\nours,0.25,0.75,counted by hand\n"
LABELS = "true,perceived,pictures\nred,red,40\nred,blue,10\nblue,blue,45\nblue,red,5\n"


def suite(folder: Path, plan: str) -> Path:
    path = folder / "s.yaml"
    path.write_text(
        "format: imgaudit-suite/1\nname: s\ntitle: t\nlicence: MIT\ncases:\n- id: a\n  prompt: x\n  skew:\n"
        + "".join(f"    {line}\n" for line in plan.splitlines())
    )
    return path


def plan_of(folder: Path, text: str) -> SkewPlan:
    plan = load_suite(suite(folder, text)).cases[0].skew
    assert plan is not None
    return plan


def test_a_packaged_row_becomes_the_reference_with_its_source(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path, "attribute: gender_expression\nshares_from: {table: us-cps-2022, row: registered nurses}"
    )

    assert plan.reference == pytest.approx({"feminine": 0.879, "masculine": 0.121})
    assert plan.shares_from is not None
    assert "Table 11, annual averages 2022" in (plan.shares_from.source or "")


def test_a_csv_beside_the_suite_becomes_the_reference_with_its_digest(tmp_path: Path) -> None:
    (tmp_path / "shares.csv").write_text(SHARES)

    plan = plan_of(tmp_path, "attribute: colour\nshares_from: {table: shares.csv, row: ours}")

    assert plan.reference == {"red": 0.25, "blue": 0.75}
    assert plan.shares_from is not None
    assert plan.shares_from.source == "counted by hand"
    assert len(plan.shares_from.sha256 or "") == 64


@pytest.mark.parametrize(
    "text", ["labelled: labels.csv", "labelled: {red: {red: 40, blue: 10}, blue: {blue: 45, red: 5}}"]
)
def test_labelled_pictures_are_a_file_or_stand_in_the_plan(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.csv").write_text(LABELS)

    plan = plan_of(tmp_path, f"attribute: colour\nreference: {{red: 0.5, blue: 0.5}}\n{text}")

    assert plan.labelled is not None
    assert plan.labelled.counts == {"red": {"red": 40, "blue": 10}, "blue": {"blue": 45, "red": 5}}


def test_a_suite_that_was_read_is_written_and_read_again_as_itself(tmp_path: Path) -> None:
    (tmp_path / "shares.csv").write_text(SHARES)
    (tmp_path / "labels.csv").write_text(LABELS)
    read = load_suite(
        suite(tmp_path, "attribute: colour\nshares_from: {table: shares.csv, row: ours}\nlabelled: labels.csv")
    )

    (tmp_path / "again.yaml").write_text(dump_suite(read))
    again = load_suite(tmp_path / "again.yaml")

    assert again == read
    assert again.digest == read.digest


def test_a_table_that_changed_is_found_out(tmp_path: Path) -> None:
    (tmp_path / "shares.csv").write_text(SHARES)
    read = load_suite(suite(tmp_path, "attribute: colour\nshares_from: {table: shares.csv, row: ours}"))
    (tmp_path / "again.yaml").write_text(dump_suite(read))
    (tmp_path / "shares.csv").write_text(SHARES.replace("by hand", "by eye"))

    with pytest.raises(ConfigError, match="the file was changed"):
        load_suite(tmp_path / "again.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("shares_from: {table: us-cps-2021, row: lawyers}", r"unknown table 'us-cps-2021'; did you mean"),
        ("shares_from: {table: us-cps-2022, row: pirates}", r"us-cps-2022 has no row 'pirates'"),
        ("shares_from: {table: none.csv, row: x}", r"'none\.csv' is no file beside the suite"),
        ("shares_from: {table: ../out.csv, row: x}", r"is no file beside|is no path below"),
        ("shares_from: {table: shares.csv, row: ours}\nreference: {red: 0.5, blue: 0.5}", r"give one of both"),
        ("labelled: none.csv", r"'none\.csv' is no file beside the suite"),
        ("labelled: wrong-head.csv", r"wrong-head\.csv:1: the head line is 'a,b,c'; expected true,perceived,pictures"),
        ("labelled: wrong-line.csv", r"wrong-line\.csv:3: 'red,blue,-1'; expected two groups and a whole number"),
        ("labelled: lonely.csv", r"fewer than two true groups"),
        ("labelled: {red: {red: 4, green: 1}, blue: {blue: 4}}", r"'green' was perceived and is never true"),
        ("labelled: {red: {red: 4}, blue: {blue: 0}}", r"'blue' has no labelled picture"),
        ("labelled: {red: {red: -4}, blue: {blue: 4}}", r"'red' has no labelled picture"),
        ("labelled: {}", r"holds no counts"),
    ],
)
def test_what_is_wrong_is_told_with_the_suites_line_and_field(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "shares.csv").write_text(SHARES)
    (tmp_path / "wrong-head.csv").write_text("a,b,c\nred,red,1\n")
    (tmp_path / "wrong-line.csv").write_text("true,perceived,pictures\nred,red,1\nred,blue,-1\n")
    (tmp_path / "lonely.csv").write_text("true,perceived,pictures\nred,red,1\n")

    with pytest.raises(ConfigError, match=message) as caught:
        load_suite(suite(tmp_path, f"attribute: colour\n{text}"))

    assert "s.yaml:" in str(caught.value)
    assert "cases[0].skew" in str(caught.value)


def test_a_link_out_of_the_suites_folder_is_refused(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "shares.csv").write_text(SHARES)
    (inner / "shares.csv").symlink_to(tmp_path / "shares.csv")

    with pytest.raises(ConfigError, match="leads out of the suite's folder"):
        load_suite(suite(inner, "attribute: colour\nshares_from: {table: shares.csv, row: ours}"))
