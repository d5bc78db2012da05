"""Pictures named by their case: `kite/3.png`, `kite_3.png`, `kite_0003.png`, or `kite.png` for the only one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from imgaudit.suites.layouts._files import pictures
from imgaudit.types import Case

_NUMBERED = re.compile(r"(.+)([/_])(\d{1,9})")


class ById:
    """Finds pictures by case id and seed index; a picture without a number is index 0.

    So lie the pictures of imgaudit's own runs, GenAI-Bench's `<model>/00001.jpeg` (give the model's folder) and
    DPG-Bench's grids `<item>.png`.
    """

    name: ClassVar[str] = "case-names"
    title: ClassVar[str] = "<case>/<k>.png, <case>_<k>.png, <case>.png (GenAI-Bench, DPG-Bench, imgaudit itself)"

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._numbered: dict[str, dict[int, str]] = {}
        self._alone: dict[str, str] = {}
        found = [(name, stem, _NUMBERED.fullmatch(stem)) for name, stem in pictures(files)]
        for name, stem, match in found:
            self._alone.setdefault(stem, name)
            if match and match[2] == "/":
                self._numbered.setdefault(match[1], {}).setdefault(int(match[3]), name)
        for name, _, match in found:
            if match and match[2] == "_":
                self._numbered.setdefault(match[1], {}).setdefault(int(match[3]), name)

    def pictures(self, case: Case) -> Mapping[int, str]:
        """Those of the case's own folder go before those that are named after it."""
        found = self._numbered.get(case.id, {})
        if not found and case.id in self._alone:
            return {0: self._alone[case.id]}
        return found
