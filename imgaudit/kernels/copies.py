"""Which pictures are copies of each other, by their hashes and colours alone.

Two pictures are near copies when their PDQ hashes differ in at most 31 of 256 bits (the radius that Meta's description
recommends) and the mean colours of a 16 by 16 grid agree; where PDQ itself says that it found little to hold on to
(quality under 50: flat shapes, empty pictures), the 64-bit pHash must agree within 6 bits as well. Brightness alone
does not tell a red circle from a green one, so the grid decides with it.

A picture is a turned copy when the same holds of it and of the other one turned by a quarter, upside down or mirrored.
Then PDQ must be surer of both (quality 80: 98 in 100 of 1,310 photographs and generated pictures are): a drawn disc is
like its own mirror image, and proves nothing.

Known limits: of copies that are upside down about one in ten lies beyond the radius (`hashes.pdq_turned`); crops of
more than a few in a hundred, grey copies of colourful pictures and the same subject drawn anew are not found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imgaudit.kernels.hashes import GRID, TURNS, as_grids, as_words, grid_distances, turned_grids
from imgaudit.kernels.neighbours import Words, matches, near_pairs

PDQ_RADIUS = 31
PDQ_SURE = 50
TURNED_SURE = 80
PHASH_RADIUS = 6
GRID_RADIUS = 25.0
STRAIGHT = -1
"""In place of an index of `TURNS`: the copy was not turned."""

_INVERSE = {0: 2}
"""Who is turned left is turned right the other way round; every other turn undoes itself."""

_SEARCHED = tuple(turn for turn in range(len(TURNS)) if turn not in _INVERSE.values())
_CHUNK = 4096

Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Print:
    """What is compared of one picture; see `kernels.hashes`.

    Attributes:
        digest: of the pixels: equal for equal pictures.
        turned: PDQ hashes of the picture turned, in the order of `TURNS`; empty where they were not kept.
    """

    digest: str
    pdq: str
    quality: int
    phash: str
    grid: str
    turned: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Pairs of copies: indexes of both, differing bits of their PDQ hashes, and how the second is turned.

    `turn` is an index of `TURNS`, or `STRAIGHT`: what must be done to the first one to get the second.
    """

    first: Ints
    second: Ints
    bits: Ints
    turn: int


class Prints:
    """Prints as arrays. Needs about 1.3 kB a picture."""

    def __init__(self, prints: Sequence[Print]) -> None:
        self.digests = [one.digest for one in prints]
        self.pdq = as_words([one.pdq for one in prints])
        self.phash = as_words([one.phash for one in prints])
        self.quality = np.array([one.quality for one in prints], dtype=np.int16)
        self.grids = as_grids([one.grid for one in prints]).reshape(len(prints), GRID, GRID, 3)
        self._turned = [one.turned for one in prints]

    def __len__(self) -> int:
        return len(self.digests)

    def turned(self, turn: int) -> tuple[Ints, Words]:
        """Indexes and hashes of those that may be looked for turned: they are sure, and the hashes were kept."""
        able = [i for i, kept in enumerate(self._turned) if kept and self.quality[i] >= TURNED_SURE]
        return np.array(able, dtype=np.intp), as_words([self._turned[i][turn] for i in able])


def near_copies(prints: Prints) -> Iterator[Found]:
    """All near copies among pictures, in pieces; equal pictures should be merged beforehand."""
    for first, second, bits in near_pairs(prints.pdq, PDQ_RADIUS) if len(prints) > 1 else ():
        good = confirmed(prints, first, prints, second)
        if good.any():
            yield Found(first[good], second[good], bits[good], STRAIGHT)


def near_forest(prints: Prints) -> Iterator[Found]:
    """As many near copies as join all that belong together, in pieces: a pair that others join already is left out.

    So a set of pictures that are all alike costs little more than its number, and not the number of its pairs.
    """
    group = np.arange(len(prints))
    for first, second, bits in near_pairs(prints.pdq, PDQ_RADIUS, group) if len(prints) > 1 else ():
        for start in range(0, len(first), _CHUNK):
            part = slice(start, start + _CHUNK)
            apart = np.flatnonzero(group[first[part]] != group[second[part]]) + start
            good = apart[confirmed(prints, first[apart], prints, second[apart])]
            kept = [place for place in good.tolist() if _join(group, int(first[place]), int(second[place]))]
            if kept:
                yield Found(first[kept], second[kept], bits[kept], STRAIGHT)


def _join(group: Ints, one: int, other: int) -> bool:
    """Give all of two groups one number; false where they have one."""
    low, high = sorted((int(group[one]), int(group[other])))
    if low != high:
        group[group == high] = low
    return low != high


def turned_copies(prints: Prints) -> Iterator[Found]:
    """All copies among pictures that were turned or mirrored, in pieces, each pair once for a turn."""
    for turn in _SEARCHED:
        able, hashes = prints.turned(turn)
        for found in _turned(prints, able, hashes, prints, turn):
            new = found.first != found.second if turn in _INVERSE else found.first < found.second
            if new.any():
                yield Found(found.first[new], found.second[new], found.bits[new], turn)


def copies_in(queries: Prints, index: Prints) -> Iterator[Found]:
    """All near and turned copies that pictures (`first`) have in another set (`second`), in pieces."""
    if not len(queries) or not len(index):
        return
    for first, second, bits in matches(queries.pdq, index.pdq, PDQ_RADIUS):
        good = confirmed(queries, first, index, second)
        if good.any():
            yield Found(first[good], second[good], bits[good], STRAIGHT)
    for turn in range(len(TURNS)):
        able, hashes = queries.turned(turn)
        yield from _turned(queries, able, hashes, index, turn)


def _turned(queries: Prints, able: Ints, hashes: Words, index: Prints, turn: int) -> Iterator[Found]:
    if not len(able):
        return
    for place, second, bits in matches(hashes, index.pdq, PDQ_RADIUS):
        first = able[place]
        good = confirmed(queries, first, index, second, turn)
        if good.any():
            yield Found(first[good], second[good], bits[good], turn)


def confirmed(
    one: Prints, first: Ints, other: Prints, second: Ints, turn: int = STRAIGHT
) -> NDArray[np.bool_]:
    """Of pairs whose PDQ hashes are near: those whose colours agree, and whose pHash does where PDQ is unsure."""
    least = PDQ_SURE if turn == STRAIGHT else TURNED_SURE
    good = np.minimum(one.quality[first], other.quality[second]) >= least
    if turn == STRAIGHT:
        apart = np.bitwise_count(one.phash[first] ^ other.phash[second]).sum(axis=1)
        good |= apart <= PHASH_RADIUS
    for start in range(0, len(first), _CHUNK):
        part = np.flatnonzero(good[start : start + _CHUNK]) + start
        if not part.size:
            continue
        grids = one.grids[first[part]]
        if turn != STRAIGHT:
            grids = turned_grids(grids, turn)
        good[part] = grid_distances(np.ascontiguousarray(grids), other.grids[second[part]]) <= GRID_RADIUS
    return good
