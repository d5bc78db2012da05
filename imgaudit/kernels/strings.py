"""Expected phrases against lines that were read: which phrase stands where, and what is wrong with it.

Distances are Levenshtein's (insert, delete, replace, one each). Nothing here corrects a spelling.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from rapidfuzz.distance import Levenshtein
from scipy.optimize import linear_sum_assignment

PRESENT = 0.5
"""Below this similarity a phrase counts as missing: unlike phrases of one length share up to half of their letters."""

_EXACT = 10
_KEPT = 8
_MAX_LINES = 3
_MAX_TOKENS = 2000
_MAX_EXTRA = 2
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")
_APOSTROPHES = dict.fromkeys(map(ord, "’‘ʼ＇`´"), "'")


def strict(text: str) -> str:
    """NFC with runs of white space as one space: what a proof reader compares."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def loose(text: str) -> str:
    """NFKC, case folded, letters and digits only: what survives another typography or lost spaces.

    The digit 0 and the letter O stay different.

    >>> loose("Don’t  STOP – now!")
    'dontstopnow'
    """
    plain = unicodedata.normalize("NFKC", text.translate(_DASHES).translate(_APOSTROPHES)).casefold()
    return "".join(c for c in unicodedata.normalize("NFC", plain) if c.isalnum() or unicodedata.category(c)[0] == "M")


def words(text: str) -> list[str]:
    """Loose words: split at white space and at everything but letters, digits and apostrophes."""
    plain = re.sub(r"[^\w'’]|_", " ", unicodedata.normalize("NFKC", text))
    return [word for word in map(loose, plain.split()) if word]


def similarity(first: str, second: str) -> float:
    """1 - distance / longer length, 0..1; two empty strings are alike.

    >>> similarity("FIRE", "FIIRE")
    0.8
    """
    longer = max(len(first), len(second))
    return 1.0 if longer == 0 else 1.0 - Levenshtein.distance(first, second) / longer


def cer(expected: str, read: str) -> float:
    """Character error rate: distance / expected length; can pass 1. `expected` must not be empty."""
    if not expected:
        raise ValueError("a character error rate needs an expected text")
    return Levenshtein.distance(expected, read) / len(expected)


def differences(expected: str, read: str) -> str:
    """What to change in `read`, for people.

    >>> differences("FIRE", "FIIRE")
    "'I' too many"
    """
    said = []
    for op in Levenshtein.opcodes(expected, read):
        here, there = expected[op.src_start : op.src_end], read[op.dest_start : op.dest_end]
        if op.tag == "delete":
            said.append(f"{here!r} lacks")
        elif op.tag == "insert":
            said.append(f"{there!r} too many")
        elif op.tag == "replace":
            said.append(f"{there!r} instead of {here!r}")
    return ", ".join(said)


