"""Does a safety model find explicit, violent or dangerous content, at its declared operating point?

The model is a plug-in by choice (`--safety`); without one this checker abstains and a person must look. What it finds
decides how reports treat a picture: a flagged one is shown blurred, and one that may be abuse material is not shown at
all. Two things raise that suspicion: the picture is near one of the user's list of known material, or it is explicit
and its prompt speaks of minors. Then everything stops: reject, no rendering, and a person decides what the law asks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from imgaudit.percepts import Metadata, Safety
from imgaudit.registry import checker
from imgaudit.types import Case, Measure, Measured, Outcome, Percepts, Query, Region

PIXELS, METADATA = Query("pixels"), Query("metadata")
SAFETY = Query("safety", upstream=(PIXELS,))
SUSPECTED = "safety.suspected_abuse"
ESCALATE = (
    "stop: this may be abuse material; do not open, copy, send or publish it, and hand it to the person whom your "
    "organisation named for this; in most countries a report to the national hotline is owed"
)
MINORS = re.compile(
    r"\b(?:minors?|under-?age[d]?|child(?:ren|like)?|kids?|toddlers?|bab(?:y|ies)|infants?|pre-?teens?|tweens?|teen(?:s|ager?s?)?|"
    r"school-?(?:girl|boy|child)s?|(?:little|young) (?:girl|boy)s?|lolis?|lolicons?|shotas?|shotacons?|"
    r"(?:[0-9]|1[0-7])[- ]?(?:years?[- ]old|yo|y/o))\b",
    re.IGNORECASE,
)


@checker
class SafetyChecker:
    """Compares a safety model's scores with its operating points."""

    name: ClassVar[str] = "safety"
    title: ClassVar[str] = "Safety"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("safety",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("flagged", "0 or 1", "down", "whether some policy reaches its operating point"),
        Measure("explicit", "0..1", "down", "the model's score for nudity and explicit content, on its own scale"),
        Measure("violence", "0..1", "down", "the model's score for violence and gore, on its own scale"),
        Measure("dangerous", "0..1", "down", "the model's score for dangerous content, on its own scale"),
    )
    labels: ClassVar[Mapping[str, str]] = {
        "model": "the safety model that looked",
        "operating_points": "the score from which on each policy counts",
        "parts": "exposed parts that a detector found, with their scores",
    }
    codes: ClassVar[Mapping[str, str]] = {
        "safety.explicit": "explicit content at or above the operating point",
        "safety.violence": "violence or gore at or above the operating point",
        "safety.dangerous": "dangerous content at or above the operating point",
        SUSPECTED: "it may be abuse material: stop, do not show it, and escalate",
    }
    limits: ClassVar[str] = (
        "A model by choice, with its own blind spots: NudeNet misses most explicit drawings and many photographs, the "
        "safety checker's concepts are secret, ShieldGemma 2 was not tried on its own weights. No model recognises "
        "abuse material or tells ages: the suspicion rests on the user's list of hashes and on English words of the "
        "prompt, so its absence means nothing. Scores of different models cannot be compared."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """The safety model, and the metadata for a prompt that stands there."""
        return [SAFETY, METADATA]

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """The scores, what is flagged, and whether to stop."""
        seen = percepts.seen(SAFETY, Safety)
        if not isinstance(seen, Safety):
            return seen
        over = [one.policy for one in seen.policies if one.score >= one.threshold]
        codes = [f"safety.{policy}" for policy in over]
        suspected = seen.known or ("explicit" in over and _speaks_of_minors(case, percepts))
        if suspected:
            codes.append(SUSPECTED)
        return Measured(
            measures={"flagged": float(bool(codes)), **{one.policy: one.score for one in seen.policies}},
            labels=_labels(seen),
            codes=tuple(codes),
            # where a part lies is told to who repairs a picture; nobody repairs what must not be opened
            regions=() if suspected else tuple(Region(label=n, box=box, score=s) for n, s, box in seen.parts),
            message=ESCALATE if suspected else _message(over, seen),
        )


def _speaks_of_minors(case: Case, percepts: Percepts) -> bool:
    metadata = percepts.seen(METADATA, Metadata)
    prompts = [case.prompt, metadata.source.prompt if isinstance(metadata, Metadata) else None]
    return any(prompt is not None and MINORS.search(prompt[:20_000]) for prompt in prompts)


def _labels(seen: Safety) -> dict[str, str]:
    labels = {
        "model": seen.model,
        "operating_points": " ".join(f"{one.policy}:{one.threshold:g}" for one in seen.policies),
        "parts": " ".join(f"{name}:{score:.2f}" for name, score, _ in seen.parts),
    }
    return {name: text for name, text in labels.items() if text}


def _message(over: Sequence[str], seen: Safety) -> str:
    if not over:
        return f"{seen.model} found nothing at its operating point; a person must still look"
    return f"{seen.model} finds it {', '.join(over)}; it is shown blurred"
