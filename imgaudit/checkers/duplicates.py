"""Is a picture a copy of another one of the set?

Two pictures are exact copies when their decoded pixels are equal. They are near copies when their PDQ hashes differ in
at most 31 of 256 bits (the radius that Meta's description recommends), and the mean colours of a 16 by 16 grid agree;
where PDQ itself says that it found little to hold on to (quality under 50: flat shapes, empty pictures), the 64-bit
pHash must agree within 6 bits as well. The hashes look at brightness alone: without the grid a red circle would be a
copy of a green one.

Known limits: crops of more than a few in a hundred, mirror images, turned pictures, grey copies of colourful ones and
the same subject drawn anew are not found; copies of copies form one cluster, so its first and last picture may differ
more than the radius; nothing outside the set is compared, so this says nothing about copies of training pictures.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from imgaudit.digest import rounded
from imgaudit.kernels.hashes import distance, grid_distance, near_pairs
from imgaudit.percepts import Pixels
from imgaudit.registry import checker
from imgaudit.types import (
    JSON,
    Abstained,
    Case,
    Failed,
    GroupFinding,
    GroupOutcome,
    Measure,
    Measured,
    Member,
    Percepts,
    Query,
)

PIXELS = Query("pixels")
PDQ_RADIUS = 31
PDQ_SURE = 50
PHASH_RADIUS = 6
GRID_RADIUS = 25.0


@dataclass(frozen=True, slots=True)
class Print:
    """What is compared of one picture."""

    id: str
    digest: str
    pdq: str
    quality: int
    phash: str
    grid: str


@dataclass(frozen=True, slots=True)
class Link:
    """The nearest other picture that a picture is a copy of."""

    other: str
    bits: int
    exact: bool


@checker
class DuplicatesChecker:
    """Exact and near copies within the set."""

    name: ClassVar[str] = "duplicates"
    title: ClassVar[str] = "Duplicates"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("memorisation",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("share", "share", "down", "pictures of the set that are a copy of another one, exact or near"),
        Measure("distance", "bits of 256", "up", "of a copy's PDQ hash from that of the picture it is a copy of"),
    )
    labels: ClassVar[Mapping[str, str]] = {"copy_of": "id of the picture that this one is a copy of"}
    codes: ClassVar[Mapping[str, str]] = {
        "duplicates.exact": "its pixels equal those of another picture of the set",
        "duplicates.near": "it looks nearly the same as another picture of the set",
    }
    limits: ClassVar[str] = (
        "Mirror images, turned pictures, grey copies of colourful ones, crops of more than a few in a hundred and the "
        "same subject drawn anew are not found. Only pictures of the set are compared: nothing is said about copies of "
        "training pictures."
    )
    sensitive: ClassVar[bool] = False

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """One look at the pixels."""
        return [PIXELS]

    def project(self, case: Case, percepts: Percepts) -> Mapping[str, JSON] | Abstained | Failed:
        """The digest and the hashes."""
        seen = percepts.seen(PIXELS, Pixels)
        if isinstance(seen, (Abstained, Failed)):
            return seen
        return {
            "digest": seen.digest,
            "pdq": seen.pdq,
            "quality": seen.pdq_quality,
            "phash": seen.phash,
            "grid": seen.grid,
        }

    def aggregate(self, members: Sequence[Member]) -> GroupOutcome:
        """The share of copies in the set, each cluster of copies, and a finding on each copy's own line."""
        prints = sorted(
            (Print(id=m.id, **m.projection) for m in members if isinstance(m.projection, Mapping)), key=lambda p: p.id
        )
        if len(prints) < 2:
            return GroupOutcome((_abstained(len(members), len(prints)),))
        links = _links(prints)
        clusters = _clusters(links)
        groups = (_over_all(len(members), len(prints), links, clusters), *(_cluster(ids, links) for ids in clusters))
        return GroupOutcome(groups, {id: _of_picture(found) for id, found in sorted(links.items())})


# --- finding copies ----------------------------------------------------------------------------


def _links(prints: Sequence[Print]) -> dict[str, list[Link]]:
    """For each picture that is a copy: what it is a copy of, exact copies first, then the nearest."""
    links: dict[str, list[Link]] = defaultdict(list)
    same: dict[str, list[Print]] = defaultdict(list)
    for one in prints:
        same[one.digest].append(one)
    for copies in same.values():
        for place, one in enumerate(copies[1:], start=1):
            links[one.id].append(Link(copies[0].id, 0, True))
            if place == 1:
                links[copies[0].id].append(Link(one.id, 0, True))
    for first, second, bits in _near([copies[0] for copies in same.values()]):
        links[first.id].append(Link(second.id, bits, False))
        links[second.id].append(Link(first.id, bits, False))
    return {id: sorted(found, key=lambda link: (not link.exact, link.bits, link.other)) for id, found in links.items()}


