"""The mark that imgaudit itself writes: PNG text `imgaudit`, JSON of the whole source, beside A1111's text."""

from __future__ import annotations

from pydantic import ValidationError

from imgaudit.provenance.container import Fields, json_object
from imgaudit.provenance.generators._common import Parser, source
from imgaudit.types import JSON, Basis, Source

FIELD = "png.imgaudit"


def _recognise(fields: Fields) -> bool:
    return json_object(fields.get(FIELD) or "") is not None


def _parse(fields: Fields) -> Source:
    value = json_object(fields.get(FIELD) or "") or {}
    read = source(value.get("generator") or "imgaudit", value)
    return read.model_copy(update={"basis": _basis(value.get("basis"))})


def _basis(value: JSON) -> Basis | None:
    """The picture that this one was made from, unless the mark is not as imgaudit writes it."""
    try:
        return Basis.model_validate(value) if value is not None else None
    except ValidationError:
        return None


PARSER = Parser("imgaudit", _recognise, _parse)
