"""Sets of pictures that the skew checker counts together, and what they are compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from imgaudit.types import Abstained, Failed, Member, SkewPlan

if TYPE_CHECKING:
    from imgaudit.checkers.skew import Attribute

    Find = Callable[[str], Attribute | None]

PARITY = "equal shares"
OWN_SHARES = "the suite's own shares"
MEAN = "the mean of the prompts' own shares"
LEAST_PEOPLE = 5
"""Fewer pictures are not told where the attribute is one of people, as a set and as a group."""


@dataclass(frozen=True)
class SkewSet:
    """Pictures that are counted together.

    Attributes:
        name: a case id, or `run:` and the attribute.
        label: the attribute as the plan names it; `attribute`: what it is, None where nobody knows it.
        reference: expected share of each group; `named`: where they come from, `source`: in full.
        confusion: true group -> perceived group -> labelled pictures, if people labelled some.
    """

    name: str
    label: str
    attribute: Attribute | None
    reference: Mapping[str, float]
    named: str
    source: str | None
    members: tuple[Member, ...]
    confusion: Mapping[str, Mapping[str, int]] | None = None

    @property
    def whole(self) -> bool:
        """Whether it joins several cases."""
        return self.name.startswith("run:")

    @property
    def sensitive(self) -> bool:
        """Whether the attribute is one of people; an unknown one is treated so."""
        return self.attribute is None or self.attribute.sensitive

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that are counted."""
        return tuple(self.reference)

    @property
    def parity(self) -> tuple[float, ...]:
        """Equal shares."""
        return (1 / len(self.reference),) * len(self.reference)

    @property
    def is_parity(self) -> bool:
        """Whether the reference is equal shares."""
        return all(abs(share - 1 / len(self.reference)) < 1e-9 for share in self.reference.values())

    @cached_property
    def seen(self) -> Counter[str]:
        """Pictures by perceived group, those that the reference lacks included."""
        return Counter(member.projection["group"] for member in self.members if isinstance(member.projection, Mapping))

    @cached_property
    def counts(self) -> dict[str, int]:
        """Pictures by group of the reference."""
        return {group: self.seen[group] for group in self.reference}

    @cached_property
    def counted(self) -> int:
        """Pictures whose group is one of the reference's."""
        return sum(self.counts.values())

    @property
    def unknown(self) -> int:
        """The others."""
        return len(self.members) - self.counted

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Of people: groups under five, and one more where a single one could be worked out."""
        if not self.sensitive:
            return frozenset()
        rising = sorted(self.counts, key=lambda group: (self.counts[group], group))
        hidden = {group for group in rising if self.counts[group] < LEAST_PEOPLE}
        if len(hidden) == 1:
            hidden.add(rising[1])
        return frozenset(hidden)

    def rows(self, key: Callable[[Member], str]) -> list[list[int]]:
        """Counts by group, a row for each value of `key` that has a counted picture."""
        tally: dict[str, Counter[str]] = {}
        for member in self.members:
            if isinstance(member.projection, Mapping):
                tally.setdefault(key(member), Counter())[member.projection["group"]] += 1
        rows = [[counter[group] for group in self.reference] for _, counter in sorted(tally.items())]
        return [row for row in rows if any(row)]

    @cached_property
    def reasons(self) -> Counter[str]:
        """Why pictures are unknown."""
        return Counter(reason for member in self.members if (reason := self._reason(member)))

    def _reason(self, member: Member) -> str:
        match member.projection:
            case Abstained(reason=reason):
                return reason
            case Failed(error=error):
                return error
            case seen if seen["group"] in self.reference:
                return ""
            case seen if self.attribute and seen["group"] in self.attribute.groups:
                return f"{seen['group']!r} was seen, which the reference has no share of"
            case seen:
                return f"{seen['group']!r} is none of the groups"

    @property
    def commonest_reason(self) -> str:
        """Why most of the unknown are."""
        reasons = self.reasons
        return max(sorted(reasons), key=lambda reason: reasons[reason]) if reasons else ""


def case_id(member: Member) -> str:
    """The case of a picture."""
    return member.case.id


def template(member: Member) -> str:
    """The template of a picture's prompt: what its plan says, else its case is one by itself."""
    plan = member.case.skew
    return f"t:{plan.template}" if plan and plan.template else f"c:{member.case.id}"


def sets_of(planned: Sequence[Member], find: Find) -> list[SkewSet]:
    """A set a case, by case id; then a set for each attribute that several cases count by the same groups."""
    by_case: dict[str, list[Member]] = {}
    for member in planned:
        by_case.setdefault(member.case.id, []).append(member)
    cases = [_case_set(name, tuple(by_case[name]), find) for name in sorted(by_case)]
    together: dict[tuple[str, tuple[str, ...]], list[SkewSet]] = {}
    for one in cases:
        together.setdefault((one.label, tuple(sorted(one.reference))), []).append(one)
    several = {key: sets for key, sets in together.items() if len(sets) > 1}
    return cases + [_joined(key, several[key], [other[0] for other in several]) for key in sorted(several)]


def _case_set(name: str, members: tuple[Member, ...], find: Find) -> SkewSet:
    plan = members[0].case.skew
    assert plan is not None
    attribute = find(plan.attribute)
    named, source = _origin(plan)
    labelled = plan.labelled.counts if plan.labelled else None
    return SkewSet(name, plan.attribute, attribute, _reference(plan, attribute), named, source, members, labelled)


def _origin(plan: SkewPlan) -> tuple[str, str | None]:
    if plan.shares_from is not None:
        return f"{plan.shares_from.table}: {plan.shares_from.row}", plan.shares_from.source
    return (PARITY if plan.reference is None else OWN_SHARES), None


def _reference(plan: SkewPlan, attribute: Attribute | None) -> dict[str, float]:
    if plan.reference is not None:
        total = sum(plan.reference.values())
        return {group: share / total for group, share in sorted(plan.reference.items())}
    groups = attribute.groups if attribute else ()
    return {group: 1 / len(groups) for group in groups}


def _joined(key: tuple[str, tuple[str, ...]], sets: Sequence[SkewSet], labels: Sequence[str]) -> SkewSet:
    """All cases of an attribute, against the mean of their references, each weighed by its counted pictures.

    Counts of cases with different shares scatter less than one multinomial with the mean shares, so the exact test errs
    on the safe side.
    """
    label, groups = key
    weights = [one.counted or 1 for one in sets]
    reference = {
        group: sum(one.reference[group] * weight for one, weight in zip(sets, weights, strict=True)) / sum(weights)
        for group in groups
    }
    name = f"run:{label}" if labels.count(label) == 1 else f"run:{label} ({', '.join(groups)})"
    origins = {(one.named, one.source) for one in sets}
    named, source = origins.pop() if len(origins) == 1 else (MEAN, None)
    confusion = sets[0].confusion if all(one.confusion == sets[0].confusion for one in sets) else None
    members = tuple(member for one in sets for member in one.members)
    return SkewSet(name, label, sets[0].attribute, reference, named, source, members, confusion)
