"""Content Credentials (C2PA) in a file's bytes: is a manifest there, does it hold, who signed it, what does it say?

Judged offline and without trust anchors. Known limits: see `imgaudit.provenance.c2pa`; an invisible watermark is not
looked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from imgaudit.provenance.c2pa import ManifestReader
from imgaudit.registry import perceiver
from imgaudit.types import Failed, Look, Sight


@perceiver
class CredentialsPerceiver:
    """Reads and validates the manifest of a file. Takes no parameters."""

    name: ClassVar[str] = "c2pa"
    title: ClassVar[str] = "Content Credentials (C2PA)"
    version: ClassVar[str] = "1"
    reads: ClassVar[Literal["pixels", "bytes"]] = "bytes"

    def __init__(self) -> None:
        self._reader = ManifestReader()

    def identity(self) -> Mapping[str, str]:
        """Version of the library, and digest of the settings it judges by."""
        return self._reader.identity()

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One sight a look."""
        return [self._seen(look) for look in looks]

    def _seen(self, look: Look) -> Sight:
        try:
            return self._reader.read(look.picture.data)
        except Exception as error:  # e.g. a report of an unknown shape
            return Failed(f"{look.picture.id}: the manifest's report cannot be understood: {type(error).__name__}")
