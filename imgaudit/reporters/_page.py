"""The finished run as the HTML page shows it: rows for the template, islands of JSON for the script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from imgaudit.record import DimensionLine, FinishedRun, Report, Score
from imgaudit.reporters._clauses import KindLine, by_kind
from imgaudit.reporters._details import details, island
from imgaudit.reporters._sets import Sets, is_cluster, is_prompt, sets_of
from imgaudit.reporters._shared import (
    codes,
    grounds,
    natural,
    one_line,
    overridden,
    said,
    worst_first,
)
from imgaudit.reporters._skew import SkewSection, skew_section
from imgaudit.reporters._thumbnails import LEFT_OUT, WITHHELD, Budget, Thumbnail, thumbnails
from imgaudit.types import JSON, Finding, GroupFinding, ImageRecord

PAGE = 25_000_000
THUMBNAILS = 18_000_000
_BYTES_OF_A_ROW = 5_000  # what one picture costs the page beside its copies and its details
MAX_COLUMNS = 24
MAX_ROWS = 500


@dataclass(frozen=True, slots=True)
class Card:
    """One picture on the page; `number` is its place, worst first, counted from 1."""

    number: int
    record: ImageRecord
    thumbnail: Thumbnail
    details: str
    why: tuple[str, ...]
    prompt: str

    @property
    def sharp(self) -> bool:
        """Whether the picture is so small that its pixels should stay sharp when it is enlarged."""
        return max(self.record.width or 0, self.record.height or 0) <= 128


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a picture's file says about its origin."""

    number: int
    record: ImageRecord
    disclosed: str
    credentials: str
    generator: str


