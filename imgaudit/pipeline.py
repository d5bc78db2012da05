"""The whole way of the data: suite, renders, percepts, findings, verdicts, report."""

from __future__ import annotations

import importlib.metadata
import platform
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from imgaudit import __version__, people, personal, summary
from imgaudit.digest import digest
from imgaudit.dimensions import BY_ID
from imgaudit.engine.gallery import GalleryFiles, furnish
from imgaudit.engine.inline import Audited, Checks, InlineEngine, PictureRow, finding_of
from imgaudit.engine.perceiving import PerceiverPool, Planner
from imgaudit.engine.sources import FileSource, PictureSource, Refusal, SuiteSource, chunk_names
from imgaudit.errors import RunError, UsageError
from imgaudit.generators._spec import shown
from imgaudit.record import Answer, FinishedRun, Report, RunInfo, RunVerdict
from imgaudit.registry import checkers, generators, perceivers, reporters
from imgaudit.reporters._shared import counted
from imgaudit.rubric import Rubric, exit_code, judge, judge_set
from imgaudit.store.cache import PerceptCache
from imgaudit.store.decisions import (
    NOBODY,
    Answers,
    Asked,
    Event,
    generator_digest,
    has_decisions,
    picture_digest,
    pictures_digest,
    read_log,
)
from imgaudit.store.rulings import Rulings
from imgaudit.store.runfolder import RunFolder, finding_row, verdict_row
from imgaudit.types import (
    JSON,
    Abstained,
    Case,
    Decision,
    Failed,
    Finding,
    GroupFinding,
    ImageRecord,
    Member,
    Reason,
    Ruling,
    Verdict,
)

GROUPS = "groups"
LIBRARIES = ("torch", "diffusers", "transformers", "open-clip-torch", "mediapipe", "rapidocr", "onnxruntime",
             "numpy", "pillow", "opencv-python-headless", "c2pa-python")  # fmt: skip


@dataclass(frozen=True)
class Options:
    """How a run is carried out.

    Args:
        out: the run folder.
        rubric: who judges.
        checks: names of checkers; None for all.
        perceivers: role -> option (`clip`, `ocr`).
        batch_size: pictures a perceiver is given at once.
        cache: whether what was seen before is used and kept.
        gallery: folder of pictures that the run's pictures must not be copies of.
    """

    out: Path
    rubric: Rubric
    checks: tuple[str, ...] | None = None
    perceivers: dict[str, str | None] = field(default_factory=dict)
    batch_size: int = 16
    cache: bool = True
    gallery: Path | None = None


@dataclass(frozen=True)
class Watcher:
    """Who is told about progress. Library users are told nothing."""

    begin: Callable[[str, int], None] = lambda _stage, _total: None
    advance: Callable[[int], None] = lambda _count: None
    say: Callable[[str], None] = lambda _sentence: None
    notice: Callable[[str], None] = lambda _sentence: None


QUIET = Watcher()


def carry_out(
    source: PictureSource, options: Options, watcher: Watcher = QUIET, pool: PerceiverPool | None = None
) -> FinishedRun:
    """Render or read, perceive, measure, judge, and write the record. Continues where an earlier try stopped.

    `pool` holds perceivers that were built before, for the same options; several runs in a row load a model once.
    """
    checks = build_checks(options.checks)
    gallery = _gallery_files(options, checks)
    request = _request(source, options, checks, gallery)
    folder = RunFolder.create(options.out, request)
    started = _now()
    if isinstance(source, FileSource):
        folder.write_roots(source.found.roots)
    elif isinstance(source, SuiteSource) and shown(source.generator_name) != source.generator_name:
        folder.write_generator(source.generator_name)
    cache = PerceptCache() if options.cache else None
    planner = Planner(
        pool or PerceiverPool(options.perceivers), cache, options.batch_size, _gate(options.rubric, watcher)
    )
    engine = InlineEngine(checks, planner)
    try:
        looked = perceive_and_measure(source, folder, engine, watcher, gallery)
    finally:
        if cache is not None:
            cache.close()
    for text in _without(planner.pool):
        watcher.notice(text)
    if looked or not (folder.path / "run.json").is_file():
        run = _run_info(source, options, checks, folder, (request, started))
    else:
        run = folder.read_run().model_copy(update={"rubric": options.rubric.info()})
    folder.write_text("run.json", run.model_dump_json(indent=1))
    finish(folder, options.rubric, source)
    folder.clear_work()
    return open_run(folder.path)


