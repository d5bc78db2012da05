"""A shallow grammar of English prompts: which things they name, what they say of each, and how the things lie.

No tagger and no model: a word is what the lists of `_clause_words` say it is, or by its ending, and a noun otherwise.
The words are read once, left to right; a phrase holds at most a dozen of them, so the time grows with the length of
the prompt and with nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

from imgaudit.prompts import _clause_words as lists

_TOKEN = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*|[,.;:!?()&/|]")
_SWITCH = re.compile(r"--\w[^\s-]*(?: [\d:.]+)?")
_PHRASE = 12
_LONGEST_RELATION = max(map(len, lists.RELATIONS))
_STOPS = frozenset(".;:!?()|")
_SAYING = frozenset(("see", "observe", "seen", "saw", "shown", "visible", "showing", "depicting"))
_PLACING = frozenset(("in", "on", "at", "through", "across", "along", "outside", "from"))
_WRITTEN = ("saying", "reading")
"""What signs do is no doing: the writing is a clause of its own."""
_SUBJECTED = (",", "that", "which", "who")
_LYING = ("on", "in", "at", "on top of")
_OF_STYLE = ("style", "of")


@dataclass(eq=False)
class Thing:
    """Something that a prompt names. `name` is singular and in lower case, but for names of their own.

    `fellows` are the things that it is listed with, itself among them; `joined`: it stands behind an `and`.
    """

    name: str
    plural: bool = False
    count: int | None = None
    colours: list[str] = field(default_factory=list)
    properties: list[str] = field(default_factory=list)
    doing: list[str] = field(default_factory=list)
    absent: bool = False
    scene: bool = False
    fellows: list[Thing] = field(default_factory=list)
    joined: bool = False

    @property
    def head(self) -> str:
        """The noun itself: `bear` of `teddy bear`, `slice` of `slice of pizza`."""
        return self.name.split(" of ")[0].split()[-1].lower()


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """What is said of two things, or of what one does or is not."""

    kind: Literal["relation", "action", "not"]
    subject: Thing
    value: str
    to: Thing | None = None


@dataclass
class Reading:
    """Everything that was read, in the prompt's order."""

    things: list[Thing] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    scenes: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)


def read(text: str, most: int, unseen: Collection[str] = ()) -> Reading:
    """Read a prompt's words; at most `most` things and as many links. `unseen`: nouns that are no things in it."""
    reader = _Reader(_TOKEN.findall(_SWITCH.sub(" . ", text)), most, unseen)
    return reader.run()


def singular(word: str) -> str:
    """One of what a noun names.

    >>> [singular(word) for word in ("dogs", "buses", "berries", "knives", "scissors", "glass")]
    ['dog', 'bus', 'berry', 'knife', 'scissors', 'glass']
    """
    low = word.lower()
    if low in lists.SINGULAR:
        return lists.SINGULAR[low]
    if low in lists.UNCHANGED or not low.endswith("s") or low.endswith(("ss", "us", "is")) or len(low) < 4:
        return word
    if low.endswith("ies") and len(low) > 4:
        return word[:-3] + "y"
    if low.endswith(("ches", "shes", "xes", "sses", "zzes", "oes")):
        return word[:-2]
    return word[:-1]


def _is_plural(word: str) -> bool:
    return singular(word) != word


def _is_ing(low: str) -> bool:
    return low in lists.VERB_ING or (low.endswith("ing") and len(low) > 5 and low not in lists.ING_NOUNS)


def _is_ed(low: str) -> bool:
    return low in lists.VERB_PAST or (low.endswith("ed") and len(low) > 4 and not _named_ed(low))


def _named_ed(low: str) -> bool:
    return low in lists.ED_NOUNS or low.endswith(("seed", "weed", "speed"))


