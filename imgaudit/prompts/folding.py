"""A prompt as plain words with their places: what stays when typography, accents, look-alikes and hidden signs go.

Linear in the length of the prompt. Known limits: Latin letters only; words of other scripts are kept as they are, and
look-alike letters are those of Cyrillic, Greek and a few more blocks, not the whole confusables table of Unicode.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

# each pair: a letter, and the Latin one it looks like
_PAIRS = (
    "аa вb еe кk мm нh оo рp сc тt уy хx зz іi јj ѕs ԁd ԛq ԝw һh ӏl ьb гr пn "  # Cyrillic
    "αa βb εe ιi κk νv οo ρp τt υu χx ωw ηn ϲc ϳj "  # Greek
    "օo սu ոn հh ցg զq ıi ɡg ɑa ʏy ɩi ɴn ʀr ʟl"  # Armenian and phonetic letters
)
_LOOKALIKES = str.maketrans({pair[0]: pair[1] for pair in _PAIRS.split()})
_SPECIAL = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "þ": "th", "ð": "d"}
_APOSTROPHES = frozenset("'’‘ʼ`´＇")
_SYMBOL_LETTERS = frozenset("@$!")
_LEET = (
    str.maketrans("013457@$!", "oieastasi"),
    str.maketrans("013457@$!", "oleastasl"),
)
_ENDS = frozenset(".?!:;\n")


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a prompt.

    Attributes:
        plain: letters and digits, lower-case, without accents, look-alikes replaced.
        raw: the same with the signs @ $ ! that may stand for letters.
        start: where it begins in the prompt as given; `end` is behind its last character.
        tight: nothing but signs without white space stand between it and the word before.
        spaced: nothing but white space stands between them.
        capital: it begins with a capital letter.
        first: it begins the prompt or a sentence.
        sentence: number of the sentence, from 0.
    """

    plain: str
    raw: str
    start: int
    end: int
    tight: bool
    spaced: bool
    capital: bool
    first: bool
    sentence: int

    @property
    def leet(self) -> tuple[str, ...]:
        """What it may say if digits and signs stand for letters; empty if there are none among letters."""
        if self.raw.isalpha() or not any(c.isalpha() for c in self.raw):
            return ()
        read = dict.fromkeys(self.raw.translate(table) for table in _LEET)
        return tuple(text for text in read if text.isalpha())


@lru_cache(maxsize=4096)
def fold(character: str) -> str:
    """A character as lower-case plain letters; empty for what cannot be seen and for accents.

    >>> fold("É"), fold(chr(0x200B)), fold("Ａ")
    ('e', '', 'a')
    """
    if unicodedata.category(character) in ("Cf", "Mn", "Me"):
        return ""
    parts = unicodedata.normalize("NFKD", character).casefold()
    kept = "".join(c for c in parts if unicodedata.category(c) not in ("Cf", "Mn", "Me"))
    return "".join(_SPECIAL.get(c, c) for c in kept.translate(_LOOKALIKES))


def folded(text: str) -> str:
    """Letters and digits of a name, joined: the form under which names are compared.

    >>> folded("Coca-Cola"), folded("Zdzisław Beksiński")
    ('cocacola', 'zdzislawbeksinski')
    """
    return "".join(c for sign in text for c in fold(sign) if c.isalnum())


class _Splitter:
    """Walks over a prompt once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[Token] = []
        self.raw: list[str] = []
        self.start = self.end = 0
        self.gap_is_tight = False
        self.gap_is_space = True
        self.ended = True
        self.sentence = 0

    def run(self) -> list[Token]:
        for index, character in enumerate(self.text):
            self._take(index, character)
        self._close()
        return self.tokens

    def _take(self, index: int, character: str) -> None:
        if character.isascii() and character.isalnum():
            self._add(index, character.lower())
            return
        if character in _APOSTROPHES and self.raw:
            return
        if character in _SYMBOL_LETTERS and self._letter_follows(index):
            self._add(index, character)
            return
        plain = fold(character)
        if not plain and not character.isspace():
            return  # cannot be seen, so it parts no word
        if plain and all(c.isalnum() for c in plain):
            self._add(index, plain)
            return
        self._part(index, character)

    def _letter_follows(self, index: int) -> bool:
        after = self.text[index + 1 : index + 2]
        return after.isalnum() and after.isascii()

    def _add(self, index: int, plain: str) -> None:
        if not self.raw:
            self.start = index
        self.raw.append(plain)
        self.end = index + 1

    def _part(self, index: int, character: str) -> None:
        self._close()
        if character.isspace():
            self.gap_is_tight = False
        else:
            self.gap_is_space = False
        after = self.text[index + 1 : index + 2]
        if character in _ENDS and (not after or after.isspace() or character == "\n") and not self.ended:
            self.ended = True
            self.sentence += 1

    def _close(self) -> None:
        raw = "".join(self.raw)
        self.raw.clear()
        plain = "".join(c for c in raw if c not in _SYMBOL_LETTERS)
        if not plain:
            return
        capital = self.text[self.start].isupper()
        self.tokens.append(
            Token(plain, raw, self.start, self.end, self.gap_is_tight, self.gap_is_space, capital, self.ended,
                  self.sentence)
        )  # fmt: skip
        self.gap_is_tight, self.gap_is_space, self.ended = True, True, False


def word_set(text: str) -> frozenset[str]:
    """The words of a list written as one string."""
    return frozenset(text.split())


def tokens(text: str) -> list[Token]:
    """The words of a prompt in order.

    >>> [t.plain for t in tokens("Mickey’s S.p.i.d.e.r, P1kachu!")]
    ['mickeys', 's', 'p', 'i', 'd', 'e', 'r', 'p1kachu']
    """
    return _Splitter(text).run()
