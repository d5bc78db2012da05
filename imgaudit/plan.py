"""How many prompts and seeds a comparison needs, from a pilot run.

Scores vary by prompt, by seed, and by what an update changes on single prompts. Pairing removes the first, seeds
average the second, and only more prompts help against the third, which one run cannot show: it is assumed unless a
second run of another model is given. Formulas are those of `imgaudit.kernels.power`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import Field

from imgaudit.errors import RunError, UsageError
from imgaudit.kernels.power import (
    AGREEMENT,
    MOST_SEEDS,
    VarianceParts,
    cheapest,
    detectable,
    variance_parts,
    variance_parts_single,
)
from imgaudit.record import FinishedRun, RunInfo
from imgaudit.registry import measure_facts
from imgaudit.types import ImageRecord, Stored

PROMPTS = (12, 25, 50, 100, 200, 400)
SEEDS = (1, 2, 4, 8, 16)
SHORTEST = 10.0
"""Seconds that a pilot must have taken: run.json counts whole seconds, which says nothing of a shorter one."""


class Parts(Stored):
    """What the scores of the pilot vary by, as standard deviations in the measure's unit."""

    between: float = Field(description="between prompts; pairing removes it")
    interaction: float = Field(description="what an update changes on single prompts, beyond its mean")
    within: float = Field(description="between seeds of one prompt")
    interaction_from: Literal["two runs", "assumed"]


class Reach(Stored):
    """What a design can tell."""

    prompts: int
    seeds: int
    finds: float | None = Field(description="true loss found with the wanted power; null where none is")
    passes: float | None = Field(description="margin that an unchanged model passes with the wanted power")


class Price(Stored):
    """What one run of a design costs, as fast as the pilot ran."""

    prompts: int
    seeds: int
    pictures: int = Field(description="of one run; a comparison needs two, of which the baseline may be there")
    hours: float | None = Field(description="null where the pilot's speed is unknown")
    gpu_hours: float | None = Field(description="null where the pilot's speed is unknown, or it used no GPU")


class Plan(Stored):
    """How large the next comparison should be. A function of the pilot's record."""

    format: Literal["imgaudit-plan/1"] = "imgaudit-plan/1"
    measure: str
    unit: str
    effect: float
    alpha: float
    power: float
    tests: int
    pilot_prompts: int = Field(description="prompts on which the measure could be told")
    pilot_cases: int
    pilot_seeds: float = Field(description="mean number of told seeds a prompt")
    told: float = Field(description="share of the pilot's prompts on which the measure could be told")
    parts: Parts
    grid: tuple[Reach, ...]
    asked: Reach | None = Field(default=None, description="the design that --prompts and --seeds name")
    to_find: Price | None = Field(description="cheapest design that finds a loss of `effect`; null where none does")
    to_pass: Price | None = Field(description="cheapest with which an unchanged model passes a margin of `effect`")
    own_prompts: Price | None = Field(description="the pilot's own prompts with more seeds; null where no seeds do")
    seconds_per_picture: float | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Wish:
    """What the next comparison should be able to tell.

    Attributes:
        measure: a full name, such as adherence.match.
        effect: true loss to be found, in the measure's unit.
        alpha: error of the whole family.
        power: how often a loss of `effect` should be found.
        tests: measures and strata tested together; alpha is divided among them.
        prompt_cost: what one more prompt costs beside its pictures, counted in pictures.
        agreement: assumed correlation of prompt levels before and after, where one run is given.
    """

    measure: str
    effect: float = 0.05
    alpha: float = 0.05
    power: float = 0.8
    tests: int = 1
    prompt_cost: float = 0.0
    agreement: float = AGREEMENT

    def __post_init__(self) -> None:
        if not (self.effect > 0 and math.isfinite(self.effect)):
            raise UsageError(f"--effect {self.effect}: expected a loss above zero, in the measure's unit, such as 0.05")
        if not 0 < self.alpha < 0.5 or not 0.5 <= self.power < 1:
            raise UsageError("--alpha and --power: expected e.g. 0.05 and 0.8")
        if self.tests < 1 or self.prompt_cost < 0 or not 0 <= self.agreement <= 1:
            raise UsageError("--tests: at least 1; --prompt-cost: 0 or more; --agreement: between 0 and 1")


def plan(
    pilot: FinishedRun, wish: Wish, other: FinishedRun | None = None, asked: tuple[int, int] | None = None
) -> Plan:
    """The plan. `other` is a run of another model on the same prompts; `asked` is (prompts, seeds).

    Raises:
        UsageError: for a measure that is unknown or has no direction.
        RunError: when the pilot cannot show what varies: one seed, one prompt, or nothing told.
    """
    facts = measure_facts(wish.measure)
    scores = scores_by_case(pilot.images, wish.measure)
    parts = _parts(scores, scores_by_case(other.images, wish.measure) if other else None, wish)
    cases = len({image.case or image.id for image in pilot.images})
    told = len(scores) / cases
    alone = wish.alpha / wish.tests
    seconds = seconds_per_picture(pilot)
    price = _Pricing(told, seconds, _uses_gpu(pilot.run))
    between, interaction, within = (round(math.sqrt(v), 6) for v in (parts.between, parts.interaction, parts.within))
    return Plan(
        measure=wish.measure,
        unit=facts.unit,
        effect=wish.effect,
        alpha=wish.alpha,
        power=wish.power,
        tests=wish.tests,
        pilot_prompts=len(scores),
        pilot_cases=cases,
        pilot_seeds=round(sum(map(len, scores.values())) / len(scores), 2),
        told=round(told, 6),
        parts=Parts(
            between=between, interaction=interaction, within=within, interaction_from="two runs" if other else "assumed"
        ),
        grid=tuple(_reach(parts, prompts, seeds, alone, wish) for prompts in PROMPTS for seeds in SEEDS),
        asked=_reach(parts, math.floor(asked[0] * told), asked[1], alone, wish, asked[0]) if asked else None,
        to_find=_cheapest(parts, alone, wish, price),
        to_pass=_cheapest(parts, wish.alpha / 2, wish, price),
        own_prompts=_more_seeds(parts, len(scores), cases, alone, wish, price),
        seconds_per_picture=None if seconds is None else round(seconds, 4),
        notes=_notes(pilot, wish, parts, other is not None, seconds, told),
    )


