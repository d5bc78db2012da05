"""The tokenizer of the embedded models: a CLIP byte-pair tokenizer whose words are those of the shapes world.

Every word of the grammar is one token. Any other word falls apart into pieces, down to single bytes, as in a large CLIP
tokenizer; training inserts such words, so that a model learns to pass over what it does not know.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

from imgaudit.embedded import world

MAX_TOKENS = 32
START, END = "<|startoftext|>", "<|endoftext|>"
_EXTRA_WORDS = (
    "a an and no on of the to left right under one two three four"
    " picture drawing image photo background shape shapes grey"
)


def words() -> list[str]:
    """Every word that a caption of the world may hold, sorted."""
    found = set(_EXTRA_WORDS.split())
    found.update(world.COLOURS, world.BACKGROUNDS, world.SIZES)
    found.update(f"{shape}{ending}" for shape in world.SHAPES for ending in ("", "s"))
    found.update(word for relation in world.RELATIONS for word in relation.split())
    return sorted(found)


def byte_symbols() -> list[str]:
    """The printable character that stands for each of the 256 bytes in a byte-level vocabulary."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    shifted = iter(range(256, 512))
    return [chr(byte) if byte in printable else chr(next(shifted)) for byte in range(256)]


def merges(vocabulary: list[str]) -> list[tuple[str, str]]:
    """Byte-pair merges, commonest pair first, until every given word is a single symbol."""
    pieces = {word: [*word[:-1], word[-1] + "</w>"] for word in vocabulary}
    made: list[tuple[str, str]] = []
    while True:
        pairs = Counter(pair for symbols in pieces.values() for pair in pairwise(symbols))
        if not pairs:
            return made
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        made.append(best)
        pieces = {word: _merged(symbols, best) for word, symbols in pieces.items()}


def _merged(symbols: list[str], pair: tuple[str, str]) -> list[str]:
    result: list[str] = []
    for symbol in symbols:
        if result and (result[-1], symbol) == pair:
            result[-1] += symbol
        else:
            result.append(symbol)
    return result


def write(folder: Path) -> None:
    """Write vocab.json, merges.txt and tokenizer_config.json, as `CLIPTokenizer.from_pretrained` reads them."""
    symbols = byte_symbols()
    pairs = merges(words())
    entries = [*symbols, *(f"{symbol}</w>" for symbol in symbols), *(a + b for a, b in pairs)]
    entries += [START, END]
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {entry: number for number, entry in enumerate(entries)}
    config = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": MAX_TOKENS,
        "bos_token": START,
        "eos_token": END,
        "unk_token": END,
        "pad_token": END,
    }
    lines = ["#version: 0.2", *(f"{first} {second}" for first, second in pairs)]
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")


def vocabulary_size() -> int:
    """Number of tokens, the two special ones included; the end token has the highest number."""
    return 512 + len(merges(words())) + 2
