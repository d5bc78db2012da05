"""What layouts share: picture files among the files of a folder, and names that may spell one text two ways."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from imgaudit.pictures import SUFFIXES

_FIRST = (".png", ".jpg", ".jpeg", ".webp")


def pictures(files: Mapping[str, Path]) -> Iterator[tuple[str, str]]:
    """Name, and name without suffix, of each picture; of one name the commoner suffix comes first."""
    found = [(name, PurePosixPath(name)) for name in files]
    known = [(name, path) for name, path in found if path.suffix.lower() in SUFFIXES]
    for name, path in sorted(known, key=lambda one: (_rank(one[1].suffix.lower()), one[0])):
        yield name, path.with_suffix("").as_posix()


def _rank(suffix: str) -> int:
    return _FIRST.index(suffix) if suffix in _FIRST else len(_FIRST)


def composed(text: str) -> str:
    """A text in one spelling: some systems write accents as letters of their own (NFD)."""
    return unicodedata.normalize("NFC", text)
