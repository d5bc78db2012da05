"""Does one character look alike in all its pictures, and which picture does not?

Cases that carry the same `character` are compared: every picture's figure (the largest person, else what stands out
from an even background) is cut out and embedded by the joint embedding, and so is its face where the rubric opts in to
`character_faces`; the colours of its clothing, or of the thing, are compared by earth mover's distance. A picture is
odd when it lies plainly farther from the others than they lie from each other. Where a run holds several characters, a
picture that is nearer to the pictures of another one is named too: this needs no number to be chosen, so it holds for
every model.

Known limits: an embedding that was made for naming things sees dress, hair and age better than who somebody is, and
nobody is identified. Another pose, another crop and another light lower the similarity as well, so similarities mean
something beside those of other characters or another model only. From four pictures on the odd one can be named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from imgaudit.digest import rounded
from imgaudit.percepts import Embedding, FaceEmbedding, Figure
from imgaudit.registry import checker
from imgaudit.types import (
    JSON,
    Abstained,
    Box,
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

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FIGURE = Query("figure", {}, (Query("landmarks", {"parts": ["faces", "poses"]}),))
FACE = Query("character_faces", {}, (FIGURE,))
LEAST_FOR_ODD = 4
DEVIATIONS = 3.5
"""Robust deviations from which a picture is odd (Iglewicz and Hoaglin 1993)."""
LEAST_GAP = 0.1
"""Cosine by which an odd picture must lie below the others' median; at 0.05 one right picture in 40 was named."""
LEAST_COLOUR_GAP = 15.0
"""CIEDE2000 by which an odd picture's colours must lie beyond the others' median: light and shade move them by less."""


def _part(box: Box) -> Query:
    return Query("clip", {"embed": True, "box": [round(side) for side in box]})


@checker
class ConsistencyChecker:
    """Compares the pictures of each character with each other and with those of other characters."""

    name: ClassVar[str] = "consistency"
    title: ClassVar[str] = "Character consistency"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("consistency",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("min_similarity", "cosine", "up", "of the two figures of a character that are least alike"),
        Measure("mean_similarity", "cosine", "up", "over all pairs of figures of a character"),
        Measure("face_similarity", "cosine", "up", "over all pairs of faces of a character"),
        Measure("colour_distance", "CIEDE2000", "down", "earth mover's, of clothing or thing, over all pairs"),
        Measure("apart", "probability", "up", "that a pair of this character is more alike than it is with another"),
        Measure("similarity", "cosine", "up", "median similarity of an odd picture's figure to the others"),
    )
    labels: ClassVar[Mapping[str, str]] = {"model": "the joint embedding", "character": "whose pictures they are"}
    codes: ClassVar[Mapping[str, str]] = {
        "consistency.odd_figure": "its figure is plainly less like the others than they are like each other",
        "consistency.odd_colours": "its clothing or thing has other colours than in the other pictures",
        "consistency.confused": "its figure is more like that of another character than like its own",
    }
    limits: ClassVar[str] = (
        "Compares figures by a joint embedding and by colours, faces only where the rubric opts in to "
        "`character_faces`; nobody is identified. Pose, crop and light lower the "
        "similarity too, so compare with other characters or models, not with a fixed number. Cases must name their "
        "character; with fewer than four pictures no odd one is named."
    )
    sensitive: ClassVar[bool] = True

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """The figure and its face; once the figure is known, its embedding."""
        if case.character is None:
            return []
        figure = percepts.get(FIGURE)
        if not isinstance(figure, Figure):
            return [FIGURE, FACE]
        return [FIGURE, FACE, _part(figure.box)]

    def project(self, case: Case, percepts: Percepts) -> Mapping[str, JSON] | Abstained | Failed:
        """Vectors of figure and face, and the colours."""
        if case.character is None:
            return Abstained("the case names no character")
        figure = percepts.seen(FIGURE, Figure)
        if not isinstance(figure, Figure):
            return figure
        whole = percepts.seen(_part(figure.box), Embedding)
        face = percepts.seen(FACE, FaceEmbedding)
        colours = [[*swatch.lab, swatch.share] for swatch in figure.palette]
        if isinstance(whole, (Abstained, Failed)) and not colours:
            return whole
        return {
            "kind": figure.kind,
            "colours": colours,
            **({"vector": list(whole.vector), "model": whole.model} if isinstance(whole, Embedding) else {}),
            **({"face": list(face.vector)} if isinstance(face, FaceEmbedding) else {}),
            **({"why": whole.reason} if isinstance(whole, Abstained) else {}),
        }

    def aggregate(self, members: Sequence[Member]) -> GroupOutcome:
        """A finding for each character, and one on the line of each odd picture."""
        named: dict[str, list[Member]] = {}
        for member in sorted(members, key=lambda one: one.id):
            if member.case.character is not None:
                named.setdefault(member.case.character, []).append(member)
        if not named:
            return GroupOutcome((_abstained("run", len(members), 0, "no case names a character"),))
        casts = [_cast(name, named[name]) for name in sorted(named)]
        pictures: dict[str, Measured] = {}
        groups = []
        for cast in casts:
            odd = _odd(cast, [other for other in casts if other is not cast])
            groups.append(_finding(cast, casts, odd))
            pictures |= odd
        return GroupOutcome(tuple(groups), pictures)


