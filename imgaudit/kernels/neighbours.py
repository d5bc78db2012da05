"""Near neighbours without a table of all pairs: hashes by their bits, vectors by their cosine.

Hashes are searched by multi-index hashing (Norouzi, Punjani and Fleet 2012): a hash is cut into words of 16 bits, and
two hashes within a radius agree in at least one of their words up to radius / words bits, so only hashes that share
such a word are compared. The search is exact. Hashes come as rows of 16-bit words, see `hashes.as_words`.

Known limits: the search is fast where words are spread over all values, as those of photographs are; where thousands
of hashes share a word (empty or flat pictures), their pairs are all looked at. Hashes that are equal should be merged
by the caller.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint16]
Ints = NDArray[np.intp]
Pairs = tuple[Ints, Ints, Ints]

_BITS = 16
_CHUNK = 1 << 18
_BLOCK = 2048


def near_pairs(words: Words, radius: int, group: Ints | None = None) -> Iterator[Pairs]:
    """All pairs of hashes that differ in at most `radius` bits, in pieces: first index < second index, distance.

    Each pair is given once. Memory is bounded by the hashes and the piece, about 40 MB.

    Args:
        words: uint16, shape (hashes, words a hash).
        radius: in bits; below the length of a hash.
        group: a number a hash; hashes of one number are not compared. The caller may change it between pieces.
    """
    for band, allowed in _bands(words, radius):
        ranked = _Ranked.by(words, band)
        places = np.arange(len(words))
        for mask in _masks(allowed):
            if mask:  # of two words that differ by it, begin with the one that lacks the mask's lowest bit
                items = np.flatnonzero((ranked.key & np.uint16(mask & -mask)) == 0)
                low, high = ranked.span(ranked.key[items] ^ np.uint16(mask))
            else:
                items, low = places, places + 1
                high = np.searchsorted(ranked.key, ranked.key, "right")
            for first, second in _spans(items, low, high):
                if group is not None:
                    open_pairs = group[ranked.order[first]] != group[ranked.order[second]]
                    first, second = first[open_pairs], second[open_pairs]
                for one, other, apart in _kept(ranked, ranked, (first, second), band, radius):
                    yield np.minimum(one, other), np.maximum(one, other), apart


def matches(queries: Words, words: Words, radius: int) -> Iterator[Pairs]:
    """All pairs of a query and a hash that differ in at most `radius` bits: index of the query, of the hash, distance.

    Each pair is given once.

    Args:
        queries: uint16, shape (queries, words a hash).
        words: uint16, shape (hashes, words a hash).
        radius: in bits; below the length of a hash.
    """
    if len(queries) and len(words) and queries.shape[1] != words.shape[1]:
        raise ValueError(f"hashes of {queries.shape[1]} and {words.shape[1]} words cannot be compared")
    for band, allowed in _bands(words, radius) if len(queries) else ():
        asked, ranked = _Ranked.by(queries, band), _Ranked.by(words, band)
        places = np.arange(len(queries))
        for mask in _masks(allowed):
            low, high = ranked.span(asked.key ^ np.uint16(mask))
            for first, second in _spans(places, low, high):
                yield from _kept(asked, ranked, (first, second), band, radius)


def _bands(words: Words, radius: int) -> Iterator[tuple[int, int]]:
    """The words to look at, each with the bits by which it may differ; none where there is nothing to find."""
    width = words.shape[1]
    if not 0 <= radius < width * _BITS:
        raise ValueError(f"a radius of {radius} bits does not fit hashes of {width * _BITS} bits")
    for band in range(width if len(words) else 0):
        yield band, radius // width


@dataclass(frozen=True, slots=True)
class _Ranked:
    """Hashes in the order of one of their words, so that hashes that share it lie side by side in memory.

    Attributes:
        order: index of each in the order it was given.
        key: the word that they are sorted by.
        words: all words; `wide` holds the same bits in 64-bit columns.
    """

    order: Ints
    key: Words
    words: Words
    wide: tuple[NDArray[np.uint64], ...]

    @classmethod
    def by(cls, words: Words, band: int) -> _Ranked:
        order = np.argsort(words[:, band], kind="stable")
        ranked = words[order]
        missing = -words.shape[1] % 4
        padded = np.pad(ranked, ((0, 0), (0, missing))) if missing else ranked
        wide = np.ascontiguousarray(padded).view(np.uint64)
        return cls(order, ranked[:, band].copy(), ranked, tuple(np.ascontiguousarray(c) for c in wide.T))

    def span(self, wanted: Words) -> tuple[Ints, Ints]:
        """First place, and place after the last, of the hashes that have each of these words."""
        starts = np.searchsorted(self.key, np.arange(2**_BITS + 1))
        return starts[wanted.astype(np.intp)], starts[wanted.astype(np.intp) + 1]


def _kept(
    asked: _Ranked, ranked: _Ranked, places: tuple[Ints, Ints], band: int, radius: int
) -> Iterator[Pairs]:
    """Of candidate pairs that share `band`: those within the radius which no earlier word betrayed."""
    first, second = places
    width = len(ranked.wide)
    # columns that do not hold the shared word say most, and half of the bits put nearly all candidates out
    columns = [(band * _BITS // 64 + 1 + step) % width for step in range(width)]
    half = max(1, width // 2)
    apart = _differing(asked, ranked, first, second, columns[:half])
    near = np.flatnonzero(apart <= radius)
    if not near.size:
        return
    first, second = first[near], second[near]
    total = apart[near] + _differing(asked, ranked, first, second, columns[half:])
    earlier = np.bitwise_count(asked.words[first, :band] ^ ranked.words[second, :band])
    new = (total <= radius) & (earlier > radius // ranked.words.shape[1]).all(axis=1)
    if new.any():
        yield asked.order[first[new]], ranked.order[second[new]], total[new].astype(np.intp)


def _differing(
    asked: _Ranked, ranked: _Ranked, first: Ints, second: Ints, columns: list[int]
) -> NDArray[np.uint16]:
    total = np.zeros(len(first), dtype=np.uint16)
    for column in columns:
        total += np.bitwise_count(asked.wide[column][first] ^ ranked.wide[column][second])
    return total


def _spans(items: Ints, low: Ints, high: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Every item with every place from its `low` to before its `high`, at most about a quarter of a million at once."""
    counts = high - low
    total = np.cumsum(counts)
    start = 0
    while start < counts.size:
        done = int(total[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(total, done + _CHUNK, "right")))
        part = counts[start:stop]
        amount = int(part.sum())
        if amount:
            before = np.cumsum(part) - part
            yield np.repeat(items[start:stop], part), np.arange(amount) + np.repeat(low[start:stop] - before, part)
        start = stop


