"""Does the style show, and does it leave the content readable?

A style takes over when the content is harder to find in styled pictures than in plain ones. How well content can be
found at all differs from content to content, so it is only ever told relative to the suite: `takeover` is the mean
probability that the content shows in the plain pictures of the same content (of all plain pictures of the suite where
the content has none), less the same in the styled pictures. 0: the style costs nothing; 1: it swallows the content.

A case is styled when the suite, or a clause of its prompt, names a style and its content apart; a case that names no
style is plain, and its prompt is its content.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from imgaudit.checkers.adherence import Plan, anchors_of, plan, query_of, shown, unknown
from imgaudit.digest import rounded
from imgaudit.kernels.inference import t_interval
from imgaudit.percepts import Match
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

NO_PLAIN = "the set has no picture without a style to compare with; add cases that draw the content plainly"
NO_CONTENT = "the case names a style, but not its content apart: give `expect.content`"
_HALF = 0.5
_FEWEST = 3


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one picture: `style` is None for a plain one, `match` where no other style is unrelated."""

    id: str
    case: str
    content: str
    style: str | None
    shows: float
    match: float | None


@checker
class StyleChecker:
    """How well a named style shows, and how much less the content shows than in plain pictures of the suite."""

    name: ClassVar[str] = "style"
    title: ClassVar[str] = "Style against content"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("style",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("match", "probability", "up", "that the named style shows, against unrelated styles"),
        Measure("content", "probability", "up", "that the content shows, against unrelated texts"),
        Measure("takeover", "difference of probabilities", "down", "plain pictures' content less the styled ones'"),
    )
    labels: ClassVar[Mapping[str, str]] = {
        "style": "the style that is named",
        "against": "the plain pictures it is compared with: those of the same content, or all of the suite",
    }
    codes: ClassVar[Mapping[str, str]] = {
        "style.over_content": "the style shows, the content does not, and plain pictures of the suite do show theirs",
    }
    limits: ClassVar[str] = (
        "It needs a model that knows styles (--clip): the embedded one knows none, and the checker is silent about "
        "sets that name no style. A joint embedding knows common styles, by technique and period. Without plain cases "
        "in the suite there is no takeover to tell. Where a content has no plain picture of its own it is compared "
        "with all of them, and then the interval leaves out how contents differ."
    )
    sensitive: ClassVar[bool] = False

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """The question that `adherence` asks already."""
        wanted = plan(case)
        return [] if wanted is None else [query_of(wanted)]

    def project(self, case: Case, percepts: Percepts) -> Mapping[str, JSON] | Abstained | Failed:
        """Content, style, and how well each shows."""
        wanted = plan(case)
        if wanted is None:
            return Abstained("no prompt")
        seen = percepts.seen(query_of(wanted), Match)
        if isinstance(seen, (Abstained, Failed)):
            return seen
        if not seen.knows:
            return unknown(seen)
        return _projection(wanted, seen)

    def aggregate(self, members: Sequence[Member]) -> GroupOutcome:
        """Each style of the set, the set as a whole, and the line of each styled picture; nothing without styles."""
        pictures = sorted(
            (Seen(id=m.id, case=m.case.id, **m.projection) for m in members if isinstance(m.projection, Mapping)),
            key=lambda seen: seen.id,
        )
        styled = [seen for seen in pictures if seen.style is not None]
        if not styled:
            return GroupOutcome(())
        plain = _plain([seen for seen in pictures if seen.style is None])
        groups = [_group("run", styled, plain)]
        styles: dict[str, list[Seen]] = defaultdict(list)
        for seen in styled:
            styles[seen.style or ""].append(seen)
        if len(styles) > 1:
            groups += [_group(f"style {style}"[:200], some, plain) for style, some in sorted(styles.items())]
        return GroupOutcome(tuple(groups), {seen.id: _picture(seen, plain) for seen in styled})


