"""Synthetic runs for comparisons: scores drawn by prompt and seed, recorded as a real run would be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from imgaudit.digest import digest
from imgaudit.record import FinishedRun, Report, RunInfo, RunVerdict, SuiteInfo
from imgaudit.rubric import Rubric, judge, load_rubric
from imgaudit.summary import count_decisions, fingerprint_of
from imgaudit.types import Case, Decision, Finding, ImageRecord, Source

PUBLISH = load_rubric("publish")


def measured(checker: str, **measures: float) -> Finding:
    rounded = {name: round(float(value), 6) for name, value in measures.items()}
    return Finding(checker=checker, version="1", outcome="measured", measures=rounded, by={"eye": "1" * 8})


def abstained(checker: str) -> Finding:
    return Finding(checker=checker, version="1", outcome="abstained", reason="too small", by={"eye": "1" * 8})


def cases_of(count: int, strata: Sequence[str] = ("relation", "single")) -> list[Case]:
    """So many cases, tagged in turn."""
    tags = [(strata[number % len(strata)],) if strata else () for number in range(count)]
    return [Case(id=f"case-{n:04d}", prompt=f"picture {n}", tags=tags[n]) for n in range(count)]


@dataclass
class Model:
    """A model whose adherence is a level of the prompt, minus what it lost, plus the luck of the seed.

    Args:
        loss: stratum -> mean loss on adherence.
        noise: standard deviation of seeds.
        abstains: share of pictures on which adherence cannot be told.
        broken: pictures whose content credentials are broken.
    """

    luck: int = 0
    loss: dict[str, float] = field(default_factory=dict)
    noise: float = 0.05
    abstains: float = 0.0
    broken: int = 0
    refuses: tuple[str, ...] = ()

    def run(
        self, cases: Sequence[Case], seeds: int = 4, rubric: Rubric | None = None, first_seed: int = 0
    ) -> FinishedRun:
        """The run that this model gives."""
        random = np.random.default_rng([self.luck, 77])
        judge_by = rubric or PUBLISH
        images = []
        for case in cases:
            level = np.random.default_rng(int(digest(case.id)[:8], 16)).uniform(0.6, 0.9)
            for seed in range(first_seed, first_seed + seeds):
                score = level - self.loss.get(case.tags[0] if case.tags else "", 0.0) + random.normal(0, self.noise)
                found = measured("adherence", match=np.clip(score, 0, 1), worst_clause=np.clip(score - 0.05, 0, 1))
                if random.random() < self.abstains:
                    found = abstained("adherence")
                state = "invalid" if len(images) < self.broken else "none"
                marks = measured("provenance", ai_disclosed=1).model_copy(update={"labels": {"c2pa_state": state}})
                if case.id not in self.refuses:
                    blur = measured("quality", blur=0.1 + random.uniform(0, 0.02))
                    images.append(picture(case, seed, [found, blur, marks], judge_by))
        refusals = {case.id: seeds for case in cases if case.id in self.refuses}
        return run_of(images, cases, judge_by, refusals, range(first_seed, first_seed + seeds))


LOADED = Finding(checker="load", version="1", outcome="measured")


def picture(case: Case, seed: int, findings: Sequence[Finding], rubric: Rubric) -> ImageRecord:
    findings = (LOADED, *findings)
    return ImageRecord(
        id=f"{case.id}#{seed}", path=f"pictures/{case.id}_{seed:04d}.png", pixels=digest([case.id, seed]), file=None,
        width=64, height=64, prompt=case.prompt, case=case.id, seed=seed, source=Source(),
        verdict=judge(findings, rubric), findings=findings,
    )  # fmt: skip


def run_of(
    images: Sequence[ImageRecord],
    cases: Sequence[Case],
    rubric: Rubric,
    refusals: dict[str, int] | None = None,
    seeds: Sequence[int] = (0, 1, 2, 3),
    checkers: dict[str, str] | None = None,
) -> FinishedRun:
    """A finished run of these records."""
    versions = checkers or {"adherence": "1", "provenance": "1", "quality": "1"}
    suite = SuiteInfo(name="made", digest=digest([case.id for case in cases]), cases=len(cases), seeds=tuple(seeds))
    decisions = count_decisions(image.verdict.machine for image in images)
    report = Report(
        kind="run", title="made", suite=suite, generator="made@1", rubric=rubric.info(), pictures=len(images),
        counts=decisions, final_counts=decisions, set_verdict=RunVerdict(decision=Decision.PUBLISH),
        refused={"would not": sum((refusals or {}).values())} if refusals else {},
        fingerprint=fingerprint_of((image.case or image.id for image in images), images, versions, {}),
        images_digest=digest([image.model_dump_json() for image in images]), exit_code=0,
    )  # fmt: skip
    run = RunInfo(
        imgaudit="0.1.0", kind="run", request={"seeds": list(seeds)}, started="2026-11-24T09:00:00Z", suite=suite,
        generator={"spec": "made@1"}, checkers=versions, perceivers={"eye": {"version": "1"}}, rubric=rubric.info(),
    )  # fmt: skip
    return FinishedRun(
        run, report, list(images), [], lambda _: None, {case.id: case for case in cases}, refusals or {}
    )


def only(run: FinishedRun, keep: Callable[[ImageRecord], bool]) -> FinishedRun:
    """The run without some of its pictures; its fingerprint is made anew."""
    images = [image for image in run.images if keep(image)]
    fingerprint = fingerprint_of((i.case or i.id for i in images), images, run.run.checkers, run.run.calibrations)
    return replace(run, images=images, report=run.report.model_copy(update={"fingerprint": fingerprint}))