def _without(pool: PerceiverPool) -> tuple[str, ...]:
    """What was named and could not be had: the run is judged without it, and who named it should not miss that."""
    found = []
    for role, why in pool.refused().items():
        remedy = f"; {why.remedy}" if why.remedy else ""
        found.append(f"judged without {role.replace('_', ' ')}: {why.reason}{remedy}")
    return tuple(found)


def _gate(rubric: Rubric, watcher: Watcher) -> personal.Gate:
    """What the rubric lets be measured of people; the watcher is told before the first look at them."""
    own = _own_notice(rubric)

    def announce(notice: str) -> None:
        for text in (notice, *own):
            watcher.notice(text)

    return personal.Gate(rubric.opted_in, rubric.forbids_faces, announce)


def _own_notice(rubric: Rubric) -> tuple[str, ...]:
    own = rubric.people.notice.strip() if rubric.people is not None else ""
    return (own,) if own else ()


def _gallery_files(options: Options, checks: Checks) -> GalleryFiles | None:
    if options.gallery is None:
        return None
    if not any(checker.name == "memorisation" for checker in checks.single):
        raise UsageError("--gallery: nothing would be compared with it; add memorisation to --checks")
    return GalleryFiles.of(options.gallery)


def build_checks(names: Sequence[str] | None) -> Checks:
    """The checkers of these names, or all. Raises UsageError for an unknown one."""
    built = [checkers.get(name)() for name in (names if names is not None else checkers.names())]
    group = tuple(c for c in built if hasattr(c, "aggregate"))
    return Checks(tuple(c for c in built if not hasattr(c, "aggregate")), group)


def perceive_and_measure(
    source: PictureSource,
    folder: RunFolder,
    engine: InlineEngine,
    watcher: Watcher,
    gallery: GalleryFiles | None = None,
) -> bool:
    """Bring every chunk's findings into the folder, reusing the parts that still hold; whether anything was new."""
    reusable = [_holds(source, folder, number, name) for number, name in chunk_names(source)]
    if all(reusable) and folder.read_part("findings", GROUPS) is not None:
        return False
    if gallery is not None:
        watcher.begin("gallery", len(gallery.files))
        furnish(engine.planner, gallery, watcher.advance)
    watcher.begin("audit" if source.kind == "audit" else "render and audit", source.total())
    for (number, name), reuse in zip(chunk_names(source), reusable, strict=True):
        if reuse and folder.read_work(f"projections-{name}") is not None:
            watcher.advance(len(source.digests(folder, number)))
            continue
        batch = source.read(folder, number)
        audited = engine.audit(batch.subjects, lambda: watcher.advance(1))
        watcher.advance(len(batch.refusals))
        folder.write_work("perceivers", _same_eyes(folder, engine.planner.pool.used()))
        _write_chunk(folder, name, audited, batch.refusals)
    for kind in ("renders", "findings"):
        folder.drop_parts(kind, [name for _, name in chunk_names(source)])
    _aggregate(folder, engine.checks)
    return True


