"""Which pictures of one prompt would people rather have?

Learned preference scores (PickScore, HPSv2, ImageReward) have no range and no zero, and their level follows the prompt,
so no picture is judged by its own score. A picture is compared with the others of its prompt in the set: `wins` is the
mean probability that it is preferred to one of them (Bradley and Terry: the sigmoid of the difference of two logits).
Two runs of the same prompts and seeds can be compared by `score`, since such pairs are of one prompt as well.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import ClassVar

from imgaudit.digest import rounded
from imgaudit.percepts import Preferred
from imgaudit.registry import checker
from imgaudit.types import (
    JSON,
    Abstained,
    Case,
    Failed,
    GroupFinding,
    GroupOutcome,
    Measure,
    Measured,
    Member,
    Percepts,
    Query,
)

ALONE = "no other picture of the set has this prompt and could be scored"
_SHOWN = 60


@checker
class PreferenceChecker:
    """Ranks the pictures of each prompt by a model of people's preferences."""

    name: ClassVar[str] = "preference"
    title: ClassVar[str] = "Learned preferences"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("adherence",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("wins", "probability", "up", "that it is preferred to another picture of its prompt, mean over them"),
        Measure("rank", "place", "down", "among the pictures of its prompt, 1 is best; equal scores share a place"),
        Measure("score", "the model's own", "up", "the raw score; comparable within one prompt and model only"),
        Measure("truncated_tokens", "tokens", "down", "of the prompt that the model did not read"),
        Measure("spread", "log-odds", "none", "over a prompt's pictures: of the best being preferred to the worst"),
    )
    labels: ClassVar[Mapping[str, str]] = {
        "model": "the model of preferences that was asked",
        "best": "id of the picture that is preferred",
        "prompt": "the prompt that the pictures share",
    }
    codes: ClassVar[Mapping[str, str]] = {}
    limits: ClassVar[str] = (
        "It repeats the taste of those who chose, and rewards looks as well as adherence: published agreement with "
        "single people is 60 to 70 % of pairs. A raw score says nothing across prompts; no packaged rubric uses one. "
        "Of a prompt's pictures the best may still be bad. ImageReward reads 35 tokens of a prompt, the others 77."
    )
    sensitive: ClassVar[bool] = False

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """The score of the picture with its prompt."""
        return [Query("preference", {"prompt": case.prompt})] if case.prompt and case.prompt.strip() else []

    def project(self, case: Case, percepts: Percepts) -> Mapping[str, JSON] | Abstained | Failed:
        """Score and logit."""
        asked = self.ask(case, percepts)
        if not asked:
            return Abstained("no prompt")
        seen = percepts.seen(asked[0], Preferred)
        if isinstance(seen, (Abstained, Failed)):
            return seen
        return {"model": seen.model, "score": seen.score, "logit": seen.logit, "truncated": seen.truncated}

    def aggregate(self, members: Sequence[Member]) -> GroupOutcome:
        """A finding on each picture's line, and one for each prompt with several pictures."""
        sets: dict[str, list[Member]] = defaultdict(list)
        for member in sorted(members, key=lambda member: member.id):
            if isinstance(member.projection, Mapping):
                sets[member.case.prompt or ""].append(member)
        if not sets:
            return GroupOutcome((_untold(members),) if members else ())
        groups: list[GroupFinding] = []
        pictures: dict[str, Measured] = {}
        for prompt, some in sorted(sets.items()):
            pictures |= _of_pictures(some)
            groups.append(_of_prompt(prompt, some, sum(member.case.prompt == prompt for member in members)))
        return GroupOutcome(tuple(groups), pictures)


def _logit(member: Member) -> float:
    assert isinstance(member.projection, Mapping)
    return float(member.projection["logit"])


def _of_pictures(members: Sequence[Member]) -> dict[str, Measured]:
    found = {}
    for member in members:
        projection = member.projection
        assert isinstance(projection, Mapping)
        own = _logit(member)
        others = [_logit(other) for other in members if other is not member]
        measures = {"score": projection["score"], "truncated_tokens": float(projection["truncated"])}
        unmeasured = {}
        if others:
            measures["wins"] = sum(_sigmoid(own - other) for other in others) / len(others)
            measures["rank"] = 1.0 + sum(other > own for other in others)
            told = f"place {measures['rank']:.0f} of {len(members)} of its prompt"
        else:
            unmeasured = dict.fromkeys(("wins", "rank"), ALONE)
            told = ALONE
        found[member.id] = Measured(
            measures=measures, unmeasured=unmeasured, labels={"model": projection["model"]}, message=told
        )
    return found


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))


def _of_prompt(prompt: str, members: Sequence[Member], size: int) -> GroupFinding:
    shown = prompt if len(prompt) <= _SHOWN else prompt[: _SHOWN - 1] + "…"
    facts = {
        "checker": PreferenceChecker.name, "version": PreferenceChecker.version, "group": members[0].case.id,
        "size": size, "counted": len(members),
    }  # fmt: skip
    if len(members) < 2:
        return GroupFinding.model_validate({**facts, "outcome": "abstained", "reason": ALONE})
    best = max(members, key=_logit)
    spread = _logit(best) - min(map(_logit, members))
    assert isinstance(best.projection, Mapping)
    labels = {"model": str(best.projection["model"]), "best": best.id, "prompt": shown}
    return GroupFinding.model_validate(
        {
            **facts, "outcome": "measured", "measures": {"spread": rounded(spread)}, "labels": labels,
            "members": [member.id for member in members],
            "message": f"{best.id} is preferred to the worst of {len(members)} with probability {_sigmoid(spread):.2f}",
        }
    )  # fmt: skip


def _untold(members: Sequence[Member]) -> GroupFinding:
    reasons = sorted({m.projection.reason for m in members if isinstance(m.projection, Abstained)})
    return GroupFinding(
        checker=PreferenceChecker.name,
        version=PreferenceChecker.version,
        group="run",
        outcome="abstained",
        size=len(members),
        counted=0,
        reason="; ".join(reasons)[:300] or "no picture could be scored",
    )
