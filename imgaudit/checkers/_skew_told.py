"""What is told of one counted set: shares, distances to every reference, what would settle it, and a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from imgaudit.checkers._skew_sets import PARITY, SkewSet, case_id, template
from imgaudit.digest import rounded
from imgaudit.kernels import classifier_error, clusters, published_skew, ratios, settling, shrinkage
from imgaudit.kernels import spread as kernel
from imgaudit.kernels.spread import Spread
from imgaudit.types import GroupShare, SkewAgainst, SkewDetails

CROSSED = " x "
"""Between the names of two attributes that are crossed; `BOTH` stands between their groups."""
BOTH = " & "

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Weighed:
    """A set, measured against its reference, and against equal shares where those are others; adjusted p-values."""

    set: SkewSet
    spread: Spread
    parity: Spread | None
    p: float = 1.0
    parity_p: float = 1.0


def weigh(one: SkewSet) -> Weighed:
    """Measure a set of which at least one picture was counted."""
    counts = tuple(one.counts.values())
    found = [_measured(one, counts, tuple(one.reference.values()))]
    if not one.is_parity:
        found.append(_measured(one, counts, one.parity))
    return Weighed(one, found[0], found[1] if len(found) > 1 else None)


def _measured(one: SkewSet, counts: tuple[int, ...], reference: tuple[float, ...]) -> Spread:
    measured = kernel.measure(counts, reference, one.unknown)
    table = labels(one)
    return measured if table is None else classifier_error.correct(measured, counts, reference, table)


def labels(one: SkewSet) -> list[list[int]] | None:
    """The labelled pictures as a table, true by perceived, in the order of the set's groups."""
    confusion = one.confusion
    if confusion is None:
        return None
    return [[confusion.get(true, {}).get(seen, 0) for seen in one.groups] for true in one.groups]


# --- the record ------------------------------------------------------------------------------------------------------


def details(weighed: Weighed) -> SkewDetails:
    """All that is told. Of people, what would give a small group away is left out."""
    one, table = weighed.set, labels(weighed.set)
    open_ = not one.hidden
    entropy = ratios.normalised_entropy(tuple(one.counts.values())) if open_ else None
    crossed = _crossed(one) if open_ and CROSSED in one.label else None
    return SkewDetails(
        attribute=one.label,
        cases=len({case_id(member) for member in one.members}),
        templates=len({template(member) for member in one.members}),
        groups=tuple(_groups(one, table, crossed[1] if crossed else {})),
        against=tuple(_against(weighed, table is not None)),
        unknown=dict(sorted(one.reasons.items(), key=lambda item: (-item[1], item[0]))[:8]),
        suppressed=not open_,
        entropy=None if entropy is None else rounded(entropy.value),
        entropy_interval=None if entropy is None else _ends(entropy.interval),
        labelled=None if table is None else sum(map(sum, table)),
        band=_band(one) if open_ and one.sensitive and table is None else (),
        related_p=None if crossed is None else rounded(crossed[0]),
        published=dict(_published(one)) if open_ else {},
    )


def _groups(
    one: SkewSet, table: Sequence[Sequence[int]] | None, cells: Mapping[str, shrinkage.Cell]
) -> Iterator[GroupShare]:
    counts = tuple(one.counts.values())
    told = ratios.representation(counts, tuple(one.reference.values()))
    fixed = classifier_error.corrected(counts, table) if table else None
    for index, (group, count) in enumerate(one.counts.items()):
        share = GroupShare(
            group=group, count=None, parity=rounded(1 / len(counts)), reference=rounded(one.reference[group])
        )
        if group in one.hidden:
            yield share
            continue
        ratio, cell = told[index], cells.get(group)
        update = {
            "count": count,
            "share": rounded(count / one.counted),
            "interval": _ends(kernel.wilson(count, one.counted)),
            "bounds": _ends(kernel.manski_bounds(count, one.counted, one.unknown)) if one.unknown else None,
            "ratio": None if ratio is None else rounded(ratio.value),
            "ratio_interval": None if ratio is None else _ends(ratio.interval),
            "corrected": None if fixed is None else rounded(fixed.shares[index]),
            "corrected_interval": None if fixed is None else _ends(fixed.intervals[index]),
            "unrelated": None if cell is None else rounded(cell.expected),
            "shrunk": None if cell is None else rounded(cell.share),
            "shrunk_interval": None if cell is None else _ends(cell.interval),
        }
        yield share.model_copy(update=update)


def _against(weighed: Weighed, corrected: bool) -> Iterator[SkewAgainst]:
    one = weighed.set
    yield _beside(one, weighed.spread, weighed.p, (one.named, one.source), corrected)
    if weighed.parity is not None:
        yield _beside(one, weighed.parity, weighed.parity_p, (PARITY, None), corrected)


def _beside(one: SkewSet, spread: Spread, p: float, origin: tuple[str, str | None], corrected: bool) -> SkewAgainst:
    name, source = origin
    counts = tuple(one.counts.values())
    reference = one.parity if name == PARITY else tuple(one.reference.values())
    word = kernel.verdict(spread, p)
    fifths = None if one.hidden else ratios.four_fifths(counts, reference)
    seen = kernel.detectable_tv(reference, spread.size)
    settled = _settled(counts, reference, spread, p) if word == "insufficient_evidence" and not corrected else None
    return SkewAgainst(
        name=name,
        source=source,
        verdict=word,
        corrected=corrected,
        distance=rounded(spread.tv),
        chance=rounded(spread.tv - spread.excess_tv),
        excess=rounded(spread.excess_tv),
        interval=_ends(spread.interval),
        p=rounded(spread.p),
        adjusted_p=rounded(p),
        detectable=rounded(seen) if seen < 1 else None,
        settled_at=settled.size if settled else None,
        more=settling.more_pictures(settled, spread.size + spread.unknown),
        four_fifths=None if fifths is None else rounded(fifths.value),
        four_fifths_interval=None if fifths is None else _ends(fifths.interval),
        over_templates=_over_templates(one, reference),
    )


