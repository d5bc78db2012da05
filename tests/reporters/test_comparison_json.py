"""comparison.json: the comparison as it is on record."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_comparison import compared, comparison

from imgaudit.comparison import Comparison
from imgaudit.reporters._comparison import FILENAMES, writer


def written() -> bytes:
    return writer("json")(compared())


def test_the_record_can_be_read_back_as_it_was() -> None:
    assert Comparison.model_validate_json(written()) == comparison()


def test_mappings_in_another_order_give_the_same_bytes() -> None:
    first = comparison()
    turned = first.candidate.model_copy(update={"counts": dict(reversed(first.candidate.counts.items()))})
    assert first.flips is not None
    table = {before: dict(reversed(row.items())) for before, row in reversed(first.flips.table.items())}
    other = first.model_copy(
        update={"candidate": turned, "flips": first.flips.model_copy(update={"table": table})}
    )

    assert list(other.candidate.counts) != list(first.candidate.counts)
    assert writer("json")(replace(compared(), comparison=other)) == written()


@pytest.mark.parametrize("name", FILENAMES)
def test_the_same_comparison_gives_the_same_bytes_in_every_format(name: str) -> None:
    assert writer(name)(compared()) == writer(name)(compared())


def test_a_format_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(KeyError, match="no report of a comparison is called 'pdf'"):
        writer("pdf")