def scores_by_case(images: Iterable[ImageRecord], measure: str) -> dict[str, list[float]]:
    """Case -> the scores of its pictures, those that could be told."""
    checker, _, name = measure.partition(".")
    scores: dict[str, list[float]] = {}
    for image in images:
        for finding in image.findings:
            if finding.checker == checker and name in finding.measures:
                scores.setdefault(image.case or image.id, []).append(finding.measures[name])
    return scores


def seconds_per_picture(run: FinishedRun) -> float | None:
    """Wall time of the run a picture, models loaded and checks included; None where it cannot be told."""
    jobs = len(run.images) + sum(run.report.refused.values())
    if run.run.finished is None or jobs == 0:
        return None
    try:
        spent = datetime.fromisoformat(run.run.finished) - datetime.fromisoformat(run.run.started)
    except (ValueError, TypeError):
        return None
    seconds = spent.total_seconds()
    return seconds / jobs if seconds >= SHORTEST else None


def _uses_gpu(run: RunInfo) -> bool:
    return str((run.generator or {}).get("device", "cpu")).startswith(("cuda", "mps", "xpu"))


def _parts(base: dict[str, list[float]], other: dict[str, list[float]] | None, wish: Wish) -> VarianceParts:
    if not base:
        raise RunError(f"{wish.measure}: could be told on no picture of the pilot; choose another --measure")
    if other is None:
        parts = variance_parts_single(list(base.values()), wish.agreement)
    else:
        shared = sorted(base.keys() & other.keys())
        parts = variance_parts([base[case] for case in shared], [other[case] for case in shared])
    if parts is None:
        raise RunError(
            f"{wish.measure}: the pilot cannot show how much seeds vary; it takes two prompts with scores, and two "
            "seeds of one of them. Run it with e.g. --seeds 0-3"
        )
    return parts


def _reach(
    parts: VarianceParts, prompts: int, seeds: int, alone: float, wish: Wish, written: int | None = None
) -> Reach:
    finds = detectable(parts, prompts, seeds, alone, wish.power)
    passes = detectable(parts, prompts, seeds, wish.alpha / 2, wish.power)
    shown = [round(value, 6) if math.isfinite(value) else None for value in (finds, passes)]
    return Reach(prompts=written or prompts, seeds=seeds, finds=shown[0], passes=shown[1])


@dataclass(frozen=True)
class _Pricing:
    """From prompts that are told to prompts that are run, and to hours."""

    told: float
    seconds: float | None
    gpu: bool

    def of(self, prompts: int, seeds: int) -> Price:
        pictures = prompts * seeds
        hours = None if self.seconds is None else round(pictures * self.seconds / 3600, 3)
        gpu_hours = hours if self.gpu else None
        return Price(prompts=prompts, seeds=seeds, pictures=pictures, hours=hours, gpu_hours=gpu_hours)


def _cheapest(parts: VarianceParts, alpha: float, wish: Wish, price: _Pricing) -> Price | None:
    design = cheapest(parts, wish.effect, wish.prompt_cost, 1.0, alpha, wish.power)
    return None if design is None else price.of(math.ceil(design.prompts / price.told), design.seeds)


def _more_seeds(
    parts: VarianceParts, prompts: int, cases: int, alpha: float, wish: Wish, price: _Pricing
) -> Price | None:
    for seeds in range(1, MOST_SEEDS + 1):
        if detectable(parts, prompts, seeds, alpha, wish.power) <= wish.effect:
            return price.of(cases, seeds)
    return None


def _notes(
    pilot: FinishedRun, wish: Wish, parts: VarianceParts, two: bool, seconds: float | None, told: float
) -> tuple[str, ...]:
    notes = []
    if not two:
        notes.append(
            "What an update changes on single prompts cannot be seen in one run. It is assumed that the levels of "
            f"prompts before and after correlate by {wish.agreement:g}; give a run of another model to measure it."
        )
    if parts.within == 0:
        notes.append("Seeds did not vary at all in the pilot, so that more of them would change nothing.")
    if told < 1:
        notes.append(f"The measure could be told on {told:.0%} of the prompts; the prompts asked for allow for that.")
    if seconds is None:
        notes.append(f"Time is unknown: the pilot has no end, or took less than {SHORTEST:g} s.")
    else:
        notes.append(
            "Time is the pilot's own, with models loaded and checks made. A pilot that was interrupted and continued, "
            "or whose pictures stood in the cache, was slower than it says."
        )
        if not _uses_gpu(pilot.run):
            notes.append("GPU-hours are unknown: the pilot ran on the processor.")
    if wish.prompt_cost == 0:
        notes.append("A further prompt was taken to cost nothing but its pictures, so that prompts beat seeds.")
    return tuple(notes)


def grid_rows(plan: Plan, value: Literal["finds", "passes"]) -> Sequence[tuple[int, tuple[float | None, ...]]]:
    """The grid by prompts: one value a number of seeds."""
    rows: dict[int, list[float | None]] = {}
    for reach in plan.grid:
        rows.setdefault(reach.prompts, []).append(getattr(reach, value))
    return [(prompts, tuple(values)) for prompts, values in rows.items()]
