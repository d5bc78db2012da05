"""A calibration file: what a measure's values mean in people's words, fitted to their labels, with its own card.

`imgaudit calibrate` writes it, a rubric names it. It says of which measure it speaks, of which version of the checker
and of which model; a finding of another one has no calibrated value. Beyond the values that were seen the nearest end
counts, and a mapping never decreases.
"""

from __future__ import annotations

import itertools
import json
import math
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from imgaudit.errors import ConfigError
from imgaudit.types import Finding, Stored

MAX_BYTES = 4 << 20
PREFIX = "calibrated."
"""Stands before a measure's name where its calibrated value is meant."""


class Estimate(Stored):
    """A number with its 95 % interval (null where it has none) and what it was counted on."""

    value: float
    interval: tuple[float, float] | None = None
    of: int = Field(ge=0, description="labels, pictures or pairs")


class Spread(Stored):
    """One line of the reliability table: labels of like probability."""

    count: int = Field(ge=1)
    said: float = Field(description="mean probability, by a mapping that was fitted without these labels")
    seen: float = Field(ge=0, le=1, description="share of them that is yes")
    interval: tuple[float, float] = Field(description="95 % interval of the share")


class Threshold(Stored):
    """A suggested threshold, and the error that is to be expected of it, told by labels that it was not chosen on."""

    aim: Literal["false alarms", "balanced"]
    wanted: float | None = Field(default=None, description="share of the faultless that may be alarmed; null: balanced")
    condition: str = Field(description="as a rubric writes it")
    value: float
    calibrated: float | None = Field(default=None, description="the mapping's value there")
    false_alarms: Estimate = Field(description="share of the faultless that is alarmed")
    misses: Estimate = Field(description="share of the faults that is not")
    kappa: Estimate | None = Field(default=None, description="agreement with people beyond chance")


class Quality(Stored):
    """How well the measure tells what people say, as far as that can be told."""

    auroc: Estimate | None = None
    brier: float | None = Field(default=None, description="mean squared error of the held-out probabilities")
    brier_of_share: float | None = Field(default=None, description="the same of always saying the share of yes")
    expected_error: float | None = Field(default=None, description="expected calibration error, held out")
    spearman: Estimate | None = None
    pairwise: Estimate | None = Field(default=None, description="share of pairs in people's order")
    pairs_within: str | None = Field(default=None, description="what both pictures of a pair share")
    absolute_error: float | None = Field(default=None, description="mean error of the held-out scores, people's unit")
    absolute_error_of_mean: float | None = Field(default=None, description="the same of always saying the mean")
    raters: Estimate | None = Field(default=None, description="agreement of people with each other beyond chance")


class Origin(Stored):
    """A file or a run that the labels and values came from; its name alone, never where it lay."""

    name: str
    kind: Literal["labels", "run"]
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the file, or of the run's images.jsonl")


