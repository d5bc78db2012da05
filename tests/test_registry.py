from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from imgaudit.errors import PluginError, UsageError
from imgaudit.registry import Registry, checkers

PLUGIN = '''
"""How green a picture is, as one file from another package."""
from imgaudit.api import Abstained, Case, Measure, Measured, Percepts, Pixels, Query, checker

LOOK = Query("pixels")


@checker
class Green:
    """The share of green in a picture's palette."""

    name, title, version = "green", "Share of green", "1"
    dimensions = ("style",)
    measures = (Measure("share", "share of the picture", "none", "green pixels"),)
    labels, codes, limits = {}, {}, "named colours only"

    def ask(self, case, percepts):
        return [LOOK]

    def measure(self, case, percepts):
        seen = percepts.seen(LOOK, Pixels)
        if not isinstance(seen, Pixels):
            return seen
        return Measured(measures={"share": dict(seen.palette).get("green", 0.0)})
'''


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A folder that holds one installed plug-in of one file."""
    (tmp_path / "imgaudit_green.py").write_text(PLUGIN)
    info = tmp_path / "imgaudit_green-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: imgaudit-green\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[imgaudit.checkers]\ngreen = imgaudit_green\n")
    return tmp_path


def imgaudit(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", "from imgaudit.cli import main; main()", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_one_file_and_an_entry_point_add_a_checker(plugin: Path):
    listed = imgaudit(plugin, "checkers", "green")

    assert listed.returncode == 0
    assert "The share of green" in listed.stdout


def test_no_plugins_turns_them_off(plugin: Path):
    listed = imgaudit(plugin, "--no-plugins", "checkers", "green")

    assert listed.returncode == 2
    assert "unknown checker 'green'" in listed.stderr


def test_a_broken_plugin_is_a_sentence_and_not_a_traceback(plugin: Path):
    (plugin / "imgaudit_green.py").write_text("import nonsense_that_is_not_there")

    listed = imgaudit(plugin, "checkers")

    assert listed.returncode == 2
    assert "imgaudit_green" in listed.stderr
    assert "--no-plugins" in listed.stderr
    assert "Traceback" not in listed.stderr


def test_two_things_of_one_name_are_refused():
    registry: Registry[type] = Registry("thing", "imgaudit.checkers")
    registry.register("same", int, "first.module")

    with pytest.raises(PluginError, match=r"first\.module.*second\.module"):
        registry.register("same", str, "second.module")


def test_an_unknown_name_says_what_is_near():
    with pytest.raises(UsageError, match=r"did you mean 'adherence'\? there are: adherence, .*anatomy"):
        checkers.get("adherense")
