"""Why a person decides: short codes that can be counted, and how free ones are written."""

from __future__ import annotations

from types import MappingProxyType

from imgaudit.types import Decision

CODE = r"^[a-z][a-z0-9-]{1,63}$"
"""How a free code is written; the decision log asks for the same."""

REASONS: MappingProxyType[Decision, tuple[str, ...]] = MappingProxyType(
    {
        Decision.PUBLISH: (
            "looks-right", "false-alarm", "flaw-is-minor", "style-is-meant", "repair-is-good", "cleared-by-owner",
        ),
        Decision.EDIT: (
            "as-found", "fix-hands", "fix-face", "fix-anatomy", "fix-text", "remove-logo", "crop", "adjust-light",
            "draw-again",
        ),
        Decision.REJECT: (
            "as-found", "off-prompt", "malformed", "off-brand", "low-quality", "rights-unclear", "likeness",
            "misleading", "unsafe", "duplicate",
        ),
    }
)  # fmt: skip
"""The codes that the page offers for each decision; the first one is chosen before anybody chooses."""

ROLES = ("editor", "art", "legal", "brand", "safety", "release")
"""Roles that the page suggests; any other may be written."""
