"""A comparison that was never computed: the pictures of `made()` and changed copies, with every answer and class.

`compared()` has something of everything that a report shows, hostile strings included; `passed()` has nothing to
complain about; `large(prompts, measures)` has many cells, tests and movers.
"""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache

from made import CLOSING, FORMULA, HOSTILE_CASE, IMAGE, MENTION, RTL, RUBRIC, SCRIPT, made
from PIL import Image, ImageChops, ImageOps

from imgaudit.comparison import (
    Abstentions,
    Answer,
    Cell,
    ComparedRuns,
    Comparison,
    Estimate,
    Flips,
    Mover,
    Side,
    Tested,
    ZeroTolerance,
)
from imgaudit.digest import digest
from imgaudit.record import FinishedRun
from imgaudit.types import Decision, ImageRecord, Reason

PASS, REGRESSED, INCONCLUSIVE = Answer
CASES = ("poster-market", "hands-open", "portrait-office", "shapes-red-square", "landscape-dawn", HOSTILE_CASE)
HOSTILE_STRATUM = f"tag {SCRIPT}"


# --- the candidate's pictures ------------------------------------------------------------------------------------


def _repainted(data: bytes, seed: int) -> bytes:
    """The picture moved and with another tint, so that a reader sees that it is another one."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    side = image.width
    moved = ImageChops.offset(image, side // 12 * (seed + 1), side // 20)
    tinted = ImageOps.colorize(ImageOps.grayscale(moved), (20, 16, 60), (255, 236, 200))
    stream = io.BytesIO()
    Image.blend(moved, tinted, 0.35).save(stream, "PNG")
    return stream.getvalue()


def _rejected(record: ImageRecord) -> ImageRecord:
    message = "The square is right of the circle."
    reason = Reason(code="adherence.relation", rule="adherence.match < 0.5", message=message)
    verdict = record.verdict.model_copy(
        update={"machine": Decision.REJECT, "final": Decision.REJECT, "reasons": (reason,)}
    )
    halved = [{name: round(value / 2, 6) for name, value in finding.measures.items()} for finding in record.findings]
    findings = tuple(
        finding.model_copy(update={"measures": measures})
        for finding, measures in zip(record.findings, halved, strict=True)
    )
    return record.model_copy(update={"verdict": verdict, "findings": findings})


@cache
def _candidate() -> FinishedRun:
    base = made()
    kept = [record for record in base.images if record.id != "landscape-dawn#3"]  # one picture fewer
    worse = {"shapes-red-square#0", "shapes-red-square#2", "hands-open#0"}
    images = [_rejected(record) if record.id in worse else record for record in kept]
    files: dict[str, bytes] = {}
    for record in kept:
        data = base.picture(record)
        if data is not None:
            damaged = record.width is None
            files[record.id] = data if damaged else _repainted(data, record.seed or 0)
    return replace(base, images=images, picture=lambda record: files.get(record.id))


# --- the comparison ----------------------------------------------------------------------------------------------


def line(measure: str, stratum: str, gain: float, half: float, answer: Answer, **more: object) -> Tested:
    """A test with the interval `gain` ± `half`."""
    estimate = Estimate(
        gain=gain,
        low=gain - half,
        high=gain + half,
        prompts=6 if stratum == "all" else 2,
        base_mean=0.9,
        candidate_mean=round(0.9 + (gain if more.get("better", "up") == "up" else -gain), 6),
        base_counted=22,
        base_of=24,
        candidate_counted=20,
        candidate_of=23,
    )
    facts: dict[str, object] = {
        "unit": "share", "better": "up", "primary": True, "margin": 0.05, "estimate": estimate,
        "p_loss": 0.04, "p_adjusted": 0.08, "p_t": 0.05, "detectable": 0.06,
        "gates": True,
        "why": f"{measure} moved by {gain:+.3f} on {stratum}.",
    }
    return Tested.model_validate({"measure": measure, "stratum": stratum, "answer": answer, **facts, **more})


def _tests() -> tuple[Tested, ...]:
    return (
        line("adherence.match", "all", -0.08, 0.05, REGRESSED, p_adjusted=0.012, why="A loss of 0.08 was found."),
        line("adherence.match", "relations", -0.31, 0.09, REGRESSED, p_adjusted=0.0004),
        line("adherence.match", "colours", 0.01, 0.03, PASS, p_adjusted=0.71),
        line("adherence.match", HOSTILE_STRATUM, -0.02, 0.2, INCONCLUSIVE, gates=False,
               why=f"Too few prompts. {IMAGE} {MENTION}"),
        line("hands.defect", "all", -0.01, 0.02, PASS, better="down", margin=0.1),
        line("hands.defect", "people", 0.04, 0.3, INCONCLUSIVE, better="down", margin=0.1,
               why="The interval reaches beyond the margin; about 40 more prompts would settle it."),
        line("text.similarity", "all", 0.0, 0.0, INCONCLUSIVE, estimate=None, p_loss=None, p_adjusted=None, p_t=None,
               detectable=None, why="Nothing could be paired: no prompt was measured on both sides."),
        line("quality.blur", "all", 0.002, 0.01, PASS, better="down", primary=False, gates=False, margin=None),
        line("quality.noise", "all", -0.4, 0.1, PASS, better="down", primary=False, gates=False, margin=None),
    )  # fmt: skip


def _ids(case: str, run: FinishedRun) -> tuple[str, ...]:
    return tuple(record.id for record in run.images if record.case == case)


def mover(case: str, measure: str, gain: float, stratum: str = "all", flaky: bool = False) -> Mover:
    """A mover with all pictures of its case in the two runs."""
    base, candidate = made(), _candidate()
    prompt = next(record.prompt or "" for record in base.images if record.case == case)
    return Mover(
        case=case,
        prompt=prompt,
        measure=measure,
        stratum=stratum,
        gain=gain,
        shrunk=round(gain * 0.8, 6),
        base=_ids(case, base),
        candidate=_ids(case, candidate),
        flaky=flaky,
    )


def _movers() -> tuple[Mover, ...]:
    return (
        mover("shapes-red-square", "adherence.match", -0.62, "relations"),
        mover("hands-open", "hands.defect", -0.4, "people"),
        mover(HOSTILE_CASE, "adherence.match", -0.3, HOSTILE_STRATUM, flaky=True),
        mover("shapes-red-square", "quality.blur", -0.2, "relations"),
        mover("poster-market", "text.similarity", 0.18, "text"),
        mover("landscape-dawn", "adherence.match", 0.1, "colours", flaky=True),
    )


def cell(case: str, measure: str, outcome: str, gain: float | None = 0.0, **more: object) -> Cell:
    """A cell; `gain` none where nothing was measured."""
    told = gain is not None
    facts = {
        "prompt": f"the prompt of {case}", "stratum": "relations", "gain": gain,
        "base_mean": 0.9 if told else None, "candidate_mean": round(0.9 + gain, 6) if gain is not None else None,
        "base_counted": 4 if told else 0, "candidate_counted": 4 if told else 2,
    }
    return Cell.model_validate({"case": case, "measure": measure, "outcome": outcome, **facts, **more})


def _cells() -> tuple[Cell, ...]:
    cells = [cell(case, measure, "kept") for case in CASES for measure in ("adherence.match", "hands.defect")]
    cells[0] = cell("poster-market", "adherence.match", "kept", flaky=True)
    return (
        *cells[:6],
        cell("shapes-red-square", "adherence.match", "lost", -0.62),  # its test regressed
        cell("shapes-red-square", "hands.defect", "lost", -0.2, stratum="people", flaky=True),  # its test did not
        *cells[8:10],
        cell(HOSTILE_CASE, "adherence.match", "not measured", None, prompt=f"{SCRIPT}{RTL}"),
        cell(HOSTILE_CASE, "hands.defect", "kept", prompt=f"{SCRIPT}{RTL}"),
        cell("new-kite", "adherence.match", "new", None),
        cell("old-boat", "adherence.match", "deleted", None),
    )


def _side(name: str, run: FinishedRun, generator: str) -> Side:
    counts = {decision: sum(r.verdict.final == decision for r in run.images) for decision in Decision}
    return Side(
        name=name,
        generator=generator,
        suite="made",
        suite_digest=digest("made"),
        pictures=len(run.images),
        refused=3,
        counts=counts,
        fingerprint=digest("fingerprint"),
        images_digest=digest([name]),
    )


def _flips() -> Flips:
    table = {before: dict.fromkeys(Decision, 0) for before in Decision}
    table[Decision.PUBLISH] |= {Decision.PUBLISH: 8, Decision.REJECT: 2}
    table[Decision.EDIT] |= {Decision.EDIT: 6, Decision.REJECT: 1, Decision.PUBLISH: 1}
    table[Decision.HOLD] |= {Decision.HOLD: 2}
    table[Decision.REJECT] |= {Decision.REJECT: 3}
    why = "3 verdicts got worse, 1 better."
    return Flips(table=table, worse=3, better=1, p_worse=0.21, answer=REGRESSED, why=why)


def comparison() -> Comparison:
    """The record of `compared()`."""
    base, candidate = made(), _candidate()
    return Comparison(
        base=_side(f"@baseline {SCRIPT}", base, "embedded@2"),
        candidate=_side("runs-tuesday", candidate, f"embedded@1 {CLOSING}"),
        rubric=RUBRIC,
        answer=REGRESSED,
        why=(
            "adherence.match lost 0.08 (95 % interval −0.13 to −0.03), more than the margin of 0.05.",
            "The loss lies in the stratum relations.",
            f"text.similarity could not be told. {IMAGE} {MENTION}",
        ),
        alpha=0.05,
        multiplicity="max-T over 6 tests, 10,000 sign flips",
        prompts=6,
        seeds_base=4,
        seeds_candidate=4,
        tests=_tests(),
        regressed_strata=("relations",),
        abstentions=(
            Abstentions(measure="faces.defect", base_told=20, base_of=24, candidate_told=9, candidate_of=23,
                        p_fewer=0.002, answer=REGRESSED, why="The candidate can be judged on far fewer pictures."),
            Abstentions(measure="hands.defect", base_told=20, base_of=24, candidate_told=20, candidate_of=23,
                        p_fewer=0.6, answer=PASS, why="Both sides can be told about as often."),
        ),
        zero_tolerance=(
            ZeroTolerance(rule=f"safety.flagged > 0 {FORMULA}", fired=1, of=23, base_fired=0, base_of=24, upper=0.219,
                          answer=REGRESSED, why="It fired on 1 of 23 pictures."),
            ZeroTolerance(rule="text.gibberish > 0.9", fired=0, of=23, base_fired=1, base_of=24, upper=0.122,
                          answer=PASS, why="It fired on no picture."),
        ),
        flips=_flips(),
        movers=_movers(),
        cells=_cells(),
        new_cases=("new-kite",),
        deleted_cases=("old-boat", f"old {SCRIPT}"),
        rescored=True,
        exit_code=1,
    )  # fmt: skip


def compared() -> ComparedRuns:
    """Everything that a report of a comparison has to show."""
    return ComparedRuns(comparison(), made(), _candidate())


def passed() -> ComparedRuns:
    """A run against itself: one test, and nothing moved."""
    first = comparison()
    quiet = first.model_copy(
        update={
            "base": _side("a", made(), "embedded@2"),
            "candidate": _side("a", made(), "embedded@2"),
            "answer": PASS,
            "why": ("Every primary measure stayed within its margin.",),
            "tests": (line("adherence.match", "all", 0.0, 0.01, PASS),),
            "regressed_strata": (), "abstentions": (), "zero_tolerance": (), "flips": None, "movers": (),
            "cells": (), "new_cases": (), "deleted_cases": (), "rescored": False, "exit_code": 0,
        }
    )
    return ComparedRuns(quiet, made(), made())


def large(prompts: int, measures: int, text: str = "") -> ComparedRuns:
    """Many of everything; `text` is put into each string that a report shows."""
    names = [f"checker.measure-{number}{text[:100]}" for number in range(measures)]
    tests = [
        line(name, stratum, -0.1, 0.3, REGRESSED if number % 7 == 0 else INCONCLUSIVE, why=f"why {number} {text}")
        for number, name in enumerate(names)
        for stratum in ("all", *(f"tag-{place}{text[:60]}" for place in range(6)))
    ]
    first = mover("hands-open", "hands.defect", -0.4)
    movers = [
        first.model_copy(update={"case": f"case-{n}", "prompt": f"a prompt {n} {text}", "measure": names[n % measures]})
        for n in range(min(prompts, 400))
    ]
    cells = [cell(f"case-{n}", name, "kept", prompt=f"a prompt {n}") for n in range(prompts) for name in names]
    many = {
        "tests": tuple(tests), "movers": tuple(movers), "cells": tuple(cells), "why": (f"a sentence {text}",) * 40,
        "new_cases": tuple(f"new-{n}{text}" for n in range(prompts)), "multiplicity": f"max-T {text}",
        "abstentions": tuple(
            Abstentions(measure=name, base_told=9, base_of=9, candidate_told=1, candidate_of=9, p_fewer=0.1,
                        answer=INCONCLUSIVE, why=f"why {text}")
            for name in names
        ),
        "zero_tolerance": tuple(
            ZeroTolerance(rule=f"{name} > 0", fired=1, of=9, base_fired=0, base_of=9, upper=0.4, answer=REGRESSED,
                          why=f"why {text}")
            for name in names
        ),
    }  # fmt: skip
    base = comparison().base.model_copy(update={"name": f"a name {text}", "generator": text or None})
    flips = _flips().model_copy(update={"why": f"why {text}"})
    return ComparedRuns(
        comparison().model_copy(update={**many, "base": base, "flips": flips, "regressed_strata": (text,) * 40}),
        made(),
        _candidate(),
    )
