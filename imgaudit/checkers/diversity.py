"""How different the pictures of one prompt are, and of the whole run.

For each prompt with two pictures or more, the mean similarity of all pairs is measured in two ways: `score` is 1 less
the mean cosine of embeddings (of `--embedding`, else of `--clip`), which tells content; `layout` is 1 less the mean
likeness of 16 by 16 colour grids, which needs no model and tells layout and colour, nothing else. Both do not depend on
how many pictures there are. The Vendi score beside each is the effective number of different pictures, which grows with
their number. `collapse` is the share of pairs that are near copies of each other: seeds that give one picture.

Over the run, prompts are averaged with a bootstrap interval over prompts, and the Vendi score of all pictures together
says how many different ones the run has. `imgaudit compare` asks whether a candidate's pictures are more alike.

Known limits: cosines of different models mean different things, so scores are compared within one model alone. The
packaged CLIP knows only its world of coloured shapes, and there it hardly sees where a shape lies; elsewhere the score
is not told without another model. Variety that a prompt does not ask for is no virtue of itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from imgaudit.checkers._prints import CLIP, EMBEDDING, PIXELS, print_json, print_of, vector_json, vector_of
from imgaudit.digest import rounded
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
    Member,
    Percepts,
    Query,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COLLAPSED_FROM = 0.5
FEWEST_SEEDS = 3
NAME_LENGTH = 120
MANY = 2000
"""Pictures above which the colours of the whole run are not compared: their table of pairs would not fit."""


@checker
class DiversityChecker:
    """Sameness within a prompt across seeds, seed collapse, and the effective number of different pictures."""

    name: ClassVar[str] = "diversity"
    title: ClassVar[str] = "Diversity of a set"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("mass-output",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("score", "1 - cosine", "up", "1 less the mean similarity of embeddings of two pictures of one prompt"),
        Measure("vendi", "pictures", "up", "effective number of different pictures by their embeddings"),
        Measure("layout", "0..1", "up", "1 less the mean likeness of layout and colour of two pictures of one prompt"),
        Measure("layout_vendi", "pictures", "up", "effective number of different pictures by layout and colour"),
        Measure("collapse", "share", "down", "pairs of pictures of one prompt that are near copies of each other"),
        Measure("collapsed_share", "share", "down", "of prompts with three pictures or more: those that collapsed"),
    )
    labels: ClassVar[Mapping[str, str]] = {
        "space": "model of the embeddings, or why there are none",
        "layout_vendi": "of the whole run: why it is not told",
    }
    codes: ClassVar[Mapping[str, str]] = {
        "diversity.collapsed": "of three seeds of the prompt or more, at least half of the pairs are near copies",
    }
    limits: ClassVar[str] = (
        "Scores are compared within one embedding model alone; the packaged CLIP tells content only in its world of "
        "coloured shapes. Layout tells colours and where they lie, not what is shown. Only pictures with a prompt "
        "that at least one other picture shares are counted."
    )
    sensitive: ClassVar[bool] = False

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """Pixels, and the embedding of the model that was named for it, else of CLIP; nothing without a prompt."""
        if case.prompt is None:
            return []
        embedded = percepts.get(EMBEDDING)
        return [PIXELS, EMBEDDING, *([CLIP] if embedded and not isinstance(embedded, Embedding) else [])]

    def project(self, case: Case, percepts: Percepts) -> Mapping[str, JSON] | Abstained | Failed:
        """Hashes and colours, and the embedding or why there is none."""
        if case.prompt is None:
            return Abstained("no prompt is known, so nothing says which pictures belong together")
        seen = percepts.seen(PIXELS, Pixels)
        if isinstance(seen, (Abstained, Failed)):
            return seen
        embedded = percepts.seen(EMBEDDING, Embedding)
        if not isinstance(embedded, Embedding):
            embedded = percepts.seen(CLIP, Embedding)
        if isinstance(embedded, Embedding):
            return {**print_json(seen), **vector_json(embedded)}
        why = embedded.reason if isinstance(embedded, Abstained) else embedded.error
        return {**print_json(seen), "no_vector": why}

    def aggregate(self, members: Sequence[Member]) -> GroupOutcome:
        """A finding for each prompt with two pictures or more, and one over all of them."""
        sets = [_Set.of(name, held) for name, held in sorted(_by_prompt(members).items()) if len(held) > 1]
        if not sets:
            return GroupOutcome((_abstained(len(members), _why_none(members)),))
        measured = [_of_prompt(one) for one in sets]
        return GroupOutcome((_over_all(len(members), sets, measured), *measured))


# --- sets of pictures --------------------------------------------------------------------------


def _by_prompt(members: Sequence[Member]) -> dict[str, list[Member]]:
    """Members that could be looked at, by case; those of files that somebody gave, by prompt."""
    found: dict[str, list[Member]] = {}
    for member in sorted(members, key=lambda member: member.id):
        if isinstance(member.projection, Mapping):
            name = member.case.id if member.generated else member.case.prompt or member.case.id
            found.setdefault(name, []).append(member)
    return _named(found)


def _named(found: Mapping[str, list[Member]]) -> dict[str, list[Member]]:
    """Long prompts cut to a readable name that stays their own."""
    named: dict[str, list[Member]] = {}
    for text, held in sorted(found.items()):
        name = " ".join(text.split())[:NAME_LENGTH]
        taken = sum(other == name or other.startswith(f"{name} (") for other in named) if name in named else 0
        named[f"{name} ({taken + 1})" if taken else name] = held
    return named


@dataclass(frozen=True)
class _Set:
    """The pictures of one prompt as arrays; `vectors` is None, for the reason `why`, where not all have one."""

    name: str
    ids: tuple[str, ...]
    seen: tuple[Mapping[str, Any], ...]
    vectors: NDArray[np.float32] | None
    space: str

    @classmethod
    def of(cls, name: str, members: Sequence[Member]) -> _Set:
        import numpy as np

        seen = tuple(member.projection for member in members if isinstance(member.projection, Mapping))
        ids = tuple(member.id for member in members)
        models = {one.get("model") for one in seen}
        if len(models) == 1 and None not in models:
            vectors = np.stack([vector_of(str(one["vector"])) for one in seen])
            return cls(name, ids, seen, vectors, str(seen[0]["model"]))
        reasons = Counter(str(one["no_vector"]) for one in seen if "no_vector" in one)
        why = reasons.most_common(1)[0][0] if reasons else "the pictures were embedded by several models"
        return cls(name, ids, seen, None, f"none: {why}")


def _why_none(members: Sequence[Member]) -> str:
    if not any(isinstance(member.projection, Mapping) for member in members):
        reasons = Counter(_reason(member) for member in members)
        return reasons.most_common(1)[0][0] if reasons else "there are no pictures"
    return "no prompt has two pictures"


def _reason(member: Member) -> str:
    match member.projection:
        case Abstained(reason=reason):
            return reason
        case Failed(error=error):
            return error
        case _:
            return ""


# --- measuring ---------------------------------------------------------------------------------


def _of_prompt(one: _Set) -> GroupFinding:
    from imgaudit.kernels.copies import Prints
    from imgaudit.kernels.diversity import cosines, grid_likeness, mean_pairwise, vendi

    prints = Prints([print_of(seen) for seen in one.seen])
    layout = grid_likeness(prints.grids)
    collapse = _collapse(prints)
    measures = {
        "layout": rounded(1 - mean_pairwise(layout)),
        "layout_vendi": rounded(vendi(layout)),
        "collapse": rounded(collapse),
    }
    if one.vectors is not None:
        similarity = cosines(one.vectors)
        measures |= {"score": rounded(1 - mean_pairwise(similarity)), "vendi": rounded(vendi(similarity))}
    collapsed = len(one.ids) >= FEWEST_SEEDS and collapse >= COLLAPSED_FROM
    return GroupFinding(
        checker=DiversityChecker.name,
        version=DiversityChecker.version,
        group=one.name,
        outcome="measured",
        size=len(one.ids),
        counted=len(one.ids),
        measures=measures,
        labels={"space": one.space},
        codes=("diversity.collapsed",) if collapsed else (),
        members=one.ids,
        message=_message(one, measures, collapsed),
    )


def _collapse(prints: Any) -> float:
    """Share of the pairs that are exact or near copies."""
    import numpy as np

    from imgaudit.kernels.copies import PDQ_RADIUS, confirmed

    first, second = np.triu_indices(len(prints), 1)
    digests = np.array(prints.digests)
    alike = digests[first] == digests[second]
    bits = np.bitwise_count(prints.pdq[first] ^ prints.pdq[second]).sum(axis=1)
    near = np.flatnonzero(~alike & (bits <= PDQ_RADIUS))
    alike[near] = confirmed(prints, first[near], prints, second[near])
    return float(alike.mean())


def _message(one: _Set, measures: Mapping[str, float], collapsed: bool) -> str:
    size = len(one.ids)
    said = []
    if collapsed:
        said.append(f"{measures['collapse']:.0%} of the pairs of seeds are near copies")
    if "vendi" in measures:
        said.append(f"{size} pictures count as {measures['vendi']:.1f} different ones by content")
    else:
        said.append(f"content not told ({one.space.removeprefix('none: ')})")
    said.append(f"as {measures['layout_vendi']:.1f} by layout and colour")
    return "; ".join(said)


def _over_all(size: int, sets: Sequence[_Set], measured: Sequence[GroupFinding]) -> GroupFinding:
    """Means over prompts with bootstrap intervals, and the effective number of pictures of the whole run."""
    from imgaudit.kernels.diversity import bootstrap_mean

    spaces = {one.space for one in sets if one.vectors is not None}
    space = spaces.pop() if len(spaces) == 1 else sets[0].space if not spaces else "none: several embedding models"
    measures, intervals = {}, {}
    for name in ("score", "layout", "collapse"):
        values = [found.measures[name] for found in measured if name in found.measures]
        if values and not (name == "score" and space.startswith("none")):
            measures[name] = rounded(sum(values) / len(values))
            ends = bootstrap_mean(values)
            if ends is not None:
                intervals[name] = (rounded(ends[0]), rounded(ends[1]))
    measures |= _together(sets, space)
    counted = sum(len(one.ids) for one in sets)
    collapsed = sum(bool(found.codes) for found in measured)
    if large := sum(found.size >= FEWEST_SEEDS for found in measured):
        measures["collapsed_share"] = rounded(collapsed / large)
    return GroupFinding(
        checker=DiversityChecker.name,
        version=DiversityChecker.version,
        group="run",
        outcome="measured",
        size=size,
        counted=counted,
        measures=measures,
        intervals=intervals,
        labels={"space": space} | ({"layout_vendi": "not told: too many pictures"} if counted > MANY else {}),
        counts={"prompts": len(sets), "collapsed": collapsed},
        message=_run_message(measures, counted, len(sets), collapsed, space),
    )


def _together(sets: Sequence[_Set], space: str) -> dict[str, float]:
    """Vendi scores of all pictures of the run together."""
    import numpy as np

    from imgaudit.kernels.copies import Prints
    from imgaudit.kernels.diversity import grid_likeness, vendi, vendi_of_vectors

    found = {}
    vectors = [one.vectors for one in sets if one.vectors is not None]
    if vectors and len(vectors) == len(sets) and not space.startswith("none"):
        found["vendi"] = rounded(vendi_of_vectors(np.concatenate(vectors)))
    seen = [print_of(one) for held in sets for one in held.seen]
    if len(seen) <= MANY:
        found["layout_vendi"] = rounded(vendi(grid_likeness(Prints(seen).grids)))
    return found


def _run_message(measures: Mapping[str, float], counted: int, prompts: int, collapsed: int, space: str) -> str:
    said = [f"{counted} pictures of {prompts} prompt{'s' * (prompts != 1)}"]
    if "vendi" in measures:
        said.append(f"as many as {measures['vendi']:.1f} different ones by content")
    if space.startswith("none"):
        said.append(f"content not told ({space.removeprefix('none: ')})")
    if collapsed:
        said.append(f"{collapsed} prompt{'s' * (collapsed != 1)} collapsed to nearly one picture")
    return "; ".join(said)


def _abstained(size: int, reason: str) -> GroupFinding:
    return GroupFinding(
        checker=DiversityChecker.name,
        version=DiversityChecker.version,
        group="run",
        outcome="abstained",
        size=size,
        counted=0,
        reason=reason,
    )
