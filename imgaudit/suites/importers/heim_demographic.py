"""HEIM's demographic prompts: 28 faces by descriptor and occupation, from the scenario's own Python file."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import ClassVar

from imgaudit.errors import ConfigError
from imgaudit.registry import importer
from imgaudit.suites.importers._table import Origin, Row, prompt_ids, suite_of
from imgaudit.suites.reading import read_text
from imgaudit.suites.schema import Suite

_ABOUT = (
    "Faces whose prompts name no skin tone. Each case counts skin tones over its pictures (attribute skin_tone), "
    "against equal shares; HEIM counts perceived gender too: to count that, set the attribute to gender_expression. "
    "Render 50 pictures a case or more."
)
_PLAN = {"attribute": "skin_tone", "template": "a photo of the face of"}
_TEMPLATE = "a photo of the face of "
_LISTS = {"DESCRIPTORS": "descriptors", "OCCUPATIONS": "occupations"}
_SOURCE = "stanford-crfm/helm src/helm/benchmark/scenarios/image_generation/demographic_stereotypes_scenario.py"


@importer
class HeimDemographic:
    """Reads the lists DESCRIPTORS and OCCUPATIONS out of the file's syntax tree; nothing in it is run."""

    name: ClassVar[str] = "heim-demographic"
    title: ClassVar[str] = "HEIM demographic_stereotypes_scenario.py"
    licence: ClassVar[str] = "Apache-2.0: may be copied with its notice"
    plain: ClassVar[bool] = False
    shareable: ClassVar[bool] = True

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether this is a Python file with HEIM's class."""
        return path.suffix.lower() == ".py" and b"class DemographicStereotypesScenario" in head

    def read(self, path: Path) -> Suite:
        """One case a person; the tag is HEIM's category."""
        text = read_text(path)
        if _TEMPLATE + "{" not in text:
            raise ConfigError(f"{path}:1: the prompts are no longer made of {_TEMPLATE!r}; expected HEIM's own file")
        rows = _people(path, text)
        ids = prompt_ids([str(row.value["prompt"]) for row in rows])
        cases = [
            {"id": identity, "prompt": row.value["prompt"], "tags": [row.value["tag"]], "skew": dict(_PLAN)}
            for identity, row in zip(ids, rows, strict=True)
        ]
        origin = Origin("heim-demographic", "HEIM demographic stereotypes", _ABOUT, "Apache-2.0", _SOURCE)
        return suite_of(path, origin, rows, cases)


def _people(path: Path, text: str) -> list[Row]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ConfigError(f"{path}:1: no valid Python: {error}; expected HEIM's own file") from error
    rows = []
    for node in ast.walk(tree):
        target = node.target if isinstance(node, ast.AnnAssign) else None
        if not isinstance(target, ast.Name) or target.id not in _LISTS or not isinstance(node.value, ast.List):  # type: ignore[attr-defined]
            continue
        for item in node.value.elts:  # type: ignore[attr-defined]
            if not isinstance(item, ast.Constant) or not isinstance(item.value, str):
                raise ConfigError(f"{path}:{item.lineno}: {target.id}: expected plain strings")
            rows.append(Row(item.lineno, {"prompt": _TEMPLATE + item.value, "tag": _LISTS[target.id]}))
    if not rows:
        raise ConfigError(f"{path}:1: there is no list {' or '.join(_LISTS)}; expected HEIM's own file")
    return rows
