"""Does the picture show what its prompt says, clause by clause?

Each clause goes to a check that can measure its kind: things, numbers, colours and places to a detector, writing to
OCR, style, scene and properties to a joint embedding, the rest, and whatever the first could not tell, to a
question-answering model. What nobody could tell stays without a score, with the reason in words. A joint embedding is
never asked to count, place, bind or negate.

A clause that rests on another (the dog is red: on the dog) counts as false where that one is, as in DSG, and is not
told where that one was not. `mean` is over the clauses that were told, so it stands with `told`, their share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import ClassVar

from imgaudit.checkers._clause_routes import ByAnswer, Told, judges, untold, without_score
from imgaudit.checkers._clause_sources import said
from imgaudit.registry import checker
from imgaudit.types import (
    Abstained,
    Case,
    Clause,
    ClauseResult,
    Measure,
    Measured,
    Outcome,
    Percepts,
    Query,
)

MOST = 100
"""Clauses of a case that are looked at, the first ones."""
HOLDS = 0.5
"""Score from which a clause counts as true for those that rest on it."""

_ROUTES = ("detector", "clip", "ocr", "vqa")
_SHOWN = 80


@checker
class Clauses:
    """Tells each clause of a prompt by a route that can measure its kind."""

    name: ClassVar[str] = "clauses"
    title: ClassVar[str] = "Clauses of the prompt"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("adherence", "objects", "relations", "style")
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("mean", "probability", "up", "that a clause holds, mean over the clauses that were told"),
        Measure("lowest", "probability", "up", "the same of the clause that does worst, among those told"),
        Measure("told", "share", "none", "of the clauses that could be told"),
        Measure("clauses", "clauses", "none", "that the case has, at most 100"),
        *(Measure(f"by_{route}", "clauses", "none", f"that were told by {route}") for route in _ROUTES),
    )
    labels: ClassVar[Mapping[str, str]] = {
        "from": "who says what the clauses are: suite, expectation, prompt",
        "lowest": "the clause that does worst, in words",
        "left_out": "clauses beyond the hundredth, which were not looked at",
    }
    codes: ClassVar[Mapping[str, str]] = {
        "clauses.false": "a clause of the prompt does not hold",
        "clauses.untold": "a clause of the prompt could not be told by any model that is there",
    }
    limits: ClassVar[str] = (
        "Clauses that no suite gives are read from English prompts by a grammar that errs (docs/clauses.md says how "
        "often); what it misreads is judged as misread. A score is as good as its route: a detector's answer is yes or "
        "no or none, a joint embedding's a probability against a few other texts, a question-answering model's word is "
        "its own. So scores of different routes are not on one scale, and a mean over them compares pictures of one "
        "prompt and one set of models only. Without a detector no clause that rests on a thing is told. What the "
        "prompt does not say is not judged."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """First each clause's own route; then questions about those that it did not tell."""
        clauses = said(case).clauses[:MOST]
        if not clauses:
            return []
        queries = [query for judge in judges(clauses, case) for query in judge.queries(percepts)]
        if any(query not in percepts for query in queries):
            return queries
        second = without_score((clause, told) for clause, told in _first(clauses, case, percepts))
        return [*queries, *ByAnswer(second, case).queries(percepts)] if second else queries

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """Scores, with every clause's route or reason."""
        given = said(case)
        clauses = given.clauses[:MOST]
        if not clauses:
            remedy = "give it with --prompts FILE.csv, or audit files that carry their prompt"
            return Abstained(given.why_not, remedy if given.why_not == "no prompt" else None)
        results = results_of(clauses, case, percepts)
        if all(result.score is None for result in results):
            return Abstained(_nothing(results), "name models that can: --detector, --vqa or --clip")
        return _measured(results, given.source, len(given.clauses) - len(clauses))


def results_of(clauses: Sequence[Clause], case: Case, percepts: Percepts) -> tuple[ClauseResult, ...]:
    """What is known of each clause, in the order of the clauses, dependence taken into account."""
    first = _first(clauses, case, percepts)
    second = ByAnswer(without_score(first), case)
    answers = second.told(percepts) if second.clauses else {}
    own = {clause.id: _better(told, answers.get(clause.id)) for clause, told in first}
    final = depending(clauses, own)
    return tuple(
        ClauseResult(clause=clause, route=told.route, score=told.score, reason=told.reason)
        for clause, told in ((clause, final[clause.id]) for clause in clauses)
    )