def _near(prints: Sequence[Print]) -> Iterator[tuple[Print, Print, int]]:
    """Near copies among pictures with different pixels; a pair that is joined through others already is passed over."""
    joined = _Union()
    for firsts, seconds, bits in near_pairs([one.pdq for one in prints], PDQ_RADIUS):
        for i, j, apart in zip(firsts.tolist(), seconds.tolist(), bits.tolist(), strict=True):
            one, other = prints[i], prints[j]
            if not joined.together(one.id, other.id) and _confirmed(one, other):
                joined.join(one.id, other.id)
                yield one, other, apart


def _confirmed(one: Print, other: Print) -> bool:
    sure = min(one.quality, other.quality) >= PDQ_SURE
    if not sure and distance(one.phash, other.phash) > PHASH_RADIUS:
        return False
    return grid_distance(one.grid, other.grid) <= GRID_RADIUS


class _Union:
    """Disjoint sets of ids; the set's name is its smallest id."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def root(self, id: str) -> str:
        while (above := self._above.get(id, id)) != id:
            self._above[id] = self._above.get(above, above)
            id = above
        return id

    def together(self, one: str, other: str) -> bool:
        return self.root(one) == self.root(other)

    def join(self, one: str, other: str) -> None:
        low, high = sorted((self.root(one), self.root(other)))
        self._above[high] = low


def _clusters(links: Mapping[str, Sequence[Link]]) -> list[list[str]]:
    """Ids that are joined by links, each cluster and the list of clusters sorted."""
    union = _Union()
    for id, found in links.items():
        for link in found:
            union.join(id, link.other)
    clusters: dict[str, list[str]] = defaultdict(list)
    for id in sorted(links):
        clusters[union.root(id)].append(id)
    return [clusters[root] for root in sorted(clusters)]


# --- saying so ---------------------------------------------------------------------------------


def _codes(links: Sequence[Link]) -> tuple[str, ...]:
    exact, near = any(link.exact for link in links), any(not link.exact for link in links)
    return ("duplicates.exact",) * exact + ("duplicates.near",) * near


def _of_picture(links: Sequence[Link]) -> Measured:
    nearest = links[0]
    message = f"the same pixels as {nearest.other}"
    if not nearest.exact:
        message = f"nearly the same picture as {nearest.other} ({nearest.bits} of 256 bits differ)"
    return Measured(
        measures={"distance": float(nearest.bits)},
        labels={"copy_of": nearest.other},
        codes=_codes(links),
        message=message,
    )


def _over_all(
    size: int, counted: int, links: Mapping[str, Sequence[Link]], clusters: Sequence[Sequence[str]]
) -> GroupFinding:
    kinds = Counter(code.removeprefix("duplicates.") for found in links.values() for code in _codes(found))
    return GroupFinding(
        checker=DuplicatesChecker.name,
        version=DuplicatesChecker.version,
        group="run",
        outcome="measured",
        size=size,
        counted=counted,
        measures={"share": rounded(len(links) / counted)},
        counts={"exact": kinds["exact"], "near": kinds["near"], "clusters": len(clusters)},
        codes=_codes([link for found in links.values() for link in found]),
        members=tuple(sorted(links)),
        message=f"{len(links)} of {counted} pictures are copies of another one, in {len(clusters)} clusters",
    )


def _cluster(ids: Sequence[str], links: Mapping[str, Sequence[Link]]) -> GroupFinding:
    return GroupFinding(
        checker=DuplicatesChecker.name,
        version=DuplicatesChecker.version,
        group=f"copies of {ids[0]}",
        outcome="measured",
        size=len(ids),
        counted=len(ids),
        codes=_codes([link for id in ids for link in links[id]]),
        members=tuple(ids),
        message=f"{len(ids)} pictures are copies of each other",
    )


def _abstained(size: int, counted: int) -> GroupFinding:
    return GroupFinding(
        checker=DuplicatesChecker.name,
        version=DuplicatesChecker.version,
        group="run",
        outcome="abstained",
        size=size,
        counted=counted,
        reason="fewer than two pictures could be compared",
    )
