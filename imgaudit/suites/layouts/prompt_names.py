"""Pictures named by their prompt: T2I-CompBench's `samples/a red car_000123.png`, UniGenBench's `a red car_3.png`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from imgaudit.suites.layouts._files import composed, pictures
from imgaudit.types import Case

_NUMBERED = re.compile(r"(?:.*/)?([^/]+)_(\d{1,9})")
_COUNTER_DIGITS = 5
"""T2I-CompBench counts over all prompts, in six digits; a shorter number counts the pictures of one prompt."""


class PromptNames:
    """Finds pictures whose name is the whole prompt and a number.

    A number of five digits or more is a count over all prompts: a prompt's pictures are taken in its order. A shorter
    one is the seed index itself. Prompts that are too long for a file name, and were cut, are not found: name their
    pictures in a table.
    """

    name: ClassVar[str] = "prompt-names"
    title: ClassVar[str] = "<prompt>_<000123>.png (T2I-CompBench), <prompt>_<k>.png (UniGenBench, LongText-Bench)"

    def __init__(self, files: Mapping[str, Path]) -> None:
        counted: dict[str, dict[int, str]] = {}
        self._indexed: dict[str, dict[int, str]] = {}
        for name, stem in pictures(files):
            found = _NUMBERED.fullmatch(stem)
            if found:
                into = counted if len(found[2]) >= _COUNTER_DIGITS else self._indexed
                into.setdefault(composed(found[1]), {}).setdefault(int(found[2]), name)
        self._counted = {
            prompt: dict(enumerate(numbered[number] for number in sorted(numbered)))
            for prompt, numbered in counted.items()
        }

    def pictures(self, case: Case) -> Mapping[int, str]:
        """Those whose name is the case's prompt."""
        for spelling in _spellings(composed((case.prompt or "").strip())):
            found = self._counted.get(spelling) or self._indexed.get(spelling)
            if found:
                return found
        return {}


def _spellings(prompt: str) -> Iterator[str]:
    """The prompt as it may stand in a file name, where no slash can stand."""
    yield prompt
    if "/" in prompt:
        for instead in ("_", " ", ""):
            yield prompt.replace("/", instead)
