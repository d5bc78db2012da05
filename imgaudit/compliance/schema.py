"""What a control pack holds, and reading one.

A pack is a YAML file. Each control says in our own words what is asked, of whom, from when, and where it is written;
its evidence is a list of small declarative conditions over the stored record, joined by "and". `verified: true` means
that whoever wrote the pack read the cited text itself on the day `read`; everything else is second hand, and a control
that is not verified is never "not satisfied": at worst it is undetermined.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from imgaudit.compliance.facts import FACTS
from imgaudit.digest import digest
from imgaudit.dimensions import BY_ID
from imgaudit.errors import UsageError
from imgaudit.registry import checkers
from imgaudit.rubric import Term, parse_condition
from imgaudit.types import Finding, Stored
from imgaudit.yamlfile import Document, Place, read_yaml, validated

Role = Literal["provider", "deployer", "publisher", "platform", "any"]
ROLES: tuple[Role, ...] = ("provider", "deployer", "publisher", "platform", "any")
MAX_CONTROLS = 500
_HAS = re.compile(r"^(?P<checker>[a-z][\w-]*)\.(?P<label>[\w-]+) has (?P<word>\S+)$")


@dataclass(frozen=True, slots=True)
class Has:
    """`provenance.disclosed_by has aigc`: the label's words, separated by spaces, include this one."""

    checker: str
    name: str
    word: str

    def holds(self, finding: Finding) -> bool:
        """Whether the label is there and names the word."""
        return self.word in finding.labels.get(self.name, "").split()


def parse_evidence(text: str) -> tuple[Term | Has, ...]:
    """The terms of a condition over pictures: the rubric's language, and `LABEL has WORD`.

    >>> parse_evidence("provenance.disclosed_by has aigc")[0].word
    'aigc'
    """
    terms: list[Term | Has] = []
    for part in text.split(" and "):
        match = _HAS.match(part.strip())
        terms.extend([Has(match["checker"], match["label"], match["word"])] if match else parse_condition(part))
    return tuple(terms)


class Citation(Stored):
    """Where it is written: the place in the text, the page, and the day on which it was read."""

    cite: str = Field(min_length=3, max_length=300)
    quote: str | None = Field(default=None, max_length=600, description="a short literal quotation")
    url: str | None = Field(default=None, pattern=r"^https://[^\s<>\"']+$", max_length=400)
    read: date | None = Field(default=None, description="day on which this source was read")
    note: str | None = Field(default=None, max_length=600, description="how far the source goes")


class Evidence(Stored):
    """One condition. Exactly one of the keys is given.

    Attributes:
        every: holds for every picture in scope; a picture for which it could not be told leaves it undetermined.
        never: holds for no picture in scope.
        dimension: a dimension of the framework was checked, or answered by a person, for all pictures.
        record: a fact about the record itself; see `imgaudit.compliance.facts`.
        limit: what nothing here can tell; leaves the control undetermined.
    """

    every: str | None = None
    never: str | None = None
    dimension: str | None = None
    record: str | None = None
    limit: str | None = Field(default=None, min_length=10, max_length=600)
    because: str = Field(default="", max_length=600, description="why this is evidence")

    @model_validator(mode="after")
    def _one_key(self) -> Evidence:
        given = [name for name in KINDS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(KINDS)}; got {', '.join(given) or 'none'}")
        if self.condition is not None:
            parse_evidence(self.condition)
        return self

    @property
    def kind(self) -> str:
        """Which of the keys is given."""
        return next(name for name in KINDS if getattr(self, name) is not None)

    @property
    def condition(self) -> str | None:
        """The condition over pictures, where there is one."""
        return self.every if self.every is not None else self.never

    @cached_property
    def terms(self) -> tuple[Term | Has, ...]:
        """The parsed condition over pictures; empty for other kinds."""
        return parse_evidence(self.condition) if self.condition is not None else ()


KINDS = ("every", "never", "dimension", "record", "limit")


