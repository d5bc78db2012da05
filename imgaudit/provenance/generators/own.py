"""The mark that imgaudit itself writes: PNG text `imgaudit`, JSON of the whole source, beside A1111's text."""

from __future__ import annotations

from imgaudit.provenance.container import Fields, json_object
from imgaudit.provenance.generators._common import Parser, source
from imgaudit.types import Source

FIELD = "png.imgaudit"


def _recognise(fields: Fields) -> bool:
    return json_object(fields.get(FIELD) or "") is not None


def _parse(fields: Fields) -> Source:
    value = json_object(fields.get(FIELD) or "") or {}
    return source(value.get("generator") or "imgaudit", value)


PARSER = Parser("imgaudit", _recognise, _parse)