@dataclass(frozen=True)
class _Cast:
    """The pictures of one character. Rows of a matrix are pictures in the order of their ids."""

    name: str
    size: int
    ids: tuple[str, ...]
    vectors: Floats
    coloured: tuple[str, ...]
    distances: Floats
    faces: Floats
    model: str
    why_not: str


def _cast(name: str, members: Sequence[Member]) -> _Cast:
    import numpy as np

    from imgaudit.kernels.palettes import earth_movers

    seen = [(member.id, member.projection) for member in members if isinstance(member.projection, Mapping)]
    figures = [(id, told["vector"], str(told["model"])) for id, told in seen if "vector" in told]
    palettes = [(id, np.array(told["colours"])) for id, told in seen if told["colours"]]
    distances = np.zeros((len(palettes), len(palettes)))
    for row in range(len(palettes)):
        for column in range(row):
            far = earth_movers(palettes[row][1], palettes[column][1])
            distances[row, column] = distances[column, row] = far
    reasons = [told["why"] for _, told in seen if "why" in told]
    reasons += [m.projection.reason for m in members if isinstance(m.projection, Abstained)]
    return _Cast(
        name=name,
        size=len(members),
        ids=tuple(id for id, _, _ in figures),
        vectors=_rows([vector for _, vector, _ in figures]),
        coloured=tuple(id for id, _ in palettes),
        distances=distances,
        faces=_rows([told["face"] for _, told in seen if "face" in told]),
        model=figures[0][2] if figures else "",
        why_not=max(sorted(set(reasons)), key=reasons.count) if reasons else "",
    )


def _rows(vectors: Sequence[Sequence[float]]) -> Floats:
    import numpy as np

    if not vectors:
        return np.empty((0, 0))
    rows = np.array(vectors, dtype=np.float64)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _pairs(matrix: Floats) -> Floats:
    """The entries above the diagonal."""
    import numpy as np

    return np.asarray(matrix[np.triu_indices(len(matrix), 1)])


def _typical(matrix: Floats) -> Floats:
    """Median of each row without its diagonal."""
    import numpy as np

    off = ~np.eye(len(matrix), dtype=bool)
    return np.array([np.median(row[keep]) for row, keep in zip(matrix, off, strict=True)])


def _outliers(values: Floats, gap: float) -> list[int]:
    """Rows whose value lies above the others by robust deviations and by at least a gap."""
    import numpy as np

    if len(values) < LEAST_FOR_ODD:
        return []
    middle = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - middle)))
    return [int(row) for row in np.flatnonzero(values - middle > max(DEVIATIONS * spread, gap))]


