"""What a file's own bytes say about how it was made: generator, prompt, seed, source type, camera.

Reads the bytes and not the pixels, except for data that were hidden in the pixels of a PNG (NovelAI). Known limits:
metadata can be wrong, copied or removed; what no parser recognises is kept as text in `raw` but not understood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from imgaudit.percepts import Metadata
from imgaudit.provenance import aigc
from imgaudit.provenance import source as sources
from imgaudit.provenance.container import Fields
from imgaudit.registry import perceiver
from imgaudit.types import Failed, Look, Sight

RAW_LENGTH, RAW_COUNT, CAMERA_LENGTH = 20_000, 200, 80
LABEL_COUNT = 50
SOURCE_TYPES = ("xmp.Iptc4xmpExt:DigitalSourceType", "xmp.Iptc4xmpExt:DigitalSourceFileType")


@perceiver
class MetadataPerceiver:
    """Reads the metadata of a file. Takes no parameters.

    `raw` holds every text field under the place it was found in (`png.parameters`, `exif.UserComment`).
    """

    name: ClassVar[str] = "metadata"
    title: ClassVar[str] = "Metadata of the file"
    version: ClassVar[str] = "2"
    reads: ClassVar[Literal["pixels", "bytes"]] = "bytes"

    def identity(self) -> Mapping[str, str]:
        """The code alone, so the version says it all."""
        return {}

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One sight a look."""
        return [self._seen(look) for look in looks]

    def _seen(self, look: Look) -> Sight:
        try:
            return metadata(look.picture.data)
        except Exception as error:  # the readers do not raise; if one does, this file alone is lost
            return Failed(f"{look.picture.id}: metadata cannot be read: {type(error).__name__}: {error}"[:500])


def metadata(data: bytes) -> Metadata:
    """The percept of one file's bytes."""
    found = sources.read(data)
    fields = found.fields
    declared = (fields.get(*SOURCE_TYPES) or "").strip()
    return Metadata(
        source=found.source,
        raw=_raw(fields),
        digital_source_type=declared or None,
        ai_system=(fields.get("xmp.Iptc4xmpExt:AISystemUsed") or "").strip() or None,
        ai_system_version=(fields.get("xmp.Iptc4xmpExt:AISystemVersionUsed") or "").strip() or None,
        aigc=_aigc(fields),
        camera=_camera(fields),
        problems=found.problems[:RAW_COUNT],
    )


def _raw(fields: Fields) -> dict[str, str]:
    raw: dict[str, str] = {}
    for entry in fields.entries[:RAW_COUNT]:
        key, count = entry.key, 1
        while key in raw:
            count += 1
            key = f"{entry.key}#{count}"
        raw[key] = entry.text[:RAW_LENGTH]
    return raw


def _aigc(fields: Fields) -> dict[str, str] | None:
    label = aigc.read(fields)
    if label is None:
        return None
    return {str(name)[:100]: str(value)[:1_000] for name, value in list(label.items())[:LABEL_COUNT]}


def _camera(fields: Fields) -> str | None:
    """Make and model. Some savers of generated pictures put JSON into these fields: that is no camera."""
    parts = [fields.get(f"exif.{name}", f"xmp.tiff:{name}") or "" for name in ("Make", "Model")]
    words = [part.strip() for part in parts if part.strip() and len(part) <= CAMERA_LENGTH and "{" not in part]
    return " ".join(words) or None