class Control(Stored):
    """One thing that is asked."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:()-]{0,63}$")
    title: str = Field(min_length=3, max_length=120)
    says: str = Field(min_length=10, max_length=1500, description="what is asked, in our own words")
    roles: tuple[Role, ...] = Field(min_length=1)
    applies_from: date | None = Field(default=None, description="null where no date stands in it, as in a framework")
    applies_until: date | None = None
    voluntary: bool = Field(default=False, description="a code or framework that one joins or chooses")
    source: Citation
    verified: bool
    pictures: Literal["all", "generated"] = Field(default="all", description="which pictures it is about")
    evidence: tuple[Evidence, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _honest(self) -> Control:
        if self.verified and (self.source.url is None or self.source.read is None):
            raise ValueError("a verified control needs source.url and source.read: where and when the text was read")
        if self.applies_from and self.applies_until and self.applies_until < self.applies_from:
            raise ValueError("applies_until lies before applies_from")
        return self


class Pack(Stored):
    """A control pack."""

    format: Literal["imgaudit-controls/1"]
    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")
    version: str = Field(max_length=40)
    title: str = Field(max_length=160)
    about: str = Field(max_length=2000)
    controls: tuple[Control, ...] = Field(min_length=1, max_length=MAX_CONTROLS)

    @field_validator("controls")
    @classmethod
    def _each_once(cls, controls: tuple[Control, ...]) -> tuple[Control, ...]:
        names = [control.id for control in controls]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the control {twice[0]!r} stands twice; keep one")
        return controls

    @cached_property
    def digest(self) -> str:
        """Hex sha256 of the content."""
        return digest(self.model_dump(mode="json"))


# --- reading -----------------------------------------------------------------------------------------


def packaged_packs() -> list[str]:
    """Names of the packs that come with the package."""
    return sorted(path.stem for path in _folder().glob("*.yaml"))


def _folder() -> Path:
    return Path(str(resources.files("imgaudit"))) / "compliance"


def pack_path(name: str) -> Path:
    """The file of a packaged pack by name, or of a user's own by path. Raises UsageError."""
    if name.endswith((".yaml", ".yml")) or "/" in name:
        return Path(name)
    if name not in packaged_packs():
        raise UsageError(
            f"unknown control pack {name!r}; there are: {', '.join(packaged_packs())}, or give the path of a .yaml file"
        )
    return _folder() / f"{name}.yaml"


def load_pack(name: str) -> Pack:
    """A packaged pack by name, or one from a YAML file. Raises ConfigError with file and line."""
    document = read_yaml(pack_path(name))
    pack = validated(document, Pack, _known_keys)
    for number, control in enumerate(pack.controls):
        for index, evidence in enumerate(control.evidence):
            _check(document, ("controls", number, "evidence", index), evidence)
    return pack


def _known_keys(place: Place) -> Iterable[str]:
    if not place:
        return Pack.model_fields
    if "evidence" in place:
        return Evidence.model_fields
    return Citation.model_fields if place[-1] == "source" else Control.model_fields


def _check(document: Document, place: tuple[str | int, ...], evidence: Evidence) -> None:
    """Names in a condition must exist: a misspelt one would leave a control undetermined for ever."""
    if evidence.dimension is not None and evidence.dimension not in BY_ID:
        raise document.error(place, f"unknown dimension {evidence.dimension!r}; there are: {', '.join(BY_ID)}")
    if evidence.record is not None and evidence.record not in FACTS:
        raise document.error(place, f"unknown fact {evidence.record!r} of the record; there are: {', '.join(FACTS)}")
    for term in evidence.terms:
        kind = "label" if isinstance(term, Has) else term.kind
        if term.checker not in checkers.names():
            raise document.error(place, f"unknown checker {term.checker!r}; there are: {', '.join(checkers.names())}")
        facts = checkers.get(term.checker)
        if hasattr(facts, "aggregate"):
            raise document.error(place, f"{term.checker!r} looks at a set; name its dimension instead")
        known = {"measure": [measure.name for measure in facts.measures], "label": list(facts.labels),
                 "code": [code.partition(".")[2] for code in facts.codes]}.get(kind)  # fmt: skip
        if known is None:
            raise document.error(place, f"a control knows no {kind} values; they belong to the rubric that judges")
        if term.name not in known:
            named = ", ".join(known) or "none"
            raise document.error(place, f"unknown {kind} '{term.checker}.{term.name}'; {term.checker} has: {named}")
