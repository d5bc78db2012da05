"""The wheel holds what the package reads: lists, profiles, packs, rubrics, templates, models."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DATA = (".tsv", ".yaml", ".txt", ".json", ".j2", ".css", ".js", ".safetensors", ".xz", ".md")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    if shutil.which(uv) is None:
        pytest.skip("uv, which builds the wheel, is not installed")
    out = tmp_path_factory.mktemp("wheel")
    built = subprocess.run([uv, "build", "--wheel", "--out-dir", str(out), str(ROOT)], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr[-2_000:]
    (path,) = out.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.mark.slow
def test_every_data_file_of_the_package_is_in_the_wheel_byte_for_byte(wheel: zipfile.ZipFile):
    files = [path for path in (ROOT / "imgaudit").rglob("*") if path.suffix in DATA and path.is_file()]
    assert len(files) > 60

    held = set(wheel.namelist())
    missing = [path.relative_to(ROOT).as_posix() for path in files if path.relative_to(ROOT).as_posix() not in held]

    assert missing == []
    assert all(wheel.read(path.relative_to(ROOT).as_posix()) == path.read_bytes() for path in files)


@pytest.mark.slow
def test_the_rubrics_travel_with_the_wheel(wheel: zipfile.ZipFile):
    for path in (ROOT / "rubrics").glob("*.yaml"):
        assert wheel.read(f"imgaudit/packaged_rubrics/{path.name}") == path.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "imgaudit/prompts/lists/artists.tsv",
        "imgaudit/prompts/lists/descriptions.tsv",
        "imgaudit/prompts/profiles/adobe-stock.yaml",
        "imgaudit/compliance/eu-art50.yaml",
        "imgaudit/compliance/template.yaml",
        "imgaudit/reporters/templates/comply.html.j2",
        "imgaudit/packaged_rubrics/publish.yaml",
    ],
)
def test_the_wheel_holds_this(wheel: zipfile.ZipFile, name: str):
    assert wheel.getinfo(name).file_size > 100


@pytest.mark.slow
def test_the_wheel_holds_no_test_and_nothing_of_the_machine(wheel: zipfile.ZipFile):
    names = wheel.namelist()

    assert not [name for name in names if name.startswith(("tests/", "docs/", "reports/")) or "__pycache__" in name]
    assert not [name for name in names if name.startswith("/") or ".." in name]