def _is_property(low: str) -> bool:
    if low in lists.ADJECTIVES:
        return True
    if low in lists.NOT_ADJECTIVES or ("-" not in low and len(low) < 6):
        return False
    first, joined, _ = low.partition("-")
    numbered = first in lists.NUMBERS or first.isdecimal()
    return low.endswith(lists.ADJECTIVE_ENDINGS) or (bool(joined) and (numbered or _is_ed(low) or _is_ing(low)))


def _is_noun(low: str) -> bool:
    """Whether a word may be the thing itself where nothing follows it."""
    if low in lists.ALSO_NOUNS or low in lists.NOUN_COLOURS or low in lists.ING_NOUNS:
        return True
    if "-" in low and not _is_ed(low) and not _is_ing(low) and low not in lists.ADJECTIVES:
        return True  # an eight-ball
    return not (low in lists.COLOURS or _is_property(low) or _is_ing(low) or _is_ed(low) or low in lists.ADVERBS)


class _Reader:
    """Reads words left to right; every step moves on by at least one word."""

    def __init__(self, words: Sequence[str], most: int, unseen: Collection[str]) -> None:
        self.unseen = unseen
        self.words = words
        self.lows = [word.lower().replace("’", "'") for word in words]
        self.most = most
        self.at = 0
        self.found = Reading()
        self.steps: tuple[Callable[[], bool], ...] = (
            self._mark, self._style, self._negation, self._relation, self._auxiliary, self._verb, self._phrase,
            self._predicate,
        )  # fmt: skip
        self._sentence()

    def _sentence(self) -> None:
        """Forget what the sentence was about."""
        self.subject: Thing | None = None
        self.last: Thing | None = None
        self.here: list[Thing] = []
        self._phrase_over()
        self.predicative = self.fresh = False
        self.joint = -2

    def _phrase_over(self) -> None:
        self.pending: tuple[Literal["relation", "action"], str, Thing] | None = None
        self.placing: str | None = None
        self.absent = self.denied = False

    def run(self) -> Reading:
        """Everything that the words say."""
        while self.at < len(self.words) and max(len(self.found.things), len(self.found.links)) < self.most:
            if not any(step() for step in self.steps):
                self.fresh = False
                self.at += 1
        return self.found

    def _low(self, index: int) -> str:
        return self.lows[index] if 0 <= index < len(self.lows) else ""

    # --- marks, styles, negations ------------------------------------------------------------------------------

    def _mark(self) -> bool:
        low = self._low(self.at)
        if low in _STOPS:
            self._sentence()
        elif low in ("that", "which", "who"):
            says = self._low(self.at + 1) in lists.AUXILIARIES or self._verb_at(self.at + 1)
            if self.last is None or not says:
                return False
            self.subject = self.last  # what follows is said of the thing before
        elif low in lists.CONJUNCTIONS or low in (",", "/"):
            if low in ("and", ",", "&") and (self.fresh or self.joint == self.at - 1):
                self.joint = self.at
            self._phrase_over()
            self.fresh = False
        elif self._says_nothing():
            self.fresh = False
        else:
            return False
        self.at += 1
        return True

    def _says_nothing(self) -> bool:
        """Pronouns, words of seeing, and `right` before a preposition (`right through the table`)."""
        low, after = self._low(self.at), self._low(self.at + 1)
        if low in _SAYING or (low in lists.PRONOUNS and low not in lists.DETERMINERS):
            return True
        return low in ("right", "straight") and after in lists.PREPOSITIONS and after != "of"

    def _style(self) -> bool:
        for length in (3, 2, 1):
            words = tuple(self.lows[self.at : self.at + length])
            if words in lists.STYLES and self._is_style(self.at, self.at + length):
                self.found.styles.append(lists.STYLES[words])
                self.at += length
                self.at += self._low(self.at) in _OF_STYLE
                self._phrase_over()
                return True
        return self._style_of()

    def _is_style(self, start: int, end: int) -> bool:
        """Whether words name the picture's style, not a thing in it: first, after a comma, or before `style`, `of`."""
        before, after = self._low(start - 1), self._low(end)
        opens = start == 0 or before in (",", ".") or (start == 1 and before in ("a", "an"))
        whole = after in ("", ",", ".", "of", "style", "showing", "depicting")
        return (opens and whole) or after == "style" or (before in ("in", "as") and after in ("", ",", "."))

    def _style_of(self) -> bool:
        """`in the style of X`, and `in X style`."""
        if self._low(self.at) != "in":
            return False
        start = self.at + 1 + (self._low(self.at + 1) in ("the", "a", "an"))
        if tuple(self.lows[start : start + 2]) == _OF_STYLE:
            end = start + 2
            while end < len(self.lows) and end - start < 8 and self._low(end) not in (",", ".", ";", "with"):
                end += 1
            value = self.words[start + 2 : end]
        else:
            end = next((i for i in range(start, min(start + 4, len(self.lows))) if self._low(i) == "style"), -1)
            value = self.words[start:end] if end > start else []
            end += 1
        if not value:
            return False
        self.found.styles.append(" ".join(value))
        self.at = end
        self._phrase_over()
        return True

    def _negation(self) -> bool:
        low = self._low(self.at)
        if low not in lists.NEGATIONS:
            return False
        self._phrase_over()
        self.at += 1
        if low in ("no", "without") or self._low(self.at) in ("a", "an", "any"):
            self.absent = True
        else:
            self.denied = True
        return True

    # --- relations and verbs -----------------------------------------------------------------------------------

    def _relation_at(self, index: int) -> tuple[int, str] | None:
        """The longest relation that starts at a word: its number of words, and its name."""
        for length in range(_LONGEST_RELATION, 0, -1):
            value = lists.RELATIONS.get(tuple(self.lows[index : index + length]))
            if value is not None:
                return length, value
        return None

    def _relation(self) -> bool:
        found = self._relation_at(self.at)
        if found is None:
            if self._low(self.at) not in lists.PREPOSITIONS:
                return False
            self._phrase_over()
            self.fresh = False
            self.at += 1
            return True
        length, value = found
        end = self.at + length
        if self._scene(end, value):
            return True
        subject = self._about()
        self._phrase_over()
        self.placing = value
        if subject is not None and not subject.absent:
            self.pending = ("relation", value, subject)
        self.predicative = self.fresh = False
        self.at = end
        return True

    def _about(self) -> Thing | None:
        """What a relation is said of: the nearest thing, or who acts where a verb came in between."""
        if self.pending is not None and self.pending[0] == "action":
            return self.pending[2]
        if self.predicative and self.subject is not None:
            return self.subject
        if self.last is not None and (self._low(self.at) == "wearing" or self.last.scene):
            return self._actor()
        # a box on the table in front of the cup: the box is
        lying = [link for link in self.found.links[-3:] if link.to is self.last and link.value in _LYING]
        return lying[-1].subject if lying and self.last is not None else self.last

    def _scene(self, start: int, value: str) -> bool:
        """Backgrounds, times and weather, which are no things: `on a white background`, `at night`."""
        end = start
        while end - start < 6 and self._describes(end):
            end += 1
        word = self._low(end)
        words = [low for low in self.lows[start:end] if low not in lists.DETERMINERS]
        if word in ("background", "backdrop", "foreground", "distance"):
            if words and word in ("background", "backdrop"):
                self.found.scenes.append(f"{self._canonical(words)} background")
            elif self.last is not None and not words:
                self.last.properties.append(f"in the {word}")
        elif word in lists.TIMES and value in ("at", "in", "on", "through") and not self._nominal(end + 1):
            self.found.scenes.append(" ".join([*words, word]))
        else:
            return False
        self._phrase_over()
        self.fresh = False
        self.at = end + 1
        return True

    def _describes(self, index: int) -> bool:
        low = self._low(index)
        return low in lists.DETERMINERS or low in lists.COLOURS or _is_property(low) or low in ("and", "very")

    @staticmethod
    def _canonical(words: Sequence[str]) -> str:
        return " ".join(lists.COLOURS.get(word, word) for word in words)

    def _auxiliary(self) -> bool:
        low = self._low(self.at)
        if low == "can" and self._low(self.at + 1) in ("", ",", ".", "and"):
            return False
        contracted = low.endswith(("'s", "'re")) and low.split("'")[0] in lists.PRONOUNS
        if low not in lists.AUXILIARIES and not contracted:
            return False
        about = self.subject or self.last
        self._phrase_over()
        self.predicative = about is not None and self._low(self.at - 1) != "there"
        self.fresh = False
        self.at += 1
        if low in ("has", "have", "had") and about is not None and not _is_ed(self._low(self.at)):
            self.pending = ("relation", "with", about)
            self.predicative = False
        return True

    def _verb_at(self, index: int) -> bool:
        """Whether the word can be nothing but a verb where it stands behind a thing."""
        low = self._low(index)
        if _is_ing(low) or (_is_ed(low) and low not in lists.ALSO_NOUNS):
            return True
        after = self._low(index + 1)
        bound = not self._nominal(index + 1) and after not in lists.AUXILIARIES and after not in lists.CONJUNCTIONS
        bound = bound or after in lists.ADVERBS or after.endswith("ly") or after[:1].isdigit()
        before = self._low(index - 1)
        if low in lists.VERB_S:
            return bound and (low not in lists.NOUNY_S or before in lists.PEOPLE | lists.ANIMALS) and (
                not _is_plural(before)
            )
        return low in lists.VERB_BASES and bound and (before == "to" or low not in lists.ALSO_NOUNS)

    def _verb(self) -> bool:
        if self.last is None or self.absent or not self._verb_at(self.at):
            return False
        low = self._low(self.at)
        if not (self.fresh or self.predicative or _is_ing(low) or self._low(self.at - 1) in ("to", "and", ",")):
            return False
        actor = self._actor()
        denied, passive = self.denied, self.predicative and not _is_ing(low)
        self._phrase_over()
        self.at += 1
        self.fresh = self.predicative = False
        if denied:
            self.found.links.append(Link("not", actor, lists.GERUND.get(low, low)))
        elif passive:
            actor.properties.append(low)
        elif (doing := lists.GERUND.get(low, low)) not in _WRITTEN or actor.head in lists.PEOPLE:
            self.pending = ("action", doing, actor)
            self.found.links.append(Link("action", actor, doing))
        return True

    def _actor(self) -> Thing:
        """Who acts: the subject behind an auxiliary, else the nearest thing of the sentence that can act."""
        assert self.last is not None
        if self.subject is not None and (self.predicative or self._low(self.at - 1) in _SUBJECTED):
            return self.subject
        alive = lists.PEOPLE | lists.ANIMALS
        return next((thing for thing in reversed(self.here) if thing.head in alive and not thing.absent), self.last)

    # --- things --------------------------------------------------------------------------------------------------

    def _nominal(self, index: int) -> bool:
        """Whether a word can be part of a thing's name."""
        low = self._low(index)
        closed = low in lists.PREPOSITIONS or low in lists.CONJUNCTIONS
        closed = closed or (low in lists.AUXILIARIES and not (low == "can" and not self._nominal(index + 1)))
        closed = closed or low in lists.PRONOUNS or low in lists.NEGATIONS or low in lists.DETERMINERS or low in _SAYING
        return any(map(str.isalpha, low)) and not closed and _number(low) is None

    def _opening(self) -> tuple[int, bool, bool, int | None]:
        """Determiners and numbers: where they end, whether there are any, whether definite, and the number."""
        index, definite, count = self.at, False, None
        while index - self.at < 5:
            low = self._low(index)
            number = _number(low)
            if number is not None and self._low(index + 1) != "of":
                count = number if count is None else count * number if low in ("dozen", "hundred") else count
            elif low in lists.DETERMINERS or low.endswith(("'s", "s'")):
                definite = definite or low in lists.DEFINITE
            else:
                break
            index += 1
        return index, index > self.at, definite, count

    def _phrase(self) -> bool:
        """A thing with its determiner, number and properties."""
        start, opened, definite, count = self._opening()
        places = self._collected(start)
        while places and not self._heads(places):
            places.pop()
        if not places:
            return False
        if self.predicative and not opened and self._relation_at(places[0]) is not None:
            return False
        listed = self.at == self.joint + 1
        before, opens = self._low(self.at - 1), self.at
        thing = self._thing(places, count)
        self.at = places[-1] + 1
        if before == "," and start == opens and self._tag(thing):
            return True
        if listed and self.last is not None:
            thing.fellows, thing.joined = self.last.fellows, before in ("and", "&")
        if self._low(self.at) == "of":
            whole = self._of(thing)
            if whole is None:
                return True
            thing = whole
        self._named(thing, definite)
        return True

    def _tag(self, thing: Thing) -> bool:
        """`..., fantasy art, matte painting`: words behind a comma that are about the picture and nothing in it."""
        if thing.head not in lists.TAGS or self._low(self.at) not in ("", ",", "."):
            return False
        self._medium(thing)
        self._phrase_over()
        return True

    def _heads(self, places: Sequence[int]) -> bool:
        low = self._low(places[-1])
        return _is_noun(low) or (len(places) > 1 and (self._low(places[-2]), low) in lists.COMPOUNDS)

    def _collected(self, index: int) -> list[int]:
        """Places of the words that belong to one name; joining commas and `and` are left out."""
        places: list[int] = []
        named = False
        while index < len(self.words) and len(places) < _PHRASE:
            low = self._low(index)
            if low in (",", "and") and places and not named and self._joins(index):
                index += 1
                continue
            if not self._nominal(index) or self._breaks(index, named):
                break
            places.append(index)
            named = named or (_is_noun(low) and not self._modifies(index))
            index += 1
        return places

    def _joins(self, index: int) -> bool:
        """Whether a comma or `and` stands between two properties of one thing: `plump, juicy grapes`."""
        if not self._modifies(index - 1):
            return self._low(index) == "and" and self._low(index - 1) == "," and self._modifies(index + 1)
        if self._low(index) == ",":
            return self._nominal(index + 1) or (self._low(index + 1) == "and" and self._modifies(index + 2))
        return self._modifies(index + 1)

    def _modifies(self, index: int) -> bool:
        """Whether a word is a property of a thing that follows."""
        low = self._low(index)
        if not low or (low, self._low(index + 1)) in lists.COMPOUNDS or not self._nominal(index):
            return False
        if low in lists.COMPOUND_ING or low in lists.ING_NOUNS:
            return False
        kind = low in lists.COLOURS or _is_property(low) or _is_ing(low) or _is_ed(low)
        follows = self._nominal(index + 1) or self._low(index + 1) in (",", "and")
        return kind and follows

    def _breaks(self, index: int, named: bool) -> bool:
        """Whether a name ends before a word: a relation, or a verb behind a noun."""
        if self._relation_at(index) is not None:
            return True
        if not named:
            return False
        low = self._low(index)
        if low in lists.ADVERBS or (low.endswith("ly") and not _is_noun(low)):
            return True
        if low in lists.COMPOUND_ING and self._nominal(index + 1):
            return False
        return self._verb_at(index) and low not in lists.ING_NOUNS

    def _noun(self, name: Sequence[str], place: int) -> str:
        """The noun itself, singular; `glasses` alone are worn, wine glasses are not."""
        held = bool(name) and name[-1] in lists.GLASSES
        return "glass" if held and self._low(place) == "glasses" else singular(self._cased(place))

    def _thing(self, places: Sequence[int], count: int | None) -> Thing:
        head = self.words[places[-1]]
        plural = _is_plural(head) or head.lower() in lists.PAIRS or bool(count and count > 1)
        thing = Thing("", plural=plural, count=count)
        name: list[str] = []
        shade = ""
        for place, following in zip(places, [*places[1:], -1], strict=True):
            low, after = self._low(place), self._low(following)
            if following < 0:
                name.append(self._noun(name, place))
            elif self._is_part(place, low, after):
                name.append(self._cased(place))
            elif low in lists.SHADES and after in lists.COLOURS and following == place + 1:
                shade = f"{low} "
            elif low in lists.COLOURS:
                thing.colours.append(shade + lists.COLOURS[low])
                shade = ""
            elif not self._property(thing, low):
                name.append(self._cased(place))
        thing.name = " ".join(name)
        return thing

    @staticmethod
    def _property(thing: Thing, low: str) -> bool:
        """Put a word to a thing's properties, if it is one."""
        if low in lists.ADVERBS or (low.endswith("ly") and not _is_noun(low)):
            return True
        if _is_property(low) or _is_ed(low):
            thing.properties.append(low)
            return True
        if _is_ing(low):
            thing.doing.append(low)
            return True
        return low.endswith("ly") and low not in ("lily", "jelly", "butterfly", "dragonfly", "fly", "belly", "family")

    def _is_part(self, place: int, low: str, after: str) -> bool:
        """Whether a word belongs to the name of the thing, though it might be a property elsewhere."""
        joined = (low, after) in lists.COMPOUNDS or (self._low(place - 1), low) in lists.COMPOUNDS
        return joined or low in lists.COMPOUND_ING or low in lists.ING_NOUNS

    def _cased(self, place: int) -> str:
        """Names of their own keep their capitals; the first word of a sentence loses it."""
        word = self.words[place]
        first = place == 0 or self._low(place - 1) in _STOPS or self._low(place - 1) in lists.DETERMINERS
        named = self.words[place + 1][:1].isupper() if place + 1 < len(self.words) else False
        return word.lower() if not word[:1].isupper() or (first and not named) or word.isupper() else word

    def _of(self, thing: Thing) -> Thing | None:
        """What `of` makes of a name: a lead-in, a group, a part, or one name (`slice of pizza`)."""
        head = thing.head
        if self.subject is None and self.pending is None and (head in lists.PLAIN_MEDIA or head in lists.DRAWN_MEDIA):
            self._medium(thing)
            self.at += 1
            return None
        if head in lists.GROUPS or head in lists.PARTS:
            self.at += 1
            start, _, _, inner = self._opening()
            places = self._collected(start)
            while places and not self._heads(places):
                places.pop()
            if not places:
                return None
            self.at = places[-1] + 1
            return self._of_group(thing, self._thing(places, inner))
        if self._low(self.at + 1) in lists.DETERMINERS or _number(self._low(self.at + 1)) is not None:
            self.at += 1
            self._named(thing, False)
            self._phrase_over()
            return None
        places = self._collected(self.at + 1)
        while places and not self._heads(places):
            places.pop()
        if places:
            inner_thing = self._thing(places, None)
            thing.name += f" of {inner_thing.name}"
            thing.colours += inner_thing.colours
            thing.properties += inner_thing.properties
            self.at = places[-1] + 1
        return thing

    def _of_group(self, group: Thing, thing: Thing) -> Thing:
        """A pair of dogs, a brown piece of paper: the dogs, the paper."""
        if group.head in lists.GROUPS:
            thing.properties += group.properties
            thing.colours += group.colours
            if thing.head in lists.PAIRS:
                thing.count = group.count if group.count and group.count > 1 else None
            elif group.head in ("pair", "couple") and group.count in (None, 1):
                thing.count = thing.count or 2
            thing.plural = thing.plural or group.head not in ("piece", "bit", "type", "kind", "sort")
            thing.fellows, thing.joined = group.fellows, group.joined
        return thing

    def _medium(self, thing: Thing) -> None:
        """A lead-in such as `an oil painting of`; a plain `photo of` says nothing."""
        said = [*thing.properties, *thing.name.split()[:-1]]
        if sorted(thing.colours) == ["black", "white"]:
            said = ["black", "and", "white", *said]
        if said or thing.head in lists.DRAWN_MEDIA:
            self.found.styles.append(" ".join([*said, thing.head]))

    def _named(self, thing: Thing, definite: bool) -> None:
        """Remember a thing, or what is newly said of one that was named before."""
        head = thing.head
        pending, absent, placing = self.pending, self.absent, self.placing
        self._phrase_over()
        if thing.name in lists.INVISIBLE or (head in lists.PLAIN_MEDIA and definite) or head in self.unseen:
            return
        medium = head in lists.PLAIN_MEDIA or head in lists.DRAWN_MEDIA
        alone = self.subject is None and pending is None and self._low(self.at) in ("", ".")
        if medium and alone and self.found.things:
            self._medium(thing)  # `A dog. Oil painting.`
            return
        if self.predicative and self.subject is not None and not absent:
            self._called(thing)
            return
        known = next((one for one in reversed(self.found.things) if definite and _same(one, thing)), None)
        if known is not None and not absent:
            thing = known
        else:
            thing.absent = absent
            thing.scene = head in lists.PLACES and placing in _PLACING
            self.found.things.append(thing)
        self._joined(thing, pending, placing)

    def _joined(
        self, thing: Thing, pending: tuple[Literal["relation", "action"], str, Thing] | None, placing: str | None
    ) -> None:
        """Link a thing to what was said before it, and let what follows be about it."""
        if pending is not None and not thing.absent and pending[2] is not thing:
            kind, value, subject = pending
            if kind == "action":
                self.found.links.pop()
            elif thing.scene and self.here and subject not in (self.subject, None):
                subject = self._owner(subject)
            told = [subject]
            if kind == "relation" and subject.fellows and subject.fellows[-1].joined:
                told = [one for one in subject.fellows if not one.absent]
            self.found.links += [Link(kind, one, value, thing) for one in told if one is not thing]
        if thing not in thing.fellows:
            thing.fellows.append(thing)
        if self.subject is None and placing is None:
            self.subject = thing
        self.here.append(thing)
        self.last, self.fresh, self.predicative = thing, True, False

    def _owner(self, subject: Thing) -> Thing:
        """Who is in a place: not what somebody wears or holds there, but who does."""
        alive = lists.PEOPLE | lists.ANIMALS
        if subject.head in alive:
            return subject
        return next((link.subject for link in reversed(self.found.links) if link.to is subject), subject)

    def _called(self, thing: Thing) -> None:
        """`the car is a red convertible`: a property of the subject."""
        assert self.subject is not None
        self.subject.colours += [colour for colour in thing.colours if colour not in self.subject.colours]
        self.subject.properties += [*thing.properties, *([thing.name] if thing.name else [])]
        self.last, self.predicative, self.fresh = self.subject, False, True

    def _predicate(self) -> bool:
        """A colour or property behind what it is said of: `the cat is black and fluffy`."""
        low = self._low(self.at)
        about = self.subject if self.predicative and self.subject else self.last
        colour = lists.COLOURS.get(low)
        if about is None or (colour is None and not _is_property(low)):
            return False
        if self.denied:
            self.found.links.append(Link("not", about, colour or low))
        elif colour is None:
            if not (low in lists.SHADES and self._low(self.at + 1) in lists.COLOURS):
                about.properties.append(low)
        else:
            before = self._low(self.at - 1)
            about.colours.append(f"{before} {colour}" if before in lists.SHADES else colour)
        self.denied = False
        self.at += 1
        return True


def _same(one: Thing, other: Thing) -> bool:
    """Whether the second, named with `the`, is the first again: nothing new is said of it."""
    alike = one.name == other.name or (one.head == other.head and " " not in other.name)
    told = {*one.colours, *one.properties}
    return alike and not one.absent and told.issuperset((*other.colours, *other.properties)) and not other.doing


def _number(low: str) -> int | None:
    if low in lists.NUMBERS:
        return lists.NUMBERS[low]
    return int(low) if low.isdecimal() and len(low) <= 2 and int(low) > 0 else None
