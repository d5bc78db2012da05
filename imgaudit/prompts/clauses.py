"""What a prompt says, piece by piece, each piece small enough to be right or wrong by itself.

`clauses_of` reads English prompts with a grammar of its own (`_clause_reading`): things and people, how many, their
colours and other properties, what they do, how they lie to each other, the writing, the style, the scene, and what
must not be there. It is deterministic, knows no model, and takes the first `LONGEST` characters; how often it is right,
kind by kind, stands in docs/clauses.md.

A lead-in such as `a photo of` says nothing of its own. `a red cup and a blue cup` names one kind of thing, so it has
one clause that there is a cup, and one for each colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from imgaudit.prompts import _clause_words as lists
from imgaudit.prompts._clause_reading import Link, Reading, Thing, read, singular
from imgaudit.prompts.quotes import Quote, quotes
from imgaudit.types import Clause, ClauseKind

LONGEST = 4_000
"""Characters of a prompt that are read."""
MOST = 80
"""Clauses of a prompt that are kept, the first ones."""
ABSENT = "absent"
"""`Clause.value` of a negation that says that its subject is not there."""

Place = Literal["left of", "right of", "above", "below"]
_PLACES: dict[str, Place] = {
    "left of": "left of", "right of": "right of", "above": "above", "below": "below", "on top of": "above",
}  # fmt: skip
_NEUTRAL = ("white", "black", "gray")
_GROUNDS = ("white", "black", "red", "green", "blue", "yellow")
_SURE = 0.5
_LONGEST_WORDS = 120
_KEPT = 4096


@lru_cache(maxsize=_KEPT)
def clauses_of(prompt: str) -> tuple[Clause, ...]:
    """The clauses of an English prompt, things first, in the prompt's order.

    >>> [clause.text for clause in clauses_of("a photo of two red dogs and a cat")]
    ['there are dogs', 'there is a cat', 'there are exactly two dogs', 'the dogs are red']
    """
    text = prompt[:LONGEST]
    written = [quote for quote in quotes(text) if quote.confidence >= _SURE]
    reading = read(_without(text, written), MOST, lists.OF_WRITING if written else ())
    made = _Written()
    made.things(reading.things)
    made.said_of_things(reading)
    made.writings(written)
    made.whole(reading)
    return tuple(made.clauses[:MOST])


def _without(text: str, written: Iterable[Quote]) -> str:
    """The prompt with its writing blanked, which is no part of its grammar."""
    for quote in written:
        start = text.find(quote.text, quote.start)
        if start >= 0:
            text = text[:start] + " " * len(quote.text) + text[start + len(quote.text) :]
    return text


@dataclass
class _Written:
    """Clauses as they are put into words."""

    clauses: list[Clause] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    seen: set[tuple[str, ...]] = field(default_factory=set)

    def add(
        self, kind: ClauseKind, text: str, question: str | None, subject: str | None = None, value: str | None = None,
        to: str | None = None, after: Sequence[str] = (),
    ) -> str | None:  # fmt: skip
        """Add a clause once; returns its id, or None for one that is there already."""
        key = (kind, subject or "", value or "", to or "")
        if key in self.seen:
            return None
        self.seen.add(key)
        name = f"c{len(self.clauses) + 1}"
        self.clauses.append(
            Clause(
                id=name, kind=kind, text=text, subject=subject, value=value, to=to, question=question,
                after=tuple(dict.fromkeys(after)),
            )
        )  # fmt: skip
        return name

    def things(self, things: Iterable[Thing]) -> None:
        """That each thing is there, or is not."""
        for thing in things:
            name = _short(thing.name)
            if thing.absent:
                self.add("negation", f"there is no {name}", None, name, ABSENT)
                continue
            if thing.scene:
                made = self.add("scene", f"the scene is {article(name)}", f"Does the scene show {article(name)}?",
                                name, name)  # fmt: skip
            else:
                kind: ClauseKind = "people" if thing.head in lists.PEOPLE else "object"
                there, be = (plural(name), "are") if thing.plural else (article(name), "is")
                made = self.add(kind, f"there {be} {there}", f"{be.capitalize()} there {there}?", name)
            if made is not None:
                self.ids[name] = made

    def said_of_things(self, reading: Reading) -> None:
        """Numbers, colours, properties, doings; then relations and the rest, in the prompt's order."""
        present = [thing for thing in reading.things if not thing.absent]
        for thing in present:
            self._count(thing)
        for thing in present:
            self._qualities(thing)
        for link in reading.links:
            self._link(link)

    @staticmethod
    def _called(thing: Thing | None, beside: Thing | None) -> tuple[str | None, str, str]:
        """Name, noun with article, and verb; of two things of one name each is called by its colour."""
        if thing is None:
            return None, "", ""
        name = _short(thing.name)
        noun, be = _definite(thing)
        if beside is None or beside.name != thing.name or thing.colours == beside.colours or not thing.colours:
            return name, noun, be
        coloured = _short(f"{thing.colours[0]} {thing.name}")
        return coloured, f"the {plural(coloured) if thing.plural else coloured}", be

    def _after(self, *things: Thing | None) -> list[str]:
        return [self.ids[_short(thing.name)] for thing in things if thing and _short(thing.name) in self.ids]

    def _count(self, thing: Thing) -> None:
        if thing.count is None:
            return
        name = _short(thing.name)
        text = counted(name, thing.count)
        be, rest = text.removeprefix("there ").split(" ", 1)
        self.add("count", text, f"{be.capitalize()} there {rest}?", name, str(thing.count), after=self._after(thing))

    def _qualities(self, thing: Thing) -> None:
        name = _short(thing.name)
        noun, be = _definite(thing)
        after = self._after(thing)
        for colour in thing.colours:
            self.add("colour", f"{noun} {be} {colour}", f"{be.capitalize()} {noun} {colour}?", name, colour,
                     after=after)  # fmt: skip
        for word in map(_short, thing.properties):
            self.add("attribute", f"{noun} {be} {word}", f"{be.capitalize()} {noun} {word}?", name, word, after=after)
        for word in thing.doing:
            self.add("action", f"{noun} {be} {word}", f"{be.capitalize()} {noun} {word}?", name, word, after=after)

    def _link(self, link: Link) -> None:
        name, noun, be = self._called(link.subject, link.to)
        other, other_noun, _ = self._called(link.to, link.subject)
        end = f" {other_noun}" if link.to else ""
        after = self._after(link.subject, link.to)
        if link.kind == "not":
            self.add("negation", f"{noun} {be} not {link.value}", f"Is it true that {noun} {be} not {link.value}?",
                     name, f"not {link.value}", after=after)  # fmt: skip
        elif link.kind == "action":
            self.add("action", f"{noun} {be} {link.value}{end}", f"{be.capitalize()} {noun} {link.value}{end}?", name,
                     link.value, other, after)  # fmt: skip
        elif link.value == "with" and link.to:
            has, does = ("have", "Do") if be == "are" else ("has", "Does")
            what = plural(other or "") if link.to.plural else article(other or "")
            self.add("relation", f"{noun} {has} {what}", f"{does} {noun} have {what}?", name, "with", other, after)
        else:
            self.add("relation", f"{noun} {be} {link.value}{end}", f"{be.capitalize()} {noun} {link.value}{end}?", name,
                     link.value, other, after)  # fmt: skip

    def writings(self, written: Iterable[Quote]) -> None:
        """The strings to be written. Each can be told by itself, whatever bears it."""
        for quote in written:
            text = quote.text[:1000]
            self.add("text", f"the writing reads “{text}”", f"Does the writing in the picture read “{text}”?",
                     quote.carrier, text)  # fmt: skip

    def whole(self, reading: Reading) -> None:
        """Scene and style of the whole picture."""
        for scene in map(_short, reading.scenes):
            ground = scene.endswith("background")
            self.add("scene", f"the background is {scene.removesuffix(' background')}" if ground else f"it is {scene}",
                     f"Is the picture on a {scene}?" if ground else f"Does the picture show {scene}?",
                     "background" if ground else None, scene)  # fmt: skip
        for style in map(_short, reading.styles):
            self.add("style", f"the style is {style}", f"Is the style of the picture {style}?", None, style)


