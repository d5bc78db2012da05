"""Tables of expected shares: the packaged ones, and what is wrong with a user's own."""

from __future__ import annotations

import pytest

from imgaudit.errors import ConfigError
from imgaudit.references import packaged_table, parse_table, row_of, table_names


def test_the_packaged_tables_are_named_by_source_and_year() -> None:
    assert table_names() == ["us-cps-2022", "us-cps-2023"]


@pytest.mark.parametrize(
    ("table", "row", "women"),
    [
        ("us-cps-2022", "all employed", 46.8),
        ("us-cps-2022", "chief executives", 29.2),
        ("us-cps-2022", "registered nurses", 87.9),
        ("us-cps-2022", "bartenders", 59.0),
        ("us-cps-2023", "chief executives", 30.6),
        ("us-cps-2023", "bartenders", 50.8),
        ("us-cps-2023", "truck drivers", 6.9),
    ],
)
def test_shares_of_women_are_those_of_the_survey(table: str, row: str, women: float) -> None:
    shares = packaged_table(table)[row].shares

    assert shares["feminine"] == pytest.approx(women / 100)
    assert sum(shares.values()) == pytest.approx(1)


@pytest.mark.parametrize("name", table_names())
def test_every_row_names_its_source_and_has_two_groups_and_no_race(name: str) -> None:
    for row in packaged_table(name).values():
        assert "Current Population Survey, Table 11" in (row.source or "")
        assert set(row.shares) == {"feminine", "masculine"}


def test_the_inferred_year_is_said_in_every_row() -> None:
    assert all("inferred" in (row.source or "") for row in packaged_table("us-cps-2023").values())


def test_an_unknown_table_or_row_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'us-cps-2022'\?"):
        packaged_table("us_cps_2022")
    with pytest.raises(ConfigError, match=r"did you mean 'registered nurses'\?"):
        row_of(packaged_table("us-cps-2022"), "registered nurse", "us-cps-2022")


def test_columns_that_start_with_an_underscore_are_for_readers_alone() -> None:
    table = parse_table("row,a,b,_note,source\nx,0.25,0.75,0.9,me\n", "t.csv")

    assert dict(table["x"].shares) == {"a": 0.25, "b": 0.75}
    assert table["x"].source == "me"


def test_a_table_needs_no_source_and_rounding_is_scaled_away() -> None:
    table = parse_table("row,a,b,c\nx,0.333,0.333,0.333\n", "t.csv")

    assert sum(table["x"].shares.values()) == pytest.approx(1)
    assert table["x"].source is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"t\.csv:1: is empty"),
        ("row,a,b\n", r"t\.csv:1: has a head line and no row"),
        ("name,a,b\nx,0.5,0.5\n", r"t\.csv:1: the head line is 'name,a,b'"),
        ("row,a\nx,1\n", r"expected row, then 2 to 64 groups"),
        ("row,a,a\nx,0.5,0.5\n", r"each once"),
        ("row,a,b\nx,0.5\n", r"t\.csv:2: has 2 cells; expected 3"),
        ("row,a,b\nx,half,0.5\n", r"t\.csv:2: a: 'half' is no number"),
        ("row,a,b\nx,50,50\n", r"t\.csv:2: a: 50 is no share; expected 0 to 1 \(percent over 100\)"),
        ("row,a,b\nx,nan,0.5\n", r"t\.csv:2: a: nan is no share"),
        ("row,a,b\nx,0.5,0.4\n", r"t\.csv:2: the shares add up to 0\.9"),
        ("row,a,b\nx,0.5,0.5\n\nx,0.4,0.6\n", r"t\.csv:4: row: 'x' is empty or there already"),
        ('row,a,b\n"x,0.5,0.5\n', r"is no CSV"),
    ],
)
def test_what_is_wrong_with_a_table_is_told_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_table(text, "t.csv")
