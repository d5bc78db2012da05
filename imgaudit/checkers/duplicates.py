"""Is a picture a copy of another one of the set?

Two pictures are exact copies when their decoded pixels are equal. They are near copies when their PDQ hashes differ in
at most 31 of 256 bits (the radius that Meta's description recommends), and the mean colours of a 16 by 16 grid agree;
where PDQ itself says that it found little to hold on to (quality under 50: flat shapes, empty pictures), the 64-bit
pHash must agree within 6 bits as well. The hashes look at brightness alone: without the grid a red circle would be a
copy of a green one. Turned copies are those of a picture that was mirrored, turned by a quarter or put upside down;
only pictures of which PDQ is sure (quality 80) are looked for like that. Semantic copies need an embedding model
(`--embedding`) whose threshold is known, from its authors, from you, or measured by `imgaudit.calibration.fit_copies`.

Known limits: by hashes, crops of more than a few in a hundred, grey copies of colourful ones and the same subject drawn
anew are not found; copies of copies form one cluster, so its first and last picture may differ more than the radius;
nothing outside the set is compared, so this says nothing about copies of training pictures (see `memorisation`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from imgaudit.checkers._prints import EMBEDDING, PIXELS, print_json, print_of, vector_json, vector_of
from imgaudit.digest import rounded
from imgaudit.kernels.copies import TURNED_SURE, Prints, near_forest, turned_copies
from imgaudit.kernels.hashes import TURNS
from imgaudit.percepts import Embedding, Pixels
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

How = Literal["exact", "near", "turned", "semantic"]
HOWS: tuple[How, ...] = ("exact", "near", "turned", "semantic")
PDQ_BITS = 256


@dataclass(frozen=True, slots=True)
class Kept:
    """What is compared of one picture."""

    id: str
    seen: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """Of the pixels."""
        return str(self.seen["digest"])


@dataclass(frozen=True, slots=True)
class Link:
    """Another picture that a picture is a copy of, and how."""

    other: str
    how: How
    bits: int = 0
    turn: str = ""
    cosine: float = 0.0

    @property
    def rank(self) -> tuple[int, int, float, str]:
        """Exact copies first, then the nearest."""
        return HOWS.index(self.how), self.bits, -self.cosine, self.other


@checker
class DuplicatesChecker:
    """Exact, near, turned and semantic copies within the set."""

    name: ClassVar[str] = "duplicates"
    title: ClassVar[str] = "Duplicates"
    version: ClassVar[str] = "2"
    dimensions: ClassVar[tuple[str, ...]] = ("memorisation",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("share", "share", "down", "pictures of the set that are a copy of another one, exact or near"),
        Measure("turned_share", "share", "down", "of those PDQ is sure of: turned or mirrored copies of another one"),
        Measure("semantic_share", "share", "down", "pictures whose embedding is as near another one's as copies are"),
        Measure("distance", "bits of 256", "up", "of a copy's PDQ hash from that of the picture it is a copy of"),
        Measure("cosine", "cosine", "down", "of a semantic copy's embedding with that of the picture it is a copy of"),
    )
    labels: ClassVar[Mapping[str, str]] = {
        "copy_of": "id of the picture that this one is a copy of",
        "turn": "how this one was turned to get it from the other",
        "turned": "of the set: why turned copies were not looked for",
        "semantic": "model and threshold of semantic copies, or why none were looked for",
    }
    codes: ClassVar[Mapping[str, str]] = {
        "duplicates.exact": "its pixels equal those of another picture of the set",
        "duplicates.near": "it looks nearly the same as another picture of the set",
        "duplicates.turned": "it looks nearly the same as another one that was turned or mirrored",
        "duplicates.semantic": "its embedding is as near that of another one as copies are",
    }
    limits: ClassVar[str] = (
        "By hashes, grey copies of colourful pictures, crops of more than a few in a hundred and the same subject "
        "drawn anew are not found; flat drawings are not looked for turned. Semantic copies need an embedding model "
        "whose threshold is known. Only pictures of the set are compared: nothing is said about copies of training "
        "pictures."
    )
    sensitive: ClassVar[bool] = False

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """One look at the pixels, and the embedding where a model for it was named."""
        return [PIXELS, EMBEDDING]

    def project(self, case: Case, percepts: Percepts) -> Mapping[str, JSON] | Abstained | Failed:
        """The digest, the hashes, and the embedding or why there is none."""
        seen = percepts.seen(PIXELS, Pixels)
        if isinstance(seen, (Abstained, Failed)):
            return seen
        embedded = percepts.seen(EMBEDDING, Embedding)
        if isinstance(embedded, Embedding):
            more = vector_json(embedded)
        else:
            more = {"no_vector": embedded.reason if isinstance(embedded, Abstained) else embedded.error}
        return {**print_json(seen), "turned": list(seen.turned), **more}

    def aggregate(self, members: Sequence[Member]) -> GroupOutcome:
        """The share of copies in the set, each cluster of copies, and a finding on each copy's own line."""
        kept = sorted((Kept(m.id, m.projection) for m in members if isinstance(m.projection, Mapping)),
                      key=lambda one: one.id)  # fmt: skip
        if len(kept) < 2:
            return GroupOutcome((_abstained(len(members), len(kept)),))
        links, semantic = _links(kept)
        clusters = _clusters(links)
        over_all = _over_all(len(members), kept, links, clusters, semantic)
        groups = (over_all, *(_cluster(ids, links) for ids in clusters))
        return GroupOutcome(groups, {id: _of_picture(found) for id, found in sorted(links.items())})


