"""TIIF-Bench's layout: `<type>/<model>/short_description/0.png`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from imgaudit.suites.importers._table import slug
from imgaudit.suites.layouts._files import pictures
from imgaudit.suites.layouts.oneig import only_model
from imgaudit.types import Case

_FILE = re.compile(r"(?:.*/)?([^/]+)/([^/]+)/(short|long)_description/(\d{1,6})")


class TiifFolders:
    """Finds the picture of a case by type, wording and line; its id is `<type>-<line>-short`."""

    name: ClassVar[str] = "tiif"
    title: ClassVar[str] = "<type>/<model>/short_description/<line>.png (TIIF-Bench)"

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._found: dict[str, dict[str, str]] = {}
        for name, stem in pictures(files):
            if match := _FILE.fullmatch(stem):
                identity = f"{slug(match[1])}-{int(match[4]):04d}-{match[3]}"
                self._found.setdefault(identity, {}).setdefault(match[2], name)

    def pictures(self, case: Case) -> Mapping[int, str]:
        """The picture of the case. Raises PictureError where several models drew it."""
        return only_model(self._found.get(case.id, {}))
