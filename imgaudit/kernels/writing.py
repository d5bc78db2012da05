"""Is it writing, and are its words words? Features of what an engine read, without any expected text.

Two questions are kept apart: glyphs that are no writing (`line_features`, for gibberish), and writing that is no word
(`word_features`, for misspellings). Both give plain numbers; what they weigh is fitted elsewhere.

Known limits: the word list and the trigrams are English and Latin letters only. Words of three letters and fewer,
numbers, product codes and other scripts are not judged by them.
"""

from __future__ import annotations

import lzma
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from rapidfuzz import process
from rapidfuzz.distance import OSA

Polygon = Sequence[tuple[float, float]]

LINE_FEATURES = ("doubt", "weakest", "gap", "found", "lexical", "odd", "salad", "symbols", "case", "single")
WORD_FEATURES = ("one_edit", "rare", "two_edits", "odd", "capitalised", "length")

_SHORTEST_JUDGED = 3
_SHORTEST_SPELLED = 4
_LONGEST = 24
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_MIXED_CASE = re.compile(r"[a-z][A-Z]+[a-z]*[A-Z]|[A-Z]{2}[a-z][A-Z]")
_SMOOTHING = 0.02
_EAST_ASIAN = frozenset(
    ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO", "FULLWIDTH", "HALFWIDTH")
)
_PLAIN = frozenset(".,:;!?'\"()[]&%$€£@#/+-–—’‘“”*°©®™·…=<>¡¿«»「」『』、。，！？：（）～~")


# --- the word list ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Lexicon:
    """English words in tiers: `common`, `medium`, `rare`, and `names` that are no words. Lower-case a to z."""

    common: frozenset[str]
    medium: frozenset[str]
    rare: frozenset[str]
    names: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, data: bytes) -> Lexicon:
        """Read the packaged form: xz over one line a tier, each front-coded (see `front_coded`)."""
        tiers = [frozenset(front_decoded(line)) for line in lzma.decompress(data).decode("ascii").splitlines()]
        return cls(*tiers)

    def __contains__(self, word: str) -> bool:
        return any(word in tier for tier in (self.common, self.medium, self.rare, self.names))

    @cached_property
    def by_length(self) -> Mapping[int, tuple[str, ...]]:
        """All words but names, by length: what a misspelling may have been meant to be."""
        table: dict[int, list[str]] = {}
        for word in sorted(self.common | self.medium | self.rare):
            table.setdefault(len(word), []).append(word)
        return {length: tuple(words) for length, words in table.items()}

    @cached_property
    def _trigrams(self) -> tuple[Counter[str], Counter[str]]:
        triples: Counter[str] = Counter()
        pairs: Counter[str] = Counter()
        for word in self.common:
            marked = f"^{word}$"
            triples.update(marked[i : i + 3] for i in range(len(marked) - 2))
            pairs.update(marked[i : i + 2] for i in range(len(marked) - 2))
        return triples, pairs

    def oddness(self, word: str) -> float:
        """Mean negative log10 probability of a letter given the two before it, with the word's ends marked.

        English words lie near 0.9, random letters near 2.
        """
        triples, pairs = self._trigrams
        marked = f"^{word}$"
        steps = range(len(marked) - 2)
        total = 0.0
        for i in steps:
            seen = triples[marked[i : i + 3]] + _SMOOTHING
            total -= math.log10(seen / (pairs[marked[i : i + 2]] + 27 * _SMOOTHING))
        return total / len(steps)

    def compound(self, word: str) -> bool:
        """Whether a string is two or three common words without the spaces between them, as engines like to write.

        Each part has four letters or more, or is a very common short word: `theking` is one, `lateten` is not.
        """
        return any(self._splits(word, parts) for parts in (2, 3))

    def _splits(self, word: str, parts: int) -> bool:
        if parts == 1:
            return self._part(word)
        return any(self._part(word[:i]) and self._splits(word[i:], parts - 1) for i in range(1, len(word)))

    def _part(self, word: str) -> bool:
        return word in _SHORT if len(word) < _SHORTEST_SPELLED else word in self.common

    def knows(self, word: str, known: Collection[str] = ()) -> bool:
        """Whether a lower-case word, with or without what follows its apostrophe, is listed or a compound."""
        stem = re.sub(r"['’](s|re|ll|ve|d|m|t)$", "", word)
        joined = re.sub(r"['’]", "", word)
        return any(w in self or w in known or self.compound(w) for w in {stem, joined})


