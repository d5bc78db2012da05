"""Measures over many runs: one line a run, with intervals, and no line drawn through what cannot be compared.

Runs are joined only where they may be compared: the same cases, scored by the same perceivers, checkers and
calibrations. Where they differ the line breaks, and the break is marked. Beside it, pictures with the same pixels and
the same prompt that stand in several runs are anchors: their scores must not move. Where they do, the scorers drifted.
"""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from pydantic import Field

from imgaudit.digest import digest
from imgaudit.errors import UsageError
from imgaudit.kernels.inference import t_interval
from imgaudit.plan import scores_by_case
from imgaudit.record import FinishedRun
from imgaudit.registry import checkers, measure_facts, perceivers
from imgaudit.scorers import scorers_of
from imgaudit.types import ImageRecord, Stored


class Point(Stored):
    """One run and one measure."""

    run: str
    started: str
    generator: str | None
    measure: str
    unit: str
    better: str
    line: int = Field(description="runs of one line stand next to each other and were scored on the same terms")
    mean: float | None = Field(description="mean over prompts, seeds averaged first; null where nothing could be told")
    low: float | None = Field(description="95 % interval of the mean; null for fewer than two prompts")
    high: float | None
    prompts: int
    counted: int
    of: int
    gain: float | None = Field(default=None, description="against the first run of the line, paired by prompt")
    gain_low: float | None = Field(default=None, description="95 % interval of the gain")
    gain_high: float | None = None


class Break(Stored):
    """Where the line ends: the runs on both sides were not scored on the same terms."""

    before: str
    after: str
    why: str


class Drift(Stored):
    """What became of anchors: pictures with equal pixels and prompts in two runs."""

    before: str
    after: str
    measure: str
    anchors: int = Field(description="shared pictures on which both runs could tell the measure, or one of them")
    moved: int
    untold: int = Field(description="anchors that one of the runs could not tell")
    mean: float | None = Field(description="mean change of the anchors; null where none was told in both")
    largest: float | None
    same_scorers: bool = Field(description="whether perceivers, checkers and calibrations are said to be the same")


class History(Stored):
    """Many runs side by side. A function of their records."""

    format: str = "imgaudit-history/1"
    points: tuple[Point, ...]
    breaks: tuple[Break, ...]
    drifts: tuple[Drift, ...] = Field(description="measures whose anchors moved")
    anchors: dict[str, int] = Field(description="'before -> after' -> pictures with equal pixels and prompt")

    @property
    def exit_code(self) -> int:
        """4 where scores of equal pixels moved though the scorers are said to be the same, else 0."""
        return 4 if any(drift.same_scorers for drift in self.drifts) else 0


@dataclass(frozen=True)
class Named:
    """A run and how it is called."""

    name: str
    run: FinishedRun


def history(runs: Sequence[Named], measures: Sequence[str] | None = None) -> History:
    """The history of runs in the order given, for some measures or all that have a direction.

    Raises UsageError for an unknown measure, fewer than one run, or two runs of one name.
    """
    if not runs or len({one.name for one in runs}) < len(runs):
        raise UsageError("give at least one run, each of another name")
    wanted = tuple(measures) if measures is not None else _measures(runs)
    for measure in wanted:
        measure_facts(measure)
    breaks = [_break(before, after) for before, after in pairwise(runs)]
    lines = _lines(breaks)
    points = [point for measure in wanted for point in _points(runs, lines, measure)]
    drifts, anchors = [], {}
    for before, after in pairwise(runs):
        shared, found = _drift(before, after, wanted)
        anchors[f"{before.name} -> {after.name}"] = shared
        drifts += found
    broken = tuple(one for one in breaks if one is not None)
    return History(points=tuple(points), breaks=broken, drifts=tuple(drifts), anchors=anchors)


def _measures(runs: Sequence[Named]) -> tuple[str, ...]:
    """Every measure that some run measured, and that can get better or worse."""
    measured = {score.measure for one in runs for score in one.run.report.scores}
    directed = {f"{n}.{m.name}" for n, checker in checkers.items() for m in checker.measures if m.better != "none"}
    return tuple(sorted(measured & directed))


