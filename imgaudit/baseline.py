"""Baselines: the runs that candidates are compared with, kept so that none is exchanged unseen.

A baseline is a small JSON file for git, and the files of a run that it names by digest: beside it, or under an fsspec
URL. The JSON holds what ran, its scores, who approved it, when and why. Nothing is ever approved by a program, and an
approval names the digest of what was approved: whatever changes afterwards is refused. Protection ends there: who can
write into the repository can write an approval, so that the repository's own review is the lock.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import Field, ValidationError

from imgaudit.canary import AgainstItself
from imgaudit.digest import digest, digest_bytes
from imgaudit.errors import RunError, UsageError
from imgaudit.pipeline import open_run
from imgaudit.record import FinishedRun, RubricInfo, Score, SuiteInfo
from imgaudit.scorers import Scorers, scorers_of
from imgaudit.store.cache import default_folder
from imgaudit.store.runfolder import RunFolder
from imgaudit.types import ImageRecord, Stored

STORE = Path("baselines")
BESIDE = "beside"
COVERAGE = 0.95
"""Share of the candidate's cells that a baseline must hold to stand in for it."""

RECORD = ("run.json", "report.json", "images.jsonl", "groups.jsonl")
KINDS = ("renders", "findings")
CELLS = "cells.parquet"
MAX_JSON = 8 << 20
PROTOCOLS = ("file", "memory", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl")
"""Where a baseline's files may lie: stores that one has an account with. A baseline's JSON is read from a repository,
and no request goes to a host that a file names; `http` is therefore missing."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_URL = re.compile(r"(?P<protocol>[a-z0-9]+)://[^\s@:?#]*(?::\d+)?[^\s@:?#]*")


class Piece(Stored):
    """A file of the baseline."""

    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)


class Signed(Stored):
    """Who decided something about a baseline, when, and why."""

    by: str = Field(min_length=1, max_length=200)
    reason: str = Field(min_length=1, max_length=2000)
    at: str
    of: str = Field(description="digest of the proposal that was decided on")


class Proposal(Stored):
    """What a baseline is; everything that an approval speaks of."""

    name: str
    proposed_at: str
    title: str
    generator: str | None
    suite: SuiteInfo | None
    rubric: RubricInfo
    fingerprint: str
    scorers: Scorers
    images_digest: str
    report_digest: str
    pictures: int
    pictures_digest: str = Field(description="digest of the sorted digests of all picture files")
    cells: int = Field(description="pictures x measures that could be told")
    scores: tuple[Score, ...] = Field(description="means over all prompts; strata and single scores are in the pieces")
    against_itself: AgainstItself
    place: str = Field(description="'beside', or the URL of the folder that holds the pieces")
    pieces: dict[str, Piece]

    @cached_property
    def digest(self) -> str:
        """Hex sha256 of all of it."""
        return digest(self.model_dump(mode="json"))


class Baseline(Stored):
    """baselines/NAME.json."""

    format: Literal["imgaudit-baseline/1"] = "imgaudit-baseline/1"
    proposal: Proposal
    approval: Signed | None = None
    retirement: Signed | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return self.proposal.name

    @property
    def status(self) -> Literal["proposed", "approved", "retired"]:
        """Where it stands."""
        if self.retirement is not None:
            return "retired"
        return "approved" if self.approval is not None else "proposed"


@dataclass(frozen=True, slots=True)
class Weighed:
    """A baseline beside a candidate: whether it was chosen, and why or why not."""

    name: str
    chosen: bool
    coverage: float | None
    why: str


Cells = frozenset[tuple[str, str]]
"""What was told: the case with its prompt, as one digest, and the measure."""


class BaselineStore:
    """A folder of baselines.

    Args:
        folder: where the JSON files lie, usually in a git repository.
    """

    def __init__(self, folder: Path = STORE) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """Names of all baselines, sorted."""
        found = self.folder.glob("*.json") if self.folder.is_dir() else ()
        return sorted(path.stem for path in found if _NAME.fullmatch(path.stem))

    def read(self, name: str) -> Baseline:
        """A baseline's JSON, checked against itself. Raises UsageError for an unknown name."""
        path = self._path(name)
        if not path.is_file():
            there = ", ".join(self.names()) or "none yet"
            raise UsageError(f"{self.folder}: no baseline {name!r}; there are: {there}")
        return _read(path)

    def propose(
        self,
        run: Path,
        name: str,
        url: str | None = None,
        against_itself: AgainstItself | None = None,
        advance: Callable[[int], None] = lambda _count: None,
    ) -> Baseline:
        """Copy a run's files and write the baseline's JSON, approved by nobody. The JSON is written last.

        Raises:
            UsageError: for a name that is taken or unfit, or a URL that is refused.
            RunError: when the run is unfinished, was changed since, or lacks pictures.
        """
        path = self._path(name)
        if path.exists():
            raise UsageError(f"{path}: there is a baseline {name!r} already; give another --name")
        finished = open_run(run)
        _check_unchanged(run, finished)
        place = BESIDE if url is None else f"{_checked_url(url).rstrip('/')}/{name}"
        shelf = self._shelf(name, place)
        pieces = {piece: shelf.keep(piece, data) for piece, data in _files(run, finished.images)}
        pictures = [_kept_picture(shelf, finished, record, advance) for record in finished.images]
        untold = AgainstItself(answer="not told", why="the run was not compared with itself")
        proposal = Proposal(
            name=name,
            proposed_at=_now(),
            title=finished.report.title,
            generator=finished.report.generator,
            suite=finished.report.suite,
            rubric=finished.report.rubric,
            fingerprint=finished.report.fingerprint,
            scorers=scorers_of(finished),
            images_digest=finished.report.images_digest,
            report_digest=pieces["report.json"].digest,
            pictures=len(finished.images),
            pictures_digest=digest(sorted(name for name in pictures if name is not None)),
            cells=sum(len(_told(record)) for record in finished.images),
            scores=tuple(score for score in finished.report.scores if score.stratum == "all"),
            against_itself=against_itself or untold,
            place=place,
            pieces=pieces,
        )
        baseline = Baseline(proposal=proposal)
        self._write(baseline)
        return baseline

    def approve(self, name: str, by: str, reason: str) -> Baseline:
        """Put a person's approval under a proposal, after every file of it was read and compared with its digest."""
        baseline = self.read(name)
        if baseline.status != "proposed":
            raise UsageError(f"{name}: is {baseline.status} already")
        self.verify(baseline)
        return self._signed(baseline, "approval", by, reason)

    def retire(self, name: str, by: str, reason: str) -> Baseline:
        """Take a baseline out of use; its files and its history stay."""
        baseline = self.read(name)
        if baseline.status == "retired":
            raise UsageError(f"{name}: is retired already")
        return self._signed(baseline, "retirement", by, reason)

    def verify(self, baseline: Baseline) -> None:
        """Read every file, pictures included, and compare it with its digest. Raises RunError for the first wrong."""
        finished = self._opened(baseline)
        shelf = self._shelf(baseline.name, baseline.proposal.place)
        shelf.read(CELLS, baseline.proposal.pieces[CELLS])
        for record in finished.images:
            finished.picture(record)

    def open(self, name: str) -> FinishedRun:
        """An approved baseline as a finished run, for comparisons.

        The record is read from its files and compared with its digests now, a picture when it is asked for. Raises
        UsageError for one that is not approved, RunError for files that are missing or were changed.
        """
        baseline = self.read(name)
        if baseline.status == "proposed":
            raise UsageError(
                f"@{name}: nobody approved this baseline; a person does so with: "
                f"imgaudit baseline approve {name} --by WHO --reason WHY"
            )
        if baseline.retirement is not None:
            retired = baseline.retirement
            raise UsageError(f"@{name}: was retired by {retired.by} ({retired.reason}); choose another baseline")
        return self._opened(baseline)

    def cells(self, name: str) -> Cells:
        """What this baseline could tell, from its Parquet file."""
        import io

        import pyarrow.parquet as parquet

        proposal = self.read(name).proposal
        data = self._shelf(name, proposal.place).read(CELLS, proposal.pieces[CELLS])
        table = parquet.read_table(io.BytesIO(data), columns=["question", "measure"])
        return frozenset(zip(table["question"].to_pylist(), table["measure"].to_pylist(), strict=True))

    def folder_of(self, name: str) -> Path:
        """The run folder of a baseline on this machine; what lies elsewhere is fetched and checked first."""
        baseline = self.read(name)
        return self._fetched(baseline)

    def weigh(self, wanted: Cells, scorers: Scorers) -> list[Weighed]:
        """Every baseline beside a candidate: the nearest is chosen, the others say why not.

        Chosen is, among the approved ones that were scored by the same scorers and hold at least 95 % of the
        candidate's cells, the one approved last. None is chosen where there is no such baseline.
        """
        fit: list[tuple[str, str, float]] = []
        passed: list[Weighed] = []
        for name in self.names():
            baseline = self.read(name)
            why, share = self._unfit(baseline, wanted, scorers)
            if why is None and share is not None and baseline.approval is not None:
                fit.append((baseline.approval.at, name, share))
            else:
                passed.append(Weighed(name, False, share, why or "not approved"))
        fit.sort(reverse=True)
        near = [
            Weighed(name, place == 0, share, _placed(place, share, at, fit[0][1]))
            for place, (at, name, share) in enumerate(fit)
        ]
        return [*near, *passed]

    def _unfit(self, baseline: Baseline, wanted: Cells, scorers: Scorers) -> tuple[str | None, float | None]:
        if baseline.status == "proposed":
            return "nobody approved it", None
        if baseline.retirement is not None:
            return f"retired by {baseline.retirement.by}: {baseline.retirement.reason}", None
        if differences := baseline.proposal.scorers.differences(scorers):
            return f"scored by other scorers: {', '.join(differences)}", None
        share = coverage(self.cells(baseline.name), wanted)
        if share < COVERAGE:
            return f"holds {share:.1%} of the cells (prompt x measure); at least {COVERAGE:.0%} are needed", share
        return None, share

    def _opened(self, baseline: Baseline) -> FinishedRun:
        folder = self._fetched(baseline)
        roots = {path.name: path for path in (folder / "roots").glob("r*")} if (folder / "roots").is_dir() else {}
        finished = open_run(folder, roots)
        shelf = self._shelf(baseline.name, baseline.proposal.place)
        held = [record.file for record in finished.images if record.file is not None]
        if digest(sorted(held)) != baseline.proposal.pictures_digest:
            raise RunError(f"@{baseline.name}: its record names other pictures than were proposed; fetch it anew")
        shelf.check_there(record.path for record in finished.images if record.file is not None)

        def picture(record: ImageRecord) -> bytes | None:
            if record.file is None:
                return None
            return shelf.picture(record.path, record.file)

        return replace(finished, picture=picture)

    def _fetched(self, baseline: Baseline) -> Path:
        """A local run folder whose record was compared with its digests."""
        proposal = baseline.proposal
        shelf = self._shelf(baseline.name, proposal.place)
        if proposal.place == BESIDE:
            for name, piece in proposal.pieces.items():
                shelf.read(name, piece)
            return self.folder / baseline.name
        local = RunFolder(default_folder() / "baselines" / proposal.digest)
        for name, piece in proposal.pieces.items():
            target = local.path / name
            if not target.is_file() or digest_bytes(target.read_bytes()) != piece.digest:
                local.write_bytes(name, shelf.read(name, piece))
        return local.path

    def _signed(self, baseline: Baseline, what: str, by: str, reason: str) -> Baseline:
        for option, text in (("--by", by), ("--reason", reason)):
            if not text.strip():
                raise UsageError(f"{option}: is empty; a baseline is decided on by a named person, for a reason")
        signed = Signed(by=by.strip(), reason=reason.strip(), at=_now(), of=baseline.proposal.digest)
        decided = baseline.model_copy(update={what: signed})
        self._write(decided)
        return decided

    def _write(self, baseline: Baseline) -> None:
        RunFolder(self.folder).write_text(f"{baseline.name}.json", baseline.model_dump_json(indent=1) + "\n")

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name) or ".." in name:
            raise UsageError(
                f"baseline name {name!r}: expected small letters, digits, and '.', '_' or '-' between them, at most 64"
            )
        return self.folder / f"{name}.json"

    def _shelf(self, name: str, place: str) -> Shelf:
        self._path(name)
        return Shelf(f"@{name}", str((self.folder / name).absolute()) if place == BESIDE else _checked_url(place))


