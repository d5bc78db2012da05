"""How well clauses are told on drawn shapes: `python -m tests.benchmarks.clauses [--pictures N] [--models A,B]`.

Both embedded generators draw captions of their world. Each picture is judged by its own caption and by one that
differs in one respect (a foil), so that every kind has true and false clauses; the truth of each clause is told by the
independent reader of shapes, which shares nothing with detector or CLIP. Printed are, by kind, the area under the ROC
curve with its 95 % interval (resampling pictures), and the share of the clauses that were told, over which it is taken.
"""

from __future__ import annotations

import argparse
import io
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from PIL import Image

from imgaudit.checkers.adherence import Adherence
from imgaudit.checkers.clauses import Clauses
from imgaudit.embedded import model_path, world
from imgaudit.embedded.evaluate import generate, load_pipeline
from imgaudit.embedded.judging import _placed, judge
from imgaudit.embedded.reader import Reading, Seen, read
from imgaudit.engine.perceiving import PerceiverPool, Planner, Subject
from imgaudit.prompts.clauses import noun_of
from imgaudit.types import Case, Clause, Measured

RESAMPLES = 1000
SEED = 20261124
BATCH = 32


@dataclass(frozen=True)
class Judged:
    """One clause of one picture: what was said of it, None if nothing, and what is true."""

    picture: int
    kind: str
    score: float | None
    true: bool


# --- the truth, by the independent reader ---------------------------------------------------------------------------


def _fits(seen: Seen, noun: str, colours: set[str]) -> bool:
    return noun in ("shape", seen.shape) and (not colours or seen.colour in colours)


def true_of(clause: Clause, clauses: Sequence[Clause], reading: Reading) -> bool:
    """Whether a clause holds of what was read."""
    noun, colour = noun_of(clause.subject)
    mine = [seen for seen in reading.seen if _fits(seen, noun, set())]
    value = clause.value or ""
    if clause.kind == "object":
        return bool(mine)
    if clause.kind == "negation":
        return not mine
    if clause.kind == "count":
        return len(mine) == int(value)
    if clause.kind == "scene":
        return value == f"{reading.background} background"
    if clause.kind == "colour":
        counts = [int(one.value or 1) for one in clauses if one.kind == "count" and one.subject == clause.subject]
        return bool(mine) and sum(seen.colour == value for seen in mine) >= min([*counts, 1][0], len(mine))
    if clause.kind == "attribute":
        own = [seen for seen in mine if _fits(seen, noun, _colours(clause.subject, colour, clauses))]
        return any(seen.size == value for seen in own)
    assert clause.kind == "relation", clause
    other, other_colour = noun_of(clause.to)
    wanted = _colours(clause.subject, colour, clauses), _colours(clause.to, other_colour, clauses)
    return any(
        _fits(one, noun, wanted[0]) and _fits(two, other, wanted[1]) and _placed(value, one, two)
        for one, two in permutations(reading.seen, 2)
    )


def _colours(subject: str | None, own: str | None, clauses: Sequence[Clause]) -> set[str]:
    if own is not None:
        return {own}
    return {one.value for one in clauses if one.kind == "colour" and one.subject == subject and one.value}


# --- pictures and what is said of them ------------------------------------------------------------------------------


def _subject(identity: str, pixels: np.ndarray, caption: str, foils: dict[str, tuple[str, ...]]) -> Subject:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    case = Case(id=identity, prompt=caption, foils=foils)
    return Subject(identity, identity, stream.getvalue(), case, generated=True)


def _foils(scene: world.Scene) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for foil in world.foils(scene):
        found[foil.kind].append(foil.caption)
    return {kind: tuple(captions) for kind, captions in found.items()}


