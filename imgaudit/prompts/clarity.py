"""Whether a prompt can be drawn as it is said: vague words, contradictions, negations, counts, hidden characters.

English only, by word lists and patterns; each finding is a hint with its place. Linear in the length of the prompt.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from imgaudit.prompts.folding import Token, fold, word_set
from imgaudit.prompts.quotes import quotes
from imgaudit.prompts.window import CLIP_WINDOW, count_tokens

_MANY = 4
_MOST_OF_A_KIND = 20
_GOOD_LENGTH = 40
_LETTERING_WORDS = 3
_QUOTED = 8_000

NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
    "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100, "dozen": 12,
}  # fmt: skip

_VAGUE = word_set(
    "beautiful nice stunning amazing awesome epic incredible gorgeous pretty cool interesting perfect breathtaking "
    "magnificent wonderful great good best masterpiece something things stuff etc various some kind sort aesthetic "
    "creative unique professional"
)
_NOT_VAGUE_BEFORE = frozenset(("great",))
_GREATS = word_set("wall dane pyramid barrier gatsby owl horned grey gray white hall canyon lakes")

_SENSES: dict[str, tuple[str, tuple[str, ...]]] = {
    "bat": ("the animal or the club",
            ("wing wings cave flying vampire animal", "baseball cricket swing wooden player")),
    "crane": ("the bird or the machine",
              ("bird wetland feathers flying origami", "construction building lifting harbor harbour")),
    "mouse": ("the animal or the computer device",
              ("cheese tail cat animal whiskers eating grey brown owl bird", "computer keyboard desk usb")),
    "seal": ("the animal or the stamp", ("ice sea beach animal swimming", "wax stamp letter official")),
    "bow": ("the weapon, the ribbon or the front of a ship",
            ("arrow arrows archer", "ribbon hair gift tie", "ship boat", "violin cello")),
    "palm": ("the tree or the hand", ("tree trees beach leaf leaves tropical", "hand fingers")),
    "bank": ("the house of money or the side of a river",
             ("money lobby robbery building", "river grassy stream lake")),
    "trunk": ("of a tree, of an elephant, or a box", ("tree bark", "elephant", "luggage car attic")),
    "jaguar": ("the animal or the car", ("jungle animal cat spotted river tree", "car road driving")),
    "mercury": ("the planet, the metal or the god", ("planet sun orbit", "thermometer liquid metal", "god roman")),
    "nail": ("the pin or the finger's", ("hammer wood wall", "finger polish hand manicure")),
    "pitcher": ("the jug or the player", ("water juice beer milk lemonade glass", "baseball mound throwing")),
    "spring": ("the season, the coil or the well", ("flowers blossom season meadow", "coil metal mattress", "water")),
    "glasses": ("to wear or to drink from",
                ("wearing eyes rimmed nose sun reading", "wine drinking table champagne water")),
    "date": ("the fruit, the day or the meeting", ("fruit palm dried", "calendar", "couple romantic dinner")),
    "china": ("the country or the porcelain", ("map wall beijing country", "porcelain plate cup tea")),
    "turkey": ("the bird or the country", ("roast bird farm thanksgiving feathers walking", "istanbul map country")),
    "ring": ("the jewel, the circle or the boxing place", ("finger diamond gold wedding", "boxing", "circle")),
    "fan": ("the device or the supporter", ("ceiling electric hand", "football stadium cheering")),
    "chest": ("the box or the body", ("treasure drawers wooden antique", "man bare hair arm")),
}  # fmt: skip
_NO_SENSE = frozenset(("bowtie", "suit"))

_CONFLICTS: tuple[tuple[str, frozenset[str], frozenset[str]], ...] = tuple(
    (name, frozenset(first.split("|")), frozenset(second.split("|")))
    for name, first, second in (
        ("day and night", "day|daytime|daylight|noon|midday|sunny|broad daylight|in the sunshine|bright sunshine",
         "night|nighttime|midnight|moonlit|moonlight|starry night|at night"),
        ("sunrise and sunset", "sunrise|dawn|daybreak", "sunset|dusk|sundown"),
        ("minimalist and highly detailed", "minimalist|minimalistic|minimal|minimalism",
         "highly detailed|intricate|intricately detailed|ornate|hyper detailed|hyperdetailed|ultra detailed|"
         "extremely detailed|very detailed|maximalist|richly detailed|cluttered"),
        ("monochrome and colourful", "black and white|monochrome|grayscale|greyscale|b w",
         "colorful|colourful|vibrant colors|vibrant colours|full color|full colour|rainbow|multicolored|multicoloured"),
        ("photographic and drawn", "photo|photograph|photorealistic|photorealism|dslr|photographic|hyperrealistic",
         "cartoon|anime|watercolor|watercolour|oil painting|line art|pixel art|vector illustration|pencil drawing|"
         "sketch|flat illustration|comic"),
        ("empty and crowded", "empty|deserted|no people|unpopulated|solitary|abandoned",
         "crowded|crowd|busy|packed|bustling"),
        ("indoors and outdoors", "indoors|indoor|interior", "outdoors|outdoor|exterior"),
        ("winter and summer", "winter|snowy|snowfall|snow covered", "summer|midsummer|tropical heat"),
        ("close-up and wide view", "close up|closeup|macro|extreme close up",
         "wide shot|wide angle view|panorama|panoramic|aerial view|bird s eye view|birds eye view|establishing shot"),
        ("from above and from below", "from above|overhead view|top down|bird s eye|birds eye",
         "from below|low angle|worm s eye|worms eye"),
        ("symmetrical and asymmetrical", "symmetrical|symmetric|symmetry", "asymmetrical|asymmetric|asymmetry"),
        ("still and moving", "motionless|static|perfectly still|standing still",
         "running|motion blur|racing|sprinting"),
        ("old and young", "elderly|old man|old woman|aged", "young man|young woman|youthful|teenage"),
        ("soft and hard light", "soft light|diffuse light|diffused light|overcast|soft lighting",
         "hard light|harsh light|hard shadows|harsh shadows|harsh sunlight"),
        ("sharp and blurred", "sharp focus|everything in focus|deep focus|tack sharp",
         "blurry|out of focus|soft focus|shallow depth of field|bokeh"),
        ("dark and bright", "dark and moody|low key|dimly lit|pitch dark", "bright and airy|high key|brightly lit"),
        ("flat and three-dimensional", "flat design|2d|flat vector", "3d render|3d|cgi|octane render"),
        ("warm and cold palette", "warm palette|warm colors|warm colours|warm tones",
         "cold palette|cool palette|cold colors|cold colours|cool tones|cool colors|cool colours"),
        ("wet and dry", "rainy|pouring rain|in the rain|downpour", "cloudless|clear sky|clear blue sky|dry desert"),
        ("portrait and landscape format", "portrait orientation|vertical format|portrait format",
         "landscape orientation|horizontal format|landscape format"),
    )
)  # fmt: skip
_CONFLICT_WORDS = 4
_CONFLICT_TERMS = frozenset().union(*(first | second for _, first, second in _CONFLICTS))
_CONFLICT_STARTS = frozenset(term.split(" ")[0] for term in _CONFLICT_TERMS)

_NEGATION = re.compile(
    r"\b(?:no|without(?: any| a| an)?|not|never|none of|don[’']?t|doesn[’']?t|isn[’']?t|aren[’']?t|nobody|nothing|"
    r"lacking|devoid of|free of|exclude|excluding|avoid)\b[ \t]{1,4}"
    r"(?P<what>[\w’'-]{1,30}(?:[ \t][\w’'-]{1,30}){0,2})?",
    re.IGNORECASE,
)
_FREE = re.compile(r"\b(?P<what>[a-z]{3,20})-(?:free|less)\b", re.IGNORECASE)
_STOP_WORDS = word_set("a an the any on in at of with and or to it its is are for from by but")
_PRONOUNS = frozenset(("it", "they", "them"))
_DETERMINERS = word_set(
    "a an the this that one two three four another each"
)
_NUMBER_AFTER = word_set(
    "mm k p d px fps percent degrees year years yr old am pm st nd rd th x iso hz s inch inches ft feet cm m km kg "
    "century stories story storey storeys pm o clock minutes hours days mp"
)
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


@dataclass(frozen=True, slots=True)
class Remark:
    """One finding about how a prompt is said. `neutral` completes the advice of its code."""

    code: str
    start: int
    end: int
    neutral: str = ""
    detail: str = ""


def clarity(text: str, words: Sequence[Token], window: int = CLIP_WINDOW) -> list[Remark]:
    """All remarks on a prompt, in order; at most twenty of a kind."""
    if not words:
        return [Remark("text.empty", 0, len(text)), *_first(_hidden(text))]
    found: list[Remark] = []
    for check in (_vague, _senses, _counts, _pronouns, _conflicts):
        found += _first(check(words))
    for look in (_negations, _lettering, _hidden):
        found += _first(look(text))
    found += _window(text, window)
    return sorted(found, key=lambda remark: (remark.start, remark.code))


def _first(remarks: Iterator[Remark]) -> list[Remark]:
    return [remark for remark, _ in zip(remarks, range(_MOST_OF_A_KIND), strict=False)]


def _vague(words: Sequence[Token]) -> Iterator[Remark]:
    for index, word in enumerate(words):
        if word.plain not in _VAGUE:
            continue
        after = words[index + 1].plain if index + 1 < len(words) else ""
        if word.plain in _NOT_VAGUE_BEFORE and (after in _GREATS or word.capital):
            continue
        yield Remark("clarity.vague", word.start, word.end)


def _senses(words: Sequence[Token]) -> Iterator[Remark]:
    present = {word.plain for word in words}
    for word in words:
        singular = word.plain if word.plain in _SENSES else word.plain.removesuffix("s")
        if singular not in _SENSES:
            continue
        meaning, cues = _SENSES[singular]
        if not any(present & set(cue.split()) - {word.plain} for cue in cues):
            yield Remark("clarity.sense", word.start, word.end, neutral=meaning)


def number_of(word: str) -> int | None:
    """A number written in digits or as an English word, or None."""
    if word.isdigit() and word.isascii() and len(word) <= 4:
        return int(word)
    return NUMBERS.get(word)


def _counts(words: Sequence[Token]) -> Iterator[Remark]:
    for index, word in enumerate(words[:-1]):
        number = number_of(word.plain)
        noun = next((w for w in words[index + 1 : index + 4] if _is_plural(w.plain)), None)
        if number is None or number <= _MANY or noun is None or words[index + 1].plain in _NUMBER_AFTER:
            continue
        if word.plain.isdigit() and number >= 1000:  # a year, or a number of a model
            continue
        yield Remark("clarity.count", word.start, noun.end, detail=f"{number} {noun.plain}")


def _is_plural(word: str) -> bool:
    irregular = ("people", "children", "men", "women", "sheep", "fish", "mice", "geese", "feet", "deer")
    return word in irregular or (len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")))


def _pronouns(words: Sequence[Token]) -> Iterator[Remark]:
    named: list[tuple[int, str]] = []
    for index, word in enumerate(words):
        named = [(sentence, noun) for sentence, noun in named[-6:] if sentence >= word.sentence - 1]
        if word.plain in _PRONOUNS:
            if len({noun for _, noun in named}) >= 2:
                nouns = " or ".join(dict.fromkeys(noun for _, noun in named[-2:]))
                yield Remark("clarity.pronoun", word.start, word.end, detail=nouns)
        elif word.plain in _DETERMINERS and index + 1 < len(words):
            named.append((word.sentence, words[index + 1].plain))


def _conflicts(words: Sequence[Token]) -> Iterator[Remark]:
    places: dict[str, Token] = {}
    for index, word in enumerate(words):
        if word.plain not in _CONFLICT_STARTS:
            continue
        for length in range(1, min(_CONFLICT_WORDS, len(words) - index) + 1):
            term = " ".join(w.plain for w in words[index : index + length])
            if term in _CONFLICT_TERMS:
                places.setdefault(term, word)
    for name, first, second in _CONFLICTS:
        left = next((places[term] for term in sorted(first) if term in places), None)
        right = next((places[term] for term in sorted(second) if term in places), None)
        if left is not None and right is not None:
            a, b = sorted((left, right), key=lambda word: word.start)
            yield Remark("clarity.conflict", a.start, b.end, detail=name)


def _negations(text: str) -> Iterator[Remark]:
    for match in _NEGATION.finditer(text):
        what = _bare(match["what"] or "")
        if what:
            yield Remark("clarity.negation", match.start(), match.end(), neutral=repr(what))
    for match in _FREE.finditer(text):
        yield Remark("clarity.negation", *match.span(), neutral=repr(match["what"].lower()))


def _bare(text: str) -> str:
    """The thing negated: words up to the first small word after it."""
    kept: list[str] = []
    for word in text.lower().split():
        if word in _STOP_WORDS:
            if kept:
                break
            continue
        kept.append(word)
    return " ".join(kept)


def _lettering(text: str) -> Iterator[Remark]:
    for quote in quotes(text):
        if quote.confidence >= 0.5 and len(quote.text.split()) > _LETTERING_WORDS:
            yield Remark("text.lettering", quote.start, quote.start + len(quote.text), detail=quote.text[:60])
    head = text[:_QUOTED]
    for opening, closing in (("“", "”"), ("«", "»"), ("「", "」")):
        if head.count(opening) != head.count(closing):
            at = max(head.find(opening), head.find(closing))
            yield Remark("text.quotes", at, at + 1)
    if _straight_marks(head) % 2:
        at = head.rfind('"')
        yield Remark("text.quotes", at, at + 1)


def _straight_marks(text: str) -> int:
    """Straight double marks that are no inch sign."""
    return len(re.findall(r'(?<!\d)"', text)) + len(re.findall(r'(?<=\d)"(?=\w)', text))


def _hidden(text: str) -> Iterator[Remark]:
    for index, character in enumerate(text):
        if character.isascii() and (character.isprintable() or character in "\n\t\r"):
            continue
        if (kind := _deceives(text, index, character)) is not None:
            yield Remark("text.hidden", index, index + 1, detail=f"U+{ord(character):04X} {kind}")


def _deceives(text: str, index: int, character: str) -> str | None:
    category = unicodedata.category(character)
    if character in _BIDI:
        return "turns the direction of reading"
    if category in ("Cc", "Cs", "Co", "Cn"):
        return "control character"
    if category == "Cf":
        return None if _joins_emoji(text, index) else "invisible"
    if character.isalpha() and not character.isascii() and fold(character).isascii():
        before, after = text[index - 1 : index], text[index + 1 : index + 2]
        latin = unicodedata.name(character, "LATIN").startswith(("LATIN", "FULLWIDTH", "MODIFIER", "MATHEMATICAL"))
        beside_latin = (before.isascii() and before.isalpha()) or (after.isascii() and after.isalpha())
        if not latin and beside_latin:
            return f"looks like {fold(character)!r}"
    return None


def _joins_emoji(text: str, index: int) -> bool:
    before = text[index - 1 : index]
    return bool(before) and unicodedata.category(before) in ("So", "Mn", "Sk", "Lo")


def _window(text: str, window: int) -> list[Remark]:
    count = count_tokens(text, window)
    said = f"{count.tokens} tokens" if count.exact else f"about {count.tokens} tokens (an estimate)"
    if not count.fits:
        start = min(count.cut, len(text))
        return [Remark("clarity.window", start, len(text), detail=f"{said}, the window reads {window - 2}")]
    if count.tokens > _GOOD_LENGTH:
        return [Remark("clarity.long", 0, len(text), detail=said)]
    return []