class Calibration(Stored):
    """What a measure's values mean, fitted to labels."""

    format: Literal["imgaudit-calibration/1"] = "imgaudit-calibration/1"
    measure: str = Field(pattern=r"^[a-z][\w-]*\.[\w.-]+$")
    checker_version: str | None = Field(description="of the checker that measured; null: nobody said")
    model: str | None = Field(default=None, description="the findings' label `model`, where they have one")
    method: Literal["isotonic", "logistic", "percentile"]
    gives: Literal["probability", "score", "percentile"]
    about: str = Field(description="what the mapped value means")
    knots: tuple[tuple[float, float], ...] = Field(default=(), max_length=20_000, description="straight lines between")
    logistic: tuple[float, float] | None = Field(default=None, description="intercept and slope")
    seen: tuple[float, float] = Field(description="lowest and highest value that it was fitted to")
    sources: tuple[Origin, ...]
    counts: dict[str, int]
    quality: Quality = Quality()
    reliability: tuple[Spread, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    unsuggested: dict[str, str] = Field(default_factory=dict, description="thresholds that were asked for, and why not")
    limits: tuple[str, ...] = ()
    imgaudit: str = Field(description="version that wrote this")

    @model_validator(mode="after")
    def _sound(self) -> Calibration:
        if bool(self.knots) == (self.logistic is not None) or (self.method == "logistic") != (not self.knots):
            raise ValueError(f"the method {self.method} needs {'logistic' if self.method == 'logistic' else 'knots'}")
        if any(b[0] <= a[0] or b[1] < a[1] for a, b in itertools.pairwise(self.knots)):
            raise ValueError("the knots must rise in their first number and never fall in their second")
        if self.logistic is not None and self.logistic[1] < 0:
            raise ValueError("a slope below 0 would turn the measure round")
        if self.seen[0] > self.seen[1]:
            raise ValueError("seen: the lowest value stands first")
        return self

    @property
    def checker(self) -> str:
        """The checker of the measure."""
        return self.measure.partition(".")[0]

    @property
    def name(self) -> str:
        """The measure's name without its checker's."""
        return self.measure.partition(".")[2]

    def value(self, measured: float) -> float:
        """The calibrated value of a measured one; pure arithmetic, rounded as measures are stored."""
        inside = min(max(measured, self.seen[0]), self.seen[1])
        if self.logistic is not None:
            logit = self.logistic[0] + self.logistic[1] * inside
            return round(1 / (1 + math.exp(-logit)) if logit > -700 else 0.0, 6)
        return round(_along(self.knots, inside), 6)

    def why_not(self, finding: Finding) -> str | None:
        """Why this says nothing about a finding; None where it does."""
        if finding.version != self.checker_version:
            fitted = f"version {self.checker_version}" if self.checker_version else "an unknown version"
            return f"{self.measure} was calibrated on {fitted} of its checker; this is version {finding.version}"
        model = finding.labels.get("model")
        if model != self.model:
            fitted = f"the model {self.model}" if self.model else "an unknown model"
            return f"{self.measure} was calibrated on {fitted}; this is of {model or 'an unknown one'}"
        return None


def _along(knots: Sequence[tuple[float, float]], place: float) -> float:
    after = bisect_right(knots, place, key=lambda knot: knot[0])
    if after == 0:
        return knots[0][1]
    if after == len(knots):
        return knots[-1][1]
    (x0, y0), (x1, y1) = knots[after - 1], knots[after]
    return y0 + (y1 - y0) * (place - x0) / (x1 - x0)


def with_calibrated(finding: Finding, calibrations: Sequence[Calibration]) -> Finding:
    """The finding as conditions see it: each calibrated value stands beside its measure, or why there is none."""
    measures, unmeasured = dict(finding.measures), dict(finding.unmeasured)
    for one in calibrations:
        if one.checker == finding.checker and one.name in finding.measures:
            why = one.why_not(finding)
            if why is None:
                measures[PREFIX + one.name] = one.value(finding.measures[one.name])
            else:
                unmeasured[PREFIX + one.name] = why
    return finding.model_copy(update={"measures": measures, "unmeasured": unmeasured})


def load_calibration(path: Path) -> Calibration:
    """Read a calibration file. Raises ConfigError with a sentence for anything else."""
    wanted = "expected a file that `imgaudit calibrate` wrote"
    try:
        if not path.is_file():
            raise ConfigError(f"{path.name}: there is no such file; {wanted}")
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path.name}: is larger than {MAX_BYTES >> 20} MiB; {wanted}")
        return Calibration.model_validate(json.loads(path.read_bytes()))
    except OSError as error:
        raise ConfigError(f"{path.name}: cannot be read: {error.strerror or error}; {wanted}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        text = str(first["msg"]).removeprefix("Value error, ")
        raise ConfigError(f"{path.name}: {where}: {text[:1].lower()}{text[1:]}; {wanted}") from None
    except (ValueError, RecursionError):
        raise ConfigError(f"{path.name}: is no JSON; {wanted}") from None