def _projection(wanted: Plan, seen: Match) -> Mapping[str, JSON] | Abstained:
    if wanted.style is not None and wanted.content is None:
        return Abstained(NO_CONTENT)
    content = wanted.content or wanted.prompt
    shows = shown(wanted, seen, content, anchors_of(wanted, seen))
    if shows is None:
        return Abstained("the model knows no styles, or no packaged text is unrelated to the content")
    match = shown(wanted, seen, wanted.style, wanted.styles) if wanted.style is not None else None
    return {"content": content, "style": wanted.style, "shows": rounded(shows),
            "match": None if match is None else rounded(match)}  # fmt: skip


def _plain(pictures: Sequence[Seen]) -> dict[str, float]:
    """Content -> mean probability that it shows in its plain pictures."""
    found: dict[str, list[float]] = defaultdict(list)
    for seen in pictures:
        found[_key(seen.content)].append(seen.shows)
    return {content: float(np.mean(values)) for content, values in found.items()}


def _key(content: str) -> str:
    return " ".join(content.lower().split()).strip(" .")


def _against(seen: Seen, plain: Mapping[str, float]) -> tuple[float, str]:
    own = plain.get(_key(seen.content))
    if own is not None:
        return own, "plain pictures of the same content"
    return float(np.mean(list(plain.values()))), "all plain pictures of the set"


def _picture(seen: Seen, plain: Mapping[str, float]) -> Measured:
    measures, unmeasured, labels = {"content": seen.shows}, {}, {"style": (seen.style or "")[:200]}
    if seen.match is None:
        unmeasured["match"] = "no packaged style is unrelated to this one"
    else:
        measures["match"] = seen.match
    codes: tuple[str, ...] = ()
    if plain:
        reference, labels["against"] = _against(seen, plain)
        measures["takeover"] = reference - seen.shows
        swallowed = seen.shows < _HALF <= reference and (seen.match or 0.0) >= _HALF
        codes = ("style.over_content",) if swallowed else ()
    else:
        unmeasured["takeover"] = NO_PLAIN
    told = ", ".join(f"{name} {value:.2f}" for name, value in measures.items())
    return Measured(measures=measures, unmeasured=unmeasured, labels=labels, codes=codes, message=told)


def _group(name: str, styled: Sequence[Seen], plain: Mapping[str, float]) -> GroupFinding:
    facts = {"checker": StyleChecker.name, "version": StyleChecker.version, "group": name, "size": len(styled),
             "counted": len(styled), "members": [seen.id for seen in styled]}  # fmt: skip
    if not plain:
        return GroupFinding.model_validate({**facts, "outcome": "abstained", "reason": NO_PLAIN})
    # contents are the unit: pictures of one content share what makes it easy or hard to find
    losses: dict[str, list[float]] = defaultdict(list)
    for seen in styled:
        losses[_key(seen.content)].append(_against(seen, plain)[0] - seen.shows)
    means = [float(np.mean(values)) for values in losses.values()]
    takeover = float(np.mean(means))
    matches = [seen.match for seen in styled if seen.match is not None]
    measures = {"takeover": rounded(takeover), "content": rounded(float(np.mean([seen.shows for seen in styled])))}
    if matches:
        measures["match"] = rounded(float(np.mean(matches)))
    interval = t_interval(means) if len(means) >= _FEWEST else None
    own = all(_key(seen.content) in plain for seen in styled)
    against = "plain pictures of the same content" if own else "all plain pictures of the set"
    return GroupFinding.model_validate(
        {
            **facts, "outcome": "measured", "measures": measures, "labels": {"against": against},
            "intervals": {} if interval is None else {"takeover": tuple(rounded(end) for end in interval)},
            "counts": {"contents": len(means), "plain contents": len(plain)},
            "message": f"the content shows {takeover:+.2f} less in {len(styled)} styled pictures than in plain ones",
        }
    )  # fmt: skip
