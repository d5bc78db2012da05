"""Foils of a prompt: the same words with one respect changed, so that they are false of a right picture.

Made from the words alone, by tables; no parser and no model. So they are few and sure rather than many: a word that
may be a name (a capital inside a sentence) or that stands inside quotation marks (writing that the picture should
show) is left alone, and so is a number that does not count anything (`a 50 mm lens`, `a two-storey house`).

Kinds:
    colour: another colour, far from the first, so that a borderline hue does not decide; neutrals (black, white,
        gray) only change into neutrals.
    count: another number, near the first and smaller where there is one (a single thing needs other words).
    relation: left for right, above for below, in front for behind, inside for outside.
    size: small for large.
    negation: `without a hat` for `with a hat`, and back.
    binding: the colours or sizes of two things, swapped.
    object: another thing of the same sort (a cat for a dog, a bus for a train).
    attribute: another material, pattern or state (metal for wooden, closed for open).
    shape: another plain shape.

What a prompt says is not there (`no red cup`, `without a hat`) is changed by `negation` alone: a picture that is right
may well lack the other thing too. Foils that a picture could be right for beside its prompt are as bad as wrong ones,
so a thing is never changed into one that the prompt also names.

English only: a prompt in another language gets no foils.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

KINDS = ("colour", "count", "relation", "size", "negation", "binding", "object", "attribute", "shape")

_FAR: dict[str, tuple[str, ...]] = {
    "red": ("blue", "green", "yellow"),
    "orange": ("blue", "green", "purple"),
    "yellow": ("blue", "red", "purple"),
    "green": ("red", "purple", "yellow"),
    "cyan": ("red", "orange", "purple"),
    "turquoise": ("red", "orange", "purple"),
    "teal": ("red", "orange", "yellow"),
    "blue": ("red", "orange", "yellow"),
    "purple": ("green", "yellow", "orange"),
    "pink": ("green", "blue", "yellow"),
    "brown": ("blue", "green", "pink"),
    "white": ("black", "gray"),
    "black": ("white", "gray"),
    "gray": ("white", "black"),
    "grey": ("white", "black"),
}
_NEUTRAL = frozenset({"white", "black", "gray", "grey"})
_NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_IRREGULAR_PLURALS = frozenset(
    {"people", "men", "women", "children", "mice", "geese", "feet", "teeth", "sheep", "deer", "fish"}
)
_SIZES: dict[str, str] = {
    "small": "large", "large": "small", "little": "big", "big": "little", "tiny": "huge", "huge": "tiny",
    "tall": "short", "short": "tall", "thick": "thin", "thin": "thick", "wide": "narrow", "narrow": "wide",
}  # fmt: skip
_RELATIONS: tuple[tuple[str, str], ...] = (
    ("left of", "right of"),
    ("on the left", "on the right"),
    ("above", "below"),
    ("over", "under"),
    ("on top of", "underneath"),
    ("in front of", "behind"),
    ("inside", "outside"),
)
_SORTS: tuple[tuple[str, ...], ...] = (
    ("dog", "cat", "horse", "bird", "cow", "rabbit", "elephant", "frog", "sheep", "giraffe", "bear", "zebra", "pig"),
    ("car", "bicycle", "train", "boat", "motorcycle", "bus", "airplane", "tractor"),
    ("chair", "bed", "lamp", "table", "sofa", "wardrobe"),
    ("apple", "banana", "pineapple", "strawberry", "pear", "watermelon", "carrot"),
    ("pizza", "cake", "sandwich", "donut", "salad"),
    ("cup", "fork", "bottle", "bowl", "knife", "vase", "spoon"),
    ("laptop", "clock", "television", "keyboard", "telephone"),
    ("guitar", "piano", "drum", "violin", "trumpet"),
    ("hat", "scarf", "jacket", "dress", "umbrella", "backpack"),
    ("house", "bridge", "lighthouse", "castle", "church", "tent"),
    ("book", "candle", "mirror", "basket", "key"),
    ("ball", "kite", "skateboard", "surfboard", "racket"),
)
"""Things of one sort, in a ring: the three that follow a word are its foils, so neighbours must not look alike."""
_SHAPES: tuple[tuple[str, ...], ...] = (
    ("circle", "square", "triangle", "star"),
    ("sphere", "cube", "pyramid", "cylinder"),
)
_IRREGULAR = {"sheep": "sheep", "knife": "knives", "strawberry": "strawberries", "scarf": "scarves"}
_ONE_WITH = frozenset({"hot", "teddy", "sea", "rocking", "electric", "high", "polar", "guinea"})
"""A word that makes another thing of the one it stands before: a hot dog is no dog."""
_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "wooden": ("metal", "glass"), "metal": ("wooden", "plastic"), "plastic": ("wooden", "metal"),
    "leather": ("woollen", "plastic"), "woollen": ("leather", "plastic"), "golden": ("wooden", "glass"),
    "striped": ("spotted", "plain"), "spotted": ("striped", "plain"), "checkered": ("striped", "plain"),
    "open": ("closed",), "closed": ("open",), "wet": ("dry",), "dry": ("wet",),
    "clean": ("dirty",), "dirty": ("clean",), "rusty": ("shiny",), "shiny": ("rusty",), "broken": ("whole",),
    "round": ("rectangular",), "rectangular": ("round",), "curly": ("straight",), "fluffy": ("smooth",),
    "happy": ("sad",), "sad": ("happy",), "smiling": ("crying",), "crying": ("smiling",),
    "sunny": ("rainy",), "rainy": ("sunny",), "snowy": ("sunny",), "burning": ("frozen",), "frozen": ("burning",),
}  # fmt: skip
_DENIED = re.compile(r"\b(?:no|zero|without|not|never)\b(?: \w+){0,2} $", re.IGNORECASE)
_VERB = re.compile(r"\w+ing")
_WORD = re.compile(r"[A-Za-z]+|\d+")
_QUOTED = re.compile("\"[^\"]*\"|“[^”]*”|(?<!\\w)'[^']*'(?!\\w)")
_NOT_A_NOUN = frozenset(
    {
        *("a", "an", "the", "and", "or", "is", "are", "that", "which", "while", "of", "by", "with", "without", "from"),
        *("in", "into", "at", "to", "on", "over", "under", "above", "below", "beside", "near", "behind", "before"),
        *("after", "left", "right"),
    }
)
_LONGEST = 2000
_WINDOW = 4


def foils(prompt: str) -> dict[str, tuple[str, ...]]:
    """All foils that can be made of a prompt, by kind; kinds that the prompt does not speak of are missing.

    >>> foils("a red circle left of a blue square")["relation"]
    ('a red circle right of a blue square',)
    """
    if len(prompt) > _LONGEST:
        return {}
    words = _free_words(prompt)
    made = {kind: dict.fromkeys(_MAKERS[kind](prompt, words)) for kind in KINDS}
    return {kind: tuple(foil for foil in found if foil != prompt) for kind, found in made.items() if found}


def merged(given: Mapping[str, tuple[str, ...]], prompt: str) -> dict[str, tuple[str, ...]]:
    """The foils that a suite gives, and those of `foils` for the kinds it gives none of.

    A suite's author knows the prompt's meaning, so a kind that the suite fills is not added to. `color` is `colour`.
    """
    ours = {"colour" if kind == "color" else kind: texts for kind, texts in given.items() if texts}
    # a suite that speaks of the background has said what it wants of the neutral colours
    skipped = {"colour"} if "background" in ours else set()
    added = {kind: texts for kind, texts in foils(prompt).items() if kind not in ours and kind not in skipped}
    return {kind: texts for kind, texts in sorted({**added, **ours}.items()) if texts}


def content_words(text: str) -> frozenset[str]:
    """The words of a text that carry meaning, in lower case; a plural s is cut off.

    >>> sorted(content_words("Two red Circles on the table"))
    ['circle', 'red', 'table', 'two']
    """
    found = {word.lower() for word in _WORD.findall(text)} - _NOT_A_NOUN
    return frozenset(word[:-1] if len(word) > 3 and word.endswith("s") else word for word in found)


def _free_words(prompt: str) -> list[re.Match[str]]:
    """Words outside quotation marks, hyphens and names."""
    quoted = [found.span() for found in _QUOTED.finditer(prompt)]
    words = []
    for found in _WORD.finditer(prompt):
        inside = any(start <= found.start() < end for start, end in quoted)
        if not inside and not _hyphenated(prompt, found) and not _name(prompt, found):
            words.append(found)
    return words


def _hyphenated(prompt: str, found: re.Match[str]) -> bool:
    before, after = prompt[: found.start()][-1:], prompt[found.end() :][:1]
    return before in ("-", "’", "'", ".") or after in ("-", "’", "'") or (found[0].isdigit() and after.isalpha())


def _name(prompt: str, found: re.Match[str]) -> bool:
    starts_sentence = re.search(r"(?:^|[.!?:;]\s*)$", prompt[: found.start()]) is not None
    return found[0][0].isupper() and not starts_sentence


def _replaced(prompt: str, changes: Mapping[tuple[int, int], str]) -> str:
    """The prompt with spans changed, first letters kept as they were, and `a` or `an` put right before them."""
    text = prompt
    for (start, end), word in sorted(changes.items(), reverse=True):
        fitted = word.capitalize() if text[start].isupper() else word
        article = re.search(r"\b([Aa])n? $", text[:start])
        if article is None:
            text = text[:start] + fitted + text[end:]
        else:
            right = article[1] + ("n " if word[0] in "aeiou" else " ")
            text = text[: article.start()] + right + fitted + text[end:]
    return text


def _describes(words: list[re.Match[str]], index: int) -> bool:
    """Whether the word stands before a thing that it can describe (`an orange car`, not `an orange on a table`)."""
    following = words[index + 1][0].lower() if index + 1 < len(words) else ""
    return bool(following) and following not in _NOT_A_NOUN


def _adjectives(prompt: str, words: list[re.Match[str]], table: Mapping[str, object]) -> list[re.Match[str]]:
    return [
        found
        for index, found in enumerate(words)
        if found[0].lower() in table
        and _describes(words, index)
        and prompt[found.end() : words[index + 1].start()].isspace()
        and not _denied(prompt, found)
    ]


def _denied(prompt: str, found: re.Match[str]) -> bool:
    """Whether the prompt says that this is not there."""
    return _DENIED.search(prompt[: found.start()]) is not None


def _colours(prompt: str, words: list[re.Match[str]]) -> Iterator[str]:
    for found in _adjectives(prompt, words, _FAR):
        for other in _FAR[found[0].lower()]:
            yield _replaced(prompt, {found.span(): other})


def _counts(prompt: str, words: list[re.Match[str]]) -> Iterator[str]:
    for index, found in enumerate(words):
        number = _number(found[0])
        if number is None or not _counts_something(prompt, words[index : index + _WINDOW]):
            continue
        near = [other for other in (number - 1, number - 2, number + 1, number + 2) if 2 <= other <= 10]
        for other in near[:2]:
            yield _replaced(prompt, {found.span(): str(other) if found[0].isdigit() else _NUMBERS[other - 2]})


def _number(word: str) -> int | None:
    if word.lower() in _NUMBERS:
        return _NUMBERS.index(word.lower()) + 2
    return int(word) if word.isdigit() and len(word) <= 2 and 2 <= int(word) <= 10 else None


def _counts_something(prompt: str, words: list[re.Match[str]]) -> bool:
    """Whether a plural follows the number, with nothing but adjectives between them."""
    for before, found in pairwise(words):
        word = found[0].lower()
        if word in _NOT_A_NOUN or not prompt[before.end() : found.start()].isspace():
            return False
        if word in _IRREGULAR_PLURALS or (word.endswith("s") and not word.endswith("ss")):
            return True
    return False


def _sizes(prompt: str, words: list[re.Match[str]]) -> Iterator[str]:
    for found in _adjectives(prompt, words, _SIZES):
        yield _replaced(prompt, {found.span(): _SIZES[found[0].lower()]})


def _relations(prompt: str, words: list[re.Match[str]]) -> Iterator[str]:
    starts = {found.start() for found in words}
    for one, other in _RELATIONS:
        for old, new in ((one, other), (other, one)):
            for found in re.finditer(rf"\b{old}\b", prompt):
                if found.start() in starts and not _alike(prompt[: found.start()], prompt[found.end() :]):
                    yield prompt[: found.start()] + new + prompt[found.end() :]


def _alike(before: str, after: str) -> bool:
    """Whether the same words stand on both sides (`a cat left of a cat`), so that a turn changes nothing."""
    return content_words(before) == content_words(after)


def _negations(prompt: str, words: list[re.Match[str]]) -> Iterator[str]:
    for found in words:
        if found[0] == "without":
            yield _replaced(prompt, {found.span(): "with"})
        elif found[0] == "with" and re.match(r" an? ", prompt[found.end() :]):
            yield _replaced(prompt, {found.span(): "without"})


def _bindings(prompt: str, words: list[re.Match[str]]) -> Iterator[str]:
    # colours and neutrals are swapped among themselves only: the neutral one often belongs to the background
    tables = ({colour: None for colour in _FAR if colour not in _NEUTRAL}, dict.fromkeys(_NEUTRAL), _SIZES)
    for table in tables:
        for first, second in pairwise(_adjectives(prompt, words, table)):
            one, other = first[0].lower(), second[0].lower()
            if one != other and _two_things(prompt[first.end() : second.start()], prompt[second.end() :]):
                yield _replaced(prompt, {first.span(): other, second.span(): one})


def _two_things(between: str, after: str) -> bool:
    """Whether two adjectives belong to things that can be told apart without them.

    `a red cup on a blue plate`, but not `a red and blue flag`, nor `a red cup and a blue cup`.
    """
    found = re.match(r"\s+(.*?)\b(and|beside|near|next to|with)?\s+(?:a|an|the|two|three|four)\s*$", between)
    if found is None or not found[1]:
        return False
    noun = content_words(after.split(maxsplit=1)[0]) if found[2] and after.strip() else frozenset()
    return content_words(found[1]) != noun


def _plural(noun: str) -> str:
    ending = "es" if noun.endswith(("s", "x", "ch", "sh")) else "s"
    return _IRREGULAR.get(noun, noun + ending)


def _ring(sorts: tuple[tuple[str, ...], ...]) -> dict[str, tuple[str, ...]]:
    """Word -> the three that follow it in its ring, in singular and plural."""
    found: dict[str, tuple[str, ...]] = {}
    for ring in sorts:
        for place, noun in enumerate(ring):
            others = tuple(ring[(place + step) % len(ring)] for step in (1, 2, 3))
            found.setdefault(_plural(noun), tuple(map(_plural, others)))
            found[noun] = others
    return found


_OTHER_THINGS, _OTHER_SHAPES = _ring(_SORTS), _ring(_SHAPES)


def _things(prompt: str, words: list[re.Match[str]], table: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    named = content_words(prompt)
    for index, found in enumerate(words):
        if found[0].lower() not in table or not _stands_alone(prompt, words, index) or _denied(prompt, found):
            continue
        for other in table[found[0].lower()]:
            if not content_words(other) & named:
                yield _replaced(prompt, {found.span(): other})


def _stands_alone(prompt: str, words: list[re.Match[str]], index: int) -> bool:
    """Whether the word is the thing itself, and no part of another's name (`a dog house`, `a hot dog`)."""
    before = words[index - 1][0].lower() if index else ""
    if before in _ONE_WITH or (before in _OTHER_THINGS and prompt[words[index - 1].end() :][:1].isspace()):
        return False
    if index + 1 == len(words) or not prompt[words[index].end() : words[index + 1].start()].isspace():
        return not prompt[words[index].end() :][:1].isalnum()
    following = words[index + 1][0].lower()
    return following in _NOT_A_NOUN or following in _NUMBERS or _VERB.fullmatch(following) is not None


def _objects(prompt: str, words: list[re.Match[str]]) -> Iterator[str]:
    yield from _things(prompt, words, _OTHER_THINGS)


def _shapes(prompt: str, words: list[re.Match[str]]) -> Iterator[str]:
    if "shape" not in content_words(prompt):  # what is left open may be the other shape already
        yield from _things(prompt, words, _OTHER_SHAPES)


def _attributes(prompt: str, words: list[re.Match[str]]) -> Iterator[str]:
    for found in _adjectives(prompt, words, _ATTRIBUTES):
        for other in _ATTRIBUTES[found[0].lower()]:
            yield _replaced(prompt, {found.span(): other})


_MAKERS = {
    "colour": _colours,
    "count": _counts,
    "relation": _relations,
    "size": _sizes,
    "negation": _negations,
    "binding": _bindings,
    "object": _objects,
    "attribute": _attributes,
    "shape": _shapes,
}