class Shelf:
    """Where the files of one baseline lie, here or elsewhere. Everything read is compared with its digest.

    Args:
        title: of the baseline, for messages.
        root: a local folder or a URL.
    """

    def __init__(self, title: str, root: str) -> None:
        import fsspec

        self.title = title
        self._files, self._root = fsspec.core.url_to_fs(root)

    def keep(self, name: str, data: bytes) -> Piece:
        """Write a file."""
        path = self._at(name)
        self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
        self._files.pipe_file(path, data)
        return Piece(digest=digest_bytes(data), size=len(data))

    def read(self, name: str, piece: Piece) -> bytes:
        """The bytes of a file. Raises RunError when it is missing or not what the baseline names."""
        data = self._bytes(name, piece.size)
        if digest_bytes(data) != piece.digest:
            raise RunError(f"{self.title}: {name} was changed: its digest is not the one that was proposed; restore it")
        return data

    def picture(self, path: str, file: str) -> bytes:
        """The bytes of a picture of the record."""
        data = self._bytes(_picture_name(path), None)
        if digest_bytes(data) != file:
            raise RunError(f"{self.title}: the picture {path!r} was changed: its digest is another one; restore it")
        return data

    def check_there(self, paths: Iterable[str]) -> None:
        """Raise RunError for the first picture of the record that is not there; one listing, nothing is read."""
        root = self._root.rstrip("/")
        there = {name[len(root) + 1 :] for name in self._files.find(root)}
        for path in paths:
            if _picture_name(path) not in there:
                raise RunError(f"{self.title}: the picture {path!r} is missing; fetch or restore the baseline's files")

    def _bytes(self, name: str, size: int | None) -> bytes:
        path = self._at(name)
        try:
            if size is not None and self._files.size(path) != size:
                raise RunError(f"{self.title}: {name} was changed: {size:,} bytes were proposed; restore it")
            data: bytes = self._files.cat_file(path)
        except FileNotFoundError:
            raise RunError(f"{self.title}: {name} is missing; fetch or restore the baseline's files") from None
        return data

    def _at(self, name: str) -> str:
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or name.startswith("/") or "\\" in name or "\0" in name:
            raise RunError(f"{self.title}: {name!r} is no name of a file in a baseline; propose it anew")
        return f"{self._root.rstrip('/')}/{name}"


