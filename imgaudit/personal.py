"""What may be perceived of people: nothing, unless the rubric opts in, and never where it forbids it.

A perceiver that perceives something of people names it in `personal`; a perceiver of several says with the parameter
`attribute` which one a query is about. The gate stands before the perceivers: what was not opted in to is neither
perceived nor are the landmarks that it would build on, and whoever asked is told how to opt in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from imgaudit.registry import perceivers
from imgaudit.types import Abstained, Query

LAW = (
    "Where they are real people, that may be biometric or otherwise sensitive data: Article 9 of the GDPR, the "
    "Biometric Information Privacy Act of Illinois (BIPA) and laws like them ask for a lawful basis first, often for "
    "written consent. This is a notice and no legal advice."
)
NOTICE = (
    "This run measures attributes of the people in its pictures. They are perceived from pixels and are nobody's "
    f"identity; they are kept for no picture, and counts below 5 are suppressed. {LAW}"
)
LIKENESS = (
    "This run compares the faces in its pictures with galleries of faces that its user supplied, and with nobody else; "
    "a match is a resemblance as a model sees it, and no identification. The galleries themselves need the consent of "
    f"the people in them, or another lawful basis. {LAW}"
)
FORBIDDEN = "the rubric forbids to measure anything of people (people: faces: forbid)"
REMEDY = (
    "opt in with a rubric of your own: copy one (docs/people.md says from where), add to it "
    "people: {{attributes: [{attribute}], because: why you may measure it}} and give the file to --rubric"
)


def attribute_of(query: Query) -> str | None:
    """What of people a query is about; None for a query about anything else."""
    personal = personal_of(query.perceiver)
    if not personal:
        return None
    named = query.parameters.get("attribute")
    return named if named in personal else personal[0]


def personal_of(role: str) -> tuple[str, ...]:
    """What of people a perceiver perceives; empty for most."""
    factory: Any = perceivers.get(role)
    return tuple(getattr(factory, "personal", ()))


def attributes() -> tuple[str, ...]:
    """Everything of people that some perceiver perceives, sorted."""
    return tuple(sorted({name for _, factory in perceivers.items() for name in getattr(factory, "personal", ())}))


def notice_of(attribute: str) -> str:
    """What is told before an attribute is looked at."""
    return LIKENESS if attribute == "likeness" else NOTICE


def notices(roles: Iterable[str]) -> tuple[str, ...]:
    """What readers must be told where these perceivers looked; nothing where none of them looks at people."""
    known = set(perceivers.names())
    found = [notice_of(name) for role in sorted(roles) if role in known for name in personal_of(role)]
    return tuple(dict.fromkeys(found))


@dataclass
class Gate:
    """Lets queries about people through, or says why not. Each notice is told once, before what it is about is asked.

    Args:
        allowed: attributes that the rubric opted in to.
        forbidden: whether the rubric forbids them all.
        announce: who is told the notices.
    """

    allowed: frozenset[str] = frozenset()
    forbidden: bool = False
    announce: Callable[[str], None] = lambda _notice: None
    _announced: set[str] = field(default_factory=set, repr=False)

    def refusal(self, query: Query) -> Abstained | None:
        """Why a query, or one that it builds on, may not be asked; None where it may."""
        for below in query.upstream:
            if (why := self.refusal(below)) is not None:
                return why
        attribute = attribute_of(query)
        if attribute is None:
            return None
        if self.forbidden:
            return Abstained(FORBIDDEN)
        if attribute not in self.allowed:
            return not_opted_in(attribute)
        if (notice := notice_of(attribute)) not in self._announced:
            self._announced.add(notice)
            self.announce(notice)
        return None


def not_opted_in(attribute: str) -> Abstained:
    """The abstention of what nobody opted in to."""
    shown = attribute.replace("_", " ")
    why = f"the rubric does not opt in to {shown}, and of people nothing is measured without that"
    return Abstained(why, REMEDY.format(attribute=attribute))
