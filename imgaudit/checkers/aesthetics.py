"""How does a learned model rank the picture's looks among those of a reference set?

The model is a plug-in by choice (`--aesthetics`); without one this checker abstains. A raw score means nothing by
itself, so none is compared with a threshold: the percentile says how many pictures of a reference set, scored by the
same model, the picture is above. What the set holds decides what the percentile means: make one of pictures that you
publish, with `python -m imgaudit.calibration.make_reference`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from imgaudit.percepts import LearnedScore
from imgaudit.registry import checker
from imgaudit.types import Abstained, Case, Failed, Measure, Measured, Outcome, Percepts, Query

LOOKS = Query("aesthetics")
NO_REFERENCE = "no reference set was given; add ;reference=FILE to --aesthetics"


@checker
class AestheticsChecker:
    """A learned score, as a percentile of a reference set."""

    name: ClassVar[str] = "aesthetics"
    title: ClassVar[str] = "Learned scores of looks"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("quality",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("percentile", "0..100", "up", "pictures of the reference set that the same model scores lower"),
        Measure("score", "the model's own", "none", "the raw score; it means nothing beside another model's"),
    )
    labels: ClassVar[Mapping[str, str]] = {
        "model": "the model that scored",
        "reference": "the reference set, and how many pictures it holds",
    }
    codes: ClassVar[Mapping[str, str]] = {}
    limits: ClassVar[str] = (
        "It repeats the taste of those who rated the training pictures, which leans to paintings and to what was "
        "popular; it is no measure of faults. Scores of different models, or percentiles of different sets, cannot be "
        "compared. No packaged rubric uses it."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """One look by the model."""
        return [LOOKS]

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """The score, and its percentile where there is a reference set."""
        seen = percepts.seen(LOOKS, LearnedScore)
        if isinstance(seen, (Abstained, Failed)):
            return seen
        measures, unmeasured, labels = {"score": seen.score}, {}, {"model": seen.model}
        if seen.percentile is None:
            unmeasured["percentile"] = NO_REFERENCE
        else:
            measures["percentile"] = seen.percentile
            labels["reference"] = f"{seen.reference} ({seen.reference_size} pictures)"
        told = unmeasured.get("percentile") or f"above {seen.percentile:.0f} of 100 pictures of {seen.reference}"
        return Measured(measures=measures, unmeasured=unmeasured, labels=labels, message=f"{seen.model}: {told}")