_SHORT = frozenset(("a", "i", "an", "as", "at", "be", "by", "do", "go", "he", "if", "in", "is", "it", "me", "my"))
_SHORT |= frozenset(("no", "of", "on", "or", "so", "to", "up", "us", "we", "the", "and", "for", "you", "your", "our"))
_SHORT |= frozenset(("all", "are", "but", "can", "has", "new", "not", "one", "out", "was", "with"))


def front_coded(words: Iterable[str]) -> str:
    """Sorted words as one line: each as a letter (A = 0 .. Y = 24 letters shared with the word before) and its rest."""
    pieces, before = [], ""
    for word in sorted(words):
        shared = 0
        while shared < min(len(before), len(word), _LONGEST) and before[shared] == word[shared]:
            shared += 1
        pieces.append(chr(ord("A") + shared) + word[shared:])
        before = word
    return "".join(pieces)


def front_decoded(line: str) -> list[str]:
    """The words of a front-coded line.

    >>> front_decoded(front_coded(["hand", "handle", "hat"]))
    ['hand', 'handle', 'hat']
    """
    words, before = [], ""
    for shared, rest in re.findall(r"([A-Z])([a-z]*)", line):
        before = before[: ord(shared) - ord("A")] + rest
        words.append(before)
    return words


# --- lines -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of one line: the text, its mean and single character probabilities, the detector's score."""

    text: str
    score: float
    characters: Sequence[float] = ()
    found: float | None = None


def words_of(text: str) -> list[str]:
    """The letter runs of a text, apostrophes kept inside, in order; runs that touch a digit are codes and left out."""
    found = []
    for match in _WORD.finditer(text):
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        if not (before.isdigit() or after.isdigit()):
            found.append(match.group())
    return found


def line_features(line: Read, lexicon: Lexicon | None, known: Collection[str] = ()) -> dict[str, float]:
    """The numbers of one line, all from 0 (nothing against it) upward; the names are `LINE_FEATURES`.

    Args:
        line: what was read.
        lexicon: the word list, or None where the writing is not expected to be English.
        known: lower-case words that are right here, e.g. those of the prompt.
    """
    weakest = sorted(line.characters)[len(line.characters) // 10] if line.characters else line.score
    visible = [c for c in line.text if not c.isspace()]
    tokens = line.text.split()
    lexical, odd = _lexical(line.text, lexicon, known)
    return {
        "doubt": 1.0 - line.score,
        "weakest": 1.0 - weakest,
        "gap": max(0.0, line.found - line.score) if line.found is not None else 0.0,
        "found": line.found if line.found is not None else 0.0,
        "lexical": lexical,
        "odd": odd,
        "salad": sum(_salad(token) for token in tokens) / max(len(tokens), 1),
        "symbols": sum(not c.isalnum() and c not in _PLAIN for c in visible) / max(len(visible), 1),
        "case": sum(bool(_MIXED_CASE.search(token)) for token in tokens) / max(len(tokens), 1),
        "single": sum(len(t) == 1 and t.isalpha() and t not in "aIAO" for t in tokens) / max(len(tokens), 1),
    }


def _lexical(text: str, lexicon: Lexicon | None, known: Collection[str]) -> tuple[float, float]:
    """The share of judged letters in unknown words, and how odd those words' letters are (0 is as in English)."""
    judged = [w.lower() for w in words_of(text) if len(w) >= _SHORTEST_JUDGED and w.replace("’", "'").isascii()]
    if lexicon is None or not judged:
        return 0.0, 0.0
    unknown = [w for w in judged if not lexicon.knows(w, known)]
    letters = sum(map(len, judged))
    odd = sum(len(w) * max(0.0, lexicon.oddness(re.sub(r"['’]", "", w)) - 1.0) for w in unknown) / letters
    return sum(map(len, unknown)) / letters, odd


def script_of(character: str) -> str | None:
    """The script of a letter by the first word of its Unicode name (LATIN, CJK, ...); None for other characters."""
    return unicodedata.name(character, "UNNAMED").split(" ", 1)[0] if character.isalpha() else None


def scripts_in(text: str) -> frozenset[str]:
    """All scripts of a text's letters."""
    return frozenset(s for s in map(script_of, text) if s)


def _salad(token: str) -> int:
    """How many scripts too many a token has; those that are written together in East Asia count as one."""
    found = scripts_in(token)
    return max(0, len(found - _EAST_ASIAN) + bool(found & _EAST_ASIAN) - 1)


def upper_quantile(values: Sequence[float], weights: Sequence[float], share: float) -> float:
    """The largest value such that values at least as large hold `share` of the weight.

    >>> upper_quantile([0.1, 0.9], [9.0, 1.0], 0.1)
    0.9
    >>> upper_quantile([0.1, 0.9], [99.0, 1.0], 0.1)
    0.1
    """
    held, needed = 0.0, share * sum(weights) - 1e-12
    for value, weight in sorted(zip(values, weights, strict=True), reverse=True):
        held += weight
        if held >= needed:
            return value
    raise ValueError("upper_quantile needs at least one value")


def logistic(features: Mapping[str, float], weights: Mapping[str, float], bias: float) -> float:
    """The probability that a fitted line through the features gives."""
    z = bias + sum(weight * features[name] for name, weight in weights.items())
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, z))))


