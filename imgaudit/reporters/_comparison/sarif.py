"""`comparison.sarif`: the comparison as SARIF 2.1.0, so that a code host lists losses beside other findings.

One result for each of these, the worst first, at most `LIMIT` of them:

    error     a primary measure, abstention or rule of zero tolerance regressed, and decides
    warning   the same, where it could not be told; verdicts that got worse
    note      a prompt that lost much on a primary measure

What passed, what only informs, and prompts that got better are no results. Fingerprints stand on names alone, so that
a host recognises a loss that it has seen before. No path is told but those of pictures within the candidate's run
folder; what stands in brackets or braces in a run's strings can neither be a link nor a placeholder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from imgaudit.comparison import Answer, ComparedRuns, Comparison, Mover, Tested
from imgaudit.digest import digest
from imgaudit.reporters._comparison._words import (
    ALL,
    EXIT_MEANING,
    SENTENCE,
    coverage,
    interval,
    most_moved,
    probability,
    signed,
    where,
)
from imgaudit.reporters._shared import counted, one_line
from imgaudit.types import JSON, ImageRecord

Level = Literal["error", "warning", "note"]

LIMIT = 5_000
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
RECORD = "comparison.json"
_LEVEL: dict[Answer, Level] = {Answer.REGRESSED: "error", Answer.INCONCLUSIVE: "warning"}
_ORDER = {"error": 0, "warning": 1, "note": 2}



@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of result, with what a reader should know and do."""

    id: str
    name: str
    short: str
    full: str
    help: str
    level: Level


RULES = (
    Rule(
        "compare/regressed",
        "PrimaryMeasureRegressed",
        "A primary measure is worse than the rubric accepts.",
        "Averaged over prompts, the candidate lost on a measure that the rubric declares as primary, and the loss is "
        "more than chance explains.",
        "Look at the prompts that moved most in comparison.html, and at the stratum that lost. If the loss is meant, "
        "approve a new baseline with a reason; do not widen the margin for one comparison.",
        "error",
    ),
    Rule(
        "compare/inconclusive",
        "PrimaryMeasureInconclusive",
        "Whether a primary measure got worse could not be told.",
        "The interval of the gain reaches beyond the margin on one side and does not exclude that nothing changed, or "
        "too few prompts could be paired.",
        "More prompts or seeds make the interval narrower; `imgaudit plan` says how many. This is not a pass.",
        "warning",
    ),
    Rule(
        "compare/abstention",
        "CandidateToldLessOften",
        "The candidate could be judged on fewer pictures than the baseline.",
        "A measure abstained more often on the candidate. What could not be told counts in no mean, so a mean alone "
        "would hide it.",
        "Read the reasons of the abstentions in the candidate's report: often pictures show something else than the "
        "prompt asks for.",
        "error",
    ),
    Rule(
        "compare/zero-tolerance",
        "ZeroToleranceRuleFired",
        "A rule that may not fire at all fired, or too few pictures were looked at to say that it does not.",
        "The rubric tolerates no picture on which this rule fires.",
        "Look at the pictures on which it fired. Where none fired, look at more of them: the bound falls as they grow.",
        "error",
    ),
    Rule(
        "compare/verdicts",
        "VerdictsGotWorse",
        "Verdicts of the same cases and seed indexes got worse.",
        "More pictures moved towards reject than towards publish, more than chance explains. This informs and decides "
        "nothing.",
        "The table of verdicts in comparison.html shows which decisions moved where.",
        "warning",
    ),
    Rule(
        "compare/mover",
        "PromptLostMuch",
        "This prompt lost much on a primary measure.",
        "One of the prompts that moved most, after shrinkage towards the mean of all prompts. One prompt alone decides "
        "nothing.",
        "Open the prompt in comparison.html and blink between the two sides.",
        "note",
    ),
)
_INDEX = {rule.id: place for place, rule in enumerate(RULES)}


@dataclass(frozen=True, slots=True)
class Result:
    """One finding before it is written; `names` are what its fingerprint stands on."""

    rule: str
    level: Level
    text: str
    names: tuple[str, ...]
    facts: dict[str, JSON]
    picture: ImageRecord | None = None


def text_of(text: str, limit: int = 1_000) -> str:
    """A message that is shown as it is: a reader of SARIF takes `[a](b)` for a link and `{0}` for a placeholder.

    >>> text_of("{0} [a](b)")
    '{{0}} [a]\u200b(b)'
    """
    return one_line(text, limit).replace("{", "{{").replace("}", "}}").replace("](", "]\u200b(")


def _results(compared: ComparedRuns) -> Iterator[Result]:
    comparison = compared.comparison
    yield from (_test(test) for test in comparison.tests if test.gates and test.answer in _LEVEL)
    for line in comparison.abstentions:
        if line.answer in _LEVEL:
            base, candidate = coverage(line.base_told, line.base_of), coverage(line.candidate_told, line.candidate_of)
            yield Result(
                "compare/abstention",
                _LEVEL[line.answer],
                f"{line.measure} could be told on {candidate} pictures, in the baseline on {base}. {line.why}",
                (line.measure,),
                {"answer": str(line.answer), "p": line.p_fewer},
            )
    for rule in comparison.zero_tolerance:
        if rule.answer in _LEVEL:
            yield Result(
                "compare/zero-tolerance",
                _LEVEL[rule.answer],
                f"{rule.rule}: fired on {rule.fired} of {rule.of}, at most {rule.upper:.2%} by the bound. {rule.why}",
                (rule.rule,),
                {"answer": str(rule.answer), "fired": rule.fired, "of": rule.of, "upper": rule.upper},
            )
    yield from _verdicts(comparison)
    yield from (_mover(mover, compared) for mover in most_moved(comparison.movers) if _lost(mover))


