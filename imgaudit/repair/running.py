"""The repair of a run, from its folder to the folder of repaired pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from imgaudit.engine.inline import Checks, InlineEngine
from imgaudit.engine.perceiving import PerceiverPool, Planner
from imgaudit.errors import RunError, UsageError
from imgaudit.pipeline import QUIET, Options, Watcher, build_checks, carry_out, judge_again, open_run
from imgaudit.record import FinishedRun, RunInfo
from imgaudit.registry import checkers
from imgaudit.repair.mending import Mender
from imgaudit.repair.methods import approaches_to, methods_of
from imgaudit.repair.originals import load, place_of
from imgaudit.repair.painting import Painter
from imgaudit.repair.record import LINES, CannotRepair, Repair, line_of, settled
from imgaudit.repair.source import RepairedSource
from imgaudit.repair.tasks import Task, chosen, tasks_of
from imgaudit.repair.typesetting import Font
from imgaudit.rubric import Rubric, exit_code
from imgaudit.store.cache import PerceptCache
from imgaudit.store.runfolder import RunFolder
from imgaudit.types import JSON, Decision, Generator

MACHINES = ("device", "dtype")
"""What a perceiver says of the machine it runs on; it may be another one than the run's."""
NOT_NEEDED = ("c2pa", "embedding")
"""Roles whose local option a repair does without: a repaired file has no manifest that a trust list could hold, and
pictures are not compared with each other while one of them is repaired."""


@dataclass(frozen=True)
class Asked:
    """What is asked of a repair.

    Args:
        run: the folder of the run.
        out: the folder of the repaired pictures.
        rubric: what judged the run.
        build: makes a generator of its spec.
        generator: the spec of the generator that draws; None for the run's own.
        tries: changed pictures a method makes at most.
        methods: in place of the rubric's, in order; None for the rubric's.
        only: ids of pictures; empty for all that are to be edited.
        font: what new words are set in.
        roots: where audited files lie now.
        perceivers: role -> option, where the run's own was a local model.
        batch_size: pictures a perceiver is given at once.
        cache: whether what was seen before is used and kept.
    """

    run: Path
    out: Path
    rubric: Rubric
    build: Callable[[str], Generator]
    generator: str | None = None
    tries: int = 4
    methods: tuple[str, ...] | None = None
    only: tuple[str, ...] = ()
    font: Font = field(default_factory=Font)
    roots: Mapping[str, Path] = field(default_factory=dict)
    perceivers: Mapping[str, str | None] = field(default_factory=dict)
    batch_size: int = 16
    cache: bool = True


@dataclass(frozen=True)
class Repaired:
    """What came of it. `finished` is the run of the repaired pictures; None where nothing was to be edited."""

    lines: tuple[Repair, ...]
    finished: FinishedRun | None
    exit_code: int


def repair(asked: Asked, watcher: Watcher = QUIET) -> Repaired:
    """Repair the pictures of a run whose final verdict is edit. The same call continues one that was cut off."""
    if asked.out.resolve() == asked.run.resolve():
        raise UsageError(f"{asked.out}: is the run itself, whose pictures are kept as they are; give another --out")
    folder, tasks, wanted = _to_do(asked)
    if not wanted:
        return Repaired((), None, exit_code([]))
    run = folder.read_run()
    checks = checks_of(run)
    roles = roles_of(run, asked.perceivers)
    pool = PerceiverPool(roles)
    _check_eyes(run, pool)
    cache = PerceptCache() if asked.cache else None
    try:
        engine = InlineEngine(Checks(checks.single, ()), Planner(pool, cache, asked.batch_size))
        source = _source(asked, folder, run, (tasks, wanted), engine)
        source.watcher = watcher
        options = Options(asked.out, asked.rubric, tuple(checks.versions()), roles, asked.batch_size, asked.cache)
        carry_out(source, options, Watcher(begin=lambda _stage, total: watcher.begin("repair", total)), pool)
    finally:
        if cache is not None:
            cache.close()
    return _concluded(asked, run, source, wanted)


def _to_do(asked: Asked) -> tuple[RunFolder, list[Task], list[Task]]:
    folder = RunFolder.open(asked.run)
    tasks = tasks_of(folder, asked.rubric)
    return folder, tasks, chosen(tasks, asked.only)


def _painter(asked: Asked, folder: RunFolder, run: RunInfo) -> Painter:
    own = str(run.generator["spec"]) if run.generator is not None and "spec" in run.generator else None
    return Painter(asked.generator or folder.read_generator() or own, asked.build, run)


