"""Lists of strings that a table writes into one cell, as JSON or as Python prints them."""

from __future__ import annotations

import ast
import json

from imgaudit.types import JSON

MAX_CELL = 50_000


def listed(value: JSON) -> list[str]:
    r"""The strings of a list, of a list written as text, or the one string that a cell is; empty for an empty cell.

    A written list is parsed as JSON, else as a Python literal: no code in it is run. What is neither counts as one
    string.

    >>> listed("['The Impact', 'two']"), listed("just this"), listed("['open")
    (['The Impact', 'two'], ['just this'], ["['open"])
    """
    if isinstance(value, list):
        return [str(part) for part in value if str(part).strip()]
    text = str(value or "").strip()
    if not text:
        return []
    parsed = _parsed(text) if text.startswith("[") and len(text) <= MAX_CELL else None
    if isinstance(parsed, list) and all(isinstance(part, str) for part in parsed):
        return [part for part in parsed if part.strip()]
    return [text]


def _parsed(text: str) -> JSON:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None
