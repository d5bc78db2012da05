"""Does the picture show its prompt, by the answers of a question-answering model?

One question holds the whole prompt (VQAScore); each clause of the case is asked by itself (Soft-TIFA, DSG). See
`imgaudit.kernels.questions` for the formulas. Published agreement with people is far better than that of a joint
embedding across prompts: pairwise 62 to 64 % on GenAI-Bench against 51 % for CLIPScore, where a coin gets 50 %.

Nothing is measured until a model is named (`--vqa`), and the other checks of the prompt go on without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from imgaudit.checkers._clause_sources import said
from imgaudit.kernels import questions
from imgaudit.percepts import Answers
from imgaudit.registry import checker
from imgaudit.types import (
    Abstained,
    Case,
    Clause,
    ClauseResult,
    Failed,
    Measure,
    Measured,
    Outcome,
    Percepts,
    Query,
)

NO_PROMPT = "the case has clauses, but no prompt"
_PER_CLAUSE = ("soft_tifa_am", "soft_tifa_gm", "dsg", "worst_clause")
_HALF = 0.5
_SHOWN = 80


@checker
class Questions:
    """Asks a question-answering model about the prompt and each of its clauses."""

    name: ClassVar[str] = "questions"
    title: ClassVar[str] = "Questions about the prompt"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("adherence", "objects", "relations")
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("vqascore", "probability", "up", "of yes to whether the picture shows the prompt (VQAScore)"),
        Measure("soft_tifa_am", "probability", "up", "that a clause holds, arithmetic mean over the clauses"),
        Measure("soft_tifa_gm", "probability", "up", "that a clause holds, geometric mean over the clauses"),
        Measure("dsg", "share", "up", "of clauses answered yes; no where a clause that it rests on was answered no"),
        Measure("worst_clause", "probability", "up", "that the clause holds which does worst"),
        Measure("clauses", "clauses", "none", "that were asked about"),
        Measure("sure", "probability", "none", "of yes and no together in the reply, mean over the questions"),
    )
    labels: ClassVar[Mapping[str, str]] = {
        "model": "the question-answering model that was asked",
        "source": "who says what the clauses are: suite, expectation, prompt, both, or nothing",
        "worst": "the clause that does worst, in words",
    }
    codes: ClassVar[Mapping[str, str]] = {
        "questions.mismatch": "no is the likelier answer to whether the picture shows the prompt",
        "questions.clause": "for some clause, no is the likelier answer",
        "questions.evasive": "the model's reply seldom begins with yes or no, so that its answers mean little",
    }
    limits: ClassVar[str] = (
        "An answer is one model's word. Published models fail on exact counts of many things, on fine detail, and on "
        "negations (about 0.5 for every model), which are therefore asked the other way round where the case gives no "
        "question of its own. Questions that are made from clauses are English. Scores of two models, or of one model "
        "with another attention implementation or dtype, cannot be compared with each other; both are recorded. "
        "Where the suite gives no clauses they are read from its expectations and the prompt (English only), which no "
        "published score does; the label `source` tells which."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """All questions at once: the prompt's, then each clause's."""
        wanted = _texts(case)
        return [Query("vqa", {"questions": wanted})] if wanted else []

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """VQAScore, Soft-TIFA and DSG from the answers."""
        wanted = _texts(case)
        if not wanted:
            return Abstained("no prompt", "give it with --prompts FILE.csv, or audit files that carry their prompt")
        seen = percepts.seen(Query("vqa", {"questions": wanted}), Answers)
        if isinstance(seen, (Abstained, Failed)):
            return seen
        if len(seen.yes) != len(wanted):
            return Failed(f"vqa answered {len(seen.yes)} questions, asked were {len(wanted)}")
        return _measured(case, seen, dict(zip(wanted, seen.yes, strict=True)))


def _texts(case: Case) -> list[str]:
    """The questions of a case, each once, the prompt's first."""
    prompt = [questions.whole(case.prompt)] if case.prompt and case.prompt.strip() else []
    return list(dict.fromkeys([*prompt, *(questions.asked(clause).text for clause in said(case).clauses)]))


def _measured(case: Case, seen: Answers, yes: Mapping[str, float]) -> Measured:
    measures: dict[str, float] = {}
    unmeasured: dict[str, str] = {}
    if case.prompt and case.prompt.strip():
        measures["vqascore"] = yes[questions.whole(case.prompt)]
    else:
        unmeasured["vqascore"] = NO_PROMPT
    told = said(case)
    scores = [_score(clause, yes) for clause in told.clauses]
    worst = min(zip(scores, told.clauses, strict=True), key=lambda pair: pair[0], default=None)
    if worst is None:
        unmeasured |= dict.fromkeys(_PER_CLAUSE, told.why_not)
    else:
        measures |= _summarised(told.clauses, scores)
    measures["clauses"] = float(len(scores))
    if seen.sure:
        measures["sure"] = questions.arithmetic(seen.sure)
    return Measured(
        measures=measures,
        labels={"model": seen.model, "source": told.source, **({"worst": worst[1].text[:_SHOWN]} if worst else {})},
        unmeasured=unmeasured,
        codes=_codes(measures),
        clauses=tuple(
            ClauseResult(clause=clause, route="vqa", score=score)
            for clause, score in zip(told.clauses, scores, strict=True)
        ),
        message=_message(measures, scores, worst[1] if worst else None),
    )


def _score(clause: Clause, yes: Mapping[str, float]) -> float:
    question = questions.asked(clause)
    return question.score(yes[question.text])


def _summarised(clauses: Sequence[Clause], scores: Sequence[float]) -> dict[str, float]:
    by_id = {clause.id: score for clause, score in zip(clauses, scores, strict=True)}
    answers = questions.dependent(by_id, {clause.id: clause.after for clause in clauses})
    return {
        "soft_tifa_am": questions.arithmetic(scores),
        "soft_tifa_gm": questions.geometric(scores),
        "dsg": questions.arithmetic(list(answers.values())),
        "worst_clause": min(scores),
    }


def _codes(measures: Mapping[str, float]) -> tuple[str, ...]:
    found = {
        "questions.mismatch": measures.get("vqascore", 1.0) < _HALF,
        "questions.clause": measures.get("worst_clause", 1.0) < _HALF,
        "questions.evasive": measures.get("sure", 1.0) < _HALF,
    }
    return tuple(code for code, holds in found.items() if holds)


def _message(measures: Mapping[str, float], scores: Sequence[float], worst: Clause | None) -> str:
    parts = []
    if "vqascore" in measures:
        parts.append(f"yes to the whole prompt with probability {measures['vqascore']:.2f}")
    if worst is not None:
        shown = sum(score >= _HALF for score in scores)
        parts.append(f"{shown} of {len(scores)} clauses answered yes")
        parts.append(f"weakest: {worst.text[:_SHOWN]!r} ({min(scores):.2f})")
    return "; ".join(parts)
