"""Perceptual hashes: short codes that stay near each other when a picture is scaled, recompressed or slightly changed.

`phash` is Zauner's 64-bit hash of the lowest frequencies (the imagehash library), `pdq` is Meta's 256-bit PDQ (the
pdqhash library) with its quality 0..100; both look at brightness alone, so `colour_grid` keeps the colours of a grid
of 16 by 16 fields beside them. The distance of two hashes is the number of differing bits: of unrelated pictures, half.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from imgaudit.kernels.color import to_lab

Bytes = NDArray[np.uint8]
Pairs = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]

SIDE = 512
"""Every picture is scaled to this square before it is hashed, as Meta's description of PDQ asks: without it a copy at
half the size differed in up to 80 bits."""

GRID = 16
_BAND_BITS = 16
_CHUNK = 1 << 18


def square(rgb: Bytes) -> Bytes:
    """The whole picture scaled to 512 by 512, whatever its shape."""
    import cv2

    method = cv2.INTER_AREA if min(rgb.shape[:2]) >= SIDE else cv2.INTER_LINEAR
    return np.ascontiguousarray(cv2.resize(rgb, (SIDE, SIDE), interpolation=method), dtype=np.uint8)


def phash(rgb: Bytes) -> str:
    """64-bit perceptual hash of uint8 RGB, as 16 hex digits."""
    import imagehash
    from PIL import Image

    return str(imagehash.phash(Image.fromarray(rgb)))


def pdq(rgb: Bytes) -> tuple[str, int]:
    """256-bit PDQ hash of uint8 RGB as 64 hex digits, and its quality 0..100; below 50 it means little."""
    import pdqhash

    bits, quality = pdqhash.compute(np.ascontiguousarray(rgb))
    return np.packbits(np.asarray(bits, dtype=np.uint8)).tobytes().hex(), int(quality)


def colour_grid(rgb: Bytes) -> str:
    """Mean colour of each field of a 16 by 16 grid over the picture, as hex RGB, row by row."""
    import cv2

    small = cv2.resize(rgb, (GRID, GRID), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8).tobytes().hex()


def grid_distance(one: str, other: str) -> float:
    """Largest CIELAB difference between equal fields of two colour grids, a slight change of exposure and cast aside.

    The median difference is taken off every field, and counts as one more field itself. Copies of photographs that
    were scaled, recompressed, brightened by a fifth or cropped by 2 in 100 stay under 23; two flat drawings of which
    one shape has another colour are 29 and more apart. A grey copy of a colourful picture is far from it.
    """
    apart = _grid_lab(other) - _grid_lab(one)
    shift = np.median(apart, axis=0)
    return float(max(np.linalg.norm(apart - shift, axis=1).max(), np.linalg.norm(shift)))


def _grid_lab(grid: str) -> NDArray[np.float64]:
    return to_lab(np.frombuffer(bytes.fromhex(grid), dtype=np.uint8).reshape(-1, 3))


def distance(one: str, other: str) -> int:
    """Bits in which two hashes of one length differ.

    >>> distance("ff00", "f000")
    4
    """
    if len(one) != len(other):
        raise ValueError(f"hashes of {len(one)} and {len(other)} hex digits cannot be compared; expected equal lengths")
    return (int(one, 16) ^ int(other, 16)).bit_count()


def as_words(hashes: list[str]) -> NDArray[np.uint16]:
    """Hex hashes of one length, a multiple of 16 bits, as rows of 16-bit words."""
    if not hashes:
        return np.zeros((0, 1), dtype=np.uint16)
    data = np.frombuffer(bytes.fromhex("".join(hashes)), dtype=">u2")
    return data.reshape(len(hashes), -1).astype(np.uint16)


def near_pairs(hashes: list[str], radius: int) -> Iterator[Pairs]:
    """All pairs of hashes that differ in at most `radius` bits, in pieces: first index, second index, distance.

    Exact, and without a table of all pairs: two hashes within the radius agree in one of their 16-bit words up to
    radius / words bits, so only hashes that share such a word are compared (multi-index hashing, Norouzi et al. 2012).
    A pair is given once, by the first word that betrays it. Memory is bounded by the piece and by the pairs of one
    word; hashes that are equal should be merged beforehand.
    """
    words = as_words(hashes)
    if not 0 <= radius < words.shape[1] * _BAND_BITS:
        raise ValueError(f"a radius of {radius} bits does not fit hashes of {words.shape[1] * _BAND_BITS} bits")
    allowed = radius // words.shape[1]
    for band in range(words.shape[1]):
        for first, second in _candidates(words[:, band], allowed):
            apart = np.bitwise_count(words[first] ^ words[second]).astype(np.intp)
            total = apart.sum(axis=1)
            new = (total <= radius) & (apart[:, :band] > allowed).all(axis=1)
            if new.any():
                yield first[new], second[new], total[new]


def _candidates(words: NDArray[np.uint16], bits: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Index pairs (first < second) of words that differ in at most `bits` bits, in pieces."""
    order = np.argsort(words, kind="stable")
    ranked = words[order]
    for mask in _masks(bits):
        wanted = words ^ mask
        low = np.searchsorted(ranked, wanted, "left")
        counts = np.searchsorted(ranked, wanted, "right") - low
        for start, stop in _pieces(counts):
            part = counts[start:stop]
            first = np.repeat(np.arange(start, stop), part)
            within = np.arange(part.sum()) - np.repeat(np.cumsum(part) - part, part)
            second = order[np.repeat(low[start:stop], part) + within]
            keep = first < second
            yield first[keep], second[keep]


def _pieces(counts: NDArray[np.intp]) -> Iterator[tuple[int, int]]:
    """Ranges of rows that together have at most about a quarter of a million candidates."""
    start, total = 0, np.cumsum(counts)
    while start < counts.size:
        done = int(total[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(total, done + _CHUNK, "right")))
        yield start, stop
        start = stop


def _masks(bits: int) -> Iterator[np.uint16]:
    """Every 16-bit word with at most `bits` ones."""
    for ones in range(bits + 1):
        for places in combinations(range(_BAND_BITS), ones):
            yield np.uint16(sum(1 << place for place in places))