def _lines(breaks: Sequence[Break | None]) -> list[int]:
    numbers = [0]
    for found in breaks:
        numbers.append(numbers[-1] + (0 if found is None else 1))
    return numbers


def _break(before: Named, after: Named) -> Break | None:
    """Why no line may be drawn from one run to the next; None where it may."""
    if before.run.report.fingerprint == after.run.report.fingerprint:
        return None
    differences = list(scorers_of(before.run).differences(scorers_of(after.run)))
    if _cases(before.run) != _cases(after.run):
        differences.insert(0, "cases")
    return Break(before=before.name, after=after.name, why=f"other {', '.join(differences)}") if differences else None


def _cases(run: FinishedRun) -> set[str]:
    return {record.case or record.id for record in run.images} | set(run.refusals)


def _points(runs: Sequence[Named], lines: Sequence[int], measure: str) -> Iterator[Point]:
    facts = measure_facts(measure)
    first: dict[int, dict[str, float]] = {}
    for one, line in zip(runs, lines, strict=True):
        scores = scores_by_case(one.run.images, measure)
        means = {case: sum(values) / len(values) for case, values in scores.items()}
        own = list(means.values())
        low, high = _rounded(t_interval(own))
        against, start = first.get(line), first.setdefault(line, means)
        gains = [] if against is None else [means[case] - start[case] for case in means if case in start]
        turned = [gain if facts.better == "up" else -gain for gain in gains]
        gain_low, gain_high = _rounded(t_interval(turned))
        yield Point(
            run=one.name,
            started=one.run.run.started,
            generator=one.run.report.generator,
            measure=measure,
            unit=facts.unit,
            better=facts.better,
            line=line,
            mean=_mean(own),
            low=low,
            high=high,
            prompts=len(own),
            counted=sum(map(len, scores.values())),
            of=len(one.run.images),
            gain=_mean(turned),
            gain_low=gain_low,
            gain_high=gain_high,
        )


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 6) + 0.0 if values else None


def _rounded(interval: tuple[float, float] | None) -> tuple[float, float] | tuple[None, None]:
    return (None, None) if interval is None else (round(interval[0], 6), round(interval[1], 6))


# --- anchors ---------------------------------------------------------------------------------------------------------


def _drift(before: Named, after: Named, measures: Sequence[str]) -> tuple[int, list[Drift]]:
    """How many pictures stand in both runs, and the measures whose scores of them moved."""
    old, new = _anchors(before.run.images), _anchors(after.run.images)
    shared = sorted(old.keys() & new.keys())
    same = not scorers_of(before.run).differences(scorers_of(after.run))
    changes: dict[str, list[float]] = defaultdict(list)
    untold: dict[str, int] = defaultdict(int)
    for key in shared:
        for measure in measures:
            if _of_other_bytes(measure, old[key], new[key]):
                continue
            a, b = _value(old[key], measure), _value(new[key], measure)
            if a is not None and b is not None:
                changes[measure].append(b - a)
            elif a is not None or b is not None:
                untold[measure] += 1
    found = [
        Drift(
            before=before.name,
            after=after.name,
            measure=measure,
            anchors=len(changes[measure]) + untold[measure],
            moved=sum(change != 0 for change in changes[measure]),
            untold=untold[measure],
            mean=_mean(changes[measure]),
            largest=round(max(map(abs, changes[measure])), 6) if changes[measure] else None,
            same_scorers=same,
        )
        for measure in measures
        if any(changes[measure]) or untold[measure]
    ]
    return len(shared), found


def _anchors(images: Iterable[ImageRecord]) -> dict[tuple[str, str], ImageRecord]:
    """Pictures by pixels and prompt. Of several that are equal the first one stands for all."""
    found: dict[tuple[str, str], ImageRecord] = {}
    for record in images:
        if record.pixels is not None:
            found.setdefault((record.pixels, record.prompt or ""), record)
    return found


def _value(record: ImageRecord, measure: str) -> float | None:
    checker, _, name = measure.partition(".")
    return next((f.measures[name] for f in record.findings if f.checker == checker and name in f.measures), None)