def _first(clauses: Sequence[Clause], case: Case, percepts: Percepts) -> list[tuple[Clause, Told | None]]:
    told: dict[str, Told] = {}
    for judge in judges(clauses, case):
        told.update(judge.told(percepts))
    return [(clause, told.get(clause.id)) for clause in clauses]


def _better(first: Told | None, answer: Told | None) -> Told:
    """The first route's word, else the answer; where both are silent, both reasons."""
    if first is not None and first.score is not None:
        return first
    if answer is not None and answer.score is not None:
        return answer
    reasons = [f"{one.route}: {one.reason}" for one in (first, answer) if one is not None]
    return untold("none", "; ".join(reasons) or "nobody was asked")


def depending(clauses: Sequence[Clause], own: Mapping[str, Told]) -> dict[str, Told]:
    """Scores once dependence counts: false where a clause below is false, untold where one below is untold.

    A suite may name parents that are not there, or that rest on each other in a circle: nothing is told of those.
    """
    final: dict[str, Told] = {}
    waiting = {clause.id: clause for clause in clauses}
    children: dict[str, list[str]] = {}
    open_parents = {}
    for clause in waiting.values():
        parents = [parent for parent in dict.fromkeys(clause.after) if parent in waiting]
        open_parents[clause.id] = len(parents)
        for parent in parents:
            children.setdefault(parent, []).append(clause.id)
    ready = [name for name, count in open_parents.items() if count == 0]
    while ready:
        name = ready.pop()
        final[name] = _resting(waiting[name], own[name], final)
        for child in children.get(name, ()):
            open_parents[child] -= 1
            if open_parents[child] == 0:
                ready.append(child)
    return {
        name: final.get(name) or untold("none", "the clauses that it rests on rest on it in turn") for name in waiting
    }


def _resting(clause: Clause, own: Told, final: Mapping[str, Told]) -> Told:
    below = [(parent, final.get(parent)) for parent in clause.after]
    scores = [told.score for _, told in below if told is not None and told.score is not None]
    if any(score < HOLDS for score in scores):
        route = own.route if own.route != "none" else next(
            told.route for _, told in below if told and told.score is not None and told.score < HOLDS
        )  # fmt: skip
        return Told(route, 0.0)
    missing = [parent for parent, told in below if told is None or told.score is None]
    if missing and own.score is not None:
        return untold("none", f"it rests on {', '.join(missing)[:120]}, which could not be told")
    return own


def _measured(results: Sequence[ClauseResult], source: str, left_out: int) -> Measured:
    told = [(result.score, result) for result in results if result.score is not None]
    scores = [score for score, _ in told]
    lowest, worst = min(told, key=lambda pair: pair[0])
    routes: Counter[str] = Counter(result.route for _, result in told)
    labels = {"from": source, "lowest": worst.clause.text[:_SHOWN]}
    codes = {"clauses.false": lowest < HOLDS, "clauses.untold": len(told) < len(results)}
    return Measured(
        measures={
            "mean": sum(scores) / len(scores),
            "lowest": lowest,
            "told": len(told) / len(results),
            "clauses": float(len(results)),
            **{f"by_{route}": float(routes[route]) for route in _ROUTES},
        },
        labels={**labels, "left_out": str(left_out)} if left_out else labels,
        codes=tuple(code for code, holds in codes.items() if holds),
        clauses=tuple(results),
        message=_message(results, worst, lowest),
    )


def _message(results: Sequence[ClauseResult], worst: ClauseResult, lowest: float) -> str:
    told = [result for result in results if result.score is not None]
    holds = sum(result.score is not None and result.score >= HOLDS for result in told)
    text = f"{holds} of {len(told)} clauses hold"
    if lowest < HOLDS:
        text += f"; weakest: {worst.clause.text[:_SHOWN]!r} ({lowest:.2f})"
    missing = len(results) - len(told)
    return text + (f"; {missing} more could not be told" if missing else "")


def _nothing(results: Sequence[ClauseResult]) -> str:
    reasons = Counter(result.reason or "" for result in results)
    reason, _ = min(reasons.items(), key=lambda item: (-item[1], item[0]))
    number = "the only clause" if len(results) == 1 else f"none of {len(results)} clauses"
    return f"{number} could be told; most often: {reason}"
