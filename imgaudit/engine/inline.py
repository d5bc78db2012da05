"""The inline engine: perceive, measure and project, in one process. It is the oracle for every other engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from imgaudit.digest import digest, digest_bytes, rounded
from imgaudit.engine.perceiving import Planner, Subject
from imgaudit.errors import RunError
from imgaudit.percepts import Metadata
from imgaudit.store.runfolder import RunFolder
from imgaudit.types import (
    JSON,
    Abstained,
    Case,
    Checker,
    Failed,
    Finding,
    GroupChecker,
    Measured,
    Outcome,
    Percepts,
    Query,
    Source,
    Stored,
)

METADATA = Query("metadata")


class PictureRow(Stored):
    """A picture of the run as it is kept in renders/*.parquet."""

    id: str
    path: str
    file: str | None
    pixels: str | None
    width: int | None
    height: int | None
    prompt: str | None
    case: Case
    on_suite: bool
    generated: bool
    seed: int | None
    source: Source


def rows_of(folder: RunFolder) -> Iterator[PictureRow]:
    """The pictures of a run, in its order. Raises RunError where a part of the run is damaged."""
    for name in folder.parts("renders"):
        rows = folder.read_part("renders", name)
        if rows is None:
            raise RunError(f"{folder.path}/renders/{name}.parquet: is damaged; give the command of this run once more")
        for row in rows:
            if row["refused"] is None:
                yield PictureRow.model_validate_json(row["payload"])


@dataclass(frozen=True, slots=True)
class Audited:
    """One picture, measured: its row, its findings, and its projections for the group checkers."""

    row: PictureRow
    findings: tuple[Finding, ...]
    projections: Mapping[str, Mapping[str, JSON] | Abstained | Failed]


@dataclass(frozen=True)
class Checks:
    """The checkers of a run, built once."""

    single: tuple[Checker, ...]
    group: tuple[GroupChecker, ...]

    def all(self) -> list[Checker | GroupChecker]:
        """Both kinds."""
        return [*self.single, *self.group]

    def versions(self) -> dict[str, str]:
        """Checker -> version."""
        return {c.name: c.version for c in sorted(self.all(), key=lambda c: c.name)}

    def calibrations(self) -> dict[str, str]:
        """Checker -> digest of its fitted constants, where it has some."""
        found = {c.name: calibration_digest(c) for c in self.all()}
        return {name: value for name, value in sorted(found.items()) if value is not None}


def calibration_digest(checker: Checker | GroupChecker) -> str | None:
    """Digest of the file in imgaudit/calibration that a checker names in `calibration`, if it names one."""
    name = getattr(checker, "calibration", None)
    if name is None:
        return None
    return digest_bytes((resources.files("imgaudit") / "calibration" / name).read_bytes())


class InlineEngine:
    """Measures batches of subjects, one after the other.

    Args:
        checks: what to measure.
        planner: who looks.
    """

    def __init__(self, checks: Checks, planner: Planner) -> None:
        self.checks = checks
        self.planner = planner
        self._calibrations = checks.calibrations()

    def audit(self, subjects: Sequence[Subject], on_done: Callable[[], None] = lambda: None) -> list[Audited]:
        """All findings of these pictures, in order. Pixels are released at the end."""
        self.planner.read_headers(subjects)
        introduced = self._introduce(subjects)
        percepts = self.planner.look(subjects, self._wants, introduced)
        audited = []
        for subject, known in zip(subjects, percepts, strict=True):
            audited.append(self._measure(subject, known))
            subject.release()
            on_done()
        return audited

    def _introduce(self, subjects: Sequence[Subject]) -> list[Percepts]:
        """Read what the files say of themselves; a picture without a case takes the prompt found there."""
        known = self.planner.look(subjects, lambda subject, _: [] if subject.generated else [METADATA])
        for subject, percepts in zip(subjects, known, strict=True):
            if subject.generated:
                continue
            seen = percepts.seen(METADATA, Metadata)
            subject.source = seen.source if isinstance(seen, Metadata) else Source()
            if subject.case.prompt is None and subject.source.prompt:
                found = {"prompt": subject.source.prompt, "negative": subject.source.negative}
                subject.case = subject.case.model_copy(update=found)
        return known

    def _wants(self, subject: Subject, percepts: Percepts) -> Iterable[Query]:
        for checker in self.checks.all():
            try:
                yield from checker.ask(subject.case, percepts)
            except Exception:
                continue

    def _measure(self, subject: Subject, percepts: Percepts) -> Audited:
        findings = [load_finding(subject)]
        for checker in self.checks.single:
            outcome = _guarded(lambda c=checker: c.measure(subject.case, percepts))  # type: ignore[misc]
            findings.append(self.finding(checker, outcome, subject, percepts))
        projections = {
            group.name: _guarded(lambda g=group: g.project(subject.case, percepts))  # type: ignore[misc]
            for group in self.checks.group
        }
        return Audited(picture_row(subject), tuple(findings), projections)

    def finding(self, checker: Checker, outcome: Outcome, subject: Subject, percepts: Percepts) -> Finding:
        """An outcome, on record."""
        asked = _guarded(lambda: list(checker.ask(subject.case, percepts)))
        # who was not let through is not even built: it might read a gallery of faces
        allowed = [q for q in asked if self.planner.gate.refusal(q) is None] if isinstance(asked, list) else []
        roles = sorted({q.perceiver for q in allowed})
        by = {role: digest(dict(self.planner.pool.identity(role))) for role in roles}
        return finding_of(checker, outcome, by, self._calibrations.get(checker.name))


def _guarded(function: Callable[[], Any]) -> Any:
    try:
        return function()
    except Exception as error:
        return Failed(f"{type(error).__name__}: {error}")


def finding_of(
    checker: Checker | GroupChecker, outcome: Outcome, by: dict[str, str], calibration: str | None = None
) -> Finding:
    """An outcome as a stored finding; measures are rounded, and one that is no finite number fails the check."""
    base: dict[str, Any] = {"checker": checker.name, "version": checker.version, "by": by, "calibration": calibration}
    match outcome:
        case Abstained(reason, remedy):
            return Finding(**base, outcome="abstained", reason=reason, remedy=remedy)
        case Failed(error):
            return Finding(**base, outcome="failed", error=error)
        case Measured():
            try:
                measures = {name: rounded(value) for name, value in outcome.measures.items()}
            except ValueError as error:
                return Finding(**base, outcome="failed", error=str(error))
            return Finding(
                **base,
                outcome="measured",
                measures=measures,
                labels=outcome.labels,
                unmeasured=outcome.unmeasured,
                clauses=outcome.clauses,
                codes=outcome.codes,
                regions=outcome.regions,
                evidence=outcome.evidence,
                message=outcome.message,
            )


def load_finding(subject: Subject) -> Finding:
    """Whether the file could be read."""
    header = subject.known_header()
    if header["pixels"] is None:
        return Finding(checker="load", version="1", outcome="failed", error=header["error"] or "cannot be decoded")
    labels = {"format": header["format"] or "unknown", "mode": header["mode"] or "unknown"}
    return Finding(checker="load", version="1", outcome="measured", labels=labels)


def picture_row(subject: Subject) -> PictureRow:
    """What the run keeps of a picture beside its findings."""
    header = subject.known_header()
    readable = header["pixels"] is not None
    return PictureRow(
        id=subject.id,
        path=subject.path,
        file=None if subject.unread else subject.file,
        pixels=header["pixels"],
        width=header["width"] if readable else None,
        height=header["height"] if readable else None,
        prompt=subject.case.prompt,
        case=subject.case,
        on_suite=subject.on_suite,
        generated=subject.generated,
        seed=subject.seed,
        source=subject.source or Source(),
    )
