"""Reading the user's gallery: its files are found and digested first, and looked at when somebody needs them.

Gallery files are as hostile as any picture: they are decoded under the same limits, one that is broken is named and
left out, and what was seen of a file stays in the percept cache, so that a grown gallery only costs its new files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from imgaudit.digest import digest, digest_bytes
from imgaudit.engine.perceiving import Planner, Subject
from imgaudit.errors import ModelUnavailable, PictureError, UsageError
from imgaudit.perceivers.gallery import Entry, Gallery, GalleryPerceiver, print_of
from imgaudit.percepts import Embedding, Pixels
from imgaudit.pictures import FoundFile, find_files, read
from imgaudit.types import Abstained, Case, Percepts, Query

CHUNK = 32
ROOT_KIND = "gallery"
Role = Literal["embedding", "clip"]
ROLES: tuple[Role, ...] = ("embedding", "clip")
PIXELS, EMBEDDING, CLIP = Query("pixels"), Query("embedding"), Query("clip", {"embed": True})


@dataclass(frozen=True)
class GalleryFiles:
    """The files of a gallery as they lie there.

    Attributes:
        files: pictures by suffix or content.
        digests: digest of each file's bytes, by path below the folder; of one that cannot be read, why not.
        index: hex sha256 over all of them.
    """

    files: tuple[FoundFile, ...]
    digests: dict[str, str]
    index: str

    @classmethod
    def of(cls, folder: Path) -> GalleryFiles:
        """Search a folder. Raises UsageError when it is none, or holds no picture."""
        if not folder.is_dir():
            raise UsageError(f"--gallery {str(folder)!r}: there is no such folder; expected a folder of pictures")
        files = find_files([folder]).files
        if not files:
            raise UsageError(f"--gallery {str(folder)!r}: holds no pictures; expected PNG, JPEG, WebP or the like")
        digests = {file.relative: _digest(file) for file in files}
        return cls(files, digests, digest(sorted(digests.items())))

    def chunks(self) -> Iterator[tuple[FoundFile, ...]]:
        """Files that are looked at together."""
        for start in range(0, len(self.files), CHUNK):
            yield self.files[start : start + CHUNK]


def _digest(file: FoundFile) -> str:
    try:
        return digest_bytes(read(file.path))
    except PictureError as error:
        return str(error)


def furnish(planner: Planner, files: GalleryFiles, advance: Callable[[int], None] = lambda _: None) -> None:
    """Look at a gallery, and let the planner's pool compare pictures with it from now on.

    A pool that knows this very gallery already is left as it is.
    """
    if planner.pool.identity("gallery").get("index") == files.index:
        return
    entries: list[Entry] = []
    unreadable: dict[str, str] = {}
    roles: set[Role] = set()
    for chunk in files.chunks():
        subjects = [subject for subject in map(_subject, chunk) if _kept(subject, unreadable)]
        planner.read_headers(subjects)
        for subject, seen in zip(subjects, planner.look(subjects, _wants), strict=True):
            _add(subject, seen, entries, unreadable, roles)
            subject.release()
        advance(len(chunk))
    role = next((role for role in ROLES if role in roles), None)
    ordered = tuple(sorted(entries, key=lambda entry: entry.file))
    gallery = Gallery(files.index, ordered, unreadable, role)
    try:
        planner.pool.provide("gallery", GalleryPerceiver(gallery=gallery))
    except ModelUnavailable as error:
        planner.pool.provide("gallery", Abstained(error.reason, error.remedy))


def _subject(file: FoundFile) -> Subject:
    try:
        data, error = read(file.path), None
    except PictureError as problem:
        data, error = b"", str(problem)
    subject = Subject(id=file.relative, path=file.relative, data=data, case=Case(id=ROOT_KIND), generated=False)
    if error is not None:
        subject.header = {"unread": True, "error": error, "pixels": None}
    return subject


def _kept(subject: Subject, unreadable: dict[str, str]) -> bool:
    if subject.unread:
        unreadable[subject.path] = str(subject.known_header()["error"])
    return not subject.unread


def _wants(subject: Subject, percepts: Percepts) -> Iterator[Query]:
    """Pixels and the vector that the run's own pictures get: that of --embedding, else that of --clip."""
    yield PIXELS
    yield EMBEDDING
    if EMBEDDING in percepts and not isinstance(percepts[EMBEDDING], Embedding):
        yield CLIP


def _add(
    subject: Subject,
    seen: Percepts,
    entries: list[Entry],
    unreadable: dict[str, str],
    roles: set[Role],
) -> None:
    import numpy as np

    look = seen.seen(PIXELS, Pixels)
    if not isinstance(look, Pixels):
        why = look.reason if isinstance(look, Abstained) else look.error
        unreadable[subject.path] = str(subject.known_header().get("error") or why)
        return
    vector = None
    for role, query in zip(ROLES, (EMBEDDING, CLIP), strict=True):
        found = seen.get(query)
        if vector is None and isinstance(found, Embedding):
            vector = np.array(found.vector, dtype=np.float32)
            roles.add(role)
    folder, _, rest = subject.path.partition("/")
    entries.append(Entry(subject.path, folder if rest else ROOT_KIND, print_of(look), vector))
