"""Digests and canonical forms: the identity of everything is its content."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

CHUNK = 1 << 20


def canonical(value: Any) -> str:
    """JSON with sorted keys, no spaces and no NaN: one text for one value.

    >>> canonical({"b": 1, "a": (2, 3)})
    '{"a":[2,3],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """Hex sha256 of the canonical form of a JSON value."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def digest_bytes(data: bytes) -> str:
    """Hex sha256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """Hex sha256 of a file, read in pieces."""
    state = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(CHUNK):
            state.update(piece)
    return state.hexdigest()


def digest_tree(folder: Path) -> str:
    """Hex sha256 over the names and contents of every file of a folder, in name order."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return digest([[p.relative_to(folder).as_posix(), digest_file(p)] for p in files])


def digest_pixels(rgba: np.ndarray) -> str:
    """Hex sha256 of decoded pixels: the shape, then the bytes. `rgba` is uint8 (height, width, 4)."""
    state = hashlib.sha256(f"{rgba.shape[1]}x{rgba.shape[0]}:".encode())
    state.update(rgba.tobytes())
    return state.hexdigest()


def digest_mask(mask: np.ndarray) -> str:
    """Hex sha256 of a mask, bool (height, width): that of the pixels of a file that holds it in white on black."""
    import numpy as np

    grey = mask.astype(np.uint8) * 255
    return digest_pixels(np.dstack([grey, grey, grey, np.full_like(grey, 255)]))


def rounded(value: float) -> float:
    """A measure as it is stored: 6 decimals; minus zero becomes zero. NaN and infinity are refused."""
    if not math.isfinite(value):
        raise ValueError(f"a measure must be a finite number, got {value!r}; abstain instead")
    return round(float(value), 6) + 0.0


def drawn_seed(case_id: str, index: int) -> int:
    """The 32-bit seed that is drawn for seed index `index` of a case.

    A hash, so that seeds are nested in prompts and a new case changes no other picture.
    """
    return int.from_bytes(hashlib.sha256(f"{case_id}\n{index}".encode()).digest()[:4], "big")