def judged(model: str, pictures: int) -> tuple[list[Judged], list[Judged]]:
    """Clauses and whole prompts (`adherence.match`) of a model's pictures, own captions and foils."""
    random = np.random.default_rng(SEED)
    scenes = [world.sample_scene(random, allow_held_out=True) for _ in range(pictures)]
    drawn = generate(load_pipeline(model_path(model)), [world.caption(scene) for scene in scenes], SEED)
    asked: list[tuple[int, world.Scene]] = []
    for number, scene in enumerate(scenes):
        foils = world.foils(scene)
        kinds = sorted({foil.kind for foil in foils})
        kind = kinds[int(random.integers(len(kinds)))]
        of_kind = [foil.scene for foil in foils if foil.kind == kind]
        asked += [(number, scene), (number, of_kind[int(random.integers(len(of_kind)))])]
    subjects = [
        _subject(f"{number}-{place}", drawn[number], world.caption(scene), _foils(scene))
        for place, (number, scene) in enumerate(asked)
    ]
    planner, clauses, whole = Planner(PerceiverPool(), None, BATCH), Clauses(), Adherence()
    known = planner.look(subjects, lambda one, seen: [*clauses.ask(one.case, seen), *whole.ask(one.case, seen)])
    readings = [read(pixels) for pixels in drawn]
    told: list[Judged] = []
    matches: list[Judged] = []
    for (number, scene), subject, percepts in zip(asked, subjects, known, strict=True):
        outcome = clauses.measure(subject.case, percepts)
        match = whole.measure(subject.case, percepts)
        score = match.measures.get("match") if isinstance(match, Measured) else None
        matches.append(Judged(number, "whole prompt", score, judge(scene, readings[number])["all"]))
        if isinstance(outcome, Measured):
            said = [result.clause for result in outcome.clauses]
            told += [
                Judged(number, one.clause.kind, one.score, true_of(one.clause, said, readings[number]))
                for one in outcome.clauses
            ]
    return told, matches


# --- figures --------------------------------------------------------------------------------------------------------


def auroc(scores: np.ndarray, true: np.ndarray) -> float:
    """Chance that a true one scores above a false one; ties count half. NaN where one of both is missing."""
    from scipy.stats import rankdata

    positives = int(true.sum())
    negatives = len(true) - positives
    if not positives or not negatives:
        return float("nan")
    return float((rankdata(scores)[true].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def figures(found: Sequence[Judged]) -> tuple[float, float, float]:
    """AUROC of what was told, and its 95 % interval by resampling pictures."""
    scores = np.array([one.score for one in found], dtype=float)
    true = np.array([one.true for one in found], dtype=bool)
    numbers = sorted({one.picture for one in found})
    places = {number: [i for i, one in enumerate(found) if one.picture == number] for number in numbers}
    random = np.random.default_rng(SEED)
    drawn = []
    for _ in range(RESAMPLES):
        rows = np.concatenate([places[numbers[i]] for i in random.integers(0, len(numbers), len(numbers))]).astype(int)
        drawn.append(auroc(scores[rows], true[rows]))
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return auroc(scores, true), float(low), float(high)


def rows(model: str, pictures: int) -> Iterator[str]:
    """Lines of the table for one model."""
    told, matches = judged(model, pictures)
    for kind, count in sorted(Counter(one.kind for one in [*told, *matches]).items()):
        mine = [one for one in [*told, *matches] if one.kind == kind]
        scored = [one for one in mine if one.score is not None]
        true = sum(one.true for one in scored)
        value, low, high = figures(scored)
        yield (f"| {model} | {kind} | {count} | {100 * len(scored) / count:.1f} % | {true} | {len(scored) - true} "
               f"| {value:.3f} | {low:.3f} to {high:.3f} |")  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="AUROC of clauses against the drawn truth.")
    parser.add_argument("--pictures", type=int, default=256)
    parser.add_argument("--models", default="embedded-1,embedded-2")
    options = parser.parse_args()
    print("| model | kind | clauses | told | true | false | AUROC | 95 % |")
    print("| --- | --- | --: | --: | --: | --: | --: | --- |")
    for model in options.models.split(","):
        for row in rows(model, options.pictures):
            print(row, flush=True)


if __name__ == "__main__":
    main()
