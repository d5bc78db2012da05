"""The workflow that the documentation shows: it is YAML, and every command in it is one that the program has."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from imgaudit.cli import app
from imgaudit.comparison import Comparison
from imgaudit.reporters._comparison import FILENAMES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "github-actions.md"
END = {"||", "&&", ";", "|", "{", "}", ">", ">>"}


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", body, flags=re.MULTILINE) for indent, body in found]


def workflow() -> dict[Any, Any]:
    (text,) = blocks("yaml")
    return yaml.safe_load(text)


def steps() -> list[dict[str, Any]]:
    return workflow()["jobs"]["compare"]["steps"]


def commands() -> list[list[str]]:
    """Arguments of every call of imgaudit, in the workflow and in the shell examples beside it."""
    lines = [line for step in steps() for line in step.get("run", "").splitlines()]
    lines += [line for block in blocks("sh") for line in block.splitlines()]
    lines += re.findall(r"`(imgaudit [^`]+)`", PAGE.read_text("utf-8"))
    found = []
    for line in lines:
        words = shlex.split(line)
        if "imgaudit" in words[:1]:
            length = next((place for place, word in enumerate(words) if word in END), len(words))
            found.append(words[1:length])
    return found


def parsed(arguments: list[str]) -> None:
    """Let the command line's own parser read the arguments, and run nothing."""
    command: Any = typer.main.get_command(app)
    context = command.make_context("imgaudit", list(arguments))
    while hasattr(command, "resolve_command"):
        rest = [*context._protected_args, *context.args]
        name, command, rest = command.resolve_command(context, rest)
        context = command.make_context(name, rest, parent=context)


def test_the_page_calls_every_command_that_it_speaks_of() -> None:
    called = [" ".join(arguments[:2]) for arguments in commands()]

    assert len(called) >= 8
    assert {"run shapes", "compare runs/base", "baseline propose", "baseline approve", "plan runs/base"} <= set(called)


@pytest.mark.parametrize("arguments", commands(), ids=lambda arguments: " ".join(arguments)[:60])
def test_the_command_line_accepts_every_command_of_the_page(arguments: list[str]) -> None:
    parsed(arguments)


@pytest.mark.parametrize("wrong", [["compare", "a", "b", "--no-such"], ["compare", "a"], ["baseline", "aprove", "x"]])
def test_the_parser_refuses_what_the_program_does_not_have(wrong: list[str]) -> None:
    with pytest.raises(Exception, match=r"(?i)no such|missing"):
        parsed(wrong)


def test_the_workflow_is_one_that_runs_on_pull_requests_with_few_rights() -> None:
    read = workflow()

    assert "pull_request" in read[True]  # YAML reads the key `on` as a truth value
    assert read["permissions"]["contents"] == "read"
    assert "pull_request_target" not in PAGE.read_text("utf-8")  # it would give a fork's code the repository's rights


def test_no_text_of_a_pull_request_is_put_into_a_command() -> None:
    assert [step["run"] for step in steps() if "${{" in step.get("run", "")] == []


def test_every_step_either_runs_or_uses_something_of_a_fixed_version() -> None:
    for step in steps():
        assert ("run" in step) != ("uses" in step)
        assert re.fullmatch(r"[\w-]+/[\w/-]+@v\d+", step.get("uses", "a/b@v1"))


def test_every_report_that_is_asked_for_is_one_that_exists_and_is_used_under_its_name() -> None:
    text = PAGE.read_text("utf-8")
    asked = {name for formats in re.findall(r"--format (\S+)", text) for name in formats.split(",")}

    assert asked == set(FILENAMES)
    assert set(re.findall(r"comparison\.[a-z.]*[a-z]", text)) == set(FILENAMES.values())


@pytest.mark.slow
def test_the_steps_run_as_they_are(tmp_path: Path) -> None:
    """All shell steps but the installation and the comment, in a shell as the runner starts it, with fewer prompts."""
    summary = tmp_path / "summary.md"
    environment = {
        **os.environ,
        **workflow()["jobs"]["compare"]["env"],
        "GITHUB_STEP_SUMMARY": str(summary),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    codes = {}
    for step in steps():
        if "run" not in step or step["name"] in {"Install", "Comment on the pull request"}:
            continue
        script = step["run"].replace("run shapes", "run shapes --tags demo")
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        codes[step["name"]] = subprocess.run(shell, cwd=tmp_path, env=environment, check=False).returncode

    record = Comparison.model_validate_json((tmp_path / "comparison" / "comparison.json").read_bytes())
    assert codes.pop("Compare") == record.exit_code in {0, 4}  # a model against itself
    assert set(codes.values()) == {0}
    assert summary.read_text("utf-8").startswith("## ")
    assert {path.name for path in (tmp_path / "comparison").iterdir()} == set(FILENAMES.values())
