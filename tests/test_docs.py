from __future__ import annotations

from pathlib import Path

import pytest

from docs.make import PAGES
from imgaudit.cli import LazyGroup, app

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", sorted(PAGES))
def test_pages_written_from_the_code_do_not_lag(name: str):
    assert (ROOT / "docs" / name).read_text() == PAGES[name](), "run: python -m docs.make"


def test_the_readme_names_every_command():
    import typer

    group = typer.main.get_command(app)
    assert isinstance(group, LazyGroup)
    readme = (ROOT / "README.md").read_text()
    for command in group.list_commands(None):  # type: ignore[arg-type]
        assert f"`{command}`" in readme, command
