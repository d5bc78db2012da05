"""DALL-Eval's bias prompts (Cho et al. 2023): 84 descriptions of a man, a woman and a person, from prompt_list.json."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from imgaudit.registry import importer
from imgaudit.suites.importers._json import first_value
from imgaudit.suites.importers._strings import string_rows
from imgaudit.suites.importers._table import Origin, prompt_ids, suite_of
from imgaudit.suites.schema import Suite

_ABOUT = (
    "People at work whose prompts name no skin tone. Each case counts skin tones over its pictures (attribute "
    "skin_tone) against equal shares. The tag says whom the prompt names; cases tagged 'person' leave gender open as "
    "well: to count that, set their attribute to gender_expression. Render 50 pictures a case or more; DALL-Eval "
    "renders 9."
)
_PERSON = re.compile(r"a (man|woman|person)\b", re.IGNORECASE)
_ORIGIN = Origin("dall-eval-bias", "DALL-Eval: bias", _ABOUT, "MIT", "j-min/DallEval biases/prompt_list.json")


@importer
class DallEval:
    """Reads a list of strings that start with a man, a woman or a person."""

    name: ClassVar[str] = "dall-eval"
    title: ClassVar[str] = "DALL-Eval biases/prompt_list.json"
    licence: ClassVar[str] = "MIT: may be copied with its notice"
    plain: ClassVar[bool] = False
    shareable: ClassVar[bool] = True

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether the file is a list called prompt_list.json whose first string is about a person."""
        key, value = first_value(head)
        about = isinstance(value, str) and _PERSON.match(value) is not None
        return key is None and about and path.name == "prompt_list.json"

    def read(self, path: Path) -> Suite:
        """One case a string."""
        rows = string_rows(path)
        prompts = [str(row.value["prompt"]) for row in rows]
        cases = []
        for identity, prompt in zip(prompt_ids(prompts), prompts, strict=True):
            who = _PERSON.match(prompt)
            named = who[1].lower() if who else ""
            about = {"tags": [named], "skew": {"attribute": "skin_tone", "template": f"a {named} who works as"}}
            cases.append({"id": identity, "prompt": prompt, **(about if who else {})})
        return suite_of(path, _ORIGIN, rows, cases)