def _of_other_bytes(measure: str, old: ImageRecord, new: ImageRecord) -> bool:
    """Whether a measure reads the file's bytes, and these differ though the pixels do not."""
    if old.file == new.file:
        return False
    checker = measure.partition(".")[0]
    roles = {role for record in (old, new) for f in record.findings if f.checker == checker for role in f.by}
    known = dict(perceivers.items())
    return bool(roles) and all(role in known and known[role].reads == "bytes" for role in roles)


# --- exports ---------------------------------------------------------------------------------------------------------


def csv_of(made: History) -> bytes:
    """One row a run and measure."""
    import csv

    stream = io.StringIO()
    writer = csv.writer(stream)
    names = list(Point.model_fields)
    writer.writerow(names)
    for point in made.points:
        writer.writerow([_cell(getattr(point, name)) for name in names])
    return stream.getvalue().encode()


def _cell(value: object) -> object:
    """Text from outside must not act as a formula."""
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" else value


def wandb_of(made: History) -> bytes:
    """JSONL, one line a run, as Weights & Biases keeps a history: `_step`, `_timestamp`, then numbers by name."""
    lines = []
    for step, (name, points) in enumerate(_by_run(made).items()):
        line: dict[str, object] = {"_step": step, "_timestamp": _seconds(points[0].started), "run": name}
        line.update({"generator": points[0].generator, "line": points[0].line})
        for point in points:
            line.update({f"{point.measure}{suffix}": value for suffix, value in _numbers(point)})
        lines.append(json.dumps(line, sort_keys=True))
    return ("\n".join(lines) + "\n").encode()


def mlflow_files(made: History, experiment: str = "imgaudit") -> Iterator[tuple[str, bytes]]:
    """Path and content of every file of an MLflow file store (`mlruns/`): one experiment, a run a run."""
    number = str(int(digest(experiment)[:12], 16))
    facts = {"experiment_id": number, "lifecycle_stage": "active", "name": experiment, "artifact_location": ""}
    yield f"{number}/meta.yaml", _yaml(facts)
    for name, points in _by_run(made).items():
        run = digest([experiment, name])[:32]
        started = int(_seconds(points[0].started) * 1000)
        meta = {
            "artifact_uri": "", "end_time": started, "entry_point_name": "", "experiment_id": number,
            "lifecycle_stage": "active", "run_id": run, "run_name": name, "run_uuid": run, "source_name": "imgaudit",
            "source_type": 4, "source_version": "", "start_time": started, "status": 3, "tags": [], "user_id": "",
        }  # fmt: skip
        yield f"{number}/{run}/meta.yaml", _yaml(meta)
        yield f"{number}/{run}/tags/mlflow.runName", name.encode()
        yield f"{number}/{run}/params/generator", (points[0].generator or "").encode()
        yield f"{number}/{run}/params/line", str(points[0].line).encode()
        for point in points:
            for suffix, value in _numbers(point):
                yield f"{number}/{run}/metrics/{point.measure}{suffix}", f"{started} {value!r} 0\n".encode()


def _by_run(made: History) -> Mapping[str, list[Point]]:
    runs: dict[str, list[Point]] = {}
    for point in made.points:
        runs.setdefault(point.run, []).append(point)
    return runs


def _numbers(point: Point) -> Iterator[tuple[str, float]]:
    """What was told of a point; a number that is missing has no line."""
    named = {"": point.mean, ".low": point.low, ".high": point.high, ".gain": point.gain, ".gain_low": point.gain_low,
             ".gain_high": point.gain_high}  # fmt: skip
    yield from ((suffix, value) for suffix, value in named.items() if value is not None)
    yield ".counted", float(point.counted)


def _seconds(moment: str) -> float:
    try:
        return datetime.fromisoformat(moment).timestamp()
    except ValueError:
        return 0.0


def _yaml(value: Mapping[str, object]) -> bytes:
    """JSON is YAML, and leaves no question of quoting."""
    return (json.dumps(value, indent=1) + "\n").encode()


def json_of(made: History) -> bytes:
    """The whole record."""
    return (made.model_dump_json(indent=1) + "\n").encode()


TEXTS: Mapping[str, Callable[[History], bytes]] = {"json": json_of, "csv": csv_of, "wandb": wandb_of}
"""Formats that are one file."""
FORMATS = ("table", *TEXTS, "mlflow")
