from __future__ import annotations

import random

import pytest

from imgaudit.export.names import safe_name, suffix_of


@pytest.mark.parametrize(
    ("identity", "name"),
    [("a-red-circle#0", "a-red-circle_0"), ("geneval_0012#7", "geneval_0012_7"), ("con#0", "con_0")],
)
def test_ids_of_a_suite_keep_their_words(identity: str, name: str):
    assert safe_name(identity) == name


def test_no_two_ids_share_a_name_and_no_name_leaves_its_folder():
    signs = ["a", "A", "b", "#", "0", "1", "_", "-", ".", "/", "\\", "x", " ", "\x00", "é", "\ud800"]
    numbers = random.Random(1)
    ids = {"".join(numbers.choices(signs, k=numbers.randint(0, 9))) for _ in range(20_000)} | {"a#1", "a_1", "a#01"}

    names = {safe_name(one) for one in ids}

    assert len(names) == len(ids)
    assert all(name.isascii() and name == name.lower() and not set(name) & set("/\\. \x00") for name in names)
    assert not any(name.startswith("-") for name in names)
    assert max(map(len, names)) < 90


def test_a_format_without_a_customary_suffix_has_one_all_the_same():
    assert (suffix_of("JPEG"), suffix_of("MCIDAS"), suffix_of(None)) == (".jpg", ".img", ".img")
