"""Error rates and power of the regression tests, by simulation: `python -m docs.simulate`, or `make simulate`.

Writes the tables of docs/statistics.md between their marks and leaves its prose alone. Seeds are fixed. The decisions
are those of imgaudit.kernels.inference, called as a comparison calls them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from imgaudit.kernels import inference

PAGE = Path(__file__).parent / "statistics.md"
Floats = NDArray[np.float64]

PROMPTS = (12, 50, 200)
SEEDS = (1, 4, 16)
MARGIN = 0.05
LEAST = 0.01
BATCH = 200
FAMILY = 12


@dataclass(frozen=True)
class Scale:
    """How many comparisons are simulated: `repeats` a cell, `families` of twelve measures, and `streams` watched.

    With fewer flips than a comparison takes, a p value is less sharp and as valid.
    """

    repeats: int = 2_000
    families: int = 1_000
    streams: int = 1_000
    flips: int = 1_999


# --- scores ----------------------------------------------------------------------------------------------------------
# Each kind draws (baseline, candidate), of shape (repeats, prompts, seeds), whose true mean gain is exactly -loss.


def bell(random: np.random.Generator, size: tuple[int, int, int], loss: float) -> tuple[Floats, Floats]:
    """Normal levels, normal changes of single prompts, normal luck."""
    level = random.normal(0.7, 0.15, (*size[:2], 1))
    moved = random.normal(-loss, 0.07, (*size[:2], 1))
    return level + random.normal(0, 0.2, size), level + moved + random.normal(0, 0.2, size)


def skewed(random: np.random.Generator, size: tuple[int, int, int], loss: float) -> tuple[Floats, Floats]:
    """Probabilities that are mostly near one."""
    base, candidate = _levels(random, size, loss, 8, 1.5)
    return _probabilities(random, base, size), _probabilities(random, candidate, size)


def right_or_wrong(random: np.random.Generator, size: tuple[int, int, int], loss: float) -> tuple[Floats, Floats]:
    """A picture is right or wrong; nine of ten are right, on most prompts all."""
    base, candidate = _levels(random, size, loss, 9, 1)
    return _right(random, base, size), _right(random, candidate, size)


def some_break(random: np.random.Generator, size: tuple[int, int, int], loss: float) -> tuple[Floats, Floats]:
    """Probabilities as in `skewed`; the loss falls whole on a few prompts, which score nothing any more."""
    level = random.beta(8, 1.5, (*size[:2], 1))
    whole = random.random((*size[:2], 1)) >= loss * 9.5 / 8
    return _probabilities(random, level, size), _probabilities(random, level, size) * whole


def _levels(
    random: np.random.Generator, size: tuple[int, int, int], loss: float, high: float, low: float
) -> tuple[Floats, Floats]:
    """Levels of prompts; the candidate's lose in proportion and move up or down by a fifth of the room there is."""
    base = random.beta(high, low, (*size[:2], 1))
    lowered = base * (1 - loss * (high + low) / high)
    room = 0.2 * np.minimum(lowered, 1 - lowered)
    return base, lowered + room * random.choice([-1.0, 1.0], room.shape)


def _probabilities(random: np.random.Generator, level: Floats, size: tuple[int, int, int]) -> Floats:
    safe = np.clip(level, 1e-4, 1 - 1e-4)
    return random.beta(4 * safe, 4 * (1 - safe), size)


def _right(random: np.random.Generator, level: Floats, size: tuple[int, int, int]) -> Floats:
    return (random.random(size) < level).astype(float)


Draw = Callable[[np.random.Generator, tuple[int, int, int], float], tuple[Floats, Floats]]
KINDS: dict[str, Draw] = {
    "bell": bell, "skewed": skewed, "right or wrong": right_or_wrong, "some break": some_break,
}  # fmt: skip


def batches(draw: Draw, repeats: int, prompts: int, seeds: int, loss: float) -> Iterator[tuple[Floats, Floats]]:
    """Simulated pairs of runs, a bounded number at once; the same arguments give the same draws."""
    random = np.random.default_rng([prompts, seeds, round(1000 * loss), *draw.__name__.encode()])
    for start in range(0, repeats, BATCH):
        yield draw(random, (min(BATCH, repeats - start), prompts, seeds), loss)


# --- one measure -----------------------------------------------------------------------------------------------------


@dataclass
class Shares:
    """How often something happened, over all comparisons of a cell."""

    t: float
    flips: float
    regressed: float
    passed: float
    plain: float
    covered: float


