"""Reports of a comparison of two runs: one module a format, each a function of the finished comparison alone.

Every module has one function, `write(compared) -> bytes`. The same comparison gives the same bytes. As in the reports
of a run, every string may be hostile: control characters are shown, and what a format's readers would act upon is
disarmed.
"""

from __future__ import annotations

import importlib

from imgaudit.comparison import ComparedRuns, ComparisonWriter

FILENAMES = {
    "html": "comparison.html",
    "json": "comparison.json",
    "junit": "comparison.junit.xml",
    "markdown": "comparison.md",
    "sarif": "comparison.sarif",
}
"""The formats, and the name of the file that each is usually written to."""


def writer(name: str) -> ComparisonWriter:
    """The writer of a format, imported now; `name` is a key of `FILENAMES`."""
    if name not in FILENAMES:
        raise KeyError(f"no report of a comparison is called {name!r}; there are {', '.join(FILENAMES)}")
    written: ComparisonWriter = importlib.import_module(f"{__name__}.{name}").write
    return written


__all__ = ["FILENAMES", "ComparedRuns", "ComparisonWriter", "writer"]
