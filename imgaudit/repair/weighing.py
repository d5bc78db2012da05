"""Is a changed picture better? Pure comparison of what the checks measured before and after.

A change fixes a finding when the rule that fired is measured again and fires no more: a hand that can no longer be
found, or a text that can no longer be read, is not repaired. It harms when something else became worse:

- a rule fires that did not fire before, one that only makes a note included;
- a check, or a measure of it, that the rubric decides by can no longer tell: one with a rule that edits, holds or
  rejects, one that a need or a regression names, one of a dimension that is required. Of the others it is no loss that,
  say, in a picture with fewer straight lines no perspective can be judged;
- a measure with a direction got worse by more than its margin. The margin is the rubric's own (`regression.primaries`)
  where it states one, else `MARGIN` of the scale where the rubric decides by the measure and `INFORMS` where it only
  informs. Sizes may shrink by `SIZE_LOSS`, counts of what could not be told or read may not rise at all. A level of a
  fault that stays below `QUIET`, half its operating point, says of both pictures that they do not have it: taking sharp
  letters off a sharp picture blurs nothing.

Measures on scales without an end (degrees, deviations, ...) have no step that means the same everywhere; unless the
rubric states a margin, the rules over them are compared and they are not. How sure a check is of itself (`confidence`)
is no property of the picture. A crop may lose megapixels, for that is what it is; it has a limit of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from imgaudit.dimensions import BY_ID
from imgaudit.registry import checkers
from imgaudit.repair.tasks import Aim, fires
from imgaudit.rubric import SEVERITY, Rubric, judge
from imgaudit.types import Decision, Finding, Measure, Verdict

MARGIN = 0.05
INFORMS = 0.25
SIZE_LOSS = 0.1
QUIET = 0.25
LEVEL = "level 0..1"
SCALES = {
    "probability": (0.0, 1.0), "share": (0.0, 1.0), "0 or 1": (0.0, 1.0), "cosine": (-1.0, 1.0),
    "correlation": (-1.0, 1.0),
}  # fmt: skip
"""Units of bounded scales that do not say themselves where they begin and end; others do, as in `1..21`."""
_ENDS = re.compile(r"(?:^|\s)(-?\d+)\.\.(\d+)$")
SIZES = ("million pixels", "cm")
NO_PROPERTY = "confidence"
UNKNOWN = "unknown."
"""How the codes of notes begin that only say what could not be told; they are weighed as what they are about."""
COUNTS = ("tokens", "hands", "faces")
MOST_GAIN = 20.0


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the comparison says.

    `gain` is the mean change of the measures with a direction, in margins; up is good: first of the checks that fired,
    then of all. A measure that could not be told before counts from the bad end of its scale. Gains rank tries against
    each other and decide nothing else.
    """

    verdict: Decision
    fixed: bool
    harmed: tuple[str, ...]
    gain: tuple[float, float]
    why: str

    @property
    def good(self) -> bool:
        """Whether the picture may be kept."""
        return self.fixed and not self.harmed

    @property
    def rank(self) -> tuple[int, float, float]:
        """Smaller is better, among good ones."""
        return SEVERITY[self.verdict], -self.gain[0], -self.gain[1]


@dataclass(frozen=True, slots=True)
class _Change:
    """A measure before and after; `margin` is the loss that is accepted, and `told` whether it was told before."""

    name: str
    before: float
    after: float
    better: str
    margin: float
    told: bool
    unit: str

    @property
    def loss(self) -> float:
        return self.before - self.after if self.better == "up" else self.after - self.before

    @property
    def harmful(self) -> bool:
        if self.unit == LEVEL and self.better == "down" and max(self.before, self.after) < QUIET:
            return False
        return self.told and self.loss > self.margin + 1e-9

    def words(self) -> str:
        return f"{self.name} went from {self.before:g} to {self.after:g}"


def weigh(
    before: Sequence[Finding], after: Sequence[Finding], aims: Sequence[Aim], rubric: Rubric, exempt: Sequence[str] = ()
) -> Weighed:
    """Compare the findings of a changed picture with those of the original.

    Args:
        before: of the original, from the checks of single pictures.
        after: of the changed picture, from the same checks.
        aims: the rules that the change was for.
        rubric: what judges both.
        exempt: measures (checker.name) that the method changes on purpose.
    """
    now = {finding.checker: finding for finding in after}
    verdict = judge(after, rubric)
    seen = rubric.read(after)
    still = [_unfixed(aim, seen.get(aim.rule.checker)) for aim in aims]
    problems = [text for text in still if text is not None]
    fired = {aim.rule.checker for aim in aims}
    changes = [change for change in _changes(before, now, rubric) if change.name not in exempt]
    harms = dict(_harms(before, now, judge(before, rubric), verdict))
    harms |= dict(_untold(before, now, decided_by(rubric)))
    harms |= {change.name: change.words() for change in changes if change.harmful}
    return Weighed(
        verdict=verdict.machine,
        fixed=not problems,
        harmed=tuple(harms),
        gain=(_gain([change for change in changes if change.name.partition(".")[0] in fired]), _gain(changes)),
        why="; ".join([*problems, *harms.values()][:6]) or "fixed, and nothing else became worse",
    )


