"""Does a face resemble somebody of the user's own deny or consent gallery?

Nobody is identified: faces are compared with the galleries that the user supplied, by the model that the user named,
and with nobody else. Off unless both are named (`--likeness`) and the rubric opts in to `likeness`. A face like one of
the deny gallery gives the code `likeness.denied`; of the consent gallery, the label says whether all faces, some or
none resemble somebody in it.

Known limits: a resemblance is no identity, and no resemblance is no proof that nobody is shown: faces that are small,
turned, covered or drawn are compared badly or not at all. Where the model errs more for some people than for others, so
does this check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from imgaudit.percepts import Likenesses, Resemblance
from imgaudit.registry import checker
from imgaudit.types import Abstained, Case, Failed, Measure, Measured, Outcome, Percepts, Query, Region

LIKENESS = Query("likeness", {}, (Query("landmarks", {"parts": ["faces"]}),))


@checker
class LikenessChecker:
    """Compares the faces of a picture with the user's deny and consent galleries."""

    name: ClassVar[str] = "likeness"
    title: ClassVar[str] = "Likeness to the user's galleries"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("likeness",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("compared", "faces", "none", "faces that could be compared with the galleries"),
        Measure("denied", "faces", "down", "faces that resemble somebody of the deny gallery"),
        Measure("without_consent", "faces", "down", "faces that resemble nobody of the consent gallery"),
    )
    labels: ClassVar[Mapping[str, str]] = {"consent": "all, some or none of the faces resemble the consent gallery"}
    codes: ClassVar[Mapping[str, str]] = {"likeness.denied": "a face resembles somebody of the deny gallery"}
    limits: ClassVar[str] = (
        "A resemblance is no identification, and none found is no proof that nobody is shown. Compares with the user's "
        "galleries alone, by a model that the user names, whose errors nobody has measured here. Off by default."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """One comparison; the gate turns it away unless the rubric opts in."""
        return [LIKENESS]

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """Count the faces like each gallery's."""
        seen = percepts.seen(LIKENESS, Likenesses)
        if isinstance(seen, (Abstained, Failed)):
            return seen
        if not seen.faces:
            return Abstained(seen.refused[0] if seen.refused else "no face could be compared")
        denied = _like(seen, "deny")
        agreed = _like(seen, "consent")
        measures = {"compared": float(len(seen.faces))}
        unmeasured: dict[str, str] = {}
        labels: dict[str, str] = {}
        if "deny" in seen.galleries:
            measures["denied"] = float(len(denied))
        else:
            unmeasured["denied"] = "no deny gallery was named"
        if "consent" in seen.galleries:
            measures["without_consent"] = float(len(seen.faces) - len(agreed))
            labels["consent"] = "all" if len(agreed) == len(seen.faces) else "some" if agreed else "none"
        else:
            unmeasured["without_consent"] = "no consent gallery was named"
        return Measured(
            measures=measures,
            labels=labels,
            unmeasured=unmeasured,
            codes=("likeness.denied",) if denied else (),
            regions=tuple(
                Region(label=f"face like {match.name}"[:120], box=seen.boxes[index], score=max(0.0, match.cosine))
                for index, match in denied.items()
            ),
            message=_message(seen, denied, len(agreed)),
        )


def _like(seen: Likenesses, gallery: str) -> dict[int, Resemblance]:
    """Index of each face that resembles somebody of a gallery, and whom."""
    return {
        index: match
        for index, matches in enumerate(seen.faces)
        for match in matches
        if match.gallery == gallery and match.cosine >= seen.same_from
    }


def _message(seen: Likenesses, denied: Mapping[int, Resemblance], agreed: int) -> str:
    number = len(seen.faces)
    parts = [f"{number} {'face' if number == 1 else 'faces'} compared by {seen.model}"]
    if "deny" in seen.galleries:
        alike = ", ".join(f"{match.name} ({match.cosine:.2f})" for match in denied.values())
        parts.append(f"like the deny gallery: {alike or 'none'}")
    if "consent" in seen.galleries:
        parts.append(f"like the consent gallery: {agreed}")
    if seen.refused:
        parts.append(f"{len(seen.refused)} could not be compared")
    if seen.unusable:
        parts.append(f"{seen.unusable} files of the galleries could not be used (run.json says which)")
    return "; ".join(parts)
