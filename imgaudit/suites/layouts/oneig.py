"""OneIG-Bench's layout: `anime/<model>/000.webp`, a grid of pictures each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from imgaudit.errors import PictureError
from imgaudit.suites.layouts._files import pictures
from imgaudit.types import Case

_FILE = re.compile(r"(?:.*/)?(anime|human|object|text|reasoning|multilingualism)/(?:([^/]+)/)?(\d+)")


class OneIGFolders:
    """Finds the file of a case by class and number; its id is `anime-000`. The file is seed index 0, or a grid."""

    name: ClassVar[str] = "oneig"
    title: ClassVar[str] = "<class>/<model>/<000>.webp (OneIG-Bench; with ;grid=2)"

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._found: dict[str, dict[str, str]] = {}
        for name, stem in pictures(files):
            if match := _FILE.fullmatch(stem):
                self._found.setdefault(f"{match[1]}-{match[3]}", {}).setdefault(match[2] or "", name)

    def pictures(self, case: Case) -> Mapping[int, str]:
        """The file of the case. Raises PictureError where several models drew it."""
        return only_model(self._found.get(case.id, {}))


def only_model(found: Mapping[str, str]) -> Mapping[int, str]:
    """The one file among those of several models, as index 0."""
    if len(found) > 1:
        models = ", ".join(sorted(found)[:5])
        raise PictureError(f"several models drew it: {models}; keep one model's pictures in a folder")
    return {0: next(iter(found.values()))} if found else {}
