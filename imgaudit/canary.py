"""Is the gate itself in order? Two canaries that should stay quiet where nothing changed.

*Against itself* splits the seeds of one run into halves and lets the gate compare them. Split at random within each
prompt, the halves cannot differ, so that the share of splits that regress is the gate's own rate of false alarms on
these scores. Split into early and late seeds, they differ only where something drifted while the run was made.

*Redrawn* renders a few pictures again with the run's own generator, suite and seeds and compares their pixels: two runs
on a machine that does not draw the same picture twice differ by more than the models.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from imgaudit.compare.pairing import TOLD, read_scores, strata_of
from imgaudit.engine.inline import PictureRow, rows_of
from imgaudit.engine.sources import SuiteSource
from imgaudit.errors import RunError, UsageError
from imgaudit.generators._spec import is_hidden
from imgaudit.kernels.inference import clopper_pearson, non_inferior, sign_flip
from imgaudit.pictures import decode
from imgaudit.provenance.write import mark
from imgaudit.record import FinishedRun, RunInfo
from imgaudit.registry import measure_facts
from imgaudit.rubric import Regression, Rubric
from imgaudit.store.runfolder import RunFolder
from imgaudit.types import JSON, Controls, Generator, Refused, Rendered, Stored

if TYPE_CHECKING:
    from collections.abc import Callable

SPLITS = 100
FLIPS = 2_000
PICTURES = 3

Floats = NDArray[np.float64]


class AgainstItself(Stored):
    """How the gate behaves between two halves of one run's own seeds, where nothing changed."""

    answer: Literal["quiet", "alarms", "not told"]
    why: str
    splits: int = 0
    regressed: int = 0
    high: float | None = Field(default=None, description="95 % upper bound of the rate of false alarms")


class Redrawn(Stored):
    """One picture, rendered once more."""

    id: str
    state: Literal["equal", "differs", "refused", "missing"]
    largest: int | None = Field(default=None, description="largest difference of a channel, 1..255")
    mean: float | None = Field(default=None, description="mean difference of all channels, 0..255")
    share: float | None = Field(default=None, description="share of pixels that differ")
    why: str = ""


class Determinism(Stored):
    """Whether the same request draws the same pixels."""

    answer: Literal["equal", "differs", "not told"]
    why: str
    pictures: tuple[Redrawn, ...] = ()
    changed: tuple[str, ...] = Field(default=(), description="facts of the generator that are not those of run.json")


# --- against itself --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Table:
    """Scores of the primaries, turned so that more is better: measures x prompts x pictures, told or not."""

    values: Floats
    told: NDArray[np.bool_]
    counts: NDArray[np.int64]
    strata: tuple[NDArray[np.bool_], ...]


def against_itself(run: FinishedRun, rubric: Rubric, splits: int = SPLITS, seed: int = 0) -> AgainstItself:
    """Let the gate compare halves of one run. Deterministic for one `seed`.

    It alarms when more random splits regress than the rubric's alpha allows (by an exact binomial bound), or when early
    and late seeds differ. Raises UsageError for a rubric that does not say how runs are compared.
    """
    if rubric.regression is None:
        raise UsageError(f"the rubric {rubric.name!r} has no section 'regression'; add one, or choose another --rubric")
    table = _table(run, rubric, rubric.regression)
    usable = int((table.counts >= 2).sum())
    if usable < rubric.regression.min_prompts:
        return AgainstItself(
            answer="not told",
            why=f"{usable} prompts have two pictures or more; it takes {rubric.regression.min_prompts}. Run more seeds",
        )
    random = np.random.default_rng(seed)
    gate = _Gate(table, rubric.regression)
    regressed = sum(gate.regresses(_random_half(table.counts, random)) for _ in range(splits))
    drifted = gate.drifts(_late_half(table.counts))
    low, high = clopper_pearson(regressed, splits)
    alpha = rubric.regression.alpha
    why = f"{regressed} of {splits} random splits of the seeds regress, where {alpha:.0%} may"
    if drifted:
        why += "; early and late seeds differ, so that something drifted while the run was made"
    return AgainstItself(
        answer="alarms" if drifted or low > alpha else "quiet",
        why=why,
        splits=splits,
        regressed=regressed,
        high=round(high, 6),
    )


