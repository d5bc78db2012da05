"""Facts about the record itself that a control may name as evidence: `record: NAME`.

Each is a function of run.json, report.json and the state of the decision log. A fact that is there is met; one that
is missing is unknown, because a record that is silent about something does not show that it was not done. Only a
licence that forbids commercial use is a fact against.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from imgaudit.record import Report, RunInfo

# SPDX identifiers, and how model cards spell them: what their own text says about commercial use
COMMERCIAL = frozenset(("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "unlicense"))


class Told(NamedTuple):
    """What a fact says."""

    status: Literal["met", "unmet", "unknown"]
    text: str


@dataclass(frozen=True)
class Record:
    """What facts are read from. `decisions` counts the log's lines, `signed` those under a verified head."""

    run: RunInfo
    report: Report
    decisions: int = 0
    signed: int = 0


def _met(there: object, yes: str, no: str) -> Told:
    return Told("met", yes) if there else Told("unknown", no)


def _thresholds(record: Record) -> Told:
    rubric = record.report.rubric
    return Told("met", f"the rubric {rubric.name} {rubric.version} ({rubric.digest[:12]}) states every threshold")


def _limits(record: Record) -> Told:
    count = len(record.report.not_checked)
    return _met(count, f"the record names {count} things that nobody looked at", "no limit is on record")


def _coverage(record: Record) -> Told:
    coverage = record.report.coverage
    untold = sum(one.abstained + one.failed for one in coverage)
    return _met(coverage, f"coverage of {len(coverage)} checks is on record; {untold} times they could not tell",
                "no coverage is on record")  # fmt: skip


def _intervals(record: Record) -> Told:
    scores = record.report.scores
    with_interval = sum(score.low is not None for score in scores)
    return _met(with_interval, f"{with_interval} of {len(scores)} means stand with a 95 % interval and their counts",
                "no mean stands with an interval")  # fmt: skip


def _calibrations(record: Record) -> Told:
    names = sorted(record.run.calibrations)
    return _met(names, f"calibrations on record by digest: {', '.join(names)}; their error rates stand in their cards",
                "no calibration is on record")  # fmt: skip


def _environment(record: Record) -> Told:
    run = record.run
    text = f"imgaudit {run.imgaudit}, {len(run.perceivers)} models or readers and {len(run.libraries)} libraries"
    return _met(run.perceivers and run.libraries, f"{text} are on record with versions and digests",
                "models or libraries are not on record")  # fmt: skip


def _generator(record: Record) -> Told:
    generator = record.run.generator or {}
    known = generator.get("weights") or generator.get("revision")
    return _met(known, f"the generator is on record: {generator.get('spec')}, weights {str(known)[:12]}",
                "what drew these pictures is not on record beyond the word of their files")  # fmt: skip


def _repeatable(record: Record) -> Told:
    suite = record.report.suite
    return _met(suite, f"suite, {len(suite.seeds) if suite else 0} seeds and settings are on record",
                "audited files: how they were made cannot be repeated from this record")  # fmt: skip


def _decisions(record: Record) -> Told:
    return _met(record.decisions, f"{record.decisions} decisions of people are on record in an unbroken chain",
                "no decision of a person is on record")  # fmt: skip


def _signed(record: Record) -> Told:
    if not record.decisions:
        return _decisions(record)
    bare = record.decisions - record.signed
    return _met(bare <= 0, f"the head of the decision log is signed at line {record.signed}, by the key that was given",
                f"{bare} of {record.decisions} decisions stand under no head whose signature was verified")  # fmt: skip


def licence_of(run: RunInfo) -> str | None:
    """The licence of the generator's model, as its card says, where run.json knows it."""
    generator = run.generator or {}
    value = generator.get("licence") or generator.get("license")
    return str(value) if value else None


def _licence(record: Record) -> Told:
    licence = licence_of(record.run)
    if licence is None:
        return Told("unknown", "the licence of the model is not on record")
    plain = licence.lower().strip()
    if plain in COMMERCIAL:
        return Told("met", f"the model's card names the licence {licence}, which allows commercial use")
    if "-nc" in plain or "non-commercial" in plain or "noncommercial" in plain:
        return Told("unmet", f"the model's card names the licence {licence}, which does not allow commercial use")
    return Told("unknown", f"the model's card names the licence {licence}; a person must read what it allows")


FACTS: dict[str, tuple[str, Callable[[Record], Told]]] = {
    "thresholds": ("the rubric and its digest are on record", _thresholds),
    "limits": ("what nobody looked at is on record", _limits),
    "coverage": ("how often each check could tell is on record", _coverage),
    "intervals": ("means stand with intervals and counts", _intervals),
    "calibrations": ("calibrations are on record by digest", _calibrations),
    "environment": ("models, libraries and versions are on record", _environment),
    "generator": ("what drew the pictures is on record with revision or weights", _generator),
    "repeatable": ("suite, seeds and settings are on record", _repeatable),
    "decisions": ("decisions of people are on record", _decisions),
    "signed-decisions": ("all decisions stand under a signed head", _signed),
    "licence": ("the model's licence is on record and allows commercial use", _licence),
}
