"""ImageReward's prompts (Xu et al. 2023): users' prompts, from benchmark-prompts.json or a split such as test.json."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from imgaudit.registry import importer
from imgaudit.suites.importers._json import first_value, json_rows_of
from imgaudit.suites.importers._table import Origin, suite_of, told
from imgaudit.suites.schema import Suite

_ABOUT = (
    "Prompts that people gave to a public model, in their own words: adult, violent and hateful ones are among them. "
    "Lists of pictures and rankings, which splits hold too, are left out."
)


@importer
class ImageRewardPrompts:
    """Reads a list of `{"id": "005695-0057", "prompt"}`; other keys are passed over."""

    name: ClassVar[str] = "imagereward"
    title: ClassVar[str] = "ImageReward prompts json"
    licence: ClassVar[str] = "Apache-2.0: may be copied with its notice"
    plain: ClassVar[bool] = False
    shareable: ClassVar[bool] = True

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether the first item of the list has a prompt and an id of ImageReward's kind."""
        key, value = first_value(head)
        return (
            key is None
            and isinstance(value, dict)
            and "prompt" in value
            and re.fullmatch(r"\d{6}-\d{4}", str(value.get("id"))) is not None
        )

    def read(self, path: Path) -> Suite:
        """One case an item; ids are those of the file."""
        rows = json_rows_of(path)
        cases = [{"id": told(path, row, "id"), "prompt": told(path, row, "prompt")} for row in rows]
        source = f"zai-org/ImageReward {path.parent.name}/{path.name}"
        return suite_of(path, Origin("imagereward", "ImageReward prompts", _ABOUT, "Apache-2.0", source), rows, cases)