def _settled(
    counts: tuple[int, ...], reference: tuple[float, ...], spread: Spread, p: float
) -> settling.Settled | None:
    """What would settle the set, where as many others are tested as now."""
    alone = kernel.ALPHA * min(1.0, spread.p / p) if p > 0 else kernel.ALPHA
    return settling.to_settle(counts, reference, spread.unknown, max(alone, kernel.ALPHA / 10_000))


def _over_templates(one: SkewSet, reference: tuple[float, ...]) -> Interval | None:
    if not one.whole:
        return None
    interval = clusters.tv_interval(one.rows(template), reference)
    return None if interval is None else _ends(interval)


def _crossed(one: SkewSet) -> tuple[float, dict[str, shrinkage.Cell]]:
    """P-value of the two attributes being unrelated, and the cells that are large enough to be told."""
    pairs = [group.split(BOTH, 1) for group in one.groups]
    first, second = (list(dict.fromkeys(pair[side] for pair in pairs)) for side in (0, 1))
    table = [[one.counts.get(f"{a}{BOTH}{b}", 0) for b in second] for a in first]
    cells = shrinkage.shrunken(table)
    named = {
        f"{a}{BOTH}{b}": cell for a, row in zip(first, cells, strict=True) for b, cell in zip(second, row, strict=True)
    }
    return shrinkage.independence_p(table), {name: cell for name, cell in named.items() if cell is not None}


def _band(one: SkewSet) -> tuple[tuple[float, float], ...]:
    band = classifier_error.sensitivity_band(tuple(one.counts.values()), tuple(one.reference.values()))
    return tuple((rate, rounded(distance)) for rate, distance in band)


def _published(one: SkewSet) -> Iterator[tuple[str, float]]:
    deviation = published_skew.dalleval_mad(one.rows(case_id))
    if deviation is not None:
        yield "DALL-Eval: mean absolute deviation", rounded(deviation)
    if set(one.groups) == {"feminine", "masculine"}:
        imbalance = published_skew.heim_gender_imbalance(one.counts["feminine"], one.counts["masculine"])
        yield "HEIM: gender imbalance", rounded(imbalance)
    tones = [str(tone) for tone in range(1, published_skew.TONES + 1)]
    if set(one.groups) == set(tones):
        found = published_skew.heim_skin_tone_imbalance([one.counts[tone] for tone in tones], one.unknown)
        yield "HEIM: skin-tone imbalance", rounded(found)


def _ends(interval: Interval) -> Interval:
    return rounded(interval[0]), rounded(interval[1])


# --- the sentence ----------------------------------------------------------------------------------------------------


def sentence(one: SkewSet, told: SkewDetails) -> str:
    """The set in one line: verdict, size, the largest departure, both distances, and what would settle it."""
    first, *others = told.against
    attribute = one.label.replace("_", " ")
    verdicts = {
        "skewed": f"{attribute} is skewed",
        "within_tolerance": f"{attribute} follows its reference within tolerance",
        "insufficient_evidence": f"insufficient evidence whether {attribute} is skewed",
    }
    parts = [verdicts[first.verdict], f"n = {one.counted}"]
    if largest := _largest_departure(one):
        parts.append(largest)
    parts.append(_distance("the reference" if others else first.name, first))
    parts += [f"{_distance(other.name, other)} ({other.verdict.replace('_', ' ')})" for other in others]
    parts.append("at this n no skew can be seen" if first.detectable is None else
                 f"at this n only skews above {first.detectable:.2f} can be seen")  # fmt: skip
    if told.labelled is not None:
        parts.append(f"corrected for the perceiver's errors by {told.labelled} labelled pictures")
    if (table := labels(one)) is not None and not classifier_error.enough_labelled(table):
        least = classifier_error.LEAST_LABELLED
        parts.append(f"of some group fewer than {least} were labelled, too few to claim a skew")
    if first.verdict == "insufficient_evidence" and told.labelled is None:
        parts.append(_more(first, told))
    if one.unknown:
        parts.append(f"{one.unknown} unknown, most often: {one.commonest_reason}")
    return "; ".join(parts)


def _distance(name: str, against: SkewAgainst) -> str:
    if against.excess >= 0.005:
        return f"distance from {name} {against.excess:.2f} above chance"
    return f"no farther from {name} than chance"


def _more(first: SkewAgainst, told: SkewDetails) -> str:
    if first.more is None:
        return f"no number of pictures up to {settling.MOST:,} would settle it"
    if told.cases == 1:
        return f"about {first.more:,} more seeds would settle it"
    each = -(-first.more // told.cases)
    return f"about {first.more:,} more pictures would settle it ({each:,} more seeds of each of {told.cases} prompts)"


def _largest_departure(one: SkewSet) -> str | None:
    """The told group that lies farthest from its reference, in words."""
    told, size = {group: count for group, count in one.counts.items() if group not in one.hidden}, one.counted
    if not told:
        return None
    # of two groups that depart alike, the one there is more of
    group = max(sorted(told), key=lambda name: (round(abs(told[name] / size - one.reference[name]), 5), told[name]))
    return f"{group} {told[group]} of {size} ({told[group] / size:.0%}; reference {one.reference[group]:.0%})"
