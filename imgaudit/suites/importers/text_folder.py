"""A folder of text files, one prompt a file, as DPG-Bench publishes its prompts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from imgaudit.errors import ConfigError
from imgaudit.registry import importer
from imgaudit.suites.importers._table import Origin, Row, slug, suite_of
from imgaudit.suites.reading import read_text
from imgaudit.suites.schema import MAX_CASES, Suite
from imgaudit.types import JSON

_ABOUT = "One prompt a file; ids are the files' names, as pictures rendered from them are called."


@importer
class TextFolder:
    """Reads every .txt file of a folder as one prompt. A folder with `dpg` in its name is DPG-Bench's."""

    name: ClassVar[str] = "txt-folder"
    title: ClassVar[str] = "a folder of .txt files with a prompt each"
    licence: ClassVar[str] = "that of your files; DPG-Bench: Apache-2.0"
    plain: ClassVar[bool] = True
    shareable: ClassVar[bool] = True

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether this is a folder with text files in it."""
        return path.is_dir() and any(path.glob("*.txt"))

    def read(self, path: Path) -> Suite:
        """One case a file, in the order of names; lines of a file are joined. Links out of the folder are refused."""
        files = sorted(path.glob("*.txt"))
        if len(files) > MAX_CASES:
            raise ConfigError(f"{path}:1: {len(files):,} files are too many; expected at most {MAX_CASES:,}")
        cases: list[dict[str, JSON]] = []
        for file in files:
            if not file.is_file() or not file.resolve().is_relative_to(path.resolve()):
                raise ConfigError(f"{file}:1: leads out of the folder; put the file itself into it")
            source = slug(re.sub(r"\d+$", "", file.stem))
            prompt = " ".join(read_text(file).split())
            if not prompt:
                raise ConfigError(f"{file}:1: there is no prompt in it; expected the words of a prompt")
            cases.append({"id": file.stem, "prompt": prompt, "tags": [f"source:{source}"] if source else []})
        return suite_of(path, _origin(path), [Row(1, {}) for _ in cases], cases)


def _origin(path: Path) -> Origin:
    if "dpg" in path.name.lower():
        return Origin("dpg-bench", "DPG-Bench", _ABOUT, "Apache-2.0", "TencentQQGYLab/ELLA dpg_bench/prompts")
    return Origin(slug(path.name) or "prompts", path.name or "prompts", _ABOUT, "not stated", "a folder of prompts")
