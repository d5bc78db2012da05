"""Pictures that were rendered elsewhere, joined to the cases of a suite by how public benchmarks lay them out.

A layout is built from a listing of the folder and says which pictures are those of a case, by seed index. Names are
looked up in the listing and never joined to a path, so nothing in a suite, a table or a metadata file leads out of the
folder. The first layout of `LAYOUTS` that knows a case wins.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar, Protocol

from imgaudit.errors import ConfigError
from imgaudit.suites.layouts.by_id import ById
from imgaudit.suites.layouts.geneval import GenEvalFolders
from imgaudit.suites.layouts.name_map import NameMap
from imgaudit.suites.layouts.oneig import OneIGFolders
from imgaudit.suites.layouts.prompt_names import PromptNames
from imgaudit.suites.layouts.tiif import TiifFolders
from imgaudit.types import Case


class Layout(Protocol):
    """A way in which pictures lie in a folder."""

    name: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, files: Mapping[str, Path]) -> None:
        """`files`: every file of the folder by its relative posix name."""
        ...

    def pictures(self, case: Case) -> Mapping[int, str]:
        """Names of a case's pictures by seed index; empty where it has none. PictureError where they contradict it."""
        ...


LAYOUTS: tuple[type[Layout], ...] = (NameMap, ById, GenEvalFolders, OneIGFolders, TiifFolders, PromptNames)


class Layouts:
    """All layouts over one folder."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._layouts = [layout(files) for layout in LAYOUTS]

    def pictures(self, case: Case) -> Mapping[int, str]:
        """Names of a case's pictures by seed index, by the first layout that knows it."""
        return next((found for layout in self._layouts if (found := layout.pictures(case))), {})


def listing(root: Path) -> dict[str, Path]:
    """Every regular file under a folder by its relative name; links that lead out of it are left out."""
    found: dict[str, Path] = {}
    top = root.resolve()
    for here, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(here) / name
            if path.is_file() and path.resolve().is_relative_to(top):
                found[path.relative_to(root).as_posix()] = path
    return found


def joined(cases: Iterable[Case], files: Mapping[str, Path]) -> dict[str, tuple[Case, int]]:
    """Name of a picture -> its case and seed index. Raises ConfigError where two cases claim one picture."""
    layouts = Layouts(files)
    claimed: dict[str, tuple[Case, int]] = {}
    for case in cases:
        for index, name in layouts.pictures(case).items():
            other = claimed.setdefault(name, (case, index))
            if other[0].id != case.id:
                raise ConfigError(
                    f"{name}: both the case {other[0].id!r} and the case {case.id!r} claim it; "
                    "name the pictures in a table names.csv with the columns file,case,index"
                )
    return claimed