# --- finding copies ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Semantic:
    """How semantic copies were looked for: in words, and among how many pictures; None where they were not."""

    words: str
    counted: int | None


def _links(kept: Sequence[Kept]) -> tuple[dict[str, list[Link]], Semantic]:
    """For each picture that is a copy: what it is a copy of, exact copies first, then the nearest."""
    links: dict[str, list[Link]] = defaultdict(list)
    same: dict[str, list[Kept]] = defaultdict(list)
    for one in kept:
        same[one.digest].append(one)
    for copies in same.values():
        for place, copy in enumerate(copies[1:], start=1):
            links[copy.id].append(Link(copies[0].id, "exact"))
            if place == 1:
                links[copies[0].id].append(Link(copy.id, "exact"))
    distinct = [copies[0] for copies in same.values()]
    joined = Union()
    for pairs in (_near(distinct, joined), _turned(distinct, joined)):
        for first, second, forth, back in pairs:
            links[first].append(forth)
            links[second].append(back)
    semantic = _semantic(distinct, joined, links)
    return {id: sorted(found, key=lambda link: link.rank) for id, found in links.items()}, semantic


Linked = tuple[str, str, Link, Link]


def _near(kept: Sequence[Kept], joined: Union) -> Iterator[Linked]:
    """Near copies among pictures with different pixels; a pair that is joined through others already is passed over."""
    for found in near_forest(Prints([print_of(one.seen) for one in kept])):
        for i, j, bits in zip(found.first.tolist(), found.second.tolist(), found.bits.tolist(), strict=True):
            one, other = kept[i].id, kept[j].id
            if joined.join(one, other):
                yield one, other, Link(other, "near", bits), Link(one, "near", bits)


def _turned(kept: Sequence[Kept], joined: Union) -> Iterator[Linked]:
    for found in turned_copies(Prints([print_of(one.seen) for one in kept])):
        forth = TURNS[found.turn]
        back = {TURNS[0]: TURNS[2]}.get(forth, forth)
        for i, j, bits in zip(found.first.tolist(), found.second.tolist(), found.bits.tolist(), strict=True):
            one, other = kept[i].id, kept[j].id
            if joined.join(one, other):
                yield one, other, Link(other, "turned", bits, back), Link(one, "turned", bits, forth)


def _semantic(kept: Sequence[Kept], joined: Union, links: dict[str, list[Link]]) -> Semantic:
    """Adds semantic copies to `links`, among pictures that are embedded by one model with a known threshold."""
    import numpy as np

    from imgaudit.kernels.neighbours import similar_pairs

    with_vector = [one for one in kept if "vector" in one.seen]
    if not with_vector:
        why = Counter(str(one.seen.get("no_vector", "no embedding was asked for")) for one in kept)
        return Semantic(f"not looked for: {why.most_common(1)[0][0]}", None)
    model, start = with_vector[0].seen["model"], with_vector[0].seen["copy_from"]
    if start is None:
        return Semantic(f"not looked for: nobody measured from which cosine on pictures are copies in {model}", None)
    vectors = np.stack([vector_of(str(one.seen["vector"])) for one in with_vector])
    for firsts, seconds, cosines in similar_pairs(vectors, float(start)):
        for i, j, value in zip(firsts.tolist(), seconds.tolist(), cosines.tolist(), strict=True):
            one, other, cosine = with_vector[i].id, with_vector[j].id, rounded(min(value, 1.0))
            if joined.join(one, other):
                links[one].append(Link(other, "semantic", cosine=cosine))
                links[other].append(Link(one, "semantic", cosine=cosine))
    basis = with_vector[0].seen["copy_basis"]
    return Semantic(f"cosine of {start:g} or more in {model}; {basis}", len(with_vector))