# --- what compare opens ----------------------------------------------------------------------------------------------


def is_baseline(reference: str) -> bool:
    """Whether a reference means a baseline (`@name`, or a baseline's JSON file) and no run folder."""
    return reference.startswith("@") or (reference.endswith(".json") and not Path(reference).is_dir())


def located(reference: str, store: Path = STORE) -> tuple[BaselineStore, str]:
    """The store and the name behind `@name` or the path of a baseline's JSON file."""
    if reference.startswith("@"):
        return BaselineStore(store), reference[1:]
    path = Path(reference)
    if not path.is_file():
        raise UsageError(f"{reference}: no such baseline file; give @name or the path of its JSON")
    return BaselineStore(path.parent), path.stem


def open_baseline(reference: str, store: Path = STORE) -> FinishedRun:
    """The approved baseline behind `@name` (in `store`) or a path of its JSON, as a finished run."""
    where, name = located(reference, store)
    return where.open(name)


def baseline_folder(reference: str, store: Path = STORE) -> Path:
    """The run folder of an approved baseline on this machine, its record checked; pictures may lie elsewhere."""
    where, name = located(reference, store)
    where.open(name)
    return where.folder_of(name)


# --- cells -----------------------------------------------------------------------------------------------------------


def cells_of(images: Iterable[ImageRecord]) -> Cells:
    """The cells that a run could tell: prompt x measure."""
    return frozenset((_question(record), measure) for record in images for measure in _told(record))