def _masks(bits: int) -> Iterator[int]:
    """Every 16-bit word with at most `bits` ones."""
    for ones in range(bits + 1):
        for places in combinations(range(_BITS), ones):
            yield sum(1 << place for place in places)


# --- vectors ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Nearest:
    """For each query the nearest vector: its index and its cosine."""

    index: Ints
    cosine: NDArray[np.float64]


def similar_pairs(vectors: NDArray[np.float32], threshold: float) -> Iterator[tuple[Ints, Ints, NDArray[np.float32]]]:
    """All pairs of unit vectors with a cosine of at least `threshold`, in pieces: first < second, cosine.

    All pairs are looked at, in blocks of 2048 by 2048 (exact; 10,000 vectors of 768 numbers take about a second).

    Args:
        vectors: float32, shape (vectors, numbers), each of length 1.
        threshold: -1..1.
    """
    for top in range(0, len(vectors), _BLOCK):
        for left in range(top, len(vectors), _BLOCK):
            cosines = vectors[top : top + _BLOCK] @ vectors[left : left + _BLOCK].T
            first, second = np.nonzero(cosines >= threshold)
            kept = first + top < second + left
            if kept.any():
                first, second = first[kept], second[kept]
                yield first + top, second + left, cosines[first, second]


def nearest(queries: NDArray[np.float32], vectors: NDArray[np.float32]) -> Nearest:
    """The vector of the largest cosine for each query; the first one where several are equal.

    Args:
        queries: float32, shape (queries, numbers), each of length 1.
        vectors: float32, shape (at least one, numbers), each of length 1.
    """
    best = np.full(len(queries), -np.inf)
    where = np.zeros(len(queries), dtype=np.intp)
    for left in range(0, len(vectors), _BLOCK):
        cosines = queries @ vectors[left : left + _BLOCK].T
        here = cosines.argmax(axis=1)
        value = cosines[np.arange(len(queries)), here]
        better = value > best
        best[better], where[better] = value[better], here[better] + left
    return Nearest(where, best)
