"""Names of artists, people, characters, works, marks and agencies, and finding them in a prompt.

The lists are TSV files beside this module (`lists/`); docs/prompts.md says how they were made. A name is found as
written, run together, spelt out, in look-alike letters, with digits for letters, inflected (Picassoesque), in reverse
(Hockney, David) and misspelt. Names that are words too (Apple, Target) need a word of their context nearby.

Linear in the length of the prompt: names are looked up in a table, and misspellings, which cost more, are sought in
the first `FUZZY_WORDS` words only. Known limits: the lists are not complete and English-speaking; names written in
other scripts are not known.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from itertools import islice, pairwise
from typing import Literal

from rapidfuzz.distance import OSA

from imgaudit.kernels.writing import Lexicon
from imgaudit.prompts.folding import Token, fold, folded, tokens

Kind = Literal["artist", "person", "character", "work", "mark", "agency", "brand"]
How = Literal["exact", "joined", "spelt", "leet", "inflected", "reversed", "misspelt", "described"]

LISTS = ("artists", "people", "characters", "works", "marks", "agencies")
COLUMNS = ("kind", "name", "aliases", "status", "owner", "context", "note", "source")
FUZZY_WORDS = 1_000
_LONGEST = 6
_SPELT_LETTERS = 2_000
_NEAR = 12
_SPLIT_LENGTH = 8
_ONE_EDIT, _TWO_EDITS = 7, 11
_PROPER = "="
_LITERAL_HITS = 20
_SIGNS_IN_NAMES = frozenset(" '’.,&!-/:")
_SUFFIXES = ("esque", "ian", "ish", "like", "style", "s")
_STYLE_SUFFIXES = frozenset(("esque", "ian", "ish", "like", "style"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a list.

    Attributes:
        status: `living` or the year of death for artists and people (negative: before our era); `owned`, `part`
            or `free` for characters and works; `owned`, `generic` or `tool` for marks.
        owner: who holds the right, as far as known.
        context: words of which one must stand near, because the name is a word of its own; empty: none needed.
        proper: the word is a proper name of something else too (Mars, Amazon), so that a capital says nothing.
        source: the kind of public reference in which the row can be checked.
    """

    kind: Kind
    name: str
    aliases: tuple[str, ...] = ()
    status: str = "owned"
    owner: str = ""
    context: tuple[str, ...] = ()
    note: str = ""
    source: str = ""
    proper: bool = False

    @property
    def died(self) -> int | None:
        """Year of death, or None for the living and for what never lived."""
        return int(self.status) if self.status.lstrip("-").isdigit() else None


@dataclass(frozen=True, slots=True)
class Hit:
    """A name in a prompt. `sure` is false where it may be the plain word or another name."""

    entry: Entry
    start: int
    end: int
    how: How
    sure: bool


def read_list(text: str) -> list[Entry]:
    """The rows of a TSV list with the columns `COLUMNS`; ValueError names the line that is wrong."""
    reader = csv.reader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    entries: list[Entry] = []
    for number, row in enumerate(reader, start=1):
        if number == 1:
            if tuple(row) != COLUMNS:
                raise ValueError(f"line 1: expected the columns {', '.join(COLUMNS)}")
            continue
        if len(row) != len(COLUMNS) or not row[1]:
            raise ValueError(f"line {number}: expected {len(COLUMNS)} values and a name, got {len(row)}")
        kind, name, aliases, status, owner, context, note, source = row
        entries.append(
            Entry(
                kind,  # type: ignore[arg-type]  # a test checks the lists
                name,
                _parts(aliases),
                status,
                owner,
                _parts(context.removeprefix(_PROPER)),
                note,
                source,
                context.startswith(_PROPER),
            )
        )
    return entries


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|") if part.strip())


@cache
def packaged() -> tuple[Entry, ...]:
    """All rows of the packaged lists."""
    folder = resources.files("imgaudit.prompts") / "lists"
    return tuple(entry for name in LISTS for entry in read_list((folder / f"{name}.tsv").read_text("utf-8")))


@cache
def lexicon() -> Lexicon:
    """English words: a word of the language is no misspelling of a name."""
    data = resources.files("imgaudit") / "calibration" / "words_en.txt.xz"
    return Lexicon.parse(data.read_bytes())