def _short(words: str) -> str:
    return words[:_LONGEST_WORDS]


def article(noun: str) -> str:
    """A noun with `a` or `an`; names of their own, and what is always plural, have none.

    >>> article("elephant"), article("skis")
    ('an elephant', 'skis')
    """
    if noun in lists.MASS or noun in lists.UNNAMED:
        return noun
    if noun.split()[-1].lower() in lists.PAIRS or noun[:1].isupper() or noun != noun.lower():
        return noun
    vowel = noun[:1].lower() in "aeiou" and not noun.lower().startswith(("uni", "use", "eu", "one-"))
    return f"{'an' if vowel else 'a'} {noun}"


def _definite(thing: Thing) -> tuple[str, str]:
    """`the dogs`, `are`; the whole name is cut where it is over-long."""
    name = _short(thing.name)
    noun = plural(name) if thing.plural else name
    return (noun if name[:1].isupper() or name in lists.UNNAMED else f"the {noun}"), "are" if thing.plural else "is"


def counted(name: str, count: int) -> str:
    """The statement of a number.

    >>> counted("wine glass", 2)
    'there are exactly two wine glasses'
    """
    words = lists.NUMBER_WORDS.get(count, str(count))
    return f"there {'is' if count == 1 else 'are'} exactly {words} {name if count == 1 else plural(name)}"


