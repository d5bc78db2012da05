"""The strings that a prompt asks to be written in the picture.

Every style of quotation marks counts; an apostrophe inside a word does not. Without marks, `a sign that reads OPEN`
and the like count where the words to be written are in capitals. Words around the quotation say how sure it is: a sign
that reads "X" asks for X, a film called "X" or a so-called "X" hardly does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PROMPT = 8_000
_NEAR = 6
_MOST = 40

_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"“([^“”]{1,300})”",
        r"„([^„“”]{1,300})[“”]",
        r"(?<!\w)\"(?=\S)([^\"]{1,300})(?<=\S)\"(?!\w)",
        r"«\s?([^«»]{1,300}?)\s?»",
        r"「([^「」]{1,300})」",
        r"『([^『』]{1,300})』",
        r"(?<!\w)‘((?:[^‘’\n]|’(?=\w)){1,300})’(?!\w)",
        r"(?<!\w)'((?:[^'\n]|(?<=\w)'(?=\w)){1,300})'(?!\w)",
    )
)

# fmt: off
_VERBS = frozenset((
    "say", "says", "saying", "said", "read", "reads", "reading", "spell", "spells", "spelling", "written",
    "write", "titled", "title", "entitled", "labelled", "labeled", "label", "lettering", "letters", "text",
    "texts", "word", "words", "caption", "captioned", "headline", "heading", "slogan", "inscription",
    "inscribed", "engraved", "printed", "message", "phrase", "tagline", "typography", "logo", "name", "named",
    "number",
))
_CARRIERS = frozenset((
    "sign", "signs", "poster", "posters", "banner", "banners", "billboard", "neon", "label", "labels", "logo",
    "logos", "shirt", "t-shirt", "tshirt", "hoodie", "cap", "hat", "mug", "cup", "bottle", "can", "box",
    "package", "packaging", "card", "cards", "letter", "note", "book", "cover", "magazine", "newspaper", "page",
    "screen", "board", "chalkboard", "blackboard", "whiteboard", "menu", "ticket", "stamp", "badge", "sticker",
    "graffiti", "mural", "plaque", "tombstone", "gravestone", "storefront", "shop", "awning", "flag", "bumper",
    "plate", "license", "jersey", "cake", "tattoo", "speech", "bubble", "envelope", "receipt", "certificate",
    "map", "clock", "door", "window", "wall", "truck", "van", "bus", "taxi", "placard", "flyer", "leaflet",
    "album", "bag", "sash", "medal", "trophy",
))
_AGAINST = frozenset((
    "style", "film", "movie", "song", "known", "called", "nicknamed", "aka", "so-called", "like", "inspired",
    "genre", "aesthetic",
))
# fmt: on
_BARE = re.compile(
    r"\b(?:reads|reading|says|saying|spells|spelling|"
    r"(?:text|word|words|title|caption|headline|slogan|lettering)(?: that (?:reads|says))?)"
    r"\s*:?\s+((?:[A-Z0-9][A-Z0-9'’&!?.-]*)(?:\s+[A-Z0-9][A-Z0-9'’&!?.-]*){0,7})(?![a-z])"
)


@dataclass(frozen=True, slots=True)
class Quote:
    """A string to be written.

    Attributes:
        text: as in the prompt, outer spaces and a closing comma or full stop left off.
        confidence: 0..1, how surely it is to be written.
        carrier: the noun that bears it (sign, poster, ...), if one is near.
        start: where it stands in the prompt.
    """

    text: str
    confidence: float
    carrier: str | None
    start: int


def quotes(prompt: str) -> tuple[Quote, ...]:
    """All strings that a prompt asks for, in its order; at most 40, from its first 8,000 characters.

    >>> [q.text for q in quotes("a sign that says 'Don't panic' beside the dog's bowl")]
    ["Don't panic"]
    """
    prompt = prompt[:_PROMPT]
    taken: list[tuple[int, int]] = []
    found: list[Quote] = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(prompt):
            if not any(match.start() < end and start < match.end() for start, end in taken):
                taken.append(match.span())
                found += _quote(prompt, match, marked=True)
    for match in _BARE.finditer(prompt):
        if not any(match.start(1) < end and start < match.end(1) for start, end in taken):
            found += _quote(prompt, match, marked=False)
    return tuple(sorted(found, key=lambda quote: quote.start)[:_MOST])


def _quote(prompt: str, match: re.Match[str], *, marked: bool) -> list[Quote]:
    text = match.group(1).strip().rstrip(",")
    if not marked:
        text = text.rstrip(".")
    if not any(c.isalnum() for c in text):
        return []
    before = [w.strip(".,:;()").lower() for w in prompt[: match.start(1)].split()[-_NEAR - 1 :]]
    before = [w.strip("\"'“‘«„「『") for w in before]
    after = [w.strip(".,:;()").lower() for w in prompt[match.end() :].split()[:2]]
    carrier = next((w for w in reversed(before) if w in _CARRIERS), None)
    short = sum(c.isalnum() for c in text) < 2
    confidence = _confidence(before, after, carrier, marked=marked, short=short)
    return [Quote(text, confidence, carrier, match.start(1))]


def _confidence(before: list[str], after: list[str], carrier: str | None, *, marked: bool, short: bool) -> float:
    """0.6 for bare quotation marks, more with a verb of writing or a carrier near.

    Little after `style of` and the like, and for a single letter (rock 'n' roll).
    """
    said = next((i for i, w in enumerate(reversed(before)) if w in _VERBS), None)
    against = next((i for i, w in enumerate(reversed(before[-3:])) if w in _AGAINST), None)
    if against is not None and (said is None or against < said):
        return 0.2
    if said is None and (short or any(w in _AGAINST for w in after)):
        return 0.2
    tenths = (6 if marked else 5) + (0 if said is None else 3) + (1 if carrier else 0)
    return tenths / 10
