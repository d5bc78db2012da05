"""Erasing a run, or one of its pictures: what goes, what stays, and the tombstone that is left.

Every step can be done twice, and the record that names what is to be erased goes last, so that an erasure that was cut
off is finished by the same command.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgaudit.errors import RunError, UsageError
from imgaudit.pipeline import GROUPS, finish, set_digest
from imgaudit.registry import reporters
from imgaudit.rubric import Rubric
from imgaudit.store.cache import PerceptCache
from imgaudit.store.decisions import (
    HEAD,
    LOG,
    NOTES,
    Attested,
    Erased,
    Facts,
    Judged,
    Subject,
    Undone,
    append,
    clear_leftovers,
    drop_notes,
    picture_digest,
    pictures_digest,
    read_log,
)
from imgaudit.store.runfolder import REPAIRS, REVIEW, WORK, RunFolder, finding_row
from imgaudit.types import Finding, GroupFinding, ImageRecord

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

DERIVED = ("comply.html", "comply.json", "comply.pdf", "comply.dsse.json")
RECORD = ("pictures", "findings", "verdicts", "groups.jsonl", "private.json", NOTES, WORK, REVIEW)
LAST = ("images.jsonl", "report.json", "renders", "run.json")
LINES = "repairs.jsonl"
GONE = "(erased)"


@dataclass(frozen=True)
class Who:
    """Who erases, why, and with which key the log's head is signed."""

    reason: str
    by: str | None = None
    role: str | None = None
    key: Ed25519PrivateKey | None = None


@dataclass(frozen=True)
class Erasure:
    """What goes or went, in sentences."""

    sentences: tuple[str, ...]


# --- a whole run ---------------------------------------------------------------------------------------


def plan_run(path: Path) -> Erasure:
    """What erasing a run would do. Raises RunError when the folder is no run."""
    _check_run(path)
    rows = _rows(RunFolder(path))
    return Erasure(
        (
            f"the record of {len(rows)} pictures, generated pictures, reports and notes",
            f"what the percept cache holds of these {len(rows)} pictures",
            f"{LOG} stays, with a tombstone that holds digests alone",
            *_kept(path),
        )
    )


def erase_run(path: Path, who: Who) -> Erasure:
    """Erase a run. The folder keeps the decision log and whatever is no part of a run."""
    _check_run(path)
    folder = RunFolder(path)
    rows = _rows(folder)
    everything = pictures_digest((row["id"], picture_digest(row["pixels"], row["file"])) for row in rows)
    cached = _purge_cache([digest for row in rows for digest in (row["pixels"], row["file"]) if digest])
    _tombstone(path, Subject(pictures=everything), None, who)
    clear_leftovers(path)
    if (path / REPAIRS).is_dir():
        _erase_repairs(path / REPAIRS, who)
    for name in (*_derived(), *RECORD, *LAST):
        _remove(path / name)
    return Erasure(
        (
            f"erased the record of {len(rows)} pictures and {cached} entries of the percept cache",
            f"{LOG} stays and can be verified: imgaudit log verify {path}",
            *_kept(path),
        )
    )


def _erase_repairs(path: Path, who: Who) -> None:
    """Repaired pictures show what the originals showed. A log of decisions about them stays, as in any run."""
    if path.is_symlink():
        _remove(path)
        return
    _remove(path / LINES)
    if (path / "run.json").is_file() or (path / WORK / "request.json").is_file():
        erase_run(path, who)
    if not any(one.is_file() for one in path.iterdir() if one.name == LOG):
        _remove(path)


def _check_run(path: Path) -> None:
    if not (path / "run.json").is_file() and not (path / WORK / "request.json").is_file():
        raise RunError(f"{path}: is no run folder (it has no run.json), so nothing in it is erased")


def _rows(folder: RunFolder) -> list[dict[str, Any]]:
    rows = (row for name in folder.parts("renders") for row in folder.read_part("renders", name) or [])
    return [row for row in rows if row["refused"] is None]


def _derived() -> tuple[str, ...]:
    return tuple(sorted({*(thing.filename for _, thing in reporters.items()), *DERIVED} - {"report.json"}))


def _kept(path: Path) -> Iterator[str]:
    mine = {*_derived(), *RECORD, *LAST, LOG, HEAD, REPAIRS}
    others = sorted(one.name for one in path.iterdir() if one.name not in mine)
    if others:
        yield f"not part of the run, and kept: {', '.join(others[:8])}{', ...' if len(others) > 8 else ''}"


def _remove(path: Path) -> None:
    # a link is removed and never followed
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path)


def _purge_cache(digests: list[str]) -> int:
    cache = PerceptCache()
    try:
        return sum(cache.purge(digest) for digest in dict.fromkeys(digests))
    finally:
        cache.close()


