from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opener import Opener


@pytest.fixture
def open_page(browser: Any, address: str) -> Iterator[Opener]:
    opener = Opener(browser, address)
    yield opener
    broken = [directive for page in opener.pages for directive in page.evaluate("window.broken ?? []")]
    opener.close()
    assert opener.wrong == []
    assert broken == []
