"""Neutral words for a name: what the eye would see, without whose it is (`lists/neutral.tsv`)."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources

from imgaudit.prompts.names import Entry

_BY_KIND = {
    "artist": "a hand-made look with a clear palette",
    "person": "an invented person",
    "character": "an invented character",
    "work": "an invented world",
    "mark": "an unbranded product",
    "agency": "an invented organisation",
    "brand": "an unbranded product",
}


@cache
def _table() -> Mapping[tuple[str, str], str]:
    text = (resources.files("imgaudit.prompts") / "lists" / "neutral.tsv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return {(row["kind"], row["name"]): row["words"] for row in rows}


def neutral_words(entry: Entry) -> str:
    """What to say in place of a name; by kind where the list has no row for it."""
    return _table().get((entry.kind, entry.name)) or _BY_KIND[entry.kind]