class _Gate:
    """The rubric's decision on halves of one table."""

    def __init__(self, table: _Table, regression: Regression) -> None:
        self._table = table
        self._regression = regression
        self._tests = [(m, s) for m in range(len(regression.primaries)) for s in range(len(table.strata))]

    def regresses(self, half: NDArray[np.bool_], turn: float = 1.0, alpha: float | None = None) -> bool:
        """Whether any primary in any stratum regresses from one half to the other."""
        gains, present = self._gains(half)
        chosen = np.stack([present[m] & self._table.strata[s] for m, s in self._tests])
        values = turn * np.stack([gains[m] for m, _ in self._tests])
        adjusted = sign_flip(values, chosen, FLIPS).adjusted
        level = alpha or self._regression.alpha
        return any(
            self._answer(values[i][chosen[i]], m, float(adjusted[i]), level) == "regressed"
            for i, (m, _) in enumerate(self._tests)
        )

    def drifts(self, half: NDArray[np.bool_]) -> bool:
        """Whether the halves differ in either direction; each has half of the alpha."""
        alpha = self._regression.alpha / 2
        return self.regresses(half, 1.0, alpha) or self.regresses(half, -1.0, alpha)

    def _answer(self, gains: Floats, measure: int, adjusted: float, alpha: float) -> str:
        primary = self._regression.primaries[measure]
        return non_inferior(gains, primary.margin, primary.least, adjusted, alpha)

    def _gains(self, half: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
        """Mean of the half less mean of the rest: (measures, prompts), and where both could be told."""
        used = np.arange(half.shape[1]) < 2 * (self._table.counts[:, None] // 2)
        means, held = [], []
        for side in (half, used & ~half):
            told = self._table.told & side
            number = told.sum(axis=2)
            means.append((self._table.values * told).sum(axis=2) / np.maximum(number, 1))
            held.append(number > 0)
        return means[0] - means[1], held[0] & held[1]


def _random_half(counts: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.bool_]:
    """For each prompt a random half of its pictures; of an odd number the last one is left out."""
    width = int(counts.max())
    order = random.random((len(counts), width))
    order[np.arange(width) >= 2 * (counts[:, None] // 2)] = math.inf
    return np.asarray(order.argsort(axis=1).argsort(axis=1) < counts[:, None] // 2)


def _late_half(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """For each prompt the later half of its seeds."""
    place = np.arange(int(counts.max()))
    return np.asarray((place >= counts[:, None] // 2) & (place < 2 * (counts[:, None] // 2)))


def _table(run: FinishedRun, rubric: Rubric, regression: Regression) -> _Table:
    measures = [primary.measure for primary in regression.primaries]
    scores = read_scores(run, rubric, measures, ())
    cases, place, counts = np.unique(np.array(scores.cases), return_inverse=True, return_counts=True)
    column = np.arange(len(place)) - (np.cumsum(counts) - counts)[place]  # pictures come in the order of case and seed
    shape = (len(measures), len(cases), int(counts.max(initial=1)))
    values, told = np.zeros(shape), np.zeros(shape, dtype=bool)
    turned = np.array([1.0 if measure_facts(name).better == "up" else -1.0 for name in measures])
    values[:, place, column] = scores.values * turned[:, None]
    told[:, place, column] = scores.states == TOLD
    return _Table(values, told, counts.astype(np.int64), _strata(run, [str(case) for case in cases], regression))


def _strata(run: FinishedRun, cases: Sequence[str], regression: Regression) -> tuple[NDArray[np.bool_], ...]:
    everything = np.ones(len(cases), dtype=bool)
    if regression.strata == "none":
        return (everything,)
    names = np.array(strata_of(cases, run.cases))
    masks = [names == name for name in sorted(set(names.tolist()) - {""})]
    return (everything, *(mask for mask in masks if mask.sum() >= regression.min_prompts))


# --- redrawn ---------------------------------------------------------------------------------------------------------


def redrawn(
    path: Path, build: Callable[[str], Generator], pictures: int = PICTURES, advance: Callable[[], None] = lambda: None
) -> Determinism:
    """Render some pictures of a run again and compare their pixels with the stored ones.

    Args:
        path: a run folder.
        build: makes a generator from its spec.
        pictures: how many, spread evenly over the run.
        advance: told after each picture.
    """
    folder = RunFolder.open(path)
    run = folder.read_run()
    if run.kind != "run" or run.generator is None:
        raise UsageError(f"{path}: these pictures were audited, not rendered, so that they cannot be drawn again")
    rows = _spread(list(rows_of(folder)), pictures)
    if not rows:
        return Determinism(answer="not told", why="the run holds no picture")
    generator = build(_spec(folder, run))
    changed = tuple(sorted(_changed(run.generator, generator.identity())))
    drawn = []
    for row in rows:
        drawn.append(_drawn_again(folder, run, row, generator))
        advance()
    return _concluded(tuple(drawn), changed)


def _spec(folder: RunFolder, run: RunInfo) -> str:
    """What drew the run. Raises UsageError where it lay in a folder that is not on record."""
    spec = folder.read_generator() or str((run.generator or {})["spec"])
    if is_hidden(spec):
        raise UsageError(
            f"{folder.path}: where {spec} lies is not on record (private.json did not travel with the run); "
            "ask on the machine that made it"
        )
    return spec


def _spread(rows: Sequence[PictureRow], number: int) -> list[PictureRow]:
    if len(rows) <= number:
        return list(rows)
    return [rows[round(place)] for place in np.linspace(0, len(rows) - 1, number)]


def _changed(before: Mapping[str, JSON], now: Mapping[str, JSON]) -> set[str]:
    names = (before.keys() | now.keys()) - {"spec"}
    return {name for name in names if before.get(name) != now.get(name)}


def _drawn_again(folder: RunFolder, run: RunInfo, row: PictureRow, generator: Generator) -> Redrawn:
    located = folder.locate(row.path, {})
    if located is None or not located.is_file():
        return Redrawn(id=row.id, state="missing", why="the stored picture is missing")
    stored, _ = decode(located.read_bytes(), row.id)
    if stored.pixels != row.pixels or stored.rgb is None:
        return Redrawn(id=row.id, state="missing", why="the stored picture was changed since it was judged")
    result = next(iter(generator.render(_jobs(run, row, generator))))
    if isinstance(result, Refused):
        return Redrawn(id=row.id, state="refused", why=result.reason)
    now, problem = decode(_encoded(result), row.id)
    if now.rgb is None:
        return Redrawn(id=row.id, state="refused", why=problem or "the new picture cannot be read")
    if now.pixels == row.pixels:
        return Redrawn(id=row.id, state="equal")
    return _difference(row.id, stored.rgb, now.rgb)


def _jobs(run: RunInfo, row: PictureRow, generator: Generator) -> Any:
    request = run.request
    if run.suite is None or row.seed is None:
        raise RunError(f"{row.id}: the record does not say which suite and seed it was drawn from; make the run anew")
    controls = Controls.model_validate(request.get("controls", {}))
    literal = bool(request.get("literal_seeds", False))
    source = SuiteSource(
        run.suite, (row.case,), (row.seed,), controls, str(request["generator"]), generator, 1, literal_seeds=literal
    )
    return source.jobs


def _encoded(result: Rendered) -> bytes:
    return result.data if result.data is not None else mark(result.image, result.source)


def _difference(name: str, before: NDArray[np.uint8], now: NDArray[np.uint8]) -> Redrawn:
    if before.shape != now.shape:
        sizes = " and ".join(f"{a.shape[1]}x{a.shape[0]}" for a in (before, now))
        return Redrawn(id=name, state="differs", why=f"the pictures have different sizes: {sizes}")
    gap = np.abs(before.astype(np.int16) - now.astype(np.int16))
    share = float((gap.max(axis=2) > 0).mean())
    return Redrawn(
        id=name, state="differs", largest=int(gap.max()), mean=round(float(gap.mean()), 6), share=round(share, 6)
    )


def _concluded(drawn: tuple[Redrawn, ...], changed: tuple[str, ...]) -> Determinism:
    states = [picture.state for picture in drawn]
    differing = states.count("differs")
    if differing:
        answer: Literal["equal", "differs", "not told"] = "differs"
        why = f"{differing} of {len(drawn)} pictures were drawn otherwise"
    elif states.count("equal") < len(drawn):
        answer, why = "not told", f"{len(drawn) - states.count('equal')} of {len(drawn)} pictures could not be compared"
    else:
        answer, why = "equal", f"{len(drawn)} of {len(drawn)} pictures have the same pixels"
    if changed:
        why += f"; the generator is not what run.json names: {', '.join(changed)}"
    return Determinism(answer=answer, why=why, pictures=drawn, changed=changed)