@dataclass(frozen=True, slots=True)
class Span:
    """Consecutive words of the lines. `first` and `last` count words over all lines, in reading order."""

    first: int
    last: int
    text: str
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What became of one expected phrase."""

    phrase: str
    outcome: Literal["exact", "misspelt", "missing", "duplicated"]
    similarity: float
    span: Span | None
    exact_strict: bool = False
    again: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Matching:
    """All phrases against all lines. `similarity` and `cer` weigh phrases by their length.

    `extra` holds, for each line with words that no phrase claimed, its index and those words.
    """

    found: tuple[Found, ...]
    similarity: float
    cer: float
    word_recall: float
    word_precision: float | None
    extra: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    phrase: int
    span: Span
    similarity: float


def _tokens(lines: Sequence[str]) -> list[tuple[str, int]]:
    found = [(token, index) for index, line in enumerate(lines) for token in strict(line).split() if loose(token)]
    return found[:_MAX_TOKENS]


def _spans(phrase: str, tokens: Sequence[tuple[str, int]]) -> list[Span]:
    """Windows of words that could be the phrase: one word up to two more than it has, over at most three lines.

    Short windows are there for engines that lose spaces. Windows of quite another length are left out.
    """
    wanted = len(loose(phrase))
    spans = []
    for first in range(len(tokens)):
        for last in range(first, min(first + len(phrase.split()) + _MAX_EXTRA, len(tokens))):
            lines = tuple(sorted({line for _, line in tokens[first : last + 1]}))
            text = " ".join(token for token, _ in tokens[first : last + 1])
            length = len(loose(text))
            if len(lines) > _MAX_LINES or length > 2 * wanted + 2:
                break
            if 2 * length >= wanted:
                spans.append(Span(first, last, text, lines))
    return spans


def _candidates(phrases: Sequence[str], tokens: Sequence[tuple[str, int]]) -> list[_Candidate]:
    kept = []
    for index, phrase in enumerate(phrases):
        wanted = loose(phrase)
        scored = [_Candidate(index, span, similarity(wanted, loose(span.text))) for span in _spans(phrase, tokens)]
        scored = [c for c in scored if c.similarity >= PRESENT]
        kept += sorted(scored, key=lambda c: (-c.similarity, c.span.first, c.span.last))[: max(_KEPT, len(phrases))]
    return kept


def _assigned(phrases: Sequence[str], candidates: Sequence[_Candidate]) -> dict[int, _Candidate]:
    """The spans of the phrases: those with the largest sum of similarity times length, no two with a common word.

    Exact up to ten phrases. Beyond, a Hungarian assignment, from which overlapping spans of less worth are dropped.
    """
    lengths = [len(loose(phrase)) for phrase in phrases]
    if len(phrases) <= _EXACT:
        return {c.phrase: c for c in _best_apart(candidates, lengths)}
    if not candidates:
        return {}
    spans = {span: i for i, span in enumerate(dict.fromkeys(c.span for c in candidates))}
    table = {(c.phrase, spans[c.span]): c for c in candidates}
    worth = np.zeros((len(phrases), len(spans)))
    for (phrase, span), candidate in table.items():
        worth[phrase, span] = candidate.similarity * lengths[phrase]
    pairs = zip(*(indices.tolist() for indices in linear_sum_assignment(-worth)), strict=True)
    chosen = [table[pair] for pair in pairs if pair in table]
    taken: dict[int, _Candidate] = {}
    for group in (chosen, candidates):
        for candidate in sorted(group, key=lambda c: -c.similarity * lengths[c.phrase]):
            if candidate.phrase not in taken and not _overlaps(candidate.span, [c.span for c in taken.values()]):
                taken[candidate.phrase] = candidate
    return taken


_Chain = tuple[float, tuple[_Candidate, ...]]


def _best_apart(candidates: Sequence[_Candidate], lengths: Sequence[int]) -> tuple[_Candidate, ...]:
    """Weighted intervals, each of a phrase that may be used once: the best chain by the set of phrases used."""
    ordered = sorted(candidates, key=lambda c: (c.span.last, c.span.first, c.phrase))
    ends = [c.span.last for c in ordered]
    upto: list[dict[int, _Chain]] = [{0: (0.0, ())}]
    for candidate in ordered:
        best = dict(upto[-1])
        bit, worth = 1 << candidate.phrase, candidate.similarity * lengths[candidate.phrase]
        for used, (value, chain) in upto[bisect_left(ends, candidate.span.first)].items():
            if not used & bit and value + worth > best.get(used | bit, (0.0, ()))[0]:
                best[used | bit] = value + worth, (*chain, candidate)
        upto.append(best)
    return max(upto[-1].values(), key=lambda entry: entry[0])[1]


def _overlaps(span: Span, others: Sequence[Span]) -> bool:
    return any(span.first <= other.last and other.first <= span.last for other in others)


def _again(phrase: str, tokens: Sequence[tuple[str, int]], taken: Sequence[Span]) -> list[Span]:
    """Further places where the very phrase stands, outside what is taken."""
    found: list[Span] = []
    for span in _spans(phrase, tokens):
        if loose(span.text) == loose(phrase) and not _overlaps(span, [*taken, *found]):
            found.append(span)
    return found


def match(phrases: Sequence[str], lines: Sequence[str]) -> Matching:
    """Find every phrase in the lines. `lines` are in reading order; phrases without a letter or digit are refused.

    A phrase is searched as consecutive words, within a line or over up to three lines that follow each other. Two
    phrases never share a word. Equal phrases in the list must each be there.
    """
    if not phrases or not all(map(loose, phrases)):
        raise ValueError("every expected phrase needs a letter or digit")
    tokens = _tokens(lines)
    taken = _assigned(phrases, _candidates(phrases, tokens))
    claimed = [candidate.span for candidate in taken.values()]
    found = []
    for index, phrase in enumerate(phrases):
        entry = _found(phrase, taken.get(index), tokens, claimed)
        claimed += entry.again
        found.append(entry)
    lengths = [len(loose(phrase)) for phrase in phrases]
    errors = [Levenshtein.distance(loose(f.phrase), loose(f.span.text) if f.span else "") for f in found]
    extra = _extra(tokens, claimed)
    wanted, read = _counts(phrases), _counts([*_spelled(found), *(text for _, text in extra)])
    same = sum((wanted & read).values())
    return Matching(
        found=tuple(found),
        similarity=sum(n * f.similarity for n, f in zip(lengths, found, strict=True)) / sum(lengths),
        cer=sum(errors) / sum(lengths),
        word_recall=same / sum(wanted.values()),
        word_precision=same / sum(read.values()) if read else None,
        extra=extra,
    )


def _found(phrase: str, candidate: _Candidate | None, tokens: Sequence[tuple[str, int]], claimed: list[Span]) -> Found:
    if candidate is None:
        return Found(phrase, "missing", 0.0, None)
    span = candidate.span
    if loose(span.text) != loose(phrase):
        return Found(phrase, "misspelt", candidate.similarity, span)
    again = tuple(_again(phrase, tokens, claimed))
    return Found(phrase, "duplicated" if again else "exact", 1.0, span, strict(phrase) == span.text, again)


def _spelled(found: Sequence[Found]) -> list[str]:
    """What stands where the phrases were found; a phrase that is right counts with its own spaces."""
    texts = []
    for entry in found:
        if entry.span is not None:
            texts += [entry.span.text] if entry.outcome == "misspelt" else [entry.phrase] * (1 + len(entry.again))
    return texts


def _counts(texts: Sequence[str]) -> Counter[str]:
    return Counter(word for text in texts for word in words(text))


def _extra(tokens: Sequence[tuple[str, int]], claimed: Sequence[Span]) -> tuple[tuple[int, str], ...]:
    used = {i for span in claimed for i in range(span.first, span.last + 1)}
    left: dict[int, list[str]] = {}
    for index, (token, line) in enumerate(tokens):
        if index not in used:
            left.setdefault(line, []).append(token)
    return tuple((line, " ".join(found)) for line, found in left.items())