def _tombstone(path: Path, subject: Subject, after: str | None, who: Who) -> None:
    entries = read_log(path).entries
    last = entries[-1] if entries else None
    if isinstance(last, Erased) and last.subject == subject and last.after == after:
        return  # an erasure that was cut off had come this far
    facts = Facts("erase", subject, reason=who.reason, by=who.by, role=who.role, more={"after": after})
    append(path, [facts], datetime.now(UTC), who.key)


# --- one picture -----------------------------------------------------------------------------------------


def plan_picture(path: Path, name: str) -> Erasure:
    """What erasing one picture would do. Raises UsageError when the run has none of this id."""
    record = _found(RunFolder.open(path), name)
    generated = record.path.startswith("pictures/")
    file = f"the file {record.path}" if generated else f"nothing of {record.path} itself: audited files are yours"
    return Erasure(
        (
            file,
            "its findings and verdicts, its mentions in findings of other pictures, notes about it alone, its repairs",
            "what the percept cache holds of it",
            "reports of this run, since they show it; write them anew",
            f"{LOG} stays, with a tombstone that holds digests alone",
        )
    )


def erase_picture(path: Path, name: str, rubric: Rubric, who: Who) -> Erasure:
    """Erase one picture and judge the rest anew by the run's rubric."""
    folder = RunFolder.open(path)
    record = _found(folder, name)
    subject_digest = picture_digest(record.pixels, record.file)
    before = pictures_digest((one.id, picture_digest(one.pixels, one.file)) for one in folder.read_images())
    read_log(path)  # a broken log is said before anything is erased
    if record.path.startswith("pictures/") and (located := folder.locate(record.path, {})) is not None:
        _remove(located)
    _remove(path / REVIEW / "copies")  # made anew of what is left
    cached = _purge_cache([digest for digest in (record.pixels, record.file) if digest])
    _erase_repair(path / REPAIRS, name, rubric, who)
    _rewrite(folder, name)
    _tombstone(path, Subject(pictures=before, picture=subject_digest), set_digest(folder), who)
    drop_notes(path, _notes_about(path, subject_digest))
    for derived in _derived():
        _remove(path / derived)
    finish(folder, rubric)
    return Erasure(
        (
            f"erased one picture and {cached} entries of the percept cache; {len(folder.read_images())} are left",
            f"{LOG} holds the tombstone; reports were erased with the picture: imgaudit report {path}",
            "the same run command would draw it again, and another audit would read its file again",
            *_kept(path),
        )
    )


def _erase_repair(path: Path, name: str, rubric: Rubric, who: Who) -> None:
    """Erase what was made of a picture by repairing it."""
    if path.is_symlink():
        return
    if (path / "report.json").is_file() and any(image.id == name for image in RunFolder(path).read_images()):
        erase_picture(path, name, rubric, who)
    if (path / LINES).is_file():
        lines = (path / LINES).read_text(encoding="utf-8").splitlines()
        RunFolder(path).write_lines(LINES, (line for line in lines if json.loads(line)["id"] != name))


def _found(folder: RunFolder, name: str) -> ImageRecord:
    for image in folder.read_images():
        if image.id == name:
            return image
    raise UsageError(f"--picture {name!r}: the run has no picture of this id; images.jsonl lists them")


def _notes_about(path: Path, picture: str) -> list[str]:
    return [
        entry.note
        for entry in read_log(path).entries
        if isinstance(entry, Attested | Judged | Undone) and entry.note and entry.subject.picture == picture
    ]


def _rewrite(folder: RunFolder, name: str) -> None:
    """Write the parts and groups without the picture; the part that lists it goes last."""
    for kind in ("verdicts", "findings", "renders"):
        for part in folder.parts(kind):
            rows = folder.read_part(kind, part)
            if rows is None:
                raise RunError(f"{folder.path}/{kind}/{part}.parquet: is damaged; erase the whole run, or run it anew")
            kept = [row for row in rows if row["id"] != name]
            if kind == "findings":
                kept = [_unmentioned(row, name) if part == GROUPS else row for row in kept]
            if kept != rows:
                folder.write_part(kind, part, kept)
    groups = [_without(group, name) for group in folder.read_groups()]
    folder.write_lines("groups.jsonl", (group.model_dump_json() for group in groups))


def _unmentioned(row: dict[str, Any], name: str) -> dict[str, Any]:
    """A finding over the set that stands on another picture's line, without the name of the erased one."""
    finding = Finding.model_validate_json(row["payload"])
    if name not in finding.labels.values():
        return row
    labels = {key: GONE if value == name else value for key, value in finding.labels.items()}
    update = {"labels": labels, "message": _erased(finding.message, name)}
    return finding_row(row["id"], finding.model_copy(update=update))


def _without(group: GroupFinding, name: str) -> GroupFinding:
    if name not in group.members:
        return group
    members = tuple(member for member in group.members if member != name)
    return group.model_copy(
        update={"members": members, "group": _erased(group.group, name), "message": _erased(group.message, name)}
    )


def _erased(text: str, name: str) -> str:
    return text.replace(name, GONE)
