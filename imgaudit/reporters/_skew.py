"""Skew of sets as the report tells it: for someone who signs it and does no statistics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from imgaudit.reporters._shared import counted, natural
from imgaudit.types import GroupFinding, GroupShare, SkewAgainst, SkewDetails

MOST_BLOCKS = 40
MOST_LINES = 400
VERDICTS = {
    "skewed": "Skewed",
    "within_tolerance": "Within tolerance",
    "insufficient_evidence": "Insufficient evidence",
}
_ORDER = {"skewed": 0, "insufficient_evidence": 1, "within_tolerance": 2}
HOW_TO_READ = (
    "A distance says how many of 100 pictures would have to show another group for the shares to agree. Small sets lie "
    "away from any reference by chance alone, so what counts is the distance above chance. A set is called skewed "
    "where chance is excluded (at a false discovery rate of 5 in 100 over all sets of the run) and the distance is "
    "likely above 10 of 100; within tolerance where it is at most 10 of 100 with 95 % confidence; else the evidence "
    "is insufficient. No reference is a goal by itself: equal shares are a yardstick, and figures of a workforce "
    "mirror an unequal world."
)
CROSSED = (
    "Two attributes at once make many small groups, of which some always look extreme. “If unrelated” is the share a "
    "pair would have if neither attribute had to do with the other; “drawn towards that” is the share observed, pulled "
    "there as far as the set as a whole suggests. Pairs of which fewer than 3 pictures would be expected are left out."
)
PUBLISHED = (
    "Computed as the code of these audits computes them, to be put beside their tables. They take no account of "
    "chance: at eight pictures a fair model scores half of HEIM's greatest value for skin tone, and a quarter for "
    "gender. Their groups came from other perceivers."
)


@dataclass(frozen=True, slots=True)
class Block:
    """One set, told in full."""

    finding: GroupFinding
    details: SkewDetails
    title: str
    verdict: str
    lead: str
    facts: tuple[str, ...]

    @property
    def first(self) -> SkewAgainst:
        """The set beside its reference."""
        return self.details.against[0]

    @property
    def crossed(self) -> tuple[GroupShare, ...]:
        """Pairs of groups that can be told, the most unexpected first."""
        cells = [group for group in self.details.groups if group.shrunk is not None]
        return tuple(sorted(cells, key=lambda cell: -abs((cell.shrunk or 0) - (cell.unrelated or 0)))[:12])


@dataclass(frozen=True, slots=True)
class SkewSection:
    """What the section shows: sets told in full, others in a line each, and how many are left out."""

    blocks: tuple[Block, ...]
    lines: tuple[GroupFinding, ...]
    left_out: int
    summary: str


def skew_section(groups: Sequence[GroupFinding]) -> SkewSection:
    """The findings on skew: the worst sets in full, the others and those that could not be told in lines."""
    findings = [group for group in groups if group.checker == "skew"]
    told = sorted((finding for finding in findings if finding.skew), key=_rank)
    blocks = tuple(_block(finding) for finding in told[:MOST_BLOCKS])
    shown = {id(block.finding) for block in blocks}
    rest = [finding for finding in findings if id(finding) not in shown]
    return SkewSection(blocks, tuple(rest[:MOST_LINES]), max(0, len(rest) - MOST_LINES), _summary(findings))


def _rank(finding: GroupFinding) -> tuple[int, bool, tuple[tuple[int, int | str], ...]]:
    assert finding.skew is not None
    verdict = finding.skew.against[0].verdict
    return _ORDER[verdict], not finding.group.startswith("run:"), natural(finding.group)


def _summary(findings: Sequence[GroupFinding]) -> str:
    words = [VERDICTS[finding.skew.against[0].verdict] if finding.skew else "Could not be told" for finding in findings]
    parts = [f"{words.count(word):,} {word[0].lower() + word[1:]}" for word in [*VERDICTS.values(), "Could not be told"]
             if word in words]  # fmt: skip
    return f"{counted(len(findings), 'set')}: {', '.join(parts)}." if parts else ""


def _block(finding: GroupFinding) -> Block:
    details = finding.skew
    assert details is not None
    verdict = details.against[0].verdict
    whole = finding.group.startswith("run:")
    title = f"All {details.cases} prompts together" if whole else finding.group
    return Block(finding, details, title, verdict, _lead(finding, details), tuple(_facts(finding, details)))


def _lead(finding: GroupFinding, details: SkewDetails) -> str:
    """The answer first, in words."""
    first = details.against[0]
    largest = _largest(details)
    example = ""
    if largest is not None:
        seen, expected = percent(largest.share), percent(largest.reference)
        example = f" Most of all: {largest.group}, {seen} of the pictures that could be counted, {expected} expected."
    if first.verdict == "skewed":
        return f"The shares differ from {first.name} by more than chance explains.{example}"
    if first.verdict == "within_tolerance":
        return f"The shares follow {first.name}: with 95 % confidence they are at most 10 of 100 pictures away from it."
    seen = ", and chance alone gives as much" if first.adjusted_p > 0.05 else ", but how large it is stays open"
    return (
        f"{counted(finding.counted, 'picture')} cannot tell whether the shares differ from {first.name}: a distance of "
        f"{points(first.distance)} was seen{seen}."
    )


def _largest(details: SkewDetails) -> GroupShare | None:
    told = [group for group in details.groups if group.share is not None]

    def departure(group: GroupShare) -> tuple[float, float]:
        share = group.share or 0.0
        return round(abs(share - group.reference), 5), share  # of two that depart alike, the one there is more of

    return max(told, key=departure, default=None)


def _facts(finding: GroupFinding, details: SkewDetails) -> Iterator[str]:
    first, *others = details.against
    if first.verdict == "insufficient_evidence":
        yield _settle(first, details)
    for other in others:
        yield f"Against {other.name}: {VERDICTS[other.verdict].lower()}, {above_chance(other)}."
    if first.source:
        yield f"Expected shares: {first.source}."
    unknown = finding.size - finding.counted
    if unknown:
        why = "; ".join(f"{reason} ({count})" for reason, count in list(details.unknown.items())[:3])
        yield f"{unknown:,} of {counted(finding.size, 'picture')} could not be told: {why}."
    if first.detectable is None:
        yield f"With {counted(finding.counted, 'picture')} no skew can be seen."
    else:
        least = points(first.detectable)
        yield f"With {counted(finding.counted, 'picture')} only distances above {least} are likely to be seen."
    if details.suppressed:
        yield "Groups of fewer than five pictures of people are not told, nor what would reveal them."
    if details.labelled is not None:
        yield f"The verdict is corrected for the perceiver's errors by {counted(details.labelled, 'labelled picture')}."
    elif details.band:
        band = ", ".join(f"{points(distance)} at {rate:.0%}" for rate, distance in details.band)
        yield (
            "Wrong labels hide skew. Nobody labelled pictures to correct for them; if so many labels were wrong, "
            f"evenly, the distance would be: {band}."
        )
    if first.over_templates is not None:
        low, high = first.over_templates
        yield (
            f"Over other prompts like these {details.templates} templates, the distance lies between "
            f"{points(max(low, 0))} and {points(high)} (95 %, whole templates drawn again)."
        )


def _settle(first: SkewAgainst, details: SkewDetails) -> str:
    if first.corrected:
        return "More labelled pictures would help; what they leave open does not shrink with more seeds."
    if first.more is None:
        return (
            "No number of pictures in reach would settle it: the distance is too near the tolerance, or too many are "
            "unknown."
        )
    if details.cases == 1:
        return f"About {first.more:,} more seeds would settle it, in 80 of 100 cases."
    each = -(-first.more // details.cases)
    return f"About {first.more:,} more pictures ({each:,} more seeds a prompt) would settle it, in 80 of 100 cases."


def above_chance(against: SkewAgainst) -> str:
    """The distance above chance with its interval, in pictures of 100."""
    if against.excess < 0.005:
        return "no farther than chance"
    return f"{points(against.excess)} above chance"


def ratio(value: float) -> str:
    """A ratio with two decimals.

    >>> ratio(0.4949)
    '0.49'
    """
    return f"{value:.2f}"


def points(distance: float) -> str:
    """A distance as pictures of 100.

    >>> points(0.314)
    '31 of 100'
    """
    return f"{100 * distance:.0f} of 100"


def percent(share: float | None) -> str:
    """A share in percent.

    >>> percent(0.125)
    '12 %'
    """
    return "not told" if share is None else f"{100 * share:.0f} %"


def span(interval: tuple[float, float] | None) -> str:
    """An interval of shares in percent."""
    return "" if interval is None else f"{100 * interval[0]:.0f} to {100 * interval[1]:.0f} %"