def coverage(held: Cells, wanted: Cells) -> float:
    """Share of the wanted cells that are held; 0 where nothing is wanted."""
    return len(held & wanted) / len(wanted) if wanted else 0.0


def _question(record: ImageRecord) -> str:
    """A case that kept its name and changed its prompt is another question."""
    return digest([record.case or record.id, record.prompt])[:32]


def _told(record: ImageRecord) -> dict[str, float]:
    return {f"{f.checker}.{name}": value for f in record.findings for name, value in f.measures.items()}


def _cell_rows(images: Iterable[ImageRecord]) -> Iterator[dict[str, Any]]:
    for record in images:
        same = {"picture": record.id, "case": record.case, "seed": record.seed, "question": _question(record)}
        for measure, value in sorted(_told(record).items()):
            yield {**same, "measure": measure, "value": value}


def _cells_file(images: Iterable[ImageRecord]) -> bytes:
    """The Parquet file of scores: a row a picture and measure."""
    import io

    import pyarrow as pa
    import pyarrow.parquet as parquet

    text = pa.string()
    columns = [("picture", text), ("case", text), ("seed", pa.int64()), ("question", text), ("measure", text),
               ("value", pa.float64())]  # fmt: skip
    stream = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(list(_cell_rows(images)), pa.schema(columns)), stream, compression="zstd")
    return stream.getvalue()


