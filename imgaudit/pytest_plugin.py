"""pytest fixtures that gate a test suite on pictures; off unless pytest is started with `--imgaudit`."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--imgaudit`."""
    parser.getgroup("imgaudit").addoption("--imgaudit", action="store_true", help="run tests that audit pictures")
