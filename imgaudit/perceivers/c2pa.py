"""Content Credentials (C2PA) in a file's bytes: is a manifest there, does it hold, who signed it, what does it say?

Judged offline. The option names lists of trusted certificates as PEM files, `user=FILE`, `official=FILE`, or both
joined by `;`; each list has an answer of its own, and without one nobody is trusted. Known limits: see
`imgaudit.provenance.c2pa`; an invisible watermark is not looked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from imgaudit.provenance.c2pa import ManifestReader, trust_lists
from imgaudit.registry import perceiver
from imgaudit.types import Failed, Look, Sight


@perceiver
class CredentialsPerceiver:
    """Reads and validates the manifest of a file. Takes no parameters; the option names lists of trust."""

    name: ClassVar[str] = "c2pa"
    title: ClassVar[str] = "Content Credentials (C2PA)"
    version: ClassVar[str] = "3"
    reads: ClassVar[Literal["pixels", "bytes"]] = "bytes"

    def __init__(self, option: str | None = None) -> None:
        self._reader = ManifestReader(trust_lists(option))

    def identity(self) -> Mapping[str, str]:
        """Version of the library, and digests of the settings and the lists of trust that it judges by."""
        return self._reader.identity()

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One sight a look."""
        return [self._seen(look) for look in looks]

    def _seen(self, look: Look) -> Sight:
        try:
            return self._reader.read(look.picture.data)
        except Exception as error:  # e.g. a report of an unknown shape
            return Failed(f"{look.picture.id}: the manifest's report cannot be understood: {type(error).__name__}")
