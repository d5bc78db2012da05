"""The page on skew and the simulation that fills it."""

from __future__ import annotations

import re

import pytest

from docs import simulate_skew

TINY = simulate_skew.Scale(sets=4, slow=4)
FAST = ("floor", "errors", "verdicts", "tests", "ratios", "clusters", "crossed", "family", "settled", "unknown")


def masked(text: str) -> str:
    return re.sub(r"\d+(\.\d+)? %|none|\b\d+(\.\d+)?\b", "#", text)


def section(name: str) -> str:
    return simulate_skew.PAGE.read_text().split(f"<!-- table: {name} -->\n")[1].split("\n<!-- end -->")[0]


def rows(name: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in section(name).splitlines()[2:]]


def share(cell: str) -> float:
    return float(cell.removesuffix(" %"))


@pytest.mark.parametrize("name", FAST)
def test_the_page_has_the_tables_that_the_simulation_writes(name: str):
    assert masked(simulate_skew.TABLES[name](TINY)) == masked(section(name)), "run: python -m docs.simulate_skew"


def test_the_references_are_those_of_the_packaged_tables():
    assert simulate_skew.references_table(TINY) == section("references")


def test_a_page_without_a_place_for_a_table_is_refused():
    with pytest.raises(ValueError, match="0 marks for the table 'floor'"):
        simulate_skew.filled("# empty\n", TINY)


def test_the_page_keeps_its_promises():
    # 5 % and 3.5 standard errors of 2,000 sets, or of 400
    for groups, size, rejected, skewed, _, tolerated, covered in rows("errors"):
        assert max(share(rejected), share(skewed), share(tolerated)) <= 6.7, (groups, size)
        assert share(covered) >= 93.3, (groups, size)
    for *name, _, every, fifths, entropy, _, _ in rows("ratios"):
        assert min(share(every), share(fifths), share(entropy)) >= 93.3, name
    for *name, _, covered, _, corrected in rows("correction"):
        assert share(covered) >= 91, name
        assert share(corrected) <= 9, name
    for *name, _, covered in rows("clusters"):
        assert share(covered) >= 92.5, name
    for *name, _, adjusted, _ in rows("family"):
        assert share(adjusted) <= 6.7, name
    for *name, skewed in rows("unknown"):
        assert share(skewed) <= 6.7, name
    for _, bound, related, covered, _ in rows("crossed"):
        assert share(covered) >= 90
        assert bound != "0.0" or share(related) <= 9
