"""Cut a long prompt into pieces that a joint embedding can read: at clauses first, in the middle of one only at need.

A CLIP model reads 77 tokens (others 32, 64 or 72), and cuts the rest off; of what it reads, little beyond the first
twenty tokens reaches its embedding ("Long-CLIP", Zhang et al., ECCV 2024). So a prompt that does not fit is read piece
by piece. Words are neither lost nor added nor put in another order.
"""

from __future__ import annotations

import re

MOST = 20
"""Words of a piece; about 26 tokens of English."""
LEAST = 4
"""A shorter piece says too little to be told from anything, so it is joined to its neighbour."""

_QUOTED = re.compile("\"[^\"]*\"|“[^”]*”|«[^»]*»")
_JOINTS = (
    re.compile(r"(?<=[.!?:;])\s+|\n+|(?<=[。！？；])"),
    re.compile(r"(?<=,)\s+|(?<=[，、])"),
    re.compile(r"\s+(?=(?:while|with|and|that|which|where|beside|behind|above|below|in|on|at|under|next)\b)"),
)
"""Where a text may be cut, the best places first: sentences, commas, joining words."""


def pieces(prompt: str, most: int = MOST, least: int = LEAST) -> tuple[str, ...]:
    """The pieces of a prompt, in its order; a short prompt is one piece, an empty one has none.

    Writing inside quotation marks stays whole, unless it alone is longer than a piece.

    >>> pieces("A lighthouse on a cliff. Below it a boat with two white sails, drawn in ink.", most=8)
    ('A lighthouse on a cliff.', 'Below it a boat with two white sails,', 'drawn in ink.')
    """
    text = prompt.strip()
    return tuple(_divided(text, 0, most, least)) if text else ()


def _joined(parts: list[str], most: int, least: int) -> list[str]:
    joined: list[str] = []
    for part in parts:
        if joined and _fit(joined[-1], part, most, least):
            joined[-1] = f"{joined[-1]} {part}"
        else:
            joined.append(part)
    return joined


def _fit(before: str, part: str, most: int, least: int) -> bool:
    """Whether one of two neighbours is too short to stand alone, and both together are short enough."""
    sizes = _size(before), _size(part)
    return min(sizes) < least and sum(sizes) <= most


def _size(text: str) -> int:
    """Words; of a script without spaces, a word for every two characters."""
    return max(len(text.split()), sum(ord(character) > 0x2E7F for character in text) // 2)


def _divided(text: str, level: int, most: int, least: int) -> list[str]:
    """The pieces of a part; what is too short joins a neighbour of the same part first, so a half sentence its own."""
    if _size(text) <= most:
        return [text]
    if level == len(_JOINTS):
        return _cut(text, most)
    quoted = [found.span() for found in _QUOTED.finditer(text)]
    places = [
        found.span()
        for found in _JOINTS[level].finditer(text)
        if not any(start < found.end() and found.start() < end - 1 for start, end in quoted)
    ]
    starts = [0, *(end for _, end in places)]
    ends = [*(start for start, _ in places), len(text)]
    divided = [text[start:end].strip() for start, end in zip(starts, ends, strict=True)]
    smaller = [piece for part in divided if part for piece in _divided(part, level + 1, most, least)]
    return _joined(smaller, most, least)


def _cut(text: str, most: int) -> list[str]:
    words = text.split()
    if len(words) <= 1:  # a script without spaces
        return [text[start : start + 2 * most] for start in range(0, len(text), 2 * most)]
    return [" ".join(words[start : start + most]) for start in range(0, len(words), most)]
