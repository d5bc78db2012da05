"""How much of a prompt a CLIP text encoder reads.

Tokens are counted with the byte-pair vocabulary that ships in the package open_clip, read as a file: no model and no
torch is loaded. Where that file is missing the count is an estimate, and says so. Known limits: other encoders (T5,
SigLIP) split differently and have other windows, and programs that chain several windows read more. open_clip turns
HTML entities, full-width letters and broken encodings into plain letters first, so prompts that hold such count higher
here. Of a prompt longer than 20,000 characters the first part is counted and the rest estimated.
"""

from __future__ import annotations

import gzip
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

CLIP_WINDOW = 77
_MARKS = 2
_MERGES = 49152 - 256 - 2
_CHARACTERS_A_TOKEN = 4.2
_COUNTED = 20_000
_SPLIT = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


@dataclass(frozen=True, slots=True)
class Count:
    """Tokens of a prompt, without the two marks.

    Attributes:
        cut: the character behind the last that fits the window; the prompt's length if all fits.
        exact: false for an estimate from the number of characters.
    """

    tokens: int
    window: int
    cut: int
    exact: bool

    @property
    def fits(self) -> bool:
        """Whether the whole prompt is read."""
        return self.tokens + _MARKS <= self.window


def count_tokens(text: str, window: int = CLIP_WINDOW) -> Count:
    """Count the tokens of a prompt and find where the window ends.

    >>> count_tokens("a photo of a cat").tokens
    5
    """
    room = max(0, window - _MARKS)
    tokenizer = _tokenizer()
    if tokenizer is None:
        number = round(len(text) / _CHARACTERS_A_TOKEN)
        fits = number <= room
        return Count(number, window, len(text) if fits else int(room * _CHARACTERS_A_TOKEN), exact=False)
    offsets = tokenizer.encode(text[:_COUNTED]).offsets
    number = round(len(offsets) * max(1.0, len(text) / _COUNTED))
    cut = len(text) if number <= room else (offsets[room - 1][1] if room else 0)
    return Count(number, window, cut, exact=len(text) <= _COUNTED)


@cache
def _tokenizer() -> Any:
    """CLIP's byte-pair tokenizer, or None where its vocabulary is not installed."""
    path = _vocabulary()
    if path is None:
        return None
    from tokenizers import Regex, Tokenizer
    from tokenizers.models import BPE
    from tokenizers.normalizers import NFC, Lowercase, Replace, Sequence
    from tokenizers.pre_tokenizers import ByteLevel, Split
    from tokenizers.pre_tokenizers import Sequence as Steps

    lines = gzip.decompress(path.read_bytes()).decode("utf-8").split("\n")[1 : _MERGES + 1]
    merges = [(first, second) for first, second in (line.split() for line in lines)]
    symbols = sorted(ByteLevel.alphabet())
    entries = [*symbols, *(f"{symbol}</w>" for symbol in symbols), *(a + b for a, b in merges)]
    vocabulary = {entry: number for number, entry in enumerate(dict.fromkeys(entries))}
    tokenizer = Tokenizer(BPE(vocabulary, merges, continuing_subword_prefix="", end_of_word_suffix="</w>"))
    tokenizer.normalizer = Sequence([NFC(), Replace(Regex(r"\s+"), " "), Lowercase()])
    tokenizer.pre_tokenizer = Steps(
        [Split(Regex(_SPLIT), "removed", invert=True), ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    return tokenizer


def _vocabulary() -> Path | None:
    """The vocabulary file beside open_clip, found without importing it."""
    spec = importlib.util.find_spec("open_clip")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    path = Path(folders[0]) / "bpe_simple_vocab_16e6.txt.gz" if folders else None
    return path if path is not None and path.is_file() else None
