"""Text that cannot act, the order of pictures, and the run in words."""

from __future__ import annotations

import subprocess
import sys
import unicodedata

import pytest
from made import ANSI, EMOJI, RTL, made

from imgaudit.record import Report
from imgaudit.reporters._shared import RANK, natural, one_line, summary, visible, worst_first
from imgaudit.types import Decision

OBEYED = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # Unicode's own classes of signs that act and are not seen
KEPT = "\n\t\u00ad\u200c\u200d"  # line breaks, soft hyphen, and the joiners that Persian and emoji need


@pytest.mark.parametrize("hostile", [ANSI, RTL, "\x7f", "\u2066a\u2069", "\ufeff", "\U000e0041", "\ud800", "\r\n"])
def test_no_sign_that_acts_unseen_is_left(hostile: str) -> None:
    shown = visible(hostile)

    assert [sign for sign in shown if unicodedata.category(sign) in OBEYED and sign not in KEPT] == []


def test_every_control_and_direction_sign_of_unicode_below_the_emoji_is_shown() -> None:
    signs = [chr(code) for code in range(0x10000) if unicodedata.category(chr(code)) in {"Cc", "Zl", "Zp"}]
    directions = [chr(code) for code in range(0x10000) if unicodedata.bidirectional(chr(code)) in _DIRECTIONS]

    left = [sign for sign in [*signs, *directions] if visible(sign) == sign and sign not in KEPT]

    assert left == []


_DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def test_ordinary_text_and_emoji_are_left_alone() -> None:
    for text in (EMOJI, "naïve 東京 שלום\n\tend", "نمی\u200cخواهم"):
        assert visible(text) == text


def test_one_line_has_no_line_break_and_keeps_to_its_limit() -> None:
    line = one_line("a\nb\t c " + "x" * 500, 40)

    assert line.startswith("a b c ")
    assert line.endswith("…")
    assert len(line) == 40


def test_numbers_in_names_sort_as_numbers() -> None:
    assert sorted(["a#10", "a#2", "a", "b#1", "2", "10"], key=natural) == ["2", "10", "a", "a#2", "a#10", "b#1"]


def test_digits_that_are_no_decimal_numbers_can_be_sorted() -> None:
    assert len(sorted(["²", "٣", "9" * 5000, ""], key=natural)) == 4


def test_worst_pictures_come_first_whatever_their_order() -> None:
    images = list(made().images)

    ordered = worst_first(images)

    ranks = [RANK[record.verdict.final] for record in ordered]
    assert ranks == sorted(ranks)
    assert worst_first(reversed(images)) == ordered


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ({"publish": 1}, "Of 1 picture, 1 can be published."),
        ({"publish": 2, "reject": 1}, "Of 3 pictures, 2 can be published and 1 is rejected."),
        ({"edit": 1, "hold": 1200}, "Of 1,201 pictures, 1 needs an edit and 1,200 are on hold."),
        ({}, "No picture was audited."),
    ],
)
def test_the_summary_is_a_sentence(counts: dict[str, int], sentence: str) -> None:
    final = {Decision(name): count for name, count in counts.items()}
    report = made().report.model_copy(update={"final_counts": final, "pictures": sum(counts.values())})

    assert isinstance(report, Report)
    assert summary(report) == sentence


def test_listing_the_formats_imports_nothing_heavy() -> None:
    code = (
        "import sys; from imgaudit.registry import reporters; print(*reporters.names());"
        "print(*sorted({'PIL', 'numpy', 'pandas', 'jinja2', 'junitparser'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    names, heavy = done.stdout.split("\n")[:2]
    assert {"csv", "html", "json", "junit", "markdown"} <= set(names.split())
    assert heavy == ""
