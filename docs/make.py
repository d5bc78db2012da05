"""Write the pages that follow from the code: `python -m docs.make`. A test fails when they lag."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from imgaudit.dimensions import DIMENSIONS
from imgaudit.registry import checkers, forbid_plugins, generators, perceivers, reporters

FOLDER = Path(__file__).parent
FAMILIES_BEGIN, FAMILIES_END = "<!-- families, written by python -m docs.make -->", "<!-- end of families -->"


def checkers_page() -> str:
    """Every checker: what it does, what it measures, its codes and known limits."""
    parts = ["# Checkers\n\nWritten by `python -m docs.make` from the code.\n"]
    parts.extend(_checker(checker) for _, checker in checkers.items())
    return "\n".join(parts)


def _checker(checker: Any) -> str:
    over = "set of pictures" if hasattr(checker, "aggregate") else "picture"
    lines = [f"## {checker.name}: {checker.title}", "", f"Over a {over}; version {checker.version}.", ""]
    lines += [inspect.getdoc(checker) or "", ""]
    lines += ["| measure | unit | better | meaning |", "| --- | --- | --- | --- |"]
    lines += [f"| `{checker.name}.{m.name}` | {m.unit} | {m.better} | {_cell(m.about)} |" for m in checker.measures]
    if checker.labels:
        lines += ["", "Labels: " + "; ".join(f"`{name}`: {about}" for name, about in checker.labels.items()) + "."]
    if checker.codes:
        lines += ["", "Codes: " + "; ".join(f"`{name}`: {about}" for name, about in checker.codes.items()) + "."]
    lines += ["", f"**Known limits.** {checker.limits}", ""]
    return "\n".join(lines)


def dimensions_page() -> str:
    """The evaluation framework: every dimension, and who answers it."""
    lines = [
        "# The evaluation framework", "", "Written by `python -m docs.make` from the code.", "",
        "| dimension | about | answered by | question or limit |", "| --- | --- | --- | --- |",
    ]  # fmt: skip
    for dimension in DIMENSIONS:
        names = ", ".join(f"`{name}`" for name in (*dimension.checkers, *dimension.extras))
        who = f"{dimension.how}, helped by {names}" if names and dimension.how != "checker" else names or dimension.how
        where = "the picture" if dimension.group == "picture" else "its use"
        lines.append(f"| {dimension.title} (`{dimension.id}`) | {where} | {who} | {_cell(dimension.question)} |")
    return "\n".join(lines) + "\n"


def parts_page() -> str:
    """Generators, perceivers and report formats."""
    lines = ["# Generators, perceivers, reports", "", "Written by `python -m docs.make` from the code.", ""]
    for registry in (generators, perceivers, reporters):
        lines += [f"## {registry.kind.capitalize()}s", ""]
        for name, thing in registry.items():
            about = " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())
            lines.append(f"- `{name}`: {about}")
        lines.append("")
    return "\n".join(lines)


def editing_page() -> str:
    """The page on modes that start from a picture: as it is, with its table of families written anew."""
    from docs.families import table

    text = (FOLDER / "editing.md").read_text()
    before, _, rest = text.partition(FAMILIES_BEGIN)
    _, _, after = rest.partition(FAMILIES_END)
    return f"{before}{FAMILIES_BEGIN}\n\n{table()}\n\n{FAMILIES_END}{after}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


PAGES = {
    "checkers.md": checkers_page,
    "framework.md": dimensions_page,
    "parts.md": parts_page,
    "editing.md": editing_page,
}


def main() -> None:
    """Write all pages."""
    forbid_plugins()
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())


if __name__ == "__main__":
    main()
