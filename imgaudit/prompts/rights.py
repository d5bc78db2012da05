"""Whose rights a prompt touches: names, phrases that point at somebody's style, children, real events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from imgaudit.prompts.descriptions import described
from imgaudit.prompts.folding import Token, folded, word_set
from imgaudit.prompts.names import Entry, Hit, Names, is_word

LISTS_YEAR = 2026
"""The year in which the lists were written: terms are counted from it, so that a prompt's findings do not drift."""

COPYRIGHT_YEARS = 70
HISTORIC_YEARS = 100
_MOST = 200

_STYLE_OF = re.compile(
    r"\b(?:in the (?:\w+ )?(?:style|manner|look|spirit|vein|tradition|aesthetic|fashion|mode|idiom|key)s? of|"
    r"in an? (?:style|manner|look) (?:like|similar to|reminiscent of|close to)|(?:heavily |strongly )?inspired by|"
    r"influenced by|drawing on|after the (?:style|manner) of|imitating the|copying the (?:style|look) of|"
    r"pastiche of|"
    r"as (?:if )?(?:it (?:was|were) )?(?:painted|drawn|photographed|designed|directed|shot|illustrated|imagined) by|"
    r"à la|homage to)\b",
    re.IGNORECASE,
)
# these point at somebody only where a name follows
_PERHAPS_STYLE_OF = re.compile(
    r"\b(?:reminiscent of|evocative of|evok(?:es|ing)|imitating|channell?ing|mimicking|emulating|straight out of|"
    r"worthy of|a la|tribute to|echo(?:es|ing)|think)\b",
    re.IGNORECASE,
)
_NAME_WITHIN, _MADE_WITHIN = 3, 7
_ARTS = word_set("style styles work works film films brushwork aesthetic palette canvases photographs movies comics")
# what may follow such a phrase and names nobody: movements, techniques, times and peoples
_NOBODY = word_set(
    "abstract impressionism impressionist cubism cubist surrealism surrealist expressionism baroque rococo gothic art "
    "pop deco nouveau bauhaus minimalism minimalist realism renaissance romanticism ukiyo watercolor watercolour oil "
    "pixel egyptian greek roman chinese japanese persian indian medieval victorian traditional folk tomb "
    "hieroglyphics hieroglyphic "
    "pointilism pointillism pencil charcoal ink comic comics manga anime cartoon noir film vintage retro synthwave "
    "vaporwave steampunk cyberpunk fantasy nature child children's classical ancient modern nordic scandinavian "
    "documentary editorial fashion street landscape portrait photography woodcut engraving etching collage origami a "
    "an the old early late madhubani fauvism fauvist brutalist brutalism"
)
_MADE = word_set(
    "art artwork painting paintings illustration illustrations photo photograph photography drawing render poster "
    "design sculpture portrait picture image print sketch mural designed painted drawn photographed shot directed"
)
_MINOR = word_set(
    "child children kid kids toddler toddlers baby babies infant infants boy boys girl girls schoolgirl schoolboy "
    "schoolgirls schoolboys teen teens teenage teenager teenagers preteen preteens minor minors newborn adolescent "
    "adolescents loli shota kindergartener kindergartner pupil underage tween tweens juvenile youngster youngsters "
    "lad lass schoolkid schoolkids schoolchild schoolchildren preschooler preschoolers grader graders middleschooler "
    "newborns babe minors lolicon shotacon prepubescent pubescent pupils"
)
_MINOR_PHRASES = re.compile(
    r"\b(?:little (?:one|sister|brother|princess)|young (?:boy|girl|daughter|son|sister|brother|kid)s?|"
    r"(?:high|middle|primary|elementary|grade|nursery)[ -]?school(?:ers?| (?:student|pupil|kid|girl|boy)s?)|"
    r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth)[ -]graders?|barely legal|jail ?bait|age of consent)\b",
    re.IGNORECASE,
)
_NUMBERS = word_set(
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
)
_AGED = re.compile(r"\b(?:aged?|age:|turning)\s*(?:of )?(\d{1,2})\b(?![.:]\d)", re.IGNORECASE)
_YEARS_OLD_IN_WORDS = re.compile(
    rf"\b({'|'.join(sorted(_NUMBERS))})[\s-]*years?[\s-]*old\b"
    r"(?!\s+(?:whisk|wine|rum|scotch|brandy|cognac|port|cheese|house|car|bridge|tree|building|company|book|ship))",
    re.IGNORECASE,
)
_AFTER_MINOR = word_set("in with wearing who is on at and or posing sitting standing girl boy being under walking")
_ANIMALS = word_set(
    "penguin penguins elephant elephants seal seals goat goats daikon radish animal animals panda pandas dragon "
    "dragons bear bears fox foxes owl owls bird birds shark turtle turtles duck ducks shower grand carrots "
    "carrot corn gate monkey monkeys deer groot yoda"
)
_ADULT = frozenset(("adult", "grown", "woman", "women", "man", "men"))
_SEXUAL = word_set(
    "nude naked nsfw sexy sexual erotic porn pornographic lingerie topless bottomless underwear panties bra hentai "
    "seductive sensual undressed undressing bikini fetish explicit xxx provocative busty breasts cleavage thong "
    "genitals nudes nudity nsfw unclothed undress striptease sexualized sexualised sexually arousing "
    "aroused orgasm intercourse bdsm bondage upskirt nipples vagina penis ecchi lewd horny skimpy "
    "risque lustful playboy onlyfans camgirl"
)
_YEARS_OLD = re.compile(
    r"\b(\d{1,2})[\s-]*(?:(?:years?|yrs?)[\s-]*old|yo|y/o)\b"
    r"(?!\s+(?:whisk|wine|rum|scotch|brandy|cognac|port|cheese|house|car|bridge|tree|building|company|book|ship))",
    re.IGNORECASE,
)
_EVENT = re.compile(
    r"\b(?:breaking news|press photo|news (?:photo|photograph|footage)|leaked (?:photo|image|footage)|"
    r"cctv (?:footage|still)|caught on camera|real footage|actual footage|mugshot|crime scene photo|"
    r"body ?cam footage|eyewitness (?:photo|video))\b",
    re.IGNORECASE,
)
_PLACES_OF_EVENTS = re.compile(
    r"\b(?:attack|bombing|earthquake|flood|riot|protest|shooting|explosion|war|massacre|hurricane|wildfire|election|"
    r"assassination|arrest|crash)\b[^.!?\n]{0,40}\b(?:in|of|at|on)\s[^.!?\n]{0,40}\b(?:19|20)\d\d\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Right:
    """One rights finding before it is worded. `entry` is None where no name is involved."""

    code: str
    start: int
    end: int
    how: str = "exact"
    entry: Entry | None = None


def rights(text: str, words: Sequence[Token], names: Names, owned: frozenset[str] = frozenset()) -> list[Right]:
    """The first 200 rights findings of a prompt, in order. `owned` holds folded names that may be used."""
    hits = [hit for hit in names.find(words, text) if _folded_name(hit.entry) not in owned]
    named = {hit.entry.name for hit in hits}
    hits += [
        hit for hit in described(words) if hit.entry.name not in named and _folded_name(hit.entry) not in owned
    ]
    found = [Right(code_of(hit), hit.start, hit.end, hit.how, hit.entry) for hit in hits]
    found += _styles(text, words)
    found += _credits(words, [(hit.start, hit.end) for hit in hits])
    found += _minors(text, words)
    found += [Right("rights.event", *match.span()) for pattern in (_EVENT, _PLACES_OF_EVENTS)
              for match in pattern.finditer(text)]  # fmt: skip
    return sorted(found, key=lambda right: (right.start, right.code))[:_MOST]


def _folded_name(entry: Entry) -> str:
    return folded(entry.name)


def code_of(hit: Hit) -> str:
    """The code of a name that was found."""
    entry = hit.entry
    if entry.kind == "brand":
        return "rights.brand"
    if hit.how == "described":
        return "rights.described"
    if not hit.sure:
        return "rights.perhaps"
    match entry.kind:
        case "artist":
            return f"rights.artist-{_age(entry, COPYRIGHT_YEARS, 'protected', 'free')}"
        case "person":
            return f"rights.person-{_age(entry, HISTORIC_YEARS, 'dead', 'historic')}"
        case "character" | "work":
            free = entry.status in ("free", "part") and entry.kind == "character"
            return "rights.character-free" if free else f"rights.{entry.kind}"
        case "mark":
            return {"generic": "rights.mark-generic", "tool": "rights.tool"}.get(entry.status, "rights.mark")
        case _:
            return "rights.agency"


def _age(entry: Entry, years: int, recent: str, long_ago: str) -> str:
    if entry.died is None:
        return "living"
    return recent if entry.died >= LISTS_YEAR - years else long_ago


def _styles(text: str, words: Sequence[Token]) -> Iterator[Right]:
    starts = {word.start: index for index, word in enumerate(words)}
    for match in _STYLE_OF.finditer(text):
        if not _is_nobody(_behind(match, words, starts)[:2]):
            yield Right("rights.style-of", match.start(), match.end())
    for match in _PERHAPS_STYLE_OF.finditer(text):
        after = _behind(match, words, starts)
        named = any(word.capital and not word.first and _is_foreign(word) for word in after[:_NAME_WITHIN])
        if named and any(word.plain in _MADE or word.plain in _ARTS for word in after) and not _is_nobody(after[:2]):
            yield Right("rights.style-of", match.start(), match.end())


def _behind(match: re.Match[str], words: Sequence[Token], starts: Mapping[int, int]) -> Sequence[Token]:
    """The words behind a phrase, the first of which begins within eight characters."""
    places = (starts.get(at) for at in range(match.end(), match.end() + 8))
    first = next((index for index in places if index is not None), len(words))
    return words[first : first + _MADE_WITHIN]


def _is_nobody(following: Sequence[Token]) -> bool:
    """Whether the words behind such a phrase name a movement, a technique, a time or a people."""
    return bool(following) and all(word.plain in _NOBODY for word in following)


def _credits(words: Sequence[Token], named: Sequence[tuple[int, int]]) -> Iterator[Right]:
    """`Art by` and words that are no English: a name that the lists do not have."""
    starts = {start for start, _ in named}
    for index in range(1, len(words) - 1):
        if words[index].plain != "by" or (words[index - 1].plain not in _MADE and words[index].spaced):
            continue
        name = words[index + 1 : index + 3]
        if name[0].start in starts or not name[0].spaced or not _is_foreign(name[0]):
            continue
        last = name[1] if len(name) == 2 and name[1].spaced and _is_foreign(name[1]) else name[0]
        yield Right("rights.credit", name[0].start, last.end)


def _is_foreign(word: Token) -> bool:
    return len(word.plain) > 2 and word.plain.isalpha() and not is_word(word.plain)


def _minors(text: str, words: Sequence[Token]) -> Iterator[Right]:
    sexual = next((word for word in words if _SEXUAL.intersection((word.plain, *word.leet))), None)
    # a child's drawing shows no child, but beside sexual words nothing is taken to be harmless
    endings = ("", "s") if sexual is not None else ("",)
    young = [
        (word.start, word.end)
        for index, word in enumerate(words)
        if any(read.removesuffix(end) in _MINOR for read in (word.plain, *word.leet) for end in endings)
        and not _is_animal(words, index)
        and not _is_small(words, index)
    ]
    young += [match.span() for match in _YEARS_OLD.finditer(text) if int(match[1]) < 18]
    young += [match.span() for match in _AGED.finditer(text) if int(match[1]) < 18]
    young += [match.span() for pattern in (_YEARS_OLD_IN_WORDS, _MINOR_PHRASES) for match in pattern.finditer(text)]
    if not young:
        return
    start, end = min(young)
    if sexual is not None:
        yield Right("people.minor-sexual", min(start, sexual.start), max(end, sexual.end))
    else:
        yield Right("people.minor", start, end)


def _is_small(words: Sequence[Token], index: int) -> bool:
    """Minor scuff marks: the word for small, and nobody's age."""
    after = words[index + 1] if index + 1 < len(words) else None
    return words[index].plain == "minor" and after is not None and after.spaced and after.plain not in _AFTER_MINOR


def _is_animal(words: Sequence[Token], index: int) -> bool:
    after = {word.plain for word in words[index + 1 : index + 4]}
    before = words[index - 1].plain if index else ""
    young_thing = words[index].plain in ("baby", "kid", "infant", "newborn") and bool(after & _ANIMALS)
    return young_thing or before in _ADULT
