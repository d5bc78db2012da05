"""A finished run as an export sees it: checked, as people decided up to now, and never changed.

images.jsonl holds the verdicts of the last judgement. People may have decided since, or their answers may have lapsed,
so where there is a decision log every verdict is drawn anew from the stored findings. A picture's bytes count only when
their digest is the one on record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from imgaudit.digest import digest, digest_bytes, digest_file
from imgaudit.errors import PictureError, RunError, UsageError
from imgaudit.pictures import read
from imgaudit.pipeline import answers_of, rulings_of, set_digest, verdict_of
from imgaudit.record import Report, RunInfo
from imgaudit.rubric import Rubric
from imgaudit.store.decisions import check_log, has_decisions, picture_digest, read_log
from imgaudit.store.runfolder import RunFolder
from imgaudit.types import ImageRecord, Verdict

IMAGES, REPAIRS = "images.jsonl", "repairs"


@dataclass(frozen=True)
class View:
    """A finished run.

    Attributes:
        folder: where it lies.
        run: run.json.
        report: report.json.
        roots: r0, r1, ... of audited files.
        verdict: the verdict that stands now.
    """

    folder: RunFolder
    run: RunInfo
    report: Report
    roots: Mapping[str, Path]
    verdict: Callable[[ImageRecord], Verdict]

    def __iter__(self) -> Iterator[ImageRecord]:
        """All pictures in the order of the record, each with the verdict that stands now. Each id comes once."""
        seen: set[str] = set()
        try:
            for record in self.folder.read_images():
                if record.id in seen:
                    raise RunError(f"{IMAGES}: two pictures are called {record.id!r}; make the run anew")
                seen.add(record.id)
                yield record.model_copy(update={"verdict": self.verdict(record)})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise RunError(f"{IMAGES}: holds a line that is no picture: {where}: {first['msg']}") from None

    @cached_property
    def pictures(self) -> str:
        """The digest of the run's set of pictures, whatever was found or decided about them."""
        return set_digest(self.folder)

    @cached_property
    def identity(self) -> str:
        """What makes it this run: what was asked for, and which pictures came of it."""
        return digest([self.run.kind, self.run.request, self.pictures])

    def data(self, record: ImageRecord) -> bytes:
        """A picture's bytes. Raises PictureError where they are missing, or not those that were judged."""
        data = read(self._located(record))
        if record.file is not None and digest_bytes(data) != record.file:
            raise PictureError(
                "the file is not the one that was judged: its bytes changed since; audit it again, or put it back"
            )
        return data

    def _located(self, record: ImageRecord) -> Path:
        root, _, relative = record.path.partition("/")
        if root != "pictures" and root not in self.roots:
            raise PictureError(f"the record does not say where {root} lies here; give --root {root}=DIR")
        located = self.folder.locate(record.path, dict(self.roots))
        # a record is hostile: an absolute path would leave its root, and a link inside the run may lead anywhere
        inside = located is not None and not Path(relative).is_absolute()
        if inside and located is not None and root == "pictures":
            inside = located.resolve().is_relative_to(self.folder.path.resolve())
        if located is None or not inside:
            raise PictureError("the record's path leads out of its folder; nothing was read")
        if not located.exists():
            raise PictureError("the file is missing; put it back, or give --root where the audited files moved")
        return located


def open_view(path: Path, rubric: Rubric | None = None, roots: Mapping[str, Path] | None = None) -> View:
    """Open a finished run.

    Args:
        path: the run folder.
        rubric: the one that judged the run; needed where people decided, for then it judges again in memory.
        roots: replaces where audited files lie.

    Raises:
        RunError: where there is no run, where it is being written, or where its log was tampered with.
    """
    folder = RunFolder.open(path)
    if folder.work.exists():
        raise RunError(f"{path}: this run is still being written, or was interrupted; let it finish, or give its "
                       "command once more")  # fmt: skip
    run, report = folder.read_run(), folder.read_report()
    if not (path / IMAGES).is_file() or digest_file(path / IMAGES) != report.images_digest:
        raise RunError(
            f"{path}: {IMAGES} is not the one that report.json was made with: the run is being judged just now, or it "
            f"was altered; judge it again with `imgaudit report RUN --rubric {report.rubric.name}`"
        )
    known = {**folder.read_roots(), **(roots or {})}
    return View(folder, run, report, known, _verdicts(folder, report, rubric))


def _verdicts(folder: RunFolder, report: Report, rubric: Rubric | None) -> Callable[[ImageRecord], Verdict]:
    if not has_decisions(folder.path):
        return lambda record: record.verdict
    check = check_log(folder.path)
    if check.state == "tampered":
        raise RunError(f"{folder.path}: {'; '.join(check.sentences)}")
    if rubric is None:
        raise UsageError(f"people decided about this run, so its rubric {report.rubric.name!r} is needed: --rubric")
    if rubric.digest != report.rubric.digest:
        raise UsageError(
            f"the run was judged by another version of {report.rubric.name!r}; judge it anew with `imgaudit report`"
        )
    answers, rulings = answers_of(folder, rubric), rulings_of(folder, rubric)

    def now(record: ImageRecord) -> Verdict:
        subject = picture_digest(record.pixels, record.file)
        return verdict_of(record.findings, rubric, answers.of(subject), rulings.of(subject))

    return now


def log_head(folder: Path) -> tuple[int, str | None]:
    """How many decisions there are, and the digest of the last one."""
    chain = read_log(folder)
    return len(chain.entries), chain.head if chain.entries else None
