"""Is a picture a copy of one of the user's gallery? The engine reads the gallery and hands its prints over.

A query with `{"facts": true}` tells what the gallery is. Any other one builds on a look of `pixels` and, where there is
one, an embedding of the picture by the role that embedded the gallery, and tells the pictures that it is a copy of.
Without a gallery the perceiver abstains: nothing was compared, which is another thing than having found nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from imgaudit.errors import ModelUnavailable
from imgaudit.percepts import Embedding, GalleryFacts, GalleryMatch, GalleryMatches, Pixels
from imgaudit.registry import perceiver
from imgaudit.types import Abstained, Failed, Look, Sight

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from imgaudit.kernels.copies import Print, Prints

NONE_GIVEN = "not checked against any gallery"
REMEDY = "name a folder of reference works, training samples or protected characters: --gallery DIR"
LISTED = 20
_SUREST = {"exact": 0, "near": 1, "turned": 2, "semantic": 3}


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture of the gallery; `vector` is a unit vector, float32."""

    file: str
    kind: str
    printed: Print
    vector: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Gallery:
    """The pictures that others are compared with.

    Attributes:
        index: hex sha256 over names and contents of all files of the folder.
        entries: pictures that could be read, by file.
        unreadable: file -> why it could not.
        role: who made the vectors, `embedding` or `clip`; None where none could be made.
    """

    index: str
    entries: tuple[Entry, ...]
    unreadable: Mapping[str, str] = field(default_factory=dict)
    role: Literal["embedding", "clip"] | None = None


