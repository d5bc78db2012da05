"""English words that public prompts are made of: numbers, colours, and the singular of a plural."""

from __future__ import annotations

import re

NUMBERS = {
    word: value
    for value, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    )
}
COLOURS = frozenset((
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "gray", "grey", "gold",
    "golden", "silver", "beige", "tan", "turquoise", "teal", "maroon", "cyan", "magenta", "violet", "cream",
))  # fmt: skip

_IRREGULAR = {
    "men": "man", "women": "woman", "people": "person", "children": "child", "mice": "mouse", "geese": "goose",
    "knives": "knife", "wolves": "wolf", "leaves": "leaf", "loaves": "loaf", "shelves": "shelf", "scarves": "scarf",
    "teeth": "tooth", "feet": "foot", "buses": "bus", "oxen": "ox",
}  # fmt: skip
_UNCHANGED = frozenset(("glasses", "scissors", "trousers", "pants", "shoes", "jeans", "shorts"))


def singular(noun: str) -> str:
    """The singular of an English noun, by its last word; what is singular, or never is, stays.

    >>> [singular(word) for word in ("traffic lights", "dishes", "sheep", "women", "butterflies", "bus")]
    ['traffic light', 'dish', 'sheep', 'woman', 'butterfly', 'bus']
    """
    before, space, last = noun.rpartition(" ")
    return before + space + _singular_word(last)


def _singular_word(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word in _UNCHANGED or not word.endswith("s") or word.endswith(("ss", "us")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if re.search(r"(sh|ch|x|ss|zz|to)es$", word):
        return word[:-2]
    return word[:-1]
