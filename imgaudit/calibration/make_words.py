"""Makes the word list: `python -m imgaudit.calibration.make_words FOLDER` writes `words_en.txt.xz`.

FOLDER is that of SCOWL's final lists (Debian's package `scowl` puts them into /usr/share/dict/scowl). SCOWL may be
used, changed and sold with its notice, which stands beside the list as `words_en.LICENSE.txt`. Taken are levels up to
50, from which the sources with a licence of their own (UKACD and others, level 80 and up) are far.
"""

from __future__ import annotations

import argparse
import lzma
import re
from pathlib import Path

from imgaudit.kernels.writing import Lexicon, front_coded

TARGET = Path(__file__).parent / "words_en.txt.xz"
_WORDS = ("english-words", "american-words", "british-words")
_NAMES = ("english-proper-names", "english-upper", "american-proper-names")
_FORM = re.compile(r"[a-z]{2,20}")


def read(folder: Path, kinds: tuple[str, ...], levels: tuple[int, ...]) -> frozenset[str]:
    """All plain words of some lists, lower-case."""
    files = [folder / f"{kind}.{level}" for kind in kinds for level in levels]
    found = {word.lower() for file in files if file.is_file() for word in file.read_text("latin-1").split()}
    return frozenset(word for word in found if _FORM.fullmatch(word))


def build(folder: Path) -> Lexicon:
    """The tiers: level 10 and 20; 35; 40 and 50; names."""
    common = read(folder, _WORDS, (10, 20))
    medium = read(folder, _WORDS, (35,)) - common
    rare = read(folder, _WORDS, (40, 50)) - common - medium
    names = read(folder, _NAMES, (35, 40, 50)) - common - medium - rare
    return Lexicon(common, medium, rare, names)


def packed(lexicon: Lexicon) -> bytes:
    """The form that `Lexicon.parse` reads."""
    tiers = (lexicon.common, lexicon.medium, lexicon.rare, lexicon.names)
    text = "\n".join(front_coded(tier) for tier in tiers)
    return lzma.compress(text.encode("ascii"), preset=9 | lzma.PRESET_EXTREME)


def main() -> None:
    """Read SCOWL, write the list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder with english-words.10 and so on")
    folder = parser.parse_args().folder
    lexicon = build(folder)
    if len(lexicon.common) < 1000:
        parser.error(f"{folder}: no SCOWL lists found; expected english-words.10, english-words.20, ...")
    TARGET.write_bytes(packed(lexicon))
    counts = {name: len(getattr(lexicon, name)) for name in ("common", "medium", "rare", "names")}
    print(f"{TARGET}: {counts}")


if __name__ == "__main__":
    main()
