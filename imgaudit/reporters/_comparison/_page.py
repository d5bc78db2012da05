"""The comparison as its HTML page shows it: rows and drawn intervals for the template, islands for the script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, zip_longest
from typing import Literal

from imgaudit.comparison import ComparedRuns, Comparison, Mover, Tested
from imgaudit.record import FinishedRun
from imgaudit.reporters._comparison._words import by_measure, coverage, interval, means, most_moved, signed
from imgaudit.reporters._details import island
from imgaudit.reporters._shared import counted, grounds, natural, number, one_line, said
from imgaudit.reporters._thumbnails import LEFT_OUT, WITHHELD, Budget, Thumbnail, thumbnails
from imgaudit.types import JSON, Decision, ImageRecord

PAGE = 25_000_000
THUMBNAILS = 18_000_000
MAX_CARDS = 100
MAX_PAIRS = 8
_BYTES_OF_A_PAIR = 3_000  # what a pair costs the page beside its copies
_WIDTH, _LEFT, _RIGHT = 320.0, 84.0, 308.0  # of a drawn interval; the left leaves room for the margin's label


# --- drawn intervals ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plot:
    """Where the lines of one interval lie, on a drawing of 320 units' width; tests of one measure share the scale."""

    zero: float
    margin: float | None
    low: float | None
    high: float | None
    gain: float
    words: str


@dataclass(frozen=True, slots=True)
class Row:
    """One test with its drawing; `plot` is none where nothing could be paired."""

    test: Tested
    plot: Plot | None
    means: str
    pictures: str
    interval: str
    stratum: int


@dataclass(frozen=True, slots=True)
class Block:
    """All tests of one measure; `measure` is its place among the page's measures."""

    name: str
    measure: int
    rows: tuple[Row, ...]


def _scale(tests: Sequence[Tested]) -> tuple[float, float]:
    """The ends of the drawn scale: every interval of the measure, zero and the margins lie within."""
    ends = [0.0]
    for test in tests:
        if test.margin is not None:
            ends.append(-test.margin)
        if test.estimate is not None:
            ends += [end for end in (test.estimate.low, test.estimate.high) if end is not None]
            ends.append(test.estimate.gain)
    low, high = min(ends), max(ends)
    return (low, high) if high > low else (low - 1, high + 1)


def _plot(test: Tested, scale: tuple[float, float]) -> Plot | None:
    estimate = test.estimate
    if estimate is None:
        return None
    low, high = scale

    def place(value: float) -> float:
        return round(_LEFT + (value - low) / (high - low) * (_RIGHT - _LEFT), 2)

    margin = None if test.margin is None else place(-test.margin)
    ends = [None if end is None else place(end) for end in (estimate.low, estimate.high)]
    words = f"gain {signed(estimate.gain)}, {interval(estimate)}"
    words += "" if test.margin is None else f"; the margin is at {signed(-test.margin)}"
    return Plot(place(0.0), margin, ends[0], ends[1], place(estimate.gain), words)


def _row(test: Tested, scale: tuple[float, float], strata: Mapping[str, int]) -> Row:
    estimate = test.estimate
    if estimate is None:
        return Row(test, None, "none", "none", "nothing could be paired", strata[test.stratum])
    pictures = (
        f"{coverage(estimate.base_counted, estimate.base_of)} → "
        f"{coverage(estimate.candidate_counted, estimate.candidate_of)}"
    )
    told = means(estimate.base_mean, estimate.candidate_mean)
    return Row(test, _plot(test, scale), told, pictures, interval(estimate), strata[test.stratum])


def _blocks(tests: Iterable[Tested], measures: Mapping[str, int], strata: Mapping[str, int]) -> tuple[Block, ...]:
    blocks = []
    for name, held in by_measure(tests):
        scale = _scale(held)
        blocks.append(Block(name, measures[name], tuple(_row(test, scale, strata) for test in held)))
    return tuple(blocks)