def _odd(cast: _Cast, others: Sequence[_Cast]) -> dict[str, Measured]:
    """A finding for each picture that does not look like the rest of its character's."""
    codes: dict[str, list[str]] = {}
    words: dict[str, list[str]] = {}
    similar = cast.vectors @ cast.vectors.T
    typical = _typical(similar) if len(cast.ids) > 1 else similar.diagonal()
    for row in _outliers(-typical, LEAST_GAP):
        codes.setdefault(cast.ids[row], []).append("consistency.odd_figure")
        words.setdefault(cast.ids[row], []).append(f"its figure is less like {cast.name}'s others than they are")
    for row in _outliers(_typical(cast.distances), LEAST_COLOUR_GAP) if len(cast.coloured) > 1 else []:
        codes.setdefault(cast.coloured[row], []).append("consistency.odd_colours")
        words.setdefault(cast.coloured[row], []).append(f"its colours are not those of {cast.name}'s others")
    for row, name in _confused(cast, typical, others):
        codes.setdefault(cast.ids[row], []).append("consistency.confused")
        words.setdefault(cast.ids[row], []).append(f"its figure is more like {name} than like {cast.name}")
    similarity = dict(zip(cast.ids, typical, strict=True))
    return {
        id: Measured(
            measures={"similarity": rounded(float(similarity[id]))} if id in similarity and len(cast.ids) > 1 else {},
            labels={"character": cast.name},
            codes=tuple(codes[id]),
            message="; ".join(words[id]),
        )
        for id in sorted(codes)
    }


def _confused(cast: _Cast, typical: Floats, others: Sequence[_Cast]) -> list[tuple[int, str]]:
    import numpy as np

    if len(cast.ids) < 2:
        return []
    found = []
    for row, vector in enumerate(cast.vectors):
        rivals = {
            other.name: float(np.median(other.vectors @ vector))
            for other in others
            if len(other.ids) > 1 and other.model == cast.model
        }
        name = max(sorted(rivals), key=rivals.__getitem__, default=None)
        if name is not None and rivals[name] > typical[row]:
            found.append((row, name))
    return found


def _finding(cast: _Cast, casts: Sequence[_Cast], odd: Mapping[str, Measured]) -> GroupFinding:
    figures, colours = len(cast.ids), len(cast.coloured)
    if max(figures, colours) < 2:
        few = f"{max(figures, colours)} of {cast.size} pictures could be compared; two are needed"
        why = f"{few} ({cast.why_not})" if cast.why_not else few
        return _abstained(cast.name, cast.size, max(figures, colours), why)
    measures: dict[str, float] = {}
    words = []
    if figures > 1:
        similar = _pairs(cast.vectors @ cast.vectors.T)
        measures |= {"min_similarity": rounded(float(similar.min())), "mean_similarity": rounded(float(similar.mean()))}
        words.append(f"figures are alike by {similar.mean():.2f} on average, {similar.min():.2f} at least")
        apart = _apart(cast, casts)
        if apart is not None:
            measures["apart"] = rounded(apart)
            words.append(f"{apart:.0%} of its pairs are more alike than pairs with other characters")
    else:
        words.append("figures were not compared" + (f": {cast.why_not}" if cast.why_not else ""))
    if len(cast.faces) > 1:
        measures["face_similarity"] = rounded(float(_pairs(cast.faces @ cast.faces.T).mean()))
    if colours > 1:
        far = _pairs(cast.distances)
        measures["colour_distance"] = rounded(float(far.mean()))
        words.append(f"colours differ by {far.mean():.1f} on average")
    if odd:
        words.append(f"does not look like the others: {', '.join(sorted(odd))}")
    return GroupFinding(
        checker=ConsistencyChecker.name,
        version=ConsistencyChecker.version,
        group=cast.name,
        outcome="measured",
        size=cast.size,
        counted=max(figures, colours),
        measures=measures,
        labels={"character": cast.name, **({"model": cast.model} if figures else {})},
        codes=tuple(sorted({code for found in odd.values() for code in found.codes})),
        members=tuple(sorted(odd)),
        message="; ".join(words),
    )


def _apart(cast: _Cast, casts: Sequence[_Cast]) -> float | None:
    """Probability that a pair of this character is more alike than a pair of it and another; None without another."""
    import numpy as np

    rivals = [one.vectors for one in casts if one is not cast and len(one.ids) and one.model == cast.model]
    if not rivals:
        return None
    across = np.sort(np.concatenate([(cast.vectors @ rows.T).ravel() for rows in rivals]))
    within = _pairs(cast.vectors @ cast.vectors.T)
    below = np.searchsorted(across, within, "left") + np.searchsorted(across, within, "right")
    return float(below.mean() / 2 / len(across))


def _abstained(name: str, size: int, counted: int, reason: str) -> GroupFinding:
    return GroupFinding(
        checker=ConsistencyChecker.name,
        version=ConsistencyChecker.version,
        group=name,
        outcome="abstained",
        size=size,
        counted=counted,
        reason=reason,
    )
