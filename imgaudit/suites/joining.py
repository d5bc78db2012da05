"""A folder of pictures rendered elsewhere as the pictures of a suite, for `imgaudit audit DIR --suite SUITE`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from imgaudit.errors import UsageError
from imgaudit.suites.layouts import joined, listing
from imgaudit.suites.layouts._files import composed
from imgaudit.suites.prompts_file import PromptRow, PromptsFile
from imgaudit.suites.schema import Suite


class SuitePictures(PromptsFile):
    """Rows as of a prompts file, made by joining a folder to a suite by its layout. See `imgaudit.suites.layouts`.

    Attributes:
        without: cases that have no picture in the folder, in the suite's order.
    """

    def __init__(self, suite: Suite, folder: Path) -> None:
        claimed = joined(suite.cases, listing(folder))
        rows = {composed(name): PromptRow(case, index, True) for name, (case, index) in claimed.items()}
        super().__init__(folder, rows)
        self._digest = suite.digest
        seen = {case.id for case, _ in claimed.values()}
        self.without = tuple(case.id for case in suite.cases if case.id not in seen)

    @property
    def digest(self) -> str:
        """The suite's digest: which pictures are whose follows from it and from the files."""
        return self._digest


def suite_pictures(suite: Suite, paths: Sequence[Path]) -> SuitePictures:
    """Join the one folder that is audited to a suite. Raises UsageError where no picture in it is the suite's."""
    if len(paths) != 1 or not paths[0].is_dir():
        raise UsageError("--suite joins one folder of pictures; give that folder alone")
    found = SuitePictures(suite, paths[0].resolve())
    if not found.rows:
        raise UsageError(
            f"{paths[0]}: no picture is one of the suite {suite.name!r}; "
            "`imgaudit suites formats` lists the known layouts; or put a table names.csv (file,case,index) there"
        )
    return found
