"""Validation errors as sentences: file, line, field, what is wrong, what is expected, and the near miss."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from imgaudit.suites.schema import SuiteProblem
from imgaudit.types import JSON
from imgaudit.yamlfile import Document, Place

_SHOWN_ERRORS = 5


def explained(error: ValidationError, document: Document, model: type[BaseModel]) -> str:
    """What is wrong with a file, one line an error, in the order of the file; at most five."""
    told = [_explained_one(dict(item), document, model) for item in error.errors(include_url=False)]
    lines = [f"{document.name}:{line}: {problem}" for line, problem in sorted(told)]
    rest = len(lines) - _SHOWN_ERRORS
    return "\n".join(lines[:_SHOWN_ERRORS] + ([f"and {rest} more"] if rest > 0 else []))


def _explained_one(item: Mapping[str, Any], document: Document, model: type[BaseModel]) -> tuple[int, str]:
    cause = (item.get("ctx") or {}).get("error")
    place: Place = cause.place if isinstance(cause, SuiteProblem) else tuple(item["loc"])
    line = document.line(place)
    if isinstance(cause, SuiteProblem):
        return line, f"{_spelt(place)}: {cause}"
    if item["type"] == "extra_forbidden":
        return line, f"{_spelt(place)}: {_unknown_key(place, model)}"
    expected = _expected(place, model)
    if item["type"] == "missing":
        return line, f"{_spelt(place)}: is missing{expected}"
    problem = item["msg"][:1].lower() + item["msg"][1:]
    return line, f"{_spelt(place)}: {problem}, got {shown(item['input'])}{expected}{_remedy(item)}"


def _unknown_key(place: Place, model: type[BaseModel]) -> str:
    fields = list(_model_at(place[:-1], model).model_fields)
    near = difflib.get_close_matches(str(place[-1]), fields, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown key {str(place[-1])[:80]!r}; {hint}expected one of: {', '.join(fields)}"


def _expected(place: Place, model: type[BaseModel]) -> str:
    names = [part for part in place if isinstance(part, str)]
    parent = _model_at(place[: place.index(names[-1])] if names else (), model)
    info = parent.model_fields.get(names[-1]) if names else None
    return f"; expected {info.description}" if info is not None and info.description else ""


def _remedy(item: Mapping[str, Any]) -> str:
    if item["type"] == "string_type" and isinstance(item["input"], (int, float, bool)):
        return ". Put it in quotes"
    return ""


def _model_at(place: Place, model: type[BaseModel]) -> type[BaseModel]:
    """The model that describes the mapping at `place`, as deep as models go."""
    for part in place:
        info = model.model_fields.get(part) if isinstance(part, str) else None
        inner = _inner_model(info.annotation) if info else None
        model = inner or model
    return model


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _inner_model(part))), None)


def _spelt(place: Place) -> str:
    """`cases[3].expect.text`: a place as people write it."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part[:80]}" for part in place)
    return text.removeprefix(".") or "suite"


def shown(value: JSON) -> str:
    """A value as messages quote it, cut at 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