@dataclass(frozen=True, slots=True)
class Facet:
    """One choice of the filter by finding: all pictures that carry `token`."""

    token: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One case of the contact sheet: the cards of each column."""

    case: str
    cells: tuple[tuple[Card, ...], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Case x seed; `columns` are seeds, or places in the case where there are too many seeds."""

    by_seed: bool
    columns: tuple[str, ...]
    rows: tuple[SheetRow, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """All that the template is given."""

    run: FinishedRun
    report: Report
    cards: tuple[Card, ...]
    sheet: Sheet
    facets: tuple[tuple[str, tuple[Facet, ...]], ...]
    cases: tuple[str, ...]
    provenance: tuple[Provenance, ...]
    scores: tuple[tuple[str, tuple[Score, ...]], ...]
    groups: tuple[GroupFinding, ...]
    clauses: tuple[KindLine, ...]
    sets: Sets
    skew: SkewSection
    dimensions: tuple[tuple[str, tuple[DimensionLine, ...]], ...]
    index: str
    overridden: int
    notices: tuple[str, ...]


def page(run: FinishedRun) -> Page:
    """Prepare the page; decodes each picture once, and those that are shown enlarged twice."""
    cards = _cards(run)
    cases = sorted({record.case for record in run.images if record.case is not None}, key=natural)
    places = {case: place for place, case in enumerate(cases)}
    return Page(
        run=run,
        report=run.report,
        cards=cards,
        sheet=_sheet(cards),
        facets=_facets(run.images),
        cases=tuple(cases),
        provenance=tuple(_provenance(card) for card in cards),
        scores=_by_stratum(run.report.scores),
        groups=tuple(group for group in run.groups if not is_prompt(group) and not is_cluster(group)),
        clauses=by_kind(run.images),
        sets=sets_of(run, cards),
        skew=skew_section(run.groups),
        dimensions=_by_group(run.report.dimensions),
        index=island([_indexed(card, places) for card in cards]),
        overridden=overridden(run.images),
        notices=tuple(_notices(cards)),
    )


def _cards(run: FinishedRun) -> tuple[Card, ...]:
    images = worst_first(run.images)
    told = [island(details(record)) for record in images]
    other = sum(map(len, told)) + _BYTES_OF_A_ROW * len(images)
    shown = thumbnails(images, run.picture, Budget(THUMBNAILS, max(PAGE - other, 0)))
    return tuple(
        Card(
            number=number,
            record=record,
            thumbnail=thumbnail,
            details=detail,
            why=tuple(one_line(reason.message) for reason in grounds(record)),
            prompt=one_line(record.prompt or "", 240),
        )
        for number, (record, thumbnail, detail) in enumerate(zip(images, shown, told, strict=True), start=1)
    )


def _notices(cards: Sequence[Card]) -> Iterator[str]:
    missing = Counter(card.thumbnail.why_not for card in cards if card.thumbnail.why_not == LEFT_OUT)[LEFT_OUT]
    if missing:
        yield f"{missing:,} of {len(cards):,} pictures are not shown, to keep this page small."
    blurred = sum(card.thumbnail.blurred for card in cards)
    if blurred:
        yield f"{blurred:,} of {len(cards):,} pictures are blurred: a safety model flagged them; the files are not."
    withheld = sum(card.thumbnail.why_not == WITHHELD for card in cards)
    if withheld:
        yield f"{withheld:,} of {len(cards):,} pictures are not shown: they may be abuse material; do not open them."
    small = sum(card.thumbnail.larger_exists and not card.thumbnail.large for card in cards)
    if small:
        yield f"{small:,} of {len(cards):,} pictures open at thumbnail size, to keep this page under 25 MB."


def _tokens(record: ImageRecord) -> list[str]:
    found = codes(record)
    tokens = {f"code:{code}" for code in found} | {f"any:{code.split('.')[0]}" for code in found}
    tokens |= {f"{finding.outcome}:{finding.checker}" for finding in record.findings if finding.outcome != "measured"}
    return sorted(tokens)


def _facets(images: Sequence[ImageRecord]) -> tuple[tuple[str, tuple[Facet, ...]], ...]:
    tally = Counter(token for record in images for token in _tokens(record))
    order = {"any": 0, "code": 1, "abstained": 2, "failed": 3}
    words = {"any": "any finding", "abstained": "could not tell", "failed": "failed"}

    def checker(token: str) -> str:
        return token.partition(":")[2].split(".")[0]

    def label(token: str) -> str:
        kind, _, name = token.partition(":")
        return f"{checker(token)}: {words[kind]}" if kind in words else name

    ordered = sorted(tally, key=lambda token: (checker(token), order[token.partition(":")[0]], token))
    return tuple(
        (name, tuple(Facet(token, label(token), tally[token]) for token in tokens))
        for name, tokens in groupby(ordered, key=checker)
    )


def _indexed(card: Card, places: Mapping[str, int]) -> JSON:
    record = card.record
    read = [line.text for finding in record.findings for line in finding.evidence.lines]
    words = [record.id, record.path, record.case or "", record.prompt or "", *codes(record), *card.why, *read]
    words += [edit.instruction for edit in record.verdict.edits]
    return {
        "n": card.number,
        "verdict": str(record.verdict.final),
        "case": None if record.case is None else places[record.case],
        "tokens": _tokens(record),
        "text": " ".join(words)[:4000],
    }


def _sheet(cards: Sequence[Card]) -> Sheet:
    cases: dict[str, list[Card]] = {}
    for card in sorted(cards, key=lambda card: natural(card.record.id)):
        if card.record.case is not None:
            cases.setdefault(card.record.case, []).append(card)
    seeds = sorted({card.record.seed for held in cases.values() for card in held if card.record.seed is not None})
    complete = all(card.record.seed is not None for held in cases.values() for card in held)
    by_seed = complete and 0 < len(seeds) <= MAX_COLUMNS
    rows = [
        SheetRow(case, _seeded(held, seeds) if by_seed else tuple((card,) for card in held))
        for case, held in sorted(cases.items(), key=lambda item: natural(item[0]))
    ]
    width = max((len(row.cells) for row in rows), default=0)
    columns = tuple(str(seed) for seed in seeds) if by_seed else tuple(str(place) for place in range(1, width + 1))
    even = tuple(SheetRow(row.case, row.cells + ((),) * (width - len(row.cells))) for row in rows)
    return Sheet(by_seed, columns, even)


def _seeded(cards: Sequence[Card], seeds: Sequence[int]) -> tuple[tuple[Card, ...], ...]:
    return tuple(tuple(card for card in cards if card.record.seed == seed) for seed in seeds)


def _provenance(card: Card) -> Provenance:
    record = card.record
    finding = next((finding for finding in record.findings if finding.checker == "provenance"), None)
    source = record.source
    made = [source.generator, source.model, None if source.seed is None else f"seed {source.seed}"]
    return Provenance(
        number=card.number,
        record=record,
        disclosed=_disclosed(finding),
        credentials=_credentials(finding),
        generator=", ".join(part for part in made if part) or "not said",
    )


def _disclosed(finding: Finding | None) -> str:
    if finding is None:
        return "not looked for"
    if "ai_disclosed" in finding.measures:
        return "yes" if finding.measures["ai_disclosed"] >= 0.5 else "no"
    return finding.unmeasured.get("ai_disclosed") or said(finding) or "could not tell"


def _credentials(finding: Finding | None) -> str:
    if finding is None:
        return "not looked for"
    state = finding.labels.get("c2pa_state")
    if state is None:
        return said(finding) or "could not tell"
    parts = [state]
    if state in ("valid", "invalid"):
        parts.append(f"trust: {finding.labels.get('c2pa_trust', 'none')}")
    if failures := finding.labels.get("c2pa_failures"):
        parts.append(failures)
    return "; ".join(parts)


def _by_stratum(scores: Sequence[Score]) -> tuple[tuple[str, tuple[Score, ...]], ...]:
    strata: dict[str, list[Score]] = {}
    for score in scores:
        strata.setdefault(score.stratum, []).append(score)
    ordered = sorted(strata.items(), key=lambda item: (item[0] != "all", natural(item[0])))
    return tuple((stratum, tuple(held)) for stratum, held in ordered)


def _by_group(dimensions: Sequence[DimensionLine]) -> tuple[tuple[str, tuple[DimensionLine, ...]], ...]:
    titles = (("picture", "Of the picture"), ("use", "Of its use"))
    return tuple((title, tuple(line for line in dimensions if line.group == group)) for group, title in titles)


def flattened(value: JSON, path: str = "") -> list[tuple[str, str]]:
    """A JSON value as lines of `dotted.path` and text, cut after `MAX_ROWS` lines."""
    return list(_leaves(value, path))[:MAX_ROWS]


def _leaves(value: JSON, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key in value:
            yield from _leaves(value[key], f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        yield path, ", ".join(one_line(str(item)) for item in value)
    elif value is not None:
        yield path, str(value)
