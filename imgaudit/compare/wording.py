"""How a comparison says numbers and lists."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def figure(value: float) -> str:
    """Three significant digits, no exponent for ordinary sizes, no minus zero.

    >>> figure(-0.04567)
    '-0.0457'
    """
    return f"{value + 0.0:.3g}"


def stored(value: float) -> float:
    """As it is written down: six decimals."""
    return round(float(value), 6) + 0.0


def stored_or_none(value: float | None) -> float | None:
    """The same, where there is a finite number."""
    return stored(value) if value is not None and np.isfinite(value) else None


def count(number: int, noun: str) -> str:
    """`1 prompt`, `2 prompts`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str], most: int = 8) -> str:
    """`a, b and 3 more`."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
