"""GenAI-Bench (Li et al. 2024): 1,600 or 527 prompts by skill, from genai_image.json and genai_skills.json."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from imgaudit.errors import ConfigError
from imgaudit.registry import importer
from imgaudit.suites.importers._json import first_value, json_items
from imgaudit.suites.importers._table import Origin, Row, beside, slug, suite_of, told
from imgaudit.suites.schema import Suite
from imgaudit.types import JSON

_ABOUT = (
    "Prompts by designers. Tags name the skills, from genai_skills.json where that lies beside the file. People's "
    "ratings of six models' pictures, which the file holds too, are left out."
)
_SKILLS = "genai_skills.json"


@importer
class GenAIBench:
    """Reads `{"00001": {"id", "prompt", "prompt in Chinese", "models": {...}}}`."""

    name: ClassVar[str] = "genai-bench"
    title: ClassVar[str] = "GenAI-Bench genai_image.json"
    licence: ClassVar[str] = "Apache-2.0: may be copied with its notice"
    plain: ClassVar[bool] = False
    shareable: ClassVar[bool] = True

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether the first value has GenAI-Bench's keys."""
        key, value = first_value(head)
        return key is not None and isinstance(value, dict) and {"id", "prompt", "prompt in Chinese"} <= value.keys()

    def read(self, path: Path) -> Suite:
        """One case an id; ids are those of the file, five digits from 00001."""
        rows, cases = [], []
        skills = beside(path.parent, _SKILLS)
        tags = _tags(skills) if skills else {}
        for key, line, value in json_items(path):
            row = Row(line, value if isinstance(value, dict) else {})
            rows.append(row)
            number = int(key) if key.isdecimal() and len(key) <= 9 else -1
            cases.append({"id": key, "prompt": told(path, row, "prompt"), "tags": tags.get(number, [])})
        also = (skills,) if skills else ()
        origin = Origin("genai-bench", "GenAI-Bench", _ABOUT, "Apache-2.0", "BaiqiL/GenAI-Bench genai_image.json", also)
        return suite_of(path, origin, rows, cases)


def _tags(path: Path) -> dict[int, list[JSON]]:
    """Tags of each prompt's number. The lists of a skill name the ids themselves, 1 for 00001."""
    found: dict[int, list[JSON]] = {}
    for skill, line, numbers in json_items(path):
        if not isinstance(numbers, list) or not all(isinstance(number, int) for number in numbers):
            raise ConfigError(f"{path}:{line}: {skill[:40]}: expected a list of prompts' numbers")
        for number in numbers:
            found.setdefault(number, []).append(f"skill:{slug(skill)}")
    return found