def _placed(place: int, share: float, at: str, chosen: str) -> str:
    held = f"same scorers, {share:.1%} of the cells, approved {at}"
    return f"nearest: {held}" if place == 0 else f"{held}; {chosen!r} was approved later"


# --- the files of a run ----------------------------------------------------------------------------------------------


def _files(run: Path, images: Sequence[ImageRecord]) -> Iterator[tuple[str, bytes]]:
    for name in RECORD:
        yield name, (run / name).read_bytes()
    for kind in KINDS:
        for part in RunFolder(run).parts(kind):
            yield f"{kind}/{part}.parquet", (run / kind / f"{part}.parquet").read_bytes()
    yield CELLS, _cells_file(images)


def _check_unchanged(run: Path, finished: FinishedRun) -> None:
    if digest_bytes((run / "images.jsonl").read_bytes()) != finished.report.images_digest:
        raise RunError(f"{run}: images.jsonl is not the one that report.json speaks of; make the run again")
    if not finished.images:
        raise RunError(f"{run}: holds no picture; a baseline needs some")


def _kept_picture(
    shelf: Shelf, run: FinishedRun, record: ImageRecord, advance: Callable[[int], None]
) -> str | None:
    """Copy one picture; its digest, or None for a file that could not be read when it was audited."""
    advance(1)
    if record.file is None:
        return None
    data = run.picture(record)
    if data is None or digest_bytes(data) != record.file:
        state = "is missing" if data is None else "was changed since it was judged"
        raise RunError(f"{record.path}: this picture {state}; a baseline keeps what was judged: make the run again")
    shelf.keep(_picture_name(record.path), data)
    return record.file


def _picture_name(path: str) -> str:
    return path if path.startswith("pictures/") else f"roots/{path}"


def _checked_url(url: str) -> str:
    found = _URL.fullmatch(url)
    if found is None or found["protocol"] not in PROTOCOLS or ".." in PurePosixPath(url).parts:
        raise UsageError(
            f"{url!r}: baselines are kept beside their JSON or under a URL such as s3://bucket/baselines, without user "
            f"name or password in it; protocols: {', '.join(PROTOCOLS)}"
        )
    return url


def _read(path: Path) -> Baseline:
    if path.stat().st_size > MAX_JSON:
        raise RunError(f"{path}: is larger than {MAX_JSON >> 20} MiB, which no baseline is")
    try:
        baseline = Baseline.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": "no UTF-8 text"}
        where = ".".join(str(part) for part in first["loc"])
        raise RunError(f"{path}: is no baseline, or of another version: {where}: {first['msg']}") from None
    proposal = baseline.proposal
    if proposal.name != path.stem:
        raise RunError(f"{path}: holds the baseline {proposal.name!r}; the file is named after what it holds")
    for signed in (baseline.approval, baseline.retirement):
        if signed is not None and signed.of != proposal.digest:
            raise RunError(
                f"{path}: was changed after {signed.by} decided on it; restore it, or propose and approve it anew"
            )
    if CELLS not in proposal.pieces or not set(RECORD) <= set(proposal.pieces):
        raise RunError(f"{path}: names no complete record; propose it anew")
    return baseline


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