def _source(
    asked: Asked, folder: RunFolder, run: RunInfo, tasks: tuple[list[Task], list[Task]], engine: InlineEngine
) -> RepairedSource:
    painter = _painter(asked, folder, run)
    roots = {**folder.read_roots(), **asked.roots}
    mender = Mender(
        folder, roots, asked.rubric, engine, painter, methods_of(painter, asked.font), asked.tries, asked.methods
    )
    settings: dict[str, JSON] = {
        "generator": painter.shown, "tries": asked.tries, "methods": list(asked.methods or ()) or None,
        "font": asked.font.facts, "rubric": asked.rubric.digest,
    }  # fmt: skip
    return RepairedSource(tasks[0], frozenset(task.row.id for task in tasks[1]), mender, settings, run.kind)


def checks_of(run: RunInfo) -> Checks:
    """The run's own checkers. Raises RunError where one is not there, or of another version."""
    checks = build_checks(sorted(set(run.checkers) & set(checkers.names())))
    for name, version in sorted(run.checkers.items()):
        now = checks.versions().get(name)
        if now != version:
            here = "is not installed" if now is None else f"is version {now} here"
            raise RunError(
                f"the run was measured by version {version} of the checker {name!r}, which {here}; tries must be "
                "measured as the originals were. Give the command that made the run once more, into a new folder"
            )
    return checks


def roles_of(run: RunInfo, given: Mapping[str, str | None]) -> dict[str, str | None]:
    """The models that looked at the run, with those that are named anew. Raises UsageError for a local one."""
    asked = run.request.get("perceivers")
    roles: dict[str, str | None] = dict(asked) if isinstance(asked, dict) else {}
    roles.update({role: option for role, option in given.items() if option is not None})
    for role, option in sorted(roles.items()):
        if option is not None and option.startswith("local:"):
            if role not in NOT_NEEDED:
                raise UsageError(f"the run was looked at by a local model for {role}; name it again with --{role}")
            roles[role] = None
    return roles


def _check_eyes(run: RunInfo, pool: PerceiverPool) -> None:
    for role, before in sorted(run.perceivers.items()):
        if getattr(pool.get(role), "reads", None) == "bytes":
            continue  # what a file says of itself: the repaired one says something else in any case
        if role in ("embedding", "gallery"):
            continue  # where a gallery lies is not on record; the repaired run says that it was compared with none
        now = pool.identity(role)
        changed = sorted(k for k in {*before, *now} - {*MACHINES} if before.get(k) != now.get(k))
        if changed:
            raise RunError(
                f"the run was looked at by another model for {role} (it differs in {', '.join(changed[:3])}); tries "
                "must be seen as the originals were. Use that one, or make the run once more"
            )


# --- the end -----------------------------------------------------------------------------------------


def _concluded(asked: Asked, run: RunInfo, source: RepairedSource, wanted: Sequence[Task]) -> Repaired:
    """The folder says what suite and generator its pictures come from; the lines stand in the run's order."""
    folder = RunFolder(asked.out)
    known = source.lines(folder)
    every = settled((task.row.id for task in source.tasks), known)
    folder.write_lines(LINES, (line_of(line).decode() for line in every))
    facts = {"suite": run.suite, "generator": run.generator}
    written = folder.read_run()
    if any(getattr(written, name) != value for name, value in facts.items()):
        folder.write_text("run.json", written.model_copy(update=facts).model_dump_json(indent=1))
        judge_again(asked.out, asked.rubric)
    finished = open_run(asked.out)
    finals = {image.id: image.verdict.final for image in finished.images}
    lines = tuple(known[task.row.id] for task in wanted)
    return Repaired(lines, finished, exit_code([finals.get(line.id, Decision.EDIT) for line in lines]))


# --- looking ahead -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Prospect:
    """What would be done with one picture: the methods in order, or why it would be refused."""

    id: str
    methods: tuple[str, ...]
    rules: tuple[str, ...]
    instruction: str | None
    share: float | None
    refused: str | None


def prospects(asked: Asked) -> list[Prospect]:
    """What `repair` would do, as far as it can be told without loading a model."""
    folder, _, wanted = _to_do(asked)
    roots = {**folder.read_roots(), **asked.roots}
    drawn = _painter(asked, folder, folder.read_run()).spec is not None
    return [_prospect(task, folder, roots, asked.methods, drawn=drawn) for task in wanted]


def _prospect(
    task: Task, folder: RunFolder, roots: dict[str, Path], methods: Sequence[str] | None, *, drawn: bool
) -> Prospect:
    names: tuple[str, ...] = ()
    share, refused = None, None
    try:
        canvas = load(task, folder, roots)
        names = tuple(approach.name for approach in approaches_to(task, methods))
        if any(part in ("inpaint", "fill", "crop") for name in names for part in name.split("+")):
            places = [aim for aim in task.aims if not aim.keeps]
            share = round(float(place_of(canvas, places).mask.mean()), 4) if places else None
        if not drawn and all({"inpaint", "regenerate"} & set(name.split("+")) for name in names):
            refused = "nothing is named that could draw; name a model with --generator"
    except CannotRepair as error:
        refused = str(error)
    rules = tuple(aim.rule.id for aim in task.aims)
    return Prospect(task.row.id, names, rules, task.instruction, share, refused)
