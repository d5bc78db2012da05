"""China's label for generated content, as GB 45438-2025 and TC260-PG-20259A write it into a file.

A JSON object with `Label` (1: is generated, 2: may be, 3: is suspected to be), `ContentProducer`, `ProduceID` and more,
under XMP `TC260:AIGC`, as PNG text `AIGC`, or wrapped as `{"AIGC": {...}}` in EXIF UserComment.
"""

from __future__ import annotations

from typing import Any

from imgaudit.provenance.container import Fields, json_object

PLACES = ("xmp.TC260:AIGC", "png.AIGC")


def read(fields: Fields) -> dict[str, Any] | None:
    """The label as written, or None."""
    for place in PLACES:
        found = json_object(fields.get(place) or "")
        if found is not None:
            return _unwrapped(found)
    found = fields.having("AIGC")
    return None if found is None else _unwrapped(found)


def _unwrapped(value: dict[str, Any]) -> dict[str, Any] | None:
    inner = value.get("AIGC", value)
    label = json_object(inner) if isinstance(inner, str) else inner
    return label if isinstance(label, dict) and "Label" in label else None
