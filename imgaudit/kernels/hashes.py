"""Perceptual hashes: short codes that stay near each other when a picture is scaled, recompressed or slightly changed.

`phash` is Zauner's 64-bit hash of the lowest frequencies (the imagehash library), `pdq` is Meta's 256-bit PDQ (the
pdqhash library) with its quality 0..100; both look at brightness alone, so `colour_grid` keeps the colours of a grid
of 16 by 16 fields beside them. The distance of two hashes is the number of differing bits: of unrelated pictures, half.
`pdq_turned` also gives the hashes that the picture would have if it were turned or mirrored, at hardly any cost.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imgaudit.kernels.color import to_lab

Bytes = NDArray[np.uint8]

SIDE = 512
"""Every picture is scaled to this square before it is hashed, as Meta's description of PDQ asks: without it a copy at
half the size differed in up to 80 bits."""

GRID = 16

TURNS = (
    "turned left", "upside down", "turned right", "flipped top to bottom", "mirrored", "mirrored and turned left",
    "mirrored and turned right",
)  # fmt: skip
"""What `pdq_turned` does to a picture, in its order; `turned_grids` does the same to colour grids."""


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


def pdq_turned(rgb: Bytes) -> tuple[str, int, tuple[str, ...]]:
    """The PDQ hash and its quality as `pdq` gives them, and the hashes of the picture turned in each way of `TURNS`.

    They follow from the same cosine transform at hardly any cost, and are not quite those of the turned picture itself:
    over 35 photographs 14 of 256 bits differed at the median, at most 30, and upside down 22, at most 40.
    """
    import pdqhash

    found, quality = pdqhash.compute_dihedral(np.ascontiguousarray(rgb))
    hashes = [np.packbits(np.asarray(bits, dtype=np.uint8)).tobytes().hex() for bits in found]
    return hashes[0], int(quality), tuple(hashes[1:])


def turned_grids(grids: Bytes, turn: int) -> Bytes:
    """Colour grids of pictures that were turned as `TURNS[turn]` says.

    Args:
        grids: uint8, shape (grids, 16, 16, 3).
        turn: index of `TURNS`.
    """
    if turn < 3:
        return np.rot90(grids, turn + 1, axes=(1, 2))
    if turn < 5:
        return grids[:, ::-1] if turn == 3 else grids[:, :, ::-1]
    mirrored = grids.transpose(0, 2, 1, 3)
    return mirrored if turn == 5 else np.rot90(mirrored, 2, axes=(1, 2))


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
    return float(grid_distances(as_grids([one]), as_grids([other]))[0])


def grid_distances(one: Bytes, other: Bytes) -> NDArray[np.float64]:
    """`grid_distance` of many pairs at once.

    Args:
        one: uint8, shape (pairs, 16, 16, 3).
        other: the same shape.
    """
    apart = (to_lab(other.reshape(-1, 3)) - to_lab(one.reshape(-1, 3))).reshape(len(one), GRID * GRID, 3)
    shift = np.median(apart, axis=1)
    largest = np.linalg.norm(apart - shift[:, None], axis=2).max(axis=1, initial=0.0)
    return np.asarray(np.maximum(largest, np.linalg.norm(shift, axis=1)), dtype=np.float64)


def as_grids(grids: list[str]) -> Bytes:
    """Colour grids from hex, uint8, shape (grids, 16, 16, 3)."""
    return np.frombuffer(bytes.fromhex("".join(grids)), dtype=np.uint8).reshape(-1, GRID, GRID, 3)


def distance(one: str, other: str) -> int:
    """Bits in which two hashes of one length differ.

    >>> distance("ff00", "f000")
    4
    """
    if len(one) != len(other):
        raise ValueError(f"hashes of {len(one)} and {len(other)} hex digits cannot be compared; expected equal lengths")
    return (int(one, 16) ^ int(other, 16)).bit_count()


def as_words(hashes: list[str]) -> NDArray[np.uint16]:
    """Hex hashes of one length, a multiple of 16 bits, as rows of 16-bit words: what `kernels.neighbours` searches."""
    if not hashes:
        return np.zeros((0, 1), dtype=np.uint16)
    data = np.frombuffer(bytes.fromhex("".join(hashes)), dtype=">u2")
    return data.reshape(len(hashes), -1).astype(np.uint16)