def is_word(word: str) -> bool:
    """Whether it is an English word; names of people and places do not count."""
    words = lexicon()
    return word in words.common or word in words.medium or word in words.rare


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to write an entry: `words` is how many words it has when written out."""

    entry: Entry
    words: int
    reverse: bool = False


def is_symbolic(name: str) -> bool:
    """Whether signs are what makes a name (C++, #hashtag): it is then compared as it stands, not by its letters."""
    signs = [c for c in name.strip() if not (c.isalnum() or c in _SIGNS_IN_NAMES or not fold(c))]
    return bool(signs) or len(folded(name)) < 2


class Names:
    """A table of names, and the search for them."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.table: dict[str, list[_Form]] = defaultdict(list)
        self.literals: list[tuple[re.Pattern[str], Entry]] = []
        for entry in entries:
            for text in dict.fromkeys((entry.name, *entry.aliases)):
                self._enter(entry, text)
        self.longest_word = max(map(len, self.table), default=0)
        self.beginnings = {key[:length] for key in self.table for length in range(1, len(key) + 1)}

    def _enter(self, entry: Entry, text: str) -> None:
        parts = [token.plain for token in tokens(text)]
        key = "".join(parts)
        if is_symbolic(text):  # escaped, so that nothing in it is a pattern
            self.literals.append((re.compile(re.escape(text.strip()), re.IGNORECASE), entry))
            return
        self.table[key].append(_Form(entry, len(parts)))
        if len(parts) == 2 and entry.kind in ("artist", "person") and not entry.context:
            self.table[parts[1] + parts[0]].append(_Form(entry, 2, reverse=True))

    @cached_property
    def _fuzzy(self) -> dict[str, list[tuple[str, _Form]]]:
        """Names that misspellings are compared with, by first letter."""
        table: dict[str, list[tuple[str, _Form]]] = defaultdict(list)
        for key, forms in sorted(self.table.items()):
            form = next((f for f in forms if not f.reverse and not f.entry.context), None)
            if form is not None and len(key) >= _ONE_EDIT and key.isalpha():
                table[key[0]].append((key, form))
        return table

    def find(self, words: Sequence[Token], text: str) -> list[Hit]:
        """All names in a prompt that was split into words, in order, none overlapping."""
        taken = [False] * len(words)
        hits = [*self._exact(words, text, taken), *self._spelt(words, taken), *self._misspelt(words, taken)]
        hits += [
            Hit(entry, *match.span(), "exact", True)
            for pattern, entry in self.literals
            for match in islice(pattern.finditer(text), _LITERAL_HITS)
        ]
        return sorted(hits, key=lambda hit: hit.start)

    # --- as written, joined, with digits for letters, inflected --------------------------------

    def _exact(self, words: Sequence[Token], text: str, taken: list[bool]) -> Iterator[Hit]:
        index = 0
        titled = _is_titled(words)
        while index < len(words):
            length, hit = self._longest(words, index, text, titled)
            if hit is not None:
                taken[index : index + length] = [True] * length
                yield hit
            index += length if hit is not None else 1

    def _longest(self, words: Sequence[Token], index: int, text: str, titled: bool) -> tuple[int, Hit | None]:
        for length in range(self._reach(words, index), 0, -1):
            window = words[index : index + length]
            found = self._look_up(window)
            if found is None:
                continue
            form, how = found
            sure = self._sure(form, words, index, length)
            if sure is None and not titled:
                sure = _named_by_capital(form, window)
            if sure is not None:
                return length, Hit(form.entry, window[0].start, window[-1].end, how, sure)
        return 1, None

    def _reach(self, words: Sequence[Token], index: int) -> int:
        """How many words from here on may be a name: one more than still begin one, for inflected endings."""
        read = {words[index].plain, *words[index].leet}
        for length in range(1, min(_LONGEST, len(words) - index)):
            if not read & self.beginnings:
                return length
            word = words[index + length]
            read = {start + more for start in read for more in (word.plain, *word.leet)}
        return min(_LONGEST, len(words) - index)

    def _look_up(self, window: Sequence[Token]) -> tuple[_Form, How] | None:
        key = "".join(word.plain for word in window)
        if (form := self._fitting(key, window)) is not None:
            if form.reverse:
                return form, "reversed"
            return form, "exact" if form.words == len(window) else "joined"
        for read in _read_as_letters(window):
            if (form := self._fitting(read, window)) is not None:
                return form, "leet"
        if not key.endswith(_SUFFIXES):
            return None
        for suffix in _SUFFIXES:
            stem = key.removesuffix(suffix)
            if stem != key and len(stem) >= 4 and (form := self._fitting(stem, window, suffix)) is not None:
                return form, "inflected"
        return None

    def _fitting(self, key: str, window: Sequence[Token], suffix: str = "") -> _Form | None:
        """The form with this key that the window may write: the right number of words, or plainly run together."""
        for form in self.table.get(key, ()):
            if suffix in _STYLE_SUFFIXES and form.entry.kind in ("mark", "agency", "brand"):
                continue
            if suffix and form.entry.context and form.words == 1:
                continue
            if form.words == len(window) or (suffix in _STYLE_SUFFIXES and form.words == len(window) - 1):
                return form
            if len(window) < form.words and len(key) >= _SPLIT_LENGTH:
                return form
            if len(window) > form.words and _written_apart(window, key):
                return form
        return None

    def _sure(self, form: _Form, words: Sequence[Token], index: int, length: int) -> bool | None:
        """True: the name; None: a plain word unless something else speaks for the name."""
        if not form.entry.context:
            return True
        own = "".join(word.plain for word in words[index : index + length])
        near = [word.plain for word in words[max(0, index - _NEAR) : index + length + _NEAR]]
        around = {*near, *(a + b for a, b in pairwise(near))}
        around.discard(own)
        return True if any(folded(word) in around for word in form.entry.context) else None

    # --- spelt out: p i k a c h u --------------------------------------------------------------

    def _spelt(self, words: Sequence[Token], taken: list[bool]) -> Iterator[Hit]:
        letters = [i for i, word in enumerate(words) if len(word.raw) == 1 and not taken[i]][:_SPELT_LETTERS]
        for run in _runs(letters):
            index = 0
            while index < len(run):
                length = self._spelt_length(words, run[index:])
                if length:
                    chosen = run[index : index + length]
                    form = self.table["".join(words[i].plain for i in chosen)][0]
                    for i in chosen:
                        taken[i] = True
                    yield Hit(form.entry, words[chosen[0]].start, words[chosen[-1]].end, "spelt", True)
                index += length or 1

    def _spelt_length(self, words: Sequence[Token], run: Sequence[int]) -> int:
        for length in range(min(self.longest_word, len(run)), 3, -1):
            forms = self.table.get("".join(words[i].plain for i in run[:length]))
            if forms and not forms[0].entry.context:
                return length
        return 0

    # --- misspelt ------------------------------------------------------------------------------

    def _misspelt(self, words: Sequence[Token], taken: list[bool]) -> Iterator[Hit]:
        for index in range(min(len(words), FUZZY_WORDS)):
            for length in range(min(3, len(words) - index), 0, -1):
                if any(taken[index : index + length]):
                    continue
                window = words[index : index + length]
                form = self._nearest(window)
                if form is not None:
                    taken[index : index + length] = [True] * length
                    yield Hit(form.entry, window[0].start, window[-1].end, "misspelt", length > 1)
                    break

    def _nearest(self, window: Sequence[Token]) -> _Form | None:
        key = "".join(word.plain for word in window)
        if len(key) < _ONE_EDIT - 1 or not key.isalpha() or not key.isascii() or _is_plain_english(window):
            return None
        if len({word.sentence for word in window}) > 1:
            return None
        best: tuple[int, str, _Form] | None = None
        for name, form in self._fuzzy.get(key[0], ()):
            limit = 2 if min(len(name), len(key)) >= _TWO_EDITS - 1 and form.words > 1 else 1
            if form.words != len(window) or abs(len(name) - len(key)) > limit:
                continue
            distance = OSA.distance(key, name, score_cutoff=limit)
            if distance <= limit and (best is None or (distance, name) < best[:2]):
                best = distance, name, form
        return best[2] if best else None


def _read_as_letters(window: Sequence[Token]) -> list[str]:
    """The window with digits and signs read as letters, in each of the two ways; empty if there is nothing to read."""
    if not any(word.leet for word in window):
        return []
    read = [word.leet or (word.plain,) for word in window]
    return ["".join(options[min(way, len(options) - 1)] for options in read) for way in range(2)]


def _written_apart(window: Sequence[Token], key: str) -> bool:
    """Bat-Man, S.p.i.d.e.r: parts that no white space parts; with white space only long names count."""
    if all(word.tight for word in window[1:]):
        return True
    return len(window) == 2 and window[1].spaced and len(key) >= _SPLIT_LENGTH


def _named_by_capital(form: _Form, window: Sequence[Token]) -> bool | None:
    """A name that is also a word, capital within a sentence: perhaps meant (False is `not sure`)."""
    if form.entry.proper or not window[0].capital or window[0].first or form.words != len(window):
        return None
    return False


def _is_titled(words: Sequence[Token]) -> bool:
    """Whether Most Words Begin Like This, so that a capital says nothing."""
    return sum(word.capital for word in words) > max(2, len(words) // 2)


def _runs(indexes: Sequence[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for index in indexes:
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return [run for run in runs if len(run) > 3]


def _is_plain_english(window: Sequence[Token]) -> bool:
    if len(window) == 1:
        return window[0].plain in lexicon() or _stem_is_word(window[0].plain)
    return all(is_word(word.plain) or len(word.plain) < 2 for word in window)


def _stem_is_word(word: str) -> bool:
    """Whether taking off an ending leaves a word: the word list has few inflected rare words."""
    return any(word.endswith(end) and is_word(word.removesuffix(end)) for end in ("s", "es", "ed", "ing", "ly", "er"))