_PLURALS = {one: many for many, one in lists.SINGULAR.items()}


def plural(name: str) -> str:
    """More of what a noun names.

    >>> [plural(name) for name in ("dog", "slice of pizza", "wine glass", "person", "sheep")]
    ['dogs', 'slices of pizza', 'wine glasses', 'people', 'sheep']
    """
    before, of, rest = name.partition(" of ")
    first, space, noun = before.rpartition(" ")
    return f"{first}{space}{_plural_word(noun)}{of}{rest}"


def _plural_word(noun: str) -> str:
    low = noun.lower()
    if low in _PLURALS:
        return _PLURALS[low]
    if low in lists.SAME_PLURAL or low in lists.PAIRS:
        return noun
    if low.endswith("y") and low[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if low.endswith(("s", "x", "ch", "sh", "z", "ato")) else "s")


# --- reading clauses, whoever wrote them -------------------------------------------------------------------------


def noun_of(name: str | None) -> tuple[str, str | None]:
    """The noun to look for, singular and in lower case, and the colour that a name begins with.

    >>> noun_of("red dogs"), noun_of("the wine glasses"), noun_of("orange")
    (('dog', 'red'), ('wine glass', None), ('orange', None))
    """
    words = (name or "")[:_LONGEST_WORDS].lower().split()
    while len(words) > 1 and words[0] in lists.DETERMINERS:
        words = words[1:]
    colour = None
    if len(words) > 1 and words[0] in lists.COLOURS and tuple(words[:2]) not in lists.COMPOUNDS:
        colour, words = lists.COLOURS[words[0]], words[1:]
    if not words:
        return "", colour
    before, of, rest = " ".join(words).partition(" of ")
    first, space, noun = before.rpartition(" ")
    one = "glass" if noun == "glasses" and first else singular(noun)
    return f"{first}{space}{one}{of}{rest}", colour


def colour_of(value: str) -> str:
    """The name that a colour is stored by: the last word of `dark grey` is gray."""
    words = value.lower().split()
    return lists.COLOURS.get(words[-1], words[-1]) if words else ""


def number_of(value: str) -> int | None:
    """The number of `3` or `three`; None for others."""
    word = value.strip().lower().removeprefix("==")
    if word.isdecimal() and len(word) <= 4:
        return int(word)
    return lists.NUMBERS.get(word)


def place_of(value: str) -> Place | None:
    """The side that a relation puts its subject on, where boxes can tell it."""
    words = tuple(value.lower().split()[:6])
    return _PLACES.get(lists.RELATIONS.get(words, " ".join(words)))


def opposites(kind: str, value: str) -> tuple[str, ...]:
    """Words that are false where a property or a scene is true; none where no table knows any.

    >>> opposites("attribute", "tall"), opposites("scene", "white background")
    (('short',), ('black', 'gray'))
    """
    words = value.lower().split()
    if kind == "scene" and len(words) > 1 and words[-1] == "background":
        return _grounds(colour_of(words[-2]))
    if not words or (kind == "attribute" and len(words) > 1):
        return ()
    tables = (lists.SCENES,) if kind == "scene" else tuple(lists.FAMILIES.values())
    found: dict[str, None] = {}
    for table in tables:
        own = next((group for group in table if words[-1] in group), None)
        if own is not None:
            found.update(dict.fromkeys(group[0] for group in table if group is not own))
    return tuple(found)


def _grounds(colour: str) -> tuple[str, ...]:
    if colour in _NEUTRAL:
        return tuple(other for other in _NEUTRAL if other != colour)
    return tuple(other for other in _GROUNDS if other != colour) if colour in lists.COLOURS.values() else ()