def one_measure(draw: Draw, prompts: int, seeds: int, loss: float, scale: Scale) -> Shares:
    """Decide many comparisons with this true loss."""
    rows = []
    for index, (base, candidate) in enumerate(batches(draw, scale.repeats, prompts, seeds, loss)):
        gains = candidate.mean(2) - base.mean(2)
        p_values = inference.sign_flip(gains, np.ones(gains.shape, bool), scale.flips, seed=index).p
        rows += [_decided(sample, float(p), loss) for sample, p in zip(gains, p_values, strict=True)]
    return Shares(*(float(share) for share in np.mean(rows, axis=0)))


def _decided(gains: Floats, p: float, loss: float) -> tuple[bool, ...]:
    answer = inference.non_inferior(gains, MARGIN, LEAST, p)
    interval = inference.t_interval(gains)
    return (
        inference.t_loss(gains) <= inference.ALPHA,
        p <= inference.ALPHA,
        answer == "regressed",
        answer == "pass",
        interval is not None and interval[0] > -MARGIN,
        interval is not None and interval[0] <= -loss <= interval[1],
    )


def error_table(scale: Scale) -> str:
    """False alarms where nothing changed, false passes where the loss is the margin, coverage."""
    rows = []
    for name, draw in KINDS.items():
        for prompts in PROMPTS:
            for seeds in SEEDS:
                still = one_measure(draw, prompts, seeds, 0.0, scale)
                lost = one_measure(draw, prompts, seeds, MARGIN, scale)
                figures = (still.flips, still.t, still.regressed, lost.passed, lost.plain, lost.covered)
                rows.append([name, prompts, seeds, *map(percent, figures)])
    head = ["scores", "P", "S", "sign flips: alarm", "t: alarm", "REGRESSED", "PASS at the margin", "same by t alone",
            "interval covers"]  # fmt: skip
    return table(head, rows)


def power_table(scale: Scale) -> str:
    """How often a loss is found and an unchanged model passes."""
    rows = []
    for name in ("bell", "skewed", "right or wrong"):
        for prompts in PROMPTS:
            for seeds in SEEDS:
                found = [one_measure(KINDS[name], prompts, seeds, loss, scale) for loss in (0.0, 0.05, 0.1, 0.2)]
                lost = [percent(shares.regressed) for shares in found[1:]]
                rows.append([name, prompts, seeds, percent(found[0].passed), *lost, detectable(name, prompts, seeds)])
    head = ["scores", "P", "S", "PASS, no loss", "REGRESSED, loss 0.05", "loss 0.10", "loss 0.20", "`detectable`"]
    return table(head, rows)


def detectable(kind: str, prompts: int, seeds: int) -> str:
    """The loss that `imgaudit plan` would promise, from a large pilot of two unchanged runs."""
    return f"{inference.detectable(_pilot(kind), prompts, seeds):.3f}"


@cache
def _pilot(kind: str) -> inference.VarianceParts:
    base, candidate = next(batches(KINDS[kind], 1, 4_000, 4, 0.0))
    parts = inference.variance_parts(base[0].tolist(), candidate[0].tolist())
    assert parts is not None, "a pilot of four seeds has parts"
    return parts


def break_table(scale: Scale) -> str:
    """How often a model passes that has broken a few prompts altogether, by prompts tested."""
    rows = []
    for share in (0.02, 0.05, 0.1):
        loss = share * 8 / 9.5
        cells = []
        for prompts in (12, 25, 50, 100, 200, 400):
            passed = [
                inference.non_inferior(sample, loss, LEAST, 1.0) == "pass"
                for base, candidate in batches(some_break, scale.repeats, prompts, 4, loss)
                for sample in candidate.mean(2) - base.mean(2)
            ]
            cells.append(percent(float(np.mean(passed))))
        rows.append([f"{share:.0%}", f"{loss:.3f}", *cells])
    return table(["prompts broken", "loss = margin", "P = 12", "25", "50", "100", "200", "400"], rows)


# --- rules in the wild -----------------------------------------------------------------------------------------------


def _z_of_pictures(base: Floats, candidate: Floats) -> NDArray[np.bool_]:
    pictures = base[0].size
    one, other = base.reshape(len(base), -1), candidate.reshape(len(base), -1)
    error = np.sqrt((one.var(1, ddof=1) + other.var(1, ddof=1)) / pictures)
    return np.asarray((other.mean(1) - one.mean(1)) / error < -1.645)


def _t_of_pictures(base: Floats, candidate: Floats) -> NDArray[np.bool_]:
    gains = (candidate - base).reshape(len(base), -1)
    return np.array([inference.t_loss(sample) <= 0.05 for sample in gains])


def _t_of_prompts(base: Floats, candidate: Floats) -> NDArray[np.bool_]:
    return np.array([inference.t_loss(sample) <= 0.05 for sample in candidate.mean(2) - base.mean(2)])


