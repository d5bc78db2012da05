"""The run in numbers: from the record of every picture to report.json. Pure."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from imgaudit.digest import digest
from imgaudit.dimensions import BY_ID, DIMENSIONS, Dimension
from imgaudit.record import Answer, Coverage, DimensionLine, Score
from imgaudit.registry import checkers
from imgaudit.rubric import Rubric
from imgaudit.types import Decision, Finding, GroupFinding, ImageRecord, Measure, Source

ALWAYS_UNCHECKED = (
    "Invisible watermarks (SynthID and others) were not looked for: finding none is no sign that a picture is real.",
    "This report certifies no compliance with any law; it says what was measured, and by what.",
)


def count_decisions(decisions: Iterable[Decision]) -> dict[Decision, int]:
    """How many pictures each decision has; all four are named."""
    counts = Counter(decisions)
    return {decision: counts[decision] for decision in Decision}


def slim(image: ImageRecord) -> ImageRecord:
    """A record with only what a summary counts: no evidence, regions, labels or messages."""
    findings = tuple(
        Finding(
            checker=f.checker,
            version=f.version,
            outcome=f.outcome,
            measures=f.measures,
            unmeasured=f.unmeasured,
            by=f.by,
            reason=f.reason,
            error=f.error,
        )
        for f in image.findings
    )
    verdict = image.verdict.model_copy(update={"holds": (), "notes": (), "edits": ()})
    return image.model_copy(update={"findings": findings, "verdict": verdict, "source": Source(), "prompt": None})


def coverage_of(images: Sequence[ImageRecord]) -> tuple[Coverage, ...]:
    """For every checker: how often it measured, abstained and failed, and why."""
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for image in images:
        for finding in image.findings:
            outcomes[finding.checker][finding.outcome] += 1
            why = finding.reason or finding.error
            if why is not None:
                reasons[finding.checker][why] += 1
    return tuple(
        Coverage(
            checker=name,
            measured=counts["measured"],
            abstained=counts["abstained"],
            failed=counts["failed"],
            reasons=dict(reasons[name].most_common(20)),
        )
        for name, counts in sorted(outcomes.items())
    )


def scores_of(images: Sequence[ImageRecord], tags: Mapping[str, Sequence[str]]) -> tuple[Score, ...]:
    """Means of all measures over the run and over each tag (`tags`: record id -> tags of its case)."""
    strata: dict[str, list[ImageRecord]] = {"all": list(images)}
    for image in images:
        for tag in tags.get(image.id, ()):
            strata.setdefault(tag, []).append(image)
    facts = {f"{name}.{m.name}": m for name, checker in checkers.items() for m in checker.measures}
    scores: list[Score] = []
    for stratum, members in strata.items():
        names = sorted(name for name in _measured_names(members) if name in facts)
        scores.extend(_score(name, facts[name], stratum, members) for name in names)
    return tuple(scores)


def _measured_names(images: Iterable[ImageRecord]) -> set[str]:
    return {f"{f.checker}.{name}" for image in images for f in image.findings for name in f.measures}


def _score(measure: str, facts: Measure, stratum: str, images: Sequence[ImageRecord]) -> Score:
    checker, _, name = measure.partition(".")
    by_case: dict[str, list[float]] = defaultdict(list)
    for image in images:
        for finding in image.findings:
            if finding.checker == checker and name in finding.measures:
                by_case[image.case or image.id].append(finding.measures[name])
    means = [sum(values) / len(values) for values in by_case.values()]
    low, high = mean_interval(means)
    return Score(
        measure=measure,
        unit=facts.unit,
        better=facts.better,
        stratum=stratum,
        mean=round(sum(means) / len(means), 6),
        low=low,
        high=high,
        counted=sum(len(values) for values in by_case.values()),
        of=len(images),
    )


def mean_interval(values: Sequence[float]) -> tuple[float, float] | tuple[None, None]:
    """95 % t interval of a mean; None for fewer than two values. Not cut to the measure's range.

    >>> mean_interval([1.0, 2.0, 3.0])
    (-0.484138, 4.484138)
    """
    if len(values) < 2:
        return None, None
    from scipy.stats import t

    mean = sum(values) / len(values)
    deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
    half = float(t.ppf(0.975, len(values) - 1)) * deviation / math.sqrt(len(values))
    return round(mean - half, 6), round(mean + half, 6)


def dimension_lines(
    images: Sequence[ImageRecord],
    groups: Sequence[GroupFinding],
    rubric: Rubric,
    answers: Mapping[str, tuple[Answer, ...]] = MappingProxyType({}),
) -> tuple[DimensionLine, ...]:
    """One line for each dimension of the framework, none left out. `answers`: what people said, by dimension."""
    return tuple(
        _dimension_line(dimension, images, groups, rubric, answers.get(dimension.id, ())) for dimension in DIMENSIONS
    )


def _dimension_line(
    dimension: Dimension,
    images: Sequence[ImageRecord],
    groups: Sequence[GroupFinding],
    rubric: Rubric,
    answers: tuple[Answer, ...],
) -> DimensionLine:
    required = rubric.dimensions[dimension.id].required
    line = DimensionLine(
        id=dimension.id,
        title=dimension.title,
        group=dimension.group,
        how=dimension.how,
        checkers=dimension.checkers,
        required=required,
        status="not checked",
        text=dimension.question,
    )
    if dimension.how == "limit":
        return line.model_copy(update={"status": "cannot be checked"})
    if dimension.how == "attestation":
        return attested_line(line, answers, len(images))
    needs = rubric.dimensions[dimension.id].needs
    measured, of = _told(dimension, images, groups, needs)
    status = "checked" if 0 < measured == of else "partly checked" if measured else "not checked"
    text = f"{dimension.question} {measured} of {of} could be told."
    return line.model_copy(update={"status": status, "measured": measured, "of": of, "text": text})


def attested_line(line: DimensionLine, answers: tuple[Answer, ...], pictures: int) -> DimensionLine:
    """The line of a dimension that people answer: who did, and for how many of the pictures."""
    declined = sum(answer.pictures for answer in answers if answer.answer == "no")
    cleared = sum(answer.pictures for answer in answers) - declined
    if declined:
        status = "declined"
    else:
        status = "attested" if 0 < cleared == pictures else "partly attested" if cleared else "not attested"
    text = f"{line.text} {' '.join(map(_who, answers))}".rstrip()
    update = {"status": status, "measured": cleared + declined, "of": pictures, "text": text, "answers": answers}
    return line.model_copy(update=update)


def _who(answer: Answer) -> str:
    until = f", until {answer.until}" if answer.until else ""
    pictures = f"{answer.pictures} picture{'s' * (answer.pictures != 1)}"
    return f"{answer.by} ({answer.role}) answered {answer.answer} for {pictures} on {answer.given}{until}."


def _told(
    dimension: Dimension, images: Sequence[ImageRecord], groups: Sequence[GroupFinding], needs: Sequence[str]
) -> tuple[int, int]:
    measured = of = 0
    for name in dimension.checkers:
        if getattr(checkers.get(name), "aggregate", None) is not None:
            mine = [group for group in groups if group.checker == name]
            measured += sum(group.outcome == "measured" for group in mine)
            of += len(mine)
        else:
            wanted = [need.partition(".")[2] for need in needs if need.startswith(f"{name}.")]
            found = [f for image in images for f in image.findings if f.checker == name]
            measured += sum(_is_told(finding, wanted) for finding in found)
            of += len(images)
    return measured, of


def _is_told(finding: Finding, wanted: Sequence[str]) -> bool:
    return finding.outcome == "measured" and not any(name in finding.unmeasured for name in wanted)


def without_gallery(coverage: Sequence[Coverage]) -> tuple[str, ...]:
    """The sentence that no picture was compared with a gallery, where a check would have done it."""
    line = next((line for line in coverage if line.checker == "memorisation"), None)
    if line is None or line.measured or not line.reasons:
        return ()
    return (f"Copies of training pictures and of protected works: {next(iter(line.reasons))}.",)


def not_checked(lines: Sequence[DimensionLine]) -> tuple[str, ...]:
    """Sentences about what nobody looked at, for the reader."""
    sentences = []
    for line in lines:
        if line.status == "cannot be checked":
            sentences.append(line.text)
        elif line.status == "not checked":
            sentences.append(f"{line.title}: not checked. {BY_ID[line.id].question}")
        elif line.status == "partly checked":
            sentences.append(f"{line.title}: could be told for {line.measured} of {line.of}.")
        elif line.status == "not attested":
            sentences.append(f"{line.title}: nobody answered. {line.text}")
        elif line.status == "partly attested":
            sentences.append(f"{line.title}: answered for {line.measured} of {line.of}.")
    return (*sentences, *ALWAYS_UNCHECKED)


def fingerprint_of(
    cases: Iterable[str],
    images: Iterable[ImageRecord],
    versions: Mapping[str, str],
    calibrations: Mapping[str, str],
) -> str:
    """The comparability fingerprint: cases, perceivers, checkers, calibrations; no generator, seeds or rubric.

    Which perceivers looked is read from the findings themselves (`by`).
    """
    looked = sorted({(role, by) for image in images for f in image.findings for role, by in f.by.items()})
    return digest([sorted(set(cases)), looked, dict(versions), dict(calibrations)])