def _unfixed(aim: Aim, now: Finding | None) -> str | None:
    """Why the rule is not answered, or None when it is."""
    if now is None or now.outcome != "measured":
        return f"{aim.rule.checker} can no longer tell whether {aim.rule.id} holds"
    named = [term.seen_as for term in aim.rule.terms if term.kind in ("measure", "calibrated")]
    untold = [name for name in named if name not in now.measures]
    if untold:
        return f"{aim.rule.checker}.{untold[0]} can no longer be told"
    return f"{aim.rule.id} still fires" if fires(aim.rule, now) else None


def _harms(
    before: Sequence[Finding], now: Mapping[str, Finding], old: Verdict, new: Verdict
) -> Iterator[tuple[str, str]]:
    known = {reason.rule for reason in (*old.reasons, *old.holds, *old.notes)}
    for reason in (*new.reasons, *new.holds):
        if reason.rule not in known:
            yield f"rule:{reason.rule}", f"{reason.rule} newly fires ({reason.message.rstrip('.')})"
    for reason in new.notes:
        if reason.rule not in known and not reason.code.startswith(UNKNOWN):
            yield f"rule:{reason.rule}", f"{reason.rule} newly makes a note ({reason.message.rstrip('.')})"


def _untold(
    before: Sequence[Finding], now: Mapping[str, Finding], decisive: frozenset[str]
) -> Iterator[tuple[str, str]]:
    for finding in before:
        later = now.get(finding.checker)
        if finding.outcome != "measured" or later is None:
            continue
        if later.outcome != "measured":
            if finding.checker in decisive:
                yield f"check:{finding.checker}", f"{finding.checker} can no longer tell: {later.reason or later.error}"
            continue
        for name in sorted(finding.measures.keys() & later.unmeasured.keys()):
            full = f"{finding.checker}.{name}"
            if full in decisive:
                yield full, f"{full} can no longer be told"


def decided_by(rubric: Rubric) -> frozenset[str]:
    """The checkers, and the measures (checker.name), that a rubric decides by."""
    named = {need for entry in rubric.dimensions.values() for need in entry.needs if entry.required}
    for rule in rubric.rules().values():
        if rule.then != "note":
            named |= {f"{term.checker}.{term.name}" for term in rule.terms if term.kind == "measure"} | {rule.checker}
    if rubric.regression is not None:
        named |= {primary.measure for primary in rubric.regression.primaries}
    required = {name for name, entry in rubric.dimensions.items() if entry.required}
    owners = {checker for name in required for checker in BY_ID[name].checkers}
    return frozenset({*named, *owners, *(name.partition(".")[0] for name in named)})


def _changes(before: Sequence[Finding], now: Mapping[str, Finding], rubric: Rubric) -> Iterator[_Change]:
    own = {p.measure: p.margin for p in rubric.regression.primaries} if rubric.regression is not None else {}
    decisive = decided_by(rubric)
    for finding in before:
        later = now.get(finding.checker)
        if later is None or finding.checker not in checkers.names():
            continue
        facts: dict[str, Measure] = {m.name: m for m in checkers.get(finding.checker).measures}
        for name, after in sorted(later.measures.items()):
            fact, old, full = facts.get(name), finding.measures.get(name), f"{finding.checker}.{name}"
            if fact is None or fact.better == "none" or name == NO_PROPERTY:
                continue
            start = old if old is not None else _bad_end(fact)
            margin = own[full] if full in own else _margin(fact.unit, start, full in decisive)
            if start is not None and margin is not None:
                yield _Change(full, start, after, fact.better, margin, old is not None, fact.unit)


def scale_of(unit: str) -> tuple[float, float] | None:
    """Where the scale of a unit begins and ends; None where it has no end.

    >>> scale_of("level 0..1"), scale_of("1..21"), scale_of("degrees")
    ((0.0, 1.0), (1.0, 21.0), None)
    """
    ends = _ENDS.search(unit)
    return (float(ends[1]), float(ends[2])) if ends else SCALES.get(unit)


def _bad_end(fact: Measure) -> float | None:
    scale = scale_of(fact.unit)
    return scale[fact.better == "down"] if scale is not None else None


def _margin(unit: str, before: float | None, decisive: bool) -> float | None:
    """The loss that is accepted; None for a scale on which none can be named."""
    if unit in COUNTS:
        return 0.0
    if unit in SIZES:
        return SIZE_LOSS * abs(before or 0.0)
    scale = scale_of(unit)
    return None if scale is None else (MARGIN if decisive else INFORMS) * (scale[1] - scale[0])


def _gain(changes: Sequence[_Change]) -> float:
    """Counts are left out: they have no margin to measure a change in."""
    shares = [max(-MOST_GAIN, min(MOST_GAIN, -change.loss / change.margin)) for change in changes if change.margin]
    return round(sum(shares) / len(shares), 6) if shares else 0.0


def tolerances(rubric: Rubric) -> dict[str, float]:
    """The margins on record: of a bounded scale, of an open one, and the rubric's own."""
    own = {p.measure: p.margin for p in rubric.regression.primaries} if rubric.regression is not None else {}
    return {"decides": MARGIN, "informs": INFORMS, "size": SIZE_LOSS, "quiet": QUIET, **own}
