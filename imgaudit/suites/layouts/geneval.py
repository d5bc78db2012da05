"""GenEval's layout: `00012/metadata.jsonl` beside `00012/samples/00000.png`, ..."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from imgaudit.errors import ConfigError, PictureError
from imgaudit.suites.layouts._files import pictures
from imgaudit.types import Case

_SAMPLE = re.compile(r"(?:.*/)?(\d+)/samples/(\d{1,9})")
_METADATA = re.compile(r"(?:.*/)?(\d+)/metadata\.jsonl")
_MAX_BYTES = 1 << 20


class GenEvalFolders:
    """Finds pictures by the prompt in each folder's metadata; the number of a sample is the seed index.

    A folder whose number is the case's id but whose prompt is another's is an error, not a join.
    """

    name: ClassVar[str] = "geneval"
    title: ClassVar[str] = "<00000>/metadata.jsonl and <00000>/samples/<k>.png (GenEval)"

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._prompts = {found[1]: _prompt(files[name], name) for name in files if (found := _METADATA.fullmatch(name))}
        self._samples: dict[str, dict[int, str]] = {}
        if self._prompts:
            for name, stem in pictures(files):
                if (found := _SAMPLE.fullmatch(stem)) and found[1] in self._prompts:
                    self._samples.setdefault(found[1], {}).setdefault(int(found[2]), name)
        self._by_prompt: dict[str, list[str]] = {}
        for folder, prompt in self._prompts.items():
            self._by_prompt.setdefault(prompt, []).append(folder)

    def pictures(self, case: Case) -> Mapping[int, str]:
        """Those of the folder with the case's prompt."""
        folders = self._by_prompt.get((case.prompt or "").strip(), [])
        if case.id in folders:
            return self._samples.get(case.id, {})
        if len(folders) == 1:
            return self._samples.get(folders[0], {})
        if folders:
            raise PictureError(f"the folders {', '.join(folders[:3])} have its prompt; expected one of them alone")
        if case.id in self._prompts:
            other = self._prompts[case.id][:120]
            raise PictureError(f"the folder {case.id} was rendered from another prompt: {other!r}")
        return {}


def _prompt(path: Path, name: str) -> str:
    """The prompt in a folder's metadata: one JSON object."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(f"{name}:1: larger than {_MAX_BYTES >> 20} MiB; expected one object of metadata")
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{name}:1: no valid JSON: {error}; expected one object of GenEval's metadata") from error
    prompt = value.get("prompt") if isinstance(value, dict) else None
    if not isinstance(prompt, str) or not prompt.strip():
        raise ConfigError(f"{name}:1: there is no prompt in it; expected one object of GenEval's metadata")
    return prompt.strip()
