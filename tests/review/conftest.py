from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from asking import Asking
from stored import plain

from imgaudit.review.desk import Desk, Setting
from imgaudit.rubric import load_rubric


@pytest.fixture(scope="session")
def six(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six small pictures; a check complains about three of them. Copied for each test."""
    return plain(tmp_path_factory.mktemp("six") / "run")


@pytest.fixture
def run(six: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(six, tmp_path / "run"))


@pytest.fixture
def opened() -> Iterator[Callable[..., Asking]]:
    """Opens a run for review; it is let go of when the test ends."""
    with ExitStack() as stack:

        def asking(path: Path, rubric: str = "publish", **setting: object) -> Asking:
            desk = Desk(Setting(path, load_rubric(rubric), **setting))  # type: ignore[arg-type]
            stack.callback(desk.close)
            return Asking(desk)

        yield asking


@pytest.fixture
def asking(run: Path, opened: Callable[..., Asking]) -> Asking:
    return opened(run)