# --- pictures of what moved --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of one side; `key` names its larger copy on the page."""

    key: str
    record: ImageRecord
    thumbnail: Thumbnail

    @property
    def sharp(self) -> bool:
        """Whether the picture is so small that its pixels should stay sharp when it is enlarged."""
        return max(self.record.width or 0, self.record.height or 0) <= 128


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture of each side under one seed index, or one of them alone."""

    number: int
    label: str
    base: Shown | None
    candidate: Shown | None


@dataclass(frozen=True, slots=True)
class Card:
    """One prompt that moved, on however many measures, with its pairs of pictures."""

    number: int
    case: str
    prompt: str
    movers: tuple[Mover, ...]
    pairs: tuple[Pair, ...]
    left_out: int
    details: str


Records = tuple[ImageRecord | None, ImageRecord | None]


def paired(base: Sequence[ImageRecord], candidate: Sequence[ImageRecord]) -> list[Records]:
    """Pictures of one prompt, side by side: by seed where both have it, the others in order.

    Seeds need not be the same: pictures of other seeds of one prompt stand beside each other because they must stand
    somewhere. The statistics pair prompts, never pictures.
    """
    by_seed = {record.seed: record for record in candidate if record.seed is not None}
    matched: dict[str, ImageRecord] = {}
    for record in base:
        if record.seed is not None and record.seed in by_seed:
            matched[record.id] = by_seed.pop(record.seed)
    taken = {record.id for record in matched.values()}
    alone = [record for record in base if record.id not in matched]
    others = [record for record in candidate if record.id not in taken]
    together: list[Records] = [(record, matched[record.id]) for record in base if record.id in matched]
    return together + list(zip_longest(alone, others))


def _label(pair: Records) -> str:
    base, candidate = ("none" if record is None else _seed(record) for record in pair)
    return f"seed {base}" if base == candidate else f"seed {base} → {candidate}"


def _seed(record: ImageRecord) -> str:
    return "unknown" if record.seed is None else str(record.seed)


def _by_case(movers: Iterable[Mover]) -> list[tuple[Mover, ...]]:
    cases: dict[str, list[Mover]] = {}
    for mover in most_moved(movers):
        cases.setdefault(mover.case, []).append(mover)
    return [tuple(held) for held in cases.values()]


def _thumbnails(run: FinishedRun, records: Sequence[ImageRecord | None], room: int) -> Iterator[Thumbnail]:
    held = [record for record in records if record is not None]
    return iter(thumbnails(held, run.picture, Budget(THUMBNAILS // 2, room)))


def _cards(compared: ComparedRuns) -> tuple[tuple[Card, ...], int]:
    cases = _by_case(compared.comparison.movers)
    chosen = cases[:MAX_CARDS]
    pairs = [paired(*compared.pictures(movers[0])) for movers in chosen]
    kept = [records[:MAX_PAIRS] for records in pairs]
    flat = [pair for records in kept for pair in records]
    room = max(PAGE - _BYTES_OF_A_PAIR * len(flat), 0) // 2
    base = _thumbnails(compared.base, [pair[0] for pair in flat], room)
    candidate = _thumbnails(compared.candidate, [pair[1] for pair in flat], room)
    numbers = count(1)
    cards = []
    for place, (movers, all_pairs, records) in enumerate(zip(chosen, pairs, kept, strict=True), start=1):
        shown = tuple(_pair(next(numbers), pair, base, candidate) for pair in records)
        facts = island(_details(movers, shown))
        first = movers[0]
        left = len(all_pairs) - len(records)
        cards.append(Card(place, first.case, one_line(first.prompt, 400), movers, shown, left, facts))
    return tuple(cards), len(cases) - len(chosen)


def _pair(number: int, pair: Records, base: Iterator[Thumbnail], candidate: Iterator[Thumbnail]) -> Pair:
    left = None if pair[0] is None else Shown(f"b-{number}", pair[0], next(base))
    right = None if pair[1] is None else Shown(f"c-{number}", pair[1], next(candidate))
    return Pair(number, _label(pair), left, right)


def _details(movers: Sequence[Mover], pairs: Sequence[Pair]) -> JSON:
    measures = list(dict.fromkeys(mover.measure for mover in movers))
    return {
        "case": movers[0].case,
        "prompt": movers[0].prompt,
        "pairs": [
            {
                "n": pair.number,
                "label": pair.label,
                "base": _facts(pair.base, measures),
                "candidate": _facts(pair.candidate, measures),
            }
            for pair in pairs
        ],
    }


def _facts(shown: Shown | None, measures: Sequence[str]) -> JSON:
    if shown is None:
        return None
    record = shown.record
    return {
        "key": shown.key,
        "id": record.id,
        "width": record.width,
        "height": record.height,
        "verdict": str(record.verdict.final),
        "why": [reason.message for reason in grounds(record)][:6],
        "values": [[measure, _value(record, measure)] for measure in measures],
        "reduced": shown.thumbnail.larger_exists and not shown.thumbnail.large,
        "missing": shown.thumbnail.why_not,
    }


def _value(record: ImageRecord, measure: str) -> str:
    """A measure of one picture, or why there is none."""
    checker, _, name = measure.partition(".")
    finding = next((finding for finding in record.findings if finding.checker == checker), None)
    if finding is None:
        return "not looked at"
    if name in finding.measures:
        return number(finding.measures[name])
    if finding.outcome != "measured":
        return said(finding)
    return finding.unmeasured.get(name, "does not apply")


# --- the page ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FlipCell:
    """How many verdicts went from one decision to another, and whether that is a loss."""

    count: int
    after: Decision
    kind: Literal["same", "worse", "better"]


@dataclass(frozen=True, slots=True)
class Page:
    """All that the template is given."""

    comparison: Comparison
    primary: tuple[Block, ...]
    informing: tuple[Block, ...]
    cards: tuple[Card, ...]
    flips: tuple[tuple[Decision, tuple[FlipCell, ...]], ...]
    measures: tuple[str, ...]
    strata: tuple[str, ...]
    index: str
    notices: tuple[str, ...]


def page(compared: ComparedRuns) -> Page:
    """Prepare the page; decodes each picture of a mover once, and those that are shown enlarged twice."""
    comparison = compared.comparison
    tests, movers = comparison.tests, comparison.movers
    measures = sorted({test.measure for test in tests} | {mover.measure for mover in movers}, key=natural)
    strata = sorted({test.stratum for test in tests} | {mover.stratum for mover in movers}, key=natural)
    places = ({name: n for n, name in enumerate(measures)}, {name: n for n, name in enumerate(strata)})
    cards, left = _cards(compared)
    return Page(
        comparison=comparison,
        primary=_blocks((test for test in tests if test.primary), *places),
        informing=_blocks((test for test in tests if not test.primary), *places),
        cards=cards,
        flips=_flips(comparison),
        measures=tuple(measures),
        strata=tuple(strata),
        index=island([_indexed(card, *places) for card in cards]),
        notices=tuple(_notices(cards, left)),
    )


def _flips(comparison: Comparison) -> tuple[tuple[Decision, tuple[FlipCell, ...]], ...]:
    if comparison.flips is None:
        return ()
    order = list(Decision)

    def kind(before: Decision, after: Decision) -> Literal["same", "worse", "better"]:
        if before == after:
            return "same"
        return "worse" if order.index(after) > order.index(before) else "better"

    table = comparison.flips.table
    return tuple(
        (before, tuple(FlipCell(table.get(before, {}).get(after, 0), after, kind(before, after)) for after in order))
        for before in order
    )


def _indexed(card: Card, measures: Mapping[str, int], strata: Mapping[str, int]) -> JSON:
    return {
        "n": card.number,
        "moved": [[measures[mover.measure], strata[mover.stratum], mover.gain < 0] for mover in card.movers],
        "pairs": [pair.number for pair in card.pairs],
        "text": f"{card.case} {card.prompt}"[:4000],
    }


def _notices(cards: Sequence[Card], left: int) -> Iterator[str]:
    if left:
        yield f"{counted(left, 'further prompt')} moved less; comparison.json has all."
    sides = [side for card in cards for pair in card.pairs for side in (pair.base, pair.candidate) if side is not None]
    of = f"of {len(sides):,} pictures"
    missing = sum(side.thumbnail.why_not == LEFT_OUT for side in sides)
    if missing:
        yield f"{missing:,} {of} are not shown, to keep this page small."
    blurred = sum(side.thumbnail.blurred for side in sides)
    if blurred:
        yield f"{blurred:,} {of} are blurred, for a safety model flagged them; the files are clear."
    withheld = sum(side.thumbnail.why_not == WITHHELD for side in sides)
    if withheld:
        yield f"{withheld:,} {of} are not shown: they may be abuse material. Escalate; do not open."
    small = sum(side.thumbnail.larger_exists and not side.thumbnail.large for side in sides)
    if small:
        yield f"{small:,} {of} open at thumbnail size, to keep this page under 25 MB."