# --- words -----------------------------------------------------------------------------------


def nearest(word: str, lexicon: Lexicon, furthest: int = 2) -> tuple[str, int] | None:
    """The word with the fewest edits (insert, delete, replace, swap neighbours), and their number. Names are no words.

    Among equally near words the more common wins, then the alphabet. None when none is within `furthest` edits.
    """
    best: tuple[int, int, str] | None = None
    for length in range(len(word) - furthest, len(word) + furthest + 1):
        hits = process.extract(
            word, lexicon.by_length.get(length, ()), scorer=OSA.distance, score_cutoff=furthest, limit=None
        )
        for hit, distance, _ in hits:
            if hit != word:
                rank = (int(distance), 2 if hit in lexicon.rare else int(hit in lexicon.medium), hit)
                best = rank if best is None else min(best, rank)
    return None if best is None else (best[2], best[0])


def word_features(word: str, lexicon: Lexicon, *, lower_case_line: bool) -> dict[str, float]:
    """The numbers of one word that is in no list; the names are `WORD_FEATURES`.

    `lower_case_line` says that the line holds lower-case words beside it, so that a capital marks a name.
    """
    small = word.lower()
    near = nearest(small, lexicon)
    return {
        "one_edit": float(near is not None and near[1] == 1),
        "rare": float(near is not None and near[0] in lexicon.rare),
        "two_edits": float(near is not None and near[1] == 2),
        "odd": max(0.0, lexicon.oddness(small) - 1.0),
        "capitalised": float(lower_case_line and word[:1].isupper() and word[1:].islower()),
        "length": min(len(word), 12) / 12,
    }


def spelled_words(text: str) -> list[str]:
    """The words of a text whose spelling can be judged: Latin letters only, four or more, not longer than 24."""
    return [w for w in words_of(text) if _SHORTEST_SPELLED <= len(w) <= _LONGEST and w.isascii() and w.isalpha()]


# --- places ----------------------------------------------------------------------------------


def height_of(polygon: Polygon) -> float:
    """The height of a line: the mean length of its two sides, in pixels."""
    a, b, c, d = polygon
    return (math.dist(a, d) + math.dist(b, c)) / 2


def area_of(polygon: Polygon) -> float:
    """The area of a polygon, in square pixels (shoelace formula)."""
    pairs = zip(polygon, [*polygon[1:], polygon[0]], strict=True)
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairs)) / 2


def box_of(polygon: Polygon) -> tuple[float, float, float, float]:
    """The upright box around a polygon: x0, y0, x1, y1."""
    xs, ys = [x for x, _ in polygon], [y for _, y in polygon]
    return min(xs), min(ys), max(xs), max(ys)


def part_of(polygon: Polygon, start: float, end: float) -> tuple[tuple[float, float], ...]:
    """The part of a line from `start` to `end` of its length (0..1); a word's place if letters were equally wide."""
    a, b, c, d = polygon

    def along(p: tuple[float, float], q: tuple[float, float], t: float) -> tuple[float, float]:
        return p[0] + (q[0] - p[0]) * t, p[1] + (q[1] - p[1]) * t

    return along(a, b, start), along(a, b, end), along(d, c, end), along(d, c, start)


def reading_order(polygons: Sequence[Polygon]) -> list[int]:
    """Indices from top to bottom, and from left to right where boxes stand in one row.

    A box joins the row whose last box it overlaps by half of the lower height, if their heights differ by less than 2.
    Columns are not told apart: rows run through them.
    """
    boxes = [box_of(p) for p in polygons]
    rows: list[list[int]] = []
    for index in sorted(range(len(boxes)), key=lambda i: (boxes[i][1] + boxes[i][3], boxes[i][0])):
        row = next((r for r in reversed(rows[-3:]) if _same_row(boxes[r[-1]], boxes[index])), None)
        if row is None:
            rows.append([index])
        else:
            row.append(index)
    return [i for row in rows for i in sorted(row, key=lambda i: boxes[i][0])]


def _same_row(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    tall, low = max(a[3] - a[1], b[3] - b[1]), min(a[3] - a[1], b[3] - b[1])
    return low * 2 > tall and min(a[3], b[3]) - max(a[1], b[1]) >= 0.5 * low