def _flips(base: Floats, candidate: Floats) -> NDArray[np.bool_]:
    gains = candidate.mean(2) - base.mean(2)
    return np.asarray(inference.sign_flip(gains, np.ones(gains.shape, bool), Scale().flips).p <= 0.05)


def _two_points(base: Floats, candidate: Floats) -> NDArray[np.bool_]:
    return np.asarray((candidate >= 0.5).mean((1, 2)) < (base >= 0.5).mean((1, 2)) - 0.02)


def _any_prompt(base: Floats, candidate: Floats) -> NDArray[np.bool_]:
    return np.asarray(((base >= 0.5).all(2) & ~(candidate >= 0.5).all(2)).any(1))


RULES: dict[str, Callable[[Floats, Floats], NDArray[np.bool_]]] = {
    "unpaired z over pictures": _z_of_pictures,
    "paired t over pictures": _t_of_pictures,
    "pass rate dropped 2 points": _two_points,
    "a prompt that always passed fails once": _any_prompt,
    "paired t over prompts": _t_of_prompts,
    "sign flips over prompts (as here)": _flips,
}
DESIGNS = ((50, 4), (50, 16), (200, 4))


def rules_table(scale: Scale) -> str:
    """False alarms of other rules in the same simulation, and what they find of a loss."""
    rows = []
    for name in ("bell", "right or wrong"):
        cells: dict[str, list[str]] = {rule: [] for rule in RULES}
        for loss in (0.0, 0.05):
            for prompts, seeds in DESIGNS:
                runs = list(batches(KINDS[name], scale.repeats, prompts, seeds, loss))
                for rule, alarm in RULES.items():
                    cells[rule].append(percent(float(np.mean(np.concatenate([alarm(*pair) for pair in runs])))))
        rows += [[name, rule, *shares] for rule, shares in cells.items()]
    designs = [f"P = {prompts}, S = {seeds}" for prompts, seeds in DESIGNS]
    columns = [f"{what}, {design}" for what in ("no change", "loss 0.05") for design in designs]
    return table(["scores", "rule", *columns], rows)


# --- families --------------------------------------------------------------------------------------------------------


def family_table(scale: Scale) -> str:
    """Twelve measures at once: any alarm where nothing changed, and one measure's loss found."""
    rows = []
    for name, draw in (("bell", _bell_family), ("right or wrong", _binary_family)):
        for alike in (0.0, 0.6):
            for prompts in PROMPTS:
                random = np.random.default_rng([prompts, round(10 * alike), *name.encode()])
                still = [_alarms(draw(random, prompts, alike, 0.0), scale, index) for index in range(scale.families)]
                lost = [_alarms(draw(random, prompts, alike, 1.0), scale, index) for index in range(scale.families)]
                alarmed, found = np.any(still, axis=2).mean(0), np.array(lost)[:, :, 0].mean(0)
                rows.append([name, alike, prompts, *map(percent, (*alarmed, *found[1:]))])
    head = ["scores", "correlation", "P", "any alarm: no adjustment", "Holm", "max-T", "loss found: Holm", "max-T"]
    return table(head, rows)


def _alarms(gains: Floats, scale: Scale, seed: int) -> list[list[bool]]:
    """Whether each measure alarms: without adjustment, by Holm, by max-T."""
    found = inference.sign_flip(gains, np.ones(gains.shape, bool), scale.flips, seed)
    return [[bool(p <= 0.05) for p in values] for values in (found.p, inference.holm(found.p), found.adjusted)]


def _bell_family(random: np.random.Generator, prompts: int, alike: float, lost: float) -> Floats:
    gains = alike**0.5 * random.normal(size=(1, prompts)) + (1 - alike) ** 0.5 * random.normal(size=(FAMILY, prompts))
    gains[0] -= lost * 3.5 / prompts**0.5
    return np.asarray(gains)


def _binary_family(random: np.random.Generator, prompts: int, alike: float, lost: float) -> Floats:
    """Four seeds a side; correlated luck decides for each measure whether a picture is right."""
    sides = []
    for drop in (0.0, lost):
        shared, own = random.normal(size=(1, prompts, 4)), random.normal(size=(FAMILY, prompts, 4))
        limit = np.full((FAMILY, 1, 1), -1.2)
        limit[0] += drop * 5 / prompts**0.5
        sides.append((alike**0.5 * shared + (1 - alike) ** 0.5 * own > limit).mean(2))
    return np.asarray(sides[1] - sides[0])


# --- looking again and again -----------------------------------------------------------------------------------------

STREAM = 400
ROUNDS = 16


