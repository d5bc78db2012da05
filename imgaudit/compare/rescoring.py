"""Scoring the stored pictures of a run anew, with the checkers and models of today, into a folder of its own.

When a checker or a model changed since the baseline was scored, its old numbers mean something else than today's. The
pictures are still what they were: looking at both sides' pictures again with one set of eyes makes them comparable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from imgaudit.digest import digest_bytes
from imgaudit.engine.perceiving import Subject
from imgaudit.engine.sources import AUDIT_CHUNK, Batch, Refusal
from imgaudit.errors import RunError, UsageError
from imgaudit.pipeline import QUIET, Options, Watcher, carry_out
from imgaudit.record import FinishedRun
from imgaudit.registry import checkers
from imgaudit.rubric import Rubric
from imgaudit.store.runfolder import RunFolder
from imgaudit.types import JSON, Case, ImageRecord


@dataclass
class StoredPictures:
    """The pictures of a finished run, as a source of pictures for another one."""

    stored: FinishedRun

    def __post_init__(self) -> None:
        self.kind: Literal["audit", "run"] = self.stored.report.kind
        self._chunks = max(1, -(-len(self.stored.images) // AUDIT_CHUNK))

    def request(self) -> dict[str, JSON]:
        """The record that the pictures come from."""
        return {"kind": "rescore", "images": self.stored.report.images_digest}

    def total(self) -> int:
        """Pictures, and jobs that gave none."""
        return len(self.stored.images) + sum(self.stored.refusals.values())

    def chunks(self) -> int:
        """Chunks of 32 pictures."""
        return self._chunks

    def digests(self, folder: RunFolder, chunk: int) -> dict[str, str | None]:
        """As they were when they were scored; `read` refuses those that are not so any more."""
        found = {image.id: image.file for image in self._images(chunk)}
        return {**found, **dict.fromkeys((refusal.job for refusal in self._refusals(chunk)), None)}

    def read(self, folder: RunFolder, chunk: int) -> Batch:
        """Read the pictures of a chunk. Raises RunError where one is gone or was changed."""
        return Batch(tuple(self._subject(image) for image in self._images(chunk)), self._refusals(chunk))

    def _images(self, chunk: int) -> list[ImageRecord]:
        return list(self.stored.images[chunk * AUDIT_CHUNK : (chunk + 1) * AUDIT_CHUNK])

    def _refusals(self, chunk: int) -> tuple[Refusal, ...]:
        """All of them in the first chunk: where they stood among the pictures decides nothing."""
        if chunk:
            return ()
        return tuple(
            Refusal(f"{case}#refused-{number}", case, number, "was not made")
            for case, jobs in sorted(self.stored.refusals.items())
            for number in range(jobs)
        )

    def _subject(self, image: ImageRecord) -> Subject:
        case = self.stored.cases.get(image.case or image.id)
        if case is None:
            raise RunError(f"{image.path}: the run does not say what was asked of it, so it cannot be scored anew")
        return Subject(
            id=image.id,
            path=image.path,
            data=self._bytes(image),
            case=_as_asked(case, image),
            generated=image.path.startswith("pictures/"),
            on_suite=image.case is not None,
            seed=image.seed,
            source=image.source,
        )

    def _bytes(self, image: ImageRecord) -> bytes:
        if image.file is None:
            return b""
        data = self.stored.picture(image)
        if data is None:
            raise RunError(f"{image.path}: the picture is not at hand; --rescore needs every picture of both runs")
        if digest_bytes(data) != image.file:
            raise RunError(f"{image.path}: the picture was changed since it was scored; put the first one back")
        return data


def _as_asked(case: Case, image: ImageRecord) -> Case:
    """A case that is shared by pictures which carry prompts of their own keeps each picture's."""
    return case if case.prompt == image.prompt else case.model_copy(update={"prompt": image.prompt})


def rescored(
    stored: tuple[FinishedRun, FinishedRun],
    into: Path,
    rubric: Rubric,
    models: Mapping[str, str | None],
    watcher: Watcher = QUIET,
) -> tuple[FinishedRun, FinishedRun]:
    """Both runs, scored by today's versions of the checkers that either was scored by.

    Args:
        stored: baseline and candidate.
        into: a folder; each run has its own in it, and an unfinished one is continued.
        rubric: who judges.
        models: role -> option, where another model is to look than looked at the candidate.
        watcher: who is told about progress.
    """
    used = {*stored[0].run.checkers, *stored[1].run.checkers}
    checks = tuple(sorted(used & set(checkers.names())))
    if not checks:
        raise UsageError("none of the checkers that scored these runs is installed; there is nothing to score with")
    roles = _models(stored[1], models)
    base, candidate = (
        _scored_again(run, Options(into / name, rubric, checks, roles), watcher)
        for name, run in zip(("baseline", "candidate"), stored, strict=True)
    )
    return base, candidate


def _models(candidate: FinishedRun, given: Mapping[str, str | None]) -> dict[str, str | None]:
    asked = candidate.run.request.get("perceivers")
    roles: dict[str, str | None] = {**(asked if isinstance(asked, dict) else {})}
    roles.update({role: option for role, option in given.items() if option is not None})
    for role, option in roles.items():
        if option is not None and option.startswith("local:"):
            raise UsageError(f"the candidate was looked at by a local model for {role}; name its folder with --{role}")
    return roles


def _scored_again(stored: FinishedRun, options: Options, watcher: Watcher) -> FinishedRun:
    fresh = carry_out(StoredPictures(stored), options, watcher)
    facts = {"suite": stored.run.suite, "generator": stored.run.generator}
    told = {"title": stored.report.title, "suite": stored.report.suite, "generator": stored.report.generator}
    return replace(
        fresh,
        run=fresh.run.model_copy(update=facts),
        report=fresh.report.model_copy(update=told),
        picture=stored.picture,
    )