class Union:
    """Disjoint sets of ids; a set's name is its smallest id."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def root(self, id: str) -> str:
        """The name of the set that holds an id."""
        while (above := self._above.get(id, id)) != id:
            self._above[id] = self._above.get(above, above)
            id = above
        return id

    def join(self, one: str, other: str) -> bool:
        """Join two sets; false where they were one already."""
        low, high = sorted((self.root(one), self.root(other)))
        if low != high:
            self._above[high] = low
        return low != high


def _clusters(links: Mapping[str, Sequence[Link]]) -> list[list[str]]:
    """Ids that are joined by links, each cluster and the list of clusters sorted."""
    union = Union()
    for id, found in links.items():
        for link in found:
            union.join(id, link.other)
    clusters: dict[str, list[str]] = defaultdict(list)
    for id in sorted(links):
        clusters[union.root(id)].append(id)
    return [clusters[root] for root in sorted(clusters)]


# --- saying so ---------------------------------------------------------------------------------


def _codes(links: Sequence[Link]) -> tuple[str, ...]:
    hows = {link.how for link in links}
    return tuple(f"duplicates.{how}" for how in HOWS if how in hows)


def _of_picture(links: Sequence[Link]) -> Measured:
    nearest = links[0]
    labels = {"copy_of": nearest.other}
    if nearest.how == "semantic":
        measures = {"cosine": nearest.cosine}
        message = f"its embedding is as near that of {nearest.other} as copies are (cosine {nearest.cosine:.3f})"
    else:
        measures = {"distance": float(nearest.bits)}
        message = f"nearly the same picture as {nearest.other} ({nearest.bits} of {PDQ_BITS} bits differ)"
    if nearest.how == "exact":
        message = f"the same pixels as {nearest.other}"
    if nearest.how == "turned":
        labels["turn"] = nearest.turn
        message = f"the picture {nearest.other}, {nearest.turn} ({nearest.bits} of {PDQ_BITS} bits differ)"
    return Measured(measures=measures, labels=labels, codes=_codes(links), message=message)


def _over_all(
    size: int,
    kept: Sequence[Kept],
    links: Mapping[str, Sequence[Link]],
    clusters: Sequence[Sequence[str]],
    semantic: Semantic,
) -> GroupFinding:
    counted, sure = len(kept), sum(one.seen["quality"] >= TURNED_SURE for one in kept)
    hows = {id: {link.how for link in found} for id, found in links.items()}
    number: dict[str, int] = {how: sum(how in found for found in hows.values()) for how in HOWS}
    same = sum(bool(found & {"exact", "near"}) for found in hows.values())
    measures, labels = {"share": rounded(same / counted)}, {"semantic": semantic.words}
    if sure:
        measures["turned_share"] = rounded(number["turned"] / sure)
    else:
        labels["turned"] = "not looked for: PDQ is sure of none of these pictures"
        del number["turned"]
    if semantic.counted is not None:
        measures["semantic_share"] = rounded(number["semantic"] / semantic.counted)
    else:
        del number["semantic"]
    said = f"{same} of {counted} pictures are exact or near copies of another one"
    more = [f"{number[how]} {words}" for how, words in (("turned", "turned or mirrored"), ("semantic", "by embedding"))
            if number.get(how)]  # fmt: skip
    groups = f"{len(clusters)} group{'s' * (len(clusters) != 1)} of copies in all"
    return GroupFinding(
        checker=DuplicatesChecker.name,
        version=DuplicatesChecker.version,
        group="run",
        outcome="measured",
        size=size,
        counted=counted,
        measures=measures,
        labels=labels,
        counts={**number, "clusters": len(clusters)},
        codes=_codes([link for found in links.values() for link in found]),
        members=tuple(sorted(links)),
        message="; ".join([said, *more, groups]),
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