def sequence_table(scale: Scale) -> str:
    """Looking after every prompt: how often an interval ever missed the truth, and how wide it is."""
    rows = []
    for name in ("skewed", "right or wrong", "some break"):
        for loss in (0.0, MARGIN):
            gains = np.concatenate([(c - b)[:, :, 0] for b, c in batches(KINDS[name], scale.streams, STREAM, 1, loss)])
            watched = [_watched(stream, loss) for stream in gains]
            rows.append([name, loss, *map(percent, np.mean([w[:3] for w in watched], axis=0)),
                         *(f"{half:.3f}" for half in np.mean([w[3:] for w in watched], axis=0))])  # fmt: skip
    head = ["scores", "true loss", "t interval ever wrong", "sequence ever wrong", "ever a wrong answer",
            "half width at 50", "at 200", "at 400", "t at 400"]  # fmt: skip
    return table(head, rows)


def _watched(stream: Floats, loss: float) -> list[float]:
    lower, upper = inference.confidence_sequence(stream, -1.0, 1.0)
    count = np.arange(1, STREAM + 1)
    means = np.cumsum(stream) / count
    spread = np.sqrt(np.maximum(np.cumsum(stream**2) / count - means**2, 0) * count / np.maximum(count - 1, 1))
    half = stdtrit(np.maximum(count - 1, 1), 0.975) * spread / np.sqrt(count)
    student = ((np.abs(means + loss) > half) & (spread > 0))[10:].any()
    missed = ((lower > -loss) | (upper < -loss)).any()
    answer = (upper < 0).any() if loss == 0 else (lower > -MARGIN).any()
    halves = [float(upper[at - 1] - lower[at - 1]) / 2 for at in (50, 200, 400)]
    return [float(student), float(missed), float(answer), *halves, float(half[-1])]


def rounds_table(scale: Scale) -> str:
    """Adding seeds to the same prompts until decided: wrong answers, right ones, rounds needed."""
    rows: list[list[object]] = [
        [name, prompts, loss, *_rounds(name, prompts, loss, scale.streams)]
        for name in ("skewed", "right or wrong")
        for prompts in (50, 200)
        for loss in (0.0, MARGIN, 0.15)
    ]
    head = ["scores", "P", "true loss", "ever wrong about these", "PASS within 16", "REGRESSED within 16",
            "rounds until decided (median)"]  # fmt: skip
    return table(head, rows)


def _rounds(name: str, prompts: int, loss: float, streams: int) -> list[str]:
    """Each stream has its own prompts, whose own true mean gain is what the sequence must hold."""
    high, low, draw = (8, 1.5, _probabilities) if name == "skewed" else (9, 1, _right)
    random = np.random.default_rng([prompts, round(1000 * loss), *name.encode()])
    results = []
    for _ in range(streams):
        size = (1, prompts, ROUNDS)
        base, candidate = _levels(random, size, loss, high, low)
        truth = float((candidate - base).mean())
        gains = (draw(random, candidate, size) - draw(random, base, size))[0].T
        lower, upper = inference.rounds_sequence(gains, -1.0, 1.0)
        passed, regressed = lower > -MARGIN, upper < 0
        wrong = ((lower > truth + 1e-4) | (upper < truth - 1e-4)).any()  # levels are held off 0 and 1 by 1e-4
        ended = np.flatnonzero(passed | regressed)
        first = int(ended[0]) if len(ended) else ROUNDS
        stopped = len(ended) > 0
        results.append((wrong, stopped and passed[first], stopped and not passed[first], first + 1))
    median = float(np.median([row[3] for row in results]))
    shares = np.mean([row[:3] for row in results], axis=0)
    return [*map(percent, shares), f"{median:.0f}" if median <= ROUNDS else f"not in {ROUNDS}"]


# --- the page --------------------------------------------------------------------------------------------------------


def percent(share: float) -> str:
    """As in `4.9 %`."""
    return f"{100 * share:.1f} %"


def table(head: list[str], rows: list[list[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


TABLES: dict[str, Callable[[Scale], str]] = {
    "errors": error_table, "broken": break_table, "power": power_table, "family": family_table, "rules": rules_table,
    "sequence": sequence_table, "rounds": rounds_table,
}  # fmt: skip


def filled(page: str, scale: Scale) -> str:
    """The page with its tables simulated anew."""
    for name, make in TABLES.items():
        marks = re.findall(rf"<!-- table: {name} -->\n.*?<!-- end -->", page, re.DOTALL)
        if len(marks) != 1:
            raise ValueError(f"{PAGE.name}: {len(marks)} marks for the table {name!r}; expected one")
        page = page.replace(marks[0], f"<!-- table: {name} -->\n{make(scale)}\n<!-- end -->")
    return page


def main() -> None:
    """Simulate and write the page."""
    PAGE.write_text(filled(PAGE.read_text(), Scale()))


if __name__ == "__main__":
    main()