def _same_eyes(folder: RunFolder, used: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Who has looked so far. Raises RunError where another model looked before the run was interrupted."""
    before: dict[str, dict[str, str]] = folder.read_work("perceivers") or {}
    for role in sorted(before.keys() & used.keys()):
        if before[role] != used[role]:
            raise RunError(
                f"{folder.path}: the first part of this run was looked at by another model for {role}; "
                "one run has one pair of eyes. Give another folder to --out"
            )
    return {**before, **used}


def _holds(source: PictureSource, folder: RunFolder, number: int, name: str) -> bool:
    """Whether the stored part of a chunk speaks of the very files that are there now."""
    rows, findings = folder.read_part("renders", name), folder.read_part("findings", name)
    if rows is None or findings is None:
        return False
    stored = {row["id"]: row["file"] for row in rows}
    return stored == source.digests(folder, number)


def _write_chunk(folder: RunFolder, name: str, audited: Sequence[Audited], refusals: Sequence[Refusal]) -> None:
    """Projections first, findings next, renders last: a chunk counts as done when its renders part is there."""
    folder.write_work(f"projections-{name}", [_pack(one) for one in audited])
    rows = [finding_row(one.row.id, finding) for one in audited for finding in one.findings]
    folder.write_part("findings", name, rows)
    renders = [_render_row(one.row) for one in audited]
    folder.write_part("renders", name, [*renders, *(_refusal_row(refusal) for refusal in refusals)])


def _render_row(row: PictureRow) -> dict[str, Any]:
    kept = row.model_dump(include={"id", "path", "file", "pixels", "width", "height", "seed"})
    return {**kept, "case": row.case.id, "refused": None, "payload": row.model_dump_json()}


def _refusal_row(refusal: Refusal) -> dict[str, Any]:
    return {"id": refusal.job, "case": refusal.case, "seed": refusal.index, "refused": refusal.reason}


def _pack(audited: Audited) -> dict[str, JSON]:
    packed: dict[str, JSON] = {}
    for name, projection in audited.projections.items():
        match projection:
            case Abstained(reason, _):
                packed[name] = {"abstained": reason}
            case Failed(error):
                packed[name] = {"failed": error}
            case _:
                packed[name] = {"value": dict(projection)}
    return {"id": audited.row.id, "case": audited.row.case.model_dump(mode="json"),
            "generated": audited.row.generated, "projections": packed}  # fmt: skip


def _aggregate(folder: RunFolder, checks: Checks) -> None:
    """Reduce the projections of all chunks to findings over the set."""
    packed = [one for name in folder.parts("renders") for one in folder.read_work(f"projections-{name}") or []]
    groups: list[GroupFinding] = []
    rows = []
    for checker in checks.group:
        outcome = checker.aggregate([_member(one, checker.name) for one in packed])
        groups.extend(outcome.groups)
        for picture, measured in sorted(outcome.pictures.items()):
            rows.append(finding_row(picture, finding_of(checker, measured, {})))
    folder.write_lines("groups.jsonl", (group.model_dump_json() for group in groups))
    folder.write_part("findings", GROUPS, rows)


def _member(packed: dict[str, Any], checker: str) -> Member:
    projection = packed["projections"][checker]
    value: Any = projection.get("value")
    if "abstained" in projection:
        value = Abstained(projection["abstained"])
    elif "failed" in projection:
        value = Failed(projection["failed"])
    return Member(packed["id"], Case.model_validate(packed["case"]), packed["generated"], value)


# --- judge, and write what is derived from the parts --------------------------------------------


def finish(
    folder: RunFolder, rubric: Rubric, source: PictureSource | None = None, as_of: date | None = None
) -> Report:
    """Judge the stored findings by a rubric and write verdicts, images.jsonl and report.json.

    People's answers count as of a day, today unless one is given; where nobody answered, no clock is read.
    """
    entries = read_log(folder.path).entries
    answers, rulings = answers_of(folder, rubric, as_of, entries), rulings_of(folder, rubric, as_of, entries)
    refusals = _refusals(folder)
    tags: dict[str, Sequence[str]] = {}
    images: list[ImageRecord] = []
    verdicts: list[dict[str, Any]] = []
    tally = people.Tally(rulings, rubric)

    def lines() -> Iterator[str]:
        for row, findings in _stored_rows(folder):
            image = _judged(row, findings, rubric, (answers, rulings))
            tags[image.id] = row.case.tags
            tally.add(image)
            verdicts.append(verdict_row(image.id, image.verdict))
            images.append(summary.slim(image))
            yield image.model_dump_json()

    images_digest = folder.write_lines("images.jsonl", lines())
    folder.write_part("verdicts", rubric.digest[:16], verdicts)
    groups = folder.read_groups()
    run = folder.read_run()
    lines_of_people = answers.lines()
    report = _report(run, images, groups, rubric, (refusals, tags, lines_of_people))
    skipped = source.skipped() if isinstance(source, FileSource) else _kept_skipped(folder)
    report = report.model_copy(update={"images_digest": images_digest, "skipped": skipped, "review": tally.summary()})
    folder.write_text("report.json", report.model_dump_json(indent=1))
    return report


def _kept_skipped(folder: RunFolder) -> Any:
    return folder.read_report().skipped if (folder.path / "report.json").is_file() else ()


def _stored_rows(folder: RunFolder) -> Iterator[tuple[PictureRow, list[Finding]]]:
    extra: dict[str, list[Finding]] = {}
    for row in folder.read_part("findings", GROUPS) or []:
        extra.setdefault(row["id"], []).append(Finding.model_validate_json(row["payload"]))
    for name in folder.parts("renders"):
        found: dict[str, list[Finding]] = {}
        for row in folder.read_part("findings", name) or []:
            found.setdefault(row["id"], []).append(Finding.model_validate_json(row["payload"]))
        for row in folder.read_part("renders", name) or []:
            if row["refused"] is None:
                picture = PictureRow.model_validate_json(row["payload"])
                yield picture, [*found.get(picture.id, []), *extra.get(picture.id, [])]


def _refusals(folder: RunFolder) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in folder.parts("renders"):
        for row in folder.read_part("renders", name) or []:
            if row["refused"] is not None:
                counts[row["refused"]] = counts.get(row["refused"], 0) + 1
    return counts


def asked_by(rubric: Rubric) -> dict[str, Asked]:
    """Dimension -> what a rubric asks of the answers that people give about it."""
    return {
        name: Asked(entry.attestation.scope, entry.attestation.valid_days)
        for name, entry in rubric.dimensions.items()
        if entry.attestation is not None
    }


def answers_of(
    folder: RunFolder, rubric: Rubric, as_of: date | None = None, entries: Sequence[Event] | None = None
) -> Answers:
    """What people answered about this run, as far as this rubric lets it count on a day (today unless given).

    `entries` is the log, where it was read before.
    """
    if not has_decisions(folder.path):
        return NOBODY
    day = as_of or datetime.now(UTC).date()
    run = folder.read_run()
    entries = read_log(folder.path).entries if entries is None else entries
    return Answers(entries, set_digest(folder), generator_digest(run), day, asked_by(rubric))


def rulings_of(
    folder: RunFolder, rubric: Rubric, as_of: date | None = None, entries: Sequence[Event] | None = None
) -> Rulings:
    """What people decided about this run's pictures, up to the end of a day, as this rubric lets it count."""
    entries = read_log(folder.path).entries if entries is None else entries
    return Rulings(entries, rubric.two_people, as_of)


def set_digest(folder: RunFolder) -> str:
    """The digest of the run's pictures, whatever was found or decided about them."""
    rows = (row for name in folder.parts("renders") for row in folder.read_part("renders", name) or [])
    return pictures_digest((r["id"], picture_digest(r["pixels"], r["file"])) for r in rows if r["refused"] is None)


def _judged(
    row: PictureRow, findings: Sequence[Finding], rubric: Rubric, said: tuple[Answers, Rulings]
) -> ImageRecord:
    answers, rulings = said
    subject = picture_digest(row.pixels, row.file)
    verdict = verdict_of(findings, rubric, answers.tallied(subject), rulings.of(subject))
    return ImageRecord(
        id=row.id, path=row.path, pixels=row.pixels, file=row.file, width=row.width, height=row.height,
        prompt=row.prompt, case=row.case.id if row.on_suite else None,
        seed=row.seed if row.seed is not None else row.source.seed,
        source=row.source, verdict=verdict, findings=tuple(findings),
    )  # fmt: skip


def verdict_of(
    findings: Sequence[Finding], rubric: Rubric, told: Mapping[str, Answer], ruling: Ruling | None
) -> Verdict:
    """The verdict on one picture, with what people answered (dimension -> answer) and decided about it."""
    cleared = frozenset(name for name, answer in told.items() if answer.answer != "no")
    declined = {name: _declined(name, answer) for name, answer in told.items() if answer.answer == "no"}
    return judge(findings, rubric, cleared, declined, ruling)


def _declined(name: str, answer: Answer) -> str:
    return f"{BY_ID[name].title}: {answer.by} ({answer.role}) answered no ({answer.reason}): {BY_ID[name].question}"


def _report(
    run: RunInfo, images: Sequence[ImageRecord], groups: Sequence[GroupFinding], rubric: Rubric,
    beside: tuple[dict[str, int], dict[str, Sequence[str]], dict[str, tuple[Answer, ...]]],
) -> Report:  # fmt: skip
    refusals, tags, answers = beside
    notices = personal.notices(role for role, facts in run.perceivers.items() if facts)
    lines = summary.dimension_lines(images, groups, rubric, answers)
    coverage = summary.coverage_of(images)
    verdict = _with_refusals(judge_set(groups, rubric), refusals)
    finals = [image.verdict.final for image in images]
    audited = f"Audit of {counted(len(images), 'picture')}"
    fired = Counter(reason.rule for image in images for reason in image.verdict.reasons)
    cases = (image.case or image.id for image in images)
    return Report(
        kind=run.kind,
        title=f"{run.suite.name} by {_generator_name(run)}" if run.suite else audited,
        suite=run.suite,
        generator=_generator_name(run) if run.generator else None,
        rubric=rubric.info(),
        pictures=len(images),
        counts=summary.count_decisions(image.verdict.machine for image in images),
        final_counts=summary.count_decisions(finals),
        set_verdict=verdict,
        refused=refusals,
        coverage=coverage,
        scores=summary.scores_of(images, tags),
        rules=dict(sorted(fired.items())),
        dimensions=lines,
        not_checked=(*summary.without_gallery(coverage), *summary.not_checked(lines)),
        fingerprint=summary.fingerprint_of(cases, images, run.checkers, run.calibrations),
        images_digest="",
        exit_code=exit_code([*finals, verdict.decision]),
        notices=(*notices, *_own_notice(rubric)) if notices else (),
    )


def _with_refusals(verdict: RunVerdict, refusals: dict[str, int]) -> RunVerdict:
    """Jobs without a picture hold the run: what was never drawn cannot be told."""
    if not refusals:
        return verdict
    text = "; ".join(f"{count} x {reason}" for reason, count in sorted(refusals.items()))
    reason = Reason(code="generator.refused", rule="generator-refused", message=f"Pictures were not made: {text}")
    held = exit_code([verdict.decision]) in (0, 3)
    decision = Decision.HOLD if held else verdict.decision
    return verdict.model_copy(update={"decision": decision, "reasons": (*verdict.reasons, reason)})


def _generator_name(run: RunInfo) -> str:
    return str((run.generator or {}).get("spec", "unknown"))


# --- reading a run, and what it says of itself --------------------------------------------------


def open_run(path: Path, roots: dict[str, Path] | None = None) -> FinishedRun:
    """A finished run, for reporters. `roots` replaces where audited files lie."""
    folder = RunFolder.open(path)
    known = {**folder.read_roots(), **(roots or {})}

    def picture(record: ImageRecord) -> bytes | None:
        located = folder.locate(record.path, known)
        try:
            return located.read_bytes() if located is not None else None
        except OSError:
            return None

    run, report = folder.read_run(), folder.read_report()
    images, groups = folder.read_images(), folder.read_groups()
    return FinishedRun(run, report, images, groups, picture, folder.cases(), folder.refusals())


def judge_again(path: Path, rubric: Rubric, as_of: date | None = None) -> Report:
    """Judge a finished run by another rubric or on another day; judgements by other rubrics stay in verdicts/."""
    folder = RunFolder.open(path)
    run = folder.read_run().model_copy(update={"rubric": rubric.info()})
    folder.write_text("run.json", run.model_dump_json(indent=1))
    return finish(folder, rubric, as_of=as_of)


def write_reports(path: Path, formats: Sequence[str], roots: dict[str, Path] | None = None) -> list[Path]:
    """Write reports of a finished run; the paths in the order of `formats`. The record itself is report.json."""
    import io

    writers = [reporters.get(name)() for name in formats]
    run = open_run(path, roots)
    written = []
    for writer in writers:
        stream = io.BytesIO()
        writer.write(run, stream)
        RunFolder(path).write_bytes(writer.filename, stream.getvalue())
        written.append(path / writer.filename)
    return written


def _request(
    source: PictureSource, options: Options, checks: Checks, gallery: GalleryFiles | None
) -> dict[str, JSON]:
    """The rubric is no part of it: a stored run may be judged by another one.

    Versions and calibrations are: findings of two releases never stand in one run. Nor do comparisons with two states
    of a gallery; what a run without one does not have is left out, so that requests of earlier versions stay equal.
    """
    roles = {role: option for role, option in sorted(options.perceivers.items()) if option is not None}
    asked = {"checks": checks.versions(), "calibrations": checks.calibrations()}
    known: dict[str, JSON] = {"gallery": gallery.index} if gallery is not None else {}
    if options.rubric.opted_in:
        # what may be measured of people is settled when it is measured, and not when it is judged
        known["people"] = sorted(options.rubric.opted_in)
    return {**source.request(), **asked, "perceivers": {k: _spec(v) for k, v in roles.items()}, **known}


def _spec(option: str) -> str:
    """A model spec as it may be written down: a local path is named by its digest."""
    local = option.startswith(("/", "~", ".")) or any(mark in option for mark in ("=", ":/", ":~", ":."))
    return f"local:{digest(option)[:16]}" if local else option


def _run_info(
    source: PictureSource, options: Options, checks: Checks, folder: RunFolder, asked: tuple[dict[str, JSON], str]
) -> RunInfo:
    request, started = asked
    generator = None
    if isinstance(source, SuiteSource):
        generator = {"spec": shown(source.generator_name), **source.generator.identity()}
    plugins: dict[str, str] = {}
    for registry in (checkers, perceivers, generators, reporters):
        plugins.update(registry.plugins())
    return RunInfo(
        imgaudit=__version__,
        kind=source.kind,
        request=request,
        started=started,
        finished=_now(),
        suite=source.suite if isinstance(source, SuiteSource) else None,
        generator=generator,
        checkers=checks.versions(),
        perceivers=folder.read_work("perceivers") or {},
        calibrations=checks.calibrations(),
        rubric=options.rubric.info(),
        plugins=plugins,
        libraries=dict(_versions()),
        platform={"system": platform.system(), "machine": platform.machine(), "python": platform.python_version()},
    )


def _versions() -> Iterator[tuple[str, str]]:
    for name in LIBRARIES:
        try:
            yield name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def checked_formats(text: str) -> tuple[str, ...]:
    """Report formats from a comma-separated list. Raises UsageError for an unknown one."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise UsageError(f"no report format given; there are: {', '.join(reporters.names())}")
    for name in names:
        reporters.get(name)
    return names
