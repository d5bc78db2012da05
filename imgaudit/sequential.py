"""Add seeds until it is decided, and not one seed less: two models compared while their pictures are being drawn.

Each round draws one further seed of every prompt with both models. After each round a confidence sequence says how
much the candidate gains on these prompts; it holds at all rounds at once, so that one may stop as soon as the answer is
clear (`imgaudit.kernels.sequential.rounds_sequence`). Seeds are taken in the order 0, 1, 2, ... and a folder's state
names every seed that was seen: none can be left out, drawn again or chosen, in this folder or by beginning another one,
where the same seeds draw the same pictures.

It speaks of the prompts of the suite alone, where `imgaudit compare` also speaks of prompts like them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from imgaudit.digest import digest_file
from imgaudit.errors import RunError, UsageError
from imgaudit.kernels.sequential import rounds_sequence
from imgaudit.pipeline import open_run
from imgaudit.record import FinishedRun
from imgaudit.registry import measure_facts
from imgaudit.rubric import Rubric
from imgaudit.scorers import Scorers, scorers_of
from imgaudit.store.runfolder import RunFolder
from imgaudit.types import JSON, Stored

STATE = "sequential.json"
RANGES = {"probability": 1.0, "0..1": 1.0, "level 0..1": 1.0, "0 or 1": 1.0, "cosine": 2.0, "1..21": 20.0}
"""Unit of a measure -> the largest difference of two scores. A sequence without limits would promise nothing."""

Side = Literal["baseline", "candidate"]
SIDES: tuple[Side, Side] = ("baseline", "candidate")
Answer = Literal["pass", "regressed", "inconclusive"]
EXIT_CODES: Mapping[Answer, int] = {"pass": 0, "regressed": 1, "inconclusive": 4}
Floats = NDArray[np.float64]


class Followed(Stored):
    """A measure that is decided on, with the limits of the rubric."""

    measure: str
    better: Literal["up", "down"]
    margin: float
    least: float
    reach: float = Field(description="the largest gain or loss that there can be")


class Bound(Stored):
    """What is known of one measure after a round."""

    measure: str
    answer: Answer
    gain: float | None = Field(description="mean gain over all rounds so far; null where nothing could be told")
    low: float = Field(description="the mean gain on these prompts is not below, at any round, at the stated level")
    high: float
    prompts: int
    missing: int = Field(description="pictures that could not be told; they count as the worst, or the best, there is")


class Round(Stored):
    """One seed of every prompt, drawn by both models. Never taken back."""

    seed: int
    baseline: str = Field(description="digest of the run's images.jsonl")
    candidate: str
    bounds: tuple[Bound, ...]


class Trial(Stored):
    """sequential.json: what was asked, every seed that was seen, and what is known after each."""

    format: Literal["imgaudit-sequential/1"] = "imgaudit-sequential/1"
    request: dict[str, JSON]
    followed: tuple[Followed, ...]
    alpha: float = Field(description="of all measures and both sides together, at all rounds at once")
    rounds: tuple[Round, ...] = ()
    answer: Answer = "inconclusive"
    why: str = "no seed was drawn yet"

    @property
    def exit_code(self) -> int:
        """0 pass, 1 regressed, 4 inconclusive."""
        return EXIT_CODES[self.answer]


Draw = Callable[[Side, int, Path], object]
"""Renders and judges one seed of every prompt with one model into a run folder; a finished folder is left as it is."""


def follow(rubric: Rubric, measures: Sequence[str]) -> tuple[Followed, ...]:
    """The limits that a rubric sets for these measures.

    Raises UsageError for a measure that the rubric does not gate, or that has no limits of its own.
    """
    gated = {primary.measure: primary for primary in rubric.regression.primaries} if rubric.regression else {}
    followed = []
    for name in measures:
        if name not in gated:
            known = ", ".join(gated) or "none"
            raise UsageError(f"{name}: the rubric {rubric.name!r} sets no margin for it; it does for: {known}")
        facts = measure_facts(name)
        if facts.unit not in RANGES:
            raise UsageError(f"{name}: has no limits (unit {facts.unit!r}); a sequence of it would promise nothing")
        better: Literal["up", "down"] = "up" if facts.better == "up" else "down"
        primary = gated[name]
        followed.append(
            Followed(
                measure=name, better=better, margin=primary.margin, least=primary.least, reach=RANGES[facts.unit]
            )
        )
    if not followed or len(set(measures)) < len(followed):
        raise UsageError("--measure: give at least one measure, each once")
    return tuple(followed)


@dataclass
class Sequential:
    """A sequence in a folder.

    Args:
        folder: holds the state and a run folder for every side and seed.
        request: what is drawn and by whom; another request is refused in the same folder.
        followed: measures and margins.
        alpha: the risk of a wrong answer, over all measures and rounds.
        draw: renders one round of one side.
    """

    folder: Path
    request: dict[str, JSON]
    followed: tuple[Followed, ...]
    alpha: float
    draw: Draw
    _read: dict[tuple[Side, int], _Told] = field(default_factory=dict, init=False, repr=False)

    def run(self, max_seeds: int, tell: Callable[[Trial], None] = lambda _trial: None) -> Trial:
        """Draw rounds until it is decided or `max_seeds` were seen. A decided sequence is told and draws nothing.

        Raises:
            RunError: when the folder holds another request, or lost or changed a seed that was seen.
        """
        trial = self._state()
        while trial.answer == "inconclusive" and len(trial.rounds) < max_seeds:
            trial = self._extended(trial)
            RunFolder(self.folder).write_text(STATE, trial.model_dump_json(indent=1))
            tell(trial)
        return trial

    def _state(self) -> Trial:
        path = self.folder / STATE
        if not path.is_file():
            if self.folder.exists() and any(self.folder.iterdir()):
                raise RunError(f"{self.folder}: holds files and no {STATE}; give an empty or new folder to --out")
            trial = Trial(request=self.request, followed=self.followed, alpha=self.alpha)
            RunFolder(self.folder).write_text(STATE, trial.model_dump_json(indent=1))
            return trial
        try:
            trial = Trial.model_validate_json(path.read_text(encoding="utf-8"))
        except (ValidationError, UnicodeDecodeError):
            raise RunError(f"{path}: is damaged or of another version; give another folder to --out") from None
        asked = (self.request, self.followed, self.alpha)
        if (trial.request, trial.followed, trial.alpha) != asked:
            raise RunError(f"{self.folder}: holds a sequence of another request, which stays; give another --out")
        if [seen.seed for seen in trial.rounds] != list(range(len(trial.rounds))):
            raise RunError(f"{path}: names seeds out of order; none may be left out or chosen: give another --out")
        for seen in trial.rounds:
            self._check(seen)
        return trial

    def _check(self, seen: Round) -> None:
        for side, expected in (("baseline", seen.baseline), ("candidate", seen.candidate)):
            images = self._place(side, seen.seed) / "images.jsonl"
            if not images.is_file() or digest_file(images) != expected:
                state = "was changed" if images.is_file() else "is missing"
                raise RunError(
                    f"{images.parent}: this seed was seen and {state}; earlier seeds stay in, so restore it. "
                    f"The answer so far stands in {self.folder / STATE}"
                )

    def _place(self, side: str, seed: int) -> Path:
        return self.folder / side / f"seed-{seed:04d}"

    def _extended(self, trial: Trial) -> Trial:
        """One more seed of every prompt, by both models in turn."""
        seed = len(trial.rounds)
        for side in SIDES:
            self.draw(side, seed, self._place(side, seed))
        before, after = ([self._told(side, number) for number in range(seed + 1)] for side in SIDES)
        _check_comparable([*before, *after])
        level = trial.alpha / len(trial.followed)
        bounds = tuple(_bound(one, before, after, level) for one in trial.followed)
        rounds = (
            *trial.rounds, Round(seed=seed, baseline=before[-1].digest, candidate=after[-1].digest, bounds=bounds)
        )  # fmt: skip
        answer = _overall(bounds)
        return trial.model_copy(update={"rounds": rounds, "answer": answer, "why": _why(bounds, len(rounds))})

    def _told(self, side: Side, seed: int) -> _Told:
        """What one round of one side told; its records are read once."""
        if (side, seed) not in self._read:
            self._read[side, seed] = _told_of(open_run(self._place(side, seed)), [f.measure for f in self.followed])
        return self._read[side, seed]


@dataclass(frozen=True)
class _Told:
    """One seed of every prompt by one model: measure -> case -> score."""

    scorers: Scorers
    digest: str
    scores: Mapping[str, Mapping[str, float]]


def _told_of(run: FinishedRun, measures: Sequence[str]) -> _Told:
    scores: dict[str, dict[str, float]] = {measure: {} for measure in measures}
    for image in run.images:
        for finding in image.findings:
            for name, value in finding.measures.items():
                if f"{finding.checker}.{name}" in scores:
                    scores[f"{finding.checker}.{name}"][image.case or image.id] = value
    return _Told(scorers_of(run), run.report.images_digest, scores)


def _check_comparable(rounds: Sequence[_Told]) -> None:
    """Every round is scored as the first one was."""
    for told in rounds[1:]:
        if differences := rounds[0].scorers.differences(told.scorers):
            raise RunError(f"the rounds were scored differently: {', '.join(differences)}; give another --out")


# --- what is known after a round -------------------------------------------------------------------------------------


def _bound(followed: Followed, base: Sequence[_Told], candidate: Sequence[_Told], alpha: float) -> Bound:
    """The prompts are those that the baseline could tell in the first round."""
    before, after = ([told.scores[followed.measure] for told in side] for side in (base, candidate))
    cases = sorted(before[0])
    if not cases:
        return Bound(
            measure=followed.measure, answer="inconclusive", gain=None, low=-followed.reach, high=followed.reach,
            prompts=0, missing=0,
        )  # fmt: skip
    told = np.array([[case in old and case in new for case in cases] for old, new in zip(before, after, strict=True)])
    gains = np.array(
        [[new.get(case, 0.0) - old.get(case, 0.0) for case in cases] for old, new in zip(before, after, strict=True)]
    )
    return bound_of(followed, gains if followed.better == "up" else -gains, told, alpha)


def bound_of(followed: Followed, gains: Floats, told: NDArray[np.bool_], alpha: float) -> Bound:
    """What gains of (rounds, prompts) tell of a measure, where `told` says of which pairs both sides were.

    What is missing counts as the largest loss for the lower end and as the largest gain for the upper one, so that
    abstaining never helps either answer.
    """
    reach = followed.reach
    low = rounds_sequence(np.where(told, gains, -reach), -reach, reach, alpha)[0][-1]
    high = rounds_sequence(np.where(told, gains, reach), -reach, reach, alpha)[1][-1]
    mean = float(gains[told].mean()) if told.any() else None
    answer: Answer = "inconclusive"
    if low > -followed.margin:
        answer = "pass"
    elif high < 0 and mean is not None and mean <= -followed.least:
        answer = "regressed"
    return Bound(
        measure=followed.measure,
        answer=answer,
        gain=None if mean is None else round(mean, 6) + 0.0,
        low=round(float(low), 6) + 0.0,
        high=round(float(high), 6) + 0.0,
        prompts=gains.shape[1],
        missing=int((~told).sum()),
    )


def _overall(bounds: Sequence[Bound]) -> Answer:
    answers = {bound.answer for bound in bounds}
    if "regressed" in answers:
        return "regressed"
    return "pass" if answers == {"pass"} else "inconclusive"


def _why(bounds: Sequence[Bound], rounds: int) -> str:
    parts = []
    for bound in bounds:
        gain = "nothing could be told" if bound.gain is None else f"gain {bound.gain:+.4f}"
        text = f"{bound.measure}: {bound.answer}: {gain}, between {bound.low:+.4f} and {bound.high:+.4f}"
        if bound.missing:
            text += f", {bound.missing} pictures could not be told"
        parts.append(text)
    return f"after {rounds} seeds of each prompt: " + "; ".join(parts)
