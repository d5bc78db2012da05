"""Where a picture of this prompt is likely to go wrong: a deterministic reading of the prompt, by words and patterns.

English only. A point is a reason to look, not a prediction: no rate of failure is measured here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from imgaudit.prompts.clarity import number_of
from imgaudit.prompts.folding import Token, tokens
from imgaudit.prompts.quotes import quotes
from imgaudit.prompts.window import count_tokens
from imgaudit.types import Stored

_READ = 20_000


class FailurePoint(Stored):
    """One likely fault: what, at which words, why, and which checker or question of the framework looks at it."""

    kind: str
    text: str
    why: str
    dimension: str


_PATTERNS: tuple[tuple[str, str, str, str], ...] = (
    ("hands", r"\b(?:hands?|fingers?|holding|holds|grasping|gripping|waving|pointing|clapping|handshake|typing|"
     r"playing (?:the |a )?(?:piano|guitar|violin|cello|harp)|pouring|knitting|writing|shaking hands)\b",
     "hands that do something are often malformed or fused with what they hold", "hands"),
    ("faces", r"\b(?:portrait|face|faces|smil(?:e|es|ing)|laugh(?:s|ing)|crowd|audience|group of people|family)\b",
     "faces, above all small ones in groups, are often distorted", "faces"),
    ("bodies", r"\b(?:danc(?:e|es|ing|er)|yoga|gymnast\w*|jump(?:s|ing)|wrestl\w+|embrac\w+|hug(?:s|ging)|running|"
     r"climbing|riding|cross-legged|lying down)\b",
     "unusual poses and touching bodies get missing, extra or shared limbs", "anatomy"),
    ("relations", r"\b(?:to the (?:left|right) of|left of|right of|on top of|underneath|below|above|behind|"
     r"in front of|between|inside|beneath|next to|beside|surrounded by|facing)\b",
     "where things stand to each other is often ignored or mirrored", "relations"),
    ("negation", r"\b(?:no|without|not|never|lacking|devoid of|free of)\b",
     "what is denied tends to appear", "adherence"),
    ("reflection", r"\b(?:mirror|reflect\w*|reflection|puddle)\b",
     "reflections rarely agree with what they reflect", "lighting"),
    ("light", r"\b(?:shadows?|backlit|silhouette|candlelight|neon)\b",
     "shadows and several light sources rarely agree", "lighting"),
    ("symmetry", r"\b(?:symmetr\w+|glasses|spectacles|facade|butterfly|bicycle|wheels?)\b",
     "things that must be symmetrical or round often are not", "symmetry"),
    ("perspective", r"\b(?:interior|street|corridor|skyline|building|staircase|bridge|railway|fisheye|panorama)\b",
     "straight lines and vanishing points often disagree", "perspective"),
    ("fine detail", r"\b(?:chess|keyboard|clock|watch dial|calendar|map|circuit|lace|jewell?ery|crowd|instrument|"
     r"gears?|piano keys|strings)\b",
     "things with an exact fine structure are drawn from memory of many", "background"),
    ("same character", r"\b(?:same (?:man|woman|person|character|dog|cat)|twins?|sequence|comic strip|storyboard)\b",
     "one figure drawn twice rarely stays the same", "consistency"),
    ("unlikely", r"\b(?:upside[- ]down|on its head|backwards?|square wheels|blue (?:apple|banana|grass)s?)\b",
     "what contradicts habit is drawn as usual", "adherence"),
)  # fmt: skip
_COMPILED = tuple((kind, re.compile(pattern, re.IGNORECASE), why, of) for kind, pattern, why, of in _PATTERNS)
_COLOURS = frozenset(
    ("red", "blue", "green", "yellow", "orange", "purple", "pink", "brown", "black", "white", "grey", "gray", "golden",
     "silver", "turquoise", "violet", "beige", "cyan", "magenta")
)  # fmt: skip


def failure_points(prompt: str) -> tuple[FailurePoint, ...]:
    """The likely faults of a prompt, one a kind and place, at most five of a kind.

    >>> [p.kind for p in failure_points('three cats left of a sign that says "OPEN"')]
    ['relations', 'count', 'lettering']
    """
    prompt = prompt[:_READ]
    words = tokens(prompt)
    found: list[FailurePoint] = []
    for kind, pattern, why, dimension in _COMPILED:
        said = dict.fromkeys(match.group().lower() for match in pattern.finditer(prompt))
        found += [FailurePoint(kind=kind, text=text, why=why, dimension=dimension) for text in list(said)[:5]]
    found += _counts(words)
    found += _colours(words)
    found += _lettering(prompt)
    count = count_tokens(prompt)
    if not count.fits:
        why = f"{count.tokens} tokens, of which the encoder reads {count.window - 2}"
        found.append(FailurePoint(kind="window", text=prompt[count.cut :][:60], why=why, dimension="adherence"))
    return tuple(found)


def _counts(words: Sequence[Token]) -> Iterator[FailurePoint]:
    said = [
        f"{first.plain} {second.plain}"
        for first, second in pairwise(words)
        if 2 <= (number_of(first.plain) or 0) < 1000 and second.plain.endswith("s")
    ]
    for text in list(dict.fromkeys(said))[:5]:
        why = "exact numbers fail more often the larger they are"
        yield FailurePoint(kind="count", text=text, why=why, dimension="objects")


def _colours(words: Sequence[Token]) -> Iterator[FailurePoint]:
    pairs = [
        (first.plain, second.plain)
        for first, second in pairwise(words)
        if first.plain in _COLOURS and second.plain not in _COLOURS
    ]
    if len({colour for colour, _ in pairs}) >= 2:
        text = ", ".join(" ".join(pair) for pair in pairs[:4])
        why = "with several coloured things the colours leak or are swapped"
        yield FailurePoint(kind="colours", text=text, why=why, dimension="objects")


def _lettering(prompt: str) -> Iterator[FailurePoint]:
    for quote in quotes(prompt)[:5]:
        if quote.confidence >= 0.5:
            why = "lettering is often misspelt or doubled"
            yield FailurePoint(kind="lettering", text=quote.text[:60], why=why, dimension="text")
