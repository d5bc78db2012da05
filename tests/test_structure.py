"""The shape of the code, read from its syntax trees."""

from __future__ import annotations

import ast
import importlib
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "imgaudit"
LEVELS = [
    {"types", "comparison", "percepts",
     "dimensions", "errors", "digest", "registry", "record", "personal", "pictures", "yamlfile", "signing", "__init__"},
    {"kernels", "references"},
    {"suites", "generators", "perceivers", "checkers", "rubric", "calibration", "provenance", "prompts", "compliance",
     "embedded", "store", "reporters", "summary"},
    {"engine", "people"},
    {"pipeline", "compare", "plan", "plan_skew", "scorers"},
    {"canary", "calibrate", "export", "history", "sequential", "comply", "erase", "repair"},
    {"baseline"},
    {"opening"},
    {"review"},
    {"cli", "pytest_plugin"},
]  # fmt: skip
ALLOWED = {
    ("pytest_plugin", "cli"),  # fixtures write the same sentences and reports as the commands
    ("generators", "embedded"),  # generators load embedded's files
    ("generators", "suites"),  # pictures rendered elsewhere lie as the public suites lay them out
    ("embedded", "generators"),  # a card measures the route of redrawing a part
    ("perceivers", "embedded"),  # the embedded CLIP knows its own world
    ("perceivers", "prompts"),  # a brand file is read by the prompts' own schema
    ("perceivers", "provenance"),  # metadata percepts are read by the provenance library
    ("suites", "embedded"),  # the packaged suite of shapes is written by the world's own grammar
    ("checkers", "prompts"),  # expected strings are read from prompts
    ("summary", "rubric"),
    ("export", "repair"),  # what was repaired is read by repair's own schema
    ("plan_skew", "plan"),  # one clock for both plans
    ("canary", "compare"),  # the gate that is tried out is the one that decides
    ("compare", "pipeline"),  # scores stored pictures anew
    ("compliance", "rubric"),  # control packs use the rubric's condition language
    ("reporters", "compliance"),  # the compliance report is rendered from its own record
    ("rubric", "calibration"),  # a rubric names calibration files
    ("calibration", "perceivers"), ("calibration", "checkers"),  # scripts that fit what the checkers ship with
}  # fmt: skip
MODULES = sorted(PACKAGE.rglob("*.py"))


def level_of(name: str) -> int | None:
    return next((index for index, names in enumerate(LEVELS) if name in names), None)


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down_only(path: Path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if own == "api":
        return
    assert level_of(own) is not None, f"{own} has no level; put it into LEVELS"
    for name in imports_of(path):
        parts = name.split(".")
        if parts[0] != "imgaudit" or len(parts) < 2 or parts[1] == own or level_of(parts[1]) is None:
            continue
        assert parts[1] != "api", "api is for plug-ins alone"
        lower = level_of(parts[1]) < level_of(own) or level_of(own) == 0 == level_of(parts[1])
        assert lower or (own, parts[1]) in ALLOWED, f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("diffusers", {"generators/diffusers.py", "generators/_inpainting.py", "generators/_masked.py",
                       "generators/img2img.py", "generators/variation.py", "generators/reference.py", "embedded"}),
        ("ray", {"engine/ray.py"}),
    ],
)
def test_a_heavy_library_is_imported_where_it_belongs(library: str, allowed: set[str]):
    for path in MODULES:
        if any(name.split(".")[0] == library for name in imports_of(path)):
            relative = path.relative_to(PACKAGE).as_posix()
            assert relative in allowed or relative.split("/")[0] in allowed, relative


def test_every_declared_dependency_can_be_imported_and_parquet_can_be_written(tmp_path: Path):
    import pyarrow
    import pyarrow.parquet

    names = {"pillow": "PIL", "pyyaml": "yaml", "opencv-python-headless": "cv2", "open-clip-torch": "open_clip",
             "c2pa-python": "c2pa"}  # fmt: skip
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    for requirement in declared:
        name = requirement.split(";")[0]
        for sign in ("==", ">=", "<", "["):
            name = name.split(sign)[0]
        importlib.import_module(names.get(name.strip(), name.strip().replace("-", "_")))
    pyarrow.parquet.write_table(pyarrow.table({"a": [1]}), tmp_path / "part.parquet")
    assert pyarrow.parquet.read_table(tmp_path / "part.parquet").to_pylist() == [{"a": 1}]


def test_exactly_one_cv2_is_installed():
    from importlib.metadata import packages_distributions

    assert packages_distributions()["cv2"] in (["opencv-python-headless"], ["opencv-python-headless"] * 2)


def test_no_module_speaks_of_the_place_where_it_was_written():
    for path in [*MODULES, *(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"]:
        text = path.read_text()
        for word in ("/work/", "../shared", "/tmp/train"):
            assert word not in text, f"{path.name} mentions {word}"