@perceiver
class GalleryPerceiver:
    """Compares pictures with the user's gallery, by pixels, hashes and embeddings."""

    name: ClassVar[str] = "gallery"
    title: ClassVar[str] = "Copies of the user's gallery"
    version: ClassVar[str] = "1"
    reads: ClassVar[Literal["pixels", "bytes"]] = "pixels"

    def __init__(self, option: str | None = None, gallery: Gallery | None = None) -> None:
        if gallery is None:
            raise ModelUnavailable(NONE_GIVEN, REMEDY)
        if not gallery.entries:
            raise ModelUnavailable(
                f"not checked: none of the {len(gallery.unreadable)} files of the gallery can be read as a picture",
                "export them again as PNG or JPEG",
            )
        from imgaudit.kernels.copies import Prints

        self._gallery = gallery
        self._prints = Prints([entry.printed for entry in gallery.entries])
        self._by_digest: dict[str, list[int]] = {}
        for place, entry in enumerate(gallery.entries):
            self._by_digest.setdefault(entry.printed.digest, []).append(place)
        self._embedded = [place for place, entry in enumerate(gallery.entries) if entry.vector is not None]
        self._vectors = self._matrix()

    def identity(self) -> Mapping[str, str]:
        """Digest of the gallery, what is in it by kind, and which of its files could not be read."""
        gallery = self._gallery
        kinds = Counter(entry.kind for entry in gallery.entries)
        facts = {
            "index": gallery.index,
            "pictures": str(len(gallery.entries)),
            "kinds": ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())),
            "vectors": f"{len(self._embedded)} by {gallery.role}" if gallery.role else "none",
        }
        if gallery.unreadable:
            told = [f"{file}: {why}" for file, why in sorted(gallery.unreadable.items())]
            facts["unreadable"] = str(len(told))
            facts["unreadable files"] = "; ".join(told[:LISTED])
        return facts

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One `GalleryFacts` or `GalleryMatches` a look."""
        facts = GalleryFacts(
            index=self._gallery.index,
            pictures=len(self._gallery.entries),
            unreadable=len(self._gallery.unreadable),
            vectors=self._gallery.role,
        )
        asked = [place for place, look in enumerate(looks) if not look.query.parameters.get("facts")]
        found = dict(zip(asked, self._compare([looks[place] for place in asked]), strict=True))
        return [found.get(place, facts) for place in range(len(looks))]

    def _compare(self, looks: Sequence[Look]) -> Sequence[Sight]:
        from imgaudit.kernels.copies import Prints

        seen = [_pixels(look) for look in looks]
        able = [place for place, sight in enumerate(seen) if isinstance(sight, Pixels)]
        prints = Prints([print_of(seen[place]) for place in able])  # type: ignore[arg-type]
        near = self._near(prints)
        sights: dict[int, Sight] = {}
        for row, place in enumerate(able):
            sights[place] = self._sight(prints.digests[row], near[row], _embedding(looks[place]))
        return [sights[place] if place in sights else seen[place] for place in range(len(looks))]

    def _near(self, prints: Prints) -> list[dict[int, tuple[int, int]]]:
        """For each picture: gallery index -> bits and turn, the straight copy first, then the nearest."""
        from imgaudit.kernels.copies import STRAIGHT, copies_in

        found: list[dict[int, tuple[int, int]]] = [{} for _ in range(len(prints))]
        for piece in copies_in(prints, self._prints):
            for first, second, bits in zip(piece.first, piece.second, piece.bits, strict=True):
                now, before = (int(bits), piece.turn), found[first].get(int(second))
                if before is None or (now[1] != STRAIGHT, now[0]) < (before[1] != STRAIGHT, before[0]):
                    found[first][int(second)] = now
        return found

    def _sight(
        self, digest: str, near: Mapping[int, tuple[int, int]], embedded: Embedding | Abstained | Failed
    ) -> GalleryMatches:
        cosines = self._cosines(embedded)
        matches: dict[int, GalleryMatch] = {
            place: self._match(place, "exact", cosines, 0) for place in self._by_digest.get(digest, ())
        }
        for place, (bits, turn) in near.items():
            matches.setdefault(place, self._near_match(place, bits, turn, cosines))
        start = embedded.copy_from if isinstance(embedded, Embedding) else None
        if start is not None:
            for place in (place for place, cosine in cosines.items() if cosine >= start):
                matches.setdefault(place, self._match(place, "semantic", cosines))
        ranked = sorted(matches.values(), key=lambda m: (_SUREST[m.how], m.bits or 0, -(m.cosine or 0), m.file))
        nearest = max(cosines, key=lambda place: (cosines[place], -place)) if cosines else None
        return GalleryMatches(
            index=self._gallery.index,
            matches=tuple(ranked[:LISTED]),
            copies=len(ranked),
            nearest=None if nearest is None else self._gallery.entries[nearest].file,
            cosine=None if nearest is None else cosines[nearest],
            model=embedded.model if isinstance(embedded, Embedding) and cosines else None,
            copy_from=start,
            copy_basis=embedded.copy_basis if isinstance(embedded, Embedding) else None,
            why_not=None if cosines else self._why_not(embedded),
        )

    def _near_match(self, place: int, bits: int, turn: int, cosines: Mapping[int, float]) -> GalleryMatch:
        from imgaudit.kernels.copies import STRAIGHT
        from imgaudit.kernels.hashes import TURNS

        if turn == STRAIGHT:
            return self._match(place, "near", cosines, bits)
        # what must be done to the picture to get the gallery's; said the other way round
        done = {0: 2, 2: 0}.get(turn, turn)
        return self._match(place, "turned", cosines, bits).model_copy(update={"turn": TURNS[done]})

    def _match(
        self,
        place: int,
        how: Literal["exact", "near", "turned", "semantic"],
        cosines: Mapping[int, float],
        bits: int | None = None,
    ) -> GalleryMatch:
        entry = self._gallery.entries[place]
        return GalleryMatch(file=entry.file, kind=entry.kind, how=how, bits=bits, cosine=cosines.get(place))

    # --- embeddings

    def _matrix(self) -> NDArray[np.float32]:
        import numpy as np

        found = [self._gallery.entries[place].vector for place in self._embedded]
        return np.stack([vector for vector in found if vector is not None]) if found else np.zeros((0, 1), np.float32)

    def _cosines(self, embedded: Embedding | Abstained | Failed) -> dict[int, float]:
        """Gallery index -> cosine; empty where one side has no vector."""
        import numpy as np

        vectors = self._vectors
        if not isinstance(embedded, Embedding) or not len(vectors) or vectors.shape[1] != len(embedded.vector):
            return {}
        cosines = np.clip(vectors @ np.array(embedded.vector, dtype=np.float32), -1, 1)
        return {place: round(float(value), 6) for place, value in zip(self._embedded, cosines, strict=True)}

    def _why_not(self, embedded: Embedding | Abstained | Failed) -> str:
        if isinstance(embedded, Embedding):
            return "no picture of the gallery has an embedding"
        return embedded.reason if isinstance(embedded, Abstained) else embedded.error


def print_of(look: Pixels) -> Print:
    """What of a look is compared."""
    from imgaudit.kernels.copies import Print

    return Print(look.digest, look.pdq, look.pdq_quality, look.phash, look.grid, look.turned)


def _pixels(look: Look) -> Pixels | Abstained | Failed:
    for sight in look.upstream:
        if isinstance(sight, Pixels):
            return sight
    lost = [sight for sight in look.upstream if isinstance(sight, (Abstained, Failed))]
    return lost[0] if lost else Failed("gallery: a query needs 'facts', or a look of pixels to build on")


def _embedding(look: Look) -> Embedding | Abstained | Failed:
    for sight, query in zip(look.upstream, look.query.upstream, strict=True):
        if query.perceiver != "pixels" and isinstance(sight, (Embedding, Abstained, Failed)):
            return sight
    return Abstained("no embedding was asked for")