def _test(test: Tested) -> Result:
    estimate = test.estimate
    told = "nothing could be paired" if estimate is None else f"{signed(estimate.gain)} ({interval(estimate)})"
    rule = "compare/regressed" if test.answer is Answer.REGRESSED else "compare/inconclusive"
    adjusted = probability(test.p_adjusted)
    text = f"{test.measure}, {where(test.stratum)}: {test.answer}, gain {told}, adjusted p {adjusted}."
    facts = {
        "answer": str(test.answer),
        "gain": None if estimate is None else estimate.gain,
        "interval": None if estimate is None else [estimate.low, estimate.high],
        "margin": test.margin,
        "detectable": test.detectable,
    }
    return Result(rule, _LEVEL[test.answer], f"{text} {test.why}", (test.measure, test.stratum), facts)


def _verdicts(comparison: Comparison) -> Iterator[Result]:
    flips = comparison.flips
    if flips is not None and flips.answer is Answer.REGRESSED:
        text = f"{flips.worse} verdicts got worse, {flips.better} got better. {flips.why}"
        facts: dict[str, JSON] = {"answer": str(flips.answer), "worse": flips.worse, "better": flips.better}
        yield Result("compare/verdicts", "warning", text, (), facts)


def _lost(mover: Mover) -> bool:
    """Whether a prompt got worse beyond noise: a loss that shrinkage turns into a gain is none."""
    return mover.gain < 0 and mover.shrunk < 0


def _mover(mover: Mover, compared: ComparedRuns) -> Result:
    pictures = compared.pictures(mover)[1]
    flaky = ", and its seeds disagree among themselves more than the sides do" if mover.flaky else ""
    text = f"{mover.case} lost on {mover.measure}: {signed(mover.gain)}, {signed(mover.shrunk)} after shrinkage{flaky}."
    text += f" Prompt: {one_line(mover.prompt, 300)}"
    facts: dict[str, JSON] = {"gain": mover.gain, "shrunk": mover.shrunk, "flaky": mover.flaky}
    return Result("compare/mover", "note", text, (mover.case, mover.measure), facts, next(iter(pictures), None))


def _within(path: str) -> str:
    """The path below the run folder; of one that leads out of it, its last part alone."""
    parts = path.replace("\\", "/").split("/")
    outside = parts[0] == "" or parts[0].endswith(":") or ".." in parts
    return parts[-1] if outside else "/".join(parts)


def _location(result: Result) -> JSON:
    """Where a host shows it: a picture within the candidate's run folder, or the comparison's record."""
    artifact: JSON = {"uri": RECORD}
    if result.picture is not None:
        artifact = {"uri": quote(_within(result.picture.path)), "uriBaseId": "CANDIDATE"}
    location: JSON = {"physicalLocation": {"artifactLocation": artifact}}
    if result.names:
        name = " / ".join("all prompts" if name == ALL else one_line(name, 200) for name in result.names)
        location["logicalLocations"] = [{"fullyQualifiedName": name}]
    return location


def _written(result: Result) -> JSON:
    return {
        "ruleId": result.rule,
        "ruleIndex": _INDEX[result.rule],
        "kind": "fail",
        "level": result.level,
        "message": {"text": text_of(result.text)},
        "locations": [_location(result)],
        "partialFingerprints": {"imgauditComparison/v1": digest([result.rule, *result.names])},
        "properties": {name: value for name, value in result.facts.items() if value is not None},
    }


def _rule(rule: Rule) -> JSON:
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": rule.short},
        "fullDescription": {"text": rule.full},
        "help": {"text": rule.help},
        "defaultConfiguration": {"level": rule.level},
        "properties": {"tags": ["image-quality", "regression"]},
    }


def _invocation(comparison: Comparison, left: int) -> JSON:
    invocation: JSON = {
        "executionSuccessful": True,
        "exitCode": comparison.exit_code,
        "exitCodeDescription": EXIT_MEANING.get(comparison.exit_code, "unknown"),
    }
    if left:
        text = f"{counted(left, 'further result')} left out; {RECORD} has all."
        invocation["toolExecutionNotifications"] = [{"level": "note", "message": {"text": text}}]
    return invocation


def _run(compared: ComparedRuns, results: Sequence[Result]) -> JSON:
    comparison = compared.comparison
    return {
        "tool": {
            "driver": {
                "name": "imgaudit",
                "version": compared.candidate.run.imgaudit,
                "rules": [_rule(rule) for rule in RULES],
            }
        },
        "automationDetails": {"id": "imgaudit/compare/"},
        "invocations": [_invocation(comparison, max(len(results) - LIMIT, 0))],
        "originalUriBaseIds": {"CANDIDATE": {"description": {"text": "The candidate's run folder."}}},
        "results": [_written(result) for result in results[:LIMIT]],
        "columnKind": "unicodeCodePoints",
        "properties": {
            "answer": str(comparison.answer),
            "summary": SENTENCE[comparison.answer],
            "rubric": f"{one_line(comparison.rubric.name)} {one_line(comparison.rubric.version)}",
            "fingerprint": comparison.candidate.fingerprint,
        },
    }


def write(compared: ComparedRuns) -> bytes:
    """One SARIF log of one run, UTF-8, indented, with a newline at its end."""
    results = sorted(_results(compared), key=lambda result: _ORDER[result.level])
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(compared, results)]}
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"
